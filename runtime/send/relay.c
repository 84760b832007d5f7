/* The SMTP sender: mails handed to relays over connections of their own thread, beside the engine.
 *
 * Not for: what is said on a connection (smtp.c), which mails go and what is recorded of them (outbox.c), the mail's bytes (mime.c).
 *
 * libcurl opens a connection: names, TCP, TLS, AUTH (CURLOPT_CONNECT_ONLY). From there on the dialogue is ours, because libcurl's own
 * waits inside one call for the answer to each final dot.
 *
 *     engine's thread            |  this thread
 *     submit --------> todo -----+--> line --MAIL…dot--> relay
 *     collect <------- done <----+--- fate
 *
 * Invariants:
 * 1. A mail that was submitted comes back exactly once by collect, or is still here when the process ends; then its row is claimed in
 *    the database and the journal says whether its dot had left.
 * 2. No bytes of a mail leave before the journal says so.
 * 3. The thread touches what is under `lock` only with it; lines, libcurl and the signer are its own.
 * 4. A relay that fails is left alone for a while that doubles; mails wait meanwhile and lose nothing.
 * 5. Closing waits at most CLOSE_MS for answers to dots that have left; what is unanswered then is in doubt. */
#include "runtime/send/relay.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runtime/send/dkim.h"
#include "runtime/send/journal.h"
#include "runtime/send/mime.h"
#include "runtime/send/senders.h"
#include "runtime/send/smtp.h"
#include "runtime/send/token.h"

enum {
  ROOM_COUNT = 8192,           /* mails here at a time */
  LOSSES_MAX = 5,              /* connections that may be lost under a mail before it is put off */
  CONNECT_S = 30, ANSWER_MS = 300 * 1000, DOT_MS = 600 * 1000 /* RFC 5321, 4.5.3.2 */,
  IDLE_MS = 10 * 1000, CLOSE_MS = 10 * 1000,
  BACKOFF_MIN_MS = 1000, BACKOFF_MAX_MS = 5 * 60 * 1000,
  HELD_MS = 15 * 60 * 1000,    /* a relay that refuses us, not the mail */
  READ_BYTES = 64 << 10, JOURNAL_BYTES_MAX = 16 << 20, JOURNAL_TIDY_BYTES = 64 << 10, TURN_MS = 1000,
};

struct relay_mail {
  struct smtp_mail smtp;       /* first: the dialogue knows only this */
  struct envelope envelope;    /* its texts stand behind this struct */
  struct relay_mail *next;
  uint32_t losses;
};

struct relay {
  struct relay_options options;
  uint32_t lines;              /* open or opening */
  int64_t retry_ms;            /* no new connection before */
  int64_t backoff_ms;
};

enum line_state { LINE_FREE, LINE_CONNECTING, LINE_OPEN };
struct line {
  struct sender *sender;
  struct relay *relay;
  CURL *curl;
  curl_socket_t socket;
  uint8_t state;
  bool blocked;                /* the socket takes no more for now */
  int64_t moved_ms;            /* when bytes last went either way */
  struct smtp_session smtp;
};

struct sender {
  pthread_t thread;
  bool started;
  int wake;
  struct arena kept;
  struct relay relays[LIMIT_RELAYS_COUNT];
  uint32_t relay_count;
  struct str from, return_path, secret;
  /* under the lock */
  pthread_mutex_t lock;
  struct relay_mail *todo, **todo_end;
  uint32_t todo_count, held_count; /* held: submitted and not collected */
  struct settled *done;
  uint32_t done_count, done_cap;
  uint32_t uncommitted;        /* collected, and not yet in the database */
  bool closing, failed;
  char trouble[WHY_BYTES];     /* what keeps mails waiting; empty when nothing does */
  /* the thread's own */
  CURLM *multi;
  struct line *lines;
  uint32_t line_count;
  struct pollfd *polls;
  struct dkim *dkim;
  struct journal *journal;
  struct buf mail, signature;
  int64_t now_ms, tokens_ms;
  double tokens;
  char host[256];
};

