/* Contacts: from key to id in batches, a contact's rows read and written together.
 *
 * Not for: what a contact's state means (vm/contact.c), nor when it is to be looked at (the engine, timers.c).
 *
 * Invariants:
 * 1. A key has one id for ever, unless two contacts turn out to be one (aliases.c). Ids rise by one, in the order in which keys
 *    first appear in the input, whatever the batch.
 * 2. Two keys are never taken for one: a place of contact_key is a key's own when its proof agrees, 88 bits with the place, both
 *    under secret keys made with the database.
 * 3. contact_key is read and written in order of hash within a batch: random places, visited in order, share their pages. */
#include "sqlite.h"

#include <stdlib.h>

#define HASH_BITS 56 /* a row id below 2^56 takes eight bytes instead of nine */
#define HASH_MASK ((UINT64_C(1) << HASH_BITS) - 1)

/* --- keys ------------------------------------------------------------------------------------------------------------- */

static bool place_before(const struct key_place *a, const struct key_place *b) {
  if (a->hash != b->hash) return a->hash < b->hash;
  return a->proof != b->proof ? a->proof < b->proof : a->index < b->index;
}

/* Sorts by hash: one counting pass by the leading bits puts nearly every item in place, insertion does the rest. Equal spread is
 * what a hash gives; were it not, this would still be right. */
static void places_sort(struct store *s, uint32_t count) {
  uint32_t bits = 1;
  while (bits < 16 && (1u << bits) < count) bits++;
  uint32_t buckets = 1u << bits, shift = HASH_BITS - bits;
  uint32_t *starts = calloc(buckets + 1, sizeof *starts);
  CHECK(starts);
  for (uint32_t i = 0; i < count; i++) starts[(s->places[i].hash >> shift) + 1]++;
  for (uint32_t b = 0; b < buckets; b++) starts[b + 1] += starts[b];
  for (uint32_t i = 0; i < count; i++) s->places_spare[starts[s->places[i].hash >> shift]++] = s->places[i];
  free(starts);
  struct key_place *sorted = s->places_spare;
  for (uint32_t i = 1; i < count; i++) {
    struct key_place p = sorted[i];
    uint32_t at = i;
    for (; at > 0 && place_before(&p, &sorted[at - 1]); at--) sorted[at] = sorted[at - 1];
    sorted[at] = p;
  }
  s->places_spare = s->places;
  s->places = sorted;
}

static struct key_place place_of(const struct store *s, struct str key) {
  return (struct key_place){ hash_str(s->hash_key, key) & HASH_MASK, (uint32_t)hash_str(s->proof_key, key), 0 };
}

static void places_fill(struct store *s, const struct key_lookup *keys, uint32_t count) {
  if (count > s->place_cap) {
    uint32_t cap = s->place_cap;
    s->places = store_grow(s->places, &cap, count, sizeof *s->places);
    s->places_spare = store_grow(s->places_spare, &s->place_cap, count, sizeof *s->places_spare);
  }
  for (uint32_t i = 0; i < count; i++) {
    s->places[i] = place_of(s, keys[i].key);
    s->places[i].index = i;
  }
  places_sort(s, count);
}

/* The id of the key with this hash and proof, 0 when it is not known; *free_at is where it would be put. */
static enum camp_err key_find(struct store *s, uint64_t hash, uint32_t proof, int64_t *id, uint64_t *free_at) {
  *id = 0;
  for (;; hash = (hash + 1) & HASH_MASK) {
    sqlite3_stmt *q = query(s, Q_KEY_FIND);
    if (q) sqlite3_bind_int64(q, 1, (int64_t)hash);
    bool row;
    enum camp_err err = query_step(s, q, &row);
    if (err) return err;
    *free_at = hash;
    if (!row) return CAMP_OK;
    if (sqlite3_column_int64(q, 0) == (int64_t)proof) *id = sqlite3_column_int64(q, 1);
    sqlite3_reset(q);
    if (*id) return CAMP_OK;
  }
}

static enum camp_err key_put(struct store *s, uint64_t hash, uint32_t proof, int64_t id) {
  for (;; hash = (hash + 1) & HASH_MASK) {
    sqlite3_stmt *q = query(s, Q_KEY_PUT);
    if (q) {
      sqlite3_bind_int64(q, 1, (int64_t)hash);
      sqlite3_bind_int64(q, 2, proof);
      sqlite3_bind_int64(q, 3, id);
    }
    enum camp_err err = query_run(s, q);
    if (err || sqlite3_changes(s->db)) return err;
  }
}

static bool same_key(const struct key_place *a, const struct key_place *b) { return a->hash == b->hash && a->proof == b->proof; }

