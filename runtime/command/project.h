#ifndef CAMP_COMMAND_PROJECT_H
#define CAMP_COMMAND_PROJECT_H
/* A project from the file system: a .camp file, a folder of them, or a compiled program file. */
#include "compiler/compile.h"

struct project {
  struct arena arena;           /* the scripts' texts, and a program that was read from a file */
  struct compilation compilation;
  struct program program;       /* valid after project_open returned CAMP_OK */
  bool compiled;                /* read from a program file: there is no compilation to report on */
  uint32_t file_count;          /* scripts of the user */
  const char *named;            /* what its report's last line begins with; NULL: nothing, it is the only one */
};

struct script_paths { VEC(const char *) found; };
/* The scripts at the paths (files or folders), each once, in the order of their paths. False when a folder cannot be read or
 * holds none, after complaining in `command`'s name. */
bool project_scripts(struct arena *a, const char *command, char *const *paths, int count, struct script_paths *out);
/* The projects at the paths: each path is one, but a folder that holds no script itself and several folders that do holds a project
 * in each of those. So a folder of examples, or of a team's products, is checked by its name. */
bool project_paths(struct arena *a, const char *command, char *const *paths, int count, struct script_paths *out);
/* Reads the scripts at the paths (files or folders) and compiles them. False when something could not be read, after
 * complaining in `command`'s name; the scripts' mistakes are in compilation. */
bool project_load(struct project *p, const char *command, char *const *paths, int count);
/* The same for one path, which may be a program file too; mistakes are printed. Returns an exit code. */
int project_open(struct project *p, const char *command, const char *path);
void project_close(struct project *p);
/* The diagnostics as check prints them, and its last line. */
void project_report(const struct project *p, enum diagnostic_format format, FILE *to);
#endif
