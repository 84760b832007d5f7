#ifndef CAMP_BASE_SORT_H
#define CAMP_BASE_SORT_H
/* Order by a number, for the many small items of a batch: an item is its key and where it stood. Items of one key keep the order in
 * which they stood, so the answer is one and the same whatever the method. Nothing is allocated. */
#include <stdbool.h>
#include <stdint.h>

struct sort_item {
  uint64_t key;
  uint32_t index; /* where it stood: 0, 1, 2 … in the order given */
};
/* Rising by key. spare: room for as many. */
void sort_items(struct sort_item *items, struct sort_item *spare, uint32_t count);
/* Signed numbers in the order of their size. */
static inline uint64_t sort_key(int64_t n) { return (uint64_t)n ^ UINT64_C(1) << 63; }
#endif
