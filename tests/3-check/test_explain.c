/* The pages of `camp explain` keep their word: every wrong example gives exactly its code, every right one is clean. */
#include "compiler/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static bool zone_known(void *context, struct str name) {
  (void)context;
  return str_is(name, "Europe/Paris");
}

/* The files that examples take in. */
static bool read_file(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text) {
  static const char *const files[] = { "snippets/footer.liquid", "Camp Ltd.", "snippets/endless.liquid", "{% render 'endless' %}",
                                       "layouts/base.liquid", "{% block title %}News{% endblock %}{{ content_for_layout }}", NULL };
  (void)context, (void)a;
  for (size_t i = 0; from && files[i]; i += 2)
    if (str_is(name, files[i])) {
      *shown = str_from_c(files[i]);
      *text = str_from_c(files[i + 1]);
      return true;
    }
  return false;
}

static void compile_text(struct compilation *c, const char *text) {
  compilation_init(c);
  compilation_add(c, STR("example.camp"), str_from_c(text), false);
  compile(c, &(struct source_reader){ .read = read_file, .zone_known = zone_known });
}

static void print_all(const struct compilation *c) {
  struct buf b;
  buf_init(&b, 1u << 20);
  diagnostics_print(&b, c, FORMAT_HUMAN, false);
  print_message("%s", b.data ? b.data : "");
  buf_deinit(&b);
}

static void wrong_examples(void **state) {
  (void)state;
  for (size_t i = 0; explain_at(i); i++) {
    const struct explain *x = explain_at(i);
    if (!*x->wrong)
      continue;
    struct compilation c;
    compile_text(&c, x->wrong);
    bool only = c.diagnostics.count > 0;
    for (uint32_t k = 0; k < c.diagnostics.count; k++)
      only &= strcmp(c.diagnostics.items[k].code, x->code) == 0;
    if (!only) {
      print_message("the wrong example of %s gives:\n", x->code);
      print_all(&c);
    }
    assert_true(only);
    compilation_deinit(&c);
  }
}

static void right_examples(void **state) {
  (void)state;
  for (size_t i = 0; explain_at(i); i++) {
    const struct explain *x = explain_at(i);
    if (!*x->right)
      continue;
    struct compilation c;
    compile_text(&c, x->right);
    if (c.error_count) {
      print_message("the right example of %s gives:\n", x->code);
      print_all(&c);
    }
    assert_int_equal(c.error_count, 0);
    compilation_deinit(&c);
  }
}

static void pages_are_in_order(void **state) {
  (void)state;
  for (size_t i = 0; explain_at(i); i++) {
    const struct explain *x = explain_at(i), *next = explain_at(i + 1);
    assert_true(*x->title && *x->text);
    if (next && x->code[0] == next->code[0])
      assert_true(strcmp(x->code, next->code) < 0);
    assert_ptr_equal(explain_find(x->code), x);
  }
  assert_null(explain_find("E9999"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(wrong_examples),
    cmocka_unit_test(right_examples),
    cmocka_unit_test(pages_are_in_order),
  };
  return cmocka_run_group_tests_name("explain pages", tests, NULL, NULL);
}
