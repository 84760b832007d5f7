/* What a message looks like when it has left: the bytes of a mail in a Maildir, of a line in a file, and file names. Then what
 * the two senders do when the world is not as they want it. Golden bytes are compared whole. */
#include "runtime/send/mime.h"
#include "runtime/send/senders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/files.h"
#include "vm/base/limits.h"

static char folder[] = "/tmp/camp-mail-XXXXXX";
static struct arena arena;

static const struct envelope HELLO = {
  .outbox_id = 1, .key = { "ann/welcome/1.1", 15 }, .contact = { "ann", 3 }, .to = { "ann@example.com", 15 }, .channel = { "email", 5 },
  .message = { "hello", 5 }, .campaign = { "welcome", 7 }, .subject = { "Hello Ann", 9 }, .body = { "Welcome!\nYours", 14 },
  .at_ms = 1768212000000,
};

static struct envelope with(struct envelope e, const char *key, const char *subject, struct str body) {
  if (key) e.key = str_from_c(key);
  if (subject) e.subject = str_from_c(subject);
  if (body.ptr) e.body = body;
  return e;
}

static const char *mail_of(const struct envelope *e, const char *from) {
  struct buf b;
  buf_init(&b, 64 << 20);
  mime_write(&b, e, str_from_c(from), false);
  assert_false(b.failed);
  struct str copy = arena_str(&arena, buf_as_str(&b));
  buf_deinit(&b);
  return copy.ptr;
}

static void a_mail(void **state) {
  assert_string_equal(mail_of(&HELLO, "Camp <camp@localhost>"),
    "From: Camp <camp@localhost>\n"
    "To: ann@example.com\n"
    "Subject: Hello Ann\n"
    "Date: Mon, 12 Jan 2026 10:00:00 +0000\n"
    "Message-ID: <ann%2Fwelcome%2F1.1@localhost>\n"
    "MIME-Version: 1.0\n"
    "X-Camp-Key: ann/welcome/1.1\n"
    "X-Camp-Campaign: welcome\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "\n"
    "Welcome!\nYours\n");
}

static void html_and_quoting(void **state) {
  struct envelope e = with(HELLO, NULL, "caf\xc3\xa9 =?x?=", STR(" <p>a=b \xc3\xa9\r\nend \r\n\x01</p>\n"));
  e.html = true;
  assert_string_equal(mail_of(&e, "\"Zo\xc3\xab Shop\" <post@shop.example>"),
    "From: =?UTF-8?B?Wm/DqyBTaG9w?= <post@shop.example>\n"
    "To: ann@example.com\n"
    "Subject: =?UTF-8?B?Y2Fmw6kgPT94Pz0=?=\n"
    "Date: Mon, 12 Jan 2026 10:00:00 +0000\n"
    "Message-ID: <ann%2Fwelcome%2F1.1@shop.example>\n"
    "MIME-Version: 1.0\n"
    "X-Camp-Key: ann/welcome/1.1\n"
    "X-Camp-Campaign: welcome\n"
    "Content-Type: text/html; charset=utf-8\n"
    "Content-Transfer-Encoding: quoted-printable\n"
    "\n"
    " <p>a=3Db =C3=A9\nend=20\n=01</p>\n");
}

struct header_case { const char *name, *value, *want; };
static const struct header_case HEADERS[] = {
  { "ASCII stays", "Sale: 50 %", "X: Sale: 50 %\n" },
  { "a line end cannot add a header", "Hi\r\nBcc: all@example.com", "X: Hi  Bcc: all@example.com\n" },
  { "nor when encoded", "H\xc3\xa9\nBcc: x", "X: =?UTF-8?B?SMOpIEJjYzogeA==?=\n" },
  { "tabs and DEL", "a\tb\x7f" "c", "X: a b c\n" },
  { "what looks encoded is encoded", "=?utf-8?q?x?=", "X: =?UTF-8?B?PT91dGYtOD9xP3g/PQ==?=\n" },
  { "words end between characters",
    "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac" "a\xe2\x82\xac!",
    "X: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKsYQ==?=\n =?UTF-8?B?4oKsIQ==?=\n" },
};

static void headers(void **state) {
  struct buf b;
  buf_init(&b, 1 << 20);
  for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++) {
    buf_clear(&b);
    mime_header(&b, "X", str_from_c(HEADERS[i].value));
    if (strcmp(b.data, HEADERS[i].want) != 0) fail_msg("%s\nwant %sgot  %s", HEADERS[i].name, HEADERS[i].want, b.data);
  }
  buf_deinit(&b);
}

