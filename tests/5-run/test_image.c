/* The image: symbols, measures, and who listens to what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/lib/assemble.h"
#include "vm/contact.h"
#include "vm/image.h"

/* A unit whose triggers are given as text: "event", or "event property=text", several parted by "; ". */
static struct unit *unit_of(struct arena *a, const char *name, const char *triggers) {
  struct assembler *s = ARENA_NEW(a, struct assembler);
  asm_init(s, a, name);
  asm_code(s, "start: HALT; filter: CONST true; RET");
  while (*triggers) {
    char event[40] = "", property[40] = "", text[80] = "";
    int n = 0;
    if (sscanf(triggers, "%39[^ ;] %39[^=;]=%79[^;]%n", event, property, text, &n) == 3) {
      asm_guarded(s, event, property, text, "filter", "start");
    } else {
      assert_int_equal(sscanf(triggers, "%39[^ ;]%n", event, &n), 1);
      asm_trigger(s, event, NULL, "start");
    }
    triggers += n;
    while (*triggers == ';' || *triggers == ' ') triggers++;
  }
  return asm_unit(s);
}

static struct event event_of(struct arena *a, const struct image *im, const char *name, const char *body) {
  struct event e;
  struct json j;
  const char *why;
  size_t at;
  assert_true(json_check(str_from_c(body), &j, &why, &at));
  memset(&e, 0, sizeof e);
  e.name_text = str_from_c(name);
  e.body = str_from_c(body);
  event_intern(&e, im, a);
  return e;
}

/* Who listens, as "unit.trigger unit.trigger". */
static const char *listeners(struct arena *a, const struct image *im, const char *name, const char *body) {
  struct event e = event_of(a, im, name, body);
  struct listener *out = arena_alloc(a, image_listener_max(im) * sizeof *out);
  uint32_t count = image_listeners(im, &e, out);
  struct str text = { "", 0 };
  assert_true(count <= image_listener_max(im));
  for (uint32_t i = 0; i < count; i++) {
    text = arena_printf(a, STR_FMT "%s" STR_FMT ".%u", STR_ARG(text), i ? " " : "", STR_ARG(unit_name(out[i].unit)),
                        (unsigned)(out[i].trigger - out[i].unit->triggers));
  }
  return arena_str(a, text).ptr;
}

static void symbols_are_one_a_text(void **state) {
  struct arena a;
  arena_init(&a, 1 << 14);
  struct image *im = image_new();
  struct unit *one = unit_of(&a, "one", "purchase"), *two = unit_of(&a, "two", "purchase");
  image_add(im, one, true);
  image_add(im, two, true);
  image_seal(im);
  uint32_t symbol = image_symbol(im, STR("purchase"));
  assert_int_equal(one->link->symbols[one->triggers[0].event], symbol);
  assert_int_equal(two->link->symbols[two->triggers[0].event], symbol);
  assert_true(str_is(image_symbol_text(im, symbol), "purchase"));
  assert_int_equal(image_symbol(im, STR("nobody says this")), NONE);
  assert_int_equal(image_symbol(im, (struct str){ NULL, 0 }), NONE);
  assert_int_equal(image_symbol_text(im, NONE).len, 0);
  assert_int_equal(image_symbol(im, STR("message")), SYMBOL_MESSAGE);
  assert_int_equal(image_symbol(im, STR("key")), SYMBOL_KEY);
  assert_int_equal(image_unit_count(im), 2);
  assert_ptr_equal(image_unit(im, 1), two);
  assert_int_equal(two->link->order, 1);
  image_free(im);
  arena_deinit(&a);
}

static void many_symbols_stay_apart(void **state) {
  struct arena a;
  arena_init(&a, 1 << 16);
  struct image *im = image_new();
  struct assembler s;
  asm_init(&s, &a, "many");
  char text[40];
  for (int i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "\"constant %d\"", i);
    VEC_PUSH(&a, &s.consts, asm_value(&s, text));
  }
  struct unit *u = asm_unit(&s);
  image_add(im, u, true);
  image_seal(im);
  for (uint32_t i = 0; i < 5000; i++) {
    struct str was = value_str(u->consts[i]), now = value_str(u->link->consts[i]);
    assert_true(str_eq(was, now));
    assert_int_equal(u->consts[i].interned, 0); /* the unit itself is left as it was */
    assert_int_equal(u->link->consts[i].interned, 1);
    assert_ptr_equal(now.ptr, image_symbol_text(im, image_symbol(im, was)).ptr);
  }
  image_free(im);
  arena_deinit(&a);
}

