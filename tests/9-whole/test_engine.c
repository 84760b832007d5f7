/* The same events give the same content, however they are divided: random small streams for twenty contacts go through the
 * engine in batches of 1, 3 and 1000, in one run or in several with the database closed between, and in live rounds that are
 * larger than a batch, undisturbed or with a disk that is full from some write on. Whole sorted dumps are compared. */
#include "tests/lib/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/crash_vfs.h"
#include "tests/lib/files.h"

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

/* --- virtual time ----------------------------------------------------------------------------------------------------- */

static char *virtual_run(const struct input *inputs, uint32_t batch, uint32_t per_take, uint32_t runs, uint64_t cuts) {
  database_remove(world_path);
  struct world w = world_open(story, world_virtual(batch), NULL);
  uint64_t kept = world_state;
  world_state = cuts * 77 + 5;
  for (uint32_t i = 0; i < EVENTS;) {
    uint32_t n = per_take ? per_take : 1 + world_random(60);
    if (n > EVENTS - i) n = EVENTS - i;
    OK(engine_timers(w.e, inputs[i].at_ms - 1, NULL));
    struct engine_inputs in = { .inputs = inputs + i, .count = n, .arrival_ms = inputs[i + n - 1].at_ms, .virtual_time = true };
    OK(engine_take(w.e, &in));
    i += n;
    if (runs && world_random(3) == 0) {
      world_close(w);
      w = world_open(NULL, world_virtual(batch), NULL);
      OK(engine_resume(w.e));
    }
  }
  OK(engine_timers(w.e, T0_MS + 40 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  world_close(w);
  world_state = kept;
  return text;
}

static void batches_and_runs(uint64_t seed_first, const char *wanted) {
  static struct input inputs[EVENTS];
  bool met = false;
  for (uint64_t seed = seed_first; seed < seed_first + SEEDS; seed++) {
    world_stream(seed, true, inputs);
    char *want = virtual_run(inputs, 1000, EVENTS, 0, 0);
    met |= strstr(want, wanted) != NULL;
    world_same("batch 1", want, virtual_run(inputs, 1, EVENTS, 0, 0));
    world_same("batch 3", want, virtual_run(inputs, 3, EVENTS, 0, 0));
    world_same("one event a round", want, virtual_run(inputs, 1000, 1, 0, 0));
    world_same("several runs", want, virtual_run(inputs, 1000, 0, 1, seed));
    world_same("several runs, batch 3", want, virtual_run(inputs, 3, 0, 1, seed + 99));
    free(want);
  }
  assert_true(met); /* what the stream is for was in it */
}

static void batches_and_runs_do_not_matter(void **unused) { batches_and_runs(1, "|m1|"); }

/* Contacts become one, at random, also twice over and back and forth. */
static void merges_do_not_matter(void **unused) {
  world_join_every = 12;
  batches_and_runs(31, "entered it before, and is the same contact");
  batches_and_runs(31, "the first assignment stands; ");
  world_join_every = 0;
}

static void what_is_held_does_not_matter(void **unused) {
  with_policy(true);
  batches_and_runs(71, "at most 1 message of news per 3d");
  world_join_every = 12;
  batches_and_runs(81, "expired after 20h");
  world_join_every = 0;
  with_policy(false);
}

/* --- live rounds ------------------------------------------------------------------------------------------------------ */

enum { ROUND = 65 };

/* Takes the stream in rounds of ROUND; a failed call is repeated with a healthy disk, as camp run does, or after a restart. */
static char *live_run_of(const struct input *inputs, uint32_t batch, uint64_t full_at, bool restart) {
  database_remove(world_path);
  struct world w = world_open(story, world_live(batch), CRASH_VFS);
  for (uint32_t i = 0, round = 0; i < EVENTS; i += ROUND, round++) {
    uint32_t n = EVENTS - i < ROUND ? EVENTS - i : ROUND;
    struct store_source src = { .line = i + n };
    struct engine_inputs in = { .inputs = inputs + i, .count = n, .arrival_ms = T0_MS + (6 + round) * MS_PER_DAY, .source = src,
                                .source_key = STR("live") };
    if (full_at) crash_vfs_arm(CRASH_FULL, full_at, 0);
    enum camp_err err = engine_take(w.e, &in);
    crash_vfs_arm(CRASH_NONE, 0, 0);
    if (err != CAMP_OK) {
      if (err != CAMP_FULL) fail_msg("%s", engine_last_error(w.e)->text);
      if (restart) {
        world_close(w);
        w = world_open(NULL, world_live(batch), CRASH_VFS);
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
  OK(engine_timers(w.e, T0_MS + 40 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  world_close(w);
  crash_vfs_flush();
  return text;
}

static void live_rounds(uint64_t seed_first) {
  static struct input inputs[EVENTS];
  for (uint64_t seed = seed_first; seed < seed_first + SEEDS; seed++) {
    world_stream(seed, false, inputs);
    char *want = live_run_of(inputs, 1000, 0, false);
    world_same("live, batch 1", want, live_run_of(inputs, 1, 0, false));
    world_same("live, batch 7", want, live_run_of(inputs, 7, 0, false));
    free(want);
  }
}

static void live_rounds_may_be_larger_than_a_batch(void **unused) { live_rounds(11); }

static void live_rounds_with_merges_may_be_larger_than_a_batch(void **unused) {
  world_join_every = 12;
  live_rounds(41);
  world_join_every = 0;
}

static void full_disks(uint64_t seed) {
  static struct input inputs[EVENTS];
  world_stream(seed, false, inputs);
  char *want = live_run_of(inputs, 1000, 0, false);
  static const uint64_t points[] = { 1, 5, 17, 40, 90, 200, 500 };
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    world_same("a full disk, tried again", want, live_run_of(inputs, 7, points[i], false));
    world_same("a full disk, started again", want, live_run_of(inputs, 7, points[i], true));
  }
  free(want);
}

static void a_full_disk_in_a_round_is_survived(void **unused) { full_disks(21); }

static void a_full_disk_in_a_round_with_merges_is_survived(void **unused) {
  world_join_every = 12;
  full_disks(51);
  world_join_every = 0;
}

static void what_is_held_survives_a_full_disk(void **unused) {
  with_policy(true);
  world_join_every = 12;
  live_rounds(91);
  full_disks(95);
  world_join_every = 0;
  with_policy(false);
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
  };
  return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
