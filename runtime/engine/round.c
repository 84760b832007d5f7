/* Dividing work into transactions: which inputs and timers go together, and how a crash finds its way back.
 *
 * Not for what happens to one contact (tick.c).
 *
 * The inbox is the event log's tail: an accepted event is a row behind clock.event_done, so nothing is ever written twice.
 *
 *   engine_take, a batch or less:  accept + run + source's place  in one transaction
 *   engine_take, more (live):      accept all, with the round      in one transaction, then engine_resume
 *   engine_take, more (virtual):   batch after batch, in the inputs' order
 *   engine_resume:                 the round's contacts in order of id, a batch a transaction, until none is left; an alias in
 *                                  the inbox ends a stretch of it, the contacts begin anew behind it
 *   engine_timers:                 due contacts, a batch a transaction, until none is left
 *
 * Invariants:
 * 1. A round is its last input and its time limit, stored with its first commit. Batches divide it by contact only; after a
 *    crash the same round goes on behind the last contact that was committed.
 * 2. Timers up to a limit run only when every input that arrived before that limit has been through a tick.
 * 3. Outside a round every event is behind us: what timers and batches emit is never taken for the inbox of the next round.
 * 4. An input that joins two contacts comes behind all that arrived before it and before all that arrived after it, for
 *    everybody: what is run together, sorted by contact, lies between two such inputs. Which inputs these are is settled when the
 *    round begins, by what is known then, so no batch can change it.
 * 5. A failed transaction leaves the engine and the database as they were before it. */
#include <stdlib.h>

#include "runtime/engine/tick.h"
#include "vm/base/sort.h"

/* Of LIMIT_NAMES_COUNT, those that events that no program knows may not take. */
#define NAMES_KEPT_COUNT 4096

/* Event ids are hashed with a fixed key: the hash is stored. */
static const struct hash_key ident_key = { 0x6964656e74u, 0x63616d70u };

static uint64_t ident_of(struct str id) {
  if (id.len == 0) return 0;
  uint64_t h = hash_str(ident_key, id);
  return h ? h : 1;
}

static void count_up(struct engine *e) {
  const uint64_t *from = (const uint64_t *)&e->pending;
  uint64_t *to = (uint64_t *)&e->counts;
  _Static_assert(sizeof e->counts % sizeof *from == 0, "counts are numbers only");
  for (size_t i = 0; i < sizeof e->counts / sizeof *from; i++) to[i] += from[i];
  e->pending = (struct engine_counts){ 0 };
}

enum camp_err engine_failed(struct engine *e, enum camp_err err) {
  /* The engine's own sentence wins; otherwise the store has said what went wrong. */
  if (e->error.text[0] == '\0') engine_fail(e, err, "%s", store_last_error(e->store)->text);
  engine_rollback(e);
  return err;
}

enum camp_err engine_begin(struct engine *e) {
  e->error.text[0] = '\0';
  e->latest_ms = INT64_MIN;
  arena_reset(&e->batch);
  TRY(store_begin(e->store));
  return engine_pauses_look(e);
}

enum camp_err engine_commit(struct engine *e, const struct store_clock *clock) {
  TRY(store_clock_put(e->store, clock));
  TRY(store_commit(e->store));
  e->clock = *clock;
  count_up(e);
  return CAMP_OK;
}

uint32_t engine_batch(const struct engine *e) {
  return e->options.batch;
}

void engine_pace(struct engine *e, uint32_t inputs, int64_t took_ms) {
  /* A batch that was not full says little of a full one. */
  if (inputs < e->options.batch / 2 || e->options.batch < ENGINE_BATCH_MIN_COUNT) return;
  int64_t fits = took_ms > 0 ? inputs * ENGINE_COMMIT_MS / took_ms : ENGINE_BATCH_COUNT;
  int64_t batch = (e->options.batch + fits) / 2;
  if (batch > e->batch_max) batch = e->batch_max;
  if (batch < ENGINE_BATCH_MIN_COUNT) batch = ENGINE_BATCH_MIN_COUNT;
  e->options.batch = (uint32_t)batch;
}

/* --- inputs -------------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b) {
  const struct tick_input *x = *(const struct tick_input *const *)a, *y = *(const struct tick_input *const *)b;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* By contact, each contact's by time, then as they arrived; as_given: as they arrived. */
