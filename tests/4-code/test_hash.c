/* A unit's hash is its meaning: formatting, comments, the order of files and of other declarations change none; every
 * word that changes what happens does. */
#include "compiler/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void compile_text(struct compilation *c, const char *text) {
  compilation_init(c);
  compilation_add(c, STR("a.camp"), str_from_c(text), false);
  compile(c, NULL);
  struct buf b;
  buf_init(&b, 1u << 20);
  diagnostics_print(&b, c, FORMAT_SHORT, false);
  if (c->error_count)
    print_message("%s\n%s", text, b.data);
  buf_deinit(&b);
  assert_int_equal(c->error_count, 0);
}

/* The hash of the unit `w` of a script. */
static void hash_of(const char *text, uint8_t out[UNIT_HASH_BYTES]) {
  struct compilation c;
  bool found = false;
  compile_text(&c, text);
  for (uint32_t i = 0; i < c.program.unit_count; i++)
    if (str_is(unit_name(&c.program.units[i]), "w")) {
      memcpy(out, c.program.units[i].hash, UNIT_HASH_BYTES);
      found = true;
    }
  assert_true(found);
  compilation_deinit(&c);
}

static const char *const plain =
    "message hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 7d\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >= 2 { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\n";

static const struct { const char *what, *text; } same[] = {
  { "comments, blank lines and spaces",
    "\n\n# A remark.\nmessage hi { subject \"Hi\"; body \"Hi\" }\n\n## Documented.\n"
    "campaign w {\n\n  start   when signup where   source is not \"import\" # why\n  wait 7d\n\n\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >=\n     2 {\n    send hi\n    after 2d if still contact.country is \"FR\"\n  }\n}\n" },
  { "long units of time and other spellings of a week",
    "message hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 1w\n"
    "  if count(purchase where (amount > 50 EUR), last 90 days) >= 2 { send hi after 2 days if still contact.country is \"FR\" }\n"
    "}\n" },
  { "other declarations around it",
    "list vip\nevent other { a: text }\nwhen other then join vip\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 7d\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >= 2 { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\nmessage hi { subject \"Other words\"; body \"Hi\" }\n" },
  { "a condition under a name",
    "define often = count(purchase where amount > 50 EUR, last 90d) >= 2\nmessage hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 7d\n"
    "  if often { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\n" },
};

static const struct { const char *what, *text; } other[] = {
  { "a longer wait",
    "message hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 8d\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >= 2 { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\n" },
  { "hours instead of days",
    "message hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 168h\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >= 2 { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\n" },
  { "another entry rule",
    "message hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  entry once\n  start when signup where source is not \"import\"\n  wait 7d\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >= 2 { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\n" },
  { "another type of the property",
    "event purchase { amount: money in EUR }\nmessage hi { subject \"Hi\"; body \"Hi\" }\n"
    "campaign w {\n  start when signup where source is not \"import\"\n  wait 7d\n"
    "  if count(purchase where amount > 50 EUR, last 90d) >= 2 { send hi after 2d if still contact.country is \"FR\" }\n"
    "}\n" },
};

static void equal_meaning(void **state) {
  (void)state;
  uint8_t want[UNIT_HASH_BYTES], got[UNIT_HASH_BYTES];
  hash_of(plain, want);
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    hash_of(same[i].text, got);
    if (memcmp(want, got, sizeof got))
      print_message("%s changed the hash\n", same[i].what);
    assert_memory_equal(want, got, sizeof got);
  }
}

static void other_meaning(void **state) {
  (void)state;
  uint8_t want[UNIT_HASH_BYTES], got[UNIT_HASH_BYTES];
  hash_of(plain, want);
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    hash_of(other[i].text, got);
    if (!memcmp(want, got, sizeof got))
      print_message("%s did not change the hash\n", other[i].what);
    assert_memory_not_equal(want, got, sizeof got);
  }
}

/* What is written can be read back, and again gives the same bytes. */
static void written_and_read(void **state) {
  (void)state;
  struct compilation c;
  compile_text(&c, plain);
  struct buf first, again;
  buf_init(&first, 16u << 20);
  buf_init(&again, 16u << 20);
  program_write(&first, &c.program);
  struct program p;
  struct program_error e;
  assert_int_equal(program_read(&c.arena, buf_as_str(&first), &p, &e), CAMP_OK);
  program_write(&again, &p);
  assert_true(str_eq(buf_as_str(&first), buf_as_str(&again)));
  buf_deinit(&first);
  buf_deinit(&again);
  compilation_deinit(&c);
}

