/* Opening the engine over a store: units to an image, names to numbers; and making a program the current one.
 *
 * Not for what a tick does (tick.c) or how inputs are divided into transactions (round.c).
 *
 * Invariants:
 * 1. The image holds every live unit: the current ones, and those that some strand still stands in.
 * 2. Name caches hold only ids that are committed or belong to the transaction under way; a rollback clears them. */
#include "runtime/engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/engine/tick.h"

enum camp_err engine_fail(struct engine *e, enum camp_err err, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(e->error.text, sizeof e->error.text, fmt, ap);
  va_end(ap);
  return err;
}

const struct engine_error *engine_last_error(const struct engine *e) {
  return &e->error;
}

const struct image *engine_image(const struct engine *e) {
  return e->image;
}

struct engine_counts engine_counts(const struct engine *e) {
  return e->counts;
}

static enum camp_err say(struct engine_error *out, enum camp_err err, const char *fmt, ...) PRINTF_LIKE(3, 4);
static enum camp_err say(struct engine_error *out, enum camp_err err, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(out->text, sizeof out->text, fmt, ap);
  va_end(ap);
  return err;
}

static enum camp_err say_store(struct engine_error *out, enum camp_err err, const struct store *s) {
  return say(out, err, "%s", store_last_error(s)->text);
}

/* --- deploy -------------------------------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b) {
  return str_cmp(((const struct stored_unit *)a)->hash, ((const struct stored_unit *)b)->hash);
}

/* By name id, whether a live unit has kept a measure up to now, and whether a current one had a schedule; NULL when the program brings
 * no unit with such that was not there, which is nearly always, and asks for no reading of programs. */
static enum camp_err names_kept(struct store *s, const struct program *p, const struct stored_unit *live, uint32_t count,
                                struct arena *a, bool **kept) {
  bool any = false;
  *kept = NULL;
  for (uint32_t i = 0; i < p->unit_count && !any; i++) {
    struct stored_unit wanted = { .hash = { (const char *)p->units[i].hash, UNIT_HASH_BYTES } };
    const struct stored_unit *was = count ? bsearch(&wanted, live, count, sizeof *live, by_hash) : NULL;
    any = (p->units[i].measure_count && !was) || (p->units[i].schedule_count && !(was && was->current));
  }
  if (!any) return CAMP_OK;
  *kept = arena_zalloc(a, LIMIT_NAMES_COUNT + 1, sizeof **kept);
  for (uint32_t i = 0; i < count; i++) {
    struct unit u;
    struct program_error why;
    TRY(unit_read(a, live[i].body, &u, &why));
    for (uint32_t k = 0; k < u.measure_count; k++)
      (*kept)[store_name_find(s, NAME_MEASURE, unit_string(&u, u.measures[k].text))] = true;
    for (uint32_t k = 0; live[i].current && k < u.schedule_count; k++)
      (*kept)[store_name_find(s, NAME_SCHEDULE, schedule_name(a, &u, &u.schedules[k]))] = true;
  }
  return CAMP_OK;
}

/* Segments and scores are known by their names. 0: the unit is neither. */
static enum name_kind named_kind(unsigned unit_kind) {
  return unit_kind == UNIT_SEGMENT ? NAME_SEGMENT : unit_kind == UNIT_SCORE ? NAME_SCORE : 0;
}
static enum name_kind named_kind_of(const struct stored_unit *u) {
  return u->current && u->body.len ? named_kind((uint8_t)u->body.ptr[0]) : 0;
}
static enum camp_err forget_named(struct store *s, enum name_kind kind, uint32_t id) {
  return kind == NAME_SEGMENT ? store_members_forget(s, id) : store_scores_forget(s, id);
}

/* A segment or score that is new, or means something else than before, gets the deploy's number: contacts that were known before become
 * its members without entering it, and get its points from the log. What was known of its members and ranking, and of those of one
 * that is gone, is forgotten. `live` is sorted by hash and says what was current before. */
static enum camp_err deploy_named(struct store *s, const struct program *p, const struct stored_unit *live, uint32_t live_count,
                                     uint32_t epoch) {
  for (uint32_t i = 0; i < p->unit_count; i++) {
    const struct unit *u = &p->units[i];
    enum name_kind kind = named_kind(u->kind);
    uint32_t id;
    if (!kind) continue;
    TRY(store_name(s, kind, unit_name(u), &id));
    struct stored_unit wanted = { .hash = { (const char *)u->hash, UNIT_HASH_BYTES } };
    const struct stored_unit *was = live_count ? bsearch(&wanted, live, live_count, sizeof *live, by_hash) : NULL;
    if (was && was->current) continue;
    if (store_name_epoch(s, id) != epoch) TRY(store_name_renew(s, id));
    TRY(forget_named(s, kind, id));
  }
  for (uint32_t i = 0; i < live_count; i++) {
    enum name_kind kind = named_kind_of(&live[i]);
    bool kept = false;
    if (!kind) continue;
    for (uint32_t k = 0; k < p->unit_count && !kept; k++)
      kept = named_kind(p->units[k].kind) == kind && str_eq(unit_name(&p->units[k]), live[i].name);
    if (!kept) TRY(forget_named(s, kind, store_name_find(s, kind, live[i].name)));
  }
  return CAMP_OK;
}