static int64_t steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void say_trouble(struct sender *s, const char *text) {
  pthread_mutex_lock(&s->lock);
  snprintf(s->trouble, sizeof s->trouble, "%s", text);
  pthread_mutex_unlock(&s->lock);
}

/* --- mails --------------------------------------------------------------------------------------------------------- */

static struct str copied(char **at, struct str s) {
  char *to = *at;
  if (s.len) memcpy(to, s.ptr, s.len);
  to[s.len] = 0;
  *at += s.len + 1;
  return (struct str){ to, s.len };
}

/* The address of `Name <address>`, or all of it. */
static struct str bare_address(struct str s) {
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

static struct relay_mail *mail_new(struct sender *s, const struct envelope *e) {
  size_t bytes = e->key.len + e->contact.len + e->to.len + e->channel.len + e->message.len + e->campaign.len + e->subject.len + e->body.len + s->return_path.len + 2 * TOKEN_BYTES + 16;
  struct relay_mail *m = malloc(sizeof *m + bytes);
  CHECK(m);
  char *at = (char *)(m + 1);
  m->envelope = *e;
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
  }
  m->smtp = (struct smtp_mail){ .from = return_path, .to = bare_address(m->envelope.to) };
  m->smtp.utf8 = !is_ascii(m->smtp.to);
  m->next = NULL;
  m->losses = 0;
  return m;
}

static void settle(struct sender *s, struct relay_mail *m, enum delivery result, const char *reason) {
  pthread_mutex_lock(&s->lock);
  CHECK(s->done_count < s->done_cap);
  struct settled *d = &s->done[s->done_count++];
  d->outbox_id = m->envelope.outbox_id;
  d->outcome.result = result;
  snprintf(d->outcome.reason, sizeof d->outcome.reason, "%s", reason);
  pthread_mutex_unlock(&s->lock);
  free(m);
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
  struct relay_mail *m = s->closing ? NULL : s->todo;
  if (m && may_go(s)) {
    s->todo = m->next;
    if (!s->todo) s->todo_end = &s->todo;
    s->todo_count--;
  } else {
    m = NULL;
  }
  pthread_mutex_unlock(&s->lock);
  return m ? &m->smtp : NULL;
}

/* Back to the front, where it came from. */
static void give_back(struct sender *s, struct relay_mail *m) {
  pthread_mutex_lock(&s->lock);
  m->next = s->todo;
  if (!s->todo) s->todo_end = &m->next;
  s->todo = m;
  s->todo_count++;
  pthread_mutex_unlock(&s->lock);
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
  return !out->failed;
}

static void hold_relay(struct line *line, const char *reason) {
  struct sender *s = line->sender;
  char text[WHY_BYTES];
  line->relay->retry_ms = s->now_ms + HELD_MS;
  snprintf(text, sizeof text, "%.80s refuses what we send, whoever it is for: %.120s", line->relay->options.host, reason);
  say_trouble(s, text);
}

static void on_fate(void *context, struct smtp_mail *smtp, enum fate fate, const char *reason) {
  struct line *line = context;
  struct sender *s = line->sender;
  struct relay_mail *m = (struct relay_mail *)(void *)smtp;
  int64_t id = m->envelope.outbox_id;
  char text[160];
  switch (fate) {
    case FATE_SENT:
      line->relay->backoff_ms = 0;
      journal_answer(s->journal, id, true);
      settle(s, m, DELIVERY_OK, "");
      return;
    case FATE_LATER: break;
    case FATE_REFUSED:
      journal_answer(s->journal, id, false);
      settle(s, m, DELIVERY_REFUSED, reason);
      return;
    case FATE_HELD: hold_relay(line, reason); break;
    case FATE_UNSENT:
      journal_answer(s->journal, id, false);
      if (++m->losses < LOSSES_MAX) {
        give_back(s, m);
        return;
      }
      break;
    case FATE_DOUBT:
      journal_answer(s->journal, id, false);
      snprintf(text, sizeof text, "in doubt: the connection ended before the answer: %.100s", reason);
      settle(s, m, DELIVERY_DOUBT, text);
      return;
  }
  journal_answer(s->journal, id, false);
  settle(s, m, DELIVERY_RETRY, reason);
}

