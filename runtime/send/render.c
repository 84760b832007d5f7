/* The text of a message for one contact: the parts of its unit, with the contact's attributes as they are now.
 *
 * Not for: headers and encodings (mime.c), templates (template_text.c; only texts without tags and filters are parts).
 *
 * Invariants:
 * 1. The key is a function of contact, campaign, entry, fork and ordinal, and no two of those give the same key: / and %
 *    inside a name are written as %XX.
 * 2. The subject and the address hold no control characters, whatever the attributes hold.
 * 3. In a body that begins with a tag, attributes and values are escaped, so that a contact's name cannot add tags.
 * 4. Subject and body are each at most LIMIT_MESSAGE_BYTES. */
#include "runtime/send/render.h"

#include <stdio.h>

#include "vm/base/limits.h"
#include "vm/contact.h"

enum { REASON_BYTES = 160 };

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

static void add_key_part(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (c == '/' || c == '%' || is_control(c)) buf_printf(b, "%%%02X", (unsigned)(unsigned char)c);
    else buf_byte(b, (uint8_t)c);
  }
}

/* The contact may be another by now; the message bears the key of the one to whom it was released, so that neither its key nor what
 * a sender writes depends on whether it left before or after. */
static struct str contact_of(const struct outbox_item *item) { return item->was_key.len ? item->was_key : item->key; }

static struct str envelope_key(const struct outbox_item *item, struct str campaign, struct arena *a, struct buf *b) {
  buf_clear(b);
  add_key_part(b, contact_of(item));
  buf_byte(b, '/');
  add_key_part(b, campaign);
  buf_printf(b, "/%u", item->was_key.len ? item->was_entry : item->row.entry);
  if (item->row.fork) buf_printf(b, ".%u", item->row.fork);
  buf_printf(b, ".%u", item->row.ordinal);
  return arena_str(a, buf_as_str(b));
}

static void add_escaped(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    switch (s.ptr[i]) {
      case '&': buf_c(b, "&amp;"); break;
      case '<': buf_c(b, "&lt;"); break;
      case '>': buf_c(b, "&gt;"); break;
      case '"': buf_c(b, "&quot;"); break;
      case '\'': buf_c(b, "&#39;"); break;
      default: buf_byte(b, (uint8_t)s.ptr[i]);
    }
  }
}

static bool begins_with_tag(const struct unit *u, const struct part *parts, uint32_t count) {
  if (count == 0 || parts[0].kind != PART_TEXT) return false;
  struct str text = unit_string(u, parts[0].text);
  size_t i = 0;
  while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4)) i++;
  return i < text.len && text.ptr[i] == '<';
}

/* An attribute, as it is now, or a value that came with the send. */
static struct value part_value(const struct unit *u, const struct part *p, struct contact *c, struct str given) {
  const struct field *f = &u->fields[p->field];
  struct str name = unit_string(u, f->name);
  if (p->kind == PART_ATTR) return contact_attribute(c, name, f, zone_utc());
  struct json member = given.len ? json_member(given, name) : (struct json){ .type = JSON_BAD };
  return member.type == JSON_BAD ? value_missing() : value_from_json(member, V_MISSING, 0, zone_utc(), c->arena);
}

static void add_value(struct buf *b, const struct unit *u, const struct part *p, struct value v, bool html) {
  /* Only texts, lists and records can hold what needs escaping; numbers, money and dates print none of it. */
  bool holds_text = v.type == V_TEXT || v.type == V_LIST || v.type == V_RECORD;
  struct str text = holds_text ? value_str(v) : unit_string(u, p->text);
  if (!holds_text && v.type != V_MISSING) value_print(b, v, zone_utc());
  else if (html) add_escaped(b, text);
  else buf_str(b, text);
}

