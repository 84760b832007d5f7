/* Questions about blocks of statements that several stages ask.
 *
 * Not here: what a stage does with each kind of statement; only which blocks a statement holds.
 *
 *   1. Every statement inside is seen, whichever kind holds it: who adds a kind that holds blocks adds it here. */
#include "care.h"

static bool stmt_suspends(const struct stmt *st) {
  return st->kind == STMT_WAIT || (st->kind == STMT_CALL && st->reply.text.len) || (st->kind == STMT_SEND && (st->after.type != V_MISSING || st->at)) ||
         (st->kind == STMT_REPEAT && st->duration.type != V_MISSING);
}

bool block_suspends(const struct stmt *block) {
  for (const struct stmt *st = block; st; st = st->next) {
    if (stmt_suspends(st) || block_suspends(st->then) || block_suspends(st->otherwise))
      return true;
    for (const struct on_branch *b = st->branches; b; b = b->next)
      if (block_suspends(b->body))
        return true;
    for (const struct arm *a = st->arms; a; a = a->next)
      if (block_suspends(a->body))
        return true;
  }
  return false;
}

static bool same_value(struct value a, struct value b) { return a.type == b.type && (a.type == V_MISSING || (a.i == b.i && a.aux == b.aux)); }
static bool same_expr(const struct expr *a, const struct expr *b) { return a == b || (a && b && same_meaning(a, b)); }

static bool same_props(const struct prop *a, const struct prop *b) {
  for (; a && b; a = a->next, b = b->next)
    if (!str_eq(a->name.text, b->name.text) || !same_expr(a->value, b->value))
      return false;
  return a == b;
}

static bool same_via(const struct name_list *a, const struct name_list *b) {
  for (; a && b; a = a->next, b = b->next)
    if (!str_eq(a->name.text, b->name.text))
      return false;
  return a == b;
}

/* Statements that hold blocks are not compared, nor those that wait for events: they are taken to differ. */
bool blocks_same(const struct stmt *a, const struct stmt *b) {
  for (; a && b; a = a->next, b = b->next) {
    bool plain = !a->branches && !a->arms && !a->then && !a->otherwise && !a->unless && !a->args && !a->length && a->kind != STMT_BAD;
    if (!plain || a->kind != b->kind || a->wait != b->wait || a->decl != b->decl || !str_eq(a->name.text, b->name.text) || b->unless ||
        !str_eq(a->operation.text, b->operation.text) || !str_eq(a->reply.text, b->reply.text) || a->weekdays != b->weekdays || a->count != b->count)
      return false;
    if (!same_expr(a->value, b->value) || !same_expr(a->at, b->at) || !same_expr(a->if_still, b->if_still) || !same_props(a->props, b->props) ||
        !same_via(a->via, b->via))
      return false;
    if (!same_value(a->after, b->after) || !same_value(a->duration, b->duration) || !same_value(a->time_from, b->time_from) ||
        !same_value(a->time_to, b->time_to))
      return false;
  }
  return a == b;
}

static void see_exit(void *found, const struct stmt *st) {
  if (st->kind == STMT_EXIT)
    *(bool *)found = true;
}

bool stmt_exits(const struct stmt *st) {
  bool found = false;
  struct stmt alone = *st;
  alone.next = NULL;
  visit_block(&(struct visitor){ &found, see_exit, NULL, NULL }, &alone);
  return found;
}

static void visit_events(const struct visitor *v, const struct event_ref *events) {
  for (const struct event_ref *e = events; e; e = e->next) {
    if (v->event)
      v->event(v->context, e);
    visit_expr(v, e->where);
  }
}

void visit_expr(const struct visitor *v, const struct expr *e) {
  if (!e || e->kind == EXPR_BAD)
    return;
  if (v->expr)
    v->expr(v->context, e);
  visit_events(v, e->events);
  visit_expr(v, e->a);
  visit_expr(v, e->b);
  visit_expr(v, e->where);
  for (const struct expr *i = e->items; i; i = i->next)
    visit_expr(v, i);
  for (const struct prop *p = e->props; p; p = p->next)
    visit_expr(v, p->value);
}

void visit_block(const struct visitor *v, const struct stmt *block) {
  for (const struct stmt *st = block; st; st = st->next) {
    if (v->stmt)
      v->stmt(v->context, st);
    visit_expr(v, st->value);
    visit_expr(v, st->at);
    visit_expr(v, st->if_still);
    visit_events(v, st->unless);
    for (const struct prop *p = st->props; p; p = p->next)
      visit_expr(v, p->value);
    for (const struct on_branch *b = st->branches; b; b = b->next) {
      visit_events(v, b->events);
      visit_block(v, b->body);
    }
    for (const struct arm *a = st->arms; a; a = a->next)
      visit_block(v, a->body);
    visit_block(v, st->then);
    visit_block(v, st->otherwise);
  }
}

void visit_campaign(const struct visitor *v, const struct campaign_decl *cd) {
  for (const struct start_clause *st = cd->starts; st; st = st->next) {
    visit_events(v, st->events);
    visit_expr(v, st->where_cond);
  }
  for (const struct schedule_clause *s = cd->schedules; s; s = s->next)
    visit_expr(v, s->audience);
  for (const struct goal_clause *g = cd->goals; g; g = g->next)
    visit_events(v, g->events);
  for (const struct stop_clause *st = cd->stops; st; st = st->next)
    visit_events(v, st->events);
  visit_expr(v, cd->entry.key);
  visit_block(v, cd->body);
}

bool block_sends(const struct stmt *from, const struct stmt *end) {
  for (const struct stmt *st = from; st != end; st = st->next) {
    bool now = st->kind == STMT_SEND && st->after.type == V_MISSING && !st->at;
    if (now || block_sends(st->then, NULL) || block_sends(st->otherwise, NULL))
      return true;
    for (const struct arm *a = st->arms; a; a = a->next)
      if (block_sends(a->body, NULL))
        return true;
  }
  return false;
}
