/* The texts of messages: what stands as it is, `{{ contact.x }}`, and `{{ x }}` of the values that come with a send; each may have
 * a `| default: "…"`.
 *
 * Not here: rendering (the VM's part table is all that it needs), and the rest of Liquid, which is refused by name.
 *
 * Invariants:
 * 1. A mistake is reported at its own place in the script, whatever escapes and indentation stand before it.
 * 2. Texts without a mark cost one search and become one part. */
#include "emit.h"
#include "mail.h"

struct template {
  struct scope *s;
  struct builder *b;      /* NULL: only checked */
  struct message_decl *message; /* whose values are noted; NULL when emitting */
  struct str text;
  struct span span;       /* of the text as it stands in its source */
  VEC(struct part) parts;
};

/* Where byte `at` of the text stands in the source: a text in quotes has escapes, one between three quotes has lost the
 * indentation of its lines but keeps their ends. */
static uint32_t place_of(const struct template *t, size_t at) {
  const struct str source = t->s->c->sources.items[t->span.source].text;
  const char *raw = source.ptr + t->span.from;
  size_t raw_len = t->span.to - t->span.from;
  if (raw_len == t->text.len)
    return t->span.from + (uint32_t)at;
  bool triple = t->span.from >= 3 && raw[-1] == '"' && raw[-2] == '"' && raw[-3] == '"';
  size_t i = 0, k = 0;
  if (!triple) {
    for (; i < raw_len && k < at; i++, k++)
      if (raw[i] == '\\' && i + 1 < raw_len)
        i++;
    return t->span.from + (uint32_t)i;
  }
  size_t lines = 1, end = at; /* the raw text begins with a newline that the text has not */
  for (; k < at; k++)
    lines += t->text.ptr[k] == '\n';
  while (end < t->text.len && t->text.ptr[end] != '\n')
    end++;
  for (; i < raw_len && lines; i++)
    lines -= raw[i] == '\n';
  while (i < raw_len && raw[i] != '\n')
    i++;
  size_t back = end - at;
  return t->span.from + (uint32_t)(i > back ? i - back : 0);
}

static struct span span_of(const struct template *t, size_t from, size_t to) {
  uint32_t a = place_of(t, from), z = to > from ? place_of(t, to - 1) + 1 : a;
  return (struct span){ t->span.source, a, z > a ? z : a + 1 };
}

static void part_text(struct template *t, size_t from, size_t to) {
  if (!t->b || from == to)
    return;
  struct str s = { t->text.ptr + from, to - from };
  struct part p = { .kind = PART_TEXT, .text = build_string(t->b, s), .field = NONE };
  VEC_PUSH(t->b->a, &t->parts, p);
}

static bool is_blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r'; }
static bool is_name(char ch) {
  return ch == '_' || (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch & 0x80);
}
static size_t skip(const struct template *t, size_t at, size_t to) {
  while (at < to && is_blank(t->text.ptr[at]))
    at++;
  return at;
}

static void only_attributes(struct template *t, size_t from, size_t to, const char *what) {
  while (to > from && is_blank(t->text.ptr[to - 1]))
    to--;
  struct diagnostic *d = diag(t->s->c, DIAG_E0507, span_of(t, from, to), "%s", what);
  d->expected = STR("`{{ contact.first_name }}`, `{{ contact.first_name | default: \"friend\" }}` or `{{ code }}`, which a send gives with the message");
}

/* `| default: "…"` up to `to`; false when it was reported. */
static bool parse_default(struct template *t, size_t at, size_t to, struct str *out) {
  size_t from = at;
  at = skip(t, at + 1, to);
  size_t word = at;
  while (at < to && is_name(t->text.ptr[at]))
    at++;
  struct str name = { t->text.ptr + word, at - word };
  if (!str_is(name, "default")) {
    only_attributes(t, name.len ? word : from, name.len ? at : to, "the one filter that a message knows is `default`");
    return false;
  }
  at = skip(t, at, to);
  if (at < to && t->text.ptr[at] == ':') {
    at = skip(t, at + 1, to);
    char quote = at < to ? t->text.ptr[at] : 0;
    const char *end = quote == '"' || quote == '\'' ? memchr(t->text.ptr + at + 1, quote, to - at - 1) : NULL;
    if (end) {
      *out = str_slice(t->text.ptr + at + 1, end);
      at = skip(t, (size_t)(end + 1 - t->text.ptr), to);
      if (at == to)
        return true;
      only_attributes(t, at, to, "nothing may follow the default");
      return false;
    }
  }
  only_attributes(t, from, to, "a default is a text in quotes");
  return false;
}

