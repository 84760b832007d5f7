/* Bytes from a file or a pipe, cut into lines (NDJSON) or records (CSV), with the number and the place of each.
 *
 * Not for: what a line means (json_input.c, csv_input.c), how far a source has been committed (runtime/store).
 *
 * The window: one block of memory; data[from … to) has been read and not yet given out, data[from … scan) has been
 * searched for the line's end, so that no byte is searched twice however small the pieces are that a pipe brings.
 *
 * Invariants:
 * 1. The lines do not depend on how the bytes arrive, nor on where the reading stopped and went on: the state between
 *    two lines is an offset and a line number and nothing else.
 * 2. Every byte belongs to exactly one line: the end offset of one is the byte offset of the next.
 * 3. from <= scan <= to <= cap, and a line within LIMIT_EVENT_BYTES always fits the window.
 * 4. A signal during a wait is FEED_EMPTY, so that the caller gets to look whether it is to stop.
 *
 * A CSV record whose quote is never closed ends at the end of the file and is refused once, by its parser: to begin anew at
 * its second line would read text inside a cell as events. */
#include "runtime/input/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm/base/limits.h"

enum { WINDOW_BYTES = 1 << 20 };
_Static_assert(WINDOW_BYTES > 2 * (LIMIT_EVENT_BYTES + 2), "a line fits the window beside what moving leaves over");

enum csv_place { CSV_CELL_START, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE_SEEN };

struct feed {
  int fd;
  bool csv, is_file, eof;
  char *data;
  size_t from, scan, to;
  int64_t offset;          /* of data[0] in the input */
  int64_t lines;           /* line ends before data[from] */
  int64_t inner_lines;     /* … and within data[from … scan) or the skipped part, inside quotes */
  enum csv_place place;    /* at data[scan] */
  bool skipping;           /* the line is over-long; its bytes are let go as they come */
  int64_t skip_offset;     /* where it began */
  char skip_text[LIMIT_REJECT_BYTES];
  size_t skip_bytes;
  int64_t first_offset, first_lines; /* behind the CSV header, or 0 */
  int64_t given_line, given_offset;  /* of the line that feed_next gave last */
  struct csv_header header;
  struct str key;
  char error[256];
};

struct cut { struct str line; bool too_long; size_t bytes; }; /* bytes: with the line's end */

static bool fail(struct feed *f, const char *what) {
  snprintf(f->error, sizeof f->error, "cannot %s %.*s: %s", what, (int)(f->key.len > 160 ? 160 : f->key.len), f->key.ptr,
           strerror(errno));
  return false;
}

/* Where the record ends: the newline outside quotes, or NULL. Goes on at f->scan. */
static const char *find_end(struct feed *f) {
  if (f->scan == f->to) return NULL;
  const char *at = f->data + f->scan, *end = f->data + f->to;
  if (!f->csv) {
    f->scan = f->to;
    return memchr(at, '\n', (size_t)(end - at));
  }
  enum csv_place place = f->place;
  for (; at < end; at++) {
    char c = *at;
    if (place == CSV_QUOTED) {
      if (c == '"') place = CSV_QUOTE_SEEN;
      else if (c == '\n') f->inner_lines++;
    } else if (c == '\n') {
      break;
    } else if (c == ',') {
      place = CSV_CELL_START;
    } else if (c == '"' && place != CSV_PLAIN) {
      place = CSV_QUOTED; /* opens a cell, or was the second of a doubled quote */
    } else {
      place = CSV_PLAIN;
    }
  }
  f->place = place;
  f->scan = f->to;
  return at < end ? at : NULL;
}

static void keep_skipped(struct feed *f, size_t bytes) {
  size_t room = sizeof f->skip_text - f->skip_bytes;
  if (bytes > room) bytes = room;
  if (bytes) memcpy(f->skip_text + f->skip_bytes, f->data + f->from, bytes);
  f->skip_bytes += bytes;
}

static void begin_skip(struct feed *f) {
  f->skipping = true;
  f->skip_offset = f->offset + (int64_t)f->from;
  f->skip_bytes = 0;
}

