/* maildir:FOLDER — every message a file of a Maildir, as qmail defined it: written in tmp/, moved to new/, read by any mail
 * program, which moves it on to cur/.
 *
 * Not for: delivery over a network; the folder is a place to look at messages, for a demo or for a local mail server.
 *
 * Invariants:
 * 1. A file's name comes from the message's key alone, so a delivery that is repeated after a crash replaces the file.
 * 2. A message that a reader has already moved to cur/ is not delivered again; cur/ is read once, when the sender opens, because
 *    only what a process before us delivered without committing can be there.
 * 3. Nothing appears in new/ before its bytes are on disk. Up to FSYNC_COUNT_MAX files are synced each by itself; more of
 *    them by one syncfs, which writes all that the file system holds: it returns when every file of the batch is durable and
 *    reports their write errors (Linux 5.8 and later), as fsync on each would, but waits once instead of once a file.
 * 4. sync returns when new/ itself is on disk, so a committed row's message survives a power cut. */
#include "runtime/send/senders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/send/mime.h"
#include "vm/base/limits.h"

enum { FSYNC_COUNT_MAX = 16 };

struct names { struct str *slots; size_t count, cap; }; /* open addressing; cap is a power of two */

struct sender {
  char path[PATH_MAX];
  int root, tmp, new;
  struct str from;
  struct arena opened;  /* from, and the names in cur/ */
  struct names cur;
  struct arena batch;   /* names written to tmp/ and not yet moved */
  VEC(const char *) pending;
  struct buf mail;
};

static size_t names_slot(const struct names *n, struct str name) {
  static const struct hash_key key = { 0x63616d70u, 0x6d61696cu };
  size_t i = hash_str(key, name) & (n->cap - 1);
  while (n->slots[i].ptr && !str_eq(n->slots[i], name)) i = (i + 1) & (n->cap - 1);
  return i;
}

static bool names_has(const struct names *n, struct str name) { return n->cap && n->slots[names_slot(n, name)].ptr; }

static void names_add(struct arena *a, struct names *n, struct str name) {
  if (n->count * 2 >= n->cap) {
    struct names wider = { .cap = n->cap ? n->cap * 2 : 1024 };
    wider.slots = arena_zalloc(a, wider.cap, sizeof *wider.slots);
    for (size_t i = 0; i < n->cap; i++)
      if (n->slots[i].ptr) wider.slots[names_slot(&wider, n->slots[i])] = n->slots[i];
    wider.count = n->count;
    *n = wider;
  }
  size_t i = names_slot(n, name);
  if (n->slots[i].ptr) return;
  n->slots[i] = arena_str(a, name);
  n->count++;
}

static enum camp_err read_cur(struct sender *s, int cur, char why[WHY_BYTES]) {
  DIR *dir = fdopendir(cur);
  if (!dir) {
    close(cur);
    return sender_fail(why, "read cur/ of", s->path);
  }
  for (struct dirent *entry; (errno = 0, entry = readdir(dir));) {
    const char *info = strchr(entry->d_name, ':'); /* readers add :2,FLAGS */
    if (entry->d_name[0] != '.')
      names_add(&s->opened, &s->cur, str_slice(entry->d_name, info ? info : entry->d_name + strlen(entry->d_name)));
  }
  enum camp_err err = errno ? sender_fail(why, "read cur/ of", s->path) : CAMP_OK;
  closedir(dir);
  return err;
}

static int folder(struct sender *s, int parent, const char *name, char why[WHY_BYTES]) {
  sender_point();
  int fd = -1;
  if (mkdirat(parent, name, 0700) == 0 || errno == EEXIST) fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) (void)sender_fail(why, "make the Maildir", s->path);
  return fd;
}

static enum camp_err open_folders(struct sender *s, char why[WHY_BYTES]) {
  s->root = folder(s, AT_FDCWD, s->path, why);
  if (s->root < 0) return errno == EACCES || errno == EROFS || errno == EPERM ? CAMP_READONLY : errno == ENOSPC ? CAMP_FULL : CAMP_IO;
  if ((s->tmp = folder(s, s->root, "tmp", why)) < 0 || (s->new = folder(s, s->root, "new", why)) < 0) return CAMP_IO;
  int cur = folder(s, s->root, "cur", why);
  if (cur < 0) return CAMP_IO;
  sender_point();
  if (fsync(s->root) != 0) {
    close(cur);
    return sender_fail(why, "sync", s->path);
  }
  return read_cur(s, cur, why);
}

