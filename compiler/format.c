/* The formatter: one script in, the same script out as everybody writes it.
 *
 * It works on tokens, not on the tree, because the tree has no comments: what stands between two tokens (blanks, newlines,
 * comments, `;`) is written anew, the tokens themselves are copied. Which word is a keyword and where a statement begins is
 * asked of the parser, so a script with a mistake of syntax is not formatted. Names and types are not looked at. Lines stay
 * where the author broke them, but for the braces of a block of several lines.
 *
 *   1. The tokens that the parser takes, and the comments, are the same before and behind; each result is read again to see
 *      that they are. Of the text only blanks, newlines, a byte order mark and `;` that end no statement may go.
 *   2. What is written depends on tokens, comments and where lines break alone, all of which stay: so formatting what was
 *      formatted changes nothing.
 *   3. Blank lines: at most one; none at the ends of the file and of a block. They are how `##` texts are told apart, so none
 *      between two comments goes altogether.
 *   4. Texts between three quotes are copied byte for byte. Their own indentation is theirs: what they mean is without it.
 *   5. The bars of a table of cases stand below each other, where each case is a line.
 *   6. A bracket adds one step to the lines inside it, counted from the line on which it opens; so does the second line of a
 *      statement. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

enum { INDENT_COLUMNS = 2 };

struct piece {
  uint32_t from, to;
  uint32_t line;        /* on which it begins, from 0 */
  uint32_t match;       /* of a bracket: the piece that closes or opens it */
  uint16_t raw, kind;   /* as the lexer gave it, as the parser took it */
  bool begins;          /* a statement, a member or a property begins here */
  bool ended;           /* the parser took an end of statement before it */
  bool separates;       /* a comma behind which a new statement begins */
  bool semicolon;       /* a `;` stood before it */
  uint32_t pad;         /* blanks more before it, so that the bars of a table stand below each other */
  uint32_t steps;       /* of an opening bracket, once written: of the line on which it stands */
};

struct script {
  struct str text;
  struct piece *items; /* the last one is LEX_END */
  uint32_t count, cap;
};

static bool opens(uint16_t kind) { return kind == TOK_LBRACE || kind == TOK_LPAREN || kind == TOK_LBRACKET; }
static bool closes(uint16_t kind) { return kind == TOK_RBRACE || kind == TOK_RPAREN || kind == TOK_RBRACKET; }

/* --- blanks within a line --------------------------------------------------------------------------------------------*/

/* What may stand on the left of an operator; behind anything else a `-` or `+` is a sign. */
static bool ends_value(uint16_t kind) {
  switch (kind) {
    case TOK_NAME: case TOK_TEXT: case TOK_NUMBER: case TOK_PERCENT: case TOK_MONEY: case TOK_DATE: case TOK_TIME:
    case TOK_DATETIME: case TOK_DURATION: case TOK_TRUE: case TOK_FALSE: case TOK_RPAREN: case TOK_RBRACKET: return true;
    default: return false;
  }
}

static bool is_aggregate(uint16_t kind) {
  switch (kind) {
    case TOK_CODE: case TOK_COUNT: case TOK_SUM: case TOK_AVERAGE: case TOK_MIN: case TOK_MAX: case TOK_FIRST: case TOK_LAST: return true;
    default: return false;
  }
}

bool blank_between(uint16_t before_last, uint16_t last, uint16_t next) {
  switch (next) {
    case TOK_COMMA: case TOK_COMMA_LAST: case TOK_DOT: case LEX_COLON: case TOK_RPAREN: case TOK_RBRACKET: return false;
    case TOK_LPAREN: {
      bool since = before_last == TOK_TIME_SINCE || before_last == TOK_SINCE; /* time since last (a or b) */
      if (is_aggregate(last) && !since) return false;
      if (before_last == TOK_DO || before_last == TOK_SEQUENCE) return false; /* do win_back(coupon) */
      if ((before_last == TOK_LBRACE || before_last == TOK_RBRACE) && (last == TOK_NAME || last == TOK_TEXT)) return false; /* create_task(title: text) { */
      break;
    }
    default: break;
  }
  switch (last) {
    case TOK_DOT: case TOK_LPAREN: case TOK_LBRACKET: return false;
    case TOK_PLUS: case TOK_MINUS: return ends_value(before_last);
    default: return true;
  }
}

/* --- reading ---------------------------------------------------------------------------------------------------------*/

