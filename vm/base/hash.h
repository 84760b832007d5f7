#ifndef CAMP_BASE_HASH_H
#define CAMP_BASE_HASH_H
/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with 1 and 3 rounds as in
 * Rust's and Ruby's tables): keyed, so that outside input cannot aim at one bucket. */
#include "str.h"

struct hash_key { uint64_t k0, k1; };
uint64_t hash_bytes(struct hash_key key, const void *bytes, size_t len);
static inline uint64_t hash_str(struct hash_key key, struct str s) {
  return hash_bytes(key, s.ptr, s.len);
}
/* A fixed mixing of an integer (the finaliser of splitmix64), for tables of trusted numbers. */
static inline uint64_t hash_u64(uint64_t x) {
  x ^= x >> 30; x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27; x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
#endif
