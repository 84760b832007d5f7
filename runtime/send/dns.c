/* TXT records, by libresolv.
 *
 * Not for: what a record means (camp doctor).
 *
 * Invariant: what comes from the network is read with its bounds by ns_parserr, and each piece within the record's own length. */
#include "runtime/send/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>

enum { WHY_BYTES = 256, ANSWER_BYTES = 65536, TIMEOUT_S = 3, TRIES = 2 };

/* CAMP_DNS: false when it cannot be read. */
static bool other_server(struct __res_state *state, const char *spec) {
  char host[64];
  const char *colon = strchr(spec, ':');
  snprintf(host, sizeof host, "%.*s", (int)(colon ? colon - spec : (ptrdiff_t)strlen(spec)), spec);
  long port = colon ? strtol(colon + 1, NULL, 10) : NS_DEFAULTPORT;
  struct sockaddr_in *to = &state->nsaddr_list[0];
  *to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  state->nscount = 1;
  return port > 0 && port < 65536 && inet_pton(AF_INET, host, &to->sin_addr) == 1;
}

/* One record's pieces, each with its length before it, as one text. */
static struct str joined(struct arena *a, const unsigned char *data, size_t len) {
  char *text = arena_alloc(a, len + 1);
  size_t n = 0;
  for (size_t at = 0; at < len;) {
    size_t piece = data[at++];
    if (piece > len - at) piece = len - at;
    memcpy(text + n, data + at, piece);
    n += piece;
    at += piece;
  }
  text[n] = 0;
  return (struct str){ text, n };
}

static enum dns_state read_answer(const unsigned char *answer, int bytes, struct arena *a, struct str *records, uint32_t *count,
                                  char why[WHY_BYTES]) {
  ns_msg message;
  if (ns_initparse(answer, bytes, &message) != 0) {
    snprintf(why, WHY_BYTES, "the name server's answer cannot be read");
    return DNS_FAILED;
  }
  for (int i = 0; i < ns_msg_count(message, ns_s_an) && *count < LIMIT_DNS_RECORDS_COUNT; i++) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) break;
    if (ns_rr_type(record) == ns_t_txt) records[(*count)++] = joined(a, ns_rr_rdata(record), ns_rr_rdlen(record));
  }
  return *count ? DNS_FOUND : DNS_NONE;
}

enum dns_state dns_txt(const char *name, struct arena *a, struct str records[LIMIT_DNS_RECORDS_COUNT], uint32_t *count, char why[256]) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  *count = 0;
  if (res_ninit(&state) != 0) {
    snprintf(why, WHY_BYTES, "the system's resolver cannot be used");
    return DNS_FAILED;
  }
  state.retrans = TIMEOUT_S;
  state.retry = TRIES;
  const char *spec = getenv("CAMP_DNS");
  enum dns_state found = DNS_FAILED;
  if (spec && *spec && !other_server(&state, spec)) {
    snprintf(why, WHY_BYTES, "CAMP_DNS is an IPv4 address with or without a port, not `%.100s`", spec);
  } else {
    unsigned char *answer = arena_alloc(a, ANSWER_BYTES);
    int bytes = res_nquery(&state, name, ns_c_in, ns_t_txt, answer, ANSWER_BYTES);
    if (bytes > 0) {
      found = read_answer(answer, bytes, a, records, count, why);
    } else if (state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA) {
      found = DNS_NONE;
    } else {
      snprintf(why, WHY_BYTES, "no name server answers");
    }
  }
  res_nclose(&state);
  return found;
}