/* Subjects and bodies of a megabyte, of any bytes: no line over 998, no encoded word over 75, nothing but UTF-8 words. */
static void line_lengths(void **state) {
  static const char *const pieces[] = { "x", "\xc3\xa9", "\xf0\x9f\x8e\x81", "= ", "ab \n", "\r", "\xff" };
  struct buf text;
  buf_init(&text, 2 << 20);
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    buf_clear(&text);
    while (text.len < 200000) buf_c(&text, pieces[i]);
    struct envelope e = with(HELLO, NULL, text.data, buf_as_str(&text));
    const char *mail = mail_of(&e, "Camp <camp@localhost>");
    for (const char *line = mail; *line;) {
      size_t n = strcspn(line, "\n");
      if (n > 998) fail_msg("piece %zu: a line of %zu bytes", i, n);
      if (strncmp(line, " =?UTF-8?B?", 11) == 0 && n > 76) fail_msg("piece %zu: a word of %zu bytes", i, n - 1);
      line += n + (line[n] == '\n');
    }
  }
  buf_deinit(&text);
}

static void names(void **state) {
  static const struct { const char *key, *want; } cases[] = {
    { "ann/welcome/1.1", "ann%2Fwelcome%2F1.1" },
    { "ann@example.com/w/1.2", "ann%40example.com%2Fw%2F1.2" },
    { "../../etc/passwd/w/1.1", "%2E.%2F.%2E%2Fetc%2Fpasswd%2Fw%2F1.1" },
    { "a:b c\\/w/1.1", "a%3Ab%20c%5C%2Fw%2F1.1" },
    { "caf\xc3\xa9/w/1.1", "caf%C3%A9%2Fw%2F1.1" },
    { "a%2Fb/w/1.1", "a%252Fb%2Fw%2F1.1" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct str got = mime_name(&arena, str_from_c(cases[i].key));
    if (!str_is(got, cases[i].want)) fail_msg("%s\nwant %s\ngot  " STR_FMT, cases[i].key, cases[i].want, STR_ARG(got));
  }
  /* Long keys that differ only in their last byte. */
  char one[600], two[600];
  memset(one, 'k', sizeof one);
  memset(two, 'k', sizeof two);
  two[599] = 'K';
  struct str a = mime_name(&arena, (struct str){ one, 600 }), b = mime_name(&arena, (struct str){ two, 600 });
  assert_int_equal(a.len, MIME_NAME_BYTES);
  assert_int_equal(b.len, MIME_NAME_BYTES);
  assert_false(str_eq(a, b));
}

/* --- senders --- */

static const char *target_of(const char *name) { return arena_printf(&arena, "%s/%s", folder, name).ptr; }

static size_t files_in(const char *path) {
  size_t n = 0;
  DIR *dir = opendir(path);
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));) n += e->d_name[0] != '.';
  closedir(dir);
  return n;
}

static struct sender *opened(const struct sender_ops *ops, const char *target, int64_t mark) {
  struct sender *s = NULL;
  char why[256] = "";
  if (ops->open(target, mark, &s, why) != CAMP_OK) fail_msg("%s", why);
  return s;
}

static int64_t delivered(const struct sender_ops *ops, struct sender *s, const struct envelope *e, uint32_t count) {
  struct outcome *out = arena_zalloc(&arena, count, sizeof *out);
  char why[256] = "";
  int64_t mark = -5;
  if (ops->deliver(s, e, count, out, why) != CAMP_OK || ops->sync(s, &mark, why) != CAMP_OK) fail_msg("%s", why);
  for (uint32_t i = 0; i < count; i++) assert_int_equal(out[i].result, DELIVERY_OK);
  return mark;
}

