/* Values that are written out: constants, and lists and records of them.
 *
 * Not here: whether a list or record fits what is declared (types.c).
 *
 * Invariants:
 * 1. Behind literal_fold there is no EXPR_LIST and no EXPR_RECORD, so the later stages know literals alone.
 * 2. What is folded is a JSON text within the bounds of an event's own properties; what is not is reported. */
#include "names.h"

#include "vm/base/limits.h"

bool literal_is(const struct expr *e) {
  return e->kind == EXPR_LITERAL || (e->kind == EXPR_UNARY && e->op == UN_NEG && e->a->kind == EXPR_LITERAL);
}

struct value literal_value(const struct expr *e) {
  if (e->kind != EXPR_UNARY)
    return e->value;
  struct value v = e->a->value;
  if (v.type == V_NUMBER || v.type == V_PERCENT)
    v.n = -v.n;
  else
    v.i = -v.i;
  return v;
}

static bool write_part(struct compilation *c, struct buf *b, const struct expr *e) {
  if (e->kind == EXPR_BAD)
    return false;
  if (!literal_is(e)) {
    struct diagnostic *d = diag(c, DIAG_E0381, e->span, "what a list or record holds is written out, not computed");
    d->expected = STR("a value such as `40 EUR`, `\"text\"` or `true`");
    return false;
  }
  value_to_json(b, literal_value(e), NULL);
  return true;
}

static uint32_t depth_of(struct str json) {
  uint32_t depth = 0, deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.len; i++) {
    char ch = json.ptr[i];
    if (quoted && ch == '\\') i++;
    else if (ch == '"') quoted = !quoted;
    else if (quoted) continue;
    else if ((ch == '[' || ch == '{') && ++depth > deepest) deepest = depth;
    else if (ch == ']' || ch == '}') depth--;
  }
  return deepest;
}

static bool within_limits(struct compilation *c, const struct expr *e, const struct buf *b) {
  if (b->failed)
    diag(c, DIAG_E0382, e->span, "this holds more than %u bytes", LIMIT_EVENT_BYTES);
  else if (depth_of(buf_as_str(b)) >= LIMIT_JSON_DEPTH)
    diag(c, DIAG_E0382, e->span, "lists and records nest at most %d deep", LIMIT_JSON_DEPTH - 1);
  else
    return true;
  return false;
}

/* The parts are folded already. */
void literal_fold(struct compilation *c, struct expr *e) {
  bool list = e->kind == EXPR_LIST, good = true;
  struct buf b;
  buf_init(&b, LIMIT_EVENT_BYTES);
  buf_byte(&b, list ? '[' : '{');
  for (const struct expr *i = e->items; i; i = i->next) {
    good &= write_part(c, &b, i);
    if (i->next) buf_byte(&b, ',');
  }
  for (const struct prop *p = e->props; p; p = p->next) {
    buf_json_str(&b, p->name.text);
    buf_byte(&b, ':');
    good &= write_part(c, &b, p->value);
    if (p->next) buf_byte(&b, ',');
  }
  buf_byte(&b, list ? ']' : '}');
  good = good && within_limits(c, e, &b);
  struct str json = good ? arena_str(&c->arena, buf_as_str(&b)) : STR("[]");
  buf_deinit(&b);
  e->kind = good ? EXPR_LITERAL : EXPR_BAD;
  e->items = NULL;
  e->props = NULL;
  e->value = (struct value){ .type = list ? V_LIST : V_RECORD, .aux = (uint32_t)json.len, .ptr = json.ptr };
}
