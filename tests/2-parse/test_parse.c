/* What the parser says of mistakes, and that nothing makes it crash.
 *
 * cases/NAME.camp with cases/NAME.expected: all that is printed, carets included, compared whole. With CAMP_UPDATE set the
 * expected files are written instead; look at the difference before committing it. */
#include "compiler/ast.h"
#include "compiler/diagnostics.h"
#include "vm/base/buf.h"
#include "vm/base/limits.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CASES "tests/2-parse/cases/"

static struct str read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return (struct str){ 0 };
  size_t len = 0, cap = 1 << 16;
  char *text = malloc(cap);
  for (size_t n; (n = fread(text + len, 1, cap - len - 1, f)) > 0;)
    if ((len += n) == cap - 1) text = realloc(text, cap *= 2);
  fclose(f);
  text[len] = '\0';
  return (struct str){ text, len };
}

/* Parses and prints; the caller frees with buf_deinit. Returns the number of errors. */
static uint32_t parse_text(struct str text, enum diagnostic_format format, struct buf *b, uint32_t *items) {
  struct compilation c;
  struct tree tree = { 0 };
  compilation_init(&c);
  compilation_add(&c, STR("script.camp"), text, false);
  parse_source(&c, 0, &tree);
  diagnostics_sort(&c);
  buf_init(b, 16 << 20);
  buf_c(b, "");
  diagnostics_print(b, &c, format, false);
  uint32_t errors = c.error_count;
  if (items) for (*items = 0; tree.items; tree.items = tree.items->next) ++*items;
  compilation_deinit(&c);
  return errors;
}

static void golden(void **state) {
  const char *script = *state;
  char expected[512];
  snprintf(expected, sizeof expected, "%.*s.expected", (int)(strlen(script) - 5), script);
  struct str text = read_file(script), want = read_file(expected);
  struct buf got;
  parse_text(text, FORMAT_HUMAN, &got, NULL);
  if (getenv("CAMP_UPDATE")) {
    FILE *f = fopen(expected, "wb");
    assert_non_null(f);
    fwrite(got.data, 1, got.len, f);
    fclose(f);
  } else {
    assert_non_null(want.ptr);
    assert_string_equal(got.data ? got.data : "", want.ptr);
  }
  free((char *)text.ptr);
  free((char *)want.ptr);
  buf_deinit(&got);
}

/* Scripts too large for a file: what is repeated, how often, and all that is said. */
struct large_case { const char *name, *head, *unit, *tail; uint32_t times; const char *said; };
static const struct large_case large[] = {
  { "100,000 nested parentheses", "when a and ", "(", "\nwhen b thn tag \"y\"\n", 100000,
    "script.camp:1:212: error[E0204]: brackets and blocks nest deeper than 200 here\n" },
  { "100,000 nested blocks", "campaign x {", "if a {", "", 100000,
    "script.camp:1:1212: error[E0204]: brackets and blocks nest deeper than 200 here\n" },
  { "100,000 times not", "define x = ", "not ", "a\nlist x y\n", 100000,
    "script.camp:1:32000: error[E0204]: this chain of `else if`, `not` or `-` is too long\n"
    "script.camp:2:8: error[E0201]: `y` cannot stand here; expected the end of the line\n" },
  { "100,000 times else if", "campaign x {\n  if a { exit }", " else if a {\n exit }", "\n}\nlist x y\n", 100000,
    "script.camp:2667:7: error[E0204]: this chain of `else if`, `not` or `-` is too long\n"
    "script.camp:100004:8: error[E0201]: `y` cannot stand here; expected the end of the line\n" },
  { "100,000 summands", "define x = 1", " + 1", "\n", 100000,
    "script.camp:1:4012: error[E0204]: this expression holds more than 1000 operators in a row\n" },
  { "10 MB on one line", "", "tag \"x\" ", "", 1250000,
    "script.camp:1:1: error[E0104]: this line is 10000000 bytes long; a line holds at most 1048576\n"
    "script.camp:1:1: error[E0201]: `tag` cannot stand here; expected a declaration\n" },
  { "a million newlines in a record", "record x {", "\n", "@", 1000000,
    "script.camp:1:10: error[E0202]: this `{` is never closed; expected `}`\nscript.camp:1000001:1: error[E0109]: `@` has no meaning here\n" },
};

