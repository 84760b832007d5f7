#ifndef CAMP_VM_COUPON_H
#define CAMP_VM_COUPON_H
/* Codes that each contact has of its own: `code("SUMMER", contact)`. See coupon.c for what is in one. */
#include "base/str.h"

enum { COUPON_DATA_COUNT = 10, COUPON_BYTES = COUPON_DATA_COUNT + 3 }; /* XXXX-XXXX-XXX, the last one checks */

/* The contact's code for what the campaign's text names; out is ended by a NUL. The secret is the project's. */
void coupon_make(struct str secret, struct str campaign, struct str contact, char out[COUPON_BYTES + 1]);
/* A code as people type it: in either case, with or without dashes and blanks, O for 0, I and L for 1. False when it can be no code: a
 * wrong length or letter, or a slip of the hand, which the last letter tells. */
bool coupon_read(struct str typed, char out[COUPON_BYTES + 1]);
#endif
