/* What one contact remembers: its bytes in the row, its attributes, its memberships; see contact.h.
 *
 * Not for measures' meaning (measure.c; here they are only stored) and not for rows (the store's).
 *
 * The state's bytes. All numbers are varints, signed ones in zigzag form; times are differences from the clock, which most
 * of them are near. A part without items takes no byte.
 *
 *   SIZE    DESCRIPTION
 *   1       format, 2
 *   varint  parts that follow: HAS_… bits
 *   zigzag  known_ms
 *   zigzag  clock_ms - known_ms
 *   varint  last_event
 *   varint  last_message (HAS_MESSAGE)
 *   varint  measures_as_of
 *   …       measures (HAS_MEASURES): count, then each: id, flags M_…, count, then what the flags say
 *   …       lists, tags (HAS_LISTS, HAS_TAGS): count, then each: id, since
 *   …       entries (HAS_ENTRIES): count, then each: campaign, count, last
 *   …       consents (HAS_CONSENTS): count, then each: topic, state, number, at
 *   …       seen (HAS_SEEN): count, then each: 8 bytes of hash, day less the one before
 *   …       scores (HAS_SCORES): count, then each: id, points by rules and by hand (bits of doubles), as of
 *   …       releases (HAS_RELEASES): 8 bytes of the caps, count, then each: at less the one before, channel, topic
 *   …       held (HAS_HELD): count, then each: row, asked, flags H_…, due unless it has none, campaign, entry, fork, watch
 *   …       suppressions (HAS_SUPPRESSIONS): count, then each: channel, bounce, at, 8 bytes of the address
 *   …       segments (HAS_SEGMENTS): as of when, count, then each: id, flags G_…, since when in, flip when it has one
 *   …       assignments (HAS_ASSIGNMENTS): count, then each: experiment, variant × 2 + exposed, at, until
 *
 * Ids ascend, so each is written as the distance from the smallest it could be. A measure's bytes say themselves which
 * members are there, because a row may be read by a program that no longer has the measure.
 *
 * Invariants:
 * 1. contact_read accepts any bytes: what contact_write could not have written gives CAMP_CORRUPT.
 * 2. What contact_write writes, contact_read reads back the same; writing that again gives the same bytes.
 * 3. measures, lists, tags, entries and schedules are sorted by id without repetition; times are within RANGE_MS.
 * 4. attributes is a checked JSON object or empty. The cache belongs to one attributes text and knows which. */
#include "contact.h"

#include <math.h>
#include <stdlib.h>

#include "image.h"

#define RANGE_MS 8640000000000000LL

enum { FORMAT = 2 };
enum { HAS_MESSAGE = 1, HAS_MEASURES = 2, HAS_LISTS = 4, HAS_TAGS = 8, HAS_ENTRIES = 16, HAS_SEEN = 32, HAS_SEGMENTS = 64, HAS_SCHEDULES = 128,
  HAS_SCORES = 256, HAS_CONSENTS = 512, HAS_RELEASES = 1024, HAS_HELD = 2048, HAS_ASSIGNMENTS = 4096, HAS_SUPPRESSIONS = 8192, HAS_ALL = 16383 };
enum { G_IN = 1, G_FLIP = 2, G_ALL = 3 };
enum {
  M_TOTAL = 1,       /* total as zigzag */
  M_TOTAL_BITS = 2,  /* total as a double's bits, the last byte first: whole numbers end in zero bytes */
  M_AT = 4,
  M_KEPT = 8,
  M_SERIES = 16,
  M_AMOUNTS = 32,    /* the series has amounts */
  M_VALUES = 64,     /* the series has values */
  M_OVERFLOWED = 128
};
enum { S_UNIT = 3 /* which of unit_ms */, S_BITS = 4 /* amounts as doubles' bits */, S_ALL = 7 };
static const int64_t unit_ms[] = { 1, 1000, 60000, MS_PER_DAY };

/* --- small parts ----------------------------------------------------------------------------------------------------- */

