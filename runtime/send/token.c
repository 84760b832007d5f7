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

enum { MAC_BYTES = 16, MAC_DIGITS = 26, ID_DIGITS_MAX = 19, VERSION_DIGITS = 8 };
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

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

/* The first so many digits of the bytes and of zeros behind them, and a NUL. */
static void base32(char *out, size_t count, const unsigned char *bytes, size_t len) {
  uint32_t bits = 0, held = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (held < 5) {
      bits = bits << 8 | (at < len ? bytes[at] : 0);
      at++;
      held += 8;
    }
    held -= 5;
    out[i] = digits[bits >> held & 31];
  }
  out[count] = 0;
}

static void mac_write(char out[MAC_DIGITS + 1], struct str secret, struct str text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  size_t n = 0;
  EVP_MAC_CTX *context = signer_of(secret);
  CHECK(EVP_MAC_update(context, (const unsigned char *)text.ptr, text.len) == 1 && EVP_MAC_final(context, mac, &n, sizeof mac) == 1 && n >= MAC_BYTES);
  base32(out, MAC_DIGITS, mac, MAC_BYTES);
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

/* --- links ----------------------------------------------------------------------------------------------------------- */

/* What the token says before its MAC. */
static int name_write(char out[TOKEN_BYTES], const struct link_token *t, const char *first, char between) {
  char version[VERSION_DIGITS + 1];
  base32(version, VERSION_DIGITS, t->version, TOKEN_VERSION_BYTES);
  if (t->kind == TOKEN_CLICK) return snprintf(out, TOKEN_BYTES, "%s%" PRId64 "%c%u%c%s", first, t->outbox_id, between, t->link, between, version);
  if (t->kind == TOKEN_UNSUBSCRIBE) return snprintf(out, TOKEN_BYTES, "%s%" PRId64 "%c%s", first, t->outbox_id, between, version);
  return snprintf(out, TOKEN_BYTES, "%s%" PRId64, first, t->outbox_id);
}

static void link_mac(char out[MAC_DIGITS + 1], struct str secret, const struct link_token *t) {
  static const char *const kinds[] = { "click ", "open ", "unsubscribe ", "preferences ", "view " };
  char text[TOKEN_BYTES];
  int n = name_write(text, t, kinds[t->kind], ' ');
  mac_write(out, secret, (struct str){ text, (size_t)n });
}

void token_link_write(char out[TOKEN_BYTES], struct str secret, const struct link_token *t) {
  char mac[MAC_DIGITS + 1];
  link_mac(mac, secret, t);
  int n = name_write(out, t, "", '-');
  snprintf(out + n, TOKEN_BYTES - (size_t)n, ".%s", mac);
}

/* A number without a leading zero, so that one token has one spelling. */
static bool number_at(struct str s, size_t *at, size_t digits_max, int64_t *out) {
  size_t from = *at;
  *out = 0;
  while (*at < s.len && *at - from < digits_max && is_digit(s.ptr[*at])) *out = *out * 10 + (s.ptr[(*at)++] - '0');
  return *at > from && (s.ptr[from] != '0' || *at == from + 1);
}

static bool version_at(struct str s, size_t *at, uint8_t out[TOKEN_VERSION_BYTES]) {
  uint64_t bits = 0;
  if (s.len - *at < VERSION_DIGITS) return false;
  for (int i = 0; i < VERSION_DIGITS; i++) {
    char c = s.ptr[(*at)++];
    const char *digit = c ? strchr(digits, c) : NULL;
    if (!digit) return false;
    bits = bits << 5 | (uint64_t)(digit - digits);
  }
  for (int i = 0; i < TOKEN_VERSION_BYTES; i++) out[i] = (uint8_t)(bits >> (8 * (TOKEN_VERSION_BYTES - 1 - i)));
  return true;
}

static bool dash_at(struct str s, size_t *at) { return *at < s.len && s.ptr[(*at)++] == '-'; }

bool token_link_read(struct str text, struct str secret, enum token_kind kind, struct link_token *out) {
  struct link_token t = { .kind = kind };
  char mac[MAC_DIGITS + 1];
  int64_t number = 0;
  size_t at = 0;
  if (!number_at(text, &at, ID_DIGITS_MAX - 1, &t.outbox_id)) return false;
  if (kind == TOKEN_CLICK && !(dash_at(text, &at) && number_at(text, &at, 9, &number))) return false;
  if ((kind == TOKEN_CLICK || kind == TOKEN_UNSUBSCRIBE) && !(dash_at(text, &at) && version_at(text, &at, t.version))) return false;
  if (text.len != at + 1 + MAC_DIGITS || text.ptr[at] != '.') return false;
  t.link = (uint32_t)number;
  link_mac(mac, secret, &t);
  if (CRYPTO_memcmp(text.ptr + at + 1, mac, MAC_DIGITS) != 0) return false;
  *out = t;
  return true;
}
