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

#include "runtime/command/facts.h"

#include "runtime/command/options.h"

#include "vm/key.h"
#include "vm/strand.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

/* Codes are the same in every test, and worth nothing outside. */
static const struct str story_secret = { "the secret of tests", 19 };

enum { IDLE_ROUNDS_MAX = 100000, IDLE_DAYS_MAX = 3660 };

struct known { struct str name; int64_t id, mark; /* newest message when the last expectation was met */ };
struct trial {
  const struct stories *all;
  struct session *s;            /* all->s */
  const struct test_step *step;
  int64_t clock_ms;
  struct arena arena;
  VEC(struct known) contacts;
  VEC(int64_t) answered;        /* calls that the test has answered */
  struct facts facts;
  struct buf *why;              /* what happened instead; empty: all is well */
};
struct sent { struct outbox_row row; struct str name; bool call; };

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
                              .secret = story_secret };
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

/* --- the story's contacts and messages ------------------------------------------------------------------------------ */

static void fail(struct trial *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(struct trial *r, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char text[1024];
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  buf_c(r->why, text);
}

static const char *clock_text(const struct trial *r, int64_t ms, char out[40]) {
  out[calendar_print(zone_to_civil(r->s->zone, ms), out)] = 0;
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
  enum camp_err err = store_contacts(r->s->store, &lookup, 1, false, r->clock_ms);
  k->id = lookup.id;
  return err;
}

static enum camp_err load_contact(struct trial *r, struct known *k, struct contact *out) {
  struct contact_row row;
  enum camp_err err = contact_id(r, k);
  if (err != CAMP_OK) return err;
  memset(out, 0, sizeof *out);
  if (!k->id) return CAMP_NOT_FOUND;
  err = store_contact_read(r->s->store, &r->arena, k->id, &row);
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
    err = store_outbox_get(r->s->store, &r->arena, id, &s.row);
    if (err != CAMP_OK) break;
    s.name = store_name_text(r->s->store, s.row.message);
    s.call = store_name_kind(r->s->store, s.row.message) == NAME_CALL;
    VEC_PUSH(&r->arena, &all, s);
    id = s.row.prev;
  }
  *out = all.items;
  *count = all.count;
  return err;
}

static bool was_sent(const struct sent *s) { return s->row.state == OUTBOX_SENT || s->row.state == OUTBOX_CLAIMED; }

/* A message that a script or an end of the run took back was never sent, as one that was refused. */
static bool was_dropped(const struct test_step *step, const struct sent *s) {
  struct str why = s->row.reason, part = step->because;
  if (s->row.state != OUTBOX_DROPPED && s->row.state != OUTBOX_WITHDRAWN && s->row.state != OUTBOX_FAILED) return false;
  return part.len == 0 || (why.len >= part.len && memmem(why.ptr, why.len, part.ptr, part.len) != NULL);
}

/* The step has said or asked this of its contact, who is so now. */
static enum camp_err note_facts(struct trial *r) {
  const struct test_step *step = r->step;
  struct contact c;
  if (step->fact_count == 0) return CAMP_OK;
  enum camp_err err = load_contact(r, find_contact(r, step->contact), &c);
  for (uint32_t i = 0; err == CAMP_OK && i < step->fact_count; i++)
    facts_note(&r->facts, r->s->store, &c, step->contact, &step->facts[i]);
  return err == CAMP_NOT_FOUND ? CAMP_OK : err;
}

static void set_marks(struct trial *r) {
  for (uint32_t i = 0; i < r->contacts.count; i++) {
    struct sent *all;
    uint32_t count;
    if (messages(r, &r->contacts.items[i], &all, &count) == CAMP_OK && count) r->contacts.items[i].mark = all[0].row.id;
  }
}

/* "2026-01-05T10:00:00.000Z" of a report as the story's clock shows it. */
static void tell_moment(struct trial *r, const char *text) {
  int64_t ms;
  bool zoned;
  char at[40];
  if (text && calendar_parse_moment(str_from_c(text), &ms, &zoned)) buf_c(r->why, clock_text(r, ms, at));
}

