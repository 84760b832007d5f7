/* Which segments a contact is in, as its state remembers it; see contact.h.
 *
 * Not for the bytes (contact_bytes.c) and not for whether it should be in them (the engine asks the segments' units).
 *
 * Invariant: segments is sorted by id without repetition, and holds no state that says nothing (not in, no flip). */
#include "contact.h"

#include "base/sorted.h"

struct segment_state contact_segment(const struct contact *c, uint32_t segment) {
  uint32_t place = SORTED_PLACE(&c->segments, segment);
  if (SORTED_IS_AT(&c->segments, place, segment)) return c->segments.items[place];
  return (struct segment_state){ .id = segment, .flip_ms = INT64_MAX };
}

bool contact_in_segment(const struct contact *c, uint32_t segment) { return contact_segment(c, segment).in; }

void contact_segment_put(struct contact *c, struct segment_state s) {
  uint32_t place = SORTED_PLACE(&c->segments, s.id);
  bool there = SORTED_IS_AT(&c->segments, place, s.id);
  bool says_something = s.in || s.flip_ms != INT64_MAX;
  if (there && says_something) c->segments.items[place] = s;
  else if (there) SORTED_TAKE(&c->segments, place);
  else if (says_something) SORTED_PUT(c->arena, &c->segments, place, s);
}

int64_t contact_flip(const struct contact *c) {
  int64_t flip = INT64_MAX;
  for (uint32_t i = 0; i < c->segments.count; i++)
    if (c->segments.items[i].flip_ms < flip) flip = c->segments.items[i].flip_ms;
  return flip;
}
