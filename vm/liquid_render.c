/* Runs compiled templates: the loop over instructions, the way out of errors, and the buffers. See liquid_machine.h.
 *
 *   TEXT, PRINT            append to r->out
 *   FOR … NEXT, CASE …     push and pop a control record (liquid_control.c)
 *   CALL, RENDER → snippet → DONE → CALL, RENDER again, for the next item or the end
 *   an error               its message is printed; out of the control records; on behind the node it happened to
 *
 * Invariants:
 * 1. Output, memory, steps, nesting: each has a limit that ends the render whole (cx.fatal). A loop costs a step an item
 *    even when its body is empty, so nothing runs for ever.
 * 2. Nothing of a render outlives it but the buffers; data and units are only read.
 * 3. Instructions that no compiler wrote end in "damaged", never beyond an array: the verifier saw every index, and what
 *    depends on the way taken (stack, control records) is looked at here. */
#include "liquid_machine.h"

#include <stdio.h>
#include <stdlib.h>

#include "liquid_number.h"

/* --- output ---------------------------------------------------------------------------------------------------------- */

enum { OUT_FIRST_BYTES = 4096 };

bool lq_out_room(struct lq_renderer *r, size_t more) {
  if (more > r->out_max - r->out_len) {
    r->full = true;
    return lq_fatal(&r->cx, "Memory limits exceeded");
  }
  if (more <= r->out_cap - r->out_len) return true;
  size_t cap = r->out_cap;
  while (cap - r->out_len < more) cap *= 2;
  char *out = realloc(r->out, cap);
  CHECK(out);
  r->out = out;
  r->out_cap = cap;
  r->out_room = cap < r->out_max ? cap : r->out_max;
  return true;
}

void lq_out_limit(struct lq_renderer *r) {
  size_t most = r->settings.limits.output_bytes;
  r->out_max = most && !r->captures && most < LIMIT_LIQUID_OUTPUT_BYTES ? most : LIMIT_LIQUID_OUTPUT_BYTES;
  r->out_room = r->out_cap < r->out_max ? r->out_cap : r->out_max;
}

static bool out_str(struct lq_renderer *r, struct str s, bool escape, bool safe) {
  if (!escape || safe) return lq_out(r, s.ptr, s.len);
  struct lq_buf b = { .cx = &r->cx };
  return lq_escape_html(&b, s) && lq_out(r, b.data, b.len);
}

bool lq_out_value(struct lq_renderer *r, struct lq v, bool escape) {
  char text[32];
  struct str s;
  switch (v.type) {
    case LQ_NIL: return true;
    case LQ_STR: return out_str(r, lq_text(v), escape, v.safe);
    case LQ_INT: return lq_out(r, text, lq_int_print(v.i, text));
    case LQ_FLOAT: return lq_out(r, text, lq_float_print(v.n, text));
    case LQ_ARRAY:
      for (uint32_t i = 0; i < v.len; i++)
        if (!lq_out_value(r, v.items[i], escape)) return false;
      return true;
    default: return lq_to_s(&r->cx, v, &s) && out_str(r, s, escape, false);
  }
}

/* --- errors ---------------------------------------------------------------------------------------------------------- */

static const struct lq_node *node_at(const struct lq_unit *u, uint32_t pc) {
  uint32_t low = 0, high = u->node_count;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (u->nodes[mid].start <= pc) low = mid + 1; else high = mid;
  }
  for (uint32_t i = low; i > 0;) {
    const struct lq_node *n = &u->nodes[i - 1];
    if (n->end > pc) return n;
    if (n->parent == LQ_NONE || n->parent >= i - 1) return NULL;
    i = n->parent + 1;
  }
  return NULL;
}

static struct str error_sentence(struct lq_renderer *r, uint32_t line) {
  if (r->whole_error) return r->cx.error;
  struct str name = r->unit->templates[r->template].name;
  if (name.len > 200) name.len = 200;
  return lq_printf(&r->arena, "Liquid error (" STR_FMT "%sline %d): " STR_FMT, STR_ARG(name), name.len ? " " : "", (int)line, STR_ARG(r->cx.error));
}

