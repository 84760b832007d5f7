/* camp import: fills history and starts nothing, so that an old customer is no first buyer tomorrow.
 *
 * Events are taken as `camp run` takes them, with the engine told that they are imported. A file of contacts is one of
 * identify lines: its records are rewritten into those beforehand, so that there is one reader of each format.
 *
 * Invariants:
 * 1. Importing the same file again goes on behind what was taken; a finished file brings nothing new.
 * 2. A rewritten record keeps its line number, and a rejected one is shown as the user wrote it. */
#include "runtime/command/commands.h"
#include "runtime/command/intake.h"
#include "runtime/command/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { BATCH_DEFAULT = 50000 };
static const char JSON_PREFIX[] = "{\"type\":\"identify\"", CSV_PREFIX[] = "identify,", CSV_HEADER[] = "event,";

/* A line that begins with `{` becomes an identify by a member in front; one that is no object is left for the reader to refuse. */
static void rewrite_json(FILE *from, FILE *to) {
  int c;
  bool line_begins = true;
  while ((c = getc(from)) != EOF) {
    if (line_begins && c == '{') {
      fputs(JSON_PREFIX, to);
      while ((c = getc(from)) == ' ' || c == '\t') continue;
      if (c != '}') putc(',', to);
      if (c == EOF) return;
    }
    if (c == '\n') line_begins = true;
    else if (c != ' ' && c != '\t' && c != '\r') line_begins = false;
    putc(c, to);
  }
}

/* Puts a column `event` in front; a newline inside quotes belongs to its record. */
static void rewrite_csv(FILE *from, FILE *to) {
  int c;
  bool header = true, record_begins = true, quoted = false;
  while ((c = getc(from)) != EOF) {
    if (record_begins && c != '\n' && c != '\r') {
      fputs(header ? CSV_HEADER : CSV_PREFIX, to);
      header = record_begins = false;
    }
    if (c == '"') quoted = !quoted;
    if (c == '\n' && !quoted) record_begins = true;
    putc(c, to);
  }
}

static bool rewrite_contacts(const char *path, bool csv, const char *out) {
  FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "r"), *to = NULL;
  bool ok = from != NULL && (to = fopen(out, "w")) != NULL;
  if (ok) {
    if (csv) rewrite_csv(from, to);
    else rewrite_json(from, to);
    ok = !ferror(from) && !ferror(to);
  }
  if (!ok) complain("import", "cannot read %s: %s", path, strerror(errno));
  if (to && fclose(to) != 0) ok = false;
  if (from && from != stdin) fclose(from);
  return ok;
}

static int take_all(struct session *s, struct intake *in) {
  struct progress bar = progress_of("importing");
  int64_t size = feed_size(in->feed);
  int code = EXIT_FINE;
  while (code == EXIT_FINE && !in->ended && !stop_asked()) {
    code = intake_gather(s, in, 1000, 1000);
    if (code == EXIT_FINE && intake_holds(in)) code = intake_take(s, in, clock_now_ms());
    progress_at(&bar, in->place.byte_offset, size);
  }
  progress_end(&bar);
  if (code == EXIT_FINE && stop_asked()) {
    complain("import", "stopped before the end; the same command goes on");
    code = EXIT_KEPT;
  }
  return code;
}

static int import_file(struct session *s, const struct options *o, bool contacts, const char *scratch) {
  const char *path = o->positionals[1];
  bool csv = option(o, "csv") != NULL;
  char key[PATH_MAX + 32], real[PATH_MAX];
  struct intake in = { 0 };
  snprintf(key, sizeof key, "import:%s", strcmp(path, "-") != 0 && realpath(path, real) ? real : path);
  int code = EXIT_FINE;
  if (contacts && !rewrite_contacts(path, csv, scratch)) return EXIT_COULD_NOT;
  code = intake_open(s, &in, contacts ? scratch : path, csv, key);
  if (code == EXIT_FINE) {
    if (contacts) in.hidden = csv ? str_from_c(CSV_PREFIX) : str_from_c(JSON_PREFIX);
    in.shown_first = csv ? 0 : '{';
    code = take_all(s, &in);
    struct engine_counts c = engine_counts(s->engine);
    printf("%" PRIu64 " %s%s imported, %" PRIu64 " already known\n", c.events, contacts ? "contact" : "event", S_OF(c.events), c.duplicates);
    if (c.events) say_unheard(s->store, &s->project.program);
    say_refused(s->store, c.rejects, c.events, option(o, "db"));
  }
  intake_close(&in);
  return code;
}

static int import_run(const struct options *o) {
  const char *what = o->positionals[0], *db = option(o, "db"), *project = option(o, "project");
  bool contacts = strcmp(what, "contacts") == 0;
  if (!contacts && strcmp(what, "events") != 0) {
    complain("import", "import what? `events` or `contacts`, not \"%s\"", what);
    return EXIT_COULD_NOT;
  }
  if (!db || !project) {
    complain("import", "--db FILE and --project PROJECT are needed: the project's conditions say what is to be remembered");
    return EXIT_COULD_NOT;
  }
  struct session s;
  char folder[4096] = "", scratch[4200] = "";
  stop_on_signals();
  int code = session_project(&s, "import", project, option(o, "zone"));
  if (code == EXIT_FINE && contacts && !scratch_folder("import", folder)) code = EXIT_COULD_NOT;
  snprintf(scratch, sizeof scratch, "%s/contacts", folder);
  if (code == EXIT_FINE) code = session_store(&s, db, &(struct store_options){ .create = true });
  if (code == EXIT_FINE) {
    struct engine_options eo = { .batch = BATCH_DEFAULT, .import = true, .late_after_ms = STORE_NEVER };
    code = session_engine(&s, eo, clock_now_ms(), NULL);
  }
  if (code == EXIT_FINE) code = import_file(&s, o, contacts, scratch);
  session_close(&s);
  if (folder[0]) scratch_remove(folder);
  return code;
}

static const struct option_spec import_options[] = {
  { "db", 0, "FILE", "the database; made when it is not there" },
  { "project", 0, "PROJECT", "the scripts, whose conditions say what is remembered" },
  { "csv", 0, NULL, "the file is CSV with a header: contact,event,at,id and properties" },
  { "zone", 0, "ZONE", "time zone of contacts that have none" },
  { NULL, 0, NULL, NULL },
};
const struct command command_import = {
  .name = "import",
  .summary = "fill history or contacts, and start nothing",
  .arguments = "events|contacts FILE --db FILE --project PROJECT [--csv]",
  .text = "Takes events that happened before Camp was there: conditions see them, no campaign starts for them.\n"
          "Without this, every old customer would look like a first buyer.\n"
          "`contacts` takes attributes: lines such as {\"userId\":\"ann\",\"traits\":{\"first_name\":\"Ann\"}}, or CSV\n"
          "with a column `contact` and one for each attribute.\n",
  .examples = "  camp import events orders-2025.ndjson --db camp.db --project campaigns/\n"
              "  camp import contacts customers.csv --csv --db camp.db --project campaigns/\n",
  .options = import_options,
  .positionals_min = 2,
  .positionals_max = 2,
  .missing = "import what, and from where? `events FILE` or `contacts FILE`.",
  .run = import_run,
};
