/* Test blocks, resolved for the runner: names checked, values folded, conditions as code.
 *
 * Not here: running them. Nothing here is part of the program that is deployed.
 *
 * Invariant: each condition has a unit of its own, without triggers, whose code is the expression. */
#include "emit.h"

static struct value constant_of(const struct expr *e) {
  if (e->kind != EXPR_UNARY)
    return e->value;
  struct value v = e->a->value;
  if (v.type == V_NUMBER || v.type == V_PERCENT)
    v.n = -v.n;
  else
    v.i = -v.i;
  return v;
}

static const struct test_prop *props_of(struct builder *b, const struct prop *props, uint32_t *count) {
  VEC(struct test_prop) out = { 0 };
  for (const struct prop *p = props; p; p = p->next) {
    struct test_prop prop = { p->name.text, constant_of(p->value) };
    VEC_PUSH(b->a, &out, prop);
  }
  *count = out.count;
  return out.items;
}

static const struct unit *condition_of(struct builder *b, const struct test_line *l, const struct test_decl *t) {
  struct unit *u = ARENA_NEW(b->a, struct unit);
  build_begin(b, u, UNIT_RULE, t->name.text, l->span);
  static const struct campaign_decl nothing = { .rule = true };
  b->campaign = &nothing;
  emit_expr(b, l->expect.cond);
  build_op(b, OP_RET, 0, 0);
  build_pending(b);
  build_finish(b);
  return u;
}

static struct test_step step_of(struct builder *b, const struct test_line *l, const struct test_decl *t) {
  const struct expect *x = &l->expect;
  bool event = l->kind == TEST_EVENT;
  struct test_step s = { .kind = (enum test_kind)l->kind, .span = l->span, .contact = l->contact.text,
                         .name = event ? l->event.text : x->message.text, .of = l->of.text, .civil_ms = l->civil_ms,
                         .has_at = l->has_at || x->has_at, .once = x->once, .negated = x->negated,
                         .within = x->within, .has_within = x->within.type != V_MISSING, .times = x->times };
  if (x->has_at)
    s.civil_ms = x->civil_ms;
  if (!s.contact.len)
    s.contact = x->contact.text;
  s.props = props_of(b, l->props, &s.prop_count);
  if (x->cond)
    s.unit = condition_of(b, l, t);
  return s;
}

void emit_test(struct builder *b, const struct item *item) {
  VEC(struct test_step) steps = { 0 };
  for (const struct test_line *l = item->test.lines; l; l = l->next) {
    struct test_step s = step_of(b, l, &item->test);
    VEC_PUSH(b->a, &steps, s);
  }
  struct test_block *block = ARENA_NEW(b->a, struct test_block);
  *block = (struct test_block){ item->test.name.text, item->span, steps.items, steps.count };
  VEC_PUSH(b->a, &b->c->tests, (const struct test_block *)block);
}
