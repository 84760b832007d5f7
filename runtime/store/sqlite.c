/* The store on SQLite: open, transactions, statements, errors, the write-ahead log's size.
 *
 * Not for: what the rows mean (names.c, contacts.c, history.c, outbox_rows.c), nor who may write (lock.c).
 *
 * Invariants:
 * 1. Nothing is written outside a transaction; after the first error of a transaction nothing more is written, because SQLite
 *    may have rolled back by itself, and a later write would then stand alone.
 * 2. Memory says what the database says: counters and names are saved at begin and brought back by rollback, and everything
 *    gathered for the commit is forgotten with it.
 * 3. A commit that failed has been rolled back when store_commit returns.
 * 4. SQL text comes from schema.sql and queries.def alone.
 *
 *            store_begin              store_commit: OK
 *    idle ---------------> writing -----------------------> idle, durable
 *                           |   \____ error ___> failed __
 *                           |                             \   store_rollback, or store_commit: the error
 *                           +-- store_rollback ------------+--> idle, as before store_begin */
#include "sqlite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x43414d50 /* "CAMP" */
/* Chosen by measuring; see README.md. */
#define PAGE_BYTES 2048
#define CACHE_KIB 24000
#define WAL_MAX_BYTES (256LL << 20)
#define WAL_KEEP_BYTES WAL_MAX_BYTES /* shorter would make each round of the log allocate its file anew */
#define BUSY_MS 2000
/* Longer than any query of ours takes, so that a log in use is a stuck reader and not a slow one. */
#define READER_MS 10000

extern const char *const schema_sql_text;

static const char *const query_sql[Q_COUNT] = {
#define QUERY(name, sql) [Q_##name] = sql,
#define REPORT(name, sql)
#include "queries.def"
#undef QUERY
#undef REPORT
};

/* --- errors ----------------------------------------------------------------------------------------------------------- */

static bool is_full(int system) { return system == ENOSPC || system == EDQUOT || system == EFBIG; }

/* The system's reason for a failed write, which SQLite's code does not tell: of the database file or of its log. errno itself may
 * have been changed since. */
static int file_errno(sqlite3 *db, int which) {
  sqlite3_file *f = NULL;
  int system = 0;
  if (sqlite3_file_control(db, "main", which, &f) != SQLITE_OK || !f || !f->pMethods) return 0;
  return f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &system) == SQLITE_OK ? system : 0;
}

static int system_errno(sqlite3 *db) {
  int of_log = file_errno(db, SQLITE_FCNTL_JOURNAL_POINTER), of_file = file_errno(db, SQLITE_FCNTL_FILE_POINTER);
  return is_full(of_log) ? of_log : is_full(of_file) ? of_file : sqlite3_system_errno(db);
}

static enum camp_err map_error(sqlite3 *db, int code) {
  bool io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  int system = io ? system_errno(db) : 0;
  switch (code & 0xff) {
  case SQLITE_FULL: return CAMP_FULL;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return CAMP_BUSY;
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_AUTH: return CAMP_READONLY;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_SCHEMA:
  case SQLITE_ERROR: return CAMP_CORRUPT; /* our SQL is fixed: when it does not fit, the tables are not ours */
  case SQLITE_TOOBIG: return CAMP_LIMIT;
  case SQLITE_CANTOPEN: return system == EACCES || system == EROFS || system == EPERM ? CAMP_READONLY : CAMP_IO;
  case SQLITE_IOERR:
    if (is_full(system)) return CAMP_FULL;
    return system == EROFS ? CAMP_READONLY : CAMP_IO;
  default: return CAMP_IO;
  }
}

static const char *error_sentence(enum camp_err err) {
  switch (err) {
  case CAMP_FULL: return "the disk is full or a quota is used up; what was being written is undone, free some space and run again";
  case CAMP_BUSY: return "another program keeps the database locked; close it and run again";
  case CAMP_READONLY: return "the database or its folder cannot be written; check the permissions of the file and of the folder";
  case CAMP_CORRUPT: return "the file is damaged or was not written by camp; restore it from a backup";
  case CAMP_LIMIT: return "a value is larger than SQLite can hold";
  default: return "reading or writing failed; what was being written is undone";
  }
}

