/* Bytes into lines: the same lines come out however the bytes arrive, wherever reading stopped and went on, and however long,
 * torn or oddly ended a line is. */
#include "runtime/input/input.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "vm/base/buf.h"
#include "vm/base/hash.h"
#include "vm/base/limits.h"

static char folder[] = "/tmp/camp-feed-XXXXXX";
static struct arena arena;

static const char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static const char *file_with(const char *name, struct str bytes) {
  const char *path = path_of(name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
  fclose(file);
  return path;
}

/* What feed_next gave, as one line: number, places, and the text or its length and hash. */
static void print_result(struct buf *b, enum feed_result r, struct str line, int64_t number, int64_t from, int64_t to) {
  static const struct hash_key key = { 1, 2 };
  if (r == FEED_END) { buf_c(b, "end\n"); return; }
  buf_printf(b, "%s%lld [%lld,%lld) ", r == FEED_TOO_LONG ? "too long " : "", (long long)number, (long long)from, (long long)to);
  if (line.len <= 40) buf_str(b, line);
  else buf_printf(b, "%zu bytes %016llx", line.len, (unsigned long long)hash_str(key, line));
  buf_byte(b, '\n');
}

static struct feed *opened(const char *path, bool csv) {
  struct feed *f;
  struct str why;
  if (feed_open(path, csv, &f, &why, &arena) != CAMP_OK) fail_msg(STR_FMT, STR_ARG(why));
  return f;
}

/* All lines up to FEED_END or FEED_EMPTY. */
static enum feed_result drain(struct feed *f, struct buf *b) {
  for (;;) {
    struct str line;
    int64_t number, from, to;
    enum feed_result r = feed_next(f, 0, &line, &number, &from, &to);
    if (r == FEED_EMPTY || r == FEED_ERROR) return r;
    print_result(b, r, line, number, from, to);
    if (r == FEED_END) return r;
  }
}

struct feed_case { const char *name; bool csv; const char *bytes, *want; };
static const struct feed_case CASES[] = {
  { "nothing", false, "", "end\n" },
  { "two lines", false, "ab\nc\n", "1 [0,3) ab\n2 [3,5) c\nend\n" },
  { "a last line without its end", false, "ab\nc", "1 [0,3) ab\n2 [3,4) c\nend\n" },
  { "CRLF", false, "ab\r\nc\r\n", "1 [0,4) ab\n2 [4,7) c\nend\n" },
  { "a CR within a line", false, "a\rb\n", "1 [0,4) a\rb\nend\n" },
  { "empty lines are lines", false, "\n\r\nx\n\n", "1 [0,1) \n2 [1,3) \n3 [3,5) x\n4 [5,6) \nend\n" },
  { "a byte order mark", false, "\xef\xbb\xbf{}\n{}\n", "1 [0,6) {}\n2 [6,9) {}\nend\n" },
  { "quotes mean nothing in NDJSON", false, "\"a\nb\"\n", "1 [0,3) \"a\n2 [3,6) b\"\nend\n" },
  { "CSV rows", true, "contact,event\na,b\nc,d\n", "2 [14,18) a,b\n3 [18,22) c,d\nend\n" },
  { "CSV with a mark and CRLF", true, "\xef\xbb\xbf" "contact,event\r\na,b\r\n", "2 [18,23) a,b\nend\n" },
  { "a line end in quotes; the number is that of its last line", true, "contact,event\na,\"b\nc\"\nd,e", "3 [14,22) a,\"b\nc\"\n4 [22,25) d,e\nend\n" },
  { "doubled quotes", true, "contact,event\n\"a\"\"\n\"\"\",b\nc,d\n", "3 [14,25) \"a\"\"\n\"\"\",b\n4 [25,29) c,d\nend\n" },
  { "a quote in a plain cell opens nothing", true, "contact,event\na,5\" b\nc,d\n", "2 [14,21) a,5\" b\n3 [21,25) c,d\nend\n" },
  { "a text behind a closing quote", true, "contact,event\n\"a\"b\"\nc,d\n", "2 [14,20) \"a\"b\"\n3 [20,24) c,d\nend\n" },
  { "a quote never closed", true, "contact,event\na,\"b\nc,d\n", "4 [14,23) a,\"b\nc,d\n\nend\n" },
};

static void files(void **state) {
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    struct buf got;
    buf_init(&got, 1 << 20);
    struct feed *f = opened(file_with("case", str_from_c(CASES[i].bytes)), CASES[i].csv);
    drain(f, &got);
    buf_byte(&got, 0);
    if (strcmp(got.data, CASES[i].want) != 0) fail_msg("%s\nwant\n%sgot\n%s", CASES[i].name, CASES[i].want, got.data);
    assert_int_equal(feed_size(f), strlen(CASES[i].bytes));
    feed_close(f);
    buf_deinit(&got);
  }
}

