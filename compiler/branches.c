/* Branches that never happen, because an earlier one takes all that would come to them: `else if` behind a condition that it implies,
 * `on purchase where …` behind `on purchase`; an `if` in a block, or behind one that leaves, where its condition cannot hold any more.
 *
 * Not here: conditions that never hold by themselves (sense.c).
 *
 * Invariants:
 * 1. A branch is warned of once, at the first one that covers it.
 * 2. At most LATER_MAX branches are looked at behind each: a longer chain was written by a machine.
 * 3. What a condition said is known until something happens that could change its answer: whatever waits, sets, joins or emits. */
#include "care.h"

enum { LATER_MAX = 32, KNOWN_MAX = 16 };

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

/* --- what is known where an `if` stands -------------------------------------------------------------------------------- */
struct known { const struct expr *cond; bool holds; };
struct place { struct compilation *c; struct known known[KNOWN_MAX]; uint32_t count; };

static void know(struct place *p, const struct expr *cond, bool holds) {
  if (cond && cond->kind != EXPR_BAD && p->count < KNOWN_MAX)
    p->known[p->count++] = (struct known){ cond, holds };
}

/* A message, a tag that is not asked for, an exit: what conditions ask stays as it is. */
static bool changes_nothing(const struct stmt *st) {
  return (st->kind == STMT_SEND && st->after.type == V_MISSING && !st->at) || st->kind == STMT_SHOW || st->kind == STMT_EXIT ||
         (st->kind == STMT_CALL && !st->reply.text.len);
}

static bool block_keeps(const struct stmt *block) {
  for (const struct stmt *st = block; st; st = st->next)
    if (!changes_nothing(st) && !(st->kind == STMT_IF && block_keeps(st->then) && block_keeps(st->otherwise)))
      return false;
  return true;
}

static bool leaves(const struct stmt *block) {
  for (const struct stmt *st = block; st; st = st->next)
    if (st->kind == STMT_EXIT)
      return true;
  return false;
}

/* An `if` of which it is known that it does not hold; the parts of a chain of `else if` are compared with each other above. */
static void tell_known(const struct place *p, const struct stmt *st) {
  for (uint32_t i = 0; i < p->count; i++) {
    const struct known *k = &p->known[i];
    bool never = k->holds ? condition_excludes(k->cond, st->value) : condition_implies(st->value, k->cond);
    if (!never)
      continue;
    struct diagnostic *d = diag(p->c, DIAG_W0162, st->value->span, "this branch never happens");
    d->note_span = k->cond->span;
    d->note = k->holds ? STR("this holds wherever one gets there") : STR("this does not hold wherever one gets there");
    return;
  }
}

static void walk_block(struct place *p, const struct stmt *block);

static void walk_if(struct place *p, const struct stmt *st, bool chained) {
  uint32_t was = p->count;
  if (st->value && !chained)
    tell_known(p, st);
  know(p, st->value, true);
  walk_block(p, st->then);
  p->count = was;
  know(p, st->value, false);
  const struct stmt *next = else_if(st);
  if (next)
    walk_if(p, next, true);
  else
    walk_block(p, st->otherwise);
  p->count = was;
}

static void walk_inside(struct place *p, const struct stmt *st) {
  struct place none = { .c = p->c };
  walk_block(&none, st->kind == STMT_DO ? NULL : st->then); /* a sequence is looked at where it is declared */
  none.count = 0;
  walk_block(&none, st->otherwise);
  for (const struct on_branch *b = st->branches; b; b = b->next, none.count = 0)
    walk_block(&none, b->body);
  for (const struct arm *a = st->arms; a; a = a->next) {
    struct place way = *p; /* no time has passed */
    walk_block(&way, a->body);
  }
}

/* What is known at its end is known no more to the caller, who sets the count back. */
static void walk_block(struct place *p, const struct stmt *block) {
  uint32_t was = p->count;
  for (const struct stmt *st = block; st; st = st->next) {
    if (st->kind == STMT_IF) {
      walk_if(p, st, false);
      if (!block_keeps(st->then) || !block_keeps(st->otherwise))
        p->count = 0;
      if (leaves(st->then) && block_keeps(st->otherwise))
        know(p, st->value, false);
      else if (leaves(st->otherwise) && block_keeps(st->then))
        know(p, st->value, true);
    } else {
      walk_inside(p, st);
      if (!changes_nothing(st))
        p->count = 0;
    }
  }
  p->count = was < p->count ? was : p->count;
}

void branches_check_block(struct compilation *c, const struct stmt *block) {
  struct place p = { .c = c };
  walk_block(&p, block);
}
