#ifndef CAMP_TESTS_MUTANTS_H
#define CAMP_TESTS_MUTANTS_H
/* Broken versions of good scripts, and what the compiler says of them: how well its messages point at a mistake. */
#include "compiler/compile.h"

struct mutant_figures {
  uint32_t scripts, made;
  uint32_t valid, warned;   /* still programs: without a word, with a warning. Neither counts below */
  uint32_t broken;          /* the first error of which stands … */
  uint32_t on_line;         /* on the line that was changed */
  uint32_t next_line;       /* on that of the token behind it */
  uint32_t partner;         /* at the bracket that the changed one opened or closed */
  uint32_t noted;           /* elsewhere, but its note shows the line */
  uint32_t astray;          /* elsewhere */
  uint32_t one_error;       /* no more than one error was reported */
};

/* Adds to *f what becomes of the scripts of a folder, together one project. Of all mutants every `step`-th is tried, the first
 * one at `*phase`, so that several folders share one sample. `say` NULL: nothing is printed; else each mutant that
 * went astray or made more than one error. False when the scripts themselves have mistakes. */
bool mutants_of_folder(struct mutant_figures *f, const char *folder, uint32_t step, uint32_t *phase, FILE *say);
/* The same of one script that is a project by itself: a file, or a text of it. */
bool mutants_of_text(struct mutant_figures *f, const char *path, struct str text, uint32_t step, uint32_t *phase, FILE *say);
/* The whole sample: each folder of examples/ and each example of the reference. */
bool mutants_of_tree(struct mutant_figures *f, const char *root, uint32_t step, FILE *say);

uint32_t mutants_right(const struct mutant_figures *f); /* whose first error stands where a reader could first see the mistake */
#endif
