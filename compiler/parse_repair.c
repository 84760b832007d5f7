/* Which small change mends a mistaken statement, by its tokens, its brackets and its indents; and carrying it out.
 *
 * Not here: trying a change against the grammar (repair.c), saying what was wrong (parse_report.c). The invariants of parse.c
 * hold. */
#include "driver.h"

/* The kind and those of what stands behind it, from the n-th raw token on, at most to the statement's end. */
uint32_t driver_look_ahead(struct driver *d, uint16_t first, uint32_t n, uint16_t ahead[REPAIR_AHEAD_COUNT]) {
  uint32_t count = 0, more;
  uint16_t last = ahead[count++] = first;
  if (first == TOK_EOL) return count;
  while (count < REPAIR_AHEAD_COUNT && n + 3 < AHEAD_COUNT) {
    uint16_t kind = driver_peek(d, n)->kind;
    if (kind == LEX_NEWLINE && (driver_goes_on(last) || driver_in_parens(d) || last == TOK_LBRACE || last == TOK_LPAREN || last == TOK_LBRACKET)) {
      n++;
      continue;
    }
    if (kind == LEX_NEWLINE || kind == LEX_SEMICOLON || kind == LEX_END) {
      /* A `}` on the next line ends the block, and the statement with it, without a word. */
      uint16_t solid = kind == LEX_END ? LEX_END : driver_peek_solid(d, n + 1);
      ahead[count++] = solid == TOK_RBRACE ? TOK_RBRACE : TOK_EOL;
      break;
    }
    kind = driver_joined(d, kind, last, n + 1, &more);
    n += 1 + more;
    if (kind >= LEX_NEWLINE) break; /* a colon where none belongs */
    ahead[count++] = last = kind;
  }
  return count;
}

uint16_t driver_indent_at(const struct driver *d, uint32_t at) {
  while (at && d->p.text[at - 1] != '\n') at--;
  uint16_t n = 0;
  while (n < INDENT_MAX && (d->p.text[at + n] == ' ' || d->p.text[at + n] == '\t')) n++;
  return n;
}

/* The line ended where a block was to begin, and the next one is indented: the brace was forgotten. */
bool driver_brace_forgotten(struct driver *d, struct token t) {
  return t.kind == TOK_EOL && grammar_accepts(d->parser, TOK_LBRACE) && driver_peek(d, 0)->from >= d->line_from &&
         driver_indent_of_line(d) > driver_indent_at(d, d->last_to ? d->last_to - 1 : 0);
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
  return *at && driver_indent_at(d, (uint32_t)(at - d->p.text)) > driver_indent_at(d, t.from);
}

/* What a hand that slips writes for the colon behind a name. */
static bool ends_label(uint16_t kind) { return kind == LEX_SEMICOLON || kind == TOK_EQUALS || kind == TOK_DOT || kind == TOK_COMMA; }

/* `price money`, `price; money`: a name that should bear a colon. */
static bool colon_forgotten(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT];
  if (!(driver_is_word(t.kind) || t.kind == TOK_TEXT) || !grammar_accepts(d->parser, TOK_LABEL)) return false;
  uint32_t count = driver_look_ahead(d, TOK_LABEL, ends_label(driver_peek(d, 0)->kind) ? 1 : 0, ahead);
  return count > 1 && grammar_takes(d->parser, false, ahead, count) == count;
}

/* The innermost block was to end before this line, which stands no further in than the line that opened it. */
bool driver_block_left_open(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT], closed[REPAIR_AHEAD_COUNT + 2] = { TOK_RBRACE, TOK_EOL };
  if (!d->depth || driver_in_parens(d) || d->last != TOK_EOL || !driver_first_on_line(d, t) || driver_indent_of_line(d) > d->brackets[d->depth - 1].indent)
    return false;
  uint32_t count = driver_look_ahead(d, t.kind, 0, ahead);
  memcpy(closed + 2, ahead, count * sizeof *ahead);
  return grammar_takes(d->parser, true, closed, count + 2) == count + 2;
}

