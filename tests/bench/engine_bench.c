/* The engine at the floor's job, with everything on: NDJSON bytes parsed, event ids, history, measures, outbox keys.
 *
 *   engine_bench cycle DB CONTACTS [BATCH]     start, wake and event, as floor.c does them; prints rates a second
 *   engine_bench load DB CAMPAIGNS EVENTS      CAMPAIGNS loaded of which one listens to the EVENTS
 *   engine_bench listen DB CAMPAIGNS EVENTS    CAMPAIGNS that all listen to page_view where page is "…", one matching
 *   engine_bench asleep DB                     opens a database of sleeping contacts, takes 10,000 events, prints memory
 *   engine_bench reader DB CONTACTS            start beside a connection that reads all the time
 *   engine_bench policy DB EVENTS none|counts|holds  one message an event, ten a contact: no policy, three caps that none reaches, or
 *                                              of which one holds back half of the messages
 *   engine_bench broadcast DB CONTACTS         a deploy brings `start at … for loyal`: shown to all, started, held by a pause, let go
 *
 * start: CONTACTS purchases, one each from contacts never seen before. wake: every strand is due, in an order that has nothing
 * to do with its place in the table; each writes an outbox row and parks again. event: CONTACTS further purchases from random known
 * contacts; each wakes the contact's strand, which parks in its next wait. */
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "runtime/engine/engine.h"
#include "vm/base/check.h"

enum { FEED_BATCH = 100000 };
static const int64_t t0 = 1767607200000; /* 2026-01-05 10:00 UTC */
static const int64_t week = 7 * 86400000LL;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t x) {
  x ^= x >> 30; x *= 0xbf58476d1ce4e5b9u; x ^= x >> 27; x *= 0x94d049bb133111ebu; x ^= x >> 31;
  return x;
}

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "engine_bench: %s: %s\n", what, why);
  exit(1);
}

/* Bytes that this process has handed to write(): what durability costs, without the file system's own. */
static double bytes_written(void) {
  FILE *f = fopen("/proc/self/io", "r");
  unsigned long long n = 0;
  char line[128];
  while (f && fgets(line, sizeof line, f)) (void)sscanf(line, "wchar: %llu", &n);
  if (f) fclose(f);
  return (double)n;
}

static double peak_rss_mb(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (double)use.ru_maxrss / 1024;
}

