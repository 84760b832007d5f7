#ifndef CAMP_VM_FLIP_H
#define CAMP_VM_FLIP_H
/* When an expression's answer may change by time alone. Private to the VM: vm_eval asks it when env->flip_ms is there.
 *
 * Beside each value on the stack stands how it moves as time goes on. Where a moving value is compared, the moment at which the
 * comparison will turn is computed, and env->flip_ms lowered to it. A moment that is too early costs a look; one that is too late
 * would be a mistake, and there is none. */
#include "strand.h"

enum motion_kind {
  MOTION_STILL,
  MOTION_LINEAR,  /* by `rate` a millisecond */
  MOTION_AGO,     /* the start of a window of `by` */
  MOTION_DECAY,   /* `rate` of it halves every half_ms, the rest stands still */
  MOTION_STRANGE  /* it moves, and nobody knows how: looked at again every hour */
};
struct motion { uint8_t kind; double rate; int64_t half_ms; struct value by; };
struct flip { struct motion stack[LIMIT_STACK_COUNT + 1]; };

/* Before the instruction at ip runs; sp is behind the newest value. */
void flip_step(struct flip *f, const struct unit *u, const uint8_t *ip, const struct value *stack, const struct value *sp,
               const struct env *env);
/* It changes at this moment, or is to be looked at again then. */
void flip_lower(const struct env *env, int64_t at_ms);
/* The start of a window of this duration, and the first moment at which it is at or behind at_ms. */
int64_t window_ago(struct value window, const struct zone *z, int64_t now_ms);
int64_t window_leaves(struct value window, const struct zone *z, int64_t at_ms);
#endif
