/* Filters of arrays. An input is looked at as the reference's iterator does: arrays flat, a hash as one item, nil as none.
 *
 * Invariant: sorting is stable and takes n log n comparisons whatever the items say about each other. */
#include <math.h>

#include "base/utf8.h"
#include "liquid_filters.h"
#include "liquid_number.h"

/* --- items ----------------------------------------------------------------------------------------------------------- */

static bool flatten(struct lq_list *l, struct lq v) {
  for (uint32_t i = 0; i < v.len; i++)
    if (!(v.items[i].type == LQ_ARRAY ? flatten(l, v.items[i]) : lq_list_add(l, v.items[i]))) return false;
  return true;
}

bool lq_items(struct lq_env *env, struct lq v, struct lq *array) {
  struct lq_list l = { .cx = env->cx };
  if (v.type == LQ_ARRAY) {
    bool nested = false;
    for (uint32_t i = 0; i < v.len && !nested; i++) nested = v.items[i].type == LQ_ARRAY;
    *array = v;
    env->cx->work += v.len * sizeof v;
    if (!nested) return true;
    if (!flatten(&l, v)) return false;
  } else if (v.type == LQ_RANGE) {
    if (lq_range_count(v.range) > LIMIT_LIQUID_RANGE_COUNT)
      return lq_fail(env->cx, "a range of more than %d numbers is not made an array", LIMIT_LIQUID_RANGE_COUNT);
    for (int64_t i = v.range->first; i <= v.range->last; i++)
      if (!lq_list_add(&l, lq_int(i))) return false;
  } else if (v.type != LQ_NIL && !lq_list_add(&l, v)) {
    return false;
  }
  *array = lq_list_value(&l);
  return true;
}

/* Ruby's item[property]: */
enum got { GOT, GOT_TYPE_ERROR /* no such kind of key */, GOT_RANGE_ERROR /* a number beyond any key */, GOT_NO_METHOD /* no [] at all */ };
static bool indexable(struct lq v) {
  return v.type == LQ_HASH || v.type == LQ_STR || v.type == LQ_INT || v.type == LQ_BIG || v.type == LQ_ARRAY ||
         v.type == LQ_LOOP || v.type == LQ_ROWLOOP || v.type == LQ_SELF;
}

static struct lq character_at(struct str s, int64_t i) {
  int64_t n = (int64_t)utf8_columns(s);
  if (i < 0) i += n;
  if (i < 0 || i >= n) return lq_nil();
  size_t at = 0;
  for (; i > 0; i--) {
    size_t k = utf8_decode((struct str){ s.ptr + at, s.len - at }, NULL);
    at += k ? k : 1;
  }
  size_t k = utf8_decode((struct str){ s.ptr + at, s.len - at }, NULL);
  return lq_str((struct str){ s.ptr + at, k ? k : 1 });
}

/* Ruby's part of a text by a range: nothing when it begins behind the end. */
static bool text_part(struct str s, const struct lq_range *r, struct str *out) {
  int64_t n = (int64_t)utf8_columns(s), first = r->first < 0 ? r->first + n : r->first, last = r->last < 0 ? r->last + n : r->last;
  if (first < 0 || first > n) return false;
  if (last >= n) last = n - 1;
  size_t at = 0, end;
  for (int64_t i = 0; i < first; i++) at += utf8_decode((struct str){ s.ptr + at, s.len - at }, NULL);
  end = at;
  for (int64_t i = first; i <= last; i++) end += utf8_decode((struct str){ s.ptr + end, s.len - end }, NULL);
  *out = (struct str){ s.ptr + at, end - at };
  return true;
}

/* Ruby's bits of an integer, by number or by range. */
static int64_t bit_of(int64_t i, int64_t at) { return at < 0 ? 0 : at > 62 ? i < 0 : i >> at & 1; }
static int64_t bits_of(int64_t i, const struct lq_range *r) {
  int64_t from = r->first < -62 ? -62 : r->first > 62 ? 62 : r->first, count = r->last < r->first ? 63 : r->last - r->first + 1;
  int64_t shifted = from < 0 ? (int64_t)((uint64_t)i << -from) : i >> from;
  return count > 62 ? shifted : shifted & ((INT64_C(1) << count) - 1);
}

