/* When an answer changes by time alone; see flip.h.
 *
 * Not for what a value is: the loop of strand.c computes that, and this looks on, one instruction ahead of it.
 *
 * Invariants:
 * 1. Only what was looked at counts: what `and` and `or` passed over cannot change the answer before something that was looked
 *    at has changed.
 * 2. A flip is later than the instant and never later than the change. Where the change cannot be computed it is the next full
 *    hour, so that the answer is at most that old.
 * 3. A value that stands still and the start of a window or a value that moves evenly turn at an exact millisecond: evaluating
 *    then gives the other answer, and evaluating one millisecond before still gives this one. */
#include "flip.h"

#include <math.h>

#define HOUR_MS (3600 * MS_PER_SECOND)
/* Behind this nobody waits: the last moment that input accepts is long before. */
#define FAR_MS (400LL * 366 * MS_PER_DAY)

static const struct motion still = { .kind = MOTION_STILL };
static const struct motion strange = { .kind = MOTION_STRANGE };

void flip_lower(const struct env *env, int64_t at_ms) {
  if (!env->flip_ms || at_ms > FAR_MS) return;
  if (at_ms <= env->now_ms) at_ms = env->now_ms + 1;
  if (at_ms < *env->flip_ms) *env->flip_ms = at_ms;
}

static const struct zone *zone_of(const struct zone *z) { return z ? z : zone_utc(); }

int64_t window_ago(struct value window, const struct zone *z, int64_t now_ms) {
  int64_t start;
  if (window.type == V_CALENDAR) return zone_ago(zone_of(z), now_ms, (int32_t)window.aux, window.i);
  return __builtin_sub_overflow(now_ms, window.i, &start) ? INT64_MIN : start;
}

int64_t window_leaves(struct value window, const struct zone *z, int64_t at_ms) {
  int64_t end;
  if (window.type == V_CALENDAR) return zone_ago_reaches(zone_of(z), at_ms, (int32_t)window.aux, window.i);
  return __builtin_add_overflow(at_ms, window.i, &end) ? NEVER : end;
}

static void look_again(const struct env *env) {
  int64_t into = env->now_ms % HOUR_MS;
  flip_lower(env, env->now_ms - (into < 0 ? into + HOUR_MS : into) + HOUR_MS);
}

/* --- comparing ------------------------------------------------------------------------------------------------------- */

enum side { BELOW, AT, ABOVE };
enum turn { TURN_NEVER, TURN_REACH, TURN_EXCEED }; /* when x, which rises, is at the other value, or above it */

/* What makes `x op y` turn, when x rises and stands on this side of y. */
static enum turn turn_of(uint8_t op, enum side side) {
  switch (op) {
    case OP_LT: case OP_GE: return side == BELOW ? TURN_REACH : TURN_NEVER;
    case OP_LE: case OP_GT: return side == ABOVE ? TURN_NEVER : TURN_EXCEED;
    default: return side == BELOW ? TURN_REACH : side == AT ? TURN_EXCEED : TURN_NEVER;
  }
}

static uint8_t swapped(uint8_t op) {
  switch (op) {
    case OP_LT: return OP_GT;
    case OP_LE: return OP_GE;
    case OP_GT: return OP_LT;
    case OP_GE: return OP_LE;
    default: return op;
  }
}

static bool as_moment(struct value v, const struct zone *z, int64_t *ms) {
  if (v.type == V_MOMENT) *ms = v.i;
  else if (v.type == V_DATE) *ms = zone_to_utc(zone_of(z), v.i * MS_PER_DAY);
  else if (v.type == V_LOCAL) *ms = zone_to_utc(zone_of(z), v.i);
  else return false;
  return true;
}

static bool as_number(struct value v, const struct zone *z, double *n) {
  int64_t ms;
  if (v.type == V_NUMBER || v.type == V_PERCENT) *n = v.n;
  else if (v.type == V_EXACT || v.type == V_TIME) *n = (double)v.i;
  else if (as_moment(v, z, &ms)) *n = (double)ms;
  else return false;
  return true;
}

static void turn_at(const struct env *env, enum turn turn, int64_t reach_ms, int64_t exceed_ms) {
  if (turn == TURN_REACH) flip_lower(env, reach_ms);
  if (turn == TURN_EXCEED) flip_lower(env, exceed_ms);
}

static enum side side_of(double difference) { return difference < 0 ? BELOW : difference > 0 ? ABOVE : AT; }

