#ifndef CAMP_COMPILER_RESOLVE_H
#define CAMP_COMPILER_RESOLVE_H
/* What the files of the resolver, names.c and names_*.c, share. Everybody else calls names_resolve (names.h). */
#include "names.h"

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
  const struct campaign_decl *campaign; /* whose statements are being resolved, with those of its sequences; NULL: a sequence by itself */
  const struct stmt *body;        /* of the campaign or the sequence */
  uint32_t written;       /* statements of sequences that were written out in this campaign */
};
/* A chain such as `a or b or …` is a tree as deep as it is long; the later stages walk it on the C stack. */
enum { NESTING_MAX = 2000 };
enum { DEFINE_NEW, DEFINE_OPEN, DEFINE_PURE, DEFINE_IMPURE };

/* Walks the events of a frame: its own, or those of all starts. */
struct frame_walk { const struct event_ref *event; const struct start_clause *start; };

/* names_event.c: events, messages and parameters by their names. */
struct frame *frame_new(struct resolver *r, const struct event_ref *events, const struct start_clause *starts);
struct frame_walk frame_walk_of(const struct frame *f);
void frame_step(struct frame_walk *w);
struct use *frame_use(struct resolver *r, struct frame *f, struct str name, struct str only, const struct member *m, bool in_hand);
void resolve_event_name(struct resolver *r, struct name *name, struct event_decl **decl);
struct binding *binding_find(const struct resolver *r, struct str name);
bool resolve_reference(struct resolver *r, struct name *name, void **decl, const char *what);
void resolve_message_name(struct resolver *r, struct name *name, void **decl);
void resolve_events(struct resolver *r, struct event_ref *events, const struct env *env, bool history);

/* names_expr.c: what stands in expressions. */
void expr_bad(struct expr *e);
void resolve_define(struct resolver *r, struct define_decl *d, struct expr *user);
void resolve_expr(struct resolver *r, struct expr *e, const struct env *env);
/* Where a bare name can only be that of a list, a segment or a definition (`start at … for loyl`): reports one that is none, and false. */
bool resolve_named(struct resolver *r, struct expr *e, enum diag_code code);

/* names_stmt.c: statements, and what they name. */
void resolve_campaign_name(struct resolver *r, struct name *name, void **decl);
void resolve_content_name(struct resolver *r, const struct name *name, void **decl);
void resolve_list_name(struct resolver *r, struct name *name, void **decl);
void resolve_changing_list(struct resolver *r, struct name *name);
void resolve_score_name(struct resolver *r, struct name *name, void **decl);
void resolve_score(struct resolver *r, struct score_decl *s);
void resolve_props(struct resolver *r, struct prop *props, const struct event_decl *decl, struct str event, const struct env *env);
void resolve_block(struct resolver *r, struct stmt *block, const struct env *env);

/* names_call.c: `call`, the reply that what stands behind it sees, and what tests say of calls. */
const struct env *resolve_call(struct resolver *r, struct stmt *st, const struct env *env);
bool resolve_reply_early(struct resolver *r, const struct expr *e);
void resolve_test_call(struct resolver *r, struct test_line *l);
void declare_replies(struct resolver *r, struct connector_decl *c);

/* names_sequence.c: sequences, each written out where it is done. */
struct binding *bind_params(struct resolver *r, const struct sequence_decl *s, struct stmt *st, const struct env *env);
void resolve_inside(struct resolver *r, struct sequence_decl *s, struct binding *bindings, struct stmt *body);
void resolve_do(struct resolver *r, struct stmt *st, const struct env *env);

/* names_test.c: test blocks and fixtures. */
/* names_experiment.c */
void resolve_experiment(struct resolver *r, struct stmt *st, const struct env *env);
void resolve_asked(struct resolver *r, const struct expect *x);
void resolve_test(struct resolver *r, struct test_decl *t, bool fixture);

#endif
