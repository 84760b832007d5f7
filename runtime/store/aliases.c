/* Two contacts that turn out to be one: other keys of a contact, and moving what belonged to it as another.
 *
 * Not for: what the two remembered and which of their runs go on (runtime/engine/merge.c).
 *
 * Invariants:
 * 1. Every row of alias has a place in contact_key that leads to the same contact; so a look-up by key costs the same for all keys.
 * 2. alias.contact is a contact that is there: when it is folded into another itself, its keys are pointed anew. No chains. */
#include "sqlite.h"

/* The first column of the first row, `otherwise` when there is none. */
static enum camp_err first_number(struct store *s, sqlite3_stmt *q, int64_t otherwise, int64_t *out) {
  bool row;
  enum camp_err err = query_step(s, q, &row);
  *out = otherwise;
  if (err || !row) return err;
  *out = sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}

enum camp_err store_alias_find(struct store *s, struct str key, int64_t *contact) {
  sqlite3_stmt *q = query(s, Q_ALIAS_GET);
  if (q) bind_str(q, 1, key);
  return first_number(s, q, 0, contact);
}

enum camp_err store_alias_put(struct store *s, struct str key, int64_t contact, int64_t was, int64_t at_ms) {
  enum camp_err err = key_point(s, key, contact);
  if (err) return err;
  sqlite3_stmt *q = query(s, Q_ALIAS_PUT);
  if (q) {
    bind_str(q, 1, key);
    sqlite3_bind_int64(q, 2, contact);
    bind_unless(q, 3, was, 0);
    sqlite3_bind_int64(q, 4, at_ms);
  }
  return query_run(s, q);
}

enum camp_err store_contact_now(struct store *s, int64_t id, int64_t *now) {
  return first_number(s, query_1(s, Q_ALIAS_WAS, id), id, now);
}

/* The places of the other keys that lead to the contact. They are gathered first: a statement does not read what another writes. */
static enum camp_err keys_point(struct store *s, int64_t id, int64_t into) {
  struct arena a;
  VEC(struct str) keys = { 0 };
  bool row;
  enum camp_err err;
  sqlite3_stmt *q = query_1(s, Q_ALIAS_OF, id);
  arena_init(&a, 4096);
  while (!(err = query_step(s, q, &row)) && row) {
    struct str key = column_str(&a, q, 0);
    VEC_PUSH(&a, &keys, key);
  }
  for (uint32_t i = 0; i < keys.count && !err; i++) err = key_point(s, keys.items[i], into);
  arena_deinit(&a);
  return err ? err : query_run(s, query_2(s, Q_ALIAS_MOVE, id, into));
}

enum camp_err store_contact_fold(struct store *s, int64_t id, int64_t into, int64_t timer_ms) {
  static const enum query moves[] = { Q_ENTRY_MOVE, Q_SEEN_MOVE }, removals[] = { Q_ENTRY_GONE, Q_SEEN_GONE };
  enum camp_err err = keys_point(s, id, into);
  for (int i = 0; i < 2 && !err; i++) err = query_run(s, query_2(s, moves[i], id, into));
  for (int i = 0; i < 2 && !err; i++) err = query_run(s, query_1(s, removals[i], id));
  if (!err) err = query_run(s, query_1(s, Q_SLOT_GONE, id << SLOT_SHIFT));
  if (!err) timer_note(s, timer_ms, id, false);
  return err;
}

enum camp_err store_event_move(struct store *s, int64_t id, int64_t contact, int64_t prev) {
  sqlite3_stmt *q = query_2(s, Q_EVENT_MOVE, id, contact);
  if (q) bind_unless(q, 3, prev, 0);
  return query_run(s, q);
}

enum camp_err store_outbox_move(struct store *s, int64_t id, int64_t contact, uint32_t entry, int64_t prev) {
  sqlite3_stmt *q = query_2(s, Q_OUTBOX_MOVE, id, contact);
  if (q) {
    sqlite3_bind_int64(q, 3, entry);
    bind_unless(q, 4, prev, 0);
  }
  return query_run(s, q);
}

enum camp_err store_outbox_was(struct store *s, int64_t id, struct str key, uint32_t entry) {
  sqlite3_stmt *q = query_1(s, Q_OUTBOX_WAS, id);
  if (q) {
    bind_str(q, 2, key);
    sqlite3_bind_int64(q, 3, entry);
  }
  return query_run(s, q);
}

enum camp_err store_goal_move(struct store *s, uint32_t campaign, int64_t from, int64_t to, uint32_t entries) {
  sqlite3_stmt *q = query_2(s, Q_GOAL_MOVE, campaign, from);
  if (q) {
    sqlite3_bind_int64(q, 3, to);
    sqlite3_bind_int64(q, 4, entries);
  }
  return query_run(s, q);
}

enum camp_err store_inbox_alias(struct store *s, int64_t after, int64_t last, int64_t *id) {
  return first_number(s, query_2(s, Q_EVENT_ALIAS, after, last), 0, id);
}
