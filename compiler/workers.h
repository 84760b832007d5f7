#ifndef CAMP_COMPILER_WORKERS_H
#define CAMP_COMPILER_WORKERS_H
/* A stage of a large project over the machine's cores. Private to the compiler.
 *
 * A stage is cut into jobs that do not look at each other. Each worker takes the next job that nobody took, and works in a
 * compilation of its own: the sources of the project, an arena, and diagnostics that nobody sees. What a job makes may not
 * depend on who did it. A job that met a mistake is said to be so by its stage, and done again in its turn in the project's
 * own compilation, so that mistakes are reported as if there were one worker. */
#include "compile.h"

#include <stdatomic.h>

struct workers;
struct worker {
  struct compilation own;
  struct workers *all;
};
struct workers {
  void *context;            /* the stage's */
  uint32_t job_count, take; /* how many jobs are taken at a time */
  _Atomic uint32_t next;
  void (*run)(struct worker *w, void *context);
};

/* How many workers a project is worth: 1 for a small one. */
uint32_t workers_count(const struct compilation *c);
/* Calls run once a worker, at the same time, and returns when all have ended; c then owns what they made. */
void workers_run(struct workers *all, struct compilation *c, uint32_t count);
/* The next jobs, from … to - 1; false when there are no more. */
bool worker_take(struct worker *w, uint32_t *from, uint32_t *to);
/* Whether a mistake or a warning was met since this was last asked. */
bool worker_met_mistake(struct worker *w);
#endif