static void tests_are_resolved(void **state) {
  (void)state;
  struct compilation c;
  compile_text(&c,
               "list vip\nmessage hi { subject \"Hi\"; body \"Hi\" }\n"
               "test \"a story\" {\n  contact ann { country: \"FR\" }\n  at 2026-01-05 10:00 ann purchase { amount: 40 EUR }\n"
               "  ann open of hi\n  expect hi sent to ann once\n  expect nothing sent to ann within 6d\n  expect ann not in vip\n}\n");
  assert_int_equal(c.tests.count, 1);
  const struct test_block *t = c.tests.items[0];
  static const enum test_kind kinds[] = { TEST_CONTACT, TEST_AT, TEST_EVENT, TEST_EVENT, TEST_EXPECT_SENT,
                                          TEST_EXPECT_NOTHING, TEST_EXPECT_COND };
  assert_int_equal(t->step_count, sizeof kinds / sizeof *kinds);
  for (uint32_t i = 0; i < t->step_count; i++) {
    assert_int_equal(t->steps[i].kind, kinds[i]);
    if (i != 1)
      assert_true(str_is(t->steps[i].contact, "ann"));
  }
  assert_int_equal(t->steps[0].prop_count, 1);
  assert_true(str_is(value_str(t->steps[0].props[0].value), "FR"));
  assert_int_equal(t->steps[1].civil_ms, calendar_days(2026, 1, 5) * MS_PER_DAY + 10 * 3600 * 1000);
  assert_true(value_equal(t->steps[2].props[0].value, value_money(40 * MONEY_SCALE, CURRENCY('E', 'U', 'R')), zone_utc()));
  assert_true(str_is(t->steps[3].of, "hi"));
  assert_true(t->steps[4].once && t->steps[4].times == 1 && str_is(t->steps[4].name, "hi"));
  assert_true(t->steps[5].has_within && t->steps[5].within.i == 6);
  assert_non_null(t->steps[6].unit);
  assert_int_equal(t->steps[6].unit->trigger_count, 0);
  compilation_deinit(&c);
}

/* A snippet's words are those of the messages that take it in, and of no other. */
static bool read_footer(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text) {
  (void)a;
  if (!from || !str_is(name, "snippets/footer.liquid")) return false;
  *shown = name;
  *text = str_from_c(context);
  return true;
}

static void hashes_with(char *footer, uint8_t out[3][UNIT_HASH_BYTES]) {
  static const char text[] = "message hi { subject \"Hi\"; body \"Hi {% render 'footer' %}\" }\nmessage bye { subject \"Bye\"; body \"Bye {{ 1 | plus: 1 }}\" }\n"
                             "campaign w { start when signup; send hi; send bye }\n";
  struct compilation c;
  compilation_init(&c);
  compilation_add(&c, STR("a.camp"), STR(text), false);
  compile(&c, &(struct source_reader){ .context = footer, .read = read_footer });
  assert_int_equal(c.error_count, 0);
  for (uint32_t i = 0; i < c.program.unit_count; i++) {
    struct str name = unit_name(&c.program.units[i]);
    int at = str_is(name, "hi") ? 0 : str_is(name, "bye") ? 1 : str_is(name, "w") ? 2 : -1;
    if (at >= 0) memcpy(out[at], c.program.units[i].hash, UNIT_HASH_BYTES);
  }
  compilation_deinit(&c);
}

static void snippets(void **state) {
  (void)state;
  uint8_t before[3][UNIT_HASH_BYTES], after[3][UNIT_HASH_BYTES];
  char one[] = "Camp Ltd.", two[] = "Camp Inc.";
  hashes_with(one, before);
  hashes_with(two, after);
  assert_memory_not_equal(before[0], after[0], UNIT_HASH_BYTES);
  assert_memory_equal(before[1], after[1], UNIT_HASH_BYTES);
  assert_memory_equal(before[2], after[2], UNIT_HASH_BYTES);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(snippets),
    cmocka_unit_test(equal_meaning),
    cmocka_unit_test(other_meaning),
    cmocka_unit_test(written_and_read),
    cmocka_unit_test(tests_are_resolved),
  };
  return cmocka_run_group_tests_name("hashes and tests", tests, NULL, NULL);
}
