/* Reads dates as Ruby's Time.parse does, and the date filter.
 *
 * The rules are those of Ruby's Date._parse: one look for a weekday, one for a time of day, then the first form of a date
 * that fits. Two-digit years below 69 are 20xx. What is missing comes from the render's clock.
 *
 * Invariant: no clock is read; "now" is env->now_ms. */
#include "liquid_date.h"

#include <stdio.h>
#include <stdlib.h>

#include "liquid_number.h"
#include "liquid_regex.h"

struct found {
  bool has_year, has_mon, has_mday, has_hour, has_min, has_sec, has_yday, has_fraction, full_year, bc;
  int64_t year, mon, mday, hour, min, sec, yday;
  int32_t ns;
  struct str zone;
};
#define MONTHS "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
#define ERA "(c(?:e|\\.e\\.)|b(?:ce|\\.c\\.e\\.)|a(?:d|\\.d\\.)|b(?:c|\\.c\\.))?"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int64_t digits_of(struct str s) {
  int64_t n = 0;
  for (size_t i = 0; i < s.len && is_digit(s.ptr[i]); i++)
    if (n < INT64_MAX / 100) n = n * 10 + (s.ptr[i] - '0');
  return n;
}
static struct str part(struct str s, size_t from, size_t len) { return (struct str){ s.ptr + from, len }; }

static int month_of(struct str s) {
  static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  for (int i = 0; s.len >= 3 && i < 12; i++)
    if (strncasecmp(s.ptr, names + (size_t)i * 3, 3) == 0) return i + 1;
  return 0;
}

/* --- the order of year, month and day -------------------------------------------------------------------------------- */

static bool looks_like_year(struct str s) { return s.ptr && (s.len > 2 || (s.len && *s.ptr == '\'')); }

static void set_year(struct found *f, struct str y) {
  size_t at = 0;
  while (at < y.len && !is_digit(y.ptr[at]) && y.ptr[at] != '-' && y.ptr[at] != '+') at++;
  bool sign = at < y.len && !is_digit(y.ptr[at]), negative = sign && y.ptr[at] == '-';
  at += sign;
  size_t end = at;
  while (end < y.len && is_digit(y.ptr[end])) end++;
  f->year = digits_of(part(y, at, end - at));
  if (negative) f->year = -f->year;
  f->has_year = end > at;
  f->full_year |= sign || end - at > 2;
}

static bool set_small(struct str s, int64_t *out) {
  size_t at = 0;
  while (at < s.len && !is_digit(s.ptr[at])) at++;
  *out = digits_of(part(s, at, s.len - at));
  return at < s.len;
}

/* The three parts as they stood, any of them absent (ptr NULL); an apostrophe or more than two digits tell the year. */
static void set_date(struct found *f, struct str y, struct str m, struct str d, bool bc) {
  const struct str none = { NULL, 0 };
  if (y.ptr && m.ptr && !d.ptr) {
    struct str oy = y, om = m, od = d;
    y = od; m = oy; d = om;
  }
  if (!y.ptr && looks_like_year(d)) y = d, d = none;
  if (y.ptr) {
    size_t at = 0;
    while (at < y.len && !is_digit(y.ptr[at]) && y.ptr[at] != '-' && y.ptr[at] != '+') at++;
    size_t end = at + (at < y.len && !is_digit(y.ptr[at]));
    while (end < y.len && is_digit(y.ptr[end])) end++;
    if (end < y.len) {
      struct str day = part(y, at, end - at);
      y = d;
      d = day;
    }
  }
  if (looks_like_year(m)) {
    struct str oy = y, om = m, od = d;
    y = om; m = od; d = oy;
  }
  if (looks_like_year(d)) {
    struct str oy = y;
    y = d; d = oy;
  }
  if (y.ptr) set_year(f, y);
  if (bc) f->bc = true;
  if (m.ptr) f->has_mon = set_small(m, &f->mon);
  if (d.ptr) f->has_mday = set_small(d, &f->mday);
}

static void set_month(struct found *f, struct str name) {
  f->mon = month_of(name);
  f->has_mon = true;
}

/* --- forms ----------------------------------------------------------------------------------------------------------- */

