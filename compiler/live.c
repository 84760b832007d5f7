/* Which locals each wait must keep: those that some path behind it reads before it writes them.
 *
 * Not here: which locals exist. What is not kept is not stored while a contact sleeps for weeks, so this decides how many
 * bytes a sleeping contact costs.
 *
 * Invariants:
 * 1. Works on the code itself, backwards, until nothing changes; only loops jump back, so that is twice or so.
 * 2. A wait needs what its branches' filters, its arm and the campaign's goals and stops read, too: all are looked at while the
 *    contact sleeps. */
#include "emit.h"

static uint64_t live_wait(const struct builder *b, const struct wait *w) {
  const uint64_t *live = b->live.items;
  uint64_t out = 0;
  if (w->timeout_pc != NONE)
    out |= live[w->timeout_pc];
  if (w->arm_pc != NONE)
    out |= live[w->arm_pc];
  for (uint32_t i = 0; i < w->branch_count; i++) {
    const struct branch *branch = &b->branches.items[w->first_branch + i];
    out |= live[branch->target_pc];
    if (branch->filter_pc != NONE)
      out |= live[branch->filter_pc];
  }
  for (uint32_t i = 0; i < b->goals.count; i++)
    if (b->goals.items[i].filter_pc != NONE)
      out |= live[b->goals.items[i].filter_pc];
  for (uint32_t i = 0; i < b->stops.count; i++)
    if (b->stops.items[i].filter_pc != NONE)
      out |= live[b->stops.items[i].filter_pc];
  return out;
}

static uint64_t live_before(const struct builder *b, uint32_t pc) {
  const uint64_t *live = b->live.items;
  uint32_t operands[2] = { 0, 0 };
  enum opcode op = b->code.items[pc];
  const struct opcode_info *info = &opcode_table[op];
  uint32_t next = pc + instruction_decode(b->code.items, b->code.count, pc, operands);
  uint64_t out = (info->flags & OPF_END) || next >= b->code.count ? 0 : live[next];
  switch (op) {
  case OP_LOCAL: return out | UINT64_C(1) << operands[0];
  case OP_STORE: return out & ~(UINT64_C(1) << operands[0]);
  case OP_EACH: return (out & ~(UINT64_C(1) << operands[0])) | live[operands[1]];
  case OP_WAIT:
  case OP_OVER: return live_wait(b, &b->waits_made.items[operands[0]]);
  case OP_WATCH: return out | live_wait(b, &b->waits_made.items[operands[0]]);
  default: return info->flags & OPF_JUMP ? out | live[operands[0]] : out;
  }
}

void live_fill(struct builder *b) {
  if (!b->local_high)
    return;
  uint32_t operands[2];
  b->pcs.count = 0;
  for (uint32_t pc = 0, bytes; pc < b->code.count; pc += bytes) {
    bytes = instruction_decode(b->code.items, b->code.count, pc, operands);
    CHECK(bytes > 0);
    VEC_PUSH(b->a, &b->pcs, pc);
  }
  b->live.count = 0;
  for (uint32_t i = 0; i < b->code.count; i++)
    VEC_PUSH(b->a, &b->live, 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t i = b->pcs.count; i-- > 0;) {
      uint32_t pc = b->pcs.items[i];
      uint64_t in = live_before(b, pc);
      changed |= in != b->live.items[pc];
      b->live.items[pc] = in;
    }
  }
  for (uint32_t i = 0; i < b->waits_made.count; i++)
    b->waits_made.items[i].live = live_wait(b, &b->waits_made.items[i]);
  b->pcs.count = 0;
}
