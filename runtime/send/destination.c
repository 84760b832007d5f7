/* Destinations: mails that wait for a connection, queued by the domain they go to, so that a slow, limited or refusing one does not hold
 * the others.
 *
 * Not for: connections (relay_line.c), what a reply means (reply.c), one mail's own retries (outbox.c).
 *
 *               mails, and free to go                 a mail was taken
 *     nowhere ----------------------> ready[lines] -----------------------> ready[lines + 1], asleep, or nowhere
 *                                        ^
 *                                        | its time has come (tokens, or the end of its back-off)
 *                                      asleep
 *
 * Who is next: the destination that the fewest connections carry mail for; among equals by turns. So of ten connections a slow destination
 * keeps five when one other has mail, and all when none has. What is behind a dot in one connection waits for its answer: behind the
 * dot of a slow destination (SLOW_MS) travels only mail for the same.
 *
 * A destination is left alone, for a time that doubles, after a reply that says that *it* cannot take mail now (FATE_BUSY); then one
 * mail tries. Other 4xx are one mail's own, however many: greylisting says them to each new address, and who waited for one to succeed
 * before trying the next would never be done. What waits for it meanwhile goes back to the outbox, which puts it off
 * until then. In the same way goes back what a limit would keep here for longer than AHEAD_MS, each with the moment of its turn; and,
 * when the room is nearly full, what a destination cannot send soon at its present speed.
 *
 * Invariants:
 * 1. Each destination stands in one place or none, and where it stands follows from its fields: settle_place after each change.
 * 2. `lines` counts the connections with a mail of it under way, however many each carries.
 * 3. A limit's connections and rate hold over all relays. */
#include "runtime/send/destination.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/send/relay_parts.h"
#include "vm/base/hash.h"

enum {
  SLOW_MS = 100, BACK_OFF_MIN_MS = 60 * 1000, BACK_OFF_MAX_MS = 3600 * 1000,
  AHEAD_MS = 30 * 1000, AHEAD_COUNT = 16,     /* what a limit may keep here */
  SHED_AFTER_MS = 10 * 1000, SHED_KEPT_COUNT = ROOM_COUNT / 8, SPEED_MS = 60 * 1000,
  SWEEP_COUNT = 16384
};

/* --- which ----------------------------------------------------------------------------------------------------------- */

static struct str domain_of(struct str address, char small[256]) {
  const char *at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;
  struct str domain = at ? str_slice(at + 1, address.ptr + address.len) : (struct str){ NULL, 0 };
  if (domain.len > 255) domain.len = 255;
  for (size_t i = 0; i < domain.len; i++) small[i] = (char)tolower((unsigned char)domain.ptr[i]);
  return (struct str){ small, domain.len };
}

static struct destination **bucket_of(struct sender *s, struct str name) {
  return &s->to.table[hash_str((struct hash_key){ s->identity, 1 }, name) % TABLE_COUNT];
}

static bool is_forgettable(const struct sender *s, const struct destination *d) {
  return !d->waiting && !d->lines && !d->backoff_ms && d->slot_ms <= s->to.now_ms && d->tokens_ms + 1000 < s->to.now_ms;
}

static void sweep(struct sender *s) {
  for (uint32_t i = 0; i < TABLE_COUNT; i++)
    for (struct destination **at = &s->to.table[i]; *at;) {
      struct destination *d = *at;
      if (!is_forgettable(s, d)) {
        at = &d->chain;
        continue;
      }
      *at = d->chain;
      free(d);
      s->to.count--;
    }
  s->to.sweep_count = s->to.count + SWEEP_COUNT;
}

static struct destination *find(struct sender *s, struct str address) {
  char small[256];
  struct str name, domain = domain_of(address, small);
  const struct limit *limit = limits_find(&s->to.limits, domain, &name);
  struct destination *d = *bucket_of(s, name);
  while (d && !str_eq(name, (struct str){ d->name, d->name_bytes })) d = d->chain;
  if (d) return d;
  if (!s->to.sweep_count) s->to.sweep_count = SWEEP_COUNT;
  if (s->to.count >= s->to.sweep_count) sweep(s);
  d = calloc(1, sizeof *d + name.len + 1);
  CHECK(d);
  d->limit = limit;
  d->end = &d->first;
  d->tokens_ms = d->since_ms = s->to.now_ms;
  d->tokens = 1;
  d->name_bytes = name.len;
  if (name.len) memcpy(d->name, name.ptr, name.len);
  struct destination **at = bucket_of(s, name);
  d->chain = *at;
  *at = d;
  s->to.count++;
  return d;
}

/* --- where it stands ------------------------------------------------------------------------------------------------- */

static void leave_place(struct sender *s, struct destination *d) {
  struct place *p = d->place;
  s->to.ready_count -= d->counted;
  d->counted = 0;
  d->place = NULL;
  if (!p) return;
  if (d->before) d->before->behind = d->behind;
  else p->first = d->behind;
  if (d->behind) d->behind->before = d->before;
  else p->last = d->before;
  d->before = d->behind = NULL;
}

