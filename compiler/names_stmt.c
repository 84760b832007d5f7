/* Names in statements: what they act on, and the scopes that their blocks open.
 *
 * Not here: `do` (names_sequence.c), conditions (names_expr.c). The invariants of names.c hold. */
#include "resolve.h"

void resolve_campaign_name(struct resolver *r, struct name *name, void **decl) {
  if (resolve_reference(r, name, decl, "campaign"))
    return;
  struct item *item = scope_item(r->s, SPACE_CAMPAIGN, name->text);
  if (item) {
    *decl = &item->campaign;
    return;
  }
  struct diagnostic *d =
      diag(r->c, DIAG_E0308, name->span, "there is no campaign `" STR_FMT "`", STR_ARG(name->text));
  scope_suggest(r->s, d, name->span, SPACE_CAMPAIGN, name->text);
}

void resolve_list_name(struct resolver *r, struct name *name, void **decl) {
  if (resolve_reference(r, name, decl, "list"))
    return;
  struct item *item = scope_item(r->s, SPACE_VALUE, name->text);
  if (item && item->kind == ITEM_LIST) {
    *decl = &item->list;
    return;
  }
  if (item && item->kind == ITEM_SEGMENT) {
    struct diagnostic *d = diag(r->c, DIAG_E0321, name->span, "`" STR_FMT "` is a segment: its members come and go by themselves",
                                STR_ARG(name->text));
    d->note_span = item->define.name.span;
    d->note = STR("they are those of whom this is true");
    d->help = arena_printf(&r->c->arena, "for members by hand declare a list and use it in the segment: `… or a_list`");
    return;
  }
  struct diagnostic *d = diag(r->c, DIAG_E0307, name->span, "there is no list `" STR_FMT "`", STR_ARG(name->text));
  if (item) {
    d->help = STR("a definition's members cannot be set by hand");
  } else if (scope_suggest_worthwhile(r->s)) {
    struct nearest n = nearest_of(name->text);
    for (uint32_t i = 0; i < r->s->declared[SPACE_VALUE].count; i++)
      if (r->s->declared[SPACE_VALUE].items[i]->kind == ITEM_LIST)
        scope_suggest_try(r->s, &n, r->s->declared[SPACE_VALUE].items[i]->list.name.text);
    scope_suggest_end(r->s, d, name->span, n, "");
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "declare it: `list " STR_FMT "`", STR_ARG(name->text));
  }
}

void resolve_content_name(struct resolver *r, const struct name *name, void **decl) {
  struct item *item = scope_item(r->s, SPACE_CONTENT, name->text);
  if (item) {
    item->mentioned++;
    *decl = &item->content;
    return;
  }
  struct diagnostic *d = diag(r->c, DIAG_E0362, name->span, "there is no content `" STR_FMT "`", STR_ARG(name->text));
  scope_suggest(r->s, d, name->span, SPACE_CONTENT, name->text);
  if (!d->help.len)
    d->help = arena_printf(&r->c->arena, "declare it: `content " STR_FMT " { title \"…\" }`", STR_ARG(name->text));
}

/* What a contact enters and leaves: a list, or a segment. */
void resolve_changing_list(struct resolver *r, struct name *name) {
  struct item *item = scope_item(r->s, SPACE_VALUE, name->text);
  if (item && (item->kind == ITEM_LIST || item->kind == ITEM_SEGMENT)) {
    if (item->kind == ITEM_SEGMENT)
      item->define.used = true;
    return;
  }
  if (item) {
    struct diagnostic *d = diag(r->c, DIAG_E0322, name->span, "`" STR_FMT "` is a definition, which nobody enters or leaves",
                                STR_ARG(name->text));
    d->note_span = scope_item_name(item)->span;
    d->note = STR("with `segment` in the place of `define`, contacts are followed in and out");
    return;
  }
  struct diagnostic *d = diag(r->c, DIAG_E0307, name->span, "there is no segment or list `" STR_FMT "`", STR_ARG(name->text));
  if (!scope_suggest_worthwhile(r->s))
    return;
  struct nearest n = nearest_of(name->text);
  for (uint32_t i = 0; i < r->s->declared[SPACE_VALUE].count; i++)
    if (r->s->declared[SPACE_VALUE].items[i]->kind != ITEM_DEFINE)
      scope_suggest_try(r->s, &n, scope_item_name(r->s->declared[SPACE_VALUE].items[i])->text);
  scope_suggest_end(r->s, d, name->span, n, "");
  if (!d->help.len)
    d->help = arena_printf(&r->c->arena, "declare it: `segment " STR_FMT " = …`", STR_ARG(name->text));
}