static double file_bytes(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

struct bench {
  const char *path;
  struct store *store;
  struct engine *engine;
  double wal_peak;
};

static void open_store(struct bench *b, const char *path, bool create) {
  struct store_error e;
  struct store_options o = { .create = create };
  b->path = path;
  if (store_open(path, &o, &b->store, &e) != CAMP_OK) die(path, e.text);
}

static void deploy(struct bench *b, const char *script, size_t len) {
  struct compilation c;
  struct engine_error e;
  compilation_init(&c);
  compilation_add(&c, STR("bench.camp"), (struct str){ script, len }, false);
  compile(&c, NULL);
  if (c.error_count) {
    struct buf text;
    buf_init(&text, 1 << 20);
    diagnostics_print(&text, &c, FORMAT_HUMAN, false);
    die("script", text.data);
  }
  if (engine_deploy(b->store, &c.program, t0, &e) != CAMP_OK) die("deploy", e.text);
  compilation_deinit(&c);
}

static void open_engine(struct bench *b, uint32_t batch) {
  struct engine_error e;
  struct engine_options o = { .batch = batch, .late_after_ms = STORE_NEVER };
  if (engine_open(b->store, &o, &b->engine, &e) != CAMP_OK) die("engine", e.text);
}

static void close_all(struct bench *b) {
  engine_close(b->engine);
  store_close(b->store);
}

static void look_at_wal(struct bench *b) {
  struct store_stats s;
  store_stats(b->store, &s);
  if ((double)s.wal_peak_bytes > b->wal_peak) b->wal_peak = (double)s.wal_peak_bytes;
}

/* Reads NDJSON from the file and takes it, as `camp run` does. */
static void take_file(struct bench *b, const char *path, int64_t arrival_ms) {
  struct arena a;
  struct feed *feed;
  struct str why, line;
  int64_t number, from, to;
  static struct input inputs[FEED_BATCH];
  arena_init(&a, 1 << 22);
  if (feed_open(path, false, &feed, &why, &a) != CAMP_OK) die(path, why.ptr);
  for (bool more = true; more;) {
    uint32_t n = 0;
    arena_reset(&a);
    while (n < engine_batch(b->engine)) {
      if (feed_next(feed, 0, &line, &number, &from, &to) != FEED_LINE) {
        more = false;
        break;
      }
      line = arena_str(&a, line);
      if (feed_parse(feed, line, &a, &inputs[n], &why) != INPUT_EVENT) die("line", why.ptr);
      inputs[n].line = number;
      inputs[n++].byte_offset = from;
    }
    struct engine_inputs in = { .inputs = inputs, .count = n, .source_key = feed_key(feed), .arrival_ms = arrival_ms,
                                .source = { .byte_offset = to, .line = number, .count = n } };
    double began = now_s();
    if (n && engine_take(b->engine, &in) != CAMP_OK) die("take", engine_last_error(b->engine)->text);
    engine_pace(b->engine, n, (int64_t)((now_s() - began) * 1000));
    look_at_wal(b);
  }
  feed_close(feed);
  arena_deinit(&a);
}

static void iso(int64_t ms, char out[32]) {
  time_t s = (time_t)(ms / 1000);
  struct tm tm;
  gmtime_r(&s, &tm);
  size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
  snprintf(out + n, 32 - n, ".%03dZ", (int)(ms % 1000));
}

static void write_events(const char *path, long n, long known, int64_t from_ms, const char *tag, const char *event) {
  FILE *f = fopen(path, "w");
  if (!f) die(path, "cannot be written");
  for (long i = 0; i < n; i++) {
    uint64_t who = known ? mix((uint64_t)i) % (uint64_t)known : (uint64_t)i;
    char at[32];
    iso(from_ms + (int64_t)(mix((uint64_t)i + 7) % (uint64_t)n), at);
    fprintf(f, "{\"type\":\"track\",\"event\":\"%s\",\"userId\":\"%016llx\",\"messageId\":\"%s-%ld\",\"timestamp\":\"%s\",\"properties\":{\"amount\":40,"
               "\"currency\":\"EUR\",\"order_id\":\"A-1001\",\"page\":\"/p/7\"}}\n",
            event, (unsigned long long)mix(who + 1), tag, i, at);
  }
  if (fclose(f)) die(path, "cannot be written");
}

static const char message[] = "message coupon25 { channel email; subject \"25 %\"; body \"Hello\" }\n";

static char *cycle_script(size_t *len) {
  char *text;
  FILE *f = open_memstream(&text, len);
  fprintf(f, "%scampaign c {\n  start when purchase and first_purchase\n  wait 7d\n  send coupon25\n", message);
  for (int i = 0; i < 30; i++) fputs("  wait for purchase up to 60d { tag \"a\" }\n", f);
  fputs("  send coupon25\n}\n", f);
  fclose(f);
  return text;
}

static void cycle(const char *path, long n, uint32_t batch) {
  struct bench b = { 0 };
  char events[4096];
  size_t len;
  char *script = cycle_script(&len);
  snprintf(events, sizeof events, "%s.ndjson", path);
  open_store(&b, path, true);
  deploy(&b, script, len);
  open_engine(&b, batch);
  write_events(events, n, 0, t0, "s", "purchase");

  double w = bytes_written(), t = now_s();
  take_file(&b, events, t0 + n);
  double start_s = now_s() - t, start_b = (bytes_written() - w) / (double)n;
  if (engine_counts(b.engine).starts != (uint64_t)n) die("start", "not every contact was started");
  if (store_checkpoint(b.store) != CAMP_OK) die("checkpoint", store_last_error(b.store)->text);
  double per_contact = file_bytes(path) / (double)n;

  uint64_t ran;
  w = bytes_written(), t = now_s();
  if (engine_timers(b.engine, t0 + n + week, &ran) != CAMP_OK) die("timers", engine_last_error(b.engine)->text);
  double wake_s = now_s() - t, wake_b = (bytes_written() - w) / (double)n;
  look_at_wal(&b);
  if (engine_counts(b.engine).sends != (uint64_t)n) die("wake", "not every contact was sent its message");

  write_events(events, n, n, t0 + n + week + 1000, "e", "purchase");
  double rss_was = peak_rss_mb();
  w = bytes_written(), t = now_s();
  take_file(&b, events, t0 + 3 * n + week + 2000);
  double event_s = now_s() - t, event_b = (bytes_written() - w) / (double)n;
  printf("contacts=%ld start/s=%.0f wake/s=%.0f event/s=%.0f bytes/contact=%.0f start_written=%.0f wake_written=%.0f "
         "event_written=%.0f wal_peak_mb=%.0f rss_mb=%.0f rss_event_mb=%.0f\n",
         n, (double)n / start_s, (double)n / wake_s, (double)n / event_s, per_contact, start_b, wake_b, event_b,
         b.wal_peak / 1048576, rss_was, peak_rss_mb());
  close_all(&b);
  remove(events);
  free(script);
}

static void many(const char *path, long campaigns, long events, bool all_listen) {
  struct bench b = { 0 };
  char file[4096], *script;
  size_t len;
  FILE *f = open_memstream(&script, &len);
  fputs(message, f);
  if (!all_listen) {
    for (long i = 1; i < campaigns; i++) fprintf(f, "event other_%ld { }\n", i);
    for (long i = 1; i < campaigns; i++) fprintf(f, "campaign other_%ld_c { start when other_%ld\n  wait 3d\n  send coupon25 }\n", i, i);
    fputs("campaign listens { start when page_view\n  wait 3d\n  send coupon25 }\n", f);
  } else {
    for (long i = 0; i < campaigns; i++) fprintf(f, "campaign page_%ld { start when page_view where page is \"/p/%ld\"\n  wait 3d\n  send coupon25 }\n", i, i + 7);
  }
  fclose(f);
  open_store(&b, path, true);
  deploy(&b, script, len);
  open_engine(&b, 0);
  snprintf(file, sizeof file, "%s.ndjson", path);
  write_events(file, events, 0, t0, "m", "page_view");
  double t = now_s();
  take_file(&b, file, t0 + events);
  double s = now_s() - t;
  if (engine_counts(b.engine).starts != (uint64_t)events) die("start", "not every event started its campaign");
  printf("campaigns=%ld listening=%s event/s=%.0f rss_mb=%.0f\n", campaigns, all_listen ? "all" : "one", (double)events / s, peak_rss_mb());
  close_all(&b);
  remove(file);
  free(script);
}

/* Ten events a contact within two minutes, each of which sends a message. */
static void policy(const char *path, long events, const char *mode) {
  static const char rule[] = "message note { channel sms; body \"Hello\" }\nwhen page_view then send note\n";
  static const char counts[] = "policy { at most 20 messages per 1d; at most 60 messages per 7d; at most 15 messages via sms per 1d }\n";
  static const char holds[] = "policy { at most 20 messages per 1d; at most 60 messages per 7d; at most 5 messages via sms per 1d }\n";
  bool held = str_is(str_from_c(mode), "holds"), none = str_is(str_from_c(mode), "none");
  struct bench b = { 0 };
  char file[4096], script[1024];
  snprintf(script, sizeof script, "%s%s", rule, none ? "" : held ? holds : counts);
  open_store(&b, path, true);
  deploy(&b, script, strlen(script));
  open_engine(&b, 0);
  snprintf(file, sizeof file, "%s.ndjson", path);
  write_events(file, events, 0, t0, "first", "visit"); /* so that contacts are known, and the table is no longer small */
  take_file(&b, file, t0 + events);
  FILE *f = fopen(file, "w");
  if (!f) die(file, "cannot be written");
  for (long i = 0; i < events; i++) {
    char at[32];
    iso(t0 + events + i, at);
    fprintf(f, "{\"event\":\"page_view\",\"userId\":\"%016llx\",\"messageId\":\"p-%ld\",\"timestamp\":\"%s\",\"properties\":{\"page\":\"/p/7\"}}\n",
            (unsigned long long)mix((uint64_t)(i % (events / 10)) + 1), i, at);
  }
  if (fclose(f)) die(file, "cannot be written");
  double t = now_s();
  take_file(&b, file, t0 + 3 * events);
  double s = now_s() - t;
  uint64_t want = (uint64_t)(held ? events / 2 : events);
  if (engine_counts(b.engine).sends != want) die("policy", "not as many messages as the caps let leave");
  printf("policy=%s event/s=%.0f sends=%llu\n", mode, (double)events / s, (unsigned long long)engine_counts(b.engine).sends);
  close_all(&b);
  remove(file);
}

static void asleep(const char *path) {
  struct bench b = { 0 };
  char file[4096];
  open_store(&b, path, false);
  open_engine(&b, 0);
  snprintf(file, sizeof file, "%s.ndjson", path);
  write_events(file, 10000, 1000000, t0 + 30 * week, "a", "purchase");
  take_file(&b, file, t0 + 31 * week);
  printf("asleep rss_mb=%.0f\n", peak_rss_mb());
  close_all(&b);
  remove(file);
}

static atomic_bool reading = true;
static void *reader(void *path) {
  sqlite3 *db;
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) die("reader", sqlite3_errmsg(db));
  sqlite3_busy_timeout(db, 1000);
  while (atomic_load(&reading)) sqlite3_exec(db, "select count(*), sum(length(properties)) from history", NULL, NULL, NULL);
  sqlite3_close(db);
  return NULL;
}

