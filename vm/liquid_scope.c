/* The renderer's variables, and what templates can ask of a value; see liquid_machine.h.
 *
 * Invariants:
 * 1. A slot counts only where its frame is the present one: a new frame is empty without any clearing.
 * 2. What an inner scope hides is in `tops` and comes back when the scope ends; what a `render` hides is in `bases`. */
#include "liquid_machine.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "liquid_number.h"

void lq_grow(void **items, uint32_t *cap, uint32_t count, size_t item_bytes) {
  if (count < *cap) return;
  uint32_t want = *cap ? *cap : 16;
  while (want <= count) want *= 2;
  void *more = realloc(*items, want * item_bytes);
  CHECK(more);
  memset((char *)more + *cap * item_bytes, 0, (want - *cap) * item_bytes);
  *items = more;
  *cap = want;
}

/* --- variables ------------------------------------------------------------------------------------------------------- */

static struct lq data_member(struct lq_renderer *r, struct str name, uint32_t hash) {
  if (r->data.type != LQ_HASH) return lq_nil();
  const struct lq_entry *e = lq_hash_find(r->data.hash, name, hash);
  return e ? e->value : lq_nil();
}

/* Not bound by the template: a counter, then the data. */
static struct lq outside(struct lq_renderer *r, struct lq_slot *s, uint32_t name) {
  if (s->counter_frame == r->frame) return lq_int(s->counter);
  const struct lq_name *n = &r->unit->names[name];
  s->data = data_member(r, n->text, n->hash);
  if (s->data.type == LQ_NIL && n->self) return (struct lq){ .type = LQ_SELF, .i = r->frame };
  s->data_gen = r->gen;
  return s->data;
}

const struct lq *lq_var_find(struct lq_renderer *r, uint32_t name) {
  struct lq_slot *s = &r->slots[name];
  if (s->top_frame == r->frame) s->now = s->top;
  else if (s->base_frame == r->frame) s->now = s->base;
  else if (s->data_gen == r->gen && s->counter_frame != r->frame) s->now = s->data;
  else s->now = outside(r, s, name);
  s->now_frame = r->frame;
  return &s->now;
}

uint32_t lq_name_find(struct lq_renderer *r, struct str name) {
  const struct lq_unit *u = r->unit;
  r->cx.work += u->name_count / 2;
  uint32_t hash = lq_key_hash(name.ptr, name.len);
  for (uint32_t i = 0; i < u->name_count; i++)
    if (u->names[i].hash == hash && str_eq(u->names[i].text, name)) return i;
  return LQ_NONE;
}

bool lq_var_text(struct lq_renderer *r, struct str name, struct lq *out) {
  uint32_t i = lq_name_find(r, name);
  uint32_t hash = lq_key_hash(name.ptr, name.len);
  bool in_data = r->data.type == LQ_HASH && lq_hash_find(r->data.hash, name, hash);
  if (i == LQ_NONE) {
    *out = data_member(r, name, hash);
    if (!in_data && str_is(name, "self")) *out = (struct lq){ .type = LQ_SELF, .i = r->frame };
    return in_data;
  }
  *out = *lq_var(r, i);
  const struct lq_slot *s = &r->slots[i];
  return in_data || s->top_frame == r->frame || s->base_frame == r->frame || s->counter_frame == r->frame;
}

static void save(struct lq_undo **list, uint32_t *count, uint32_t *cap, uint32_t name, const struct lq_slot *s) {
  lq_grow((void **)list, cap, *count, sizeof **list);
  (*list)[(*count)++] = (struct lq_undo){ name, *s };
}

void lq_bind_top(struct lq_renderer *r, uint32_t name, struct lq v) {
  struct lq_slot *s = &r->slots[name];
  save(&r->tops, &r->top_count, &r->top_cap, name, s);
  s->top = s->now = v;
  s->top_frame = s->now_frame = r->frame;
}

/* What a frame writes outside its scopes is saved before its first write, so that the frame around finds its own again. */
struct lq_slot *lq_slot_write(struct lq_renderer *r, uint32_t name, uint32_t written_frame) {
  struct lq_slot *s = &r->slots[name];
  if (r->renders && written_frame != r->frame) save(&r->bases, &r->base_count, &r->base_cap, name, s);
  return s;
}

void lq_bind_base(struct lq_renderer *r, uint32_t name, struct lq v) {
  struct lq_slot *s = &r->slots[name];
  lq_slot_write(r, name, s->base_frame);
  s->base = v;
  s->base_frame = r->frame;
  s->now_frame = 0;
}

void lq_undo_tops(struct lq_renderer *r, uint32_t mark) {
  while (r->top_count > mark) {
    const struct lq_undo *u = &r->tops[--r->top_count];
    r->slots[u->name].top = u->slot.top;
    r->slots[u->name].top_frame = u->slot.top_frame;
    r->slots[u->name].now_frame = 0;
  }
}

