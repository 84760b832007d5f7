/* camp check: every mistake of the scripts, and nothing else. It runs nothing and opens no database. */
#include "runtime/command/commands.h"
#include "runtime/command/project.h"

static int check_one(const char *path, enum diagnostic_format format, bool named) {
  struct project p;
  int code = EXIT_COULD_NOT;
  if (project_load(&p, "check", (char *const *)&path, 1)) {
    if (named) p.named = path;
    project_report(&p, format, stdout);
    code = p.compilation.error_count ? EXIT_MISTAKES : EXIT_FINE;
  }
  project_close(&p);
  return code;
}

static int check_run(const struct options *o) {
  const char *name = option(o, "format");
  enum diagnostic_format format = FORMAT_HUMAN;
  if (name && strcmp(name, "short") == 0) format = FORMAT_SHORT;
  else if (name && strcmp(name, "json") == 0) format = FORMAT_JSON;
  else if (name && strcmp(name, "human") != 0) {
    complain("check", "--format is human, short or json, not \"%s\"", name);
    return EXIT_COULD_NOT;
  }
  struct arena a;
  arena_init(&a, 4096);
  struct script_paths projects;
  int code = project_paths(&a, "check", o->positionals, o->count, &projects) ? EXIT_FINE : EXIT_COULD_NOT;
  for (uint32_t i = 0; i < projects.found.count; i++) {
    int one = check_one(projects.found.items[i], format, projects.found.count > 1);
    if (one > code) code = one;
  }
  arena_deinit(&a);
  return code;
}

static const struct option_spec check_options[] = {
  { "format", 0, "FORMAT", "human (default), short (one line each) or json (one object a line)" },
  { NULL, 0, NULL, NULL },
};
const struct command command_check = {
  .name = "check",
  .summary = "find every mistake in scripts",
  .arguments = "PATH... [--format human|short|json]",
  .text = "Reads the scripts, all those of a folder, and reports every mistake with its place, what was\n"
          "expected and how to mend it. Each path is a project of its own; a folder that holds no script\n"
          "itself holds a project in each of its folders. Ends with 0 when there is no error, 1 when there\n"
          "are, 2 when a file cannot be read. Warnings do not change the code.\n"
          "With --format json each mistake is one JSON object on a line of its own, and nothing is\n"
          "printed when there is none.\n",
  .examples = "  camp check campaigns/\n"
              "  camp check welcome.camp --format short\n",
  .options = check_options,
  .positionals_min = 1,
  .positionals_max = POSITIONALS_MAX,
  .missing = "which scripts? Name a file or a folder.",
  .run = check_run,
};