static enum got item_get(struct lq_env *env, struct lq item, struct lq property, struct lq *out) {
  *out = lq_nil();
  switch (item.type) {
    case LQ_HASH:
      if (property.type == LQ_STR) {
        const struct lq_entry *e = lq_hash_find(item.hash, lq_text(property), lq_key_hash(property.s, property.len));
        if (e) *out = e->value;
      }
      return GOT;
    case LQ_STR:
      if (property.type == LQ_STR) {
        if (!property.len || memmem(item.s, item.len, property.s, property.len)) *out = property;
      } else if (property.type == LQ_INT || property.type == LQ_FLOAT) {
        if (property.type == LQ_FLOAT && !(fabs(property.n) < 9e18)) return GOT_RANGE_ERROR;
        *out = character_at(lq_text(item), property.type == LQ_INT ? property.i : (int64_t)property.n);
      } else if (property.type == LQ_RANGE) {
        struct str part;
        if (text_part(lq_text(item), property.range, &part)) *out = lq_str(part);
      } else if (property.type == LQ_BIG) {
        return GOT_RANGE_ERROR;
      } else {
        return GOT_TYPE_ERROR;
      }
      return GOT;
    case LQ_INT: /* Ruby's bits of an integer */
      if (property.type == LQ_INT) *out = lq_int(bit_of(item.i, property.i));
      else if (property.type == LQ_FLOAT) *out = lq_int(bit_of(item.i, property.n >= 63 ? 63 : property.n <= -1 ? -1 : (int64_t)property.n));
      else if (property.type == LQ_BIG) *out = lq_int(lq_big_negative(property.big) ? 0 : item.i < 0);
      else if (property.type == LQ_RANGE) *out = lq_int(bits_of(item.i, property.range));
      else return GOT_TYPE_ERROR;
      return GOT;
    case LQ_BIG:
      if (property.type == LQ_BIG) *out = lq_int(!lq_big_negative(property.big) && lq_big_negative(item.big));
      else if (property.type == LQ_INT) *out = lq_int(lq_big_bit(item.big, property.i));
      else if (property.type == LQ_FLOAT) *out = lq_int(lq_big_bit(item.big, property.n >= 1e9 ? 1000000000 : property.n <= -1 ? -1 : (int64_t)property.n));
      else return GOT_TYPE_ERROR;
      return GOT;
    case LQ_LOOP: case LQ_ROWLOOP: case LQ_SELF:
      if (property.type == LQ_STR) *out = env->part(env->part_context, item, lq_text(property));
      return GOT;
    case LQ_ARRAY: return GOT;
    default: return GOT_NO_METHOD;
  }
}

static bool is_bad(enum got got) { return got == GOT_TYPE_ERROR || got == GOT_RANGE_ERROR; }
static bool property_error(struct lq_env *env, enum got got, struct lq property) {
  struct str name;
  if (got == GOT_RANGE_ERROR) return lq_fail(env->cx, "internal");
  if (!lq_to_s(env->cx, property, &name)) return false;
  if (name.len > 200) name.len = 200;
  return lq_fail(env->cx, "cannot select the property '" STR_FMT "'", STR_ARG(name));
}

/* --- selecting ------------------------------------------------------------------------------------------------------- */

/* Whether an item is of those that the property selects. *stop: an item without properties; the whole filter gives nil. */
static bool selects(struct lq_env *env, const struct lq *args, uint32_t count, struct lq item, bool *yes, bool *stop) {
  struct lq v;
  enum got got = item_get(env, item, args[1], &v);
  *stop = got == GOT_NO_METHOD;
  *yes = false;
  if (is_bad(got)) return property_error(env, got, args[1]);
  *yes = count > 2 && args[2].type != LQ_NIL ? lq_equal(env->cx, v, args[2]) : lq_true(v);
  return lq_work(env->cx, item.type == LQ_STR ? item.len : 0);
}

