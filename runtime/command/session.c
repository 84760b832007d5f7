/* Opens and closes what the working commands share, and waits out what is temporary.
 *
 * It decides nothing about time: the commands say what time it is.
 *
 * Invariants:
 * 1. A temporary failure (disk full, database busy) loses nothing: the call that failed is made again with the same
 *    arguments, which the engine allows, or the process ends with EXIT_KEPT and the input stays where it was.
 * 2. A signal is looked at only between calls, so nothing is left half done by it. */
#include "runtime/command/session.h"

#include "runtime/command/options.h"
#include "runtime/command/progress.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

static volatile sig_atomic_t stop_flag;

static void on_stop(int signal_number) {
  (void)signal_number;
  stop_flag = 1;
}

void stop_on_signals(void) {
  /* SA_RESETHAND: the second signal meets the default, an end at once; a crash is a tested path. */
  struct sigaction action = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
}

bool stop_asked(void) { return stop_flag != 0; }

void pause_ms(int64_t ms) {
  struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
  if (!stop_flag && ms > 0) nanosleep(&t, NULL);
}

int exit_code_of(enum camp_err err) {
  if (err == CAMP_OK) return EXIT_FINE;
  return err == CAMP_FULL || err == CAMP_BUSY ? EXIT_KEPT : EXIT_COULD_NOT;
}

int session_project(struct session *s, const char *command, const char *project, const char *zone_name) {
  *s = (struct session){ .command = command };
  int code = project_open(&s->project, command, project);
  if (code != EXIT_FINE) return code;
  s->zones = zones_new();
  struct str name = zone_name ? str_from_c(zone_name) : s->project.program.zone.len ? s->project.program.zone : STR("UTC");
  s->zone = zones_find(s->zones, name);
  if (s->zone) return EXIT_FINE;
  complain(command, "the time zone \"" STR_FMT "\" is not in %s", STR_ARG(name), zones_folder(s->zones));
  return EXIT_COULD_NOT;
}

/* How a call that failed for now is tried again: 0.1 s, 0.2 s … up to 5 s apart. */
struct patience {
  const struct session *session;
  int tries;
};

