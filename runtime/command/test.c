/* camp test: chooses the `test` blocks of projects, runs them and prints the outcome in one of four formats.
 *
 * Not for running one test (story.c) or counting what code the tests reached (coverage.c).
 *
 * Invariants:
 * 1. Each path is a project: it is compiled by itself, with an engine of its own.
 * 2. Every format says the same: each test that ran, whether it passed, and for one that failed the place and the reason.
 * 3. Nothing passes in silence: when --filter fits no test at all, that is an error. */
#include "runtime/command/commands.h"
#include "runtime/command/coverage.h"
#include "runtime/command/files.h"
#include "runtime/command/story.h"

#include <errno.h>
#include <inttypes.h>

enum format { HUMAN, TAP, JUNIT, JSON };
static const char *const format_names[] = { "human", "tap", "junit", "json" };

struct tester {
  enum format format;
  const char *filter;
  struct coverage *coverage;    /* NULL: not asked for */
  struct buf suites, cases;     /* JUnit counts before it lists, so its elements wait here */
  uint32_t passed, failed, left_out;
};
struct verdict {
  const struct source *source;    /* of the test */
  const struct source *at_source; /* of the step that failed: a fixture's may be another */
  struct str name;
  uint32_t line;                /* of the test */
  struct span span;             /* of the step that failed */
  uint32_t at_line, at_column;
  struct str why;               /* whole lines; empty: passed */
};

/* --- formats -------------------------------------------------------------------------------------------------------- */

/* Each line of the text behind an indent. */
static void put_lines(struct buf *b, struct str text, const char *indent) {
  for (size_t i = 0; i < text.len;) {
    const char *end = memchr(text.ptr + i, '\n', text.len - i);
    size_t next = end ? (size_t)(end - text.ptr) : text.len;
    buf_printf(b, "%s%.*s\n", indent, (int)(next - i), text.ptr + i);
    i = next + 1;
  }
}

/* The place, the line and a caret under what failed. */
static void put_place(struct buf *b, const struct verdict *v, const char *indent) {
  struct str text = source_line(v->at_source, v->at_line);
  uint32_t width = v->span.to > v->span.from ? v->span.to - v->span.from : 1;
  buf_printf(b, "%s" STR_FMT ":%" PRIu32 ":%" PRIu32 "\n%s  " STR_FMT "\n%s  ", indent, STR_ARG(v->at_source->path), v->at_line, v->at_column,
             indent, STR_ARG(text), indent);
  for (uint32_t i = 1; i < v->at_column; i++) buf_byte(b, i <= text.len && text.ptr[i - 1] == '\t' ? '\t' : ' ');
  for (uint32_t i = 0; i < width && v->at_column - 1 + i < text.len; i++) buf_byte(b, '^');
  buf_byte(b, '\n');
}

static void put_human(struct buf *b, const struct verdict *v) {
  if (v->why.len == 0) {
    buf_printf(b, "ok " STR_FMT "\n", STR_ARG(v->name));
    return;
  }
  buf_printf(b, "FAILED " STR_FMT "\n", STR_ARG(v->name));
  put_place(b, v, "  ");
  put_lines(b, v->why, "  ");
}

/* TAP 14: `#` begins a directive and `\` escapes, so both are escaped. The reason is a YAML block whose indentation is said,
 * because its first line may begin with blanks. */
static void put_tap(struct buf *b, const struct verdict *v, uint32_t number) {
  buf_printf(b, "%s %" PRIu32 " - ", v->why.len ? "not ok" : "ok", number);
  for (size_t i = 0; i < v->name.len; i++) {
    char c = v->name.ptr[i];
    if (c == '#' || c == '\\') buf_byte(b, '\\');
    buf_byte(b, (uint8_t)(c == '\n' || c == '\r' ? ' ' : c));
  }
  buf_byte(b, '\n');
  if (v->why.len == 0) return;
  buf_c(b, "  ---\n  file: ");
  buf_json_str(b, v->at_source->path); /* a JSON text is a YAML text */
  buf_printf(b, "\n  line: %" PRIu32 "\n  column: %" PRIu32 "\n  message: |2\n", v->at_line, v->at_column);
  put_place(b, v, "    ");
  put_lines(b, v->why, "    ");
  buf_c(b, "  ...\n");
}

