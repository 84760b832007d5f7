/* Whole files, in and out; see files.h.
 *
 * Invariant: who reads a path while it is written sees the old file or the new one, whole. */
#include "runtime/command/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end rather than to a size, because a pipe or a file of /proc has none. */
static bool read_whole(struct arena *a, int fd, size_t max_bytes, struct str *out) {
  struct stat st;
  bool ok = false;
  if (fstat(fd, &st) != 0) goto out;
  if (S_ISDIR(st.st_mode)) {
    errno = EISDIR;
    goto out;
  }
  size_t cap = st.st_size > 0 && (size_t)st.st_size <= max_bytes ? (size_t)st.st_size + 2 : 64 << 10, len = 0;
  char *text = arena_alloc(a, cap);
  for (;;) {
    if (len + 1 == cap) {
      char *bigger = arena_alloc(a, cap * 2);
      memcpy(bigger, text, len);
      text = bigger, cap *= 2;
    }
    ssize_t n = read(fd, text + len, cap - len - 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) goto out;
    if (n == 0) break;
    len += (size_t)n;
    if (len > max_bytes) {
      errno = EFBIG;
      goto out;
    }
  }
  text[len] = 0;
  *out = (struct str){ text, len };
  ok = true;
out:
  return ok;
}

bool file_read(struct arena *a, const char *path, size_t max_bytes, struct str *out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = read_whole(a, fd, max_bytes, out);
  int error = errno;
  close(fd);
  errno = error;
  return ok;
}

/* mode NULL: as the process makes files. */
static bool write_whole(const char *path, struct str bytes, const mode_t *mode) {
  struct arena a;
  arena_init(&a, 4096);
  struct str beside = arena_printf(&a, "%s.new%ld", path, (long)getpid());
  int fd = open(beside.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode ? 0600 : 0666);
  bool ok = fd >= 0 && (!mode || fchmod(fd, *mode) == 0);
  for (size_t done = 0; ok && done < bytes.len;) {
    ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += (size_t)n;
  }
  ok = ok && fsync(fd) == 0;
  int error = errno;
  if (fd >= 0 && close(fd) != 0 && ok) ok = false, error = errno;
  if (ok && rename(beside.ptr, path) != 0) ok = false, error = errno;
  if (!ok && fd >= 0) unlink(beside.ptr);
  arena_deinit(&a);
  errno = error;
  return ok;
}

bool standard_input_read(struct arena *a, size_t max_bytes, struct str *out) {
  return read_whole(a, STDIN_FILENO, max_bytes, out);
}

bool file_write(const char *path, struct str bytes) { return write_whole(path, bytes, NULL); }

bool file_rewrite(const char *path, struct str bytes) {
  char *target = realpath(path, NULL);
  if (!target) return false;
  struct stat st;
  bool ok = stat(target, &st) == 0;
  mode_t mode = ok ? st.st_mode & 07777 : 0;
  ok = ok && write_whole(target, bytes, &mode);
  int error = errno;
  free(target);
  errno = error;
  return ok;
}
