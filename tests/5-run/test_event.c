/* The event in hand: which properties are kept, under which symbols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/assemble.h"
#include "vm/contact.h"
#include "vm/image.h"

struct event_case { const char *what, *name, *body, *kept; };
static const struct event_case cases[] = {
  { "keys that code looks at", "purchase", "{\"amount\":5,\"other\":6,\"page\":\"x\"}", "amount=5 page=\"x\"" },
  { "no properties", "purchase", "{}", "" },
  { "no body", "purchase", "", "" },
  { "an event that nobody names", "visit", "{\"amount\":5}", "none" },
  { "a name that is a string but no event", "amount", "{\"amount\":5}", "none" },
  { "the last of a repeated key", "purchase", "{\"amount\":5,\"page\":1,\"amount\":6}", "amount=6 page=1" },
  { "a key with escapes", "purchase", "{\"\\u0061mount\":5}", "amount=5" },
  { "a key with escapes, repeated without", "purchase", "{\"\\u0061mount\":5,\"amount\":6}", "amount=6" },
  { "an inner key", "purchase", "{\"x\":{\"amount\":5},\"amount\":{\"page\":1}}", "amount={\"page\":1}" },
  { "a long way through white space", "purchase", " { \"amount\" : [ 1 , 2 ] , \"page\" : null } ", "amount=[ 1 , 2 ] page=null" },
  { "what mail events say", "purchase", "{\"message\":\"hello\",\"key\":\"k\"}", "message=\"hello\" key=\"k\"" },
  { "an empty key", "purchase", "{\"\":1}", "" },
};

static const char *kept(struct arena *a, const struct image *im, struct event *e) {
  if (e->name == NONE) return e->field_count ? "none, but with properties" : "none";
  struct str text = { "", 0 };
  for (uint32_t i = 0; i < e->field_count; i++) {
    text = arena_printf(a, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(text), i ? " " : "",
                        STR_ARG(image_symbol_text(im, e->fields[i].key)), STR_ARG(e->fields[i].value.text));
  }
  return arena_str(a, text).ptr;
}

static struct image *image_of(struct arena *a, struct assembler *s) {
  struct image *im = image_new();
  asm_init(s, a, "rule");
  asm_code(s, "start: FIELD amount; STORE 0; HALT");
  asm_guarded(s, "purchase", "page", "x", NULL, "start");
  image_add(im, asm_unit(s), true);
  image_seal(im);
  return im;
}

static void properties_are_kept(void **state) {
  struct arena a;
  struct assembler s;
  arena_init(&a, 1 << 14);
  struct image *im = image_of(&a, &s);
  int bad = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct event e = { .name_text = str_from_c(cases[i].name) };
    struct json j = { 0 };
    const char *why;
    size_t at;
    if (*cases[i].body) assert_true(json_check(str_from_c(cases[i].body), &j, &why, &at));
    e.body = j.text;
    event_intern(&e, im, &a);
    const char *got = kept(&a, im, &e);
    if (strcmp(got, cases[i].kept) == 0) continue;
    print_message("# %s: got %s, wanted %s\n", cases[i].what, got, cases[i].kept);
    bad++;
  }
  assert_int_equal(bad, 0);
  image_free(im);
  arena_deinit(&a);
}

/* More properties than an event keeps: the first are kept, and nothing is written behind them. */
static void properties_have_a_limit(void **state) {
  struct arena a;
  struct assembler s;
  struct buf b;
  arena_init(&a, 1 << 16);
  buf_init(&b, 1 << 20);
  asm_init(&s, &a, "rule");
  asm_code(&s, "start: HALT");
  asm_trigger(&s, "purchase", NULL, "start");
  buf_c(&b, "{");
  for (int i = 0; i < LIMIT_EVENT_FIELDS_COUNT + 10; i++) {
    struct str name = arena_printf(&a, "p%d", i);
    asm_field(&s, name.ptr);
    buf_printf(&b, "%s\"p%d\":%d", i ? "," : "", i, i);
  }
  buf_c(&b, "}");
  struct image *im = image_new();
  image_add(im, asm_unit(&s), true);
  image_seal(im);
  struct event e = { .name_text = STR("purchase"), .body = buf_as_str(&b) };
  event_intern(&e, im, &a);
  assert_int_equal(e.field_count, LIMIT_EVENT_FIELDS_COUNT);
  assert_true(str_is(image_symbol_text(im, e.fields[LIMIT_EVENT_FIELDS_COUNT - 1].key), "p255"));
  image_free(im);
  buf_deinit(&b);
  arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(properties_are_kept), cmocka_unit_test(properties_have_a_limit) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
