/* The parser's driver: which newlines end a statement, what each mistake is, and where to go on behind it.
 *
 *      lexer --raw tokens--> newline filter --tokens--> [accepted?] --yes--> Lemon's parser --> tree
 *                                                          | no
 *                                                          v
 *                                    report (unless it follows from a reported one)
 *                                    misspelt keyword: take what was meant, go on
 *                                    a declaration at its level: an outer bracket was left open, close it
 *                                    otherwise: unwind, pass over the statement, feed a BAD token
 *
 *   1. A token is given to Lemon's parser only when grammar_accepts said that it will be shifted. So Lemon's own
 *      recovery never runs, and what was expected is asked of the stack as it was before the token, exactly.
 *   2. One mistake, one report: until the statement's end, or until a guess at what was meant has proved itself by the
 *      token behind it, what follows from it stays silent.
 *   3. Brackets are counted here, to LIMIT_PARSE_DEPTH. Every open brace of the parser's stack is in this count, in the same
 *      order, so unwinding to k braces means cutting the count behind the k-th.
 *   4. Each token is read once; recovery never goes back in the text. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

enum { AHEAD_COUNT = 8, INDENT_MAX = 250 };

struct bracket { uint16_t kind, indent; uint32_t from; bool missing; }; /* indent: of the line that it stands on; missing: put in by a repair */

struct driver {
  struct parse p;
  struct lexer lexer;
  void *parser;
  struct token ahead[AHEAD_COUNT]; /* raw tokens read but not taken: a ring */
  uint32_t ahead_first, ahead_count;
  struct bracket brackets[LIMIT_PARSE_DEPTH];
  uint32_t depth, beyond;  /* beyond: brackets that no longer fit */
  uint16_t last;           /* kind of the last token, as the parser took it */
  uint32_t last_to;
  bool panic;              /* passing over a mistaken statement */
  bool begins;             /* the next token is a statement's first */
  struct token first;      /* the statement's first token, as the parser took it */
  struct token second;     /* and the one behind it; kind 0: none yet */
  struct token stopped;    /* where the last recovery ended */
  bool deep_reported;
  struct token before;     /* the token before the last one, as the parser took it */
  struct token joiner;     /* the last `or` or `and` of the statement; kind 0: none */
  struct token taken;      /* the last token */
  uint8_t doubt;           /* tokens until a guess has proved itself and mistakes are reported again; 0: none is open */
  uint32_t line_from;      /* where the line of the token in hand begins */
  struct bracket suspect;  /* a brace whose `}` stands left of it: the one that is really open; kind 0: none */
  uint32_t suspect_end;    /* where that `}` is */
  struct token pushed[2];  /* to be read again before what is ahead, the last one first */
  uint32_t pushed_count;
  uint32_t repaired;       /* where the last repair was, +1: one place is repaired once */
  struct token early;      /* the `}` of the last declaration that closed a block further out than its line; kind 0: none */
  struct token hushed;     /* a mistake that was left to the lexer to tell; to 0: none */
  uint32_t hushed_count;   /* the errors by then */
  bool astray;             /* outside of everything where blocks seem to have ended too early: told once */
  struct taken_list *record; /* for the formatter; NULL: nobody asks */
};

static void take(struct driver *d, uint16_t kind, struct token t);

static void report_open(struct driver *d, uint32_t behind, const char *note);

/* --- looking ahead ----------------------------------------------------------------------------------------------------*/

static struct token *peek(struct driver *d, uint32_t n) {
  while (d->ahead_count <= n) {
    lexer_next(&d->lexer, &d->ahead[(d->ahead_first + d->ahead_count) % AHEAD_COUNT]);
    d->ahead_count++;
  }
  return &d->ahead[(d->ahead_first + n) % AHEAD_COUNT];
}

static void drop(struct driver *d, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (peek(d, i)->kind == LEX_NEWLINE) d->line_from = peek(d, i)->to;
  d->ahead_first = (d->ahead_first + n) % AHEAD_COUNT;
  d->ahead_count -= n;
}

/* Blanks before the first token of the line in hand; more of them than anybody writes count as these. */
static uint16_t indent_of_line(const struct driver *d) {
  uint16_t n = 0;
  while (n < INDENT_MAX && (d->p.text[d->line_from + n] == ' ' || d->p.text[d->line_from + n] == '\t')) n++;
  return n;
}
static bool first_on_line(const struct driver *d, struct token t) { return t.from == d->line_from + indent_of_line(d); }

/* The kind of the next raw token that is no newline; newlines beyond the ring's half are not looked behind. */
static uint16_t peek_solid(struct driver *d, uint32_t n) {
  for (; n < AHEAD_COUNT - 1; n++)
    if (peek(d, n)->kind != LEX_NEWLINE) return peek(d, n)->kind;
  return LEX_NEWLINE;
}

static bool is_word(uint16_t kind) { return kind == TOK_NAME || grammar_fallback(kind) == TOK_NAME; }

/* --- the newline filter -----------------------------------------------------------------------------------------------*/

/* A line that ends so goes on in the next one. */
static bool goes_on(uint16_t last) {
  switch (last) {
    case TOK_PLUS: case TOK_MINUS: case TOK_STAR: case TOK_SLASH: case TOK_LT: case TOK_LE: case TOK_GT: case TOK_GE:
    case TOK_EQUALS: case TOK_NOT_EQUAL: case TOK_COMMA: case TOK_DOT: case TOK_LBRACE: case TOK_THEN: case TOK_WHERE:
    case TOK_AND: case TOK_OR: case TOK_NOT: case TOK_IS: case TOK_IN: case TOK_CONTAINS: case TOK_MATCHES: case TOK_WITH:
    case TOK_ELSE_BLOCK: case TOK_ELSE: case TOK_COMMA_LAST: case TOK_ONE_OF: case TOK_EOL: case 0:
      return true;
    default: return false;
  }
}

/* A line that begins so continues the one above. */
static bool continues(struct driver *d, uint16_t kind) {
  switch (kind) {
    case TOK_ELSE: case TOK_AND: case TOK_OR: case TOK_THEN: case TOK_WHERE: case TOK_WITH: case TOK_AFTER: case TOK_UNLESS:
    case TOK_VIA: return peek(d, 1)->kind != LEX_COLON;
    case TOK_LBRACE: return true;
    case TOK_IF: return peek(d, 1)->kind == TOK_STILL;
    default: return false;
  }
}

static bool begins_statement(uint16_t kind) {
  switch (kind) {
    case TOK_USE: case TOK_EVENT: case TOK_RECORD: case TOK_DEFINE: case TOK_SEGMENT: case TOK_SCORE: case TOK_LIST: case TOK_MESSAGE: case TOK_ZONE:
    case TOK_ALLOW: case TOK_CAMPAIGN: case TOK_WHEN: case TOK_TEST: case TOK_ENTRY: case TOK_GOAL: case TOK_SEND:
    case TOK_JOIN: case TOK_LEAVE: case TOK_TAG: case TOK_UNTAG: case TOK_SET: case TOK_EMIT: case TOK_EXIT:
    case TOK_START: case TOK_STOP: case TOK_SHOW: case TOK_CONTENT: case TOK_IF: case TOK_WAIT: case TOK_EXPECT: case TOK_ON: case TOK_FIXTURE:
    case TOK_TOPIC: case TOK_SUBSCRIBE: case TOK_UNSUBSCRIBE: case TOK_SPLIT: case TOK_REPEAT: case TOK_DO: case TOK_SEQUENCE: return true;
    default: return false;
  }
}

/* What is in hand is a guess at what was meant. It is believed when so many tokens fit: of a word that was replaced, itself
 * and the next; of a token with a mistake in it, itself. */
static void doubt(struct driver *d, uint8_t tokens) {
  if (d->p.quiet && !d->doubt) return; /* the statement's mistake is known already */
  d->p.quiet = true;
  if (d->doubt < tokens) d->doubt = tokens;
}

static bool in_parens(const struct driver *d) {
  return d->depth && d->brackets[d->depth - 1].kind != TOK_LBRACE;
}

/* A keyword of declarations, and behind it what such a declaration goes on with, n tokens ahead. */
static bool declares(struct driver *d, uint16_t kind, uint32_t n) {
  uint16_t after = peek(d, n)->kind;
  bool named = is_word(after) || after == TOK_TEXT;
  switch (kind) {
    case TOK_USE: case TOK_EVENT: case TOK_RECORD: case TOK_LIST: case TOK_MESSAGE: case TOK_CAMPAIGN:
    case TOK_FIXTURE: case TOK_TOPIC: case TOK_SEQUENCE: return named;
    case TOK_DEFINE: case TOK_SEGMENT: return named && peek(d, n + 1)->kind == TOK_EQUALS;
    case TOK_WHEN: return named || after == TOK_LPAREN;
    case TOK_ZONE: case TOK_TEST: return after == TOK_TEXT;
    case TOK_ALLOW: return after == TOK_UNKNOWN;
    case TOK_CONTACT: return after == TOK_LBRACE;
    case TOK_LABEL: return after == TOK_WHEN;
    default: return false;
  }
}

