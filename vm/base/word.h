#ifndef CAMP_BASE_WORD_H
#define CAMP_BASE_WORD_H
/* Eight bytes of text at a time, as one number: the first byte in the lowest bits. Searching for one of several bytes costs a few
 * operations a word instead of a few a byte. */
#include <stdint.h>
#include <string.h>

#define WORD_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

static inline uint64_t word_load(const void *p) {
  uint64_t w;
  memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  w = __builtin_bswap64(w);
#endif
  return w;
}
/* The high bit of each byte below n (n <= 128). The lowest mark is always right; those above it may be carries. */
static inline uint64_t word_below(uint64_t w, unsigned n) {
  return (w - WORD_EACH(n)) & ~w & WORD_EACH(0x80);
}
static inline uint64_t word_equal(uint64_t w, unsigned byte) { return word_below(w ^ WORD_EACH(byte), 1); }
/* Which byte the lowest mark stands for. */
static inline unsigned word_first(uint64_t marks) { return (unsigned)__builtin_ctzll(marks) >> 3; }
#endif
