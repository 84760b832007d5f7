/* Open connections of the SMTP sender, and the bytes on them. libcurl opened them (relay_open.c) and carries TLS; the dialogue is ours,
 * because libcurl's own waits inside one call for the answer to each final dot.
 *
 * Not for: what is said (smtp.c), which mail goes (relay_mail.c), when to look (relay.c).
 *
 * Invariants:
 * 1. No bytes leave before the journal was written; when it cannot be, nothing leaves any more.
 * 2. Nothing here waits: neither for room in a socket nor for the end of a connection, which is shut down before libcurl hears of it. */
#include "runtime/send/relay_parts.h"

#include <stdio.h>
#include <sys/socket.h>

void line_free(struct line *line) {
  /* Shut down, so that libcurl's own farewell cannot wait for an answer. One that was being opened has had its farewell. */
  if (line->state == LINE_OPEN) smtp_deinit(&line->smtp);
  if (line->state == LINE_OPEN) shutdown(line->socket, SHUT_RDWR);
  curl_easy_cleanup(line->curl);
  line->curl = NULL;
  line->relay->lines--;
  line->state = LINE_FREE;
}

void line_lost(struct line *line, const char *why) {
  smtp_lost(&line->smtp, why);
  line_free(line);
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
    relay_note(s, why);
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
      if (!greeted || strncmp(why, "421", 3) == 0) relay_back_off(s, r, why);
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
  relay_back_off(s, r, why);
}

static bool is_closing(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  bool closing = s->closing;
  pthread_mutex_unlock(&s->lock);
  return closing;
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
  else if (idle && (still > IDLE_MS || is_closing(s))) {
    smtp_quit(&line->smtp);
    if (line_write(line)) line_free(line); /* its farewell need not be waited for */
  }
}
