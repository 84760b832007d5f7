/* Values: comparing, computing, and their texts and bytes; see value.h.
 *
 * Not for measures (measure.c) and not for anything that needs the contact: who compares a moment gives the zone.
 *
 * Invariants:
 * 1. Numbers and percentages are finite. What would not be is missing.
 * 2. Money is computed in whole 1/10000 of its currency with integers of 128 bits, so the one rounding is the last step,
 *    half away from zero, as invoices have it. What does not fit 64 bits is missing; two currencies never meet.
 * 3. Moments stay within LIMIT_MOMENT_MS, durations within DAYS_MAX and MONTHS_MAX; what leaves them is missing.
 * 4. Equal and order agree: two values that have an order are equal when it is 0.
 *
 * Durations: an exact one and a calendar one are compared by length, a calendar day as 24 h and a month as a twelfth of
 * the Gregorian year (30.436875 days), so that `time since last visit > 30d` and `> 1mo` both have an answer for every
 * length. Where the clock's changes matter a script compares moments. They are never added to one another. */
#include "value.h"

#include <math.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/utf8.h"

#define DAYS_MAX 200000000LL
#define MONTHS_MAX 4000000LL
#define MONTH_MS 2629746000LL /* 365.2425 days / 12 */

typedef __int128 wide; /* products of money and a double's 53 bits */

/* --- names ----------------------------------------------------------------------------------------------------------- */

const char *value_type_name(enum value_type t) {
  static const char *const names[V_TYPE_COUNT] = {
    [V_MISSING] = "missing",   [V_BOOL] = "bool",          [V_NUMBER] = "number",
    [V_PERCENT] = "percent",   [V_MONEY] = "money",        [V_TEXT] = "text",
    [V_DATE] = "date",         [V_TIME] = "time of day",   [V_MOMENT] = "moment",
    [V_LOCAL] = "moment",      [V_EXACT] = "exact duration", [V_CALENDAR] = "calendar duration",
    [V_LIST] = "list",         [V_RECORD] = "record",      [V_REF] = "reference",
  };
  return t < V_TYPE_COUNT ? names[t] : "unknown";
}

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

/* --- making values that may not exist -------------------------------------------------------------------------------- */

static struct value make_number(double n) { return isfinite(n) ? value_number(n) : value_missing(); }

static struct value make_percent(double n) {
  return isfinite(n) ? (struct value){ .type = V_PERCENT, .n = n } : value_missing();
}

static struct value make_i(enum value_type type, int64_t i) { return (struct value){ .type = (uint8_t)type, .i = i }; }

static struct value make_time(enum value_type type, int64_t ms) {
  return ms < -LIMIT_MOMENT_MS || ms > LIMIT_MOMENT_MS ? value_missing() : make_i(type, ms);
}

/* aux is unsigned and months may be negative: they travel as two's complement. */
static int64_t months_of(struct value v) { return (int32_t)v.aux; }

static struct value make_calendar(int64_t months, int64_t days) {
  if (months < -MONTHS_MAX || months > MONTHS_MAX || days < -DAYS_MAX || days > DAYS_MAX) return value_missing();
  return (struct value){ .type = V_CALENDAR, .aux = (uint32_t)(int32_t)months, .i = days };
}

static struct value make_date(int64_t days) {
  return days < -LIMIT_MOMENT_MS / MS_PER_DAY || days > LIMIT_MOMENT_MS / MS_PER_DAY ? value_missing() : make_i(V_DATE, days);
}

static const struct zone *zone_or_utc(const struct zone *z) { return z ? z : zone_utc(); }

