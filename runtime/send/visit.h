#ifndef CAMP_SEND_VISIT_H
#define CAMP_SEND_VISIT_H
/* What a visit to an address of ours (links.h) means: a token becomes the event that it tells of, or leads to where the link led. For
 * `camp inbound --links`, which reads a server's log, and for a server. */
#include "runtime/send/token.h"
#include "runtime/store/store.h"
#include "vm/base/buf.h"

struct visits;
/* With the messages of the database's present program. CAMP_BAD and other errors with *why. */
enum camp_err visits_open(struct store *store, struct str secret, struct visits **out, char why[256]) MUST_CHECK;
void visits_close(struct visits *v);

struct visit {
  enum token_kind kind;
  struct outbox_item item;      /* the mail */
  struct str message, campaign; /* names */
  struct str topic;             /* of the message, or empty */
  struct str target;            /* TOKEN_CLICK: where the link leads */
};
enum visit_result { VISIT_OURS, VISIT_NONE /* no token that our secret made */, VISIT_GONE /* of a mail or a link that is no more */, VISIT_FAILED };
/* The first token in the text. Texts live until the next call. */
enum visit_result visit_read(struct visits *v, struct str text, struct visit *out);
/* The visit as a line of NDJSON: click, open or unsubscribe; `seen` tells one visit of a mail from another. Nothing for other kinds. */
void visit_event(struct buf *b, const struct visit *visit, struct str seen);
#endif
