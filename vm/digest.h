#ifndef CAMP_VM_DIGEST_H
#define CAMP_VM_DIGEST_H
/* SHA-256 (FIPS 180-4): of what a unit holds, so that equal units have one name, and of who goes which way in a split, so that
 * anybody can compute it again. */
#include "base/str.h"

#include <stdint.h>

#define DIGEST_BYTES 32

/* Of the parts, one behind the other. */
void digest_sha256(const struct str *parts, uint32_t count, uint8_t out[DIGEST_BYTES]);
/* The contact's place, 0 to SPLIT_PLACES - 1, in what the id names. */
uint32_t digest_place(struct str contact_key, struct str id);
#endif
