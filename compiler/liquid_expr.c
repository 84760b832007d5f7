/* Expressions, filters and conditions, from tokens: the strict ways of reading. The lax way is liquid_lax.c's.
 *
 * Every function that reads an expression leaves code behind it that pushes exactly one value. */
#include "liquid_internal.h"

#include <stdlib.h>

#include "vm/liquid_number.h"

void push_const(struct liquid_compiler *c, struct lq v) { code_op(c, LQ_OP_CONST, const_add(c, v)); }

void push_lookup(struct liquid_compiler *c, struct str name, bool command) {
  code_op(c, command ? LQ_OP_PROP : LQ_OP_KEY, name_add(c, name));
  code_word(c, c->cache_count++);
}

/* The words that are values when they stand alone. */
static bool word_value(struct str s, bool condition, struct lq *out) {
  if (s.len < 3 || s.len > 5) return false;
  *out = lq_nil();
  if (str_is(s, "nil") || str_is(s, "null")) return true;
  if (str_is(s, "true") || str_is(s, "false")) *out = lq_bool(s.len == 4);
  else if (str_is(s, "blank")) *out = condition ? (struct lq){ .type = LQ_BLANK } : lq_str(STR(""));
  else if (str_is(s, "empty")) *out = condition ? (struct lq){ .type = LQ_EMPTY } : lq_str(STR(""));
  else return false;
  return true;
}

static bool number_value(struct liquid_compiler *c, struct str s, struct lq *out) {
  bool negative = *s.ptr == '-';
  struct str digits = { s.ptr + negative, s.len - negative };
  if (!memchr(digits.ptr, '.', digits.len)) {
    if (lq_int_parse(&c->cx, negative, digits, out)) return true;
    return liquid_fail(c, STR_FMT, STR_ARG(c->cx.error));
  }
  char text[128];
  size_t n = s.len < sizeof text ? s.len : sizeof text - 1;
  memcpy(text, s.ptr, n);
  text[n] = 0;
  *out = lq_float(strtod(text, NULL));
  return true;
}

/* A bound of a range that is known already, as Ruby's to_i has it. */
static bool bound_of(struct liquid_compiler *c, struct lq v, struct str markup, int64_t *out) {
  struct lq i = v;
  switch (v.type) {
    case LQ_NIL: *out = 0; return true;
    case LQ_STR: if (!lq_to_i(&c->cx, lq_text(v), &i)) return liquid_fail(c, STR_FMT, STR_ARG(c->cx.error)); break;
    case LQ_INT: case LQ_BIG: break;
    case LQ_FLOAT:
      *out = v.n >= 9e18 ? INT64_MAX : v.n <= -9e18 ? INT64_MIN : (int64_t)v.n;
      return true;
    default: return liquid_fail(c, "Invalid expression type '" STR_FMT "' in range expression", STR_ARG(markup));
  }
  return lq_to_integer(&c->cx, i, out);
}

/* Two values were pushed, the first's code at first_pc, the last's at last_pc: a range of constants becomes one. */
bool push_range(struct liquid_compiler *c, uint32_t first_pc, uint32_t last_pc, struct str first, struct str last) {
  struct lq b;
  bool constant = code_is_const(c, last_pc, &b) && last_pc == first_pc + 1 && (c->code.items[first_pc] & 0xff) == LQ_OP_CONST;
  if (!constant) {
    code_op(c, LQ_OP_RANGE, 0);
    return true;
  }
  struct lq a = c->consts.items[c->code.items[first_pc] >> 8];
  struct lq_range *r = ARENA_NEW(&c->arena, struct lq_range);
  if (!bound_of(c, a, first, &r->first) || !bound_of(c, b, last, &r->last)) return false;
  c->code.count = first_pc;
  push_const(c, (struct lq){ .type = LQ_RANGE, .range = r });
  return true;
}

static bool lookups(struct liquid_compiler *c) {
  for (;;) {
    struct str name;
    struct lq key;
    if (consume_if(c, T_DOT, NULL)) {
      if (!consume(c, T_ID, &name)) return false;
      push_lookup(c, name, true);
    } else if (consume_if(c, T_OPEN_SQUARE, NULL)) {
      uint32_t pc = code_here(c);
      if (!expr(c, false) || !consume(c, T_CLOSE_SQUARE, NULL)) return false;
      if (code_is_const(c, pc, &key) && key.type == LQ_STR) {
        c->code.count = pc;
        push_lookup(c, lq_text(key), false);
      } else {
        code_op(c, LQ_OP_INDEX, 0);
      }
    } else {
      return true;
    }
  }
}

/* The reference puts a range together as text again and reads that by a pattern, in which neither end may hold white space: with a
 * quoted text that does, what was a range is a variable of the words in it. */