/* A line or the end of an over-long one out of the window; false when there is none yet. */
static bool cut(struct feed *f, struct cut *out) {
  const char *newline = find_end(f);
  size_t bytes = newline ? (size_t)(newline - (f->data + f->from)) : f->to - f->from;
  bool ends = newline || (f->eof && (bytes > 0 || f->skipping));
  size_t text = bytes;
  if (ends && !f->skipping && text > 0 && f->data[f->from + text - 1] == '\r') text--;
  /* One byte more may be the \r of a line's end. */
  if (!f->skipping && (ends ? text > LIMIT_EVENT_BYTES : bytes > LIMIT_EVENT_BYTES + 1)) begin_skip(f);
  if (f->skipping) keep_skipped(f, bytes);
  if (!ends) {
    if (f->skipping) f->from = f->to;
    return false;
  }
  out->too_long = f->skipping;
  out->line = f->skipping ? (struct str){ f->skip_text, f->skip_bytes } : (struct str){ f->data + f->from, text };
  out->bytes = bytes + (newline ? 1 : 0);
  return true;
}

static void take(struct feed *f, const struct cut *c) {
  f->given_offset = f->skipping ? f->skip_offset : f->offset + (int64_t)f->from;
  f->lines += f->inner_lines + 1;
  f->given_line = f->lines;
  f->from += c->bytes;
  f->scan = f->from;
  f->inner_lines = 0;
  f->place = CSV_CELL_START;
  f->skipping = false;
}

/* Makes room behind `to`; what has been given out goes. */
static void slide(struct feed *f) {
  if (f->from == 0 || (f->to < WINDOW_BYTES / 2 && f->from != f->to)) return;
  size_t left = f->to - f->from;
  if (left) memmove(f->data, f->data + f->from, left);
  f->offset += (int64_t)f->from;
  f->scan -= f->from;
  f->to = left;
  f->from = 0;
}

enum fill { FILL_MORE, FILL_END, FILL_NOTHING, FILL_ERROR };

