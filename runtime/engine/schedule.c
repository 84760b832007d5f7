/* Starts without an event: when a contact's next one comes, and what happens then.
 *
 * Not for which occurrences there are (vm/schedule.c), entry rules (start.c) or showing a new schedule to those who are known
 * already (sweep.c).
 *
 * A schedule is no walk over contacts but a timer of each one. A contact whom a schedule may concern holds one small entry a
 * schedule: the civil time of the next occurrence that it has not met. Its timer fires at that moment by its own clock; `for` is asked
 * then, the campaign starts as its entry rule allows, and the entry moves on to the next occurrence.
 *
 * Invariants:
 * 1. An entry moves strictly forward in civil time, whatever the contact's zone does meanwhile: each occurrence is met at most once.
 *    One that the new zone has behind it already is met at once, as `wait until` goes on at once.
 * 2. Nobody meets an occurrence from before they came under the schedule: not before its deploy, before they were known, or before
 *    they joined the list that `for` asks for.
 * 3. A contact outside that list holds no timer. Leaving moves none: the next occurrence looks, and drops the entry.
 * 4. Of one moment, strands wake first, then schedules in order of declaration. */
#include "runtime/engine/tick.h"

#include <stdlib.h>

#include "vm/base/sorted.h"

/* Nobody's clock is further than this from another one's, and a day of care. */
#define ZONES_APART_MS (27 * 3600 * 1000LL)

/* --- at opening ----------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b) {
  const struct start_schedule *x = a, *y = b;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int by_list(const void *a, const void *b) {
  const struct start_schedule *x = *(const struct start_schedule *const *)a, *y = *(const struct start_schedule *const *)b;
  if (x->list != y->list) return x->list < y->list ? -1 : 1;
  return by_id(x, y);
}

struct str schedule_name(struct arena *a, const struct unit *u, const struct schedule *s) {
  return arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(unit_name(u)), STR_ARG(unit_string(u, s->text)));
}

static enum camp_err load_one(struct engine *e, const struct unit *u, const struct schedule *s, struct start_schedule *out) {
  *out = (struct start_schedule){ .unit = u, .schedule = s };
  TRY(store_name(e->store, NAME_SCHEDULE, schedule_name(&e->units, u, s), &out->id));
  if (s->list != NONE) {
    out->segment = image_segment_find(e->image, u->link->symbols[s->list]) != NONE;
    TRY(store_name(e->store, out->segment ? NAME_SEGMENT : NAME_LIST, unit_string(u, s->list), &out->list));
  }
  if (s->zone != NONE) {
    out->zone = zones_find(e->zones, unit_string(u, s->zone));
    if (!out->zone)
      return engine_fail(e, CAMP_NOT_FOUND, "the time zone \"" STR_FMT "\" of " STR_FMT " is not in the system's zone files",
                         STR_ARG(unit_string(u, s->zone)), STR_ARG(unit_name(u)));
  }
  out->epoch = store_name_epoch(e->store, out->id);
  return store_deploy_at(e->store, out->epoch, &out->since_ms);
}

enum camp_err engine_schedules_load(struct engine *e) {
  uint32_t units = image_unit_count(e->image), n = 0;
  for (uint32_t i = 0; i < units; i++) n += image_unit(e->image, i)->link->current ? image_unit(e->image, i)->schedule_count : 0;
  e->schedules = arena_alloc(&e->units, (n + 1) * sizeof *e->schedules);
  e->schedules_by_list = arena_alloc(&e->units, (n + 1) * sizeof *e->schedules_by_list);
  e->schedule_count = 0;
  for (uint32_t i = 0; i < units; i++) {
    const struct unit *u = image_unit(e->image, i);
    for (uint32_t k = 0; u->link->current && k < u->schedule_count; k++)
      TRY(load_one(e, u, &u->schedules[k], &e->schedules[e->schedule_count++]));
  }
  if (n) qsort(e->schedules, n, sizeof *e->schedules, by_id);
  for (uint32_t i = 0; i < n; i++) e->schedules_by_list[i] = &e->schedules[i];
  if (n) qsort(e->schedules_by_list, n, sizeof(struct start_schedule *), by_list);
  return CAMP_OK;
}

bool engine_recurs(const struct engine *e) {
  for (uint32_t i = 0; i < e->schedule_count; i++)
    if (schedule_recurs(e->schedules[i].schedule) && e->schedules[i].unit->entry.ends.type == V_MISSING) return true;
  return segments_recur(e);
}

static const struct start_schedule *find(const struct engine *e, uint32_t id) {
  struct start_schedule want = { .id = id };
  return e->schedule_count ? bsearch(&want, e->schedules, e->schedule_count, sizeof want, by_id) : NULL;
}

/* --- entries -------------------------------------------------------------------------------------------------------- */

