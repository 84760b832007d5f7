#ifndef CAMP_BASE_SORTED_H
#define CAMP_BASE_SORTED_H
/* Vectors (VEC of arena.h) sorted by an id without repetition: where one stands, room for one more, one less.
 *
 * The id is the first member of each item, a uint32_t. A place is an index; it holds until the vector changes. Inline, so that the
 * size of an item is known where it is searched. */
#include "arena.h"

static inline uint32_t sorted_id(const void *items, size_t item_bytes, uint32_t place) {
  uint32_t id;
  memcpy(&id, (const char *)items + place * item_bytes, sizeof id);
  return id;
}

static inline uint32_t sorted_place(const void *items, size_t item_bytes, uint32_t count, uint32_t id) {
  uint32_t low = 0;
  while (count) {
    uint32_t half = count / 2;
    if (sorted_id(items, item_bytes, low + half) < id) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

/* Where the id is, or would be. */
#define SORTED_PLACE(v, id) sorted_place((v)->items, sizeof *(v)->items, (v)->count, (id))
/* Whether it is there. */
#define SORTED_IS_AT(v, place, id) \
  ((place) < (v)->count && sorted_id((v)->items, sizeof *(v)->items, (place)) == (id))
/* Puts the item at its place, SORTED_PLACE of its id; what stood there and behind it moves on. */
#define SORTED_PUT(a, v, place, item)                                                                                   \
  do {                                                                                                                  \
    VEC_PUSH((a), (v), (item));                                                                                         \
    memmove((v)->items + (place) + 1, (v)->items + (place), ((v)->count - 1 - (place)) * sizeof *(v)->items);           \
    (v)->items[place] = (item);                                                                                         \
  } while (0)
/* Takes the item at this place away. */
#define SORTED_TAKE(v, place)                                                                                           \
  do {                                                                                                                  \
    (v)->count--;                                                                                                       \
    memmove((v)->items + (place), (v)->items + (place) + 1, ((v)->count - (place)) * sizeof *(v)->items);               \
  } while (0)
#endif
