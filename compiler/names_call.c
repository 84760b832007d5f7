/* Names in `call crm.create_task with { … } as reply`, and in what tests say of calls.
 *
 * Not here: what a connector declares (request.c), whether the arguments fit (types.c), the code of a call (emit_call.c).
 *
 * Invariants:
 * 1. The reply is known behind the call, to the end of the block in which the call stands, and in its `else`. It is read by its name
 *    alone, `reply.id`: a bare name means behind a call what it means before.
 * 2. What the reply has not is missing, and so is all of it when the call failed; every reply has `status` and `error`. */
#include "care.h"
#include "resolve.h"

static struct member *member_of(struct resolver *r, const char *name, uint8_t kind, struct span span, struct member *next) {
  struct type_ref *type = ARENA_NEW(&r->c->arena, struct type_ref);
  type->type = (struct type){ .kind = kind };
  struct member *m = ARENA_NEW(&r->c->arena, struct member);
  *m = (struct member){ .name = { str_from_c(name), span }, .type = type, .next = next };
  return m;
}

void declare_replies(struct resolver *r, struct connector_decl *c) {
  for (struct operation_decl *o = c->operations; o; o = o->next) {
    struct member **end = &o->replied.members;
    o->replied.name = (struct name){ STR(REPLY_EVENT), o->name.span };
    for (const struct member *f = o->reply; f; f = f->next) {
      *end = ARENA_NEW(&r->c->arena, struct member);
      **end = *f;
      (*end)->next = NULL;
      end = &(*end)->next;
    }
    *end = member_of(r, "status", V_NUMBER, o->name.span, member_of(r, "error", V_TEXT, o->name.span, NULL));
  }
}

struct operation_decl *operation_find(struct scope *s, const struct name *connector, const struct name *operation) {
  struct item *item = scope_item(s, SPACE_CONNECTOR, connector->text);
  if (!item) {
    struct diagnostic *d = diag(s->c, DIAG_E0364, connector->span, "there is no connector `" STR_FMT "`", STR_ARG(connector->text));
    scope_suggest(s, d, connector->span, SPACE_CONNECTOR, connector->text);
    if (!d->help.len)
      d->help = arena_printf(&s->c->arena, "declare it, `connector " STR_FMT " { … }`, or bring one of the standard library in: `use hubspot`",
                             STR_ARG(connector->text));
    return NULL;
  }
  for (struct operation_decl *o = item->connector.operations; o; o = o->next)
    if (str_eq(o->name.text, operation->text)) {
      o->mentioned = true;
      return o;
    }
  struct diagnostic *d = diag(s->c, DIAG_E0365, operation->span, "the connector `" STR_FMT "` has no operation `" STR_FMT "`",
                              STR_ARG(connector->text), STR_ARG(operation->text));
  struct nearest n = nearest_of(operation->text);
  for (const struct operation_decl *o = item->connector.operations; o; o = o->next)
    scope_suggest_try(s, &n, o->name.text);
  scope_suggest_end(s, d, operation->span, n, "");
  return NULL;
}

static const struct member *param_find(const struct operation_decl *o, struct str name) {
  for (const struct member *m = o->params; m; m = m->next)
    if (str_eq(m->name.text, name))
      return m;
  return NULL;
}

static void argument_unknown(struct resolver *r, const struct operation_decl *o, const struct prop *p) {
  struct diagnostic *d = diag(r->c, DIAG_E0366, p->name.span, "`" STR_FMT "` takes no `" STR_FMT "`", STR_ARG(o->full), STR_ARG(p->name.text));
  scope_suggest_member(r->s, d, p->name.span, o->params, p->name.text);
}

static void check_arguments(struct resolver *r, const struct stmt *st, const struct operation_decl *o) {
  bool mistaken = false;
  for (const struct prop *p = st->props; p; p = p->next)
    if (!param_find(o, p->name.text)) {
      argument_unknown(r, o, p);
      mistaken = true;
    }
  for (const struct member *m = mistaken ? NULL : o->params; m; m = m->next) {
    const struct prop *p = st->props;
    while (p && !str_eq(p->name.text, m->name.text))
      p = p->next;
    if (p || m->initial)
      continue;
    struct diagnostic *d = diag(r->c, DIAG_E0368, st->span, "`" STR_FMT "` takes `" STR_FMT "`, and this does not give it", STR_ARG(o->full),
                                STR_ARG(m->name.text));
    d->expected = arena_printf(&r->c->arena, "`call " STR_FMT " with { " STR_FMT ": … }`", STR_ARG(o->full), STR_ARG(m->name.text));
    if (!r->s->c->sources.items[m->name.span.source].standard) {
      d->note_span = m->name.span;
      d->note = STR("declared here; `= missing` behind its type would let a call leave it out");
    }
    return;
  }
}

