#ifndef CAMP_VM_VERIFY_H
#define CAMP_VM_VERIFY_H
/* What units and strand rows have in common: values that come from disk. */
#include "value.h"

/* Whether a value read from bytes is one that the VM may compute with: a known type, a finite number, UTF-8, JSON that is
 * checked, times within about eleven thousand years, so that no sum of two overflows. */
bool value_is_sound(struct value v);
#endif
