/* Expressions as code: each leaves one value on the stack.
 *
 * Not here: where expression code stands and what is in hand there (emit.c, emit_stmt.c).
 *
 * Invariants:
 * 1. An expression changes the stack's depth by exactly one, on every path through it.
 * 2. `and` and `or` look at their right side only when it matters.
 * 3. A property is read from the event in hand when it is in hand, else from the local that kept it. */
#include "emit.h"

#include "vm/base/hash.h"

static void emit_const(struct builder *b, struct value v) { build_op(b, OP_CONST, build_const(b, v), 0); }

/* What stands on the stack, or the declared initial value when that is missing. */
static void emit_initial(struct builder *b, const struct member *m) {
  if (!m || !m->initial || m->initial->kind != EXPR_LITERAL)
    return;
  emit_const(b, m->initial->value);
  build_op(b, OP_ELSE, 0, 0);
}

static void emit_property(struct builder *b, const struct use *u) {
  bool in_hand = b->hand && (u->frame == b->hand->frame || u->frame == b->hand_frame);
  /* The key of `entry once per` runs for any of the starts. */
  bool any_start = !b->hand && u->frame == b->hand_frame && b->hand_frame;
  if (!in_hand && !any_start) {
    CHECK(u->local != NONE);
    build_op(b, OP_LOCAL, u->local, 0);
    return;
  }
  if (in_hand && u->only.len && !str_eq(u->only, b->hand->name.text)) {
    emit_const(b, value_missing());
    return;
  }
  build_op(b, OP_FIELD, build_field(b, u->name, u->type), 0);
  emit_initial(b, u->member);
}

static uint32_t item_local(const struct builder *b, const struct item_var *item) {
  for (uint32_t i = b->items.count; i-- > 0;)
    if (b->items.items[i].item == item)
      return b->items.items[i].local;
  check_failed("an element without a local was emitted", __FILE__, __LINE__);
}

static void emit_name(struct builder *b, const struct expr *e) {
  switch ((enum target)e->target) {
  case TARGET_PROPERTY: emit_property(b, e->decl); break;
  case TARGET_ATTRIBUTE:
    build_op(b, OP_ATTR, build_field(b, e->name.text, e->type), 0);
    emit_initial(b, e->decl);
    break;
  case TARGET_DEFINE: emit_expr(b, ((const struct define_decl *)e->decl)->value); break;
  case TARGET_LIST: build_op(b, OP_MEMBER, build_string(b, e->name.text), 0); break;
  case TARGET_SEGMENT: build_op(b, OP_SEGMENT, build_string(b, e->name.text), 0); break;
  case TARGET_SCORE: build_op(b, OP_SCORE, build_string(b, e->name.text), 0); break;
  case TARGET_ITEM: build_op(b, OP_LOCAL, item_local(b, e->decl), 0); break;
  case TARGET_ITEM_FIELD:
    build_op(b, OP_LOCAL, item_local(b, e->decl), 0);
    build_op(b, OP_SUBFIELD, build_field(b, e->name.text, e->type), 0);
    break;
  case TARGET_SUBFIELD:
    emit_expr(b, e->a);
    build_op(b, OP_SUBFIELD, build_field(b, e->name.text, e->type), 0);
    break;
  case TARGET_DATEPART:
    emit_expr(b, e->a);
    build_op(b, OP_DATEPART, e->op, 0);
    break;
  case TARGET_NOW: build_op(b, OP_NOW, 0, 0); break;
  case TARGET_BINDING: {
    const struct binding *p = e->decl;
    if (p->arg && p->arg->kind == EXPR_LITERAL)
      emit_expr(b, p->arg);
    else
      build_op(b, OP_LOCAL, p->local, 0);
    break;
  }
  case TARGET_TAGS: build_op(b, OP_ATTR, build_field(b, e->name.text, e->type), 0); break;
  case TARGET_NONE: check_failed("a name without a meaning was emitted", __FILE__, __LINE__);
  }
}

/* --- history ------------------------------------------------------------------------------------------------------- */
static struct str measure_text_of(struct builder *b, uint8_t kind, const struct event_ref *event, struct str name,
                                  struct type t, struct value window) {
  static const char *const names[] = { "count", "sum", "average", "min", "max", "first", "last", "last_at", "first_at" };
  struct buf *out = &b->text;
  char letters[4];
  buf_clear(out);
  buf_printf(out, "%s(", names[kind]);
  event_ref_show(out, event);
  if (name.len) {
    buf_byte(out, '.');
    name_show(out, name);
    buf_c(out, " as ");
    buf_c(out, t.kind == V_MISSING ? "it comes" : value_type_name((enum value_type)t.kind));
    if (t.kind == V_MONEY && t.currency) {
      currency_print(t.currency, letters);
      buf_printf(out, " in %s", letters);
    }
  }
  if (event->where) {
    buf_c(out, " where ");
    expr_show(out, event->where);
  }
  if (window.type != V_MISSING) {
    buf_c(out, ", last ");
    duration_show(out, window);
  }
  buf_byte(out, ')');
  if (out->failed)
    build_limit(b, "bytes in a condition", (uint32_t)out->bytes_max);
  return arena_str(b->a, buf_as_str(out));
}

