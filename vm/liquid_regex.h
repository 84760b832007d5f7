#ifndef CAMP_VM_LIQUID_REGEX_H
#define CAMP_VM_LIQUID_REGEX_H
/* The fixed patterns that Liquid's oldest rules are written in: how lax templates are cut, and how Ruby reads dates.
 * Bytes, not characters, as Ruby's \w and \s see only ASCII. Bounded by LIMIT_REGEX_STEPS: a match that takes more is none. */
#include "base/str.h"

#include <stdatomic.h>

enum { LQ_CASELESS = 1, LQ_MULTILINE = 2 /* Ruby's m: a dot matches a newline */, LQ_GROUPS_MAX = 12 };
struct lq_regex {
  const char *pattern;
  unsigned flags;
  _Atomic(void *) code; /* made at first use, kept for the process */
};
struct lq_match {
  struct str group[LQ_GROUPS_MAX]; /* 0: the whole; NULL where a group took no part */
  size_t start, end;
};
/* The first match at or behind `from`. */
bool lq_regex_match(struct lq_regex *re, struct str s, size_t from, struct lq_match *out);
#endif
