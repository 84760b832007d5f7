/* Release: whether a message that a script sends may leave, and when.
 *
 * Not for: what contacts consent to (consent.c), what caps and quiet hours say (policy.c), or delivering (runtime/send/).
 *
 *              send                                    nothing against it
 *     script --------> asked at once --------------------------------------> ready (a sender's, from now on)
 *                          |  ^
 *       it is not its turn |  | its moment comes: a timer of the contact
 *       or the policy says |  |
 *                not now   v  |    no consent, expired, a rule says drop
 *                          held  ------------------------------------------> dropped
 *                            \     the run was stopped
 *                             +--------------------------------------------> withdrawn
 *
 * Invariants:
 * 1. A message with a topic leaves only when the contact consents to it at that moment.
 * 2. The outcome is always a row of the outbox with its reason.
 * 3. Of messages that want to leave at one moment the higher priority is asked first, then who was sent first. So a message is asked at
 *    once only when nothing that could come before it may still be sent at this moment: none of the program's messages has a higher
 *    priority, and none that is held has its moment now. All others are asked behind everything else that the agenda has for the moment.
 * 4. Live, the moment is that of the tick, when that is later: what was due while the process was down is not as of then.
 * 5. A strand that waits behind a `send` wakes by an event only, until all that it sent since its last wait is released or dropped.
 *    Then its wait counts from the last release; when nothing left, a wait for events ends at once, by its `else`.
 * 6. `unless` and `if still` count until the release: a strand of their own, which keeps what they look at, stands by what is held. It is
 *    there as long as the message is held, and no part of the run: the run may end, and stops and goals pass it over. */
#include <stdlib.h>

#include "runtime/engine/tick.h"

/* --- the verdict ----------------------------------------------------------------------------------------------------- */

static struct verdict dropped(struct str reason) { return (struct verdict){ .what = VERDICT_DROPPED, .reason = reason }; }

/* `via sms or email` needs an address to choose by; a message that has one channel goes there. */
static struct verdict ask_channel(struct live *l, const struct unit *message, struct str channel, bool choose, int64_t now_ms) {
  struct person p = live_person(l);
  struct str attribute, suppressed = person_suppressed(&p, message, channel);
  if (suppressed.len) return dropped(suppressed);
  if (choose && !policy_reaches(l, channel, &attribute))
    return dropped(arena_printf(&l->e->contact, "no contact." STR_FMT, STR_ARG(attribute)));
  return policy_ask(l, message, channel, now_ms);
}

/* The first channel that may carry it now; else it is held for the one that may first; else dropped, with each one's reason. */
static struct verdict ask_channels(struct live *l, const struct unit *message, struct str channels, bool choose, int64_t now_ms) {
  struct arena *a = &l->e->contact;
  bool several = memchr(channels.ptr, ' ', channels.len) != NULL;
  struct verdict best = dropped((struct str){ 0 });
  for (struct str rest = channels, one; policy_channel(&rest, &one);) {
    struct verdict v = ask_channel(l, message, one, choose, now_ms);
    if (v.what == VERDICT_LEAVES) return v;
    if (several) v.reason = arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(one), STR_ARG(v.reason));
    if (v.what == VERDICT_HELD && (best.what != VERDICT_HELD || v.until_ms < best.until_ms)) best = v;
    else if (best.what == VERDICT_DROPPED)
      best.reason = best.reason.len ? arena_printf(a, STR_FMT "; " STR_FMT, STR_ARG(best.reason), STR_ARG(v.reason)) : v.reason;
  }
  return best;
}

static int64_t expiry(const struct live *l, const struct unit *message, int64_t asked_ms) {
  if (message->expires.type == V_MISSING) return INT64_MAX;
  struct value end = value_add(value_moment(asked_ms), message->expires, l->zone);
  return end.type == V_MOMENT ? end.i : INT64_MAX;
}

static struct verdict expired(struct live *l, const struct unit *message, struct str why) {
  struct buf b;
  buf_init(&b, 512);
  buf_c(&b, "expired after ");
  value_show(&b, message->expires);
  if (why.len) buf_printf(&b, ": " STR_FMT, STR_ARG(why));
  struct verdict v = dropped(arena_str(&l->e->contact, buf_as_str(&b)));
  buf_deinit(&b);
  return v;
}

