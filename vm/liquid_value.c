/* Liquid values: memory, data, equality, order, and how Ruby prints them; see liquid_value.h.
 *
 * Not for arithmetic (liquid_number.c) nor for filters (liquid_filters.c).
 *
 * Invariants:
 * 1. Recursion goes as deep as the data, which JSON limits to LIMIT_JSON_DEPTH, plus the pairs that loops make.
 * 2. Nothing here writes to a value after it was given out. */
#include "liquid_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "liquid_number.h"

/* --- memory and errors ----------------------------------------------------------------------------------------------- */

static size_t append(char *out, size_t len, size_t most, struct str s) {
  size_t fits = len >= most ? 0 : s.len < most - len ? s.len : most - len;
  if (out && fits) memcpy(out + len, s.ptr, fits);
  return len + s.len;
}

/* Writes at most `most` bytes when there is an out; how many it would have been. */
static size_t format(char *out, size_t most, const char *fmt, va_list args) {
  size_t len = 0;
  char digits[32];
  for (const char *at = fmt; *at;) {
    const char *next = strchrnul(at, '%');
    len = append(out, len, most, str_slice(at, next));
    if (!*next) break;
    struct str s = STR("%");
    switch (next[1]) {
      case 's': s = str_from_c(va_arg(args, const char *)); break;
      case 'd': s = (struct str){ digits, lq_int_print(va_arg(args, int), digits) }; break;
      case 'u': s = (struct str){ digits, lq_int_print(va_arg(args, unsigned), digits) }; break;
      case '.':
        CHECK(next[2] == '*' && next[3] == 's');
        s.len = (size_t)va_arg(args, int);
        s.ptr = va_arg(args, const char *);
        break;
      default: CHECK(next[1] == '%');
    }
    len = append(out, len, most, s);
    at = next + (next[1] == '.' ? 4 : 2);
  }
  return len;
}

struct str lq_vprintf(struct arena *a, size_t most, const char *fmt, va_list args) {
  va_list again;
  va_copy(again, args);
  size_t len = format(NULL, 0, fmt, args);
  if (len > most) len = most;
  char *text = arena_alloc(a, len + 1);
  (void)format(text, len, fmt, again);
  va_end(again);
  return (struct str){ text, len };
}

struct str lq_printf(struct arena *a, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  struct str s = lq_vprintf(a, SIZE_MAX, fmt, args);
  va_end(args);
  return s;
}

static bool fail_with(struct lq_cx *cx, bool fatal, const char *fmt, va_list args) {
  if (cx->failed) return false; /* the first reason is the reason */
  cx->failed = true;
  cx->fatal = fatal;
  cx->error = lq_vprintf(cx->arena, 511, fmt, args);
  return false;
}

bool lq_fail(struct lq_cx *cx, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fail_with(cx, false, fmt, args);
  va_end(args);
  return false;
}

bool lq_fatal(struct lq_cx *cx, const char *fmt, ...) {
  va_list args;
  cx->failed = false; /* a limit outweighs what failed before */
  va_start(args, fmt);
  fail_with(cx, true, fmt, args);
  va_end(args);
  return false;
}

bool lq_overworked(struct lq_cx *cx) {
  return lq_fatal(cx, "the template looks at more than %u MB of texts and items", LIMIT_LIQUID_WORK_BYTES >> 20);
}

void *lq_alloc(struct lq_cx *cx, size_t bytes) {
  if (bytes > cx->allocated_max - cx->allocated) {
    lq_fatal(cx, "Memory limits exceeded");
    return NULL;
  }
  cx->allocated += bytes;
  return arena_alloc(cx->arena, bytes);
}

bool lq_buf_room(struct lq_buf *b, size_t more) {
  if (more > LIMIT_LIQUID_MEMORY_BYTES) return lq_fatal(b->cx, "Memory limits exceeded");
  size_t cap = b->cap ? b->cap : 64;
  while (cap - b->len < more) cap *= 2;
  char *data = lq_alloc(b->cx, cap);
  if (!data) return false;
  if (b->len) memcpy(data, b->data, b->len);
  b->data = data;
  b->cap = cap;
  return true;
}

