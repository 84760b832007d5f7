#ifndef CAMP_ENGINE_H
#define CAMP_ENGINE_H
/* The tick: events and due timers in; committed positions, history, memberships and outbox rows out. See tick.c for its
 * invariants. The engine knows no clock: every call says what time it is. */
#include "runtime/input/input.h"
#include "runtime/store/store.h"
#include "vm/image.h"

struct engine;
struct engine_options {
  uint32_t batch;            /* contacts or inputs a transaction, at most LIMIT_BATCH_COUNT; 0: chosen */
  bool import;               /* fills history, starts nothing */
  int64_t late_after_ms;     /* live: older events start no campaign; STORE_NEVER in simulation */
  bool virtual_time;         /* simulation: messages leave the moment they are released */
  struct str zone;           /* default zone; empty: the program's */
  struct str secret;         /* for `code(…)`; empty: a program that makes codes is not opened. Must outlive the engine */
  const struct vm_watch *watch; /* told of all code that runs (vm/strand.h); NULL: nobody watches */
};
struct engine_error { char text[512]; };

/* Opens over a store that holds a deployed program. */
enum camp_err engine_open(struct store *s, const struct engine_options *o, struct engine **out, struct engine_error *e) MUST_CHECK;
void engine_close(struct engine *e);
/* As just opened, with the store as after the deploy: no contact, nothing has happened. For tests that share a database. */
enum camp_err engine_forget(struct engine *e) MUST_CHECK;
const struct image *engine_image(const struct engine *e);
const struct engine_error *engine_last_error(const struct engine *e);
/* Makes the program the current one; running strands keep theirs. Nothing changes when all hashes are the same. */
enum camp_err engine_deploy(struct store *s, const struct program *p, int64_t at_ms, struct engine_error *e) MUST_CHECK;

/* How many inputs one transaction takes now. The engine has no clock, so whoever has one says how long the last call took: the
 * batch then grows or shrinks, so that a transaction stays well under a second and no input waits longer than that for its commit. */
uint32_t engine_batch(const struct engine *e);
void engine_pace(struct engine *e, uint32_t inputs, int64_t took_ms);

/* One transaction or more: the inputs are accepted, run and committed together with `source`'s new place and the rejects. Inputs
 * are in order of arrival; each arrived at arrival_ms (simulation: at its own time). On an error nothing of the uncommitted part
 * happened and the call may be repeated. */
struct engine_inputs {
  const struct input *inputs; uint32_t count;
  const struct reject_row *rejects; uint32_t reject_count;
  struct str source_key;
  struct store_source source;
  int64_t arrival_ms;
  bool virtual_time;         /* arrival = at */
  bool import;               /* these fill history and start nothing, whatever the engine was opened for */
};
enum camp_err engine_take(struct engine *e, const struct engine_inputs *in) MUST_CHECK;
/* Finishes a round that a crash left under way. */
enum camp_err engine_resume(struct engine *e) MUST_CHECK;
/* Runs timers due at or before limit; *ran counts contacts looked at. All inputs that arrived before limit have been taken. */
enum camp_err engine_timers(struct engine *e, int64_t limit_ms, uint64_t *ran) MUST_CHECK;
/* Orders of this process; another one writes them beside it. *changed false: it was paused already, or is not. */
enum camp_err engine_pause(struct engine *e, struct str campaign, int64_t at_ms, bool *changed) MUST_CHECK;
enum camp_err engine_resume_campaign(struct engine *e, const struct store_pause *p, bool *changed) MUST_CHECK;
/* Shows a younger deploy to those who are known: at most so many contacts, in one transaction. *more: some have not seen it yet. It may
 * run between any two calls, in any portions; nothing but the time of a contact's first wake by a new schedule depends on it. Who was
 * held by a campaign that is resumed goes on by it, too. */
enum camp_err engine_sweep(struct engine *e, uint32_t contacts, bool *more) MUST_CHECK;
enum camp_err engine_next_timer(struct engine *e, int64_t *at_ms) MUST_CHECK;
/* The contact's next moment at which a wait ends or a start that comes once is there; STORE_NEVER when only such are left that come
 * again and again. Not while a transaction is open. */
enum camp_err engine_next_wait(struct engine *e, int64_t contact, int64_t *at_ms) MUST_CHECK;
/* Whether the program starts campaigns again and again, so that virtual time has no end of its own. */
bool engine_recurs(const struct engine *e);
/* Whether a message that was released, and has waited since, may still leave; see asking.c. It only reads, beside a run, too. image: an
 * open engine's, which must outlive it; NULL: that of the program in the store. zone: the default; empty: UTC. */
struct asking;
enum camp_err asking_open(struct store *s, const struct image *image, struct str zone, struct asking **out, struct engine_error *e) MUST_CHECK;
/* *reason: why it may not, in the arena; empty: it may. */
enum camp_err asking_ask(struct asking *a, const struct outbox_row *row, int64_t now_ms, struct arena *arena, struct str *reason) MUST_CHECK;
void asking_close(struct asking *a);
struct engine_counts { uint64_t events, duplicates, rejects, starts, wakes, sends, calls, shows, drops, ended, notes, merges; };
struct engine_counts engine_counts(const struct engine *e);
#endif