static struct tick_input **sorted(struct arena *a, struct tick_input *inputs, uint32_t count, bool as_given) {
  struct tick_input **order = arena_alloc(a, (count + 1) * sizeof *order);
  struct sort_item *items = arena_alloc(a, 2 * ((size_t)count + 1) * sizeof *items);
  for (uint32_t i = 0; i < count; i++) items[i] = (struct sort_item){ sort_key(inputs[i].contact), i };
  sort_items(items, items + count, count);
  for (uint32_t i = 0; i < count; i++) order[i] = &inputs[items[i].index];
  for (uint32_t i = 0, n; i < count && !as_given; i += n) {
    bool rising = true;
    for (n = 1; i + n < count && order[i + n]->contact == order[i]->contact; n++)
      if (by_time(&order[i + n - 1], &order[i + n]) > 0) rising = false;
    if (!rising) qsort(order + i, n, sizeof *order, by_time);
  }
  return order;
}

/* One contact's inputs, which stand together in order[]; gives how many. */
static enum camp_err run_contact(struct engine *e, struct tick_input **order, uint32_t count, uint32_t *ran) {
  struct live l;
  TRY(live_open(e, &l, order[0]->contact, order[0]->key, order[0]->fresh));
  uint32_t i = 0;
  for (; i < count && order[i]->contact == order[0]->contact; i++) TRY(live_input(&l, order[i]));
  *ran = i;
  return live_close(&l);
}

static enum camp_err run_inputs(struct engine *e, struct tick_input *inputs, uint32_t count, bool as_given) {
  struct tick_input **order = sorted(&e->batch, inputs, count, as_given);
  for (uint32_t i = 0, ran; i < count; i += ran) TRY(run_contact(e, order + i, count - i, &ran));
  return CAMP_OK;
}

/* A live event may be a little ahead of this clock, then it happened now; far ahead it is quarantined. */
static bool too_far_ahead(const struct engine_inputs *in, int64_t at_ms) {
  return !in->virtual_time && at_ms - in->arrival_ms > LIMIT_FUTURE_MS;
}

static enum camp_err reject(struct engine *e, const struct engine_inputs *in, const struct input *input, struct str reason) {
  struct reject_row row = { .at_ms = in->arrival_ms, .line = input->line, .source = in->source_key, .text = input->name,
                            .reason = reason };
  e->pending.rejects++;
  return store_reject_put(e->store, &row);
}

/* Names are given in the order of the inputs, so that which ones find no more room does not depend on the batch. The last
 * ones are kept for programs: a flood of event names must not stop a deploy. */
static enum camp_err name_event(struct engine *e, const struct input *input, bool *named) {
  uint32_t symbol = image_symbol(e->image, input->name), id;
  bool known = symbol != NONE || store_name_find(e->store, NAME_EVENT, input->name);
  *named = known || store_name_text(e->store, LIMIT_NAMES_COUNT - NAMES_KEPT_COUNT).len == 0;
  return *named && !known ? engine_event_id(e, symbol, input->name, &id) : CAMP_OK;
}

/* Whether the input can be taken at all; if not, it is quarantined. */
static enum camp_err acceptable(struct engine *e, const struct engine_inputs *in, const struct input *input, bool *good) {
  *good = !too_far_ahead(in, input->has_at ? input->at_ms : in->arrival_ms);
  if (!*good) return reject(e, in, input, STR("its time is more than 24 hours ahead of this machine's clock"));
  TRY(name_event(e, input, good));
  if (*good) return CAMP_OK;
  return reject(e, in, input, STR("the database knows too many different names of events to take a new one"));
}

/* Its times settled; its contact is to be found. */
static struct tick_input tick_of(const struct engine *e, const struct engine_inputs *in, const struct input *input, uint32_t order) {
  int64_t at_ms = input->has_at ? input->at_ms : in->arrival_ms, arrival_ms = in->virtual_time ? at_ms : in->arrival_ms;
  return (struct tick_input){
    .at_ms = at_ms < arrival_ms ? at_ms : arrival_ms, .arrival_ms = arrival_ms, .ident = ident_of(input->id), .order = order,
    .kind = e->options.import || in->import ? EVENT_IMPORTED : input->identify ? EVENT_IDENTIFY : EVENT_TRACK, .identify = input->identify,
    .key = input->key, .name = input->name, .body = input->props, .zone = input->zone };
}

