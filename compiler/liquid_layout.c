/* Layouts, as LiquidJS has them: a template that begins with `{% layout "base" %}` stands in another one, whose blocks it fills.
 *
 *   the template                     layouts/base.liquid
 *   {% layout "base" %}              <h1>{% block title %}News{% endblock %}</h1>
 *   {% block title %}Sale{% endblock %}    {{ content_for_layout }}
 *   Come in.                         → <h1>Sale</h1> Come in.
 *
 * What stands outside of blocks is `content_for_layout`; what is assigned there is known in the blocks. `{{ block.super }}` in a
 * block is what the layout had in its place. A layout may stand in another one.
 *
 * Not here: where a layout's text comes from (snippets.c).
 *
 *   1. Nothing of this is left to the renderer: a template and its layouts become the code of one template.
 *   2. A block's text is read where it is printed; one that no layout prints is a mistake. */
#include "liquid_internal.h"

static const char content[] = "content_for_layout";

static bool layout_fail(struct liquid_compiler *c, const char *piece, struct str why) {
  c->kind = LIQUID_LAYOUT;
  c->piece = piece;
  return liquid_fail(c, STR_FMT, STR_ARG(why));
}

static bool word_of(struct str markup, struct str *out) {
  struct str s = str_strip(markup);
  bool quoted = s.len >= 2 && (*s.ptr == '"' || *s.ptr == '\'') && s.ptr[s.len - 1] == *s.ptr;
  *out = quoted ? (struct str){ s.ptr + 1, s.len - 2 } : s;
  for (size_t i = 0; i < out->len; i++)
    if (markup_space(out->ptr[i]) || out->ptr[i] == '"' || out->ptr[i] == '\'' || out->ptr[i] == ',') return false;
  return true;
}

/* The tag that stands before all else but white space and notes; then *p is behind it. */
static bool begins_with_layout(struct liquid_compiler *c, struct pieces *p, struct str *markup) {
  struct pieces q = *p;
  struct str piece, name;
  uint32_t lines;
  while (pieces_next(&q, &piece)) {
    if (!str_strip(piece).len) continue;
    if (!full_tag(piece, &name, markup, &lines)) return false;
    if (str_is(name, "#")) continue;
    if (!str_is(name, "layout")) return false;
    c->piece = piece.ptr;
    c->trim = piece.ptr[piece.len - 3] == '-';
    *p = q;
    return true;
  }
  return false;
}

static bool whole_body(struct liquid_compiler *c, struct pieces *p, bool *blank) {
  struct ending end;
  if (!body(c, p, &end, blank)) return false;
  if (!end.name.ptr) return true;
  if (str_is(end.name, "else") || str_is(end.name, "end")) return liquid_fail(c, "Unexpected outer '" STR_FMT "' tag", STR_ARG(end.name));
  return liquid_fail(c, "Unknown tag '" STR_FMT "'", STR_ARG(end.name));
}

static bool enter_layout(struct liquid_compiler *c, struct str markup, struct str *text) {
  struct str name;
  struct lq_buf chain = { .cx = &c->cx };
  bool again = false;
  if (!word_of(markup, &name) || !name.len) return layout_fail(c, c->piece, STR("a layout is named by a text in quotes"));
  for (uint32_t i = 0; i < c->layouts.count; i++) {
    again = again || str_eq(c->layouts.items[i], name);
    if (!lq_buf_str(&chain, c->layouts.items[i]) || !lq_buf_str(&chain, STR(" → "))) return liquid_fail(c, "Memory limits exceeded");
  }
  if (again || c->layouts.count >= LIMIT_SNIPPET_DEPTH) {
    c->kind = LIQUID_LAYOUT_LOOP;
    return again ? liquid_fail(c, "layouts stand in each other: %.*s" STR_FMT, (int)chain.len, chain.data, STR_ARG(name)) :
                   liquid_fail(c, "more than %d layouts stand in each other", LIMIT_SNIPPET_DEPTH);
  }
  VEC_PUSH(&c->arena, &c->layouts, name);
  if (c->options.find_layout && c->options.find_layout(c->options.context, name, text)) return true;
  c->kind = LIQUID_NO_LAYOUT;
  return liquid_fail(c, STR_FMT, STR_ARG(name));
}