static void compare_linear(uint8_t op, struct value x, struct value y, double rate, const struct env *env) {
  double a, b;
  if (rate == 0 || !as_number(x, env->zone, &a) || !as_number(y, env->zone, &b)) return;
  double left = b - a; /* moments and durations are whole numbers far below 2^53, so this is exact */
  if (rate < 0) {
    op = swapped(op);
    rate = -rate;
    left = -left;
  }
  double steps = left / rate;
  if (!(fabs(steps) < (double)FAR_MS)) return;
  turn_at(env, turn_of(op, side_of(-left)), env->now_ms + (int64_t)ceil(steps), env->now_ms + (int64_t)floor(steps) + 1);
}

static void compare_ago(uint8_t op, struct value x, struct value y, struct value by, const struct env *env) {
  int64_t at;
  if (x.type != V_MOMENT || !as_moment(y, env->zone, &at)) return;
  enum turn turn = turn_of(op, x.i < at ? BELOW : x.i > at ? ABOVE : AT);
  if (turn == TURN_NEVER || at > FAR_MS || at < -FAR_MS) return;
  flip_lower(env, window_leaves(by, env->zone, turn == TURN_REACH ? at : at + 1));
}

/* x = rest + rate * 2^(-t / half): where that is y. What comes nearer to `rest` and does not reach y never turns. */
static void compare_decay(uint8_t op, struct value x, struct motion m, struct value y, const struct env *env) {
  if (x.type != V_NUMBER || y.type != V_NUMBER || m.rate == 0) return;
  enum side side = side_of(m.rate > 0 ? y.n - x.n : x.n - y.n); /* as if it rose */
  enum turn turn = turn_of(m.rate > 0 ? swapped(op) : op, side);
  double left = (y.n - (x.n - m.rate)) / m.rate;
  if (turn == TURN_NEVER || !(left > 0)) return;
  double steps = side == AT ? 0 : -log2(left) * (double)m.half_ms;
  if (!(steps < (double)FAR_MS)) return;
  turn_at(env, turn, env->now_ms + (int64_t)ceil(steps), env->now_ms + (int64_t)floor(steps) + 1);
}

static void compare(uint8_t op, struct value x, struct motion mx, struct value y, struct motion my, const struct env *env) {
  if (mx.kind == MOTION_STILL && my.kind == MOTION_STILL) return;
  if (x.type == V_MISSING || y.type == V_MISSING) return;
  if (mx.kind == MOTION_STILL) {
    compare(swapped(op), y, my, x, mx, env);
    return;
  }
  bool even = mx.kind == MOTION_LINEAR && (my.kind == MOTION_STILL || my.kind == MOTION_LINEAR);
  if (even) compare_linear(op, x, y, mx.rate - (my.kind == MOTION_LINEAR ? my.rate : 0), env);
  else if (mx.kind == MOTION_AGO && my.kind == MOTION_STILL) compare_ago(op, x, y, mx.by, env);
  else if (mx.kind == MOTION_DECAY && my.kind == MOTION_STILL) compare_decay(op, x, mx, y, env);
  else look_again(env);
}

/* --- computing ------------------------------------------------------------------------------------------------------- */

static bool is_scalar(struct value v) { return v.type == V_NUMBER || v.type == V_PERCENT; }
static double scalar(struct value v) { return v.type == V_PERCENT ? v.n / 100 : v.n; }

static struct motion linear(double rate) { return (struct motion){ .kind = MOTION_LINEAR, .rate = rate }; }

static bool is_even(struct motion m) { return m.kind == MOTION_STILL || m.kind == MOTION_LINEAR; }
static double rate_of(struct motion m) { return m.kind == MOTION_LINEAR ? m.rate : 0; }

static struct motion scaled(struct motion m, double by) {
  m.rate *= by;
  return m;
}

/* A score and what stands still. */
static struct motion combine_decay(uint8_t op, struct value x, struct motion mx, struct value y, struct motion my) {
  bool x_moves = mx.kind == MOTION_DECAY, y_moves = my.kind == MOTION_DECAY;
  if ((!x_moves && mx.kind != MOTION_STILL) || (!y_moves && my.kind != MOTION_STILL)) return strange;
  struct motion m = x_moves ? mx : my;
  if (x_moves && y_moves) {
    if (mx.half_ms != my.half_ms || (op != OP_ADD && op != OP_SUB)) return strange;
    m.rate += op == OP_ADD ? my.rate : -my.rate;
    return m;
  }
  if (op == OP_ADD) return m;
  if (op == OP_SUB) return scaled(m, x_moves ? 1 : -1);
  struct value still_one = x_moves ? y : x;
  if (still_one.type != V_NUMBER || (op == OP_DIV && (y_moves || y.n == 0))) return strange;
  return scaled(m, op == OP_DIV ? 1 / y.n : still_one.n);
}