static void maildir_close(struct sender *s) {
  if (s->root >= 0) close(s->root);
  if (s->tmp >= 0) close(s->tmp);
  if (s->new >= 0) close(s->new);
  arena_deinit(&s->opened);
  arena_deinit(&s->batch);
  buf_deinit(&s->mail);
  free(s);
}

static enum camp_err maildir_open(const char *target, int64_t mark, struct sender **out, char why[256]) {
  (void)mark; /* names make repetition harmless; nothing is cut back */
  struct sender *s = calloc(1, sizeof *s);
  CHECK(s);
  s->root = s->tmp = s->new = -1;
  arena_init(&s->opened, 64 << 10);
  arena_init(&s->batch, 64 << 10);
  buf_init(&s->mail, MAIL_BYTES_MAX);
  snprintf(s->path, sizeof s->path, "%s", target);
  const char *from = getenv("CAMP_FROM");
  s->from = arena_str(&s->opened, str_from_c(from && *from ? from : "Camp <camp@localhost>"));
  enum camp_err err = open_folders(s, why);
  if (err) maildir_close(s);
  else *out = s;
  return err;
}

static enum camp_err write_mail(struct sender *s, const char *name, const struct envelope *e, char why[WHY_BYTES]) {
  buf_clear(&s->mail);
  mime_write(&s->mail, e, s->from, false);
  CHECK(!s->mail.failed);
  sender_point();
  int fd = openat(s->tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return sender_fail(why, "write into tmp/ of", s->path);
  bool ok = sender_write(fd, buf_as_str(&s->mail));
  enum camp_err err = ok ? CAMP_OK : sender_fail(why, "write into tmp/ of", s->path);
  if (close(fd) != 0 && !err) err = sender_fail(why, "write into tmp/ of", s->path);
  return err;
}

/* Forgets what an abandoned batch has written; the files in tmp/ are replaced when their keys come again. */
static void forget_batch(struct sender *s) {
  arena_reset(&s->batch);
  s->pending.items = NULL;
  s->pending.count = s->pending.cap = 0;
}

static enum camp_err maildir_deliver(struct sender *s, const struct envelope *batch, uint32_t count, struct outcome *out,
                                     char why[256]) {
  for (uint32_t i = 0; i < count; i++) {
    out[i] = (struct outcome){ .result = DELIVERY_OK };
    struct str name = arena_str(&s->batch, mime_name(&s->batch, batch[i].key));
    if (names_has(&s->cur, name)) continue;
    enum camp_err err = write_mail(s, name.ptr, &batch[i], why);
    if (err) {
      forget_batch(s);
      return err;
    }
    VEC_PUSH(&s->batch, &s->pending, name.ptr);
  }
  return CAMP_OK;
}

static bool sync_files(struct sender *s) {
  if (s->pending.count > FSYNC_COUNT_MAX) {
    sender_point();
    return syncfs(s->tmp) == 0;
  }
  for (uint32_t i = 0; i < s->pending.count; i++) {
    int fd = openat(s->tmp, s->pending.items[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    sender_point();
    bool ok = fsync(fd) == 0;
    close(fd);
    if (!ok) return false;
  }
  return true;
}

static bool move_files(struct sender *s) {
  for (uint32_t i = 0; i < s->pending.count; i++) {
    sender_point();
    if (renameat(s->tmp, s->pending.items[i], s->new, s->pending.items[i]) != 0) return false;
  }
  return true;
}

static enum camp_err maildir_sync(struct sender *s, int64_t *mark, char why[256]) {
  *mark = 0;
  enum camp_err err = CAMP_OK;
  if (!sync_files(s)) err = sender_fail(why, "sync tmp/ of", s->path);
  else if (!move_files(s)) err = sender_fail(why, "move messages to new/ of", s->path);
  if (!err) {
    sender_point();
    if (fsync(s->new) != 0) err = sender_fail(why, "sync new/ of", s->path);
  }
  forget_batch(s);
  return err;
}

const struct sender_ops maildir_ops = { "maildir", maildir_open, maildir_deliver, maildir_sync, maildir_close, NULL, false };
