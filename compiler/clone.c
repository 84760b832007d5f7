/* Copies of a block of statements, one for each `do`: a sequence is written out where it is done, so that a position in it is a
 * place of the campaign's own code, like any other.
 *
 * Not here: what the copies mean; names.c resolves each by itself, with its own arguments.
 *
 *   1. Nothing that a stage fills is shared between two copies: statements, expressions, events, branches and arms are all new.
 *   2. What a `do` inside was written out as is not copied: it is written out anew.
 *   3. Spans stay, so that mistakes and steps show the sequence's own lines. */
#include "names.h"

static struct expr *clone_expr(struct arena *a, const struct expr *e);

static struct event_ref *clone_events(struct arena *a, const struct event_ref *events) {
  struct event_ref *first = NULL, **end = &first;
  for (; events; events = events->next) {
    struct event_ref *copy = *end = ARENA_NEW(a, struct event_ref);
    *copy = *events;
    copy->where = clone_expr(a, events->where);
    copy->decl = NULL;
    copy->next = NULL;
    end = &copy->next;
  }
  return first;
}

static struct expr *clone_exprs(struct arena *a, const struct expr *list) {
  struct expr *first = NULL, **end = &first;
  for (; list; list = list->next) {
    *end = clone_expr(a, list);
    end = &(*end)->next;
  }
  return first;
}

static struct expr *clone_expr(struct arena *a, const struct expr *e) {
  if (!e)
    return NULL;
  struct expr *copy = ARENA_NEW(a, struct expr);
  *copy = *e;
  copy->next = NULL;
  copy->a = clone_expr(a, e->a);
  copy->b = clone_expr(a, e->b);
  copy->items = clone_exprs(a, e->items);
  copy->events = clone_events(a, e->events);
  copy->where = clone_expr(a, e->where);
  if (e->kind == EXPR_NAME || e->kind == EXPR_MEMBER) {
    copy->decl = NULL;
    copy->target = TARGET_NONE;
  }
  return copy;
}

static struct prop *clone_props(struct arena *a, const struct prop *props) {
  struct prop *first = NULL, **end = &first;
  for (; props; props = props->next) {
    struct prop *copy = *end = ARENA_NEW(a, struct prop);
    *copy = *props;
    copy->value = clone_expr(a, props->value);
    copy->next = NULL;
    end = &copy->next;
  }
  return first;
}

static struct on_branch *clone_branches(struct arena *a, const struct on_branch *branches, uint32_t *count) {
  struct on_branch *first = NULL, **end = &first;
  for (; branches; branches = branches->next) {
    struct on_branch *copy = *end = ARENA_NEW(a, struct on_branch);
    *copy = *branches;
    copy->events = clone_events(a, branches->events);
    copy->body = clone_block(a, branches->body, count);
    copy->next = NULL;
    end = &copy->next;
  }
  return first;
}

static struct arm *clone_arms(struct arena *a, const struct arm *arms, uint32_t *count) {
  struct arm *first = NULL, **end = &first;
  for (; arms; arms = arms->next) {
    struct arm *copy = *end = ARENA_NEW(a, struct arm);
    *copy = *arms;
    copy->body = clone_block(a, arms->body, count);
    copy->next = NULL;
    end = &copy->next;
  }
  return first;
}

struct stmt *clone_block(struct arena *a, const struct stmt *block, uint32_t *count) {
  struct stmt *first = NULL, **end = &first;
  for (; block; block = block->next) {
    struct stmt *copy = *end = ARENA_NEW(a, struct stmt);
    *copy = *block;
    copy->value = clone_expr(a, block->value);
    copy->at = clone_expr(a, block->at);
    copy->if_still = clone_expr(a, block->if_still);
    copy->length = clone_expr(a, block->length);
    copy->args = clone_exprs(a, block->args);
    copy->unless = clone_events(a, block->unless);
    copy->props = clone_props(a, block->props);
    copy->then = block->kind == STMT_DO ? NULL : clone_block(a, block->then, count);
    copy->otherwise = clone_block(a, block->otherwise, count);
    copy->branches = clone_branches(a, block->branches, count);
    copy->arms = clone_arms(a, block->arms, count);
    copy->decl = NULL;
    copy->next = NULL;
    end = &copy->next;
    ++*count;
  }
  return first;
}
