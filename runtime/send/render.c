/* The text of a message for one contact: the parts of its unit, with the contact's attributes as they are now.
 *
 * Not for: headers and encodings (mime.c), templates (template_text.c; only texts without tags and filters are parts).
 *
 * Invariants:
 * 1. The key is a function of contact, campaign, entry, fork and ordinal, and no two of those give the same key (vm/key.h).
 * 2. The subject and the address hold no control characters and nothing that turns a line around, whatever the attributes hold.
 * 3. In a body that is a page, which the compiler knows and no attribute can make it, attributes and values are escaped, so that a contact's name
 *    cannot add tags.
 * 4. Body and text are each at most LIMIT_MESSAGE_BYTES, the subject LIMIT_SUBJECT_BYTES. */
#include "runtime/send/render.h"

#include <stdio.h>

#include "runtime/send/address.h"
#include "runtime/send/links.h"
#include "runtime/send/plain_text.h"
#include "runtime/send/request.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"
#include "vm/contact.h"
#include "vm/key.h"

enum { REASON_BYTES = 160 };

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

/* The contact may be another by now; the message bears the key of the one to whom it was released, so that neither its key nor what
 * a sender writes depends on whether it left before or after. */
static struct str contact_of(const struct outbox_item *item) { return item->was_key.len ? item->was_key : item->key; }