/* XML 1.0 has no place for most control characters, not even escaped. In an attribute an end of line must be, or it is read as
 * a blank. */
static void put_xml(struct buf *b, struct str text) {
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    switch (c) {
      case '<': buf_c(b, "&lt;"); break;
      case '>': buf_c(b, "&gt;"); break;
      case '&': buf_c(b, "&amp;"); break;
      case '"': buf_c(b, "&quot;"); break;
      case '\t': buf_c(b, "&#9;"); break;
      case '\n': buf_c(b, "&#10;"); break;
      default:
        if (c < 0x20) buf_c(b, "\xef\xbf\xbd");
        else buf_byte(b, c);
    }
  }
}

static void put_junit(struct buf *b, const struct verdict *v) {
  buf_c(b, "    <testcase name=\"");
  put_xml(b, v->name);
  buf_c(b, "\" classname=\"");
  put_xml(b, v->source->path);
  buf_c(b, "\" file=\"");
  put_xml(b, v->source->path);
  buf_printf(b, "\" line=\"%" PRIu32 "\"", v->line);
  if (v->why.len == 0) {
    buf_c(b, "/>\n");
    return;
  }
  struct buf text;
  buf_init(&text, SIZE_MAX / 2);
  put_place(&text, v, "");
  buf_str(&text, v->why);
  const char *end = memchr(v->why.ptr, '\n', v->why.len);
  buf_c(b, "><failure message=\"");
  put_xml(b, end ? str_slice(v->why.ptr, end) : v->why);
  buf_c(b, "\">");
  for (size_t i = 0; i < text.len;) {
    const char *nl = memchr(text.data + i, '\n', text.len - i);
    size_t next = nl ? (size_t)(nl - text.data) : text.len;
    put_xml(b, (struct str){ text.data + i, next - i });
    buf_byte(b, '\n');
    i = next + 1;
  }
  buf_c(b, "</failure></testcase>\n");
  buf_deinit(&text);
}

static void put_json(struct buf *b, const struct verdict *v) {
  buf_c(b, "{\"test\":");
  buf_json_str(b, v->name);
  buf_c(b, ",\"file\":");
  buf_json_str(b, v->source->path);
  buf_printf(b, ",\"line\":%" PRIu32 ",\"ok\":%s", v->line, v->why.len ? "false" : "true");
  if (v->why.len) {
    buf_c(b, ",\"at\":{");
    if (v->at_source != v->source) {
      buf_c(b, "\"file\":");
      buf_json_str(b, v->at_source->path);
      buf_byte(b, ',');
    }
    buf_printf(b, "\"line\":%" PRIu32 ",\"column\":%" PRIu32 "},\"why\":", v->at_line, v->at_column);
    buf_json_str(b, v->why);
  }
  buf_c(b, "}\n");
}

static void print_all(struct buf *b, FILE *to) {
  if (b->len) fwrite(b->data, 1, b->len, to);
  buf_clear(b);
}

static void print_verdict(struct tester *t, const struct verdict *v) {
  struct buf b;
  buf_init(&b, SIZE_MAX / 2);
  switch (t->format) {
    case HUMAN: put_human(&b, v); break;
    case TAP: put_tap(&b, v, t->passed + t->failed); break;
    case JUNIT: put_junit(&t->cases, v); break;
    case JSON: put_json(&b, v); break;
  }
  print_all(&b, stdout);
  buf_deinit(&b);
}

static void print_end(struct tester *t) {
  uint32_t count = t->passed + t->failed;
  switch (t->format) {
    case HUMAN:
      printf("%" PRIu32 " passed, %" PRIu32 " failed", t->passed, t->failed);
      if (t->left_out) printf(", %" PRIu32 " left out", t->left_out);
      printf("\n");
      break;
    case TAP: printf("1..%" PRIu32 "\n", count); break;
    case JUNIT:
      printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\">\n", count, t->failed);
      print_all(&t->suites, stdout);
      printf("</testsuites>\n");
      break;
    case JSON: printf("{\"passed\":%" PRIu32 ",\"failed\":%" PRIu32 ",\"left_out\":%" PRIu32 "}\n", t->passed, t->failed, t->left_out); break;
  }
}

