/* One contact through its agenda: inputs and due timers in, changed rows out.
 *
 * Not for transactions and batches (round.c), entry rules (start.c) or what a condition means (vm/).
 *
 *   live_open --> live_input / live_timers, in the agenda's order --> live_close
 *
 * Invariants:
 * 1. The agenda is ordered by time, then event before timer, then arrival or creation. live_input runs every timer that is due
 *    strictly before the input's instant first, so the batch size cannot matter.
 * 2. The contact's clock never runs back: an input's instant is the later of its own time and the clock.
 * 3. One event acts in this order: history and measures, goals, stops, waits (oldest run first), starts (in order of
 *    declaration). Emitted events queue behind it at the same instant, to LIMIT_EMIT_DEPTH.
 * 4. A strand is offered one event once (its `heard` stamp), so a wait that begins in an event does not hear that event.
 * 5. Nothing here looks at a clock, at another contact or at the order of the batch.
 * 6. What decides an order or an outcome is in the rows: a slot is free again the moment its strand ends, and where strands
 *    are put in order their slots do not count, because which slot is free depends on what else the contact went through.
 * 7. Between two inputs or two wakes a contact may be written and read again: nothing but its rows lives longer. */
#include "runtime/engine/tick.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/base/utf8.h"

struct env live_env(struct live *l) {
  return (struct env){ .image = l->e->image, .contact = &l->c, .event = l->event, .now_ms = l->now_ms,
                       .base_ms = l->base_ms, .zone = l->zone, .scratch = &l->e->contact };
}

void live_outcome(struct live *l, const char *fmt, ...) {
  char text[512];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  CHECK(n >= 0);
  /* Cut, if it must be, between two characters: the column is text. */
  struct str whole = str_from_c(text);
  if (l->outcome->len) buf_byte(l->outcome, '\n');
  buf_str(l->outcome, (struct str){ whole.ptr, utf8_valid_prefix(whole) });
  l->e->pending.notes++;
}

/* --- opening and closing ------------------------------------------------------------------------------------------- */

static void zone_of_contact(struct live *l) {
  static const struct field as_text = { .type = V_TEXT };
  l->zone = l->e->zone;
  if (l->c.attributes.len == 0) return;
  struct value name = contact_attribute(&l->c, STR("timezone"), &as_text, l->zone);
  if (name.type != V_TEXT) return;
  const struct zone *z = zones_find(l->e->zones, value_str(name));
  if (z) l->zone = z;
}

static enum camp_err strand_open(struct live *l, const struct strand_row *row) {
  struct engine *e = l->e;
  const struct unit *u = engine_unit(e, row->unit);
  if (!u) return engine_fail(e, CAMP_CORRUPT, "contact " STR_FMT " stands in unit %u, which the database does not have",
                             STR_ARG(l->c.key), row->unit);
  if (row->slot == 0 || row->slot > LIMIT_STRANDS_COUNT)
    return engine_fail(e, CAMP_CORRUPT, "contact " STR_FMT " has a strand in slot %u", STR_ARG(l->c.key), row->slot);
  l->slots[row->slot / 64] |= UINT64_C(1) << row->slot % 64;
  struct strand_item *item = arena_alloc(&e->contact, sizeof *item);
  item->row = *row;
  item->state = ROW_CLEAN;
  item->heard = 0;
  item->queued = item->stopped = false;
  item->over = row->over;
  item->s.unit = u;
  item->s.slot = row->slot;
  item->s.pc = row->pc;
  item->s.due_ms = row->due_ms;
  item->s.since_ms = row->since_ms;
  item->s.base_ms = row->base_ms;
  item->s.started_ms = row->started_ms;
  item->s.entry = row->entry;
  item->s.fork = row->fork;
  item->s.sends = row->sends;
  item->s.converted = row->converted;
  uint32_t operands[2];
  if (row->pc >= u->code_bytes || (u->code[row->pc] != OP_WAIT && u->code[row->pc] != OP_OVER) ||
      !instruction_decode(u->code, u->code_bytes, row->pc, operands) || row->over != strand_is_over(&item->s) ||
      strand_read(&item->s, row->locals) != CAMP_OK)
    return engine_fail(e, CAMP_CORRUPT, "the strand of contact " STR_FMT " in " STR_FMT " is damaged", STR_ARG(l->c.key),
                       STR_ARG(unit_name(u)));
  VEC_PUSH(&e->contact, &l->strands, item);
  return CAMP_OK;
}