void lq_undo_bases(struct lq_renderer *r, uint32_t mark) {
  while (r->base_count > mark) {
    const struct lq_undo *u = &r->bases[--r->base_count];
    struct lq_slot *s = &r->slots[u->name];
    s->base = u->slot.base, s->base_frame = u->slot.base_frame;
    s->counter = u->slot.counter, s->counter_frame = u->slot.counter_frame;
    s->offset = u->slot.offset, s->offset_frame = u->slot.offset_frame;
    s->now_frame = 0;
  }
}

/* --- parts of values ------------------------------------------------------------------------------------------------- */

static struct lq loop_part(struct lq v, uint8_t part) {
  const struct lq_loop *l = v.loop;
  bool row = v.type == LQ_ROWLOOP;
  switch (part) {
    case LQ_LOOP_INDEX: return lq_int(l->index + 1);
    case LQ_LOOP_INDEX0: return lq_int(l->index);
    case LQ_LOOP_RINDEX: return lq_int(l->length - l->index);
    case LQ_LOOP_RINDEX0: return lq_int(l->length - l->index - 1);
    case LQ_LOOP_FIRST: return lq_bool(l->index == 0);
    case LQ_LOOP_LAST: return lq_bool(l->index == l->length - 1);
    case LQ_LOOP_LENGTH: return lq_int(l->length);
    case LQ_LOOP_NAME: return row ? lq_nil() : lq_str(l->name);
    case LQ_LOOP_PARENT: return row || !l->parent ? lq_nil() : (struct lq){ .type = LQ_LOOP, .loop = l->parent };
    case LQ_LOOP_COL: return row ? lq_int(l->col) : lq_nil();
    case LQ_LOOP_COL0: return row ? lq_int(l->col - 1) : lq_nil();
    case LQ_LOOP_ROW: return row ? lq_int(l->row) : lq_nil();
    case LQ_LOOP_COL_FIRST: return row ? lq_bool(l->col == 1) : lq_nil();
    case LQ_LOOP_COL_LAST: return row ? lq_bool(l->col == l->cols) : lq_nil();
    default: return lq_nil();
  }
}

/* A variable as another frame sees it: its places may be hidden by what runs now. */
static struct lq frame_var(struct lq_renderer *r, uint32_t frame, struct str name) {
  uint32_t i = lq_name_find(r, name);
  if (i != LQ_NONE) {
    const struct lq_slot *s = &r->slots[i];
    if (s->top_frame == frame) return s->top;
    for (uint32_t k = r->top_count; k-- > 0;)
      if (r->tops[k].name == i && r->tops[k].slot.top_frame == frame) return r->tops[k].slot.top;
    if (s->base_frame == frame) return s->base;
    for (uint32_t k = r->base_count; k-- > 0;) {
      const struct lq_slot *b = &r->bases[k].slot;
      if (r->bases[k].name == i && b->base_frame == frame) return b->base;
      if (r->bases[k].name == i && b->counter_frame == frame) return lq_int(b->counter);
    }
    if (s->counter_frame == frame) return lq_int(s->counter);
  }
  return data_member(r, name, lq_key_hash(name.ptr, name.len));
}

struct lq lq_part(void *renderer, struct lq v, struct str name) {
  struct lq_renderer *r = renderer;
  struct lq out;
  if (v.type == LQ_LOOP || v.type == LQ_ROWLOOP) return loop_part(v, lq_name_of(name).loop);
  if (v.i != r->frame) return frame_var(r, (uint32_t)v.i, name);
  lq_var_text(r, name, &out);
  return out;
}

static bool command_of(struct lq_renderer *r, struct lq v, uint8_t command, struct lq *out) {
  *out = lq_nil();
  if (command == LQ_COMMAND_SIZE) {
    if (v.type == LQ_FLOAT || v.type < LQ_INT || v.type > LQ_RANGE) return true;
    return lq_work(&r->cx, v.type == LQ_STR ? v.len : 0) && filter_size(&r->env, &v, 1, out);
  }
  return command == LQ_COMMAND_FIRST ? filter_first(&r->env, &v, 1, out) : filter_last(&r->env, &v, 1, out);
}

bool lq_prop(struct lq_renderer *r, struct lq v, uint32_t name, bool command, uint32_t cache, struct lq *out) {
  const struct lq_name *n = &r->unit->names[name];
  if (v.type == LQ_HASH) {
    const struct lq_entry *e = lq_cached(r, v.hash, n, cache);
    if (e) {
      *out = e->value;
      return true;
    }
    e = lq_hash_find(v.hash, n->text, n->hash);
    if (e) {
      r->cache[cache].at = (uint32_t)(e - v.hash->entries);
      *out = e->value;
      return true;
    }
  } else if (v.type == LQ_LOOP || v.type == LQ_ROWLOOP) {
    *out = loop_part(v, n->loop);
    return true;
  } else if (v.type == LQ_SELF) {
    *out = lq_part(r, v, n->text);
    return true;
  }
  if (command && n->command) return command_of(r, v, n->command, out);
  *out = lq_nil();
  return true;
}

