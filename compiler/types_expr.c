/* The type of every expression, from its parts up; see types.h.
 *
 * Invariant: each expression is looked at once; a definition too, whoever uses it first. */
#include "types.h"

/* --- conditions and operators -------------------------------------------------------------------------------------- */
void types_condition(struct checker *k, struct expr *e) {
  if (!e || is_unknown(e->type) || e->type.kind == V_BOOL)
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0404, e->span, "this is " STR_FMT ", not a condition",
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a condition such as `count(purchase) > 1` or `contact.country is \"FR\"`");
}

static void check_binary(struct checker *k, struct expr *e) {
  types_expr(k, e->a);
  types_expr(k, e->b);
  switch (e->op) {
  case BIN_OR: case BIN_AND:
    types_condition(k, e->a);
    types_condition(k, e->b);
    e->type = type_of(V_BOOL);
    break;
  case BIN_IS: case BIN_IS_NOT: case BIN_LT: case BIN_LE: case BIN_GT: case BIN_GE: types_comparison(k, e); break;
  case BIN_CONTAINS: case BIN_STARTS: case BIN_ENDS: case BIN_MATCHES: types_text_op(k, e); break;
  case BIN_ADD: case BIN_SUB: case BIN_MUL: case BIN_DIV: types_arithmetic(k, e); break;
  default: types_else(k, e); break;
  }
}

static void check_unary(struct checker *k, struct expr *e) {
  types_expr(k, e->a);
  e->type = e->a->type;
  if (e->op == UN_NOT) {
    types_condition(k, e->a);
    e->type = type_of(V_BOOL);
    return;
  }
  uint8_t kind = e->a->type.kind;
  if (kind == V_MISSING || kind == V_NUMBER || kind == V_MONEY || kind == V_PERCENT || is_duration(kind))
    return;
  diag(k->c, DIAG_E0402, e->span, STR_FMT " has no negative", STR_ARG(type_show(&k->c->arena, e->a->type)));
  bad(e);
}

static void check_in(struct checker *k, struct expr *e) {
  types_expr(k, e->a);
  e->type = type_of(V_BOOL);
  for (struct expr *i = e->items; i; i = i->next) {
    types_expr(k, i);
    if (!types_comparable(e->a->type, i->type))
      types_unlike(k, DIAG_E0401, i, "compared with", e->a, i);
    else if (types_currencies_meet(k, i, e->a, i))
      types_choice(k, expr_choices(e->a), i);
  }
}

/* --- history ------------------------------------------------------------------------------------------------------- */
void types_events(struct checker *k, struct event_ref *events) {
  for (struct event_ref *e = events; e; e = e->next)
    if (e->where) {
      types_expr(k, e->where);
      types_condition(k, e->where);
    }
}

static bool aggregate_takes(uint8_t aggregate, uint8_t kind) {
  switch (aggregate) {
  case AGG_SUM: case AGG_AVERAGE: return kind == V_NUMBER || kind == V_MONEY || kind == V_PERCENT || kind == V_MISSING;
  case AGG_MIN: case AGG_MAX: return kind != V_BOOL && kind != V_LIST && kind != V_RECORD && kind != V_CALENDAR;
  default: return true;
  }
}

static void check_history(struct checker *k, struct expr *e) {
  static const char *const names[] = { "count", "sum", "average", "min", "max", "first", "last" };
  types_events(k, e->events);
  bool several = e->events && e->events->next;
  if (several && e->aggregate != AGG_COUNT && e->aggregate != AGG_SUM) {
    struct diagnostic *d = diag(k->c, DIAG_E0413, e->span, "`%s` looks at one event", names[e->aggregate]);
    d->help = STR("only count and sum add up several events joined by `or`");
    bad(e);
    return;
  }
  if (e->aggregate == AGG_COUNT) {
    if (e->name.text.len) {
      struct diagnostic *d = diag(k->c, DIAG_E0411, e->name.span, "`count` counts events, not a property");
      d->help = STR("leave the property out");
    }
    e->type = type_of(V_NUMBER);
    return;
  }
  if (!e->name.text.len) {
    if (e->aggregate == AGG_FIRST || e->aggregate == AGG_LAST) {
      e->type = type_of(V_MOMENT);
      return;
    }
    struct diagnostic *d = diag(k->c, DIAG_E0411, e->span, "`%s` needs a property", names[e->aggregate]);
    d->expected = STR("a property such as `purchase.amount`");
    bad(e);
    return;
  }
  if (!aggregate_takes(e->aggregate, e->type.kind)) {
    diag(k->c, DIAG_E0411, e->span, "there is no %s of " STR_FMT, names[e->aggregate],
         STR_ARG(type_show(&k->c->arena, e->type)));
    bad(e);
  }
}