static bool tell_line(void *context, int columns, const char *const *names, const char *const *row) {
  struct trial *r = context;
  (void)names;
  if (!row) return true;
  buf_c(r->why, "  ");
  tell_moment(r, row[0]);
  for (int i = 1; i < columns; i++) {
    const char *end = row[i] ? strchr(row[i], '\n') : NULL;
    if (i > 1 && row[i] && row[i - 1] && strcmp(row[i], row[i - 1]) == 0) continue; /* "identify identify" */
    if (row[i] && row[i][0]) buf_printf(r->why, "  %.*s", end ? (int)(end - row[i]) : (int)strlen(row[i]), row[i]);
  }
  buf_byte(r->why, '\n');
  return true;
}

static bool tell_position(void *context, int columns, const char *const *names, const char *const *row) {
  struct trial *r = context;
  (void)columns, (void)names;
  if (!row) return true;
  buf_printf(r->why, "  stands in %s, %s:%s `%s`", row[0], row[1] ? row[1] : "", row[2] ? row[2] : "", row[3] ? row[3] : "");
  if (row[4]) {
    buf_c(r->why, ", until ");
    tell_moment(r, row[4]);
  }
  buf_byte(r->why, '\n');
  return true;
}

/* All that became of the contact up to here, in the order of time, and where it stands. */
static void tell_trace(struct trial *r, struct known *k) {
  char at[40];
  size_t before;
  fail(r, STR_FMT " until %s:\n", STR_ARG(k->name), clock_text(r, r->clock_ms, at));
  before = r->why->len;
  if (store_report(r->s->store, "contact_timeline", k->name, tell_line, r) != CAMP_OK ||
      store_report(r->s->store, "contact_positions", k->name, tell_position, r) != CAMP_OK)
    fail(r, "  %s\n", store_last_error(r->s->store)->text);
  if (r->why->len == before) fail(r, "  nothing happened\n");
}

/* --- the clock ------------------------------------------------------------------------------------------------------ */

static int run_to(struct trial *r, int64_t to_ms) {
  if (to_ms > r->clock_ms) r->clock_ms = to_ms;
  int code = session_timers(r->s, to_ms, NULL);
  return code == EXIT_FINE ? session_count_as_sent(r->s, to_ms) : code;
}

/* The next moment at which a wait ends or a start that comes once is there: a start that comes again and again would never let a
 * story come to rest. */
static enum camp_err next_of_all(struct trial *r, int64_t *next) {
  *next = STORE_NEVER;
  for (uint32_t i = 0; i < r->contacts.count; i++) {
    struct known *k = &r->contacts.items[i];
    int64_t at;
    enum camp_err err = contact_id(r, k);
    if (err == CAMP_OK && k->id) err = engine_next_wait(r->s->engine, k->id, &at);
    if (err != CAMP_OK) return err;
    if (k->id && at < *next) *next = at;
  }
  return CAMP_OK;
}

static int run_until_idle(struct trial *r) {
  int64_t end = r->clock_ms + IDLE_DAYS_MAX * MS_PER_DAY, next;
  int code = run_to(r, r->clock_ms);
  /* A story that never comes to rest is looked at for ten years. */
  for (int i = 0; code == EXIT_FINE && i < IDLE_ROUNDS_MAX; i++) {
    if (next_of_all(r, &next) != CAMP_OK) return EXIT_COULD_NOT;
    if (next > end) break;
    code = run_to(r, next > r->clock_ms ? next : r->clock_ms);
  }
  return code;
}

static int64_t after(const struct trial *r, struct value duration) {
  if (duration.type == V_EXACT) return r->clock_ms + duration.i;
  return zone_add(r->s->zone, r->clock_ms, (int64_t)duration.aux, duration.i);
}

static int move_clock(struct trial *r, int64_t civil_ms) {
  int64_t to = zone_to_utc(r->s->zone, civil_ms);
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
    if (step->props[i].consents) continue;
    if (b.len > 1) buf_byte(&b, ',');
    buf_json_str(&b, step->props[i].name);
    buf_byte(&b, ':');
    value_to_json(&b, step->props[i].value, r->s->zone);
  }
  if (step->of.len) {
    buf_c(&b, b.len > 1 ? ",\"message\":" : "\"message\":");
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
    code = session_take(r->s, &batch);
  }
  buf_deinit(&b);
  return code;
}

