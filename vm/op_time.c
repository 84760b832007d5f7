/* Instructions on civil time: times of day, windows, weekdays, the parts of a date, in the contact's zone; see ops.h.
 *
 * Not for adding and comparing (value.c) nor for the calendar itself (calendar.c).
 *
 * Invariant: a moment beyond the years that value_is_sound knows is no moment, so nothing here can overflow. */
#include "ops.h"

#include "flip.h"

struct value op_ago(struct value window, const struct env *env) {
  return value_moment(window_ago(window, env->zone, env->now_ms));
}

static int64_t floor_days(int64_t ms) { return ms / MS_PER_DAY - (ms % MS_PER_DAY < 0); }

/* Years that nothing here can overflow in; a moment outside is no moment. */
static bool calm(int64_t ms) { return value_is_sound((struct value){ .type = V_MOMENT, .i = ms }); }

struct value op_zoned(struct value v, const struct zone *z) {
  if (!value_is_sound(v)) return value_missing();
  if (v.type == V_MOMENT) return v;
  if (v.type == V_LOCAL) return value_moment(zone_to_utc(z, v.i));
  if (v.type == V_DATE) return value_moment(zone_to_utc(z, v.i * MS_PER_DAY));
  return value_missing();
}

static bool weekday_in(uint32_t mask, int64_t days) { return mask >> calendar_weekday(days) & 1; }

/* From the day before today: where a zone skips a whole day, yesterday's time of day lands on today. */
enum { DAYS_BACK = 1, DAYS_AHEAD = 8 };

struct value op_next_time(struct value time, uint32_t mask, const struct env *env) {
  if (time.type != V_TIME || !calm(env->now_ms)) return value_missing();
  int64_t today = floor_days(zone_to_civil(env->zone, env->now_ms));
  for (int64_t day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
    if (!weekday_in(mask, day)) continue;
    int64_t at = zone_to_utc(env->zone, day * MS_PER_DAY + time.i);
    if (at >= env->now_ms) return value_moment(at);
  }
  return value_missing();
}

/* A window that ends at or before its beginning ends on the next day; its weekday is the one on which it opens. */
struct value op_window(struct value from, struct value to, uint32_t mask, const struct env *env) {
  if (from.type != V_TIME || to.type != V_TIME || !calm(env->now_ms)) return value_missing();
  int64_t today = floor_days(zone_to_civil(env->zone, env->now_ms));
  int64_t over_midnight = to.i <= from.i;
  for (int64_t day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
    if (!weekday_in(mask, day)) continue;
    int64_t opens = zone_to_utc(env->zone, day * MS_PER_DAY + from.i);
    int64_t closes = zone_to_utc(env->zone, (day + over_midnight) * MS_PER_DAY + to.i);
    if (opens > env->now_ms) return value_moment(opens);
    if (env->now_ms < closes) return value_moment(env->now_ms);
  }
  return value_missing();
}

struct value op_date_part(struct value v, uint32_t part, const struct zone *z) {
  static const struct str weekdays[] = { { "monday", 6 },   { "tuesday", 7 }, { "wednesday", 9 }, { "thursday", 8 },
                                         { "friday", 6 }, { "saturday", 8 }, { "sunday", 6 } };
  if (!value_is_sound(v)) return value_missing();
  int64_t civil_ms;
  if (v.type == V_DATE) civil_ms = v.i * MS_PER_DAY;
  else if (v.type == V_MOMENT) civil_ms = zone_to_civil(z, v.i);
  else if (v.type == V_LOCAL) civil_ms = v.i;
  else return value_missing();
  struct civil c = calendar_civil(civil_ms);
  int64_t days = floor_days(civil_ms);
  switch (part) {
    case 0: return value_number((double)c.year);
    case 1: return value_number(c.month);
    case 2: return value_number(c.day);
    case 3: return value_text(weekdays[calendar_weekday(days)]);
    case 4: return value_number(c.hour);
    case 5: return (struct value){ .type = V_DATE, .i = days };
    default: return (struct value){ .type = V_TIME, .i = civil_ms - days * MS_PER_DAY };
  }
}
