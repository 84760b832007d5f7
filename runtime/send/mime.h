#ifndef CAMP_SEND_MIME_H
#define CAMP_SEND_MIME_H
/* Private to runtime/send: one message as RFC 5322 text with MIME (RFC 2045, 2047), with LF line ends. SMTP will turn them
 * into CRLF as it sends. */
#include "runtime/send/send.h"
#include "vm/base/limits.h"

/* The longest mail: quoted-printable triples a page and its text, base64 adds 7/10 to a subject and a third to files. */
enum { MAIL_BYTES_MAX = 10 * LIMIT_MESSAGE_BYTES + 2 * LIMIT_MESSAGE_FILES_BYTES };

/* Appends the whole mail. from: a header value such as `Camp <camp@localhost>`. The same envelope gives the same bytes.
 * ascii: nothing but ASCII is in it, so that no relay needs to change it, and with it what was signed. */
void mime_write(struct buf *b, const struct envelope *e, struct str from, bool ascii);
/* "Name: value\n"; the value is cleaned of control characters, and encoded words hold what is not ASCII. */
void mime_header(struct buf *b, const char *name, struct str value);
/* Bytes of the key that are safe in file names and Message-IDs, others as %XX; long keys end in a SHA-256. */
enum { MIME_NAME_BYTES = 200 };
struct str mime_name(struct arena *a, struct str key);
#endif
