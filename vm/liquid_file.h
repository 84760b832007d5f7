#ifndef CAMP_VM_LIQUID_FILE_H
#define CAMP_VM_LIQUID_FILE_H
/* Compiled templates as text, so that they stand among the strings of a program file: numbers in decimal, each with a space
 * behind it, texts with their length and a colon before them. */
#include "base/buf.h"
#include "liquid_code.h"

#define LQ_FILE_VERSION 1
void lq_unit_write(struct buf *b, const struct lq_unit *u);
/* Reads and verifies: false, with a sentence in *why, for anything that lq_unit_write did not write or that could not run
 * safely. Texts borrow from the bytes. */
bool lq_unit_read(struct arena *a, struct str bytes, struct lq_unit *out, const char **why) MUST_CHECK;
#endif
