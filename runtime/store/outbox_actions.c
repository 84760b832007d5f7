/* What people do to the outbox: pauses, resumptions, retries, withdrawals, and the lists to choose from. `camp outbox` does it beside a
 * run, which looks before it hands anything over.
 *
 * Not for: what a sender does with a pause (runtime/send/outbox.c), the engine's own states (outbox_rows.c).
 *
 * Invariants:
 * 1. Nothing that a writer keeps in mind is written here (counters, names): its own next transaction would undo it.
 * 2. A row that is withdrawn leaves outbox_late, one that is tried again enters it: rows up to counter.outbox_settled are found by it.
 * 3. A claimed row can be withdrawn. Its sender gives it back, and when it had left already, says so: then it is `sent` after all.
 * 4. Each action is noted with its reason, in the transaction that carries it out. */
#include "sqlite.h"

#include <stdio.h>

/* Those that are not finished: found without looking at the others. */
enum { OPEN_STATES = 1 << OUTBOX_READY | 1 << OUTBOX_CLAIMED | 1 << OUTBOX_DEFERRED | 1 << OUTBOX_DOUBT | 1 << OUTBOX_PAUSED };
#define PARKED (STORE_NEVER - 1) /* the due of a paused row; STORE_NEVER is a claimed one's */

static bool is_open(const struct outbox_choice *c) { return c->states && !(c->states & ~(uint32_t)OPEN_STATES); }

static void bind_choice(sqlite3_stmt *q, const struct outbox_choice *c, uint32_t max) {
  if (!q) return;
  sqlite3_bind_int64(q, 1, c->states ? c->states : UINT32_MAX);
  bind_str_or_null(q, 2, c->message);
  bind_str_or_null(q, 3, c->campaign);
  bind_str_or_null(q, 4, c->contact);
  bind_str_or_null(q, 5, c->domain);
  bind_str_or_null(q, 6, c->reason);
  sqlite3_bind_int64(q, 7, c->id);
  sqlite3_bind_int64(q, 8, max);
}

enum camp_err store_outbox_list(struct store *s, const struct outbox_choice *c, uint32_t max, store_row_fn *fn, void *context) {
  sqlite3_stmt *q = query(s, is_open(c) ? Q_OUTBOX_LIST_OPEN : Q_OUTBOX_LIST_ANY);
  if (!q) return store_fail(s);
  bind_choice(q, c, max);
  enum camp_err err = report_rows(s, q, fn, context);
  sqlite3_reset(q);
  return err;
}

/* The rows that are chosen, in a temporary table. */
static enum camp_err choose(struct store *s, const struct outbox_choice *c, uint32_t max, uint64_t *count) {
  bool row;
  enum camp_err err = query_step(s, query(s, Q_CHOSEN_MAKE), &row);
  if (!err) err = query_step(s, query(s, Q_CHOSEN_CLEAR), &row);
  sqlite3_stmt *q = err ? NULL : query(s, is_open(c) ? Q_CHOSEN_OPEN : Q_CHOSEN_ANY);
  bind_choice(q, c, max);
  if (!err) err = query_run(s, q);
  if (!err) err = query_step(s, query(s, Q_CHOSEN_COUNT), &row);
  if (err || !row) return err;
  *count = (uint64_t)sqlite3_column_int64(query(s, Q_CHOSEN_COUNT), 0);
  sqlite3_reset(query(s, Q_CHOSEN_COUNT));
  return CAMP_OK;
}

static enum camp_err move_chosen(struct store *s, const struct outbox_action *act, bool withdraw) {
  sqlite3_stmt *q = query(s, withdraw ? Q_CHOSEN_WITHDRAW : Q_CHOSEN_RETRY);
  if (q) {
    sqlite3_bind_int64(q, 1, act->at_ms);
    bind_str(q, 2, act->reason);
  }
  enum camp_err err = query_run(s, q);
  return err ? err : query_run(s, query(s, withdraw ? Q_CHOSEN_GONE : Q_CHOSEN_DUE));
}

static void bind_pause(sqlite3_stmt *q, const struct outbox_action *act) {
  if (!q) return;
  const struct outbox_choice *c = &act->choice;
  sqlite3_bind_int64(q, 1, act->at_ms);
  bind_str_or_null(q, 3, c->message);
  bind_str_or_null(q, 4, c->campaign);
  bind_str_or_null(q, 5, c->contact);
  bind_str_or_null(q, 6, c->domain);
  bind_str_or_null(q, 7, act->relay);
  bool any = !c->message.len && !c->campaign.len && !c->contact.len && !c->domain.len && !act->relay.len;
  sqlite3_bind_int(q, 8, act->act == OUTBOX_ACT_RESUME && any);
}

