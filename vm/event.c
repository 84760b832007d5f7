/* The event in hand: its name and the properties that code looks at, as symbols. See contact.h.
 *
 * Not for: whether an event is acceptable (runtime/input). A property becomes a value only when code asks for it, because most events
 * are looked at by few.
 *
 * Invariants:
 * 1. An event that no unit names has the name NONE and no fields, and costs one look-up.
 * 2. No property stands twice: the last value of a repeated key counts, as in JSON parsers at large.
 * 3. At most LIMIT_EVENT_FIELDS_COUNT properties are kept; there are no more keys to look at in an event that input accepted. */
#include "contact.h"
#include "image.h"

/* The key's text. A key with escapes is decoded, so that "\u0061mount" is amount. */
static struct str key_text(const struct json_walk *w, struct arena *a) {
  if (!w->key_escaped) return w->key;
  struct json quoted = { JSON_STRING, true, { w->key.ptr - 1, w->key.len + 2 } };
  return json_string(quoted, a);
}

static void put_field(struct event *e, uint32_t key, struct json value) {
  for (uint32_t i = 0; i < e->field_count; i++) {
    if (e->fields[i].key != key) continue;
    e->fields[i].value = value;
    return;
  }
  if (e->field_count < LIMIT_EVENT_FIELDS_COUNT) e->fields[e->field_count++] = (struct event_field){ key, value };
}

void event_intern(struct event *e, const struct image *image, struct arena *a) {
  e->field_count = 0;
  e->name = image_symbol(image, e->name_text);
  if (!image_symbol_is_event(image, e->name)) e->name = NONE;
  if (e->name == NONE || !e->body.len) return;
  struct json_walk w = json_walk_of(e->body);
  while (json_next(&w)) {
    uint32_t key = image_symbol(image, key_text(&w, a));
    if (image_symbol_is_key(image, key)) put_field(e, key, w.value);
  }
}

struct value event_field_value(const struct event *e, uint32_t symbol, const struct field *f, const struct zone *z,
                               struct arena *a) {
  const struct json *found = NULL;
  for (uint32_t i = 0; i < e->field_count && !found; i++)
    if (e->fields[i].key == symbol) found = &e->fields[i].value;
  if (!found) return value_missing();
  return value_from_member(*found, e->body, (enum value_type)f->type, f->currency, z, a);
}
