/* The same events give the same content, however they are divided: random small streams for twenty contacts go through the
 * engine in batches of 1, 3 and 1000, in one run or in several with the database closed between, and in live rounds that are
 * larger than a batch, undisturbed or with a disk that is full from some write on. Whole sorted dumps are compared.
 *
 * Beside it stand the cases that such a stream found, or hardly ever meets: each by its name. Virtual time; nothing sleeps. */
#include "runtime/engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/compile.h"
#include "tests/lib/crash_vfs.h"
#include "tests/lib/files.h"
#include "vm/base/buf.h"
#include "vm/calendar.h"

enum { CONTACTS = 20, EVENTS = 260, SEEDS = 3 };
#define t0_ms 1767607200000 /* 2026-01-05 10:00 UTC */
static const int64_t t0 = t0_ms;
#define HOUR (3600 * 1000LL)

static char in_memory[] = "/dev/shm/camp-engine-XXXXXX", on_disk[] = "/tmp/camp-engine-XXXXXX", path[80];

static const char declarations[] =
  "list fast\nlist big\nlist seen_big\n"
  "message m1 { channel email; subject \"1\"; body \"1\" }\n"
  "message m2 { channel email; subject \"2\"; body \"2\" }\n"
  "message m3 { channel email; subject \"3\"; body \"3\" }\n"
  "message m4 { channel email; subject \"4\"; body \"4\" }\n"
  "topic news\ntopic offers { double opt in by m5 }\n"
  "message m5 { transactional; subject \"5\"; body \"5\" }\nmessage m6 { topic news; subject \"6\"; body \"6\" }\n"
  "message m7 { topic offers; subject \"7\"; body \"7\" }\n"
  "event a { n: number; k: text; l: list of number }\nevent b { n: number; k: text }\nevent c { n: number; k: text }\n"
  "event d { n: number }\nevent x { n: number }\nevent y { n: number }\n"
  "contact { plan: text; level: number }\n"
  "connector crm { add(n: number) { post \"https://crm.example.com/\"; reply { level: number from response.its.level } } }\n";

static const char journey[] =
  "when a where n > 4 then { subscribe to news, send m6, send m7 after 5h }\nwhen b where n < 4 then { subscribe to offers, send m6 }\n"
  "when c where n < 3 then unsubscribe from news\nwhen d where n > 9 then unsubscribe from every topic\n"
  "when c and n > 4 then emit confirm with { topic: \"offers\" }\nwhen enters offers then { tag \"offers\", send m7 }\n"
  "when leaves offers then untag \"offers\"\nwhen leaves news and consents to offers then send m7\n"
  "when a and count(a, last 3d) >= 3 then { send m1 after 1d, send m2 after 2d, join fast }\n"
  "when b where n > 5 then { emit x with { n: b.n }, send m3 after 12h unless a, tag \"b\" }\n"
  "when x where n > 7 then { join big, emit y with { n: x.n } }\n"
  "when y then { set contact.level to y.n, start inner }\n"
  "when enters big then join seen_big\n"
  "when c and sum(c.n, last 5d) > 20 then { leave big, leave fast, stop inner }\n"
  "when contact.level changes then tag \"level\"\n"
  "segment busy = count(b, last 2d) >= 2 or count(x, last 3d) > 3\n"
  "when enters busy then { tag \"busy\", send m3 }\nwhen leaves busy then { untag \"busy\", emit x with { n: 3 } }\n"
  "campaign inner { start when d where n > 100; entry every time up to 2 at once; wait 30h; send m4 }\n"
  "campaign once { start when a; entry once; wait for b up to 2d { send m1 } else { send m2 } }\n"
  "campaign per { start when c; entry once per c.k; goal b within 2d; stop when d where n > 8\n"
  "  wait up to 36h { on a where n > 6 { join big } on a where k is c.k { send m3 } on x { exit } else { tag \"late\" } }\n"
  "  send m4\n  wait until 09:00\n  send m1 }\n"
  "campaign back { start when b; entry at most once in 2d; goal c\n"
  "  wait 6h\n  wait for a since start up to 1d { emit x with { n: 9 } } else { send m2 }\n  send m3 after 3h if still count(a) > 2 }\n"
  "campaign every { start when d; entry every time; stop when y\n"
  "  if count(d, last 1d) > 1 { send m1 } else { wait for x or y since last 5h up to 8h { send m4 } else { leave fast } }\n"
  "  wait 1d }\n"
  "campaign choosing { start when a; entry every time up to 3 at once; stop when d where n is a.n\n"
  "  split { 30% { send m1 } 30% { for each e in a.l { if e > 3 { send m2 } else { wait 5h }; emit y with { n: e } } } else { tag \"rest\" } }\n"
  "  repeat 3 times every 1d { wait for b where k is a.k up to 30h { send m3 } else { split night { 50% { join fast } 50% { leave fast } } } }\n"
  "  send m4 }\n"
  "campaign tried { start when b or c; entry every time up to 3 at once\n"
  "  experiment word { variant p 40% { send m1 } variant q 60% { wait 5h; tag \"q\" } holdout 20%; measure a where n > 3 or d within 2d }\n"
  "  wait 10h\n"
  "  experiment amount { variant u 50% { } variant v 50% { send m6 }; measure sum(a.n) within 3d } }\n"
  "campaign asks { start when a where n < 7; entry every time up to 3 at once; stop when d where n > 9\n"
  "  call crm.add with { n: a.n } as r up to 2d else { if r.status >= 500 { tag \"broken\" } else { tag \"refused\" } }\n"
  "  set contact.level to r.level; if r.level > 3 { emit y with { n: r.level } }; wait 1h; call crm.add with { n: r.level }; send m1 }\n"
  "campaign clock { start every day at 09:00 for fast; start every monday and thursday at 21:30 for count(a, last 3d) >= 2\n"
  "  start at 2026-01-09 12:00 in \"Asia/Tokyo\"; entry every time up to 2 at once; ends on 2026-01-20\n"
  "  send m3; wait 20h; send m4 }\n";

