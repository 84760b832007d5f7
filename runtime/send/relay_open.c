/* Connections of the SMTP sender while they are opened, each by libcurl in a thread of its own: names, TCP, TLS, the greeting and AUTH
 * (CURLOPT_CONNECT_ONLY).
 *
 * Not for: what is said on an open connection (relay_line.c).
 *
 * Why threads, where libcurl could open many at once in one: when it gives up looking for a name it waits until the system's resolver has given
 * up, too, half a minute with a silent name server, in which no mail would leave by any relay. Certificates are read here, too, beside
 * the mail that travels.
 *
 *     lines_more --> CONNECTING, its thread runs --> opened (under the lock), wakes the sender --> lines_opened joins it --> OPEN, or free
 *
 * Invariants:
 * 1. While a line is CONNECTING its thread alone touches its libcurl handle; others may only ask it to end (line_give_up).
 * 2. A socket is closed, and shut down by others, under `opening`: so nobody shuts down a number that is somebody else's by then.
 * 3. A relay that fails is left alone for a while that doubles, and is then tried with one connection. */
#include "runtime/send/relay_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STACK_BYTES = 512 << 10 };

/* libcurl hands over each line that the server says while a connection is opened. */
static size_t on_words(char *data, size_t size, size_t count, void *said) {
  size_t bytes = size * count, n = 0;
  char *to = said;
  for (size_t i = 0; i < bytes && n < RELAY_SAID_BYTES - 1; i++)
    if ((unsigned char)data[i] >= 0x20 && (unsigned char)data[i] < 0x7f) to[n++] = data[i];
  to[n] = 0;
  return bytes;
}

void relay_trouble_text(char *text, size_t bytes, int code, const char said[RELAY_SAID_BYTES]) {
  const char *what = code == CURLE_LOGIN_DENIED ? "user or password refused" : curl_easy_strerror((CURLcode)code);
  bool refused = said[0] == '4' || said[0] == '5';
  if (refused && (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_REMOTE_ACCESS_DENIED)) snprintf(text, bytes, "%s", said);
  else if (refused) snprintf(text, bytes, "%s: %s", what, said);
  else snprintf(text, bytes, "%s", what);
}

void relay_prepare(void *handle, const struct relay_options *o, const char *name, char said[RELAY_SAID_BYTES]) {
  CURL *c = handle;
  const char *authorities = getenv("CAMP_CA");
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
  if (authorities && *authorities) curl_easy_setopt(c, CURLOPT_CAINFO, authorities);
  said[0] = 0;
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_words);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, said);
  if (!o->user) return;
  const char *password = getenv("CAMP_SMTP_PASSWORD");
  curl_easy_setopt(c, CURLOPT_USERNAME, o->user);
  curl_easy_setopt(c, CURLOPT_PASSWORD, password ? password : "");
}

/* --- in the line's thread ------------------------------------------------------------------------------------------- */

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  struct line *line = context;
  (void)purpose;
  int opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  pthread_mutex_lock(&line->sender->opening);
  line->opening = opened;
  pthread_mutex_unlock(&line->sender->opening);
  return opened;
}

static int on_close(void *context, curl_socket_t socket) {
  struct line *line = context;
  pthread_mutex_lock(&line->sender->opening);
  if (line->opening == socket) line->opening = CURL_SOCKET_BAD;
  int failed = close(socket);
  pthread_mutex_unlock(&line->sender->opening);
  return failed;
}

/* libcurl asks about once a second, also while it waits. */
static int on_progress(void *context, curl_off_t down, curl_off_t downloaded, curl_off_t up, curl_off_t uploaded) {
  const struct line *line = context;
  (void)down, (void)downloaded, (void)up, (void)uploaded;
  pthread_mutex_lock(&line->sender->opening);
  bool given_up = line->given_up;
  pthread_mutex_unlock(&line->sender->opening);
  return given_up;
}

static void *open_main(void *context) {
  struct line *line = context;
  struct sender *s = line->sender;
  CURLcode code = curl_easy_perform(line->curl);
  pthread_mutex_lock(&s->opening);
  line->code = code;
  line->opened = true;
  pthread_mutex_unlock(&s->opening);
  relay_wake(s);
  return NULL;
}

/* --- in the sender's thread ------------------------------------------------------------------------------------------ */

void relay_back_off(struct sender *s, struct relay *r, const char *why) {
  char text[WHY_BYTES];
  if (r->retry_ms > s->now_ms) return; /* several connections fail as one */
  r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_MIN_MS;
  if (r->backoff_ms > BACKOFF_MAX_MS) r->backoff_ms = BACKOFF_MAX_MS;
  r->retry_ms = s->now_ms + r->backoff_ms;
  snprintf(text, sizeof text, "%.80s:%u: %.120s; next try in %u s", r->options.host, r->options.port, why, (unsigned)(r->backoff_ms / 1000) % 1000);
  relay_say(s, text);
}

static bool thread_start(struct line *line) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int failed = pthread_create(&line->opener, &attributes, open_main, line); /* with this thread's mask: signals are the engine's */
  pthread_attr_destroy(&attributes);
  return !failed;
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
  relay_prepare(line->curl, o, o->name ? o->name : s->host, line->said);
  curl_easy_setopt(line->curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(line->curl, CURLOPT_OPENSOCKETDATA, line);
  curl_easy_setopt(line->curl, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(line->curl, CURLOPT_CLOSESOCKETDATA, line);
  curl_easy_setopt(line->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(line->curl, CURLOPT_XFERINFODATA, line);
  curl_easy_setopt(line->curl, CURLOPT_NOPROGRESS, 0L);
  r->lines++;
  if (thread_start(line)) return true;
  line_free(line);
  relay_back_off(s, r, "no thread can be started to connect");
  return false;
}

static void line_opened(struct sender *s, struct line *line) {
  CURLcode code = line->code;
  pthread_join(line->opener, NULL);
  if (code == CURLE_OK) code = curl_easy_getinfo(line->curl, CURLINFO_ACTIVESOCKET, &line->socket);
  if (code != CURLE_OK || line->socket == CURL_SOCKET_BAD) {
    struct relay *r = line->relay;
    char why[WHY_BYTES];
    relay_trouble_text(why, sizeof why, (int)code, line->said);
    line_free(line);
    relay_back_off(s, r, why);
    return;
  }
  line->state = LINE_OPEN;
  line->moved_ms = s->now_ms;
  smtp_begin(&line->smtp, &relay_calls, line, line->relay->options.name ? line->relay->options.name : s->host, line->relay->options.per, true);
}

void lines_opened(struct sender *s) {
  for (uint32_t i = 0; i < s->line_count; i++) {
    struct line *line = &s->lines[i];
    if (line->state != LINE_CONNECTING) continue;
    pthread_mutex_lock(&s->opening);
    bool opened = line->opened;
    pthread_mutex_unlock(&s->opening);
    if (opened) line_opened(s, line);
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

/* Ends a connection that is being opened: at once, but for a name that is being looked up, which the system's resolver gives up first. */
void line_give_up(struct line *line) {
  struct sender *s = line->sender;
  pthread_mutex_lock(&s->opening);
  line->given_up = true;
  if (line->opening != CURL_SOCKET_BAD) shutdown(line->opening, SHUT_RDWR);
  pthread_mutex_unlock(&s->opening);
  pthread_join(line->opener, NULL);
  line_free(line);
}