/* A value that comes with a send, noted for flow.c, which knows the sends. */
void note_value(struct scope *s, struct message_decl *m, struct str name, struct span span, bool required) {
  struct said_value **end = &m->said;
  while (*end && !str_eq((*end)->name.text, name))
    end = &(*end)->next;
  if (!*end) {
    *end = ARENA_NEW(&s->c->arena, struct said_value);
    (*end)->name = (struct name){ arena_str(&s->c->arena, name), span };
  }
  (*end)->required |= required;
}

/* `{{ camp_link_3 }}` and `{{ camp_pixel }}`, which emit_message.c has put there. */
static void part_link(struct template *t, struct str name) {
  uint32_t link = 0;
  bool pixel = str_is(name, MAIL_PIXEL);
  for (size_t i = sizeof MAIL_LINK - 1; !pixel && i < name.len; i++) link = link * 10 + (uint32_t)(name.ptr[i] - '0');
  struct part p = { .kind = PART_LINK, .text = NONE, .field = pixel ? NONE : link };
  VEC_PUSH(t->b->a, &t->parts, p);
}

/* `{{ code }}`: the name has been read, up to `at`. */
static void parse_value(struct template *t, struct str name, size_t from, size_t at, size_t to) {
  struct str instead = { NULL, 0 };
  size_t name_to = at;
  at = skip(t, at, to);
  bool has_default = at < to && t->text.ptr[at] == '|';
  if (has_default && !parse_default(t, at, to, &instead))
    return;
  if (at < to && !has_default) {
    only_attributes(t, from, to, "a message says one value between `{{` and `}}`");
    return;
  }
  if (mail_is_link(name)) {
    if (t->b) part_link(t, name);
    return;
  }
  if (!t->b) {
    if (!mail_is_url(name)) note_value(t->s, t->message, name, span_of(t, from, name_to), !has_default);
    return;
  }
  struct part p = { .kind = PART_VALUE, .text = has_default ? build_string(t->b, instead) : NONE,
                    .field = build_field(t->b, name, (struct type){ .kind = V_MISSING }) };
  VEC_PUSH(t->b->a, &t->parts, p);
}

/* What stands between {{ and }}. */
static void parse_output(struct template *t, size_t from, size_t to) {
  size_t at = skip(t, from, to), start = at;
  while (at < to && is_name(t->text.ptr[at]))
    at++;
  struct str root = { t->text.ptr + start, at - start }, name = { NULL, 0 }, instead = { NULL, 0 };
  if (root.len && !str_is(root, "contact") && (at >= to || t->text.ptr[at] != '.')) {
    parse_value(t, root, start, at, to);
    return;
  }
  if (!str_is(root, "contact") || at >= to || t->text.ptr[at] != '.') {
    only_attributes(t, start < to ? start : from, to, "a message can say only what the contact's attributes hold and what comes with a send");
    return;
  }
  size_t name_from = ++at;
  while (at < to && is_name(t->text.ptr[at]))
    at++;
  name = (struct str){ t->text.ptr + name_from, at - name_from };
  const struct member *m = scope_attribute(t->s, name);
  if (!m && !t->s->allow_unknown && name.len) {
    struct span span = span_of(t, name_from, at);
    struct diagnostic *d = diag(t->s->c, DIAG_E0303, span, "a contact has no attribute `" STR_FMT "`", STR_ARG(name));
    scope_suggest_attribute(t->s, d, span, name, "");
  }
  if (!m && t->s->allow_unknown && name.len && !t->b)
    VEC_PUSH(&t->s->c->arena, &t->s->unknown_read, ((struct name){ name, span_of(t, name_from, at) }));
  at = skip(t, at, to);
  bool has_default = at < to && t->text.ptr[at] == '|';
  if (has_default && !parse_default(t, at, to, &instead))
    return;
  if (!name.len || (at < to && !has_default)) {
    only_attributes(t, start, to, "a message can say only what the contact's attributes hold");
    return;
  }
  if (!t->b)
    return;
  struct type type = m && m->type ? m->type->type : (struct type){ .kind = V_MISSING };
  if (!has_default && m && m->initial && m->initial->kind == EXPR_LITERAL) {
    buf_clear(&t->b->text);
    value_print(&t->b->text, m->initial->value, zone_utc());
    instead = arena_str(t->b->a, buf_as_str(&t->b->text));
    has_default = true;
  }
  struct part p = { .kind = PART_ATTR, .text = has_default ? build_string(t->b, instead) : NONE,
                    .field = build_field(t->b, name, type) };
  VEC_PUSH(t->b->a, &t->parts, p);
}

