/* Rules that mean the same: everything is then done twice.
 *
 * Not here: rules that only send the same message (twice.c).
 *
 * Invariants:
 * 1. Meaning is what was emitted, so spelling, definitions, order of declarations and comments do not matter: two units are the same
 *    when their hashed bytes are, but for their names.
 * 2. Only units whose code is the same are compared whole. */
#include "care.h"

#include "vm/base/hash.h"

static const struct hash_key code_key = { 0x72756c65, 0x73616d65 };

static struct str named_alike(struct arena *a, const struct unit *u) {
  struct unit copy = *u;
  struct str *strings = arena_alloc(a, u->string_count * sizeof *strings);
  memcpy(strings, u->strings, u->string_count * sizeof *strings);
  strings[u->name] = STR("rule");
  copy.strings = strings;
  copy.steps = NULL, copy.step_count = 0;
  unit_seal(a, &copy);
  return copy.body_bytes;
}

void rules_compare(struct compilation *c, struct scope *s, struct item *const *items, const struct unit *units, uint32_t count) {
  struct table first = { 0 };
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind != ITEM_RULE || scope_is_standard(s, items[i]))
      continue;
    uint64_t key = hash_str(code_key, (struct str){ (const char *)units[i].code, units[i].code_bytes }) ^ hash_u64(units[i].string_count);
    uint32_t **place = (uint32_t **)table_place(&c->arena, &first, (uintptr_t)(key | 1), STR("rule"));
    if (!*place) {
      *place = ARENA_NEW(&c->arena, uint32_t);
      **place = i;
    } else if (str_eq(named_alike(&c->arena, &units[i]), named_alike(&c->arena, &units[**place]))) {
      struct diagnostic *d = diag(c, DIAG_W0106, items[i]->campaign.name.span, "this rule stands here a second time, and does all of it again");
      d->note_span = items[**place]->campaign.name.span;
      d->note = STR("the first one");
    }
  }
}
