/* Lax reading: what Liquid 2's patterns make of markup that no grammar accepts. `{{ a b | upcase }}` is a, in capitals.
 *
 * Only old templates want this (mode lax); what is sent is compiled strict. The patterns are the reference's rules, so
 * every oddity of theirs is a rule here too: do not tidy them.
 *
 * Each pattern is bounded by LIMIT_REGEX_STEPS; one that takes more does not match. */
#include "liquid_internal.h"

#include <stdlib.h>

#include "vm/liquid_number.h"
#include "vm/liquid_regex.h"

#define QUOTED_STRING "\"[^\"]*\"|'[^']*'"
#define QUOTED "(?:" QUOTED_STRING "|(?:[^\\s,|'\"]|" QUOTED_STRING ")+)"
#define SIGNATURE "(?:\\(?[\\w\\-.\\[\\]]\\)?)"
#define SEGMENT "[\\w\\-]"

static struct lq_regex syntaxes[] = {
  [LAX_ASSIGN] = { "(" SIGNATURE "+)\\s*=\\s*(.*)\\s*", LQ_MULTILINE, NULL },
  [LAX_CAPTURE] = { "(" SIGNATURE "+)", 0, NULL },
  [LAX_CASE] = { "(" QUOTED ")", 0, NULL },
  [LAX_WHEN] = { "(" QUOTED ")(?:(?:\\s+or\\s+|\\s*,\\s*)(" QUOTED ".*))?", LQ_MULTILINE, NULL },
  [LAX_FOR] = { "\\A(" SEGMENT "+)\\s+in\\s+(" QUOTED "+)\\s*(reversed)?", 0, NULL },
  [LAX_TABLEROW] = { "(\\w+)\\s+in\\s+(" QUOTED "+)", 0, NULL },
  [LAX_INCLUDE] = { "(" QUOTED "+)(\\s+(with|for)\\s+(" QUOTED "+))?(\\s+(?:as)\\s+(" SEGMENT "+))?", 0, NULL },
  [LAX_RENDER] = { "((?:" QUOTED_STRING ")+)(\\s+(with|for)\\s+(" QUOTED "+))?(\\s+(?:as)\\s+(" SEGMENT "+))?", 0, NULL },
  [LAX_CYCLE_NAMED] = { "\\A(" QUOTED ")\\s*:\\s*(.*)", LQ_MULTILINE, NULL },
  [LAX_CYCLE_SIMPLE] = { "\\A(?:" QUOTED ")+", 0, NULL },
  [LAX_QUOTED] = { "\\s*(" QUOTED ")\\s*", 0, NULL },
};

bool lax_match(enum lax_syntax which, struct str markup, struct lq_match *out) {
  return lq_regex_match(&syntaxes[which], markup, 0, out);
}

void lax_attributes(struct liquid_compiler *c, struct str markup, struct pairs *out) {
  static struct lq_regex attribute = { "(\\w[\\w\\-]*)\\s*:\\s*(" QUOTED ")", 0, NULL };
  struct lq_match m;
  for (size_t at = 0; lq_regex_match(&attribute, markup, at, &m); at = m.end) {
    VEC_PUSH(&c->arena, &out->keys, m.group[1]);
    VEC_PUSH(&c->arena, &out->values, m.group[2]);
  }
}

/* --- expressions ----------------------------------------------------------------------------------------------------- */

static bool is_digit(char ch) { return ch >= '0' && ch <= '9'; }
static bool is_word(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || is_digit(ch) || ch == '_'; }

/* A number, or what begins as one and goes on with dots: 1.2.3 is 1.2, 5. is 5.0. */
static bool lax_number(struct liquid_compiler *c, struct str s, struct lq *out) {
  size_t at = *s.ptr == '-', dots = 0, end = 0;
  if (at == s.len || !is_digit(s.ptr[at])) return false;
  for (size_t i = at; i < s.len; i++) {
    if (s.ptr[i] != '.' && !is_digit(s.ptr[i])) return false;
    if (s.ptr[i] == '.' && ++dots == 2) end = i;
  }
  if (!dots) return lq_int_parse(&c->cx, *s.ptr == '-', (struct str){ s.ptr + at, s.len - at }, out);
  char text[128];
  size_t n = end ? end : s.len;
  if (n >= sizeof text) n = sizeof text - 1;
  memcpy(text, s.ptr, n);
  text[n] = 0;
  *out = lq_float(strtod(text, NULL));
  return true;
}

/* The end of the bracket that opens at s[i], or 0 when it never closes. */
static size_t bracket_end(struct str s, size_t i) {
  size_t open = 0;
  for (; i < s.len; i++) {
    if (s.ptr[i] == '[') open++;
    if (s.ptr[i] == ']' && --open == 0) return i + 1;
  }
  return 0;
}

