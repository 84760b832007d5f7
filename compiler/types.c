/* Checks that kinds of values go together, and gives every expression its type.
 *
 * Not here: what names mean (names.c).
 *
 * Invariants:
 * 1. V_MISSING as a type means unknown and agrees with everything, so a mistake makes no second one.
 * 2. Two currencies never meet: what is known differs is an error here, the rest is left to the moment of running.
 * 3. A sum of money takes the currency of what it is compared or added with; flow.c reports those that found none.
 * 4. Exact and calendar durations are different kinds. */
#include "names.h"

#include "vm/pattern.h"

struct checker { struct compilation *c; struct scope *s; };

static void check_expr(struct checker *k, struct expr *e);
static void check_given(struct checker *k, const struct type_ref *want, const struct name *declared, struct str name, struct expr *value);

/* --- showing ------------------------------------------------------------------------------------------------------- */
struct str type_show(struct arena *a, struct type t) {
  char letters[4];
  switch (t.kind) {
  case V_MONEY:
    if (!t.currency)
      return STR("money");
    currency_print(t.currency, letters);
    return arena_printf(a, "money in %s", letters);
  case V_RECORD:
    return t.record ? arena_printf(a, "a record `" STR_FMT "`", STR_ARG(t.record->name.text)) : STR("a record");
  case V_LIST: return STR("a list");
  case V_TEXT: return STR("text");
  case V_BOOL: return STR("a bool (true or false)");
  case V_NUMBER: return STR("a number");
  case V_PERCENT: return STR("a percentage");
  case V_DATE: return STR("a date");
  case V_TIME: return STR("a time of day");
  case V_MOMENT: case V_LOCAL: return STR("a moment");
  case V_EXACT: return STR("an exact duration");
  case V_CALENDAR: return STR("a calendar duration");
  default: return str_from_c(value_type_name((enum value_type)t.kind));
  }
}

static struct type type_of(uint8_t kind) { return (struct type){ .kind = kind }; }
static bool is_moment(uint8_t kind) { return kind == V_MOMENT || kind == V_DATE || kind == V_LOCAL; }
static bool is_duration(uint8_t kind) { return kind == V_EXACT || kind == V_CALENDAR; }
static bool is_unknown(struct type t) { return t.kind == V_MISSING; }

static void bad(struct expr *e) { e->type = type_of(V_MISSING); }

/* --- currencies ---------------------------------------------------------------------------------------------------- */
/* Tells the sums below e which currency they are to be in. */
static void give_currency(struct expr *e, uint32_t currency) {
  if (!e || e->type.kind != V_MONEY || e->type.currency)
    return;
  if (e->kind == EXPR_HISTORY) {
    e->type.currency = currency;
  } else if (e->kind == EXPR_NAME && e->target == TARGET_DEFINE) {
    give_currency(((struct define_decl *)e->decl)->value, currency);
    e->type = ((struct define_decl *)e->decl)->value->type;
  } else if (e->kind == EXPR_BINARY || e->kind == EXPR_UNARY) {
    give_currency(e->a, currency);
    give_currency(e->b, currency);
    e->type.currency = currency;
  }
}

/* Reports two currencies that meet; otherwise makes them one. */
static bool currencies_meet(struct checker *k, struct expr *at, struct expr *a, struct expr *b) {
  if (a->type.kind != V_MONEY || b->type.kind != V_MONEY)
    return true;
  give_currency(a, b->type.currency);
  give_currency(b, a->type.currency);
  if (!a->type.currency || !b->type.currency || a->type.currency == b->type.currency)
    return true;
  char left[4], right[4];
  currency_print(a->type.currency, left);
  currency_print(b->type.currency, right);
  struct diagnostic *d = diag(k->c, DIAG_E0403, at->span, "%s and %s do not go together", left, right);
  d->help = STR("Camp never converts money; compare and add amounts of one currency");
  return false;
}

