/* camp count, camp contacts: who is in a list or a segment. They read what the engine keeps by list, so neither looks at other
 * contacts; contacts prints while it reads. */
#include "runtime/command/commands.h"
#include "runtime/command/names.h"
#include "runtime/command/progress.h"
#include "runtime/command/report.h"
#include "runtime/command/session.h"
#include "vm/base/buf.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* Opens the database and finds the list, when one is named. */
static int open_list(const struct options *o, const char *name, struct store **out) {
  int code = open_to_read(o, out);
  if (code != EXIT_FINE || !name) return code;
  if (store_name_find(*out, NAME_LIST, str_from_c(name)) || store_name_find(*out, NAME_SEGMENT, str_from_c(name))) return EXIT_FINE;
  complain_no_name(o->command->name, *out, NAME_LIST, NAME_SEGMENT, "list or segment", name, option(o, "db"));
  return EXIT_COULD_NOT;
}

static bool print_count(void *context, int columns, const char *const *names, const char *const *row) {
  (void)context, (void)columns, (void)names;
  if (row) printf("%s\n", row[0]);
  return true;
}

static int count_run(const struct options *o) {
  struct store *s = NULL;
  int code = open_list(o, o->positionals[0], &s);
  if (code == EXIT_FINE && store_report(s, "list_count", str_from_c(o->positionals[0]), print_count, NULL) != CAMP_OK) {
    complain("count", "%s", store_last_error(s)->text);
    code = EXIT_COULD_NOT;
  }
  store_close(s);
  return code;
}

static const struct option_spec count_options[] = {
  { "db", 0, "FILE", "the database" },
  { NULL, 0, NULL, NULL },
};
const struct command command_count = {
  .name = "count",
  .summary = "count who is in a list or segment",
  .arguments = "LIST --db FILE",
  .text = "Prints one number: how many contacts are in the list or segment now. A tag's name will do, too. Reads\n"
          "only; a run on the same database goes on meanwhile.\n",
  .examples = "  camp count loyal --db camp.db\n",
  .options = count_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "of which list or segment? camp status --db FILE lists them.",
  .run = count_run,
};

/* --- contacts ------------------------------------------------------------------------------------------------------- */

enum format { TABLE, CSV, JSON };
struct printing { enum format format; long left; struct table *table; struct buf line; };

/* RFC 4180: quoted where it must be. */
static void print_csv(const char *text) {
  if (!text) return;
  if (!strpbrk(text, "\",\r\n")) {
    fputs(text, stdout);
    return;
  }
  putchar('"');
  for (; *text; text++) {
    if (*text == '"') putchar('"');
    putchar(*text);
  }
  putchar('"');
}

/* One object a line; attributes are JSON already. */
static void print_json(struct printing *p, int columns, const char *const *names, const char *const *row) {
  buf_clear(&p->line);
  for (int i = 0; i < columns; i++) {
    buf_c(&p->line, i ? "," : "{");
    buf_json_str(&p->line, str_from_c(names[i]));
    buf_byte(&p->line, ':');
    if (!row[i] || !row[i][0]) buf_c(&p->line, "null");
    else if (strcmp(names[i], "attributes") == 0) buf_c(&p->line, row[i]);
    else buf_json_str(&p->line, str_from_c(row[i]));
  }
  printf(STR_FMT "}\n", STR_ARG(buf_as_str(&p->line)));
}

static bool print_contact(void *context, int columns, const char *const *names, const char *const *row) {
  struct printing *p = context;
  if (row && p->left-- == 0) return false;
  const char *const *cells = row ? row : names;
  if (p->format == TABLE) {
    table_row(p->table, cells, columns);
  } else if (p->format == CSV) {
    for (int i = 0; i < columns; i++) {
      if (i) putchar(',');
      print_csv(cells[i]);
    }
    putchar('\n');
  } else if (row) {
    print_json(p, columns, names, row);
  }
  return !ferror(stdout);
}

