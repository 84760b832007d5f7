/* The verifier: what passes cannot crash the VM.
 *
 * For: jump targets, stack depth, what code may stand where; verify_tables.c and verify_entries.c have the rest. Not for meaning: a
 * verified unit may still compare a text with a number, which is false at run time, and may still loop, which fuel ends.
 *
 * How: one sweep decodes the code from its first byte to its last and marks where instructions start. Then a worklist follows
 * every path from every entry (triggers, filters, arms, targets, keys) with the stack's depth. Each instruction is looked at
 * once a mode, so the time is linear in the code.
 *
 * Invariants of a unit that passed:
 * 1. Every index is below the count of its table, every text is UTF-8, every constant is sound.
 * 2. Every jump and every entry is the first byte of an instruction, and no path runs behind the last one.
 * 3. On all paths to an instruction the stack is as deep, never below 0, never above LIMIT_STACK_COUNT.
 * 4. Step code starts with an empty stack and never meets RET; expression code ends with RET and one value, and has no effects. */
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pattern.h"

bool verify_refuse(struct check *c, enum camp_err err, const char *fmt, ...) {
  if (c->err) return false;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->e->text, sizeof c->e->text, fmt, ap);
  va_end(ap);
  c->err = err;
  return false;
}

bool verify_enter(struct check *c, uint32_t pc, enum mode mode, uint32_t depth, const char *where, uint32_t n) {
  if (pc >= c->u->code_bytes) return verify_refuse(c, CAMP_CORRUPT, "%s %u: pc %u is outside the code", where, n, pc);
  if (!c->starts[pc]) return verify_refuse(c, CAMP_CORRUPT, "%s %u: pc %u is not the start of an instruction", where, n, pc);
  uint8_t *seen = &c->seen[mode][pc];
  if (*seen == 0) {
    *seen = (uint8_t)(depth + 1);
    c->work[c->work_count++] = pc | (mode == MODE_EXPR ? WORK_EXPR : 0);
    return true;
  }
  if (*seen == depth + 1) return true;
  return verify_refuse(c, CAMP_CORRUPT, "%s %u: pc %u is met with %u values on the stack and with %u", where, n, pc, *seen - 1u, depth);
}

static bool pattern_ok(struct check *c, uint32_t pc, uint32_t constant) {
  struct value v = c->u->consts[constant];
  if (v.type != V_TEXT) return verify_refuse(c, CAMP_CORRUPT, "pc %u: the pattern is not a text", pc);
  if (!c->patterns) c->patterns = calloc(c->u->const_count, 1);
  CHECK(c->patterns);
  if (c->patterns[constant]) return true;
  char why[200];
  struct pattern *p = pattern_new(value_str(v), why, sizeof why);
  if (!p) return verify_refuse(c, CAMP_CORRUPT, "pc %u: %s", pc, why);
  pattern_free(p);
  c->patterns[constant] = 1;
  return true;
}

/* What the letter does not say: these operands have a meaning of their own. */
static bool special_operands_ok(struct check *c, uint32_t pc, const uint32_t operands[2]) {
  const struct unit *u = c->u;
  switch (u->code[pc]) {
    case OP_MATCHES: return pattern_ok(c, pc, operands[0]);
    case OP_AGO: return duration_ok(c, u->consts[operands[0]], true, "pc", pc);
    case OP_DROP:
      return u->consts[operands[1]].type == V_TEXT || verify_refuse(c, CAMP_CORRUPT, "pc %u: the reason is not a text", pc);
    case OP_NEXTTIME: case OP_WINDOW:
      return (operands[0] >= 1 && operands[0] <= 127) || verify_refuse(c, CAMP_CORRUPT, "pc %u: %u is no set of weekdays", pc, operands[0]);
    case OP_DATEPART:
      return operands[0] <= 6 || verify_refuse(c, CAMP_CORRUPT, "pc %u: a date has no part %u", pc, operands[0]);
    default: return true;
  }
}

static bool operand_ok(struct check *c, char letter, uint32_t operand, uint32_t pc) {
  const struct unit *u = c->u;
  switch (letter) {
    case 'c': return index_ok(c, operand, u->const_count, "constant", "pc", pc);
    case 'f': return index_ok(c, operand, u->field_count, "field", "pc", pc);
    case 's': return index_ok(c, operand, u->string_count, "string", "pc", pc);
    case 'm': return index_ok(c, operand, u->measure_count, "measure", "pc", pc);
    case 'w': return index_ok(c, operand, u->wait_count, "wait", "pc", pc);
    case 'e': return index_ok(c, operand, u->emit_count, "emit", "pc", pc);
    case 'x': return index_ok(c, operand, u->experiment_count, "experiment", "pc", pc);
    case 'l': return index_ok(c, operand, u->local_count, "local", "pc", pc);
    default: return true; /* n says what it likes; j is checked where the path goes, and here that it is a start */
  }
}

