/* camp status: how many stand where, and what is due when. It reads; a run beside it goes on. */
#include "runtime/command/commands.h"
#include "runtime/command/report.h"

#include "runtime/command/session.h"

/* A command that only reads opens the database so. Returns an exit code. */
int open_to_read(const struct options *o, struct store **out) {
  const char *db = option(o, "db");
  struct store_error error = { "" };
  if (!db) {
    complain(o->command->name, "which database? Add --db FILE.");
    return EXIT_COULD_NOT;
  }
  enum camp_err err = store_open(db, &(struct store_options){ .read_only = true }, out, &error);
  if (err != CAMP_OK) complain(o->command->name, "%s", error.text[0] ? error.text : camp_err_text(err));
  return exit_code_of(err);
}

static int status_run(const struct options *o) {
  struct store *s = NULL;
  int code = open_to_read(o, &s);
  if (code != EXIT_FINE) return code;
  bool ok = report_table(s, "status", "summary", NULL, "Contacts") &&
            report_table(s, "status", "status_campaigns", NULL, "Campaigns, with how many runs are under way") &&
            report_table(s, "status", "status_due", NULL, "Waiting where, and until when") &&
            report_table(s, "status", "summary_messages", NULL, "Messages") &&
            report_table(s, "status", "summary_calls", NULL, "Calls") &&
            report_table(s, "status", "summary_shown", NULL, "On pages") &&
            report_table(s, "status", "status_reasons", NULL, "Why messages failed or wait; camp outbox shows each") &&
            report_table(s, "status", "summary_lists", NULL, "Lists");
  if (ok) printf("Times are UTC. Plain SQL answers more: sqlite3 %s 'select * from position'\n", option(o, "db"));
  store_close(s);
  return ok ? EXIT_FINE : EXIT_COULD_NOT;
}

static const struct option_spec status_options[] = {
  { "db", 0, "FILE", "the database" },
  { NULL, 0, NULL, NULL },
};
const struct command command_status = {
  .name = "status",
  .summary = "show how many stand where, and what is due when",
  .arguments = "--db FILE",
  .text = "Counts contacts by campaign and step with the next moment that something is due, messages by state\n"
          "with the next try and why they failed or wait, and lists by size. Reads only; a run on the same\n"
          "database goes on meanwhile.\n",
  .examples = "  camp status --db camp.db\n",
  .options = status_options,
  .positionals_min = 0,
  .positionals_max = 0,
  .missing = "",
  .run = status_run,
};
