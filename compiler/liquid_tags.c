/* The tags of Liquid that decide and bind: each reads its markup as the mode wants it, and its blocks, and leaves code. And the
 * table of all tags; those that call are liquid_calls.c's, those whose inside is not read liquid_skip.c's. */
#include "liquid_internal.h"

#include "vm/liquid_regex.h"

static bool lax_mode(const struct liquid_compiler *c) { return c->options.mode == LIQUID_LAX; }

/* Pushes an attribute if it is there, and says so in the site. */
static bool push_flagged(struct liquid_compiler *c, const struct attrs *a, const char *key, uint32_t flag, struct lq_site *s) {
  const struct attr *attr = attr_find(a, key);
  if (!attr) return true;
  s->flags |= flag;
  return attr_push(c, a, attr);
}

/* --- if, unless, case ------------------------------------------------------------------------------------------------ */

static bool condition(struct liquid_compiler *c, struct str markup, uint32_t line) {
  struct checkpoint before = code_checkpoint(c);
  uint32_t exits = c->exits.count;
  if (lax_mode(c)) return lax_condition(c, markup);
  if (markup_tokens(c, markup) && condition_tokens(c)) return true;
  if (liquid_mend(c, before)) {
    c->exits.count = exits;
    push_const(c, lq_nil());
    return true;
  }
  if (c->options.mode != LIQUID_WARN) return in_markup(c, false, line, markup);
  code_rollback(c, before);
  c->exits.count = exits;
  c->expression_depth = 0;
  return lax_condition(c, markup);
}

static bool tag_if(struct liquid_compiler *c, struct pieces *p, struct str markup, bool unless, bool *blank) {
  uint32_t line = c->line, mark = c->body_texts.count, ends = c->exits.count;
  const char *block = unless ? "unless" : "if", *close = unless ? "endunless" : "endif";
  bool otherwise = false, all_blank = true;
  if (!condition(c, markup, line)) return false;
  for (uint32_t jump = code_op(c, unless ? LQ_OP_JTRUE : LQ_OP_JFALSE, 0);;) {
    struct ending end;
    bool body_blank;
    if (!block_body(c, p, block, &end, &body_blank)) return false;
    all_blank = all_blank && body_blank;
    bool closed = str_is(end.name, close), is_else = str_is(end.name, "else"), elsif = str_is(end.name, "elsif");
    if (!closed && !is_else && !elsif) return wrong_ending(c, end.name, block, close);
    if (!closed) VEC_PUSH(&c->arena, &c->exits, code_op(c, LQ_OP_JUMP, 0));
    if (!otherwise) code_patch(c, jump, code_here(c));
    if (closed) break;
    otherwise = is_else;
    if (is_else) continue;
    if (!condition(c, end.markup, line)) return false;
    jump = code_op(c, LQ_OP_JFALSE, 0);
  }
  for (uint32_t i = ends; i < c->exits.count; i++) code_patch(c, c->exits.items[i], code_here(c));
  c->exits.count = ends;
  drop_texts(c, mark, all_blank);
  *blank = all_blank;
  return true;
}

static bool when_values(struct liquid_compiler *c, struct str markup, uint32_t *count) {
  struct lq_match m;
  *count = 0;
  if (is_strict2(c)) {
    if (!markup_tokens(c, markup)) return false;
    do {
      if (!expr(c, true)) return false;
      ++*count;
    } while (consume_word(c, "or") || consume_if(c, T_COMMA, NULL));
    return consume(c, T_END, NULL);
  }
  for (struct str rest = markup; rest.ptr; rest = m.group[2]) {
    if (!lax_match(LAX_WHEN, rest, &m))
      return liquid_fail(c, "Syntax Error in tag 'case' - Valid when condition: {%% when [condition] [or condition2...] %%}");
    if (!expr_text(c, m.group[1], true)) return false;
    ++*count;
  }
  return true;
}

