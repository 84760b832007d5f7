#ifndef CAMP_VM_LIQUID_MACHINE_H
#define CAMP_VM_LIQUID_MACHINE_H
/* The renderer's inside, shared by liquid_render.c (the loop), liquid_scope.c (variables and what hangs on values) and
 * liquid_control.c (loops, cases, snippets). */
#include "liquid_render.h"

/* A variable by its name's number. Scopes nest, but a name has at most two places that matter: the outermost scope of the
 * frame, which `assign` writes (base), and the innermost that binds it (top). Inner scopes save what they hide. A frame is
 * a render without `render` around it, or one `render`: places of other frames do not count. */
struct lq_slot {
  struct lq now;         /* what the name means in now_frame, as it was last found; each change of its places renews or forgets it */
  uint32_t now_frame;
  uint32_t top_frame, base_frame, data_gen, counter_frame, offset_frame;
  struct lq top, base, data;
  int64_t counter, offset; /* increment; where `offset: continue` goes on */
};
struct lq_undo { uint32_t name; struct lq_slot slot; };
enum lq_control_kind { LQ_CTL_FOR, LQ_CTL_ROW, LQ_CTL_CAPTURE, LQ_CTL_CHANGED, LQ_CTL_CASE, LQ_CTL_INCLUDE, LQ_CTL_RENDER };
struct lq_control {
  uint8_t kind;
  bool matched, started;
  uint32_t site, undo;       /* undo: tops hidden before this scope */
  struct lq value;           /* the collection; what a case compares; the snippet's variable */
  int64_t index, count, start, step;
  struct lq_loop *loop;
  size_t out;                /* capture: where the output stood */
  uint32_t repeat;
  /* calls */
  uint32_t template, caller, return_pc, prev_call, args;
  struct lq *arguments;
  uint32_t frame, base_undo, base_depth, scopes, interrupts;
  struct lq_loop *loops;
  struct str changed;
  bool has_changed;
};
/* Where a place of the template found its property last. Objects of one array share the keys' texts (lq_from_json), so that in one
 * render the same key is told by its address. */
struct lq_cache { const char *key; uint32_t at, gen; };
struct lq_load { uint32_t gen; bool trimmed; };
struct lq_cycle { struct lq key; uint32_t frame, next; };

struct lq_renderer {
  struct arena arena;
  struct lq_cx cx;
  struct lq_env env;
  struct lq_settings settings;
  const struct lq_unit *unit;
  char *out; size_t out_len, out_cap, out_max, out_room; /* room: the smaller of the two */
  uint32_t captures;               /* open ones: what they hold does not count as length */
  uint64_t assigned, assigned_all; /* the reference's scores of assignments */
  struct lq_slot *slots; uint32_t slot_cap;
  struct lq_cache *cache; uint32_t cache_cap;
  struct lq_undo *tops, *bases; uint32_t top_count, top_cap, base_count, base_cap;
  struct lq_control *control; uint32_t control_count, control_cap;
  struct lq_cycle *cycles; uint32_t cycle_count, cycle_cap;
  struct lq stack[LIMIT_LIQUID_STACK_COUNT];
  struct lq data;
  uint32_t frame, last_frame, gen;
  uint32_t base_depth, scopes;     /* as the reference counts its depth */
  uint32_t template, call;         /* call: the control of the snippet that runs; LQ_NONE */
  bool returning;                  /* DONE came back to CALL or RENDER */
  uint8_t interrupt[64]; uint32_t interrupts, interrupts_base;
  struct lq_load *loads; uint32_t load_cap; bool dash; /* how templates were read; whether the last read ended in a dash */
  uint32_t forloop, rowloop;       /* names, once looked for; LQ_NONE before */
  uint32_t renders;                /* inside how many `render`: `include` is refused there */
  uint64_t score, total, steps;    /* the reference's two scores; ours, which counts empty bodies too */
  struct lq_loop *loops;
  struct str changed; bool has_changed;
  struct str *errors; uint32_t error_count, error_cap;
  bool full;                       /* the text met its limit */
  bool aborted;                    /* by {% abort_message %} */
  bool whole_error;                /* cx.error is a sentence with its own prefix */
};
enum { LQ_BREAK = 1, LQ_CONTINUE = 2 };