/* Members of the response whose places begin with the same names stand in one object: `task\nid`, `task\nurl`. */
static void put_response(struct buf *b, const struct test_step *step, struct str before, const struct zone *z) {
  bool first = true;
  buf_byte(b, '{');
  for (uint32_t i = 0; i < step->prop_count; i++) {
    struct str path = step->props[i].name;
    if (step->props[i].consents || !str_starts(path, before)) continue;
    path = (struct str){ path.ptr + before.len, path.len - before.len };
    const char *stop = memchr(path.ptr, '\n', path.len);
    struct str name = stop ? str_slice(path.ptr, stop) : path;
    bool again = false; /* its object was written with the first of its members */
    for (uint32_t k = 0; k < i && stop; k++) {
      struct str other = step->props[k].name;
      size_t bytes = before.len + name.len + 1;
      again |= other.len > bytes && memcmp(other.ptr, step->props[i].name.ptr, bytes) == 0;
    }
    if (again) continue;
    if (!first) buf_byte(b, ',');
    first = false;
    buf_json_str(b, name);
    buf_byte(b, ':');
    if (stop) put_response(b, step, (struct str){ step->props[i].name.ptr, before.len + name.len + 1 }, z);
    else value_to_json(b, step->props[i].value, z);
  }
  buf_byte(b, '}');
}

/* The oldest call of the operation that the test has not answered, which is then; *found NULL: there is none. */
static enum camp_err oldest_call(struct trial *r, struct known *k, const struct sent **found) {
  struct sent *all;
  uint32_t count;
  enum camp_err err = messages(r, k, &all, &count);
  *found = NULL;
  for (uint32_t i = count; err == CAMP_OK && i-- > 0 && !*found;) {
    bool open = all[i].call && str_eq(all[i].name, r->step->of) && was_sent(&all[i]);
    for (uint32_t n = 0; n < r->answered.count; n++) open &= r->answered.items[n] != all[i].row.id;
    if (open) *found = &all[i];
  }
  if (*found) VEC_PUSH(&r->arena, &r->answered, (*found)->row.id);
  return err;
}

/* `ann reply of crm.create_task { id: "7" }`, `ann failure of crm.create_task`: the answer to a call, as it comes from outside. */
static int reply(struct trial *r) {
  const struct test_step *step = r->step;
  const struct sent *call;
  struct outbox_item item;
  bool failure = str_is(step->name, "failure");
  struct value status = failure ? value_missing() : value_number(200), error = value_missing();
  struct known *k = find_contact(r, step->contact);
  int code = session_count_as_sent(r->s, r->clock_ms);
  if (code != EXIT_FINE) return code;
  if (oldest_call(r, k, &call) != CAMP_OK) return EXIT_COULD_NOT;
  if (!call) {
    fail(r, "No call of " STR_FMT " for " STR_FMT " waits for an answer.\n", STR_ARG(step->of), STR_ARG(step->contact));
    tell_trace(r, k);
    return EXIT_FINE;
  }
  if (store_outbox_item(r->s->store, &r->arena, call->row.id, &item) != CAMP_OK) return EXIT_COULD_NOT;
  for (uint32_t i = 0; i < step->prop_count; i++)
    if (step->props[i].consents) *(str_is(step->props[i].name, "status") ? &status : &error) = step->props[i].value;
  if (failure && error.type == V_MISSING && status.type == V_MISSING) error = value_text(STR("the call failed"));
  struct buf b, key;
  buf_init(&b, LIMIT_EVENT_BYTES);
  buf_init(&key, LIMIT_EVENT_BYTES);
  key_print(&key, item.was_key.len ? item.was_key : item.key, store_name_text(r->s->store, item.row.campaign),
            item.was_key.len ? item.was_entry : item.row.entry, item.row.fork, item.row.ordinal);
  buf_c(&b, "{\"key\":");
  buf_json_str(&b, buf_as_str(&key));
  if (status.type != V_MISSING) buf_c(&b, ",\"status\":"), value_to_json(&b, status, r->s->zone);
  if (error.type != V_MISSING) buf_c(&b, ",\"error\":"), value_to_json(&b, error, r->s->zone);
  if (!failure) {
    buf_c(&b, ",\"body\":");
    put_response(&b, step, (struct str){ "", 0 }, r->s->zone);
  }
  buf_byte(&b, '}');
  struct input in = { .key = step->contact, .name = STR(REPLY_EVENT), .at_ms = r->clock_ms, .has_at = true, .props = arena_str(&r->arena, buf_as_str(&b)) };
  struct engine_inputs batch = { .inputs = &in, .count = 1, .arrival_ms = r->clock_ms, .virtual_time = true };
  buf_deinit(&b);
  buf_deinit(&key);
  return session_take(r->s, &batch);
}