/* `… and` at a line's end, and a declaration at the margin below: the line was not to go on there. */
static bool cut_short(struct driver *d, uint16_t next) {
  uint16_t after = peek(d, 1)->kind;
  return d->depth == 0 && goes_on(d->last) && peek(d, 0)->from == d->line_from &&
         (after == TOK_NAME || after == TOK_TEXT || next == TOK_WHEN) && declares(d, next, 1);
}

/* Passes newlines and semicolons; true when they end a statement. */
static bool passed_end(struct driver *d) {
  bool newline = false, semicolon = false;
  for (;; drop(d, 1)) {
    uint16_t kind = peek(d, 0)->kind;
    if (kind == LEX_NEWLINE) newline = true;
    else if (kind == LEX_SEMICOLON) semicolon = true;
    else break;
    if (peek(d, 0)->flags & TOKEN_FAULTY) doubt(d, 1);
  }
  uint16_t next = peek(d, 0)->kind;
  /* A `)` in the place of a `}` ends nothing before it, as that one would not. */
  bool wrong = (next == TOK_RPAREN || next == TOK_RBRACKET) && d->depth && !in_parens(d) && !semicolon;
  if (wrong) return false;
  if (next == LEX_END) {
    if (in_parens(d) && !d->panic) return false;
    return d->last != TOK_EOL && d->last != 0 && d->last != TOK_LBRACE;
  }
  if (!newline && !semicolon) return false;
  if (d->last == TOK_EOL || d->last == 0 || d->last == TOK_LBRACE || next == TOK_RBRACE) return false;
  if (semicolon) return true;
  if (d->panic && newline && begins_statement(next) && !(goes_on(d->last) && !in_parens(d))) {
    /* A bracket that the mistaken statement left open must not swallow the next one. */
    while (in_parens(d)) d->depth--;
    return true;
  }
  return !in_parens(d) && (cut_short(d, next) || !goes_on(d->last)) && !continues(d, next);
}

/* Behind `last`: a duration, or a number whose unit was forgotten. */
static bool is_window(uint16_t kind) { return kind == TOK_DURATION || kind == TOK_NUMBER; }

/* What a token is by what stands behind it: words that one token of lookahead could not tell apart become one token, or plain
 * names. n: the first token behind it in the ring; *more: how many of those it takes in. */
static uint16_t joined(struct driver *d, uint16_t kind, uint16_t last, uint32_t n, uint32_t *more) {
  uint16_t next = peek(d, n)->kind;
  *more = 0;
  if (next == LEX_COLON && (is_word(kind) || kind == TOK_TEXT)) {
    *more = 1;
    return TOK_LABEL;
  }
  switch (kind) {
    case TOK_IN:
      if (next != TOK_LAST || !is_window(peek(d, n + 1)->kind)) return kind;
      *more = 1;
      return TOK_IN_LAST;
    case TOK_COMMA: {
      uint32_t at = n;
      while (in_parens(d) && at < AHEAD_COUNT - 2 && peek(d, at)->kind == LEX_NEWLINE) at++;
      if (peek(d, at)->kind != TOK_LAST || !is_window(peek(d, at + 1)->kind)) return kind;
      *more = at - n + 1;
      return TOK_COMMA_LAST;
    }
    case TOK_ONE:
      *more = next == TOK_OF;
      return next == TOK_OF ? TOK_ONE_OF : kind;
    case TOK_NOTHING:
      *more = next == TOK_ELSE;
      return next == TOK_ELSE ? TOK_NOTHING_ELSE : kind;
    case TOK_SCORE: { /* an event or a list may bear this name */
      uint16_t after = peek(d, n + 1)->kind;
      bool known = after == TOK_PLUS || after == TOK_MINUS || after == TOK_LBRACE || after == TOK_PASSES;
      return (is_word(next) || next == TOK_TEXT) && known ? kind : TOK_NAME;
    }
    case TOK_TIME_WORD:
      *more = next == TOK_SINCE;
      return next == TOK_SINCE ? TOK_TIME_SINCE : kind;
    case TOK_ANY: case TOK_EVERY: case TOK_NO:
      return is_word(next) && peek(d, n + 1)->kind == TOK_IN && peek(d, n + 2)->kind != TOK_LAST ? TOK_ANY_IN : kind;
    case TOK_ELSE: {
      uint16_t solid = peek_solid(d, n);
      return solid == TOK_LBRACE || solid == TOK_IF ? TOK_ELSE_BLOCK : kind;
    }
    case TOK_CODE: case TOK_COUNT: case TOK_SUM: case TOK_AVERAGE: case TOK_MIN: case TOK_MAX: return next != TOK_LPAREN ? TOK_NAME : kind;
    case TOK_FIRST: case TOK_LAST:
      return next != TOK_LPAREN && last != TOK_TIME_SINCE && last != TOK_SINCE && last != TOK_THE ? TOK_NAME : kind;
    default: return kind;
  }
}

/* `wait pause`: a parameter in the place of a duration. Only where the statement's end or its block may follow, so that a misspelt word
 * of another kind of wait is still found there. */
static bool names_span(struct driver *d, uint16_t next) {
  bool place = d->last == TOK_WAIT || d->last == TOK_AFTER || (d->last == TOK_TO && d->before.kind == TOK_UP) ||
               (d->last == TOK_EVERY && d->before.kind == TOK_TIMES);
  if (!place) return false;
  switch (next) {
    case LEX_NEWLINE: case LEX_SEMICOLON: case LEX_END: case TOK_RBRACE: case TOK_LBRACE: case TOK_COMMA: case TOK_ELSE: case TOK_UNLESS:
    case TOK_IF: return true;
    default: return false;
  }
}

static void join(struct driver *d, struct token *t) {
  uint32_t more;
  while (t->kind == TOK_COMMA && in_parens(d) && peek(d, 0)->kind == LEX_NEWLINE) drop(d, 1);
  uint16_t kind = joined(d, t->kind, d->last, 0, &more);
  if (more && kind != TOK_LABEL) t->to = peek(d, more - 1)->to;
  t->kind = kind;
  drop(d, more);
  if (is_word(t->kind) && names_span(d, peek(d, 0)->kind) && !grammar_accepts(d->parser, t->kind)) t->kind = TOK_SPAN_NAME;
}

static struct token next(struct driver *d) {
  if (d->pushed_count) return d->pushed[--d->pushed_count];
  for (;;) {
    if (passed_end(d)) return (struct token){ .kind = TOK_EOL, .from = d->last_to, .to = d->last_to };
    struct token t = *peek(d, 0);
    if (t.kind == LEX_END) return t;
    drop(d, 1);
    if (t.flags & TOKEN_FAULTY) doubt(d, 1);
    if (t.kind == TOK_TEXT && d->p.text[t.from] == '"' && (t.to == t.from + 1 || d->p.text[t.to - 1] != '"')) { /* without its end: nobody knows what else of the line it took */
      d->p.quiet = true;
      d->doubt = 0;
    }
    if (t.kind == TOK_COMMA) {
      uint16_t behind = peek_solid(d, 0);
      if (behind == TOK_RBRACE || behind == TOK_RBRACKET) continue; /* a last comma is no mistake */
    }
    join(d, &t);
    return t;
  }
}

/* Counts brackets. Closing one that is not on top closes nothing, but a brace ends what was left open inside it. */
static void track(struct driver *d, struct token t) {
  uint16_t opener = 0;
  switch (t.kind) {
    case TOK_LBRACE: case TOK_LPAREN: case TOK_LBRACKET:
      if (d->depth == LIMIT_PARSE_DEPTH) d->beyond++;
      else d->brackets[d->depth++] = (struct bracket){ t.kind, indent_of_line(d), t.from, false };
      return;
    case TOK_RBRACE: opener = TOK_LBRACE; break;
    case TOK_RPAREN: opener = TOK_LPAREN; break;
    case TOK_RBRACKET: opener = TOK_LBRACKET; break;
    default: return;
  }
  if (d->beyond) {
    d->beyond--;
    return;
  }
  uint32_t depth = d->depth;
  if (opener == TOK_LBRACE) while (depth && d->brackets[depth - 1].kind != TOK_LBRACE) depth--;
  if (!depth || d->brackets[depth - 1].kind != opener) return;
  d->depth = depth - 1;
  struct bracket *b = &d->brackets[d->depth];
  bool inside = d->last == TOK_RBRACE && t.kind == TOK_RBRACE && indent_of_line(d) > b->indent;
  if (inside && !d->early.kind && b->from < d->line_from) d->early = t;
  if (d->depth == 0) {
    d->suspect.kind = 0;
  } else if (t.kind == TOK_RBRACE && !d->suspect.kind && !b->missing && first_on_line(d, t) && indent_of_line(d) < b->indent) {
    d->suspect = *b;
    d->suspect_end = t.from;
  }
}

