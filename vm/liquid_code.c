/* Names, operations and snippets of compiled templates; see liquid_code.h. */
#include "liquid_code.h"

#include <strings.h>

const struct lq_op_info lq_op_table[LQ_OP_COUNT] = {
#define LQOP(name, operands, synopsis) [LQ_OP_##name] = { #name, operands },
#include "liquid_ops.def"
#undef LQOP
};

struct lq_name lq_name_of(struct str text) {
  static const struct { const char *name; uint8_t part; } parts[] = {
    { "index", LQ_LOOP_INDEX }, { "index0", LQ_LOOP_INDEX0 }, { "rindex", LQ_LOOP_RINDEX }, { "rindex0", LQ_LOOP_RINDEX0 },
    { "first", LQ_LOOP_FIRST }, { "last", LQ_LOOP_LAST }, { "length", LQ_LOOP_LENGTH }, { "name", LQ_LOOP_NAME },
    { "parentloop", LQ_LOOP_PARENT }, { "col", LQ_LOOP_COL }, { "col0", LQ_LOOP_COL0 }, { "row", LQ_LOOP_ROW },
    { "col_first", LQ_LOOP_COL_FIRST }, { "col_last", LQ_LOOP_COL_LAST } };
  struct lq_name n = { .text = text, .hash = lq_key_hash(text.ptr, text.len) };
  if (str_is(text, "size")) n.command = LQ_COMMAND_SIZE;
  else if (str_is(text, "first")) n.command = LQ_COMMAND_FIRST;
  else if (str_is(text, "last")) n.command = LQ_COMMAND_LAST;
  n.self = str_is(text, "self");
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (text.len && *text.ptr == *parts[i].name && str_is(text, parts[i].name)) n.loop = parts[i].part;
  return n;
}

static bool same_name(struct str template, struct str name, bool caseless, struct str suffix) {
  if (template.len != name.len + suffix.len) return false;
  if (suffix.len && !str_ends(template, suffix)) return false;
  return caseless ? strncasecmp(template.ptr, name.ptr ? name.ptr : "", name.len) == 0 : memcmp(template.ptr, name.ptr, name.len) == 0;
}

uint32_t lq_template_find(const struct lq_unit *u, struct str name) {
  for (int round = 0; round < 4; round++)
    for (uint32_t i = 0; i < u->template_count; i++)
      if (u->templates[i].name.len && same_name(u->templates[i].name, name, round % 2 == 1, round < 2 ? STR("") : STR(".liquid"))) return i;
  return LQ_NONE;
}
