/* What stands inside a declaration and is used nowhere: a sequence's parameter, the values that a campaign is started with, an
 * operation's parameter, the reply of a call, a name behind `as`, a cap for messages that nobody sends.
 *
 * Not here: declarations as a whole (unused.c), columns of cases (cases.c), what comes with a send (values.c).
 *
 * Invariants:
 * 1. A sequence is looked at where it is declared; where it is done, its statements are copies of the same text.
 * 2. A reply whose call says what happens without one is used: the run waits to know that. */
#include "care.h"

#include "vm/base/limits.h"

struct parts {
  struct compilation *c;
  struct scope *s;
  struct table told;       /* by place: statements of sequences are seen where they are declared, and once more at each `do` */
  struct table channels, topics; /* of the messages */
};

/* Whether the place was not told of, in a script that is no one else's. */
static bool is_new(struct parts *p, struct span at) {
  const struct source *source = &p->c->sources.items[at.source];
  if (source->standard || source->module || at.to == at.from)
    return false;
  void **place = table_place(&p->c->arena, &p->told, (uintptr_t)(source->text.ptr + at.from), STR("told"));
  bool told = *place != NULL;
  *place = p;
  return !told;
}

/* --- statements ------------------------------------------------------------------------------------------------------ */
static void see_stmt(void *context, const struct stmt *st) {
  struct parts *p = context;
  for (const struct name_list *n = st->via; n; n = n->next)
    *table_place(&p->c->arena, &p->channels, 1, n->name.text) = p;
  if (st->kind != STMT_CALL || !st->reply.text.len || st->has_else || !st->frame || st->frame->use_count || !is_new(p, st->reply.span))
    return;
  struct diagnostic *d = diag(p->c, DIAG_W0151, st->reply.span, "nothing reads the reply `" STR_FMT "`, and the run waits for it", STR_ARG(st->reply.text));
  d->help = arena_printf(&p->c->arena, "leave out `as " STR_FMT "`, or say what happens when there is no reply: `else { … }`", STR_ARG(st->reply.text));
}

static void see_event(void *context, const struct event_ref *e) {
  struct parts *p = context;
  bool written = e->alias.text.len && (e->alias.span.from != e->name.span.from || e->alias.span.source != e->name.span.source);
  if (!written || e->alias_used || !is_new(p, e->alias.span))
    return;
  struct diagnostic *d = diag(p->c, DIAG_W0155, e->alias.span, "nothing reads `" STR_FMT "`", STR_ARG(e->alias.text));
  d->help = arena_printf(&p->c->arena, "leave out `as " STR_FMT "`: what a `" STR_FMT "` says may stand bare", STR_ARG(e->alias.text), STR_ARG(e->name.text));
}

/* --- parameters ------------------------------------------------------------------------------------------------------ */
static void tell_param(struct parts *p, const struct member *m, const char *what, struct str of) {
  diag(p->c, DIAG_W0152, m->name.span, "%s `" STR_FMT "` does not use `" STR_FMT "`", what, STR_ARG(of), STR_ARG(m->name.text));
}

static void look_sequence(struct parts *p, const struct sequence_decl *s) {
  for (const struct binding *b = s->own; b; b = b->next)
    if (!b->used)
      tell_param(p, b->param, "the sequence", s->name.text);
}

static void look_operation(struct parts *p, const struct operation_decl *o) {
  for (const struct member *m = o->params; m; m = m->next)
    if (!m->used)
      tell_param(p, m, "the request of", o->full);
}

static bool is_read(const struct frame *f, const struct event_decl *given, struct str name) {
  for (const struct use *u = f ? f->uses : NULL; u; u = u->next)
    if (str_eq(u->name, name) && (!u->only.len || str_eq(u->only, given->name.text)))
      return true;
  return false;
}

static void look_given(struct parts *p, const struct campaign_decl *cd) {
  for (const struct member *m = cd->given.members; m; m = m->next)
    if (!is_read(cd->frame, &cd->given, m->name.text))
      tell_param(p, m, "the campaign", cd->name.text);
}

/* --- policy: of a project that has messages at all -------------------------------------------------------------------------- */
static void look_policy(struct parts *p, const struct policy_decl *policy) {
  for (const struct policy_rule *r = p->channels.count ? policy->rules : NULL; r; r = r->next) {
    const struct name *name = r->of.text.len && !table_find(&p->topics, 1, r->of.text) ? &r->of
                              : r->via.text.len && !table_find(&p->channels, 1, r->via.text) ? &r->via : NULL;
    if (!name)
      continue;
    diag(p->c, DIAG_W0156, name->span, name == &r->of ? "no message has the topic `" STR_FMT "`, so this holds nothing back"
                                                      : "no message is sent via `" STR_FMT "`, so this holds nothing back", STR_ARG(name->text));
  }
}

static void see_message(struct parts *p, const struct message_decl *m) {
  *table_place(&p->c->arena, &p->topics, 1, m->topic.text) = p;
  *table_place(&p->c->arena, &p->channels, 1, m->channel.text.len ? m->channel.text : STR("email")) = p;
}

static void see_score(const struct visitor *v, const struct score_decl *s) {
  for (const struct score_rule_decl *r = s->rules; r; r = r->next)
    for (const struct event_ref *e = r->events; e; e = e->next) {
      v->event(v->context, e);
      visit_expr(v, e->where);
    }
}

static void look_item(struct parts *p, const struct item *i) {
  switch (i->kind) {
  case ITEM_SEQUENCE: look_sequence(p, &i->sequence); break;
  case ITEM_CAMPAIGN: look_given(p, &i->campaign); break;
  case ITEM_POLICY: look_policy(p, &i->policy); break;
  case ITEM_CONNECTOR:
    for (const struct operation_decl *o = i->connector.operations; o; o = o->next)
      look_operation(p, o);
    break;
  default: break;
  }
}

void unused_parts_check(struct compilation *c, struct scope *s, const struct tree *tree) {
  struct parts p = { .c = c, .s = s };
  const struct visitor v = { &p, see_stmt, NULL, see_event };
  for (const struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
    case ITEM_CAMPAIGN: case ITEM_RULE: visit_campaign(&v, &i->campaign); break;
    case ITEM_SEQUENCE: visit_block(&v, i->sequence.body); break;
    case ITEM_DEFINE: case ITEM_SEGMENT: visit_expr(&v, i->define.value); break;
    case ITEM_SCORE: see_score(&v, &i->score); break;
    case ITEM_MESSAGE: see_message(&p, &i->message); break;
    default: break;
    }
  for (const struct item *i = tree->items; i; i = i->next)
    if (!scope_is_for_others(s, i))
      look_item(&p, i);
}
