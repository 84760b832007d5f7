/* Test blocks, resolved for the runner: names checked, values folded, conditions as code.
 *
 * Not here: running them. Nothing here is part of the program that is deployed.
 *
 * Invariant: each condition has a unit of its own, without triggers, whose code is the expression. */
#include "emit.h"

/* Fields of a reply by their places in the response. */
static void reply_props(struct builder *b, const struct test_line *l, struct test_step *s) {
  VEC(struct test_prop) out = { 0 };
  for (const struct prop *p = l->props; p; p = p->next) {
    const struct member *field = scope_property(b->s, &l->replies->replied, p->name.text);
    bool own = str_is(p->name.text, "status") || str_is(p->name.text, "error");
    struct test_prop prop = { own || !field ? p->name.text : reply_path(b->s, field), literal_value(p->value), own };
    VEC_PUSH(b->a, &out, prop);
  }
  s->props = out.items;
  s->prop_count = out.count;
}

static const struct test_prop *props_of(struct builder *b, const struct prop *props, uint32_t *count) {
  VEC(struct test_prop) out = { 0 };
  for (const struct prop *p = props; p; p = p->next) {
    struct test_prop prop = { p->name.text, p->consents ? value_missing() : literal_value(p->value), p->consents };
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
  while (e->kind == EXPR_NAME && (e->target == TARGET_DEFINE || e->target == TARGET_SEGMENT))
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

/* What of a contact a condition looks at, definitions included: behind it `nothing else` leaves that out. */
struct facts { struct test_fact *items; uint32_t count, cap; VEC(const struct define_decl *) defines; /* looked at already */ };

static void fact_add(struct builder *b, struct facts *out, enum fact_kind kind, struct str name) {
  for (uint32_t i = 0; i < out->count; i++)
    if (out->items[i].kind == kind && str_eq(out->items[i].name, name))
      return;
  struct test_fact f = { kind, name };
  VEC_PUSH(b->a, out, f);
}

static void collect_facts(struct builder *b, const struct expr *e, struct facts *out) {
  if (!e)
    return;
  if (e->kind == EXPR_NAME && e->target == TARGET_DEFINE) {
    const struct define_decl *d = e->decl;
    for (uint32_t i = 0; i < out->defines.count; i++)
      if (out->defines.items[i] == d)
        return;
    VEC_PUSH(b->a, &out->defines, d);
    collect_facts(b, d->value, out);
    return;
  }
  bool name = e->kind == EXPR_NAME || e->kind == EXPR_MEMBER;
  if (name && e->target == TARGET_LIST)
    fact_add(b, out, FACT_LIST, e->name.text);
  if (name && e->target == TARGET_ATTRIBUTE)
    fact_add(b, out, FACT_ATTRIBUTE, e->name.text);
  if (e->kind == EXPR_BINARY && e->a->target == TARGET_TAGS && e->b->kind == EXPR_LITERAL && e->b->value.type == V_TEXT)
    fact_add(b, out, FACT_TAG, value_str(e->b->value));
  collect_facts(b, e->a, out);
  collect_facts(b, e->b, out);
  collect_facts(b, e->where, out);
  for (const struct expr *i = e->items; i; i = i->next)
    collect_facts(b, i, out);
}

/* A contact's attributes are as the test gives them. */
static void given_facts(struct builder *b, const struct test_line *l, struct facts *out) {
  for (const struct prop *p = l->kind == TEST_CONTACT ? l->props : NULL; p; p = p->next)
    fact_add(b, out, FACT_ATTRIBUTE, p->name.text);
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

/* What the step is about: an event, or the first name that its expectation has. */
static struct str subject_of(const struct test_line *l) {
  const struct expect *x = &l->expect;
  if (l->kind == TEST_EVENT || l->kind == TEST_IS || l->kind == TEST_REPLY)
    return l->event.text;
  return x->experiment.text.len ? x->experiment.text
         : x->campaign.text.len ? x->campaign.text
         : x->content.text.len  ? x->content.text
                                : x->message.text;
}

static struct test_step step_of(struct builder *b, const struct test_line *l, const struct test_decl *t) {
  const struct expect *x = &l->expect;
  struct test_step s = { .kind = (enum test_kind)l->kind, .span = l->span, .contact = l->contact.text,
                         .name = subject_of(l), .of = x->variant.text.len ? x->variant.text : l->of.text, .civil_ms = l->civil_ms,
                         .has_at = l->has_at || x->has_at, .has_until = x->has_until, .until_ms = x->until_ms, .once = x->once, .negated = x->negated,
                         .within = x->within, .sent = x->sent, .has_within = x->within.type != V_MISSING, .times = x->times, .because = x->because };
  if (x->has_at)
    s.civil_ms = x->civil_ms;
  if (!s.contact.len)
    s.contact = x->contact.text;
  s.props = props_of(b, l->props, &s.prop_count);
  if (l->replies) {
    s.of = l->replies->full;
    if (l->kind == TEST_REPLY)
      reply_props(b, l, &s);
    else
      s.name = l->replies->full;
  }
  if (x->cond)
    s.unit = condition_of(b, l, t, &s);
  struct facts facts = { 0 };
  collect_facts(b, x->cond, &facts);
  given_facts(b, l, &facts);
  s.facts = facts.items;
  s.fact_count = facts.count;
  return s;
}

struct steps { struct test_step *items; uint32_t count, cap; };

static void emit_lines(struct builder *b, const struct test_decl *lines, const struct test_decl *test, struct steps *steps) {
  for (const struct test_line *l = lines->lines; l; l = l->next) {
    if (l->kind == TEST_GIVEN) {
      emit_lines(b, l->given, test, steps);
      continue;
    }
    struct test_step s = step_of(b, l, test);
    VEC_PUSH(b->a, steps, s);
  }
}

void emit_test(struct builder *b, const struct item *item) {
  struct steps steps = { 0 };
  emit_lines(b, &item->test, &item->test, &steps);
  struct test_block *block = ARENA_NEW(b->a, struct test_block);
  *block = (struct test_block){ item->test.name.text, item->span, steps.items, steps.count };
  VEC_PUSH(b->a, &b->c->tests, (const struct test_block *)block);
}