/* At the very moment when it expires it may still leave; what is held for longer is dropped then. */
static struct verdict ask(struct live *l, const struct unit *message, struct str via, int64_t asked_ms, int64_t now_ms) {
  struct str channels = via.len ? via : unit_string(message, message->channel), reason = { 0 };
  int64_t end_ms = expiry(l, message, asked_ms);
  struct person p = live_person(l);
  if (message->topic != NONE) reason = person_refuses(&p, unit_string(message, message->topic));
  if (reason.len) return dropped(reason);
  if (now_ms > end_ms) return expired(l, message, reason);
  struct verdict v = ask_channels(l, message, channels, via.len != 0, now_ms);
  if (v.what != VERDICT_HELD || v.until_ms <= end_ms) return v;
  if (now_ms >= end_ms) return expired(l, message, v.reason);
  v.until_ms = end_ms;
  return v;
}

/* --- sending --------------------------------------------------------------------------------------------------------- */

static int64_t clock_of(const struct live *l) { return l->now_ms > l->tick_ms ? l->now_ms : l->tick_ms; }

static bool waits_its_turn(const struct live *l, const struct unit *message, struct str via, int64_t now_ms) {
  if (!l->e->caps_hash || message->transactional) return false;
  if (!policy_caps(l, message, via.len ? via : unit_string(message, message->channel))) return false;
  if (policy_rank(message) > l->e->rank_first) return true;
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (l->c.held.items[i].due_ms <= now_ms) return true;
  return false;
}

static struct verdict ask_first(struct live *l, const struct unit *message, struct str via, int64_t now_ms) {
  struct verdict v = { .what = VERDICT_HELD, .until_ms = now_ms };
  if (!waits_its_turn(l, message, via, now_ms)) v = ask(l, message, via, l->now_ms, now_ms);
  if (v.what != VERDICT_HELD || l->c.held.count < LIMIT_HELD_COUNT) return v;
  return dropped(arena_printf(&l->e->contact, "more than %d messages are held for the contact", LIMIT_HELD_COUNT));
}

static enum camp_err hold(struct live *l, const struct strand_item *item, const struct effect *f, const struct outbox_row *row) {
  struct exposure x = experiments_whose(l, item->s.unit, f->pc);
  struct held h = { .row = row->id, .asked_ms = row->asked_ms, .due_ms = row->sent_ms, .flags = HELD_WAITED,
                    .campaign = row->campaign, .entry = item->s.entry, .fork = item->s.fork,
                    .experiment = x.experiment, .variant = x.variant };
  VEC_PUSH(&l->e->contact, &l->c.held, h);
  l->changed = true;
  return CAMP_OK;
}

/* The row is written, and the strand remembers what became of what it sent. */
static enum camp_err put(struct live *l, struct strand_item *item, const struct effect *f, struct outbox_row *row) {
  TRY(live_outbox(l, item, f, row));
  item->sent |= row->state == OUTBOX_HELD ? SENT_HELD : row->state == OUTBOX_DROPPED ? SENT_DROPPED : SENT_LEFT;
  return row->state == OUTBOX_HELD ? hold(l, item, f, row) : CAMP_OK;
}

enum camp_err live_send(struct live *l, struct strand_item *item, const struct effect *f) {
  struct engine *e = l->e;
  const struct unit *message = image_message(e->image, f->name);
  struct outbox_row row = { .state = OUTBOX_READY, .at_ms = l->now_ms, .asked_ms = l->now_ms };
  struct str via = l->via;
  l->via = (struct str){ 0 };
  if (!message) return put(l, item, f, &row); /* who renders it says so */
  int64_t now_ms = e->policy && !message->transactional ? clock_of(l) : l->now_ms;
  TRY(policy_prepare(l, now_ms));
  struct verdict v = ask_first(l, message, via, now_ms);
  row.reason = v.reason;
  row.via = via;
  switch (v.what) {
    case VERDICT_DROPPED: row.state = OUTBOX_DROPPED; break;
    case VERDICT_HELD:
      row.state = OUTBOX_HELD;
      row.sent_ms = v.until_ms;
      break;
    case VERDICT_LEAVES:
      row.at_ms = now_ms;
      if (via.len) row.via = v.channel;
      break;
  }
  TRY(put(l, item, f, &row));
  if (row.state == OUTBOX_READY) policy_released(l, message, v.channel, now_ms);
  return CAMP_OK;
}

