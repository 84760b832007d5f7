/* Rows that are written many at a time: gathered in memory, then put into their table by one statement that reads them as a virtual
 * table, gathered_NAME. A statement of its own for a row costs half as much again as the row: it opens the table, finds its place
 * in the program, and closes all of it again.
 *
 * Not for: which rows there are (history.c, contacts.c, outbox_rows.c, timers.c), nor for the order of timers.
 *
 * Invariants:
 * 1. Nobody sees that a row is not in its table yet: before a statement is given out that looks at a table or changes it, what is
 *    gathered for that table is written (query() asks gathered_before). Which tables a statement touches SQLite says itself, when it is
 *    prepared. Timers are the exception that timers.c explains: they are handed over at the end alone.
 * 2. Rows are written in the order in which they were gathered; of one contact's slots, those that go are taken after the others.
 * 3. Text is copied, so a row outlives what it was made of. Memory stays flat: GATHERED_COUNT rows or GATHERED_BYTES of text at most.
 * 4. Statements that take gathered rows never stop halfway and go on: the whole transaction is undone on an error. So they say
 *    `or fail`, `or ignore`, `or replace`, and SQLite keeps no journal of the statement, which copied each page that it changed. */
#include "sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { GATHERED_COUNT = 4096, GATHERED_BYTES = 1 << 20, COLUMNS_MAX = 17 };

static const struct { const char *table, *module; uint32_t columns; enum query put; } kinds[GATHERED_KINDS] = {
  [GATHERED_EVENT] = { "event", "gathered_event", 10, Q_EVENT_PUT },
  [GATHERED_SLOT] = { "slot", "gathered_slot", 16, Q_SLOT_PUT },
  [GATHERED_OUTBOX] = { "outbox", "gathered_outbox", 17, Q_OUTBOX_PUT },
  [GATHERED_TAG] = { "tag", "gathered_tag", 3, Q_TAG_PUT },
  [GATHERED_MEMBER] = { "member", "gathered_member", 3, Q_MEMBER_PUT },
  [GATHERED_TIMER] = { "timer", "gathered_timer", 2, Q_TIMER_PUT },
};

/* --- as a table ----------------------------------------------------------------------------------------------------------- */

struct gathered_table { sqlite3_vtab base; const struct gathered *rows; };
struct gathered_cursor { sqlite3_vtab_cursor base; uint32_t at; };

static const struct gathered *rows_of(const sqlite3_vtab *t) { return ((const struct gathered_table *)(const void *)t)->rows; }
static struct gathered_cursor *cursor_of(sqlite3_vtab_cursor *c) { return (struct gathered_cursor *)(void *)c; }

static int table_connect(sqlite3 *db, void *rows, int argc, const char *const *argv, sqlite3_vtab **out, char **why) {
  const struct gathered *g = rows;
  char sql[32 + 5 * COLUMNS_MAX] = "create table gathered(c0";
  (void)argc, (void)argv, (void)why;
  for (uint32_t i = 1; i < g->columns; i++) snprintf(sql + strlen(sql), sizeof sql - strlen(sql), ",c%u", i);
  snprintf(sql + strlen(sql), sizeof sql - strlen(sql), ")");
  int code = sqlite3_declare_vtab(db, sql);
  if (code != SQLITE_OK) return code;
  struct gathered_table *t = sqlite3_malloc(sizeof *t);
  if (!t) return SQLITE_NOMEM;
  *t = (struct gathered_table){ .rows = g };
  *out = &t->base;
  return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *t) {
  sqlite3_free(t);
  return SQLITE_OK;
}

static int table_plan(sqlite3_vtab *t, sqlite3_index_info *info) {
  (void)t;
  info->estimatedCost = 1000;
  return SQLITE_OK;
}

static int table_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out) {
  (void)t;
  struct gathered_cursor *c = sqlite3_malloc(sizeof *c);
  if (!c) return SQLITE_NOMEM;
  *c = (struct gathered_cursor){ .at = 0 };
  *out = &c->base;
  return SQLITE_OK;
}

static int table_close(sqlite3_vtab_cursor *c) {
  sqlite3_free(c);
  return SQLITE_OK;
}

static int table_filter(sqlite3_vtab_cursor *c, int plan, const char *text, int argc, sqlite3_value **argv) {
  (void)plan, (void)text, (void)argc, (void)argv;
  cursor_of(c)->at = 0;
  return SQLITE_OK;
}

static int table_next(sqlite3_vtab_cursor *c) {
  cursor_of(c)->at++;
  return SQLITE_OK;
}

static int table_eof(sqlite3_vtab_cursor *c) { return cursor_of(c)->at >= rows_of(c->pVtab)->count; }

static int table_column(sqlite3_vtab_cursor *c, sqlite3_context *into, int column) {
  const struct gathered *g = rows_of(c->pVtab);
  const struct cell *v = &g->cells[(size_t)cursor_of(c)->at * g->columns + (size_t)column];
  switch (v->kind) {
    case CELL_NULL: break;
    case CELL_NUMBER: sqlite3_result_int64(into, v->number); break;
    case CELL_TEXT: sqlite3_result_text64(into, v->ptr, v->bytes, SQLITE_STATIC, SQLITE_UTF8); break;
    case CELL_BLOB: sqlite3_result_blob64(into, v->ptr, v->bytes, SQLITE_STATIC); break;
  }
  return SQLITE_OK;
}