/* The next name or bracket of a lookup; false at its end. What is neither is passed over. */
static bool next_part(struct str s, size_t *at, struct str *out) {
  for (; *at < s.len; ++*at) {
    size_t end = *at;
    if (s.ptr[end] == '[') {
      end = bracket_end(s, end);
      if (!end) continue;
    } else {
      while (end < s.len && (is_word(s.ptr[end]) || s.ptr[end] == '-')) end++;
      if (end == *at) continue;
      if (end < s.len && s.ptr[end] == '?') end++;
    }
    *out = (struct str){ s.ptr + *at, end - *at };
    *at = end;
    return true;
  }
  return false;
}

/* What stands in a bracket, pushed; true in *key when it is a text: then *name, and nothing was pushed. */
static bool bracket_value(struct liquid_compiler *c, struct str part, bool *key, struct str *name) {
  struct lq v;
  uint32_t pc = code_here(c);
  if (!expr_text(c, (struct str){ part.ptr + 1, part.len - 2 }, false)) return false;
  *key = code_is_const(c, pc, &v) && v.type == LQ_STR;
  if (*key) c->code.count = pc, *name = lq_text(v);
  return true;
}

static bool lax_lookup(struct liquid_compiler *c, struct str s) {
  size_t at = 0;
  struct str part, name;
  bool key;
  if (!next_part(s, &at, &part)) {
    push_const(c, lq_nil());
    return true;
  }
  if (*part.ptr == '[') {
    if (!bracket_value(c, part, &key, &name)) return false;
    if (key) code_op(c, LQ_OP_VAR, name_add(c, name)); else code_op(c, LQ_OP_LOOKUP, 0);
  } else {
    code_op(c, LQ_OP_VAR, name_add(c, part));
  }
  while (next_part(s, &at, &part)) {
    if (*part.ptr != '[') {
      push_lookup(c, part, true);
      continue;
    }
    if (!bracket_value(c, part, &key, &name)) return false;
    if (key) push_lookup(c, name, false); else code_op(c, LQ_OP_INDEX, 0);
  }
  return true;
}

static bool literal(struct str s, bool condition, struct lq *out) {
  static const struct { const char *text; enum lq_type type; int64_t i; } words[] = {
    { "", LQ_NIL, 0 }, { "nil", LQ_NIL, 0 }, { "null", LQ_NIL, 0 }, { "true", LQ_BOOL, 1 }, { "false", LQ_BOOL, 0 },
    { "blank", LQ_BLANK, 0 }, { "empty", LQ_EMPTY, 0 } };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (!str_is(s, words[i].text)) continue;
    *out = (struct lq){ .type = (uint8_t)words[i].type, .i = words[i].i };
    if (!condition && words[i].type >= LQ_BLANK) *out = lq_str(STR(""));
    return true;
  }
  return false;
}

static bool expr_text_here(struct liquid_compiler *c, struct str s, bool condition) {
  static struct lq_regex range = { "\\A\\(\\s*(?>(\\S+)\\s*\\.\\.)\\s*(\\S+)\\s*\\)\\z", 0, NULL };
  struct lq v;
  struct lq_match m;
  /* The words blank and empty count only as they stand, before white space is taken away. */
  if (condition && literal(s, true, &v) && v.type >= LQ_BLANK) {
    push_const(c, v);
    return true;
  }
  s = str_strip(s);
  if (s.len >= 1 && (*s.ptr == '"' || *s.ptr == '\'') && s.ptr[s.len - 1] == *s.ptr) {
    push_const(c, lq_str(s.len > 1 ? (struct str){ s.ptr + 1, s.len - 2 } : STR("")));
    return true;
  }
  if (literal(s, false, &v) || lax_number(c, s, &v)) {
    push_const(c, v);
    return true;
  }
  if (*s.ptr == '(' && s.ptr[s.len - 1] == ')' && lq_regex_match(&range, s, 0, &m)) {
    uint32_t first_pc = code_here(c);
    if (!expr_text(c, m.group[1], false)) return false;
    uint32_t last_pc = code_here(c);
    return expr_text(c, m.group[2], false) && push_range(c, first_pc, last_pc, m.group[1], m.group[2]);
  }
  if (str_is(s, "-")) {
    code_op(c, LQ_OP_VAR, name_add(c, s));
    return true;
  }
  return lax_lookup(c, s);
}

bool expr_text(struct liquid_compiler *c, struct str markup, bool condition) {
  if (++c->expression_depth > LIMIT_LIQUID_EXPRESSION_DEPTH)
    return liquid_fail(c, "an expression has more than %d brackets inside each other", LIMIT_LIQUID_EXPRESSION_DEPTH);
  bool good = expr_text_here(c, markup, condition);
  c->expression_depth--;
  return good;
}

