/* Killed at each point, with messages in a file; and that a loss would be seen. The story and its kills are tests/lib/kill_story.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/kill_story.h"

static void at_each_point(void **state) {
  (void)state;
  kill_at_each_point("file", 0);
}
static void relaxed_loses(void **state) {
  (void)state;
  assert_true(kill_losses_when_relaxed() > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(at_each_point),
    cmocka_unit_test(relaxed_loses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
