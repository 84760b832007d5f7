/* Money: exact amounts and the names of currencies; see money.h and value.h.
 *
 * Not for which operands go together (value.c) and not for how an amount stands in JSON (value_json.c).
 *
 * Invariants:
 * 1. Integers of 128 bits hold every product on the way, so the one rounding is the last step.
 * 2. A double is taken for exactly the number that it is: odd * 2^exponent. */
#include "money.h"

#include "value_make.h"

/* --- exact arithmetic ------------------------------------------------------------------------------------------------ */

/* num / den to the nearest integer, halves away from zero. |num| and |den| stay below 2^126. */
static bool ratio(wide num, wide den, int64_t *out) {
  if (den == 0) return false;
  if (den < 0) num = -num, den = -den;
  wide q = num / den, rest = num % den;
  if (rest < 0 ? -rest * 2 >= den : rest * 2 >= den) q += num < 0 ? -1 : 1;
  if (q < INT64_MIN || q > INT64_MAX) return false;
  *out = (int64_t)q;
  return true;
}

static bool shift_fits(wide n, int bits) {
  if (n < 0) n = -n;
  return bits < 126 && n >> (126 - bits) == 0;
}

/* A finite double as odd * 2^exponent, exactly; 0 as 0. */
static int64_t split(double x, int *exponent) {
  int64_t m = (int64_t)ldexp(frexp(x, exponent), 53);
  *exponent -= 53;
  if (m == 0) *exponent = 0;
  for (; m && m % 2 == 0; (*exponent)++) m /= 2;
  return m;
}

/* i * x / per, exactly but for the last rounding. */
bool money_scale(int64_t i, double x, int64_t per, int64_t *out) {
  int e;
  wide num = (wide)split(x, &e) * i, den = per;
  if (e > 0) {
    if (!shift_fits(num, e)) return false;
    num *= (wide)1 << e;
  } else if (e < -118) {
    num = 0; /* a product below 2^117 over more than 2^118 */
  } else {
    den *= (wide)1 << -e;
  }
  return ratio(num, den, out);
}

/* i * per / x, exactly but for the last rounding. */
bool money_unscale(int64_t i, double x, int64_t per, int64_t *out) {
  int e;
  wide den = split(x, &e), num = (wide)i * per;
  if (den == 0) return false;
  if (e > 0) {
    if (e > 72) num = 0, e = 0; /* below 2^71 over more than 2^72 */
    den *= (wide)1 << e;
  } else {
    if (!shift_fits(num, -e)) return num == 0 && (*out = 0, true);
    num *= (wide)1 << -e;
  }
  return ratio(num, den, out);
}

/* A number's text in units of 1/MONEY_SCALE: -?digits[.digits][e±digits], as JSON writes it. */
bool money_parse(struct str text, int64_t *out) {
  const char *p = text.ptr, *end = p + text.len;
  bool minus = p < end && *p == '-';
  p += minus;
  const char *mantissa = p;
  int64_t point = 0; /* digits before the point */
  bool seen_point = false, seen_digit = false;
  for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !seen_point)); p++) {
    if (*p == '.') seen_point = true;
    else seen_digit = true, point += !seen_point;
  }
  if (!seen_digit || p[-1] == '.') return false;
  const char *mantissa_end = p;
  int64_t exponent = 0;
  if (p < end) {
    if (*p != 'e' && *p != 'E') return false;
    bool negative = ++p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
      if (exponent < 1000000000) exponent = exponent * 10 + (*p - '0');
    if (p < end) return false;
    if (negative) exponent = -exponent;
  }
  /* place: the power of ten of the next digit, counted in 1/10000. */
  int64_t place = point + exponent - 1 + 4, n = 0;
  for (const char *d = mantissa; d < mantissa_end; d++) {
    if (*d == '.') continue;
    if (place < 0) {
      if (place == -1 && *d >= '5' && __builtin_add_overflow(n, 1, &n)) return false;
      break;
    }
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *d - '0', &n)) return false;
    place--;
  }
  for (; n != 0 && place >= 0; place--)
    if (__builtin_mul_overflow(n, 10, &n)) return false;
  *out = minus ? -n : n;
  return true;
}

/* --- currencies ------------------------------------------------------------------------------------------------------ */

uint32_t currency_parse(struct str letters) {
  if (letters.len != 3) return 0;
  for (size_t i = 0; i < 3; i++)
    if (letters.ptr[i] < 'A' || letters.ptr[i] > 'Z') return 0;
  return CURRENCY((unsigned char)letters.ptr[0], (unsigned char)letters.ptr[1], (unsigned char)letters.ptr[2]);
}

uint32_t currency_from_json(struct json j) {
  if (j.type != JSON_STRING || j.text.len != 5) return 0;
  char letters[3];
  for (int i = 0; i < 3; i++) {
    char c = j.text.ptr[i + 1];
    letters[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  return currency_parse((struct str){ letters, 3 });
}

void currency_print(uint32_t currency, char out[4]) {
  for (int i = 0; i < 3; i++) {
    char c = (char)(currency >> (16 - 8 * i) & 0x7f);
    out[i] = c >= 'A' && c <= 'Z' ? c : '?';
  }
  out[3] = '\0';
}

bool currency_is_sound(uint32_t currency) {
  for (int i = 0; i < 24; i += 8) {
    uint32_t letter = currency >> i & 0xff;
    if (letter < 'A' || letter > 'Z') return false;
  }
  return currency >> 24 == 0;
}
