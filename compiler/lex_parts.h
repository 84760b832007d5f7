#ifndef CAMP_COMPILER_LEX_PARTS_H
#define CAMP_COMPILER_LEX_PARTS_H
/* What the lexer's files share: places, classes of characters, amounts of money. Private to lex*.c. */
#include "lex.h"

static inline struct span span_of(const struct lexer *l, uint32_t from, uint32_t to) {
  return (struct span){ l->source, from, to };
}

static inline bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static inline bool is_word(unsigned char c) {
  return c == '_' || c >= 0x80 || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* lex_money.c: what people write for a currency; bytes 0: it is none. Several countries have dollars: what is then taken to go on with
 * is no fix. */
struct currency_word { const char *word; size_t bytes; const char *code; bool several; };
struct currency_word lex_currency_sign(const unsigned char *at);
struct currency_word lex_currency_word(struct str word);
/* digits [. digits] in units of 1/scale, scale a power of ten up to 10000; false when it does not fit exactly. */
bool lex_scaled(struct str digits, int64_t scale, int64_t *out);
/* Reports an amount in another spelling, of this currency and up to `to`, and makes the token money. */
void lex_money_misspelt(struct lexer *l, struct token *t, struct str digits, struct currency_word w, const unsigned char *to);
/* 1,000 EUR: the digits and commas before a currency; false when the commas are a list's. */
bool lex_thousands(struct lexer *l, struct token *t);
/* €100, $ 100: a sign and an amount. */
bool lex_money_alike(struct lexer *l, struct token *t);
/* The token reaches to here, and a mistake in it was reported. */
static inline struct span faulty_to(struct lexer *l, struct token *t, const unsigned char *to) {
  l->faulty = true;
  l->cursor = to;
  t->to = (uint32_t)(to - l->text);
  return span_of(l, t->from, t->to);
}
#endif