/* `send a wait ; 3d`: the statement's end stands one token too late. */
static bool end_swapped(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT] = { TOK_EOL }, behind[REPAIR_AHEAD_COUNT];
  if (driver_peek(d, 0)->kind != LEX_SEMICOLON || t.kind == TOK_EOL) return false;
  uint32_t count = driver_look_ahead(d, t.kind, 1, behind);
  if (count == REPAIR_AHEAD_COUNT) count--;
  memcpy(ahead + 1, behind, count * sizeof *behind);
  return count > 1 && grammar_takes(d->parser, false, ahead, count + 1) == count + 1;
}

/* t ends a line, and was to stand behind the first token of the next one. */
static bool lines_swapped(struct driver *d, struct token t, bool *ends) {
  uint16_t ahead[REPAIR_AHEAD_COUNT];
  uint32_t n = 0;
  while (n < AHEAD_COUNT - 4 && driver_peek(d, n)->kind == LEX_NEWLINE) n++;
  if (n == 0 || driver_peek(d, n)->kind >= LEX_NEWLINE || driver_peek(d, n)->kind == LEX_END) return false;
  ahead[0] = t.kind;
  uint16_t behind[REPAIR_AHEAD_COUNT];
  uint32_t more, count;
  uint16_t kind = driver_joined(d, driver_peek(d, n)->kind, t.kind, n + 1, &more);
  count = driver_look_ahead(d, kind, n + 1 + more, behind);
  if (count == REPAIR_AHEAD_COUNT) count--;
  memcpy(ahead + 1, behind, count * sizeof *behind);
  if (repair_swaps_lines(d->parser, false, ahead, count + 1, ends)) return true;
  /* `a: text ⏎ list ⏎ } vip`: the `}` needs no end of statement before it. */
  return kind == TOK_RBRACE && d->last == TOK_EOL && repair_swaps_lines(d->parser, true, ahead, count + 1, ends);
}

/* `ann purchase amount { : 10 EUR`, `a , : 1`: the name of a property, and what was to stand before it. */
static bool label_swapped(struct driver *d, struct token t) {
  uint16_t ahead[REPAIR_AHEAD_COUNT], behind[REPAIR_AHEAD_COUNT], before = driver_peek(d, 0)->kind;
  if (!(driver_is_word(t.kind) || t.kind == TOK_TEXT) || driver_peek(d, 1)->kind != LEX_COLON) return false;
  if (before != TOK_LBRACE && before != TOK_COMMA && before != LEX_SEMICOLON) return false;
  uint32_t count = driver_look_ahead(d, TOK_LABEL, 2, behind);
  if (count == REPAIR_AHEAD_COUNT) count--;
  ahead[0] = before == LEX_SEMICOLON ? TOK_EOL : before;
  memcpy(ahead + 1, behind, count * sizeof *behind);
  return count > 1 && grammar_takes(d->parser, false, ahead, count + 1) == count + 1;
}

/* `} else ( …`: a block's brace, misspelt, which made another word of the `else`. */
static bool else_block(struct driver *d, struct token t) {
  uint16_t next = driver_peek(d, 0)->kind;
  return t.kind == TOK_ELSE && (next == TOK_LPAREN || next == TOK_LBRACKET) && grammar_accepts(d->parser, TOK_ELSE_BLOCK);
}

struct repair driver_repair_at(struct driver *d, struct token t) {
  static const struct repair none = { REPAIR_NONE, 0 };
  uint16_t ahead[REPAIR_AHEAD_COUNT];
  if (d->repaired == t.from + 1 || d->depth == LIMIT_PARSE_DEPTH || d->beyond) return none;
  if (driver_brace_forgotten(d, t)) return (struct repair){ REPAIR_INSERT, TOK_LBRACE };
  if (colon_forgotten(d, t)) return (struct repair){ REPAIR_REPLACE, TOK_LABEL };
  if (label_swapped(d, t)) return (struct repair){ REPAIR_LABEL, 0 };
  if (else_block(d, t)) return (struct repair){ REPAIR_ELSE, 0 };
  if (driver_block_left_open(d, t)) return (struct repair){ REPAIR_CLOSE, TOK_RBRACE };
  struct repair r = repair_find(d->parser, d->last, ahead, driver_look_ahead(d, t.kind, 0, ahead));
  bool ends = false;
  if (r.kind == REPAIR_SWAP || r.kind == REPAIR_REPLACE) return r;
  if (r.kind == REPAIR_INSERT && r.token == TOK_LBRACE && !block_would_end(d, t)) r.kind = REPAIR_NONE;
  if (end_swapped(d, t)) r = (struct repair){ REPAIR_END, TOK_EOL };
  else if (lines_swapped(d, t, &ends)) r = (struct repair){ REPAIR_SWAP_LINES, ends ? TOK_EOL : 0 };
  return r;
}

