/* A contact's bytes: small, the same after reading and writing, and never trusted; its attributes and memberships. */
#include "vm/contact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t utc(const char *text) {
  int64_t ms;
  bool zoned;
  if (!calendar_parse_moment(str_from_c(text), &ms, &zoned)) fail_msg("bad moment: %s", text);
  return ms;
}

static struct str copy(struct str s) {
  char *p = malloc(s.len ? s.len : 1);
  assert_non_null(p);
  if (s.len) memcpy(p, s.ptr, s.len);
  return (struct str){ p, s.len };
}

/* --- bytes --- */

static void test_fresh(void **state) {
  (void)state;
  struct arena a;
  struct contact c;
  memset(&c, 0xa5, sizeof c);
  arena_init(&a, 1024);
  assert_int_equal(contact_read(&c, &a, (struct str){ NULL, 0 }), CAMP_OK);
  assert_true(c.known_ms == 0 && c.clock_ms == 0 && c.last_event == 0 && c.last_message == 0 && c.measures_as_of == 0);
  assert_true(c.measures.count == 0 && c.lists.count == 0 && c.tags.count == 0 && c.entries.count == 0 && c.seen.count == 0);
  assert_ptr_equal(c.arena, &a);
  arena_deinit(&a);
}

/* One event, one counted measure, one seen id: what a million sleeping contacts have. */
static void first_buyer(struct contact *c, struct arena *a) {
  assert_int_equal(contact_read(c, a, (struct str){ NULL, 0 }), CAMP_OK);
  c->known_ms = c->clock_ms = utc("2026-01-05 10:00:17.123");
  c->last_event = 1000000;
  c->measures_as_of = 1;
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = 300, .count = 1 }));
  VEC_PUSH(a, &c->seen, ((struct seen){ 0x0123456789abcdefu, (uint32_t)(c->clock_ms / MS_PER_DAY) }));
}

static void test_small(void **state) {
  (void)state;
  struct arena a;
  struct contact c;
  struct buf b;
  arena_init(&a, 1024);
  buf_init(&b, LIMIT_CONTACT_BYTES);
  first_buyer(&c, &a);
  contact_write(&b, &c);
  print_message("# a first buyer takes %zu bytes\n", b.len);
  assert_true(b.len < 40);
  buf_deinit(&b);
  arena_deinit(&a);
}

