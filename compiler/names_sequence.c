/* Sequences: each `do` becomes a copy of the sequence's statements, with its parameters bound to what is given.
 *
 * Not here: the statements themselves (names_stmt.c).
 *
 * Invariants:
 * 1. A sequence sees its parameters and nothing else of where it is done.
 * 2. A campaign is written out to at most LIMIT_SEQUENCE_STMTS_COUNT statements, whatever its sequences do. */
#include "resolve.h"

static struct sequence_decl *sequence_find(struct resolver *r, struct stmt *st) {
  struct item *item = scope_item(r->s, SPACE_SEQUENCE, st->name.text);
  if (item)
    return &item->sequence;
  struct diagnostic *d = diag(r->c, DIAG_E0341, st->name.span, "there is no sequence `" STR_FMT "`", STR_ARG(st->name.text));
  scope_suggest(r->s, d, st->name.span, SPACE_SEQUENCE, st->name.text);
  if (!d->help.len)
    d->help = scope_item(r->s, SPACE_CAMPAIGN, st->name.text)
                  ? arena_printf(&r->c->arena, "it is a campaign: `start " STR_FMT "`", STR_ARG(st->name.text))
                  : arena_printf(&r->c->arena, "declare it: `sequence " STR_FMT " { … }`", STR_ARG(st->name.text));
  return NULL;
}

/* `coupon10` for `offer: message`: a name, and not the value of one. */
static void bind_reference(struct resolver *r, struct binding *b, struct expr *arg) {
  struct str ref = scope_member_type(b->param).ref;
  struct name name = arg->name;
  if (arg->kind == EXPR_LITERAL && arg->value.type == V_TEXT)
    name = (struct name){ value_str(arg->value), arg->span }; /* a name in quotes */
  else if (arg->kind != EXPR_NAME) {
    if (arg->kind != EXPR_BAD) {
      struct diagnostic *d = diag(r->c, DIAG_E0444, arg->span, "`" STR_FMT "` takes the name of a " STR_FMT, STR_ARG(b->param->name.text), STR_ARG(ref));
      d->note_span = b->param->name.span;
      d->note = STR("declared here");
    }
    return;
  }
  if (str_is(ref, "message"))
    resolve_message_name(r, &name, &b->decl);
  else if (str_is(ref, "campaign"))
    resolve_campaign_name(r, &name, &b->decl);
  else
    resolve_list_name(r, &name, &b->decl);
  b->ref = name.text;
}

/* The parameters, each with its argument; env NULL: with none, in the sequence itself. */
struct binding *bind_params(struct resolver *r, const struct sequence_decl *s, struct stmt *st, const struct env *env) {
  struct binding *first = NULL, **end = &first;
  struct expr *arg = st ? st->args : NULL;
  for (const struct member *m = s->params; m; m = m->next) {
    struct binding *b = *end = ARENA_NEW(&r->c->arena, struct binding);
    *b = (struct binding){ .param = m, .local = NONE };
    end = &b->next;
    if (!arg)
      continue;
    if (scope_member_type(m).kind == V_REF) {
      bind_reference(r, b, arg);
    } else {
      resolve_expr(r, arg, env);
      const struct binding *outer = arg->kind == EXPR_NAME && arg->target == TARGET_BINDING ? arg->decl : NULL;
      b->arg = outer && outer->arg && outer->arg->kind == EXPR_LITERAL ? outer->arg : arg; /* handed on */
    }
    arg = arg->next;
  }
  return first;
}

static bool args_fit(struct resolver *r, const struct sequence_decl *s, const struct stmt *st) {
  uint32_t wanted = 0, given = 0;
  for (const struct member *m = s->params; m; m = m->next)
    wanted++;
  for (const struct expr *e = st->args; e; e = e->next)
    given++;
  if (wanted == given)
    return true;
  struct diagnostic *d = diag(r->c, DIAG_E0443, st->span, "`" STR_FMT "` takes %u argument%s, and %u %s given", STR_ARG(s->name.text), wanted,
                              wanted == 1 ? "" : "s", given, given == 1 ? "is" : "are");
  struct buf b;
  buf_init(&b, 4096);
  for (const struct member *m = s->params; m; m = m->next)
    buf_printf(&b, "%s" STR_FMT ": " STR_FMT, m == s->params ? "" : ", ", STR_ARG(m->name.text), STR_ARG(m->type->name.text));
  d->expected = arena_printf(&r->c->arena, "`do " STR_FMT "(" STR_FMT ")`", STR_ARG(s->name.text), STR_ARG(buf_as_str(&b)));
  buf_deinit(&b);
  d->note_span = s->name.span;
  d->note = STR("declared here");
  return false;
}

/* The statements of the sequence, with its parameters and nothing else: not the event in hand, nor what started the run. */
void resolve_inside(struct resolver *r, struct sequence_decl *s, struct binding *bindings, struct stmt *body) {
  struct sequence_decl *sequence = r->sequence;
  struct binding *outer = r->bindings;
  uint32_t split_last = r->split_last;
  const struct stmt *outer_body = r->body;
  r->body = body;
  r->sequence = s;
  r->bindings = bindings;
  r->split_last = 0;
  s->open = true;
  resolve_block(r, body, NULL);
  s->open = false;
  r->sequence = sequence;
  r->body = outer_body;
  r->bindings = outer;
  r->split_last = split_last;
}

void resolve_do(struct resolver *r, struct stmt *st, const struct env *env) {
  struct sequence_decl *s = sequence_find(r, st);
  if (!s) {
    for (struct expr *e = st->args; e; e = e->next)
      if (e->kind != EXPR_NAME)
        resolve_expr(r, e, env);
    return;
  }
  s->used = true;
  st->decl = s;
  if (s->open) {
    struct diagnostic *d = diag(r->c, DIAG_E0342, st->span, "the sequence `" STR_FMT "` does itself", STR_ARG(s->name.text));
    d->help = STR("a campaign may go round: let it `start` again, or use `repeat`");
    d->note_span = s->name.span;
    d->note = STR("declared here");
    return;
  }
  if (!args_fit(r, s, st))
    return;
  st->bindings = bind_params(r, s, st, env);
  if (r->written > LIMIT_SEQUENCE_STMTS_COUNT)
    return;
  st->then = clone_block(&r->c->arena, s->body, &r->written);
  r->written++; /* an empty one, too */
  if (r->written > LIMIT_SEQUENCE_STMTS_COUNT)
    st->then = NULL;
  else
    resolve_inside(r, s, st->bindings, st->then);
  /* Said where the campaign does it, and once: inside a sequence it is nobody's mistake yet. */
  if (r->written > LIMIT_SEQUENCE_STMTS_COUNT && !r->sequence) {
    struct diagnostic *d = diag(r->c, DIAG_E0343, st->span, "written out, its sequences make more than %d statements", LIMIT_SEQUENCE_STMTS_COUNT);
    d->help = STR("let one campaign start another in the place of some of them");
  }
}