static bool keep(struct lq_env *env, const struct lq *args, uint32_t count, bool wanted, struct lq *out) {
  struct lq array;
  struct lq_list l = { .cx = env->cx };
  if (!lq_items(env, *args, &array)) return false;
  for (uint32_t i = 0; i < array.len; i++) {
    bool yes, stop;
    if (!selects(env, args, count, array.items[i], &yes, &stop)) return false;
    *out = lq_nil();
    if (stop) return true;
    if (yes == wanted && !lq_list_add(&l, array.items[i])) return false;
  }
  *out = lq_list_value(&l);
  return true;
}
bool filter_where(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  return keep(env, args, count, true, out);
}
bool filter_reject(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  return keep(env, args, count, false, out);
}

/* The first item selected, by number; -1 when there is none, -2 when the filter gives nil. */
static bool search(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *array, int64_t *found) {
  if (!lq_items(env, *args, array)) return false;
  *found = -1;
  for (uint32_t i = 0; i < array->len && *found == -1; i++) {
    bool yes, stop;
    if (!selects(env, args, count, array->items[i], &yes, &stop)) return false;
    if (stop) *found = -2;
    else if (yes) *found = i;
  }
  return true;
}
bool filter_has(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq array;
  int64_t found;
  if (!search(env, args, count, &array, &found)) return false;
  *out = found == -2 ? lq_nil() : lq_bool(found >= 0);
  return true;
}
bool filter_find(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq array;
  int64_t found;
  if (!search(env, args, count, &array, &found)) return false;
  *out = found < 0 ? lq_nil() : array.items[found];
  return true;
}
bool filter_find_index(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq array;
  int64_t found;
  if (!search(env, args, count, &array, &found)) return false;
  *out = found < 0 ? lq_nil() : lq_int(found);
  return true;
}

bool filter_map(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  struct lq array;
  struct lq_list l = { .cx = env->cx };
  if (!lq_items(env, *args, &array)) return false;
  for (uint32_t i = 0; i < array.len; i++) {
    struct lq v = array.items[i];
    bool itself = args[1].type == LQ_STR && str_is(lq_text(args[1]), "to_liquid");
    enum got got = itself ? GOT : item_get(env, array.items[i], args[1], &v);
    if (is_bad(got)) return property_error(env, got, args[1]);
    if (!lq_list_add(&l, v)) return false;
  }
  *out = lq_list_value(&l);
  return true;
}

bool filter_compact(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq array;
  struct lq_list l = { .cx = env->cx };
  if (!lq_items(env, *args, &array)) return false;
  bool by_property = count > 1 && args[1].type != LQ_NIL;
  for (uint32_t i = 0; i < array.len; i++) {
    struct lq v = array.items[i];
    enum got got = by_property ? item_get(env, array.items[i], args[1], &v) : GOT;
    if (is_bad(got)) return property_error(env, got, args[1]);
    *out = lq_nil();
    if (got == GOT_NO_METHOD) return true;
    if (v.type != LQ_NIL && !lq_list_add(&l, array.items[i])) return false;
  }
  *out = lq_list_value(&l);
  return true;
}

/* --- sorting --------------------------------------------------------------------------------------------------------- */

struct keyed { struct lq key; uint32_t item; };
typedef bool compare(struct lq_env *env, struct lq a, struct lq b, int *out);

static bool merge_sort(struct lq_env *env, struct keyed *k, struct keyed *spare, uint32_t n, compare *cmp) {
  if (n < 2) return true;
  uint32_t half = n / 2, i = 0, j = half, at = 0;
  if (!merge_sort(env, k, spare, half, cmp) || !merge_sort(env, k + half, spare, n - half, cmp)) return false;
  memcpy(spare, k, n * sizeof *k);
  while (i < half && j < n) {
    int order;
    if (!cmp(env, spare[i].key, spare[j].key, &order) || !lq_work(env->cx, 8)) return false;
    k[at++] = order <= 0 ? spare[i++] : spare[j++];
  }
  while (i < half) k[at++] = spare[i++];
  while (j < n) k[at++] = spare[j++];
  return true;
}

