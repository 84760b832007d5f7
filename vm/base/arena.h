#ifndef CAMP_BASE_ARENA_H
#define CAMP_BASE_ARENA_H
/* Memory released at once. One arena a compile; one scratch arena a batch, reset after commit.
 * Invariants: allocations are 16-byte aligned and live until reset or deinit; reset keeps the
 * memory for reuse, so a steady state makes no system call; running out of memory ends the process
 * (a crash is a tested path), so no call returns NULL. Not thread-safe. */
#include "str.h"

struct arena_block;
struct arena {
  struct arena_block *first, *current;
  size_t used;        /* bytes used in the current block */
  size_t block_bytes; /* size of the next ordinary block */
};

void arena_init(struct arena *a, size_t block_bytes);
void arena_reset(struct arena *a);
void arena_deinit(struct arena *a);
/* What `from` holds lives on in `a`, where it is; `from` is empty then. For threads that filled an arena each. */
void arena_adopt(struct arena *a, struct arena *from);
/* Uninitialised bytes; bytes may be 0. */
void *arena_alloc(struct arena *a, size_t bytes);
/* Zeroed bytes for count items; ends the process on overflow. */
void *arena_zalloc(struct arena *a, size_t count, size_t item_bytes);
/* A copy, followed by a NUL that is not counted. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for one more in an arena-held vector: doubles *cap when full. Use through VEC_PUSH. */
void *arena_grow(struct arena *a, void *items, size_t count, uint32_t *cap, size_t item_bytes);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), 1, sizeof(type)))
/* A vector in an arena: struct { T *items; uint32_t count, cap; }. The old items stay in the arena. */
#define VEC(T) struct { T *items; uint32_t count, cap; }
#define VEC_PUSH(a, v, item)                                                                        \
  do {                                                                                              \
    if ((v)->count == (v)->cap)                                                                     \
      (v)->items = arena_grow((a), (v)->items, (v)->count, &(v)->cap, sizeof *(v)->items);          \
    (v)->items[(v)->count++] = (item);                                                              \
  } while (0)
#endif
