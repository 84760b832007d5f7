#ifndef CAMP_SEND_DESTINATION_H
#define CAMP_SEND_DESTINATION_H
/* Private to the SMTP sender: mails that wait for a connection, by destination; see destination.c. Every call needs the sender's lock, and
 * to.now_ms set under it. */
#include "runtime/send/limits.h"

enum { PLACES_COUNT = 32, TABLE_COUNT = 4096, DESTINATION_REASON_BYTES = 120 };

struct relay_mail;
struct line;
struct sender;

struct destination {
  struct destination *chain;           /* of its hash */
  struct destination *before, *behind; /* in its place */
  struct place *place;                 /* NULL: it has nothing to send, or as much under way as it may */
  const struct limit *limit;           /* NULL: none */
  struct relay_mail *first, **end;     /* mails that wait */
  uint32_t waiting, counted;           /* mails; how many of them its place counts as ready */
  uint32_t lines;                      /* connections that carry mail for it */
  int64_t retry_ms, backoff_ms;        /* left alone until; 0 when the last one was taken */
  int64_t dot_ms;                      /* how long it lately took to answer a dot */
  int64_t tokens_ms, slot_ms;          /* slot: when the next mail that is given back may come again */
  int64_t since_ms;
  uint32_t finished;                   /* mails, since then */
  double tokens;
  char reason[DESTINATION_REASON_BYTES]; /* why it is left alone */
  size_t name_bytes;
  char name[];
};
struct place { struct destination *first, *last; };

struct destinations {
  struct limits limits;
  struct destination *table[TABLE_COUNT];
  uint32_t count, sweep_count;         /* sweep: forget those with nothing to remember when there are so many */
  struct place ready[PLACES_COUNT];    /* by connections that carry mail for them */
  struct place asleep;
  int64_t now_ms;                      /* steady; set by who calls */
  int64_t wake_ms, shed_ms;
  uint32_t waiting, ready_count;       /* mails */
};

/* A new mail, which may come back at once, put off, when its destination is left alone or has more than it can get in a while. */
void destination_add(struct sender *s, struct relay_mail *m);
/* Back to the front: its connection was lost. */
void destination_again(struct sender *s, struct relay_mail *m);
/* The mail that this connection is to carry next; NULL: none now. */
struct relay_mail *destination_take(struct sender *s, struct line *line);
/* What became of it. */
enum came { CAME_SENT, CAME_LATER, CAME_BUSY /* it is the destination that cannot take mail now */, CAME_REFUSED, CAME_BACK };
void destination_done(struct sender *s, struct line *line, struct relay_mail *m, enum came came, const char *reason);
/* Once a turn: those whose time has come are ready; those that fill the room give back what they cannot send soon. */
void destinations_turn(struct sender *s);
/* Every mail that waits, out of the queues. */
struct relay_mail *destinations_empty(struct sender *s);
void destinations_free(struct sender *s);
#endif