/* What stands between two tokens, comment by comment. */
struct gap {
  const char *at, *end;
  uint32_t newlines;
  bool documented; /* the last comment began with ## */
};

static struct gap gap_before(const struct script *s, uint32_t i) {
  uint32_t from = i ? s->items[i - 1].to : 0;
  return (struct gap){ .at = s->text.ptr + from, .end = s->text.ptr + s->items[i].from };
}

/* The next comment, without blanks at its end; `newlines` is then how many stood before it. False behind the last: then it is
 * how many stand before the token. */
static bool gap_comment(struct gap *g, struct str *comment) {
  g->newlines = 0;
  for (; g->at < g->end; g->at++) {
    if (*g->at == '\n') g->newlines++;
    /* A `;` on a line of its own goes, but the ## lines around it stay apart. */
    if (*g->at == ';' && g->documented) g->newlines++;
    if (*g->at != '#') continue;
    const char *stop = memchr(g->at, '\n', (size_t)(g->end - g->at));
    if (!stop) stop = g->end;
    const char *last = stop;
    while (last > g->at && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r')) last--;
    *comment = str_slice(g->at, last);
    g->documented = str_starts(*comment, STR("##"));
    g->at = stop;
    return true;
  }
  return false;
}

static bool has_comment(struct gap g) {
  struct str comment;
  return gap_comment(&g, &comment);
}

static void match_brackets(struct script *s) {
  uint32_t stack[LIMIT_PARSE_DEPTH], depth = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    if (opens(s->items[i].kind)) {
      CHECK(depth < LIMIT_PARSE_DEPTH);
      stack[depth++] = i;
    } else if (closes(s->items[i].kind)) {
      CHECK(depth);
      uint32_t opener = stack[--depth];
      s->items[i].match = opener;
      s->items[opener].match = i;
    }
  }
  CHECK(depth == 0);
}

/* The lexer's tokens, with what the parser made of each; both are in the order of the text. */
static void read_pieces(struct compilation *c, uint32_t source, const struct taken_list *taken, struct script *s) {
  struct lexer lexer;
  struct token t;
  uint32_t line = 0, counted = 0, k = 0;
  bool semicolon = false;
  lexer_init(&lexer, c, source);
  do {
    lexer_next(&lexer, &t);
    if (t.kind == LEX_NEWLINE) continue;
    if (t.kind == LEX_SEMICOLON) {
      semicolon = true;
      continue;
    }
    for (; counted < t.from; counted++) line += s->text.ptr[counted] == '\n';
    const struct piece *prev = s->count ? &s->items[s->count - 1] : NULL;
    struct piece p = { .from = t.from, .to = t.to, .line = line, .raw = t.kind, .kind = t.kind, .semicolon = semicolon };
    for (; k < taken->count && taken->items[k].kind == TOK_EOL; k++) p.ended = true;
    if (k < taken->count && t.kind != LEX_END && taken->items[k].from == t.from) {
      p.kind = taken->items[k].kind;
      p.separates = p.kind == TOK_COMMA && taken->items[k].begins;
      k++;
    }
    p.begins = !prev || p.ended || prev->separates || prev->kind == TOK_LBRACE;
    VEC_PUSH(&c->arena, s, p);
    semicolon = false;
  } while (t.kind != LEX_END);
  CHECK(k == taken->count);
  match_brackets(s);
}

/* False when there are mistakes. */
static bool read_script(struct compilation *c, struct str path, struct str text, struct script *s) {
  uint32_t source = c->sources.count;
  compilation_add(c, path, text, false);
  *s = (struct script){ .text = c->sources.items[source].text };
  struct tree tree = { NULL, NULL };
  tree.tail = &tree.items;
  struct taken_list taken = { 0 };
  uint32_t reported = c->diagnostics.count;
  parse_source_taken(c, source, &tree, &taken);
  if (c->diagnostics.count > reported) return false;
  read_pieces(c, source, &taken, s);
  return true;
}

/* --- writing ---------------------------------------------------------------------------------------------------------*/

struct frame {
  bool brace;
  uint32_t base;      /* steps of the line on which the bracket opens: where it closes */
  uint32_t content;   /* of what it holds */
  uint32_t statement; /* of the statement that is being written */
};

struct writer {
  const struct script *s;
  struct buf *out;
  struct frame frames[LIMIT_PARSE_DEPTH + 1];
  uint32_t depth;
  uint32_t line; /* steps of the line that is being written */
};

