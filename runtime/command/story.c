/* One story: runs a `test` block on the real engine, in virtual time.
 *
 * It is not a second engine: events, timers and conditions are the engine's; messages leave at the moment they are
 * released, as in a simulation. Not for choosing tests or printing (test.c).
 *
 * Invariants:
 * 1. All tests of a project share one engine over one database in memory. Before each, the engine forgets everything but the
 *    program, so no test can see another and their order does not matter.
 * 2. The clock begins at the story's first `at` (else 2026-01-01 00:00), so that contacts are known from then on. It never
 *    goes back.
 * 3. `at T` runs timers strictly before T: an event of T comes before a timer of T. An expectation runs those of its moment too.
 * 4. An expectation without a time runs until nothing is due; one on a condition or a position looks at the present moment; one on a call
 *    runs until it is made, so that the next step can answer it.
 * 5. `within` and `nothing` look at what was sent since the last expectation; a number of times without `within` counts from
 *    the beginning of the test.
 * 6. `nothing else` is what no expectation has met from the beginning of the test (facts.c). */
#include "runtime/command/story.h"

#include <stdlib.h>

#include "runtime/command/trial.h"

/* --- the database of all tests -------------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b) {
  const struct unit *const *x = a, *const *y = b;
  return memcmp((*x)->hash, (*y)->hash, UNIT_HASH_BYTES);
}

/* The program with the units of the tests' conditions, each once, so that the engine keeps the measures which they ask for. */
static struct program with_conditions(const struct session *s, struct arena *a) {
  const struct compilation *c = &s->project.compilation;
  struct program p = s->project.program;
  VEC(struct unit) units = { 0 };
  VEC(const struct unit *) asked = { 0 };
  for (uint32_t i = 0; i < p.unit_count; i++) VEC_PUSH(a, &units, p.units[i]);
  for (uint32_t i = 0; i < c->tests.count; i++)
    for (uint32_t k = 0; k < c->tests.items[i]->step_count; k++)
      if (c->tests.items[i]->steps[k].unit) VEC_PUSH(a, &asked, c->tests.items[i]->steps[k].unit);
  if (asked.count) qsort(asked.items, asked.count, sizeof *asked.items, by_hash);
  for (uint32_t i = 0; i < asked.count; i++)
    if (i == 0 || by_hash(&asked.items[i - 1], &asked.items[i]) != 0) VEC_PUSH(a, &units, *asked.items[i]);
  p.units = units.items;
  p.unit_count = units.count;
  return p;
}

int stories_open(struct stories *all, struct session *s, const struct vm_watch *watch) {
  *all = (struct stories){ .s = s };
  arena_init(&all->arena, 1 << 16);
  struct program p = with_conditions(s, &all->arena);
  struct engine_error error = { "" };
  struct engine_options o = { .late_after_ms = STORE_NEVER, .virtual_time = true, .zone = zone_name(s->zone), .watch = watch,
                              .secret = trial_secret };
  int code = session_store(s, ":memory:", &(struct store_options){ .create = true, .relaxed = true });
  if (code != EXIT_FINE) return code;
  if (engine_deploy(s->store, &p, 0, &error) != CAMP_OK || engine_open(s->store, &o, &s->engine, &error) != CAMP_OK) {
    complain(s->command, "%s", error.text);
    return EXIT_COULD_NOT;
  }
  const struct image *image = engine_image(s->engine);
  all->unit_count = image_unit_count(image);
  all->units = arena_alloc(&all->arena, (all->unit_count + 1) * sizeof *all->units);
  for (uint32_t i = 0; i < all->unit_count; i++) all->units[i] = image_unit(image, i);
  qsort(all->units, all->unit_count, sizeof *all->units, by_hash);
  return EXIT_FINE;
}

void stories_close(struct stories *all) { arena_deinit(&all->arena); }

const struct unit *stories_unit(const struct stories *all, const struct unit *compiled) {
  const struct unit **found = bsearch(&compiled, all->units, all->unit_count, sizeof *all->units, by_hash);
  return found ? *found : NULL;
}

/* --- a story ---------------------------------------------------------------------------------------------------------- */

static int run_step(struct trial *r) {
  const struct test_step *step = r->step;
  int code = EXIT_FINE;
  switch (step->kind) {
    case TEST_CONTACT:
      code = trial_happen(r, true);
      for (uint32_t i = 0; code == EXIT_FINE && i < step->prop_count; i++)
        if (step->props[i].consents) code = trial_consent(r, step->props[i].name);
      return code == EXIT_FINE && trial_note_facts(r) != CAMP_OK ? EXIT_COULD_NOT : code;
    case TEST_AT: return trial_move_clock(r, step->civil_ms);
    case TEST_IS:
    case TEST_REPLY:
    case TEST_EVENT:
      if (step->has_at) code = trial_move_clock(r, step->civil_ms);
      if (code != EXIT_FINE || r->why->len) return code;
      return step->kind == TEST_IS ? trial_become(r) : step->kind == TEST_REPLY ? trial_reply(r) : trial_happen(r, false);
    case TEST_PAUSE:
    case TEST_RESUME: return trial_order(r, step->kind == TEST_RESUME);
    case TEST_GIVEN:
    case TEST_CASES: break; /* no steps of a story */
    default: code = trial_expect(r); break;
  }
  if (code == EXIT_FINE) trial_set_marks(r);
  return code;
}

static int64_t first_moment(const struct session *s, const struct test_block *block) {
  for (uint32_t i = 0; i < block->step_count; i++) {
    const struct test_step *step = &block->steps[i];
    bool happens = (step->kind == TEST_EVENT || step->kind == TEST_IS || step->kind == TEST_REPLY) && step->has_at;
    if (step->kind == TEST_AT || happens) return zone_to_utc(s->zone, step->civil_ms);
  }
  return zone_to_utc(s->zone, calendar_days(2026, 1, 1) * MS_PER_DAY);
}

int story_run(struct stories *all, const struct test_block *block, struct buf *why, const struct test_step **at) {
  struct session *s = all->s;
  struct trial r = { .all = all, .s = s, .clock_ms = first_moment(s, block), .why = why };
  arena_init(&r.arena, 16 << 10);
  r.facts.arena = &r.arena;
  buf_clear(why);
  int code = EXIT_FINE;
  if (engine_forget(s->engine) != CAMP_OK) {
    complain(s->command, "%s", engine_last_error(s->engine)->text);
    code = EXIT_COULD_NOT;
  }
  for (uint32_t i = 0; code == EXIT_FINE && why->len == 0 && i < block->step_count; i++) {
    r.step = &block->steps[i];
    code = run_step(&r);
  }
  *at = r.step;
  arena_deinit(&r.arena);
  return code;
}
