/* camp contact: all that is known of one contact, in the order of time, and why things were or were not done. */
#include "runtime/command/commands.h"
#include "runtime/command/report.h"
#include "runtime/command/session.h"

static bool count_rows(void *context, int columns, const char *const *names, const char *const *row) {
  (void)columns, (void)names;
  *(int *)context += row != NULL;
  return true;
}

static int show_contact(struct store *s, const char *key, const char *db) {
  int found = 0;
  if (store_report(s, "contact_card", str_from_c(key), count_rows, &found) != CAMP_OK) {
    complain("contact", "%s", store_last_error(s)->text);
    return EXIT_COULD_NOT;
  }
  if (!found) {
    complain("contact", "%s knows no contact \"%s\". Keys are compared letter by letter; sqlite3 %s 'select contact from contact' "
             "lists them.", db, key, db);
    return EXIT_COULD_NOT;
  }
  bool ok = report_table(s, "contact", "contact_card", key, "Contact") &&
            report_table(s, "contact", "contact_keys", key, "Also known as") &&
            report_table(s, "contact", "contact_positions", key, "Stands at") &&
            report_table(s, "contact", "contact_members", key, "Lists and tags") &&
            report_table(s, "contact", "contact_scores", key, "Scores") &&
            report_table(s, "contact", "contact_consents", key, "Consent") &&
            report_table(s, "contact", "contact_experiments", key, "Experiments") &&
            report_table(s, "contact", "contact_timeline", key, "In order of time");
  if (ok) printf("Times are UTC.\n");
  return ok ? EXIT_FINE : EXIT_COULD_NOT;
}

static int contact_run(const struct options *o) {
  struct store *s = NULL;
  int code = open_to_read(o, &s);
  if (code != EXIT_FINE) return code;
  code = show_contact(s, o->positionals[0], option(o, "db"));
  store_close(s);
  return code;
}

static const struct option_spec contact_options[] = {
  { "db", 0, "FILE", "the database" },
  { NULL, 0, NULL, NULL },
};
const struct command command_contact = {
  .name = "contact",
  .summary = "show one contact's history, positions and messages",
  .arguments = "KEY --db FILE",
  .text = "Shows attributes, where the contact stands in each campaign, lists, and all that happened in the\n"
          "order of time: events, messages with what became of them, and what was not done with the reason.\n",
  .examples = "  camp contact ann --db camp.db\n",
  .options = contact_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which contact? Give the key, as the events have it in userId.",
  .run = contact_run,
};
