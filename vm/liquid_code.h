#ifndef CAMP_VM_LIQUID_CODE_H
#define CAMP_VM_LIQUID_CODE_H
/* Compiled templates: what compiler/liquid_parse.c writes and liquid_render.c runs.
 *
 * A unit holds any number of templates (a message's bodies and their snippets) that share names, constants and code.
 * Texts borrow from the source, or from the program file.
 *
 * Errors happen to nodes: each tag and each output is one, a stretch of code with the line it came from. What fails inside
 * prints its message and goes on behind the innermost node; so the table also says how deep the control stack stands there. */
#include "liquid_filters.h"

enum lq_op {
#define LQOP(name, operands, synopsis) LQ_OP_##name,
#include "liquid_ops.def"
#undef LQOP
  LQ_OP_COUNT
};
enum lq_comparison { LQ_EQ, LQ_NE, LQ_LT, LQ_GT, LQ_LE, LQ_GE, LQ_CONTAINS };
extern const struct lq_op_info { const char *name, *operands; } lq_op_table[LQ_OP_COUNT];
#define LQ_OPERAND_MAX 0xffffffu
#define LQ_NONE UINT32_MAX

enum { LQ_COMMAND_NONE, LQ_COMMAND_SIZE, LQ_COMMAND_FIRST, LQ_COMMAND_LAST };
/* What a loop knows of itself. */
enum lq_loop_part { LQ_LOOP_NONE, LQ_LOOP_INDEX, LQ_LOOP_INDEX0, LQ_LOOP_RINDEX, LQ_LOOP_RINDEX0, LQ_LOOP_FIRST, LQ_LOOP_LAST,
                    LQ_LOOP_LENGTH, LQ_LOOP_NAME, LQ_LOOP_PARENT, LQ_LOOP_COL, LQ_LOOP_COL0, LQ_LOOP_ROW, LQ_LOOP_COL_FIRST,
                    LQ_LOOP_COL_LAST };
struct lq_name { struct str text; uint32_t hash; uint8_t command, loop; bool self; };
struct lq_name lq_name_of(struct str text);
struct lq_node { uint32_t start, end, line, parent; uint16_t depth; bool blank; };

/* The reference reads a snippet when a render first calls it, by a reader that the template and all its snippets share: what was read
 * last, when it ended in a dash as in -%}, takes the white space that the next snippet begins with. */
enum lq_loaded { LQ_LOADED_DASH = 1 /* it ends in one */, LQ_LOADED_TEXT = 2 /* it begins with text */, LQ_LOADED_EMPTY = 4 };
enum {
  LQ_SITE_LIMIT = 1, LQ_SITE_OFFSET = 2, LQ_SITE_CONTINUE = 4, LQ_SITE_REVERSED = 8, LQ_SITE_COLS = 16, LQ_SITE_WITH = 32,
  LQ_SITE_FOR = 64
};
struct lq_site {            /* a loop or a call of a snippet */
  uint32_t flags;
  uint32_t var;             /* name: the loop's variable, the snippet's alias; LQ_NONE */
  uint32_t text;            /* name: of the loop, of the snippet; LQ_NONE when it is computed */
  uint32_t body, otherwise, end; /* pcs of a loop */
  uint32_t args, arg_count; /* names in unit->args, of render */
};
struct lq_template {
  struct str name;
  uint32_t start, end;      /* code */
  struct str error;         /* why it did not compile; then it has no code */
};
struct lq_unit {
  const uint32_t *code; uint32_t code_count;
  const struct str *texts; uint32_t text_count;
  const struct lq_name *names; uint32_t name_count;
  const struct lq *consts; uint32_t const_count;
  const struct lq_node *nodes; uint32_t node_count;
  const struct lq_site *sites; uint32_t site_count;
  const uint32_t *args; uint32_t arg_count;
  const struct lq_template *templates; uint32_t template_count;
  uint32_t cache_count;
};
/* The template of a name: exact, then without regard to case, then with ".liquid"; LQ_NONE. */
uint32_t lq_template_find(const struct lq_unit *u, struct str name);
#endif