enum camp_err live_open(struct engine *e, struct live *l, int64_t id, struct str key, bool fresh) {
  arena_reset(&e->contact);
  memset(l, 0, sizeof *l);
  l->e = e;
  l->slots[0] = 1;
  l->outcome = &e->outcome;
  buf_clear(l->outcome);
  l->starts_allowed = true;
  if (fresh) {
    l->row = (struct contact_row){ .id = id, .key = key, .timer_ms = STORE_NEVER, .fresh = true };
  } else {
    TRY(store_contact_read(e->store, &e->contact, id, &l->row));
    if (key.len && !str_eq(key, l->row.key))
      return engine_fail(e, CAMP_CORRUPT, "contacts " STR_FMT " and " STR_FMT " stand in one place of the index", STR_ARG(key),
                         STR_ARG(l->row.key));
  }
  if (contact_read(&l->c, &e->contact, l->row.state) != CAMP_OK)
    return engine_fail(e, CAMP_CORRUPT, "the state of contact " STR_FMT " is damaged", STR_ARG(l->row.key));
  l->c.id = id;
  l->c.key = l->row.key;
  l->c.attributes = l->row.attributes;
  /* No state yet: made now, or accepted into the inbox before. */
  if (l->row.state.len == 0) {
    l->c.measures_as_of = e->epoch;
    l->c.known_ms = STORE_NEVER;
    /* Before all that may happen: years before 1970 are no late events. */
    l->c.clock_ms = calendar_days(LIMIT_YEAR_MIN, 1, 1) * MS_PER_DAY - MS_PER_DAY;
  }
  zone_of_contact(l);
  for (uint32_t i = 0; i < l->row.strand_count; i++) TRY(strand_open(l, &l->row.strands[i]));
  if (l->c.measures_as_of < e->epoch) TRY(live_fill_measures(l));
  return CAMP_OK;
}

static void strand_to_row(struct live *l, struct strand_item *item) {
  struct engine *e = l->e;
  struct strand_row *r = &item->row;
  r->slot = item->s.slot;
  r->unit = item->s.unit->link->stored_id;
  r->pc = item->s.pc;
  r->due_ms = item->s.due_ms;
  r->since_ms = item->s.since_ms;
  r->base_ms = item->s.base_ms;
  r->started_ms = item->s.started_ms;
  r->entry = item->s.entry;
  r->fork = item->s.fork;
  r->sends = item->s.sends;
  r->converted = item->s.converted;
  r->over = item->over;
  r->state = item->state;
  if (item->state == ROW_GONE) return;
  buf_clear(&e->scratch);
  strand_write(&e->scratch, &item->s);
  r->locals = arena_str(&e->contact, buf_as_str(&e->scratch));
}

static bool slot_taken(const struct live *l, uint32_t slot) {
  return l->slots[slot / 64] >> slot % 64 & 1;
}

enum camp_err live_close(struct live *l) {
  struct engine *e = l->e;
  if (!l->changed) return CAMP_OK;
  int64_t earliest = STORE_NEVER;
  struct strand_row *rows = arena_alloc(&e->contact, (l->strands.count + 1) * sizeof *rows);
  uint32_t n = 0;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state != ROW_GONE && item->s.due_ms < earliest) earliest = item->s.due_ms;
    if (item->state == ROW_CLEAN) continue;
    /* Made and ended in one transaction: there never was a row. */
    if (item->state == ROW_GONE && item->row.state == ROW_NEW) continue;
    /* Its slot has a new strand, whose row takes the place of the old one. */
    if (item->state == ROW_GONE && slot_taken(l, item->s.slot)) continue;
    strand_to_row(l, item);
    rows[n++] = item->row;
  }
  int64_t timer_was = l->row.timer_ms;
  /* The store leaves a timer that would move later where it is: it fires, the contact is looked at, and parks again. */
  l->row.timer_ms = earliest;
  l->row.known_ms = l->c.known_ms == STORE_NEVER ? 0 : l->c.known_ms;
  l->row.last_event = l->c.last_event;
  l->row.last_message = l->c.last_message;
  buf_clear(&e->scratch);
  contact_write(&e->scratch, &l->c);
  if (e->scratch.failed)
    return engine_fail(e, CAMP_LIMIT, "contact " STR_FMT " holds more than %u bytes of state", STR_ARG(l->c.key), LIMIT_CONTACT_BYTES);
  l->row.state = arena_str(&e->contact, buf_as_str(&e->scratch));
  l->row.attributes = l->c.attributes;
  l->row.strands = rows;
  l->row.strand_count = n;
  return store_contact_write(e->store, &l->row, timer_was);
}

