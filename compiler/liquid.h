#ifndef CAMP_COMPILER_LIQUID_H
#define CAMP_COMPILER_LIQUID_H
/* Liquid text to code. One compiler makes one unit: templates are added one by one and share names and constants; texts
 * borrow from the sources, which must outlive the unit. */
#include "vm/liquid_code.h"

enum liquid_mode {
  LIQUID_LAX,     /* what cannot be read is guessed at, as Liquid 2 did */
  LIQUID_WARN,    /* the same; kept apart as the reference does */
  LIQUID_STRICT,
  LIQUID_STRICT2  /* every tag is read by one grammar: the mode of new templates */
};
struct liquid_options {
  enum liquid_mode mode;
  bool escape;    /* outputs escape HTML */
  bool camp;      /* Camp's own filters and tags are known */
  bool (*find_layout)(void *context, struct str name, struct str *text); /* `{% layout %}`; NULL: there are none */
  void *context;
};
enum liquid_mistake { LIQUID_SYNTAX, LIQUID_LAYOUT, LIQUID_NO_LAYOUT, LIQUID_LAYOUT_LOOP };
struct liquid_error {
  struct str text;    /* Liquid syntax error (line 3): … */
  struct str reason;  /* without that prefix */
  uint32_t line;
  const char *at;     /* in the source: where the tag or output begins */
  enum liquid_mistake kind;
  struct str found;   /* without the markup that `reason` names */
};
struct liquid_compiler;
/* Reset and used again, it allocates nothing once warm. */
struct liquid_compiler *liquid_compiler_new(void);
void liquid_compiler_free(struct liquid_compiler *c);
void liquid_reset(struct liquid_compiler *c, const struct liquid_options *options);
/* False: *e says why, and the unit holds the template as one that fails when it is called. */
bool liquid_add(struct liquid_compiler *c, struct str name, struct str source, struct liquid_error *e);
/* Camp's profile: filters that do not exist, as they stand in the sources. A unit that has some is not to be run. */
const struct str *liquid_unknown_filters(const struct liquid_compiler *c, uint32_t *count);
/* Camp's profile: mistakes behind which reading went on; with any of them the unit is not to be run either. */
const struct liquid_error *liquid_mended(const struct liquid_compiler *c, uint32_t *count);
/* What was added so far; valid until the next reset. */
struct lq_unit liquid_unit(struct liquid_compiler *c);
#endif
