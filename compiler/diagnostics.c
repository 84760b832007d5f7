/* Collecting the mistakes of scripts, finding what was meant, and printing both. The table of codes and their pages is
 * diagnostics.def. Not here: what is a mistake.
 *
 *   1. Two errors at one span are one: the first stage to see a mistake knows best what it is.
 *   2. At most LIMIT_DIAGNOSTICS_COUNT are kept; the counts go on, so that no mistake passes for none.
 *   3. Printing shows a window of a line, never more, so that a line of 10 MB is as readable as any other. */
#include "diagnostics.h"

#include "vm/base/buf.h"
#include "vm/base/check.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"

#include <stdarg.h>

/* --- the table --------------------------------------------------------------------------------------------------------*/

static const struct explain pages[] = {
#define DIAG(code, title, text, wrong, right) { #code, title, text, wrong, right },
#include "diagnostics.def"
#undef DIAG
};

const struct explain *explain_at(size_t i) { return i < DIAG_COUNT ? &pages[i] : NULL; }

const struct explain *explain_find(const char *code) {
  for (size_t i = 0; i < DIAG_COUNT; i++)
    if (strcasecmp(pages[i].code, code) == 0) return &pages[i];
  return NULL;
}

/* --- collecting -------------------------------------------------------------------------------------------------------*/

static bool same_span(struct span a, struct span b) {
  return a.source == b.source && a.from == b.from && a.to == b.to;
}

/* A warning of one place is said once, too: what a sequence does wrong comes up at each `do`. */
static bool was_warned(const struct compilation *c, const char *code, struct span span) {
  for (uint32_t i = 0; i < c->diagnostics.count; i++)
    if (c->diagnostics.items[i].code == code && same_span(c->diagnostics.items[i].span, span)) return true;
  return false;
}

static bool was_reported(const struct compilation *c, struct span span) {
  for (uint32_t i = 0; i < c->diagnostics.count; i++)
    if (c->diagnostics.items[i].severity == SEVERITY_ERROR && same_span(c->diagnostics.items[i].span, span)) return true;
  return false;
}

struct diagnostic *diag(struct compilation *c, enum diag_code code, struct span span, const char *fmt, ...) {
  CHECK(code < DIAG_COUNT);
  struct diagnostic d = { .code = pages[code].code, .span = span };
  d.severity = d.code[0] == 'W' ? SEVERITY_WARNING : SEVERITY_ERROR;
  bool full = c->diagnostics.count >= LIMIT_DIAGNOSTICS_COUNT;
  bool again = !full && (d.severity == SEVERITY_ERROR ? was_reported(c, span) : was_warned(c, d.code, span));
  if (!again) {
    if (d.severity == SEVERITY_ERROR) c->error_count++;
    else c->warning_count++;
  }
  if (full || again) {
    struct diagnostic *scratch = ARENA_NEW(&c->arena, struct diagnostic);
    *scratch = d;
    return scratch;
  }
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  CHECK(n >= 0);
  struct str message = { text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1 };
  /* A script may hold anything, and so may a message that quotes it; what is printed is always UTF-8 on one line. */
  for (size_t i = 0, bytes; i < message.len; i += bytes) {
    bytes = utf8_decode((struct str){ text + i, message.len - i }, NULL);
    if (bytes == 0) text[i] = '?', bytes = 1;
    else if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) text[i] = ' ';
  }
  d.message = arena_str(&c->arena, message);
  VEC_PUSH(&c->arena, &c->diagnostics, d);
  return &c->diagnostics.items[c->diagnostics.count - 1];
}

static int order(const void *x, const void *y) {
  const struct diagnostic *a = x, *b = y;
  if (a->span.source != b->span.source) return a->span.source < b->span.source ? -1 : 1;
  if (a->span.from != b->span.from) return a->span.from < b->span.from ? -1 : 1;
  if (a->severity != b->severity) return a->severity < b->severity ? -1 : 1;
  if (a->span.to != b->span.to) return a->span.to < b->span.to ? -1 : 1;
  return strcmp(a->code, b->code);
}