/* --- running -------------------------------------------------------------------------------------------------------- */

static bool is_chosen(const struct tester *t, const struct test_block *block) {
  size_t len = t->filter ? strlen(t->filter) : 0;
  return len == 0 || (block->name.len >= len && memmem(block->name.ptr, block->name.len, t->filter, len) != NULL);
}

static int run_block(struct tester *t, struct stories *all, const struct test_block *block, struct buf *why) {
  const struct compilation *c = &all->s->project.compilation;
  const struct test_step *at = NULL;
  int code = story_run(all, block, why, &at);
  if (code != EXIT_FINE) {
    complain("test", "the test \"" STR_FMT "\" could not be run", STR_ARG(block->name));
    return code;
  }
  struct verdict v = { .source = &c->sources.items[block->span.source], .name = block->name, .why = buf_as_str(why) };
  uint32_t column;
  source_place(v.source, block->span.from, &v.line, &column);
  if (v.why.len) {
    v.span = at->span;
    v.at_source = &c->sources.items[v.span.source];
    source_place(v.at_source, v.span.from, &v.at_line, &v.at_column);
    t->failed++;
  } else {
    t->passed++;
  }
  print_verdict(t, &v);
  return EXIT_FINE;
}

static int run_blocks(struct tester *t, struct session *s) {
  const struct compilation *c = &s->project.compilation;
  struct stories all;
  struct buf why;
  enum { WHY_BYTES = 1 << 20 };
  buf_init(&why, WHY_BYTES);
  int code = stories_open(&all, s, t->coverage ? coverage_watch(t->coverage) : NULL);
  if (code == EXIT_FINE && t->coverage) coverage_link(t->coverage, &all);
  for (uint32_t i = 0; code == EXIT_FINE && i < c->tests.count && !stop_asked(); i++)
    if (is_chosen(t, c->tests.items[i])) code = run_block(t, &all, c->tests.items[i], &why);
  if (code == EXIT_FINE && t->coverage) coverage_end(t->coverage);
  stories_close(&all);
  buf_deinit(&why);
  return code;
}

/* JUnit's suite is a project: its cases are written behind its counts. */
static void end_suite(struct tester *t, const char *path, uint32_t passed, uint32_t failed) {
  buf_c(&t->suites, "  <testsuite name=\"");
  put_xml(&t->suites, str_from_c(path));
  buf_printf(&t->suites, "\" tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\">\n", passed + failed, failed);
  buf_str(&t->suites, buf_as_str(&t->cases));
  buf_c(&t->suites, "  </testsuite>\n");
  buf_clear(&t->cases);
}

static int test_project(struct tester *t, const char *path) {
  struct session s;
  int code = session_project(&s, "test", path, NULL);
  const struct compilation *c = &s.project.compilation;
  uint32_t passed = t->passed, failed = t->failed, chosen = 0;
  if (code == EXIT_FINE && s.project.compiled) {
    complain("test", "%s is a compiled program, which holds no tests; name the scripts", path);
    code = EXIT_COULD_NOT;
  }
  if (code == EXIT_FINE) {
    for (uint32_t i = 0; i < c->tests.count; i++) chosen += is_chosen(t, c->tests.items[i]);
    t->left_out += c->tests.count - chosen;
    if (t->coverage) coverage_begin(t->coverage, c);
    if (chosen || t->coverage) code = run_blocks(t, &s);
    if (t->format == JUNIT) end_suite(t, path, t->passed - passed, t->failed - failed);
  }
  session_close(&s);
  return code;
}

static bool read_format(const char *name, enum format *out) {
  for (int i = 0; name && i <= JSON; i++) {
    if (strcmp(name, format_names[i]) != 0) continue;
    *out = (enum format)i;
    return true;
  }
  if (name) complain("test", "--format is human, tap, junit or json, not \"%s\"", name);
  return !name;
}

