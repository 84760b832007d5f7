/* Cuts Liquid: a template into text, tags and outputs; a tag's markup into tokens. And the compiler's store of code, names
 * and constants, which every other file of it writes to.
 *
 * By hand, not by re2c: what ends an unfinished output depends on bytes behind it, as in the reference, and both cuts
 * must go on after an error exactly where the reference goes on. */
#include "liquid_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/base/utf8.h"
#include "vm/liquid_number.h"

/* --- errors ---------------------------------------------------------------------------------------------------------- */

bool liquid_fail(struct liquid_compiler *c, const char *fmt, ...) {
  if (c->failed) return false;
  va_list args;
  va_start(args, fmt);
  c->error = lq_vprintf(&c->arena, 1023, fmt, args);
  va_end(args);
  c->failed = true;
  c->error_line = c->line;
  return false;
}

/* --- the store ------------------------------------------------------------------------------------------------------- */

uint32_t code_op(struct liquid_compiler *c, enum lq_op op, uint32_t a) {
  uint32_t pc = c->code.count;
  VEC_PUSH(&c->arena, &c->code, (uint32_t)op | a << 8);
  if (a > LQ_OPERAND_MAX || pc >= LIMIT_LIQUID_CODE_COUNT) liquid_fail(c, "the template is larger than %u words", LIMIT_LIQUID_CODE_COUNT);
  return pc;
}
void code_word(struct liquid_compiler *c, uint32_t word) { VEC_PUSH(&c->arena, &c->code, word); }
void code_patch(struct liquid_compiler *c, uint32_t pc, uint32_t a) { c->code.items[pc] = (c->code.items[pc] & 0xff) | a << 8; }

struct checkpoint code_checkpoint(const struct liquid_compiler *c) {
  return (struct checkpoint){ c->code.count, c->consts.count, c->cache_count, c->nodes.count, c->sites.count, c->args.count };
}
void code_rollback(struct liquid_compiler *c, struct checkpoint at) {
  c->code.count = at.code;
  c->consts.count = at.consts;
  c->cache_count = at.caches;
  c->nodes.count = at.nodes;
  c->sites.count = at.sites;
  c->args.count = at.args;
  c->failed = c->not_syntax = false;
  c->context = (struct str){ NULL, 0 };
}

bool code_is_const(const struct liquid_compiler *c, uint32_t pc, struct lq *out) {
  if (c->code.count != pc + 1 || (c->code.items[pc] & 0xff) != LQ_OP_CONST) return false;
  *out = c->consts.items[c->code.items[pc] >> 8];
  return true;
}

uint32_t const_add(struct liquid_compiler *c, struct lq v) {
  VEC_PUSH(&c->arena, &c->consts, v);
  return c->consts.count - 1;
}

static void name_table_grow(struct liquid_compiler *c) {
  c->name_slots = c->name_slots ? c->name_slots * 2 : 64;
  c->name_table = arena_alloc(&c->arena, c->name_slots * sizeof *c->name_table);
  memset(c->name_table, 0xff, c->name_slots * sizeof *c->name_table);
  for (uint32_t i = 0; i < c->names.count; i++) {
    uint32_t at = c->names.items[i].hash & (c->name_slots - 1);
    while (c->name_table[at] != LQ_NONE) at = (at + 1) & (c->name_slots - 1);
    c->name_table[at] = i;
  }
}

uint32_t name_add(struct liquid_compiler *c, struct str text) {
  if (c->names.count * 2 >= c->name_slots) name_table_grow(c);
  uint32_t hash = lq_key_hash(text.ptr, text.len), at = hash & (c->name_slots - 1);
  for (; c->name_table[at] != LQ_NONE; at = (at + 1) & (c->name_slots - 1)) {
    const struct lq_name *n = &c->names.items[c->name_table[at]];
    if (n->hash == hash && str_eq(n->text, text)) return c->name_table[at];
  }
  c->name_table[at] = c->names.count;
  struct lq_name name = lq_name_of(text);
  VEC_PUSH(&c->arena, &c->names, name);
  return c->names.count - 1;
}

