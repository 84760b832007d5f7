/* Which segments a contact is in, as its state remembers it; see contact.h.
 *
 * Not for the bytes (contact.c) and not for whether it should be in them (the engine asks the segments' units).
 *
 * Invariant: segments is sorted by id without repetition, and holds no state that says nothing (not in, no flip). */
#include "contact.h"

static uint32_t place_of(const struct contact *c, uint32_t id) {
  uint32_t low = 0, n = c->segments.count;
  while (n) {
    uint32_t half = n / 2;
    if (c->segments.items[low + half].id < id) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

struct segment_state contact_segment(const struct contact *c, uint32_t segment) {
  uint32_t place = place_of(c, segment);
  if (place < c->segments.count && c->segments.items[place].id == segment) return c->segments.items[place];
  return (struct segment_state){ .id = segment, .flip_ms = INT64_MAX };
}

bool contact_in_segment(const struct contact *c, uint32_t segment) { return contact_segment(c, segment).in; }

void contact_segment_put(struct contact *c, struct segment_state s) {
  uint32_t place = place_of(c, s.id);
  bool there = place < c->segments.count && c->segments.items[place].id == s.id;
  bool says_something = s.in || s.flip_ms != INT64_MAX;
  if (there && says_something) {
    c->segments.items[place] = s;
  } else if (there) {
    c->segments.count--;
    memmove(c->segments.items + place, c->segments.items + place + 1, (c->segments.count - place) * sizeof s);
  } else if (says_something) {
    VEC_PUSH(c->arena, &c->segments, s);
    struct segment_state *items = c->segments.items;
    memmove(items + place + 1, items + place, (c->segments.count - 1 - place) * sizeof s);
    items[place] = s;
  }
}

int64_t contact_flip(const struct contact *c) {
  int64_t flip = INT64_MAX;
  for (uint32_t i = 0; i < c->segments.count; i++)
    if (c->segments.items[i].flip_ms < flip) flip = c->segments.items[i].flip_ms;
  return flip;
}
