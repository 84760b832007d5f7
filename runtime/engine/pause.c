/* Campaigns that are paused, and what becomes of what was due meanwhile.
 *
 * Not for the command that gives the order: it writes a row beside the engine (runtime/store/pauses.c), and each transaction looks
 * whether there is a new one.
 *
 * While a campaign is paused nobody enters it. A run whose time comes, or that would hear something, is held: it stays where it is, and
 * its contact is noted. So is a contact whose start without an event comes. Stops and goals count as ever.
 *
 * Once it is resumed, each held contact is opened. What became due is passed over (the run ends, with that reason; the start is left
 * out), or goes on at the moment of resuming plus a share of the time over which to spread: the same share for a contact each time. A
 * wait that would have heard something goes on by what it heard first.
 *
 * Invariants:
 * 1. What became due before the resuming never runs before its share: it is moved when the contact is opened, whoever opens it. To move
 *    it again changes nothing, because then it is due no more before the resuming.
 * 2. A contact is in `held` from the moment when something of it is held; its timer in the index is gone meanwhile.
 * 3. Letting go is portioned as the sweep is: the rows that are left are its place. */
#include "runtime/engine/tick.h"

static const struct value over_default = { .type = V_EXACT, .i = 3600 * 1000 };

enum camp_err engine_pauses_look(struct engine *e) {
  bool beside;
  TRY(store_written_beside(e->store, &beside));
  if (e->pauses_known && !beside) return CAMP_OK;
  struct store_pause *rows;
  uint32_t count;
  e->pauses_known = false;
  arena_reset(&e->orders);
  e->pause_count = 0;
  TRY(store_pauses(e->store, &e->orders, &rows, &count));
  e->pauses = arena_alloc(&e->orders, (count + 1) * sizeof *e->pauses);
  for (uint32_t i = 0; i < count; i++) {
    const struct store_pause *row = &rows[i];
    const struct unit *u = image_campaign(e->image, row->campaign);
    struct value said = u ? u->entry.resume : value_missing();
    struct pause *p = &e->pauses[e->pause_count++];
    *p = (struct pause){ .name = row->campaign, .campaign = store_name_find(e->store, NAME_CAMPAIGN, row->campaign),
                         .since_ms = row->since_ms, .until_ms = row->until_ms, .left = row->until_ms != STORE_NEVER };
    p->skip = row->how == PAUSE_SKIP || (row->how == PAUSE_AS_SAID && said.type == V_BOOL);
    if (row->how == PAUSE_SPREAD) p->over = (struct value){ .type = V_EXACT, .i = row->spread_ms };
    else p->over = said.type == V_EXACT || said.type == V_CALENDAR ? said : over_default;
  }
  e->pauses_known = true;
  return CAMP_OK;
}

static const struct pause *find(const struct engine *e, uint32_t campaign) {
  for (uint32_t i = 0; i < e->pause_count; i++)
    if (e->pauses[i].campaign == campaign) return &e->pauses[i];
  return NULL;
}

const struct pause *engine_paused(const struct engine *e, uint32_t campaign) {
  const struct pause *p = e->pause_count ? find(e, campaign) : NULL;
  return p && p->until_ms == STORE_NEVER ? p : NULL;
}

const struct pause *engine_resumed(const struct engine *e, uint32_t campaign) {
  const struct pause *p = e->pause_count ? find(e, campaign) : NULL;
  return p && p->until_ms != STORE_NEVER ? p : NULL;
}

/* --- orders of this process ----------------------------------------------------------------------------------------- */

enum camp_err engine_pause(struct engine *e, struct str campaign, int64_t at_ms, bool *changed) {
  enum camp_err err = engine_begin(e);
  if (err == CAMP_OK) err = store_pause(e->store, campaign, at_ms, changed);
  if (err == CAMP_OK) err = engine_commit(e, &e->clock);
  e->pauses_known = false;
  return err == CAMP_OK ? CAMP_OK : engine_failed(e, err);
}

