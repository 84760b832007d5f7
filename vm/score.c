/* Points of one contact in one score; see contact.h.
 *
 * Not for which events earn them (the image and the engine) nor for the bytes (contact_bytes.c).
 *
 * Invariants:
 * 1. Points decay evenly: value * 2^(-t / half-life), at every moment and not in steps. So the order in which points came does not
 *    matter, and one value as of one moment is all that is kept.
 * 2. scores is sorted by id without repetition; values are finite. */
#include "contact.h"

#include <math.h>

#include "base/sorted.h"

double score_decay(double points, int64_t half_ms, int64_t from_ms, int64_t to_ms) {
  if (half_ms <= 0 || to_ms <= from_ms) return points;
  return points * exp2(-((double)(to_ms - from_ms) / (double)half_ms));
}

double score_at(const struct score_state *s, int64_t half_ms, int64_t at_ms) {
  return s ? score_decay(s->by_rules + s->by_hand, half_ms, s->at_ms, at_ms) : 0;
}

static double bounded(double points) { return points > 1e300 ? 1e300 : points < -1e300 ? -1e300 : points; }

void score_add(struct score_state *s, int64_t half_ms, double points, bool by_hand, int64_t at_ms) {
  if (s->by_rules == 0 && s->by_hand == 0) s->at_ms = at_ms;
  if (at_ms > s->at_ms) {
    s->by_rules = score_decay(s->by_rules, half_ms, s->at_ms, at_ms);
    s->by_hand = score_decay(s->by_hand, half_ms, s->at_ms, at_ms);
    s->at_ms = at_ms;
  }
  double now = score_decay(points, half_ms, at_ms, s->at_ms);
  if (by_hand) s->by_hand = bounded(s->by_hand + now);
  else s->by_rules = bounded(s->by_rules + now);
}

const struct score_state *contact_score(const struct contact *c, uint32_t score) {
  uint32_t place = SORTED_PLACE(&c->scores, score);
  return SORTED_IS_AT(&c->scores, place, score) ? &c->scores.items[place] : NULL;
}

struct score_state *contact_score_make(struct contact *c, uint32_t score) {
  uint32_t place = SORTED_PLACE(&c->scores, score);
  if (!SORTED_IS_AT(&c->scores, place, score))
    SORTED_PUT(c->arena, &c->scores, place, ((struct score_state){ .id = score, .at_ms = c->clock_ms }));
  return &c->scores.items[place];
}
