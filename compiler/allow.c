/* Suppressing a warning: `# camp: allow(W0105) we mean it` or `# camp: allow(W0104, W0105) …`.
 *
 * A comment on a line of its own speaks of what stands below it: the next declaration or statement, with its blocks. One
 * behind code speaks of its own line, and of nothing else, even where a statement goes on below. A warning is allowed where the
 * place it marks begins in that stretch. A reason must stand behind the codes: whoever comes next asks for it.
 *
 * Not here: which warnings there are; how they are found. Errors are never allowed.
 *
 *   1. Only scripts that hold the bytes `camp:` cost anything: they are read a second time, into a compilation of their own,
 *      whose mistakes were reported already and are thrown away.
 *   2. Each comment that begins with `camp:` either works or is a mistake; each code of it either took a warning away or is
 *      warned of itself, unless errors kept the checks from looking.
 *   3. What warns of an unused one cannot be allowed, so that suppressions do not pile up. */
#include "allow.h"

#include "grammar.h"
#include "parse.h"

struct allow_reader {
  struct compilation *c;      /* the project's: what is reported goes here */
  struct compilation own;     /* for reading again */
  struct allow_list *all;
  struct str text;
  uint32_t source;
  struct taken_list taken;
  uint32_t taken_at;          /* the first taken token that may lie behind the comment in hand */
};

/* --- where it holds --------------------------------------------------------------------------------------------------*/

static bool opens(uint16_t kind) { return kind == TOK_LBRACE || kind == TOK_LPAREN || kind == TOK_LBRACKET; }
static bool closes(uint16_t kind) { return kind == TOK_RBRACE || kind == TOK_RPAREN || kind == TOK_RBRACKET; }

/* The declaration or statement that begins at the first token behind `from`, up to where the parser saw its end. */
static struct span scope_below(struct allow_reader *r, uint32_t from) {
  struct span scope = { r->source, from, from };
  const struct taken_list *t = &r->taken;
  while (r->taken_at < t->count && (t->items[r->taken_at].from < from || t->items[r->taken_at].kind == TOK_EOL)) r->taken_at++;
  uint32_t depth = 0;
  for (uint32_t i = r->taken_at; i < t->count; i++) {
    const struct taken *k = &t->items[i];
    if (depth == 0 && (k->kind == TOK_EOL || closes(k->kind) || (k->kind == TOK_COMMA && k->begins))) break;
    if (opens(k->kind)) depth++;
    if (closes(k->kind)) depth--;
    scope.to = k->to;
  }
  return scope;
}

static struct span scope_line(const struct allow_reader *r, uint32_t at) {
  uint32_t from = at, to = at;
  while (from && r->text.ptr[from - 1] != '\n') from--;
  while (to < r->text.len && r->text.ptr[to] != '\n') to++;
  return (struct span){ r->source, from, to };
}

/* --- what it says ----------------------------------------------------------------------------------------------------*/

struct cursor { const char *at, *end; };

static void skip_blanks(struct cursor *k) {
  while (k->at < k->end && (*k->at == ' ' || *k->at == '\t')) k->at++;
}
static bool skip_char(struct cursor *k, char c) {
  skip_blanks(k);
  if (k->at == k->end || *k->at != c) return false;
  k->at++;
  return true;
}
static struct str take_word(struct cursor *k) {
  skip_blanks(k);
  const char *from = k->at;
  while (k->at < k->end && ((*k->at >= '0' && *k->at <= '9') || (*k->at >= 'a' && *k->at <= 'z') || (*k->at >= 'A' && *k->at <= 'Z')))
    k->at++;
  return str_slice(from, k->at);
}
static struct span span_of_word(const struct allow_reader *r, struct str word) {
  uint32_t from = (uint32_t)(word.ptr - r->text.ptr);
  return (struct span){ r->source, from, from + (uint32_t)word.len };
}

static bool code_of(struct str word, enum diag_code *code) {
  for (size_t i = 0; explain_at(i); i++)
    if (str_is(word, explain_at(i)->code)) {
      *code = (enum diag_code)i;
      return true;
    }
  return false;
}

/* Whether the code may be allowed; says why not. */
static bool check_code(struct allow_reader *r, struct str word, enum diag_code *code) {
  struct arena *a = &r->c->arena;
  struct span span = span_of_word(r, word);
  if (!code_of(word, code)) {
    struct diagnostic *d = diag(r->c, DIAG_E0572, span, "there is no warning `" STR_FMT "`", STR_ARG(word));
    struct nearest n = nearest_of(word);
    for (size_t i = 0; explain_at(i); i++)
      if (*explain_at(i)->code == 'W') nearest_try(&n, str_from_c(explain_at(i)->code));
    if (!n.best.len) return false;
    d->help = arena_printf(a, "did you mean `" STR_FMT "`?", STR_ARG(n.best));
    d->has_fix = true;
    d->fix = (struct fix){ span, n.best };
    return false;
  }
  if (*word.ptr == 'W' && *code != DIAG_W0161) return true;
  struct diagnostic *d = diag(r->c, DIAG_E0572, span, "`" STR_FMT "` cannot be allowed", STR_ARG(word));
  d->help = *word.ptr == 'W' ? STR("take the comment that suppresses nothing away")
                             : arena_printf(a, "it is an error, and only warnings can be: `camp explain " STR_FMT "` says how to mend it",
                                            STR_ARG(word));
  return false;
}

static void cannot_read(struct allow_reader *r, struct str comment, const char *expected) {
  struct diagnostic *d = diag(r->c, DIAG_E0571, span_of_word(r, comment), "this comment speaks to Camp and cannot be understood");
  d->expected = str_from_c(expected);
}

