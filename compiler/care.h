#ifndef CAMP_COMPILER_CARE_H
#define CAMP_COMPILER_CARE_H
/* The checks that know marketing: what runs, and does what nobody wants. Private to the compiler; flow.c calls them. All are
 * warnings, and quiet where they cannot be sure. */
#include "names.h"

/* walk.c: what stands in an item, each once, in the order of the text; members of the visitor may be NULL. */
struct visitor {
  void *context;
  void (*stmt)(void *context, const struct stmt *st);
  void (*expr)(void *context, const struct expr *e);
  void (*event)(void *context, const struct event_ref *e);
};
void visit_expr(const struct visitor *v, const struct expr *e);
void visit_block(const struct visitor *v, const struct stmt *block);
void visit_campaign(const struct visitor *v, const struct campaign_decl *cd);

/* imply.c: whether a holds wherever b does; whether the two never hold together. False when that cannot be said. Both must stand in
 * the same surroundings, or bare properties must be of the same event. */
bool condition_implies(const struct expr *b, const struct expr *a);
bool condition_excludes(const struct expr *a, const struct expr *b);

/* sense.c */
struct fact { const struct expr *at, *what; uint8_t op; const struct expr *items; struct value value; }; /* what op value, or one of items */
bool fact_of(const struct expr *e, struct fact *f);
bool fact_contradicts(const struct fact *x, const struct fact *y); /* of the same value: no value satisfies both */
void fact_turn(struct fact *f);                                    /* to its opposite; a missing value is the caller's to think of */
const struct expr *condition_plain(const struct expr *e);          /* what a definition says, instead of its name */
bool same_meaning(const struct expr *a, const struct expr *b);     /* the same text, when both are written out */

/* branches.c: branches that an earlier one leaves nothing to. */
void branches_check_if(struct compilation *c, const struct stmt *st);
void branches_check_wait(struct compilation *c, const struct stmt *st);
void branches_check_block(struct compilation *c, const struct stmt *block); /* of a campaign or a sequence */

/* twice.c: one event that sends somebody the same message twice. */
void twice_check(struct compilation *c, struct scope *s, const struct tree *tree);
/* days.c: hours where days were likely meant. */
void days_check(struct compilation *c, const struct item *item);
/* cycles.c: campaigns that start each other again and again. */
void cycles_check(struct compilation *c, struct scope *s, const struct tree *tree);
/* unused.c: what is declared and used nowhere, awaited and caused nowhere, read and set nowhere. Asked when there is no error. */
void unused_check(struct compilation *c, struct scope *s, const struct tree *tree);
/* unused_parts.c: what stands inside a declaration and is used nowhere. Called by unused_check. */
void unused_parts_check(struct compilation *c, struct scope *s, const struct tree *tree);
/* liquid_care.c: texts of messages and contents. Asked when there is no error. */
void templates_care(struct compilation *c, struct scope *s, struct tree *tree);
/* secrets.c: keys and passwords that stand in a script. */
void secrets_check(struct compilation *c);
/* rules.c, behind emit: rules that mean the same. */
void rules_compare(struct compilation *c, struct scope *s, struct item *const *items, const struct unit *units, uint32_t count);
#endif
