/* The compiler's questions, answered from the file system; see answers.h and struct source_reader.
 *
 * Not for finding the scripts of a project (folders.c).
 *
 * Invariants:
 * 1. A path in a script is looked for beside that script.
 * 2. What a message takes along lies below the project's folder, links followed. */
#include "runtime/command/answers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/command/files.h"
#include "runtime/command/folders.h"
#include "runtime/command/options.h"
#include "vm/base/limits.h"

struct embedded_file { const char *path; const char *text; unsigned long bytes; };
extern const struct embedded_file stdlib_files[];

/* The standard library's files are named stdlib/NAME.camp; a module in a folder is named with its slash. */
static bool read_module(struct arena *a, struct str name, struct str *shown, struct str *text) {
  for (const struct embedded_file *f = stdlib_files; f->path; f++) {
    struct str path = str_from_c(f->path), prefix = STR("stdlib/"), suffix = STR(".camp");
    if (path.len != prefix.len + name.len + suffix.len || !str_starts(path, prefix) || !str_ends(path, suffix)) continue;
    if (!str_eq((struct str){ path.ptr + prefix.len, name.len }, name)) continue;
    *shown = path;
    *text = arena_str(a, (struct str){ f->text, f->bytes });
    return true;
  }
  return false;
}

static bool read_source(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text) {
  (void)context;
  if (!from) return read_module(a, name, shown, text);
  if (memchr(name.ptr ? name.ptr : "", 0, name.len)) return false;
  const char *slash = strrchr(from, '/');
  struct str folder = name.len && name.ptr[0] == '/' ? STR("") : slash ? str_slice(from, slash + 1) : STR("");
  *shown = path_normal(a, arena_printf(a, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(name)));
  return file_read(a, shown->ptr, LIMIT_SOURCE_BYTES, text);
}

static const char *name_in(const void *context, size_t i) { return ((const char *const *)context)[i]; }

/* Of a path that cannot be read: a folder, or the file of its folder that differs in capital letters or a few characters. */
static struct str instead(void *context, struct arena *a, const char *from, struct str name, struct str *nearest) {
  (void)context;
  struct stat st;
  const char *slash = strrchr(from, '/');
  struct str folder = name.len && name.ptr[0] == '/' ? STR("") : slash ? str_slice(from, slash + 1) : STR("");
  struct str path = path_normal(a, arena_printf(a, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(name)));
  if (name.len && stat(path.ptr, &st) == 0 && S_ISDIR(st.st_mode))
    return STR("it is a folder: name a file in it, or give the folder to the command, and all its files are one project");
  const char *end = strrchr(path.ptr, '/'), *last = end ? end + 1 : path.ptr;
  DIR *d = *last ? opendir(end ? arena_str(a, str_slice(path.ptr, end + 1)).ptr : ".") : NULL;
  if (!d) return (struct str){ NULL, 0 };
  VEC(const char *) names = { 0 };
  const char *same = NULL;
  for (struct dirent *e; (e = readdir(d)) != NULL && names.count < LIMIT_PROJECT_FILES_COUNT;) {
    struct str one = str_from_c(e->d_name), camp = STR(".camp");
    if (e->d_name[0] == '.' || !str_ends(one, camp) || strcmp(e->d_name, last) == 0) continue;
    const char *stem = arena_str(a, (struct str){ one.ptr, one.len - camp.len }).ptr;
    if (strcasecmp(e->d_name, last) == 0) same = stem;
    VEC_PUSH(a, &names, stem);
  }
  closedir(d);
  VEC_PUSH(a, &names, NULL);
  struct str want = str_from_c(last);
  if (str_ends(want, STR(".camp"))) want.len -= 5;
  const char *near = same ? same : nearest_name(arena_str(a, want).ptr, name_in, names.items);
  if (!near) return (struct str){ NULL, 0 };
  size_t keep = name.len;
  while (keep && name.ptr[keep - 1] != '/') keep--;
  *nearest = arena_printf(a, "%.*s%s.camp", (int)keep, name.ptr, near);
  return arena_printf(a, "did you mean `" STR_FMT "`?%s", STR_ARG(*nearest), same ? " Capital letters count" : "");
}

