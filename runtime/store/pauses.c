/* Orders to campaigns, and who is held by them.
 *
 * Not for what a paused campaign does not do (runtime/engine/pause.c).
 *
 * Invariants:
 * 1. Of each campaign the last pause is known. One that begins before all are let go whom the one before has held goes on from there:
 *    what they heard since then still counts. */
#include "sqlite.h"

enum { HOW_SKIP = -1 };

enum camp_err store_pause(struct store *s, struct str campaign, int64_t at_ms, bool *changed) {
  sqlite3_stmt *q = query(s, Q_PAUSE_PUT);
  if (q) {
    bind_str(q, 1, campaign);
    sqlite3_bind_int64(q, 2, at_ms);
    sqlite3_bind_int64(q, 3, store_name_find(s, NAME_CAMPAIGN, campaign));
  }
  enum camp_err err = query_run(s, q);
  *changed = !err && sqlite3_changes(s->db) > 0;
  return err;
}

enum camp_err store_resume(struct store *s, const struct store_pause *p, bool *changed) {
  sqlite3_stmt *q = query(s, Q_PAUSE_END);
  if (q) {
    bind_str(q, 1, p->campaign);
    sqlite3_bind_int64(q, 2, p->until_ms);
    if (p->how == PAUSE_AS_SAID) sqlite3_bind_null(q, 3);
    else sqlite3_bind_int64(q, 3, p->how == PAUSE_SKIP ? HOW_SKIP : p->spread_ms);
  }
  enum camp_err err = query_run(s, q);
  *changed = !err && sqlite3_changes(s->db) > 0;
  return err;
}

enum camp_err store_pauses(struct store *s, struct arena *a, struct store_pause **out, uint32_t *count) {
  VEC(struct store_pause) all = { 0 };
  sqlite3_stmt *q = query(s, Q_PAUSE_ALL);
  bool row;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    struct store_pause p = { .campaign = column_str(a, q, 0), .since_ms = sqlite3_column_int64(q, 1), .until_ms = column_or(q, 2, STORE_NEVER) };
    int64_t how = sqlite3_column_int64(q, 3);
    if (sqlite3_column_type(q, 3) != SQLITE_NULL) p.how = how == HOW_SKIP ? PAUSE_SKIP : PAUSE_SPREAD;
    if (p.how == PAUSE_SPREAD) p.spread_ms = how;
    VEC_PUSH(a, &all, p);
  }
  *out = all.items;
  *count = all.count;
  return err;
}

enum camp_err store_written_beside(struct store *s, bool *written) {
  int64_t version = s->data_version;
  *written = false;
  enum camp_err err = store_version(s, &version);
  if (err) return err;
  *written = version != s->data_version;
  s->data_version = version;
  return CAMP_OK;
}

enum camp_err store_held_put(struct store *s, uint32_t campaign, int64_t contact) {
  return query_run(s, query_2(s, Q_HELD_PUT, campaign, contact));
}

enum camp_err store_held(struct store *s, uint32_t campaign, int64_t *contacts, uint32_t max, uint32_t *count) {
  *count = 0;
  sqlite3_stmt *q = query_2(s, Q_HELD_GET, campaign, max);
  bool row;
  enum camp_err err = CAMP_OK;
  while (*count < max && !(err = query_step(s, q, &row)) && row) contacts[(*count)++] = sqlite3_column_int64(q, 0);
  if (q) sqlite3_reset(q);
  return err;
}

enum camp_err store_held_remove(struct store *s, uint32_t campaign, int64_t up_to_contact) {
  return query_run(s, query_2(s, Q_HELD_GONE, campaign, up_to_contact));
}
