/* Writes the checked tree as a program: one sealed unit a campaign, rule and message, and one for topics and policy.
 *
 * Not here: expressions (emit_expr.c), statements (emit_stmt.c), templates (template.c), what stays alive (live.c).
 *
 * Invariants:
 * 1. A unit holds only what it uses, in the order in which it uses it, and nothing of its place in a file: equal meaning
 *    gives equal bytes and so an equal hash.
 * 2. Step code stands first, expression code behind it; every filter, arm and key ends with RET.
 * 3. What would break a limit of the file format is said to the author here; so unit_verify never refuses what comes out.
 * 4. Units are emitted on several cores. Code of definitions that many units use is written from one tree, so emitting a unit
 *    changes nothing in the tree but what is the unit's own. When a limit is met, all is emitted again by one. */
#include "emit.h"
#include "care.h"
#include "mail.h"
#include "workers.h"

#include "vm/base/hash.h"
#include "vm/schedule.h"

enum { UNITS_TAKEN = 64 }; /* by a worker at a time */

/* --- tables -------------------------------------------------------------------------------------------------------- */
static const struct hash_key index_key = { 0x63616d70, 0x656d6974 };

void build_limit(struct builder *b, const char *what, uint32_t limit) {
  if (!b->failed)
    diag(b->c, DIAG_E0509, b->span, "this has more than %u %s", limit, what);
  b->failed = true;
}

static bool index_same(const struct builder *b, const struct index_entry *e, enum index_kind kind, const void *what) {
  if (e->kind != (uint8_t)kind)
    return false;
  switch (kind) {
  case INDEX_STRING: return str_eq(b->strings.items[e->item], *(const struct str *)what);
  case INDEX_MEASURE: return e->item != NONE && b->measures.items[e->item].text == *(const uint32_t *)what;
  case INDEX_FIELD: {
    const struct field *x = &b->fields.items[e->item], *y = what;
    return x->name == y->name && x->type == y->type && x->currency == y->currency;
  }
  case INDEX_CONST: {
    struct value x = b->consts.items[e->item], y = *(const struct value *)what;
    if (x.type != y.type || x.aux != y.aux)
      return false;
    return x.type == V_TEXT ? str_eq(value_str(x), value_str(y)) : x.i == y.i;
  }
  }
  return false;
}

static struct index_entry *index_slot(const struct builder *b, uint64_t hash, enum index_kind kind, const void *what) {
  for (uint32_t i = (uint32_t)hash & (b->index_cap - 1);; i = (i + 1) & (b->index_cap - 1)) {
    struct index_entry *e = &b->index[i];
    if (e->generation != b->generation || (e->hash == hash && (!what || index_same(b, e, kind, what))))
      return e;
  }
}

static void index_grow(struct builder *b) {
  struct index_entry *old = b->index;
  uint32_t cap = b->index_cap;
  b->index_cap = cap ? cap * 2 : 256;
  b->index = arena_zalloc(b->a, b->index_cap, sizeof *b->index);
  for (uint32_t i = 0; i < cap; i++)
    if (old[i].generation == b->generation) {
      uint32_t at = (uint32_t)old[i].hash & (b->index_cap - 1);
      while (b->index[at].generation == b->generation)
        at = (at + 1) & (b->index_cap - 1);
      b->index[at] = old[i];
    }
}

/* The entry of an item, or a fresh one that the caller fills (item NONE). */
static struct index_entry *index_of(struct builder *b, uint64_t hash, enum index_kind kind, const void *what) {
  if (b->index_count * 2 >= b->index_cap)
    index_grow(b);
  hash ^= hash_u64((uint64_t)kind + 1);
  struct index_entry *e = index_slot(b, hash, kind, what);
  if (e->generation != b->generation) {
    *e = (struct index_entry){ hash, b->generation, NONE, (uint8_t)kind };
    b->index_count++;
  }
  return e;
}

static bool table_has_room(struct builder *b, uint32_t count, const char *what) {
  if (count < LIMIT_UNIT_ITEMS_COUNT)
    return true;
  build_limit(b, what, LIMIT_UNIT_ITEMS_COUNT);
  return false;
}

