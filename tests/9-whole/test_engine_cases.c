/* The engine's single cases: those that a random stream found (test_engine.c), or hardly ever meets, each by its name. */
#include "tests/lib/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/files.h"

/* An event that the very input emits finds a delayed action that has not taken its first step yet. */
static void an_emitted_event_meets_a_fork(void **unused) {
  const struct input in[] = { world_event("a", T0_MS) };
  char *text = world_play("when a then { emit x with { n: 1 }, send m1 after 1d, send m2 after 2d }\n"
                    "campaign w { start when a; wait for x up to 1d { send m3 } else { send m4 } }\n", 1000, in, 1);
  assert_int_equal(times_in(text, "|m1|"), 1);
  assert_int_equal(times_in(text, "|m2|"), 1);
  assert_int_equal(times_in(text, "|m3|"), 1);
  free(text);
}

/* A delayed action that has left gives its number to no later one: the message's key would be another's. */
static void keys_of_delayed_actions_are_unique(void **unused) {
  const struct input in[] = { world_event("a", T0_MS) };
  static const char script[] = "when a then { send m1 after 1d\n send m2 after 2h\n wait 2d\n send m3 after 1d\n send m4 after 2d }\n";
  char *text = world_play(script, 1, in, 1);
  assert_int_equal(times_in(text, "|m1|1|1|1|"), 1);
  assert_int_equal(times_in(text, "|m2|1|2|1|"), 1);
  assert_int_equal(times_in(text, "|m3|1|3|1|"), 1);
  assert_int_equal(times_in(text, "|m4|1|0|4|"), 1);
  free(text);
}

/* The lowest free slot depends on what ended before; the order of waits must not. */
static void slots_decide_no_order(void **unused) {
  const struct input in[] = { world_event("a", T0_MS), world_event("b", T0_MS), world_event("d", T0_MS), world_event("c", T0_MS), world_event("x", T0_MS + HOUR) };
  static const char script[] = "campaign one { start when a; stop when d; wait 9d }\n"
                               "campaign two { start when b; wait for x up to 2d { set contact.plan to \"two\" } else { exit } }\n"
                               "campaign three { start when c; wait for x up to 2d { set contact.plan to \"three\" } else { exit } }\n"
                               "when contact.plan changes and contact.plan is \"two\" then send m1\n"
                               "when x and contact.plan is \"three\" then send m2\n";
  char *want = world_play(script, 1000, in, 5);
  assert_int_equal(times_in(want, "|m2|"), 1);
  world_same("batch 1", want, world_play(script, 1, in, 5));
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
  struct input in[] = { world_event("a", T0_MS) };
  in[0].props = STR("{\"n\":1}");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = world_play(cases[i].script, 1000, in, 1);
    if (!strstr(text, cases[i].why)) fail_msg("%s: %.3000s", cases[i].script, text);
    free(text);
  }
}

/* Why an identify did not start what it asked for is said beside it, not beside the next event. */
static void a_refusal_stays_with_its_input(void **unused) {
  struct input in[] = { world_event("identify", T0_MS), world_event("identify", T0_MS + 1), world_event("a", T0_MS + 2) };
  in[0].identify = in[1].identify = true;
  in[0].props = STR("{\"plan\":\"free\"}");
  in[1].props = STR("{\"plan\":\"pro\"}");
  static const char script[] = "campaign w { start when contact.plan changes; entry once; wait 1d }\n";
  char *want = world_play(script, 1000, in, 3);
  assert_non_null(strstr(want, "entered before"));
  world_same("batch 1", want, world_play(script, 1, in, 3));
  free(want);
}

/* A wait that a late event began counts, and hears, from that event's own time, wherever the contact's clock stands. */
static void a_late_wait_hears_from_its_beginning(void **unused) {
  static const char script[] = "campaign w { start when a; wait for b up to 2d { send m1 } else { send m2 } }\n"
                               "when d then send m3 after 1d unless b\n";
  for (int before = 0; before < 2; before++) {
    const struct { const char *name; int64_t at_h, arrival_h; } inputs[] = {
      { "c", 5, 5 }, { "a", 0, 6 }, { "d", 0, 6 }, { "b", before ? -1 : 2, 7 } };
    database_remove(world_path);
    struct world w = world_open(script, world_live(10), NULL);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
      struct input one = world_event(inputs[i].name, T0_MS + inputs[i].at_h * HOUR);
      struct engine_inputs in = { .inputs = &one, .count = 1, .arrival_ms = T0_MS + inputs[i].arrival_h * HOUR };
      OK(engine_take(w.e, &in));
    }
    OK(engine_timers(w.e, T0_MS + 5 * MS_PER_DAY, NULL));
    char *text = world_dump(w.s);
    assert_int_equal(times_in(text, "|m1|"), !before);
    assert_int_equal(times_in(text, "|m2|"), before);
    assert_int_equal(times_in(text, "cancelled: b happened"), !before);
    free(text);
    world_close(w);
  }
}

/* Years before 1970 are not late: a delay counts from the event's own time. */
static void old_years_are_no_late_events(void **unused) {
  const struct input in[] = { world_event("a", calendar_days(1901, 1, 1) * MS_PER_DAY) };
  char *text = world_play("when a then send m1 after 7d\n", 1, in, 1);
  assert_int_equal(times_in(text, "1901-01-08T00:00:00"), 1);
  free(text);
}

