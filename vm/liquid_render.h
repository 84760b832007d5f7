#ifndef CAMP_VM_LIQUID_RENDER_H
#define CAMP_VM_LIQUID_RENDER_H
/* Renders compiled templates into a buffer that is used again and again. After the first renders of a template nothing
 * is allocated: memory comes from one arena that each render resets. A renderer belongs to one thread. */
#include "liquid_code.h"

struct lq_limits {            /* 0: the limit of limits.h */
  size_t output_bytes, memory_bytes;
  uint64_t assigned_each;     /* bytes and items that one template or snippet assigns or captures, as the reference counts them */
  uint64_t assigned;          /* of all together */
  uint64_t steps_each;        /* of one template or snippet */
  uint64_t steps;             /* of all together */
};
struct lq_settings {
  int64_t now_ms;
  const struct zone *zone;    /* NULL: UTC */
  struct lq_limits limits;
  struct str locale;          /* of filters that name none; empty: English, and money by its letters */
  bool stop_at_error;         /* sending: the first error ends the render */
  const struct zone *(*find_zone)(void *context, struct str name);
  void *zone_context;
};
struct lq_renderer;
struct lq_renderer *lq_renderer_new(void);
void lq_renderer_free(struct lq_renderer *r);

struct lq_result {
  struct str text;            /* valid until the next render */
  const struct str *errors; uint32_t error_count; /* whole sentences: Liquid error (line 3): … */
  bool fatal;                 /* a limit was met; the text is the error's */
  bool full;                  /* that of the output */
  bool aborted;               /* the template said so, and the last error is its reason */
};
/* data: a hash, or nil. It must outlive the result. */
struct lq_result lq_render(struct lq_renderer *r, const struct lq_unit *u, uint32_t template, struct lq data,
                           const struct lq_settings *settings);
#endif