static bool compare_values(struct lq_env *env, struct lq a, struct lq b, int *out) {
  if (lq_order(env->cx, a, b, out)) return true;
  if (a.type == LQ_NIL) *out = 1;
  else if (b.type == LQ_NIL) *out = -1;
  else return lq_fail(env->cx, "cannot sort values of incompatible types");
  return true;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }
static bool compare_natural(struct lq_env *env, struct lq a, struct lq b, int *out) {
  struct str s, t;
  *out = (a.type == LQ_NIL) - (b.type == LQ_NIL);
  if (a.type == LQ_NIL || b.type == LQ_NIL) return true;
  if (!lq_to_s(env->cx, a, &s) || !lq_to_s(env->cx, b, &t)) return false;
  size_t i = 0, n = s.len < t.len ? s.len : t.len;
  while (i < n && lower(s.ptr[i]) == lower(t.ptr[i])) i++;
  env->cx->work += i;
  if (i < n) {
    *out = (unsigned char)lower(s.ptr[i]) > (unsigned char)lower(t.ptr[i]) ? 1 : -1;
    return true;
  }
  *out = (s.len > t.len) - (s.len < t.len);
  return true;
}

static bool sort(struct lq_env *env, const struct lq *args, uint32_t count, compare *cmp, struct lq *out) {
  struct lq array;
  if (!lq_items(env, *args, &array)) return false;
  *out = array;
  if (!array.len) return true;
  struct keyed *keys = lq_alloc(env->cx, array.len * sizeof *keys), *spare = lq_alloc(env->cx, array.len * sizeof *spare);
  struct lq *sorted = lq_alloc(env->cx, array.len * sizeof *sorted);
  if (!keys || !spare || !sorted) return false;
  bool by_property = count > 1 && args[1].type != LQ_NIL;
  for (uint32_t i = 0; i < array.len; i++) {
    *out = lq_nil();
    if (by_property && !indexable(array.items[i])) return true;
  }
  for (uint32_t i = 0; i < array.len; i++) {
    keys[i] = (struct keyed){ array.items[i], i };
    enum got got = by_property && array.len > 1 ? item_get(env, array.items[i], args[1], &keys[i].key) : GOT;
    if (is_bad(got)) return property_error(env, got, args[1]);
  }
  if (!merge_sort(env, keys, spare, array.len, cmp)) return false;
  for (uint32_t i = 0; i < array.len; i++) sorted[i] = array.items[keys[i].item];
  *out = lq_array(sorted, array.len);
  return true;
}
bool filter_sort(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  return sort(env, args, count, compare_values, out);
}
bool filter_sort_natural(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  return sort(env, args, count, compare_natural, out);
}

/* --- whole arrays ---------------------------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t h, uint64_t with) {
  h = (h ^ with) * 0xff51afd7ed558ccdu;
  return h ^ h >> 32;
}

/* A hash's own order of keys does not count, as two of them are equal in any. */
static uint64_t value_hash(struct lq_cx *cx, struct lq v) {
  uint64_t h = v.type;
  cx->work += 8;
  switch (v.type) {
    case LQ_STR: cx->work += v.len / 4; return lq_key_hash(v.s, v.len);
    case LQ_FLOAT: if (v.n == 0) v.n = 0; /* -0.0 is the same */ /* fall through */
    case LQ_INT: case LQ_BOOL: return mixed(v.type == LQ_FLOAT, (uint64_t)v.i * 0x9e3779b97f4a7c15u);
    case LQ_BIG: return (uint64_t)lq_big_double(v.big);
    case LQ_ARRAY:
      for (uint32_t i = 0; i < v.len; i++) h = mixed(h, value_hash(cx, v.items[i]));
      return h;
    case LQ_HASH:
      for (uint32_t i = 0; i < v.hash->count; i++) h += mixed(v.hash->entries[i].hash, value_hash(cx, v.hash->entries[i].value));
      return h;
    case LQ_RANGE: return mixed((uint64_t)v.range->first, (uint64_t)v.range->last);
    default: return h;
  }
}

