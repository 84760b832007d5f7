/* Errors point at mistakes: a sample of broken scripts (tests/lib/mutants.h), the same every time. Of those that are no programs any
 * more, the first error of 95 in 100 stands where a reader could first see the mistake, and 90 in 100 make one error. None makes
 * the compiler crash or hang. make bench tries all of them and prints the figures. */
#include "tests/lib/mutants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { STEP = 11, BROKEN_MIN = 300, RIGHT_PERCENT = 95, ONE_ERROR_PERCENT = 90 };

static void broken_scripts(void **state) {
  (void)state;
  const char *root = getenv("CAMP_ROOT");
  struct mutant_figures f = { 0 };
  assert_true(mutants_of_tree(&f, root ? root : ".", STEP, getenv("CAMP_MUTANTS") ? stderr : NULL));
  print_message("%u mutants, %u are programs still; of %u, %u are right and %u make one error\n", f.made, f.valid + f.warned, f.broken,
                mutants_right(&f), f.one_error);
  assert_int_equal(f.made, f.valid + f.warned + f.broken);
  assert_true(f.broken >= BROKEN_MIN);
  assert_true(mutants_right(&f) * 100 >= f.broken * RIGHT_PERCENT);
  assert_true(f.one_error * 100 >= f.broken * ONE_ERROR_PERCENT);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(broken_scripts) };
  return cmocka_run_group_tests_name("broken scripts", tests, NULL, NULL);
}
