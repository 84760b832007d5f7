#ifndef CAMP_VM_CALENDAR_H
#define CAMP_VM_CALENDAR_H
/* Civil time and time zones, pure: no clock and no files. The proleptic Gregorian calendar; moments are
 * milliseconds since 1970-01-01T00:00Z without leap seconds; "civil" is a wall clock's reading in the same unit, as if
 * the zone were UTC. */
#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

#define MS_PER_SECOND 1000LL
#define MS_PER_DAY 86400000LL

int64_t calendar_days(int64_t year, int month, int day); /* days since 1970-01-01; Howard Hinnant's days_from_civil */
struct civil { int64_t year; int month, day, hour, minute, second, ms; };
struct civil calendar_civil(int64_t civil_ms);
int64_t calendar_ms(struct civil c);
int calendar_weekday(int64_t days); /* 0 = Monday … 6 = Sunday */
int calendar_month_days(int64_t year, int month);
/* months first, the day kept or lowered to the month's last day (Jan 31 + 1mo), then days. */
int64_t calendar_add(int64_t civil_ms, int64_t months, int64_t days);

/* A time zone: RFC 9636 (TZif) transitions and the footer's POSIX rule for later times. */
struct zone;
/* Reads TZif bytes. The zone lives in the arena; name is copied. CAMP_CORRUPT when it is not TZif. */
enum camp_err zone_read(struct arena *a, struct str name, struct str tzif, const struct zone **out) MUST_CHECK;
const struct zone *zone_utc(void);
struct str zone_name(const struct zone *z);
int32_t zone_offset_s(const struct zone *z, int64_t utc_ms);
int64_t zone_to_civil(const struct zone *z, int64_t utc_ms);
/* A time that does not exist moves forward by the gap; one that occurs twice is the first. */
int64_t zone_to_utc(const struct zone *z, int64_t civil_ms);
/* Calendar duration: same wall-clock time in the zone. */
int64_t zone_add(const struct zone *z, int64_t utc_ms, int64_t months, int64_t days);
/* The last moment that a window of so many months and days does not hold at now: now less them by the calendar, except that it
 * never runs back as now goes on, so that what has left a window does not come into it again (a clock that is set back, months
 * of different lengths: between Mar 28 and Mar 31 `last 1mo` begins at the end of Feb 28). */
int64_t zone_ago(const struct zone *z, int64_t now_ms, int64_t months, int64_t days);
/* The first moment whose zone_ago is at or behind at_ms: when what happened then leaves the window. */
int64_t zone_ago_reaches(const struct zone *z, int64_t at_ms, int64_t months, int64_t days);
/* The first moment in (from, to] whose offset is not that of `from`; `to` when there is none. At most one change in between. */
int64_t zone_change(const struct zone *z, int64_t from_ms, int64_t to_ms);

/* Texts. A moment is RFC 3339 / ISO 8601: 2026-01-05, 2026-01-05 10:00, 2026-01-05T10:00:00.123Z, …+02:00; *zoned
 * says whether it had an offset (then *ms is UTC, otherwise civil). Years outside LIMIT_YEAR_MIN…MAX,
 * and dates that no calendar has, give false. */
bool calendar_parse_moment(struct str text, int64_t *ms, bool *zoned);
bool calendar_parse_date(struct str text, int64_t *days);   /* 2026-01-05 */
bool calendar_parse_time(struct str text, int64_t *ms);     /* 09:00, 09:00:30 */
/* "2026-01-05 10:00" with seconds and fraction only when not zero; returns the length written, at most 32 bytes. */
size_t calendar_print(int64_t civil_ms, char out[32]);
/* "2026-01-05T10:00:00.123+01:00" */
size_t calendar_print_iso(const struct zone *z, int64_t utc_ms, char out[40]);
#endif
