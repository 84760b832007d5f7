/* A large project is parsed and emitted on several cores; what comes out is what each of its scripts gives alone, on one: the same
 * messages in the order of the scripts, the same units in the order of the project. */
#include "compiler/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "vm/base/limits.h"

enum { SCRIPTS = 60, PARTS = 24 }; /* about 600 KB: more than what one core does alone */

/* Names are the script's own, so that it stands alone. The definition with an element is written into several units. */
static struct str script_of(struct arena *a, int script, bool mistakes) {
  struct buf b;
  buf_init(&b, 1u << 20);
  buf_printf(&b, "record line_%d { sku: text; price: money in EUR }\n"
                 "event order_%d { lines: list of line_%d; amount: money; source: text }\n"
                 "define dear_%d = count(order_%d where (any l in lines where l.price > %d EUR), last 90d) >= 2\n",
             script, script, script, script, script, script + 1);
  for (int i = 0; i < PARTS; i++) {
    buf_printf(&b, "message hi_%d_%d { subject \"Hi {{ contact.first_name | default: \"friend\" }}\"; body \"Order %d\" }\n",
               script, i, i);
    buf_printf(&b, "campaign c_%d_%d {\n  start when order_%d where (amount > %d EUR and source is not \"import\")\n"
                   "  wait for open of hi_%d_%d up to %dd {\n    if dear_%d and (no purchase in last 3d) { tag \"t%d\" }\n  }\n"
                   "  send hi_%d_%d after 2d unless unsubscribe\n}\n",
               script, i, script, i + 1, script, i, i + 1, script, i, script, i);
    if (mistakes && script % 7 == 3 && i == script % PARTS) buf_printf(&b, "wehn order_%d then tag \"x\"\n", script);
    if (mistakes && script % 11 == 5 && i == 2) buf_printf(&b, "when ordr_%d then tag \"x\"\ndefine idle_%d = 1 > 2\n", script, script);
  }
  assert_false(b.failed);
  struct str text = arena_str(a, buf_as_str(&b));
  buf_deinit(&b);
  return text;
}

static void compile_all(struct compilation *c, struct arena *a, bool mistakes) {
  compilation_init(c);
  size_t bytes = 0;
  for (int i = 0; i < SCRIPTS; i++) {
    struct str text = script_of(a, i, mistakes);
    bytes += text.len;
    compilation_add(c, arena_printf(a, "%02d.camp", i), text, false);
  }
  assert_true(bytes > 400u << 10);
  compile(c, NULL);
}

static void compile_one(struct compilation *c, struct arena *a, int script, bool mistakes) {
  compilation_init(c);
  compilation_add(c, arena_printf(a, "%02d.camp", script), script_of(a, script, mistakes), false);
  compile(c, NULL);
}

static void test_units(void **state) {
  (void)state;
  struct compilation all, one;
  struct arena a;
  arena_init(&a, 1 << 16);
  compile_all(&all, &a, false);
  assert_int_equal(all.error_count, 0);
  uint32_t at = 0;
  for (int i = 0; i < SCRIPTS; i++) {
    compile_one(&one, &a, i, false);
    assert_int_equal(one.error_count, 0);
    for (uint32_t k = 0; k < one.program.unit_count; k++, at++) {
      const struct unit *x = &all.program.units[at], *y = &one.program.units[k];
      assert_true(at < all.program.unit_count);
      assert_memory_equal(x->hash, y->hash, UNIT_HASH_BYTES);
      assert_int_equal(x->step_count, y->step_count);
      for (uint32_t s = 0; s < x->step_count; s++) assert_int_equal(x->steps[s].line, y->steps[s].line);
    }
    compilation_deinit(&one);
  }
  assert_int_equal(at, all.program.unit_count);
  compilation_deinit(&all);
  arena_deinit(&a);
}

static void test_messages(void **state) {
  (void)state;
  struct compilation all, one;
  struct arena a;
  struct buf got, want;
  arena_init(&a, 1 << 16);
  buf_init(&got, 1u << 20);
  buf_init(&want, 1u << 20);
  compile_all(&all, &a, true);
  diagnostics_print(&got, &all, FORMAT_SHORT, false);
  for (int i = 0; i < SCRIPTS; i++) {
    compile_one(&one, &a, i, true);
    diagnostics_print(&want, &one, FORMAT_SHORT, false);
    compilation_deinit(&one);
  }
  assert_true(got.len > 0);
  assert_string_equal(got.data, want.data);
  buf_deinit(&got);
  buf_deinit(&want);
  compilation_deinit(&all);
  arena_deinit(&a);
}

/* A limit that only emitting meets: the message stands at its campaign, and is the only one. */
static void test_limit(void **state) {
  (void)state;
  struct compilation c;
  struct arena a;
  struct buf b, got;
  arena_init(&a, 1 << 16);
  buf_init(&b, 1u << 20);
  buf_init(&got, 1u << 20);
  buf_c(&b, "contact { n: number }\ncampaign deep { start when purchase\n  if ");
  for (int i = 0; i < LIMIT_STACK_COUNT; i++) buf_c(&b, "contact.n + (");
  buf_c(&b, "contact.n");
  for (int i = 0; i < LIMIT_STACK_COUNT; i++) buf_c(&b, ")");
  buf_c(&b, " > 1 { tag \"y\" }\n}\n");
  compilation_init(&c);
  for (int i = 0; i < SCRIPTS; i++) compilation_add(&c, arena_printf(&a, "%02d.camp", i), script_of(&a, i, false), false);
  compilation_add(&c, STR("z.camp"), arena_str(&a, buf_as_str(&b)), false);
  compile(&c, NULL);
  diagnostics_print(&got, &c, FORMAT_SHORT, false);
  assert_string_equal(got.data, "z.camp:2:10: error[E0509]: this has more than 64 values in one expression\n");
  buf_deinit(&b);
  buf_deinit(&got);
  compilation_deinit(&c);
  arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_units),
    cmocka_unit_test(test_messages),
    cmocka_unit_test(test_limit),
  };
  return cmocka_run_group_tests_name("on several cores as on one", tests, NULL, NULL);
}
