/* Threads for the stages that are cut into jobs; see workers.h. Not here: what a job is.
 *
 *   1. The project's compilation is only read while workers run; a worker writes to its own, and to its jobs' results.
 *   2. A thread that cannot be had is no mistake: the first worker is the caller, and takes what the others do not. */
#include "workers.h"

#include "vm/base/check.h"

#include <pthread.h>
#include <unistd.h>

enum {
  WORKERS_MAX = 8,
  SMALL_BYTES = 256 << 10, /* of scripts: below, starting a thread costs more than it saves */
  ARENA_BLOCK_BYTES = 1 << 20,
  STACK_BYTES = 64 << 20   /* of address space: stages recurse over definitions within definitions, deeper than a system's default */
};

uint32_t workers_count(const struct compilation *c) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < c->sources.count; i++) bytes += c->sources.items[i].text.len;
  if (bytes < SMALL_BYTES) return 1;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (uint32_t)cores;
}

static void *worker_main(void *worker) {
  struct worker *w = worker;
  w->all->run(w, w->all->context);
  return NULL;
}

void workers_run(struct workers *all, struct compilation *c, uint32_t count) {
  struct worker workers[WORKERS_MAX];
  pthread_t threads[WORKERS_MAX];
  bool started[WORKERS_MAX] = { false };
  CHECK(count >= 1 && count <= WORKERS_MAX);
  for (uint32_t i = 0; i < count; i++) {
    workers[i] = (struct worker){ .all = all };
    arena_init(&workers[i].own.arena, ARENA_BLOCK_BYTES);
    workers[i].own.sources.items = c->sources.items;
    workers[i].own.sources.count = c->sources.count;
  }
  pthread_attr_t attributes;
  CHECK(pthread_attr_init(&attributes) == 0);
  CHECK(pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0);
  for (uint32_t i = 1; i < count; i++) started[i] = pthread_create(&threads[i], &attributes, worker_main, &workers[i]) == 0;
  CHECK(pthread_attr_destroy(&attributes) == 0);
  worker_main(&workers[0]);
  for (uint32_t i = 1; i < count; i++)
    if (started[i]) CHECK(pthread_join(threads[i], NULL) == 0);
  for (uint32_t i = 0; i < count; i++) arena_adopt(&c->arena, &workers[i].own.arena);
}

bool worker_take(struct worker *w, uint32_t *from, uint32_t *to) {
  struct workers *all = w->all;
  *from = atomic_fetch_add(&all->next, all->take);
  if (*from >= all->job_count) return false;
  *to = all->job_count - *from < all->take ? all->job_count : *from + all->take;
  return true;
}

bool worker_met_mistake(struct worker *w) {
  bool met = w->own.error_count || w->own.warning_count;
  w->own.diagnostics.count = w->own.error_count = w->own.warning_count = 0;
  return met;
}