static enum camp_err deploy(struct store *s, const struct program *p, struct arena *a, int64_t at_ms) {
  bool *kept;
  struct stored_unit *live;
  uint32_t live_count;
  TRY(store_units(s, a, &live, &live_count));
  if (live_count) qsort(live, live_count, sizeof *live, by_hash);
  TRY(names_kept(s, p, live, live_count, a, &kept));
  uint32_t *ids = arena_zalloc(a, p->unit_count + 1, sizeof *ids), epoch;
  size_t steps = 0;
  for (uint32_t i = 0; i < p->unit_count; i++) steps += p->units[i].step_count;
  struct stored_step *rows = arena_zalloc(a, steps + 1, sizeof *rows);
  uint32_t n = 0;
  for (uint32_t i = 0; i < p->unit_count; i++) {
    const struct unit *u = &p->units[i];
    struct str hash = { (const char *)u->hash, UNIT_HASH_BYTES };
    TRY(store_unit_put(s, hash, unit_name(u), u->body_bytes, &ids[i]));
    for (uint32_t k = 0; k < u->step_count; k++)
      rows[n++] = (struct stored_step){ .unit = ids[i], .pc = u->steps[k].pc, .line = u->steps[k].line,
                                        .column = u->steps[k].column, .file = step_file(u, &u->steps[k]), .label = u->steps[k].label };
  }
  TRY(store_deploy(s, ids, p->unit_count, rows, n, at_ms, &epoch));
  /* Measures and schedules get the deploy's number when they are new, or when no live unit had them before it (a script that was
   * changed and changed back): contacts that were known before fill them from the log. */
  for (uint32_t i = 0; i < p->unit_count; i++) {
    const struct unit *u = &p->units[i];
    uint32_t id;
    for (uint32_t k = 0; k < u->measure_count; k++) {
      TRY(store_name(s, NAME_MEASURE, unit_string(u, u->measures[k].text), &id));
      if (kept && !kept[id] && store_name_epoch(s, id) != epoch) TRY(store_name_renew(s, id));
    }
    for (uint32_t k = 0; k < u->schedule_count; k++) {
      TRY(store_name(s, NAME_SCHEDULE, schedule_name(a, u, &u->schedules[k]), &id));
      if (kept && !kept[id] && store_name_epoch(s, id) != epoch) TRY(store_name_renew(s, id));
    }
    if (u->kind == UNIT_CAMPAIGN || u->kind == UNIT_RULE) TRY(store_name(s, NAME_CAMPAIGN, unit_name(u), &id));
    TRY(experiments_deploy(s, a, u, ids[i]));
  }
  TRY(deploy_named(s, p, live, live_count, epoch));
  for (uint32_t i = 0; i < p->list_count; i++) {
    uint32_t id;
    TRY(store_name(s, NAME_LIST, p->lists[i], &id));
  }
  return CAMP_OK;
}

