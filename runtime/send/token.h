#ifndef CAMP_SEND_TOKEN_H
#define CAMP_SEND_TOKEN_H
/* The name of a mail that may leave the house and come back: in the return path (VERP: bounce+ID.MAC@…) and in a header. Nobody without
 * the secret can make one, so nobody can have an address suppressed that they were not sent a mail for.
 *
 *   ID.MAC   ID: the outbox row in decimal; MAC: HMAC-SHA256(secret, "mail ID"), the first 128 bits in base32 (RFC 4648, lower case, without
 *            padding), because mail systems may change the case of a local part */
#include "vm/base/str.h"

enum { TOKEN_BYTES = 64 };
/* Tokens in links. Each says what it is good for, so that one from a picture unsubscribes nobody:
 *
 *   ID.MAC        of a mail, for what its kind says       MAC over "KIND ID"
 *   ID-LINK.MAC   of one of its links                     MAC over "click ID LINK" */
enum token_kind { TOKEN_CLICK, TOKEN_OPEN, TOKEN_UNSUBSCRIBE, TOKEN_PREFERENCES, TOKEN_VIEW };
void token_link_write(char out[TOKEN_BYTES], struct str secret, enum token_kind kind, int64_t outbox_id, uint32_t link);
/* The whole text is a token of this kind that the secret made. link: 0 but for TOKEN_CLICK. */
bool token_link_read(struct str text, struct str secret, enum token_kind kind, int64_t *outbox_id, uint32_t *link);
void token_write(char out[TOKEN_BYTES], struct str secret, int64_t outbox_id);
/* The first token of the text that the secret made; false when there is none. */
bool token_find(struct str text, struct str secret, int64_t *outbox_id);
#endif