static struct str envelope_key(const struct outbox_item *item, struct str campaign, struct arena *a, struct buf *b) {
  buf_clear(b);
  key_print(b, contact_of(item), campaign, item->was_key.len ? item->was_entry : item->row.entry, item->row.fork, item->row.ordinal);
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

/* An attribute, as it is now, or a value that came with the send. */
static struct value part_value(const struct writing *w, const struct part *p) {
  const struct unit *u = w->unit;
  struct contact *c = w->contact;
  struct str given = w->given;
  const struct field *f = &u->fields[p->field];
  struct str name = unit_string(u, f->name);
  if (p->kind == PART_ATTR) return contact_attribute(c, name, f, zone_utc());
  if (u->mail & MAIL_URLS && str_ends(name, STR("_url"))) {
    struct str url = render_url(w, name);
    if (url.len) return value_text(url);
  }
  struct json member = given.len ? json_member(given, name) : (struct json){ .type = JSON_BAD };
  return member.type == JSON_BAD ? value_missing() : value_from_json(member, V_MISSING, 0, zone_utc(), c->arena);
}

static void add_value(struct buf *b, const struct unit *u, const struct part *p, struct value v, const struct zone *z, bool html) {
  /* Only texts, lists and records can hold what needs escaping; numbers, money and dates print none of it. */
  bool holds_text = v.type == V_TEXT || v.type == V_LIST || v.type == V_RECORD;
  struct str text = holds_text ? value_str(v) : unit_string(u, p->text);
  if (!holds_text && v.type != V_MISSING) value_print(b, v, z);
  else if (html) add_escaped(b, text);
  else buf_str(b, text);
}

/* False with *why when a link in it cannot be printed; too long is seen by b->failed. */
static bool add_parts(struct buf *b, const struct writing *w, const struct part *parts, uint32_t count, bool html, char why[REASON_BYTES]) {
  for (uint32_t i = 0; i < count && !b->failed; i++) {
    if (parts[i].kind == PART_TEXT) buf_str(b, unit_string(w->unit, parts[i].text));
    else if (parts[i].kind != PART_LINK) {
      struct value v = part_value(w, &parts[i]);
      add_value(b, w->unit, &parts[i], v, v.type == V_MOMENT ? texts_zone(w->texts, w->contact) : zone_utc(), html);
    } else if (!render_link(w, parts[i].field, b, why)) return false;
  }
  return true;
}

static bool add_any(struct buf *b, const struct writing *w, const struct part *parts, uint32_t count, bool html, char why[REASON_BYTES]) {
  if (count && parts[count - 1].kind == PART_LIQUID) return texts_render(w, parts, count, b, why);
  return add_parts(b, w, parts, count, html, why);
}

/* --- addresses of ours ----------------------------------------------------------------------------------------------- */

struct str render_url(const struct writing *w, struct str name) {
  bool live;
  const struct links *links = texts_links(w->texts, &live);
  enum token_kind kind = str_is(name, "unsubscribe_url") ? TOKEN_UNSUBSCRIBE : str_is(name, "preferences_url") ? TOKEN_PREFERENCES : TOKEN_VIEW;
  if (kind == TOKEN_VIEW && !str_is(name, "view_in_browser_url")) return (struct str){ "", 0 };
  struct buf b;
  buf_init(&b, 8 * LIMIT_KEY_BYTES + 4096);
  struct link_token token = { .kind = kind, .outbox_id = w->outbox_id };
  if (kind == TOKEN_UNSUBSCRIBE) memcpy(token.version, w->own->hash, sizeof token.version);
  links_write(&b, links, &token, w->key);
  struct str url = arena_str(w->contact->arena, buf_as_str(&b));
  buf_deinit(&b);
  return url;
}

bool render_target(const struct writing *w, uint32_t link, struct buf *b, char why[160]) {
  const struct message_link *l = &w->unit->links[link];
  return add_any(b, w, w->unit->link_parts + l->first, l->count, false, why);
}

bool render_link(const struct writing *w, uint32_t link, struct buf *b, char why[160]) {
  bool live;
  const struct links *links = texts_links(w->texts, &live);
  if (links->real) {
    if (link == NONE) buf_c(b, "<img src=\"");
    struct link_token token = { .kind = link == NONE ? TOKEN_OPEN : TOKEN_CLICK, .outbox_id = w->outbox_id, .link = link == NONE ? 0 : link };
    if (link != NONE) memcpy(token.version, w->unit->hash, sizeof token.version);
    links_write(b, links, &token, w->key);
    if (link == NONE) buf_c(b, "\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0\">");
    return true;
  }
  if (link == NONE) return true;
  const struct message_link *l = &w->unit->links[link];
  const struct part *first = &w->unit->link_parts[l->first];
  if (l->count == 1 && first->kind == PART_TEXT) {
    add_escaped(b, unit_string(w->unit, first->text));
    return true;
  }
  struct buf target;
  buf_init(&target, LIMIT_MESSAGE_BYTES);
  bool good = render_target(w, link, &target, why);
  add_escaped(b, buf_as_str(&target));
  buf_deinit(&target);
  return good;
}

/* What the contact's attribute for the channel holds: a text, or a list of text; missing for none. */
static struct value address_of(struct contact *c, struct str attribute) {
  static const struct field any = { .type = V_MISSING }, text = { .type = V_TEXT };
  if (!attribute.len) return value_missing();
  struct value v = contact_attribute(c, attribute, &any, zone_utc());
  if (v.type == V_NUMBER) v = contact_attribute(c, attribute, &text, zone_utc()); /* a telephone number that came as one */
  return (v.type == V_TEXT && v.aux) || v.type == V_LIST ? v : value_missing();
}

/* Where it goes. A key that is no address will do where mail is only kept. */
static bool take_address(const struct writing *w, const struct image *image, struct envelope *out, struct value *to, char why[REASON_BYTES]) {
  struct contact *c = w->contact;
  struct str attribute = image_channel_address(image, out->channel);
  *to = address_of(c, attribute);
  bool own = to->type != V_MISSING, live, email = str_is(out->channel, "email");
  int shown = (int)(attribute.len > 60 ? 60 : attribute.len);
  const char *what;
  (void)texts_links(w->texts, &live);
  if (!own && attribute.len && image_channel(image, out->channel)) {
    snprintf(why, REASON_BYTES, "no address: contact.%.*s is missing", shown, attribute.ptr);
    return false;
  }
  out->to = own ? value_str(*to) : c->key;
  if (out->to.len > LIMIT_KEY_BYTES) {
    snprintf(why, REASON_BYTES, "the address (contact.%.*s) is longer than %d bytes", shown, attribute.ptr, LIMIT_KEY_BYTES);
    return false;
  }
  for (size_t i = 0; i < out->to.len; i++) {
    if (!is_control(out->to.ptr[i])) continue;
    snprintf(why, REASON_BYTES, "the address (contact.%.*s) holds a control character at byte %zu", shown, attribute.ptr, i + 1);
    return false;
  }
  if (!email || (!live && !memchr(out->to.ptr ? out->to.ptr : "", '@', out->to.len)) || address_read(c->arena, out->to, &out->to, &what)) return true;
  if (own) snprintf(why, REASON_BYTES, "the address (contact.email) %s: %.*s", what, (int)(out->to.len > 80 ? utf8_valid_prefix((struct str){ out->to.ptr, 80 }) : out->to.len), out->to.ptr);
  else snprintf(why, REASON_BYTES, "the contact has no address (contact.email), and its key %s", what);
  return false;
}

/* `from` and `reply to`, which may hold what a contact wrote: one address or none leaves. */
static bool take_mailbox(const struct writing *w, const struct part *parts, uint32_t count, const char *which, struct buf *b, struct str *name,
                         struct str *address, char why[REASON_BYTES]) {
  struct mailbox m;
  const char *what;
  if (!count) return true;
  buf_clear(b);
  if (!add_any(b, w, parts, count, false, why)) return false;
  if (b->failed || b->len > 998) what = "is too long";
  else if (mailbox_read(w->contact->arena, arena_str(w->contact->arena, buf_as_str(b)), &m, &what)) {
    *name = m.name;
    *address = m.address;
    return true;
  }
  snprintf(why, REASON_BYTES, "its `%s` %s", which, what);
  return false;
}

static bool too_long(const struct envelope *e, const char *what, char why[REASON_BYTES]) {
  snprintf(why, REASON_BYTES, "the %s of message `%.*s` is longer than %u bytes", what, (int)(e->message.len > 60 ? 60 : e->message.len),
           e->message.ptr, strcmp(what, "subject") == 0 ? LIMIT_SUBJECT_BYTES : LIMIT_MESSAGE_BYTES);
  return false;
}

/* A subject or a body, from its parts or its template. */
static bool add_text(const struct writing *w, struct buf *b, const struct part *parts, uint32_t count, const char *what, bool html,
                     const struct envelope *e, char why[REASON_BYTES]) {
  buf_clear(b);
  if (!add_any(b, w, parts, count, html, why)) return false;
  return !b->failed || too_long(e, what, why);
}

/* Without the blanks that tags around it left. */
static struct str trimmed(struct str s) {
  while (s.len && *s.ptr == ' ') s.ptr++, s.len--;
  while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
  return s;
}

/* What leaves on one line: an attribute must not begin another one, also not by a line's end that only Unicode knows, nor turn around
 * what stands behind it (U+202A to U+202E, U+2066 to U+2069): "gpj.exe" would read as "exe.jpg". */
static void one_line(struct buf *b) {
  size_t n = 0;
  for (size_t i = 0; i < b->len; i++) {
    const unsigned char *at = (const unsigned char *)b->data + i;
    bool general = i + 2 < b->len && at[0] == 0xe2, next = i + 1 < b->len && at[0] == 0xc2 && at[1] == 0x85;
    bool separator = general && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9);
    bool turns = general && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
    if (!turns) b->data[n++] = separator || next || is_control(b->data[i]) ? ' ' : b->data[i];
    i += separator || turns ? 2 : next;
  }
  b->len = n;
}

