/* SMTP replies: bytes into codes, codes into what they mean for a mail.
 *
 * Not for: what is said to a server (smtp.c).
 *
 * Invariants:
 * 1. Bytes may come cut anywhere. A line is at most REPLY_LINE_BYTES_MAX, a reply at most REPLY_LINES_MAX lines: what is longer is no
 *    SMTP server, and nothing grows.
 * 2. The text that is kept holds no control character, so it can stand in a log or a table. */
#include "runtime/send/reply.h"

#include <stdio.h>

#include "vm/base/utf8.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "5.1.1 text": takes the status off the text. */
static void take_status(struct reply *r, struct str *text) {
  int n[3] = { 0, 0, 0 };
  size_t at = 0;
  for (int i = 0; i < 3; i++) {
    size_t from = at;
    while (at < text->len && at - from < 3 && is_digit(text->ptr[at])) n[i] = n[i] * 10 + (text->ptr[at++] - '0');
    if (at == from) return;
    if (i < 2 && (at == text->len || text->ptr[at++] != '.')) return;
  }
  if (at < text->len && text->ptr[at] != ' ') return;
  if (n[0] != r->code / 100) return;
  memcpy(r->status, n, sizeof n);
  while (at < text->len && text->ptr[at] == ' ') at++;
  text->ptr += at;
  text->len -= at;
}

static void keep_text(struct reply *r, struct str text) {
  if (text.len > REPLY_TEXT_BYTES - 1) text.len = REPLY_TEXT_BYTES - 1;
  text.len = utf8_valid_prefix(text);
  for (size_t i = 0; i < text.len; i++) r->text[i] = (unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? ' ' : text.ptr[i];
  r->text[text.len] = 0;
}

static enum reply_state take_line(struct reply_reader *r, struct str line) {
  if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
  if (line.len < 3 || !is_digit(line.ptr[0]) || !is_digit(line.ptr[1]) || !is_digit(line.ptr[2])) return REPLY_BROKEN;
  int code = (line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + (line.ptr[2] - '0');
  if (code < 200 || code > 599) return REPLY_BROKEN;
  if (r->lines && code != r->reply.code) return REPLY_BROKEN;
  if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-') return REPLY_BROKEN;
  if (++r->lines > REPLY_LINES_MAX) return REPLY_BROKEN;
  if (r->lines == 1) r->reply = (struct reply){ .code = code };
  struct str text = line.len > 4 ? (struct str){ line.ptr + 4, line.len - 4 } : (struct str){ "", 0 };
  if (r->on_line) r->on_line(r->context, text);
  take_status(&r->reply, &text);
  keep_text(&r->reply, text);
  if (line.len > 3 && line.ptr[3] == '-') return REPLY_MORE;
  r->lines = 0;
  return REPLY_WHOLE;
}

enum reply_state reply_take(struct reply_reader *r, struct str *in) {
  while (in->len) {
    const char *lf = memchr(in->ptr, '\n', in->len);
    size_t n = lf ? (size_t)(lf - in->ptr) : in->len;
    if (n > REPLY_LINE_BYTES_MAX - r->line_bytes) return REPLY_BROKEN;
    struct str line = { in->ptr, n };
    if (!lf || r->line_bytes) {
      memcpy(r->line + r->line_bytes, in->ptr, n);
      r->line_bytes += n;
      line = (struct str){ r->line, r->line_bytes };
    }
    in->ptr += lf ? n + 1 : n;
    in->len -= lf ? n + 1 : n;
    if (!lf) return REPLY_MORE;
    r->line_bytes = 0;
    enum reply_state s = take_line(r, line);
    if (s != REPLY_MORE) return s;
  }
  return REPLY_MORE;
}

/* RFC 3463: the system that is sent to (X.3.1 full, X.3.2 takes no mail), the way to it (X.4.1 to X.4.5), and what the large ones say of
 * too much from us: X.7.0, X.7.28, X.7.500 and above. A mailbox's own state (X.2) and greylisting (X.7.1, or no code) are one mail's. */
static bool is_of_destination(int subject, int detail) {
  return (subject == 3 && (detail == 1 || detail == 2)) || (subject == 4 && detail >= 1 && detail <= 5) ||
         (subject == 7 && (detail == 0 || detail == 28 || detail >= 500));
}

enum verdict reply_verdict(const struct reply *r, enum reply_command command) {
  const int *s = r->status;
  if (command == REPLY_TO_DATA && r->code == 354) return VERDICT_OK;
  if (r->code / 100 == 2) return command == REPLY_TO_DATA ? VERDICT_REFUSED : VERDICT_OK;
  if (r->code / 100 != 5) return s[0] && is_of_destination(s[1], s[2]) ? VERDICT_BUSY : VERDICT_LATER;
  /* Not about this mail: authentication is wanted (530, 535), a policy or our name is disliked (5.7.x, RFC 3463), the server was
   * misunderstood (50x, 5.5.x): the next mail would fare the same, so the address is kept. */
  bool ours = s[1] == 7 || r->code == 530 || r->code == 535 || r->code == 534 || r->code == 538;
  bool protocol = s[0] ? s[1] == 5 : r->code >= 500 && r->code <= 504;
  bool too_big = r->code == 552 || (s[1] == 3 && s[2] == 4);
  if (command == REPLY_TO_MAIL) return too_big ? VERDICT_REFUSED : VERDICT_US;
  if (ours || protocol) return VERDICT_US;
  return command == REPLY_TO_RCPT ? VERDICT_ADDRESS : VERDICT_REFUSED;
}

void reply_show(const struct reply *r, char *out, size_t bytes) {
  if (r->status[0]) snprintf(out, bytes, "%d %d.%d.%d %s", r->code, r->status[0], r->status[1], r->status[2], r->text);
  else snprintf(out, bytes, "%d %s", r->code, r->text);
}