/* The comment from behind `camp:`. */
static void read_allow(struct allow_reader *r, struct str comment, struct cursor k, struct span scope) {
  static const char *const form = "`# camp: allow(W0105) ` and the reason";
  if (str_starts(comment, STR("##"))) {
    cannot_read(r, comment, "one `#`: two are the documentation of what follows");
    return;
  }
  if (!str_is(take_word(&k), "allow") || !skip_char(&k, '(')) {
    cannot_read(r, comment, form);
    return;
  }
  uint32_t first = r->all->count;
  bool fine = true;
  do {
    struct str word = take_word(&k);
    enum diag_code code;
    if (!word.len) {
      cannot_read(r, comment, form);
      r->all->count = first;
      return;
    }
    if (check_code(r, word, &code))
      VEC_PUSH(&r->c->arena, r->all, ((struct allow){ .code = code, .span = span_of_word(r, word), .scope = scope }));
    else
      fine = false;
  } while (skip_char(&k, ','));
  if (!skip_char(&k, ')')) {
    cannot_read(r, comment, form);
    r->all->count = first;
    return;
  }
  skip_blanks(&k);
  if (k.at == k.end && fine) {
    struct diagnostic *d = diag(r->c, DIAG_E0573, span_of_word(r, comment), "this says which warning is meant to be, but not why");
    d->expected = STR("a reason behind the `)`");
  }
}

/* --- finding them ----------------------------------------------------------------------------------------------------*/

/* The comments between two tokens. `first` is where a token stands before them on the same line; `next` the token behind. */
static void read_gap(struct allow_reader *r, uint32_t from, const struct token *next) {
  const char *at = r->text.ptr + from, *end = r->text.ptr + next->from;
  bool alone = from == 0;
  for (; at < end; at++) {
    if (*at == '\n') alone = true;
    if (*at != '#') continue;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    const char *last = stop;
    while (last > at && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r')) last--;
    struct str comment = str_slice(at, last);
    struct cursor k = { at, last };
    while (k.at < k.end && *k.at == '#') k.at++;
    skip_blanks(&k);
    if (str_starts(str_slice(k.at, k.end), STR("camp:"))) {
      k.at += 5;
      struct span below = { r->source, next->from, next->from };
      if (alone && next->kind != LEX_END) below = scope_below(r, next->from);
      read_allow(r, comment, k, alone ? below : scope_line(r, (uint32_t)(at - r->text.ptr)));
    }
    at = stop - 1;
  }
}

static void read_script(struct allow_reader *r) {
  struct tree tree = { NULL, NULL };
  struct lexer lexer;
  struct token t;
  uint32_t from = 0;
  tree.tail = &tree.items;
  r->taken = (struct taken_list){ 0 };
  r->taken_at = 0;
  parse_source_taken(&r->own, r->source, &tree, &r->taken);
  lexer_init(&lexer, &r->own, r->source);
  do {
    lexer_next(&lexer, &t);
    if (t.kind == LEX_NEWLINE) continue;
    read_gap(r, from, &t);
    from = t.to;
  } while (t.kind != LEX_END);
}

void allow_read(struct compilation *c, struct allow_list *all) {
  enum { BLOCK_BYTES = 1 << 16 };
  struct allow_reader r = { .c = c, .all = all };
  arena_init(&r.own.arena, BLOCK_BYTES);
  for (uint32_t i = 0; i < c->sources.count; i++) {
    const struct source *s = &c->sources.items[i];
    if (s->standard || s->text.len > LIMIT_SOURCE_BYTES || !s->text.len || !memmem(s->text.ptr, s->text.len, "camp:", 5)) continue;
    r.own.sources.items = c->sources.items;
    r.own.sources.count = c->sources.count;
    r.source = i;
    r.text = s->text;
    read_script(&r);
  }
  arena_deinit(&r.own.arena);
}

/* A text that a message takes in is no script: what is allowed of the message is allowed there. */
static bool allowed(const struct compilation *c, struct allow_list *all, const struct diagnostic *d) {
  struct span span = c->sources.items[d->span.source].template && d->note.len ? d->note_span : d->span;
  bool found = false;
  for (uint32_t i = 0; i < all->count; i++) {
    struct allow *a = &all->items[i];
    if (a->scope.source != span.source || span.from < a->scope.from || span.from >= a->scope.to) continue;
    if (strcmp(explain_at(a->code)->code, d->code) == 0) a->used = found = true;
  }
  return found;
}

/* Of a part of a project these are not looked for. */
static bool of_whole_projects(enum diag_code code) {
  return code == DIAG_W0101 || code == DIAG_W0102 || code == DIAG_W0103 || code == DIAG_W0132 ||
         (code >= DIAG_W0151 && code <= DIAG_W0159 && code != DIAG_W0153) || code == DIAG_W0166 || code == DIAG_W0167 || code == DIAG_W0168;
}

void allow_apply(struct compilation *c, struct allow_list *all) {
  if (!all->count) return;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < c->diagnostics.count; i++) {
    const struct diagnostic *d = &c->diagnostics.items[i];
    if (d->severity == SEVERITY_WARNING && allowed(c, all, d)) c->suppressed_count++;
    else c->diagnostics.items[kept++] = *d;
  }
  c->diagnostics.count = kept;
  if (c->error_count) return; /* what stands beside a mistake was perhaps not looked at */
  for (uint32_t i = 0; i < all->count; i++) {
    const struct allow *a = &all->items[i];
    if (a->used || (c->partial && of_whole_projects(a->code))) continue;
    struct diagnostic *d = diag(c, DIAG_W0161, a->span, "there is no `%s` here to allow", explain_at(a->code)->code);
    d->help = a->scope.from == a->scope.to ? STR("nothing follows the comment")
                                           : STR("a comment on a line of its own is about the next statement, one behind code about its line");
  }
}
