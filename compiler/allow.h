#ifndef CAMP_COMPILER_ALLOW_H
#define CAMP_COMPILER_ALLOW_H
/* `# camp: allow(W0105) reason`: warnings that the author has looked at and means. Private to the compiler. */
#include "diagnostics.h"

struct allow {          /* one code of one comment */
  enum diag_code code;
  struct span span;     /* the code, in the comment */
  struct span scope;    /* where the warning is not wanted; empty: nothing follows the comment */
  bool used;
};
struct allow_list { struct allow *items; uint32_t count, cap; };

/* Reads the comments of all scripts of the project, and reports those that cannot be read. */
void allow_read(struct compilation *c, struct allow_list *all);
/* Takes away the warnings that are allowed, and warns of each code that allowed none. Behind the last stage. */
void allow_apply(struct compilation *c, struct allow_list *all);
#endif