uint32_t build_string(struct builder *b, struct str s) {
  struct index_entry *e = index_of(b, hash_str(index_key, s), INDEX_STRING, &s);
  if (e->item == NONE) {
    if (!table_has_room(b, b->strings.count, "different texts"))
      return e->item = 0;
    e->item = b->strings.count;
    VEC_PUSH(b->a, &b->strings, s);
  }
  return e->item;
}

uint32_t build_const(struct builder *b, struct value v) {
  uint64_t hash = v.type == V_TEXT ? hash_str(index_key, value_str(v)) : hash_u64((uint64_t)v.i ^ ((uint64_t)v.aux << 32));
  struct index_entry *e = index_of(b, hash ^ v.type, INDEX_CONST, &v);
  if (e->item == NONE) {
    if (!table_has_room(b, b->consts.count, "different constants"))
      return e->item = 0;
    e->item = b->consts.count;
    VEC_PUSH(b->a, &b->consts, v);
  }
  return e->item;
}

uint32_t build_field(struct builder *b, struct str name, struct type t) {
  struct field f = { build_string(b, name), t.kind, t.kind == V_MONEY ? t.currency : 0 };
  uint64_t hash = hash_u64(f.name | (uint64_t)f.type << 32) ^ hash_u64(f.currency);
  struct index_entry *e = index_of(b, hash, INDEX_FIELD, &f);
  if (e->item == NONE) {
    if (!table_has_room(b, b->fields.count, "different properties"))
      return e->item = 0;
    e->item = b->fields.count;
    VEC_PUSH(b->a, &b->fields, f);
  }
  return e->item;
}

uint32_t build_measure_find(struct builder *b, uint32_t text) {
  return index_of(b, hash_u64(text), INDEX_MEASURE, &text)->item;
}

uint32_t build_measure_add(struct builder *b, struct measure m) {
  uint32_t index = b->measures.count;
  index_of(b, hash_u64(m.text), INDEX_MEASURE, &m.text)->item = index;
  VEC_PUSH(b->a, &b->measures, m);
  return index;
}

/* --- code ---------------------------------------------------------------------------------------------------------- */
static void code_byte(struct builder *b, uint32_t byte) { VEC_PUSH(b->a, &b->code, (uint8_t)byte); }

static void code_operand(struct builder *b, char letter, uint32_t value) {
  code_byte(b, value & 0xff);
  if (letter == 'l' || letter == 'n')
    return;
  code_byte(b, value >> 8 & 0xff);
  if (letter == 'j') {
    code_byte(b, value >> 16 & 0xff);
    code_byte(b, value >> 24);
  }
}

static void build_depth(struct builder *b, int32_t change) {
  b->depth += change;
  if (b->depth > b->depth_max)
    b->depth_max = b->depth;
}

uint32_t build_op(struct builder *b, enum opcode op, uint32_t x, uint32_t y) {
  uint32_t pc = b->code.count;
  if (pc + 16 > LIMIT_UNIT_CODE_BYTES) {
    build_limit(b, "bytes of code", LIMIT_UNIT_CODE_BYTES);
    return pc;
  }
  const struct opcode_info *info = &opcode_table[op];
  CHECK(info->name);
  code_byte(b, op);
  if (info->operands[0])
    code_operand(b, info->operands[0], x);
  if (info->operands[0] && info->operands[1])
    code_operand(b, info->operands[1], y);
  if (op == OP_ONEOF)
    build_depth(b, -(int32_t)x);
  else if (info->operands[0] == 'e')
    build_depth(b, -(int32_t)b->emits.items[x].key_count);
  else if (op == OP_WAIT || op == OP_OVER)
    build_depth(b, b->waits_made.items[x].arm_pc == NONE ? 0 : -1);
  else if (op != OP_EACH)
    build_depth(b, info->pushes - info->pops);
  return pc;
}

uint32_t build_jump(struct builder *b, enum opcode op, uint32_t local) {
  return op == OP_EACH ? build_op(b, op, local, 0) : build_op(b, op, 0, 0);
}

void build_land(struct builder *b, uint32_t jump_pc) {
  if (b->failed)
    return;
  uint32_t at = jump_pc + 1 + (b->code.items[jump_pc] == OP_EACH), target = b->code.count;
  for (uint32_t i = 0; i < 4; i++)
    b->code.items[at + i] = (uint8_t)(target >> (8 * i));
}

