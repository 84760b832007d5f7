#ifndef CAMP_SEND_OPTION_H
#define CAMP_SEND_OPTION_H
/* Private to relay_options.c and limits.c: what people write for a sender is read piece by piece, and nothing is guessed. */
#include <stdio.h>

#include "vm/base/check.h"
#include "vm/base/str.h"

/* CAMP_BAD with *why = "WHERE WHAT `which`"; where says what was being read, empty when that is plain. */
static inline enum camp_err option_refuse(char why[256], const char *where, const char *what, struct str which) {
  snprintf(why, 256, "%s%s `%.*s`", where, what, (int)(which.len > 100 ? 100 : which.len), which.len ? which.ptr : "");
  return CAMP_BAD;
}

/* What stands before `stop`, or all; *rest is what stands behind it. */
static inline struct str option_until(struct str *rest, char stop) {
  const char *at = rest->len ? memchr(rest->ptr, stop, rest->len) : NULL;
  struct str first = at ? str_slice(rest->ptr, at) : *rest;
  *rest = at ? str_slice(at + 1, rest->ptr + rest->len) : (struct str){ NULL, 0 };
  return first;
}

/* Digits alone, at most nine. */
static inline bool option_number(struct str s, uint32_t min, uint32_t max, uint32_t *out) {
  uint64_t n = 0;
  if (s.len == 0 || s.len > 9) return false;
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    n = n * 10 + (uint64_t)(s.ptr[i] - '0');
  }
  *out = (uint32_t)n;
  return n >= min && n <= max;
}
#endif