enum camp_err store_fail_as(struct store *s, enum camp_err err, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = snprintf(s->error.text, sizeof s->error.text, "%s: ", s->path);
  size_t at = n < 0 ? 0 : (size_t)n < sizeof s->error.text ? (size_t)n : sizeof s->error.text - 1;
  vsnprintf(s->error.text + at, sizeof s->error.text - at, fmt, ap);
  va_end(ap);
  if (s->in_transaction && !s->failed) s->failed = err;
  return err;
}

enum camp_err store_fail(struct store *s) {
  enum camp_err err = map_error(s->db, sqlite3_extended_errcode(s->db));
  return store_fail_as(s, err, "%s (%s)", error_sentence(err), sqlite3_errmsg(s->db));
}

const char *store_path(const struct store *s) {
  return strcmp(s->path, ":memory:") == 0 || !s->path[0] ? NULL : s->path;
}

uint64_t store_identity(const struct store *s) { return s->proof_key.k0; }

const struct store_error *store_last_error(const struct store *s) { return &s->error; }

static _Noreturn void out_of_memory(void) {
  fputs("camp: out of memory; the database is as of its last commit\n", stderr);
  exit(70);
}

void *store_grow(void *items, uint32_t *cap, uint32_t need, size_t item_bytes) {
  if (need <= *cap) return items;
  uint32_t want = *cap ? *cap : 64;
  while (want < need) want *= 2;
  void *grown = realloc(items, want * item_bytes);
  if (!grown) out_of_memory();
  *cap = want;
  return grown;
}

void *store_array(size_t count, size_t item_bytes) {
  void *items = calloc(count ? count : 1, item_bytes);
  if (!items) out_of_memory();
  return items;
}

/* --- statements ------------------------------------------------------------------------------------------------------- */

sqlite3_stmt *query_beside(struct store *s, enum query q) {
  if (s->statements[q]) return s->statements[q];
  s->touches = 0;
  if (sqlite3_prepare_v3(s->db, query_sql[q], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[q], NULL) != SQLITE_OK) {
    (void)store_fail(s);
    return NULL;
  }
  s->touched_by[q] = (uint8_t)s->touches;
  return s->statements[q];
}

sqlite3_stmt *query(struct store *s, enum query q) {
  sqlite3_stmt *statement = query_beside(s, q);
  if (statement && s->gathered_kinds & s->touched_by[q] && gather_write(s, s->touched_by[q]) != CAMP_OK) return NULL;
  return statement;
}

enum camp_err query_step(struct store *s, sqlite3_stmt *q, bool *row) {
  *row = false;
  if (!q) return s->failed ? s->failed : map_error(s->db, sqlite3_extended_errcode(s->db));
  int code = sqlite3_step(q);
  if (code == SQLITE_ROW) {
    *row = true;
    return CAMP_OK;
  }
  if (code == SQLITE_DONE) {
    sqlite3_reset(q);
    return CAMP_OK;
  }
  enum camp_err err = store_fail(s);
  sqlite3_reset(q);
  return err;
}

enum camp_err query_run(struct store *s, sqlite3_stmt *q) {
  CHECK(s->in_transaction);
  if (s->failed) {
    if (q) sqlite3_reset(q);
    return s->failed;
  }
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (row) sqlite3_reset(q);
  return err;
}

struct str column_str(struct arena *a, sqlite3_stmt *q, int at) {
  const void *bytes = sqlite3_column_blob(q, at);
  if (!bytes) return (struct str){ 0 };
  return arena_str(a, (struct str){ bytes, (size_t)sqlite3_column_bytes(q, at) });
}

/* --- open ------------------------------------------------------------------------------------------------------------- */

static enum camp_err exec(struct store *s, const char *sql) {
  return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? CAMP_OK : store_fail(s);
}

static enum camp_err pragma_number(struct store *s, const char *sql, int64_t *out) {
  sqlite3_stmt *q = NULL;
  if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) return store_fail(s);
  int code = sqlite3_step(q);
  if (code == SQLITE_ROW) *out = sqlite3_column_int64(q, 0);
  enum camp_err err = code == SQLITE_ROW || code == SQLITE_DONE ? CAMP_OK : store_fail(s);
  sqlite3_finalize(q);
  return err;
}