/* Differences wrap instead of overflowing; reading wraps back. */
static int64_t minus(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static int64_t plus(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

static bool time_good(int64_t ms) { return ms >= -RANGE_MS && ms <= RANGE_MS; }

static void write_time(struct buf *b, int64_t at_ms, int64_t near_ms) {
  CHECK(time_good(at_ms));
  buf_zigzag(b, minus(at_ms, near_ms));
}

static int64_t read_time(struct reader *r, int64_t near_ms) {
  int64_t at = plus(reader_zigzag(r), near_ms);
  if (!time_good(at)) r->failed = true;
  return at;
}

static uint32_t read_u32(struct reader *r, uint64_t max) {
  uint64_t n = reader_varint(r);
  if (n > max) r->failed = true;
  return r->failed ? 0 : (uint32_t)n;
}

/* How many items of at least so many bytes follow: at least one, no more than there is room for. */
static uint32_t read_count(struct reader *r, uint32_t max, size_t item_bytes_min) {
  uint32_t n = read_u32(r, max);
  if (n == 0 || n > (size_t)(r->end - r->at) / item_bytes_min) r->failed = true;
  return r->failed ? 0 : n;
}

/* *next is the smallest id that may come. */
static void write_id(struct buf *b, uint32_t id, uint64_t *next) {
  CHECK(id >= *next);
  buf_varint(b, id - *next);
  *next = (uint64_t)id + 1;
}

static uint32_t read_id(struct reader *r, uint64_t *next) {
  uint64_t n = reader_varint(r);
  if (n > UINT32_MAX || n + *next > UINT32_MAX) {
    r->failed = true;
    return 0;
  }
  n += *next;
  *next = n + 1;
  return (uint32_t)n;
}

/* Room for what was there and a little more, since most inputs add one. */
#define MAKE_ROOM(vec, a, n) \
  ((vec)->items = arena_alloc((a), ((size_t)(n) + 2) * sizeof *(vec)->items), (vec)->cap = (n) + 2)

/* --- measures' bytes ------------------------------------------------------------------------------------------------- */

static size_t varint_bytes(uint64_t n) {
  size_t bytes = 1;
  for (; n >= 0x80; n >>= 7) bytes++;
  return bytes;
}

static uint64_t zigzag_of(int64_t n) { return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0); }

static uint64_t bits_of(int64_t n) { return __builtin_bswap64((uint64_t)n); }

static bool shorter_as_bits(int64_t n) { return varint_bytes(bits_of(n)) < varint_bytes(zigzag_of(n)); }

static void write_amount(struct buf *b, int64_t n, bool bits) { buf_varint(b, bits ? bits_of(n) : zigzag_of(n)); }

static int64_t read_amount(struct reader *r, bool bits) {
  return bits ? (int64_t)__builtin_bswap64(reader_varint(r)) : reader_zigzag(r);
}

/* The coarsest unit that all times of the series are whole multiples of. */
static unsigned series_unit(const struct measure_state *m) {
  unsigned unit = sizeof unit_ms / sizeof unit_ms[0] - 1;
  for (uint32_t i = 0; i < m->series_count && unit; i++)
    while (unit && m->series[i].at_ms % unit_ms[unit] != 0) unit--;
  return unit;
}

static void write_series(struct buf *b, const struct measure_state *m, bool amounts, int64_t clock_ms) {
  unsigned unit = series_unit(m);
  bool bits = amounts && shorter_as_bits(m->series[0].amount);
  buf_byte(b, (uint8_t)(unit | (bits ? S_BITS : 0)));
  buf_varint(b, m->series_count);
  int64_t before = clock_ms / unit_ms[unit];
  for (uint32_t i = 0; i < m->series_count; i++) {
    int64_t at = m->series[i].at_ms / unit_ms[unit];
    CHECK(time_good(m->series[i].at_ms));
    if (i == 0) buf_zigzag(b, at - before);
    else buf_varint(b, (uint64_t)(at - before));
    before = at;
    if (amounts) write_amount(b, m->series[i].amount, bits);
    if (m->values) value_write(b, m->values[i]);
  }
}

static void read_series(struct reader *r, struct measure_state *m, unsigned flags, int64_t clock_ms, struct arena *a) {
  uint8_t how = reader_byte(r);
  if (how > S_ALL) r->failed = true;
  int64_t unit = unit_ms[how & S_UNIT], before = clock_ms / unit;
  uint32_t n = read_count(r, LIMIT_SERIES_COUNT, 1);
  m->series_cap = n + 2;
  m->series = arena_alloc(a, m->series_cap * sizeof *m->series);
  if (flags & M_VALUES) m->values = arena_alloc(a, m->series_cap * sizeof *m->values);
  for (uint32_t i = 0; i < n && !r->failed; i++) {
    int64_t at = plus(before, i == 0 ? reader_zigzag(r) : (int64_t)reader_varint(r));
    if (at < -RANGE_MS / unit || at > RANGE_MS / unit || (i && at < before)) {
      r->failed = true;
      break;
    }
    before = at;
    m->series[i] = (struct occurrence){ .at_ms = at * unit };
    if (flags & M_AMOUNTS) m->series[i].amount = read_amount(r, how & S_BITS);
    if (flags & M_VALUES) m->values[i] = value_read(r);
  }
  m->series_count = n;
}

static bool has_amounts(const struct measure_state *m) {
  for (uint32_t i = 0; i < m->series_count; i++)
    if (m->series[i].amount) return true;
  return false;
}

static void write_measure(struct buf *b, const struct measure_state *m, int64_t clock_ms) {
  bool bits = m->total && shorter_as_bits(m->total), amounts = has_amounts(m);
  unsigned flags = (m->total ? (bits ? M_TOTAL_BITS : M_TOTAL) : 0u) | (m->at_ms ? M_AT : 0u) |
                   (m->kept.type != V_MISSING ? M_KEPT : 0u) | (m->series_count ? M_SERIES : 0u) |
                   (amounts ? M_AMOUNTS : 0u) | (m->series_count && m->values ? M_VALUES : 0u) |
                   (m->overflowed ? M_OVERFLOWED : 0u);
  buf_byte(b, (uint8_t)flags);
  buf_varint(b, m->count);
  if (m->total) write_amount(b, m->total, bits);
  if (m->at_ms) write_time(b, m->at_ms, clock_ms);
  if (flags & M_KEPT) value_write(b, m->kept);
  if (flags & M_SERIES) write_series(b, m, amounts, clock_ms);
}

static void read_measure(struct reader *r, struct measure_state *m, int64_t clock_ms, struct arena *a) {
  unsigned flags = reader_byte(r);
  bool strange = (flags & M_TOTAL && flags & M_TOTAL_BITS) || (!(flags & M_SERIES) && flags & (M_AMOUNTS | M_VALUES));
  if (strange) r->failed = true;
  m->count = reader_varint(r);
  m->overflowed = flags & M_OVERFLOWED;
  if (flags & (M_TOTAL | M_TOTAL_BITS)) m->total = read_amount(r, flags & M_TOTAL_BITS);
  if (flags & M_AT) m->at_ms = read_time(r, clock_ms);
  if (flags & M_KEPT) m->kept = value_read(r);
  if (flags & M_SERIES) read_series(r, m, flags, clock_ms, a);
}

/* --- the other parts' bytes ------------------------------------------------------------------------------------------ */

static void write_members(struct buf *b, const struct membership *m, uint32_t count, int64_t clock_ms) {
  uint64_t next = 0;
  buf_varint(b, count);
  for (uint32_t i = 0; i < count; i++) {
    write_id(b, m[i].id, &next);
    write_time(b, m[i].since_ms, clock_ms);
  }
}

static void read_members(struct reader *r, struct membership *m, uint32_t count, int64_t clock_ms) {
  uint64_t next = 0;
  for (uint32_t i = 0; i < count && !r->failed; i++) {
    uint32_t id = read_id(r, &next);
    m[i] = (struct membership){ id, read_time(r, clock_ms) };
  }
}

static void write_entries(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  buf_varint(b, c->entries.count);
  for (uint32_t i = 0; i < c->entries.count; i++) {
    const struct entry *e = &c->entries.items[i];
    write_id(b, e->campaign, &next);
    buf_varint(b, e->count);
    write_time(b, e->last_ms, c->clock_ms);
  }
}

static void read_entries(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->entries.count = read_count(r, LIMIT_NAMES_COUNT, 3);
  MAKE_ROOM(&c->entries, c->arena, c->entries.count);
  for (uint32_t i = 0; i < c->entries.count && !r->failed; i++) {
    struct entry *e = &c->entries.items[i];
    e->campaign = read_id(r, &next);
    e->count = read_u32(r, UINT32_MAX);
    e->last_ms = read_time(r, c->clock_ms);
  }
}

/* Whole seconds from the contact's clock, as zigzag and one more: 0 says that none will come. */
static void write_schedules(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  buf_varint(b, c->schedules.count);
  for (uint32_t i = 0; i < c->schedules.count; i++) {
    const struct scheduled *s = &c->schedules.items[i];
    int64_t away = s->next_ms / MS_PER_SECOND - c->clock_ms / MS_PER_SECOND;
    write_id(b, s->id, &next);
    CHECK(s->next_ms == INT64_MAX || (time_good(s->next_ms) && s->next_ms % MS_PER_SECOND == 0));
    buf_varint(b, s->next_ms == INT64_MAX ? 0 : ((uint64_t)away << 1 ^ (uint64_t)(away >> 63)) + 1);
  }
}

static void read_schedules(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->schedules.count = read_count(r, LIMIT_NAMES_COUNT, 2);
  MAKE_ROOM(&c->schedules, c->arena, c->schedules.count);
  for (uint32_t i = 0; i < c->schedules.count && !r->failed; i++) {
    struct scheduled *s = &c->schedules.items[i];
    s->id = read_id(r, &next);
    uint64_t n = reader_varint(r);
    s->next_ms = INT64_MAX;
    s->held = false;
    if (n == 0) continue;
    int64_t away = (int64_t)((n - 1) >> 1) ^ -(int64_t)((n - 1) & 1);
    if (away > 2 * RANGE_MS / MS_PER_SECOND || away < -2 * RANGE_MS / MS_PER_SECOND) r->failed = true;
    else s->next_ms = (c->clock_ms / MS_PER_SECOND + away) * MS_PER_SECOND;
    if (!time_good(s->next_ms)) r->failed = true;
  }
}

static void write_consents(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  buf_varint(b, c->consents.count);
  for (uint32_t i = 0; i < c->consents.count; i++) {
    const struct consent *s = &c->consents.items[i];
    write_id(b, s->topic, &next);
    buf_byte(b, s->state);
    buf_varint(b, s->number);
    write_time(b, s->at_ms, c->clock_ms);
  }
}

static void read_consents(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->consents.count = read_count(r, LIMIT_NAMES_COUNT, 4);
  MAKE_ROOM(&c->consents, c->arena, c->consents.count);
  for (uint32_t i = 0; i < c->consents.count && !r->failed; i++) {
    struct consent *s = &c->consents.items[i];
    s->topic = read_id(r, &next);
    s->state = reader_byte(r);
    if (s->state < CONSENT_PENDING || s->state > CONSENT_REFUSED) r->failed = true;
    s->number = read_u32(r, UINT32_MAX);
    s->at_ms = read_time(r, c->clock_ms);
  }
}

/* The caps are kept in mind without a release, too: else the outbox would be asked again. */
static void write_releases(struct buf *b, const struct contact *c) {
  int64_t before = c->clock_ms;
  buf_u64(b, c->releases_of);
  buf_varint(b, c->releases.count);
  for (uint32_t i = 0; i < c->releases.count; i++) {
    const struct release *r = &c->releases.items[i];
    write_time(b, r->at_ms, before);
    before = r->at_ms;
    buf_varint(b, r->channel);
    buf_varint(b, r->topic);
  }
}

static void read_releases(struct reader *r, struct contact *c) {
  int64_t before = c->clock_ms;
  c->releases_of = reader_u64(r);
  c->releases.count = read_u32(r, (uint64_t)(r->end - r->at) / 3);
  if (!c->releases_of) r->failed = true;
  MAKE_ROOM(&c->releases, c->arena, c->releases.count);
  for (uint32_t i = 0; i < c->releases.count && !r->failed; i++) {
    struct release *x = &c->releases.items[i];
    x->at_ms = read_time(r, before);
    if (i && x->at_ms < before) r->failed = true;
    before = x->at_ms;
    x->channel = read_u32(r, UINT32_MAX);
    x->topic = read_u32(r, UINT32_MAX);
  }
}

static void write_held(struct buf *b, const struct contact *c) {
  buf_varint(b, c->held.count);
  for (uint32_t i = 0; i < c->held.count; i++) {
    const struct held *h = &c->held.items[i];
    buf_varint(b, (uint64_t)h->row);
    write_time(b, h->asked_ms, c->clock_ms);
    buf_byte(b, h->flags);
    if (!(h->flags & HELD_PAUSED)) write_time(b, h->due_ms, c->clock_ms);
    buf_varint(b, h->campaign);
    buf_varint(b, h->entry);
    buf_varint(b, h->fork);
    buf_varint(b, h->watch);
    buf_varint(b, h->experiment);
    if (h->experiment) buf_varint(b, h->variant);
  }
}

static void read_held(struct reader *r, struct contact *c) {
  c->held.count = read_count(r, LIMIT_HELD_COUNT, 8);
  MAKE_ROOM(&c->held, c->arena, c->held.count);
  for (uint32_t i = 0; i < c->held.count && !r->failed; i++) {
    struct held *h = &c->held.items[i];
    h->row = (int64_t)reader_varint(r);
    h->asked_ms = read_time(r, c->clock_ms);
    h->flags = reader_byte(r);
    if (h->flags > HELD_ALL || h->row <= 0) r->failed = true;
    h->due_ms = h->flags & HELD_PAUSED ? INT64_MAX : read_time(r, c->clock_ms);
    h->campaign = read_u32(r, UINT32_MAX);
    h->entry = read_u32(r, UINT32_MAX);
    h->fork = read_u32(r, UINT32_MAX);
    h->watch = read_u32(r, UINT32_MAX);
    h->experiment = read_u32(r, UINT32_MAX);
    h->variant = h->experiment ? read_u32(r, UINT32_MAX) : 0;
  }
}

static void write_assignments(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  buf_varint(b, c->assignments.count);
  for (uint32_t i = 0; i < c->assignments.count; i++) {
    const struct assignment *x = &c->assignments.items[i];
    write_id(b, x->experiment, &next);
    buf_varint(b, (uint64_t)x->variant << 1 | x->exposed);
    write_time(b, x->at_ms, c->clock_ms);
    write_time(b, x->until_ms, x->at_ms);
  }
}

static void read_assignments(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->assignments.count = read_count(r, LIMIT_NAMES_COUNT, 4);
  MAKE_ROOM(&c->assignments, c->arena, c->assignments.count);
  for (uint32_t i = 0; i < c->assignments.count && !r->failed; i++) {
    struct assignment *x = &c->assignments.items[i];
    x->experiment = read_id(r, &next);
    uint64_t variant = reader_varint(r);
    if (variant >> 1 > UINT32_MAX) r->failed = true;
    x->variant = (uint32_t)(variant >> 1);
    x->exposed = variant & 1;
    x->at_ms = read_time(r, c->clock_ms);
    x->until_ms = read_time(r, x->at_ms);
  }
}

static void write_suppressions(struct buf *b, const struct contact *c) {
  buf_varint(b, c->suppressions.count);
  for (uint32_t i = 0; i < c->suppressions.count; i++) {
    const struct suppression *s = &c->suppressions.items[i];
    buf_varint(b, s->channel);
    buf_byte(b, s->bounce);
    write_time(b, s->at_ms, c->clock_ms);
    buf_u64(b, s->address);
  }
}

static void read_suppressions(struct reader *r, struct contact *c) {
  c->suppressions.count = read_count(r, LIMIT_NAMES_COUNT, 11);
  MAKE_ROOM(&c->suppressions, c->arena, c->suppressions.count);
  for (uint32_t i = 0; i < c->suppressions.count && !r->failed; i++) {
    struct suppression *s = &c->suppressions.items[i];
    s->channel = read_u32(r, UINT32_MAX);
    s->bounce = reader_byte(r);
    if (s->bounce > 1) r->failed = true;
    s->at_ms = read_time(r, c->clock_ms);
    s->address = reader_u64(r);
  }
}

static int64_t clock_day(const struct contact *c) { return c->clock_ms / MS_PER_DAY; }

static void write_seen(struct buf *b, const struct contact *c) {
  int64_t before = clock_day(c);
  buf_varint(b, c->seen.count);
  for (uint32_t i = 0; i < c->seen.count; i++) {
    buf_u64(b, c->seen.items[i].hash);
    buf_zigzag(b, (int64_t)c->seen.items[i].day - before);
    before = c->seen.items[i].day;
  }
}

static void read_seen(struct reader *r, struct contact *c) {
  int64_t before = clock_day(c);
  c->seen.count = read_count(r, UINT32_MAX - 2, 9);
  MAKE_ROOM(&c->seen, c->arena, c->seen.count);
  for (uint32_t i = 0; i < c->seen.count && !r->failed; i++) {
    c->seen.items[i].hash = reader_u64(r);
    before = plus(before, reader_zigzag(r));
    if (before < 0 || before > UINT32_MAX) r->failed = true;
    c->seen.items[i].day = r->failed ? 0 : (uint32_t)before;
  }
}

static void write_scores(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  buf_varint(b, c->scores.count);
  for (uint32_t i = 0; i < c->scores.count; i++) {
    const struct score_state *s = &c->scores.items[i];
    int64_t rules, hand;
    memcpy(&rules, &s->by_rules, 8);
    memcpy(&hand, &s->by_hand, 8);
    write_id(b, s->id, &next);
    write_amount(b, rules, true);
    write_amount(b, hand, true);
    write_time(b, s->at_ms, c->clock_ms);
  }
}

static double read_points(struct reader *r) {
  int64_t bits = read_amount(r, true);
  double points;
  memcpy(&points, &bits, 8);
  if (!isfinite(points)) r->failed = true;
  return points;
}

static void read_scores(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->scores.count = read_count(r, LIMIT_NAMES_COUNT, 4);
  MAKE_ROOM(&c->scores, c->arena, c->scores.count);
  for (uint32_t i = 0; i < c->scores.count && !r->failed; i++) {
    struct score_state *s = &c->scores.items[i];
    s->id = read_id(r, &next);
    s->by_rules = read_points(r);
    s->by_hand = read_points(r);
    s->at_ms = read_time(r, c->clock_ms);
  }
}

/* Without segments nothing is written of when they were asked: then there was nothing to remember. */
static void write_segments(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  write_time(b, c->segments_ms, c->clock_ms);
  buf_varint(b, c->segments.count);
  for (uint32_t i = 0; i < c->segments.count; i++) {
    const struct segment_state *s = &c->segments.items[i];
    write_id(b, s->id, &next);
    buf_byte(b, (uint8_t)((s->in ? G_IN : 0) | (s->flip_ms != INT64_MAX ? G_FLIP : 0)));
    if (s->in) write_time(b, s->since_ms, c->clock_ms);
    if (s->flip_ms != INT64_MAX) write_time(b, s->flip_ms, c->clock_ms);
  }
}

static void read_segments(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->segments_ms = read_time(r, c->clock_ms);
  c->segments.count = read_count(r, LIMIT_NAMES_COUNT, 3);
  MAKE_ROOM(&c->segments, c->arena, c->segments.count);
  for (uint32_t i = 0; i < c->segments.count && !r->failed; i++) {
    struct segment_state *s = &c->segments.items[i];
    *s = (struct segment_state){ .id = read_id(r, &next), .flip_ms = INT64_MAX };
    unsigned flags = reader_byte(r);
    if (flags == 0 || flags > G_ALL) r->failed = true;
    s->in = flags & G_IN;
    if (s->in) s->since_ms = read_time(r, c->clock_ms);
    if (flags & G_FLIP) s->flip_ms = read_time(r, c->clock_ms);
  }
}

static void read_measures(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->measures.count = read_count(r, LIMIT_NAMES_COUNT, 3);
  MAKE_ROOM(&c->measures, c->arena, c->measures.count);
  for (uint32_t i = 0; i < c->measures.count && !r->failed; i++) {
    struct measure_state *m = &c->measures.items[i];
    *m = (struct measure_state){ .id = read_id(r, &next) };
    read_measure(r, m, c->clock_ms, c->arena);
  }
}

/* --- the state ------------------------------------------------------------------------------------------------------- */

static void contact_forget(struct contact *c, struct arena *a) {
  c->known_ms = c->clock_ms = 0;
  c->last_event = c->last_message = 0;
  c->measures_as_of = 0;
  c->cache = NULL;
  memset(&c->measures, 0, sizeof c->measures);
  memset(&c->lists, 0, sizeof c->lists);
  memset(&c->tags, 0, sizeof c->tags);
  memset(&c->entries, 0, sizeof c->entries);
  memset(&c->consents, 0, sizeof c->consents);
  memset(&c->seen, 0, sizeof c->seen);
  memset(&c->schedules, 0, sizeof c->schedules);
  memset(&c->scores, 0, sizeof c->scores);
  memset(&c->segments, 0, sizeof c->segments);
  memset(&c->releases, 0, sizeof c->releases);
  memset(&c->held, 0, sizeof c->held);
  memset(&c->suppressions, 0, sizeof c->suppressions);
  c->releases_of = 0;
  memset(&c->assignments, 0, sizeof c->assignments);
  c->segments_ms = INT64_MIN;
  c->arena = a;
}

enum camp_err contact_read(struct contact *c, struct arena *a, struct str state) {
  contact_forget(c, a);
  if (state.len == 0) return CAMP_OK;
  struct reader r = reader_of(state.ptr, state.len);
  if (reader_byte(&r) != FORMAT) return CAMP_CORRUPT;
  uint64_t has = reader_varint(&r);
  if (r.failed || has > HAS_ALL) return CAMP_CORRUPT;
  c->known_ms = read_time(&r, 0);
  c->clock_ms = read_time(&r, c->known_ms);
  c->last_event = (int64_t)reader_varint(&r);
  if (has & HAS_MESSAGE) c->last_message = (int64_t)reader_varint(&r);
  c->measures_as_of = read_u32(&r, UINT32_MAX);
  if (has & HAS_MEASURES) read_measures(&r, c);
  if (has & HAS_LISTS) {
    c->lists.count = read_count(&r, LIMIT_MEMBER_COUNT, 2);
    MAKE_ROOM(&c->lists, a, c->lists.count);
    read_members(&r, c->lists.items, c->lists.count, c->clock_ms);
  }
  if (has & HAS_TAGS) {
    c->tags.count = read_count(&r, LIMIT_MEMBER_COUNT, 2);
    MAKE_ROOM(&c->tags, a, c->tags.count);
    read_members(&r, c->tags.items, c->tags.count, c->clock_ms);
  }
  if (has & HAS_ENTRIES) read_entries(&r, c);
  if (has & HAS_CONSENTS) read_consents(&r, c);
  if (has & HAS_SEEN) read_seen(&r, c);
  if (has & HAS_SCHEDULES) read_schedules(&r, c);
  if (has & HAS_SCORES) read_scores(&r, c);
  if (has & HAS_SEGMENTS) read_segments(&r, c);
  if (has & HAS_RELEASES) read_releases(&r, c);
  if (has & HAS_HELD) read_held(&r, c);
  if (has & HAS_ASSIGNMENTS) read_assignments(&r, c);
  if (has & HAS_SUPPRESSIONS) read_suppressions(&r, c);
  if (!r.failed && r.at == r.end) return CAMP_OK;
  contact_forget(c, a); /* nobody reads half of a damaged state */
  return CAMP_CORRUPT;
}

void contact_write(struct buf *b, const struct contact *c) {
  unsigned has = (c->last_message ? HAS_MESSAGE : 0u) | (c->measures.count ? HAS_MEASURES : 0u) |
                 (c->lists.count ? HAS_LISTS : 0u) | (c->tags.count ? HAS_TAGS : 0u) |
                 (c->entries.count ? HAS_ENTRIES : 0u) | (c->seen.count ? HAS_SEEN : 0u) |
                 (c->schedules.count ? HAS_SCHEDULES : 0u) |
                 (c->segments.count ? HAS_SEGMENTS : 0u) | (c->scores.count ? HAS_SCORES : 0u) |
                 (c->consents.count ? HAS_CONSENTS : 0u) |
                 (c->releases_of ? HAS_RELEASES : 0u) | (c->held.count ? HAS_HELD : 0u) |
                 (c->assignments.count ? HAS_ASSIGNMENTS : 0u) |
                 (c->suppressions.count ? HAS_SUPPRESSIONS : 0u);
  buf_byte(b, FORMAT);
  buf_varint(b, has);
  write_time(b, c->known_ms, 0);
  write_time(b, c->clock_ms, c->known_ms);
  buf_varint(b, (uint64_t)c->last_event);
  if (has & HAS_MESSAGE) buf_varint(b, (uint64_t)c->last_message);
  buf_varint(b, c->measures_as_of);
  if (has & HAS_MEASURES) {
    uint64_t next = 0;
    buf_varint(b, c->measures.count);
    for (uint32_t i = 0; i < c->measures.count; i++) {
      write_id(b, c->measures.items[i].id, &next);
      write_measure(b, &c->measures.items[i], c->clock_ms);
    }
  }
  if (has & HAS_LISTS) write_members(b, c->lists.items, c->lists.count, c->clock_ms);
  if (has & HAS_TAGS) write_members(b, c->tags.items, c->tags.count, c->clock_ms);
  if (has & HAS_ENTRIES) write_entries(b, c);
  if (has & HAS_CONSENTS) write_consents(b, c);
  if (has & HAS_SEEN) write_seen(b, c);
  if (has & HAS_SCHEDULES) write_schedules(b, c);
  if (has & HAS_SCORES) write_scores(b, c);
  if (has & HAS_SEGMENTS) write_segments(b, c);
  if (has & HAS_RELEASES) write_releases(b, c);
  if (has & HAS_HELD) write_held(b, c);
  if (has & HAS_ASSIGNMENTS) write_assignments(b, c);
  if (has & HAS_SUPPRESSIONS) write_suppressions(b, c);
}

/* --- the event's properties ------------------------------------------------------------------------------------------ */

struct value event_field_value(const struct event *e, uint32_t symbol, const struct field *f, const struct zone *z,
                               struct arena *a) {
  const struct json *found = NULL;
  for (uint32_t i = 0; i < e->field_count && !found; i++)
    if (e->fields[i].key == symbol) found = &e->fields[i].value;
  if (!found) return value_missing();
  return value_from_member(*found, e->body, (enum value_type)f->type, f->currency, z, a);
}

/* --- attributes ------------------------------------------------------------------------------------------------------ */

struct member {
  struct str key;   /* unescaped */
  struct json value;
  uint32_t position;
};

/* The members of one attributes text, so that conditions do not scan it again and again. */
struct json_member_cache {
  struct str source;
  VEC(struct member) members;
};

static struct json_member_cache *members_of(struct str object, struct arena *a) {
  struct json_member_cache *cache = ARENA_NEW(a, struct json_member_cache);
  cache->source = object;
  struct json_walk w = json_walk_of(object);
  while (json_next(&w)) {
    struct member m = { json_key(&w, a), w.value, cache->members.count };
    VEC_PUSH(a, &cache->members, m);
  }
  return cache;
}

struct value contact_attribute(struct contact *c, struct str name, const struct field *f, const struct zone *z) {
  if (c->attributes.len == 0) return value_missing();
  if (!c->cache || c->cache->source.ptr != c->attributes.ptr || c->cache->source.len != c->attributes.len)
    c->cache = members_of(c->attributes, c->arena);
  for (uint32_t i = c->cache->members.count; i-- > 0;) /* of equal names the last counts */
    if (str_eq(c->cache->members.items[i].key, name))
      return value_from_json(c->cache->members.items[i].value, (enum value_type)f->type, f->currency, z, c->arena);
  return value_missing();
}

static int by_key(const void *x, const void *y) {
  const struct member *a = x, *b = y;
  int d = str_cmp(a->key, b->key);
  return d ? d : (a->position > b->position) - (a->position < b->position);
}

static int by_position(const void *x, const void *y) {
  const struct member *a = x, *b = y;
  return (a->position > b->position) - (a->position < b->position);
}

/* Of members with one name the last value stays, at the first one's place; null removes. Sorting keeps an object with very
 * many members from costing their square. */
static uint32_t members_settle(struct member *m, uint32_t count) {
  uint32_t kept = 0;
  if (count == 0) return 0;
  qsort(m, count, sizeof *m, by_key);
  for (uint32_t i = 0; i < count;) {
    uint32_t first = i;
    while (i < count && str_eq(m[i].key, m[first].key)) i++;
    if (m[i - 1].value.type == JSON_NULL) continue;
    struct member last = m[i - 1];
    last.position = m[first].position;
    m[kept++] = last;
  }
  qsort(m, kept, sizeof *m, by_position);
  return kept;
}

/* Makes the members the contact's attributes. */
static enum camp_err attributes_write(struct contact *c, struct member *m, uint32_t count) {
  struct buf b;
  enum camp_err err = CAMP_LIMIT;
  struct json checked;
  const char *why;
  size_t at;
  buf_init(&b, LIMIT_ATTRIBUTES_BYTES);
  buf_byte(&b, '{');
  for (uint32_t i = 0; i < count; i++) {
    if (i) buf_byte(&b, ',');
    buf_json_str(&b, m[i].key);
    buf_byte(&b, ':');
    buf_str(&b, m[i].value.text);
  }
  buf_byte(&b, '}');
  if (b.failed) goto out;
  /* A value that was well nested by itself may stand one level too deep now, and later walks trust this text. */
  if (!json_check(buf_as_str(&b), &checked, &why, &at)) goto out;
  c->attributes = arena_str(c->arena, buf_as_str(&b));
  c->cache = NULL;
  err = CAMP_OK;
out:
  buf_deinit(&b);
  return err;
}

enum camp_err contact_set(struct contact *c, struct str name, struct value v, const struct zone *z) {
  struct json_member_cache *all = members_of(c->attributes, c->arena);
  struct buf text;
  buf_init(&text, LIMIT_ATTRIBUTES_BYTES);
  value_to_json(&text, v, z);
  enum camp_err err = CAMP_LIMIT;
  if (!text.failed) {
    struct json value = { v.type == V_MISSING ? JSON_NULL : JSON_STRING, false, buf_as_str(&text) };
    struct member m = { name, value, all->members.count };
    VEC_PUSH(c->arena, &all->members, m);
    err = attributes_write(c, all->members.items, members_settle(all->members.items, all->members.count));
  }
  buf_deinit(&text);
  return err;
}

enum camp_err contact_merge(struct contact *c, struct str traits) {
  struct json_member_cache *all = members_of(c->attributes, c->arena);
  struct json_walk w = json_walk_of(traits);
  while (json_next(&w)) {
    struct member m = { json_key(&w, c->arena), w.value, all->members.count };
    VEC_PUSH(c->arena, &all->members, m);
  }
  return attributes_write(c, all->members.items, members_settle(all->members.items, all->members.count));
}

/* --- memberships ----------------------------------------------------------------------------------------------------- */

/* Where the id is, or would be. */
static uint32_t member_place(const struct membership *m, uint32_t count, uint32_t id) {
  uint32_t low = 0;
  while (count) {
    uint32_t half = count / 2;
    if (m[low + half].id < id) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

static bool is_at(const struct membership *m, uint32_t count, uint32_t place, uint32_t id) {
  return place < count && m[place].id == id;
}

bool contact_in(const struct contact *c, uint32_t list) {
  return is_at(c->lists.items, c->lists.count, member_place(c->lists.items, c->lists.count, list), list);
}

bool contact_tagged(const struct contact *c, uint32_t tag) {
  return is_at(c->tags.items, c->tags.count, member_place(c->tags.items, c->tags.count, tag), tag);
}

static bool has_room(const struct contact *c) { return c->lists.count + c->tags.count < LIMIT_MEMBER_COUNT; }

/* Puts the item that was pushed last at its place. */
static void member_settle(struct membership *m, uint32_t count, uint32_t place) {
  struct membership added = m[count - 1];
  memmove(m + place + 1, m + place, (count - 1 - place) * sizeof *m);
  m[place] = added;
}

static void member_remove(struct membership *m, uint32_t *count, uint32_t place) {
  memmove(m + place, m + place + 1, (*count - place - 1) * sizeof *m);
  (*count)--;
}

bool contact_join(struct contact *c, uint32_t list, int64_t at_ms) {
  uint32_t place = member_place(c->lists.items, c->lists.count, list);
  if (is_at(c->lists.items, c->lists.count, place, list) || !has_room(c)) return false;
  VEC_PUSH(c->arena, &c->lists, ((struct membership){ list, at_ms }));
  member_settle(c->lists.items, c->lists.count, place);
  return true;
}

bool contact_leave(struct contact *c, uint32_t list) {
  uint32_t place = member_place(c->lists.items, c->lists.count, list);
  if (!is_at(c->lists.items, c->lists.count, place, list)) return false;
  member_remove(c->lists.items, &c->lists.count, place);
  return true;
}

bool contact_tag(struct contact *c, uint32_t tag, int64_t at_ms) {
  uint32_t place = member_place(c->tags.items, c->tags.count, tag);
  if (is_at(c->tags.items, c->tags.count, place, tag) || !has_room(c)) return false;
  VEC_PUSH(c->arena, &c->tags, ((struct membership){ tag, at_ms }));
  member_settle(c->tags.items, c->tags.count, place);
  return true;
}

bool contact_untag(struct contact *c, uint32_t tag) {
  uint32_t place = member_place(c->tags.items, c->tags.count, tag);
  if (!is_at(c->tags.items, c->tags.count, place, tag)) return false;
  member_remove(c->tags.items, &c->tags.count, place);
  return true;
}

struct entry *contact_entry(struct contact *c, uint32_t campaign) {
  uint32_t low = 0, n = c->entries.count;
  while (n) {
    uint32_t half = n / 2;
    if (c->entries.items[low + half].campaign < campaign) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  if (low < c->entries.count && c->entries.items[low].campaign == campaign) return &c->entries.items[low];
  VEC_PUSH(c->arena, &c->entries, ((struct entry){ .campaign = campaign, .last_ms = c->clock_ms }));
  struct entry *e = c->entries.items;
  memmove(e + low + 1, e + low, (c->entries.count - 1 - low) * sizeof *e);
  e[low] = (struct entry){ .campaign = campaign, .last_ms = c->clock_ms };
  return &e[low];
}

/* --- consent --------------------------------------------------------------------------------------------------------- */

static uint32_t consent_place(const struct contact *c, uint32_t topic) {
  uint32_t low = 0, n = c->consents.count;
  while (n) {
    uint32_t half = n / 2;
    if (c->consents.items[low + half].topic < topic) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

const struct consent *contact_consent(const struct contact *c, uint32_t topic) {
  uint32_t place = consent_place(c, topic);
  return place < c->consents.count && c->consents.items[place].topic == topic ? &c->consents.items[place] : NULL;
}

bool contact_consents(const struct contact *c, uint32_t topic) {
  const struct consent *s = contact_consent(c, topic);
  return s && s->state == CONSENT_GRANTED;
}

struct consent *contact_consent_make(struct contact *c, uint32_t topic) {
  uint32_t place = consent_place(c, topic);
  if (place == c->consents.count || c->consents.items[place].topic != topic) {
    VEC_PUSH(c->arena, &c->consents, ((struct consent){ .topic = topic, .at_ms = c->clock_ms }));
    struct consent *s = c->consents.items;
    memmove(s + place + 1, s + place, (c->consents.count - 1 - place) * sizeof *s);
    s[place] = (struct consent){ .topic = topic, .at_ms = c->clock_ms };
  }
  return &c->consents.items[place];
}

/* --- experiments ----------------------------------------------------------------------------------------------------- */

static uint32_t assignment_place(const struct contact *c, uint32_t experiment) {
  uint32_t low = 0, n = c->assignments.count;
  while (n) {
    uint32_t half = n / 2;
    if (c->assignments.items[low + half].experiment < experiment) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

struct assignment *contact_assignment(const struct contact *c, uint32_t experiment) {
  uint32_t place = assignment_place(c, experiment);
  return place < c->assignments.count && c->assignments.items[place].experiment == experiment ? &c->assignments.items[place] : NULL;
}

struct assignment *contact_assign(struct contact *c, uint32_t experiment) {
  uint32_t place = assignment_place(c, experiment);
  if (place == c->assignments.count || c->assignments.items[place].experiment != experiment) {
    struct assignment fresh = { .experiment = experiment, .at_ms = c->clock_ms, .until_ms = c->clock_ms };
    VEC_PUSH(c->arena, &c->assignments, fresh);
    struct assignment *x = c->assignments.items;
    memmove(x + place + 1, x + place, (c->assignments.count - 1 - place) * sizeof *x);
    x[place] = fresh;
  }
  return &c->assignments.items[place];
}