/* Both are one from now on; what was looked up of the one that is no more is forgotten. */
static int become(struct trial *r) {
  const struct test_step *step = r->step;
  struct input in = { .key = step->name, .previous = step->contact, .name = STR("alias"), .alias = true, .at_ms = r->clock_ms, .has_at = true };
  struct engine_inputs batch = { .inputs = &in, .count = 1, .arrival_ms = r->clock_ms, .virtual_time = true };
  for (uint32_t i = 0; i < r->contacts.count; i++) r->contacts.items[i].id = 0;
  find_contact(r, step->name);
  return session_take(r->s, &batch);
}

/* `contact ann { consents to offers }`: as if she had said so before the story began. Imported events start nothing. */
static int consent(struct trial *r, struct str topic) {
  static const struct str said[] = { { "subscribe", 9 }, { "confirm", 7 } };
  struct buf b;
  buf_init(&b, LIMIT_EVENT_BYTES);
  buf_c(&b, "{\"topic\":");
  buf_json_str(&b, topic);
  buf_byte(&b, '}');
  struct input in[2];
  for (int i = 0; i < 2; i++)
    in[i] = (struct input){ .key = r->step->contact, .name = said[i], .at_ms = r->clock_ms, .has_at = true,
                            .props = arena_str(&r->arena, buf_as_str(&b)) };
  buf_deinit(&b);
  /* Where one opt in is enough, the confirmation finds nothing to confirm. */
  struct engine_inputs batch = { .inputs = in, .count = 2, .arrival_ms = r->clock_ms, .virtual_time = true, .import = true };
  return session_take(r->s, &batch);
}

/* Whether a call was given what the step says, each as the type that the step's value has. */
static bool given_as_said(struct trial *r, const struct sent *s) {
  for (uint32_t i = 0; i < r->step->prop_count; i++) {
    struct value want = r->step->props[i].value;
    struct json j = s->row.given.len ? json_member(s->row.given, r->step->props[i].name) : (struct json){ .type = JSON_BAD };
    if (j.type == JSON_BAD) return false;
    struct value have = value_from_json(j, (enum value_type)want.type, want.type == V_MONEY ? want.aux : 0, r->s->zone, &r->arena);
    bool whole = want.type == V_LIST || want.type == V_RECORD;
    if (whole ? !str_eq(j.text, value_str(want)) : !value_equal(have, want, r->s->zone)) return false;
  }
  return true;
}

/* How many messages of the step's name (any, when empty) since `from_ms` and behind the mark, and how many at `at_ms`. */
static enum camp_err count_sent(struct trial *r, struct known *k, int64_t mark, int64_t from_ms, int64_t to_ms, uint32_t *found) {
  struct sent *all;
  uint32_t count;
  bool dropped = r->step->kind == TEST_EXPECT_DROPPED, calls = r->step->kind == TEST_EXPECT_CALLED;
  *found = 0;
  enum camp_err err = messages(r, k, &all, &count);
  for (uint32_t i = 0; i < count; i++) {
    if (dropped ? !was_dropped(r->step, &all[i]) : !was_sent(&all[i])) continue;
    /* What was held is older than the mark, and left behind it. */
    bool before = all[i].row.id <= mark && all[i].row.asked_ms == all[i].row.at_ms;
    if (before || all[i].row.at_ms < from_ms || all[i].row.at_ms > to_ms) continue;
    if (all[i].call != calls) continue;
    if (r->step->name.len != 0 && r->step->kind != TEST_EXPECT_NOTHING && !str_eq(all[i].name, r->step->name)) continue;
    if (calls && !given_as_said(r, &all[i])) continue;
    facts_note_message(&r->facts, all[i].row.id);
    (*found)++;
  }
  return err;
}

static const char *times_text(uint32_t count, char out[24]) {
  if (count == 1) return "once";
  snprintf(out, 24, "%" PRIu32 " times", count);
  return out;
}