static enum camp_err drop_watched(struct live *l, struct strand_item *watcher, struct str reason);

enum camp_err live_drop(struct live *l, struct strand_item *item, const struct effect *f) {
  if (item->over) return drop_watched(l, item, f->reason);
  struct outbox_row row = { .state = OUTBOX_DROPPED, .at_ms = l->now_ms, .reason = f->reason };
  return put(l, item, f, &row);
}

/* --- what is held ---------------------------------------------------------------------------------------------------- */

int64_t live_release_due(const struct live *l) {
  int64_t due_ms = NEVER;
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (l->c.held.items[i].due_ms < due_ms) due_ms = l->c.held.items[i].due_ms;
  return due_ms;
}

static struct held *held_find(struct live *l, int64_t row) {
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (l->c.held.items[i].row == row) return &l->c.held.items[i];
  return NULL;
}

static void held_remove(struct live *l, struct held *h) {
  struct held *end = l->c.held.items + l->c.held.count;
  memmove(h, h + 1, (size_t)(end - h - 1) * sizeof *h);
  l->c.held.count--;
  l->changed = true;
}

static bool is_of(const struct held *h, const struct strand_item *item) {
  return h->campaign == item->s.unit->link->campaign_id && h->entry == item->s.entry && h->fork == item->s.fork;
}

/* The strand no longer waits for what it sent: an event woke it, or what follows has a time of its own. */
void live_send_apart(struct live *l, struct strand_item *item) {
  item->sent = 0;
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (is_of(&l->c.held.items[i], item)) l->c.held.items[i].flags &= (uint8_t)~(HELD_WAITED | HELD_LEFT);
}

/* Of what the strand waits for, some has left. */
static void mark_left(struct live *l, const struct strand_item *item) {
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (l->c.held.items[i].flags & HELD_WAITED && is_of(&l->c.held.items[i], item)) l->c.held.items[i].flags |= HELD_LEFT;
}

static bool waits_for_more(const struct live *l, const struct strand_item *item) {
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (l->c.held.items[i].flags & HELD_WAITED && is_of(&l->c.held.items[i], item)) return true;
  return false;
}

/* A wait for events; a `send … after … unless` hears events, too, but has no `else`. */
static bool ends_by_else(const struct strand_item *item) {
  const struct wait *w = strand_wait(&item->s);
  return w->branch_count && w->timeout_pc != NONE && w->message == NONE;
}

/* An answer to a call is waited for whatever becomes of messages. */
bool live_send_parks(struct live *l, struct strand_item *item, uint32_t *pc) {
  if (item->s.unit->code[item->s.pc] != OP_WAIT) {
    live_send_apart(l, item);
    return false;
  }
  if (item->sent & SENT_HELD) {
    if (item->sent & SENT_LEFT) mark_left(l, item);
    item->s.due_ms = NEVER;
    return true;
  }
  if (item->sent == SENT_DROPPED && ends_by_else(item)) *pc = strand_wait(&item->s)->timeout_pc;
  return false;
}

/* --- the strand behind a send ---------------------------------------------------------------------------------------- */

static struct strand_item *sender_of(struct live *l, const struct held *h) {
  for (uint32_t i = 0; i < l->strands.count; i++) {
    struct strand_item *item = l->strands.items[i];
    if (item->state != ROW_GONE && !item->over && !item->queued && is_of(h, item)) return item;
  }
  return NULL;
}

/* The wait's moment, counted from now. */
static enum camp_err rearm(struct live *l, struct strand_item *item) {
  struct strand then = item->s;
  struct env env = live_env(l);
  then.since_ms = l->now_ms;
  strand_rearm(&l->e->vm, &then, &env);
  item->s.due_ms = then.due_ms;
  if (item->state == ROW_CLEAN) item->state = ROW_CHANGED;
  if (item->s.due_ms != NEVER || strand_wait(&item->s)->arm_pc == NONE) return CAMP_OK;
  live_outcome(l, STR_FMT ": ended: it would wait until a moment that is missing", STR_ARG(unit_name(item->s.unit)));
  return live_end(l, item);
}