/* `when then …`, `a and and b`: a joining word where an event or a value should stand, and behind it what cannot follow a
 * name. Such a word is no name, although one may bear it. */
static bool joins_nothing(struct driver *d, uint16_t kind) {
  if (kind != TOK_THEN && kind != TOK_AND && kind != TOK_OR) return false;
  switch (d->last) {
    case TOK_WHEN: case TOK_AND: case TOK_OR: case TOK_NOT: case TOK_WHERE: case TOK_IF: break;
    default: return false;
  }
  uint16_t after = peek(d, 0)->kind;
  return after == TOK_NAME || after == TOK_CONTACT || after == TOK_COUNT || after == TOK_SUM || after == TOK_DID ||
         after == TOK_LBRACE || after == TOK_TEXT || after == TOK_NUMBER || begins_statement(after);
}

/* --- what was expected ------------------------------------------------------------------------------------------------*/

static const struct { uint16_t token; const char *words; } token_words[] = {
  { TOK_NAME, "a name" }, { TOK_TEXT, "a text in quotes" }, { TOK_LABEL, "a name and `:`" },
  { TOK_DURATION, "a duration such as `7d`" }, { TOK_NUMBER, "a number" }, { TOK_PERCENT, "a percentage such as `25%`" },
  { TOK_MONEY, "an amount such as `40 EUR`" },
  { TOK_ORDINAL, "a day such as `1st`" }, { TOK_DATE, "a date such as `2026-12-24`" },
  { TOK_TIME, "a time such as `09:00`" }, { TOK_DATETIME, "a moment such as `2026-12-24 18:00`" },
  { TOK_LBRACE, "`{`" }, { TOK_RBRACE, "`}`" }, { TOK_LPAREN, "`(`" }, { TOK_RPAREN, "`)`" }, { TOK_LBRACKET, "`[`" },
  { TOK_RBRACKET, "`]`" }, { TOK_COMMA, "`,`" }, { TOK_DOT, "`.`" }, { TOK_EQUALS, "`=`" }, { TOK_IN_LAST, "`in last`" },
  { TOK_COMMA_LAST, "`, last` and a duration" }, { TOK_ONE_OF, "`one of`" }, { TOK_TIME_SINCE, "`time since`" },
  { TOK_ELSE_BLOCK, "`else`" }, { TOK_EOL, "the end of the line" }, { TOK_LT, "`<`" }, { TOK_LE, "`<=`" },
  { TOK_GT, "`>`" }, { TOK_GE, "`>=`" }, { TOK_PLUS, "`+`" }, { TOK_MINUS, "`-`" }, { TOK_STAR, "`*`" },
  { TOK_SLASH, "`/`" }, { TOK_BAR, "`|`" }, { TOK_NOTHING_ELSE, "`nothing else`" }, { TOK_ANY_IN, "`any`" },
};

/* Sets that people know by one word. The first `need` tokens tell that the set is there; all of them are then said. */
struct group { const char *words; uint32_t need; uint16_t tokens[34]; };
static const struct group groups[] = {
  { "a declaration", 4, { TOK_CAMPAIGN, TOK_EVENT, TOK_DEFINE, TOK_SEGMENT, TOK_SCORE, TOK_WHEN, TOK_USE, TOK_RECORD, TOK_CONTACT, TOK_LIST,
      TOK_MESSAGE, TOK_ZONE, TOK_ALLOW, TOK_TEST, TOK_FIXTURE, TOK_SEQUENCE, TOK_LABEL, TOK_CONTENT, TOK_TOPIC } },
  { "a clause such as `goal`", 2, { TOK_ENTRY, TOK_GOAL, TOK_ENDS, TOK_ON } },
  { "a statement", 4, { TOK_SCORE, TOK_SEND, TOK_JOIN, TOK_WAIT, TOK_IF, TOK_LEAVE, TOK_TAG, TOK_UNTAG, TOK_SET, TOK_EMIT, TOK_EXIT,
      TOK_START, TOK_STOP, TOK_SHOW, TOK_SUBSCRIBE, TOK_UNSUBSCRIBE,
      TOK_SPLIT, TOK_REPEAT, TOK_FOR, TOK_DO } },
  { "a step of the test", 4, { TOK_EXPECT, TOK_AT, TOK_CONTACT, TOK_NAME, TOK_GIVEN, TOK_CASES, TOK_PAUSE, TOK_RESUME } },
  { "a moment such as `2026-12-24 18:00` or `contact.birthday`, a time such as `09:00`, a weekday", 3,
      { TOK_MONDAY, TOK_NUMBER, TOK_LPAREN, TOK_TUESDAY, TOK_WEDNESDAY, TOK_THURSDAY, TOK_FRIDAY, TOK_SATURDAY, TOK_SUNDAY,
        TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE,
        TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST, TOK_LAST, TOK_TIME_SINCE } },
  { "a value, list or record", 3, { TOK_DID, TOK_LBRACE, TOK_LBRACKET, TOK_NUMBER, TOK_LPAREN, TOK_NO, TOK_NOT, TOK_ANY_IN,
      TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS,
      TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST, TOK_LAST, TOK_TIME_SINCE, TOK_CONSENTS } },
  { "a condition", 3, { TOK_DID, TOK_NUMBER, TOK_LPAREN, TOK_NO, TOK_NOT, TOK_ANY_IN, TOK_NAME, TOK_TEXT, TOK_PERCENT,
      TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM,
      TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST, TOK_LAST, TOK_TIME_SINCE, TOK_CONSENTS } },
  { "a comparison", 3, { TOK_NOT, TOK_NUMBER, TOK_LPAREN, TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME,
      TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX,
      TOK_FIRST, TOK_LAST, TOK_TIME_SINCE, TOK_CONSENTS } },
  { "a value", 3, { TOK_NUMBER, TOK_LPAREN, TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME,
      TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST,
      TOK_LAST, TOK_TIME_SINCE } },
  { "an event", 3, { TOK_SCORE, TOK_ENTERS, TOK_NAME, TOK_TEXT, TOK_LEAVES, TOK_CONTACT, TOK_LPAREN } },
  { "a weekday", 2, { TOK_MONDAY, TOK_TUESDAY, TOK_WEDNESDAY, TOK_THURSDAY, TOK_FRIDAY, TOK_SATURDAY, TOK_SUNDAY } },
  { "an operator", 3, { TOK_IS, TOK_LT, TOK_PLUS, TOK_LE, TOK_GT, TOK_GE, TOK_NOT_EQUAL, TOK_CONTAINS, TOK_STARTS, TOK_ENDS,
      TOK_MATCHES, TOK_IN, TOK_NOT, TOK_MINUS, TOK_STAR, TOK_SLASH, TOK_ELSE, TOK_DOT } },
  { "an operator", 2, { TOK_PLUS, TOK_MINUS, TOK_STAR, TOK_SLASH, TOK_ELSE, TOK_DOT } },
  { "a name", 2, { TOK_NAME, TOK_TEXT } },
  { NULL, 0, { 0 } },
};

enum { TOKENS_MAX = 400, WORDS_MAX = 64 };

static const char *words_of(struct driver *d, uint16_t token) {
  for (size_t i = 0; i < sizeof token_words / sizeof *token_words; i++)
    if (token_words[i].token == token) return token_words[i].words;
  for (uint32_t i = 0; i < keyword_count; i++)
    if (keyword_table[i].token == token) return arena_printf(&d->p.c->arena, "`%s`", keyword_table[i].word).ptr;
  return NULL; /* the BAD tokens, which no one writes */
}

static void expected_set(struct driver *d, bool set[TOKENS_MAX]) {
  CHECK(grammar_token_count() < TOKENS_MAX);
  memset(set, 0, TOKENS_MAX);
  for (int t = 1; t < grammar_token_count(); t++) set[t] = grammar_accepts(d->parser, t);
}

static struct str expected_words(struct driver *d, const bool accepted[TOKENS_MAX]) {
  const char *words[WORDS_MAX];
  size_t count = 0;
  bool set[TOKENS_MAX];
  memcpy(set, accepted, TOKENS_MAX);
  for (const struct group *g = groups; g->words; g++) {
    bool there = true;
    for (uint32_t i = 0; i < g->need; i++) there = there && set[g->tokens[i]];
    if (!there) continue;
    for (uint32_t i = 0; i < sizeof g->tokens / sizeof *g->tokens && g->tokens[i]; i++) set[g->tokens[i]] = false;
    words[count++] = g->words;
  }
  for (int t = 1; t < grammar_token_count() && count < WORDS_MAX; t++) {
    const char *w = set[t] ? words_of(d, (uint16_t)t) : NULL;
    if (w) words[count++] = w;
  }
  struct buf b;
  buf_init(&b, 1 << 16);
  for (size_t i = 0; i < count; i++) {
    if (i) buf_c(&b, i + 1 == count ? " or " : ", ");
    buf_c(&b, words[i]);
  }
  struct str out = arena_str(&d->p.c->arena, buf_as_str(&b));
  buf_deinit(&b);
  return out;
}

