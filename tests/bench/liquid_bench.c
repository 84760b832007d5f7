/* How fast Liquid compiles and renders three templates: an SMS, an e-mail, a page of 100 KB. The data are parsed once and the
 * output's buffer is used again, as the sender does and as other engines are measured. A figure counts only when the text is
 * right to the byte.
 *
 *   liquid_bench FOLDER      NAME.liquid, NAME.json and NAME.out for sms, email, big
 * Prints key=value lines: sms_render/s, sms_compile_us, … */
#include "compiler/liquid.h"
#include "vm/liquid_render.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str read_file(const char *folder, const char *name, const char *suffix) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, suffix);
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(2);
  }
  char *text = malloc(1 << 20);
  size_t len = text ? fread(text, 1, 1 << 20, f) : 0;
  fclose(f);
  return (struct str){ text, len };
}

struct bench { struct liquid_compiler *compiler; struct lq_renderer *renderer; struct str template, wanted; struct lq data; struct lq_unit unit; };

static void compile(struct bench *b) {
  struct liquid_options options = { .mode = LIQUID_STRICT2 };
  struct liquid_error e;
  liquid_reset(b->compiler, &options);
  if (!liquid_add(b->compiler, STR(""), b->template, &e)) {
    fprintf(stderr, "%.*s\n", STR_ARG(e.text));
    exit(1);
  }
  b->unit = liquid_unit(b->compiler);
}

static struct lq_result render(struct bench *b) {
  struct lq_settings settings = { .now_ms = 1767225600000 };
  return lq_render(b->renderer, &b->unit, 0, b->data, &settings);
}

/* The best of five stretches of a fifth of a second: neighbours on the machine only ever slow a program down. */
static double rate(struct bench *b, int what) {
  double best = 0;
  for (int stretch = 0; stretch < 5; stretch++) {
    double start = now_s(), took = 0;
    long count = 0, step = 1;
    while (took < 0.2) {
      for (long i = 0; i < step; i++) {
        if (what) compile(b); else (void)render(b);
      }
      count += step;
      step *= 2;
      took = now_s() - start;
    }
    if ((double)count / took > best) best = (double)count / took;
  }
  return best;
}

int main(int argc, char **argv) {
  static const char *const names[] = { "sms", "email", "big" };
  if (argc != 2) {
    fprintf(stderr, "usage: liquid_bench FOLDER\n");
    return 2;
  }
  struct arena arena;
  arena_init(&arena, 1 << 20);
  for (int i = 0; i < 3; i++) {
    struct bench b = { liquid_compiler_new(), lq_renderer_new(), read_file(argv[1], names[i], "liquid"), read_file(argv[1], names[i], "out"),
                       lq_nil(), { 0 } };
    struct lq_cx cx = { .arena = &arena, .allocated_max = SIZE_MAX / 2 };
    struct json j;
    const char *why;
    size_t at;
    if (!json_check(read_file(argv[1], names[i], "json"), &j, &why, &at) || !lq_from_json(&cx, j, &b.data)) return 2;
    compile(&b);
    struct lq_result r = render(&b);
    if (!str_eq(r.text, b.wanted)) {
      fprintf(stderr, "%s: the text is not the one wanted\n", names[i]);
      return 1;
    }
    printf("%s_render/s=%.0f %s_compile_us=%.3f\n", names[i], rate(&b, 0), names[i], 1e6 / rate(&b, 1));
    lq_renderer_free(b.renderer);
    liquid_compiler_free(b.compiler);
  }
  arena_deinit(&arena);
  return 0;
}
