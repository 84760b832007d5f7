/* `call crm.create_task with { … } as reply up to 1d else { … }` as code: the effect, and the wait for what comes of it.
 *
 *      args  CALL           a row of the outbox, in this very transaction
 *            CALLED STORE   its key, by which the reply is known: a strand that has moved to another contact knows it still
 *            WAIT           hears a reply of that key: one that went well; any other; or its time is over
 *
 * Not here: the request itself (request.c), what becomes of the row (runtime/).
 *
 * Invariants:
 * 1. Behind the wait each field that later code reads has its value, or is missing: on every path.
 * 2. Locals of a reply are the block's: they are free again where the reply is known no longer. */
#include "emit.h"

/* The values of the call, in the order of the text, then those that it leaves out and the operation has. */
static uint32_t emit_arguments(struct builder *b, const struct stmt *st, const struct operation_decl *o) {
  struct emit emit = { .event = build_string(b, o->full), .first_key = b->emit_keys.count };
  for (const struct prop *p = st->props; p; p = p->next, emit.key_count++) {
    emit_expr(b, p->value);
    uint32_t key = build_string(b, p->name.text);
    VEC_PUSH(b->a, &b->emit_keys, key);
  }
  for (const struct member *m = o->params; m; m = m->next) {
    const struct prop *p = st->props;
    while (p && !str_eq(p->name.text, m->name.text))
      p = p->next;
    if (p || !m->initial || !literal_is(m->initial))
      continue;
    build_op(b, OP_CONST, build_const(b, literal_value(m->initial)), 0);
    uint32_t key = build_string(b, m->name.text);
    VEC_PUSH(b->a, &b->emit_keys, key);
    emit.key_count++;
  }
  uint32_t index = b->emits.count;
  VEC_PUSH(b->a, &b->emits, emit);
  return index;
}

static struct type type_of(uint8_t kind) { return (struct type){ .kind = kind }; }

/* Whether the event in hand is the reply to the call whose key is in the local. */
void emit_reply_filter(struct builder *b, uint32_t local, bool well) {
  build_op(b, OP_FIELD, build_field(b, STR("key"), type_of(V_TEXT)), 0);
  build_op(b, OP_LOCAL, local, 0);
  build_op(b, OP_EQ, 0, 0);
  if (!well)
    return;
  static const struct { enum opcode op; double status; } bounds[] = { { OP_GE, 200 }, { OP_LT, 300 } };
  for (int i = 0; i < 2; i++) {
    uint32_t over = build_jump(b, OP_AND, 0);
    build_op(b, OP_FIELD, build_field(b, STR("status"), type_of(V_NUMBER)), 0);
    build_op(b, OP_CONST, build_const(b, value_number(bounds[i].status)), 0);
    build_op(b, bounds[i].op, 0, 0);
    build_land(b, over);
  }
}

/* A field of the reply: a member of its body, perhaps further inside. */
static void emit_field(struct builder *b, const struct use *u) {
  bool own = str_is(u->name, "status") || str_is(u->name, "error");
  if (own) {
    build_op(b, OP_FIELD, build_field(b, u->name, u->type), 0);
    return;
  }
  build_op(b, OP_FIELD, build_field(b, STR("body"), type_of(V_RECORD)), 0);
  struct str path = reply_path(b->s, u->member);
  for (const char *at = path.ptr, *end = path.ptr + path.len; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    struct str part = str_slice(at, stop ? stop : end);
    build_op(b, OP_SUBFIELD, build_field(b, part, stop ? type_of(V_RECORD) : u->type), 0);
    at = stop ? stop + 1 : end;
  }
}

/* How the strand goes on: with a reply, a failure, or neither. */
enum outcome { REPLIED, FAILED, IN_VAIN };
static void emit_uses(struct builder *b, const struct frame *f, enum outcome outcome) {
  for (const struct use *u = f->uses; u; u = u->next) {
    bool said = str_is(u->name, "status") || str_is(u->name, "error");
    if (outcome == REPLIED || (outcome == FAILED && said))
      emit_field(b, u);
    else
      build_op(b, OP_CONST, build_const(b, value_missing()), 0);
    build_op(b, OP_STORE, u->local, 0);
  }
}

/* Without an `else` nothing differs behind a failure that a test would have to see, so it is no branch of the script's. */
static void branch_add(struct builder *b, uint32_t w, const struct stmt *st, uint32_t local, bool well) {
  uint32_t index = b->branches.count;
  VEC_PUSH(b->a, &b->branches, ((struct branch){ .event = build_string(b, STR(REPLY_EVENT)), .filter_pc = NONE, .target_pc = NONE,
                                                 .since = BRANCH_NOW, .since_window = value_missing() }));
  if (well || st->has_else)
    build_place(b, PLACE_BRANCH, index, well ? st->reply.span : st->span);
  b->waits_made.items[w].branch_count++;
  VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_REPLY, .item = index, .local = local, .well = well }));
}

void emit_call(struct builder *b, const struct stmt *st) {
  const struct operation_decl *o = st->decl;
  build_op(b, OP_CALL, emit_arguments(b, st, o), 0);
  if (!st->reply.text.len)
    return;
  uint32_t key = build_local(b);
  for (struct use *u = st->frame->uses; u; u = u->next)
    u->local = build_local(b);
  build_op(b, OP_CALLED, 0, 0);
  build_op(b, OP_STORE, key, 0);
  uint32_t w = emit_wait_op(b, st, !st->forever), first = b->branches.count;
  branch_add(b, w, st, key, true);
  branch_add(b, w, st, key, false);
  b->branches.items[first].target_pc = b->code.count;
  emit_uses(b, st->frame, REPLIED);
  uint32_t end = build_jump(b, OP_JUMP, 0), otherwise = NONE;
  if (!st->forever) {
    b->waits_made.items[w].timeout_pc = b->code.count;
    emit_uses(b, st->frame, IN_VAIN);
    otherwise = build_jump(b, OP_JUMP, 0);
  }
  b->branches.items[first + 1].target_pc = b->code.count;
  emit_uses(b, st->frame, FAILED);
  if (otherwise != NONE)
    build_land(b, otherwise);
  emit_block(b, st->otherwise);
  build_land(b, end);
}