static const struct smtp_calls calls = { take_mail, write_mail, on_fate };

/* --- connections --------------------------------------------------------------------------------------------------- */

static void back_off(struct sender *s, struct relay *r, const char *why) {
  char text[WHY_BYTES];
  if (r->retry_ms > s->now_ms) return; /* several connections fail as one */
  r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_MIN_MS;
  if (r->backoff_ms > BACKOFF_MAX_MS) r->backoff_ms = BACKOFF_MAX_MS;
  r->retry_ms = s->now_ms + r->backoff_ms;
  snprintf(text, sizeof text, "%.80s:%u: %.120s; next try in %u s", r->options.host, r->options.port, why, (unsigned)(r->backoff_ms / 1000) % 1000);
  say_trouble(s, text);
}

static void line_free(struct line *line) {
  /* So that libcurl's own farewell does not wait for an answer. */
  if (line->state == LINE_OPEN) {
    shutdown(line->socket, SHUT_RDWR);
    smtp_deinit(&line->smtp);
  }
  curl_multi_remove_handle(line->sender->multi, line->curl);
  curl_easy_cleanup(line->curl);
  line->curl = NULL;
  line->relay->lines--;
  line->state = LINE_FREE;
}

static void line_lost(struct line *line, const char *why) {
  smtp_lost(&line->smtp, why);
  line_free(line);
}

void relay_prepare(void *handle, const struct relay_options *o, const char *name) {
  CURL *c = handle;
  char url[1024];
  snprintf(url, sizeof url, "%s://%s:%u/%s", o->tls == TLS_IMPLICIT ? "smtps" : "smtp", o->host, o->port, name);
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
  curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)CONNECT_S);
  curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(o->tls == TLS_OFF ? CURLUSESSL_NONE : o->tls == TLS_TRY ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  /* `try` takes any certificate: it keeps off only who merely listens (RFC 7435). */
  if (o->tls == TLS_TRY) curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L), curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
  if (!o->user) return;
  const char *password = getenv("CAMP_SMTP_PASSWORD");
  curl_easy_setopt(c, CURLOPT_USERNAME, o->user);
  curl_easy_setopt(c, CURLOPT_PASSWORD, password ? password : "");
}

static bool line_open(struct sender *s, struct relay *r) {
  struct line *line = NULL;
  for (uint32_t i = 0; i < s->line_count && !line; i++)
    if (s->lines[i].state == LINE_FREE) line = &s->lines[i];
  if (!line) return false;
  const struct relay_options *o = &r->options;
  *line = (struct line){ .sender = s, .relay = r, .state = LINE_CONNECTING, .moved_ms = s->now_ms, .curl = curl_easy_init() };
  CHECK(line->curl);
  relay_prepare(line->curl, o, o->name ? o->name : s->host);
  curl_easy_setopt(line->curl, CURLOPT_PRIVATE, line);
  r->lines++;
  if (curl_multi_add_handle(s->multi, line->curl) == CURLM_OK) return true;
  line_free(line);
  return false;
}

static void line_connected(struct sender *s, struct line *line, CURLcode code) {
  if (code == CURLE_OK) code = curl_easy_getinfo(line->curl, CURLINFO_ACTIVESOCKET, &line->socket);
  if (code != CURLE_OK || line->socket == CURL_SOCKET_BAD) {
    struct relay *r = line->relay;
    line_free(line);
    back_off(s, r, code == CURLE_LOGIN_DENIED ? "user or password refused" : curl_easy_strerror(code));
    return;
  }
  line->state = LINE_OPEN;
  line->moved_ms = s->now_ms;
  smtp_begin(&line->smtp, &calls, line, line->relay->options.name ? line->relay->options.name : s->host, line->relay->options.per, true);
}