static int32_t fraction_ns(struct str s) {
  int32_t ns = 0;
  for (size_t i = 0; i < 9; i++) ns = ns * 10 + (i < s.len ? s.ptr[i] - '0' : 0);
  return ns;
}

/* Runs of digits: 20200615, 20200615T143000Z, 2020166, 15. */
static bool form_digits(struct found *f, const struct lq_match *m) {
  struct str s = m->group[2], time = m->group[3], fraction = m->group[4];
  bool negative = m->group[1].len && *m->group[1].ptr == '-', back = !time.ptr && fraction.ptr;
  size_t n = s.len;
  int64_t *from_end[] = { &f->sec, &f->min, &f->hour, &f->mday, &f->mon };
  bool *has_end[] = { &f->has_sec, &f->has_min, &f->has_hour, &f->has_mday, &f->has_mon };
  if (back) {
    for (size_t i = 0; i < 5 && n > 0; i++) {
      size_t take = n >= 2 ? 2 : 1;
      *from_end[i] = digits_of(part(s, n - take, take));
      *has_end[i] = true;
      n -= take;
    }
    if (n) f->year = digits_of(part(s, 0, n)), f->has_year = true, f->full_year |= n > 2;
  } else {
    if (n > 14 || n == 9 || n == 11 || n == 13) return false;
    size_t year = n == 6 || n == 5 ? 2 : n >= 7 ? 4 : 0, at = year;
    if (year) {
      f->year = digits_of(part(s, 0, year));
      if (negative) f->year = -f->year;
      f->has_year = true;
      f->full_year |= year == 4 || m->group[1].len;
    }
    int64_t *parts[] = { &f->mon, &f->mday, &f->hour, &f->min, &f->sec };
    bool *has[] = { &f->has_mon, &f->has_mday, &f->has_hour, &f->has_min, &f->has_sec };
    if (n == 2) {
      f->mday = digits_of(s), f->has_mday = true;
    } else if (n == 3 || n == 5 || n == 7) {
      f->yday = digits_of(part(s, at, 3)), f->has_yday = true;
    } else if (n % 2 == 0 && n <= 14) {
      for (size_t i = 0; at < n; i++, at += 2) *parts[i] = digits_of(part(s, at, 2)), *has[i] = true;
    } else {
      return false;
    }
  }
  int64_t *clock[] = { &f->hour, &f->min, &f->sec };
  bool *has_clock[] = { &f->has_hour, &f->has_min, &f->has_sec };
  for (size_t i = 0; time.ptr && i < 3 && i * 2 + 2 <= time.len; i++) *clock[i] = digits_of(part(time, i * 2, 2)), *has_clock[i] = true;
  if (fraction.ptr) f->ns = fraction_ns(fraction), f->has_fraction = true;
  if (m->group[5].ptr) f->zone = m->group[5];
  return true;
}

static bool era_is_bc(struct str era) { return era.len && (*era.ptr | 0x20) == 'b'; }

/* Years of a Japanese emperor: H31.04.30. */
static void set_emperor(struct found *f, const struct lq_match *m) {
  static const struct { char letter; int year; } eras[] = { { 'm', 1867 }, { 't', 1911 }, { 's', 1925 }, { 'h', 1988 }, { 'r', 2018 } };
  for (size_t i = 0; i < sizeof eras / sizeof eras[0]; i++)
    if ((*m->group[1].ptr | 0x20) == eras[i].letter) f->year = digits_of(m->group[2]) + eras[i].year;
  f->mon = digits_of(m->group[3]), f->mday = digits_of(m->group[4]);
  f->has_year = f->has_mon = f->has_mday = f->full_year = true;
}

