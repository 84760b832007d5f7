/* Civil time: days and months, wall-clock readings, and their texts; see calendar.h.
 *
 * Not for time zones (zone.c) and not for reading any clock.
 *
 * Invariants:
 * 1. Every function is total: any int64 gives an answer without overflow. Readings beyond LIMIT_MOMENT_MS (the 100,000,000 days
 *    either side of 1970 that ECMAScript's Date has) are brought back to it.
 * 2. Parsing accepts only years from LIMIT_YEAR_MIN to LIMIT_YEAR_MAX, so what enters is far inside that range.
 * 3. There are no leap seconds: a second of 60 is refused, because moments could not tell it from the next second. 24:00
 *    is refused too; who means midnight writes 00:00 of the next day. */
#include "calendar.h"

#include <stdio.h>

#include "base/limits.h"

#define MONTHS_MAX 4000000LL    /* more than LIMIT_MOMENT_MS holds */
#define DAYS_MAX 200000000LL

static int64_t clamp(int64_t n, int64_t bound) { return n < -bound ? -bound : n > bound ? bound : n; }

static int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q - (a % b < 0);
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day is the last. */
int64_t calendar_days(int64_t year, int month, int day) {
  int64_t y = clamp(year, DAYS_MAX) - (month <= 2);
  int64_t era = floor_div(y, 400);
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void civil_date(int64_t days, struct civil *c) {
  int64_t z = days + 719468;
  int64_t era = floor_div(z, 146097);
  int64_t day_of_era = z - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  c->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
  c->month = (int)(month < 10 ? month + 3 : month - 9);
  c->year = year_of_era + era * 400 + (c->month <= 2);
}

struct civil calendar_civil(int64_t civil_ms) {
  int64_t ms = clamp(civil_ms, LIMIT_MOMENT_MS);
  int64_t days = floor_div(ms, MS_PER_DAY);
  int rest = (int)(ms - days * MS_PER_DAY);
  struct civil c = { .hour = rest / 3600000, .minute = rest / 60000 % 60, .second = rest / 1000 % 60, .ms = rest % 1000 };
  civil_date(days, &c);
  return c;
}

int64_t calendar_ms(struct civil c) {
  int64_t days = clamp(calendar_days(c.year, c.month, c.day), DAYS_MAX);
  int64_t seconds = (int64_t)c.hour * 3600 + (int64_t)c.minute * 60 + c.second;
  return clamp(days * MS_PER_DAY + seconds * 1000 + c.ms, LIMIT_MOMENT_MS);
}

int calendar_weekday(int64_t days) {
  int64_t d = (clamp(days, DAYS_MAX) + 3) % 7; /* 1970-01-01 was a Thursday */
  return (int)(d < 0 ? d + 7 : d);
}

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int calendar_month_days(int64_t year, int month) {
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  if (month < 1 || month > 12) return 0;
  return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t calendar_add(int64_t civil_ms, int64_t months, int64_t days) {
  int64_t ms = clamp(civil_ms, LIMIT_MOMENT_MS);
  if (months != 0) {
    struct civil c = calendar_civil(ms);
    int64_t month = c.year * 12 + (c.month - 1) + clamp(months, MONTHS_MAX);
    c.year = floor_div(month, 12);
    c.month = (int)(month - c.year * 12) + 1;
    int last = calendar_month_days(c.year, c.month);
    if (c.day > last) c.day = last;
    ms = calendar_ms(c);
  }
  return clamp(ms + clamp(days, DAYS_MAX) * MS_PER_DAY, LIMIT_MOMENT_MS);
}

/* --- reading texts --------------------------------------------------------------------------------------------------- */

/* Exactly count digits; -1 when they are not there. */
static int take_digits(struct str *s, size_t count) {
  if (s->len < count) return -1;
  int n = 0;
  for (size_t i = 0; i < count; i++) {
    if (s->ptr[i] < '0' || s->ptr[i] > '9') return -1;
    n = n * 10 + (s->ptr[i] - '0');
  }
  s->ptr += count;
  s->len -= count;
  return n;
}

static bool take_char(struct str *s, char c) {
  if (s->len == 0 || s->ptr[0] != c) return false;
  s->ptr++;
  s->len--;
  return true;
}

static bool take_date(struct str *s, int64_t *days) {
  int year = take_digits(s, 4);
  if (year < LIMIT_YEAR_MIN || year > LIMIT_YEAR_MAX || !take_char(s, '-')) return false;
  int month = take_digits(s, 2);
  if (month < 1 || month > 12 || !take_char(s, '-')) return false;
  int day = take_digits(s, 2);
  if (day < 1 || day > calendar_month_days(year, month)) return false;
  *days = calendar_days(year, month, day);
  return true;
}

/* Behind the seconds: any number of digits, of which the first three count. */
static bool take_fraction(struct str *s, int *ms) {
  if (s->len == 0 || s->ptr[0] < '0' || s->ptr[0] > '9') return false;
  int unit = 100;
  for (*ms = 0; s->len && s->ptr[0] >= '0' && s->ptr[0] <= '9'; s->ptr++, s->len--, unit /= 10)
    *ms += (s->ptr[0] - '0') * unit;
  return true;
}

static bool take_time(struct str *s, int64_t *ms) {
  int hour = take_digits(s, 2);
  if (hour < 0 || hour > 23 || !take_char(s, ':')) return false;
  int minute = take_digits(s, 2);
  if (minute < 0 || minute > 59) return false;
  int second = 0, fraction = 0;
  if (take_char(s, ':')) {
    second = take_digits(s, 2);
    if (second < 0 || second > 59) return false;
    if ((take_char(s, '.') || take_char(s, ',')) && !take_fraction(s, &fraction)) return false;
  }
  *ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + fraction;
  return true;
}

/* Z, +02:00, +0200 or +02. */
static bool take_offset(struct str *s, int64_t *offset_ms) {
  *offset_ms = 0;
  if (take_char(s, 'Z') || take_char(s, 'z')) return true;
  bool minus = take_char(s, '-');
  if (!minus && !take_char(s, '+')) return false;
  int hour = take_digits(s, 2), minute = 0;
  if (hour < 0 || hour > 23) return false;
  if (s->len && (take_char(s, ':') || (s->ptr[0] >= '0' && s->ptr[0] <= '9'))) {
    minute = take_digits(s, 2);
    if (minute < 0 || minute > 59) return false;
  }
  *offset_ms = (int64_t)(hour * 60 + minute) * (minus ? -60000 : 60000);
  return true;
}

bool calendar_parse_moment(struct str text, int64_t *ms, bool *zoned) {
  int64_t days, time = 0, offset = 0;
  *zoned = false;
  if (!take_date(&text, &days)) return false;
  if (text.len) {
    if (!take_char(&text, 'T') && !take_char(&text, 't') && !take_char(&text, ' ')) return false;
    if (!take_time(&text, &time)) return false;
    if (text.len > 1) take_char(&text, ' '); /* some databases print a blank before the offset */
    if (text.len) {
      if (!take_offset(&text, &offset) || text.len) return false;
      *zoned = true;
    }
  }
  *ms = days * MS_PER_DAY + time - offset;
  return true;
}

bool calendar_parse_date(struct str text, int64_t *days) { return take_date(&text, days) && text.len == 0; }

bool calendar_parse_time(struct str text, int64_t *ms) { return take_time(&text, ms) && text.len == 0; }

/* --- writing texts --------------------------------------------------------------------------------------------------- */

static char *put_digits(char *p, int n, int count) {
  for (int i = count - 1; i >= 0; i--, n /= 10) p[i] = (char)('0' + n % 10);
  return p + count;
}

static char *put_date(char *p, const struct civil *c) {
  if (c->year >= 0 && c->year <= 9999) p = put_digits(p, (int)c->year, 4);
  else p += snprintf(p, 9, "%+07d", (int)c->year); /* ISO 8601's expanded form */
  *p++ = '-';
  p = put_digits(p, c->month, 2);
  *p++ = '-';
  return put_digits(p, c->day, 2);
}

static char *put_time(char *p, const struct civil *c, bool seconds) {
  p = put_digits(p, c->hour, 2);
  *p++ = ':';
  p = put_digits(p, c->minute, 2);
  if (!seconds && c->second == 0 && c->ms == 0) return p;
  *p++ = ':';
  p = put_digits(p, c->second, 2);
  if (c->ms == 0) return p;
  *p++ = '.';
  return put_digits(p, c->ms, 3);
}

size_t calendar_print(int64_t civil_ms, char out[32]) {
  struct civil c = calendar_civil(civil_ms);
  char *p = put_date(out, &c);
  *p++ = ' ';
  p = put_time(p, &c, false);
  *p = '\0';
  return (size_t)(p - out);
}

size_t calendar_print_iso(const struct zone *z, int64_t utc_ms, char out[40]) {
  /* Local mean times have seconds that the text has no room for: it shows the offset's whole minutes and the clock that
   * goes with them, so that reading it back gives the same moment. */
  int offset = zone_offset_s(z, utc_ms) / 60 * 60;
  struct civil c = calendar_civil(clamp(utc_ms, LIMIT_MOMENT_MS) + offset * MS_PER_SECOND);
  char *p = put_date(out, &c);
  *p++ = 'T';
  p = put_time(p, &c, true);
  if (offset == 0) {
    *p++ = 'Z';
  } else {
    *p++ = offset < 0 ? '-' : '+';
    if (offset < 0) offset = -offset;
    p = put_digits(p, offset / 3600, 2);
    *p++ = ':';
    p = put_digits(p, offset / 60 % 60, 2);
  }
  *p = '\0';
  return (size_t)(p - out);
}
