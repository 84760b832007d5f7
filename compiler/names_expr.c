/* Names in expressions: properties, attributes, definitions, lists, parameters, elements.
 *
 * Not here: whether their types go together (types.c). The invariants of names.c hold. */
#include "resolve.h"

void expr_bad(struct expr *e) {
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
    } else if (!env->frame->qualified) {
      const struct member *m = NULL;
      if (!frame_declares(r, env->frame, e->name.text, (struct str){ NULL, 0 }, &m) || (!m && !unknown))
        continue;
      struct use *u = frame_use(r, env->frame, e->name.text, (struct str){ NULL, 0 }, m, env->in_hand);
      e->target = TARGET_PROPERTY;
      e->decl = u;
      e->type = u->type;
    } else {
      continue;
    }
    if (crossed)
      outside_history(r, e);
    return true;
  }
  return false;
}

void resolve_define(struct resolver *r, struct define_decl *d, struct expr *user) {
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

/* The event whose properties stand bare here, when it declares some. */
static const struct event_ref *env_event(const struct env *env) {
  while (env && (env->item || !env->frame)) env = env->outer;
  if (!env) return NULL;
  struct frame_walk w = frame_walk_of(env->frame);
  return env->frame->event_count && w.event->decl && w.event->decl->members ? w.event : NULL;
}

static void unknown_name(struct resolver *r, struct expr *e, const struct env *env) {
  if (resolve_reply_early(r, e)) {
    expr_bad(e);
    return;
  }
  struct diagnostic *d = diag(r->c, DIAG_E0304, e->span, "`" STR_FMT "` means nothing here", STR_ARG(e->name.text));
  if (scope_attribute(r->s, e->name.text)) {
    d->help = arena_printf(&r->c->arena, "the contact's attribute is `contact." STR_FMT "`", STR_ARG(e->name.text));
    d->has_fix = true;
    d->fix = (struct fix){ e->span, arena_printf(&r->c->arena, "contact." STR_FMT, STR_ARG(e->name.text)) };
  } else if (scope_item(r->s, SPACE_EVENT, e->name.text)) {
    d->help = arena_printf(&r->c->arena, "`did " STR_FMT "` asks whether it happened, `wait for " STR_FMT " up to 7d` waits for it",
                           STR_ARG(e->name.text), STR_ARG(e->name.text));
  } else if (foreign_value(d, e)) {
    /* said */
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
    if (!d->help.len) {
      d->help = arena_printf(&r->c->arena, "a text stands in quotes: `\"" STR_FMT "\"`", STR_ARG(e->name.text));
      const struct event_ref *near = env_event(env);
      if (near)
        d->help = arena_printf(&r->c->arena, STR_FMT "; `" STR_FMT "` has " STR_FMT, STR_ARG(d->help), STR_ARG(near->name.text),
                               STR_ARG(foreign_members(&r->c->arena, near->decl->members)));
    }
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

/* `purchase as p or refund as p`: whichever it was, both are read by it. */
static void alias_use(const struct frame *f, struct str alias) {
  struct frame_walk w = frame_walk_of(f);
  for (uint32_t i = 0; i < f->event_count; i++, frame_step(&w))
    if (str_eq(w.event->alias.text, alias))
      ((struct event_ref *)(uintptr_t)w.event)->alias_used = true;
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
      if (w.event->alias.text.len && str_eq(w.event->alias.text, name)) {
        alias_use(v->frame, name);
        return v;
      }
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

void resolve_expr(struct resolver *r, struct expr *e, const struct env *env) {
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