uint32_t build_local(struct builder *b) {
  if (b->local_next >= LIMIT_LOCALS_COUNT) {
    build_limit(b, "values to remember at a time", LIMIT_LOCALS_COUNT);
    return 0;
  }
  uint32_t l = b->local_next++;
  if (b->local_next > b->local_high)
    b->local_high = b->local_next;
  return l;
}

/* --- steps --------------------------------------------------------------------------------------------------------- */
/* The statement as one line: white space folded, comments left out. Most are one line already and are borrowed. */
static struct str label_of(struct builder *b, struct str text) {
  bool plain = true, quoted = false;
  while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '{' ||
                      text.ptr[text.len - 1] == '\r' || text.ptr[text.len - 1] == '\t'))
    text.len--;
  for (size_t i = 0; i < text.len && plain; i++)
    plain = text.ptr[i] >= ' ' && text.ptr[i] != '#' && !(text.ptr[i] == ' ' && text.ptr[i + 1] == ' ');
  if (plain)
    return text;
  char *out = arena_alloc(b->a, text.len + 1);
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    char ch = text.ptr[i];
    if (ch == '"')
      quoted = !quoted;
    if (ch == '#' && !quoted) {
      while (i + 1 < text.len && text.ptr[i + 1] != '\n')
        i++;
      continue;
    }
    if (ch == '\n' || ch == '\r' || ch == '\t')
      ch = ' ';
    if (ch != ' ' || (len && out[len - 1] != ' '))
      out[len++] = ch;
  }
  return (struct str){ out, len };
}

void build_step(struct builder *b, const struct stmt *st) {
  const struct source *source = &b->c->sources.items[st->span.source];
  if (b->steps.count && b->steps.items[b->steps.count - 1].pc == b->code.count)
    return;
  struct step step = { .pc = b->code.count };
  source_place(source, st->span.from, &step.line, &step.column);
  if (st->span.source != b->span.source)
    step.file = source->path;
  if (b->steps.count && b->steps.items[b->steps.count - 1].line == step.line &&
      b->steps.items[b->steps.count - 1].column == step.column && str_eq(b->steps.items[b->steps.count - 1].file, step.file))
    step.label = b->steps.items[b->steps.count - 1].label;
  else
    step.label = label_of(b, (struct str){ source->text.ptr + st->span.from, st->span.to - st->span.from });
  VEC_PUSH(b->a, &b->steps, step);
}

void build_place(struct builder *b, enum place_kind kind, uint32_t item, struct span span) {
  if (b->places_of)
    VEC_PUSH(b->a, &b->places, ((struct code_place){ .kind = (uint8_t)kind, .item = item, .span = span }));
}

void build_condition_span(struct builder *b, struct span span, uint32_t from) {
  if (!b->places_of || b->in_measure)
    return;
  build_place(b, PLACE_CONDITION, b->code.count, span);
  b->places.items[b->places.count - 1].from = from;
}

/* What `and` and `or` join is noted by itself, so the whole is not. */
void build_condition(struct builder *b, const struct expr *e, uint32_t from) {
  const struct expr *inner = e;
  for (;;) {
    if (inner->kind == EXPR_UNARY && inner->op == UN_NOT)
      inner = inner->a;
    else if (inner->kind == EXPR_NAME && inner->target == TARGET_DEFINE)
      inner = ((const struct define_decl *)inner->decl)->value;
    else
      break;
  }
  if (inner->kind != EXPR_BINARY || (inner->op != BIN_AND && inner->op != BIN_OR))
    build_condition_span(b, e->span, from);
}

/* --- units --------------------------------------------------------------------------------------------------------- */
void builder_init(struct builder *b, struct compilation *c, struct scope *s) {
  *b = (struct builder){ .c = c, .s = s, .a = &c->arena };
  buf_init(&b->text, 64u << 10);
}
void builder_deinit(struct builder *b) { buf_deinit(&b->text); }

