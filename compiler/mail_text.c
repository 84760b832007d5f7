/* A page as text, for programs that show no HTML: made from the template at compile time, and a template itself, so that it costs
 * at hand-over what any short template costs.
 *
 * Not for: reading the page (mail_page.c).
 *
 *   block elements  begin a line, paragraphs and headings have an empty line around them
 *   lists           "- " or "1. ", indented by depth
 *   tables          a line a row, cells two blanks apart; of one cell: as a block, because such a table is a layout
 *   links           "text [1]", with the addresses at the end; inside {% %} behind the text in < >, because whether a number is
 *                   needed there is not known before the mail is written
 *   images          their alt
 *
 * Invariants:
 * 1. Line ends are written just before the text that follows them, so that what stands between {% %} brings its own and leaves none
 *    behind when it is not there.
 * 2. What the page says as text never becomes markup: a {{ that comes of entities is written as text.
 * 3. What nobody sees (style, script, head, display:none) is not in it. */
#include <stdio.h>
#include <strings.h>

#include "mail_veil.h"

enum { LISTS_MAX = 16 };
struct writer {
  struct arena *a;
  const struct veil *v;
  struct buf b;
  int breaks;          /* line ends before the next text */
  bool blank;          /* a blank before it */
  bool begun;          /* something was written */
  bool pre;
  uint32_t inside;     /* open {% %} blocks */
  bool here;           /* addresses stand behind their links: the text is a part of another, whose numbers are not known */
  int lists[LISTS_MAX];/* 0: bullets, else the next number */
  uint32_t depth;      /* of lists */
  uint32_t quotes;
  VEC(struct str) notes;
};

static void need(struct writer *w, int breaks) {
  if (w->breaks < breaks) w->breaks = breaks;
}

static void lead(struct writer *w) {
  if (w->begun && w->breaks)
    for (int i = 0; i < w->breaks; i++) {
      buf_byte(&w->b, '\n');
      if (i + 1 < w->breaks && w->quotes) buf_byte(&w->b, '>');
    }
  if (!w->begun || w->breaks) {
    for (uint32_t i = 0; i < w->quotes; i++) buf_c(&w->b, "> ");
    for (uint32_t i = 1; i < w->depth; i++) buf_c(&w->b, "  ");
  } else if (w->blank) {
    buf_byte(&w->b, ' ');
  }
  w->begun = true;
  w->breaks = 0;
  w->blank = false;
}

static void put(struct writer *w, struct str s) {
  if (!s.len) return;
  lead(w);
  buf_str(&w->b, s);
}

/* Filters that make HTML of a value have no place in a text. */
static void put_output(struct writer *w, struct str mark) {
  static const char *const html[] = { "escape_once", "escape", "raw", "newline_to_br", "h" };
  lead(w);
  for (size_t at = 0; at < mark.len;) {
    size_t end = at, word;
    if (mark.ptr[at] == '|') {
      for (word = at + 1; word < mark.len && mark.ptr[word] == ' ';) word++;
      for (size_t i = 0; i < sizeof html / sizeof *html && end == at; i++) {
        size_t n = strlen(html[i]), behind = word + n;
        if (behind >= mark.len || memcmp(mark.ptr + word, html[i], n) != 0) continue;
        while (behind < mark.len && mark.ptr[behind] == ' ') behind++;
        if (mark.ptr[behind] == '|' || mark.ptr[behind] == '}' || mark.ptr[behind] == '-') end = behind;
      }
    }
    if (end > at) at = end;
    else buf_byte(&w->b, (uint8_t)mark.ptr[at++]);
  }
}

/* How many blocks a tag opens. */
static int opens(struct str mark) {
  static const char *const blocks[] = { "if", "unless", "for", "case", "capture", "tablerow" };
  size_t at = 2;
  while (at < mark.len && (mark.ptr[at] == ' ' || mark.ptr[at] == '-' || mark.ptr[at] == '\n')) at++;
  struct str rest = { mark.ptr + at, mark.len - at };
  if (str_starts(rest, STR("end"))) return -1;
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    size_t n = strlen(blocks[i]);
    if (rest.len > n && memcmp(rest.ptr, blocks[i], n) == 0 && (rest.ptr[n] == ' ' || rest.ptr[n] == '\n')) return 1;
  }
  return 0;
}

/* Blanks and line ends are the next text's, so the dashes that would take away some are left out. */
static void put_undashed(struct writer *w, struct str mark) {
  size_t from = mark.len > 4 && mark.ptr[2] == '-' ? 3 : 2, to = mark.len - 2;
  if (to > from && mark.ptr[to - 1] == '-') to--;
  buf_add(&w->b, mark.ptr, 2);
  buf_add(&w->b, mark.ptr + from, to - from);
  buf_add(&w->b, mark.ptr + mark.len - 2, 2);
}

