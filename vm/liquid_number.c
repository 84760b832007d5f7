/* Arithmetic on Liquid's numbers; see liquid_number.h.
 *
 * Not for money (vm/value.c counts in 1/10000 and knows currencies); a template's `times` has neither.
 *
 * Invariants:
 * 1. A coefficient that fits 63 bits is in `i`, and big is NULL: small numbers never take memory.
 * 2. A struct lq_big has no leading zero limb and is beyond 64 bits when it is a value.
 * 3. No number has more than LIMIT_LIQUID_DIGITS_COUNT digits: multiplying is quadratic, and templates can square in a loop. */
#include "liquid_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIMB = 1000000000, LIMB_DIGITS = 9, LIMBS_MAX = LIMIT_LIQUID_DIGITS_COUNT / LIMB_DIGITS + 16 };

struct lq_big { bool negative; uint32_t count; uint32_t limbs[]; }; /* little end first, each below LIMB */
/* Work space: large enough for a product of two numbers at the limit. */
struct work { bool negative; uint32_t count; uint32_t limbs[2 * LIMBS_MAX + 4]; };

static const int64_t pow10_table[19] = {
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000 };

/* --- magnitudes ------------------------------------------------------------------------------------------------------ */

static void trim(struct work *w) {
  while (w->count && w->limbs[w->count - 1] == 0) w->count--;
  if (!w->count) w->negative = false;
}

static void load_int(struct work *w, int64_t i) {
  w->negative = i < 0;
  w->count = 0;
  for (uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i; u; u /= LIMB) w->limbs[w->count++] = (uint32_t)(u % LIMB);
}

static void load(struct work *w, struct lq_num n) {
  if (!n.big) {
    load_int(w, n.i);
    return;
  }
  CHECK(n.big->count <= LIMBS_MAX);
  w->negative = n.big->negative;
  w->count = n.big->count;
  memcpy(w->limbs, n.big->limbs, n.big->count * sizeof w->limbs[0]);
}

static bool too_long(struct lq_cx *cx) {
  return lq_fail(cx, "a number has more than %d digits", LIMIT_LIQUID_DIGITS_COUNT);
}

static bool store(struct lq_cx *cx, const struct work *w, struct lq_num *out) {
  out->big = NULL;
  if (w->count <= 3) {
    unsigned __int128 u = 0;
    for (uint32_t i = w->count; i-- > 0;) u = u * LIMB + w->limbs[i];
    if (u <= INT64_MAX) {
      out->i = w->negative ? -(int64_t)u : (int64_t)u;
      return true;
    }
  }
  uint32_t digits = (w->count - 1) * LIMB_DIGITS;
  for (uint32_t top = w->limbs[w->count - 1]; top; top /= 10) digits++;
  if (digits > LIMIT_LIQUID_DIGITS_COUNT) return too_long(cx);
  struct lq_big *b = lq_alloc(cx, sizeof *b + w->count * sizeof b->limbs[0]);
  if (!b) return false;
  b->negative = w->negative;
  b->count = w->count;
  memcpy(b->limbs, w->limbs, w->count * sizeof b->limbs[0]);
  out->big = b;
  out->i = 0;
  return true;
}

static int magnitude_cmp(const struct work *a, const struct work *b) {
  if (a->count != b->count) return a->count > b->count ? 1 : -1;
  for (uint32_t i = a->count; i-- > 0;)
    if (a->limbs[i] != b->limbs[i]) return a->limbs[i] > b->limbs[i] ? 1 : -1;
  return 0;
}

static void magnitude_add(struct work *a, const struct work *b) {
  uint32_t carry = 0, n = a->count > b->count ? a->count : b->count;
  for (uint32_t i = 0; i < n || carry; i++) {
    uint32_t sum = (i < a->count ? a->limbs[i] : 0) + (i < b->count ? b->limbs[i] : 0) + carry;
    carry = sum >= LIMB;
    a->limbs[i] = carry ? sum - LIMB : sum;
    if (i >= a->count) a->count = i + 1;
  }
}