static void beside_reader(const char *path, long n) {
  struct bench b = { 0 };
  char events[4096];
  size_t len;
  char *script = cycle_script(&len);
  pthread_t thread;
  snprintf(events, sizeof events, "%s.ndjson", path);
  open_store(&b, path, true);
  deploy(&b, script, len);
  open_engine(&b, 0);
  write_events(events, n, 0, t0, "r", "purchase");
  if (pthread_create(&thread, NULL, reader, (void *)(uintptr_t)path)) die("thread", "not made");
  double t = now_s();
  take_file(&b, events, t0 + n);
  double s = now_s() - t;
  atomic_store(&reading, false);
  pthread_join(thread, NULL);
  printf("beside_reader start/s=%.0f wal_peak_mb=%.0f\n", (double)n / s, b.wal_peak / 1048576);
  close_all(&b);
  remove(events);
  free(script);
}

static void broadcast(const char *path, long n) {
  static const char join[] = "message coupon25 { channel email; subject \"25 %\"; body \"Hello\" }\nlist loyal\nwhen purchase then join loyal\n";
  static const char sale[] = "campaign sale { start at 2026-02-01 09:00 for loyal; send coupon25; wait 7d; send coupon25 }\n";
  struct bench b = { 0 };
  char events[4096], whole[1024];
  snprintf(events, sizeof events, "%s.ndjson", path);
  snprintf(whole, sizeof whole, "%s%s", join, sale);
  open_store(&b, path, true);
  deploy(&b, join, sizeof join - 1);
  open_engine(&b, 0);
  write_events(events, n, 0, t0, "s", "purchase");
  take_file(&b, events, t0 + n);
  close_all(&b);

  open_store(&b, path, false);
  deploy(&b, whole, strlen(whole));
  open_engine(&b, 0);
  double rss_was = peak_rss_mb(), t = now_s();
  for (bool more = true; more;)
    if (engine_sweep(b.engine, 20000, &more) != CAMP_OK) die("sweep", engine_last_error(b.engine)->text);
  double sweep_s = now_s() - t;
  int64_t at_ms = (calendar_days(2026, 2, 1) * 24 + 9) * 3600000LL;
  uint64_t ran;
  t = now_s();
  if (engine_timers(b.engine, at_ms, &ran) != CAMP_OK) die("timers", engine_last_error(b.engine)->text);
  double start_s = now_s() - t;
  if (engine_counts(b.engine).sends != (uint64_t)n) die("broadcast", "not everybody was sent it");

  bool changed;
  struct store_pause resume = { .campaign = STR("sale"), .until_ms = at_ms + 2 * week, .how = PAUSE_SPREAD, .spread_ms = 3600000 };
  if (engine_pause(b.engine, STR("sale"), at_ms + 1, &changed) != CAMP_OK) die("pause", engine_last_error(b.engine)->text);
  t = now_s();
  if (engine_timers(b.engine, at_ms + week, &ran) != CAMP_OK) die("timers", engine_last_error(b.engine)->text);
  double hold_s = now_s() - t;
  if (engine_resume_campaign(b.engine, &resume, &changed) != CAMP_OK) die("resume", engine_last_error(b.engine)->text);
  t = now_s();
  for (bool more = true; more;)
    if (engine_sweep(b.engine, 20000, &more) != CAMP_OK) die("sweep", engine_last_error(b.engine)->text);
  double go_s = now_s() - t;
  if (engine_timers(b.engine, at_ms + 2 * week + 3600000, &ran) != CAMP_OK) die("timers", engine_last_error(b.engine)->text);
  if (engine_counts(b.engine).sends != 2 * (uint64_t)n) die("resume", "not everybody went on");
  printf("contacts=%ld sweep/s=%.0f started/s=%.0f held/s=%.0f let_go/s=%.0f rss_mb=%.0f rss_before_mb=%.0f\n", n, (double)n / sweep_s,
         (double)n / start_s, (double)n / hold_s, (double)n / go_s, peak_rss_mb(), rss_was);
  close_all(&b);
  remove(events);
}

