/* What is declared and named nowhere, waited for and never caused, read and never set.
 *
 * Not here: definitions, sequences and campaigns (flow.c), what stands inside a declaration (unused_parts.c). Declared attributes are not
 * looked at: they come from outside, and are there to be looked at by whoever asks for a contact.
 *
 * Invariants:
 * 1. Only a whole project without errors is asked: of a single file, the rest may stand in another, and what has a mistake may use
 *    anything.
 * 2. Whatever names a thing uses it, tests included. What names a message in a way that is not known here may send it. What another
 *    file takes in by `use` is there for others, and never told.
 * 3. Under `allow unknown`, an attribute that nobody declared or set is suspicious only when its name is near to one that is. */
#include "care.h"

struct unused {
  struct compilation *c;
  struct scope *s;
  struct table sent, of, set;  /* messages by declaration: sent; how often named as `open of`; attributes set */
  VEC(const struct name *) awaited;   /* `open of hello`, the message */
  VEC(const struct expr *) read;
  VEC(struct str) known;       /* attributes that are set */
};

static struct item *item_of(struct unused *u, struct str message) {
  for (uint32_t i = 0; i < u->s->declared[SPACE_MESSAGE].count; i++)
    if (str_eq(u->s->declared[SPACE_MESSAGE].items[i]->message.name.text, message))
      return u->s->declared[SPACE_MESSAGE].items[i];
  return NULL;
}

static void count_of(struct unused *u, struct str message) {
  uintptr_t *times = (uintptr_t *)table_place(&u->c->arena, &u->of, 1, message);
  ++*times;
}

static void see_event(void *context, const struct event_ref *e) {
  struct unused *u = context;
  if (!e->of.text.len)
    return;
  count_of(u, e->of.text);
  VEC_PUSH(&u->c->arena, &u->awaited, &e->of);
}

static void see_stmt(void *context, const struct stmt *st) {
  struct unused *u = context;
  if (st->kind == STMT_SEND)
    *table_place(&u->c->arena, &u->sent, 1, st->name.text) = u;
  if (st->kind != STMT_SET)
    return;
  void **place = table_place(&u->c->arena, &u->set, 1, st->name.text);
  if (!*place)
    VEC_PUSH(&u->c->arena, &u->known, st->name.text);
  *place = u;
}

static void see_expr(void *context, const struct expr *e) {
  struct unused *u = context;
  if (e->kind == EXPR_MEMBER && e->target == TARGET_ATTRIBUTE && !e->decl)
    VEC_PUSH(&u->c->arena, &u->read, e);
}

static void see_test(struct unused *u, const struct test_decl *t) {
  for (const struct test_line *l = t->lines; l; l = l->next) {
    if (l->of.text.len)
      count_of(u, l->of.text);
    if (l->expect.message.text.len)
      count_of(u, l->expect.message.text);
  }
}

/* --- told ------------------------------------------------------------------------------------------------------------- */
static const char *kind_of(const struct item *i) {
  switch (i->kind) {
  case ITEM_MESSAGE: return i->message.translation_of ? NULL : "message";
  case ITEM_LIST: return "list";
  case ITEM_CONTENT: return "content";
  case ITEM_TOPIC: return "topic";
  case ITEM_RECORD: return "record";
  case ITEM_SEGMENT: return "segment";
  case ITEM_SCORE: return "score";
  case ITEM_CHANNEL: return "channel";
  case ITEM_CONNECTOR: return "connector";
  case ITEM_FIXTURE: return "fixture";
  default: return NULL;
  }
}

/* A segment is also asked for by who looks at contacts from outside of the scripts. */
static const char *asked_outside(const struct item *i) {
  return i->kind == ITEM_SEGMENT ? "`camp count` and `camp contacts --in` can ask for it; when it is there for them, say so: `# camp: allow(W0166) …`"
         : i->kind == ITEM_SCORE ? "`camp contacts --by` can ask for it; when it is there for that, say so: `# camp: allow(W0166) …`"
                                 : NULL;
}

