/* The outbox's rows: put, found when ready, moved from state to state.
 *
 * Not for: policy, rendering or sending (runtime/send/outbox.c decides on states).
 *
 * Invariants:
 * 1. Rows up to counter.outbox_settled are finished or listed in outbox_late; so finding work reads only what is left, without
 *    an index that every row would pay for.
 * 2. outbox_late lists the rows in state deferred, in doubt or paused, those of them that a sender has claimed, and those that were
 *    held and became ready behind counter.outbox_settled. A row that it lists is given out by it alone.
 * 3. A row keeps its size when it is sent: `sent` holds `at` until then. Rows that grew would split their full pages.
 *
 *    held: put so; not found by senders. store_outbox_release makes it ready or dropped, store_outbox_state moves its moment.
 *
 *             put            store_outbox_state
 *    ready <-------   ready/claimed/deferred -----> sent, dropped, withdrawn, failed   (for good)
 *      ^                 |            ^
 *      |   store_open    v claimed    | deferred until at_ms, then given out with the ready ones
 *      +-----------------+            +
 *
 * Paused rows wait like deferred ones, for ever; outbox_actions.c lets them go. */
#include "sqlite.h"

#include <stdlib.h>

static bool is_put_off(int state) { return state == OUTBOX_DEFERRED || state == OUTBOX_DOUBT || state == OUTBOX_PAUSED; }

enum camp_err store_outbox_put(struct store *s, struct outbox_row *r) {
  r->id = s->now.outbox_last + 1;
  struct cell *c;
  enum camp_err err = gather_row(s, GATHERED_OUTBOX, &c);
  if (err) return err;
  cell_number(&c[0], r->id);
  cell_number(&c[1], r->contact);
  cell_unless(&c[2], r->prev, 0);
  cell_number(&c[3], r->at_ms);
  if (r->state != OUTBOX_DROPPED) cell_number(&c[4], r->state == OUTBOX_SENT || r->state == OUTBOX_HELD ? r->sent_ms : r->at_ms);
  cell_number(&c[5], r->message);
  cell_number(&c[6], r->campaign);
  cell_number(&c[7], r->unit);
  cell_number(&c[8], r->pc);
  cell_number(&c[9], r->entry);
  cell_number(&c[10], r->fork);
  cell_number(&c[11], r->ordinal);
  cell_number(&c[12], r->state);
  cell_text_or_null(s, &c[13], r->reason);
  cell_text_or_null(s, &c[14], r->given);
  if (r->state == OUTBOX_HELD || (r->asked_ms && r->asked_ms < r->at_ms)) cell_number(&c[15], r->asked_ms);
  cell_text_or_null(s, &c[16], r->via);
  s->now.outbox_last = r->id;
  if (r->state == OUTBOX_DEFERRED) err = store_outbox_state(s, r->id, OUTBOX_DEFERRED, r->at_ms, r->reason);
  return err;
}

static struct outbox_row outbox_of(struct arena *a, sqlite3_stmt *q) {
  struct outbox_row r = { .id = sqlite3_column_int64(q, 0), .contact = sqlite3_column_int64(q, 1), .prev = sqlite3_column_int64(q, 2),
    .at_ms = sqlite3_column_int64(q, 3), .message = (uint32_t)sqlite3_column_int64(q, 5),
    .campaign = (uint32_t)sqlite3_column_int64(q, 6), .unit = (uint32_t)sqlite3_column_int64(q, 7),
    .entry = (uint32_t)sqlite3_column_int64(q, 8), .fork = (uint32_t)sqlite3_column_int64(q, 9),
    .ordinal = (uint32_t)sqlite3_column_int64(q, 10), .pc = (uint32_t)sqlite3_column_int64(q, 11),
    .state = (uint8_t)sqlite3_column_int(q, 12), .reason = column_str(a, q, 13), .given = column_str(a, q, 14),
    .asked_ms = column_or(q, 15, sqlite3_column_int64(q, 3)), .via = column_str(a, q, 16) };
  if (r.state == OUTBOX_SENT || r.state == OUTBOX_HELD) r.sent_ms = sqlite3_column_int64(q, 4);
  return r;
}

enum camp_err store_outbox_get(struct store *s, struct arena *a, int64_t id, struct outbox_row *out) {
  sqlite3_stmt *q = query_1(s, Q_OUTBOX_GET, id);
  enum camp_err err = query_row(s, q);
  if (err) return err;
  *out = outbox_of(a, q);
  sqlite3_reset(q);
  return CAMP_OK;
}