static void maildir(void **state) {
  const char *target = target_of("mail"), *new_file = target_of("mail/new/ann%2Fwelcome%2F1.1");
  setenv("CAMP_FROM", "Shop <shop@example.com>", 1);
  struct sender *s = opened(&maildir_ops, target, -1);
  unsetenv("CAMP_FROM");
  delivered(&maildir_ops, s, &HELLO, 1);
  assert_string_equal(file_contents(&arena, new_file), mail_of(&HELLO, "Shop <shop@example.com>"));
  assert_int_equal(files_in(target_of("mail/tmp")), 0);
  /* The same key again: one file, the newer text. */
  struct envelope again = with(HELLO, NULL, "Hello again", (struct str){ NULL, 0 });
  delivered(&maildir_ops, s, &again, 1);
  assert_string_equal(file_contents(&arena, new_file), mail_of(&again, "Shop <shop@example.com>"));
  maildir_ops.close(s);
  /* A reader has moved it on; a new process does not deliver it once more. */
  assert_int_equal(rename(new_file, target_of("mail/cur/ann%2Fwelcome%2F1.1:2,S")), 0);
  s = opened(&maildir_ops, target, 0);
  struct envelope two[] = { HELLO, with(HELLO, "bob/welcome/1.1", NULL, (struct str){ NULL, 0 }) };
  delivered(&maildir_ops, s, two, 2);
  maildir_ops.close(s);
  assert_int_equal(files_in(target_of("mail/new")), 1);
  assert_int_equal(files_in(target_of("mail/cur")), 1);
}

static void many_mails(void **state) {
  enum { COUNT = 3000 };
  struct envelope *e = arena_zalloc(&arena, COUNT, sizeof *e);
  for (int i = 0; i < COUNT; i++) e[i] = with(HELLO, arena_printf(&arena, "c%d/welcome/1.1", i).ptr, NULL, (struct str){ NULL, 0 });
  struct sender *s = opened(&maildir_ops, target_of("many"), -1);
  delivered(&maildir_ops, s, e, COUNT);
  maildir_ops.close(s);
  assert_int_equal(files_in(target_of("many/new")), COUNT);
  assert_int_equal(files_in(target_of("many/tmp")), 0);
}

#define HELLO_LINE \
  "{\"key\":\"ann/welcome/1.1\",\"at\":\"2026-01-12T10:00:00Z\",\"to\":\"ann@example.com\",\"contact\":\"ann\",\"channel\":\"email\"," \
  "\"message\":\"hello\",\"campaign\":\"welcome\",\"subject\":\"Hello Ann\",\"body\":\"Welcome!\\nYours\"}\n"

static void file(void **state) {
  const char *path = target_of("out.ndjson");
  struct sender *s = opened(&file_ops, path, -1);
  int64_t mark = delivered(&file_ops, s, &HELLO, 1);
  assert_string_equal(file_contents(&arena, path), HELLO_LINE);
  assert_int_equal(mark, strlen(HELLO_LINE));
  struct envelope odd = with(HELLO, "b\xc3\xb6" "b/w/1.1", "\"q\"", STR("a\tb"));
  odd.at_ms += 7;
  delivered(&file_ops, s, &odd, 1); /* not committed: its mark is forgotten */
  file_ops.close(s);
  assert_string_equal(file_contents(&arena, path) + mark,
    "{\"key\":\"b\xc3\xb6" "b/w/1.1\",\"at\":\"2026-01-12T10:00:00.007Z\",\"to\":\"ann@example.com\",\"contact\":\"ann\",\"channel\":\"email\","
    "\"message\":\"hello\",\"campaign\":\"welcome\",\"subject\":\"\\\"q\\\"\",\"body\":\"a\\tb\"}\n");
  s = opened(&file_ops, path, mark);
  assert_string_equal(file_contents(&arena, path), HELLO_LINE);
  struct envelope two[] = { HELLO, HELLO };
  mark = delivered(&file_ops, s, two, 2);
  assert_string_equal(file_contents(&arena, path), HELLO_LINE HELLO_LINE HELLO_LINE);
  assert_int_equal(mark, 3 * strlen(HELLO_LINE));
  file_ops.close(s);
}

static void check_refused(const struct sender_ops *ops, const char *target, int64_t mark, enum camp_err want_err, const char *want) {
  struct sender *s = NULL;
  char why[256] = "";
  enum camp_err err = ops->open(target, mark, &s, why);
  if (err != want_err || strcmp(why, want) != 0) fail_msg("want %d %s\n  got %d %s", want_err, want, err, why);
}