void resolve_score_name(struct resolver *r, struct name *name, void **decl) {
  struct item *item = scope_item(r->s, SPACE_VALUE, name->text);
  if (item && item->kind == ITEM_SCORE) {
    *decl = &item->score;
    item->score.used = true;
    return;
  }
  struct diagnostic *d = diag(r->c, DIAG_E0323, name->span, "there is no score `" STR_FMT "`", STR_ARG(name->text));
  if (!scope_suggest_worthwhile(r->s))
    return;
  struct nearest n = nearest_of(name->text);
  for (uint32_t i = 0; i < r->s->declared[SPACE_VALUE].count; i++)
    if (r->s->declared[SPACE_VALUE].items[i]->kind == ITEM_SCORE)
      scope_suggest_try(r->s, &n, r->s->declared[SPACE_VALUE].items[i]->score.name.text);
  scope_suggest_end(r->s, d, name->span, n, "");
  if (!d->help.len)
    d->help = arena_printf(&r->c->arena, "declare it: `score " STR_FMT " { +10 for visit }`", STR_ARG(name->text));
}

/* What earns points is asked of past events too, when a score is new: so it sees the event alone. */
void resolve_score(struct resolver *r, struct score_decl *s) {
  for (struct score_rule_decl *rule = s->rules; rule; rule = rule->next)
    resolve_events(r, rule->events, NULL, true);
}

static void resolve_set(struct resolver *r, struct stmt *st) {
  st->decl = (void *)(uintptr_t)scope_attribute(r->s, st->name.text);
  if (st->decl || r->s->allow_unknown)
    return;
  struct diagnostic *d = diag(r->c, DIAG_E0303, st->name.span, "a contact has no attribute `" STR_FMT "`",
                              STR_ARG(st->name.text));
  scope_suggest_attribute(r->s, d, st->name.span, st->name.text, "");
}

void resolve_props(struct resolver *r, struct prop *props, const struct event_decl *decl, struct str event,
                          const struct env *env) {
  for (struct prop *p = props; p; p = p->next) {
    resolve_expr(r, p->value, env);
    foreign_template(r->c, p->value);
    if (!decl || scope_property(r->s, decl, p->name.text) || r->s->allow_unknown)
      continue;
    struct diagnostic *d = diag(r->c, DIAG_E0305, p->name.span, "`" STR_FMT "` has no property `" STR_FMT "`",
                                STR_ARG(event), STR_ARG(p->name.text));
    scope_suggest_member(r->s, d, p->name.span, decl->members, p->name.text);
  }
}


static void resolve_branches(struct resolver *r, struct on_branch *branches, const struct env *env) {
  for (struct on_branch *b = branches; b; b = b->next) {
    resolve_events(r, b->events, env, false);
    b->frame = frame_new(r, b->events, NULL);
    struct env own = { .frame = b->frame, .in_hand = false, .outer = env };
    resolve_block(r, b->body, &own);
  }
}

/* A split without a name is known by its place among them, so that the same contact falls the same way when it comes again. */
static void resolve_split(struct resolver *r, struct stmt *st, const struct env *env) {
  st->id = st->name.text.len ? st->name.text : arena_printf(&r->c->arena, "%u", ++r->split_last);
  if (r->sequence)
    st->id = arena_printf(&r->c->arena, STR_FMT "." STR_FMT, STR_ARG(r->sequence->name.text), STR_ARG(st->id));
  for (struct arm *a = st->arms; a; a = a->next)
    resolve_block(r, a->body, env);
}

static void resolve_each(struct resolver *r, struct stmt *st, const struct env *env) {
  struct item_var *v = ARENA_NEW(&r->c->arena, struct item_var);
  v->name = st->name.text;
  if (st->value->type.kind == V_LIST && st->value->type.item)
    v->type = *st->value->type.item;
  st->decl = v;
  struct env own = { .item = v, .outer = env };
  resolve_block(r, st->then, &own);
}

/* `start loyalty with { … }`: all that the campaign says, and nothing else. */
static void resolve_start(struct resolver *r, struct stmt *st, const struct env *env) {
  resolve_campaign_name(r, &st->name, &st->decl);
  const struct campaign_decl *cd = st->decl;
  struct event_decl given = cd ? cd->given : (struct event_decl){ 0 };
  resolve_props(r, st->props, given.name.text.len ? &cd->given : NULL, given.name.text, env);
  if (!cd)
    return;
  if (!given.name.text.len && st->props) {
    struct diagnostic *d = diag(r->c, DIAG_E0446, st->props->name.span, "`" STR_FMT "` is not started with values", STR_ARG(cd->name.text));
    d->help = arena_printf(&r->c->arena, "say which it takes, in the campaign: `start with { " STR_FMT ": text }`", STR_ARG(st->props->name.text));
    d->note_span = cd->name.span;
    d->note = STR("the campaign");
  }
  st->id = given.name.text;
  for (const struct member *m = given.members; m; m = m->next) {
    const struct prop *p = st->props;
    while (p && !str_eq(p->name.text, m->name.text))
      p = p->next;
    if (p || m->initial)
      continue;
    struct diagnostic *d = diag(r->c, DIAG_E0446, st->span, "`" STR_FMT "` is started with `" STR_FMT "`, and this does not give it",
                                STR_ARG(cd->name.text), STR_ARG(m->name.text));
    d->expected = arena_printf(&r->c->arena, "`start " STR_FMT " with { " STR_FMT ": … }`", STR_ARG(cd->name.text), STR_ARG(m->name.text));
    d->note_span = m->name.span;
    d->note = STR("declared here");
    return;
  }
}

