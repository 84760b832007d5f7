/* Time zones: hand-made TZif bytes with closed-form answers, every transition that zdump prints for zones with odd rules,
 * and damaged files. */
#include "vm/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/base/buf.h"
#include "vm/base/hash.h"

static int64_t utc(const char *text) {
  int64_t ms;
  bool zoned;
  if (!calendar_parse_moment(str_from_c(text), &ms, &zoned)) fail_msg("bad moment: %s", text);
  return ms;
}

/* --- hand-made files ------------------------------------------------------------------------------------------------- */

struct change { const char *at; uint8_t type; };

static void big32(struct buf *b, uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) buf_byte(b, (uint8_t)(n >> shift));
}

static void header(struct buf *b, char version, uint32_t times, uint32_t types) {
  buf_c(b, "TZif");
  buf_byte(b, (uint8_t)version);
  for (int i = 0; i < 15; i++) buf_byte(b, 0);
  big32(b, 0); /* isutc */
  big32(b, 0); /* isstd */
  big32(b, 0); /* leap */
  big32(b, times);
  big32(b, types);
  big32(b, 4); /* characters */
}

static void block(struct buf *b, bool wide, const struct change *changes, uint32_t times, const int *offsets_s, uint32_t types) {
  for (uint32_t i = 0; i < times; i++) {
    int64_t s = utc(changes[i].at) / 1000;
    if (wide) big32(b, (uint32_t)((uint64_t)s >> 32));
    big32(b, (uint32_t)s);
  }
  for (uint32_t i = 0; i < times; i++) buf_byte(b, changes[i].type);
  for (uint32_t i = 0; i < types; i++) {
    big32(b, (uint32_t)offsets_s[i]);
    buf_byte(b, 0);
    buf_byte(b, 0);
  }
  buf_add(b, "ABC", 4);
}

static void file(struct buf *b, char version, const struct change *changes, uint32_t times, const int *offsets_s,
                 uint32_t types, const char *footer) {
  buf_init(b, 1 << 20);
  if (version == 0) {
    header(b, 0, times, types);
    block(b, false, changes, times, offsets_s, types);
    return;
  }
  header(b, version, 0, 1);
  block(b, false, NULL, 0, offsets_s, 1);
  header(b, version, times, types);
  block(b, true, changes, times, offsets_s, types);
  buf_printf(b, "\n%s\n", footer);
}

static const struct zone *rule_zone(struct arena *a, const char *footer) {
  struct buf b;
  const int none[] = { 0 };
  const struct zone *z = NULL;
  file(&b, '3', NULL, 0, none, 1, footer);
  if (zone_read(a, STR("Test"), buf_as_str(&b), &z) != CAMP_OK) fail_msg("refused: %s", footer);
  buf_deinit(&b);
  return z;
}

static void test_utc(void **state) {
  (void)state;
  const struct zone *z = zone_utc();
  assert_true(str_is(zone_name(z), "UTC"));
  assert_int_equal(zone_offset_s(z, 0), 0);
  assert_int_equal(zone_to_civil(z, 12345), 12345);
  assert_int_equal(zone_to_utc(z, -12345), -12345);
  assert_int_equal(zone_add(z, utc("2026-01-31"), 1, 1), utc("2026-03-01"));
}

static void test_version_1(void **state) {
  (void)state;
  static const struct change changes[] = { { "1980-01-01 00:00", 1 }, { "1990-01-01 00:00", 2 } };
  static const int offsets[] = { 3600, 7200, -1800 };
  struct arena a;
  struct buf b;
  const struct zone *z;
  arena_init(&a, 1024);
  file(&b, 0, changes, 2, offsets, 3, NULL);
  assert_int_equal(zone_read(&a, STR("Old"), buf_as_str(&b), &z), CAMP_OK);
  assert_true(str_is(zone_name(z), "Old"));
  assert_int_equal(zone_offset_s(z, utc("1979-12-31 23:59")), 3600);
  assert_int_equal(zone_offset_s(z, utc("1980-01-01 00:00")), 7200);
  assert_int_equal(zone_offset_s(z, utc("1989-12-31 23:59:59.999")), 7200);
  assert_int_equal(zone_offset_s(z, utc("1990-01-01 00:00")), -1800);
  assert_int_equal(zone_offset_s(z, utc("2200-01-01 00:00")), -1800);
  buf_deinit(&b);
  arena_deinit(&a);
}

