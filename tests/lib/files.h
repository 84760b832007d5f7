#ifndef CAMP_TESTS_FILES_H
#define CAMP_TESTS_FILES_H
/* Files of tests: read whole, and databases taken away with what stands beside them. */
#include "vm/base/arena.h"

/* The file's bytes, followed by a NUL that is not counted; ptr NULL when it cannot be read. */
struct str file_text(struct arena *a, const char *path);
/* The same, to compare with: "(absent)" when it cannot be read. */
const char *file_contents(struct arena *a, const char *path);
/* Removes a database, its log and the lock file of its writer. */
void database_remove(const char *path);
#endif