/* --- choices ------------------------------------------------------------------------------------------------------- */
static const struct expr *member_choices(const struct member *m) { return m && m->type ? m->type->choices : NULL; }

const struct expr *expr_choices(const struct expr *e) {
  switch (e->target) {
  case TARGET_PROPERTY: return member_choices(((const struct use *)e->decl)->member);
  case TARGET_ATTRIBUTE: case TARGET_SUBFIELD: return member_choices(e->decl);
  case TARGET_ITEM_FIELD: {
    const struct record *record = ((const struct item_var *)e->decl)->type.record;
    for (const struct member *m = record ? record->members : NULL; m; m = m->next)
      if (str_eq(m->name.text, e->name.text))
        return member_choices(m);
    return NULL;
  }
  default: return NULL;
  }
}

static void check_choice(struct checker *k, const struct expr *choices, const struct expr *value) {
  if (!choices || value->kind != EXPR_LITERAL || value->value.type != V_TEXT)
    return;
  struct nearest n = nearest_of(value_str(value->value));
  struct buf b;
  buf_init(&b, 4096);
  for (const struct expr *c = choices; c; c = c->next) {
    if (str_eq(value_str(c->value), value_str(value->value))) {
      buf_deinit(&b);
      return;
    }
    nearest_try(&n, value_str(c->value));
    buf_c(&b, b.len ? ", " : "one of ");
    value_show(&b, c->value);
  }
  struct diagnostic *d = diag(k->c, DIAG_E0405, value->span, "\"" STR_FMT "\" is not one of its values",
                              STR_ARG(value_str(value->value)));
  d->expected = arena_str(&k->c->arena, buf_as_str(&b));
  buf_deinit(&b);
  if (n.best.len) {
    d->help = arena_printf(&k->c->arena, "did you mean \"" STR_FMT "\"?", STR_ARG(n.best));
    d->has_fix = true;
    d->fix = (struct fix){ value->span, arena_printf(&k->c->arena, "\"" STR_FMT "\"", STR_ARG(n.best)) };
  }
}

/* --- operators ----------------------------------------------------------------------------------------------------- */
static void unlike(struct checker *k, enum diag_code code, struct expr *at, const char *verb, struct expr *a,
                   struct expr *b) {
  struct diagnostic *d = diag(k->c, code, at->span, STR_FMT " cannot be %s " STR_FMT,
                              STR_ARG(type_show(&k->c->arena, a->type)), verb, STR_ARG(type_show(&k->c->arena, b->type)));
  uint8_t x = a->type.kind, y = b->type.kind;
  if (is_duration(x) && is_duration(y))
    d->help = STR("a day of the calendar has 23, 24 or 25 hours: write both with the same kind of unit");
  else if ((x == V_MONEY && y == V_NUMBER) || (x == V_NUMBER && y == V_MONEY))
    d->help = STR("name the currency: `50 EUR`");
  else if ((x == V_TEXT || y == V_TEXT) && (x == V_NUMBER || y == V_NUMBER))
    d->help = STR("numbers stand without quotes, texts with them");
}

static bool comparable(struct type a, struct type b) {
  if (is_unknown(a) || is_unknown(b) || a.kind == b.kind)
    return true;
  return is_moment(a.kind) && is_moment(b.kind);
}

/* `time since last visit > 30d` compares by the calendar: emit turns it into `last visit < now - 30d`. */
static bool since_against(const struct expr *a, const struct expr *b) {
  return a->kind == EXPR_SINCE && b->kind == EXPR_LITERAL && is_duration(b->value.type);
}

/* Of two kinds that do not go together nothing gives the currency either, which is no second mistake. */
static void silence(struct expr *e) {
  if (e->kind == EXPR_HISTORY)
    give_currency(e, CURRENCY('X', 'X', 'X'));
}

