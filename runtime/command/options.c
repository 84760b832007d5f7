/* Reads a subcommand's options and positional arguments by its table.
 *
 * It knows no subcommand, and it checks no value's meaning except that a number is one.
 *
 * Invariants:
 * 1. `--name value`, `--name=value`, `-n value`; `--` ends options; a lone `-` is a positional (standard input).
 * 2. Options may stand before, between and behind positionals.
 * 3. Whatever is not in the table is refused, with the nearest name that is: a misspelt `--dry-run` must never run. */
#include "runtime/command/options.h"

#include "vm/base/check.h"

#include <errno.h>
#include <stdarg.h>

const char *program_name = "camp";

void complain(const char *command, const char *fmt, ...) {
  va_list args;
  fflush(stdout);
  fprintf(stderr, "camp%s%s: ", command ? " " : "", command ? command : "");
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fputc('\n', stderr);
}

/* Edits (insert, remove, change, swap of neighbours) between two short words; longer ones count as far apart. */
static size_t edit_distance(const char *a, const char *b) {
  enum { WORD_MAX = 40 };
  size_t n = strlen(a), m = strlen(b), rows[3][WORD_MAX + 1];
  if (n > WORD_MAX || m > WORD_MAX) return WORD_MAX;
  size_t *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = before[j] = j;
  for (size_t i = 1; i <= n; i++) {
    now[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      now[j] = best;
    }
    size_t *spare = before;
    before = last, last = now, now = spare;
  }
  return last[m];
}

const char *nearest_name(const char *want, const char *(*name_at)(const void *context, size_t i), const void *context) {
  static char kept[64]; /* name_at may give each name in the same place */
  const char *best = NULL, *name;
  size_t best_distance = strlen(want) / 3 + 1;
  for (size_t i = 0; (name = name_at(context, i)) != NULL; i++) {
    size_t distance = edit_distance(want, name);
    if (distance > best_distance || (best && distance == best_distance)) continue;
    snprintf(kept, sizeof kept, "%s", name);
    best = kept, best_distance = distance;
  }
  return best;
}

static const char *option_name_at(const void *context, size_t i) {
  const struct option_spec *options = context;
  return options[i].name;
}

void command_help(const struct command *command, FILE *to) {
  fprintf(to, "camp %s%s%s\n\n%s", command->name, *command->arguments ? " " : "", command->arguments, command->text);
  if (command->options && command->options[0].name) {
    fprintf(to, "\nOptions:\n");
    for (const struct option_spec *s = command->options; s->name; s++) {
      char left[40];
      snprintf(left, sizeof left, "--%s%s%s", s->name, s->value ? " " : "", s->value ? s->value : "");
      if (s->letter) {
        size_t n = strlen(left);
        snprintf(left + n, sizeof left - n, ", -%c", s->letter);
      }
      fprintf(to, "  %-24s %s\n", left, s->help);
    }
  }
  fprintf(to, "\nExamples:\n%s", command->examples);
}

static int find_option(const struct option_spec *specs, struct str name, char letter) {
  for (int i = 0; specs && specs[i].name; i++)
    if (letter ? specs[i].letter == letter : str_is(name, specs[i].name)) return i;
  return -1;
}

static void unknown_option(const struct command *command, const char *argument, struct str name) {
  char word[64] = "";
  if (name.len < sizeof word) memcpy(word, name.ptr, name.len);
  const char *near = word[0] && command->options ? nearest_name(word, option_name_at, command->options) : NULL;
  if (near)
    complain(command->name, "there is no option %s. Did you mean --%s?", argument, near);
  else
    complain(command->name, "there is no option %s. `camp %s --help` lists them.", argument, command->name);
}

/* One argument that begins with a dash; *i moves past a value of its own. */
static bool read_option(const struct command *command, int argc, char **argv, int *i, struct options *out) {
  const char *argument = argv[*i], *inline_value = NULL;
  struct str name = str_from_c(argument + (argument[1] == '-' ? 2 : 1));
  char letter = argument[1] == '-' ? 0 : argument[1];
  const char *equals = letter ? NULL : strchr(name.ptr, '=');
  if (equals) {
    name.len = (size_t)(equals - name.ptr);
    inline_value = equals + 1;
  }
  if (letter && name.len > 1) inline_value = argument + 2;
  int at = find_option(command->options, name, letter);
  if (at < 0) {
    unknown_option(command, argument, name);
    return false;
  }
  const struct option_spec *spec = &command->options[at];
  CHECK(at < OPTIONS_MAX);
  if (!spec->value) {
    if (inline_value) {
      complain(command->name, "--%s takes no value", spec->name);
      return false;
    }
    out->values[at] = "";
    return true;
  }
  if (!inline_value) {
    if (*i + 1 >= argc) {
      complain(command->name, "--%s needs a value: --%s %s", spec->name, spec->name, spec->value);
      return false;
    }
    inline_value = argv[++*i];
  }
  if (out->values[at]) {
    complain(command->name, "--%s is given twice", spec->name);
    return false;
  }
  out->values[at] = inline_value;
  return true;
}

bool options_read(const struct command *command, int argc, char **argv, struct options *out, int *exit_code) {
  *out = (struct options){ .command = command, .positionals = argv };
  bool options_end = false;
  for (int i = 0; i < argc; i++) {
    if (!options_end && strcmp(argv[i], "--") == 0) {
      options_end = true;
    } else if (!options_end && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
      command_help(command, stdout);
      *exit_code = EXIT_FINE;
      return false;
    } else if (!options_end && argv[i][0] == '-' && argv[i][1]) {
      if (read_option(command, argc, argv, &i, out)) continue;
      *exit_code = EXIT_COULD_NOT;
      return false;
    } else {
      argv[out->count++] = argv[i]; /* never ahead of i, so nothing unread is lost */
    }
  }
  *exit_code = EXIT_COULD_NOT;
  if (out->count < command->positionals_min) {
    complain(command->name, "%s\nUsage: camp %s %s", command->missing, command->name, command->arguments);
    return false;
  }
  if (out->count > command->positionals_max) {
    complain(command->name, "what is \"%s\"? Usage: camp %s %s", out->positionals[command->positionals_max], command->name,
             command->arguments);
    return false;
  }
  return true;
}

const char *option(const struct options *o, const char *name) {
  int at = find_option(o->command->options, str_from_c(name), 0);
  CHECK(at >= 0);
  return o->values[at];
}

bool option_number(const struct options *o, const char *name, long min, long max, long absent, long *out) {
  const char *text = option(o, name);
  *out = absent;
  if (!text) return true;
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  if (errno || end == text || *end || n < min || n > max) {
    complain(o->command->name, "--%s is a whole number from %ld to %ld, not \"%s\"", name, min, max, text);
    return false;
  }
  *out = n;
  return true;
}
