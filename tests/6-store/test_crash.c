/* What was acknowledged survives: one small story of transactions is killed at every point where something is written, and with
 * a disk that is full from that point on. Each time the database must hold whole transactions only, all that were acknowledged,
 * and finishing the story must give the very content of an undisturbed run. With `relaxed` the same test loses data. */
#include "runtime/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/lib/crash_vfs.h"
#include "tests/lib/files.h"
#include "vm/base/buf.h"

enum { STORY_STEPS = 5, CONTACTS_STEP = 4 };

/* In memory where there is such a folder: what a power cut leaves is the VFS's doing, and a busy disk would only take time. */
static char in_memory[] = "/dev/shm/camp-crash-XXXXXX", on_disk[] = "/tmp/camp-crash-XXXXXX", path[64];

/* --- the story -------------------------------------------------------------------------------------------------------- */

static enum camp_err story_begin(struct store *s, uint32_t names[4], uint32_t *unit) {
  enum camp_err err = store_name(s, NAME_EVENT, STR("purchase"), &names[0]);
  if (!err) err = store_name(s, NAME_MESSAGE, STR("coupon"), &names[1]);
  if (!err) err = store_name(s, NAME_CAMPAIGN, STR("welcome"), &names[2]);
  if (!err) err = store_name(s, NAME_LIST, STR("buyers"), &names[3]);
  if (!err) err = store_unit_put(s, STR("h1"), STR("welcome"), STR("code"), unit);
  uint32_t epoch;
  const struct stored_step step = { *unit, 7, 3, 1, STR("welcome.camp"), STR("wait") };
  struct store_clock clock;
  if (!err) err = store_clock_get(s, &clock);
  if (!err && clock.now_ms == 0) err = store_deploy(s, unit, 1, &step, 1, 0, &epoch);
  return err;
}

static enum camp_err one_contact(struct store *s, const struct key_lookup *k, int step, const uint32_t names[4], uint32_t unit,
                                 struct arena *a) {
  struct contact_row c = { .id = k->id, .key = k->key, .timer_ms = STORE_NEVER, .fresh = k->fresh };
  enum camp_err err = k->fresh ? CAMP_OK : store_contact_read(s, a, k->id, &c);
  if (err) return err;
  struct event_row e = { .contact = c.id, .at_ms = step * 1000, .received_ms = step * 1000, .name = names[0], .prev = c.last_event,
    .body = STR("{\"amount\":1}") };
  if ((err = store_event_put(s, &e))) return err;
  struct outbox_row o = { .contact = c.id, .prev = c.last_message, .at_ms = step * 1000, .message = names[1], .campaign = names[2],
    .unit = unit, .entry = (uint32_t)step, .pc = 7 };
  if ((err = store_outbox_put(s, &o))) return err;
  if (step % 2) err = store_outbox_state(s, o.id, OUTBOX_SENT, step * 1000 + 5, STR(""));
  if (!err && step == 2) err = store_member_put(s, names[3], c.id, 2000);
  struct strand_row strand = { .slot = (uint32_t)step, .unit = unit, .pc = 7, .entry = (uint32_t)step, .due_ms = step * 1000 + 700,
    .since_ms = step * 1000, .base_ms = step * 1000, .started_ms = step * 1000, .state = ROW_NEW };
  int64_t was = c.timer_ms;
  c.strands = &strand;
  c.strand_count = 1;
  c.timer_ms = strand.due_ms;
  c.last_event = e.id;
  c.last_message = o.id;
  c.state = STR("state");
  store_unit_count(s, unit, false, 1);
  return err ? err : store_contact_write(s, &c, was);
}

/* Contacts k, k+1, … of the step: some are new, some known. */
static enum camp_err story_step(struct store *s, int step) {
  uint32_t names[4], unit = 0;
  char texts[CONTACTS_STEP][32];
  struct key_lookup keys[CONTACTS_STEP];
  struct store_clock clock;
  struct arena a;
  arena_init(&a, 4096);
  enum camp_err err = store_begin(s);
  if (err) goto out;
  err = story_begin(s, names, &unit);
  for (int i = 0; i < CONTACTS_STEP; i++) {
    snprintf(texts[i], sizeof texts[i], "contact-%d", step * 2 + i);
    keys[i] = (struct key_lookup){ .key = str_from_c(texts[i]) };
  }
  if (!err) err = store_contacts(s, keys, CONTACTS_STEP, true, step * 1000);
  for (int i = 0; i < CONTACTS_STEP && !err; i++) err = one_contact(s, &keys[i], step, names, unit, &a);
  if (!err) err = store_clock_get(s, &clock);
  clock.now_ms = step;
  if (!err) err = store_clock_put(s, &clock);
  if (!err) err = store_commit(s);
  else store_rollback(s);
out:
  arena_deinit(&a);
  return err;
}

