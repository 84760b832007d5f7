/* See crash_vfs.h. Each database and log file is held whole in memory, as a node; the file on disk holds what was synced.
 *
 * Not for: several processes on one database (each would see its own memory); locks and shared memory are the system's.
 *
 * Invariants:
 * 1. A node's sectors that differ from the disk are marked; sync writes exactly those, and sets the length.
 * 2. A node outlives its handles while it is marked: closing a file does not sync it. */
#include "crash_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

struct node {
  struct node *next;
  char *path;
  int fd, refs;
  uint8_t *bytes, *marks; /* marks: one a sector */
  size_t size, cap;       /* cap: a multiple of SECTOR */
  bool marked, deleted;
};

struct crash_file {
  sqlite3_file base;
  struct node *node; /* NULL: passed through */
  sqlite3_file *real;
};

static sqlite3_vfs *system_vfs, crash_vfs;
static struct node *nodes;
static enum crash_mode armed;
static uint64_t points, armed_at, torn;

/* --- points ----------------------------------------------------------------------------------------------------------- */

static void node_write(struct node *n, uint64_t *seed) {
  for (size_t at = 0; at < n->size; at += SECTOR) {
    if (!n->marks[at / SECTOR]) continue;
    if (seed) {
      *seed = *seed * 6364136223846793005u + 1442695040888963407u;
      if (*seed >> 63) continue;
    }
    size_t bytes = n->size - at < SECTOR ? n->size - at : SECTOR;
    if (pwrite(n->fd, n->bytes + at, bytes, (off_t)at) != (ssize_t)bytes) abort();
  }
}

static void lose_power(void) {
  for (struct node *n = nodes; torn && n; n = n->next)
    if (n->marked && !n->deleted) node_write(n, &torn);
  _exit(CRASH_EXIT);
}

