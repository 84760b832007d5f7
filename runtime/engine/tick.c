/* One contact through its agenda: inputs and due timers in, changed rows out.
 *
 * Not for transactions and batches (round.c), entry rules (start.c) or what a condition means (vm/).
 *
 *   live_open --> live_input / live_timers, in the agenda's order --> live_close
 *
 * Invariants:
 * 1. The agenda is ordered by time, then event before timer, then arrival or creation; of timers, segments that change by time
 *    before strands, so that what wakes at that moment finds them as they are, and the release of messages behind all, so that it
 *    knows all that want to leave then. live_input runs every timer that is due
 *    strictly before the input's instant first, so the batch size cannot matter.
 * 2. The contact's clock never runs back: an input's instant is the later of its own time and the clock.
 * 3. One event acts in this order: history, consent, measures and scores, responses to experiments, goals, stops, waits (oldest run
 *    first), segments, starts (in order of declaration). Emitted events queue behind it at the same instant, to LIMIT_EMIT_DEPTH.
 * 4. A strand is offered one event once (its `heard` stamp), so a wait that begins in an event does not hear that event.
 * 5. Nothing here looks at a clock, at another contact or at the order of the batch. */
#include "runtime/engine/tick.h"

#include <stdio.h>
#include <stdlib.h>

/* --- running ------------------------------------------------------------------------------------------------------- */

static bool wait_has_since(const struct strand *s) {
  const struct wait *w = strand_wait(s);
  for (uint32_t i = 0; i < w->branch_count; i++)
    if (s->unit->branches[w->first_branch + i].since != BRANCH_NOW) return true;
  return false;
}

/* Parked: looks at once whether the wait is over already. Gives where to go on, or NONE to stay. */
static enum camp_err parked(struct live *l, struct strand_item *item, uint32_t *pc) {
  *pc = NONE;
  if (wait_has_since(&item->s)) {
    struct event *found = NULL;
    TRY(live_since(l, item, pc, &found));
    if (*pc != NONE) {
      l->event = found;
      return CAMP_OK;
    }
  }
  if (live_send_parks(l, item, pc)) return CAMP_OK;
  if (*pc != NONE) {
    l->event = NULL;
    return CAMP_OK;
  }
  /* A moment that is gone goes on at once; one of this very instant stays parked, because a later input of the same
   * instant still counts. */
  if (item->s.due_ms < l->now_ms) {
    *pc = strand_wait(&item->s)->timeout_pc;
    if (item->s.due_ms > l->base_ms) l->base_ms = item->s.due_ms;
    l->event = NULL;
  }
  return CAMP_OK;
}

static enum camp_err run_once(struct live *l, struct strand_item *item, uint32_t pc, bool *over) {
  struct engine *e = l->e;
  struct effect f;
  vm_enter(&e->vm, &item->s, pc);
  *over = true;
  for (;;) {
    struct env env = live_env(l);
    switch (vm_run(&e->vm, &env, &f)) {
      case RUN_EFFECT: {
        /* An effect may end this very strand: `stop` of its own campaign. */
        TRY(live_apply(l, item, &f));
        if (item->state == ROW_GONE) return CAMP_OK;
        break;
      }
      case RUN_WAIT:
        *over = false;
        return CAMP_OK;
      case RUN_MISSING:
        live_outcome(l, STR_FMT ": ended: it would wait until a moment that is missing", STR_ARG(unit_name(item->s.unit)));
        return live_end(l, item);
      case RUN_FUEL:
        live_outcome(l, STR_FMT ": ended: more than %d instructions without a wait", STR_ARG(unit_name(item->s.unit)), LIMIT_FUEL_COUNT);
        return live_end(l, item);
      case RUN_END:
      case RUN_EXIT: return live_end(l, item);
    }
  }
}

/* A run that has come to its end is inside the campaign no longer; while a goal may still count, its strand stays. */
static enum camp_err run_is_over(struct live *l, struct strand_item *item) {
  uint32_t unit = item->s.unit->link->stored_id;
  if (item->s.converted) return live_end(l, item);
  item->over = true;
  l->e->pending.ended++;
  store_unit_count(l->e->store, unit, false, -1);
  store_unit_count(l->e->store, unit, true, 1);
  return CAMP_OK;
}

