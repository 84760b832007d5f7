/* libFuzzer: the scanner must agree with jansson on what JSON is, and its walk must stay inside what it checked. */
#include "vm/base/json.h"

#include "tests/lib/oracle.h"
#include "vm/base/check.h"

#include <stdlib.h>

static size_t walk(struct json v, struct arena *a) {
  size_t count = 1;
  double n;
  if (v.type == JSON_NUMBER) json_number(v, &n);
  if (v.type == JSON_STRING) json_string(v, a);
  if (v.type != JSON_ARRAY && v.type != JSON_OBJECT) return count;
  struct json_walk w = json_walk_of(v.text);
  while (json_next(&w)) {
    CHECK(w.value.text.ptr >= v.text.ptr);
    CHECK(w.value.text.ptr + w.value.text.len <= v.text.ptr + v.text.len);
    CHECK(w.value.type != JSON_BAD);
    if (v.type == JSON_OBJECT) json_key(&w, a);
    count += walk(w.value, a);
  }
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct json j;
  const char *why = NULL;
  size_t at = 0;
  bool good = json_check((struct str){ (const char *)bytes, len }, &j, &why, &at);
  json_error_t e = { .text = "" };
  json_t *theirs = json_loadb((const char *)bytes, len, JSON_DECODE_ANY, &e);
  /* The limits that differ: our depth, jansson's sizes of numbers. */
  bool ours_is_limit = why && strstr(why, "too deep"), theirs_is_limit = strstr(e.text, "too big") || strstr(e.text, "overflow");
  /* jansson loses a NUL byte behind a number, and so takes what is none. */
  if (theirs && !(len && memchr(bytes, 0, len))) CHECK(good || ours_is_limit);
  if (good) {
    CHECK(theirs || theirs_is_limit);
    struct arena a;
    arena_init(&a, 4096);
    walk(j, &a);
    arena_deinit(&a);
  }
  json_decref(theirs);
  return 0;
}