static bool zone_known(void *context, struct str name) {
  struct answers *z = context;
  if (!z->zones) {
    z->zones = zones_new();
    z->absent = access(zones_folder(z->zones), R_OK) != 0;
  }
  return z->absent || zones_find(z->zones, name) != NULL;
}

/* What a path of the project is below: the folder, or the folder of the script. */
static bool project_root(const char *path, char root[PATH_MAX]) {
  struct stat st;
  if (!realpath(path, root) || stat(root, &st) != 0) return false;
  char *slash = strrchr(root, '/');
  if (!S_ISDIR(st.st_mode) && slash) slash[slash == root] = 0;
  return true;
}

/* Links are followed before the place is judged: what a message takes along is really below the project's folder. */
static bool is_below(const struct answers *z, const char *real) {
  char root[PATH_MAX];
  for (int i = 0; i < z->count; i++) {
    if (!project_root(z->paths[i], root)) continue;
    size_t n = strlen(root);
    if (strncmp(real, root, n) == 0 && (real[n] == '/' || n == 1)) return true;
  }
  return false;
}

static enum file_found read_below(void *context, struct arena *a, const char *from, struct str path, size_t bytes_max, struct str *bytes) {
  char real[PATH_MAX];
  struct stat st;
  if (memchr(path.ptr ? path.ptr : "", 0, path.len)) return FILE_ABSENT;
  const char *slash = strrchr(from, '/');
  struct str folder = path.len && path.ptr[0] == '/' ? STR("") : slash ? str_slice(from, slash + 1) : STR("");
  struct str named = arena_printf(a, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(path));
  if (!realpath(named.ptr, real)) return FILE_ABSENT;
  if (!is_below(context, real)) return FILE_OUTSIDE;
  if (stat(real, &st) != 0 || !S_ISREG(st.st_mode)) return FILE_ABSENT;
  if (file_read(a, real, bytes_max, bytes)) return FILE_READ;
  return errno == EFBIG ? FILE_TOO_LARGE : FILE_ABSENT;
}

static struct str zone_names(void *context, struct arena *a) {
  struct answers *z = context;
  return zones_names(z->zones, a);
}

/* The lines that it adds: paths below `path`, each behind `name`. What cannot be read holds nothing that a message could take in. */
static void list_files(struct arena *a, const char *path, const char *name, int depth, struct buf *out) {
  enum { FILES_DEPTH = 8 };
  DIR *d = depth < FILES_DEPTH ? opendir(path) : NULL;
  struct script_paths names = { 0 };
  if (!d) return;
  for (struct dirent *e; (e = readdir(d)) != NULL && names.found.count < LIMIT_PROJECT_FILES_COUNT;)
    if (e->d_name[0] != '.' && !strchr(e->d_name, '\n')) VEC_PUSH(a, &names.found, arena_str(a, str_from_c(e->d_name)).ptr);
  closedir(d);
  if (names.found.count) qsort(names.found.items, names.found.count, sizeof *names.found.items, path_order);
  for (uint32_t i = 0; i < names.found.count; i++) {
    struct str below = arena_printf(a, "%s/%s", path, names.found.items[i]), shown = arena_printf(a, "%s/%s", name, names.found.items[i]);
    struct stat st;
    if (lstat(below.ptr, &st) != 0) continue;
    if (S_ISDIR(st.st_mode)) list_files(a, below.ptr, shown.ptr, depth + 1, out);
    else if (S_ISREG(st.st_mode)) buf_printf(out, STR_FMT "\n", STR_ARG(shown));
  }
}

static struct str files_in(void *context, struct arena *a, const char *from, struct str folder) {
  (void)context;
  const char *slash = strrchr(from, '/');
  struct str name = arena_str(a, folder), path = arena_printf(a, STR_FMT STR_FMT, STR_ARG(slash ? str_slice(from, slash + 1) : STR("")), STR_ARG(name));
  struct buf b;
  buf_init(&b, LIMIT_SOURCE_BYTES);
  list_files(a, path.ptr, name.ptr, 0, &b);
  struct str files = arena_str(a, buf_as_str(&b));
  buf_deinit(&b);
  return files;
}

struct source_reader answers_reader(struct answers *answers) {
  return (struct source_reader){ .context = answers, .read = read_source, .instead = instead, .files = files_in, .read_file = read_below,
    .zone_known = zone_known, .zone_names = zone_names };
}
