/* A contact's code: HMAC-SHA256 (RFC 2104) of the campaign and the contact under the project's secret, its first 50 bits as ten letters
 * of Crockford's alphabet (no I, L, O, U), and a letter that checks them.
 *
 *   message = "code" NUL campaign NUL contact's key
 *   check   = the sum over GF(32), modulo x^5 + x^2 + 1, of letter i times x^i, i from 1
 *
 * Not for: who may use a code and how often (the shop's), or where the secret comes from (the command's).
 *
 *   1. The same secret, campaign and contact give the same code for ever: it stands in letters that were sent.
 *   2. One wrong letter, and two neighbours that changed places, never pass the check: x generates all of GF(32) without 0, so the
 *      factors of ten places differ, and so do their sums with neighbours. Who guesses has one chance in 2^50 a try.
 *   3. A NUL stands in neither part, so no two pairs give one message. */
#include "coupon.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static unsigned times_x(unsigned n) { return (n << 1 ^ (n & 16 ? 0x25u : 0)) & 31; }

static unsigned check_of(const unsigned data[COUPON_DATA_COUNT]) {
  unsigned sum = 0;
  for (int i = 0; i < COUPON_DATA_COUNT; i++) {
    unsigned term = data[i];
    for (int k = 0; k <= i; k++) term = times_x(term);
    sum ^= term;
  }
  return sum;
}

static void print(const unsigned data[COUPON_DATA_COUNT], char out[COUPON_BYTES + 1]) {
  size_t at = 0;
  for (int i = 0; i < COUPON_DATA_COUNT; i++) {
    if (i == 4 || i == 8) out[at++] = '-';
    out[at++] = letters[data[i]];
  }
  out[at++] = letters[check_of(data)];
  out[at] = 0;
  CHECK(at == COUPON_BYTES);
}

void coupon_make(struct str secret, struct str campaign, struct str contact, char out[COUPON_BYTES + 1]) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int bytes = sizeof hash, data[COUPON_DATA_COUNT];
  struct buf b;
  buf_init(&b, SIZE_MAX / 2);
  buf_add(&b, "code", 5);
  buf_str(&b, campaign);
  buf_byte(&b, 0);
  buf_str(&b, contact);
  CHECK(HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)b.data, b.len, hash, &bytes));
  buf_deinit(&b);
  uint64_t first = 0;
  for (int i = 0; i < 8; i++) first = first << 8 | hash[i];
  for (int i = 0; i < COUPON_DATA_COUNT; i++) data[i] = (unsigned)(first >> (59 - 5 * i) & 31);
  print(data, out);
}

/* Of a letter as people type it, 32 when it is none. */
static unsigned letter_of(char c) {
  if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const char *at = c ? strchr(letters, c) : NULL;
  return at ? (unsigned)(at - letters) : 32;
}

bool coupon_read(struct str typed, char out[COUPON_BYTES + 1]) {
  unsigned data[COUPON_DATA_COUNT + 1], count = 0;
  for (size_t i = 0; i < typed.len; i++) {
    char c = typed.ptr[i];
    if (c == '-' || c == ' ') continue;
    unsigned letter = letter_of(c);
    if (letter == 32 || count > COUPON_DATA_COUNT) return false;
    data[count++] = letter;
  }
  if (count != COUPON_DATA_COUNT + 1 || data[COUPON_DATA_COUNT] != check_of(data)) return false;
  print(data, out);
  return true;
}
