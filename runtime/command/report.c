/* Tables for people. Programs read the database's views instead, so the form here may change.
 *
 * Invariants:
 * 1. Only text that is safe on a terminal is printed: control characters of keys and properties become `?`.
 * 2. A moment of a report (ISO text) is shown as a wall clock's reading in one zone, which the caller names. */
#include "runtime/command/report.h"

#include "runtime/command/intake.h"

#include "runtime/command/options.h"
#include "vm/base/arena.h"
#include "vm/base/buf.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"

#include <inttypes.h>

enum { COLUMNS = 16, CELL_BYTES = 200 };
struct row { struct str cells[COLUMNS]; };
struct table {
  struct arena arena;
  VEC(struct row) rows;
  int columns;
  const struct zone *zone;
};

struct table *table_new(void) {
  struct table *t = calloc(1, sizeof *t);
  CHECK(t != NULL);
  arena_init(&t->arena, 64 << 10);
  t->zone = zone_utc();
  return t;
}

void table_free(struct table *t) {
  arena_deinit(&t->arena);
  free(t);
}

size_t table_rows(const struct table *t) { return t->rows.count ? t->rows.count - 1 : 0; }

bool report_moment(const char *text, int64_t *ms) {
  char moment[25];
  bool zoned;
  if (text[0] != 1 || strlen(text) < 25) return false;
  memcpy(moment, text + 1, 24);
  moment[24] = 0;
  return calendar_parse_moment(str_from_c(moment), ms, &zoned) && zoned;
}

/* "2026-01-05T10:00:00.000Z" as "2026-01-05 10:00", also within a text where it is marked; anything else as it is, without what a terminal
 * would obey. */
static struct str cell_text(struct table *t, const char *text) {
  struct str s = str_from_c(text);
  int64_t ms;
  bool zoned;
  if (s.len == 24 && s.ptr[10] == 'T' && s.ptr[23] == 'Z' && calendar_parse_moment(s, &ms, &zoned)) {
    char shown[32];
    size_t n = calendar_print(zone_to_civil(t->zone, ms), shown);
    return arena_str(&t->arena, (struct str){ shown, n });
  }
  bool cut = s.len > CELL_BYTES;
  if (cut) {
    s.len = CELL_BYTES;
    while (s.len && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80) s.len--;
  }
  char *copy = arena_alloc(&t->arena, s.len + 4);
  size_t len = 0;
  for (size_t i = 0; i < s.len; i++) {
    if (s.len - i >= 25 && report_moment(s.ptr + i, &ms)) {
      char shown[32];
      size_t n = calendar_print(zone_to_civil(t->zone, ms), shown);
      if (n <= 25) {
        memcpy(copy + len, shown, n);
        len += n;
        i += 24;
        continue;
      }
    }
    copy[len++] = (unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f ? ' ' : s.ptr[i];
  }
  if (cut) memcpy(copy + len, "\xe2\x80\xa6", 3);
  return (struct str){ copy, len + (cut ? 3 : 0) };
}

void table_row(struct table *t, const char *const *cells, int count) {
  struct row row = { 0 };
  if (count > COLUMNS) count = COLUMNS;
  if (count > t->columns) t->columns = count;
  for (int i = 0; i < count; i++) row.cells[i] = cells[i] ? cell_text(t, cells[i]) : STR("");
  VEC_PUSH(&t->arena, &t->rows, row);
}

static bool is_number(struct str s) {
  if (s.len == 0) return true;
  for (size_t i = 0; i < s.len; i++)
    if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !(i == 0 && s.ptr[i] == '-' && s.len > 1)) return false;
  return true;
}

static void print_cell(struct str s, size_t width, bool right, bool last) {
  size_t pad = width - utf8_columns(s);
  if (right) printf("%*s", (int)pad, "");
  printf(STR_FMT, STR_ARG(s));
  if (!right && !last) printf("%*s", (int)pad, "");
}

void table_print(struct table *t) {
  size_t width[COLUMNS] = { 0 };
  bool number[COLUMNS], empty[COLUMNS];
  for (int c = 0; c < t->columns; c++) {
    number[c] = empty[c] = true;
    for (uint32_t r = 0; r < t->rows.count; r++) {
      struct str s = t->rows.items[r].cells[c];
      size_t columns = utf8_columns(s);
      if (columns > width[c]) width[c] = columns;
      if (r > 0 && s.len) empty[c] = false;
      if (r > 0 && !is_number(s)) number[c] = false;
    }
  }
  int last = t->columns - 1;
  while (last > 0 && empty[last]) last--;
  for (uint32_t r = 0; r < t->rows.count; r++) {
    const struct str *cells = t->rows.items[r].cells;
    int end = last; /* no spaces behind the row's last cell */
    while (end > 0 && cells[end].len == 0) end--;
    for (int c = 0; c <= end; c++) {
      if (empty[c]) continue;
      printf("  ");
      print_cell(cells[c], width[c], number[c], c == end);
    }
    putchar('\n');
  }
  table_free(t);
}