/* The text beside a page. */
static bool take_text(const struct writing *w, struct buf *b, struct envelope *out, char why[REASON_BYTES]) {
  const struct unit *u = w->unit;
  struct buf laid;
  if (!u->text_count) return true;
  if (!add_text(w, b, u->text, u->text_count, "text", false, out, why)) return false;
  if (!(u->mail & MAIL_TEXT_MADE)) {
    out->text = plain_text_tidy(arena_str(w->contact->arena, buf_as_str(b)));
    return true;
  }
  buf_init(&laid, LIMIT_MESSAGE_BYTES);
  plain_text_lay_out(&laid, buf_as_str(b));
  out->text = arena_str(w->contact->arena, buf_as_str(&laid));
  bool fits = !laid.failed;
  buf_deinit(&laid);
  return fits || too_long(out, "text", why);
}

static bool take_files(const struct image *image, const struct unit *u, struct arena *a, struct envelope *out, char why[REASON_BYTES]) {
  if (!u->attachment_count) return true;
  struct enclosure *files = arena_zalloc(a, u->attachment_count, sizeof *files);
  for (uint32_t i = 0; i < u->attachment_count; i++) {
    const struct attachment *at = &u->attachments[i];
    const struct unit *file = image_file(image, unit_string(u, at->file));
    if (!file) {
      snprintf(why, REASON_BYTES, "its file `" STR_FMT "` is no longer in the program", STR_ARG(((struct str){ unit_string(u, at->name).ptr, unit_string(u, at->name).len > 80 ? 80 : unit_string(u, at->name).len })));
      return false;
    }
    files[i] = (struct enclosure){ unit_string(u, at->name), unit_string(u, at->type), unit_string(file, 1), at->inside };
  }
  out->files = files;
  out->file_count = u->attachment_count;
  return true;
}

