/* What one contact remembers by name: its lists and tags, its entries into campaigns, its consents, its experiments; see contact.h.
 *
 * Not for attributes (attributes.c), segments (segment.c), scores (score.c) and measures (measure.c), nor for the bytes
 * (contact_bytes.c).
 *
 * Invariants:
 * 1. Each is sorted by its stored name id without repetition.
 * 2. Lists and tags together are at most LIMIT_MEMBER_COUNT. */
#include "contact.h"

#include "base/limits.h"
#include "base/sorted.h"

/* --- lists and tags -------------------------------------------------------------------------------------------------- */

bool contact_in(const struct contact *c, uint32_t list) {
  uint32_t place = SORTED_PLACE(&c->lists, list);
  return SORTED_IS_AT(&c->lists, place, list);
}

bool contact_tagged(const struct contact *c, uint32_t tag) {
  uint32_t place = SORTED_PLACE(&c->tags, tag);
  return SORTED_IS_AT(&c->tags, place, tag);
}

static bool has_room(const struct contact *c) { return c->lists.count + c->tags.count < LIMIT_MEMBER_COUNT; }

bool contact_join(struct contact *c, uint32_t list, int64_t at_ms) {
  uint32_t place = SORTED_PLACE(&c->lists, list);
  if (SORTED_IS_AT(&c->lists, place, list) || !has_room(c)) return false;
  SORTED_PUT(c->arena, &c->lists, place, ((struct membership){ list, at_ms }));
  return true;
}

bool contact_leave(struct contact *c, uint32_t list) {
  uint32_t place = SORTED_PLACE(&c->lists, list);
  if (!SORTED_IS_AT(&c->lists, place, list)) return false;
  SORTED_TAKE(&c->lists, place);
  return true;
}

bool contact_tag(struct contact *c, uint32_t tag, int64_t at_ms) {
  uint32_t place = SORTED_PLACE(&c->tags, tag);
  if (SORTED_IS_AT(&c->tags, place, tag) || !has_room(c)) return false;
  SORTED_PUT(c->arena, &c->tags, place, ((struct membership){ tag, at_ms }));
  return true;
}

bool contact_untag(struct contact *c, uint32_t tag) {
  uint32_t place = SORTED_PLACE(&c->tags, tag);
  if (!SORTED_IS_AT(&c->tags, place, tag)) return false;
  SORTED_TAKE(&c->tags, place);
  return true;
}

/* --- entries --------------------------------------------------------------------------------------------------------- */

struct entry *contact_entry(struct contact *c, uint32_t campaign) {
  uint32_t place = SORTED_PLACE(&c->entries, campaign);
  if (!SORTED_IS_AT(&c->entries, place, campaign))
    SORTED_PUT(c->arena, &c->entries, place, ((struct entry){ .campaign = campaign, .last_ms = c->clock_ms }));
  return &c->entries.items[place];
}

/* --- consents -------------------------------------------------------------------------------------------------------- */

const struct consent *contact_consent(const struct contact *c, uint32_t topic) {
  uint32_t place = SORTED_PLACE(&c->consents, topic);
  return SORTED_IS_AT(&c->consents, place, topic) ? &c->consents.items[place] : NULL;
}

bool contact_consents(const struct contact *c, uint32_t topic) {
  const struct consent *s = contact_consent(c, topic);
  return s && s->state == CONSENT_GRANTED;
}

struct consent *contact_consent_make(struct contact *c, uint32_t topic) {
  uint32_t place = SORTED_PLACE(&c->consents, topic);
  if (!SORTED_IS_AT(&c->consents, place, topic))
    SORTED_PUT(c->arena, &c->consents, place, ((struct consent){ .topic = topic, .at_ms = c->clock_ms }));
  return &c->consents.items[place];
}

/* --- experiments ----------------------------------------------------------------------------------------------------- */

struct assignment *contact_assignment(const struct contact *c, uint32_t experiment) {
  uint32_t place = SORTED_PLACE(&c->assignments, experiment);
  return SORTED_IS_AT(&c->assignments, place, experiment) ? &c->assignments.items[place] : NULL;
}

struct assignment *contact_assign(struct contact *c, uint32_t experiment) {
  uint32_t place = SORTED_PLACE(&c->assignments, experiment);
  if (!SORTED_IS_AT(&c->assignments, place, experiment)) {
    struct assignment fresh = { .experiment = experiment, .at_ms = c->clock_ms, .until_ms = c->clock_ms };
    SORTED_PUT(c->arena, &c->assignments, place, fresh);
  }
  return &c->assignments.items[place];
}
