#ifndef CAMP_COMMAND_FOLDERS_H
#define CAMP_COMMAND_FOLDERS_H
/* Paths and folders of a project. Private to project.c, folders.c and answers.c. */
#include "runtime/command/project.h"

/* The path without `.` parts and with `a/..` taken out; `..` at the front stays. Links are not looked at, as in a URL. */
struct str path_normal(struct arena *a, struct str path);
/* For qsort: bytewise, of const char *. */
int path_order(const void *a, const void *b);
/* Adds the projects at a path, as project_paths does. */
bool projects_at(struct arena *a, const char *command, const char *path, struct script_paths *out);
#endif
