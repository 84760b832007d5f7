/* One writer a database: a lock on the file NAME-writer, held as long as the store is open.
 *
 * Not for: keeping readers out, or other programs (SQLite's own locks do that, a transaction at a time).
 *
 * Why a file beside the database: a POSIX lock on the database itself would be lost, with SQLite's own, whenever any descriptor
 * of it is closed. Why flock: the kernel lets go of it when the process ends, however it ends, so nothing is left to clear up
 * by hand.
 *
 * Invariants:
 * 1. Who holds the lock holds it on the file that has the name now: the file is removed at close while locked, so after locking
 *    the name is looked at again.
 * 2. A lock file left behind by a kill is harmless: the next writer locks it. */
#include "sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char suffix[] = "-writer";

static char *lock_path(const struct store *s) {
  size_t bytes = strlen(s->path) + sizeof suffix;
  char *path = malloc(bytes);
  CHECK(path);
  snprintf(path, bytes, "%s%s", s->path, suffix);
  return path;
}

static bool same_file(int fd, const char *path) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

enum camp_err writer_lock(struct store *s) {
  char *path = lock_path(s);
  enum camp_err err = CAMP_OK;
  while (s->lock < 0 && !err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
      int why = errno;
      bool denied = why == EACCES || why == EROFS || why == EPERM;
      err = store_fail_as(s, denied ? CAMP_READONLY : why == ENOSPC || why == EDQUOT ? CAMP_FULL : CAMP_IO,
                          denied ? "the folder cannot be written, and a writer needs files beside the database; check its permissions"
                                 : "the lock file beside the database cannot be made: %s", strerror(why));
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      err = errno == EWOULDBLOCK
              ? store_fail_as(s, CAMP_BUSY, "another camp is already writing to this database; stop it first, or use another file")
              : store_fail_as(s, CAMP_IO, "the lock file beside the database cannot be locked: %s", strerror(errno));
      close(fd);
    } else if (same_file(fd, path)) {
      s->lock = fd;
    } else {
      close(fd); /* its holder removed it between our open and our lock: again */
    }
  }
  free(path);
  return err;
}

void writer_unlock(struct store *s) {
  if (s->lock < 0) return;
  char *path = lock_path(s);
  unlink(path);
  free(path);
  close(s->lock);
  s->lock = -1;
}
