/* Gives every name of the tree its meaning: events, properties, attributes, definitions, lists, messages, campaigns.
 *
 * This file is the whole; the parts are names_event.c, names_expr.c, names_stmt.c, names_sequence.c, names_experiment.c and names_test.c.
 * Not here: the table of declared names (scope.c), whether kinds of values go together (types.c), whether a script makes sense as a
 * whole (flow.c).
 *
 * Invariants:
 * 1. What stays unresolved becomes EXPR_BAD, or a statement that is reported once: later stages stay silent about it.
 * 2. A definition is resolved once, in no event's scope, so it means the same wherever it is used. */
#include "resolve.h"

bool resolve_named(struct resolver *r, struct expr *e, enum diag_code code) {
  if (!e || e->kind != EXPR_NAME || scope_item(r->s, SPACE_VALUE, e->name.text))
    return true;
  struct diagnostic *d = diag(r->c, code, e->name.span, "there is no list, segment or definition `" STR_FMT "`", STR_ARG(e->name.text));
  scope_suggest(r->s, d, e->name.span, SPACE_VALUE, e->name.text);
  if (!d->help.len)
    d->help = arena_printf(&r->c->arena, "declare it: `list " STR_FMT "`", STR_ARG(e->name.text));
  expr_bad(e);
  return false;
}

static void resolve_campaign(struct resolver *r, struct campaign_decl *cd) {
  for (struct start_clause *st = cd->starts; st; st = st->next)
    resolve_events(r, st->events, NULL, false);
  cd->frame = frame_new(r, NULL, cd->starts);
  struct env in_hand = { .frame = cd->frame, .in_hand = true };
  struct env later = { .frame = cd->frame, .in_hand = false };
  for (struct start_clause *st = cd->starts; st; st = st->next)
    resolve_expr(r, st->where_cond, &in_hand);
  resolve_expr(r, cd->entry.key, &in_hand);
  for (struct schedule_clause *s = cd->schedules; s; s = s->next)
    if (resolve_named(r, s->audience, DIAG_E0351))
      resolve_expr(r, s->audience, NULL);
  for (struct goal_clause *g = cd->goals; g; g = g->next)
    resolve_events(r, g->events, &later, false);
  for (struct stop_clause *st = cd->stops; st; st = st->next)
    resolve_events(r, st->events, &later, false);
  r->split_last = r->written = 0;
  r->campaign = cd;
  r->body = cd->body;
  resolve_block(r, cd->body, &later);
  r->campaign = NULL;
  r->body = NULL;
}

/* Tests and fixtures that hold a statement with a mistake of syntax. */
static void mark_torn(const struct compilation *c, struct tree *tree) {
  for (struct item *i = c->torn.count ? tree->items : NULL; i; i = i->next)
    for (uint32_t k = 0; (i->kind == ITEM_TEST || i->kind == ITEM_FIXTURE) && k < c->torn.count; k++) {
      struct span torn = c->torn.items[k].span;
      bool behind = i->next && i->next->span.source == i->span.source && torn.from >= i->next->span.from;
      i->test.torn |= torn.source == i->span.source && torn.from >= i->span.from && !behind;
    }
}

void names_resolve(struct compilation *c, struct tree *tree, struct scope *scope) {
  scope->c = c;
  scope_declare(scope, tree);
  scope_list_declared(scope, tree);
  mark_torn(c, tree);
  struct resolver r = { .s = scope, .c = c };
  policy_resolve(c, tree, scope);
  for (struct item *i = tree->items; i; i = i->next)
    if (i->kind == ITEM_CONNECTOR)
      declare_replies(&r, &i->connector);
  for (struct item *i = tree->items; i; i = i->next) {
    if ((i->kind == ITEM_DEFINE || i->kind == ITEM_SEGMENT) && i->define.state == DEFINE_NEW) {
      struct expr self = { .span = i->define.name.span };
      resolve_define(&r, &i->define, &self);
    }
    if (i->kind == ITEM_SCORE)
      resolve_score(&r, &i->score);
    if (i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE)
      resolve_campaign(&r, &i->campaign);
    if (i->kind == ITEM_SEQUENCE) {
      r.written = 0;
      i->sequence.own = bind_params(&r, &i->sequence, NULL, NULL);
      resolve_inside(&r, &i->sequence, i->sequence.own, i->sequence.body);
    }
    if (i->kind == ITEM_TEST || i->kind == ITEM_FIXTURE)
      resolve_test(&r, &i->test, i->kind == ITEM_FIXTURE);
    if (i->kind == ITEM_TOPIC && i->topic.asks.text.len) {
      void *message = NULL;
      resolve_message_name(&r, &i->topic.asks, &message);
    }
  }
  for (struct item *i = tree->items; i; i = i->next)
    for (const struct test_line *l = i->kind == ITEM_TEST || i->kind == ITEM_FIXTURE ? i->test.lines : NULL; l; l = l->next)
      if (l->expect.experiment.text.len && !c->torn.count)
        resolve_asked(&r, &l->expect);
}