/* Out of the failing node, after its message; false ends the render. */
static bool recover(struct lq_renderer *r, uint32_t *pc) {
  const struct lq_node *n = r->cx.fatal ? NULL : node_at(r->unit, *pc);
  if (!n) return false;
  struct str text = error_sentence(r, n->line);
  lq_grow((void **)&r->errors, &r->error_cap, r->error_count, sizeof *r->errors);
  r->errors[r->error_count++] = text;
  r->cx.failed = r->whole_error = r->returning = false;
  uint32_t keep = (r->call == LQ_NONE ? 0 : r->call + 1) + n->depth;
  while (r->control_count > keep) lq_control_pop(r);
  if (r->settings.stop_at_error) return false;
  if (r->error_count >= LIMIT_LIQUID_ERRORS_COUNT) return lq_fatal(&r->cx, "more than %d errors", LIMIT_LIQUID_ERRORS_COUNT);
  if (!n->blank && !lq_out(r, text.ptr, text.len)) return false;
  *pc = n->end;
  return true;
}

/* --- captures -------------------------------------------------------------------------------------------------------- */

static bool take_captured(struct lq_renderer *r, enum lq_control_kind kind, struct str *out) {
  struct lq_control *k = lq_control_top(r, kind);
  if (!k) return false;
  size_t from = k->out, len = r->out_len - from;
  char *copy = lq_alloc(&r->cx, len + 1);
  if (!copy) return false;
  if (len) memcpy(copy, r->out + from, len);
  r->out_len = from;
  lq_control_pop(r);
  *out = (struct str){ copy, len };
  return true;
}

static bool end_changed(struct lq_renderer *r) {
  struct str text;
  if (!take_captured(r, LQ_CTL_CHANGED, &text)) return false;
  if (r->has_changed && str_eq(text, r->changed)) return true;
  r->changed = text;
  r->has_changed = true;
  return lq_out(r, text.ptr, text.len);
}

/* --- small instructions ---------------------------------------------------------------------------------------------- */

static bool make_hash(struct lq_renderer *r, const uint32_t *names, const struct lq *values, uint32_t count, struct lq *out) {
  struct lq_hash *h = lq_alloc(&r->cx, sizeof *h);
  struct lq_entry *entries = h ? lq_alloc(&r->cx, count * sizeof *entries) : NULL;
  if (!entries) return false;
  *h = (struct lq_hash){ .entries = entries };
  for (uint32_t i = 0; i < count; i++) {
    const struct lq_name *n = &r->unit->names[names[i]];
    uint32_t at = 0;
    while (at < h->count && !(entries[at].hash == n->hash && str_eq((struct str){ entries[at].key, entries[at].len }, n->text))) at++;
    if (at == h->count) h->count++;
    entries[at] = (struct lq_entry){ n->text.ptr, (uint32_t)n->text.len, n->hash, values[i] };
  }
  *out = (struct lq){ .type = LQ_HASH, .hash = h };
  return true;
}

static bool count_body(struct lq_renderer *r, uint32_t nodes) {
  r->score += nodes;
  r->total += nodes;
  r->steps += nodes + 1;
  const struct lq_limits *l = &r->settings.limits;
  if (r->steps > LIMIT_LIQUID_STEPS_COUNT || (l->steps_each && r->score > l->steps_each) || (l->steps && r->total > l->steps))
    return lq_fatal(&r->cx, "Memory limits exceeded");
  return true;
}

static uint64_t weight(struct lq v) {
  uint64_t sum = 1;
  if (v.type == LQ_STR) return v.len;
  if (v.type == LQ_ARRAY)
    for (uint32_t i = 0; i < v.len; i++) sum += weight(v.items[i]);
  if (v.type == LQ_HASH)
    for (uint32_t i = 0; i < v.hash->count; i++) sum += v.hash->entries[i].len + weight(v.hash->entries[i].value);
  return sum;
}

/* Weighed only when somebody asked for it: arrays can be large, and memory has its limit in any case. */
static bool count_assigned(struct lq_renderer *r, struct lq v) {
  const struct lq_limits *l = &r->settings.limits;
  if (!l->assigned_each && !l->assigned) return true;
  uint64_t n = weight(v);
  r->assigned += n;
  r->assigned_all += n;
  bool fits = (!l->assigned_each || r->assigned <= l->assigned_each) && (!l->assigned || r->assigned_all <= l->assigned);
  return fits || lq_fatal(&r->cx, "Memory limits exceeded");
}