/* What a timer emits between two rounds is history, and no input of the second. */
static void an_emitted_event_is_no_input(void **unused) {
  database_remove(world_path);
  static const char script[] = "campaign w { start when a; wait 1h; emit y with { n: 1 } }\nwhen y then send m3\n";
  struct world w = world_open(script, world_live(1), NULL);
  for (int i = 0; i < 2; i++) {
    struct input in_round[] = { world_event(i ? "b" : "a", T0_MS + i * MS_PER_DAY), world_event("c", T0_MS + i * MS_PER_DAY) };
    in_round[1].key = STR("zoe");
    struct engine_inputs in = { .inputs = in_round, .count = 2, .arrival_ms = T0_MS + i * MS_PER_DAY };
    OK(engine_take(w.e, &in));
    OK(engine_timers(w.e, T0_MS + i * MS_PER_DAY + 2 * HOUR, NULL));
  }
  char *text = world_dump(w.s);
  assert_int_equal(times_in(text, "|m3|"), 1);
  assert_int_equal(times_in(text, "|y|emitted|"), 1);
  free(text);
  world_close(w);
}

static void an_import_wakes_nobody(void **unused) {
  database_remove(world_path);
  static const char script[] = "campaign w { start when a; wait for b up to 2d { send m1 } else { send m2 } }\n";
  struct world w = world_open(script, world_live(10), NULL);
  struct input first = world_event("a", T0_MS), old = world_event("c", T0_MS + 5 * MS_PER_DAY), heard = world_event("b", T0_MS + MS_PER_DAY);
  struct engine_inputs in = { .inputs = &first, .count = 1, .arrival_ms = T0_MS };
  OK(engine_take(w.e, &in));
  world_close(w);
  struct engine_options import = world_live(10);
  import.import = true;
  w = world_open(NULL, import, NULL);
  in = (struct engine_inputs){ .inputs = &old, .count = 1, .arrival_ms = T0_MS + 6 * MS_PER_DAY };
  OK(engine_take(w.e, &in));
  world_close(w);
  w = world_open(NULL, world_live(10), NULL);
  in = (struct engine_inputs){ .inputs = &heard, .count = 1, .arrival_ms = T0_MS + 6 * MS_PER_DAY };
  OK(engine_take(w.e, &in));
  OK(engine_timers(w.e, T0_MS + 6 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  assert_int_equal(times_in(text, "|m1|"), 1);
  assert_int_equal(times_in(text, "|m2|"), 0);
  free(text);
  world_close(w);
}

/* A condition that a deploy takes away and a later one brings back sees what happened between. */
static void a_measure_that_comes_back_is_filled(void **unused) {
  static const char with[] = "when a and count(a) is 3 then send m1\n", without[] = "when b then send m2\n";
  database_remove(world_path);
  struct world w = world_open(with, world_virtual(10), NULL);
  const char *const scripts[] = { with, without, with };
  for (int i = 0; i < 3; i++) {
    if (i) {
      world_close(w);
      w = world_open(scripts[i], world_virtual(10), NULL);
    }
    struct input in = world_event("a", T0_MS + i * HOUR);
    world_take(w, &in, 1);
  }
  char *text = world_dump(w.s);
  assert_int_equal(times_in(text, "|m1|"), 1);
  free(text);
  world_close(w);
}

/* One contact with more inputs in a batch than its memory is kept for, with ids, and with as many strands as it may have. */
static void one_busy_contact(void **unused) {
  enum { MANY = 4000 };
  static struct input in[MANY];
  static char ids[MANY][12];
  for (uint32_t i = 0; i < MANY; i++) {
    in[i] = world_event(i == MANY - 1 ? "b" : "a", T0_MS + i);
    snprintf(ids[i], sizeof ids[i], "n%u", i % (MANY - 100));
    in[i].id = str_from_c(ids[i]);
  }
  in[MANY - 1].id = STR("last");
  static const char script[] = "when a then join fast\n"
                               "campaign w { start when a; entry every time; wait for b up to 9d { send m1 } else { send m2 } }\n";
  char *text = world_play(script, LIMIT_BATCH_COUNT, in, MANY);
  assert_int_equal(times_in(text, "|m1|"), LIMIT_STRANDS_COUNT);
  assert_int_equal(times_in(text, "|a|event|") + times_in(text, "|a|track|"), MANY - 100);
  free(text);
}

/* More event names than the database may hold: the lines are refused, what comes after is taken. */
static void a_flood_of_names_is_refused(void **unused) {
  static struct input in[LIMIT_NAMES_COUNT];
  static char names[LIMIT_NAMES_COUNT][12];
  for (uint32_t i = 0; i < LIMIT_NAMES_COUNT; i++) {
    snprintf(names[i], sizeof names[i], "n%u", i);
    in[i] = world_event(i == LIMIT_NAMES_COUNT - 1 ? "a" : names[i], T0_MS + i);
  }
  database_remove(world_path);
  struct world w = world_open("when a then send m1\n", world_virtual(LIMIT_BATCH_COUNT), NULL);
  world_take(w, in, LIMIT_NAMES_COUNT);
  assert_int_equal(engine_counts(w.e).sends, 1);
  assert_true(engine_counts(w.e).rejects > 0);
  world_close(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
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
  return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