static struct motion combine(uint8_t op, struct value x, struct motion mx, struct value y, struct motion my) {
  if (mx.kind == MOTION_STILL && my.kind == MOTION_STILL) return still;
  if (mx.kind == MOTION_DECAY || my.kind == MOTION_DECAY) return combine_decay(op, x, mx, y, my);
  if (!is_even(mx) || !is_even(my) || x.type == V_CALENDAR || y.type == V_CALENDAR || x.type == V_DATE || y.type == V_DATE) return strange;
  switch (op) {
    case OP_ADD: return linear(rate_of(mx) + rate_of(my));
    case OP_SUB: return linear(rate_of(mx) - rate_of(my));
    case OP_MUL:
      if (my.kind == MOTION_STILL && is_scalar(y)) return linear(mx.rate * scalar(y));
      if (mx.kind == MOTION_STILL && is_scalar(x)) return linear(my.rate * scalar(x));
      return strange;
    default:
      if (my.kind != MOTION_STILL) return strange;
      if (y.type == V_NUMBER) return linear(mx.rate / y.n);
      return y.type == V_EXACT && y.i ? linear(mx.rate / (double)y.i) : strange;
  }
}

/* A part of a moving moment stands until the wall clock comes to the next one, or is set. */
static struct motion date_part(uint32_t part, struct value v, struct motion m, const struct env *env) {
  enum { PART_HOUR = 4, PART_TIME = 6 };
  if (m.kind == MOTION_STILL || v.type != V_MOMENT) return still;
  if (m.kind != MOTION_LINEAR || m.rate != 1) {
    look_again(env);
    return still;
  }
  int64_t unit = part == PART_HOUR ? HOUR_MS : MS_PER_DAY;
  int64_t into = zone_to_civil(zone_of(env->zone), v.i) % unit;
  if (into < 0) into += unit;
  int64_t turns = zone_change(zone_of(env->zone), v.i, v.i + unit - into);
  flip_lower(env, env->now_ms + (turns - v.i));
  return part == PART_TIME ? linear(1) : still;
}

static struct motion of_score(const struct unit *u, uint32_t string, const struct env *env) {
  uint32_t score = image_score_find(env->image, u->link->symbols[string]);
  if (score == NONE) return still;
  const struct image_score *s = image_score(env->image, score);
  const struct score_state *state = contact_score(env->contact, s->stored_id);
  if (!state || s->half_ms <= 0) return still;
  /* An import may have brought points of a moment ahead: until then they stand. */
  if (state->at_ms > env->now_ms) flip_lower(env, state->at_ms);
  return (struct motion){ .kind = MOTION_DECAY, .rate = score_at(state, s->half_ms, env->now_ms), .half_ms = s->half_ms };
}

static uint32_t operand_u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

void flip_step(struct flip *f, const struct unit *u, const uint8_t *ip, const struct value *stack, const struct value *sp,
               const struct env *env) {
  uint32_t depth = (uint32_t)(sp - stack);
  const struct opcode_info *info = &opcode_table[*ip];
  struct motion *m = f->stack + depth; /* of what is pushed; m[-1] is of the newest value */
  switch (*ip) {
    case OP_NOW: case OP_BASE: *m = linear(1); return;
    case OP_AGO: *m = (struct motion){ .kind = MOTION_AGO, .by = u->link->consts[operand_u16(ip + 1)] }; return;
    case OP_SCORE: *m = of_score(u, operand_u16(ip + 1), env); return;
    case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE:
      compare(*ip, sp[-2], m[-2], sp[-1], m[-1], env);
      m[-2] = still;
      return;
    case OP_ONEOF: {
      uint32_t n = ip[1];
      for (uint32_t i = 1; i <= n; i++) compare(OP_EQ, *(sp - 1 - n), *(m - 1 - n), *(sp - 1 - n + i), *(m - 1 - n + i), env);
      *(m - 1 - n) = still;
      return;
    }
    case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: m[-2] = combine(*ip, sp[-2], m[-2], sp[-1], m[-1]); return;
    case OP_NEG: m[-1].rate = -m[-1].rate; return;
    case OP_ELSE: m[-2] = sp[-2].type == V_MISSING ? m[-1] : m[-2]; return;
    case OP_DATEPART: m[-1] = date_part(ip[1], sp[-1], m[-1], env); return;
    case OP_ZONED: return;
    case OP_STORE: case OP_CONTAINS: case OP_STARTS: case OP_ENDS:
      if (m[-1].kind != MOTION_STILL) look_again(env);
      if (info->pops == 2) {
        if (m[-2].kind != MOTION_STILL) look_again(env);
        m[-2] = still;
      }
      return;
    case OP_NEXTTIME: case OP_WINDOW:
      look_again(env);
      *(m - info->pops) = still;
      return;
    case OP_AND: case OP_OR: case OP_EACH: return;
    default:
      if (info->pushes == 1) *(m - (info->pops > 0 ? info->pops : 0)) = still;
  }
}