static int test_all(struct tester *t, const struct options *o) {
  int code = EXIT_FINE;
  if (t->format == TAP) printf("TAP version 14\n");
  struct arena a;
  arena_init(&a, 4096);
  struct script_paths projects;
  if (!project_paths(&a, "test", o->positionals, o->count, &projects)) code = EXIT_COULD_NOT;
  for (uint32_t i = 0; i < projects.found.count && !stop_asked(); i++) {
    int one = test_project(t, projects.found.items[i]);
    if (one > code) code = one;
  }
  arena_deinit(&a);
  if (stop_asked()) code = EXIT_COULD_NOT;
  uint32_t count = t->passed + t->failed;
  if (t->format == TAP && code != EXIT_FINE) {
    printf("Bail out! Not every test could be run.\n"); /* a plan would say that all is well with the rest */
  } else if (code == EXIT_FINE && count == 0 && t->left_out) {
    complain("test", "no test has \"%s\" in its name", t->filter);
    code = EXIT_COULD_NOT;
  } else if (code == EXIT_FINE && count == 0 && t->format == HUMAN) {
    printf("no tests\n");
  } else if (code != EXIT_COULD_NOT) {
    print_end(t);
  }
  return code == EXIT_FINE && t->failed ? EXIT_MISTAKES : code;
}

/* Beside the results where people read them; a program that reads JUnit or JSON must not meet other lines. */
static int show_coverage(struct tester *t, bool text, const char *lcov) {
  struct buf b;
  buf_init(&b, SIZE_MAX / 2);
  if (text) coverage_report(t->coverage, &b, t->format == TAP ? "# " : "");
  print_all(&b, t->format == JUNIT || t->format == JSON ? stderr : stdout);
  bool ok = true;
  if (lcov) {
    coverage_lcov(t->coverage, &b);
    ok = file_write(lcov, buf_as_str(&b));
    if (!ok) complain("test", "cannot write %s: %s", lcov, strerror(errno));
  }
  buf_deinit(&b);
  return ok ? EXIT_FINE : EXIT_COULD_NOT;
}

static int test_run(const struct options *o) {
  struct tester t = { .filter = option(o, "filter") };
  const char *lcov = option(o, "lcov");
  if (!read_format(option(o, "format"), &t.format)) return EXIT_COULD_NOT;
  if (option(o, "coverage") || lcov) t.coverage = coverage_new();
  buf_init(&t.suites, SIZE_MAX / 2);
  buf_init(&t.cases, SIZE_MAX / 2);
  stop_on_signals();
  int code = test_all(&t, o);
  if (t.coverage && code != EXIT_COULD_NOT) {
    int written = show_coverage(&t, option(o, "coverage") != NULL, lcov);
    if (written > code) code = written;
  }
  coverage_free(t.coverage);
  buf_deinit(&t.suites);
  buf_deinit(&t.cases);
  return code;
}

static const struct option_spec test_options[] = {
  { "filter", 0, "TEXT", "only tests with this text in their name" },
  { "format", 0, "human|tap|junit|json", "how to print the outcome (human)" },
  { "coverage", 0, NULL, "say which rules, branches and conditions the tests reached" },
  { "lcov", 0, "FILE", "write the same as an lcov file, for genhtml and editors" },
  { NULL, 0, NULL, NULL },
};
const struct command command_test = {
  .name = "test",
  .summary = "run the test blocks of scripts, in virtual time",
  .arguments = "PATH...",
  .text = "Runs each `test \"...\" { }` of the scripts on the real engine, with a clock of its own, and prints\n"
          "`ok` or `FAILED` with the line, what happened instead, the value of each part of a condition, and\n"
          "all that became of the contact up to there. Each path is a project: a .camp file or a folder;\n"
          "a folder that holds no script itself holds a project in each of its folders.\n"
          "Ends with 1 when a test failed.\n"
          "\n"
          "Coverage counts rules and campaigns that started, statements that ran, both ways of each branch, and\n"
          "each condition seen true and seen false. Percentages are rounded down: 100 % means all.\n",
  .examples = "  camp test campaigns/\n"
              "  camp test welcome.camp --filter coupon\n"
              "  camp test campaigns/ --coverage --lcov camp.info\n"
              "  camp test campaigns/ --format junit > results.xml\n",
  .options = test_options,
  .positionals_min = 1,
  .positionals_max = POSITIONALS_MAX,
  .missing = "which tests? Name a .camp file or a folder of them.",
  .run = test_run,
};