static int64_t instant_of(const struct live *l, const struct start_schedule *s, int64_t civil_ms) {
  return civil_ms == SCHEDULE_NEVER ? STORE_NEVER : zone_to_utc(s->zone ? s->zone : l->zone, civil_ms);
}

/* Whether `for` may hold: the list or segment that it asks for has the contact. */
static bool is_meant(const struct contact *c, const struct start_schedule *s) {
  return !s->list || (s->segment ? contact_in_segment(c, s->list) : contact_in(c, s->list));
}

static int64_t next_occurrence(const struct start_schedule *s, int64_t after_ms) {
  int64_t next = schedule_next(s->schedule, after_ms);
  struct value ends = s->unit->entry.ends;
  return ends.type != V_MISSING && next >= ends.i ? SCHEDULE_NEVER : next;
}

/* The first occurrence at or after the instant. A gap and a fold of the clock make civil time no sure guide, so the search begins a
 * day before. */
static int64_t first_occurrence(const struct live *l, const struct start_schedule *s, int64_t from_ms) {
  int64_t next = next_occurrence(s, zone_to_civil(s->zone ? s->zone : l->zone, from_ms) - MS_PER_DAY);
  while (next != SCHEDULE_NEVER && instant_of(l, s, next) < from_ms) next = next_occurrence(s, next);
  return next;
}

static void entry_remove(struct live *l, uint32_t at) {
  struct contact *c = &l->c;
  SORTED_TAKE(&c->schedules, at);
  l->schedule_ms = SCHEDULE_STALE;
  l->changed = true;
}

/* An entry from this instant on, unless there is one. */
static void entry_add(struct live *l, const struct start_schedule *s, int64_t from_ms) {
  struct contact *c = &l->c;
  uint32_t at = SORTED_PLACE(&c->schedules, s->id);
  if (SORTED_IS_AT(&c->schedules, at, s->id)) return;
  struct scheduled fresh = { .id = s->id, .next_ms = first_occurrence(l, s, from_ms > s->since_ms ? from_ms : s->since_ms) };
  if (fresh.next_ms == SCHEDULE_NEVER) return;
  SORTED_PUT(c->arena, &c->schedules, at, fresh);
  l->schedule_ms = SCHEDULE_STALE;
  l->changed = true;
}

void live_schedules_joined(struct live *l, uint32_t list, int64_t from_ms) {
  const struct engine *e = l->e;
  uint32_t low = 0, high = e->schedule_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (e->schedules_by_list[middle]->list < list) low = middle + 1;
    else high = middle;
  }
  if (from_ms < l->arrival_ms) from_ms = l->arrival_ms;
  for (; low < e->schedule_count && e->schedules_by_list[low]->list == list; low++) entry_add(l, e->schedules_by_list[low], from_ms);
}

void live_schedules_merge(struct live *l, const struct contact *other) {
  struct contact *c = &l->c;
  for (uint32_t i = 0; i < other->schedules.count; i++) {
    struct scheduled theirs = other->schedules.items[i];
    uint32_t at = SORTED_PLACE(&c->schedules, theirs.id);
    if (!SORTED_IS_AT(&c->schedules, at, theirs.id)) SORTED_PUT(c->arena, &c->schedules, at, theirs);
    else if (theirs.next_ms > c->schedules.items[at].next_ms) c->schedules.items[at].next_ms = theirs.next_ms;
  }
  l->schedule_ms = SCHEDULE_STALE;
}

bool live_fill_schedules(struct live *l) {
  struct engine *e = l->e;
  struct contact *c = &l->c;
  bool was_changed = l->changed;
  l->changed = false;
  /* What a deploy took away, and what is left of an earlier life of what it brought. */
  for (uint32_t i = c->schedules.count; i-- > 0;) {
    const struct start_schedule *s = find(e, c->schedules.items[i].id);
    if (!s || s->epoch > c->measures_as_of) entry_remove(l, i);
  }
  for (uint32_t i = 0; i < e->schedule_count; i++) {
    const struct start_schedule *s = &e->schedules[i];
    if (s->epoch > c->measures_as_of && is_meant(c, s)) entry_add(l, s, s->since_ms);
  }
  bool filled = l->changed;
  l->changed = was_changed || filled;
  return filled;
}

/* The engine's own mistake when it has none: live_schedules_due gave a moment. */
static uint32_t earliest(struct live *l, int64_t *at_ms) {
  uint32_t best = UINT32_MAX;
  const struct start_schedule *first = NULL;
  *at_ms = STORE_NEVER;
  for (uint32_t i = 0; i < l->c.schedules.count; i++) {
    const struct start_schedule *s = find(l->e, l->c.schedules.items[i].id);
    int64_t at = s && !l->c.schedules.items[i].held ? instant_of(l, s, l->c.schedules.items[i].next_ms) : STORE_NEVER;
    bool sooner = at < *at_ms;
    if (at == *at_ms && first && at != STORE_NEVER) {
      uint32_t x = s->unit->link->order, y = first->unit->link->order;
      sooner = x != y ? x < y : s->schedule < first->schedule;
    }
    if (!sooner) continue;
    *at_ms = at;
    best = i;
    first = s;
  }
  return best;
}

