#ifndef CAMP_SEND_RENDER_H
#define CAMP_SEND_RENDER_H
/* Private to runtime/send: an outbox row becomes an envelope. */
#include "runtime/send/send.h"

/* False with *why when this message can never be sent: its text is gone or too long, its address unusable.
 * Everything in *out hangs in the arena or borrows from item, store and image. b is scratch. */
bool render_envelope(const struct image *image, const struct store *store, const struct outbox_item *item, struct arena *a,
                     struct buf *b, struct envelope *out, char why[160]);
#endif
