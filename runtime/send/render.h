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

/* The same for a message and a campaign that are named and not stored. */
bool render_named(struct texts *texts, const struct image *image, struct str message, struct str campaign, const struct outbox_item *item,
                  struct arena *a, struct buf *b, struct envelope *out, char why[160]);

/* What a message is printed for. */
struct writing {
  struct texts *texts;
  const struct unit *unit;
  const struct unit *own; /* the message whose text in one language the unit is; itself, mostly */
  struct contact *contact;
  struct str given;       /* the values of the send, JSON */
  int64_t at_ms, outbox_id;
  struct str key;
};
/* The address of a link as it is, or of ours that counts it; the picture, when link is NONE. Appended to b, escaped for HTML.
 * False with *why when the link's own template fails. */
bool render_link(const struct writing *w, uint32_t link, struct buf *b, char why[160]);
/* unsubscribe_url and its like. */
struct str render_url(const struct writing *w, struct str name);
/* The address of link `link` as it is, for who followed it: with the contact's attributes and the send's values, not escaped. */
bool render_target(const struct writing *w, uint32_t link, struct buf *b, char why[160]);
/* The same from an outbox row, alone in b, and fit to stand in a header. message: the version, and the text in one language, that was sent. False with *why when it has no such link. */
bool render_clicked(struct texts *texts, const struct unit *message, const struct outbox_item *item, uint32_t link, struct arena *a, struct buf *b,
                    char why[160]);

/* template_text.c: templates as they were read from the program, kept by their messages' hashes, and the renderer for them. */
struct texts *texts_new(void);
void texts_free(struct texts *t);
/* The contact's own zone, or else the project's. */
const struct zone *texts_zone(const struct texts *t, struct contact *c);
void texts_zones(struct texts *t, zone_finder *find, void *context, const struct zone *project);
/* Reads the addresses of links from the environment. live: mail leaves for real, so each needs a usable address. */
struct links;
bool texts_open(struct texts *t, bool live, char why[160]) MUST_CHECK;
const struct links *texts_links(const struct texts *t, bool *live);
/* Why this program's mail cannot leave for real with the environment as it is; empty when it can. */
void texts_missing(const struct texts *t, const struct image *image, char why[256]);
/* One text of a message whose last part is PART_LIQUID: appended to b. False with *why when the template fails; too long is seen by b->failed. */
bool texts_render(const struct writing *w, const struct part *parts, uint32_t count, struct buf *b, char why[160]);
#endif
