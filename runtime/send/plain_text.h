#ifndef CAMP_SEND_PLAIN_TEXT_H
#define CAMP_SEND_PLAIN_TEXT_H
/* Private to runtime/send: the text that stands beside a page, laid out. */
#include "vm/base/arena.h"
#include "vm/base/buf.h"

/* Appends what a text with marks (vm/text_marks.h) looks like. It ends in a line end, or is empty. */
void plain_text_lay_out(struct buf *b, struct str marked);
/* A text that an author wrote, whose {% %} left empty lines where they stood: of several one stays. In place. */
struct str plain_text_tidy(struct str s);
#endif
