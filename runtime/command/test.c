/* camp test: runs the `test` blocks of a project on the real engine, in virtual time.
 *
 * It is not a second engine: events, timers and conditions are the engine's; messages leave at the moment they are
 * released, as in a simulation.
 *
 * Invariants:
 * 1. Each test has a database of its own, a copy of one that the project was deployed to once: no test can see another, and
 *    none pays for the deploy.
 * 2. The clock begins at the story's first `at` (else 2026-01-01 00:00), so that contacts are known from then on. It never
 *    goes back.
 * 3. `at T` runs timers strictly before T: an event of T comes before a timer of T. An expectation runs those of its moment too.
 * 4. An expectation without a time runs until nothing is due; one on a condition looks at the present moment.
 * 5. `within` and `nothing` look at what was sent since the last expectation; a number of times without `within` counts from
 *    the beginning of the test. */
#include "runtime/command/commands.h"
#include "runtime/command/progress.h"
#include "runtime/command/session.h"

#include "vm/strand.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

enum { IDLE_ROUNDS_MAX = 100000, IDLE_DAYS_MAX = 3660 };

struct tester {
  struct session s;             /* project and zone; store and engine of the test under way */
  char folder[4096], pattern[4200], db[4200];
  uint32_t passed, failed;
};
struct known { struct str name; int64_t id, mark; /* newest message when the last expectation was met */ };
struct trial {
  struct tester *t;
  const struct test_block *block;
  const struct test_step *step;
  int64_t clock_ms;
  struct arena arena;
  VEC(struct known) contacts;
  struct buf why;               /* what happened instead; empty: all is well */
};
struct sent { struct outbox_row row; struct str name; };

/* --- one database a test -------------------------------------------------------------------------------------------- */

static bool copy_file(const char *from, const char *to) {
  char block[1 << 15];
  int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool ok = in >= 0 && out >= 0;
  for (ssize_t n = 1; ok && n != 0;) {
    n = read(in, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    ok = n >= 0 && write(out, block, (size_t)n) == n;
  }
  if (in >= 0) close(in);
  if (out >= 0 && close(out) != 0) ok = false;
  return ok;
}

/* The program with the units of the tests' conditions, so that the engine keeps the measures which they ask for. */
static struct program with_conditions(struct tester *t, struct arena *a) {
  const struct compilation *c = &t->s.project.compilation;
  struct program p = t->s.project.program;
  VEC(struct unit) units = { 0 };
  for (uint32_t i = 0; i < p.unit_count; i++) VEC_PUSH(a, &units, p.units[i]);
  const struct unit *last = NULL;
  for (uint32_t i = 0; i < c->tests.count; i++)
    for (uint32_t k = 0; k < c->tests.items[i]->step_count; k++) {
      const struct unit *u = c->tests.items[i]->steps[k].unit;
      if (!u || u == last) continue;
      bool there = false;
      for (uint32_t n = p.unit_count; n < units.count && !there; n++)
        there = memcmp(units.items[n].hash, u->hash, UNIT_HASH_BYTES) == 0;
      if (!there) VEC_PUSH(a, &units, *u);
      last = u;
    }
  p.units = units.items;
  p.unit_count = units.count;
  return p;
}

static int make_pattern(struct tester *t) {
  struct arena a;
  arena_init(&a, 1 << 16);
  struct program p = with_conditions(t, &a);
  struct engine_error error = { "" };
  int code = session_store(&t->s, t->pattern, &(struct store_options){ .create = true, .relaxed = true });
  if (code == EXIT_FINE && engine_deploy(t->s.store, &p, 0, &error) != CAMP_OK) {
    complain("test", "%s", error.text);
    code = EXIT_COULD_NOT;
  }
  if (t->s.store) store_close(t->s.store);
  t->s.store = NULL;
  arena_deinit(&a);
  return code;
}

static void close_database(struct tester *t) {
  static const char *const ends[] = { "", "-wal", "-shm", "-journal", "-lock" };
  char path[4300];
  if (t->s.engine) engine_close(t->s.engine);
  if (t->s.store) store_close(t->s.store);
  t->s.engine = NULL;
  t->s.store = NULL;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    snprintf(path, sizeof path, "%s%s", t->db, ends[i]);
    unlink(path);
  }
}