/* A contact with everything. */
static void veteran(struct contact *c, struct arena *a) {
  assert_int_equal(contact_read(c, a, (struct str){ NULL, 0 }), CAMP_OK);
  c->known_ms = utc("2020-02-29");
  c->clock_ms = utc("2026-01-05 10:00");
  c->last_event = INT64_MAX;
  c->last_message = 12;
  c->measures_as_of = UINT32_MAX;
  static struct occurrence days[3], odd[2], amounts[2];
  static struct value values[2];
  days[0] = (struct occurrence){ utc("2025-11-01"), 0 };
  days[1] = days[2] = (struct occurrence){ utc("2025-12-24"), 0 };
  odd[0] = (struct occurrence){ -1, 400000 };
  odd[1] = (struct occurrence){ utc("2026-01-05 09:59:59.999"), -117700 };
  double price = 40;
  amounts[0] = (struct occurrence){ utc("2026-01-01 00:00:30"), 0 };
  memcpy(&amounts[0].amount, &price, 8);
  price = 0.1;
  amounts[1] = (struct occurrence){ utc("2026-01-02 00:01"), 0 };
  memcpy(&amounts[1].amount, &price, 8);
  values[0] = value_text(STR("first"));
  values[1] = value_money(400000, CURRENCY('E', 'U', 'R'));
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = 0, .count = UINT64_MAX, .total = INT64_MIN, .overflowed = true }));
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = 1, .at_ms = utc("2026-01-05 10:00"), .kept = value_text(STR("x")) }));
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = 7, .series = days, .series_count = 3 }));
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = 8, .series = odd, .series_count = 2 }));
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = 9, .series = amounts, .series_count = 2, .total = amounts[0].amount }));
  VEC_PUSH(a, &c->measures, ((struct measure_state){ .id = UINT32_MAX, .series = days, .series_count = 2, .values = values }));
  contact_join(c, 5, utc("2021-01-01"));
  contact_join(c, 2, utc("2026-01-06"));
  contact_join(c, UINT32_MAX, utc("2026-01-06"));
  *contact_consent_make(c, 9) = (struct consent){ 9, CONSENT_GRANTED, 3, utc("2025-01-06") };
  *contact_consent_make(c, 0) = (struct consent){ 0, CONSENT_REFUSED, 1, utc("2024-01-06") };
  *contact_consent_make(c, 7) = (struct consent){ 7, CONSENT_PENDING, 1, utc("2026-01-06") };
  contact_tag(c, 0, c->clock_ms);
  *contact_entry(c, 9) = (struct entry){ 9, 2, utc("2025-05-05") };
  *contact_entry(c, 3) = (struct entry){ 3, UINT32_MAX, utc("2025-05-06") };
  VEC_PUSH(a, &c->schedules, ((struct scheduled){ .id = 2, .next_ms = utc("2026-01-12 09:00") }));
  VEC_PUSH(a, &c->schedules, ((struct scheduled){ .id = 5, .next_ms = INT64_MAX }));
  VEC_PUSH(a, &c->schedules, ((struct scheduled){ .id = UINT32_MAX, .next_ms = utc("1901-01-01 00:00:59") }));
  VEC_PUSH(a, &c->seen, ((struct seen){ UINT64_MAX, 20000 }));
  VEC_PUSH(a, &c->seen, ((struct seen){ 0, 20458 }));
  VEC_PUSH(a, &c->seen, ((struct seen){ 1, 0 }));
  VEC_PUSH(a, &c->seen, ((struct seen){ 1, UINT32_MAX }));
  contact_segment_put(c, (struct segment_state){ .id = 90, .in = true, .since_ms = c->clock_ms - 5000, .flip_ms = INT64_MAX });
  contact_segment_put(c, (struct segment_state){ .id = 80, .flip_ms = c->clock_ms + 90 * MS_PER_DAY });
  contact_segment_put(c, (struct segment_state){ .id = 85, .in = true, .since_ms = 7, .flip_ms = c->clock_ms + 1 });
  c->segments_ms = c->clock_ms + 12;
  *contact_score_make(c, 70) = (struct score_state){ .id = 70, .by_rules = 12.5, .by_hand = -1e-9, .at_ms = c->clock_ms - 3 };
  contact_score_make(c, 60)->by_rules = 3;
  *contact_assign(c, 40) = (struct assignment){ 40, 0, false, utc("2025-01-06"), utc("2025-01-08") };
  *contact_assign(c, 30) = (struct assignment){ 30, UINT32_MAX, true, utc("2026-01-06"), utc("2200-12-31") };
  contact_assign(c, 35)->variant = 7;
  c->releases_of = UINT64_MAX;
  VEC_PUSH(a, &c->releases, ((struct release){ utc("2025-12-31 23:00"), 40, 9 }));
  VEC_PUSH(a, &c->releases, ((struct release){ c->clock_ms, UINT32_MAX, 0 }));
  VEC_PUSH(a, &c->held, ((struct held){ .row = INT64_MAX, .asked_ms = utc("2026-01-01"), .due_ms = utc("2026-02-01"), .campaign = 3, .entry = UINT32_MAX,
                                        .watch = 4, .flags = HELD_WAITED | HELD_LEFT }));
  VEC_PUSH(a, &c->held, ((struct held){ .row = 1, .asked_ms = c->clock_ms, .due_ms = INT64_MAX, .fork = 7, .flags = HELD_PAUSED }));
  VEC_PUSH(a, &c->suppressions, ((struct suppression){ 41, 1, utc("2025-06-01"), UINT64_MAX }));
  VEC_PUSH(a, &c->suppressions, ((struct suppression){ 40, 0, c->clock_ms, 0 }));
}