/* Later stages hear of a statement that they cannot know whole. `behind` is where what is known of it ends. */
static void torn_add(struct driver *d, struct token first, uint32_t behind) {
  if (d->p.c->torn.count >= LIMIT_DIAGNOSTICS_COUNT) return;
  bool declares = !begins_statement(first.kind) || first.kind == TOK_EVENT || first.kind == TOK_RECORD || first.kind == TOK_DEFINE ||
                  first.kind == TOK_LIST || first.kind == TOK_MESSAGE || first.kind == TOK_CAMPAIGN;
  struct torn torn = { { d->p.source, first.from, behind }, declares };
  if (behind > first.from) VEC_PUSH(&d->p.c->arena, &d->p.c->torn, torn);
}

/* --- repairs ----------------------------------------------------------------------------------------------------------*/

/* The kind and those of what stands behind it, from the n-th raw token on, at most to the statement's end. */
static uint32_t look_ahead(struct driver *d, uint16_t first, uint32_t n, uint16_t ahead[REPAIR_AHEAD_COUNT]) {
  uint32_t count = 0, more;
  uint16_t last = ahead[count++] = first;
  if (first == TOK_EOL) return count;
  while (count < REPAIR_AHEAD_COUNT && n + 3 < AHEAD_COUNT) {
    uint16_t kind = peek(d, n)->kind;
    if (kind == LEX_NEWLINE && (goes_on(last) || in_parens(d) || last == TOK_LBRACE || last == TOK_LPAREN || last == TOK_LBRACKET)) {
      n++;
      continue;
    }
    if (kind == LEX_NEWLINE || kind == LEX_SEMICOLON || kind == LEX_END) {
      /* A `}` on the next line ends the block, and the statement with it, without a word. */
      uint16_t solid = kind == LEX_END ? LEX_END : peek_solid(d, n + 1);
      ahead[count++] = solid == TOK_RBRACE ? TOK_RBRACE : TOK_EOL;
      break;
    }
    kind = joined(d, kind, last, n + 1, &more);
    n += 1 + more;
    if (kind >= LEX_NEWLINE) break; /* a colon where none belongs */
    ahead[count++] = last = kind;
  }
  return count;
}

static uint16_t indent_at(const struct driver *d, uint32_t at) {
  while (at && d->p.text[at - 1] != '\n') at--;
  uint16_t n = 0;
  while (n < INDENT_MAX && (d->p.text[at + n] == ' ' || d->p.text[at + n] == '\t')) n++;
  return n;
}

/* The line ended where a block was to begin, and the next one is indented: the brace was forgotten. */
static bool brace_forgotten(struct driver *d, struct token t) {
  return t.kind == TOK_EOL && grammar_accepts(d->parser, TOK_LBRACE) && peek(d, 0)->from >= d->line_from &&
         indent_of_line(d) > indent_at(d, d->last_to ? d->last_to - 1 : 0);
}

/* Whether a block that is put in before t would have its end: a `}` of this line that closes nothing else, or a next line that stands
 * further in. */
static bool block_would_end(const struct driver *d, struct token t) {
  bool inside = false;
  int open = 0;
  const char *at = d->p.text + t.from;
  for (; *at && (*at != '\n'); at++) {
    if (inside && *at == '\\' && at[1]) at++;
    else if (*at == '"') inside = !inside;
    else if (inside) continue;
    else if (*at == '#') break;
    else if (*at == '{') open++;
    else if (*at == '}' && open-- == 0) return true;
  }
  while (*at && *at != '\n') at++;
  while (*at == '\n' || *at == '\r') at++;
  return *at && indent_at(d, (uint32_t)(at - d->p.text)) > indent_at(d, t.from);
}

/* What a hand that slips writes for the colon behind a name. */
static bool ends_label(uint16_t kind) { return kind == LEX_SEMICOLON || kind == TOK_EQUALS || kind == TOK_DOT || kind == TOK_COMMA; }

/* `price money`, `price; money`: a name that should bear a colon. */
static bool colon_forgotten(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT];
  if (!(is_word(t.kind) || t.kind == TOK_TEXT) || !grammar_accepts(d->parser, TOK_LABEL)) return false;
  uint32_t count = look_ahead(d, TOK_LABEL, ends_label(peek(d, 0)->kind) ? 1 : 0, ahead);
  return count > 1 && grammar_takes(d->parser, false, ahead, count) == count;
}

/* The innermost block was to end before this line, which stands no further in than the line that opened it. */
static bool block_left_open(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT], closed[REPAIR_AHEAD_COUNT + 2] = { TOK_RBRACE, TOK_EOL };
  if (!d->depth || in_parens(d) || d->last != TOK_EOL || !first_on_line(d, t) || indent_of_line(d) > d->brackets[d->depth - 1].indent)
    return false;
  uint32_t count = look_ahead(d, t.kind, 0, ahead);
  memcpy(closed + 2, ahead, count * sizeof *ahead);
  return grammar_takes(d->parser, true, closed, count + 2) == count + 2;
}

/* `send a wait ; 3d`: the statement's end stands one token too late. */
static bool end_swapped(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT] = { TOK_EOL }, behind[REPAIR_AHEAD_COUNT];
  if (peek(d, 0)->kind != LEX_SEMICOLON || t.kind == TOK_EOL) return false;
  uint32_t count = look_ahead(d, t.kind, 1, behind);
  if (count == REPAIR_AHEAD_COUNT) count--;
  memcpy(ahead + 1, behind, count * sizeof *behind);
  return count > 1 && grammar_takes(d->parser, false, ahead, count + 1) == count + 1;
}

/* t ends a line, and was to stand behind the first token of the next one. */
static bool lines_swapped(struct driver *d, struct token t, bool *ends) {
  uint16_t ahead[REPAIR_AHEAD_COUNT];
  uint32_t n = 0;
  while (n < AHEAD_COUNT - 4 && peek(d, n)->kind == LEX_NEWLINE) n++;
  if (n == 0 || peek(d, n)->kind >= LEX_NEWLINE || peek(d, n)->kind == LEX_END) return false;
  ahead[0] = t.kind;
  uint16_t behind[REPAIR_AHEAD_COUNT];
  uint32_t more, count;
  uint16_t kind = joined(d, peek(d, n)->kind, t.kind, n + 1, &more);
  count = look_ahead(d, kind, n + 1 + more, behind);
  if (count == REPAIR_AHEAD_COUNT) count--;
  memcpy(ahead + 1, behind, count * sizeof *behind);
  if (repair_swaps_lines(d->parser, false, ahead, count + 1, ends)) return true;
  /* `a: text ⏎ list ⏎ } vip`: the `}` needs no end of statement before it. */
  return kind == TOK_RBRACE && d->last == TOK_EOL && repair_swaps_lines(d->parser, true, ahead, count + 1, ends);
}

/* `ann purchase amount { : 10 EUR`, `a , : 1`: the name of a property, and what was to stand before it. */
static bool label_swapped(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT], behind[REPAIR_AHEAD_COUNT], before = peek(d, 0)->kind;
  if (!(is_word(t.kind) || t.kind == TOK_TEXT) || peek(d, 1)->kind != LEX_COLON) return false;
  if (before != TOK_LBRACE && before != TOK_COMMA && before != LEX_SEMICOLON) return false;
  uint32_t count = look_ahead(d, TOK_LABEL, 2, behind);
  if (count == REPAIR_AHEAD_COUNT) count--;
  ahead[0] = before == LEX_SEMICOLON ? TOK_EOL : before;
  memcpy(ahead + 1, behind, count * sizeof *behind);
  return count > 1 && grammar_takes(d->parser, false, ahead, count + 1) == count + 1;
}

/* `} else ( …`: a block's brace, misspelt, which made another word of the `else`. */
static bool else_block(struct driver *d, struct token t) {
  uint16_t next = peek(d, 0)->kind;
  return t.kind == TOK_ELSE && (next == TOK_LPAREN || next == TOK_LBRACKET) && grammar_accepts(d->parser, TOK_ELSE_BLOCK);
}

