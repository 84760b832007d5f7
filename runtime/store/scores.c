/* The ranking of each score: who has most points, without a look at any contact.
 *
 * Not for points themselves: they are in the contact's state, and what stands here repeats them.
 *
 * Invariant: a contact has at most one row a score; the caller says where it is. */
#include "sqlite.h"

enum camp_err store_score_remove(struct store *s, uint32_t score, int64_t contact, const struct score_place *was) {
  sqlite3_stmt *q = query(s, Q_SCORE_GONE);
  if (q) {
    sqlite3_bind_int64(q, 1, score);
    sqlite3_bind_int(q, 2, was->sign);
    sqlite3_bind_double(q, 3, was->rank);
    sqlite3_bind_int64(q, 4, contact);
  }
  return query_run(s, q);
}

enum camp_err store_score_put(struct store *s, uint32_t score, int64_t contact, const struct score_place *was,
                              const struct score_place *is) {
  enum camp_err err = was ? store_score_remove(s, score, contact, was) : CAMP_OK;
  if (err) return err;
  sqlite3_stmt *q;
  if ((q = query(s, Q_SCORE_PUT))) {
    sqlite3_bind_int64(q, 1, score);
    sqlite3_bind_int(q, 2, is->sign);
    sqlite3_bind_double(q, 3, is->rank);
    sqlite3_bind_int64(q, 4, contact);
    sqlite3_bind_double(q, 5, is->points);
    sqlite3_bind_int64(q, 6, is->at_ms);
    if (is->half_ms) sqlite3_bind_int64(q, 7, is->half_ms);
    else sqlite3_bind_null(q, 7);
  }
  return query_run(s, q);
}

enum camp_err store_scores_forget(struct store *s, uint32_t score) {
  return query_run(s, query_1(s, Q_SCORE_FORGET, score));
}
