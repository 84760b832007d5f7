#ifndef CAMP_COMPILER_LIQUID_INTERNAL_H
#define CAMP_COMPILER_LIQUID_INTERNAL_H
/* What the files of the Liquid compiler share: liquid_lex.c (tokens of a template, tokens of markup), liquid_expr.c
 * (expressions, filters, conditions), liquid_lax.c (the same from patterns), liquid_parse.c (tags and blocks). */
#include "liquid.h"

enum token_kind { /* as the reference names them in its messages */
  T_END, T_ID, T_NUMBER, T_STRING, T_COMPARISON, T_PIPE, T_DOT, T_DOTDOT, T_COLON, T_COMMA, T_OPEN_SQUARE, T_CLOSE_SQUARE,
  T_OPEN_ROUND, T_CLOSE_ROUND, T_QUESTION, T_DASH
};
struct token { enum token_kind kind; struct str text; };

/* The template's own tokens. */
struct pieces {
  const char *at, *end;
  uint32_t line;      /* behind what was taken */
  bool liquid_tag;    /* lines of a {% liquid %} */
  bool no_close;      /* no %} stands behind: it is not looked for again at each {% */
};
bool pieces_next(struct pieces *p, struct str *out);

/* The text of a block, kept for the layout. */
struct liquid_block { struct str name; const char *piece, *from, *to; uint32_t line, level; bool trim, used; };

struct liquid_compiler {
  struct arena arena;
  struct liquid_options options;
  VEC(uint32_t) code;
  VEC(struct str) texts;
  VEC(struct lq_name) names;
  VEC(struct lq) consts;
  VEC(struct lq_node) nodes;
  VEC(struct lq_site) sites;
  VEC(uint32_t) args;
  VEC(struct lq_template) templates;
  VEC(struct token) tokens;   /* of the markup in hand */
  VEC(uint32_t) body_texts;   /* TEXT instructions of the blocks in hand, each with its BODY, innermost last */
  VEC(uint32_t) exits;        /* jumps to the end of the bodies in hand */
  uint32_t *name_table, name_slots;
  uint32_t cache_count;
  uint32_t p;                 /* the token in hand */
  uint32_t line;              /* of what is parsed, as the reference counts */
  uint32_t depth, expression_depth, control_depth, node;
  bool trim, careful;
  bool interrupts;            /* a tag since this was cleared may leave an interrupt pending */
  uint32_t start, loaded;     /* of the template in hand: its first pc; its LOADED, LQ_NONE when it needs none */
  const char *piece;          /* where the tag in hand begins */
  struct lq_cx cx;            /* numbers and texts made while compiling */
  bool failed, not_syntax;
  struct str error;
  uint32_t error_line;
  struct str context;         /* `in "…"` of the error */
  VEC(struct str) unknown_filters;
  enum liquid_mistake kind;   /* of the error */
  VEC(struct str) layouts;    /* around the template in hand, innermost first */
  VEC(struct liquid_block) blocks;
  struct liquid_block super;  /* what `block.super` is in the block in hand; from NULL: nothing */
  uint32_t super_next;
  bool child;                 /* what is read stands in a layout: blocks are kept for it */
  bool block_free;            /* the layout in hand prints what stands outside of blocks */
  VEC(struct liquid_error) mended; /* Camp's profile: mistakes that reading went on behind */
};

/* --- errors and code */
bool liquid_fail(struct liquid_compiler *c, const char *fmt, ...) PRINTF_LIKE(2, 3); /* always false */
uint32_t code_op(struct liquid_compiler *c, enum lq_op op, uint32_t a); /* its pc */
void code_word(struct liquid_compiler *c, uint32_t word);
void code_patch(struct liquid_compiler *c, uint32_t pc, uint32_t a);
static inline uint32_t code_here(const struct liquid_compiler *c) { return c->code.count; }
uint32_t name_add(struct liquid_compiler *c, struct str text);
uint32_t const_add(struct liquid_compiler *c, struct lq v);
struct checkpoint { uint32_t code, consts, caches, nodes, sites, args; };
struct checkpoint code_checkpoint(const struct liquid_compiler *c);
void code_rollback(struct liquid_compiler *c, struct checkpoint at);
/* Whether just one constant was pushed since pc. */
bool code_is_const(const struct liquid_compiler *c, uint32_t pc, struct lq *out);

/* Camp's profile tells all mistakes at once: notes the one that just failed, takes its code away and goes on. False where reading
 * cannot go on, and in every other profile. */
bool liquid_mend(struct liquid_compiler *c, struct checkpoint before);

/* --- markup */
bool markup_tokens(struct liquid_compiler *c, struct str markup);
static inline const struct token *token_now(const struct liquid_compiler *c) { return &c->tokens.items[c->p]; }
static inline bool look(const struct liquid_compiler *c, enum token_kind k) { return token_now(c)->kind == k; }
static inline bool look_ahead(const struct liquid_compiler *c, enum token_kind k) {
  return c->p + 1 < c->tokens.count && c->tokens.items[c->p + 1].kind == k;
}
bool consume(struct liquid_compiler *c, enum token_kind k, struct str *out); /* fails: Expected … but found … */
bool consume_if(struct liquid_compiler *c, enum token_kind k, struct str *out);
bool consume_word(struct liquid_compiler *c, const char *word);
bool not_an_expression(struct liquid_compiler *c); /* fails: the token in hand begins none */