static struct repair repair_at(struct driver *d, struct token t) {
  static const struct repair none = { REPAIR_NONE, 0 };
  uint16_t ahead[REPAIR_AHEAD_COUNT];
  if (d->repaired == t.from + 1 || d->depth == LIMIT_PARSE_DEPTH || d->beyond) return none;
  if (brace_forgotten(d, t)) return (struct repair){ REPAIR_INSERT, TOK_LBRACE };
  if (colon_forgotten(d, t)) return (struct repair){ REPAIR_REPLACE, TOK_LABEL };
  if (label_swapped(d, t)) return (struct repair){ REPAIR_LABEL, 0 };
  if (else_block(d, t)) return (struct repair){ REPAIR_ELSE, 0 };
  if (block_left_open(d, t)) return (struct repair){ REPAIR_CLOSE, TOK_RBRACE };
  struct repair r = repair_find(d->parser, d->last, ahead, look_ahead(d, t.kind, 0, ahead));
  bool ends = false;
  if (r.kind == REPAIR_SWAP || r.kind == REPAIR_REPLACE) return r;
  if (r.kind == REPAIR_INSERT && r.token == TOK_LBRACE && !block_would_end(d, t)) r.kind = REPAIR_NONE;
  if (end_swapped(d, t)) r = (struct repair){ REPAIR_END, TOK_EOL };
  else if (lines_swapped(d, t, &ends)) r = (struct repair){ REPAIR_SWAP_LINES, ends ? TOK_EOL : 0 };
  return r;
}

/* Does what was found; returns the token to go on with. What stood before the mistake is taken for what it was read as, which it
 * need not be, so later stages do not speak of it. */
static struct token repair_do(struct driver *d, struct token t, struct repair r) {
  uint32_t behind = peek(d, 0)->kind < LEX_NEWLINE && peek(d, 0)->kind != LEX_END ? peek(d, 0)->to : t.to;
  if (r.kind != REPAIR_CLOSE) torn_add(d, d->begins ? t : d->first, behind);
  d->repaired = t.from + 1;
  switch ((enum repair_kind)r.kind) {
    case REPAIR_SWAP: {
      struct token other = next(d);
      d->pushed[d->pushed_count++] = t;
      t = other;
      break;
    }
    case REPAIR_LABEL: {
      struct token other = *peek(d, 0);
      if (other.kind == LEX_SEMICOLON) other.kind = TOK_EOL;
      drop(d, 2);
      t.kind = TOK_LABEL;
      d->pushed[d->pushed_count++] = t;
      t = other;
      break;
    }
    case REPAIR_ELSE: {
      struct token brace = *peek(d, 0);
      drop(d, 1);
      brace.kind = TOK_LBRACE;
      d->pushed[d->pushed_count++] = brace;
      t.kind = TOK_ELSE_BLOCK;
      break;
    }
    case REPAIR_SWAP_LINES: {
      if (peek_solid(d, 0) == TOK_RBRACE && d->last == TOK_EOL && !grammar_accepts(d->parser, TOK_RBRACE)) grammar_back(d->parser);
      while (peek(d, 0)->kind == LEX_NEWLINE) drop(d, 1);
      struct token other = *peek(d, 0);
      drop(d, 1);
      join(d, &other);
      d->pushed[d->pushed_count++] = t;
      if (r.token == TOK_EOL) d->pushed[d->pushed_count++] = (struct token){ .kind = TOK_EOL, .from = other.to, .to = other.to };
      t = other;
      break;
    }
    case REPAIR_END:
      drop(d, 1);
      d->pushed[d->pushed_count++] = t;
      t = (struct token){ .kind = TOK_EOL, .from = d->last_to, .to = d->last_to };
      break;
    case REPAIR_CLOSE: {
      struct token missing = { .kind = TOK_RBRACE, .from = d->last_to, .to = d->last_to };
      grammar_back(d->parser);
      track(d, missing);
      take(d, TOK_RBRACE, missing);
      take(d, TOK_EOL, (struct token){ .kind = TOK_EOL, .from = d->last_to, .to = d->last_to });
      return t; /* a statement of its own, of which nothing is wrong */
    }
    case REPAIR_DELETE:
      t = next(d);
      break;
    case REPAIR_INSERT: {
      struct token missing = { .kind = r.token, .from = t.from, .to = t.from };
      track(d, missing);
      if (r.token == TOK_LBRACE && d->depth) d->brackets[d->depth - 1].missing = true;
      take(d, r.token, missing);
      if (t.kind == TOK_EOL) t = next(d);
      break;
    }
    case REPAIR_REPLACE:
      if (r.token == TOK_LABEL && ends_label(peek(d, 0)->kind)) drop(d, 1);
      t.kind = r.token;
      break;
    case REPAIR_NONE: break;
  }
  d->p.quiet = true; /* to the statement's end: what it says now is a guess */
  d->doubt = 0;
  return t;
}

/* --- reports ----------------------------------------------------------------------------------------------------------*/

static struct str token_text(const struct driver *d, struct token t) {
  return (struct str){ d->p.text + t.from, t.to - t.from };
}

/* The keyword that a plain name was probably meant to be, among those that could stand there. */
static const struct keyword *meant(struct driver *d, struct token t, const bool set[TOKENS_MAX]) {
  struct nearest near = nearest_of(token_text(d, t));
  const struct keyword *best = NULL;
  for (uint32_t i = 0; i < keyword_count; i++) {
    if (!set[keyword_table[i].token] && !(keyword_table[i].token == TOK_ELSE && set[TOK_ELSE_BLOCK])) continue;
    struct str before = near.best;
    nearest_try(&near, (struct str){ keyword_table[i].word, keyword_table[i].len });
    if (near.best.ptr != before.ptr) best = &keyword_table[i];
  }
  return best;
}

static void suggest(struct driver *d, struct diagnostic *diagnostic, struct token t, const char *word) {
  diagnostic->help = arena_printf(&d->p.c->arena, "did you mean `%s`?", word);
  diagnostic->has_fix = true;
  diagnostic->fix = (struct fix){ span_of(&d->p, t), str_from_c(word) };
}

/* The comparison after `where` ended, and another was begun: the one mistake that everybody makes once. */
static bool second_comparison(const struct driver *d, struct token t, const bool set[TOKENS_MAX]) {
  uint32_t from = d->first.from;
  struct str head = { d->p.text + from, t.from - from };
  bool where = head.len > 0 && head.len < 4096 && memmem(head.ptr, head.len, "where ", 6);
  if (!where) return false;
  if (t.kind == TOK_AND || t.kind == TOK_OR) return set[TOK_RPAREN] || set[TOK_COMMA_LAST];
  bool compares = t.kind == TOK_IS || t.kind == TOK_LT || t.kind == TOK_LE || t.kind == TOK_GT || t.kind == TOK_GE ||
                  t.kind == TOK_CONTAINS || t.kind == TOK_STARTS || t.kind == TOK_ENDS || t.kind == TOK_MATCHES ||
                  t.kind == TOK_IN || t.kind == TOK_NOT_EQUAL;
  return compares && set[TOK_WHERE];
}

/* `wait until funday 10:00`: the word before the time was to be a weekday. */
static bool report_weekday(struct driver *d, struct token t) {
  if (t.kind != TOK_TIME || d->taken.kind != TOK_NAME || d->before.kind != TOK_UNTIL) return false;
  struct str text = token_text(d, d->taken);
  struct nearest near = nearest_of(text);
  for (uint32_t i = 0; i < keyword_count; i++)
    if (keyword_table[i].token >= TOK_MONDAY && keyword_table[i].token <= TOK_SUNDAY)
      nearest_try(&near, (struct str){ keyword_table[i].word, keyword_table[i].len });
  struct diagnostic *g = diag(d->p.c, DIAG_E0201, span_of(&d->p, d->taken), "`%.*s` is no weekday",
                              (int)(text.len > 60 ? 60 : text.len), text.ptr);
  g->expected = STR("`monday`, `tuesday`, `wednesday`, `thursday`, `friday`, `saturday` or `sunday`");
  if (near.best.len) suggest(d, g, d->taken, near.best.ptr);
  return true;
}
_Static_assert(TOK_SUNDAY == TOK_MONDAY + 6, "the weekdays stand side by side in the grammar");