/* `wait pause`: a literal argument stands there as if it had been written there. */
static void resolve_length(struct resolver *r, struct stmt *st, const struct env *env) {
  if (!st->length)
    return;
  if (!binding_find(r, st->length->name.text)) {
    struct diagnostic *d = diag(r->c, DIAG_E0445, st->length->span, "`" STR_FMT "` is no duration", STR_ARG(st->length->name.text));
    d->expected = STR("a duration such as `7d`");
    struct nearest n = nearest_of(st->length->name.text);
    for (const struct binding *b = r->bindings; b; b = b->next)
      nearest_try(&n, b->param->name.text);
    scope_suggest_end(r->s, d, st->length->span, n, "");
    expr_bad(st->length);
    return;
  }
  resolve_expr(r, st->length, env);
  const struct binding *b = st->length->target == TARGET_BINDING ? st->length->decl : NULL;
  if (!b || !b->arg || b->arg->kind != EXPR_LITERAL || (b->arg->value.type != V_EXACT && b->arg->value.type != V_CALENDAR))
    return;
  if (st->kind == STMT_SEND)
    st->after = b->arg->value, st->after_span = b->arg->span;
  else
    st->duration = b->arg->value, st->duration_span = b->arg->span;
  st->length = NULL;
}

static void resolve_stmt(struct resolver *r, struct stmt *st, const struct env *env) {
  resolve_length(r, st, env);
  switch ((enum stmt_kind)st->kind) {
  case STMT_SEND:
    resolve_message_name(r, &st->name, &st->decl);
    resolve_props(r, st->props, NULL, st->name.text, env);
    break;
  case STMT_SHOW: resolve_content_name(r, &st->name, &st->decl); break;
  case STMT_JOIN: case STMT_LEAVE: resolve_list_name(r, &st->name, &st->decl); break;
  case STMT_SUBSCRIBE: case STMT_UNSUBSCRIBE:
    if (st->name.text.len && !(st->decl = topic_find(r->s, &st->name)))
      st->kind = STMT_BAD;
    break;
  case STMT_SET: resolve_set(r, st); break;
  case STMT_SCORE: resolve_score_name(r, &st->name, &st->decl); break;
  case STMT_START: resolve_start(r, st, env); break;
  case STMT_STOP: resolve_campaign_name(r, &st->name, &st->decl); break;
  case STMT_EMIT: {
    struct event_decl *decl = NULL;
    resolve_event_name(r, &st->name, &decl);
    st->decl = decl;
    resolve_props(r, st->props, decl, st->name.text, env);
    break;
  }
  case STMT_SPLIT: resolve_split(r, st, env); break;
  case STMT_EXPERIMENT: resolve_experiment(r, st, env); return;
  case STMT_CALL: return; /* resolve_block */
  case STMT_DO: resolve_do(r, st, env); return;
  case STMT_EACH:
    resolve_expr(r, st->value, env);
    resolve_each(r, st, env);
    return;
  case STMT_IF: case STMT_WAIT: case STMT_TAG: case STMT_UNTAG: case STMT_EXIT: case STMT_REPEAT: case STMT_BAD: break;
  }
  resolve_expr(r, st->value, env);
  if (st->kind == STMT_SET || st->kind == STMT_TAG) foreign_template(r->c, st->value);
  resolve_expr(r, st->at, env);
  resolve_expr(r, st->if_still, env);
  resolve_events(r, st->unless, env, false);
  resolve_branches(r, st->branches, env);
  resolve_block(r, st->then, env);
  resolve_block(r, st->otherwise, env);
}

void resolve_block(struct resolver *r, struct stmt *block, const struct env *env) {
  if (block && r->nesting >= NESTING_MAX) {
    diag(r->c, DIAG_E0509, block->span, "this stands in more than %d blocks", NESTING_MAX);
    block->kind = STMT_BAD;
    block->next = NULL;
    return;
  }
  r->nesting++;
  for (struct stmt *st = block; st; st = st->next) {
    resolve_stmt(r, st, env);
    if (st->kind == STMT_CALL)
      env = resolve_call(r, st, env); /* what stands behind it knows the reply */
  }
  r->nesting--;
}
