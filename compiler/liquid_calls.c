/* Tags that call: cycle, include, render; and attributes, which loops have too.
 *
 * Attributes may come in any order, but code pushes them in one: their places are remembered (struct attr) and their code is
 * written when all are known. */
#include "liquid_internal.h"

#include "vm/liquid_regex.h"

/* --- attributes ------------------------------------------------------------------------------------------------------ */

static bool attr_add(struct liquid_compiler *c, struct attrs *a, struct attr attr) {
  for (uint32_t i = 0; i < a->count; i++)
    if (str_eq(a->items[i].key, attr.key)) {
      a->items[i] = attr;
      return true;
    }
  if (a->count == ATTRS_MAX) return liquid_fail(c, "a tag has more than %d attributes", ATTRS_MAX);
  a->items[a->count++] = attr;
  return true;
}

/* The value in hand: read, so that its mistakes are found, and its code dropped until its turn. */
bool attr_token(struct liquid_compiler *c, struct attrs *a, struct str key) {
  struct attr attr = { key, { NULL, 0 }, c->p };
  struct checkpoint before = code_checkpoint(c);
  if (!expr(c, false)) return false;
  code_rollback(c, before);
  return attr_add(c, a, attr);
}

bool attrs_lax(struct liquid_compiler *c, struct str markup, struct attrs *a) {
  struct pairs pairs = { { 0 }, { 0 } };
  lax_attributes(c, markup, &pairs);
  a->lax = true;
  for (uint32_t i = 0; i < pairs.keys.count; i++)
    if (!attr_add(c, a, (struct attr){ pairs.keys.items[i], pairs.values.items[i], 0 })) return false;
  return true;
}

bool attr_push(struct liquid_compiler *c, const struct attrs *a, const struct attr *attr) {
  if (a->lax) return expr_text(c, attr->text, false);
  uint32_t behind = c->p;
  c->p = attr->token;
  bool good = expr(c, false);
  c->p = behind;
  return good;
}

const struct attr *attr_find(const struct attrs *a, const char *key) {
  for (uint32_t i = 0; i < a->count; i++)
    if (str_is(a->items[i].key, key)) return &a->items[i];
  return NULL;
}

uint32_t site_add(struct liquid_compiler *c, struct lq_site s) {
  VEC_PUSH(&c->arena, &c->sites, s);
  return c->sites.count - 1;
}

/* --- cycle ----------------------------------------------------------------------------------------------------------- */

/* A cycle without a name goes by its values; one that reads variables is like no other. */
static bool cycle_key(struct liquid_compiler *c, const struct attrs *values, struct lq *key) {
  struct lq_list list = { .cx = &c->cx };
  struct lq_buf b = { .cx = &c->cx };
  for (uint32_t i = 0; i < values->count; i++) {
    struct checkpoint before = code_checkpoint(c);
    struct lq v;
    if (!attr_push(c, values, &values->items[i])) return false;
    bool constant = code_is_const(c, before.code, &v);
    code_rollback(c, before);
    if (!constant) {
      *key = lq_str(arena_printf(&c->arena, "#<cycle %u>", code_here(c)));
      return true;
    }
    if (!lq_list_add(&list, v)) return liquid_fail(c, "Memory limits exceeded");
  }
  if (!lq_inspect(&b, lq_list_value(&list))) return liquid_fail(c, "Memory limits exceeded");
  *key = lq_buf_value(&b);
  return true;
}

static bool cycle_value(struct liquid_compiler *c, struct attrs *a, struct attr attr) {
  if (a->count == ATTRS_MAX) return liquid_fail(c, "a cycle has more than %d values", ATTRS_MAX);
  a->items[a->count++] = attr;
  return true;
}

static bool cycle_token(struct liquid_compiler *c, struct attrs *a) {
  struct attr attr = { .token = c->p };
  struct checkpoint before = code_checkpoint(c);
  if (!expr(c, false)) return false;
  code_rollback(c, before);
  return cycle_value(c, a, attr);
}

/* *named: the first of the values is the cycle's name. */
static bool cycle_strict(struct liquid_compiler *c, struct str markup, struct attrs *a, bool *named) {
  if (!markup_tokens(c, markup)) return false;
  if (look(c, T_END)) return liquid_fail(c, "Syntax Error in 'cycle' - Valid syntax: cycle [name :] var [, var2, var3 ...]");
  if (!cycle_token(c, a)) return false;
  *named = consume_if(c, T_COLON, NULL);
  if (*named && !cycle_token(c, a)) return false;
  while (consume_if(c, T_COMMA, NULL)) {
    if (look(c, T_END)) break;
    if (!cycle_token(c, a)) return false;
  }
  return consume(c, T_END, NULL);
}