/* What it read, for the rest to be looked at again; ptr NULL: nothing. */
static struct str form_date(struct found *f, struct str s) {
  static struct lq_regex eu = { "('?\\d+)[^-\\d\\s]*\\s*(" MONTHS ")[^-\\d\\s']*(?:\\s*" ERA
                                "\\s*('?-?\\d+(?:(?:st|nd|rd|th)\\b)?))?", LQ_CASELESS, NULL };
  static struct lq_regex us = { "\\b(" MONTHS ")[^-\\d\\s']*\\s*('?\\d+)[^-\\d\\s']*(?:\\s*,?\\s*" ERA "\\s*('?-?\\d+))?", LQ_CASELESS, NULL };
  static struct lq_regex iso = { "('?[-+]?\\d+)-(\\d+)-('?-?\\d+)", 0, NULL };
  static struct lq_regex vms = { "('?-?\\d+)-(" MONTHS ")[^-/.]*-('?-?\\d+)", LQ_CASELESS, NULL };
  static struct lq_regex vms_us = { "\\b(" MONTHS ")[^-/.]*-('?\\d+)(?:-('?-?\\d+))?", LQ_CASELESS, NULL };
  static struct lq_regex slash = { "('?-?\\d+)/\\s*('?\\d+)(?:\\D\\s*('?-?\\d+))?", 0, NULL };
  static struct lq_regex dot = { "('?-?\\d+)\\.\\s*('?\\d+)\\.\\s*('?-?\\d+)", 0, NULL };
  static struct lq_regex emperor = { "\\b([mtshr])(\\d+)\\.(\\d+)\\.(\\d+)", LQ_CASELESS, NULL };
  static struct lq_regex iso_week = { "\\b(?:\\d{2}|\\d{4})?-?w\\d{2}(?:-?\\d)?\\b|-w-\\d\\b", LQ_CASELESS, NULL };
  static struct lq_regex iso_tail = { "--(\\d{2})?-(\\d{2})\\b|--(\\d{2})(\\d{2})?\\b", 0, NULL };
  static struct lq_regex iso_yday = { "\\b(\\d{2}|\\d{4})-(\\d{3})\\b", 0, NULL };
  static struct lq_regex year = { "'(\\d+)\\b", 0, NULL };
  static struct lq_regex month = { "\\b(" MONTHS ")\\S*", LQ_CASELESS, NULL };
  static struct lq_regex mday = { "(\\d+)(st|nd|rd|th)\\b", LQ_CASELESS, NULL };
  static struct lq_regex digits = { "([-+]?)(\\d{2,14})(?:\\s*t?\\s*(\\d{2,6})?(?:[,.](\\d*))?)?(z\\b|[-+]\\d{1,4}\\b)?", LQ_CASELESS, NULL };
  const struct str none = { NULL, 0 };
  struct lq_match m;
  if (lq_regex_match(&eu, s, 0, &m)) {
    set_date(f, m.group[4], none, m.group[1], era_is_bc(m.group[3]));
    set_month(f, m.group[2]);
  } else if (lq_regex_match(&us, s, 0, &m)) {
    set_date(f, m.group[4], none, m.group[2], era_is_bc(m.group[3]));
    set_month(f, m.group[1]);
  } else if (lq_regex_match(&iso, s, 0, &m)) {
    set_date(f, m.group[1], m.group[2], m.group[3], false);
  } else if (lq_regex_match(&emperor, s, 0, &m)) {
    set_emperor(f, &m);
  } else if (lq_regex_match(&vms, s, 0, &m)) {
    set_date(f, m.group[3], none, m.group[1], false);
    set_month(f, m.group[2]);
  } else if (lq_regex_match(&vms_us, s, 0, &m)) {
    set_date(f, m.group[3], none, m.group[2], false);
    set_month(f, m.group[1]);
  } else if (lq_regex_match(&slash, s, 0, &m) || lq_regex_match(&dot, s, 0, &m)) {
    set_date(f, m.group[1], m.group[2], m.group[3], false);
  } else if (lq_regex_match(&iso_week, s, 0, &m)) {
    /* Time.parse does not look at weeks. */
  } else if (lq_regex_match(&iso_tail, s, 0, &m)) {
    struct str month_part = m.group[1].ptr ? m.group[1] : m.group[3], day_part = m.group[2].ptr ? m.group[2] : m.group[4];
    if (month_part.ptr) f->mon = digits_of(month_part), f->has_mon = true;
    if (day_part.ptr) f->mday = digits_of(day_part), f->has_mday = true;
  } else if (lq_regex_match(&iso_yday, s, 0, &m)) {
    f->year = digits_of(m.group[1]), f->yday = digits_of(m.group[2]);
    f->has_year = f->has_yday = true;
    f->full_year = m.group[1].len > 2;
  } else if (lq_regex_match(&year, s, 0, &m)) {
    f->year = digits_of(m.group[1]);
    f->has_year = true;
    f->full_year = m.group[1].len > 2;
  } else if (lq_regex_match(&month, s, 0, &m)) {
    set_month(f, m.group[1]);
  } else if (lq_regex_match(&mday, s, 0, &m)) {
    f->mday = digits_of(m.group[1]);
    f->has_mday = true;
  } else if (lq_regex_match(&digits, s, 0, &m)) {
    form_digits(f, &m);
  } else {
    return none;
  }
  return m.group[0];
}

