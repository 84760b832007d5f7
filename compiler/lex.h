#ifndef CAMP_COMPILER_LEX_H
#define CAMP_COMPILER_LEX_H
/* From bytes to tokens. Private to the compiler's front end.
 *
 * The lexer slices: a token is a kind and a place, and a value where the text has one. Only a quoted text that holds
 * escapes or indentation is copied. What is wrong in a token is reported here, once; the token is still given, as
 * what it was meant to be, so that parsing can go on. */
#include "compile.h"

/* Kinds are the grammar's TOK_… numbers, and these, which the parser never sees. */
enum { LEX_END = 0, LEX_NEWLINE = 1000, LEX_SEMICOLON, LEX_COLON };

struct token {
  uint32_t from, to;   /* bytes of the source */
  uint16_t kind;
  uint16_t flags;      /* enum token_flag */
  struct value value;  /* what a literal means; behind ## the documentation, as a text */
};
enum token_flag {
  TOKEN_QUOTED = 1,    /* the name or text stood in quotes */
  TOKEN_FAULTY = 2,    /* a mistake in or before it was reported: the syntax error that may follow is not its own */
  TOKEN_TRIPLE = 4     /* the text stood between three quotes */
};

struct lexer {
  struct compilation *c;
  uint32_t source;
  const unsigned char *text, *cursor, *end;
  bool faulty;                /* for the next token's flags */
  uint32_t doc_from, doc_to;  /* ## lines not yet given to a token */
  const unsigned char *line_end, *template_end; /* of the line last searched for }}: the next one, NULL when none is left */
  uint8_t keywords[512];      /* hash to index in keyword_table, +1 */
};

struct keyword { const char *word; uint8_t len; uint16_t token; };
extern const struct keyword keyword_table[];
extern const uint32_t keyword_count;

/* Checks the whole text for what no token may hold (invalid UTF-8, NUL bytes, too long lines) and stands at its start. */
void lexer_init(struct lexer *l, struct compilation *c, uint32_t source);
/* The next token; LEX_END at the end, again and again. */
void lexer_next(struct lexer *l, struct token *t);

void lex_scan(struct lexer *l, struct token *t);                    /* generated from grammar/camp.re */
/* What the generated scanner calls once it knows a token's kind. */
uint16_t lex_keyword(const struct lexer *l, struct str word);       /* TOK_NAME when it is none */
bool lex_word_check(struct lexer *l, uint32_t from, uint32_t to);   /* every code point may stand in a name */
void lex_number(struct lexer *l, struct token *t);
void lex_date(struct lexer *l, struct token *t);
void lex_time(struct lexer *l, struct token *t);
void lex_text(struct lexer *l, struct token *t);
void lex_text_triple(struct lexer *l, struct token *t);
/* A quoted text or an amount of money in another spelling, at t->from; false when it is neither. Moves the cursor behind it. */
bool lex_alike(struct lexer *l, struct token *t);
void lex_stray(struct lexer *l, struct token *t);
/* lex_alike.c: what was meant is certain, and reported with its fix; false when it is something else. All but the last two begin at t->from. */
bool lex_date_alike(struct lexer *l, struct token *t);
bool lex_clock_alike(struct lexer *l, struct token *t, int64_t hour, int64_t minute); /* am or pm at the cursor */
bool lex_zone_alike(struct lexer *l, struct token *t);
struct str lex_unit_alike(struct str word, bool one);                /* `min`: minutes; empty when it is none */
void lex_unit_apart(struct lexer *l, struct token *t, struct str digits, struct str unit);
const unsigned char *lex_word_end(struct lexer *l, const unsigned char *from, const unsigned char *to); /* before a blank or sign of print */
void lex_point_alike(struct lexer *l, struct token *t);              /* that blank or sign; kind 0: a blank */
bool lex_comment_alike(struct lexer *l, struct token *t);
bool lex_address_alike(struct lexer *l, struct token *t);
bool lex_no_text(struct lexer *l);
void lex_doc(struct lexer *l, uint32_t from, uint32_t to);
#endif