static void emit_measure(struct builder *b, uint8_t kind, const struct event_ref *event, struct str name, struct type t,
                         struct value window) {
  uint32_t text = build_string(b, measure_text_of(b, kind, event, name, t, window));
  uint32_t index = build_measure_find(b, text);
  if (index == NONE) {
    struct measure m = { .kind = kind, .event = build_string(b, event->name.text), .field = NONE, .window = window,
                         .filter_pc = NONE, .text = text };
    if (name.len)
      m.field = build_field(b, name, t);
    index = build_measure_add(b, m);
    if (event->where || event->of.text.len)
      VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_MEASURE, .item = index, .event = event }));
  }
  build_op(b, OP_MEASURE, index, 0);
}

static struct type property_type(struct builder *b, const struct event_ref *event, const struct expr *e) {
  const struct member *m = event->decl ? scope_property(b->s, event->decl, e->name.text) : NULL;
  struct type t = m && m->type ? m->type->type : (struct type){ .kind = V_MISSING };
  if (t.kind == V_MONEY && !t.currency)
    t.currency = e->type.currency;
  return t;
}

static void emit_history(struct builder *b, const struct expr *e) {
  static const uint8_t kinds[] = { [AGG_COUNT] = MEASURE_COUNT, [AGG_SUM] = MEASURE_SUM, [AGG_AVERAGE] = MEASURE_AVERAGE,
                                   [AGG_MIN] = MEASURE_MIN, [AGG_MAX] = MEASURE_MAX, [AGG_FIRST] = MEASURE_FIRST,
                                   [AGG_LAST] = MEASURE_LAST };
  bool own_time = !e->name.text.len && (e->aggregate == AGG_FIRST || e->aggregate == AGG_LAST);
  for (const struct event_ref *v = e->events; v; v = v->next) {
    uint8_t kind = own_time ? (e->aggregate == AGG_FIRST ? MEASURE_FIRST_AT : MEASURE_LAST_AT) : kinds[e->aggregate];
    struct type t = { .kind = V_MISSING };
    if (e->name.text.len)
      t = property_type(b, v, e);
    emit_measure(b, kind, v, e->name.text, t, e->window);
    if (v != e->events)
      build_op(b, OP_ADD, 0, 0);
  }
}

static void emit_ago(struct builder *b, struct value duration) { build_op(b, OP_AGO, build_const(b, duration), 0); }

static void emit_last_at(struct builder *b, const struct event_ref *event, bool first) {
  emit_measure(b, first ? MEASURE_FIRST_AT : MEASURE_LAST_AT, event, (struct str){ NULL, 0 },
               (struct type){ .kind = V_MISSING }, value_missing());
}

/* did: any of the events happened, in the window when there is one. no: none did, and the contact is known so long. */
static void emit_did(struct builder *b, const struct expr *e) {
  bool window = e->window.type != V_MISSING;
  uint32_t known = NONE;
  if (e->negated && window) {
    build_op(b, OP_KNOWN, 0, 0);
    emit_ago(b, e->window);
    build_op(b, OP_LE, 0, 0);
    known = build_jump(b, OP_AND, 0);
  }
  uint32_t last = NONE;
  for (const struct event_ref *v = e->events; v; v = v->next) {
    emit_last_at(b, v, false);
    if (window) {
      emit_ago(b, e->window);
      build_op(b, OP_GT, 0, 0);
    } else {
      build_op(b, OP_MISSING, 0, 0);
      build_op(b, OP_NOT, 0, 0);
    }
    if (last != NONE) /* a true answer hops from `or` to `or` to the end */
      build_land(b, last);
    last = v->next ? build_jump(b, OP_OR, 0) : NONE;
  }
  if (e->negated)
    build_op(b, OP_NOT, 0, 0);
  if (known != NONE)
    build_land(b, known);
}