static void indent(struct writer *w, uint32_t steps) {
  static const char blanks[] = "                                                                ";
  for (size_t left = (size_t)steps * INDENT_COLUMNS; left;) {
    size_t n = left < sizeof blanks - 1 ? left : sizeof blanks - 1;
    buf_add(w->out, blanks, n);
    left -= n;
  }
}

static void write_newlines(struct writer *w, bool blank_line) {
  if (w->out->len == 0) return;
  buf_c(w->out, blank_line ? "\n\n" : "\n");
}

/* Blanks inside a date with a time, an amount or a long duration become one. */
static void write_token(struct writer *w, const struct piece *p) {
  const char *at = w->s->text.ptr + p->from, *end = w->s->text.ptr + p->to;
  if (p->raw == TOK_TEXT) {
    buf_str(w->out, str_slice(at, end));
    return;
  }
  while (at < end) {
    const char *from = at;
    while (at < end && *at != ' ' && *at != '\t') at++;
    buf_str(w->out, str_slice(from, at));
    if (at < end) buf_byte(w->out, ' ');
    while (at < end && (*at == ' ' || *at == '\t')) at++;
  }
}

/* --- tables of cases -------------------------------------------------------------------------------------------------*/

struct table { uint32_t *widths, columns; };

/* Behind the row that begins with piece i. */
static uint32_t row_end(const struct script *s, uint32_t i, uint32_t close) {
  do i = opens(s->items[i].kind) ? s->items[i].match + 1 : i + 1;
  while (i < close && !s->items[i].begins);
  return i;
}

static uint32_t cell_end(const struct script *s, uint32_t i, uint32_t end) {
  while (i < end && s->items[i].kind != TOK_BAR) i = opens(s->items[i].kind) ? s->items[i].match + 1 : i + 1;
  return i;
}

/* A row that the author broke, or put a comment into, stays as it is. */
static bool is_one_line(const struct script *s, uint32_t i, uint32_t end) {
  for (uint32_t k = i + 1; k < end; k++)
    if (s->items[k].line != s->items[i].line || s->items[k].semicolon || has_comment(gap_before(s, k))) return false;
  return true;
}

static uint32_t cell_width(struct writer *w, uint32_t i, uint32_t end) {
  struct buf *out = w->out, scratch;
  uint32_t columns = 0;
  buf_init(&scratch, LIMIT_SOURCE_BYTES);
  w->out = &scratch;
  for (uint32_t k = i; k < end; k++) {
    const struct piece *p = &w->s->items[k];
    if (k > i && blank_between(k > 1 ? p[-2].kind : 0, p[-1].kind, p->kind)) buf_byte(&scratch, ' ');
    write_token(w, p);
  }
  w->out = out;
  for (size_t k = 0; k < scratch.len; k++) columns += ((unsigned char)scratch.data[k] & 0xc0) != 0x80;
  buf_deinit(&scratch);
  return columns;
}

/* The kind of the token before the one before. Nothing is on the left of a sign before points: `+10 for visit`, `score interest +15`. */
static uint16_t kind_before_last(const struct piece *items, uint32_t i) {
  const struct piece *sign = i ? &items[i - 1] : NULL;
  bool points = sign && (sign->kind == TOK_PLUS || sign->kind == TOK_MINUS) && (sign->begins || (i > 2 && items[i - 3].kind == TOK_SCORE));
  return i > 1 && !points ? items[i - 2].kind : 0;
}

/* Measures the rows, or pads them to what was measured. The last cell of a row needs nothing behind it. */
static void each_row(struct writer *w, struct piece *items, uint32_t open, struct table *t, bool pads) {
  uint32_t close = items[open].match;
  for (uint32_t i = open + 1, end; i < close; i = end) {
    end = row_end(w->s, i, close);
    if (!is_one_line(w->s, i, end)) continue;
    uint32_t column = 0;
    for (uint32_t from = i, bar; (bar = cell_end(w->s, from, end)) < end; from = bar + 1, column++) {
      uint32_t width = cell_width(w, from, bar);
      if (pads) items[bar].pad = t->widths[column] - width;
      else if (width > t->widths[column]) t->widths[column] = width;
    }
  }
}

static void align_tables(struct compilation *c, struct writer *w, struct script *s) {
  for (uint32_t i = 1; i < s->count; i++) {
    if (s->items[i].kind != TOK_LBRACE || s->items[i - 1].kind != TOK_CASES) continue;
    struct table t = { .columns = 0 };
    for (uint32_t k = i; k < s->items[i].match; k++) t.columns += s->items[k].kind == TOK_BAR; /* at least those of a row */
    t.widths = arena_zalloc(&c->arena, t.columns + 1, sizeof *t.widths);
    each_row(w, s->items, i, &t, false);
    each_row(w, s->items, i, &t, true);
  }
}