bool lq_list_add(struct lq_list *l, struct lq v) {
  if (l->count == l->cap) {
    uint32_t cap = l->cap ? l->cap * 2 : 8;
    struct lq *items = lq_alloc(l->cx, cap * sizeof *items);
    if (!items) return false;
    if (l->count) memcpy(items, l->items, l->count * sizeof *items);
    l->items = items;
    l->cap = cap;
  }
  l->items[l->count++] = v;
  return true;
}

/* --- hashes ---------------------------------------------------------------------------------------------------------- */

static int entry_cmp(const struct lq_entry *e, uint32_t hash, struct str key) {
  if (e->hash != hash) return e->hash < hash ? -1 : 1;
  return str_cmp((struct str){ e->key, e->len }, key);
}

const struct lq_entry *lq_hash_find(const struct lq_hash *h, struct str key, uint32_t hash) {
  if (!h->order) {
    for (uint32_t i = 0; i < h->count; i++) {
      const struct lq_entry *e = &h->entries[i];
      if (e->hash == hash && e->len == key.len && lq_same_key(e->key, key.ptr, key.len)) return e;
    }
    return NULL;
  }
  uint32_t low = 0, high = h->count;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    const struct lq_entry *e = &h->entries[h->order[mid]];
    int order = entry_cmp(e, hash, key);
    if (order == 0) return e;
    if (order < 0) low = mid + 1; else high = mid;
  }
  return NULL;
}

/* A stable merge of two sorted halves; entries are sorted by hash, bytes, and place. */
static void sort_order(const struct lq_entry *entries, uint32_t *order, uint32_t *spare, uint32_t n) {
  if (n < 2) return;
  uint32_t half = n / 2, i = 0, j = half, k = 0;
  sort_order(entries, order, spare, half);
  sort_order(entries, order + half, spare, n - half);
  memcpy(spare, order, n * sizeof *order);
  while (i < half && j < n) {
    const struct lq_entry *b = &entries[spare[j]];
    bool first = entry_cmp(&entries[spare[i]], b->hash, (struct str){ b->key, b->len }) <= 0;
    order[k++] = first ? spare[i++] : spare[j++];
  }
  while (i < half) order[k++] = spare[i++];
  while (j < n) order[k++] = spare[j++];
}

static bool same_key(const struct lq_entry *a, const struct lq_entry *b) {
  return a->hash == b->hash && a->len == b->len && memcmp(a->key, b->key, a->len) == 0;
}

/* A key that comes twice keeps its first place and its last value, as in Ruby. */
static bool hash_finish(struct lq_cx *cx, struct lq_hash *h) {
  if (h->count <= LQ_HASH_SCAN) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->count; i++) {
      uint32_t j = 0;
      while (j < n && !same_key(&h->entries[j], &h->entries[i])) j++;
      if (j < n) h->entries[j].value = h->entries[i].value;
      else h->entries[n++] = h->entries[i];
    }
    h->count = n;
    return true;
  }
  uint32_t *order = lq_alloc(cx, h->count * sizeof *order), *spare = lq_alloc(cx, h->count * sizeof *spare);
  if (!order || !spare) return false;
  for (uint32_t i = 0; i < h->count; i++) order[i] = i;
  sort_order(h->entries, order, spare, h->count);
  bool twice = false;
  for (uint32_t i = 0; i + 1 < h->count; i++) {
    struct lq_entry *a = &h->entries[order[i]], *b = &h->entries[order[i + 1]];
    if (!same_key(a, b)) continue;
    twice = true;
    b->key = NULL; /* the later one goes; its value moves to the place of the first */
    a->value = b->value;
    b->key = a->key;
    b->len |= 1u << 31;
    order[i + 1] = order[i];
  }
  if (twice) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->count; i++)
      if (!(h->entries[i].len >> 31)) h->entries[n++] = h->entries[i];
    h->count = n;
    return hash_finish(cx, h);
  }
  h->order = order;
  return true;
}