/* `EUR 100` and `1,000`: an amount the wrong way round, and a comma between thousands. */
static bool report_number(struct driver *d, struct token t) {
  struct str before = token_text(d, d->taken), text = token_text(d, t);
  struct arena *a = &d->p.c->arena;
  struct span both = { d->p.source, d->taken.from, t.to };
  struct str right;
  if (t.kind == TOK_NUMBER && d->taken.kind == TOK_NAME &&
      (str_is(before, "EUR") || str_is(before, "USD") || str_is(before, "GBP") || str_is(before, "CHF"))) {
    right = arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(text), STR_ARG(before));
  } else if (t.kind == TOK_COMMA && d->taken.kind == TOK_NUMBER && d->taken.to == t.from && peek(d, 0)->kind == TOK_NUMBER &&
             peek(d, 0)->from == t.to && peek(d, 0)->to == t.to + 3) {
    right = arena_printf(a, STR_FMT "%.*s", STR_ARG(before), 3, d->p.text + t.to);
    both.to = t.to + 3;
  } else {
    return false;
  }
  struct str said = { d->p.text + both.from, both.to - both.from };
  struct diagnostic *g = diag(d->p.c, DIAG_E0201, both, "`%.*s` cannot stand here", (int)(said.len > 60 ? 60 : said.len), said.ptr);
  g->help = arena_printf(a, "did you mean `" STR_FMT "`?", STR_ARG(right));
  g->has_fix = true;
  g->fix = (struct fix){ both, right };
  return true;
}

/* `channel: email`: the word is right, and takes no colon. */
static void report_colon(struct driver *d, struct token t) {
  uint32_t at = t.to;
  while (d->p.text[at] != ':' && d->p.text[at]) at++;
  struct span colon = { d->p.source, at, at + 1 };
  struct diagnostic *g = diag(d->p.c, DIAG_E0201, colon, "`%.*s` takes no `:`", (int)(t.to - t.from), d->p.text + t.from);
  g->has_fix = true;
  g->fix = (struct fix){ colon, STR("") };
}

/* A text of this line has no end: what looks wrong before it was perhaps meant to stand inside it. The lexer says so. */
static bool torn_text_ahead(const struct driver *d, struct token t) {
  bool inside = false;
  for (const char *at = d->p.text + t.to; *at && *at != '\n'; at++) {
    if (inside && *at == '\\' && at[1]) at++;
    else if (*at == '"') inside = !inside;
    else if (*at == '#' && !inside) break;
  }
  return inside;
}

/* Says what the repair makes of it. */
static void suggest_repair(struct driver *d, struct diagnostic *g, struct token t, struct repair r) {
  struct arena *a = &d->p.c->arena;
  struct str text = token_text(d, t), other = token_text(d, *peek(d, 0));
  const char *word = r.token && r.token != TOK_LABEL ? words_of(d, r.token) : NULL;
  if (g->help.len || t.kind == TOK_EOL || text.len > 60 || other.len > 60) return;
  if (r.kind == REPAIR_SWAP) {
    g->help = arena_printf(a, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(other), STR_ARG(text));
  } else if (r.kind == REPAIR_DELETE && d->taken.to && str_eq(text, token_text(d, d->taken))) {
    g->help = arena_printf(a, "`" STR_FMT "` stands here twice", STR_ARG(text));
    g->has_fix = true;
    g->fix = (struct fix){ { d->p.source, d->taken.to, t.to }, STR("") };
  } else if (r.kind == REPAIR_REPLACE && r.token == TOK_LABEL) {
    g->help = arena_printf(a, "a `:` belongs behind `" STR_FMT "`", STR_ARG(text));
  } else if (r.kind == REPAIR_REPLACE && word) {
    g->help = arena_printf(a, "did you mean %s?", word);
  } else if (r.kind == REPAIR_INSERT && word && *word == '`') {
    g->help = arena_printf(a, "perhaps %s is missing before it", word);
  }
}

/* Reports the mistake at t. Returns the token to take in its place when that is plain, else 0. */
static uint16_t report(struct driver *d, struct token t, struct repair *r) {
  struct compilation *c = d->p.c;
  bool set[TOKENS_MAX];
  expected_set(d, set);
  struct span span = span_of(&d->p, t);
  struct str text = token_text(d, t);
  struct diagnostic *g;
  *r = (struct repair){ REPAIR_NONE, 0 };
  if (torn_text_ahead(d, t)) {
    if (!d->hushed.to) d->hushed = t;
    d->hushed_count = c->error_count;
    return 0;
  }
  if (second_comparison(d, t, set)) {
    bool joined = t.kind != TOK_AND && t.kind != TOK_OR && d->joiner.kind; /* what was taken for another event */
    if (joined) span = span_of(&d->p, d->joiner);
    g = diag(c, DIAG_E0206, span, "`where` takes one comparison");
    g->help = STR("put what belongs together in parentheses: `where (… or …)`");
    return 0;
  }
  if (report_weekday(d, t) || report_number(d, t)) return 0;
  if (d->repaired != t.from + 1 && block_left_open(d, t)) {
    report_open(d, t.from, "what stands here belongs further out");
    *r = (struct repair){ REPAIR_CLOSE, TOK_RBRACE };
    return 0;
  }
  uint16_t word = t.kind == TOK_LABEL ? lex_keyword(&d->lexer, text) : 0;
  if (word && word != TOK_NAME && set[word]) {
    report_colon(d, t);
    return word;
  }
  if (t.kind == TOK_EOL) g = diag(c, DIAG_E0201, span, "the line ends too early");
  else if (memchr(text.ptr, '\n', text.len)) g = diag(c, DIAG_E0201, span, "this text cannot stand here");
  else
    g = diag(c, DIAG_E0201, span, "`%.*s%s` cannot stand here", (int)(text.len > 60 ? 60 : text.len), text.ptr,
             text.len > 60 ? "…" : "");
  g->expected = expected_words(d, set);
  if (d->last == TOK_WHERE && (t.kind == TOK_ANY_IN || t.kind == TOK_DID || t.kind == TOK_NO)) {
    g->help = arena_printf(&c->arena, "put it in parentheses: `where (%.*s …)`", (int)text.len, text.ptr);
    return 0;
  }
  if (t.kind == TOK_EQUALS && set[TOK_IS]) {
    suggest(d, g, t, "is");
    return TOK_IS;
  }
  const struct keyword *k = t.kind == TOK_NAME ? meant(d, t, set) : NULL;
  if (!k) {
    *r = repair_at(d, t);
    suggest_repair(d, g, t, *r);
    return 0;
  }
  suggest(d, g, t, k->word);
  uint16_t next = peek_solid(d, 0);
  return k->token == TOK_ELSE && (next == TOK_LBRACE || next == TOK_IF) ? TOK_ELSE_BLOCK : k->token;
}

/* The statement's first word was taken for a name, and was perhaps meant as a keyword: `expct coupon sent to ann`. */
static void suggest_first(struct driver *d) {
  struct compilation *c = d->p.c;
  if (d->first.kind != TOK_NAME || d->begins || c->diagnostics.count == 0) return;
  struct diagnostic *g = &c->diagnostics.items[c->diagnostics.count - 1];
  if (g->help.len || strcmp(g->code, "E0201") != 0) return;
  bool set[TOKENS_MAX];
  expected_set(d, set);
  const struct keyword *k = meant(d, d->first, set);
  if (k) suggest(d, g, d->first, k->word);
}

/* `expct ann in vip`: taken for a contact, it would be unknown, too. */
static bool first_misspelt(struct driver *d) {
  if (d->first.kind != TOK_NAME) return false;
  struct nearest near = nearest_of(token_text(d, d->first));
  for (uint32_t i = 0; i < keyword_count; i++)
    if (begins_statement(keyword_table[i].token))
      nearest_try(&near, (struct str){ keyword_table[i].word, keyword_table[i].len });
  return near.best.len > 0;
}

/* --- brackets left open -----------------------------------------------------------------------------------------------*/

/* What stands inside the outermost brace is indented, so what is not, is outside. */
static bool indents(const struct driver *d) {
  uint32_t at = d->brackets[0].from, stop = at + INDENT_MAX;
  while (at < stop && d->p.text[at] && d->p.text[at] != '\n') at++;
  while (at < stop && (d->p.text[at] == '\n' || d->p.text[at] == '\r')) at++;
  return d->p.text[at] == ' ' || d->p.text[at] == '\t';
}

/* Whether a declaration begins here although brackets are open: at the level of the outermost one or further left. Where
 * its keyword may be a name (`list vip` in a test), the block must be one that indents. */
static bool begins_outside(struct driver *d, struct token t) {
  if (!d->depth || d->beyond || !declares(d, t.kind, 0)) return false;
  if (!first_on_line(d, t) || indent_of_line(d) > d->brackets[0].indent) return false;
  bool taken = grammar_accepts(d->parser, t.kind) ||
               (grammar_fallback(t.kind) == TOK_NAME && grammar_accepts(d->parser, TOK_NAME));
  return !taken || t.kind == TOK_CONTACT || indents(d);
}

/* --- recovery ---------------------------------------------------------------------------------------------------------*/

