#ifndef CAMP_SEND_INBOUND_H
#define CAMP_SEND_INBOUND_H
/* Mails that come back: delivery status notifications (RFC 3464) and complaints (ARF, RFC 5965), read with GMime, because they are hostile
 * input. What they say is given to the caller a report at a time. */
#include "vm/base/check.h"
#include "vm/base/str.h"

#define LIMIT_INBOUND_BYTES (256u << 20) /* of standard input */

enum inbound_kind {
  INBOUND_OTHER,      /* neither: somebody's answer, an out-of-office note; why says what it looks like */
  INBOUND_PERMANENT,  /* the address is dead: 5.1.1 5.1.2 5.1.3 5.1.6 5.1.10 5.2.1 */
  INBOUND_TEMPORARY,  /* delayed, full, refused for another reason: the address stays */
  INBOUND_COMPLAINT,
  INBOUND_UNSUBSCRIBE /* a mail to the address that List-Unsubscribe names */
};
struct inbound {
  enum inbound_kind kind;
  int64_t outbox_id;  /* by a token that our secret made; 0: not ours, or forged */
  char status[16];    /* "5.1.1" */
  char reason[256];   /* the remote server's words, cut */
  char message_id[256];
};
/* False stops. */
typedef bool inbound_fn(void *context, const struct inbound *report);
/* A file: one mail, or an mbox of them. A folder: a Maildir, its new/ and cur/. "-": standard input. CAMP_IO, CAMP_NOT_FOUND with *why. */
enum camp_err inbound_read(const char *path, struct str secret, inbound_fn *fn, void *context, char why[256]) MUST_CHECK;
#endif
