/* Measures: every kind, with and without windows, against a plain look at all of history; the contact is written and read
 * between inputs, as in the engine. */
#include "vm/strand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define EUR CURRENCY('E', 'U', 'R')
#define HOUR_MS 3600000LL

/* String i is symbol i. */
enum { S_UNIT, S_PURCHASE, S_AMOUNT, S_PAGE, S_SCORE, S_COUNT };
static const struct str strings[S_COUNT] = { { "unit", 4 }, { "purchase", 8 }, { "amount", 6 }, { "page", 4 }, { "score", 5 } };
enum { F_EUR, F_MONEY, F_PAGE, F_SCORE, F_ANY, F_TIME, F_COUNT };
static const struct field fields[F_COUNT] = {
  [F_EUR] = { S_AMOUNT, V_MONEY, EUR }, [F_MONEY] = { S_AMOUNT, V_MONEY, 0 }, [F_PAGE] = { S_PAGE, V_TEXT, 0 },
  [F_SCORE] = { S_SCORE, V_NUMBER, 0 }, [F_ANY] = { S_SCORE, V_MISSING, 0 },  [F_TIME] = { S_SCORE, V_EXACT, 0 },
};

struct world {
  struct arena arena, scratch;
  struct contact contact;
  struct event event;
  struct unit unit;
  struct unit_link link;
  struct env env;
  uint32_t symbols[S_COUNT];
};

static void world_init(struct world *w) {
  memset(w, 0, sizeof *w);
  arena_init(&w->arena, 1 << 16);
  arena_init(&w->scratch, 1 << 16);
  assert_int_equal(contact_read(&w->contact, &w->arena, (struct str){ NULL, 0 }), CAMP_OK);
  for (uint32_t i = 0; i < S_COUNT; i++) w->symbols[i] = i;
  w->link.symbols = w->symbols;
  w->unit.strings = strings;
  w->unit.string_count = S_COUNT;
  w->unit.fields = fields;
  w->unit.field_count = F_COUNT;
  w->unit.link = &w->link;
  w->env = (struct env){ .contact = &w->contact, .event = &w->event, .zone = zone_utc(), .scratch = &w->scratch };
}

static void world_deinit(struct world *w) {
  arena_deinit(&w->arena);
  arena_deinit(&w->scratch);
}

static int64_t utc(const char *text) {
  int64_t ms;
  bool zoned;
  if (!calendar_parse_moment(str_from_c(text), &ms, &zoned)) fail_msg("bad moment: %s", text);
  return ms;
}

/* The event in hand: its own time and one property, as JSON; NULL leaves it out. */
static void event_is(struct world *w, int64_t at_ms, uint32_t key, const char *json) {
  const char *why;
  size_t at;
  w->event.name = S_PURCHASE;
  w->event.at_ms = at_ms;
  w->event.field_count = json ? 1 : 0;
  if (!json) return;
  w->event.fields[0].key = key;
  struct str text = arena_str(&w->scratch, str_from_c(json));
  assert_true(json_check(text, &w->event.fields[0].value, &why, &at));
}

static struct measure measure_of(enum measure_kind kind, uint32_t field, struct value window) {
  return (struct measure){ .kind = (uint8_t)kind, .event = S_PURCHASE, .field = field, .window = window, .filter_pc = NONE };
}

static struct value days(int64_t n) { return (struct value){ .type = V_CALENDAR, .i = n }; }
static struct value months(uint32_t n) { return (struct value){ .type = V_CALENDAR, .aux = n }; }
static struct value hours(int64_t n) { return (struct value){ .type = V_EXACT, .i = n * HOUR_MS }; }

static const char *read_shown(struct world *w, const struct measure *m) {
  struct buf b;
  buf_init(&b, 4096);
  value_show(&b, measure_value(&w->contact, &w->unit, m, 1, &w->env));
  struct str s = arena_str(&w->scratch, buf_as_str(&b));
  buf_deinit(&b);
  return s.ptr;
}