/* Strands that came and went since the contact was opened leave the vector, so that a contact with very many inputs in one
 * batch does not look at all of them again at each. Only between two inputs or wakes: nobody holds an index then. */
static void forget_ended(struct live *l) {
  if (l->forgotten < 32 || l->forgotten * 2 < l->strands.count) return;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state != ROW_GONE || item->row.state != ROW_NEW) l->strands.items[kept++] = item;
  }
  l->strands.count = kept;
  l->forgotten = 0;
}

/* Counts one input or wake, and lets go of memory when there were many. */
static enum camp_err live_refresh(struct live *l) {
  struct engine *e = l->e;
  forget_ended(l);
  l->work += 1 + (uint32_t)(l->c.attributes.len / 4096);
  if (l->work < LIVE_WORK_COUNT || !l->changed) return CAMP_OK;
  TRY(live_close(l));
  return live_open(e, l, l->c.id, (struct str){ 0 }, false);
}

/* --- strands ------------------------------------------------------------------------------------------------------- */

/* The lowest free slot, so that a contact's rows stay near; 0 when there is none. */
static uint32_t slot_free(const struct live *l) {
  for (uint32_t w = 0; w < sizeof l->slots / sizeof l->slots[0]; w++) {
    if (l->slots[w] == UINT64_MAX) continue;
    uint32_t slot = w * 64 + (uint32_t)__builtin_ctzll(~l->slots[w]);
    return slot <= LIMIT_STRANDS_COUNT ? slot : 0;
  }
  return 0;
}

struct strand_item *live_strand_new(struct live *l, const struct unit *u) {
  uint32_t slot = slot_free(l);
  if (!slot) return NULL;
  l->slots[slot / 64] |= UINT64_C(1) << slot % 64;
  struct strand_item *item = arena_alloc(&l->e->contact, sizeof *item);
  memset(&item->row, 0, sizeof item->row);
  item->row.state = ROW_NEW;
  item->state = ROW_NEW;
  item->heard = l->stamp;
  item->queued = item->stopped = item->over = false;
  item->s.unit = u;
  item->s.slot = slot;
  item->s.pc = 0;
  item->s.due_ms = NEVER;
  item->s.since_ms = l->now_ms;
  item->s.base_ms = l->base_ms;
  item->s.started_ms = l->base_ms;
  item->s.entry = 0;
  item->s.fork = 0;
  item->s.sends = 0;
  item->s.converted = false;
  for (uint32_t i = 0; i < LIMIT_LOCALS_COUNT; i++) item->s.locals[i] = value_missing();
  VEC_PUSH(&l->e->contact, &l->strands, item);
  store_unit_count(l->e->store, u->link->stored_id, false, 1);
  return item;
}

enum camp_err live_end(struct live *l, struct strand_item *item) {
  CHECK(item->state != ROW_GONE);
  item->state = ROW_GONE;
  l->slots[item->s.slot / 64] &= ~(UINT64_C(1) << item->s.slot % 64);
  if (item->row.state == ROW_NEW) l->forgotten++;
  l->changed = true;
  if (!item->over) l->e->pending.ended++;
  store_unit_count(l->e->store, item->s.unit->link->stored_id, item->over, -1);
  return CAMP_OK;
}

