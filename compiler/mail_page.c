/* A message's HTML body, read with gumbo, which tells where in the source each thing stands.
 *
 * Not for: what becomes of links and images (mail_body.c), Liquid itself (liquid_parse.c), the text (mail_text.c).
 *
 * Gumbo knows nothing of {{ }} and {% %}, so it reads a copy of the same length in which they are veiled: {% %} between tags as a comment,
 * because a comment may stand anywhere, also between the rows of a table, and `tablerow` with the row that it prints; any other as one
 * character of a private plane and a filling, which is found again in what gumbo gives.
 *
 * Invariants:
 * 1. The copy has the source's length, so a place in one is a place in the other.
 * 2. All of gumbo's memory is the arena's: its own release recurses as deep as the page is nested.
 * 3. Nothing here recurses deeper than PAGE_DEPTH_MAX; what is nested deeper is passed over. */
#include "mail_page.h"

#include <gumbo.h>

#include "mail_veil.h"
#include "vm/base/utf8.h"

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* --- the veil -------------------------------------------------------------------------------------------------------- */

/* Behind the markup that begins at `at`, with all that belongs to `raw` and `comment`. */
static size_t markup_end(struct str s, size_t at) {
  bool tag = s.ptr[at + 1] == '%';
  const char *end = memmem(s.ptr + at + 2, s.len - at - 2, tag ? "%}" : "}}", 2);
  if (!end) return s.len;
  size_t to = (size_t)(end + 2 - s.ptr);
  if (!tag) return to;
  static const char *const whole[] = { "raw", "comment", "doc" };
  size_t from = at + 2;
  while (from < to && (is_blank(s.ptr[from]) || s.ptr[from] == '-')) from++;
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
    size_t n = strlen(whole[i]);
    if (to - from < n || memcmp(s.ptr + from, whole[i], n) != 0 || !(is_blank(s.ptr[from + n]) || memchr("-%", s.ptr[from + n], 2))) continue;
    for (size_t k = to; k + 2 < s.len; k++) {
      if (s.ptr[k] != '{' || s.ptr[k + 1] != '%') continue;
      size_t word = k + 2;
      while (word < s.len && (is_blank(s.ptr[word]) || s.ptr[word] == '-')) word++;
      if (s.len - word < n + 3 || memcmp(s.ptr + word, "end", 3) != 0 || memcmp(s.ptr + word + 3, whole[i], n) != 0) continue;
      const char *close = memmem(s.ptr + word, s.len - word, "%}", 2);
      return close ? (size_t)(close + 2 - s.ptr) : s.len;
    }
  }
  return to;
}

/* Where the copy is: which way a markup is to be veiled. */
enum context { IN_TEXT, IN_TAG, IN_DOUBLE, IN_SINGLE, IN_COMMENT, IN_STYLE };

static enum context next_context(struct str s, size_t at, enum context now, const char **until) {
  char c = s.ptr[at];
  struct str rest = { s.ptr + at, s.len - at };
  switch (now) {
    case IN_TEXT:
      if (str_starts(rest, STR("<!--"))) return IN_COMMENT;
      if (c != '<' || rest.len < 2) return IN_TEXT;
      if (rest.len > 6 && strncasecmp(rest.ptr, "<style", 6) == 0) *until = "</style";
      if (rest.len > 7 && strncasecmp(rest.ptr, "<script", 7) == 0) *until = "</script";
      if (rest.len > 6 && strncasecmp(rest.ptr, "<title", 6) == 0) *until = "</title";
      return rest.ptr[1] == '/' || rest.ptr[1] == '!' || (rest.ptr[1] | 32) >= 'a' ? IN_TAG : IN_TEXT;
    case IN_TAG: return c == '"' ? IN_DOUBLE : c == '\'' ? IN_SINGLE : c == '>' ? (*until ? IN_STYLE : IN_TEXT) : IN_TAG;
    case IN_DOUBLE: return c == '"' ? IN_TAG : IN_DOUBLE;
    case IN_SINGLE: return c == '\'' ? IN_TAG : IN_SINGLE;
    case IN_COMMENT: return c == '>' && at >= 2 && s.ptr[at - 1] == '-' && s.ptr[at - 2] == '-' ? IN_TEXT : IN_COMMENT;
    case IN_STYLE: break;
  }
  size_t n = strlen(*until);
  if (rest.len < n || strncasecmp(rest.ptr, *until, n) != 0) return IN_STYLE;
  *until = NULL;
  return IN_TAG;
}

