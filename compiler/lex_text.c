/* Texts in quotes, their escapes and their indentation, and what people write in the place of quotes; see lex.h.
 *
 * Invariants:
 * 1. Only a text that holds escapes or indentation is copied.
 * 2. A text that does not end on its line ends there, so that one mistake does not take the rest of the script. */
#include "lex_parts.h"

#include "diagnostics.h"
#include "grammar.h"
#include "vm/base/utf8.h"

/* --- other quotes ---------------------------------------------------------------------------------------------------*/

enum { ALIKE_BYTES_MAX = 4096 };

/* Bytes of a quotation mark that is not the straight double one: ' ` \xe2\x80\x98 to \xe2\x80\x9f, \xc2\xab \xc2\xbb. 0: none. */
static size_t quote_alike(const unsigned char *at) {
  if (*at == '\'' || *at == '`') return 1;
  if (at[0] == 0xc2 && (at[1] == 0xab || at[1] == 0xbb)) return 2;
  return at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x98 && at[2] <= 0x9f ? 3 : 0;
}

/* 'a', `a` or \xe2\x80\x9ca\xe2\x80\x9d: one text, one mistake. An apostrophe inside curly quotes ends nothing. */
static bool text_alike(struct lexer *l, struct token *t) {
  const unsigned char *start = l->text + t->from, *at = start + quote_alike(start), *from = at;
  if (at == start) return false;
  bool single = *start == '\'' || *start == '`';
  size_t end = 0;
  for (; *at && *at != '\n' && at - from < ALIKE_BYTES_MAX; at++) {
    end = single ? *at == *start : *at == '"' ? 1 : *at == '\'' ? 0 : quote_alike(at);
    if (end) break;
  }
  if (!end) return false;
  struct str inner = str_slice((const char *)from, (const char *)at);
  struct diagnostic *d = diag(l->c, DIAG_E0109, faulty_to(l, t, at + end), "a text stands in straight double quotes");
  d->has_fix = !memchr(inner.ptr, '"', inner.len) && !memchr(inner.ptr, '\\', inner.len);
  d->fix = (struct fix){ d->span, arena_printf(&l->c->arena, "\"" STR_FMT "\"", STR_ARG(inner)) };
  t->kind = TOK_TEXT;
  t->flags |= TOKEN_QUOTED;
  t->value = value_text(inner);
  return true;
}

bool lex_alike(struct lexer *l, struct token *t) { return text_alike(l, t) || lex_money_alike(l, t); }

/* --- texts ----------------------------------------------------------------------------------------------------------*/

static struct str unescape(struct lexer *l, struct str raw) {
  char *out = arena_alloc(&l->c->arena, raw.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < raw.len; i++) {
    if (raw.ptr[i] != '\\' || i + 1 == raw.len) { out[n++] = raw.ptr[i]; continue; }
    char c = raw.ptr[++i];
    if (c == 'n') out[n++] = '\n';
    else if (c == 't') out[n++] = '\t';
    else if (c == '"' || c == '\\') out[n++] = c;
    else {
      uint32_t from = (uint32_t)((const unsigned char *)raw.ptr + i - 1 - l->text);
      size_t bytes = utf8_decode((struct str){ raw.ptr + i, raw.len - i }, NULL);
      if (bytes == 0) bytes = 1;
      struct diagnostic *d = diag(l->c, DIAG_E0108, span_of(l, from, from + 1 + (uint32_t)bytes),
          "`\\%.*s` is no escape", (int)bytes, raw.ptr + i);
      d->expected = STR("`\\\"`, `\\\\`, `\\n` or `\\t`");
      d->has_fix = true;
      d->fix = (struct fix){ span_of(l, from, from + 1), STR("\\\\") };
      l->faulty = true;
      memcpy(out + n, raw.ptr + i, bytes);
      n += bytes;
      i += bytes - 1;
    }
  }
  return (struct str){ out, n };
}

/* Quotes between {{ and }} belong to the template, not to the script. Gives the last byte of the }} on this line, or NULL;
 * what a search found out is kept, so that a long line is searched once. */
static const unsigned char *template_end(struct lexer *l, const unsigned char *at) {
  if (at >= l->line_end) {
    l->line_end = memchr(at, '\n', (size_t)(l->end - at));
    if (!l->line_end) l->line_end = l->end;
    l->template_end = at;
  }
  if (l->template_end && l->template_end <= at)
    l->template_end = memmem(at, (size_t)(l->line_end - at), "}}", 2);
  return l->template_end ? l->template_end + 1 : NULL;
}

