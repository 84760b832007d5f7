#ifndef CAMP_STORE_SQLITE_H
#define CAMP_STORE_SQLITE_H
/* Private to runtime/store: what its files share. Nobody else sees SQLite. */
#include "store.h"

#include "vm/base/limits.h"

#include <sqlite3.h>

enum query {
#define QUERY(name, sql) Q_##name,
#define REPORT(name, sql)
#include "queries.def"
#undef QUERY
#undef REPORT
  Q_COUNT
};

enum { SLOT_SHIFT = 12, SLOT_COUNT = 1 << SLOT_SHIFT };
_Static_assert(LIMIT_STRANDS_COUNT < SLOT_COUNT, "a contact's strands fit its slots");

/* What a rollback brings back, saved whole at begin. */
struct counters {
  uint32_t epoch;
  int64_t contact_last, event_last, outbox_last, outbox_settled;
  bool outbox_late;      /* some row is deferred */
  uint32_t name_count;
};

/* Rows on their way into a table; see gather.c. */
enum gathered_kind { GATHERED_EVENT, GATHERED_SLOT, GATHERED_OUTBOX, GATHERED_TAG, GATHERED_MEMBER, GATHERED_TIMER, GATHERED_KINDS };
enum cell_kind { CELL_NULL, CELL_NUMBER, CELL_TEXT, CELL_BLOB };
struct cell {
  enum cell_kind kind;
  union { int64_t number; const char *ptr; };
  size_t bytes;
};
struct gathered { struct cell *cells; uint32_t columns, count, cap; };

struct known_name { enum name_kind kind; uint32_t epoch; uint64_t hash; struct str text; };
struct timer_change { int64_t due, contact; uint32_t order; bool put; };
struct key_place { uint64_t hash; uint32_t proof, index; };
struct fresh_range { int64_t first; int64_t at_ms; };

struct store {
  sqlite3 *db;
  sqlite3_stmt *statements[Q_COUNT];
  char *path;
  int lock;                        /* the writer's lock file, -1 when there is none */
  struct store_error error;
  enum camp_err failed;            /* the first error of this transaction: nothing more is written until it is rolled back */
  int busy_ms;                     /* how long to wait for another program's lock */
  bool read_only, in_transaction, counters_changed, outbox_changed;
  struct counters now, saved;
  struct hash_key hash_key, proof_key;

  struct known_name *names;        /* by id - 1 */
  uint32_t name_cap;
  uint32_t *name_table;            /* open addressing, id or 0 */
  uint32_t name_table_count;       /* a power of two */
  struct arena name_texts;

  struct gathered gathered[GATHERED_KINDS];
  struct arena gathered_text;
  size_t gathered_bytes;
  uint32_t gathered_kinds;         /* a bit each that has rows */
  uint32_t touches;                /* the same bits: of the statement that is being prepared */
  uint8_t touched_by[Q_COUNT];     /* … and of those that are */
  int64_t *slots_gone;             /* to be taken behind the gathered ones */
  uint32_t slot_gone_count, slot_gone_cap;
  int64_t slot_gathered_last;      /* the highest contact among them; 0: none */

  struct timer_change *timers;     /* gathered since begin */
  uint32_t timer_count, timer_cap;
  int64_t due_limit, due_last, due_contact; /* what store_due has given since begin … */
  uint32_t due_taken;              /* … and how many; UINT32_MAX: they no longer stand alone */
  struct strand_row *strands;      /* scratch of store_contact_read */
  uint32_t strand_cap;
  struct fresh_range *fresh;       /* which contacts were made when, since begin */
  uint32_t fresh_count, fresh_cap;
  int64_t *deltas;                 /* strands gained since begin, by unit */
  uint32_t *touched;               /* units whose delta moved */
  uint32_t delta_cap, touched_count, touched_cap;
  struct key_place *places, *places_spare; /* scratch of store_contacts */
  uint32_t place_cap;

  int64_t data_version;            /* as store_written_beside has seen it; 0: not asked yet */
  int64_t order_place;             /* store_outbox_ready's sorted list: read up to here … */
  int64_t order_until, order_last; /* … made for this moment, when this was the newest row; -1: there is none */

  int64_t wal_frames, wal_peak_frames, commit_frames, page_bytes, bytes_written;
};

