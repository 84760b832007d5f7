/* Questions about blocks of statements that several stages ask.
 *
 * Not here: what a stage does with each kind of statement; only which blocks a statement holds.
 *
 *   1. Every statement inside is seen, whichever kind holds it: who adds a kind that holds blocks adds it here. */
#include "names.h"

static bool stmt_suspends(const struct stmt *st) {
  return st->kind == STMT_WAIT || (st->kind == STMT_SEND && (st->after.type != V_MISSING || st->at)) ||
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