/* One message that the strand waited for was released or dropped. *pc: where it goes on at once; NONE: it does not. */
static enum camp_err hand_over(struct live *l, const struct held *h, bool left, struct strand_item **sender, uint32_t *pc) {
  struct strand_item *item = h->flags & HELD_WAITED ? sender_of(l, h) : NULL;
  *pc = NONE;
  *sender = item;
  if (!item) return CAMP_OK;
  bool before = h->flags & HELD_LEFT;
  if (item->state == ROW_CLEAN) item->state = ROW_CHANGED;
  if (left || !before) item->s.base_ms = l->now_ms;
  if (left && !before) mark_left(l, item);
  left |= before;
  if (waits_for_more(l, item)) return CAMP_OK;
  if (left || !ends_by_else(item)) return rearm(l, item);
  *pc = strand_wait(&item->s)->timeout_pc;
  return CAMP_OK;
}

/* --- who stands by --------------------------------------------------------------------------------------------------- */

static bool watches(const struct strand_item *item, const struct held *h) {
  return item->state != ROW_GONE && item->over && h->watch && item->s.fork == h->watch && item->s.entry == h->entry &&
         item->s.unit->link->campaign_id == h->campaign && strand_watches(&item->s);
}

static struct strand_item *watcher_of(struct live *l, const struct held *h) {
  for (uint32_t i = 0; h->watch && i < l->strands.count; i++)
    if (watches(l->strands.items[i], h)) return l->strands.items[i];
  return NULL;
}

static enum camp_err watch_ends(struct live *l, const struct held *h) {
  struct strand_item *item = watcher_of(l, h);
  return item ? live_end(l, item) : CAMP_OK;
}

enum camp_err live_watch(struct live *l, struct strand_item *item, uint32_t pc) {
  struct held *h = held_find(l, l->c.last_message);
  if (!h || !is_of(h, item)) return CAMP_OK; /* it has left, or was dropped */
  struct strand_item *copy = live_strand_new(l, item->s.unit);
  if (!copy) {
    live_outcome(l, STR_FMT ": `unless` and `if still` are not asked while the message is held: a contact has at most %d strands",
                 STR_ARG(unit_name(item->s.unit)), LIMIT_STRANDS_COUNT);
    return CAMP_OK;
  }
  uint32_t slot = copy->s.slot, unit = item->s.unit->link->stored_id;
  h->watch = ++item->s.sends;
  copy->s = item->s;
  copy->s.slot = slot;
  copy->s.fork = h->watch;
  copy->s.sends = 0;
  copy->s.converted = false;
  copy->s.pc = pc;
  copy->s.due_ms = NEVER;
  copy->s.since_ms = copy->s.base_ms = l->now_ms;
  copy->over = true;
  store_unit_count(l->e->store, unit, false, -1);
  store_unit_count(l->e->store, unit, true, 1);
  return CAMP_OK;
}

/* The strand goes on behind what is in hand: another one may be running. */
static void go_on_later(struct live *l, struct strand_item *item, uint32_t pc) {
  struct task t = { .kind = TASK_FORK, .depth = l->depth, .base_ms = l->now_ms, .strand = item, .pc = pc };
  item->queued = true;
  VEC_PUSH(&l->e->contact, &l->tasks, t);
}

static enum camp_err drop_watched(struct live *l, struct strand_item *watcher, struct str reason) {
  struct held *h = NULL;
  struct outbox_row row;
  struct strand_item *sender;
  uint32_t pc;
  for (uint32_t i = 0; i < l->c.held.count && !h; i++)
    if (l->c.held.items[i].watch == watcher->s.fork && l->c.held.items[i].entry == watcher->s.entry &&
        l->c.held.items[i].campaign == watcher->s.unit->link->campaign_id)
      h = &l->c.held.items[i];
  if (!h) return CAMP_OK;
  TRY(store_outbox_get(l->e->store, &l->e->contact, h->row, &row));
  row.state = OUTBOX_DROPPED;
  row.at_ms = l->now_ms;
  row.reason = reason;
  TRY(store_outbox_release(l->e->store, &row));
  l->e->pending.drops++;
  struct held was = *h;
  held_remove(l, h);
  TRY(hand_over(l, &was, false, &sender, &pc));
  if (pc != NONE) go_on_later(l, sender, pc);
  return CAMP_OK;
}