/* The letters behind a year before Christ, and a number that stands alone: the day of a time, or the hour of a day. */
static void form_rest(struct found *f, struct str s) {
  static struct lq_regex bc = { "\\b(?:bc\\b|bce\\b|b\\.c\\.|b\\.c\\.e\\.)", LQ_CASELESS, NULL };
  static struct lq_regex alone = { "\\A\\s*(\\d{1,2})\\s*\\z", 0, NULL };
  struct lq_match m;
  if (lq_regex_match(&bc, s, 0, &m)) f->bc = true;
  if (!lq_regex_match(&alone, s, 0, &m)) return;
  int64_t n = digits_of(m.group[1]);
  bool day = f->has_hour && !f->has_mday && n >= 1 && n <= 31, hour = f->has_mday && !f->has_hour && n <= 24;
  if (day) f->mday = n, f->has_mday = true;
  if (hour) f->hour = n, f->has_hour = true;
}

/* 10:30, 10:30:05.25, 3pm, 14h30 — with am, pm and a zone behind. */
static void form_time(struct found *f, struct str time) {
  static struct lq_regex clock = { "\\A(\\d+)\\s*(?:h|:)?\\s*(?:(\\d+)m?\\s*(?:(?::\\s*)?(\\d+)(?:[,.](\\d*))?s?)?)?"
                                   "\\s*(?:([ap])(?:m\\b|\\.m\\.))?", LQ_CASELESS, NULL };
  struct lq_match m;
  if (!lq_regex_match(&clock, time, 0, &m)) return;
  f->hour = digits_of(m.group[1]), f->has_hour = true;
  if (m.group[2].ptr) f->min = digits_of(m.group[2]), f->has_min = true;
  if (m.group[3].ptr) f->sec = digits_of(m.group[3]), f->has_sec = true;
  if (m.group[4].ptr) f->ns = fraction_ns(m.group[4]), f->has_fraction = true;
  if (m.group[5].ptr) f->hour = f->hour % 12 + ((*m.group[5].ptr | 0x20) == 'p' ? 12 : 0);
}

static void blank(char *text, const struct str base, struct str what) {
  memset(text + (what.ptr - base.ptr), ' ', what.len);
}

/* Behind the text, whose parts are blanked as they are read. */
static struct str keep_zone(char *text, size_t len, struct str zone) {
  if (zone.ptr) memcpy(text + len + 1, zone.ptr, zone.len), zone.ptr = text + len + 1;
  return zone;
}

static bool find_parts(char *text, size_t len, struct found *f) {
  static struct lq_regex day = { "\\b(sun|mon|tue|wed|thu|fri|sat)[^-/\\d\\s]*", LQ_CASELESS, NULL };
  static struct lq_regex time = {
    "((?:\\d+\\s*:\\s*\\d+(?:\\s*:\\s*\\d+(?:[,.]\\d*)?)?|\\d+\\s*h(?:\\s*\\d+m?(?:\\s*\\d+s?)?)?)(?:\\s*[ap](?:m\\b|\\.m\\.))?"
    "|\\d+\\s*[ap](?:m\\b|\\.m\\.))"
    "(?:\\s*((?:gmt|utc?)?[-+]\\d+(?:[,.:]\\d+(?::\\d+)?)?|[[:alpha:].\\s]+(?:standard|daylight)\\stime\\b|[[:alpha:]]+(?:\\sdst)?\\b))?",
    LQ_CASELESS, NULL };
  struct str s = { text, len };
  struct lq_match m;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !((unsigned char)c & 0x80) && !strchr("-+',./:@[]", c)) text[i] = ' ';
  }
  if (lq_regex_match(&day, s, 0, &m)) blank(text, s, m.group[0]);
  if (lq_regex_match(&time, s, 0, &m)) {
    form_time(f, m.group[1]);
    f->zone = keep_zone(text, len, m.group[2]);
    blank(text, s, m.group[0]);
  }
  struct str read = form_date(f, s);
  if (f->zone.ptr && f->zone.ptr < text + len) f->zone = keep_zone(text, len, f->zone);
  if (read.ptr) blank(text, s, read);
  form_rest(f, s);
  return f->has_year || f->has_mon || f->has_mday || f->has_hour || f->has_min || f->has_sec || f->has_yday || f->has_fraction;
}

