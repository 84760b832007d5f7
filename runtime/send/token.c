/* Tokens that name a mail: see token.h. */
#include "runtime/send/token.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/base/check.h"

enum { MAC_BYTES = 16, MAC_DIGITS = 26, ID_DIGITS_MAX = 19 };

/* The secret, ready to sign: setting it up costs more than a signature. Each thread keeps its own until it ends. */
struct signer { EVP_MAC_CTX *context; char *secret; size_t bytes; };
static pthread_key_t signer_key;

static void signer_free(void *of) {
  struct signer *s = of;
  EVP_MAC_CTX_free(s->context);
  OPENSSL_clear_free(s->secret, s->bytes);
  free(s);
}
static void signer_once(void) { CHECK(pthread_key_create(&signer_key, signer_free) == 0); }

static EVP_MAC_CTX *signer_of(struct str secret) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static _Thread_local struct signer *own;
  CHECK(pthread_once(&once, signer_once) == 0);
  if (!own) {
    own = calloc(1, sizeof *own);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    CHECK(own && hmac);
    own->context = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    CHECK(own->context && pthread_setspecific(signer_key, own) == 0);
  }
  if (own->secret && own->bytes == secret.len && memcmp(own->secret, secret.ptr, secret.len) == 0) {
    CHECK(EVP_MAC_init(own->context, NULL, 0, NULL) == 1);
    return own->context;
  }
  OPENSSL_clear_free(own->secret, own->bytes);
  own->secret = OPENSSL_malloc(secret.len + 1);
  CHECK(own->secret);
  memcpy(own->secret, secret.ptr ? secret.ptr : "", secret.len);
  own->bytes = secret.len;
  OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0), OSSL_PARAM_construct_end() };
  CHECK(EVP_MAC_init(own->context, (const unsigned char *)own->secret, own->bytes, params) == 1);
  return own->context;
}

static void mac_write(char out[MAC_DIGITS + 1], struct str secret, struct str text) {
  static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
  unsigned char mac[EVP_MAX_MD_SIZE];
  size_t n = 0;
  EVP_MAC_CTX *context = signer_of(secret);
  CHECK(EVP_MAC_update(context, (const unsigned char *)text.ptr, text.len) == 1 && EVP_MAC_final(context, mac, &n, sizeof mac) == 1 && n >= MAC_BYTES);
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

static void mail_mac(char out[MAC_DIGITS + 1], struct str secret, int64_t id) {
  char text[40];
  int n = snprintf(text, sizeof text, "mail %" PRId64, id);
  mac_write(out, secret, (struct str){ text, (size_t)n });
}

void token_write(char out[TOKEN_BYTES], struct str secret, int64_t outbox_id) {
  char mac[MAC_DIGITS + 1];
  mail_mac(mac, secret, outbox_id);
  snprintf(out, TOKEN_BYTES, "%" PRId64 ".%s", outbox_id, mac);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "ID.MAC" at this place. */
static bool token_at(struct str s, struct str secret, int64_t *id) {
  char lower[MAC_DIGITS + 1], mac[MAC_DIGITS + 1];
  size_t n = 0;
  int64_t value = 0;
  while (n < s.len && n < ID_DIGITS_MAX - 1 && is_digit(s.ptr[n])) value = value * 10 + (s.ptr[n++] - '0');
  if (n == 0 || s.len < n + 1 + MAC_DIGITS || s.ptr[n] != '.') return false;
  for (int i = 0; i < MAC_DIGITS; i++) {
    char c = s.ptr[n + 1 + (size_t)i];
    lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
  }
  mail_mac(mac, secret, value);
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

static void link_mac(char out[MAC_DIGITS + 1], struct str secret, enum token_kind kind, int64_t id, uint32_t link) {
  static const char *const kinds[] = { "click", "open", "unsubscribe", "preferences", "view" };
  char text[64];
  int n = kind == TOKEN_CLICK ? snprintf(text, sizeof text, "click %" PRId64 " %u", id, link) : snprintf(text, sizeof text, "%s %" PRId64, kinds[kind], id);
  mac_write(out, secret, (struct str){ text, (size_t)n });
}

void token_link_write(char out[TOKEN_BYTES], struct str secret, enum token_kind kind, int64_t outbox_id, uint32_t link) {
  char mac[MAC_DIGITS + 1];
  link_mac(mac, secret, kind, outbox_id, link);
  if (kind == TOKEN_CLICK) snprintf(out, TOKEN_BYTES, "%" PRId64 "-%u.%s", outbox_id, link, mac);
  else snprintf(out, TOKEN_BYTES, "%" PRId64 ".%s", outbox_id, mac);
}

/* A number without a leading zero, so that one token has one spelling. */
static bool number_at(struct str s, size_t *at, size_t digits_max, int64_t *out) {
  size_t from = *at;
  *out = 0;
  while (*at < s.len && *at - from < digits_max && is_digit(s.ptr[*at])) *out = *out * 10 + (s.ptr[(*at)++] - '0');
  return *at > from && (s.ptr[from] != '0' || *at == from + 1);
}

bool token_link_read(struct str text, struct str secret, enum token_kind kind, int64_t *outbox_id, uint32_t *link) {
  char mac[MAC_DIGITS + 1];
  int64_t id, number = 0;
  size_t at = 0;
  if (!number_at(text, &at, ID_DIGITS_MAX - 1, &id)) return false;
  if (kind == TOKEN_CLICK && (at >= text.len || text.ptr[at++] != '-' || !number_at(text, &at, 9, &number))) return false;
  if (text.len != at + 1 + MAC_DIGITS || text.ptr[at] != '.') return false;
  link_mac(mac, secret, kind, id, (uint32_t)number);
  if (CRYPTO_memcmp(text.ptr + at + 1, mac, MAC_DIGITS) != 0) return false;
  *outbox_id = id;
  *link = (uint32_t)number;
  return true;
}
