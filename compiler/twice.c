/* One event that sends somebody the same message twice: by two rules or campaigns that it starts, or by two statements with no time
 * between them.
 *
 * Not here: rules that are the same altogether (rules.c).
 *
 * Invariants:
 * 1. Two sends are the same when message and delay are: the same letter a week later is meant.
 * 2. Two starts are warned of unless their conditions exclude each other. Only sends that every run reaches at once are looked at.
 * 3. Of one event and message, the first SENDS_MAX are compared with each other. */
#include "care.h"

enum { SENDS_MAX = 8, SENT_MAX = 32 };

struct start_send {          /* a start, and a message that it sends at once */
  const struct item *item;
  const struct event_ref *event;
  const struct start_clause *start;
  const struct stmt *send;
  struct start_send *next;
};
struct sent { const struct stmt *items[SENT_MAX]; uint32_t count; };
struct twice { struct compilation *c; struct scope *s; struct table sendings; };

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
  struct diagnostic *d = diag(t->c, DIAG_W0164, second->send->span, "who comes here gets `" STR_FMT "` twice", STR_ARG(second->send->name.text));
  d->note_span = first->send->span;
  d->note = STR("the same event sends it here, too");
  d->help = STR("let the conditions exclude each other, or send it in one place");
  return true;
}

static void add(struct twice *t, const struct item *item, const struct start_clause *start, const struct event_ref *event,
                const struct stmt *send) {
  struct start_send **place = (struct start_send **)table_place(&t->c->arena, &t->sendings, (uintptr_t)send->decl, event->name.text);
  int count = 0;
  bool told = false;
  struct start_send *own = ARENA_NEW(&t->c->arena, struct start_send);
  *own = (struct start_send){ item, event, start, send, NULL };
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

static void add_starts(struct twice *t, const struct item *item) {
  const struct campaign_decl *cd = &item->campaign;
  for (const struct stmt *st = cd->body; st; st = st->next) {
    for (const struct start_clause *start = cd->starts; start && st->kind == STMT_SEND && st->decl; start = start->next)
      for (const struct event_ref *e = start->events; e; e = e->next)
        add(t, item, start, e, st);
    if (ends_instant(cd, st))
      return;
  }
}

/* --- two statements -------------------------------------------------------------------------------------------------- */
static void sent_add(struct sent *all, const struct stmt *st) {
  if (all->count < SENT_MAX)
    all->items[all->count++] = st;
}

/* Walks a block with what was sent since time last passed; false when the run does not go on behind it. */
static bool walk(struct twice *t, const struct campaign_decl *cd, const struct stmt *block, struct sent *all);

static void walk_if(struct twice *t, const struct campaign_decl *cd, const struct stmt *st, struct sent *all) {
  struct sent then = *all, otherwise = *all;
  bool on = walk(t, cd, st->then, &then), other = walk(t, cd, st->otherwise, &otherwise);
  uint32_t before = all->count < then.count ? all->count : 0;
  *all = on ? then : otherwise;
  if (on && other)
    for (uint32_t i = before; i < otherwise.count; i++)
      sent_add(all, otherwise.items[i]);
}

static bool walk(struct twice *t, const struct campaign_decl *cd, const struct stmt *block, struct sent *all) {
  for (const struct stmt *st = block; st; st = st->next) {
    if (st->kind == STMT_EXIT)
      return false;
    if (st->kind == STMT_SEND && st->decl) {
      for (uint32_t i = 0; i < all->count; i++)
        if (same_send(all->items[i], st)) {
          struct diagnostic *d = diag(t->c, DIAG_W0164, st->span, "`" STR_FMT "` is sent twice at one moment", STR_ARG(st->name.text));
          d->note_span = all->items[i]->span;
          d->note = STR("the first time");
          break;
        }
      if (!cd->rule && (st->after.type != V_MISSING || st->at))
        all->count = 0;
      sent_add(all, st);
    } else if (st->kind == STMT_IF) {
      walk_if(t, cd, st, all);
    } else {
      struct sent none = { .count = 0 };
      struct stmt alone = *st;
      alone.next = NULL;
      (void)walk(t, cd, st->then, &none);
      none.count = 0;
      (void)walk(t, cd, st->otherwise, &none);
      for (const struct on_branch *b = st->branches; b; b = b->next) {
        none.count = 0;
        (void)walk(t, cd, b->body, &none);
      }
      for (const struct arm *a = st->arms; a; a = a->next) {
        none.count = 0;
        (void)walk(t, cd, a->body, &none);
      }
      if (block_suspends(&alone))
        all->count = 0;
    }
  }
  return true;
}

void twice_check(struct compilation *c, struct scope *s, const struct tree *tree) {
  struct twice t = { .c = c, .s = s };
  for (const struct item *i = tree->items; i; i = i->next) {
    if ((i->kind != ITEM_CAMPAIGN && i->kind != ITEM_RULE) || scope_is_standard(s, i))
      continue;
    struct sent sent = { .count = 0 };
    (void)walk(&t, &i->campaign, i->campaign.body, &sent);
    add_starts(&t, i);
  }
}
