/* History and what hangs on it: the event log with its inbox, older event ids, entry keys, lists, tags, goals, rejected lines.
 *
 * Not for: deciding what an event does (the engine).
 *
 * Invariants:
 * 1. Events are numbered in order of arrival, and a number is never given twice, not even after a removal.
 * 2. An event's prev is an older event of the same contact; following it from slot.last_event visits the contact's history.
 * 3. The inbox is the log behind clock.event_done: an accepted event is durable before it is run. */
#include "sqlite.h"

/* --- events ----------------------------------------------------------------------------------------------------------- */

enum camp_err store_event_put(struct store *s, struct event_row *e) {
  e->id = s->now.event_last + 1;
  struct cell *c;
  enum camp_err err = gather_row(s, GATHERED_EVENT, &c);
  if (err) return err;
  cell_number(&c[0], e->id);
  cell_number(&c[1], e->contact);
  cell_number(&c[2], e->at_ms);
  cell_unless(&c[3], e->received_ms, e->at_ms);
  cell_number(&c[4], e->name);
  cell_unless(&c[5], e->prev, 0);
  cell_number(&c[6], e->kind);
  cell_unless(&c[7], (int64_t)e->ident, 0);
  cell_text_or_null(s, &c[8], e->body);
  cell_text_or_null(s, &c[9], e->outcome);
  s->now.event_last = e->id;
  return CAMP_OK;
}

enum camp_err store_event_settle(struct store *s, int64_t id, int64_t contact, int64_t prev, struct str outcome) {
  sqlite3_stmt *q = query(s, Q_EVENT_SETTLE);
  if (q) {
    sqlite3_bind_int64(q, 1, id);
    bind_unless(q, 2, prev, 0);
    bind_str_or_null(q, 3, outcome);
    sqlite3_bind_int64(q, 4, contact);
  }
  return query_run(s, q);
}

enum camp_err store_event_remove(struct store *s, int64_t id) {
  return query_run(s, query_1(s, Q_EVENT_REMOVE, id));
}

static struct event_row event_of(struct arena *a, sqlite3_stmt *q) {
  int64_t at = sqlite3_column_int64(q, 2);
  return (struct event_row){ .id = sqlite3_column_int64(q, 0), .contact = sqlite3_column_int64(q, 1), .at_ms = at,
    .received_ms = column_or(q, 3, at), .name = (uint32_t)sqlite3_column_int64(q, 4), .prev = sqlite3_column_int64(q, 5),
    .kind = (uint8_t)sqlite3_column_int(q, 6), .ident = (uint64_t)sqlite3_column_int64(q, 7), .body = column_str(a, q, 8),
    .outcome = column_str(a, q, 9) };
}

enum camp_err store_event_get(struct store *s, struct arena *a, int64_t id, struct event_row *out) {
  sqlite3_stmt *q = query_1(s, Q_EVENT_GET, id);
  enum camp_err err = query_row(s, q);
  if (err) return err;
  *out = event_of(a, q);
  sqlite3_reset(q);
  return CAMP_OK;
}

enum camp_err store_inbox(struct store *s, struct arena *a, int64_t after, int64_t last, uint32_t max, struct event_row **out,
                          uint32_t *count) {
  VEC(struct event_row) rows = { 0 };
  sqlite3_stmt *q = query(s, Q_EVENT_INBOX);
  if (q) {
    sqlite3_bind_int64(q, 1, after);
    sqlite3_bind_int64(q, 2, last);
    sqlite3_bind_int64(q, 3, max);
  }
  bool row;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    struct event_row e = event_of(a, q);
    VEC_PUSH(a, &rows, e);
  }
  *out = rows.items;
  *count = err ? 0 : rows.count;
  return err;
}

int64_t store_event_last(struct store *s) { return s->now.event_last; }

/* --- ids and keys seen before ----------------------------------------------------------------------------------------- */

enum camp_err store_seen_put(struct store *s, int64_t contact, uint32_t day_last, struct str bytes) {
  sqlite3_stmt *q = query(s, Q_SEEN_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, contact);
    sqlite3_bind_int64(q, 2, day_last);
    bind_blob(q, 3, bytes);
  }
  return query_run(s, q);
}

enum camp_err store_seen_get(struct store *s, struct arena *a, int64_t contact, uint32_t day_min, struct str **chunks, uint32_t *count) {
  VEC(struct str) found = { 0 };
  sqlite3_stmt *q = query_2(s, Q_SEEN_GET, contact, day_min);
  bool row;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    struct str chunk = column_str(a, q, 0);
    VEC_PUSH(a, &found, chunk);
  }
  *chunks = found.items;
  *count = err ? 0 : found.count;
  return err;
}

