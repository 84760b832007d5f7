/* Connections of the SMTP sender, and the bytes on them.
 *
 * Not for: what is said (smtp.c), which mail goes (relay_mail.c), when to look (relay.c).
 *
 * libcurl opens a connection: names, TCP, TLS, AUTH (CURLOPT_CONNECT_ONLY). From there on the dialogue is ours, because libcurl's own
 * waits inside one call for the answer to each final dot.
 *
 * Invariants:
 * 1. No bytes leave before the journal was written; when it cannot be, nothing leaves any more.
 * 2. A relay that fails is left alone for a while that doubles, and is then tried with one connection. */
#include "runtime/send/relay_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void back_off(struct sender *s, struct relay *r, const char *why) {
  char text[WHY_BYTES];
  if (r->retry_ms > s->now_ms) return; /* several connections fail as one */
  r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_MIN_MS;
  if (r->backoff_ms > BACKOFF_MAX_MS) r->backoff_ms = BACKOFF_MAX_MS;
  r->retry_ms = s->now_ms + r->backoff_ms;
  snprintf(text, sizeof text, "%.80s:%u: %.120s; next try in %u s", r->options.host, r->options.port, why, (unsigned)(r->backoff_ms / 1000) % 1000);
  relay_say(s, text);
}

void line_free(struct line *line) {
  /* So that libcurl's own farewell does not wait for an answer. */
  if (line->state == LINE_OPEN) smtp_deinit(&line->smtp);
  curl_socket_t socket = line->state == LINE_OPEN ? line->socket : line->opening;
  if (socket != CURL_SOCKET_BAD) shutdown(socket, SHUT_RDWR);
  curl_multi_remove_handle(line->sender->multi, line->curl);
  curl_easy_cleanup(line->curl);
  line->curl = NULL;
  line->relay->lines--;
  line->state = LINE_FREE;
}

void line_lost(struct line *line, const char *why) {
  smtp_lost(&line->smtp, why);
  line_free(line);
}

void relay_prepare(void *handle, const struct relay_options *o, const char *name) {
  CURL *c = handle;
  char url[1024];
  long connect_s = o->timeout_s ? (long)o->timeout_s : CONNECT_S;
  snprintf(url, sizeof url, "%s://%s:%u/%s", o->tls == TLS_IMPLICIT ? "smtps" : "smtp", o->host, o->port, name);
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect_s);
  curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, connect_s);
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

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  struct line *line = context;
  (void)purpose;
  line->opening = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return line->opening;
}

static int on_close(void *context, curl_socket_t socket) {
  struct line *line = context;
  if (line->opening == socket) line->opening = CURL_SOCKET_BAD;
  return close(socket);
}

static bool line_open(struct sender *s, struct relay *r) {
  struct line *line = NULL;
  for (uint32_t i = 0; i < s->line_count && !line; i++)
    if (s->lines[i].state == LINE_FREE) line = &s->lines[i];
  if (!line) return false;
  const struct relay_options *o = &r->options;
  *line = (struct line){ .sender = s, .relay = r, .state = LINE_CONNECTING, .moved_ms = s->now_ms, .opening = CURL_SOCKET_BAD,
                          .curl = curl_easy_init() };
  CHECK(line->curl);
  relay_prepare(line->curl, o, o->name ? o->name : s->host);
  curl_easy_setopt(line->curl, CURLOPT_PRIVATE, line);
  curl_easy_setopt(line->curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(line->curl, CURLOPT_OPENSOCKETDATA, line);
  curl_easy_setopt(line->curl, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(line->curl, CURLOPT_CLOSESOCKETDATA, line);
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
  smtp_begin(&line->smtp, &relay_calls, line, line->relay->options.name ? line->relay->options.name : s->host, line->relay->options.per, true);
}

void lines_connect(struct sender *s) {
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
void lines_more(struct sender *s) {
  bool paused[LIMIT_RELAYS_COUNT];
  pthread_mutex_lock(&s->lock);
  uint32_t todo = s->closing ? 0 : s->to.ready_count;
  for (uint32_t i = 0; i < s->relay_count; i++) paused[i] = s->relays[i].paused;
  pthread_mutex_unlock(&s->lock);
  if (journal_bytes(s->journal) > JOURNAL_BYTES_MAX) return;
  for (uint32_t i = 0; i < s->relay_count; i++) {
    struct relay *r = &s->relays[i];
    if (paused[i] || r->retry_ms > s->now_ms) continue;
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
    bool greeted = line->smtp.ready;
    uint32_t replies = line->smtp.replies;
    if (!smtp_receive(&line->smtp, (struct str){ in, n }, why, sizeof why)) {
      struct sender *s = line->sender;
      struct relay *r = line->relay;
      line_free(line);
      /* 421 is the server's farewell: it wants no other connection at once (RFC 5321, 3.8). */
      if (!greeted || strncmp(why, "421", 3) == 0) back_off(s, r, why);
      return;
    }
    /* Who trickles half a reply has not answered. */
    if (line->smtp.replies != replies) line->moved_ms = line->sender->now_ms;
    if (!line_write(line)) return;
    if (n < sizeof in) return;
  }
}

static void line_timed_out(struct line *line, int64_t patience) {
  struct sender *s = line->sender;
  struct relay *r = line->relay;
  char why[64];
  snprintf(why, sizeof why, "no answer for %lld s", (long long)patience / 1000);
  line_lost(line, why);
  back_off(s, r, why);
}

void line_turn(struct sender *s, struct line *line, short events) {
  if (events & (POLLIN | POLLHUP | POLLERR)) line_read(line);
  if (line->state != LINE_OPEN) return;
  smtp_wake(&line->smtp);
  if (!line_write(line)) return;
  bool idle = smtp_is_idle(&line->smtp) && line->smtp.ready;
  int64_t still = s->now_ms - line->moved_ms;
  int64_t patience = line->relay->options.timeout_s ? line->relay->options.timeout_s * 1000 : line->smtp.dotted ? DOT_MS : ANSWER_MS;
  if (!idle && still > patience) line_timed_out(line, patience);
  else if (idle && (still > IDLE_MS || s->closing)) {
    smtp_quit(&line->smtp);
    if (line_write(line)) line_free(line); /* its farewell need not be waited for */
  }
}
