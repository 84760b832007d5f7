#ifndef CAMP_COMMAND_NAMES_H
#define CAMP_COMMAND_NAMES_H
/* Names of a database that commands take: campaigns, lists, segments. */
#include "runtime/store/store.h"

/* Says that the database knows no such name, and which is the nearest or which there are. what: "campaign"; other: a second
 * kind that will do, or the same. */
void complain_no_name(const char *command, const struct store *s, enum name_kind kind, enum name_kind other, const char *what, const char *want, const char *db);
#endif
