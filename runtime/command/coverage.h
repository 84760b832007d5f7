#ifndef CAMP_COMMAND_COVERAGE_H
#define CAMP_COMMAND_COVERAGE_H
/* What the tests reached: rules and campaigns, statements, both ways of each branch, both outcomes of each condition. See
 * coverage.c for what counts as what. */
#include "runtime/command/story.h"

struct coverage;
struct coverage *coverage_new(void);
void coverage_free(struct coverage *c); /* NULL is fine */
/* One project after the other: begin, open the engine with the watch, link, run the tests, end. */
void coverage_begin(struct coverage *c, const struct compilation *of);
const struct vm_watch *coverage_watch(const struct coverage *c);
void coverage_link(struct coverage *c, const struct stories *all);
void coverage_end(struct coverage *c);
/* Everything since coverage_new; each line of the report behind a prefix. */
void coverage_report(struct coverage *c, struct buf *b, const char *prefix);
void coverage_lcov(struct coverage *c, struct buf *b);
#endif
