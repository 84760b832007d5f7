/* camp rejects: the lines that could not be taken, each with its number and the reason. */
#include "runtime/command/commands.h"
#include "runtime/command/session.h"

#include <inttypes.h>

enum { PAGE = 1000 };

static void print_reject(const struct reject_row *r) {
  struct str source = r->source;
  if (str_starts(source, STR("file:"))) source = str_slice(source.ptr + 5, source.ptr + source.len);
  printf(STR_FMT ":%" PRId64 ": " STR_FMT "\n", STR_ARG(source), r->line, STR_ARG(r->reason));
  if (!r->text.len) return;
  printf("    ");
  /* A rejected line may be anything; what would steer the terminal is shown as a space. */
  for (size_t i = 0; i < r->text.len; i++) putchar((unsigned char)r->text.ptr[i] < ' ' || r->text.ptr[i] == 0x7f ? ' ' : r->text.ptr[i]);
  putchar('\n');
}

static int rejects_run(const struct options *o) {
  struct store *s = NULL;
  int code = open_to_read(o, &s);
  if (code != EXIT_FINE) return code;
  struct arena a;
  arena_init(&a, 64 << 10);
  int64_t after = 0;
  uint64_t total = 0;
  uint32_t count = PAGE;
  while (count == PAGE) {
    struct reject_row *rows;
    arena_reset(&a);
    if (store_rejects(s, &a, after, PAGE, &rows, &count) != CAMP_OK) {
      complain("rejects", "%s", store_last_error(s)->text);
      code = EXIT_COULD_NOT;
      break;
    }
    for (uint32_t i = 0; i < count; i++) print_reject(&rows[i]);
    if (count) after = rows[count - 1].id;
    total += count;
  }
  if (code == EXIT_FINE) printf("%" PRIu64 " line%s rejected\n", total, total == 1 ? "" : "s");
  arena_deinit(&a);
  store_close(s);
  return code;
}

static const struct option_spec rejects_options[] = {
  { "db", 0, "FILE", "the database" },
  { NULL, 0, NULL, NULL },
};
const struct command command_rejects = {
  .name = "rejects",
  .summary = "list the lines that could not be taken, with the reason",
  .arguments = "--db FILE",
  .text = "Lists each line of events that could not be read: source, line number, reason, and the line itself\n"
          "(its first 1024 bytes). Mend the lines and pass them again: the others are not affected.\n",
  .examples = "  camp rejects --db camp.db\n",
  .options = rejects_options,
  .positionals_min = 0,
  .positionals_max = 0,
  .missing = "",
  .run = rejects_run,
};