static void enter_place(struct destination *d, struct place *p) {
  d->place = p;
  d->before = p->last;
  if (p->last) p->last->behind = d;
  else p->first = d;
  p->last = d;
}

/* When its rate lets the next mail go; 0: now. */
static int64_t rate_wait_ms(struct sender *s, struct destination *d) {
  double rate = d->limit ? d->limit->rate : 0;
  if (rate == 0) return 0;
  double most = rate < 10 ? 1 : rate / 10;
  d->tokens += (double)(s->to.now_ms - d->tokens_ms) * rate / 1000;
  d->tokens_ms = s->to.now_ms;
  if (d->tokens > most) d->tokens = most;
  return d->tokens >= 1 ? 0 : (int64_t)((1 - d->tokens) * 1000 / rate) + 1;
}

static bool is_full(const struct destination *d) {
  if (d->backoff_ms) return d->lines > 0;
  return d->limit && d->limit->connections && d->lines >= d->limit->connections;
}

static void settle_place(struct sender *s, struct destination *d) {
  leave_place(s, d);
  if (!d->waiting || is_full(d)) return;
  int64_t left = d->retry_ms - s->to.now_ms, wait = left > 0 ? left : rate_wait_ms(s, d);
  if (wait > 0) {
    enter_place(d, &s->to.asleep);
    if (s->to.now_ms + wait < s->to.wake_ms) s->to.wake_ms = s->to.now_ms + wait;
    return;
  }
  enter_place(d, &s->to.ready[d->lines < PLACES_COUNT ? d->lines : PLACES_COUNT - 1]);
  d->counted = d->waiting;
  s->to.ready_count += d->counted;
}

static void push(struct sender *s, struct destination *d, struct relay_mail *m, bool front) {
  m->next = front ? d->first : NULL;
  if (front) {
    if (!d->first) d->end = &m->next;
    d->first = m;
  } else {
    *d->end = m;
    d->end = &m->next;
  }
  d->waiting++;
  s->to.waiting++;
  settle_place(s, d);
}

static struct relay_mail *pop(struct sender *s, struct destination *d) {
  struct relay_mail *m = d->first;
  d->first = m->next;
  if (!d->first) d->end = &d->first;
  d->waiting--;
  s->to.waiting--;
  m->next = NULL;
  return m;
}

/* --- given back ------------------------------------------------------------------------------------------------------ */

/* The moment at which a mail that is given back has its turn, when so many a second go. */
static int64_t next_slot(struct sender *s, struct destination *d, uint32_t ahead, double rate) {
  int64_t at = s->to.now_ms + (int64_t)(ahead * 1000.0 / rate);
  if (d->slot_ms > at) at = d->slot_ms;
  d->slot_ms = at + (int64_t)(1000 / rate) + 1;
  return at;
}

static void give_back_alone(struct sender *s, struct destination *d, struct relay_mail *m) {
  relay_settle_wait(s, m, d->retry_ms - s->to.now_ms, "%.60s takes no mail for now: %.90s", d->name, d->reason);
}

static void leave_alone(struct sender *s, struct destination *d, const char *reason) {
  if (d->retry_ms > s->to.now_ms) return; /* several connections hear it as one */
  d->backoff_ms = d->backoff_ms ? d->backoff_ms * 2 : BACK_OFF_MIN_MS;
  if (d->backoff_ms > BACK_OFF_MAX_MS) d->backoff_ms = BACK_OFF_MAX_MS;
  d->retry_ms = s->to.now_ms + d->backoff_ms;
  snprintf(d->reason, sizeof d->reason, "%s", reason);
  char text[WHY_BYTES];
  snprintf(text, sizeof text, "%.80s takes no mail for now: %.110s; next try in %u s", d->name, d->reason, (unsigned)(d->backoff_ms / 1000) % 10000);
  relay_note(s, text);
  while (d->waiting) give_back_alone(s, d, pop(s, d));
}

void destination_add(struct sender *s, struct relay_mail *m) {
  struct destination *d = find(s, m->smtp.to);
  m->destination = d;
  m->came_ms = s->to.now_ms;
  double rate = d->limit ? d->limit->rate : 0;
  if (d->retry_ms > s->to.now_ms) give_back_alone(s, d, m);
  else if (rate != 0 && d->waiting >= AHEAD_COUNT && d->waiting * 1000.0 / rate > AHEAD_MS)
    relay_settle_wait(s, m, next_slot(s, d, d->waiting, rate) - s->to.now_ms, "waits for its turn: CAMP_LIMITS says how much mail %.60s gets", d->name);
  else push(s, d, m, false);
}

void destination_again(struct sender *s, struct relay_mail *m) {
  m->dot_ms = 0;
  push(s, m->destination, m, true);
}

