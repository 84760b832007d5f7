#ifndef CAMP_SEND_REQUEST_H
#define CAMP_SEND_REQUEST_H
/* Private to runtime/send: a request of a channel or an operation, filled with the values of one message or call. */
#include "runtime/send/send.h"
#include "vm/contact.h"

/* What a request may say of a message; of a call only campaign, key and contact_key, and `given` holds its arguments. */
struct request_values {
  struct str subject, body, message, campaign, key, contact_key;
  struct value to;               /* text, or a list of text; missing: there is no address */
  struct str given;              /* JSON object, or empty */
  struct contact *contact;       /* for its attributes */
};

/* Fills the unit's request as it may be shown: in the place of each secret stands `[secret.name]`. JSON, a line without an end:
 * {"method":…,"url":…,"headers":{…},"body":…}. False when it would be longer than LIMIT_MESSAGE_BYTES. b is scratch. */
bool request_fill(const struct unit *u, const struct request_values *v, struct arena *a, struct buf *b, struct str *out);
#endif
