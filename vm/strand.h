#ifndef CAMP_VM_STRAND_H
#define CAMP_VM_STRAND_H
/* A strand is one contact's run of one campaign, at one place of its code. Running is pure: what it sees is in struct env,
 * what it does comes out as effects, one at a time, which the engine applies at once (a `set` is seen by the next condition):
 *
 *     vm_enter(vm, strand, pc);
 *     while ((r = vm_run(vm, env, &effect)) == RUN_EFFECT) apply(&effect);
 *
 *              trigger (vm_enter at start_pc)
 *                 |
 *                 v        RUN_EFFECT        RUN_WAIT: pc, since_ms, due_ms are set
 *      +------ running  <------------ engine          |
 *      |          ^                                   v
 *      |          +--- strand_hears / timeout ----- parked  (a row, for days)
 *      v                                              |
 *    ended  <----- stop, goal-less exit --------------+
 *
 * Invariants:
 * 1. A parked strand's pc is a WAIT instruction of its unit, or OVER: then the run has ended and only its goals still count; or WATCH: then
 *    it is not the run, but stands by a message of it that is held.
 * 2. Only the locals in that wait's live mask survive parking.
 * 3. Between two waits at most LIMIT_FUEL_COUNT instructions run. */
#include "contact.h"
#include "image.h"
#include "program.h"

#define NEVER INT64_MAX

struct strand {
  const struct unit *unit;
  uint32_t slot;       /* the row within the contact, 1 … */
  uint32_t pc;
  int64_t due_ms;      /* NEVER: only an event wakes it */
  int64_t since_ms;    /* the instant at which it was parked */
  int64_t base_ms;     /* BASE of the arm: from when the wait's delay counts */
  int64_t started_ms;  /* own time of what started the run */
  uint32_t entry;      /* n-th entry of this contact into the campaign, from 1 */
  uint32_t fork;       /* 0, or the number of this branch within the run */
  uint32_t sends;      /* messages sent or dropped so far by this strand */
  bool converted;      /* the goal was met */
  struct value locals[LIMIT_LOCALS_COUNT];
};

/* Who watches code run: `camp test --coverage`. It changes nothing. */
struct env;
struct vm_watch {
  void *context;
  /* A strand goes on (or begins) at pc; its own pc is still the wait that it stood in. */
  void (*enter)(void *context, const struct strand *s, uint32_t pc, const struct env *env);
  /* Before the instruction at pc runs; top is the newest value on the stack, NULL when it is empty; came is the pc of the
   * instruction before, NONE at the beginning. */
  void (*op)(void *context, const struct unit *u, uint32_t pc, uint32_t came, const struct value *top);
};

struct env {
  const struct image *image;
  struct contact *contact;
  const struct event *event; /* in hand, or NULL */
  int64_t now_ms;            /* the instant */
  int64_t base_ms;           /* from when delays count */
  const struct zone *zone;   /* the contact's */
  struct arena *scratch;     /* released by the engine after the batch */
  const struct vm_watch *watch; /* NULL: nobody */
  struct str secret;         /* of the project, for codes; empty: none */
  int64_t *flip_ms;          /* expressions lower it to the moment at which their answer may change by time alone; NULL: nobody asks */
};

enum effect_kind {
  EFFECT_SEND, EFFECT_DROP, EFFECT_JOIN, EFFECT_LEAVE, EFFECT_TAG, EFFECT_UNTAG, EFFECT_SET, EFFECT_EMIT,
  EFFECT_START, EFFECT_STOP, EFFECT_FORK, EFFECT_NOTE, EFFECT_POINTS, EFFECT_SHOW, EFFECT_SUBSCRIBE, EFFECT_UNSUBSCRIBE, EFFECT_APART, EFFECT_VIA,
  EFFECT_ASSIGN, EFFECT_CALL, EFFECT_WATCH
};
struct effect {
  enum effect_kind kind;
  struct str name;            /* message, list, tag, attribute, event, campaign or topic; EFFECT_VIA: channels, one blank between two */
  struct str reason;          /* EFFECT_DROP; EFFECT_NOTE: what was left undone */
  uint32_t field;             /* EFFECT_SET: the unit's field */
  uint32_t pc;                /* where it stands in the code; EFFECT_FORK: where the second strand starts */
  const struct value *values; /* EFFECT_SET, EFFECT_POINTS: one; EFFECT_SHOW: the moment of its end, or missing; EFFECT_EMIT, EFFECT_SEND,
                                 EFFECT_CALL: one a key. Valid until the next vm_run */
  uint32_t experiment;        /* EFFECT_ASSIGN: the unit's; values[0] is the contact's place */
  const struct emit *emit;    /* EFFECT_EMIT, EFFECT_CALL, EFFECT_SEND with values: keys in unit->emit_keys; else NULL */
};

enum run_result {
  RUN_EFFECT,
  RUN_WAIT,    /* parked; a deadline in the past is due at once */
  RUN_END,     /* finished by itself */
  RUN_EXIT,    /* finished by `exit` */
  RUN_MISSING, /* `wait until` a missing moment: the run ends, with that reason */
  RUN_FUEL     /* LIMIT_FUEL_COUNT instructions without a wait: the run ends, with that reason */
};

struct vm {
  struct strand *strand;
  uint32_t pc, depth, fuel;
  struct value stack[LIMIT_STACK_COUNT];
};

void vm_enter(struct vm *vm, struct strand *s, uint32_t pc);
enum run_result vm_run(struct vm *vm, const struct env *env, struct effect *out);
/* Expression code of a unit, up to RET. s gives locals and run to filters of waits; NULL elsewhere. Out of fuel is missing. */
struct value vm_eval(struct vm *vm, const struct unit *u, uint32_t pc, struct strand *s, const struct env *env);
/* Whether the parked strand's run has ended by itself, so that it is inside the campaign no longer. */
bool strand_is_over(const struct strand *s); /* also of one that watches */
bool strand_watches(const struct strand *s);
/* The wait that a parked strand is in. */
const struct wait *strand_wait(const struct strand *s);
/* When the wait began: from this moment on events are heard. By its base, which is earlier than the instant when a late event parked it. */
int64_t strand_began_ms(const struct strand *s);
/* Whether env's event wakes the parked strand; gives where to vm_enter. Ignores events with at_ms before the wait began
 * (the engine looks at older ones itself, for `since`). */
bool strand_hears(struct vm *vm, struct strand *s, const struct env *env, uint32_t *pc);
/* The deadline computed anew from base_ms, when the contact's zone has changed. */
void strand_rearm(struct vm *vm, struct strand *s, const struct env *env);
/* The kept locals as bytes, and back. Bytes come from disk: CAMP_CORRUPT when they are not what the wait says.
 * Texts borrow from the bytes. */
void strand_write(struct buf *b, const struct strand *s);
enum camp_err strand_read(struct strand *s, struct str bytes) MUST_CHECK;
#endif