/* The newest (or first) own time of several events: y, x → the later of both, where a missing one does not count. */
static void emit_since_moment(struct builder *b, const struct expr *e) {
  bool first = e->aggregate == AGG_FIRST;
  emit_last_at(b, e->events, first);
  uint32_t mark = b->local_next;
  for (const struct event_ref *v = e->events->next; v; v = v->next) {
    b->local_next = mark;
    uint32_t x = build_local(b), y = build_local(b);
    build_op(b, OP_STORE, x, 0);
    emit_last_at(b, v, first);
    build_op(b, OP_STORE, y, 0);
    build_op(b, OP_LOCAL, x, 0);
    build_op(b, OP_LOCAL, y, 0);
    build_op(b, first ? OP_LT : OP_GT, 0, 0);
    uint32_t or = build_jump(b, OP_OR, 0);
    build_op(b, OP_LOCAL, y, 0);
    build_op(b, OP_MISSING, 0, 0);
    build_land(b, or);
    uint32_t other = build_jump(b, OP_JUMPF, 0);
    build_op(b, OP_LOCAL, x, 0);
    uint32_t end = build_jump(b, OP_JUMP, 0);
    build_land(b, other);
    b->depth--;
    build_op(b, OP_LOCAL, y, 0);
    build_land(b, end);
  }
  b->local_next = mark;
}

/* time since last E against a duration: the moment against now − D, so that a calendar duration means calendar days. */
static bool emit_since_compare(struct builder *b, const struct expr *e) {
  static const uint8_t turned[] = { [BIN_IS] = OP_EQ, [BIN_IS_NOT] = OP_NE, [BIN_LT] = OP_GT, [BIN_LE] = OP_GE,
                                    [BIN_GT] = OP_LT, [BIN_GE] = OP_LE };
  static const uint8_t straight[] = { [BIN_IS] = OP_EQ, [BIN_IS_NOT] = OP_NE, [BIN_LT] = OP_LT, [BIN_LE] = OP_LE,
                                      [BIN_GT] = OP_GT, [BIN_GE] = OP_GE };
  bool left = e->a->kind == EXPR_SINCE;
  const struct expr *since = left ? e->a : e->b, *d = left ? e->b : e->a;
  if (since->kind != EXPR_SINCE || d->kind != EXPR_LITERAL || e->op < BIN_IS || e->op > BIN_GE)
    return false;
  emit_since_moment(b, since);
  emit_ago(b, d->value);
  build_op(b, (enum opcode)(left ? turned[e->op] : straight[e->op]), 0, 0);
  return true;
}

/* `now - 3d` and `now + 3d`, in a comparison: as the start of a window, so that the day on which the clock is set, or the end of
 * a month, does not make the answer turn back and forth. As a value it is what the wall clock says. */
static bool emit_moved_now(struct builder *b, const struct expr *e) {
  bool moved = e->kind == EXPR_BINARY && (e->op == BIN_SUB || e->op == BIN_ADD) && e->a->target == TARGET_NOW &&
               e->a->kind == EXPR_NAME && e->b->kind == EXPR_LITERAL && e->b->value.type == V_CALENDAR;
  if (!moved)
    return false;
  struct value duration = e->b->value;
  if (e->op == BIN_ADD) {
    duration.i = -duration.i;
    duration.aux = 0 - duration.aux;
  }
  emit_ago(b, duration);
  return true;
}

/* --- operators ----------------------------------------------------------------------------------------------------- */
static void emit_binary(struct builder *b, const struct expr *e) {
  static const uint8_t ops[] = { [BIN_IS] = OP_EQ, [BIN_IS_NOT] = OP_NE, [BIN_LT] = OP_LT, [BIN_LE] = OP_LE,
                                 [BIN_GT] = OP_GT, [BIN_GE] = OP_GE, [BIN_CONTAINS] = OP_CONTAINS,
                                 [BIN_STARTS] = OP_STARTS, [BIN_ENDS] = OP_ENDS, [BIN_ADD] = OP_ADD, [BIN_SUB] = OP_SUB,
                                 [BIN_MUL] = OP_MUL, [BIN_DIV] = OP_DIV, [BIN_ELSE] = OP_ELSE };
  if (e->op == BIN_CONTAINS && e->a->kind == EXPR_MEMBER && e->a->target == TARGET_TAGS) {
    build_op(b, OP_TAGGED, build_string(b, value_str(e->b->value)), 0);
    return;
  }
  if (emit_since_compare(b, e))
    return;
  uint32_t from = build_pc(b);
  bool compares = e->op >= BIN_IS && e->op <= BIN_GE;
  if (!compares || !emit_moved_now(b, e->a))
    emit_expr(b, e->a);
  if (e->op == BIN_AND || e->op == BIN_OR) {
    build_condition(b, e->a, from);
    uint32_t jump = build_jump(b, e->op == BIN_AND ? OP_AND : OP_OR, 0);
    from = build_pc(b);
    emit_expr(b, e->b);
    build_condition(b, e->b, from);
    build_land(b, jump);
  } else if (e->op == BIN_MATCHES) {
    build_op(b, OP_MATCHES, build_const(b, e->b->value), 0);
  } else {
    if (!compares || !emit_moved_now(b, e->b))
      emit_expr(b, e->b);
    build_op(b, (enum opcode)ops[e->op], 0, 0);
  }
}

