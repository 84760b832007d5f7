/* Tokens that name a mail: see token.h. */
#include "runtime/send/token.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "vm/base/check.h"

enum { MAC_BYTES = 16, MAC_DIGITS = 26, ID_DIGITS_MAX = 19 };

static void mac_write(char out[MAC_DIGITS + 1], struct str secret, int64_t id) {
  static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
  char text[40];
  unsigned char mac[EVP_MAX_MD_SIZE];
  int n = snprintf(text, sizeof text, "mail %" PRId64, id);
  CHECK(HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)text, (size_t)n, mac, NULL));
  uint32_t bits = 0, held = 0;
  size_t at = 0;
  for (int i = 0; i < MAC_DIGITS; i++) {
    if (held < 5) {
      bits = bits << 8 | (at < MAC_BYTES ? mac[at] : 0);
      at++;
      held += 8;
    }
    held -= 5;
    out[i] = digits[bits >> held & 31];
  }
  out[MAC_DIGITS] = 0;
}

void token_write(char out[TOKEN_BYTES], struct str secret, int64_t outbox_id) {
  char mac[MAC_DIGITS + 1];
  mac_write(mac, secret, outbox_id);
  snprintf(out, TOKEN_BYTES, "%" PRId64 ".%s", outbox_id, mac);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "ID.MAC" at this place. */
static bool token_at(struct str s, struct str secret, int64_t *id) {
  char lower[MAC_DIGITS + 1], mac[MAC_DIGITS + 1];
  size_t n = 0;
  int64_t value = 0;
  while (n < s.len && n < ID_DIGITS_MAX && is_digit(s.ptr[n])) value = value * 10 + (s.ptr[n++] - '0');
  if (n == 0 || n >= ID_DIGITS_MAX || s.len < n + 1 + MAC_DIGITS || s.ptr[n] != '.') return false;
  for (int i = 0; i < MAC_DIGITS; i++) {
    char c = s.ptr[n + 1 + (size_t)i];
    lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
  }
  mac_write(mac, secret, value);
  if (CRYPTO_memcmp(lower, mac, MAC_DIGITS) != 0) return false;
  *id = value;
  return true;
}

bool token_find(struct str text, struct str secret, int64_t *outbox_id) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.ptr[i]) || (i > 0 && is_digit(text.ptr[i - 1]))) continue;
    if (token_at((struct str){ text.ptr + i, text.len - i }, secret, outbox_id)) return true;
  }
  return false;
}
