/* What can stand in the way of a database: each gets its error and one clear sentence, compared whole, and no damage. */
#include "runtime/store/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static char folder[] = "/tmp/camp-errors-XXXXXX", path[64];

static void write_file(const char *name, const char *text) {
  FILE *f = fopen(name, "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  fclose(f);
}

static void sql(const char *text) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static void make_ours(void) {
  struct store *s;
  struct store_error e;
  assert_int_equal(store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e), CAMP_OK);
  store_close(s);
}

static void nothing(void) {}
static void make_text(void) { write_file(path, "Dear diary, today I wrote a file that is long enough to have a header, and yet is no database at all.\n"); }
static void make_empty(void) { write_file(path, ""); }
static void make_other(void) { sql("pragma application_id = 7; create table t(x)"); }
static void make_plain(void) { sql("create table t(x)"); }
static void make_newer(void) { make_ours(); sql("pragma user_version = 99"); }
static void make_older(void) { make_ours(); sql("pragma user_version = 0"); }
static void make_folder(void) { assert_int_equal(mkdir(path, 0700), 0); }
static void make_readonly(void) { make_ours(); assert_int_equal(chmod(path, 0400), 0); }
static void make_closed_folder(void) { make_ours(); assert_int_equal(chmod(folder, 0500), 0); }
static void make_without_tables(void) { make_ours(); sql("drop table meta"); }
static void make_cut(void) { make_ours(); assert_int_equal(truncate(path, 20000), 0); }

static const struct open_case {
  const char *name;
  void (*make)(void);
  const char *file;          /* within the folder */
  struct store_options options;
  enum camp_err err;
  const char *sentence;      /* after "PATH: "; NULL: only the error is compared */
  bool needs_user;           /* root is stopped by no permission */
} open_cases[] = {
  { "a text file", make_text, "camp.db", { .create = true }, CAMP_CORRUPT, "this is not a database; name another file", false },
  { "an empty file, to read", make_empty, "camp.db", { .read_only = true }, CAMP_NOT_FOUND,
    "the database is empty; `camp run` or `camp import` fills one", false },
  { "an empty file, to fill", make_empty, "camp.db", { .create = true }, CAMP_OK, NULL, false },
  { "another application's database", make_other, "camp.db", { .create = true }, CAMP_CORRUPT,
    "this database belongs to another program; name another file", false },
  { "a database of nobody's", make_plain, "camp.db", { .create = true }, CAMP_CORRUPT,
    "this database belongs to another program; name another file", false },
  { "a newer database", make_newer, "camp.db", { .create = true }, CAMP_VERSION,
    "a newer camp wrote this database (format 99, this one knows 2); use that camp", false },
  { "an older database", make_older, "camp.db", { .create = true }, CAMP_VERSION,
    "an older camp wrote this database (format 0, this one needs 2)", false },
  { "a folder", make_folder, "camp.db", { .create = true }, CAMP_BAD, "this is a folder; name a database file", false },
  { "nothing there, not to be made", nothing, "camp.db", { .create = false }, CAMP_NOT_FOUND, "there is no such database", false },
  { "nothing there, to read", nothing, "camp.db", { .read_only = true, .create = true }, CAMP_NOT_FOUND, "there is no such database", false },
  { "a read-only file", make_readonly, "camp.db", { .create = true }, CAMP_READONLY,
    "the database is read-only; check the permissions of the file", true },
  { "a read-only folder", make_closed_folder, "camp.db", { .create = true }, CAMP_READONLY,
    "the folder cannot be written, and a writer needs files beside the database; check its permissions", true },
  { "a database without a table", make_without_tables, "camp.db", { .create = true }, CAMP_CORRUPT, NULL, false },
  { "a database that was cut", make_cut, "camp.db", { .create = true }, CAMP_CORRUPT, NULL, false },
};

static void clear_folder(void) {
  char command[128];
  assert_int_equal(chmod(folder, 0700), 0);
  snprintf(command, sizeof command, "rm -rf '%s'/*", folder);
  assert_int_equal(system(command), 0);
}

static void open_says_what_is_wrong(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof open_cases / sizeof *open_cases; i++) {
    const struct open_case *c = &open_cases[i];
    if (c->needs_user && geteuid() == 0) continue;
    char want[256];
    struct store *s = NULL;
    struct store_error e = { "" };
    clear_folder();
    c->make();
    enum camp_err err = store_open(path, &c->options, &s, &e);
    if (err != c->err) fail_msg("%s: error %d, not %d: %s", c->name, (int)err, (int)c->err, e.text);
    assert_true((s != NULL) == (err == CAMP_OK));
    if (c->sentence) {
      snprintf(want, sizeof want, "%s: %s", path, c->sentence);
      assert_string_equal(e.text, want);
    } else if (err) {
      assert_non_null(strstr(e.text, path));
    }
    store_close(s);
  }
  clear_folder();
}

static void open_needs_the_folder(void **state) {
  (void)state;
  char deep[128], want[256];
  struct store *s;
  struct store_error e;
  snprintf(deep, sizeof deep, "%s/not/there/camp.db", folder);
  snprintf(want, sizeof want, "%s: the folder %s/not/there does not exist", deep, folder);
  assert_int_equal(store_open(deep, &(struct store_options){ .create = true }, &s, &e), CAMP_NOT_FOUND);
  assert_string_equal(e.text, want);
}

