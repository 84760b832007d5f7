/* The constructors that grammar/camp.y calls for events and expressions.
 *
 * Not here: statements (tree_stmt.c). The invariants of tree.c hold here, too. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

#define NEW(type) ARENA_NEW(&p->c->arena, type)

/* --- events -----------------------------------------------------------------------------------------------------------*/

struct event_ref *event_of(struct parse *p, struct name name, struct name of) {
  struct event_ref *e = NEW(struct event_ref);
  e->name = name;
  e->of = of;
  e->span = (struct span){ p->source, name.span.from, p->prev_to };
  return e;
}

struct event_ref *event_list_change(struct parse *p, struct token word, struct name list) {
  struct str text = arena_printf(&p->c->arena, "%.*s " STR_FMT, (int)(word.to - word.from), p->text + word.from,
                                 STR_ARG(list.text));
  return event_of(p, (struct name){ text, span_from(p, word) }, (struct name){ 0 });
}

/* A name that stands for a property of the event, at the place of another phrase. */
static struct expr *property_at(struct parse *p, struct str name, struct span span) {
  struct expr *e = NEW(struct expr);
  e->kind = EXPR_NAME;
  e->height = 1;
  e->name = (struct name){ name, span };
  e->span = span;
  return e;
}

/* The event of a score's rise, of those that come from below the threshold to it or beyond. */
struct event_ref *event_passes(struct parse *p, struct token first, struct name score, struct token threshold) {
  struct str text = arena_printf(&p->c->arena, "score " STR_FMT " passes", STR_ARG(score.text));
  struct event_ref *e = event_of(p, (struct name){ text, score.span }, (struct name){ 0 });
  struct span span = span_of(p, threshold);
  struct expr *below = expr_binary(p, BIN_LT, property_at(p, STR("from"), span), expr_literal(p, threshold));
  struct expr *there = expr_binary(p, BIN_GE, property_at(p, STR("to"), span), expr_literal(p, threshold));
  e->where = expr_binary(p, BIN_AND, below, there);
  e->span = span_from(p, first);
  if (threshold.value.n <= 0) {
    struct diagnostic *d = diag(p->c, DIAG_E0324, span, "a score passes what is above 0");
    d->help = STR("scores go to 0 as time goes by, so what is at or below 0 is passed by waiting; ask `enters` of a segment");
  }
  return e;
}

struct event_ref *event_changes(struct parse *p, struct token first, struct name attribute, struct expr *to) {
  struct str text = arena_printf(&p->c->arena, "contact." STR_FMT " changes", STR_ARG(attribute.text));
  struct event_ref *e = event_of(p, (struct name){ text, span_from(p, first) }, (struct name){ 0 });
  if (to) {
    struct expr *left = NEW(struct expr);
    left->kind = EXPR_NAME;
    left->height = 1;
    left->name = (struct name){ STR("to"), to->span };
    left->span = to->span;
    e->where = expr_binary(p, BIN_IS, left, to);
  }
  return e;
}

void event_where(struct parse *p, struct event_ref *e, struct expr *where) {
  if (e->where && where) e->where = expr_binary(p, BIN_AND, e->where, where);
  else if (where) e->where = where;
  e->span.to = p->prev_to;
}

struct event_list events_add(struct event_list l, struct event_ref *e) {
  if (l.last) l.last->next = e;
  else l.first = e;
  l.last = e;
  return l;
}

/* --- expressions ------------------------------------------------------------------------------------------------------*/

struct expr *expr_new(struct parse *p, uint8_t kind, uint32_t from) {
  struct expr *e = NEW(struct expr);
  e->kind = kind;
  e->height = 1;
  e->span = (struct span){ p->source, from, p->prev_to };
  return e;
}

/* Counts an operand in; an expression that grew too high is cut off here, reported once a statement. */
static void expr_grow(struct parse *p, struct expr *e, const struct expr *operand) {
  if (!operand || operand->height < e->height) return;
  e->height = (uint16_t)(operand->height + 1);
  if (e->height <= LIMIT_EXPRESSION_HEIGHT) return;
  if (!p->deep) {
    p->deep = true;
    diag(p->c, DIAG_E0204, (struct span){ p->source, e->span.to - 1, e->span.to },
         "this expression holds more than %d operators in a row", LIMIT_EXPRESSION_HEIGHT)->help =
        STR("give parts of it a name with `define`, or use `in [ … ]`");
  }
  e->kind = EXPR_BAD;
  e->height = 1;
  e->a = e->b = e->items = e->where = NULL;
  e->events = NULL;
}

struct expr *expr_literal(struct parse *p, struct token t) {
  struct expr *e = expr_new(p, EXPR_LITERAL, t.from);
  e->span.to = t.to;
  e->value = t.value;
  return e;
}

struct expr *expr_name(struct parse *p, struct token t) {
  struct expr *e = expr_new(p, EXPR_NAME, t.from);
  e->span.to = t.to;
  e->name = name_of(p, t);
  return e;
}

struct expr *expr_member(struct parse *p, struct expr *of, struct name name) {
  if (of->kind == EXPR_FIRST && !of->name.text.len) {
    of->name = name;
    of->span.to = name.span.to;
    return of;
  }
  struct expr *e = expr_new(p, EXPR_MEMBER, of->span.from);
  e->a = of;
  e->name = name;
  expr_grow(p, e, of);
  return e;
}

struct expr *expr_parens(struct parse *p, struct token first, struct expr *inner) {
  inner->span = span_from(p, first);
  return inner;
}

