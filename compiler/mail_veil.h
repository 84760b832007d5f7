#ifndef CAMP_COMPILER_MAIL_VEIL_H
#define CAMP_COMPILER_MAIL_VEIL_H
/* Private to mail_page.c and mail_text.c: a template's {{ }} and {% %} in what gumbo read; see mail_page.c. */
#include <gumbo.h>

#include "vm/base/arena.h"
#include "vm/base/buf.h"

enum { VEIL_POINT = 0xf0000, VEIL_MARKS_MAX = 65000, PAGE_DEPTH_MAX = 250 };
struct veil {
  struct str source;
  char *copy;              /* of the same length, and a NUL */
  VEC(struct str) marks;   /* in the source */
};
/* Whether a mark begins here; and so many bytes stand for it. */
bool veil_mark(const struct veil *v, const char *at, const char *end, struct str *mark, size_t *bytes);
/* The mark in which this byte of the source stands. */
bool veil_mark_around(const struct veil *v, size_t at, struct str *mark);
/* A text of gumbo's with its marks as they stand in the source. */
struct str veil_lift(const struct veil *v, struct arena *a, const char *text);
/* mail_text.c: appends the page, or a part of one, as a text, which is a template with the marks of vm/text_marks.h. False when a part of
 * it is nested deeper than PAGE_DEPTH_MAX, and left out. */
bool page_text(struct arena *a, const struct veil *v, const GumboNode *root, struct buf *out);
#endif
