/* Camp's own filters: what messages want beyond Shopify's.
 *
 *   number: decimals, mark     12345.678 | number: 2 is 12,345.68; with ",": 12.345,68
 *   money: currency            12.5 | money: "EUR" is 12.50 EUR; "40 EUR", as attributes hold money, is 40.00 EUR
 *   plural: one, many          3 | plural: "item", "items" is items; "plik", "pliki", "plików", locale: "pl"
 *   date: format               in the contact's zone (liquid_date.c)
 *   these four take locale: "de", and date zone: "Europe/Paris"
 *   json                       for scripts and webhooks: < > & are \u003c …, so that it may stand in HTML
 *   md5 sha1 sha256 hmac_sha256: key
 *   raw                        HTML that is not to be escaped
 *
 * Not here: what languages write differently (liquid_locale.c). */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "liquid_filters.h"
#include "liquid_locale.h"
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

static bool option_text(struct lq_env *env, const struct lq_hash *h, const char *name, struct str *out) {
  const struct lq_entry *e = lq_hash_find(h, str_from_c(name), lq_key_hash(name, strlen(name)));
  *out = (struct str){ NULL, 0 };
  return !e || e->value.type == LQ_NIL || lq_to_s(env->cx, e->value, out);
}

/* A language that is not known is written in English: a contact's attribute may hold anything. */
bool lq_options_of(struct lq_env *env, const struct lq *args, uint32_t *count, struct lq_options *out) {
  struct str locale = { NULL, 0 }, zone = { NULL, 0 };
  *out = (struct lq_options){ NULL, NULL };
  if (*count > 1 && args[*count - 1].type == LQ_HASH) {
    const struct lq_hash *h = args[--*count].hash;
    if (!option_text(env, h, "locale", &locale) || !option_text(env, h, "zone", &zone)) return false;
    for (uint32_t i = 0; i < h->count; i++) {
      struct str key = { h->entries[i].key, h->entries[i].len };
      if (!str_is(key, "locale") && !str_is(key, "zone")) return lq_fail(env->cx, "there is no option `" STR_FMT "`", STR_ARG(key));
    }
  }
  if (!locale.len) locale = env->locale;
  if (locale.len) out->locale = lq_locale_find(locale);
  if (!zone.len) return true;
  out->zone = env->find_zone ? env->find_zone(env->zone_context, zone) : NULL;
  return out->zone || lq_fail(env->cx, "there is no time zone `" STR_FMT "`", STR_ARG(zone));
}

/* How a number is written. */
struct marks { char point; const char *group, *minus; };
static struct marks marks_of(const struct lq_locale *l) {
  if (!l) l = lq_locale_english();
  return (struct marks){ l->point, l->group, l->minus };
}

/* n, rounded, with so many decimals; thousands in threes. Without its sign: *negative says it. */
static bool put_grouped(struct lq_env *env, struct lq_buf *b, struct lq_num n, int64_t decimals, const struct marks *m, bool *negative) {
  struct lq_num scaled, whole, ten = { .i = 10 };
  struct lq v;
  struct str digits;
  scaled = lq_num_abs(env->cx, n);
  for (int64_t i = 0; i < decimals; i++)
    if (!lq_num_mul(env->cx, scaled, ten, &scaled)) return false;
  if (!lq_num_round(env->cx, scaled, 0, LQ_HALF_UP, &whole) || !lq_num_value(env->cx, whole, &v) || !lq_to_s(env->cx, v, &digits)) return false;
  *negative = lq_num_sign(n) < 0 && lq_num_sign(whole);
  int64_t len = (int64_t)digits.len, all = len > decimals ? len : decimals + 1;
  for (int64_t i = 0; i < all; i++) {
    int64_t left = all - i; /* digits from here to the end */
    if (left == decimals && !lq_buf_byte(b, m->point)) return false;
    if (i && left > decimals && (left - decimals) % 3 == 0 && !lq_buf_str(b, str_from_c(m->group))) return false;
    if (!lq_buf_byte(b, i < all - len ? '0' : digits.ptr[i - (all - len)])) return false;
  }
  return true;
}

static bool finite(struct lq_env *env, struct lq v, struct lq_num *n) {
  if (!lq_num_of(env->cx, v, n)) return false;
  return (!n->nan && !n->infinite) || lq_fail(env->cx, "not a number");
}

