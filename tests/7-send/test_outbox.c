/* The outbox over a real store: what becomes of each row, whatever the sender says, the batch's size, and wherever the process
 * ends. A scripted sender says what a test wants it to say; the outbox is compiled in with the door through which it finds
 * senders replaced. */
#define sender_find scripted_find
#include "runtime/send/outbox.c"
#undef sender_find

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/files.h"

extern const struct sender_ops *sender_find(const char *spec, const char **target, char why[256]);

/* --- a scripted sender: says of each envelope what its contact's key begins with --- */

static char heard[4096]; /* keys, one a line */
static int deliveries_to_fail;

static enum camp_err script_open(const char *target, int64_t mark, struct sender **out, char why[256]) {
  static int nothing;
  *out = (struct sender *)(void *)&nothing;
  return CAMP_OK;
}
static enum camp_err script_deliver(struct sender *s, const struct envelope *batch, uint32_t count, struct outcome *out, char why[256]) {
  if (deliveries_to_fail > 0) {
    deliveries_to_fail--;
    snprintf(why, 256, "the network is down");
    return CAMP_IO;
  }
  for (uint32_t i = 0; i < count; i++) {
    size_t n = strlen(heard);
    snprintf(heard + n, sizeof heard - n, STR_FMT "\n", STR_ARG(batch[i].key));
    out[i] = (struct outcome){ .result = DELIVERY_OK };
    if (str_starts(batch[i].contact, STR("later"))) out[i] = (struct outcome){ DELIVERY_RETRY, "450 try again" };
    if (str_starts(batch[i].contact, STR("never"))) out[i] = (struct outcome){ DELIVERY_REFUSED, "550 no such mailbox" };
  }
  return CAMP_OK;
}
static enum camp_err script_sync(struct sender *s, int64_t *mark, char why[256]) { return *mark = 0, CAMP_OK; }
static void script_close(struct sender *s) { }
static const struct sender_ops script_ops = { "script", script_open, script_deliver, script_sync, script_close, NULL, true };

const struct sender_ops *scripted_find(const char *spec, const char **target, char why[256]) {
  if (strcmp(spec, "script:") != 0) return sender_find(spec, target, why);
  *target = "x";
  return &script_ops;
}

/* --- a store with rows, a program with messages --- */

static char folder[] = "/tmp/camp-outbox-XXXXXX";
static struct arena arena;
static struct image *image;

static const char *target_of(const char *name) { return arena_printf(&arena, "%s/%s", folder, name).ptr; }

static const struct str STRINGS[] = {
  { "hello", 5 }, { "email", 5 }, { "Hi ", 3 }, { "first_name", 10 }, { "friend", 6 }, { "Dear ", 5 }, { ",\nwelcome.\n", 11 },
  { "html", 4 }, { "<p>Dear ", 8 }, { "</p>\n", 5 }, { "long", 4 },
};
static const struct field FIELDS[] = { { .name = 3, .type = V_TEXT } };
static const struct part SUBJECT[] = { { PART_TEXT, 2, 0 }, { PART_ATTR, 4, 0 } };
static const struct part BODY[] = { { PART_TEXT, 5, 0 }, { PART_ATTR, 4, 0 }, { PART_TEXT, 6, 0 } };
static const struct part HTML[] = { { PART_TEXT, 8, 0 }, { PART_ATTR, NONE, 0 }, { PART_TEXT, 9, 0 } };
static struct part long_body[2001];

static struct unit message(uint32_t name, const struct part *body, uint32_t body_count) {
  return (struct unit){ .kind = UNIT_MESSAGE, .name = name, .strings = STRINGS, .string_count = sizeof STRINGS / sizeof *STRINGS,
    .fields = FIELDS, .field_count = 1, .channel = 1, .topic = NONE, .subject = SUBJECT, .subject_count = 2, .body = body, .body_count = body_count };
}