enum camp_err engine_resume_campaign(struct engine *e, const struct store_pause *p, bool *changed) {
  enum camp_err err = engine_begin(e);
  if (err == CAMP_OK) err = store_resume(e->store, p, changed);
  if (err == CAMP_OK) err = engine_commit(e, &e->clock);
  e->pauses_known = false;
  return err == CAMP_OK ? CAMP_OK : engine_failed(e, err);
}

/* --- going on ------------------------------------------------------------------------------------------------------- */

/* When this contact's share of the spreading is: the same each time, and even over all contacts. Whole seconds, as schedules are. */
static int64_t share_of(const struct live *l, const struct pause *p) {
  static const struct hash_key key = { 0x63616d70726573u, 0x756d65u };
  struct value end = value_add(value_moment(p->until_ms), p->over, l->zone);
  int64_t length_ms = end.type == V_MOMENT ? end.i - p->until_ms : 0;
  uint64_t hash = hash_str(key, l->c.key) ^ hash_str(key, p->name);
  int64_t offset_ms = length_ms > 0 ? (int64_t)(hash_u64(hash) % (uint64_t)length_ms) : 0;
  return p->until_ms + offset_ms / MS_PER_SECOND * MS_PER_SECOND;
}

static void passed_over(struct live *l, const struct pause *p) {
  if (l->now_ms < p->until_ms) l->now_ms = p->until_ms;
  if (l->now_ms < l->c.clock_ms) l->now_ms = l->c.clock_ms;
}

static enum camp_err let_go_strand(struct live *l, struct strand_item *item, const struct pause *p) {
  l->changed = l->filled = true;
  if (!p->skip) {
    item->s.due_ms = share_of(l, p);
    if (item->state == ROW_CLEAN) item->state = ROW_CHANGED;
    return CAMP_OK;
  }
  passed_over(l, p);
  live_outcome(l, STR_FMT ": ended: its moment passed while the campaign was paused, and it was resumed with skip",
               STR_ARG(unit_name(item->s.unit)));
  return live_end(l, item);
}

/* A message whose moment came meanwhile: passed over it is found withdrawn when the campaign goes on, else it is asked about then. */
static enum camp_err let_go_held(struct live *l, struct held *h, const struct pause *p) {
  l->changed = l->filled = true;
  h->flags &= (uint8_t)~HELD_PAUSED;
  h->due_ms = p->skip ? p->until_ms : share_of(l, p);
  if (!p->skip) return CAMP_OK;
  return store_outbox_state(l->e->store, h->row, OUTBOX_WITHDRAWN, p->until_ms,
                            STR("its moment passed while the campaign was paused, and it was resumed with skip"));
}

enum camp_err live_let_go(struct live *l) {
  const struct engine *e = l->e;
  bool any = false;
  for (uint32_t i = 0; i < e->pause_count; i++) any |= e->pauses[i].until_ms != STORE_NEVER;
  if (!any) return CAMP_OK;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    const struct pause *p = engine_resumed(e, item->s.unit->link->campaign_id);
    if (!p || item->state == ROW_GONE || item->over || item->s.due_ms >= p->until_ms) continue;
    TRY(let_go_strand(l, item, p));
  }
  for (uint32_t i = 0; i < l->c.held.count; i++) {
    const struct pause *p = engine_resumed(e, l->c.held.items[i].campaign);
    if (p && l->c.held.items[i].flags & HELD_PAUSED) TRY(let_go_held(l, &l->c.held.items[i], p));
  }
  for (uint32_t i = 0; i < e->pause_count; i++) {
    const struct pause *p = &e->pauses[i];
    if (p->until_ms == STORE_NEVER || !l->c.schedules.count) continue;
    if (!live_schedules_let_go(l, p, p->skip ? p->until_ms : share_of(l, p))) continue;
    l->filled = true;
    passed_over(l, p);
    if (p->skip) live_outcome(l, STR_FMT ": not started: its moment passed while it was paused, and it was resumed with skip", STR_ARG(p->name));
  }
  return live_note(l);
}

