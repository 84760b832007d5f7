#ifndef CAMP_COMMAND_REPORT_H
#define CAMP_COMMAND_REPORT_H
/* Tables on standard output, made of the store's named reports. */
#include "runtime/store/store.h"
#include "vm/calendar.h"

struct table;
struct table *table_new(void);
/* A row of cells; NULL prints as nothing. The first row added is the heading. */
void table_row(struct table *t, const char *const *cells, int count);
/* Rows beyond the heading. */
size_t table_rows(const struct table *t);
/* Columns as wide as their widest cell (by what a terminal shows), numbers to the right; frees the table. */
void table_print(struct table *t);
void table_free(struct table *t);

/* A report as a table under a title; nothing when it has no rows. False after complaining. */
bool report_table(struct store *s, const char *command, const char *query, const char *argument, const char *title);

struct program;
struct simulation_facts {
  uint64_t events, duplicates, refused, messages, calls, shows;
  int64_t clock_ms;
  const char *db, *send; /* NULL: none was given */
  bool show;
};
/* What simulate prints at its end. Returns an exit code. */
/* A moment within a report's text, which the byte 1 marks: 25 bytes. False: there is none. */
bool report_moment(const char *text, int64_t *ms);
/* `3 messages sent, 2 calls made, 1 content shown`: what there was none of is left out, but messages. */
void say_left(uint64_t messages, uint64_t calls, uint64_t shows);
int report_simulation(struct store *s, const struct program *p, const struct zone *z, const struct simulation_facts *f);
#endif