static bool is_of_stopped(const struct live *l, const struct outbox_row *row) {
  for (uint32_t i = 0; i < l->strands.count; i++) {
    const struct strand_item *item = l->strands.items[i];
    if (item->stopped && row->campaign == item->s.unit->link->campaign_id && row->entry == item->s.entry) return true;
  }
  return false;
}

/* Messages of stopped runs that have not left are withdrawn, also those of the run's other strands, which may have ended. One
 * walk for all of them. In virtual time a message leaves the moment it is released, whatever the order in which this process
 * writes and delivers, so there is nothing to withdraw. */
static enum camp_err withdraw(struct live *l, int64_t since_ms, const char *why) {
  struct engine *e = l->e;
  if (e->virtual_time) return CAMP_OK;
  for (int64_t id = l->c.last_message; id;) {
    struct outbox_row row;
    arena_reset(&e->walk);
    TRY(store_outbox_get(e->store, &e->walk, id, &row));
    if (row.at_ms < since_ms) break;
    bool waits = row.state == OUTBOX_READY || row.state == OUTBOX_DEFERRED;
    if (waits && is_of_stopped(l, &row)) TRY(store_outbox_state(e->store, id, OUTBOX_WITHDRAWN, l->now_ms, str_from_c(why)));
    id = row.prev;
  }
  return CAMP_OK;
}

/* Ends the strands that are marked as stopped. */
static enum camp_err end_stopped(struct live *l, const char *why) {
  int64_t since_ms = INT64_MAX;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    const struct strand_item *item = l->strands.items[i];
    if (item->stopped && item->s.started_ms < since_ms) since_ms = item->s.started_ms;
  }
  if (since_ms == INT64_MAX) return CAMP_OK;
  TRY(withdraw(l, since_ms, why));
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (!item->stopped) continue;
    item->stopped = false;
    TRY(live_end(l, item));
  }
  return CAMP_OK;
}

static enum camp_err stop_campaign(struct live *l, struct str name, const char *why) {
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    item->stopped = item->state != ROW_GONE && !item->over && str_eq(unit_name(item->s.unit), name);
  }
  return end_stopped(l, why);
}

/* --- effects ------------------------------------------------------------------------------------------------------- */

/* Whether one more event or start may be queued: neither deeper nor more than the limits say, or two rules that answer each
 * other would never end. */
static bool may_queue(struct live *l, struct str name, const char *what) {
  if (l->depth >= LIMIT_EMIT_DEPTH)
    live_outcome(l, STR_FMT ": not %s: events and campaigns follow from each other more than %d deep", STR_ARG(name), what, LIMIT_EMIT_DEPTH);
  else if (l->tasks.count >= LIMIT_QUEUE_COUNT)
    live_outcome(l, STR_FMT ": not %s: more than %d events and starts follow from one event", STR_ARG(name), what, LIMIT_QUEUE_COUNT);
  else
    return true;
  return false;
}

static void task_event(struct live *l, struct str name, struct str body, uint8_t kind, bool internal) {
  if (!may_queue(l, name, "emitted")) return;
  struct task t = { .kind = TASK_EVENT, .depth = l->depth + 1, .base_ms = l->now_ms, .name = name, .body = body,
                    .event_kind = kind, .internal = internal };
  VEC_PUSH(&l->e->contact, &l->tasks, t);
}

/* `enters vip`, `leaves vip`, `contact.plan changes`: events that the engine makes itself, only where some code names them. */
static void task_internal(struct live *l, const char *before, struct str name, const char *after, struct str body) {
  struct str full = arena_printf(&l->e->contact, "%s" STR_FMT "%s", before, STR_ARG(name), after);
  if (image_symbol(l->e->image, full) != NONE) task_event(l, full, body, EVENT_EMITTED, true);
}

