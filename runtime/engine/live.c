/* One contact in memory: read from its rows, its strands made and ended, written back when it changed.
 *
 * Not for what an event or a timer does to it (tick.c) or what scripts ask for (effects.c).
 *
 * Invariants:
 * 1. What decides an order or an outcome is in the rows: a slot is free again the moment its strand ends, and where strands
 *    are put in order their slots do not count, because which slot is free depends on what else the contact went through.
 * 2. Between two inputs or two wakes a contact may be written and read again: nothing but its rows lives longer. */
#include "runtime/engine/tick.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/base/utf8.h"

struct env live_env(struct live *l) {
  return (struct env){ .image = l->e->image, .contact = &l->c, .event = l->event, .now_ms = l->now_ms,
                       .base_ms = l->base_ms, .zone = l->zone, .scratch = &l->e->contact, .watch = l->e->options.watch,
                       .secret = l->e->options.secret };
}

struct person live_person(struct live *l) {
  return (struct person){ .store = l->e->store, .image = l->e->image, .c = &l->c, .zone = l->zone, .arena = &l->e->contact };
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

void live_zone(struct live *l) {
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
  item->queued = item->stopped = item->held = false;
  item->sent = 0;
  item->running = false;
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
  if (row->pc >= u->code_bytes || (u->code[row->pc] != OP_WAIT && u->code[row->pc] != OP_OVER && u->code[row->pc] != OP_WATCH) ||
      !instruction_decode(u->code, u->code_bytes, row->pc, operands) || row->over != strand_is_over(&item->s) ||
      strand_read(&item->s, row->locals) != CAMP_OK)
    return engine_fail(e, CAMP_CORRUPT, "the strand of contact " STR_FMT " in " STR_FMT " is damaged", STR_ARG(l->c.key),
                       STR_ARG(unit_name(u)));
  VEC_PUSH(&e->contact, &l->strands, item);
  return CAMP_OK;
}

/* Under another key than its own: the store must know of it. */
static enum camp_err check_alias(struct live *l, struct str key) {
  int64_t contact;
  TRY(store_alias_find(l->e->store, key, &contact));
  if (contact == l->row.id) return CAMP_OK;
  return engine_fail(l->e, CAMP_CORRUPT, "contacts " STR_FMT " and " STR_FMT " stand in one place of the index", STR_ARG(key),
                     STR_ARG(l->row.key));
}

enum camp_err live_open(struct engine *e, struct live *l, int64_t id, struct str key, bool fresh) {
  arena_reset(&e->contact);
  memset(l, 0, sizeof *l);
  l->e = e;
  l->slots[0] = 1;
  l->outcome = &e->outcome;
  buf_clear(l->outcome);
  l->starts_allowed = true;
  l->arrival_ms = INT64_MIN;
  l->schedule_ms = SCHEDULE_STALE;
  l->import_ms = INT64_MIN;
  l->tick_ms = INT64_MIN;
  if (fresh) {
    l->row = (struct contact_row){ .id = id, .key = key, .timer_ms = STORE_NEVER, .fresh = true };
  } else {
    TRY(store_contact_read(e->store, &e->contact, id, &l->row));
    if (key.len && !str_eq(key, l->row.key)) TRY(check_alias(l, key));
  }
  if (contact_read(&l->c, &e->contact, l->row.state) != CAMP_OK)
    return engine_fail(e, CAMP_CORRUPT, "the state of contact " STR_FMT " is damaged", STR_ARG(l->row.key));
  l->c.id = id;
  l->c.key = l->row.key;
  l->c.attributes = l->row.attributes;
  /* No state yet: made now, or accepted into the inbox before. */
  if (l->row.state.len == 0) {
    l->unknown = true;
    l->c.measures_as_of = e->epoch;
    l->c.known_ms = STORE_NEVER;
    /* Before all that may happen: years before 1970 are no late events. */
    l->c.clock_ms = calendar_days(LIMIT_YEAR_MIN, 1, 1) * MS_PER_DAY - MS_PER_DAY;
  }
  live_zone(l);
  for (uint32_t i = 0; i < l->row.strand_count; i++) TRY(strand_open(l, &l->row.strands[i]));
  if (l->c.measures_as_of < e->epoch) {
    TRY(live_fill_all(l, &l->filled));
    l->changed = true;
  }
  return e->pause_count ? live_let_go(l) : CAMP_OK;
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
  TRY(segments_imported(l));
  if (!l->changed) return CAMP_OK;
  if (l->c.schedules.count) live_schedules_forget(l);
  int64_t earliest = live_schedules_due(l);
  if (contact_flip(&l->c) < earliest) earliest = contact_flip(&l->c);
  if (live_release_due(l) < earliest) earliest = live_release_due(l);
  struct strand_row *rows = arena_alloc(&e->contact, (l->strands.count + 1) * sizeof *rows);
  uint32_t n = 0;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state != ROW_GONE && !item->held && item->s.due_ms < earliest) earliest = item->s.due_ms;
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
enum camp_err live_refresh(struct live *l) {
  struct engine *e = l->e;
  forget_ended(l);
  l->work += 1 + (uint32_t)(l->c.attributes.len / 4096);
  if (l->work < LIVE_WORK_COUNT || !l->changed) return CAMP_OK;
  int64_t tick_ms = l->tick_ms;
  TRY(live_close(l));
  TRY(live_open(e, l, l->c.id, (struct str){ 0 }, false));
  l->tick_ms = tick_ms;
  return CAMP_OK;
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
  item->queued = item->stopped = item->over = item->held = false;
  item->sent = 0;
  item->running = false;
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

enum camp_err live_strand_move(struct live *l, struct strand_row row, struct strand_item **out) {
  *out = NULL;
  row.slot = slot_free(l);
  if (!row.slot) return CAMP_OK;
  TRY(strand_open(l, &row));
  *out = l->strands.items[l->strands.count - 1];
  (*out)->state = (*out)->row.state = ROW_NEW;
  return CAMP_OK;
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

static bool is_of_stopped(const struct live *l, uint32_t campaign, uint32_t entry) {
  for (uint32_t i = 0; i < l->strands.count; i++) {
    const struct strand_item *item = l->strands.items[i];
    if (item->stopped && campaign == item->s.unit->link->campaign_id && entry == item->s.entry) return true;
  }
  return false;
}

/* Messages of stopped runs that have not left are withdrawn, also those of the run's other strands, which may have ended. One
 * walk for all of them. In virtual time a message leaves the moment it is released, whatever the order in which this process
 * writes and delivers, so there is nothing to withdraw but what is held. */
static enum camp_err withdraw(struct live *l, int64_t since_ms, const char *why) {
  struct engine *e = l->e;
  if (l->c.held.count) TRY(live_withdraw_held(l, is_of_stopped, why));
  if (e->virtual_time) return CAMP_OK;
  for (int64_t id = l->c.last_message; id;) {
    struct outbox_row row;
    arena_reset(&e->walk);
    TRY(store_outbox_get(e->store, &e->walk, id, &row));
    if (row.asked_ms < since_ms) break;
    bool waits = row.state == OUTBOX_READY || row.state == OUTBOX_DEFERRED || row.state == OUTBOX_DOUBT || row.state == OUTBOX_PAUSED;
    if (waits && is_of_stopped(l, row.campaign, row.entry)) {
      const struct unit *message = image_message(e->image, store_name_text(e->store, row.message));
      TRY(store_outbox_state(e->store, id, OUTBOX_WITHDRAWN, l->now_ms, str_from_c(why)));
      if (message && !message->transactional) policy_withdrawn(l, row.via.len ? row.via : unit_string(message, message->channel), row.at_ms);
    }
    id = row.prev;
  }
  return CAMP_OK;
}

/* Ends the strands that are marked as stopped. */
enum camp_err live_end_stopped(struct live *l, const char *why) {
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
    TRY(live_send_stopped(l, item, why));
    if (l->e->shows) TRY(store_content_end(l->e->store, l->c.id, item->s.unit->link->campaign_id, item->s.entry, l->now_ms));
    TRY(live_end(l, item));
  }
  return CAMP_OK;
}

enum camp_err live_stop_campaign(struct live *l, struct str name, const char *why) {
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    item->stopped = item->state != ROW_GONE && !item->over && str_eq(unit_name(item->s.unit), name);
  }
  return live_end_stopped(l, why);
}
