/* The renderer's loops, cycles and snippets; see liquid_machine.h.
 *
 * A snippet runs in the same loop as its caller: CALL and RENDER put a control record, go to the snippet's code, and are
 * come back to by DONE, once for each item. So no C stack grows with templates.
 *
 * Invariant: a control record is popped by what pushed it or by an error's way out, and takes back the scope it opened. */
#include "liquid_machine.h"

#include "liquid_number.h"

bool lq_damaged(struct lq_renderer *r) { return lq_fatal(&r->cx, "the compiled template is damaged"); }

struct lq_control *lq_control_push(struct lq_renderer *r, enum lq_control_kind kind) {
  lq_grow((void **)&r->control, &r->control_cap, r->control_count, sizeof *r->control);
  struct lq_control *k = &r->control[r->control_count++];
  k->kind = (uint8_t)kind;
  k->matched = k->started = false;
  k->repeat = 0;
  k->undo = r->top_count;
  return k;
}

struct lq_control *lq_control_top(struct lq_renderer *r, enum lq_control_kind kind) {
  uint32_t base = r->call == LQ_NONE ? 0 : r->call + 1;
  if (kind == LQ_CTL_INCLUDE || kind == LQ_CTL_RENDER) base = 0;
  if (r->control_count > base && r->control[r->control_count - 1].kind == kind) return &r->control[r->control_count - 1];
  lq_damaged(r);
  return NULL;
}

void lq_control_pop(struct lq_renderer *r) {
  struct lq_control *k = &r->control[--r->control_count];
  switch (k->kind) {
    case LQ_CTL_CAPTURE: r->captures--; lq_out_limit(r); break;
    case LQ_CTL_FOR: r->loops = k->loops; r->scopes--; break;
    case LQ_CTL_ROW: case LQ_CTL_INCLUDE: r->scopes--; break;
    case LQ_CTL_RENDER:
      lq_undo_bases(r, k->base_undo);
      r->frame = k->frame;
      r->base_depth = k->base_depth;
      r->scopes = k->scopes;
      r->loops = k->loops;
      r->changed = k->changed;
      r->has_changed = k->has_changed;
      r->interrupts = r->interrupts_base;
      r->interrupts_base = k->interrupts;
      r->renders--;
      break;
    default: break;
  }
  lq_undo_tops(r, k->undo);
}

/* One scope more, unless templates are as deep inside each other as they may be. */
static bool deeper(struct lq_renderer *r) {
  if (r->base_depth + r->scopes + 1 > LIMIT_LIQUID_DEPTH) return lq_fail(&r->cx, "Nesting too deep");
  r->scopes++;
  return true;
}

/* --- what is looped over --------------------------------------------------------------------------------------------- */

static int64_t item_count(struct lq v) {
  switch (v.type) {
    case LQ_ARRAY: return v.len;
    case LQ_HASH: return v.hash->count;
    case LQ_RANGE: return lq_range_count(v.range);
    case LQ_STR: return v.len > 0;
    default: return 0;
  }
}

static bool item_at(struct lq_renderer *r, struct lq v, int64_t i, struct lq *out) {
  if (v.type == LQ_ARRAY) *out = v.items[i];
  else if (v.type == LQ_HASH) return lq_pair(&r->cx, v.hash, (uint32_t)i, out);
  else if (v.type == LQ_RANGE) *out = lq_int(v.range->first + i);
  else *out = v;
  return true;
}

/* The part of v from `from`, up to `to` when there is one; a text is one item whatever is asked. */
static void segment(struct lq v, int64_t from, bool limited, int64_t to, int64_t *start, int64_t *count) {
  int64_t n = item_count(v), end = limited && to < n ? to : n;
  *start = from < 0 ? 0 : from;
  *count = end > *start ? end - *start : 0;
  if (v.type == LQ_STR) *start = 0, *count = n;
}

