/* libFuzzer: formatting twice is formatting once. That no token and no comment is lost the formatter checks itself. */
#include "compiler/compile.h"
#include "vm/base/check.h"
#include "vm/base/limits.h"

#include <stdlib.h>

static bool format_text(struct str text, struct buf *out) {
  struct compilation c;
  compilation_init(&c);
  buf_init(out, LIMIT_SOURCE_BYTES + 1u);
  bool ok = format_script(&c, STR("fuzz.camp"), text, out);
  compilation_deinit(&c);
  return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  char *text = malloc(len + 1);
  CHECK(text);
  if (len) memcpy(text, bytes, len);
  text[len] = '\0';
  struct buf once, twice;
  if (format_text((struct str){ text, len }, &once)) {
    bool again = format_text(buf_as_str(&once), &twice);
    CHECK(again);
    CHECK(str_eq(buf_as_str(&once), buf_as_str(&twice)));
    buf_deinit(&twice);
  }
  buf_deinit(&once);
  free(text);
  return 0;
}
