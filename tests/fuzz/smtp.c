/* libFuzzer: whatever a server says, cut anywhere, while any part of our own words has left: each mail gets exactly one fate, none counts
 * as sent whose dot had not left, and nothing is written without bound. */
#include "runtime/send/smtp.h"

#include <stdlib.h>

#include "vm/base/check.h"

struct mail { struct smtp_mail smtp; int fates; bool taken; };
struct table { struct mail mails[6]; int next; struct smtp_session *session; };

static struct smtp_mail *take(void *context) {
  struct table *t = context;
  if (t->next == sizeof t->mails / sizeof *t->mails) return NULL;
  struct mail *m = &t->mails[t->next++];
  m->taken = true;
  return &m->smtp;
}

static bool body(void *context, struct smtp_mail *mail, struct buf *out) {
  (void)context, (void)mail;
  buf_c(out, "Subject: x\r\n\r\n..\r\n");
  return true;
}

static void fate(void *context, struct smtp_mail *mail, enum fate f, const char *reason) {
  struct table *t = context;
  struct mail *m = (struct mail *)(void *)mail;
  CHECK(m->taken);
  CHECK(++m->fates == 1);
  CHECK(strlen(reason) < 300);
  if (f == FATE_SENT || f == FATE_DOUBT) CHECK(t->session->sent_bytes >= t->session->dot_at);
}

static const struct smtp_calls calls = { take, body, fate };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static const struct str addresses[] = { { "a@x", 3 }, { "b@x", 3 }, { "no address", 10 }, { "c@x", 3 }, { "d\n@x", 4 }, { "e@x", 3 } };
  struct table t = { .next = 0 };
  struct smtp_session s;
  char why[256];
  if (len < 2) return 0;
  for (size_t i = 0; i < sizeof t.mails / sizeof *t.mails; i++) t.mails[i].smtp = (struct smtp_mail){ { "us@x", 4 }, addresses[i], i == 3 };
  t.session = &s;
  smtp_begin(&s, &calls, &t, "me", bytes[0] & 3, bytes[0] & 4);
  bool up = true;
  /* A byte under 0x20 that is no line's end says how much of our words leaves; others are the server's, in pieces between those. */
  for (size_t at = 1; at < len && up;) {
    size_t end = at;
    while (end < len && (bytes[end] >= 0x20 || bytes[end] == '\r' || bytes[end] == '\n' || bytes[end] == 0)) end++;
    if (end > at) up = smtp_receive(&s, (struct str){ (const char *)bytes + at, end - at }, why, sizeof why);
    if (end < len && up) {
      size_t left = s.out.len - s.out_sent;
      smtp_sent(&s, bytes[end] == 1 ? left : bytes[end] % (left + 1));
      if (bytes[end] == 2) smtp_wake(&s);
      if (bytes[end] == 3) smtp_quit(&s);
      end++;
    }
    at = end;
    CHECK(s.out.len < 65536);
  }
  if (up) smtp_lost(&s, "the end");
  for (int i = 0; i < t.next; i++) CHECK(t.mails[i].fates == 1);
  smtp_deinit(&s);
  return 0;
}
