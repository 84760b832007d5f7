/* Tags whose inside is not read: raw, comment, doc, and comments on a line. What ends them is looked for as the reference does,
 * piece by piece. */
#include "liquid_internal.h"

/* --- text that is not read ------------------------------------------------------------------------------------------- */

/* A piece that ends in {% name … %}, whatever stands before: the name, and where the tag begins. */
static bool last_tag(struct str piece, struct str *name, const char **start) {
  if (piece.len < 5 || piece.ptr[piece.len - 1] != '}' || piece.ptr[piece.len - 2] != '%') return false;
  const char *end = piece.ptr + piece.len - 2;
  for (const char *at = end - 2; at >= piece.ptr; at--) {
    if (at[0] != '{' || at[1] != '%') continue;
    const char *word = at + 2 + (at + 2 < end && at[2] == '-');
    while (word < end && markup_space(*word)) word++;
    const char *stop = word;
    while (stop < end && ((*stop | 0x20) >= 'a' && (*stop | 0x20) <= 'z' ? true : (*stop >= '0' && *stop <= '9') || *stop == '_')) stop++;
    if (stop == word) continue;
    *name = str_slice(word, stop);
    *start = at;
    return true;
  }
  return false;
}

static bool never_closed(struct liquid_compiler *c, const char *block) { return liquid_fail(c, "'%s' tag was never closed", block); }

/* To the piece that ends in {% close %}; what lies between is in *inside. */
static bool skip_to(struct liquid_compiler *c, struct pieces *p, const char *block, const char *close, struct str *inside) {
  struct str piece, name;
  const char *start, *from = p->at;
  while (pieces_next(p, &piece)) {
    if (!last_tag(piece, &name, &start)) continue;
    if (strcmp(block, "doc") == 0 && str_is(name, "doc")) return liquid_fail(c, "Syntax Error in 'doc' - Nested doc tags are not allowed");
    if (!str_is(name, close)) continue;
    c->trim = piece.ptr[piece.len - 3] == '-';
    *inside = str_slice(from, start);
    return true;
  }
  return never_closed(c, block);
}

bool skip_block(struct liquid_compiler *c, struct pieces *p, struct liquid_block *b) {
  struct str piece, name, markup, inside;
  uint32_t lines, open = 1;
  const char *tag = c->piece;
  *b = (struct liquid_block){ .name = b->name, .piece = tag, .from = p->at, .line = p->line, .trim = c->trim, .level = c->layouts.count };
  while (pieces_next(p, &piece)) {
    if (!full_tag(piece, &name, &markup, &lines)) continue;
    if (str_is(name, "raw") && !skip_to(c, p, "raw", "endraw", &inside)) return false;
    if (str_is(name, "doc") && !skip_to(c, p, "doc", "enddoc", &inside)) return false;
    if (str_is(name, "comment") && !tag_comment(c, p)) return false;
    open += str_is(name, "block");
    open -= str_is(name, "endblock");
    if (open) continue;
    b->to = piece.ptr;
    while (piece.ptr[2] == '-' && b->to > b->from && markup_space(b->to[-1])) b->to--;
    c->trim = piece.ptr[piece.len - 3] == '-';
    return true;
  }
  c->piece = tag;
  return never_closed(c, "block");
}

bool tag_raw(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  struct str inside;
  if (str_strip(markup).len) return liquid_fail(c, "Syntax Error in 'raw' - Valid syntax: raw");
  if (!skip_to(c, p, "raw", "endraw", &inside)) return false;
  *blank = inside.len == 0;
  code_op(c, LQ_OP_TEXT, c->texts.count);
  VEC_PUSH(&c->arena, &c->texts, inside);
  return true;
}

bool tag_doc(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank) {
  struct str inside;
  if (str_strip(markup).len) return liquid_fail(c, "Syntax Error in 'doc' - Valid syntax: {%% doc %%}{%% enddoc %%}");
  if (!skip_to(c, p, "doc", "enddoc", &inside)) return false;
  *blank = inside.len == 0;
  return true;
}

bool tag_comment(struct liquid_compiler *c, struct pieces *p) {
  struct str piece, name, markup, inside;
  uint32_t lines, open = 1;
  if (c->depth >= LIMIT_LIQUID_DEPTH) {
    c->not_syntax = true;
    return liquid_fail(c, "Nesting too deep");
  }
  while (pieces_next(p, &piece)) {
    if (!(p->liquid_tag ? liquid_line(piece, &name, &markup) : full_tag(piece, &name, &markup, &lines))) continue;
    if (str_is(name, "raw") && !skip_to(c, p, "raw", "endraw", &inside)) return false;
    open += str_is(name, "comment");
    open -= str_is(name, "endcomment");
    if (open) continue;
    if (!p->liquid_tag) c->trim = piece.ptr[piece.len - 3] == '-';
    return true;
  }
  return never_closed(c, "comment");
}

bool tag_inline_comment(struct liquid_compiler *c, struct str markup) {
  for (size_t i = 0; i < markup.len; i++) {
    if (markup.ptr[i] != '\n') continue;
    size_t at = i + 1;
    while (at < markup.len && markup_space(markup.ptr[at])) at++;
    if (at < markup.len && markup.ptr[at] != '#')
      return liquid_fail(c, "Syntax error in tag '#' - Each line of comments must be prefixed by the '#' character");
  }
  return true;
}
