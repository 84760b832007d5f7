#ifndef CAMP_VM_SCHEDULE_H
#define CAMP_VM_SCHEDULE_H
/* When a start without an event comes: pure arithmetic on civil time. Whose civil time it is, and which instant that makes, is the
 * caller's to know. */
#include "program.h"

#define SCHEDULE_NEVER INT64_MAX

/* The first occurrence behind after_ms, SCHEDULE_NEVER when there is none; civil, as after_ms. */
int64_t schedule_next(const struct schedule *s, int64_t after_ms);
/* Whether there is always another one. */
static inline bool schedule_recurs(const struct schedule *s) { return s->kind != SCHEDULE_AT; }
/* `at 2026-11-27 09:00`, `every monday, friday at 09:00`: the moment alone, in one spelling. */
void schedule_show(struct buf *b, const struct schedule *s);
#endif