static bool cycle_lax(struct liquid_compiler *c, struct str markup, struct attrs *a, bool *named) {
  struct lq_match m, v;
  struct str rest = markup;
  a->lax = true;
  *named = lax_match(LAX_CYCLE_NAMED, markup, &m);
  if (*named) {
    if (!cycle_value(c, a, (struct attr){ .text = m.group[1] })) return false;
    rest = m.group[2];
  } else if (!lax_match(LAX_CYCLE_SIMPLE, markup, &m)) {
    return liquid_fail(c, "Syntax Error in 'cycle' - Valid syntax: cycle [name :] var [, var2, var3 ...]");
  }
  while (rest.len) {
    const char *comma = memchr(rest.ptr, ',', rest.len), *end = rest.ptr + rest.len;
    bool some = lax_match(LAX_QUOTED, str_slice(rest.ptr, comma ? comma : end), &v);
    some = some && !str_is(v.group[1], "nil") && !str_is(v.group[1], "null"); /* which the reference leaves out, of literals alone */
    if (some && !cycle_value(c, a, (struct attr){ .text = v.group[1] })) return false;
    rest = comma ? str_slice(comma + 1, end) : (struct str){ end, 0 };
  }
  return true;
}

bool tag_cycle(struct liquid_compiler *c, struct str markup) {
  struct attrs a = { .count = 0 };
  bool named, good, warn = c->options.mode == LIQUID_WARN;
  good = is_strict2(c) || warn ? cycle_strict(c, markup, &a, &named) : cycle_lax(c, markup, &a, &named);
  if (!good && warn) {
    c->failed = false;
    a = (struct attrs){ .count = 0 };
    good = cycle_lax(c, markup, &a, &named);
  }
  if (!in_markup(c, good, c->line, markup)) return false;
  uint32_t count = a.count - named;
  struct lq key;
  if (named) {
    if (!attr_push(c, &a, &a.items[0])) return false;
    code_op(c, LQ_OP_CYCLEBY, 0);
  } else {
    if (!cycle_key(c, &a, &key)) return false;
    code_op(c, LQ_OP_CYCLE, const_add(c, key));
  }
  code_word(c, count);
  uint32_t table = code_here(c), first = c->exits.count;
  for (uint32_t i = 0; i < count; i++) code_word(c, 0);
  uint32_t none = code_op(c, LQ_OP_JUMP, 0); /* a count of another cycle of this name, beyond these values */
  VEC_PUSH(&c->arena, &c->exits, none);
  for (uint32_t i = 0; i < count; i++) {
    c->code.items[table + i] = code_here(c);
    if (!attr_push(c, &a, &a.items[i + named])) return false;
    code_op(c, LQ_OP_ONCE, c->options.escape);
    VEC_PUSH(&c->arena, &c->exits, code_op(c, LQ_OP_JUMP, 0));
  }
  for (uint32_t i = first; i < c->exits.count; i++) code_patch(c, c->exits.items[i], code_here(c));
  c->exits.count = first;
  return true;
}

/* --- snippets -------------------------------------------------------------------------------------------------------- */

struct call { struct attr name, with; bool has_with, is_for; struct str alias; struct attrs attrs; };

static bool call_strict(struct liquid_compiler *c, struct str markup, bool render, struct call *k) {
  struct checkpoint before = code_checkpoint(c);
  if (!markup_tokens(c, markup)) return false;
  k->name.token = c->p;
  if (render && !look(c, T_STRING)) return consume(c, T_STRING, NULL);
  if (!expr(c, false)) return false;
  k->is_for = consume_word(c, "for");
  k->has_with = k->is_for || consume_word(c, "with");
  k->with.token = c->p;
  if (k->has_with && !expr(c, false)) return false;
  code_rollback(c, before);
  if (consume_word(c, "as") && !consume(c, T_ID, &k->alias)) return false;
  consume_if(c, T_COMMA, NULL);
  struct str key;
  while (consume_if(c, T_ID, &key)) {
    if (!consume(c, T_COLON, NULL) || !attr_token(c, &k->attrs, key)) return false;
    consume_if(c, T_COMMA, NULL);
  }
  return consume(c, T_END, NULL);
}