/* --- lines -----------------------------------------------------------------------------------------------------------*/

/* A line that begins so goes on with the one above, unless a `;` ends that (see continues in parse.c). */
static bool continues(const struct script *s, uint32_t i) {
  switch (s->items[i].raw) {
    case TOK_ELSE: case TOK_AND: case TOK_OR: case TOK_THEN: case TOK_WHERE: case TOK_WITH: case TOK_AFTER: case TOK_UNLESS:
    case TOK_VIA: case TOK_LBRACE: return true;
    case TOK_IF: return s->items[i + 1].raw == TOK_STILL;
    default: return false;
  }
}

/* A pair of braces that holds nothing, not even a comment. */
static bool is_empty_pair(const struct script *s, uint32_t i) {
  return i && s->items[i].kind == TOK_RBRACE && s->items[i].match == i - 1 && !has_comment(gap_before(s, i));
}

/* A block of several lines has its braces at the end of one and the beginning of another. */
static bool must_break(const struct script *s, uint32_t i) {
  const struct piece *p = &s->items[i], *prev = i ? p - 1 : NULL;
  if (prev && prev->kind == TOK_LBRACE && s->items[prev->match].line != prev->line) return true;
  return p->kind == TOK_RBRACE && s->items[p->match].line != p->line;
}

/* The steps of a line that begins with piece i. */
static uint32_t steps_of(struct writer *w, uint32_t i) {
  const struct piece *p = &w->s->items[i];
  struct frame *f = &w->frames[w->depth];
  if (closes(p->kind)) return f->base;
  if (p->begins || !f->brace) return f->content;
  if (p->kind == TOK_LBRACE || p->kind == TOK_ELSE_BLOCK) return f->statement;
  /* What stands on the line below `then` is a statement of its own, whose further lines go one step more. */
  if (p[-1].kind == TOK_THEN) return ++f->statement;
  return f->statement + 1;
}

/* Comments and the break or blank before piece i. */
static void write_gap(struct writer *w, uint32_t i) {
  const struct script *s = w->s;
  const struct piece *p = &s->items[i], *prev = i ? p - 1 : NULL;
  struct gap g = gap_before(s, i);
  struct str comment;
  bool first = !prev || opens(prev->kind); /* nothing stands yet at the file's or the block's beginning */
  bool last = closes(p->kind) || p->kind == LEX_END;
  bool breaks = !prev || memchr(g.at, '\n', (size_t)(g.end - g.at)) || must_break(s, i);
  if (is_empty_pair(s, i)) breaks = false;
  uint32_t steps = breaks && p->kind != LEX_END ? steps_of(w, i) : 0;
  if (p->semicolon && prev && prev->kind != TOK_LBRACE && !last && (!breaks || continues(s, i))) buf_c(w->out, ";");
  for (bool beside = prev != NULL; gap_comment(&g, &comment); beside = false) {
    if (beside && g.newlines == 0) {
      buf_c(w->out, "  ");
    } else {
      write_newlines(w, g.newlines > 1 && !first);
      indent(w, last ? w->frames[w->depth].content : steps);
      first = false;
    }
    buf_str(w->out, comment);
  }
  if (p->kind == LEX_END) {
    write_newlines(w, false);
  } else if (breaks) {
    write_newlines(w, g.newlines > 1 && !first && !last);
    indent(w, steps);
    w->line = steps;
  } else {
    /* `at 2026-01-05 10:00  ann purchase`: a time, and then what happens. */
    bool stage = i > 1 && p[-2].kind == TOK_AT && p[-2].begins && !p->begins &&
                 (prev->kind == TOK_DATE || prev->kind == TOK_DATETIME || prev->kind == TOK_NAME);
    for (uint32_t n = p->pad; n; n--) buf_byte(w->out, ' ');
    if (stage) buf_c(w->out, "  ");
    else if (blank_between(kind_before_last(w->s->items, i), prev->kind, p->kind)) buf_byte(w->out, ' ');
  }
}

/* The parameters that a sequence or an operation declares, in brackets that close at piece i: its block stands below the line on which
 * they open, wherever they end. */
