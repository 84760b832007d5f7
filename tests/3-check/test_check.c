/* What the checks say, compared whole: place, caret, what was expected, the nearest name, the fix. */
#include "tests/3-check/golden.h"

static void print(struct buf *b, struct compilation *c) { diagnostics_print(b, c, FORMAT_HUMAN, false); }

int main(void) { return golden_run("diagnostics of names, types and flow", "tests/3-check/golden", print); }
