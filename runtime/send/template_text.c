/* The texts of messages that are templates: what a template reads, made ready for it, and its text or the reason why there is none.
 *
 * Not for: texts without tags and filters (render.c prints their parts), Liquid itself (vm/liquid_render.c).
 *
 * Invariants:
 * 1. A template is read from the program once and kept by its message's hash, so a program that is loaded anew finds it again.
 * 2. Only the attributes that a template reads are looked up; what it sees of each is its declared type's reading.
 * 3. An error ends the text: no contact ever reads "Liquid error". */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/send/render.h"
#include "vm/contact.h"
#include "vm/liquid_file.h"
#include "vm/liquid_render.h"

enum { KEPT_MAX = 512 };
struct kept { uint8_t hash[UNIT_HASH_BYTES]; uint32_t text; struct lq_unit unit; };
struct texts {
  struct lq_renderer *renderer;
  struct arena arena;  /* of what is kept, with copies of its bytes */
  struct kept *kept;
  uint32_t count;
};

struct texts *texts_new(void) {
  struct texts *t = calloc(1, sizeof *t);
  CHECK(t);
  t->renderer = lq_renderer_new();
  t->kept = calloc(KEPT_MAX, sizeof *t->kept);
  CHECK(t->kept);
  arena_init(&t->arena, 16384);
  return t;
}

void texts_free(struct texts *t) {
  if (!t) return;
  lq_renderer_free(t->renderer);
  arena_deinit(&t->arena);
  free(t->kept);
  free(t);
}

static const struct lq_unit *template_of(struct texts *t, const struct unit *u, uint32_t text) {
  const char *why;
  for (uint32_t i = 0; i < t->count; i++)
    if (t->kept[i].text == text && memcmp(t->kept[i].hash, u->hash, UNIT_HASH_BYTES) == 0) return &t->kept[i].unit;
  if (t->count == KEPT_MAX) {
    arena_reset(&t->arena);
    t->count = 0;
  }
  struct kept *k = &t->kept[t->count];
  memcpy(k->hash, u->hash, UNIT_HASH_BYTES);
  k->text = text;
  /* Units are verified when they are loaded: this one cannot be refused. */
  bool good = lq_unit_read(&t->arena, arena_str(&t->arena, unit_string(u, text)), &k->unit, &why);
  CHECK(good);
  t->count++;
  return &k->unit;
}

/* --- what a template reads ------------------------------------------------------------------------------------------- */

static struct lq printed(struct lq_cx *cx, struct value v) {
  struct buf b;
  buf_init(&b, LIMIT_EVENT_BYTES);
  value_print(&b, v, zone_utc());
  struct lq text = lq_str(arena_str(cx->arena, buf_as_str(&b)));
  buf_deinit(&b);
  return text;
}

static struct lq seen(struct lq_cx *cx, struct value v) {
  struct json j;
  struct lq out;
  const char *why;
  size_t at;
  switch (v.type) {
    case V_MISSING: return lq_nil();
    case V_BOOL: return lq_bool(v.i != 0);
    case V_NUMBER: case V_PERCENT:
      if (v.n >= -9e15 && v.n <= 9e15 && v.n == (double)(int64_t)v.n) return lq_int((int64_t)v.n);
      return lq_float(v.n);
    case V_TEXT: case V_REF: return lq_str(value_str(v));
    case V_LIST: case V_RECORD:
      if (json_check(value_str(v), &j, &why, &at) && lq_from_json(cx, j, &out)) return out;
      return lq_nil();
    default: return printed(cx, v);
  }
}

static struct lq hash_value(struct lq_entry *entries, uint32_t count, struct lq_cx *cx) {
  struct lq_hash *h = ARENA_NEW(cx->arena, struct lq_hash);
  *h = (struct lq_hash){ .count = count, .entries = entries };
  return (struct lq){ .type = LQ_HASH, .hash = h };
}

static struct lq_entry entry(struct str name, struct lq v) {
  return (struct lq_entry){ name.ptr, (uint32_t)name.len, lq_key_hash(name.ptr, name.len), v };
}

/* `contact`, with the attributes that stand before the template. */
static struct lq contact_value(struct lq_cx *cx, const struct unit *u, const struct part *parts, uint32_t count, struct contact *c) {
  struct lq_entry *entries = arena_zalloc(cx->arena, count, sizeof *entries);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (parts[i].kind != PART_ATTR) continue;
    const struct field *f = &u->fields[parts[i].field];
    struct str name = unit_string(u, f->name);
    struct lq v = seen(cx, contact_attribute(c, name, f, zone_utc()));
    if (v.type == LQ_NIL && parts[i].text != NONE) v = lq_str(unit_string(u, parts[i].text));
    entries[n++] = entry(name, v);
  }
  return hash_value(entries, n, cx);
}

/* The values that came with the send, and the contact. */
static struct lq data_of(struct lq_cx *cx, const struct unit *u, const struct part *parts, uint32_t count, struct contact *c, struct str given) {
  uint32_t members = 1, n = 0;
  struct json_walk w;
  if (given.len)
    for (w = json_walk_of(given); json_next(&w);) members++;
  struct lq_entry *entries = arena_zalloc(cx->arena, members, sizeof *entries);
  if (given.len)
    for (w = json_walk_of(given); json_next(&w);) {
      struct str name = json_key(&w, cx->arena);
      entries[n++] = entry(name, seen(cx, value_from_json(w.value, V_MISSING, 0, zone_utc(), cx->arena)));
    }
  entries[n++] = entry(STR("contact"), contact_value(cx, u, parts, count, c));
  return hash_value(entries, n, cx);
}

bool texts_render(struct texts *t, const struct unit *u, const struct part *parts, uint32_t count, struct contact *c, struct str given,
                  int64_t now_ms, struct buf *b, char why[160]) {
  struct lq_cx cx = { .arena = c->arena, .allocated_max = LIMIT_LIQUID_MEMORY_BYTES };
  struct lq_settings settings = { .now_ms = now_ms, .stop_at_error = true, .limits = { .output_bytes = LIMIT_MESSAGE_BYTES } };
  struct lq data = data_of(&cx, u, parts, count, c, given);
  struct lq_result r = lq_render(t->renderer, template_of(t, u, parts[count - 1].text), 0, data, &settings);
  if (r.error_count) {
    snprintf(why, 160, "the template: %.*s", (int)(r.errors[0].len > 140 ? 140 : r.errors[0].len), r.errors[0].ptr);
    return false;
  }
  buf_str(b, r.text);
  return true;
}
