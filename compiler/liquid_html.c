/* What the HTML of a message lacks: elements that nothing closes or that close across each other, images by plain http, and marks
 * of other tools that Camp does not fill in.
 *
 * A text is read as it stands, tags of Liquid and all. Snippets are read where they are rendered or included, and a layout and
 * each block by themselves. Between `{% if %}`, `{% else %}`, `{% for %}` … and their ends, a stretch either leaves the open
 * elements as it found them, or nothing more is said of this text: `{% if sale %}<b>{% endif %}` is nobody's mistake.
 * Elements whose end HTML lets one leave out (`p`, `li`, `td` …) are never asked for it.
 *
 * Not here: what mail programs make of it.
 *
 *   1. One mistake of each kind a text: what follows from it is not told.
 *   2. What is inside comments, `style`, `script`, `title` and `textarea` is not HTML, and so are conditional comments for Outlook. */
#include <stddef.h>
#include <stdio.h>
#include <strings.h>

#include "liquid_internal.h"
#include "liquid_message.h"

enum { OPEN_MAX = 256, FRAMES_MAX = 128, NAME_MAX_BYTES = 16 };
enum state { IN_TEXT, IN_TAG, IN_DOUBLE, IN_SINGLE, IN_COMMENT, IN_RAW };
struct open { char name[NAME_MAX_BYTES]; const char *at; struct str in; uint32_t source; };
struct stretch { uint32_t depth, low; enum state state; };
struct html {
  struct scope *s;
  struct message_decl *m;
  struct str text;           /* the message's own, and where it stands */
  struct span span;
  bool html;                 /* not only looked through for marks */
  uint32_t count, low;       /* of open[]; low: the fewest open since the frame began */
  uint32_t frame_count;
  enum state state;
  char tag[NAME_MAX_BYTES];  /* being read; closing: it began with </ */
  bool closing, empty;
  const char *tag_at, *comment_at;
  bool given_up, told, told_image, told_mark;
  struct str in;             /* the text in hand, when it is a file's */
  uint32_t source, depth;
  /* From here on nothing is set before it is used: a project has thousands of texts of one line. */
  struct open open[OPEN_MAX];
  struct stretch frames[FRAMES_MAX];
};

static bool among(const char *name, const char *const *names) {
  for (; *names; names++)
    if (strcmp(*names, name) == 0) return true;
  return false;
}

static bool is_void(const char *name) {
  static const char *const names[] = { "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
                                       "wbr", NULL };
  return among(name, names);
}

/* What is inside is text up to its end. */
static bool is_raw(const char *name) {
  static const char *const names[] = { "style", "script", "title", "textarea", NULL };
  return among(name, names);
}

static bool may_stay_open(const char *name) {
  static const char *const names[] = { "p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "colgroup", "option", "optgroup",
                                       "rp", "rt", "html", "head", "body", NULL };
  return among(name, names);
}

static struct span place(const struct html *h, const char *at, size_t len) {
  if (h->in.ptr) return (struct span){ h->source, (uint32_t)(at - h->in.ptr), (uint32_t)((size_t)(at - h->in.ptr) + len) };
  size_t from = (size_t)(at - h->text.ptr);
  return template_span(h->s, h->text, h->span, from, from + len);
}

static struct diagnostic *warn(struct html *h, enum diag_code code, const char *at, size_t len, const char *what, const char *name) {
  struct diagnostic *d = diag(h->s->c, code, place(h, at, len), "`%s` %s", name, what);
  care_of_message(h->s, d, h->m);
  return d;
}

static void mistake(struct html *h, const char *what) {
  char shown[NAME_MAX_BYTES + 4];
  if (h->told || h->given_up || !h->html) return;
  h->told = true;
  snprintf(shown, sizeof shown, h->closing ? "</%s>" : "<%s>", h->tag);
  (void)warn(h, DIAG_W0195, h->tag_at, 1 + h->closing + strlen(h->tag), what, shown);
}

static void mistake_open(struct html *h, const struct open *o, const char *what) {
  struct str in = h->in;
  uint32_t source = h->source;
  memcpy(h->tag, o->name, sizeof h->tag);
  h->tag_at = o->at, h->in = o->in, h->source = o->source;
  h->closing = false;
  mistake(h, what);
  h->in = in, h->source = source;
}

