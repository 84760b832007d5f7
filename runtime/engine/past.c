/* What looks back into a contact's history: measures that a later deploy added, and waits with `since`.
 *
 * Not for the windows of conditions: those are kept incrementally (vm/measure.c) and never look at the log.
 *
 * Invariants:
 * 1. A contact's events are reached through their prev pointers, newest arrival first; no scan.
 * 2. A walk holds one row at a time, whatever the length of the history.
 * 3. What is happening at this instant counts as having happened, although its row is not written yet.
 * 4. An event arrives at its own time or later, so the walk for `since T` ends at the first event that arrived before T. */
#include "runtime/engine/tick.h"

/* The row as an event: e->past, whose texts borrow from the row. */
static struct event *event_of_row(struct live *l, const struct event_row *row) {
  struct event *event = &l->e->past;
  event->name_text = store_name_text(l->e->store, row->name);
  event->at_ms = row->at_ms;
  event->body = row->body;
  event_intern(event, l->e->image, &l->e->walk);
  return event;
}

static enum camp_err row_of(struct engine *e, int64_t id, struct event_row *row) {
  arena_reset(&e->walk);
  return store_event_get(e->store, &e->walk, id, row);
}

/* An event that outlives the walk. */
static struct event *event_kept(struct live *l, const struct event *from) {
  struct event *event = arena_alloc(&l->e->contact, sizeof *event);
  event->name_text = from->name_text;
  event->at_ms = from->at_ms;
  event->body = arena_str(&l->e->contact, from->body);
  event_intern(event, l->e->image, &l->e->contact);
  return event;
}

/* What conditions may ask about: neither the engine's own remarks nor what says who a contact is. */
static bool is_history(const struct event_row *row) {
  return row->kind != EVENT_NOTE && row->kind != EVENT_IDENTIFY && row->kind != EVENT_ALIAS;
}

static void fill_from(struct live *l, const struct event *event) {
  struct engine *e = l->e;
  uint32_t count;
  if (event->name == NONE) return;
  const uint32_t *ids = image_event_measures(e->image, event->name, &count);
  l->event = event;
  l->now_ms = event->at_ms;
  struct env env = live_env(l);
  env.scratch = &e->walk; /* what a measure keeps is copied to the contact */
  for (uint32_t i = 0; i < count; i++) {
    const struct image_measure *m = image_measure(e->image, ids[i]);
    if (m->epoch <= l->c.measures_as_of) continue;
    if (m->measure->filter_pc != NONE && !value_true(vm_eval(&e->vm, m->unit, m->measure->filter_pc, NULL, &env))) continue;
    measure_take(&l->c, m->unit, m->measure, m->stored_id, &env);
  }
  scores_fill_from(l, event, &env);
}

enum camp_err live_past(struct live *l, int64_t id, const struct event **event, int64_t *prev, int64_t *received_ms) {
  struct event_row row;
  TRY(row_of(l->e, id, &row));
  *prev = row.prev;
  *received_ms = row.received_ms;
  *event = is_history(&row) ? event_of_row(l, &row) : NULL;
  if (*event && (*event)->name == NONE) *event = NULL;
  return CAMP_OK;
}

enum camp_err live_take_past(struct live *l, int64_t id) {
  struct engine *e = l->e;
  struct event_row row;
  uint32_t count;
  TRY(row_of(e, id, &row));
  const struct event *event = event_of_row(l, &row);
  if (!is_history(&row) || event->name == NONE) return CAMP_OK;
  const uint32_t *ids = image_event_measures(e->image, event->name, &count);
  l->event = event;
  struct env env = live_env(l);
  env.scratch = &e->walk;
  for (uint32_t i = 0; i < count; i++) {
    const struct image_measure *m = image_measure(e->image, ids[i]);
    if (m->measure->filter_pc != NONE && !value_true(vm_eval(&e->vm, m->unit, m->measure->filter_pc, NULL, &env))) continue;
    (void)measure_take(&l->c, m->unit, m->measure, m->stored_id, &env);
  }
  l->event = NULL;
  return CAMP_OK;
}

static bool any_younger(const struct live *l) {
  uint32_t n = image_measure_count(l->e->image);
  for (uint32_t i = 0; i < n; i++)
    if (image_measure(l->e->image, i)->epoch > l->c.measures_as_of) return true;
  return false;
}

/* What is left of an earlier life of the measures that are to be filled. */
static void forget_younger(struct live *l) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < l->c.measures.count; i++)
    if (store_name_epoch(l->e->store, l->c.measures.items[i].id) <= l->c.measures_as_of)
      l->c.measures.items[kept++] = l->c.measures.items[i];
  l->c.measures.count = kept;
}

