/* Values: tables of what compares, what computes, what JSON means and how values are written, and their bytes. A value in a
 * table is written as the tests of the VM write constants, with a letter for its kind in front. */
#include "vm/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/base/hash.h"

static struct arena arena;
static const struct zone *paris; /* CET with its summer time, made by hand */

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 4096);
  struct buf b;
  buf_init(&b, 4096);
  for (int block = 0; block < 2; block++) {
    uint8_t counts[24] = { [19] = 1, [23] = 4 };
    buf_c(&b, "TZif2");
    for (int i = 0; i < 15; i++) buf_byte(&b, 0);
    buf_add(&b, counts, sizeof counts);
    buf_add(&b, "\0\0\x0e\x10\0\0CET", 10);
  }
  buf_c(&b, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
  assert_int_equal(zone_read(&arena, STR("Test/Paris"), buf_as_str(&b), &paris), CAMP_OK);
  buf_deinit(&b);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_deinit(&arena);
  return 0;
}

/* kind:text — n number, p percent, m money, t text, d date, c time of day (clock), w moment (when), l moment as written,
 * e exact and k calendar duration, b bool, L list, R record, r reference; "-" is missing. */
static struct value val(const char *text) {
  static const struct { char letter; enum value_type type; } kinds[] = {
    { 'n', V_NUMBER }, { 'p', V_PERCENT }, { 'm', V_MONEY }, { 't', V_TEXT }, { 'd', V_DATE },  { 'c', V_TIME },
    { 'w', V_MOMENT }, { 'l', V_LOCAL },   { 'e', V_EXACT }, { 'k', V_CALENDAR }, { 'b', V_BOOL }, { 'L', V_LIST },
    { 'R', V_RECORD }, { 'r', V_REF },
  };
  if (text[0] == '-') return value_missing();
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (kinds[i].letter != text[0]) continue;
    bool raw = strchr("nbLR", text[0]);
    struct str json = raw ? arena_str(&arena, str_from_c(text + 2)) : arena_printf(&arena, "\"%s\"", text + 2);
    struct json j;
    const char *why;
    size_t at;
    if (!json_check(json, &j, &why, &at)) fail_msg("%s: %s", text, why);
    struct value v = value_from_json(j, kinds[i].type, 0, zone_utc(), &arena);
    if (v.type != kinds[i].type) fail_msg("not a value: %s", text);
    return v;
  }
  fail_msg("no such kind: %s", text);
  return value_missing();
}

static const char *shown(struct value v) {
  struct buf b;
  buf_init(&b, 4096);
  buf_c(&b, value_type_name(v.type));
  buf_byte(&b, ' ');
  value_show(&b, v);
  struct str s = arena_str(&arena, buf_as_str(&b));
  buf_deinit(&b);
  return s.ptr;
}

/* --- comparing --- */

