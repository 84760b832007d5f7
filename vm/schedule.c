/* Occurrences of `start at …` and `start every …`, and their one spelling.
 *
 * Not for: zones, contacts, or whether an occurrence still counts (runtime/engine/schedule.c).
 *
 * Invariants:
 * 1. schedule_next rises strictly, so who goes from one occurrence to the next comes to an end or forward.
 * 2. A month without the day has its last day instead, as Jan 31 + 1mo has (calendar_add). */
#include "schedule.h"

static int64_t floor_day(int64_t ms) { return ms / MS_PER_DAY - (ms % MS_PER_DAY < 0); }

static int64_t next_weekday(const struct schedule *s, int64_t after_ms) {
  int64_t day = floor_day(after_ms);
  if (day * MS_PER_DAY + s->at_ms <= after_ms) day++;
  for (int i = 0; i < 7; i++, day++)
    if (s->days >> calendar_weekday(day) & 1) break;
  return day * MS_PER_DAY + s->at_ms;
}

static int64_t in_month(const struct schedule *s, int64_t year, int month) {
  int last = calendar_month_days(year, month), day = s->days < last ? s->days : last;
  return calendar_days(year, month, day) * MS_PER_DAY + s->at_ms;
}

static int64_t next_month_day(const struct schedule *s, int64_t after_ms) {
  struct civil c = calendar_civil(after_ms);
  int64_t at_ms = in_month(s, c.year, c.month);
  if (at_ms > after_ms) return at_ms;
  return c.month == 12 ? in_month(s, c.year + 1, 1) : in_month(s, c.year, c.month + 1);
}

int64_t schedule_next(const struct schedule *s, int64_t after_ms) {
  /* Beyond what Camp calls a moment nothing comes, so that no sum here overflows. */
  if (after_ms >= calendar_days(LIMIT_YEAR_MAX, 1, 1) * MS_PER_DAY) return SCHEDULE_NEVER;
  int64_t first_ms = calendar_days(LIMIT_YEAR_MIN, 1, 1) * MS_PER_DAY - MS_PER_DAY;
  if (after_ms < first_ms) after_ms = first_ms;
  switch ((enum schedule_kind)s->kind) {
    case SCHEDULE_AT: return s->at_ms > after_ms ? s->at_ms : SCHEDULE_NEVER;
    case SCHEDULE_WEEKLY: return next_weekday(s, after_ms);
    case SCHEDULE_MONTHLY: return next_month_day(s, after_ms);
  }
  return SCHEDULE_NEVER;
}

static void show_weekdays(struct buf *b, uint8_t days) {
  static const char *const names[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };
  const char *between = "";
  if (days == 0x7f || days == 0x1f) {
    buf_c(b, days == 0x7f ? "day" : "weekday");
    return;
  }
  for (int i = 0; i < 7; i++) {
    if (!(days >> i & 1)) continue;
    buf_c(b, between);
    buf_c(b, names[i]);
    between = ", ";
  }
}

static const char *ordinal_end(unsigned n) {
  if (n >= 11 && n <= 13) return "th";
  return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

void schedule_show(struct buf *b, const struct schedule *s) {
  char text[32];
  struct value at = { .type = s->kind == SCHEDULE_AT ? V_LOCAL : V_TIME, .i = s->at_ms };
  if (s->kind == SCHEDULE_AT) {
    buf_c(b, "at ");
    buf_add(b, text, calendar_print(s->at_ms, text));
    return;
  }
  buf_c(b, "every ");
  if (s->kind == SCHEDULE_WEEKLY) show_weekdays(b, s->days);
  else if (s->days == SCHEDULE_LAST_DAY) buf_c(b, "month on the last day");
  else buf_printf(b, "month on the %u%s", s->days, ordinal_end(s->days));
  buf_c(b, " at ");
  value_show(b, at);
}
