/* Finds and reads the scripts of a project, and hands them to the compiler.
 *
 * It is not a part of the compiler: the compiler sees texts and asks for more of them through struct source_reader, this
 * file knows folders. It does not decide what a mistake is.
 *
 * Invariants:
 * 1. Scripts are added in the bytewise order of their paths, so that the same folder gives the same program anywhere.
 * 2. One script has one spelling of its path (no `./`, no `a/../`), so that the compiler can tell that a file which a
 *    folder holds and a `use` names is the same.
 * 3. Folders and files whose name begins with a dot are passed over; a link to a folder is not followed, so no loops. */
#include "runtime/command/project.h"

#include "runtime/command/options.h"
#include "runtime/engine/zones.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct embedded_file { const char *path; const char *text; unsigned long bytes; };
extern const struct embedded_file stdlib_files[];

/* Reads to the end rather than to a size, because a pipe or a file of /proc has none. */
static bool read_whole(struct arena *a, int fd, size_t max_bytes, struct str *out) {
  struct stat st;
  bool ok = false;
  if (fstat(fd, &st) != 0) goto out;
  if (S_ISDIR(st.st_mode)) {
    errno = EISDIR;
    goto out;
  }
  size_t cap = st.st_size > 0 && (size_t)st.st_size <= max_bytes ? (size_t)st.st_size + 2 : 64 << 10, len = 0;
  char *text = arena_alloc(a, cap);
  for (;;) {
    if (len + 1 == cap) {
      char *bigger = arena_alloc(a, cap * 2);
      memcpy(bigger, text, len);
      text = bigger, cap *= 2;
    }
    ssize_t n = read(fd, text + len, cap - len - 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) goto out;
    if (n == 0) break;
    len += (size_t)n;
    if (len > max_bytes) {
      errno = EFBIG;
      goto out;
    }
  }
  text[len] = 0;
  *out = (struct str){ text, len };
  ok = true;
out:
  return ok;
}

bool file_read(struct arena *a, const char *path, size_t max_bytes, struct str *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = read_whole(a, fd, max_bytes, out);
  int error = errno;
  close(fd);
  errno = error;
  return ok;
}

/* mode NULL: as the process makes files. */
static bool write_whole(const char *path, struct str bytes, const mode_t *mode) {
  struct arena a;
  arena_init(&a, 4096);
  struct str beside = arena_printf(&a, "%s.new%ld", path, (long)getpid());
  int fd = open(beside.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode ? 0600 : 0666);
  bool ok = fd >= 0 && (!mode || fchmod(fd, *mode) == 0);
  for (size_t done = 0; ok && done < bytes.len;) {
    ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += (size_t)n;
  }
  ok = ok && fsync(fd) == 0;
  int error = errno;
  if (fd >= 0 && close(fd) != 0 && ok) ok = false, error = errno;
  if (ok && rename(beside.ptr, path) != 0) ok = false, error = errno;
  if (!ok && fd >= 0) unlink(beside.ptr);
  arena_deinit(&a);
  errno = error;
  return ok;
}

bool standard_input_read(struct arena *a, size_t max_bytes, struct str *out) {
  return read_whole(a, STDIN_FILENO, max_bytes, out);
}

bool file_write(const char *path, struct str bytes) { return write_whole(path, bytes, NULL); }

bool file_rewrite(const char *path, struct str bytes) {
  char *target = realpath(path, NULL);
  if (!target) return false;
  struct stat st;
  bool ok = stat(target, &st) == 0;
  mode_t mode = ok ? st.st_mode & 07777 : 0;
  ok = ok && write_whole(target, bytes, &mode);
  int error = errno;
  free(target);
  errno = error;
  return ok;
}