static void make_image(void) {
  static struct unit units[3];
  for (size_t i = 0; i < 2001; i++) long_body[i] = (struct part){ PART_ATTR, NONE, 0 };
  units[0] = message(0, BODY, 3);
  units[1] = message(7, HTML, 3);
  units[1].mail = MAIL_HTML | MAIL_UNTRACKED;
  units[2] = message(10, long_body, 2001);
  image = image_new();
  for (int i = 0; i < 3; i++) image_add(image, &units[i], true);
  image_seal(image);
}

struct sending { const char *key, *attributes, *message; int64_t at_ms; uint32_t fork; };

#define OK(call) do { enum camp_err err_ = (call); if (err_) fail_msg("%s: %s", #call, camp_err_text(err_)); } while (0)

static struct store *open_store(const char *path) {
  struct store *s = NULL;
  struct store_error e = { "" };
  struct store_options o = { .create = true };
  if (store_open(path, &o, &s, &e) != CAMP_OK) fail_msg("%s", e.text);
  return s;
}

static void fill(struct store *s, const struct sending *list, size_t count) {
  uint32_t campaign;
  OK(store_begin(s));
  OK(store_name(s, NAME_CAMPAIGN, STR("welcome"), &campaign));
  for (size_t i = 0; i < count; i++) {
    struct key_lookup k = { .key = str_from_c(list[i].key) };
    uint32_t name;
    OK(store_contacts(s, &k, 1, true, 0));
    struct contact_row row = { .id = k.id, .key = k.key, .attributes = str_from_c(list[i].attributes), .timer_ms = STORE_NEVER, .fresh = k.fresh };
    OK(store_contact_write(s, &row, STORE_NEVER));
    OK(store_name(s, NAME_MESSAGE, str_from_c(list[i].message), &name));
    struct outbox_row out = { .contact = k.id, .at_ms = list[i].at_ms, .message = name, .campaign = campaign, .entry = 1, .fork = list[i].fork, .ordinal = 1 };
    OK(store_outbox_put(s, &out));
  }
  OK(store_commit(s));
}

/* Every row's outcome, in order of id. */
static const char *rows(struct store *s) {
  static const char *const states[] = { "ready", "claimed", "sent", "dropped", "withdrawn", "failed", "deferred" };
  struct buf b;
  buf_init(&b, 1 << 20);
  for (int64_t id = 1;; id++) {
    struct outbox_row r;
    if (store_outbox_get(s, &arena, id, &r) != CAMP_OK) break;
    buf_printf(&b, "%lld %s", (long long)id, states[r.state]);
    if (r.state == OUTBOX_SENT) buf_printf(&b, " %lld", (long long)r.sent_ms);
    if (r.reason.len) buf_printf(&b, " (" STR_FMT ")", STR_ARG(r.reason));
    buf_byte(&b, '\n');
  }
  const char *text = arena_str(&arena, buf_as_str(&b)).ptr;
  buf_deinit(&b);
  return text;
}

static struct outbox *open_outbox(struct store *s, const char *spec) {
  struct outbox *o = NULL;
  char why[256] = "";
  if (outbox_open(s, image, spec, &o, why) != CAMP_OK) fail_msg("%s", why);
  return o;
}

static uint64_t flushed(struct outbox *o, bool by_time, int64_t until_ms, int64_t now_ms, uint32_t batch) {
  struct send_count sent = { 0 };
  char why[256] = "";
  if (outbox_flush(o, by_time, until_ms, now_ms, batch, &sent, why) != CAMP_OK) fail_msg("%s", why);
  return sent.messages;
}

/* --- tests --- */

