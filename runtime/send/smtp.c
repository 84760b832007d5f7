/* One SMTP dialogue, without I/O.
 *
 * Not for: connections, TLS and AUTH (relay.c, libcurl), what a reply means (reply.c), the mail's bytes (mime.c).
 *
 * Invariants:
 * 1. At most two mails are under way: one whose dot was written, and behind it one up to DATA. Each gets one fate.
 * 2. Replies come in the order of the commands: `expected` is that order. A reply to a command that has not left yet ends the dialogue:
 *    who answers before being asked is broken, or somebody else has put words into the stream. Only a refusal of a mail that is still on its
 *    way is taken for that, because servers say so as soon as they know (too big, a filter), and then close.
 * 3. A mail is in doubt only when its dot may have reached the server: when all bytes up to the dot have left.
 * 4. After a refused transaction RSET stands before the next MAIL, because not every server forgets the first by itself.
 * 5. No address with a control character, blank or angle bracket is ever written: it could end the command. */
#include "runtime/send/smtp.h"

#include <stdio.h>

#include "vm/base/check.h"

static void expect(struct smtp_session *s, enum expected kind, struct smtp_mail *mail) {
  CHECK(s->expected_count < EXPECTED_MAX);
  s->expected[s->expected_count].kind = (uint8_t)kind;
  s->expected[s->expected_count].at = s->sent_bytes + (s->out.len - s->out_sent);
  s->expected[s->expected_count++].mail = mail;
}

static void on_capability(void *context, struct str text) {
  struct smtp_session *s = context;
  if (s->plain || s->expected_count == 0 || s->expected[0].kind != EXPECT_EHLO) return;
  struct str word = text;
  const char *blank = word.len ? memchr(word.ptr, ' ', word.len) : NULL;
  if (blank) word.len = (size_t)(blank - word.ptr);
  if (word.len == 10 && strncasecmp(word.ptr, "PIPELINING", 10) == 0) s->pipelining = true;
  if (word.len == 8 && strncasecmp(word.ptr, "SMTPUTF8", 8) == 0) s->utf8 = true;
}

static void say_hello(struct smtp_session *s) {
  buf_printf(&s->out, "EHLO %s\r\n", s->name);
  expect(s, EXPECT_EHLO, NULL);
}

void smtp_begin(struct smtp_session *s, const struct smtp_calls *calls, void *context, const char *name, uint32_t mails_max, bool greeted) {
  memset(s, 0, sizeof *s);
  s->calls = calls;
  s->context = context;
  s->mails_max = mails_max;
  s->reader.on_line = on_capability;
  s->reader.context = s;
  snprintf(s->name, sizeof s->name, "%s", name);
  buf_init(&s->out, SMTP_OUT_BYTES_MAX);
  if (greeted) say_hello(s);
  else expect(s, EXPECT_GREETING, NULL);
}

void smtp_deinit(struct smtp_session *s) { buf_deinit(&s->out); }