/* `if still`, before anything else is asked; *gone: it is not so, and the message was dropped. */
static enum camp_err ask_still(struct live *l, const struct held *h, bool *gone) {
  struct strand_item *item = watcher_of(l, h);
  const struct wait *w = item ? strand_wait(&item->s) : NULL;
  struct env env = live_env(l);
  *gone = w && w->arm_pc != NONE && !value_true(vm_eval(&l->e->vm, item->s.unit, w->arm_pc, &item->s, &env));
  return *gone ? live_run(l, item, w->timeout_pc) : CAMP_OK;
}

/* --- the moment ------------------------------------------------------------------------------------------------------ */

struct candidate { int64_t row, asked_ms; uint32_t position; uint8_t rank; };

static int by_turn(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  if (x->asked_ms != y->asked_ms) return x->asked_ms < y->asked_ms ? -1 : 1;
  return x->position < y->position ? -1 : x->position > y->position;
}

static const struct unit *message_of(const struct live *l, const struct outbox_row *row) {
  return image_message(l->e->image, store_name_text(l->e->store, row->message));
}

static enum camp_err candidates(struct live *l, struct candidate **out, uint32_t *count) {
  struct candidate *all = arena_alloc(&l->e->contact, (l->c.held.count + 1) * sizeof *all);
  *count = 0;
  for (uint32_t i = 0; i < l->c.held.count; i++) {
    const struct held *h = &l->c.held.items[i];
    struct outbox_row row;
    if (h->due_ms > l->now_ms) continue;
    arena_reset(&l->e->walk);
    TRY(store_outbox_get(l->e->store, &l->e->walk, h->row, &row));
    all[(*count)++] = (struct candidate){ h->row, h->asked_ms, i, policy_rank(message_of(l, &row)) };
  }
  qsort(all, *count, sizeof *all, by_turn);
  *out = all;
  return CAMP_OK;
}

static enum camp_err hold_on(struct live *l, struct held *h, const struct outbox_row *row, const struct verdict *v) {
  h->due_ms = v->until_ms > l->now_ms ? v->until_ms : l->now_ms + 1;
  l->changed = true;
  if (h->due_ms == row->sent_ms && str_eq(v->reason, row->reason)) return CAMP_OK;
  return store_outbox_state(l->e->store, row->id, OUTBOX_HELD, h->due_ms, v->reason);
}

static enum camp_err decide(struct live *l, int64_t id, struct strand_item **sender, uint32_t *pc) {
  struct held *h = held_find(l, id);
  struct outbox_row row;
  *pc = NONE;
  if (!h || h->due_ms > l->now_ms) return CAMP_OK;
  TRY(store_outbox_get(l->e->store, &l->e->contact, id, &row));
  struct held was = *h;
  if (row.state != OUTBOX_HELD) { /* somebody withdrew it: `camp outbox withdraw` */
    held_remove(l, h);
    TRY(watch_ends(l, &was));
    return hand_over(l, &was, false, sender, pc);
  }
  if (engine_paused(l->e, h->campaign)) {
    h->flags |= HELD_PAUSED;
    h->due_ms = NEVER;
    l->changed = true;
    TRY(store_outbox_state(l->e->store, id, OUTBOX_HELD, row.sent_ms, STR("its campaign is paused")));
    return store_held_put(l->e->store, h->campaign, l->c.id);
  }
  bool gone;
  TRY(ask_still(l, h, &gone));
  if (gone) return CAMP_OK;
  const struct unit *message = message_of(l, &row);
  struct verdict v = { .what = VERDICT_LEAVES };
  if (message) v = ask(l, message, row.via, h->asked_ms, l->now_ms);
  if (v.what == VERDICT_HELD) return hold_on(l, h, &row, &v);
  bool leaves = v.what == VERDICT_LEAVES;
  row.state = leaves ? OUTBOX_READY : OUTBOX_DROPPED;
  row.at_ms = l->now_ms;
  row.reason = v.reason;
  if (leaves && row.via.len) row.via = v.channel;
  TRY(store_outbox_release(l->e->store, &row));
  if (leaves) TRY(experiments_expose(l, was.experiment, was.variant));
  if (leaves) l->e->pending.sends++;
  else l->e->pending.drops++;
  if (leaves && message) policy_released(l, message, v.channel, l->now_ms);
  held_remove(l, h);
  TRY(watch_ends(l, &was));
  return hand_over(l, &was, leaves, sender, pc);
}