static void take(struct driver *d, uint16_t kind, struct token t) {
  t.kind = kind;
  bool item_begins = d->depth == 0 && (d->last == TOK_EOL || d->last == 0);
  if (item_begins && kind != TOK_BAD && kind != TOK_EOL) d->astray = false, d->early.kind = 0;
  if (d->begins) {
    d->first = t;
    d->second.kind = d->joiner.kind = 0;
  } else if (!d->second.kind && d->taken.from == d->first.from) {
    d->second = t;
  }
  if (kind == TOK_OR || kind == TOK_AND) d->joiner = t;
  d->before = d->taken;
  d->taken = t;
  d->begins = false;
  camp_parse(d->parser, kind, t, &d->p);
  rule_text_add(&d->p, kind, t, item_begins); /* behind the parser, which ends a rule at the token behind it */
  d->p.prev_to = t.to;
  d->last = kind;
  d->last_to = t.to;
  if (d->doubt && --d->doubt == 0) d->p.quiet = false;
  switch (kind) {
    case TOK_EOL:
    case TOK_LBRACE: case TOK_RBRACE:
      d->p.quiet = d->p.deep = false;
      d->doubt = 0;
      d->begins = true;
      break;
    case TOK_THEN: case TOK_ELSE_BLOCK:
      d->p.quiet = false; /* another statement, whatever its condition was */
      d->doubt = 0;
      d->begins = true;
      break;
    case TOK_COMMA:
      d->begins = !in_parens(d) && grammar_accepts(d->parser, TOK_BAD);
      if (d->begins) d->p.quiet = false;
      break;
    default: break;
  }
  if (d->record)
    VEC_PUSH(&d->p.c->arena, d->record, ((struct taken){ .from = t.from, .to = t.to, .kind = kind, .begins = d->begins }));
}

/* Where the mistaken head of a block goes on inside it: the token that stands for the head, or 0. */
static uint16_t head_token(struct driver *d) {
  uint16_t token = 0;
  switch (d->first.kind) {
    case TOK_EVENT: case TOK_RECORD: case TOK_CONTACT: token = TOK_BAD_MEMBERS; break;
    case TOK_MESSAGE: token = TOK_BAD_MESSAGE; break;
    case TOK_CONTENT: token = TOK_BAD_CONTENT; break;
    case TOK_CAMPAIGN: token = TOK_BAD_CAMPAIGN; break;
    case TOK_WHEN: case TOK_LABEL: token = TOK_BAD_RULE; break;
    case TOK_TEST: case TOK_FIXTURE: token = TOK_BAD_TEST; break;
    case TOK_IF: case TOK_ON: token = TOK_BAD_BLOCK; break;
    case TOK_REPEAT: case TOK_FOR: case TOK_PERCENT: token = TOK_BAD_BLOCK; break;
    case TOK_SPLIT: token = TOK_BAD_SPLIT; break;
    case TOK_SEQUENCE: token = TOK_BAD_RULE; break;
    case TOK_WAIT: token = peek_solid(d, 0) == TOK_ON ? TOK_BAD_WAIT : TOK_BAD_BLOCK; break;
    default: return 0;
  }
  return grammar_accepts(d->parser, token) ? token : 0;
}

/* Unwinds to where a BAD token can stand, and cuts the count of brackets to the braces that are left. */
static void unwind(struct driver *d) {
  uint32_t braces = 0, depth = 0;
  for (uint32_t i = 0; i < d->depth; i++) braces += d->brackets[i].kind == TOK_LBRACE;
  for (braces = grammar_unwind(d->parser, braces); braces && depth < d->depth; depth++)
    braces -= d->brackets[depth].kind == TOK_LBRACE;
  d->depth = depth;
}

/* Passes over the rest of the statement whose mistake is at t; returns the token to go on with. */
static struct token recover(struct driver *d, struct token t, bool resume) {
  bool silent = d->p.quiet;
  if (d->begins) d->first = t;
  d->begins = false;
  struct token first = d->first, second = d->second;
  uint32_t mistaken = t.to;
  bool kept = false;
  if (t.kind != TOK_EOL && grammar_accepts(d->parser, TOK_EOL) && !first_misspelt(d)) {
    /* What stands before the mistake is whole: it is kept, so that its names are known. */
    d->p.quiet = true;
    take(d, TOK_EOL, (struct token){ .from = d->last_to, .to = d->last_to });
    d->first = first;
    d->begins = false;
    kept = true;
  }
  unwind(d);
  uint32_t braces = d->depth;
  if (!silent) suggest_first(d);
  d->beyond = d->doubt = 0;
  d->panic = d->p.quiet = true;
  uint16_t stand_in = TOK_BAD;
  /* A token that stopped the last recovery and is wrong again is passed over, so that each recovery moves on. */
  bool again = t.kind == d->stopped.kind && t.from == d->stopped.from && t.kind != LEX_END;
  for (;; t = next(d)) {
    if (again) {
      again = false;
      track(d, t);
      continue;
    }
    bool level = d->depth == braces && d->beyond == 0;
    if (t.kind == LEX_END || (!level && begins_outside(d, t))) break;
    if (level && (t.kind == TOK_EOL || (t.kind == TOK_RBRACE && braces))) break;
    if (level && t.kind == TOK_COMMA && begins_statement(peek(d, 0)->kind)) break;
    if (level && t.kind == TOK_THEN && resume && head_token(d) == TOK_BAD_RULE) {
      stand_in = TOK_BAD_RULE;
      break;
    }
    if (level && t.kind == TOK_LBRACE && resume && d->last != TOK_WITH) {
      uint16_t head = head_token(d);
      if (head) {
        stand_in = head;
        break;
      }
    }
    track(d, t);
    d->last = t.kind;
    d->last_to = t.to;
  }
  d->panic = false;
  d->stopped = t;
  torn_add(d, first, d->last_to > mistaken ? d->last_to : mistaken);
  if (d->depth > braces) d->depth = braces; /* what the mistaken statement left open */
  if (stand_in == TOK_BAD_CAMPAIGN) {
    d->p.spare = (struct campaign_decl){ 0 };
    campaign_open(&d->p, &d->p.spare);
  }
  struct token bad = { .kind = stand_in, .from = d->first.from, .to = t.from > d->first.from ? t.from : d->first.to };
  uint16_t last = d->last;
  take(d, stand_in, bad);
  if (!kept && (first.kind == TOK_DEFINE || first.kind == TOK_SEGMENT) && second.kind == TOK_NAME && braces == 0) {
    /* Its name is known, so that what uses it is no second mistake. */
    struct expr *value = ARENA_NEW(&d->p.c->arena, struct expr);
    value->kind = EXPR_BAD;
    value->span = span_of(&d->p, second);
    (first.kind == TOK_DEFINE ? item_define : item_segment)(&d->p, first, name_of(&d->p, second), value);
  }
  d->last = last; /* the filter looks at what the text says */
  return t;
}

/* Passes over the rest of the declaration: a stack that met its limit is not to be met again at each step out of it. */
static struct token skip_declaration(struct driver *d, struct token t) {
  d->panic = true;
  while (t.kind != LEX_END && !(t.kind == TOK_EOL && d->depth == 0 && d->beyond == 0)) {
    track(d, t);
    d->last = t.kind;
    d->last_to = t.to;
    t = next(d);
  }
  d->depth = d->beyond = 0;
  return t;
}

static struct token too_deep(struct driver *d, struct token t) {
  bool chain = grammar_height(d->parser) > LIMIT_PARSE_STACK_COUNT;
  if (!d->deep_reported) {
    d->deep_reported = true;
    struct diagnostic *g = chain
        ? diag(d->p.c, DIAG_E0204, span_of(&d->p, t), "this chain of `else if`, `not` or `-` is too long")
        : diag(d->p.c, DIAG_E0204, span_of(&d->p, t), "brackets and blocks nest deeper than %d here", LIMIT_PARSE_DEPTH);
    g->help = STR("give parts of a condition a name with `define`, and let one campaign start another");
  }
  d->p.quiet = true;
  if (chain) t = skip_declaration(d, t);
  return recover(d, t, false);
}

/* --- the whole source -------------------------------------------------------------------------------------------------*/

/* Says once which bracket was left open: the innermost, or the brace that a `}` too far left has closed. `behind` is
 * where that became plain. */
static void report_open(struct driver *d, uint32_t behind, const char *note) {
  if (!d->depth || d->p.quiet || d->deep_reported || d->brackets[d->depth - 1].missing) return;
  struct bracket b = d->brackets[d->depth - 1];
  bool suspect = d->suspect.kind && b.kind == TOK_LBRACE;
  if (suspect) b = d->suspect;
  struct diagnostic *g = diag(d->p.c, DIAG_E0202, (struct span){ d->p.source, b.from, b.from + 1 },
                              "this `%c` is never closed", d->p.text[b.from]);
  g->expected = b.kind == TOK_LBRACE ? STR("`}`") : b.kind == TOK_LPAREN ? STR("`)`") : STR("`]`");
  if (d->depth > 1) g->help = arena_printf(&d->p.c->arena, "%u brackets are open here", d->depth);
  if (suspect) {
    behind = d->suspect_end;
    note = "this `}` seems to be for a block further out";
  }
  g->note_span = (struct span){ d->p.source, behind, behind };
  g->note = str_from_c(note);
}

