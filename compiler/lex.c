/* From a script to tokens: the checks of the whole text, keywords, words, and characters that mean nothing; see lex.h.
 *
 * Which characters make a token is grammar/camp.re's. What numbers, amounts and texts mean stands in lex_number.c, lex_money.c and
 * lex_text.c; what tokens mean together, newlines included, is parse.c's.
 *
 * Invariants, of all four:
 * 1. Every mistake is reported once, here, and the token is still given with some value of its kind.
 * 2. The cursor never passes the NUL behind the text, so every loop ends.
 * 3. The text is looked at a constant number of times, so a hostile one costs no more than a good one. */
#include "lex_parts.h"

#include "diagnostics.h"
#include "grammar.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"

const struct keyword keyword_table[] = {
#define KEYWORD(token, word, group) { word, sizeof word - 1, TOK_##token },
#include "grammar/keywords.def"
#undef KEYWORD
};
const uint32_t keyword_count = sizeof keyword_table / sizeof *keyword_table;
_Static_assert(sizeof keyword_table / sizeof *keyword_table < 255, "an index of a keyword fits a byte");

enum { KEYWORD_BYTES_MAX = 16 };

static uint32_t keyword_hash(struct str w) {
  const unsigned char *p = (const unsigned char *)w.ptr;
  return (p[0] * 37u + p[w.len - 1] * 11u + p[w.len / 2] * 5u + (uint32_t)w.len * 3u) & 511u;
}

uint16_t lex_keyword(const struct lexer *l, struct str word) {
  if (word.len > KEYWORD_BYTES_MAX) return TOK_NAME;
  for (uint32_t h = keyword_hash(word); l->keywords[h]; h = (h + 1) & 511u) {
    const struct keyword *k = &keyword_table[l->keywords[h] - 1];
    if (k->len == word.len && memcmp(k->word, word.ptr, word.len) == 0) return k->token;
  }
  return TOK_NAME;
}

/* --- the whole text --------------------------------------------------------------------------------------------------*/

static void check_lines(struct lexer *l) {
  const unsigned char *at = l->text;
  while (at < l->end) {
    const unsigned char *stop = memchr(at, '\n', (size_t)(l->end - at));
    if (!stop) stop = l->end;
    if ((size_t)(stop - at) > LIMIT_LINE_BYTES) {
      uint32_t from = (uint32_t)(at - l->text);
      struct diagnostic *d = diag(l->c, DIAG_E0104, span_of(l, from, from + 1),
          "this line is %zu bytes long; a line holds at most %u", (size_t)(stop - at), LIMIT_LINE_BYTES);
      d->help = STR("put each statement on a line of its own, and long bodies into a file: body file \"…\"");
    }
    at = stop + 1;
  }
}

/* One report for each run of bytes that are not UTF-8. */
static void check_utf8(struct lexer *l) {
  size_t len = (size_t)(l->end - l->text), at = 0;
  const char *text = (const char *)l->text;
  while (at < len) {
    at += utf8_valid_prefix((struct str){ text + at, len - at });
    if (at == len) return;
    size_t from = at;
    while (at < len && utf8_decode((struct str){ text + at, len - at }, NULL) == 0) at++;
    diag(l->c, DIAG_E0101, span_of(l, (uint32_t)from, (uint32_t)at), "%s not UTF-8",
         at - from == 1 ? "this byte is" : "these bytes are")->help = STR("save the file as UTF-8");
  }
}

static void check_nul(struct lexer *l) {
  const unsigned char *at = l->text;
  while (at < l->end && (at = memchr(at, '\0', (size_t)(l->end - at)))) {
    const unsigned char *stop = at;
    while (stop < l->end && *stop == '\0') stop++;
    diag(l->c, DIAG_E0102, span_of(l, (uint32_t)(at - l->text), (uint32_t)(stop - l->text)), "%s",
         stop - at == 1 ? "a script holds no NUL byte" : "a script holds no NUL bytes");
    at = stop;
  }
}

void lexer_init(struct lexer *l, struct compilation *c, uint32_t source) {
  struct str text = c->sources.items[source].text;
  *l = (struct lexer){ .c = c, .source = source };
  for (uint32_t i = 0; i < keyword_count; i++) {
    uint32_t h = keyword_hash((struct str){ keyword_table[i].word, keyword_table[i].len });
    while (l->keywords[h]) h = (h + 1) & 511u;
    l->keywords[h] = (uint8_t)(i + 1);
  }
  static const unsigned char nothing[1] = { 0 };
  l->text = l->cursor = l->end = nothing;
  if (text.len == 0) return;
  l->text = l->cursor = l->end = (const unsigned char *)text.ptr;
  if (text.len > LIMIT_SOURCE_BYTES) {
    diag(c, DIAG_E0105, span_of(l, 0, 1), "this script is %zu bytes long; a script holds at most %u", text.len,
         LIMIT_SOURCE_BYTES)->help = STR("divide it: the files of a folder are one project");
    l->end = l->text + text.len;
    l->cursor = l->end; /* the NUL: nothing of it is read */
    return;
  }
  l->end += text.len;
  if (lex_no_text(l)) {
    l->cursor = l->end;
    return;
  }
  check_lines(l);
  check_nul(l);
  check_utf8(l);
  /* A byte order mark is no character of the script. */
  if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) l->cursor += 3;
}

