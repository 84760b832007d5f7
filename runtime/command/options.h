#ifndef CAMP_COMMAND_OPTIONS_H
#define CAMP_COMMAND_OPTIONS_H
/* One table a subcommand says what it takes; reading the command line, `--help` and `camp help` all come from it. */
#include "vm/base/str.h"

#include <stdio.h>

enum { EXIT_FINE = 0, EXIT_MISTAKES = 1, EXIT_COULD_NOT = 2, EXIT_KEPT = 3 };
enum { OPTIONS_MAX = 16, POSITIONALS_MAX = 100000 };

struct option_spec {
  const char *name;      /* "events", without the dashes */
  char letter;           /* 'o', or 0 */
  const char *value;     /* "FILE"; NULL: a flag */
  const char *help;      /* one line */
};
struct options;
struct command {
  const char *name;
  const char *summary;       /* one line, for `camp --help` */
  const char *arguments;     /* "PROJECT --db FILE [--events FILE|-]" */
  const char *text;          /* what it does, whole lines */
  const char *examples;      /* whole lines */
  const struct option_spec *options; /* ended by a NULL name */
  int positionals_min, positionals_max;
  const char *missing;       /* what to say when there are too few: "which project? …" */
  int (*run)(const struct options *o);
};
struct options {
  const struct command *command;
  const char *values[OPTIONS_MAX]; /* by place in the table; a flag that was given is "" */
  char **positionals;              /* borrowed from argv, in order */
  int count;
};

/* False when the process should end with *exit_code; what is wrong, or the help asked for, has been printed. */
bool options_read(const struct command *command, int argc, char **argv, struct options *out, int *exit_code);
/* The value by name; NULL when it was not given. The name must be in the table. */
const char *option(const struct options *o, const char *name);
/* A whole number between min and max; false after saying what is wrong. Absent: `absent`. */
bool option_number(const struct options *o, const char *name, long min, long max, long absent, long *out);
void command_help(const struct command *command, FILE *to);
/* The nearest of names within a third of its length, or NULL. */
const char *nearest_name(const char *want, const char *(*name_at)(const void *context, size_t i), const void *context);
/* The s of `messages`, unless there is one. */
#define S_OF(n) ((n) == 1 ? "" : "s")
/* How the user called this program, for commands that are printed to be copied. */
extern const char *program_name;
/* "camp simulate: …" on standard error, ended by a newline. */
void complain(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