static void measures_equal(const struct measure_state *a, const struct measure_state *b) {
  assert_int_equal(a->id, b->id);
  assert_true(a->count == b->count && a->total == b->total && a->at_ms == b->at_ms && a->overflowed == b->overflowed);
  assert_int_equal(a->kept.type, b->kept.type);
  assert_int_equal(a->series_count, b->series_count);
  assert_int_equal(a->values != NULL, b->values != NULL);
  for (uint32_t i = 0; i < a->series_count; i++) {
    assert_true(a->series[i].at_ms == b->series[i].at_ms && a->series[i].amount == b->series[i].amount);
    if (a->values) assert_true(value_equal(a->values[i], b->values[i], NULL));
  }
}

static void contacts_equal(const struct contact *a, const struct contact *b) {
  assert_true(a->known_ms == b->known_ms && a->clock_ms == b->clock_ms);
  assert_true(a->last_event == b->last_event && a->last_message == b->last_message);
  assert_int_equal(a->measures_as_of, b->measures_as_of);
  assert_int_equal(a->measures.count, b->measures.count);
  for (uint32_t i = 0; i < a->measures.count; i++) measures_equal(&a->measures.items[i], &b->measures.items[i]);
  assert_int_equal(a->lists.count, b->lists.count);
  for (uint32_t i = 0; i < a->lists.count; i++) {
    assert_int_equal(a->lists.items[i].id, b->lists.items[i].id);
    assert_true(a->lists.items[i].since_ms == b->lists.items[i].since_ms);
  }
  assert_int_equal(a->tags.count, b->tags.count);
  for (uint32_t i = 0; i < a->tags.count; i++) assert_int_equal(a->tags.items[i].id, b->tags.items[i].id);
  assert_int_equal(a->entries.count, b->entries.count);
  for (uint32_t i = 0; i < a->entries.count; i++) {
    const struct entry *x = &a->entries.items[i], *y = &b->entries.items[i];
    assert_true(x->campaign == y->campaign && x->count == y->count && x->last_ms == y->last_ms);
  }
  assert_int_equal(a->schedules.count, b->schedules.count);
  for (uint32_t i = 0; i < a->schedules.count; i++)
    assert_true(a->schedules.items[i].id == b->schedules.items[i].id && a->schedules.items[i].next_ms == b->schedules.items[i].next_ms);
  assert_int_equal(a->consents.count, b->consents.count);
  for (uint32_t i = 0; i < a->consents.count; i++) {
    const struct consent *x = &a->consents.items[i], *y = &b->consents.items[i];
    assert_true(x->topic == y->topic && x->state == y->state && x->number == y->number && x->at_ms == y->at_ms);
  }
  assert_int_equal(a->seen.count, b->seen.count);
  for (uint32_t i = 0; i < a->seen.count; i++)
    assert_true(a->seen.items[i].hash == b->seen.items[i].hash && a->seen.items[i].day == b->seen.items[i].day);
  assert_int_equal(a->scores.count, b->scores.count);
  for (uint32_t i = 0; i < a->scores.count; i++) {
    const struct score_state *x = &a->scores.items[i], *y = &b->scores.items[i];
    assert_true(x->id == y->id && x->by_rules == y->by_rules && x->by_hand == y->by_hand && x->at_ms == y->at_ms);
  }
  assert_int_equal(a->assignments.count, b->assignments.count);
  for (uint32_t i = 0; i < a->assignments.count; i++) {
    const struct assignment *x = &a->assignments.items[i], *y = &b->assignments.items[i];
    assert_true(x->experiment == y->experiment && x->variant == y->variant && x->exposed == y->exposed && x->at_ms == y->at_ms && x->until_ms == y->until_ms);
  }
  assert_int_equal(a->segments.count, b->segments.count);
  assert_true(a->segments.count == 0 || a->segments_ms == b->segments_ms);
  for (uint32_t i = 0; i < a->segments.count; i++) {
    const struct segment_state *x = &a->segments.items[i], *y = &b->segments.items[i];
    assert_true(x->id == y->id && x->in == y->in && x->since_ms == y->since_ms && x->flip_ms == y->flip_ms);
  }
}

