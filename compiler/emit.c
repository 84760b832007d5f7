/* Writes the checked tree as a program: one sealed unit a campaign, rule and message, and one for topics and policy.
 *
 * Not here: a unit's tables and code (build.c), expressions (emit_expr.c), statements (emit_stmt.c), templates (template.c).
 *
 * Invariants:
 * 1. Step code stands first, expression code behind it; every filter, arm and key ends with RET.
 * 2. Units are emitted on several cores. Code of definitions that many units use is written from one tree, so emitting a unit
 *    changes nothing in the tree but what is the unit's own. When a limit is met, all is emitted again by one. */
#include "emit.h"
#include "care.h"
#include "mail.h"
#include "workers.h"

#include "vm/schedule.h"

enum { UNITS_TAKEN = 64 }; /* by a worker at a time */

/* --- behind the steps ---------------------------------------------------------------------------------------------- */
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

static void declare_to(struct compilation *c, struct str event, const struct member *m) {
  struct type t = scope_member_type(m);
  if (t.kind == V_MISSING || t.kind >= V_TYPE_COUNT) return;
  VEC_PUSH(&c->arena, &c->declared, ((struct declared){ event, m->name.text, t.kind, t.currency }));
}

static void list_declared(struct compilation *c, const struct scope *s) {
  for (uint32_t i = 0; i < s->declared[SPACE_EVENT].count; i++) {
    const struct event_decl *e = &s->declared[SPACE_EVENT].items[i]->event;
    for (const struct member *m = e->members; m; m = m->next) declare_to(c, e->name.text, m);
  }
  for (uint32_t i = 0; i < s->attributes.count; i++) declare_to(c, STR(""), s->attributes.items[i]);
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
  list_declared(c, scope);
  p->allow_unknown = scope->allow_unknown;
  p->late_after_ms = scope->late_after_ms ? scope->late_after_ms : PROGRAM_LATE_AFTER_MS;
  emit_sources(&b, p);
  builder_deinit(&b);
}
