/* Instructions on lists; see ops.h.
 *
 * A list is the text of a JSON array, and is never parsed as a whole: each instruction walks it. EACH takes the elements out of the
 * front, so that what is left begins in the middle of the array: a rest.
 *
 * Invariants:
 * 1. A rest never leaves the VM: an effect has a whole list or a missing value, a parked strand a whole list.
 * 2. What is no list has no elements and contains nothing. */
#include "ops.h"

static struct json_walk list_walk(struct value list) {
  if (list.spare == LIST_REST) return (struct json_walk){ .at = list.ptr, .end = list.ptr + list.aux };
  return json_walk_of(value_str(list));
}

static bool list_contains(struct value list, struct value wanted, const struct env *env) {
  if (wanted.type == V_MISSING) return false;
  /* A text is looked for among texts as they come: as a declared type it would take in the number 2, too. */
  enum value_type type = value_is_text(wanted) ? V_MISSING : (enum value_type)wanted.type;
  if (wanted.type == V_REF) wanted.type = V_TEXT;
  struct json_walk w = list_walk(list);
  while (json_next(&w)) {
    struct value v = value_from_json(w.value, type, type == V_MONEY ? wanted.aux : 0, env->zone, env->scratch);
    if (equal(v, wanted, env)) return true;
  }
  return false;
}

bool op_contains(struct value a, struct value b, const struct env *env) {
  if (a.type == V_LIST) return list_contains(a, b, env);
  if (!value_is_text(a) || !value_is_text(b)) return false;
  return b.aux == 0 || (a.aux >= b.aux && memmem(a.ptr, a.aux, b.ptr, b.aux) != NULL);
}

struct value op_length(struct value list) {
  if (list.type != V_LIST) return value_missing();
  struct json_walk w = list_walk(list);
  double n = 0;
  while (json_next(&w)) n++;
  return value_number(n);
}

/* What leaves the VM is whole: the bytes of a rest are no JSON. */
void list_make_whole(struct value *values, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (values[i].type == V_LIST && values[i].spare == LIST_REST) values[i] = value_missing();
  }
}

/* Moves the first element out of the list; false when there is none. What is no list has none. */
bool op_each(struct value *list, struct value *element, const struct env *env) {
  if (list->type != V_LIST) return false;
  struct json_walk w = list_walk(*list);
  if (!json_next(&w)) return false;
  *element = value_from_json(w.value, V_MISSING, 0, env->zone, env->scratch);
  *list = (struct value){ .type = V_LIST, .spare = LIST_REST, .aux = (uint32_t)(w.end - w.at), .ptr = w.at };
  return true;
}

/* What `for each` walks through: the list, or of one that is too long its beginning, and then *out says so. */
struct value op_items(struct value list, const struct env *env, struct effect *out) {
  if (list.type != V_LIST) return value_missing();
  struct json_walk w = list_walk(list);
  uint32_t n = 0;
  const char *end = w.at;
  while (n < LIMIT_EACH_COUNT && json_next(&w)) {
    end = w.at;
    n++;
  }
  if (!json_next(&w)) return list;
  do n++; while (json_next(&w));
  out->reason = arena_printf(env->scratch, "`for each` looked at the first %d of %u elements", LIMIT_EACH_COUNT, n);
  struct str cut = arena_printf(env->scratch, STR_FMT "]", STR_ARG(str_slice(list.ptr, end)));
  return (struct value){ .type = V_LIST, .aux = (uint32_t)cut.len, .ptr = cut.ptr };
}

/* The rest of a list as a list again, for a strand that parks inside `for each`. */
struct value list_rest_whole(struct value rest, struct arena *a) {
  struct json_walk w = list_walk(rest);
  const char *from = w.at;
  while (from < w.end && (*from == ',' || *from == ' ' || *from == '\t' || *from == '\n' || *from == '\r')) from++;
  struct str whole = arena_printf(a, "[" STR_FMT, STR_ARG(str_slice(from, w.end)));
  return (struct value){ .type = V_LIST, .aux = (uint32_t)whole.len, .ptr = whole.ptr };
}