int64_t live_schedules_due(struct live *l) {
  if (l->schedule_ms == SCHEDULE_STALE) (void)earliest(l, &l->schedule_ms);
  return l->schedule_ms;
}

int64_t live_schedules_once(struct live *l) {
  int64_t soonest = STORE_NEVER;
  for (uint32_t i = 0; i < l->c.schedules.count; i++) {
    const struct start_schedule *s = find(l->e, l->c.schedules.items[i].id);
    bool counts = s && !schedule_recurs(s->schedule) && !engine_paused(l->e, s->unit->link->campaign_id);
    int64_t at = counts ? instant_of(l, s, l->c.schedules.items[i].next_ms) : STORE_NEVER;
    if (at < soonest) soonest = at;
  }
  return soonest;
}

/* --- the moment ----------------------------------------------------------------------------------------------------- */

/* `entry once`, and once has been: there is nothing to look for any more. */
static bool is_behind(struct live *l, const struct unit *u) {
  return u->entry.kind == ENTRY_ONCE && contact_entry(&l->c, u->link->campaign_id)->count > 0;
}

/* `start every day …` with `entry at most once in 30d` asks for just that, so the other days leave no remark. */
static bool too_soon(struct live *l, const struct unit *u) {
  if (u->entry.kind != ENTRY_ONCE_IN) return false;
  const struct entry *entry = contact_entry(&l->c, u->link->campaign_id);
  if (entry->count == 0) return false;
  struct value until = value_add(value_moment(entry->last_ms), u->entry.within, l->zone);
  return until.type == V_MOMENT && l->now_ms < until.i;
}

enum camp_err live_schedule_fire(struct live *l) {
  struct engine *e = l->e;
  int64_t at_ms;
  uint32_t at = earliest(l, &at_ms);
  CHECK(at != UINT32_MAX);
  const struct start_schedule *s = find(e, l->c.schedules.items[at].id);
  if (e->pause_count && engine_paused(e, s->unit->link->campaign_id)) {
    l->c.schedules.items[at].held = true;
    l->schedule_ms = SCHEDULE_STALE;
    l->changed = true;
    return store_held_put(e->store, s->unit->link->campaign_id, l->c.id);
  }
  l->c.schedules.items[at].next_ms = next_occurrence(s, l->c.schedules.items[at].next_ms);
  l->schedule_ms = SCHEDULE_STALE;
  l->changed = true;
  if (!is_meant(&l->c, s)) {
    entry_remove(l, at);
    return CAMP_OK;
  }
  struct env env = live_env(l);
  if (s->schedule->filter_pc != NONE && !value_true(vm_eval(&e->vm, s->unit, s->schedule->filter_pc, NULL, &env))) return CAMP_OK;
  if (is_behind(l, s->unit)) {
    entry_remove(l, at);
    return CAMP_OK;
  }
  if (too_soon(l, s->unit)) return CAMP_OK;
  return live_start(l, s->unit, s->schedule->start_pc);
}

bool live_schedules_let_go(struct live *l, const struct pause *p, int64_t to_ms) {
  bool any = false;
  for (uint32_t i = 0; i < l->c.schedules.count; i++) {
    struct scheduled *entry = &l->c.schedules.items[i];
    const struct start_schedule *s = find(l->e, entry->id);
    if (!s || s->unit->link->campaign_id != p->campaign || instant_of(l, s, entry->next_ms) >= p->until_ms) continue;
    int64_t civil_ms = zone_to_civil(s->zone ? s->zone : l->zone, to_ms + MS_PER_SECOND - 1);
    entry->next_ms = p->skip ? first_occurrence(l, s, to_ms) : civil_ms - ((civil_ms % MS_PER_SECOND) + MS_PER_SECOND) % MS_PER_SECOND;
    any = true;
  }
  if (any) l->schedule_ms = SCHEDULE_STALE;
  l->changed |= any;
  return any;
}

/* A moment that was met stays noted while some clock of the world has it still ahead: whoever travels there must not meet it again. */
void live_schedules_forget(struct live *l) {
  for (uint32_t i = l->c.schedules.count; i-- > 0;) {
    if (l->c.schedules.items[i].next_ms != SCHEDULE_NEVER) continue;
    const struct start_schedule *s = find(l->e, l->c.schedules.items[i].id);
    if (!s || schedule_recurs(s->schedule) || s->schedule->at_ms + ZONES_APART_MS < l->c.clock_ms) entry_remove(l, i);
  }
}
