#ifndef CAMP_SEND_TOKEN_H
#define CAMP_SEND_TOKEN_H
/* The name of a mail that may leave the house and come back: in the return path (VERP: bounce+ID.MAC@…) and in a header. Nobody without
 * the secret can make one, so nobody can have an address suppressed that they were not sent a mail for.
 *
 *   ID.MAC   ID: the outbox row in decimal; MAC: HMAC-SHA256(secret, "mail ID"), the first 128 bits in base32 (RFC 4648, lower case, without
 *            padding), because mail systems may change the case of a local part */
#include "vm/base/str.h"

enum { TOKEN_BYTES = 72 };
/* Tokens in links. Each says what it is good for, so that one from a picture unsubscribes nobody:
 *
 *   ID.MAC                of a mail, for what its kind says       MAC over "KIND ID"
 *   ID-VERSION.MAC        the way out of its topic                MAC over "unsubscribe ID VERSION"
 *   ID-LINK-VERSION.MAC   of one of its links                     MAC over "click ID LINK VERSION"
 *
 * VERSION: the first 40 bits of the message's hash, in base32. A message is edited and the mail stays as it was: its links lead where they led,
 * and its way out is out of the topic that it had. */
enum token_kind { TOKEN_CLICK, TOKEN_OPEN, TOKEN_UNSUBSCRIBE, TOKEN_PREFERENCES, TOKEN_VIEW };
enum { TOKEN_VERSION_BYTES = 5 };
struct link_token {
  enum token_kind kind;
  int64_t outbox_id;
  uint32_t link;                          /* of TOKEN_CLICK; else 0 */
  uint8_t version[TOKEN_VERSION_BYTES];   /* of TOKEN_CLICK and TOKEN_UNSUBSCRIBE; else 0 */
};
void token_link_write(char out[TOKEN_BYTES], struct str secret, const struct link_token *token);
/* The whole text is a token of this kind that the secret made. */
bool token_link_read(struct str text, struct str secret, enum token_kind kind, struct link_token *out);
void token_write(char out[TOKEN_BYTES], struct str secret, int64_t outbox_id);
/* The first token of the text that the secret made; false when there is none. */
bool token_find(struct str text, struct str secret, int64_t *outbox_id);
#endif