static const struct sending STORY[] = {
  { "ann", "{\"first_name\":\"Ann\",\"email\":\"ann@example.com\"}", "hello", 3000, 0 },
  { "bob", "", "hello", 1000, 0 },
  { "eve", "{\"first_name\":\"E\\r\\nBcc: all@x\\\"<b>\",\"email\":\"eve@example.com\"}", "html", 2000, 0 },
  { "eve", "{\"first_name\":\"E\\r\\nBcc: all@x\\\"<b>\",\"email\":\"eve@example.com\"}", "hello", 2000, 2 },
  { "mal", "{\"email\":\"m@x\\r\\nRCPT TO:<all@x>\"}", "hello", 1000, 0 },
  { "a/b", "{\"email\":null}", "gone", 1000, 0 },
  { "zoe", "{\"first_name\":\"Zo\xc3\xab\"}", "hello", 9000, 0 },
};
enum { STORY_COUNT = sizeof STORY / sizeof *STORY };

#define LINE(key, at, to, contact, message, subject, body) \
  "{\"key\":\"" key "\",\"at\":\"1970-01-01T00:00:0" at "Z\",\"to\":\"" to "\",\"contact\":\"" contact "\",\"channel\":\"email\",\"message\":\"" \
  message "\",\"campaign\":\"welcome\",\"subject\":\"" subject "\",\"body\":\"" body "\"}\n"
#define EVE_NAME "E  Bcc: all@x\\\"<b>"
static const char STORY_LINES[] =
  LINE("bob/welcome/1.1", "1", "bob", "bob", "hello", "Hi friend", "Dear friend,\\nwelcome.\\n")
  LINE("eve/welcome/1.1", "2", "eve@example.com", "eve", "html", "Hi " EVE_NAME, "<p>Dear E\\r\\nBcc: all@x&quot;&lt;b&gt;</p>\\n")
  LINE("eve/welcome/1.2.1", "2", "eve@example.com", "eve", "hello", "Hi " EVE_NAME, "Dear E\\r\\nBcc: all@x\\\"<b>,\\nwelcome.\\n")
  LINE("ann/welcome/1.1", "3", "ann@example.com", "ann", "hello", "Hi Ann", "Dear Ann,\\nwelcome.\\n");

static const char STORY_ROWS[] =
  "1 sent 3000\n2 sent 1000\n3 sent 2000\n4 sent 2000\n"
  "5 failed (the address (contact.email) holds a control character at byte 4)\n"
  "6 failed (message `gone` is no longer in the program)\n7 ready\n";

/* The same bytes and rows with a batch of one and of many; what is not due stays. */
static void a_story(void **state) {
  for (uint32_t batch = 1; batch <= 10000; batch *= 10) {
    const char *path = target_of(arena_printf(&arena, "story-%u", batch).ptr);
    struct store *s = open_store(arena_printf(&arena, "%s.db", path).ptr);
    fill(s, STORY, STORY_COUNT);
    struct outbox *o = open_outbox(s, arena_printf(&arena, "file:%s", path).ptr);
    assert_int_equal(flushed(o, true, 5000, 5000, batch), 4);
    assert_string_equal(file_contents(&arena, path), STORY_LINES);
    assert_string_equal(rows(s), STORY_ROWS);
    assert_int_equal(flushed(o, true, 5000, 5000, batch), 0);
    assert_int_equal(flushed(o, false, 10000, 12345, batch), 1);
    outbox_close(o);
    store_close(s);
  }
}

static void what_senders_say(void **state) {
  static const struct sending list[] = {
    { "ann", "", "hello", 1, 0 }, { "later-1", "", "hello", 2, 0 }, { "never-1", "", "hello", 3, 0 },
  };
  struct store *s = open_store(target_of("says.db"));
  fill(s, list, 3);
  struct outbox *o = open_outbox(s, "script:");
  heard[0] = 0;
  deliveries_to_fail = 1;
  struct send_count sent = { .messages = 7 };
  char why[256] = "";
  assert_int_equal(outbox_flush(o, false, 100, 100, 0, &sent, why), CAMP_IO);
  assert_string_equal(why, "the network is down");
  assert_int_equal(sent.messages, 7);
  assert_string_equal(rows(s), "1 ready\n2 ready\n3 ready\n");
  assert_int_equal(flushed(o, false, 100, 100, 0), 1);
  assert_string_equal(heard, "ann/welcome/1.1\nlater-1/welcome/1.1\nnever-1/welcome/1.1\n");
  assert_string_equal(rows(s), "1 sent 100\n2 deferred (450 try again)\n3 failed (550 no such mailbox)\n");
  /* Not before its time, and then once a flush, even when the limit lies far ahead. */
  heard[0] = 0;
  flushed(o, false, 101, 101, 0);
  assert_string_equal(heard, "");
  flushed(o, false, STORE_NEVER, 100 + RETRY_AFTER_MS, 0);
  assert_string_equal(heard, "later-1/welcome/1.1\n");
  outbox_close(o);
  store_close(s);
}