static enum fill fill(struct feed *f, int wait_ms) {
  if (!f->is_file) {
    struct pollfd p = { .fd = f->fd, .events = POLLIN };
    int ready = poll(&p, 1, wait_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return FILL_NOTHING;
    if (ready < 0) return fail(f, "wait for"), FILL_ERROR;
  }
  slide(f);
  CHECK(f->to < WINDOW_BYTES);
  ssize_t n = read(f->fd, f->data + f->to, WINDOW_BYTES - f->to);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return FILL_NOTHING;
  if (n < 0) return fail(f, "read"), FILL_ERROR;
  f->eof = n == 0;
  f->to += (size_t)n;
  return n ? FILL_MORE : FILL_END;
}

enum feed_result feed_next(struct feed *f, int wait_ms, struct str *line, int64_t *line_number, int64_t *byte_offset,
                           int64_t *end_offset) {
  struct cut c;
  f->eof = false; /* a file may have grown */
  while (!cut(f, &c)) {
    if (f->eof) return FEED_END;
    enum fill got = fill(f, wait_ms);
    if (got == FILL_NOTHING) return FEED_EMPTY;
    if (got == FILL_ERROR) return FEED_ERROR;
    wait_ms = 0; /* a trickle of bytes must not make the whole wait longer than asked */
  }
  take(f, &c);
  *line = c.line;
  /* Excel begins a file with a byte order mark, which is no part of the first line. */
  if (f->given_offset == 0 && str_starts(c.line, STR("\xef\xbb\xbf"))) *line = str_slice(c.line.ptr + 3, c.line.ptr + c.line.len);
  *line_number = f->given_line;
  *byte_offset = f->given_offset;
  *end_offset = f->offset + (int64_t)f->from;
  return c.too_long ? FEED_TOO_LONG : FEED_LINE;
}

enum input_kind feed_parse(struct feed *f, struct str line, struct arena *a, struct input *out, struct str *why) {
  enum input_kind kind = f->csv ? input_csv(&f->header, line, a, out, why) : input_json(line, a, out, why);
  out->line = f->given_line;
  out->byte_offset = f->given_offset;
  return kind;
}

static enum camp_err read_header(struct feed *f, struct str *why, struct arena *a) {
  struct str line;
  int64_t number, from;
  switch (feed_next(f, -1, &line, &number, &from, &f->first_offset)) {
    case FEED_LINE: break;
    case FEED_EMPTY: *why = STR("stopped while waiting for the header line"); return CAMP_STOPPED;
    case FEED_END: *why = STR("there is no header line; CSV begins with one such as contact,event,at,amount"); return CAMP_BAD;
    case FEED_TOO_LONG: *why = arena_printf(a, "the header line is longer than %u bytes", LIMIT_EVENT_BYTES); return CAMP_BAD;
    case FEED_ERROR: *why = arena_str(a, str_from_c(f->error)); return CAMP_IO;
  }
  f->first_lines = number;
  return csv_read_header(line, a, &f->header, why);
}

static enum camp_err open_path(struct feed *f, const char *path, struct str *why, struct arena *a) {
  bool standard = strcmp(path, "-") == 0;
  char real[PATH_MAX];
  struct stat st;
  f->fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
  if (f->fd < 0 || fstat(f->fd, &st) != 0) {
    *why = arena_printf(a, "cannot open %s: %s", path, strerror(errno));
    return errno == ENOENT ? CAMP_NOT_FOUND : CAMP_IO;
  }
  if (S_ISDIR(st.st_mode)) {
    *why = arena_printf(a, "%s is a folder, not a file of events", path);
    return CAMP_BAD;
  }
  /* Another file may stand behind standard input each time, so a committed place means nothing there. */
  f->is_file = S_ISREG(st.st_mode) && !standard;
  f->key = standard ? STR("stdin") : arena_printf(a, "file:%s", realpath(path, real) ? real : path);
  return CAMP_OK;
}

enum camp_err feed_open(const char *path, bool csv, struct feed **out, struct str *why, struct arena *a) {
  struct feed *f = calloc(1, sizeof *f);
  *out = NULL;
  if (f) f->data = malloc(WINDOW_BYTES);
  if (!f || !f->data) {
    free(f);
    *why = STR("out of memory");
    return CAMP_IO;
  }
  f->csv = csv;
  enum camp_err err = open_path(f, path, why, a);
  if (!err && csv) err = read_header(f, why, a);
  if (err) feed_close(f);
  else *out = f;
  return err;
}

void feed_close(struct feed *f) {
  if (!f) return;
  if (f->fd >= 0) close(f->fd);
  free(f->data);
  free(f);
}

enum camp_err feed_seek(struct feed *f, int64_t byte_offset, int64_t line) {
  if (byte_offset == 0 && !f->is_file) return CAMP_OK;
  if (byte_offset <= f->first_offset) byte_offset = f->first_offset, line = f->first_lines;
  if (!f->is_file) {
    snprintf(f->error, sizeof f->error, "a pipe begins where it begins: it cannot go on at byte %lld", (long long)byte_offset);
    return CAMP_BAD;
  }
  int64_t size = feed_size(f);
  if (byte_offset > size) {
    snprintf(f->error, sizeof f->error, "%.*s is %lld bytes long, but %lld of it were taken before: it is not the same file",
             (int)(f->key.len > 120 ? 120 : f->key.len), f->key.ptr, (long long)size, (long long)byte_offset);
    return CAMP_BAD;
  }
  if (lseek(f->fd, (off_t)byte_offset, SEEK_SET) < 0) return fail(f, "seek in"), CAMP_IO;
  f->offset = byte_offset;
  f->lines = line;
  f->from = f->scan = f->to = 0;
  f->inner_lines = 0;
  f->place = CSV_CELL_START;
  f->skipping = false;
  return CAMP_OK;
}

int64_t feed_size(const struct feed *f) {
  struct stat st;
  return f->is_file && fstat(f->fd, &st) == 0 ? (int64_t)st.st_size : -1;
}

struct str feed_key(const struct feed *f) { return f->key; }

const char *feed_error(const struct feed *f) { return f->error; }