/* What an input says of two contacts, as an input of its own before it. */
static struct tick_input alias_of(const struct engine *e, const struct engine_inputs *in, const struct input *input, uint32_t order) {
  struct tick_input alias = tick_of(e, in, input, order);
  alias.kind = EVENT_ALIAS;
  alias.identify = false;
  alias.ident = 0;
  alias.body = alias.zone = (struct str){ NULL, 0 };
  alias.name = STR("alias");
  alias.previous = input->previous;
  alias.certain = input->alias;
  return alias;
}

/* Contacts found or made, times settled: the inputs as the tick takes them. Where joins says so, what an input says of two contacts
 * stands before it; an alias of what is one already is a repetition. */
static enum camp_err prepare(struct engine *e, const struct engine_inputs *in, const struct input *inputs, uint32_t count,
                             const bool *joins, struct tick_input **out, uint32_t *out_count) {
  struct tick_input *ticks = arena_alloc(&e->batch, (2 * (size_t)count + 1) * sizeof *ticks);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct input *input = &inputs[i];
    bool good, join = joins && joins[i];
    TRY(acceptable(e, in, input, &good));
    if (good && join) ticks[n] = alias_of(e, in, input, n), n++;
    if (good && input->alias && !join) e->pending.duplicates++;
    if (good && !input->alias) ticks[n] = tick_of(e, in, input, n), n++;
  }
  struct key_lookup *keys = arena_alloc(&e->batch, (n + 1) * sizeof *keys);
  for (uint32_t i = 0; i < n; i++) keys[i] = (struct key_lookup){ .key = ticks[i].key };
  TRY(store_contacts(e->store, keys, n, true, in->arrival_ms));
  for (uint32_t i = 0; i < n; i++) {
    ticks[i].contact = keys[i].id;
    ticks[i].fresh = keys[i].fresh;
  }
  *out = ticks;
  *out_count = n;
  return CAMP_OK;
}

/* --- two contacts that are one --------------------------------------------------------------------------------------- */

/* Which of the inputs join two contacts that are not one yet, as things stand before the first of them; NULL when none does. Most
 * clients send both ids with every identify, so what is known already must not divide a round. */
static enum camp_err find_joins(struct engine *e, const struct input *inputs, uint32_t count, bool **out) {
  uint32_t n = 0;
  *out = NULL;
  for (uint32_t i = 0; i < count; i++) n += inputs[i].previous.len != 0;
  if (!n) return CAMP_OK;
  struct key_lookup *keys = arena_zalloc(&e->batch, 2 * (size_t)n, sizeof *keys);
  n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!inputs[i].previous.len) continue;
    keys[n++].key = inputs[i].key;
    keys[n++].key = inputs[i].previous;
  }
  TRY(store_contacts(e->store, keys, n, false, 0));
  *out = arena_zalloc(&e->batch, count, sizeof **out);
  n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!inputs[i].previous.len) continue;
    (*out)[i] = !keys[n].id || keys[n].id != keys[n + 1].id;
    n += 2;
  }
  return CAMP_OK;
}

/* How many inputs from i on are run together: up to the next that joins two contacts, itself not. */
static uint32_t part_count(const bool *joins, uint32_t i, uint32_t count) {
  uint32_t from = i;
  while (i < count && !(joins && joins[i])) i++;
  return i - from;
}

/* The inputs [i, i + n), which join nobody that is not one already. */
static enum camp_err run_part(struct engine *e, const struct engine_inputs *in, const struct input *inputs, uint32_t n,
                              int64_t *last_ms) {
  struct tick_input *ticks;
  uint32_t count;
  if (!n) return CAMP_OK;
  TRY(prepare(e, in, inputs, n, NULL, &ticks, &count));
  if (count) *last_ms = ticks[count - 1].at_ms;
  return run_inputs(e, ticks, count, in->virtual_time);
}

/* An input that joins ends what ran before it, within the same transaction; of an identify the traits follow. */
static enum camp_err run_join(struct engine *e, const struct engine_inputs *in, const struct input *input, int64_t *last_ms) {
  bool good;
  TRY(acceptable(e, in, input, &good));
  if (!good) return CAMP_OK;
  struct tick_input alias = alias_of(e, in, input, 0);
  *last_ms = alias.at_ms;
  TRY(engine_merge(e, &alias));
  return input->alias ? CAMP_OK : run_part(e, in, input, 1, last_ms);
}