static void sending_equal(const struct contact *a, const struct contact *b) {
  assert_true(a->releases_of == b->releases_of);
  assert_int_equal(a->releases.count, b->releases.count);
  for (uint32_t i = 0; i < a->releases.count; i++) {
    const struct release *x = &a->releases.items[i], *y = &b->releases.items[i];
    assert_true(x->at_ms == y->at_ms && x->channel == y->channel && x->topic == y->topic);
  }
  assert_int_equal(a->held.count, b->held.count);
  for (uint32_t i = 0; i < a->held.count; i++) {
    const struct held *x = &a->held.items[i], *y = &b->held.items[i];
    assert_true(x->row == y->row && x->asked_ms == y->asked_ms && x->due_ms == y->due_ms && x->flags == y->flags);
    assert_true(x->campaign == y->campaign && x->entry == y->entry && x->fork == y->fork && x->watch == y->watch);
  }
  assert_int_equal(a->suppressions.count, b->suppressions.count);
  for (uint32_t i = 0; i < a->suppressions.count; i++) {
    const struct suppression *x = &a->suppressions.items[i], *y = &b->suppressions.items[i];
    assert_true(x->channel == y->channel && x->bounce == y->bounce && x->at_ms == y->at_ms && x->address == y->address);
  }
}

static void test_round_trip(void **state) {
  (void)state;
  static void (*const makers[])(struct contact *, struct arena *) = { first_buyer, veteran };
  struct arena a;
  struct buf b, again;
  arena_init(&a, 4096);
  buf_init(&b, LIMIT_CONTACT_BYTES);
  buf_init(&again, LIMIT_CONTACT_BYTES);
  for (size_t i = 0; i < 2; i++) {
    struct contact c, back;
    makers[i](&c, &a);
    buf_clear(&b);
    buf_clear(&again);
    contact_write(&b, &c);
    struct str bytes = copy(buf_as_str(&b));
    assert_int_equal(contact_read(&back, &a, bytes), CAMP_OK);
    contacts_equal(&c, &back);
    sending_equal(&c, &back);
    contact_write(&again, &back);
    assert_true(str_eq(bytes, buf_as_str(&again)));
    /* There is room to go on with what was read. */
    contact_join(&back, 77, back.clock_ms);
    contact_entry(&back, 78)->count++;
    VEC_PUSH(&a, &back.seen, ((struct seen){ 5, 6 }));
    free((char *)bytes.ptr);
    arena_reset(&a);
  }
  buf_deinit(&b);
  buf_deinit(&again);
  arena_deinit(&a);
}

/* Whatever the bytes: refused, or a contact that is written and read again the same. */
static void judge(struct arena *a, struct buf *b, struct str bytes) {
  struct contact c, back;
  enum camp_err err = contact_read(&c, a, bytes);
  if (err != CAMP_OK) {
    assert_int_equal(err, CAMP_CORRUPT);
    assert_true(c.measures.count == 0 && c.seen.count == 0 && c.clock_ms == 0);
  } else {
    buf_clear(b);
    contact_write(b, &c);
    assert_false(b->failed);
    assert_int_equal(contact_read(&back, a, buf_as_str(b)), CAMP_OK);
    contacts_equal(&c, &back);
  }
  arena_reset(a);
}

static void test_damage(void **state) {
  (void)state;
  struct arena a, keep;
  struct buf b, good;
  struct contact c;
  arena_init(&a, 4096);
  arena_init(&keep, 4096);
  buf_init(&b, LIMIT_CONTACT_BYTES);
  buf_init(&good, LIMIT_CONTACT_BYTES);
  veteran(&c, &keep);
  contact_write(&good, &c);
  for (size_t len = 1; len < good.len; len++) {
    struct str cut = copy((struct str){ good.data, len });
    assert_int_equal(contact_read(&c, &a, cut), CAMP_CORRUPT);
    free((char *)cut.ptr);
  }
  struct str bytes = copy(buf_as_str(&good));
  char *p = (char *)bytes.ptr;
  for (size_t at = 0; at < bytes.len; at++) {
    for (int value = 0; value < 256; value++) {
      p[at] = (char)value;
      judge(&a, &b, bytes);
    }
    p[at] = good.data[at];
  }
  uint64_t s = 1;
  for (int round = 0; round < 20000; round++) {
    for (size_t i = 0; i < bytes.len; i++) p[i] = (char)(s = hash_u64(s + 1));
    p[0] = 2;
    p[1] = (char)(p[1] & 127);
    judge(&a, &b, (struct str){ p, s % bytes.len + 1 });
  }
  free(p);
  buf_deinit(&b);
  buf_deinit(&good);
  arena_deinit(&a);
  arena_deinit(&keep);
}

