#ifndef CAMP_COMMAND_DIFF_H
#define CAMP_COMMAND_DIFF_H
/* What formatting changes, as `diff -u` shows it. */
#include "vm/base/buf.h"

/* Appends a unified diff of two texts that differ in blanks, newlines and `;` alone; nothing when they are equal. */
void diff_unified(struct buf *out, const char *path, struct str before, struct str after);
#endif
