/* What scripts ask for, done to one contact at once, or queued behind the input in hand.
 *
 * Not for running code (tick.c, vm/strand.c) or sending: a message is a row of the outbox here.
 *
 * Invariants:
 * 1. A `set`, a list and a tag are seen by the very next condition, also through segments; emitted events, campaigns that start
 *    campaigns and forks are queued, first in first out.
 * 2. What cannot be done leaves a reason beside the event in hand. */
#include "runtime/engine/tick.h"
#include "vm/key.h"

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
void live_internal(struct live *l, const char *before, struct str name, const char *after, struct str body) {
  struct str full = arena_printf(&l->e->contact, "%s" STR_FMT "%s", before, STR_ARG(name), after);
  if (image_symbol(l->e->image, full) != NONE) task_event(l, full, body, EVENT_EMITTED, true);
}

void live_queue_internal(struct live *l, struct str name, struct str body) {
  if (name.len) task_event(l, name, body, EVENT_EMITTED, true);
}

/* The values of a send as the message will say them: numbers, texts and lists as JSON, all else as the text that a message prints,
 * moments on the contact's clock. False when they are too long. */
static bool given_values(struct live *l, const struct strand_item *item, const struct effect *f, struct str *out) {
  const struct unit *u = item->s.unit;
  struct buf body, text;
  buf_init(&body, LIMIT_EVENT_BYTES);
  buf_init(&text, LIMIT_EVENT_BYTES);
  for (uint32_t i = 0; i < f->emit->key_count; i++) {
    struct value v = f->values[i];
    buf_byte(&body, i ? ',' : '{');
    buf_json_str(&body, unit_string(u, u->emit_keys[f->emit->first_key + i]));
    buf_byte(&body, ':');
    buf_clear(&text);
    if (f->kind == EFFECT_CALL || v.type == V_MISSING || v.type == V_TEXT || v.type == V_BOOL || v.type == V_NUMBER || v.type == V_LIST || v.type == V_RECORD) {
      value_to_json(&body, v, l->zone);
    } else {
      value_print(&text, v, l->zone);
      buf_json_str(&body, buf_as_str(&text));
    }
  }
  buf_byte(&body, '}');
  bool fits = !body.failed && !text.failed;
  if (fits) *out = arena_str(&l->e->contact, buf_as_str(&body));
  buf_deinit(&body);
  buf_deinit(&text);
  return fits;
}

static enum camp_err expose(struct live *l, const struct unit *u, uint32_t pc) {
  struct exposure x = experiments_whose(l, u, pc);
  return experiments_expose(l, x.experiment, x.variant);
}

enum camp_err live_outbox(struct live *l, struct strand_item *item, const struct effect *f, struct outbox_row *row) {
  struct engine *e = l->e;
  row->contact = l->c.id;
  row->prev = l->c.last_message;
  row->campaign = item->s.unit->link->campaign_id;
  row->unit = item->s.unit->link->stored_id;
  row->entry = item->s.entry;
  row->fork = item->s.fork;
  row->ordinal = ++item->s.sends;
  row->pc = f->pc;
  if (f->emit && !given_values(l, item, f, &row->given)) {
    row->state = OUTBOX_DROPPED;
    row->reason = arena_printf(&e->contact, "the values of `with` are over %u bytes", LIMIT_EVENT_BYTES);
  }
  if (f->kind == EFFECT_CALL) TRY(store_name(e->store, NAME_CALL, f->name, &row->message));
  else TRY(engine_message_id(e, f->name, &row->message));
  TRY(store_outbox_put(e->store, row));
  l->c.last_message = row->id;
  if (row->state == OUTBOX_READY) TRY(expose(l, item->s.unit, f->pc));
  if (row->state == OUTBOX_READY && f->kind == EFFECT_CALL) e->pending.calls++;
  else if (row->state == OUTBOX_READY) e->pending.sends++;
  else if (row->state == OUTBOX_DROPPED) e->pending.drops++;
  return CAMP_OK;
}