/* In groups, so that a list of any length fits the stack. */
static void emit_in(struct builder *b, const struct expr *e) {
  enum { GROUP = 16 };
  uint32_t last = NONE;
  const struct expr *i = e->items;
  if (!i)
    emit_const(b, value_bool(false));
  while (i) {
    uint32_t n = 0;
    emit_expr(b, e->a);
    for (; i && n < GROUP; i = i->next, n++)
      emit_expr(b, i);
    build_op(b, OP_ONEOF, n, 0);
    if (last != NONE)
      build_land(b, last);
    last = i ? build_jump(b, OP_OR, 0) : NONE;
  }
  if (e->negated)
    build_op(b, OP_NOT, 0, 0);
}

/* any: is there one? every: is there none that fails? no: is there none? */
static void emit_any(struct builder *b, const struct expr *e) {
  bool found = !e->every && !e->negated;
  uint32_t mark = b->local_next, local = build_local(b);
  emit_expr(b, e->a);
  VEC_PUSH(b->a, &b->items, ((struct item_local){ e->decl, local }));
  uint32_t top = b->code.count, each = build_jump(b, OP_EACH, local);
  uint32_t from = build_pc(b);
  if (e->where) {
    emit_expr(b, e->where);
    build_condition(b, e->where, from);
  } else {
    emit_const(b, value_bool(true));
  }
  if (e->every)
    build_op(b, OP_NOT, 0, 0);
  build_op(b, OP_JUMPF, top, 0);
  b->items.count--;
  build_op(b, OP_STORE, local, 0); /* the rest of the list */
  emit_const(b, value_bool(found));
  uint32_t end = build_jump(b, OP_JUMP, 0);
  build_land(b, each);
  b->depth--;
  emit_const(b, value_bool(!found));
  build_land(b, end);
  b->local_next = mark;
}

void emit_expr(struct builder *b, const struct expr *e) {
  if (b->failed) /* definitions within definitions may write out to more than any limit: stop at the first */
    return;
  switch ((enum expr_kind)e->kind) {
  case EXPR_LITERAL:
    emit_const(b, e->value);
    if (e->value.type == V_LOCAL)
      build_op(b, OP_ZONED, 0, 0);
    break;
  case EXPR_NAME: case EXPR_MEMBER: emit_name(b, e); break;
  case EXPR_HISTORY: case EXPR_FIRST: emit_history(b, e); break;
  case EXPR_DID: emit_did(b, e); break;
  case EXPR_SINCE:
    build_op(b, OP_NOW, 0, 0);
    emit_since_moment(b, e);
    build_op(b, OP_SUB, 0, 0);
    break;
  case EXPR_ANY: emit_any(b, e); break;
  case EXPR_UNARY:
    emit_expr(b, e->a);
    build_op(b, e->op == UN_NOT ? OP_NOT : OP_NEG, 0, 0);
    break;
  case EXPR_BINARY: emit_binary(b, e); break;
  case EXPR_IN: emit_in(b, e); break;
  case EXPR_MISSING:
    emit_expr(b, e->a);
    build_op(b, OP_MISSING, 0, 0);
    if (e->negated)
      build_op(b, OP_NOT, 0, 0);
    break;
  case EXPR_CODE: build_op(b, OP_CODE, build_string(b, value_str(e->value)), 0); break;
  case EXPR_CONSENTS: build_op(b, OP_CONSENTS, build_string(b, e->name.text), 0); break;
  case EXPR_LIST: case EXPR_RECORD:
  case EXPR_BAD: check_failed("a mistake was emitted", __FILE__, __LINE__);
  }
}

bool emit_filter(struct builder *b, const struct event_ref *event, bool history, const struct expr *cond) {
  uint32_t jumps[2], count = 0, from = build_pc(b);
  bool of = event->of.text.len > 0;
  if (of && history) {
    build_op(b, OP_FIELD, build_field(b, STR("message"), (struct type){ .kind = V_TEXT }), 0);
    emit_const(b, value_text(event->of.text));
    build_op(b, OP_EQ, 0, 0);
  } else if (of) {
    build_op(b, OP_OF, build_string(b, event->of.text), 0);
  }
  if (of)
    build_condition_span(b, (struct span){ event->span.source, event->name.span.from, event->of.span.to }, from);
  if (event->where) {
    if (of)
      jumps[count++] = build_jump(b, OP_AND, 0);
    from = build_pc(b);
    emit_expr(b, event->where);
    build_condition(b, event->where, from);
  }
  if (cond) {
    if (of || event->where)
      jumps[count++] = build_jump(b, OP_AND, 0);
    from = build_pc(b);
    emit_expr(b, cond);
    build_condition(b, cond, from);
  }
  while (count)
    build_land(b, jumps[--count]);
  return of || event->where || cond;
}
