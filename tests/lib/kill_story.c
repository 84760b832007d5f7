/* A small story, killed at each write, sync, truncation and deletion of the database and at each write point of the sender, with a disk
 * that loses what was not synced. Run again, the same content must come out, and everything acknowledged before the kill must
 * still be there.
 *
 * Not here: the tests, which tests/9-whole/test_kill_*.c are; each is a program, so that they run side by side. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "runtime/engine/engine.h"
#include "runtime/send/send.h"
#include "tests/lib/crash_vfs.h"
#include "tests/lib/kill_story.h"
#include "vm/base/check.h"

static const char script[] =
  "list fast\n"
  "list regulars\n"
  "event thanked { for: text }\n"
  "message coupon25 { channel email; subject \"25 %\"; body \"Hello {{ contact.first_name | default: \"friend\" }}\" }\n"
  "message come_back { channel email; subject \"Come back\"; body \"Come back\" }\n"
  "message nudge { channel email; subject \"Nudge\"; body \"Nudge\" }\n"
  "policy { at most 1 message per 3d; quiet from 21:00 to 08:00 }\n"
  "when purchase and first_purchase then send coupon25 after 7d\n"
  "when purchase and count(purchase, last 10d) >= 2 then { join regulars, tag \"regular\", emit thanked with { for: \"two\" } }\n"
  "when thanked then send nudge after 1d unless refund\n"
  "campaign each_friday { start every friday at 18:00 for regulars; entry every time; send nudge }\n"
  "campaign second {\n"
  "  start when purchase and first_purchase\n"
  "  entry once\n"
  "  goal purchase within 30d\n"
  "  stop when unsubscribe\n"
  "  wait for purchase up to 30d { join fast } else { send come_back }\n"
  "}\n";

enum { CONTACTS = 5, EVENTS = 26, CHUNK = 7, END_DAYS = 60 };
static const int64_t day = 86400000LL, t0 = 1767571200000LL; /* 2026-01-05 */

/* What the child has been told is durable, where the parent sees it after the kill. */
struct shared { int64_t acknowledged; };
static struct shared *shared;

static void share(void) {
  if (!shared) shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(shared != MAP_FAILED);
}

static void story(struct input *inputs, char names[EVENTS][16]) {
  static const char *kinds[] = { "purchase", "purchase", "visit", "purchase", "refund", "purchase", "unsubscribe" };
  for (int i = 0; i < EVENTS; i++) {
    snprintf(names[i], sizeof names[i], "ann%d", (i * 3) % CONTACTS);
    inputs[i] = (struct input){ .key = str_from_c(names[i]), .name = str_from_c(kinds[(i * 5) % 7]), .has_at = true,
                                .at_ms = t0 + i * day * 2 / 3, .line = i + 1, .props = STR("{\"amount\":10,\"currency\":\"EUR\"}") };
    if (i % 12 == 11) { /* two of them turn out to be one, with messages that wait */
      inputs[i].previous = str_from_c(names[i - 1]);
      inputs[i].alias = i == 11;
      inputs[i].identify = !inputs[i].alias;
      inputs[i].name = inputs[i].alias ? STR("alias") : STR("identify");
    }
  }
}

static void fail_child(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  _exit(3);
}

static void deploy(struct store *s) {
  struct compilation c;
  struct engine_error e;
  compilation_init(&c);
  compilation_add(&c, STR("story.camp"), (struct str){ script, sizeof script - 1 }, false);
  compile(&c, NULL);
  if (c.error_count) fail_child("story", "does not compile");
  if (engine_deploy(s, &c.program, t0, &e) != CAMP_OK) fail_child("deploy", e.text);
  compilation_deinit(&c);
}

static void flush(struct outbox *o, int64_t until_ms) {
  char why[256];
  struct send_count sent = { 0 };
  if (outbox_flush(o, true, until_ms, until_ms, 3, &sent, why) != CAMP_OK) fail_child("flush", why);
}

