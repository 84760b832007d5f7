#ifndef CAMP_COMMAND_PROGRESS_H
#define CAMP_COMMAND_PROGRESS_H
/* A bar on standard error for long work, drawn at most ten times a second, and only on a terminal: logs stay clean. */
#include <stdbool.h>
#include <stdint.h>

struct progress {
  bool on, drawn;
  const char *what;
  int64_t drawn_ms;
};
struct progress progress_of(const char *what);
/* total 0: how much there is to do is not known; then `done` is shown alone. */
void progress_at(struct progress *p, int64_t done, int64_t total);
/* Takes the bar away; called before anything else is printed. */
void progress_end(struct progress *p);
/* Milliseconds of a clock that never jumps, for intervals; and the time of day. */
int64_t clock_steady_ms(void);
int64_t clock_now_ms(void);
#endif