/* Tags in whose place a text stands. */
static bool says_text(struct str mark) {
  static const char *const words[] = { "render", "include", "block" };
  size_t at = 2;
  while (at < mark.len && (mark.ptr[at] == ' ' || mark.ptr[at] == '-')) at++;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (str_starts((struct str){ mark.ptr + at, mark.len - at }, str_from_c(words[i]))) return true;
  return false;
}

static bool repeats(struct str mark) {
  size_t at = 2;
  while (at < mark.len && (mark.ptr[at] == ' ' || mark.ptr[at] == '-')) at++;
  struct str rest = { mark.ptr + at, mark.len - at };
  return str_starts(rest, STR("for")) || str_starts(rest, STR("tablerow"));
}

static void put_tag(struct writer *w, struct str mark) {
  int n = opens(mark);
  if (says_text(mark)) lead(w);
  /* An empty line before a loop stands before it once, not before each of its turns. */
  for (; n > 0 && repeats(mark) && w->begun && w->breaks > 1; w->breaks--) buf_byte(&w->b, '\n');
  if (n < 0 && !w->inside) n = 0;
  w->inside = n < 0 ? w->inside - 1 : w->inside + (uint32_t)n;
  put_undashed(w, mark);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

static void text(struct writer *w, const char *s) {
  for (const char *end = s + strlen(s); s < end;) {
    struct str mark;
    size_t bytes;
    if (veil_mark(w->v, s, end, &mark, &bytes)) {
      if (str_starts(mark, STR("{{"))) put_output(w, mark);
      else put_tag(w, mark);
      s += bytes;
    } else if (w->pre && *s == '\n') {
      need(w, w->breaks + 1);
      s++;
    } else if (!w->pre && is_blank(*s)) {
      w->blank = true;
      s++;
    } else if ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] == 0xa0) { /* &nbsp; */
      w->blank = true;
      s += 2;
    } else if ((unsigned char)s[0] == 0xe2 && (unsigned char)s[1] == 0x80 && ((unsigned char)s[2] & 0xfe) == 0x8c) { /* &zwnj; of preheaders */
      s += 3;
    } else if (s[0] == '{' && (s[1] == '{' || s[1] == '%')) {
      put(w, STR("{{ \"{\" }}"));
      s++;
    } else {
      lead(w);
      buf_byte(&w->b, (uint8_t)*s++);
    }
  }
}

static const char *attribute(const GumboElement *e, const char *name) {
  const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);
  return a ? a->value : NULL;
}

static bool is_hidden(const GumboElement *e) {
  switch (e->tag) {
    case GUMBO_TAG_HEAD: case GUMBO_TAG_STYLE: case GUMBO_TAG_SCRIPT: case GUMBO_TAG_TITLE: case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_OBJECT: case GUMBO_TAG_NOSCRIPT: case GUMBO_TAG_SVG: case GUMBO_TAG_SELECT: return true;
    default: break;
  }
  const char *style = attribute(e, "style");
  for (const char *at = style; at && (at = strcasestr(at, "display")); at++) {
    const char *value = at + 7;
    while (is_blank(*value) || *value == ':') value++;
    if (strncasecmp(value, "none", 4) == 0) return true;
  }
  return attribute(e, "hidden") != NULL;
}

static int space_around(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_P: case GUMBO_TAG_H1: case GUMBO_TAG_H2: case GUMBO_TAG_H3: case GUMBO_TAG_H4: case GUMBO_TAG_H5: case GUMBO_TAG_H6:
    case GUMBO_TAG_UL: case GUMBO_TAG_OL: case GUMBO_TAG_BLOCKQUOTE: case GUMBO_TAG_PRE: case GUMBO_TAG_HR: case GUMBO_TAG_DL: return 2;
    case GUMBO_TAG_DIV: case GUMBO_TAG_TABLE: case GUMBO_TAG_TR: case GUMBO_TAG_LI: case GUMBO_TAG_DT: case GUMBO_TAG_DD:
    case GUMBO_TAG_SECTION: case GUMBO_TAG_ARTICLE: case GUMBO_TAG_HEADER: case GUMBO_TAG_FOOTER: case GUMBO_TAG_CENTER:
    case GUMBO_TAG_FORM: case GUMBO_TAG_ADDRESS: case GUMBO_TAG_FIGURE: case GUMBO_TAG_FIGCAPTION: case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_THEAD: case GUMBO_TAG_TBODY: case GUMBO_TAG_TFOOT: return 1;
    default: return 0;
  }
}

static void node(struct writer *w, const GumboNode *n, int depth);

static void children(struct writer *w, const GumboElement *e, int depth) {
  for (unsigned i = 0; i < e->children.length; i++) node(w, e->children.data[i], depth + 1);
}