/* --- a template's pieces --------------------------------------------------------------------------------------------- */

static const char *find_two(const char *at, const char *end, char first, char second) {
  while (at < end && (at = memchr(at, first, (size_t)(end - at)))) {
    if (at + 1 < end && at[1] == second) return at;
    at++;
  }
  return NULL;
}

static uint32_t count_lines(struct str s) {
  uint32_t n = 0;
  const char *at = s.ptr, *end = s.ptr + s.len;
  while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) n++, at++;
  return n;
}

static const char *find_close(struct pieces *p, const char *at) {
  const char *close = p->no_close ? NULL : find_two(at, p->end, '%', '}');
  p->no_close = !close;
  return close;
}

/* An output that begins at start: to }}, or } and any other byte; one that holds {% ends as a tag; what is not closed is
 * "{{" alone, and everything behind it is gone. */
static struct str take_output(struct pieces *p, const char *start) {
  const char *at = start + 2, *end = p->end;
  while (at < end) {
    while (at < end && *at != '}' && *at != '{') at++;
    if (at == end) break;
    char a = *at++;
    if (at == end) {
      p->at = end;
      return a == '}' ? str_slice(start, end) : (struct str){ start, 2 };
    }
    if (a == '}') {
      p->at = *at == '}' ? at + 1 : at;
      return str_slice(start, p->at);
    }
    if (*at == '%') {
      const char *close = find_close(p, at + 1);
      p->at = close ? close + 2 : at + 1;
      return str_slice(start, p->at);
    }
  }
  p->at = end;
  return (struct str){ start, 2 };
}

static struct str take_piece(struct pieces *p) {
  const char *start = p->at, *end = p->end;
  if (end - start >= 2 && *start == '{' && start[1] == '%') {
    const char *close = find_close(p, start + 2);
    p->at = close ? close + 2 : start + 2;
    return str_slice(start, p->at);
  }
  if (end - start >= 2 && *start == '{' && start[1] == '{') return take_output(p, start);
  const char *at = start;
  while ((at = memchr(at, '{', (size_t)(end - at))) && !(at + 1 < end && (at[1] == '{' || at[1] == '%'))) at++;
  p->at = at ? at : end;
  return str_slice(start, p->at);
}

bool pieces_next(struct pieces *p, struct str *out) {
  if (p->liquid_tag) {
    const char *more = p->at;
    while (more < p->end && *more == '\n') more++;
    if (more >= p->end) return false; /* as Ruby splits lines: empty ones at the end are none */
    const char *newline = memchr(p->at, '\n', (size_t)(p->end - p->at));
    *out = str_slice(p->at, newline ? newline : p->end);
    p->at = newline ? newline + 1 : p->end;
    p->line++;
    return true;
  }
  if (p->at >= p->end) return false;
  *out = take_piece(p);
  p->line += count_lines(*out);
  return true;
}

/* --- markup ---------------------------------------------------------------------------------------------------------- */

