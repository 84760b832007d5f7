/* What a step of a story expects, and what is told when it was otherwise; see trial.h and the invariants of story.c.
 *
 * Not for what happens (story_happen.c) and what a story knows of its contacts (facts.c).
 *
 * Invariant: an expectation only looks. It moves the clock, and what it finds it notes as met; it changes no contact. */
#include "runtime/command/trial.h"

#include <inttypes.h>

#include "vm/strand.h"

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
  enum camp_err err = trial_messages(r, k, &all, &count);
  for (uint32_t i = 0; i < count; i++) {
    if (dropped ? !sent_dropped(r->step, &all[i]) : !sent_left(&all[i])) continue;
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
  if (trial_messages(r, k, &all, &count) != CAMP_OK) return;
  for (uint32_t i = count; i-- > 0;)
    if (all[i].call && str_eq(all[i].name, r->step->name))
      trial_fail(r, "  called at %s with " STR_FMT "\n", trial_clock(r, all[i].row.at_ms, at), STR_ARG(all[i].row.given));
}

static void judge_sent(struct trial *r, struct known *k, uint32_t found, const char *when) {
  const struct test_step *step = r->step;
  uint32_t wanted = step->once && !step->times ? 1 : step->times;
  bool none = step->negated || step->kind == TEST_EXPECT_NOTHING;
  if (none ? found == 0 : wanted ? found == wanted : found > 0) return;
  char have[24], want[24];
  const char *what = step->kind == TEST_EXPECT_DROPPED ? "dropped for" : step->kind == TEST_EXPECT_CALLED ? "called for" : "sent to";
  if (step->kind == TEST_EXPECT_NOTHING) trial_fail(r, "something");
  else trial_fail(r, STR_FMT, STR_ARG(step->name));
  if (none) trial_fail(r, " was %s " STR_FMT "%s", what, STR_ARG(step->contact), when);
  else if (found == 0) trial_fail(r, " was not %s " STR_FMT "%s", what, STR_ARG(step->contact), when);
  else trial_fail(r, " was %s " STR_FMT " %s%s, not %s", what, STR_ARG(step->contact), times_text(found, have), when, times_text(wanted, want));
  if (step->because.len) trial_fail(r, " because \"" STR_FMT "\"", STR_ARG(step->because));
  if (step->kind == TEST_EXPECT_CALLED && step->prop_count) trial_fail(r, " with what is expected");
  trial_fail(r, ".\n");
  if (step->kind == TEST_EXPECT_CALLED) tell_calls(r, k);
  trial_tell(r, k);
  if (!none && found == 0 && step->kind == TEST_EXPECT_SENT) trial_tell_unstarted(r, k, step->name);
}

/* A call may wait for its answer, which the next step gives: so the story stops at the moment of the call, and not when nothing is due. */
static int run_until_called(struct trial *r, struct known *k) {
  int64_t end = r->clock_ms + IDLE_DAYS_MAX * MS_PER_DAY, next;
  int code = trial_run_to(r, r->clock_ms);
  for (int i = 0; code == EXIT_FINE && i < IDLE_ROUNDS_MAX; i++) {
    uint32_t found = 0;
    if (count_sent(r, k, 0, INT64_MIN, r->clock_ms, &found) != CAMP_OK || trial_next(r, &next) != CAMP_OK) return EXIT_COULD_NOT;
    if (found || next > end) break;
    code = trial_run_to(r, next > r->clock_ms ? next : r->clock_ms);
  }
  return code;
}