int crash_point(void) {
  points++;
  if (armed == CRASH_NONE || points < armed_at) return SQLITE_OK;
  if (armed == CRASH_KILL && points == armed_at) lose_power();
  return armed == CRASH_FULL ? SQLITE_FULL : armed == CRASH_IO ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

void crash_vfs_arm(enum crash_mode mode, uint64_t at, uint64_t torn_seed) {
  armed = mode;
  armed_at = at;
  torn = torn_seed;
  points = 0;
}

uint64_t crash_vfs_points(void) { return points; }

/* --- nodes ------------------------------------------------------------------------------------------------------------ */

static void node_room(struct node *n, size_t size) {
  if (size <= n->cap) return;
  size_t cap = n->cap ? n->cap : 64 * SECTOR;
  while (cap < size) cap *= 2;
  n->bytes = realloc(n->bytes, cap);
  n->marks = realloc(n->marks, cap / SECTOR);
  if (!n->bytes || !n->marks) abort();
  memset(n->bytes + n->cap, 0, cap - n->cap);
  memset(n->marks + n->cap / SECTOR, 0, (cap - n->cap) / SECTOR);
  n->cap = cap;
}

static void mark(struct node *n, size_t from, size_t bytes) {
  for (size_t sector = from / SECTOR; sector * SECTOR < from + bytes; sector++) n->marks[sector] = 1;
  n->marked = true;
}

static struct node *node_open(const char *path) {
  for (struct node *n = nodes; n; n = n->next)
    if (!n->deleted && strcmp(n->path, path) == 0) return n->refs++, n;
  struct node *n = calloc(1, sizeof *n);
  struct stat st;
  if (!n || !(n->path = strdup(path)) || (n->fd = open(path, O_RDWR | O_CLOEXEC)) < 0 || fstat(n->fd, &st) != 0) abort();
  n->refs = 1;
  node_room(n, (size_t)st.st_size + 1);
  n->size = (size_t)st.st_size;
  if (pread(n->fd, n->bytes, n->size, 0) != (ssize_t)n->size) abort();
  n->next = nodes;
  nodes = n;
  return n;
}

static void node_release(struct node *n) {
  if (n->refs || (n->marked && !n->deleted)) return;
  struct node **at = &nodes;
  while (*at != n) at = &(*at)->next;
  *at = n->next;
  close(n->fd);
  free(n->path);
  free(n->bytes);
  free(n->marks);
  free(n);
}

static void node_sync(struct node *n) {
  node_write(n, NULL);
  if (ftruncate(n->fd, (off_t)n->size) != 0) abort();
  memset(n->marks, 0, n->cap / SECTOR);
  n->marked = false;
}

void crash_vfs_flush(void) {
  for (struct node *n = nodes, *next; n; n = next) {
    next = n->next;
    if (!n->deleted) node_sync(n);
    node_release(n);
  }
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

static struct crash_file *file_of(sqlite3_file *f) { return (struct crash_file *)(void *)f; }

static int file_close(sqlite3_file *f) {
  struct crash_file *c = file_of(f);
  int code = c->real->pMethods->xClose(c->real);
  if (c->node) {
    c->node->refs--;
    node_release(c->node);
  }
  return code;
}

static int file_read(sqlite3_file *f, void *into, int bytes, sqlite3_int64 at) {
  struct crash_file *c = file_of(f);
  if (!c->node) return c->real->pMethods->xRead(c->real, into, bytes, at);
  size_t from = (size_t)at, want = (size_t)bytes, have = from < c->node->size ? c->node->size - from : 0;
  if (have > want) have = want;
  if (have) memcpy(into, c->node->bytes + from, have);
  if (have == want) return SQLITE_OK;
  memset((uint8_t *)into + have, 0, want - have);
  return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *from, int bytes, sqlite3_int64 at) {
  struct crash_file *c = file_of(f);
  if (!c->node) return c->real->pMethods->xWrite(c->real, from, bytes, at);
  int code = crash_point();
  if (code) return code;
  size_t start = (size_t)at, end = start + (size_t)bytes;
  node_room(c->node, end);
  memcpy(c->node->bytes + start, from, (size_t)bytes);
  /* Sectors between the old end and the new write are zero on disk too once the length is set. */
  if (end > c->node->size) c->node->size = end;
  mark(c->node, start, (size_t)bytes);
  return SQLITE_OK;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
  struct crash_file *c = file_of(f);
  if (!c->node) return c->real->pMethods->xTruncate(c->real, size);
  int code = crash_point();
  if (code && code != SQLITE_FULL) return code;
  struct node *n = c->node;
  if ((size_t)size < n->size) memset(n->bytes + size, 0, n->size - (size_t)size);
  n->size = (size_t)size;
  n->marked = true;
  return SQLITE_OK;
}

static int file_sync(sqlite3_file *f, int flags) {
  struct crash_file *c = file_of(f);
  if (!c->node) return c->real->pMethods->xSync(c->real, flags);
  int code = crash_point();
  if (code) return code;
  node_sync(c->node);
  return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
  struct crash_file *c = file_of(f);
  if (!c->node) return c->real->pMethods->xFileSize(c->real, size);
  *size = (sqlite3_int64)c->node->size;
  return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int level) { return file_of(f)->real->pMethods->xLock(file_of(f)->real, level); }
static int file_unlock(sqlite3_file *f, int level) { return file_of(f)->real->pMethods->xUnlock(file_of(f)->real, level); }
static int file_reserved(sqlite3_file *f, int *out) {
  return file_of(f)->real->pMethods->xCheckReservedLock(file_of(f)->real, out);
}
static int file_control(sqlite3_file *f, int op, void *arg) {
  /* The system's file must not learn of sizes: it would grow the real one. */
  if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;
  return file_of(f)->real->pMethods->xFileControl(file_of(f)->real, op, arg);
}
static int file_sector(sqlite3_file *f) { (void)f; return SECTOR; }
static int file_traits(sqlite3_file *f) { (void)f; return 0; }
static int shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **out) {
  return file_of(f)->real->pMethods->xShmMap(file_of(f)->real, region, bytes, extend, out);
}
static int shm_lock(sqlite3_file *f, int offset, int n, int flags) {
  return file_of(f)->real->pMethods->xShmLock(file_of(f)->real, offset, n, flags);
}
static void shm_barrier(sqlite3_file *f) { file_of(f)->real->pMethods->xShmBarrier(file_of(f)->real); }
static int shm_unmap(sqlite3_file *f, int delete) { return file_of(f)->real->pMethods->xShmUnmap(file_of(f)->real, delete); }

static const sqlite3_io_methods methods = { .iVersion = 2, .xClose = file_close, .xRead = file_read, .xWrite = file_write,
  .xTruncate = file_truncate, .xSync = file_sync, .xFileSize = file_size, .xLock = file_lock, .xUnlock = file_unlock,
  .xCheckReservedLock = file_reserved, .xFileControl = file_control, .xSectorSize = file_sector,
  .xDeviceCharacteristics = file_traits, .xShmMap = shm_map, .xShmLock = shm_lock, .xShmBarrier = shm_barrier,
  .xShmUnmap = shm_unmap };

/* --- the file system -------------------------------------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags) {
  (void)v;
  struct crash_file *c = file_of(f);
  *c = (struct crash_file){ .real = (sqlite3_file *)(void *)(c + 1) };
  int code = system_vfs->xOpen(system_vfs, path, c->real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (path && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) c->node = node_open(path);
  c->base.pMethods = &methods;
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *path, int sync_folder) {
  (void)v;
  int code = crash_point();
  if (code && code != SQLITE_FULL) return SQLITE_IOERR_DELETE;
  (void)sync_folder; /* a deletion is durable at once here, which no promise of ours leans on */
  code = system_vfs->xDelete(system_vfs, path, 0);
  for (struct node *n = nodes, *next; n && code == SQLITE_OK; n = next) {
    next = n->next;
    if (strcmp(n->path, path) != 0) continue;
    n->deleted = true;
    node_release(n);
  }
  return code;
}

void crash_vfs_register(void) {
  if (system_vfs) return;
  system_vfs = sqlite3_vfs_find(NULL);
  if (!system_vfs) abort();
  crash_vfs = *system_vfs;
  crash_vfs.pNext = NULL;
  crash_vfs.zName = CRASH_VFS;
  crash_vfs.szOsFile = (int)sizeof(struct crash_file) + system_vfs->szOsFile;
  crash_vfs.xOpen = vfs_open;
  crash_vfs.xDelete = vfs_delete;
  if (sqlite3_vfs_register(&crash_vfs, 0) != SQLITE_OK) abort();
}
