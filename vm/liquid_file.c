/* Compiled templates as text, and their verifier; see liquid_file.h.
 *
 *   version, counts of: templates, names, texts, constants, nodes, sites, arguments, code words, cache slots
 *   template    text name, start, end
 *   name        text
 *   text        text
 *   constant    type, then what it holds
 *   node        start, end - start, line, depth, blank, parent + 1
 *   site        flags, var + 1, text + 1, body, otherwise, end, args, arg_count
 *   argument    name
 *   word        code
 *
 * What passed lq_unit_read has these properties, on which the renderer builds:
 * 1. Every index is in range, every jump goes to an instruction's first word.
 * 2. Jumps go forward. What goes back (the ends of loops, snippets) goes to a BODY, which counts a step: all code ends.
 * 3. The last instruction is DONE, so nothing runs out of the code.
 * What depends on the way taken, the heights of stacks, the renderer looks at itself. */
#include "liquid_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "liquid_number.h"

/* --- writing --------------------------------------------------------------------------------------------------------- */

static void put(struct buf *b, uint64_t n) { buf_printf(b, "%llu ", (unsigned long long)n); }
static void put_text(struct buf *b, struct str s) {
  buf_printf(b, "%zu:", s.len);
  buf_str(b, s);
}

static void put_const(struct buf *b, struct lq v) {
  char text[64];
  put(b, v.type);
  switch (v.type) {
    case LQ_BOOL: put(b, v.i != 0); break;
    case LQ_INT: put_text(b, (struct str){ text, lq_int_print(v.i, text) }); break;
    case LQ_FLOAT: put_text(b, (struct str){ text, (size_t)snprintf(text, sizeof text, "%.17g", v.n) }); break;
    case LQ_STR: put_text(b, lq_text(v)); break;
    case LQ_RANGE:
      put_text(b, (struct str){ text, lq_int_print(v.range->first, text) });
      put_text(b, (struct str){ text, lq_int_print(v.range->last, text) });
      break;
    case LQ_BIG: {
      struct arena a;
      arena_init(&a, 4096);
      struct lq_cx cx = { .arena = &a, .allocated_max = LIMIT_LIQUID_MEMORY_BYTES };
      struct lq_buf digits = { .cx = &cx };
      if (lq_big_print(&digits, v.big)) put_text(b, (struct str){ digits.data, digits.len });
      arena_deinit(&a);
      break;
    }
    default: break;
  }
}

void lq_unit_write(struct buf *b, const struct lq_unit *u) {
  put(b, LQ_FILE_VERSION);
  put(b, u->template_count), put(b, u->name_count), put(b, u->text_count), put(b, u->const_count), put(b, u->node_count);
  put(b, u->site_count), put(b, u->arg_count), put(b, u->code_count), put(b, u->cache_count);
  for (uint32_t i = 0; i < u->template_count; i++) {
    put_text(b, u->templates[i].name);
    put(b, u->templates[i].start), put(b, u->templates[i].end);
  }
  for (uint32_t i = 0; i < u->name_count; i++) put_text(b, u->names[i].text);
  for (uint32_t i = 0; i < u->text_count; i++) put_text(b, u->texts[i]);
  for (uint32_t i = 0; i < u->const_count; i++) put_const(b, u->consts[i]);
  for (uint32_t i = 0; i < u->node_count; i++) {
    const struct lq_node *n = &u->nodes[i];
    put(b, n->start), put(b, n->end - n->start), put(b, n->line), put(b, n->depth), put(b, n->blank), put(b, (uint32_t)(n->parent + 1));
  }
  for (uint32_t i = 0; i < u->site_count; i++) {
    const struct lq_site *s = &u->sites[i];
    put(b, s->flags), put(b, (uint32_t)(s->var + 1)), put(b, (uint32_t)(s->text + 1));
    put(b, s->body), put(b, s->otherwise), put(b, s->end), put(b, s->args), put(b, s->arg_count);
  }
  for (uint32_t i = 0; i < u->arg_count; i++) put(b, u->args[i]);
  for (uint32_t i = 0; i < u->code_count; i++) put(b, u->code[i]);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

struct source { const char *at, *end; const char *why; struct lq_cx cx; };

static bool bad(struct source *s, const char *why) {
  if (!s->why) s->why = why;
  s->at = s->end;
  return false;
}

static uint64_t get_until(struct source *s, char stop) {
  uint64_t n = 0;
  const char *from = s->at;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && n < UINT64_MAX / 100) n = n * 10 + (uint64_t)(*s->at++ - '0');
  if (s->at == s->end || *s->at != stop || s->at == from) return bad(s, "a number is damaged");
  s->at++;
  return n;
}
static uint32_t get(struct source *s) {
  uint64_t n = get_until(s, ' ');
  return n > UINT32_MAX ? bad(s, "a number is too large") : (uint32_t)n;
}
static struct str get_text(struct source *s) {
  uint64_t len = get_until(s, ':');
  if (len > (uint64_t)(s->end - s->at)) {
    bad(s, "a text is cut");
    return (struct str){ NULL, 0 };
  }
  struct str text = { s->at, (size_t)len };
  s->at += len;
  return text;
}

