#ifndef CAMP_SEND_ADDRESS_H
#define CAMP_SEND_ADDRESS_H
/* Private to runtime/send: mail addresses (RFC 5321, 4.1.2; RFC 6531 for letters beyond ASCII), read before any of them reaches a header or
 * a dialogue. Nothing that was read here holds a blank, a bracket, a comma or a control character outside quotes. */
#include "vm/base/arena.h"

/* One address, `ann@shop.example`. Its host in ASCII (IDNA 2008): `ann@müller.example` becomes `ann@xn--mller-kva.example`. False with
 * *why, half a sentence: "holds a blank". */
bool address_read(struct arena *a, struct str text, struct str *out, const char **why);
/* `Name <address>` or an address alone. */
struct mailbox { struct str name, address; };
bool mailbox_read(struct arena *a, struct str text, struct mailbox *out, const char **why);
/* What follows the last @. */
struct str address_host(struct str address);
/* Whether both are of one organisation as DMARC's relaxed alignment sees it when one host is the other's, or below it. */
bool hosts_align(struct str a, struct str b);
#endif