static void names_find_current_units(void **state) {
  struct arena a;
  arena_init(&a, 1 << 14);
  struct image *im = image_new();
  struct unit *old = unit_of(&a, "welcome", "signup"), *new = unit_of(&a, "welcome", "signup");
  struct unit *gone = unit_of(&a, "gone", "signup"), *message = unit_of(&a, "welcome", "");
  message->kind = UNIT_MESSAGE;
  message->topic = NONE;
  image_add(im, new, true);
  image_add(im, message, true);
  image_add(im, old, false);
  image_add(im, gone, false);
  image_seal(im);
  assert_ptr_equal(image_campaign(im, STR("welcome")), new);
  assert_ptr_equal(image_message(im, STR("welcome")), message);
  assert_null(image_campaign(im, STR("gone")));
  assert_null(image_campaign(im, STR("signup")));
  assert_null(image_message(im, STR("unheard of")));
  assert_string_equal(listeners(&a, im, "signup", "{}"), "welcome.0");
  image_free(im);
  arena_deinit(&a);
}

static void equal_measures_are_one(void **state) {
  struct arena a;
  arena_init(&a, 1 << 14);
  struct image *im = image_new();
  struct assembler s[3];
  static const char *const names[] = { "one", "two", "old" };
  for (int i = 0; i < 3; i++) {
    asm_init(&s[i], &a, names[i]);
    if (i == 1) asm_measure(&s[i], MEASURE_COUNT, "visit", NULL, NULL, NULL, "count(visit)");
    asm_measure(&s[i], MEASURE_COUNT, "purchase", NULL, NULL, NULL, "count(purchase)");
    if (i == 2) asm_measure(&s[i], MEASURE_COUNT, "purchase", NULL, "90d", NULL, "count(purchase, last 90d)");
    image_add(im, asm_unit(&s[i]), i < 2);
  }
  image_seal(im);
  assert_int_equal(image_measure_count(im), 3);
  assert_int_equal(s[0].unit.link->measures[0], s[1].unit.link->measures[1]);
  assert_int_equal(s[0].unit.link->measures[0], s[2].unit.link->measures[0]);
  uint32_t count;
  const uint32_t *fed = image_event_measures(im, image_symbol(im, STR("purchase")), &count);
  assert_int_equal(count, 2);
  assert_int_equal(fed[0], s[0].unit.link->measures[0]);
  assert_int_equal(fed[1], s[2].unit.link->measures[1]);
  assert_true(image_measure(im, fed[1])->measure == &s[2].unit.measures[1]);
  image_event_measures(im, image_symbol(im, STR("visit")), &count);
  assert_int_equal(count, 1);
  image_event_measures(im, image_symbol(im, STR("one")), &count);
  assert_int_equal(count, 0);
  image_event_measures(im, NONE, &count);
  assert_int_equal(count, 0);
  image_free(im);
  arena_deinit(&a);
}