bool lq_pair(struct lq_cx *cx, const struct lq_hash *h, uint32_t i, struct lq *out) {
  struct lq *pair = lq_alloc(cx, 2 * sizeof *pair);
  if (!pair) return false;
  pair[0] = lq_str((struct str){ h->entries[i].key, h->entries[i].len });
  pair[1] = h->entries[i].value;
  *out = lq_array(pair, 2);
  return true;
}

/* --- data ------------------------------------------------------------------------------------------------------------ */

static bool number_from_json(struct lq_cx *cx, struct str t, struct lq *out) {
  bool whole = true;
  for (size_t i = 0; i < t.len; i++) whole &= t.ptr[i] == '-' || (t.ptr[i] >= '0' && t.ptr[i] <= '9');
  if (whole) {
    bool negative = *t.ptr == '-';
    if (lq_int_parse(cx, negative, (struct str){ t.ptr + negative, t.len - negative }, out)) return true;
    if (cx->fatal) return false;
    cx->failed = false; /* longer than any number that we count with: its nearest float */
  }
  char text[64], *copy = text;
  if (t.len >= sizeof text && !(copy = lq_alloc(cx, t.len + 1))) return false;
  memcpy(copy, t.ptr, t.len);
  copy[t.len] = 0;
  *out = lq_float(strtod(copy, NULL));
  return true;
}

static bool from_json(struct lq_cx *cx, struct json j, const struct lq *like, struct lq *out);

/* like: the object before this one in its array, or nil. Most have the same keys in the same places, and share them. */
static bool hash_from_json(struct lq_cx *cx, struct json j, const struct lq *like, struct lq *out) {
  static const struct lq nothing = { .type = LQ_NIL };
  uint32_t count = 0;
  for (struct json_walk w = json_walk_of(j.text); json_next(&w);) count++;
  struct lq_hash *h = lq_alloc(cx, sizeof *h);
  if (!h) return false;
  *h = (struct lq_hash){ .count = 0, .entries = lq_alloc(cx, count * sizeof *h->entries) };
  if (!h->entries) return false;
  for (struct json_walk w = json_walk_of(j.text); json_next(&w);) {
    struct str key = json_key(&w, cx->arena);
    struct lq_entry *e = &h->entries[h->count];
    const struct lq_entry *l = like->type == LQ_HASH && h->count < like->hash->count ? &like->hash->entries[h->count] : NULL;
    if (l && !(l->len == key.len && lq_same_key(l->key, key.ptr, l->len))) l = NULL;
    *e = l ? *l : (struct lq_entry){ key.ptr, (uint32_t)key.len, lq_key_hash(key.ptr, key.len), lq_nil() };
    h->count++;
    if (!from_json(cx, w.value, l ? &l->value : &nothing, &e->value)) return false;
  }
  *out = (struct lq){ .type = LQ_HASH, .hash = h };
  return hash_finish(cx, h);
}

static bool array_from_json(struct lq_cx *cx, struct json j, struct lq *out) {
  struct lq_list l = { .cx = cx };
  for (struct json_walk w = json_walk_of(j.text); json_next(&w);) {
    struct lq v;
    struct lq like = l.count ? l.items[l.count - 1] : lq_nil();
    if (!from_json(cx, w.value, &like, &v) || !lq_list_add(&l, v)) return false;
  }
  *out = lq_list_value(&l);
  return true;
}

static bool from_json(struct lq_cx *cx, struct json j, const struct lq *like, struct lq *out) {
  switch (j.type) {
    case JSON_TRUE: *out = lq_bool(true); return true;
    case JSON_FALSE: *out = lq_bool(false); return true;
    case JSON_NUMBER: return number_from_json(cx, j.text, out);
    case JSON_STRING: *out = lq_str(json_string(j, cx->arena)); return true;
    case JSON_ARRAY: return array_from_json(cx, j, out);
    case JSON_OBJECT: return hash_from_json(cx, j, like, out);
    default: *out = lq_nil(); return true;
  }
}