static bool count_counter(struct lq_renderer *r, uint32_t name, bool up) {
  struct lq_slot *s = lq_slot_write(r, name, r->slots[name].counter_frame);
  char text[32];
  if (s->counter_frame != r->frame) s->counter = 0, s->counter_frame = r->frame;
  s->now_frame = 0;
  if (!up) s->counter--;
  if (!lq_out(r, text, lq_int_print(s->counter, text))) return false;
  if (up) s->counter++;
  return true;
}

static bool interrupt(struct lq_renderer *r, uint8_t what) {
  if (r->interrupts < sizeof r->interrupt) r->interrupt[r->interrupts++] = what;
  return true;
}

/* How many of the values the case equals; the body runs that often. */
static bool when(struct lq_renderer *r, const struct lq *values, uint32_t count, bool *matched) {
  struct lq_control *k = lq_control_top(r, LQ_CTL_CASE);
  if (!k) return false;
  k->repeat = 0;
  for (uint32_t i = 0; i < count; i++) k->repeat += lq_equal(&r->cx, k->value, values[i]);
  *matched = k->repeat > 0;
  k->matched = k->matched || *matched;
  return lq_work(&r->cx, 0);
}

/* See enum lq_loaded. Whether the text that the template begins with loses its white space. */
static bool loaded_trimmed(struct lq_renderer *r, uint32_t how) {
  lq_grow((void **)&r->loads, &r->load_cap, r->unit->template_count, sizeof *r->loads);
  struct lq_load *l = &r->loads[r->template];
  if (l->gen != r->gen) {
    *l = (struct lq_load){ r->gen, r->dash };
    if (!(how & LQ_LOADED_EMPTY)) r->dash = how & LQ_LOADED_DASH;
  }
  return l->trimmed && how & LQ_LOADED_TEXT;
}

static struct str without_front(struct str s) {
  while (s.len && (*s.ptr == ' ' || (*s.ptr >= '\t' && *s.ptr <= '\r') || !*s.ptr)) s.ptr++, s.len--;
  return s;
}

/* --- the loop -------------------------------------------------------------------------------------------------------- */

