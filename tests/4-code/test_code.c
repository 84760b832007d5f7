/* What scripts become, as listings, compared whole. */
#include "tests/3-check/golden.h"

static void print(struct buf *b, struct compilation *c) {
  diagnostics_print(b, c, FORMAT_SHORT, false);
  for (uint32_t i = 0; c->error_count == 0 && i < c->program.unit_count; i++)
    unit_disassemble(b, &c->program.units[i]);
}

int main(void) { return golden_run("listings", "tests/4-code/golden", print); }
