/* Measures: what a contact remembers of its events so that conditions need not look at history; see contact.h.
 *
 * Not for deciding which events count (the filter has passed) and not for the bytes (measure_bytes.c).
 *
 *   kind               without a window            with a window
 *   count              count                       series
 *   sum                total, count                series with amounts
 *   average            total, count                series with amounts
 *   min, max           kept                        series with values
 *   first              kept, at                    series with values
 *   last               kept, at                    kept, at: the newest of all is the newest of any window
 *   last_at            at, count                   at, count
 *   first_at           at, count                   series
 *
 * A sum whose field names no currency takes that of the first amount; it stands in `kept`, as money of 0.
 *
 * Invariants:
 * 1. A series is sorted by own time, equal times in order of arrival, and has at most LIMIT_SERIES_COUNT occurrences;
 *    `values`, when there, goes beside it item by item.
 * 2. What no later instant can see is let go: the instant never runs back. Calendar windows keep two days more, because
 *    a contact that changes its zone moves the window's start by up to a day and a bit.
 * 3. A window holds what happened after now - window, up to and with now.
 * 4. Money is summed exactly; numbers as doubles, in order of arrival without a window and of own time with one. */
#include "flip.h"

#include <math.h>

#include "base/sorted.h"

#define ZONE_SLACK_MS (2 * MS_PER_DAY)

/* --- the state of one measure ---------------------------------------------------------------------------------------- */

static struct measure_state *state_find(const struct contact *c, uint32_t id) {
  uint32_t place = SORTED_PLACE(&c->measures, id);
  return SORTED_IS_AT(&c->measures, place, id) ? &c->measures.items[place] : NULL;
}

static struct measure_state *state_make(struct contact *c, uint32_t id) {
  uint32_t place = SORTED_PLACE(&c->measures, id);
  if (!SORTED_IS_AT(&c->measures, place, id)) SORTED_PUT(c->arena, &c->measures, place, ((struct measure_state){ .id = id }));
  return &c->measures.items[place];
}

/* --- windows --------------------------------------------------------------------------------------------------------- */

static bool has_window(const struct measure *m) { return m->window.type != V_MISSING; }

/* The last moment that the window does not hold. */
static int64_t window_start(const struct measure *m, const struct env *env) {
  return window_ago(m->window, env->zone, env->now_ms);
}

