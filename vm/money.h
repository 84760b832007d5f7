#ifndef CAMP_VM_MONEY_H
#define CAMP_VM_MONEY_H
/* Amounts in 1/MONEY_SCALE, computed exactly but for one last rounding, half away from zero, as invoices have it. Private to
 * value*.c. Each is false when the result does not fit 64 bits; *out is set only when it is true. */
#include "value.h"

/* i * x / per and i * per / x, of a finite x. Dividing by 0 is false. */
bool money_scale(int64_t i, double x, int64_t per, int64_t *out);
bool money_unscale(int64_t i, double x, int64_t per, int64_t *out);
/* A number's text as JSON writes it, -?digits[.digits][e±digits], in 1/MONEY_SCALE. Also false when it is none. */
bool money_parse(struct str text, int64_t *out);
#endif