/* The one place that knows the columns of Q_OUTBOX_ITEM: those of the row, then the contact's. */
static struct outbox_item item_of(struct arena *a, sqlite3_stmt *q) {
  return (struct outbox_item){ .row = outbox_of(a, q), .key = column_str(a, q, 17), .attributes = column_str(a, q, 18),
                               .was_key = column_str(a, q, 19), .was_entry = (uint32_t)sqlite3_column_int64(q, 20) };
}

enum camp_err store_outbox_item(struct store *s, struct arena *a, int64_t id, struct outbox_item *out) {
  sqlite3_stmt *q = query_1(s, Q_OUTBOX_ITEM, id);
  enum camp_err err = query_row(s, q);
  if (err) return err;
  *out = item_of(a, q);
  sqlite3_reset(q);
  return CAMP_OK;
}

/* --- what is ready ---------------------------------------------------------------------------------------------------- */

typedef VEC(struct outbox_item) item_list;

/* Adds the row when it is still to be sent. */
static enum camp_err item_add(struct store *s, struct arena *a, int64_t id, item_list *items) {
  sqlite3_stmt *q = query_1(s, Q_OUTBOX_ITEM, id);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  int state = sqlite3_column_int(q, 12);
  if (state == OUTBOX_READY || is_put_off(state)) {
    struct outbox_item item = item_of(a, q);
    VEC_PUSH(a, items, item);
  }
  sqlite3_reset(q);
  return CAMP_OK;
}

static enum camp_err items_by_id(struct store *s, struct arena *a, int64_t until_ms, uint32_t max, item_list *items) {
  enum camp_err err = CAMP_OK;
  bool row;
  sqlite3_stmt *q;
  if (s->now.outbox_late && (q = query(s, Q_LATE_DUE))) {
    sqlite3_bind_int64(q, 1, until_ms);
    sqlite3_bind_int64(q, 2, max);
    while (!err && !(err = query_step(s, q, &row)) && row) err = item_add(s, a, sqlite3_column_int64(q, 0), items);
    sqlite3_reset(q);
  }
  if (err || items->count == max) return err;
  if ((q = query(s, Q_OUTBOX_READY))) {
    sqlite3_bind_int64(q, 1, s->now.outbox_settled);
    sqlite3_bind_int64(q, 2, until_ms);
    sqlite3_bind_int64(q, 3, max - items->count);
  }
  while (!err && !(err = query_step(s, q, &row)) && row) err = item_add(s, a, sqlite3_column_int64(q, 0), items);
  if (q) sqlite3_reset(q);
  return err;
}

/* Everything ready until then, in order, in a temporary table: it may be much more than one batch, and sorting anew for each would
 * be quadratic. */
static enum camp_err order_fill(struct store *s, int64_t until_ms) {
  bool row;
  enum camp_err err = query_step(s, query(s, Q_ORDER_MAKE), &row);
  if (!err) err = query_step(s, query(s, Q_ORDER_CLEAR), &row);
  if (err) return err;
  sqlite3_stmt *q = query_2(s, Q_ORDER_FILL, s->now.outbox_settled, until_ms);
  err = query_step(s, q, &row);
  s->order_place = 0;
  s->order_until = until_ms;
  s->order_last = err ? -1 : s->now.outbox_last;
  return err;
}

static enum camp_err order_read(struct store *s, struct arena *a, uint32_t max, item_list *items) {
  enum camp_err err = CAMP_OK;
  bool row = true;
  while (!err && items->count < max && row) {
    /* The place moves on over rows that are finished; those given out and not finished are given out again. */
    sqlite3_stmt *q = query(s, Q_ORDER_READ);
    if (q) {
      sqlite3_bind_int64(q, 1, s->order_place);
      sqlite3_bind_int64(q, 2, max);
    }
    uint32_t before = items->count;
    int64_t place = s->order_place;
    bool any = false;
    while (items->count < max && !(err = query_step(s, q, &row)) && row) {
      any = true;
      place = sqlite3_column_int64(q, 0);
      if ((err = item_add(s, a, sqlite3_column_int64(q, 1), items))) break;
    }
    if (q) sqlite3_reset(q);
    if (items->count > before || !any) break;
    s->order_place = place;
  }
  return err;
}

static enum camp_err items_by_time(struct store *s, struct arena *a, int64_t until_ms, uint32_t max, item_list *items) {
  enum camp_err err = CAMP_OK;
  bool kept = s->order_last == s->now.outbox_last && s->order_until == until_ms;
  if (kept) err = order_read(s, a, max, items);
  if (err || items->count) return err;
  if (s->now.outbox_settled == s->now.outbox_last && !s->now.outbox_late) return CAMP_OK;
  err = order_fill(s, until_ms);
  return err ? err : order_read(s, a, max, items);
}