void build_begin(struct builder *b, struct unit *u, enum unit_kind kind, struct str name, struct span span) {
  b->unit = u;
  b->unit->kind = (uint8_t)kind;
  b->unit->file = b->c->sources.items[span.source].path;
  b->span = span;
  b->campaign = NULL;
  b->waits = b->failed = false;
  b->strings.count = b->consts.count = b->fields.count = b->measures.count = b->triggers.count = b->stops.count = b->schedules.count = 0;
  b->goals.count = b->waits_made.count = b->branches.count = b->emits.count = b->emit_keys.count = b->code.count = b->exits.count = 0;
  b->steps.count = b->pending.count = b->places.count = b->items.count = b->repeats.count = b->score_rules.count = 0;
  b->experiments.count = b->variants.count = b->responses.count = 0;
  b->index_count = 0;
  b->generation++;
  b->local_next = b->local_high = 0;
  b->depth = b->depth_max = 0;
  b->hand = NULL;
  b->hand_frame = NULL;
  b->unit->name = build_string(b, name);
  b->unit->channel = b->unit->topic = NONE;
  b->unit->entry.key_pc = NONE;
}

static void *copy(struct builder *b, const void *items, uint32_t count, size_t item_bytes) {
  if (!count)
    return NULL;
  void *out = arena_alloc(b->a, count * item_bytes);
  memcpy(out, items, count * item_bytes);
  return out;
}
#define TAKE(field, count_field, vec)                                                                                \
  do {                                                                                                               \
    b->unit->field = copy(b, b->vec.items, b->vec.count, sizeof *b->vec.items);                                      \
    b->unit->count_field = b->vec.count;                                                                             \
  } while (0)

void build_finish(struct builder *b) {
  if (b->depth_max > LIMIT_STACK_COUNT)
    build_limit(b, "values in one expression", LIMIT_STACK_COUNT);
  if (b->waits_made.count > LIMIT_UNIT_ITEMS_COUNT || b->branches.count > LIMIT_UNIT_ITEMS_COUNT ||
      b->measures.count > LIMIT_UNIT_ITEMS_COUNT || b->emits.count > LIMIT_UNIT_ITEMS_COUNT)
    build_limit(b, "waits, events or conditions", LIMIT_UNIT_ITEMS_COUNT);
  if (b->failed)
    return;
  live_fill(b);
  b->unit->local_count = (uint8_t)b->local_high;
  TAKE(strings, string_count, strings);
  TAKE(consts, const_count, consts);
  TAKE(fields, field_count, fields);
  TAKE(measures, measure_count, measures);
  TAKE(triggers, trigger_count, triggers);
  TAKE(stops, stop_count, stops);
  TAKE(goals, goal_count, goals);
  TAKE(schedules, schedule_count, schedules);
  TAKE(score_rules, score_rule_count, score_rules);
  TAKE(waits, wait_count, waits_made);
  TAKE(branches, branch_count, branches);
  TAKE(emits, emit_count, emits);
  TAKE(emit_keys, emit_key_count, emit_keys);
  TAKE(experiments, experiment_count, experiments);
  TAKE(variants, variant_count, variants);
  TAKE(responses, response_count, responses);
  TAKE(code, code_bytes, code);
  TAKE(steps, step_count, steps);
  if (b->places_of)
    *b->places_of = (struct unit_places){ copy(b, b->places.items, b->places.count, sizeof *b->places.items), b->places.count };
  unit_seal(b->a, b->unit);
  struct program_error e;
  if (unit_verify(b->unit, &e) != CAMP_OK) {
    fprintf(stderr, "camp: unit " STR_FMT ": %s\n", STR_ARG(unit_name(b->unit)), e.text);
    check_failed("the emitted unit passes the verifier", __FILE__, __LINE__);
  }
}