static int64_t add_clamped(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

static struct lq_loop *loop_new(struct lq_renderer *r, int64_t length) {
  struct lq_loop *l = lq_alloc(&r->cx, sizeof *l);
  if (l) *l = (struct lq_loop){ .length = length, .row = 1, .col = 1 };
  return l;
}

/* --- for ------------------------------------------------------------------------------------------------------------- */

static bool whole_or(struct lq_renderer *r, struct lq v, int64_t absent, int64_t *out) {
  *out = absent;
  return v.type == LQ_NIL || lq_to_integer(&r->cx, v, out);
}

static bool bind_loop(struct lq_renderer *r, const char *name, enum lq_type type, struct lq_loop *l) {
  uint32_t *n = type == LQ_LOOP ? &r->forloop : &r->rowloop;
  if (*n == LQ_NONE) *n = lq_name_find(r, str_from_c(name));
  if (*n == LQ_NONE) return lq_damaged(r);
  lq_bind_top(r, *n, (struct lq){ .type = (uint8_t)type, .loop = l });
  return true;
}

static bool for_item(struct lq_renderer *r, const struct lq_site *s, struct lq_control *k, struct lq *v) {
  int64_t i = s->flags & LQ_SITE_REVERSED ? k->start + k->count - 1 - k->index : k->start + k->index;
  return item_at(r, k->value, i, v);
}

bool lq_for(struct lq_renderer *r, const struct lq *args, uint32_t *pc) {
  uint32_t site = r->unit->code[*pc] >> 8;
  const struct lq_site *s = &r->unit->sites[site];
  uint32_t at = 1;
  struct lq limit = s->flags & LQ_SITE_LIMIT ? args[at++] : lq_nil();
  struct lq offset = s->flags & LQ_SITE_OFFSET ? args[at++] : lq_nil();
  int64_t from, most, start, count;
  if (!whole_or(r, offset, 0, &from) || !whole_or(r, limit, 0, &most)) return false;
  const struct lq_slot *name = &r->slots[s->text];
  if (s->flags & LQ_SITE_CONTINUE) from = name->offset_frame == r->frame ? name->offset : 0;
  segment(args[0], from, limit.type != LQ_NIL, add_clamped(most, from), &start, &count);
  struct lq_slot *write = lq_slot_write(r, s->text, name->offset_frame);
  write->offset = add_clamped(from, count);
  write->offset_frame = r->frame;
  if (count == 0) {
    *pc = s->otherwise;
    return true;
  }
  struct lq_loop *l = loop_new(r, count);
  struct lq item;
  if (!l || !deeper(r)) return false;
  struct lq_control *k = lq_control_push(r, LQ_CTL_FOR);
  k->site = site;
  k->value = args[0];
  k->index = 0, k->start = start, k->count = count;
  k->loop = l;
  k->loops = r->loops;
  l->name = r->unit->names[s->text].text;
  l->parent = r->loops;
  r->loops = l;
  if (!for_item(r, s, k, &item) || !bind_loop(r, "forloop", LQ_LOOP, l)) return false;
  lq_bind_top(r, s->var, item);
  *pc = s->body;
  return true;
}

static uint8_t interrupt_take(struct lq_renderer *r) {
  return r->interrupts > r->interrupts_base ? r->interrupt[--r->interrupts] : 0;
}

bool lq_next(struct lq_renderer *r, uint32_t *pc) {
  struct lq_control *k = lq_control_top(r, LQ_CTL_FOR);
  if (!k) return false;
  if (k->site != r->unit->code[*pc] >> 8) return lq_damaged(r);
  const struct lq_site *s = &r->unit->sites[k->site];
  struct lq item;
  k->index++;
  k->loop->index++;
  if (interrupt_take(r) == LQ_BREAK || k->index >= k->count) {
    lq_control_pop(r);
    *pc = s->end;
    return true;
  }
  if (!lq_work(&r->cx, s->end - s->body) || !for_item(r, s, k, &item)) return false;
  struct lq_slot *var = &r->slots[s->var];
  var->top = var->now = item; /* every inner scope is gone: the place is this loop's */
  var->now_frame = r->frame;
  *pc = s->body;
  return true;
}

/* --- tablerow -------------------------------------------------------------------------------------------------------- */

/* Ruby's to_i of what has one. */
static bool to_i(struct lq_renderer *r, struct lq v, int64_t *out) {
  struct lq i = v;
  switch (v.type) {
    case LQ_NIL: *out = 0; return true;
    case LQ_INT: case LQ_BIG: return lq_to_integer(&r->cx, v, out);
    case LQ_FLOAT: *out = v.n >= 9e18 ? INT64_MAX : v.n <= -9e18 ? INT64_MIN : (int64_t)v.n; return true;
    case LQ_STR: return lq_to_i(&r->cx, lq_text(v), &i) && lq_to_integer(&r->cx, i, out);
    default: return lq_fail(&r->cx, "invalid integer");
  }
}

static bool out_text(struct lq_renderer *r, const char *text) { return lq_out(r, text, strlen(text)); }
static bool out_number(struct lq_renderer *r, const char *before, int64_t n, const char *behind) {
  char digits[32];
  return out_text(r, before) && lq_out(r, digits, lq_int_print(n, digits)) && out_text(r, behind);
}

bool lq_row(struct lq_renderer *r, const struct lq *args, uint32_t *pc) {
  uint32_t site = r->unit->code[*pc] >> 8;
  const struct lq_site *s = &r->unit->sites[site];
  uint32_t at = 1;
  int64_t from = 0, most = 0, start, count, cols;
  *pc = s->end;
  if (!lq_true(args[0])) return true;
  if (s->flags & LQ_SITE_OFFSET && !to_i(r, args[at++], &from)) return false;
  if (s->flags & LQ_SITE_LIMIT && !to_i(r, args[at++], &most)) return false;
  segment(args[0], from, s->flags & LQ_SITE_LIMIT, add_clamped(from, most), &start, &count);
  cols = count;
  if (s->flags & LQ_SITE_COLS && !to_i(r, args[at], &cols)) return false;
  if (!out_text(r, "<tr class=\"row1\">\n")) return false;
  struct lq_loop *l = loop_new(r, count);
  struct lq item = lq_nil();
  if (!l || !deeper(r)) return false;
  struct lq_control *k = lq_control_push(r, LQ_CTL_ROW);
  k->site = site;
  k->value = args[0];
  k->index = 0, k->start = start, k->count = count;
  k->loop = l;
  l->cols = cols;
  if (count == 0) {
    lq_control_pop(r);
    return out_text(r, "</tr>\n");
  }
  if (!item_at(r, args[0], start, &item) || !bind_loop(r, "tablerowloop", LQ_ROWLOOP, l)) return false;
  lq_bind_top(r, s->var, item);
  *pc = s->body;
  return out_text(r, "<td class=\"col1\">");
}

bool lq_next_row(struct lq_renderer *r, uint32_t *pc) {
  struct lq_control *k = lq_control_top(r, LQ_CTL_ROW);
  if (!k) return false;
  if (k->site != r->unit->code[*pc] >> 8) return lq_damaged(r);
  const struct lq_site *s = &r->unit->sites[k->site];
  struct lq_loop *l = k->loop;
  struct lq item;
  bool end = interrupt_take(r) == LQ_BREAK, row_ends = l->col == l->cols, last = l->index == l->length - 1;
  if (!out_text(r, "</td>")) return false;
  if (!end && row_ends && !last && !out_number(r, "</tr>\n<tr class=\"row", l->row + 1, "\">")) return false;
  if (!end) {
    l->index++;
    l->col = row_ends ? 1 : l->col + 1;
    l->row += row_ends;
  }
  if (end || ++k->index >= k->count) {
    lq_control_pop(r);
    *pc = s->end;
    return out_text(r, "</tr>\n");
  }
  if (!lq_work(&r->cx, s->end - s->body) || !item_at(r, k->value, k->start + k->index, &item)) return false;
  r->slots[s->var].top = r->slots[s->var].now = item;
  r->slots[s->var].now_frame = r->frame;
  *pc = s->body;
  return out_number(r, "<td class=\"col", l->col, "\">");
}

/* --- cycle ----------------------------------------------------------------------------------------------------------- */

bool lq_cycle(struct lq_renderer *r, struct lq key, uint32_t ways, uint32_t *way) {
  uint32_t i = r->cycle_count;
  while (i > 0 && !(r->cycles[i - 1].frame == r->frame && lq_eql(&r->cx, r->cycles[i - 1].key, key))) i--;
  if (!lq_work(&r->cx, 0)) return false;
  if (i == 0) {
    if (r->cycle_count >= LIMIT_LIQUID_CYCLES_COUNT) return lq_fatal(&r->cx, "more than %d different cycles", LIMIT_LIQUID_CYCLES_COUNT);
    lq_grow((void **)&r->cycles, &r->cycle_cap, r->cycle_count, sizeof *r->cycles);
    r->cycles[r->cycle_count++] = (struct lq_cycle){ key, r->frame, 0 };
    i = r->cycle_count;
  }
  struct lq_cycle *c = &r->cycles[i - 1];
  *way = c->next++;
  if (c->next >= ways) c->next = 0;
  return true;
}

/* --- snippets -------------------------------------------------------------------------------------------------------- */

static bool find_snippet(struct lq_renderer *r, struct str name, uint32_t *out) {
  if (!lq_work(&r->cx, r->unit->template_count * 8)) return false;
  *out = lq_template_find(r->unit, name);
  if (*out == LQ_NONE) return lq_fail(&r->cx, "Could not find asset " STR_FMT, STR_ARG(name));
  const struct str error = r->unit->templates[*out].error;
  if (!error.len) return true;
  lq_fail(&r->cx, "x");
  if (!r->cx.fatal) r->cx.error = error;
  r->whole_error = true;
  return false;
}

static size_t code_words(const struct lq_renderer *r, const struct lq_control *k) {
  const struct lq_template *t = &r->unit->templates[k->template];
  return t->end - t->start;
}

static void enter(struct lq_renderer *r, struct lq_control *k, uint32_t return_pc, uint32_t *pc) {
  k->caller = r->template;
  k->return_pc = return_pc;
  k->prev_call = r->call;
  r->call = (uint32_t)(k - r->control);
  r->template = k->template;
  r->score = r->assigned = 0;
  *pc = r->unit->templates[k->template].start;
}

bool lq_include(struct lq_renderer *r, uint32_t site, struct lq name, struct lq with) {
  const struct lq_site *s = &r->unit->sites[site];
  uint32_t template;
  if (r->renders) return lq_fail(&r->cx, "include usage is not allowed in this context");
  if (name.type != LQ_STR) return lq_fail(&r->cx, "Argument error in tag 'include' - Illegal template name");
  if (!find_snippet(r, lq_text(name), &template)) return false;
  if (!(s->flags & LQ_SITE_WITH)) lq_var_text(r, lq_text(name), &with);
  if (!deeper(r)) return false;
  struct lq_control *k = lq_control_push(r, LQ_CTL_INCLUDE);
  k->site = site;
  k->template = template;
  k->value = with;
  k->index = 0;
  return true;
}

/* The snippet's variable: the tag's alias, or the last part of the snippet's name. */
static uint32_t include_variable(struct lq_renderer *r, const struct lq_control *k) {
  const struct lq_site *s = &r->unit->sites[k->site];
  if (s->var != LQ_NONE) return s->var;
  struct str name = r->unit->templates[k->template].name;
  for (size_t i = name.len; i > 0; i--)
    if (name.ptr[i - 1] == '/') return lq_name_find(r, (struct str){ name.ptr + i, name.len - i });
  return lq_name_find(r, name);
}

bool lq_call(struct lq_renderer *r, uint32_t *pc) {
  struct lq_control *k = lq_control_top(r, LQ_CTL_INCLUDE);
  if (!k) return false;
  bool many = k->value.type == LQ_ARRAY;
  uint32_t at = *pc, var = include_variable(r, k);
  if (r->returning) k->index++;
  bool first = !r->returning;
  r->returning = false;
  if (many ? k->index >= k->value.len : !first) {
    lq_control_pop(r);
    *pc = at + 1;
    return true;
  }
  if (!lq_work(&r->cx, code_words(r, k))) return false;
  if (var != LQ_NONE) lq_bind_top(r, var, many ? k->value.items[k->index] : k->value);
  enter(r, k, at, pc);
  return true;
}

bool lq_render_begin(struct lq_renderer *r, uint32_t site, const struct lq *args, uint32_t pc) {
  const struct lq_site *s = &r->unit->sites[site];
  uint32_t template, with = s->flags & LQ_SITE_WITH ? 1 : 0;
  (void)pc;
  if (!find_snippet(r, r->unit->names[s->text].text, &template)) return false;
  if (r->base_depth + r->scopes > LIMIT_LIQUID_DEPTH || r->base_depth + 1 >= LIMIT_LIQUID_DEPTH) return lq_fail(&r->cx, "Nesting too deep");
  struct lq *arguments = lq_alloc(&r->cx, (s->arg_count + 1) * sizeof *arguments);
  if (!arguments) return false;
  if (s->arg_count) memcpy(arguments, args + with, s->arg_count * sizeof *arguments);
  struct lq_control *k = lq_control_push(r, LQ_CTL_RENDER);
  k->site = site;
  k->template = template;
  k->value = with ? args[0] : lq_nil();
  k->arguments = arguments;
  k->index = -1;
  bool many = s->flags & LQ_SITE_FOR && (k->value.type == LQ_ARRAY || k->value.type == LQ_HASH || k->value.type == LQ_RANGE);
  k->count = many ? item_count(k->value) : 1;
  k->matched = many;
  k->loop = NULL;
  k->base_undo = r->base_count;
  k->frame = r->frame, k->base_depth = r->base_depth, k->scopes = r->scopes;
  k->loops = r->loops, k->changed = r->changed, k->has_changed = r->has_changed;
  k->interrupts = r->interrupts_base;
  r->interrupts_base = r->interrupts;
  r->renders++;
  r->base_depth++;
  r->scopes = 1;
  if (many && !(k->loop = loop_new(r, k->count))) return false;
  if (many) k->loop->name = r->unit->names[s->text].text;
  return true;
}

/* The next item, or the end: then *pc is behind the tag. */
bool lq_render_next(struct lq_renderer *r, uint32_t *pc) {
  struct lq_control *k = lq_control_top(r, LQ_CTL_RENDER);
  if (!k) return false;
  const struct lq_site *s = &r->unit->sites[k->site];
  struct lq item = k->value;
  lq_undo_bases(r, k->base_undo);
  r->interrupts = r->interrupts_base;
  r->loops = NULL;
  r->has_changed = false;
  if (k->loop && k->index >= 0) k->loop->index++;
  if (++k->index >= k->count) {
    lq_control_pop(r);
    ++*pc;
    return true;
  }
  r->frame = ++r->last_frame;
  uint32_t forloop = k->matched ? lq_name_find(r, STR("forloop")) : LQ_NONE;
  if (k->matched && !item_at(r, k->value, k->index, &item)) return false;
  if (forloop != LQ_NONE) lq_bind_base(r, forloop, (struct lq){ .type = LQ_LOOP, .loop = k->loop });
  for (uint32_t i = 0; i < s->arg_count; i++) lq_bind_base(r, r->unit->args[s->args + i], k->arguments[i]);
  if (item.type != LQ_NIL) lq_bind_base(r, s->var, item);
  if (!lq_work(&r->cx, code_words(r, k))) return false;
  enter(r, k, *pc, pc);
  return true;
}
