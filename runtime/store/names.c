/* Names, compiled units, and the few rows that say how far things are: clock, sources, senders.
 *
 * Not for: contacts and what happens to them.
 *
 * Invariants:
 * 1. Names are numbered 1, 2, … without gaps, in memory as in the table; a number never changes its text.
 * 2. A measure's epoch is the one in force when its transaction commits: a deploy raises the epoch and takes the names made
 *    before it in the same transaction along.
 * 3. A unit's count of strands changes once a transaction, by the sum of what was gathered. */
#include "sqlite.h"

#include <stdlib.h>

/* --- names ------------------------------------------------------------------------------------------------------------ */

static uint64_t name_hash(enum name_kind kind, struct str text) {
  return hash_str((struct hash_key){ 0x63616d70, (uint64_t)kind }, text);
}

static void table_add(struct store *s, uint32_t id) {
  uint32_t mask = s->name_table_count - 1, at = (uint32_t)s->names[id - 1].hash & mask;
  while (s->name_table[at]) at = (at + 1) & mask;
  s->name_table[at] = id;
}

static void table_build(struct store *s, uint32_t room) {
  free(s->name_table);
  s->name_table_count = 64;
  while (s->name_table_count < 2 * room) s->name_table_count *= 2;
  s->name_table = calloc(s->name_table_count, sizeof *s->name_table);
  CHECK(s->name_table);
  for (uint32_t id = 1; id <= s->now.name_count; id++) table_add(s, id);
}

static void remember(struct store *s, enum name_kind kind, struct str text, uint32_t epoch) {
  uint32_t id = s->now.name_count + 1;
  s->names = store_grow(s->names, &s->name_cap, id, sizeof *s->names);
  s->names[id - 1] = (struct known_name){ kind, epoch, name_hash(kind, text), arena_str(&s->name_texts, text) };
  s->now.name_count = id;
  if (2 * id > s->name_table_count) table_build(s, id);
  else table_add(s, id);
}

enum camp_err names_load(struct store *s) {
  table_build(s, 32);
  sqlite3_stmt *q = query(s, Q_NAME_ALL);
  bool row;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    struct str text = { (const char *)sqlite3_column_text(q, 2), (size_t)sqlite3_column_bytes(q, 2) };
    bool fits = sqlite3_column_int64(q, 0) == (int64_t)s->now.name_count + 1 && s->now.name_count < LIMIT_NAMES_COUNT;
    if (!fits) {
      sqlite3_reset(q);
      return store_fail_as(s, CAMP_CORRUPT, "the table of names has gaps; restore the database from a backup");
    }
    remember(s, (enum name_kind)sqlite3_column_int(q, 1), text, (uint32_t)sqlite3_column_int64(q, 3));
  }
  return err;
}

void names_cut(struct store *s, uint32_t count) {
  s->now.name_count = count;
  table_build(s, count);
}

void names_free(struct store *s) {
  free(s->names);
  free(s->name_table);
  arena_deinit(&s->name_texts);
}

uint32_t store_name_find(const struct store *s, enum name_kind kind, struct str text) {
  uint64_t hash = name_hash(kind, text);
  uint32_t mask = s->name_table_count - 1;
  for (uint32_t at = (uint32_t)hash & mask; s->name_table[at]; at = (at + 1) & mask) {
    const struct known_name *n = &s->names[s->name_table[at] - 1];
    if (n->hash == hash && n->kind == kind && str_eq(n->text, text)) return s->name_table[at];
  }
  return 0;
}

static bool has_epoch(enum name_kind kind) { return kind == NAME_MEASURE || kind == NAME_SCHEDULE || kind == NAME_SEGMENT ||
                                                           kind == NAME_SCORE; }

enum camp_err store_name(struct store *s, enum name_kind kind, struct str text, uint32_t *id) {
  *id = store_name_find(s, kind, text);
  if (*id) return CAMP_OK;
  if (s->now.name_count >= LIMIT_NAMES_COUNT)
    return store_fail_as(s, CAMP_LIMIT, "more than %d different names of events, lists, tags, segments, campaigns, measures and messages",
                         LIMIT_NAMES_COUNT);
  uint32_t made = s->now.name_count + 1, epoch = has_epoch(kind) ? s->now.epoch : 0;
  sqlite3_stmt *q = query(s, Q_NAME_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, made);
    sqlite3_bind_int(q, 2, (int)kind);
    bind_str(q, 3, text);
    sqlite3_bind_int64(q, 4, epoch);
  }
  enum camp_err err = query_run(s, q);
  if (err) return err;
  remember(s, kind, text, epoch);
  *id = made;
  return CAMP_OK;
}