/* --- zones ----------------------------------------------------------------------------------------------------------- */

/* The offset that Time.parse knows of a zone's text; false where it takes local time instead. */
static bool zone_offset(struct str z, int32_t *offset) {
  static const struct { const char *name; int8_t hours; } names[] = {
    { "utc", 0 }, { "z", 0 }, { "ut", 0 }, { "gmt", 0 }, { "est", -5 }, { "edt", -4 }, { "cst", -6 }, { "cdt", -5 },
    { "mst", -7 }, { "mdt", -6 }, { "pst", -8 }, { "pdt", -7 } };
  *offset = 0;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (z.len == strlen(names[i].name) && strncasecmp(z.ptr, names[i].name, z.len) == 0) {
      *offset = names[i].hours * 3600;
      return true;
    }
  if (z.len == 1) {
    char c = (char)(*z.ptr | 0x20);
    if (c >= 'a' && c <= 'i') *offset = (c - 'a' + 1) * 3600;
    else if (c >= 'k' && c <= 'm') *offset = (c - 'k' + 10) * 3600;
    else if (c >= 'n' && c <= 'y') *offset = -(c - 'n' + 1) * 3600;
    else return false;
    return true;
  }
  if (!z.len || (*z.ptr != '+' && *z.ptr != '-')) return false;
  struct str d = { z.ptr + 1, z.len - 1 };
  bool colon = d.len > 2 && d.ptr[2] == ':';
  for (size_t i = 0; i < d.len; i++)
    if (!(is_digit(d.ptr[i]) || (colon && i % 3 == 2 && d.ptr[i] == ':'))) return false;
  if (!(d.len == 2 || (colon ? d.len == 5 || d.len == 8 : d.len == 4 || d.len == 6))) return false;
  int32_t s = (int32_t)digits_of(part(d, 0, 2)) * 3600;
  if (d.len > 2) s += (int32_t)digits_of(part(d, colon ? 3 : 2, 2)) * 60;
  if (d.len > 5) s += (int32_t)digits_of(part(d, colon ? 6 : 4, 2));
  *offset = *z.ptr == '-' ? -s : s;
  return true;
}

/* Seconds that milliseconds of 64 bits cannot hold have the offset of the last that they can. */
static int32_t offset_at(const struct zone *zone, int64_t utc_s) {
  const int64_t most = INT64_MAX / (2 * MS_PER_SECOND), nearest = utc_s > most ? most : utc_s < -most ? -most : utc_s;
  return zone_offset_s(zone, nearest * MS_PER_SECOND);
}

struct lq_time lq_time_at(const struct zone *zone, int64_t utc_s, int32_t ns) {
  struct lq_time t = { .utc_s = utc_s, .ns = ns };
  t.offset_s = zone == zone_utc() ? 0 : offset_at(zone, utc_s);
  if (zone == zone_utc()) {
    memcpy(t.zone, "UTC", 4);
  } else {
    int abs = t.offset_s < 0 ? -t.offset_s : t.offset_s;
    snprintf(t.zone, sizeof t.zone, abs % 3600 ? "%c%02d%02d" : "%c%02d", t.offset_s < 0 ? '-' : '+', abs / 3600 % 100, abs / 60 % 60);
  }
  return t;
}

/* --- a whole moment -------------------------------------------------------------------------------------------------- */