static int expect_sent(struct trial *r) {
  const struct test_step *step = r->step;
  struct known *k = trial_contact(r, step->contact);
  int64_t from = r->clock_ms, to;
  bool whole = step->kind != TEST_EXPECT_NOTHING; /* without a time a message counts from the beginning of the test */
  char when[64] = "", at[40];
  int code;
  if (step->has_at) {
    to = zone_to_utc(r->s->zone, step->civil_ms);
    if (whole) from = to;
    code = trial_run_to(r, to > r->clock_ms ? to : r->clock_ms);
    snprintf(when, sizeof when, " %s %s", whole ? "at" : "until", trial_clock(r, to, at));
  } else if (step->has_within) {
    to = trial_after(r, step->within);
    whole = false;
    code = trial_run_to(r, to);
    snprintf(when, sizeof when, " from %s", trial_clock(r, from, at));
    snprintf(when + strlen(when), sizeof when - strlen(when), " to %s", trial_clock(r, to, at));
  } else {
    bool call = step->kind == TEST_EXPECT_CALLED && !step->negated && !step->times;
    code = call ? run_until_called(r, k) : trial_run_until_idle(r);
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
  return trial_run_to(r, to > r->clock_ms ? to : r->clock_ms);
}

/* What became of the contact besides what was expected, a line each. */
static enum camp_err tell_others(struct trial *r, struct known *k) {
  struct sent *all;
  struct contact c;
  uint32_t count;
  char at[40];
  enum camp_err err = trial_messages(r, k, &all, &count);
  for (uint32_t i = count; err == CAMP_OK && i-- > 0;)
    if (sent_left(&all[i]) && !facts_knows_message(&r->facts, all[i].row.id))
      if (!all[i].call || !r->step->sent)
        trial_fail(r, STR_FMT " was %s " STR_FMT " at %s.\n", STR_ARG(all[i].name), all[i].call ? "called for" : "sent to", STR_ARG(k->name),
             trial_clock(r, all[i].row.at_ms, at));
  if (err != CAMP_OK || r->step->sent) return err;
  err = trial_load(r, k, &c);
  if (err == CAMP_OK) facts_tell(&r->facts, r->s->store, &c, k->name, r->why);
  return err == CAMP_NOT_FOUND ? CAMP_OK : err;
}

static int expect_nothing_else(struct trial *r) {
  const struct test_step *step = r->step;
  int code = step->has_within ? trial_run_to(r, trial_after(r, step->within)) : trial_run_until_idle(r);
  for (uint32_t i = 0; code == EXIT_FINE && i < r->contacts.count; i++) {
    struct known *k = &r->contacts.items[i];
    size_t before = r->why->len;
    if (step->contact.len && !str_eq(k->name, step->contact)) continue;
    if (tell_others(r, k) != CAMP_OK) code = EXIT_COULD_NOT;
    if (r->why->len > before) trial_tell(r, k);
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
    buf_c(r->why, trial_clock(r, v.i, at));
  } else {
    value_show(r->why, v);
  }
}

/* `no purchase in last 3d` is false of who came today, which surprises everybody once. */
static bool is_quiet(struct str text) { return str_starts(text, STR("no ")) && memmem(text.ptr, text.len, " in last ", 9); }

/* The expression's value, and each operand's. */
static void tell_operands(struct trial *r, struct vm *vm, const struct unit *u, const struct env *env, struct value whole) {
  const struct test_step *step = r->step;
  char at[40];
  trial_fail(r, "That is %s at %s%c\n", whole.type == V_BOOL ? whole.i ? "true" : "false" : "neither true nor false",
       trial_clock(r, r->clock_ms, at), step->operand_count ? ':' : '.');
  struct str asked = text_of(r, step->span); /* from the `expect` on */
  while (asked.len && asked.ptr[0] != ':') asked.ptr++, asked.len--;
  while (asked.len && (asked.ptr[0] == ':' || asked.ptr[0] == ' ')) asked.ptr++, asked.len--;
  if (!step->operand_count && whole.type == V_BOOL && !whole.i && is_quiet(asked))
    trial_fail(r, "It is false, too, of who is known for a shorter time.\n");
  for (uint32_t i = 0; i < step->operand_count; i++) {
    const struct test_operand *o = &step->operands[i];
    struct str text = text_of(r, o->span);
    buf_printf(r->why, "  %*s" STR_FMT ": ", (int)(2 * o->depth), "", STR_ARG(text));
    struct value part = vm_eval(vm, u, o->pc, NULL, env);
    tell_value(r, part);
    if (part.type == V_BOOL && !part.i && is_quiet(text)) buf_c(r->why, ", as it is too of who is known for a shorter time");
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
  struct known *k = trial_contact(r, step->contact);
  enum camp_err err = trial_load(r, k, &c);
  if (err != CAMP_OK && err != CAMP_NOT_FOUND) return EXIT_COULD_NOT;
  c.arena = &r->arena;
  const struct zone *zone = r->s->zone;
  static const struct field as_text = { .type = V_TEXT };
  struct value own = c.attributes.len ? contact_attribute(&c, STR("timezone"), &as_text, zone) : value_missing();
  const struct zone *found = own.type == V_TEXT ? zones_find(r->s->zones, value_str(own)) : NULL;
  struct env env = { .image = image, .contact = &c, .now_ms = r->clock_ms, .base_ms = r->clock_ms, .zone = found ? found : zone,
    .scratch = &r->arena, .secret = trial_secret };
  struct value v = vm_eval(&vm, u, step->pc, NULL, &env);
  /* `not` is in the expression already. */
  if (value_true(v)) return EXIT_FINE;
  tell_operands(r, &vm, u, &env, v);
  trial_tell(r, k);
  return EXIT_FINE;
}

/* Whether the message waits for its release now; `until` compares with the moment that the engine has settled on. */
static int expect_held(struct trial *r) {
  const struct test_step *step = r->step;
  struct known *k = trial_contact(r, step->contact);
  struct sent *all;
  uint32_t count, found = 0;
  char at[40];
  int64_t until = step->has_until ? zone_to_utc(r->s->zone, step->until_ms) : 0, other = 0;
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  if (trial_messages(r, k, &all, &count) != CAMP_OK) return EXIT_COULD_NOT;
  for (uint32_t i = 0; i < count; i++) {
    struct str why = all[i].row.reason, part = step->because;
    if (all[i].row.state != OUTBOX_HELD || !str_eq(all[i].name, step->name)) continue;
    if (part.len && (why.len < part.len || !memmem(why.ptr, why.len, part.ptr, part.len))) continue;
    if (step->has_until && all[i].row.sent_ms != until) other = all[i].row.sent_ms;
    else found++;
  }
  if (step->negated ? found == 0 : found > 0) return EXIT_FINE;
  trial_fail(r, STR_FMT " is %s for " STR_FMT, STR_ARG(step->name), step->negated ? "held" : "not held", STR_ARG(step->contact));
  if (step->has_until) trial_fail(r, " until %s", trial_clock(r, until, at));
  if (step->because.len) trial_fail(r, " because \"" STR_FMT "\"", STR_ARG(step->because));
  if (other) trial_fail(r, "; it is until %s", trial_clock(r, other, at));
  trial_fail(r, ".\n");
  trial_tell(r, k);
  if (!step->negated && !other) trial_tell_unstarted(r, k, step->name);
  return EXIT_FINE;
}

static int expect_inside(struct trial *r) {
  const struct test_step *step = r->step;
  struct contact_row row = { .strand_count = 0 };
  char at[40];
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  struct known *k = trial_contact(r, step->contact);
  enum camp_err err = trial_contact_id(r, k);
  if (err == CAMP_OK && k->id) err = store_contact_read(r->s->store, &r->arena, k->id, &row);
  if (err != CAMP_OK) return EXIT_COULD_NOT;
  const struct unit *u = image_campaign(engine_image(r->s->engine), step->name);
  bool inside = false;
  for (uint32_t i = 0; u && i < row.strand_count; i++) inside |= row.strands[i].unit == u->link->stored_id && !row.strands[i].over;
  if (inside != step->negated) return EXIT_FINE;
  trial_fail(r, STR_FMT " is %s campaign " STR_FMT " at %s.\n", STR_ARG(step->contact), inside ? "in" : "not in", STR_ARG(step->name),
       trial_clock(r, r->clock_ms, at));
  trial_tell(r, k);
  return EXIT_FINE;
}

static int expect_shown(struct trial *r) {
  const struct test_step *step = r->step;
  int64_t until_ms = 0, wanted_ms = zone_to_utc(r->s->zone, step->until_ms);
  char at[40], until[40];
  int code = run_to_step(r);
  if (code != EXIT_FINE) return code;
  struct known *k = trial_contact(r, step->contact);
  enum camp_err err = trial_contact_id(r, k);
  uint32_t content = store_name_find(r->s->store, NAME_CONTENT, step->name);
  if (err == CAMP_OK && k->id && content) err = store_content_until(r->s->store, k->id, content, r->clock_ms, &until_ms);
  if (err != CAMP_OK) return EXIT_COULD_NOT;
  if ((until_ms != 0) != step->negated && (!step->has_until || until_ms == wanted_ms)) return EXIT_FINE;
  trial_fail(r, STR_FMT " is %sshown to " STR_FMT " at %s", STR_ARG(step->name), until_ms ? "" : "not ", STR_ARG(step->contact),
       trial_clock(r, r->clock_ms, at));
  if (until_ms && step->has_until) trial_fail(r, " until %s", trial_clock(r, until_ms, until));
  trial_fail(r, ".\n");
  trial_tell(r, k);
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
  struct known *k = trial_contact(r, step->contact);
  uint32_t experiment = experiment_id(r, step->name);
  enum camp_err err = trial_contact_id(r, k);
  if (err == CAMP_OK && k->id) err = store_assignment_get(r->s->store, experiment, k->id, &row);
  if (err != CAMP_OK) return EXIT_COULD_NOT;
  bool converted = step->kind == TEST_EXPECT_CONVERTED;
  struct str variant = !row.experiment || !row.variant ? (struct str){ NULL, 0 } : store_name_text(r->s->store, row.variant);
  bool yes = row.experiment && (converted ? row.responses > 0 : str_eq(variant, step->of));
  if (yes != step->negated) return EXIT_FINE;
  trial_clock(r, r->clock_ms, at);
  if (!row.experiment) trial_fail(r, STR_FMT " has not met " STR_FMT " at %s.\n", STR_ARG(step->contact), STR_ARG(step->name), at);
  else if (converted) trial_fail(r, STR_FMT " has %sconverted in " STR_FMT " at %s.\n", STR_ARG(step->contact), yes ? "" : "not ", STR_ARG(step->name), at);
  else if (!variant.len) trial_fail(r, STR_FMT " is held out of " STR_FMT " at %s.\n", STR_ARG(step->contact), STR_ARG(step->name), at);
  else trial_fail(r, STR_FMT " is in variant " STR_FMT " of " STR_FMT " at %s.\n", STR_ARG(step->contact), STR_ARG(variant), STR_ARG(step->name), at);
  trial_tell(r, k);
  return EXIT_FINE;
}

int trial_expect(struct trial *r) {
  int code;
  switch (r->step->kind) {
    case TEST_EXPECT_INSIDE: return expect_inside(r);
    case TEST_EXPECT_SHOWN: return expect_shown(r);
    case TEST_EXPECT_HELD: return expect_held(r);
    case TEST_EXPECT_VARIANT:
    case TEST_EXPECT_CONVERTED: return expect_experiment(r);
    case TEST_EXPECT_SENT:
    case TEST_EXPECT_CALLED:
    case TEST_EXPECT_DROPPED:
    case TEST_EXPECT_NOTHING: return expect_sent(r);
    case TEST_EXPECT_COND:
      code = expect_condition(r);
      return code == EXIT_FINE && trial_note_facts(r) != CAMP_OK ? EXIT_COULD_NOT : code;
    case TEST_EXPECT_ELSE: return expect_nothing_else(r);
    default: return EXIT_FINE;
  }
}