/* Equal items meet in a table by hash; items whose hashes collide cost a comparison each, and the limit of work bounds them. */
bool filter_uniq(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq array;
  struct lq_list l = { .cx = env->cx }, keys = { .cx = env->cx };
  if (!lq_items(env, *args, &array)) return false;
  bool by_property = count > 1 && args[1].type != LQ_NIL && array.len > 1; /* as Ruby: nobody asks a single one */
  uint32_t slots = 16;
  while (slots < array.len * 2) slots *= 2;
  uint32_t *table = lq_alloc(env->cx, slots * sizeof *table);
  if (!table) return false;
  memset(table, 0xff, slots * sizeof *table);
  for (uint32_t i = 0; i < array.len; i++) {
    struct lq key = array.items[i];
    enum got got = by_property ? item_get(env, array.items[i], args[1], &key) : GOT;
    if (is_bad(got)) return property_error(env, got, args[1]);
    *out = lq_nil();
    if (got == GOT_NO_METHOD) return true;
    uint32_t at = (uint32_t)(value_hash(env->cx, key) >> 7) & (slots - 1);
    while (table[at] != UINT32_MAX && !lq_eql(env->cx, keys.items[table[at]], key)) at = (at + 1) & (slots - 1);
    if (!lq_work(env->cx, 0)) return false;
    if (table[at] != UINT32_MAX) continue;
    table[at] = keys.count;
    if (!lq_list_add(&keys, key) || !lq_list_add(&l, array.items[i])) return false;
  }
  *out = lq_list_value(&l);
  return true;
}

bool filter_reverse(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  struct lq array;
  if (!lq_items(env, *args, &array)) return false;
  struct lq *items = lq_alloc(env->cx, (array.len + 1) * sizeof *items);
  if (!items) return false;
  for (uint32_t i = 0; i < array.len; i++) items[i] = array.items[array.len - 1 - i];
  *out = lq_array(items, array.len);
  return true;
}

bool filter_concat(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  if (args[1].type != LQ_ARRAY) return lq_fail(env->cx, "concat filter requires an array argument");
  struct lq array;
  if (!lq_items(env, *args, &array)) return false;
  uint32_t n = array.len + args[1].len;
  struct lq *items = lq_alloc(env->cx, ((size_t)n + 1) * sizeof *items);
  if (!items) return false;
  if (array.len) memcpy(items, array.items, array.len * sizeof *items);
  if (args[1].len) memcpy(items + array.len, args[1].items, args[1].len * sizeof *items);
  *out = lq_array(items, n);
  return true;
}

bool filter_join(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct str glue = STR(" ");
  struct lq array;
  if (count > 1 && !lq_to_s(env->cx, args[1], &glue)) return false;
  if (!lq_items(env, *args, &array)) return false;
  struct lq_buf b = { .cx = env->cx };
  for (uint32_t i = 0; i < array.len; i++)
    if ((i && !lq_buf_str(&b, glue)) || !lq_print(&b, array.items[i])) return false;
  *out = lq_buf_value(&b);
  return true;
}

static bool sum_items(struct lq_env *env, struct lq array, struct lq_num *total) {
  for (uint32_t i = 0; i < array.len; i++) {
    struct lq_num n;
    if (array.items[i].type == LQ_ARRAY) {
      if (!sum_items(env, array.items[i], total)) return false;
    } else if (!lq_num_of(env->cx, array.items[i], &n) || !lq_num_add(env->cx, *total, n, total)) {
      return false;
    }
  }
  return true;
}

bool filter_sum(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  struct lq array;
  struct lq_list l = { .cx = env->cx };
  if (!lq_items(env, *args, &array)) return false;
  if (count > 1 && args[1].type != LQ_NIL) {
    for (uint32_t i = 0; i < array.len; i++) {
      struct lq v;
      enum got got = item_get(env, array.items[i], args[1], &v);
      if (is_bad(got)) return property_error(env, got, args[1]);
      if (!lq_list_add(&l, v)) return false;
    }
    array = lq_list_value(&l);
  }
  struct lq_num total = { .scale = 0 };
  return sum_items(env, array, &total) && lq_num_value(env->cx, total, out);
}
