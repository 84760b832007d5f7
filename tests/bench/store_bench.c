/* The store alone against the floor: the floor's three phases through the calls of runtime/store/store.h, with a contact's state of
 * 60 bytes, event chains, outbox keys and one strand a contact. What the engine can reach at best.
 *
 *   store_bench FILE CONTACTS [BATCH [full|relaxed]]
 *
 * Prints what floor.c prints, and the bytes written an event and the log's peak. */
#include "runtime/store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct store *s;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum camp_err err) {
  if (!err) return;
  fprintf(stderr, "store_bench: %d %s\n", (int)err, s ? store_last_error(s)->text : "");
  exit(1);
}

/* Bytes this process asked the system to write: all of it is the database's. */
static double written(void) {
  FILE *f = fopen("/proc/self/io", "r");
  char line[128];
  long long n = 0;
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "wchar: %lld", &n) == 1) break;
  if (f) fclose(f);
  return (double)n;
}

static uint64_t mix(uint64_t x) { return hash_u64(x); }

static const char event_body[] = "{\"amount\":40,\"currency\":\"EUR\",\"order_id\":\"A-1001\"}";
static const char state[61] = "sixty bytes stand for measures, memberships and the entries.";
static const char locals[25] = "twenty-four byte locals.";
static const int64_t t0 = 1700000000000, week = 7LL * 86400000;

static long n, batch;
static struct arena arena;
static struct key_lookup *keys;
static char (*texts)[17];
static uint32_t event_name, message_name, campaign_name, unit_id;
static int64_t *ids;