void diagnostics_sort(struct compilation *c) {
  if (c->diagnostics.count > 1) qsort(c->diagnostics.items, c->diagnostics.count, sizeof *c->diagnostics.items, order);
  /* What several messages take in, one for each language, is one mistake. */
  uint32_t kept = 0;
  for (uint32_t i = 0; i < c->diagnostics.count; i++) {
    const struct diagnostic *d = &c->diagnostics.items[i], *last = kept ? &c->diagnostics.items[kept - 1] : NULL;
    bool again = last && last->code == d->code && last->span.source == d->span.source && last->span.from == d->span.from &&
                 last->span.to == d->span.to && str_eq(last->message, d->message);
    if (!again) c->diagnostics.items[kept++] = *d;
  }
  c->diagnostics.count = kept;
}

/* --- what was meant ---------------------------------------------------------------------------------------------------*/

enum { NEAREST_BYTES_MAX = 64 };

static unsigned char lower(char c) { return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

/* Insertions, deletions, replacements and swaps of neighbours that make b of a (Damerau's optimal string alignment);
 * case does not count. Gives limit + 1 as soon as it is known to be more than limit. */
static uint32_t distance_of(struct str a, struct str b, uint32_t limit) {
  uint32_t rows[3][NEAREST_BYTES_MAX + 1];
  uint32_t *before = rows[0], *above = rows[1], *row = rows[2];
  if (a.len > NEAREST_BYTES_MAX || b.len > NEAREST_BYTES_MAX) return limit + 1;
  for (uint32_t k = 0; k <= b.len; k++) above[k] = k;
  for (uint32_t i = 1; i <= a.len; i++) {
    uint32_t least = row[0] = i;
    for (uint32_t k = 1; k <= b.len; k++) {
      uint32_t cost = lower(a.ptr[i - 1]) != lower(b.ptr[k - 1]);
      uint32_t d = above[k - 1] + cost;
      if (above[k] + 1 < d) d = above[k] + 1;
      if (row[k - 1] + 1 < d) d = row[k - 1] + 1;
      if (i > 1 && k > 1 && lower(a.ptr[i - 1]) == lower(b.ptr[k - 2]) && lower(a.ptr[i - 2]) == lower(b.ptr[k - 1]) &&
          before[k - 2] + 1 < d)
        d = before[k - 2] + 1;
      row[k] = d;
      if (d < least) least = d;
    }
    if (least > limit) return limit + 1;
    uint32_t *spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return above[b.len];
}

struct nearest nearest_of(struct str want) {
  return (struct nearest){ .want = want, .distance = (uint32_t)(want.len / 3) + 1 };
}

void nearest_try(struct nearest *n, struct str candidate) {
  /* n->distance is one more than what may still win, so that the first of equals stays. */
  if (n->distance == 0) return;
  uint32_t limit = n->distance - 1;
  size_t longer = n->want.len > candidate.len ? n->want.len - candidate.len : candidate.len - n->want.len;
  if (longer > limit || candidate.len == 0 || str_eq(n->want, candidate)) return;
  uint32_t d = distance_of(n->want, candidate, limit);
  if (d > limit) return;
  n->best = candidate;
  n->distance = d;
}

/* --- printing ---------------------------------------------------------------------------------------------------------*/

struct place { uint32_t line, column; };

static struct place place_of(const struct compilation *c, struct span span, uint32_t offset) {
  struct place p;
  source_place(&c->sources.items[span.source], offset, &p.line, &p.column);
  return p;
}

static const char *severity_word(const struct diagnostic *d) {
  return d->severity == SEVERITY_ERROR ? "error" : "warning";
}

enum { WINDOW_COLUMNS = 110, WINDOW_BEFORE = 40 };

struct style { const char *bold, *mark, *dim, *off; };

static void pad(struct buf *b, char c, size_t n) {
  for (; n; n--) buf_byte(b, (uint8_t)c);
}

/* What a script holds as it can stand in a terminal: tabs as one blank, other controls and broken UTF-8 as a question mark. */
static void put_columns(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len;) {
    size_t bytes = utf8_decode((struct str){ s.ptr + i, s.len - i }, NULL);
    unsigned char c = (unsigned char)s.ptr[i];
    if (bytes == 0 || (c < 0x20 && c != '\t') || c == 0x7f) buf_byte(b, '?');
    else if (c == '\t') buf_byte(b, ' ');
    else buf_add(b, s.ptr + i, bytes);
    i += bytes ? bytes : 1;
  }
}

/* A file's name may be anything, too. */
static void put_place(struct buf *b, const struct compilation *c, struct span span) {
  struct place p = place_of(c, span, span.from);
  put_columns(b, c->sources.items[span.source].path);
  buf_printf(b, ":%u:%u", p.line, p.column);
}

/* Columns as put_columns prints them: a broken byte takes one. */
static size_t columns_of(struct str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.len; n++) {
    size_t bytes = utf8_decode((struct str){ s.ptr + i, s.len - i }, NULL);
    i += bytes ? bytes : 1;
  }
  return n;
}

