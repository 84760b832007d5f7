/* What a mistaken token was meant to be: the smallest change after which everything fits that stands behind it in its statement.
 *
 * The driver asks here once a mistake is reported, so that one mistake does not take the rest of its statement, and the names that
 * it declares, with it. Not here: reporting; misspelt keywords (parse.c compares letters, this file knows only kinds).
 *
 *   1. Nothing is guessed from one token: each change is played through the parser's tables with what follows, up to
 *      REPAIR_AHEAD_COUNT tokens or the statement's end, and counts only when all of them fit.
 *   2. What is put in is a bracket, a sign or a keyword, never a name or a value: those have a meaning that nobody can guess. */
#include "parse.h"

#include "grammar.h"

static bool opens(uint16_t kind) { return kind == TOK_LBRACE || kind == TOK_LPAREN || kind == TOK_LBRACKET; }
static bool closes(uint16_t kind) { return kind == TOK_RBRACE || kind == TOK_RPAREN || kind == TOK_RBRACKET; }

static bool is_sign(uint16_t kind) {
  switch (kind) {
  case TOK_COMMA: case TOK_DOT: case TOK_EQUALS: case TOK_LT: case TOK_LE: case TOK_GT: case TOK_GE: case TOK_PLUS: case TOK_MINUS:
  case TOK_STAR: case TOK_SLASH: return true;
  default: return opens(kind) || closes(kind);
  }
}

/* Names and values: what carries something that only the author knows. */
static bool is_said(uint16_t kind) {
  switch (kind) {
  case TOK_NAME: case TOK_TEXT: case TOK_LABEL: case TOK_NUMBER: case TOK_PERCENT: case TOK_MONEY: case TOK_DATE: case TOK_TIME:
  case TOK_DATETIME: case TOK_DURATION: return true;
  default: return false;
  }
}

static bool is_bad(uint16_t kind) {
  switch (kind) {
  case TOK_BAD: case TOK_BAD_BLOCK: case TOK_BAD_CAMPAIGN: case TOK_BAD_MEMBERS: case TOK_BAD_MESSAGE: case TOK_BAD_CONTENT: case TOK_BAD_CHANNEL: case TOK_BAD_CONNECTOR: case TOK_BAD_REQUEST: case TOK_BAD_RULE:
  case TOK_BAD_TEST: case TOK_BAD_WAIT: return true;
  default: return false;
  }
}

static bool fits(const void *parser, const uint16_t *tokens, uint32_t count) { return grammar_takes(parser, false, tokens, count) == count; }

static bool deleted(const void *parser, const uint16_t *ahead, uint32_t count) {
  return count > 1 && ahead[0] != TOK_EOL && fits(parser, ahead + 1, count - 1);
}

static bool swapped(const void *parser, const uint16_t *ahead, uint32_t count) {
  uint16_t turned[REPAIR_AHEAD_COUNT];
  if (count < 3 || ahead[0] == ahead[1] || ahead[0] == TOK_EOL || ahead[1] == TOK_EOL) return false;
  memcpy(turned, ahead, count * sizeof *ahead);
  turned[0] = ahead[1];
  turned[1] = ahead[0];
  return fits(parser, turned, count);
}

static uint16_t replaced(const void *parser, const uint16_t *ahead, uint32_t count) {
  uint16_t other[REPAIR_AHEAD_COUNT];
  if (!is_sign(ahead[0])) return 0;
  memcpy(other, ahead, count * sizeof *ahead);
  for (int t = 1; t < grammar_token_count(); t++) {
    other[0] = (uint16_t)t;
    bool alike = is_sign(other[0]) && opens(other[0]) == opens(ahead[0]) && closes(other[0]) == closes(ahead[0]);
    if (alike && t != ahead[0] && fits(parser, other, count)) return other[0];
  }
  return 0;
}

/* The first sign that fits, or the keyword that is the only one. */
static uint16_t inserted(const void *parser, const uint16_t *ahead, uint32_t count) {
  uint16_t more[REPAIR_AHEAD_COUNT + 1], word = 0;
  uint32_t words = 0;
  memcpy(more + 1, ahead, count * sizeof *ahead);
  for (int t = 1; t < grammar_token_count(); t++) {
    more[0] = (uint16_t)t;
    /* An opening bracket needs its end, too: the driver knows where a `{` would have one. */
    if (t == TOK_LPAREN || t == TOK_LBRACKET || (t == TOK_LBRACE && closes(ahead[0]))) continue;
    if (t == TOK_EOL || is_said(more[0]) || is_bad(more[0]) || !fits(parser, more, count + 1)) continue;
    if (is_sign(more[0])) return more[0];
    word = more[0];
    words++;
  }
  return words == 1 ? word : 0;
}

bool repair_swaps_lines(const void *parser, bool back, const uint16_t *ahead, uint32_t count, bool *ends) {
  uint16_t turned[REPAIR_AHEAD_COUNT + 1];
  CHECK(count <= REPAIR_AHEAD_COUNT);
  if (count < 3 || ahead[0] == ahead[1] || ahead[0] == TOK_EOL) return false;
  memcpy(turned + 1, ahead, count * sizeof *ahead);
  turned[0] = ahead[1];
  turned[1] = TOK_EOL;
  turned[2] = ahead[0];
  *ends = grammar_takes(parser, back, turned, count + 1) == count + 1;
  if (*ends || back) return *ends;
  turned[1] = ahead[1];
  turned[2] = ahead[0];
  return fits(parser, turned + 1, count);
}

struct repair repair_find(const void *parser, uint16_t before, const uint16_t *ahead, uint32_t count) {
  CHECK(count > 0 && count <= REPAIR_AHEAD_COUNT);
  bool without = deleted(parser, ahead, count);
  if (without && before == ahead[0]) return (struct repair){ REPAIR_DELETE, 0 };
  uint16_t token = replaced(parser, ahead, count);
  if (token) return (struct repair){ REPAIR_REPLACE, token };
  if (swapped(parser, ahead, count)) return (struct repair){ REPAIR_SWAP, 0 };
  token = inserted(parser, ahead, count);
  if (token) return (struct repair){ REPAIR_INSERT, token };
  return (struct repair){ without ? REPAIR_DELETE : REPAIR_NONE, 0 };
}
