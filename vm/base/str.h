#ifndef CAMP_BASE_STR_H
#define CAMP_BASE_STR_H
/* A borrowed run of bytes: pointer and length, never owned, not NUL-ended unless said.
 * (After HAProxy's `ist`.) An empty string may have a NULL pointer. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
  const char *ptr;
  size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_FMT "%.*s"
#define STR_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

static inline struct str str_from_c(const char *text) {
  return (struct str){ text, text ? strlen(text) : 0 };
}
static inline struct str str_slice(const char *from, const char *to) {
  return (struct str){ from, (size_t)(to - from) };
}
static inline bool str_eq(struct str a, struct str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool str_is(struct str a, const char *text) {
  return str_eq(a, str_from_c(text));
}
static inline bool str_starts(struct str a, struct str prefix) {
  return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}
static inline bool str_ends(struct str a, struct str suffix) {
  return a.len >= suffix.len &&
         (suffix.len == 0 || memcmp(a.ptr + (a.len - suffix.len), suffix.ptr, suffix.len) == 0);
}
/* Negative, zero or positive, bytewise, the shorter first on a tie. */
static inline int str_cmp(struct str a, struct str b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int d = n ? memcmp(a.ptr, b.ptr, n) : 0;
  return d ? d : (a.len > b.len) - (a.len < b.len);
}
#endif