/* What was asked first, and is held, did not know yet what left behind it. */
static enum camp_err ask_again(struct live *l, int64_t id) {
  struct held *h = held_find(l, id);
  struct outbox_row row;
  if (!h) return CAMP_OK;
  TRY(store_outbox_get(l->e->store, &l->e->contact, id, &row));
  struct verdict v = ask(l, message_of(l, &row), row.via, h->asked_ms, l->now_ms);
  return v.what == VERDICT_HELD ? hold_on(l, h, &row, &v) : CAMP_OK;
}

/* All that have their moment are asked before any strand goes on: what it sends then comes behind them. */
enum camp_err live_release(struct live *l, bool tired) {
  struct candidate *all;
  uint32_t count, going = 0;
  uint64_t sends = l->e->pending.sends;
  TRY(policy_prepare(l, l->now_ms));
  TRY(candidates(l, &all, &count));
  struct { struct strand_item *item; uint32_t pc; } *go = arena_alloc(&l->e->contact, (count + 1) * sizeof *go);
  for (uint32_t i = 0; i < count; i++) {
    TRY(decide(l, all[i].row, &go[going].item, &go[going].pc));
    if (go[going].pc != NONE) going++;
  }
  for (uint32_t i = 0; i < count && l->e->pending.sends > sends; i++) TRY(ask_again(l, all[i].row));
  for (uint32_t i = 0; i < going; i++)
    if (go[i].item->state != ROW_GONE) TRY(tired ? live_too_many_wakes(l, go[i].item) : live_run(l, go[i].item, go[i].pc));
  return CAMP_OK;
}

/* --- stops, zones, merges -------------------------------------------------------------------------------------------- */

enum camp_err live_withdraw_held(struct live *l, bool (*stopped)(const struct live *l, uint32_t campaign, uint32_t entry), const char *why) {
  for (uint32_t i = l->c.held.count; i-- > 0;) {
    struct held *h = &l->c.held.items[i];
    if (!stopped(l, h->campaign, h->entry)) continue;
    TRY(store_outbox_state(l->e->store, h->row, OUTBOX_WITHDRAWN, l->now_ms, str_from_c(why)));
    TRY(watch_ends(l, h));
    held_remove(l, h);
  }
  return CAMP_OK;
}

enum camp_err live_send_stopped(struct live *l, struct strand_item *item, const char *why) {
  if (item->over || item->queued || item->running || strand_wait(&item->s)->message == NONE) return CAMP_OK;
  const struct effect f = { .kind = EFFECT_DROP, .name = unit_string(item->s.unit, strand_wait(&item->s)->message), .pc = item->s.pc };
  struct outbox_row row = { .state = OUTBOX_DROPPED, .at_ms = l->now_ms, .reason = str_from_c(why) };
  return live_outbox(l, item, &f, &row);
}

/* The hours of the contact's day are others now: all that is held is asked about again at once. */
void live_held_rezone(struct live *l) {
  for (uint32_t i = 0; i < l->c.held.count; i++)
    if (l->c.held.items[i].due_ms != NEVER && l->c.held.items[i].due_ms > l->now_ms) l->c.held.items[i].due_ms = l->now_ms;
}

/* What both hold is held by the one, in the order in which it was sent, the survivor's own first. What left is found again. */
void live_held_merge(struct live *l, const struct held *theirs) {
  VEC_PUSH(&l->e->contact, &l->c.held, *theirs);
  for (uint32_t i = l->c.held.count - 1; i > 0 && l->c.held.items[i - 1].asked_ms > theirs->asked_ms; i--) {
    l->c.held.items[i] = l->c.held.items[i - 1];
    l->c.held.items[i - 1] = *theirs;
  }
  l->c.releases_of = 0;
  l->c.releases.count = 0;
}
