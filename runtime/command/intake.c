/* Gathers lines into batches: what a live run and an import have in common.
 *
 * It is not a reader of formats (runtime/input) and no clock: the caller says when a batch arrived.
 *
 * Invariants:
 * 1. `place` is behind the last line of the batch, blank lines included, so that committing it with the batch leaves no line
 *    out and takes none twice.
 * 2. Everything of a batch is copied into its arena, because the feed's window moves on. */
#include "runtime/command/intake.h"

#include "runtime/command/options.h"
#include "runtime/command/progress.h"
#include "vm/base/utf8.h"

#include <inttypes.h>

struct reject_row reject_of(struct arena *a, struct str source, int64_t line, struct str text, struct str why, int64_t at_ms) {
  struct str valid = { text.ptr, text.len < LIMIT_REJECT_BYTES ? text.len : LIMIT_REJECT_BYTES };
  char *shown = arena_alloc(a, valid.len * 3 + 1);
  size_t n = 0;
  /* Rows are UTF-8; the bytes of a line may be anything, so what is not becomes U+FFFD. */
  while (valid.len) {
    size_t bytes = utf8_decode(valid, NULL);
    if (bytes && valid.ptr[0]) {
      memcpy(shown + n, valid.ptr, bytes);
      n += bytes;
    } else {
      memcpy(shown + n, "\xef\xbf\xbd", 3);
      n += 3;
      bytes = 1;
    }
    valid.ptr += bytes;
    valid.len -= bytes;
  }
  return (struct reject_row){ .at_ms = at_ms, .line = line, .source = source, .reason = arena_str(a, why), .text = { shown, n } };
}

enum { PAUSE_MS = 10 };

int intake_open(struct session *s, struct intake *in, const char *path, bool csv, const char *key) {
  *in = (struct intake){ 0 };
  arena_init(&in->arena, 1 << 20);
  arena_init(&in->names, 4096);
  struct str why = { NULL, 0 };
  enum camp_err err = feed_open(path, csv, &in->feed, &why, &in->names);
  if (err != CAMP_OK) {
    complain(s->command, STR_FMT, STR_ARG(why));
    return EXIT_COULD_NOT;
  }
  in->key = arena_str(&in->names, key ? str_from_c(key) : feed_key(in->feed));
  err = store_source_get(s->store, in->key, &in->place);
  if (err != CAMP_OK) {
    complain(s->command, "%s", store_last_error(s->store)->text);
    return exit_code_of(err);
  }
  if (feed_size(in->feed) < 0) {
    /* What standard input holds is new each time. */
    in->place.byte_offset = in->place.line = 0;
  } else if (in->place.byte_offset > 0 && feed_seek(in->feed, in->place.byte_offset, in->place.line) != CAMP_OK) {
    complain(s->command, "%s was read up to byte %" PRId64 " before, but has only %" PRId64 ". If it holds new events now, give "
             "it another name; or pass them to standard input.", path, in->place.byte_offset, feed_size(in->feed));
    return EXIT_COULD_NOT;
  }
  return EXIT_FINE;
}

void intake_close(struct intake *in) {
  if (in->feed) feed_close(in->feed);
  arena_deinit(&in->arena);
  arena_deinit(&in->names);
}

static void take_line(struct intake *in, struct str borrowed, int64_t number, bool too_long) {
  struct str why = { NULL, 0 }, line = arena_str(&in->arena, borrowed);
  struct input input = { 0 };
  enum input_kind kind = INPUT_REJECT;
  if (too_long) why = arena_printf(&in->arena, "the line is longer than %u bytes", LIMIT_EVENT_BYTES);
  else kind = feed_parse(in->feed, line, &in->arena, &input, &why);
  if (kind == INPUT_EVENT) VEC_PUSH(&in->arena, &in->inputs, input);
  if (kind != INPUT_REJECT) return;
  if (in->hidden.len && str_starts(line, in->hidden)) {
    line = str_slice(line.ptr + in->hidden.len, line.ptr + line.len);
    if (in->shown_first && str_starts(line, STR(","))) line = str_slice(line.ptr + 1, line.ptr + line.len);
    if (in->shown_first) line = arena_printf(&in->arena, "%c" STR_FMT, in->shown_first, STR_ARG(line));
  }
  struct reject_row row = reject_of(&in->arena, in->key, number, line, why, 0);
  VEC_PUSH(&in->arena, &in->rejects, row);
}