static bool add_parts(struct buf *b, const struct unit *u, const struct part *parts, uint32_t count, struct contact *c, struct str given,
                      bool html) {
  for (uint32_t i = 0; i < count && !b->failed; i++) {
    if (parts[i].kind == PART_TEXT) buf_str(b, unit_string(u, parts[i].text));
    else add_value(b, u, &parts[i], part_value(u, &parts[i], c, given), html);
  }
  return !b->failed;
}

static bool take_address(struct contact *c, const struct field *text, struct envelope *out, char why[REASON_BYTES]) {
  struct value v = contact_attribute(c, STR("email"), text, zone_utc());
  out->to = v.type == V_TEXT && v.aux ? value_str(v) : c->key;
  if (out->to.len > LIMIT_KEY_BYTES) {
    snprintf(why, REASON_BYTES, "the address (contact.email) is longer than %d bytes", LIMIT_KEY_BYTES);
    return false;
  }
  for (size_t i = 0; i < out->to.len; i++) {
    if (!is_control(out->to.ptr[i])) continue;
    snprintf(why, REASON_BYTES, "the address (contact.email) holds a control character at byte %zu", i + 1);
    return false;
  }
  return true;
}

static bool too_long(const struct envelope *e, const char *what, char why[REASON_BYTES]) {
  snprintf(why, REASON_BYTES, "the %s of message `%.*s` is longer than %u bytes", what, (int)(e->message.len > 60 ? 60 : e->message.len),
           e->message.ptr, LIMIT_MESSAGE_BYTES);
  return false;
}

/* A subject or a body, from its parts or its template. */
static bool add_text(struct texts *texts, struct buf *b, const struct unit *u, bool body, struct contact *c, const struct outbox_item *item,
                     const struct envelope *e, char why[REASON_BYTES]) {
  const struct part *parts = body ? u->body : u->subject;
  uint32_t count = body ? u->body_count : u->subject_count;
  buf_clear(b);
  if (count && parts[count - 1].kind == PART_LIQUID) {
    if (!texts_render(texts, u, parts, count, c, item->row.given, item->row.at_ms, b, why)) return false;
    if (!b->failed) return true;
  } else if (add_parts(b, u, parts, count, c, item->row.given, body && begins_with_tag(u, parts, count))) {
    return true;
  }
  return too_long(e, body ? "body" : "subject", why);
}

/* What leaves on one line: an attribute must not begin another one. */
static void one_line(struct buf *b) {
  for (size_t i = 0; i < b->len; i++)
    if (is_control(b->data[i])) b->data[i] = ' ';
}

bool render_envelope(struct texts *texts, const struct image *image, const struct store *store, const struct outbox_item *item,
                     struct arena *a, struct buf *b, struct envelope *out, char why[160]) {
  *out = (struct envelope){ .outbox_id = item->row.id, .contact = contact_of(item), .at_ms = item->row.at_ms };
  out->message = store_name_text(store, item->row.message);
  out->campaign = store_name_text(store, item->row.campaign);
  out->key = envelope_key(item, out->campaign, a, b);
  const struct unit *u = image_message(image, out->message);
  if (!u) {
    snprintf(why, REASON_BYTES, "message `%.*s` is no longer in the program", (int)(out->message.len > 80 ? 80 : out->message.len),
             out->message.ptr);
    return false;
  }
  static const struct field text = { .type = V_TEXT };
  struct contact c = { .id = item->row.contact, .key = contact_of(item), .attributes = item->attributes, .arena = a };
  out->channel = item->row.via.len ? item->row.via : unit_string(u, u->channel);
  if (!take_address(&c, &text, out, why)) return false;
  if (!add_text(texts, b, u, false, &c, item, out, why)) return false;
  one_line(b);
  out->subject = arena_str(a, buf_as_str(b));
  if (!add_text(texts, b, u, true, &c, item, out, why)) return false;
  if (str_is(out->channel, "sms")) one_line(b);
  out->body = arena_str(a, buf_as_str(b));
  return true;
}
