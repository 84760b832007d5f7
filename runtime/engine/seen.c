/* Has this contact sent this event id before? The newest ids are in the contact's own state; older ones, in chunks, in the store.
 *
 * Not for events without an id: those are known by their place in their source, never by their content.
 *
 * Invariants:
 * 1. c.seen is oldest first. Ids are spilled oldest first, leaving SEEN_KEPT_COUNT; so while fewer than that many are in
 *    the state, whatever was spilled has expired, and no look at the store is needed.
 * 2. Days are those of the input's instant, which is never before the contact's clock and so never runs back. */
#include "runtime/engine/tick.h"

#include <stdlib.h>

static uint32_t day_of(const struct live *l) {
  int64_t ms = l->now_ms > 0 ? l->now_ms : 0;
  return (uint32_t)(ms / MS_PER_DAY);
}

static void expire(struct live *l, uint32_t today) {
  uint32_t gone = 0;
  while (gone < l->c.seen.count && l->c.seen.items[gone].day + SEEN_DAYS < today) gone++;
  if (!gone) return;
  l->c.seen.count -= gone;
  memmove(l->c.seen.items, l->c.seen.items + gone, l->c.seen.count * sizeof l->c.seen.items[0]);
}

/* Of one id the newest day counts. */
static void older_put(struct live *l, struct seen s) {
  if (2 * (l->older_count + 1) > l->older_cap) {
    struct seen *was = l->older;
    uint32_t n = l->older_cap;
    l->older_cap = n ? 2 * n : 256;
    l->older_count = 0;
    l->older = arena_zalloc(&l->e->contact, l->older_cap, sizeof *l->older);
    for (uint32_t i = 0; i < n; i++)
      if (was[i].hash) older_put(l, was[i]);
  }
  uint32_t at = (uint32_t)s.hash & (l->older_cap - 1);
  while (l->older[at].hash && l->older[at].hash != s.hash) at = (at + 1) & (l->older_cap - 1);
  if (!l->older[at].hash) l->older_count++;
  if (s.day >= l->older[at].day) l->older[at] = s;
}

/* The spilled ids are read once a contact and batch: an event then costs a look, not the contact's last thirty days. */
static enum camp_err older_load(struct live *l, uint32_t today) {
  struct str *chunks;
  uint32_t count;
  uint32_t day_min = today > SEEN_DAYS ? today - SEEN_DAYS : 0;
  TRY(store_seen_get(l->e->store, &l->e->contact, l->c.id, day_min, &chunks, &count));
  l->older_cap = 256;
  l->older = arena_zalloc(&l->e->contact, l->older_cap, sizeof *l->older);
  for (uint32_t i = 0; i < count; i++) {
    struct reader r = reader_of(chunks[i].ptr, chunks[i].len);
    while (r.at < r.end && !r.failed) {
      uint64_t hash = reader_u64(&r);
      uint64_t day = reader_varint(&r);
      if (!r.failed && hash) older_put(l, (struct seen){ hash, (uint32_t)day });
    }
    if (r.failed)
      return engine_fail(l->e, CAMP_CORRUPT, "the older event ids of contact " STR_FMT " are damaged", STR_ARG(l->c.key));
  }
  return CAMP_OK;
}

static enum camp_err in_chunks(struct live *l, uint64_t ident, uint32_t today, bool *again) {
  if (!l->older_cap) TRY(older_load(l, today));
  uint32_t at = (uint32_t)ident & (l->older_cap - 1);
  while (l->older[at].hash && l->older[at].hash != ident) at = (at + 1) & (l->older_cap - 1);
  *again = l->older[at].hash && l->older[at].day + SEEN_DAYS >= today;
  return CAMP_OK;
}

static enum camp_err spill(struct live *l) {
  struct engine *e = l->e;
  uint32_t n = l->c.seen.count - SEEN_KEPT_COUNT;
  buf_clear(&e->scratch);
  for (uint32_t i = 0; i < n; i++) {
    buf_u64(&e->scratch, l->c.seen.items[i].hash);
    buf_varint(&e->scratch, l->c.seen.items[i].day);
    if (l->older_cap) older_put(l, l->c.seen.items[i]);
  }
  uint32_t day_last = l->c.seen.items[n - 1].day;
  TRY(store_seen_put(e->store, l->c.id, day_last, buf_as_str(&e->scratch)));
  memmove(l->c.seen.items, l->c.seen.items + n, SEEN_KEPT_COUNT * sizeof l->c.seen.items[0]);
  l->c.seen.count = SEEN_KEPT_COUNT;
  return CAMP_OK;
}

static int by_day(const void *a, const void *b) {
  const struct seen *x = a, *y = b;
  if (x->day != y->day) return x->day < y->day ? -1 : 1;
  return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Invariant 1 holds for the union: each of the two had SEEN_KEPT_COUNT ids that are no older than its spilled ones, so while fewer
 * than that many are left, some of those have expired, and the spilled ones with them. */
enum camp_err live_seen_merge(struct live *l, const struct contact *other) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < other->seen.count; i++) VEC_PUSH(l->c.arena, &l->c.seen, other->seen.items[i]);
  if (l->c.seen.count > 1) qsort(l->c.seen.items, l->c.seen.count, sizeof *l->c.seen.items, by_day);
  /* Of one id the newest day counts; both had it, so there are at most two of it, and few in all. */
  for (uint32_t i = 0; i < l->c.seen.count; i++) {
    bool later = false;
    for (uint32_t k = i + 1; k < l->c.seen.count && !later; k++) later = l->c.seen.items[k].hash == l->c.seen.items[i].hash;
    if (!later) l->c.seen.items[kept++] = l->c.seen.items[i];
  }
  l->c.seen.count = kept;
  l->older_cap = 0; /* the store has more of them than were read */
  expire(l, day_of(l));
  while (l->c.seen.count >= SEEN_INLINE_COUNT) TRY(spill(l));
  return CAMP_OK;
}

enum camp_err live_seen(struct live *l, uint64_t ident, bool *again) {
  uint32_t today = day_of(l);
  *again = false;
  expire(l, today);
  for (uint32_t i = l->c.seen.count; i-- && !*again;) *again = l->c.seen.items[i].hash == ident;
  if (!*again && l->c.seen.count >= SEEN_KEPT_COUNT) TRY(in_chunks(l, ident, today, again));
  if (*again) return CAMP_OK;
  struct seen s = { .hash = ident, .day = today };
  VEC_PUSH(&l->e->contact, &l->c.seen, s);
  return l->c.seen.count >= SEEN_INLINE_COUNT ? spill(l) : CAMP_OK;
}
