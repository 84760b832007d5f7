/* The journal of dots: see journal.h.
 *
 * The file: 16 bytes of header (magic, the database's identity), then records of 16 bytes: the outbox id, a kind, a check. A record that
 * was cut by the end of the process fails its check and ends the reading.
 *
 * Invariants:
 * 1. A dot leaves only after its record was handed to the system.
 * 2. The last record of an id counts.
 * 3. The file is emptied only when the database knows all that it says, but for dots under way; those stand in the new one. */
#include "runtime/send/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/send/senders.h"
#include "vm/base/buf.h"
#include "vm/base/hash.h"

static const char MAGIC[8] = "CAMPDOT1";
enum { HEADER_BYTES = 16, RECORD_BYTES = 16, KIND_DOT = 1, KIND_TAKEN = 2, KIND_ANSWERED = 3, GATHERED_BYTES_MAX = 1 << 20 };

struct journal {
  int fd;                 /* -1: nothing is written */
  uint64_t identity;
  int64_t bytes;
  struct buf out;
  struct arena arena;
  VEC(struct journal_entry) left;
  char path[4096];
};

static uint32_t check_of(uint64_t identity, int64_t id, uint32_t kind) {
  uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) ^ identity ^ kind;
  x ^= x >> 31;
  x *= UINT64_C(0xbf58476d1ce4e5b9);
  return (uint32_t)(x >> 32);
}

/* Ids rise from claim to claim but for those that are tried again, so what is open is found from the end. */
static void replay(struct journal *j, int64_t id, uint32_t kind) {
  for (uint32_t i = j->left.count; i-- > 0;) {
    if (j->left.items[i].id != id) continue;
    j->left.items[i] = j->left.items[j->left.count - 1];
    j->left.count--;
    break;
  }
  if (kind != KIND_ANSWERED) VEC_PUSH(&j->arena, &j->left, ((struct journal_entry){ id, kind == KIND_TAKEN }));
}

static enum camp_err write_header(struct journal *j, char why[WHY_BYTES]) {
  uint8_t header[HEADER_BYTES];
  memcpy(header, MAGIC, 8);
  memcpy(header + 8, &j->identity, 8);
  if (ftruncate(j->fd, 0) != 0 || pwrite(j->fd, header, HEADER_BYTES, 0) != HEADER_BYTES)
    return sender_fail(why, "write the journal", j->path);
  j->bytes = HEADER_BYTES;
  return CAMP_OK;
}

static enum camp_err read_left(struct journal *j, char why[WHY_BYTES]) {
  uint8_t header[HEADER_BYTES], block[RECORD_BYTES * 1024];
  ssize_t n = pread(j->fd, header, HEADER_BYTES, 0);
  if (n < 0) return sender_fail(why, "read the journal", j->path);
  if (n < HEADER_BYTES || memcmp(header, MAGIC, 8) != 0 || memcmp(header + 8, &j->identity, 8) != 0) return write_header(j, why);
  for (j->bytes = HEADER_BYTES; (n = pread(j->fd, block, sizeof block, j->bytes)) >= RECORD_BYTES;) {
    for (ssize_t at = 0; at + RECORD_BYTES <= n; at += RECORD_BYTES) {
      int64_t id;
      uint32_t kind, check;
      memcpy(&id, block + at, 8);
      memcpy(&kind, block + at + 8, 4);
      memcpy(&check, block + at + 12, 4);
      if (kind < KIND_DOT || kind > KIND_ANSWERED || check != check_of(j->identity, id, kind)) return CAMP_OK;
      replay(j, id, kind);
      j->bytes += RECORD_BYTES;
    }
  }
  return n < 0 ? sender_fail(why, "read the journal", j->path) : CAMP_OK;
}

enum camp_err journal_open(const char *path, uint64_t identity, struct journal **out, char why[256]) {
  struct journal *j = calloc(1, sizeof *j);
  CHECK(j);
  j->fd = -1;
  j->identity = identity;
  arena_init(&j->arena, 4096);
  buf_init(&j->out, GATHERED_BYTES_MAX);
  enum camp_err err = CAMP_OK;
  if (path) {
    snprintf(j->path, sizeof j->path, "%s", path);
    j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    err = j->fd < 0 ? sender_fail(why, "open the journal", path) : read_left(j, why);
    if (!err && ftruncate(j->fd, j->bytes) != 0) err = sender_fail(why, "cut the journal", path);
    if (!err && lseek(j->fd, 0, SEEK_END) < 0) err = sender_fail(why, "write the journal", path);
  }
  if (err) journal_close(j);
  else *out = j;
  return err;
}

void journal_close(struct journal *j) {
  if (!j) return;
  if (j->fd >= 0) close(j->fd);
  arena_deinit(&j->arena);
  buf_deinit(&j->out);
  free(j);
}

const struct journal_entry *journal_left(const struct journal *j, uint32_t *count) {
  *count = j->left.count;
  return j->left.items;
}

static void note(struct journal *j, int64_t id, uint32_t kind) {
  if (j->fd < 0) return;
  uint8_t record[RECORD_BYTES];
  uint32_t check = check_of(j->identity, id, kind);
  memcpy(record, &id, 8);
  memcpy(record + 8, &kind, 4);
  memcpy(record + 12, &check, 4);
  buf_add(&j->out, record, sizeof record);
}

void journal_dot(struct journal *j, int64_t id) { note(j, id, KIND_DOT); }
void journal_answer(struct journal *j, int64_t id, bool taken) { note(j, id, taken ? KIND_TAKEN : KIND_ANSWERED); }

enum camp_err journal_flush(struct journal *j, char why[256]) {
  if (j->out.len == 0) return CAMP_OK;
  if (j->out.failed || !sender_write(j->fd, buf_as_str(&j->out))) return sender_fail(why, "write the journal", j->path);
  j->bytes += (int64_t)j->out.len;
  buf_clear(&j->out);
  return CAMP_OK;
}

/* In a new file that takes the old one's place whole: a process that is killed meanwhile must find its dots in the one or the other. */
static enum camp_err begin_with(struct journal *j, const int64_t *under_way, uint32_t count, char why[WHY_BYTES]) {
  char path[sizeof j->path + 4];
  int was = j->fd;
  int64_t bytes = j->bytes;
  snprintf(path, sizeof path, "%s.new", j->path);
  j->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  enum camp_err err = j->fd < 0 ? sender_fail(why, "open the journal", path) : write_header(j, why);
  if (!err && lseek(j->fd, 0, SEEK_END) < 0) err = sender_fail(why, "write the journal", path);
  for (uint32_t i = 0; i < count; i++) journal_dot(j, under_way[i]);
  if (!err) err = journal_flush(j, why);
  if (!err && rename(path, j->path) != 0) err = sender_fail(why, "replace the journal", j->path);
  if (!err) {
    close(was);
    return CAMP_OK;
  }
  /* The old one has it all still. */
  if (j->fd >= 0) close(j->fd);
  buf_clear(&j->out);
  j->fd = was;
  j->bytes = bytes;
  return err;
}

enum camp_err journal_reset(struct journal *j, const int64_t *under_way, uint32_t count, char why[256]) {
  j->left.count = 0;
  buf_clear(&j->out);
  if (j->fd < 0 || j->bytes == HEADER_BYTES) return CAMP_OK;
  if (count) return begin_with(j, under_way, count, why);
  enum camp_err err = write_header(j, why);
  if (!err && lseek(j->fd, 0, SEEK_END) < 0) err = sender_fail(why, "write the journal", j->path);
  return err;
}

int64_t journal_bytes(const struct journal *j) { return j->bytes; }