/* What calls of the step's operation were given. */
static void tell_calls(struct trial *r, struct known *k) {
  struct sent *all;
  uint32_t count;
  char at[40];
  if (messages(r, k, &all, &count) != CAMP_OK) return;
  for (uint32_t i = count; i-- > 0;)
    if (all[i].call && str_eq(all[i].name, r->step->name))
      fail(r, "  called at %s with " STR_FMT "\n", clock_text(r, all[i].row.at_ms, at), STR_ARG(all[i].row.given));
}

static void judge_sent(struct trial *r, struct known *k, uint32_t found, const char *when) {
  const struct test_step *step = r->step;
  uint32_t wanted = step->once && !step->times ? 1 : step->times;
  bool none = step->negated || step->kind == TEST_EXPECT_NOTHING;
  if (none ? found == 0 : wanted ? found == wanted : found > 0) return;
  char have[24], want[24];
  const char *what = step->kind == TEST_EXPECT_DROPPED ? "dropped for" : step->kind == TEST_EXPECT_CALLED ? "called for" : "sent to";
  if (step->kind == TEST_EXPECT_NOTHING) fail(r, "something");
  else fail(r, STR_FMT, STR_ARG(step->name));
  if (none) fail(r, " was %s " STR_FMT "%s", what, STR_ARG(step->contact), when);
  else if (found == 0) fail(r, " was not %s " STR_FMT "%s", what, STR_ARG(step->contact), when);
  else fail(r, " was %s " STR_FMT " %s%s, not %s", what, STR_ARG(step->contact), times_text(found, have), when, times_text(wanted, want));
  if (step->because.len) fail(r, " because \"" STR_FMT "\"", STR_ARG(step->because));
  if (step->kind == TEST_EXPECT_CALLED && step->prop_count) fail(r, " with what is expected");
  fail(r, ".\n");
  if (step->kind == TEST_EXPECT_CALLED) tell_calls(r, k);
  tell_trace(r, k);
}

/* A call may wait for its answer, which the next step gives: so the story stops at the moment of the call, and not when nothing is due. */
static int run_until_called(struct trial *r, struct known *k) {
  int64_t end = r->clock_ms + IDLE_DAYS_MAX * MS_PER_DAY, next;
  int code = run_to(r, r->clock_ms);
  for (int i = 0; code == EXIT_FINE && i < IDLE_ROUNDS_MAX; i++) {
    uint32_t found = 0;
    if (count_sent(r, k, 0, INT64_MIN, r->clock_ms, &found) != CAMP_OK || next_of_all(r, &next) != CAMP_OK) return EXIT_COULD_NOT;
    if (found || next > end) break;
    code = run_to(r, next > r->clock_ms ? next : r->clock_ms);
  }
  return code;
}

static int expect_sent(struct trial *r) {
  const struct test_step *step = r->step;
  struct known *k = find_contact(r, step->contact);
  int64_t from = r->clock_ms, to;
  bool whole = step->kind != TEST_EXPECT_NOTHING; /* without a time a message counts from the beginning of the test */
  char when[64] = "", at[40];
  int code;
  if (step->has_at) {
    to = zone_to_utc(r->s->zone, step->civil_ms);
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
    bool call = step->kind == TEST_EXPECT_CALLED && !step->negated && !step->times;
    code = call ? run_until_called(r, k) : run_until_idle(r);
    if (whole) from = INT64_MIN;
    to = r->clock_ms;
  }
  uint32_t found = 0;
  if (code != EXIT_FINE) return code;
  if (count_sent(r, k, whole ? 0 : k->mark, from, to, &found) != CAMP_OK) return EXIT_COULD_NOT;
  judge_sent(r, k, found, when);
  return EXIT_FINE;
}

static int run_to_step(struct trial *r) {
  const struct test_step *step = r->step;
  int64_t to = step->has_at ? zone_to_utc(r->s->zone, step->civil_ms) : r->clock_ms;
  return run_to(r, to > r->clock_ms ? to : r->clock_ms);
}

/* What became of the contact besides what was expected, a line each. */
static enum camp_err tell_others(struct trial *r, struct known *k) {
  struct sent *all;
  struct contact c;
  uint32_t count;
  char at[40];
  enum camp_err err = messages(r, k, &all, &count);
  for (uint32_t i = count; err == CAMP_OK && i-- > 0;)
    if (was_sent(&all[i]) && !facts_knows_message(&r->facts, all[i].row.id))
      if (!all[i].call || !r->step->sent)
        fail(r, STR_FMT " was %s " STR_FMT " at %s.\n", STR_ARG(all[i].name), all[i].call ? "called for" : "sent to", STR_ARG(k->name),
             clock_text(r, all[i].row.at_ms, at));
  if (err != CAMP_OK || r->step->sent) return err;
  err = load_contact(r, k, &c);
  if (err == CAMP_OK) facts_tell(&r->facts, r->s->store, &c, k->name, r->why);
  return err == CAMP_NOT_FOUND ? CAMP_OK : err;
}

