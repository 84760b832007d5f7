/* Time zones from TZif bytes (RFC 9636, versions 1 to 4); see calendar.h.
 *
 * Not for finding or opening zone files (the engine does) and not for dates (calendar.c).
 *
 * A zone is one sorted table: from at_ms[i] on, the offset is offset_ms[i]; before the first, first_offset_ms. The footer's
 * POSIX rule ("CET-1CEST,M3.5.0,M10.5.0/3") is written out into the same table for one whole Gregorian cycle of 400 years
 * behind the file's last transition, so that looking up is one binary search whichever year is asked for; times behind
 * the table are moved back by whole cycles, which have a whole number of weeks.
 *
 * Invariants:
 * 1. Bytes of a file are never trusted: a count is compared with what is there before anything is allocated or read.
 * 2. at_ms ascends; offsets are within OFFSET_MAX_S, so sums with moments within LIMIT_MOMENT_MS cannot overflow.
 * 3. Any int64 is an answerable moment: it is brought into LIMIT_MOMENT_MS first. */
#include "calendar.h"

#include "base/buf.h"
#include "base/limits.h"

#define CYCLE_YEARS 400
#define CYCLE_MS (146097 * MS_PER_DAY)
#define OFFSET_MAX_S 93600  /* 26 h: the RFC asks for offsets between -25 and 26 h */
#define YEAR_FROM 1800      /* where a zone without transitions begins to follow its rule */
#define YEAR_LAST 10000     /* a last transition behind this leaves no room for the rule */

struct zone {
  struct str name;
  const int64_t *at_ms;
  const int32_t *offset_ms;
  uint32_t count;
  int32_t first_offset_ms;
  bool cyclic; /* the table's last 400 years repeat for ever */
};

static const struct zone utc = { .name = { "UTC", 3 } };

const struct zone *zone_utc(void) { return &utc; }
struct str zone_name(const struct zone *z) { return z->name; }

static int64_t clamp_ms(int64_t ms) { return ms < -LIMIT_MOMENT_MS ? -LIMIT_MOMENT_MS : ms > LIMIT_MOMENT_MS ? LIMIT_MOMENT_MS : ms; }

/* --- the POSIX rule -------------------------------------------------------------------------------------------------- */

enum rule_kind { RULE_JULIAN /* Jn: 1 … 365, no leap day */, RULE_DAY /* n: 0 … 365 */, RULE_WEEK /* Mm.w.d */ };
struct rule_date {
  enum rule_kind kind;
  int day;             /* RULE_JULIAN, RULE_DAY; of RULE_WEEK 0 = Sunday */
  int month, week;
  int32_t time_s;      /* by the clock that the change ends */
};
struct rule {
  int32_t standard_s, summer_s; /* offsets, east positive */
  bool has_summer;
  struct rule_date start, end;
};