static enum camp_err story_run(struct store *s, int *done, int until) {
  enum camp_err err = CAMP_OK;
  while (*done < until && !(err = story_step(s, *done + 1))) {
    ++*done;
    if (*done == 3 && (err = store_checkpoint(s))) break; /* so that points inside a checkpoint are met too */
  }
  return err;
}

/* --- what there is ---------------------------------------------------------------------------------------------------- */

static bool print_row(void *context, int columns, const char *const *names, const char *const *row) {
  (void)names;
  for (int i = 0; row && i < columns; i++) buf_printf(context, "%s|", row[i] ? row[i] : "-");
  buf_byte(context, '\n');
  return true;
}

static void dump(struct store *s, struct buf *b) {
  static const char *const reports[] = { "dump_events", "dump_messages", "dump_positions", "dump_members", "status_campaigns" };
  buf_clear(b);
  for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
    assert_int_equal(store_report(s, reports[i], (struct str){ 0 }, print_row, b), CAMP_OK);
  int64_t ids[64];
  uint32_t count;
  assert_int_equal(store_due(s, STORE_NEVER, ids, 64, &count), CAMP_OK);
  for (uint32_t i = 0; i < count; i++) buf_printf(b, "due %lld\n", (long long)ids[i]);
  buf_printf(b, "events to %lld\n", (long long)store_event_last(s));
}

static int steps_in(struct store *s) {
  struct store_clock clock;
  assert_int_equal(store_clock_get(s, &clock), CAMP_OK);
  return (int)clock.now_ms;
}

static void assert_sound(void) {
  sqlite3 *db;
  sqlite3_stmt *q;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "pragma integrity_check", -1, &q, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(q), SQLITE_ROW);
  assert_string_equal((const char *)sqlite3_column_text(q, 0), "ok");
  sqlite3_finalize(q);
  sqlite3_close(db);
}

static char *expected[STORY_STEPS + 1];

static void make_expected(void) {
  struct buf b;
  buf_init(&b, 1 << 20);
  for (int steps = 0; steps <= STORY_STEPS; steps++) {
    struct store *s;
    struct store_error e;
    int done = 0;
    database_remove(path);
    assert_int_equal(store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e), CAMP_OK);
    assert_int_equal(story_run(s, &done, steps), CAMP_OK);
    dump(s, &b);
    expected[steps] = strdup(b.data);
    store_close(s);
  }
  buf_deinit(&b);
}

/* --- killed ----------------------------------------------------------------------------------------------------------- */

/* Runs the story in a process of its own, which dies at the point; gives the steps that it acknowledged. */
static int run_killed(uint64_t at, uint64_t torn, bool relaxed, bool *finished) {
  int ends[2], status, acknowledged = 0;
  char byte;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct store *s;
    struct store_error e;
    struct store_options o = { .create = true, .relaxed = relaxed, .vfs = CRASH_VFS };
    crash_vfs_register();
    crash_vfs_arm(CRASH_KILL, at, torn);
    if (store_open(path, &o, &s, &e)) _exit(1);
    for (int done = 0; done < STORY_STEPS;) {
      int until = done + 1;
      if (story_run(s, &done, until)) _exit(2);
      if (write(ends[1], "a", 1) != 1) _exit(3);
    }
    store_close(s);
    _exit(0);
  }
  close(ends[1]);
  while (read(ends[0], &byte, 1) == 1) acknowledged++;
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CRASH_EXIT);
  *finished = WEXITSTATUS(status) == 0;
  return acknowledged;
}