bool render_clicked(struct texts *texts, const struct unit *u, const struct outbox_item *item, uint32_t link, struct arena *a, struct buf *b,
                    char why[160]) {
  struct contact c = { .id = item->row.contact, .key = contact_of(item), .attributes = item->attributes, .arena = a };
  struct writing w = { texts, u, u, &c, item->row.given, item->row.at_ms, item->row.id, { "", 0 } };
  if (link < u->link_count) {
    if (!render_target(&w, link, b, why)) return false;
    struct str target = arena_str(a, buf_as_str(b));
    bool failed = b->failed;
    buf_clear(b);
    links_put_target(b, target);
    b->failed |= failed;
    return true;
  }
  snprintf(why, 160, "the message has no link %u", link);
  return false;
}

static void begin_envelope(struct str message, struct str campaign, const struct outbox_item *item, struct arena *a, struct buf *b, struct envelope *out) {
  *out = (struct envelope){ .outbox_id = item->row.id, .contact = contact_of(item), .message = message, .campaign = campaign, .at_ms = item->row.at_ms };
  out->key = envelope_key(item, campaign, a, b);
}

static bool render_call(const struct image *image, const struct outbox_item *item, struct arena *a, struct buf *b, struct envelope *out,
                        char why[REASON_BYTES]) {
  out->operation = out->message;
  out->message = (struct str){ NULL, 0 };
  const struct unit *u = image_operation(image, out->operation);
  int shown = (int)(out->operation.len > 80 ? 80 : out->operation.len);
  struct contact c = { .id = item->row.contact, .key = contact_of(item), .attributes = item->attributes, .arena = a };
  struct request_values values = { .campaign = out->campaign, .key = out->key, .contact_key = c.key, .given = item->row.given, .contact = &c };
  if (!u) snprintf(why, REASON_BYTES, "the operation `%.*s` is no longer in the program", shown, out->operation.ptr);
  else if (!request_fill(u, &values, a, b, &out->request)) snprintf(why, REASON_BYTES, "the request of `%.*s` is longer than %u bytes", shown, out->operation.ptr, LIMIT_MESSAGE_BYTES);
  else return true;
  return false;
}

enum { TAG_BYTES = 40 };

/* The message in the contact's language: `contact.language` is a tag such as fr-CA, of which parts are left out from behind until
 * there is a text; when there is none at all, the message's own is in its first language. Texts of other languages are messages
 * beside it (compiler/languages.c). */
