#ifndef CAMP_SEND_LINKS_H
#define CAMP_SEND_LINKS_H
/* Private to runtime/send: the addresses of ours that a mail bears. Each is CAMP_BASE_URL, a letter for what it does, and a token:
 *
 *   /c/ID-LINK-VERSION.MAC  a click: redirects to the link      /o/ID.MAC.gif  the picture that tells of an open
 *   /u/ID-VERSION.MAC       unsubscribes: a page for GET, done by POST (RFC 8058)
 *   /p/ID.MAC               preferences                         /v/ID.MAC      the mail in a browser
 *
 * Without CAMP_BASE_URL and CAMP_SECRET a mail that is only kept (maildir:, file:) gets addresses on localhost that name the mail by its key, so
 * that it can be looked at, and the same whatever was sent before it; real mail does not leave then, if it needs any. */
#include "runtime/send/token.h"
#include "vm/base/arena.h"
#include "vm/base/buf.h"

struct links {
  struct str base;    /* without a slash at its end */
  struct str secret;
  bool real;          /* both were set: clicks and opens are counted */
};
/* From the environment. False with *why when CAMP_BASE_URL is no address. */
bool links_open(struct arena *a, struct links *out, char why[160]);
/* Appends one; key: the mail's, for addresses that are not real. */
void links_write(struct buf *b, const struct links *l, const struct link_token *token, struct str key);
/* Appends an address of others as a browser reads it: without what ends a line, and blanks, quotes and brackets written out, so that it can stand
 * in a header and ends in a text where it ends. */
void links_put_target(struct buf *b, struct str target);
/* The token in a path or an address of ours, or in a line that holds one, as servers log it. False: there is none that the secret made. */
bool links_read(struct str text, struct str secret, struct link_token *out);
#endif