enum camp_err live_run(struct live *l, struct strand_item *item, uint32_t pc) {
  const struct event *event = l->event;
  int64_t base_ms = l->base_ms;
  if (item->state == ROW_CLEAN) item->state = ROW_CHANGED;
  l->changed = true;
  while (pc != NONE) {
    bool over;
    live_send_apart(l, item);
    item->running = true;
    TRY(run_once(l, item, pc, &over));
    item->running = false;
    pc = NONE;
    if (!over) TRY(parked(l, item, &pc));
    if (!over && pc == NONE && strand_is_over(&item->s)) TRY(run_is_over(l, item));
  }
  l->event = event;
  l->base_ms = base_ms;
  return CAMP_OK;
}

/* --- one event ----------------------------------------------------------------------------------------------------- */

static void take_measures(struct live *l) {
  struct engine *e = l->e;
  uint32_t count;
  const uint32_t *ids = image_event_measures(e->image, l->event->name, &count);
  struct env env = live_env(l);
  for (uint32_t i = 0; i < count; i++) {
    const struct image_measure *m = image_measure(e->image, ids[i]);
    if (m->measure->filter_pc != NONE && !value_true(vm_eval(&e->vm, m->unit, m->measure->filter_pc, NULL, &env))) continue;
    segments_mark_measure(l, ids[i]);
    if (!measure_take(&l->c, m->unit, m->measure, m->stored_id, &env))
      live_outcome(l, STR_FMT ": an older occurrence was let go, because at most %d are remembered", STR_ARG(unit_string(m->unit, m->measure->text)),
                   LIMIT_SERIES_COUNT);
  }
}

static bool listens(struct live *l, const struct unit *u, const struct trigger *t, struct strand *s) {
  if (u->link->symbols[t->event] != l->event->name) return false;
  struct env env = live_env(l);
  return t->filter_pc == NONE || value_true(vm_eval(&l->e->vm, u, t->filter_pc, s, &env));
}

static int64_t moment_after(struct live *l, int64_t from_ms, struct value duration) {
  struct value v = value_add(value_moment(from_ms), duration, l->zone);
  return v.type == V_MOMENT ? v.i : NEVER;
}

static enum camp_err act_goals(struct live *l) {
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    const struct unit *u = item->s.unit;
    if (item->state == ROW_GONE || item->s.converted || strand_watches(&item->s)) continue;
    for (uint32_t g = 0; g < u->goal_count; g++) {
      const struct trigger *goal = &u->goals[g];
      if (!listens(l, u, goal, &item->s)) continue;
      if (goal->within.type != V_MISSING && l->event->at_ms > moment_after(l, item->s.started_ms, goal->within)) continue;
      /* A run converts once, however many strands it has. */
      for (uint32_t k = 0; k < l->strands.count; k++) {
        struct strand_item *other = l->strands.items[k];
        if (other->state == ROW_GONE || other->s.unit != u || other->s.entry != item->s.entry || strand_watches(&other->s)) continue;
        other->s.converted = true;
        if (other->over) TRY(live_end(l, other));
        else if (other->state == ROW_CLEAN) other->state = ROW_CHANGED;
      }
      TRY(store_goal_put(l->e->store, u->link->campaign_id, l->c.id, item->s.entry, l->event->at_ms, 0));
      break;
    }
  }
  return CAMP_OK;
}

static enum camp_err act_stops(struct live *l) {
  bool any = false;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    const struct unit *u = item->s.unit;
    item->stopped = false;
    if (item->state == ROW_GONE || item->over) continue;
    for (uint32_t k = 0; k < u->stop_count && !item->stopped; k++) item->stopped = listens(l, u, &u->stops[k], &item->s);
    any |= item->stopped;
  }
  if (!any) return CAMP_OK;
  char why[200];
  snprintf(why, sizeof why, "the run was stopped by " STR_FMT, STR_ARG(l->event->name_text));
  return live_end_stopped(l, why);
}

