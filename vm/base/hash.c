/* SipHash-1-3; see hash.h for the source. */
#include "hash.h"

#include "word.h"

static uint64_t rotl(uint64_t x, int b) { return (x << b) | (x >> (64 - b)); }

struct sip { uint64_t a, b, c, d; };

static inline struct sip sip_round(struct sip s) {
  s.a += s.b; s.b = rotl(s.b, 13); s.b ^= s.a; s.a = rotl(s.a, 32);
  s.c += s.d; s.d = rotl(s.d, 16); s.d ^= s.c;
  s.a += s.d; s.d = rotl(s.d, 21); s.d ^= s.a;
  s.c += s.b; s.b = rotl(s.b, 17); s.b ^= s.c; s.c = rotl(s.c, 32);
  return s;
}

/* The last n bytes, fewer than 8; `whole` bytes stand before them. Where there are 8 in all, one load that ends with the text has
 * them in its upper part. */
static inline uint64_t load_tail(const uint8_t *p, size_t n, size_t whole) {
  uint64_t x = 0;
  if (!n) return 0;
  if (whole) return word_load(p + n - 8) >> (64 - 8 * n);
  for (size_t i = 0; i < n; i++) x |= (uint64_t)p[i] << (8 * i);
  return x;
}

uint64_t hash_bytes(struct hash_key key, const void *bytes, size_t len) {
  const uint8_t *p = bytes;
  struct sip s = { key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du, key.k0 ^ 0x6c7967656e657261u,
                   key.k1 ^ 0x7465646279746573u };
  size_t left = len;
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t m = word_load(p);
    s.d ^= m;
    s = sip_round(s);
    s.a ^= m;
  }
  uint64_t last = (uint64_t)len << 56 | load_tail(p, left, len - left);
  s.d ^= last;
  s = sip_round(s);
  s.a ^= last;
  s.c ^= 0xff;
  s = sip_round(sip_round(sip_round(s)));
  return s.a ^ s.b ^ s.c ^ s.d;
}
