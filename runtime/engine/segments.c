/* Which segments a contact is in: asked when something that a segment looks at has changed, and at the moment at which its answer
 * changes by time alone.
 *
 *   an event, an attribute, a list …  --> segments_mark    --+
 *   a flip is due (live_timers)       --> segments_flip    --+--> segments_settle: asks what is marked, in the image's order
 *   a deploy brought new ones         --> live_fill_segments -+         |
 *                                                                       +--> state, member table, `enters X` queued
 *
 * Not for what a condition means or when it turns (vm/flip.c).
 *
 * Invariants:
 * 1. What is not marked is not asked: an event costs only the segments that look at it.
 * 2. Asking twice at one instant gives the same, so where the marks came from and how often does not matter.
 * 3. A contact's state says of every segment of the present program whether it is in and when it flips; a segment without a state
 *    answered no, for ever unless something that it looks at changes. Segments that say so of a contact nobody knows anything of
 *    are not asked when one is first heard of; the others are (`born`).
 * 4. A segment is never asked as of a moment before it was last asked, nor before it first appeared: c.segments_ms.
 * 5. Who is in a segment when it appears, or by an import, did not enter it: then nothing is queued. */
#include "runtime/engine/tick.h"

#include <stdlib.h>

static bool any(const struct engine *e) { return e->segment_count > 0; }

static void mark(struct live *l, uint32_t segment) {
  l->e->segments_marked[segment / 64] |= UINT64_C(1) << segment % 64;
  l->segments_marked = true;
}

void segments_mark_measure(struct live *l, uint32_t measure) {
  const struct image_measure *m = image_measure(l->e->image, measure);
  if (!m->looker_count) return;
  uint32_t count;
  const uint32_t *lookers = image_lookers(l->e->image, LOOK_MEASURE, measure, &count);
  for (uint32_t i = 0; i < count; i++) mark(l, lookers[i]);
}

void segments_mark(struct live *l, enum look look, struct str name) {
  uint32_t count, symbol = any(l->e) ? image_symbol(l->e->image, name) : NONE;
  if (symbol == NONE) return;
  const uint32_t *lookers = image_lookers(l->e->image, look, symbol, &count);
  for (uint32_t i = 0; i < count; i++) mark(l, lookers[i]);
}

void segments_mark_all(struct live *l) {
  for (uint32_t i = 0; i < l->e->segment_count; i++) mark(l, i);
}

void segments_mark_known(struct live *l) {
  for (uint32_t i = 0; i < l->e->born_count; i++) mark(l, l->e->born[i]);
}

/* --- asking ---------------------------------------------------------------------------------------------------------- */

static enum camp_err moved(struct live *l, const struct image_segment *s, bool in, int64_t now_ms) {
  struct engine *e = l->e;
  uint32_t count;
  const uint32_t *lookers = image_lookers(e->image, LOOK_SEGMENT, s->symbol, &count);
  for (uint32_t i = 0; i < count; i++) mark(l, lookers[i]);
  if (in) live_schedules_joined(l, s->stored_id, now_ms);
  if (!l->segments_silent) live_queue_internal(l, in ? s->enters : s->leaves, (struct str){ 0 });
  return in ? store_member_put(e->store, s->stored_id, l->c.id, now_ms) : store_member_remove(e->store, s->stored_id, l->c.id);
}

static enum camp_err ask(struct live *l, uint32_t segment, int64_t now_ms) {
  const struct image_segment *s = image_segment(l->e->image, segment);
  struct segment_state was = contact_segment(&l->c, s->stored_id), is = was;
  struct env env = live_env(l);
  is.flip_ms = INT64_MAX;
  env.event = NULL;
  env.now_ms = env.base_ms = now_ms;
  env.flip_ms = &is.flip_ms;
  is.in = value_true(vm_eval(&l->e->vm, s->unit, 0, NULL, &env));
  if (is.in == was.in && is.flip_ms == was.flip_ms) return CAMP_OK;
  if (is.in && !was.in) is.since_ms = now_ms;
  contact_segment_put(&l->c, is);
  l->changed = true;
  return is.in == was.in ? CAMP_OK : moved(l, s, is.in, now_ms);
}

enum camp_err segments_settle(struct live *l) {
  struct engine *e = l->e;
  if (!l->segments_marked || l->import_ms != INT64_MIN) return CAMP_OK;
  if (l->now_ms > l->c.segments_ms) l->c.segments_ms = l->now_ms;
  /* The lowest mark first: what a segment marks when it changes looks at it, and so stands behind it. A mark before it, which only
   * a circle makes, is not for now. */
  for (uint32_t w = 0; w < (e->segment_count + 63) / 64; w++)
    while (e->segments_marked[w]) {
      uint32_t bit = (uint32_t)__builtin_ctzll(e->segments_marked[w]);
      uint64_t behind = bit == 63 ? 0 : UINT64_MAX << (bit + 1);
      e->segments_marked[w] &= behind;
      TRY(ask(l, w * 64 + bit, l->c.segments_ms));
      e->segments_marked[w] &= behind;
    }
  segments_forget_marks(l);
  return CAMP_OK;
}