static void too_long_a_message(void **state) {
  char *name = arena_alloc(&arena, 800);
  memset(name, 'n', 800);
  struct sending list[] = { { "ann", arena_printf(&arena, "{\"first_name\":\"%.800s\"}", name).ptr, "long", 1, 0 } };
  struct store *s = open_store(target_of("long.db"));
  fill(s, list, 1);
  struct outbox *o = open_outbox(s, "script:");
  assert_int_equal(flushed(o, false, 100, 100, 0), 0);
  assert_string_equal(rows(s), "1 failed (the body of message `long` is longer than 1048576 bytes)\n");
  outbox_close(o);
  store_close(s);
}

static void a_full_disk(void **state) {
  struct store *s = open_store(target_of("full.db"));
  fill(s, STORY, 1);
  struct outbox *o = open_outbox(s, "file:/dev/full");
  struct send_count sent = { 0 };
  char why[256] = "";
  assert_int_equal(outbox_flush(o, false, 9000, 9000, 0, &sent, why), CAMP_FULL);
  assert_string_equal(why, "cannot write to /dev/full: No space left on device");
  assert_string_equal(rows(s), "1 ready\n");
  outbox_close(o);
  o = open_outbox(s, arena_printf(&arena, "file:%s", target_of("full")).ptr);
  assert_int_equal(flushed(o, false, 9000, 9000, 0), 1);
  outbox_close(o);
  store_close(s);
}

/* --- ended at every write point --- */

static int points_left;

static void end_here(void) {
  if (points_left-- == 0) _exit(77);
}

