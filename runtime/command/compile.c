/* camp compile: a project as one program file, which run, simulate and disasm take in a project's place. */
#include "runtime/command/commands.h"
#include "runtime/command/files.h"
#include "runtime/command/project.h"

#include <errno.h>

static int compile_run(const struct options *o) {
  const char *out = option(o, "output");
  if (!out) {
    complain("compile", "where to? Add -o FILE.");
    return EXIT_COULD_NOT;
  }
  struct project p;
  int code = project_open(&p, "compile", o->positionals[0]);
  if (code == EXIT_FINE) {
    struct buf b;
    buf_init(&b, LIMIT_PROGRAM_BYTES);
    program_write(&b, &p.program);
    if (b.failed) {
      complain("compile", "the program is larger than %u MB, the most that a program file may have", LIMIT_PROGRAM_BYTES >> 20);
      code = EXIT_COULD_NOT;
    } else if (!file_write(out, buf_as_str(&b))) {
      complain("compile", "cannot write %s: %s", out, strerror(errno));
      code = EXIT_COULD_NOT;
    } else {
      printf("%s: %u units, %zu bytes\n", out, p.program.unit_count, b.len);
    }
    buf_deinit(&b);
  }
  project_close(&p);
  return code;
}

static const struct option_spec compile_options[] = {
  { "output", 'o', "FILE", "the program file to write" },
  { NULL, 0, NULL, NULL },
};
const struct command command_compile = {
  .name = "compile",
  .summary = "write a project as one program file",
  .arguments = "PROJECT -o FILE",
  .text = "Checks the scripts and writes what they compile to. `camp run`, `camp simulate` and\n"
          "`camp disasm` take the file in place of the scripts. The file is written whole or not at all.\n",
  .examples = "  camp compile campaigns/ -o campaigns.program\n",
  .options = compile_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which project? Name a .camp file or a folder of them.",
  .run = compile_run,
};
