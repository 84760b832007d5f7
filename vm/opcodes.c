/* The opcode table, and the one decoder of operands.
 *
 * For: everything that looks at code as data (emitter, verifier, disassembler, strand). Not for running it: strand.c reads the
 * operands of verified code by itself, because a table look-up an instruction is what its loop can do without.
 *
 * Invariants:
 * 1. A byte stands for one opcode for ever. Two rows with one byte do not compile: -Wextra warns of an initialiser that
 *    overrides another, and warnings are errors.
 * 2. `bytes` is 1 and the operands' bytes, computed from the letters by the compiler. */
#include "program.h"

/* The length of an instruction by its letters. The literals fold, so the table is a constant. */
#define LETTERS(operands, text) (__builtin_strcmp(operands, text) == 0)
#define OPERAND_BYTES(operands)                                                                                      \
  (LETTERS(operands, "")     ? 0                                                                                     \
   : LETTERS(operands, "j")  ? 4                                                                                     \
   : LETTERS(operands, "lj") ? 5                                                                                     \
   : LETTERS(operands, "sc") ? 4                                                                                     \
   : LETTERS(operands, "l")  ? 1                                                                                     \
   : LETTERS(operands, "n")  ? 1                                                                                     \
                             : 2)

const struct opcode_info opcode_table[256] = {
#define OP(name, byte, operands, pops, pushes, flags, synopsis)                                                      \
  [byte] = { #name, operands, pops, pushes, flags, 1 + OPERAND_BYTES(operands), synopsis },
#include "opcodes.def"
#undef OP
};

static uint32_t u16_at(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | u16_at(p + 2) << 16; }

/* By length, because the verifier decodes every instruction of every unit twice; a test compares with the letters. */
uint32_t instruction_decode(const uint8_t *code, uint32_t code_bytes, uint32_t pc, uint32_t operands[2]) {
  operands[0] = operands[1] = 0;
  if (pc >= code_bytes) return 0;
  const uint8_t *p = code + pc;
  const struct opcode_info *info = &opcode_table[*p];
  if (!info->name || code_bytes - pc < info->bytes) return 0;
  switch (info->bytes) {
    case 1: break;
    case 2: operands[0] = p[1]; break;
    case 3: operands[0] = u16_at(p + 1); break;
    case 5:
      if (info->operands[0] == 'j') operands[0] = u32_at(p + 1);
      else operands[0] = u16_at(p + 1), operands[1] = u16_at(p + 3);
      break;
    default:
      CHECK(info->bytes == 6);
      operands[0] = p[1];
      operands[1] = u32_at(p + 2);
  }
  return info->bytes;
}
