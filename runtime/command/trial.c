/* One test under way: its contacts and their messages, its clock, and the report of what became of a contact; see trial.h.
 *
 * Not for steps (story_happen.c, story_expect.c).
 *
 * Invariant: the clock never goes back, and moves only past timers that have run. */
#include "runtime/command/report.h"
#include "runtime/command/trial.h"

#include <stdarg.h>

const struct str trial_secret = { "the secret of tests", 19 };

void trial_fail(struct trial *r, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char text[1024];
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  buf_c(r->why, text);
}

const char *trial_clock(const struct trial *r, int64_t ms, char out[40]) {
  out[calendar_print(zone_to_civil(r->s->zone, ms), out)] = 0;
  return out;
}

struct known *trial_contact(struct trial *r, struct str name) {
  for (uint32_t i = 0; i < r->contacts.count; i++)
    if (str_eq(r->contacts.items[i].name, name)) return &r->contacts.items[i];
  struct known k = { .name = name };
  VEC_PUSH(&r->arena, &r->contacts, k);
  return &r->contacts.items[r->contacts.count - 1];
}

enum camp_err trial_contact_id(struct trial *r, struct known *k) {
  struct key_lookup lookup = { .key = k->name };
  if (k->id) return CAMP_OK;
  enum camp_err err = store_contacts(r->s->store, &lookup, 1, false, r->clock_ms);
  k->id = lookup.id;
  return err;
}

