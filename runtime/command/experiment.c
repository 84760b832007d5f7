/* camp experiment: what each variant of an experiment has done so far. It reads; a run beside it goes on.
 *
 * Not for deciding which variant is better: it shows counts. */
#include "runtime/command/commands.h"
#include "runtime/command/report.h"

#include "runtime/command/session.h"

struct known { const char *name, *campaign, *measure; };
struct shelf {
  struct arena arena;
  VEC(struct known) all;
};

static bool note_known(void *context, int columns, const char *const *names, const char *const *row) {
  struct shelf *s = context;
  (void)columns, (void)names;
  if (!row) return true;
  struct known k = { arena_str(&s->arena, str_from_c(row[0])).ptr, arena_str(&s->arena, str_from_c(row[1])).ptr,
                     arena_str(&s->arena, str_from_c(row[2])).ptr };
  VEC_PUSH(&s->arena, &s->all, k);
  return true;
}

static const char *name_at(const void *context, size_t i) {
  const struct shelf *s = context;
  return i < s->all.count ? s->all.items[i].name : NULL;
}

static bool print_experiment(struct store *s, struct shelf *shelf, const struct known *k) {
  const char *which = arena_printf(&shelf->arena, "%s\n%s", k->name, k->campaign).ptr;
  const char *title = arena_printf(&shelf->arena, "%s, in %s: %s", k->name, k->campaign, k->measure).ptr;
  return report_table(s, "experiment", strncmp(k->measure, "sum(", 4) == 0 ? "experiment_sums" : "experiment_events", which, title);
}

static int experiment_run(const struct options *o) {
  struct store *s = NULL;
  int code = open_to_read(o, &s);
  if (code != EXIT_FINE) return code;
  const char *only = o->count ? o->positionals[0] : NULL;
  struct shelf shelf = { .all = { 0 } };
  uint32_t printed = 0;
  arena_init(&shelf.arena, 16 << 10);
  enum camp_err err = store_report(s, "experiments", (struct str){ NULL, 0 }, note_known, &shelf);
  if (err != CAMP_OK) complain("experiment", "%s", store_last_error(s)->text);
  bool ok = err == CAMP_OK;
  for (uint32_t i = 0; ok && i < shelf.all.count; i++) {
    if (only && strcmp(only, shelf.all.items[i].name) != 0) continue;
    ok = print_experiment(s, &shelf, &shelf.all.items[i]);
    printed++;
  }
  if (ok && !printed && only) {
    const char *near = nearest_name(only, name_at, &shelf);
    if (near) complain("experiment", "%s has no experiment \"%s\". Did you mean \"%s\"?", option(o, "db"), only, near);
    else complain("experiment", "%s has no experiment \"%s\"", option(o, "db"), only);
    ok = false;
  } else if (ok && printed) {
    printf("Converted, rate and mean are of those whose time to respond is over. Plain SQL answers more:\n"
           "  sqlite3 %s 'select * from experiment_result'\n", option(o, "db"));
  } else if (ok) {
    printf("%s has no experiments.\n", option(o, "db"));
  }
  arena_deinit(&shelf.arena);
  store_close(s);
  return ok ? EXIT_FINE : EXIT_COULD_NOT;
}

static const struct option_spec experiment_options[] = {
  { "db", 0, "FILE", "the database" },
  { NULL, 0, NULL, NULL },
};
const struct command command_experiment = {
  .name = "experiment",
  .summary = "show what the variants of an experiment have done",
  .arguments = "[NAME] --db FILE",
  .text = "Counts for each variant of an experiment, or of all: how many were assigned, and should have been by the\n"
          "shares; how many were exposed, which means that the variant did something for them; how many turned out\n"
          "to be one with somebody who had another variant (crossed); for how many the time to respond is over, and\n"
          "how many of these converted. Reads only; a run on the same database goes on meanwhile.\n",
  .examples = "  camp experiment --db camp.db\n"
              "  camp experiment best_subject --db camp.db\n",
  .options = experiment_options,
  .positionals_min = 0,
  .positionals_max = 1,
  .missing = "",
  .run = experiment_run,
};
