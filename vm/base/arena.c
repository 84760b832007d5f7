/* Blocks in a list, filled one after another; see arena.h. */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "check.h"

struct arena_block {
  struct arena_block *next;
  size_t bytes;
  _Alignas(16) unsigned char data[];
};

enum { ALIGN = 16, HUGE_FROM_BYTES = 1 << 20, HUGE_BYTES = 2 << 20 };

static _Noreturn void out_of_memory(void) {
  fputs("camp: out of memory; the database is as of its last commit\n", stderr);
  exit(70);
}

void arena_init(struct arena *a, size_t block_bytes) {
  *a = (struct arena){ .block_bytes = block_bytes < 256 ? 256 : block_bytes };
}

void arena_reset(struct arena *a) {
  a->current = a->first;
  a->used = 0;
}

void arena_deinit(struct arena *a) {
  struct arena_block *b = a->first;
  while (b) {
    struct arena_block *next = b->next;
    free(b);
    b = next;
  }
  arena_init(a, a->block_bytes);
}

/* One huge page, where the system has them, and all its pages at once where it has not: thousands of page faults one by one, and
 * as many entries of the TLB, cost a compile a quarter of its time. Advice that the system cannot take changes nothing. */
static struct arena_block *block_huge(void) {
  struct arena_block *b = aligned_alloc(HUGE_BYTES, HUGE_BYTES);
  if (!b) out_of_memory();
#ifdef MADV_HUGEPAGE
  (void)madvise(b, HUGE_BYTES, MADV_HUGEPAGE);
#endif
#ifdef MADV_POPULATE_WRITE
  (void)madvise(b, HUGE_BYTES, MADV_POPULATE_WRITE);
#endif
  b->next = NULL;
  b->bytes = HUGE_BYTES - sizeof *b;
  return b;
}

static struct arena_block *block_new(size_t bytes) {
  if (bytes > SIZE_MAX - sizeof(struct arena_block)) out_of_memory();
  struct arena_block *b = malloc(sizeof *b + bytes);
  if (!b) out_of_memory();
  b->next = NULL;
  b->bytes = bytes;
  return b;
}

void *arena_alloc(struct arena *a, size_t bytes) {
  if (bytes > SIZE_MAX - ALIGN) out_of_memory();
  bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  if (bytes == 0) bytes = ALIGN;
  if (a->current && a->current->bytes - a->used >= bytes) {
    void *p = a->current->data + a->used;
    a->used += bytes;
    return p;
  }
  /* Look through the kept blocks behind the current one before asking the system. */
  struct arena_block *last = a->current;
  for (struct arena_block *b = a->current ? a->current->next : a->first; b; b = b->next) {
    if (b->bytes >= bytes) {
      a->current = b;
      a->used = bytes;
      return b->data;
    }
    last = b;
  }
  /* A second block of a megabyte tells of more to come; the first may stay nearly empty. */
  bool huge = last && a->block_bytes >= HUGE_FROM_BYTES && bytes <= a->block_bytes && bytes <= HUGE_FROM_BYTES;
  struct arena_block *fresh = huge ? block_huge() : block_new(bytes > a->block_bytes ? bytes : a->block_bytes);
  if (last) last->next = fresh;
  else a->first = fresh;
  a->current = fresh;
  a->used = bytes;
  return fresh->data;
}

void arena_adopt(struct arena *a, struct arena *from) {
  if (!a->first) {
    *a = *from;
  } else if (from->first) {
    /* In front of the current block, where nothing is looked for. */
    struct arena_block *last = from->first;
    while (last->next) last = last->next;
    last->next = a->first;
    a->first = from->first;
  }
  arena_init(from, from->block_bytes);
}

void *arena_zalloc(struct arena *a, size_t count, size_t item_bytes) {
  if (item_bytes && count > SIZE_MAX / item_bytes) out_of_memory();
  void *p = arena_alloc(a, count * item_bytes);
  memset(p, 0, count * item_bytes);
  return p;
}

struct str arena_str(struct arena *a, struct str s) {
  char *p = arena_alloc(a, s.len + 1);
  if (s.len) memcpy(p, s.ptr, s.len);
  p[s.len] = '\0';
  return (struct str){ p, s.len };
}

struct str arena_printf(struct arena *a, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  CHECK(n >= 0);
  char *p = arena_alloc(a, (size_t)n + 1);
  vsnprintf(p, (size_t)n + 1, fmt, again);
  va_end(again);
  return (struct str){ p, (size_t)n };
}

void *arena_grow(struct arena *a, void *items, size_t count, uint32_t *cap, size_t item_bytes) {
  uint32_t more = *cap ? *cap * 2 : 8;
  CHECK(more > *cap);
  void *p = arena_alloc(a, (size_t)more * item_bytes);
  if (count) memcpy(p, items, count * item_bytes);
  *cap = more;
  return p;
}