/* --- output */
bool lq_out_room(struct lq_renderer *r, size_t more);
void lq_out_limit(struct lq_renderer *r); /* after captures has changed */
/* Texts of templates are short: two copies that may overlap, and no call. */
static inline void lq_copy(char *to, const char *from, size_t n) {
  struct { uint64_t a, b; } x, y;
  uint64_t p, q;
  uint32_t s, t;
  if (n >= 32) {
    memcpy(to, from, n);
  } else if (n >= 16) {
    memcpy(&x, from, 16), memcpy(&y, from + n - 16, 16);
    memcpy(to, &x, 16), memcpy(to + n - 16, &y, 16);
  } else if (n >= 8) {
    memcpy(&p, from, 8), memcpy(&q, from + n - 8, 8);
    memcpy(to, &p, 8), memcpy(to + n - 8, &q, 8);
  } else if (n >= 4) {
    memcpy(&s, from, 4), memcpy(&t, from + n - 4, 4);
    memcpy(to, &s, 4), memcpy(to + n - 4, &t, 4);
  } else if (n) {
    char a = from[0], b = from[n / 2], c = from[n - 1];
    to[0] = a, to[n / 2] = b, to[n - 1] = c;
  }
}
static inline bool lq_out(struct lq_renderer *r, const char *bytes, size_t len) {
  if (r->out_room - r->out_len < len && !lq_out_room(r, len)) return false;
  char *to = r->out + r->out_len;
  r->out_len += len;
  lq_copy(to, bytes, len);
  return true;
}
bool lq_out_value(struct lq_renderer *r, struct lq v, bool escape);
void lq_grow(void **items, uint32_t *cap, uint32_t count, size_t item_bytes);

/* --- variables */
const struct lq *lq_var_find(struct lq_renderer *r, uint32_t name);
static inline const struct lq *lq_var(struct lq_renderer *r, uint32_t name) { /* until something is bound or counted */
  const struct lq_slot *s = &r->slots[name];
  return s->now_frame == r->frame ? &s->now : lq_var_find(r, name);
}
bool lq_var_text(struct lq_renderer *r, struct str name, struct lq *out); /* by a computed name; false: there is none */
struct lq lq_part(void *renderer, struct lq v, struct str name);
uint32_t lq_name_find(struct lq_renderer *r, struct str name);
void lq_bind_top(struct lq_renderer *r, uint32_t name, struct lq v);
void lq_bind_base(struct lq_renderer *r, uint32_t name, struct lq v);
/* For counters and offsets, saved for the frame's end; written_frame: the slot's frame of what is to be written. */
struct lq_slot *lq_slot_write(struct lq_renderer *r, uint32_t name, uint32_t written_frame);
void lq_undo_tops(struct lq_renderer *r, uint32_t mark);
void lq_undo_bases(struct lq_renderer *r, uint32_t mark);
/* The entry where this place of the template found it last, when it is that again. */
static inline const struct lq_entry *lq_cached(const struct lq_renderer *r, const struct lq_hash *h, const struct lq_name *n, uint32_t cache) {
  struct lq_cache *c = &r->cache[cache];
  const struct lq_entry *e = &h->entries[c->at];
  if (c->at >= h->count || e->len != n->text.len) return NULL;
  if (e->key == c->key && c->gen == r->gen) return e;
  if (e->hash != n->hash || !lq_same_key(e->key, n->text.ptr, e->len)) return NULL;
  c->key = e->key, c->gen = r->gen;
  return e;
}
bool lq_prop(struct lq_renderer *r, struct lq object, uint32_t name, bool command, uint32_t cache, struct lq *out);
bool lq_index(struct lq_renderer *r, struct lq object, struct lq key, struct lq *out);
bool lq_compare(struct lq_renderer *r, struct lq a, struct lq b, uint32_t how, bool *out);
bool lq_make_range(struct lq_renderer *r, struct lq first, struct lq last, struct lq *out);

/* --- control; each gets the pc of its instruction and may move it */
struct lq_control *lq_control_push(struct lq_renderer *r, enum lq_control_kind kind);
struct lq_control *lq_control_top(struct lq_renderer *r, enum lq_control_kind kind); /* NULL, and fatal, when another is */
void lq_control_pop(struct lq_renderer *r);
bool lq_for(struct lq_renderer *r, const struct lq *args, uint32_t *pc);
bool lq_next(struct lq_renderer *r, uint32_t *pc);
bool lq_row(struct lq_renderer *r, const struct lq *args, uint32_t *pc);
bool lq_next_row(struct lq_renderer *r, uint32_t *pc);
bool lq_cycle(struct lq_renderer *r, struct lq key, uint32_t ways, uint32_t *way);
bool lq_include(struct lq_renderer *r, uint32_t site, struct lq name, struct lq with);
bool lq_call(struct lq_renderer *r, uint32_t *pc);
bool lq_render_begin(struct lq_renderer *r, uint32_t site, const struct lq *args, uint32_t pc);
bool lq_render_next(struct lq_renderer *r, uint32_t *pc);
static inline uint32_t lq_site_args(const struct lq_site *s) { /* how many values a loop's instruction pops */
  return 1u + !!(s->flags & LQ_SITE_LIMIT) + !!(s->flags & LQ_SITE_OFFSET) + !!(s->flags & LQ_SITE_COLS);
}
bool lq_damaged(struct lq_renderer *r); /* fatal: code that no compiler wrote */
#endif
