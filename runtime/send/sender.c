/* The table of senders, and the few things that every sender needs.
 *
 * Not for: when and what to send (outbox.c), how one sender does it (maildir.c, file.c).
 *
 * Invariants:
 * 1. A sender is found by the scheme before the first colon; what follows is its own to read.
 * 2. Every write, sync and rename of a sender passes sender_point first, so that a test can end the process there. */
#include "runtime/send/senders.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vm/calendar.h"

void (*send_write_point)(void) = NULL;

void sender_point(void) {
  if (send_write_point) send_write_point();
}

static const struct sender_ops *const SENDERS[] = { &maildir_ops, &file_ops, &smtp_ops, &smtps_ops };

const struct sender_ops *sender_find(const char *spec, const char **target, char why[256]) {
  const char *colon = strchr(spec, ':');
  size_t scheme = colon ? (size_t)(colon - spec) : strlen(spec);
  for (size_t i = 0; i < sizeof SENDERS / sizeof *SENDERS; i++) {
    if (!str_eq(str_from_c(SENDERS[i]->scheme), (struct str){ spec, scheme })) continue;
    if (colon && colon[1]) {
      *target = SENDERS[i]->background ? spec : colon + 1;
      return SENDERS[i];
    }
    snprintf(why, WHY_BYTES, "`%.60s` does not say where to; write %s", spec,
             SENDERS[i] == &maildir_ops ? "maildir:FOLDER" : SENDERS[i] == &file_ops ? "file:PATH" : "smtp://HOST");
    return NULL;
  }
  snprintf(why, WHY_BYTES, "there is no sender `%.*s`; write maildir:FOLDER, file:PATH or smtp://HOST", (int)(scheme > 60 ? 60 : scheme), spec);
  return NULL;
}

enum camp_err sender_fail(char why[WHY_BYTES], const char *what, const char *path) {
  int err = errno;
  snprintf(why, WHY_BYTES, "cannot %s %.150s: %s", what, path, strerror(err));
  if (err == ENOSPC || err == EDQUOT) return CAMP_FULL;
  if (err == EACCES || err == EPERM || err == EROFS) return CAMP_READONLY;
  return CAMP_IO;
}

bool sender_write(int fd, struct str bytes) {
  while (bytes.len) {
    sender_point();
    ssize_t n = write(fd, bytes.ptr, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return errno = EIO, false; /* a device that takes nothing would hold us for ever */
    bytes.ptr += n;
    bytes.len -= (size_t)n;
  }
  return true;
}

size_t sender_moment(int64_t utc_ms, char out[40]) {
  struct civil c = calendar_civil(utc_ms);
  char fraction[8] = "";
  if (c.ms) snprintf(fraction, sizeof fraction, ".%03d", c.ms % 1000);
  int n = snprintf(out, 40, "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)c.year, c.month, c.day, c.hour, c.minute, c.second,
                   fraction);
  return n < 40 ? (size_t)n : 39;
}

struct str sender_key(struct arena *a, const struct sender_ops *ops, const char *target) {
  char real[PATH_MAX];
  if (realpath(target, real)) return arena_printf(a, "%s:%s", ops->scheme, real);
  /* Not there yet: its folder is, or opening will say that it is not. */
  const char *slash = strrchr(target, '/');
  const char *base = slash ? slash + 1 : target;
  struct str folder = slash ? arena_str(a, str_slice(target, slash == target ? slash + 1 : slash)) : STR(".");
  if (!realpath(folder.ptr, real)) return arena_printf(a, "%s:%s", ops->scheme, target);
  return arena_printf(a, "%s:%s/%s", ops->scheme, strcmp(real, "/") == 0 ? "" : real, base);
}
