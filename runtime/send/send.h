#ifndef CAMP_SEND_H
#define CAMP_SEND_H
/* Transmits outbox rows that are ready. A sender is one way out; the outbox decides what goes and records what became of it.
 * Ready for SMTP and HTTP: a sender takes a batch, may finish items in any order, and says of each
 * whether it was accepted, is to be tried again, or is refused for good. */
#include "runtime/store/store.h"
#include "vm/base/buf.h"
#include "vm/image.h"

struct envelope {         /* one rendered message */
  int64_t outbox_id;
  struct str key;         /* stable: "contact/campaign/entry.ordinal", the base of Message-ID and file names */
  struct str contact, to; /* the contact's key; its address (contact.email, else the key) */
  struct str channel, message, campaign;
  struct str subject, body;
  int64_t at_ms;          /* when it was released */
};
enum delivery { DELIVERY_OK, DELIVERY_RETRY, DELIVERY_REFUSED };
struct outcome { enum delivery result; char reason[160]; };

struct sender;
struct sender_ops {
  const char *scheme;     /* "maildir" */
  enum camp_err (*open)(const char *target, int64_t mark, struct sender **out, char why[256]); /* mark: store_sender_get's; -1: never used before */
  enum camp_err (*deliver)(struct sender *s, const struct envelope *batch, uint32_t count, struct outcome *out, char why[256]);
  enum camp_err (*sync)(struct sender *s, int64_t *mark, char why[256]); /* what was delivered is durable when this returns */
  void (*close)(struct sender *s);
};
/* Called before every write, sync and rename of a sender; NULL but in tests that end the process at the n-th. */
extern void (*send_write_point)(void);
/* "maildir:DIR" or "file:PATH". NULL with why for an unknown scheme. */
const struct sender_ops *sender_find(const char *spec, const char **target, char why[256]);

/* Sends what is ready: claims up to a batch, renders, delivers, syncs, then commits states and mark together. Adds to *sent. A crash before
 * the commit delivers the same keys again: the Maildir name is the same, and the file is cut back to its mark. */
struct outbox;
enum camp_err outbox_open(struct store *s, const struct image *image, const char *spec, struct outbox **out, char why[256]) MUST_CHECK;
enum camp_err outbox_flush(struct outbox *o, bool by_time, int64_t until_ms, int64_t now_ms, uint32_t batch, uint64_t *sent, char why[256]) MUST_CHECK;
void outbox_close(struct outbox *o);
#endif