enum camp_err live_fill_measures(struct live *l, bool *filled) {
  struct engine *e = l->e;
  *filled = false;
  scores_fill_begin(l);
  if (l->c.last_event && (any_younger(l) || scores_any_younger(l))) {
    forget_younger(l);
    VEC(int64_t) ids = { 0 };
    for (int64_t id = l->c.last_event; id;) {
      struct event_row row;
      TRY(row_of(e, id, &row));
      if (is_history(&row)) VEC_PUSH(&e->contact, &ids, id);
      id = row.prev;
    }
    /* Oldest arrival first, as it would have been, had the measure been there. */
    while (ids.count) {
      struct event_row row;
      TRY(row_of(e, ids.items[--ids.count], &row));
      fill_from(l, event_of_row(l, &row));
    }
    l->event = NULL;
    *filled = true;
  }
  return scores_fill_end(l);
}

static int64_t branch_since_ms(struct live *l, const struct strand *s, const struct branch *b) {
  if (b->since == BRANCH_SINCE_START) return s->started_ms;
  struct value back = value_sub(value_moment(l->now_ms), b->since_window, l->zone);
  return back.type == V_MOMENT ? back.i : l->now_ms;
}

static bool passes(struct live *l, struct strand_item *item, const struct branch *b, const struct event *event) {
  const struct event *in_hand = l->event;
  l->event = event;
  struct env env = live_env(l);
  env.scratch = &l->e->walk;
  bool yes = b->filter_pc == NONE || value_true(vm_eval(&l->e->vm, item->s.unit, b->filter_pc, &item->s, &env));
  l->event = in_hand;
  return yes;
}

/* Whether branch b accepts this older event. Both bounds are exclusive at their old end: `last 2h` holds what happened after
 * now - 2h, and `start` is the very event that started the run. */
static bool accepts(struct live *l, struct strand_item *item, const struct branch *b, const struct event *event) {
  const struct unit *u = item->s.unit;
  if (b->since == BRANCH_NOW || u->link->symbols[b->event] != event->name) return false;
  if (event->at_ms <= branch_since_ms(l, &item->s, b) || event->at_ms > l->now_ms) return false;
  return passes(l, item, b, event);
}

/* The first branch that accepts the event, when there is one. */
static void find_branch(struct live *l, struct strand_item *item, const struct event *event, uint32_t *pc, struct event **found) {
  const struct wait *w = strand_wait(&item->s);
  for (uint32_t i = 0; i < w->branch_count; i++) {
    const struct branch *b = &item->s.unit->branches[w->first_branch + i];
    if (!accepts(l, item, b, event)) continue;
    *pc = b->target_pc;
    *found = event_kept(l, event);
    return;
  }
}

/* As live_since, for any branch, between two moments, both inclusive: what a wait would have heard while its campaign was paused. */
enum camp_err live_between(struct live *l, struct strand_item *item, int64_t from_ms, int64_t to_ms, uint32_t *pc, struct event **found) {
  struct engine *e = l->e;
  const struct unit *u = item->s.unit;
  const struct wait *w = strand_wait(&item->s);
  *pc = NONE;
  for (int64_t id = w->branch_count ? l->c.last_event : 0; id;) {
    struct event_row row;
    TRY(row_of(e, id, &row));
    if (row.received_ms < from_ms) break;
    id = row.prev;
    if (row.kind == EVENT_NOTE || row.kind == EVENT_IDENTIFY || row.kind == EVENT_IMPORTED || row.at_ms < from_ms || row.at_ms > to_ms) continue;
    struct event *event = event_of_row(l, &row);
    if (event->name == NONE || (*found && event->at_ms > (*found)->at_ms)) continue;
    for (uint32_t i = 0; i < w->branch_count; i++) {
      const struct branch *b = &u->branches[w->first_branch + i];
      if (u->link->symbols[b->event] != event->name || !passes(l, item, b, event)) continue;
      *pc = b->target_pc;
      *found = event_kept(l, event);
      break;
    }
  }
  return CAMP_OK;
}

enum camp_err live_since(struct live *l, struct strand_item *item, uint32_t *pc, struct event **found) {
  struct engine *e = l->e;
  const struct wait *w = strand_wait(&item->s);
  int64_t oldest = l->now_ms;
  *pc = NONE;
  for (uint32_t i = 0; i < w->branch_count; i++) {
    const struct branch *b = &item->s.unit->branches[w->first_branch + i];
    if (b->since == BRANCH_NOW) continue;
    int64_t since = branch_since_ms(l, &item->s, b);
    if (since < oldest) oldest = since;
  }
  if (l->acting && l->acting->name != NONE) find_branch(l, item, l->acting, pc, found);
  for (int64_t id = l->c.last_event; id;) {
    struct event_row row;
    TRY(row_of(e, id, &row));
    if (row.received_ms < oldest) break;
    id = row.prev;
    if (!is_history(&row)) continue;
    struct event *event = event_of_row(l, &row);
    if (event->name == NONE || (*found && event->at_ms > (*found)->at_ms)) continue;
    find_branch(l, item, event, pc, found);
  }
  return CAMP_OK;
}