static bool word_at(struct str s, size_t at, size_t to, const char *word) {
  size_t n = strlen(word);
  for (at += 2; at < to && (is_blank(s.ptr[at]) || s.ptr[at] == '-');) at++;
  return to - at > n && memcmp(s.ptr + at, word, n) == 0 && (is_blank(s.ptr[at + n]) || memchr("-%", s.ptr[at + n], 2));
}

static void veil_comment(struct veil *v, size_t from, size_t to) {
  const char *before = word_at(v->source, from, to, "tablerow") ? "<tr><td>" : "", *behind = word_at(v->source, from, to, "endtablerow") ? "</tr>" : "";
  char *copy = v->copy + from;
  size_t n = to - from, b = strlen(before), e = strlen(behind);
  memset(copy, n < 7 + b + e ? ' ' : 'x', n);
  if (n < 7 + b + e) return;
  memcpy(copy, before, b), memcpy(copy + b, "<!--", 4);
  memcpy(copy + n - 3 - e, "-->", 3), memcpy(copy + n - e, behind, e);
}

static void veil_one(struct veil *v, struct arena *a, size_t from, size_t to, enum context context) {
  char *copy = v->copy + from;
  size_t n = to - from;
  if (v->source.ptr[from + 1] == '%' && context == IN_TEXT) {
    veil_comment(v, from, to);
  } else {
    memset(copy, 'x', n);
    if (v->marks.count < VEIL_MARKS_MAX && n >= 4) (void)utf8_encode(VEIL_POINT + v->marks.count, copy);
  }
  VEC_PUSH(a, &v->marks, ((struct str){ v->source.ptr + from, n }));
}

static void veil_make(struct arena *a, struct str source, struct veil *v) {
  *v = (struct veil){ .source = source, .copy = arena_alloc(a, source.len + 1) };
  memcpy(v->copy, source.ptr, source.len);
  v->copy[source.len] = 0;
  enum context context = IN_TEXT;
  const char *until = NULL;
  for (size_t at = 0; at < source.len;) {
    bool markup = source.ptr[at] == '{' && at + 1 < source.len && (source.ptr[at + 1] == '{' || source.ptr[at + 1] == '%');
    if (markup) {
      size_t to = markup_end(source, at);
      veil_one(v, a, at, to, context);
      at = to;
    } else {
      context = next_context(source, at, context, &until);
      at++;
    }
  }
}

bool veil_mark(const struct veil *v, const char *at, const char *end, struct str *mark, size_t *bytes) {
  uint32_t point;
  size_t n = utf8_decode(str_slice(at, end), &point);
  if (n != 4 || point < VEIL_POINT || point - VEIL_POINT >= v->marks.count) return false;
  *mark = v->marks.items[point - VEIL_POINT];
  *bytes = mark->len < (size_t)(end - at) ? mark->len : (size_t)(end - at);
  return true;
}

bool veil_mark_around(const struct veil *v, size_t at, struct str *mark) {
  uint32_t low = 0, high = v->marks.count;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    *mark = v->marks.items[mid];
    size_t from = (size_t)(mark->ptr - v->source.ptr);
    if (at < from) high = mid;
    else if (at >= from + mark->len) low = mid + 1;
    else return true;
  }
  return false;
}