/* Through the row and back. */
static void rewrite(struct world *w) {
  struct buf b;
  buf_init(&b, LIMIT_CONTACT_BYTES);
  contact_write(&b, &w->contact);
  struct str bytes = arena_str(&w->scratch, buf_as_str(&b));
  buf_deinit(&b);
  assert_int_equal(contact_read(&w->contact, &w->arena, bytes), CAMP_OK);
}

/* --- tables --- */

struct taken { const char *at, *json; };
struct row {
  const char *what;
  enum measure_kind kind;
  uint32_t field;
  int window_days; /* 0: none */
  const char *now, *want;
  struct taken steps[8];
};
static const struct row rows[] = {
  { "count of nothing", MEASURE_COUNT, NONE, 0, "2026-01-05", "0", { { 0 } } },
  { "count of nothing in a window", MEASURE_COUNT, NONE, 7, "2026-01-05", "0", { { 0 } } },
  { "sum of nothing", MEASURE_SUM, F_EUR, 0, "2026-01-05", "0 EUR", { { 0 } } },
  { "sum of nothing in a window", MEASURE_SUM, F_EUR, 7, "2026-01-05", "0 EUR", { { 0 } } },
  { "sum of no numbers", MEASURE_SUM, F_SCORE, 0, "2026-01-05", "0", { { 0 } } },
  { "sum of nothing in no currency", MEASURE_SUM, F_MONEY, 0, "2026-01-05", "missing", { { 0 } } },
  { "average of nothing", MEASURE_AVERAGE, F_EUR, 0, "2026-01-05", "missing", { { 0 } } },
  { "average of nothing in a window", MEASURE_AVERAGE, F_EUR, 7, "2026-01-05", "missing", { { 0 } } },
  { "min of nothing", MEASURE_MIN, F_SCORE, 7, "2026-01-05", "missing", { { 0 } } },
  { "first of nothing", MEASURE_FIRST, F_SCORE, 0, "2026-01-05", "missing", { { 0 } } },
  { "last time of nothing", MEASURE_LAST_AT, NONE, 0, "2026-01-05", "missing", { { 0 } } },
  { "first time of nothing in a window", MEASURE_FIRST_AT, NONE, 7, "2026-01-05", "missing", { { 0 } } },
  { "two of one moment", MEASURE_COUNT, NONE, 0, "2026-01-05", "2", { { "2026-01-05", NULL }, { "2026-01-05", NULL } } },
  { "money is exact", MEASURE_SUM, F_EUR, 0, "2026-01-09", "0.30 EUR", { { "2026-01-05", "0.1" }, { "2026-01-06", "0.2" } } },
  { "another currency is left out", MEASURE_SUM, F_EUR, 0, "2026-01-09", "10 EUR",
    { { "2026-01-05", "\"10 EUR\"" }, { "2026-01-06", "\"20 USD\"" } } },
  { "another currency does not lower the average", MEASURE_AVERAGE, F_EUR, 0, "2026-01-09", "10 EUR",
    { { "2026-01-05", "\"10 EUR\"" }, { "2026-01-06", "\"20 USD\"" } } },
  { "without a currency the first counts", MEASURE_SUM, F_MONEY, 0, "2026-01-09", "21 USD",
    { { "2026-01-05", "\"20 USD\"" }, { "2026-01-06", "\"10 EUR\"" }, { "2026-01-07", "\"1 USD\"" } } },
  { "without a currency the first counts, in a window", MEASURE_SUM, F_MONEY, 7, "2026-01-09", "21 USD",
    { { "2026-01-05", "\"20 USD\"" }, { "2026-01-06", "\"10 EUR\"" }, { "2026-01-07", "\"1 USD\"" } } },
  { "average", MEASURE_AVERAGE, F_EUR, 0, "2026-01-09", "3.3333 EUR",
    { { "2026-01-05", "5" }, { "2026-01-06", "4" }, { "2026-01-07", "1" } } },
  { "average in a window", MEASURE_AVERAGE, F_EUR, 3, "2026-01-09", "2.50 EUR",
    { { "2026-01-05", "5" }, { "2026-01-07", "4" }, { "2026-01-08", "1" } } },
  { "no amount is no occurrence", MEASURE_COUNT, F_SCORE, 0, "2026-01-09", "1", { { "2026-01-05", NULL }, { "2026-01-06", "3" } } },
  { "text is no amount", MEASURE_SUM, F_ANY, 0, "2026-01-09", "3", { { "2026-01-05", "\"x\"" }, { "2026-01-06", "3" } } },
  { "durations add", MEASURE_SUM, F_TIME, 0, "2026-01-09", "90m", { { "2026-01-05", "\"1h\"" }, { "2026-01-06", "\"30m\"" } } },
  { "a late amount counts", MEASURE_SUM, F_SCORE, 0, "2026-01-09", "7", { { "2026-01-06", "3" }, { "2026-01-05", "4" } } },
  { "overflow leaves the sum", MEASURE_SUM, F_EUR, 0, "2026-01-09", "900000000000000 EUR",
    { { "2026-01-05", "900000000000000" }, { "2026-01-06", "900000000000000" } } },
  { "min", MEASURE_MIN, F_SCORE, 0, "2026-01-09", "-2", { { "2026-01-05", "3" }, { "2026-01-06", "-2" }, { "2026-01-07", "0" } } },
  { "max of texts", MEASURE_MAX, F_PAGE, 0, "2026-01-09", "\"/pricing\"",
    { { "2026-01-05", "\"/a\"" }, { "2026-01-06", "\"/pricing\"" }, { "2026-01-07", "\"/b\"" } } },
  { "max in a window", MEASURE_MAX, F_SCORE, 3, "2026-01-09", "5", { { "2026-01-06", "9" }, { "2026-01-07", "5" }, { "2026-01-08", "1" } } },
  { "min of texts in a window", MEASURE_MIN, F_PAGE, 3, "2026-01-09", "\"/b\"",
    { { "2026-01-05", "\"/a\"" }, { "2026-01-07", "\"/c\"" }, { "2026-01-08", "\"/b\"" } } },
  { "first by own time", MEASURE_FIRST, F_PAGE, 0, "2026-01-09", "\"/late\"",
    { { "2026-01-06", "\"/a\"" }, { "2026-01-05", "\"/late\"" }, { "2026-01-05", "\"/later\"" } } },
  { "last by own time", MEASURE_LAST, F_PAGE, 0, "2026-01-09", "\"/c\"",
    { { "2026-01-06", "\"/b\"" }, { "2026-01-06", "\"/c\"" }, { "2026-01-05", "\"/late\"" } } },
  { "first in a window", MEASURE_FIRST, F_PAGE, 3, "2026-01-09", "\"/b\"",
    { { "2026-01-06", "\"/a\"" }, { "2026-01-08", "\"/c\"" }, { "2026-01-07", "\"/b\"" } } },
  { "last in a window", MEASURE_LAST, F_PAGE, 3, "2026-01-09", "\"/c\"", { { "2026-01-05", "\"/a\"" }, { "2026-01-08", "\"/c\"" } } },
  { "last before a window", MEASURE_LAST, F_PAGE, 3, "2026-01-09", "missing", { { "2026-01-05", "\"/a\"" } } },
  { "escapes are read", MEASURE_LAST, F_PAGE, 0, "2026-01-09", "\"\xc3\xa9\"", { { "2026-01-05", "\"\\u00e9\"" } } },
  { "last time", MEASURE_LAST_AT, NONE, 0, "2026-01-09", "2026-01-06T00:00:00Z", { { "2026-01-06", NULL }, { "2026-01-05", NULL } } },
  { "last time before a window", MEASURE_LAST_AT, NONE, 3, "2026-01-09", "missing", { { "2026-01-06", NULL }, { "2026-01-05", NULL } } },
  { "first time", MEASURE_FIRST_AT, NONE, 0, "2026-01-09", "2026-01-05T00:00:00Z", { { "2026-01-06", NULL }, { "2026-01-05", NULL } } },
  { "first time in a window", MEASURE_FIRST_AT, NONE, 3, "2026-01-09", "2026-01-07T00:00:00Z",
    { { "2026-01-08", NULL }, { "2026-01-06", NULL }, { "2026-01-07", NULL } } },
  { "the window's start is outside", MEASURE_COUNT, NONE, 7, "2026-01-12", "0", { { "2026-01-05", NULL } } },
  { "a moment later is inside", MEASURE_COUNT, NONE, 7, "2026-01-12", "1", { { "2026-01-05 00:00:00.001", NULL } } },
  { "now is inside", MEASURE_COUNT, NONE, 7, "2026-01-12", "1", { { "2026-01-12", NULL } } },
  { "what is to come is outside", MEASURE_COUNT, NONE, 7, "2026-01-12", "0", { { "2026-01-12 00:00:00.001", NULL } } },
  { "window sum", MEASURE_SUM, F_EUR, 2, "2026-01-12", "5 EUR", { { "2026-01-10", "1" }, { "2026-01-11", "2" }, { "2026-01-12", "3" } } },
};

