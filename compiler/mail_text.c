/* A page as text, for programs that show no HTML: made from the template at compile time, and a template itself, so that it costs
 * at hand-over what any short template costs.
 *
 * Not for: reading the page (mail_page.c), blanks and line ends: what is written here are marks (vm/text_marks.h), from which
 * runtime/send/plain_text.c makes them when it is known what stands beside what.
 *
 *   block elements  begin a line, paragraphs and headings have an empty line around them
 *   lists           "- " or "1. ", indented by depth
 *   tables          a line a row, cells two blanks apart
 *   links           "text [1]", with the addresses at the end
 *   images          their alt
 *
 * Invariants:
 * 1. Every {% %} of the page is in the text, in the page's order, so that blocks end where they began. Those of a part that nobody sees
 *    print into nothing.
 * 2. What the page says as text never becomes markup: a {{ that comes of entities is written as text.
 * 3. What nobody sees (style, script, title, display:none) is not in it.
 * 4. A mark says what its element is, never what stands beside it: that may be another's. */
#include <stdio.h>
#include <strings.h>

#include "mail_veil.h"
#include "vm/text_marks.h"

struct writer {
  struct arena *a;
  const struct veil *v;
  struct buf *b;
  bool pre;
  uint32_t lists;      /* around this place */
  uint32_t unseen;     /* elements that nobody sees, around this place */
  bool kept;           /* their {% %} are being captured */
  bool whole;          /* nothing was passed over because it is nested too deep */
};

static void mark(struct writer *w, enum text_mark m) {
  if (!w->unseen) buf_byte(w->b, (uint8_t)m);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

static bool ends_blank(const struct writer *w) {
  return !w->b->len || (unsigned char)w->b->data[w->b->len - 1] <= ' ';
}

/* --- markup of Liquid ------------------------------------------------------------------------------------------------ */

static struct str word_of(struct str m) {
  size_t at = 2, to;
  while (at < m.len && (is_blank(m.ptr[at]) || m.ptr[at] == '-')) at++;
  for (to = at; to < m.len && ((m.ptr[to] >= 'a' && m.ptr[to] <= 'z') || m.ptr[to] == '_');) to++;
  return (struct str){ m.ptr + at, to - at };
}

/* Filters that make HTML of a value have no place in a text. */
static void put_output(struct writer *w, struct str m) {
  static const char *const html[] = { "escape_once", "escape", "raw", "newline_to_br", "h" };
  for (size_t at = 0; at < m.len;) {
    size_t end = at, word;
    if (m.ptr[at] == '|') {
      for (word = at + 1; word < m.len && is_blank(m.ptr[word]);) word++;
      for (size_t i = 0; i < sizeof html / sizeof *html && end == at; i++) {
        size_t n = strlen(html[i]), behind = word + n;
        if (behind >= m.len || memcmp(m.ptr + word, html[i], n) != 0) continue;
        while (behind < m.len && is_blank(m.ptr[behind])) behind++;
        if (m.ptr[behind] == '|' || m.ptr[behind] == '}' || m.ptr[behind] == '-') end = behind;
      }
    }
    if (end > at) at = end;
    else buf_byte(w->b, (uint8_t)m.ptr[at++]);
  }
}

/* `tablerow` prints rows and cells of HTML; in a text it is a loop, a line a turn. */
static void put_rows(struct writer *w, struct str m, struct str word) {
  const char *cols = memmem(m.ptr, m.len, "cols:", 5), *end = m.ptr + m.len, *from = word.ptr + word.len;
  buf_c(w->b, "{% for");
  if (cols) {
    buf_add(w->b, from, (size_t)(cols - from));
    for (from = cols + 5; from < end && is_blank(*from);) from++;
    while (from < end && !is_blank(*from) && !memchr(",%-", *from, 3)) from++;
  }
  buf_add(w->b, from, (size_t)(end - from));
  mark(w, MARK_LINE);
}

static void put_tag(struct writer *w, struct str m) {
  struct str word = word_of(m);
  if (w->unseen && !w->kept) buf_c(w->b, "{% capture camp_unseen %}"), w->kept = true;
  if (str_is(word, "tablerow")) put_rows(w, m, word);
  else if (str_is(word, "endtablerow")) buf_c(w->b, "{% endfor %}");
  else buf_str(w->b, m);
}

/* --- words ----------------------------------------------------------------------------------------------------------- */

static void blank(struct writer *w) {
  if (w->b->len && w->b->data[w->b->len - 1] == MARK_BLANK) return;
  mark(w, MARK_BLANK);
}

/* Blanks that show nothing: joiners before or behind a blank fill up what inboxes show beside the subject, those between letters are
 * Persian, or an emoji's. */
static size_t filling(const struct writer *w, const char *s) {
  static const struct { const char *bytes; bool always; } kinds[] = { { "\xe2\x80\x8b", true }, { "\xef\xbb\xbf", true }, { "\xe2\x80\x8c", false },
    { "\xe2\x80\x8d", false }, { "\xcd\x8f", false } };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    size_t n = strlen(kinds[i].bytes);
    if (strncmp(s, kinds[i].bytes, n) != 0) continue;
    bool behind = !s[n] || is_blank(s[n]) || strncmp(s + n, "\xc2\xa0", 2) == 0;
    return kinds[i].always || behind || ends_blank(w) ? n : 0;
  }
  return strncmp(s, "\xc2\xad", 2) == 0 ? 2 : 0; /* where a word may be parted */
}

