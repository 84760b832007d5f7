/* Conditions that ask nothing: those that never hold and those that always do, whatever the values.
 *
 * Not here: kinds that do not go together (types.c), statements that are never reached (flow.c). What is said here is a
 * warning, because such a condition runs and does no harm but to its author's intention.
 *
 * Invariants:
 * 1. Only what is certain is said: one value against constants. Definitions are not looked into.
 * 2. Each pair of comparisons is looked at once, at the operator that joins them, and FACTS_MAX of
 *    each side of it. */
#include "names.h"

#include "vm/calendar.h"

enum { FACTS_MAX = 32 };

struct fact { const struct expr *at, *what; uint8_t op; struct value value; }; /* what op value */
struct facts { struct fact items[FACTS_MAX]; uint32_t count; };

static bool constant(const struct expr *e, struct value *v) {
  bool minus = e->kind == EXPR_UNARY && e->op == UN_NEG;
  const struct expr *literal = minus ? e->a : e;
  if (literal->kind != EXPR_LITERAL || (minus && literal->value.type != V_NUMBER))
    return false;
  *v = literal->value;
  if (minus)
    v->n = -v->n;
  return true;
}

static uint8_t turned(uint8_t op) {
  switch (op) {
  case BIN_LT: return BIN_GT;
  case BIN_LE: return BIN_GE;
  case BIN_GT: return BIN_LT;
  case BIN_GE: return BIN_LE;
  default: return op;
  }
}

static uint8_t opposite(uint8_t op) {
  switch (op) {
  case BIN_IS: return BIN_IS_NOT;
  case BIN_IS_NOT: return BIN_IS;
  case BIN_LT: return BIN_GE;
  case BIN_LE: return BIN_GT;
  case BIN_GT: return BIN_LE;
  default: return BIN_LT;
  }
}

static bool compares(const struct expr *e) { return e->kind == EXPR_BINARY && e->op >= BIN_IS && e->op <= BIN_GE; }

static bool fact_of(const struct expr *e, struct fact *f) {
  if (!compares(e))
    return false;
  *f = (struct fact){ .at = e, .what = e->a, .op = e->op };
  struct value other;
  if (constant(e->b, &f->value))
    return !constant(e->a, &other);
  f->what = e->b;
  f->op = turned(e->op);
  return constant(e->a, &f->value);
}

/* What the operator joins at its own level. */
static void facts_of(const struct expr *e, uint8_t joined, struct facts *all) {
  while (e->kind == EXPR_BINARY && e->op == joined && all->count < FACTS_MAX) {
    facts_of(e->b, joined, all);
    e = e->a;
  }
  if (all->count < FACTS_MAX && fact_of(e, &all->items[all->count]))
    all->count++;
}

static bool same_value(const struct expr *a, const struct expr *b) {
  if (a->kind != b->kind || a->target != b->target || a->type.kind == V_LIST)
    return false;
  if (a->kind == EXPR_HISTORY && str_eq(a->events->name.text, b->events->name.text)) {
    struct buf x, y;
    buf_init(&x, 1 << 16);
    buf_init(&y, 1 << 16);
    expr_show(&x, a);
    expr_show(&y, b);
    bool same = str_eq(buf_as_str(&x), buf_as_str(&y));
    buf_deinit(&x);
    buf_deinit(&y);
    return same;
  }
  if (a->kind != EXPR_MEMBER && a->kind != EXPR_NAME)
    return false;
  if (a->target == TARGET_ATTRIBUTE)
    return str_eq(a->name.text, b->name.text);
  return a->target == TARGET_PROPERTY && a->decl == b->decl;
}

/* Whether the comparison holds between two constants; *ok false when that cannot be said. */
static bool holds(struct value a, uint8_t op, struct value b, bool *ok) {
  *ok = true;
  if (op == BIN_IS || op == BIN_IS_NOT)
    return value_equal(a, b, zone_utc()) == (op == BIN_IS);
  int order = value_order(a, b, zone_utc(), ok);
  switch (op) {
  case BIN_LT: return order < 0;
  case BIN_LE: return order <= 0;
  case BIN_GT: return order > 0;
  default: return order >= 0;
  }
}