static void test_refused(void **state) {
  (void)state;
  static const struct { const char *what, *bytes; size_t len; } rows[] = {
    { "another format", "\x01\0\0\0\0\0", 6 },
    { "a part that does not exist", "\x02\x80\x40\0\0\0\0", 7 },
    { "bytes behind the end", "\x02\0\0\0\0\0\0", 7 },
    { "a part without items", "\x02\x04\0\0\0\0\0", 7 },
    { "more items than bytes", "\x02\x20\0\0\0\0\xff\xff\x03", 9 },
    { "a clock beyond the calendar", "\x02\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\0\0", 12 },
    { "an id beyond 32 bits", "\x02\x04\0\0\0\0\x01\xff\xff\xff\xff\xff\x01\0", 14 },
  };
  struct arena a;
  struct contact c;
  arena_init(&a, 1024);
  assert_int_equal(contact_read(&c, &a, (struct str){ "\x02\0\0\0\0\0", 6 }), CAMP_OK);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (contact_read(&c, &a, (struct str){ rows[i].bytes, rows[i].len }) != CAMP_CORRUPT) fail_msg("taken: %s", rows[i].what);
  arena_deinit(&a);
}

/* --- attributes --- */

static struct contact with(struct arena *a, const char *attributes) {
  struct contact c;
  assert_int_equal(contact_read(&c, a, (struct str){ NULL, 0 }), CAMP_OK);
  c.attributes = str_from_c(attributes);
  return c;
}

static void test_attributes(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1024);
  struct contact c = with(&a, "{\"n\":1,\"n\":2,\"\\u0063ity\":\"K\\u00f6ln\",\"price\":40,\"none\":null}");
  struct field number = { .type = V_NUMBER }, text = { .type = V_TEXT }, money = { .type = V_MONEY, .currency = CURRENCY('E', 'U', 'R') };
  assert_true(contact_attribute(&c, STR("n"), &number, NULL).n == 2);
  assert_true(str_is(value_str(contact_attribute(&c, STR("city"), &text, NULL)), "K\xc3\xb6ln"));
  assert_int_equal(contact_attribute(&c, STR("price"), &money, NULL).i, 400000);
  assert_int_equal(contact_attribute(&c, STR("city"), &number, NULL).type, V_MISSING);
  assert_int_equal(contact_attribute(&c, STR("none"), &text, NULL).type, V_MISSING);
  assert_int_equal(contact_attribute(&c, STR("other"), &text, NULL).type, V_MISSING);
  /* another text is looked at anew */
  c.attributes = STR("{\"n\":7}");
  assert_true(contact_attribute(&c, STR("n"), &number, NULL).n == 7);
  c.attributes = (struct str){ NULL, 0 };
  assert_int_equal(contact_attribute(&c, STR("n"), &number, NULL).type, V_MISSING);
  arena_deinit(&a);
}

static void test_set(void **state) {
  (void)state;
  static const struct { const char *before, *name; int what; const char *after; } rows[] = {
    { "", "a", 1, "{\"a\":40}" },
    { "{}", "a", 2, "{\"a\":\"x\\\"y\"}" },
    { "{\"a\":1,\"b\":[1, 2]}", "a", 1, "{\"a\":40,\"b\":[1, 2]}" },
    { "{\"a\":1,\"b\":2}", "b", 0, "{\"a\":1}" },
    { "{\"a\":1}", "a", 0, "{}" },
    { "{\"a\":1}", "b", 0, "{\"a\":1}" },
    { "{\"\\u0061\":1,\"b\":2}", "a", 1, "{\"a\":40,\"b\":2}" },
    { "{\"a\":1,\"b\":2,\"a\":3}", "c", 1, "{\"a\":3,\"b\":2,\"c\":40}" },
    { "{\"a\":null,\"b\":2}", "c", 1, "{\"b\":2,\"c\":40}" },
    { "{\"q\\\"\":1}", "q\"", 3, "{\"q\\\"\":\"40 EUR\"}" },
  };
  struct arena a;
  arena_init(&a, 1024);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct value values[] = { value_missing(), value_number(40), value_text(STR("x\"y")),
                                    value_money(400000, CURRENCY('E', 'U', 'R')) };
    struct contact c = with(&a, rows[i].before);
    assert_int_equal(contact_set(&c, str_from_c(rows[i].name), values[rows[i].what], NULL), CAMP_OK);
    if (!str_is(c.attributes, rows[i].after)) fail_msg("row %zu: %.*s", i, STR_ARG(c.attributes));
    struct field any = { .type = V_MISSING };
    assert_int_equal(contact_attribute(&c, str_from_c(rows[i].name), &any, NULL).type != V_MISSING, rows[i].what != 0);
  }
  arena_deinit(&a);
}

