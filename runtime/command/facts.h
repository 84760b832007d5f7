#ifndef CAMP_COMMAND_FACTS_H
#define CAMP_COMMAND_FACTS_H
/* What a story has said or asked of its contacts so far, so that it can be told what else became of them. See facts.c. */
#include "compiler/compile.h"
#include "runtime/store/store.h"
#include "vm/contact.h"

struct fact { enum fact_kind kind; struct str contact, name, value; }; /* value: an attribute's JSON; empty: it was not so */
struct facts {
  struct arena *arena;
  VEC(struct fact) known;
  VEC(int64_t) messages; /* rows of the outbox that an expectation met */
};

/* The contact is so now, and the story knows it. */
void facts_note(struct facts *f, const struct store *s, const struct contact *c, struct str contact, const struct test_fact *fact);
void facts_note_message(struct facts *f, int64_t row);
bool facts_knows_message(const struct facts *f, int64_t row);
/* Tells, a line each, what of the contact is otherwise than the story knows. */
void facts_tell(const struct facts *f, const struct store *s, const struct contact *c, struct str contact, struct buf *out);
#endif
