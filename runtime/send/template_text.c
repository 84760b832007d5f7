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

#include "runtime/send/links.h"
#include "runtime/send/render.h"
#include "vm/base/utf8.h"
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
  struct arena environment;
  struct links links;
  bool live;
  zone_finder *find_zone;
  void *zone_context;
  const struct zone *project_zone;
};

struct texts *texts_new(void) {
  struct texts *t = calloc(1, sizeof *t);
  CHECK(t);
  t->renderer = lq_renderer_new();
  t->kept = calloc(KEPT_MAX, sizeof *t->kept);
  CHECK(t->kept);
  arena_init(&t->arena, 16384);
  arena_init(&t->environment, 1024);
  return t;
}

void texts_free(struct texts *t) {
  if (!t) return;
  lq_renderer_free(t->renderer);
  arena_deinit(&t->arena);
  arena_deinit(&t->environment);
  free(t->kept);
  free(t);
}

bool texts_open(struct texts *t, bool live, char why[160]) {
  t->live = live;
  return links_open(&t->environment, &t->links, why);
}

const struct links *texts_links(const struct texts *t, bool *live) {
  *live = t->live;
  return &t->links;
}

void texts_missing(const struct texts *t, const struct image *image, char why[256]) {
  why[0] = 0;
  for (uint32_t i = 0; t->live && !t->links.real && i < image_unit_count(image); i++) {
    const struct unit *u = image_unit(image, i);
    if (u->kind != UNIT_MESSAGE || !u->link->current || !str_is(unit_string(u, u->channel), "email")) continue;
    if (!(u->mail & MAIL_URLS) && u->topic == NONE) continue;
    const char *name = t->links.secret.len ? "CAMP_BASE_URL" : "CAMP_SECRET";
    snprintf(why, 256, "message `%.*s` %s, so %s must be set%s", (int)(unit_name(u).len > 60 ? 60 : unit_name(u).len), unit_name(u).ptr,
             u->topic != NONE ? "has a topic, and a way out of it in its headers" : "says an address of ours, such as unsubscribe_url", name,
             t->links.secret.len ? ", such as CAMP_BASE_URL=https://mail.shop.example" : ": addresses in mails are signed with it");
    return;
  }
}

void texts_zones(struct texts *t, zone_finder *find, void *context, const struct zone *project) {
  t->find_zone = find;
  t->zone_context = context;
  t->project_zone = project;
}