enum camp_err engine_deploy(struct store *s, const struct program *p, int64_t at_ms, struct engine_error *e) {
  struct arena a;
  arena_init(&a, 1 << 16);
  enum camp_err err = store_begin(s);
  if (err == CAMP_OK) {
    err = deploy(s, p, &a, at_ms);
    if (err == CAMP_OK) err = store_commit(s);
    if (err != CAMP_OK) store_rollback(s);
  }
  arena_deinit(&a);
  return err == CAMP_OK ? CAMP_OK : say_store(e, err, s);
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

const struct unit *engine_unit(const struct engine *e, uint32_t stored_id) {
  return stored_id < e->unit_id_max ? e->unit_by_id[stored_id] : NULL;
}

enum camp_err image_of_store(struct store *s, struct arena *a, struct image *image, struct stored_unit **rows, uint32_t *count, struct unit **out,
                             struct engine_error *error) {
  enum camp_err err = store_units(s, a, rows, count);
  if (err != CAMP_OK) return say_store(error, err, s);
  struct unit *units = arena_zalloc(a, *count + 1, sizeof *units);
  for (uint32_t i = 0; i < *count; i++) {
    struct program_error why;
    if (unit_read(a, (*rows)[i].body, &units[i], &why) != CAMP_OK)
      return say(error, CAMP_CORRUPT, "the stored program of " STR_FMT " is damaged: %s", STR_ARG((*rows)[i].name), why.text);
    image_add(image, &units[i], (*rows)[i].current);
  }
  if (out) *out = units;
  return CAMP_OK;
}

static enum camp_err load_units(struct engine *e, struct engine_error *error) {
  struct stored_unit *rows;
  struct unit *units;
  uint32_t count;
  TRY(image_of_store(e->store, &e->units, e->image, &rows, &count, &units, error));
  image_seal(e->image);
  for (uint32_t i = 0; i < count; i++)
    if (rows[i].id >= e->unit_id_max) e->unit_id_max = rows[i].id + 1;
  e->unit_by_id = arena_zalloc(&e->units, e->unit_id_max + 1, sizeof *e->unit_by_id);
  for (uint32_t i = 0; i < count; i++) {
    units[i].link->stored_id = rows[i].id;
    units[i].link->campaign_id = store_name_find(e->store, NAME_CAMPAIGN, unit_name(&units[i]));
    e->unit_by_id[rows[i].id] = &units[i];
  }
  return CAMP_OK;
}

/* Lists, tags and topics share a kind of name, so that one number a string suffices for all. Each name that code asks about is given
 * its number now: conditions must not write. */
static enum camp_err number_names(struct engine *e) {
  uint32_t n = image_unit_count(e->image);
  for (uint32_t i = 0; i < n; i++) {
    struct unit *u = image_unit(e->image, i);
    uint32_t operands[2];
    for (uint32_t pc = 0; pc < u->code_bytes;) {
      uint32_t bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
      CHECK(bytes > 0);
      if (u->code[pc] == OP_SHOW) e->shows = true;
      if (u->code[pc] == OP_CODE && !e->options.secret.len)
        return engine_fail(e, CAMP_BAD, STR_FMT " makes codes, so CAMP_SECRET must be set, and stay the same for as long as they are valid",
                           STR_ARG(unit_name(u)));
      if (u->code[pc] == OP_MEMBER || u->code[pc] == OP_TAGGED || u->code[pc] == OP_CONSENTS)
        TRY(store_name(e->store, NAME_LIST, unit_string(u, operands[0]), &u->link->stored[operands[0]]));
      pc += bytes;
    }
    for (uint32_t k = 0; k < u->topic_count; k++)
      TRY(store_name(e->store, NAME_LIST, unit_string(u, u->topics[k].name), &u->link->stored[u->topics[k].name]));
  }
  for (uint32_t i = 0; i < image_measure_count(e->image); i++) {
    struct image_measure *m = image_measure(e->image, i);
    TRY(store_name(e->store, NAME_MEASURE, unit_string(m->unit, m->measure->text), &m->stored_id));
    m->epoch = store_name_epoch(e->store, m->stored_id);
  }
  TRY(policy_number(e));
  TRY(scores_number(e));
  TRY(experiments_number(e));
  return segments_number(e);
}

static enum camp_err number_names_committed(struct engine *e, struct engine_error *error) {
  enum camp_err err = store_begin(e->store);
  if (err == CAMP_OK) {
    err = number_names(e);
    if (err == CAMP_OK) err = engine_schedules_load(e);
    if (err == CAMP_OK) err = store_commit(e->store);
    if (err != CAMP_OK) store_rollback(e->store);
  }
  if (err != CAMP_OK && e->error.text[0]) return say(error, err, "%s", e->error.text);
  return err == CAMP_OK ? CAMP_OK : say_store(error, err, e->store);
}

static enum camp_err open_parts(struct engine *e, struct engine_error *error) {
  TRY(load_units(e, error));
  TRY(number_names_committed(e, error));
  uint32_t symbols = image_symbol_count(e->image);
  e->event_ids = arena_zalloc(&e->units, symbols + 1, sizeof *e->event_ids);
  e->message_ids = arena_zalloc(&e->units, symbols + 1, sizeof *e->message_ids);
  e->listeners = arena_zalloc(&e->units, image_listener_max(e->image) + 1, sizeof *e->listeners);
  policy_open(e);
  e->epoch = store_epoch(e->store);
  e->names_opened = store_name_count(e->store);
  struct str zone = e->options.zone;
  if (zone.len) {
    e->zone = zones_find(e->zones, zone);
    if (!e->zone) return say(error, CAMP_NOT_FOUND, "the time zone \"" STR_FMT "\" is not in the system's zone files", STR_ARG(zone));
  }
  segments_open(e);
  enum camp_err err = store_clock_get(e->store, &e->clock);
  return err == CAMP_OK ? CAMP_OK : say_store(error, err, e->store);
}

enum camp_err engine_open(struct store *s, const struct engine_options *o, struct engine **out, struct engine_error *error) {
  struct engine *e = calloc(1, sizeof *e);
  if (!e) {
    fputs("camp: out of memory\n", stderr);
    exit(70);
  }
  e->store = s;
  e->options = *o;
  e->virtual_time = o->virtual_time;
  if (e->options.batch == 0 || e->options.batch > LIMIT_BATCH_COUNT) e->options.batch = ENGINE_BATCH_COUNT;
  e->batch_max = e->options.batch;
  arena_init(&e->units, 1 << 20);
  arena_init(&e->batch, 1 << 20);
  arena_init(&e->contact, 1 << 18);
  arena_init(&e->walk, 1 << 16);
  arena_init(&e->orders, 1 << 10);
  buf_init(&e->scratch, LIMIT_CONTACT_BYTES);
  buf_init(&e->outcome, LIMIT_EVENT_BYTES);
  e->image = image_new();
  e->zones = zones_new();
  e->zone = zone_utc();
  enum camp_err err = open_parts(e, error);
  if (err != CAMP_OK) {
    engine_close(e);
    return err;
  }
  *out = e;
  return CAMP_OK;
}

void engine_close(struct engine *e) {
  if (!e) return;
  image_free(e->image);
  zones_free(e->zones);
  buf_deinit(&e->scratch);
  buf_deinit(&e->outcome);
  arena_deinit(&e->walk);
  arena_deinit(&e->orders);
  arena_deinit(&e->contact);
  arena_deinit(&e->batch);
  arena_deinit(&e->units);
  free(e);
}

/* --- names --------------------------------------------------------------------------------------------------------- */

enum camp_err engine_event_id(struct engine *e, uint32_t symbol, struct str name, uint32_t *id) {
  if (symbol != NONE && e->event_ids[symbol]) {
    *id = e->event_ids[symbol];
    return CAMP_OK;
  }
  TRY(store_name(e->store, NAME_EVENT, name, id));
  if (symbol != NONE) e->event_ids[symbol] = *id;
  return CAMP_OK;
}

enum camp_err engine_message_id(struct engine *e, struct str name, uint32_t *id) {
  uint32_t symbol = image_symbol(e->image, name);
  if (symbol != NONE && e->message_ids[symbol]) {
    *id = e->message_ids[symbol];
    return CAMP_OK;
  }
  TRY(store_name(e->store, NAME_MESSAGE, name, id));
  if (symbol != NONE) e->message_ids[symbol] = *id;
  return CAMP_OK;
}

void engine_rollback(struct engine *e) {
  store_rollback(e->store);
  if (e->segment_count) memset(e->segments_marked, 0, (e->segment_count + 63) / 64 * sizeof *e->segments_marked);
  e->pauses_known = false; /* some may be held still */
  uint32_t symbols = image_symbol_count(e->image);
  memset(e->event_ids, 0, symbols * sizeof *e->event_ids);
  memset(e->message_ids, 0, symbols * sizeof *e->message_ids);
  e->pending = (struct engine_counts){ 0 };
}

static enum camp_err forget(struct engine *e) {
  struct store_clock nothing = { .now_ms = 0 };
  TRY(store_forget(e->store, e->names_opened));
  TRY(store_clock_put(e->store, &nothing));
  return store_commit(e->store);
}

enum camp_err engine_forget(struct engine *e) {
  TRY(store_begin(e->store));
  enum camp_err err = forget(e);
  engine_rollback(e); /* after a commit it takes back nothing, and forgets the numbers of names that are gone */
  e->clock = (struct store_clock){ .now_ms = 0 };
  e->pauses_known = false;
  e->counts = (struct engine_counts){ 0 };
  return err == CAMP_OK ? CAMP_OK : engine_fail(e, err, "%s", store_last_error(e->store)->text);
}

enum camp_err engine_next_wait(struct engine *e, int64_t contact, int64_t *at_ms) {
  struct live l;
  /* In a transaction that is not kept: opening may move what a paused campaign held. */
  TRY(store_begin(e->store));
  enum camp_err err = live_open(e, &l, contact, (struct str){ 0 }, false);
  engine_rollback(e);
  if (err != CAMP_OK) return err;
  *at_ms = live_schedules_once(&l);
  if (segments_once(&l) < *at_ms) *at_ms = segments_once(&l);
  if (live_release_due(&l) < *at_ms) *at_ms = live_release_due(&l);
  for (uint32_t i = 0; i < l.strands.count; i++)
    if (l.strands.items[i]->s.due_ms < *at_ms && !engine_paused(e, l.strands.items[i]->s.unit->link->campaign_id)) *at_ms = l.strands.items[i]->s.due_ms;
  return CAMP_OK;
}

enum camp_err engine_next_timer(struct engine *e, int64_t *at_ms) {
  return store_next_timer(e->store, at_ms);
}