static size_t skip_columns(struct str s, size_t columns) {
  size_t i = 0;
  for (; columns && i < s.len; columns--) {
    size_t bytes = utf8_decode((struct str){ s.ptr + i, s.len - i }, NULL);
    i += bytes ? bytes : 1;
  }
  return i;
}

/* The line of span's beginning with a caret for each column of the span. */
static void print_excerpt(struct buf *b, const struct compilation *c, struct span span, size_t gutter, char caret,
                          struct str label, const struct style *st) {
  const struct source *s = &c->sources.items[span.source];
  struct place p = place_of(c, span, span.from);
  struct str line = source_line(s, p.line);
  size_t from = span.from > (size_t)(line.ptr - s->text.ptr) ? span.from - (size_t)(line.ptr - s->text.ptr) : 0;
  if (from > line.len) from = line.len;
  size_t to = span.to - span.from < line.len - from ? from + (span.to - span.from) : line.len;
  /* The window: all of an ordinary line, else what stands around the span. Going back a fixed number of bytes finds a
   * character's beginning within three more. */
  size_t left = 0;
  if (from > WINDOW_COLUMNS * 2 || columns_of((struct str){ line.ptr, from }) > WINDOW_COLUMNS - WINDOW_BEFORE) {
    left = from > WINDOW_BEFORE ? from - WINDOW_BEFORE : 0;
    while (left < from && ((unsigned char)line.ptr[left] & 0xc0) == 0x80) left++;
  }
  struct str rest = { line.ptr + left, line.len - left };
  size_t right = left + skip_columns(rest, WINDOW_COLUMNS);
  if (to > right) to = right;
  buf_printf(b, "%s%*u |%s ", st->dim, (int)gutter, p.line, st->off);
  if (left) buf_c(b, "…");
  put_columns(b, (struct str){ line.ptr + left, right - left });
  if (right < line.len) buf_c(b, "…");
  buf_printf(b, "\n%s%*s |%s ", st->dim, (int)gutter, "", st->off);
  pad(b, ' ', columns_of((struct str){ line.ptr + left, from - left }) + (left ? 1 : 0));
  size_t carets = columns_of((struct str){ line.ptr + from, to - from });
  buf_c(b, st->mark);
  pad(b, caret, carets ? carets : 1);
  if (label.len) {
    buf_byte(b, ' ');
    put_columns(b, label);
  }
  buf_c(b, st->off);
  buf_byte(b, '\n');
}

static size_t digits_of(uint32_t n) {
  size_t d = 1;
  for (; n >= 10; n /= 10) d++;
  return d;
}

static void print_line(struct buf *b, size_t gutter, const struct style *st, const char *what, struct str text) {
  if (!text.len) return;
  buf_printf(b, "%s%*s =%s %s%s%s: ", st->dim, (int)gutter, "", st->off, st->bold, what, st->off);
  put_columns(b, text); /* it may quote the script */
  buf_byte(b, '\n');
}

static void print_fix(struct buf *b, const struct compilation *c, const struct diagnostic *d, size_t gutter,
                      const struct style *st) {
  if (!d->has_fix) return;
  const struct source *s = &c->sources.items[d->fix.span.source];
  struct str old = { s->text.ptr + d->fix.span.from, d->fix.span.to - d->fix.span.from };
  struct str shown = { old.ptr, skip_columns(old, 60) };
  buf_printf(b, "%s%*s =%s %sfix%s: ", st->dim, (int)gutter, "", st->off, st->bold, st->off);
  buf_c(b, !old.len ? "add `" : d->fix.text.len ? "write `" : "leave out `");
  put_columns(b, d->fix.text);
  if (old.len) {
    if (d->fix.text.len) buf_c(b, "` for `");
    put_columns(b, shown);
    if (shown.len < old.len) buf_c(b, "…");
  }
  buf_byte(b, '`');
  buf_byte(b, '\n');
}