struct str store_name_text(const struct store *s, uint32_t id) {
  return id && id <= s->now.name_count ? s->names[id - 1].text : (struct str){ 0 };
}

uint32_t store_epoch(const struct store *s) { return s->now.epoch; }

int64_t store_contact_last(const struct store *s) { return s->now.contact_last; }

uint32_t store_name_epoch(const struct store *s, uint32_t id) {
  return id && id <= s->now.name_count ? s->names[id - 1].epoch : 0;
}

enum name_kind store_name_kind(const struct store *s, uint32_t id) {
  CHECK(id && id <= s->now.name_count);
  return s->names[id - 1].kind;
}

uint32_t store_name_count(const struct store *s) { return s->now.name_count; }

/* --- forgetting ------------------------------------------------------------------------------------------------------- */

enum camp_err store_forget(struct store *s, uint32_t names) {
  CHECK(s->in_transaction);
  CHECK(names <= s->now.name_count);
  enum camp_err err = CAMP_OK;
  for (enum query q = Q_FORGET_SLOT; q <= Q_FORGET_STRANDS && !err; q++) err = query_run(s, query(s, q));
  if (names < s->now.name_count && !err) {
    sqlite3_stmt *q = query(s, Q_FORGET_NAMES);
    if (q) sqlite3_bind_int64(q, 1, names);
    err = query_run(s, q);
    if (!err) names_cut(s, names);
  }
  if (err) return err;
  s->now.contact_last = s->now.event_last = s->now.outbox_last = s->now.outbox_settled = 0;
  s->now.outbox_late = false;
  s->counters_changed = true;
  s->order_last = -1;
  return CAMP_OK;
}

/* --- units ------------------------------------------------------------------------------------------------------------ */

enum camp_err store_unit_put(struct store *s, struct str hash, struct str name, struct str body, uint32_t *id) {
  sqlite3_stmt *q = query(s, Q_UNIT_FIND);
  if (q) bind_blob(q, 1, hash);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err) return err;
  if (row) {
    *id = (uint32_t)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return CAMP_OK;
  }
  if ((q = query(s, Q_UNIT_PUT))) {
    bind_blob(q, 1, hash);
    bind_str(q, 2, name);
    bind_blob(q, 3, body);
  }
  err = query_run(s, q);
  if (!err) *id = (uint32_t)sqlite3_last_insert_rowid(s->db);
  return err;
}

/* A rollback leaves the younger epoch in memory; then contacts are filled once more than they need, which gives the same. */
enum camp_err store_name_renew(struct store *s, uint32_t id) {
  CHECK(id && id <= s->now.name_count);
  s->names[id - 1].epoch = s->now.epoch;
  return query_run(s, query_2(s, Q_NAME_EPOCH, id, s->now.epoch));
}

/* Names of measures and schedules made earlier in the transaction came with this deploy. */
static enum camp_err raise_epoch(struct store *s) {
  enum camp_err err = CAMP_OK;
  s->now.epoch++;
  s->counters_changed = true;
  for (uint32_t i = s->saved.name_count; i < s->now.name_count && !err; i++)
    if (has_epoch(s->names[i].kind)) err = store_name_renew(s, i + 1);
  return err;
}

static enum camp_err put_deploy(struct store *s, int64_t at_ms) {
  return query_run(s, query_2(s, Q_DEPLOY_PUT, s->now.epoch, at_ms));
}

enum camp_err store_deploy_at(struct store *s, uint32_t epoch, int64_t *at_ms) {
  *at_ms = 0;
  sqlite3_stmt *q = query_1(s, Q_DEPLOY_GET, epoch);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *at_ms = sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}

