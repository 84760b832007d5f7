/* Instructions that look at something: the event, the contact, the run's own messages; see ops.h.
 *
 * Not for the properties of an event and for measures, which nearly every condition asks for: they stand in the loop.
 *
 * Invariant: what is not there is missing or false. A unit may be older than the program in force, so what it names may be gone. */
#include "ops.h"

#include "coupon.h"
#include "key.h"

struct value op_attr(const struct unit *u, uint32_t f, const struct env *env) {
  const struct field *field = &u->fields[f];
  return contact_attribute(env->contact, u->strings[field->name], field, env->zone);
}

struct value op_subfield(const struct unit *u, uint32_t f, struct value record, const struct env *env) {
  const struct field *field = &u->fields[f];
  if (record.type != V_RECORD) return value_missing();
  struct json member = json_member(value_str(record), u->strings[field->name]);
  return from_json(member.type == JSON_BAD ? NULL : &member, value_str(record), field, env);
}

/* A message's key is CONTACT/UNIT/ENTRY.ORDINAL, so an event about it says which run it came from. One of another contact was sent
 * before that contact became one with this, whose runs may bear other numbers now. */
static bool key_is_of_run(struct str key, const struct strand *s, const struct contact *contact) {
  size_t slash = key.len;
  while (slash && key.ptr[slash - 1] != '/') slash--;
  if (!slash) return false;
  uint64_t entry = 0;
  size_t at = slash;
  for (; at < key.len && key.ptr[at] >= '0' && key.ptr[at] <= '9' && entry <= UINT32_MAX; at++) {
    entry = entry * 10 + (uint64_t)(key.ptr[at] - '0');
  }
  if (at == slash || at == key.len || key.ptr[at] != '.') return false;
  struct str before = { key.ptr, slash - 1 }, name = unit_name(s->unit);
  if (!str_ends(before, name) || (before.len != name.len && before.ptr[before.len - name.len - 1] != '/')) return false;
  return entry == s->entry || !key_is_of(key, contact->key);
}

/* `open of hello` means the hello that this run sent, when it sent something and the event can tell; otherwise any. */
bool op_of(const struct unit *u, uint32_t message, const struct strand *s, const struct env *env) {
  const struct json *name = event_property(env->event, SYMBOL_MESSAGE);
  if (!name || name->type != JSON_STRING || !str_eq(json_string(*name, env->scratch), u->strings[message])) return false;
  if (!s || s->sends == 0) return true;
  const struct json *key = event_property(env->event, SYMBOL_KEY);
  return !key || key->type != JSON_STRING || key_is_of_run(json_string(*key, env->scratch), s, env->contact);
}

/* A segment that the present program does not have has no members. */
bool op_segment(const struct unit *u, uint32_t s, const struct env *env) {
  uint32_t segment = image_segment_find(env->image, u->link->symbols[s]);
  return segment != NONE && contact_in_segment(env->contact, image_segment(env->image, segment)->stored_id);
}

struct value op_score(const struct unit *u, uint32_t s, const struct env *env) {
  uint32_t score = image_score_find(env->image, u->link->symbols[s]);
  if (score == NONE) return value_number(0);
  const struct image_score *i = image_score(env->image, score);
  return value_number(score_at(contact_score(env->contact, i->stored_id), i->half_ms, env->now_ms));
}

/* A variant that the contact was assigned to by another version may be gone from this one. */
double op_variant(const struct unit *u, uint32_t x, const struct env *env) {
  const struct assignment *mine = contact_assignment(env->contact, u->link->experiments[x]);
  const struct experiment *e = &u->experiments[x];
  for (uint32_t i = 0; mine && mine->variant && i < e->variant_count; i++)
    if (u->link->variants[e->first_variant + i] == mine->variant) return i;
  return -1;
}

struct value op_code(struct str campaign, const struct env *env) {
  char text[COUPON_BYTES + 1];
  if (!env->secret.len) return value_missing();
  coupon_make(env->secret, campaign, env->contact->key, text);
  return value_text(arena_str(env->scratch, str_from_c(text)));
}

struct value op_called(const struct strand *s, const struct env *env) {
  struct buf b;
  if (!s) return value_missing();
  buf_init(&b, LIMIT_SOURCE_BYTES);
  key_print(&b, env->contact->key, unit_name(s->unit), s->entry, s->fork, s->sends);
  struct str key = arena_str(env->scratch, buf_as_str(&b));
  buf_deinit(&b);
  return value_text(key);
}
