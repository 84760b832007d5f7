/* libFuzzer: any text as a template in each mode, compiled, written, read back and rendered the same; any bytes as a compiled template. */
#include "compiler/liquid.h"
#include "vm/liquid_file.h"
#include "vm/liquid_render.h"

#include "vm/base/check.h"

static const char data_text[] = "{\"a\":[1,\"two\",[3.5,null],{\"k\":true}],\"s\":\"<b>ünï</b> 2026-01-05\",\"n\":-7,\"f\":0.1,\"h\":{\"x\":{\"y\":[]}}}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct liquid_compiler *compiler;
  static struct lq_renderer *renderer, *second;
  if (!compiler) compiler = liquid_compiler_new(), renderer = lq_renderer_new(), second = lq_renderer_new();
  if (len < 1 || len > 8192) return 0;
  struct arena a;
  arena_init(&a, 64u << 10);
  struct lq_cx cx = { .arena = &a, .allocated_max = SIZE_MAX / 2 };
  struct json j;
  const char *why;
  size_t at;
  struct lq data;
  CHECK(json_check(str_from_c(data_text), &j, &why, &at));
  CHECK(lq_from_json(&cx, j, &data));
  struct lq_settings settings = { .limits = { .output_bytes = 50000, .memory_bytes = 1 << 20, .steps = 3000 } };
  struct str text = { (const char *)bytes + 1, len - 1 };
  struct liquid_options options = { .mode = (enum liquid_mode)(*bytes & 3), .escape = *bytes & 4, .camp = *bytes & 8 };
  struct liquid_error e;
  struct lq_unit unit, read;
  liquid_reset(compiler, &options);
  /* The text is its own snippet too. */
  bool good = liquid_add(compiler, STR(""), text, &e) && liquid_add(compiler, STR("s"), text, &e);
  if (good) {
    struct buf b;
    unit = liquid_unit(compiler);
    buf_init(&b, 64u << 20);
    lq_unit_write(&b, &unit);
    CHECK(lq_unit_read(&a, buf_as_str(&b), &read, &why));
    struct lq_result one = lq_render(renderer, &unit, 0, data, &settings);
    struct lq_result two = lq_render(second, &read, 0, data, &settings);
    CHECK(str_eq(one.text, two.text));
    buf_deinit(&b);
  }
  if (lq_unit_read(&a, text, &read, &why)) (void)lq_render(renderer, &read, 0, data, &settings);
  arena_deinit(&a);
  return 0;
}
