/* What people do to the outbox: pauses, resumptions, retries, withdrawals, and the lists to choose from. `camp outbox` does it beside a
 * run, which looks before it hands anything over.
 *
 * Not for: what a sender does with a pause (runtime/send/outbox.c), the engine's own states (outbox_rows.c).
 *
 * Invariants:
 * 1. Nothing that a writer keeps in mind is written here (counters, names): its own next transaction would undo it.
 * 2. A row that is withdrawn leaves outbox_late, one that is tried again enters it: rows up to counter.outbox_settled are found by it.
 * 3. A claimed row can be withdrawn. Its sender gives it back, and when it had left already, says so: then it is `sent` after all.
 * 4. Each action is noted with its reason, in the transaction that carries it out.
 * 5. No list and no action reads what was sent unless it is asked for by its state: rows that are not finished, or failed, are found by
 *    counter.outbox_settled, outbox_late and the index outbox_given_up, one contact's by its chain. */
#include "sqlite.h"

#include <stdio.h>

enum { CHOSEN_READ_COUNT = 1024 };

#define PARKED (STORE_NEVER - 1) /* the due of a paused row; STORE_NEVER is a claimed one's */

/* Those that are not finished, or failed: found without looking at the others. */
enum { UNSENT_STATES = 1 << OUTBOX_READY | 1 << OUTBOX_CLAIMED | 1 << OUTBOX_DEFERRED | 1 << OUTBOX_DOUBT | 1 << OUTBOX_PAUSED | 1 << OUTBOX_FAILED |
       1 << OUTBOX_HELD };

/* Where rows are looked for, the narrowest first. */
enum where { WHERE_ONE, WHERE_CONTACT, WHERE_UNSENT, WHERE_ANY };

static enum where where_of(const struct outbox_choice *c) {
  if (c->id) return WHERE_ONE;
  if (c->contact.len) return WHERE_CONTACT;
  return c->states && !(c->states & ~(uint32_t)UNSENT_STATES) ? WHERE_UNSENT : WHERE_ANY;
}

/* *contact: its id, 0 when none is named; *none: the one that is named is not known. */
static enum camp_err find_contact(struct store *s, struct str key, int64_t *contact, bool *none) {
  struct key_lookup lookup = { .key = key };
  enum camp_err err = key.len ? store_contacts(s, &lookup, 1, false, 0) : CAMP_OK;
  *contact = lookup.id;
  *none = key.len && !lookup.id;
  return err;
}

static void bind_choice(sqlite3_stmt *q, const struct outbox_choice *c, int64_t contact, uint32_t max) {
  if (!q) return;
  sqlite3_bind_int64(q, 1, c->states ? c->states : UINT32_MAX);
  bind_str_or_null(q, 2, c->message);
  bind_str_or_null(q, 3, c->campaign);
  sqlite3_bind_int64(q, 4, contact);
  bind_str_or_null(q, 5, c->domain);
  bind_str_or_null(q, 6, c->reason);
  sqlite3_bind_int64(q, 7, c->id);
  sqlite3_bind_int64(q, 8, max);
}

enum camp_err store_outbox_list(struct store *s, const struct outbox_choice *c, uint32_t max, store_row_fn *fn, void *context) {
  static const enum query lists[] = { [WHERE_ONE] = Q_OUTBOX_LIST_ONE, [WHERE_CONTACT] = Q_OUTBOX_LIST_CONTACT, [WHERE_UNSENT] = Q_OUTBOX_LIST_UNSENT,
    [WHERE_ANY] = Q_OUTBOX_LIST_ANY };
  int64_t contact;
  bool none;
  enum camp_err err = find_contact(s, c->contact, &contact, &none);
  if (err || none) return err;
  sqlite3_stmt *q = query(s, lists[where_of(c)]);
  if (!q) return store_fail(s);
  bind_choice(q, c, contact, max);
  err = report_rows(s, q, fn, context);
  sqlite3_reset(q);
  return err;
}

/* The rows that are chosen, in a temporary table. */
static enum camp_err choose(struct store *s, const struct outbox_choice *c, uint32_t max) {
  static const enum query choices[] = { [WHERE_ONE] = Q_CHOSEN_ONE, [WHERE_CONTACT] = Q_CHOSEN_CONTACT, [WHERE_UNSENT] = Q_CHOSEN_UNSENT,
    [WHERE_ANY] = Q_CHOSEN_ANY };
  bool row, none;
  int64_t contact;
  enum camp_err err = query_step(s, query(s, Q_CHOSEN_MAKE), &row);
  if (!err) err = query_step(s, query(s, Q_CHOSEN_CLEAR), &row);
  if (!err) err = find_contact(s, c->contact, &contact, &none);
  if (err || none) return err;
  sqlite3_stmt *q = query(s, choices[where_of(c)]);
  bind_choice(q, c, contact, max);
  return query_run(s, q);
}

static enum camp_err count_chosen(struct store *s, uint64_t *count) {
  bool row;
  enum camp_err err = query_step(s, query(s, Q_CHOSEN_COUNT), &row);
  if (err || !row) return err;
  *count = (uint64_t)sqlite3_column_int64(query(s, Q_CHOSEN_COUNT), 0);
  sqlite3_reset(query(s, Q_CHOSEN_COUNT));
  return CAMP_OK;
}

/* The row is not tried again, and says why. */
static enum camp_err spare(struct store *s, int64_t id, struct str reason) {
  sqlite3_stmt *q = query_1(s, Q_CHOSEN_SPARE, id);
  enum camp_err err = query_run(s, q);
  q = query(s, Q_OUTBOX_SPARED);
  if (q) {
    sqlite3_bind_int64(q, 1, id);
    bind_str(q, 2, reason);
  }
  return err ? err : query_run(s, q);
}

static enum camp_err chosen_read(struct store *s, int64_t after, int64_t ids[CHOSEN_READ_COUNT], uint32_t *count) {
  sqlite3_stmt *q = query_2(s, Q_CHOSEN_READ, after, CHOSEN_READ_COUNT);
  bool row;
  enum camp_err err;
  *count = 0;
  while (!(err = query_step(s, q, &row)) && row) ids[(*count)++] = sqlite3_column_int64(q, 0);
  return err;
}

/* A portion at a time: what is asked writes, and memory stays flat however many there are. */
static enum camp_err ask_of_each(struct store *s, const struct outbox_asks *asks) {
  int64_t ids[CHOSEN_READ_COUNT], after = 0;
  uint32_t count = CHOSEN_READ_COUNT;
  struct arena a;
  enum camp_err err = CAMP_OK;
  arena_init(&a, 64 << 10);
  while (!err && count == CHOSEN_READ_COUNT) {
    err = chosen_read(s, after, ids, &count);
    for (uint32_t i = 0; i < count && !err; i++) {
      struct outbox_item item;
      struct str reason = { NULL, 0 };
      arena_reset(&a);
      after = ids[i];
      err = store_outbox_item(s, &a, ids[i], &item);
      if (!err) err = asks->ask(asks->context, &item, &a, &reason);
      if (!err && reason.len) err = spare(s, ids[i], reason);
    }
  }
  arena_deinit(&a);
  return err;
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

enum camp_err store_outbox_act(struct store *s, const struct outbox_action *act, const struct outbox_asks *asks, uint32_t max, uint64_t *count) {
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
      err = choose(s, &act->choice, max);
      if (!err && asks) err = ask_of_each(s, asks);
      if (!err) err = count_chosen(s, count);
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
