/* Conditions that ask nothing: those that never hold and those that always do, whatever the values.
 *
 * Not here: kinds that do not go together (types.c), statements that are never reached (flow.c), what one condition says of another
 * (imply.c). What is said here is a warning, because such a condition runs and does no harm but to its author's intention.
 *
 * Invariants:
 * 1. Only what is certain is said: one value against constants. Definitions are looked into.
 * 2. Each pair of comparisons is looked at once, at the operator that joins them, and FACTS_MAX of
 *    each side of it.
 * 3. A value that may be missing satisfies no comparison but `is not`, so of two that leave no gap neither need hold. */
#include "care.h"

#include "vm/calendar.h"

enum { FACTS_MAX = 32, FACTS_STEPS_MAX = 512 }; /* steps: definitions of definitions are as many as they are deep, squared and more */

struct facts { struct fact items[FACTS_MAX + 1]; uint32_t count, steps; };

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

const struct expr *condition_plain(const struct expr *e) {
  while (e->kind == EXPR_NAME && e->target == TARGET_DEFINE)
    e = ((const struct define_decl *)e->decl)->value;
  return e;
}

static bool constants(const struct expr *items) {
  struct value v;
  for (const struct expr *i = items; i; i = i->next)
    if (!constant(i, &v))
      return false;
  return true;
}

/* Only a definition of one comparison: others are joined, and looked at where they stand. */
bool fact_of(const struct expr *at, struct fact *f) {
  const struct expr *e = condition_plain(at);
  if (e->kind == EXPR_IN && constants(e->items)) {
    *f = (struct fact){ .at = at, .what = e->a, .op = e->negated ? BIN_IS_NOT : BIN_IS, .items = e->items };
    return true;
  }
  if (!compares(e))
    return false;
  *f = (struct fact){ .at = at, .what = e->a, .op = e->op };
  struct value other;
  if (constant(e->b, &f->value))
    return !constant(e->a, &other);
  f->what = e->b;
  f->op = turned(e->op);
  return constant(e->a, &f->value);
}

/* What the operator joins at its own level, and in the definitions that stand there. `at` is the definition's name where it stands. */
static void facts_of(const struct expr *e, const struct expr *at, uint8_t joined, struct facts *all) {
  for (;;) {
    if (all->count == FACTS_MAX || all->steps++ == FACTS_STEPS_MAX)
      return;
    const struct expr *plain = condition_plain(e);
    if (plain != e && !at)
      at = e;
    e = plain;
    if (e->kind != EXPR_BINARY || e->op != joined)
      break;
    facts_of(e->b, at, joined, all);
    e = e->a;
  }
  if (!fact_of(e, &all->items[all->count]))
    return;
  if (at)
    all->items[all->count].at = at;
  all->count++;
}

bool same_meaning(const struct expr *a, const struct expr *b) {
  a = condition_plain(a), b = condition_plain(b);
  if (a->kind != b->kind || a->op != b->op || a->target != b->target || a->aggregate != b->aggregate || !str_eq(a->name.text, b->name.text))
    return false;
  struct buf x, y;
  buf_init(&x, 1 << 16);
  buf_init(&y, 1 << 16);
  expr_show(&x, a);
  expr_show(&y, b);
  bool same = !x.failed && !y.failed && str_eq(buf_as_str(&x), buf_as_str(&y));
  buf_deinit(&x);
  buf_deinit(&y);
  return same;
}

static bool same_value(const struct expr *a, const struct expr *b) {
  if (a->kind != b->kind || a->target != b->target || a->type.kind == V_LIST)
    return false;
  if (a->kind == EXPR_HISTORY || a->kind == EXPR_SINCE || a->kind == EXPR_FIRST)
    return str_eq(a->events->name.text, b->events->name.text) && same_meaning(a, b);
  if (a->kind != EXPR_MEMBER && a->kind != EXPR_NAME)
    return false;
  if (a->target == TARGET_ATTRIBUTE)
    return str_eq(a->name.text, b->name.text);
  return a->target == TARGET_PROPERTY && a->decl == b->decl;
}

