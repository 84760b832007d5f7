/* Topics: what a contact has said to each, and how that changes.
 *
 * Not for: asking whether a message may leave (release.c, asking.c) or what `consents to` means in a condition (vm/strand.c).
 *
 *                      subscribe                     subscribe, double opt in
 *      (nothing) ----------------------> granted <---------------+
 *          |                              ^   |                  |  confirm
 *          |     subscribe, double opt in |   | unsubscribe      |
 *          +------------------------------|---|-------------> pending
 *                                         |   v                  |
 *                       subscribe: as (nothing)  <---------- refused
 *
 * Invariants:
 * 1. What was said last counts, by its own time: an older event that arrives late, or is imported, changes nothing that was
 *    said since.
 * 2. Each change is a row of proof that stays: the state, when it was said, and by which event or campaign.
 * 3. A topic that the program does not declare is neither given nor taken, with a reason beside the event. */
#include "runtime/engine/tick.h"

struct str person_refuses(const struct person *p, struct str topic) {
  uint32_t id = store_name_find(p->store, NAME_LIST, topic);
  const struct consent *s = id ? contact_consent(p->c, id) : NULL;
  if (s && s->state == CONSENT_GRANTED) return (struct str){ 0 };
  if (s && s->state == CONSENT_REFUSED) return arena_printf(p->arena, "refused " STR_FMT, STR_ARG(topic));
  if (s && s->state == CONSENT_PENDING) return arena_printf(p->arena, "consent to " STR_FMT " is not confirmed", STR_ARG(topic));
  return arena_printf(p->arena, "no consent to " STR_FMT, STR_ARG(topic));
}

struct change {
  const struct unit *policy;
  const struct topic *topic;
  int64_t at_ms;
  struct str how;
};

static struct str change_name(const struct change *c) { return unit_string(c->policy, c->topic->name); }
static uint32_t change_topic(const struct change *c) { return c->policy->link->stored[c->topic->name]; }

static enum camp_err put(struct live *l, const struct change *c, uint32_t topic, enum consent_state state) {
  struct consent *s = contact_consent_make(&l->c, topic);
  *s = (struct consent){ .topic = topic, .state = (uint8_t)state, .number = s->number + 1, .at_ms = c->at_ms };
  l->changed = true;
  if (topic) segments_mark(l, LOOK_TOPIC, change_name(c));
  struct consent_row row = { .contact = l->c.id, .at_ms = c->at_ms, .topic = topic, .number = s->number, .state = s->state, .how = c->how };
  return store_consent_put(l->e->store, &row);
}

/* Whether something that was said later than this is known. */
static bool is_past(struct live *l, const struct change *c, const struct consent *s) {
  if (!s || s->at_ms <= c->at_ms) return false;
  live_outcome(l, "topic " STR_FMT ": not changed: what was said later counts", STR_ARG(change_name(c)));
  return true;
}

static enum camp_err grant(struct live *l, const struct change *c) {
  TRY(put(l, c, change_topic(c), CONSENT_GRANTED));
  live_internal(l, "enters ", change_name(c), "", (struct str){ 0 });
  return CAMP_OK;
}

static enum camp_err subscribe(struct live *l, const struct change *c) {
  const struct consent *s = contact_consent(&l->c, change_topic(c));
  if (is_past(l, c, s) || (s && s->state == CONSENT_GRANTED)) return CAMP_OK;
  if (!c->topic->double_opt_in) return grant(l, c);
  /* Who asks again is asked again: the first mail may be lost. */
  if (!s || s->state != CONSENT_PENDING) TRY(put(l, c, change_topic(c), CONSENT_PENDING));
  live_internal(l, "asks ", change_name(c), "", (struct str){ 0 });
  return CAMP_OK;
}

