/* One event that sends somebody the same message twice: by two rules or campaigns that it starts, or by two statements with no time
 * between them.
 *
 * Not here: rules that are the same altogether (rules.c).
 *
 * Invariants:
 * 1. Two sends are the same when message and delay are: the same letter a week later is meant.
 * 2. Two starts are warned of unless their conditions exclude each other. Only sends that every run reaches at once are looked at.
 * 3. Sequences are looked into where they are done, and campaigns where they are started. Of two sends under conditions, those are not
 *    told of whose conditions exclude each other.
 * 4. Of one event and message, the first SENDS_MAX are compared with each other. */
#include "care.h"

enum { SENDS_MAX = 8, SENT_MAX = 32, UNDER_MAX = 6 };

struct start_send {          /* a start, and a message that it sends at once */
  const struct item *item;
  const struct event_ref *event;
  const struct start_clause *start;
  const struct stmt *send;
  struct span at;            /* where the item says so: the send, or the `do` or `start` that brings it about */
  struct start_send *next;
};
struct under { const struct expr *cond; bool holds; };
struct sent_one {
  const struct stmt *send;
  const struct stmt *done;   /* the `do` or `start` that brings it about, or NULL */
  struct under under[UNDER_MAX];
  uint32_t under_count;
};
struct sent { struct sent_one items[SENT_MAX]; uint32_t count; };
struct twice {
  struct compilation *c;
  struct scope *s;
  struct table sendings, told;
  const struct campaign_decl *cd; /* that is walked */
  const struct stmt *done;
  bool start;                     /* in a campaign that is started */
  struct under under[UNDER_MAX];
  uint32_t under_count;
};

static bool same_delay(const struct stmt *a, const struct stmt *b) {
  if (a->at || b->at || a->props || b->props)
    return false;
  return a->after.type == b->after.type && (a->after.type == V_MISSING || (a->after.i == b->after.i && a->after.aux == b->after.aux));
}
static bool same_send(const struct stmt *a, const struct stmt *b) { return a->decl && a->decl == b->decl && same_delay(a, b); }

static bool excluded(const struct start_send *a, const struct start_send *b) {
  const struct expr *x[] = { a->event->where, a->start->where_cond }, *y[] = { b->event->where, b->start->where_cond };
  if (a->event->of.text.len && b->event->of.text.len && !str_eq(a->event->of.text, b->event->of.text))
    return true;
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 2; k++)
      if (x[i] && y[k] && condition_excludes(x[i], y[k]))
        return true;
  return false;
}

/* --- two starts ------------------------------------------------------------------------------------------------------ */
static bool compare(struct twice *t, const struct start_send *first, const struct start_send *second) {
  const struct campaign_decl *a = &first->item->campaign, *b = &second->item->campaign;
  if (first->item == second->item || !same_send(first->send, second->send) || excluded(first, second))
    return false;
  if (a->rule && b->rule && str_eq(a->rule_text, b->rule_text))
    return false; /* the same rule: told as a whole */
  struct diagnostic *d = diag(t->c, DIAG_W0164, second->at, "who comes here gets `" STR_FMT "` twice", STR_ARG(second->send->name.text));
  d->note_span = first->at;
  d->note = STR("the same event sends it here, too");
  d->help = STR("let the conditions exclude each other, or send it in one place");
  return true;
}

static void add(struct twice *t, const struct item *item, const struct start_clause *start, const struct event_ref *event,
                const struct stmt *send, const struct stmt *done) {
  struct start_send **place = (struct start_send **)table_place(&t->c->arena, &t->sendings, (uintptr_t)send->decl, event->name.text);
  int count = 0;
  bool told = false;
  struct start_send *own = ARENA_NEW(&t->c->arena, struct start_send);
  *own = (struct start_send){ item, event, start, send, done ? done->span : send->span, NULL };
  for (; *place; place = &(*place)->next) {
    if (++count > SENDS_MAX)
      return;
    told = told || compare(t, *place, own);
  }
  *place = own;
}

/* A rule goes on behind a delayed send; a campaign waits for it. */
static bool ends_instant(const struct campaign_decl *cd, const struct stmt *st) {
  struct stmt alone = *st;
  alone.next = NULL;
  return st->kind == STMT_EXIT || (block_suspends(&alone) && !(cd->rule && st->kind == STMT_SEND));
}