/* Nothing from before the pause, nor from before the wait. */
static int64_t from_ms(const struct pause *p, const struct strand_item *item) {
  int64_t began_ms = strand_began_ms(&item->s);
  return p->since_ms > began_ms ? p->since_ms : began_ms;
}

enum camp_err live_heard_meanwhile(struct live *l, struct strand_item *item, uint32_t *pc, bool *park) {
  const struct pause *p = engine_resumed(l->e, item->s.unit->link->campaign_id);
  *pc = strand_wait(&item->s)->timeout_pc;
  *park = false;
  if (!p || item->over || item->s.since_ms > p->until_ms) return CAMP_OK;
  uint32_t heard = NONE;
  struct event *found = NULL;
  TRY(live_between(l, item, from_ms(p, item), p->until_ms, &heard, &found));
  if (heard != NONE) {
    *pc = heard;
    l->event = found;
    return CAMP_OK;
  }
  /* It was held for an event that it would not hear any more, and its own time is yet to come. */
  struct strand as_said = item->s;
  struct env env = live_env(l);
  if (strand_wait(&item->s)->arm_pc == NONE) as_said.due_ms = NEVER;
  else strand_rearm(&l->e->vm, &as_said, &env);
  *park = as_said.due_ms > l->now_ms;
  if (!*park) return CAMP_OK;
  item->s.due_ms = as_said.due_ms;
  if (item->state == ROW_CLEAN) item->state = ROW_CHANGED;
  l->changed = true;
  return CAMP_OK;
}

enum camp_err live_hold_again(struct live *l, const struct strand_item *item) {
  uint32_t campaign = item->s.unit->link->campaign_id;
  const struct pause *p = l->e->pause_count ? find(l->e, campaign) : NULL;
  if (!p || item->over || (p->until_ms != STORE_NEVER && !p->left)) return CAMP_OK;
  return store_held_put(l->e->store, campaign, l->c.id);
}

/* Who heard something: its own time may be far away, or never come. */
static enum camp_err let_go_heard(struct live *l, const struct pause *p) {
  l->now_ms = p->until_ms > l->c.clock_ms ? p->until_ms : l->c.clock_ms;
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state == ROW_GONE || item->over || item->s.unit->link->campaign_id != p->campaign || item->s.since_ms > p->until_ms) continue;
    uint32_t heard = NONE;
    struct event *found = NULL;
    TRY(live_between(l, item, from_ms(p, item), p->until_ms, &heard, &found));
    if (heard != NONE && item->s.due_ms > share_of(l, p)) TRY(let_go_strand(l, item, p));
  }
  return live_note(l);
}

static enum camp_err let_go(struct engine *e, int64_t contact, const struct pause *p) {
  struct live l;
  enum camp_err err = live_open(e, &l, contact, (struct str){ 0 }, false);
  if (err != CAMP_OK) return err == CAMP_NOT_FOUND ? CAMP_OK : err; /* it became another contact meanwhile, which is held for it */
  TRY(let_go_heard(&l, p));
  l.changed = true; /* its timer is to be put again */
  return live_close(&l);
}

enum camp_err engine_let_go(struct engine *e, uint32_t contacts, bool *more) {
  *more = false;
  for (uint32_t i = 0; i < e->pause_count && !*more; i++) {
    struct pause *p = &e->pauses[i];
    if (!p->left) continue;
    int64_t *ids = arena_alloc(&e->batch, (contacts + 1) * sizeof *ids);
    uint32_t count;
    TRY(store_held(e->store, p->campaign, ids, contacts, &count));
    for (uint32_t k = 0; k < count; k++) TRY(let_go(e, ids[k], p));
    if (count) TRY(store_held_remove(e->store, p->campaign, ids[count - 1]));
    p->left = *more = count == contacts;
  }
  return CAMP_OK;
}