void segments_forget_marks(struct live *l) {
  if (!l->segments_marked) return;
  memset(l->e->segments_marked, 0, (l->e->segment_count + 63) / 64 * sizeof *l->e->segments_marked);
  l->segments_marked = false;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static uint32_t segment_of(const struct engine *e, uint32_t id) { return id < e->segment_id_max ? e->segment_by_id[id] : NONE; }

void segments_flip(struct live *l) {
  for (uint32_t i = 0; i < l->c.segments.count; i++) {
    struct segment_state *s = &l->c.segments.items[i];
    if (s->flip_ms > l->now_ms) continue;
    uint32_t segment = segment_of(l->e, s->id);
    if (segment != NONE) mark(l, segment);
    else s->flip_ms = INT64_MAX; /* of a damaged row; a deploy forgets the states of segments that are gone */
  }
}

/* --- in silence ------------------------------------------------------------------------------------------------------ */

static enum camp_err settle_silently(struct live *l, int64_t as_of_ms) {
  int64_t now_ms = l->now_ms;
  l->now_ms = as_of_ms;
  l->segments_silent = true;
  enum camp_err err = segments_settle(l);
  l->segments_silent = false;
  l->now_ms = now_ms;
  return err;
}

enum camp_err segments_imported(struct live *l) {
  int64_t as_of_ms = l->import_ms;
  if (as_of_ms == INT64_MIN) return CAMP_OK;
  l->import_ms = INT64_MIN;
  return settle_silently(l, as_of_ms > l->c.clock_ms ? as_of_ms : l->c.clock_ms);
}

/* What the present program does not have, and what an earlier program meant by the name, is forgotten: the deploy has emptied the
 * table of members. */
static void forget_states(struct live *l, uint32_t as_of) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < l->c.segments.count; i++) {
    uint32_t segment = segment_of(l->e, l->c.segments.items[i].id);
    if (segment == NONE || image_segment(l->e->image, segment)->epoch > as_of) continue;
    l->c.segments.items[kept++] = l->c.segments.items[i];
  }
  if (kept != l->c.segments.count) l->changed = true;
  l->c.segments.count = kept;
}

enum camp_err live_fill_segments(struct live *l, bool *filled) {
  struct engine *e = l->e;
  bool was_changed = l->changed;
  int64_t as_of_ms = l->c.clock_ms;
  l->changed = false;
  forget_states(l, l->c.measures_as_of);
  for (uint32_t i = 0; i < e->segment_count; i++) {
    const struct image_segment *s = image_segment(e->image, i);
    if (s->epoch <= l->c.measures_as_of) continue;
    mark(l, i);
    if (s->since_ms > as_of_ms) as_of_ms = s->since_ms;
  }
  TRY(settle_silently(l, as_of_ms));
  *filled = l->changed;
  l->changed |= was_changed;
  return CAMP_OK;
}

int64_t segments_once(const struct live *l) {
  int64_t flip_ms = INT64_MAX;
  for (uint32_t i = 0; i < l->c.segments.count; i++) {
    const struct segment_state *s = &l->c.segments.items[i];
    uint32_t segment = segment_of(l->e, s->id);
    if (s->flip_ms < flip_ms && segment != NONE && !image_segment(l->e->image, segment)->recurs) flip_ms = s->flip_ms;
  }
  return flip_ms;
}

bool segments_recur(const struct engine *e) {
  for (uint32_t i = 0; i < e->segment_count; i++)
    if (image_segment(e->image, i)->recurs) return true;
  return false;
}

/* --- opening --------------------------------------------------------------------------------------------------------- */

/* Whether the segment may hold or flip for a contact of whom nothing is known but when it was first heard of. Asked as of the
 * earliest moment that there is: what then is false and does not flip stays so for ever. */
static bool is_born(struct engine *e, const struct image_segment *s) {
  struct contact nobody;
  int64_t flip_ms = INT64_MAX;
  if (s->known) return true;
  arena_reset(&e->contact);
  CHECK(contact_read(&nobody, &e->contact, (struct str){ 0 }) == CAMP_OK);
  nobody.attributes = (struct str){ 0 };
  int64_t first_ms = calendar_days(LIMIT_YEAR_MIN, 1, 1) * MS_PER_DAY;
  struct env env = { .image = e->image, .contact = &nobody, .now_ms = first_ms, .base_ms = first_ms, .zone = e->zone,
                     .scratch = &e->contact, .flip_ms = &flip_ms };
  return value_true(vm_eval(&e->vm, s->unit, 0, NULL, &env)) || flip_ms != INT64_MAX;
}

enum camp_err segments_number(struct engine *e) {
  e->segment_count = image_segment_count(e->image);
  for (uint32_t i = 0; i < e->segment_count; i++) {
    struct image_segment *s = image_segment(e->image, i);
    TRY(store_name(e->store, NAME_SEGMENT, unit_name(s->unit), &s->stored_id));
    s->epoch = store_name_epoch(e->store, s->stored_id);
    TRY(store_deploy_at(e->store, s->epoch, &s->since_ms));
    if (s->stored_id >= e->segment_id_max) e->segment_id_max = s->stored_id + 1;
  }
  return CAMP_OK;
}

void segments_open(struct engine *e) {
  uint32_t count = e->segment_count;
  if (!count) return;
  e->segments_marked = arena_zalloc(&e->units, (count + 63) / 64, sizeof *e->segments_marked);
  e->born = arena_alloc(&e->units, count * sizeof *e->born);
  e->segment_by_id = arena_alloc(&e->units, e->segment_id_max * sizeof *e->segment_by_id);
  for (uint32_t i = 0; i < e->segment_id_max; i++) e->segment_by_id[i] = NONE;
  /* Those that a born one could make true are reached from it, by their marks. */
  for (uint32_t i = 0; i < count; i++) {
    const struct image_segment *s = image_segment(e->image, i);
    e->segment_by_id[s->stored_id] = i;
    if (is_born(e, s)) e->born[e->born_count++] = i;
  }
}
