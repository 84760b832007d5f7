/* Gives every name of the tree its meaning: events, properties, attributes, definitions, lists, messages, campaigns.
 *
 * Not here: the table of declared names (scope.c), whether kinds of values go together (types.c), whether a script makes sense as a whole (flow.c).
 *
 * Invariants:
 * 1. What stays unresolved becomes EXPR_BAD, or a statement that is reported once: later stages stay silent about it.
 * 2. A definition is resolved once, in no event's scope, so it means the same wherever it is used. */
#include "names.h"

#include "vm/base/hash.h"
#include "vm/base/limits.h"

/* What names may mean at one place, innermost first. */
struct env {
  struct frame *frame;    /* an event, or */
  struct item_var *item;  /* an element */
  bool in_hand;           /* the event is in hand where this code runs */
  const struct env *outer;
};

struct resolver {
  struct scope *s;
  struct compilation *c;
  bool impure;            /* something but constants was seen: contact, history, lists, the clock */
  uint32_t depth;         /* definitions that are being resolved */
  uint32_t nesting;       /* of expressions and of statements */
  uint8_t height;         /* of the definitions that the present expression uses */
  uint32_t split_last;    /* number of the campaign's or the sequence's last split without a name */
  struct sequence_decl *sequence; /* whose statements are being resolved; NULL: a campaign's own */
  struct binding *bindings;       /* its parameters */
  uint32_t written;       /* statements of sequences that were written out in this campaign */
};
/* A chain such as `a or b or …` is a tree as deep as it is long; the later stages walk it on the C stack. */
enum { NESTING_MAX = 2000 };
enum { DEFINE_NEW, DEFINE_OPEN, DEFINE_PURE, DEFINE_IMPURE };

