#ifndef CAMP_INPUT_H
#define CAMP_INPUT_H
/* From bytes to inputs: NDJSON lines of Segment's track/identify shape, or CSV (RFC 4180) rows. Every line becomes one input or
 * one rejection with its number and reason; nothing is dropped in silence, and no line stops the reading.
 *
 *   {"type":"track","event":"purchase","userId":"ann","messageId":"m1","timestamp":"2026-01-05T10:00:00Z","properties":{…}}
 *   {"type":"identify","userId":"ann","traits":{"first_name":"Ann"}}
 *   {"type":"identify","userId":"ann","anonymousId":"x7","traits":{…}}   and from now on x7 is ann
 *   {"type":"alias","previousId":"x7","userId":"ann"}                     the same, without traits
 *   {"type":"reply","key":"ann/welcome/1.1","status":200,"body":{"id":"7"}}   the answer to a call; "error":"…" when there was none
 * "type" may be left out when "event" is there. anonymousId serves where userId is missing. timestamp: RFC 3339 text, or epoch
 * milliseconds as a number; missing: the time of arrival. Segment's page and screen become page_view and screen_view.
 * context.timezone and traits.timezone set the contact's zone.
 * CSV: a header line with contact,event,at,id and property names; numbers that look like JSON numbers become numbers. */
#include "vm/base/arena.h"
#include "vm/base/check.h"
#include "vm/base/str.h"

struct input {
  struct str key;        /* contact */
  struct str previous;   /* another key that is the same contact's, or empty */
  struct str name;       /* event; "identify", "alias" for these */
  bool identify;
  bool alias;            /* nothing but this: `previous` and `key` are one contact */
  int64_t at_ms;         /* own time */
  bool has_at;
  struct str id;         /* messageId, or empty */
  struct str props;      /* checked JSON object: properties or traits; or empty */
  struct str zone;       /* context.timezone, or empty */
  int64_t line, byte_offset;
};
enum input_kind { INPUT_EVENT, INPUT_REJECT, INPUT_BLANK };

/* One NDJSON line, without its newline. Slices borrow from the line or, where escapes were decoded, the arena.
 * INPUT_REJECT: *why is a sentence in the arena. zone_ms… moments without an offset are read as UTC. */
enum input_kind input_json(struct str line, struct arena *a, struct input *out, struct str *why);

struct csv_header { struct str *names; uint32_t count; int contact, event, at, id; };
/* The header row; CAMP_BAD with a reason when contact or event is missing or a name repeats. */
enum camp_err csv_read_header(struct str row, struct arena *a, struct csv_header *out, struct str *why) MUST_CHECK;
enum input_kind input_csv(const struct csv_header *h, struct str row, struct arena *a, struct input *out, struct str *why);

/* Cuts bytes into lines (NDJSON) or records (CSV: newlines inside quotes belong to the record), a window at a time. */
struct feed;
enum camp_err feed_open(const char *path /* "-": standard input */, bool csv, struct feed **out, struct str *why, struct arena *a) MUST_CHECK;
void feed_close(struct feed *f);
/* Goes on at a committed place; fails on a pipe with an offset other than 0. Reads the CSV header first. */
enum camp_err feed_seek(struct feed *f, int64_t byte_offset, int64_t line) MUST_CHECK;
enum feed_result { FEED_LINE, FEED_END, FEED_EMPTY /* nothing now, more may come */, FEED_TOO_LONG /* over LIMIT_EVENT_BYTES: skipped whole */, FEED_ERROR };
/* Waits at most wait_ms for bytes (0: not at all). The line borrows from the feed until the next call… copy what is kept. */
enum feed_result feed_next(struct feed *f, int wait_ms, struct str *line, int64_t *line_number, int64_t *byte_offset, int64_t *end_offset);
/* Parses what feed_next gave by the feed's kind. */
enum input_kind feed_parse(struct feed *f, struct str line, struct arena *a, struct input *out, struct str *why);
const char *feed_error(const struct feed *f); /* why feed_next gave FEED_ERROR or feed_seek failed: a sentence */
int64_t feed_size(const struct feed *f); /* bytes of a file, -1 for a pipe */
struct str feed_key(const struct feed *f); /* "file:/real/path" or "stdin" */
#endif