static void bind_entry(sqlite3_stmt *q, int64_t contact, uint32_t campaign, uint64_t hash) {
  if (!q) return;
  sqlite3_bind_int64(q, 1, contact);
  sqlite3_bind_int64(q, 2, campaign);
  sqlite3_bind_int64(q, 3, (int64_t)hash);
}

enum camp_err store_entry_key(struct store *s, int64_t contact, uint32_t campaign, uint64_t hash, bool put, bool *was) {
  sqlite3_stmt *q = query(s, Q_ENTRY_FIND);
  bind_entry(q, contact, campaign, hash);
  enum camp_err err = query_step(s, q, was);
  if (*was) sqlite3_reset(q);
  if (err || *was || !put) return err;
  q = query(s, Q_ENTRY_PUT);
  bind_entry(q, contact, campaign, hash);
  return query_run(s, q);
}

/* --- lists, tags, goals ----------------------------------------------------------------------------------------------- */

static enum camp_err put_3(struct store *s, enum gathered_kind kind, int64_t one, int64_t two, int64_t three) {
  struct cell *c;
  enum camp_err err = gather_row(s, kind, &c);
  if (err) return err;
  cell_number(&c[0], one);
  cell_number(&c[1], two);
  cell_number(&c[2], three);
  return CAMP_OK;
}

static enum camp_err remove_2(struct store *s, enum query which, int64_t one, int64_t two) {
  return query_run(s, query_2(s, which, one, two));
}

enum camp_err store_member_put(struct store *s, uint32_t list, int64_t contact, int64_t since_ms) {
  return put_3(s, GATHERED_MEMBER, list, contact, since_ms);
}
enum camp_err store_member_remove(struct store *s, uint32_t list, int64_t contact) { return remove_2(s, Q_MEMBER_GONE, list, contact); }
enum camp_err store_members_forget(struct store *s, uint32_t list) {
  return query_run(s, query_1(s, Q_MEMBER_FORGET, list));
}
enum camp_err store_tag_put(struct store *s, uint32_t tag, int64_t contact, int64_t since_ms) {
  return put_3(s, GATHERED_TAG, tag, contact, since_ms);
}
enum camp_err store_tag_remove(struct store *s, uint32_t tag, int64_t contact) { return remove_2(s, Q_TAG_GONE, tag, contact); }

enum camp_err store_goal_put(struct store *s, uint32_t campaign, int64_t contact, uint32_t entry, int64_t at_ms, int64_t event) {
  sqlite3_stmt *q = query(s, Q_GOAL_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, campaign);
    sqlite3_bind_int64(q, 2, contact);
    sqlite3_bind_int64(q, 3, entry);
    sqlite3_bind_int64(q, 4, at_ms);
    sqlite3_bind_int64(q, 5, event);
  }
  return query_run(s, q);
}

enum camp_err store_consent_put(struct store *s, const struct consent_row *r) {
  sqlite3_stmt *q = query(s, Q_CONSENT_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, r->topic);
    sqlite3_bind_int64(q, 2, r->contact);
    sqlite3_bind_int64(q, 3, r->number);
    sqlite3_bind_int64(q, 4, r->state);
    sqlite3_bind_int64(q, 5, r->at_ms);
    bind_str(q, 6, r->how);
  }
  return query_run(s, q);
}

enum camp_err store_consent_move(struct store *s, uint32_t topic, int64_t from, int64_t to, uint32_t before) {
  sqlite3_stmt *q = query(s, Q_CONSENT_MOVE);
  if (q) {
    sqlite3_bind_int64(q, 1, topic);
    sqlite3_bind_int64(q, 2, from);
    sqlite3_bind_int64(q, 3, to);
    sqlite3_bind_int64(q, 4, before);
  }
  return query_run(s, q);
}

/* --- rejected lines --------------------------------------------------------------------------------------------------- */

enum camp_err store_reject_put(struct store *s, const struct reject_row *r) {
  sqlite3_stmt *q = query(s, Q_REJECT_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, r->at_ms);
    sqlite3_bind_int64(q, 2, r->line);
    bind_str(q, 3, r->source);
    bind_str(q, 4, r->reason);
    bind_str(q, 5, r->text);
  }
  return query_run(s, q);
}

enum camp_err store_rejects(struct store *s, struct arena *a, int64_t after, uint32_t max, struct reject_row **out, uint32_t *count) {
  VEC(struct reject_row) rows = { 0 };
  sqlite3_stmt *q = query_2(s, Q_REJECT_GET, after, max);
  bool row;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    struct reject_row r = { .id = sqlite3_column_int64(q, 0), .at_ms = sqlite3_column_int64(q, 1), .line = sqlite3_column_int64(q, 2),
      .source = column_str(a, q, 3), .reason = column_str(a, q, 4), .text = column_str(a, q, 5) };
    VEC_PUSH(a, &rows, r);
  }
  *out = rows.items;
  *count = err ? 0 : rows.count;
  return err;
}