static void test_table(void **state) {
  (void)state;
  static struct world w;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    world_init(&w);
    struct measure m = measure_of(r->kind, r->field, r->window_days ? days(r->window_days) : value_missing());
    for (size_t k = 0; k < 8 && r->steps[k].at; k++) {
      event_is(&w, utc(r->steps[k].at), r->field == NONE ? S_SCORE : fields[r->field].name, r->steps[k].json);
      if (w.env.now_ms < w.event.at_ms && w.event.at_ms <= utc(r->now)) w.env.now_ms = w.event.at_ms;
      measure_take(&w.contact, &w.unit, &m, 1, &w.env);
      if (i % 2) rewrite(&w);
    }
    w.env.now_ms = utc(r->now);
    const char *got = read_shown(&w, &m);
    if (strcmp(got, r->want) != 0) fail_msg("%s: %s", r->what, got);
    rewrite(&w);
    assert_string_equal(read_shown(&w, &m), r->want);
    world_deinit(&w);
  }
}

/* A calendar window begins at the same wall-clock time, however long the months are. */
static void test_calendar_window(void **state) {
  (void)state;
  static struct world w;
  world_init(&w);
  struct measure month = measure_of(MEASURE_COUNT, NONE, months(1)), thirty = measure_of(MEASURE_COUNT, NONE, hours(720));
  event_is(&w, utc("2026-02-28 12:00"), 0, NULL);
  w.env.now_ms = w.event.at_ms;
  measure_take(&w.contact, &w.unit, &month, 1, &w.env);
  measure_take(&w.contact, &w.unit, &thirty, 2, &w.env);
  w.env.now_ms = utc("2026-03-28 11:59:59.999");
  assert_true(measure_value(&w.contact, &w.unit, &month, 1, &w.env).n == 1);
  w.env.now_ms = utc("2026-03-28 12:00");
  assert_true(measure_value(&w.contact, &w.unit, &month, 1, &w.env).n == 0);
  assert_true(measure_value(&w.contact, &w.unit, &thirty, 2, &w.env).n == 1);
  w.env.now_ms = utc("2026-03-30 12:00");
  assert_true(measure_value(&w.contact, &w.unit, &thirty, 2, &w.env).n == 0);
  world_deinit(&w);
}

