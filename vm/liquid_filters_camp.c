/* Camp's own filters: what messages want beyond Shopify's.
 *
 *   number: decimals, mark     12345.678 | number: 2 is 12,345.68; with ",": 12.345,68
 *   money: currency            12.5 | money: "EUR" is 12.50 EUR; "40 EUR", as attributes hold money, is 40.00 EUR
 *   plural: one, many          3 | plural: "item", "items" is items
 *   json                       for scripts and webhooks: < > & are \u003c …, so that it may stand in HTML
 *   md5 sha1 sha256 hmac_sha256: key
 *   raw                        HTML that is not to be escaped
 *
 * Not here: words and signs of other languages, which want ICU. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "liquid_filters.h"
#include "liquid_number.h"

#define TEXT(name, value) struct str name; if (!lq_to_s(env->cx, (value), &name)) return false

bool filter_raw(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, *args);
  *out = lq_str(s);
  return true;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static bool json_text(struct lq_buf *b, struct str s) {
  static const char hex[] = "0123456789abcdef";
  if (!lq_buf_byte(b, '"')) return false;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
    bool plain = c >= 0x20 && !strchr("\"\\<>&", c);
    if (!(plain ? lq_buf_byte(b, (char)c) : lq_buf_add(b, escape, 6))) return false;
  }
  return lq_buf_byte(b, '"');
}

static bool json_value(struct lq_buf *b, struct lq v) {
  switch (v.type) {
    case LQ_NIL: return lq_buf_str(b, STR("null"));
    case LQ_BOOL: case LQ_INT: case LQ_BIG: case LQ_FLOAT: return lq_print(b, v);
    case LQ_STR: return json_text(b, lq_text(v));
    case LQ_ARRAY:
      if (!lq_buf_byte(b, '[')) return false;
      for (uint32_t i = 0; i < v.len; i++)
        if ((i && !lq_buf_byte(b, ',')) || !json_value(b, v.items[i])) return false;
      return lq_buf_byte(b, ']');
    case LQ_HASH:
      if (!lq_buf_byte(b, '{')) return false;
      for (uint32_t i = 0; i < v.hash->count; i++) {
        const struct lq_entry *e = &v.hash->entries[i];
        if ((i && !lq_buf_byte(b, ',')) || !json_text(b, (struct str){ e->key, e->len }) || !lq_buf_byte(b, ':') ||
            !json_value(b, e->value))
          return false;
      }
      return lq_buf_byte(b, '}');
    default: {
      struct str s;
      return lq_to_s(b->cx, v, &s) && json_text(b, s);
    }
  }
}

bool filter_json(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  struct lq_buf b = { .cx = env->cx };
  if (!json_value(&b, *args)) return false;
  *out = lq_buf_value(&b);
  return true;
}

/* --- numbers --------------------------------------------------------------------------------------------------------- */

/* n, rounded, with so many decimals; thousands in threes. */
static bool put_grouped(struct lq_env *env, struct lq_buf *b, struct lq_num n, int64_t decimals, char point) {
  struct lq_num scaled, whole, ten = { .i = 10 };
  struct lq v;
  struct str digits;
  scaled = lq_num_abs(env->cx, n);
  for (int64_t i = 0; i < decimals; i++)
    if (!lq_num_mul(env->cx, scaled, ten, &scaled)) return false;
  if (!lq_num_round(env->cx, scaled, 0, LQ_HALF_UP, &whole) || !lq_num_value(env->cx, whole, &v) || !lq_to_s(env->cx, v, &digits)) return false;
  if (lq_num_sign(n) < 0 && lq_num_sign(whole) && !lq_buf_byte(b, '-')) return false;
  char group = point == ',' ? '.' : ',';
  int64_t len = (int64_t)digits.len, all = len > decimals ? len : decimals + 1;
  for (int64_t i = 0; i < all; i++) {
    int64_t left = all - i; /* digits from here to the end */
    if (left == decimals && !lq_buf_byte(b, point)) return false;
    if (i && left > decimals && (left - decimals) % 3 == 0 && !lq_buf_byte(b, group)) return false;
    if (!lq_buf_byte(b, i < all - len ? '0' : digits.ptr[i - (all - len)])) return false;
  }
  return true;
}