/* Does what was found; returns the token to go on with. What stood before the mistake is taken for what it was read as, which it
 * need not be, so later stages do not speak of it. */
struct token driver_repair_do(struct driver *d, struct token t, struct repair r) {
  uint32_t behind = driver_peek(d, 0)->kind < LEX_NEWLINE && driver_peek(d, 0)->kind != LEX_END ? driver_peek(d, 0)->to : t.to;
  if (r.kind != REPAIR_CLOSE) driver_torn_add(d, d->begins ? t : d->first, behind);
  d->repaired = t.from + 1;
  switch ((enum repair_kind)r.kind) {
    case REPAIR_SWAP: {
      struct token other = driver_next(d);
      d->pushed[d->pushed_count++] = t;
      t = other;
      break;
    }
    case REPAIR_LABEL: {
      struct token other = *driver_peek(d, 0);
      if (other.kind == LEX_SEMICOLON) other.kind = TOK_EOL;
      driver_drop(d, 2);
      t.kind = TOK_LABEL;
      d->pushed[d->pushed_count++] = t;
      t = other;
      break;
    }
    case REPAIR_ELSE: {
      struct token brace = *driver_peek(d, 0);
      driver_drop(d, 1);
      brace.kind = TOK_LBRACE;
      d->pushed[d->pushed_count++] = brace;
      t.kind = TOK_ELSE_BLOCK;
      break;
    }
    case REPAIR_SWAP_LINES: {
      if (driver_peek_solid(d, 0) == TOK_RBRACE && d->last == TOK_EOL && !grammar_accepts(d->parser, TOK_RBRACE)) grammar_back(d->parser);
      while (driver_peek(d, 0)->kind == LEX_NEWLINE) driver_drop(d, 1);
      struct token other = *driver_peek(d, 0);
      driver_drop(d, 1);
      driver_join(d, &other);
      d->pushed[d->pushed_count++] = t;
      if (r.token == TOK_EOL) d->pushed[d->pushed_count++] = (struct token){ .kind = TOK_EOL, .from = other.to, .to = other.to };
      t = other;
      break;
    }
    case REPAIR_END:
      driver_drop(d, 1);
      d->pushed[d->pushed_count++] = t;
      t = (struct token){ .kind = TOK_EOL, .from = d->last_to, .to = d->last_to };
      break;
    case REPAIR_CLOSE: {
      struct token missing = { .kind = TOK_RBRACE, .from = d->last_to, .to = d->last_to };
      grammar_back(d->parser);
      driver_track(d, missing);
      driver_take(d, TOK_RBRACE, missing);
      driver_take(d, TOK_EOL, (struct token){ .kind = TOK_EOL, .from = d->last_to, .to = d->last_to });
      return t; /* a statement of its own, of which nothing is wrong */
    }
    case REPAIR_DELETE:
      t = driver_next(d);
      break;
    case REPAIR_INSERT: {
      struct token missing = { .kind = r.token, .from = t.from, .to = t.from };
      driver_track(d, missing);
      if (r.token == TOK_LBRACE && d->depth) d->brackets[d->depth - 1].missing = true;
      driver_take(d, r.token, missing);
      if (t.kind == TOK_EOL) t = driver_next(d);
      break;
    }
    case REPAIR_REPLACE:
      if (r.token == TOK_LABEL && ends_label(driver_peek(d, 0)->kind)) driver_drop(d, 1);
      t.kind = r.token;
      break;
    case REPAIR_NONE: break;
  }
  d->p.quiet = true; /* to the statement's end: what it says now is a guess */
  d->doubt = 0;
  return t;
}
