/* Reads templates: bodies of text, outputs and tags, in one pass that leaves code behind it. The tags are liquid_tags.c's.
 *
 * Invariants:
 * 1. At the first instruction of a node no value is on the stack; every jump out of a node leaves none there.
 * 2. c->exits holds, innermost last, the jumps of the open bodies to their ends; a body patches its own.
 * 3. Lines are counted as the reference counts them (c->line is of what is read, p->line of what is behind it), because
 *    they are printed. */
#include "liquid_internal.h"

/* --- nodes ----------------------------------------------------------------------------------------------------------- */

uint32_t node_begin(struct liquid_compiler *c) {
  struct lq_node n = { .start = code_here(c), .line = c->line, .parent = c->node, .depth = (uint16_t)c->control_depth };
  VEC_PUSH(&c->arena, &c->nodes, n);
  return c->node = c->nodes.count - 1;
}

void node_end(struct liquid_compiler *c, uint32_t node, bool blank) {
  struct lq_node *n = &c->nodes.items[node];
  n->end = code_here(c);
  n->blank = blank;
  c->node = n->parent;
}

void drop_texts(struct liquid_compiler *c, uint32_t mark, bool blank) {
  for (uint32_t i = mark; blank && i < c->body_texts.count; i += 2) {
    uint32_t body_op = c->body_texts.items[i + 1];
    c->code.items[c->body_texts.items[i]] = LQ_OP_NOP;
    code_patch(c, body_op, (c->code.items[body_op] >> 8) - 1);
  }
  c->body_texts.count = mark;
}

bool in_markup(struct liquid_compiler *c, bool good, uint32_t line, struct str markup) {
  if (good) return true;
  if (c->options.mode == LIQUID_LAX || c->options.mode == LIQUID_WARN) return false;
  c->error_line = line;
  c->context = lq_printf(&c->arena, "in \"" STR_FMT "\"", STR_ARG(str_strip(markup)));
  return false;
}

bool print_variable(struct liquid_compiler *c, struct str markup) {
  bool none;
  if (!variable(c, markup, &none)) return false;
  if (!none) code_op(c, LQ_OP_PRINT, c->options.escape);
  return true;
}

/* --- tags as they stand in a text ------------------------------------------------------------------------------------ */

static bool is_word(char ch) {
  return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_';
}

static const char *take_name(const char *at, const char *end) {
  if (at < end && *at == '#') return at + 1;
  while (at < end && is_word(*at)) at++;
  return at;
}

static const char *skip_space(const char *at, const char *end, uint32_t *lines) {
  for (; at < end && markup_space(*at); at++) *lines += *at == '\n';
  return at;
}

/* {%- name markup -%}; lines: those that end before the markup. */
bool full_tag(struct str piece, struct str *name, struct str *markup, uint32_t *lines) {
  const char *at = piece.ptr + 2, *end = piece.ptr + piece.len - 2;
  *lines = 0;
  if (piece.len < 5 || piece.ptr[1] != '%' || *end != '%' || end[1] != '}') return false;
  if (*at == '-') at++;
  at = skip_space(at, end, lines);
  const char *word = at;
  at = take_name(at, end);
  if (at == word) return false;
  *name = str_slice(word, at);
  at = skip_space(at, end, lines);
  if (end > at && end[-1] == '-') end--;
  *markup = str_slice(at, end);
  return true;
}

bool liquid_line(struct str line, struct str *name, struct str *markup) {
  uint32_t lines;
  const char *end = line.ptr + line.len, *word = skip_space(line.ptr, end, &lines), *at = take_name(word, end);
  lines = 0;
  *name = str_slice(word, at);
  *markup = str_slice(skip_space(at, end, &lines), end);
  return at > word;
}

static bool all_space(struct str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!markup_space(s.ptr[i])) return false;
  return true;
}

/* --- bodies ---------------------------------------------------------------------------------------------------------- */

struct body {
  uint32_t op, count, first_exit;
  bool blank, interrupts;
};

/* A tag or an output has been read: whoever comes behind it stops where it left an interrupt. */
static void node_done(struct liquid_compiler *c, struct body *b, bool blank) {
  b->count++;
  b->blank = b->blank && blank;
  if (c->interrupts || c->careful) VEC_PUSH(&c->arena, &c->exits, code_op(c, LQ_OP_CHECK, 0));
  b->interrupts = b->interrupts || c->interrupts;
  c->interrupts = false;
}

