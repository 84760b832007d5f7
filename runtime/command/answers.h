#ifndef CAMP_COMMAND_ANSWERS_H
#define CAMP_COMMAND_ANSWERS_H
/* What the compiler asks of the file system while it compiles: modules of the standard library, files that scripts name, time zones. */
#include "compiler/compile.h"
#include "runtime/engine/zones.h"

/* Zone files are looked for only when a script names a zone. A system without any would refuse each: there, none is checked, and the
 * command that needs one says so. */
struct answers { struct zones *zones; bool absent; char *const *paths; int count; /* of the project */ };
/* The reader asks these answers, which must outlive it. Whoever made them frees their zones. */
struct source_reader answers_reader(struct answers *answers);
#endif