static void lines_connect(struct sender *s) {
  int running, left;
  CURLMsg *msg;
  curl_multi_perform(s->multi, &running);
  while ((msg = curl_multi_info_read(s->multi, &left))) {
    struct line *line = NULL;
    if (msg->msg != CURLMSG_DONE) continue;
    CURLcode code = msg->data.result;
    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&line);
    if (line && line->state == LINE_CONNECTING) line_connected(s, line, code);
  }
}

/* As many connections as there are mails for, one relay after the other. */
static void lines_more(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  uint32_t todo = s->closing ? 0 : s->todo_count;
  pthread_mutex_unlock(&s->lock);
  if (journal_bytes(s->journal) > JOURNAL_BYTES_MAX) return;
  for (uint32_t i = 0; i < s->relay_count; i++) {
    struct relay *r = &s->relays[i];
    if (r->retry_ms > s->now_ms) continue;
    /* After a failure one connection tries first. */
    uint32_t most = r->backoff_ms ? 1 : r->options.connections;
    while (r->lines < most && r->lines < todo && line_open(s, r));
  }
}

/* --- bytes --------------------------------------------------------------------------------------------------------- */

static bool line_write(struct line *line) {
  struct smtp_session *m = &line->smtp;
  struct sender *s = line->sender;
  char why[WHY_BYTES];
  line->blocked = false;
  if (m->out.len > m->out_sent && journal_flush(s->journal, why) != CAMP_OK) {
    pthread_mutex_lock(&s->lock);
    s->failed = true;
    snprintf(s->trouble, sizeof s->trouble, "%s", why);
    pthread_mutex_unlock(&s->lock);
    line_lost(line, why);
    return false;
  }
  while (m->out.len > m->out_sent) {
    size_t n = 0;
    CURLcode code = curl_easy_send(line->curl, m->out.data + m->out_sent, m->out.len - m->out_sent, &n);
    if (code == CURLE_AGAIN || (code == CURLE_OK && n == 0)) {
      line->blocked = true;
      return true;
    }
    if (code != CURLE_OK) {
      line_lost(line, curl_easy_strerror(code));
      return false;
    }
    line->moved_ms = s->now_ms;
    smtp_sent(m, n);
  }
  return true;
}

static void line_read(struct line *line) {
  char in[READ_BYTES], why[WHY_BYTES];
  for (;;) {
    size_t n = 0;
    CURLcode code = curl_easy_recv(line->curl, in, sizeof in, &n);
    if (code == CURLE_AGAIN) return;
    if (code != CURLE_OK || n == 0) {
      line_lost(line, code == CURLE_OK ? "the server closed the connection" : curl_easy_strerror(code));
      return;
    }
    line->moved_ms = line->sender->now_ms;
    bool greeted = line->smtp.ready;
    if (!smtp_receive(&line->smtp, (struct str){ in, n }, why, sizeof why)) {
      struct sender *s = line->sender;
      struct relay *r = line->relay;
      line_free(line);
      if (!greeted) back_off(s, r, why);
      return;
    }
    if (!line_write(line)) return;
    if (n < sizeof in) return;
  }
}

static void line_turn(struct sender *s, struct line *line, short events) {
  if (events & (POLLIN | POLLHUP | POLLERR)) line_read(line);
  if (line->state != LINE_OPEN) return;
  smtp_wake(&line->smtp);
  if (!line_write(line)) return;
  bool idle = smtp_is_idle(&line->smtp);
  int64_t still = s->now_ms - line->moved_ms;
  if (still > (line->smtp.dotted ? DOT_MS : ANSWER_MS)) line_lost(line, "no answer for minutes");
  else if (idle && (still > IDLE_MS || s->closing)) {
    smtp_quit(&line->smtp);
    if (line_write(line)) line_free(line); /* its farewell need not be waited for */
  }
}