/* Views name their columns for SQL; a heading has spaces. */
static void add_heading(struct table *t, int columns, const char *const *names) {
  const char *shown[COLUMNS];
  if (columns > COLUMNS) columns = COLUMNS;
  for (int i = 0; i < columns; i++) {
    char *text = (char *)arena_alloc(&t->arena, strlen(names[i]) + 1);
    for (size_t k = 0; k <= strlen(names[i]); k++) text[k] = names[i][k] == '_' ? ' ' : names[i][k];
    shown[i] = text;
  }
  table_row(t, shown, columns);
}

static bool add_row(void *context, int columns, const char *const *names, const char *const *row) {
  if (row) table_row(context, row, columns);
  else add_heading(context, columns, names);
  return true;
}

static struct table *report_rows(struct store *s, const char *command, const char *query, const char *argument, const struct zone *z) {
  struct table *t = table_new();
  t->zone = z;
  if (store_report(s, query, str_from_c(argument), add_row, t) == CAMP_OK) return t;
  complain(command, "%s", store_last_error(s)->text);
  table_free(t);
  return NULL;
}

static bool report_in(struct store *s, const char *command, const char *query, const char *argument, const char *title,
                      const struct zone *z) {
  struct table *t = report_rows(s, command, query, argument, z);
  if (!t) return false;
  if (table_rows(t) == 0) {
    table_free(t);
    return true;
  }
  printf("%s\n", title);
  table_print(t);
  putchar('\n');
  return true;
}

bool report_table(struct store *s, const char *command, const char *query, const char *argument, const char *title) {
  return report_in(s, command, query, argument, title, zone_utc());
}

/* A word as a shell takes it. */
static void print_word(const char *word) {
  bool plain = *word != 0;
  for (const char *c = word; *c && plain; c++)
    plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("@%_+=:,./-", *c);
  if (!plain) putchar('\'');
  for (const char *c = word; *c; c++) {
    if (*c == '\'') fputs("'\\''", stdout);
    else putchar((unsigned char)*c < ' ' ? '?' : *c);
  }
  if (!plain) putchar('\'');
}

static void say_command(const char *command, const char *argument, const char *db) {
  printf("  %s %s ", program_name, command);
  if (argument) {
    print_word(argument);
    putchar(' ');
  }
  printf("--db ");
  print_word(db);
  putchar('\n');
}

static bool keep_first(void *context, int columns, const char *const *names, const char *const *row) {
  (void)names;
  char *key = context;
  if (!row || columns < 1 || !row[0]) return true;
  snprintf(key, LIMIT_KEY_BYTES + 1, "%s", row[0]);
  return false;
}

/* Where to look next: only commands that work as they stand there. */
static void say_next(struct store *s, const struct simulation_facts *f) {
  char key[LIMIT_KEY_BYTES + 1] = "";
  if (!f->db) {
    printf("Nothing was kept. Add --db FILE to ask `%s status` and `%s contact` afterwards.\n", program_name, program_name);
    return;
  }
  printf("Where to look next:\n");
  say_command("status", NULL, f->db);
  if (store_report(s, "some_contact", (struct str){ NULL, 0 }, keep_first, key) == CAMP_OK && key[0]) say_command("contact", key, f->db);
  if (f->refused) say_command("rejects", NULL, f->db);
}

void say_left(uint64_t messages, uint64_t calls, uint64_t shows) {
  printf("%" PRIu64 " message%s sent", messages, S_OF(messages));
  if (calls) printf(", %" PRIu64 " call%s made", calls, S_OF(calls));
  if (shows) printf(", %" PRIu64 " content%s shown", shows, S_OF(shows));
}

int report_simulation(struct store *s, const struct program *p, const struct zone *z, const struct simulation_facts *f) {
  char clock[40];
  struct str zone = zone_name(z);
  clock[calendar_print(zone_to_civil(z, f->clock_ms), clock)] = 0;
  printf("%" PRIu64 " event%s taken, ", f->events, S_OF(f->events));
  say_left(f->messages, f->calls, f->shows);
  if (f->clock_ms) printf(", the clock stands at %s " STR_FMT, clock, STR_ARG(zone));
  putchar('\n');
  if (f->duplicates) printf("%" PRIu64 " more repeated an id and count%s once\n", f->duplicates, f->duplicates == 1 ? "s" : "");
  putchar('\n');
  bool ok = (!f->show || report_in(s, "simulate", "who_got_what", NULL, "Who got what, when and why", z)) &&
            report_in(s, "simulate", "summary", NULL, "Contacts", z) &&
            report_in(s, "simulate", "summary_messages", NULL, "Messages", z) &&
            report_in(s, "simulate", "summary_calls", NULL, "Calls", z) &&
            report_in(s, "simulate", "summary_shown", NULL, "On pages", z) &&
            report_in(s, "simulate", "summary_lists", NULL, "Lists", z) &&
            report_in(s, "simulate", "status_due", NULL, "Still waiting", z);
  if (!ok) return EXIT_COULD_NOT;
  if (f->events) say_unheard(s, p);
  say_next(s, f);
  say_refused(s, f->refused, f->events, NULL);
  if (!f->events && f->refused) return EXIT_MISTAKES;
  return EXIT_FINE;
}
