/* Regular expressions of `matches`; see pattern.h.
 *
 * Not for: deciding what a text is, or caching; the image compiles each pattern once and shares it.
 *
 * Invariants:
 * 1. No pattern and no subject takes more than LIMIT_REGEX_STEPS steps, so a script cannot hang the engine.
 * 2. \C is refused: it could stop in the middle of a character. */
#include "pattern.h"

#include "base/check.h"
#include "base/limits.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

struct pattern {
  pcre2_code *code;
  pcre2_match_context *context;
};

/* One block a thread for all patterns: only whether it matched is asked, so one pair of offsets does. */
static pcre2_match_data *match_data(void) {
  static _Thread_local pcre2_match_data *data;
  if (!data) data = pcre2_match_data_create(1, NULL);
  CHECK(data);
  return data;
}

struct pattern *pattern_new(struct str text, char *why, size_t why_bytes) {
  int error;
  PCRE2_SIZE at;
  const char *bytes = text.ptr ? text.ptr : "";
  pcre2_code *code =
      pcre2_compile((PCRE2_SPTR)bytes, text.len, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
  if (!code) {
    PCRE2_UCHAR sentence[160];
    pcre2_get_error_message(error, sentence, sizeof sentence);
    if (why) snprintf(why, why_bytes, "%s, at byte %zu of the pattern", (const char *)sentence, (size_t)at);
    return NULL;
  }
  struct pattern *p = malloc(sizeof *p);
  pcre2_match_context *context = pcre2_match_context_create(NULL);
  CHECK(p);
  CHECK(context);
  pcre2_set_match_limit(context, LIMIT_REGEX_STEPS);
  pcre2_set_depth_limit(context, LIMIT_REGEX_STEPS);
  *p = (struct pattern){ code, context };
  return p;
}

void pattern_free(struct pattern *p) {
  if (!p) return;
  pcre2_match_context_free(p->context);
  pcre2_code_free(p->code);
  free(p);
}

bool pattern_matches(const struct pattern *p, struct str subject) {
  const char *bytes = subject.ptr ? subject.ptr : "";
  /* 0 means that there were more groups than the one pair has room for: a match all the same. */
  return pcre2_match(p->code, (PCRE2_SPTR)bytes, subject.len, 0, 0, match_data(), p->context) >= 0;
}