static struct lq get_int(struct source *s) {
  struct str t = get_text(s);
  bool negative = t.len && *t.ptr == '-';
  struct str digits = { t.ptr + negative, t.len - negative };
  struct lq v = lq_nil();
  for (size_t i = 0; i < digits.len; i++)
    if (digits.ptr[i] < '0' || digits.ptr[i] > '9') bad(s, "a number is damaged");
  if (!digits.len || s->why || !lq_int_parse(&s->cx, negative, digits, &v)) bad(s, "a number is damaged");
  return v;
}

static struct lq get_const(struct source *s) {
  char text[64];
  uint32_t type = get(s);
  switch (type) {
    case LQ_NIL: case LQ_BLANK: case LQ_EMPTY: return (struct lq){ .type = (uint8_t)type };
    case LQ_BOOL: return lq_bool(get(s) != 0);
    case LQ_INT: case LQ_BIG: return get_int(s);
    case LQ_STR: return lq_str(get_text(s));
    case LQ_FLOAT: {
      struct str t = get_text(s);
      if (t.len >= sizeof text) t.len = sizeof text - 1;
      memcpy(text, t.ptr ? t.ptr : "", t.len);
      text[t.len] = 0;
      return lq_float(strtod(text, NULL));
    }
    case LQ_RANGE: {
      struct lq first = get_int(s), last = get_int(s);
      struct lq_range *r = ARENA_NEW(s->cx.arena, struct lq_range);
      if (first.type != LQ_INT || last.type != LQ_INT) bad(s, "a range is damaged");
      *r = (struct lq_range){ first.i, last.i };
      return (struct lq){ .type = LQ_RANGE, .range = r };
    }
    default: bad(s, "a constant is of no known kind"); return lq_nil();
  }
}

/* A table of so many rows, each of which takes two bytes at least: no count makes us take more memory than the file is long. */
static void *table(struct source *s, uint32_t count, size_t row_bytes) {
  if (count > (size_t)(s->end - s->at) / 2 + 1) {
    bad(s, "a count is larger than the file");
    return NULL;
  }
  return arena_zalloc(s->cx.arena, count + 1, row_bytes);
}
#define ROWS(i, count) for (uint32_t i = 0; !s->why && i < (count); i++)