/* a - b, a not the smaller. */
static void magnitude_sub(struct work *a, const struct work *b) {
  uint32_t borrow = 0;
  for (uint32_t i = 0; i < a->count; i++) {
    int64_t d = (int64_t)a->limbs[i] - (i < b->count ? b->limbs[i] : 0) - borrow;
    borrow = d < 0;
    a->limbs[i] = (uint32_t)(borrow ? d + LIMB : d);
  }
  trim(a);
}

static void signed_add(struct work *a, const struct work *b) {
  if (a->negative == b->negative) {
    magnitude_add(a, b);
  } else if (magnitude_cmp(a, b) >= 0) {
    magnitude_sub(a, b);
  } else {
    struct work t = *b;
    magnitude_sub(&t, a);
    *a = t;
  }
  trim(a);
}

static void multiply(struct work *out, const struct work *a, const struct work *b) {
  memset(out->limbs, 0, (a->count + b->count + 1) * sizeof out->limbs[0]);
  for (uint32_t i = 0; i < a->count; i++) {
    uint64_t carry = 0;
    for (uint32_t j = 0; j < b->count || carry; j++) {
      uint64_t t = out->limbs[i + j] + carry + (j < b->count ? (uint64_t)a->limbs[i] * b->limbs[j] : 0);
      out->limbs[i + j] = (uint32_t)(t % LIMB);
      carry = t / LIMB;
    }
  }
  out->count = a->count + b->count;
  out->negative = a->negative != b->negative;
  trim(out);
}

/* Magnitudes: a becomes the remainder, *q the quotient. Each limb of the quotient by halving: 30 products of one limb. */
static void divide(struct work *a, const struct work *b, struct work *q) {
  struct work part, rest = { .count = 0 };
  q->count = a->count;
  q->negative = false;
  for (uint32_t i = a->count; i-- > 0;) {
    memmove(rest.limbs + 1, rest.limbs, rest.count * sizeof rest.limbs[0]);
    rest.limbs[0] = a->limbs[i];
    rest.count++;
    trim(&rest);
    uint32_t low = 0, high = LIMB - 1;
    while (low < high) {
      uint32_t mid = low + (high - low + 1) / 2;
      struct work m = { .count = 1, .limbs = { mid } };
      multiply(&part, b, &m);
      part.negative = false;
      if (magnitude_cmp(&part, &rest) <= 0) low = mid; else high = mid - 1;
    }
    q->limbs[i] = low;
    if (low) {
      struct work m = { .count = 1, .limbs = { low } };
      multiply(&part, b, &m);
      magnitude_sub(&rest, &part);
    }
  }
  trim(q);
  rest.negative = false;
  *a = rest;
}

/* w * 10^n; false beyond the limit. */
static bool shift_up(struct lq_cx *cx, struct work *w, int64_t n) {
  if (!w->count || n == 0) return true;
  if (n > LIMBS_MAX * LIMB_DIGITS || (int64_t)w->count + n / LIMB_DIGITS + 1 > LIMBS_MAX) return too_long(cx);
  struct work factor = { .count = 1, .limbs = { (uint32_t)pow10_table[n % LIMB_DIGITS] } }, t;
  multiply(&t, w, &factor);
  uint32_t limbs = (uint32_t)(n / LIMB_DIGITS);
  memmove(t.limbs + limbs, t.limbs, t.count * sizeof t.limbs[0]);
  memset(t.limbs, 0, limbs * sizeof t.limbs[0]);
  t.count += limbs;
  t.negative = w->negative;
  *w = t;
  return true;
}

/* --- texts ----------------------------------------------------------------------------------------------------------- */