/* --- outputs --------------------------------------------------------------------------------------------------------- */

static bool lax_filter(struct liquid_compiler *c, struct str f) {
  static struct lq_regex word = { "\\w+", 0, NULL };
  static struct lq_regex arg = { "(?::|,)\\s*((?:\\w+\\s*:\\s*)?" QUOTED ")", 0, NULL };
  static struct lq_regex pair = { "\\A(\\w[\\w\\-]*)\\s*:\\s*(" QUOTED ")\\z", 0, NULL };
  struct lq_match name, m, p;
  if (!lq_regex_match(&word, f, 0, &name)) return true;
  struct pairs pairs = { { 0 }, { 0 } };
  uint32_t count = 1;
  for (size_t at = 0; lq_regex_match(&arg, f, at, &m); at = m.end) {
    if (lq_regex_match(&pair, m.group[1], 0, &p)) {
      VEC_PUSH(&c->arena, &pairs.keys, p.group[1]);
      VEC_PUSH(&c->arena, &pairs.values, p.group[2]);
    } else {
      count++;
      if (!expr_text(c, m.group[1], false)) return false;
    }
  }
  if (pairs.keys.count) {
    for (uint32_t i = 0; i < pairs.values.count; i++)
      if (!expr_text(c, pairs.values.items[i], false)) return false;
    code_op(c, LQ_OP_HASH, pairs.keys.count);
    for (uint32_t i = 0; i < pairs.keys.count; i++) code_word(c, name_add(c, pairs.keys.items[i]));
    count++;
  }
  return filter_call(c, name.group[0], count);
}

bool lax_variable(struct liquid_compiler *c, struct str markup, bool *none) {
  static struct lq_regex first = { "(" QUOTED ")(.*)", LQ_MULTILINE, NULL };
  static struct lq_regex bar = { "\\|\\s*(.*)", LQ_MULTILINE, NULL };
  static struct lq_regex chunk = { "(?:\\s+|" QUOTED "|,)+", 0, NULL };
  struct lq_match m, filters, f;
  *none = !lq_regex_match(&first, markup, 0, &m);
  if (*none) return true;
  if (!expr_text(c, m.group[1], false)) return false;
  if (!lq_regex_match(&bar, m.group[2], 0, &filters)) return true;
  for (size_t at = 0; lq_regex_match(&chunk, filters.group[1], at, &f); at = f.end)
    if (!lax_filter(c, f.group[0])) return false;
  return true;
}

/* --- conditions ------------------------------------------------------------------------------------------------------ */

static bool lax_comparison(struct liquid_compiler *c, struct str s) {
  static struct lq_regex syntax = { "(" QUOTED ")\\s*([=!<>a-z_]+)?\\s*(" QUOTED ")?", 0, NULL };
  struct lq_match m;
  if (!lq_regex_match(&syntax, s, 0, &m)) return liquid_fail(c, "Syntax Error in tag 'if' - Valid syntax: if [expression]");
  if (!expr_text(c, m.group[1], true)) return false;
  if (!m.group[2].ptr) return true;
  if (m.group[3].ptr ? !expr_text(c, m.group[3], true) : (push_const(c, lq_nil()), false)) return false;
  compare_op(c, m.group[2]);
  return true;
}

bool lax_condition(struct liquid_compiler *c, struct str markup) {
  static struct lq_regex parts = {
    "(?:\\b(?:\\s?and\\s?|\\s?or\\s?)\\b|(?:\\s*(?!\\b(?:\\s?and\\s?|\\s?or\\s?)\\b)(?:" QUOTED "|\\S+)\\s*)+)", 0, NULL };
  VEC(struct str) found = { 0 };
  struct lq_match m;
  for (size_t at = 0; lq_regex_match(&parts, markup, at, &m); at = m.end > m.start ? m.end : m.end + 1)
    VEC_PUSH(&c->arena, &found, m.group[0]);
  uint32_t first = c->exits.count;
  if (found.count % 2 == 0) return liquid_fail(c, "Syntax Error in tag 'if' - Valid syntax: if [expression]");
  for (uint32_t i = 0; i < found.count; i += 2) {
    if (!lax_comparison(c, found.items[i])) return false;
    if (i + 1 == found.count) break;
    struct str op = str_strip(found.items[i + 1]);
    if (!str_is(op, "and") && !str_is(op, "or")) return liquid_fail(c, "Syntax Error in tag 'if' - Valid syntax: if [expression]");
    VEC_PUSH(&c->arena, &c->exits, code_op(c, str_is(op, "and") ? LQ_OP_AND : LQ_OP_OR, 0));
  }
  for (uint32_t i = first; i < c->exits.count; i++) code_patch(c, c->exits.items[i], code_here(c));
  c->exits.count = first;
  return true;
}
