#ifndef CAMP_SEND_RELAY_H
#define CAMP_SEND_RELAY_H
/* Private to runtime/send: the SMTP relays that mail is handed to, as --send says them:
 *
 *   smtp://[USER@]HOST[:PORT][?tls=off|try|require&connections=N&per=N&rate=N&timeout=S&keep=TIME&name=OURS][,smtp://…]
 *   smtps://…   TLS from the first byte
 *
 * tls: `require` unless the host is this machine, where it is `try`. connections: at a time (10). per: mails a connection (100).
 * rate: mails a second in all (no bound). timeout: seconds to wait for a connection and for each answer (30; 300, and 600 for a dot's, as
 * RFC 5321 asks). keep: how long a mail is tried (4d). name: what we call ourselves (the system's name). rate and keep are the first relay's. From the environment:
 * CAMP_SMTP_PASSWORD for USER, which travels only over TLS to a server whose certificate is good; CAMP_CA, a file of authorities to trust in
 * place of the system's; CAMP_FROM for From; CAMP_RETURN_PATH for the envelope's sender (else From's address), which bears each
 * mail's token behind a + when CAMP_SECRET is set (VERP: bounce+ID.MAC@shop.example); CAMP_DKIM (dkim.h);
 * CAMP_LIMITS (limits.h). Sources: RFC 5321, 3207, 4954, 2920. */
#include "vm/base/arena.h"
#include "vm/base/check.h"

#define LIMIT_RELAYS_COUNT 8
#define LIMIT_RELAY_CONNECTIONS_COUNT 200
#define RELAY_KEEP_MS (4 * 24 * 3600 * 1000LL) /* RFC 5321, 4.5.4.1: at least four to five days */

enum relay_tls { TLS_OFF, TLS_TRY, TLS_REQUIRE, TLS_IMPLICIT };
struct relay_options {
  const char *host;         /* in ASCII; an IPv6 address in brackets */
  const char *user;         /* NULL: no authentication */
  const char *name;         /* for EHLO; NULL: the system's */
  uint16_t port;
  uint8_t tls;              /* enum relay_tls */
  bool here;                /* it is this machine, by its name */
  uint32_t connections, per, rate, timeout_s; /* 0: as above */
  int64_t keep_ms;
};
/* spec with its scheme. CAMP_BAD with *why. Texts in the arena. */
enum camp_err relay_options_parse(const char *spec, struct arena *a, struct relay_options out[LIMIT_RELAYS_COUNT], uint32_t *count,
                                  char why[256]) MUST_CHECK;
/* How a connection is to be opened, onto a CURL handle. name: ours, for EHLO. said, which must live as long: the server's last words, for
 * relay_trouble_text; empty at first. */
enum { RELAY_SAID_BYTES = 120 };
void relay_prepare(void *curl, const struct relay_options *o, const char *name, char said[RELAY_SAID_BYTES]);
/* Why a connection could not be opened: "user or password refused: 535 5.7.8 no". code: a CURLcode that is not OK. */
void relay_trouble_text(char *text, size_t bytes, int code, const char said[RELAY_SAID_BYTES]);
#endif