static bool finite(struct lq_env *env, struct lq v, struct lq_num *n) {
  if (!lq_num_of(env->cx, v, n)) return false;
  return (!n->nan && !n->infinite) || lq_fail(env->cx, "not a number");
}

bool filter_number(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_buf b = { .cx = env->cx };
  struct lq_num n;
  int64_t decimals = 0;
  bool comma = count > 2 && args[2].type == LQ_STR && str_is(lq_text(args[2]), ",");
  if (!finite(env, args[0], &n) || (count > 1 && !lq_to_integer(env->cx, args[1], &decimals))) return false;
  if (decimals < 0 || decimals > 20) return lq_fail(env->cx, "number takes 0 to 20 decimals");
  if (count > 2 && !comma && !(args[2].type == LQ_STR && str_is(lq_text(args[2]), ".")))
    return lq_fail(env->cx, "number's mark is \".\" or \",\"");
  if (!put_grouped(env, &b, n, decimals, comma ? ',' : '.')) return false;
  *out = lq_buf_value(&b);
  return true;
}

/* Currencies whose smallest unit is not a hundredth (ISO 4217). */
static int64_t currency_decimals(struct str currency) {
  static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
  static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
  if (currency.len == 3 && memmem(none, sizeof none - 1, currency.ptr, 3)) return 0;
  return currency.len == 3 && memmem(three, sizeof three - 1, currency.ptr, 3) ? 3 : 2;
}

static bool is_currency(struct str s) {
  bool good = s.len == 3;
  for (size_t i = 0; good && i < 3; i++) good = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z';
  return good;
}

bool filter_money(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_buf b = { .cx = env->cx };
  struct lq_num n;
  struct lq amount = args[0];
  struct str currency = { NULL, 0 };
  if (amount.type == LQ_STR && amount.len > 4 && amount.s[amount.len - 4] == ' ') {
    struct str last = { amount.s + amount.len - 3, 3 };
    if (is_currency(last)) currency = last, amount.len -= 4;
  }
  if (count > 1 && !lq_to_s(env->cx, args[1], &currency)) return false;
  if (!is_currency(currency)) return lq_fail(env->cx, "money wants a currency such as \"EUR\"");
  if (!finite(env, amount, &n) || !put_grouped(env, &b, n, currency_decimals(currency), '.')) return false;
  if (!lq_buf_byte(&b, ' ') || !lq_buf_str(&b, currency)) return false;
  *out = lq_buf_value(&b);
  return true;
}

bool filter_plural(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  struct lq_num n, one = { .i = 1 };
  int order;
  if (!lq_num_of(env->cx, args[0], &n) || !lq_num_cmp(env->cx, lq_num_abs(env->cx, n), one, &order)) return false;
  *out = args[order == 0 ? 1 : 2];
  return true;
}

/* --- digests --------------------------------------------------------------------------------------------------------- */

static bool give_hex(struct lq_env *env, const unsigned char *bytes, size_t len, struct lq *out) {
  static const char hex[] = "0123456789abcdef";
  struct lq_buf b = { .cx = env->cx };
  for (size_t i = 0; i < len; i++)
    if (!lq_buf_byte(&b, hex[bytes[i] >> 4]) || !lq_buf_byte(&b, hex[bytes[i] & 15])) return false;
  *out = lq_buf_value(&b);
  return true;
}

static bool digest(struct lq_env *env, struct lq v, const EVP_MD *how, struct lq *out) {
  TEXT(s, v);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (!how || !EVP_Digest(s.ptr ? s.ptr : "", s.len, bytes, &len, how, NULL)) return lq_fail(env->cx, "this machine's OpenSSL refuses that digest");
  return give_hex(env, bytes, len, out);
}
bool filter_md5(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return digest(env, *args, EVP_md5(), out);
}
bool filter_sha1(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return digest(env, *args, EVP_sha1(), out);
}
bool filter_sha256(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return digest(env, *args, EVP_sha256(), out);
}
bool filter_hmac_sha256(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, args[0]);
  TEXT(key, args[1]);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (key.len > LIMIT_MESSAGE_BYTES || !HMAC(EVP_sha256(), key.ptr ? key.ptr : "", (int)key.len, (const unsigned char *)(s.ptr ? s.ptr : ""), s.len, bytes, &len))
    return lq_fail(env->cx, "this machine's OpenSSL refuses that digest");
  return give_hex(env, bytes, len, out);
}