void lexer_next(struct lexer *l, struct token *t) {
  t->flags = 0;
  t->value = value_missing();
  lex_scan(l, t);
  if (l->faulty) t->flags |= TOKEN_FAULTY;
  l->faulty = false;
  if (t->kind == LEX_NEWLINE) return;
  if (l->doc_to && t->value.type == V_MISSING) {
    /* Lines of documentation go to the token right below them. */
    struct str doc = { (const char *)l->text + l->doc_from, l->doc_to - l->doc_from };
    char *out = arena_alloc(&l->c->arena, doc.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < doc.len;) {
      while (i < doc.len && (doc.ptr[i] == ' ' || doc.ptr[i] == '\t')) i++;
      while (i < doc.len && doc.ptr[i] == '#') i++;
      if (i < doc.len && doc.ptr[i] == ' ') i++;
      while (i < doc.len && doc.ptr[i] != '\n') {
        if (doc.ptr[i] != '\r') out[n++] = doc.ptr[i];
        i++;
      }
      if (i < doc.len) out[n++] = doc.ptr[i++];
    }
    t->value = value_text((struct str){ out, n });
  }
  l->doc_from = l->doc_to = 0;
}

void lex_doc(struct lexer *l, uint32_t from, uint32_t to) {
  /* A line of documentation continues the one above it when nothing but one newline stands between. */
  bool joined = l->doc_to != 0;
  uint32_t newlines = 0;
  for (uint32_t i = l->doc_to; joined && i < from; i++) newlines += l->text[i] == '\n';
  if (!joined || newlines != 1) l->doc_from = from;
  l->doc_to = to;
}

/* --- words ----------------------------------------------------------------------------------------------------------*/

bool lex_word_check(struct lexer *l, uint32_t from, uint32_t to) {
  bool any = false, bad = false;
  for (uint32_t at = from; at < to;) {
    uint32_t point = 0;
    if (l->text[at] < 0x80) { at++; any = true; continue; }
    size_t bytes = utf8_decode((struct str){ (const char *)l->text + at, to - at }, &point);
    if (bytes == 0) { at++; bad = true; continue; } /* reported by check_utf8 */
    if (utf8_is_name_point(point)) {
      any = true;
    } else {
      bad = true;
      struct diagnostic *d = diag(l->c, DIAG_E0109, span_of(l, at, at + (uint32_t)bytes),
          "`%.*s` has no meaning here", (int)bytes, (const char *)l->text + at);
      if (point == 0x201c || point == 0x201d || point == 0x201e || point == 0xab || point == 0xbb) {
        d->help = STR("texts stand in straight double quotes");
        d->has_fix = true;
        d->fix = (struct fix){ d->span, STR("\"") };
      }
    }
    at += (uint32_t)bytes;
  }
  if (bad) l->faulty = true;
  return any;
}

/* --- strays ---------------------------------------------------------------------------------------------------------*/

void lex_stray(struct lexer *l, struct token *t) {
  static const struct { const char *seen, *meant, *words; int token; } alike[] = {
    { "&&", "and", "write `and`", TOK_AND },
    { "||", "or", "write `or`", TOK_OR },
    { "==", "is", "write `is`", TOK_IS },
    { "!=", "is not", "write `is not`", TOK_NOT_EQUAL },
    { "&", "and", "write `and`", TOK_AND },
    { "|", "or", "write `or`", TOK_OR },
    { "=>", ">=", "write `>=`", TOK_GE },
    { "=<", "<=", "write `<=`", TOK_LE },
    { "<>", "is not", "write `is not`", TOK_NOT_EQUAL },
    { "!", "not ", "write `not`", TOK_NOT },
    { "'", "\"", "texts stand in double quotes", 0 },
  };
  uint32_t from = t->from, to = (uint32_t)(l->cursor - l->text);
  if (lex_alike(l, t)) return;
  if (l->text[from] == '@' && lex_address_alike(l, t)) {
    t->kind = 0;
    return;
  }
  const char *at = (const char *)l->text + from;
  t->kind = 0;
  for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
    size_t n = strlen(alike[i].seen);
    if (strncmp(at, alike[i].seen, n) != 0) continue;
    to = from + (uint32_t)n;
    l->cursor = l->text + to;
    struct diagnostic *d = diag(l->c, DIAG_E0109, span_of(l, from, to), "`%s` has no meaning here", alike[i].seen);
    d->help = str_from_c(alike[i].words);
    d->has_fix = true;
    d->fix = (struct fix){ span_of(l, from, to), str_from_c(alike[i].meant) };
    t->kind = (uint16_t)alike[i].token;
    l->faulty = true;
    return;
  }
  /* A run of one character is one mistake. */
  while (l->text[to] == (unsigned char)*at) to++;
  l->cursor = l->text + to;
  if ((unsigned char)*at < 0x20 || *at == 0x7f)
    diag(l->c, DIAG_E0109, span_of(l, from, to), "the control character 0x%02x has no meaning here", (unsigned)*at);
  else
    diag(l->c, DIAG_E0109, span_of(l, from, to), "`%c` has no meaning here", *at);
  l->faulty = true;
}