static bool ends_params(const struct script *s, uint32_t i) {
  if (i < 2 || s->items[i].kind != TOK_RPAREN || !s->items[i].match) return false;
  const struct piece *name = &s->items[s->items[i].match - 1];
  return name->begins || (name > s->items && name[-1].raw == TOK_SEQUENCE && name[-1].begins);
}

static void write_script(struct writer *w) {
  for (uint32_t i = 0; i < w->s->count; i++) {
    const struct piece *p = &w->s->items[i];
    write_gap(w, i);
    if (p->begins) w->frames[w->depth].statement = w->frames[w->depth].content;
    write_token(w, p);
    if (opens(p->kind)) {
      uint32_t base = p->kind == TOK_LBRACE && i && ends_params(w->s, i - 1) ? w->s->items[p[-1].match].steps : w->line;
      w->s->items[i].steps = base;
      w->frames[++w->depth] = (struct frame){ .brace = p->kind == TOK_LBRACE, .base = base, .content = base + 1, .statement = base + 1 };
    } else if (closes(p->kind)) {
      w->depth--;
    }
  }
}

/* --- the whole -------------------------------------------------------------------------------------------------------*/

/* Formatting adds blanks, and what is written must be a script again. */
static bool within_limits(struct compilation *c, uint32_t source, const struct buf *out) {
  size_t longest = 0;
  struct str text = out->len ? buf_as_str(out) : STR("");
  for (const char *at = text.ptr, *end = at + text.len; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    if ((size_t)(stop - at) > longest) longest = (size_t)(stop - at);
    at = stop + 1;
  }
  struct span start = { source, 0, 1 };
  if (out->failed || out->len > LIMIT_SOURCE_BYTES)
    diag(c, DIAG_E0105, start, "formatted, this script is longer than the %u bytes that a script holds at most",
         LIMIT_SOURCE_BYTES)->help = STR("divide it: the files of a folder are one project");
  else if (longest > LIMIT_LINE_BYTES)
    diag(c, DIAG_E0104, start, "formatted, a line of this script is %zu bytes long; a line holds at most %u", longest,
         LIMIT_LINE_BYTES)->help = STR("put each statement on a line of its own");
  else
    return true;
  return false;
}

static bool same_comments(const struct script *a, const struct script *b, uint32_t i) {
  struct gap left = gap_before(a, i), right = gap_before(b, i);
  struct str x, y;
  for (;;) {
    bool more = gap_comment(&left, &x);
    if (more != gap_comment(&right, &y)) return false;
    if (!more) return true;
    if (!str_eq(x, y)) return false;
  }
}

/* The same letters; blanks inside a token may have become one, but for texts. */
static bool same_token(const struct script *a, const struct script *b, uint32_t i) {
  const struct piece *p = &a->items[i], *q = &b->items[i];
  if (p->kind != q->kind || p->ended != q->ended || p->begins != q->begins) return false;
  const char *x = a->text.ptr + p->from, *x_end = a->text.ptr + p->to, *y = b->text.ptr + q->from, *y_end = b->text.ptr + q->to;
  if (p->raw == TOK_TEXT) return str_eq(str_slice(x, x_end), str_slice(y, y_end));
  for (;; x++, y++) {
    while (x < x_end && (*x == ' ' || *x == '\t')) x++;
    while (y < y_end && (*y == ' ' || *y == '\t')) y++;
    if (x == x_end || y == y_end) return x == x_end && y == y_end;
    if (*x != *y) return false;
  }
}

/* Invariant 1. A formatter that loses a word is worse than none, so this is looked at each time. */
static void check_same(const struct script *before, const struct buf *out) {
  struct compilation c;
  compilation_init(&c);
  struct script after;
  bool reads = read_script(&c, STR("formatted"), buf_as_str(out), &after);
  CHECK(reads);
  CHECK(before->count == after.count);
  for (uint32_t i = 0; i < after.count; i++) {
    CHECK(same_token(before, &after, i));
    CHECK(same_comments(before, &after, i));
  }
  compilation_deinit(&c);
}

bool format_script(struct compilation *c, struct str path, struct str text, struct buf *out) {
  struct script s;
  bool ok = read_script(c, path, text, &s);
  if (ok) {
    struct writer w = { .s = &s, .out = out, .frames = { { .brace = true } } };
    align_tables(c, &w, &s);
    write_script(&w);
    ok = within_limits(c, c->sources.count - 1, out);
  }
  if (ok) check_same(&s, out);
  diagnostics_sort(c);
  return ok;
}