/* True when the call is to be made again. */
static bool again(struct patience *p, enum camp_err err, const char *text) {
  enum { TRIES = 5, WAIT_MAX_MS = 5000 };
  if (err != CAMP_FULL && err != CAMP_BUSY) {
    complain(p->session->command, "%s", text[0] ? text : camp_err_text(err));
    return false;
  }
  if (p->tries == 0) complain(p->session->command, "%s; waiting", text[0] ? text : camp_err_text(err));
  if (stop_flag || (!p->session->patient && p->tries == TRIES)) {
    complain(p->session->command, "gave up after %d tries. Nothing is lost: what was not taken is kept, and running the same "
             "command again goes on.", p->tries + 1);
    return false;
  }
  int64_t wait_ms = p->tries < 6 ? 100 << p->tries : WAIT_MAX_MS;
  p->tries++;
  pause_ms(wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
  return true;
}

int session_store(struct session *s, const char *path, const struct store_options *o) {
  struct store_error error = { "" };
  struct patience p = { s, 0 };
  enum camp_err err;
  while ((err = store_open(path, o, &s->store, &error)) != CAMP_OK)
    if (!again(&p, err, error.text)) break;
  return exit_code_of(err);
}

static const struct zone *find_zone(void *zones, struct str name) { return zones_find(zones, name); }

static enum camp_err ask(void *asking, const struct outbox_row *row, int64_t now_ms, struct arena *a, struct str *reason) {
  return asking_ask(asking, row, now_ms, a, reason);
}

int session_engine(struct session *s, struct engine_options o, int64_t deploy_ms, const char *send) {
  struct engine_error error = { "" };
  struct patience p = { s, 0 };
  enum camp_err err;
  o.zone = zone_name(s->zone);
  const char *secret = getenv("CAMP_SECRET");
  if (secret) o.secret = str_from_c(secret);
  while ((err = engine_deploy(s->store, &s->project.program, deploy_ms, &error)) != CAMP_OK)
    if (!again(&p, err, error.text)) return exit_code_of(err);
  while ((err = engine_open(s->store, &o, &s->engine, &error)) != CAMP_OK)
    if (!again(&p, err, error.text)) return exit_code_of(err);
  while ((err = engine_resume(s->engine)) != CAMP_OK)
    if (!again(&p, err, engine_last_error(s->engine)->text)) return exit_code_of(err);
  if (!send) return EXIT_FINE;
  char why[256] = "";
  if (o.virtual_time && strncmp(send, "smtp", 4) == 0) {
    complain(s->command, "--send %.100s: real mail cannot leave in virtual time; use maildir:DIR or file:PATH", send);
    return EXIT_COULD_NOT;
  }
  err = outbox_open(s->store, engine_image(s->engine), send, &s->outbox, why);
  if (err == CAMP_OK) {
    outbox_zones(s->outbox, find_zone, s->zones, s->zone);
    err = asking_open(s->store, engine_image(s->engine), o.zone, &s->asking, &error);
    if (err == CAMP_OK) outbox_asks(s->outbox, (struct outbox_asker){ ask, s->asking });
    if (err == CAMP_OK) return EXIT_FINE;
    snprintf(why, sizeof why, "%.250s", error.text);
  }
  complain(s->command, "--send %s: %s", send, why[0] ? why : camp_err_text(err));
  return exit_code_of(err);
}

void session_close(struct session *s) {
  if (s->outbox) outbox_close(s->outbox);
  asking_close(s->asking);
  if (s->engine) engine_close(s->engine);
  if (s->store) store_close(s->store);
  zones_free(s->zones);
  project_close(&s->project);
}

int session_take(struct session *s, const struct engine_inputs *in) {
  struct patience p = { s, 0 };
  enum camp_err err;
  while ((err = engine_take(s->engine, in)) != CAMP_OK)
    if (!again(&p, err, engine_last_error(s->engine)->text)) break;
  return exit_code_of(err);
}

int session_timers(struct session *s, int64_t limit_ms, uint64_t *ran) {
  struct patience p = { s, 0 };
  enum camp_err err;
  uint64_t count = 0;
  while ((err = engine_timers(s->engine, limit_ms, &count)) != CAMP_OK)
    if (!again(&p, err, engine_last_error(s->engine)->text)) break;
  if (ran) *ran = count;
  return exit_code_of(err);
}

int session_sweep(struct session *s, bool *more) {
  enum { CONTACTS = 20000 };
  struct patience p = { s, 0 };
  enum camp_err err;
  while ((err = engine_sweep(s->engine, CONTACTS, more)) != CAMP_OK)
    if (!again(&p, err, engine_last_error(s->engine)->text)) break;
  return exit_code_of(err);
}

int session_flush(struct session *s, bool by_time, int64_t until_ms, int64_t now_ms) {
  enum { ROWS = 10000 };
  if (!s->outbox) return EXIT_FINE;
  struct patience p = { s, 0 };
  enum camp_err err;
  struct send_count sent = { 0 };
  char why[256] = "";
  while ((err = outbox_flush(s->outbox, by_time, until_ms, now_ms, ROWS, &sent, why)) != CAMP_OK)
    if (!again(&p, err, why)) break;
  s->sent.messages += sent.messages;
  s->sent.calls += sent.calls;
  return exit_code_of(err);
}

static enum camp_err count_as_sent(struct store *store, struct arena *a, int64_t until_ms, uint32_t *count, struct send_count *sent) {
  enum { ROWS = 10000 };
  struct outbox_item *items;
  enum camp_err err = store_outbox_ready(store, a, true, until_ms, ROWS, &items, count);
  if (err != CAMP_OK || *count == 0) return err;
  err = store_begin(store);
  for (uint32_t i = 0; i < *count && err == CAMP_OK; i++)
    err = store_outbox_state(store, items[i].row.id, OUTBOX_SENT, items[i].row.at_ms, (struct str){ NULL, 0 });
  if (err == CAMP_OK) err = store_commit(store);
  if (err != CAMP_OK) store_rollback(store);
  for (uint32_t i = 0; i < *count && err == CAMP_OK; i++)
    if (store_name_kind(store, items[i].row.message) == NAME_CALL) sent->calls++;
    else sent->messages++;
  return err;
}

int session_count_as_sent(struct session *s, int64_t until_ms) {
  struct patience p = { s, 0 };
  struct arena a;
  arena_init(&a, 64 << 10);
  enum camp_err err = CAMP_OK;
  for (uint32_t count = 1; count > 0; arena_reset(&a)) {
    err = count_as_sent(s->store, &a, until_ms, &count, &s->sent);
    if (err == CAMP_OK) continue;
    if (!again(&p, err, store_last_error(s->store)->text)) break;
    count = 1;
  }
  arena_deinit(&a);
  return exit_code_of(err);
}

static enum camp_err put_lived(struct store *store) {
  bool lived;
  enum camp_err err = store_lived_get(store, &lived);
  if (err != CAMP_OK || lived) return err;
  err = store_begin(store);
  if (err == CAMP_OK) err = store_lived_put(store);
  if (err == CAMP_OK) err = store_commit(store);
  if (err != CAMP_OK) store_rollback(store);
  return err;
}

int session_lives(struct session *s) {
  struct patience p = { s, 0 };
  enum camp_err err;
  while ((err = put_lived(s->store)) != CAMP_OK)
    if (!again(&p, err, store_last_error(s->store)->text)) break;
  return exit_code_of(err);
}

static enum camp_err put_clock(struct store *store, int64_t now_ms, struct str key, const struct store_source *source) {
  struct store_clock clock;
  enum camp_err err = store_begin(store);
  if (err == CAMP_OK) err = store_clock_get(store, &clock);
  if (err == CAMP_OK) {
    clock.now_ms = now_ms;
    err = store_clock_put(store, &clock);
  }
  if (err == CAMP_OK && source) err = store_source_put(store, key, source);
  if (err == CAMP_OK) err = store_commit(store);
  if (err != CAMP_OK) store_rollback(store);
  return err;
}

int session_clock(struct session *s, int64_t now_ms, struct str key, const struct store_source *source) {
  struct patience p = { s, 0 };
  enum camp_err err;
  while ((err = put_clock(s->store, now_ms, key, source)) != CAMP_OK)
    if (!again(&p, err, store_last_error(s->store)->text)) break;
  return exit_code_of(err);
}

bool read_moment(const struct session *s, const char *option_name, const char *text, int64_t *utc_ms) {
  bool zoned;
  if (!calendar_parse_moment(str_from_c(text), utc_ms, &zoned)) {
    complain(s->command, "--%s is a moment such as 2026-01-05 or 2026-01-05T10:00, between the years %d and %d, not \"%s\"",
             option_name, LIMIT_YEAR_MIN, LIMIT_YEAR_MAX, text);
    return false;
  }
  if (!zoned) *utc_ms = zone_to_utc(s->zone, *utc_ms);
  return true;
}

bool scratch_folder(const char *command, char out[4096]) {
  const char *tmp = getenv("TMPDIR");
  int n = snprintf(out, 4096, "%s/camp-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  if (n > 0 && n < 4096 && mkdtemp(out)) return true;
  complain(command, "cannot make a folder in %s: %s", tmp && *tmp ? tmp : "/tmp", strerror(errno));
  return false;
}

void scratch_remove(const char *folder) {
  DIR *dir = opendir(folder);
  struct dirent *entry;
  while (dir && (entry = readdir(dir)) != NULL)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) unlinkat(dirfd(dir), entry->d_name, 0);
  if (dir) closedir(dir);
  rmdir(folder);
}
