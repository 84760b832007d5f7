/* The text beside a page, laid out: see plain_text.h.
 *
 * Not for: what of a page is in it (compiler/mail_text.c, which wrote the marks), how it travels (mime_text.c).
 *
 * Invariants:
 * 1. White space is written just before what follows it: none at the beginning or the end, none before a line's end, at most one empty line in
 *    a row, wherever the marks came from.
 * 2. Any bytes will do. A value that holds a mark moves words, and loses none but the mark.
 * 3. The work grows with the text: an address is compared with the last NOTES_COMPARED. */
#include "runtime/send/plain_text.h"

#include "runtime/send/links.h"
#include "vm/base/check.h"
#include "vm/text_marks.h"

#include <stdlib.h>

enum { DEPTH_MAX = 8, NOTES_COMPARED = 64 };
struct list { bool numbered; uint32_t next; };
struct layout {
  struct buf *b;
  size_t from;              /* where the text begins in b */
  int breaks;               /* line ends before what follows */
  bool blank, cell, begun;
  size_t spaces;            /* that stand as they are */
  uint32_t quotes, quoted;  /* quoted: of the line before */
  uint32_t depth;           /* of lists; deeper ones are drawn as the deepest */
  struct list lists[DEPTH_MAX];
  bool item;                /* the next text begins one */
  bool link, said;          /* inside a link; a word of it was written */
  size_t link_from;
  struct str *notes;
  uint32_t note_count, note_cap;
};

static uint32_t within(uint32_t depth) { return depth < DEPTH_MAX ? depth : DEPTH_MAX; }

static void put_times(struct buf *b, const char *text, size_t times) {
  while (times--) buf_c(b, text);
}

/* Where an item's further lines begin: below its first word. */
static size_t indent_of(const struct layout *l, uint32_t depth) {
  size_t n = 0;
  for (uint32_t i = 0; i < within(depth); i++) n += l->lists[i].numbered ? 3 : 2;
  return n;
}

static void begin_line(struct layout *l) {
  if (l->begun)
    for (int i = 0; i < l->breaks; i++) {
      buf_byte(l->b, '\n');
      if (i + 1 < l->breaks) put_times(l->b, ">", within(l->quotes < l->quoted ? l->quotes : l->quoted));
    }
  put_times(l->b, "> ", within(l->quotes));
  l->quoted = l->quotes;
  put_times(l->b, " ", indent_of(l, l->item && l->depth ? l->depth - 1 : l->depth));
  if (!l->item) return;
  struct list *in = l->depth ? &l->lists[within(l->depth) - 1] : NULL;
  if (in && in->numbered) buf_printf(l->b, "%u. ", in->next++);
  else buf_c(l->b, "- ");
  l->item = false;
}

/* What stands before the next word. */
static void lead(struct layout *l) {
  if (!l->begun || l->breaks || l->item) {
    if (l->begun && !l->breaks) l->breaks = 1;
    begin_line(l);
    if (l->begun) put_times(l->b, " ", l->spaces);
  } else if (l->cell) {
    buf_c(l->b, "  ");
  } else if (l->spaces) {
    put_times(l->b, " ", l->spaces);
  } else if (l->blank) {
    buf_byte(l->b, ' ');
  }
  l->begun = true;
  l->breaks = 0;
  l->spaces = 0;
  l->blank = l->cell = false;
  if (l->link && !l->said) l->said = true, l->link_from = l->b->len;
}

static void need(struct layout *l, int breaks) {
  if (l->breaks < breaks) l->breaks = breaks;
  l->blank = l->cell = false;
  l->spaces = 0;
}

/* --- links ----------------------------------------------------------------------------------------------------------- */

static struct str trimmed(struct str s) {
  while (s.len && (unsigned char)*s.ptr <= ' ') s.ptr++, s.len--;
  while (s.len && (unsigned char)s.ptr[s.len - 1] <= ' ') s.len--;
  return s;
}

/* An address as people write it. */
static struct str bare(struct str s) {
  static const char *const schemes[] = { "https://", "http://", "mailto:", "tel:" };
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (str_starts(s, str_from_c(schemes[i]))) {
      s.ptr += strlen(schemes[i]), s.len -= strlen(schemes[i]);
      break;
    }
  if (s.len && s.ptr[s.len - 1] == '/') s.len--;
  return s;
}

