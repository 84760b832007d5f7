/* Fuzz: any bytes as a script, through every stage of the compiler.
 *
 * Every file that the script names is found and holds the same bytes. What is said of the script lies inside it and prints in all
 * three formats as UTF-8. What compiles without a mistake is written, read again (which verifies each unit) and written to the
 * same bytes, and lists. */
#include "compiler/compile.h"

#include <stdlib.h>

#include "vm/base/limits.h"
#include "vm/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { SCRIPT_BYTES_MAX = 64 << 10, FILES_MAX = 8 };

struct found { struct str text; uint32_t count; };

static bool read_same(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text) {
  struct found *found = context;
  if (!from || found->count == FILES_MAX) return false;
  found->count++;
  *shown = arena_str(a, name);
  *text = arena_str(a, found->text);
  return true;
}

static void check_span(const struct compilation *c, struct span span) {
  CHECK(span.source < c->sources.count);
  CHECK(span.from <= span.to);
  CHECK(span.to <= c->sources.items[span.source].text.len);
}

static void check_diagnostics(const struct compilation *c) {
  uint32_t errors = 0;
  CHECK(c->diagnostics.count <= LIMIT_DIAGNOSTICS_COUNT);
  for (uint32_t i = 0; i < c->diagnostics.count; i++) {
    const struct diagnostic *d = &c->diagnostics.items[i];
    check_span(c, d->span);
    if (d->note.len) check_span(c, d->note_span);
    if (d->has_fix) check_span(c, d->fix.span);
    CHECK(d->message.len > 0 && utf8_valid_prefix(d->message) == d->message.len);
    CHECK(explain_find(d->code));
    errors += d->severity == SEVERITY_ERROR;
  }
  CHECK((errors > 0) == (c->error_count > 0));
  for (int format = FORMAT_HUMAN; format <= FORMAT_JSON; format++) {
    struct buf b;
    buf_init(&b, 64u << 20);
    diagnostics_print(&b, c, (enum diagnostic_format)format, format == FORMAT_HUMAN);
    CHECK(!b.failed && utf8_valid_prefix(buf_as_str(&b)) == b.len);
    buf_deinit(&b);
  }
}

static void check_program(struct compilation *c) {
  struct buf first, second, listing;
  struct program again;
  struct program_error e;
  buf_init(&first, LIMIT_PROGRAM_BYTES);
  buf_init(&second, LIMIT_PROGRAM_BYTES);
  buf_init(&listing, LIMIT_PROGRAM_BYTES);
  program_write(&first, &c->program);
  CHECK(program_read(&c->arena, buf_as_str(&first), &again, &e) == CAMP_OK);
  program_write(&second, &again);
  CHECK(str_eq(buf_as_str(&first), buf_as_str(&second)));
  program_disassemble(&listing, &again);
  buf_deinit(&first);
  buf_deinit(&second);
  buf_deinit(&listing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  if (len > SCRIPT_BYTES_MAX) return 0;
  char *text = malloc(len + 1); /* of exactly this size, so that one byte too far is seen */
  if (len) memcpy(text, data, len);
  text[len] = '\0';
  struct compilation c;
  struct found found = { .text = { text, len } };
  struct source_reader reader = { .context = &found, .read = read_same };
  compilation_init(&c);
  compilation_add(&c, STR("a.camp"), found.text, false);
  compile(&c, &reader);
  check_diagnostics(&c);
  if (c.error_count == 0) check_program(&c);
  compilation_deinit(&c);
  free(text);
  return 0;
}