static void pop_to(struct html *h, uint32_t count) {
  h->count = count;
  if (count < h->low) h->low = count;
}

static void close_element(struct html *h) {
  uint32_t i = h->count;
  while (i > 0 && strcmp(h->open[i - 1].name, h->tag) != 0 && may_stay_open(h->open[i - 1].name)) i--;
  if (i > 0 && strcmp(h->open[i - 1].name, h->tag) == 0) {
    pop_to(h, i - 1);
    return;
  }
  bool deeper = false;
  for (uint32_t k = 0; k < h->count; k++) deeper = deeper || strcmp(h->open[k].name, h->tag) == 0;
  if (deeper) { /* open[i - 1] is inside it */
    char what[NAME_MAX_BYTES + 32];
    snprintf(what, sizeof what, "is not closed before `</%s>`", h->tag);
    mistake_open(h, &h->open[i - 1], what);
  } else if (may_stay_open(h->tag)) {
    return; /* what closed it is somewhere above */
  } else if (!h->frame_count) {
    mistake(h, "closes what nothing opened");
  }
  h->given_up = true;
}

static void end_of_tag(struct html *h) {
  h->state = IN_TEXT;
  if (!h->tag[0] || h->given_up) return;
  if (h->closing) {
    if (!is_void(h->tag)) close_element(h);
  } else if (!is_void(h->tag) && !h->empty) {
    if (h->count == OPEN_MAX) {
      h->given_up = true;
      return;
    }
    memcpy(h->open[h->count].name, h->tag, sizeof h->tag);
    struct open *o = &h->open[h->count++];
    o->at = h->tag_at, o->in = h->in, o->source = h->source;
    if (is_raw(h->tag)) h->state = IN_RAW;
  }
}

/* Behind `<`: the element's name. */
static const char *begin_tag(struct html *h, const char *at, const char *end) {
  size_t n = 0;
  h->tag_at = at;
  h->closing = at + 1 < end && at[1] == '/';
  h->empty = false;
  const char *name = at + 1 + h->closing;
  while (name + n < end && ((name[n] | 0x20) >= 'a' ? (name[n] | 0x20) <= 'z' : n > 0 && name[n] >= '0' && name[n] <= '9')) n++;
  if (n == 0 && (name == end || (*name != '!' && *name != '?'))) return at + 1; /* a < that is text */
  for (size_t i = 0; i < sizeof h->tag; i++) h->tag[i] = 0;
  for (size_t i = 0; i < n && i + 1 < sizeof h->tag; i++) h->tag[i] = (char)(name[i] | (name[i] >= 'A' ? 0x20 : 0));
  if (n >= sizeof h->tag || (name + n < end && (name[n] == '-' || name[n] == ':'))) h->tag[0] = 0; /* v:rect and the like */
  h->state = IN_TAG;
  return name + n;
}

static bool word_at(const char *at, const char *end, const char *word) {
  size_t n = strlen(word);
  return (size_t)(end - at) >= n && strncasecmp(at, word, n) == 0;
}

/* An address of an image begins: behind `src="`. */
static void look_at_image(struct html *h, const char *at, const char *end) {
  static const char *const images[] = { "img", "source", "table", "td", "body", NULL };
  if (h->told_image || !among(h->tag, images) || !word_at(at, end, "http:")) return;
  h->told_image = true;
  struct diagnostic *d = warn(h, DIAG_W0196, at, 5, "images are not shown by mail programs that load pages safely", "http:");
  d->expected = STR("`https:`");
}

/* A value without quotes goes up to a blank or the tag's end, and a slash at its end is its own. */
static const char *unquoted(const char *at, const char *end) {
  const char *value = at + 1;
  if (value < end && (*value == '"' || *value == '\'')) return value;
  while (value < end && *value != '>' && (unsigned char)*value > ' ') value++;
  return value;
}