/* --- events -------------------------------------------------------------------------------------------------------- */
static struct frame *frame_new(struct resolver *r, const struct event_ref *events, const struct start_clause *starts) {
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

/* Walks the events of a frame: its own, or those of all starts. */
struct frame_walk { const struct event_ref *event; const struct start_clause *start; };
static struct frame_walk frame_walk_of(const struct frame *f) {
  struct frame_walk w = { f->events, f->starts };
  if (!w.event && w.start)
    w.event = w.start->events;
  return w;
}
static void frame_step(struct frame_walk *w) {
  w->event = w->event->next;
  while (!w->event && w->start) {
    w->start = w->start->next;
    w->event = w->start ? w->start->events : NULL;
  }
}

static struct use *frame_use(struct resolver *r, struct frame *f, struct str name, struct str only,
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

static void resolve_expr(struct resolver *r, struct expr *e, const struct env *env);

static void resolve_changing_list(struct resolver *r, struct name *name);
static void resolve_score_name(struct resolver *r, struct name *name, void **decl);

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
static void resolve_event_name(struct resolver *r, struct name *name, struct event_decl **decl) {
  if (resolve_internal_event(r, name, decl))
    return;
  struct item *item = scope_item(r->s, SPACE_EVENT, name->text);
  if (item) {
    *decl = &item->event;
  } else if (!r->s->allow_unknown) {
    struct diagnostic *d =
        diag(r->c, DIAG_E0302, name->span, "there is no event `" STR_FMT "`", STR_ARG(name->text));
    scope_suggest(r->s, d, name->span, SPACE_EVENT, name->text);
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "declare it: `event " STR_FMT " { }`", STR_ARG(name->text));
  }
}

/* A parameter by its name. */
static struct binding *binding_find(const struct resolver *r, struct str name) {
  for (struct binding *b = r->bindings; b; b = b->next)
    if (str_eq(b->param->name.text, name))
      return b;
  return NULL;
}

/* Whether the name is a parameter that refers to such a thing: then it is what the parameter stands for. */
static bool resolve_reference(struct resolver *r, struct name *name, void **decl, const char *what) {
  struct binding *b = binding_find(r, name->text);
  if (!b || scope_member_type(b->param).kind != V_REF || !str_is(scope_member_type(b->param).ref, what))
    return false;
  if (b->ref.len)
    name->text = b->ref;
  *decl = b->decl;
  return true;
}

static void resolve_message_name(struct resolver *r, struct name *name, void **decl) {
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

static void resolve_events(struct resolver *r, struct event_ref *events, const struct env *env, bool history) {
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

/* --- names in expressions ------------------------------------------------------------------------------------------ */
static void expr_bad(struct expr *e) {
  e->kind = EXPR_BAD;
  e->type = (struct type){ .kind = V_MISSING };
}

static void outside_history(struct resolver *r, struct expr *e) {
  diag(r->c, DIAG_E0503, e->span, "a condition on past events sees only each event's own properties and constants");
  expr_bad(e);
}
static bool env_in_history(const struct env *env) {
  for (; env; env = env->outer)
    if (env->frame && env->frame->history)
      return true;
  return false;
}

static bool frame_declares(const struct resolver *r, const struct frame *f, struct str name, struct str only,
                           const struct member **out) {
  bool unknown = false;
  *out = NULL;
  /* A frame of one event is its ref alone, whose `next` belongs to another frame. */
  struct frame_walk w = frame_walk_of(f);
  for (uint32_t i = 0; i < f->event_count; i++, frame_step(&w)) {
    if (only.len && !str_eq(w.event->name.text, only))
      continue;
    unknown |= !w.event->decl;
    if (w.event->decl && (*out = scope_property(r->s, w.event->decl, name)))
      return true;
  }
  return unknown; /* of an event that nobody declared any property may be asked */
}

/* Looks a bare name up among items and properties; true when e is settled. */
static bool resolve_bare(struct resolver *r, struct expr *e, const struct env *env, bool unknown) {
  bool crossed = false;
  for (; env; crossed |= env->frame && env->frame->history, env = env->outer) {
    if (env->item) {
      const struct member *m = NULL;
      bool self = str_eq(env->item->name, e->name.text);
      if (!self && env->item->type.record)
        m = scope_part(r->s, env->item->type.record, e->name.text);
      if (!self && !m)
        continue;
      e->target = self ? TARGET_ITEM : TARGET_ITEM_FIELD;
      e->decl = env->item;
      e->type = self ? env->item->type : scope_member_type(m);
    } else {
      const struct member *m = NULL;
      if (!frame_declares(r, env->frame, e->name.text, (struct str){ NULL, 0 }, &m) || (!m && !unknown))
        continue;
      struct use *u = frame_use(r, env->frame, e->name.text, (struct str){ NULL, 0 }, m, env->in_hand);
      e->target = TARGET_PROPERTY;
      e->decl = u;
      e->type = u->type;
    }
    if (crossed)
      outside_history(r, e);
    return true;
  }
  return false;
}

static void resolve_define(struct resolver *r, struct define_decl *d, struct expr *user) {
  if (d->state == DEFINE_OPEN) {
    struct diagnostic *g = diag(r->c, DIAG_E0310, user->span, "`" STR_FMT "` needs itself", STR_ARG(d->name.text));
    g->note_span = d->name.span;
    g->note = STR("it is defined here");
    expr_bad(user);
    return;
  }
  bool impure = r->impure;
  uint8_t height = r->height;
  if (d->state == DEFINE_NEW && r->depth < LIMIT_DEFINE_DEPTH) {
    d->state = DEFINE_OPEN;
    r->impure = false;
    r->height = 0;
    r->depth++;
    struct binding *bindings = r->bindings;
    r->bindings = NULL;
    resolve_expr(r, d->value, NULL);
    r->bindings = bindings;
    r->depth--;
    d->state = r->impure ? DEFINE_IMPURE : DEFINE_PURE;
    d->height = (uint8_t)(r->height + 1);
  }
  r->impure = impure;
  r->height = height;
  if (d->state == DEFINE_NEW || d->height > LIMIT_DEFINE_DEPTH) {
    diag(r->c, DIAG_E0310, user->span, "definitions and segments use each other more than %d deep", LIMIT_DEFINE_DEPTH);
    expr_bad(user);
    d->height = 0; /* said once */
    return;
  }
  if (d->height > r->height)
    r->height = d->height;
  r->impure |= d->state == DEFINE_IMPURE;
}

static void unknown_name(struct resolver *r, struct expr *e, const struct env *env) {
  struct diagnostic *d = diag(r->c, DIAG_E0304, e->span, "`" STR_FMT "` means nothing here", STR_ARG(e->name.text));
  if (scope_attribute(r->s, e->name.text)) {
    d->help = arena_printf(&r->c->arena, "the contact's attribute is `contact." STR_FMT "`", STR_ARG(e->name.text));
    d->has_fix = true;
    d->fix = (struct fix){ e->span, arena_printf(&r->c->arena, "contact." STR_FMT, STR_ARG(e->name.text)) };
  } else if (scope_item(r->s, SPACE_EVENT, e->name.text)) {
    d->help = arena_printf(&r->c->arena, "for the event write `did " STR_FMT "` or `count(" STR_FMT ") > 0`",
                           STR_ARG(e->name.text), STR_ARG(e->name.text));
  } else if (scope_suggest_worthwhile(r->s)) {
    struct nearest n = nearest_of(e->name.text);
    for (const struct env *v = env; v; v = v->outer) {
      if (v->item) {
        scope_suggest_try(r->s, &n, v->item->name);
        for (const struct member *m = v->item->type.record ? v->item->type.record->members : NULL; m; m = m->next)
          scope_suggest_try(r->s, &n, m->name.text);
        continue;
      }
      struct frame_walk w = frame_walk_of(v->frame);
      for (uint32_t i = 0; i < v->frame->event_count; i++, frame_step(&w))
        for (const struct member *m = w.event->decl ? w.event->decl->members : NULL; m; m = m->next)
          scope_suggest_try(r->s, &n, m->name.text);
    }
    for (const struct binding *b = r->bindings; b; b = b->next)
      scope_suggest_try(r->s, &n, b->param->name.text);
    for (uint32_t i = 0; i < r->s->declared[SPACE_VALUE].count; i++)
      scope_suggest_try(r->s, &n, scope_item_name(r->s->declared[SPACE_VALUE].items[i])->text);
    scope_suggest_end(r->s, d, e->span, n, "");
    if (!n.best.len)
      scope_suggest_attribute(r->s, d, e->span, e->name.text, "contact.");
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "a text stands in quotes: `\"" STR_FMT "\"`", STR_ARG(e->name.text));
  }
  expr_bad(e);
}

/* A parameter as a value. A condition on past events takes constants alone, and so a parameter that is given as one. */
static bool resolve_binding(struct resolver *r, struct expr *e, const struct env *env) {
  struct binding *b = binding_find(r, e->name.text);
  if (!b)
    return false;
  struct type t = scope_member_type(b->param);
  if (t.kind == V_REF && str_is(t.ref, "list")) {
    r->impure = true;
    e->target = TARGET_LIST;
    e->type = (struct type){ .kind = V_BOOL };
    if (b->ref.len)
      e->name.text = b->ref;
    if (env_in_history(env))
      outside_history(r, e);
    return true;
  }
  if (t.kind == V_REF) {
    diag(r->c, DIAG_E0344, e->span, "`" STR_FMT "` is a " STR_FMT ", not a value", STR_ARG(e->name.text), STR_ARG(t.ref));
    expr_bad(e);
    return true;
  }
  if (env_in_history(env) && b->arg && b->arg->kind != EXPR_LITERAL) {
    struct diagnostic *d = diag(r->c, DIAG_E0503, b->arg->span, "`" STR_FMT "` stands in a condition on past events, which takes constants alone",
                                STR_ARG(e->name.text));
    d->note_span = e->span;
    d->note = STR("it is used here");
    expr_bad(e);
  } else if (env_in_history(env) && b->arg) {
    e->kind = EXPR_LITERAL;
    e->value = b->arg->value;
    e->type = b->arg->type;
  } else {
    e->target = TARGET_BINDING;
    e->decl = b;
    e->type = t;
  }
  return true;
}

static void resolve_name(struct resolver *r, struct expr *e, const struct env *env) {
  if (resolve_bare(r, e, env, false) || resolve_binding(r, e, env))
    return;
  struct item *item = scope_item(r->s, SPACE_VALUE, e->name.text);
  if (item && (item->kind == ITEM_DEFINE || item->kind == ITEM_SEGMENT)) {
    bool segment = item->kind == ITEM_SEGMENT;
    e->target = segment ? TARGET_SEGMENT : TARGET_DEFINE;
    e->decl = &item->define;
    if (segment)
      e->type = (struct type){ .kind = V_BOOL };
    item->define.used = true;
    resolve_define(r, &item->define, e);
    r->impure |= segment;
    if (e->kind != EXPR_BAD && (segment || item->define.state == DEFINE_IMPURE) && env_in_history(env))
      outside_history(r, e);
    return;
  }
  if (item && item->kind == ITEM_SCORE) {
    r->impure = true;
    e->target = TARGET_SCORE;
    e->decl = &item->score;
    e->type = (struct type){ .kind = V_NUMBER };
    item->score.used = true;
    if (env_in_history(env))
      outside_history(r, e);
    return;
  }
  if (item || str_is(e->name.text, "now")) {
    r->impure = true;
    e->target = item ? TARGET_LIST : TARGET_NOW;
    e->decl = item ? &item->list : NULL;
    e->type = (struct type){ .kind = item ? V_BOOL : V_MOMENT };
    if (env_in_history(env))
      outside_history(r, e);
    return;
  }
  if (resolve_bare(r, e, env, true))
    return;
  unknown_name(r, e, env);
}

static void resolve_attribute(struct resolver *r, struct expr *e, const struct env *env) {
  r->impure = true;
  const struct member *m = scope_attribute(r->s, e->name.text);
  if (!m && str_is(e->name.text, "tags")) {
    e->target = TARGET_TAGS;
    e->type = (struct type){ .kind = V_LIST };
  } else if (m || r->s->allow_unknown) {
    e->target = TARGET_ATTRIBUTE;
    e->decl = (void *)(uintptr_t)m;
    e->type = scope_member_type(m);
  } else {
    struct diagnostic *d = diag(r->c, DIAG_E0303, e->name.span, "a contact has no attribute `" STR_FMT "`",
                                STR_ARG(e->name.text));
    scope_suggest_attribute(r->s, d, e->name.span, e->name.text, "");
    expr_bad(e);
    return;
  }
  if (env_in_history(env))
    outside_history(r, e);
}

/* The frame that a qualifier names: an alias, innermost first; then what started the run, then innermost first. Inside
 * a history condition the event's own name is itself. */
static const struct env *env_qualified(const struct env *env, struct str name, bool *is_alias) {
  *is_alias = true;
  for (const struct env *v = env; v; v = v->outer) {
    if (!v->frame)
      continue;
    struct frame_walk w = frame_walk_of(v->frame);
    for (uint32_t i = 0; i < v->frame->event_count; i++, frame_step(&w))
      if (w.event->alias.text.len && str_eq(w.event->alias.text, name))
        return v;
  }
  *is_alias = false;
  const struct env *best = NULL;
  for (const struct env *v = env; v; v = v->outer) {
    if (!v->frame)
      continue;
    struct frame_walk w = frame_walk_of(v->frame);
    for (uint32_t i = 0; i < v->frame->event_count; i++, frame_step(&w))
      if (str_eq(w.event->name.text, name)) {
        if (v->frame->history)
          return v;
        if (!best || v->frame->starts)
          best = v;
      }
  }
  return best;
}

static bool resolve_qualified(struct resolver *r, struct expr *e, const struct env *env) {
  bool is_alias;
  const struct env *v = env_qualified(env, e->a->name.text, &is_alias);
  if (!v)
    return false;
  struct str only = { NULL, 0 };
  if (v->frame->event_count > 1) {
    /* An alias among several joined events stands for the one that bears it. */
    struct frame_walk w = frame_walk_of(v->frame);
    uint32_t same = 0;
    for (uint32_t i = 0; i < v->frame->event_count; i++, frame_step(&w))
      if (str_eq(is_alias ? w.event->alias.text : w.event->name.text, e->a->name.text)) {
        only = w.event->name.text;
        same++;
      }
    if (is_alias && same == v->frame->event_count)
      only.len = 0;
  }
  const struct member *m;
  if (!frame_declares(r, v->frame, e->name.text, only, &m)) {
    struct diagnostic *d = diag(r->c, DIAG_E0305, e->name.span, "`" STR_FMT "` has no property `" STR_FMT "`",
                                STR_ARG(e->a->name.text), STR_ARG(e->name.text));
    struct frame_walk w = frame_walk_of(v->frame);
    for (uint32_t i = 0; i < v->frame->event_count && !d->help.len; i++, frame_step(&w))
      if (w.event->decl && (!only.len || str_eq(w.event->name.text, only)))
        scope_suggest_member(r->s, d, e->name.span, w.event->decl->members, e->name.text);
    expr_bad(e);
    return true;
  }
  struct use *u = frame_use(r, v->frame, e->name.text, only, m, v->in_hand);
  e->target = TARGET_PROPERTY;
  e->decl = u;
  e->type = u->type;
  if (!v->frame->history && env_in_history(env))
    outside_history(r, e);
  return true;
}

static const char *const date_parts[] = { "year", "month", "day", "weekday", "hour", "date", "time" };
static const uint8_t date_part_types[] = { V_NUMBER, V_NUMBER, V_NUMBER, V_TEXT, V_NUMBER, V_DATE, V_TIME };

bool expr_date_part(struct expr *e) {
  for (uint8_t i = 0; i < 7; i++)
    if (str_is(e->name.text, date_parts[i])) {
      e->target = TARGET_DATEPART;
      e->op = i;
      e->type = (struct type){ .kind = date_part_types[i] };
      return true;
    }
  return false;
}

void expr_no_part(struct scope *s, const struct expr *e, struct type t) {
  if (t.record) {
    struct diagnostic *d = diag(s->c, DIAG_E0312, e->name.span, "the record `" STR_FMT "` has no `" STR_FMT "`",
                                STR_ARG(t.record->name.text), STR_ARG(e->name.text));
    scope_suggest_member(s, d, e->name.span, t.record->members, e->name.text);
    return;
  }
  struct diagnostic *d = diag(s->c, DIAG_E0312, e->name.span, "%s has no `" STR_FMT "`", value_type_name((enum value_type)t.kind),
                              STR_ARG(e->name.text));
  if (t.kind == V_DATE || t.kind == V_MOMENT)
    d->expected = STR("year, month, day, weekday, hour, date or time");
}

static void resolve_member(struct resolver *r, struct expr *e, const struct env *env) {
  if (e->a->kind == EXPR_NAME && str_is(e->a->name.text, "contact")) {
    resolve_attribute(r, e, env);
    return;
  }
  if (e->a->kind == EXPR_NAME && resolve_qualified(r, e, env))
    return;
  if (e->a->kind == EXPR_NAME && scope_item(r->s, SPACE_EVENT, e->a->name.text) &&
      !scope_item(r->s, SPACE_VALUE, e->a->name.text)) {
    const struct event_decl *event = &scope_item(r->s, SPACE_EVENT, e->a->name.text)->event;
    if (!scope_property(r->s, event, e->a->name.text)) {
      struct diagnostic *d = diag(r->c, DIAG_E0311, e->span, "no `" STR_FMT "` is in hand here", STR_ARG(e->a->name.text));
      d->help = arena_printf(&r->c->arena, "of a past one write `last(" STR_FMT ")." STR_FMT "`",
                             STR_ARG(e->a->name.text), STR_ARG(e->name.text));
      expr_bad(e);
      return;
    }
  }
  resolve_expr(r, e->a, env);
  if (e->a->kind == EXPR_BAD) {
    expr_bad(e);
    return;
  }
  struct type t = e->a->type;
  if (t.kind == V_RECORD || t.kind == V_MISSING) {
    const struct member *m = t.record ? scope_part(r->s, t.record, e->name.text) : NULL;
    if (m || !t.record) {
      e->target = TARGET_SUBFIELD;
      e->decl = (void *)(uintptr_t)m;
      e->type = scope_member_type(m);
      return;
    }
    expr_no_part(r->s, e, t);
  } else if ((t.kind == V_DATE || t.kind == V_MOMENT) && expr_date_part(e)) {
    return;
  } else {
    expr_no_part(r->s, e, t);
  }
  expr_bad(e);
}

static void resolve_any(struct resolver *r, struct expr *e, const struct env *env) {
  resolve_expr(r, e->a, env);
  struct item_var *v = ARENA_NEW(&r->c->arena, struct item_var);
  v->name = e->name.text;
  if (e->a->type.kind == V_LIST && e->a->type.item)
    v->type = *e->a->type.item;
  e->decl = v;
  struct env own = { .item = v, .outer = env };
  if (e->where)
    resolve_expr(r, e->where, &own);
}

/* The property that sum(purchase.amount) or first(purchase).source takes, checked in every event that is named. */
static void resolve_history(struct resolver *r, struct expr *e, const struct env *env) {
  r->impure = true;
  if (env_in_history(env)) {
    outside_history(r, e);
    return;
  }
  resolve_events(r, e->events, env, true);
  if (!e->name.text.len)
    return;
  for (const struct event_ref *v = e->events; v; v = v->next) {
    if (!v->decl)
      continue;
    const struct member *m = scope_property(r->s, v->decl, e->name.text);
    if (!m) {
      struct diagnostic *d = diag(r->c, DIAG_E0305, e->name.span, "`" STR_FMT "` has no property `" STR_FMT "`",
                                  STR_ARG(v->name.text), STR_ARG(e->name.text));
      scope_suggest_member(r->s, d, e->name.span, v->decl->members, e->name.text);
      expr_bad(e);
      return;
    }
    if (!e->decl) {
      e->decl = (void *)(uintptr_t)m;
      e->type = scope_member_type(m);
    }
  }
}

static void resolve_consents(struct resolver *r, struct expr *e, const struct env *env) {
  r->impure = true;
  if (!topic_find(r->s, &e->name))
    expr_bad(e);
  else if (env_in_history(env))
    outside_history(r, e);
}

static void resolve_expr(struct resolver *r, struct expr *e, const struct env *env) {
  if (!e)
    return;
  if (r->nesting >= NESTING_MAX) {
    diag(r->c, DIAG_E0509, e->span, "this expression has more than %d operators", NESTING_MAX);
    expr_bad(e);
    return;
  }
  r->nesting++;
  switch ((enum expr_kind)e->kind) {
  case EXPR_NAME: resolve_name(r, e, env); break;
  case EXPR_MEMBER: resolve_member(r, e, env); break;
  case EXPR_HISTORY: case EXPR_FIRST: case EXPR_DID: case EXPR_SINCE: resolve_history(r, e, env); break;
  case EXPR_ANY: resolve_any(r, e, env); break;
  case EXPR_CODE:
    r->impure = true;
    if (env_in_history(env))
      outside_history(r, e);
    break;
  case EXPR_CONSENTS: resolve_consents(r, e, env); break;
  case EXPR_LITERAL: case EXPR_BAD: break;
  case EXPR_UNARY: case EXPR_BINARY: case EXPR_IN: case EXPR_MISSING:
    resolve_expr(r, e->a, env);
    resolve_expr(r, e->b, env);
    for (struct expr *i = e->items; i; i = i->next)
      resolve_expr(r, i, env);
    break;
  case EXPR_LIST: case EXPR_RECORD:
    for (struct expr *i = e->items; i; i = i->next)
      resolve_expr(r, i, env);
    for (struct prop *p = e->props; p; p = p->next)
      resolve_expr(r, p->value, env);
    break;
  }
  r->nesting--;
}

static void resolve_content_name(struct resolver *r, const struct name *name, void **decl) {
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

/* --- statements ---------------------------------------------------------------------------------------------------- */
static void resolve_campaign_name(struct resolver *r, struct name *name, void **decl) {
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

static void resolve_list_name(struct resolver *r, struct name *name, void **decl) {
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

/* What a contact enters and leaves: a list, or a segment. */
static void resolve_changing_list(struct resolver *r, struct name *name) {
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

static void resolve_score_name(struct resolver *r, struct name *name, void **decl) {
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
static void resolve_score(struct resolver *r, struct score_decl *s) {
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

static void resolve_props(struct resolver *r, struct prop *props, const struct event_decl *decl, struct str event,
                          const struct env *env) {
  for (struct prop *p = props; p; p = p->next) {
    resolve_expr(r, p->value, env);
    if (!decl || scope_property(r->s, decl, p->name.text) || r->s->allow_unknown)
      continue;
    struct diagnostic *d = diag(r->c, DIAG_E0305, p->name.span, "`" STR_FMT "` has no property `" STR_FMT "`",
                                STR_ARG(event), STR_ARG(p->name.text));
    scope_suggest_member(r->s, d, p->name.span, decl->members, p->name.text);
  }
}

static void resolve_block(struct resolver *r, struct stmt *block, const struct env *env);

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

/* --- sequences ----------------------------------------------------------------------------------------------------- */
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
static struct binding *bind_params(struct resolver *r, const struct sequence_decl *s, struct stmt *st, const struct env *env) {
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
static void resolve_inside(struct resolver *r, struct sequence_decl *s, struct binding *bindings, struct stmt *body) {
  struct sequence_decl *sequence = r->sequence;
  struct binding *outer = r->bindings;
  uint32_t split_last = r->split_last;
  r->sequence = s;
  r->bindings = bindings;
  r->split_last = 0;
  s->open = true;
  resolve_block(r, body, NULL);
  s->open = false;
  r->sequence = sequence;
  r->bindings = outer;
  r->split_last = split_last;
}

static void resolve_do(struct resolver *r, struct stmt *st, const struct env *env) {
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
    st->after = b->arg->value;
  else
    st->duration = b->arg->value;
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
  case STMT_DO: resolve_do(r, st, env); return;
  case STMT_EACH:
    resolve_expr(r, st->value, env);
    resolve_each(r, st, env);
    return;
  case STMT_IF: case STMT_WAIT: case STMT_TAG: case STMT_UNTAG: case STMT_EXIT: case STMT_REPEAT: case STMT_BAD: break;
  }
  resolve_expr(r, st->value, env);
  resolve_expr(r, st->at, env);
  resolve_expr(r, st->if_still, env);
  resolve_events(r, st->unless, env, false);
  resolve_branches(r, st->branches, env);
  resolve_block(r, st->then, env);
  resolve_block(r, st->otherwise, env);
}

static void resolve_block(struct resolver *r, struct stmt *block, const struct env *env) {
  if (block && r->nesting >= NESTING_MAX) {
    diag(r->c, DIAG_E0509, block->span, "this stands in more than %d blocks", NESTING_MAX);
    block->kind = STMT_BAD;
    block->next = NULL;
    return;
  }
  r->nesting++;
  for (struct stmt *st = block; st; st = st->next)
    resolve_stmt(r, st, env);
  r->nesting--;
}

/* `start at … for loyl`: a bare name is meant as a list, a segment or a definition. */
static void resolve_audience(struct resolver *r, struct expr *e) {
  if (e && e->kind == EXPR_NAME && !scope_item(r->s, SPACE_VALUE, e->name.text)) {
    struct diagnostic *d = diag(r->c, DIAG_E0351, e->name.span, "there is no list, segment or definition `" STR_FMT "`",
                                STR_ARG(e->name.text));
    scope_suggest(r->s, d, e->name.span, SPACE_VALUE, e->name.text);
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "declare it: `list " STR_FMT "`", STR_ARG(e->name.text));
    expr_bad(e);
    return;
  }
  resolve_expr(r, e, NULL);
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
    resolve_audience(r, s->audience);
  for (struct goal_clause *g = cd->goals; g; g = g->next)
    resolve_events(r, g->events, &later, false);
  for (struct stop_clause *st = cd->stops; st; st = st->next)
    resolve_events(r, st->events, &later, false);
  r->split_last = r->written = 0;
  resolve_block(r, cd->body, &later);
}

/* --- tests --------------------------------------------------------------------------------------------------------- */
/* False when there is none, which is said once. */
static bool resolve_test_contact(struct resolver *r, const struct test_decl *t, const struct name *contact,
                                 bool declares, struct nearest *known) {
  if (!contact->text.len)
    return true;
  void **place = table_place(&r->c->arena, &r->s->table, (uintptr_t)t, contact->text);
  if (declares) {
    *place = (void *)(uintptr_t)contact;
  } else if (!*place && t->torn) {
    *place = (void *)(uintptr_t)contact; /* perhaps what was not understood introduces it */
  } else if (!*place) {
    struct diagnostic *d = diag(r->c, DIAG_E0313, contact->span, "the test has no contact `" STR_FMT "`",
                                STR_ARG(contact->text));
    *known = nearest_of(contact->text);
    for (const struct test_line *l = scope_suggest_worthwhile(r->s) ? t->lines : NULL; l; l = l->next)
      if (l->kind == TEST_CONTACT)
        scope_suggest_try(r->s, known, l->contact.text);
    scope_suggest_end(r->s, d, contact->span, *known, "");
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "introduce it: `contact " STR_FMT " { }`", STR_ARG(contact->text));
    *place = (void *)(uintptr_t)contact; /* said once */
    return false;
  }
  return true;
}

/* `conatct ann { … }`, `gievn ann_bought`: the word that sets the stage, misspelt. Says so once for the test. */
static bool introduces(struct resolver *r, struct test_decl *t, const struct test_line *l) {
  struct nearest n = nearest_of(l->contact.text);
  nearest_try(&n, STR("contact"));
  nearest_try(&n, STR("given"));
  if (!n.best.len || table_find(&r->s->table, (uintptr_t)t, l->contact.text) || scope_item(r->s, SPACE_EVENT, l->event.text))
    return false;
  struct diagnostic *d = diag(r->c, DIAG_E0313, l->contact.span, "the test has no contact `" STR_FMT "`", STR_ARG(l->contact.text));
  d->help = arena_printf(&r->c->arena, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(n.best), STR_ARG(l->event.text));
  d->has_fix = true;
  d->fix = (struct fix){ l->contact.span, n.best };
  t->torn = true;
  return true;
}

/* `purchase ann { … }`: the two are known, the other way round. */
static bool turned_round(struct resolver *r, const struct test_decl *t, const struct test_line *l) {
  if (!scope_item(r->s, SPACE_EVENT, l->contact.text) || !table_find(&r->s->table, (uintptr_t)t, l->event.text))
    return false;
  struct diagnostic *d = diag(r->c, DIAG_E0313, (struct span){ l->contact.span.source, l->contact.span.from, l->event.span.to },
                              "`" STR_FMT "` is a contact and `" STR_FMT "` what happens", STR_ARG(l->event.text), STR_ARG(l->contact.text));
  d->help = arena_printf(&r->c->arena, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(l->event.text), STR_ARG(l->contact.text));
  return true;
}

static void resolve_test_attributes(struct resolver *r, struct prop *props) {
  for (struct prop *p = props; p; p = p->next) {
    if (p->consents) {
      (void)topic_find(r->s, &p->name);
      continue;
    }
    resolve_expr(r, p->value, NULL);
    if (scope_attribute(r->s, p->name.text) || r->s->allow_unknown)
      continue;
    struct diagnostic *d = diag(r->c, DIAG_E0303, p->name.span, "a contact has no attribute `" STR_FMT "`",
                                STR_ARG(p->name.text));
    scope_suggest_attribute(r->s, d, p->name.span, p->name.text, "");
  }
}

/* `expect ann in vipp`, `expect ann: vipp`: a list or a definition, and nothing else, can be asked for by a bare name. */
static void resolve_expected(struct resolver *r, struct expr *cond) {
  struct expr *e = cond && cond->kind == EXPR_UNARY && cond->op == UN_NOT ? cond->a : cond;
  if (e && e->kind == EXPR_NAME && !scope_item(r->s, SPACE_VALUE, e->name.text)) {
    struct diagnostic *d = diag(r->c, DIAG_E0307, e->name.span, "there is no list, segment or definition `" STR_FMT "`",
                                STR_ARG(e->name.text));
    scope_suggest(r->s, d, e->name.span, SPACE_VALUE, e->name.text);
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "declare it: `list " STR_FMT "`", STR_ARG(e->name.text));
    expr_bad(e);
    return;
  }
  resolve_expr(r, cond, NULL);
}

static void resolve_test(struct resolver *r, struct test_decl *t, bool fixture);

/* The contacts of a fixture are known to the test behind `given`. */
static void meet_contacts(struct resolver *r, const struct test_decl *t, const struct test_decl *given) {
  for (const struct test_line *l = given->lines; l; l = l->next) {
    if (l->kind == TEST_CONTACT)
      *table_place(&r->c->arena, &r->s->table, (uintptr_t)t, l->contact.text) = (void *)(uintptr_t)&l->contact;
    if (l->kind == TEST_GIVEN && l->given)
      meet_contacts(r, t, l->given);
  }
}

static void resolve_given(struct resolver *r, struct test_decl *t, struct test_line *l) {
  struct item *item = scope_item(r->s, SPACE_FIXTURE, l->fixture.text);
  if (!item) {
    struct diagnostic *d = diag(r->c, DIAG_E0388, l->fixture.span, "there is no fixture `" STR_FMT "`", STR_ARG(l->fixture.text));
    scope_suggest(r->s, d, l->fixture.span, SPACE_FIXTURE, l->fixture.text);
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "declare it: `fixture " STR_FMT " { }`", STR_ARG(l->fixture.text));
    t->torn = true;
    return;
  }
  if (item->test.state == DEFINE_OPEN || r->depth >= LIMIT_DEFINE_DEPTH) {
    struct diagnostic *d = item->test.state == DEFINE_OPEN
        ? diag(r->c, DIAG_E0388, l->fixture.span, "the fixture `" STR_FMT "` needs itself", STR_ARG(l->fixture.text))
        : diag(r->c, DIAG_E0388, l->fixture.span, "fixtures use each other more than %d deep", LIMIT_DEFINE_DEPTH);
    d->note_span = item->test.name.span;
    d->note = STR("it is declared here");
    return;
  }
  resolve_test(r, &item->test, true);
  meet_contacts(r, t, &item->test);
  t->torn |= item->test.torn;
  l->given = &item->test;
}

static void resolve_test_is(struct resolver *r, const struct test_decl *t, const struct test_line *l, struct nearest *scratch) {
  resolve_test_contact(r, t, &l->event, false, scratch);
  if (!str_eq(l->contact.text, l->event.text))
    return;
  struct diagnostic *d = diag(r->c, DIAG_E0361, l->span, "`" STR_FMT "` is the same contact anyway", STR_ARG(l->contact.text));
  d->expected = STR("two contacts that turn out to be one, such as `visitor is ann`");
}

static void resolve_test(struct resolver *r, struct test_decl *t, bool fixture) {
  struct nearest scratch = { 0 };
  if (t->state != DEFINE_NEW) /* a fixture is resolved once, by itself, so it means the same in every test */
    return;
  t->state = DEFINE_OPEN;
  r->depth++;
  for (struct test_line *l = t->lines; l; l = l->next) {
    bool expects = l->kind != TEST_CONTACT && l->kind != TEST_EVENT && l->kind != TEST_AT && l->kind != TEST_GIVEN &&
                   l->kind != TEST_IS && l->kind != TEST_PAUSE && l->kind != TEST_RESUME;
    if (l->kind == TEST_GIVEN)
      resolve_given(r, t, l);
    if (expects && fixture) {
      struct diagnostic *d = diag(r->c, DIAG_E0389, l->span, "a fixture only sets the stage");
      d->help = STR("what is expected stands in the tests");
    }
    uint64_t steps = (uint64_t)t->steps + (l->given ? l->given->steps : 1);
    t->steps = steps > LIMIT_TEST_STEPS_COUNT ? LIMIT_TEST_STEPS_COUNT + 1 : (uint32_t)steps;
    if (l->kind == TEST_EVENT && (turned_round(r, t, l) || introduces(r, t, l)))
      continue;
    if (!resolve_test_contact(r, t, &l->contact, l->kind == TEST_CONTACT, &scratch) && l->kind == TEST_EVENT &&
        !scope_item(r->s, SPACE_EVENT, l->event.text))
      continue; /* neither word is known: one mistake, whatever it is */
    if (l->kind == TEST_CONTACT)
      resolve_test_attributes(r, l->props);
    if (l->kind == TEST_EVENT) {
      struct event_decl *decl = NULL;
      void *message = NULL;
      resolve_event_name(r, &l->event, &decl);
      resolve_props(r, l->props, decl, l->event.text, NULL);
      if (l->of.text.len)
        resolve_message_name(r, &l->of, &message);
    }
    if (l->kind == TEST_IS)
      resolve_test_is(r, t, l, &scratch);
    else if (l->kind != TEST_CONTACT && l->kind != TEST_EVENT)
      resolve_test_contact(r, t, &l->expect.contact, false, &scratch);
    if (l->expect.message.text.len) {
      void *message = NULL;
      resolve_message_name(r, &l->expect.message, &message);
    }
    if (l->expect.content.text.len) {
      void *content = NULL;
      resolve_content_name(r, &l->expect.content, &content);
    }
    if (l->expect.campaign.text.len) {
      void *campaign = NULL;
      resolve_campaign_name(r, &l->expect.campaign, &campaign);
    }
    resolve_expected(r, l->expect.cond);
  }
  r->depth--;
  t->state = DEFINE_IMPURE;
  bool within = r->s->test_steps <= LIMIT_TEST_STEPS_COUNT;
  r->s->test_steps += fixture ? 0 : t->steps;
  if (within && r->s->test_steps > LIMIT_TEST_STEPS_COUNT)
    diag(r->c, DIAG_E0387, t->name.span, "with their fixtures, all tests have more than %d steps", LIMIT_TEST_STEPS_COUNT);
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
}
