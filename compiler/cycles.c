/* Campaigns that start each other again and again, by `start` or by what they emit, with waits between: nobody whom nothing stops
 * ever leaves them.
 *
 * Not here: loops at one instant, which are errors (flow.c).
 *
 * Invariants:
 * 1. Each campaign and each start is looked at once, on no deeper a stack than blocks nest.
 * 2. What may end is not warned of: a start inside an `if` or a `split`, an entry that is limited, and a campaign that starts itself,
 *    which is how something is repeated. */
#include "care.h"

struct link { struct knot *to; struct span span; struct link *next; };
struct knot {
  const struct campaign_decl *cd; /* or NULL: an event that some emit */
  struct str event;
  uint8_t color;          /* 0 not seen, 1 on the path, 2 done */
  struct link *links;
  const struct link *at;  /* the search's place in them */
  struct span at_span;    /* of the link that was taken last */
  struct knot *parent;
};
struct net { struct compilation *c; struct table knots; VEC(struct knot *) all; };

static struct knot *knot_of(struct net *n, const struct campaign_decl *cd) {
  struct knot **place = (struct knot **)table_place(&n->c->arena, &n->knots, (uintptr_t)cd, STR("campaign"));
  if (!*place) {
    *place = ARENA_NEW(&n->c->arena, struct knot);
    (*place)->cd = cd;
    VEC_PUSH(&n->c->arena, &n->all, *place);
  }
  return *place;
}

/* What is emitted starts who listens to it: the links of such an event are added with the campaigns that do. */
static struct knot *event_knot(struct net *n, struct str event) {
  struct knot **place = (struct knot **)table_place(&n->c->arena, &n->knots, 1, event);
  if (!*place) {
    *place = ARENA_NEW(&n->c->arena, struct knot);
    (*place)->event = event;
    VEC_PUSH(&n->c->arena, &n->all, *place);
  }
  return *place;
}

static void link_add(struct net *n, struct knot *from, struct knot *to, struct span span) {
  struct link *l = ARENA_NEW(&n->c->arena, struct link);
  *l = (struct link){ to, span, from->links };
  from->links = l;
}

static bool enters_again(const struct campaign_decl *cd) {
  return !cd->entry.given || cd->entry.kind == ENTRY_ONCE_AT_A_TIME || cd->entry.kind == ENTRY_EVERY_TIME;
}

static void links_add(struct net *n, struct knot *from, const struct stmt *block) {
  for (const struct stmt *st = block; st; st = st->next) {
    if (st->kind == STMT_START && st->decl && st->decl != from->cd && enters_again(st->decl))
      link_add(n, from, knot_of(n, st->decl), st->span);
    if (st->kind == STMT_EMIT)
      link_add(n, from, event_knot(n, st->name.text), st->span);
    if (st->kind == STMT_IF || st->kind == STMT_SPLIT)
      continue;
    links_add(n, from, st->then);
    links_add(n, from, st->otherwise);
    for (const struct on_branch *b = st->branches; b; b = b->next)
      links_add(n, from, b->body);
  }
}

/* The link that closes the circle stands in a campaign, or comes from an event that one emits: then that one is told of. */
static void report(struct net *n, const struct knot *last, const struct link *back) {
  bool suspends = false;
  const struct knot *one = last->cd ? last : last->parent, *other = NULL;
  for (const struct knot *k = last; k; k = k == back->to ? NULL : k->parent) {
    suspends |= k->cd && block_suspends(k->cd->body);
    if (k->cd && k != one)
      other = k; /* the last that is seen is the first of the circle */
  }
  if (!suspends || !one || !other)
    return;
  struct diagnostic *d = diag(n->c, DIAG_W0165, one == last ? back->span : one->at_span, "`" STR_FMT "` and `" STR_FMT "` start each other without an end",
                              STR_ARG(one->cd->name.text), STR_ARG(other->cd->name.text));
  d->note_span = other->cd->name.span;
  d->note = STR("from here one comes back to this start");
  d->help = STR("let one of them take each contact once (`entry once`, `entry at most once in 90d`), or start it under a condition");
}

static void search(struct net *n, struct knot *root) {
  struct knot *k = root;
  k->color = 1;
  k->at = k->links;
  while (k) {
    const struct link *l = k->at;
    if (!l) {
      k->color = 2;
      k = k->parent;
      continue;
    }
    k->at = l->next;
    k->at_span = l->span;
    if (l->to->color == 1) {
      report(n, k, l);
    } else if (l->to->color == 0) {
      l->to->color = 1;
      l->to->parent = k;
      l->to->at = l->to->links;
      k = l->to;
    }
  }
}

/* Unconditional starts by an event alone: what asks something more may end the circle. */
static void starts_add(struct net *n, const struct campaign_decl *cd) {
  if (cd->entry.given && !enters_again(cd))
    return;
  for (const struct start_clause *st = cd->starts; st; st = st->next)
    for (const struct event_ref *e = st->events; e; e = e->next) {
      struct knot **event = (struct knot **)table_place(&n->c->arena, &n->knots, 1, e->name.text);
      if (*event && !e->where && !e->of.text.len && !st->where_cond)
        link_add(n, *event, knot_of(n, cd), st->span);
    }
}

void cycles_check(struct compilation *c, struct scope *s, const struct tree *tree) {
  struct net n = { .c = c };
  for (const struct item *i = tree->items; i; i = i->next)
    if ((i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE) && !scope_is_standard(s, i) && i->campaign.body)
      links_add(&n, knot_of(&n, &i->campaign), i->campaign.body);
  for (const struct item *i = n.all.count ? tree->items : NULL; i; i = i->next)
    if ((i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE) && !scope_is_standard(s, i) && i->campaign.body)
      starts_add(&n, &i->campaign);
  for (uint32_t i = 0; i < n.all.count; i++)
    if (n.all.items[i]->color == 0)
      search(&n, n.all.items[i]);
}