static bool case_left(struct liquid_compiler *c, struct str markup) {
  struct lq_match m;
  struct checkpoint before = code_checkpoint(c);
  if (is_strict2(c) || c->options.mode == LIQUID_WARN) {
    if (markup_tokens(c, markup) && expr(c, false) && consume(c, T_END, NULL)) return true;
    if (is_strict2(c)) return false;
    code_rollback(c, before);
    c->expression_depth = 0;
  }
  if (!lax_match(LAX_CASE, markup, &m)) return liquid_fail(c, "Syntax Error in 'case' - Valid syntax: case [condition]");
  return expr_text(c, m.group[1], false);
}

/* One `when` with its body: the body runs once for each of its values that matches. */
static bool case_when(struct liquid_compiler *c, struct pieces *p, struct ending *end, bool *blank) {
  uint32_t values;
  if (!when_values(c, end->markup, &values)) return false;
  uint32_t jump = code_op(c, LQ_OP_WHEN, 0);
  code_word(c, values);
  uint32_t start = code_here(c);
  if (!block_body(c, p, "case", end, blank)) return false;
  if (values > 1) code_op(c, LQ_OP_REPEAT, start);
  code_patch(c, jump, code_here(c));
  return true;
}

static bool case_else(struct liquid_compiler *c, struct pieces *p, struct ending *end, bool *blank) {
  if (str_strip(end->markup).len)
    return liquid_fail(c, "Syntax Error in tag 'case' - Valid else condition: {%% else %%} (no parameters) ");
  uint32_t jump = code_op(c, LQ_OP_ELSE, 0);
  if (!block_body(c, p, "case", end, blank)) return false;
  code_patch(c, jump, code_here(c));
  return true;
}

static bool tag_case(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  uint32_t line = c->line, mark = c->body_texts.count, whens = 0, exits = c->exits.count, left = code_here(c);
  struct ending end;
  bool compared = false;
  if (!in_markup(c, case_left(c, markup), line, markup)) return false;
  code_op(c, LQ_OP_CASE, 0);
  c->control_depth++;
  /* What stands before the first when is read, and never printed. */
  struct checkpoint before = code_checkpoint(c);
  bool all_blank, body_blank, interrupts = c->interrupts;
  if (!block_body(c, p, "case", &end, &all_blank)) return false;
  code_rollback(c, before);
  c->exits.count = exits;
  c->body_texts.count = mark;
  c->interrupts = interrupts;
  while (!str_is(end.name, "endcase")) {
    bool is_when = str_is(end.name, "when");
    if (!is_when && !str_is(end.name, "else")) return wrong_ending(c, end.name, "case", "endcase");
    if (!(is_when ? case_when(c, p, &end, &body_blank) : case_else(c, p, &end, &body_blank))) return false;
    all_blank = all_blank && body_blank;
    compared = compared || is_when;
    whens++;
  }
  if (!compared) { /* nobody asks for the value, so it cannot fail */
    for (uint32_t pc = left; pc < before.code - 1; pc++) c->code.items[pc] = LQ_OP_NOP;
    c->code.items[before.code - 2] = LQ_OP_CONST | const_add(c, lq_nil()) << 8;
  }
  if (c->interrupts && whens > 1) c->careful = true;
  code_op(c, LQ_OP_ENDCASE, 0);
  c->control_depth--;
  drop_texts(c, mark, all_blank);
  *blank = all_blank;
  return true;
}

/* --- loops ----------------------------------------------------------------------------------------------------------- */

struct loop { struct str var, collection; uint32_t token; bool reversed, offset_continue; struct attrs attrs; };

/* `item in collection`. The collection's code is written later, from l->token on. */
static bool loop_head(struct liquid_compiler *c, struct str markup, struct loop *l) {
  if (!markup_tokens(c, markup) || !consume(c, T_ID, &l->var)) return false;
  if (!consume_word(c, "in")) return liquid_fail(c, "For loops require an 'in' clause");
  struct checkpoint before = code_checkpoint(c);
  l->token = c->p;
  if (!expr(c, false)) return false;
  code_rollback(c, before);
  return true;
}