/* --- the thread ---------------------------------------------------------------------------------------------------- */

static int wait_for(const struct sender *s) {
  int64_t wait = TURN_MS;
  for (uint32_t i = 0; i < s->relay_count; i++) {
    int64_t left = s->relays[i].retry_ms - s->now_ms;
    if (s->todo_count && left > 0 && left < wait) wait = left;
  }
  if (s->todo_count && s->relays[0].options.rate && wait > 20) wait = 20;
  return (int)wait;
}

static bool any_under_way(const struct sender *s) {
  for (uint32_t i = 0; i < s->line_count; i++)
    if (s->lines[i].state == LINE_OPEN && !smtp_is_idle(&s->lines[i].smtp)) return true;
  return false;
}

/* Sleeps until something moves; polls[0] is the wake, polls[i + 1] is lines[i]. */
static void wait_turn(struct sender *s) {
  bool connecting = false;
  s->polls[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
  for (uint32_t i = 0; i < s->line_count; i++) {
    const struct line *line = &s->lines[i];
    bool open = line->state == LINE_OPEN;
    connecting |= line->state == LINE_CONNECTING;
    s->polls[i + 1] = (struct pollfd){ .fd = open ? line->socket : -1, .events = (short)(POLLIN | (line->blocked ? POLLOUT : 0)) };
  }
  /* libcurl tells no file descriptors for a name that is being looked up, so while it connects it is asked often. */
  int wait = connecting ? 2 : wait_for(s);
  if (poll(s->polls, s->line_count + 1, wait) < 0)
    for (uint32_t i = 0; i <= s->line_count; i++) s->polls[i].revents = 0;
  s->now_ms = steady_ms();
  uint64_t drained;
  if (s->polls[0].revents && read(s->wake, &drained, sizeof drained) < 0) drained = 0;
}

/* The journal begins anew when the database knows all that it says: no dot under way, nothing to be collected or committed. */
static void tidy_journal(struct sender *s) {
  char why[WHY_BYTES];
  if (journal_bytes(s->journal) < JOURNAL_TIDY_BYTES || any_under_way(s)) return;
  pthread_mutex_lock(&s->lock);
  if (!s->done_count && !s->uncommitted && journal_reset(s->journal, why) != CAMP_OK) snprintf(s->trouble, sizeof s->trouble, "%s", why);
  pthread_mutex_unlock(&s->lock);
}

static void *thread_main(void *argument) {
  struct sender *s = argument;
  int64_t closing_since = 0;
  for (;;) {
    s->now_ms = steady_ms();
    pthread_mutex_lock(&s->lock);
    bool closing = s->closing || s->failed;
    pthread_mutex_unlock(&s->lock);
    if (closing && !closing_since) closing_since = s->now_ms;
    if (closing && (!any_under_way(s) || s->now_ms - closing_since > CLOSE_MS)) break;
    if (!closing) lines_more(s);
    lines_connect(s);
    wait_turn(s);
    for (uint32_t i = 0; i < s->line_count; i++)
      if (s->lines[i].state == LINE_OPEN) line_turn(s, &s->lines[i], s->polls[i + 1].fd == s->lines[i].socket ? s->polls[i + 1].revents : 0);
    char why[WHY_BYTES];
    if (journal_flush(s->journal, why) != CAMP_OK) say_trouble(s, why);
    tidy_journal(s);
  }
  for (uint32_t i = 0; i < s->line_count; i++) {
    if (s->lines[i].state == LINE_OPEN) line_lost(&s->lines[i], "Camp ended");
    else if (s->lines[i].state == LINE_CONNECTING) line_free(&s->lines[i]);
  }
  char why[WHY_BYTES];
  if (journal_flush(s->journal, why) != CAMP_OK) say_trouble(s, why);
  return NULL;
}

/* --- the sender ---------------------------------------------------------------------------------------------------- */

static void relay_finish(struct sender *s);

static void relay_close(struct sender *s) {
  relay_finish(s);
  if (s->multi) curl_multi_cleanup(s->multi);
  if (s->wake >= 0) close(s->wake);
  journal_close(s->journal);
  dkim_close(s->dkim);
  buf_deinit(&s->mail);
  buf_deinit(&s->signature);
  pthread_mutex_destroy(&s->lock);
  arena_deinit(&s->kept);
  free(s->lines);
  free(s->polls);
  free(s->done);
  free(s);
}

/* What the last process left comes out of the first collect. */
static void take_left(struct sender *s) {
  uint32_t count;
  const struct journal_entry *left = journal_left(s->journal, &count);
  if (count > s->done_cap) count = s->done_cap; /* it had no more under way than we may have */
  for (uint32_t i = 0; i < count; i++) {
    struct settled *d = &s->done[s->done_count++];
    *d = (struct settled){ .outbox_id = left[i].id, .left_over = true, .outcome = { .result = left[i].taken ? DELIVERY_OK : DELIVERY_DOUBT } };
    if (!left[i].taken) snprintf(d->outcome.reason, sizeof d->outcome.reason, "in doubt: Camp was ended before the answer came");
  }
}

static enum camp_err read_environment(struct sender *s, char why[WHY_BYTES]) {
  const char *from = getenv("CAMP_FROM"), *secret = getenv("CAMP_SECRET"), *path = getenv("CAMP_RETURN_PATH"), *keys = getenv("CAMP_DKIM");
  if (!from || !*from) {
    snprintf(why, WHY_BYTES, "who does the mail come from? Set CAMP_FROM, such as CAMP_FROM='Shop <news@shop.example>'");
    return CAMP_BAD;
  }
  s->from = arena_str(&s->kept, str_from_c(from));
  if (secret) s->secret = arena_str(&s->kept, str_from_c(secret));
  s->return_path = arena_str(&s->kept, bare_address(path && *path ? str_from_c(path) : s->from));
  const char *at = s->return_path.len ? memrchr(s->return_path.ptr, '@', s->return_path.len) : NULL;
  struct str address = bare_address(s->from);
  const char *from_at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;
  if (!at || !from_at) {
    snprintf(why, WHY_BYTES, "CAMP_FROM and CAMP_RETURN_PATH hold an address each, such as news@shop.example");
    return CAMP_BAD;
  }
  return keys && *keys ? dkim_open(keys, str_slice(from_at + 1, address.ptr + address.len), &s->dkim, why) : CAMP_OK;
}

static enum camp_err start(struct sender *s, const char *spec, const struct sender_place *place, char why[WHY_BYTES]) {
  struct relay_options options[LIMIT_RELAYS_COUNT];
  enum camp_err err = relay_options_parse(spec, &s->kept, options, &s->relay_count, why);
  if (!err) err = read_environment(s, why);
  if (!err) err = journal_open(place->journal, place->identity, &s->journal, why);
  if (err) return err;
  for (uint32_t i = 0; i < s->relay_count; i++) {
    s->relays[i].options = options[i];
    s->line_count += options[i].connections;
  }
  s->lines = calloc(s->line_count, sizeof *s->lines);
  s->polls = calloc(s->line_count + 1, sizeof *s->polls);
  uint32_t left;
  (void)journal_left(s->journal, &left);
  s->done_cap = ROOM_COUNT + left;
  s->done = calloc(s->done_cap, sizeof *s->done);
  s->multi = curl_multi_init();
  s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(s->lines && s->polls && s->done && s->multi);
  if (s->wake < 0) return sender_fail(why, "make", "an event descriptor");
  for (uint32_t i = 0; i < s->line_count; i++) s->lines[i].sender = s;
  curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)s->line_count);
  take_left(s);
  s->tokens_ms = steady_ms();
  if (gethostname(s->host, sizeof s->host - 1) != 0 || !s->host[0]) snprintf(s->host, sizeof s->host, "localhost");
  /* Signals are the engine's; a relay that goes away while TLS writes must not end the process. */
  sigset_t all, was;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &was);
  int failed = pthread_create(&s->thread, NULL, thread_main, s);
  pthread_sigmask(SIG_SETMASK, &was, NULL);
  if (failed) return sender_fail(why, "start", "the sender's thread");
  s->started = true;
  return CAMP_OK;
}

