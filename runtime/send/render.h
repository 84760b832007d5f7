#ifndef CAMP_SEND_RENDER_H
#define CAMP_SEND_RENDER_H
/* Private to runtime/send: an outbox row becomes an envelope. */
#include "runtime/send/send.h"

struct texts;
struct contact;

/* False with *why when this message can never be sent: its text is gone or too long, its address unusable.
 * Everything in *out hangs in the arena or borrows from item, store and image. b is scratch. */
bool render_envelope(struct texts *texts, const struct image *image, const struct store *store, const struct outbox_item *item,
                     struct arena *a, struct buf *b, struct envelope *out, char why[160]);

/* template_text.c: templates as they were read from the program, kept by their messages' hashes, and the renderer for them. */
struct texts *texts_new(void);
void texts_free(struct texts *t);
/* One text of a message whose last part is PART_LIQUID: appended to b. False with *why when the template fails. */
bool texts_render(struct texts *t, const struct unit *u, const struct part *parts, uint32_t count, struct contact *c, struct str given,
                  int64_t now_ms, struct buf *b, char why[160]);
#endif