static enum camp_err put_rest(struct engine *e, const struct engine_inputs *in, const struct store_source *source, bool rejects) {
  for (uint32_t i = 0; rejects && i < in->reject_count; i++) TRY(store_reject_put(e->store, &in->rejects[i]));
  if (rejects) e->pending.rejects += in->reject_count;
  return in->source_key.len ? store_source_put(e->store, in->source_key, source) : CAMP_OK;
}

static enum camp_err fused(struct engine *e, const struct engine_inputs *in, const struct input *inputs, uint32_t count,
                           const struct store_source *source, bool last) {
  struct store_clock clock = e->clock;
  int64_t last_ms = INT64_MIN;
  bool *joins;
  TRY(engine_begin(e));
  TRY(find_joins(e, inputs, count, &joins));
  for (uint32_t i = 0; i < count;) {
    uint32_t n = part_count(joins, i, count);
    TRY(run_part(e, in, inputs + i, n, &last_ms));
    i += n;
    if (i < count) TRY(run_join(e, in, &inputs[i++], &last_ms));
  }
  TRY(put_rest(e, in, source, last));
  clock.event_done = store_event_last(e->store);
  /* An import is about the past, whenever it takes place. */
  if (!in->virtual_time && !e->options.import) clock.now_ms = in->arrival_ms;
  if (in->virtual_time && last_ms > clock.now_ms) clock.now_ms = last_ms;
  return engine_commit(e, &clock);
}

static enum camp_err accept_one(struct engine *e, const struct tick_input *in) {
  /* A zone that came beside the event waits where the outcome will be: the tick reads the one and writes the other. */
  struct event_row row = { .contact = in->contact, .at_ms = in->at_ms, .received_ms = in->arrival_ms, .kind = in->kind,
                           .ident = in->ident, .body = in->body, .outcome = in->zone };
  if (in->kind == EVENT_ALIAS) row.body = merge_body(&e->batch, in);
  TRY(engine_event_id(e, image_symbol(e->image, in->name), in->name, &row.name));
  return store_event_put(e->store, &row);
}

/* The durable inbox: everything is accepted in one transaction; the round says what is to be run. */
static enum camp_err accept(struct engine *e, const struct engine_inputs *in) {
  struct tick_input *ticks;
  uint32_t n;
  struct store_clock clock = e->clock;
  bool *joins;
  TRY(engine_begin(e));
  TRY(find_joins(e, in->inputs, in->count, &joins));
  TRY(prepare(e, in, in->inputs, in->count, joins, &ticks, &n));
  clock.event_done = store_event_last(e->store);
  for (uint32_t i = 0; i < n; i++) {
    if (ticks[i].fresh) {
      struct contact_row row = { .id = ticks[i].contact, .key = ticks[i].key, .timer_ms = STORE_NEVER, .fresh = true };
      TRY(store_contact_write(e->store, &row, STORE_NEVER));
    }
    TRY(accept_one(e, &ticks[i]));
  }
  TRY(put_rest(e, in, &in->source, true));
  clock.round_last = store_event_last(e->store);
  clock.round_limit_ms = in->arrival_ms;
  clock.round_contact = 0;
  clock.round_phase = 0;
  if (!e->options.import) clock.now_ms = in->arrival_ms;
  return engine_commit(e, &clock);
}

/* A stretch of a round: the inbox up to the next alias, which ends it. */
struct stretch {
  int64_t last;   /* its newest row */
  int64_t alias;  /* the row behind it that joins two contacts; 0: the round ends here */
  bool first;     /* of the round: nobody has become another since the inputs were accepted */
};

static enum camp_err find_stretch(struct engine *e, struct arena *a, struct stretch *out) {
  struct event_row before = { .kind = EVENT_TRACK };
  int64_t after = e->clock.event_done;
  TRY(store_inbox_alias(e->store, after, e->clock.round_last, &out->alias));
  out->last = out->alias ? out->alias - 1 : e->clock.round_last;
  enum camp_err err = after ? store_event_get(e->store, a, after, &before) : CAMP_OK;
  /* A row that was taken away may have been an alias that said what was known. */
  out->first = err == CAMP_OK && before.kind != EVENT_ALIAS;
  return err == CAMP_NOT_FOUND ? CAMP_OK : err;
}