/* sqlite.c. query gives the statement, ready to bind; NULL after noting the error. */
sqlite3_stmt *query(struct store *s, enum query q);
/* The same, though rows may be gathered for a table that it touches: for who knows that they are others. */
sqlite3_stmt *query_beside(struct store *s, enum query q);
/* One step of a statement that returns no row; resets it. Writing outside a transaction is our own mistake. */
enum camp_err query_run(struct store *s, sqlite3_stmt *q) MUST_CHECK;
/* One step of a statement that may: *row false at its end, when it is reset. */
enum camp_err query_step(struct store *s, sqlite3_stmt *q, bool *row) MUST_CHECK;
/* One step of a statement whose row is to be there: CAMP_NOT_FOUND when it is not. Who has read the row resets the statement. */
static inline enum camp_err query_row(struct store *s, sqlite3_stmt *q) {
  bool row;
  enum camp_err err = query_step(s, q, &row);
  return err || row ? err : CAMP_NOT_FOUND;
}
/* query with its first numbers bound. */
static inline sqlite3_stmt *query_1(struct store *s, enum query which, int64_t one) {
  sqlite3_stmt *q = query(s, which);
  if (q) sqlite3_bind_int64(q, 1, one);
  return q;
}
static inline sqlite3_stmt *query_2(struct store *s, enum query which, int64_t one, int64_t two) {
  sqlite3_stmt *q = query_1(s, which, one);
  if (q) sqlite3_bind_int64(q, 2, two);
  return q;
}
/* Notes what SQLite said last. */
enum camp_err store_fail(struct store *s);
enum camp_err store_fail_as(struct store *s, enum camp_err err, const char *fmt, ...) PRINTF_LIKE(3, 4);
void *store_grow(void *items, uint32_t *cap, uint32_t need, size_t item_bytes);
void *store_array(size_t count, size_t item_bytes); /* to be freed by who asked for it */

static inline void bind_str(sqlite3_stmt *q, int at, struct str t) {
  sqlite3_bind_text64(q, at, t.ptr ? t.ptr : "", t.len, SQLITE_STATIC, SQLITE_UTF8);
}
/* Empty texts are NULL where the column says so. */
static inline void bind_str_or_null(sqlite3_stmt *q, int at, struct str t) {
  if (t.len) bind_str(q, at, t); else sqlite3_bind_null(q, at);
}
static inline void bind_blob(sqlite3_stmt *q, int at, struct str t) {
  sqlite3_bind_blob64(q, at, t.ptr ? t.ptr : "", t.len, SQLITE_STATIC);
}
static inline void bind_blob_or_null(sqlite3_stmt *q, int at, struct str t) {
  if (t.len) bind_blob(q, at, t); else sqlite3_bind_null(q, at);
}
/* NULL when it says the same as another column. */
static inline void bind_unless(sqlite3_stmt *q, int at, int64_t n, int64_t same) {
  if (n == same) sqlite3_bind_null(q, at); else sqlite3_bind_int64(q, at, n);
}
struct str column_str(struct arena *a, sqlite3_stmt *q, int at); /* copied; empty for NULL */
static inline int64_t column_or(sqlite3_stmt *q, int at, int64_t otherwise) {
  return sqlite3_column_type(q, at) == SQLITE_NULL ? otherwise : sqlite3_column_int64(q, at);
}

/* The rows of a statement that is bound; report.c. */
enum camp_err report_rows(struct store *s, sqlite3_stmt *q, store_row_fn *fn, void *context) MUST_CHECK;
/* Fills s->names at open; forgets the younger ones at rollback. */
enum camp_err names_load(struct store *s) MUST_CHECK;
void names_cut(struct store *s, uint32_t count);
void names_free(struct store *s);
/* What was gathered since begin, written at commit or forgotten. */
void units_forget(struct store *s);
enum camp_err units_flush(struct store *s) MUST_CHECK;
/* contacts.c */
enum camp_err key_point(struct store *s, struct str key, int64_t contact) MUST_CHECK;
/* gather.c. A row to be filled in at once; its cells are NULL. */
enum camp_err gather_register(struct store *s) MUST_CHECK;
void gather_free(struct store *s);
enum camp_err gather_row(struct store *s, enum gathered_kind kind, struct cell **out) MUST_CHECK;
void gather_slot_gone(struct store *s, int64_t id);
/* Writes what is gathered for these tables (bits of gathered_kind), or forgets all of it. */
enum camp_err gather_write(struct store *s, uint32_t which) MUST_CHECK;
void gather_forget(struct store *s);
static inline void cell_number(struct cell *c, int64_t n) {
  c->kind = CELL_NUMBER;
  c->number = n;
}
/* NULL when it says the same as another column. */
static inline void cell_unless(struct cell *c, int64_t n, int64_t same) {
  if (n != same) cell_number(c, n);
}
void cell_text(struct store *s, struct cell *c, struct str t); /* copied */
void cell_text_or_null(struct store *s, struct cell *c, struct str t);
void cell_blob_or_null(struct store *s, struct cell *c, struct str t);
/* timers.c */
int64_t timer_after(const struct store *s, int64_t was, int64_t wanted);
void timer_note(struct store *s, int64_t due, int64_t contact, bool put);
enum camp_err timers_flush(struct store *s) MUST_CHECK;
enum camp_err outbox_flush_settled(struct store *s) MUST_CHECK;
enum camp_err outbox_unclaim(struct store *s) MUST_CHECK; /* after a crash */
/* lock.c */
enum camp_err writer_lock(struct store *s) MUST_CHECK;
void writer_unlock(struct store *s);
#endif