static void test_order(void **state) {
  (void)state;
  static const struct { const char *a, *b; int order; /* 2: they do not compare */ } rows[] = {
    { "n:1", "n:2", -1 },           { "n:2", "n:2", 0 },            { "n:-0", "n:0", 0 },           { "p:25%", "p:30%", -1 },
    { "m:40 EUR", "m:39.99 EUR", 1 }, { "m:40 EUR", "m:40.00 EUR", 0 }, { "m:40 EUR", "m:40 USD", 2 },
    { "t:a", "t:b", -1 },           { "t:a", "t:ab", -1 },          { "t:", "t:", 0 },              { "t:a", "r:a", 0 },
    { "d:2026-01-05", "d:2026-01-06", -1 }, { "c:09:00", "c:08:59", 1 }, { "w:2026-01-05T10:00Z", "w:2026-01-05T11:00+01:00", 0 },
    /* a date is its midnight in the zone, and so is a moment as written */
    { "d:2026-01-05", "w:2026-01-04T23:00Z", 0 }, { "d:2026-07-05", "w:2026-07-04T22:00Z", 0 },
    { "l:2026-07-05 12:00", "w:2026-07-05T10:00Z", 0 }, { "l:2026-01-05 00:00", "d:2026-01-05", 0 },
    { "l:2026-01-05 00:00", "l:2026-01-05 00:01", -1 },
    /* durations by length */
    { "e:24h", "e:1h", 1 },         { "e:90s", "e:1m 30s", 0 },     { "k:7d", "k:1w", 0 },          { "k:7d", "e:168h", 0 },
    { "e:721h", "k:30d", 1 },       { "e:719h", "k:30d", -1 },      { "k:1mo", "k:30d", 1 },        { "k:1mo", "k:31d", -1 },
    { "k:1y", "k:12mo", 0 },        { "k:1y", "k:365d", 1 },        { "k:1y", "k:366d", -1 },       { "e:744h", "k:1mo", 1 },
    { "n:1", "t:1", 2 },            { "n:1", "p:1%", 2 },           { "n:1", "m:1 EUR", 2 },        { "b:true", "b:false", 2 },
    { "-", "-", 2 },                { "-", "n:1", 2 },              { "n:1", "-", 2 },              { "L:[1]", "L:[1]", 2 },
    { "c:09:00", "w:2026-01-05", 2 }, { "e:1h", "n:1", 2 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct value a = val(rows[i].a), b = val(rows[i].b);
    bool ok, back_ok;
    int order = value_order(a, b, paris, &ok), back = value_order(b, a, paris, &back_ok);
    order = (order > 0) - (order < 0);
    back = (back > 0) - (back < 0);
    if ((ok ? order : 2) != rows[i].order) fail_msg("%s with %s: %d", rows[i].a, rows[i].b, ok ? order : 2);
    assert_int_equal(ok, back_ok);
    if (ok) assert_int_equal(order, -back);
    if (ok) assert_int_equal(value_equal(a, b, paris), order == 0);
  }
}

static void test_equal(void **state) {
  (void)state;
  static const struct { const char *a, *b; bool equal; } rows[] = {
    { "b:true", "b:true", true },  { "b:true", "b:false", false }, { "-", "-", false },           { "n:1", "-", false },
    { "t:x", "t:x", true },        { "t:x", "t:X", false },        { "n:1", "t:1", false },       { "L:[1,2]", "L:[1,2]", true },
    { "L:[1,2]", "L:[1]", false }, { "R:{\"a\":1}", "R:{\"a\":1}", true }, { "m:1 EUR", "m:1 USD", false }, { "n:1", "b:true", false },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (value_equal(val(rows[i].a), val(rows[i].b), paris) != rows[i].equal) fail_msg("%s with %s", rows[i].a, rows[i].b);
  struct value a = val("t:same"), b = val("t:same");
  a.interned = 1;
  assert_true(value_equal(a, b, paris)); /* one of them is not the symbols' copy: the bytes decide */
  b.interned = 1;
  assert_false(value_equal(a, b, paris)); /* two symbols have two texts */
  assert_true(value_equal(a, a, paris));
}

/* --- computing --- */

static void test_compute(void **state) {
  (void)state;
  static const struct { const char *a; char op; const char *b, *result; } rows[] = {
    { "n:1", '+', "n:2", "number 3" },
    { "n:0.1", '+', "n:0.2", "number 0.30000000000000004" },
    { "n:1e308", '*', "n:10", "missing missing" },
    { "n:1", '/', "n:0", "missing missing" },
    { "n:1", '/', "n:3", "number 0.3333333333333333" },
    { "m:40 EUR", '+', "m:0.5 EUR", "money 40.50 EUR" },
    { "m:40 EUR", '-', "m:50 EUR", "money -10 EUR" },
    { "m:40 EUR", '+', "m:1 USD", "missing missing" },
    { "m:40 EUR", '+', "n:1", "missing missing" },
    { "p:25%", '*', "m:40 EUR", "money 10 EUR" },
    { "m:40 EUR", '*', "p:25%", "money 10 EUR" },
    { "p:33%", '*', "m:0.01 EUR", "money 0.0033 EUR" },
    { "p:12.5%", '*', "m:0.0004 EUR", "money 0.0001 EUR" },  /* 0.5 of the last place goes up */
    { "p:-12.5%", '*', "m:0.0004 EUR", "money -0.0001 EUR" },
    { "p:12.4%", '*', "m:0.0004 EUR", "money 0 EUR" },
    { "n:0.1", '*', "m:40 EUR", "money 4 EUR" },
    { "m:19.99 EUR", '*', "n:3", "money 59.97 EUR" },
    { "m:922337203685477.5807 EUR", '*', "n:1", "money 922337203685477.5807 EUR" },
    { "m:922337203685477.5807 EUR", '*', "n:1.0000000000000002", "missing missing" },
    { "m:922337203685477.5807 EUR", '+', "m:0.0001 EUR", "missing missing" },
    { "m:1 EUR", '*', "n:1e-300", "money 0 EUR" },
    { "m:1 EUR", '*', "n:1e300", "missing missing" },
    { "m:10 EUR", '/', "n:3", "money 3.3333 EUR" },
    { "m:20 EUR", '/', "n:3", "money 6.6667 EUR" },
    { "m:-20 EUR", '/', "n:3", "money -6.6667 EUR" },
    { "m:10 EUR", '/', "p:50%", "money 20 EUR" },
    { "m:10 EUR", '/', "n:0", "missing missing" },
    { "m:10 EUR", '/', "n:1e-300", "missing missing" },
    { "m:0 EUR", '/', "n:1e-300", "money 0 EUR" },
    { "m:10 EUR", '/', "n:1e300", "money 0 EUR" },
    { "m:10 EUR", '/', "m:4 EUR", "number 2.5" },
    { "m:10 EUR", '/', "m:4 USD", "missing missing" },
    { "m:10 EUR", '/', "m:0 EUR", "missing missing" },
    { "n:10", '/', "m:4 EUR", "missing missing" },
    { "m:1 EUR", '*', "m:1 EUR", "missing missing" },
    { "p:20%", '+', "p:5%", "percent 25%" },
    { "p:50%", '*', "p:50%", "percent 25%" },
    { "p:50%", '*', "n:40", "number 20" },
    { "p:50%", '/', "p:25%", "number 2" },
    { "p:50%", '/', "p:0%", "missing missing" },
    { "n:40", '-', "p:5%", "missing missing" },
    { "t:a", '+', "t:b", "missing missing" },
    { "-", '+', "n:1", "missing missing" },
    { "b:true", '+', "b:true", "missing missing" },
    /* durations */
    { "e:24h", '+', "e:30m", "exact duration 1470m" },
    { "e:24h", '-', "e:25h", "exact duration -1h" },
    { "k:1mo", '+', "k:3d", "calendar duration 1mo 3d" },
    { "k:1y", '-', "k:1mo", "calendar duration 11mo" },
    { "k:7d", '+', "e:1h", "missing missing" },
    { "k:7d", '*', "n:2", "calendar duration 14d" },
    { "n:3", '*', "k:1mo", "calendar duration 3mo" },
    { "k:7d", '*', "n:0.5", "missing missing" },
    { "k:9999999d", '*', "n:1e18", "missing missing" },
    { "e:1h", '*', "n:1.5", "exact duration 90m" },
    { "e:1h", '/', "n:7", "exact duration 514286ms" },
    { "e:90m", '/', "e:1h", "number 1.5" },
    { "k:14d", '/', "k:7d", "number 2" },
    { "k:1mo", '/', "k:7d", "missing missing" },
    { "k:7d", '/', "n:2", "missing missing" },
    /* dates, times and moments, in Paris */
    { "d:2026-01-31", '+', "k:1mo", "date 2026-02-28" },
    { "d:2026-01-05", '-', "k:7d", "date 2025-12-29" },
    { "k:7d", '+', "d:2026-01-05", "date 2026-01-12" },
    { "d:1969-12-31", '+', "k:1d", "date 1970-01-01" },
    { "d:2026-01-12", '-', "d:2026-01-05", "calendar duration 7d" },
    { "d:2026-01-05", '+', "e:1h", "moment 2026-01-05T00:00:00Z" },
    { "d:2026-01-05", '+', "d:2026-01-05", "missing missing" },
    { "c:23:30", '+', "e:1h", "time of day 00:30" },
    { "c:00:30", '-', "e:49h", "time of day 23:30" },
    { "c:09:00", '-', "c:08:30", "exact duration 30m" },
    { "c:09:00", '+', "k:1d", "missing missing" },
    { "w:2026-03-28T11:00Z", '+', "k:1d", "moment 2026-03-29T10:00:00Z" },
    { "w:2026-03-28T11:00Z", '+', "e:24h", "moment 2026-03-29T11:00:00Z" },
    { "w:2026-10-25T11:00Z", '-', "k:1d", "moment 2026-10-24T10:00:00Z" },
    { "w:2026-01-05T10:00Z", '-', "w:2026-01-04T09:00Z", "exact duration 25h" },
    { "w:2026-01-05T10:00Z", '-', "d:2026-01-05", "exact duration 11h" },
    { "l:2026-07-05 12:00", '-', "w:2026-07-05T10:00Z", "exact duration 0h" },
    { "l:2026-03-28 12:00", '+', "k:1d", "moment 2026-03-29 12:00" },
    { "l:2026-03-28 12:00", '+', "e:24h", "moment 2026-03-29T11:00:00Z" },
    { "k:1d", '-', "d:2026-01-05", "missing missing" },
    { "w:2026-01-05T10:00Z", '-', "n:1", "missing missing" },
    { "w:2026-01-05T10:00Z", '*', "n:2", "missing missing" },
    { "w:2026-01-05T10:00Z", '+', "e:9223372036854775807ms", "missing missing" },
    { "e:9223372036854775807ms", '+', "e:1ms", "missing missing" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct value a = val(rows[i].a), b = val(rows[i].b), v;
    switch (rows[i].op) {
      case '+': v = value_add(a, b, paris); break;
      case '-': v = value_sub(a, b, paris); break;
      case '*': v = value_mul(a, b); break;
      default: v = value_div(a, b);
    }
    if (strcmp(shown(v), rows[i].result) != 0) fail_msg("%s %c %s: %s", rows[i].a, rows[i].op, rows[i].b, shown(v));
  }
}

/* Every pair of kinds with every operation: an answer, never an overflow; sums that exist go back by subtraction. */
static void test_all_pairs(void **state) {
  (void)state;
  static const char *const texts[] = {
    "-", "b:true", "n:0", "n:-1.5", "n:1e308", "n:5e-324", "p:0%", "p:1e300%", "m:0 EUR", "m:-922337203685477.5807 EUR",
    "m:1 USD", "t:x", "t:", "d:1900-01-01", "d:2200-12-31", "c:00:00", "c:23:59:59.999", "w:1900-01-01", "w:2200-12-31",
    "l:2026-03-29 02:30", "e:0h", "e:-9223372036854775807ms", "e:9223372036854775807ms", "k:200000000d", "k:-200000000d",
    "k:4000000mo", "L:[]", "R:{}", "r:x",
  };
  enum { COUNT = sizeof texts / sizeof texts[0] };
  for (size_t i = 0; i < COUNT; i++) {
    for (size_t j = 0; j < COUNT; j++) {
      struct value a = val(texts[i]), b = val(texts[j]);
      bool ok;
      value_order(a, b, paris, &ok);
      value_equal(a, b, NULL);
      const struct value results[] = { value_add(a, b, paris), value_sub(a, b, NULL), value_mul(a, b), value_div(a, b) };
      for (size_t k = 0; k < 4; k++) {
        assert_true(results[k].type < V_TYPE_COUNT);
        if (results[k].type == V_NUMBER || results[k].type == V_PERCENT) assert_true(isfinite(results[k].n));
        shown(results[k]);
      }
    }
  }
}

/* Products with money are the true ones rounded once: long double has room to say so for small amounts. */
static void test_money_rounding(void **state) {
  (void)state;
  uint64_t s = 1;
  for (int i = 0; i < 20000; i++) {
    s = hash_u64(s + 1);
    int64_t amount = (int64_t)(s % 2000000) - 1000000;
    double factor = (double)((int64_t)(s >> 40) - (1 << 23)) / 1024; /* exact in binary, so halves occur */
    struct value v = value_mul(value_money(amount, CURRENCY('E', 'U', 'R')), value_number(factor));
    assert_int_equal(v.type, V_MONEY);
    assert_int_equal(v.i, (int64_t)roundl((long double)amount * (long double)factor));
    v = value_mul(value_money(amount, CURRENCY('E', 'U', 'R')), (struct value){ .type = V_PERCENT, .n = factor });
    assert_int_equal(v.i, (int64_t)roundl((long double)amount * (long double)factor / 100));
    if (factor == 0) continue;
    v = value_div(value_money(amount, CURRENCY('E', 'U', 'R')), value_number(factor));
    assert_int_equal(v.i, (int64_t)roundl((long double)amount / (long double)factor));
  }
}

/* --- JSON and texts --- */

static struct json json(const char *text) {
  struct json j;
  const char *why;
  size_t at;
  if (!json_check(str_from_c(text), &j, &why, &at)) fail_msg("%s: %s", text, why);
  return j;
}

static void test_from_json(void **state) {
  (void)state;
  enum { EUR = CURRENCY('E', 'U', 'R') };
  static const struct { const char *json; enum value_type want; uint32_t currency; const char *shown; } rows[] = {
    { "true", V_BOOL, 0, "bool true" },
    { "\"true\"", V_BOOL, 0, "missing missing" },
    { "1", V_BOOL, 0, "missing missing" },
    { "40.5", V_NUMBER, 0, "number 40.5" },
    { "\"40\"", V_NUMBER, 0, "missing missing" },
    { "1e999", V_NUMBER, 0, "missing missing" },
    { "null", V_NUMBER, 0, "missing missing" },
    { "25", V_PERCENT, 0, "percent 25%" },
    { "\"12.5 %\"", V_PERCENT, 0, "percent 12.5%" },
    { "\"x%\"", V_PERCENT, 0, "missing missing" },
    { "\"a\\u00e9\"", V_TEXT, 0, "text \"a\xc3\xa9\"" },
    { "1007", V_TEXT, 0, "text \"1007\"" },
    { "true", V_TEXT, 0, "missing missing" },
    { "[1]", V_TEXT, 0, "missing missing" },
    { "40", V_MONEY, EUR, "money 40 EUR" },
    { "40", V_MONEY, 0, "missing missing" },
    { "11.77", V_MONEY, EUR, "money 11.77 EUR" },
    { "-0.1", V_MONEY, EUR, "money -0.10 EUR" },
    { "1e2", V_MONEY, EUR, "money 100 EUR" },
    { "1.5e-1", V_MONEY, EUR, "money 0.15 EUR" },
    { "0.00005", V_MONEY, EUR, "money 0.0001 EUR" },
    { "0.00004999", V_MONEY, EUR, "money 0 EUR" },
    { "0e999999999999", V_MONEY, EUR, "money 0 EUR" },
    { "1e-999999999999", V_MONEY, EUR, "money 0 EUR" },
    { "1e999999999999", V_MONEY, EUR, "missing missing" },
    { "922337203685477.5807", V_MONEY, EUR, "money 922337203685477.5807 EUR" },
    { "922337203685477.5808", V_MONEY, EUR, "missing missing" },
    { "\"40 EUR\"", V_MONEY, 0, "money 40 EUR" },
    { "\"40 USD\"", V_MONEY, EUR, "money 40 USD" },
    { "\" 40.10  EUR \"", V_MONEY, 0, "money 40.10 EUR" },
    { "\"40\"", V_MONEY, EUR, "money 40 EUR" },
    { "\"40EUR\"", V_MONEY, 0, "missing missing" },
    { "\"EUR\"", V_MONEY, EUR, "missing missing" },
    { "\"40 eur\"", V_MONEY, EUR, "missing missing" },
    { "\"4,0 EUR\"", V_MONEY, 0, "missing missing" },
    { "\"\"", V_MONEY, EUR, "missing missing" },
    { "\". EUR\"", V_MONEY, EUR, "missing missing" },
    { "\"1. EUR\"", V_MONEY, EUR, "missing missing" },
    { "\"- EUR\"", V_MONEY, EUR, "missing missing" },
    { "\"1e EUR\"", V_MONEY, EUR, "missing missing" },
    { "{\"amount\":40,\"currency\":\"EUR\"}", V_MONEY, 0, "money 40 EUR" },
    { "{\"amount\":\"40.25\",\"currency\":\"usd\"}", V_MONEY, EUR, "money 40.25 USD" },
    { "{\"amount\":40}", V_MONEY, EUR, "money 40 EUR" },
    { "{\"amount\":40}", V_MONEY, 0, "missing missing" },
    { "{\"amount\":40,\"currency\":\"euro\"}", V_MONEY, EUR, "missing missing" },
    { "{\"currency\":\"EUR\"}", V_MONEY, EUR, "missing missing" },
    { "{\"amount\":[],\"currency\":\"EUR\"}", V_MONEY, EUR, "missing missing" },
    { "[40]", V_MONEY, EUR, "missing missing" },
    { "\"2026-01-05\"", V_DATE, 0, "date 2026-01-05" },
    { "\"2026-01-05T23:30:00Z\"", V_DATE, 0, "date 2026-01-06" }, /* half past midnight in Paris */
    { "\"2026-01-05T23:30\"", V_DATE, 0, "date 2026-01-05" },
    { "\"2026-02-30\"", V_DATE, 0, "missing missing" },
    { "20260105", V_DATE, 0, "missing missing" },
    { "\"09:00\"", V_TIME, 0, "time of day 09:00" },
    { "\"24:00\"", V_TIME, 0, "missing missing" },
    { "\"2026-01-05T10:00:00Z\"", V_MOMENT, 0, "moment 2026-01-05T10:00:00Z" },
    { "\"2026-01-05 10:00\"", V_MOMENT, 0, "moment 2026-01-05T09:00:00Z" },
    { "\"2026-01-05\"", V_MOMENT, 0, "moment 2026-01-04T23:00:00Z" },
    { "1767607200000", V_MOMENT, 0, "missing missing" },
    { "\"0000-01-01\"", V_MOMENT, 0, "missing missing" },
    { "\"2026-01-05T10:00Z\"", V_LOCAL, 0, "moment 2026-01-05 11:00" },
    { "\"90s\"", V_EXACT, 0, "exact duration 90s" },
    { "\"1h 30m\"", V_EXACT, 0, "exact duration 90m" },
    { "\"1h30m\"", V_EXACT, 0, "exact duration 90m" },
    { "\"7d\"", V_EXACT, 0, "missing missing" },
    { "\"\"", V_EXACT, 0, "missing missing" },
    { "\"h\"", V_EXACT, 0, "missing missing" },
    { "\"99999999999999999999h\"", V_EXACT, 0, "missing missing" },
    { "\"7d\"", V_CALENDAR, 0, "calendar duration 7d" },
    { "\"2w\"", V_CALENDAR, 0, "calendar duration 14d" },
    { "\"1y 2mo 3d\"", V_CALENDAR, 0, "calendar duration 14mo 3d" },
    { "\"-1mo\"", V_CALENDAR, 0, "calendar duration -1mo" },
    { "\"9999999999d\"", V_CALENDAR, 0, "missing missing" },
    { "[1, 2]", V_LIST, 0, "list [1, 2]" },
    { "{\"a\":1}", V_RECORD, 0, "record {\"a\":1}" },
    { "{\"a\":1}", V_LIST, 0, "missing missing" },
    { "[]", V_RECORD, 0, "missing missing" },
    { "\"welcome\"", V_REF, 0, "reference welcome" },
    { "true", V_MISSING, 0, "bool true" },
    { "1.5", V_MISSING, 0, "number 1.5" },
    { "\"x\"", V_MISSING, 0, "text \"x\"" },
    { "[]", V_MISSING, 0, "list []" },
    { "{}", V_MISSING, 0, "record {}" },
    { "null", V_MISSING, 0, "missing missing" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct value v = value_from_json(json(rows[i].json), rows[i].want, rows[i].currency, paris, &arena);
    if (strcmp(shown(v), rows[i].shown) != 0)
      fail_msg("%s as %s: %s", rows[i].json, value_type_name(rows[i].want), shown(v));
  }
  assert_int_equal(value_from_json((struct json){ .type = JSON_BAD }, V_MISSING, 0, paris, &arena).type, V_MISSING);
}

static void test_print(void **state) {
  (void)state;
  static const struct { const char *value, *print, *json; } rows[] = {
    { "-", "", "null" },
    { "b:true", "true", "true" },
    { "b:false", "false", "false" },
    { "n:40", "40", "40" },
    { "n:-0", "0", "0" },
    { "n:0.1", "0.1", "0.1" },
    { "n:1e21", "1e+21", "1e+21" },
    { "n:1e15", "1000000000000000", "1000000000000000" },
    { "n:123456789.125", "123456789.125", "123456789.125" },
    { "n:5e-324", "4.94065645841247e-324", "4.94065645841247e-324" },
    { "n:0.30000000000000004", "0.30000000000000004", "0.30000000000000004" },
    { "p:12.5%", "12.5%", "\"12.5%\"" },
    { "m:40 EUR", "40 EUR", "\"40 EUR\"" },
    { "m:11.77 EUR", "11.77 EUR", "\"11.77 EUR\"" },
    { "m:11.7 EUR", "11.70 EUR", "\"11.70 EUR\"" },
    { "m:-0.0525 USD", "-0.0525 USD", "\"-0.0525 USD\"" },
    { "m:0.105 EUR", "0.105 EUR", "\"0.105 EUR\"" },
    { "t:a\\\"b", "a\"b", "\"a\\\"b\"" },
    { "r:hello", "hello", "\"hello\"" },
    { "d:2026-01-05", "2026-01-05", "\"2026-01-05\"" },
    { "c:09:00", "09:00", "\"09:00\"" },
    { "c:09:00:30", "09:00:30", "\"09:00:30\"" },
    { "w:2026-01-05T09:00Z", "2026-01-05 10:00", "\"2026-01-05T10:00:00+01:00\"" },
    { "w:2026-07-05T09:00:01.5Z", "2026-07-05 11:00:01.500", "\"2026-07-05T11:00:01.500+02:00\"" },
    { "l:2026-01-05 10:00", "2026-01-05 10:00", "\"2026-01-05 10:00\"" },
    { "e:24h", "24h", "\"24h\"" },
    { "e:90m", "90m", "\"90m\"" },
    { "e:1500ms", "1500ms", "\"1500ms\"" },
    { "k:14d", "14d", "\"14d\"" },
    { "k:0d", "0d", "\"0d\"" },
    { "k:1y", "1y", "\"1y\"" },
    { "k:13mo 2d", "13mo 2d", "\"13mo 2d\"" },
    { "k:-1mo 3d", "-1mo 3d", "\"-1mo 3d\"" },
    { "L:[1,2]", "[1,2]", "[1,2]" },
    { "R:{\"a\":1}", "{\"a\":1}", "{\"a\":1}" },
  };
  struct buf b;
  buf_init(&b, 4096);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct value v = val(rows[i].value);
    buf_clear(&b);
    value_print(&b, v, paris);
    if (!str_is(buf_as_str(&b), rows[i].print)) fail_msg("%s prints %.*s", rows[i].value, (int)b.len, b.data);
    buf_clear(&b);
    value_to_json(&b, v, paris);
    if (!str_is(buf_as_str(&b), rows[i].json)) fail_msg("%s is %s", rows[i].value, b.data);
    if (v.type == V_MISSING) continue;
    /* reads back the same */
    struct value back = value_from_json(json(rows[i].json), v.type, 0, paris, &arena);
    assert_int_equal(back.type, v.type);
    assert_true(value_equal(back, v, paris));
  }
  buf_deinit(&b);
}

static void test_currency(void **state) {
  (void)state;
  char text[4];
  assert_int_equal(currency_parse(STR("EUR")), CURRENCY('E', 'U', 'R'));
  assert_int_equal(currency_parse(STR("eur")), 0);
  assert_int_equal(currency_parse(STR("EU")), 0);
  assert_int_equal(currency_parse(STR("EURO")), 0);
  assert_int_equal(currency_parse((struct str){ NULL, 0 }), 0);
  assert_int_equal(currency_from_json(json("\"eur\"")), CURRENCY('E', 'U', 'R'));
  assert_int_equal(currency_from_json(json("978")), 0);
  assert_int_equal(currency_from_json(json("\"e1r\"")), 0);
  currency_print(CURRENCY('U', 'S', 'D'), text);
  assert_string_equal(text, "USD");
  currency_print(0, text);
  assert_string_equal(text, "???");
}

/* --- bytes --- */

static const char *const kept[] = {
  "-", "b:true", "n:-1.5", "p:25%", "m:40 EUR", "t:text", "t:", "d:2026-01-05", "c:09:00", "w:2026-01-05T10:00Z",
  "l:2026-01-05 10:00", "e:24h", "k:-1mo 3d", "L:[1,[2]]", "R:{\"a\":1}", "r:hello",
};

static void test_bytes(void **state) {
  (void)state;
  struct buf b, again;
  buf_init(&b, 4096);
  buf_init(&again, 4096);
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    struct value v = val(kept[i]);
    buf_clear(&b);
    buf_clear(&again);
    value_write(&b, v);
    struct reader r = reader_of(b.data, b.len);
    struct value back = value_read(&r);
    assert_false(r.failed);
    assert_ptr_equal(r.at, r.end);
    value_write(&again, back);
    assert_true(str_eq(buf_as_str(&b), buf_as_str(&again)));
    assert_string_equal(shown(v), shown(back));
    for (size_t len = 0; len < b.len; len++) {
      r = reader_of(b.data, len);
      assert_int_equal(value_read(&r).type, V_MISSING);
      assert_true(r.failed);
    }
  }
  buf_deinit(&b);
  buf_deinit(&again);
}

static void test_damaged_bytes(void **state) {
  (void)state;
  static const struct { const char *bytes; size_t len; } rows[] = {
    { "\x0f", 1 },                                  /* no such kind */
    { "\xff", 1 },
    { "\x01\x04", 2 },                              /* a bool of 2 */
    { "\x02\0\0\0\0\0\0\xf0\x7f", 9 },              /* infinity */
    { "\x02\1\0\0\0\0\0\xf8\x7f", 9 },              /* not a number */
    { "\x04\x02\x00", 3 },                          /* no currency */
    { "\x05\x02\xc3\x28", 4 },                      /* not UTF-8 */
    { "\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
    { "\x07\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11 },
    { "\x0c\x01[", 3 },                             /* a list that does not close */
    { "\x0c\x02{}", 4 },                            /* a record in a list's place */
    { "\x0d\x02[]", 4 },
    { "\x0c\x03 []", 5 },
    { "\x0b\x02\x80\x80\x80\x80\x10", 7 },          /* too many months */
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct reader r = reader_of(rows[i].bytes, rows[i].len);
    struct value v = value_read(&r);
    if (!r.failed || v.type != V_MISSING) fail_msg("row %zu", i);
  }
  uint64_t s = 3;
  for (int i = 0; i < 50000; i++) {
    char bytes[24];
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (char)(s = hash_u64(s + 1));
    bytes[0] = (char)(s % V_TYPE_COUNT);
    struct reader r = reader_of(bytes, s >> 32 & 15);
    struct value v = value_read(&r);
    shown(v);
    value_add(v, val("k:1d"), paris);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order),     cmocka_unit_test(test_equal),     cmocka_unit_test(test_compute),
    cmocka_unit_test(test_all_pairs), cmocka_unit_test(test_money_rounding), cmocka_unit_test(test_from_json),
    cmocka_unit_test(test_print),     cmocka_unit_test(test_currency),  cmocka_unit_test(test_bytes),
    cmocka_unit_test(test_damaged_bytes),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