/* Says what stands in the way before SQLite says it less clearly. */
static enum camp_err look_at_path(struct store *s, const struct store_options *o) {
  struct stat st;
  if (stat(s->path, &st) == 0) {
    if (S_ISDIR(st.st_mode)) return store_fail_as(s, CAMP_BAD, "this is a folder; name a database file");
    if (!S_ISREG(st.st_mode)) return store_fail_as(s, CAMP_BAD, "this is not a file; name a database file");
    if (access(s->path, R_OK) != 0) return store_fail_as(s, CAMP_READONLY, "the database may not be read; check its permissions");
    if (!o->read_only && access(s->path, W_OK) != 0)
      return store_fail_as(s, CAMP_READONLY, "the database is read-only; check the permissions of the file");
    return CAMP_OK;
  }
  if (errno == EACCES) return store_fail_as(s, CAMP_READONLY, "the folder may not be entered; check its permissions");
  if (errno == ENAMETOOLONG) return store_fail_as(s, CAMP_BAD, "the name is too long");
  const char *slash = strrchr(s->path, '/');
  if (slash && slash != s->path) {
    struct str folder = { s->path, (size_t)(slash - s->path) };
    char *copy = strndup(folder.ptr, folder.len);
    bool there = copy && stat(copy, &st) == 0 && S_ISDIR(st.st_mode);
    free(copy);
    if (!there) return store_fail_as(s, CAMP_NOT_FOUND, "the folder " STR_FMT " does not exist", STR_ARG(folder));
  }
  if (!o->create || o->read_only) return store_fail_as(s, CAMP_NOT_FOUND, "there is no such database");
  return CAMP_OK;
}

/* The database counts frames; the file's peak follows from them. */
static int on_commit(void *context, sqlite3 *db, const char *name, int frames) {
  struct store *s = context;
  (void)db, (void)name;
  int64_t added = frames >= s->wal_frames ? frames - s->wal_frames : frames;
  s->wal_frames = frames;
  if (frames > s->wal_peak_frames) s->wal_peak_frames = frames;
  /* The largest of late, slowly forgotten: a small commit between two large ones says nothing of the next. */
  s->commit_frames = added > s->commit_frames * 3 / 4 ? added : s->commit_frames * 3 / 4;
  s->bytes_written += added * (s->page_bytes + 24);
  return SQLITE_OK;
}

static enum camp_err make_tables(struct store *s) {
  char number[64];
  struct { int64_t k[4]; } keys;
  sqlite3_randomness(sizeof keys, &keys);
  enum camp_err err = exec(s, "begin immediate");
  if (err) return err;
  s->in_transaction = true;
  if (!err) err = exec(s, schema_sql_text);
  if (!err) err = exec(s, "insert into counter values(1, 0, 0, 0); insert into clock values(1, 0, 0, 0, 0, 0, 0, 0, 0, 0)");
  snprintf(number, sizeof number, "pragma application_id = %d", APPLICATION_ID);
  if (!err) err = exec(s, number);
  snprintf(number, sizeof number, "pragma user_version = %d", STORE_VERSION);
  if (!err) err = exec(s, number);
  sqlite3_stmt *q = err ? NULL : query(s, Q_META_PUT);
  if (q) {
    for (int i = 0; i < 4; i++) sqlite3_bind_int64(q, i + 1, keys.k[i]);
    err = query_run(s, q);
  }
  if (!err) err = exec(s, "commit");
  s->in_transaction = false;
  s->failed = CAMP_OK;
  if (err && !sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "rollback", NULL, NULL, NULL);
  return err;
}