struct expr *expr_unary(struct parse *p, uint8_t op, struct token first, struct expr *a) {
  struct expr *e = expr_new(p, EXPR_UNARY, first.from);
  e->op = op;
  e->a = a;
  expr_grow(p, e, a);
  return e;
}

struct expr *expr_binary(struct parse *p, uint8_t op, struct expr *a, struct expr *b) {
  struct expr *e = expr_new(p, EXPR_BINARY, a->span.from);
  e->op = op;
  e->a = a;
  e->b = b;
  expr_grow(p, e, a);
  if (e->kind != EXPR_BAD) expr_grow(p, e, b);
  return e;
}

struct expr *expr_code(struct parse *p, struct token first, struct token campaign) {
  struct expr *e = expr_new(p, EXPR_CODE, first.from);
  e->value = campaign.value;
  return e;
}

struct expr *expr_missing(struct parse *p, struct expr *a, bool negated) {
  struct expr *e = expr_new(p, EXPR_MISSING, a->span.from);
  e->a = a;
  e->negated = negated;
  expr_grow(p, e, a);
  return e;
}

struct expr *expr_consents(struct parse *p, struct token first, struct name topic) {
  struct expr *e = expr_new(p, EXPR_CONSENTS, first.from);
  e->name = topic;
  return e;
}

struct expr *expr_in(struct parse *p, struct expr *a, struct expr_list items, bool negated) {
  struct expr *e = expr_new(p, EXPR_IN, a->span.from);
  e->a = a;
  e->items = items.first;
  expr_grow(p, e, a);
  for (const struct expr *i = items.first; i && e->kind != EXPR_BAD; i = i->next) expr_grow(p, e, i);
  if (!negated) return e;
  /* `is not` is exactly the negation of `is`, also of a missing value. */
  struct expr *n = expr_new(p, EXPR_UNARY, a->span.from);
  n->op = UN_NOT;
  n->a = e;
  expr_grow(p, n, e);
  return n;
}

static void expr_window(struct parse *p, struct expr *e, struct token window) {
  if (!window.kind) return;
  e->window = window.value;
  e->window_span = span_of(p, window);
}

/* Events carry expressions of their own; a stage that recurses into them must not find more than the limit. */
static void expr_grow_events(struct parse *p, struct expr *e) {
  for (const struct event_ref *r = e->events; r; r = r->next) {
    expr_grow(p, e, r->where);
    if (e->kind == EXPR_BAD) return;
  }
}

struct expr *expr_did(struct parse *p, struct token first, struct event_list events, struct token window, bool negated) {
  struct expr *e = expr_new(p, EXPR_DID, first.from);
  e->events = events.first;
  e->negated = negated;
  expr_window(p, e, window);
  expr_grow_events(p, e);
  return e;
}

struct expr *expr_any(struct parse *p, struct token word, struct name item, struct expr *list, struct expr *where) {
  struct expr *e = expr_new(p, EXPR_ANY, word.from);
  e->name = item;
  e->a = list;
  e->where = where;
  e->every = p->text[word.from] == 'e';
  e->negated = p->text[word.from] == 'n';
  expr_grow(p, e, list);
  if (e->kind != EXPR_BAD) expr_grow(p, e, where);
  return e;
}

struct expr *expr_since(struct parse *p, struct token first, struct token which, struct event_list events) {
  struct expr *e = expr_new(p, EXPR_SINCE, first.from);
  e->aggregate = (uint8_t)which.value.i;
  e->events = events.first;
  expr_grow_events(p, e);
  return e;
}

/* The arguments of a history function travel as its own node. */
struct expr *arg_event(struct parse *p, struct event_ref *event) {
  struct expr *e = expr_new(p, EXPR_HISTORY, event->span.from);
  e->events = event;
  e->decl = event;
  expr_grow_events(p, e);
  return e;
}

struct expr *arg_new(struct parse *p, struct name event, struct name of, struct name property, struct name alias,
                     struct expr *where) {
  struct event_ref *r = event_of(p, event, of);
  r->alias = alias;
  event_where(p, r, where);
  struct expr *e = arg_event(p, r);
  e->name = property;
  return e;
}

struct expr *args_add(struct expr *args, struct event_ref *event) {
  if (args->kind == EXPR_BAD) return args;
  ((struct event_ref *)args->decl)->next = event;
  args->decl = event;
  if (event->where && event->where->height >= args->height) args->height = (uint16_t)(event->where->height + 1);
  return args;
}

struct expr *expr_history(struct parse *p, struct token fn, struct expr *args, struct token window) {
  args->decl = NULL; /* held the last event while the list grew */
  args->span = span_from(p, fn);
  if (args->kind == EXPR_BAD) return args;
  args->aggregate = (uint8_t)fn.value.i;
  args->kind = args->aggregate == AGG_FIRST || args->aggregate == AGG_LAST ? EXPR_FIRST : EXPR_HISTORY;
  expr_window(p, args, window);
  return args;
}

struct expr_list exprs_add(struct expr_list l, struct expr *e) {
  if (l.last) l.last->next = e;
  else l.first = e;
  l.last = e;
  return l;
}

struct expr *expr_list(struct parse *p, struct token first, struct expr_list items) {
  struct expr *e = expr_new(p, EXPR_LIST, first.from);
  e->items = items.first;
  for (const struct expr *i = items.first; i && e->kind != EXPR_BAD; i = i->next) expr_grow(p, e, i);
  return e;
}

struct expr *expr_record(struct parse *p, struct token first, struct prop_list props) {
  struct expr *e = expr_new(p, EXPR_RECORD, first.from);
  e->props = props.first;
  for (const struct prop *i = props.first; i && e->kind != EXPR_BAD; i = i->next) expr_grow(p, e, i->value);
  return e;
}
