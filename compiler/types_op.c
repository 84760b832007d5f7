/* What goes with what: currencies, choices, operators; see types.h.
 *
 * Not here: what makes an expression's type out of its parts (types_expr.c).
 *
 * Invariants:
 * 1. Unknown agrees with everything, so a mistake makes no second one.
 * 2. Exact and calendar durations are different kinds; only `time since` may be compared with either. */
#include "types.h"

#include "vm/pattern.h"

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

/* --- currencies ---------------------------------------------------------------------------------------------------- */
void types_give_currency(struct expr *e, uint32_t currency) {
  if (!e || e->type.kind != V_MONEY || e->type.currency)
    return;
  if (e->kind == EXPR_HISTORY) {
    e->type.currency = currency;
  } else if (e->kind == EXPR_NAME && e->target == TARGET_DEFINE) {
    types_give_currency(((struct define_decl *)e->decl)->value, currency);
    e->type = ((struct define_decl *)e->decl)->value->type;
  } else if (e->kind == EXPR_BINARY || e->kind == EXPR_UNARY) {
    types_give_currency(e->a, currency);
    types_give_currency(e->b, currency);
    e->type.currency = currency;
  }
}

bool types_currencies_meet(struct checker *k, struct expr *at, struct expr *a, struct expr *b) {
  if (a->type.kind != V_MONEY || b->type.kind != V_MONEY)
    return true;
  types_give_currency(a, b->type.currency);
  types_give_currency(b, a->type.currency);
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

void types_choice(struct checker *k, const struct expr *choices, const struct expr *value) {
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
void types_unlike(struct checker *k, enum diag_code code, struct expr *at, const char *verb, struct expr *a,
                   struct expr *b) {
  struct diagnostic *d = diag(k->c, code, at->span, STR_FMT " cannot be %s " STR_FMT,
                              STR_ARG(type_show(&k->c->arena, a->type)), verb, STR_ARG(type_show(&k->c->arena, b->type)));
  uint8_t x = a->type.kind, y = b->type.kind;
  if (is_duration(x) && is_duration(y))
    d->help = STR("a day of the calendar has 23, 24 or 25 hours: write both with the same kind of unit");
  else if ((x == V_MONEY && y == V_NUMBER) || (x == V_NUMBER && y == V_MONEY))
    d->help = STR("name the currency: `50 EUR`");
  else if ((x == V_MONEY && y == V_TEXT) || (x == V_TEXT && y == V_MONEY))
    d->help = STR("an amount stands without quotes: `50 EUR`");
  else if (x == V_TEXT && y == V_TEXT)
    d->help = STR("texts are put together where they are written: give each as a value, and write `{{ one }} {{ other }}` in the message or request");
  else if ((x == V_TEXT || y == V_TEXT) && (x == V_NUMBER || y == V_NUMBER))
    d->help = STR("numbers stand without quotes, texts with them");
}

bool types_comparable(struct type a, struct type b) {
  if (is_unknown(a) || is_unknown(b) || a.kind == b.kind)
    return true;
  return is_moment(a.kind) && is_moment(b.kind);
}

/* `time since last visit > 30d` compares by the calendar: emit turns it into `last visit < now - 30d`. */
static bool since_against(const struct expr *a, const struct expr *b) {
  return a->kind == EXPR_SINCE && b->kind == EXPR_LITERAL && is_duration(b->value.type);
}

void types_silence(struct expr *e) {
  if (e->kind == EXPR_HISTORY)
    types_give_currency(e, CURRENCY('X', 'X', 'X'));
}

void types_comparison(struct checker *k, struct expr *e) {
  struct expr *a = e->a, *b = e->b;
  bool order = e->op != BIN_IS && e->op != BIN_IS_NOT;
  e->type = type_of(V_BOOL);
  if (since_against(a, b) || since_against(b, a))
    return;
  if (!types_comparable(a->type, b->type)) {
    types_unlike(k, DIAG_E0401, e, "compared with", a, b);
    types_silence(a);
    types_silence(b);
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
  if (!order && (a->type.kind == V_DATE) != (b->type.kind == V_DATE) && is_moment(a->type.kind) && is_moment(b->type.kind)) {
    struct diagnostic *d = diag(k->c, DIAG_W0172, e->span, "a date is the midnight that it begins with, and hardly ever the same as a moment");
    d->help = STR("compare by `<` or `>`, or ask for the parts: `contact.birthday.month is now.month and contact.birthday.day is now.day`");
  }
  types_currencies_meet(k, e, a, b);
  types_choice(k, expr_choices(a), b);
  types_choice(k, expr_choices(b), a);
}

void types_text_op(struct checker *k, struct expr *e) {
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
    if (a->type.item && !types_comparable(*a->type.item, b->type)) {
      struct expr element = { .type = *a->type.item };
      types_unlike(k, DIAG_E0401, e, "compared with", &element, b);
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

void types_arithmetic(struct checker *k, struct expr *e) {
  static const char *const verbs[] = { [BIN_ADD] = "added to", [BIN_SUB] = "lowered by", [BIN_MUL] = "multiplied by",
                                       [BIN_DIV] = "divided by" };
  bad(e);
  if (is_unknown(e->a->type) || is_unknown(e->b->type))
    return;
  struct type t = arithmetic_type(e->op, e->a->type, e->b->type);
  if (t.kind == V_TYPE_COUNT) {
    types_unlike(k, DIAG_E0402, e, verbs[e->op], e->a, e->b);
    return;
  }
  /* Products of money and a number do not meet; of two currencies the first goes on, so that nothing more is said. */
  if (e->op == BIN_ADD || e->op == BIN_SUB || e->op == BIN_DIV)
    (void)types_currencies_meet(k, e, e->a, e->b);
  e->type = t;
  if (t.kind == V_MONEY)
    e->type.currency = e->a->type.kind == V_MONEY ? e->a->type.currency : e->b->type.currency;
}

void types_else(struct checker *k, struct expr *e) {
  e->type = is_unknown(e->a->type) ? e->b->type : e->a->type;
  if (!types_comparable(e->a->type, e->b->type)) {
    types_unlike(k, DIAG_E0401, e, "replaced by", e->a, e->b);
    bad(e);
  } else if (types_currencies_meet(k, e, e->a, e->b)) {
    types_choice(k, expr_choices(e->a), e->b);
  }
}
