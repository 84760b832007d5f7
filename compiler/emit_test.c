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

/* Each part of the condition once more, with a RET of its own, so that a failure can say what it was. Literals say it themselves;
 * what stands inside `any` has no value outside it. */
enum { OPERANDS_MAX = 32 };
struct operands { struct test_operand *items; uint32_t count, cap; };

static void emit_operands(struct builder *b, const struct expr *e, uint32_t depth, struct operands *out) {
  while (e->kind == EXPR_NAME && e->target == TARGET_DEFINE)
    e = ((const struct define_decl *)e->decl)->value;
  const struct expr *parts[2] = { NULL, NULL };
  switch ((enum expr_kind)e->kind) {
  case EXPR_BINARY: parts[0] = e->a, parts[1] = e->b; break;
  case EXPR_UNARY: case EXPR_IN: case EXPR_MISSING: parts[0] = e->a; break;
  default: break;
  }
  for (int i = 0; i < 2 && parts[i]; i++) {
    const struct expr *part = parts[i];
    bool tags = part->kind == EXPR_MEMBER && part->target == TARGET_TAGS; /* a value only with `contains` */
    if (part->kind == EXPR_LITERAL || tags || out->count == OPERANDS_MAX)
      continue;
    struct test_operand o = { part->span, build_pc(b), depth };
    VEC_PUSH(b->a, out, o);
    emit_expr(b, part);
    build_op(b, OP_RET, 0, 0);
    emit_operands(b, part, depth + 1, out);
  }
}

static const struct unit *condition_of(struct builder *b, const struct test_line *l, const struct test_decl *t,
                                       struct test_step *s) {
  struct unit *u = ARENA_NEW(b->a, struct unit);
  build_begin(b, u, UNIT_RULE, t->name.text, l->span);
  static const struct campaign_decl nothing = { .rule = true };
  b->campaign = &nothing;
  emit_expr(b, l->expect.cond);
  build_op(b, OP_RET, 0, 0);
  struct operands all = { 0 };
  emit_operands(b, l->expect.cond, 0, &all);
  s->operands = all.items;
  s->operand_count = all.count;
  build_pending(b);
  build_finish(b);
  return u;
}

static struct test_step step_of(struct builder *b, const struct test_line *l, const struct test_decl *t) {
  const struct expect *x = &l->expect;
  bool event = l->kind == TEST_EVENT;
  struct test_step s = { .kind = (enum test_kind)l->kind, .span = l->span, .contact = l->contact.text,
                         .name = event ? l->event.text : x->campaign.text.len ? x->campaign.text : x->message.text, .of = l->of.text, .civil_ms = l->civil_ms,
                         .has_at = l->has_at || x->has_at, .once = x->once, .negated = x->negated,
                         .within = x->within, .has_within = x->within.type != V_MISSING, .times = x->times, .because = x->because };
  if (x->has_at)
    s.civil_ms = x->civil_ms;
  if (!s.contact.len)
    s.contact = x->contact.text;
  s.props = props_of(b, l->props, &s.prop_count);
  if (x->cond)
    s.unit = condition_of(b, l, t, &s);
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
