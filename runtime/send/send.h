#ifndef CAMP_SEND_H
#define CAMP_SEND_H
/* Transmits outbox rows that are ready. A sender is one way out; the outbox decides what goes and records what became of it.
 * Ready for SMTP and HTTP: a sender takes a batch, may finish items in any order, and says of each
 * whether it was accepted, is to be tried again, or is refused for good. */
#include "runtime/store/store.h"
#include "vm/base/buf.h"
#include "vm/image.h"

struct enclosure {        /* a file that travels with a mail */
  struct str name, type;  /* `terms.pdf`, or a Content-ID; `application/pdf` */
  struct str base64;      /* in lines that end in \n */
  bool inside;            /* the page shows it */
};
struct envelope {         /* one rendered message */
  int64_t outbox_id;
  struct str key;         /* stable: "contact/campaign/entry.ordinal", the base of Message-ID and file names */
  struct str contact, to; /* the contact's key; its address (contact.email, else the key) */
  struct str channel, message, campaign;
  struct str subject, body;
  bool html;              /* the body is a page, and text what stands for it */
  struct str text;
  struct str from_name, from, reply_name, reply_to; /* addresses; from empty: CAMP_FROM's */
  struct str topic, unsubscribe; /* whose mail it is, and the address that ends it by one POST (RFC 8058); empty: a mail of no list */
  const struct enclosure *files; uint32_t file_count; /* borrow from the program */
  bool test;              /* sent by hand, to be seen by its sender */
  struct str bounces;     /* the return path that names this mail; empty without CAMP_SECRET */
  struct str operation;   /* of a call: crm.create_task; then it has no channel, message, subject and body */
  struct str request;     /* of a call, and of a message by a declared channel: as it may be shown, a JSON object; else empty */
  struct str token;       /* names the mail to those who send it back (token.h); empty without CAMP_SECRET */
  int64_t at_ms;          /* when it was released */
};
enum delivery { DELIVERY_OK, DELIVERY_RETRY, DELIVERY_REFUSED, DELIVERY_DOUBT /* nobody knows: to be tried again under the same key */,
  DELIVERY_UNBEGUN, /* handed over and given back untouched */
  DELIVERY_WAIT /* untouched too, and not to be handed over again before wait_ms from now */ };
struct outcome { enum delivery result; char reason[160]; };

struct sender;

/* Senders that work beside the engine, in a thread of their own: mails are handed over, and what became of them is asked for. */
struct settled {
  int64_t outbox_id;
  bool left_over;         /* from before a crash: the row may know already */
  struct outcome outcome;
  int64_t wait_ms;        /* of DELIVERY_WAIT */
};
struct sender_place { const char *journal; /* file beside the database, NULL: none */ uint64_t identity; /* of the database */ };
struct sender_background {
  enum camp_err (*open)(const char *spec, const struct sender_place *place, struct sender **out, char why[256]);
  uint32_t (*room)(struct sender *s); /* so many mails may be handed over now */
  void (*submit)(struct sender *s, const struct envelope *batch, uint32_t count); /* copied */
  uint32_t (*collect)(struct sender *s, struct settled *out, uint32_t max);
  void (*committed)(struct sender *s); /* what was collected is in the database */
  uint32_t (*under_way)(struct sender *s);
  /* Gives back what is not begun, as DELIVERY_UNBEGUN, and leaves alone the relays that these pauses name. */
  void (*steer)(struct sender *s, const struct outbox_action *pauses, uint32_t count);
  int64_t (*keep_ms)(struct sender *s); /* how long a message is tried, from its release on */
  bool (*broken)(struct sender *s);   /* it can send no more, and is to be finished and opened anew: its journal cannot be written */
  void (*trouble)(struct sender *s, char text[256]); /* what keeps mails waiting, once; empty: nothing new */
  void (*finish)(struct sender *s);   /* begins no more; ends when what is under way has its answer. Collect once more, then close. */
  void (*close)(struct sender *s);
};
struct sender_ops {
  const char *scheme;     /* "maildir" */
  enum camp_err (*open)(const char *target, int64_t mark, struct sender **out, char why[256]); /* mark: store_sender_get's; -1: never used before */
  enum camp_err (*deliver)(struct sender *s, const struct envelope *batch, uint32_t count, struct outcome *out, char why[256]);
  enum camp_err (*sync)(struct sender *s, int64_t *mark, char why[256]); /* what was delivered is durable when this returns */
  void (*close)(struct sender *s);
  const struct sender_background *background; /* then the calls above are NULL */
  bool writes_requests;   /* takes what leaves over HTTP: calls, and messages by channels other than mail */
};
/* Called before every write, sync and rename of a sender; NULL but in tests that end the process at the n-th. */
extern void (*send_write_point)(void);
/* "maildir:DIR", "file:PATH", "smtp://…" or "smtps://…" (relay.h). NULL with why for an unknown scheme. */
const struct sender_ops *sender_find(const char *spec, const char **target, char why[256]);

/* Sends what is ready: claims up to a batch, renders, delivers, syncs, then commits states and mark together. Adds to *sent. A crash before
 * the commit delivers the same keys again: the Maildir name is the same, and the file is cut back to its mark. */
struct send_count { uint64_t messages, calls; };
struct outbox;
enum camp_err outbox_open(struct store *s, const struct image *image, const char *spec, struct outbox **out, char why[256]) MUST_CHECK;
/* Where zones are found, for dates in texts: the contact's own, or else the project's. Without this they are in UTC. */
struct zone;
typedef const struct zone *zone_finder(void *context, struct str name);
void outbox_zones(struct outbox *o, zone_finder *find, void *context, const struct zone *project);
/* What has waited since its release (a relay put it off, people paused or retried it, nothing sent it for WAITED_MS) is asked about again before it
 * is handed over: *reason, in the arena, says why it may not leave any more; empty: it may. */
struct outbox_asker { enum camp_err (*ask)(void *context, const struct outbox_row *row, int64_t now_ms, struct arena *a, struct str *reason); void *context; };
void outbox_asks(struct outbox *o, struct outbox_asker asker);
enum camp_err outbox_flush(struct outbox *o, bool by_time, int64_t until_ms, int64_t now_ms, uint32_t batch, struct send_count *sent, char why[256]) MUST_CHECK;
/* Whether mail leaves for real, beside the engine: then a flush hands over and records, and mails may be under way behind it. */
bool outbox_is_live(const struct outbox *o);
uint32_t outbox_under_way(const struct outbox *o);
/* What keeps mails waiting ("relay.example:25: connection refused; next try in 4 s"), told once; false when there is nothing new. */
bool outbox_trouble(struct outbox *o, char text[256]);
/* Waits for what is under way and records it; mails that were not begun stay ready. */
void outbox_close(struct outbox *o);
#endif