static int compare(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

/* The oldest run first; of one moment, in order of declaration. */
static int older_run(const struct strand_item *a, const struct strand_item *b) {
  int d = compare(a->s.started_ms, b->s.started_ms);
  if (!d) d = compare(a->s.unit->link->order, b->s.unit->link->order);
  if (!d) d = compare(a->s.entry, b->s.entry);
  return d ? d : compare(a->s.fork, b->s.fork);
}

static int by_age(const void *a, const void *b) {
  return older_run(*(const struct strand_item *const *)a, *(const struct strand_item *const *)b);
}

static bool waits_for_event(const struct live *l, const struct strand *s) {
  const struct wait *w = strand_wait(s);
  for (uint32_t i = 0; i < w->branch_count; i++)
    if (s->unit->link->symbols[s->unit->branches[w->first_branch + i].event] == l->event->name) return true;
  return false;
}

static bool is_held(const struct live *l, const struct strand_item *item) {
  return l->e->pause_count && !item->over && engine_paused(l->e, item->s.unit->link->campaign_id);
}

/* Which strands are asked is settled first: what one of them does can end another, but not make it wait for something else. */
static enum camp_err act_waits(struct live *l) {
  VEC(struct strand_item *) asked = { 0 };
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state == ROW_GONE || item->queued || item->heard == l->stamp) continue;
    item->heard = l->stamp;
    if (waits_for_event(l, &item->s)) VEC_PUSH(&l->e->contact, &asked, item);
  }
  if (asked.count > 1) qsort(asked.items, asked.count, sizeof *asked.items, by_age);
  for (uint32_t i = 0; i < asked.count; i++) {
    uint32_t pc;
    struct env env = live_env(l);
    if (asked.items[i]->state == ROW_GONE) continue;
    if (!strand_hears(&l->e->vm, &asked.items[i]->s, &env, &pc)) continue;
    l->heard = true;
    if (is_held(l, asked.items[i])) TRY(store_held_put(l->e->store, asked.items[i]->s.unit->link->campaign_id, l->c.id));
    else TRY(live_run(l, asked.items[i], pc));
  }
  return CAMP_OK;
}

/* Dispatch by guards spares conditions that are false; who watches sees them too. */
static void show_conditions(struct live *l) {
  for (uint32_t i = 0; i < image_unit_count(l->e->image); i++) {
    const struct unit *u = image_unit(l->e->image, i);
    for (uint32_t k = 0; u->link->current && k < u->trigger_count; k++)
      if (u->triggers[k].guard_field != NONE) (void)listens(l, u, &u->triggers[k], NULL);
  }
}

static enum camp_err act_starts(struct live *l) {
  struct engine *e = l->e;
  if (!l->starts_allowed) return CAMP_OK;
  if (e->options.watch) show_conditions(l);
  uint32_t n = image_listeners(e->image, l->event, e->listeners);
  for (uint32_t i = 0; i < n; i++) {
    /* A start may run campaigns, but it starts nothing else at once, so the array stays as it is. */
    struct listener at = e->listeners[i];
    if (listens(l, at.unit, at.trigger, NULL)) TRY(live_start(l, at.unit, at.trigger->start_pc));
  }
  return CAMP_OK;
}

static bool gives_consent(const struct event *e) { return e->name >= SYMBOL_SUBSCRIBE && e->name <= SYMBOL_UNSUBSCRIBE; }

static enum camp_err act(struct live *l) {
  if (suppresses(l->event)) TRY(live_suppress(l));
  if (l->event->name == NONE) return CAMP_OK;
  if (gives_consent(l->event)) TRY(live_consent_event(l));
  take_measures(l);
  TRY(scores_take(l));
  if (l->c.assignments.count) TRY(experiments_take(l));
  l->stamp++;
  if (l->strands.count && image_event_is_heard(l->e->image, l->event->name)) {
    TRY(act_goals(l));
    TRY(act_stops(l));
    TRY(act_waits(l));
  }
  TRY(segments_settle(l));
  return act_starts(l);
}

enum camp_err live_history(struct live *l, struct event_row *row) {
  struct engine *e = l->e;
  row->contact = l->c.id;
  row->prev = l->c.last_event;
  row->outcome = buf_as_str(l->outcome);
  if (row->id) TRY(store_event_settle(e->store, row->id, row->contact, row->prev, row->outcome));
  else TRY(store_event_put(e->store, row));
  l->c.last_event = row->id;
  buf_clear(l->outcome);
  return CAMP_OK;
}