/* A call is a row like a message's. One that cannot be made has its failure at once, behind the input: the strand waits by then. */
static enum camp_err effect_call(struct live *l, struct strand_item *item, const struct effect *f) {
  struct outbox_row row = { .state = OUTBOX_READY, .at_ms = l->now_ms, .asked_ms = l->now_ms };
  struct buf body, key;
  TRY(live_outbox(l, item, f, &row));
  if (row.state == OUTBOX_READY) return CAMP_OK;
  buf_init(&body, LIMIT_EVENT_BYTES);
  buf_init(&key, LIMIT_EVENT_BYTES);
  key_print(&key, l->c.key, unit_name(item->s.unit), row.entry, row.fork, row.ordinal);
  buf_c(&body, "{\"key\":");
  buf_json_str(&body, buf_as_str(&key));
  buf_c(&body, ",\"error\":");
  buf_json_str(&body, row.reason);
  buf_byte(&body, '}');
  task_event(l, STR(REPLY_EVENT), arena_str(&l->e->contact, buf_as_str(&body)), EVENT_EMITTED, false);
  buf_deinit(&key);
  buf_deinit(&body);
  return CAMP_OK;
}

/* Shown from the instant on; a page asks which are. */
static enum camp_err effect_show(struct live *l, const struct strand_item *item, const struct effect *f) {
  struct engine *e = l->e;
  struct content_row row = { .contact = l->c.id, .at_ms = l->now_ms, .campaign = item->s.unit->link->campaign_id,
                             .unit = item->s.unit->link->stored_id, .pc = f->pc, .entry = item->s.entry, .fork = item->s.fork };
  if (f->values[0].type != V_MOMENT) {
    live_outcome(l, STR_FMT ": not shown: the moment of its end is missing", STR_ARG(f->name));
    return CAMP_OK;
  }
  row.until_ms = f->values[0].i;
  if (row.until_ms <= l->now_ms) {
    live_outcome(l, STR_FMT ": not shown: the moment of its end has passed", STR_ARG(f->name));
    return CAMP_OK;
  }
  TRY(store_name(e->store, NAME_CONTENT, f->name, &row.content));
  e->pending.shows++;
  return store_content_put(e->store, &row);
}

enum camp_err live_member(struct live *l, const struct effect *f) {
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
      live_schedules_joined(l, id, l->now_ms);
      segments_mark(l, LOOK_LIST, f->name);
      live_internal(l, "enters ", f->name, "", (struct str){ 0 });
      return store_member_put(e->store, id, l->c.id, l->now_ms);
    case EFFECT_LEAVE:
      if (!contact_leave(&l->c, id)) return CAMP_OK;
      if (str_is(f->name, "suppressed")) l->c.suppressions.count = 0;
      segments_mark(l, LOOK_LIST, f->name);
      live_internal(l, "leaves ", f->name, "", (struct str){ 0 });
      return store_member_remove(e->store, id, l->c.id);
    case EFFECT_TAG:
      if (!contact_tag(&l->c, id, l->now_ms)) return CAMP_OK;
      segments_mark(l, LOOK_TAG, f->name);
      return store_tag_put(e->store, id, l->c.id, l->now_ms);
    default:
      if (!contact_untag(&l->c, id)) return CAMP_OK;
      segments_mark(l, LOOK_TAG, f->name);
      return store_tag_remove(e->store, id, l->c.id);
  }
}

void live_attribute_changed(struct live *l, struct str name, struct value was, struct value is) {
  if (value_equal(was, is, l->zone) || (was.type == V_MISSING && is.type == V_MISSING)) return;
  struct buf body;
  buf_init(&body, LIMIT_ATTRIBUTES_BYTES * 2);
  buf_c(&body, "{\"to\":");
  value_to_json(&body, is, l->zone);
  buf_c(&body, ",\"from\":");
  value_to_json(&body, was, l->zone);
  buf_byte(&body, '}');
  live_internal(l, "contact.", name, " changes", arena_str(&l->e->contact, buf_as_str(&body)));
  buf_deinit(&body);
}

bool live_attribute_is_watched(struct live *l, struct str name) {
  struct str full = arena_printf(&l->e->contact, "contact." STR_FMT " changes", STR_ARG(name));
  return image_symbol(l->e->image, full) != NONE;
}

