#ifndef CAMP_VM_OPS_H
#define CAMP_VM_OPS_H
/* What single instructions do, called by the loop in strand.c. Private to strand*.c and op_*.c.
 *
 * Functions here stay out of the loop's own: inlined there, they take the registers that it needs for every instruction. What
 * nearly every condition needs stands here as HOT, to be inlined by force: the loop is compiled three times, and a function that is
 * called from three places would be inlined into none. */
#include "strand.h"

#define HOT static inline __attribute__((always_inline))

/* --- what an instruction looks at: op_look.c --- */

/* The event's property of this symbol, or NULL. Not a copy: putting one together byte by byte and reading it whole at once stalls
 * the processor for longer than the rest of the look-up takes. */
HOT const struct json *event_property(const struct event *e, uint32_t symbol) {
  if (!e) return NULL;
  for (uint32_t i = 0; i < e->field_count; i++) {
    if (e->fields[i].key == symbol) return &e->fields[i].value;
  }
  return NULL;
}

HOT struct value from_json(const struct json *j, struct str object, const struct field *f, const struct env *env) {
  if (!j) return value_missing();
  return value_from_member(*j, object, (enum value_type)f->type, f->currency, env->zone, env->scratch);
}

struct value op_attr(const struct unit *u, uint32_t f, const struct env *env);
struct value op_subfield(const struct unit *u, uint32_t f, struct value record, const struct env *env);
bool op_of(const struct unit *u, uint32_t message, const struct strand *s, const struct env *env);
bool op_segment(const struct unit *u, uint32_t s, const struct env *env);
struct value op_score(const struct unit *u, uint32_t s, const struct env *env);
double op_variant(const struct unit *u, uint32_t x, const struct env *env);
struct value op_code(struct str campaign, const struct env *env);
struct value op_called(const struct strand *s, const struct env *env);

/* --- comparing --- */

/* Numbers and texts, which nearly every condition compares, are decided without a call. */
HOT bool equal(struct value a, struct value b, const struct env *env) {
  if (a.type == V_NUMBER && b.type == V_NUMBER) return a.n == b.n;
  if (a.type == V_TEXT && b.type == V_TEXT) {
    return a.aux == b.aux && (a.ptr == b.ptr || a.aux == 0 || memcmp(a.ptr, b.ptr, a.aux) == 0);
  }
  return value_equal(a, b, env->zone);
}

/* --- lists: op_list.c --- */

/* The rest of a list that EACH has walked into is marked in `spare`, because its bytes begin in the middle of an array. */
enum { LIST_WHOLE, LIST_REST };
bool op_contains(struct value a, struct value b, const struct env *env);
struct value op_length(struct value list);
bool op_each(struct value *list, struct value *element, const struct env *env);
struct value op_items(struct value list, const struct env *env, struct effect *out);
void list_make_whole(struct value *values, uint32_t count);
struct value list_rest_whole(struct value rest, struct arena *a);

/* --- times: op_time.c --- */

/* The start of a window that ends now. */
struct value op_ago(struct value window, const struct env *env);
/* As a moment: what it is, or midnight of a date, or the wall clock's time in the contact's zone. */
struct value op_zoned(struct value v, const struct zone *z);
struct value op_next_time(struct value time, uint32_t mask, const struct env *env);
struct value op_window(struct value from, struct value to, uint32_t mask, const struct env *env);
struct value op_date_part(struct value v, uint32_t part, const struct zone *z);
#endif
