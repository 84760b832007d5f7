#ifndef CAMP_TESTS_ENGINE_WORLD_H
#define CAMP_TESTS_ENGINE_WORLD_H
/* An engine over a database for one test: opened with a script, fed with events, dumped whole to be compared. And random streams of
 * events, the same for each seed. Virtual time; nothing sleeps. What goes wrong fails the cmocka test that calls. */
#include "runtime/engine/engine.h"
#include "vm/calendar.h"

enum { CONTACTS = 20, EVENTS = 260, SEEDS = 3 };
#define T0_MS INT64_C(1767607200000) /* 2026-01-05 10:00 UTC */
#define HOUR (3600 * 1000LL)

struct world { struct store *s; struct engine *e; };

/* Of the group's programs: makes and removes the folder of the database. */
int world_set_up(void **unused);
int world_tear_down(void **unused);
extern char world_path[80]; /* the database */

/* The lists, messages, topics and events of all tests, and the script behind them, become the program. */
void world_deploy(struct store *s, const char *script);
extern int64_t world_deployed_ms; /* when; T0_MS unless a test says otherwise */
/* Over the database as it is. script NULL: that of the last time. vfs NULL: the system's; then nothing is synced. */
struct world world_open(const char *script, struct engine_options o, const char *vfs);
void world_close(struct world w);
struct engine_options world_virtual(uint32_t batch);
struct engine_options world_live(uint32_t batch);
void world_take(struct world w, const struct input *inputs, uint32_t count);
/* A new database, all inputs at once, and the thirty days behind them; dumped. */
char *world_play(const char *script, uint32_t batch, const struct input *inputs, uint32_t count);
/* Everything a user could notice. The caller frees it. */
char *world_dump(struct store *s);
/* Fails where the two differ; frees what was got. */
void world_same(const char *what, char *want, char *got);
#define OK(call)                                                                 \
  do {                                                                           \
    enum camp_err ok_err = (call);                                               \
    if (ok_err != CAMP_OK) fail_msg("%s: %s", #call, engine_last_error(w.e)->text); \
  } while (0)

/* Ann's event without properties. */
struct input world_event(const char *name, int64_t at_ms);
/* EVENTS inputs: many events of one instant, ids that repeat, and zones; in order of time, or not. Their texts live until the next. */
void world_stream(uint64_t seed, bool in_order, struct input *out);
/* One in so many inputs says that two of the contacts are one, by an alias or an identify; 0: none does. */
extern uint32_t world_join_every;
extern uint64_t world_state; /* of world_random, which the stream begins anew */
uint32_t world_random(uint32_t n);
/* How often the word stands in the text. */
uint32_t times_in(const char *text, const char *word);
#endif