static enum camp_err task_run(struct live *l, struct task *t) {
  struct engine *e = l->e;
  l->depth = t->depth;
  l->base_ms = t->base_ms;
  l->event = t->event;
  switch (t->kind) {
    case TASK_FORK:
      t->strand->queued = false;
      return t->strand->state == ROW_GONE ? CAMP_OK : live_run(l, t->strand, t->pc);
    case TASK_START: {
      const struct unit *u = image_campaign(e->image, t->name);
      if (!u) {
        live_outcome(l, STR_FMT ": not started: the present program has no such campaign", STR_ARG(t->name));
        return CAMP_OK;
      }
      return live_start(l, u, u->trigger_count ? u->triggers[0].start_pc : 0);
    }
    case TASK_EVENT: break;
  }
  struct event *event = arena_alloc(&e->contact, sizeof *event);
  event->name_text = t->name;
  event->at_ms = l->now_ms;
  event->body = t->body;
  event_intern(event, e->image, &e->contact);
  l->event = event;
  l->acting = t->internal ? NULL : event;
  TRY(act(l));
  l->acting = NULL;
  if (t->internal) return CAMP_OK;
  struct event_row row = { .at_ms = l->now_ms, .received_ms = l->now_ms, .body = t->body, .kind = t->event_kind };
  TRY(engine_event_id(e, event->name, event->name_text, &row.name));
  return live_history(l, &row);
}

/* What was queued behind the input, first in first out, at the same instant. */
static enum camp_err drain(struct live *l) {
  TRY(segments_settle(l));
  while (l->task_next < l->tasks.count) {
    struct task t = l->tasks.items[l->task_next++];
    TRY(task_run(l, &t));
    TRY(segments_settle(l));
  }
  l->tasks.count = l->task_next = 0;
  l->depth = 0;
  l->event = NULL;
  return CAMP_OK;
}

/* What a timer did not do, and why, has no event to stand beside: it becomes a note in the contact's history. */
enum camp_err live_note(struct live *l) {
  if (l->outcome->len == 0) return CAMP_OK;
  struct event_row row = { .at_ms = l->now_ms, .received_ms = l->now_ms, .kind = EVENT_NOTE };
  TRY(engine_event_id(l->e, NONE, STR("camp note"), &row.name));
  return live_history(l, &row);
}

enum camp_err live_finish(struct live *l) {
  TRY(drain(l));
  return live_note(l);
}

/* --- the agenda ---------------------------------------------------------------------------------------------------- */

/* Strands that wake each other without time passing would go on for ever: the one that wakes once too often ends. */
enum camp_err live_too_many_wakes(struct live *l, struct strand_item *item) {
  live_outcome(l, STR_FMT ": ended: more than %d waits of this contact ended at one moment", STR_ARG(unit_name(item->s.unit)),
               LIMIT_WAKES_COUNT);
  return live_end(l, item);
}

static enum camp_err hold(struct live *l, struct strand_item *item) {
  item->held = true;
  l->changed = true; /* its timer is left out */
  return store_held_put(l->e->store, item->s.unit->link->campaign_id, l->c.id);
}

static enum camp_err wake(struct live *l, struct strand_item *item) {
  uint32_t pc;
  bool park;
  TRY(live_heard_meanwhile(l, item, &pc, &park));
  return park ? CAMP_OK : live_run(l, item, pc);
}

/* base INT64_MIN: the instant. */
static void timer_fires(struct live *l, int64_t due_ms, int64_t base_ms) {
  if (due_ms > l->c.clock_ms) l->c.clock_ms = due_ms;
  l->now_ms = l->c.clock_ms;
  if (l->now_ms > l->e->latest_ms) l->e->latest_ms = l->now_ms;
  l->base_ms = base_ms == INT64_MIN ? l->now_ms : base_ms;
  l->event = NULL;
  l->depth = 0;
  l->stamp++;
  l->e->pending.wakes++;
  l->changed = true;
}

