#ifndef CAMP_TESTS_KILL_STORY_H
#define CAMP_TESTS_KILL_STORY_H
#include <stdint.h>

/* Runs the story with that sender (file, maildir) once undisturbed and then once for each point at which it may be killed, and compares
 * whole contents; fails the cmocka test that calls it. torn, when not 0: the last write of each kill is cut, by a seed from it. */
void kill_at_each_point(const char *scheme, uint64_t torn);
/* The same with synchronous=off at some points: how many runs lost what was acknowledged. It is more than none, which shows that a loss
 * is seen. */
int kill_losses_when_relaxed(void);
#endif
