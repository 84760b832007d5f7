/* Tokens as the parser takes them: looked at ahead, joined where a line goes on, with the newlines that end statements.
 *
 * Not here: mistakes (parse_repair.c, parse_report.c). The invariants of parse.c hold. */
#include "driver.h"

struct token *driver_peek(struct driver *d, uint32_t n) {
  while (d->ahead_count <= n) {
    lexer_next(&d->lexer, &d->ahead[(d->ahead_first + d->ahead_count) % AHEAD_COUNT]);
    d->ahead_count++;
  }
  return &d->ahead[(d->ahead_first + n) % AHEAD_COUNT];
}

void driver_drop(struct driver *d, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (driver_peek(d, i)->kind == LEX_NEWLINE) d->line_from = driver_peek(d, i)->to;
  d->ahead_first = (d->ahead_first + n) % AHEAD_COUNT;
  d->ahead_count -= n;
}

/* Blanks before the first token of the line in hand; more of them than anybody writes count as these. */
uint16_t driver_indent_of_line(const struct driver *d) {
  uint16_t n = 0;
  while (n < INDENT_MAX && (d->p.text[d->line_from + n] == ' ' || d->p.text[d->line_from + n] == '\t')) n++;
  return n;
}
bool driver_first_on_line(const struct driver *d, struct token t) { return t.from == d->line_from + driver_indent_of_line(d); }

/* The kind of the next raw token that is no newline; newlines beyond the ring's half are not looked behind. */
uint16_t driver_peek_solid(struct driver *d, uint32_t n) {
  for (; n < AHEAD_COUNT - 1; n++)
    if (driver_peek(d, n)->kind != LEX_NEWLINE) return driver_peek(d, n)->kind;
  return LEX_NEWLINE;
}

bool driver_is_word(uint16_t kind) { return kind == TOK_NAME || grammar_fallback(kind) == TOK_NAME; }

/* --- the newline filter -----------------------------------------------------------------------------------------------*/