static enum camp_err place_units(struct store *s, const uint32_t *units, uint32_t unit_count, int64_t at_ms) {
  enum camp_err err = query_run(s, query(s, Q_UNIT_NONE));
  for (uint32_t i = 0; i < unit_count && !err; i++) {
    sqlite3_stmt *q = query(s, Q_UNIT_PLACE);
    if (q) {
      sqlite3_bind_int64(q, 1, units[i]);
      sqlite3_bind_int64(q, 2, i);
      sqlite3_bind_int64(q, 3, at_ms);
    }
    if ((err = query_run(s, q))) break;
    if ((q = query(s, Q_STEP_CLEAR))) sqlite3_bind_int64(q, 1, units[i]);
    err = query_run(s, q);
  }
  return err;
}

enum camp_err store_deploy(struct store *s, const uint32_t *units, uint32_t unit_count, const struct stored_step *steps,
                           uint32_t step_count, int64_t at_ms, uint32_t *epoch) {
  enum camp_err err = place_units(s, units, unit_count, at_ms);
  for (uint32_t i = 0; i < step_count && !err; i++) {
    sqlite3_stmt *q = query(s, Q_STEP_PUT);
    if (q) {
      sqlite3_bind_int64(q, 1, steps[i].unit);
      sqlite3_bind_int64(q, 2, steps[i].pc);
      bind_str(q, 3, steps[i].file);
      sqlite3_bind_int64(q, 4, steps[i].line);
      sqlite3_bind_int64(q, 5, steps[i].column);
      bind_str(q, 6, steps[i].label);
    }
    err = query_run(s, q);
  }
  if (!err) err = raise_epoch(s);
  if (!err) err = put_deploy(s, at_ms);
  *epoch = s->now.epoch;
  return err;
}

enum camp_err store_units(struct store *s, struct arena *a, struct stored_unit **out, uint32_t *count) {
  VEC(struct stored_unit) units = { 0 };
  sqlite3_stmt *q = query(s, Q_UNIT_LIVE);
  bool row;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    struct stored_unit u = { .id = (uint32_t)sqlite3_column_int64(q, 0), .hash = column_str(a, q, 1), .name = column_str(a, q, 2),
      .current = sqlite3_column_int(q, 3), .body = column_str(a, q, 4) };
    VEC_PUSH(a, &units, u);
  }
  *out = units.items;
  *count = units.count;
  return err;
}

enum camp_err store_message_version(struct store *s, struct arena *a, struct str message, struct str hash_begins, struct stored_unit *out) {
  sqlite3_stmt *q = query(s, Q_UNIT_FROM);
  enum camp_err err = CAMP_OK;
  bool row = false, found = false;
  if (q) bind_blob(q, 1, hash_begins);
  while (!found && !(err = query_step(s, q, &row)) && row) {
    struct str hash = { sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0) };
    if (!str_starts(hash, hash_begins)) break;
    struct str name = { (const char *)sqlite3_column_text(q, 1), (size_t)sqlite3_column_bytes(q, 1) };
    found = str_starts(name, message) && (name.len == message.len || name.ptr[message.len] == '.');
    if (found) *out = (struct stored_unit){ .hash = column_str(a, q, 0), .name = column_str(a, q, 1), .body = column_str(a, q, 2) };
  }
  if (!err && row) sqlite3_reset(q);
  return err ? err : found ? CAMP_OK : CAMP_NOT_FOUND;
}

/* A place of the deltas: the unit and which of its two counts. */
void store_unit_count(struct store *s, uint32_t id, bool over, int64_t delta) {
  uint32_t unit = id << 1 | over;
  CHECK(s->in_transaction);
  uint32_t cap = s->delta_cap;
  s->deltas = store_grow(s->deltas, &s->delta_cap, unit + 1, sizeof *s->deltas);
  for (; cap < s->delta_cap; cap++) s->deltas[cap] = 0;
  if (!s->deltas[unit]) {
    s->touched = store_grow(s->touched, &s->touched_cap, s->touched_count + 1, sizeof *s->touched);
    s->touched[s->touched_count++] = unit; /* twice when it went back to 0 between, which adds 0 once */
  }
  s->deltas[unit] += delta;
}

void units_forget(struct store *s) {
  for (uint32_t i = 0; i < s->touched_count; i++) s->deltas[s->touched[i]] = 0;
  s->touched_count = 0;
}