bool filter_number(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_buf digits = { .cx = env->cx }, b = { .cx = env->cx };
  struct lq_num n;
  struct lq_options o;
  int64_t decimals = 0;
  bool negative;
  if (!lq_options_of(env, args, &count, &o)) return false;
  struct marks m = marks_of(o.locale);
  bool comma = count > 2 && args[2].type == LQ_STR && str_is(lq_text(args[2]), ",");
  if (!finite(env, args[0], &n) || (count > 1 && !lq_to_integer(env->cx, args[1], &decimals))) return false;
  if (decimals < 0 || decimals > 20) return lq_fail(env->cx, "number takes 0 to 20 decimals");
  if (count > 2 && !comma && !(args[2].type == LQ_STR && str_is(lq_text(args[2]), ".")))
    return lq_fail(env->cx, "number's mark is \".\" or \",\"");
  if (count > 2) m = (struct marks){ comma ? ',' : '.', comma ? "." : ",", "-" };
  if (!put_grouped(env, &digits, n, decimals, &m, &negative)) return false;
  if ((negative && !lq_buf_str(&b, str_from_c(m.minus))) || !lq_buf_add(&b, digits.data, digits.len)) return false;
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

/* With a language, the sign stands where that language has it; without one, the currency's letters stand behind. */
static bool put_money(struct lq_buf *b, const struct lq_locale *l, struct str digits, struct str currency, const char *minus) {
  static const char space[] = "\u00a0"; /* one that no line breaks at */
  if (!l) return lq_buf_str(b, str_from_c(minus)) && lq_buf_str(b, digits) && lq_buf_byte(b, ' ') && lq_buf_str(b, currency);
  struct str sign = lq_currency_sign(l, currency);
  bool letters = sign.len == 3 && *sign.ptr >= 'A' && *sign.ptr <= 'Z';
  if (l->money == MONEY_BEHIND)
    return lq_buf_str(b, str_from_c(minus)) && lq_buf_str(b, digits) && lq_buf_str(b, str_from_c(space)) && lq_buf_str(b, sign);
  bool apart = letters || l->money == MONEY_BEFORE_SPACE;
  return lq_buf_str(b, str_from_c(minus)) && lq_buf_str(b, sign) && (!apart || lq_buf_str(b, str_from_c(space))) && lq_buf_str(b, digits);
}

bool filter_money(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_buf b = { .cx = env->cx }, digits = { .cx = env->cx };
  struct lq_num n;
  struct lq_options o;
  struct lq amount = args[0];
  struct str currency = { NULL, 0 };
  bool negative;
  if (!lq_options_of(env, args, &count, &o)) return false;
  struct marks m = marks_of(o.locale);
  if (amount.type == LQ_STR && amount.len > 4 && amount.s[amount.len - 4] == ' ') {
    struct str last = { amount.s + amount.len - 3, 3 };
    if (is_currency(last)) currency = last, amount.len -= 4;
  }
  if (count > 1 && !lq_to_s(env->cx, args[1], &currency)) return false;
  if (!is_currency(currency)) return lq_fail(env->cx, "money wants a currency such as \"EUR\"");
  if (!finite(env, amount, &n) || !put_grouped(env, &digits, n, currency_decimals(currency), &m, &negative)) return false;
  if (!put_money(&b, o.locale, (struct str){ digits.data, digits.len }, currency, negative ? m.minus : "")) return false;
  *out = lq_buf_value(&b);
  return true;
}

/* `plural: "item", "items"`, or as many forms as the language has; a form that is not given is the last one. */
bool filter_plural(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_num n, whole;
  struct lq_options o;
  struct lq v;
  int order;
  if (!lq_options_of(env, args, &count, &o)) return false;
  if (count < 3 || count > 4 + 1) return lq_fail(env->cx, "plural wants the forms of a word");
  if (!finite(env, args[0], &n) || !lq_num_round(env->cx, n, 0, LQ_FLOOR, &whole) || !lq_num_cmp(env->cx, n, whole, &order)) return false;
  if (!lq_num_value(env->cx, lq_num_abs(env->cx, n), &v)) return false;
  double amount = v.type == LQ_INT ? (double)v.i : v.type == LQ_FLOAT ? v.n : 1e15;
  uint32_t form = lq_plural_form(o.locale ? o.locale : lq_locale_english(), amount > 1e15 ? 1e15 : amount, order == 0);
  *out = args[1 + form < count ? 1 + form : count - 1];
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