static bool resolve(const struct lq_env *env, struct found *f, struct lq_time *out) {
  int32_t offset = 0;
  bool zoned = f->zone.ptr && zone_offset(f->zone, &offset);
  int64_t now_s = env->now_ms / MS_PER_SECOND - (env->now_ms % MS_PER_SECOND < 0);
  int32_t here = zoned ? offset : zone_offset_s(env->zone, env->now_ms);
  struct civil now = calendar_civil((now_s + here) * MS_PER_SECOND);
  if (f->bc && f->has_year) f->year = 1 - f->year;
  if (f->has_year && !f->full_year && f->year >= 0 && f->year < 100) f->year += f->year >= 69 ? 1900 : 2000;
  struct civil c = { f->has_year ? f->year : now.year, (int)(f->mon % 1000), (int)(f->mday % 1000), (int)(f->hour % 1000),
                     (int)(f->min % 1000), (int)(f->sec % 1000), 0 };
  if (f->has_yday) {
    if (f->yday < 1 || f->yday > 366) return false;
    struct civil d = calendar_civil((calendar_days(c.year, 1, 1) + f->yday - 1) * MS_PER_DAY);
    c.month = d.month, c.day = d.day;
  } else {
    bool later = f->has_year; /* what stands before the first part that is given comes from now; what is behind, from zero */
    if (!f->has_mon) c.month = later ? 1 : now.month;
    later |= f->has_mon;
    if (!f->has_mday) c.day = later ? 1 : now.day;
  }
  bool dated = f->has_year || f->has_mon || f->has_mday || f->has_yday;
  if (!f->has_hour) c.hour = dated ? 0 : now.hour;
  if (!f->has_min) c.minute = dated || f->has_hour ? 0 : now.minute;
  if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour > 24 || c.minute > 59 || c.second > 60) return false;
  if (c.hour == 24 && (c.minute || c.second) && !(zoned && offset)) return false;
  if (c.year > 9999999 || c.year < -9999999) return false;
  int64_t civil_s = calendar_days(c.year, c.month, 1) * 86400 + (c.day - 1) * 86400LL + c.hour * 3600 + c.minute * 60 + c.second;
  if (!zoned) {
    int64_t utc_ms = env->zone == zone_utc() ? civil_s * MS_PER_SECOND : zone_to_utc(env->zone, civil_s * MS_PER_SECOND);
    *out = lq_time_at(env->zone, utc_ms / MS_PER_SECOND - (utc_ms % MS_PER_SECOND < 0), f->ns);
    return true;
  }
  *out = (struct lq_time){ .utc_s = civil_s - offset, .ns = f->ns, .offset_s = offset };
  if (offset == 0) memcpy(out->zone, "UTC", 4);
  out->utc = offset == 0 && f->zone.len && ((*f->zone.ptr | 0x20) == 'z' || (*f->zone.ptr | 0x20) == 'u' || *f->zone.ptr == '-');
  return true;
}

/* YYYY-MM-DD, with HH:MM[:SS[.fff]] and Z or ±HH:MM behind a T or a space: what data hold nearly always, without a pattern. */
static bool plain_iso(struct str s, struct found *f) {
  static const char form[] = "dddd-dd-dd";
  if (s.len < 10) return false;
  for (size_t i = 0; i < 10; i++)
    if (form[i] == 'd' ? !is_digit(s.ptr[i]) : s.ptr[i] != form[i]) return false;
  *f = (struct found){ .has_year = true, .has_mon = true, .has_mday = true, .full_year = true, .year = digits_of(part(s, 0, 4)),
                       .mon = digits_of(part(s, 5, 2)), .mday = digits_of(part(s, 8, 2)) };
  if (s.len == 10) return true;
  if ((s.ptr[10] != ' ' && (s.ptr[10] | 0x20) != 't') || s.len < 16) return false;
  size_t at = 16;
  if (!is_digit(s.ptr[11]) || !is_digit(s.ptr[12]) || s.ptr[13] != ':' || !is_digit(s.ptr[14]) || !is_digit(s.ptr[15])) return false;
  f->hour = digits_of(part(s, 11, 2)), f->min = digits_of(part(s, 14, 2));
  f->has_hour = f->has_min = true;
  if (s.len >= 19 && s.ptr[16] == ':' && is_digit(s.ptr[17]) && is_digit(s.ptr[18])) {
    f->sec = digits_of(part(s, 17, 2)), f->has_sec = true;
    at = 19;
    if (at + 1 < s.len && s.ptr[at] == '.' && is_digit(s.ptr[at + 1])) {
      size_t end = at + 1;
      while (end < s.len && is_digit(s.ptr[end])) end++;
      f->ns = fraction_ns(part(s, at + 1, end - at - 1));
      at = end;
    }
  }
  if (at == s.len) return true;
  f->zone = part(s, at, s.len - at);
  int32_t offset;
  return (*f->zone.ptr == '+' || *f->zone.ptr == '-' || (s.len == at + 1 && (*f->zone.ptr | 0x20) == 'z')) && zone_offset(f->zone, &offset);
}