/* The story from wherever it stands to its end. */
static void go(const char *dir, const char *scheme, bool relaxed, const char *vfs) {
  struct store *s;
  struct store_error se;
  struct engine *e;
  struct engine_error ee;
  struct outbox *o;
  struct input inputs[EVENTS];
  char names[EVENTS][16], path[512], spec[512], why[256];
  story(inputs, names);
  snprintf(path, sizeof path, "%s/camp.db", dir);
  snprintf(spec, sizeof spec, "%s:%s/out", scheme, dir);
  struct store_options so = { .create = true, .relaxed = relaxed, .vfs = vfs };
  if (store_open(path, &so, &s, &se) != CAMP_OK) fail_child("open", se.text);
  deploy(s);
  struct engine_options eo = { .batch = 3, .late_after_ms = STORE_NEVER, .virtual_time = true };
  if (engine_open(s, &eo, &e, &ee) != CAMP_OK) fail_child("engine", ee.text);
  if (engine_resume(e) != CAMP_OK) fail_child("resume", engine_last_error(e)->text);
  if (outbox_open(s, engine_image(e), spec, &o, why) != CAMP_OK) fail_child("outbox", why);
  struct store_source src;
  if (store_source_get(s, STR("story"), &src) != CAMP_OK) fail_child("source", store_last_error(s)->text);
  while (src.mark_line < EVENTS) {
    uint32_t from = (uint32_t)src.mark_line, n = EVENTS - from < CHUNK ? EVENTS - from : CHUNK;
    if (engine_timers(e, inputs[from].at_ms - 1, NULL) != CAMP_OK) fail_child("timers", engine_last_error(e)->text);
    flush(o, inputs[from].at_ms - 1);
    src.mark_line = from + n;
    struct engine_inputs in = { .inputs = inputs + from, .count = n, .source_key = STR("story"), .source = src, .virtual_time = true,
                                .arrival_ms = inputs[from + n - 1].at_ms };
    if (engine_take(e, &in) != CAMP_OK) fail_child("take", engine_last_error(e)->text);
    shared->acknowledged = src.mark_line;
  }
  if (engine_timers(e, t0 + END_DAYS * day, NULL) != CAMP_OK) fail_child("timers", engine_last_error(e)->text);
  flush(o, t0 + END_DAYS * day);
  outbox_close(o);
  engine_close(e);
  store_close(s);
}

static void at_write_point(void) { (void)crash_point(); }

/* In a process of its own: killed at point `at`, or counting all points when at is 0. Gives the exit code. */
static int run_child(const char *dir, const char *scheme, bool relaxed, uint64_t at, uint64_t torn) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    crash_vfs_register();
    crash_vfs_arm(CRASH_KILL, at ? at : UINT64_MAX, torn);
    send_write_point = at_write_point;
    go(dir, scheme, relaxed, CRASH_VFS);
    if (at) _exit(0);
    crash_vfs_flush();
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int finish_child(const char *dir, const char *scheme) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    go(dir, scheme, false, NULL);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static bool dump_row(void *context, int columns, const char *const *names, const char *const *row) {
  struct buf *b = context;
  for (int i = 0; i < columns; i++) buf_printf(b, "%s|", row ? (row[i] ? row[i] : "") : names[i]);
  buf_byte(b, '\n');
  return true;
}

static int by_name(const void *a, const void *b) {
  return str_cmp(str_from_c(*(char *const *)a), str_from_c(*(char *const *)b));
}

static void dump_file(struct buf *b, const char *path) {
  char bytes[4096];
  FILE *f = fopen(path, "rb");
  if (!f) return;
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;) buf_add(b, bytes, n);
  fclose(f);
}