struct str veil_lift(const struct veil *v, struct arena *a, const char *text) {
  size_t n = strlen(text);
  struct buf b;
  buf_init(&b, SIZE_MAX / 2);
  for (const char *at = text, *end = text + n; at < end;) {
    struct str mark;
    size_t bytes;
    if (veil_mark(v, at, end, &mark, &bytes)) buf_str(&b, mark), at += bytes;
    else buf_byte(&b, (uint8_t)*at++);
  }
  struct str out = arena_str(a, buf_as_str(&b));
  buf_deinit(&b);
  return out;
}

/* --- links and images ------------------------------------------------------------------------------------------------ */

struct walker { struct arena *a; const struct veil *v; struct mail_page *page; };

static bool value_of(const struct walker *w, const GumboAttribute *at, size_t *from, size_t *to) {
  const char *data = at->original_value.data;
  size_t n = at->original_value.length;
  if (!n || data < w->v->copy || data + n > w->v->copy + w->v->source.len) return false;
  size_t quote = (*data == '"' || *data == '\'') && n >= 2 && data[n - 1] == *data;
  *from = (size_t)(data - w->v->copy) + quote;
  *to = *from + n - 2 * quote;
  return true;
}

static bool has_scheme(struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] == ':') return i > 0;
    if (memchr("/?#{", s.ptr[i], 4)) return false;
  }
  return false;
}

static enum link_kind kind_of(struct str t) {
  size_t scheme = t.len > 7 && strncasecmp(t.ptr, "http://", 7) == 0 ? 7 : t.len > 8 && strncasecmp(t.ptr, "https://", 8) == 0 ? 8 : 0;
  if (!t.len || t.ptr[0] == '#') return LINK_OTHER;
  if (str_starts(t, STR("{{")) || str_starts(t, STR("{%"))) return LINK_UNKNOWN;
  if (!scheme) return has_scheme(t) ? LINK_OTHER : LINK_RELATIVE;
  const char *field = memmem(t.ptr, t.len, "{{", 2), *tag = memmem(t.ptr, t.len, "{%", 2);
  if (tag && (!field || tag < field)) field = tag;
  size_t host = scheme;
  while (host < t.len && !memchr("/?#\\", t.ptr[host], 4) && t.ptr + host != field) host++;
  if (!field) return LINK_PLAIN;
  return t.ptr + host == field ? LINK_HOST : LINK_FIELDS;
}

static struct str trimmed(struct str s) {
  while (s.len && is_blank(s.ptr[0])) s.ptr++, s.len--;
  while (s.len && is_blank(s.ptr[s.len - 1])) s.len--;
  return s;
}

static void note_link(struct walker *w, const GumboElement *e) {
  const GumboAttribute *href = gumbo_get_attribute(&e->attributes, "href"), *off = gumbo_get_attribute(&e->attributes, "clicktracking");
  struct mail_link link = { .untracked = off && strcasecmp(off->value, "off") == 0 };
  if (!href || !value_of(w, href, &link.from, &link.to)) return;
  link.target = trimmed(veil_lift(w->v, w->a, href->value));
  link.kind = (uint8_t)kind_of(link.target);
  VEC_PUSH(w->a, &w->page->links, link);
}

static void note_image(struct walker *w, const GumboElement *e) {
  const GumboAttribute *src = gumbo_get_attribute(&e->attributes, "src");
  struct mail_image image = { .described = gumbo_get_attribute(&e->attributes, "alt") != NULL };
  if (!src || !value_of(w, src, &image.from, &image.to)) return;
  image.path = trimmed(veil_lift(w->v, w->a, src->value));
  image.remote = kind_of(image.path) != LINK_RELATIVE || str_starts(image.path, STR("//")) || memmem(image.path.ptr, image.path.len, "{{", 2) ||
                 memmem(image.path.ptr, image.path.len, "{%", 2);
  VEC_PUSH(w->a, &w->page->images, image);
}