static bool spaced_range(struct liquid_compiler *c, uint32_t first, struct str *text) {
  bool spaced = false;
  size_t len = 0;
  for (uint32_t i = first; i < c->p; i++) {
    const struct token *t = &c->tokens.items[i];
    len += t->text.len;
    for (size_t k = 0; t->kind == T_STRING && k < t->text.len; k++) spaced |= markup_space(t->text.ptr[k]);
  }
  if (!spaced) return false;
  char *joined = arena_alloc(&c->arena, len);
  *text = (struct str){ joined, len };
  for (uint32_t i = first; i < c->p; joined += c->tokens.items[i++].text.len)
    memcpy(joined, c->tokens.items[i].text.ptr, c->tokens.items[i].text.len);
  return true;
}

static bool range(struct liquid_compiler *c) {
  struct checkpoint before = code_checkpoint(c);
  uint32_t open = c->p - 1;
  const char *from = token_now(c)->text.ptr;
  uint32_t first_pc = code_here(c);
  if (!expr(c, false)) return false;
  struct str first = str_strip(str_slice(from, token_now(c)->text.ptr));
  if (!consume(c, T_DOTDOT, NULL)) return false;
  from = token_now(c)->text.ptr;
  uint32_t last_pc = code_here(c);
  if (!expr(c, false)) return false;
  struct str last = str_strip(str_slice(from, token_now(c)->text.ptr));
  if (!consume(c, T_CLOSE_ROUND, NULL)) return false;
  struct str text;
  if (!spaced_range(c, open, &text)) return push_range(c, first_pc, last_pc, first, last);
  code_rollback(c, before);
  return expr_text(c, text, false);
}

/* [name] in the place of a variable: the variables by a computed name. */
static bool bare_bracket(struct liquid_compiler *c) {
  struct lq key;
  uint32_t pc = code_here(c);
  if (is_strict2(c)) return liquid_fail(c, "Bare bracket access is not allowed. Use self['...'] instead");
  c->p++;
  if (!expr(c, false) || !consume(c, T_CLOSE_SQUARE, NULL)) return false;
  if (code_is_const(c, pc, &key) && key.type == LQ_STR) {
    c->code.count = pc;
    code_op(c, LQ_OP_VAR, name_add(c, lq_text(key)));
  } else {
    code_op(c, LQ_OP_LOOKUP, 0);
  }
  return lookups(c);
}

static bool expr_here(struct liquid_compiler *c, bool condition) {
  const struct token *t = token_now(c);
  struct lq v;
  switch (t->kind) {
    case T_ID:
      c->p++;
      if (!look(c, T_DOT) && !look(c, T_OPEN_SQUARE) && word_value(t->text, condition, &v)) {
        push_const(c, v);
        return true;
      }
      code_op(c, LQ_OP_VAR, name_add(c, t->text));
      return lookups(c);
    case T_STRING:
      c->p++;
      push_const(c, lq_str((struct str){ t->text.ptr + 1, t->text.len - 2 }));
      return true;
    case T_NUMBER:
      c->p++;
      if (!number_value(c, t->text, &v)) return false;
      push_const(c, v);
      return true;
    case T_OPEN_ROUND: c->p++; return range(c);
    case T_OPEN_SQUARE: return bare_bracket(c);
    default: return not_an_expression(c);
  }
}

bool expr(struct liquid_compiler *c, bool condition) {
  if (++c->expression_depth > LIMIT_LIQUID_EXPRESSION_DEPTH)
    return liquid_fail(c, "an expression has more than %d brackets inside each other", LIMIT_LIQUID_EXPRESSION_DEPTH);
  bool good = expr_here(c, condition);
  c->expression_depth--;
  return good;
}

/* --- filters --------------------------------------------------------------------------------------------------------- */

bool filter_call(struct liquid_compiler *c, struct str name, uint32_t arguments) {
  uint32_t id = lq_filter_find(name, c->options.camp);
  if (id == LQF_COUNT) {
    code_op(c, LQ_OP_UNKNOWN, arguments);
    if (!c->options.camp) return true;
    VEC_PUSH(&c->arena, &c->unknown_filters, name);
    return true; /* whoever compiles says so of each */
  }
  if (c->options.camp && (arguments < lq_filters[id].min || arguments > lq_filters[id].max)) {
    uint32_t least = lq_filters[id].min - 1u, most = lq_filters[id].max - 1u;
    if (least == most) return liquid_fail(c, "the filter `%s` takes %u argument%s, not %u", lq_filters[id].name, least, least == 1 ? "" : "s", arguments - 1);
    return liquid_fail(c, "the filter `%s` takes %u to %u arguments, not %u", lq_filters[id].name, least, most, arguments - 1);
  }
  code_op(c, LQ_OP_FILTER, id);
  code_word(c, arguments);
  return true;
}

