/* Loaded before the C library: a disk without room for regular files while the file $FULL_DISK is there. When it holds a text, only files whose names
 * end in it are refused. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_full(int fd) {
  struct stat s;
  char only[64] = "", link[64], path[4096];
  const char *sign = getenv("FULL_DISK");
  int saved = errno, at = sign ? open(sign, O_RDONLY | O_CLOEXEC) : -1;
  bool full = at >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
  ssize_t n = at >= 0 ? read(at, only, sizeof only - 1) : 0;
  if (at >= 0) close(at);
  if (full && n > 0) {
    only[strcspn(only, "\n")] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, sizeof path - 1);
    size_t length = strlen(only);
    full = bytes >= (ssize_t)length && memcmp(path + bytes - length, only, length) == 0;
  }
  errno = full ? ENOSPC : saved;
  return full;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  ssize_t (*real)(int, const void *, size_t);
  *(void **)&real = dlsym(RTLD_NEXT, "write");
  return fd > 2 && is_full(fd) ? -1 : real(fd, data, bytes);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t);
  *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
  return is_full(fd) ? -1 : real(fd, data, bytes, at);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) { return pwrite64(fd, data, bytes, at); }
