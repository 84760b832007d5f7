/* Reading what nobody trusts; see loader.h. */
#include "loader.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

enum camp_err loader_fail(struct loader *l, enum camp_err err, const char *fmt, ...) {
  if (l->err) return l->err;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(l->e->text, sizeof l->e->text, fmt, ap);
  va_end(ap);
  l->r.failed = true;
  return l->err = err;
}

struct loader loader_of(struct arena *a, struct str bytes, struct program_error *e) {
  return (struct loader){ .a = a, .r = reader_of(bytes.ptr ? bytes.ptr : "", bytes.len), .e = e };
}

enum camp_err loader_end(struct loader *l, const char *what) {
  if (l->err) return l->err;
  if (l->r.failed) return loader_fail(l, CAMP_CORRUPT, "%s is cut short", what);
  if (l->r.at != l->r.end) return loader_fail(l, CAMP_CORRUPT, "%s has bytes behind its end", what);
  return CAMP_OK;
}

struct str loader_text(struct loader *l) {
  struct str s = reader_str(&l->r);
  if (l->r.failed) return (struct str){ NULL, 0 };
  if (s.len > UINT32_MAX) loader_fail(l, CAMP_LIMIT, "a text is longer than 4 GB");
  else if (s.len && utf8_valid_prefix(s) != s.len) loader_fail(l, CAMP_CORRUPT, "a text is not UTF-8");
  return s;
}

void *loader_table(struct loader *l, uint32_t *count, uint32_t rows_max, size_t row_bytes_min, size_t item_bytes, const char *what) {
  *count = 0;
  uint64_t n = reader_varint(&l->r);
  if (l->r.failed) return NULL;
  if (n > (uint64_t)(l->r.end - l->r.at) / row_bytes_min) {
    loader_fail(l, CAMP_CORRUPT, "the table of %s is cut short", what);
    return NULL;
  }
  if (n > rows_max) {
    loader_fail(l, CAMP_LIMIT, "more than %u %s", rows_max, what);
    return NULL;
  }
  *count = (uint32_t)n;
  return n ? arena_zalloc(l->a, (size_t)n, item_bytes) : NULL;
}

bool loader_flag(struct loader *l) {
  uint8_t flag = reader_byte(&l->r);
  if (flag > 1) loader_fail(l, CAMP_CORRUPT, "a flag is neither 0 nor 1");
  return flag == 1;
}
