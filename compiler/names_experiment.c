/* Names in experiments, and of experiments in tests.
 *
 * Not here: shares, measures and what else is wrong with one (experiment.c). The invariants of names.c hold, and:
 *
 * An experiment is known by its name in the whole project: reports and tests ask for it by that alone. */
#include "resolve.h"

void resolve_experiment(struct resolver *r, struct stmt *st, const struct env *env) {
  resolve_expr(r, st->value, NULL);
  for (struct arm *a = st->arms; a; a = a->next)
    resolve_block(r, a->body, env);
  if (!r->campaign)
    return;
  struct stmt **place = (struct stmt **)table_place(&r->c->arena, &r->s->table, SPACE_EXPERIMENT, st->name.text);
  if (!*place) {
    *place = st;
    VEC_PUSH(&r->c->arena, &r->s->experiments, st);
    return;
  }
  bool same = (*place)->name.span.source == st->name.span.source && (*place)->name.span.from == st->name.span.from;
  struct diagnostic *d = diag(r->c, DIAG_E0346, st->name.span, same ? "the experiment `" STR_FMT "` is met in more than one place"
                                                                    : "there are two experiments `" STR_FMT "`", STR_ARG(st->name.text));
  d->help = same ? STR("it stands in a sequence that is done more than once: put it into the campaign, or into a sequence of its own")
                 : STR("give each a name of its own: by it their results are told apart");
  if (same)
    return;
  d->note_span = (*place)->name.span;
  d->note = STR("the first one");
}

static void no_variant(struct resolver *r, const struct stmt *st, const struct expect *x) {
  struct diagnostic *d = diag(r->c, DIAG_E0347, x->variant.span, "`" STR_FMT "` has no variant `" STR_FMT "`", STR_ARG(x->experiment.text),
                              STR_ARG(x->variant.text));
  struct nearest n = nearest_of(x->variant.text);
  for (const struct arm *a = st->arms; a; a = a->next)
    scope_suggest_try(r->s, &n, a->name.text);
  scope_suggest_end(r->s, d, x->variant.span, n, "");
}

/* Behind everything else, when all experiments are known: `expect ann in variant warm of best_subject`. */
void resolve_asked(struct resolver *r, const struct expect *x) {
  const struct stmt *st = table_find(&r->s->table, SPACE_EXPERIMENT, x->experiment.text);
  if (!st) {
    struct diagnostic *d = diag(r->c, DIAG_E0347, x->experiment.span, "there is no experiment `" STR_FMT "`", STR_ARG(x->experiment.text));
    struct nearest n = nearest_of(x->experiment.text);
    for (uint32_t i = 0; i < r->s->experiments.count; i++)
      scope_suggest_try(r->s, &n, r->s->experiments.items[i]->name.text);
    scope_suggest_end(r->s, d, x->experiment.span, n, "");
    return;
  }
  if (x->kind == TEST_EXPECT_CONVERTED || st->experiment->mistaken)
    return;
  for (const struct arm *a = st->arms; a; a = a->next)
    if (str_eq(a->name.text, x->variant.text))
      return;
  if (x->variant.text.len)
    no_variant(r, st, x);
  else if (!st->experiment->holdout_span.to)
    diag(r->c, DIAG_E0347, x->experiment.span, "`" STR_FMT "` holds nobody out", STR_ARG(x->experiment.text));
}