static const char *scan_tag(struct html *h, const char *at, const char *end) {
  if (*at == '=') return unquoted(at, end);
  if (*at == '>') {
    end_of_tag(h);
  } else if (*at == '"' || *at == '\'') {
    h->state = *at == '"' ? IN_DOUBLE : IN_SINGLE;
  } else if (*at == '/' && at + 1 < end && at[1] == '>') {
    h->empty = true;
  } else {
    size_t n = word_at(at, end, "src=") ? 4 : word_at(at, end, "background=") ? 11 : 0;
    if (n && (at[-1] == ' ' || at[-1] == '\n' || at[-1] == '\t')) {
      const char *value = at + n;
      if (value < end && (*value == '"' || *value == '\'')) value++;
      look_at_image(h, value, end);
      return unquoted(at + n - 1, end);
    }
  }
  return at + 1;
}

static const char *scan_one(struct html *h, const char *at, const char *end) {
  const char *stop;
  switch (h->state) {
    case IN_TAG: return scan_tag(h, at, end);
    case IN_DOUBLE: case IN_SINGLE:
      stop = memchr(at, h->state == IN_DOUBLE ? '"' : '\'', (size_t)(end - at));
      if (stop) h->state = IN_TAG;
      return stop ? stop + 1 : end;
    case IN_COMMENT:
      stop = memmem(at, (size_t)(end - at), "-->", 3);
      if (stop) h->state = IN_TEXT;
      return stop ? stop + 3 : end;
    case IN_RAW:
      for (stop = at; stop < end && !(word_at(stop, end, "</") && word_at(stop + 2, end, h->tag)); stop++) {}
      if (stop < end) h->state = IN_TEXT;
      return stop;
    default:
      stop = memchr(at, '<', (size_t)(end - at));
      if (!stop) return end;
      if (!word_at(stop, end, "<!--")) return begin_tag(h, stop, end);
      h->state = IN_COMMENT;
      h->comment_at = stop;
      return stop + 4;
  }
}

/* --- marks of other tools -------------------------------------------------------------------------------------------- */

static bool is_upper(char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_mark_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.'; }

/* The length of a mark that begins here; 0: none does. */
static size_t mark_at(const char *at, const char *end, bool first) {
  static const struct { const char *open, *close; bool upper; } marks[] = {
    { "*|", "|*", false }, { "%%", "%%", false }, { "[[", "]]", false }, { "${", "}", false }, { "%", "%", true } };
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
    size_t open = strlen(marks[i].open), n = 0;
    if ((size_t)(end - at) < open || memcmp(at, marks[i].open, open) != 0) continue;
    const char *name = at + open;
    bool upper = marks[i].upper;
    if (upper && !first && at[-1] >= '0' && at[-1] <= '9') continue; /* 20 %OFF… */
    while (name + n < end && n < 64 && (upper ? is_upper(name[n]) || (n && name[n] >= '0' && name[n] <= '9') : is_mark_letter(name[n]) || name[n] == ':')) n++;
    size_t close = strlen(marks[i].close);
    if (n >= (upper ? 3 : 2) && (size_t)(end - name) >= n + close && memcmp(name + n, marks[i].close, close) == 0) return open + n + close;
  }
  return 0;
}

static void look_for_marks(struct html *h, struct str s) {
  const char *end = s.ptr + s.len;
  char shown[80];
  for (const char *at = s.ptr; at < end && !h->told_mark && h->state != IN_COMMENT && h->state != IN_RAW; at++) {
    if (*at != '*' && *at != '%' && *at != '[' && *at != '$') continue;
    size_t n = mark_at(at, end, at == s.ptr);
    if (!n) continue;
    h->told_mark = true;
    snprintf(shown, sizeof shown, "%.*s", (int)n, at);
    struct diagnostic *d = warn(h, DIAG_W0197, at, n, "is a mark of another tool, and is sent as it stands", shown);
    d->expected = STR("`{{ contact.first_name }}`");
  }
}

/* --- texts ----------------------------------------------------------------------------------------------------------- */

static void scan_text(struct html *h, struct str s) {
  look_for_marks(h, s);
  for (const char *at = s.ptr, *end = s.ptr + s.len; at < end;) at = scan_one(h, at, end);
}

static void frame_begin(struct html *h) {
  if (h->frame_count == FRAMES_MAX) {
    h->given_up = true;
    return;
  }
  h->frames[h->frame_count++] = (struct stretch){ h->count, h->low, h->state };
  h->low = h->count;
}