/* How many occurrences are at or before the moment. */
static uint32_t series_until(const struct measure_state *s, int64_t ms) {
  uint32_t low = 0, n = s->series_count;
  while (n) {
    uint32_t half = n / 2;
    if (s->series[low + half].at_ms <= ms) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

/* Lets the oldest go without moving the others. */
static void series_drop(struct measure_state *s, uint32_t count) {
  if (count == 0) return;
  s->series += count;
  if (s->values) s->values += count;
  s->series_count -= count;
  s->series_cap -= count;
}

static void series_grow(struct measure_state *s, struct arena *a, bool valued) {
  uint32_t cap = s->series_cap, values_cap = s->series_cap;
  if (s->series_count < cap) return;
  s->series = arena_grow(a, s->series, s->series_count, &cap, sizeof *s->series);
  if (valued) s->values = arena_grow(a, s->values, s->series_count, &values_cap, sizeof *s->values);
  s->series_cap = cap;
}

/* Late events are rare and little late, so the place is looked for from the end. */
static void series_insert(struct measure_state *s, struct arena *a, struct occurrence o, const struct value *v) {
  series_grow(s, a, v != NULL);
  uint32_t i = s->series_count;
  while (i > 0 && s->series[i - 1].at_ms > o.at_ms) i--;
  memmove(s->series + i + 1, s->series + i, (s->series_count - i) * sizeof *s->series);
  s->series[i] = o;
  if (v) {
    memmove(s->values + i + 1, s->values + i, (s->series_count - i) * sizeof *s->values);
    s->values[i] = *v;
  }
  s->series_count++;
}

/* --- taking ---------------------------------------------------------------------------------------------------------- */

static bool wants_amount(const struct measure *m) { return m->kind == MEASURE_SUM || m->kind == MEASURE_AVERAGE; }

static bool wants_kept(const struct measure *m) {
  return m->kind == MEASURE_MIN || m->kind == MEASURE_MAX || m->kind == MEASURE_FIRST || m->kind == MEASURE_LAST;
}

static bool wants_series(const struct measure *m) {
  return has_window(m) && m->kind != MEASURE_LAST && m->kind != MEASURE_LAST_AT;
}

static bool is_double(unsigned type) { return type == V_NUMBER || type == V_PERCENT; }
static bool is_summed(unsigned type) { return is_double(type) || type == V_MONEY || type == V_EXACT; }

/* The kind of value that sums of this measure have: a field that nobody declared is summed as numbers. */
static enum value_type sum_type(const struct unit *u, const struct measure *m) {
  unsigned type = m->field == NONE ? V_NUMBER : u->fields[m->field].type;
  return is_summed(type) ? (enum value_type)type : V_NUMBER;
}

static int64_t amount_of(struct value v) {
  int64_t bits;
  if (!is_double(v.type)) return v.i;
  memcpy(&bits, &v.n, 8);
  return bits;
}

static struct value amount_value(enum value_type type, int64_t amount, uint32_t currency) {
  struct value v = { .type = (uint8_t)type, .aux = type == V_MONEY ? currency : 0 };
  if (!is_double(type)) {
    v.i = amount;
    return v;
  }
  memcpy(&v.n, &amount, 8);
  return isfinite(v.n) ? v : value_missing(); /* the bits may come from a damaged row */
}

/* The event's value for this measure; false when the event has none that counts. */
static bool value_taken(const struct unit *u, const struct measure *m, const struct env *env, struct value *out) {
  *out = value_missing();
  if (m->field == NONE) return !wants_amount(m) && !wants_kept(m);
  const struct field *f = &u->fields[m->field];
  *out = event_field_value(env->event, u->link->symbols[f->name], f, env->zone, env->scratch);
  if (out->type == V_MISSING) return false;
  if (wants_amount(m) && out->type != sum_type(u, m)) return false;
  return out->type != V_MONEY || f->currency == 0 || out->aux == f->currency;
}

/* A copy that the contact owns. Long texts are cut between characters; lists and records cannot be cut. */
static bool value_keep(struct value *v, struct arena *a) {
  bool text = v->type == V_TEXT || v->type == V_REF;
  if (!text && v->type != V_LIST && v->type != V_RECORD) return true;
  struct str s = value_str(*v);
  if (s.len > LIMIT_KEPT_BYTES) {
    if (!text) return false;
    s.len = LIMIT_KEPT_BYTES;
    while (s.len && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80) s.len--;
  }
  v->interned = 0;
  v->ptr = arena_str(a, s).ptr;
  v->aux = (uint32_t)s.len;
  return true;
}

/* Whether the amount is in the currency that this state sums. */
static bool currency_agrees(struct measure_state *s, struct value v) {
  if (v.type != V_MONEY) return true;
  if (s->kept.type != V_MONEY) s->kept = value_money(0, v.aux);
  return s->kept.aux == v.aux;
}

static void take_amount(struct measure_state *s, struct value v) {
  struct value sum = value_add(amount_value((enum value_type)v.type, s->total, v.aux), v, NULL);
  if (sum.type == V_MISSING) {
    s->overflowed = true;
    return;
  }
  s->total = amount_of(sum);
  s->count++;
}

static void take_kept(struct measure_state *s, unsigned kind, struct value v, const struct env *env) {
  int64_t at = env->event->at_ms;
  bool better = s->kept.type == V_MISSING;
  if (!better && (kind == MEASURE_MIN || kind == MEASURE_MAX)) {
    bool ok;
    int order = value_order(v, s->kept, env->zone, &ok);
    better = ok && (kind == MEASURE_MIN ? order < 0 : order > 0);
  } else if (!better) {
    better = kind == MEASURE_FIRST ? at < s->at_ms : at >= s->at_ms;
  }
  if (!better || !value_keep(&v, env->contact->arena)) return;
  s->kept = v;
  s->at_ms = kind == MEASURE_MIN || kind == MEASURE_MAX ? 0 : at;
}

static void take_time(struct measure_state *s, unsigned kind, int64_t at) {
  bool better = s->count == 0 || (kind == MEASURE_LAST_AT ? at > s->at_ms : at < s->at_ms);
  if (better) s->at_ms = at;
  s->count++;
}

static void take_series(struct measure_state *s, const struct measure *m, struct value v, const struct env *env,
                        struct arena *a) {
  int64_t gone = window_start(m, env), at = env->event->at_ms;
  if (m->window.type == V_CALENDAR) gone -= ZONE_SLACK_MS;
  series_drop(s, series_until(s, gone));
  if (at <= gone) return;
  if (wants_kept(m) && !value_keep(&v, a)) return;
  struct occurrence o = { at, wants_amount(m) ? amount_of(v) : 0 };
  series_insert(s, a, o, wants_kept(m) ? &v : NULL);
  if (s->series_count <= LIMIT_SERIES_COUNT) return;
  series_drop(s, s->series_count - LIMIT_SERIES_COUNT);
  s->overflowed = true;
}

bool measure_take(struct contact *c, const struct unit *u, const struct measure *m, uint32_t id, const struct env *env) {
  CHECK(env->event);
  struct value v;
  if (!value_taken(u, m, env, &v)) return true;
  struct measure_state *s = state_make(c, id);
  if (wants_amount(m) && !currency_agrees(s, v)) return true;
  bool before = s->overflowed;
  s->overflowed = false;
  if (wants_series(m)) {
    /* Bytes from disk may give this id a series without the values, or with values that nobody will keep beside it. */
    if (wants_kept(m) && !s->values) s->series_count = s->series_cap = 0;
    if (!wants_kept(m)) s->values = NULL;
    take_series(s, m, v, env, c->arena);
  } else if (wants_amount(m)) {
    take_amount(s, v);
  } else if (wants_kept(m)) {
    take_kept(s, m->kind, v, env);
  } else if (m->kind == MEASURE_COUNT) {
    s->count++;
  } else {
    take_time(s, m->kind, env->event->at_ms);
  }
  bool fits = !s->overflowed;
  s->overflowed |= before;
  return fits;
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* Occurrences from … to - 1 of the series. */
struct range { uint32_t from, to; };

static struct value range_sum(const struct measure_state *s, struct range in, enum value_type type, uint32_t currency) {
  struct value sum = amount_value(type, 0, currency);
  for (uint32_t i = in.from; i < in.to; i++)
    sum = value_add(sum, amount_value(type, s->series[i].amount, currency), NULL);
  return sum;
}

static struct value range_best(const struct measure_state *s, struct range in, bool min, const struct zone *z) {
  if (in.from == in.to || !s->values) return value_missing();
  struct value best = s->values[in.from];
  for (uint32_t i = in.from + 1; i < in.to; i++) {
    bool ok;
    int order = value_order(s->values[i], best, z, &ok);
    if (ok && (min ? order < 0 : order > 0)) best = s->values[i];
  }
  return best;
}

/* A sum, or an average of so many; the sum of nothing is 0 in the currency, if that is known. */
static struct value sum_or_average(const struct measure *m, struct value sum, uint64_t count) {
  if (sum.type == V_MONEY && sum.aux == 0) return value_missing();
  if (m->kind == MEASURE_SUM) return sum;
  return count ? value_div(sum, value_number((double)count)) : value_missing();
}

static uint32_t sum_currency(const struct measure_state *s, const struct unit *u, const struct measure *m) {
  uint32_t declared = m->field == NONE ? 0 : u->fields[m->field].currency;
  return declared ? declared : s->kept.type == V_MONEY ? s->kept.aux : 0;
}

/* The oldest inside leaves first. What an import brought may even lie ahead of the instant, and comes in. */
static void series_flips(const struct measure_state *s, const struct measure *m, struct range in, const struct env *env) {
  if (in.to > in.from) flip_lower(env, window_leaves(m->window, env->zone, s->series[in.from].at_ms));
  if (in.to < s->series_count) flip_lower(env, s->series[in.to].at_ms);
}

static struct value value_of_series(const struct measure_state *s, const struct unit *u, const struct measure *m,
                                    const struct env *env) {
  struct range in = { series_until(s, window_start(m, env)), series_until(s, env->now_ms) };
  if (in.to < in.from) in.to = in.from;
  uint32_t count = in.to - in.from;
  if (env->flip_ms) series_flips(s, m, in, env);
  switch ((enum measure_kind)m->kind) {
    case MEASURE_COUNT: return value_number(count);
    case MEASURE_SUM:
    case MEASURE_AVERAGE:
      return sum_or_average(m, range_sum(s, in, sum_type(u, m), sum_currency(s, u, m)), count);
    case MEASURE_MIN: return range_best(s, in, true, env->zone);
    case MEASURE_MAX: return range_best(s, in, false, env->zone);
    case MEASURE_FIRST: return count && s->values ? s->values[in.from] : value_missing();
    default: return count ? value_moment(s->series[in.from].at_ms) : value_missing();
  }
}

/* What is kept of one moment counts with a window only inside it. */
static bool at_is_inside(const struct measure_state *s, const struct measure *m, const struct env *env) {
  if (!has_window(m)) return true;
  bool inside = s->at_ms > window_start(m, env) && s->at_ms <= env->now_ms;
  if (env->flip_ms && s->at_ms > env->now_ms) flip_lower(env, s->at_ms);
  if (env->flip_ms && inside) flip_lower(env, window_leaves(m->window, env->zone, s->at_ms));
  return inside;
}

struct value measure_value(struct contact *c, const struct unit *u, const struct measure *m, uint32_t id, const struct env *env) {
  static const struct measure_state nothing = { 0 };
  const struct measure_state *s = state_find(c, id);
  if (!s) s = &nothing;
  if (wants_series(m)) return value_of_series(s, u, m, env);
  switch ((enum measure_kind)m->kind) {
    case MEASURE_COUNT: return value_number((double)s->count);
    case MEASURE_SUM:
    case MEASURE_AVERAGE:
      return sum_or_average(m, amount_value(sum_type(u, m), s->total, sum_currency(s, u, m)), s->count);
    case MEASURE_LAST_AT:
    case MEASURE_FIRST_AT:
      return s->count && at_is_inside(s, m, env) ? value_moment(s->at_ms) : value_missing();
    default: return s->kept.type != V_MISSING && at_is_inside(s, m, env) ? s->kept : value_missing();
  }
}