static void text(struct writer *w, const char *s) {
  for (const char *end = s + strlen(s); s < end;) {
    struct str m;
    size_t bytes;
    if (veil_mark(w->v, s, end, &m, &bytes)) {
      if (!str_starts(m, STR("{{"))) put_tag(w, m);
      else if (!w->unseen) put_output(w, m);
      s += bytes;
    } else if (w->unseen) {
      s++;
    } else if (w->pre && is_blank(*s)) {
      if (*s == '\n') mark(w, MARK_BREAK);
      else if (*s == '\t') buf_c(w->b, "    ");
      else if (*s != '\r') buf_byte(w->b, ' ');
      s++;
    } else if (is_blank(*s)) {
      blank(w);
      s++;
    } else if (strncmp(s, "\xc2\xa0", 2) == 0) { /* &nbsp; */
      blank(w);
      s += 2;
    } else if ((bytes = filling(w, s))) {
      s += bytes;
    } else if (s[0] == '{' && (s[1] == '{' || s[1] == '%')) {
      buf_c(w->b, "{{ \"{\" }}");
      s++;
    } else {
      if ((unsigned char)*s > ' ') buf_byte(w->b, (uint8_t)*s);
      s++;
    }
  }
}

/* --- elements -------------------------------------------------------------------------------------------------------- */

static const char *attribute(const GumboElement *e, const char *name) {
  const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);
  return a ? a->value : NULL;
}

static bool style_says(const char *style, const char *property, const char *word) {
  for (const char *at = style; at && (at = strcasestr(at, property)); at++) {
    const char *value = at + strlen(property);
    while (is_blank(*value) || *value == ':') value++;
    if (value > at + strlen(property) && strncasecmp(value, word, strlen(word)) == 0) return true;
  }
  return false;
}

static bool is_hidden(const GumboElement *e) {
  switch (e->tag) {
    case GUMBO_TAG_STYLE: case GUMBO_TAG_SCRIPT: case GUMBO_TAG_TITLE: case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_OBJECT: case GUMBO_TAG_NOSCRIPT: case GUMBO_TAG_SVG: case GUMBO_TAG_SELECT: return true;
    default: break;
  }
  const char *style = attribute(e, "style");
  return style_says(style, "display", "none") || style_says(style, "visibility", "hidden") || attribute(e, "hidden") != NULL;
}

/* MARK_PARAGRAPH, MARK_LINE, or 0: what an element begins and ends with. */
static int space_around(const GumboElement *e) {
  switch (e->tag) {
    case GUMBO_TAG_P: case GUMBO_TAG_H1: case GUMBO_TAG_H2: case GUMBO_TAG_H3: case GUMBO_TAG_H4: case GUMBO_TAG_H5: case GUMBO_TAG_H6:
    case GUMBO_TAG_UL: case GUMBO_TAG_OL: case GUMBO_TAG_BLOCKQUOTE: case GUMBO_TAG_PRE: case GUMBO_TAG_HR: case GUMBO_TAG_DL:
    case GUMBO_TAG_FIGURE: return MARK_PARAGRAPH;
    case GUMBO_TAG_DIV: case GUMBO_TAG_TABLE: case GUMBO_TAG_TR: case GUMBO_TAG_LI: case GUMBO_TAG_DT: case GUMBO_TAG_DD:
    case GUMBO_TAG_SECTION: case GUMBO_TAG_ARTICLE: case GUMBO_TAG_HEADER: case GUMBO_TAG_FOOTER: case GUMBO_TAG_CENTER:
    case GUMBO_TAG_FORM: case GUMBO_TAG_ADDRESS: case GUMBO_TAG_FIGCAPTION: case GUMBO_TAG_CAPTION: case GUMBO_TAG_MAIN:
    case GUMBO_TAG_NAV: case GUMBO_TAG_ASIDE: case GUMBO_TAG_HGROUP: case GUMBO_TAG_DETAILS: case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_FIELDSET: case GUMBO_TAG_LEGEND: case GUMBO_TAG_MENU: case GUMBO_TAG_DIR:
    case GUMBO_TAG_THEAD: case GUMBO_TAG_TBODY: case GUMBO_TAG_TFOOT: return MARK_LINE;
    default: return style_says(attribute(e, "style"), "display", "block") ? MARK_LINE : 0;
  }
}

static void node(struct writer *w, const GumboNode *n, int depth);

static void children(struct writer *w, const GumboElement *e, int depth) {
  for (unsigned i = 0; i < e->children.length; i++) node(w, e->children.data[i], depth + 1);
}