void lex_text(struct lexer *l, struct token *t) {
  const unsigned char *from = l->cursor, *at = from;
  bool escaped = false;
  while (*at != '"' && *at != '\n' && !(*at == '\0' && at >= l->end)) {
    if (*at == '\\' && at[1] != '\n' && at + 1 < l->end) {
      escaped = true;
      at++;
    } else if (*at == '{' && at[1] == '{') {
      const unsigned char *stop = template_end(l, at);
      if (stop) at = stop;
    }
    at++;
  }
  struct str raw = str_slice((const char *)from, (const char *)at);
  t->kind = TOK_TEXT;
  t->flags |= TOKEN_QUOTED;
  if (*at == '"') {
    at++;
  } else {
    l->faulty = true;
    /* The brackets at the line's end were hardly meant to stand inside: without them the block around would lose its end. */
    while (at > from && strchr(" \t\r;{})]", at[-1])) at--;
    raw.len = (size_t)((const char *)at - raw.ptr);
    uint32_t to = (uint32_t)(at - l->text);
    struct diagnostic *d = diag(l->c, DIAG_E0103, span_of(l, t->from, to), "this text does not end on its line");
    d->expected = STR("`\"`");
    d->help = STR("a text of several lines stands between three quotes: \"\"\"…\"\"\"");
  }
  t->to = (uint32_t)(at - l->text);
  l->cursor = at;
  t->value = value_text(escaped ? unescape(l, raw) : raw);
}

/* How many blanks every line that holds anything begins with. */
static size_t common_indent(struct str raw) {
  size_t least = SIZE_MAX;
  for (size_t i = 0; i < raw.len;) {
    size_t blanks = 0;
    while (i < raw.len && (raw.ptr[i] == ' ' || raw.ptr[i] == '\t')) { i++; blanks++; }
    bool blank_line = i == raw.len || raw.ptr[i] == '\n' || raw.ptr[i] == '\r';
    if (!blank_line && blanks < least) least = blanks;
    while (i < raw.len && raw.ptr[i] != '\n') i++;
    i++;
  }
  return least == SIZE_MAX ? 0 : least;
}

/* A text that begins on the line below its quotes loses that newline, the indentation that its lines share, and
 * the blanks before its closing quotes. */
static struct str unindent(struct lexer *l, struct str raw) {
  size_t skip = raw.len && raw.ptr[0] == '\n' ? 1 : raw.len > 1 && raw.ptr[0] == '\r' && raw.ptr[1] == '\n' ? 2 : 0;
  if (!skip) return raw;
  raw.ptr += skip;
  raw.len -= skip;
  size_t indent = common_indent(raw), end = raw.len;
  while (end && (raw.ptr[end - 1] == ' ' || raw.ptr[end - 1] == '\t')) end--;
  if (end == 0 || raw.ptr[end - 1] == '\n') raw.len = end;
  if (indent == 0) return raw;
  char *out = arena_alloc(&l->c->arena, raw.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < raw.len;) {
    for (size_t k = 0; k < indent && i < raw.len && (raw.ptr[i] == ' ' || raw.ptr[i] == '\t'); k++) i++;
    while (i < raw.len && raw.ptr[i] != '\n') out[n++] = raw.ptr[i++];
    if (i < raw.len) out[n++] = raw.ptr[i++];
  }
  return (struct str){ out, n };
}

void lex_text_triple(struct lexer *l, struct token *t) {
  const unsigned char *from = l->cursor;
  const unsigned char *stop = memmem(from, (size_t)(l->end - from), "\"\"\"", 3);
  t->kind = TOK_TEXT;
  t->flags |= TOKEN_QUOTED | TOKEN_TRIPLE;
  if (!stop) {
    stop = l->end;
    l->faulty = true;
    diag(l->c, DIAG_E0103, span_of(l, t->from, t->from + 3), "this text never ends")->expected = STR("`\"\"\"`");
    l->cursor = stop;
  } else {
    l->cursor = stop + 3;
  }
  t->to = (uint32_t)(l->cursor - l->text);
  t->value = value_text(unindent(l, str_slice((const char *)from, (const char *)stop)));
}