/* The path without `.` parts and with `a/..` taken out; `..` at the front stays. Links are not looked at, as in a URL. */
static struct str path_normal(struct arena *a, struct str path) {
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

/* Zone files are looked for only when a script names a zone. A system without any would refuse each: there, none is
 * checked, and the command that needs one says so. */
struct zone_files { struct zones *zones; bool absent; char *const *paths; int count; /* of the project */ };

static bool zone_known(void *context, struct str name) {
  struct zone_files *z = context;
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
static bool is_below(const struct zone_files *z, const char *real) {
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
  struct zone_files *z = context;
  return zones_names(z->zones, a);
}

static int path_order(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

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

static bool walk_folder(struct arena *a, const char *command, const char *folder, int depth, struct script_paths *out) {
  enum { FOLDER_DEPTH = 32 };
  if (depth == FOLDER_DEPTH) {
    complain(command, "%s lies more than %d folders deep", folder, FOLDER_DEPTH);
    return false;
  }
  DIR *dir = opendir(folder);
  if (!dir) {
    complain(command, "cannot read the folder %s: %s", folder, strerror(errno));
    return false;
  }
  bool ok = true;
  struct dirent *entry;
  while (ok && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    struct str path = path_normal(a, arena_printf(a, "%s/%s", folder, entry->d_name));
    struct stat st;
    if (lstat(path.ptr, &st) != 0) continue;
    if (S_ISDIR(st.st_mode)) {
      ok = walk_folder(a, command, path.ptr, depth + 1, out);
    } else if (str_ends(path, STR(".camp"))) {
      VEC_PUSH(a, &out->found, path.ptr);
      if (out->found.count > LIMIT_PROJECT_FILES_COUNT) {
        complain(command, "%s holds more than %d scripts, the most that one project may have", folder, LIMIT_PROJECT_FILES_COUNT);
        ok = false;
      }
    }
  }
  closedir(dir);
  return ok;
}

static bool add_script(struct project *p, const char *command, const char *path) {
  struct str text;
  if (!file_read(&p->arena, path, LIMIT_SOURCE_BYTES, &text)) {
    if (errno == EFBIG)
      complain(command, "%s is larger than %u MB, the most that one script may have", path, LIMIT_SOURCE_BYTES >> 20);
    else
      complain(command, "cannot read %s: %s", path, strerror(errno));
    return false;
  }
  compilation_add(&p->compilation, str_from_c(path), text, false);
  p->file_count++;
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
  DIR *dir = opendir(folder);
  if (!dir) {
    complain(command, "cannot read the folder %s: %s", folder, strerror(errno));
    return false;
  }
  bool ok = true;
  struct dirent *entry;
  *own = false;
  *within = (struct script_paths){ 0 };
  while (ok && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    struct str path = path_normal(a, arena_printf(a, "%s/%s", folder, entry->d_name));
    struct stat st;
    if (lstat(path.ptr, &st) != 0) continue;
    struct script_paths scripts = { 0 };
    if (!S_ISDIR(st.st_mode)) {
      *own = *own || str_ends(path, STR(".camp"));
    } else {
      ok = walk_folder(a, command, path.ptr, 1, &scripts);
      if (scripts.found.count) VEC_PUSH(a, &within->found, path.ptr);
    }
  }
  closedir(dir);
  if (within->found.count) qsort(within->found.items, within->found.count, sizeof *within->found.items, path_order);
  return ok;
}

static bool add_projects(struct arena *a, const char *command, const char *path, struct script_paths *out) {
  struct stat st;
  bool own;
  struct script_paths within;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
    if (!list_folder(a, command, path, &own, &within)) return false;
    if (!own && within.found.count > 1) {
      for (uint32_t i = 0; i < within.found.count; i++)
        if (!add_projects(a, command, within.found.items[i], out)) return false;
      return true;
    }
  }
  VEC_PUSH(a, &out->found, path);
  return true;
}

bool project_paths(struct arena *a, const char *command, char *const *paths, int count, struct script_paths *out) {
  *out = (struct script_paths){ 0 };
  for (int i = 0; i < count; i++)
    if (!add_projects(a, command, paths[i], out)) return false;
  return true;
}

/* Folders that have nothing to do with each other would be full of names that are declared twice. */
static bool is_one(struct project *p, const char *command, const char *path) {
  struct script_paths projects = { 0 };
  if (!add_projects(&p->arena, command, path, &projects)) return false;
  if (projects.found.count == 1) return true;
  complain(command, "%s holds %u projects, one in each of its folders, because no script lies in itself: name one, such as %s",
           path, projects.found.count, projects.found.items[0]);
  return false;
}

bool project_load(struct project *p, const char *command, char *const *paths, int count) {
  *p = (struct project){ 0 };
  arena_init(&p->arena, 64 << 10);
  compilation_init(&p->compilation);
  for (int i = 0; i < count; i++)
    if (!is_one(p, command, paths[i])) return false;
  struct script_paths all;
  if (!project_scripts(&p->arena, command, paths, count, &all)) return false;
  for (uint32_t i = 0; i < all.found.count; i++)
    if (!add_script(p, command, all.found.items[i])) return false;
  for (int i = 0; i < count; i++) {
    struct stat st;
    if (stat(paths[i], &st) == 0 && !S_ISDIR(st.st_mode)) p->compilation.partial = true; /* the rest of its folder is not looked at */
  }
  struct zone_files zones = { .paths = paths, .count = count };
  struct source_reader reader = { .context = &zones, .read = read_source, .instead = instead, .files = files_in, .read_file = read_below, .zone_known = zone_known, .zone_names = zone_names };
  compile(&p->compilation, &reader);
  zones_free(zones.zones);
  if (p->compilation.error_count == 0) p->program = p->compilation.program;
  return true;
}

/* A program file is told by its first bytes, so that its name is the user's. */
static bool is_program_file(const char *path) {
  char magic[sizeof PROGRAM_MAGIC - 1];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  ssize_t n = read(fd, magic, sizeof magic);
  close(fd);
  return n == (ssize_t)sizeof magic && memcmp(magic, PROGRAM_MAGIC, sizeof magic) == 0;
}

static int open_program_file(struct project *p, const char *command, const char *path) {
  *p = (struct project){ .compiled = true };
  arena_init(&p->arena, 64 << 10);
  compilation_init(&p->compilation);
  struct str bytes;
  struct program_error error;
  if (!file_read(&p->arena, path, LIMIT_PROGRAM_BYTES, &bytes)) {
    complain(command, "cannot read %s: %s", path, strerror(errno));
    return EXIT_COULD_NOT;
  }
  if (program_read(&p->arena, bytes, &p->program, &error) != CAMP_OK) {
    complain(command, "%s is not a program that can be run: %s", path, error.text);
    return EXIT_COULD_NOT;
  }
  return EXIT_FINE;
}

int project_open(struct project *p, const char *command, const char *path) {
  if (is_program_file(path)) return open_program_file(p, command, path);
  char *paths[] = { (char *)path };
  if (!project_load(p, command, paths, 1)) return EXIT_COULD_NOT;
  if (p->compilation.error_count == 0) return EXIT_FINE;
  project_report(p, FORMAT_HUMAN, stderr);
  return EXIT_MISTAKES;
}

void project_close(struct project *p) {
  compilation_deinit(&p->compilation);
  arena_deinit(&p->arena);
}

void project_report(const struct project *p, enum diagnostic_format format, FILE *to) {
  const struct compilation *c = &p->compilation;
  struct buf b;
  buf_init(&b, SIZE_MAX / 2);
  diagnostics_print(&b, c, format, isatty(fileno(to)) && !getenv("NO_COLOR"));
  if (b.len) fwrite(b.data, 1, b.len, to);
  buf_deinit(&b);
  if (format != FORMAT_HUMAN) return;
  if (p->named) fprintf(to, "%s: ", p->named);
  if (c->error_count == 0 && c->warning_count == 0)
    fprintf(to, "%u file%s, %u line%s: no mistakes", p->file_count, S_OF(p->file_count), c->line_count,
            S_OF(c->line_count));
  else
    fprintf(to, "%u error%s, %u warning%s", c->error_count, S_OF(c->error_count), c->warning_count,
            S_OF(c->warning_count));
  if (c->suppressed_count) fprintf(to, ", %u warning%s suppressed", c->suppressed_count, S_OF(c->suppressed_count));
  fputc('\n', to);
}
