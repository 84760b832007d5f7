/* camp simulate: the engine on virtual time. It jumps from event to timer to event, so a year takes seconds.
 *
 * It is not the engine: order within a contact is the tick's business (runtime/engine). It decides which lines are taken
 * when, and what the clock says in between.
 *
 * Stages:
 *   index     every line once: its time, number and place (24 bytes), sorted by (time, number)
 *   late      what was appended behind the clock, and refused lines, in the file's order
 *   rounds    timers strictly before the next line, messages, then up to ROUND lines; again
 *   rest      timers up to --until, or until none is left
 *
 * Invariants:
 * 1. Which lines have been taken is told by the source's row alone: those in the first `bytes_known` bytes with
 *    (time, number) at or before the mark, and late or refused ones before `byte_offset`. So a simulation may be killed
 *    anywhere and run in any number of parts.
 * 2. Rounds do not depend on --batch: the same lines meet the same clock.
 * 3. `bytes_known` grows only behind the late stage; otherwise a late line would pass for taken.
 * 4. Without --until the end is when no timer is left, or the year LIMIT_YEAR_MAX.
 * 5. A line without a time happens when the one above it did; without one above, when the first with a time does. */
#include "runtime/command/commands.h"
#include "runtime/command/intake.h"
#include "runtime/command/misfits.h"
#include "runtime/command/progress.h"
#include "runtime/command/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { ROUND = 100000, LATE_ROUND = 10000 };
#define NO_TIME INT64_MIN

struct line_ref {
  int64_t at_ms, offset;
  uint32_t line, bytes; /* bytes OVERLONG: not to be read again, only refused */
};
enum { OVERLONG = UINT32_MAX };
_Static_assert(sizeof(struct line_ref) == 24, "one line of a big file costs 24 bytes");

struct lines { struct line_ref *items; size_t count, cap; };

struct simulation {
  struct session s;
  struct feed *feed;
  int fd;                 /* the same file, to read lines again by their place */
  bool has_mark_bom;      /* the file begins with a byte order mark */
  struct lines ahead;     /* by (at, line): to be taken at their own time */
  struct lines late;      /* in the file's order: refused, or older than the clock */
  struct store_source place, known;
  struct str key;
  int64_t bytes, until_ms, clock_ms;
  bool bounded, virtual_store;
  struct arena names, round;
  struct progress bar;
  struct misfits *misfits; /* NULL: a compiled program */
  uint64_t refused;
};

static void lines_add(struct lines *l, struct line_ref ref) {
  if (l->count == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 4096;
    l->items = realloc(l->items, l->cap * sizeof *l->items);
    CHECK(l->items != NULL);
  }
  l->items[l->count++] = ref;
}

