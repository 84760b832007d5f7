/* camp fmt: finds scripts, has the compiler format each, and writes what changed.
 *
 *   1. A script with a mistake of syntax is not touched, and does not keep the others from being formatted.
 *   2. A script is replaced as a whole or not at all, and only when it changes, so that its time stays what it was. */
#include "runtime/command/commands.h"
#include "runtime/command/diff.h"
#include "runtime/command/files.h"
#include "runtime/command/project.h"

#include "vm/base/limits.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct fmt { bool check, diff, color; };

static int could_not(const char *what, const char *path) {
  if (errno == EFBIG)
    complain("fmt", "%s is larger than %u MB, the most that one script may have", path, LIMIT_SOURCE_BYTES >> 20);
  else
    complain("fmt", "cannot %s %s: %s", what, path, strerror(errno));
  return EXIT_COULD_NOT;
}

static int print(struct str text) {
  if (text.len && fwrite(text.ptr, 1, text.len, stdout) != text.len) return could_not("write", "the formatted text");
  return EXIT_FINE;
}

/* Only what is an ordinary file is written: a pipe or a device would be replaced by a file. */
static int rewrite(const char *path, struct str text) {
  struct stat st;
  if (stat(path, &st) != 0) return could_not("read", path);
  if (!S_ISREG(st.st_mode)) {
    complain("fmt", "%s is no ordinary file; `camp fmt -` formats from standard input to standard output", path);
    return EXIT_COULD_NOT;
  }
  if (!file_rewrite(path, text)) return could_not("write", path);
  printf("%s\n", path);
  return EXIT_FINE;
}

/* What to do with a script once both forms are known. */
static int deliver(const struct fmt *f, const char *path, struct str before, struct str after) {
  bool changes = !str_eq(before, after), stream = strcmp(path, "-") == 0;
  const char *shown = stream ? "standard input" : path;
  if (f->diff) {
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    diff_unified(&b, shown, before, after);
    int code = print(buf_as_str(&b));
    buf_deinit(&b);
    if (code) return code;
  } else if (f->check) {
    if (changes) printf("%s\n", shown);
  } else if (stream) {
    return print(after);
  } else if (changes) {
    return rewrite(path, after);
  }
  return f->check && changes ? EXIT_MISTAKES : EXIT_FINE;
}

static int format_one(const struct fmt *f, const char *path) {
  struct arena a;
  struct compilation c;
  struct buf out;
  struct str text;
  bool stream = strcmp(path, "-") == 0;
  int code = EXIT_FINE;
  arena_init(&a, 64 << 10);
  compilation_init(&c);
  buf_init(&out, LIMIT_SOURCE_BYTES + 1u);
  if (stream ? !standard_input_read(&a, LIMIT_SOURCE_BYTES, &text) : !file_read(&a, path, LIMIT_SOURCE_BYTES, &text)) {
    code = could_not("read", stream ? "standard input" : path);
  } else if (format_script(&c, str_from_c(stream ? "standard input" : path), text, &out)) {
    code = deliver(f, path, text, buf_as_str(&out));
  } else {
    buf_clear(&out);
    diagnostics_print(&out, &c, FORMAT_HUMAN, f->color);
    fflush(stdout);
    fwrite(out.data, 1, out.len, stderr);
    code = EXIT_MISTAKES;
  }
  buf_deinit(&out);
  compilation_deinit(&c);
  arena_deinit(&a);
  return code;
}

static int fmt_run(const struct options *o) {
  struct fmt f = { option(o, "check") != NULL, option(o, "diff") != NULL, isatty(STDERR_FILENO) && !getenv("NO_COLOR") };
  for (int i = 0; i < o->count; i++) {
    if (strcmp(o->positionals[i], "-") != 0) continue;
    if (o->count == 1) return format_one(&f, "-");
    complain("fmt", "- is standard input, and stands alone");
    return EXIT_COULD_NOT;
  }
  struct arena a;
  struct script_paths scripts;
  int code = EXIT_FINE;
  arena_init(&a, 64 << 10);
  if (!project_scripts(&a, "fmt", o->positionals, o->count, &scripts)) code = EXIT_COULD_NOT;
  for (uint32_t i = 0; code != EXIT_COULD_NOT && i < scripts.found.count; i++) {
    int one = format_one(&f, scripts.found.items[i]);
    if (one > code) code = one;
  }
  arena_deinit(&a);
  return code;
}

static const struct option_spec fmt_options[] = {
  { "check", 0, NULL, "write nothing; name the scripts that would change" },
  { "diff", 0, NULL, "write nothing; show what would change" },
  { NULL, 0, NULL, NULL },
};
const struct command command_fmt = {
  .name = "fmt",
  .summary = "write scripts as everybody writes them",
  .arguments = "PATH...|- [--check] [--diff]",
  .text = "Formats the scripts, all those of a folder, in place, and names those that changed. Comments and\n"
          "meaning stay, lines break where they did: contacts under way do not notice. `-` formats standard\n"
          "input to standard output. A script with a mistake of syntax is not touched. Ends with 0, with 1\n"
          "when a script has such mistakes or --check found one that would change, with 2 when a file cannot\n"
          "be read or written.\n",
  .examples = "  camp fmt campaigns/\n"
              "  camp fmt --check --diff campaigns/\n"
              "  camp fmt - < welcome.camp\n",
  .options = fmt_options,
  .positionals_min = 1,
  .positionals_max = POSITIONALS_MAX,
  .missing = "which scripts? Name a file or a folder, or - for standard input.",
  .run = fmt_run,
};