void build_pending(struct builder *b) {
  for (uint32_t i = 0; i < b->pending.count && !b->failed; i++) {
    struct pending p = b->pending.items[i]; /* a copy: the vector grows below */
    uint32_t pc = b->code.count;
    bool any = true;
    b->depth = 0;
    b->hand = p.event;
    b->hand_frame = p.kind == PENDING_TRIGGER || p.kind == PENDING_KEY ? b->campaign->frame : NULL;
    b->in_measure = p.kind == PENDING_MEASURE || p.kind == PENDING_SCORE || p.kind == PENDING_RESPONSE;
    if (p.kind == PENDING_ARM)
      emit_deadline(b, p.arm);
    else if (p.kind == PENDING_REPLY)
      emit_reply_filter(b, p.local, p.well);
    else if (p.kind == PENDING_KEY || p.kind == PENDING_SCHEDULE || p.kind == PENDING_STILL)
      emit_expr(b, p.cond);
    else
      any = emit_filter(b, p.event, b->in_measure, p.cond);
    if (any)
      build_op(b, OP_RET, 0, 0);
    else
      pc = NONE;
    b->in_measure = false;
    b->hand = NULL;
    b->hand_frame = NULL;
    switch (p.kind) {
    case PENDING_TRIGGER: b->triggers.items[p.item].filter_pc = pc; break;
    case PENDING_STOP: b->stops.items[p.item].filter_pc = pc; break;
    case PENDING_GOAL: b->goals.items[p.item].filter_pc = pc; break;
    case PENDING_REPLY:
    case PENDING_BRANCH: b->branches.items[p.item].filter_pc = pc; break;
    case PENDING_MEASURE: b->measures.items[p.item].filter_pc = pc; break;
    case PENDING_ARM: case PENDING_STILL: b->waits_made.items[p.item].arm_pc = pc; break;
    case PENDING_RESPONSE: b->responses.items[p.item].filter_pc = pc; break;
    case PENDING_SCORE: b->score_rules.items[p.item].filter_pc = pc; break;
    case PENDING_SCHEDULE: b->schedules.items[p.item].filter_pc = pc; break;
    default: b->unit->entry.key_pc = pc; break;
    }
  }
}

/* --- triggers ------------------------------------------------------------------------------------------------------ */
/* A conjunct `property is "text"` of the event's own, so that dispatch can hash it. */
static bool guard_find(struct builder *b, const struct expr *e, const struct event_ref *event, struct trigger *t) {
  if (!e || e->kind != EXPR_BINARY)
    return false;
  if (e->op == BIN_AND)
    return guard_find(b, e->a, event, t) || guard_find(b, e->b, event, t);
  if (e->op != BIN_IS)
    return false;
  const struct expr *property = e->a, *text = e->b;
  if (property->kind == EXPR_LITERAL) {
    property = e->b;
    text = e->a;
  }
  if (text->kind != EXPR_LITERAL || text->value.type != V_TEXT || property->target != TARGET_PROPERTY ||
      (property->kind != EXPR_NAME && property->kind != EXPR_MEMBER))
    return false;
  const struct use *u = property->decl;
  if (u->member && u->member->initial) /* an event without the property may match by the initial value */
    return false;
  if ((u->type.kind != V_TEXT && u->type.kind != V_MISSING) || (u->only.len && !str_eq(u->only, event->name.text)))
    return false;
  t->guard_field = build_string(b, u->name);
  t->guard_text = build_string(b, value_str(text->value));
  return true;
}

static struct trigger trigger_of(struct builder *b, const struct event_ref *event, const struct expr *cond) {
  struct trigger t = { .event = build_string(b, event->name.text), .guard_field = NONE, .guard_text = NONE,
                       .filter_pc = NONE, .start_pc = NONE };
  if (event->of.text.len) {
    t.guard_field = build_string(b, STR("message"));
    t.guard_text = build_string(b, event->of.text);
  } else if (!guard_find(b, event->where, event, &t)) {
    guard_find(b, cond, event, &t);
  }
  return t;
}

static void pending_add(struct builder *b, enum pending_kind kind, uint32_t item, const struct event_ref *event,
                        const struct expr *cond) {
  VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = (uint8_t)kind, .item = item, .event = event, .cond = cond }));
}

