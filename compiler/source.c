/* Scripts and the compilation that holds them; see compile.h. Not here: reading files, which is the caller's.
 *
 *   1. A source's text is borrowed and never changed; a NUL stands behind its last byte.
 *   2. Each has its table of lines from the start: every step of a program tells its line, so asking must be cheap. */
#include "compile.h"

#include "vm/base/check.h"
#include "vm/base/utf8.h"

enum { ARENA_BLOCK_BYTES = 1 << 20 };

void compilation_init(struct compilation *c) {
  *c = (struct compilation){ 0 };
  arena_init(&c->arena, ARENA_BLOCK_BYTES);
}

void compilation_deinit(struct compilation *c) {
  arena_deinit(&c->arena);
  *c = (struct compilation){ 0 };
}

/* Counts the lines, then fills the table: two passes of memchr are cheaper than one with a growing table. */
static uint32_t lines_of(struct str text, uint32_t *starts) {
  uint32_t n = 0;
  for (size_t at = 0; at < text.len;) {
    if (starts) starts[n] = (uint32_t)at;
    n++;
    const char *newline = memchr(text.ptr + at, '\n', text.len - at);
    if (!newline) break;
    at = (size_t)(newline + 1 - text.ptr);
  }
  return n;
}

void compilation_add(struct compilation *c, struct str path, struct str text, bool standard) {
  CHECK(text.len == 0 || text.ptr[text.len] == '\0');
  CHECK(text.len < UINT32_MAX);
  struct source s = { .path = path, .text = text, .standard = standard };
  if (!s.text.ptr) s.text.ptr = "";
  s.line_count = lines_of(s.text, NULL);
  uint32_t *lines = arena_alloc(&c->arena, sizeof *lines * (s.line_count + 1));
  lines[0] = 0;
  lines_of(s.text, lines);
  if (str_starts(s.text, STR("\xef\xbb\xbf"))) lines[0] = 3; /* a byte order mark is no character of the script */
  s.lines = lines;
  if (!standard) c->line_count += s.line_count;
  VEC_PUSH(&c->arena, &c->sources, s);
}

/* The end of a text that ends in a newline is told as the end of its last line, where an editor can show it. */
void source_place(const struct source *s, uint32_t offset, uint32_t *line, uint32_t *column) {
  if (offset > s->text.len) offset = (uint32_t)s->text.len;
  uint32_t low = 0, high = s->line_count;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (s->lines[middle] <= offset) low = middle;
    else high = middle;
  }
  *line = low + 1;
  if (offset < s->lines[low]) offset = s->lines[low];
  *column = (uint32_t)utf8_columns((struct str){ s->text.ptr + s->lines[low], offset - s->lines[low] }) + 1;
}

struct str source_line(const struct source *s, uint32_t line) {
  const char *end = s->text.ptr + s->text.len;
  if (line == 0 || line > s->line_count) return (struct str){ end, 0 };
  const char *from = s->text.ptr + s->lines[line - 1];
  const char *stop = line < s->line_count ? s->text.ptr + s->lines[line] - 1 : end;
  if (stop > from && stop[-1] == '\n') stop--;
  if (stop > from && stop[-1] == '\r') stop--;
  return str_slice(from, stop);
}