static bool for_strict(struct liquid_compiler *c, struct str markup, struct loop *l) {
  if (!loop_head(c, markup, l)) return false;
  struct lq_buf name = { .cx = &c->cx };
  for (uint32_t i = l->token; i < c->p; i++)
    if (!lq_buf_str(&name, c->tokens.items[i].text)) return liquid_fail(c, "Memory limits exceeded");
  l->collection = (struct str){ name.data, name.len };
  l->reversed = consume_word(c, "reversed");
  while (look(c, T_COMMA) || look(c, T_ID)) {
    consume_if(c, T_COMMA, NULL);
    struct str key = token_now(c)->text;
    if (!consume_word(c, "limit") && !consume_word(c, "offset"))
      return liquid_fail(c, "Invalid attribute in for loop. Valid attributes are limit and offset");
    if (!consume(c, T_COLON, NULL)) return false;
    bool is_continue = look(c, T_ID) && str_is(token_now(c)->text, "continue");
    if (!attr_token(c, &l->attrs, key)) return false;
    if (str_is(key, "offset")) l->offset_continue = is_continue && c->tokens.items[c->p - 1].kind == T_ID &&
                                                    str_is(c->tokens.items[c->p - 1].text, "continue");
  }
  return consume(c, T_END, NULL);
}

static bool for_lax(struct liquid_compiler *c, struct str markup, struct loop *l) {
  struct lq_match m;
  if (!lax_match(LAX_FOR, markup, &m)) return liquid_fail(c, "Syntax Error in 'for loop' - Valid syntax: for [item] in [collection]");
  l->var = m.group[1];
  l->collection = m.group[2];
  l->reversed = m.group[3].ptr != NULL;
  if (!attrs_lax(c, markup, &l->attrs)) return false;
  const struct attr *offset = attr_find(&l->attrs, "offset");
  l->offset_continue = offset && str_is(offset->text, "continue");
  return true;
}

static bool for_markup(struct liquid_compiler *c, struct str markup, struct loop *l) {
  uint32_t line = c->line;
  if (lax_mode(c)) return for_lax(c, markup, l);
  struct checkpoint before = code_checkpoint(c);
  if (for_strict(c, markup, l)) return true;
  if (c->options.mode != LIQUID_WARN) return in_markup(c, false, line, markup);
  code_rollback(c, before);
  *l = (struct loop){ .reversed = false };
  return for_lax(c, markup, l);
}

static bool push_collection(struct liquid_compiler *c, const struct loop *l) {
  return attr_push(c, &l->attrs, &(struct attr){ l->var, l->collection, l->token });
}

static bool tag_for(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  struct loop l = { .reversed = false };
  struct ending end;
  uint32_t mark = c->body_texts.count;
  bool else_blank = true;
  if (!for_markup(c, markup, &l)) return false;
  struct lq_site s = { .flags = l.reversed ? LQ_SITE_REVERSED : 0, .var = name_add(c, l.var) };
  s.text = name_add(c, arena_printf(&c->arena, STR_FMT "-" STR_FMT, STR_ARG(l.var), STR_ARG(l.collection)));
  if (!push_collection(c, &l) || !push_flagged(c, &l.attrs, "limit", LQ_SITE_LIMIT, &s)) return false;
  if (l.offset_continue) s.flags |= LQ_SITE_CONTINUE;
  else if (!push_flagged(c, &l.attrs, "offset", LQ_SITE_OFFSET, &s)) return false;
  uint32_t site = site_add(c, s);
  name_add(c, STR("forloop"));
  code_op(c, LQ_OP_FOR, site);
  s.body = code_here(c);
  c->control_depth++;
  bool interrupts = c->interrupts;
  if (!block_body(c, p, "for", &end, blank)) return false;
  c->interrupts = interrupts; /* the loop takes what its body left */
  code_op(c, LQ_OP_NEXT, site);
  c->control_depth--;
  s.otherwise = code_here(c);
  bool again = false;
  if (str_is(end.name, "else")) {
    if (!block_body(c, p, "for", &end, &else_blank)) return false;
    again = str_is(end.name, "else"); /* a second else is the loop's end and its else: so the reference reads it */
  }
  if (again && c->options.camp) return wrong_ending(c, end.name, "for", "endfor");
  if (!again && !str_is(end.name, "endfor")) return wrong_ending(c, end.name, "for", "endfor");
  s.end = code_here(c);
  if (again) s.otherwise = s.end;
  c->sites.items[site] = s;
  *blank = *blank && else_blank;
  drop_texts(c, mark, *blank);
  return true;
}