/* A row of a score's ranking: the points are of a moment, and fade since then by the half-life. */
static bool print_ranked(void *context, int columns, const char *const *names, const char *const *row) {
  static const char *const heading[] = { "contact", "points" };
  char points[32];
  (void)columns, (void)names;
  if (!row) return print_contact(context, 2, heading, NULL);
  double now = strtod(row[1], NULL);
  if (row[3]) now *= exp2((strtod(row[2], NULL) - (double)clock_now_ms()) / strtod(row[3], NULL));
  snprintf(points, sizeof points, "%.2f", now);
  return print_contact(context, 2, heading, (const char *const[]){ row[0], points });
}

static int print_all(struct store *s, const char *in, const char *by, struct printing *p) {
  struct buf both;
  buf_init(&both, 2 * LIMIT_NAME_BYTES + 2);
  buf_printf(&both, "%s\n%s", by ? by : "", in ? in : "");
  if (p->format == TABLE) p->table = table_new();
  buf_init(&p->line, LIMIT_ATTRIBUTES_BYTES * 2);
  enum camp_err err = !by   ? store_report(s, "list_members", str_from_c(in), print_contact, p)
                      : !in ? store_report(s, "contacts_by_score", str_from_c(by), print_ranked, p)
                            : store_report(s, "members_by_score", buf_as_str(&both), print_ranked, p);
  bool more = p->table && p->left < 0;
  if (err != CAMP_OK) complain("contacts", "%s", store_last_error(s)->text);
  if (p->table) table_print(p->table);
  if (more && err == CAMP_OK) printf("There are more; --limit says how many are shown, --format csv or json gives all.\n");
  buf_deinit(&p->line);
  buf_deinit(&both);
  return exit_code_of(err);
}

static int contacts_run(const struct options *o) {
  const char *in = option(o, "in"), *by = option(o, "by"), *format = option(o, "format");
  static const char *const formats[] = { "table", "csv", "json", NULL };
  struct printing p = { .format = TABLE };
  if (!in && !by) {
    complain("contacts", "in which list or segment? Add --in LIST, or --by SCORE for all contacts with points.");
    return EXIT_COULD_NOT;
  }
  while (format && formats[p.format] && strcmp(formats[p.format], format) != 0) p.format++;
  if (!formats[p.format]) {
    complain("contacts", "--format is table, csv or json, not \"%s\"", format);
    return EXIT_COULD_NOT;
  }
  if (!option_number(o, "limit", 1, LONG_MAX, p.format == TABLE ? 1000 : LONG_MAX, &p.left)) return EXIT_COULD_NOT;
  struct store *s = NULL;
  int code = open_list(o, in, &s);
  if (code == EXIT_FINE && by && !store_name_find(s, NAME_SCORE, str_from_c(by))) {
    complain_no_name("contacts", s, NAME_SCORE, NAME_SCORE, "score", by, option(o, "db"));
    code = EXIT_COULD_NOT;
  }
  if (code == EXIT_FINE) code = print_all(s, in, by, &p);
  store_close(s);
  return code;
}

static const struct option_spec contacts_options[] = {
  { "db", 0, "FILE", "the database" },
  { "in", 0, "LIST", "the list or segment whose members are shown" },
  { "by", 0, "SCORE", "the highest points first, as of now; who has none is not shown" },
  { "limit", 0, "N", "at most so many; a table shows 1000 unless told otherwise" },
  { "format", 0, "FORMAT", "table (as without it), csv, or json, an object a line" },
  { NULL, 0, NULL, NULL },
};
const struct command command_contacts = {
  .name = "contacts",
  .summary = "list who is in a list or segment",
  .arguments = "--in LIST --db FILE [--by SCORE] [--limit N] [--format csv|json|table]",
  .text = "Shows the members of a list or segment in the order in which they became known: key, since when they\n"
          "are in it, attributes. csv and json are printed while they are read, so a list of millions needs no\n"
          "memory. Reads only; a run on the same database goes on meanwhile.\n",
  .examples = "  camp contacts --in loyal --db camp.db\n"
              "  camp contacts --in loyal --db camp.db --format csv > loyal.csv\n"
              "  camp contacts --by interest --db camp.db --limit 20\n",
  .options = contacts_options,
  .positionals_min = 0,
  .positionals_max = 0,
  .missing = "",
  .run = contacts_run,
};
