#ifndef CAMP_VM_LOADER_H
#define CAMP_VM_LOADER_H
/* Reading a program file, which nobody trusts: the first thing found wrong is told, and ends the reading. Private to program.c and
 * unit_read.c.
 *
 * No count allocates more than the bytes that remain could fill, and no text is taken before it is known to be UTF-8. What is read
 * hangs in the arena; texts borrow from the bytes. */
#include "program.h"

/* `err` is the first thing found wrong; the reader's own `failed` means that bytes are missing or no number. */
struct loader {
  struct arena *a;
  struct reader r;
  struct program_error *e;
  enum camp_err err;
};

struct loader loader_of(struct arena *a, struct str bytes, struct program_error *e);
/* Notes the mistake unless there was one before; gives the one that counts. */
PRINTF_LIKE(3, 4)
enum camp_err loader_fail(struct loader *l, enum camp_err err, const char *fmt, ...);
/* Everything was read and nothing is left; `what` begins the message if not. */
enum camp_err loader_end(struct loader *l, const char *what);

struct str loader_text(struct loader *l);
bool loader_flag(struct loader *l);
/* Room for a table: its rows cannot be more than the bytes left could hold, whatever the count says. NULL when there are none. */
void *loader_table(struct loader *l, uint32_t *count, uint32_t rows_max, size_t row_bytes_min, size_t item_bytes, const char *what);
/* A loop over the rows of a table, ended early when a row cannot be read. */
#define EACH_ROW(l, i, count) for (uint32_t i = 0; i < (count) && !(l)->r.failed; i++)
#endif
