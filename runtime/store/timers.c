/* Timers: when each contact is to be looked at next.
 *
 * Not for: what a contact waits for (its strands and measures say), nor running it (the engine).
 *
 * Changes are gathered during a transaction and written at its commit, in order of time. New ones go in by one statement
 * (gather.c): a statement a timer took a third of what a wake costs the store.
 *
 * Invariants:
 * 1. timer holds (slot.due, contact) for each contact whose due is not NULL, and nothing else.
 * 2. store_due gives a contact once a transaction, and what is gathered shows after the commit; so what it has given out is all
 *    there is in the table up to the last one given. */
#include "sqlite.h"

#include "vm/base/sort.h"

#include <stdlib.h>
#include <string.h>

/* --- gathering ----------------------------------------------------------------------------------------------------------- */

void timer_note(struct store *s, int64_t due, int64_t contact, bool put) {
  if (due == STORE_NEVER) return;
  s->timers = store_grow(s->timers, &s->timer_cap, s->timer_count + 1, sizeof *s->timers);
  s->timers[s->timer_count] = (struct timer_change){ due, contact, s->timer_count, put };
  s->timer_count++;
}

/* The timer that stands after a write. One that moves later while it has not fired stays: it fires, the engine looks, and it parks
 * again; so an event that only pushes a deadline back costs no index write. */
int64_t timer_after(const struct store *s, int64_t was, int64_t wanted) {
  bool later = wanted != STORE_NEVER && was != STORE_NEVER && wanted > was;
  return later && was > s->due_limit ? was : wanted;
}

/* --- writing ------------------------------------------------------------------------------------------------------------- */

/* Of one moment. */
static int change_order(const void *x, const void *y) {
  const struct timer_change *a = x, *b = y;
  if (a->contact != b->contact) return a->contact < b->contact ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

/* By time, contact and order: a sort by time alone, then the changes of each moment, which mostly came in order of contact. */
static void changes_sort(struct store *s) {
  struct timer_change *sorted = store_array(s->timer_count, sizeof *sorted);
  struct sort_item *items = store_array(2 * (size_t)s->timer_count, sizeof *items);
  uint32_t count = s->timer_count;
  for (uint32_t i = 0; i < count; i++) items[i] = (struct sort_item){ sort_key(s->timers[i].due), i };
  sort_items(items, items + count, count);
  for (uint32_t i = 0; i < count; i++) sorted[i] = s->timers[items[i].index];
  free(items);
  for (uint32_t i = 0, n; i < count; i += n) {
    bool rising = true;
    for (n = 1; i + n < count && sorted[i + n].due == sorted[i].due; n++)
      if (change_order(&sorted[i + n - 1], &sorted[i + n]) > 0) rising = false;
    if (!rising) qsort(sorted + i, n, sizeof *sorted, change_order);
  }
  memcpy(s->timers, sorted, count * sizeof *sorted);
  free(sorted);
}

static enum camp_err timer_gone(struct store *s, const struct timer_change *c) {
  return query_run(s, query_2(s, Q_TIMER_GONE, c->due, c->contact));
}

static enum camp_err timer_put(struct store *s, const struct timer_change *c) {
  struct cell *cells;
  enum camp_err err = gather_row(s, GATHERED_TIMER, &cells);
  if (err) return err;
  cell_number(&cells[0], c->due);
  cell_number(&cells[1], c->contact);
  return CAMP_OK;
}

/* Keeps one change a timer: puts and removals of one alternate, so the same sort first and last is one change, different ones are
 * none. */
static void changes_merge(struct store *s) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < s->timer_count;) {
    struct timer_change first = s->timers[i], last = first;
    while (++i < s->timer_count && s->timers[i].due == first.due && s->timers[i].contact == first.contact) last = s->timers[i];
    if (first.put == last.put) s->timers[kept++] = last;
  }
  s->timer_count = kept;
}

/* When every timer that store_due gave out is to go, they are all there is up to the last of them: one statement takes them. */
static enum camp_err timers_take(struct store *s, bool *all) {
  uint32_t gone = 0;
  for (uint32_t i = 0; i < s->timer_count; i++) {
    const struct timer_change *c = &s->timers[i];
    if (c->due > s->due_last || (c->due == s->due_last && c->contact > s->due_contact)) break;
    gone += !c->put;
  }
  *all = gone && gone == s->due_taken;
  s->due_taken = UINT32_MAX; /* from here on there may be younger timers among them */
  if (!*all) return CAMP_OK;
  return query_run(s, query_2(s, Q_TIMER_TAKE, s->due_last, s->due_contact));
}

enum camp_err timers_flush(struct store *s) {
  if (!s->timer_count) return CAMP_OK;
  bool all;
  changes_sort(s);
  changes_merge(s);
  enum camp_err err = timers_take(s, &all);
  for (uint32_t i = 0; i < s->timer_count && !err; i++) {
    const struct timer_change *c = &s->timers[i];
    bool taken = c->due < s->due_last || (c->due == s->due_last && c->contact <= s->due_contact);
    if (c->put) err = timer_put(s, c);
    else if (!(all && taken)) err = timer_gone(s, c);
  }
  if (!err) err = gather_write(s, 1u << GATHERED_TIMER);
  s->timer_count = 0;
  return err;
}

/* --- what the database asks --------------------------------------------------------------------------------------------- */

enum camp_err store_due(struct store *s, int64_t limit_ms, int64_t *ids, uint32_t max, uint32_t *count) {
  *count = 0;
  bool in = s->in_transaction, row;
  sqlite3_stmt *q = query(s, Q_TIMER_DUE);
  if (q) {
    sqlite3_bind_int64(q, 1, in ? s->due_last : INT64_MIN);
    sqlite3_bind_int64(q, 2, in ? s->due_contact : 0);
    sqlite3_bind_int64(q, 3, limit_ms);
    sqlite3_bind_int64(q, 4, max);
  }
  enum camp_err err = CAMP_OK;
  while (*count < max && !(err = query_step(s, q, &row)) && row) {
    if (in) s->due_last = sqlite3_column_int64(q, 0), s->due_contact = sqlite3_column_int64(q, 1);
    ids[(*count)++] = sqlite3_column_int64(q, 1);
  }
  if (q) sqlite3_reset(q);
  if (in && *count && s->due_last > s->due_limit) s->due_limit = s->due_last;
  if (in && s->due_taken != UINT32_MAX) s->due_taken += *count;
  return err;
}

enum camp_err store_next_timer(struct store *s, int64_t *at_ms) {
  *at_ms = STORE_NEVER;
  enum camp_err err = s->in_transaction ? timers_flush(s) : CAMP_OK;
  if (err) return err;
  bool row;
  sqlite3_stmt *q = query(s, Q_TIMER_NEXT);
  err = query_step(s, q, &row);
  if (err || !row) return err;
  *at_ms = sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}
