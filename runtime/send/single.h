#ifndef CAMP_SEND_SINGLE_H
#define CAMP_SEND_SINGLE_H
/* One message by hand, beside the outbox: to look at it, or as a test to its author. Nothing is recorded of it: no cap, history or consent knows. */
#include "runtime/send/send.h"

struct single {
  const struct program *program;
  struct str message;      /* its name */
  struct str key, attributes; /* of the contact; attributes: JSON, or empty */
  struct str given;        /* the values of the send, JSON, or empty */
  int64_t at_ms;
  bool live;               /* it leaves: it needs a whole address, and addresses of ours that lead somewhere */
};
/* Everything hangs in the arena. False with *why. */
bool single_render(const struct single *s, struct arena *a, struct envelope *out, char why[256]) MUST_CHECK;
/* The mail as it would be handed over, with CRLF line ends, unsigned. */
void single_mail(struct buf *b, const struct envelope *e);
/* Hands it over as a test, and waits for the answer. spec: as --send. False with *why; *taken: what the relay said. */
bool single_send(const char *spec, const struct envelope *e, int64_t wait_ms, char why[256]) MUST_CHECK;
#endif
