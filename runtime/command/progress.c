/* The progress bar. It is not a log: it leaves no line behind. */
#include "runtime/command/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ms(clockid_t id) {
  struct timespec t;
  if (clock_gettime(id, &t) != 0) return 0;
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
int64_t clock_steady_ms(void) { return clock_ms(CLOCK_MONOTONIC); }
int64_t clock_now_ms(void) { return clock_ms(CLOCK_REALTIME); }

struct progress progress_of(const char *what) {
  const char *term = getenv("TERM");
  bool on = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
  return (struct progress){ .on = on, .what = what, .drawn_ms = on ? clock_steady_ms() : 0 };
}

void progress_at(struct progress *p, int64_t done, int64_t total) {
  enum { EVERY_MS = 100, CELLS = 30 };
  if (!p->on) return;
  int64_t now = clock_steady_ms();
  if (now - p->drawn_ms < EVERY_MS) return;
  p->drawn_ms = now;
  p->drawn = true;
  if (total <= 0) {
    fprintf(stderr, "\r\033[K%s: %" PRId64, p->what, done);
    return;
  }
  if (done > total) done = total;
  char bar[CELLS + 1];
  int full = (int)((double)done / (double)total * CELLS);
  for (int i = 0; i < CELLS; i++) bar[i] = i < full ? '#' : '.';
  bar[CELLS] = 0;
  fprintf(stderr, "\r\033[K%s [%s] %3d %%", p->what, bar, (int)((double)done / (double)total * 100));
}

void progress_end(struct progress *p) {
  if (p->drawn) fprintf(stderr, "\r\033[K");
  p->drawn = false;
}