static void parse(struct template *t) {
  size_t at = 0, text_from = 0;
  while (at + 1 < t->text.len) {
    const char *open = memchr(t->text.ptr + at, '{', t->text.len - 1 - at);
    if (!open)
      break;
    at = (size_t)(open - t->text.ptr);
    char next = t->text.ptr[at + 1];
    if (next != '{' && next != '%') {
      at++;
      continue;
    }
    const char *close = memmem(open + 2, t->text.len - at - 2, next == '{' ? "}}" : "%}", 2);
    if (!close) {
      only_attributes(t, at, at + 2, next == '{' ? "this `{{` has no `}}`" : "this `{%` has no `%}`");
      break;
    }
    part_text(t, text_from, at);
    size_t end = (size_t)(close - t->text.ptr);
    if (next == '{')
      parse_output(t, at + 2, end);
    else
      only_attributes(t, at, end + 2, "a message knows no tags between {% and %}");
    at = text_from = end + 2;
  }
  part_text(t, text_from, t->text.len);
}

struct span template_span(struct scope *s, struct str text, struct span span, size_t from, size_t to) {
  struct template t = { .s = s, .text = text, .span = span };
  return span_of(&t, from, to);
}

/* `name` or `contact.name`, with a default in quotes or without: what needs no template. */
static bool is_plain_output(struct str s) {
  size_t at = 0, dots = 0;
  while (at < s.len && is_blank(s.ptr[at])) at++;
  size_t from = at;
  for (; at < s.len && (is_name(s.ptr[at]) || s.ptr[at] == '.'); at++) dots += s.ptr[at] == '.';
  if (at == from || dots > 1 || (dots && !str_starts((struct str){ s.ptr + from, at - from }, STR("contact.")))) return false;
  while (at < s.len && is_blank(s.ptr[at])) at++;
  if (at == s.len) return true;
  if (s.ptr[at++] != '|') return false;
  while (at < s.len && is_blank(s.ptr[at])) at++;
  if (!str_starts((struct str){ s.ptr + at, s.len - at }, STR("default"))) return false;
  at += 7;
  while (at < s.len && is_blank(s.ptr[at])) at++;
  if (at == s.len || s.ptr[at++] != ':') return false;
  while (at < s.len && is_blank(s.ptr[at])) at++;
  char quote = at < s.len ? s.ptr[at] : 0;
  const char *end = quote == '"' || quote == '\'' ? memchr(s.ptr + at + 1, quote, s.len - at - 1) : NULL;
  if (!end) return false;
  for (at = (size_t)(end + 1 - s.ptr); at < s.len && is_blank(s.ptr[at]);) at++;
  return at == s.len;
}

/* Whether the text is parts and no template. Both would give the same bytes: parts are smaller, and cost less to print. */
static bool is_plain(struct str text) {
  for (size_t at = 0; at + 1 < text.len;) {
    const char *open = memchr(text.ptr + at, '{', text.len - 1 - at);
    if (!open) return true;
    at = (size_t)(open - text.ptr) + 1;
    if (open[1] == '%') return false;
    if (open[1] != '{') continue;
    const char *close = memmem(open + 2, text.len - at - 1, "}}", 2);
    if (!close || !is_plain_output(str_slice(open + 2, close))) return false;
    at = (size_t)(close - text.ptr) + 2;
  }
  return true;
}

const struct part *template_parts(struct builder *b, struct str text, struct span span, uint32_t script, bool body, uint32_t *count) {
  if (!is_plain(text)) return liquid_parts(b, text, span, script, body, count);
  struct template t = { .s = b->s, .b = b, .text = text, .span = span };
  parse(&t);
  *count = t.parts.count;
  return t.parts.items;
}

void template_check(struct scope *s, struct message_decl *m, struct str text, struct span span) {
  if (!is_plain(text)) {
    liquid_check(s, m, text, span);
    return;
  }
  struct template t = { .s = s, .message = m, .text = text, .span = span };
  parse(&t);
}
