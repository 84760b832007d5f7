#ifndef CAMP_COMMAND_TRIAL_H
#define CAMP_COMMAND_TRIAL_H
/* One test under way. Private to story*.c and trial.c: trial.c has its contacts, its clock and its report, story_happen.c what a step
 * makes happen, story_expect.c what it asks.
 *
 * What returns int gives an exit code: EXIT_COULD_NOT when the step could not be run. What was not as expected is no such failure: it
 * is told in `why`, which ends the story. */
#include "runtime/command/facts.h"
#include "runtime/command/options.h"
#include "runtime/command/story.h"

enum { IDLE_ROUNDS_MAX = 100000, IDLE_DAYS_MAX = 3660 };

struct known { struct str name; int64_t id, mark; /* newest message when the last expectation was met */ };
struct trial {
  const struct stories *all;
  struct session *s;            /* all->s */
  const struct test_step *step;
  int64_t clock_ms;
  struct arena arena;
  VEC(struct known) contacts;
  VEC(int64_t) answered;        /* calls that the test has answered */
  struct facts facts;
  struct buf *why;              /* what happened instead; empty: all is well */
  const struct test_step *idle; /* the expectation that let the clock run until nothing was due; NULL: it stands where `at` has set it */
  VEC(struct str) heard, noted; /* of the contact told last: names of its events, and what was not done at them */
};
struct sent { struct outbox_row row; struct str name; bool call; };

/* Codes are the same in every test, and worth nothing outside. */
extern const struct str trial_secret;

/* --- trial.c --- */

/* Adds to what was not as expected. */
void trial_fail(struct trial *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The moment as the story's clock shows it. */
const char *trial_clock(const struct trial *r, int64_t ms, char out[40]);
struct known *trial_contact(struct trial *r, struct str name); /* made when absent */
/* Fills k->id; 0 while the engine has not heard of the contact. */
enum camp_err trial_contact_id(struct trial *r, struct known *k);
/* CAMP_NOT_FOUND while the engine has not heard of the contact; *out is all zero then. */
enum camp_err trial_load(struct trial *r, struct known *k, struct contact *out);
/* The contact's messages, newest first. */
enum camp_err trial_messages(struct trial *r, struct known *k, struct sent **out, uint32_t *count);
bool sent_left(const struct sent *s);
/* A message that a script or an end of the run took back was never sent, as one that was refused. */
bool sent_dropped(const struct test_step *step, const struct sent *s);
/* The step has said or asked this of its contact, who is so now. */
enum camp_err trial_note_facts(struct trial *r);
/* An expectation was met: what is there now is not counted again. */
void trial_set_marks(struct trial *r);
/* All that became of the contact up to here, in the order of time, and where it stands. */
void trial_tell(struct trial *r, struct known *k);
/* Behind it: of each campaign and rule that says the message's name and never started, why. */
void trial_tell_unstarted(struct trial *r, struct known *k, struct str message);

int trial_run_to(struct trial *r, int64_t to_ms);
int trial_run_until_idle(struct trial *r);
/* The next moment at which a wait ends or a start that comes once is there: a start that comes again and again would never let a
 * story come to rest. */
enum camp_err trial_next(struct trial *r, int64_t *next);
int64_t trial_after(const struct trial *r, struct value duration);
int trial_move_clock(struct trial *r, int64_t civil_ms);

/* --- story_happen.c --- */

int trial_happen(struct trial *r, bool identify);
int trial_reply(struct trial *r);
int trial_become(struct trial *r);
int trial_consent(struct trial *r, struct str topic);
int trial_order(struct trial *r, bool resume); /* `pause`, `resume` */

/* --- story_expect.c --- */

int trial_expect(struct trial *r);
#endif
