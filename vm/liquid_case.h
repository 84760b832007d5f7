#ifndef CAMP_VM_LIQUID_CASE_H
#define CAMP_VM_LIQUID_CASE_H
/* Letters in another case, as Ruby's upcase, downcase and capitalize have them: Unicode 14's full case mapping, without a language. */
#include "liquid_value.h"
enum lq_case { LQ_UPPER, LQ_LOWER, LQ_TITLE };
/* Appends s with its first character in one case and the others in another. */
bool lq_case(struct lq_buf *b, struct str s, enum lq_case first, enum lq_case rest) MUST_CHECK;
#endif