enum camp_err live_timers(struct live *l, int64_t before_ms) {
  int64_t woken_ms = INT64_MIN;
  uint32_t woken = 0;
  for (;;) {
    TRY(live_refresh(l));
    struct strand_item *next = NULL;
    for (uint32_t i = 0; i < l->strands.count; i++) {
      struct strand_item *item = l->strands.items[i];
      if (item->state == ROW_GONE || item->held || item->s.due_ms >= before_ms) continue;
      if (is_held(l, item)) {
        TRY(hold(l, item));
        continue;
      }
      if (!next || item->s.due_ms < next->s.due_ms || (item->s.due_ms == next->s.due_ms && older_run(item, next) < 0)) next = item;
    }
    int64_t scheduled_ms = live_schedules_due(l), flip_ms = contact_flip(&l->c), release_ms = live_release_due(l);
    if (release_ms < l->tick_ms) release_ms = l->tick_ms;
    if (flip_ms < before_ms && flip_ms <= scheduled_ms && flip_ms <= release_ms && (!next || flip_ms <= next->s.due_ms)) {
      timer_fires(l, flip_ms, flip_ms);
      segments_flip(l);
      TRY(drain(l));
      TRY(live_note(l));
      continue;
    }
    if (next ? scheduled_ms < next->s.due_ms : scheduled_ms < before_ms) next = NULL;
    else if (!next && release_ms >= before_ms) return CAMP_OK;
    int64_t due_ms = next ? next->s.due_ms : scheduled_ms;
    bool release = release_ms < due_ms;
    if (release) due_ms = release_ms;
    /* What follows counts from the wait's moment; from where the run stood when that was gone already, as when a message was handed
     * over behind it. */
    timer_fires(l, due_ms, !next || release ? INT64_MIN : due_ms > next->s.base_ms ? due_ms : next->s.base_ms);
    woken = l->now_ms == woken_ms ? woken + 1 : 1;
    woken_ms = l->now_ms;
    if (release) TRY(live_release(l, woken > LIMIT_WAKES_COUNT));
    else if (!next) TRY(live_schedule_fire(l));
    else if (woken > LIMIT_WAKES_COUNT) TRY(live_too_many_wakes(l, next));
    else TRY(wake(l, next));
    TRY(drain(l));
    TRY(live_note(l));
  }
}

static bool same_attribute_text(struct str attributes, struct str name, struct str text) {
  struct json j = attributes.len ? json_member(attributes, name) : (struct json){ .type = JSON_BAD };
  return j.type == JSON_STRING && !j.escaped && j.text.len == text.len + 2 && memcmp(j.text.ptr + 1, text.ptr, text.len) == 0;
}

static enum camp_err merge_traits(struct live *l, struct str traits) {
  struct engine *e = l->e;
  struct str was = l->c.attributes;
  if (contact_merge(&l->c, traits) != CAMP_OK) {
    live_outcome(l, "not merged: attributes are over %u bytes", LIMIT_ATTRIBUTES_BYTES);
    return CAMP_OK;
  }
  for (struct json_walk w = json_walk_of(traits); json_next(&w);) {
    struct str name = json_string((struct json){ .type = JSON_STRING, .escaped = w.key_escaped,
                                                 .text = { w.key.ptr - 1, w.key.len + 2 } }, &e->contact);
    segments_mark(l, LOOK_ATTRIBUTE, name);
    if (!live_attribute_is_watched(l, name)) continue;
    struct json before = was.len ? json_member(was, name) : (struct json){ .type = JSON_BAD };
    struct value from = before.type == JSON_BAD ? value_missing() : value_from_json(before, V_MISSING, 0, l->zone, &e->contact);
    live_attribute_changed(l, name, from, value_from_json(w.value, V_MISSING, 0, l->zone, &e->contact));
  }
  live_rezone(l);
  return CAMP_OK;
}

static enum camp_err set_zone(struct live *l, struct str zone) {
  if (zone.len == 0 || same_attribute_text(l->c.attributes, STR("timezone"), zone)) return CAMP_OK;
  if (!zones_find(l->e->zones, zone)) {
    live_outcome(l, "timezone \"" STR_FMT "\" is not in the system's zone files", STR_ARG(zone));
    return CAMP_OK;
  }
  if (contact_set(&l->c, STR("timezone"), value_text(zone), l->zone) != CAMP_OK) return CAMP_OK;
  segments_mark(l, LOOK_ATTRIBUTE, STR("timezone"));
  live_rezone(l);
  return CAMP_OK;
}