/* A mixture of everything that has given a reader trouble: over-long lines at, below and above the limit, CRLF, torn rows. */
static void add_story(struct buf *b, bool csv) {
  static const size_t lengths[] = { 0, 1, 40, 1000, LIMIT_EVENT_BYTES - 1, LIMIT_EVENT_BYTES, LIMIT_EVENT_BYTES + 1, LIMIT_EVENT_BYTES + 2,
    70000, 3 * LIMIT_EVENT_BYTES, 5 };
  if (csv) buf_c(b, "contact,event\r\n");
  for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
    size_t n = lengths[i / 2];
    for (size_t j = 0; j < n; j++) buf_byte(b, (uint8_t)('a' + (i + j) % 26));
    buf_c(b, i % 2 ? "\r\n" : "\n");
    if (csv) buf_c(b, "\"x\r\n\"\"\n,\",y\n");
  }
  buf_c(b, "the last one");
}

/* The bytes through a pipe, `window` at a time, with a look for lines after each. */
static void through_pipe(struct str bytes, size_t window, bool csv, struct buf *got) {
  int fds[2];
  char path[32];
  assert_int_equal(pipe(fds), 0);
  /* Opening a CSV waits for its header. */
  const char *header_end = memchr(bytes.ptr, '\n', bytes.len);
  size_t head = csv && header_end ? (size_t)(header_end - bytes.ptr) + 1 : 0;
  if (head) assert_int_equal(write(fds[1], bytes.ptr, head), head);
  snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
  struct feed *f = opened(path, csv);
  assert_int_equal(feed_size(f), -1);
  for (size_t at = head; at < bytes.len; at += window) {
    size_t n = bytes.len - at < window ? bytes.len - at : window;
    assert_int_equal(write(fds[1], bytes.ptr + at, n), n);
    assert_int_equal(drain(f, got), FEED_EMPTY);
  }
  close(fds[1]);
  assert_int_equal(drain(f, got), FEED_END);
  feed_close(f);
  close(fds[0]);
}

static void windows(void **state) {
  static const size_t sizes[] = { 7, 64, 1000, 4096, 65536 };
  for (int csv = 0; csv <= 1; csv++) {
    struct buf story, want, got;
    buf_init(&story, 16 << 20);
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    add_story(&story, csv);
    struct feed *f = opened(file_with("story", buf_as_str(&story)), csv);
    drain(f, &want);
    feed_close(f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      buf_clear(&got);
      through_pipe(buf_as_str(&story), sizes[i], csv, &got);
      if (!str_eq(buf_as_str(&got), buf_as_str(&want))) fail_msg("window %zu\nwant\n%s\ngot\n%s", sizes[i], want.data, got.data);
    }
    buf_deinit(&story);
    buf_deinit(&want);
    buf_deinit(&got);
  }
}

static void one_byte_at_a_time(void **state) {
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    struct buf got;
    struct str bytes = { CASES[i].bytes, strlen(CASES[i].bytes) };
    buf_init(&got, 1 << 20);
    through_pipe(bytes, 1, CASES[i].csv, &got);
    buf_byte(&got, 0);
    if (strcmp(got.data, CASES[i].want) != 0) fail_msg("%s\nwant\n%sgot\n%s", CASES[i].name, CASES[i].want, got.data);
    buf_deinit(&got);
  }
}

/* Stopped after each line and opened anew at its end, a feed goes on as if nothing had been. */
static void going_on(void **state) {
  for (int csv = 0; csv <= 1; csv++) {
    struct buf story, want, got;
    buf_init(&story, 16 << 20);
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    add_story(&story, csv);
    const char *path = file_with("again", buf_as_str(&story));
    struct feed *f = opened(path, csv);
    drain(f, &want);
    feed_close(f);
    int64_t number = 0, from, to = 0;
    enum feed_result r;
    do {
      struct str line;
      f = opened(path, csv);
      assert_int_equal(feed_seek(f, to, number), CAMP_OK);
      r = feed_next(f, 0, &line, &number, &from, &to);
      print_result(&got, r, line, number, from, to);
      feed_close(f);
    } while (r != FEED_END);
    if (!str_eq(buf_as_str(&got), buf_as_str(&want))) fail_msg("want\n%s\ngot\n%s", want.data, got.data);
    buf_deinit(&story);
    buf_deinit(&want);
    buf_deinit(&got);
  }
}

static void growing(void **state) {
  const char *path = file_with("growing", STR("a\n"));
  struct feed *f = opened(path, false);
  struct buf got;
  buf_init(&got, 1 << 20);
  assert_int_equal(drain(f, &got), FEED_END);
  int fd = open(path, O_WRONLY | O_APPEND);
  assert_int_equal(write(fd, "b\n", 2), 2);
  close(fd);
  assert_int_equal(drain(f, &got), FEED_END);
  assert_string_equal(got.data, "1 [0,2) a\nend\n2 [2,4) b\nend\n");
  feed_close(f);
  buf_deinit(&got);
}

