/* strftime as Ruby has it: flags - 0 ^ # _ : and a width before each conversion.
 *
 * Invariant: no conversion gives more than LIMIT_LIQUID_DATE_WIDTH bytes, no format more than LIMIT_LIQUID_DATE_BYTES. */
#include "liquid_date.h"

#include <stdio.h>

#include "liquid_number.h"

struct parts {
  struct civil c;
  int weekday; /* 0 = Sunday */
  int yearday; /* 1 … 366 */
  int64_t iso_year;
  int iso_week;
};
struct spec {
  char pad;    /* 0: the conversion's own; '-': none */
  bool upper, change;
  int colons, width; /* width -1: none */
};

static struct parts parts_of(const struct lq_time *t) {
  /* The calendar comes round after 400 years, weekdays too: any second has its day there. */
  const int64_t cycle_s = INT64_C(146097) * 86400;
  int64_t cycles = t->utc_s / cycle_s - (t->utc_s % cycle_s < 0);
  struct parts p = { .c = calendar_civil((t->utc_s - cycles * cycle_s + t->offset_s) * MS_PER_SECOND) };
  int64_t day = calendar_days(p.c.year, p.c.month, p.c.day);
  p.weekday = (calendar_weekday(day) + 1) % 7;
  p.yearday = (int)(day - calendar_days(p.c.year, 1, 1)) + 1;
  /* ISO 8601: the week belongs to the year that its Thursday is in. */
  int64_t thursday = day - calendar_weekday(day) + 3;
  p.iso_year = calendar_civil(thursday * MS_PER_DAY).year;
  p.iso_week = (int)((thursday - calendar_days(p.iso_year, 1, 1)) / 7) + 1;
  p.c.year += cycles * 400;
  p.iso_year += cycles * 400;
  return p;
}

static bool pad(struct lq_buf *b, char with, int count) {
  for (; count > 0; count--)
    if (!lq_buf_byte(b, with)) return false;
  return true;
}

static bool put_number(struct lq_buf *b, const struct spec *s, int64_t n, char padding, int width) {
  char text[32];
  if (s->pad == '-') width = 0;
  else if (s->pad) padding = s->pad;
  if (s->width >= 0 && s->pad != '-') width = s->width;
  bool negative = n < 0;
  size_t len = lq_int_print(n, text);
  if (negative) memmove(text, text + 1, --len);
  int missing = width - (int)len - negative;
  if (negative && padding == '0' && !lq_buf_byte(b, '-')) return false;
  if (!pad(b, padding, missing)) return false;
  if (negative && padding != '0' && !lq_buf_byte(b, '-')) return false;
  return lq_buf_add(b, text, len);
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

/* change: what # does to it. */
enum change { UPPERS, LOWERS, STAYS };
static bool put_text(struct lq_buf *b, const struct spec *s, struct str text, enum change change) {
  if (s->pad != '-' && !pad(b, s->pad == '0' ? '0' : ' ', s->width - (int)text.len)) return false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (s->upper || (s->change && change == UPPERS)) c = upper(c);
    else if (s->change && change == LOWERS) c = lower(c);
    if (!lq_buf_byte(b, c)) return false;
  }
  return true;
}

/* +hhmm and its forms; the hours take the padding. The flag - says of a moment in UTC that its place is unknown: -0000. */
static bool put_offset(struct lq_buf *b, const struct spec *s, int32_t offset, bool utc) {
  char rest[16];
  int abs = offset < 0 ? -offset : offset, hours = abs / 3600, minutes = abs / 60 % 60, seconds = abs % 60, n = 0;
  switch (s->colons) {
    case 0: n = snprintf(rest, sizeof rest, "%02d", minutes); break;
    case 1: n = snprintf(rest, sizeof rest, ":%02d", minutes); break;
    case 2: n = snprintf(rest, sizeof rest, ":%02d:%02d", minutes, seconds); break;
    default:
      if (seconds) n = snprintf(rest, sizeof rest, ":%02d:%02d", minutes, seconds);
      else if (minutes) n = snprintf(rest, sizeof rest, ":%02d", minutes);
  }
  int width = (s->width < 0 ? 0 : s->width) - n - 1, digits = 2;
  char sign = offset < 0 || (utc && s->pad == '-') ? '-' : '+', text[8];
  if (s->pad == '_') {
    digits = hours > 9 ? 2 : 1;
    int least = s->width < 0 ? 2 : width;
    if (!pad(b, ' ', least - digits) || !lq_buf_byte(b, sign)) return false;
  } else if (!lq_buf_byte(b, sign) || !pad(b, '0', width - digits)) {
    return false;
  }
  int len = snprintf(text, sizeof text, digits == 2 ? "%02d" : "%d", hours);
  return lq_buf_add(b, text, (size_t)len) && lq_buf_add(b, rest, (size_t)n);
}