static int expect_nothing_else(struct trial *r) {
  const struct test_step *step = r->step;
  int code = step->has_within ? run_to(r, after(r, step->within)) : run_until_idle(r);
  for (uint32_t i = 0; code == EXIT_FINE && i < r->contacts.count; i++) {
    struct known *k = &r->contacts.items[i];
    size_t before = r->why->len;
    if (step->contact.len && !str_eq(k->name, step->contact)) continue;
    if (tell_others(r, k) != CAMP_OK) code = EXIT_COULD_NOT;
    if (r->why->len > before) tell_trace(r, k);
  }
  return code;
}

static struct str text_of(const struct trial *r, struct span span) {
  struct str text = r->s->project.compilation.sources.items[span.source].text;
  return (struct str){ text.ptr + span.from, span.to - span.from };
}

static void tell_value(struct trial *r, struct value v) {
  if (v.type == V_MISSING) {
    buf_c(r->why, "missing");
  } else if (v.type == V_MOMENT) {
    char at[40];
    buf_c(r->why, clock_text(r, v.i, at));
  } else {
    value_show(r->why, v);
  }
}

/* The expression's value, and each operand's. */
static void tell_operands(struct trial *r, struct vm *vm, const struct unit *u, const struct env *env, struct value whole) {
  const struct test_step *step = r->step;
  char at[40];
  fail(r, "That is %s at %s%c\n", whole.type == V_BOOL ? whole.i ? "true" : "false" : "neither true nor false",
       clock_text(r, r->clock_ms, at), step->operand_count ? ':' : '.');
  for (uint32_t i = 0; i < step->operand_count; i++) {
    const struct test_operand *o = &step->operands[i];
    struct str text = text_of(r, o->span);
    buf_printf(r->why, "  %*s" STR_FMT ": ", (int)(2 * o->depth), "", STR_ARG(text));
    tell_value(r, vm_eval(vm, u, o->pc, NULL, env));
    buf_byte(r->why, '\n');
  }
}

static int expect_condition(struct trial *r) {
  const struct test_step *step = r->step;
  static struct vm vm; /* too big for a small stack, and one test runs at a time */
  struct contact c;
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  const struct image *image = engine_image(r->s->engine);
  const struct unit *u = stories_unit(r->all, step->unit);
  CHECK(u != NULL);
  struct known *k = find_contact(r, step->contact);
  enum camp_err err = load_contact(r, k, &c);
  if (err != CAMP_OK && err != CAMP_NOT_FOUND) return EXIT_COULD_NOT;
  c.arena = &r->arena;
  const struct zone *zone = r->s->zone;
  static const struct field as_text = { .type = V_TEXT };
  struct value own = c.attributes.len ? contact_attribute(&c, STR("timezone"), &as_text, zone) : value_missing();
  const struct zone *found = own.type == V_TEXT ? zones_find(r->s->zones, value_str(own)) : NULL;
  struct env env = { .image = image, .contact = &c, .now_ms = r->clock_ms, .base_ms = r->clock_ms, .zone = found ? found : zone,
    .scratch = &r->arena, .secret = story_secret };
  struct value v = vm_eval(&vm, u, step->pc, NULL, &env);
  /* `not` is in the expression already. */
  if (value_true(v)) return EXIT_FINE;
  tell_operands(r, &vm, u, &env, v);
  tell_trace(r, k);
  return EXIT_FINE;
}