static int open_database(struct tester *t) {
  struct engine_error error = { "" };
  struct engine_options o = { .late_after_ms = STORE_NEVER, .virtual_time = true, .zone = zone_name(t->s.zone) };
  if (!copy_file(t->pattern, t->db)) {
    complain("test", "cannot write %s: %s", t->db, strerror(errno));
    return EXIT_COULD_NOT;
  }
  int code = session_store(&t->s, t->db, &(struct store_options){ .relaxed = true });
  if (code == EXIT_FINE && engine_open(t->s.store, &o, &t->s.engine, &error) != CAMP_OK) {
    complain("test", "%s", error.text);
    code = EXIT_COULD_NOT;
  }
  return code;
}

/* --- the story's contacts and messages ------------------------------------------------------------------------------ */

static void fail(struct trial *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(struct trial *r, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char text[1024];
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  buf_c(&r->why, text);
}

static const char *clock_text(const struct trial *r, int64_t ms, char out[40]) {
  out[calendar_print(zone_to_civil(r->t->s.zone, ms), out)] = 0;
  return out;
}

static struct known *find_contact(struct trial *r, struct str name) {
  for (uint32_t i = 0; i < r->contacts.count; i++)
    if (str_eq(r->contacts.items[i].name, name)) return &r->contacts.items[i];
  struct known k = { .name = name };
  VEC_PUSH(&r->arena, &r->contacts, k);
  return &r->contacts.items[r->contacts.count - 1];
}

static enum camp_err contact_id(struct trial *r, struct known *k) {
  struct key_lookup lookup = { .key = k->name };
  if (k->id) return CAMP_OK;
  enum camp_err err = store_contacts(r->t->s.store, &lookup, 1, false, r->clock_ms);
  k->id = lookup.id;
  return err;
}

static enum camp_err load_contact(struct trial *r, struct known *k, struct contact *out) {
  struct contact_row row;
  enum camp_err err = contact_id(r, k);
  if (err != CAMP_OK) return err;
  memset(out, 0, sizeof *out);
  if (!k->id) return CAMP_NOT_FOUND;
  err = store_contact_read(r->t->s.store, &r->arena, k->id, &row);
  if (err == CAMP_OK) err = contact_read(out, &r->arena, row.state);
  out->id = k->id;
  out->key = row.key;
  out->attributes = row.attributes;
  return err;
}

/* The contact's messages, newest first. */
static enum camp_err messages(struct trial *r, struct known *k, struct sent **out, uint32_t *count) {
  VEC(struct sent) all = { 0 };
  struct contact c;
  *out = NULL;
  *count = 0;
  enum camp_err err = load_contact(r, k, &c);
  if (err == CAMP_NOT_FOUND) return CAMP_OK;
  for (int64_t id = c.last_message; err == CAMP_OK && id;) {
    struct sent s;
    err = store_outbox_get(r->t->s.store, &r->arena, id, &s.row);
    if (err != CAMP_OK) break;
    s.name = store_name_text(r->t->s.store, s.row.message);
    VEC_PUSH(&r->arena, &all, s);
    id = s.row.prev;
  }
  *out = all.items;
  *count = all.count;
  return err;
}

static bool was_sent(const struct sent *s) { return s->row.state == OUTBOX_SENT || s->row.state == OUTBOX_CLAIMED; }

static void set_marks(struct trial *r) {
  for (uint32_t i = 0; i < r->contacts.count; i++) {
    struct sent *all;
    uint32_t count;
    if (messages(r, &r->contacts.items[i], &all, &count) == CAMP_OK && count) r->contacts.items[i].mark = all[0].row.id;
  }
}

static void tell_messages(struct trial *r, struct known *k) {
  struct sent *all;
  uint32_t count;
  char at[40];
  if (messages(r, k, &all, &count) != CAMP_OK || count == 0) {
    fail(r, "Nothing was sent to " STR_FMT " until %s.\n", STR_ARG(k->name), clock_text(r, r->clock_ms, at));
    return;
  }
  fail(r, "Messages to " STR_FMT " until %s:\n", STR_ARG(k->name), clock_text(r, r->clock_ms, at));
  for (uint32_t i = count; i-- > 0;) {
    fail(r, "  %s  " STR_FMT, clock_text(r, all[i].row.at_ms, at), STR_ARG(all[i].name));
    if (!was_sent(&all[i])) fail(r, "  not sent: " STR_FMT, STR_ARG(all[i].row.reason));
    fail(r, "\n");
  }
}

/* --- the clock ------------------------------------------------------------------------------------------------------ */

static int run_to(struct trial *r, int64_t to_ms) {
  if (to_ms > r->clock_ms) r->clock_ms = to_ms;
  int code = session_timers(&r->t->s, to_ms, NULL);
  return code == EXIT_FINE ? session_count_as_sent(&r->t->s, to_ms) : code;
}

static int run_until_idle(struct trial *r) {
  int64_t end = r->clock_ms + IDLE_DAYS_MAX * MS_PER_DAY, next;
  int code = run_to(r, r->clock_ms);
  /* A story that never comes to rest is looked at for ten years. */
  for (int i = 0; code == EXIT_FINE && i < IDLE_ROUNDS_MAX; i++) {
    if (engine_next_timer(r->t->s.engine, &next) != CAMP_OK) return EXIT_COULD_NOT;
    if (next > end) break;
    code = run_to(r, next > r->clock_ms ? next : r->clock_ms);
  }
  return code;
}

static int64_t after(const struct trial *r, struct value duration) {
  if (duration.type == V_EXACT) return r->clock_ms + duration.i;
  return zone_add(r->t->s.zone, r->clock_ms, (int64_t)duration.aux, duration.i);
}

static int move_clock(struct trial *r, int64_t civil_ms) {
  int64_t to = zone_to_utc(r->t->s.zone, civil_ms);
  char have[40];
  if (to < r->clock_ms) {
    fail(r, "The clock stands at %s already and cannot go back.\n", clock_text(r, r->clock_ms, have));
    return EXIT_FINE;
  }
  int code = to > r->clock_ms ? run_to(r, to - 1) : EXIT_FINE;
  r->clock_ms = to;
  return code;
}

/* --- steps ---------------------------------------------------------------------------------------------------------- */

static int happen(struct trial *r, bool identify) {
  const struct test_step *step = r->step;
  struct buf b;
  buf_init(&b, LIMIT_EVENT_BYTES);
  buf_byte(&b, '{');
  for (uint32_t i = 0; i < step->prop_count; i++) {
    if (i) buf_byte(&b, ',');
    buf_json_str(&b, step->props[i].name);
    buf_byte(&b, ':');
    value_to_json(&b, step->props[i].value, r->t->s.zone);
  }
  if (step->of.len) {
    buf_c(&b, step->prop_count ? ",\"message\":" : "\"message\":");
    buf_json_str(&b, step->of);
  }
  buf_byte(&b, '}');
  int code = EXIT_FINE;
  if (b.failed) {
    fail(r, "The event has more than %u bytes.\n", LIMIT_EVENT_BYTES);
  } else {
    struct input in = { .key = step->contact, .name = identify ? STR("identify") : step->name, .identify = identify,
      .at_ms = r->clock_ms, .has_at = true, .props = arena_str(&r->arena, buf_as_str(&b)) };
    struct engine_inputs batch = { .inputs = &in, .count = 1, .arrival_ms = r->clock_ms, .virtual_time = true };
    find_contact(r, step->contact);
    code = session_take(&r->t->s, &batch);
  }
  buf_deinit(&b);
  return code;
}

/* How many messages of the step's name (any, when empty) since `from_ms` and behind the mark, and how many at `at_ms`. */
static enum camp_err count_sent(struct trial *r, struct known *k, int64_t mark, int64_t from_ms, int64_t to_ms, uint32_t *found) {
  struct sent *all;
  uint32_t count;
  *found = 0;
  enum camp_err err = messages(r, k, &all, &count);
  for (uint32_t i = 0; i < count; i++) {
    if (!was_sent(&all[i]) || all[i].row.id <= mark || all[i].row.at_ms < from_ms || all[i].row.at_ms > to_ms) continue;
    if (r->step->name.len == 0 || r->step->kind == TEST_EXPECT_NOTHING || str_eq(all[i].name, r->step->name)) (*found)++;
  }
  return err;
}

static void judge_sent(struct trial *r, struct known *k, uint32_t found, const char *when) {
  const struct test_step *step = r->step;
  uint32_t wanted = step->once && !step->times ? 1 : step->times;
  bool none = step->negated || step->kind == TEST_EXPECT_NOTHING;
  if (none ? found == 0 : wanted ? found == wanted : found > 0) return;
  struct str what = step->kind == TEST_EXPECT_NOTHING ? STR("something") : step->name;
  if (none) fail(r, STR_FMT " was sent to " STR_FMT "%s. ", STR_ARG(what), STR_ARG(step->contact), when);
  else if (found == 0) fail(r, STR_FMT " was not sent to " STR_FMT "%s. ", STR_ARG(what), STR_ARG(step->contact), when);
  else fail(r, STR_FMT " was sent to " STR_FMT " %" PRIu32 " times%s, not %" PRIu32 ". ", STR_ARG(what), STR_ARG(step->contact), found,
            when, wanted);
  tell_messages(r, k);
}

static int expect_sent(struct trial *r) {
  const struct test_step *step = r->step;
  struct known *k = find_contact(r, step->contact);
  int64_t from = r->clock_ms, to;
  bool whole = step->kind == TEST_EXPECT_SENT; /* without a time a message counts from the beginning of the test */
  char when[64] = "", at[40];
  int code;
  if (step->has_at) {
    to = zone_to_utc(r->t->s.zone, step->civil_ms);
    if (whole) from = to;
    code = run_to(r, to > r->clock_ms ? to : r->clock_ms);
    snprintf(when, sizeof when, " %s %s", whole ? "at" : "until", clock_text(r, to, at));
  } else if (step->has_within) {
    to = after(r, step->within);
    whole = false;
    code = run_to(r, to);
    snprintf(when, sizeof when, " from %s", clock_text(r, from, at));
    snprintf(when + strlen(when), sizeof when - strlen(when), " to %s", clock_text(r, to, at));
  } else {
    code = run_until_idle(r);
    if (whole) from = INT64_MIN;
    to = r->clock_ms;
  }
  uint32_t found = 0;
  if (code != EXIT_FINE) return code;
  if (count_sent(r, k, whole ? 0 : k->mark, from, to, &found) != CAMP_OK) return EXIT_COULD_NOT;
  judge_sent(r, k, found, when);
  return EXIT_FINE;
}

static const struct unit *linked(const struct image *image, const struct unit *u) {
  for (uint32_t i = 0; i < image_unit_count(image); i++)
    if (memcmp(image_unit(image, i)->hash, u->hash, UNIT_HASH_BYTES) == 0) return image_unit(image, i);
  return NULL;
}

static int expect_condition(struct trial *r) {
  const struct test_step *step = r->step;
  static struct vm vm; /* too big for a small stack, and one test runs at a time */
  struct contact c;
  int64_t to = step->has_at ? zone_to_utc(r->t->s.zone, step->civil_ms) : step->has_within ? after(r, step->within) : r->clock_ms;
  int code = run_to(r, to > r->clock_ms ? to : r->clock_ms);
  if (code != EXIT_FINE) return code;
  const struct image *image = engine_image(r->t->s.engine);
  const struct unit *u = linked(image, step->unit);
  CHECK(u != NULL);
  enum camp_err err = load_contact(r, find_contact(r, step->contact), &c);
  if (err != CAMP_OK && err != CAMP_NOT_FOUND) return EXIT_COULD_NOT;
  c.arena = &r->arena;
  const struct zone *zone = r->t->s.zone;
  static const struct field as_text = { .type = V_TEXT };
  struct value own = c.attributes.len ? contact_attribute(&c, STR("timezone"), &as_text, zone) : value_missing();
  const struct zone *found = own.type == V_TEXT ? zones_find(r->t->s.zones, value_str(own)) : NULL;
  struct env env = { .image = image, .contact = &c, .now_ms = r->clock_ms, .base_ms = r->clock_ms, .zone = found ? found : zone,
    .scratch = &r->arena };
  struct value v = vm_eval(&vm, u, step->pc, NULL, &env);
  /* `not` is in the expression already. */
  if (value_true(v)) return EXIT_FINE;
  char at[40];
  fail(r, "That is %s at %s.\n", v.type == V_BOOL ? v.i ? "true" : "false" : "neither true nor false", clock_text(r, r->clock_ms, at));
  return EXIT_FINE;
}

static int run_step(struct trial *r) {
  const struct test_step *step = r->step;
  int code = EXIT_FINE;
  switch (step->kind) {
    case TEST_CONTACT: return happen(r, true);
    case TEST_AT: return move_clock(r, step->civil_ms);
    case TEST_EVENT:
      if (step->has_at) code = move_clock(r, step->civil_ms);
      return code != EXIT_FINE || r->why.len ? code : happen(r, false);
    case TEST_EXPECT_SENT:
    case TEST_EXPECT_NOTHING: code = expect_sent(r); break;
    case TEST_EXPECT_COND: code = expect_condition(r); break;
  }
  if (code == EXIT_FINE) set_marks(r);
  return code;
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

static int64_t first_moment(const struct tester *t, const struct test_block *block) {
  for (uint32_t i = 0; i < block->step_count; i++) {
    const struct test_step *step = &block->steps[i];
    if (step->kind == TEST_AT || (step->kind == TEST_EVENT && step->has_at)) return zone_to_utc(t->s.zone, step->civil_ms);
  }
  return zone_to_utc(t->s.zone, calendar_days(2026, 1, 1) * MS_PER_DAY);
}

static void show_failure(const struct trial *r) {
  const struct source *source = &r->t->s.project.compilation.sources.items[r->step->span.source];
  uint32_t line, column;
  source_place(source, r->step->span.from, &line, &column);
  struct str text = source_line(source, line);
  printf("FAILED " STR_FMT "\n  " STR_FMT ":%" PRIu32 ":%" PRIu32 "\n    " STR_FMT "\n    ", STR_ARG(r->block->name),
         STR_ARG(source->path), line, column, STR_ARG(text));
  uint32_t width = r->step->span.to > r->step->span.from ? r->step->span.to - r->step->span.from : 1;
  for (uint32_t i = 1; i < column; i++) putchar(i <= text.len && text.ptr[i - 1] == '\t' ? '\t' : ' ');
  for (uint32_t i = 0; i < width && column - 1 + i < text.len; i++) putchar('^');
  putchar('\n');
  const char *at = r->why.data;
  while (at && *at) {
    const char *end = strchr(at, '\n');
    printf("  %.*s\n", (int)(end ? end - at : (ptrdiff_t)strlen(at)), at);
    at = end ? end + 1 : at + strlen(at);
  }
}

static int run_block(struct tester *t, const struct test_block *block) {
  struct trial r = { .t = t, .block = block, .clock_ms = first_moment(t, block) };
  enum { WHY_BYTES = 1 << 20 };
  arena_init(&r.arena, 16 << 10);
  buf_init(&r.why, WHY_BYTES);
  int code = open_database(t);
  for (uint32_t i = 0; code == EXIT_FINE && r.why.len == 0 && i < block->step_count; i++) {
    r.step = &block->steps[i];
    code = run_step(&r);
  }
  if (code != EXIT_FINE) {
    complain("test", "the test \"" STR_FMT "\" could not be run", STR_ARG(block->name));
  } else if (r.why.len) {
    t->failed++;
    show_failure(&r);
  } else {
    t->passed++;
    printf("ok " STR_FMT "\n", STR_ARG(block->name));
  }
  close_database(t);
  buf_deinit(&r.why);
  arena_deinit(&r.arena);
  return code;
}

static int test_project(struct tester *t, const char *path) {
  int code = session_project(&t->s, "test", path, NULL);
  const struct compilation *c = &t->s.project.compilation;
  if (code == EXIT_FINE && t->s.project.compiled) {
    complain("test", "%s is a compiled program, which holds no tests; name the scripts", path);
    code = EXIT_COULD_NOT;
  }
  if (code == EXIT_FINE && c->tests.count) code = make_pattern(t);
  for (uint32_t i = 0; code == EXIT_FINE && i < c->tests.count && !stop_asked(); i++) code = run_block(t, c->tests.items[i]);
  session_close(&t->s);
  unlink(t->pattern);
  return code;
}

static int test_run(const struct options *o) {
  struct tester t = { .passed = 0 };
  if (!scratch_folder("test", t.folder)) return EXIT_COULD_NOT;
  snprintf(t.pattern, sizeof t.pattern, "%s/pattern.db", t.folder);
  snprintf(t.db, sizeof t.db, "%s/test.db", t.folder);
  stop_on_signals();
  int code = EXIT_FINE;
  for (int i = 0; i < o->count && !stop_asked(); i++) {
    int one = test_project(&t, o->positionals[i]);
    if (one > code) code = one;
  }
  scratch_remove(t.folder);
  if (stop_asked()) code = EXIT_COULD_NOT;
  if (code == EXIT_FINE && t.passed + t.failed == 0) {
    printf("no tests\n");
    return EXIT_FINE;
  }
  if (code != EXIT_COULD_NOT) printf("%" PRIu32 " passed, %" PRIu32 " failed\n", t.passed, t.failed);
  return code == EXIT_FINE && t.failed ? EXIT_MISTAKES : code;
}

static const struct option_spec no_options[] = { { NULL, 0, NULL, NULL } };
const struct command command_test = {
  .name = "test",
  .summary = "run the test blocks of scripts, in virtual time",
  .arguments = "PATH...",
  .text = "Runs each `test \"...\" { }` of the scripts on the real engine, with a clock of its own, and prints\n"
          "`ok` or `FAILED` with the line and what happened instead. Each path is a project: a .camp file or\n"
          "a folder. Ends with 1 when a test failed.\n",
  .examples = "  camp test campaigns/\n"
              "  camp test welcome.camp loyalty.camp\n",
  .options = no_options,
  .positionals_min = 1,
  .positionals_max = POSITIONALS_MAX,
  .missing = "which tests? Name a .camp file or a folder of them.",
  .run = test_run,
};