size_t lq_int_print(int64_t i, char out[32]) {
  static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
                              "58596061626364656667686970717273747576777879808182838485868788899091929394959697989900";
  uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i, power = 10000;
  size_t len = u < 10 ? 1 : u < 100 ? 2 : u < 1000 ? 3 : 4;
  for (; len < 19 && len >= 4 && u >= power; len++) power *= 10;
  if (len == 19 && u >= power) len++;
  if (i < 0) *out++ = '-';
  size_t at = len;
  for (; u >= 100; u /= 100) at -= 2, memcpy(out + at, pairs + u % 100 * 2, 2);
  if (u >= 10) memcpy(out, pairs + u * 2, 2);
  else *out = (char)('0' + u);
  return len + (i < 0);
}

/* The shortest decimal that reads back as n (not negative, finite): coefficient * 10^exponent. */
static void shortest(double n, int64_t *coefficient, int *exponent) {
  if (n < 1e15) {
    /* With at most 15 digits, a quotient of two exact numbers is rounded once, as reading the text is. */
    double power = 1;
    for (int k = 0; k <= 8; k++, power *= 10) {
      double scaled = n * power;
      if (scaled > 1e15) break;
      double whole = (double)(int64_t)(scaled + 0.5);
      if (whole / power == n) {
        *coefficient = (int64_t)whole;
        *exponent = -k;
        return;
      }
    }
  }
  char text[40];
  for (int precision = 14; precision <= 16; precision++) {
    snprintf(text, sizeof text, "%.*e", precision, n);
    if (precision == 16 || strtod(text, NULL) == n) break;
  }
  int64_t c = 0;
  int digits = 0;
  char *at = text;
  for (; *at && *at != 'e'; at++)
    if (*at >= '0' && *at <= '9') c = c * 10 + (*at - '0'), digits++;
  *exponent = (int)strtol(at + 1, NULL, 10) - (digits - 1);
  while (c && c % 10 == 0) c /= 10, ++*exponent;
  *coefficient = c;
}

/* As Ruby's Float#to_s: 1.5, 100.0, 1.0e+16, 1.0e-05. */
size_t lq_float_print(double n, char out[32]) {
  if (isnan(n)) return (size_t)snprintf(out, 32, "NaN");
  if (isinf(n)) return (size_t)snprintf(out, 32, n < 0 ? "-Infinity" : "Infinity");
  size_t len = 0;
  if (signbit(n)) out[len++] = '-', n = -n;
  int64_t coefficient;
  int exponent;
  shortest(n, &coefficient, &exponent);
  while (coefficient && coefficient % 10 == 0) coefficient /= 10, exponent++;
  char digits[32];
  int count = (int)lq_int_print(coefficient, digits), point = count + exponent; /* digits before the point */
  if (coefficient == 0) point = 1;
  if ((point > 15 && point >= count) || point < -3) {
    out[len++] = digits[0];
    out[len++] = '.';
    if (count == 1) out[len++] = '0';
    for (int i = 1; i < count; i++) out[len++] = digits[i];
    return len + (size_t)snprintf(out + len, 8, "e%+03d", point - 1);
  }
  for (int i = 0; i < point; i++) out[len++] = i < count ? digits[i] : '0';
  if (point <= 0) out[len++] = '0';
  out[len++] = '.';
  for (int i = point; i < 0; i++) out[len++] = '0';
  if (point >= count) out[len++] = '0';
  for (int i = point > 0 ? point : 0; i < count; i++) out[len++] = digits[i];
  return len;
}

bool lq_big_print(struct lq_buf *b, const struct lq_big *big) {
  if (big->negative && !lq_buf_byte(b, '-')) return false;
  char part[16];
  for (uint32_t i = big->count; i-- > 0;) {
    int n = snprintf(part, sizeof part, i + 1 == big->count ? "%u" : "%09u", big->limbs[i]);
    if (!lq_buf_add(b, part, (size_t)n)) return false;
  }
  return true;
}