/* What this branch left: as it was, or who knows. The next one begins as the first did. */
static void frame_again(struct html *h) {
  if (!h->frame_count) return;
  const struct stretch *f = &h->frames[h->frame_count - 1];
  if (h->count != f->depth || h->low < f->depth || h->state != f->state) h->given_up = true;
  h->count = h->low = f->depth;
  h->state = f->state;
}

static void frame_end(struct html *h) {
  if (!h->frame_count) return;
  frame_again(h);
  const struct stretch *f = &h->frames[--h->frame_count];
  if (f->low < h->low) h->low = f->low;
}

static void still_open(struct html *h, uint32_t from) {
  for (uint32_t i = h->count; i-- > from && !h->told && !h->given_up;) {
    if (may_stay_open(h->open[i].name)) continue;
    mistake_open(h, &h->open[i], "is never closed");
  }
}

static void scan(struct html *h, struct str text);

/* A file's text where it is taken in: what it opens, the message may close. */
static void scan_file(struct html *h, const char *folder, struct str markup) {
  struct str name = str_strip(markup);
  const char *close = name.len > 1 && (*name.ptr == '"' || *name.ptr == '\'') ? memchr(name.ptr + 1, *name.ptr, name.len - 1) : NULL;
  if (!close || h->depth >= LIMIT_SNIPPET_DEPTH) return;
  name = str_slice(name.ptr + 1, close);
  const struct snippet *found = snippet_name_ok(name) ? snippet_find(h->s, &h->s->c->arena, h->m->name.span.source, folder, name, true) : NULL;
  if (!found || !found->found) return;
  struct str in = h->in;
  uint32_t source = h->source;
  h->in = found->text, h->source = found->source;
  h->depth++;
  scan(h, found->text);
  h->depth--;
  h->in = in, h->source = source;
}

static void scan_tag_of_liquid(struct html *h, struct str name, struct str markup, uint32_t *skip) {
  static const char *const opens[] = { "if", "unless", "case", "for", "tablerow", "capture", "ifchanged", "block", NULL };
  static const char *const again[] = { "else", "elsif", "when", NULL };
  char word[16] = "";
  if (name.len < sizeof word) memcpy(word, name.ptr, name.len);
  if (strcmp(word, "comment") == 0 || strcmp(word, "doc") == 0) ++*skip;
  else if (*skip) *skip -= strcmp(word, "endcomment") == 0 || strcmp(word, "enddoc") == 0;
  else if (strcmp(word, "render") == 0 || strcmp(word, "include") == 0) scan_file(h, "snippets", markup);
  else if (strcmp(word, "layout") == 0) scan_file(h, "layouts", markup);
  else if (among(word, opens)) frame_begin(h);
  else if (among(word, again)) frame_again(h);
  else if (strncmp(word, "end", 3) == 0 && among(word + 3, opens)) frame_end(h);
}

static void scan(struct html *h, struct str text) {
  struct pieces p = { text.ptr, text.ptr + text.len, 1, false, false };
  struct str piece, name, markup;
  uint32_t lines, skip = 0;
  while (pieces_next(&p, &piece)) {
    bool tag = piece.len > 1 && piece.ptr[0] == '{' && piece.ptr[1] == '%', output = piece.len > 1 && piece.ptr[0] == '{' && piece.ptr[1] == '{';
    if (tag && full_tag(piece, &name, &markup, &lines)) scan_tag_of_liquid(h, name, markup, &skip);
    else if (!tag && !output && !skip) scan_text(h, piece);
  }
}

void html_care(struct scope *s, struct message_decl *m, struct str text, struct span span, bool html) {
  struct html page, *h = &page;
  memset(h, 0, offsetof(struct html, open));
  h->s = s;
  h->m = m;
  h->text = text;
  h->span = span;
  h->html = html;
  scan(h, text);
  if (h->given_up || !h->html) return;
  switch (h->state) {
    case IN_TEXT: case IN_RAW: still_open(h, 0); break;
    case IN_TAG: mistake(h, "has no `>`"); break;
    case IN_DOUBLE: case IN_SINGLE: mistake(h, "has a quote that is never closed"); break;
    case IN_COMMENT:
      if (!h->told) (void)warn(h, DIAG_W0195, h->comment_at, 4, "is never closed", "<!--");
      break;
  }
}