static void print_human(struct buf *b, const struct compilation *c, const struct diagnostic *d, bool color) {
  static const struct style plain = { "", "", "", "" }, red = { "\033[1m", "\033[1;31m", "\033[34m", "\033[0m" },
                            yellow = { "\033[1m", "\033[1;33m", "\033[34m", "\033[0m" };
  const struct style *st = !color ? &plain : d->severity == SEVERITY_ERROR ? &red : &yellow;
  struct place p = place_of(c, d->span, d->span.from);
  bool note = d->note.len != 0, placed = note && (d->note_span.from != d->note_span.to || d->note_span.from != 0);
  size_t gutter = digits_of(p.line);
  if (placed && digits_of(place_of(c, d->note_span, d->note_span.from).line) > gutter)
    gutter = digits_of(place_of(c, d->note_span, d->note_span.from).line);
  buf_printf(b, "%s%s[%s]%s%s: " STR_FMT "%s\n", st->mark, severity_word(d), d->code, st->off, st->bold,
             STR_ARG(d->message), st->off);
  buf_printf(b, "%s%*s-->%s ", st->dim, (int)gutter, "", st->off);
  put_place(b, c, d->span);
  buf_byte(b, '\n');
  buf_printf(b, "%s%*s |%s\n", st->dim, (int)gutter, "", st->off);
  print_excerpt(b, c, d->span, gutter, '^', (struct str){ 0 }, st);
  if (placed) {
    if (d->note_span.source != d->span.source) {
      buf_printf(b, "%s%*s:::%s ", st->dim, (int)gutter, "", st->off);
      put_place(b, c, d->note_span);
      buf_byte(b, '\n');
    }
    print_excerpt(b, c, d->note_span, gutter, '-', d->note, st);
  }
  print_line(b, gutter, st, "expected", d->expected);
  print_line(b, gutter, st, "help", d->help);
  if (note && !placed) print_line(b, gutter, st, "note", d->note);
  print_fix(b, c, d, gutter, st);
  buf_byte(b, '\n');
}

static void print_short(struct buf *b, const struct compilation *c, const struct diagnostic *d) {
  put_place(b, c, d->span);
  buf_printf(b, ": %s[%s]: " STR_FMT, severity_word(d), d->code, STR_ARG(d->message));
  if (d->expected.len) {
    buf_c(b, "; expected ");
    put_columns(b, d->expected);
  }
  if (d->has_fix && d->help.len) {
    buf_c(b, "; ");
    put_columns(b, d->help);
  }
  buf_byte(b, '\n');
}

/* A script's own bytes may be anything; what JSON holds is UTF-8. */
static void json_text(struct buf *b, const char *key, struct str s) {
  buf_printf(b, ",\"%s\":", key);
  buf_json_str(b, (struct str){ s.ptr, utf8_valid_prefix(s) });
}

static void json_span(struct buf *b, const struct compilation *c, struct span span) {
  struct place from = place_of(c, span, span.from), to = place_of(c, span, span.to);
  buf_printf(b, "\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u,\"from\":%u,\"to\":%u", from.line, from.column,
             to.line, to.column, span.from, span.to);
}

static void print_json(struct buf *b, const struct compilation *c, const struct diagnostic *d) {
  buf_printf(b, "{\"severity\":\"%s\",\"code\":\"%s\"", severity_word(d), d->code);
  json_text(b, "path", c->sources.items[d->span.source].path);
  buf_byte(b, ',');
  json_span(b, c, d->span);
  json_text(b, "message", d->message);
  if (d->expected.len) json_text(b, "expected", d->expected);
  if (d->help.len) json_text(b, "help", d->help);
  if (d->note.len) {
    buf_c(b, ",\"note\":{");
    json_span(b, c, d->note_span);
    json_text(b, "path", c->sources.items[d->note_span.source].path);
    json_text(b, "text", d->note);
    buf_byte(b, '}');
  }
  if (d->has_fix) {
    buf_c(b, ",\"fix\":{");
    json_span(b, c, d->fix.span);
    json_text(b, "text", d->fix.text);
    buf_byte(b, '}');
  }
  buf_c(b, "}\n");
}

void diagnostics_print(struct buf *b, const struct compilation *c, enum diagnostic_format format, bool color) {
  for (uint32_t i = 0; i < c->diagnostics.count; i++) {
    const struct diagnostic *d = &c->diagnostics.items[i];
    const struct source *source = &c->sources.items[d->span.source];
    if (source->standard && !source->template && d->severity == SEVERITY_WARNING) continue;
    if (format == FORMAT_HUMAN) print_human(b, c, d, color);
    else if (format == FORMAT_SHORT) print_short(b, c, d);
    else print_json(b, c, d);
  }
}
