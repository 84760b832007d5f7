/* Filling the request of a channel or an operation.
 *
 * Not here: what the table may hold (vm/request.h), delivering. Secrets are shown by their names: what is written down must not hold
 * them.
 *
 * Invariants:
 * 1. A value in a URL or a form is percent-encoded but for the unreserved characters (RFC 3986, 2.3), so none can add a part of either.
 * 2. A header is one line, whatever its values hold.
 * 3. A value that is missing is left out of a body, with its name; in a text it is empty. */
#include "runtime/send/request.h"

#include <stdio.h>

#include "vm/base/limits.h"
#include "vm/digest.h"
#include "vm/request.h"

struct filler {
  const struct unit *u;
  const struct request_values *v;
  struct arena *a;
  struct buf text;               /* of one value */
};

/* A value as JSON has it, or as plain text. */
struct said { bool there, text; struct str s; };

static struct said said_text(struct str s) { return (struct said){ true, true, s }; }

static struct said said_value(struct filler *f, struct value v) {
  if (v.type == V_MISSING) return (struct said){ .there = false };
  if (v.type == V_TEXT) return said_text(value_str(v));
  if (v.type == V_LIST || v.type == V_RECORD) return (struct said){ true, false, value_str(v) };
  buf_clear(&f->text);
  value_to_json(&f->text, v, zone_utc());
  struct json j;
  const char *fault;
  size_t at;
  struct str s = arena_str(f->a, buf_as_str(&f->text));
  if (json_check(s, &j, &fault, &at) && j.type == JSON_STRING) return said_text(json_string(j, f->a));
  return (struct said){ true, false, s };
}

static struct said said_given(struct filler *f, struct str name) {
  const struct { const char *name; struct str text; } own[] = {
    { "subject", f->v->subject }, { "body", f->v->body }, { "message", f->v->message }, { "campaign", f->v->campaign },
    { "key", f->v->key }, { "contact_key", f->v->contact_key },
  };
  struct json j = f->v->given.len ? json_member(f->v->given, name) : (struct json){ .type = JSON_BAD };
  if (f->u->kind == UNIT_OPERATION && j.type != JSON_BAD) {
    if (j.type == JSON_NULL) return (struct said){ .there = false };
    return j.type == JSON_STRING ? said_text(json_string(j, f->a)) : (struct said){ true, false, j.text };
  }
  if (str_is(name, "to")) return said_value(f, f->v->to);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (str_is(name, own[i].name) && own[i].text.ptr) return said_text(own[i].text);
  return (struct said){ .there = false };
}

static struct said said_hashed(struct filler *f, struct said s) {
  if (!s.there) return s;
  while (s.s.len && s.s.ptr[0] == ' ') s.s.ptr++, s.s.len--;
  while (s.s.len && s.s.ptr[s.s.len - 1] == ' ') s.s.len--;
  char *small = arena_alloc(f->a, s.s.len + 1), *hex = arena_alloc(f->a, 2 * UNIT_HASH_BYTES + 1);
  for (size_t i = 0; i < s.s.len; i++) small[i] = (char)(s.s.ptr[i] >= 'A' && s.s.ptr[i] <= 'Z' ? s.s.ptr[i] | 0x20 : s.s.ptr[i]);
  uint8_t hash[UNIT_HASH_BYTES];
  digest_sha256(&(struct str){ small, s.s.len }, 1, hash);
  for (size_t i = 0; i < sizeof hash; i++) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
  return said_text((struct str){ hex, 2 * sizeof hash });
}

static struct said said_of(struct filler *f, const struct request_piece *p) {
  const struct unit *u = f->u;
  switch (p->kind) {
    case PIECE_TEXT: return said_text(u->strings[p->at]);
    case PIECE_GIVEN: return said_given(f, u->strings[p->at]);
    case PIECE_SHA256: return said_hashed(f, said_given(f, u->strings[p->at]));
    case PIECE_SECRET: return said_text(arena_printf(f->a, "[secret." STR_FMT "]", STR_ARG(u->strings[p->at])));
    case PIECE_ATTR: return said_value(f, contact_attribute(f->v->contact, unit_string(u, u->fields[p->at].name), &u->fields[p->at], zone_utc()));
    default: return said_value(f, u->consts[p->at]);
  }
}

/* A list in a text: its elements with commas between. */
static void put_plain(struct buf *b, const struct said *s, struct arena *a) {
  if (!s->there) return;
  if (s->text || *s->s.ptr != '[') {
    buf_str(b, s->s);
    return;
  }
  bool first = true;
  for (struct json_walk w = json_walk_of(s->s); json_next(&w); first = false) {
    if (!first) buf_byte(b, ',');
    buf_str(b, w.value.type == JSON_STRING ? json_string(w.value, a) : w.value.text);
  }
}

static void put_encoded(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) buf_byte(b, (uint8_t)c);
    else buf_printf(b, "%%%02X", (unsigned)(unsigned char)c);
  }
}