/* The sends that every run reaches at once, those of its sequences, too; false behind the first that waits. */
static bool add_block(struct twice *t, const struct item *item, const struct campaign_decl *cd, const struct stmt *block, const struct stmt *done) {
  for (const struct stmt *st = block; st; st = st->next) {
    for (const struct start_clause *start = item->campaign.starts; start && st->kind == STMT_SEND && st->decl; start = start->next)
      for (const struct event_ref *e = start->events; e; e = e->next)
        add(t, item, start, e, st, done);
    if (st->kind == STMT_DO && !add_block(t, item, cd, st->then, done ? done : st))
      return false;
    if (st->kind == STMT_START && st->decl && st->decl != cd && cd == &item->campaign)
      (void)add_block(t, item, st->decl, ((const struct campaign_decl *)st->decl)->body, done ? done : st);
    if (ends_instant(cd, st))
      return false;
  }
  return true;
}

static void add_starts(struct twice *t, const struct item *item) { (void)add_block(t, item, &item->campaign, item->campaign.body, NULL); }

/* --- two statements -------------------------------------------------------------------------------------------------- */
static struct span place_of(const struct sent_one *one, const struct sent_one *other) {
  return one->done && one->done != other->done ? one->done->span : one->send->span;
}

/* Both cannot come about: one stands under a condition that the other's excludes, or in the `else` of one that it implies. */
static bool apart(const struct sent_one *a, const struct sent_one *b) {
  for (uint32_t i = 0; i < a->under_count; i++)
    for (uint32_t k = 0; k < b->under_count; k++) {
      const struct under *x = &a->under[i], *y = &b->under[k];
      if (x->holds && y->holds ? condition_excludes(x->cond, y->cond)
          : x->holds           ? condition_implies(x->cond, y->cond)
                               : y->holds && condition_implies(y->cond, x->cond))
        return true;
    }
  return false;
}

static void told_once(struct twice *t, const struct sent_one *now, const struct sent_one *before) {
  struct span at = place_of(now, before);
  void **place = table_place(&t->c->arena, &t->told, (uintptr_t)at.source + 1, arena_printf(&t->c->arena, "%u", at.from));
  if (*place)
    return;
  *place = t;
  bool element = now->send == before->send && now->done == before->done;
  struct diagnostic *d = diag(t->c, DIAG_W0164, at, element ? "`" STR_FMT "` is sent for each element, all at one moment" : "`" STR_FMT "` is sent twice at one moment",
                              STR_ARG(now->send->name.text));
  if (element)
    return;
  d->note_span = place_of(before, now);
  d->note = STR("the first time");
}

static void sent_add(struct sent *all, const struct sent_one *one) {
  if (all->count < SENT_MAX)
    all->items[all->count++] = *one;
}

static void see_send(struct twice *t, const struct stmt *st, struct sent *all) {
  struct sent_one one = { .send = st, .done = t->done, .under_count = t->under_count };
  memcpy(one.under, t->under, sizeof one.under);
  for (uint32_t i = 0; i < all->count; i++)
    if (same_send(all->items[i].send, st) && !apart(&all->items[i], &one)) {
      told_once(t, &one, &all->items[i]);
      break;
    }
  if (!t->cd->rule && (st->after.type != V_MISSING || st->at))
    all->count = 0;
  sent_add(all, &one);
}

/* What may have been sent on one of the ways, each of which began with the first `common` of them. */
static void join(struct sent *all, const struct sent *way, uint32_t common) {
  for (uint32_t i = common; i < way->count; i++)
    sent_add(all, &way->items[i]);
}

/* Walks a block with what was sent since time last passed; false when the run does not go on behind it. */
static bool walk(struct twice *t, const struct stmt *block, struct sent *all);

static bool walk_under(struct twice *t, const struct expr *cond, bool holds, const struct stmt *block, struct sent *all) {
  uint32_t was = t->under_count;
  if (cond && was < UNDER_MAX)
    t->under[t->under_count++] = (struct under){ cond, holds };
  bool on = walk(t, block, all);
  t->under_count = was;
  return on;
}