/* Whose database it is. Nothing is written before this said yes. */
static enum camp_err look_inside(struct store *s, const struct store_options *o, bool *fresh) {
  int64_t application = 0, version = 0, pages = 0;
  enum camp_err err = pragma_number(s, "pragma application_id", &application);
  if (!err) err = pragma_number(s, "pragma user_version", &version);
  if (!err) err = pragma_number(s, "select count(*) from sqlite_schema", &pages);
  if (err == CAMP_CORRUPT && (sqlite3_errcode(s->db) & 0xff) == SQLITE_NOTADB)
    return store_fail_as(s, CAMP_CORRUPT, "this is not a database; name another file");
  if (err) return err;
  *fresh = pages == 0 && application == 0 && version == 0;
  if (*fresh && o->create && !o->read_only) return CAMP_OK;
  if (*fresh) return store_fail_as(s, CAMP_NOT_FOUND, "the database is empty; `camp run` or `camp import` fills one");
  if (application != APPLICATION_ID) return store_fail_as(s, CAMP_CORRUPT, "this database belongs to another program; name another file");
  if (version > STORE_VERSION)
    return store_fail_as(s, CAMP_VERSION, "a newer camp wrote this database (format %lld, this one knows %d); use that camp",
                         (long long)version, STORE_VERSION);
  if (version < STORE_VERSION)
    return store_fail_as(s, CAMP_VERSION, "an older camp wrote this database (format %lld, this one needs %d)", (long long)version,
                         STORE_VERSION);
  return CAMP_OK;
}

static enum camp_err load_counters(struct store *s) {
  bool row;
  sqlite3_stmt *q = query(s, Q_META_GET);
  enum camp_err err = query_step(s, q, &row);
  if (err) return err;
  if (!row) return store_fail_as(s, CAMP_CORRUPT, "the database has lost its first row; restore it from a backup");
  s->hash_key = (struct hash_key){ (uint64_t)sqlite3_column_int64(q, 0), (uint64_t)sqlite3_column_int64(q, 1) };
  s->proof_key = (struct hash_key){ (uint64_t)sqlite3_column_int64(q, 2), (uint64_t)sqlite3_column_int64(q, 3) };
  sqlite3_reset(q);
  q = query(s, Q_COUNTER_GET);
  err = query_step(s, q, &row);
  if (err) return err;
  if (!row) return store_fail_as(s, CAMP_CORRUPT, "the database has lost its counters; restore it from a backup");
  /* An event that was removed as a repetition must not give its id to another: the inbox would pass it over. */
  int64_t event_last = sqlite3_column_int64(q, 3), event_done = sqlite3_column_int64(q, 6);
  s->now = (struct counters){ .epoch = (uint32_t)sqlite3_column_int64(q, 0), .contact_last = sqlite3_column_int64(q, 1),
    .outbox_settled = sqlite3_column_int64(q, 2), .event_last = event_last > event_done ? event_last : event_done,
    .outbox_last = sqlite3_column_int64(q, 4), .outbox_late = sqlite3_column_int(q, 5) };
  sqlite3_reset(q);
  return names_load(s);
}

static enum camp_err set_up(struct store *s, const struct store_options *o) {
  sqlite3_extended_result_codes(s->db, 1);
  s->busy_ms = (int)(o->busy_ms ? o->busy_ms : BUSY_MS);
  sqlite3_busy_timeout(s->db, s->busy_ms);
  bool fresh = false;
  enum camp_err err = look_inside(s, o, &fresh);
  char text[96];
  if (!err && fresh) {
    snprintf(text, sizeof text, "pragma page_size = %d", PAGE_BYTES);
    err = exec(s, text);
  }
  if (!err && !o->read_only) err = exec(s, "pragma journal_mode = wal");
  if (!err) err = exec(s, o->relaxed ? "pragma synchronous = off" : "pragma synchronous = full");
  snprintf(text, sizeof text, "pragma cache_size = -%d", CACHE_KIB);
  if (!err) err = exec(s, text);
  /* secure_delete=fast overwrites what is deleted where that costs no write of its own. */
  if (!err) err = exec(s, "pragma temp_store = file; pragma secure_delete = fast; pragma trusted_schema = off");
  if (!err) err = pragma_number(s, "pragma page_size", &s->page_bytes);
  if (!err) {
    sqlite3_wal_autocheckpoint(s->db, 0);
    sqlite3_wal_hook(s->db, on_commit, s);
    snprintf(text, sizeof text, "pragma journal_size_limit = %lld", WAL_KEEP_BYTES);
    err = exec(s, text);
  }
  if (!err) err = gather_register(s);
  if (!err && fresh) err = make_tables(s);
  if (!err) err = load_counters(s);
  if (!err && !o->read_only && !o->beside) {
    /* Rows that a sender had claimed when it was killed: whether they left is for the sender's own mark to say. */
    err = store_begin(s);
    if (!err) err = outbox_unclaim(s);
    if (!err) err = store_commit(s);
    else store_rollback(s);
  }
  return err;
}