enum camp_err units_flush(struct store *s) {
  enum camp_err err = CAMP_OK;
  for (uint32_t i = 0; i < s->touched_count && !err; i++) {
    uint32_t unit = s->touched[i];
    if (!s->deltas[unit]) continue;
    sqlite3_stmt *q = query(s, unit & 1 ? Q_UNIT_ADD_OVER : Q_UNIT_ADD);
    if (q) {
      sqlite3_bind_int64(q, 1, unit >> 1);
      sqlite3_bind_int64(q, 2, s->deltas[unit]);
    }
    s->deltas[unit] = 0;
    err = query_run(s, q);
  }
  return err;
}

/* --- places ----------------------------------------------------------------------------------------------------------- */

enum camp_err store_clock_get(struct store *s, struct store_clock *out) {
  *out = (struct store_clock){ 0 };
  sqlite3_stmt *q = query(s, Q_CLOCK_GET);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *out = (struct store_clock){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2),
    sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4), (uint32_t)sqlite3_column_int64(q, 5), (uint32_t)sqlite3_column_int64(q, 6),
    (uint32_t)sqlite3_column_int64(q, 7), sqlite3_column_int64(q, 8) };
  sqlite3_reset(q);
  return CAMP_OK;
}

enum camp_err store_clock_put(struct store *s, const struct store_clock *c) {
  sqlite3_stmt *q = query(s, Q_CLOCK_PUT);
  if (q) {
    sqlite3_bind_int64(q, 1, c->now_ms);
    sqlite3_bind_int64(q, 2, c->event_done);
    sqlite3_bind_int64(q, 3, c->round_last);
    sqlite3_bind_int64(q, 4, c->round_limit_ms);
    sqlite3_bind_int64(q, 5, c->round_contact);
    sqlite3_bind_int64(q, 6, c->round_phase);
    sqlite3_bind_int64(q, 7, c->swept_epoch);
    sqlite3_bind_int64(q, 8, c->sweep_epoch);
    sqlite3_bind_int64(q, 9, c->sweep_contact);
  }
  return query_run(s, q);
}

enum camp_err store_lived_get(struct store *s, bool *out) {
  *out = false;
  sqlite3_stmt *q = query(s, Q_LIVED_GET);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *out = sqlite3_column_int64(q, 0) != 0;
  sqlite3_reset(q);
  return CAMP_OK;
}

enum camp_err store_lived_put(struct store *s) { return query_run(s, query(s, Q_LIVED_PUT)); }

enum camp_err store_source_get(struct store *s, struct str key, struct store_source *out) {
  *out = (struct store_source){ 0 };
  sqlite3_stmt *q = query(s, Q_SOURCE_GET);
  if (q) bind_str(q, 1, key);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *out = (struct store_source){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2),
    sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4), sqlite3_column_int64(q, 5) };
  sqlite3_reset(q);
  return CAMP_OK;
}

enum camp_err store_source_put(struct store *s, struct str key, const struct store_source *src) {
  sqlite3_stmt *q = query(s, Q_SOURCE_PUT);
  if (q) {
    const int64_t n[] = { src->byte_offset, src->line, src->bytes_known, src->mark_at_ms, src->mark_line, src->count };
    bind_str(q, 1, key);
    for (int i = 0; i < 6; i++) sqlite3_bind_int64(q, i + 2, n[i]);
  }
  return query_run(s, q);
}

enum camp_err store_sender_get(struct store *s, struct str sender, int64_t *mark) {
  *mark = 0;
  sqlite3_stmt *q = query(s, Q_SENDER_GET);
  if (q) bind_str(q, 1, sender);
  bool row;
  enum camp_err err = query_step(s, q, &row);
  if (err || !row) return err;
  *mark = sqlite3_column_int64(q, 0);
  sqlite3_reset(q);
  return CAMP_OK;
}

enum camp_err store_sender_put(struct store *s, struct str sender, int64_t mark) {
  sqlite3_stmt *q = query(s, Q_SENDER_PUT);
  if (q) {
    bind_str(q, 1, sender);
    sqlite3_bind_int64(q, 2, mark);
  }
  return query_run(s, q);
}