static void refusals(void **state) {
  const char *path = target_of("plain");
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  assert_int_equal(write(fd, "torn", 4), 4);
  close(fd);
  check_refused(&maildir_ops, path, 0, CAMP_IO, arena_printf(&arena, "cannot make the Maildir %s: Not a directory", path).ptr);
  check_refused(&file_ops, folder, 0, CAMP_IO, arena_printf(&arena, "cannot write to %s: Is a directory", folder).ptr);
  check_refused(&file_ops, target_of("no/such"), 0, CAMP_IO,
                arena_printf(&arena, "cannot write to %s: No such file or directory", target_of("no/such")).ptr);
  check_refused(&file_ops, path, 9, CAMP_CORRUPT,
                arena_printf(&arena, "%s is 4 bytes long, but 9 bytes of messages were committed to it; put the file back or name another", path).ptr);
  check_refused(&file_ops, path, -1, CAMP_BAD,
                arena_printf(&arena, "%s holds 4 bytes that this database has not written; move it away or name another file", path).ptr);
  assert_string_equal(file_contents(&arena, path), "torn");
  if (geteuid() == 0) return; /* permissions do not bind root */
  const char *shut = target_of("shut");
  assert_int_equal(mkdir(shut, 0500), 0);
  check_refused(&maildir_ops, target_of("shut/m"), 0, CAMP_READONLY,
                arena_printf(&arena, "cannot make the Maildir %s: Permission denied", target_of("shut/m")).ptr);
}

static void full_disk(void **state) {
  struct sender *s = opened(&file_ops, "/dev/full", -1);
  struct outcome out;
  char why[256] = "";
  assert_int_equal(file_ops.deliver(s, &HELLO, 1, &out, why), CAMP_FULL);
  assert_string_equal(why, "cannot write to /dev/full: No space left on device");
  file_ops.close(s);
}

static void specs(void **state) {
  static const struct { const char *spec, *target, *why; } cases[] = {
    { "maildir:/a/b", "/a/b", "" },
    { "file:x:y", "x:y", "" },
    { "maildir:", NULL, "`maildir:` does not say where to; write maildir:FOLDER" },
    { "file", NULL, "`file` does not say where to; write file:PATH" },
    { "smtp://mail.example", "smtp://mail.example", "" },
    { "smtps:", NULL, "`smtps:` does not say where to; write smtp://HOST" },
    { "pigeon:x", NULL, "there is no sender `pigeon`; write maildir:FOLDER, file:PATH or smtp://HOST" },
    { "", NULL, "there is no sender ``; write maildir:FOLDER, file:PATH or smtp://HOST" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *target = NULL;
    char why[256] = "";
    const struct sender_ops *ops = sender_find(cases[i].spec, &target, why);
    assert_int_equal(!ops, !cases[i].target);
    if (ops) assert_string_equal(target, cases[i].target);
    assert_string_equal(why, cases[i].why);
  }
}

static int begin(void **state) {
  arena_init(&arena, 1 << 20);
  return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
  pid_t pid = fork();
  if (pid == 0) execlp("rm", "rm", "-rf", folder, (char *)NULL);
  arena_deinit(&arena);
  return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* A list's name is its topic's, and no other's. The digits are sha256sum's. */
static void lists_have_names(void **state) {
  static const char *const topics[][2] = { { "offers", "offers" }, { "Spring sale", "Spring_sale" }, { "für", "f__r-cd23c4c6" }, { "fär", "f__r-e4ec60b6" },
    { "a_topic_of_more_than_sixty_letters_is_cut_behind_the_sixtieth_1", "a_topic_of_more_than_sixty_letters_is_cut_behind_the_sixtiet-72475133" } };
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
    struct envelope e = with(HELLO, NULL, NULL, (struct str){ NULL, 0 });
    char wanted[200];
    e.topic = str_from_c(topics[i][0]);
    e.unsubscribe = STR("https://x.example/u/1");
    snprintf(wanted, sizeof wanted, "\nList-Id: <%s.localhost>\n", topics[i][1]);
    assert_non_null(strstr(mail_of(&e, "Camp <camp@localhost>"), wanted));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_mail), cmocka_unit_test(lists_have_names), cmocka_unit_test(html_and_quoting), cmocka_unit_test(headers), cmocka_unit_test(line_lengths),
    cmocka_unit_test(names), cmocka_unit_test(maildir), cmocka_unit_test(many_mails), cmocka_unit_test(file), cmocka_unit_test(refusals),
    cmocka_unit_test(full_disk), cmocka_unit_test(specs),
  };
  return cmocka_run_group_tests_name("mail", tests, begin, end);
}