/* Runs from pc until the template's end (true) or what stops it (false): *at is the instruction then. */
static bool run(struct lq_renderer *r, uint32_t *at) {
  const struct lq_unit *u = r->unit;
  const uint32_t *code = u->code;
  struct lq *stack = r->stack;
  uint32_t pc = *at, sp = 0;
#define NEED(n) if (sp < (n)) { lq_damaged(r); goto fail; }
#define ROOM if (sp == LIMIT_LIQUID_STACK_COUNT) { lq_fatal(&r->cx, "an expression holds more than %d values", LIMIT_LIQUID_STACK_COUNT); goto fail; }
#define TRY(x) if (!(x)) goto fail
/* What moves pc gets a copy: a variable whose address is known lives in memory. */
#define MOVES(x) { uint32_t to = pc; yes = (x); pc = to; if (!yes) goto fail; }
  for (;;) {
    uint32_t word = code[pc], a = word >> 8, n;
    struct lq_control *k;
    struct str text;
    bool yes;
    const struct lq *v;
    struct lq got;
    switch ((enum lq_op)(word & 0xff)) {
      case LQ_OP_NOP: pc++; break;
      case LQ_OP_TEXT:
      text: TRY(lq_out(r, u->texts[a].ptr, u->texts[a].len));
        pc++;
        /* What stands behind a text is nearly always an output: told by a comparison that is always right, not by the table. */
        word = code[pc], a = word >> 8;
        if ((word & 0xff) == LQ_OP_VAR) goto var;
        break;
      case LQ_OP_LOADED:
        yes = loaded_trimmed(r, a);
        word = code[++pc];
        if (!yes || (word & 0xff) != LQ_OP_TEXT) break;
        text = without_front(u->texts[word >> 8]);
        TRY(lq_out(r, text.ptr, text.len));
        pc++;
        break;
      case LQ_OP_BODY: TRY(count_body(r, a)); pc++; break;
      case LQ_OP_CONST: ROOM; stack[sp++] = u->consts[a]; pc++; break;
      case LQ_OP_VAR:
      var: ROOM;
        /* a.b.c and its output, without the stack. */
        v = lq_var(r, a);
        for (word = code[++pc]; (word & 0xff) == LQ_OP_PROP; word = code[pc += 2]) {
          const struct lq_entry *e = v->type == LQ_HASH ? lq_cached(r, v->hash, &u->names[word >> 8], code[pc + 1]) : NULL;
          if (e) {
            v = &e->value;
            continue;
          }
          TRY(lq_prop(r, *v, word >> 8, true, code[pc + 1], &got));
          v = &got;
        }
        if ((word & 0xff) != LQ_OP_PRINT) {
          stack[sp++] = *v;
          break;
        }
        a = word >> 8;
      print: TRY(v->type == LQ_STR && !a ? lq_out(r, v->s, v->len) : lq_out_value(r, *v, a != 0));
        pc++;
        word = code[pc], a = word >> 8;
        if ((word & 0xff) == LQ_OP_TEXT) goto text;
        break;
      case LQ_OP_LOOKUP:
        NEED(1);
        if (stack[sp - 1].type == LQ_STR) lq_var_text(r, lq_text(stack[sp - 1]), &stack[sp - 1]);
        else stack[sp - 1] = lq_nil();
        pc++;
        break;
      case LQ_OP_PROP: NEED(1); TRY(lq_prop(r, stack[sp - 1], a, true, code[pc + 1], &stack[sp - 1])); pc += 2; break;
      case LQ_OP_KEY: NEED(1); TRY(lq_prop(r, stack[sp - 1], a, false, code[pc + 1], &stack[sp - 1])); pc += 2; break;
      case LQ_OP_INDEX: NEED(2); sp--; TRY(lq_index(r, stack[sp - 1], stack[sp], &stack[sp - 1])); pc++; break;
      case LQ_OP_RANGE: NEED(2); sp--; TRY(lq_make_range(r, stack[sp - 1], stack[sp], &stack[sp - 1])); pc++; break;
      case LQ_OP_FILTER: {
        n = code[pc + 1];
        NEED(n);
        NEED(1);
        TRY(lq_filter_run(&r->env, a, &stack[sp - n], n, &got));
        sp -= n;
        pc += 2;
        if ((code[pc] & 0xff) == LQ_OP_PRINT) {
          v = &got;
          a = code[pc] >> 8;
          goto print;
        }
        stack[sp++] = got;
        break;
      }
      case LQ_OP_UNKNOWN: NEED(a); sp -= a - 1; pc++; break;
      case LQ_OP_HASH:
        NEED(a);
        { struct lq out; TRY(make_hash(r, &code[pc + 1], &stack[sp - a], a, &out)); sp -= a; ROOM; stack[sp++] = out; }
        pc += 1 + a;
        break;
      case LQ_OP_PRINT: case LQ_OP_ONCE: NEED(1); v = &stack[--sp]; goto print;
      case LQ_OP_COMPARE: NEED(2); sp--; TRY(lq_compare(r, stack[sp - 1], stack[sp], a, &yes)); stack[sp - 1] = lq_bool(yes); pc++; break;
      case LQ_OP_BADCOMPARE: lq_fail(&r->cx, "Unknown operator " STR_FMT, STR_ARG(lq_text(u->consts[a]))); goto fail;
      case LQ_OP_AND: NEED(1); if (lq_true(stack[sp - 1])) { sp--; pc++; } else { pc = a; } break;
      case LQ_OP_OR: NEED(1); if (lq_true(stack[sp - 1])) { pc = a; } else { sp--; pc++; } break;
      case LQ_OP_JFALSE: NEED(1); pc = lq_true(stack[--sp]) ? pc + 1 : a; break;
      case LQ_OP_JTRUE: NEED(1); pc = lq_true(stack[--sp]) ? a : pc + 1; break;
      case LQ_OP_JUMP: pc = a; break;
      case LQ_OP_ASSIGN: NEED(1); lq_bind_base(r, a, stack[--sp]); TRY(count_assigned(r, stack[sp])); pc++; break;
      case LQ_OP_CAPTURE: k = lq_control_push(r, LQ_CTL_CAPTURE); k->out = r->out_len; r->captures++; lq_out_limit(r); pc++; break;
      case LQ_OP_ENDCAPTURE: {
        TRY(take_captured(r, LQ_CTL_CAPTURE, &text));
        got = lq_str(text);
        got.safe = 1; /* where outputs escape, what was printed is escaped already */
        lq_bind_base(r, a, got);
        TRY(count_assigned(r, got));
        pc++;
        break;
      }
      case LQ_OP_CHANGED: k = lq_control_push(r, LQ_CTL_CHANGED); k->out = r->out_len; pc++; break;
      case LQ_OP_ENDCHANGED: TRY(end_changed(r)); pc++; break;
      case LQ_OP_FOR: n = lq_site_args(&u->sites[a]); NEED(n); sp -= n; MOVES(lq_for(r, &stack[sp], &to)); break;
      case LQ_OP_NEXT: MOVES(lq_next(r, &to)); break;
      case LQ_OP_ROW: n = lq_site_args(&u->sites[a]); NEED(n); sp -= n; { uint32_t to = pc; TRY(lq_row(r, &stack[sp], &to)); pc = to; } break;
      case LQ_OP_NEXTROW: MOVES(lq_next_row(r, &to)); break;
      case LQ_OP_CYCLE: case LQ_OP_CYCLEBY: {
        bool by = (word & 0xff) == LQ_OP_CYCLEBY;
        uint32_t ways = code[pc + 1];
        if (by) NEED(1);
        TRY(lq_cycle(r, by ? stack[--sp] : u->consts[a], ways, &n));
        pc = n < ways ? code[pc + 2 + n] : pc + 2 + ways;
        break;
      }
      case LQ_OP_INCREMENT: TRY(count_counter(r, a, true)); pc++; break;
      case LQ_OP_DECREMENT: TRY(count_counter(r, a, false)); pc++; break;
      case LQ_OP_BREAK: interrupt(r, LQ_BREAK); pc = a; break;
      case LQ_OP_CONTINUE: interrupt(r, LQ_CONTINUE); pc = a; break;
      case LQ_OP_CHECK: pc = r->interrupts > r->interrupts_base ? a : pc + 1; break;
      case LQ_OP_CASE: NEED(1); k = lq_control_push(r, LQ_CTL_CASE); k->value = stack[--sp]; pc++; break;
      case LQ_OP_WHEN: n = code[pc + 1]; NEED(n); sp -= n; TRY(when(r, &stack[sp], n, &yes)); pc = yes ? pc + 2 : a; break;
      case LQ_OP_REPEAT: TRY(k = lq_control_top(r, LQ_CTL_CASE)); TRY(lq_work(&r->cx, a < pc ? pc - a : 0)); pc = k->repeat > 1 ? a : pc + 1; k->repeat -= k->repeat > 1; break;
      case LQ_OP_ELSE: TRY(k = lq_control_top(r, LQ_CTL_CASE)); pc = k->matched ? a : pc + 1; break;
      case LQ_OP_ENDCASE: TRY(lq_control_top(r, LQ_CTL_CASE)); lq_control_pop(r); pc++; break;
      case LQ_OP_INCLUDE:
        n = 1 + (u->sites[a].flags & LQ_SITE_WITH ? 1u : 0u);
        NEED(n);
        sp -= n;
        TRY(lq_include(r, a, stack[sp], n > 1 ? stack[sp + 1] : lq_nil()));
        pc++;
        break;
      case LQ_OP_SCOPE: NEED(1); TRY(lq_control_top(r, LQ_CTL_INCLUDE)); lq_bind_top(r, a, stack[--sp]); pc++; break;
      case LQ_OP_CALL: MOVES(lq_call(r, &to)); break;
      case LQ_OP_RENDER:
        if (!r->returning) {
          n = u->sites[a].arg_count + (u->sites[a].flags & LQ_SITE_WITH ? 1 : 0);
          NEED(n);
          sp -= n;
          TRY(lq_render_begin(r, a, &stack[sp], pc));
        }
        r->returning = false;
        MOVES(lq_render_next(r, &to));
        break;
      case LQ_OP_ABORT: r->aborted = true; lq_fail(&r->cx, STR_FMT, STR_ARG(lq_text(u->consts[a]))); goto fail;
      case LQ_OP_DONE:
        *at = pc;
        if (r->call == LQ_NONE) return true;
        k = &r->control[r->call];
        if (r->control_count != r->call + 1) { lq_damaged(r); goto fail; }
        r->call = k->prev_call;
        r->template = k->caller;
        r->returning = true;
        pc = k->return_pc;
        sp = 0;
        break;
      default: lq_damaged(r); goto fail;
    }
    continue;
  fail:
    *at = pc;
    return false;
  }
}