struct by_id { int64_t id; uint32_t index; };
static struct by_id *order;
static int by_id(const void *x, const void *y) {
  const struct by_id *a = x, *b = y;
  if (a->id != b->id) return a->id < b->id ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

static void take(long from, long count, uint64_t (*which)(uint64_t)) {
  for (long b = 0; b < count; b++) {
    snprintf(texts[b], sizeof texts[b], "%016" PRIx64, mix(which((uint64_t)(from + b)) + 1));
    keys[b] = (struct key_lookup){ .key = { texts[b], 16 } };
  }
}
static uint64_t itself(uint64_t i) { return i; }
static uint64_t anyone(uint64_t i) { return mix(i) % (uint64_t)n; }

static void start_phase(void) {
  for (long i = 0; i < n; i += batch) {
    long m = n - i < batch ? n - i : batch;
    take(i, m, itself);
    must(store_begin(s));
    must(store_contacts(s, keys, (uint32_t)m, true, t0));
    for (long b = 0; b < m; b++) {
      struct event_row e = { .contact = keys[b].id, .at_ms = t0 + i + b, .received_ms = t0 + i + b, .name = event_name,
        .ident = mix((uint64_t)(i + b)), .body = STR(event_body) };
      must(store_event_put(s, &e));
      int64_t due = t0 + week + (int64_t)(mix((uint64_t)(i + b) + 7) % (uint64_t)n);
      struct strand_row strand = { .slot = 1, .unit = unit_id, .pc = 17, .entry = 1, .due_ms = due, .since_ms = e.at_ms,
        .base_ms = e.at_ms, .started_ms = e.at_ms, .locals = { locals, 24 }, .state = ROW_NEW };
      struct contact_row c = { .id = keys[b].id, .key = keys[b].key, .state = { state, 60 }, .timer_ms = due, .strands = &strand,
        .strand_count = 1, .fresh = true, .last_event = e.id };
      must(store_contact_write(s, &c, STORE_NEVER));
    }
    store_unit_count(s, unit_id, false, m);
    must(store_commit(s));
  }
}

static void wake_phase(void) {
  for (long moved = 0; moved < n;) {
    uint32_t m = 0;
    must(store_begin(s));
    must(store_due(s, t0 + n + week, ids, (uint32_t)batch, &m));
    if (!m) exit(3);
    for (uint32_t k = 0; k < m; k++) order[k] = (struct by_id){ ids[k], k };
    qsort(order, m, sizeof *order, by_id);
    arena_reset(&arena);
    for (uint32_t k = 0; k < m; k++) {
      struct contact_row c;
      must(store_contact_read(s, &arena, order[k].id, &c));
      struct outbox_row o = { .contact = c.id, .at_ms = t0, .message = message_name, .campaign = campaign_name, .unit = unit_id,
        .entry = 1, .ordinal = 1, .pc = 17 };
      must(store_outbox_put(s, &o));
      int64_t was = c.timer_ms;
      c.timer_ms = t0 + 2 * n + 3 * week + order[k].index;
      c.last_message = o.id;
      c.strands[0].pc = 29;
      c.strands[0].sends = 1;
      c.strands[0].due_ms = c.timer_ms;
      c.strands[0].since_ms = c.strands[0].base_ms = was;
      c.strands[0].state = ROW_CHANGED;
      must(store_contact_write(s, &c, was));
    }
    must(store_commit(s));
    moved += m;
  }
}

static void event_phase(void) {
  for (long i = 0; i < n; i += batch) {
    long m = n - i < batch ? n - i : batch;
    take(i, m, anyone);
    must(store_begin(s));
    must(store_contacts(s, keys, (uint32_t)m, true, t0));
    for (long b = 0; b < m; b++) order[b] = (struct by_id){ keys[b].id, (uint32_t)b };
    qsort(order, (size_t)m, sizeof *order, by_id);
    arena_reset(&arena);
    for (long b = 0; b < m;) {
      struct contact_row c;
      must(store_contact_read(s, &arena, order[b].id, &c));
      for (long first = b; b < m && order[b].id == order[first].id; b++) {
        int64_t at = t0 + i + order[b].index;
        struct event_row e = { .contact = c.id, .at_ms = at, .received_ms = at, .name = event_name, .prev = c.last_event,
          .ident = mix((uint64_t)(n + i + b)), .body = STR(event_body) };
        must(store_event_put(s, &e));
        c.last_event = e.id;
      }
      c.strands[0].pc++;
      c.strands[0].state = ROW_CHANGED;
      must(store_contact_write(s, &c, c.timer_ms));
    }
    must(store_commit(s));
  }
}

int main(int argc, char **argv) {
  if (argc < 3) { fprintf(stderr, "usage: store_bench FILE CONTACTS [BATCH [full|relaxed]]\n"); return 2; }
  n = atol(argv[2]);
  batch = argc > 3 ? atol(argv[3]) : 10000;
  if (n < 1 || batch < 1) return 2;
  const char *tails[] = { "", "-wal", "-shm" };
  char name[4096];
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s%s", argv[1], tails[i]);
    remove(name);
  }
  struct store_error error;
  struct store_options options = { .create = true, .relaxed = argc > 4 && argv[4][0] == 'r' };
  if (store_open(argv[1], &options, &s, &error)) { fprintf(stderr, "%s\n", error.text); return 1; }
  arena_init(&arena, 1 << 20);
  keys = calloc((size_t)batch, sizeof *keys);
  texts = calloc((size_t)batch, sizeof *texts);
  order = calloc((size_t)batch, sizeof *order);
  ids = calloc((size_t)batch, sizeof *ids);
  if (!keys || !texts || !order || !ids) return 1;
  uint32_t epoch;
  must(store_begin(s));
  must(store_name(s, NAME_EVENT, STR("purchase"), &event_name));
  must(store_name(s, NAME_MESSAGE, STR("coupon"), &message_name));
  must(store_name(s, NAME_CAMPAIGN, STR("welcome"), &campaign_name));
  must(store_unit_put(s, STR("0123"), STR("welcome"), STR("body"), &unit_id));
  must(store_deploy(s, &unit_id, 1, NULL, 0, t0, &epoch));
  must(store_commit(s));

  double t = now(), w = written();
  start_phase();
  double start_s = now() - t, start_w = written() - w;
  must(store_checkpoint(s));
  struct store_stats st;
  store_stats(s, &st);
  double bytes = (double)st.db_bytes / (double)n;
  t = now(), w = written();
  wake_phase();
  double wake_s = now() - t, wake_w = written() - w;
  t = now(), w = written();
  event_phase();
  double event_s = now() - t, event_w = written() - w;
  store_stats(s, &st);
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("contacts=%ld batch=%ld start/s=%.0f wake/s=%.0f event/s=%.0f bytes/strand=%.0f rss_mb=%.0f written/start=%.0f "
         "written/wake=%.0f written/event=%.0f wal_peak_mb=%.0f\n", n, batch, (double)n / start_s, (double)n / wake_s,
         (double)n / event_s, bytes, (double)use.ru_maxrss / 1024, start_w / (double)n, wake_w / (double)n, event_w / (double)n,
         (double)st.wal_peak_bytes / 1048576);
  store_close(s);
  return 0;
}