static enum camp_err unsubscribe(struct live *l, const struct change *c) {
  const struct consent *s = contact_consent(&l->c, change_topic(c));
  if (is_past(l, c, s) || (s && s->state == CONSENT_REFUSED)) return CAMP_OK;
  bool was = s && s->state == CONSENT_GRANTED;
  TRY(put(l, c, change_topic(c), CONSENT_REFUSED));
  if (was) live_internal(l, "leaves ", change_name(c), "", (struct str){ 0 });
  return CAMP_OK;
}

/* A refusal of everything is kept as such, too: a topic that is declared later finds it there. */
static enum camp_err unsubscribe_all(struct live *l, struct change *c) {
  const struct consent *all = contact_consent(&l->c, 0);
  if (!all || all->at_ms < c->at_ms) TRY(put(l, c, 0, CONSENT_REFUSED));
  for (uint32_t i = 0; i < c->policy->topic_count; i++) {
    c->topic = &c->policy->topics[i];
    TRY(unsubscribe(l, c));
  }
  return CAMP_OK;
}

static enum camp_err confirm(struct live *l, const struct change *c, bool asked) {
  const struct consent *s = contact_consent(&l->c, change_topic(c));
  if (s && s->state == CONSENT_PENDING) return is_past(l, c, s) ? CAMP_OK : grant(l, c);
  if (asked && (!s || s->state != CONSENT_GRANTED))
    live_outcome(l, "topic " STR_FMT ": not confirmed: nobody asked to be subscribed", STR_ARG(change_name(c)));
  return CAMP_OK;
}

static enum camp_err confirm_all(struct live *l, struct change *c) {
  for (uint32_t i = 0; i < c->policy->topic_count; i++) {
    c->topic = &c->policy->topics[i];
    TRY(confirm(l, c, false));
  }
  return CAMP_OK;
}

static const struct topic *find(const struct live *l, const struct unit *policy, struct str name) {
  uint32_t symbol = image_symbol(l->e->image, name);
  for (uint32_t i = 0; i < policy->topic_count && symbol != NONE; i++)
    if (policy->link->symbols[policy->topics[i].name] == symbol) return &policy->topics[i];
  return NULL;
}

enum camp_err live_consent_event(struct live *l) {
  static const struct field as_text = { .type = V_TEXT };
  struct engine *e = l->e;
  const struct event *event = l->event;
  struct change c = { .policy = image_policy(e->image), .at_ms = event->at_ms };
  if (!c.policy || !c.policy->topic_count) return CAMP_OK;
  c.how = arena_printf(&e->contact, "event " STR_FMT, STR_ARG(event->name_text));
  struct value name = event_field_value(event, SYMBOL_TOPIC, &as_text, l->zone, &e->contact);
  if (name.type != V_TEXT) {
    if (event->name == SYMBOL_UNSUBSCRIBE) return unsubscribe_all(l, &c);
    if (event->name == SYMBOL_CONFIRM) return confirm_all(l, &c);
    live_outcome(l, "subscribe: not done: the event names no topic");
    return CAMP_OK;
  }
  c.topic = find(l, c.policy, value_str(name));
  if (!c.topic) {
    live_outcome(l, "topic " STR_FMT ": not changed: the program has no such topic", STR_ARG(value_str(name)));
    return CAMP_OK;
  }
  if (event->name == SYMBOL_SUBSCRIBE) return subscribe(l, &c);
  return event->name == SYMBOL_CONFIRM ? confirm(l, &c, true) : unsubscribe(l, &c);
}

enum camp_err live_consent_effect(struct live *l, const struct strand_item *item, const struct effect *f) {
  struct change c = { .policy = image_policy(l->e->image), .at_ms = l->now_ms, .how = unit_name(item->s.unit) };
  if (c.policy && f->name.len == 0) return unsubscribe_all(l, &c);
  c.topic = c.policy ? find(l, c.policy, f->name) : NULL;
  if (!c.topic) {
    live_outcome(l, "topic " STR_FMT ": not changed: the program has no such topic", STR_ARG(f->name));
    return CAMP_OK;
  }
  return f->kind == EFFECT_SUBSCRIBE ? subscribe(l, &c) : unsubscribe(l, &c);
}
