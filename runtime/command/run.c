/* camp run: the engine on the real clock. Lines come in, are committed and answered; timers fire when they are due.
 *
 * It is not a simulation (simulate.c) and knows nothing of formats (runtime/input).
 *
 * Invariants:
 * 1. A line is read again after a crash unless its batch was committed: the source's place is written with the batch.
 * 2. A batch that could not be written is kept and tried again; nothing behind it is taken before it.
 * 3. A batch grows only while its oldest line has waited less than GROWN_MS, so a busy source is grouped and a slow one is
 *    answered at once.
 * 4. Timers of a moment run behind the lines that arrived before it. */
#include "runtime/command/commands.h"
#include "runtime/command/intake.h"
#include "runtime/command/progress.h"
#include "runtime/command/report.h"

#include <inttypes.h>

enum { GROWN_MS = 500, LOOK_MS = 250, SENDING_MS = 5, BATCH_DEFAULT = 100000 };

static int64_t until_next_timer(struct session *s, int64_t now_ms) {
  int64_t next;
  if (engine_next_timer(s->engine, &next) != CAMP_OK || next == STORE_NEVER) return STORE_NEVER;
  return next > now_ms ? next - now_ms : 0;
}

/* Whatever keeps mail waiting is said once each time it changes. */
static void say_trouble(const struct session *s) {
  char text[256];
  while (s->outbox && outbox_trouble(s->outbox, text)) complain("run", "%s", text);
}

/* One turn: what came, what is due, a portion of those to whom a new deploy is to be shown, what is to be sent. */
static int turn(struct session *s, struct intake *in, bool *more) {
  int64_t now = clock_now_ms();
  int code = EXIT_FINE;
  *more = false;
  if (in && intake_holds(in)) code = intake_take(s, in, now);
  if (code == EXIT_FINE) code = session_timers(s, now, NULL);
  if (code == EXIT_FINE) code = session_sweep(s, more);
  if (code == EXIT_FINE) code = session_flush(s, false, now, now);
  return code;
}

static int loop(struct session *s, struct intake *in, bool until_idle) {
  bool more = true;
  for (;;) {
    int64_t wait = more ? 0 : until_next_timer(s, clock_now_ms());
    if (wait > LOOK_MS) wait = LOOK_MS;
    bool sending = s->outbox && outbox_under_way(s->outbox) > 0;
    if (sending && wait > SENDING_MS) wait = SENDING_MS;
    bool reading = in && !in->ended;
    int code = EXIT_FINE;
    if (reading) code = intake_gather(s, in, (int)wait, GROWN_MS);
    else if (!until_idle || sending) pause_ms(wait);
    if (code == EXIT_FINE) code = turn(s, in, &more);
    say_trouble(s);
    if (code != EXIT_FINE || stop_asked()) return code;
    if (s->outbox && outbox_under_way(s->outbox)) continue;
    if (until_idle && !more && (!in || in->ended) && until_next_timer(s, clock_now_ms()) > 0) return EXIT_FINE;
  }
}

static void say_end(const struct session *s, const char *db) {
  struct engine_counts c = engine_counts(s->engine);
  printf("%" PRIu64 " event%s, %" PRIu64 " run%s started, %" PRIu64 " wake%s, ", c.events, S_OF(c.events), c.starts, S_OF(c.starts), c.wakes,
         S_OF(c.wakes));
  say_left(s->sent.messages, s->sent.calls, c.shows);
  putchar('\n');
  if (!s->outbox && c.sends)
    printf("No sender was given, so %" PRIu64 " message%s ready; add --send maildir:DIR or --send file:PATH.\n", c.sends,
           c.sends == 1 ? " stays" : "s stay");
  if (!s->outbox && c.calls)
    printf("No sender was given, so %" PRIu64 " call%s ready; add --send file:PATH to have them written down.\n", c.calls,
           c.calls == 1 ? " stays" : "s stay");
  if (c.events) say_unheard(s->store, &s->project.program);
  say_refused(s->store, c.rejects, c.events, db);
}

