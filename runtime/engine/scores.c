/* Points: what events and statements earn, and the place of each contact in a score's ranking.
 *
 * Not for how points decay (vm/score.c) or for when a condition on them turns (vm/flip.c).
 *
 * Invariants:
 * 1. An event earns its points at its own time, before anything asks; a late one those that are left of them by now.
 * 2. `passes` is an event of each rise, with what the score was and what it is; who listens tells whether that passed anything.
 *    Nothing but points lifts a score above 0, so no timer is needed for it.
 * 3. A score that is new or was changed is worked out again from the log; what statements gave stays.
 * 4. The ranking has one row a contact and score, whose key does not change as time goes by: of two contacts with points, the one who
 *    has more now has more for all time, unless points come. See rank_of. */
#include "runtime/engine/tick.h"

#include <math.h>

/* --- ranking --------------------------------------------------------------------------------------------------------- */

/* points * 2^(-(t - at) / half) compares at every t like log2(points) + at / half. Below 0 it is the other way round. */
static struct score_place rank_of(const struct score_state *s, int64_t half_ms) {
  double points = s->by_rules + s->by_hand;
  struct score_place p = { .sign = (points > 0) - (points < 0), .rank = points, .points = points, .at_ms = s->at_ms, .half_ms = half_ms };
  if (half_ms > 0 && p.sign) p.rank = p.sign * (log2(fabs(points)) + (double)s->at_ms / (double)half_ms);
  return p;
}

static enum camp_err rank(struct live *l, const struct image_score *s, const struct score_state *was, const struct score_state *is) {
  struct score_place from = { 0 }, to = rank_of(is, s->half_ms);
  if (was) from = rank_of(was, s->half_ms);
  return store_score_put(l->e->store, s->stored_id, l->c.id, was ? &from : NULL, &to);
}

/* --- points ---------------------------------------------------------------------------------------------------------- */

static void queue_passing(struct live *l, const struct image_score *s, double from, double to) {
  if (!s->passes.len || to <= from || l->import_ms != INT64_MIN) return;
  struct buf body;
  buf_init(&body, 256);
  buf_printf(&body, "{\"from\":%.17g,\"to\":%.17g}", from, to);
  live_queue_internal(l, s->passes, arena_str(&l->e->contact, buf_as_str(&body)));
  buf_deinit(&body);
}

static enum camp_err add(struct live *l, uint32_t score, double points, bool by_hand, int64_t at_ms) {
  const struct image_score *s = image_score(l->e->image, score);
  bool fresh = contact_score(&l->c, s->stored_id) == NULL;
  struct score_state *state = contact_score_make(&l->c, s->stored_id), was = *state;
  double before = score_at(state, s->half_ms, l->now_ms);
  score_add(state, s->half_ms, points, by_hand, at_ms);
  l->changed = true;
  segments_mark(l, LOOK_SCORE, unit_name(s->unit));
  queue_passing(l, s, before, score_at(state, s->half_ms, l->now_ms));
  return rank(l, s, fresh ? NULL : &was, state);
}

static bool earns(struct live *l, const struct image_points *p, struct env *env) {
  const struct unit *u = image_score(l->e->image, p->score)->unit;
  return p->rule->filter_pc == NONE || value_true(vm_eval(&l->e->vm, u, p->rule->filter_pc, NULL, env));
}

enum camp_err scores_take(struct live *l) {
  uint32_t count;
  const struct image_points *points = image_event_points(l->e->image, l->event->name, &count);
  for (uint32_t i = 0; i < count; i++) {
    struct env env = live_env(l);
    if (earns(l, &points[i], &env)) TRY(add(l, points[i].score, points[i].rule->points.n, false, l->event->at_ms));
  }
  return CAMP_OK;
}

enum camp_err scores_effect(struct live *l, const struct effect *f) {
  uint32_t score = image_score_find(l->e->image, image_symbol(l->e->image, f->name));
  if (score == NONE) {
    live_outcome(l, STR_FMT ": no points: the present program has no such score", STR_ARG(f->name));
    return CAMP_OK;
  }
  if (f->values[0].type != V_NUMBER) {
    live_outcome(l, STR_FMT ": no points: their number is missing", STR_ARG(f->name));
    return CAMP_OK;
  }
  return add(l, score, f->values[0].n, true, l->now_ms);
}

/* --- deploys --------------------------------------------------------------------------------------------------------- */

static const struct image_score *score_of(const struct engine *e, uint32_t id) {
  for (uint32_t i = 0; i < image_score_count(e->image); i++)
    if (image_score(e->image, i)->stored_id == id) return image_score(e->image, i);
  return NULL;
}

enum camp_err scores_merge(struct live *l, const struct score_state *theirs, int64_t other) {
  const struct image_score *s = score_of(l->e, theirs->id);
  if (!s) return CAMP_OK;
  struct score_place place = rank_of(theirs, s->half_ms);
  TRY(store_score_remove(l->e->store, theirs->id, other, &place));
  bool fresh = contact_score(&l->c, theirs->id) == NULL;
  struct score_state *own = contact_score_make(&l->c, theirs->id), was = *own;
  score_add(own, s->half_ms, theirs->by_rules, false, theirs->at_ms);
  score_add(own, s->half_ms, theirs->by_hand, true, theirs->at_ms);
  l->changed = true;
  segments_mark(l, LOOK_SCORE, unit_name(s->unit));
  return rank(l, s, fresh ? NULL : &was, own);
}

bool scores_any_younger(const struct live *l) {
  for (uint32_t i = 0; i < image_score_count(l->e->image); i++)
    if (image_score(l->e->image, i)->epoch > l->c.measures_as_of) return true;
  return false;
}

void scores_fill_begin(struct live *l) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < l->c.scores.count; i++) {
    struct score_state s = l->c.scores.items[i];
    const struct image_score *score = score_of(l->e, s.id);
    if (!score) continue; /* its ranking went with it */
    if (score->epoch > l->c.measures_as_of) s.by_rules = 0;
    l->c.scores.items[kept++] = s;
  }
  if (kept != l->c.scores.count) l->changed = true;
  l->c.scores.count = kept;
}

void scores_fill_from(struct live *l, const struct event *event, struct env *env) {
  uint32_t count;
  const struct image_points *points = image_event_points(l->e->image, event->name, &count);
  for (uint32_t i = 0; i < count; i++) {
    const struct image_score *s = image_score(l->e->image, points[i].score);
    if (s->epoch <= l->c.measures_as_of || !earns(l, &points[i], env)) continue;
    score_add(contact_score_make(&l->c, s->stored_id), s->half_ms, points[i].rule->points.n, false, event->at_ms);
  }
}

enum camp_err scores_fill_end(struct live *l) {
  for (uint32_t i = 0; i < l->c.scores.count; i++) {
    const struct score_state *state = &l->c.scores.items[i];
    const struct image_score *s = score_of(l->e, state->id);
    if (!s || s->epoch <= l->c.measures_as_of) continue;
    l->changed = true;
    segments_mark(l, LOOK_SCORE, unit_name(s->unit));
    TRY(rank(l, s, NULL, state));
  }
  return CAMP_OK;
}

enum camp_err scores_number(struct engine *e) {
  for (uint32_t i = 0; i < image_score_count(e->image); i++) {
    struct image_score *s = image_score(e->image, i);
    TRY(store_name(e->store, NAME_SCORE, unit_name(s->unit), &s->stored_id));
    s->epoch = store_name_epoch(e->store, s->stored_id);
  }
  return CAMP_OK;
}