static void run_large(void **state) {
  const struct large_case *k = *state;
  size_t head = strlen(k->head), unit = strlen(k->unit), tail = strlen(k->tail), len = head + unit * k->times + tail;
  char *text = malloc(len + 1);
  memcpy(text, k->head, head);
  for (uint32_t i = 0; i < k->times; i++) memcpy(text + head + i * unit, k->unit, unit);
  memcpy(text + head + unit * k->times, k->tail, tail + 1);
  struct buf got;
  parse_text((struct str){ text, len }, FORMAT_SHORT, &got, NULL);
  assert_string_equal(got.data, k->said);
  buf_deinit(&got);
  /* A caret under a long line shows a window of it. */
  parse_text((struct str){ text, len }, FORMAT_HUMAN, &got, NULL);
  assert_true(got.len < 4096);
  buf_deinit(&got);
  free(text);
}

static void too_long(void **state) {
  (void)state;
  size_t len = LIMIT_SOURCE_BYTES + 1;
  char *text = malloc(len + 1);
  memset(text, ' ', len);
  text[len] = '\0';
  struct buf got;
  parse_text((struct str){ text, len }, FORMAT_SHORT, &got, NULL);
  assert_string_equal(got.data,
      "script.camp:1:1: error[E0105]: this script is 67108865 bytes long; a script holds at most 67108864\n");
  buf_deinit(&got);
  free(text);
}

static void nul_bytes(void **state) {
  (void)state;
  struct buf got;
  parse_text(STR("list a\n\0\0list b\n"), FORMAT_SHORT, &got, NULL);
  assert_string_equal(got.data, "script.camp:2:1: error[E0102]: a script holds no NUL bytes\n");
  buf_deinit(&got);
}

static void json_and_short(void **state) {
  (void)state;
  struct buf got;
  parse_text(STR("when a thn tag \"x\"\n"), FORMAT_JSON, &got, NULL);
  assert_string_equal(got.data,
      "{\"severity\":\"error\",\"code\":\"E0201\",\"path\":\"script.camp\",\"line\":1,\"column\":8,\"end_line\":1,\"end_column\":11,"
      "\"from\":7,\"to\":10,\"message\":\"`thn` cannot stand here\",\"expected\":\"`then`, `of`, `as`, `where`, `and` or `or`\","
      "\"help\":\"did you mean `then`?\",\"fix\":{\"line\":1,\"column\":8,\"end_line\":1,\"end_column\":11,\"from\":7,\"to\":10,"
      "\"text\":\"then\"}}\n");
  buf_deinit(&got);
}

static struct str good_script(void) {
  struct str text = read_file(CASES "good.camp");
  assert_non_null(text.ptr);
  return text;
}

/* Every beginning of a good script parses, with or without mistakes, and those that end at a line's end outside braces
 * have none. The copy is as long as the beginning, so that reading behind it is seen by the sanitizer. */
static void every_prefix(void **state) {
  (void)state;
  struct str text = good_script();
  for (size_t n = 0; n <= text.len; n++) {
    char *copy = malloc(n + 1);
    memcpy(copy, text.ptr, n);
    copy[n] = '\0';
    struct buf got;
    parse_text((struct str){ copy, n }, FORMAT_HUMAN, &got, NULL);
    buf_deinit(&got);
    free(copy);
  }
  free((char *)text.ptr);
}

