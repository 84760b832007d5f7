#ifndef CAMP_VM_LIQUID_FILTERS_H
#define CAMP_VM_LIQUID_FILTERS_H
/* The filters: one row of liquid_filters.def each. A filter is a pure function of its arguments (the first is what
 * stands before the bar) and of the render's clock and zone. */
#include "liquid_value.h"
#include "calendar.h"

enum lq_filter_id {
#define FILTER(id, name, min, max, flags, function) LQF_##id,
#include "liquid_filters.def"
#undef FILTER
  LQF_COUNT
};
enum {
  LQF_SAFE = 1,  /* gives HTML that needs no escape, whatever it got */
  LQF_KEEPS = 2, /* safe when its input is */
  LQF_CAMP = 4,  /* not Shopify's: unknown in the conformance profile */
};
/* What filters need to know of the render. */
struct lq_env {
  struct lq_cx *cx;
  int64_t now_ms;
  const struct zone *zone;
  struct str locale;
  const struct zone *(*find_zone)(void *context, struct str name); /* NULL: only the render's own */
  void *zone_context;
  /* What a value that only the render knows (`self`, a loop) has by this name. */
  struct lq (*part)(void *context, struct lq v, struct str name);
  void *part_context;
};
typedef bool lq_filter_fn(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out);
struct lq_filter {
  const char *name;
  uint8_t min, max, flags; /* arguments, the input counted */
  lq_filter_fn *run;
};
extern const struct lq_filter lq_filters[LQF_COUNT];
/* By name; LQF_COUNT when there is none. */
uint32_t lq_filter_find(struct str name, bool camp); /* camp: Camp's own too, before Shopify's of the same name */
/* Checks the number of arguments, runs, and keeps `safe` right. */
bool lq_filter_run(struct lq_env *env, uint32_t id, const struct lq *args, uint32_t count, struct lq *out) MUST_CHECK;

/* The filters' own helpers, shared by their files. */
bool lq_items(struct lq_env *env, struct lq v, struct lq *array) MUST_CHECK; /* as the reference iterates an input: flat */
bool lq_format_date(struct lq_env *env, struct lq input, struct str format, struct lq *out, bool *is_date) MUST_CHECK;

/* `locale: "fr", zone: "Europe/Paris"` behind the others, which *count then counts; what is not said is the render's. */
struct lq_locale;
struct lq_options { const struct lq_locale *locale; const struct zone *zone; };
bool lq_options_of(struct lq_env *env, const struct lq *args, uint32_t *count, struct lq_options *out) MUST_CHECK;

bool lq_escape_html(struct lq_buf *b, struct str s) MUST_CHECK;

#define FILTER(id, name, min, max, flags, function) lq_filter_fn function;
#include "liquid_filters.def"
#undef FILTER
#endif