enum camp_err store_outbox_ready(struct store *s, struct arena *a, bool by_time, int64_t until_ms, uint32_t max, struct outbox_item **out,
                                 uint32_t *count) {
  item_list items = { 0 };
  enum camp_err err = by_time ? items_by_time(s, a, until_ms, max, &items) : items_by_id(s, a, until_ms, max, &items);
  *out = items.items;
  *count = err ? 0 : items.count;
  return err;
}

/* --- states ----------------------------------------------------------------------------------------------------------- */

/* outbox_late after a row has a new state. A claimed row stays listed, with a due that never comes: when the process ends it is behind
 * counter.outbox_settled, and would not be found again. */
static enum camp_err late_follow(struct store *s, int64_t id, enum outbox_state state, int64_t at_ms) {
  if (!is_put_off((int)state) && !s->now.outbox_late) return CAMP_OK;
  bool stays = state == OUTBOX_CLAIMED || state == OUTBOX_READY;
  sqlite3_stmt *q = query(s, is_put_off((int)state) ? Q_LATE_PUT : stays ? Q_LATE_MOVE : Q_LATE_GONE);
  if (q) sqlite3_bind_int64(q, 1, id);
  if (q && (stays || is_put_off((int)state))) sqlite3_bind_int64(q, 2, state == OUTBOX_CLAIMED ? STORE_NEVER : at_ms);
  if (q && is_put_off((int)state)) sqlite3_bind_null(q, 3);
  if (is_put_off((int)state)) s->now.outbox_late = true;
  return query_run(s, q);
}

enum camp_err outbox_unclaim(struct store *s) {
  sqlite3_stmt *q = query_1(s, Q_OUTBOX_UNCLAIM, s->now.outbox_settled);
  enum camp_err err = query_run(s, q);
  if (!err && s->now.outbox_late) err = query_run(s, query(s, Q_LATE_UNCLAIM));
  if (!err && s->now.outbox_late) err = query_run(s, query(s, Q_LATE_FREE));
  return err;
}

enum camp_err store_outbox_unclaim(struct store *s) {
  s->outbox_changed = true;
  return outbox_unclaim(s);
}

enum camp_err store_outbox_state(struct store *s, int64_t id, enum outbox_state state, int64_t at_ms, struct str reason) {
  sqlite3_stmt *q = query(s, Q_OUTBOX_STATE);
  if (q) {
    sqlite3_bind_int64(q, 1, id);
    sqlite3_bind_int(q, 2, (int)state);
    sqlite3_bind_int64(q, 3, at_ms);
    bind_str_or_null(q, 4, reason);
  }
  enum camp_err err = query_run(s, q);
  if (!err && !sqlite3_changes(s->db)) return CAMP_NOT_FOUND;
  if (!err) err = late_follow(s, id, state, at_ms);
  s->outbox_changed = true;
  return err;
}

enum camp_err store_outbox_release(struct store *s, const struct outbox_row *r) {
  sqlite3_stmt *q = query(s, Q_OUTBOX_RELEASE);
  if (q) {
    sqlite3_bind_int64(q, 1, r->id);
    sqlite3_bind_int(q, 2, r->state);
    sqlite3_bind_int64(q, 3, r->at_ms);
    if (r->state == OUTBOX_DROPPED) sqlite3_bind_null(q, 4);
    else sqlite3_bind_int64(q, 4, r->at_ms);
    bind_str_or_null(q, 5, r->reason);
    bind_str_or_null(q, 6, r->via);
  }
  enum camp_err err = query_run(s, q);
  if (!err && !sqlite3_changes(s->db)) return CAMP_NOT_FOUND;
  s->outbox_changed = true;
  if (err || r->state != OUTBOX_READY || r->id > s->now.outbox_settled) return err;
  q = query(s, Q_LATE_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, r->id);
    sqlite3_bind_int64(q, 2, r->at_ms);
    sqlite3_bind_null(q, 3);
  }
  s->now.outbox_late = true;
  return query_run(s, q);
}

enum camp_err outbox_flush_settled(struct store *s) {
  sqlite3_stmt *q = query_1(s, Q_OUTBOX_SETTLED, s->now.outbox_settled);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  int64_t settled = column_or(q, 0, s->now.outbox_last);
  sqlite3_reset(q);
  if (settled != s->now.outbox_settled) s->counters_changed = true;
  s->now.outbox_settled = settled;
  return CAMP_OK;
}
