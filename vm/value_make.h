#ifndef CAMP_VM_VALUE_MAKE_H
#define CAMP_VM_VALUE_MAKE_H
/* Values that may not exist: what leaves the bounds of its type is missing. Private to value*.c; inline, because nearly every
 * computation ends with one. */
#include <math.h>

#include "base/limits.h"
#include "value.h"

#define DAYS_MAX 200000000LL
#define MONTHS_MAX 4000000LL

typedef __int128 wide; /* products of money and a double's 53 bits */

static inline struct value make_number(double n) { return isfinite(n) ? value_number(n) : value_missing(); }

static inline struct value make_percent(double n) {
  return isfinite(n) ? (struct value){ .type = V_PERCENT, .n = n } : value_missing();
}

static inline struct value make_i(enum value_type type, int64_t i) { return (struct value){ .type = (uint8_t)type, .i = i }; }

static inline struct value make_time(enum value_type type, int64_t ms) {
  return ms < -LIMIT_MOMENT_MS || ms > LIMIT_MOMENT_MS ? value_missing() : make_i(type, ms);
}

/* aux is unsigned and months may be negative: they travel as two's complement. */
static inline int64_t months_of(struct value v) { return (int32_t)v.aux; }

static inline struct value make_calendar(int64_t months, int64_t days) {
  if (months < -MONTHS_MAX || months > MONTHS_MAX || days < -DAYS_MAX || days > DAYS_MAX) return value_missing();
  return (struct value){ .type = V_CALENDAR, .aux = (uint32_t)(int32_t)months, .i = days };
}

static inline struct value make_date(int64_t days) {
  return days < -LIMIT_MOMENT_MS / MS_PER_DAY || days > LIMIT_MOMENT_MS / MS_PER_DAY ? value_missing() : make_i(V_DATE, days);
}

static inline const struct zone *zone_or_utc(const struct zone *z) { return z ? z : zone_utc(); }

static inline int64_t midnight(int64_t days, const struct zone *z) {
  return zone_to_utc(zone_or_utc(z), days * MS_PER_DAY);
}

static inline bool is_moment(struct value v) { return v.type == V_MOMENT || v.type == V_LOCAL; }
static inline bool is_day(struct value v) { return v.type == V_DATE || is_moment(v); }
#endif
