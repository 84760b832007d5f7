/* Mails of the SMTP sender: copied from the outbox's envelopes, written for a dialogue, and given back with their fate.
 *
 * Not for: connections (relay_line.c), the mail's own bytes (mime.c), its signature (dkim.c).
 *
 * Invariants:
 * 1. Each mail that was made is settled once, or given back to the front of the queue.
 * 2. The journal hears of a dot before any byte of its mail can leave, and of its answer before the mail is settled. */
#include "runtime/send/relay_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/send/mime.h"
#include "runtime/send/token.h"

void relay_note(struct sender *s, const char *text) {
  for (uint32_t i = 0; i < s->trouble_count; i++)
    if (strcmp(s->troubles[i], text) == 0) return;
  if (s->trouble_count == TROUBLES_COUNT) memmove(s->troubles[0], s->troubles[1], --s->trouble_count * sizeof s->troubles[0]);
  snprintf(s->troubles[s->trouble_count++], WHY_BYTES, "%s", text);
}

void relay_say(struct sender *s, const char *text) {
  pthread_mutex_lock(&s->lock);
  relay_note(s, text);
  pthread_mutex_unlock(&s->lock);
}

static struct str copied(char **at, struct str s) {
  char *to = *at;
  if (s.len) memcpy(to, s.ptr, s.len);
  to[s.len] = 0;
  *at += s.len + 1;
  return (struct str){ to, s.len };
}

/* The address of `Name <address>`, or all of it. */
struct str bare_address(struct str s) {
  const char *open = s.len ? memrchr(s.ptr, '<', s.len) : NULL;
  const char *close = open ? memchr(open, '>', (size_t)(s.ptr + s.len - open)) : NULL;
  return close ? str_slice(open + 1, close) : s;
}

static bool is_ascii(struct str s) {
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.ptr[i] >= 0x80) return false;
  return true;
}

/* bounce@shop.example as bounce+TOKEN@shop.example */
static struct str with_token(char **at, struct str address, struct str token) {
  const char *sign = memrchr(address.ptr, '@', address.len);
  char *from = *at;
  (void)copied(at, str_slice(address.ptr, sign));
  (*at)[-1] = '+';
  (void)copied(at, token);
  --*at;
  (void)copied(at, str_slice(sign, address.ptr + address.len));
  return (struct str){ from, (size_t)(*at - from) - 1 };
}

struct relay_mail *relay_mail_new(struct sender *s, const struct envelope *e) {
  size_t bytes = e->key.len + e->contact.len + e->to.len + e->channel.len + e->message.len + e->campaign.len + e->subject.len + e->body.len + e->text.len + e->from_name.len + e->from.len + e->reply_name.len + e->reply_to.len +
                 e->topic.len + e->unsubscribe.len + s->return_path.len + 2 * TOKEN_BYTES + 32 + e->file_count * sizeof *e->files + sizeof(void *);
  struct relay_mail *m = malloc(sizeof *m + bytes);
  CHECK(m);
  struct enclosure *files = (struct enclosure *)(void *)(m + 1); /* first, for their alignment */
  char *at = (char *)(files + e->file_count);
  m->envelope = *e;
  if (e->file_count) memcpy(files, e->files, e->file_count * sizeof *files);
  m->envelope.files = files;
  m->envelope.text = copied(&at, e->text);
  m->envelope.from_name = copied(&at, e->from_name);
  m->envelope.from = copied(&at, e->from);
  m->envelope.reply_name = copied(&at, e->reply_name);
  m->envelope.reply_to = copied(&at, e->reply_to);
  m->envelope.topic = copied(&at, e->topic);
  m->envelope.unsubscribe = copied(&at, e->unsubscribe);
  m->envelope.key = copied(&at, e->key);
  m->envelope.contact = copied(&at, e->contact);
  m->envelope.to = copied(&at, e->to);
  m->envelope.channel = copied(&at, e->channel);
  m->envelope.message = copied(&at, e->message);
  m->envelope.campaign = copied(&at, e->campaign);
  m->envelope.subject = copied(&at, e->subject);
  m->envelope.body = copied(&at, e->body);
  struct str return_path = s->return_path;
  if (s->secret.len) {
    char token[TOKEN_BYTES];
    token_write(token, s->secret, e->outbox_id);
    m->envelope.token = copied(&at, str_from_c(token));
    return_path = with_token(&at, s->return_path, m->envelope.token);
    m->envelope.bounces = return_path;
  }
  /* An address and nothing else (address.c): what looks like another one inside its quotes is part of it. */
  m->smtp = (struct smtp_mail){ .from = return_path, .to = m->envelope.to };
  m->smtp.utf8 = !is_ascii(m->envelope.to) || !is_ascii(m->envelope.from) || !is_ascii(m->envelope.reply_to) || !is_ascii(return_path);
  m->next = NULL;
  m->destination = NULL;
  m->came_ms = m->dot_ms = 0;
  m->losses = 0;
  return m;
}

static void settle(struct sender *s, struct relay_mail *m, enum delivery result, int64_t wait_ms, const char *reason) {
  CHECK(s->done_count < s->done_cap);
  struct settled *d = &s->done[s->done_count++];
  d->outbox_id = m->envelope.outbox_id;
  d->left_over = false;
  d->outcome.result = result;
  d->wait_ms = wait_ms;
  snprintf(d->outcome.reason, sizeof d->outcome.reason, "%s", reason);
  free(m);
}