const struct env *resolve_call(struct resolver *r, struct stmt *st, const struct env *env) {
  struct operation_decl *o = operation_find(r->s, &st->name, &st->operation);
  for (struct prop *p = st->props; p; p = p->next) {
    resolve_expr(r, p->value, env);
    foreign_template(r->c, p->value);
  }
  st->decl = o;
  if (o) {
    o->called = true;
    check_arguments(r, st, o);
  }
  if (!st->reply.text.len)
    return env;
  struct event_ref *e = ARENA_NEW(&r->c->arena, struct event_ref);
  *e = (struct event_ref){ .name = { STR(REPLY_EVENT), st->reply.span }, .alias = st->reply, .span = st->reply.span, .decl = o ? &o->replied : NULL };
  st->frame = e->frame = frame_new(r, e, NULL);
  st->frame->qualified = true;
  struct env *own = ARENA_NEW(&r->c->arena, struct env);
  *own = (struct env){ .frame = st->frame, .in_hand = false, .outer = env };
  resolve_block(r, st->otherwise, own);
  return own;
}

/* --- a reply where there is none ------------------------------------------------------------------------------------*/
struct search { struct str name; const struct stmt *named, *unnamed; };

static void see_call(void *context, const struct stmt *st) {
  struct search *s = context;
  if (st->kind != STMT_CALL)
    return;
  if (str_eq(st->reply.text, s->name))
    s->named = st;
  else if (!st->reply.text.len)
    s->unnamed = st;
}

/* `reply.id` before the call, behind the block in which it stands, or of a call without `as`. */
bool resolve_reply_early(struct resolver *r, const struct expr *e) {
  struct search s = { .name = e->name.text };
  visit_block(&(struct visitor){ &s, see_call, NULL, NULL }, r->body);
  bool meant = str_is(e->name.text, "reply") || str_is(e->name.text, "response") || str_is(e->name.text, "answer");
  if (!s.named && !(s.unnamed && meant))
    return false;
  struct diagnostic *d = diag(r->c, DIAG_E0367, e->span, "`" STR_FMT "` is not known here", STR_ARG(e->name.text));
  d->note_span = (s.named ? s.named : s.unnamed)->span;
  d->note = s.named ? STR("it is the reply of this call, known behind it to the end of its block") : STR("this call does not wait for its reply");
  if (!s.named)
    d->help = arena_printf(&r->c->arena, "name the reply: `call " STR_FMT "." STR_FMT " … as " STR_FMT "`", STR_ARG(s.unnamed->name.text),
                           STR_ARG(s.unnamed->operation.text), STR_ARG(e->name.text));
  return true;
}

/* --- tests ----------------------------------------------------------------------------------------------------------*/
static void reply_field_check(struct resolver *r, const struct operation_decl *o, const struct prop *p, bool failure) {
  bool both = str_is(p->name.text, "status");
  if (both || str_is(p->name.text, "error") ? both || failure : !failure && scope_property(r->s, &o->replied, p->name.text))
    return;
  struct diagnostic *d = diag(r->c, DIAG_E0369, p->name.span, "a %s of `" STR_FMT "` has no `" STR_FMT "`", failure ? "failure" : "reply", STR_ARG(o->full),
                              STR_ARG(p->name.text));
  if (failure)
    d->expected = STR("`status`, a number, or `error`, a text");
  else
    scope_suggest_member(r->s, d, p->name.span, o->reply, p->name.text);
}

/* `ann reply of crm.create_task { id: "7" }`, `expect crm.create_task called for ann with { … }` */
void resolve_test_call(struct resolver *r, struct test_line *l) {
  bool failure = str_is(l->event.text, "failure"), answers = l->kind == TEST_REPLY;
  for (struct prop *p = l->props; p; p = p->next)
    resolve_expr(r, p->value, NULL);
  if (answers && !failure && !str_is(l->event.text, "reply")) {
    struct diagnostic *d = diag(r->c, DIAG_E0369, l->event.span, "a call has a reply or a failure, and no `" STR_FMT "`", STR_ARG(l->event.text));
    d->expected = STR("`reply of crm.create_task { … }` or `failure of crm.create_task`");
    return;
  }
  struct operation_decl *o = l->replies = operation_find(r->s, &l->of, &l->operation);
  if (!o)
    return;
  for (const struct prop *p = l->props; p; p = p->next)
    if (answers)
      reply_field_check(r, o, p, failure);
    else if (!param_find(o, p->name.text))
      argument_unknown(r, o, p);
}