enum camp_err store_open(const char *path, const struct store_options *o, struct store **out, struct store_error *e) {
  *out = NULL;
  struct store *s = calloc(1, sizeof *s);
  if (s) s->path = strdup(path);
  if (!s || !s->path) {
    free(s);
    snprintf(e->text, sizeof e->text, "%s: out of memory", path);
    return CAMP_IO;
  }
  s->lock = -1;
  s->read_only = o->read_only;
  s->order_last = -1;
  arena_init(&s->name_texts, 4096);
  /* SQLite's own memory statistics take a lock for each allocation and nobody here reads them. Refused once SQLite runs: fine. */
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  bool memory = strcmp(path, ":memory:") == 0;
  enum camp_err err = memory ? CAMP_OK : look_at_path(s, o);
  if (!err && !memory && !o->read_only && !o->beside) err = writer_lock(s);
  if (!err) {
    int flags = SQLITE_OPEN_NOMUTEX | (o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (o->create ? SQLITE_OPEN_CREATE : 0));
    if (sqlite3_open_v2(path, &s->db, flags, o->vfs) != SQLITE_OK) err = store_fail(s);
  }
  if (!err) err = set_up(s, o);
  if (err) {
    *e = s->error;
    store_close(s);
    return err;
  }
  *out = s;
  return CAMP_OK;
}

void store_close(struct store *s) {
  if (!s) return;
  if (s->in_transaction) store_rollback(s);
  for (int i = 0; i < Q_COUNT; i++) sqlite3_finalize(s->statements[i]);
  /* The last connection to close empties the log into the database; a failure leaves it for the next to open. */
  if (s->db) sqlite3_close_v2(s->db);
  writer_unlock(s);
  names_free(s);
  gather_free(s);
  free(s->timers);
  free(s->strands);
  free(s->fresh);
  free(s->deltas);
  free(s->touched);
  free(s->places);
  free(s->places_spare);
  free(s->path);
  free(s);
}

/* --- transactions ----------------------------------------------------------------------------------------------------- */

/* How many frames another commit like the last ones may add. */
static int64_t frames_ahead(const struct store *s) { return s->commit_frames + s->commit_frames / 2; }

static int64_t frames_max(const struct store *s) { return WAL_MAX_BYTES / (s->page_bytes + 24); }

static bool checkpoint(struct store *s, int mode) {
  int logged = 0, copied = 0;
  bool ok = sqlite3_wal_checkpoint_v2(s->db, NULL, mode, &logged, &copied) == SQLITE_OK;
  if (copied > 0) s->bytes_written += copied * s->page_bytes;
  return ok;
}

/* Starts the log over. A reader in the middle of a query keeps its part of the log, so this waits until the queries that run now have
 * ended; those that begin meanwhile read the database alone, because all of the log is in it. */
static bool start_log_over(struct store *s) {
  sqlite3_busy_timeout(s->db, READER_MS);
  bool ok = checkpoint(s, SQLITE_CHECKPOINT_RESTART);
  sqlite3_busy_timeout(s->db, s->busy_ms);
  if (ok) s->wal_frames = 0;
  return ok;
}

/* Copies the log into the database once another commit like the last would make it too long. */
static void keep_log_short(struct store *s) {
  if (s->wal_frames + frames_ahead(s) < frames_max(s) / 2) return;
  checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
  if (s->wal_frames + frames_ahead(s) >= frames_max(s)) start_log_over(s);
}

/* A reader that has not ended its query for READER_MS would make the log grow without end: then nothing more is written, and the
 * caller hears why, until the reader is gone. */