struct look { const char *utc; int offset_s; };
static void looks_are(const struct zone *z, const char *what, const struct look *looks) {
  for (; looks->utc; looks++)
    if (zone_offset_s(z, utc(looks->utc)) != looks->offset_s)
      fail_msg("%s at %s: %d", what, looks->utc, zone_offset_s(z, utc(looks->utc)));
}

static void test_rules(void **state) {
  (void)state;
  static const struct { const char *rule; struct look looks[9]; } rows[] = {
    { "CET-1CEST,M3.5.0,M10.5.0/3",
      { { "2026-03-29 00:59:59.999", 3600 }, { "2026-03-29 01:00", 7200 }, { "2026-10-25 00:59", 7200 },
        { "2026-10-25 01:00", 3600 }, { "1999-03-28 01:00", 7200 }, { "2199-03-31 00:59", 3600 }, { "2199-03-31 01:00", 7200 },
        { "1900-01-01", 3600 } } },
    { "EST5EDT,M3.2.0,M11.1.0",
      { { "2026-03-08 06:59", -18000 }, { "2026-03-08 07:00", -14400 }, { "2026-11-01 05:59", -14400 },
        { "2026-11-01 06:00", -18000 } } },
    /* the south: summer goes over the new year */
    { "AEST-10AEDT,M10.1.0,M4.1.0/3",
      { { "2026-01-01", 39600 }, { "2026-04-04 15:59", 39600 }, { "2026-04-04 16:00", 36000 }, { "2026-10-03 15:59", 36000 },
        { "2026-10-03 16:00", 39600 }, { "2026-12-31 23:59", 39600 } } },
    /* half an hour */
    { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
      { { "2026-04-04 14:59", 39600 }, { "2026-04-04 15:00", 37800 }, { "2026-10-03 15:29", 37800 }, { "2026-10-03 15:30", 39600 } } },
    /* hours below zero and far above a day */
    { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
      { { "2026-03-29 00:59", -7200 }, { "2026-03-29 01:00", -3600 }, { "2026-10-25 00:59", -3600 }, { "2026-10-25 01:00", -7200 } } },
    { "IST-2IDT,M3.4.4/26,M10.5.0",
      { { "2026-03-26 23:59", 7200 }, { "2026-03-27 00:00", 10800 }, { "2026-10-24 22:59", 10800 }, { "2026-10-24 23:00", 7200 } } },
    { "AAA0BBB,M1.1.1/167,M12.5.0/-167",
      { { "2026-01-11 22:59", 0 }, { "2026-01-11 23:59", 3600 }, { "2026-12-19 23:59", 3600 }, { "2026-12-20 00:00", 0 } } },
    /* negative summer time, as Ireland says it */
    { "IST-1GMT0,M10.5.0,M3.5.0/1",
      { { "2026-01-01", 0 }, { "2026-03-29 00:59", 0 }, { "2026-03-29 01:00", 3600 }, { "2026-10-25 00:59", 3600 }, { "2026-10-25 01:00", 0 } } },
    /* days of the year, with and without the leap day */
    { "AAA-1BBB,J60/0,J300/0",
      { { "2024-02-29 23:00", 7200 }, { "2024-02-29 22:59", 3600 }, { "2025-02-28 22:59", 3600 }, { "2025-02-28 23:00", 7200 } } },
    { "AAA-1BBB,59/0,300/0",
      { { "2024-02-28 22:59", 3600 }, { "2024-02-28 23:00", 7200 }, { "2025-02-28 22:59", 3600 }, { "2025-02-28 23:00", 7200 } } },
    /* summer all year */
    { "XXX3EDT4,0/0,J365/23", { { "2026-01-01 03:00", -14400 }, { "2026-07-01", -14400 }, { "2026-12-31 23:59", -14400 }, { "2027-01-01 02:59", -14400 } } },
    { "<+0530>-5:30", { { "1900-01-01", 19800 }, { "2026-01-01", 19800 }, { "2200-01-01", 19800 } } },
    { "UTC0", { { "2026-01-01", 0 } } },
  };
  struct arena a;
  arena_init(&a, 1 << 16);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    looks_are(rule_zone(&a, rows[i].rule), rows[i].rule, rows[i].looks);
  arena_deinit(&a);
}

