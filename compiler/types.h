#ifndef CAMP_COMPILER_TYPES_H
#define CAMP_COMPILER_TYPES_H
/* What the files of type checking share. Private to types*.c: types_op.c knows what goes with what, types_expr.c gives every
 * expression its type, types.c looks at the places that take one.
 *
 * A mistake is reported where it is found, and the expression's type is unknown from then on. */
#include "names.h"

struct checker { struct compilation *c; struct scope *s; };

static inline struct type type_of(uint8_t kind) { return (struct type){ .kind = kind }; }
static inline bool is_moment(uint8_t kind) { return kind == V_MOMENT || kind == V_DATE || kind == V_LOCAL; }
static inline bool is_duration(uint8_t kind) { return kind == V_EXACT || kind == V_CALENDAR; }
static inline bool is_unknown(struct type t) { return t.kind == V_MISSING; }

static inline void bad(struct expr *e) { e->type = type_of(V_MISSING); }

/* types_op.c: currencies, values that a declaration lists, operators. Operands have their types already. */

/* Tells the sums below e which currency they are to be in. */
void types_give_currency(struct expr *e, uint32_t currency);
/* Reports two currencies that meet; otherwise makes them one. */
bool types_currencies_meet(struct checker *k, struct expr *at, struct expr *a, struct expr *b);
/* Reports a text that is none of the choices; NULL: anything goes. */
void types_choice(struct checker *k, const struct expr *choices, const struct expr *value);
bool types_comparable(struct type a, struct type b);
/* Reports that a cannot be VERB b. */
void types_unlike(struct checker *k, enum diag_code code, struct expr *at, const char *verb, struct expr *a, struct expr *b);
/* Of two kinds that do not go together nothing gives the currency either, which is no second mistake. */
void types_silence(struct expr *e);
void types_comparison(struct checker *k, struct expr *e);
void types_text_op(struct checker *k, struct expr *e);
void types_arithmetic(struct checker *k, struct expr *e);
void types_else(struct checker *k, struct expr *e);

/* types_expr.c */
void types_expr(struct checker *k, struct expr *e); /* e may be NULL */
/* Whether an expression that has its type is a condition; then both at once. */
void types_condition(struct checker *k, struct expr *e);
void types_cond(struct checker *k, struct expr *e);
void types_list(struct checker *k, struct expr *e);
void types_events(struct checker *k, struct event_ref *events);
void types_define(struct checker *k, struct define_decl *d); /* once */

/* types.c: a value that is given to what was declared as `want`; NULL: as anything. What is written out in brackets is looked at part
 * by part, so that a mistake is shown where it stands. */
void types_given(struct checker *k, const struct type_ref *want, const struct name *declared, struct str name, struct expr *value);
#endif
