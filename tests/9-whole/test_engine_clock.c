/* Starts without an event, deploys that are shown to who is asleep, and campaigns that are paused and go on: the same content, however
 * the inputs, the sweeps and the runs are divided, and whatever a full disk does in between. */
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

/* --- starts without an event ------------------------------------------------------------------------------------------ */

static const char clockwork[] =
  "when a then join fast\nwhen b where n > 7 then leave fast\nwhen c where n > 5 then join big\n"
  "campaign each_day { start every day at 09:00 for fast; entry every time; send m1 }\n"
  "campaign mondays { start every monday at 10:30 for big and contact.level is not missing; send m2; wait 30h; send m3 }\n"
  "campaign sale { start at 2026-01-12 12:00; send m4 }\n";

/* Each input arrives at its own time, with all timers before it: as a story is told, or live. */
static char *by_clock(const struct input *inputs, struct engine_options o) {
  database_remove(world_path);
  struct world w = world_open(clockwork, o, NULL);
  for (uint32_t i = 0; i < EVENTS; i++) {
    struct engine_inputs in = { .inputs = inputs + i, .count = 1, .arrival_ms = inputs[i].at_ms, .virtual_time = o.virtual_time };
    OK(engine_timers(w.e, inputs[i].at_ms - 1, NULL));
    OK(engine_take(w.e, &in));
  }
  OK(engine_timers(w.e, T0_MS + 40 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  world_close(w);
  return text;
}

static void live_starts_are_as_virtual_ones(void **unused) {
  static struct input inputs[EVENTS];
  for (uint64_t seed = 31; seed < 31 + SEEDS; seed++) {
    world_stream(seed, true, inputs);
    char *want = by_clock(inputs, world_virtual(1000));
    assert_true(times_in(want, "|m4|") >= CONTACTS / 2);
    assert_true(times_in(want, "|m1|") > 40 && times_in(want, "|m2|") > 4);
    world_same("live", want, by_clock(inputs, world_live(1000)));
    world_same("live, batch 1", want, by_clock(inputs, world_live(1)));
    free(want);
  }
}

/* Sweeps in portions until nothing is left to do; each meets a full disk at that write (0: none), after each the engine starts anew. */
static struct world sweep_all(struct world w, uint32_t batch, uint32_t portion, uint64_t full_at, bool restart) {
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
    w = world_open(NULL, world_virtual(batch), CRASH_VFS);
  }
  return w;
}

/* Contacts that came before the deploy meet it by the sweep, in portions, with a full disk and starts anew between, or by an event. */
static char *swept(const struct input *inputs, uint32_t portion, uint64_t full_at, bool restart, bool event_first) {
  database_remove(world_path);
  struct world w = world_open("when a then join fast\nwhen c then join big\n", world_virtual(50), CRASH_VFS);
  world_take(w, inputs, EVENTS);
  world_close(w);
  world_deployed_ms = T0_MS + 8 * MS_PER_DAY;
  w = world_open(clockwork, world_virtual(50), CRASH_VFS);
  world_deployed_ms = T0_MS;
  struct input again = { .key = inputs[3].key, .name = STR("strange"), .has_at = true, .at_ms = T0_MS + 8 * MS_PER_DAY };
  if (event_first) world_take(w, &again, 1);
  bool more;
  w = sweep_all(w, 50, portion, full_at, restart);
  OK(engine_sweep(w.e, portion, &more)); /* all have seen it: nothing is left to do */
  assert_false(more);
  if (!event_first) world_take(w, &again, 1);
  OK(engine_timers(w.e, T0_MS + 40 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  world_close(w);
  crash_vfs_flush();
  return text;
}

static void a_deploy_is_shown_to_who_is_asleep(void **unused) {
  static struct input inputs[EVENTS];
  world_stream(41, true, inputs);
  for (uint32_t i = 0; i < EVENTS; i++)
    if (inputs[i].at_ms > T0_MS + 7 * MS_PER_DAY) inputs[i].at_ms = T0_MS + 7 * MS_PER_DAY;
  char *want = swept(inputs, 1000, 0, false, false);
  assert_true(times_in(want, "|m1|") > 20);
  assert_int_equal(times_in(want, "|m4|"), 0); /* the deploy is on the 13th, so the 12th is behind it */
  world_same("one contact a portion", want, swept(inputs, 1, 0, false, false));
  world_same("three contacts a portion, started anew after each", want, swept(inputs, 3, 0, true, false));
  world_same("an event that comes first", want, swept(inputs, 3, 0, false, true));
  static const uint64_t points[] = { 1, 2, 5, 11, 23 };
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    world_same("a full disk", want, swept(inputs, 3, points[i], false, false));
    world_same("a full disk, started anew", want, swept(inputs, 3, points[i], true, false));
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
  database_remove(world_path);
  struct world w = world_open(paused_script, world_virtual(batch), CRASH_VFS);
  bool changed;
  int64_t pause_ms = T0_MS + 50 * HOUR, resume_ms = T0_MS + 100 * HOUR;
  for (uint32_t i = 0, order = 0; i <= EVENTS; i++) {
    int64_t at_ms = i < EVENTS ? inputs[i].at_ms : INT64_MAX;
    for (; order < 4 && at_ms >= (order < 2 ? pause_ms : resume_ms); order++) {
      int64_t order_ms = order < 2 ? pause_ms : resume_ms;
      struct store_pause p = { .campaign = names[order % 2], .until_ms = order_ms, .how = skip ? PAUSE_SKIP : PAUSE_AS_SAID };
      OK(engine_timers(w.e, order_ms - 1, NULL));
      if (order < 2) OK(engine_pause(w.e, names[order], order_ms, &changed));
      else OK(engine_resume_campaign(w.e, &p, &changed));
      assert_true(changed);
      if (order >= 2) w = sweep_all(w, batch, portion, full_at, restart);
    }
    if (i == EVENTS) break;
    OK(engine_timers(w.e, at_ms - 1, NULL));
    world_take(w, &inputs[i], 1);
  }
  OK(engine_timers(w.e, T0_MS + 20 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
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
    world_stream(51, true, inputs);
    char *want = paused_run(inputs, 1000, 1000, 0, false, skip);
    assert_true(times_in(want, "not started: it is paused since") > 5);
    assert_int_equal(times_in(want, "it was resumed with skip") > 5, skip);
    world_same("batch 1", want, paused_run(inputs, 1, 1000, 0, false, skip));
    world_same("one contact a portion", want, paused_run(inputs, 7, 1, 0, false, skip));
    world_same("three contacts a portion, started anew after each", want, paused_run(inputs, 7, 3, 0, true, skip));
    static const uint64_t points[] = { 1, 2, 4, 9, 20 };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
      world_same("a full disk", want, paused_run(inputs, 7, 3, points[i], i % 2, skip));
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
    { 1, one }, { 2, one }, { 3, two }, { 8, none }, { 10, one } }; /* days after T0_MS, Monday 5 January 10:00 */
  database_remove(world_path);
  struct world w = world_open("when a then tag \"a\"\n", world_live(10), NULL);
  struct input ann = world_event("a", T0_MS);
  struct engine_inputs in = { .inputs = &ann, .count = 1, .arrival_ms = T0_MS };
  OK(engine_take(w.e, &in));
  for (size_t i = 0; i < sizeof deploys / sizeof *deploys; i++) {
    bool more;
    world_deployed_ms = T0_MS + deploys[i].at * MS_PER_DAY - 2 * HOUR; /* 08:00 of that day */
    OK(engine_timers(w.e, world_deployed_ms, NULL));
    world_close(w);
    w = world_open(deploys[i].script, world_live(10), NULL);
    OK(engine_sweep(w.e, 100, &more));
  }
  world_deployed_ms = T0_MS;
  OK(engine_timers(w.e, T0_MS + 15 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  assert_int_equal(times_in(text, "|m1|"), 2); /* the 6th at 09:00, and Monday the 19th */
  assert_int_equal(times_in(text, "|m2|"), 1); /* Monday the 12th */
  assert_int_equal(times_in(text, "|m3|"), 0);
  free(text);
  world_close(w);
}

/* Who is first heard of by an old event meets no occurrence from before it arrived. */
static void an_old_first_event_brings_nothing_back(void **unused) {
  database_remove(world_path);
  struct world w = world_open("campaign c { start every day at 09:00; entry every time; send m1 }\n", world_live(10), NULL);
  struct input ann = world_event("a", T0_MS - 300 * MS_PER_DAY), bob = world_event("a", T0_MS - 300 * MS_PER_DAY);
  bob.key = STR("bob");
  struct engine_inputs in = { .inputs = &ann, .count = 1, .arrival_ms = T0_MS + 10 * MS_PER_DAY };
  OK(engine_take(w.e, &in));
  world_close(w);
  struct engine_options import = world_live(10);
  import.import = true;
  w = world_open(NULL, import, NULL);
  in.inputs = &bob;
  OK(engine_take(w.e, &in));
  world_close(w);
  w = world_open(NULL, world_live(10), NULL);
  OK(engine_timers(w.e, T0_MS + 12 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  assert_int_equal(times_in(text, "|m1|"), 4); /* each on the 16th and 17th */
  free(text);
  world_close(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(live_starts_are_as_virtual_ones),
    cmocka_unit_test(a_deploy_is_shown_to_who_is_asleep),
    cmocka_unit_test(who_was_held_goes_on),
    cmocka_unit_test(a_schedule_outlives_its_steps),
    cmocka_unit_test(an_old_first_event_brings_nothing_back),
  };
  return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