static void curl_begin(void) { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0); }

static enum camp_err relay_open(const char *spec, const struct sender_place *place, struct sender **out, char why[256]) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, curl_begin);
  struct sender *s = calloc(1, sizeof *s);
  CHECK(s);
  s->wake = -1;
  s->todo_end = &s->todo;
  pthread_mutex_init(&s->lock, NULL);
  arena_init(&s->kept, 4096);
  buf_init(&s->mail, MAIL_BYTES_MAX);
  buf_init(&s->signature, 64 << 10);
  enum camp_err err = start(s, spec, place, why);
  if (err) relay_close(s);
  else *out = s;
  return err;
}

static uint32_t relay_room(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  uint32_t room = s->held_count < ROOM_COUNT && !s->failed ? ROOM_COUNT - s->held_count : 0;
  pthread_mutex_unlock(&s->lock);
  return room;
}

static void relay_submit(struct sender *s, const struct envelope *batch, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct relay_mail *m = mail_new(s, &batch[i]);
    pthread_mutex_lock(&s->lock);
    *s->todo_end = m;
    s->todo_end = &m->next;
    s->todo_count++;
    s->held_count++;
    pthread_mutex_unlock(&s->lock);
  }
  uint64_t one = 1;
  if (count && write(s->wake, &one, sizeof one) < 0) { /* it looks each second anyway */ }
}