bool lq_int_parse(struct lq_cx *cx, bool negative, struct str digits, struct lq *out) {
  while (digits.len && *digits.ptr == '0') digits.ptr++, digits.len--;
  if (digits.len > LIMIT_LIQUID_DIGITS_COUNT) return too_long(cx);
  if (digits.len <= 18) {
    int64_t i = 0;
    for (size_t k = 0; k < digits.len; k++) i = i * 10 + (digits.ptr[k] - '0');
    *out = lq_int(negative ? -i : i);
    return true;
  }
  struct work w = { .negative = negative, .count = 0 };
  for (size_t end = digits.len; end > 0;) {
    size_t start = end > LIMB_DIGITS ? end - LIMB_DIGITS : 0;
    uint32_t limb = 0;
    for (size_t k = start; k < end; k++) limb = limb * 10 + (uint32_t)(digits.ptr[k] - '0');
    w.limbs[w.count++] = limb;
    end = start;
  }
  struct lq_num n = { .scale = 0 };
  return store(cx, &w, &n) && lq_num_value(cx, n, out);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool lq_to_i(struct lq_cx *cx, struct str s, struct lq *out) {
  size_t at = 0;
  while (at < s.len && is_space(s.ptr[at])) at++;
  bool negative = at < s.len && s.ptr[at] == '-';
  if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+')) at++;
  size_t end = at, digits = 0;
  while (end < s.len && (is_digit(s.ptr[end]) || (s.ptr[end] == '_' && end > at && s.ptr[end - 1] != '_'))) {
    digits += s.ptr[end] != '_';
    end++;
  }
  if (digits == end - at) return lq_int_parse(cx, negative, (struct str){ s.ptr + at, digits }, out);
  char *plain = lq_alloc(cx, digits + 1);
  if (!plain) return false;
  size_t n = 0;
  for (size_t k = at; k < end; k++)
    if (s.ptr[k] != '_') plain[n++] = s.ptr[k];
  return lq_int_parse(cx, negative, (struct str){ plain, n }, out);
}

static int digit_of(char c) {
  return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Ruby's Integer("…"): prefixes 0x 0b 0o 0, single underscores between digits, white space around. */
static bool integer_text(struct str s, int64_t *out) {
  const char *nul = s.len ? memchr(s.ptr, 0, s.len) : NULL;
  if (nul) s.len = (size_t)(nul - s.ptr);
  bool underscores = s.len && memchr(s.ptr, '_', s.len);
  while (s.len && is_space(*s.ptr)) s.ptr++, s.len--;
  while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
  bool negative = s.len && *s.ptr == '-';
  if (s.len && (*s.ptr == '-' || *s.ptr == '+')) s.ptr++, s.len--;
  int base = 10;
  if (s.len > 1 && *s.ptr == '0') {
    char c = (char)(s.ptr[1] | 0x20);
    base = c == 'x' ? 16 : c == 'b' ? 2 : c == 'd' ? 10 : 8;
    size_t skip = c == 'x' || c == 'b' || c == 'd' || c == 'o' ? 2 : 1;
    s.ptr += skip;
    s.len -= skip;
    if (skip == 1 && s.len && *s.ptr == '_') s.ptr++, s.len--;
  }
  if (!s.len) return false;
  unsigned __int128 u = 0;
  for (size_t k = 0; k < s.len; k++) {
    if (s.ptr[k] == '_') {
      if (k == 0 || k + 1 == s.len || s.ptr[k - 1] == '_') return false;
      continue;
    }
    int d = digit_of(s.ptr[k]);
    if (d >= base) return false;
    if (u < (unsigned __int128)1 << 100) u = u * (unsigned)base + (unsigned)d;
  }
  if (nul && u <= UINT64_MAX && !underscores) return false; /* Ruby's readers of small and of large numbers differ here */
  *out = u > INT64_MAX ? (negative ? INT64_MIN : INT64_MAX) : negative ? -(int64_t)u : (int64_t)u;
  return true;
}

bool lq_to_integer(struct lq_cx *cx, struct lq v, int64_t *out) {
  if (v.type == LQ_INT) {
    *out = v.i;
    return true;
  }
  if (v.type == LQ_BIG) {
    *out = v.big->negative ? INT64_MIN : INT64_MAX;
    return true;
  }
  if (v.type == LQ_STR && integer_text(lq_text(v), out)) return true;
  return lq_fail(cx, "invalid integer");
}

/* --- numbers --------------------------------------------------------------------------------------------------------- */

static bool num_of_double(struct lq_cx *cx, double d, struct lq_num *out) {
  *out = (struct lq_num){ .decimal = true };
  if (isnan(d) || isinf(d)) {
    out->nan = isnan(d);
    out->infinite = !out->nan;
    out->negative = d < 0;
    return true;
  }
  int exponent;
  shortest(fabs(d), &out->i, &exponent);
  if (d < 0) out->i = -out->i;
  out->negative = out->i == 0 && signbit(d);
  if (exponent <= 0) {
    out->scale = -exponent;
    return true;
  }
  struct work w;
  load_int(&w, out->i);
  return shift_up(cx, &w, exponent) && store(cx, &w, out);
}

/* -?digits.digits, which Ruby's BigDecimal reads; anything else is String#to_i. */
static bool num_of_text(struct lq_cx *cx, struct str s, struct lq_num *out) {
  struct str t = s;
  while (t.len && is_space(*t.ptr)) t.ptr++, t.len--;
  while (t.len && (is_space(t.ptr[t.len - 1]) || !t.ptr[t.len - 1])) t.len--;
  size_t at = t.len && *t.ptr == '-', whole = at, fraction;
  while (at < t.len && is_digit(t.ptr[at])) at++;
  struct lq v;
  if (at > whole && at + 1 < t.len && t.ptr[at] == '.' && is_digit(t.ptr[at + 1])) {
    fraction = at + 1;
    while (fraction < t.len && is_digit(t.ptr[fraction])) fraction++;
    if (fraction == t.len) {
      struct lq_buf b = { .cx = cx };
      if (!lq_buf_add(&b, t.ptr + whole, at - whole) || !lq_buf_add(&b, t.ptr + at + 1, t.len - at - 1)) return false;
      if (!lq_int_parse(cx, *t.ptr == '-', (struct str){ b.data, b.len }, &v)) return false;
      *out = (struct lq_num){ .decimal = true, .scale = (int32_t)(t.len - at - 1) };
      if (v.type == LQ_INT) out->i = v.i; else out->big = v.big;
      out->negative = v.type == LQ_INT && v.i == 0 && *t.ptr == '-';
      return true;
    }
  }
  if (!lq_to_i(cx, s, &v)) return false;
  *out = (struct lq_num){ .i = v.type == LQ_INT ? v.i : 0, .big = v.type == LQ_BIG ? v.big : NULL };
  return true;
}

bool lq_num_of(struct lq_cx *cx, struct lq v, struct lq_num *out) {
  *out = (struct lq_num){ .scale = 0 };
  switch (v.type) {
    case LQ_INT: out->i = v.i; return true;
    case LQ_BIG: out->big = v.big; return true;
    case LQ_FLOAT: return num_of_double(cx, v.n, out);
    case LQ_STR: return num_of_text(cx, lq_text(v), out);
    default: return true;
  }
}

static double num_double(struct lq_num n) {
  if (n.nan) return NAN;
  if (n.infinite) return n.negative ? -INFINITY : INFINITY;
  if (!n.big && !n.i) return n.negative ? -0.0 : 0.0;
  if (!n.big && n.scale <= 18 && n.i < 1LL << 53 && n.i > -(1LL << 53)) return (double)n.i / (double)pow10_table[n.scale];
  struct work w;
  load(&w, n);
  static const uint32_t room = LIMBS_MAX * LIMB_DIGITS + 32;
  char text[LIMBS_MAX * LIMB_DIGITS + 32];
  size_t len = 0;
  if (w.negative) text[len++] = '-';
  if (!w.count) text[len++] = '0';
  for (uint32_t i = w.count; i-- > 0;) len += (size_t)snprintf(text + len, room - len, "%09u", w.limbs[i]);
  snprintf(text + len, room - len, "e-%d", n.scale);
  return strtod(text, NULL);
}

bool lq_num_value(struct lq_cx *cx, struct lq_num n, struct lq *out) {
  (void)cx;
  if (n.decimal) *out = lq_float(num_double(n));
  else if (n.big) *out = (struct lq){ .type = LQ_BIG, .big = n.big };
  else *out = lq_int(n.i);
  return true;
}

int lq_num_sign(struct lq_num a) {
  if (a.infinite) return a.negative ? -1 : 1;
  if (a.big) return a.big->negative ? -1 : 1;
  return (a.i > 0) - (a.i < 0);
}

static bool is_zero(struct lq_num n) { return !n.big && n.i == 0; }
static bool is_minus(struct lq_num n) { return lq_num_sign(n) < 0 || (n.decimal && is_zero(n) && n.negative); }
/* A decimal zero has the sign of what it came from. */
static bool signed_zero(struct lq_num *n, bool minus) {
  n->negative = n->decimal && is_zero(*n) && minus;
  return true;
}

static bool not_finite(struct lq_num a, struct lq_num b) { return a.nan || b.nan || a.infinite || b.infinite; }

/* Both with one scale. */
static bool align(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct work *x, struct work *y, int32_t *scale) {
  load(x, a);
  load(y, b);
  *scale = a.scale > b.scale ? a.scale : b.scale;
  return shift_up(cx, x, *scale - a.scale) && shift_up(cx, y, *scale - b.scale);
}

static struct lq_num num_from_double(double d) {
  return (struct lq_num){ .decimal = true, .nan = isnan(d), .infinite = isinf(d) != 0, .negative = d < 0 };
}

bool lq_num_add(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) {
  *out = (struct lq_num){ .decimal = a.decimal || b.decimal, .scale = a.scale };
  if (not_finite(a, b)) {
    *out = num_from_double(num_double(a) + num_double(b));
    return true;
  }
  bool minus = is_zero(a) && is_zero(b) && is_minus(a) && is_minus(b);
  if (!a.big && !b.big && a.scale == b.scale && !__builtin_add_overflow(a.i, b.i, &out->i) && out->i != INT64_MIN) return signed_zero(out, minus);
  struct work x, y;
  if (!align(cx, a, b, &x, &y, &out->scale)) return false;
  signed_add(&x, &y);
  return store(cx, &x, out) && signed_zero(out, minus);
}

static struct lq_num negate(struct lq_cx *cx, struct lq_num a) {
  if (a.infinite || (a.decimal && is_zero(a))) a.negative = !a.negative;
  if (!a.big) {
    a.i = -a.i;
    return a;
  }
  struct work w;
  load(&w, a);
  w.negative = !w.negative;
  struct lq_num n = a;
  if (!store(cx, &w, &n)) return a; /* fatal is noted: the render ends */
  return n;
}

bool lq_num_sub(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) {
  bool minus = is_zero(a) && is_zero(b) && is_minus(a) && !is_minus(b);
  return lq_num_add(cx, a, negate(cx, b), out) && !cx->fatal && (!is_zero(a) || !is_zero(b) || signed_zero(out, minus));
}

struct lq_num lq_num_abs(struct lq_cx *cx, struct lq_num a) { return is_minus(a) ? negate(cx, a) : a; }

bool lq_num_mul(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) {
  *out = (struct lq_num){ .decimal = a.decimal || b.decimal, .scale = a.scale + b.scale };
  if (not_finite(a, b)) {
    *out = num_from_double(num_double(a) * num_double(b));
    return true;
  }
  if (out->scale > LIMIT_LIQUID_DIGITS_COUNT) return too_long(cx);
  bool minus = is_minus(a) != is_minus(b);
  if (!a.big && !b.big && !__builtin_mul_overflow(a.i, b.i, &out->i) && out->i != INT64_MIN) return signed_zero(out, minus);
  struct work x, y, z;
  load(&x, a);
  load(&y, b);
  multiply(&z, &x, &y);
  return store(cx, &z, out) && signed_zero(out, minus);
}

/* Floor of x / y, and what is left, with y's sign; x and y of one scale. */
static void floor_divide(struct work *x, const struct work *y, struct work *q) {
  bool negative = x->negative != y->negative;
  struct work d = *y;
  d.negative = false;
  x->negative = false;
  divide(x, &d, q);
  if (negative && x->count) {
    struct work one = { .count = 1, .limbs = { 1 } }, rest = d;
    magnitude_add(q, &one);
    magnitude_sub(&rest, x);
    *x = rest;
  }
  q->negative = negative;
  trim(q);
  x->negative = y->negative;
  trim(x);
}

static bool by_zero(struct lq_cx *cx) { return lq_fail(cx, "divided by 0"); }

bool lq_num_div(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) {
  *out = (struct lq_num){ .decimal = a.decimal || b.decimal };
  if (!out->decimal && lq_num_sign(b) == 0) return by_zero(cx);
  if (not_finite(a, b) || lq_num_sign(b) == 0) {
    *out = num_from_double(num_double(a) / num_double(b));
    return true;
  }
  struct work x, y, q;
  if (!out->decimal) {
    if (!a.big && !b.big) {
      out->i = a.i / b.i - (a.i % b.i != 0 && (a.i < 0) != (b.i < 0));
      return true;
    }
    load(&x, a);
    load(&y, b);
    floor_divide(&x, &y, &q);
    return store(cx, &q, out);
  }
  /* Enough digits that the nearest float is the right one. */
  load(&x, a);
  load(&y, b);
  int64_t more = 40 + ((int64_t)y.count - (int64_t)x.count) * LIMB_DIGITS, least = (int64_t)b.scale - a.scale;
  if (more < least) more = least;
  if (more < 0) more = 0;
  if (!shift_up(cx, &x, more)) return false;
  bool negative = x.negative != y.negative;
  x.negative = y.negative = false;
  divide(&x, &y, &q);
  q.negative = negative;
  trim(&q);
  out->scale = (int32_t)(a.scale + more - b.scale);
  return store(cx, &q, out) && signed_zero(out, is_minus(a) != is_minus(b));
}

bool lq_num_mod(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) {
  *out = (struct lq_num){ .decimal = a.decimal || b.decimal, .scale = a.scale };
  if (!b.nan && lq_num_sign(b) == 0) return by_zero(cx);
  if (not_finite(a, b)) {
    *out = num_from_double(NAN);
    return true;
  }
  if (!a.big && !b.big && a.scale == b.scale) {
    int64_t m = b.i == -1 ? 0 : a.i % b.i;
    out->i = m && (m < 0) != (b.i < 0) ? m + b.i : m;
    return true;
  }
  struct work x, y, q;
  if (!align(cx, a, b, &x, &y, &out->scale)) return false;
  floor_divide(&x, &y, &q);
  return store(cx, &x, out);
}

bool lq_num_cmp(struct lq_cx *cx, struct lq_num a, struct lq_num b, int *out) {
  if (not_finite(a, b)) {
    double x = num_double(a), y = num_double(b);
    *out = (x > y) - (x < y);
    return true;
  }
  struct lq_num d;
  if (!lq_num_sub(cx, a, b, &d)) return false;
  *out = lq_num_sign(d);
  return true;
}

bool lq_num_round(struct lq_cx *cx, struct lq_num a, int64_t digits, enum lq_rounding how, struct lq_num *out) {
  if (a.nan || a.infinite) {
    if (digits > 0) {
      *out = a;
      return true;
    }
    return lq_fail(cx, a.nan ? "Computation results in 'NaN' (Not a Number)" :
                       a.negative ? "Computation results in '-Infinity'" : "Computation results in 'Infinity'");
  }
  *out = a;
  if (digits >= a.scale) {
    if (digits <= 0) out->decimal = false;
    return true;
  }
  *out = (struct lq_num){ .decimal = a.decimal && digits > 0, .scale = digits > 0 ? (int32_t)digits : 0 };
  int64_t drop = a.scale - digits;
  struct work x, q, unit = { .count = 1, .limbs = { 1 } };
  load(&x, a);
  if (drop > LIMIT_LIQUID_DIGITS_COUNT || drop > (int64_t)(x.count + 1) * LIMB_DIGITS) {
    /* Less than half a unit. */
    bool up = x.count && ((how == LQ_CEIL && !x.negative) || (how == LQ_FLOOR && x.negative));
    if (!up || digits < -18) return true;
    out->i = x.negative ? -1 : 1;
    if (digits < 0) out->i *= pow10_table[-digits];
    return true;
  }
  if (!shift_up(cx, &unit, drop)) return false;
  bool negative = x.negative;
  x.negative = false;
  divide(&x, &unit, &q);
  bool up = false;
  if (how == LQ_HALF_UP) {
    struct work twice = x;
    magnitude_add(&twice, &x);
    up = magnitude_cmp(&twice, &unit) >= 0;
  } else {
    up = x.count && (how == LQ_CEIL) == !negative;
  }
  struct work one = { .count = 1, .limbs = { 1 } };
  if (up) magnitude_add(&q, &one);
  q.negative = negative;
  trim(&q);
  return (digits >= 0 || shift_up(cx, &q, -digits)) && store(cx, &q, out) && signed_zero(out, negative);
}

/* --- big integers as values ------------------------------------------------------------------------------------------ */

int lq_big_cmp(const struct lq_big *a, const struct lq_big *b) {
  if (a->negative != b->negative) return a->negative ? -1 : 1;
  int order = a->count > b->count ? 1 : a->count < b->count ? -1 : 0;
  for (uint32_t i = a->count; order == 0 && i-- > 0;) order = (a->limbs[i] > b->limbs[i]) - (a->limbs[i] < b->limbs[i]);
  return a->negative ? -order : order;
}
bool lq_big_equal(const struct lq_big *a, const struct lq_big *b) { return lq_big_cmp(a, b) == 0; }
bool lq_big_negative(const struct lq_big *b) { return b->negative; }

int lq_big_bit(const struct lq_big *b, int64_t at) {
  enum { STEP = 29 };
  uint32_t limbs[LIMBS_MAX + 4], count = b->count;
  if (at < 0) return 0;
  memcpy(limbs, b->limbs, count * sizeof *limbs);
  if (b->negative) { /* the bits of -n are those of n - 1, turned */
    uint32_t i = 0;
    while (limbs[i] == 0) limbs[i++] = LIMB - 1;
    limbs[i]--;
  }
  for (int64_t left = at; count; left -= STEP) {
    uint64_t rest = 0, by = UINT64_C(1) << (left < STEP ? left : STEP);
    for (uint32_t i = count; i-- > 0;) {
      uint64_t n = rest * LIMB + limbs[i];
      limbs[i] = (uint32_t)(n / by);
      rest = n % by;
    }
    while (count && !limbs[count - 1]) count--;
    if (left < STEP) break;
  }
  return (count ? (int)(limbs[0] & 1) : 0) ^ b->negative;
}
double lq_big_double(const struct lq_big *b) { return num_double((struct lq_num){ .big = b }); }
int64_t lq_big_bytes(const struct lq_big *b) {
  struct work q, x, unit = { .count = 1, .limbs = { 256 } };
  int64_t bytes = 0;
  load(&x, (struct lq_num){ .big = b });
  for (x.negative = false; x.count; x = q, bytes++) divide(&x, &unit, &q);
  return bytes;
}
