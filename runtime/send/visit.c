/* Visits: see visit.h.
 *
 * Not for: HTTP (a server's), which visits are people's (scripts count `click` and `open`; what robots do is the server's to tell).
 *
 * Invariants:
 * 1. Only a token that the secret made says anything, and only of its own kind and link.
 * 2. A target comes from the compiled message alone, so nobody can make a link of ours lead elsewhere.
 * 3. What a link meant when the mail was written it means for ever: the version that was sent is looked for, not the present one. */
#include "runtime/send/visit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/send/links.h"
#include "runtime/send/render.h"
#include "vm/digest.h"

struct visits {
  struct store *store;
  struct str secret;
  struct arena program, scratch;
  struct image *image;
  struct texts *texts;
  struct buf target;
};

enum camp_err visits_open(struct store *store, struct str secret, struct visits **out, char why[256]) {
  struct stored_unit *rows;
  uint32_t count;
  struct visits *v = calloc(1, sizeof *v);
  CHECK(v);
  v->store = store;
  v->secret = secret;
  v->image = image_new();
  v->texts = texts_new();
  arena_init(&v->program, 1 << 16);
  arena_init(&v->scratch, 64 << 10);
  buf_init(&v->target, LIMIT_MESSAGE_BYTES);
  enum camp_err err = store_units(store, &v->program, &rows, &count);
  if (err) snprintf(why, 256, "%.255s", store_last_error(store)->text);
  for (uint32_t i = 0; !err && i < count; i++) {
    struct program_error bad;
    struct unit *u = ARENA_NEW(&v->program, struct unit);
    err = unit_read(&v->program, rows[i].body, u, &bad);
    if (err) snprintf(why, 256, "the stored program is damaged: %.200s", bad.text);
    else image_add(v->image, u, rows[i].current);
  }
  if (err) {
    visits_close(v);
    return err;
  }
  image_seal(v->image);
  *out = v;
  return CAMP_OK;
}

void visits_close(struct visits *v) {
  if (!v) return;
  image_free(v->image);
  texts_free(v->texts);
  arena_deinit(&v->program);
  arena_deinit(&v->scratch);
  buf_deinit(&v->target);
  free(v);
}

/* The version of the message that was sent. NULL with *err CAMP_OK: there never was one. */
static const struct unit *version_of(struct visits *v, struct str message, const struct link_token *t, enum camp_err *err) {
  struct stored_unit row;
  struct program_error bad;
  const struct unit *now = image_message(v->image, message);
  *err = CAMP_OK;
  if (now && memcmp(now->hash, t->version, sizeof t->version) == 0) return now;
  *err = store_message_version(v->store, &v->scratch, message, (struct str){ (const char *)t->version, sizeof t->version }, &row);
  if (*err == CAMP_NOT_FOUND) *err = CAMP_OK, row.body.len = 0;
  if (*err || !row.body.len) return NULL;
  struct unit *u = ARENA_NEW(&v->scratch, struct unit);
  *err = unit_read(&v->scratch, row.body, u, &bad);
  return *err || u->kind != UNIT_MESSAGE ? NULL : u;
}

enum visit_result visit_read(struct visits *v, struct str text, struct visit *out) {
  struct link_token token;
  char why[160];
  enum camp_err err;
  arena_reset(&v->scratch);
  *out = (struct visit){ .topic = { "", 0 }, .target = { "", 0 } };
  if (!links_read(text, v->secret, &token)) return VISIT_NONE;
  out->kind = token.kind;
  err = store_outbox_item(v->store, &v->scratch, token.outbox_id, &out->item);
  if (err) return err == CAMP_NOT_FOUND ? VISIT_GONE : VISIT_FAILED;
  out->message = store_name_text(v->store, out->item.row.message);
  out->campaign = store_name_text(v->store, out->item.row.campaign);
  if (token.kind != TOKEN_CLICK && token.kind != TOKEN_UNSUBSCRIBE) return VISIT_OURS;
  const struct unit *u = version_of(v, out->message, &token, &err);
  if (err) return VISIT_FAILED;
  if (token.kind == TOKEN_UNSUBSCRIBE) {
    /* Without a topic it is everything that the contact leaves: that is not what they asked for. */
    if (!u) return VISIT_GONE;
    out->topic = unit_string(u, u->topic);
    return VISIT_OURS;
  }
  buf_clear(&v->target);
  if (!u || !render_clicked(v->texts, u, &out->item, token.link, &v->scratch, &v->target, why) || v->target.failed) return VISIT_GONE;
  out->target = buf_as_str(&v->target);
  return VISIT_OURS;
}

static void member(struct buf *b, const char *name, struct str value) {
  if (!value.len) return;
  buf_printf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", name);
  buf_json_str(b, value);
}

void visit_event(struct buf *b, const struct visit *visit, struct str seen) {
  static const char *const events[] = { [TOKEN_CLICK] = "click", [TOKEN_OPEN] = "open", [TOKEN_UNSUBSCRIBE] = "unsubscribe" };
  uint8_t digest[DIGEST_BYTES];
  if (visit->kind > TOKEN_UNSUBSCRIBE) return;
  digest_sha256(&seen, 1, digest);
  buf_printf(b, "{\"type\":\"track\",\"event\":\"%s\",\"userId\":", events[visit->kind]);
  buf_json_str(b, visit->item.key);
  buf_printf(b, ",\"messageId\":\"%s:%" PRId64 ":", events[visit->kind], visit->item.row.id);
  /* Who has left has left, however often they say it. */
  for (int i = 0; i < 8 && visit->kind != TOKEN_UNSUBSCRIBE; i++) buf_printf(b, "%02x", digest[i]);
  buf_c(b, "\",\"properties\":{");
  member(b, "message", visit->message);
  member(b, "campaign", visit->campaign);
  member(b, "link", visit->target);
  if (visit->kind == TOKEN_UNSUBSCRIBE) member(b, "topic", visit->topic);
  buf_c(b, "}}\n");
}
