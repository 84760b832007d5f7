#ifndef CAMP_VM_LIQUID_VALUE_H
#define CAMP_VM_LIQUID_VALUE_H
/* What a Liquid template computes with. Not vm/value.h: Liquid has no units, dates or money, but nil, hashes in order,
 * ranges, and integers of any size, and it compares and prints as Ruby does, which is what templates in the world expect.
 *
 * Values are 16 bytes, immutable, and borrow from the data, from the template or from the render's arena; whoever keeps
 * one longer than the arena copies it.
 *
 * What may go wrong returns false and leaves the reason in `struct lq_cx`: an ordinary error (the template's, it is
 * printed or fails the message) or a fatal one (a limit was met: nothing of this render is good). Memory is taken by
 * lq_alloc alone, which counts it, so that no template grows beyond LIMIT_LIQUID_MEMORY_BYTES. */
#include <stdarg.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "base/limits.h"

enum lq_type {
  LQ_NIL, LQ_BOOL, LQ_INT, LQ_FLOAT, LQ_BIG, LQ_STR, LQ_ARRAY, LQ_HASH, LQ_RANGE,
  LQ_LOOP,     /* `forloop` */
  LQ_ROWLOOP,  /* `tablerowloop` */
  LQ_SELF,     /* `self`: the variables themselves, of frame i */
  LQ_BLANK, LQ_EMPTY, /* the words, in comparisons only */
  LQ_TYPE_COUNT
};

struct lq_hash;
struct lq_big;
struct lq_loop;
struct lq_range { int64_t first, last; };
struct lq {
  uint8_t type;
  uint8_t safe;    /* LQ_STR: HTML that needs no escape */
  uint16_t spare;
  uint32_t len;    /* LQ_STR: bytes; LQ_ARRAY: items */
  union {
    int64_t i;     /* LQ_INT, LQ_BOOL */
    double n;
    const char *s;
    const struct lq *items;
    const struct lq_hash *hash;
    const struct lq_big *big;
    const struct lq_range *range;
    struct lq_loop *loop;
  };
};
_Static_assert(sizeof(struct lq) == 16, "values travel in two registers");

struct lq_entry { const char *key; uint32_t len, hash; struct lq value; };
/* Entries in the order of the data. Beyond LQ_HASH_SCAN, `order` sorts them by hash and bytes: keys come from outside,
 * and whoever makes hashes collide only makes a search compare more bytes, never scan. */
enum { LQ_HASH_SCAN = 12 };
struct lq_hash {
  uint32_t count;
  const uint32_t *order; /* NULL in small ones */
  struct lq_entry *entries;
};
struct lq_loop {
  struct str name;
  int64_t length, index;
  struct lq_loop *parent;
  int64_t row, col, cols; /* LQ_ROWLOOP */
};

struct lq_cx {
  struct arena *arena;
  size_t allocated, allocated_max;
  uint64_t work;     /* bytes looked at; see lq_work */
  bool failed, fatal;
  struct str error;  /* the reason, while failed */
};

