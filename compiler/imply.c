/* What one condition says of another: that it holds, too, or that it cannot.
 *
 * Not here: what a single condition asks (sense.c); who is told (branches.c, twice.c, sense.c).
 *
 * Invariants:
 * 1. Yes is certain, no means "perhaps": a question that would take more than STEPS_MAX steps is answered with no.
 * 2. A comparison with a missing value is false, and `is not` is true of it: so nothing is concluded from `is not` but `is not`.
 * 3. Definitions are what they say. Other conditions are the same when their canonical text is. */
#include "care.h"

enum { STEPS_MAX = 256 };

static bool implies(const struct expr *b, const struct expr *a, int *steps);
static bool excludes(const struct expr *a, const struct expr *b, int *steps);

static bool is_not(const struct expr *e) { return e->kind == EXPR_UNARY && e->op == UN_NOT; }
static bool joins(const struct expr *e, uint8_t op) { return e->kind == EXPR_BINARY && e->op == op; }

/* `did E in last D` and `no E in last D` of the same events and time. */
static bool opposite_dids(const struct expr *a, const struct expr *b) {
  if (a->kind != EXPR_DID || b->kind != EXPR_DID || a->negated == b->negated)
    return false;
  struct expr other = *b;
  other.negated = a->negated;
  return same_meaning(a, &other);
}

/* `x is missing` and `x is not missing`; and a comparison of x, which holds of no missing value. */
static bool missing_or_not(const struct expr *a, const struct expr *b) {
  struct fact f;
  if (a->kind != EXPR_MISSING && b->kind == EXPR_MISSING)
    return missing_or_not(b, a);
  if (a->kind != EXPR_MISSING)
    return false;
  if (b->kind == EXPR_MISSING)
    return a->negated != b->negated && same_meaning(a->a, b->a);
  return !a->negated && fact_of(b, &f) && f.op != BIN_IS_NOT && same_meaning(f.what, a->a);
}

static bool same_subject(const struct fact *x, const struct fact *y) { return same_meaning(x->what, y->what); }

/* b holds, so its value is there, unless it is an `is not`. */
static bool fact_implies(const struct expr *b, const struct expr *a) {
  struct fact x, y;
  if (!fact_of(b, &x) || !fact_of(a, &y) || (x.op == BIN_IS_NOT && y.op != BIN_IS_NOT))
    return false;
  fact_turn(&y);
  return fact_contradicts(&x, &y) && same_subject(&x, &y);
}

static bool fact_excludes(const struct expr *a, const struct expr *b) {
  struct fact x, y;
  return fact_of(a, &x) && fact_of(b, &y) && fact_contradicts(&x, &y) && same_subject(&x, &y);
}

static bool implies(const struct expr *b, const struct expr *a, int *steps) {
  if ((*steps)-- <= 0 || b->kind == EXPR_BAD || a->kind == EXPR_BAD)
    return false;
  b = condition_plain(b), a = condition_plain(a);
  if (joins(b, BIN_OR))
    return implies(b->a, a, steps) && implies(b->b, a, steps);
  if (joins(a, BIN_AND))
    return implies(b, a->a, steps) && implies(b, a->b, steps);
  if (joins(a, BIN_OR) && (implies(b, a->a, steps) || implies(b, a->b, steps)))
    return true;
  if (joins(b, BIN_AND))
    return implies(b->a, a, steps) || implies(b->b, a, steps);
  if (is_not(a))
    return is_not(b) ? implies(a->a, b->a, steps) : excludes(b, a->a, steps);
  return fact_implies(b, a) || same_meaning(b, a);
}

static bool excludes(const struct expr *a, const struct expr *b, int *steps) {
  if ((*steps)-- <= 0 || b->kind == EXPR_BAD || a->kind == EXPR_BAD)
    return false;
  a = condition_plain(a), b = condition_plain(b);
  if (joins(a, BIN_OR))
    return excludes(a->a, b, steps) && excludes(a->b, b, steps);
  if (joins(b, BIN_OR))
    return excludes(a, b->a, steps) && excludes(a, b->b, steps);
  if (joins(a, BIN_AND))
    return excludes(a->a, b, steps) || excludes(a->b, b, steps);
  if (joins(b, BIN_AND))
    return excludes(a, b->a, steps) || excludes(a, b->b, steps);
  if (is_not(a))
    return implies(b, a->a, steps);
  if (is_not(b))
    return implies(a, b->a, steps);
  return fact_excludes(a, b) || opposite_dids(a, b) || missing_or_not(a, b);
}

bool condition_implies(const struct expr *b, const struct expr *a) {
  int steps = STEPS_MAX;
  return implies(b, a, &steps);
}

bool condition_excludes(const struct expr *a, const struct expr *b) {
  int steps = STEPS_MAX;
  return excludes(a, b, &steps);
}
