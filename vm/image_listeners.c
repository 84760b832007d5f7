/* Who listens to an event: triggers in groups by event, and by event, property and text; see image.h.
 *
 * Invariant: every trigger of a current unit is in exactly one group: that of its event when it has no guard, else that of (event,
 * property, text). A group is in order of declaration. So an event costs a look-up for each of its properties that guards something,
 * and then what listens; ten thousand rules with other texts cost nothing. */
#include <stdlib.h>

#include "contact.h"
#include "image_parts.h"

void image_claim(struct image *im, const struct unit *u) {
  for (uint32_t i = 0; i < u->trigger_count; i++) {
    const struct trigger *t = &u->triggers[i];
    struct claim c = { .event = u->link->symbols[t->event], .field = NONE, .text = NONE, .order = im->claims.count,
                       .listener = { u, t } };
    im->symbols.items[c.event].event = true;
    if (t->guard_field != NONE) {
      c.field = u->link->symbols[t->guard_field];
      c.text = u->link->symbols[t->guard_text];
      im->symbols.items[c.field].key = true;
      im->symbols.items[c.event].guarded = true;
    }
    VEC_PUSH(&im->arena, &im->claims, c);
  }
}

static int claim_order(const void *left, const void *right) {
  const struct claim *a = left, *b = right;
  if (a->event != b->event) return a->event < b->event ? -1 : 1;
  if (a->field != b->field) return a->field < b->field ? -1 : 1;
  if (a->text != b->text) return a->text < b->text ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

static uint64_t guard_hash(uint32_t event, uint32_t field, uint32_t text) {
  return hash_u64(((uint64_t)event << 32 | field) + 0x9e3779b97f4a7c15u * ((uint64_t)text + 1));
}

static struct guard *guard_slot(const struct image *im, uint32_t event, uint32_t field, uint32_t text) {
  uint32_t at = (uint32_t)guard_hash(event, field, text) & im->guard_mask;
  for (;; at = (at + 1) & im->guard_mask) {
    struct guard *g = &im->guards[at];
    if (g->event == NONE || (g->event == event && g->field == field && g->text == text)) return g;
  }
}

/* Twice as many slots as there can be rows: a row a group, and one more a property. */
static void guards_new(struct image *im) {
  uint32_t slots = 16;
  while (slots < 4 * (uint64_t)im->claims.count) slots *= 2;
  im->guards = arena_alloc(&im->arena, slots * sizeof *im->guards);
  im->guard_mask = slots - 1;
  for (uint32_t i = 0; i < slots; i++) im->guards[i].event = NONE;
}

void image_seal_listeners(struct image *im) {
  uint32_t count = im->claims.count;
  if (count) qsort(im->claims.items, count, sizeof *im->claims.items, claim_order);
  guards_new(im);
  im->listeners = arena_alloc(&im->arena, count * sizeof *im->listeners);
  uint32_t of_event = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct claim *c = &im->claims.items[i];
    im->listeners[i] = c->listener;
    of_event = i && c[-1].event == c->event ? of_event + 1 : 1;
    if (of_event > im->listener_max) im->listener_max = of_event;
    struct range *range = &im->symbols.items[c->event].plain;
    if (c->field != NONE) {
      *guard_slot(im, c->event, c->field, NONE) = (struct guard){ .event = c->event, .field = c->field, .text = NONE };
      struct guard *g = guard_slot(im, c->event, c->field, c->text);
      if (g->event == NONE) *g = (struct guard){ .event = c->event, .field = c->field, .text = c->text };
      range = &g->range;
    }
    if (!range->count) range->first = i;
    range->count++;
  }
}

/* The symbol of a property as a text, NONE when nothing of this name is compared with. What a filter may find equal must be
 * found here too, so numbers count with their digits. A text with escapes is the rare case that allocates. */
static uint32_t text_symbol(const struct image *im, struct json value) {
  if (value.type == JSON_STRING && !value.escaped) {
    return image_symbol(im, (struct str){ value.text.ptr + 1, value.text.len - 2 });
  }
  struct arena a;
  arena_init(&a, value.text.len);
  struct value text = value_from_json(value, V_TEXT, 0, zone_utc(), &a);
  uint32_t symbol = text.type == V_TEXT ? image_symbol(im, value_str(text)) : NONE;
  arena_deinit(&a);
  return symbol;
}

/* The groups that the event's properties open. */
static uint32_t guard_ranges(const struct image *im, const struct event *e, struct range *out) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < e->field_count; i++) {
    const struct event_field *f = &e->fields[i];
    if (guard_slot(im, e->name, f->key, NONE)->event == NONE) continue;
    uint32_t text = text_symbol(im, f->value);
    if (text == NONE) continue;
    const struct guard *g = guard_slot(im, e->name, f->key, text);
    if (g->event != NONE) out[count++] = g->range;
  }
  return count;
}

static bool before(const struct listener *a, const struct listener *b) {
  uint32_t x = a->unit->link->order, y = b->unit->link->order;
  return x != y ? x < y : a->trigger < b->trigger;
}

/* Takes the earliest of the heads until all are empty. Groups are as many as properties of the event that match a guard. */
static uint32_t merge(const struct image *im, struct range *ranges, uint32_t count, struct listener *out) {
  uint32_t n = 0;
  while (count > 1) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
      if (before(&im->listeners[ranges[i].first], &im->listeners[ranges[best].first])) best = i;
    }
    out[n++] = im->listeners[ranges[best].first++];
    if (--ranges[best].count == 0) ranges[best] = ranges[--count];
  }
  if (count) memcpy(out + n, im->listeners + ranges[0].first, ranges[0].count * sizeof *out);
  return count ? n + ranges[0].count : n;
}

uint32_t image_listeners(const struct image *im, const struct event *e, struct listener *out) {
  CHECK(im->sealed);
  if (e->name >= im->symbols.count) return 0;
  const struct symbol *s = &im->symbols.items[e->name];
  struct range ranges[LIMIT_EVENT_FIELDS_COUNT + 1];
  uint32_t count = s->guarded ? guard_ranges(im, e, ranges) : 0;
  if (s->plain.count) ranges[count++] = s->plain;
  return merge(im, ranges, count, out);
}
uint32_t image_listener_max(const struct image *im) { return im->listener_max; }