static bool row_strict(struct liquid_compiler *c, struct str markup, struct loop *l) {
  if (!loop_head(c, markup, l)) return false;
  consume_if(c, T_COMMA, NULL);
  struct str key;
  while (consume_if(c, T_ID, &key)) {
    if (!str_is(key, "cols") && !str_is(key, "limit") && !str_is(key, "offset") && !str_is(key, "range"))
      return liquid_fail(c, "Invalid attribute '" STR_FMT "' in tablerow loop. Valid attributes are cols, limit, offset, and range", STR_ARG(key));
    if (!consume(c, T_COLON, NULL) || !attr_token(c, &l->attrs, key)) return false;
    consume_if(c, T_COMMA, NULL);
  }
  return consume(c, T_END, NULL);
}

static bool row_markup(struct liquid_compiler *c, struct str markup, struct loop *l) {
  struct lq_match m;
  uint32_t line = c->line;
  if (is_strict2(c) || c->options.mode == LIQUID_WARN) {
    struct checkpoint before = code_checkpoint(c);
    if (row_strict(c, markup, l)) return true;
    if (is_strict2(c)) return in_markup(c, false, line, markup);
    code_rollback(c, before);
    *l = (struct loop){ .reversed = false };
  }
  if (!lax_match(LAX_TABLEROW, markup, &m))
    return in_markup(c, liquid_fail(c, "Syntax Error in 'table_row loop' - Valid syntax: table_row [item] in [collection] cols=3"), line, markup);
  l->var = m.group[1];
  l->collection = m.group[2];
  return attrs_lax(c, markup, &l->attrs);
}

static bool tag_tablerow(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  struct loop l = { .reversed = false };
  struct ending end;
  uint32_t mark = c->body_texts.count;
  if (!row_markup(c, markup, &l)) return false;
  struct lq_site s = { .var = name_add(c, l.var), .text = LQ_NONE };
  if (!push_collection(c, &l) || !push_flagged(c, &l.attrs, "offset", LQ_SITE_OFFSET, &s) ||
      !push_flagged(c, &l.attrs, "limit", LQ_SITE_LIMIT, &s) || !push_flagged(c, &l.attrs, "cols", LQ_SITE_COLS, &s))
    return false;
  uint32_t site = site_add(c, s);
  name_add(c, STR("tablerowloop"));
  code_op(c, LQ_OP_ROW, site);
  s.body = code_here(c);
  c->control_depth++;
  bool interrupts = c->interrupts;
  if (!block_body(c, p, "tablerow", &end, blank)) return false;
  if (!str_is(end.name, "endtablerow")) return wrong_ending(c, end.name, "tablerow", "endtablerow");
  c->interrupts = interrupts;
  code_op(c, LQ_OP_NEXTROW, site);
  c->control_depth--;
  s.end = s.otherwise = code_here(c);
  c->sites.items[site] = s;
  drop_texts(c, mark, false);
  return true;
}

/* --- variables ------------------------------------------------------------------------------------------------------- */

static bool one_id(struct liquid_compiler *c, struct str markup, struct str *out) {
  return markup_tokens(c, markup) && consume(c, T_ID, out) && consume(c, T_END, NULL);
}

static bool assign_parts(struct liquid_compiler *c, struct str markup, struct str *to) {
  struct lq_match m;
  bool none, warn = c->options.mode == LIQUID_WARN;
  if (!lax_match(LAX_ASSIGN, markup, &m)) return liquid_fail(c, "Syntax Error in 'assign' - Valid syntax: assign [var] = [source]");
  *to = m.group[1];
  if ((is_strict2(c) || warn) && !one_id(c, str_strip(m.group[1]), to)) {
    if (!warn) return false;
    c->failed = false;
    *to = m.group[1];
  }
  if (!variable(c, m.group[2], &none)) return false;
  if (none) push_const(c, lq_nil());
  return true;
}

