/* The constructors that grammar/camp.y calls for statements: actions, waits and choices.
 *
 * Not here: clauses of campaigns (tree.c), conditions (tree_expr.c). The invariants of tree.c hold here, too. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

#define NEW(type) ARENA_NEW(&p->c->arena, type)

struct stmt *stmt_new(struct parse *p, uint8_t kind, struct token first) {
  struct stmt *s = NEW(struct stmt);
  s->kind = kind;
  s->span = span_from(p, first);
  return s;
}

struct stmt *stmt_named(struct parse *p, uint8_t kind, struct token first, struct name name) {
  struct stmt *s = stmt_new(p, kind, first);
  s->name = name;
  return s;
}

struct stmt *stmt_tag(struct parse *p, uint8_t kind, struct token first, struct expr *text) {
  struct stmt *s = stmt_new(p, kind, first);
  s->value = text;
  if (text->kind == EXPR_LITERAL && text->value.type == V_TEXT)
    s->name = (struct name){ value_str(text->value), text->span };
  return s;
}

void stmt_end(struct parse *p, struct stmt *s) { s->span.to = p->prev_to; }

struct stmt_list stmts_add(struct stmt_list l, struct stmt *s) {
  if (l.last) l.last->next = s;
  else l.first = s;
  l.last = s;
  return l;
}

struct stmt *stmt_otherwise(struct parse *p, struct token first, struct stmt *block) {
  struct stmt *s = NEW(struct stmt);
  s->span = span_of(p, first);
  s->then = block;
  return s;
}

void stmt_else(struct stmt *s, struct stmt *otherwise) {
  if (!otherwise) return;
  s->otherwise = otherwise->then;
  s->has_else = true;
}

/* The head was mistaken; what stands in its blocks is kept, so that the later stages see its names. */
struct stmt *stmt_bad_block(struct parse *p, struct token first, struct stmt *block, struct stmt *otherwise) {
  struct stmt *s = stmt_new(p, STMT_BAD, first);
  s->then = block;
  stmt_else(s, otherwise);
  return s;
}

struct stmt *wait_new(struct parse *p, uint8_t wait, struct token first) {
  struct stmt *s = stmt_new(p, STMT_WAIT, first);
  s->wait = wait;
  return s;
}

/* A duration, or the name of a parameter: its value is then known where the sequence is done. */
static struct value span_value(struct parse *p, struct stmt *s, struct token span) {
  if (span.kind != TOK_SPAN_NAME) return span.value;
  s->length = expr_name(p, span);
  return (struct value){ .type = V_EXACT };
}

struct stmt *call_new(struct parse *p, struct token first, struct name connector, struct name operation, struct prop *props) {
  struct stmt *s = stmt_named(p, STMT_CALL, first, connector);
  s->operation = operation;
  s->props = props;
  stmt_end(p, s);
  return s;
}

/* Every call ends with a reply or a failure, so without `up to` it waits for either. */
struct stmt *call_as(struct parse *p, struct stmt *s, struct token reply, struct token up_to) {
  s->reply = name_of(p, reply);
  s->wait = WAIT_EVENTS;
  if (up_to.kind) wait_up_to(p, s, up_to);
  else s->forever = true;
  stmt_end(p, s);
  return s;
}

void send_after(struct parse *p, struct stmt *s, struct token duration) {
  s->after = span_value(p, s, duration);
  s->after_span = span_of(p, duration);
  stmt_end(p, s);
}

void wait_up_to(struct parse *p, struct stmt *s, struct token duration) {
  s->duration = span_value(p, s, duration);
  s->duration_span = span_of(p, duration);
}

struct stmt *wait_until(struct parse *p, struct token first, struct expr *moment) {
  struct stmt *s = wait_new(p, WAIT_UNTIL_MOMENT, first);
  if (moment->kind == EXPR_LITERAL && moment->value.type == V_TIME) {
    s->wait = WAIT_UNTIL_TIME;
    s->time_from = moment->value;
    s->weekdays = 0x7f;
  } else {
    s->value = moment;
  }
  return s;
}

struct stmt *wait_time(struct parse *p, struct token first, int64_t weekdays, struct token time) {
  struct stmt *s = wait_new(p, WAIT_UNTIL_TIME, first);
  s->time_from = time.value;
  s->weekdays = (uint8_t)weekdays;
  return s;
}

