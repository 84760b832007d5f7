/* Release: whether a message that a script sends may leave.
 *
 * Not for: what contacts consent to (consent.c), or delivering (runtime/send/).
 *
 * Invariants:
 * 1. A message with a topic leaves only when the contact consents to it.
 * 2. The outcome is always a row of the outbox with its reason. */
#include "runtime/engine/tick.h"

/* Why the contact does not get messages of the topic; empty when it does. */
static struct str no_consent(struct live *l, struct str topic) {
  uint32_t id = store_name_find(l->e->store, NAME_LIST, topic);
  const struct consent *s = id ? contact_consent(&l->c, id) : NULL;
  struct arena *a = &l->e->contact;
  if (s && s->state == CONSENT_GRANTED) return (struct str){ 0 };
  if (s && s->state == CONSENT_REFUSED) return arena_printf(a, "refused " STR_FMT, STR_ARG(topic));
  if (s && s->state == CONSENT_PENDING) return arena_printf(a, "consent to " STR_FMT " is not confirmed", STR_ARG(topic));
  return arena_printf(a, "no consent to " STR_FMT, STR_ARG(topic));
}

enum camp_err live_send(struct live *l, struct strand_item *item, const struct effect *f) {
  const struct unit *message = image_message(l->e->image, f->name);
  struct str reason = { 0 };
  if (message && message->topic != NONE) reason = no_consent(l, unit_string(message, message->topic));
  return live_outbox(l, item, f, reason.len ? OUTBOX_DROPPED : OUTBOX_READY, reason);
}
