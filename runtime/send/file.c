/* file:PATH — every message a line of JSON in one file: {"key":…,"at":…,"to":…,"contact":…,"channel":…,"message":…,
 * "campaign":…,"subject":…,"body":…}, for other programs to read and for tests to compare. A message by a channel that is declared has its
 * "request" too, and a call of another system is {"key":…,"at":…,"contact":…,"call":…,"campaign":…,"request":{…}}: what would leave over
 * HTTP, secrets by their names alone. The answer to a call comes back as an input, {"type":"reply","key":…,"status":200,"body":{…}}.
 *
 * Not for: rotating the file; move it away while Camp is stopped and a new one begins.
 *
 * Invariants:
 * 1. The mark is the file's length up to which messages are committed. What stands behind it was delivered without a commit,
 *    so it is cut away when the file is opened, and delivered again.
 * 2. A file with contents that this database has never written to (mark below 0) is refused: to cut it might destroy somebody's
 *    data, to append to it would make the messages of two databases look like one's doubles.
 * 3. A file shorter than its mark is refused: committed messages are missing, and appending would hide it.
 * 4. After a failed write the file is cut back to where the batch began.
 * 5. What is no regular file (a device, a pipe) has no length, so nothing is cut there, and the mark stays 0. */
#include "runtime/send/senders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 20 };

struct sender {
  char path[PATH_MAX];
  int fd;
  bool regular, created;
  int64_t length;
  struct buf lines;
};

static void file_close(struct sender *s) {
  if (s->fd >= 0) close(s->fd);
  buf_deinit(&s->lines);
  free(s);
}

static enum camp_err cut_back(struct sender *s, int64_t length, char why[WHY_BYTES]) {
  sender_point();
  if (ftruncate(s->fd, (off_t)length) == 0 && lseek(s->fd, (off_t)length, SEEK_SET) >= 0) {
    s->length = length;
    return CAMP_OK;
  }
  return sender_fail(why, "cut back", s->path);
}

static enum camp_err find_place(struct sender *s, int64_t mark, char why[WHY_BYTES]) {
  struct stat st;
  if (fstat(s->fd, &st) != 0) return sender_fail(why, "look at", s->path);
  s->regular = S_ISREG(st.st_mode);
  if (!s->regular) return CAMP_OK;
  if (mark < 0 && st.st_size > 0) {
    snprintf(why, WHY_BYTES, "%.120s holds %lld bytes that this database has not written; move it away or name another file",
             s->path, (long long)st.st_size);
    return CAMP_BAD;
  }
  if (mark < 0) mark = 0;
  if (st.st_size < mark) {
    snprintf(why, WHY_BYTES, "%.120s is %lld bytes long, but %lld bytes of messages were committed to it; put the file back "
             "or name another", s->path, (long long)st.st_size, (long long)mark);
    return CAMP_CORRUPT;
  }
  return cut_back(s, mark, why);
}

static enum camp_err open_file(struct sender *s, int64_t mark, char why[WHY_BYTES]) {
  sender_point();
  s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  s->created = s->fd >= 0;
  if (s->fd < 0 && errno == EEXIST) s->fd = open(s->path, O_RDWR | O_CLOEXEC);
  if (s->fd < 0 && errno == EACCES) s->fd = open(s->path, O_WRONLY | O_CLOEXEC); /* a pipe or terminal that only takes */
  if (s->fd < 0) return sender_fail(why, "write to", s->path);
  return find_place(s, mark, why);
}

static enum camp_err file_open(const char *target, int64_t mark, struct sender **out, char why[256]) {
  struct sender *s = calloc(1, sizeof *s);
  CHECK(s);
  buf_init(&s->lines, SIZE_MAX / 2);
  snprintf(s->path, sizeof s->path, "%s", target);
  enum camp_err err = open_file(s, mark, why);
  if (err) file_close(s);
  else *out = s;
  return err;
}

static void add_line(struct buf *b, const struct envelope *e) {
  char at[40];
  size_t at_bytes = sender_moment(e->at_ms, at);
  enum { KEY, AT, TO, CONTACT, CHANNEL, MESSAGE, CAMPAIGN, SUBJECT, BODY };
  const struct { const char *name; struct str text; } members[] = {
    [KEY] = { "{\"key\":", e->key },             [AT] = { ",\"at\":", { at, at_bytes } }, [TO] = { ",\"to\":", e->to },
    [CONTACT] = { ",\"contact\":", e->contact }, [CHANNEL] = { ",\"channel\":", e->channel }, [MESSAGE] = { ",\"message\":", e->message },
    [CAMPAIGN] = { ",\"campaign\":", e->campaign }, [SUBJECT] = { ",\"subject\":", e->subject }, [BODY] = { ",\"body\":", e->body },
  };
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    bool of_call = i == KEY || i == AT || i == CONTACT || i == CAMPAIGN;
    if (e->operation.len && i == CAMPAIGN) {
      buf_c(b, ",\"call\":");
      buf_json_str(b, e->operation);
    }
    if (e->operation.len && !of_call) continue;
    buf_c(b, members[i].name);
    buf_json_str(b, members[i].text);
  }
  if (e->request.len) {
    buf_c(b, ",\"request\":");
    buf_str(b, e->request);
  }
  buf_c(b, "}\n");
}

static enum camp_err flush_lines(struct sender *s, char why[WHY_BYTES]) {
  bool ok = sender_write(s->fd, buf_as_str(&s->lines));
  buf_clear(&s->lines);
  return ok ? CAMP_OK : sender_fail(why, "write to", s->path);
}

static enum camp_err file_deliver(struct sender *s, const struct envelope *batch, uint32_t count, struct outcome *out,
                                  char why[256]) {
  int64_t bytes = 0;
  enum camp_err err = CAMP_OK;
  for (uint32_t i = 0; i < count && !err; i++) {
    size_t before = s->lines.len;
    add_line(&s->lines, &batch[i]);
    bytes += (int64_t)(s->lines.len - before);
    out[i] = (struct outcome){ .result = DELIVERY_OK };
    if (s->lines.len >= FLUSH_BYTES) err = flush_lines(s, why);
  }
  if (!err) err = flush_lines(s, why);
  if (!s->regular) return err;
  if (!err) {
    s->length += bytes;
    return CAMP_OK;
  }
  char ignored[WHY_BYTES];
  (void)cut_back(s, s->length, ignored); /* the first error is the one to tell; opening cuts again */
  return err;
}

static enum camp_err sync_folder(struct sender *s, char why[WHY_BYTES]) {
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s", s->path);
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return sender_fail(why, "sync the folder of", s->path);
  sender_point();
  enum camp_err err = fsync(fd) == 0 ? CAMP_OK : sender_fail(why, "sync the folder of", s->path);
  close(fd);
  return err;
}

static enum camp_err file_sync(struct sender *s, int64_t *mark, char why[256]) {
  *mark = s->length;
  if (!s->regular) return CAMP_OK;
  sender_point();
  if (fdatasync(s->fd) != 0) return sender_fail(why, "sync", s->path);
  enum camp_err err = s->created ? sync_folder(s, why) : CAMP_OK;
  if (!err) s->created = false;
  return err;
}

const struct sender_ops file_ops = { "file", file_open, file_deliver, file_sync, file_close, NULL, true };