/* A process that sends the story and is killed at the n-th write point; true when it got to its end. */
static bool run_until(const char *db, const char *spec, int point) {
  pid_t pid = fork();
  if (pid == 0) {
    struct store *s = open_store(db);
    points_left = point;
    send_write_point = end_here;
    struct outbox *o = NULL;
    char why[256];
    struct send_count sent = { 0 };
    /* Batches of two, so that there are points between two commits as well as before the first. */
    if (outbox_open(s, image, spec, &o, why) != CAMP_OK || outbox_flush(o, true, 5000, 5000, 2, &sent, why) != CAMP_OK) _exit(1);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
  return WEXITSTATUS(status) == 0;
}

/* Delivered and synced, and then the process ends before the commit: the same as a crash after the last write point. */
static void crash_before_commit(const char *db, const char *spec) {
  pid_t pid = fork();
  if (pid == 0) {
    struct store *s = open_store(db);
    struct outbox *o = open_outbox(s, spec);
    struct outbox_item *items;
    uint32_t count;
    struct batch b;
    char why[256];
    int64_t mark;
    if (store_outbox_ready(s, &o->batch, true, 5000, 3, &items, &count) != CAMP_OK || count != 3) _exit(1);
    render_batch(o, items, count, 0, &b);
    if (o->ops->deliver(o->sender, b.envelopes, b.envelope_count, b.outcomes, why) != CAMP_OK) _exit(1);
    if (o->ops->sync(o->sender, &mark, why) != CAMP_OK) _exit(1);
    _exit(77);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(WEXITSTATUS(status), 77);
}

/* All mails of a Maildir, in order of name. */
static const char *maildir_dump(const char *path) {
  struct dirent **list;
  struct buf b;
  buf_init(&b, 1 << 20);
  const char *new_folder = arena_printf(&arena, "%s/new", path).ptr;
  int n = scandir(new_folder, &list, NULL, alphasort);
  assert_true(n >= 2);
  for (int i = 0; i < n; i++) {
    if (list[i]->d_name[0] != '.') buf_printf(&b, "== %s\n%s", list[i]->d_name, file_contents(&arena, arena_printf(&arena, "%s/%s", new_folder, list[i]->d_name).ptr));
    free(list[i]);
  }
  free(list);
  const char *text = arena_str(&arena, buf_as_str(&b)).ptr;
  buf_deinit(&b);
  return text;
}

static void crash_run(const char *scheme, int point, const char **dump, bool *whole) {
  const char *path = target_of(arena_printf(&arena, "crash-%s-%d", scheme, point).ptr);
  const char *db = arena_printf(&arena, "%s.db", path).ptr, *spec = arena_printf(&arena, "%s:%s", scheme, path).ptr;
  struct store *s = open_store(db);
  fill(s, STORY, STORY_COUNT);
  store_close(s);
  if (point < 0) crash_before_commit(db, spec), *whole = false;
  else *whole = run_until(db, spec, point);
  assert_true(run_until(db, spec, -1));
  s = open_store(db);
  assert_string_equal(rows(s), STORY_ROWS);
  store_close(s);
  *dump = strcmp(scheme, "file") == 0 ? arena_str(&arena, str_from_c(file_contents(&arena, path))).ptr : maildir_dump(path);
}

static void ended_anywhere(void **state) {
  static const char *const schemes[] = { "file", "maildir" };
  for (int i = 0; i < 2; i++) {
    const char *want, *got;
    bool whole;
    crash_run(schemes[i], 1000, &want, &whole); /* beyond the last point: never killed */
    assert_true(whole);
    if (i == 0) assert_string_equal(want, STORY_LINES);
    crash_run(schemes[i], -1, &got, &whole);
    assert_string_equal(got, want);
    int point = 0;
    for (; !whole; point++) {
      crash_run(schemes[i], point, &got, &whole);
      if (strcmp(got, want) != 0) fail_msg("%s, killed at point %d\nwant\n%s\ngot\n%s", schemes[i], point, want, got);
    }
    assert_in_range(point, 8, 100);
  }
}

/* A mark belongs to the file, however its path is written. */
static void one_file_two_paths(void **state) {
  const char *path = target_of("same");
  struct store *s = open_store(target_of("same.db"));
  fill(s, STORY, 2);
  struct outbox *o = open_outbox(s, arena_printf(&arena, "file:%s", path).ptr);
  flushed(o, false, 2000, 2000, 0);
  outbox_close(o);
  o = open_outbox(s, arena_printf(&arena, "file:%s/./same", folder).ptr);
  flushed(o, false, 5000, 5000, 0);
  outbox_close(o);
  assert_string_equal(file_contents(&arena, path),
    LINE("bob/welcome/1.1", "1", "bob", "bob", "hello", "Hi friend", "Dear friend,\\nwelcome.\\n")
    LINE("ann/welcome/1.1", "3", "ann@example.com", "ann", "hello", "Hi Ann", "Dear Ann,\\nwelcome.\\n"));
  store_close(s);
}

static int begin(void **state) {
  arena_init(&arena, 1 << 20);
  make_image();
  return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
  pid_t pid = fork();
  if (pid == 0) execlp("rm", "rm", "-rf", folder, (char *)NULL);
  arena_deinit(&arena);
  image_free(image);
  return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_story), cmocka_unit_test(what_senders_say), cmocka_unit_test(too_long_a_message), cmocka_unit_test(a_full_disk),
    cmocka_unit_test(ended_anywhere), cmocka_unit_test(one_file_two_paths),
  };
  return cmocka_run_group_tests_name("outbox", tests, begin, end);
}