struct stmt *wait_between(struct parse *p, struct token first, struct token from, struct token to, int64_t weekdays) {
  struct stmt *s = wait_new(p, WAIT_UNTIL_WINDOW, first);
  s->time_from = from.value;
  s->time_to = to.value;
  s->weekdays = (uint8_t)weekdays;
  return s;
}

struct on_branch *branch_new(struct parse *p) { return NEW(struct on_branch); }

static struct stmt *wait_one(struct parse *p, struct token first, struct event_list events, struct on_branch *since) {
  struct stmt *s = wait_new(p, WAIT_EVENTS, first);
  since->events = events.first;
  since->span = s->span;
  s->branches = since;
  return s;
}

struct stmt *wait_for(struct parse *p, struct token first, struct event_list events, struct on_branch *since,
                      struct token up_to) {
  struct stmt *s = wait_one(p, first, events, since);
  if (up_to.kind) {
    wait_up_to(p, s, up_to);
    return s;
  }
  s->forever = true;
  if (p->quiet) return s;
  struct diagnostic *d = diag(p->c, DIAG_E0207, s->span, "this wait has no end");
  d->expected = STR("`up to` and a duration such as `7d`");
  d->help = STR("a wait that may last for ever says `wait forever for`");
  d->has_fix = true;
  d->fix = (struct fix){ { p->source, s->span.to, s->span.to }, STR(" up to 7d") };
  return s;
}

struct stmt *wait_forever(struct parse *p, struct token first, struct event_list events, struct on_branch *since) {
  struct stmt *s = wait_one(p, first, events, since);
  s->forever = true;
  return s;
}

struct stmt *wait_event_end(struct parse *p, struct stmt *s, struct stmt *body, struct stmt *otherwise) {
  (void)p;
  s->branches->body = body;
  stmt_else(s, otherwise);
  return s;
}

struct stmt *on_first(struct parse *p, struct on_branch *b) {
  struct stmt *list = NEW(struct stmt);
  return on_add(list, b);
}

/* The last branch is kept in `decl`, which no stage has filled yet. */
struct stmt *on_add(struct stmt *list, struct on_branch *b) {
  if (!b) return list;
  struct on_branch *last = list->decl;
  if (last) last->next = b;
  else list->branches = b;
  list->decl = b;
  return list;
}

struct stmt *on_else(struct parse *p, struct stmt *list, struct token word, struct stmt *block) {
  if (list->has_else) said_twice(p, word, "a wait", list->span);
  list->span = span_of(p, word);
  list->otherwise = block;
  list->has_else = true;
  return list;
}

struct stmt *wait_branches(struct stmt *s, struct stmt *list) {
  s->branches = list->branches;
  s->otherwise = list->otherwise;
  s->has_else = list->has_else;
  if (!s->branches) s->kind = STMT_BAD; /* every branch was mistaken, and reported */
  return s;
}

/* --- choosing ---------------------------------------------------------------------------------------------------------*/

struct arm *arm_new(struct parse *p, struct token share, struct stmt *body) {
  struct arm *a = NEW(struct arm);
  *a = (struct arm){ .share = share.value, .span = span_of(p, share), .body = body };
  return a;
}

/* The last arm is kept in `decl`, which no stage has filled yet. */
struct stmt *arms_add(struct parse *p, struct stmt *list, struct arm *arm) {
  if (!list) list = NEW(struct stmt);
  if (!arm) return list;
  struct arm *last = list->decl;
  if (last) last->next = arm;
  else list->arms = arm;
  list->decl = arm;
  return list;
}

struct stmt *arms_else(struct parse *p, struct stmt *list, struct token word, struct stmt *block) {
  if (list->has_else) said_twice(p, word, "a split", list->span);
  list->span = span_of(p, word);
  list->otherwise = block;
  list->has_else = true;
  return list;
}

struct stmt *split_end(struct stmt *s, struct stmt *list) {
  s->arms = list->arms;
  s->otherwise = list->otherwise;
  s->has_else = list->has_else;
  if (!s->arms) s->kind = STMT_BAD; /* every arm was mistaken, and reported */
  return s;
}

struct stmt *repeat_new(struct parse *p, struct token first, struct token times, struct token every) {
  struct stmt *s = stmt_new(p, STMT_REPEAT, first);
  s->count = count_of(p, times);
  wait_up_to(p, s, every);
  s->name.span = span_of(p, times);
  return s;
}