/* The rule repeats after 400 years, so the far future has the same clock changes. */
static void test_far_future(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 16);
  const struct zone *z = rule_zone(&a, "CET-1CEST,M3.5.0,M10.5.0/3");
  int64_t cycle = 146097 * MS_PER_DAY;
  for (int64_t ms = utc("2026-01-01"); ms < utc("2028-01-01"); ms += 3600000) {
    for (int64_t k = 1; k < 500; k += 83) {
      assert_int_equal(zone_offset_s(z, ms + k * cycle), zone_offset_s(z, ms));
      assert_int_equal(zone_to_utc(z, ms + k * cycle), zone_to_utc(z, ms) + k * cycle);
    }
  }
  static const int64_t all[] = { INT64_MIN, -8640000000000001, 8640000000000001, INT64_MAX };
  for (size_t i = 0; i < 4; i++) {
    zone_to_civil(z, all[i]);
    zone_to_utc(z, all[i]);
    zone_add(z, all[i], INT64_MAX, INT64_MIN);
  }
  arena_deinit(&a);
}

static void test_wall_clock(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 16);
  const struct zone *z = rule_zone(&a, "CET-1CEST,M3.5.0,M10.5.0/3");
  static const struct { const char *civil, *utc; } rows[] = {
    { "2026-03-29 01:59:59.999", "2026-03-29 00:59:59.999" },
    { "2026-03-29 02:00", "2026-03-29 01:00" },     /* does not exist: it is 03:00 */
    { "2026-03-29 02:30", "2026-03-29 01:30" },     /* 03:30 */
    { "2026-03-29 03:00", "2026-03-29 01:00" },
    { "2026-10-25 01:59", "2026-10-24 23:59" },
    { "2026-10-25 02:00", "2026-10-25 00:00" },     /* twice: the first */
    { "2026-10-25 02:59:59.999", "2026-10-25 00:59:59.999" },
    { "2026-10-25 03:00", "2026-10-25 02:00" },
    { "2026-07-01 12:00", "2026-07-01 10:00" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (zone_to_utc(z, utc(rows[i].civil)) != utc(rows[i].utc)) fail_msg("%s", rows[i].civil);
  /* 1d keeps the wall clock over a change, whose day has 23 or 25 hours */
  assert_int_equal(zone_add(z, utc("2026-03-28 09:00"), 0, 1), utc("2026-03-29 08:00"));
  assert_int_equal(zone_add(z, utc("2026-10-24 08:00"), 0, 1), utc("2026-10-25 09:00"));
  assert_int_equal(zone_add(z, utc("2026-03-28 01:30"), 0, 1), utc("2026-03-29 01:30")); /* 02:30 does not exist */
  assert_int_equal(zone_add(z, utc("2026-01-31 09:00"), 1, 0), utc("2026-02-28 09:00"));
  assert_int_equal(zone_add(z, utc("2026-10-25 01:30"), 0, 0), utc("2026-10-25 01:30")); /* the second 02:30 stays */
  arena_deinit(&a);
}

static void test_iso(void **state) {
  (void)state;
  struct arena a;
  char text[40];
  arena_init(&a, 1 << 16);
  calendar_print_iso(rule_zone(&a, "CET-1CEST,M3.5.0,M10.5.0/3"), utc("2026-01-05 10:00:00.123"), text);
  assert_string_equal(text, "2026-01-05T11:00:00.123+01:00");
  calendar_print_iso(rule_zone(&a, "NST3:30"), utc("2026-01-05 10:00"), text);
  assert_string_equal(text, "2026-01-05T06:30:00-03:30");
  calendar_print_iso(rule_zone(&a, "LMT-0:09:21"), utc("2026-01-05 10:00"), text);
  assert_string_equal(text, "2026-01-05T10:09:00+00:09");
  arena_deinit(&a);
}

/* --- refused --------------------------------------------------------------------------------------------------------- */

static void test_bad_footers(void **state) {
  (void)state;
  static const char *const rows[] = {
    "CET", "C-1", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,", "CET-1CEST,M3.5.0,M10.5.0/3x",
    "CET-25", "CET-1:60", "CET-1CEST,M0.5.0,M10.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
    "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J100", "CET-1CEST,J366,J100", "CET-1CEST,366,100",
    "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5,M10.5.0", "<CET-1", "99999999999999999999", "CET-99999999999999999999",
    "CET-1CEST,M3.5.0/99999999999,M10.5.0", ",", "CET-1CEST;M3.5.0;M10.5.0", "CET--1",
  };
  struct arena a;
  arena_init(&a, 1024);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct buf b;
    const int none[] = { 0 };
    const struct zone *z;
    file(&b, '2', NULL, 0, none, 1, rows[i]);
    if (zone_read(&a, STR("Bad"), buf_as_str(&b), &z) != CAMP_CORRUPT) fail_msg("taken: %s", rows[i]);
    buf_deinit(&b);
  }
  arena_deinit(&a);
}