static void link_element(struct writer *w, const GumboElement *e, int depth) {
  const char *href = attribute(e, "href");
  while (href && is_blank(*href)) href++;
  if (!href || !*href || *href == '#' || w->unseen) {
    children(w, e, depth);
    return;
  }
  mark(w, MARK_LINK);
  children(w, e, depth);
  mark(w, MARK_TARGET);
  buf_str(w->b, veil_lift(w->v, w->a, href));
  mark(w, MARK_LINK_END);
}

static void inside(struct writer *w, const GumboElement *e, int depth) {
  switch (e->tag) {
    case GUMBO_TAG_BR: mark(w, MARK_BREAK); break;
    case GUMBO_TAG_HR: buf_c(w->b, w->unseen ? "" : "----"); break;
    case GUMBO_TAG_A: link_element(w, e, depth); break;
    case GUMBO_TAG_IMG:
      if (attribute(e, "alt")) text(w, attribute(e, "alt"));
      break;
    case GUMBO_TAG_TD: case GUMBO_TAG_TH: mark(w, MARK_CELL); children(w, e, depth); break;
    case GUMBO_TAG_LI: mark(w, MARK_ITEM); children(w, e, depth); break;
    case GUMBO_TAG_UL: case GUMBO_TAG_OL:
      mark(w, e->tag == GUMBO_TAG_OL ? MARK_NUMBERS : MARK_BULLETS);
      children(w, e, depth);
      mark(w, MARK_LIST_END);
      break;
    case GUMBO_TAG_BLOCKQUOTE:
      mark(w, MARK_QUOTE);
      children(w, e, depth);
      mark(w, MARK_QUOTE_END);
      break;
    default: children(w, e, depth);
  }
}

static void element(struct writer *w, const GumboNode *n, int depth) {
  const GumboElement *e = &n->v.element;
  bool pre = w->pre, hidden = is_hidden(e);
  bool list = e->tag == GUMBO_TAG_UL || e->tag == GUMBO_TAG_OL;
  int space = list && w->lists ? MARK_LINE : space_around(e); /* a list in a list */
  w->lists += list;
  if (space) mark(w, (enum text_mark)space);
  w->unseen += hidden;
  w->pre |= e->tag == GUMBO_TAG_PRE || e->tag == GUMBO_TAG_TEXTAREA;
  inside(w, e, depth);
  w->pre = pre;
  w->unseen -= hidden;
  w->lists -= list;
  if (!w->unseen && w->kept) buf_c(w->b, "{% endcapture %}"), w->kept = false;
  if (space) mark(w, (enum text_mark)space);
}

/* Whether each block of Liquid that begins in a note ends in it: else the note is around something, as {% if %} and {% endif %} may be. */
static bool is_whole(const struct writer *w, const char *s) {
  static const char *const blocks[] = { "if", "unless", "for", "case", "capture", "tablerow", "block" };
  int open = 0;
  for (const char *end = s + strlen(s); s < end;) {
    struct str m;
    size_t bytes;
    if (!veil_mark(w->v, s, end, &m, &bytes)) {
      s++;
      continue;
    }
    struct str word = str_starts(m, STR("{%")) ? word_of(m) : STR("");
    s += bytes;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) open += str_is(word, blocks[i]);
    if (str_starts(word, STR("end")) && --open < 0) return false;
  }
  return open == 0;
}

/* A veiled {% %}, or a note of the page's own, in which there may be some. */
static void comment(struct writer *w, const GumboNode *n) {
  const char *at = n->v.text.original_text.data;
  struct str tag;
  if (at >= w->v->copy && at < w->v->copy + w->v->source.len && veil_mark_around(w->v, (size_t)(at - w->v->copy), &tag)) {
    put_tag(w, tag);
    return;
  }
  bool whole = is_whole(w, n->v.text.text);
  w->unseen++;
  w->kept |= !whole;
  text(w, n->v.text.text);
  w->unseen--;
  if (!w->unseen && w->kept && whole) buf_c(w->b, "{% endcapture %}");
  if (!w->unseen) w->kept = false;
}

static void node(struct writer *w, const GumboNode *n, int depth) {
  if (depth > PAGE_DEPTH_MAX) {
    w->whole = false;
    return;
  }
  switch (n->type) {
    case GUMBO_NODE_TEXT: case GUMBO_NODE_CDATA: case GUMBO_NODE_WHITESPACE: text(w, n->v.text.text); break;
    case GUMBO_NODE_COMMENT: comment(w, n); break;
    case GUMBO_NODE_ELEMENT: element(w, n, depth); break;
    case GUMBO_NODE_DOCUMENT:
      for (unsigned i = 0; i < n->v.document.children.length; i++) node(w, n->v.document.children.data[i], depth + 1);
      break;
    case GUMBO_NODE_TEMPLATE: break;
  }
}

bool page_text(struct arena *a, const struct veil *v, const GumboNode *root, struct buf *out) {
  struct writer w = { .a = a, .v = v, .b = out, .whole = true };
  node(&w, root, 0);
  return w.whole;
}
