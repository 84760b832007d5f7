/* Dividing work into transactions: which inputs and timers go together, and how a crash finds its way back.
 *
 * Not for what happens to one contact (tick.c).
 *
 * The inbox is the event log's tail: an accepted event is a row behind clock.event_done, so nothing is ever written twice.
 *
 *   engine_take, a batch or less:  accept + run + source's place  in one transaction
 *   engine_take, more (live):      accept all, with the round      in one transaction, then engine_resume
 *   engine_take, more (virtual):   batch after batch, in the inputs' order
 *   engine_resume:                 the round's contacts in order of id, a batch a transaction, until none is left
 *   engine_timers:                 due contacts, a batch a transaction, until none is left
 *
 * Invariants:
 * 1. A round is its last input and its time limit, stored with its first commit. Batches divide it by contact only; after a
 *    crash the same round goes on behind the last contact that was committed.
 * 2. Timers up to a limit run only when every input that arrived before that limit has been through a tick.
 * 3. Outside a round every event is behind us: what timers and batches emit is never taken for the inbox of the next round.
 * 4. A failed transaction leaves the engine and the database as they were before it. */
#include <stdlib.h>

#include "runtime/engine/tick.h"

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
  return store_begin(e->store);
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

static int by_contact(const void *a, const void *b) {
  const struct tick_input *x = *(const struct tick_input *const *)a, *y = *(const struct tick_input *const *)b;
  if (x->contact != y->contact) return x->contact < y->contact ? -1 : 1;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

static int by_contact_as_given(const void *a, const void *b) {
  const struct tick_input *x = *(const struct tick_input *const *)a, *y = *(const struct tick_input *const *)b;
  if (x->contact != y->contact) return x->contact < y->contact ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

static struct tick_input **sorted(struct engine *e, struct tick_input *inputs, uint32_t count, bool as_given) {
  struct tick_input **order = arena_alloc(&e->batch, (count + 1) * sizeof *order);
  bool rising = true;
  for (uint32_t i = 0; i < count; i++) {
    order[i] = &inputs[i];
    if (i && inputs[i - 1].contact >= inputs[i].contact) rising = false;
  }
  if (!rising) qsort(order, count, sizeof *order, as_given ? by_contact_as_given : by_contact);
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
  struct tick_input **order = sorted(e, inputs, count, as_given);
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

/* Contacts found or made, times settled: the inputs as the tick takes them. */
static enum camp_err prepare(struct engine *e, const struct engine_inputs *in, const struct input *inputs, uint32_t count,
                             struct tick_input **out, uint32_t *out_count) {
  struct key_lookup *keys = arena_alloc(&e->batch, (count + 1) * sizeof *keys);
  struct tick_input *ticks = arena_alloc(&e->batch, (count + 1) * sizeof *ticks);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct input *input = &inputs[i];
    int64_t at_ms = input->has_at ? input->at_ms : in->arrival_ms;
    if (too_far_ahead(in, at_ms)) {
      TRY(reject(e, in, input, STR("its time is more than 24 hours ahead of this machine's clock")));
      continue;
    }
    bool named;
    TRY(name_event(e, input, &named));
    if (!named) {
      TRY(reject(e, in, input, STR("the database knows too many different names of events to take a new one")));
      continue;
    }
    int64_t arrival_ms = in->virtual_time ? at_ms : in->arrival_ms;
    keys[n] = (struct key_lookup){ .key = input->key };
    ticks[n] = (struct tick_input){
      .at_ms = at_ms < arrival_ms ? at_ms : arrival_ms, .arrival_ms = arrival_ms, .ident = ident_of(input->id), .order = n,
      .kind = e->options.import ? EVENT_IMPORTED : input->identify ? EVENT_IDENTIFY : EVENT_TRACK, .identify = input->identify,
      .key = input->key, .name = input->name, .body = input->props, .zone = input->zone };
    n++;
  }
  TRY(store_contacts(e->store, keys, n, true, in->arrival_ms));
  for (uint32_t i = 0; i < n; i++) {
    ticks[i].contact = keys[i].id;
    ticks[i].fresh = keys[i].fresh;
  }
  *out = ticks;
  *out_count = n;
  return CAMP_OK;
}

static enum camp_err put_rest(struct engine *e, const struct engine_inputs *in, const struct store_source *source, bool rejects) {
  for (uint32_t i = 0; rejects && i < in->reject_count; i++) TRY(store_reject_put(e->store, &in->rejects[i]));
  if (rejects) e->pending.rejects += in->reject_count;
  return in->source_key.len ? store_source_put(e->store, in->source_key, source) : CAMP_OK;
}

static enum camp_err fused(struct engine *e, const struct engine_inputs *in, const struct input *inputs, uint32_t count,
                           const struct store_source *source, bool last) {
  struct tick_input *ticks;
  uint32_t n;
  struct store_clock clock = e->clock;
  TRY(engine_begin(e));
  TRY(prepare(e, in, inputs, count, &ticks, &n));
  TRY(run_inputs(e, ticks, n, in->virtual_time));
  TRY(put_rest(e, in, source, last));
  clock.event_done = store_event_last(e->store);
  /* An import is about the past, whenever it takes place. */
  if (!in->virtual_time && !e->options.import) clock.now_ms = in->arrival_ms;
  if (in->virtual_time && n && ticks[n - 1].at_ms > clock.now_ms) clock.now_ms = ticks[n - 1].at_ms;
  return engine_commit(e, &clock);
}

static enum camp_err accept_one(struct engine *e, const struct tick_input *in) {
  /* A zone that came beside the event waits where the outcome will be: the tick reads the one and writes the other. */
  struct event_row row = { .contact = in->contact, .at_ms = in->at_ms, .received_ms = in->arrival_ms, .kind = in->kind,
                           .ident = in->ident, .body = in->body, .outcome = in->zone };
  TRY(engine_event_id(e, image_symbol(e->image, in->name), in->name, &row.name));
  return store_event_put(e->store, &row);
}

/* The durable inbox: everything is accepted in one transaction; the round says what is to be run. */
static enum camp_err accept(struct engine *e, const struct engine_inputs *in) {
  struct tick_input *ticks;
  uint32_t n;
  struct store_clock clock = e->clock;
  TRY(engine_begin(e));
  TRY(prepare(e, in, in->inputs, in->count, &ticks, &n));
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

/* The inbox's rows of the round, as inputs, behind the last finished contact. */
static enum camp_err load_round(struct engine *e, struct arena *a, struct tick_input **out, uint32_t *count) {
  struct event_row *rows;
  uint32_t n = 0, kept = 0;
  TRY(store_inbox(e->store, a, e->clock.event_done, e->clock.round_last, UINT32_MAX, &rows, &n));
  struct tick_input *ticks = arena_alloc(a, (n + 1) * sizeof *ticks);
  for (uint32_t i = 0; i < n; i++) {
    const struct event_row *r = &rows[i];
    if (r->contact <= e->clock.round_contact) continue;
    struct str name = store_name_text(e->store, r->name);
    ticks[kept] = (struct tick_input){ .contact = r->contact, .at_ms = r->at_ms, .arrival_ms = r->received_ms, .id = r->id,
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

static enum camp_err round_batch(struct engine *e, struct tick_input **order, uint32_t count, uint32_t *done) {
  struct store_clock clock = e->clock;
  uint32_t i = 0;
  TRY(engine_begin(e));
  while (i < count && i < e->options.batch) {
    uint32_t ran;
    TRY(run_contact(e, order + i, count - i, &ran));
    i += ran;
  }
  clock.round_contact = order[i - 1]->contact;
  if (i == count) {
    clock.event_done = store_event_last(e->store);
    clock.round_last = clock.round_contact = 0;
  }
  *done = i;
  return engine_commit(e, &clock);
}

static enum camp_err resume_inputs(struct engine *e) {
  struct arena a;
  struct tick_input *ticks;
  uint32_t n = 0;
  /* The round outlives its transactions, so it has an arena of its own. */
  arena_init(&a, 1 << 20);
  enum camp_err err = load_round(e, &a, &ticks, &n);
  if (err == CAMP_OK && n == 0) {
    struct store_clock clock = e->clock;
    clock.event_done = store_event_last(e->store);
    clock.round_last = clock.round_contact = 0;
    err = engine_begin(e);
    if (err == CAMP_OK) err = engine_commit(e, &clock);
  } else if (err == CAMP_OK) {
    struct tick_input **order = arena_alloc(&a, (n + 1) * sizeof *order);
    for (uint32_t i = 0; i < n; i++) order[i] = &ticks[i];
    qsort(order, n, sizeof *order, by_contact);
    for (uint32_t i = 0, done; err == CAMP_OK && i < n; i += done) err = round_batch(e, order + i, n - i, &done);
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

static int by_id(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static enum camp_err timers_batch(struct engine *e, int64_t limit_ms, uint32_t *count) {
  struct store_clock clock = e->clock;
  TRY(engine_begin(e));
  int64_t *ids = arena_alloc(&e->batch, (e->options.batch + 1) * sizeof *ids);
  TRY(store_due(e->store, limit_ms, ids, e->options.batch, count));
  /* In order of id, so that neighbours share pages; contacts do not read each other, so the order changes nothing else. */
  qsort(ids, *count, sizeof *ids, by_id);
  for (uint32_t i = 0; i < *count; i++) {
    struct live l;
    TRY(live_open(e, &l, ids[i], (struct str){ 0 }, false));
    l.changed = true; /* the timer is taken from the index in any case */
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