/* Memory of the render's arena; NULL, and fatal, when the render has had its share. */
void *lq_alloc(struct lq_cx *cx, size_t bytes) MUST_CHECK;
/* As printf, for %s %.*s %d %u and %% alone; a text with NUL in it is whole. */
struct str lq_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str lq_vprintf(struct arena *a, size_t most, const char *fmt, va_list args);
bool lq_fail(struct lq_cx *cx, const char *fmt, ...) PRINTF_LIKE(2, 3); /* always false */
bool lq_fatal(struct lq_cx *cx, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Counts n bytes that are looked at: steps and memory do not bound a render that reads one long text again and again. False, and
 * fatal, when the render has looked at its share. What cannot fail only adds to `work`; the next lq_work notices. */
bool lq_overworked(struct lq_cx *cx); /* always false */
static inline bool lq_work(struct lq_cx *cx, size_t n) {
  cx->work += n;
  return cx->work <= LIMIT_LIQUID_WORK_BYTES || lq_overworked(cx);
}

static inline struct lq lq_nil(void) { return (struct lq){ .type = LQ_NIL }; }
static inline struct lq lq_bool(bool b) { return (struct lq){ .type = LQ_BOOL, .i = b }; }
static inline struct lq lq_int(int64_t i) { return (struct lq){ .type = LQ_INT, .i = i }; }
static inline struct lq lq_float(double n) { return (struct lq){ .type = LQ_FLOAT, .n = n }; }
static inline struct lq lq_str(struct str s) {
  return (struct lq){ .type = LQ_STR, .len = (uint32_t)s.len, .s = s.ptr ? s.ptr : "" };
}
static inline struct lq lq_array(const struct lq *items, uint32_t count) {
  return (struct lq){ .type = LQ_ARRAY, .len = count, .items = items };
}
static inline struct str lq_text(struct lq v) { return (struct str){ v.s, v.len }; }
static inline bool lq_true(struct lq v) { return v.type > LQ_BOOL || (v.type == LQ_BOOL && v.i); }

/* A growing text of the arena. */
struct lq_buf { struct lq_cx *cx; char *data; size_t len, cap; };
bool lq_buf_room(struct lq_buf *b, size_t more) MUST_CHECK;
static inline bool lq_buf_add(struct lq_buf *b, const char *bytes, size_t len) {
  if (!len) return true;
  if (b->cap - b->len < len && !lq_buf_room(b, len)) return false;
  char *to = b->data + b->len;
  b->len += len;
  memcpy(to, bytes, len);
  return true;
}
static inline bool lq_buf_str(struct lq_buf *b, struct str s) { return lq_buf_add(b, s.ptr, s.len); }
static inline bool lq_buf_byte(struct lq_buf *b, char c) { return lq_buf_add(b, &c, 1); }
static inline struct lq lq_buf_value(const struct lq_buf *b) { return lq_str((struct str){ b->data, b->len }); }

/* A growing array of the arena. */
struct lq_list { struct lq_cx *cx; struct lq *items; uint32_t count, cap; };
bool lq_list_add(struct lq_list *l, struct lq v) MUST_CHECK;
static inline struct lq lq_list_value(const struct lq_list *l) { return lq_array(l->items, l->count); }

/* Hashes of keys, the same at compile time and in data. */
static inline uint32_t lq_key_hash(const char *s, size_t len) {
  uint64_t h = len * 0x9e3779b97f4a7c15u;
  while (len >= 8) {
    uint64_t w;
    memcpy(&w, s, 8);
    h = (h ^ w) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    s += 8; len -= 8;
  }
  uint64_t w = 0;
  for (size_t i = 0; i < len; i++) w = w << 8 | (unsigned char)s[i];
  h = (h ^ w) * 0xff51afd7ed558ccdu;
  return (uint32_t)(h ^ h >> 32);
}
/* Keys are short: two loads that may overlap, and no call, for up to 16 bytes. */
static inline bool lq_same_key(const char *a, const char *b, size_t n) {
  uint64_t x, y, v, w;
  uint32_t p, q, s, t;
  if (n > 16) return memcmp(a, b, n) == 0;
  if (n >= 8) {
    memcpy(&x, a, 8), memcpy(&y, b, 8), memcpy(&v, a + n - 8, 8), memcpy(&w, b + n - 8, 8);
    return x == y && v == w;
  }
  if (n >= 4) {
    memcpy(&p, a, 4), memcpy(&q, b, 4), memcpy(&s, a + n - 4, 4), memcpy(&t, b + n - 4, 4);
    return p == q && s == t;
  }
  return n == 0 || (a[0] == b[0] && a[n - 1] == b[n - 1] && a[n / 2] == b[n / 2]);
}
const struct lq_entry *lq_hash_find(const struct lq_hash *h, struct str key, uint32_t hash);

/* Checked JSON as a value; false only when memory ends. */
bool lq_from_json(struct lq_cx *cx, struct json j, struct lq *out) MUST_CHECK;

/* `==` of templates; and Ruby's eql?, which tells 1 from 1.0. Beyond the work of a render nothing is equal. */
bool lq_equal(struct lq_cx *cx, struct lq a, struct lq b);
bool lq_eql(struct lq_cx *cx, struct lq a, struct lq b);
/* Ruby's <=>; false when the two do not compare. */
bool lq_order(struct lq_cx *cx, struct lq a, struct lq b, int *out);
bool lq_is_blank(struct lq_cx *cx, struct lq v);
bool lq_is_empty(struct lq v);
/* As the reference's to_s: what `append` and its like see of any value. Strings borrow. */
bool lq_to_s(struct lq_cx *cx, struct lq v, struct str *out) MUST_CHECK;
bool lq_print(struct lq_buf *b, struct lq v) MUST_CHECK;   /* the same, appended */
bool lq_inspect(struct lq_buf *b, struct lq v) MUST_CHECK; /* as it stands inside an array or hash */
const char *lq_class(struct lq v); /* Ruby's name of it, for messages */
/* The i-th entry as the [key, value] that loops see. */
bool lq_pair(struct lq_cx *cx, const struct lq_hash *h, uint32_t i, struct lq *out) MUST_CHECK;
static inline int64_t lq_range_count(const struct lq_range *r) { /* at most INT64_MAX */
  if (r->last < r->first) return 0;
  uint64_t n = (uint64_t)r->last - (uint64_t)r->first;
  return n >= INT64_MAX ? INT64_MAX : (int64_t)n + 1;
}
#endif