/* --- expressions; all push one value */
bool expr(struct liquid_compiler *c, bool condition);             /* from tokens */
bool expr_text(struct liquid_compiler *c, struct str markup, bool condition); /* from text, as lax parsing reads it */
void push_const(struct liquid_compiler *c, struct lq v);
void push_lookup(struct liquid_compiler *c, struct str name, bool command);
bool push_range(struct liquid_compiler *c, uint32_t first_pc, uint32_t last_pc, struct str first, struct str last);
/* name | filter: … as the mode wants it; pushes nothing and *none is true when the markup is empty. */
bool variable(struct liquid_compiler *c, struct str markup, bool *none);
bool filter_call(struct liquid_compiler *c, struct str name, uint32_t arguments);
bool condition_tokens(struct liquid_compiler *c);
void compare_op(struct liquid_compiler *c, struct str op);

/* --- lax */
bool lax_variable(struct liquid_compiler *c, struct str markup, bool *none);
bool lax_condition(struct liquid_compiler *c, struct str markup);
struct pairs { VEC(struct str) keys; VEC(struct str) values; };
void lax_attributes(struct liquid_compiler *c, struct str markup, struct pairs *out);
/* Groups of the named syntax; false when it does not match. */
enum lax_syntax { LAX_ASSIGN, LAX_CAPTURE, LAX_CASE, LAX_WHEN, LAX_FOR, LAX_TABLEROW, LAX_INCLUDE, LAX_RENDER, LAX_CYCLE_NAMED,
                  LAX_CYCLE_SIMPLE, LAX_QUOTED };
struct lq_match;
bool lax_match(enum lax_syntax which, struct str markup, struct lq_match *out);

/* --- bodies and tags */
/* Reads nodes until a tag that is none of the standard ones, which is left to the caller: *name its name, ptr NULL at the end. */
struct ending { struct str name, markup; };
bool body(struct liquid_compiler *c, struct pieces *p, struct ending *end, bool *blank);
/* The same for the blocks inside a template: nested, and an error at the end of the text. */
bool block_body(struct liquid_compiler *c, struct pieces *p, const char *block, struct ending *end, bool *blank);
bool wrong_ending(struct liquid_compiler *c, struct str name, const char *block, const char *delimiter); /* always false */
bool full_tag(struct str piece, struct str *name, struct str *markup, uint32_t *lines);
bool liquid_line(struct str line, struct str *name, struct str *markup);
/* A standard tag: false in *known for any other name. *blank: it prints nothing. */
bool tag(struct liquid_compiler *c, struct pieces *p, struct str name, struct str markup, bool *known, bool *blank);
/* liquid_calls.c, liquid_skip.c */
enum { ATTRS_MAX = 64 };
struct attr { struct str key, text; uint32_t token; };   /* value: a token's place, or text when lax */
struct attrs { struct attr items[ATTRS_MAX]; uint32_t count; bool lax; };
bool attr_token(struct liquid_compiler *c, struct attrs *a, struct str key); /* the value in hand, whose code waits for its turn */
bool attrs_lax(struct liquid_compiler *c, struct str markup, struct attrs *a);
bool attr_push(struct liquid_compiler *c, const struct attrs *a, const struct attr *attr);
const struct attr *attr_find(const struct attrs *a, const char *key);
uint32_t site_add(struct liquid_compiler *c, struct lq_site s);
bool tag_cycle(struct liquid_compiler *c, struct str markup);
bool tag_include(struct liquid_compiler *c, struct str markup);
bool tag_render(struct liquid_compiler *c, struct str markup);
bool tag_raw(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank);
bool tag_doc(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank);
bool tag_comment(struct liquid_compiler *c, struct pieces *p);
bool tag_inline_comment(struct liquid_compiler *c, struct str markup);
/* To the endblock of the block whose tag was read. */
bool skip_block(struct liquid_compiler *c, struct pieces *p, struct liquid_block *b);
/* liquid_layout.c: whether the template stands in a layout; its name. A whole template, in its layout or without. A block. */
bool document(struct liquid_compiler *c, struct pieces *p);
bool tag_block(struct liquid_compiler *c, struct pieces *p, struct str markup, bool *blank);
bool is_super(struct liquid_compiler *c, struct str markup);
bool print_super(struct liquid_compiler *c);
bool print_variable(struct liquid_compiler *c, struct str markup);
uint32_t node_begin(struct liquid_compiler *c);
void node_end(struct liquid_compiler *c, uint32_t node, bool blank);
/* White space in the bodies of a block that prints nothing else is not printed: texts since the mark become nothing. */
void drop_texts(struct liquid_compiler *c, uint32_t mark, bool blank);
/* Names the markup where an error was; the errors of inner parts give way. */
bool in_markup(struct liquid_compiler *c, bool good, uint32_t line, struct str markup);
struct str str_strip(struct str s);
static inline bool markup_space(char ch) { return ch == ' ' || (ch >= '\t' && ch <= '\r'); }
static inline bool is_strict2(const struct liquid_compiler *c) { return c->options.mode == LIQUID_STRICT2; }
#endif
