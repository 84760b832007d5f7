/* Named questions for the commands: rows of text, no SQL outside queries.def.
 *
 * Not for: the hot path; statements are prepared when asked. */
#include "sqlite.h"

#include <stdlib.h>

static const struct { const char *name, *sql; } reports[] = {
#define QUERY(name, sql)
#define REPORT(name, sql) { name, sql },
#include "queries.def"
#undef QUERY
#undef REPORT
};

enum { REPORT_COLUMNS_MAX = 16 };

static const char *report_find(const char *name) {
  for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
    if (strcmp(reports[i].name, name) == 0) return reports[i].sql;
  return NULL;
}

enum camp_err report_rows(struct store *s, sqlite3_stmt *q, store_row_fn *fn, void *context) {
  const char *names[REPORT_COLUMNS_MAX], *row[REPORT_COLUMNS_MAX];
  int columns = sqlite3_column_count(q), code;
  CHECK(columns <= REPORT_COLUMNS_MAX);
  for (int i = 0; i < columns; i++) names[i] = sqlite3_column_name(q, i);
  bool more = fn(context, columns, names, NULL);
  while (more && (code = sqlite3_step(q)) != SQLITE_DONE) {
    if (code != SQLITE_ROW) return store_fail(s);
    for (int i = 0; i < columns; i++) row[i] = (const char *)sqlite3_column_text(q, i);
    more = fn(context, columns, names, row);
  }
  return CAMP_OK;
}

enum camp_err store_report(struct store *s, const char *query_name, struct str argument, store_row_fn *fn, void *context) {
  const char *sql = report_find(query_name);
  CHECK(sql);
  struct key_lookup who = { .key = argument };
  enum camp_err err = strncmp(query_name, "contact_", 8) == 0 ? store_contacts(s, &who, 1, false, 0) : CAMP_OK;
  if (err) return err;
  sqlite3_stmt *q = NULL;
  if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) return store_fail(s);
  int parameters = sqlite3_bind_parameter_count(q);
  if (parameters >= 1) bind_str(q, 1, argument);
  if (parameters >= 2) sqlite3_bind_int64(q, 2, who.id);
  err = report_rows(s, q, fn, context);
  sqlite3_finalize(q);
  return err;
}
