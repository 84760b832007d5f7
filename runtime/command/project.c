/* Reads the scripts of a project, and hands them to the compiler; or reads a program file in its place.
 *
 * It is not a part of the compiler: the compiler sees texts and asks for more of them through struct source_reader (answers.c). It
 * does not decide what a mistake is, nor which scripts there are (folders.c). */
#include "runtime/command/project.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/command/answers.h"
#include "runtime/command/files.h"
#include "runtime/command/folders.h"
#include "runtime/command/options.h"

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

/* Folders that have nothing to do with each other would be full of names that are declared twice. */
static bool is_one(struct project *p, const char *command, const char *path) {
  struct script_paths projects = { 0 };
  if (!projects_at(&p->arena, command, path, &projects)) return false;
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
  struct answers answers = { .paths = paths, .count = count };
  struct source_reader reader = answers_reader(&answers);
  compile(&p->compilation, &reader);
  zones_free(answers.zones);
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