static enum camp_err effect_outbox(struct live *l, struct strand_item *item, const struct effect *f, uint32_t pc) {
  struct engine *e = l->e;
  struct outbox_row row = {
    .contact = l->c.id, .prev = l->c.last_message, .at_ms = l->now_ms, .campaign = item->s.unit->link->campaign_id,
    .unit = item->s.unit->link->stored_id, .entry = item->s.entry, .fork = item->s.fork, .ordinal = ++item->s.sends, .pc = pc,
    .state = f->kind == EFFECT_SEND ? OUTBOX_READY : OUTBOX_DROPPED, .reason = f->reason,
  };
  TRY(engine_message_id(e, f->name, &row.message));
  TRY(store_outbox_put(e->store, &row));
  l->c.last_message = row.id;
  if (f->kind == EFFECT_SEND) e->pending.sends++;
  else e->pending.drops++;
  return CAMP_OK;
}

static enum camp_err effect_member(struct live *l, const struct effect *f) {
  struct engine *e = l->e;
  uint32_t id;
  TRY(store_name(e->store, NAME_LIST, f->name, &id));
  bool many = l->c.lists.count + l->c.tags.count >= LIMIT_MEMBER_COUNT;
  if (many && (f->kind == EFFECT_JOIN || f->kind == EFFECT_TAG) && !contact_in(&l->c, id) && !contact_tagged(&l->c, id)) {
    live_outcome(l, STR_FMT ": not joined: a contact is in at most %d lists and tags", STR_ARG(f->name), LIMIT_MEMBER_COUNT);
    return CAMP_OK;
  }
  switch (f->kind) {
    case EFFECT_JOIN:
      if (!contact_join(&l->c, id, l->now_ms)) return CAMP_OK;
      task_internal(l, "enters ", f->name, "", (struct str){ 0 });
      return store_member_put(e->store, id, l->c.id, l->now_ms);
    case EFFECT_LEAVE:
      if (!contact_leave(&l->c, id)) return CAMP_OK;
      task_internal(l, "leaves ", f->name, "", (struct str){ 0 });
      return store_member_remove(e->store, id, l->c.id);
    case EFFECT_TAG:
      return contact_tag(&l->c, id, l->now_ms) ? store_tag_put(e->store, id, l->c.id, l->now_ms) : CAMP_OK;
    default:
      return contact_untag(&l->c, id) ? store_tag_remove(e->store, id, l->c.id) : CAMP_OK;
  }
}

static void changed_attribute(struct live *l, struct str name, struct value was, struct value is) {
  if (value_equal(was, is, l->zone) || (was.type == V_MISSING && is.type == V_MISSING)) return;
  struct buf body;
  buf_init(&body, LIMIT_ATTRIBUTES_BYTES * 2);
  buf_c(&body, "{\"to\":");
  value_to_json(&body, is, l->zone);
  buf_c(&body, ",\"from\":");
  value_to_json(&body, was, l->zone);
  buf_byte(&body, '}');
  task_internal(l, "contact.", name, " changes", arena_str(&l->e->contact, buf_as_str(&body)));
  buf_deinit(&body);
}

static bool attribute_is_watched(struct live *l, struct str name) {
  struct str full = arena_printf(&l->e->contact, "contact." STR_FMT " changes", STR_ARG(name));
  return image_symbol(l->e->image, full) != NONE;
}

/* Wall-clock timers are computed anew when the contact's zone changes. */
static void rezone(struct live *l) {
  const struct zone *was = l->zone;
  zone_of_contact(l);
  if (l->zone == was) return;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state == ROW_GONE || item->queued || item->s.due_ms == NEVER) continue;
    int64_t due = item->s.due_ms;
    struct env env = live_env(l);
    strand_rearm(&l->e->vm, &item->s, &env);
    if (item->s.due_ms != due && item->state == ROW_CLEAN) item->state = ROW_CHANGED;
  }
}

static enum camp_err effect_set(struct live *l, struct strand_item *item, const struct effect *f) {
  const struct field *field = &item->s.unit->fields[f->field];
  struct value is = f->values[0];
  bool watched = attribute_is_watched(l, f->name);
  struct value was = watched ? contact_attribute(&l->c, f->name, field, l->zone) : value_missing();
  if (contact_set(&l->c, f->name, is, l->zone) != CAMP_OK) {
    live_outcome(l, "contact." STR_FMT ": not set: attributes are over %u bytes", STR_ARG(f->name), LIMIT_ATTRIBUTES_BYTES);
    return CAMP_OK;
  }
  if (watched) changed_attribute(l, f->name, was, is);
  if (str_is(f->name, "timezone")) rezone(l);
  return CAMP_OK;
}

