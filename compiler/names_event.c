/* Names of events and messages, and what an event brings into its scope.
 *
 * Not here: what expressions make of that (names_expr.c). The invariants of names.c hold. */
#include "resolve.h"

struct frame *frame_new(struct resolver *r, const struct event_ref *events, const struct start_clause *starts) {
  struct frame *f = ARENA_NEW(&r->c->arena, struct frame);
  f->events = events;
  f->starts = starts;
  f->uses_tail = &f->uses;
  for (const struct event_ref *e = events; e; e = e->next)
    f->event_count++;
  for (const struct start_clause *st = starts; st; st = st->next)
    for (const struct event_ref *e = st->events; e; e = e->next)
      f->event_count++;
  return f;
}

struct frame_walk frame_walk_of(const struct frame *f) {
  struct frame_walk w = { f->events, f->starts };
  if (!w.event && w.start)
    w.event = w.start->events;
  return w;
}
void frame_step(struct frame_walk *w) {
  w->event = w->event->next;
  while (!w->event && w->start) {
    w->start = w->start->next;
    w->event = w->start ? w->start->events : NULL;
  }
}

struct use *frame_use(struct resolver *r, struct frame *f, struct str name, struct str only,
                             const struct member *m, bool in_hand) {
  /* The few uses that most frames have are walked; of many, the table gives the first of a name, behind which the
   * others follow. */
  struct use **first = NULL, *u = f->uses;
  if (f->use_count >= MEMBERS_FEW) {
    first = (struct use **)table_place(&r->c->arena, &r->s->table, (uintptr_t)f, name);
    u = *first;
  }
  while (u && !(str_eq(u->name, name) && str_eq(u->only, only)))
    u = u->next;
  if (!u) {
    u = ARENA_NEW(&r->c->arena, struct use);
    *u = (struct use){ .frame = f, .name = name, .only = only, .member = m, .type = scope_member_type(m), .local = NONE };
    *f->uses_tail = u;
    f->uses_tail = &u->next;
    f->use_count++;
    if (first && !*first)
      *first = u;
    if (f->use_count == MEMBERS_FEW)
      for (struct use *v = f->uses; v; v = v->next) {
        struct use **place = (struct use **)table_place(&r->c->arena, &r->s->table, (uintptr_t)f, v->name);
        if (!*place)
          *place = v;
      }
  }
  u->later |= !in_hand;
  return u;
}



/* `score interest passes`: what it was and what it is. */
static void declare_passing(struct resolver *r, struct event_decl *d, struct str score) {
  struct name name = { score, d->name.span };
  void *decl = NULL;
  resolve_score_name(r, &name, &decl);
  struct type_ref *number = ARENA_NEW(&r->c->arena, struct type_ref);
  number->type = (struct type){ .kind = V_NUMBER };
  struct member *from = ARENA_NEW(&r->c->arena, struct member), *to = ARENA_NEW(&r->c->arena, struct member);
  *from = (struct member){ .name = { STR("from"), name.span }, .type = number, .next = to };
  *to = (struct member){ .name = { STR("to"), name.span }, .type = number };
  d->members = from;
}

/* Where the attribute stands in `contact.plan changes`: behind the dot, and behind a quote. */
static struct span attribute_span(const struct scope *s, struct span whole, struct str attribute) {
  const char *text = s->c->sources.items[whole.source].text.ptr;
  uint32_t at = whole.from;
  while (at < whole.to && text[at] != '.')
    at++;
  while (at < whole.to && (text[at] == '.' || text[at] == ' ' || text[at] == '\t' || text[at] == '"'))
    at++;
  return at + attribute.len <= whole.to ? (struct span){ whole.source, at, at + (uint32_t)attribute.len } : whole;
}

/* `enters vip`, `leaves vip`, `contact.plan changes`: events that the engine makes itself. Declared when first named. */
static bool resolve_internal_event(struct resolver *r, struct name *name, struct event_decl **decl) {
  struct str s = name->text, change = STR(" changes"), contact = STR("contact.");
  if (str_starts(s, STR("start "))) { /* a campaign that is started with values */
    struct item *item = scope_item(r->s, SPACE_CAMPAIGN, (struct str){ s.ptr + 6, s.len - 6 });
    if (item && item->campaign.given.name.text.len)
      *decl = &item->campaign.given;
    return *decl != NULL;
  }
  bool enters = str_starts(s, STR("enters ")), leaves = str_starts(s, STR("leaves "));
  bool changes = str_starts(s, contact) && str_ends(s, change) && s.len > contact.len + change.len;
  bool passes = str_starts(s, STR("score ")) && str_ends(s, STR(" passes")) && s.len > 13;
  if (!enters && !leaves && !changes && !passes)
    return false;
  struct event_decl **place = (struct event_decl **)table_place(&r->c->arena, &r->s->table, SPACE_COUNT, s);
  if (!*place) {
    struct event_decl *d = *place = ARENA_NEW(&r->c->arena, struct event_decl);
    d->name = *name;
    if (passes) {
      declare_passing(r, d, (struct str){ s.ptr + 6, s.len - 13 });
    } else if (enters || leaves) {
      struct name list = { { s.ptr + 7, s.len - 7 }, name->span };
      if (name->span.to - name->span.from > list.text.len) /* the list's own place, behind the word */
        list.span.from = name->span.to - (uint32_t)list.text.len;
      if (scope_item(r->s, SPACE_TOPIC, list.text))
        (void)topic_find(r->s, &list);
      else
        resolve_changing_list(r, &list);
    } else {
      struct str attribute = { s.ptr + contact.len, s.len - contact.len - change.len };
      const struct member *m = scope_attribute(r->s, attribute);
      if (!m && !r->s->allow_unknown) {
        struct span span = attribute_span(r->s, name->span, attribute);
        struct diagnostic *g = diag(r->c, DIAG_E0303, span, "a contact has no attribute `" STR_FMT "`", STR_ARG(attribute));
        scope_suggest_attribute(r->s, g, span, attribute, "");
      }
      struct member *to = ARENA_NEW(&r->c->arena, struct member);
      to->name = (struct name){ STR("to"), name->span };
      to->type = m ? m->type : NULL;
      d->members = to;
    }
  }
  *decl = *place;
  return true;
}

