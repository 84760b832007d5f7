#ifndef CAMP_VM_LIQUID_DATE_H
#define CAMP_VM_LIQUID_DATE_H
/* Moments as templates see them: read from any text that Ruby's Time.parse reads, printed as its strftime prints. */
#include "liquid_filters.h"
#include "liquid_locale.h"

struct lq_time {
  int64_t utc_s;
  int32_t ns;
  int32_t offset_s;
  bool utc;      /* the text said Z or UTC */
  char zone[16]; /* what %Z prints; empty for a bare offset */
};
/* false, without an error, when the text holds no date. */
bool lq_time_parse(const struct lq_env *env, struct str text, struct lq_time *out);
struct lq_time lq_time_at(const struct zone *zone, int64_t utc_s, int32_t ns);
bool lq_strftime(struct lq_buf *b, const struct lq_time *t, struct str format, const struct lq_locale *locale) MUST_CHECK; /* NULL: English */
#endif
