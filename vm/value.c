/* Values: comparing and computing; see value.h.
 *
 * Not for how they stand in JSON (value_json.c), in texts (value_text.c) and in bytes (value_bytes.c), nor for measures (measure.c).
 * Nothing here needs the contact: who compares a moment gives the zone.
 *
 * Invariants:
 * 1. Numbers and percentages are finite. What would not be is missing.
 * 2. Money is computed in whole 1/10000 of its currency (money.c). What does not fit 64 bits is missing; two currencies never meet.
 * 3. Moments stay within LIMIT_MOMENT_MS, durations within DAYS_MAX and MONTHS_MAX; what leaves them is missing.
 * 4. Equal and order agree: two values that have an order are equal when it is 0.
 *
 * Durations: an exact one and a calendar one are compared by length, a calendar day as 24 h and a month as a twelfth of
 * the Gregorian year (30.436875 days), so that `time since last visit > 30d` and `> 1mo` both have an answer for every
 * length. Where the clock's changes matter a script compares moments. They are never added to one another. */
#include "value.h"

#include "money.h"
#include "value_make.h"

#define MONTH_MS 2629746000LL /* 365.2425 days / 12 */

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

/* --- comparing ------------------------------------------------------------------------------------------------------- */

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
  if (value_is_duration(a) && value_is_duration(b)) return compare_durations(a, b);
  if (a.type != b.type) {
    if (is_day(a) && is_day(b)) return compare_i(utc_of(a, z), utc_of(b, z));
    *ok = value_is_text(a) && value_is_text(b);
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
  if (value_is_text(a) && value_is_text(b)) {
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
  if (value_is_duration(b) && !value_is_duration(a)) return add_duration(a, b, z);
  if (value_is_duration(a) && !value_is_duration(b)) return add_duration(b, a, z);
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

struct value value_neg(struct value v) {
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
  if (value_is_duration(a) && !value_is_duration(b)) return value_missing();
  return value_add(a, value_neg(b), z);
}

/* One factor is a number or a percentage (per = 1 or 100): x times it. */
static struct value times(struct value x, double n, int64_t per) {
  int64_t i;
  switch ((enum value_type)x.type) {
    case V_NUMBER: return make_number(per == 1 ? x.n * n : x.n * n / (double)per);
    case V_PERCENT: return make_percent(per == 1 ? x.n * n : x.n * n / (double)per);
    case V_MONEY: return money_scale(x.i, n, per, &i) ? value_money(i, x.aux) : value_missing();
    case V_EXACT: return money_scale(x.i, n, per, &i) ? make_i(V_EXACT, i) : value_missing();
    case V_CALENDAR: { /* half a month is no number of days: only whole multiples */
      int64_t months, days;
      if (per != 1 || n != floor(n) || !money_scale(months_of(x), n, 1, &months) || !money_scale(x.i, n, 1, &days))
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
    case V_MONEY: return money_unscale(x.i, n, per, &i) ? value_money(i, x.aux) : value_missing();
    case V_EXACT: return money_unscale(x.i, n, per, &i) ? make_i(V_EXACT, i) : value_missing();
    default: return value_missing();
  }
}

struct value value_div(struct value a, struct value b) {
  if (b.type == V_NUMBER) return over(a, b.n, 1);
  if (a.type == V_PERCENT && b.type == V_PERCENT) return b.n == 0 ? value_missing() : make_number(a.n / b.n);
  if (b.type == V_PERCENT) return over(a, b.n, 100);
  if (a.type == V_MONEY && b.type == V_MONEY && a.aux == b.aux && b.i != 0)
    return make_number((double)a.i / (double)b.i);
  if (value_is_duration(a) && a.type == b.type) {
    if (a.type == V_EXACT && b.i != 0) return make_number((double)a.i / (double)b.i);
    if (a.type == V_CALENDAR && months_of(a) == 0 && months_of(b) == 0 && b.i != 0)
      return make_number((double)a.i / (double)b.i);
  }
  return value_missing();
}
