#ifndef CAMP_VM_KEY_H
#define CAMP_VM_KEY_H
/* The key of a message or a call: contact/campaign/entry.ordinal, or entry.fork.ordinal of a strand that went its own way. It never
 * changes, so that a repetition can be told and a reply finds its call. / and % inside a name, and control characters, are written as
 * %XX, so no two runs share a key. */
#include "base/arena.h"
#include "base/buf.h"

void key_print(struct buf *b, struct str contact, struct str campaign, uint32_t entry, uint32_t fork, uint32_t ordinal);
/* The contact of a key, as it was called when the key was made; empty when that is no key. */
struct str key_contact(struct arena *a, struct str key);
/* Whether the key begins with this contact's. */
bool key_is_of(struct str key, struct str contact);
#endif
