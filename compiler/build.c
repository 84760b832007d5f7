/* The builder of one unit: its tables, its code, its steps, and the sealed unit that they become; see emit.h.
 *
 * Not here: what is written (emit.c and emit_*.c), what stays alive over a wait (live.c).
 *
 * Invariants:
 * 1. A unit holds only what it uses, in the order in which it uses it, and nothing of its place in a file: equal meaning gives equal
 *    bytes and so an equal hash.
 * 2. What would break a limit of the file format is said to the author here; so unit_verify never refuses what comes out. */
#include "emit.h"

#include "vm/base/hash.h"

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
  b->unit->channel = b->unit->topic = b->unit->language = NONE;
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