int main(int argc, char **argv) {
  if (argc >= 4 && str_is(str_from_c(argv[1]), "cycle")) cycle(argv[2], atol(argv[3]), argc > 4 ? (uint32_t)atol(argv[4]) : 0);
  else if (argc == 5 && str_is(str_from_c(argv[1]), "load")) many(argv[2], atol(argv[3]), atol(argv[4]), false);
  else if (argc == 5 && str_is(str_from_c(argv[1]), "listen")) many(argv[2], atol(argv[3]), atol(argv[4]), true);
  else if (argc == 3 && str_is(str_from_c(argv[1]), "asleep")) asleep(argv[2]);
  else if (argc == 4 && str_is(str_from_c(argv[1]), "reader")) beside_reader(argv[2], atol(argv[3]));
  else if (argc == 5 && str_is(str_from_c(argv[1]), "policy")) policy(argv[2], atol(argv[3]), argv[4]);
  else if (argc == 4 && str_is(str_from_c(argv[1]), "broadcast")) broadcast(argv[2], atol(argv[3]));
  else {
    fputs("usage: engine_bench cycle DB CONTACTS [BATCH] | load DB CAMPAIGNS EVENTS | listen DB CAMPAIGNS EVENTS | asleep DB | reader DB CONTACTS\n"
          "       engine_bench broadcast DB CONTACTS | policy DB EVENTS none|counts|holds\n", stderr);
    return 2;
  }
  return 0;
}
