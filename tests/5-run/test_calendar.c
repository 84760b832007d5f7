/* Civil time: every day from 1900 to 2200 against the C library, months and their ends, and the texts of moments. */
#include "vm/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void test_every_day(void **state) {
  (void)state;
  for (int64_t day = calendar_days(1900, 1, 1); day <= calendar_days(2200, 12, 31); day++) {
    time_t seconds = (time_t)(day * 86400 + 86399);
    struct tm tm;
    assert_non_null(gmtime_r(&seconds, &tm));
    struct civil c = calendar_civil(day * MS_PER_DAY + MS_PER_DAY - 1);
    assert_int_equal(c.year, tm.tm_year + 1900);
    assert_int_equal(c.month, tm.tm_mon + 1);
    assert_int_equal(c.day, tm.tm_mday);
    assert_true(c.hour == 23 && c.minute == 59 && c.second == 59 && c.ms == 999);
    assert_int_equal(calendar_weekday(day), (tm.tm_wday + 6) % 7);
    assert_int_equal(calendar_days(c.year, c.month, c.day), day);
    assert_int_equal(calendar_ms(c), day * MS_PER_DAY + MS_PER_DAY - 1);
  }
}

static void test_months(void **state) {
  (void)state;
  static const struct { int year, month, days; } rows[] = {
    { 2026, 1, 31 }, { 2026, 2, 28 }, { 2024, 2, 29 }, { 1900, 2, 28 }, { 2000, 2, 29 }, { 2026, 4, 30 },
    { 2026, 12, 31 }, { 2026, 0, 0 }, { 2026, 13, 0 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(calendar_month_days(rows[i].year, rows[i].month), rows[i].days);
}

static int64_t civil(const char *text) {
  int64_t ms;
  bool zoned;
  if (!calendar_parse_moment(str_from_c(text), &ms, &zoned) || zoned) fail_msg("not a civil moment: %s", text);
  return ms;
}

static void test_add(void **state) {
  (void)state;
  static const struct { const char *from; int64_t months, days; const char *to; } rows[] = {
    { "2026-01-31 10:00", 1, 0, "2026-02-28 10:00" }, { "2024-01-31", 1, 0, "2024-02-29" },
    { "2026-01-31", 1, 1, "2026-03-01" },             { "2026-03-31", -1, 0, "2026-02-28" },
    { "2024-02-29", 12, 0, "2025-02-28" },            { "2026-12-15", 1, 0, "2027-01-15" },
    { "2026-01-15", -1, 0, "2025-12-15" },            { "2026-01-01", 0, -1, "2025-12-31" },
    { "1970-01-01", -25, 0, "1967-12-01" },           { "1969-12-31 23:59:59.999", 0, 1, "1970-01-01 23:59:59.999" },
    { "2026-05-31", 9, 0, "2027-02-28" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(calendar_add(civil(rows[i].from), rows[i].months, rows[i].days), civil(rows[i].to));
}

/* No int64 overflows anything; the sanitizer is the judge. */
static void test_extremes(void **state) {
  (void)state;
  static const int64_t all[] = { INT64_MIN, INT64_MIN + 1, -8640000000000001, -1, 0, 1, 8640000000000001, INT64_MAX };
  char text[40];
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct civil c = calendar_civil(all[i]);
    assert_true(c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31);
    assert_true(calendar_print(all[i], text) < 32);
    assert_true(calendar_print_iso(zone_utc(), all[i], text) < 40);
    int weekday = calendar_weekday(all[i]);
    assert_true(weekday >= 0 && weekday < 7);
    calendar_days(all[i], 1, 1);
    for (size_t j = 0; j < sizeof all / sizeof all[0]; j++) {
      int64_t sum = calendar_add(0, all[i], all[j]);
      assert_true(sum >= -8640000000000000 && sum <= 8640000000000000);
    }
  }
}

static void test_parse_moment(void **state) {
  (void)state;
  static const struct { const char *text, *printed; bool zoned; } rows[] = {
    { "2026-01-05", "2026-01-05 00:00", false },
    { "2026-01-05 10:00", "2026-01-05 10:00", false },
    { "2026-01-05T10:00", "2026-01-05 10:00", false },
    { "2026-01-05t10:00:30", "2026-01-05 10:00:30", false },
    { "2026-01-05T10:00:00.5", "2026-01-05 10:00:00.500", false },
    { "2026-01-05T10:00:00,25", "2026-01-05 10:00:00.250", false },
    { "2026-01-05T10:00:00.123456789", "2026-01-05 10:00:00.123", false },
    { "2026-01-05T10:00:00Z", "2026-01-05 10:00", true },
    { "2026-01-05T10:00z", "2026-01-05 10:00", true },
    { "2026-01-05T10:00:00.123Z", "2026-01-05 10:00:00.123", true },
    { "2026-01-05T10:00:00+02:00", "2026-01-05 08:00", true },
    { "2026-01-05 10:00:00 +0200", "2026-01-05 08:00", true },
    { "2026-01-05T10:00:00-05", "2026-01-05 15:00", true },
    { "2026-01-05T00:30:00+05:45", "2026-01-04 18:45", true },
    { "2026-01-05T23:59:59.999-23:59", "2026-01-06 23:58:59.999", true },
    { "1900-01-01", "1900-01-01 00:00", false },
    { "2200-12-31 23:59", "2200-12-31 23:59", false },
    { "2024-02-29", "2024-02-29 00:00", false },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t ms;
    bool zoned;
    char text[32];
    if (!calendar_parse_moment(str_from_c(rows[i].text), &ms, &zoned)) fail_msg("refused: %s", rows[i].text);
    assert_int_equal(calendar_print(ms, text), strlen(rows[i].printed));
    assert_string_equal(text, rows[i].printed);
    assert_int_equal(zoned, rows[i].zoned);
  }
}

static void test_refuse_moment(void **state) {
  (void)state;
  static const char *const rows[] = {
    "", "2026", "2026-01", "2026-1-5", "0000-01-01", "1899-12-31", "2201-01-01", "9999-12-31", "12026-01-05", "-2026-01-05",
    "2026-00-05", "2026-13-05", "2026-01-00", "2026-01-32", "2026-02-29", "1900-02-29", "2026-04-31", "2026/01/05",
    "2026-01-05T", "2026-01-05 ", "2026-01-05T1:00", "2026-01-05T10", "2026-01-05T10:0", "2026-01-05T24:00",
    "2026-01-05T10:60", "2026-01-05T10:00:60", "2026-01-05T10:00:", "2026-01-05T10:00:00.", "2026-01-05T10:00:00.Z",
    "2026-01-05T10:00+24:00", "2026-01-05T10:00+02:60", "2026-01-05T10:00+2", "2026-01-05T10:00+", "2026-01-05T10:00Z ",
    "2026-01-05T10:00ZZ", "2026-01-05T10:00+02:", "2026-01-05x10:00", "2026-01-05Z", "NaN", "now", " 2026-01-05",
    "2026-01-05T10:00:00 ", "1767607200000",
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t ms;
    bool zoned;
    if (calendar_parse_moment(str_from_c(rows[i]), &ms, &zoned)) fail_msg("taken: %s", rows[i]);
  }
}

static void test_dates_and_times(void **state) {
  (void)state;
  static const struct { const char *text; int64_t days; } dates[] = {
    { "1970-01-01", 0 }, { "2026-01-05", 20458 }, { "1969-12-31", -1 }, { "2026-01-05 10:00", -99 }, { "2026-01-5", -99 },
  };
  static const struct { const char *text; int64_t ms; } times[] = {
    { "00:00", 0 },          { "09:00", 32400000 }, { "09:00:30", 32430000 }, { "23:59:59.999", 86399999 }, { "24:00", -1 },
    { "9:00", -1 },          { "09:0", -1 },        { "09:00Z", -1 },         { "", -1 },                   { "0900", -1 },
  };
  int64_t n;
  for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
    assert_int_equal(calendar_parse_date(str_from_c(dates[i].text), &n), dates[i].days != -99);
    if (dates[i].days != -99) assert_int_equal(n, dates[i].days);
  }
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    assert_int_equal(calendar_parse_time(str_from_c(times[i].text), &n), times[i].ms >= 0);
    if (times[i].ms >= 0) assert_int_equal(n, times[i].ms);
  }
}

static void test_iso(void **state) {
  (void)state;
  char text[40];
  assert_int_equal(calendar_print_iso(zone_utc(), 1767607200000, text), 20);
  assert_string_equal(text, "2026-01-05T10:00:00Z");
  assert_int_equal(calendar_print_iso(zone_utc(), 1767607200123, text), 24);
  assert_string_equal(text, "2026-01-05T10:00:00.123Z");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_day),      cmocka_unit_test(test_months),        cmocka_unit_test(test_add),
    cmocka_unit_test(test_extremes),       cmocka_unit_test(test_parse_moment),  cmocka_unit_test(test_refuse_moment),
    cmocka_unit_test(test_dates_and_times), cmocka_unit_test(test_iso),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
