#ifndef CAMP_SEND_RELAY_PARTS_H
#define CAMP_SEND_RELAY_PARTS_H
/* Private to the SMTP sender: what its files share. relay_mail.c: mails from the outbox to a dialogue and back. destination.c: mails that
 * wait, by where they go. relay_open.c: connections that are being opened. relay_line.c: open ones and their bytes. relay.c: the thread, and the sender as the outbox sees it. */
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>

#include "runtime/send/destination.h"
#include "runtime/send/dkim.h"
#include "runtime/send/journal.h"
#include "runtime/send/relay.h"
#include "runtime/send/senders.h"
#include "runtime/send/smtp.h"

enum {
  ROOM_COUNT = 8192,           /* mails here at a time */
  LOSSES_MAX = 5,              /* connections that may be lost under a mail before it is put off */
  CONNECT_S = 30, ANSWER_MS = 300 * 1000, DOT_MS = 600 * 1000 /* RFC 5321, 4.5.3.2 */,
  IDLE_MS = 10 * 1000, CLOSE_MS = 10 * 1000,
  BACKOFF_MIN_MS = 1000, BACKOFF_MAX_MS = 5 * 60 * 1000,
  HELD_MS = 15 * 60 * 1000,    /* a relay that refuses us, not the mail */
  READ_BYTES = 64 << 10, JOURNAL_BYTES_MAX = 16 << 20, JOURNAL_TIDY_BYTES = 64 << 10, JOURNAL_SHORT_BYTES = 1 << 20, TURN_MS = 1000,
  TROUBLES_COUNT = 8,          /* not told yet; of more the oldest is forgotten */
};

struct relay_mail {
  struct smtp_mail smtp;       /* first: the dialogue knows only this */
  struct envelope envelope;    /* its texts stand behind this struct */
  struct relay_mail *next;
  struct destination *destination;
  int64_t came_ms, dot_ms;     /* when it came here, when its dot was written */
  uint32_t losses;
};

struct relay {
  struct relay_options options;
  uint32_t lines;              /* open or opening */
  int64_t retry_ms;            /* no new connection before */
  int64_t backoff_ms;
  bool paused;                 /* by people; under the lock */
};

enum line_state { LINE_FREE, LINE_CONNECTING, LINE_OPEN };
struct line {
  struct sender *sender;
  struct relay *relay;
  CURL *curl;
  curl_socket_t socket;
  pthread_t opener;            /* its thread, while it is CONNECTING */
  curl_socket_t opening;       /* its newest socket; CURL_SOCKET_BAD: none. This and the next are under sender.opening */
  bool given_up, opened;       /* it is to end; its thread is done, and says in `code` how it went */
  CURLcode code;
  char said[RELAY_SAID_BYTES]; /* the server's last words while it is CONNECTING */
  uint8_t state;
  bool blocked;                /* the socket takes no more for now */
  int64_t moved_ms;            /* when bytes last went either way */
  struct relay_mail *under[2]; /* mails under way: one whose dot was written, one behind it */
  struct smtp_session smtp;
};

struct sender {
  pthread_t thread;
  bool started;
  int wake;
  struct arena kept;
  struct relay relays[LIMIT_RELAYS_COUNT];
  uint32_t relay_count;
  struct str from, return_path, secret, host_of_from;
  uint64_t identity;           /* of the database */
  /* under the lock */
  pthread_mutex_t lock;
  struct destinations to;      /* mails that wait */
  uint32_t held_count;         /* submitted and not collected */
  struct settled *done;
  uint32_t done_count, done_cap;
  uint32_t uncommitted;        /* collected, and not yet in the database */
  bool closing, failed;
  char troubles[TROUBLES_COUNT][WHY_BYTES]; /* what keeps mails waiting and was not told yet, the oldest first */
  uint32_t trouble_count;
  pthread_mutex_t opening;     /* of what threads that open connections share with the sender's; never held together with `lock` */
  /* the thread's own */
  struct line *lines;
  uint32_t line_count;
  struct pollfd *polls;
  int64_t *dots;               /* scratch: two a line */
  struct dkim *dkim;
  struct journal *journal;
  struct buf mail, signature;
  int64_t now_ms, tokens_ms;
  double tokens;
  char host[256];
};

/* relay_mail.c */
struct relay_mail *relay_mail_new(struct sender *s, const struct envelope *e);
/* The mail is finished: it comes out of the next collect, and its memory is free. */
void relay_settle(struct sender *s, struct relay_mail *m, enum delivery result, const char *reason);
/* The same with the lock held: it is to come again after so long. */
void relay_settle_wait(struct sender *s, struct relay_mail *m, int64_t wait_ms, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The address of `Name <address>`, or all of it. */
struct str bare_address(struct str s);
void relay_say(struct sender *s, const char *text); /* what keeps mails waiting */
void relay_note(struct sender *s, const char *text); /* the same, by who has the lock */
extern const struct smtp_calls relay_calls;         /* their context is the line */

/* relay.c */
void relay_wake(struct sender *s);    /* its thread looks about */

/* relay_open.c */
void lines_more(struct sender *s);    /* as many connections as there are mails for */
void lines_opened(struct sender *s);  /* those whose opening has ended, well or not */
void line_give_up(struct line *line); /* one that is being opened */
void relay_back_off(struct sender *s, struct relay *r, const char *why);

/* relay_line.c */
void line_turn(struct sender *s, struct line *line, short events);
void line_lost(struct line *line, const char *why);
void line_free(struct line *line);
#endif