static void effect_emit(struct live *l, struct strand_item *item, const struct effect *f) {
  const struct unit *u = item->s.unit;
  struct buf body;
  buf_init(&body, LIMIT_EVENT_BYTES);
  buf_byte(&body, '{');
  for (uint32_t i = 0; i < f->emit->key_count; i++) {
    if (i) buf_byte(&body, ',');
    buf_json_str(&body, unit_string(u, u->emit_keys[f->emit->first_key + i]));
    buf_byte(&body, ':');
    value_to_json(&body, f->values[i], l->zone);
  }
  buf_byte(&body, '}');
  if (body.failed)
    live_outcome(l, STR_FMT ": not emitted: its properties are over %u bytes", STR_ARG(f->name), LIMIT_EVENT_BYTES);
  else
    task_event(l, f->name, f->emit->key_count ? arena_str(&l->e->contact, buf_as_str(&body)) : (struct str){ 0 },
               EVENT_EMITTED, false);
  buf_deinit(&body);
}

static enum camp_err effect_fork(struct live *l, struct strand_item *item, const struct effect *f) {
  struct strand_item *copy = live_strand_new(l, item->s.unit);
  if (!copy) {
    live_outcome(l, STR_FMT ": a delayed action was not started: a contact has at most %d strands",
                 STR_ARG(unit_name(item->s.unit)), LIMIT_STRANDS_COUNT);
    return CAMP_OK;
  }
  /* A fork takes one of its parent's ordinals as its number: those are never given twice, whereas the number of an ended fork
   * would be, and with it the key of a message. Forks do not fork. */
  uint32_t slot = copy->s.slot, fork = ++item->s.sends;
  copy->s = item->s;
  copy->s.slot = slot;
  copy->s.fork = fork;
  copy->s.sends = 0;
  copy->queued = true;
  struct task t = { .kind = TASK_FORK, .depth = l->depth, .base_ms = l->base_ms, .strand = copy, .pc = f->pc, .event = l->event };
  VEC_PUSH(&l->e->contact, &l->tasks, t);
  return CAMP_OK;
}

static enum camp_err apply(struct live *l, struct strand_item *item, const struct effect *f) {
  switch (f->kind) {
    case EFFECT_SEND:
    case EFFECT_DROP: return effect_outbox(l, item, f, f->pc);
    case EFFECT_JOIN:
    case EFFECT_LEAVE:
    case EFFECT_TAG:
    case EFFECT_UNTAG: return effect_member(l, f);
    case EFFECT_SET: return effect_set(l, item, f);
    case EFFECT_EMIT: effect_emit(l, item, f); return CAMP_OK;
    case EFFECT_FORK: return effect_fork(l, item, f);
    case EFFECT_STOP: return stop_campaign(l, f->name, "its campaign was stopped by another");
    case EFFECT_START: {
      if (!may_queue(l, f->name, "started")) return CAMP_OK;
      struct task t = { .kind = TASK_START, .depth = l->depth + 1, .base_ms = l->base_ms, .name = f->name, .event = l->event };
      VEC_PUSH(&l->e->contact, &l->tasks, t);
      return CAMP_OK;
    }
  }
  return CAMP_OK;
}

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
        TRY(apply(l, item, &f));
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
    TRY(run_once(l, item, pc, &over));
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
    measure_take(&l->c, m->unit, m->measure, m->stored_id, &env);
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
    if (item->state == ROW_GONE || item->s.converted) continue;
    for (uint32_t g = 0; g < u->goal_count; g++) {
      const struct trigger *goal = &u->goals[g];
      if (!listens(l, u, goal, &item->s)) continue;
      if (goal->within.type != V_MISSING && l->event->at_ms > moment_after(l, item->s.started_ms, goal->within)) continue;
      /* A run converts once, however many strands it has. */
      for (uint32_t k = 0; k < l->strands.count; k++) {
        struct strand_item *other = l->strands.items[k];
        if (other->state == ROW_GONE || other->s.unit != u || other->s.entry != item->s.entry) continue;
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
  return end_stopped(l, why);
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
    if (strand_hears(&l->e->vm, &asked.items[i]->s, &env, &pc)) TRY(live_run(l, asked.items[i], pc));
  }
  return CAMP_OK;
}

