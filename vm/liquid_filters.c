/* Finds and runs filters, and holds those that are about numbers and about any value. Texts: liquid_filters_text.c;
 * arrays: liquid_filters_array.c; dates: liquid_date.c. */
#include "liquid_filters.h"

#include "base/utf8.h"
#include "liquid_number.h"

const struct lq_filter lq_filters[LQF_COUNT] = {
#define FILTER(id, name, min, max, flags, function) [LQF_##id] = { name, min, max, flags, function },
#include "liquid_filters.def"
#undef FILTER
};

uint32_t lq_filter_find(struct str name, bool camp) {
  for (uint32_t i = LQF_COUNT; camp && i-- > 0 && lq_filters[i].flags & LQF_CAMP;)
    if (str_is(name, lq_filters[i].name)) return i;
  for (uint32_t i = 0; i < LQF_COUNT && !(lq_filters[i].flags & LQF_CAMP); i++)
    if (*lq_filters[i].name == (name.len ? *name.ptr : 0) && str_is(name, lq_filters[i].name)) return i;
  return LQF_COUNT;
}

__attribute__((cold)) static bool wrong_count(struct lq_env *env, const struct lq_filter *f, uint32_t count) {
  if (f->min == f->max) return lq_fail(env->cx, "wrong number of arguments (given %u, expected %u)", count, f->min);
  return lq_fail(env->cx, "wrong number of arguments (given %u, expected %u..%u)", count, f->min, f->max);
}

bool lq_filter_run(struct lq_env *env, uint32_t id, const struct lq *args, uint32_t count, struct lq *out) {
  const struct lq_filter *f = &lq_filters[id];
  if (count < f->min || count > f->max) return wrong_count(env, f, count);
  size_t looked = 32 + args[0].len;
  for (uint32_t i = 1; i < count; i++) looked += args[i].len;
  if (!lq_work(env->cx, looked)) return false;
  if (!f->run(env, args, count, out)) {
    CHECK(env->cx->failed);
    return false;
  }
  if (out->type == LQ_STR) {
    if (f->flags & LQF_SAFE) out->safe = 1;
    else if (!(f->flags & LQF_KEEPS)) out->safe = 0;
  }
  return true;
}

/* --- any value ------------------------------------------------------------------------------------------------------- */

bool filter_size(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)env; (void)count;
  int64_t n = 0;
  switch (args->type) {
    case LQ_STR: /* other bytes than UTF-8, which base64_decode can give, count one by one */
      n = utf8_valid_prefix(lq_text(*args)) == args->len ? (int64_t)utf8_columns(lq_text(*args)) : (int64_t)args->len;
      break;
    case LQ_ARRAY: n = args->len; break;
    case LQ_HASH: n = args->hash->count; break;
    case LQ_RANGE: n = lq_range_count(args->range); break;
    case LQ_INT: n = 8; break; /* Ruby's Integer#size: bytes */
    case LQ_BIG: n = lq_big_bytes(args->big); break;
    default: break;
  }
  *out = lq_int(n);
  return true;
}

static struct lq first_character(struct str s) {
  size_t n = utf8_decode(s, NULL);
  return lq_str((struct str){ s.ptr, n ? n : s.len > 0 });
}
static struct lq last_character(struct str s) {
  size_t n = s.len > 0;
  while (n < s.len && ((unsigned char)s.ptr[s.len - n] & 0xc0) == 0x80) n++;
  return lq_str((struct str){ s.ptr + (s.len - n), n });
}

bool filter_first(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  *out = lq_nil();
  if (args->type == LQ_STR) *out = first_character(lq_text(*args));
  else if (args->type == LQ_ARRAY && args->len) *out = args->items[0];
  else if (args->type == LQ_RANGE) *out = lq_int(args->range->first);
  else if (args->type == LQ_HASH && args->hash->count) return lq_pair(env->cx, args->hash, 0, out);
  return true;
}