/* --- taken ----------------------------------------------------------------------------------------------------------- */

static struct destination *next_ready(struct sender *s) {
  for (uint32_t i = 0; i < PLACES_COUNT; i++)
    if (s->to.ready[i].first) return s->to.ready[i].first;
  return NULL;
}

/* Behind a dot. */
static struct destination *next_behind(struct sender *s, struct destination *d) {
  struct destination *other = next_ready(s);
  if (d->dot_ms < SLOW_MS) return other;
  bool goes_on = d->waiting && !d->backoff_ms && d->retry_ms <= s->to.now_ms && rate_wait_ms(s, d) == 0;
  return goes_on && (!other || other->lines + 1 >= d->lines) ? d : NULL;
}

struct relay_mail *destination_take(struct sender *s, struct line *line) {
  struct relay_mail *dotted = line->under[0] ? line->under[0] : line->under[1];
  CHECK(!line->under[0] || !line->under[1]);
  struct destination *d = dotted ? next_behind(s, dotted->destination) : next_ready(s);
  if (!d) return NULL;
  struct relay_mail *m = pop(s, d);
  if (!dotted || dotted->destination != d) d->lines++;
  line->under[line->under[0] ? 1 : 0] = m;
  d->tokens -= 1;
  settle_place(s, d);
  return m;
}

void destination_done(struct sender *s, struct line *line, struct relay_mail *m, enum came came, const char *reason) {
  struct destination *d = m->destination;
  int at = line->under[0] == m ? 0 : 1;
  CHECK(line->under[at] == m);
  line->under[at] = NULL;
  const struct relay_mail *other = line->under[1 - at];
  if (!other || other->destination != d) d->lines--;
  if (came != CAME_BACK) d->finished++;
  if (came == CAME_SENT || came == CAME_REFUSED || came == CAME_LATER) d->backoff_ms = 0; /* it speaks of single mails again */
  if (came == CAME_SENT && m->dot_ms) d->dot_ms = (7 * d->dot_ms + (s->to.now_ms - m->dot_ms)) / 8;
  if (came == CAME_BUSY) leave_alone(s, d, reason);
  settle_place(s, d);
}

/* --- once a turn ----------------------------------------------------------------------------------------------------- */

static void wake_up(struct sender *s) {
  if (s->to.wake_ms > s->to.now_ms) return;
  s->to.wake_ms = INT64_MAX;
  /* Those that go to sleep again stand behind the last one now. */
  struct destination *last = s->to.asleep.last;
  for (struct destination *d = s->to.asleep.first, *next; d; d = next) {
    next = d == last ? NULL : d->behind;
    settle_place(s, d);
  }
}

static void shed(struct sender *s, struct destination *d) {
  int64_t elapsed = s->to.now_ms - d->since_ms;
  double rate = (d->finished + 1) * 1000.0 / (double)(elapsed + 1000);
  if (elapsed > SPEED_MS) d->since_ms = s->to.now_ms, d->finished = 0;
  if (d->waiting <= SHED_KEPT_COUNT || s->to.now_ms - d->first->came_ms < SHED_AFTER_MS) return;
  struct relay_mail *m = d->first;
  for (uint32_t i = 1; i < SHED_KEPT_COUNT; i++) m = m->next;
  struct relay_mail *rest = m->next;
  m->next = NULL;
  d->end = &m->next;
  s->to.waiting -= d->waiting - SHED_KEPT_COUNT;
  d->waiting = SHED_KEPT_COUNT;
  while (rest) {
    m = rest;
    rest = m->next;
    relay_settle_wait(s, m, next_slot(s, d, d->waiting, rate) - s->to.now_ms, "waits behind other mail to %.60s", d->name);
  }
  settle_place(s, d);
}

void destinations_turn(struct sender *s) {
  wake_up(s);
  if (s->to.now_ms < s->to.shed_ms) return;
  s->to.shed_ms = s->to.now_ms + 1000;
  if (s->held_count < ROOM_COUNT / 4 * 3) return;
  for (uint32_t i = 0; i < TABLE_COUNT; i++)
    for (struct destination *d = s->to.table[i]; d; d = d->chain) shed(s, d);
}

struct relay_mail *destinations_empty(struct sender *s) {
  struct relay_mail *all = NULL, **end = &all;
  for (uint32_t i = 0; i < TABLE_COUNT; i++)
    for (struct destination *d = s->to.table[i]; d; d = d->chain) {
      if (!d->waiting) continue;
      *end = d->first;
      end = d->end;
      s->to.waiting -= d->waiting;
      d->first = NULL;
      d->end = &d->first;
      d->waiting = 0;
      settle_place(s, d);
    }
  return all;
}

void destinations_free(struct sender *s) {
  for (uint32_t i = 0; i < TABLE_COUNT; i++)
    for (struct destination *d = s->to.table[i], *next; d; d = next) {
      next = d->chain;
      free(d);
    }
}