/* Caps, quiet hours, priorities and expiry: much of what the journey sends is held for hours or days. */
static const char policy[] =
  "message m8 { priority high; subject \"8\"; body \"8\" }\nmessage m9 { priority low; expires after 20h; subject \"9\"; body \"9\" }\n"
  "message m10 { channel sms; subject \"10\"; body \"10\"; topic news }\n"
  "policy { at most 2 messages per 30h; at most 6 via email per 4d; at most 1 of news per 3d then drop\n"
  "  at most 1 via sms per 2d; quiet from 21:00 to 08:00; quiet from 12:00 to 13:00 on weekdays via sms then drop }\n"
  "when a and n > 3 then { send m9, send m8, send m10 via sms or email }\n"
  "when b and n > 7 then set contact.phone to \"+1\"\nwhen c and n > 8 then set contact.timezone to \"Asia/Tokyo\"\n"
  "when c then send m9 after 20h unless d if still count(c) > 1\n"
  "campaign held { start when b; entry every time up to 3 at once; stop when d where n > 6; send m8; send m9\n"
  "  wait for x or c up to 5h { send m1 } else { send m3 }\n  wait 2h\n  send m9 }\n";

static const char *story = journey;
static char journey_held[12288];

static void with_policy(bool yes) {
  snprintf(journey_held, sizeof journey_held, "%s%s", journey, policy);
  story = yes ? journey_held : journey;
}

/* --- the stream ------------------------------------------------------------------------------------------------------- */

static uint64_t state;
static uint32_t random_below(uint32_t n) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 33) % n;
}

struct texts { char key[8], id[12], props[96], previous[8]; };
static struct texts texts[EVENTS];

static int by_time(const void *a, const void *b) {
  const struct input *x = a, *y = b;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

/* One in so many inputs says that two of the contacts are one, by an alias or an identify; 0: none does. */
static uint32_t join_every;

static void maybe_join(struct input *in, struct texts *t) {
  if (!join_every || random_below(join_every)) return;
  snprintf(t->previous, sizeof t->previous, "c%u", random_below(CONTACTS));
  if (strcmp(t->previous, t->key) == 0) return;
  in->previous = str_from_c(t->previous);
  in->alias = random_below(3) > 0;
  in->identify = !in->alias;
  in->name = in->alias ? STR("alias") : STR("identify");
  in->zone = (struct str){ NULL, 0 };
  in->props = in->alias ? (struct str){ NULL, 0 } : STR("{\"plan\":\"known\"}");
}

/* Some are answers to a call that the contact may have made: twice perhaps, or before it does, or never. */
static void maybe_reply(struct input *in, struct texts *t) {
  static const unsigned statuses[] = { 200, 200, 201, 404, 503 };
  if (in->previous.len || !str_is(in->name, "strange") || random_below(4) == 0) return;
  snprintf(t->props, sizeof t->props, "{\"key\":\"%.7s/asks/%u.1\",\"status\":%u,\"body\":{\"its\":{\"level\":%u}}}", t->key, 1 + random_below(4),
           statuses[random_below(5)], random_below(8));
  in->name = STR("camp reply");
  in->identify = false;
  in->zone = (struct str){ NULL, 0 };
  in->props = str_from_c(t->props);
}

/* Many events of one instant, ids that repeat, and zones; in order of time, or not. */
static void stream(uint64_t seed, bool in_order, struct input *out) {
  static const struct str names[] = { { "a", 1 }, { "b", 1 }, { "c", 1 }, { "d", 1 }, { "strange", 7 }, { "identify", 8 } };
  static const struct str zones[] = { { "Europe/Paris", 12 }, { "America/New_York", 16 }, { "Mars/Olympus", 12 } };
  state = seed * 0x9e3779b97f4a7c15u + 1;
  for (uint32_t i = 0; i < EVENTS; i++) {
    struct texts *t = &texts[i];
    uint32_t which = random_below(23);
    struct str name = names[which < 20 ? which / 5 : which - 18 < 5 ? 4 : 5];
    bool identify = which == 22;
    if (identify) name = STR("identify");
    snprintf(t->key, sizeof t->key, "c%u", random_below(CONTACTS));
    snprintf(t->id, sizeof t->id, "id%u", random_below(EVENTS * 4));
    if (identify) snprintf(t->props, sizeof t->props, "{\"level\":%u,\"timezone\":\"Asia/Tokyo\"}", random_below(3));
    else snprintf(t->props, sizeof t->props, "{\"n\":%u,\"k\":\"k%u\",\"l\":[%u, %u,%u]}", random_below(11), random_below(3), random_below(8),
                  random_below(8), random_below(8));
    out[i] = (struct input){ .key = str_from_c(t->key), .name = name, .identify = identify, .has_at = true, .line = i + 1,
                             .at_ms = t0 + random_below(16) * 9 * HOUR + random_below(4) * HOUR / 2, .props = str_from_c(t->props) };
    if (random_below(3) == 0) out[i].id = str_from_c(t->id);
    if (random_below(12) == 0) out[i].zone = zones[random_below(3)];
    maybe_join(&out[i], t);
    maybe_reply(&out[i], t);
  }
  if (in_order) qsort(out, EVENTS, sizeof *out, by_time);
}

/* --- the engine ------------------------------------------------------------------------------------------------------- */

struct world { struct store *s; struct engine *e; };

static int64_t deployed_ms = t0_ms;

static void deploy(struct store *s, const char *rest) {
  struct compilation c;
  struct engine_error e = { "" };
  char text[16384];
  snprintf(text, sizeof text, "%s%s", declarations, rest);
  compilation_init(&c);
  compilation_add(&c, STR("journey.camp"), str_from_c(text), false);
  compile(&c, NULL);
  if (c.error_count) {
    struct buf b;
    buf_init(&b, 1 << 16);
    diagnostics_print(&b, &c, FORMAT_SHORT, false);
    print_message("%.*s", STR_ARG(buf_as_str(&b)));
    buf_deinit(&b);
  }
  assert_int_equal(c.error_count, 0);
  assert_int_equal(engine_deploy(s, &c.program, deployed_ms, &e), CAMP_OK);
  compilation_deinit(&c);
}

static struct world world_open(const char *script, struct engine_options o, const char *vfs) {
  struct world w;
  struct store_error se = { "" };
  struct engine_error ee = { "" };
  struct store_options so = { .create = true, .relaxed = vfs == NULL, .vfs = vfs };
  enum camp_err err = store_open(path, &so, &w.s, &se);
  assert_string_equal(se.text, "");
  assert_int_equal(err, CAMP_OK);
  if (script) deploy(w.s, script);
  err = engine_open(w.s, &o, &w.e, &ee);
  assert_string_equal(ee.text, "");
  assert_int_equal(err, CAMP_OK);
  return w;
}

static void world_close(struct world w) {
  engine_close(w.e);
  store_close(w.s);
}

static struct engine_options virtual_options(uint32_t batch) {
  return (struct engine_options){ .batch = batch, .late_after_ms = STORE_NEVER, .virtual_time = true };
}
static struct engine_options live_options(uint32_t batch) {
  return (struct engine_options){ .batch = batch, .late_after_ms = 24 * HOUR };
}

static bool print_row(void *context, int columns, const char *const *names, const char *const *row) {
  (void)names;
  for (int i = 0; row && i < columns; i++) buf_printf(context, "%s|", row[i] ? row[i] : "-");
  buf_byte(context, '\n');
  return true;
}

/* Everything a user could notice. The caller frees it. */
static char *dump(struct store *s) {
  static const char *const reports[] = { "dump_messages", "dump_events", "dump_positions", "dump_members", "dump_conversions", "dump_aliases", "dump_shown", "dump_consents", "dump_assignments",
                                         "summary", "rejects" };
  struct buf b;
  buf_init(&b, 16 << 20);
  for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
    buf_printf(&b, "== %s\n", reports[i]);
    assert_int_equal(store_report(s, reports[i], (struct str){ 0 }, print_row, &b), CAMP_OK);
  }
  assert_false(b.failed);
  return b.data;
}