/* --- renders --------------------------------------------------------------------------------------------------------- */

struct lq_renderer *lq_renderer_new(void) {
  struct lq_renderer *r = calloc(1, sizeof *r);
  CHECK(r);
  arena_init(&r->arena, 64u << 10);
  r->out_cap = OUT_FIRST_BYTES; /* there is always a place to write nothing to */
  r->out = malloc(r->out_cap);
  CHECK(r->out);
  return r;
}

void lq_renderer_free(struct lq_renderer *r) {
  if (!r) return;
  arena_deinit(&r->arena);
  free(r->out);
  free(r->slots);
  free(r->cache);
  free(r->loads);
  free(r->tops);
  free(r->bases);
  free(r->control);
  free(r->cycles);
  free(r->errors);
  free(r);
}

static void begin(struct lq_renderer *r, const struct lq_unit *u, struct lq data, const struct lq_settings *s) {
  arena_reset(&r->arena);
  r->settings = *s;
  r->unit = u;
  r->data = data;
  r->cx = (struct lq_cx){ .arena = &r->arena, .allocated_max = s->limits.memory_bytes ? s->limits.memory_bytes : LIMIT_LIQUID_MEMORY_BYTES };
  r->env = (struct lq_env){ &r->cx, s->now_ms, s->zone ? s->zone : zone_utc(), s->locale, s->find_zone, s->zone_context, lq_part, r };
  r->out_len = 0;
  r->captures = 0;
  r->assigned = r->assigned_all = 0;
  lq_out_limit(r);
  lq_grow((void **)&r->slots, &r->slot_cap, u->name_count, sizeof *r->slots);
  lq_grow((void **)&r->cache, &r->cache_cap, u->cache_count, sizeof *r->cache);
  if (r->last_frame > UINT32_MAX / 2) {
    memset(r->slots, 0, r->slot_cap * sizeof *r->slots);
    if (r->cache_cap) memset(r->cache, 0, r->cache_cap * sizeof *r->cache);
    if (r->load_cap) memset(r->loads, 0, r->load_cap * sizeof *r->loads);
    r->last_frame = 0;
  }
  r->frame = r->gen = ++r->last_frame;
  r->top_count = r->base_count = r->control_count = r->cycle_count = r->error_count = 0;
  r->base_depth = 0;
  r->scopes = 1;
  r->call = LQ_NONE;
  r->returning = r->whole_error = r->has_changed = r->full = r->aborted = false;
  r->interrupts = r->interrupts_base = r->renders = 0;
  r->forloop = r->rowloop = LQ_NONE;
  r->dash = false;
  r->score = r->total = r->steps = 0;
  r->loops = NULL;
}

struct lq_result lq_render(struct lq_renderer *r, const struct lq_unit *u, uint32_t template, struct lq data,
                           const struct lq_settings *settings) {
  begin(r, u, data, settings);
  const struct lq_template *t = &u->templates[template];
  r->template = template;
  uint32_t pc = t->start;
  if (t->error.len) return (struct lq_result){ .text = t->error, .errors = &t->error, .error_count = 1, .fatal = true };
  while (!run(r, &pc))
    if (!recover(r, &pc)) break;
  if (r->cx.fatal) {
    struct str text = lq_printf(&r->arena, "Liquid error: " STR_FMT, STR_ARG(r->cx.error));
    lq_grow((void **)&r->errors, &r->error_cap, r->error_count, sizeof *r->errors);
    r->errors[r->error_count++] = text;
    return (struct lq_result){ text, r->errors, r->error_count, true, r->full, r->aborted };
  }
  return (struct lq_result){ { r->out, r->out_len }, r->errors, r->error_count, false, false, r->aborted };
}