/* A keyword argument is passed over first: the reference puts all of them into one hash behind the others. */
struct keywords { VEC(uint32_t) places; };

static bool argument(struct liquid_compiler *c, struct keywords *k, uint32_t *count) {
  if (!look(c, T_ID) || !look_ahead(c, T_COLON)) {
    ++*count;
    return expr(c, false);
  }
  VEC_PUSH(&c->arena, &k->places, c->p);
  c->p += 2;
  struct checkpoint before = code_checkpoint(c);
  if (!expr(c, false)) return false;
  code_rollback(c, before);
  return true;
}

static bool push_keywords(struct liquid_compiler *c, const struct keywords *k, uint32_t *count) {
  if (!k->places.count) return true;
  uint32_t behind = c->p;
  for (uint32_t i = 0; i < k->places.count; i++) {
    c->p = k->places.items[i] + 2;
    if (!expr(c, false)) return false;
  }
  code_op(c, LQ_OP_HASH, k->places.count);
  for (uint32_t i = 0; i < k->places.count; i++) code_word(c, name_add(c, c->tokens.items[k->places.items[i]].text));
  c->p = behind;
  ++*count;
  return true;
}

static bool filter(struct liquid_compiler *c) {
  struct str name;
  struct keywords k = { { 0 } };
  uint32_t count = 1;
  bool open = is_strict2(c); /* arguments may be none, and may end in a comma */
  if (!consume(c, T_ID, &name)) return false;
  if (consume_if(c, T_COLON, NULL)) {
    if (!(open && (look(c, T_PIPE) || look(c, T_END))) && !argument(c, &k, &count)) return false;
    while (consume_if(c, T_COMMA, NULL)) {
      if (open && (look(c, T_PIPE) || look(c, T_END))) break;
      if (!argument(c, &k, &count)) return false;
    }
  }
  return push_keywords(c, &k, &count) && filter_call(c, name, count);
}

static bool strict_variable(struct liquid_compiler *c, struct str markup, bool *none) {
  if (!markup_tokens(c, markup)) return false;
  *none = look(c, T_END);
  if (*none) return true;
  if (!expr(c, false)) return false;
  while (consume_if(c, T_PIPE, NULL))
    if (!filter(c)) return false;
  return consume(c, T_END, NULL);
}

bool variable(struct liquid_compiler *c, struct str markup, bool *none) {
  struct checkpoint before = code_checkpoint(c);
  uint32_t depth = c->expression_depth;
  if (strict_variable(c, markup, none)) return true;
  c->expression_depth = depth;
  if (c->options.mode == LIQUID_LAX || c->options.mode == LIQUID_WARN) {
    code_rollback(c, before);
    return lax_variable(c, markup, none);
  }
  if (!c->context.ptr) c->context = lq_printf(&c->arena, "in \"{{" STR_FMT "}}\"", STR_ARG(markup));
  return false;
}

/* --- conditions ------------------------------------------------------------------------------------------------------ */

void compare_op(struct liquid_compiler *c, struct str op) {
  static const struct { const char *text; enum lq_comparison is; } ops[] = {
    { "==", LQ_EQ }, { "!=", LQ_NE }, { "<>", LQ_NE }, { "<", LQ_LT }, { ">", LQ_GT }, { "<=", LQ_LE }, { ">=", LQ_GE },
    { "contains", LQ_CONTAINS } };
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
    if (str_is(op, ops[i].text)) {
      code_op(c, LQ_OP_COMPARE, ops[i].is);
      return;
    }
  code_op(c, LQ_OP_BADCOMPARE, const_add(c, lq_str(op)));
}

static bool comparison(struct liquid_compiler *c) {
  struct str op;
  if (!expr(c, true)) return false;
  if (!consume_if(c, T_COMPARISON, &op)) return true;
  if (!expr(c, true)) return false;
  compare_op(c, op);
  return true;
}

/* a and b or c: each word binds all that follows it, and what is decided early ends the whole. */
bool condition_tokens(struct liquid_compiler *c) {
  uint32_t first = c->exits.count;
  if (!comparison(c)) return false;
  for (;;) {
    bool both = consume_word(c, "and");
    if (!both && !consume_word(c, "or")) break;
    VEC_PUSH(&c->arena, &c->exits, code_op(c, both ? LQ_OP_AND : LQ_OP_OR, 0));
    if (!comparison(c)) return false;
  }
  for (uint32_t i = first; i < c->exits.count; i++) code_patch(c, c->exits.items[i], code_here(c));
  c->exits.count = first;
  return consume(c, T_END, NULL);
}