static void check_comparison(struct checker *k, struct expr *e) {
  struct expr *a = e->a, *b = e->b;
  bool order = e->op != BIN_IS && e->op != BIN_IS_NOT;
  e->type = type_of(V_BOOL);
  if (since_against(a, b) || since_against(b, a))
    return;
  if (!comparable(a->type, b->type)) {
    unlike(k, DIAG_E0401, e, "compared with", a, b);
    silence(a);
    silence(b);
    return;
  }
  uint8_t kind = is_unknown(a->type) ? b->type.kind : a->type.kind;
  if (order && (kind == V_BOOL || kind == V_LIST || kind == V_RECORD || kind == V_CALENDAR)) {
    struct diagnostic *d = diag(k->c, DIAG_E0401, e->span, STR_FMT " has no order: it is not less or more than another",
                                STR_ARG(type_show(&k->c->arena, type_of(kind))));
    d->help = kind == V_CALENDAR ? STR("months and days have no fixed length; use exact durations such as `72h`")
                                 : STR("use `is` or `is not`");
    return;
  }
  currencies_meet(k, e, a, b);
  check_choice(k, expr_choices(a), b);
  check_choice(k, expr_choices(b), a);
}

static void check_text_op(struct checker *k, struct expr *e) {
  static const char *const verbs[] = { [BIN_CONTAINS] = "contains", [BIN_STARTS] = "starts with",
                                       [BIN_ENDS] = "ends with", [BIN_MATCHES] = "matches" };
  struct expr *a = e->a, *b = e->b;
  e->type = type_of(V_BOOL);
  if (a->target == TARGET_TAGS && (a->kind == EXPR_MEMBER || a->kind == EXPR_NAME)) {
    if (e->op != BIN_CONTAINS || b->kind != EXPR_LITERAL || b->value.type != V_TEXT)
      diag(k->c, DIAG_E0407, e->span, "ask for one tag: `contact.tags contains \"buyer\"`");
    return;
  }
  if (e->op == BIN_CONTAINS && a->type.kind == V_LIST) {
    if (a->type.item && !comparable(*a->type.item, b->type)) {
      struct expr element = { .type = *a->type.item };
      unlike(k, DIAG_E0401, e, "compared with", &element, b);
    }
    return;
  }
  struct expr *wrong = !is_unknown(a->type) && a->type.kind != V_TEXT   ? a
                       : !is_unknown(b->type) && b->type.kind != V_TEXT ? b
                                                                        : NULL;
  if (wrong) {
    struct diagnostic *d = diag(k->c, DIAG_E0401, wrong->span, "`%s` looks at text, and this is " STR_FMT, verbs[e->op],
                                STR_ARG(type_show(&k->c->arena, wrong->type)));
    d->expected = STR("text");
    return;
  }
  if (e->op != BIN_MATCHES)
    return;
  if (b->kind != EXPR_LITERAL) {
    diag(k->c, DIAG_E0408, b->span, "a pattern is written in place, as text in quotes");
    return;
  }
  char why[200];
  struct pattern *p = pattern_new(value_str(b->value), why, sizeof why);
  if (!p)
    diag(k->c, DIAG_E0408, b->span, "this pattern cannot be read: %s", why);
  pattern_free(p);
}