/* What is printed outside of blocks is kept; then the layout is read in the template's place. */
static bool in_layout(struct liquid_compiler *c, struct pieces *p, struct str markup) {
  struct str text;
  const char *piece = c->piece;
  bool blank;
  uint32_t level = c->layouts.count;
  code_op(c, LQ_OP_BODY, 1);
  if (!enter_layout(c, markup, &text)) return false;
  code_op(c, LQ_OP_CAPTURE, 0);
  c->control_depth++;
  c->child = true;
  if (!whole_body(c, p, &blank)) return false;
  c->child = false;
  c->control_depth--;
  code_op(c, LQ_OP_ENDCAPTURE, name_add(c, str_from_c(content)));
  uint32_t kept = name_add(c, str_from_c(content)), from = code_here(c);
  struct pieces q = { text.ptr, text.ptr + text.len, 1, false, false };
  struct str name = c->layouts.items[level];
  c->trim = false;
  c->piece = text.ptr;
  c->block_free = false;
  if (!document(c, &q)) return false;
  bool printed = c->block_free;
  for (uint32_t pc = from; pc < code_here(c) && !printed; pc++) printed = c->code.items[pc] == ((uint32_t)LQ_OP_VAR | kept << 8);
  if (!blank && !printed)
    return layout_fail(c, piece, arena_printf(&c->arena, "text outside of blocks is lost: the layout `" STR_FMT "` has no `{{ %s }}`",
                                              STR_ARG(name), content));
  return true;
}

bool document(struct liquid_compiler *c, struct pieces *p) {
  struct str markup;
  bool blank;
  if (c->options.camp && begins_with_layout(c, p, &markup)) return in_layout(c, p, markup);
  if (!whole_body(c, p, &blank)) return false;
  for (uint32_t i = 0; i < c->blocks.count; i++) {
    const struct liquid_block *b = &c->blocks.items[i];
    if (!b->used)
      return layout_fail(c, b->piece, arena_printf(&c->arena, "the layout `" STR_FMT "` has no block `" STR_FMT "`",
                                                   STR_ARG(c->layouts.items[b->level - 1]), STR_ARG(b->name)));
  }
  return true;
}

/* --- blocks ---------------------------------------------------------------------------------------------------------- */

/* The block of this name that the template nearest to the contact's text has, from the given one on. */
static uint32_t block_find(const struct liquid_compiler *c, struct str name, uint32_t from) {
  while (from < c->blocks.count && !str_eq(c->blocks.items[from].name, name)) from++;
  return from;
}

static bool block_keep(struct liquid_compiler *c, const struct liquid_block *b) {
  if (!b->name.len) return layout_fail(c, b->piece, STR("a block that fills another one has its name"));
  for (uint32_t i = 0; i < c->blocks.count; i++)
    if (c->blocks.items[i].level == b->level && str_eq(c->blocks.items[i].name, b->name))
      return layout_fail(c, b->piece, arena_printf(&c->arena, "the block `" STR_FMT "` stands here twice", STR_ARG(b->name)));
  VEC_PUSH(&c->arena, &c->blocks, *b);
  return true;
}

/* The text of a block: kept ones from `at` on, then what the layout has itself. */
static bool block_print(struct liquid_compiler *c, struct liquid_block own, uint32_t at, bool *blank) {
  struct liquid_block outer_super = c->super, b = own;
  uint32_t outer_next = c->super_next, line = c->line;
  bool trim = c->trim;
  struct ending end;
  at = block_find(c, own.name, at);
  if (at < c->blocks.count) b = c->blocks.items[at];
  for (uint32_t i = at; i < c->blocks.count; i = block_find(c, own.name, i + 1)) c->blocks.items[i].used = true;
  c->super = at < c->blocks.count ? own : (struct liquid_block){ .from = NULL };
  c->super_next = at + 1;
  if (c->depth >= LIMIT_LIQUID_DEPTH) {
    c->not_syntax = true;
    return liquid_fail(c, "Nesting too deep");
  }
  c->depth++;
  struct pieces q = { b.from, b.to, b.line, false, false };
  c->trim = b.trim;
  if (!body(c, &q, &end, blank)) return false;
  if (end.name.ptr) return wrong_ending(c, end.name, "block", "endblock");
  c->depth--;
  c->super = outer_super, c->super_next = outer_next;
  c->trim = trim, c->line = line;
  return true;
}

bool tag_block(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  struct liquid_block b = { .name = { NULL, 0 } };
  if (!word_of(markup, &b.name)) return layout_fail(c, c->piece, STR("a block has a name of one word"));
  if (p->liquid_tag) return layout_fail(c, c->piece, STR("a block stands in a tag of its own"));
  if (!skip_block(c, p, &b)) return false;
  *blank = true;
  if (c->child) return block_keep(c, &b);
  if (b.name.len) return block_print(c, b, 0, blank);
  *blank = false;
  c->block_free = true;
  code_op(c, LQ_OP_VAR, name_add(c, str_from_c(content)));
  code_op(c, LQ_OP_PRINT, c->options.escape);
  return true;
}

bool is_super(struct liquid_compiler *c, struct str markup) {
  return c->options.camp && c->super.from && str_is(str_strip(markup), "block.super");
}

bool print_super(struct liquid_compiler *c) {
  bool blank;
  return block_print(c, c->super, c->super_next, &blank);
}