/* --- against all of history --- */

struct past { int64_t at_ms; double n; int64_t money; };

static uint64_t random_next(uint64_t *s) {
  *s += 0x9e3779b97f4a7c15u;
  return hash_u64(*s);
}

/* The answer by looking at everything; past is in order of arrival. */
static struct value by_history(const struct past *p, size_t count, enum measure_kind kind, bool money, int64_t from, int64_t to) {
  size_t n = 0;
  int64_t total = 0, first_at = 0, last_at = 0;
  double sum = 0, first = 0, last = 0, min = 0, max = 0;
  for (size_t i = 0; i < count; i++) {
    if (p[i].at_ms <= from || p[i].at_ms > to) continue;
    double x = money ? (double)p[i].money : p[i].n;
    if (n == 0 || p[i].at_ms < first_at) first_at = p[i].at_ms, first = x;
    if (n == 0 || p[i].at_ms >= last_at) last_at = p[i].at_ms, last = x;
    if (n == 0 || x < min) min = x;
    if (n == 0 || x > max) max = x;
    total += p[i].money;
    sum += p[i].n;
    n++;
  }
  double kept = kind == MEASURE_MIN ? min : kind == MEASURE_MAX ? max : kind == MEASURE_FIRST ? first : last;
  switch (kind) {
    case MEASURE_COUNT: return value_number((double)n);
    case MEASURE_SUM: return money ? value_money(total, EUR) : value_number(sum);
    case MEASURE_AVERAGE:
      if (!n) return value_missing();
      return value_div(money ? value_money(total, EUR) : value_number(sum), value_number((double)n));
    case MEASURE_LAST_AT: return n ? value_moment(last_at) : value_missing();
    case MEASURE_FIRST_AT: return n ? value_moment(first_at) : value_missing();
    default: return !n ? value_missing() : money ? value_money((int64_t)kept, EUR) : value_number(kept);
  }
}