bool lq_index(struct lq_renderer *r, struct lq v, struct lq key, struct lq *out) {
  *out = lq_nil();
  if (key.type == LQ_STR && v.type == LQ_HASH) {
    const struct lq_entry *e = lq_hash_find(v.hash, lq_text(key), lq_key_hash(key.s, key.len));
    if (e) *out = e->value;
  } else if (key.type == LQ_STR && (v.type == LQ_LOOP || v.type == LQ_ROWLOOP)) {
    *out = loop_part(v, lq_name_of(lq_text(key)).loop);
  } else if (key.type == LQ_STR && v.type == LQ_SELF) {
    *out = lq_part(r, v, lq_text(key));
  } else if (key.type == LQ_INT && v.type == LQ_ARRAY) {
    int64_t i = key.i < 0 ? key.i + v.len : key.i;
    if (i >= 0 && i < v.len) *out = v.items[i];
  }
  return true;
}

/* --- comparing ------------------------------------------------------------------------------------------------------- */

static bool comparable(struct lq v) { return v.type >= LQ_INT && v.type <= LQ_STR; }

static bool contains(struct lq_renderer *r, struct lq a, struct lq b, bool *out) {
  struct str s;
  *out = false;
  if (!lq_true(a) || !lq_true(b)) return true;
  switch (a.type) {
    case LQ_STR:
      if (b.type == LQ_BLANK || b.type == LQ_EMPTY) b = lq_str(STR(""));
      if (!lq_to_s(&r->cx, b, &s)) return false;
      if (!lq_work(&r->cx, a.len)) return false;
      *out = s.len == 0 || memmem(a.s, a.len, s.ptr, s.len);
      return true;
    case LQ_ARRAY:
      for (uint32_t i = 0; i < a.len && !*out; i++) *out = b.type != LQ_BLANK && b.type != LQ_EMPTY && lq_equal(&r->cx, a.items[i], b);
      return lq_work(&r->cx, 0);
    case LQ_HASH:
      *out = b.type == LQ_STR && lq_hash_find(a.hash, lq_text(b), lq_key_hash(b.s, b.len));
      return true;
    case LQ_RANGE:
      if (b.type == LQ_INT) *out = b.i >= a.range->first && b.i <= a.range->last;
      if (b.type == LQ_FLOAT) *out = b.n >= (double)a.range->first && b.n <= (double)a.range->last;
      return true;
    default: return true;
  }
}

bool lq_compare(struct lq_renderer *r, struct lq a, struct lq b, uint32_t how, bool *out) {
  int order;
  if (a.type == LQ_STR && b.type == LQ_STR && how <= LQ_NE) { /* most comparisons of messages */
    *out = (a.len == b.len && memcmp(a.s, b.s, a.len) == 0) == (how == LQ_EQ);
    return lq_work(&r->cx, 8 + a.len / 8);
  }
  if (a.type == LQ_INT && b.type == LQ_INT && how <= LQ_GE) {
    order = (a.i > b.i) - (a.i < b.i);
    *out = how == LQ_EQ ? order == 0 : how == LQ_NE ? order != 0 : how == LQ_LT ? order < 0 : how == LQ_GT ? order > 0 : how == LQ_LE ? order <= 0 : order >= 0;
    return true;
  }
  switch (how) {
    case LQ_EQ: *out = lq_equal(&r->cx, a, b); return lq_work(&r->cx, 0);
    case LQ_NE: *out = !lq_equal(&r->cx, a, b); return lq_work(&r->cx, 0);
    case LQ_CONTAINS: return contains(r, a, b, out);
    default: break;
  }
  *out = false;
  if (!comparable(a) || !comparable(b)) return true;
  if (!lq_order(&r->cx, a, b, &order)) {
    if (a.type != LQ_STR && b.type != LQ_STR) return true; /* no number is before or behind NaN */
    struct str with = str_from_c(lq_class(b));
    if ((b.type == LQ_INT || b.type == LQ_FLOAT) && !lq_to_s(&r->cx, b, &with)) return false;
    return lq_fail(&r->cx, "comparison of %s with " STR_FMT " failed", lq_class(a), STR_ARG(with));
  }
  *out = how == LQ_LT ? order < 0 : how == LQ_GT ? order > 0 : how == LQ_LE ? order <= 0 : order >= 0;
  return true;
}

static bool range_bound(struct lq_renderer *r, struct lq v, int64_t *out) {
  if (v.type == LQ_NIL) {
    *out = 0;
    return true;
  }
  if (v.type == LQ_STR && !lq_to_i(&r->cx, lq_text(v), &v)) return false;
  return lq_to_integer(&r->cx, v, out);
}

bool lq_make_range(struct lq_renderer *r, struct lq first, struct lq last, struct lq *out) {
  struct lq_range *range = lq_alloc(&r->cx, sizeof *range);
  if (!range || !range_bound(r, first, &range->first) || !range_bound(r, last, &range->last)) return false;
  *out = (struct lq){ .type = LQ_RANGE, .range = range };
  return true;
}
