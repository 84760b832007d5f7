/* Sorting by a number against qsort, and the hash against its definition, byte by byte: both take short cuts by size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/base/hash.h"
#include "vm/base/sort.h"

static uint64_t next(uint64_t *seed) { return hash_u64(*seed += 0x9e3779b97f4a7c15u); }

static int by_key(const void *a, const void *b) {
  const struct sort_item *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Counts on both sides of where the method changes; keys that lie near, far, at both ends, and many times the same. */
static void sorts(void **state) {
  static const uint32_t counts[] = { 0, 1, 2, 3, 255, 256, 257, 2048, 5000 };
  static const uint64_t masks[] = { 0, 1, 0x7ff, 0x800, 0xfffff, UINT64_MAX };
  static const uint64_t bases[] = { 0, UINT64_C(1) << 63, UINT64_MAX - 0xfffff };
  uint64_t seed = 1;
  (void)state;
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
      for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
        uint32_t n = counts[c];
        struct sort_item *items = calloc(n + 1, sizeof *items), *wanted = calloc(n + 1, sizeof *wanted), *spare = calloc(n + 1, sizeof *spare);
        for (uint32_t i = 0; i < n; i++) wanted[i] = items[i] = (struct sort_item){ bases[b] + (next(&seed) & masks[m]), i };
        if (n) qsort(wanted, n, sizeof *wanted, by_key);
        sort_items(items, spare, n);
        for (uint32_t i = 0; i < n; i++) {
          assert_true(items[i].key == wanted[i].key);
          assert_int_equal(items[i].index, wanted[i].index);
        }
        free(items), free(wanted), free(spare);
      }
    }
  }
}

static void signed_keys(void **state) {
  (void)state;
  assert_true(sort_key(INT64_MIN) < sort_key(-1));
  assert_true(sort_key(-1) < sort_key(0));
  assert_true(sort_key(0) < sort_key(INT64_MAX));
}

/* SipHash-1-3 as its authors write it down. */
static uint64_t rotated(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }
static void one_round(uint64_t v[4]) {
  v[0] += v[1]; v[1] = rotated(v[1], 13); v[1] ^= v[0]; v[0] = rotated(v[0], 32);
  v[2] += v[3]; v[3] = rotated(v[3], 16); v[3] ^= v[2];
  v[0] += v[3]; v[3] = rotated(v[3], 21); v[3] ^= v[0];
  v[2] += v[1]; v[1] = rotated(v[1], 17); v[1] ^= v[2]; v[2] = rotated(v[2], 32);
}
static uint64_t defined(struct hash_key k, const uint8_t *bytes, size_t len) {
  uint64_t v[4] = { k.k0 ^ 0x736f6d6570736575u, k.k1 ^ 0x646f72616e646f6du, k.k0 ^ 0x6c7967656e657261u, k.k1 ^ 0x7465646279746573u }, m = 0;
  for (size_t i = 0; i < len; i++) {
    m |= (uint64_t)bytes[i] << 8 * (i % 8);
    if (i % 8 != 7) continue;
    v[3] ^= m, one_round(v), v[0] ^= m;
    m = 0;
  }
  m |= (uint64_t)len << 56;
  v[3] ^= m, one_round(v), v[0] ^= m;
  v[2] ^= 0xff;
  one_round(v), one_round(v), one_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void hashes(void **state) {
  struct hash_key k = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
  uint64_t seed = 7;
  (void)state;
  for (size_t len = 0; len <= 70; len++) {
    uint8_t *exact = malloc(len ? len : 1); /* of this very length, so that reading beyond it is seen */
    for (size_t i = 0; i < len; i++) exact[i] = (uint8_t)next(&seed);
    assert_true(hash_bytes(k, exact, len) == defined(k, exact, len));
    free(exact);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    { "items are in order of key, then of place", sorts, NULL, NULL, NULL },
    { "signed keys", signed_keys, NULL, NULL, NULL },
    { "the hash of each length is what its definition says", hashes, NULL, NULL, NULL },
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