/* Whether there is always a value to compare. */
static bool never_missing(const struct expr *e) {
  if (e->kind == EXPR_HISTORY)
    return e->aggregate == AGG_COUNT;
  return e->target == TARGET_ATTRIBUTE && e->decl && ((const struct member *)e->decl)->initial;
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

void fact_turn(struct fact *f) { f->op = opposite(f->op); }

/* Every value that x allows is refused by y. */
static bool all_refused(const struct fact *x, const struct fact *y) {
  bool ok;
  struct value v = x->value;
  const struct expr *i = x->items;
  do {
    if (i)
      (void)constant(i, &v);
    if (y->items) {
      struct value w;
      bool found = false;
      for (const struct expr *k = y->items; k; k = k->next)
        found |= constant(k, &w) && v.type == w.type && holds(v, BIN_IS, w, &ok);
      if (found == (y->op == BIN_IS))
        return false;
    } else if (v.type != y->value.type || holds(v, y->op, y->value, &ok) || !ok) {
      return false;
    }
    i = i ? i->next : NULL;
  } while (i);
  return true;
}

bool fact_contradicts(const struct fact *x, const struct fact *y) {
  if (x->items || y->items)
    return (x->op == BIN_IS && all_refused(x, y)) || (y->op == BIN_IS && all_refused(y, x));
  return contradict(x->op, x->value, y->op, y->value);
}

static void report_pair(struct compilation *c, const struct fact *first, const struct fact *second, bool never) {
  bool same = first->at == second->at; /* both in one definition */
  if (same || first->at->span.source != second->at->span.source)
    return;
  struct diagnostic *d = never ? diag(c, DIAG_W0104, second->at->span, "this and what stands before it never hold together")
                               : diag(c, DIAG_W0105, second->at->span, "one of this and what stands before it always holds");
  d->note_span = first->at->span;
  d->note = never ? STR("this contradicts it") : STR("where this does not hold, the other does");
  if (never && first->op == BIN_IS && second->op == BIN_IS && !first->items && !second->items)
    d->help = STR("for either of the two write `is one of …, …`");
  if (!never && first->op == BIN_IS_NOT && second->op == BIN_IS_NOT && !first->items && !second->items)
    d->help = STR("for neither of the two write `is not one of …, …`");
  if (!never && first->op != BIN_IS_NOT && second->op != BIN_IS_NOT && !never_missing(first->what))
    d->help = STR("whenever there is a value; whether there is one, `is not missing` asks");
}

static bool check_pairs(struct compilation *c, const struct expr *e) {
  struct facts left, right;
  left.count = left.steps = right.count = right.steps = 0;
  bool never = e->op == BIN_AND;
  facts_of(e->b, NULL, e->op, &right);
  if (!right.count)
    return false;
  facts_of(e->a, NULL, e->op, &left);
  for (uint32_t i = 0; i < right.count; i++)
    for (uint32_t k = 0; k < left.count; k++) {
      const struct fact *x = &left.items[k], *y = &right.items[i];
      struct fact a = *x, b = *y;
      if (!never) fact_turn(&a), fact_turn(&b);
      if (fact_contradicts(&a, &b) && same_value(x->what, y->what)) {
        report_pair(c, x, y, never);
        return true;
      }
    }
  return false;
}

/* `vip and not vip`, `did purchase or no purchase`: what is not a comparison with constants. */
static void check_sides(struct compilation *c, const struct expr *e) {
  const struct expr *a = condition_plain(e->a), *b = condition_plain(e->b);
  bool negation = a->kind == EXPR_UNARY || b->kind == EXPR_UNARY || a->kind == EXPR_DID || b->kind == EXPR_DID;
  if (!negation)
    return;
  struct diagnostic *d = NULL;
  if (e->op == BIN_AND && condition_excludes(a, b))
    d = diag(c, DIAG_W0104, e->b->span, "this and what stands before it never hold together");
  else if (e->op == BIN_OR && ((b->kind == EXPR_UNARY && b->op == UN_NOT && condition_implies(b->a, a)) ||
                               (a->kind == EXPR_UNARY && a->op == UN_NOT && condition_implies(a->a, b))))
    d = diag(c, DIAG_W0105, e->b->span, "one of this and what stands before it always holds");
  if (!d)
    return;
  d->note_span = e->a->span;
  d->note = e->op == BIN_AND ? STR("this contradicts it") : STR("where this does not hold, the other does");
}

/* A percentage is of something, and most are of the whole. */
static void check_percentage(struct compilation *c, const struct expr *e) {
  const struct expr *literal = e->b->kind == EXPR_LITERAL ? e->b : e->a;
  const struct expr *other = literal == e->b ? e->a : e->b;
  if (literal->kind != EXPR_LITERAL || literal->value.type != V_PERCENT || other->kind == EXPR_LITERAL || literal->value.n <= 100)
    return;
  struct diagnostic *d = diag(c, DIAG_W0170, literal->span, "this is more than the whole");
  d->help = STR("a share is at most `100%`");
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
  if (same_value(e->a, e->b) && (e->op == BIN_IS_NOT || e->op == BIN_LT || e->op == BIN_GT)) {
    report_constant(c, e, false);
    return;
  }
  if (same_value(e->a, e->b)) {
    report_constant(c, e, true);
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
  if (e->op == BIN_AND || e->op == BIN_OR) {
    if (!check_pairs(c, e))
      check_sides(c, e);
  } else if (compares(e)) {
    check_constant(c, e);
    check_percentage(c, e);
  }
}