static bool read_tables(struct source *s, struct lq_unit *u) {
  if (get(s) != LQ_FILE_VERSION) return bad(s, "it is of another version");
  u->template_count = get(s), u->name_count = get(s), u->text_count = get(s), u->const_count = get(s), u->node_count = get(s);
  u->site_count = get(s), u->arg_count = get(s), u->code_count = get(s), u->cache_count = get(s);
  struct lq_template *templates = table(s, u->template_count, sizeof *templates);
  ROWS(i, u->template_count) templates[i] = (struct lq_template){ .name = get_text(s), .start = get(s), .end = get(s) };
  struct lq_name *names = table(s, u->name_count, sizeof *names);
  ROWS(i, u->name_count) names[i] = lq_name_of(get_text(s));
  struct str *texts = table(s, u->text_count, sizeof *texts);
  ROWS(i, u->text_count) texts[i] = get_text(s);
  struct lq *consts = table(s, u->const_count, sizeof *consts);
  ROWS(i, u->const_count) consts[i] = get_const(s);
  struct lq_node *nodes = table(s, u->node_count, sizeof *nodes);
  ROWS(i, u->node_count) {
    uint32_t start = get(s), bytes = get(s), line = get(s), depth = get(s);
    nodes[i] = (struct lq_node){ .start = start, .end = start + bytes, .line = line, .depth = (uint16_t)(depth & 0xffff), .blank = get(s) != 0 };
    nodes[i].parent = get(s) - 1;
  }
  struct lq_site *sites = table(s, u->site_count, sizeof *sites);
  ROWS(i, u->site_count) {
    struct lq_site *t = &sites[i];
    t->flags = get(s), t->var = get(s) - 1, t->text = get(s) - 1, t->body = get(s), t->otherwise = get(s), t->end = get(s);
    t->args = get(s), t->arg_count = get(s);
  }
  uint32_t *args = table(s, u->arg_count, sizeof *args);
  ROWS(i, u->arg_count) args[i] = get(s);
  uint32_t *code = table(s, u->code_count, sizeof *code);
  ROWS(i, u->code_count) code[i] = get(s);
  u->templates = templates, u->names = names, u->texts = texts, u->consts = consts, u->nodes = nodes, u->sites = sites;
  u->args = args, u->code = code;
  return !s->why && (s->at == s->end || bad(s, "more follows than belongs to it"));
}

/* --- verifying ------------------------------------------------------------------------------------------------------- */

/* Words of the instruction at pc; 0 when it is cut or unknown. */
static uint32_t instruction_words(const struct lq_unit *u, uint32_t pc) {
  uint32_t op = u->code[pc] & 0xff, words = 1, left = u->code_count - pc;
  if (op >= LQ_OP_COUNT) return 0;
  const char *kinds = lq_op_table[op].operands;
  if (!*kinds) return 1;
  for (const char *k = kinds + 1; *k; k++) {
    if (words > left) return 0;
    uint32_t before = words == 1 ? u->code[pc] >> 8 : u->code[pc + words - 1];
    if (*k == 'N' || *k == 'J') {
      if (before > left) return 0;
      words += before;
    } else {
      words++;
    }
  }
  return words > left ? 0 : words;
}

struct verifier { const struct lq_unit *u; const uint8_t *starts; uint32_t pc; const char *why; };

static bool forward(struct verifier *v, uint32_t target) {
  if (target > v->pc && target < v->u->code_count && v->starts[target]) return true;
  v->why = "a jump goes nowhere";
  return false;
}
static bool in_range(struct verifier *v, uint32_t i, uint32_t count) {
  if (i < count) return true;
  v->why = "an index is out of range";
  return false;
}
static bool is_body(struct verifier *v, uint32_t pc) {
  if (pc < v->u->code_count && v->starts[pc] && (v->u->code[pc] & 0xff) == LQ_OP_BODY) return true;
  v->why = "a loop has no body";
  return false;
}

static bool site_ok(struct verifier *v, enum lq_op op, uint32_t site) {
  const struct lq_unit *u = v->u;
  if (!in_range(v, site, u->site_count)) return false;
  const struct lq_site *s = &u->sites[site];
  switch (op) {
    case LQ_OP_FOR: return in_range(v, s->var, u->name_count) && in_range(v, s->text, u->name_count) && is_body(v, s->body) && forward(v, s->otherwise);
    case LQ_OP_ROW: return in_range(v, s->var, u->name_count) && is_body(v, s->body) && forward(v, s->end);
    case LQ_OP_NEXT: case LQ_OP_NEXTROW: return in_range(v, s->var, u->name_count) && is_body(v, s->body) && forward(v, s->end);
    case LQ_OP_RENDER:
      if (!in_range(v, s->var, u->name_count) || !in_range(v, s->text, u->name_count)) return false;
      if (s->arg_count > u->arg_count || s->args > u->arg_count - s->arg_count) return in_range(v, 1, 0);
      return true;
    default: return s->var == LQ_NONE || in_range(v, s->var, u->name_count);
  }
}