static bool is_reply(const struct tick_input *in) { return !in->identify && str_is(in->name, REPLY_EVENT); }

enum camp_err live_input(struct live *l, const struct tick_input *in) {
  struct engine *e = l->e;
  bool import = in->kind == EVENT_IMPORTED || e->options.import;
  if (!e->virtual_time && in->arrival_ms > l->tick_ms) l->tick_ms = in->arrival_ms;
  int64_t instant = in->at_ms > l->c.clock_ms ? in->at_ms : l->c.clock_ms;
  /* A reply is known by its call's key, not by a clock that may be another's: it acts when it is heard. */
  bool reply = is_reply(in);
  int64_t at_ms = reply ? instant : in->at_ms;
  if (import) {
    TRY(live_refresh(l));
    if (in->arrival_ms > l->import_ms) l->import_ms = in->arrival_ms;
  } else {
    TRY(segments_imported(l));
    TRY(live_timers(l, instant));
  }
  bool again = false;
  l->now_ms = instant;
  if (in->ident) TRY(live_seen(l, in->ident, &again));
  if (again) {
    e->pending.duplicates++;
    return in->id ? store_event_remove(e->store, in->id) : CAMP_OK;
  }
  l->changed = true;
  l->arrival_ms = in->arrival_ms;
  e->pending.events++;
  /* An import wakes nobody, and what was imported today about last year leaves the contact where it is in time. */
  if (!import) l->c.clock_ms = instant;
  if (in->at_ms < l->c.known_ms) {
    l->c.known_ms = in->at_ms;
    segments_mark_known(l);
  }
  l->base_ms = at_ms;
  l->depth = 0;
  l->heard = false;
  TRY(set_zone(l, in->zone));
  if (l->unknown) live_schedules_joined(l, 0, instant);
  l->unknown = false;
  struct event_row row = { .id = in->id, .at_ms = in->at_ms, .received_ms = in->arrival_ms, .ident = in->ident, .body = in->body,
                           .kind = import ? EVENT_IMPORTED : in->identify ? EVENT_IDENTIFY : EVENT_TRACK };
  if (in->identify) {
    TRY(engine_event_id(e, NONE, in->name, &row.name));
    if (in->body.len) TRY(merge_traits(l, in->body));
    if (import) l->tasks.count = 0;
    TRY(live_history(l, &row));
    TRY(drain(l));
    return live_note(l);
  }
  e->event.name_text = in->name;
  e->event.at_ms = at_ms;
  e->event.body = in->body;
  event_intern(&e->event, e->image, &e->contact);
  TRY(engine_event_id(e, e->event.name, in->name, &row.name));
  l->event = &e->event;
  if (import) {
    if (gives_consent(&e->event)) TRY(live_consent_event(l));
    if (suppresses(&e->event)) TRY(live_suppress(l));
    l->tasks.count = 0; /* who consented long ago is asked for nothing now */
    if (e->event.name != NONE) {
      take_measures(l);
      TRY(scores_take(l));
      if (l->c.assignments.count) TRY(experiments_take(l));
    }
    return live_history(l, &row);
  }
  l->starts_allowed = e->options.late_after_ms == STORE_NEVER || in->arrival_ms - in->at_ms <= e->options.late_after_ms;
  if (!l->starts_allowed && e->event.name != NONE && image_listeners(e->image, &e->event, e->listeners))
    live_outcome(l, "late: it happened more than %lld hours before it arrived, so it starts no campaign",
                 (long long)(e->options.late_after_ms / 3600000));
  l->acting = &e->event;
  TRY(act(l));
  l->acting = NULL;
  if (reply && !l->heard) live_outcome(l, "no run waits for this reply: its call is unknown, has its answer, or its run went on");
  TRY(live_history(l, &row));
  TRY(drain(l));
  l->starts_allowed = true;
  return live_note(l);
}