/* Unknown events are reported here; the decl stays NULL. */
void resolve_event_name(struct resolver *r, struct name *name, struct event_decl **decl) {
  if (resolve_internal_event(r, name, decl))
    return;
  struct item *item = scope_item(r->s, SPACE_EVENT, name->text);
  if (item) {
    *decl = &item->event;
  } else if (!r->s->allow_unknown) {
    struct diagnostic *d =
        diag(r->c, DIAG_E0302, name->span, "there is no event `" STR_FMT "`", STR_ARG(name->text));
    scope_suggest(r->s, d, name->span, SPACE_EVENT, name->text);
    if (!d->help.len && !foreign_event(r->s, d, name->text))
      d->help = arena_printf(&r->c->arena, "declare it: `event " STR_FMT " { }`", STR_ARG(name->text));
  }
}

/* A parameter by its name. */
struct binding *binding_find(const struct resolver *r, struct str name) {
  for (struct binding *b = r->bindings; b; b = b->next)
    if (str_eq(b->param->name.text, name)) {
      b->used = true;
      return b;
    }
  return NULL;
}

/* Whether the name is a parameter that refers to such a thing: then it is what the parameter stands for. */
bool resolve_reference(struct resolver *r, struct name *name, void **decl, const char *what) {
  struct binding *b = binding_find(r, name->text);
  if (!b || scope_member_type(b->param).kind != V_REF || !str_is(scope_member_type(b->param).ref, what))
    return false;
  if (b->ref.len)
    name->text = b->ref;
  *decl = b->decl;
  return true;
}

void resolve_message_name(struct resolver *r, struct name *name, void **decl) {
  if (resolve_reference(r, name, decl, "message"))
    return;
  struct item *item = scope_item(r->s, SPACE_MESSAGE, name->text);
  if (item) {
    *decl = &item->message;
    return;
  }
  struct diagnostic *d =
      diag(r->c, DIAG_E0306, name->span, "there is no message `" STR_FMT "`", STR_ARG(name->text));
  scope_suggest(r->s, d, name->span, SPACE_MESSAGE, name->text);
  if (!d->help.len)
    d->help = arena_printf(&r->c->arena, "declare it: `message " STR_FMT " { subject \"…\"; body \"…\" }`",
                           STR_ARG(name->text));
}

/* `open or click of hello` reads as if both were of hello; what it says is any open. */
static void check_of(struct resolver *r, const struct event_ref *events) {
  const struct event_ref *bare = NULL;
  for (const struct event_ref *e = events; e; e = e->next) {
    if (e->of.text.len && bare) {
      struct diagnostic *d = diag(r->c, DIAG_E0481, e->of.span, "only `" STR_FMT "` is of `" STR_FMT "` here, `" STR_FMT "` is of any message",
                                  STR_ARG(e->name.text), STR_ARG(e->of.text), STR_ARG(bare->name.text));
      d->help = arena_printf(&r->c->arena, "write `" STR_FMT " of " STR_FMT " or " STR_FMT " of " STR_FMT "`; to mean any `" STR_FMT "`, put it behind",
                             STR_ARG(bare->name.text), STR_ARG(e->of.text), STR_ARG(e->name.text), STR_ARG(e->of.text),
                             STR_ARG(bare->name.text));
      d->note_span = bare->name.span;
      d->note = STR("this one");
      return;
    }
    if (!bare && !e->of.text.len && !e->where && e->decl && scope_property(r->s, e->decl, STR("message")))
      bare = e;
  }
}

void resolve_events(struct resolver *r, struct event_ref *events, const struct env *env, bool history) {
  for (struct event_ref *e = events; e; e = e->next) {
    resolve_event_name(r, &e->name, &e->decl);
    if (e->of.text.len) {
      void *message = NULL;
      resolve_message_name(r, &e->of, &message);
      if (e->decl && !scope_property(r->s, e->decl, STR("message"))) {
        struct diagnostic *d = diag(r->c, DIAG_E0305, e->of.span, "`" STR_FMT "` has no property `message`, so it is of no message",
                                    STR_ARG(e->name.text));
        d->help = STR("`of` goes with open and click, and with events that declare `message: text`");
      }
    }
    struct event_ref *rest = e->next;
    e->next = NULL; /* the frame is this event alone */
    e->frame = frame_new(r, e, NULL);
    e->next = rest;
    e->frame->history = history;
    struct env own = { .frame = e->frame, .in_hand = true, .outer = env };
    if (e->where)
      resolve_expr(r, e->where, &own);
  }
  check_of(r, events);
}
