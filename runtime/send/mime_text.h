#ifndef CAMP_SEND_MIME_TEXT_H
#define CAMP_SEND_MIME_TEXT_H
/* Private to runtime/send: a text as a part of a mail, in the encoding that fits it. */
#include "vm/base/buf.h"

/* Appends the part's headers, an empty line and the text. kind: "plain", "html". ascii: nothing beyond ASCII, so that no relay needs to
 * change it. inside: it stands between boundaries. Ends in a line end. */
void mime_text(struct buf *b, const char *kind, struct str text, bool ascii, bool inside);
/* base64 without line ends. */
void mime_base64(struct buf *b, const unsigned char *in, size_t len);
#endif