/* A loop's end belongs to the loop of its own kind and site: the renderer takes the site from the loop's record. */
static bool operand_ok(struct verifier *v, enum lq_op op, char kind, uint32_t x) {
  const struct lq_unit *u = v->u;
  switch (kind) {
    case 't': return in_range(v, x, u->text_count);
    case 'n': return in_range(v, x, u->name_count);
    case 'c': return in_range(v, x, u->const_count);
    case 'f': return in_range(v, x, LQF_COUNT);
    case 'k': return in_range(v, x, u->cache_count);
    case 's': return site_ok(v, op, x);
    case 'j':
      if (op == LQ_OP_REPEAT) return is_body(v, x);
      return forward(v, x);
    default:
      if (op == LQ_OP_UNKNOWN || op == LQ_OP_FILTER) return in_range(v, x - 1, 255);
      return true;
  }
}

static bool instruction_ok(struct verifier *v) {
  const struct lq_unit *u = v->u;
  uint32_t word = u->code[v->pc], at = v->pc + 1, last = word >> 8;
  enum lq_op op = (enum lq_op)(word & 0xff);
  const char *kinds = lq_op_table[op].operands;
  if ((op == LQ_OP_BADCOMPARE || op == LQ_OP_ABORT) && (last >= u->const_count || u->consts[last].type != LQ_STR)) return in_range(v, 1, 0);
  if (*kinds && !operand_ok(v, op, *kinds, last)) return false;
  for (const char *k = *kinds ? kinds + 1 : kinds; *k; k++) {
    if (*k == 'N' || *k == 'J') {
      for (uint32_t i = 0; i < last; i++)
        if (!operand_ok(v, op, *k == 'N' ? 'n' : 'j', u->code[at++])) return false;
    } else {
      last = u->code[at++];
      if (!operand_ok(v, op, *k, last)) return false;
    }
  }
  return true;
}

static bool nodes_ok(struct verifier *v) {
  const struct lq_unit *u = v->u;
  for (uint32_t i = 0; i < u->node_count; i++) {
    const struct lq_node *n = &u->nodes[i];
    v->pc = n->start;
    bool placed = n->start < u->code_count && n->end >= n->start && n->end < u->code_count && v->starts[n->end];
    bool sorted = (i == 0 || n->start >= u->nodes[i - 1].start) && (n->parent == LQ_NONE || n->parent < i);
    if (placed && sorted) continue;
    v->why = "a place in the template is damaged";
    return false;
  }
  for (uint32_t i = 0; i < u->arg_count; i++)
    if (!in_range(v, u->args[i], u->name_count)) return false;
  for (uint32_t i = 0; i < u->template_count; i++) {
    const struct lq_template *t = &u->templates[i];
    if (t->start < u->code_count && is_body(v, t->start)) continue;
    v->why = "a template has no body";
    return false;
  }
  return true;
}

static const char *verify(struct arena *a, const struct lq_unit *u) {
  struct verifier v = { .u = u };
  uint8_t *starts = arena_zalloc(a, u->code_count + 1, 1);
  uint32_t last = 0;
  v.starts = starts;
  if (!u->template_count || !u->code_count) return "it holds no template";
  if (u->cache_count > u->code_count) return "a count is larger than the code";
  for (uint32_t pc = 0, words; pc < u->code_count; pc += words) {
    words = instruction_words(u, pc);
    if (!words) return "an instruction is cut or unknown";
    starts[pc] = 1;
    last = pc;
  }
  if ((u->code[last] & 0xff) != LQ_OP_DONE) return "the code has no end";
  for (v.pc = 0; v.pc < u->code_count; v.pc += instruction_words(u, v.pc))
    if (!instruction_ok(&v)) return v.why;
  return nodes_ok(&v) ? NULL : v.why;
}

bool lq_unit_read(struct arena *a, struct str bytes, struct lq_unit *out, const char **why) {
  struct source s = { .at = bytes.ptr, .end = bytes.ptr + bytes.len, .cx = { .arena = a, .allocated_max = LIMIT_LIQUID_MEMORY_BYTES } };
  *out = (struct lq_unit){ .code_count = 0 };
  *why = NULL;
  if (read_tables(&s, out)) *why = verify(a, out);
  else *why = s.why;
  return *why == NULL;
}
