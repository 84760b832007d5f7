/* Branches that never happen, because an earlier one takes all that would come to them: `else if` behind a condition that it implies,
 * `on purchase where …` behind `on purchase`.
 *
 * Not here: conditions that never hold by themselves (sense.c).
 *
 * Invariants:
 * 1. A branch is warned of once, at the first one that covers it.
 * 2. At most LATER_MAX branches are looked at behind each: a longer chain was written by a machine. */
#include "care.h"

enum { LATER_MAX = 32 };

static struct diagnostic *report(struct compilation *c, struct span span, struct span earlier) {
  struct diagnostic *d = diag(c, DIAG_W0162, span, "this branch never happens");
  d->note_span = earlier;
  d->note = STR("what would come to it is taken here");
  d->help = STR("put the narrower branch first");
  return d;
}

static const struct stmt *else_if(const struct stmt *st) {
  const struct stmt *o = st->has_else ? st->otherwise : NULL;
  return o && o->kind == STMT_IF && !o->next ? o : NULL;
}

/* Asked at each `if` of a chain about those behind it; a condition between that is implied, too, has told already. */
void branches_check_if(struct compilation *c, const struct stmt *st) {
  int count = 0;
  if (!st->value || c->sources.items[st->span.source].standard)
    return;
  for (const struct stmt *later = else_if(st); later && count < LATER_MAX; later = else_if(later), count++) {
    if (!later->value || !condition_implies(later->value, st->value))
      continue;
    bool told = false;
    for (const struct stmt *between = else_if(st); between != later && !told; between = else_if(between))
      told = between->value && condition_implies(later->value, between->value) && !condition_implies(between->value, st->value);
    if (told)
      continue;
    struct diagnostic *d = report(c, later->value->span, st->value->span);
    if (same_meaning(later->value, st->value))
      d->help = STR("the same condition stands above");
    return; /* those behind it are asked when it is */
  }
}

static bool same_since(const struct on_branch *a, const struct on_branch *b) {
  return a->since == b->since && a->since_window.type == b->since_window.type && a->since_window.i == b->since_window.i &&
         a->since_window.aux == b->since_window.aux;
}

/* Whatever comes as `later` came as `e`. */
static bool covers(const struct event_ref *e, const struct event_ref *later) {
  if (!e->decl || e->decl != later->decl || (e->of.text.len && !str_eq(e->of.text, later->of.text)))
    return false;
  return !e->where || (later->where && condition_implies(later->where, e->where));
}

/* The branch above that takes each of the later one's events, or the last one of those that do so together; NULL when some are left. */
static const struct on_branch *covered_by(const struct on_branch *first, const struct on_branch *later) {
  const struct on_branch *by = NULL;
  for (const struct event_ref *l = later->events; l; l = l->next) {
    const struct on_branch *one = NULL;
    for (const struct on_branch *b = first; b != later && !one; b = b->next)
      for (const struct event_ref *e = same_since(b, later) ? b->events : NULL; e && !one; e = e->next)
        if (covers(e, l))
          one = b;
    if (!one)
      return NULL;
    by = one;
  }
  return by;
}

void branches_check_wait(struct compilation *c, const struct stmt *st) {
  if (c->sources.items[st->span.source].standard)
    return;
  int count = 0;
  for (const struct on_branch *later = st->branches; later && count < LATER_MAX; later = later->next, count++) {
    const struct on_branch *by = covered_by(st->branches, later);
    if (by)
      report(c, later->span, by->span);
  }
}
