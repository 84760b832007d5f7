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
#include "driver.h"

/* --- brackets left open -----------------------------------------------------------------------------------------------*/

/* What stands inside the outermost brace is indented, so what is not, is outside. Where a comment stands says nothing. */
static bool indents(const struct driver *d) {
  uint32_t at = d->brackets[0].from, stop = at + INDENT_MAX, line;
  do {
    while (at < stop && d->p.text[at] && d->p.text[at] != '\n') at++;
    while (at < stop && (d->p.text[at] == '\n' || d->p.text[at] == '\r')) at++;
    line = at;
    while (at < stop && (d->p.text[at] == ' ' || d->p.text[at] == '\t')) at++;
  } while (at < stop && (d->p.text[at] == '#' || d->p.text[at] == '\n' || d->p.text[at] == '\r'));
  return at > line;
}

/* Whether a declaration begins here although brackets are open: at the level of the outermost one or further left. Where
 * its keyword may be a name (`list vip` in a test), the block must be one that indents. */
static bool begins_outside(struct driver *d, struct token t) {
  if (!d->depth || d->beyond || !driver_declares(d, t.kind, 0)) return false;
  if (!driver_first_on_line(d, t) || driver_indent_of_line(d) > d->brackets[0].indent) return false;
  bool taken = grammar_accepts(d->parser, t.kind) ||
               (grammar_fallback(t.kind) == TOK_NAME && grammar_accepts(d->parser, TOK_NAME));
  return !taken || t.kind == TOK_CONTACT || indents(d);
}

/* --- recovery ---------------------------------------------------------------------------------------------------------*/

void driver_take(struct driver *d, uint16_t kind, struct token t) {
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
      d->begins = !driver_in_parens(d) && grammar_accepts(d->parser, TOK_BAD);
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
    case TOK_CHANNEL: token = TOK_BAD_CHANNEL; break;
    case TOK_CONNECTOR: token = TOK_BAD_CONNECTOR; break;
    case TOK_GET: case TOK_POST: case TOK_PUT: case TOK_PATCH: case TOK_DELETE: token = TOK_BAD_REQUEST; break;
    case TOK_CAMPAIGN: token = TOK_BAD_CAMPAIGN; break;
    case TOK_WHEN: case TOK_LABEL: token = TOK_BAD_RULE; break;
    case TOK_TEST: case TOK_FIXTURE: token = TOK_BAD_TEST; break;
    case TOK_IF: case TOK_ON: token = TOK_BAD_BLOCK; break;
    case TOK_REPEAT: case TOK_FOR: case TOK_PERCENT: token = TOK_BAD_BLOCK; break;
    case TOK_SPLIT: token = TOK_BAD_SPLIT; break;
    case TOK_EXPERIMENT: token = TOK_BAD_EXPERIMENT; break;
    case TOK_VARIANT: token = TOK_BAD_BLOCK; break;
    case TOK_SEQUENCE: token = TOK_BAD_RULE; break;
    case TOK_WAIT: token = driver_peek_solid(d, 0) == TOK_ON ? TOK_BAD_WAIT : TOK_BAD_BLOCK; break;
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
  if (t.kind != TOK_EOL && grammar_accepts(d->parser, TOK_EOL) && !driver_first_misspelt(d)) {
    /* What stands before the mistake is whole: it is kept, so that its names are known. */
    d->p.quiet = true;
    driver_take(d, TOK_EOL, (struct token){ .from = d->last_to, .to = d->last_to });
    d->first = first;
    d->begins = false;
    kept = true;
  }
  unwind(d);
  uint32_t braces = d->depth;
  if (!silent) driver_suggest_first(d);
  d->beyond = d->doubt = 0;
  d->panic = d->p.quiet = true;
  uint16_t stand_in = TOK_BAD;
  /* A token that stopped the last recovery and is wrong again is passed over, so that each recovery moves on. */
  bool again = t.kind == d->stopped.kind && t.from == d->stopped.from && t.kind != LEX_END;
  for (;; t = driver_next(d)) {
    if (again) {
      again = false;
      driver_track(d, t);
      continue;
    }
    bool level = d->depth == braces && d->beyond == 0;
    if (t.kind == LEX_END || (!level && begins_outside(d, t))) break;
    if (level && (t.kind == TOK_EOL || (t.kind == TOK_RBRACE && braces))) break;
    if (level && t.kind == TOK_COMMA && driver_begins_statement(driver_peek(d, 0)->kind)) break;
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
    driver_track(d, t);
    d->last = t.kind;
    d->last_to = t.to;
  }
  d->panic = false;
  d->stopped = t;
  driver_torn_add(d, first, d->last_to > mistaken ? d->last_to : mistaken);
  if (d->depth > braces) d->depth = braces; /* what the mistaken statement left open */
  if (stand_in == TOK_BAD_CAMPAIGN) {
    d->p.spare = (struct campaign_decl){ 0 };
    campaign_open(&d->p, &d->p.spare);
  }
  struct token bad = { .kind = stand_in, .from = d->first.from, .to = t.from > d->first.from ? t.from : d->first.to };
  uint16_t last = d->last;
  driver_take(d, stand_in, bad);
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
    driver_track(d, t);
    d->last = t.kind;
    d->last_to = t.to;
    t = driver_next(d);
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
void driver_report_open(struct driver *d, uint32_t behind, const char *note) {
  if (!d->depth || d->p.quiet || d->deep_reported || d->brackets[d->depth - 1].missing) return;
  if (d->lent >= d->depth) return; /* a block whose `{` was put in has taken this one's `}` */
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
      driver_take(d, TOK_RBRACE, t);
    } else if (d->last != TOK_EOL && grammar_accepts(d->parser, TOK_EOL)) {
      driver_take(d, TOK_EOL, t);
    } else {
      unwind(d);
      driver_take(d, TOK_BAD, t);
    }
    d->p.quiet = true;
  }
}