static void walk_if(struct twice *t, const struct stmt *st, struct sent *all) {
  struct sent then = *all, otherwise = *all;
  bool on = walk_under(t, st->value, true, st->then, &then), other = walk_under(t, st->value, false, st->otherwise, &otherwise);
  uint32_t common = all->count < then.count ? all->count : 0;
  *all = on ? then : otherwise;
  if (on && other)
    join(all, &otherwise, common);
}

/* A split, an experiment: one of its ways is gone. Who is held out, or in no arm, goes on as before. */
static void walk_arms(struct twice *t, const struct stmt *st, struct sent *all) {
  struct sent before = *all, way = *all;
  for (const struct arm *a = st->arms; a; a = a->next, way = before)
    if (walk(t, a->body, &way) && way.count >= before.count)
      join(all, &way, before.count);
  if (walk(t, st->otherwise, &way) && way.count >= before.count)
    join(all, &way, before.count);
}

/* Time has passed when a branch of a wait begins; what it sends is sent at the same moment as what stands behind the wait. */
static void walk_wait(struct twice *t, const struct stmt *st, struct sent *all) {
  struct sent way = { .count = 0 };
  all->count = 0;
  for (const struct on_branch *b = st->branches; b; b = b->next, way.count = 0)
    if (walk(t, b->body, &way))
      join(all, &way, 0);
  if (walk(t, st->otherwise, &way))
    join(all, &way, 0);
}

/* Of an element and the next one. */
static void walk_each(struct twice *t, const struct stmt *st, struct sent *all) {
  struct sent way = *all;
  uint32_t common = all->count;
  bool on = walk(t, st->then, &way);
  if (block_suspends(st->then)) {
    all->count = 0;
    return;
  }
  if (on)
    (void)walk(t, st->then, &way);
  join(all, &way, common);
}

/* What a campaign sends at once is sent at the moment of its start. */
static void walk_start(struct twice *t, const struct stmt *st, struct sent *all) {
  const struct campaign_decl *started = st->decl, *own = t->cd;
  const struct stmt *done = t->done;
  if (!started || t->start || started == own)
    return;
  t->start = true;
  t->done = done ? done : st;
  for (const struct stmt *at = started->body; at && !ends_instant(started, at); at = at->next)
    if (at->kind == STMT_SEND && at->decl)
      see_send(t, at, all);
  t->done = done;
  t->start = false;
}

static bool walk_do(struct twice *t, const struct stmt *st, struct sent *all) {
  const struct stmt *done = t->done;
  t->done = done ? done : st;
  bool on = walk(t, st->then, all);
  t->done = done;
  return on;
}

static bool walk(struct twice *t, const struct stmt *block, struct sent *all) {
  for (const struct stmt *st = block; st; st = st->next)
    switch (st->kind) {
    case STMT_EXIT: return false;
    case STMT_SEND:
      if (st->decl)
        see_send(t, st, all);
      break;
    case STMT_START: walk_start(t, st, all); break;
    case STMT_IF: walk_if(t, st, all); break;
    case STMT_SPLIT: case STMT_EXPERIMENT: walk_arms(t, st, all); break;
    case STMT_EACH: walk_each(t, st, all); break;
    case STMT_DO:
      if (!walk_do(t, st, all))
        return false;
      break;
    case STMT_REPEAT:
      (void)walk(t, st->then, all);
      if (st->duration.type != V_MISSING || block_suspends(st->then))
        all->count = 0;
      break;
    case STMT_WAIT: walk_wait(t, st, all); break;
    case STMT_CALL:
      if (st->reply.text.len)
        walk_wait(t, st, all);
      break;
    default: break;
    }
  return true;
}

void twice_check(struct compilation *c, struct scope *s, const struct tree *tree) {
  struct twice t = { .c = c, .s = s };
  for (const struct item *i = tree->items; i; i = i->next) {
    if ((i->kind != ITEM_CAMPAIGN && i->kind != ITEM_RULE) || scope_is_standard(s, i))
      continue;
    struct sent sent = { .count = 0 };
    t.cd = &i->campaign;
    (void)walk(&t, i->campaign.body, &sent);
    add_starts(&t, i);
  }
}