static enum camp_err log_has_room(struct store *s) {
  if (s->wal_frames + frames_ahead(s) < frames_max(s) || start_log_over(s)) return CAMP_OK;
  return store_fail_as(s, CAMP_BUSY, "a program has been reading the database in one query for more than %d seconds, and the log may not "
                       "grow past %lld MB; end that query and writing goes on", READER_MS / 1000, WAL_MAX_BYTES >> 20);
}

enum camp_err store_begin(struct store *s) {
  CHECK(!s->in_transaction);
  if (s->read_only) return store_fail_as(s, CAMP_READONLY, "the database was opened for reading");
  enum camp_err err = log_has_room(s);
  if (err) return err;
  bool row;
  err = query_step(s, query(s, Q_BEGIN), &row);
  if (err) return err;
  s->in_transaction = true;
  s->failed = CAMP_OK;
  s->counters_changed = s->outbox_changed = false;
  s->saved = s->now;
  s->due_limit = s->due_last = INT64_MIN;
  s->due_contact = 0;
  s->due_taken = 0;
  return CAMP_OK;
}

static void forget_gathered(struct store *s) {
  s->timer_count = 0;
  s->fresh_count = 0;
  gather_forget(s);
  units_forget(s);
}

void store_rollback(struct store *s) {
  if (!s->in_transaction) return;
  for (int i = 0; i < Q_COUNT; i++)
    if (s->statements[i]) sqlite3_reset(s->statements[i]);
  if (!sqlite3_get_autocommit(s->db)) {
    /* A rollback that reports an error has rolled back all the same; what SQLite could not undo on disk, the log's next reader
     * ignores, since no commit frame follows it. */
    sqlite3_stmt *q = query(s, Q_ROLLBACK);
    if (q) {
      sqlite3_step(q);
      sqlite3_reset(q);
    }
  }
  s->now = s->saved;
  names_cut(s, s->now.name_count);
  forget_gathered(s);
  s->order_last = -1;
  s->in_transaction = false;
  s->failed = CAMP_OK;
}

static enum camp_err write_gathered(struct store *s) {
  enum camp_err err = gather_write(s, UINT32_MAX);
  if (!err) err = timers_flush(s);
  if (!err) err = units_flush(s);
  if (!err && s->outbox_changed) err = outbox_flush_settled(s);
  if (err || !s->counters_changed) return err;
  sqlite3_stmt *q = query(s, Q_COUNTER_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, s->now.epoch);
    sqlite3_bind_int64(q, 2, s->now.contact_last);
    sqlite3_bind_int64(q, 3, s->now.outbox_settled);
  }
  return query_run(s, q);
}

enum camp_err store_commit(struct store *s) {
  CHECK(s->in_transaction);
  enum camp_err err = s->failed ? s->failed : write_gathered(s);
  if (!err) err = query_run(s, query(s, Q_COMMIT));
  if (err) {
    store_rollback(s);
    return err;
  }
  s->in_transaction = false;
  forget_gathered(s);
  keep_log_short(s);
  return CAMP_OK;
}

/* --- sizes ------------------------------------------------------------------------------------------------------------ */

enum camp_err store_checkpoint(struct store *s) {
  CHECK(!s->in_transaction);
  int logged = 0, copied = 0;
  int code = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &logged, &copied);
  if (code != SQLITE_OK) return store_fail(s);
  if (copied > 0) s->bytes_written += copied * s->page_bytes;
  s->wal_frames = 0;
  return CAMP_OK;
}

void store_stats(struct store *s, struct store_stats *out) {
  int64_t pages = 0;
  if (pragma_number(s, "pragma page_count", &pages) != CAMP_OK) pages = 0;
  int64_t frame = s->page_bytes + 24;
  *out = (struct store_stats){ .db_bytes = pages * s->page_bytes, .wal_bytes = s->wal_frames ? s->wal_frames * frame + 32 : 0,
    .wal_peak_bytes = s->wal_peak_frames ? s->wal_peak_frames * frame + 32 : 0, .bytes_written = s->bytes_written };
}
