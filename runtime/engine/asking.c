/* Asking again: whether a message that was released, and has waited since, may still leave. A relay may have put it off for days,
 * people may have paused it, and `camp outbox retry` takes up what failed long ago; meanwhile its contact may have left the topic or
 * called it spam.
 *
 * Not for: the release itself, with its caps and quiet hours (release.c): what was released has its place under the caps already.
 *
 * It reads, and writes nothing, so that it works beside a run, too: with the image of an open engine, or with one of its own that it
 * makes of the program in the store.
 *
 * Invariants:
 * 1. Consent and suppression are asked as at the release, by the same functions.
 * 2. A contact that is not there any more gets nothing. */
#include <stdlib.h>

#include "runtime/engine/tick.h"

struct asking {
  struct store *store;
  const struct image *image;
  struct image *own;     /* to be freed; NULL: the image is an engine's */
  struct zones *zones;
  const struct zone *zone;
  struct arena units;
};

static enum camp_err load_image(struct asking *a, struct engine_error *e) {
  struct stored_unit *rows;
  uint32_t count;
  a->own = image_new();
  enum camp_err err = image_of_store(a->store, &a->units, a->own, &rows, &count, NULL, e);
  if (err == CAMP_OK) image_seal(a->own);
  a->image = a->own;
  return err;
}

enum camp_err asking_open(struct store *s, const struct image *image, struct str zone, struct asking **out, struct engine_error *e) {
  struct asking *a = calloc(1, sizeof *a);
  CHECK(a);
  *out = NULL;
  a->store = s;
  a->image = image;
  a->zones = zones_new();
  a->zone = zone.len ? zones_find(a->zones, zone) : NULL;
  if (!a->zone) a->zone = zone_utc();
  arena_init(&a->units, 1 << 16);
  enum camp_err err = image ? CAMP_OK : load_image(a, e);
  if (err != CAMP_OK) asking_close(a);
  else *out = a;
  return err;
}

void asking_close(struct asking *a) {
  if (!a) return;
  if (a->own) image_free(a->own);
  zones_free(a->zones);
  arena_deinit(&a->units);
  free(a);
}

static const struct zone *zone_of(const struct asking *a, struct contact *c) {
  static const struct field as_text = { .type = V_TEXT };
  struct value name = c->attributes.len ? contact_attribute(c, STR("timezone"), &as_text, a->zone) : value_missing();
  const struct zone *z = name.type == V_TEXT ? zones_find(a->zones, value_str(name)) : NULL;
  return z ? z : a->zone;
}

static struct str expired(const struct person *p, const struct unit *message, const struct outbox_row *row, int64_t now_ms) {
  int64_t asked_ms = row->asked_ms ? row->asked_ms : row->at_ms;
  if (message->expires.type == V_MISSING) return (struct str){ 0 };
  struct value end = value_add(value_moment(asked_ms), message->expires, p->zone);
  if (end.type != V_MOMENT || now_ms < end.i) return (struct str){ 0 };
  struct buf b;
  buf_init(&b, 256);
  buf_c(&b, "expired after ");
  value_show(&b, message->expires);
  struct str reason = arena_str(p->arena, buf_as_str(&b));
  buf_deinit(&b);
  return reason;
}

enum camp_err asking_ask(struct asking *a, const struct outbox_row *row, int64_t now_ms, struct arena *arena, struct str *reason) {
  *reason = (struct str){ 0 };
  const struct unit *message = image_message(a->image, store_name_text(a->store, row->message));
  if (!message) return CAMP_OK; /* a call; or the program has it no longer, which who renders it says */
  struct contact_row stored;
  struct contact c;
  enum camp_err err = store_contact_read(a->store, arena, row->contact, &stored);
  if (err == CAMP_NOT_FOUND) *reason = STR("the contact is not known any more");
  if (err) return err == CAMP_NOT_FOUND ? CAMP_OK : err;
  TRY(contact_read(&c, arena, stored.state));
  c.id = row->contact;
  c.key = stored.key;
  c.attributes = stored.attributes;
  struct person p = { .store = a->store, .image = a->image, .c = &c, .arena = arena };
  p.zone = zone_of(a, &c);
  if (message->topic != NONE) *reason = person_refuses(&p, unit_string(message, message->topic));
  if (!reason->len) *reason = person_suppressed(&p, message, row->via.len ? row->via : unit_string(message, message->channel));
  if (!reason->len) *reason = expired(&p, message, row, now_ms);
  return CAMP_OK;
}