static void test_merge(void **state) {
  (void)state;
  static const struct { const char *before, *traits, *after; } rows[] = {
    { "", "{\"a\":1}", "{\"a\":1}" },
    { "{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":{\"d\":[]}}", "{\"a\":1,\"b\":3,\"c\":{\"d\":[]}}" },
    { "{\"a\":1,\"b\":2}", "{\"a\":null,\"z\":null}", "{\"b\":2}" },
    { "{\"a\":1}", "{\"a\":2,\"a\":3}", "{\"a\":3}" },
    { "{\"a\":1}", "{\"\\u0061\":2}", "{\"a\":2}" },
    { "{\"a\":1}", "{}", "{\"a\":1}" },
    { "{\"b\":1}", "{\"a\":{\"b\":null}}", "{\"b\":1,\"a\":{\"b\":null}}" },
  };
  struct arena a;
  arena_init(&a, 1024);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct contact c = with(&a, rows[i].before);
    assert_int_equal(contact_merge(&c, str_from_c(rows[i].traits)), CAMP_OK);
    if (!str_is(c.attributes, rows[i].after)) fail_msg("row %zu: %.*s", i, STR_ARG(c.attributes));
  }
  arena_deinit(&a);
}

static void test_attribute_limits(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 16);
  struct contact c = with(&a, "{\"a\":1}");
  struct str before = c.attributes;
  char *big = malloc(LIMIT_ATTRIBUTES_BYTES);
  assert_non_null(big);
  memset(big, 'x', LIMIT_ATTRIBUTES_BYTES);
  assert_int_equal(contact_set(&c, STR("b"), value_text((struct str){ big, LIMIT_ATTRIBUTES_BYTES }), NULL), CAMP_LIMIT);
  assert_int_equal(contact_set(&c, STR("b"), value_text((struct str){ big, LIMIT_ATTRIBUTES_BYTES - 10 }), NULL), CAMP_LIMIT);
  assert_ptr_equal(c.attributes.ptr, before.ptr);
  assert_int_equal(contact_set(&c, STR("b"), value_text((struct str){ big, LIMIT_ATTRIBUTES_BYTES - 100 }), NULL), CAMP_OK);
  assert_int_equal(contact_set(&c, STR("d"), value_text((struct str){ big, 100 }), NULL), CAMP_LIMIT);
  free(big);
  /* a list that is as deep as may be is too deep inside the attributes */
  c = with(&a, "{\"a\":1}");
  char deep[2 * LIMIT_JSON_DEPTH];
  memset(deep, '[', LIMIT_JSON_DEPTH);
  memset(deep + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
  struct value list = { .type = V_LIST, .aux = sizeof deep, .ptr = deep };
  assert_int_equal(contact_set(&c, STR("deep"), list, NULL), CAMP_LIMIT);
  list.ptr++;
  list.aux -= 2;
  assert_int_equal(contact_set(&c, STR("deep"), list, NULL), CAMP_OK);
  /* many members cost no square */
  struct buf b;
  buf_init(&b, LIMIT_ATTRIBUTES_BYTES);
  for (int i = 0; i < 15000; i++) buf_printf(&b, "%c\"%d\":%d", i ? ',' : '{', i, i);
  buf_c(&b, "}");
  c = with(&a, "{\"0\":9,\"x\":1}");
  assert_int_equal(contact_merge(&c, buf_as_str(&b)), CAMP_OK);
  assert_int_equal(contact_merge(&c, buf_as_str(&b)), CAMP_OK);
  assert_true(str_starts(c.attributes, STR("{\"0\":0,\"x\":1,\"1\":1,\"2\":2")));
  assert_true(str_ends(c.attributes, STR("\"14999\":14999}")));
  buf_deinit(&b);
  arena_deinit(&a);
}