static void test_history(void **state) {
  (void)state;
  enum { EVENTS = 300, KINDS = MEASURE_FIRST_AT + 1 };
  static struct world w;
  static struct past past[EVENTS];
  const struct value windows[] = { value_missing(), hours(36), days(10), months(1) };
  uint64_t s = 42;
  for (uint32_t trial = 0; trial < KINDS * 2 * 4; trial++) {
    enum measure_kind kind = (enum measure_kind)(trial % KINDS);
    bool money = trial / KINDS % 2;
    struct value window = windows[trial / KINDS / 2];
    struct measure m = measure_of(kind, money ? F_EUR : F_SCORE, window);
    world_init(&w);
    w.env.now_ms = utc("2026-01-01");
    for (size_t i = 0; i < EVENTS; i++) {
      char json[32];
      w.env.now_ms += (int64_t)(random_next(&s) % (12 * HOUR_MS)) / 1000 * 1000;
      int64_t late = random_next(&s) % 4 ? 0 : (int64_t)(random_next(&s) % (500 * HOUR_MS));
      int64_t cents = (int64_t)(random_next(&s) % 20000) - 10000;
      past[i] = (struct past){ w.env.now_ms - late, (double)cents, cents * 100 };
      if (i && random_next(&s) % 8 == 0) past[i].at_ms = past[i - 1].at_ms; /* ties */
      snprintf(json, sizeof json, money ? "%lld.%02llde-2" : "%lld", (long long)cents, 0LL);
      event_is(&w, past[i].at_ms, money ? S_AMOUNT : S_SCORE, json);
      measure_take(&w.contact, &w.unit, &m, 1, &w.env);
      if (i % 3 == 0) rewrite(&w);
      int64_t from = INT64_MIN;
      if (window.type == V_EXACT) from = w.env.now_ms - window.i;
      if (window.type == V_CALENDAR) from = calendar_add(w.env.now_ms, -(int64_t)window.aux, -window.i);
      struct value got = measure_value(&w.contact, &w.unit, &m, 1, &w.env);
      struct value want = by_history(past, i + 1, kind, money, from, w.env.now_ms);
      bool same = got.type == want.type && (got.type == V_MISSING || value_equal(got, want, NULL));
      if (!same) fail_msg("trial %u, event %zu: %s", trial, i, read_shown(&w, &m));
    }
    world_deinit(&w);
  }
}

/* --- limits --- */

static void test_series_limit(void **state) {
  (void)state;
  static struct world w;
  world_init(&w);
  struct measure m = measure_of(MEASURE_COUNT, NONE, days(3650)), first = measure_of(MEASURE_FIRST, F_SCORE, days(3650));
  for (int i = 0; i < LIMIT_SERIES_COUNT + 100; i++) {
    char json[16];
    snprintf(json, sizeof json, "%d", i);
    event_is(&w, w.env.now_ms += 1000, S_SCORE, json);
    measure_take(&w.contact, &w.unit, &m, 1, &w.env);
    measure_take(&w.contact, &w.unit, &first, 2, &w.env);
    assert_int_equal(w.contact.measures.items[0].overflowed, i >= LIMIT_SERIES_COUNT);
  }
  rewrite(&w);
  assert_true(w.contact.measures.items[0].overflowed);
  assert_true(measure_value(&w.contact, &w.unit, &m, 1, &w.env).n == LIMIT_SERIES_COUNT);
  assert_true(measure_value(&w.contact, &w.unit, &first, 2, &w.env).n == 100);
  world_deinit(&w);
}