static void same(const char *what, char *want, char *got) {
  if (strcmp(want, got) != 0) {
    size_t at = 0, line = 0;
    for (; want[at] && want[at] == got[at]; at++)
      if (want[at] == '\n') line = at + 1;
    print_message("%s:\n  want %.200s\n  got  %.200s\n", what, want + line, got + line);
    fail_msg("%s: the content differs", what);
  }
  free(got);
}

#define OK(call)                                                                 \
  do {                                                                           \
    enum camp_err ok_err = (call);                                               \
    if (ok_err != CAMP_OK) fail_msg("%s: %s", #call, engine_last_error(w.e)->text); \
  } while (0)

/* --- virtual time ----------------------------------------------------------------------------------------------------- */

static char *virtual_run(const struct input *inputs, uint32_t batch, uint32_t per_take, uint32_t runs, uint64_t cuts) {
  database_remove(path);
  struct world w = world_open(story, virtual_options(batch), NULL);
  uint64_t kept = state;
  state = cuts * 77 + 5;
  for (uint32_t i = 0; i < EVENTS;) {
    uint32_t n = per_take ? per_take : 1 + random_below(60);
    if (n > EVENTS - i) n = EVENTS - i;
    OK(engine_timers(w.e, inputs[i].at_ms - 1, NULL));
    struct engine_inputs in = { .inputs = inputs + i, .count = n, .arrival_ms = inputs[i + n - 1].at_ms, .virtual_time = true };
    OK(engine_take(w.e, &in));
    i += n;
    if (runs && random_below(3) == 0) {
      world_close(w);
      w = world_open(NULL, virtual_options(batch), NULL);
      OK(engine_resume(w.e));
    }
  }
  OK(engine_timers(w.e, t0 + 40 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  world_close(w);
  state = kept;
  return text;
}

static void batches_and_runs(uint64_t seed_first, const char *wanted) {
  static struct input inputs[EVENTS];
  bool met = false;
  for (uint64_t seed = seed_first; seed < seed_first + SEEDS; seed++) {
    stream(seed, true, inputs);
    char *want = virtual_run(inputs, 1000, EVENTS, 0, 0);
    met |= strstr(want, wanted) != NULL;
    same("batch 1", want, virtual_run(inputs, 1, EVENTS, 0, 0));
    same("batch 3", want, virtual_run(inputs, 3, EVENTS, 0, 0));
    same("one event a round", want, virtual_run(inputs, 1000, 1, 0, 0));
    same("several runs", want, virtual_run(inputs, 1000, 0, 1, seed));
    same("several runs, batch 3", want, virtual_run(inputs, 3, 0, 1, seed + 99));
    free(want);
  }
  assert_true(met); /* what the stream is for was in it */
}

static void batches_and_runs_do_not_matter(void **unused) { batches_and_runs(1, "|m1|"); }

/* Contacts become one, at random, also twice over and back and forth. */
static void merges_do_not_matter(void **unused) {
  join_every = 12;
  batches_and_runs(31, "entered it before, and is the same contact");
  batches_and_runs(31, "the first assignment stands; ");
  join_every = 0;
}

static void what_is_held_does_not_matter(void **unused) {
  with_policy(true);
  batches_and_runs(71, "at most 1 message of news per 3d");
  join_every = 12;
  batches_and_runs(81, "expired after 20h");
  join_every = 0;
  with_policy(false);
}

/* --- live rounds ------------------------------------------------------------------------------------------------------ */

enum { ROUND = 65 };

/* Takes the stream in rounds of ROUND; a failed call is repeated with a healthy disk, as camp run does, or after a restart. */
static char *live_run_of(const struct input *inputs, uint32_t batch, uint64_t full_at, bool restart) {
  database_remove(path);
  struct world w = world_open(story, live_options(batch), CRASH_VFS);
  for (uint32_t i = 0, round = 0; i < EVENTS; i += ROUND, round++) {
    uint32_t n = EVENTS - i < ROUND ? EVENTS - i : ROUND;
    struct store_source src = { .line = i + n };
    struct engine_inputs in = { .inputs = inputs + i, .count = n, .arrival_ms = t0 + (6 + round) * MS_PER_DAY, .source = src,
                                .source_key = STR("live") };
    if (full_at) crash_vfs_arm(CRASH_FULL, full_at, 0);
    enum camp_err err = engine_take(w.e, &in);
    crash_vfs_arm(CRASH_NONE, 0, 0);
    if (err != CAMP_OK) {
      if (err != CAMP_FULL) fail_msg("%s", engine_last_error(w.e)->text);
      if (restart) {
        world_close(w);
        w = world_open(NULL, live_options(batch), CRASH_VFS);
        OK(engine_resume(w.e));
      }
      assert_int_equal(store_source_get(w.s, STR("live"), &src), CAMP_OK);
      if (src.line < i + n) OK(engine_take(w.e, &in));
      else OK(engine_resume(w.e));
    }
    if (full_at) crash_vfs_arm(CRASH_FULL, full_at, 0);
    err = engine_timers(w.e, in.arrival_ms, NULL);
    crash_vfs_arm(CRASH_NONE, 0, 0);
    if (err != CAMP_OK) OK(engine_timers(w.e, in.arrival_ms, NULL));
  }
  OK(engine_timers(w.e, t0 + 40 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  world_close(w);
  crash_vfs_flush();
  return text;
}

static void live_rounds(uint64_t seed_first) {
  static struct input inputs[EVENTS];
  for (uint64_t seed = seed_first; seed < seed_first + SEEDS; seed++) {
    stream(seed, false, inputs);
    char *want = live_run_of(inputs, 1000, 0, false);
    same("live, batch 1", want, live_run_of(inputs, 1, 0, false));
    same("live, batch 7", want, live_run_of(inputs, 7, 0, false));
    free(want);
  }
}

static void live_rounds_may_be_larger_than_a_batch(void **unused) { live_rounds(11); }

static void live_rounds_with_merges_may_be_larger_than_a_batch(void **unused) {
  join_every = 12;
  live_rounds(41);
  join_every = 0;
}

static void full_disks(uint64_t seed) {
  static struct input inputs[EVENTS];
  stream(seed, false, inputs);
  char *want = live_run_of(inputs, 1000, 0, false);
  static const uint64_t points[] = { 1, 5, 17, 40, 90, 200, 500 };
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    same("a full disk, tried again", want, live_run_of(inputs, 7, points[i], false));
    same("a full disk, started again", want, live_run_of(inputs, 7, points[i], true));
  }
  free(want);
}

static void a_full_disk_in_a_round_is_survived(void **unused) { full_disks(21); }

static void a_full_disk_in_a_round_with_merges_is_survived(void **unused) {
  join_every = 12;
  full_disks(51);
  join_every = 0;
}

static void what_is_held_survives_a_full_disk(void **unused) {
  with_policy(true);
  join_every = 12;
  live_rounds(91);
  full_disks(95);
  join_every = 0;
  with_policy(false);
}

/* --- helpers ---------------------------------------------------------------------------------------------------------- */

static struct input event(const char *name, int64_t at_ms) {
  return (struct input){ .key = STR("ann"), .name = str_from_c(name), .has_at = true, .at_ms = at_ms };
}

static void take(struct world w, const struct input *inputs, uint32_t count) {
  struct engine_inputs in = { .inputs = inputs, .count = count, .arrival_ms = inputs[count - 1].at_ms, .virtual_time = true };
  OK(engine_take(w.e, &in));
}

static uint32_t times(const char *text, const char *word) {
  uint32_t n = 0;
  for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
  return n;
}

/* --- starts without an event ------------------------------------------------------------------------------------------ */

static const char clockwork[] =
  "when a then join fast\nwhen b where n > 7 then leave fast\nwhen c where n > 5 then join big\n"
  "campaign each_day { start every day at 09:00 for fast; entry every time; send m1 }\n"
  "campaign mondays { start every monday at 10:30 for big and contact.level is not missing; send m2; wait 30h; send m3 }\n"
  "campaign sale { start at 2026-01-12 12:00; send m4 }\n";

/* Each input arrives at its own time, with all timers before it: as a story is told, or live. */
static char *by_clock(const struct input *inputs, struct engine_options o) {
  database_remove(path);
  struct world w = world_open(clockwork, o, NULL);
  for (uint32_t i = 0; i < EVENTS; i++) {
    struct engine_inputs in = { .inputs = inputs + i, .count = 1, .arrival_ms = inputs[i].at_ms, .virtual_time = o.virtual_time };
    OK(engine_timers(w.e, inputs[i].at_ms - 1, NULL));
    OK(engine_take(w.e, &in));
  }
  OK(engine_timers(w.e, t0 + 40 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  world_close(w);
  return text;
}

static void live_starts_are_as_virtual_ones(void **unused) {
  static struct input inputs[EVENTS];
  for (uint64_t seed = 31; seed < 31 + SEEDS; seed++) {
    stream(seed, true, inputs);
    char *want = by_clock(inputs, virtual_options(1000));
    assert_true(times(want, "|m4|") >= CONTACTS / 2);
    assert_true(times(want, "|m1|") > 40 && times(want, "|m2|") > 4);
    same("live", want, by_clock(inputs, live_options(1000)));
    same("live, batch 1", want, by_clock(inputs, live_options(1)));
    free(want);
  }
}

/* Contacts that came before the deploy meet it by the sweep, in portions, with a full disk and starts anew between, or by an event. */
static char *swept(const struct input *inputs, uint32_t portion, uint64_t full_at, bool restart, bool event_first) {
  database_remove(path);
  struct world w = world_open("when a then join fast\nwhen c then join big\n", virtual_options(50), CRASH_VFS);
  take(w, inputs, EVENTS);
  world_close(w);
  deployed_ms = t0 + 8 * MS_PER_DAY;
  w = world_open(clockwork, virtual_options(50), CRASH_VFS);
  deployed_ms = t0;
  struct input again = { .key = inputs[3].key, .name = STR("strange"), .has_at = true, .at_ms = t0 + 8 * MS_PER_DAY };
  if (event_first) take(w, &again, 1);
  bool more = true;
  for (uint32_t calls = 0; more; calls++) {
    assert_true(calls < 200);
    if (full_at) crash_vfs_arm(CRASH_FULL, full_at, 0);
    enum camp_err err = engine_sweep(w.e, portion, &more);
    crash_vfs_arm(CRASH_NONE, 0, 0);
    if (err != CAMP_OK) {
      assert_int_equal(err, CAMP_FULL);
      OK(engine_sweep(w.e, portion, &more));
    }
    if (!restart) continue;
    world_close(w);
    w = world_open(NULL, virtual_options(50), CRASH_VFS);
  }
  OK(engine_sweep(w.e, portion, &more)); /* all have seen it: nothing is left to do */
  assert_false(more);
  if (!event_first) take(w, &again, 1);
  OK(engine_timers(w.e, t0 + 40 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  world_close(w);
  crash_vfs_flush();
  return text;
}

static void a_deploy_is_shown_to_who_is_asleep(void **unused) {
  static struct input inputs[EVENTS];
  stream(41, true, inputs);
  for (uint32_t i = 0; i < EVENTS; i++)
    if (inputs[i].at_ms > t0 + 7 * MS_PER_DAY) inputs[i].at_ms = t0 + 7 * MS_PER_DAY;
  char *want = swept(inputs, 1000, 0, false, false);
  assert_true(times(want, "|m1|") > 20);
  assert_int_equal(times(want, "|m4|"), 0); /* the deploy is on the 13th, so the 12th is behind it */
  same("one contact a portion", want, swept(inputs, 1, 0, false, false));
  same("three contacts a portion, started anew after each", want, swept(inputs, 3, 0, true, false));
  same("an event that comes first", want, swept(inputs, 3, 0, false, true));
  static const uint64_t points[] = { 1, 2, 5, 11, 23 };
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    same("a full disk", want, swept(inputs, 3, points[i], false, false));
    same("a full disk, started anew", want, swept(inputs, 3, points[i], true, false));
  }
  free(want);
}

/* --- pausing ---------------------------------------------------------------------------------------------------------- */

static const char paused_script[] =
  "when a then join fast\n"
  "campaign every { start when a; entry every time up to 3 at once; stop when d where n > 8; on resume spread over 9h\n"
  "  send m1; wait for b or c where n > 4 up to 30h { send m2 } else { send m3 } }\n"
  "campaign sale { start every day at 09:00 for fast; entry every time; send m4 }\n"
  "campaign other { start when b; entry every time; wait 20h; send m3 }\n";

/* Two campaigns are paused in the middle of the stream, and resumed; who is held goes on in portions. */
static char *paused_run(const struct input *inputs, uint32_t batch, uint32_t portion, uint64_t full_at, bool restart, bool skip) {
  static const struct str names[] = { { "every", 5 }, { "sale", 4 } };
  database_remove(path);
  struct world w = world_open(paused_script, virtual_options(batch), CRASH_VFS);
  bool changed, more = true;
  int64_t pause_ms = t0 + 50 * HOUR, resume_ms = t0 + 100 * HOUR;
  for (uint32_t i = 0, order = 0; i <= EVENTS; i++) {
    int64_t at_ms = i < EVENTS ? inputs[i].at_ms : INT64_MAX;
    for (; order < 4 && at_ms >= (order < 2 ? pause_ms : resume_ms); order++) {
      int64_t order_ms = order < 2 ? pause_ms : resume_ms;
      struct store_pause p = { .campaign = names[order % 2], .until_ms = order_ms, .how = skip ? PAUSE_SKIP : PAUSE_AS_SAID };
      OK(engine_timers(w.e, order_ms - 1, NULL));
      if (order < 2) OK(engine_pause(w.e, names[order], order_ms, &changed));
      else OK(engine_resume_campaign(w.e, &p, &changed));
      assert_true(changed);
      more = true;
      for (uint32_t calls = 0; order >= 2 && more; calls++) {
        assert_true(calls < 300);
        if (full_at) crash_vfs_arm(CRASH_FULL, full_at, 0);
        enum camp_err err = engine_sweep(w.e, portion, &more);
        crash_vfs_arm(CRASH_NONE, 0, 0);
        if (err != CAMP_OK) {
          assert_int_equal(err, CAMP_FULL);
          OK(engine_sweep(w.e, portion, &more));
        }
        if (!restart) continue;
        world_close(w);
        w = world_open(NULL, virtual_options(batch), CRASH_VFS);
      }
    }
    if (i == EVENTS) break;
    OK(engine_timers(w.e, at_ms - 1, NULL));
    take(w, &inputs[i], 1);
  }
  OK(engine_timers(w.e, t0 + 20 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  int64_t held[4];
  uint32_t left;
  assert_int_equal(store_held(w.s, store_name_find(w.s, NAME_CAMPAIGN, STR("every")), held, 4, &left), CAMP_OK);
  assert_int_equal(left, 0);
  world_close(w);
  crash_vfs_flush();
  return text;
}

static void who_was_held_goes_on(void **unused) {
  static struct input inputs[EVENTS];
  for (int skip = 0; skip < 2; skip++) {
    stream(51, true, inputs);
    char *want = paused_run(inputs, 1000, 1000, 0, false, skip);
    assert_true(times(want, "not started: it is paused since") > 5);
    assert_int_equal(times(want, "it was resumed with skip") > 5, skip);
    same("batch 1", want, paused_run(inputs, 1, 1000, 0, false, skip));
    same("one contact a portion", want, paused_run(inputs, 7, 1, 0, false, skip));
    same("three contacts a portion, started anew after each", want, paused_run(inputs, 7, 3, 0, true, skip));
    static const uint64_t points[] = { 1, 2, 4, 9, 20 };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
      same("a full disk", want, paused_run(inputs, 7, 3, points[i], i % 2, skip));
    free(want);
  }
}

/* What is deployed is not what is done: a program that is the same, or has other steps, brings no occurrence back; a line that was away
 * counts from its return. */
static void a_schedule_outlives_its_steps(void **unused) {
  static const char one[] = "campaign c { start at 2026-01-06 09:00; start every monday at 08:00; entry every time; send m1 }\n";
  static const char two[] = "campaign c { start at 2026-01-06 09:00 for not fast; start every monday at 08:00; entry every time; send m2 }\n";
  static const char none[] = "campaign c { start when b; send m3 }\n";
  static const struct { int64_t at; const char *script; } deploys[] = {
    { 1, one }, { 2, one }, { 3, two }, { 8, none }, { 10, one } }; /* days after t0, Monday 5 January 10:00 */
  database_remove(path);
  struct world w = world_open("when a then tag \"a\"\n", live_options(10), NULL);
  struct input ann = event("a", t0);
  struct engine_inputs in = { .inputs = &ann, .count = 1, .arrival_ms = t0 };
  OK(engine_take(w.e, &in));
  for (size_t i = 0; i < sizeof deploys / sizeof *deploys; i++) {
    bool more;
    deployed_ms = t0 + deploys[i].at * MS_PER_DAY - 2 * HOUR; /* 08:00 of that day */
    OK(engine_timers(w.e, deployed_ms, NULL));
    world_close(w);
    w = world_open(deploys[i].script, live_options(10), NULL);
    OK(engine_sweep(w.e, 100, &more));
  }
  deployed_ms = t0;
  OK(engine_timers(w.e, t0 + 15 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  assert_int_equal(times(text, "|m1|"), 2); /* the 6th at 09:00, and Monday the 19th */
  assert_int_equal(times(text, "|m2|"), 1); /* Monday the 12th */
  assert_int_equal(times(text, "|m3|"), 0);
  free(text);
  world_close(w);
}

/* Who is first heard of by an old event meets no occurrence from before it arrived. */
static void an_old_first_event_brings_nothing_back(void **unused) {
  database_remove(path);
  struct world w = world_open("campaign c { start every day at 09:00; entry every time; send m1 }\n", live_options(10), NULL);
  struct input ann = event("a", t0 - 300 * MS_PER_DAY), bob = event("a", t0 - 300 * MS_PER_DAY);
  bob.key = STR("bob");
  struct engine_inputs in = { .inputs = &ann, .count = 1, .arrival_ms = t0 + 10 * MS_PER_DAY };
  OK(engine_take(w.e, &in));
  world_close(w);
  struct engine_options import = live_options(10);
  import.import = true;
  w = world_open(NULL, import, NULL);
  in.inputs = &bob;
  OK(engine_take(w.e, &in));
  world_close(w);
  w = world_open(NULL, live_options(10), NULL);
  OK(engine_timers(w.e, t0 + 12 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  assert_int_equal(times(text, "|m1|"), 4); /* each on the 16th and 17th */
  free(text);
  world_close(w);
}

/* --- single cases ----------------------------------------------------------------------------------------------------- */

static char *play(const char *script, uint32_t batch, const struct input *inputs, uint32_t count) {
  database_remove(path);
  struct world w = world_open(script, virtual_options(batch), NULL);
  take(w, inputs, count);
  OK(engine_timers(w.e, inputs[count - 1].at_ms + 30 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  world_close(w);
  return text;
}

/* An event that the very input emits finds a delayed action that has not taken its first step yet. */
static void an_emitted_event_meets_a_fork(void **unused) {
  const struct input in[] = { event("a", t0) };
  char *text = play("when a then { emit x with { n: 1 }, send m1 after 1d, send m2 after 2d }\n"
                    "campaign w { start when a; wait for x up to 1d { send m3 } else { send m4 } }\n", 1000, in, 1);
  assert_int_equal(times(text, "|m1|"), 1);
  assert_int_equal(times(text, "|m2|"), 1);
  assert_int_equal(times(text, "|m3|"), 1);
  free(text);
}

/* A delayed action that has left gives its number to no later one: the message's key would be another's. */
static void keys_of_delayed_actions_are_unique(void **unused) {
  const struct input in[] = { event("a", t0) };
  static const char script[] = "when a then { send m1 after 1d\n send m2 after 2h\n wait 2d\n send m3 after 1d\n send m4 after 2d }\n";
  char *text = play(script, 1, in, 1);
  assert_int_equal(times(text, "|m1|1|1|1|"), 1);
  assert_int_equal(times(text, "|m2|1|2|1|"), 1);
  assert_int_equal(times(text, "|m3|1|3|1|"), 1);
  assert_int_equal(times(text, "|m4|1|0|4|"), 1);
  free(text);
}

/* The lowest free slot depends on what ended before; the order of waits must not. */
static void slots_decide_no_order(void **unused) {
  const struct input in[] = { event("a", t0), event("b", t0), event("d", t0), event("c", t0), event("x", t0 + HOUR) };
  static const char script[] = "campaign one { start when a; stop when d; wait 9d }\n"
                               "campaign two { start when b; wait for x up to 2d { set contact.plan to \"two\" } else { exit } }\n"
                               "campaign three { start when c; wait for x up to 2d { set contact.plan to \"three\" } else { exit } }\n"
                               "when contact.plan changes and contact.plan is \"two\" then send m1\n"
                               "when x and contact.plan is \"three\" then send m2\n";
  char *want = play(script, 1000, in, 5);
  assert_int_equal(times(want, "|m2|"), 1);
  same("batch 1", want, play(script, 1, in, 5));
  free(want);
}

/* Rules that answer each other, waits of no time, events that double: each ends, and says why. */
static void what_never_ends_is_ended(void **unused) {
  static const struct { const char *script, *why; } cases[] = {
    { "when a then join big\nwhen enters big then leave big\nwhen leaves big then join big\n", "more than 16 deep" },
    { "when a where n < 30 then { emit a with { n: a.n + 1 }, emit a with { n: a.n + 2 }, emit a with { n: a.n + 1 } }\n",
      "events and starts follow from one event" },
    { "campaign w { start when a; entry every time; wait until 2026-01-05 10:00; emit a }\n", "ended at one moment" },
  };
  struct input in[] = { event("a", t0) };
  in[0].props = STR("{\"n\":1}");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = play(cases[i].script, 1000, in, 1);
    if (!strstr(text, cases[i].why)) fail_msg("%s: %.3000s", cases[i].script, text);
    free(text);
  }
}

/* Why an identify did not start what it asked for is said beside it, not beside the next event. */
static void a_refusal_stays_with_its_input(void **unused) {
  struct input in[] = { event("identify", t0), event("identify", t0 + 1), event("a", t0 + 2) };
  in[0].identify = in[1].identify = true;
  in[0].props = STR("{\"plan\":\"free\"}");
  in[1].props = STR("{\"plan\":\"pro\"}");
  static const char script[] = "campaign w { start when contact.plan changes; entry once; wait 1d }\n";
  char *want = play(script, 1000, in, 3);
  assert_non_null(strstr(want, "entered before"));
  same("batch 1", want, play(script, 1, in, 3));
  free(want);
}

/* A wait that a late event began counts, and hears, from that event's own time, wherever the contact's clock stands. */
static void a_late_wait_hears_from_its_beginning(void **unused) {
  static const char script[] = "campaign w { start when a; wait for b up to 2d { send m1 } else { send m2 } }\n"
                               "when d then send m3 after 1d unless b\n";
  for (int before = 0; before < 2; before++) {
    const struct { const char *name; int64_t at_h, arrival_h; } inputs[] = {
      { "c", 5, 5 }, { "a", 0, 6 }, { "d", 0, 6 }, { "b", before ? -1 : 2, 7 } };
    database_remove(path);
    struct world w = world_open(script, live_options(10), NULL);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
      struct input one = event(inputs[i].name, t0 + inputs[i].at_h * HOUR);
      struct engine_inputs in = { .inputs = &one, .count = 1, .arrival_ms = t0 + inputs[i].arrival_h * HOUR };
      OK(engine_take(w.e, &in));
    }
    OK(engine_timers(w.e, t0 + 5 * MS_PER_DAY, NULL));
    char *text = dump(w.s);
    assert_int_equal(times(text, "|m1|"), !before);
    assert_int_equal(times(text, "|m2|"), before);
    assert_int_equal(times(text, "cancelled: b happened"), !before);
    free(text);
    world_close(w);
  }
}

/* Years before 1970 are not late: a delay counts from the event's own time. */
static void old_years_are_no_late_events(void **unused) {
  const struct input in[] = { event("a", calendar_days(1901, 1, 1) * MS_PER_DAY) };
  char *text = play("when a then send m1 after 7d\n", 1, in, 1);
  assert_int_equal(times(text, "1901-01-08T00:00:00"), 1);
  free(text);
}

/* What a timer emits between two rounds is history, and no input of the second. */
static void an_emitted_event_is_no_input(void **unused) {
  database_remove(path);
  static const char script[] = "campaign w { start when a; wait 1h; emit y with { n: 1 } }\nwhen y then send m3\n";
  struct world w = world_open(script, live_options(1), NULL);
  for (int i = 0; i < 2; i++) {
    struct input in_round[] = { event(i ? "b" : "a", t0 + i * MS_PER_DAY), event("c", t0 + i * MS_PER_DAY) };
    in_round[1].key = STR("zoe");
    struct engine_inputs in = { .inputs = in_round, .count = 2, .arrival_ms = t0 + i * MS_PER_DAY };
    OK(engine_take(w.e, &in));
    OK(engine_timers(w.e, t0 + i * MS_PER_DAY + 2 * HOUR, NULL));
  }
  char *text = dump(w.s);
  assert_int_equal(times(text, "|m3|"), 1);
  assert_int_equal(times(text, "|y|emitted|"), 1);
  free(text);
  world_close(w);
}

static void an_import_wakes_nobody(void **unused) {
  database_remove(path);
  static const char script[] = "campaign w { start when a; wait for b up to 2d { send m1 } else { send m2 } }\n";
  struct world w = world_open(script, live_options(10), NULL);
  struct input first = event("a", t0), old = event("c", t0 + 5 * MS_PER_DAY), heard = event("b", t0 + MS_PER_DAY);
  struct engine_inputs in = { .inputs = &first, .count = 1, .arrival_ms = t0 };
  OK(engine_take(w.e, &in));
  world_close(w);
  struct engine_options import = live_options(10);
  import.import = true;
  w = world_open(NULL, import, NULL);
  in = (struct engine_inputs){ .inputs = &old, .count = 1, .arrival_ms = t0 + 6 * MS_PER_DAY };
  OK(engine_take(w.e, &in));
  world_close(w);
  w = world_open(NULL, live_options(10), NULL);
  in = (struct engine_inputs){ .inputs = &heard, .count = 1, .arrival_ms = t0 + 6 * MS_PER_DAY };
  OK(engine_take(w.e, &in));
  OK(engine_timers(w.e, t0 + 6 * MS_PER_DAY, NULL));
  char *text = dump(w.s);
  assert_int_equal(times(text, "|m1|"), 1);
  assert_int_equal(times(text, "|m2|"), 0);
  free(text);
  world_close(w);
}

/* A condition that a deploy takes away and a later one brings back sees what happened between. */
static void a_measure_that_comes_back_is_filled(void **unused) {
  static const char with[] = "when a and count(a) is 3 then send m1\n", without[] = "when b then send m2\n";
  database_remove(path);
  struct world w = world_open(with, virtual_options(10), NULL);
  const char *const scripts[] = { with, without, with };
  for (int i = 0; i < 3; i++) {
    if (i) {
      world_close(w);
      w = world_open(scripts[i], virtual_options(10), NULL);
    }
    struct input in = event("a", t0 + i * HOUR);
    take(w, &in, 1);
  }
  char *text = dump(w.s);
  assert_int_equal(times(text, "|m1|"), 1);
  free(text);
  world_close(w);
}

/* One contact with more inputs in a batch than its memory is kept for, with ids, and with as many strands as it may have. */
static void one_busy_contact(void **unused) {
  enum { MANY = 4000 };
  static struct input in[MANY];
  static char ids[MANY][12];
  for (uint32_t i = 0; i < MANY; i++) {
    in[i] = event(i == MANY - 1 ? "b" : "a", t0 + i);
    snprintf(ids[i], sizeof ids[i], "n%u", i % (MANY - 100));
    in[i].id = str_from_c(ids[i]);
  }
  in[MANY - 1].id = STR("last");
  static const char script[] = "when a then join fast\n"
                               "campaign w { start when a; entry every time; wait for b up to 9d { send m1 } else { send m2 } }\n";
  char *text = play(script, LIMIT_BATCH_COUNT, in, MANY);
  assert_int_equal(times(text, "|m1|"), LIMIT_STRANDS_COUNT);
  assert_int_equal(times(text, "|a|event|") + times(text, "|a|track|"), MANY - 100);
  free(text);
}

/* More event names than the database may hold: the lines are refused, what comes after is taken. */
static void a_flood_of_names_is_refused(void **unused) {
  static struct input in[LIMIT_NAMES_COUNT];
  static char names[LIMIT_NAMES_COUNT][12];
  for (uint32_t i = 0; i < LIMIT_NAMES_COUNT; i++) {
    snprintf(names[i], sizeof names[i], "n%u", i);
    in[i] = event(i == LIMIT_NAMES_COUNT - 1 ? "a" : names[i], t0 + i);
  }
  database_remove(path);
  struct world w = world_open("when a then send m1\n", virtual_options(LIMIT_BATCH_COUNT), NULL);
  take(w, in, LIMIT_NAMES_COUNT);
  assert_int_equal(engine_counts(w.e).sends, 1);
  assert_true(engine_counts(w.e).rejects > 0);
  world_close(w);
}

static int set_up(void **unused) {
  char *dir = mkdtemp(in_memory);
  if (!dir) dir = mkdtemp(on_disk);
  if (!dir) return -1;
  snprintf(path, sizeof path, "%s/camp.db", dir);
  crash_vfs_register();
  return 0;
}

static int tear_down(void **unused) {
  database_remove(path);
  *strrchr(path, '/') = 0;
  return rmdir(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(batches_and_runs_do_not_matter),
    cmocka_unit_test(merges_do_not_matter),
    cmocka_unit_test(live_rounds_may_be_larger_than_a_batch),
    cmocka_unit_test(live_rounds_with_merges_may_be_larger_than_a_batch),
    cmocka_unit_test(a_full_disk_in_a_round_is_survived),
    cmocka_unit_test(a_full_disk_in_a_round_with_merges_is_survived),
    cmocka_unit_test(what_is_held_does_not_matter),
    cmocka_unit_test(what_is_held_survives_a_full_disk),
    cmocka_unit_test(live_starts_are_as_virtual_ones),
    cmocka_unit_test(a_deploy_is_shown_to_who_is_asleep),
    cmocka_unit_test(who_was_held_goes_on),
    cmocka_unit_test(a_schedule_outlives_its_steps),
    cmocka_unit_test(an_old_first_event_brings_nothing_back),
    cmocka_unit_test(an_emitted_event_meets_a_fork),
    cmocka_unit_test(keys_of_delayed_actions_are_unique),
    cmocka_unit_test(slots_decide_no_order),
    cmocka_unit_test(what_never_ends_is_ended),
    cmocka_unit_test(a_refusal_stays_with_its_input),
    cmocka_unit_test(a_late_wait_hears_from_its_beginning),
    cmocka_unit_test(old_years_are_no_late_events),
    cmocka_unit_test(an_emitted_event_is_no_input),
    cmocka_unit_test(an_import_wakes_nobody),
    cmocka_unit_test(a_measure_that_comes_back_is_filled),
    cmocka_unit_test(one_busy_contact),
    cmocka_unit_test(a_flood_of_names_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
