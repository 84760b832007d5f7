/* What a story knows of its contacts: for `expect nothing else`.
 *
 * A contact begins with what `contact ann { … }` gives. Each expectation that looks at a list, a tag or an attribute adds how that
 * is at its moment, whatever it is. What differs from all this later, nobody expected.
 *
 * Not for messages' texts or for where a contact stands: a wait has no effect by itself.
 *
 * Invariants:
 * 1. The last knowledge of a thing counts.
 * 2. What nobody spoke of is expected to be absent: a list not joined, a tag not borne, an attribute not set. */
#include "runtime/command/facts.h"

static const struct fact *find(const struct facts *f, enum fact_kind kind, struct str contact, struct str name) {
  for (uint32_t i = 0; i < f->known.count; i++) {
    const struct fact *k = &f->known.items[i];
    if (k->kind == kind && str_eq(k->contact, contact) && str_eq(k->name, name)) return k;
  }
  return NULL;
}

/* How the contact is now; empty when it is not so. */
static struct str present(const struct store *s, const struct contact *c, enum fact_kind kind, struct str name) {
  if (kind == FACT_ATTRIBUTE) {
    struct json j = { .type = JSON_BAD };
    if (c->attributes.len) j = json_member(c->attributes, name);
    return j.type == JSON_BAD || j.type == JSON_NULL ? (struct str){ NULL, 0 } : j.text;
  }
  uint32_t count = kind == FACT_LIST ? c->lists.count : c->tags.count;
  const struct membership *in = kind == FACT_LIST ? c->lists.items : c->tags.items;
  for (uint32_t i = 0; i < count; i++)
    if (str_eq(store_name_text(s, in[i].id), name)) return STR("true");
  return (struct str){ NULL, 0 };
}

void facts_note(struct facts *f, const struct store *s, const struct contact *c, struct str contact, const struct test_fact *fact) {
  struct str value = present(s, c, fact->kind, fact->name);
  struct fact *known = (struct fact *)(uintptr_t)find(f, fact->kind, contact, fact->name);
  struct fact now = { fact->kind, contact, fact->name, value.len ? arena_str(f->arena, value) : value };
  if (known) *known = now;
  else VEC_PUSH(f->arena, &f->known, now);
}

void facts_note_message(struct facts *f, int64_t row) {
  if (!facts_knows_message(f, row)) VEC_PUSH(f->arena, &f->messages, row);
}

bool facts_knows_message(const struct facts *f, int64_t row) {
  for (uint32_t i = 0; i < f->messages.count; i++)
    if (f->messages.items[i] == row) return true;
  return false;
}

static void tell(struct buf *out, const struct fact *now, struct str was) {
  buf_str(out, now->contact);
  switch (now->kind) {
    case FACT_LIST: buf_printf(out, now->value.len ? " is in " STR_FMT : " is not in " STR_FMT " any more", STR_ARG(now->name)); break;
    case FACT_TAG: buf_printf(out, now->value.len ? " bears the tag \"" STR_FMT "\"" : " bears the tag \"" STR_FMT "\" no more", STR_ARG(now->name)); break;
    case FACT_ATTRIBUTE:
      buf_printf(out, ": contact." STR_FMT " is " STR_FMT, STR_ARG(now->name), STR_ARG(now->value.len ? now->value : STR("missing")));
      if (was.len) buf_printf(out, ", and was " STR_FMT, STR_ARG(was));
      break;
  }
  buf_c(out, ".\n");
}

static void tell_difference(const struct facts *f, struct fact now, struct buf *out) {
  const struct fact *known = find(f, now.kind, now.contact, now.name);
  struct str was = known ? known->value : (struct str){ NULL, 0 };
  bool same = now.kind == FACT_ATTRIBUTE ? str_eq(was, now.value) : (was.len > 0) == (now.value.len > 0);
  if (!same) tell(out, &now, was);
}

void facts_tell(const struct facts *f, const struct store *s, const struct contact *c, struct str contact, struct buf *out) {
  for (uint32_t i = 0; i < c->lists.count; i++)
    tell_difference(f, (struct fact){ FACT_LIST, contact, store_name_text(s, c->lists.items[i].id), STR("true") }, out);
  for (uint32_t i = 0; i < c->tags.count; i++)
    tell_difference(f, (struct fact){ FACT_TAG, contact, store_name_text(s, c->tags.items[i].id), STR("true") }, out);
  struct json_walk w = { .at = NULL };
  if (c->attributes.len) w = json_walk_of(c->attributes);
  while (w.at && json_next(&w)) {
    struct str name = json_key(&w, f->arena);
    struct str value = present(s, c, FACT_ATTRIBUTE, name); /* the last member of a name counts */
    if (value.ptr == w.value.text.ptr) tell_difference(f, (struct fact){ FACT_ATTRIBUTE, contact, name, value }, out);
  }
  /* What the story knows to have been so, and is not any more. */
  for (uint32_t i = 0; i < f->known.count; i++) {
    const struct fact *k = &f->known.items[i];
    if (str_eq(k->contact, contact) && k->value.len && !present(s, c, k->kind, k->name).len)
      tell_difference(f, (struct fact){ k->kind, contact, k->name, { NULL, 0 } }, out);
  }
}
