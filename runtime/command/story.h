#ifndef CAMP_COMMAND_STORY_H
#define CAMP_COMMAND_STORY_H
/* The `test` blocks of a project, one by one, on the real engine. See story.c for its invariants. */
#include "runtime/command/session.h"

struct stories {
  struct session *s;
  struct arena arena;
  const struct unit **units;    /* the engine's, by hash */
  uint32_t unit_count;
};
/* Opens the engine of all tests over a database in memory. The session's project is compiled and outlives this; watch may be
 * NULL. Returns an exit code; close after a failure too. */
int stories_open(struct stories *all, struct session *s, const struct vm_watch *watch);
void stories_close(struct stories *all);
/* The engine's unit for one of the compiler's. */
const struct unit *stories_unit(const struct stories *all, const struct unit *compiled);
/* Runs one test. `why` tells in whole lines what was not as expected, and is empty when all is well; *at is then the step that
 * failed. EXIT_COULD_NOT after complaining when it could not be run. */
int story_run(struct stories *all, const struct test_block *block, struct buf *why, const struct test_step **at);
#endif
