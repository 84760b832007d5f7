#ifndef CAMP_SEND_SMTP_H
#define CAMP_SEND_SMTP_H
/* Private to runtime/send: one SMTP dialogue (RFC 5321, pipelined as RFC 2920 allows) as a state machine without I/O: bytes in by
 * smtp_receive, bytes out in `out`. Who owns the connection moves the bytes (relay.c, and tests by hand).
 *
 *   smtp_begin --EHLO--> ready --take--> MAIL RCPT DATA --354--> body and dot --250--> fate
 *                          ^                                       |  the next mail's MAIL RCPT DATA travel behind the dot, so a
 *                          +---------------------------------------+  mail costs one round trip
 *
 * A mail given by `take` gets exactly one fate. */
#include "runtime/send/reply.h"
#include "vm/base/buf.h"

enum fate {
  FATE_SENT,     /* the server took it: 250 to the dot */
  FATE_LATER,    /* 4xx */
  FATE_BUSY,     /* 4xx about where it goes, not about the mail; a policy (5.7.x) that refuses us there */
  FATE_REFUSED,  /* 5xx about the mail or its address */
  FATE_HELD,     /* the server refuses us, not the mail: VERDICT_US */
  FATE_UNSENT,   /* the connection ended before the dot: as if it had never been tried */
  FATE_DOUBT     /* the connection ended behind the dot: nobody knows (RFC 1047) */
};

struct smtp_mail {
  struct str from, to;  /* addresses for MAIL and RCPT, without <> */
  bool utf8;            /* one of them needs SMTPUTF8 (RFC 6531) */
};

struct smtp_calls {
  /* The next mail to send, or NULL when there is none now. */
  struct smtp_mail *(*take)(void *context);
  /* Appends the mail's bytes with CRLF line ends, dots doubled, without the final dot; false when it cannot be made. */
  bool (*body)(void *context, struct smtp_mail *mail, struct buf *out);
  void (*fate)(void *context, struct smtp_mail *mail, enum fate fate, const char *reason);
};

enum expected { EXPECT_GREETING, EXPECT_EHLO, EXPECT_MAIL, EXPECT_RCPT, EXPECT_DATA, EXPECT_DOT, EXPECT_RSET, EXPECT_QUIT };
enum { EXPECTED_MAX = 8 };

struct smtp_session {
  const struct smtp_calls *calls;
  void *context;
  struct reply_reader reader;
  struct buf out;                 /* bytes from out_sent on are to be sent */
  size_t out_sent;
  struct { uint8_t kind; struct smtp_mail *mail; uint64_t at; /* where its command ends in all bytes ever written */ } expected[EXPECTED_MAX];
  uint32_t expected_count, replies; /* replies: whole ones that came, so far */
  struct smtp_mail *mail;         /* between MAIL and the answer to DATA; NULL when none */
  bool refused;                   /* `mail` has its fate already, its dialogue is still to end */
  struct smtp_mail *dotted;       /* its dot is in `out` or on its way, its answer is awaited */
  uint64_t dot_at, sent_bytes;    /* where the dot ends in all bytes ever written; how many have left */
  bool ready, pipelining, utf8, dirty /* a transaction is to be reset */, closing, plain /* no EHLO */;
  uint32_t mails, mails_max;      /* given so far; at most so many a connection, 0: no bound */
  char name[256];                 /* ours, for EHLO */
};

enum { SMTP_OUT_BYTES_MAX = 32 << 20 };
/* greeted: somebody else (libcurl) has read the greeting, and perhaps said EHLO, STARTTLS and AUTH. */
void smtp_begin(struct smtp_session *s, const struct smtp_calls *calls, void *context, const char *name, uint32_t mails_max, bool greeted);
void smtp_deinit(struct smtp_session *s);
/* Takes what came. False: the connection is to be closed (smtp_lost has been called, *why says so). */
bool smtp_receive(struct smtp_session *s, struct str in, char *why, size_t why_bytes);
/* So many bytes of `out` have left. */
void smtp_sent(struct smtp_session *s, size_t bytes);
/* Takes mail when it can. */
void smtp_wake(struct smtp_session *s);
/* Says QUIT behind what is under way; takes no more mail. */
void smtp_quit(struct smtp_session *s);
bool smtp_is_idle(const struct smtp_session *s);
/* The connection is gone: every mail under way gets its fate. */
void smtp_lost(struct smtp_session *s, const char *why);
#endif