/* The stretch's rows, as inputs, behind the last finished contact. */
static enum camp_err load_stretch(struct engine *e, struct arena *a, const struct stretch *part, struct tick_input **out, uint32_t *count) {
  struct event_row *rows;
  uint32_t n = 0, kept = 0;
  TRY(store_inbox(e->store, a, e->clock.event_done, part->last, UINT32_MAX, &rows, &n));
  struct tick_input *ticks = arena_alloc(a, (n + 1) * sizeof *ticks);
  for (uint32_t i = 0; i < n; i++) {
    const struct event_row *r = &rows[i];
    int64_t contact = r->contact;
    if (!part->first) TRY(store_contact_now(e->store, contact, &contact));
    if (contact <= e->clock.round_contact) continue;
    struct str name = store_name_text(e->store, r->name);
    ticks[kept] = (struct tick_input){ .contact = contact, .at_ms = r->at_ms, .arrival_ms = r->received_ms, .id = r->id,
                                       .ident = r->ident, .order = kept, .kind = r->kind, .name = name, .body = r->body,
                                       .zone = r->outcome,
                                       .identify = r->kind == EVENT_IDENTIFY ||
                                                   (r->kind == EVENT_IMPORTED && str_is(name, "identify")) };
    kept++;
  }
  *out = ticks;
  *count = kept;
  return CAMP_OK;
}

/* The accepted row that ends the stretch. */
static enum camp_err join_accepted(struct engine *e, int64_t id) {
  struct event_row row;
  struct contact_row contact;
  TRY(store_event_get(e->store, &e->batch, id, &row));
  TRY(store_contact_now(e->store, row.contact, &row.contact));
  TRY(store_contact_read(e->store, &e->batch, row.contact, &contact));
  struct tick_input alias = { .kind = EVENT_ALIAS, .id = id, .at_ms = row.at_ms, .arrival_ms = row.received_ms, .key = contact.key };
  merge_of_body(&e->batch, row.body, &alias);
  if (!alias.previous.len) return engine_fail(e, CAMP_CORRUPT, "the alias in event %lld names no other contact", (long long)id);
  return engine_merge(e, &alias);
}

/* Every contact of the stretch is finished: the clock goes on to the next, or out of the round. */
static enum camp_err finish_stretch(struct engine *e, const struct stretch *part, struct store_clock *clock) {
  clock->round_contact = 0;
  if (part->alias) {
    clock->event_done = part->alias;
    return join_accepted(e, part->alias);
  }
  clock->event_done = store_event_last(e->store);
  clock->round_last = 0;
  return CAMP_OK;
}

/* A batch of the stretch; with its last contact the stretch is finished. */
static enum camp_err stretch_batch(struct engine *e, const struct stretch *part, struct tick_input **order, uint32_t count,
                                   uint32_t *done) {
  struct store_clock clock = e->clock;
  uint32_t i = 0;
  TRY(engine_begin(e));
  while (i < count && i < e->options.batch) {
    uint32_t ran;
    TRY(run_contact(e, order + i, count - i, &ran));
    i += ran;
  }
  if (i < count) clock.round_contact = order[i - 1]->contact;
  else TRY(finish_stretch(e, part, &clock));
  *done = i;
  return engine_commit(e, &clock);
}

static enum camp_err run_stretch(struct engine *e, struct arena *a) {
  struct stretch part;
  struct tick_input *ticks;
  uint32_t n, i = 0, done;
  TRY(find_stretch(e, a, &part));
  TRY(load_stretch(e, a, &part, &ticks, &n));
  struct tick_input **order = sorted(a, ticks, n, false);
  do {
    TRY(stretch_batch(e, &part, order + i, n - i, &done));
    i += done;
  } while (i < n);
  return CAMP_OK;
}