/* Decodes all of the code, also what no path meets, and then looks whether jumps hit instructions. */
static bool sweep(struct check *c) {
  const struct unit *u = c->u;
  uint32_t operands[2];
  for (uint32_t pc = 0, bytes; pc < u->code_bytes; pc += bytes) {
    bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
    if (!bytes) {
      return verify_refuse(c, CAMP_CORRUPT, opcode_table[u->code[pc]].name ? "pc %u: the instruction 0x%02x is cut short"
                                                                    : "pc %u: no opcode has the byte 0x%02x", pc, u->code[pc]);
    }
    c->starts[pc] = 1;
    const char *letters = opcode_table[u->code[pc]].operands;
    for (int i = 0; letters[i]; i++) {
      if (!operand_ok(c, letters[i], operands[i], pc)) return false;
    }
    if (!special_operands_ok(c, pc, operands)) return false;
  }
  return true;
}

static uint32_t pops_of(const struct unit *u, uint8_t op, const uint32_t operands[2]) {
  if (op == OP_ONEOF) return operands[0] + 1;
  if (opcode_table[op].operands[0] == 'e') return u->emits[operands[0]].key_count;
  if (op == OP_WAIT || op == OP_OVER) return u->waits[operands[0]].arm_pc != NONE;
  CHECK(opcode_table[op].pops >= 0);
  return (uint32_t)opcode_table[op].pops;
}

static bool place_ok(struct check *c, uint32_t pc, enum mode mode, uint32_t depth) {
  const struct opcode_info *info = &opcode_table[c->u->code[pc]];
  if (mode == MODE_EXPR && !(info->flags & OPF_EXPR)) {
    return verify_refuse(c, CAMP_CORRUPT, "pc %u: %s in an expression", pc, info->name);
  }
  if (c->u->code[pc] != OP_RET) return true;
  if (mode == MODE_STEP) return verify_refuse(c, CAMP_CORRUPT, "pc %u: RET in steps", pc);
  return depth == 1 || verify_refuse(c, CAMP_CORRUPT, "pc %u: RET with %u values on the stack", pc, depth);
}

/* Follows one instruction to where it may go. */
static bool follow(struct check *c, uint32_t pc, enum mode mode) {
  const struct unit *u = c->u;
  uint32_t operands[2], depth = c->seen[mode][pc] - 1u;
  uint32_t next = pc + instruction_decode(u->code, u->code_bytes, pc, operands);
  uint8_t op = u->code[pc];
  const struct opcode_info *info = &opcode_table[op];
  uint32_t pops = pops_of(u, op, operands);
  if (!place_ok(c, pc, mode, depth)) return false;
  if (depth < pops) return verify_refuse(c, CAMP_CORRUPT, "pc %u: %s takes %u values and %u are there", pc, info->name, pops, depth);
  uint32_t after = depth - pops + (uint8_t)info->pushes;
  if (after > LIMIT_STACK_COUNT) return verify_refuse(c, CAMP_LIMIT, "pc %u: more than %d values on the stack", pc, LIMIT_STACK_COUNT);
  switch (op) {
    case OP_AND: case OP_OR:
      return verify_enter(c, operands[0], mode, depth, "pc", pc) && verify_enter(c, next, mode, after, "pc", pc);
    case OP_EACH:
      return verify_enter(c, operands[1], mode, after, "pc", pc) && verify_enter(c, next, mode, depth, "pc", pc);
    case OP_FORK:
      return verify_enter(c, operands[0], MODE_STEP, 0, "pc", pc) && verify_enter(c, next, mode, after, "pc", pc);
    case OP_WAIT:
    case OP_OVER:
      return after == 0 || verify_refuse(c, CAMP_CORRUPT, "pc %u: WAIT leaves %u values on the stack", pc, after);
    default: break;
  }
  if ((info->flags & OPF_JUMP) && !verify_enter(c, operands[0], mode, after, "pc", pc)) return false;
  return (info->flags & OPF_END) || verify_enter(c, next, mode, after, "pc", pc);
}

static bool code_ok(struct check *c) {
  if (!sweep(c) || !verify_entries(c)) return false;
  while (c->work_count) {
    uint32_t at = c->work[--c->work_count];
    if (!follow(c, at & ~WORK_EXPR, at & WORK_EXPR ? MODE_EXPR : MODE_STEP)) return false;
  }
  return true;
}

enum camp_err unit_verify(const struct unit *u, struct program_error *e) {
  struct check c = { .u = u, .e = e };
  e->text[0] = '\0';
  if (!verify_tables(&c)) return c.err;
  size_t n = u->code_bytes;
  /* Most units fit in the small array: a project has thousands, and each is verified twice. */
  uint32_t small[1024], *memory = small;
  size_t bytes = 2 * n * sizeof *memory + 3 * n;
  if (bytes > sizeof small) memory = malloc(bytes);
  CHECK(memory);
  c.work = memory;
  c.starts = (uint8_t *)(memory + 2 * n);
  c.seen[MODE_STEP] = c.starts + n;
  c.seen[MODE_EXPR] = c.starts + 2 * n;
  memset(c.starts, 0, 3 * n);
  code_ok(&c);
  if (memory != small) free(memory);
  free(c.patterns);
  return c.err;
}