static void text(struct liquid_compiler *c, struct pieces *p, struct body *b, struct str s) {
  bool dash = p->end - p->at > 2 && *p->at == '{' && (p->at[1] == '{' || p->at[1] == '%') && p->at[2] == '-';
  while (c->trim && s.len && (markup_space(*s.ptr) || !*s.ptr)) s.ptr++, s.len--;
  c->trim = false;
  b->count++;
  if (b->blank && !all_space(s)) b->blank = false;
  while (dash && s.len && (markup_space(s.ptr[s.len - 1]) || !s.ptr[s.len - 1])) s.len--;
  uint32_t pc = code_op(c, LQ_OP_TEXT, c->texts.count);
  VEC_PUSH(&c->arena, &c->texts, s);
  if (!b->blank) return;
  VEC_PUSH(&c->arena, &c->body_texts, pc);
  VEC_PUSH(&c->arena, &c->body_texts, b->op);
}

static bool output(struct liquid_compiler *c, struct str s) {
  if (s.len < 4 || s.ptr[s.len - 1] != '}' || s.ptr[s.len - 2] != '}')
    return liquid_fail(c, "Variable '" STR_FMT "' was not properly terminated with regexp: /\\}\\}/", STR_ARG(s));
  const char *at = s.ptr + 2, *end = s.ptr + s.len - 2;
  if (*at == '-') at++;
  if (end > s.ptr && end[-1] == '-') end--;
  uint32_t node = node_begin(c);
  struct checkpoint before = code_checkpoint(c);
  struct str markup = end > at ? str_slice(at, end) : (struct str){ at, 0 };
  bool good = (is_super(c, markup) ? print_super(c) : print_variable(c, markup)) || liquid_mend(c, before);
  node_end(c, node, false);
  return good;
}

static bool liquid_tag(struct liquid_compiler *c, struct str markup, struct body *b);

/* A tag of a body, that {% liquid %} has apart. One that is unknown here ends the body: *ended, and *end is it. */
static bool body_tag(struct liquid_compiler *c, struct pieces *p, struct body *b, struct str name, struct str markup, struct ending *end,
                     bool *ended) {
  bool known, blank = false;
  if (!tag(c, p, name, markup, &known, &blank)) return false;
  if (known) node_done(c, b, blank);
  else *end = (struct ending){ name, markup };
  *ended = !known;
  return true;
}

/* Inside {% liquid %}: a tag a line. */
static bool body_lines(struct liquid_compiler *c, struct pieces *p, struct body *b, struct ending *end) {
  struct str line, name, markup;
  while (pieces_next(p, &line)) {
    if (!all_space(line)) {
      c->piece = line.ptr;
      if (!liquid_line(line, &name, &markup)) {
        *end = (struct ending){ line, line };
        return true;
      }
      if (str_is(name, "liquid")) {
        c->line--;
        if (!liquid_tag(c, markup, b)) return false;
        continue;
      }
      bool ended;
      if (!body_tag(c, p, b, name, markup, end, &ended)) return false;
      if (ended) return true;
    }
    c->line = p->line;
  }
  end->name.ptr = NULL;
  return true;
}

static bool liquid_tag(struct liquid_compiler *c, struct str markup, struct body *b) {
  struct pieces lines = { markup.ptr, markup.ptr + markup.len, c->line, true, false };
  struct ending end;
  if (++c->depth > LIMIT_LIQUID_DEPTH) return liquid_fail(c, "Nesting too deep");
  if (!body_lines(c, &lines, b, &end)) return false;
  c->depth--;
  return !end.name.ptr || wrong_ending(c, end.name, "liquid", "%}");
}

