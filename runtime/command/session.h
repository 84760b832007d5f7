#ifndef CAMP_COMMAND_SESSION_H
#define CAMP_COMMAND_SESSION_H
/* What run, simulate, import and test open: a project, a database that it is deployed to, the engine, and a way out. */
#include "runtime/command/project.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/zones.h"
#include "runtime/send/send.h"

struct session {
  const char *command;      /* for messages */
  struct project project;
  struct zones *zones;
  const struct zone *zone;  /* the project's, or the one that --zone names */
  struct store *store;
  struct engine *engine;
  struct outbox *outbox;    /* NULL: no sender */
  struct asking *asking;    /* of the outbox */
  struct send_count sent;
  bool patient;             /* waits for a full disk or a busy database as long as it takes; else five times */
};

/* Compiles or reads the project and finds its zone; zone_name may be NULL. Returns an exit code. */
int session_project(struct session *s, const char *command, const char *project, const char *zone_name);
/* Opens the database. Returns an exit code. */
int session_store(struct session *s, const char *path, const struct store_options *o);
/* From here on the database lives in real time, and no simulation may touch it. Returns an exit code. */
int session_lives(struct session *s);
/* Deploys, opens the engine, finishes a round that a crash left, opens the sender (send may be NULL). */
int session_engine(struct session *s, struct engine_options o, int64_t deploy_ms, const char *send);
void session_close(struct session *s);

/* The engine's and the sender's calls, with patience: a full disk or a busy database is waited for. EXIT_FINE, or the code
 * to end with after complaining: EXIT_KEPT when what was not taken yet is kept where it was. */
int session_take(struct session *s, const struct engine_inputs *in);
int session_timers(struct session *s, int64_t limit_ms, uint64_t *ran);
/* Shows a new deploy to those who are known; *more: there are some left. */
int session_sweep(struct session *s, bool *more);
int session_flush(struct session *s, bool by_time, int64_t until_ms, int64_t now_ms);
/* Simulation without a sender: what is due counts as sent at its own time. */
int session_count_as_sent(struct session *s, int64_t until_ms);
/* The clock row and a source's place, in one transaction. */
int session_clock(struct session *s, int64_t now_ms, struct str source_key, const struct store_source *source);

/* "cannot open …" for an error, as an exit code. */
int exit_code_of(enum camp_err err);
/* SIGTERM and SIGINT ask for an end once; the second of them ends the process at once, which is safe. */
void stop_on_signals(void);
bool stop_asked(void);
/* Sleeps, but not past a signal. */
void pause_ms(int64_t ms);
/* A moment as people write it, in the zone unless it has an offset; false after complaining. */
bool read_moment(const struct session *s, const char *option_name, const char *text, int64_t *utc_ms);
/* A folder of our own under $TMPDIR or /tmp, and its end with all that is in it. */
/* Opens --db of a command that only reads. Returns an exit code. */
struct options;
int open_to_read(const struct options *o, struct store **out);
bool scratch_folder(const char *command, char out[4096]);
void scratch_remove(const char *folder);
#endif
