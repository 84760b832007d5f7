/* Which scripts and which projects lie at a path; see project.h.
 *
 * Not for reading them (project.c) nor for the files that scripts name (answers.c).
 *
 * Invariants:
 * 1. Scripts are given in the bytewise order of their paths, so that the same folder gives the same program anywhere.
 * 2. One script has one spelling of its path (no `./`, no `a/../`).
 * 3. Folders and files whose name begins with a dot are passed over; a link to a folder is not followed, so no loops. */
#include "runtime/command/folders.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "runtime/command/options.h"
#include "vm/base/limits.h"

struct str path_normal(struct arena *a, struct str path) {
  char *out = arena_alloc(a, path.len + 2);
  size_t len = 0, floor = 0;
  if (path.len && path.ptr[0] == '/') out[len++] = '/', floor = 1;
  for (size_t i = 0; i < path.len;) {
    size_t end = i;
    while (end < path.len && path.ptr[end] != '/') end++;
    struct str part = { path.ptr + i, end - i };
    i = end + 1;
    if (part.len == 0 || str_is(part, ".")) continue;
    if (str_is(part, "..") && len > floor) {
      while (len > floor && out[len - 1] != '/') len--;
      if (len > floor) len--;
      continue;
    }
    if (len > 0 && out[len - 1] != '/') out[len++] = '/';
    memcpy(out + len, part.ptr, part.len);
    len += part.len;
    if (str_is(part, "..")) floor = len;
  }
  if (len == 0) out[len++] = '.';
  out[len] = 0;
  return (struct str){ out, len };
}

int path_order(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

struct entry { struct str path; bool is_folder; };
typedef VEC(struct entry) entry_list;

/* What lies in a folder, in the order in which the system gives it. */
static bool entries_of(struct arena *a, const char *command, const char *folder, entry_list *out) {
  DIR *dir = opendir(folder);
  if (!dir) {
    complain(command, "cannot read the folder %s: %s", folder, strerror(errno));
    return false;
  }
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (e->d_name[0] == '.') continue;
    struct str path = path_normal(a, arena_printf(a, "%s/%s", folder, e->d_name));
    struct stat st;
    if (lstat(path.ptr, &st) == 0) VEC_PUSH(a, out, ((struct entry){ path, S_ISDIR(st.st_mode) }));
  }
  closedir(dir);
  return true;
}

static bool walk_folder(struct arena *a, const char *command, const char *folder, int depth, struct script_paths *out) {
  enum { FOLDER_DEPTH = 32 };
  entry_list entries = { 0 };
  if (depth == FOLDER_DEPTH) {
    complain(command, "%s lies more than %d folders deep", folder, FOLDER_DEPTH);
    return false;
  }
  if (!entries_of(a, command, folder, &entries)) return false;
  for (uint32_t i = 0; i < entries.count; i++) {
    const struct entry *e = &entries.items[i];
    if (e->is_folder && !walk_folder(a, command, e->path.ptr, depth + 1, out)) return false;
    if (e->is_folder || !str_ends(e->path, STR(".camp"))) continue;
    VEC_PUSH(a, &out->found, e->path.ptr);
    if (out->found.count <= LIMIT_PROJECT_FILES_COUNT) continue;
    complain(command, "%s holds more than %d scripts, the most that one project may have", folder, LIMIT_PROJECT_FILES_COUNT);
    return false;
  }
  return true;
}

static bool add_path(struct arena *a, const char *command, const char *given, struct script_paths *all) {
  struct stat st;
  if (stat(given, &st) != 0) {
    complain(command, "cannot read %s: %s", given, strerror(errno));
    return false;
  }
  if (!S_ISDIR(st.st_mode)) {
    VEC_PUSH(a, &all->found, path_normal(a, str_from_c(given)).ptr);
    return true;
  }
  uint32_t before = all->found.count;
  if (!walk_folder(a, command, given, 0, all)) return false;
  if (all->found.count > before) return true;
  complain(command, "the folder %s holds no .camp file", given);
  return false;
}

bool project_scripts(struct arena *a, const char *command, char *const *paths, int count, struct script_paths *out) {
  *out = (struct script_paths){ 0 };
  for (int i = 0; i < count; i++)
    if (!add_path(a, command, paths[i], out)) return false;
  if (out->found.count) qsort(out->found.items, out->found.count, sizeof *out->found.items, path_order);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < out->found.count; i++)
    if (i == 0 || strcmp(out->found.items[i], out->found.items[i - 1]) != 0) out->found.items[kept++] = out->found.items[i];
  out->found.count = kept;
  return true;
}

/* Whether scripts lie in the folder itself; and, sorted, the folders in it that hold any. */
static bool list_folder(struct arena *a, const char *command, const char *folder, bool *own, struct script_paths *within) {
  entry_list entries = { 0 };
  *own = false;
  *within = (struct script_paths){ 0 };
  if (!entries_of(a, command, folder, &entries)) return false;
  for (uint32_t i = 0; i < entries.count; i++) {
    const struct entry *e = &entries.items[i];
    struct script_paths scripts = { 0 };
    if (!e->is_folder) {
      *own = *own || str_ends(e->path, STR(".camp"));
      continue;
    }
    if (!walk_folder(a, command, e->path.ptr, 1, &scripts)) return false;
    if (scripts.found.count) VEC_PUSH(a, &within->found, e->path.ptr);
  }
  if (within->found.count) qsort(within->found.items, within->found.count, sizeof *within->found.items, path_order);
  return true;
}

bool projects_at(struct arena *a, const char *command, const char *path, struct script_paths *out) {
  struct stat st;
  bool own;
  struct script_paths within;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
    if (!list_folder(a, command, path, &own, &within)) return false;
    if (!own && within.found.count > 1) {
      for (uint32_t i = 0; i < within.found.count; i++)
        if (!projects_at(a, command, within.found.items[i], out)) return false;
      return true;
    }
  }
  VEC_PUSH(a, &out->found, path);
  return true;
}

bool project_paths(struct arena *a, const char *command, char *const *paths, int count, struct script_paths *out) {
  *out = (struct script_paths){ 0 };
  for (int i = 0; i < count; i++)
    if (!projects_at(a, command, paths[i], out)) return false;
  return true;
}