static uint64_t random_next(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15u;
  uint64_t x = *state;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* Bytes changed, left out, doubled and moved: the same every time, as the seed is. */
static void mutations(void **state) {
  (void)state;
  struct str text = good_script();
  static const char bits[] = "{}()[],;:.\"#=<>\n\\\xff$ 0a";
  uint64_t seed = 7;
  for (int round = 0; round < 3000; round++) {
    char *copy = malloc(text.len + 64);
    memcpy(copy, text.ptr, text.len);
    size_t len = text.len;
    for (uint64_t n = random_next(&seed) % 8 + 1; n; n--) {
      size_t at = (size_t)(random_next(&seed) % (len - 20)), from = (size_t)(random_next(&seed) % (len - 20));
      switch (random_next(&seed) % 4) {
        case 0: copy[at] = bits[random_next(&seed) % (sizeof bits - 1)]; break;
        case 1: memmove(copy + at, copy + at + 3, len - at - 3); len -= 3; break;
        case 2: memmove(copy + at, copy + from, 12); break;
        default: copy[at] = (char)random_next(&seed); break;
      }
    }
    copy[len] = '\0';
    struct buf got;
    parse_text((struct str){ copy, len }, round % 2 ? FORMAT_HUMAN : FORMAT_JSON, &got, NULL);
    buf_deinit(&got);
    free(copy);
  }
  free((char *)text.ptr);
}

static void random_bytes(void **state) {
  (void)state;
  uint64_t seed = 1;
  char *text = malloc(100001);
  for (int round = 0; round < 20; round++) {
    for (size_t i = 0; i < 100000; i++) text[i] = (char)(random_next(&seed) % 255 + 1); /* a file with many NUL bytes is no text, which is one mistake */
    text[100000] = '\0';
    struct buf got;
    assert_true(parse_text((struct str){ text, 100000 }, FORMAT_HUMAN, &got, NULL) > LIMIT_DIAGNOSTICS_COUNT);
    buf_deinit(&got);
  }
  free(text);
}

/* A few things that no message shows. */
static void tree_details(void **state) {
  (void)state;
  struct compilation c;
  struct tree tree = { 0 };
  compilation_init(&c);
  compilation_add(&c, STR("script.camp"), STR(
      "## About.\nwhen purchase   # why\n  and first_purchase then send coupon25 after 7d\n"
      "named: when contact.plan changes to \"pro\" then { wait until between 21:00 and 08:00 on weekends }\n"
      "define d = first(purchase).source is not one of \"a\", \"b\" or no open in last 90d\n"
      "when purchase and averyveryveryveryverylongname_größergrößergrößergrößer then exit\n"), false);
  parse_source(&c, 0, &tree);
  assert_int_equal(c.error_count, 0);
  struct item *i = tree.items;
  assert_string_equal(arena_str(&c.arena, i->campaign.name.text).ptr, "when purchase and first_purchase then send coupon25 after 7d");
  assert_true(str_is(i->doc, "About."));
  assert_int_equal(i->campaign.body->after.i, 7);
  assert_int_equal(i->campaign.starts->where_cond->kind, EXPR_NAME);
  i = i->next;
  assert_true(str_is(i->campaign.name.text, "named"));
  assert_true(str_is(i->campaign.starts->events->name.text, "contact.plan changes"));
  assert_int_equal(i->campaign.starts->events->where->op, BIN_IS);
  assert_int_equal(i->campaign.body->weekdays, 0x60);
  assert_int_equal(i->campaign.body->time_to.i, 8 * 3600 * 1000);
  struct expr *e = i->next->define.value;
  assert_int_equal(e->op, BIN_OR);
  assert_int_equal(e->a->kind, EXPR_UNARY);
  assert_int_equal(e->a->a->kind, EXPR_IN);
  assert_true(str_is(e->a->a->a->name.text, "source") && e->a->a->a->kind == EXPR_FIRST);
  assert_true(e->b->kind == EXPR_DID && e->b->negated && e->b->window.i == 90);
  struct str cut = i->next->next->campaign.name.text;
  assert_true(cut.len <= 60 && str_starts(cut, STR("when purchase and averyvery")));
  compilation_deinit(&c);
}

static void nearest(void **state) {
  (void)state;
  static const struct { const char *want, *candidate; bool near; } table[] = {
    { "whn", "when", true }, { "hwen", "when", true }, { "When", "when", true }, { "wxyz", "when", false },
    { "a", "at", false }, { "camapign", "campaign", true }, { "purchse", "purchase", true }, { "refund", "purchase", false },
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct nearest n = nearest_of(str_from_c(table[i].want));
    nearest_try(&n, str_from_c(table[i].candidate));
    assert_int_equal(n.best.len != 0, table[i].near);
  }
}

int main(void) {
  enum { CASES_MAX = 200 };
  static struct CMUnitTest tests[CASES_MAX] = {
    cmocka_unit_test(too_long), cmocka_unit_test(nul_bytes), cmocka_unit_test(json_and_short), cmocka_unit_test(every_prefix),
    cmocka_unit_test(mutations), cmocka_unit_test(random_bytes), cmocka_unit_test(tree_details), cmocka_unit_test(nearest),
  };
  size_t count = 8;
  for (size_t i = 0; i < sizeof large / sizeof *large; i++)
    tests[count++] = (struct CMUnitTest){ large[i].name, run_large, NULL, NULL, (void *)(uintptr_t)&large[i] };
  glob_t found;
  if (glob(CASES "*.camp", 0, NULL, &found) != 0) {
    puts("not ok 1 - run from the project's folder: " CASES " was not found");
    return 1;
  }
  for (size_t i = 0; i < found.gl_pathc && count < CASES_MAX; i++)
    tests[count++] = (struct CMUnitTest){ found.gl_pathv[i], golden, NULL, NULL, found.gl_pathv[i] };
  int failed = _cmocka_run_group_tests("parse", tests, count, NULL, NULL);
  globfree(&found);
  return failed;
}
