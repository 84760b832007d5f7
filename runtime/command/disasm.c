/* camp disasm: the instructions that scripts compile to, with the lines they come from. */
#include "runtime/command/commands.h"
#include "runtime/command/project.h"

static int disasm_run(const struct options *o) {
  struct project p;
  int code = project_open(&p, "disasm", o->positionals[0]);
  if (code == EXIT_FINE) {
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    program_disassemble(&b, &p.program);
    if (b.len && fwrite(b.data, 1, b.len, stdout) != b.len) code = EXIT_COULD_NOT;
    buf_deinit(&b);
  }
  project_close(&p);
  return code;
}

static const struct option_spec no_options[] = { { NULL, 0, NULL, NULL } };
const struct command command_disasm = {
  .name = "disasm",
  .summary = "show the instructions that scripts compile to",
  .arguments = "PROJECT",
  .text = "Lists each campaign, rule and message with its tables and its instructions, beside the source\n"
          "lines. Takes a .camp file, a folder, or a file that `camp compile` wrote.\n",
  .examples = "  camp disasm first.camp\n"
              "  camp disasm campaigns.program\n",
  .options = no_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which project? Name a .camp file, a folder of them, or a program file.",
  .run = disasm_run,
};