static bool is_upper(uint8_t op) { return op == BIN_LT || op == BIN_LE; }

/* No value satisfies both. */
static bool contradict(uint8_t x, struct value a, uint8_t y, struct value b) {
  bool ok;
  if (a.type != b.type)
    return false;
  if (x == BIN_IS)
    return !holds(a, y, b, &ok) && ok;
  if (y == BIN_IS)
    return !holds(b, x, a, &ok) && ok;
  if (x == BIN_IS_NOT || y == BIN_IS_NOT || is_upper(x) == is_upper(y))
    return false;
  int order = value_order(a, b, zone_utc(), &ok);
  if (!is_upper(x))
    order = -order;
  return ok && (order < 0 || (order == 0 && (x == BIN_LT || x == BIN_GT || y == BIN_LT || y == BIN_GT)));
}

static void report_pair(struct compilation *c, const struct fact *first, const struct fact *second, bool never) {
  struct diagnostic *d = never ? diag(c, DIAG_W0104, second->at->span, "this and what stands before it never hold together")
                               : diag(c, DIAG_W0105, second->at->span, "one of this and what stands before it always holds");
  d->note_span = first->at->span;
  d->note = never ? STR("this contradicts it") : STR("where this does not hold, the other does");
  if (never && first->op == BIN_IS && second->op == BIN_IS)
    d->help = STR("for either of the two write `is one of …, …`");
  if (!never && first->op == BIN_IS_NOT && second->op == BIN_IS_NOT)
    d->help = STR("for neither of the two write `is not one of …, …`");
}

static void check_pairs(struct compilation *c, const struct expr *e) {
  struct facts left = { .count = 0 }, right = { .count = 0 };
  bool never = e->op == BIN_AND;
  facts_of(e->b, e->op, &right);
  if (!right.count)
    return;
  facts_of(e->a, e->op, &left);
  for (uint32_t i = 0; i < right.count; i++)
    for (uint32_t k = 0; k < left.count; k++) {
      const struct fact *x = &left.items[k], *y = &right.items[i];
      uint8_t op_x = never ? x->op : opposite(x->op), op_y = never ? y->op : opposite(y->op);
      if (contradict(op_x, x->value, op_y, y->value) && same_value(x->what, y->what)) {
        report_pair(c, x, y, never);
        return;
      }
    }
}

static void report_constant(struct compilation *c, const struct expr *e, bool always) {
  if (always)
    diag(c, DIAG_W0105, e->span, "this always holds");
  else
    diag(c, DIAG_W0104, e->span, "this never holds");
}

static void check_constant(struct compilation *c, const struct expr *e) {
  struct value a, b;
  bool ok;
  if (constant(e->a, &a) && constant(e->b, &b)) {
    bool always = holds(a, e->op, b, &ok);
    if (ok && a.type == b.type)
      report_constant(c, e, always);
    return;
  }
  struct fact f;
  if (!fact_of(e, &f) || f.what->kind != EXPR_HISTORY || f.what->aggregate != AGG_COUNT || f.value.type != V_NUMBER)
    return;
  /* A count is a whole number from zero. */
  if (f.op == BIN_GE ? f.value.n <= 0 : f.op == BIN_GT && f.value.n < 0)
    report_constant(c, e, true);
  else if (f.op == BIN_LT ? f.value.n <= 0 : (f.op == BIN_LE || f.op == BIN_IS) && f.value.n < 0)
    report_constant(c, e, false);
}

void sense_check(struct compilation *c, const struct expr *e) {
  if (e->kind != EXPR_BINARY || c->sources.items[e->span.source].standard)
    return;
  if (e->op == BIN_AND || e->op == BIN_OR)
    check_pairs(c, e);
  else if (compares(e))
    check_constant(c, e);
}