/* name = rest, the common form, found without a pattern; false leaves it to assign_parts. */
static bool assign_plain(struct str markup, struct str *to, struct str *from) {
  const char *at = markup.ptr, *end = at + markup.len, *name = at;
  while (at < end && ((*at >= 'a' && *at <= 'z') || *at == '_')) at++;
  *to = str_slice(name, at);
  while (at < end && *at == ' ') at++;
  if (!to->len || at == end || *at != '=') return false;
  *from = str_slice(at + 1, end);
  return true;
}

static bool tag_assign(struct liquid_compiler *c, struct str markup) {
  struct checkpoint before = code_checkpoint(c);
  uint32_t line = c->line;
  struct str to, from;
  bool none, good;
  if (assign_plain(markup, &to, &from)) {
    good = variable(c, from, &none);
    if (good && none) push_const(c, lq_nil());
  } else {
    good = assign_parts(c, markup, &to);
  }
  if (!good && liquid_mend(c, before)) return true;
  if (!in_markup(c, good, line, markup)) return false;
  code_op(c, LQ_OP_ASSIGN, name_add(c, to));
  return true;
}

static bool capture_name(struct liquid_compiler *c, struct str markup, struct str *to) {
  struct lq_match m;
  if (is_strict2(c)) return one_id(c, str_strip(markup), to);
  if (c->options.mode == LIQUID_WARN && one_id(c, str_strip(markup), to)) return true;
  c->failed = false;
  if (!lax_match(LAX_CAPTURE, markup, &m)) return liquid_fail(c, "Syntax Error in 'capture' - Valid syntax: capture [var]");
  *to = m.group[1];
  return true;
}

static bool tag_capture(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  struct str to;
  struct ending end;
  uint32_t mark = c->body_texts.count;
  bool body_blank;
  if (!in_markup(c, capture_name(c, markup, &to), c->line, markup)) return false;
  code_op(c, LQ_OP_CAPTURE, 0);
  c->control_depth++;
  if (!block_body(c, p, "capture", &end, &body_blank)) return false;
  if (!str_is(end.name, "endcapture")) return wrong_ending(c, end.name, "capture", "endcapture");
  c->control_depth--;
  code_op(c, LQ_OP_ENDCAPTURE, name_add(c, to));
  drop_texts(c, mark, false);
  *blank = true;
  return true;
}

static bool tag_ifchanged(struct liquid_compiler *c, struct pieces *p, bool *blank) {
  struct ending end;
  uint32_t mark = c->body_texts.count;
  code_op(c, LQ_OP_CHANGED, 0);
  c->control_depth++;
  if (!block_body(c, p, "ifchanged", &end, blank)) return false;
  if (!str_is(end.name, "endifchanged")) return wrong_ending(c, end.name, "ifchanged", "endifchanged");
  c->control_depth--;
  code_op(c, LQ_OP_ENDCHANGED, 0);
  drop_texts(c, mark, false);
  return true;
}

static bool tag_count(struct liquid_compiler *c, struct str markup, enum lq_op op) {
  struct str name = str_strip(markup);
  bool warn = c->options.mode == LIQUID_WARN;
  if ((is_strict2(c) || warn) && !one_id(c, str_strip(markup), &name)) {
    if (!warn) return in_markup(c, false, c->line, markup);
    c->failed = false;
    name = str_strip(markup);
  }
  code_op(c, op, name_add(c, name));
  return true;
}

/* --- the table ------------------------------------------------------------------------------------------------------- */

static bool tag_interrupt(struct liquid_compiler *c, enum lq_op op) {
  VEC_PUSH(&c->arena, &c->exits, code_op(c, op, 0));
  c->interrupts = true;
  return true;
}

