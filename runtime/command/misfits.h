#ifndef CAMP_COMMAND_MISFITS_H
#define CAMP_COMMAND_MISFITS_H
/* Values of events that are not what the scripts declare. */
#include "compiler/compile.h"
#include "runtime/input/input.h"

struct misfits;
/* NULL for a project that was compiled before: it says no more what was declared. */
struct misfits *misfits_new(const struct compilation *c);
void misfits_free(struct misfits *m);
/* Looks at an event or identify; `a` is for this one alone. */
void misfits_look(struct misfits *m, const struct input *in, uint32_t line, struct arena *a);
/* A line each of what was found. */
void misfits_tell(const struct misfits *m);
#endif