enum camp_err trial_load(struct trial *r, struct known *k, struct contact *out) {
  struct contact_row row;
  enum camp_err err = trial_contact_id(r, k);
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

enum camp_err trial_messages(struct trial *r, struct known *k, struct sent **out, uint32_t *count) {
  VEC(struct sent) all = { 0 };
  struct contact c;
  *out = NULL;
  *count = 0;
  enum camp_err err = trial_load(r, k, &c);
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

bool sent_left(const struct sent *s) { return s->row.state == OUTBOX_SENT || s->row.state == OUTBOX_CLAIMED; }

bool sent_dropped(const struct test_step *step, const struct sent *s) {
  struct str why = s->row.reason, part = step->because;
  if (s->row.state != OUTBOX_DROPPED && s->row.state != OUTBOX_WITHDRAWN && s->row.state != OUTBOX_FAILED) return false;
  return part.len == 0 || (why.len >= part.len && memmem(why.ptr, why.len, part.ptr, part.len) != NULL);
}

enum camp_err trial_note_facts(struct trial *r) {
  const struct test_step *step = r->step;
  struct contact c;
  if (step->fact_count == 0) return CAMP_OK;
  enum camp_err err = trial_load(r, trial_contact(r, step->contact), &c);
  for (uint32_t i = 0; err == CAMP_OK && i < step->fact_count; i++)
    facts_note(&r->facts, r->s->store, &c, step->contact, &step->facts[i]);
  return err == CAMP_NOT_FOUND ? CAMP_OK : err;
}

void trial_set_marks(struct trial *r) {
  for (uint32_t i = 0; i < r->contacts.count; i++) {
    struct sent *all;
    uint32_t count;
    if (trial_messages(r, &r->contacts.items[i], &all, &count) == CAMP_OK && count) r->contacts.items[i].mark = all[0].row.id;
  }
}

/* "2026-01-05T10:00:00.000Z" of a report as the story's clock shows it. */
static void tell_moment(struct trial *r, const char *text) {
  int64_t ms;
  bool zoned;
  char at[40];
  if (text && calendar_parse_moment(str_from_c(text), &ms, &zoned)) buf_c(r->why, trial_clock(r, ms, at));
}

static void tell_cell(struct trial *r, const char *at, const char *end) {
  char shown[40];
  int64_t ms;
  for (buf_c(r->why, "  "); at < end; at++) {
    if (end - at >= 25 && report_moment(at, &ms)) {
      buf_c(r->why, trial_clock(r, ms, shown));
      at += 24;
    } else {
      buf_byte(r->why, (uint8_t)*at);
    }
  }
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
    if (row[i] && row[i][0]) tell_cell(r, row[i], end ? end : row[i] + strlen(row[i]));
  }
  buf_byte(r->why, '\n');
  if (columns > 2 && row[1] && row[2] && (strcmp(row[1], "event") == 0 || strcmp(row[1], "emitted") == 0))
    VEC_PUSH(&r->arena, &r->heard, arena_str(&r->arena, str_from_c(row[2])));
  if (columns > 4 && row[4]) VEC_PUSH(&r->arena, &r->noted, arena_str(&r->arena, str_from_c(row[4])));
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

void trial_tell(struct trial *r, struct known *k) {
  char at[40];
  size_t before;
  r->heard.count = r->noted.count = 0;
  trial_fail(r, STR_FMT " until %s:\n", STR_ARG(k->name), trial_clock(r, r->clock_ms, at));
  before = r->why->len;
  if (store_report(r->s->store, "contact_timeline", k->name, tell_line, r) != CAMP_OK ||
      store_report(r->s->store, "contact_positions", k->name, tell_position, r) != CAMP_OK)
    trial_fail(r, "  %s\n", store_last_error(r->s->store)->text);
  if (r->why->len == before) trial_fail(r, "  nothing happened\n");
}

static bool says_name(const struct unit *u, struct str name) {
  for (uint32_t i = 0; i < u->string_count; i++)
    if (str_eq(u->strings[i], name)) return true;
  return false;
}

/* A refusal that the engine has noted is in the story already. */
static bool was_noted(const struct trial *r, struct str unit) {
  for (uint32_t i = 0; i < r->noted.count; i++) {
    struct str note = r->noted.items[i];
    const char *at = note.len >= unit.len ? memmem(note.ptr, note.len, unit.ptr, unit.len) : NULL;
    if (at && str_starts((struct str){ at + unit.len, (size_t)(note.ptr + note.len - at) - unit.len }, STR(": not started"))) return true;
  }
  return false;
}

static bool was_heard(const struct trial *r, struct str event) {
  for (uint32_t i = 0; i < r->heard.count; i++)
    if (str_eq(r->heard.items[i], event)) return true;
  return false;
}

void trial_tell_unstarted(struct trial *r, struct known *k, struct str message) {
  const struct image *image = engine_image(r->s->engine);
  struct contact c;
  if (trial_load(r, k, &c) != CAMP_OK) return;
  for (uint32_t i = 0; i < image_unit_count(image); i++) {
    const struct unit *u = image_unit(image, i);
    if (!u->link->current || !u->trigger_count || !says_name(u, message) || contact_entry(&c, u->link->campaign_id)->count || was_noted(r, unit_name(u)))
      continue;
    const struct trigger *heard = NULL;
    for (uint32_t t = 0; t < u->trigger_count && !heard; t++)
      if (was_heard(r, unit_string(u, u->triggers[t].event))) heard = &u->triggers[t];
    if (heard && heard->filter_pc == NONE) continue;
    struct str event = unit_string(u, (heard ? heard : u->triggers)->event);
    if (heard) trial_fail(r, "  " STR_FMT " heard " STR_FMT " and did not start: what it asks of " STR_FMT " was not true then. `expect " STR_FMT ": …` tells a condition part by part.\n",
                          STR_ARG(unit_name(u)), STR_ARG(event), STR_ARG(k->name), STR_ARG(k->name));
    else trial_fail(r, "  " STR_FMT " starts when " STR_FMT ", which did not happen.\n", STR_ARG(unit_name(u)), STR_ARG(event));
  }
}

/* --- the clock ------------------------------------------------------------------------------------------------------ */

int trial_run_to(struct trial *r, int64_t to_ms) {
  if (to_ms > r->clock_ms) r->clock_ms = to_ms;
  int code = session_timers(r->s, to_ms, NULL);
  return code == EXIT_FINE ? session_count_as_sent(r->s, to_ms) : code;
}

enum camp_err trial_next(struct trial *r, int64_t *next) {
  *next = STORE_NEVER;
  for (uint32_t i = 0; i < r->contacts.count; i++) {
    struct known *k = &r->contacts.items[i];
    int64_t at;
    enum camp_err err = trial_contact_id(r, k);
    if (err == CAMP_OK && k->id) err = engine_next_wait(r->s->engine, k->id, &at);
    if (err != CAMP_OK) return err;
    if (k->id && at < *next) *next = at;
  }
  return CAMP_OK;
}

int trial_run_until_idle(struct trial *r) {
  int64_t end = r->clock_ms + IDLE_DAYS_MAX * MS_PER_DAY, from = r->clock_ms, next;
  int code = trial_run_to(r, r->clock_ms);
  /* A story that never comes to rest is looked at for ten years. */
  for (int i = 0; code == EXIT_FINE && i < IDLE_ROUNDS_MAX; i++) {
    if (trial_next(r, &next) != CAMP_OK) return EXIT_COULD_NOT;
    if (next > end) break;
    code = trial_run_to(r, next > r->clock_ms ? next : r->clock_ms);
  }
  if (r->clock_ms > from) r->idle = r->step;
  return code;
}

int64_t trial_after(const struct trial *r, struct value duration) {
  if (duration.type == V_EXACT) return r->clock_ms + duration.i;
  return zone_add(r->s->zone, r->clock_ms, (int64_t)duration.aux, duration.i);
}

int trial_move_clock(struct trial *r, int64_t civil_ms) {
  int64_t to = zone_to_utc(r->s->zone, civil_ms);
  char have[40];
  if (to < r->clock_ms) {
    trial_fail(r, "The clock stands at %s already and cannot go back.\n", trial_clock(r, r->clock_ms, have));
    if (r->idle) {
      struct str text = r->s->project.compilation.sources.items[r->idle->span.source].text;
      trial_fail(r, "`%.*s` let it run until nothing was due; with `at` a moment or `within` a time it looks no further.\n",
                 (int)(r->idle->span.to - r->idle->span.from), text.ptr + r->idle->span.from);
    }
    return EXIT_FINE;
  }
  int code = to > r->clock_ms ? trial_run_to(r, to - 1) : EXIT_FINE;
  r->clock_ms = to;
  r->idle = NULL;
  return code;
}
