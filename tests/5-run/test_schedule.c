/* Occurrences of starts without an event, by a calendar on paper; that they rise strictly; and their one spelling. */
#include "vm/schedule.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t civil(const char *text) {
  int64_t ms;
  bool zoned;
  assert_true(calendar_parse_moment(str_from_c(text), &ms, &zoned));
  return ms;
}

enum { NINE = 9 * 3600 * 1000, MONDAY = 1, FRIDAY = 16 };

static void test_next(void **state) {
  (void)state;
  static const struct { uint8_t kind, days; int64_t at_ms; const char *after, *next; } rows[] = {
    { SCHEDULE_WEEKLY, 0x7f, NINE, "2026-01-05 08:59", "2026-01-05 09:00" },
    { SCHEDULE_WEEKLY, 0x7f, NINE, "2026-01-05 09:00", "2026-01-06 09:00" },
    { SCHEDULE_WEEKLY, MONDAY, NINE, "2026-01-05 09:00", "2026-01-12 09:00" }, /* the 5th is a Monday */
    { SCHEDULE_WEEKLY, MONDAY, NINE, "2026-01-04 23:59", "2026-01-05 09:00" },
    { SCHEDULE_WEEKLY, MONDAY | FRIDAY, NINE, "2026-01-05 09:00", "2026-01-09 09:00" },
    { SCHEDULE_WEEKLY, MONDAY | FRIDAY, NINE, "2026-01-09 09:00", "2026-01-12 09:00" },
    { SCHEDULE_WEEKLY, 0x1f, NINE, "2026-01-09 10:00", "2026-01-12 09:00" },
    { SCHEDULE_WEEKLY, MONDAY, 0, "1969-12-29", "1970-01-05" },
    { SCHEDULE_WEEKLY, 0x7f, NINE, "1969-12-31 23:00", "1970-01-01 09:00" },
    { SCHEDULE_MONTHLY, 1, NINE, "2026-01-01 09:00", "2026-02-01 09:00" },
    { SCHEDULE_MONTHLY, 1, NINE, "2026-12-01 09:00", "2027-01-01 09:00" },
    { SCHEDULE_MONTHLY, 31, NINE, "2026-01-31 09:00", "2026-02-28 09:00" },
    { SCHEDULE_MONTHLY, 31, NINE, "2028-01-31 09:00", "2028-02-29 09:00" },
    { SCHEDULE_MONTHLY, 31, NINE, "2026-02-28 09:00", "2026-03-31 09:00" },
    { SCHEDULE_MONTHLY, 29, NINE, "2026-02-01", "2026-02-28 09:00" },
    { SCHEDULE_MONTHLY, SCHEDULE_LAST_DAY, 0, "2026-04-29", "2026-04-30" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct schedule s = { .kind = rows[i].kind, .days = rows[i].days, .at_ms = rows[i].at_ms };
    print_message("# %s\n", rows[i].after);
    assert_int_equal(schedule_next(&s, civil(rows[i].after)), civil(rows[i].next));
  }
}

static void test_once(void **state) {
  (void)state;
  struct schedule s = { .kind = SCHEDULE_AT, .at_ms = civil("2026-11-27 09:00") };
  assert_int_equal(schedule_next(&s, civil("2026-11-27 08:59")), s.at_ms);
  assert_int_equal(schedule_next(&s, s.at_ms), SCHEDULE_NEVER);
  assert_false(schedule_recurs(&s));
}

/* From any moment on, to the end of time and no further. */
static void test_rises(void **state) {
  (void)state;
  static const struct schedule all[] = {
    { .kind = SCHEDULE_WEEKLY, .days = 0x41, .at_ms = MS_PER_DAY - 1000 }, { .kind = SCHEDULE_WEEKLY, .days = 2 },
    { .kind = SCHEDULE_MONTHLY, .days = 30, .at_ms = NINE }, { .kind = SCHEDULE_MONTHLY, .days = SCHEDULE_LAST_DAY } };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    assert_true(schedule_next(&all[i], INT64_MIN) < civil("1900-02-01"));
    assert_int_equal(schedule_next(&all[i], INT64_MAX - 1), SCHEDULE_NEVER);
    int64_t at = civil("2025-01-01");
    for (int n = 0; n < 1000; n++) {
      int64_t next = schedule_next(&all[i], at);
      assert_true(next > at && next - at <= 32 * MS_PER_DAY);
      assert_int_equal(schedule_next(&all[i], next - 1), next);
      at = next;
    }
  }
}

static void test_spelling(void **state) {
  (void)state;
  static const struct { uint8_t kind, days; int64_t at_ms; const char *text; } rows[] = {
    { SCHEDULE_WEEKLY, 0x7f, NINE, "every day at 09:00" },
    { SCHEDULE_WEEKLY, 0x1f, NINE, "every weekday at 09:00" },
    { SCHEDULE_WEEKLY, 0x51, 0, "every monday, friday, sunday at 00:00" },
    { SCHEDULE_MONTHLY, 1, NINE, "every month on the 1st at 09:00" },
    { SCHEDULE_MONTHLY, 12, NINE, "every month on the 12th at 09:00" },
    { SCHEDULE_MONTHLY, 22, NINE, "every month on the 22nd at 09:00" },
    { SCHEDULE_MONTHLY, 23, NINE, "every month on the 23rd at 09:00" },
    { SCHEDULE_MONTHLY, SCHEDULE_LAST_DAY, NINE, "every month on the last day at 09:00" },
    { SCHEDULE_AT, 0, NINE, "at 1970-01-01 09:00" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct schedule s = { .kind = rows[i].kind, .days = rows[i].days, .at_ms = rows[i].at_ms };
    struct buf b;
    buf_init(&b, 200);
    schedule_show(&b, &s);
    buf_byte(&b, 0);
    assert_string_equal(b.data, rows[i].text);
    buf_deinit(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_next), cmocka_unit_test(test_once), cmocka_unit_test(test_rises),
                                      cmocka_unit_test(test_spelling) };
  return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