static bool put_fraction(struct lq_buf *b, const struct spec *s, int32_t ns, int digits) {
  char text[16];
  if (s->width >= 0) digits = s->width;
  snprintf(text, sizeof text, "%09d", ns);
  for (int i = 0; i < digits; i++)
    if (!lq_buf_byte(b, i < 9 ? text[i] : '0')) return false;
  return true;
}

static const char *composite(char c) {
  switch (c) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D': case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'T': case 'X': return "%H:%M:%S";
    case 'v': return "%e-%^b-%4Y";
    default: return NULL;
  }
}

static int week_of_year(const struct parts *p, int first_weekday) {
  return (p->yearday - 1 + 7 - (p->weekday - first_weekday + 7) % 7) / 7;
}

/* One conversion; *known false when there is no such letter. */
static bool convert(struct lq_buf *b, const struct lq_time *t, const struct parts *p, char c, const struct spec *s,
                    const struct lq_locale *names, bool *known) {
  const char *whole = composite(c);
  int hour12 = p->c.hour % 12 == 0 ? 12 : p->c.hour % 12;
  int64_t century = p->c.year / 100 - (p->c.year % 100 < 0), in_century = p->c.year - century * 100;
  if (whole) {
    struct lq_buf part = { .cx = b->cx };
    return lq_strftime(&part, t, str_from_c(whole), names) && put_text(b, s, (struct str){ part.data, part.len }, STAYS);
  }
  switch (c) {
    case 'Y': return put_number(b, s, p->c.year, '0', p->c.year < 0 ? 5 : 4);
    case 'C': return put_number(b, s, century, '0', 2);
    case 'y': return put_number(b, s, in_century, '0', 2);
    case 'm': return put_number(b, s, p->c.month, '0', 2);
    case 'B': return put_text(b, s, str_from_c(names->months[p->c.month - 1]), UPPERS);
    case 'b': case 'h': return put_text(b, s, str_from_c(names->months_short[p->c.month - 1]), UPPERS);
    case 'd': return put_number(b, s, p->c.day, '0', 2);
    case 'e': return put_number(b, s, p->c.day, ' ', 2);
    case 'j': return put_number(b, s, p->yearday, '0', 3);
    case 'H': return put_number(b, s, p->c.hour, '0', 2);
    case 'k': return put_number(b, s, p->c.hour, ' ', 2);
    case 'I': return put_number(b, s, hour12, '0', 2);
    case 'l': return put_number(b, s, hour12, ' ', 2);
    case 'P': return put_text(b, s, p->c.hour < 12 ? STR("am") : STR("pm"), UPPERS);
    case 'p': return put_text(b, s, p->c.hour < 12 ? STR("AM") : STR("PM"), LOWERS);
    case 'M': return put_number(b, s, p->c.minute, '0', 2);
    case 'S': return put_number(b, s, p->c.second, '0', 2);
    case 'L': return put_fraction(b, s, t->ns, 3);
    case 'N': return put_fraction(b, s, t->ns, 9);
    case 'z': return put_offset(b, s, t->offset_s, t->utc);
    case 'Z': return put_text(b, s, str_from_c(t->zone), LOWERS);
    case 'A': return put_text(b, s, str_from_c(names->days[p->weekday]), UPPERS);
    case 'a': return put_text(b, s, str_from_c(names->days_short[p->weekday]), UPPERS);
    case 'u': return put_number(b, s, p->weekday == 0 ? 7 : p->weekday, '0', 1);
    case 'w': return put_number(b, s, p->weekday, '0', 1);
    case 'G': return put_number(b, s, p->iso_year, '0', p->iso_year < 0 ? 5 : 4);
    case 'g': return put_number(b, s, ((p->iso_year % 100) + 100) % 100, '0', 2);
    case 'V': return put_number(b, s, p->iso_week, '0', 2);
    case 'U': return put_number(b, s, week_of_year(p, 0), '0', 2);
    case 'W': return put_number(b, s, week_of_year(p, 1), '0', 2);
    case 's': return put_number(b, s, t->utc_s, '0', 1);
    case 'n': return put_text(b, s, STR("\n"), UPPERS);
    case 't': return put_text(b, s, STR("\t"), UPPERS);
    case '%': return put_text(b, s, STR("%"), UPPERS);
    default: *known = false; return true;
  }
}