static uint32_t note_of(struct layout *l, struct str target) {
  uint32_t oldest = l->note_count > NOTES_COMPARED ? l->note_count - NOTES_COMPARED : 0;
  for (uint32_t i = oldest; i < l->note_count; i++)
    if (str_eq(l->notes[i], target)) return i + 1;
  if (l->note_count == l->note_cap) {
    l->note_cap = l->note_cap ? 2 * l->note_cap : 16;
    l->notes = realloc(l->notes, l->note_cap * sizeof *l->notes);
    CHECK(l->notes);
  }
  l->notes[l->note_count++] = target;
  return l->note_count;
}

/* The number of its address, unless a link has no text, leads nowhere, or says where it leads. */
static void end_link(struct layout *l, struct str target) {
  struct str said = l->said ? (struct str){ l->b->data + l->link_from, l->b->len - l->link_from } : (struct str){ "", 0 };
  target = trimmed(target);
  bool shown = l->said && target.len && !l->b->failed && target.ptr[0] != '#' && !str_eq(bare(said), bare(target));
  l->link = l->said = false;
  if (shown) buf_printf(l->b, " [%u]", note_of(l, target));
}

/* --- marks ----------------------------------------------------------------------------------------------------------- */

static void begin_list(struct layout *l, bool numbered) {
  l->depth++;
  if (l->depth <= DEPTH_MAX) l->lists[l->depth - 1] = (struct list){ numbered, 1 };
}

static void take_mark(struct layout *l, char c) {
  switch (c) {
    case MARK_LINE: need(l, 1); break;
    case MARK_PARAGRAPH: need(l, 2); break;
    case MARK_BREAK: case '\n': need(l, l->breaks < 2 ? l->breaks + 1 : 2); break;
    case MARK_CELL: l->cell = l->begun && !l->breaks; break;
    case MARK_BULLETS: begin_list(l, false); break;
    case MARK_NUMBERS: begin_list(l, true); break;
    case MARK_LIST_END:
      l->depth -= l->depth > 0;
      l->item = false;
      break;
    case MARK_BLANK: l->blank = true; break;
    case MARK_ITEM: l->item = true; break;
    case MARK_QUOTE: l->quotes++; break;
    case MARK_QUOTE_END: l->quotes -= l->quotes > 0; break;
    case MARK_LINK:
      l->link = true;
      l->said = false;
      break;
    default: break; /* of no meaning in a text */
  }
}

static void put_notes(struct layout *l) {
  if (l->note_count) buf_byte(l->b, '\n');
  for (uint32_t i = 0; i < l->note_count; i++) {
    buf_printf(l->b, "\n[%u] ", i + 1);
    links_put_target(l->b, l->notes[i]);
  }
}

void plain_text_lay_out(struct buf *b, struct str s) {
  struct layout l = { .b = b, .from = b->len };
  for (size_t i = 0; i < s.len && !b->failed;) {
    const char *end = l.link && s.ptr[i] == MARK_TARGET ? memchr(s.ptr + i, MARK_LINK_END, s.len - i) : NULL;
    size_t to = i;
    while (to < s.len && (unsigned char)s.ptr[to] > ' ') to++;
    if (to > i) {
      lead(&l);
      buf_add(b, s.ptr + i, to - i);
    } else if (end) {
      end_link(&l, str_slice(s.ptr + i + 1, end));
      to = (size_t)(end - s.ptr) + 1;
    } else {
      if (s.ptr[i] == ' ') l.spaces++;
      else take_mark(&l, s.ptr[i]);
      to = i + 1;
    }
    i = to;
  }
  put_notes(&l);
  if (b->len > l.from) buf_byte(b, '\n');
  free(l.notes);
}

struct str plain_text_tidy(struct str s) {
  char *out = (char *)(uintptr_t)s.ptr;
  size_t n = 0, ends = 2;
  for (size_t i = 0; i < s.len; i++) {
    if (n == 0 && s.ptr[i] == ' ') continue;
    ends = s.ptr[i] == '\n' ? ends + 1 : 0;
    while (ends && n && out[n - 1] == ' ') n--;
    if (ends <= 2) out[n++] = s.ptr[i];
  }
  return (struct str){ out, n };
}