static bool take(struct reader *r, char c) {
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

static bool next_is_digit(const struct reader *r) { return r->at < r->end && *r->at >= '0' && *r->at <= '9'; }

/* A whole number up to max; sets failed. */
static int take_number(struct reader *r, int max) {
  int n = 0;
  if (!next_is_digit(r)) r->failed = true;
  for (; next_is_digit(r) && n <= max; r->at++) n = n * 10 + (*r->at - '0');
  if (n > max) r->failed = true;
  return r->failed ? 0 : n;
}

/* [+-]hh[:mm[:ss]] */
static int32_t take_hms(struct reader *r, int hours_max) {
  bool minus = take(r, '-');
  if (!minus) take(r, '+');
  int32_t s = take_number(r, hours_max) * 3600;
  if (take(r, ':')) {
    s += take_number(r, 59) * 60;
    if (take(r, ':')) s += take_number(r, 59);
  }
  return minus ? -s : s;
}

/* An abbreviation, which we have no use for: <+01> or at least three letters. */
static void take_abbreviation(struct reader *r) {
  const uint8_t *from = r->at;
  if (take(r, '<')) {
    while (r->at < r->end && *r->at != '>') r->at++;
    if (!take(r, '>')) r->failed = true;
    return;
  }
  while (r->at < r->end && ((*r->at >= 'A' && *r->at <= 'Z') || (*r->at >= 'a' && *r->at <= 'z'))) r->at++;
  if (r->at - from < 3) r->failed = true;
}

static struct rule_date take_date(struct reader *r) {
  struct rule_date d = { .kind = RULE_DAY, .time_s = 7200 };
  if (take(r, 'M')) {
    d.kind = RULE_WEEK;
    d.month = take_number(r, 12);
    if (!take(r, '.')) r->failed = true;
    d.week = take_number(r, 5);
    if (!take(r, '.')) r->failed = true;
    d.day = take_number(r, 6);
    if (d.month == 0 || d.week == 0) r->failed = true;
  } else if (take(r, 'J')) {
    d.kind = RULE_JULIAN;
    d.day = take_number(r, 365);
    if (d.day == 0) r->failed = true;
  } else {
    d.day = take_number(r, 365);
  }
  if (take(r, '/')) d.time_s = take_hms(r, 167);
  return d;
}

static bool rule_read(struct rule *rule, struct str text) {
  struct reader r = reader_of(text.ptr, text.len);
  *rule = (struct rule){ 0 };
  take_abbreviation(&r);
  rule->standard_s = -take_hms(&r, 24);
  if (r.at < r.end && !r.failed) {
    take_abbreviation(&r);
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + 3600;
    if (r.at < r.end && *r.at != ',') rule->summer_s = -take_hms(&r, 24);
    if (!take(&r, ',')) r.failed = true; /* without dates the rule would depend on the system */
    rule->start = take_date(&r);
    if (!take(&r, ',')) r.failed = true;
    rule->end = take_date(&r);
  }
  return !r.failed && r.at == r.end;
}

/* When the change of this year happens, in UTC; offset_s is the one before it. */
static int64_t rule_date_ms(const struct rule_date *d, int64_t year, int32_t offset_s) {
  int64_t first = calendar_days(year, 1, 1), day;
  if (d->kind == RULE_DAY) {
    day = first + d->day;
  } else if (d->kind == RULE_JULIAN) {
    bool leap = calendar_month_days(year, 2) == 29;
    day = first + d->day - 1 + (leap && d->day >= 60);
  } else {
    int64_t month = calendar_days(year, d->month, 1);
    int weekday = (calendar_weekday(month) + 1) % 7; /* 0 = Sunday, as POSIX counts */
    int in_month = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
    while (in_month >= calendar_month_days(year, d->month)) in_month -= 7; /* week 5 is the last one */
    day = month + in_month;
  }
  return (day * 86400 + d->time_s - offset_s) * MS_PER_SECOND;
}

/* --- the file -------------------------------------------------------------------------------------------------------- */

struct header {
  int version;
  uint32_t isutc, isstd, leap, time, type, chars;
};

static uint32_t big_u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big_time(const uint8_t *p, size_t bytes) {
  if (bytes == 4) return (int32_t)big_u32(p);
  return (int64_t)((uint64_t)big_u32(p) << 32 | big_u32(p + 4));
}

static bool header_read(struct reader *r, struct header *h) {
  const uint8_t *p = (const uint8_t *)reader_bytes(r, 44).ptr;
  if (!p || memcmp(p, "TZif", 4) != 0) return false;
  h->version = p[4] == 0 ? 1 : p[4] - '0';
  h->isutc = big_u32(p + 20);
  h->isstd = big_u32(p + 24);
  h->leap = big_u32(p + 28);
  h->time = big_u32(p + 32);
  h->type = big_u32(p + 36);
  h->chars = big_u32(p + 40);
  return h->version >= 1;
}

static uint64_t block_bytes(const struct header *h, unsigned time_bytes) {
  return (uint64_t)h->time * (time_bytes + 1) + (uint64_t)h->type * 6 + h->chars + (uint64_t)h->leap * (time_bytes + 4) +
         h->isstd + h->isutc;
}

/* A block's parts, checked to be there and to make sense. */
struct block {
  const uint8_t *times, *types, *infos;
  unsigned time_bytes;
  uint32_t time_count;
};

static bool block_read(struct reader *r, const struct header *h, unsigned time_bytes, struct block *out) {
  const uint8_t *p = (const uint8_t *)reader_bytes(r, (size_t)block_bytes(h, time_bytes)).ptr;
  if (!p || h->type == 0 || h->type > 256 || h->chars == 0) return false;
  if ((h->isutc && h->isutc != h->type) || (h->isstd && h->isstd != h->type)) return false;
  /* A file with leap seconds ("right/…") counts other seconds than moments do. */
  if (h->leap) return false;
  *out = (struct block){ .times = p, .time_bytes = time_bytes, .time_count = h->time };
  out->types = p + (size_t)h->time * time_bytes;
  out->infos = out->types + h->time;
  for (uint32_t i = 0; i < h->time; i++) {
    if (out->types[i] >= h->type) return false;
    const uint8_t *at = p + (size_t)i * time_bytes;
    if (i && big_time(at, time_bytes) <= big_time(at - time_bytes, time_bytes)) return false;
  }
  for (uint32_t i = 0; i < h->type; i++) {
    const uint8_t *info = out->infos + (size_t)i * 6;
    int32_t offset = (int32_t)big_u32(info);
    if (offset < -OFFSET_MAX_S || offset > OFFSET_MAX_S || info[4] > 1 || info[5] >= h->chars) return false;
  }
  return true;
}

static int32_t type_offset_ms(const struct block *b, unsigned type) {
  return (int32_t)big_u32(b->infos + (size_t)type * 6) * 1000;
}

/* The text between the two newlines behind the last block; false when it is not there. */
static bool footer_read(struct reader *r, struct str *out) {
  if (!take(r, '\n')) return false;
  const uint8_t *from = r->at;
  while (r->at < r->end && *r->at != '\n') r->at++;
  *out = str_slice((const char *)from, (const char *)r->at);
  return take(r, '\n');
}

struct table {
  int64_t *at_ms;
  int32_t *offset_ms;
  uint32_t count;
};

static void table_add(struct table *t, int64_t at_ms, int32_t offset_s) {
  t->at_ms[t->count] = at_ms;
  t->offset_ms[t->count++] = offset_s * 1000;
}

/* Writes out the rule behind the last transition. Each year's two changes are put in order; a change that a longer one
 * overtakes (a summer time of the whole year) leaves no trace. */
static void rule_expand(const struct rule *rule, struct table *t) {
  int64_t behind = t->count ? t->at_ms[t->count - 1] : INT64_MIN;
  int64_t from = t->count ? calendar_civil(behind).year - 1 : YEAR_FROM;
  for (int64_t year = from; year <= from + CYCLE_YEARS + 3; year++) {
    int64_t start = rule_date_ms(&rule->start, year, rule->standard_s);
    int64_t end = rule_date_ms(&rule->end, year, rule->summer_s);
    const bool start_first = start < end;
    for (int i = 0; i < 2; i++) {
      bool is_start = (i == 0) == start_first;
      int64_t at = is_start ? start : end;
      if (at <= behind) continue;
      if (t->count && t->at_ms[t->count - 1] >= at) t->count--; /* the year before reached into this one */
      table_add(t, at, is_start ? rule->summer_s : rule->standard_s);
    }
  }
}

static void table_fill(struct table *t, const struct block *b) {
  for (uint32_t i = 0; i < b->time_count; i++) {
    int64_t s = big_time(b->times + (size_t)i * b->time_bytes, b->time_bytes);
    int64_t at = s > LIMIT_MOMENT_MS / 1000 ? LIMIT_MOMENT_MS : s < -LIMIT_MOMENT_MS / 1000 ? -LIMIT_MOMENT_MS : s * 1000;
    t->at_ms[i] = at;
    t->offset_ms[i] = type_offset_ms(b, b->types[i]);
  }
  t->count = b->time_count;
}

/* Finds the one block that counts and the footer behind it. */
static bool file_read(struct str tzif, struct block *b, struct str *footer) {
  *footer = (struct str){ NULL, 0 };
  if (!tzif.ptr) return false;
  struct reader r = reader_of(tzif.ptr, tzif.len);
  struct header h;
  if (!header_read(&r, &h)) return false;
  if (h.version == 1) return block_read(&r, &h, 4, b);
  if (block_bytes(&h, 4) > tzif.len) return false;
  reader_bytes(&r, (size_t)block_bytes(&h, 4));
  return header_read(&r, &h) && block_read(&r, &h, 8, b) && footer_read(&r, footer);
}

enum camp_err zone_read(struct arena *a, struct str name, struct str tzif, const struct zone **out) {
  struct block b;
  struct str footer;
  struct rule rule = { 0 };
  if (!file_read(tzif, &b, &footer)) return CAMP_CORRUPT;
  if (footer.len && !rule_read(&rule, footer)) return CAMP_CORRUPT;
  struct table t = { .count = 0 };
  size_t room = (size_t)b.time_count + 2 * (CYCLE_YEARS + 4) + 1;
  t.at_ms = arena_alloc(a, room * sizeof *t.at_ms);
  t.offset_ms = arena_alloc(a, room * sizeof *t.offset_ms);
  table_fill(&t, &b);
  struct zone *z = ARENA_NEW(a, struct zone);
  z->first_offset_ms = type_offset_ms(&b, 0);
  bool follows = footer.len && (t.count == 0 || calendar_civil(t.at_ms[t.count - 1]).year < YEAR_LAST);
  if (follows && !t.count) z->first_offset_ms = rule.standard_s * 1000;
  if (follows && rule.has_summer) {
    rule_expand(&rule, &t);
    z->cyclic = true;
  }
  z->name = arena_str(a, name);
  z->at_ms = t.at_ms;
  z->offset_ms = t.offset_ms;
  z->count = t.count;
  *out = z;
  return CAMP_OK;
}

/* --- looking up ------------------------------------------------------------------------------------------------------ */

/* How far to move a time back, in whole cycles, so that it lies inside the table with a day to spare on both sides. */
static int64_t cycles_ms(const struct zone *z, int64_t ms) {
  if (!z->cyclic) return 0;
  int64_t bound = z->at_ms[z->count - 1] - 366 * MS_PER_DAY;
  return ms < bound ? 0 : ((ms - bound) / CYCLE_MS + 1) * CYCLE_MS;
}

/* How many transitions are at or before the time. */
static uint32_t passed(const struct zone *z, int64_t ms) {
  uint32_t low = 0, n = z->count;
  while (n) {
    uint32_t half = n / 2;
    if (z->at_ms[low + half] <= ms) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

static int32_t offset_after(const struct zone *z, uint32_t transitions) {
  return transitions ? z->offset_ms[transitions - 1] : z->first_offset_ms;
}

static int32_t offset_at(const struct zone *z, int64_t ms) {
  if (z->count == 0) return z->first_offset_ms;
  return offset_after(z, passed(z, ms - cycles_ms(z, ms)));
}

int32_t zone_offset_s(const struct zone *z, int64_t utc_ms) { return offset_at(z, clamp_ms(utc_ms)) / 1000; }

int64_t zone_to_civil(const struct zone *z, int64_t utc_ms) {
  utc_ms = clamp_ms(utc_ms);
  return utc_ms + offset_at(z, utc_ms);
}

int64_t zone_to_utc(const struct zone *z, int64_t civil_ms) {
  int64_t civil = clamp_ms(civil_ms);
  if (z->count == 0) return civil - z->first_offset_ms;
  int64_t cycles = cycles_ms(z, civil);
  civil -= cycles;
  /* Walks the stretches between transitions that may hold this reading, the earliest first. */
  int64_t before = civil - z->first_offset_ms;
  for (uint32_t i = passed(z, civil - OFFSET_MAX_S * MS_PER_SECOND);; i++) {
    int64_t at = civil - offset_after(z, i);
    if (i < z->count && at >= z->at_ms[i]) {
      before = at;
      continue;
    }
    if (i && at < z->at_ms[i - 1]) at = before; /* in the gap: by the clock before it, so it reads later by the gap */
    return at + cycles;
  }
}

int64_t zone_add(const struct zone *z, int64_t utc_ms, int64_t months, int64_t days) {
  utc_ms = clamp_ms(utc_ms);
  if (months == 0 && days == 0) return utc_ms; /* the second of two equal readings stays itself */
  return zone_to_utc(z, calendar_add(zone_to_civil(z, utc_ms), months, days));
}
