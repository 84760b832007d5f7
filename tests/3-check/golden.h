/* Golden files: each NAME.camp of a folder is compiled, and what is printed of it is compared whole with NAME.out.
 * With CAMP_GOLDEN=write in the environment the .out files are written instead; read the difference before committing. */
#ifndef CAMP_TESTS_GOLDEN_H
#define CAMP_TESTS_GOLDEN_H
#include "compiler/compile.h"
#include "tests/lib/files.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

struct golden { char path[512]; void (*print)(struct buf *b, struct compilation *c); };

/* Files that a case uses stand beside it or below. */
static inline bool golden_reader(void *context, struct arena *a, const char *from, struct str name, struct str *shown,
                                 struct str *text) {
  (void)from;
  *shown = str_starts(name, STR("./")) ? (struct str){ name.ptr + 2, name.len - 2 } : name;
  *text = file_text(a, arena_printf(a, "%s/" STR_FMT, (const char *)context, STR_ARG(*shown)).ptr);
  return text->ptr != NULL;
}

/* A system with few zones, the same everywhere. */
static inline struct str golden_zones(void *context, struct arena *a) {
  (void)context;
  (void)a;
  return STR("Europe/Paris\nEurope/Prague\nUTC");
}
static inline bool golden_zone(void *context, struct str name) {
  (void)context;
  return str_is(name, "UTC") || str_is(name, "Europe/Paris") || str_is(name, "Europe/Prague");
}

static inline void golden_case(void **state) {
  const struct golden *g = *state;
  struct arena a;
  arena_init(&a, 1 << 16);
  char folder[512], out_path[520];
  snprintf(folder, sizeof folder, "%s", g->path);
  char *slash = strrchr(folder, '/');
  *slash = '\0';
  snprintf(out_path, sizeof out_path, "%.*s.out", (int)(strlen(g->path) - 5), g->path);
  struct compilation c;
  compilation_init(&c);
  compilation_add(&c, str_from_c(slash + 1), file_text(&a, g->path), false);
  struct source_reader reader = { .context = folder, .read = golden_reader, .zone_known = golden_zone, .zone_names = golden_zones };
  compile(&c, &reader);
  struct buf b;
  buf_init(&b, 16u << 20);
  g->print(&b, &c);
  if (getenv("CAMP_GOLDEN")) {
    FILE *f = fopen(out_path, "wb");
    assert_non_null(f);
    fwrite(b.data, 1, b.len, f);
    fclose(f);
  }
  struct str want = file_text(&a, out_path);
  if (!str_eq(want, buf_as_str(&b)))
    print_message("%s is not what was printed:\n" STR_FMT "\n", out_path, STR_ARG(buf_as_str(&b)));
  assert_true(str_eq(want, buf_as_str(&b)));
  buf_deinit(&b);
  compilation_deinit(&c);
  arena_deinit(&a);
}

static inline int golden_run(const char *group, const char *folder, void (*print)(struct buf *b, struct compilation *c)) {
  char pattern[512];
  const char *root = getenv("CAMP_ROOT");
  snprintf(pattern, sizeof pattern, "%s/%s/*.camp", root ? root : ".", folder);
  glob_t found;
  if (glob(pattern, 0, NULL, &found) != 0) {
    fprintf(stderr, "no files %s\n", pattern);
    return 1;
  }
  struct golden *cases = calloc(found.gl_pathc, sizeof *cases);
  struct CMUnitTest *tests = calloc(found.gl_pathc, sizeof *tests);
  for (size_t i = 0; i < found.gl_pathc; i++) {
    snprintf(cases[i].path, sizeof cases[i].path, "%s", found.gl_pathv[i]);
    cases[i].print = print;
    tests[i] = (struct CMUnitTest){ strrchr(cases[i].path, '/') + 1, golden_case, NULL, NULL, &cases[i] };
  }
  int failed = _cmocka_run_group_tests(group, tests, found.gl_pathc, NULL, NULL);
  free(tests);
  free(cases);
  globfree(&found);
  return failed;
}
#endif