static void listeners_come_in_order_of_declaration(void **state) {
  static const struct { const char *event, *body, *wanted; } cases[] = {
    { "purchase", "{}", "a.0 c.0 c.2" },
    { "purchase", "{\"page\":\"/x\"}", "a.0 c.0 c.2" },
    { "page_view", "{}", "d.0" },
    { "page_view", "{\"page\":\"/x\"}", "b.0 c.1 d.0" },
    { "page_view", "{\"page\":\"/y\"}", "a.1 d.0" },
    { "page_view", "{\"page\":\"\\/y\"}", "a.1 d.0" },
    { "page_view", "{\"page\":\"/x\",\"site\":\"shop\"}", "b.0 b.1 c.1 d.0" },
    { "page_view", "{\"site\":\"shop\",\"page\":\"/x\"}", "b.0 b.1 c.1 d.0" },
    { "page_view", "{\"page\":\"/y\",\"page\":\"/x\"}", "b.0 c.1 d.0" },
    { "page_view", "{\"page\":\"/z\"}", "d.0" },
    { "page_view", "{\"page\":5}", "d.0 e.0" },
    { "page_view", "{\"page\":\"5\"}", "d.0 e.0" },
    { "page_view", "{\"page\":null}", "d.0" },
    { "page_view", "{\"page\":{\"page\":\"/x\"}}", "d.0" },
    { "page_view", "{\"pa\\u0067e\":\"/x\"}", "b.0 c.1 d.0" },
    { "/x", "{}", "" },
    { "nothing", "{\"page\":\"/x\"}", "" },
  };
  struct arena a;
  arena_init(&a, 1 << 16);
  struct image *im = image_new();
  image_add(im, unit_of(&a, "a", "purchase; page_view page=/y"), true);
  image_add(im, unit_of(&a, "b", "page_view page=/x; page_view site=shop"), true);
  image_add(im, unit_of(&a, "old", "purchase; page_view page=/x"), false);
  image_add(im, unit_of(&a, "c", "purchase; page_view page=/x; purchase"), true);
  image_add(im, unit_of(&a, "d", "page_view"), true);
  image_add(im, unit_of(&a, "e", "page_view page=5"), true);
  image_seal(im);
  int bad = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *got = listeners(&a, im, cases[i].event, cases[i].body);
    if (strcmp(got, cases[i].wanted) == 0) continue;
    print_message("# %s %s: got %s, wanted %s\n", cases[i].event, cases[i].body, got, cases[i].wanted);
    bad++;
  }
  assert_int_equal(bad, 0);
  image_free(im);
  arena_deinit(&a);
}

static void ten_thousand_guards_find_one(void **state) {
  struct arena a;
  arena_init(&a, 1 << 20);
  struct image *im = image_new();
  for (int i = 0; i < 10000; i++) {
    char name[40], trigger[60];
    snprintf(name, sizeof name, "rule%d", i);
    snprintf(trigger, sizeof trigger, "page_view page=/page/%d", i);
    image_add(im, unit_of(&a, name, trigger), true);
  }
  image_seal(im);
  assert_int_equal(image_listener_max(im), 10000);
  assert_string_equal(listeners(&a, im, "page_view", "{\"page\":\"/page/7777\"}"), "rule7777.0");
  assert_string_equal(listeners(&a, im, "page_view", "{\"page\":\"/page/10000\"}"), "");
  image_free(im);
  arena_deinit(&a);
}

static void events_are_heard_by_live_units(void **state) {
  struct arena a;
  arena_init(&a, 1 << 14);
  struct image *im = image_new();
  struct assembler s;
  asm_init(&s, &a, "old");
  asm_code(&s, "start: HALT");
  asm_trigger(&s, "signup", NULL, "start");
  asm_stop(&s, "unsubscribe", NULL);
  asm_goal(&s, "purchase", NULL, NULL);
  asm_wait(&s, NULL, NULL, 0);
  asm_branch(&s, "open", NULL, "start");
  asm_measure(&s, MEASURE_COUNT, "visit", NULL, NULL, NULL, "count(visit)");
  image_add(im, asm_unit(&s), false);
  image_seal(im);
  static const struct { const char *name; bool heard, event; } cases[] = {
    { "unsubscribe", true, true }, { "purchase", true, true }, { "open", true, true },
    { "signup", false, false }, { "visit", false, true }, { "old", false, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint32_t symbol = image_symbol(im, str_from_c(cases[i].name));
    assert_int_equal(image_event_is_heard(im, symbol), cases[i].heard);
    assert_int_equal(image_symbol_is_event(im, symbol), cases[i].event);
  }
  assert_false(image_event_is_heard(im, NONE));
  image_free(im);
  arena_deinit(&a);
}

static void an_empty_image_answers(void **state) {
  struct arena a;
  arena_init(&a, 1 << 12);
  struct image *im = image_new();
  image_seal(im);
  assert_int_equal(image_unit_count(im), 0);
  assert_int_equal(image_measure_count(im), 0);
  assert_int_equal(image_listener_max(im), 0);
  assert_string_equal(listeners(&a, im, "purchase", "{\"message\":\"x\"}"), "");
  image_free(im);
  image_free(NULL);
  arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(symbols_are_one_a_text), cmocka_unit_test(many_symbols_stay_apart),
    cmocka_unit_test(names_find_current_units), cmocka_unit_test(equal_measures_are_one),
    cmocka_unit_test(listeners_come_in_order_of_declaration), cmocka_unit_test(ten_thousand_guards_find_one),
    cmocka_unit_test(events_are_heard_by_live_units), cmocka_unit_test(an_empty_image_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