/* A line that ends so goes on in the next one. */
bool driver_goes_on(uint16_t last) {
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
bool driver_continues(struct driver *d, uint16_t kind) {
  switch (kind) {
    case TOK_ELSE: case TOK_AND: case TOK_OR: case TOK_THEN: case TOK_WHERE: case TOK_WITH: case TOK_AFTER: case TOK_UNLESS:
    case TOK_VIA: return driver_peek(d, 1)->kind != LEX_COLON;
    case TOK_LBRACE: return true;
    case TOK_IF: return driver_peek(d, 1)->kind == TOK_STILL;
    default: return false;
  }
}

bool driver_begins_statement(uint16_t kind) {
  switch (kind) {
    case TOK_USE: case TOK_EVENT: case TOK_RECORD: case TOK_DEFINE: case TOK_SEGMENT: case TOK_SCORE: case TOK_LIST: case TOK_MESSAGE: case TOK_ZONE:
    case TOK_LATE: case TOK_ALLOW: case TOK_CAMPAIGN: case TOK_WHEN: case TOK_TEST: case TOK_ENTRY: case TOK_GOAL: case TOK_SEND:
    case TOK_JOIN: case TOK_LEAVE: case TOK_TAG: case TOK_UNTAG: case TOK_SET: case TOK_EMIT: case TOK_EXIT:
    case TOK_START: case TOK_STOP: case TOK_SHOW: case TOK_CONTENT: case TOK_CONNECTOR: case TOK_CALL: case TOK_IF: case TOK_WAIT: case TOK_EXPECT: case TOK_ON: case TOK_FIXTURE:
    case TOK_TOPIC: case TOK_POLICY: case TOK_SUBSCRIBE: case TOK_UNSUBSCRIBE: case TOK_SPLIT: case TOK_EXPERIMENT: case TOK_REPEAT: case TOK_DO: case TOK_SEQUENCE: return true;
    default: return false;
  }
}

/* What is in hand is a guess at what was meant. It is believed when so many tokens fit: of a word that was replaced, itself
 * and the next; of a token with a mistake in it, itself. */
void driver_doubt(struct driver *d, uint8_t tokens) {
  if (d->p.quiet && !d->doubt) return; /* the statement's mistake is known already */
  d->p.quiet = true;
  if (d->doubt < tokens) d->doubt = tokens;
}

bool driver_in_parens(const struct driver *d) {
  return d->depth && d->brackets[d->depth - 1].kind != TOK_LBRACE;
}

/* A keyword of declarations, and behind it what such a declaration goes on with, n tokens ahead. */
bool driver_declares(struct driver *d, uint16_t kind, uint32_t n) {
  uint16_t after = driver_peek(d, n)->kind;
  bool named = driver_is_word(after) || after == TOK_TEXT;
  switch (kind) {
    case TOK_USE: case TOK_EVENT: case TOK_RECORD: case TOK_LIST: case TOK_MESSAGE: case TOK_CAMPAIGN:
    case TOK_FIXTURE: case TOK_TOPIC: case TOK_SEQUENCE: return named;
    case TOK_CHANNEL: case TOK_CONNECTOR: return named && driver_peek(d, n + 1)->kind == TOK_LBRACE;
    case TOK_DEFINE: case TOK_SEGMENT: return named && driver_peek(d, n + 1)->kind == TOK_EQUALS;
    case TOK_WHEN: return named || after == TOK_LPAREN;
    case TOK_ZONE: case TOK_TEST: return after == TOK_TEXT;
    case TOK_ALLOW: return after == TOK_UNKNOWN;
    case TOK_LATE: return after == TOK_AFTER;
    case TOK_CONTACT: return after == TOK_LBRACE;
    case TOK_LABEL: return after == TOK_WHEN;
    default: return false;
  }
}

/* `… and` at a line's end, and a declaration at the margin below: the line was not to go on there. */
static bool cut_short(struct driver *d, uint16_t next) {
  uint16_t after = driver_peek(d, 1)->kind;
  return d->depth == 0 && driver_goes_on(d->last) && driver_peek(d, 0)->from == d->line_from &&
         (after == TOK_NAME || after == TOK_TEXT || next == TOK_WHEN) && driver_declares(d, next, 1);
}

/* Passes newlines and semicolons; true when they end a statement. */
static bool passed_end(struct driver *d) {
  bool newline = false, semicolon = false;
  for (;; driver_drop(d, 1)) {
    uint16_t kind = driver_peek(d, 0)->kind;
    if (kind == LEX_NEWLINE) newline = true;
    else if (kind == LEX_SEMICOLON) semicolon = true;
    else break;
    if (driver_peek(d, 0)->flags & TOKEN_FAULTY) driver_doubt(d, 1);
  }
  uint16_t next = driver_peek(d, 0)->kind;
  /* A `)` in the place of a `}` ends nothing before it, as that one would not. */
  bool wrong = (next == TOK_RPAREN || next == TOK_RBRACKET) && d->depth && !driver_in_parens(d) && !semicolon;
  if (wrong) return false;
  if (next == LEX_END) {
    if (driver_in_parens(d) && !d->panic) return false;
    return d->last != TOK_EOL && d->last != 0 && d->last != TOK_LBRACE;
  }
  if (!newline && !semicolon) return false;
  if (d->last == TOK_EOL || d->last == 0 || d->last == TOK_LBRACE || next == TOK_RBRACE) return false;
  if (semicolon) return true;
  if (d->panic && newline && driver_begins_statement(next) && !(driver_goes_on(d->last) && !driver_in_parens(d))) {
    /* A bracket that the mistaken statement left open must not swallow the next one. */
    while (driver_in_parens(d)) d->depth--;
    return true;
  }
  return !driver_in_parens(d) && (cut_short(d, next) || !driver_goes_on(d->last)) && !driver_continues(d, next);
}

/* Behind `last`: a duration, or a number whose unit was forgotten. */
static bool is_window(uint16_t kind) { return kind == TOK_DURATION || kind == TOK_NUMBER; }

/* What a token is by what stands behind it: words that one token of lookahead could not tell apart become one token, or plain
 * names. n: the first token behind it in the ring; *more: how many of those it takes in. */
uint16_t driver_joined(struct driver *d, uint16_t kind, uint16_t last, uint32_t n, uint32_t *more) {
  uint16_t next = driver_peek(d, n)->kind;
  *more = 0;
  if (next == LEX_COLON && (driver_is_word(kind) || kind == TOK_TEXT)) {
    *more = 1;
    return TOK_LABEL;
  }
  switch (kind) {
    case TOK_IN:
      if (next != TOK_LAST || !is_window(driver_peek(d, n + 1)->kind)) return kind;
      *more = 1;
      return TOK_IN_LAST;
    case TOK_COMMA: {
      uint32_t at = n;
      while (driver_in_parens(d) && at < AHEAD_COUNT - 2 && driver_peek(d, at)->kind == LEX_NEWLINE) at++;
      if (driver_peek(d, at)->kind != TOK_LAST || !is_window(driver_peek(d, at + 1)->kind)) return kind;
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
      uint16_t after = driver_peek(d, n + 1)->kind;
      bool known = after == TOK_PLUS || after == TOK_MINUS || after == TOK_LBRACE || after == TOK_PASSES;
      return (driver_is_word(next) || next == TOK_TEXT) && known ? kind : TOK_NAME;
    }
    case TOK_TIME_WORD:
      *more = next == TOK_SINCE;
      return next == TOK_SINCE ? TOK_TIME_SINCE : kind;
    case TOK_ANY: case TOK_EVERY: case TOK_NO:
      return driver_is_word(next) && driver_peek(d, n + 1)->kind == TOK_IN && (driver_peek(d, n + 2)->kind != TOK_LAST || driver_peek(d, n + 3)->kind == TOK_LPAREN) ? TOK_ANY_IN : kind;
    case TOK_ELSE: {
      uint16_t solid = driver_peek_solid(d, n);
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

void driver_join(struct driver *d, struct token *t) {
  uint32_t more;
  while (t->kind == TOK_COMMA && driver_in_parens(d) && driver_peek(d, 0)->kind == LEX_NEWLINE) driver_drop(d, 1);
  uint16_t kind = driver_joined(d, t->kind, d->last, 0, &more);
  if (more && kind != TOK_LABEL) t->to = driver_peek(d, more - 1)->to;
  t->kind = kind;
  driver_drop(d, more);
  if (driver_is_word(t->kind) && names_span(d, driver_peek(d, 0)->kind) && !grammar_accepts(d->parser, t->kind)) t->kind = TOK_SPAN_NAME;
}

struct token driver_next(struct driver *d) {
  if (d->pushed_count) return d->pushed[--d->pushed_count];
  for (;;) {
    if (passed_end(d)) return (struct token){ .kind = TOK_EOL, .from = d->last_to, .to = d->last_to };
    struct token t = *driver_peek(d, 0);
    if (t.kind == LEX_END) return t;
    driver_drop(d, 1);
    if (t.flags & TOKEN_FAULTY) driver_doubt(d, 1);
    if (t.kind == TOK_TEXT && d->p.text[t.from] == '"' && (t.to == t.from + 1 || d->p.text[t.to - 1] != '"')) { /* without its end: nobody knows what else of the line it took */
      d->p.quiet = true;
      d->doubt = 0;
    }
    if (t.kind == TOK_COMMA) {
      uint16_t behind = driver_peek_solid(d, 0);
      if (behind == TOK_RBRACE || behind == TOK_RBRACKET) continue; /* a last comma is no mistake */
    }
    driver_join(d, &t);
    return t;
  }
}

/* Counts brackets. Closing one that is not on top closes nothing, but a brace ends what was left open inside it. */
void driver_track(struct driver *d, struct token t) {
  uint16_t opener = 0;
  switch (t.kind) {
    case TOK_LBRACE: case TOK_LPAREN: case TOK_LBRACKET:
      if (d->depth == LIMIT_PARSE_DEPTH) d->beyond++;
      else d->brackets[d->depth++] = (struct bracket){ t.kind, driver_indent_of_line(d), t.from, false };
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
  bool inside = d->last == TOK_RBRACE && t.kind == TOK_RBRACE && driver_indent_of_line(d) > b->indent;
  if (inside && !d->early.kind && b->from < d->line_from) d->early = t;
  if (b->missing && t.kind == TOK_RBRACE && t.to > t.from) d->lent++;
  if (d->depth == 0) {
    d->lent = 0;
    d->suspect.kind = 0;
  } else if (t.kind == TOK_RBRACE && !d->suspect.kind && !b->missing && driver_first_on_line(d, t) && driver_indent_of_line(d) < b->indent) {
    d->suspect = *b;
    d->suspect_end = t.from;
  }
}

/* `when then …`, `a and and b`: a joining word where an event or a value should stand, and behind it what cannot follow a
 * name. Such a word is no name, although one may bear it. */
bool driver_joins_nothing(struct driver *d, uint16_t kind) {
  if (kind != TOK_THEN && kind != TOK_AND && kind != TOK_OR) return false;
  switch (d->last) {
    case TOK_WHEN: case TOK_AND: case TOK_OR: case TOK_NOT: case TOK_WHERE: case TOK_IF: break;
    default: return false;
  }
  uint16_t after = driver_peek(d, 0)->kind;
  return after == TOK_NAME || after == TOK_CONTACT || after == TOK_COUNT || after == TOK_SUM || after == TOK_DID ||
         after == TOK_LBRACE || after == TOK_TEXT || after == TOK_NUMBER || driver_begins_statement(after);
}
