/* May this contact enter this campaign now? The entry rules of the contract, and the making of a run.
 *
 * Not for finding which campaigns an event may start (vm/image_listeners.c) or running them (tick.c).
 *
 * Invariants:
 * 1. Entry rules follow the campaign's name, so `entry once` holds across versions.
 * 2. A start that is refused leaves a reason beside the event that asked for it. */
#include "runtime/engine/tick.h"

#include <stdlib.h>

static bool is_inside(const struct strand_item *item, uint32_t campaign_id) {
  return item->state != ROW_GONE && !item->over && item->s.unit->link->campaign_id == campaign_id;
}

static bool inside_any(const struct live *l, uint32_t campaign_id) {
  for (uint32_t i = 0; i < l->strands.count; i++)
    if (is_inside(l->strands.items[i], campaign_id)) return true;
  return false;
}

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

/* Runs of this campaign that the contact is inside of; strands of one run, which have one entry number, count once. */
static uint32_t inside(struct live *l, uint32_t campaign_id) {
  uint32_t *entries = arena_alloc(&l->e->contact, (l->strands.count + 1) * sizeof *entries);
  uint32_t n = 0, runs = 0;
  for (uint32_t i = 0; i < l->strands.count; i++)
    if (is_inside(l->strands.items[i], campaign_id)) entries[n++] = l->strands.items[i]->s.entry;
  qsort(entries, n, sizeof *entries, by_number);
  for (uint32_t i = 0; i < n; i++) runs += i == 0 || entries[i] != entries[i - 1];
  return runs;
}

static enum camp_err once_per(struct live *l, const struct unit *u, const struct entry_rule *rule, bool *may) {
  struct engine *e = l->e;
  struct env env = live_env(l);
  struct value key = vm_eval(&e->vm, u, rule->key_pc, NULL, &env);
  *may = false;
  if (key.type == V_MISSING) {
    live_outcome(l, STR_FMT ": not started: the key of `entry once per` is missing", STR_ARG(unit_name(u)));
    return CAMP_OK;
  }
  buf_clear(&e->scratch);
  value_show(&e->scratch, key);
  uint64_t hash = hash_str((struct hash_key){ 0x63616d70u, 0x6f6e6365u }, buf_as_str(&e->scratch));
  bool was;
  TRY(store_entry_key(e->store, l->c.id, u->link->campaign_id, hash, true, &was));
  if (was) live_outcome(l, STR_FMT ": not started: it started for " STR_FMT " before (entry once per key)", STR_ARG(unit_name(u)),
                        STR_ARG(buf_as_str(&e->scratch)));
  *may = !was;
  return CAMP_OK;
}

static enum camp_err may_enter(struct live *l, const struct unit *u, bool *may) {
  const struct entry_rule *rule = &u->entry;
  const struct entry *entry = contact_entry(&l->c, u->link->campaign_id);
  struct str name = unit_name(u);
  *may = true;
  const struct pause *paused = engine_paused(l->e, u->link->campaign_id);
  if (paused) {
    char since[40];
    size_t n = calendar_print_iso(l->e->zone, paused->since_ms, since);
    live_outcome(l, STR_FMT ": not started: it is paused since %.*s", STR_ARG(name), (int)n, since);
    *may = false;
    return CAMP_OK;
  }
  /* By the event's own time: one that comes late from before the end still counts. */
  if (rule->ends.type != V_MISSING && zone_to_civil(l->zone, l->base_ms) >= rule->ends.i) {
    char end[32];
    size_t n = calendar_print(rule->ends.i, end);
    live_outcome(l, STR_FMT ": not started: the campaign ended at %.*s", STR_ARG(name), (int)n, end);
    *may = false;
    return CAMP_OK;
  }
  switch ((enum entry_kind)rule->kind) {
    case ENTRY_EVERY_TIME:
      if (rule->at_once == 0 || inside(l, u->link->campaign_id) < rule->at_once) return CAMP_OK;
      live_outcome(l, STR_FMT ": not started: already inside %u times (entry every time up to %u at once)", STR_ARG(name),
                   rule->at_once, rule->at_once);
      break;
    case ENTRY_ONCE_AT_A_TIME:
      if (!inside_any(l, u->link->campaign_id)) return CAMP_OK;
      live_outcome(l, STR_FMT ": not started: already inside (entry once at a time)", STR_ARG(name));
      break;
    case ENTRY_ONCE:
      if (entry->count == 0) return CAMP_OK;
      live_outcome(l, STR_FMT ": not started: entered before (entry once)", STR_ARG(name));
      break;
    case ENTRY_ONCE_PER: return once_per(l, u, rule, may);
    case ENTRY_ONCE_IN: {
      if (entry->count == 0) return CAMP_OK;
      struct value until = value_add(value_moment(entry->last_ms), rule->within, l->zone);
      if (until.type == V_MOMENT && l->now_ms >= until.i) return CAMP_OK;
      live_outcome(l, STR_FMT ": not started: entered too short ago (entry at most once in a time)", STR_ARG(name));
      break;
    }
  }
  *may = false;
  return CAMP_OK;
}

enum camp_err live_start(struct live *l, const struct unit *u, uint32_t pc) {
  bool may;
  l->changed = true;
  TRY(may_enter(l, u, &may));
  if (!may) return CAMP_OK;
  struct strand_item *item = live_strand_new(l, u);
  if (!item) {
    live_outcome(l, STR_FMT ": not started: a contact has at most %d strands at a time", STR_ARG(unit_name(u)), LIMIT_STRANDS_COUNT);
    return CAMP_OK;
  }
  struct entry *entry = contact_entry(&l->c, u->link->campaign_id);
  item->s.entry = ++entry->count;
  entry->last_ms = l->now_ms;
  l->e->pending.starts++;
  return live_run(l, item, pc);
}