/* Some twenty patterns are tried on a text that is no plain date; they take as long as this many bytes elsewhere. */
enum { PATTERNS_WORK = 16384 };

bool lq_time_parse(const struct lq_env *env, struct str text, struct lq_time *out) {
  struct found f;
  if (plain_iso(text, &f)) return resolve(env, &f, out);
  char copy[2 * 128 + 2];
  env->cx->work += PATTERNS_WORK;
  if (text.len > 128) return false; /* Ruby refuses longer ones too */
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  f = (struct found){ .year = 0 };
  return find_parts(copy, text.len, &f) && resolve(env, &f, out);
}

/* --- the filter ------------------------------------------------------------------------------------------------------ */

static bool all_digits(struct str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!is_digit(s.ptr[i])) return false;
  return s.len > 0;
}

static bool moment_of(struct lq_env *env, struct lq v, struct lq_time *out) {
  int64_t now_s = env->now_ms / MS_PER_SECOND - (env->now_ms % MS_PER_SECOND < 0);
  if (v.type == LQ_INT) {
    *out = lq_time_at(env->zone, v.i, 0);
    return true;
  }
  if (v.type != LQ_STR || v.len == 0) return false;
  struct str s = lq_text(v);
  if ((s.len == 3 && strncasecmp(s.ptr, "now", 3) == 0) || (s.len == 5 && strncasecmp(s.ptr, "today", 5) == 0)) {
    *out = lq_time_at(env->zone, now_s, (int32_t)(env->now_ms - now_s * MS_PER_SECOND) * 1000000);
    return true;
  }
  if (all_digits(s)) {
    if (s.len > 18) return false; /* beyond 64 bits */
    *out = lq_time_at(env->zone, digits_of(s), 0);
    return true;
  }
  return lq_time_parse(env, s, out);
}

/* The date filter in messages: in the contact's zone, or the one that it names, whatever zone the text was written in; in the language
 * that it names. */
bool filter_camp_date(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_time t;
  struct str format;
  struct lq_options o;
  struct lq_env here = *env;
  *out = args[0];
  if (!lq_options_of(env, args, &count, &o)) return false;
  if (count != 2) return lq_fail(env->cx, "date wants a format such as '%%d %%B %%Y'");
  if (!lq_to_s(env->cx, args[1], &format)) return false;
  here.zone = o.zone ? o.zone : env->zone;
  if (!format.len || !moment_of(&here, args[0], &t)) return true;
  if (t.utc || *t.zone == 0 || o.zone || t.offset_s != offset_at(here.zone, t.utc_s)) t = lq_time_at(here.zone, t.utc_s, t.ns);
  struct lq_buf b = { .cx = env->cx };
  if (!lq_strftime(&b, &t, format, o.locale)) return false;
  *out = lq_buf_value(&b);
  return true;
}

bool lq_format_date(struct lq_env *env, struct lq input, struct str format, struct lq *out, bool *is_date) {
  struct lq_time t;
  *is_date = moment_of(env, input, &t);
  if (!*is_date) return true;
  struct lq_buf b = { .cx = env->cx };
  if (!lq_strftime(&b, &t, format, NULL)) return false;
  *out = lq_buf_value(&b);
  return true;
}

bool filter_date(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  struct str format;
  bool is_date;
  *out = args[0];
  if (!lq_to_s(env->cx, args[1], &format)) return false;
  return format.len == 0 || lq_format_date(env, args[0], format, out, &is_date);
}
