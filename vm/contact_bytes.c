/* A contact's state as the bytes of its row, and back; see contact.h.
 *
 * Not for what the parts mean (contact.c, measure.c, segment.c, score.c) and not for rows (the store's).
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
 *   …       measures (HAS_MEASURES): count, then each: id, then as measure_bytes.c says
 *   …       lists, tags (HAS_LISTS, HAS_TAGS): count, then each: id, since
 *   …       entries (HAS_ENTRIES): count, then each: campaign, count, last
 *   …       consents (HAS_CONSENTS): count, then each: topic, state, number, at
 *   …       seen (HAS_SEEN): count, then each: 8 bytes of hash, day less the one before
 *   …       schedules (HAS_SCHEDULES): count, then each: id, whole seconds from the clock and 1, or 0 for never
 *   …       scores (HAS_SCORES): count, then each: id, points by rules and by hand (bits of doubles), as of
 *   …       segments (HAS_SEGMENTS): as of when, count, then each: id, flags G_…, since when in, flip when it has one
 *   …       releases (HAS_RELEASES): 8 bytes of the caps, count, then each: at less the one before, channel, topic
 *   …       held (HAS_HELD): count, then each: row, asked, flags HELD_…, due unless it has none, campaign, entry, fork, watch,
 *           experiment, and with one its variant
 *   …       assignments (HAS_ASSIGNMENTS): count, then each: experiment, variant × 2 + exposed, at, until
 *   …       suppressions (HAS_SUPPRESSIONS): count, then each: channel, bounce, at, 8 bytes of the address
 *
 * Ids ascend, so each is written as the distance from the smallest it could be.
 *
 * Invariants:
 * 1. contact_read accepts any bytes: what contact_write could not have written gives CAMP_CORRUPT.
 * 2. What contact_write writes, contact_read reads back the same; writing that again gives the same bytes.
 * 3. What is kept by id is sorted by it without repetition; times are within LIMIT_MOMENT_MS. */
#include "state_bytes.h"

#include <math.h>

enum { FORMAT = 2 };
enum { HAS_MESSAGE = 1, HAS_MEASURES = 2, HAS_LISTS = 4, HAS_TAGS = 8, HAS_ENTRIES = 16, HAS_SEEN = 32, HAS_SEGMENTS = 64, HAS_SCHEDULES = 128,
  HAS_SCORES = 256, HAS_CONSENTS = 512, HAS_RELEASES = 1024, HAS_HELD = 2048, HAS_ASSIGNMENTS = 4096, HAS_SUPPRESSIONS = 8192, HAS_ALL = 16383 };
enum { G_IN = 1, G_FLIP = 2, G_ALL = 3 };

/* --- the parts ------------------------------------------------------------------------------------------------------- */

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
    if (away > 2 * LIMIT_MOMENT_MS / MS_PER_SECOND || away < -2 * LIMIT_MOMENT_MS / MS_PER_SECOND) r->failed = true;
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

static void write_measures(struct buf *b, const struct contact *c) {
  uint64_t next = 0;
  buf_varint(b, c->measures.count);
  for (uint32_t i = 0; i < c->measures.count; i++) {
    write_id(b, c->measures.items[i].id, &next);
    measure_write(b, &c->measures.items[i], c->clock_ms);
  }
}

static void read_measures(struct reader *r, struct contact *c) {
  uint64_t next = 0;
  c->measures.count = read_count(r, LIMIT_NAMES_COUNT, 3);
  MAKE_ROOM(&c->measures, c->arena, c->measures.count);
  for (uint32_t i = 0; i < c->measures.count && !r->failed; i++) {
    struct measure_state *m = &c->measures.items[i];
    *m = (struct measure_state){ .id = read_id(r, &next) };
    measure_read(r, m, c->clock_ms, c->arena);
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
  if (has & HAS_MEASURES) write_measures(b, c);
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