/* Every cut and every changed byte of a file: an answer or CAMP_CORRUPT, and no byte read beyond the end. */
static void test_damage(void **state) {
  (void)state;
  static const struct change changes[] = { { "1980-01-01", 1 }, { "1990-01-01", 0 }, { "2000-01-01", 1 } };
  static const int offsets[] = { 3600, 7200 };
  struct arena a;
  struct buf b;
  const struct zone *z;
  arena_init(&a, 1 << 16);
  file(&b, '2', changes, 3, offsets, 2, "CET-1CEST,M3.5.0,M10.5.0/3");
  for (size_t len = 0; len < b.len; len++) {
    char *cut = malloc(len ? len : 1);
    assert_non_null(cut);
    memcpy(cut, b.data, len);
    assert_int_equal(zone_read(&a, STR("Cut"), (struct str){ cut, len }, &z), CAMP_CORRUPT);
    free(cut);
    arena_reset(&a);
  }
  char *copy = malloc(b.len);
  assert_non_null(copy);
  for (size_t at = 0; at < b.len; at++) {
    for (int bit = 0; bit < 8; bit++) {
      memcpy(copy, b.data, b.len);
      copy[at] = (char)(copy[at] ^ (1 << bit));
      if (zone_read(&a, STR("Flip"), (struct str){ copy, b.len }, &z) == CAMP_OK) {
        for (int64_t ms = utc("1975-01-01"); ms < utc("2060-01-01"); ms += 31 * MS_PER_DAY) zone_to_utc(z, zone_to_civil(z, ms));
        zone_to_utc(z, INT64_MAX);
        zone_to_utc(z, INT64_MIN);
      }
      arena_reset(&a);
    }
  }
  assert_int_equal(zone_read(&a, STR("None"), (struct str){ NULL, 0 }, &z), CAMP_CORRUPT);
  free(copy);
  buf_deinit(&b);
  arena_deinit(&a);
}

/* --- the system's zones against zdump -------------------------------------------------------------------------------- */

static const char *const zones[] = {
  "Europe/Paris", "America/New_York", "Africa/Cairo", "Asia/Almaty", "America/Nuuk", "Australia/Lord_Howe",
  "America/Mexico_City", "Africa/Casablanca", "Asia/Kolkata", "Europe/Dublin", "Asia/Gaza", "Pacific/Apia",
};

