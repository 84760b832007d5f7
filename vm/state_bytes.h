#ifndef CAMP_VM_STATE_BYTES_H
#define CAMP_VM_STATE_BYTES_H
/* The small numbers that a contact's state is made of: times near a clock, ids in order, counts, amounts. Private to
 * contact_bytes.c and measure_bytes.c, which have the layout.
 *
 * Writing expects what is sound and stops the process at what is not; reading expects anything, and a number that writing could not
 * have given makes the reader fail. Inline, because a state is little else. */
#include "base/check.h"
#include "base/limits.h"
#include "contact.h"

/* Differences wrap instead of overflowing; reading wraps back. */
static inline int64_t minus(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static inline int64_t plus(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

static inline bool time_good(int64_t ms) { return ms >= -LIMIT_MOMENT_MS && ms <= LIMIT_MOMENT_MS; }

static inline void write_time(struct buf *b, int64_t at_ms, int64_t near_ms) {
  CHECK(time_good(at_ms));
  buf_zigzag(b, minus(at_ms, near_ms));
}

static inline int64_t read_time(struct reader *r, int64_t near_ms) {
  int64_t at = plus(reader_zigzag(r), near_ms);
  if (!time_good(at)) r->failed = true;
  return at;
}

static inline uint32_t read_u32(struct reader *r, uint64_t max) {
  uint64_t n = reader_varint(r);
  if (n > max) r->failed = true;
  return r->failed ? 0 : (uint32_t)n;
}

/* How many items of at least so many bytes follow: at least one, no more than there is room for. */
static inline uint32_t read_count(struct reader *r, uint32_t max, size_t item_bytes_min) {
  uint32_t n = read_u32(r, max);
  if (n == 0 || n > (size_t)(r->end - r->at) / item_bytes_min) r->failed = true;
  return r->failed ? 0 : n;
}

/* *next is the smallest id that may come. */
static inline void write_id(struct buf *b, uint32_t id, uint64_t *next) {
  CHECK(id >= *next);
  buf_varint(b, id - *next);
  *next = (uint64_t)id + 1;
}

static inline uint32_t read_id(struct reader *r, uint64_t *next) {
  uint64_t n = reader_varint(r);
  if (n > UINT32_MAX || n + *next > UINT32_MAX) {
    r->failed = true;
    return 0;
  }
  n += *next;
  *next = n + 1;
  return (uint32_t)n;
}

/* Room for what was there and a little more, since most inputs add one. */
#define MAKE_ROOM(vec, a, n) \
  ((vec)->items = arena_alloc((a), ((size_t)(n) + 2) * sizeof *(vec)->items), (vec)->cap = (n) + 2)

/* Amounts: whole numbers are short in zigzag form, the bits of a double with their last byte first, where its zero bytes are. */
static inline size_t varint_bytes(uint64_t n) {
  size_t bytes = 1;
  for (; n >= 0x80; n >>= 7) bytes++;
  return bytes;
}

static inline uint64_t zigzag_of(int64_t n) { return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0); }

static inline uint64_t bits_of(int64_t n) { return __builtin_bswap64((uint64_t)n); }

static inline bool shorter_as_bits(int64_t n) { return varint_bytes(bits_of(n)) < varint_bytes(zigzag_of(n)); }

static inline void write_amount(struct buf *b, int64_t n, bool bits) { buf_varint(b, bits ? bits_of(n) : zigzag_of(n)); }

static inline int64_t read_amount(struct reader *r, bool bits) {
  return bits ? (int64_t)__builtin_bswap64(reader_varint(r)) : reader_zigzag(r);
}

/* One measure's state, without its id. */
void measure_write(struct buf *b, const struct measure_state *m, int64_t clock_ms);
void measure_read(struct reader *r, struct measure_state *m, int64_t clock_ms, struct arena *a);
#endif
