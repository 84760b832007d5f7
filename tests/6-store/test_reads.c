/* What lists of the outbox cost: as many steps of SQLite's machine before a hundred messages that were sent as before twenty thousand. */
#include "runtime/store/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "vm/base/limits.h"

static const struct { const char *name, *sql; } queries[] = {
#define QUERY(name, sql) { #name, sql },
#define REPORT(name, sql)
#include "runtime/store/queries.def"
};

static char path[64];

static void run(sqlite3 *db, const char *sql) {
  char *why = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
}

/* A store of ours with so many messages that were sent, and behind them ten that failed, ten that are put off and ten that are ready. */
static sqlite3 *filled(int sent) {
  struct store *s;
  struct store_error e = { "" };
  sqlite3 *db;
  char text[64];
  remove(path);
  if (store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e)) fail_msg("%s", e.text);
  store_close(s);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  run(db, "insert into name values (1, 6, 'hello', 0), (2, 4, 'welcome', 0)");
  run(db, "insert into slot(id, key, last_message) values (1 << 12, 'ann@x.example', 3), (2 << 12, 'bob@x.example', null)");
  snprintf(text, sizeof text, "create temp table n(last); insert into n values (%d)", sent + 30);
  run(db, text);
  run(db, "insert into outbox select value, iif(value in (1, 2, 3), 1, 2), iif(value in (2, 3), value - 1, null), 0, 0, 1, 2, 1, 1, 1, 0, value, "
          "case when value <= last - 30 then 2 when value <= last - 20 then 5 when value <= last - 10 then 6 else 0 end, 'why', null, null, null "
          "from n, json_each('[' || (with recursive c(i) as (select 1 union all select i + 1 from c, n where i < last) select group_concat(i) from c) || ']')");
  run(db, "insert into outbox_late select id, 1, null from outbox where state = 6");
  run(db, "update counter set outbox_settled = (select last - 10 from n)");
  run(db, "create temp table outbox_chosen(id integer primary key)");
  return db;
}

/* Rows that it gave, and steps that it took. */
static int ask(sqlite3 *db, const char *name, int states, int contact, int id, int *rows) {
  const char *sql = NULL;
  sqlite3_stmt *q;
  int code;
  for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
    if (strcmp(queries[i].name, name) == 0) sql = queries[i].sql;
  assert_non_null(sql);
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
  sqlite3_bind_int(q, 1, states);
  sqlite3_bind_int(q, 4, contact);
  sqlite3_bind_int(q, 7, id);
  sqlite3_bind_int(q, 8, 51);
  *rows = 0;
  while ((code = sqlite3_step(q)) == SQLITE_ROW) ++*rows;
  assert_int_equal(code, SQLITE_DONE);
  if (strncmp(name, "CHOSEN", 6) == 0) *rows = sqlite3_changes(db);
  int steps = sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 0);
  sqlite3_finalize(q);
  run(db, "delete from temp.outbox_chosen");
  return steps;
}

static void sent_ones_cost_nothing(void **state) {
  (void)state;
  enum { UNSENT = 1 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9, FAILED = 1 << 5, SENT = 1 << 2 };
  static const struct { const char *name; int states, contact, id, rows; } cases[] = {
    { "OUTBOX_LIST_UNSENT", UNSENT, 0, 0, 30 }, { "CHOSEN_UNSENT", UNSENT, 0, 0, 30 }, { "OUTBOX_LIST_UNSENT", FAILED, 0, 0, 10 },
    { "CHOSEN_UNSENT", FAILED, 0, 0, 10 }, { "OUTBOX_LIST_CONTACT", SENT, 1, 0, 3 }, { "CHOSEN_CONTACT", SENT, 1, 0, 3 },
    { "OUTBOX_LIST_ONE", SENT, 0, 7, 1 }, { "CHOSEN_ONE", SENT, 0, 7, 1 }, { "OUTBOX_LIST_ANY", SENT, 0, 0, 51 },
  };
  enum { COUNT = sizeof cases / sizeof *cases };
  int steps[2][COUNT], rows;
  for (int many = 0; many < 2; many++) {
    sqlite3 *db = filled(many ? 20000 : 100);
    for (int i = 0; i < COUNT; i++) {
      steps[many][i] = ask(db, cases[i].name, cases[i].states, cases[i].contact, cases[i].id, &rows);
      assert_int_equal(rows, cases[i].rows);
    }
    sqlite3_close(db);
  }
  for (int i = 0; i < COUNT; i++)
    if (steps[0][i] != steps[1][i]) fail_msg("%s: %d steps before 100 messages, %d before 20000", cases[i].name, steps[0][i], steps[1][i]);
  remove(path);
}

int main(void) {
  char folder[] = "/tmp/camp-reads-XXXXXX";
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/t.db", folder);
  const struct CMUnitTest tests[] = { cmocka_unit_test(sent_ones_cost_nothing) };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(folder);
  return failed;
}
