/* What a step of a story makes happen: events, what a contact becomes, answers to calls, orders to a campaign; see trial.h.
 *
 * Not for what it expects (story_expect.c). Everything goes the way that it goes outside of tests: through session_take and the
 * engine's orders. */
#include "runtime/command/trial.h"

#include "vm/key.h"

int trial_happen(struct trial *r, bool identify) {
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
    trial_fail(r, "The event has more than %u bytes.\n", LIMIT_EVENT_BYTES);
  } else {
    struct input in = { .key = step->contact, .name = identify ? STR("identify") : step->name, .identify = identify,
      .at_ms = r->clock_ms, .has_at = true, .props = arena_str(&r->arena, buf_as_str(&b)) };
    struct engine_inputs batch = { .inputs = &in, .count = 1, .arrival_ms = r->clock_ms, .virtual_time = true };
    trial_contact(r, step->contact);
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
  enum camp_err err = trial_messages(r, k, &all, &count);
  *found = NULL;
  for (uint32_t i = count; err == CAMP_OK && i-- > 0 && !*found;) {
    bool open = all[i].call && str_eq(all[i].name, r->step->of) && sent_left(&all[i]);
    for (uint32_t n = 0; n < r->answered.count; n++) open &= r->answered.items[n] != all[i].row.id;
    if (open) *found = &all[i];
  }
  if (*found) VEC_PUSH(&r->arena, &r->answered, (*found)->row.id);
  return err;
}

/* `ann reply of crm.create_task { id: "7" }`, `ann failure of crm.create_task`: the answer to a call, as it comes from outside. */
int trial_reply(struct trial *r) {
  const struct test_step *step = r->step;
  const struct sent *call;
  struct outbox_item item;
  bool failure = str_is(step->name, "failure");
  struct value status = failure ? value_missing() : value_number(200), error = value_missing();
  struct known *k = trial_contact(r, step->contact);
  int code = session_count_as_sent(r->s, r->clock_ms);
  if (code != EXIT_FINE) return code;
  if (oldest_call(r, k, &call) != CAMP_OK) return EXIT_COULD_NOT;
  if (!call) {
    trial_fail(r, "No call of " STR_FMT " for " STR_FMT " waits for an answer.\n", STR_ARG(step->of), STR_ARG(step->contact));
    trial_tell(r, k);
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
int trial_become(struct trial *r) {
  const struct test_step *step = r->step;
  struct input in = { .key = step->name, .previous = step->contact, .name = STR("alias"), .alias = true, .at_ms = r->clock_ms, .has_at = true };
  struct engine_inputs batch = { .inputs = &in, .count = 1, .arrival_ms = r->clock_ms, .virtual_time = true };
  for (uint32_t i = 0; i < r->contacts.count; i++) r->contacts.items[i].id = 0;
  trial_contact(r, step->name);
  return session_take(r->s, &batch);
}

/* `contact ann { consents to offers }`: as if she had said so before the story began. Imported events start nothing. */
int trial_consent(struct trial *r, struct str topic) {
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

/* `pause welcome`, `resume welcome skip`: as the commands do. */
int trial_order(struct trial *r, bool resume) {
  const struct test_step *step = r->step;
  struct engine *e = r->s->engine;
  struct store_pause p = { .campaign = step->name, .until_ms = r->clock_ms, .how = PAUSE_AS_SAID };
  if (step->within.type == V_BOOL) p.how = PAUSE_SKIP;
  if (step->within.type == V_EXACT || step->within.type == V_CALENDAR) {
    p.how = PAUSE_SPREAD;
    p.spread_ms = trial_after(r, step->within) - r->clock_ms;
  }
  bool changed = false, more = resume;
  enum camp_err err = resume ? engine_resume_campaign(e, &p, &changed) : engine_pause(e, step->name, r->clock_ms, &changed);
  while (err == CAMP_OK && more) err = engine_sweep(e, 1000, &more);
  if (err != CAMP_OK) {
    complain(r->s->command, "%s", engine_last_error(e)->text);
    return EXIT_COULD_NOT;
  }
  if (!changed) trial_fail(r, STR_FMT " is %s.\n", STR_ARG(step->name), resume ? "not paused" : "paused already");
  return EXIT_FINE;
}