/* Everything that the story has left: the database without row ids, and the sender's bytes. */
static void dump(struct buf *b, const char *dir) {
  static const char *reports[] = { "dump_messages", "dump_events", "dump_positions", "dump_members", "dump_conversions", "dump_aliases" };
  char path[512];
  struct store *s;
  struct store_error e;
  buf_clear(b);
  snprintf(path, sizeof path, "%s/camp.db", dir);
  assert_int_equal(store_open(path, &(struct store_options){ .read_only = true }, &s, &e), CAMP_OK);
  for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
    buf_printf(b, "== %s\n", reports[i]);
    assert_int_equal(store_report(s, reports[i], (struct str){ 0 }, dump_row, b), CAMP_OK);
  }
  store_close(s);
  snprintf(path, sizeof path, "%s/out", dir);
  dump_file(b, path);
  snprintf(path, sizeof path, "%s/out/new", dir);
  DIR *d = opendir(path);
  char *files[256];
  size_t n = 0;
  for (struct dirent *de; d && (de = readdir(d));)
    if (de->d_name[0] != '.' && n < 256) files[n++] = strdup(de->d_name);
  if (d) closedir(d);
  if (n) qsort(files, n, sizeof *files, by_name);
  for (size_t i = 0; i < n; i++) {
    char file[1024];
    snprintf(file, sizeof file, "%s/%s", path, files[i]);
    buf_printf(b, "== %s\n", files[i]);
    dump_file(b, file);
    free(files[i]);
  }
}

static void fresh_folder(char dir[256]) {
  const char *tmp = getenv("TMPDIR");
  /* The disk that loses what was not synced is simulated, and a kill leaves what the sender wrote: memory does, at a tenth of the time. */
  snprintf(dir, 256, "%s/kill-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : tmp ? tmp : "/tmp");
  assert_non_null(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st, (void)type, (void)at;
  return remove(path);
}
static void remove_folder(const char *dir) { (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

static int64_t kept(const char *dir) {
  char path[512];
  struct store *s;
  struct store_error e;
  struct store_source src = { 0 };
  snprintf(path, sizeof path, "%s/camp.db", dir);
  if (store_open(path, &(struct store_options){ .create = true }, &s, &e) != CAMP_OK) return 0;
  if (store_source_get(s, STR("story"), &src) != CAMP_OK) src.mark_line = 0;
  store_close(s);
  return src.mark_line;
}

void kill_at_each_point(const char *scheme, uint64_t torn) {
  share();
  struct buf want, got;
  char dir[256];
  buf_init(&want, 1 << 22);
  buf_init(&got, 1 << 22);
  fresh_folder(dir);
  assert_int_equal(run_child(dir, scheme, false, 0, 0), 0);
  dump(&want, dir);
  remove_folder(dir);
  assert_true(want.len > 1000);
  uint64_t points = 0;
  for (uint64_t at = 1;; at++) {
    assert_true(at < 5000);
    fresh_folder(dir);
    shared->acknowledged = 0;
    int code = run_child(dir, scheme, false, at, torn ? torn + at : 0);
    if (code == 0) {
      remove_folder(dir);
      break;
    }
    assert_int_equal(code, CRASH_EXIT);
    points = at;
    int64_t here = kept(dir);
    if (here < shared->acknowledged)
      fail_msg("killed at point %d: %d inputs were acknowledged, %d are there", (int)at, (int)shared->acknowledged, (int)here);
    assert_int_equal(finish_child(dir, scheme), 0);
    dump(&got, dir);
    if (!str_eq(buf_as_str(&want), buf_as_str(&got)))
      fail_msg("killed at point %d: the content differs\n--- want\n%s\n--- got\n%s", (int)at, want.data, got.data);
    remove_folder(dir);
  }
  print_message("# %s: the same content after a kill at each of %d points\n", scheme, (int)points);
  assert_true(points > 50);
  buf_deinit(&want);
  buf_deinit(&got);
}

int kill_losses_when_relaxed(void) {
  share();
  char dir[256];
  int lost = 0;
  for (uint64_t at = 20; at < 400; at += 20) {
    fresh_folder(dir);
    shared->acknowledged = 0;
    int code = run_child(dir, "file", true, at, 0);
    if (code != 0 && kept(dir) < shared->acknowledged) lost++;
    remove_folder(dir);
    if (code == 0) break;
  }
  return lost;
}
