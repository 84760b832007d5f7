/* What stands in JSON as a value of a declared type; see value.h.
 *
 * Not for reading JSON (base/json.c; what comes here is checked) and not for writing it (value_text.c).
 *
 * Invariants:
 * 1. What does not fit the type is missing, never an error.
 * 2. Texts borrow from the JSON; only those with escapes are decoded, into the arena. */
#include "money.h"
#include "value_make.h"

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
  if (!currency || s.len == 0 || !money_parse(s, &amount)) return value_missing();
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
  return money_parse(text, &n) ? value_money(n, currency) : value_missing();
}

static struct value money_from_json(struct json j, uint32_t currency, struct arena *a) {
  int64_t n;
  switch (j.type) {
    case JSON_NUMBER:
      return currency && money_parse(j.text, &n) ? value_money(n, currency) : value_missing();
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
  return minus ? value_neg(v) : v;
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