bool lq_from_json(struct lq_cx *cx, struct json j, struct lq *out) {
  struct lq nothing = lq_nil();
  return from_json(cx, j, &nothing, out);
}

/* --- equality and order ---------------------------------------------------------------------------------------------- */

static double number_double(struct lq v) {
  return v.type == LQ_INT ? (double)v.i : v.type == LQ_BIG ? lq_big_double(v.big) : v.n;
}
static bool is_number(struct lq v) { return v.type == LQ_INT || v.type == LQ_FLOAT || v.type == LQ_BIG; }

/* An integer against a float, exactly: beyond 2^53 neither is rounded to the other. */
static int int_float_cmp(int64_t i, double n) {
  if (n >= 9223372036854775808.0) return -1;
  if (n < -9223372036854775808.0) return 1;
  int64_t t = (int64_t)n;
  if (i != t) return i > t ? 1 : -1;
  double rest = n - (double)t;
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

static int number_cmp(struct lq a, struct lq b) {
  if (a.type == LQ_INT && b.type == LQ_INT) return (a.i > b.i) - (a.i < b.i);
  if (a.type == LQ_INT && b.type == LQ_FLOAT) return int_float_cmp(a.i, b.n);
  if (a.type == LQ_FLOAT && b.type == LQ_INT) return -int_float_cmp(b.i, a.n);
  if (a.type == LQ_BIG && b.type == LQ_BIG) return lq_big_cmp(a.big, b.big);
  if (a.type == LQ_BIG && b.type == LQ_INT) return lq_big_negative(a.big) ? -1 : 1;
  if (a.type == LQ_INT && b.type == LQ_BIG) return lq_big_negative(b.big) ? 1 : -1;
  double x = number_double(a), y = number_double(b);
  return (x > y) - (x < y);
}

static bool is_nan(struct lq v) { return v.type == LQ_FLOAT && v.n != v.n; }

/* A search in a large hash takes as long as looking at this many bytes. */
enum { SEARCH_WORK = 128 };

/* Bytes that are compared many at a time count for less. */
static size_t compared(size_t bytes) { return bytes / 8 + 1; }

static bool same(struct lq_cx *cx, struct lq a, struct lq b, bool strict) {
  cx->work += 16;
  if (is_nan(a) || is_nan(b)) return false;
  if (is_number(a) && is_number(b)) return (!strict || (a.type == LQ_FLOAT) == (b.type == LQ_FLOAT)) && number_cmp(a, b) == 0;
  if (a.type != b.type) return false;
  switch (a.type) {
    case LQ_SELF: return a.i == b.i;
    case LQ_NIL: case LQ_BLANK: case LQ_EMPTY: return true;
    case LQ_BOOL: return a.i == b.i;
    case LQ_STR: cx->work += a.len == b.len ? compared(a.len) : 0; return str_eq(lq_text(a), lq_text(b));
    case LQ_ARRAY:
      if (a.len != b.len) return false;
      for (uint32_t i = 0; a.items != b.items && i < a.len; i++)
        if (cx->work > LIMIT_LIQUID_WORK_BYTES || !same(cx, a.items[i], b.items[i], strict)) return false;
      return true;
    case LQ_HASH:
      if (a.hash == b.hash) return true;
      if (a.hash->count != b.hash->count) return false;
      for (uint32_t i = 0; i < a.hash->count; i++) {
        const struct lq_entry *e = &a.hash->entries[i], *f = lq_hash_find(b.hash, (struct str){ e->key, e->len }, e->hash);
        cx->work += b.hash->order ? SEARCH_WORK : 0;
        if (cx->work > LIMIT_LIQUID_WORK_BYTES || !f || !same(cx, e->value, f->value, strict)) return false;
      }
      return true;
    case LQ_RANGE: return a.range->first == b.range->first && a.range->last == b.range->last;
    default: return a.loop == b.loop;
  }
}

bool lq_eql(struct lq_cx *cx, struct lq a, struct lq b) { return same(cx, a, b, true); }

bool lq_equal(struct lq_cx *cx, struct lq a, struct lq b) {
  if (a.type == LQ_BLANK) return b.type != LQ_BLANK && b.type != LQ_EMPTY && lq_is_blank(cx, b);
  if (a.type == LQ_EMPTY) return lq_is_empty(b);
  if (b.type == LQ_BLANK) return lq_is_blank(cx, a);
  if (b.type == LQ_EMPTY) return lq_is_empty(a);
  return same(cx, a, b, false);
}

bool lq_order(struct lq_cx *cx, struct lq a, struct lq b, int *out) {
  cx->work += 16;
  if (is_nan(a) || is_nan(b)) return false;
  if (is_number(a) && is_number(b)) {
    *out = number_cmp(a, b);
    return true;
  }
  if (a.type == LQ_STR && b.type == LQ_STR) {
    cx->work += compared(a.len < b.len ? a.len : b.len);
    *out = str_cmp(lq_text(a), lq_text(b));
    return true;
  }
  if (a.type == LQ_ARRAY && b.type == LQ_ARRAY) {
    for (uint32_t i = 0; i < a.len && i < b.len; i++)
      if (cx->work > LIMIT_LIQUID_WORK_BYTES || !lq_order(cx, a.items[i], b.items[i], out)) return false;
      else if (*out) return true;
    *out = (a.len > b.len) - (a.len < b.len);
    return true;
  }
  *out = 0;
  return a.type == b.type && same(cx, a, b, false);
}

bool lq_is_empty(struct lq v) {
  return (v.type == LQ_STR || v.type == LQ_ARRAY) ? v.len == 0 : v.type == LQ_HASH && v.hash->count == 0;
}

bool lq_is_blank(struct lq_cx *cx, struct lq v) {
  if (v.type == LQ_NIL || (v.type == LQ_BOOL && !v.i)) return true;
  if (v.type != LQ_STR) return lq_is_empty(v);
  uint32_t i = 0;
  while (i < v.len && (v.s[i] == ' ' || (v.s[i] >= '\t' && v.s[i] <= '\r'))) i++;
  cx->work += i;
  return i == v.len;
}

/* --- texts ----------------------------------------------------------------------------------------------------------- */

const char *lq_class(struct lq v) {
  static const char *const names[LQ_TYPE_COUNT] = {
    [LQ_NIL] = "NilClass", [LQ_BOOL] = "", [LQ_INT] = "Integer", [LQ_FLOAT] = "Float", [LQ_BIG] = "Integer",
    [LQ_STR] = "String", [LQ_ARRAY] = "Array", [LQ_HASH] = "Hash", [LQ_RANGE] = "Range", [LQ_LOOP] = "Liquid::ForloopDrop",
    [LQ_ROWLOOP] = "Liquid::TablerowloopDrop", [LQ_SELF] = "Liquid::SelfDrop", [LQ_BLANK] = "", [LQ_EMPTY] = "",
  };
  return v.type == LQ_BOOL ? (v.i ? "TrueClass" : "FalseClass") : names[v.type];
}

/* Ruby prints these code points of a string as they are. */
static bool is_printable(uint32_t p) {
  return p >= 0xa0 && p != 0x2028 && p != 0x2029 && (p & 0xfffe) != 0xfffe && !(p >= 0xfdd0 && p <= 0xfdef);
}

static bool inspect_str(struct lq_buf *b, struct str s) {
  if (!lq_buf_byte(b, '"')) return false;
  for (size_t i = 0; i < s.len;) {
    unsigned char c = (unsigned char)s.ptr[i];
    char text[16];
    size_t n = 1, len = 0;
    const char *found = NULL;
    static const char codes[] = "\nn\tt\ff\rr\vv\bb\aa\033e\"\"\\\\";
    for (size_t k = 0; k + 1 < sizeof codes - 1; k += 2)
      if (codes[k] == (char)c) found = &codes[k + 1];
    if (found) {
      len = (size_t)snprintf(text, sizeof text, "\\%c", *found);
    } else if (c == '#' && i + 1 < s.len && (s.ptr[i + 1] == '{' || s.ptr[i + 1] == '$' || s.ptr[i + 1] == '@')) {
      len = (size_t)snprintf(text, sizeof text, "\\#");
    } else if (c >= 0x20 && c < 0x7f) {
      text[0] = (char)c;
      len = 1;
    } else {
      uint32_t point;
      n = utf8_decode((struct str){ s.ptr + i, s.len - i }, &point);
      if (n == 0) {
        n = 1;
        len = (size_t)snprintf(text, sizeof text, "\\x%02X", c);
      } else if (is_printable(point)) {
        memcpy(text, s.ptr + i, n);
        len = n;
      } else {
        len = (size_t)snprintf(text, sizeof text, c < 0x80 ? "\\x%02X" : point > 0xffff ? "\\u{%X}" : "\\u%04X", point);
        if (c < 0x80) len = (size_t)snprintf(text, sizeof text, "\\u%04X", point);
      }
    }
    if (!lq_buf_add(b, text, len)) return false;
    i += n;
  }
  return lq_buf_byte(b, '"');
}

static bool print_scalar(struct lq_buf *b, struct lq v) {
  char text[72];
  size_t n = 0;
  switch (v.type) {
    case LQ_BOOL: return lq_buf_str(b, v.i ? STR("true") : STR("false"));
    case LQ_INT: n = lq_int_print(v.i, text); break;
    case LQ_FLOAT: n = lq_float_print(v.n, text); break;
    case LQ_BIG: return lq_big_print(b, v.big);
    case LQ_RANGE:
      n = lq_int_print(v.range->first, text);
      text[n++] = '.';
      text[n++] = '.';
      n += lq_int_print(v.range->last, text + n);
      break;
    default: return lq_buf_str(b, str_from_c(v.type == LQ_NIL ? "" : lq_class(v)));
  }
  return lq_buf_add(b, text, n);
}

bool lq_inspect(struct lq_buf *b, struct lq v) {
  switch (v.type) {
    case LQ_NIL: return lq_buf_str(b, STR("nil"));
    case LQ_STR: return inspect_str(b, lq_text(v));
    case LQ_ARRAY:
      if (!lq_buf_byte(b, '[')) return false;
      for (uint32_t i = 0; i < v.len; i++)
        if ((i && !lq_buf_str(b, STR(", "))) || !lq_inspect(b, v.items[i])) return false;
      return lq_buf_byte(b, ']');
    case LQ_HASH:
      if (!lq_buf_byte(b, '{')) return false;
      for (uint32_t i = 0; i < v.hash->count; i++) {
        const struct lq_entry *e = &v.hash->entries[i];
        if ((i && !lq_buf_str(b, STR(", "))) || !inspect_str(b, (struct str){ e->key, e->len })) return false;
        if (!lq_buf_str(b, STR("=>")) || !lq_inspect(b, e->value)) return false;
      }
      return lq_buf_byte(b, '}');
    default: return print_scalar(b, v);
  }
}

bool lq_print(struct lq_buf *b, struct lq v) {
  if (v.type == LQ_STR) return lq_buf_str(b, lq_text(v));
  if (v.type == LQ_ARRAY || v.type == LQ_HASH) return lq_inspect(b, v);
  return print_scalar(b, v);
}

bool lq_to_s(struct lq_cx *cx, struct lq v, struct str *out) {
  if (v.type == LQ_STR) {
    *out = lq_text(v);
    return true;
  }
  struct lq_buf b = { .cx = cx };
  if (!lq_print(&b, v)) return false;
  *out = (struct str){ b.data ? b.data : "", b.len };
  return true;
}
