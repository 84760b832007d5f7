/* How well errors point at mistakes: every mutant of every example, as tests/lib/mutants.h makes them. Prints key=value lines for
 * run.sh; with `--say` each mutant whose first error is astray, or that makes more than one.
 *
 *   mutants ROOT [--say] [FOLDER | SCRIPT] */
#include "tests/lib/mutants.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  struct mutant_figures f = { 0 };
  FILE *say = argc > 2 && strcmp(argv[2], "--say") == 0 ? stdout : NULL;
  uint32_t phase = 0;
  if (argc < 2) {
    fputs("usage: mutants ROOT [--say] [FOLDER]\n", stderr);
    return 2;
  }
  bool good = argc > 3 ? mutants_of_folder(&f, argv[3], 1, &phase, say) : mutants_of_tree(&f, argv[1], 1, say);
  printf("scripts=%u made=%u valid=%u warned=%u broken=%u on_line=%u next_line=%u partner=%u noted=%u astray=%u right=%u one_error=%u\n",
         f.scripts, f.made, f.valid, f.warned, f.broken, f.on_line, f.next_line, f.partner, f.noted, f.astray, mutants_right(&f), f.one_error);
  return good ? 0 : 1;
}