static uint32_t relay_collect(struct sender *s, struct settled *out, uint32_t max) {
  pthread_mutex_lock(&s->lock);
  uint32_t n = s->done_count < max ? s->done_count : max;
  memcpy(out, s->done, n * sizeof *out);
  memmove(s->done, s->done + n, (s->done_count - n) * sizeof *s->done);
  s->done_count -= n;
  s->uncommitted += n;
  for (uint32_t i = 0; i < n; i++) s->held_count -= !out[i].left_over;
  pthread_mutex_unlock(&s->lock);
  return n;
}

static void relay_committed(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  s->uncommitted = 0;
  pthread_mutex_unlock(&s->lock);
}

static uint32_t relay_under_way(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  uint32_t n = s->held_count;
  pthread_mutex_unlock(&s->lock);
  return n;
}

static void relay_trouble(struct sender *s, char text[WHY_BYTES]) {
  pthread_mutex_lock(&s->lock);
  memcpy(text, s->trouble, WHY_BYTES);
  s->trouble[0] = 0;
  pthread_mutex_unlock(&s->lock);
}

/* No new mail is begun; what was not begun is free again, and what is under way is waited for. */
static void relay_finish(struct sender *s) {
  if (!s->started) return;
  pthread_mutex_lock(&s->lock);
  s->closing = true;
  pthread_mutex_unlock(&s->lock);
  uint64_t one = 1;
  if (write(s->wake, &one, sizeof one) < 0) { /* it looks each second anyway */ }
  pthread_join(s->thread, NULL);
  s->started = false;
  while (s->todo) {
    struct relay_mail *m = s->todo;
    s->todo = m->next;
    settle(s, m, DELIVERY_UNBEGUN, "");
  }
}

static const struct sender_background background = { relay_open, relay_room, relay_submit, relay_collect, relay_committed, relay_under_way,
  relay_trouble, relay_finish, relay_close };
const struct sender_ops smtp_ops = { .scheme = "smtp", .background = &background };
const struct sender_ops smtps_ops = { .scheme = "smtps", .background = &background };
