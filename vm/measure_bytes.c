/* The bytes of one measure's state; see state_bytes.h.
 *
 * Not for what a measure means (measure.c) and not for the rest of a contact's state (contact_bytes.c).
 *
 *   SIZE    DESCRIPTION
 *   1       flags M_…: the members that follow
 *   varint  count
 *   amount  total (M_TOTAL, M_TOTAL_BITS)
 *   zigzag  at_ms from the clock (M_AT)
 *   value   kept (M_KEPT)
 *   …       series (M_SERIES): a byte S_…, a count, then each: time, amount (M_AMOUNTS), value (M_VALUES)
 *
 * The bytes say themselves which members are there, because a row may be read by a program that no longer has the measure. A
 * series' times are counted in the coarsest unit that all of them are whole multiples of, each from the one before.
 *
 * Invariant: what measure_write writes, measure_read reads back the same. */
#include "state_bytes.h"

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
    if (at < -LIMIT_MOMENT_MS / unit || at > LIMIT_MOMENT_MS / unit || (i && at < before)) {
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

void measure_write(struct buf *b, const struct measure_state *m, int64_t clock_ms) {
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

void measure_read(struct reader *r, struct measure_state *m, int64_t clock_ms, struct arena *a) {
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