static void tell_operations(struct unused *u, const struct connector_decl *connector) {
  for (const struct operation_decl *o = connector->operations; o; o = o->next)
    if (!o->mentioned && o->full.len)
      diag(u->c, DIAG_W0166, o->name.span, "the operation `" STR_FMT "` is called nowhere", STR_ARG(o->full));
}

static void tell_unused(struct unused *u, struct item *i) {
  const char *what = kind_of(i);
  if (scope_is_for_others(u->s, i))
    return;
  if (i->kind == ITEM_EVENT && !i->mentioned) {
    struct diagnostic *d = diag(u->c, DIAG_W0158, i->event.name.span, "nothing hears the event `" STR_FMT "`", STR_ARG(i->event.name.text));
    d->help = STR("events that are only kept for later stand best in a file of their own, which the others take in: `use \"./events.camp\"`");
  } else if (what && !i->mentioned) {
    struct name *name = scope_item_name(i);
    struct diagnostic *d = diag(u->c, DIAG_W0166, name->span, "the %s `" STR_FMT "` is used nowhere", what, STR_ARG(name->text));
    if (asked_outside(i))
      d->help = str_from_c(asked_outside(i));
  } else if (i->kind == ITEM_CONNECTOR) {
    tell_operations(u, &i->connector);
  }
}

static void tell_never_sent(struct unused *u) {
  for (uint32_t i = 0; i < u->awaited.count; i++) {
    const struct name *name = u->awaited.items[i];
    const struct item *item = table_find(&u->sent, 1, name->text) ? NULL : item_of(u, name->text);
    if (!item || scope_is_for_others(u->s, item) || item->mentioned > (uintptr_t)table_find(&u->of, 1, name->text) ||
        u->c->sources.items[name->span.source].standard)
      continue;
    struct diagnostic *d = diag(u->c, DIAG_W0167, name->span, "nothing sends `" STR_FMT "`, so this never happens", STR_ARG(name->text));
    d->note_span = item->message.name.span;
    d->note = STR("declared here");
  }
}

static void tell_never_set_one(struct unused *u, struct str name, struct span span, const char *prefix) {
  const struct source *source = &u->c->sources.items[span.source];
  if (table_find(&u->set, 1, name) || (source->standard && !source->template) || !scope_suggest_worthwhile(u->s))
    return;
  struct nearest n = nearest_of(name);
  for (uint32_t k = 0; k < u->known.count; k++)
    scope_suggest_try(u->s, &n, u->known.items[k]);
  for (uint32_t k = 0; k < u->s->attributes.count; k++)
    scope_suggest_try(u->s, &n, u->s->attributes.items[k]->name.text);
  if (!n.best.len)
    return;
  struct diagnostic *d = diag(u->c, DIAG_W0168, span, "nobody sets the attribute `" STR_FMT "`", STR_ARG(name));
  scope_suggest_end(u->s, d, span, n, prefix);
}

static void tell_never_set(struct unused *u) {
  for (uint32_t i = 0; i < u->read.count; i++)
    tell_never_set_one(u, u->read.items[i]->name.text, u->read.items[i]->span, "contact.");
  for (uint32_t i = 0; i < u->s->unknown_read.count; i++)
    tell_never_set_one(u, u->s->unknown_read.items[i].text, u->s->unknown_read.items[i].span, "");
}

void unused_check(struct compilation *c, struct scope *s, const struct tree *tree) {
  struct unused u = { .c = c, .s = s };
  const struct visitor v = { &u, see_stmt, see_expr, see_event };
  if (c->partial)
    return;
  for (const struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
    case ITEM_CAMPAIGN: case ITEM_RULE: visit_campaign(&v, &i->campaign); break;
    case ITEM_DEFINE: case ITEM_SEGMENT: visit_expr(&v, i->define.value); break;
    case ITEM_TEST: case ITEM_FIXTURE: see_test(&u, &i->test); break;
    default: break;
    }
  for (struct item *i = tree->items; i; i = i->next)
    tell_unused(&u, i);
  tell_never_sent(&u);
  tell_never_set(&u);
  unused_parts_check(c, s, tree);
  snippets_unused(s);
}