static bool is_path(struct str s) {
  s = trimmed(s);
  return s.len && kind_of(s) == LINK_RELATIVE && !str_starts(s, STR("//")) && s.ptr[0] != '{';
}

/* Pictures that are named elsewhere than in <img src>. */
static void note_backgrounds(struct walker *w, const GumboElement *e) {
  for (unsigned i = 0; i < e->attributes.length; i++) {
    const GumboAttribute *a = e->attributes.data[i];
    struct str value = veil_lift(w->v, w->a, a->value);
    struct mail_link link = { .kind = LINK_PICTURE };
    const char *url = value.len ? memmem(value.ptr, value.len, "url(", 4) : NULL, *close = url ? memchr(url, ')', (size_t)(value.ptr + value.len - url)) : NULL;
    bool named = (strcasecmp(a->name, "background") == 0 || strcasecmp(a->name, "srcset") == 0) && is_path(value);
    if (strcasecmp(a->name, "style") == 0 && close) {
      for (url += 4; url < close && memchr("'\" ", *url, 3);) url++;
      named = is_path(str_slice(url, close));
    }
    if (named && value_of(w, a, &link.from, &link.to)) VEC_PUSH(w->a, &w->page->links, link);
  }
}

static size_t behind(const struct walker *w, const GumboStringPiece *tag) {
  return (size_t)(tag->data + tag->length - w->v->copy);
}

/* A page that says no <body> has one nevertheless, behind these. */
static void note_beginning(struct walker *w, const GumboElement *e) {
  const GumboStringPiece *tag = e->tag == GUMBO_TAG_HEAD ? &e->original_end_tag : &e->original_tag;
  if ((e->tag != GUMBO_TAG_HEAD && e->tag != GUMBO_TAG_HTML) || !tag->length || w->page->body) return;
  if (behind(w, tag) > w->page->body_from) w->page->body_from = behind(w, tag);
}

static void walk(struct walker *w, const GumboNode *n, int depth) {
  if (depth > PAGE_DEPTH_MAX || (n->type != GUMBO_NODE_ELEMENT && n->type != GUMBO_NODE_TEMPLATE)) return;
  const GumboElement *e = &n->v.element;
  if (e->tag == GUMBO_TAG_A || e->tag == GUMBO_TAG_AREA) note_link(w, e);
  if (e->tag == GUMBO_TAG_IMG) note_image(w, e);
  note_beginning(w, e);
  note_backgrounds(w, e);
  if (e->tag == GUMBO_TAG_BODY) {
    const char *copy = w->v->copy;
    if (e->original_tag.length) w->page->body_from = behind(w, &e->original_tag), w->page->body = true;
    if (e->original_end_tag.length) w->page->body_to = (size_t)(e->original_end_tag.data - copy);
  }
  for (unsigned i = 0; i < e->children.length; i++) walk(w, e->children.data[i], depth + 1);
}

/* In the order of the source: a tree may have moved what stood in the wrong place. */
static void sort_links(struct mail_page *p) {
  for (uint32_t i = 1; i < p->links.count; i++)
    for (uint32_t k = i; k && p->links.items[k].from < p->links.items[k - 1].from; k--) {
      struct mail_link other = p->links.items[k];
      p->links.items[k] = p->links.items[k - 1];
      p->links.items[k - 1] = other;
    }
}

static void *take(void *arena, size_t bytes) { return arena_alloc(arena, bytes ? bytes : 1); }
static void give(void *arena, void *bytes) { (void)arena, (void)bytes; }

/* Behind blanks and {% %}; outputs: and {{ }}. */
static size_t first_character(struct str s, bool outputs) {
  size_t i = 0;
  for (;;) {
    while (i < s.len && is_blank(s.ptr[i])) i++;
    if (i + 2 > s.len || s.ptr[i] != '{' || (s.ptr[i + 1] != '%' && !(outputs && s.ptr[i + 1] == '{'))) return i;
    i = markup_end(s, i);
  }
}