static enum camp_err act_starts(struct live *l) {
  struct engine *e = l->e;
  if (!l->starts_allowed) return CAMP_OK;
  uint32_t n = image_listeners(e->image, l->event, e->listeners);
  for (uint32_t i = 0; i < n; i++) {
    /* A start may run campaigns, but it starts nothing else at once, so the array stays as it is. */
    struct listener at = e->listeners[i];
    if (listens(l, at.unit, at.trigger, NULL)) TRY(live_start(l, at.unit, at.trigger->start_pc));
  }
  return CAMP_OK;
}

static enum camp_err act(struct live *l) {
  if (l->event->name == NONE) return CAMP_OK;
  take_measures(l);
  l->stamp++;
  if (l->strands.count && image_event_is_heard(l->e->image, l->event->name)) {
    TRY(act_goals(l));
    TRY(act_stops(l));
    TRY(act_waits(l));
  }
  return act_starts(l);
}

static enum camp_err history(struct live *l, struct event_row *row) {
  struct engine *e = l->e;
  row->contact = l->c.id;
  row->prev = l->c.last_event;
  row->outcome = buf_as_str(l->outcome);
  if (row->id) TRY(store_event_settle(e->store, row->id, row->prev, row->outcome));
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
  TRY(act(l));
  if (t->internal) return CAMP_OK;
  struct event_row row = { .at_ms = l->now_ms, .received_ms = l->now_ms, .body = t->body, .kind = t->event_kind };
  TRY(engine_event_id(e, event->name, event->name_text, &row.name));
  return history(l, &row);
}

/* What was queued behind the input, first in first out, at the same instant. */
static enum camp_err drain(struct live *l) {
  while (l->task_next < l->tasks.count) {
    struct task t = l->tasks.items[l->task_next++];
    TRY(task_run(l, &t));
  }
  l->tasks.count = l->task_next = 0;
  l->depth = 0;
  l->event = NULL;
  return CAMP_OK;
}

/* What a timer did not do, and why, has no event to stand beside: it becomes a note in the contact's history. */
static enum camp_err note(struct live *l) {
  if (l->outcome->len == 0) return CAMP_OK;
  struct event_row row = { .at_ms = l->now_ms, .received_ms = l->now_ms, .kind = EVENT_NOTE };
  TRY(engine_event_id(l->e, NONE, STR("camp note"), &row.name));
  return history(l, &row);
}

/* --- the agenda ---------------------------------------------------------------------------------------------------- */

/* Strands that wake each other without time passing would go on for ever: the one that wakes once too often ends. */
static enum camp_err too_many_wakes(struct live *l, struct strand_item *item) {
  live_outcome(l, STR_FMT ": ended: more than %d waits of this contact ended at one moment", STR_ARG(unit_name(item->s.unit)),
               LIMIT_WAKES_COUNT);
  return live_end(l, item);
}

