#ifndef CAMP_VM_TEXT_MARKS_H
#define CAMP_VM_TEXT_MARKS_H
/* What stands in the text that the compiler makes of a page (compiler/mail_text.c), between its words, and is laid out when the text was
 * rendered (runtime/send/plain_text.c): only then it is known what stands beside what, because conditions leave parts out, loops repeat
 * them, and snippets and blocks come from elsewhere. Control characters, which HTML does not have.
 *
 * A blank that HTML may collapse is a tab, so that Liquid takes it for the white space that it is. */
enum text_mark {
  MARK_LINE = 0x01,        /* what follows begins a line */
  MARK_PARAGRAPH = 0x02,   /* … behind an empty line */
  MARK_BREAK = 0x03,       /* one more line end */
  MARK_CELL = 0x04,        /* what follows is another cell of the row, if it has one */
  MARK_BULLETS = 0x05,     /* a list begins, of bullets */
  MARK_NUMBERS = 0x06,     /* … of numbers */
  MARK_LIST_END = 0x07,
  MARK_BLANK = '\t',
  MARK_ITEM = 0x0e,        /* of a list */
  MARK_QUOTE = 0x0f,
  MARK_QUOTE_END = 0x10,
  MARK_LINK = 0x11,        /* the text of a link begins */
  MARK_TARGET = 0x12,      /* … and ends, and its address begins */
  MARK_LINK_END = 0x13
};
#endif