static int table_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out) {
  *out = cursor_of(c)->at;
  return SQLITE_OK;
}

/* --- which statement touches what ------------------------------------------------------------------------------------- */

static int note_table(void *store, int what, const char *table, const char *other, const char *db, const char *within) {
  struct store *s = store;
  (void)other, (void)db, (void)within;
  bool rows = what == SQLITE_READ || what == SQLITE_INSERT || what == SQLITE_UPDATE || what == SQLITE_DELETE;
  for (uint32_t i = 0; rows && table && i < GATHERED_KINDS; i++)
    if (i != GATHERED_TIMER && strcmp(table, kinds[i].table) == 0) s->touches |= 1u << i;
  return SQLITE_OK;
}

enum camp_err gather_register(struct store *s) {
  static const sqlite3_module module = { .xConnect = table_connect, .xBestIndex = table_plan, .xDisconnect = table_disconnect,
    .xOpen = table_open, .xClose = table_close, .xFilter = table_filter, .xNext = table_next, .xEof = table_eof,
    .xColumn = table_column, .xRowid = table_rowid };
  for (uint32_t i = 0; i < GATHERED_KINDS; i++) {
    s->gathered[i].columns = kinds[i].columns;
    if (sqlite3_create_module_v2(s->db, kinds[i].module, &module, &s->gathered[i], NULL) != SQLITE_OK) return store_fail(s);
  }
  arena_init(&s->gathered_text, 1 << 16);
  return sqlite3_set_authorizer(s->db, note_table, s) == SQLITE_OK ? CAMP_OK : store_fail(s);
}

void gather_free(struct store *s) {
  for (uint32_t i = 0; i < GATHERED_KINDS; i++) free(s->gathered[i].cells);
  free(s->slots_gone);
  arena_deinit(&s->gathered_text);
}

/* --- gathering -------------------------------------------------------------------------------------------------------- */

static void forget(struct store *s, uint32_t kind) {
  s->gathered[kind].count = 0;
  s->gathered_kinds &= ~(1u << kind);
  if (kind == GATHERED_SLOT) s->slot_gone_count = 0, s->slot_gathered_last = 0;
  if (s->gathered_kinds) return;
  arena_reset(&s->gathered_text);
  s->gathered_bytes = 0;
}

void gather_forget(struct store *s) {
  for (uint32_t i = 0; i < GATHERED_KINDS; i++) forget(s, i);
}

static enum camp_err write_gone(struct store *s) {
  enum camp_err err = CAMP_OK;
  for (uint32_t i = 0; i < s->slot_gone_count && !err; i++) {
    sqlite3_stmt *q = query(s, Q_SLOT_TAKE);
    if (q) sqlite3_bind_int64(q, 1, s->slots_gone[i]);
    err = query_run(s, q);
  }
  return err;
}

enum camp_err gather_write(struct store *s, uint32_t which) {
  enum camp_err err = s->failed;
  for (uint32_t i = 0; i < GATHERED_KINDS && !err; i++) {
    if (!(s->gathered_kinds & which & 1u << i)) continue;
    s->gathered_kinds &= ~(1u << i); /* so that the statement itself asks for nothing */
    if (s->gathered[i].count) err = query_run(s, query(s, kinds[i].put));
    if (!err && i == GATHERED_SLOT) err = write_gone(s);
    forget(s, i);
  }
  return err;
}

enum camp_err gather_row(struct store *s, enum gathered_kind kind, struct cell **out) {
  struct gathered *g = &s->gathered[kind];
  CHECK(s->in_transaction);
  if (s->failed) return s->failed;
  /* Timers are many and small, and wait for the end. */
  if (kind != GATHERED_TIMER && (g->count == GATHERED_COUNT || s->gathered_bytes > GATHERED_BYTES)) {
    enum camp_err err = gather_write(s, UINT32_MAX);
    if (err) return err;
  }
  g->cells = store_grow(g->cells, &g->cap, (g->count + 1) * g->columns, sizeof *g->cells);
  *out = &g->cells[(size_t)g->count * g->columns];
  memset(*out, 0, g->columns * sizeof **out);
  g->count++;
  s->gathered_kinds |= 1u << kind;
  return CAMP_OK;
}

static void put_bytes(struct store *s, struct cell *c, enum cell_kind kind, struct str t) {
  c->kind = kind;
  c->ptr = t.len ? arena_str(&s->gathered_text, t).ptr : "";
  c->bytes = t.len;
  s->gathered_bytes += t.len;
}
void cell_text(struct store *s, struct cell *c, struct str t) { put_bytes(s, c, CELL_TEXT, t); }
void cell_text_or_null(struct store *s, struct cell *c, struct str t) {
  if (t.len) put_bytes(s, c, CELL_TEXT, t);
}
void cell_blob_or_null(struct store *s, struct cell *c, struct str t) {
  if (t.len) put_bytes(s, c, CELL_BLOB, t);
}

void gather_slot_gone(struct store *s, int64_t id) {
  s->slots_gone = store_grow(s->slots_gone, &s->slot_gone_cap, s->slot_gone_count + 1, sizeof *s->slots_gone);
  s->slots_gone[s->slot_gone_count++] = id;
  s->gathered_kinds |= 1u << GATHERED_SLOT;
}