/* The type of a sum, difference, product or quotient; V_TYPE_COUNT when there is none. */
static struct type arithmetic_type(uint8_t op, struct type a, struct type b) {
  struct type none = type_of(V_TYPE_COUNT);
  bool scalar_b = b.kind == V_NUMBER || b.kind == V_PERCENT;
  switch (op) {
  case BIN_ADD:
    if (is_duration(a.kind) && is_moment(b.kind))
      return b;
    /* fall through */
  case BIN_SUB:
    if (a.kind == b.kind && (a.kind == V_NUMBER || a.kind == V_PERCENT || a.kind == V_MONEY || is_duration(a.kind)))
      return a.kind == V_MONEY && !a.currency ? b : a;
    if (is_moment(a.kind) && b.kind == V_CALENDAR)
      return a;
    if (is_moment(a.kind) && b.kind == V_EXACT)
      return type_of(V_MOMENT);
    if (op == BIN_SUB && a.kind == V_TIME && b.kind == V_TIME)
      return type_of(V_EXACT);
    if (op == BIN_SUB && is_moment(a.kind) && is_moment(b.kind))
      return type_of(a.kind == V_DATE && b.kind == V_DATE ? V_CALENDAR : V_EXACT);
    return none;
  case BIN_MUL:
    if (scalar_b && (a.kind == V_NUMBER || a.kind == V_MONEY || is_duration(a.kind) || a.kind == V_PERCENT))
      return a;
    if (a.kind == V_NUMBER || a.kind == V_PERCENT)
      return b.kind == V_MONEY || is_duration(b.kind) ? b : none;
    return none;
  default:
    if (b.kind == V_NUMBER && (a.kind == V_NUMBER || a.kind == V_MONEY || a.kind == V_PERCENT || a.kind == V_EXACT))
      return a;
    if (a.kind == b.kind && (a.kind == V_MONEY || a.kind == V_EXACT))
      return type_of(V_NUMBER);
    return none;
  }
}

static void check_arithmetic(struct checker *k, struct expr *e) {
  static const char *const verbs[] = { [BIN_ADD] = "added to", [BIN_SUB] = "lowered by", [BIN_MUL] = "multiplied by",
                                       [BIN_DIV] = "divided by" };
  bad(e);
  if (is_unknown(e->a->type) || is_unknown(e->b->type))
    return;
  struct type t = arithmetic_type(e->op, e->a->type, e->b->type);
  if (t.kind == V_TYPE_COUNT) {
    unlike(k, DIAG_E0402, e, verbs[e->op], e->a, e->b);
    return;
  }
  /* Products of money and a number do not meet; of two currencies the first goes on, so that nothing more is said. */
  if (e->op == BIN_ADD || e->op == BIN_SUB || e->op == BIN_DIV)
    (void)currencies_meet(k, e, e->a, e->b);
  e->type = t;
  if (t.kind == V_MONEY)
    e->type.currency = e->a->type.kind == V_MONEY ? e->a->type.currency : e->b->type.currency;
}

static void check_else(struct checker *k, struct expr *e) {
  e->type = is_unknown(e->a->type) ? e->b->type : e->a->type;
  if (!comparable(e->a->type, e->b->type)) {
    unlike(k, DIAG_E0401, e, "replaced by", e->a, e->b);
    bad(e);
  } else if (currencies_meet(k, e, e->a, e->b)) {
    check_choice(k, expr_choices(e->a), e->b);
  }
}

static void check_condition(struct checker *k, struct expr *e) {
  if (!e || is_unknown(e->type) || e->type.kind == V_BOOL)
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0404, e->span, "this is " STR_FMT ", not a condition",
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a condition such as `count(purchase) > 1` or `contact.country is \"FR\"`");
}

static void check_binary(struct checker *k, struct expr *e) {
  check_expr(k, e->a);
  check_expr(k, e->b);
  switch (e->op) {
  case BIN_OR: case BIN_AND:
    check_condition(k, e->a);
    check_condition(k, e->b);
    e->type = type_of(V_BOOL);
    break;
  case BIN_IS: case BIN_IS_NOT: case BIN_LT: case BIN_LE: case BIN_GT: case BIN_GE: check_comparison(k, e); break;
  case BIN_CONTAINS: case BIN_STARTS: case BIN_ENDS: case BIN_MATCHES: check_text_op(k, e); break;
  case BIN_ADD: case BIN_SUB: case BIN_MUL: case BIN_DIV: check_arithmetic(k, e); break;
  default: check_else(k, e); break;
  }
}

