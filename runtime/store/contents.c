/* What is shown to a contact on a page: rows with a beginning and an end, kept as history behind it.
 *
 * Not for: what a content says (the program), or which of several comes first (who asks).
 *
 * Invariant: all rows of a contact stand together, so a page's question reads them and nothing else. */
#include "sqlite.h"

static sqlite3_stmt *query_4(struct store *s, enum query which, int64_t one, int64_t two, int64_t three, int64_t four) {
  sqlite3_stmt *q = query(s, which);
  if (q) {
    sqlite3_bind_int64(q, 1, one);
    sqlite3_bind_int64(q, 2, two);
    sqlite3_bind_int64(q, 3, three);
    sqlite3_bind_int64(q, 4, four);
  }
  return q;
}

enum camp_err store_content_put(struct store *s, const struct content_row *r) {
  sqlite3_stmt *q = query_4(s, Q_SHOWN_PUT, r->contact, r->campaign, r->entry, r->fork);
  if (q) {
    sqlite3_bind_int64(q, 5, r->content);
    sqlite3_bind_int64(q, 6, r->at_ms);
    sqlite3_bind_int64(q, 7, r->until_ms);
    sqlite3_bind_int64(q, 8, r->unit);
    sqlite3_bind_int64(q, 9, r->pc);
  }
  return query_run(s, q);
}

enum camp_err store_content_end(struct store *s, int64_t contact, uint32_t campaign, uint32_t entry, int64_t now_ms) {
  return query_run(s, query_4(s, Q_SHOWN_END, contact, campaign, entry, now_ms));
}

enum camp_err store_content_move(struct store *s, uint32_t campaign, int64_t from, int64_t to, uint32_t entries) {
  return query_run(s, query_4(s, Q_SHOWN_MOVE, campaign, from, to, entries));
}

enum camp_err store_content_until(struct store *s, int64_t contact, uint32_t content, int64_t at_ms, int64_t *until_ms) {
  sqlite3_stmt *q = query(s, Q_SHOWN_UNTIL);
  bool row;
  if (q) {
    sqlite3_bind_int64(q, 1, contact);
    sqlite3_bind_int64(q, 2, content);
    sqlite3_bind_int64(q, 3, at_ms);
  }
  *until_ms = 0;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *until_ms = sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}
