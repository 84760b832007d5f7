/* See liquid_regex.h. Patterns of users are pattern.c's. */
#include "liquid_regex.h"

#include "base/check.h"
#include "base/limits.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static pcre2_code *code_of(struct lq_regex *re) {
  void *code = atomic_load(&re->code);
  if (code) return code;
  int error;
  PCRE2_SIZE at;
  uint32_t options = (re->flags & LQ_CASELESS ? PCRE2_CASELESS : 0) | (re->flags & LQ_MULTILINE ? PCRE2_DOTALL : 0);
  code = pcre2_compile((PCRE2_SPTR)re->pattern, PCRE2_ZERO_TERMINATED, options, &error, &at, NULL);
  CHECK(code);
  void *none = NULL;
  if (!atomic_compare_exchange_strong(&re->code, &none, code)) {
    pcre2_code_free(code); /* another thread was first */
    code = none;
  }
  return code;
}

bool lq_regex_match(struct lq_regex *re, struct str s, size_t from, struct lq_match *out) {
  static _Thread_local pcre2_match_data *data;
  static _Thread_local pcre2_match_context *context;
  if (!data) {
    data = pcre2_match_data_create(LQ_GROUPS_MAX, NULL);
    context = pcre2_match_context_create(NULL);
    CHECK(data);
    CHECK(context);
    pcre2_set_match_limit(context, LIMIT_REGEX_STEPS);
    pcre2_set_depth_limit(context, LIMIT_REGEX_STEPS);
  }
  if (from > s.len) return false;
  int count = pcre2_match(code_of(re), (PCRE2_SPTR)(s.ptr ? s.ptr : ""), s.len, from, 0, data, context);
  if (count <= 0) return false;
  const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
  for (int i = 0; i < LQ_GROUPS_MAX; i++)
    out->group[i] = i < count && at[2 * i] != PCRE2_UNSET ? (struct str){ s.ptr + at[2 * i], at[2 * i + 1] - at[2 * i] }
                                                          : (struct str){ NULL, 0 };
  out->start = at[0];
  out->end = at[1];
  return true;
}