static void emit_starts(struct builder *b, const struct campaign_decl *cd) {
  bool values = false;
  for (struct use *u = cd->frame->uses; u; u = u->next)
    if (u->later && (b->waits || cd->frame->event_count > 1 || cd->schedules)) {
      u->local = build_local(b);
      values = true;
    }
  uint32_t jumps_from = b->pcs.count = 0, left = cd->frame->event_count;
  for (const struct start_clause *st = cd->starts; st; st = st->next)
    for (const struct event_ref *e = st->events; e; e = e->next) {
      struct trigger t = trigger_of(b, e, st->where_cond);
      t.start_pc = b->code.count;
      if (values)
        emit_start_values(b, cd->frame, e, false);
      if (values && --left)
        VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
      if (e->of.text.len || e->where || st->where_cond)
        pending_add(b, PENDING_TRIGGER, b->triggers.count, e, st->where_cond);
      build_place(b, PLACE_START, b->triggers.count, st->events->next ? e->span : st->span);
      VEC_PUSH(b->a, &b->triggers, t);
    }
  for (uint32_t i = jumps_from; i < b->pcs.count; i++)
    build_land(b, b->pcs.items[i]);
  b->pcs.count = 0;
}

/* The list or segment without which `for` never holds: a conjunct that is a bare name. */
static struct str audience_list(const struct expr *e) {
  if (!e || e->kind == EXPR_BAD)
    return (struct str){ NULL, 0 };
  if (e->kind == EXPR_BINARY && e->op == BIN_AND) {
    struct str left = audience_list(e->a);
    return left.len ? left : audience_list(e->b);
  }
  if (e->kind != EXPR_NAME)
    return (struct str){ NULL, 0 };
  if (e->target == TARGET_SEGMENT)
    return e->name.text;
  return e->target == TARGET_LIST ? ((const struct list_decl *)e->decl)->name.text
         : e->target == TARGET_DEFINE ? audience_list(((const struct define_decl *)e->decl)->value)
                                      : (struct str){ NULL, 0 };
}

/* What a schedule is known by across versions: its moment, whoever it is for. A second one of the same moment is numbered. */
static uint32_t schedule_text(struct builder *b, const struct schedule_clause *s) {
  buf_clear(&b->text);
  struct schedule moment = { .kind = s->kind, .days = s->days, .at_ms = s->at_ms };
  schedule_show(&b->text, &moment);
  if (s->zone.text.len) {
    buf_c(&b->text, " in ");
    buf_str(&b->text, s->zone.text);
  }
  struct str text = arena_str(b->a, buf_as_str(&b->text)), numbered = text;
  for (uint32_t i = 0, number = 2; i < b->schedules.count; i++)
    if (str_eq(b->strings.items[b->schedules.items[i].text], numbered)) {
      numbered = arena_printf(b->a, STR_FMT " (%u)", STR_ARG(text), number++);
      i = UINT32_MAX; /* from the beginning again */
    }
  return build_string(b, numbered);
}

static void emit_schedules(struct builder *b, const struct campaign_decl *cd) {
  for (const struct schedule_clause *s = cd->schedules; s; s = s->next) {
    struct str list = audience_list(s->audience);
    struct schedule made = { .kind = s->kind, .days = s->days, .at_ms = s->at_ms, .filter_pc = NONE, .start_pc = b->code.count,
                             .zone = s->zone.text.len ? build_string(b, s->zone.text) : NONE,
                             .list = list.len ? build_string(b, list) : NONE, .text = schedule_text(b, s) };
    if (s->audience)
      pending_add(b, PENDING_SCHEDULE, b->schedules.count, NULL, s->audience);
    build_place(b, PLACE_SCHEDULE, b->schedules.count, s->span);
    VEC_PUSH(b->a, &b->schedules, made);
  }
}

static void emit_stops(struct builder *b, const struct campaign_decl *cd) {
  for (const struct goal_clause *g = cd->goals; g; g = g->next)
    for (const struct event_ref *e = g->events; e; e = e->next) {
      struct trigger t = trigger_of(b, e, NULL);
      t.within = g->within;
      if (e->of.text.len || e->where)
        pending_add(b, PENDING_GOAL, b->goals.count, e, NULL);
      build_place(b, PLACE_GOAL, b->goals.count, g->events->next ? e->span : g->span);
      VEC_PUSH(b->a, &b->goals, t);
    }
  for (const struct stop_clause *st = cd->stops; st; st = st->next)
    for (const struct event_ref *e = st->events; e; e = e->next) {
      struct trigger t = trigger_of(b, e, NULL);
      if (e->of.text.len || e->where)
        pending_add(b, PENDING_STOP, b->stops.count, e, NULL);
      build_place(b, PLACE_STOP, b->stops.count, st->events->next ? e->span : st->span);
      VEC_PUSH(b->a, &b->stops, t);
    }
}

