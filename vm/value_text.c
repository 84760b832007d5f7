/* Values as texts: for messages, as JSON, and as a script writes them; see value.h.
 *
 * Not for reading any of them: value_json.c, and the compiler's literals.
 *
 * Invariant: what value_to_json writes, value_from_json reads back the same. */
#include <stdio.h>

#include "value_make.h"

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