void types_list(struct checker *k, struct expr *e) {
  types_expr(k, e);
  if (e->type.kind == V_LIST || is_unknown(e->type))
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0409, e->span, "this is " STR_FMT ", not a list",
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a list such as `purchase.items`");
}

static void check_any(struct checker *k, struct expr *e) {
  types_list(k, e->a);
  types_expr(k, e->where);
  types_condition(k, e->where);
  e->type = type_of(V_BOOL);
}

void types_define(struct checker *k, struct define_decl *d) {
  if (d->typed)
    return;
  d->typed = true;
  types_expr(k, d->value);
}

/* `(now - 1d).day`: of what is computed names could not know the type. */
static void check_part(struct checker *k, struct expr *e) {
  types_expr(k, e->a);
  struct type t = e->a->type;
  if (e->target == TARGET_DATEPART || e->decl || is_unknown(t) || (t.kind == V_RECORD && !t.record))
    return;
  const struct member *m = t.record ? scope_part(k->s, t.record, e->name.text) : NULL;
  if (m) {
    e->decl = (void *)(uintptr_t)m;
    e->type = scope_member_type(m);
  } else if (!is_moment(t.kind) || !expr_date_part(e)) {
    expr_no_part(k->s, e, t);
    bad(e);
  }
}

static void check_name(struct checker *k, struct expr *e) {
  if (e->target == TARGET_DEFINE) {
    struct define_decl *d = e->decl;
    types_define(k, d);
    e->type = d->value->type;
  }
}

void types_expr(struct checker *k, struct expr *e) {
  if (!e)
    return;
  switch ((enum expr_kind)e->kind) {
  case EXPR_LITERAL:
    e->type = (struct type){ .kind = e->value.type == V_LOCAL ? V_MOMENT : e->value.type,
                             .currency = e->value.type == V_MONEY ? e->value.aux : 0 };
    break;
  case EXPR_NAME: check_name(k, e); break;
  case EXPR_MEMBER:
    if (e->target == TARGET_SUBFIELD || e->target == TARGET_DATEPART)
      check_part(k, e);
    break;
  case EXPR_HISTORY: case EXPR_FIRST: check_history(k, e); break;
  case EXPR_DID:
    types_events(k, e->events);
    e->type = type_of(V_BOOL);
    break;
  case EXPR_SINCE:
    types_events(k, e->events);
    e->type = type_of(V_EXACT);
    break;
  case EXPR_ANY: check_any(k, e); break;
  case EXPR_UNARY: check_unary(k, e); break;
  case EXPR_BINARY: check_binary(k, e); break;
  case EXPR_IN: check_in(k, e); break;
  case EXPR_MISSING:
    types_expr(k, e->a);
    e->type = type_of(V_BOOL);
    break;
  case EXPR_CODE: e->type = type_of(V_TEXT); break;
  case EXPR_LIST: case EXPR_RECORD: types_given(k, NULL, NULL, (struct str){ NULL, 0 }, e); break;
  case EXPR_CONSENTS: e->type = type_of(V_BOOL); break;
  case EXPR_BAD: bad(e); break;
  }
}

void types_cond(struct checker *k, struct expr *e) {
  types_expr(k, e);
  types_condition(k, e);
}