static void emit_entry(struct builder *b, const struct campaign_decl *cd) {
  struct entry_rule *rule = &b->unit->entry;
  rule->kind = cd->rule ? ENTRY_EVERY_TIME : ENTRY_ONCE_AT_A_TIME;
  rule->resume = cd->resume;
  if (cd->has_end)
    rule->ends = (struct value){ .type = V_LOCAL, .i = cd->ends_ms };
  if (!cd->entry.given)
    return;
  rule->kind = cd->entry.kind;
  rule->at_once = cd->entry.at_once;
  rule->within = cd->entry.within;
  if (cd->entry.key)
    pending_add(b, PENDING_KEY, 0, NULL, cd->entry.key);
}

static void emit_campaign(struct builder *b, struct unit *u, const struct item *item) {
  const struct campaign_decl *cd = &item->campaign;
  build_begin(b, u, cd->rule ? UNIT_RULE : UNIT_CAMPAIGN, cd->name.text, cd->rule ? item->span : cd->name.span);
  b->campaign = cd;
  b->waits = block_suspends(cd->body) || ((cd->goals || cd->stops) && !cd->rule);
  emit_starts(b, cd);
  emit_schedules(b, cd);
  emit_stops(b, cd);
  emit_entry(b, cd);
  if (!b->waits && cd->frame->event_count == 1 && !cd->schedules) {
    b->hand_frame = cd->frame;
    b->hand = cd->starts->events;
  }
  emit_body(b, cd);
  b->hand = NULL;
  b->hand_frame = NULL;
  build_pending(b);
  build_finish(b);
}

/* --- the program --------------------------------------------------------------------------------------------------- */
static const struct str *names_of(struct builder *b, enum space space, uint8_t kind, uint32_t *count) {
  VEC(struct str) names = { 0 };
  for (uint32_t i = 0; i < b->s->declared[space].count; i++) {
    const struct item *item = b->s->declared[space].items[i];
    if (item->kind == kind)
      VEC_PUSH(b->a, &names, kind == ITEM_EVENT ? item->event.name.text : item->list.name.text);
  }
  *count = names.count;
  return names.items;
}

static void emit_sources(struct builder *b, struct program *p) {
  struct compilation *c = b->c;
  struct str *files = arena_zalloc(b->a, c->sources.count, sizeof *files);
  struct str *sources = arena_zalloc(b->a, c->sources.count, sizeof *sources);
  for (uint32_t i = 0; i < c->sources.count; i++)
    if (!c->sources.items[i].standard) {
      files[p->file_count] = c->sources.items[i].path;
      sources[p->file_count++] = c->sources.items[i].text;
    }
  p->files = files;
  p->sources = sources;
}

/* What becomes a unit, and the units: each is a job. */
struct emission {
  struct scope *scope;
  struct item **items;
  struct operation_decl **operations; /* an operation of the connector that the item is, else NULL */
  struct unit *units;
  struct unit_places *places;
  uint32_t count;
  atomic_bool mistaken;
};

static void emit_units(struct emission *e, struct builder *b, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++) {
    e->units[i] = (struct unit){ 0 }; /* of a first try that met a mistake */
    b->places_of = &e->places[i];
    if (e->operations[i])
      emit_operation(b, &e->units[i], e->operations[i]);
    else if (e->items[i]->kind == ITEM_CHANNEL)
      emit_channel(b, &e->units[i], e->items[i]);
    else if (e->items[i]->kind == ITEM_MESSAGE)
      emit_message(b, &e->units[i], e->items[i]);
    else if (e->items[i]->kind == ITEM_SEGMENT)
      emit_segment(b, &e->units[i], e->items[i]);
    else if (e->items[i]->kind == ITEM_SCORE)
      emit_score(b, &e->units[i], e->items[i]);
    else if (e->items[i]->kind == ITEM_TOPIC)
      emit_topic(b, &e->units[i], e->items[i]);
    else
      emit_campaign(b, &e->units[i], e->items[i]);
  }
}

