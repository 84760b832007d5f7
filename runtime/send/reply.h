#ifndef CAMP_SEND_REPLY_H
#define CAMP_SEND_REPLY_H
/* Private to runtime/send: what an SMTP server answers (RFC 5321, 4.2; enhanced codes: RFC 3463), read from bytes as they come. */
#include "vm/base/str.h"

enum { REPLY_TEXT_BYTES = 160, REPLY_LINE_BYTES_MAX = 4096, REPLY_LINES_MAX = 512 };

struct reply {
  int code;              /* 250 */
  int status[3];         /* enhanced: 5, 1, 1; all 0 when the server gave none */
  char text[REPLY_TEXT_BYTES]; /* of the last line, control characters as blanks */
};

struct reply_reader {
  struct reply reply;
  uint32_t lines;        /* of the reply under way */
  size_t line_bytes;     /* of the line under way that was held back */
  char line[REPLY_LINE_BYTES_MAX];
  /* Told of each line of a reply, with its text behind the code: EHLO's lines are capabilities. May be NULL. */
  void (*on_line)(void *context, struct str text);
  void *context;
};

enum reply_state { REPLY_MORE, REPLY_WHOLE, REPLY_BROKEN /* no SMTP server speaks so */ };
/* Takes bytes from *in, which moves on. REPLY_WHOLE: r->reply is one whole reply, call again for the rest. */
enum reply_state reply_take(struct reply_reader *r, struct str *in);

/* What a reply to a command means for the mail in hand. */
enum verdict {
  VERDICT_OK,
  VERDICT_LATER,     /* 4xx: this mail, later */
  VERDICT_BUSY,      /* 4xx about where it goes: none of the mails for it, for now */
  VERDICT_ADDRESS,   /* 5xx about the recipient: for good */
  VERDICT_REFUSED,   /* 5xx about this mail: for good */
  VERDICT_US         /* 5xx about the sender (5.7.x, MAIL FROM, authentication): the stream is to pause, the mail stays */
};
enum reply_command { REPLY_TO_MAIL, REPLY_TO_RCPT, REPLY_TO_DATA, REPLY_TO_DOT };
enum verdict reply_verdict(const struct reply *r, enum reply_command command);
/* "550 5.1.1 no such user", cut to size. */
void reply_show(const struct reply *r, char *out, size_t bytes);
#endif