/* A declaration inside a block: the block was not closed, and what stands behind it is checked all the same. */
static void begin_outside(struct driver *d, struct token t) {
  driver_report_open(d, t.from, "something new begins here");
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
  driver_report_open(d, d->last_to, "the file ends here");
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
  driver_take(d, TOK_RBRACE, (struct token){ .from = d->last_to, .to = d->last_to });
  return true;
}

/* `} }` where one was meant: the second closes a block of which more stands below. It is a mistake only because what follows cannot
 * stand outside. */
static bool closes_too_early(struct driver *d, struct token t) {
  if (t.kind != TOK_RBRACE || d->last != TOK_RBRACE || d->last_to < d->line_from || !d->depth || driver_in_parens(d) || d->p.quiet) return false;
  struct bracket b = d->brackets[d->depth - 1];
  if (driver_indent_of_line(d) <= b.indent || b.from >= d->line_from) return false;
  uint32_t n = 0, more;
  while (n < AHEAD_COUNT - 4 && driver_peek(d, n)->kind == LEX_NEWLINE) n++;
  if (driver_peek(d, n)->kind >= LEX_NEWLINE || driver_peek(d, n)->kind == LEX_END || driver_indent_at(d, driver_peek(d, n)->from) <= b.indent) return false;
  uint16_t kind = driver_joined(d, driver_peek(d, n)->kind, TOK_RBRACE, n + 1, &more), ahead[REPAIR_AHEAD_COUNT];
  uint32_t count = driver_look_ahead(d, kind, n + 1 + more, ahead);
  bool ends = n > 0 && !driver_continues(d, kind);
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
  if (d->depth || !d->begins || !driver_first_on_line(d, t) || !driver_indent_of_line(d)) return false;
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
  if (t.kind != TOK_EOL || d->p.quiet || d->begins || driver_brace_forgotten(d, t)) return false;
  if (driver_peek(d, 0)->kind >= LEX_NEWLINE || driver_peek(d, 0)->kind == LEX_END || driver_indent_of_line(d) <= driver_indent_at(d, d->first.from)) return false;
  uint16_t ahead[1] = { driver_joined(d, driver_peek(d, 0)->kind, d->last, 1, &more) };
  return driver_peek(d, 0)->kind != TOK_RBRACE && grammar_takes(d->parser, false, ahead, 1) == 0;
}

static void drive(struct driver *d) {
  d->begins = true;
  struct token t = driver_next(d);
  while (t.kind != LEX_END) {
    if (begins_outside(d, t)) begin_outside(d, t);
    bool opens = t.kind == TOK_LBRACE || t.kind == TOK_LPAREN || t.kind == TOK_LBRACKET;
    if ((opens && d->depth == LIMIT_PARSE_DEPTH) || grammar_height(d->parser) > LIMIT_PARSE_STACK_COUNT) {
      t = too_deep(d, t);
      continue;
    }
    if (closes_too_early(d, t)) {
      t = driver_next(d);
      continue;
    }
    uint16_t kind = t.kind;
    if (!grammar_accepts(d->parser, kind)) {
      kind = (uint16_t)grammar_fallback(kind);
      if (kind != TOK_NAME || !grammar_accepts(d->parser, kind) || driver_joins_nothing(d, t.kind)) kind = 0;
    }
    if (!kind && t.kind == TOK_RBRACE && d->depth == 0) {
      if (!d->p.quiet && !d->astray) diag(d->p.c, DIAG_E0203, span_of(&d->p, t), "this `}` closes nothing");
      t = driver_next(d);
      continue;
    }
    if (!kind && goes_on_mistaken(d, t)) {
      t = driver_next(d);
      continue;
    }
    if (!kind && close_record(d, t)) continue;
    if (!kind) {
      bool full = d->p.c->diagnostics.count >= LIMIT_DIAGNOSTICS_COUNT;
      if (full && !d->p.quiet) diag(d->p.c, DIAG_E0201, span_of(&d->p, t), "this cannot stand here");
      struct repair r = { REPAIR_NONE, 0 };
      if (!d->p.quiet && !full && !stays_astray(d, t)) kind = driver_report(d, t, &r);
      if (r.kind != REPAIR_NONE) {
        t = driver_repair_do(d, t, r);
        continue;
      }
      if (!kind || !grammar_accepts(d->parser, kind)) {
        if (full) d->p.quiet = true;
        t = recover(d, t, true);
        continue;
      }
      driver_doubt(d, 2); /* it is what was meant if what stands behind it fits */
      driver_take(d, kind, t);
      t = driver_next(d);
      continue;
    }
    driver_track(d, t);
    driver_take(d, kind, t);
    t = driver_next(d);
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