/* Wall-clock timers are computed anew when the contact's zone changes. */
void live_rezone(struct live *l) {
  const struct zone *was = l->zone;
  live_zone(l);
  if (l->zone == was) return;
  l->schedule_ms = SCHEDULE_STALE;
  segments_mark_all(l);
  live_held_rezone(l);
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
  bool watched = live_attribute_is_watched(l, f->name);
  struct value was = watched ? contact_attribute(&l->c, f->name, field, l->zone) : value_missing();
  if (contact_set(&l->c, f->name, is, l->zone) != CAMP_OK) {
    live_outcome(l, "contact." STR_FMT ": not set: attributes are over %u bytes", STR_ARG(f->name), LIMIT_ATTRIBUTES_BYTES);
    return CAMP_OK;
  }
  if (watched) live_attribute_changed(l, f->name, was, is);
  segments_mark(l, LOOK_ATTRIBUTE, f->name);
  if (!str_is(f->name, "timezone")) return CAMP_OK;
  if (is.type == V_TEXT && !zones_find(l->e->zones, value_str(is)))
    live_outcome(l, "timezone \"" STR_FMT "\" is not in the system's zone files: the project's counts", STR_ARG(value_str(is)));
  live_rezone(l);
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
  copy->sent = 0;
  copy->queued = true;
  struct task t = { .kind = TASK_FORK, .depth = l->depth, .base_ms = l->base_ms, .strand = copy, .pc = f->pc, .event = l->event };
  VEC_PUSH(&l->e->contact, &l->tasks, t);
  return CAMP_OK;
}

static enum camp_err apply(struct live *l, struct strand_item *item, const struct effect *f) {
  switch (f->kind) {
    case EFFECT_SEND: return live_send(l, item, f);
    case EFFECT_DROP: return live_drop(l, item, f);
    case EFFECT_SHOW: return effect_show(l, item, f);
    case EFFECT_CALL: return effect_call(l, item, f);
    case EFFECT_JOIN:
    case EFFECT_LEAVE:
    case EFFECT_TAG:
    case EFFECT_UNTAG: return live_member(l, f);
    case EFFECT_SET: return effect_set(l, item, f);
    case EFFECT_POINTS: return scores_effect(l, f);
    case EFFECT_EMIT: effect_emit(l, item, f); return CAMP_OK;
    case EFFECT_FORK: return effect_fork(l, item, f);
    case EFFECT_NOTE: live_outcome(l, STR_FMT ": " STR_FMT, STR_ARG(unit_name(item->s.unit)), STR_ARG(f->reason)); return CAMP_OK;
    case EFFECT_SUBSCRIBE:
    case EFFECT_UNSUBSCRIBE: return live_consent_effect(l, item, f);
    case EFFECT_APART: live_send_apart(l, item); return CAMP_OK;
    case EFFECT_VIA: l->via = f->name; return CAMP_OK;
    case EFFECT_ASSIGN: return experiments_assign(l, item, f);
    case EFFECT_WATCH: return live_watch(l, item, f->pc);
    case EFFECT_STOP: return live_stop_campaign(l, f->name, "its campaign was stopped by another");
    case EFFECT_START: {
      if (!may_queue(l, f->name, "started")) return CAMP_OK;
      struct task t = { .kind = TASK_START, .depth = l->depth + 1, .base_ms = l->base_ms, .name = f->name, .event = l->event };
      VEC_PUSH(&l->e->contact, &l->tasks, t);
      return CAMP_OK;
    }
  }
  return CAMP_OK;
}

/* What a contact may notice, but for messages: these are noticed when they leave. */
static bool is_exposure(enum effect_kind kind) {
  switch (kind) {
    case EFFECT_SEND: case EFFECT_DROP: case EFFECT_FORK: case EFFECT_NOTE: case EFFECT_APART: case EFFECT_VIA: case EFFECT_ASSIGN: return false;
    default: return true;
  }
}

enum camp_err live_apply(struct live *l, struct strand_item *item, const struct effect *f) {
  const struct unit *u = item->s.unit;
  TRY(apply(l, item, f));
  if (is_exposure(f->kind)) TRY(expose(l, u, f->pc));
  return segments_settle(l);
}