static const struct unit *in_language(const struct image *image, const struct unit *u, struct str message, struct contact *c) {
  static const struct field text = { .type = V_TEXT };
  struct value v = contact_attribute(c, STR("language"), &text, zone_utc());
  struct str tag = v.type == V_TEXT ? value_str(v) : (struct str){ NULL, 0 };
  char name[LIMIT_NAME_BYTES + TAG_BYTES + 2];
  if (!tag.len || tag.len > TAG_BYTES || message.len > LIMIT_NAME_BYTES) return u;
  memcpy(name, message.ptr, message.len);
  name[message.len] = '.';
  for (size_t i = 0; i < tag.len; i++) {
    char l = tag.ptr[i] == '_' ? '-' : tag.ptr[i];
    name[message.len + 1 + i] = l >= 'A' && l <= 'Z' ? (char)(l + 32) : l;
  }
  for (size_t len = tag.len; len; len--) {
    if (len < tag.len && name[message.len + 1 + len] != '-') continue;
    const struct unit *found = image_message(image, (struct str){ name, message.len + 1 + len });
    if (found) return found;
  }
  return u;
}

bool render_envelope(struct texts *texts, const struct image *image, const struct store *store, const struct outbox_item *item,
                     struct arena *a, struct buf *b, struct envelope *out, char why[160]) {
  struct str message = store_name_text(store, item->row.message), campaign = store_name_text(store, item->row.campaign);
  if (store_name_kind(store, item->row.message) != NAME_CALL) return render_named(texts, image, message, campaign, item, a, b, out, why);
  begin_envelope(message, campaign, item, a, b, out);
  return render_call(image, item, a, b, out, why);
}

bool render_named(struct texts *texts, const struct image *image, struct str message, struct str campaign, const struct outbox_item *item,
                  struct arena *a, struct buf *b, struct envelope *out, char why[160]) {
  begin_envelope(message, campaign, item, a, b, out);
  const struct unit *u = image_message(image, out->message);
  if (!u) {
    snprintf(why, REASON_BYTES, "message `%.*s` is no longer in the program", (int)(out->message.len > 80 ? 80 : out->message.len),
             out->message.ptr);
    return false;
  }
  struct value to;
  struct contact c = { .id = item->row.contact, .key = contact_of(item), .attributes = item->attributes, .arena = a };
  const struct unit *own = u;
  u = in_language(image, u, out->message, &c);
  struct writing w = { texts, u, own, &c, item->row.given, item->row.at_ms, item->row.id, out->key };
  out->channel = item->row.via.len ? item->row.via : unit_string(u, u->channel);
  out->html = u->mail & MAIL_HTML && str_is(out->channel, "email");
  if (!take_address(&w, image, out, &to, why)) return false;
  if (!take_mailbox(&w, u->from, u->from_count, "from", b, &out->from_name, &out->from, why)) return false;
  if (!take_mailbox(&w, u->reply_to, u->reply_to_count, "reply to", b, &out->reply_name, &out->reply_to, why)) return false;
  if (!add_text(&w, b, u->subject, u->subject_count, "subject", false, out, why)) return false;
  if (b->len > LIMIT_SUBJECT_BYTES) return too_long(out, "subject", why);
  one_line(b);
  out->subject = trimmed(arena_str(a, buf_as_str(b)));
  if (!add_text(&w, b, u->body, u->body_count, "body", out->html, out, why)) return false;
  if (str_is(out->channel, "sms")) one_line(b);
  out->body = arena_str(a, buf_as_str(b));
  if (!take_text(&w, b, out, why)) return false;
  if (own->topic != NONE && str_is(out->channel, "email")) {
    out->topic = unit_string(own, own->topic);
    out->unsubscribe = render_url(&w, STR("unsubscribe_url"));
  }
  if (!take_files(image, u, a, out, why)) return false;
  const struct unit *channel = image_channel(image, out->channel);
  struct request_values values = { .subject = out->subject, .body = out->body, .message = out->message, .campaign = out->campaign,
                                   .key = out->key, .contact_key = c.key, .to = to, .contact = &c };
  return !channel || request_fill(channel, &values, a, b, &out->request) || too_long(out, "request", why);
}
