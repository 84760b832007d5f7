/* Experiments: who has which variant, and what came of it.
 *
 * Not for: whose variant is which and what counts (runtime/engine/experiments.c); reading, which the view experiment_result does.
 *
 * Invariant: a contact has at most one row an experiment. The deciding columns (converted, conversions, total) add up the same in
 * whatever order responses come. */
#include "sqlite.h"

enum camp_err store_experiment_put(struct store *s, uint32_t id, struct str campaign, struct str name, struct str measure, struct str currency) {
  sqlite3_stmt *q = query(s, Q_EXPERIMENT_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, id);
    bind_str(q, 2, campaign);
    bind_str(q, 3, name);
    bind_str(q, 4, measure);
    if (currency.ptr) bind_str(q, 5, currency);
    else sqlite3_bind_null(q, 5);
  }
  return query_run(s, q);
}

enum camp_err store_variant_put(struct store *s, uint32_t experiment, uint32_t unit, uint32_t variant, uint32_t place, double share) {
  sqlite3_stmt *q = query(s, Q_VARIANT_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, experiment);
    sqlite3_bind_int64(q, 2, unit);
    sqlite3_bind_int64(q, 3, variant);
    sqlite3_bind_int64(q, 4, place);
    sqlite3_bind_double(q, 5, share);
  }
  return query_run(s, q);
}

enum camp_err store_assignment_put(struct store *s, const struct assignment_row *r) {
  sqlite3_stmt *q = query(s, Q_ASSIGNMENT_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, r->experiment);
    sqlite3_bind_int64(q, 2, r->contact);
    sqlite3_bind_int64(q, 3, r->variant);
    sqlite3_bind_int64(q, 4, r->unit);
    sqlite3_bind_int64(q, 5, r->place);
    sqlite3_bind_int64(q, 6, r->at_ms);
    sqlite3_bind_int64(q, 7, r->until_ms);
  }
  return query_run(s, q);
}

enum camp_err store_assignment_expose(struct store *s, uint32_t experiment, int64_t contact, int64_t at_ms) {
  sqlite3_stmt *q = query_2(s, Q_ASSIGNMENT_EXPOSE, experiment, contact);
  if (q) sqlite3_bind_int64(q, 3, at_ms);
  return query_run(s, q);
}

enum camp_err store_assignment_respond(struct store *s, uint32_t experiment, int64_t contact, int64_t at_ms, double value) {
  sqlite3_stmt *q = query_2(s, Q_ASSIGNMENT_RESPOND, experiment, contact);
  if (q) {
    sqlite3_bind_int64(q, 3, at_ms);
    sqlite3_bind_double(q, 4, value);
  }
  return query_run(s, q);
}

enum camp_err store_assignment_cross(struct store *s, uint32_t experiment, int64_t contact, uint32_t variant) {
  sqlite3_stmt *q = query_2(s, Q_ASSIGNMENT_CROSS, experiment, contact);
  if (q) sqlite3_bind_int64(q, 3, variant);
  return query_run(s, q);
}

enum camp_err store_assignment_remove(struct store *s, uint32_t experiment, int64_t contact) {
  return query_run(s, query_2(s, Q_ASSIGNMENT_GONE, experiment, contact));
}

enum camp_err store_assignment_move(struct store *s, uint32_t experiment, int64_t from, int64_t to) {
  sqlite3_stmt *q = query_2(s, Q_ASSIGNMENT_MOVE, experiment, from);
  if (q) sqlite3_bind_int64(q, 3, to);
  return query_run(s, q);
}

enum camp_err store_assignment_get(struct store *s, uint32_t experiment, int64_t contact, struct assignment_row *out) {
  sqlite3_stmt *q = query_2(s, Q_ASSIGNMENT_GET, experiment, contact);
  bool row;
  *out = (struct assignment_row){ .experiment = 0 };
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *out = (struct assignment_row){ .experiment = experiment, .contact = contact, .variant = (uint32_t)sqlite3_column_int64(q, 0),
    .at_ms = sqlite3_column_int64(q, 1), .until_ms = sqlite3_column_int64(q, 2), .responses = (uint64_t)sqlite3_column_int64(q, 3) };
  sqlite3_reset(q);
  return CAMP_OK;
}
