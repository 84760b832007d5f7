/* Bytes as a source of events: NDJSON lines, and a CSV whose header is the first line. Whatever comes, every line becomes an
 * input that keeps its promises, or a rejection with a reason; a promise that is broken stops the process. */
#include "runtime/input/input.h"

#include <stdlib.h>

#include "vm/base/json.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str s, size_t bytes_max) {
  CHECK(s.len <= bytes_max);
  CHECK(utf8_valid_prefix(s) == s.len);
  for (size_t i = 0; i < s.len; i++) CHECK((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f);
}

static void check_input(enum input_kind kind, const struct input *in, struct str why) {
  if (kind == INPUT_REJECT) CHECK(why.len > 0 && why.len < 1000 && utf8_valid_prefix(why) == why.len);
  if (kind != INPUT_EVENT) return;
  CHECK(in->key.len > 0 && in->name.len > 0);
  check_text(in->key, LIMIT_KEY_BYTES);
  check_text(in->name, LIMIT_NAME_BYTES);
  check_text(in->id, LIMIT_ID_BYTES);
  check_text(in->zone, LIMIT_NAME_BYTES);
  if (!in->props.len) return;
  struct json props;
  const char *fault;
  size_t at;
  CHECK(json_check(in->props, &props, &fault, &at));
  CHECK(props.type == JSON_OBJECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a;
  struct csv_header header;
  struct input in;
  struct str why;
  bool csv = false, first = true;
  arena_init(&a, 1 << 12);
  for (size_t at = 0; at < size;) {
    const uint8_t *newline = memchr(data + at, '\n', size - at);
    size_t n = newline ? (size_t)(newline - (data + at)) : size - at;
    char *line = malloc(n ? n : 1); /* alone on the heap, so that a read past its end is seen */
    CHECK(line);
    memcpy(line, data + at, n);
    struct str text = { line, n };
    why = (struct str){ NULL, 0 };
    check_input(input_json(text, &a, &in, &why), &in, why);
    if (csv) why = (struct str){ NULL, 0 }, check_input(input_csv(&header, text, &a, &in, &why), &in, why);
    if (first) csv = csv_read_header(text, &a, &header, &why) == CAMP_OK;
    first = false;
    free(line);
    at += n + 1;
  }
  arena_deinit(&a);
  return 0;
}