static enum camp_err resume_inputs(struct engine *e) {
  struct arena a;
  enum camp_err err = CAMP_OK;
  /* A stretch outlives its transactions, so it has an arena of its own. */
  arena_init(&a, 1 << 20);
  while (err == CAMP_OK && e->clock.round_last > e->clock.event_done) {
    arena_reset(&a);
    err = run_stretch(e, &a);
  }
  arena_deinit(&a);
  return err == CAMP_OK ? CAMP_OK : engine_failed(e, err);
}

enum camp_err engine_resume(struct engine *e) {
  if (e->clock.round_last > e->clock.event_done) TRY(resume_inputs(e));
  if (e->clock.round_phase == 1) TRY(engine_timers(e, e->clock.round_limit_ms, NULL));
  return CAMP_OK;
}

enum camp_err engine_take(struct engine *e, const struct engine_inputs *in) {
  e->error.text[0] = '\0';
  TRY(engine_resume(e));
  if (!in->virtual_time && in->count > e->options.batch) {
    enum camp_err err = accept(e, in);
    return err == CAMP_OK ? engine_resume(e) : engine_failed(e, err);
  }
  for (uint32_t i = 0;;) {
    uint32_t n = in->count - i < e->options.batch ? in->count - i : e->options.batch;
    bool last = i + n == in->count;
    struct store_source source = in->source;
    if (!last) {
      source.mark_at_ms = in->inputs[i + n - 1].at_ms;
      source.mark_line = in->inputs[i + n - 1].line;
    }
    enum camp_err err = fused(e, in, in->inputs + i, n, &source, last);
    if (err != CAMP_OK) return engine_failed(e, err);
    i += n;
    if (last) return CAMP_OK;
  }
}

/* --- timers -------------------------------------------------------------------------------------------------------- */

static void ids_sort(struct arena *a, int64_t *ids, uint32_t count) {
  struct sort_item *items = arena_alloc(a, 2 * ((size_t)count + 1) * sizeof *items);
  for (uint32_t i = 0; i < count; i++) items[i] = (struct sort_item){ sort_key(ids[i]), i };
  sort_items(items, items + count, count);
  for (uint32_t i = 0; i < count; i++) ids[i] = (int64_t)(items[i].key ^ sort_key(0));
}

static enum camp_err timers_batch(struct engine *e, int64_t limit_ms, uint32_t *count) {
  struct store_clock clock = e->clock;
  TRY(engine_begin(e));
  int64_t *ids = arena_alloc(&e->batch, (e->options.batch + 1) * sizeof *ids);
  TRY(store_due(e->store, limit_ms, ids, e->options.batch, count));
  /* In order of id, so that neighbours share pages; contacts do not read each other, so the order changes nothing else. */
  ids_sort(&e->batch, ids, *count);
  for (uint32_t i = 0; i < *count; i++) {
    struct live l;
    TRY(live_open(e, &l, ids[i], (struct str){ 0 }, false));
    l.changed = true; /* the timer is taken from the index in any case */
    if (!e->virtual_time && limit_ms != STORE_NEVER) l.tick_ms = limit_ms;
    TRY(live_timers(&l, limit_ms == STORE_NEVER ? limit_ms : limit_ms + 1));
    TRY(live_close(&l));
  }
  bool last = *count < e->options.batch;
  clock.event_done = store_event_last(e->store);
  clock.round_phase = last ? 0 : 1;
  clock.round_limit_ms = limit_ms;
  /* The limit is only how far was looked: the clock stands where something last happened. */
  if (e->latest_ms > clock.now_ms) clock.now_ms = e->latest_ms;
  return engine_commit(e, &clock);
}

enum camp_err engine_timers(struct engine *e, int64_t limit_ms, uint64_t *ran) {
  uint64_t total = 0;
  e->error.text[0] = '\0';
  if (e->clock.round_last > e->clock.event_done) TRY(resume_inputs(e));
  for (;;) {
    uint32_t count = 0;
    if (!e->virtual_time && e->clock.round_phase == 0) {
      /* Live and nothing due: no transaction at all. */
      int64_t next;
      enum camp_err err = store_next_timer(e->store, &next);
      if (err != CAMP_OK) return engine_failed(e, err);
      if (next > limit_ms) break;
    }
    enum camp_err err = timers_batch(e, limit_ms, &count);
    if (err != CAMP_OK) return engine_failed(e, err);
    total += count;
    if (count < e->options.batch) break;
  }
  if (ran) *ran = total;
  return CAMP_OK;
}
