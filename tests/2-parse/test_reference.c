/* The reference is whole: every rule of grammar/camp.y is used by an example of grammar/README.md.
 *
 * The examples are parsed with Lemon's trace on, which the builds with sanitizers have, and the rules that it names are
 * crossed off. Rules of the BAD tokens are left out: they stand for mistakes, which no example makes. That the examples compile
 * and format as they stand is 3-check/test_format.c's; that their tests pass, 8-cli/test_reference.sh's. */
#include "compiler/ast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* grammar/camp.y, in builds with sanitizers */
const char *grammar_rule(uint32_t number);
void camp_parseTrace(FILE *to, char *prompt);

/* What the grammar takes and a later stage refuses or warns of: no example can use it. */
static const char *const never[] = {
  "mail_part ::= NAME NAME",              /* a word that no message has, with a name behind it */
  "parts ::=",                             /* a message that says nothing */
  "rules ::=",                             /* a policy that says nothing */
  "expectation ::= EXPECT name HELD FOR name", "expectation ::= EXPECT name NOT HELD FOR name", "expectation ::= expectation UNTIL moment",
  "comparing ::= NOT_EQUAL",               /* `!=`, which is `is not` */
  "opt_up_to ::=",                         /* a wait without an end */
  "on_list ::= on_list EOL ELSE_BLOCK block", /* `;` before `else`, which needs none */
  "attempt ::= WINNER AT PERCENT CERTAINTY COMMA GIVE UP AFTER DURATION", /* Camp does not decide yet */
  "item ::= campaign_head LBRACE RBRACE",  /* a campaign that does nothing */
};
static bool is_never(const char *rule) {
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strcmp(rule, never[i]) == 0) return true;
  return strstr(rule, "BAD") != NULL;
}

enum { RULES_MAX = 2000 };
static bool used[RULES_MAX];

static char *read_reference(void) {
  const char *root = getenv("CAMP_ROOT");
  char path[512];
  snprintf(path, sizeof path, "%s/grammar/README.md", root ? root : ".");
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  long bytes = ftell(f);
  rewind(f);
  char *text = malloc((size_t)bytes + 1);
  size_t len = fread(text, 1, (size_t)bytes, f);
  text[len] = '\0';
  fclose(f);
  return text;
}

/* `Reduce 12 [stmt ::= EXIT], …`: rule 12 was used. */
static void cross_off(const char *trace) {
  for (const char *at = trace; (at = strstr(at, "Reduce ")) != NULL;) {
    at += 7;
    unsigned long number = strtoul(at, NULL, 10);
    assert_true(number < RULES_MAX);
    used[number] = true;
  }
}

static void parse_example(struct str text) {
  struct compilation c;
  struct tree tree = { 0 };
  char *trace = NULL, prompt[] = "";
  size_t bytes = 0;
  FILE *to = open_memstream(&trace, &bytes);
  assert_non_null(to);
  compilation_init(&c);
  tree.tail = &tree.items;
  compilation_add(&c, STR("example.camp"), text, false);
  camp_parseTrace(to, prompt);
  parse_source(&c, 0, &tree);
  camp_parseTrace(NULL, NULL);
  fclose(to);
  assert_int_equal(c.error_count, 0);
  cross_off(trace);
  free(trace);
  compilation_deinit(&c);
}

static void no_rule_is_missing(void **state) {
  (void)state;
  char *reference = read_reference(), *at = reference;
  while ((at = strstr(at, "```camp\n")) != NULL) {
    at += 8;
    char *stop = strstr(at, "```");
    assert_non_null(stop);
    *stop = '\0';
    parse_example((struct str){ at, (size_t)(stop - at) });
    at = stop + 1;
  }
  free(reference);
  uint32_t missing = 0, count = 0;
  for (; grammar_rule(count); count++) {
    assert_true(count < RULES_MAX);
    if (used[count] || is_never(grammar_rule(count))) continue;
    if (!missing++) print_message("grammar/README.md has no example that uses these rules of grammar/camp.y; add one to each construct's section:\n");
    print_message("  %s\n", grammar_rule(count));
  }
  assert_true(count > 200);
  assert_int_equal(missing, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(no_rule_is_missing) };
  return cmocka_run_group_tests_name("the reference", tests, NULL, NULL);
}