/* Camp's own: this contact gets no message, and the reason is recorded. */
static bool tag_abort(struct liquid_compiler *c, struct str markup) {
  struct str why = str_strip(markup);
  if (why.len >= 2 && (*why.ptr == '"' || *why.ptr == '\'') && why.ptr[why.len - 1] == *why.ptr) why.ptr++, why.len -= 2;
  code_op(c, LQ_OP_ABORT, const_add(c, lq_str(why.len ? why : STR("it says no reason"))));
  return true;
}

enum tag_id { TAG_ABORT, TAG_ASSIGN, TAG_BLOCK, TAG_BREAK, TAG_CAPTURE, TAG_CASE, TAG_COMMENT, TAG_CONTINUE, TAG_CYCLE, TAG_DECREMENT, TAG_DOC, TAG_ECHO,
              TAG_FOR, TAG_IF, TAG_IFCHANGED, TAG_INCLUDE, TAG_INCREMENT, TAG_LAYOUT, TAG_NOTE, TAG_RAW, TAG_RENDER, TAG_TABLEROW, TAG_UNLESS,
              TAG_COUNT };
static const char *const tag_names[TAG_COUNT] = { "abort_message", "assign", "block", "break", "capture", "case", "comment", "continue", "cycle", "decrement",
  "doc", "echo", "for", "if", "ifchanged", "include", "increment", "layout", "#", "raw", "render", "tablerow", "unless" };

static enum tag_id tag_find(struct str name) {
  for (int i = 0; i < TAG_COUNT; i++)
    if (*name.ptr == *tag_names[i] && str_is(name, tag_names[i])) return (enum tag_id)i;
  return TAG_COUNT;
}

bool tag(struct liquid_compiler *c, struct pieces *p, struct str name, struct str markup, bool *known, bool *blank) {
  enum tag_id id = tag_find(name);
  if ((id == TAG_ABORT || id == TAG_BLOCK || id == TAG_LAYOUT) && !c->options.camp) id = TAG_COUNT;
  *known = id != TAG_COUNT;
  *blank = id == TAG_ASSIGN || id == TAG_COMMENT || id == TAG_NOTE;
  if (!*known) return true;
  bool good = true;
  uint32_t node = node_begin(c);
  switch (id) {
    case TAG_ABORT: good = tag_abort(c, markup); break;
    case TAG_ASSIGN: good = tag_assign(c, markup); break;
    case TAG_BLOCK: good = tag_block(c, p, markup, blank); break;
    case TAG_LAYOUT: c->kind = LIQUID_LAYOUT; good = liquid_fail(c, "`layout` stands first in its file, once, before all text"); break;
    case TAG_BREAK: good = tag_interrupt(c, LQ_OP_BREAK); break;
    case TAG_CONTINUE: good = tag_interrupt(c, LQ_OP_CONTINUE); break;
    case TAG_CAPTURE: good = tag_capture(c, p, markup, blank); break;
    case TAG_CASE: good = tag_case(c, p, markup, blank); break;
    case TAG_COMMENT: good = tag_comment(c, p); break;
    case TAG_CYCLE: good = tag_cycle(c, markup); break;
    case TAG_INCREMENT: good = tag_count(c, markup, LQ_OP_INCREMENT); break;
    case TAG_DECREMENT: good = tag_count(c, markup, LQ_OP_DECREMENT); break;
    case TAG_DOC: good = tag_doc(c, p, markup, blank); break;
    case TAG_ECHO: good = print_variable(c, markup); break;
    case TAG_FOR: good = tag_for(c, p, markup, blank); break;
    case TAG_IF: case TAG_UNLESS: good = tag_if(c, p, markup, id == TAG_UNLESS, blank); break;
    case TAG_IFCHANGED: good = tag_ifchanged(c, p, blank); break;
    case TAG_INCLUDE: good = tag_include(c, markup); break;
    case TAG_NOTE: good = tag_inline_comment(c, markup); break;
    case TAG_RAW: good = tag_raw(c, p, markup, blank); break;
    case TAG_RENDER: good = tag_render(c, markup); break;
    case TAG_TABLEROW: good = tag_tablerow(c, p, markup, blank); break;
    default: break;
  }
  if (good) node_end(c, node, *blank);
  return good;
}
