/* Where a calendar window begins, and when what happened leaves it; see zone_ago in calendar.h.
 *
 * Not for exact durations, which are a subtraction, and not for adding calendar durations to a moment (zone_add): there the
 * wall clock of the result counts; here what matters is that a window only ever moves forward.
 *
 * Invariants:
 * 1. zone_ago never runs back as now goes on, whatever the zone does: three things would let it, and each is taken care of by
 *    name. A clock that is set back repeats an hour: the hour's end counts as soon as it was reached once. A month that is
 *    shorter than the day asks for (Mar 31 - 1mo) stands at the end of its last day. A reading that never was, because the clock
 *    was set forward over it, is the moment of that change.
 * 2. zone_ago_reaches is its exact inverse: at the moment that it gives, zone_ago has reached the time asked for, and one
 *    millisecond before it had not.
 * 3. No zone sets its clock by more than SET_MS at a time, nor twice within that. */
#include "calendar.h"

/* Clocks were set by whole days where the date line moved; those jump forward or lie in the past of everybody's data. */
#define SET_MS (3 * 3600 * MS_PER_SECOND)

int64_t zone_change(const struct zone *z, int64_t from_ms, int64_t to_ms) {
  int32_t offset = zone_offset_s(z, from_ms);
  if (to_ms <= from_ms || zone_offset_s(z, to_ms) == offset) return to_ms;
  int64_t same = from_ms, other = to_ms;
  while (other - same > 1) {
    int64_t middle = same + (other - same) / 2;
    if (zone_offset_s(z, middle) == offset) same = middle;
    else other = middle;
  }
  return other;
}

/* The latest reading that the wall clock has shown up to now. */
static int64_t civil_reached(const struct zone *z, int64_t now_ms) {
  int64_t civil = zone_to_civil(z, now_ms), before_ms = now_ms - SET_MS;
  int64_t set_back = (int64_t)zone_offset_s(z, before_ms) * MS_PER_SECOND - (civil - now_ms);
  if (set_back <= 0) return civil;
  int64_t reached = zone_change(z, before_ms, now_ms) - 1 + set_back + (civil - now_ms);
  return reached > civil ? reached : civil;
}

static int64_t floor_day(int64_t civil_ms) {
  int64_t into = civil_ms % MS_PER_DAY;
  return civil_ms - (into < 0 ? into + MS_PER_DAY : into);
}

int64_t zone_ago(const struct zone *z, int64_t now_ms, int64_t months, int64_t days) {
  int64_t reached = civil_reached(z, now_ms), back = reached;
  if (months) {
    back = calendar_add(reached, -months, 0);
    if (calendar_civil(back).day != calendar_civil(reached).day) back = floor_day(back) + MS_PER_DAY - 1;
  }
  back = calendar_add(back, 0, days == INT64_MIN ? INT64_MAX : -days);
  int64_t utc = zone_to_utc(z, back);
  return zone_to_civil(z, utc) == back ? utc : zone_change(z, utc - SET_MS, utc);
}

int64_t zone_ago_reaches(const struct zone *z, int64_t at_ms, int64_t months, int64_t days) {
  int64_t guess = zone_add(z, at_ms, months, days), reach = SET_MS;
  if (zone_ago(z, guess, months, days) >= at_ms && zone_ago(z, guess - 1, months, days) < at_ms) return guess;
  int64_t early = guess - reach, late = guess + reach;
  for (; zone_ago(z, early, months, days) >= at_ms && reach < 400 * MS_PER_DAY; early = guess - reach) reach *= 2;
  for (reach = SET_MS; zone_ago(z, late, months, days) < at_ms && reach < 400 * MS_PER_DAY; late = guess + reach) reach *= 2;
  while (late - early > 1) {
    int64_t middle = early + (late - early) / 2;
    if (zone_ago(z, middle, months, days) >= at_ms) late = middle;
    else early = middle;
  }
  return late;
}
