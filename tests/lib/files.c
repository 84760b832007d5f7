/* Files of tests; see files.h. */
#include "tests/lib/files.h"

#include <stdio.h>

struct str file_text(struct arena *a, const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return (struct str){ NULL, 0 };
  fseek(f, 0, SEEK_END);
  long bytes = ftell(f);
  rewind(f);
  char *text = arena_alloc(a, (size_t)bytes + 1);
  size_t len = fread(text, 1, (size_t)bytes, f);
  text[len] = '\0';
  fclose(f);
  return (struct str){ text, len };
}

const char *file_contents(struct arena *a, const char *path) {
  struct str text = file_text(a, path);
  return text.ptr ? text.ptr : "(absent)";
}

void database_remove(const char *path) {
  static const char *const tails[] = { "", "-wal", "-shm", "-journal", "-writer" };
  char name[256];
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    snprintf(name, sizeof name, "%s%s", path, tails[i]);
    remove(name);
  }
}
