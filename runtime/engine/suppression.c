/* Addresses that must not be written to again, because mail to them comes back for good or is called spam.
 *
 * Not for: consent, which is what people say themselves (consent.c), or reading reports of bounces (runtime/send/inbound.c).
 *
 * The event `bounce` with kind "permanent", and `complaint`, suppress one channel: the one that the event names, else that of the
 * message that it names, else email. The contact joins the list `suppressed`, by which scripts and people see it; to leave that list
 * lifts it.
 *
 * Invariants:
 * 1. A bounce is about an address: nothing at all leaves for it, what people need anyhow neither, until the contact has another address.
 * 2. A complaint is about the contact: by that channel only transactional messages leave.
 * 3. Who joined the list otherwise, by a script or by hand, gets only transactional messages, by any channel.
 * 4. Imported events count, too: they are how a list of bounced addresses comes from another system. */
#include "runtime/engine/tick.h"

static const struct hash_key address_key = { 0x61646472657373u, 0x63616d70u };

static bool is_bounce(const struct event *e) { return str_is(e->name_text, "bounce"); }

bool suppresses(const struct event *e) { return is_bounce(e) || str_is(e->name_text, "complaint"); }

static struct str text_of(struct live *l, const char *name) {
  struct json j = l->event->body.len ? json_member(l->event->body, str_from_c(name)) : (struct json){ .type = JSON_BAD };
  return j.type == JSON_STRING ? json_string(j, &l->e->contact) : (struct str){ 0 };
}

static struct str channel_of(struct live *l) {
  struct str channel = text_of(l, "channel");
  if (channel.len) return channel;
  const struct unit *message = image_message(l->e->image, text_of(l, "message"));
  return message ? unit_string(message, message->channel) : STR("email");
}

static struct suppression *find(struct contact *c, uint32_t channel) {
  for (uint32_t i = 0; i < c->suppressions.count; i++)
    if (c->suppressions.items[i].channel == channel) return &c->suppressions.items[i];
  return NULL;
}

static uint64_t address_hash(const struct person *p, struct str channel) { return hash_str(address_key, person_address(p, channel)); }

static void put(struct live *l, const struct suppression *s) {
  struct suppression *own = find(&l->c, s->channel);
  if (!own) VEC_PUSH(&l->e->contact, &l->c.suppressions, *s);
  else if (s->address != own->address || s->bounce > own->bounce) *own = *s;
  l->changed = true;
}

enum camp_err live_suppress(struct live *l) {
  bool bounce = is_bounce(l->event);
  if (bounce && !str_is(text_of(l, "kind"), "permanent")) return CAMP_OK;
  struct str channel = channel_of(l);
  struct person p = live_person(l);
  struct suppression s = { .bounce = bounce, .at_ms = l->event->at_ms, .address = address_hash(&p, channel) };
  if (channel.len > LIMIT_KEY_BYTES) return CAMP_OK; /* no channel has such a name */
  TRY(store_name(l->e->store, NAME_CHANNEL, channel, &s.channel));
  put(l, &s);
  live_outcome(l, STR_FMT " to this contact is suppressed", STR_ARG(channel));
  return live_member(l, &(struct effect){ .kind = EFFECT_JOIN, .name = STR("suppressed") });
}

void live_suppressions_merge(struct live *l, const struct contact *other) {
  for (uint32_t i = 0; i < other->suppressions.count; i++) put(l, &other->suppressions.items[i]);
}

struct str person_suppressed(const struct person *p, const struct unit *message, struct str channel) {
  uint32_t list = p->c->lists.count ? store_name_find(p->store, NAME_LIST, STR("suppressed")) : 0;
  if (!list || !contact_in(p->c, list)) return (struct str){ 0 };
  if (!p->c->suppressions.count) return message->transactional ? (struct str){ 0 } : STR("suppressed");
  const struct suppression *s = find(p->c, store_name_find(p->store, NAME_CHANNEL, channel));
  if (!s || (s->bounce ? s->address != address_hash(p, channel) : message->transactional)) return (struct str){ 0 };
  char at[32];
  int64_t civil = zone_to_civil(p->zone, s->at_ms), into = civil % 60000;
  size_t n = calendar_print(civil - (into < 0 ? into + 60000 : into), at); /* to the minute: it is for people */
  return arena_printf(p->arena, "suppressed: %s of %.*s", s->bounce ? "hard bounce" : "complaint", (int)n, at);
}