/* What no window can see any more takes no room. */
static void test_pruning(void **state) {
  (void)state;
  static struct world w;
  world_init(&w);
  struct measure m = measure_of(MEASURE_COUNT, NONE, hours(24));
  for (int i = 0; i < 10000; i++) {
    event_is(&w, w.env.now_ms += HOUR_MS, 0, NULL);
    measure_take(&w.contact, &w.unit, &m, 1, &w.env);
    assert_true(w.contact.measures.items[0].series_count <= 24);
    if (i % 100 == 0) rewrite(&w);
  }
  event_is(&w, w.env.now_ms - 24 * HOUR_MS, 0, NULL);
  measure_take(&w.contact, &w.unit, &m, 1, &w.env);
  assert_int_equal(w.contact.measures.items[0].series_count, 24);
  world_deinit(&w);
}

static void test_kept_limit(void **state) {
  (void)state;
  static struct world w;
  world_init(&w);
  struct measure m = measure_of(MEASURE_LAST, F_PAGE, value_missing());
  char json[2 * LIMIT_KEPT_BYTES + 8] = "\"x";
  for (size_t i = 2; i < 2 * LIMIT_KEPT_BYTES; i += 2) memcpy(json + i, "\xc3\xa9", 2);
  json[2 * LIMIT_KEPT_BYTES] = '"';
  event_is(&w, 1, S_PAGE, json);
  measure_take(&w.contact, &w.unit, &m, 1, &w.env);
  struct value v = measure_value(&w.contact, &w.unit, &m, 1, &w.env);
  assert_int_equal(v.aux, LIMIT_KEPT_BYTES - 1); /* the character at the limit is left out whole */
  assert_true(str_ends(value_str(v), STR("\xc3\xa9")));
  arena_reset(&w.scratch); /* the event is gone, the value stays */
  assert_true(str_starts(value_str(v), STR("x\xc3\xa9")));
  world_deinit(&w);
}

/* A row may say anything about a measure: taking and reading go on. */
static void test_strange_states(void **state) {
  (void)state;
  static struct world w;
  static struct occurrence some[4] = { { 1, 0x7ff0000000000000 }, { 2, INT64_MAX } };
  static struct value values[4];
  for (unsigned kind = 0; kind <= MEASURE_FIRST_AT; kind++) {
    for (int variant = 0; variant < 16; variant++) {
      world_init(&w);
      struct measure_state s = { .id = 1, .total = variant & 1 ? 0x7ff8000000000001 : INT64_MAX, .count = UINT64_MAX };
      if (variant & 2) s.kept = value_text(STR("text"));
      if (variant & 4) s.series = some, s.series_count = 2, s.series_cap = 2;
      if (variant & 8) s.values = variant & 4 ? values : NULL;
      VEC_PUSH(&w.arena, &w.contact.measures, s);
      struct measure m = measure_of((enum measure_kind)kind, F_SCORE, variant & 4 ? days(1) : value_missing());
      event_is(&w, 3, S_SCORE, "1");
      w.env.now_ms = 3;
      for (int i = 0; i < 12; i++) {
        read_shown(&w, &m);
        measure_take(&w.contact, &w.unit, &m, 1, &w.env);
      }
      rewrite(&w);
      read_shown(&w, &m);
      world_deinit(&w);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table),        cmocka_unit_test(test_calendar_window), cmocka_unit_test(test_history),
    cmocka_unit_test(test_series_limit), cmocka_unit_test(test_pruning),         cmocka_unit_test(test_kept_limit),
    cmocka_unit_test(test_strange_states),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