static bool body_text(struct liquid_compiler *c, struct pieces *p, struct body *b, struct ending *end) {
  struct str s, name, markup;
  uint32_t lines;
  while (pieces_next(p, &s)) {
    bool is_tag = s.len > 1 && s.ptr[0] == '{' && s.ptr[1] == '%', is_output = s.len > 1 && s.ptr[0] == '{' && s.ptr[1] == '{';
    if (is_tag || is_output) {
      c->trim = s.len > 2 && s.ptr[s.len - 3] == '-';
      c->piece = s.ptr;
    }
    if (is_output) {
      if (!output(c, s)) return false;
      node_done(c, b, false);
    } else if (!is_tag) {
      text(c, p, b, s);
    } else if (!full_tag(s, &name, &markup, &lines)) {
      if (s.len < 4 || s.ptr[s.len - 1] != '}' || s.ptr[s.len - 2] != '%')
        return liquid_fail(c, "Tag '" STR_FMT "' was not properly terminated with regexp: /\\%%\\}/", STR_ARG(s));
      *end = (struct ending){ s, s };
      return true;
    } else {
      c->line += lines;
      if (str_is(name, "liquid")) {
        if (!liquid_tag(c, markup, b)) return false;
        continue;
      }
      bool ended;
      if (!body_tag(c, p, b, name, markup, end, &ended)) return false;
      if (ended) return true;
    }
    c->line = p->line;
  }
  end->name.ptr = NULL;
  return true;
}

bool body(struct liquid_compiler *c, struct pieces *p, struct ending *end, bool *blank) {
  struct body b = { .blank = true, .first_exit = c->exits.count };
  bool outer_interrupts = c->interrupts;
  c->interrupts = false;
  c->line = p->line;
  b.op = code_op(c, LQ_OP_BODY, 0);
  if (b.op == c->start && c->loaded != LQ_NONE) c->loaded = code_op(c, LQ_OP_LOADED, 0);
  if (!(p->liquid_tag ? body_lines(c, p, &b, end) : body_text(c, p, &b, end))) return false;
  code_patch(c, b.op, (c->code.items[b.op] >> 8) + b.count);
  for (uint32_t i = b.first_exit; i < c->exits.count; i++) code_patch(c, c->exits.items[i], code_here(c));
  c->exits.count = b.first_exit;
  c->interrupts = outer_interrupts || b.interrupts;
  *blank = b.blank;
  return true;
}

bool block_body(struct liquid_compiler *c, struct pieces *p, const char *block, struct ending *end, bool *blank) {
  if (c->depth >= LIMIT_LIQUID_DEPTH) {
    c->not_syntax = true;
    return liquid_fail(c, "Nesting too deep");
  }
  const char *piece = c->piece;
  c->depth++;
  if (!body(c, p, end, blank)) return false;
  c->depth--;
  if (end->name.ptr) return true;
  c->piece = piece;
  return liquid_fail(c, "'%s' tag was never closed", block);
}

bool wrong_ending(struct liquid_compiler *c, struct str name, const char *block, const char *delimiter) {
  if (str_is(name, "else")) return liquid_fail(c, "%s tag does not expect 'else' tag", block);
  if (str_starts(name, STR("end")))
    return liquid_fail(c, "'" STR_FMT "' is not a valid delimiter for %s tags. use %s", STR_ARG(name), block, delimiter);
  return liquid_fail(c, "Unknown tag '" STR_FMT "'", STR_ARG(name));
}

/* --- templates ------------------------------------------------------------------------------------------------------- */

struct liquid_compiler *liquid_compiler_new(void) {
  struct liquid_compiler *c = calloc(1, sizeof *c);
  CHECK(c);
  arena_init(&c->arena, 64u << 10);
  liquid_reset(c, &(struct liquid_options){ .mode = LIQUID_STRICT2 });
  return c;
}

void liquid_compiler_free(struct liquid_compiler *c) {
  if (!c) return;
  arena_deinit(&c->arena);
  free(c);
}

void liquid_reset(struct liquid_compiler *c, const struct liquid_options *options) {
  struct arena arena = c->arena;
  arena_reset(&arena);
  *c = (struct liquid_compiler){ .arena = arena, .options = *options };
  c->cx = (struct lq_cx){ .arena = &c->arena, .allocated_max = LIMIT_LIQUID_MEMORY_BYTES };
}

bool liquid_mend(struct liquid_compiler *c, struct checkpoint before) {
  if (!c->options.camp || !c->failed || c->not_syntax || c->mended.count >= LIMIT_LIQUID_ERRORS_COUNT) return false;
  struct liquid_error e = { .reason = c->error, .line = c->error_line, .at = c->piece, .kind = c->kind, .found = c->error };
  VEC_PUSH(&c->arena, &c->mended, e);
  code_rollback(c, before);
  c->expression_depth = 0;
  c->cx.failed = false;
  c->kind = LIQUID_SYNTAX;
  return true;
}