/* --- memberships and properties --- */

static void test_memberships(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1024);
  struct contact c = with(&a, "");
  assert_false(contact_in(&c, 1));
  assert_true(contact_join(&c, 5, 50));
  assert_true(contact_join(&c, 1, 10));
  assert_true(contact_join(&c, 3, 30));
  assert_false(contact_join(&c, 3, 99));
  assert_true(contact_in(&c, 1) && contact_in(&c, 3) && contact_in(&c, 5));
  assert_false(contact_in(&c, 2) || contact_in(&c, 6) || contact_tagged(&c, 1));
  assert_int_equal(c.lists.items[1].since_ms, 30);
  assert_true(contact_leave(&c, 3));
  assert_false(contact_leave(&c, 3));
  assert_false(contact_in(&c, 3));
  assert_true(contact_in(&c, 1) && contact_in(&c, 5));
  assert_true(contact_tag(&c, 7, 1));
  assert_false(contact_tag(&c, 7, 2));
  assert_true(contact_tagged(&c, 7));
  assert_true(contact_untag(&c, 7));
  assert_false(contact_untag(&c, 7));
  uint32_t joined = 0;
  for (uint32_t i = 0; i < 2 * LIMIT_MEMBER_COUNT; i++) joined += contact_join(&c, 1000 + i, 0);
  assert_int_equal(joined, LIMIT_MEMBER_COUNT - 2);
  assert_false(contact_tag(&c, 1, 1));
  contact_entry(&c, 4)->count++;
  contact_entry(&c, 2)->count += 2;
  contact_entry(&c, 4)->count++;
  assert_int_equal(c.entries.count, 2);
  assert_true(c.entries.items[0].campaign == 2 && c.entries.items[0].count == 2);
  assert_true(c.entries.items[1].campaign == 4 && c.entries.items[1].count == 2);
  arena_deinit(&a);
}

static struct json checked(const char *text) {
  struct json j;
  const char *why;
  size_t at;
  assert_true(json_check(str_from_c(text), &j, &why, &at));
  return j;
}

static void test_event_field(void **state) {
  (void)state;
  static struct event e;
  struct arena a;
  arena_init(&a, 1024);
  e.field_count = 2;
  e.fields[0] = (struct event_field){ 11, checked("40.5") };
  e.fields[1] = (struct event_field){ 12, checked("\"x\"") };
  struct field text = { .type = V_TEXT }, money = { .type = V_MONEY }, euro = { .type = V_MONEY, .currency = CURRENCY('E', 'U', 'R') };
  assert_true(str_is(value_str(event_field_value(&e, 12, &text, NULL, &a)), "x"));
  assert_int_equal(event_field_value(&e, 13, &text, NULL, &a).type, V_MISSING);
  assert_int_equal(event_field_value(&e, NONE, &text, NULL, &a).type, V_MISSING);
  /* money beside a currency, with a default, and with neither */
  assert_int_equal(event_field_value(&e, 11, &money, NULL, &a).type, V_MISSING);
  assert_int_equal(event_field_value(&e, 11, &euro, NULL, &a).aux, CURRENCY('E', 'U', 'R'));
  e.body = STR("{\"amount\":40.5,\"currency\":\"USD\"}");
  struct value v = event_field_value(&e, 11, &money, NULL, &a);
  assert_true(v.type == V_MONEY && v.i == 405000 && v.aux == CURRENCY('U', 'S', 'D'));
  assert_int_equal(event_field_value(&e, 11, &euro, NULL, &a).aux, CURRENCY('U', 'S', 'D'));
  arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fresh),      cmocka_unit_test(test_small),      cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_damage),     cmocka_unit_test(test_refused),    cmocka_unit_test(test_attributes),
    cmocka_unit_test(test_set),        cmocka_unit_test(test_merge),      cmocka_unit_test(test_attribute_limits),
    cmocka_unit_test(test_memberships), cmocka_unit_test(test_event_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
