#ifndef CAMP_COMMAND_INTAKE_H
#define CAMP_COMMAND_INTAKE_H
/* Lines of a feed gathered into batches for the engine, with the place that each batch ends at. */
#include "runtime/command/session.h"

struct intake {
  struct feed *feed;
  bool ended;              /* nothing more will come */
  struct arena arena;      /* one batch's lines */
  VEC(struct input) inputs;
  VEC(struct reject_row) rejects;
  struct store_source place; /* behind the batch */
  struct str key;
  int64_t first_ms;        /* steady time at which the batch's first line came */
  struct arena names;      /* the key */
  struct str hidden;       /* a line's beginning that is import's own and not shown in rejects */
  char shown_first;        /* what the user wrote in its place, or 0 */
};

/* Opens the feed where the database says it was left. `key` NULL: the feed's own. Returns an exit code. */
int intake_open(struct session *s, struct intake *in, const char *path, bool csv, const char *key);
void intake_close(struct intake *in);
/* Gathers lines until the batch is full, is grown_ms old, the feed has ended or nothing came for wait_ms. Returns an exit code. */
int intake_gather(struct session *s, struct intake *in, int wait_ms, int grown_ms);
/* Hands the batch to the engine as arrived now, and begins a new one. Returns an exit code. */
int intake_take(struct session *s, struct intake *in, int64_t now_ms);
static inline bool intake_holds(const struct intake *in) { return in->inputs.count > 0 || in->rejects.count > 0; }
/* A refused line as a row; text beyond LIMIT_REJECT_BYTES is cut. Copies into the arena. */
struct reject_row reject_of(struct arena *a, struct str source, int64_t line, struct str text, struct str why, int64_t at_ms);
/* The end of a report on refused lines, when there were some. */
/* How many lines were refused, with one of the reasons; db NULL: it is not kept. taken: lines that were accepted, because when
 * there are none the whole file is likely of another kind. */
/* Names of events that came and that no script declares: kept, and starting nothing, they are most often misspelt. */
void say_unheard(struct store *s, const struct program *p);
void say_refused(struct store *s, uint64_t count, uint64_t taken, const char *db);
#endif
