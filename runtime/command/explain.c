/* camp explain: the page of one diagnostic code, or the list of all. The pages are the compiler's. */
#include "runtime/command/commands.h"
#include "compiler/compile.h"

static const char *code_at(const void *context, size_t i) {
  (void)context;
  const struct explain *e = explain_at(i);
  return e ? e->code : NULL;
}

/* An example set off from the text by two spaces, each line of it. */
static void print_indented(const char *text) {
  for (const char *at = text; *at;) {
    const char *end = strchr(at, '\n');
    size_t n = end ? (size_t)(end - at) : strlen(at);
    printf(n ? "    %.*s\n" : "%.*s\n", (int)n, at);
    at += n + (end != NULL);
  }
}

static int explain_run(const struct options *o) {
  if (o->count == 0) {
    for (size_t i = 0; explain_at(i); i++) printf("%s  %s\n", explain_at(i)->code, explain_at(i)->title);
    return EXIT_FINE;
  }
  char code[16] = "";
  size_t n = strlen(o->positionals[0]);
  for (size_t i = 0; i < n && n < sizeof code; i++) {
    char c = o->positionals[0][i];
    code[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  const struct explain *e = explain_find(code);
  if (!e) {
    const char *near = nearest_name(code, code_at, NULL);
    if (near)
      complain("explain", "there is no code %s. Did you mean %s?", o->positionals[0], near);
    else
      complain("explain", "there is no code %s. `camp explain` lists them.", o->positionals[0]);
    return EXIT_COULD_NOT;
  }
  printf("%s: %s\n\n%s\n", e->code, e->title, e->text);
  if (e->wrong && *e->wrong) {
    printf("\nWrong:\n\n");
    print_indented(e->wrong);
  }
  if (e->right && *e->right) {
    printf("\nRight:\n\n");
    print_indented(e->right);
  }
  return EXIT_FINE;
}

static const struct option_spec no_options[] = { { NULL, 0, NULL, NULL } };
const struct command command_explain = {
  .name = "explain",
  .summary = "tell what a code such as E0203 means",
  .arguments = "[CODE]",
  .text = "Prints the page of a code that `camp check` shows: what it means, a wrong example and a right\n"
          "one. Without a code, lists all of them.\n",
  .examples = "  camp explain E0203\n"
              "  camp explain\n",
  .options = no_options,
  .positionals_min = 0,
  .positionals_max = 1,
  .missing = "",
  .run = explain_run,
};