/* Whether the message waits for its release now; `until` compares with the moment that the engine has settled on. */
static int expect_held(struct trial *r) {
  const struct test_step *step = r->step;
  struct known *k = find_contact(r, step->contact);
  struct sent *all;
  uint32_t count, found = 0;
  char at[40];
  int64_t until = step->has_until ? zone_to_utc(r->s->zone, step->until_ms) : 0, other = 0;
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  if (messages(r, k, &all, &count) != CAMP_OK) return EXIT_COULD_NOT;
  for (uint32_t i = 0; i < count; i++) {
    struct str why = all[i].row.reason, part = step->because;
    if (all[i].row.state != OUTBOX_HELD || !str_eq(all[i].name, step->name)) continue;
    if (part.len && (why.len < part.len || !memmem(why.ptr, why.len, part.ptr, part.len))) continue;
    if (step->has_until && all[i].row.sent_ms != until) other = all[i].row.sent_ms;
    else found++;
  }
  if (step->negated ? found == 0 : found > 0) return EXIT_FINE;
  fail(r, STR_FMT " is %s for " STR_FMT, STR_ARG(step->name), step->negated ? "held" : "not held", STR_ARG(step->contact));
  if (step->has_until) fail(r, " until %s", clock_text(r, until, at));
  if (step->because.len) fail(r, " because \"" STR_FMT "\"", STR_ARG(step->because));
  if (other) fail(r, "; it is until %s", clock_text(r, other, at));
  fail(r, ".\n");
  tell_trace(r, k);
  return EXIT_FINE;
}

static int expect_inside(struct trial *r) {
  const struct test_step *step = r->step;
  struct contact_row row = { .strand_count = 0 };
  char at[40];
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  struct known *k = find_contact(r, step->contact);
  enum camp_err err = contact_id(r, k);
  if (err == CAMP_OK && k->id) err = store_contact_read(r->s->store, &r->arena, k->id, &row);
  if (err != CAMP_OK) return EXIT_COULD_NOT;
  const struct unit *u = image_campaign(engine_image(r->s->engine), step->name);
  bool inside = false;
  for (uint32_t i = 0; u && i < row.strand_count; i++) inside |= row.strands[i].unit == u->link->stored_id && !row.strands[i].over;
  if (inside != step->negated) return EXIT_FINE;
  fail(r, STR_FMT " is %s campaign " STR_FMT " at %s.\n", STR_ARG(step->contact), inside ? "in" : "not in", STR_ARG(step->name),
       clock_text(r, r->clock_ms, at));
  tell_trace(r, k);
  return EXIT_FINE;
}

/* `pause welcome`, `resume welcome skip`: as the commands do. */
static int order(struct trial *r, bool resume) {
  const struct test_step *step = r->step;
  struct engine *e = r->s->engine;
  struct store_pause p = { .campaign = step->name, .until_ms = r->clock_ms, .how = PAUSE_AS_SAID };
  if (step->within.type == V_BOOL) p.how = PAUSE_SKIP;
  if (step->within.type == V_EXACT || step->within.type == V_CALENDAR) {
    p.how = PAUSE_SPREAD;
    p.spread_ms = after(r, step->within) - r->clock_ms;
  }
  bool changed = false, more = resume;
  enum camp_err err = resume ? engine_resume_campaign(e, &p, &changed) : engine_pause(e, step->name, r->clock_ms, &changed);
  while (err == CAMP_OK && more) err = engine_sweep(e, 1000, &more);
  if (err != CAMP_OK) {
    complain(r->s->command, "%s", engine_last_error(e)->text);
    return EXIT_COULD_NOT;
  }
  if (!changed) fail(r, STR_FMT " is %s.\n", STR_ARG(step->name), resume ? "not paused" : "paused already");
  return EXIT_FINE;
}

static int expect_shown(struct trial *r) {
  const struct test_step *step = r->step;
  int64_t until_ms = 0, wanted_ms = zone_to_utc(r->s->zone, step->until_ms);
  char at[40], until[40];
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  struct known *k = find_contact(r, step->contact);
  enum camp_err err = contact_id(r, k);
  uint32_t content = store_name_find(r->s->store, NAME_CONTENT, step->name);
  if (err == CAMP_OK && k->id && content) err = store_content_until(r->s->store, k->id, content, r->clock_ms, &until_ms);
  if (err != CAMP_OK) return EXIT_COULD_NOT;
  if ((until_ms != 0) != step->negated && (!step->has_until || until_ms == wanted_ms)) return EXIT_FINE;
  fail(r, STR_FMT " is %sshown to " STR_FMT " at %s", STR_ARG(step->name), until_ms ? "" : "not ", STR_ARG(step->contact),
       clock_text(r, r->clock_ms, at));
  if (until_ms && step->has_until) fail(r, " until %s", clock_text(r, until_ms, until));
  fail(r, ".\n");
  tell_trace(r, k);
  return EXIT_FINE;
}