static bool call_lax(struct liquid_compiler *c, struct str markup, bool render, struct call *k) {
  struct lq_match m;
  if (!lax_match(render ? LAX_RENDER : LAX_INCLUDE, markup, &m))
    return liquid_fail(c, render ? "Syntax error in tag 'render' - Template name must be a quoted string"
                                 : "Error in tag 'include' - Valid syntax: include '[template]' (with|for) [object|collection]");
  k->name.text = m.group[1];
  k->has_with = m.group[4].ptr != NULL;
  k->with.text = m.group[4];
  k->is_for = m.group[3].ptr && str_is(m.group[3], "for");
  k->alias = m.group[6];
  return attrs_lax(c, markup, &k->attrs);
}

static bool call_markup(struct liquid_compiler *c, struct str markup, bool render, struct call *k) {
  bool warn = c->options.mode == LIQUID_WARN;
  *k = (struct call){ .has_with = false };
  if (!is_strict2(c) && !warn) return in_markup(c, call_lax(c, markup, render, k), c->line, markup);
  struct checkpoint before = code_checkpoint(c);
  if (call_strict(c, markup, render, k)) return true;
  if (!warn) return in_markup(c, false, c->line, markup);
  code_rollback(c, before);
  *k = (struct call){ .has_with = false };
  return call_lax(c, markup, render, k);
}

static struct str last_part(struct str path) {
  const char *slash = memrchr(path.ptr, '/', path.len);
  return slash ? str_slice(slash + 1, path.ptr + path.len) : path;
}

bool tag_include(struct liquid_compiler *c, struct str markup) {
  struct call k;
  struct lq name;
  if (!call_markup(c, markup, false, &k)) return false;
  struct lq_site s = { .var = k.alias.ptr ? name_add(c, k.alias) : LQ_NONE, .text = LQ_NONE, .flags = k.has_with ? LQ_SITE_WITH : 0 };
  uint32_t pc = code_here(c);
  if (!attr_push(c, &k.attrs, &k.name)) return false;
  if (code_is_const(c, pc, &name) && name.type == LQ_STR) {
    s.text = name_add(c, lq_text(name));
    if (!k.alias.ptr) s.var = name_add(c, last_part(lq_text(name)));
  }
  if (k.has_with && !attr_push(c, &k.attrs, &k.with)) return false;
  uint32_t site = site_add(c, s);
  code_op(c, LQ_OP_INCLUDE, site);
  c->control_depth++;
  for (uint32_t i = 0; i < k.attrs.count; i++) {
    if (!attr_push(c, &k.attrs, &k.attrs.items[i])) return false;
    code_op(c, LQ_OP_SCOPE, name_add(c, k.attrs.items[i].key));
  }
  code_op(c, LQ_OP_CALL, site);
  c->control_depth--;
  c->interrupts = true; /* a snippet may break the loop that includes it */
  return true;
}

bool tag_render(struct liquid_compiler *c, struct str markup) {
  struct call k;
  struct lq name;
  if (!call_markup(c, markup, true, &k)) return false;
  uint32_t pc = code_here(c);
  if (!attr_push(c, &k.attrs, &k.name)) return false;
  if (!code_is_const(c, pc, &name) || name.type != LQ_STR) return liquid_fail(c, "Syntax error in tag 'render' - Template name must be a quoted string");
  c->code.count = pc;
  struct lq_site s = { .text = name_add(c, lq_text(name)), .flags = (k.has_with ? LQ_SITE_WITH : 0) | (k.is_for ? LQ_SITE_FOR : 0) };
  s.var = name_add(c, k.alias.ptr ? k.alias : last_part(lq_text(name)));
  if (k.has_with && !attr_push(c, &k.attrs, &k.with)) return false;
  for (uint32_t i = 0; i < k.attrs.count; i++)
    if (!attr_push(c, &k.attrs, &k.attrs.items[i])) return false;
  s.args = c->args.count;
  s.arg_count = k.attrs.count;
  for (uint32_t i = 0; i < k.attrs.count; i++) VEC_PUSH(&c->arena, &c->args, name_add(c, k.attrs.items[i].key));
  name_add(c, STR("forloop"));
  code_op(c, LQ_OP_RENDER, site_add(c, s));
  return true;
}