static void error_report(struct liquid_compiler *c, struct str name, struct liquid_error *e) {
  struct str reason = c->error;
  if (c->context.ptr) reason = lq_printf(&c->arena, STR_FMT " " STR_FMT, STR_ARG(c->error), STR_ARG(c->context));
  const char *kind = c->not_syntax ? "Liquid error" : "Liquid syntax error";
  struct str text = c->not_syntax ? lq_printf(&c->arena, "%s: " STR_FMT, kind, STR_ARG(reason)) :
                    name.len ? lq_printf(&c->arena, "%s (" STR_FMT " line %d): " STR_FMT, kind, STR_ARG(name), (int)c->error_line, STR_ARG(reason)) :
                    lq_printf(&c->arena, "%s (line %d): " STR_FMT, kind, (int)c->error_line, STR_ARG(reason));
  *e = (struct liquid_error){ text, reason, c->error_line, c->piece, c->kind, c->error };
}

static bool begins_with_text(struct str s) { return s.len && !(s.len > 1 && *s.ptr == '{' && (s.ptr[1] == '{' || s.ptr[1] == '%')); }

/* Messages do without: there a snippet is the same wherever it is called. */
static bool needs_loaded(const struct liquid_compiler *c, struct str name, struct str source) {
  return !c->options.camp && (name.len || str_ends(source, STR("-}}")) || str_ends(source, STR("-%}")));
}

static bool add(struct liquid_compiler *c, struct str name, struct str source, bool careful, struct liquid_error *e) {
  struct checkpoint before = code_checkpoint(c);
  struct pieces p = { source.ptr, source.ptr + source.len, 1, false, false };
  struct lq_template t = { .name = name, .start = code_here(c) };
  c->line = 1;
  c->piece = source.ptr;
  c->depth = c->expression_depth = c->control_depth = 0;
  c->node = LQ_NONE;
  c->trim = c->interrupts = false;
  c->careful = careful;
  c->exits.count = c->body_texts.count = 0;
  c->failed = c->not_syntax = false;
  c->kind = LIQUID_SYNTAX;
  c->child = c->block_free = false;
  c->layouts.count = c->blocks.count = 0;
  c->super.from = NULL;
  c->context = (struct str){ NULL, 0 };
  c->start = t.start;
  c->loaded = needs_loaded(c, name, source) ? 0 : LQ_NONE;
  bool good = source.len <= LIMIT_LIQUID_SOURCE_BYTES ||
              liquid_fail(c, "the template is larger than %u bytes", LIMIT_LIQUID_SOURCE_BYTES);
  good = good && document(c, &p) && !c->failed;
  if (good && c->interrupts && name.len && !careful) { /* included once more for another item, it meets what it left */
    code_rollback(c, before);
    return add(c, name, source, true, e);
  }
  if (!good) {
    error_report(c, name, e);
    code_rollback(c, before);
    t.error = e->text;
  }
  if (good && c->loaded != LQ_NONE) code_patch(c, c->loaded, (c->trim ? LQ_LOADED_DASH : 0) | (begins_with_text(source) ? LQ_LOADED_TEXT : 0) |
                                                               (source.len ? 0 : LQ_LOADED_EMPTY));
  code_op(c, LQ_OP_DONE, 0);
  t.end = code_here(c);
  VEC_PUSH(&c->arena, &c->templates, t);
  return good;
}

bool liquid_add(struct liquid_compiler *c, struct str name, struct str source, struct liquid_error *e) {
  return add(c, name, source, false, e);
}

const struct liquid_error *liquid_mended(const struct liquid_compiler *c, uint32_t *count) {
  *count = c->mended.count;
  return c->mended.items;
}

const struct str *liquid_unknown_filters(const struct liquid_compiler *c, uint32_t *count) {
  *count = c->unknown_filters.count;
  return c->unknown_filters.items;
}

struct lq_unit liquid_unit(struct liquid_compiler *c) {
  return (struct lq_unit){
    .code = c->code.items, .code_count = c->code.count, .texts = c->texts.items, .text_count = c->texts.count,
    .names = c->names.items, .name_count = c->names.count, .consts = c->consts.items, .const_count = c->consts.count,
    .nodes = c->nodes.items, .node_count = c->nodes.count, .sites = c->sites.items, .site_count = c->sites.count,
    .args = c->args.items, .arg_count = c->args.count, .templates = c->templates.items, .template_count = c->templates.count,
    .cache_count = c->cache_count };
}
