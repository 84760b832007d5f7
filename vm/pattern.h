#ifndef CAMP_VM_PATTERN_H
#define CAMP_VM_PATTERN_H
/* Regular expressions of `matches`: PCRE2 in UTF mode, compiled once, matched within LIMIT_REGEX_STEPS. Beside it only
 * liquid_regex.c knows PCRE2. A compiled pattern is read-only and may be shared by threads. */
#include "base/str.h"

struct pattern;
/* NULL when the text is no pattern; why (may be NULL) gets PCRE2's sentence. */
struct pattern *pattern_new(struct str text, char *why, size_t why_bytes);
void pattern_free(struct pattern *p);
/* False also when the limit is met: a condition that cannot be decided is not true. */
bool pattern_matches(const struct pattern *p, struct str subject);
#endif