void relay_settle(struct sender *s, struct relay_mail *m, enum delivery result, const char *reason) {
  pthread_mutex_lock(&s->lock);
  settle(s, m, result, 0, reason);
  pthread_mutex_unlock(&s->lock);
}

void relay_settle_wait(struct sender *s, struct relay_mail *m, int64_t wait_ms, const char *fmt, ...) {
  char reason[160];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  settle(s, m, DELIVERY_WAIT, wait_ms > 0 ? wait_ms : 0, reason);
}

/* Token bucket of one second's mails, over all connections. */
static bool may_go(struct sender *s) {
  uint32_t rate = s->relays[0].options.rate;
  if (!rate) return true;
  s->tokens += (double)(s->now_ms - s->tokens_ms) * rate / 1000.0;
  s->tokens_ms = s->now_ms;
  double most = rate < 10 ? 1 : rate / 10.0;
  if (s->tokens > most) s->tokens = most;
  if (s->tokens < 1) return false;
  s->tokens -= 1;
  return true;
}

static struct smtp_mail *take_mail(void *context) {
  struct line *line = context;
  struct sender *s = line->sender;
  if (journal_bytes(s->journal) > JOURNAL_BYTES_MAX) return NULL; /* until it was emptied */
  if (line->relay->retry_ms > s->now_ms) return NULL;
  pthread_mutex_lock(&s->lock);
  s->to.now_ms = s->now_ms;
  struct relay_mail *m = !s->closing && !line->relay->paused && s->to.ready_count && may_go(s) ? destination_take(s, line) : NULL;
  pthread_mutex_unlock(&s->lock);
  return m ? &m->smtp : NULL;
}

/* The mail as it travels: lines end in CRLF, and a dot at a line's beginning is doubled (RFC 5321, 4.5.2). */
static void add_travelling(struct buf *out, struct str mail) {
  const char *end = mail.ptr + mail.len;
  for (const char *line = mail.ptr; line < end;) {
    const char *lf = memchr(line, '\n', (size_t)(end - line));
    const char *stop = lf ? lf : end;
    if (*line == '.') buf_byte(out, '.');
    buf_add(out, line, (size_t)(stop - line));
    buf_add(out, "\r\n", 2);
    line = lf ? lf + 1 : end;
  }
}

static bool write_mail(void *context, struct smtp_mail *smtp, struct buf *out) {
  struct line *line = context;
  struct sender *s = line->sender;
  struct relay_mail *m = (struct relay_mail *)(void *)smtp;
  buf_clear(&s->mail);
  mime_write(&s->mail, &m->envelope, s->from, true);
  if (s->mail.failed) return false;
  if (s->dkim) {
    buf_clear(&s->signature);
    if (!dkim_sign(s->dkim, &s->signature, buf_as_str(&s->mail), m->envelope.at_ms / 1000)) return false;
    add_travelling(out, buf_as_str(&s->signature));
  }
  add_travelling(out, buf_as_str(&s->mail));
  journal_dot(s->journal, m->envelope.outbox_id);
  m->dot_ms = s->now_ms;
  return !out->failed;
}

static void hold_relay(struct line *line, const char *reason) {
  struct sender *s = line->sender;
  char text[WHY_BYTES];
  line->relay->retry_ms = s->now_ms + HELD_MS;
  snprintf(text, sizeof text, "%.80s refuses what we send, whoever it is for: %.120s", line->relay->options.host, reason);
  relay_say(s, text);
}

/* The destination hears of it, and when the connection was lost under it, has it back. False: the mail is to be settled. */
static bool tell_destination(struct line *line, struct relay_mail *m, enum fate fate, const char *reason) {
  static const enum came came[] = { [FATE_SENT] = CAME_SENT, [FATE_LATER] = CAME_LATER, [FATE_BUSY] = CAME_BUSY, [FATE_REFUSED] = CAME_REFUSED,
    [FATE_HELD] = CAME_BACK, [FATE_UNSENT] = CAME_BACK, [FATE_DOUBT] = CAME_BACK };
  struct sender *s = line->sender;
  bool again = fate == FATE_UNSENT && ++m->losses < LOSSES_MAX;
  pthread_mutex_lock(&s->lock);
  s->to.now_ms = s->now_ms;
  destination_done(s, line, m, came[fate], reason);
  if (again) destination_again(s, m);
  pthread_mutex_unlock(&s->lock);
  return again;
}

static void on_fate(void *context, struct smtp_mail *smtp, enum fate fate, const char *reason) {
  struct line *line = context;
  struct sender *s = line->sender;
  struct relay_mail *m = (struct relay_mail *)(void *)smtp;
  char text[160];
  journal_answer(s->journal, m->envelope.outbox_id, fate == FATE_SENT);
  if (tell_destination(line, m, fate, reason)) return;
  switch (fate) {
    case FATE_SENT:
      line->relay->backoff_ms = 0;
      relay_settle(s, m, DELIVERY_OK, "");
      return;
    case FATE_REFUSED: relay_settle(s, m, DELIVERY_REFUSED, reason); return;
    case FATE_HELD: hold_relay(line, reason); break;
    case FATE_LATER:
    case FATE_BUSY:
    case FATE_UNSENT: break;
    case FATE_DOUBT:
      snprintf(text, sizeof text, "in doubt: the connection ended before the answer: %.100s", reason);
      relay_settle(s, m, DELIVERY_DOUBT, text);
      return;
  }
  relay_settle(s, m, DELIVERY_RETRY, reason);
}

const struct smtp_calls relay_calls = { take_mail, write_mail, on_fate };