/* Root may write anywhere, so the tests of permissions run as nobody in a process of their own. */
static void permissions_stop_a_user(void **state) {
  (void)state;
  if (geteuid() != 0) return; /* the table above has met them */
  for (size_t i = 0; i < sizeof open_cases / sizeof *open_cases; i++) {
    const struct open_case *c = &open_cases[i];
    if (!c->needs_user) continue;
    int status;
    clear_folder();
    assert_int_equal(chown(folder, 65534, 65534), 0);
    pid_t child = fork();
    if (child == 0) {
      struct store *s;
      struct store_error e = { "" };
      char want[256];
      if (setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
      c->make();
      snprintf(want, sizeof want, "%s: %s", path, c->sentence);
      if (store_open(path, &c->options, &s, &e) != c->err) _exit(1);
      _exit(strcmp(e.text, want) != 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("%s: %d", c->name, status);
    assert_int_equal(chown(folder, 0, 0), 0);
  }
  clear_folder();
}

static void one_writer(void **state) {
  (void)state;
  struct store *one, *two, *reader;
  struct store_error e;
  char want[256];
  clear_folder();
  assert_int_equal(store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &one, &e), CAMP_OK);
  assert_int_equal(store_open(path, &(struct store_options){ .create = true }, &two, &e), CAMP_BUSY);
  snprintf(want, sizeof want, "%s: another camp is already writing to this database; stop it first, or use another file", path);
  assert_string_equal(e.text, want);
  assert_int_equal(store_open(path, &(struct store_options){ .read_only = true }, &reader, &e), CAMP_OK);
  assert_int_equal(store_begin(reader), CAMP_READONLY);
  store_close(reader);
  store_close(one);
  /* A lock file left by a kill locks nobody out. */
  snprintf(want, sizeof want, "%s-writer", path);
  write_file(want, "");
  assert_int_equal(store_open(path, &(struct store_options){ .relaxed = true }, &two, &e), CAMP_OK);
  store_close(two);
  assert_int_equal(access(want, F_OK), -1);
}

static void a_killed_writer_leaves_no_lock(void **state) {
  (void)state;
  struct store *s;
  struct store_error e;
  int status;
  clear_folder();
  pid_t child = fork();
  if (child == 0) _exit(store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e) == CAMP_OK ? 0 : 1);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(store_open(path, &(struct store_options){ .relaxed = true }, &s, &e), CAMP_OK);
  store_close(s);
}

/* Another program in the middle of a write: waiting ends, the sentence says so, and afterwards all is well. */
static void locked_by_another_program(void **state) {
  (void)state;
  struct store *s;
  struct store_error e;
  sqlite3 *db;
  uint32_t id;
  clear_folder();
  assert_int_equal(store_open(path, &(struct store_options){ .create = true, .relaxed = true, .busy_ms = 1 }, &s, &e), CAMP_OK);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(store_begin(s), CAMP_BUSY);
  char want[256];
  snprintf(want, sizeof want, "%s: another program keeps the database locked; close it and run again (database is locked)", path);
  assert_string_equal(store_last_error(s)->text, want);
  assert_int_equal(sqlite3_exec(db, "rollback", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(store_begin(s), CAMP_OK);
  assert_int_equal(store_name(s, NAME_EVENT, STR("purchase"), &id), CAMP_OK);
  assert_int_equal(store_commit(s), CAMP_OK);
  store_close(s);
}

/* The system's own limit of a file's size stands for a quota: a write fails in the middle of a transaction. */
static int fill_to_the_quota(void) {
  struct store *s;
  struct store_error e;
  struct rlimit limit = { 400000, 400000 };
  signal(SIGXFSZ, SIG_IGN);
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
  if (store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e)) return 2;
  enum camp_err err = CAMP_OK;
  for (int batch = 0; batch < 1000 && !err; batch++) {
    if (store_begin(s)) return 3;
    struct reject_row r = { .line = batch, .source = STR("stdin"), .reason = STR("why"), .text = STR("0123456789012345678901234567890") };
    for (int i = 0; i < 100 && !err; i++) err = store_reject_put(s, &r);
    if (err) store_rollback(s);
    else err = store_commit(s);
  }
  if (err != CAMP_FULL) return 4;
  _exit(strstr(store_last_error(s)->text, "the disk is full or a quota is used up") ? 0 : 5);
}

static void a_quota_undoes(void **state) {
  (void)state;
  int status;
  clear_folder();
  pid_t child = fork();
  if (child == 0) _exit(fill_to_the_quota());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  struct store *s;
  struct store_error e;
  struct arena a;
  struct reject_row *rows;
  uint32_t count;
  arena_init(&a, 4096);
  assert_int_equal(store_open(path, &(struct store_options){ .relaxed = true }, &s, &e), CAMP_OK);
  assert_int_equal(store_rejects(s, &a, 0, UINT32_MAX / 2, &rows, &count), CAMP_OK);
  assert_true(count > 0);
  assert_int_equal(count % 100, 0); /* whole transactions */
  store_close(s);
  arena_deinit(&a);
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/camp.db", folder);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(open_says_what_is_wrong), cmocka_unit_test(open_needs_the_folder), cmocka_unit_test(permissions_stop_a_user),
    cmocka_unit_test(one_writer), cmocka_unit_test(a_killed_writer_leaves_no_lock), cmocka_unit_test(locked_by_another_program),
    cmocka_unit_test(a_quota_undoes),
  };
  int failed = cmocka_run_group_tests_name("store: errors", tests, NULL, NULL);
  clear_folder();
  rmdir(folder);
  return failed;
}