/* Each known key's id, to all its places; *unknown counts the others. A new key's first place is its lowest index. */
static enum camp_err places_find(struct store *s, struct key_lookup *keys, uint32_t count, uint32_t *unknown) {
  *unknown = 0;
  for (uint32_t i = 0; i < count;) {
    struct key_place *p = &s->places[i];
    int64_t id;
    uint64_t free_at;
    enum camp_err err = key_find(s, p->hash, p->proof, &id, &free_at);
    if (err) return err;
    *unknown += id == 0;
    uint32_t first = i;
    for (; i < count && same_key(p, &s->places[i]); i++) keys[s->places[i].index].id = id;
    if (!id) keys[s->places[first].index].fresh = true;
  }
  return CAMP_OK;
}

/* The new keys' ids go to their first places in the order of the input; then, in order of hash, to the table and to the others. */
static enum camp_err places_make(struct store *s, struct key_lookup *keys, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (keys[i].fresh) keys[i].id = ++s->now.contact_last;
  for (uint32_t i = 0; i < count;) {
    const struct key_place *p = &s->places[i];
    struct key_lookup *first = &keys[p->index];
    if (first->fresh) {
      enum camp_err err = key_put(s, p->hash, p->proof, first->id);
      if (err) return err;
    }
    for (uint32_t j = i; i < count && same_key(&s->places[j], &s->places[i]); i++) {
      keys[s->places[i].index].id = first->id;
      keys[s->places[i].index].fresh = first->fresh;
    }
  }
  return CAMP_OK;
}

enum camp_err store_contacts(struct store *s, struct key_lookup *keys, uint32_t count, bool make, int64_t at_ms) {
  uint32_t unknown = 0;
  for (uint32_t i = 0; i < count; i++) keys[i].fresh = false;
  if (!count) return CAMP_OK;
  places_fill(s, keys, count);
  enum camp_err err = places_find(s, keys, count, &unknown);
  if (!err && make && unknown) {
    int64_t first = s->now.contact_last + 1;
    if ((err = places_make(s, keys, count))) return err;
    s->counters_changed = true;
    s->fresh = store_grow(s->fresh, &s->fresh_cap, s->fresh_count + 1, sizeof *s->fresh);
    s->fresh[s->fresh_count++] = (struct fresh_range){ first, at_ms };
  } else {
    for (uint32_t i = 0; i < count; i++) keys[i].fresh = false;
  }
  return err;
}