static int64_t midnight(int64_t days, const struct zone *z) {
  return zone_to_utc(zone_or_utc(z), days * MS_PER_DAY);
}

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
static bool scale(int64_t i, double x, int64_t per, int64_t *out) {
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
static bool unscale(int64_t i, double x, int64_t per, int64_t *out) {
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
static bool decimal_scaled(struct str text, int64_t *out) {
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

/* --- comparing ------------------------------------------------------------------------------------------------------- */

static bool is_moment(struct value v) { return v.type == V_MOMENT || v.type == V_LOCAL; }
static bool is_day(struct value v) { return v.type == V_DATE || is_moment(v); }
static bool is_duration(struct value v) { return v.type == V_EXACT || v.type == V_CALENDAR; }
static bool is_text(struct value v) { return v.type == V_TEXT || v.type == V_REF; }

/* A moment, a moment as written, or the midnight of a date. */
static int64_t utc_of(struct value v, const struct zone *z) {
  if (v.type == V_MOMENT) return v.i;
  return v.type == V_DATE ? midnight(v.i, z) : zone_to_utc(zone_or_utc(z), v.i);
}

static int compare_i(int64_t a, int64_t b) { return (a > b) - (a < b); }
static int compare_n(double a, double b) { return (a > b) - (a < b); }

static wide length_of(struct value v) {
  return v.type == V_EXACT ? v.i : (wide)months_of(v) * MONTH_MS + (wide)v.i * MS_PER_DAY;
}

int64_t duration_ms(struct value v) {
  wide length = length_of(v);
  return length > INT64_MAX ? INT64_MAX : length < INT64_MIN ? INT64_MIN : (int64_t)length;
}

static int compare_durations(struct value a, struct value b) {
  wide x = length_of(a), y = length_of(b);
  return (x > y) - (x < y);
}

int value_order(struct value a, struct value b, const struct zone *z, bool *ok) {
  *ok = true;
  if (is_duration(a) && is_duration(b)) return compare_durations(a, b);
  if (a.type != b.type) {
    if (is_day(a) && is_day(b)) return compare_i(utc_of(a, z), utc_of(b, z));
    *ok = is_text(a) && is_text(b);
    return *ok ? str_cmp(value_str(a), value_str(b)) : 0;
  }
  switch ((enum value_type)a.type) {
    case V_NUMBER:
    case V_PERCENT: return compare_n(a.n, b.n);
    case V_MONEY:
      *ok = a.aux == b.aux;
      return *ok ? compare_i(a.i, b.i) : 0;
    case V_TEXT: return str_cmp(value_str(a), value_str(b));
    case V_DATE:
    case V_TIME:
    case V_MOMENT:
    case V_LOCAL: return compare_i(a.i, b.i);
    default: *ok = false; return 0;
  }
}

bool value_equal(struct value a, struct value b, const struct zone *z) {
  if (is_text(a) && is_text(b)) {
    if (a.interned && b.interned) return a.ptr == b.ptr;
    return str_eq(value_str(a), value_str(b));
  }
  if (a.type == b.type) {
    if (a.type == V_BOOL) return a.i == b.i;
    if (a.type == V_LIST || a.type == V_RECORD) return str_eq(value_str(a), value_str(b));
  }
  bool ok;
  return value_order(a, b, z, &ok) == 0 && ok;
}

/* --- computing ------------------------------------------------------------------------------------------------------- */

static struct value add_duration(struct value a, struct value d, const struct zone *z) {
  int64_t ms;
  if (a.type == V_TIME && d.type == V_EXACT) { /* the clock's face: past midnight it begins anew */
    int64_t t = (a.i + d.i % MS_PER_DAY) % MS_PER_DAY;
    return make_i(V_TIME, t < 0 ? t + MS_PER_DAY : t);
  }
  if (d.type == V_EXACT) {
    if (!is_day(a) || __builtin_add_overflow(utc_of(a, z), d.i, &ms)) return value_missing();
    return make_time(V_MOMENT, ms);
  }
  switch ((enum value_type)a.type) {
    case V_DATE: {
      int64_t civil = calendar_add(a.i * MS_PER_DAY, months_of(d), d.i);
      return make_date(civil / MS_PER_DAY - (civil % MS_PER_DAY < 0));
    }
    case V_MOMENT: return make_time(V_MOMENT, zone_add(zone_or_utc(z), a.i, months_of(d), d.i));
    case V_LOCAL: return make_time(V_LOCAL, calendar_add(a.i, months_of(d), d.i));
    default: return value_missing();
  }
}

struct value value_add(struct value a, struct value b, const struct zone *z) {
  if (is_duration(b) && !is_duration(a)) return add_duration(a, b, z);
  if (is_duration(a) && !is_duration(b)) return add_duration(b, a, z);
  if (a.type != b.type) return value_missing();
  int64_t i;
  switch ((enum value_type)a.type) {
    case V_NUMBER: return make_number(a.n + b.n);
    case V_PERCENT: return make_percent(a.n + b.n);
    case V_MONEY:
      if (a.aux != b.aux || __builtin_add_overflow(a.i, b.i, &i)) return value_missing();
      return value_money(i, a.aux);
    case V_EXACT: return __builtin_add_overflow(a.i, b.i, &i) ? value_missing() : make_i(V_EXACT, i);
    case V_CALENDAR:
      if (__builtin_add_overflow(a.i, b.i, &i)) return value_missing();
      return make_calendar(months_of(a) + months_of(b), i);
    default: return value_missing();
  }
}

static struct value negate(struct value v) {
  switch ((enum value_type)v.type) {
    case V_NUMBER:
    case V_PERCENT: v.n = -v.n; return v;
    case V_MONEY:
    case V_EXACT:
      if (__builtin_sub_overflow((int64_t)0, v.i, &v.i)) return value_missing();
      return v;
    case V_CALENDAR:
      if (__builtin_sub_overflow((int64_t)0, v.i, &v.i)) return value_missing();
      return make_calendar(-months_of(v), v.i);
    default: return value_missing();
  }
}

struct value value_sub(struct value a, struct value b, const struct zone *z) {
  int64_t i;
  if (a.type == V_DATE && b.type == V_DATE)
    return __builtin_sub_overflow(a.i, b.i, &i) ? value_missing() : make_calendar(0, i);
  if (a.type == V_TIME && b.type == V_TIME) return make_i(V_EXACT, a.i - b.i);
  if (is_day(a) && is_day(b))
    return __builtin_sub_overflow(utc_of(a, z), utc_of(b, z), &i) ? value_missing() : make_i(V_EXACT, i);
  if (is_duration(a) && !is_duration(b)) return value_missing();
  return value_add(a, negate(b), z);
}

/* One factor is a number or a percentage (per = 1 or 100): x times it. */
static struct value times(struct value x, double n, int64_t per) {
  int64_t i;
  switch ((enum value_type)x.type) {
    case V_NUMBER: return make_number(per == 1 ? x.n * n : x.n * n / (double)per);
    case V_PERCENT: return make_percent(per == 1 ? x.n * n : x.n * n / (double)per);
    case V_MONEY: return scale(x.i, n, per, &i) ? value_money(i, x.aux) : value_missing();
    case V_EXACT: return scale(x.i, n, per, &i) ? make_i(V_EXACT, i) : value_missing();
    case V_CALENDAR: { /* half a month is no number of days: only whole multiples */
      int64_t months, days;
      if (per != 1 || n != floor(n) || !scale(months_of(x), n, 1, &months) || !scale(x.i, n, 1, &days))
        return value_missing();
      return make_calendar(months, days);
    }
    default: return value_missing();
  }
}

struct value value_mul(struct value a, struct value b) {
  if (a.type == V_PERCENT) return times(b, a.n, 100); /* 25% of b, a number too */
  if (b.type == V_PERCENT) return times(a, b.n, 100);
  if (a.type == V_NUMBER) return times(b, a.n, 1);
  if (b.type == V_NUMBER) return times(a, b.n, 1);
  return value_missing();
}

/* x / (n / per) */
static struct value over(struct value x, double n, int64_t per) {
  int64_t i;
  if (n == 0) return value_missing();
  switch ((enum value_type)x.type) {
    case V_NUMBER: return make_number(per == 1 ? x.n / n : x.n * (double)per / n);
    case V_PERCENT: return make_percent(x.n / n);
    case V_MONEY: return unscale(x.i, n, per, &i) ? value_money(i, x.aux) : value_missing();
    case V_EXACT: return unscale(x.i, n, per, &i) ? make_i(V_EXACT, i) : value_missing();
    default: return value_missing();
  }
}

struct value value_div(struct value a, struct value b) {
  if (b.type == V_NUMBER) return over(a, b.n, 1);
  if (a.type == V_PERCENT && b.type == V_PERCENT) return b.n == 0 ? value_missing() : make_number(a.n / b.n);
  if (b.type == V_PERCENT) return over(a, b.n, 100);
  if (a.type == V_MONEY && b.type == V_MONEY && a.aux == b.aux && b.i != 0)
    return make_number((double)a.i / (double)b.i);
  if (is_duration(a) && a.type == b.type) {
    if (a.type == V_EXACT && b.i != 0) return make_number((double)a.i / (double)b.i);
    if (a.type == V_CALENDAR && months_of(a) == 0 && months_of(b) == 0 && b.i != 0)
      return make_number((double)a.i / (double)b.i);
  }
  return value_missing();
}

/* --- from JSON ------------------------------------------------------------------------------------------------------- */

static struct str trim(struct str s) {
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s.ptr++, s.len--;
  while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) s.len--;
  return s;
}

/* "40 EUR" or, with a default currency, "40". */
static struct value money_from_text(struct str s, uint32_t currency) {
  s = trim(s);
  int64_t amount;
  if (s.len >= 4) {
    uint32_t own = currency_parse((struct str){ s.ptr + s.len - 3, 3 });
    if (own) {
      currency = own;
      size_t len = s.len;
      s = trim((struct str){ s.ptr, s.len - 3 });
      if (s.len + 3 == len) return value_missing(); /* no blank between */
    }
  }
  if (!currency || s.len == 0 || !decimal_scaled(s, &amount)) return value_missing();
  return value_money(amount, currency);
}

static struct value money_from_record(struct json j, uint32_t currency, struct arena *a) {
  struct json amount = json_member(j.text, STR("amount")), own = json_member(j.text, STR("currency"));
  if (own.type == JSON_STRING) {
    currency = currency_from_json(own);
    if (!currency) return value_missing();
  }
  int64_t n;
  struct str text = amount.type == JSON_STRING ? trim(json_string(amount, a)) : amount.text;
  if (!currency || (amount.type != JSON_NUMBER && amount.type != JSON_STRING) || text.len == 0) return value_missing();
  return decimal_scaled(text, &n) ? value_money(n, currency) : value_missing();
}

static struct value money_from_json(struct json j, uint32_t currency, struct arena *a) {
  int64_t n;
  switch (j.type) {
    case JSON_NUMBER:
      return currency && decimal_scaled(j.text, &n) ? value_money(n, currency) : value_missing();
    case JSON_STRING: return money_from_text(json_string(j, a), currency);
    case JSON_OBJECT: return money_from_record(j, currency, a);
    default: return value_missing();
  }
}

/* One of 7d 24h 1mo …; units of the same kind may follow one another (1mo 3d). */
static struct value duration_from_text(struct str s, enum value_type want) {
  static const struct { const char *name; enum value_type type; int64_t months, amount; } units[] = {
    { "ms", V_EXACT, 0, 1 },      { "s", V_EXACT, 0, 1000 },     { "m", V_EXACT, 0, 60000 },
    { "h", V_EXACT, 0, 3600000 }, { "d", V_CALENDAR, 0, 1 },     { "w", V_CALENDAR, 0, 7 },
    { "mo", V_CALENDAR, 1, 0 },   { "y", V_CALENDAR, 12, 0 },
  };
  int64_t months = 0, amount = 0;
  bool minus = s.len && s.ptr[0] == '-', any = false;
  if (minus) s.ptr++, s.len--;
  for (s = trim(s); s.len; s = trim(s), any = true) {
    int64_t n = 0, part;
    size_t digits = 0, letters = 0;
    for (; digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9'; digits++)
      if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, s.ptr[digits] - '0', &n)) return value_missing();
    while (digits + letters < s.len && s.ptr[digits + letters] >= 'a' && s.ptr[digits + letters] <= 'z') letters++;
    size_t u = 0, count = sizeof units / sizeof units[0];
    struct str unit = { s.ptr + digits, letters };
    while (u < count && !(units[u].type == want && str_is(unit, units[u].name))) u++;
    if (digits == 0 || u == count) return value_missing();
    if (__builtin_mul_overflow(n, units[u].months, &part) || __builtin_add_overflow(months, part, &months) ||
        __builtin_mul_overflow(n, units[u].amount, &part) || __builtin_add_overflow(amount, part, &amount))
      return value_missing();
    s.ptr += digits + letters;
    s.len -= digits + letters;
  }
  if (!any) return value_missing();
  struct value v = want == V_EXACT ? make_i(V_EXACT, amount) : make_calendar(months, amount);
  return minus ? negate(v) : v;
}

static struct value percent_from_text(struct str s) {
  s = trim(s);
  if (s.len < 2 || s.ptr[s.len - 1] != '%') return value_missing();
  s = trim((struct str){ s.ptr, s.len - 1 });
  struct json number;
  const char *why;
  size_t at;
  double n;
  if (!json_check(s, &number, &why, &at) || !json_number(number, &n)) return value_missing();
  return make_percent(n);
}

static struct value moment_from_text(struct str s, enum value_type want, const struct zone *z) {
  int64_t ms;
  bool zoned;
  if (!calendar_parse_moment(trim(s), &ms, &zoned)) return value_missing();
  z = zone_or_utc(z);
  if (want == V_MOMENT) return make_time(V_MOMENT, zoned ? ms : zone_to_utc(z, ms));
  if (zoned) ms = zone_to_civil(z, ms);
  if (want == V_LOCAL) return make_time(V_LOCAL, ms);
  return make_date(ms / MS_PER_DAY - (ms % MS_PER_DAY < 0));
}

static struct value text_as(struct str s, enum value_type want, const struct zone *z) {
  int64_t ms;
  switch (want) {
    case V_PERCENT: return percent_from_text(s);
    case V_TEXT: return value_text(s);
    case V_REF: return (struct value){ .type = V_REF, .aux = (uint32_t)s.len, .ptr = s.ptr };
    case V_TIME: return calendar_parse_time(trim(s), &ms) ? make_i(V_TIME, ms) : value_missing();
    case V_DATE:
    case V_MOMENT:
    case V_LOCAL: return moment_from_text(s, want, z);
    case V_EXACT:
    case V_CALENDAR: return duration_from_text(trim(s), want);
    default: return value_missing();
  }
}

static struct value json_text(enum value_type type, struct json j) {
  return (struct value){ .type = (uint8_t)type, .aux = (uint32_t)j.text.len, .ptr = j.text.ptr };
}

/* What a value looks like, for fields that nobody declared. */
static enum value_type looks_like(enum json_type t) {
  switch (t) {
    case JSON_TRUE:
    case JSON_FALSE: return V_BOOL;
    case JSON_NUMBER: return V_NUMBER;
    case JSON_STRING: return V_TEXT;
    case JSON_ARRAY: return V_LIST;
    case JSON_OBJECT: return V_RECORD;
    default: return V_MISSING;
  }
}

struct value value_from_json(struct json j, enum value_type want, uint32_t currency, const struct zone *z, struct arena *a) {
  if (want == V_MISSING) want = looks_like(j.type);
  if (want == V_MONEY) return money_from_json(j, currency, a);
  double n;
  switch (j.type) {
    case JSON_TRUE:
    case JSON_FALSE: return want == V_BOOL ? value_bool(j.type == JSON_TRUE) : value_missing();
    case JSON_NUMBER:
      /* Shops send order_id as a number one day and as text the next: its digits are a good text. */
      if (want == V_TEXT) return json_text(V_TEXT, j);
      if ((want != V_NUMBER && want != V_PERCENT) || !json_number(j, &n)) return value_missing();
      return want == V_NUMBER ? value_number(n) : make_percent(n);
    case JSON_STRING: return text_as(json_string(j, a), want, z);
    case JSON_ARRAY: return want == V_LIST ? json_text(V_LIST, j) : value_missing();
    case JSON_OBJECT: return want == V_RECORD ? json_text(V_RECORD, j) : value_missing();
    default: return value_missing();
  }
}

struct value value_from_member(struct json member, struct str object, enum value_type want, uint32_t currency,
                               const struct zone *z, struct arena *a) {
  if (want == V_MONEY && member.type == JSON_NUMBER && object.len) {
    struct json beside = json_member(object, STR("currency"));
    if (beside.type == JSON_STRING) currency = currency_from_json(beside);
  }
  return value_from_json(member, want, currency, z, a);
}

/* --- texts ----------------------------------------------------------------------------------------------------------- */

/* The shortest of 15, 16 or 17 digits that reads back as the same double; whole numbers below 2^53 without exponent. */
static void print_number(struct buf *b, double n) {
  char text[40];
  int len = 0;
  if (n == 0) n = 0; /* no minus before zero */
  if (n == floor(n) && fabs(n) < 9007199254740992.0) {
    buf_printf(b, "%lld", (long long)n);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    len = snprintf(text, sizeof text, "%.*g", digits, n);
    for (int i = 0; i < len; i++)
      if (text[i] == ',') text[i] = '.';
    double back;
    struct json j = { JSON_NUMBER, false, { text, (size_t)len } };
    if (json_number(j, &back) && back == n) break;
  }
  buf_add(b, text, (size_t)len);
}

static void print_money(struct buf *b, struct value v) {
  uint64_t n = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
  unsigned fraction = (unsigned)(n % MONEY_SCALE);
  char currency[4];
  currency_print(v.aux, currency);
  if (v.i < 0) buf_byte(b, '-');
  buf_printf(b, "%llu", (unsigned long long)(n / MONEY_SCALE));
  if (fraction) {
    char digits[8];
    int len = snprintf(digits, sizeof digits, "%04u", fraction);
    while (len > 2 && digits[len - 1] == '0') len--;
    buf_byte(b, '.');
    buf_add(b, digits, (size_t)len);
  }
  buf_printf(b, " %s", currency);
}

static void print_exact(struct buf *b, int64_t ms) {
  if (ms % 3600000 == 0) buf_printf(b, "%lldh", (long long)(ms / 3600000));
  else if (ms % 60000 == 0) buf_printf(b, "%lldm", (long long)(ms / 60000));
  else if (ms % 1000 == 0) buf_printf(b, "%llds", (long long)(ms / 1000));
  else buf_printf(b, "%lldms", (long long)ms);
}

static void print_calendar(struct buf *b, struct value v) {
  int64_t months = months_of(v), days = v.i;
  if (months < 0 && days <= 0) buf_byte(b, '-'), months = -months, days = -days; /* one sign for both, as it is read */
  if (months) {
    if (months % 12 == 0) buf_printf(b, "%lldy", (long long)(months / 12));
    else buf_printf(b, "%lldmo", (long long)months);
    if (days) buf_byte(b, ' ');
  }
  if (days || !months) buf_printf(b, "%lldd", (long long)days);
}

static void print_civil(struct buf *b, struct value v) {
  char text[32];
  size_t len = calendar_print(v.type == V_DATE ? v.i * MS_PER_DAY : v.i, text);
  size_t date = len;
  for (size_t i = 0; i < len; i++)
    if (text[i] == ' ') date = i;
  if (v.type == V_DATE) buf_add(b, text, date);
  else if (v.type == V_TIME) buf_add(b, text + date + 1, len - date - 1);
  else buf_add(b, text, len);
}

void value_print(struct buf *b, struct value v, const struct zone *z) {
  switch ((enum value_type)v.type) {
    case V_BOOL: buf_c(b, v.i ? "true" : "false"); break;
    case V_NUMBER: print_number(b, v.n); break;
    case V_PERCENT:
      print_number(b, v.n);
      buf_byte(b, '%');
      break;
    case V_MONEY: print_money(b, v); break;
    case V_TEXT:
    case V_REF:
    case V_LIST:
    case V_RECORD: buf_str(b, value_str(v)); break;
    case V_MOMENT: v.i = zone_to_civil(zone_or_utc(z), v.i); /* fall through */
    case V_DATE:
    case V_TIME:
    case V_LOCAL: print_civil(b, v); break;
    case V_EXACT: print_exact(b, v.i); break;
    case V_CALENDAR: print_calendar(b, v); break;
    default: break;
  }
}

void value_to_json(struct buf *b, struct value v, const struct zone *z) {
  switch ((enum value_type)v.type) {
    case V_MISSING: buf_c(b, "null"); return;
    case V_TEXT:
    case V_REF: buf_json_str(b, value_str(v)); return;
    case V_BOOL:
    case V_NUMBER:
    case V_LIST:
    case V_RECORD: value_print(b, v, z); return;
    default: break;
  }
  buf_byte(b, '"');
  if (v.type == V_MOMENT) {
    char text[40];
    buf_add(b, text, calendar_print_iso(zone_or_utc(z), v.i, text));
  } else {
    value_print(b, v, z);
  }
  buf_byte(b, '"');
}

void value_show(struct buf *b, struct value v) {
  char text[40];
  switch ((enum value_type)v.type) {
    case V_MISSING: buf_c(b, "missing"); break;
    case V_TEXT: buf_json_str(b, value_str(v)); break;
    case V_MOMENT: buf_add(b, text, calendar_print_iso(zone_utc(), v.i, text)); break;
    default: value_print(b, v, NULL);
  }
}

/* --- bytes ----------------------------------------------------------------------------------------------------------- */

/* OFFSET 0 the type, then by type: nothing; a zigzag varint (i); 8 bytes of a double; a zigzag varint and a varint (i,
 * aux); a varint length and bytes. */
void value_write(struct buf *b, struct value v) {
  buf_byte(b, v.type);
  switch ((enum value_type)v.type) {
    case V_NUMBER:
    case V_PERCENT: {
      uint64_t bits;
      memcpy(&bits, &v.n, 8);
      buf_u64(b, bits);
      break;
    }
    case V_BOOL:
    case V_DATE:
    case V_TIME:
    case V_MOMENT:
    case V_LOCAL:
    case V_EXACT: buf_zigzag(b, v.i); break;
    case V_MONEY:
      buf_zigzag(b, v.i);
      buf_varint(b, v.aux);
      break;
    case V_CALENDAR:
      buf_zigzag(b, v.i);
      buf_zigzag(b, months_of(v));
      break;
    case V_TEXT:
    case V_LIST:
    case V_RECORD:
    case V_REF: buf_lstr(b, value_str(v)); break;
    default: break;
  }
}

static bool within(int64_t i, int64_t low, int64_t high) { return i >= low && i <= high; }

static bool currency_good(uint64_t currency) {
  for (int i = 0; i < 3; i++)
    if (!within((int64_t)(currency >> (8 * i) & 0xff), 'A', 'Z')) return false;
  return currency >> 24 == 0;
}

/* Walks trust checked JSON and messages trust UTF-8, so bytes from disk are checked here, once. */
static bool bytes_good(enum value_type type, struct str s) {
  struct json j;
  const char *why;
  size_t at;
  if (s.len > UINT32_MAX) return false;
  if (type == V_TEXT || type == V_REF) return utf8_valid_prefix(s) == s.len;
  return json_check(s, &j, &why, &at) && j.type == (type == V_LIST ? JSON_ARRAY : JSON_OBJECT) && j.text.len == s.len;
}

static bool read_scalar(struct reader *r, struct value *v) {
  uint64_t bits;
  int64_t months;
  switch ((enum value_type)v->type) {
    case V_NUMBER:
    case V_PERCENT:
      bits = reader_u64(r);
      memcpy(&v->n, &bits, 8);
      return isfinite(v->n);
    case V_BOOL: v->i = reader_zigzag(r); return within(v->i, 0, 1);
    case V_DATE: v->i = reader_zigzag(r); return within(v->i, -LIMIT_MOMENT_MS / MS_PER_DAY, LIMIT_MOMENT_MS / MS_PER_DAY);
    case V_TIME: v->i = reader_zigzag(r); return within(v->i, 0, MS_PER_DAY - 1);
    case V_MOMENT:
    case V_LOCAL: v->i = reader_zigzag(r); return within(v->i, -LIMIT_MOMENT_MS, LIMIT_MOMENT_MS);
    case V_EXACT: v->i = reader_zigzag(r); return true;
    case V_MONEY:
      v->i = reader_zigzag(r);
      bits = reader_varint(r);
      v->aux = (uint32_t)bits;
      return currency_good(bits);
    case V_CALENDAR:
      v->i = reader_zigzag(r);
      months = reader_zigzag(r);
      *v = make_calendar(months, v->i);
      return v->type == V_CALENDAR;
    default: return true;
  }
}

struct value value_read(struct reader *r) {
  struct value v = { .type = reader_byte(r) };
  bool good = v.type < V_TYPE_COUNT;
  if (good && (is_text(v) || v.type == V_LIST || v.type == V_RECORD)) {
    struct str s = reader_str(r);
    v.ptr = s.ptr;
    v.aux = (uint32_t)s.len;
    good = bytes_good(v.type, s);
  } else if (good) {
    good = read_scalar(r, &v);
  }
  if (good && !r->failed) return v;
  r->failed = true;
  return value_missing();
}