enum camp_err live_timers(struct live *l, int64_t before_ms) {
  int64_t woken_ms = INT64_MIN;
  uint32_t woken = 0;
  for (;;) {
    TRY(live_refresh(l));
    struct strand_item *next = NULL;
    for (uint32_t i = 0; i < l->strands.count; i++) {
      struct strand_item *item = l->strands.items[i];
      if (item->state == ROW_GONE || item->s.due_ms >= before_ms) continue;
      if (!next || item->s.due_ms < next->s.due_ms || (item->s.due_ms == next->s.due_ms && older_run(item, next) < 0)) next = item;
    }
    if (!next) return CAMP_OK;
    if (next->s.due_ms > l->c.clock_ms) l->c.clock_ms = next->s.due_ms;
    l->now_ms = l->c.clock_ms;
    if (l->now_ms > l->e->latest_ms) l->e->latest_ms = l->now_ms;
    l->base_ms = next->s.due_ms;
    l->event = NULL;
    l->depth = 0;
    l->stamp++;
    l->e->pending.wakes++;
    woken = l->now_ms == woken_ms ? woken + 1 : 1;
    woken_ms = l->now_ms;
    if (woken > LIMIT_WAKES_COUNT) TRY(too_many_wakes(l, next));
    else TRY(live_run(l, next, strand_wait(&next->s)->timeout_pc));
    TRY(drain(l));
    TRY(note(l));
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
    if (!attribute_is_watched(l, name)) continue;
    struct json before = was.len ? json_member(was, name) : (struct json){ .type = JSON_BAD };
    struct value from = before.type == JSON_BAD ? value_missing() : value_from_json(before, V_MISSING, 0, l->zone, &e->contact);
    changed_attribute(l, name, from, value_from_json(w.value, V_MISSING, 0, l->zone, &e->contact));
  }
  rezone(l);
  return CAMP_OK;
}

static enum camp_err set_zone(struct live *l, struct str zone) {
  if (zone.len == 0 || same_attribute_text(l->c.attributes, STR("timezone"), zone)) return CAMP_OK;
  if (!zones_find(l->e->zones, zone)) {
    live_outcome(l, "timezone \"" STR_FMT "\" is not in the system's zone files", STR_ARG(zone));
    return CAMP_OK;
  }
  if (contact_set(&l->c, STR("timezone"), value_text(zone), l->zone) == CAMP_OK) rezone(l);
  return CAMP_OK;
}

enum camp_err live_input(struct live *l, const struct tick_input *in) {
  struct engine *e = l->e;
  bool import = in->kind == EVENT_IMPORTED || e->options.import;
  int64_t instant = in->at_ms > l->c.clock_ms ? in->at_ms : l->c.clock_ms;
  if (import) TRY(live_refresh(l));
  else TRY(live_timers(l, instant));
  bool again = false;
  l->now_ms = instant;
  if (in->ident) TRY(live_seen(l, in->ident, &again));
  if (again) {
    e->pending.duplicates++;
    return in->id ? store_event_remove(e->store, in->id) : CAMP_OK;
  }
  l->changed = true;
  e->pending.events++;
  /* An import wakes nobody, and what was imported today about last year leaves the contact where it is in time. */
  if (!import) l->c.clock_ms = instant;
  if (in->at_ms < l->c.known_ms) l->c.known_ms = in->at_ms;
  l->base_ms = in->at_ms;
  l->depth = 0;
  TRY(set_zone(l, in->zone));
  struct event_row row = { .id = in->id, .at_ms = in->at_ms, .received_ms = in->arrival_ms, .ident = in->ident, .body = in->body,
                           .kind = import ? EVENT_IMPORTED : in->identify ? EVENT_IDENTIFY : EVENT_TRACK };
  if (in->identify) {
    TRY(engine_event_id(e, NONE, in->name, &row.name));
    if (in->body.len) TRY(merge_traits(l, in->body));
    if (import) l->tasks.count = 0;
    TRY(history(l, &row));
    TRY(drain(l));
    return note(l);
  }
  e->event.name_text = in->name;
  e->event.at_ms = in->at_ms;
  e->event.body = in->body;
  event_intern(&e->event, e->image, &e->contact);
  TRY(engine_event_id(e, e->event.name, in->name, &row.name));
  l->event = &e->event;
  if (import) {
    if (e->event.name != NONE) take_measures(l);
    return history(l, &row);
  }
  l->starts_allowed = e->options.late_after_ms == STORE_NEVER || in->arrival_ms - in->at_ms <= e->options.late_after_ms;
  if (!l->starts_allowed && e->event.name != NONE && image_listeners(e->image, &e->event, e->listeners))
    live_outcome(l, "late: it happened more than %lld hours before it arrived, so it starts no campaign",
                 (long long)(e->options.late_after_ms / 3600000));
  TRY(act(l));
  TRY(history(l, &row));
  TRY(drain(l));
  l->starts_allowed = true;
  return note(l);
}