/* The flags and the width behind a %; the conversion's letter is at *at then. */
static struct spec read_spec(struct str f, size_t *at, bool *good) {
  struct spec s = { .width = -1 };
  for (; *at < f.len; ++*at) {
    char c = f.ptr[*at];
    if (c == '-' || c == '_') s.pad = c == '_' ? '_' : '-';
    else if (c == '0') s.pad = '0';
    else if (c == '^') s.upper = true;
    else if (c == '#') s.change = true;
    else break;
  }
  while (*at < f.len && f.ptr[*at] >= '0' && f.ptr[*at] <= '9') {
    s.width = (s.width < 0 ? 0 : s.width) * 10 + (f.ptr[*at] - '0');
    if (s.width > LIMIT_LIQUID_DATE_WIDTH) *good = false, s.width = LIMIT_LIQUID_DATE_WIDTH;
    ++*at;
  }
  size_t behind = *at;
  while (behind < f.len && f.ptr[behind] == ':') behind++;
  if (behind > *at && behind - *at <= 3 && behind < f.len && f.ptr[behind] == 'z') { /* colons go with %z alone */
    s.colons = (int)(behind - *at);
    *at = behind;
  }
  bool era = *at + 1 < f.len && f.ptr[*at] == 'E', digits = *at + 1 < f.len && f.ptr[*at] == 'O';
  if ((era && strchr("cCxXyY", f.ptr[*at + 1])) || (digits && strchr("deHkIlmMSuUVwWy", f.ptr[*at + 1]))) ++*at;
  return s;
}

bool lq_strftime(struct lq_buf *b, const struct lq_time *t, struct str f, const struct lq_locale *names) {
  struct parts p = parts_of(t);
  if (!names) names = lq_locale_english();
  for (size_t i = 0; i < f.len; i++) {
    size_t end = i;
    while (end < f.len && f.ptr[end] != '%') end++;
    if (!lq_buf_add(b, f.ptr + i, end - i)) return false;
    i = end;
    if (i == f.len) break;
    size_t at = i + 1;
    bool good = true, known = true;
    struct spec s = read_spec(f, &at, &good);
    if (!good) return lq_fail(b->cx, "a width in a date format is more than %d", LIMIT_LIQUID_DATE_WIDTH);
    if (s.pad == '_' && at < f.len && f.ptr[at] != 'z') s.pad = ' ';
    if (at == f.len) return lq_fail(b->cx, "invalid format: " STR_FMT, STR_ARG(f));
    if (!convert(b, t, &p, f.ptr[at], &s, names, &known)) return false;
    if (!known && !lq_buf_add(b, f.ptr + i, at + 1 - i)) return false;
    if (b->len > LIMIT_LIQUID_DATE_BYTES) return lq_fail(b->cx, "a formatted date is longer than %u bytes", LIMIT_LIQUID_DATE_BYTES);
    i = at;
  }
  return true;
}