/* The experiment's number; names are one in a project. */
static uint32_t experiment_id(const struct trial *r, struct str name) {
  const struct image *image = engine_image(r->s->engine);
  for (uint32_t i = 0; i < image_unit_count(image); i++) {
    const struct unit *u = image_unit(image, i);
    for (uint32_t k = 0; k < u->experiment_count; k++)
      if (str_eq(unit_string(u, u->experiments[k].name), name)) return u->link->experiments[k];
  }
  return 0;
}

static int expect_experiment(struct trial *r) {
  const struct test_step *step = r->step;
  struct assignment_row row = { .experiment = 0 };
  char at[40];
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  struct known *k = find_contact(r, step->contact);
  uint32_t experiment = experiment_id(r, step->name);
  enum camp_err err = contact_id(r, k);
  if (err == CAMP_OK && k->id) err = store_assignment_get(r->s->store, experiment, k->id, &row);
  if (err != CAMP_OK) return EXIT_COULD_NOT;
  bool converted = step->kind == TEST_EXPECT_CONVERTED;
  struct str variant = !row.experiment || !row.variant ? (struct str){ NULL, 0 } : store_name_text(r->s->store, row.variant);
  bool yes = row.experiment && (converted ? row.responses > 0 : str_eq(variant, step->of));
  if (yes != step->negated) return EXIT_FINE;
  clock_text(r, r->clock_ms, at);
  if (!row.experiment) fail(r, STR_FMT " has not met " STR_FMT " at %s.\n", STR_ARG(step->contact), STR_ARG(step->name), at);
  else if (converted) fail(r, STR_FMT " has %sconverted in " STR_FMT " at %s.\n", STR_ARG(step->contact), yes ? "" : "not ", STR_ARG(step->name), at);
  else if (!variant.len) fail(r, STR_FMT " is held out of " STR_FMT " at %s.\n", STR_ARG(step->contact), STR_ARG(step->name), at);
  else fail(r, STR_FMT " is in variant " STR_FMT " of " STR_FMT " at %s.\n", STR_ARG(step->contact), STR_ARG(variant), STR_ARG(step->name), at);
  tell_trace(r, k);
  return EXIT_FINE;
}

static int run_step(struct trial *r) {
  const struct test_step *step = r->step;
  int code = EXIT_FINE;
  switch (step->kind) {
    case TEST_CONTACT:
      code = happen(r, true);
      for (uint32_t i = 0; code == EXIT_FINE && i < step->prop_count; i++)
        if (step->props[i].consents) code = consent(r, step->props[i].name);
      return code == EXIT_FINE && note_facts(r) != CAMP_OK ? EXIT_COULD_NOT : code;
    case TEST_AT: return move_clock(r, step->civil_ms);
    case TEST_IS:
    case TEST_REPLY:
    case TEST_EVENT:
      if (step->has_at) code = move_clock(r, step->civil_ms);
      if (code != EXIT_FINE || r->why->len) return code;
      return step->kind == TEST_IS ? become(r) : step->kind == TEST_REPLY ? reply(r) : happen(r, false);
    case TEST_PAUSE:
    case TEST_RESUME: return order(r, step->kind == TEST_RESUME);
    case TEST_EXPECT_INSIDE: code = expect_inside(r); break;
    case TEST_EXPECT_SHOWN: code = expect_shown(r); break;
    case TEST_EXPECT_HELD: code = expect_held(r); break;
    case TEST_EXPECT_VARIANT:
    case TEST_EXPECT_CONVERTED: code = expect_experiment(r); break;
    case TEST_EXPECT_SENT:
    case TEST_EXPECT_CALLED:
    case TEST_EXPECT_DROPPED:
    case TEST_EXPECT_NOTHING: code = expect_sent(r); break;
    case TEST_EXPECT_COND:
      code = expect_condition(r);
      if (code == EXIT_FINE && note_facts(r) != CAMP_OK) code = EXIT_COULD_NOT;
      break;
    case TEST_EXPECT_ELSE: code = expect_nothing_else(r); break;
    case TEST_GIVEN:
    case TEST_CASES: break; /* no steps of a story */
  }
  if (code == EXIT_FINE) set_marks(r);
  return code;
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

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
