#ifndef CAMP_SEND_PROBE_H
#define CAMP_SEND_PROBE_H
/* Private to runtime/send and camp doctor: one connection to a relay, as the sender would open it, that sends nothing. Blocks for up to
 * half a minute. */
#include "runtime/send/relay.h"

struct probe {
  bool reached, tls, pipelining, utf8;
  int64_t took_ms;
  char said[256];   /* the greeting to EHLO's last line, or why it was not reached */
};
void relay_probe(const struct relay_options *o, struct probe *out);
#endif