/* The text of a link and, unless it says the address itself, the number under which the address stands at the end. */
static void link_element(struct writer *w, const GumboElement *e, int depth) {
  const char *href = attribute(e, "href");
  size_t before = w->b.len;
  children(w, e, depth);
  struct str target = href ? veil_lift(w->v, w->a, href) : STR("");
  struct str said = { w->b.data + before, w->b.len - before };
  while (said.len && is_blank(said.ptr[0])) said.ptr++, said.len--;
  bool shown = said.len && (str_eq(said, target) || (str_starts(target, STR("mailto:")) && str_eq(said, (struct str){ target.ptr + 7, target.len - 7 })));
  if (!target.len || target.ptr[0] == '#' || shown || !said.len) return;
  if (w->inside || w->here) {
    buf_c(&w->b, " <");
    buf_str(&w->b, target);
    buf_byte(&w->b, '>');
    return;
  }
  uint32_t i = 0;
  while (i < w->notes.count && !str_eq(w->notes.items[i], target)) i++;
  if (i == w->notes.count) VEC_PUSH(w->a, &w->notes, target);
  buf_printf(&w->b, " [%u]", i + 1);
}

static void list_item(struct writer *w) {
  char number[16];
  int *next = w->depth && w->depth <= LISTS_MAX ? &w->lists[w->depth - 1] : NULL;
  if (!next || !*next) snprintf(number, sizeof number, "- ");
  else snprintf(number, sizeof number, "%d. ", (*next)++);
  put(w, str_from_c(number));
}

static bool is_first_cell(const GumboNode *n) {
  for (unsigned i = 0; n->parent && i < n->index_within_parent; i++) {
    const GumboNode *before = ((const GumboNode *)n->parent)->v.element.children.data[i];
    if (before->type == GUMBO_NODE_ELEMENT && (before->v.element.tag == GUMBO_TAG_TD || before->v.element.tag == GUMBO_TAG_TH)) return false;
  }
  return true;
}

static void element(struct writer *w, const GumboNode *n, int depth) {
  const GumboElement *e = &n->v.element;
  if (is_hidden(e)) return;
  bool list = e->tag == GUMBO_TAG_UL || e->tag == GUMBO_TAG_OL, quote = e->tag == GUMBO_TAG_BLOCKQUOTE, pre = e->tag == GUMBO_TAG_PRE, was = w->pre;
  int space = space_around(e->tag);
  if (list && w->depth) space = 1; /* a list in a list */
  need(w, space);
  if (list && w->depth++ < LISTS_MAX) w->lists[w->depth - 1] = e->tag == GUMBO_TAG_OL;
  w->quotes += quote;
  w->pre |= pre;
  switch (e->tag) {
    case GUMBO_TAG_BR: need(w, w->breaks + 1); break;
    case GUMBO_TAG_HR: put(w, STR("----")); break;
    case GUMBO_TAG_A: link_element(w, e, depth); break;
    case GUMBO_TAG_IMG:
      if (attribute(e, "alt")) text(w, attribute(e, "alt"));
      break;
    case GUMBO_TAG_TD: case GUMBO_TAG_TH:
      if (!is_first_cell(n) && w->begun && !w->breaks) buf_c(&w->b, "  "), w->blank = false;
      children(w, e, depth);
      break;
    case GUMBO_TAG_LI: list_item(w); children(w, e, depth); break;
    default: children(w, e, depth);
  }
  w->pre = was;
  w->quotes -= quote;
  w->depth -= list;
  need(w, e->tag == GUMBO_TAG_BR ? 0 : space);
}

static void node(struct writer *w, const GumboNode *n, int depth) {
  if (depth > PAGE_DEPTH_MAX) return;
  const char *at;
  switch (n->type) {
    case GUMBO_NODE_TEXT: case GUMBO_NODE_CDATA: case GUMBO_NODE_WHITESPACE: text(w, n->v.text.text); break;
    case GUMBO_NODE_COMMENT:
      at = n->v.text.original_text.data;
      if (at >= w->v->copy && at + 3 < w->v->copy + w->v->source.len) {
        struct str mark = { w->v->source.ptr + (at - w->v->copy), n->v.text.original_text.length };
        if (mark.len >= 4 && str_starts(mark, STR("{%"))) put_tag(w, mark);
      }
      break;
    case GUMBO_NODE_ELEMENT: element(w, n, depth); break;
    case GUMBO_NODE_DOCUMENT:
      for (unsigned i = 0; i < n->v.document.children.length; i++) node(w, n->v.document.children.data[i], depth + 1);
      break;
    case GUMBO_NODE_TEMPLATE: break;
  }
}

struct str page_text(struct arena *a, const struct veil *v, const GumboNode *root, bool notes) {
  struct writer w = { .a = a, .v = v, .here = !notes, .begun = !notes };
  buf_init(&w.b, SIZE_MAX / 2);
  node(&w, root, 0);
  w.quotes = w.depth = 0;
  if (w.notes.count) buf_byte(&w.b, '\n');
  for (uint32_t i = 0; i < w.notes.count; i++) {
    buf_printf(&w.b, "\n[%u] ", i + 1);
    buf_str(&w.b, w.notes.items[i]);
  }
  if (w.b.len && notes) buf_byte(&w.b, '\n');
  struct str out = arena_str(a, buf_as_str(&w.b));
  buf_deinit(&w.b);
  return out;
}