static void settle(struct smtp_session *s, struct smtp_mail *mail, enum fate fate, const char *reason) {
  s->calls->fate(s->context, mail, fate, reason);
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static bool may_stand_in_command(struct str address) {
  if (address.len == 0 || address.len > 254) return false;
  for (size_t i = 0; i < address.len; i++) {
    char c = address.ptr[i];
    if ((unsigned char)c <= 0x20 || c == 0x7f || c == '<' || c == '>') return false;
  }
  return memchr(address.ptr, '@', address.len) != NULL;
}

static struct smtp_mail *take(struct smtp_session *s) {
  for (;;) {
    if (s->mails_max && s->mails >= s->mails_max) return NULL;
    struct smtp_mail *mail = s->calls->take(s->context);
    if (!mail) return NULL;
    if (!may_stand_in_command(mail->to)) {
      settle(s, mail, FATE_REFUSED, "the address is not one that mail can be sent to");
    } else if (mail->utf8 && !s->utf8) {
      settle(s, mail, FATE_REFUSED, "an address in it needs SMTPUTF8, which the server does not offer");
    } else {
      s->mails++;
      return mail;
    }
  }
}

static void write_rcpt(struct smtp_session *s) {
  buf_printf(&s->out, "RCPT TO:<" STR_FMT ">\r\n", STR_ARG(s->mail->to));
  expect(s, EXPECT_RCPT, s->mail);
}

static void write_data(struct smtp_session *s) {
  buf_c(&s->out, "DATA\r\n");
  expect(s, EXPECT_DATA, s->mail);
}

/* The next mail up to DATA, as far as the server lets commands travel together. */
static void begin_mail(struct smtp_session *s) {
  if (!s->ready || s->closing || s->mail) return;
  if (s->dotted && !s->pipelining) return;
  s->mail = take(s);
  s->refused = false;
  if (!s->mail) return;
  if (s->dirty) {
    buf_c(&s->out, "RSET\r\n");
    expect(s, EXPECT_RSET, NULL);
    s->dirty = false;
  }
  buf_printf(&s->out, "MAIL FROM:<" STR_FMT ">%s\r\n", STR_ARG(s->mail->from), s->mail->utf8 ? " SMTPUTF8" : "");
  expect(s, EXPECT_MAIL, s->mail);
  if (!s->pipelining) return;
  write_rcpt(s);
  write_data(s);
}

static void write_body(struct smtp_session *s) {
  size_t before = s->out.len;
  bool made = s->refused || s->calls->body(s->context, s->mail, &s->out);
  if (!made || s->out.failed) {
    /* The server waits for a mail that cannot be made; half of one must not go. Only closing takes DATA back. */
    s->out.len = before;
    s->out.failed = false;
    settle(s, s->mail, FATE_REFUSED, "the mail is too long to be sent");
    s->mail = NULL;
    s->closing = true;
    return;
  }
  buf_c(&s->out, ".\r\n");
  expect(s, EXPECT_DOT, s->refused ? NULL : s->mail);
  if (!s->refused) {
    s->dotted = s->mail;
    s->dot_at = s->sent_bytes + (s->out.len - s->out_sent);
  }
  s->mail = NULL;
  s->refused = false;
}

/* --- replies ------------------------------------------------------------------------------------------------------- */

/* At MAIL the server does not know yet where the mail goes; behind it, a policy (5.7.x) may be this destination's alone. */
static enum fate fate_of(const struct reply *r, enum verdict v, enum reply_command command) {
  switch (v) {
    case VERDICT_OK: return FATE_SENT;
    case VERDICT_LATER: return FATE_LATER;
    case VERDICT_BUSY: return command == REPLY_TO_MAIL ? FATE_LATER : FATE_BUSY;
    case VERDICT_US: return command != REPLY_TO_MAIL && r->status[1] == 7 ? FATE_BUSY : FATE_HELD;
    case VERDICT_ADDRESS:
    case VERDICT_REFUSED: break;
  }
  return FATE_REFUSED;
}

static void mail_failed(struct smtp_session *s, const struct reply *r, enum reply_command command) {
  char reason[REPLY_TEXT_BYTES + 32];
  enum verdict v = reply_verdict(r, command);
  s->dirty = true;
  if (s->refused) return;
  reply_show(r, reason, sizeof reason);
  settle(s, s->mail, fate_of(r, v, command), reason);
  s->refused = true;
}

static void transaction_over(struct smtp_session *s) {
  s->mail = NULL;
  s->refused = false;
  if (!s->dotted) begin_mail(s);
}

static void heard_mail(struct smtp_session *s, const struct reply *r) {
  bool ok = reply_verdict(r, REPLY_TO_MAIL) == VERDICT_OK;
  if (!ok) mail_failed(s, r, REPLY_TO_MAIL);
  if (s->pipelining) return;
  if (ok) write_rcpt(s);
  else transaction_over(s);
}

static void heard_rcpt(struct smtp_session *s, const struct reply *r) {
  bool ok = reply_verdict(r, REPLY_TO_RCPT) == VERDICT_OK;
  if (!ok) mail_failed(s, r, REPLY_TO_RCPT);
  if (s->pipelining) return;
  if (ok) write_data(s);
  else transaction_over(s);
}

static void heard_data(struct smtp_session *s, const struct reply *r) {
  if (r->code == 354) {
    /* Also when the recipient was refused: then an empty mail ends the transaction, which has no one to go to (RFC 2920, 3.1). */
    write_body(s);
    begin_mail(s);
    return;
  }
  mail_failed(s, r, REPLY_TO_DATA);
  transaction_over(s);
}

static void heard_dot_answer(struct smtp_session *s, const struct reply *r, struct smtp_mail *mail) {
  char reason[REPLY_TEXT_BYTES + 32];
  enum verdict v = reply_verdict(r, REPLY_TO_DOT);
  reply_show(r, reason, sizeof reason);
  settle(s, mail, fate_of(r, v, REPLY_TO_DOT), reason);
  s->dotted = NULL;
}

static void heard_dot(struct smtp_session *s, const struct reply *r, struct smtp_mail *mail) {
  if (mail) heard_dot_answer(s, r, mail);
  begin_mail(s);
}

static void heard_goodbye(struct smtp_session *s, const struct reply *r, struct smtp_mail *mail) {
  char reason[REPLY_TEXT_BYTES + 32];
  reply_show(r, reason, sizeof reason);
  settle(s, mail, FATE_LATER, reason);
  s->dotted = NULL;
}

/* False: the dialogue is over. */
static bool heard(struct smtp_session *s, const struct reply *r) {
  if (s->expected_count == 0) return false; /* 421 out of the blue, before the server closes */
  enum expected kind = s->expected[0].kind;
  struct smtp_mail *mail = s->expected[0].mail;
  if (r->code == 421) {
    /* The server goes away; to the dot that is an answer: not taken. */
    if (kind == EXPECT_DOT && mail) heard_goodbye(s, r, mail);
    return false;
  }
  /* The answers have slipped against the commands: nothing that follows could be trusted. */
  if (r->code / 100 == 3 ? kind != EXPECT_DATA : kind == EXPECT_DATA && r->code / 100 == 2) return false;
  s->expected_count--;
  memmove(s->expected, s->expected + 1, s->expected_count * sizeof *s->expected);
  switch (kind) {
    case EXPECT_GREETING:
      if (r->code / 100 != 2) return false;
      say_hello(s);
      return true;
    case EXPECT_EHLO:
      if (r->code / 100 == 5 && !s->plain) {
        /* A server from before 1995 (RFC 5321, 3.2). */
        s->plain = true;
        buf_printf(&s->out, "HELO %s\r\n", s->name);
        expect(s, EXPECT_EHLO, NULL);
        return true;
      }
      if (r->code / 100 != 2) return false;
      s->ready = true;
      begin_mail(s);
      return true;
    case EXPECT_MAIL: heard_mail(s, r); return true;
    case EXPECT_RCPT: heard_rcpt(s, r); return true;
    case EXPECT_DATA: heard_data(s, r); return true;
    case EXPECT_DOT: heard_dot(s, r, mail); return true;
    case EXPECT_RSET: return r->code / 100 == 2;
    case EXPECT_QUIT: return false;
  }
  return false;
}

static void say_over(const struct smtp_session *s, const struct reply *r, char *why, size_t why_bytes) {
  char text[REPLY_TEXT_BYTES + 32];
  reply_show(r, text, sizeof text);
  bool fits = r->code == 421 || r->code / 100 == 5 || r->code / 100 == 4 || !s->expected_count;
  snprintf(why, why_bytes, "%s%s", fits ? "" : "an answer that does not fit: ", text);
}

/* The mail has its fate then; the connection cannot be used any more. */
static bool refuses_early(struct smtp_session *s, const struct reply *r) {
  if (s->expected[0].kind != EXPECT_DOT || !s->expected[0].mail || r->code / 100 < 4 || r->code / 100 > 5 || r->code == 421) return false;
  heard_dot_answer(s, r, s->expected[0].mail);
  return true;
}

bool smtp_receive(struct smtp_session *s, struct str in, char *why, size_t why_bytes) {
  while (in.len) {
    enum reply_state state = reply_take(&s->reader, &in);
    if (state == REPLY_MORE) break;
    s->replies++;
    if (state == REPLY_BROKEN) {
      snprintf(why, why_bytes, "what answers does not speak SMTP");
      smtp_lost(s, why);
      return false;
    }
    bool asked = s->expected_count == 0 || s->sent_bytes >= s->expected[0].at;
    if (!asked && refuses_early(s, &s->reader.reply)) {
      reply_show(&s->reader.reply, why, why_bytes);
      smtp_lost(s, why);
      return false;
    }
    if (!asked && s->reader.reply.code != 421) {
      snprintf(why, why_bytes, "the server answered what it had not been asked yet");
      smtp_lost(s, why);
      return false;
    }
    if (!heard(s, &s->reader.reply)) {
      say_over(s, &s->reader.reply, why, why_bytes);
      smtp_lost(s, why);
      return false;
    }
  }
  if (s->closing && smtp_is_idle(s) && s->expected_count == 0) {
    snprintf(why, why_bytes, "closed by us");
    smtp_lost(s, why);
    return false;
  }
  if (s->mails_max && s->mails >= s->mails_max && smtp_is_idle(s)) smtp_quit(s);
  return true;
}

void smtp_sent(struct smtp_session *s, size_t bytes) {
  s->out_sent += bytes;
  s->sent_bytes += bytes;
  if (s->out_sent < s->out.len) return;
  buf_clear(&s->out);
  s->out_sent = 0;
}

void smtp_wake(struct smtp_session *s) {
  if (s->ready && s->expected_count == 0) begin_mail(s);
}

bool smtp_is_idle(const struct smtp_session *s) { return !s->mail && !s->dotted; }

void smtp_quit(struct smtp_session *s) {
  if (s->closing) return;
  s->closing = true;
  buf_c(&s->out, "QUIT\r\n");
  expect(s, EXPECT_QUIT, NULL);
}

void smtp_lost(struct smtp_session *s, const char *why) {
  if (s->dotted) settle(s, s->dotted, s->sent_bytes >= s->dot_at ? FATE_DOUBT : FATE_UNSENT, why);
  if (s->mail && !s->refused) settle(s, s->mail, FATE_UNSENT, why);
  s->dotted = s->mail = NULL;
  s->closing = true;
}