static const struct zone *system_zone(struct arena *a, const char *name) {
  char path[128];
  snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *bytes = arena_alloc(a, 1 << 16);
  size_t len = fread(bytes, 1, 1 << 16, f);
  fclose(f);
  const struct zone *z;
  if (zone_read(a, str_from_c(name), (struct str){ bytes, len }, &z) != CAMP_OK) fail_msg("refused: %s", path);
  return z;
}

/* "Europe/Paris  Sun Mar 29 01:00:00 2026 UT = Sun Mar 29 03:00:00 2026 CEST isdst=1 gmtoff=7200" */
static bool zdump_line(const char *line, int64_t *at_ms, int *offset_s) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char month[4];
  int day, hour, minute, second, year;
  const char *offset = strstr(line, "gmtoff=");
  if (!offset || sscanf(line, "%*s %*s %3s %d %d:%d:%d %d UT", month, &day, &hour, &minute, &second, &year) != 6) return false;
  const char *found = strstr(months, month);
  if (!found) return false;
  struct civil c = { year, (int)(found - months) / 3 + 1, day, hour, minute, second, 0 };
  *at_ms = calendar_ms(c);
  *offset_s = atoi(offset + 7);
  return true;
}

static void test_zdump(void **state) {
  (void)state;
  unsigned lines = 0;
  struct arena a;
  arena_init(&a, 1 << 16);
  for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
    const struct zone *z = system_zone(&a, zones[i]);
    char command[200], line[256];
    if (!z) continue;
    snprintf(command, sizeof command, "zdump -v -c 1900,2150 %s 2>/dev/null", zones[i]);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
      int64_t at;
      int offset;
      if (!zdump_line(line, &at, &offset) || at < utc("1900-01-01") || at > utc("2149-12-31")) continue;
      lines++;
      if (zone_offset_s(z, at) != offset) fail_msg("%d: %s", zone_offset_s(z, at), line);
      assert_int_equal(zone_to_civil(z, at), at + offset * 1000LL);
      /* Reading the wall clock back gives this moment or, when it shows the same twice, an earlier one. */
      int64_t back = zone_to_utc(z, zone_to_civil(z, at));
      assert_true(back <= at);
      assert_int_equal(zone_to_civil(z, back), zone_to_civil(z, at));
    }
    pclose(f);
  }
  arena_deinit(&a);
  if (lines == 0) print_message("# neither zone files nor zdump here: only the hand-made zones were tested\n");
  else assert_true(lines > 1000);
}

/* The definition itself, at every quarter of an hour: the first moment that reads so, or else later by the gap. */
static void test_definition(void **state) {
  (void)state;
  static const char *const rules[] = { "CET-1CEST,M3.5.0,M10.5.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "EST5EDT,M3.2.0,M11.1.0" };
  struct arena a;
  arena_init(&a, 1 << 16);
  for (size_t i = 0; i < 3; i++) {
    const struct zone *z = rule_zone(&a, rules[i]);
    for (int64_t civil = utc("2026-01-01"); civil < utc("2027-01-01"); civil += 900000) {
      int64_t got = zone_to_utc(z, civil), want = INT64_MAX;
      for (int64_t at = civil - 15 * 3600000; at <= civil + 15 * 3600000 && want == INT64_MAX; at += 900000)
        if (zone_to_civil(z, at) == civil) want = at;
      if (want != INT64_MAX) {
        assert_int_equal(got, want);
      } else {
        int64_t gap = (zone_offset_s(z, got) - zone_offset_s(z, got - 3 * 3600000)) * 1000LL;
        assert_int_equal(zone_to_civil(z, got), civil + gap);
      }
    }
  }
  arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_utc),         cmocka_unit_test(test_version_1),   cmocka_unit_test(test_rules),
    cmocka_unit_test(test_far_future),  cmocka_unit_test(test_wall_clock),  cmocka_unit_test(test_iso),
    cmocka_unit_test(test_bad_footers), cmocka_unit_test(test_damage),      cmocka_unit_test(test_zdump),
    cmocka_unit_test(test_definition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