/* The key leads to this contact from now on, whether it was known or not. */
enum camp_err key_point(struct store *s, struct str key, int64_t contact) {
  struct key_place p = place_of(s, key);
  int64_t known;
  uint64_t at;
  enum camp_err err = key_find(s, p.hash, p.proof, &known, &at);
  if (err) return err;
  if (!known) return key_put(s, p.hash, p.proof, contact);
  return query_run(s, query_2(s, Q_KEY_POINT, (int64_t)at, contact));
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

/* Columns of SLOT_READ. */
enum { C_SLOT, C_DUE, C_SINCE, C_BODY, C_UNIT, C_PC, C_BASE, C_STARTED, C_ENTRY, C_FORK, C_SENDS, C_CONVERTED, C_LAST_EVENT,
  C_LAST_MESSAGE, C_KEY, C_ATTRIBUTES };

static struct strand_row strand_of(sqlite3_stmt *q, struct arena *a) {
  int64_t since = sqlite3_column_int64(q, C_SINCE);
  return (struct strand_row){ .slot = (uint32_t)sqlite3_column_int64(q, C_SLOT), .unit = (uint32_t)sqlite3_column_int64(q, C_UNIT),
    .pc = (uint32_t)sqlite3_column_int64(q, C_PC), .entry = (uint32_t)sqlite3_column_int64(q, C_ENTRY),
    .fork = (uint32_t)sqlite3_column_int64(q, C_FORK), .sends = (uint32_t)sqlite3_column_int64(q, C_SENDS),
    .due_ms = column_or(q, C_DUE, STORE_NEVER), .since_ms = since, .base_ms = column_or(q, C_BASE, since),
    .started_ms = column_or(q, C_STARTED, since), .converted = sqlite3_column_int(q, C_CONVERTED) == 1, .over = sqlite3_column_int(q, C_CONVERTED) == 2, .locals = column_str(a, q, C_BODY),
    .state = ROW_CLEAN };
}

enum camp_err store_contact_read(struct store *s, struct arena *a, int64_t id, struct contact_row *out) {
  *out = (struct contact_row){ .id = id, .timer_ms = STORE_NEVER };
  /* Gathered aside and copied once: a vector growing in the arena would hold several times what a contact has. */
  uint32_t strands = 0;
  /* A batch goes by its contacts in order, so what is gathered is of earlier ones. */
  sqlite3_stmt *q = id > s->slot_gathered_last ? query_beside(s, Q_SLOT_READ) : query(s, Q_SLOT_READ);
  if (q) sqlite3_bind_int64(q, 1, id << SLOT_SHIFT);
  bool row, found = false;
  enum camp_err err;
  while (!(err = query_step(s, q, &row)) && row) {
    if (sqlite3_column_int64(q, C_SLOT) == 0) {
      found = true;
      out->timer_ms = column_or(q, C_DUE, STORE_NEVER);
      out->since_ms = sqlite3_column_int64(q, C_SINCE);
      out->state = column_str(a, q, C_BODY);
      out->last_event = sqlite3_column_int64(q, C_LAST_EVENT);
      out->last_message = sqlite3_column_int64(q, C_LAST_MESSAGE);
      out->key = column_str(a, q, C_KEY);
      out->attributes = column_str(a, q, C_ATTRIBUTES);
    } else {
      s->strands = store_grow(s->strands, &s->strand_cap, strands + 1, sizeof *s->strands);
      s->strands[strands++] = strand_of(q, a);
    }
  }
  if (err) return err;
  out->strands = arena_alloc(a, strands * sizeof *out->strands);
  if (strands) memcpy(out->strands, s->strands, strands * sizeof *out->strands);
  out->strand_count = strands;
  return found ? CAMP_OK : CAMP_NOT_FOUND;
}

static int64_t known_since(const struct store *s, int64_t contact) {
  int64_t at = 0;
  for (uint32_t i = 0; i < s->fresh_count && s->fresh[i].first <= contact; i++) at = s->fresh[i].at_ms;
  return at;
}

static enum camp_err contact_put(struct store *s, const struct contact_row *r, int64_t due) {
  struct cell *c;
  enum camp_err err = gather_row(s, GATHERED_SLOT, &c);
  if (err) return err;
  cell_number(&c[0], r->id << SLOT_SHIFT);
  cell_unless(&c[1], due, STORE_NEVER);
  cell_number(&c[2], r->known_ms ? r->known_ms : r->since_ms ? r->since_ms : known_since(s, r->id));
  cell_blob_or_null(s, &c[3], r->state);
  cell_unless(&c[12], r->last_event, 0);
  cell_unless(&c[13], r->last_message, 0);
  cell_text(s, &c[14], r->key);
  cell_text_or_null(s, &c[15], r->attributes);
  return CAMP_OK;
}

static enum camp_err strand_put(struct store *s, int64_t contact, const struct strand_row *t) {
  CHECK(t->slot > 0 && t->slot < SLOT_COUNT);
  int64_t id = contact << SLOT_SHIFT | t->slot;
  if (t->state == ROW_GONE) {
    gather_slot_gone(s, id);
    return CAMP_OK;
  }
  struct cell *c;
  enum camp_err err = gather_row(s, GATHERED_SLOT, &c);
  if (err) return err;
  cell_number(&c[0], id);
  cell_unless(&c[1], t->due_ms, STORE_NEVER);
  cell_number(&c[2], t->since_ms);
  cell_blob_or_null(s, &c[3], t->locals);
  cell_number(&c[4], t->unit);
  cell_number(&c[5], t->pc);
  cell_unless(&c[6], t->base_ms, t->since_ms);
  cell_unless(&c[7], t->started_ms, t->since_ms);
  cell_number(&c[8], t->entry);
  cell_number(&c[9], t->fork);
  cell_number(&c[10], t->sends);
  cell_number(&c[11], t->over ? 2 : t->converted);
  return CAMP_OK;
}

enum camp_err store_contact_write(struct store *s, const struct contact_row *r, int64_t timer_was) {
  CHECK(r->id > 0 && r->id <= s->now.contact_last);
  int64_t was = r->fresh ? STORE_NEVER : timer_was, due = timer_after(s, was, r->timer_ms);
  /* One contact is gathered once: what goes and what takes its place would else stand in one heap. */
  enum camp_err err = r->id <= s->slot_gathered_last ? gather_write(s, 1u << GATHERED_SLOT) : s->failed;
  if (!err) err = contact_put(s, r, due);
  for (uint32_t i = 0; i < r->strand_count && !err; i++)
    if (r->strands[i].state != ROW_CLEAN) err = strand_put(s, r->id, &r->strands[i]);
  s->slot_gathered_last = r->id;
  if (!err && due != was) {
    timer_note(s, was, r->id, false);
    timer_note(s, due, r->id, true);
  }
  return err;
}