bool filter_last(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)env; (void)count;
  *out = lq_nil();
  if (args->type == LQ_STR) *out = last_character(lq_text(*args));
  else if (args->type == LQ_ARRAY && args->len) *out = args->items[args->len - 1];
  else if (args->type == LQ_RANGE) *out = lq_int(args->range->last);
  return true;
}

bool filter_default(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)env;
  struct lq instead = count > 1 ? args[1] : lq_str(STR(""));
  bool allow_false = false;
  if (count > 2 && args[2].type == LQ_HASH) {
    const struct lq_entry *e = lq_hash_find(args[2].hash, STR("allow_false"), lq_key_hash("allow_false", 11));
    allow_false = e && lq_true(e->value);
  }
  bool absent = allow_false ? args->type == LQ_NIL : !lq_true(*args);
  *out = absent || lq_is_empty(*args) ? instead : *args;
  return true;
}

/* --- numbers --------------------------------------------------------------------------------------------------------- */

typedef bool operation(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out);

static bool apply(struct lq_env *env, const struct lq *args, operation *op, struct lq *out) {
  struct lq_num a, b, n;
  return lq_num_of(env->cx, args[0], &a) && lq_num_of(env->cx, args[1], &b) && op(env->cx, a, b, &n) &&
         lq_num_value(env->cx, n, out);
}

bool filter_plus(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  int64_t sum;
  if (args[0].type == LQ_INT && args[1].type == LQ_INT && !__builtin_add_overflow(args[0].i, args[1].i, &sum)) {
    *out = lq_int(sum);
    return true;
  }
  return apply(env, args, lq_num_add, out);
}
bool filter_minus(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return apply(env, args, lq_num_sub, out);
}
bool filter_times(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return apply(env, args, lq_num_mul, out);
}
bool filter_divided_by(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return apply(env, args, lq_num_div, out);
}
bool filter_modulo(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return apply(env, args, lq_num_mod, out);
}

bool filter_abs(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  struct lq_num n;
  return lq_num_of(env->cx, *args, &n) && lq_num_value(env->cx, lq_num_abs(env->cx, n), out) && !env->cx->fatal;
}

static bool round_to(struct lq_env *env, struct lq v, int64_t digits, enum lq_rounding how, struct lq *out) {
  struct lq_num n, r;
  return lq_num_of(env->cx, v, &n) && lq_num_round(env->cx, n, digits, how, &r) && lq_num_value(env->cx, r, out);
}

bool filter_round(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq_num n, whole;
  if (count < 2) return round_to(env, *args, 0, LQ_HALF_UP, out);
  if (!lq_num_of(env->cx, args[1], &n) || !lq_num_round(env->cx, n, 0, lq_num_sign(n) < 0 ? LQ_CEIL : LQ_FLOOR, &whole)) return false;
  if (whole.big) return lq_fail(env->cx, "internal");
  int64_t digits = whole.i > LIMIT_LIQUID_DIGITS_COUNT ? LIMIT_LIQUID_DIGITS_COUNT : whole.i;
  if (digits < -LIMIT_LIQUID_DIGITS_COUNT) digits = -LIMIT_LIQUID_DIGITS_COUNT;
  return round_to(env, *args, digits, LQ_HALF_UP, out);
}
bool filter_ceil(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return round_to(env, *args, 0, LQ_CEIL, out);
}
bool filter_floor(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return round_to(env, *args, 0, LQ_FLOOR, out);
}

/* The input, or the bound where the input is on its wrong side. */
static bool bound(struct lq_env *env, const struct lq *args, int side, struct lq *out) {
  struct lq_num a, b;
  int order;
  if (!lq_num_of(env->cx, args[0], &a) || !lq_num_of(env->cx, args[1], &b) || !lq_num_cmp(env->cx, b, a, &order)) return false;
  return lq_num_value(env->cx, order == side ? b : a, out);
}
bool filter_at_least(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return bound(env, args, 1, out);
}
bool filter_at_most(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return bound(env, args, -1, out);
}