int intake_gather(struct session *s, struct intake *in, int wait_ms, int grown_ms) {
  while (!in->ended && in->inputs.count + in->rejects.count < engine_batch(s->engine) && !stop_asked()) {
    int64_t number, offset, end;
    struct str line;
    int wait = wait_ms;
    if (intake_holds(in)) {
      int64_t left = in->first_ms + grown_ms - clock_steady_ms();
      if (left <= 0) break;
      /* A slow source is answered at once: a line waits for others only while they keep coming. */
      wait = left < PAUSE_MS ? (int)left : PAUSE_MS;
    }
    enum feed_result r = feed_next(in->feed, wait, &line, &number, &offset, &end);
    if (r == FEED_EMPTY) break;
    if (r == FEED_END) {
      in->ended = true;
      break;
    }
    if (r == FEED_ERROR) {
      complain(s->command, "%s", feed_error(in->feed));
      return EXIT_COULD_NOT;
    }
    if (!intake_holds(in)) in->first_ms = clock_steady_ms();
    take_line(in, line, number, r == FEED_TOO_LONG);
    in->place.byte_offset = end;
    in->place.line = number;
  }
  return EXIT_FINE;
}

int intake_take(struct session *s, struct intake *in, int64_t now_ms) {
  for (uint32_t i = 0; i < in->rejects.count; i++) in->rejects.items[i].at_ms = now_ms;
  in->place.count += in->inputs.count;
  struct engine_inputs batch = { .inputs = in->inputs.items, .count = in->inputs.count, .rejects = in->rejects.items,
    .reject_count = in->rejects.count, .source_key = in->key, .source = in->place, .arrival_ms = now_ms };
  int64_t began_ms = clock_steady_ms();
  int code = session_take(s, &batch);
  if (code == EXIT_FINE) engine_pace(s->engine, batch.count, clock_steady_ms() - began_ms);
  if (code != EXIT_FINE) return code;
  arena_reset(&in->arena);
  memset(&in->inputs, 0, sizeof in->inputs);
  memset(&in->rejects, 0, sizeof in->rejects);
  return EXIT_FINE;
}

enum { UNHEARD_SHOWN = 5 };
struct unheard { const struct program *p; uint32_t count; };

static const char *event_at(const void *context, size_t i) {
  static char name[LIMIT_NAME_BYTES + 1];
  const struct program *p = context;
  if (i >= p->event_count) return NULL;
  snprintf(name, sizeof name, STR_FMT, STR_ARG(p->events[i]));
  return name;
}

/* Events of the engine's own (`enters vip`) are spoken of where they are known. */
static bool is_spoken_of(const struct program *p, struct str name) {
  for (uint32_t i = 0; i < p->event_count; i++)
    if (str_eq(p->events[i], name)) return true;
  for (uint32_t i = 0; i < p->unit_count; i++)
    for (uint32_t k = 0; k < p->units[i].string_count; k++)
      if (str_eq(p->units[i].strings[k], name)) return true;
  return str_is(name, "identify") || str_is(name, "alias") || memchr(name.ptr, '.', name.len) || str_starts(name, STR("enters ")) ||
         str_starts(name, STR("leaves ")) || str_starts(name, STR("start "));
}

static bool tell_unheard(void *context, int columns, const char *const *names, const char *const *row) {
  struct unheard *u = context;
  (void)names;
  if (!row || columns < 1 || !row[0] || is_spoken_of(u->p, str_from_c(row[0])) || ++u->count > UNHEARD_SHOWN) return true;
  const char *near = nearest_name(row[0], event_at, u->p);
  printf("No script declares the event `%s`%s%s%s: it is kept and starts nothing\n", row[0], near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
  return true;
}

void say_unheard(struct store *s, const struct program *p) {
  struct unheard u = { .p = p };
  if (p->allow_unknown || store_report(s, "event_names", (struct str){ NULL, 0 }, tell_unheard, &u) != CAMP_OK) return;
  if (u.count > UNHEARD_SHOWN) printf("and %" PRIu32 " more events\n", u.count - UNHEARD_SHOWN);
}

struct newest { char line[24], reason[300]; };

static bool keep_newest(void *context, int columns, const char *const *names, const char *const *row) {
  struct newest *n = context;
  (void)names;
  if (!row || columns < 2 || !row[0] || !row[1]) return true;
  snprintf(n->line, sizeof n->line, "%s", row[0]);
  snprintf(n->reason, sizeof n->reason, "%s", row[1]);
  return false;
}

void say_refused(struct store *s, uint64_t count, uint64_t taken, const char *db) {
  struct newest n = { "", "" };
  if (!count) return;
  fflush(stdout);
  fprintf(stderr, "%" PRIu64 " line%s could not be taken", count, S_OF(count));
  if (db) fprintf(stderr, "; `camp rejects --db %s` lists %s with the reason", db, count == 1 ? "it" : "them");
  fputc('\n', stderr);
  if (store_report(s, "reject_newest", (struct str){ NULL, 0 }, keep_newest, &n) != CAMP_OK || !n.line[0]) return;
  fprintf(stderr, "%s %s: %s\n", count == 1 ? "line" : "the last of them, line", n.line, n.reason);
  if (!taken && strncmp(n.reason, "not JSON", 8) == 0) fputs("Is the file CSV? Then add --csv.\n", stderr);
}
