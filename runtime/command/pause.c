/* camp pause, camp resume: orders to a campaign. They write one row beside the engine, which looks for such at each transaction; without
 * a run the next one finds it. */
#include "runtime/command/commands.h"
#include "runtime/command/names.h"
#include "runtime/command/progress.h"
#include "runtime/command/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { ORDER_BUSY_MS = 30000 };

/* Opens the database beside whoever writes it, and finds the campaign. */
static int open_order(const struct options *o, struct store **out) {
  const char *db = option(o, "db");
  struct store_error error = { "" };
  if (!db) {
    complain(o->command->name, "which database? Add --db FILE.");
    return EXIT_COULD_NOT;
  }
  enum camp_err err = store_open(db, &(struct store_options){ .beside = true, .busy_ms = ORDER_BUSY_MS }, out, &error);
  if (err != CAMP_OK) {
    complain(o->command->name, "%s", error.text[0] ? error.text : camp_err_text(err));
    return exit_code_of(err);
  }
  const char *name = o->positionals[0];
  if (store_name_find(*out, NAME_CAMPAIGN, str_from_c(name))) return EXIT_FINE;
  complain_no_name(o->command->name, *out, NAME_CAMPAIGN, NAME_CAMPAIGN, "campaign", name, db);
  return EXIT_COULD_NOT;
}

static const struct store_pause *find_pause(struct store *s, struct arena *a, const char *name) {
  struct store_pause *all;
  uint32_t count;
  if (store_pauses(s, a, &all, &count) != CAMP_OK) return NULL;
  for (uint32_t i = 0; i < count; i++)
    if (str_is(all[i].campaign, name)) return &all[i];
  return NULL;
}

static int order(const struct options *o, struct store *s, const struct store_pause *resume, bool *changed) {
  enum camp_err err = store_begin(s);
  if (err == CAMP_OK) err = resume ? store_resume(s, resume, changed) : store_pause(s, str_from_c(o->positionals[0]), clock_now_ms(), changed);
  if (err == CAMP_OK) err = store_commit(s);
  if (err == CAMP_OK) return EXIT_FINE;
  complain(o->command->name, "%s", store_last_error(s)->text);
  store_rollback(s);
  return exit_code_of(err);
}

static int pause_run(const struct options *o) {
  struct store *s = NULL;
  bool changed = false;
  const char *name = o->positionals[0], *db = option(o, "db");
  int code = open_order(o, &s);
  if (code == EXIT_FINE) code = order(o, s, NULL, &changed);
  if (code == EXIT_FINE) {
    if (changed) printf("%s is paused: nobody enters it, and who is inside stays where they are.\n", name);
    else printf("%s is paused already.\n", name);
    printf("To let it go on: %s resume '%s' --db %s\n", program_name, name, db);
  }
  store_close(s);
  return code;
}

/* 90s, 30m, 6h, 2d, 1w as milliseconds; a day is 24 hours here. */
static bool read_spread(const char *text, int64_t *ms) {
  static const struct { char letter; int64_t ms; } units[] = {
    { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', MS_PER_DAY }, { 'w', 7 * MS_PER_DAY } };
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (!errno && end != text && n >= 0 && n <= 366 * MS_PER_DAY / units[i].ms && end[0] == units[i].letter && !end[1]) {
      *ms = n * units[i].ms;
      return true;
    }
  complain("resume", "--spread is a time such as 90s, 30m, 6h, 2d or 1w, at most a year, not \"%s\"", text);
  return false;
}

static int resume_run(const struct options *o) {
  struct store *s = NULL;
  struct store_pause p = { .campaign = str_from_c(o->positionals[0]), .how = option(o, "skip") ? PAUSE_SKIP : PAUSE_AS_SAID };
  const char *spread = option(o, "spread"), *name = o->positionals[0];
  bool changed = false;
  if (spread && option(o, "skip")) {
    complain("resume", "either --skip or --spread, not both");
    return EXIT_COULD_NOT;
  }
  if (spread && !read_spread(spread, &p.spread_ms)) return EXIT_COULD_NOT;
  if (spread) p.how = PAUSE_SPREAD;
  int code = open_order(o, &s);
  p.until_ms = clock_now_ms();
  if (code == EXIT_FINE) code = order(o, s, &p, &changed);
  if (code == EXIT_FINE && !changed) {
    struct arena a;
    arena_init(&a, 1 << 10);
    complain("resume", find_pause(s, &a, name) ? "%s goes on already" : "%s was never paused", name);
    arena_deinit(&a);
    code = EXIT_COULD_NOT;
  }
  if (code == EXIT_FINE)
    printf(p.how == PAUSE_SKIP ? "%s goes on; what became due meanwhile is passed over.\n"
           : p.how == PAUSE_SPREAD ? "%s goes on; what became due meanwhile is spread over the time given.\n"
                                   : "%s goes on; what became due meanwhile is treated as its `on resume` says, or spread over an hour.\n", name);
  store_close(s);
  return code;
}

static const struct option_spec pause_options[] = {
  { "db", 0, "FILE", "the database" },
  { NULL, 0, NULL, NULL },
};
const struct command command_pause = {
  .name = "pause",
  .summary = "hold a campaign: nobody enters, nobody goes on",
  .arguments = "CAMPAIGN --db FILE",
  .text = "Nobody enters the campaign, starts without an event included, and who is inside stays where they are:\n"
          "a wait whose time comes is held. Stops and goals count as ever. What was released before still leaves.\n"
          "A run on the same database goes on and sees the order at its next transaction; without one, the next\n"
          "run sees it. The order survives restarts and deploys, until `camp resume`.\n",
  .examples = "  camp pause welcome --db camp.db\n",
  .options = pause_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which campaign? Name one; camp status --db FILE lists them.",
  .run = pause_run,
};

static const struct option_spec resume_options[] = {
  { "db", 0, "FILE", "the database" },
  { "skip", 0, NULL, "what became due meanwhile is passed over: those runs end, with that reason" },
  { "spread", 0, "TIME", "what became due meanwhile goes on within this time, such as 6h" },
  { NULL, 0, NULL, NULL },
};
const struct command command_resume = {
  .name = "resume",
  .summary = "let a paused campaign go on, without a blast",
  .arguments = "CAMPAIGN --db FILE [--skip | --spread TIME]",
  .text = "Lets a campaign go on that `camp pause` holds. What became due meanwhile does not go out at once: each\n"
          "contact goes on at its own share of the time over which to spread. Without --skip or --spread the\n"
          "campaign's `on resume` says what is done; a campaign without one is spread over an hour.\n",
  .examples = "  camp resume welcome --db camp.db\n"
              "  camp resume welcome --db camp.db --spread 6h\n"
              "  camp resume black_friday --db camp.db --skip\n",
  .options = resume_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which campaign? Name one; camp status --db FILE lists them.",
  .run = resume_run,
};