static void check_unary(struct checker *k, struct expr *e) {
  check_expr(k, e->a);
  e->type = e->a->type;
  if (e->op == UN_NOT) {
    check_condition(k, e->a);
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
  check_expr(k, e->a);
  e->type = type_of(V_BOOL);
  for (struct expr *i = e->items; i; i = i->next) {
    check_expr(k, i);
    if (!comparable(e->a->type, i->type))
      unlike(k, DIAG_E0401, i, "compared with", e->a, i);
    else if (currencies_meet(k, i, e->a, i))
      check_choice(k, expr_choices(e->a), i);
  }
}

/* --- history ------------------------------------------------------------------------------------------------------- */
static void check_events(struct checker *k, struct event_ref *events) {
  for (struct event_ref *e = events; e; e = e->next)
    if (e->where) {
      check_expr(k, e->where);
      check_condition(k, e->where);
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
  check_events(k, e->events);
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

static void check_list(struct checker *k, struct expr *e) {
  check_expr(k, e);
  if (e->type.kind == V_LIST || is_unknown(e->type))
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0409, e->span, "this is " STR_FMT ", not a list",
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a list such as `purchase.items`");
}

static void check_any(struct checker *k, struct expr *e) {
  check_list(k, e->a);
  check_expr(k, e->where);
  check_condition(k, e->where);
  e->type = type_of(V_BOOL);
}

static void check_define(struct checker *k, struct define_decl *d) {
  if (d->typed)
    return;
  d->typed = true;
  check_expr(k, d->value);
}

/* `(now - 1d).day`: of what is computed names could not know the type. */
static void check_part(struct checker *k, struct expr *e) {
  check_expr(k, e->a);
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

static bool is_duration_above_zero(struct value v) { return v.i > 0 || (int32_t)v.aux > 0; }

static void check_score(struct checker *k, struct score_decl *s) {
  const struct score_rule_decl *halves = NULL;
  for (const struct score_rule_decl *rule = s->rules; rule; rule = rule->next) {
    check_events(k, rule->events);
    if (rule->events)
      continue;
    if (halves) {
      struct diagnostic *d = diag(k->c, DIAG_E0325, rule->span, "a score halves in one time");
      d->note_span = halves->span;
      d->note = STR("it was given here");
    } else if (!is_duration_above_zero(rule->halves)) {
      diag(k->c, DIAG_E0325, rule->span, "a score cannot halve in no time");
    }
    halves = rule;
    s->halves = rule->halves;
  }
}

static void check_points(struct checker *k, struct expr *e) {
  check_expr(k, e);
  if (is_unknown(e->type) || e->type.kind == V_NUMBER)
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0421, e->span, "points are a number, and this is " STR_FMT,
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a number such as `15`");
}

/* Whose kind everybody knows, so that only its declaration is checked. */
static void check_segment(struct checker *k, struct define_decl *d) {
  check_define(k, d);
  check_condition(k, d->value);
}

static void check_name(struct checker *k, struct expr *e) {
  if (e->target == TARGET_DEFINE) {
    struct define_decl *d = e->decl;
    check_define(k, d);
    e->type = d->value->type;
  }
}

static void check_expr(struct checker *k, struct expr *e) {
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
    check_events(k, e->events);
    e->type = type_of(V_BOOL);
    break;
  case EXPR_SINCE:
    check_events(k, e->events);
    e->type = type_of(V_EXACT);
    break;
  case EXPR_ANY: check_any(k, e); break;
  case EXPR_UNARY: check_unary(k, e); break;
  case EXPR_BINARY: check_binary(k, e); break;
  case EXPR_IN: check_in(k, e); break;
  case EXPR_MISSING:
    check_expr(k, e->a);
    e->type = type_of(V_BOOL);
    break;
  case EXPR_CODE: e->type = type_of(V_TEXT); break;
  case EXPR_LIST: case EXPR_RECORD: check_given(k, NULL, NULL, (struct str){ NULL, 0 }, e); break;
  case EXPR_CONSENTS: e->type = type_of(V_BOOL); break;
  case EXPR_BAD: bad(e); break;
  }
}

static void check_cond(struct checker *k, struct expr *e) {
  check_expr(k, e);
  check_condition(k, e);
}

/* --- places that take a value -------------------------------------------------------------------------------------- */
static void check_record(struct checker *k, const struct record *record, struct expr *value) {
  for (struct prop *p = value->props; p; p = p->next) {
    const struct member *m = record ? scope_part(k->s, record, p->name.text) : NULL;
    if (record && !m) {
      struct diagnostic *d = diag(k->c, DIAG_E0312, p->name.span, "the record `" STR_FMT "` has no `" STR_FMT "`",
                                  STR_ARG(record->name.text), STR_ARG(p->name.text));
      scope_suggest_member(k->s, d, p->name.span, record->members, p->name.text);
    }
    check_given(k, m ? m->type : NULL, m ? &m->name : NULL, p->name.text, p->value);
  }
}

static bool fits(struct type want, struct expr *value) {
  bool same = want.kind == value->type.kind || (want.kind == V_MOMENT && is_moment(value->type.kind)) ||
              (is_duration(want.kind) && is_duration(value->type.kind));
  if (!same || want.kind != V_MONEY)
    return same;
  give_currency(value, want.currency);
  return !want.currency || !value->type.currency || want.currency == value->type.currency;
}

/* What is written out in brackets is looked at part by part, so that a mistake is shown where it stands. */
static void check_given(struct checker *k, const struct type_ref *want, const struct name *declared, struct str name,
                        struct expr *value) {
  struct type type = want ? want->type : type_of(V_MISSING);
  bool list = value->kind == EXPR_LIST, record = value->kind == EXPR_RECORD;
  if (!list && !record)
    check_expr(k, value);
  else
    value->type = type_of(list ? V_LIST : V_RECORD);
  if (!is_unknown(type) && !is_unknown(value->type) && !fits(type, value)) {
    struct diagnostic *d = diag(k->c, DIAG_E0406, value->span, "`" STR_FMT "` holds " STR_FMT ", and this is " STR_FMT,
                                STR_ARG(name), STR_ARG(type_show(&k->c->arena, type)),
                                STR_ARG(type_show(&k->c->arena, value->type)));
    if (declared) {
      d->note_span = declared->span;
      d->note = STR("declared here");
    }
    want = NULL;
    type = type_of(V_MISSING);
  } else if (want) {
    check_choice(k, want->choices, value);
  }
  for (struct expr *i = list ? value->items : NULL; i; i = i->next)
    check_given(k, want ? want->item : NULL, declared, name, i);
  if (record)
    check_record(k, type.record, value);
  if (list || record) {
    literal_fold(k->c, value);
    value->type.item = type.item;
    value->type.record = type.record;
  }
}

static void check_assigned(struct checker *k, const struct member *m, struct str name, struct expr *value) {
  check_given(k, m ? m->type : NULL, m ? &m->name : NULL, name, value);
}

static void check_props(struct checker *k, struct prop *props, const struct event_decl *decl) {
  for (struct prop *p = props; p; p = p->next)
    check_assigned(k, decl ? scope_property(k->s, decl, p->name.text) : NULL, p->name.text, p->value);
}

static void check_arguments(struct checker *k, struct prop *props, const struct operation_decl *o) {
  for (struct prop *p = props; p; p = p->next) {
    const struct member *m = o ? o->params : NULL;
    while (m && !str_eq(m->name.text, p->name.text))
      m = m->next;
    check_assigned(k, m, p->name.text, p->value);
  }
}

static void check_moment(struct checker *k, struct expr *e) {
  if (!e)
    return;
  check_expr(k, e);
  if (is_unknown(e->type) || is_moment(e->type.kind))
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0410, e->span, "this is " STR_FMT ", not a moment",
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a moment such as `2026-12-24 18:00`, or an attribute that is a date");
}

/* `wait pause`, `after pause`, `up to pause` */
static void check_length(struct checker *k, struct expr *e) {
  if (!e)
    return;
  check_expr(k, e);
  if (is_unknown(e->type) || is_duration(e->type.kind))
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0445, e->span, "this is " STR_FMT ", not a duration", STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a duration such as `7d`, or a parameter that is a duration");
}

/* What an experiment adds up is a number, or money of one currency. */
static void check_measured(struct checker *k, struct stmt *st) {
  struct experiment_decl *x = st->experiment;
  struct expr *e = st->value;
  if (!e)
    return;
  check_expr(k, e);
  if (e->kind != EXPR_HISTORY)
    return;
  if (is_unknown(e->type))
    e->type = x->currency ? (struct type){ .kind = V_MONEY, .currency = x->currency } : type_of(V_NUMBER);
  bool money = e->type.kind == V_MONEY;
  if (x->currency && (!money || (e->type.currency && e->type.currency != x->currency))) {
    struct str what = money ? STR("an amount in another currency") : type_show(&k->c->arena, e->type);
    struct diagnostic *d = diag(k->c, DIAG_E0449, e->span, "this is " STR_FMT, STR_ARG(what));
    d->help = STR("leave the currency out: Camp never converts money");
  } else if (money && !e->type.currency && !x->currency) {
    struct diagnostic *d = diag(k->c, DIAG_E0449, e->span, "nothing says the currency of this amount");
    d->help = STR("write it behind the sum: `measure sum(purchase.amount) in EUR within 7d`. Other currencies are left out");
    silence(e);
  } else if (money && !e->type.currency) {
    e->type.currency = x->currency;
  }
}

static void check_block(struct checker *k, struct stmt *block);

static void check_stmt(struct checker *k, struct stmt *st) {
  switch ((enum stmt_kind)st->kind) {
  case STMT_TAG: case STMT_UNTAG:
    if (st->value && (st->value->kind != EXPR_LITERAL || st->value->value.type != V_TEXT)) {
      struct diagnostic *d = diag(k->c, DIAG_E0407, st->value->span, "a tag is written in place, as text in quotes");
      d->expected = STR("text such as `\"buyer\"`");
    }
    break;
  case STMT_SCORE: check_points(k, st->value); break;
  case STMT_SET: check_assigned(k, st->decl, st->name.text, st->value); break;
  case STMT_EMIT: check_props(k, st->props, st->decl); break;
  case STMT_SEND: check_props(k, st->props, NULL); break;
  case STMT_CALL: check_arguments(k, st->props, st->decl); break;
  case STMT_START: check_props(k, st->props, st->decl ? &((const struct campaign_decl *)st->decl)->given : NULL); break;
  case STMT_IF: check_cond(k, st->value); break;
  case STMT_WAIT: case STMT_SHOW: check_moment(k, st->value); break;
  case STMT_EACH: check_list(k, st->value); break;
  case STMT_EXPERIMENT: check_measured(k, st); break;
  case STMT_DO:
    for (struct binding *b = st->bindings; b; b = b->next)
      if (b->arg)
        check_assigned(k, b->param, b->param->name.text, b->arg);
    break;
  default: break;
  }
  check_length(k, st->length);
  check_moment(k, st->at);
  check_events(k, st->unless);
  check_cond(k, st->if_still);
  for (struct on_branch *b = st->branches; b; b = b->next) {
    check_events(k, b->events);
    check_block(k, b->body);
  }
  for (struct arm *a = st->arms; a; a = a->next)
    check_block(k, a->body);
  check_block(k, st->then);
  check_block(k, st->otherwise);
}

static void check_block(struct checker *k, struct stmt *block) {
  for (struct stmt *st = block; st; st = st->next)
    check_stmt(k, st);
}

static void check_campaign(struct checker *k, struct campaign_decl *cd) {
  for (struct start_clause *st = cd->starts; st; st = st->next) {
    check_events(k, st->events);
    check_cond(k, st->where_cond);
  }
  for (struct goal_clause *g = cd->goals; g; g = g->next)
    check_events(k, g->events);
  for (struct stop_clause *st = cd->stops; st; st = st->next)
    check_events(k, st->events);
  check_expr(k, cd->entry.key);
  for (struct schedule_clause *s = cd->schedules; s; s = s->next)
    check_cond(k, s->audience);
  check_block(k, cd->body);
}

/* What a test says of a contact or an event is a constant; of lists and records literal_fold sees to it. */
static void check_constants(struct checker *k, struct prop *props) {
  for (struct prop *p = props; p; p = p->next) {
    if (p->consents) continue;
    bool written = p->value->kind == EXPR_LIST || p->value->kind == EXPR_RECORD || p->value->kind == EXPR_BAD;
    if (!written && !literal_is(p->value)) {
      struct diagnostic *d = diag(k->c, DIAG_E0414, p->value->span, "a test gives constants");
      d->expected = STR("a value such as `40 EUR`, `\"text\"` or `true`");
    }
  }
}

static void check_test(struct checker *k, struct test_decl *t) {
  for (struct test_line *l = t->lines; l; l = l->next) {
    check_constants(k, l->props);
    if (l->kind == TEST_REPLY) {
      check_props(k, l->props, l->replies ? &l->replies->replied : NULL);
    } else if (l->kind == TEST_EXPECT_CALLED) {
      check_arguments(k, l->props, l->replies);
    } else if (l->kind == TEST_EVENT) {
      struct item *event = scope_item(k->s, SPACE_EVENT, l->event.text);
      check_props(k, l->props, event ? &event->event : NULL);
    } else {
      for (struct prop *p = l->props; p; p = p->next)
        if (!p->consents) check_assigned(k, scope_attribute(k->s, p->name.text), p->name.text, p->value);
    }
    check_cond(k, l->expect.cond);
  }
}

static void check_members(struct checker *k, struct member *members) {
  for (struct member *m = members; m; m = m->next)
    if (m->initial)
      check_assigned(k, m, m->name.text, m->initial);
}

/* What a parameter is when a call leaves it out: nothing, or a value that is written there. */
static void check_connector(struct checker *k, struct connector_decl *c) {
  for (struct operation_decl *o = c->operations; o; o = o->next)
    for (struct member *m = o->params; m; m = m->next) {
      if (!m->initial || (m->initial->kind == EXPR_NAME && str_is(m->initial->name.text, "missing")))
        continue;
      check_assigned(k, m, m->name.text, m->initial);
      if (m->initial->kind == EXPR_BAD || literal_is(m->initial))
        continue;
      diag(k->c, DIAG_E0414, m->initial->span, "what a call leaves out is a constant")->expected = STR("a value such as `\"text\"` or `3`, or `missing`");
    }
}

void types_check(struct compilation *c, struct tree *tree, struct scope *scope) {
  struct checker k = { c, scope };
  for (struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
    case ITEM_DEFINE: check_define(&k, &i->define); break;
    case ITEM_SCORE: check_score(&k, &i->score); break;
    case ITEM_SEGMENT: check_segment(&k, &i->define); break;
    case ITEM_EVENT: check_members(&k, i->event.members); break;
    case ITEM_RECORD: check_members(&k, i->record.members); break;
    case ITEM_CONTACT: check_members(&k, i->contact.members); break;
    case ITEM_CAMPAIGN: case ITEM_RULE:
      check_members(&k, i->campaign.given.members);
      check_campaign(&k, &i->campaign);
      break;
    case ITEM_SEQUENCE: check_block(&k, i->sequence.body); break;
    case ITEM_CONNECTOR: check_connector(&k, &i->connector); break;
    case ITEM_TEST: case ITEM_FIXTURE: check_test(&k, &i->test); break;
    default: break;
    }
}
