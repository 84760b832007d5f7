/* A contact's attributes: one JSON object, looked at by name and changed by member; see contact.h.
 *
 * Not for what a script may call an attribute (the compiler) and not for its bytes in the row (contact_bytes.c).
 *
 * Invariants:
 * 1. attributes is a checked JSON object of at most LIMIT_ATTRIBUTES_BYTES, or empty.
 * 2. The cache belongs to one attributes text and knows which.
 * 3. Of members with one name the last counts; after a change there is one of each name, and none is null. */
#include <stdlib.h>

#include "contact.h"

struct member {
  struct str key;   /* unescaped */
  struct json value;
  uint32_t position;
};

/* The members of one attributes text, so that conditions do not scan it again and again. */
struct json_member_cache {
  struct str source;
  VEC(struct member) members;
};

static struct json_member_cache *members_of(struct str object, struct arena *a) {
  struct json_member_cache *cache = ARENA_NEW(a, struct json_member_cache);
  cache->source = object;
  struct json_walk w = json_walk_of(object);
  while (json_next(&w)) {
    struct member m = { json_key(&w, a), w.value, cache->members.count };
    VEC_PUSH(a, &cache->members, m);
  }
  return cache;
}

struct value contact_attribute(struct contact *c, struct str name, const struct field *f, const struct zone *z) {
  if (c->attributes.len == 0) return value_missing();
  if (!c->cache || c->cache->source.ptr != c->attributes.ptr || c->cache->source.len != c->attributes.len)
    c->cache = members_of(c->attributes, c->arena);
  for (uint32_t i = c->cache->members.count; i-- > 0;) /* of equal names the last counts */
    if (str_eq(c->cache->members.items[i].key, name))
      return value_from_json(c->cache->members.items[i].value, (enum value_type)f->type, f->currency, z, c->arena);
  return value_missing();
}

static int by_key(const void *x, const void *y) {
  const struct member *a = x, *b = y;
  int d = str_cmp(a->key, b->key);
  return d ? d : (a->position > b->position) - (a->position < b->position);
}

static int by_position(const void *x, const void *y) {
  const struct member *a = x, *b = y;
  return (a->position > b->position) - (a->position < b->position);
}

/* Of members with one name the last value stays, at the first one's place; null removes. Sorting keeps an object with very
 * many members from costing their square. */
static uint32_t members_settle(struct member *m, uint32_t count) {
  uint32_t kept = 0;
  if (count == 0) return 0;
  qsort(m, count, sizeof *m, by_key);
  for (uint32_t i = 0; i < count;) {
    uint32_t first = i;
    while (i < count && str_eq(m[i].key, m[first].key)) i++;
    if (m[i - 1].value.type == JSON_NULL) continue;
    struct member last = m[i - 1];
    last.position = m[first].position;
    m[kept++] = last;
  }
  qsort(m, kept, sizeof *m, by_position);
  return kept;
}

/* Makes the members the contact's attributes. */
static enum camp_err attributes_write(struct contact *c, struct member *m, uint32_t count) {
  struct buf b;
  enum camp_err err = CAMP_LIMIT;
  struct json checked;
  const char *why;
  size_t at;
  buf_init(&b, LIMIT_ATTRIBUTES_BYTES);
  buf_byte(&b, '{');
  for (uint32_t i = 0; i < count; i++) {
    if (i) buf_byte(&b, ',');
    buf_json_str(&b, m[i].key);
    buf_byte(&b, ':');
    buf_str(&b, m[i].value.text);
  }
  buf_byte(&b, '}');
  if (b.failed) goto out;
  /* A value that was well nested by itself may stand one level too deep now, and later walks trust this text. */
  if (!json_check(buf_as_str(&b), &checked, &why, &at)) goto out;
  c->attributes = arena_str(c->arena, buf_as_str(&b));
  c->cache = NULL;
  err = CAMP_OK;
out:
  buf_deinit(&b);
  return err;
}

enum camp_err contact_set(struct contact *c, struct str name, struct value v, const struct zone *z) {
  struct json_member_cache *all = members_of(c->attributes, c->arena);
  struct buf text;
  buf_init(&text, LIMIT_ATTRIBUTES_BYTES);
  value_to_json(&text, v, z);
  enum camp_err err = CAMP_LIMIT;
  if (!text.failed) {
    struct json value = { v.type == V_MISSING ? JSON_NULL : JSON_STRING, false, buf_as_str(&text) };
    struct member m = { name, value, all->members.count };
    VEC_PUSH(c->arena, &all->members, m);
    err = attributes_write(c, all->members.items, members_settle(all->members.items, all->members.count));
  }
  buf_deinit(&text);
  return err;
}

enum camp_err contact_merge(struct contact *c, struct str traits) {
  struct json_member_cache *all = members_of(c->attributes, c->arena);
  struct json_walk w = json_walk_of(traits);
  while (json_next(&w)) {
    struct member m = { json_key(&w, c->arena), w.value, all->members.count };
    VEC_PUSH(c->arena, &all->members, m);
  }
  return attributes_write(c, all->members.items, members_settle(all->members.items, all->members.count));
}