/* Closes what is open, so that what was read is kept, and stands behind a whole declaration. */
static void close_open(struct driver *d, uint32_t at) {
  d->p.quiet = true;
  for (uint32_t guard = 4 * LIMIT_PARSE_DEPTH; guard && !grammar_accepts(d->parser, 0); guard--) {
    struct token t = { .from = at, .to = at };
    if (grammar_accepts(d->parser, TOK_RBRACE)) {
      take(d, TOK_RBRACE, t);
    } else if (d->last != TOK_EOL && grammar_accepts(d->parser, TOK_EOL)) {
      take(d, TOK_EOL, t);
    } else {
      unwind(d);
      take(d, TOK_BAD, t);
    }
    d->p.quiet = true;
  }
}

/* A declaration inside a block: the block was not closed, and what stands behind it is checked all the same. */
static void begin_outside(struct driver *d, struct token t) {
  report_open(d, t.from, "something new begins here");
  close_open(d, d->last_to);
  d->depth = d->beyond = d->doubt = 0;
  d->suspect.kind = 0;
  d->p.quiet = d->p.deep = d->deep_reported = false;
  d->begins = true;
  d->last = TOK_EOL;
}

/* The end of the file, perhaps inside brackets. */
static void finish(struct driver *d, struct token end) {
  if (d->hushed.to && d->p.c->error_count == d->hushed_count) diag(d->p.c, DIAG_E0201, span_of(&d->p, d->hushed), "this cannot stand here");
  report_open(d, d->last_to, "the file ends here");
  close_open(d, end.from);
  if (grammar_accepts(d->parser, 0)) camp_parse(d->parser, 0, (struct token){ .from = end.from, .to = end.from }, &d->p);
}

/* `[{ sku: "A1" ]`: the record was left open, and the list goes on behind it. */
static bool close_record(struct driver *d, struct token t) {
  if (t.kind != TOK_RBRACKET || d->p.quiet || d->beyond || d->depth < 2 || d->brackets[d->depth - 1].kind != TOK_LBRACE ||
      d->brackets[d->depth - 2].kind != TOK_LBRACKET || !grammar_accepts(d->parser, TOK_RBRACE))
    return false;
  uint32_t from = d->brackets[d->depth - 1].from;
  struct diagnostic *g = diag(d->p.c, DIAG_E0202, (struct span){ d->p.source, from, from + 1 }, "this `{` is never closed");
  g->expected = STR("`}`");
  g->note_span = span_of(&d->p, t);
  g->note = STR("the list around it ends here");
  d->depth--;
  take(d, TOK_RBRACE, (struct token){ .from = d->last_to, .to = d->last_to });
  return true;
}

/* `} }` where one was meant: the second closes a block of which more stands below. It is a mistake only because what follows cannot
 * stand outside. */
static bool closes_too_early(struct driver *d, struct token t) {
  if (t.kind != TOK_RBRACE || d->last != TOK_RBRACE || d->last_to < d->line_from || !d->depth || in_parens(d) || d->p.quiet) return false;
  struct bracket b = d->brackets[d->depth - 1];
  if (indent_of_line(d) <= b.indent || b.from >= d->line_from) return false;
  uint32_t n = 0, more;
  while (n < AHEAD_COUNT - 4 && peek(d, n)->kind == LEX_NEWLINE) n++;
  if (peek(d, n)->kind >= LEX_NEWLINE || peek(d, n)->kind == LEX_END || indent_at(d, peek(d, n)->from) <= b.indent) return false;
  uint16_t kind = joined(d, peek(d, n)->kind, TOK_RBRACE, n + 1, &more), ahead[REPAIR_AHEAD_COUNT];
  uint32_t count = look_ahead(d, kind, n + 1 + more, ahead);
  bool ends = n > 0 && !continues(d, kind);
  uint16_t closed[REPAIR_AHEAD_COUNT + 2] = { TOK_RBRACE, TOK_EOL };
  memcpy(closed + 1 + ends, ahead, count * sizeof *ahead);
  uint32_t all = count + 1 + ends;
  if (grammar_takes(d->parser, false, closed, all) == all || grammar_takes(d->parser, false, closed + 1, all - 1) < all - 1) return false;
  struct diagnostic *g = diag(d->p.c, DIAG_E0203, span_of(&d->p, t), "this `}` closes a block that goes on below");
  g->note_span = (struct span){ d->p.source, b.from, b.from + 1 };
  g->note = STR("the block");
  return true;
}

/* Statements outside of everything, indented as they were inside: a block ended too early above. That is said of the first one;
 * the others, and the `}` that is then left over, follow from it. */
static bool stays_astray(struct driver *d, struct token t) {
  if (d->depth || !d->begins || !first_on_line(d, t) || !indent_of_line(d)) return false;
  bool was = d->astray;
  d->astray = true;
  if (was || !d->early.kind) return was;
  struct diagnostic *g = diag(d->p.c, DIAG_E0203, span_of(&d->p, d->early), "this `}` closes a block that goes on below");
  g->note_span = span_of(&d->p, t);
  g->note = STR("this then stands outside");
  return true;
}

/* A line ends too early, and the next one, further in, was to go on with it: the mistake is what stands there. */
static bool goes_on_mistaken(struct driver *d, struct token t) {
  uint32_t more;
  if (t.kind != TOK_EOL || d->p.quiet || d->begins || brace_forgotten(d, t)) return false;
  if (peek(d, 0)->kind >= LEX_NEWLINE || peek(d, 0)->kind == LEX_END || indent_of_line(d) <= indent_at(d, d->first.from)) return false;
  uint16_t ahead[1] = { joined(d, peek(d, 0)->kind, d->last, 1, &more) };
  return peek(d, 0)->kind != TOK_RBRACE && grammar_takes(d->parser, false, ahead, 1) == 0;
}

static void drive(struct driver *d) {
  d->begins = true;
  struct token t = next(d);
  while (t.kind != LEX_END) {
    if (begins_outside(d, t)) begin_outside(d, t);
    bool opens = t.kind == TOK_LBRACE || t.kind == TOK_LPAREN || t.kind == TOK_LBRACKET;
    if ((opens && d->depth == LIMIT_PARSE_DEPTH) || grammar_height(d->parser) > LIMIT_PARSE_STACK_COUNT) {
      t = too_deep(d, t);
      continue;
    }
    if (closes_too_early(d, t)) {
      t = next(d);
      continue;
    }
    uint16_t kind = t.kind;
    if (!grammar_accepts(d->parser, kind)) {
      kind = (uint16_t)grammar_fallback(kind);
      if (kind != TOK_NAME || !grammar_accepts(d->parser, kind) || joins_nothing(d, t.kind)) kind = 0;
    }
    if (!kind && t.kind == TOK_RBRACE && d->depth == 0) {
      if (!d->p.quiet && !d->astray) diag(d->p.c, DIAG_E0203, span_of(&d->p, t), "this `}` closes nothing");
      t = next(d);
      continue;
    }
    if (!kind && goes_on_mistaken(d, t)) {
      t = next(d);
      continue;
    }
    if (!kind && close_record(d, t)) continue;
    if (!kind) {
      bool full = d->p.c->diagnostics.count >= LIMIT_DIAGNOSTICS_COUNT;
      if (full && !d->p.quiet) diag(d->p.c, DIAG_E0201, span_of(&d->p, t), "this cannot stand here");
      struct repair r = { REPAIR_NONE, 0 };
      if (!d->p.quiet && !full && !stays_astray(d, t)) kind = report(d, t, &r);
      if (r.kind != REPAIR_NONE) {
        t = repair_do(d, t, r);
        continue;
      }
      if (!kind || !grammar_accepts(d->parser, kind)) {
        if (full) d->p.quiet = true;
        t = recover(d, t, true);
        continue;
      }
      doubt(d, 2); /* it is what was meant if what stands behind it fits */
      take(d, kind, t);
      t = next(d);
      continue;
    }
    track(d, t);
    take(d, kind, t);
    t = next(d);
  }
  finish(d, t);
}

void parse_source(struct compilation *c, uint32_t source, struct tree *tree) {
  parse_source_taken(c, source, tree, NULL);
}

void parse_source_taken(struct compilation *c, uint32_t source, struct tree *tree, struct taken_list *taken) {
  struct driver d = { .p = { .c = c, .tree = tree, .source = source }, .record = taken };
  lexer_init(&d.lexer, c, source);
  d.p.text = (const char *)d.lexer.text;
  campaign_open(&d.p, &d.p.spare);
  d.parser = camp_parseAlloc(malloc);
  CHECK(d.parser);
  drive(&d);
  camp_parseFree(d.parser, free);
}
