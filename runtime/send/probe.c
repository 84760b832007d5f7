/* One connection to a relay that sends nothing: is it there, is it TLS, what can it do?
 *
 * Not for: sending (relay.c). */
#include "runtime/send/probe.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/send/smtp.h"

enum { PATIENCE_S = 20 };

static int64_t steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct smtp_mail *no_mail(void *context) {
  (void)context;
  return NULL;
}

/* Moves bytes until EHLO was answered, or the patience is over. */
static bool greet(CURL *c, struct smtp_session *s, curl_socket_t socket, char *why, size_t why_bytes) {
  int64_t until = steady_ms() + PATIENCE_S * 1000;
  char in[4096];
  while (!s->ready) {
    size_t n = 0;
    if (s->out.len > s->out_sent && curl_easy_send(c, s->out.data + s->out_sent, s->out.len - s->out_sent, &n) == CURLE_OK) smtp_sent(s, n);
    CURLcode code = curl_easy_recv(c, in, sizeof in, &n);
    if (code == CURLE_OK && n == 0) {
      snprintf(why, why_bytes, "it closes the connection");
      return false;
    }
    if (code == CURLE_OK && !smtp_receive(s, (struct str){ in, n }, why, why_bytes)) return false;
    if (code != CURLE_OK && code != CURLE_AGAIN) {
      snprintf(why, why_bytes, "%s", curl_easy_strerror(code));
      return false;
    }
    if (steady_ms() > until) {
      snprintf(why, why_bytes, "it does not answer");
      return false;
    }
    if (code == CURLE_AGAIN) poll(&(struct pollfd){ .fd = socket, .events = POLLIN }, 1, 100);
  }
  reply_show(&s->reader.reply, why, why_bytes);
  return true;
}

void relay_probe(const struct relay_options *o, struct probe *out) {
  static const struct smtp_calls calls = { no_mail, NULL, NULL };
  *out = (struct probe){ .reached = false };
  int64_t began = steady_ms();
  CURL *c = curl_easy_init();
  if (!c) return;
  char said[RELAY_SAID_BYTES];
  relay_prepare(c, o, o->name ? o->name : "localhost", said);
  CURLcode code = curl_easy_perform(c);
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (code == CURLE_OK) code = curl_easy_getinfo(c, CURLINFO_ACTIVESOCKET, &socket);
  if (code != CURLE_OK || socket == CURL_SOCKET_BAD) {
    relay_trouble_text(out->said, sizeof out->said, (int)code, said);
  } else {
    struct smtp_session s;
    struct curl_tlssessioninfo *tls = NULL;
    smtp_begin(&s, &calls, NULL, o->name ? o->name : "localhost", 0, true);
    out->reached = greet(c, &s, socket, out->said, sizeof out->said);
    out->pipelining = s.pipelining;
    out->utf8 = s.utf8;
    out->tls = curl_easy_getinfo(c, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls && tls->internals;
    smtp_deinit(&s);
  }
  out->took_ms = steady_ms() - began;
  curl_easy_cleanup(c);
}