static int by_time(const void *a, const void *b) {
  const struct line_ref *x = a, *y = b;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

/* --- index --------------------------------------------------------------------------------------------------------- */

static bool at_or_before_mark(const struct simulation *m, int64_t at_ms, int64_t line) {
  const struct store_source *k = &m->known;
  if (k->bytes_known == 0) return false;
  return at_ms < k->mark_at_ms || (at_ms == k->mark_at_ms && line <= k->mark_line);
}

static void sort_in(struct simulation *m, struct line_ref ref, bool refused) {
  bool old = ref.offset < m->known.bytes_known;
  if (refused) {
    if (ref.offset >= m->known.byte_offset) lines_add(&m->late, ref);
  } else if (!at_or_before_mark(m, ref.at_ms, ref.line)) {
    lines_add(&m->ahead, ref);
  } else if (!old && ref.offset >= m->known.byte_offset) {
    lines_add(&m->late, ref);
  }
}

/* Lines before the first one with a time wait here. */
static void settle_untimed(struct simulation *m, struct lines *untimed, int64_t at_ms) {
  for (size_t i = 0; i < untimed->count; i++) {
    untimed->items[i].at_ms = at_ms;
    sort_in(m, untimed->items[i], at_ms == NO_TIME);
  }
  untimed->count = 0;
}

static void index_line(struct simulation *m, struct lines *untimed, struct line_ref ref, struct str line, int64_t *last_ms) {
  struct input input;
  struct str why;
  arena_reset(&m->round);
  enum input_kind kind = ref.bytes == OVERLONG ? INPUT_REJECT : feed_parse(m->feed, line, &m->round, &input, &why);
  if (kind == INPUT_BLANK) return;
  if (kind == INPUT_REJECT) {
    ref.at_ms = NO_TIME;
    sort_in(m, ref, true);
    return;
  }
  misfits_look(m->misfits, &input, ref.line, &m->round);
  ref.at_ms = input.has_at ? input.at_ms : *last_ms;
  if (ref.at_ms == NO_TIME) {
    lines_add(untimed, ref);
    return;
  }
  if (*last_ms == NO_TIME) settle_untimed(m, untimed, ref.at_ms);
  *last_ms = ref.at_ms;
  sort_in(m, ref, false);
}

static int index_lines(struct simulation *m) {
  struct lines untimed = { 0 };
  int64_t last_ms = NO_TIME, number, offset, end = 0, size = feed_size(m->feed);
  struct str line;
  int code = EXIT_FINE;
  m->bar = progress_of("reading");
  for (;;) {
    enum feed_result r = feed_next(m->feed, 0, &line, &number, &offset, &end);
    if (r == FEED_EMPTY) continue;
    if (r == FEED_END) break;
    if (r == FEED_ERROR || number > UINT32_MAX) {
      complain("simulate", "%s", r == FEED_ERROR ? feed_error(m->feed) : "the events have more than 4294967295 lines");
      code = EXIT_COULD_NOT;
      break;
    }
    /* A byte order mark is taken off the first line, but not out of the file. */
    int64_t skipped = offset == 0 && m->has_mark_bom ? 3 : 0;
    struct line_ref ref = { .offset = offset + skipped, .line = (uint32_t)number,
                            .bytes = r == FEED_TOO_LONG ? OVERLONG : (uint32_t)line.len };
    index_line(m, &untimed, ref, line, &last_ms);
    m->bytes = end;
    if (number % 1024 == 0) progress_at(&m->bar, end, size);
  }
  settle_untimed(m, &untimed, NO_TIME);
  free(untimed.items);
  progress_end(&m->bar);
  bool sorted = true;
  for (size_t i = 1; i < m->ahead.count && sorted; i++) sorted = by_time(&m->ahead.items[i - 1], &m->ahead.items[i]) < 0;
  if (!sorted) qsort(m->ahead.items, m->ahead.count, sizeof *m->ahead.items, by_time);
  return code;
}

/* Reads the line again. An error when the file has changed under us: what would be taken is not what was sorted. */
static bool reread(struct simulation *m, const struct line_ref *ref, struct str *line) {
  char *text = arena_alloc(&m->round, ref->bytes + 1);
  size_t have = 0;
  while (have < ref->bytes) {
    ssize_t n = pread(m->fd, text + have, ref->bytes - have, (off_t)(ref->offset + (int64_t)have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      complain("simulate", "the events changed while they were read, near line %" PRIu32, ref->line);
      return false;
    }
    have += (size_t)n;
  }
  text[have] = 0;
  *line = (struct str){ text, have };
  return true;
}

static bool parse_again(struct simulation *m, const struct line_ref *ref, struct input *out) {
  struct str line, why;
  if (!reread(m, ref, &line)) return false;
  if (feed_parse(m->feed, line, &m->round, out, &why) != INPUT_EVENT) {
    complain("simulate", "the events changed while they were read, near line %" PRIu32, ref->line);
    return false;
  }
  out->at_ms = ref->at_ms;
  out->has_at = true;
  out->line = ref->line;
  out->byte_offset = ref->offset;
  return true;
}

/* --- late and refused lines ---------------------------------------------------------------------------------------- */

static bool refuse_again(struct simulation *m, const struct line_ref *ref, struct reject_row *out) {
  struct str line = { NULL, 0 }, why = { NULL, 0 };
  struct input input;
  if (ref->bytes == OVERLONG) why = arena_printf(&m->round, "the line is longer than %u bytes", LIMIT_EVENT_BYTES);
  else if (!reread(m, ref, &line)) return false;
  else if (feed_parse(m->feed, line, &m->round, &input, &why) != INPUT_REJECT)
    why = STR("the line has no time, and no line of the file has one");
  *out = reject_of(&m->round, m->key, ref->line, line, why, m->clock_ms);
  return true;
}

static int take_late(struct simulation *m) {
  for (size_t i = 0; i < m->late.count;) {
    arena_reset(&m->round);
    uint32_t inputs = 0, rejects = 0;
    size_t n = m->late.count - i < LATE_ROUND ? m->late.count - i : LATE_ROUND;
    struct input *in = arena_zalloc(&m->round, n, sizeof *in);
    struct reject_row *rows = arena_zalloc(&m->round, n, sizeof *rows);
    for (size_t k = i; k < i + n; k++) {
      const struct line_ref *ref = &m->late.items[k];
      bool refused = ref->at_ms == NO_TIME;
      if (refused ? !refuse_again(m, ref, &rows[rejects]) : !parse_again(m, ref, &in[inputs])) return EXIT_COULD_NOT;
      rejects += refused;
      inputs += !refused;
    }
    i += n;
    m->place.byte_offset = m->late.items[i - 1].offset + 1;
    m->place.count += inputs;
    m->refused += rejects;
    struct engine_inputs batch = { .inputs = in, .count = inputs, .rejects = rows, .reject_count = rejects, .source_key = m->key,
      .source = m->place, .arrival_ms = m->clock_ms };
    int code = session_take(&m->s, &batch);
    if (code != EXIT_FINE) return code;
  }
  return EXIT_FINE;
}

/* --- rounds -------------------------------------------------------------------------------------------------------- */

static int advance(struct simulation *m, int64_t to_ms) {
  int code = session_timers(&m->s, to_ms, NULL);
  if (code == EXIT_FINE)
    code = m->s.outbox ? session_flush(&m->s, true, to_ms, to_ms) : session_count_as_sent(&m->s, to_ms);
  if (code == EXIT_FINE && to_ms > m->clock_ms) m->clock_ms = to_ms;
  return code;
}

static int take_round(struct simulation *m, size_t from, size_t count) {
  arena_reset(&m->round);
  struct input *in = arena_zalloc(&m->round, count, sizeof *in);
  for (size_t i = 0; i < count; i++)
    if (!parse_again(m, &m->ahead.items[from + i], &in[i])) return EXIT_COULD_NOT;
  const struct line_ref *last = &m->ahead.items[from + count - 1];
  m->place.bytes_known = m->place.byte_offset = m->bytes;
  m->place.mark_at_ms = last->at_ms;
  m->place.mark_line = last->line;
  m->place.count += (int64_t)count;
  struct engine_inputs batch = { .inputs = in, .count = (uint32_t)count, .source_key = m->key, .source = m->place,
    .arrival_ms = last->at_ms, .virtual_time = true };
  int code = session_take(&m->s, &batch);
  if (code == EXIT_FINE && last->at_ms > m->clock_ms) m->clock_ms = last->at_ms;
  return code;
}

static int interrupted(struct simulation *m) {
  progress_end(&m->bar);
  complain("simulate", m->virtual_store ? "stopped before the end" : "stopped before the end; the same command goes on");
  return EXIT_KEPT;
}

static int take_rounds(struct simulation *m) {
  m->bar = progress_of("simulating");
  size_t limit = m->ahead.count;
  while (m->bounded && limit > 0 && m->ahead.items[limit - 1].at_ms > m->until_ms) limit--;
  for (size_t i = 0; i < limit;) {
    if (stop_asked()) return interrupted(m);
    int code = advance(m, m->ahead.items[i].at_ms - 1);
    size_t n = limit - i < ROUND ? limit - i : ROUND;
    if (code == EXIT_FINE) code = take_round(m, i, n);
    if (code != EXIT_FINE) return code;
    i += n;
    progress_at(&m->bar, (int64_t)i, (int64_t)limit);
  }
  return EXIT_FINE;
}

/* Timers behind the last line, a week of virtual time at a step, so that a signal is heard and messages leave in between. */
static int run_rest(struct simulation *m) {
  int64_t end = m->bounded ? m->until_ms : calendar_days(LIMIT_YEAR_MAX, 1, 1) * MS_PER_DAY, next;
  for (;;) {
    if (stop_asked()) return interrupted(m);
    if (engine_next_timer(m->s.engine, &next) != CAMP_OK) {
      complain("simulate", "%s", store_last_error(m->s.store)->text);
      return EXIT_COULD_NOT;
    }
    if (next > end) break;
    int64_t from = next > m->clock_ms ? next : m->clock_ms;
    int64_t to = m->bounded || from + 7 * MS_PER_DAY < end ? from + 7 * MS_PER_DAY : end;
    int code = advance(m, to < end ? to : end);
    if (code != EXIT_FINE) return code;
  }
  /* Without --until the clock stands where something last happened, not at the end of the last step. */
  struct store_clock clock;
  if (store_clock_get(m->s.store, &clock) != CAMP_OK) {
    complain("simulate", "%s", store_last_error(m->s.store)->text);
    return EXIT_COULD_NOT;
  }
  if (!m->bounded && clock.now_ms > 0) m->clock_ms = clock.now_ms;
  int code = advance(m, m->bounded ? end : m->clock_ms);
  if (code != EXIT_FINE) return code;
  m->place.bytes_known = m->place.byte_offset = m->bytes;
  m->place.mark_at_ms = m->clock_ms;
  m->place.mark_line = INT64_MAX;
  return session_clock(&m->s, m->clock_ms, m->key, &m->place);
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

/* Standard input cannot be read twice, so it is written to a file first. */
static bool spool(const char *to) {
  FILE *out = fopen(to, "w");
  char block[1 << 16];
  size_t n;
  bool ok = out != NULL;
  while (ok && (n = fread(block, 1, sizeof block, stdin)) > 0) ok = fwrite(block, 1, n, out) == n;
  ok = ok && !ferror(stdin);
  if (out && fclose(out) != 0) ok = false;
  if (!ok) complain("simulate", "cannot keep standard input in %s: %s", to, strerror(errno));
  return ok;
}

static int open_events(struct simulation *m, const char *path, bool csv, bool standard) {
  struct str why = { NULL, 0 };
  if (feed_open(path, csv, &m->feed, &why, &m->names) != CAMP_OK) {
    complain("simulate", STR_FMT, STR_ARG(why));
    return EXIT_COULD_NOT;
  }
  m->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (m->fd < 0 || feed_size(m->feed) < 0) {
    complain("simulate", "%s is not a file that can be read twice; pass it to standard input with --events -", path);
    return EXIT_COULD_NOT;
  }
  char bom[3];
  m->has_mark_bom = pread(m->fd, bom, 3, 0) == 3 && memcmp(bom, "\xef\xbb\xbf", 3) == 0;
  m->key = standard ? STR("stdin") : feed_key(m->feed);
  if (store_source_get(m->s.store, m->key, &m->known) != CAMP_OK) {
    complain("simulate", "%s", store_last_error(m->s.store)->text);
    return EXIT_COULD_NOT;
  }
  m->place = m->known;
  if (m->known.bytes_known <= feed_size(m->feed)) return EXIT_FINE;
  complain("simulate", "%s had %" PRId64 " bytes when it was simulated before and has %" PRId64 " now. Lines may be added at its "
           "end, nothing may be taken away.", standard ? "standard input" : path, m->known.bytes_known, feed_size(m->feed));
  return EXIT_COULD_NOT;
}

/* A simulation runs the clock to the end: on a database of `camp run` it would use up what people wait for. */
static int refuse_lived(struct simulation *m, const char *db) {
  bool lived;
  if (store_lived_get(m->s.store, &lived) != CAMP_OK) {
    complain("simulate", "%s", store_last_error(m->s.store)->text);
    return EXIT_COULD_NOT;
  }
  if (!lived) return EXIT_FINE;
  complain("simulate", "%s is a database of `camp run`: a simulation would use up what its contacts wait for. Take another --db; "
           "`camp import` fills it with the same history.", db);
  return EXIT_COULD_NOT;
}

static int open_clock(struct simulation *m, const char *until) {
  struct store_clock clock;
  if (store_clock_get(m->s.store, &clock) != CAMP_OK) {
    complain("simulate", "%s", store_last_error(m->s.store)->text);
    return EXIT_COULD_NOT;
  }
  m->clock_ms = clock.now_ms;
  m->bounded = until != NULL;
  if (!until) return EXIT_FINE;
  if (!read_moment(&m->s, "until", until, &m->until_ms)) return EXIT_COULD_NOT;
  if (m->until_ms >= m->clock_ms || clock.now_ms == 0) return EXIT_FINE;
  char have[40] = "";
  have[calendar_print_iso(m->s.zone, m->clock_ms, have)] = 0;
  complain("simulate", "the database stands at %s already; --until cannot go back. Take another --db for a new beginning.", have);
  return EXIT_COULD_NOT;
}

static int simulate(struct simulation *m, const struct options *o, long batch) {
  int code = index_lines(m);
  if (code != EXIT_FINE) return code;
  /* A new database begins with its first line. */
  int64_t first = m->ahead.count ? m->ahead.items[0].at_ms : m->clock_ms;
  if (m->clock_ms == 0) m->clock_ms = first;
  struct engine_options eo = { .batch = (uint32_t)batch, .late_after_ms = STORE_NEVER, .virtual_time = true };
  code = session_engine(&m->s, eo, m->known.bytes_known ? m->clock_ms : first, option(o, "send"));
  for (bool more = code == EXIT_FINE; more && code == EXIT_FINE;) code = session_sweep(&m->s, &more);
  if (code == EXIT_FINE && !m->bounded && engine_recurs(m->s.engine)) {
    complain("simulate", "the project starts campaigns again and again (`start every …`), or has a segment that follows the clock (`now.month`), so it "
             "has no end of its own. Add --until, "
             "such as --until 2027-01-01, or give the campaign an end: `ends on 2026-12-31`.");
    code = EXIT_COULD_NOT;
  }
  if (code == EXIT_FINE && m->late.count) code = take_late(m);
  if (code == EXIT_FINE) code = take_rounds(m);
  if (code == EXIT_FINE) code = run_rest(m);
  progress_end(&m->bar);
  if (code != EXIT_FINE) return code;
  struct engine_counts c = engine_counts(m->s.engine);
  return report_simulation(m->s.store, &m->s.project.program, m->s.zone, &(struct simulation_facts){ .events = c.events, .duplicates = c.duplicates,
    .refused = m->refused, .messages = m->s.sent.messages, .calls = m->s.sent.calls, .shows = c.shows, .clock_ms = m->clock_ms, .db = m->virtual_store ? NULL : option(o, "db"),
    .send = option(o, "send"), .show = option(o, "show") != NULL });
}

static int simulate_run(const struct options *o) {
  const char *db = option(o, "db"), *events = option(o, "events");
  long batch;
  if (!events) {
    complain("simulate", "which events? Add --events FILE, or --events - for standard input.");
    return EXIT_COULD_NOT;
  }
  if (!option_number(o, "batch", 1, LIMIT_BATCH_COUNT, 0, &batch)) return EXIT_COULD_NOT;
  struct simulation m = { .fd = -1 };
  bool standard = strcmp(events, "-") == 0;
  char folder[4096] = "", path[4200], spooled[4200];
  arena_init(&m.names, 4096);
  arena_init(&m.round, 1 << 20);
  stop_on_signals();
  int code = session_project(&m.s, "simulate", o->positionals[0], option(o, "zone"));
  if (code == EXIT_FINE && (!db || standard) && !scratch_folder("simulate", folder)) code = EXIT_COULD_NOT;
  snprintf(path, sizeof path, "%s/simulation.db", folder);
  snprintf(spooled, sizeof spooled, "%s/events", folder);
  m.virtual_store = db == NULL;
  struct store_options so = { .create = true, .relaxed = m.virtual_store };
  if (code == EXIT_FINE && standard && !spool(spooled)) code = EXIT_COULD_NOT;
  if (code == EXIT_FINE) code = session_store(&m.s, db ? db : path, &so);
  if (code == EXIT_FINE && db) code = refuse_lived(&m, db);
  if (code == EXIT_FINE) code = open_clock(&m, option(o, "until"));
  if (code == EXIT_FINE) code = open_events(&m, standard ? spooled : events, option(o, "csv") != NULL, standard);
  if (code == EXIT_FINE) m.misfits = misfits_new(&m.s.project.compilation);
  if (code == EXIT_FINE) code = simulate(&m, o, batch);
  if (code == EXIT_FINE) misfits_tell(m.misfits);
  misfits_free(m.misfits);
  if (m.feed) feed_close(m.feed);
  if (m.fd >= 0) close(m.fd);
  free(m.ahead.items);
  free(m.late.items);
  session_close(&m.s);
  arena_deinit(&m.names);
  arena_deinit(&m.round);
  if (folder[0]) scratch_remove(folder);
  return code;
}

static const struct option_spec simulate_options[] = {
  { "events", 0, "FILE|-", "what happens, NDJSON; - is standard input" },
  { "csv", 0, NULL, "the events are CSV with a header: contact,event,at,id and properties" },
  { "until", 0, "TIME", "stop the clock there, such as 2026-02-01; a later run goes on" },
  { "db", 0, "FILE", "keep the outcome in this database; else it is thrown away" },
  { "send", 0, "SPEC", "write messages to maildir:DIR or file:PATH; else they are only counted" },
  { "show", 0, NULL, "list who got what, when and why" },
  { "zone", 0, "ZONE", "time zone of contacts that have none, such as Europe/Paris" },
  { "batch", 0, "N", "at most so many contacts in one transaction; changes nothing but speed" },
  { NULL, 0, NULL, NULL },
};
const struct command command_simulate = {
  .name = "simulate",
  .summary = "run a project on recorded events, in virtual time",
  .arguments = "PROJECT --events FILE|- [--until TIME] [--db FILE] [options]",
  .text = "Plays the events in the order of their times and lets the clock jump from one to the next, so a\n"
          "year passes in seconds. The same engine as `camp run`: what comes out is what would have happened.\n"
          "Without --until it goes on until nobody waits any more. A line without a time happens when the\n"
          "line above it did; without one above, when the first with a time does. A database of `camp run` is\n"
          "refused: the simulation would use up what its contacts wait for.\n",
  .examples = "  camp simulate campaigns/ --events orders.ndjson\n"
              "  camp simulate campaigns/ --events orders.csv --csv --db try.db --send maildir:out\n"
              "  camp simulate campaigns/ --events orders.ndjson --db try.db --until 2026-02-01\n",
  .options = simulate_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which project? Name a .camp file or a folder of them.",
  .run = simulate_run,
};