static enum camp_err note(struct store *s, const struct outbox_action *act, uint64_t count) {
  sqlite3_stmt *q = query(s, Q_ACTION_PUT);
  bind_pause(q, act);
  if (q) {
    sqlite3_bind_int(q, 2, (int)act->act);
    bind_str(q, 8, act->reason);
    sqlite3_bind_int64(q, 9, (int64_t)count);
  }
  return query_run(s, q);
}

/* *count: how many pauses there are of just this sort; of any sort for a resumption of all. */
static enum camp_err count_same(struct store *s, const struct outbox_action *act, uint64_t *count) {
  bool row;
  sqlite3_stmt *q = query(s, Q_ACTION_SAME);
  bind_pause(q, act);
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *count = (uint64_t)sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}

static enum camp_err resume(struct store *s, const struct outbox_action *act) {
  sqlite3_stmt *q = query(s, Q_ACTION_FREE);
  bind_pause(q, act);
  enum camp_err err = query_run(s, q);
  if (err) return err;
  q = query(s, Q_ACTION_END);
  bind_pause(q, act);
  return query_run(s, q);
}

enum camp_err store_outbox_act(struct store *s, const struct outbox_action *act, uint32_t max, uint64_t *count) {
  enum camp_err err = CAMP_OK;
  *count = 0;
  switch (act->act) {
    case OUTBOX_ACT_PAUSE:
      err = count_same(s, act, count);
      if (err || *count) return err; /* it holds already */
      break;
    case OUTBOX_ACT_RESUME:
      err = count_same(s, act, count);
      if (err || !*count) return err;
      err = resume(s, act);
      break;
    case OUTBOX_ACT_RETRY:
    case OUTBOX_ACT_WITHDRAW:
      err = choose(s, &act->choice, max, count);
      if (err || !*count) return err;
      err = move_chosen(s, act, act->act == OUTBOX_ACT_WITHDRAW);
      break;
  }
  return err ? err : note(s, act, *count);
}

enum camp_err store_outbox_pause(struct store *s, int64_t id, int64_t at_ms, const struct outbox_action *pause) {
  struct str why = pause->reason;
  char reason[256];
  snprintf(reason, sizeof reason, "paused by camp outbox%s%.*s", why.len ? ": " : "", (int)(why.len < 200 ? why.len : 200), why.len ? why.ptr : "");
  enum camp_err err = store_outbox_state(s, id, OUTBOX_PAUSED, at_ms, str_from_c(reason));
  sqlite3_stmt *q = query(s, Q_LATE_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, id);
    sqlite3_bind_int64(q, 2, PARKED);
    sqlite3_bind_int64(q, 3, pause->id);
  }
  return err ? err : query_run(s, q);
}

enum camp_err store_outbox_pauses(struct store *s, struct arena *a, struct outbox_action **out, uint32_t *count, int64_t *last) {
  VEC(struct outbox_action) all = { 0 };
  sqlite3_stmt *q = query(s, Q_ACTION_LAST);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err) return err;
  *last = sqlite3_column_int64(q, 0);
  s->now.outbox_late = sqlite3_column_int(q, 1);
  sqlite3_reset(q);
  q = query(s, Q_ACTION_PAUSES);
  while (!(err = query_step(s, q, &row)) && row) {
    struct outbox_action p = { .id = sqlite3_column_int64(q, 0), .at_ms = sqlite3_column_int64(q, 1), .until_ms = STORE_NEVER, .act = OUTBOX_ACT_PAUSE,
      .choice = { .message = column_str(a, q, 2), .campaign = column_str(a, q, 3), .contact = column_str(a, q, 4), .domain = column_str(a, q, 5) },
      .relay = column_str(a, q, 6), .reason = column_str(a, q, 7) };
    VEC_PUSH(a, &all, p);
  }
  *out = all.items;
  *count = all.count;
  return err;
}

enum camp_err store_version(struct store *s, int64_t *version) {
  sqlite3_stmt *q = query(s, Q_DATA_VERSION);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *version = sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}
