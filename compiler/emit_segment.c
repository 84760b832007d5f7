/* Segments and scores as units.
 *
 * Not here: what their members and points are at a moment (the engine asks the unit).
 *
 * Invariants:
 * 1. A segment's own expression stands at its code's beginning; what its measures ask, behind it.
 * 2. A score has no code but the conditions of its rules, which see the event alone: each event of `a or b` is a rule. */
#include "emit.h"

void emit_segment(struct builder *b, struct unit *u, const struct item *item) {
  build_begin(b, u, UNIT_SEGMENT, item->define.name.text, item->define.name.span);
  emit_expr(b, item->define.value);
  build_condition(b, item->define.value, 0);
  build_op(b, OP_RET, 0, 0);
  build_pending(b);
  build_finish(b);
}

void emit_score(struct builder *b, struct unit *u, const struct item *item) {
  const struct score_decl *s = &item->score;
  build_begin(b, u, UNIT_SCORE, s->name.text, s->name.span);
  u->halves = s->halves;
  for (const struct score_rule_decl *r = s->rules; r; r = r->next)
    for (const struct event_ref *e = r->events; e; e = e->next) {
      struct score_rule rule = { .event = build_string(b, e->name.text), .filter_pc = NONE, .points = value_number(r->points) };
      if (e->where || e->of.text.len)
        VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_SCORE, .item = b->score_rules.count, .event = e }));
      VEC_PUSH(b->a, &b->score_rules, rule);
    }
  build_pending(b);
  build_finish(b);
}