/* Opens what the kill left; how many steps are there, each whole. Finishes the story when `go_on`. */
static int look_after(bool go_on) {
  struct store *s;
  struct store_error e;
  struct buf b;
  if (store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e)) return -1;
  int there = steps_in(s), done = there;
  buf_init(&b, 1 << 20);
  assert_in_range(there, 0, STORY_STEPS);
  dump(s, &b);
  assert_string_equal(b.data, expected[there]);
  if (go_on) {
    assert_int_equal(story_run(s, &done, STORY_STEPS), CAMP_OK);
    dump(s, &b);
    assert_string_equal(b.data, expected[STORY_STEPS]);
  }
  store_close(s);
  buf_deinit(&b);
  assert_sound();
  return there;
}

static void killed_everywhere(uint64_t torn_base, uint64_t stride) {
  bool finished = false;
  uint64_t at = 1;
  for (; !finished; at += stride) {
    database_remove(path);
    int acknowledged = run_killed(at, torn_base ? torn_base + at : 0, false, &finished);
    int there = look_after(true);
    if (there < acknowledged) fail_msg("killed at point %d: %d steps acknowledged, %d there", (int)at, acknowledged, there);
  }
  assert_true(at > 50 / stride); /* the story does meet many points */
}

static void survives_each_kill(void **state) { (void)state; killed_everywhere(0, 1); }
static void survives_each_kill_torn(void **state) { (void)state; killed_everywhere(0x9e3779b97f4a7c15u, 3); }

static void relaxed_loses(void **state) {
  (void)state;
  bool finished = false;
  int lost = 0;
  for (uint64_t at = 1; !finished; at += 7) {
    database_remove(path);
    int acknowledged = run_killed(at, 0, true, &finished);
    lost += look_after(false) < acknowledged;
  }
  assert_true(lost > 0);
}

/* --- a full disk ------------------------------------------------------------------------------------------------------ */

/* Everything from the point on fails; then there is room again. Each failure must be said, undo its step, and pass. */
static bool full_at(uint64_t at, enum crash_mode mode, enum camp_err said) {
  struct store *s = NULL;
  struct store_error e = { "" };
  struct store_options o = { .create = true, .vfs = CRASH_VFS };
  struct buf b;
  int done = 0, failures = 0;
  buf_init(&b, 1 << 20);
  database_remove(path);
  crash_vfs_arm(mode, at, 0);
  enum camp_err err = store_open(path, &o, &s, &e);
  if (err) {
    failures++;
    assert_int_equal(err, said);
    assert_non_null(strstr(e.text, path));
    crash_vfs_arm(CRASH_NONE, 0, 0);
    assert_int_equal(store_open(path, &o, &s, &e), CAMP_OK);
  }
  while (done < STORY_STEPS && (err = story_run(s, &done, STORY_STEPS))) {
    failures++;
    assert_int_equal(err, said);
    assert_non_null(strstr(store_last_error(s)->text, path));
    assert_int_equal(steps_in(s), done);
    dump(s, &b);
    assert_string_equal(b.data, expected[done]);
    crash_vfs_arm(CRASH_NONE, 0, 0);
  }
  bool met = crash_vfs_points() >= at || failures;
  dump(s, &b);
  assert_string_equal(b.data, expected[STORY_STEPS]);
  crash_vfs_arm(CRASH_NONE, 0, 0);
  store_close(s);
  crash_vfs_flush();
  buf_deinit(&b);
  assert_sound();
  return met;
}

static void full_everywhere(enum crash_mode mode, enum camp_err said) {
  crash_vfs_register();
  uint64_t at = 1;
  while (full_at(at, mode, said)) at++;
  assert_true(at > 50);
}

static void full_disk_undoes(void **state) { (void)state; full_everywhere(CRASH_FULL, CAMP_FULL); }
static void failing_disk_undoes(void **state) { (void)state; full_everywhere(CRASH_IO, CAMP_IO); }

int main(void) {
  const char *folder = mkdtemp(in_memory) ? in_memory : mkdtemp(on_disk);
  if (!folder) return 1;
  snprintf(path, sizeof path, "%s/camp.db", folder);
  make_expected();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(survives_each_kill),
    cmocka_unit_test(survives_each_kill_torn),
    cmocka_unit_test(relaxed_loses),
    cmocka_unit_test(full_disk_undoes),
    cmocka_unit_test(failing_disk_undoes),
  };
  int failed = cmocka_run_group_tests_name("store: crashes", tests, NULL, NULL);
  for (int i = 0; i <= STORY_STEPS; i++) free(expected[i]);
  database_remove(path);
  rmdir(folder);
  return failed;
}