/* The pieces one behind the other; *any: some of it is there. In a URL what is not the script's own is encoded. */
static struct str text_of(struct filler *f, const struct request_item *item, bool *any) {
  struct buf b, one;
  buf_init(&b, LIMIT_MESSAGE_BYTES);
  buf_init(&one, LIMIT_MESSAGE_BYTES);
  *any = item->kind == REQ_TEXT;
  for (uint32_t i = 0; i < item->piece_count; i++) {
    const struct request_piece *p = &f->u->request->pieces[item->first_piece + i];
    struct said s = said_of(f, p);
    *any |= s.there;
    buf_clear(&one);
    put_plain(&one, &s, f->a);
    if (item->place == IN_URL && p->kind != PIECE_TEXT && p->kind != PIECE_SECRET) put_encoded(&b, buf_as_str(&one));
    else buf_str(&b, buf_as_str(&one));
  }
  struct str out = arena_str(f->a, buf_as_str(&b));
  buf_deinit(&b);
  buf_deinit(&one);
  return out;
}

static void put_member(struct buf *b, bool *first, struct str name, struct str text) {
  if (!*first) buf_byte(b, ',');
  *first = false;
  buf_json_str(b, name);
  buf_byte(b, ':');
  buf_json_str(b, text);
}

static struct str one_line(struct arena *a, struct str s) {
  char *out = arena_alloc(a, s.len + 1);
  for (size_t i = 0; i < s.len; i++) out[i] = (unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? ' ' : s.ptr[i];
  return (struct str){ out, s.len };
}

static void put_headers(struct filler *f, struct buf *b) {
  const struct request *q = f->u->request;
  struct str user = { NULL, 0 }, name;
  bool first = true, any;
  if (q->json || q->form) put_member(b, &first, STR("Content-Type"), q->json ? STR("application/json") : STR("application/x-www-form-urlencoded"));
  for (uint32_t i = 0; i < q->item_count; i++) {
    const struct request_item *item = &q->items[i];
    if (item->place != IN_USER && item->place != IN_KEY && item->place != IN_HEADER) continue;
    struct str text = one_line(f->a, text_of(f, item, &any));
    if (item->place == IN_USER) {
      user = text;
      continue;
    }
    name = item->place == IN_KEY ? STR("Authorization") : f->u->strings[item->name];
    if (item->place == IN_KEY && user.ptr) text = arena_printf(f->a, "Basic " STR_FMT ":" STR_FMT, STR_ARG(user), STR_ARG(text));
    else if (item->place == IN_KEY) text = arena_printf(f->a, "Bearer " STR_FMT, STR_ARG(text));
    if (any) put_member(b, &first, name, text);
  }
}

static void put_form(struct filler *f, struct buf *b) {
  bool first = true;
  for (uint32_t i = 0; i < f->u->request->item_count; i++) {
    const struct request_item *item = &f->u->request->items[i];
    bool any;
    if (item->place != IN_FORM) continue;
    struct str text = text_of(f, item, &any);
    if (!any) continue;
    if (!first) buf_byte(b, '&');
    first = false;
    put_encoded(b, f->u->strings[item->name]);
    buf_byte(b, '=');
    put_encoded(b, text);
  }
}

static void put_json(struct filler *f, struct buf *b) {
  bool empty[REQUEST_DEPTH_MAX + 1] = { true }, list[REQUEST_DEPTH_MAX + 1] = { false };
  uint32_t depth = 0;
  buf_byte(b, '{');
  for (uint32_t i = 0; i < f->u->request->item_count; i++) {
    const struct request_item *item = &f->u->request->items[i];
    if (item->place != IN_JSON) continue;
    if (item->kind == REQ_END) {
      buf_byte(b, list[depth--] ? ']' : '}');
      continue;
    }
    struct said s = { .there = true };
    bool any;
    if (item->kind == REQ_VALUE) s = said_of(f, &f->u->request->pieces[item->first_piece]);
    if (item->kind == REQ_TEXT) s = said_text(text_of(f, item, &any));
    if (!s.there) continue;
    if (!empty[depth]) buf_byte(b, ',');
    empty[depth] = false;
    if (item->name != NONE) {
      buf_json_str(b, f->u->strings[item->name]);
      buf_byte(b, ':');
    }
    if (item->kind == REQ_OBJECT || item->kind == REQ_LIST) {
      buf_byte(b, item->kind == REQ_LIST ? '[' : '{');
      empty[++depth] = true;
      list[depth] = item->kind == REQ_LIST;
    } else if (s.text) {
      buf_json_str(b, s.s);
    } else {
      buf_str(b, s.s);
    }
  }
  buf_byte(b, '}');
}

bool request_fill(const struct unit *u, const struct request_values *v, struct arena *a, struct buf *b, struct str *out) {
  struct filler f = { .u = u, .v = v, .a = a };
  bool any;
  buf_init(&f.text, LIMIT_MESSAGE_BYTES);
  buf_clear(b);
  buf_printf(b, "{\"method\":\"%s\",\"url\":", request_method_name(u->request->method));
  buf_json_str(b, text_of(&f, &u->request->items[0], &any));
  buf_c(b, ",\"headers\":{");
  put_headers(&f, b);
  buf_c(b, "}");
  if (u->request->json) {
    buf_c(b, ",\"body\":");
    put_json(&f, b);
  } else if (u->request->form) {
    struct buf form;
    buf_init(&form, LIMIT_MESSAGE_BYTES);
    put_form(&f, &form);
    buf_c(b, ",\"body\":");
    buf_json_str(b, buf_as_str(&form));
    b->failed |= form.failed;
    buf_deinit(&form);
  }
  buf_byte(b, '}');
  bool fits = !b->failed && !f.text.failed;
  if (fits) *out = arena_str(a, buf_as_str(b));
  buf_deinit(&f.text);
  return fits;
}