/* A moment that is gone by every clock of the world starts nobody. */
static void say_gone(const struct session *s, int64_t now_ms) {
  const struct program *p = &s->project.program;
  for (uint32_t i = 0; i < p->unit_count; i++)
    for (uint32_t k = 0; k < p->units[i].schedule_count; k++) {
      const struct schedule *at = &p->units[i].schedules[k];
      if (at->kind != SCHEDULE_AT || now_ms <= at->at_ms + MS_PER_DAY / 2) continue;
      char text[32];
      text[calendar_print(at->at_ms, text)] = 0;
      complain("run", STR_FMT ": its `start at %s` is gone, and starts nobody any more", STR_ARG(unit_name(&p->units[i])), text);
    }
}

static int run_run(const struct options *o) {
  const char *db = option(o, "db"), *events = option(o, "events"), *send = option(o, "send");
  bool until_idle = option(o, "until-idle") != NULL;
  long batch;
  if (!db) {
    complain("run", "which database? Add --db FILE; it is made when it is not there.");
    return EXIT_COULD_NOT;
  }
  if (!option_number(o, "batch", 1, LIMIT_BATCH_COUNT, BATCH_DEFAULT, &batch)) return EXIT_COULD_NOT;
  if (send && strncmp(send, "smtp", 4) == 0 && !option(o, "live")) {
    complain("run", "--send %.100s hands real mail to a relay. Add --live to mean it; --send maildir:DIR keeps the mail here.", send);
    return EXIT_COULD_NOT;
  }
  struct session s;
  struct intake in = { 0 };
  struct engine_options eo = { .batch = (uint32_t)batch };
  stop_on_signals();
  int code = session_project(&s, "run", o->positionals[0], option(o, "zone"));
  s.patient = !until_idle;
  eo.late_after_ms = s.project.program.late_after_ms;
  if (code == EXIT_FINE) code = session_store(&s, db, &(struct store_options){ .create = true });
  if (code == EXIT_FINE) code = session_lives(&s);
  if (code == EXIT_FINE) code = session_engine(&s, eo, clock_now_ms(), send);
  if (code == EXIT_FINE && s.outbox && outbox_is_live(s.outbox)) {
    printf("Mail goes to %s, from %s.\n", send, getenv("CAMP_FROM"));
    fflush(stdout);
  }
  if (code == EXIT_FINE) say_gone(&s, clock_now_ms());
  if (code == EXIT_FINE && events) code = intake_open(&s, &in, events, option(o, "csv") != NULL, NULL);
  if (code == EXIT_FINE) {
    code = loop(&s, events ? &in : NULL, until_idle);
    say_end(&s, db);
  }
  intake_close(&in);
  session_close(&s);
  return code;
}

static const struct option_spec run_options[] = {
  { "db", 0, "FILE", "the database; made when it is not there" },
  { "events", 0, "FILE|-", "events to take, NDJSON; - is standard input" },
  { "csv", 0, NULL, "the events are CSV with a header: contact,event,at,id and properties" },
  { "send", 0, "SPEC", "where messages go: maildir:DIR, file:PATH or smtp://HOST; else they stay ready" },
  { "live", 0, NULL, "needed with smtp://: mail leaves for real" },
  { "until-idle", 0, NULL, "end when the events have ended and nothing is due now" },
  { "zone", 0, "ZONE", "time zone of contacts that have none, such as Europe/Paris" },
  { "batch", 0, "N", "at most so many events in one transaction" },
  { NULL, 0, NULL, NULL },
};
const struct command command_run = {
  .name = "run",
  .summary = "run a project on the real clock",
  .arguments = "PROJECT --db FILE [--events FILE|-] [options]",
  .text = "Makes the project the current one in the database, takes events as they come, and wakes contacts\n"
          "when their time is there, until SIGTERM or Ctrl-C. An event that was taken survives a power cut; a\n"
          "second run goes on where the first one ended. A line that cannot be read is set aside with its\n"
          "reason: see `camp rejects`.\n",
  .examples = "  camp run campaigns/ --db camp.db --events events.ndjson --send maildir:out\n"
              "  tail -f events.ndjson | camp run campaigns/ --db camp.db --events -\n"
              "  camp run campaigns/ --db camp.db --until-idle\n",
  .options = run_options,
  .positionals_min = 1,
  .positionals_max = 1,
  .missing = "which project? Name a .camp file or a folder of them.",
  .run = run_run,
};