/* The contact's zone; one that the system does not have is the project's, as the engine takes it. */
const struct zone *texts_zone(const struct texts *t, struct contact *c) {
  static const struct field text = { .type = V_TEXT };
  const struct zone *project = t->project_zone ? t->project_zone : zone_utc(), *found = NULL;
  if (!t->find_zone || !c->attributes.len) return project;
  struct value name = contact_attribute(c, STR("timezone"), &text, zone_utc());
  if (name.type == V_TEXT) found = t->find_zone(t->zone_context, value_str(name));
  return found ? found : project;
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

static struct lq printed(struct lq_cx *cx, struct value v, const struct zone *z) {
  struct buf b;
  buf_init(&b, LIMIT_EVENT_BYTES);
  value_print(&b, v, z);
  struct lq text = lq_str(arena_str(cx->arena, buf_as_str(&b)));
  buf_deinit(&b);
  return text;
}

static struct lq seen(struct lq_cx *cx, struct value v, const struct zone *z) {
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
    default: return printed(cx, v, z);
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
static struct lq contact_value(struct lq_cx *cx, const struct unit *u, const struct part *parts, uint32_t count, struct contact *c,
                               const struct zone *z) {
  struct lq_entry *entries = arena_zalloc(cx->arena, count, sizeof *entries);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (parts[i].kind != PART_ATTR) continue;
    const struct field *f = &u->fields[parts[i].field];
    struct str name = unit_string(u, f->name);
    struct lq v = seen(cx, contact_attribute(c, name, f, z), z);
    if (v.type == LQ_NIL && parts[i].text != NONE) v = lq_str(unit_string(u, parts[i].text));
    entries[n++] = entry(name, v);
  }
  return hash_value(entries, n, cx);
}

/* The values that came with the send, and the contact. */
static struct lq_entry safe_entry(struct lq_cx *cx, struct str name, struct buf *b) {
  struct lq v = lq_str(arena_str(cx->arena, buf_as_str(b)));
  v.safe = 1;
  buf_clear(b);
  return entry(name, v);
}

/* Addresses of ours: those that a message says by name, and those that stand where its links led. */
static bool add_urls(const struct writing *w, struct lq_cx *cx, struct lq_entry *entries, uint32_t *n, char why[160]) {
  static const struct str urls[] = { { "unsubscribe_url", 15 }, { "preferences_url", 15 }, { "view_in_browser_url", 19 } };
  const struct unit *u = w->unit;
  for (size_t i = 0; u->mail & MAIL_URLS && i < sizeof urls / sizeof *urls; i++) {
    struct lq v = lq_str(render_url(w, urls[i]));
    v.safe = 1;
    entries[(*n)++] = entry(urls[i], v);
  }
  if (!(u->mail & MAIL_HTML)) return true;
  struct buf b;
  bool good = true;
  buf_init(&b, LIMIT_MESSAGE_BYTES);
  for (uint32_t i = 0; i < u->link_count && good; i++) {
    good = render_link(w, i, &b, why);
    entries[(*n)++] = safe_entry(cx, arena_printf(cx->arena, "camp_link_%u", i), &b);
  }
  if (good && !(u->mail & MAIL_UNTRACKED)) {
    good = render_link(w, NONE, &b, why);
    entries[(*n)++] = safe_entry(cx, STR("camp_pixel"), &b);
  }
  buf_deinit(&b);
  return good;
}

/* ours: with the addresses, which a link's own template does not say. */
static bool data_of(const struct writing *to, struct lq_cx *cx, const struct part *parts, uint32_t count, bool ours, const struct zone *z,
                    struct lq *out, char why[160]) {
  const struct unit *u = to->unit;
  struct contact *c = to->contact;
  struct str given = to->given;
  uint32_t members = ours ? 5 + u->link_count : 1, n = 0;
  struct json_walk w;
  if (given.len)
    for (w = json_walk_of(given); json_next(&w);) members++;
  struct lq_entry *entries = arena_zalloc(cx->arena, members, sizeof *entries);
  if (ours && !add_urls(to, cx, entries, &n, why)) return false;
  if (given.len)
    for (w = json_walk_of(given); json_next(&w);) {
      struct str name = json_key(&w, cx->arena);
      entries[n++] = entry(name, seen(cx, value_from_json(w.value, V_MISSING, 0, z, cx->arena), z));
    }
  entries[n++] = entry(STR("contact"), contact_value(cx, u, parts, count, c, z));
  *out = hash_value(entries, n, cx);
  return true;
}

bool texts_render(const struct writing *w, const struct part *parts, uint32_t count, struct buf *b, char why[160]) {
  struct texts *t = w->texts;
  const struct unit *u = w->unit;
  struct lq_cx cx = { .arena = w->contact->arena, .allocated_max = LIMIT_LIQUID_MEMORY_BYTES };
  struct lq_settings settings = { .now_ms = w->at_ms, .locale = unit_string(u, u->language), .zone = texts_zone(t, w->contact), .find_zone = t->find_zone,
                                  .zone_context = t->zone_context, .stop_at_error = true, .limits = { .output_bytes = LIMIT_MESSAGE_BYTES } };
  struct lq data;
  bool link = parts >= u->link_parts && parts < u->link_parts + u->link_part_count;
  if (!data_of(w, &cx, parts, count, !link, settings.zone, &data, why)) return false;
  struct lq_result r = lq_render(t->renderer, template_of(t, u, parts[count - 1].text), 0, data, &settings);
  if (r.full) {
    b->failed = true;
    return true;
  }
  if (r.fatal && str_ends(r.errors[0], STR("Memory limits exceeded"))) {
    snprintf(why, 160, "the template runs through more than %d steps, or needs more than %u MB to be written", LIMIT_LIQUID_STEPS_COUNT, LIMIT_LIQUID_MEMORY_BYTES >> 20);
    return false;
  }
  if (r.aborted) {
    struct str last = r.errors[r.error_count - 1];
    const char *said = memmem(last.ptr, last.len, "): ", 3);
    struct str reason = said ? str_slice(said + 3, last.ptr + last.len) : last;
    snprintf(why, 160, "its template wants it not to leave: %.*s", (int)(reason.len > 110 ? utf8_valid_prefix((struct str){ reason.ptr, 110 }) : reason.len), reason.ptr);
    return false;
  }
  if (r.error_count) {
    snprintf(why, 160, "the template: %.*s", (int)(r.errors[0].len > 140 ? 140 : r.errors[0].len), r.errors[0].ptr);
    return false;
  }
  buf_str(b, r.text);
  return true;
}