static void emit_jobs(struct worker *w, void *context) {
  struct emission *e = context;
  struct builder b;
  builder_init(&b, &w->own, e->scope);
  for (uint32_t from, to; !e->mistaken && worker_take(w, &from, &to);)
    emit_units(e, &b, from, to);
  builder_deinit(&b);
  if (worker_met_mistake(w))
    e->mistaken = true;
}

/* A segment or a score of the standard library costs only who uses it. */
static bool is_unit(const struct scope *s, struct item *i) {
  if (i->kind == ITEM_SCORE)
    return scope_item(s, SPACE_VALUE, i->score.name.text) == i && (i->score.used || !scope_is_standard(s, i));
  if (i->kind == ITEM_SEGMENT)
    return scope_item(s, SPACE_VALUE, i->define.name.text) == i && (i->define.used || !scope_is_standard(s, i));
  if (i->kind == ITEM_CHANNEL)
    return scope_item(s, SPACE_CHANNEL, i->channel.name.text) == i;
  return i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE || i->kind == ITEM_MESSAGE;
}

static void collect_units(struct compilation *c, struct tree *tree, struct emission *e) {
  VEC(struct item *) items = { 0 };
  VEC(struct operation_decl *) operations = { 0 };
  for (struct item *i = tree->items; i; i = i->next) {
    if (is_unit(e->scope, i) || policy_is_unit(i)) {
      VEC_PUSH(&c->arena, &items, i);
      VEC_PUSH(&c->arena, &operations, NULL);
    }
    bool in_force = i->kind == ITEM_CONNECTOR && scope_item(e->scope, SPACE_CONNECTOR, i->connector.name.text) == i;
    for (struct operation_decl *o = in_force ? i->connector.operations : NULL; o; o = o->next) {
      if (!o->called && scope_is_standard(e->scope, i))
        continue; /* costs only who calls it */
      VEC_PUSH(&c->arena, &items, i);
      VEC_PUSH(&c->arena, &operations, o);
    }
  }
  e->items = items.items;
  e->operations = operations.items;
  e->count = items.count;
  uint32_t room = items.count + 1 + emit_files(NULL, NULL, tree); /* and the policy */
  e->units = arena_alloc(&c->arena, room * sizeof *e->units);
  e->places = arena_zalloc(&c->arena, room, sizeof *e->places);
}

void emit_program(struct compilation *c, struct tree *tree, struct scope *scope) {
  struct builder b;
  struct emission e = { .scope = scope };
  uint32_t workers = workers_count(c);
  builder_init(&b, c, scope);
  collect_units(c, tree, &e);
  if (workers > 1) {
    struct workers all = { .context = &e, .job_count = e.count, .take = UNITS_TAKEN, .run = emit_jobs };
    workers_run(&all, c, workers);
  }
  if (workers == 1 || e.mistaken)
    emit_units(&e, &b, 0, e.count);
  rules_compare(c, scope, e.items, e.units, e.count);
  b.places_of = NULL;
  c->places = e.places;
  if (emit_policy(&b, &e.units[e.count], tree))
    e.count++;
  e.count += emit_files(&b, &e.units[e.count], tree);
  for (struct item *i = tree->items; i; i = i->next)
    if (i->kind == ITEM_TEST)
      emit_test(&b, i);
  if (e.count > LIMIT_UNIT_COUNT)
    diag(c, DIAG_E0509, tree->items->span, "the project has more than %u campaigns, rules and messages", LIMIT_UNIT_COUNT);
  struct program *p = &c->program;
  p->units = e.units;
  p->unit_count = e.count;
  p->zone = scope->zone.len ? scope->zone : STR("UTC");
  p->events = names_of(&b, SPACE_EVENT, ITEM_EVENT, &p->event_count);
  p->lists = names_of(&b, SPACE_VALUE, ITEM_LIST, &p->list_count);
  p->allow_unknown = scope->allow_unknown;
  p->late_after_ms = scope->late_after_ms ? scope->late_after_ms : PROGRAM_LATE_AFTER_MS;
  emit_sources(&b, p);
  builder_deinit(&b);
}