bool mail_is_page(struct str s) {
  size_t i = first_character(s, false);
  return i < s.len && s.ptr[i] == '<';
}

/* --- trees ----------------------------------------------------------------------------------------------------------- */

/* What a part of a page stands in: rows and cells mean nothing to a reader of HTML that has seen no table. */
static GumboTag context_of(struct str s) {
  static const struct { const char *tag; GumboTag in; } parts[] = { { "<td", GUMBO_TAG_TR }, { "<th", GUMBO_TAG_TR }, { "<tr", GUMBO_TAG_TBODY },
    { "<tbody", GUMBO_TAG_TABLE }, { "<thead", GUMBO_TAG_TABLE }, { "<tfoot", GUMBO_TAG_TABLE } };
  size_t at = first_character(s, true);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    size_t n = strlen(parts[i].tag);
    if (s.len - at > n && strncasecmp(s.ptr + at, parts[i].tag, n) == 0 && (is_blank(s.ptr[at + n]) || s.ptr[at + n] == '>')) return parts[i].in;
  }
  return GUMBO_TAG_LAST;
}

static const GumboOutput *tree_of(struct arena *a, struct str source, GumboTag context, struct veil *veil) {
  veil_make(a, source, veil);
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = take;
  options.deallocator = give;
  options.userdata = a;
  options.max_errors = 0;
  options.fragment_context = context;
  return gumbo_parse_with_options(&options, veil->copy, source.len);
}

/* A page that stands in a layout is parts, each for another place of it: where the next block begins or ends. */
static size_t part_end(struct str s, size_t from) {
  for (size_t at = from, to; at + 1 < s.len; at = to) {
    to = at + 1;
    if (s.ptr[at] != '{' || (s.ptr[at + 1] != '%' && s.ptr[at + 1] != '{')) continue;
    to = markup_end(s, at);
    if (s.ptr[at + 1] == '%' && (word_at(s, at, to, "block") || word_at(s, at, to, "endblock"))) return at;
  }
  return s.len;
}

static bool is_in_layout(struct str s) {
  size_t at = 0;
  while (at < s.len && is_blank(s.ptr[at])) at++;
  return at + 2 < s.len && s.ptr[at] == '{' && s.ptr[at + 1] == '%' && word_at(s, at, markup_end(s, at), "layout");
}

static struct str text_of(struct arena *a, struct arena *scratch, struct str source, bool *cut) {
  struct buf b;
  struct veil veil;
  bool parts = is_in_layout(source);
  buf_init(&b, SIZE_MAX / 2);
  for (size_t from = 0, to; from < source.len; from = to) {
    to = parts ? part_end(source, from) : source.len;
    struct str part = { source.ptr + from, to - from };
    if (part.len && !page_text(scratch, &veil, tree_of(scratch, part, context_of(part), &veil)->document, &b)) *cut = true;
    if (to == source.len) break;
    from = to, to = markup_end(source, from);
    buf_add(&b, source.ptr + from, to - from);
  }
  struct str text = arena_str(a, buf_as_str(&b));
  buf_deinit(&b);
  return text;
}

void mail_page_read(struct arena *a, struct str source, struct mail_page *out) {
  *out = (struct mail_page){ .source = source, .body_to = source.len };
  struct arena scratch;
  struct veil veil;
  arena_init(&scratch, 256 << 10);
  struct walker w = { a, &veil, out };
  const GumboOutput *tree = tree_of(&scratch, source, GUMBO_TAG_LAST, &veil);
  const char *doctype = tree->document->v.document.has_doctype ? strcasestr(veil.copy, "<!doctype") : NULL, *close = doctype ? strchr(doctype, '>') : NULL;
  if (close) out->body_from = (size_t)(close + 1 - veil.copy);
  out->in_layout = is_in_layout(source);
  walk(&w, tree->root, 0);
  sort_links(out);
  out->text = text_of(a, &scratch, source, &out->text_cut);
  arena_deinit(&scratch);
}