static bool is_letter(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_'; }
static bool is_digit(char ch) { return ch >= '0' && ch <= '9'; }

struct str str_strip(struct str s) {
  while (s.len && (markup_space(*s.ptr) || !*s.ptr)) s.ptr++, s.len--;
  while (s.len && (markup_space(s.ptr[s.len - 1]) || !s.ptr[s.len - 1])) s.len--;
  return s;
}

static bool unexpected(struct liquid_compiler *c, const char *at, const char *end) {
  size_t n = utf8_decode(str_slice(at, end), NULL);
  return liquid_fail(c, "Unexpected character %.*s", (int)(n ? n : 1), at);
}

static const char *take_number(const char *at, const char *end) {
  if (*at == '-') at++;
  while (at < end && is_digit(*at)) at++;
  if (end - at > 1 && *at == '.' && is_digit(at[1]))
    for (at++; at < end && is_digit(*at);) at++;
  return at;
}

/* One token; its end, or NULL at a character that begins none. */
static const char *take_token(const char *at, const char *end, bool after_dot, enum token_kind *kind) {
  char ch = *at, next = at + 1 < end ? at[1] : 0;
  if (is_letter(ch)) {
    const char *from = at;
    while (at < end && (is_letter(*at) || is_digit(*at) || *at == '-')) at++;
    if (at < end && *at == '?') at++;
    *kind = at - from == 8 && !after_dot && memcmp(from, "contains", 8) == 0 ? T_COMPARISON : T_ID;
    return at;
  }
  if (is_digit(ch) || (ch == '-' && is_digit(next))) {
    *kind = T_NUMBER;
    return take_number(at, end);
  }
  if (ch == '"' || ch == '\'') {
    const char *close = memchr(at + 1, ch, (size_t)(end - at - 1));
    *kind = T_STRING;
    return close ? close + 1 : NULL;
  }
  *kind = T_COMPARISON;
  switch (ch) {
    case '=': case '!': return next == '=' ? at + 2 : NULL;
    case '<': return at + (next == '=' || next == '>' ? 2 : 1);
    case '>': return at + (next == '=' ? 2 : 1);
    case '|': *kind = T_PIPE; return at + 1;
    case ':': *kind = T_COLON; return at + 1;
    case ',': *kind = T_COMMA; return at + 1;
    case '[': *kind = T_OPEN_SQUARE; return at + 1;
    case ']': *kind = T_CLOSE_SQUARE; return at + 1;
    case '(': *kind = T_OPEN_ROUND; return at + 1;
    case ')': *kind = T_CLOSE_ROUND; return at + 1;
    case '?': *kind = T_QUESTION; return at + 1;
    case '-': *kind = T_DASH; return at + 1;
    case '.': *kind = next == '.' ? T_DOTDOT : T_DOT; return at + (next == '.' ? 2 : 1);
    default: return NULL;
  }
}

bool markup_tokens(struct liquid_compiler *c, struct str markup) {
  c->tokens.count = c->p = 0;
  const char *at = markup.ptr, *end = at + markup.len;
  for (;;) {
    while (at < end && markup_space(*at)) at++;
    if (at == end) break;
    bool after_dot = c->tokens.count && c->tokens.items[c->tokens.count - 1].kind == T_DOT;
    struct token t;
    const char *next = take_token(at, end, after_dot, &t.kind);
    if (!next) return unexpected(c, at, end);
    t.text = str_slice(at, next);
    VEC_PUSH(&c->arena, &c->tokens, t);
    at = next;
  }
  struct token last = { T_END, { end, 0 } };
  VEC_PUSH(&c->arena, &c->tokens, last);
  return true;
}

static const char *kind_name(enum token_kind k) {
  static const char *const names[] = { "end_of_string", "id", "number", "string", "comparison", "pipe", "dot", "dotdot",
    "colon", "comma", "open_square", "close_square", "open_round", "close_round", "question", "dash" };
  return names[k];
}

bool consume(struct liquid_compiler *c, enum token_kind k, struct str *out) {
  const struct token *t = token_now(c);
  if (t->kind != k) return liquid_fail(c, "Expected %s but found %s", kind_name(k), kind_name(t->kind));
  if (out) *out = t->text;
  if (k != T_END) c->p++;
  return true;
}
bool consume_if(struct liquid_compiler *c, enum token_kind k, struct str *out) {
  return look(c, k) && consume(c, k, out);
}
bool consume_word(struct liquid_compiler *c, const char *word) {
  if (!look(c, T_ID) || !str_is(token_now(c)->text, word)) return false;
  c->p++;
  return true;
}

bool not_an_expression(struct liquid_compiler *c) {
  const struct token *t = token_now(c);
  if (t->kind == T_END) return liquid_fail(c, "[:end_of_string] is not a valid expression");
  struct lq_buf b = { .cx = &c->cx };
  if (!lq_inspect(&b, lq_str(t->text))) return liquid_fail(c, "Memory limits exceeded");
  return liquid_fail(c, "[:%s, %.*s] is not a valid expression", kind_name(t->kind), (int)b.len, b.data);
}