static void on_alarm(int sig) { (void)sig; }

/* A signal ends a wait at once; a pipe without bytes is empty, not at its end. */
static void signals(void **state) {
  int fds[2];
  char path[32];
  struct str line;
  int64_t n;
  assert_int_equal(pipe(fds), 0);
  snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
  struct feed *f = opened(path, false);
  assert_int_equal(feed_next(f, 0, &line, &n, &n, &n), FEED_EMPTY);
  struct sigaction act = { .sa_handler = on_alarm }, old;
  sigaction(SIGALRM, &act, &old);
  /* It fires again and again, in case the first comes before the wait begins. */
  struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
  setitimer(ITIMER_REAL, &often, NULL);
  assert_int_equal(feed_next(f, -1, &line, &n, &n, &n), FEED_EMPTY);
  struct feed *csv = NULL;
  struct str why;
  assert_int_equal(feed_open(path, true, &csv, &why, &arena), CAMP_STOPPED);
  assert_true(str_is(why, "stopped while waiting for the header line"));
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &old, NULL);
  feed_close(f);
  close(fds[0]);
  close(fds[1]);
}

static void check_open(const char *path, bool csv, enum camp_err want_err, const char *want) {
  struct feed *f;
  struct str why;
  enum camp_err err = feed_open(path, csv, &f, &why, &arena);
  if (err != want_err || !str_is(why, want)) fail_msg("want %d %s\n  got %d " STR_FMT, want_err, want, err, STR_ARG(why));
  assert_null(f);
}

static void refusals(void **state) {
  char want[400];
  const char *path = path_of("absent");
  snprintf(want, sizeof want, "cannot open %s: No such file or directory", path);
  check_open(path, false, CAMP_NOT_FOUND, want);
  snprintf(want, sizeof want, "%s is a folder, not a file of events", folder);
  check_open(folder, false, CAMP_BAD, want);
  check_open(file_with("empty", STR("")), true, CAMP_BAD, "there is no header line; CSV begins with one such as contact,event,at,amount");
  check_open(file_with("headless", STR("a,b\n")), true, CAMP_BAD,
             "the header has no column `contact`, which says whose each row is; it has `a`, `b`");

  struct feed *f = opened(path = file_with("short", STR("a\nb\n")), false);
  char key[300];
  snprintf(key, sizeof key, "file:%s", path);
  assert_true(str_is(feed_key(f), key));
  assert_int_equal(feed_seek(f, 5, 2), CAMP_BAD);
  snprintf(want, sizeof want, "%s is 4 bytes long, but 5 of it were taken before: it is not the same file", key);
  assert_string_equal(feed_error(f), want);
  feed_close(f);

  int fds[2];
  char name[32];
  assert_int_equal(pipe(fds), 0);
  snprintf(name, sizeof name, "/dev/fd/%d", fds[0]);
  f = opened(name, false);
  assert_int_equal(feed_seek(f, 0, 0), CAMP_OK);
  assert_int_equal(feed_seek(f, 5, 2), CAMP_BAD);
  assert_string_equal(feed_error(f), "a pipe begins where it begins: it cannot go on at byte 5");
  feed_close(f);
  close(fds[0]);
  close(fds[1]);
}

static void parsing(void **state) {
  struct feed *f = opened(file_with("rows", STR("contact,event,n\nann,buy,\"1\"\n,x,\n")), true);
  struct str line, why;
  int64_t number, from, to;
  struct input in;
  assert_int_equal(feed_next(f, 0, &line, &number, &from, &to), FEED_LINE);
  assert_int_equal(feed_parse(f, line, &arena, &in, &why), INPUT_EVENT);
  assert_true(str_is(in.key, "ann"));
  assert_true(str_is(in.props, "{\"n\":1}"));
  assert_int_equal(in.line, 2);
  assert_int_equal(in.byte_offset, 16);
  assert_int_equal(feed_next(f, 0, &line, &number, &from, &to), FEED_LINE);
  assert_int_equal(feed_parse(f, line, &arena, &in, &why), INPUT_REJECT);
  assert_int_equal(in.line, 3);
  feed_close(f);
}

static int begin(void **state) {
  arena_init(&arena, 1 << 16);
  return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
  static const char *const names[] = { "case", "story", "again", "growing", "empty", "headless", "short", "rows" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(path_of(names[i]));
  arena_deinit(&arena);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(files), cmocka_unit_test(windows), cmocka_unit_test(one_byte_at_a_time), cmocka_unit_test(going_on),
    cmocka_unit_test(growing), cmocka_unit_test(signals), cmocka_unit_test(refusals), cmocka_unit_test(parsing),
  };
  return cmocka_run_group_tests_name("feed", tests, begin, end);
}
