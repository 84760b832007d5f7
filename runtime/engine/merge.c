/* Two contacts turn out to be one: `alias`, or an `identify` that names an anonymous id beside the contact.
 *
 * Not for: which inputs say so and what they end (round.c), or rows (store/aliases.c).
 *
 * One of the two survives: the one that is known by the input's own key. The other's history is as if it had arrived at the
 * survivor late, all of it now: measures take it in at its own times, and it starts nothing and wakes nobody, because what it had
 * to start started for the other, whose runs go on beside the survivor's. Whatever belonged to the other is then the survivor's, by
 * rows, and the other key leads to the survivor.
 *
 * What is merged is a list of parts (`parts`, below), each a function that knows one thing that contacts remember: who adds such a
 * thing adds its part, and nothing else here changes. They run in order, at the instant of the merge, on the survivor in memory
 * with the other's row beside it.
 *
 * Invariants:
 * 1. A merge is one input: its rows are in one transaction with it, so either both are one or nothing happened.
 * 2. The instant is the latest of the input's own time and both clocks. Both contacts' timers before it have run, each for its own
 *    contact, so that it does not matter how far the engine had come with either.
 * 3. Nothing depends on row ids or on which slots are free: chains are joined by time, ties in favour of the survivor's being newer.
 * 4. Two contacts that are known by keys of their own are joined only by `alias`. An `identify` joins an id that nobody else was
 *    identified by: two people at one machine stay two. */
#include "runtime/engine/tick.h"

struct merge {
  struct contact other;          /* as it stands in its row; in the live contact's arena */
  struct contact_row row;        /* its strands too */
  const struct zone *zone;       /* the other's, and */
  const struct zone *zone_was;   /* the survivor's before */
  int64_t *events; uint32_t event_count; /* of the other: their rows */
  VEC(uint32_t) entries;         /* beside other.entries: how many the survivor had, by which the other's numbers rise */
};

/* The survivor's entries into the campaign before the merge; the other's n-th is its (n + this)-th. */
static uint32_t entries_before(const struct merge *m, uint32_t campaign) {
  for (uint32_t i = 0; i < m->entries.count; i++)
    if (m->other.entries.items[i].campaign == campaign) return m->entries.items[i];
  return 0;
}

/* --- the parts ------------------------------------------------------------------------------------------------------- */

/* Two chains of rows, newest first, become one. Rows of the survivor are written only where their `prev` changes. */
struct link { int64_t id, prev, at_ms; uint32_t entry; bool other; };
struct chain {
  enum camp_err (*read)(struct live *l, const struct merge *m, int64_t id, struct link *out);
  enum camp_err (*move)(struct live *l, const struct link *link, int64_t prev);
};

static enum camp_err chain_next(struct live *l, const struct merge *m, const struct chain *how, int64_t id, struct link *out) {
  bool other = out->other;
  *out = (struct link){ .other = other };
  if (!id) return CAMP_OK;
  TRY(how->read(l, m, id, out));
  out->id = id;
  out->other = other;
  return CAMP_OK;
}

/* *newest: the survivor's newest row, and then that of both. The other's ids, newest first, are added to `moved`. */
typedef VEC(int64_t) id_list;
static enum camp_err join_chains(struct live *l, const struct merge *m, const struct chain *how, int64_t *newest, int64_t other,
                                 id_list *moved) {
  struct link own = { .other = false }, theirs = { .other = true }, last = { .id = 0 };
  int64_t head = 0;
  TRY(chain_next(l, m, how, *newest, &own));
  TRY(chain_next(l, m, how, other, &theirs));
  while (own.id || theirs.id) {
    bool take = !own.id || (theirs.id && theirs.at_ms > own.at_ms);
    struct link *from = take ? &theirs : &own, next = *from;
    if (!head) head = next.id;
    else if (last.other || last.prev != next.id) TRY(how->move(l, &last, next.id));
    last = next;
    if (take) VEC_PUSH(&l->e->contact, moved, next.id);
    if (!theirs.id || (take && !next.prev)) { /* the rest of the survivor's chain stands as it is */
      int64_t rest = take ? own.id : next.prev;
      if (last.other || last.prev != rest) TRY(how->move(l, &last, rest));
      break;
    }
    TRY(chain_next(l, m, how, next.prev, from));
  }
  *newest = head;
  return CAMP_OK;
}

static enum camp_err event_read(struct live *l, const struct merge *m, int64_t id, struct link *out) {
  struct event_row row;
  (void)m;
  arena_reset(&l->e->walk);
  TRY(store_event_get(l->e->store, &l->e->walk, id, &row));
  out->prev = row.prev;
  out->at_ms = row.received_ms;
  return CAMP_OK;
}

static enum camp_err event_move(struct live *l, const struct link *link, int64_t prev) {
  return store_event_move(l->e->store, link->id, l->c.id, prev);
}

/* The log, and the measures that are made from it. */
static enum camp_err merge_events(struct live *l, struct merge *m) {
  static const struct chain events = { event_read, event_move };
  id_list moved = { 0 };
  TRY(join_chains(l, m, &events, &l->c.last_event, m->other.last_event, &moved));
  for (uint32_t i = moved.count; i > 0; i--) TRY(live_take_past(l, moved.items[i - 1])); /* oldest arrival first */
  m->events = moved.items;
  m->event_count = moved.count;
  if (m->other.known_ms < l->c.known_ms) l->c.known_ms = m->other.known_ms;
  return CAMP_OK;
}

/* Entries first: they say by how much the numbers of the other's runs rise. */
static enum camp_err merge_entries(struct live *l, struct merge *m) {
  for (uint32_t i = 0; i < m->other.entries.count; i++) {
    const struct entry *theirs = &m->other.entries.items[i];
    struct entry *own = contact_entry(&l->c, theirs->campaign);
    VEC_PUSH(&l->e->contact, &m->entries, own->count);
    TRY(store_goal_move(l->e->store, theirs->campaign, m->other.id, l->c.id, own->count));
    TRY(store_content_move(l->e->store, theirs->campaign, m->other.id, l->c.id, own->count));
    own->count += theirs->count;
  }
  return CAMP_OK;
}

static enum camp_err message_read(struct live *l, const struct merge *m, int64_t id, struct link *out) {
  struct outbox_row row;
  arena_reset(&l->e->walk);
  TRY(store_outbox_get(l->e->store, &l->e->walk, id, &row));
  out->prev = row.prev;
  out->at_ms = row.asked_ms;
  out->entry = row.entry;
  if (row.contact != m->other.id) return CAMP_OK;
  out->entry += entries_before(m, row.campaign);
  bool waits = row.state != OUTBOX_SENT && row.state != OUTBOX_DROPPED && row.state != OUTBOX_WITHDRAWN && row.state != OUTBOX_FAILED;
  /* A call may be answered long after it left. */
  waits |= store_name_kind(l->e->store, row.message) == NAME_CALL;
  return waits ? store_outbox_was(l->e->store, id, m->other.key, row.entry) : CAMP_OK;
}

static enum camp_err message_move(struct live *l, const struct link *link, int64_t prev) {
  return store_outbox_move(l->e->store, link->id, l->c.id, link->entry, prev);
}

static enum camp_err merge_messages(struct live *l, struct merge *m) {
  static const struct chain messages = { message_read, message_move };
  id_list moved = { 0 };
  return join_chains(l, m, &messages, &l->c.last_message, m->other.last_message, &moved);
}

/* The survivor's attributes win: what somebody said of themselves by name is truer than what a browser guessed. The other's fill in
 * what is missing. Nothing `changes` by it: each of the two values was a change when it came. */
static enum camp_err merge_attributes(struct live *l, struct merge *m) {
  struct str own = l->c.attributes;
  if (m->other.attributes.len == 0) return CAMP_OK;
  l->c.attributes = m->other.attributes;
  if (own.len && contact_merge(&l->c, own) != CAMP_OK) {
    l->c.attributes = own;
    live_outcome(l, "the attributes of " STR_FMT " were let go: together they are over %u bytes", STR_ARG(m->other.key),
                 LIMIT_ATTRIBUTES_BYTES);
  }
  live_rezone(l);
  return CAMP_OK;
}

/* In a list or with a tag since the earlier of the two times. It is no entering: for one of them that was at the time. */
static enum camp_err merge_members(struct live *l, const struct merge *m, bool tags) {
  struct store *s = l->e->store;
  uint32_t count = tags ? m->other.tags.count : m->other.lists.count;
  for (uint32_t i = 0; i < count; i++) {
    struct membership theirs = tags ? m->other.tags.items[i] : m->other.lists.items[i];
    bool in = tags ? contact_tagged(&l->c, theirs.id) : contact_in(&l->c, theirs.id);
    TRY(tags ? store_tag_remove(s, theirs.id, m->other.id) : store_member_remove(s, theirs.id, m->other.id));
    if (in) {
      struct membership *own = tags ? l->c.tags.items : l->c.lists.items;
      while (own->id != theirs.id) own++;
      if (own->since_ms <= theirs.since_ms) continue;
      own->since_ms = theirs.since_ms;
      TRY(tags ? store_tag_remove(s, theirs.id, l->c.id) : store_member_remove(s, theirs.id, l->c.id));
    } else if (!(tags ? contact_tag(&l->c, theirs.id, theirs.since_ms) : contact_join(&l->c, theirs.id, theirs.since_ms))) {
      live_outcome(l, STR_FMT ": left: a contact is in at most %d lists and tags", STR_ARG(store_name_text(s, theirs.id)),
                   LIMIT_MEMBER_COUNT);
      continue;
    }
    TRY(tags ? store_tag_put(s, theirs.id, l->c.id, theirs.since_ms) : store_member_put(s, theirs.id, l->c.id, theirs.since_ms));
  }
  return CAMP_OK;
}
static enum camp_err merge_lists(struct live *l, struct merge *m) { return merge_members(l, m, false); }
static enum camp_err merge_tags(struct live *l, struct merge *m) { return merge_members(l, m, true); }

static enum camp_err no_room(struct live *l, const struct strand_row *row) {
  const struct unit *u = engine_unit(l->e, row->unit);
  if (!u) return engine_fail(l->e, CAMP_CORRUPT, "a strand stands in unit %u, which the database does not have", row->unit);
  store_unit_count(l->e->store, row->unit, row->over, -1);
  if (!row->over) l->e->pending.ended++;
  live_outcome(l, STR_FMT ": ended: a contact has at most %d strands at a time", STR_ARG(unit_name(u)), LIMIT_STRANDS_COUNT);
  return CAMP_OK;
}

static int older(const void *a, const void *b) {
  const struct strand_row *x = a, *y = b;
  if (x->started_ms != y->started_ms) return x->started_ms < y->started_ms ? -1 : 1;
  if (x->unit != y->unit) return x->unit < y->unit ? -1 : 1;
  if (x->entry != y->entry) return x->entry < y->entry ? -1 : 1;
  return x->fork < y->fork ? -1 : x->fork > y->fork;
}

/* The runs of both go on. Deadlines by the wall clock are those of the zone that the contact has now. */
static enum camp_err merge_strands(struct live *l, struct merge *m) {
  /* The oldest first, so that which ones find no room depends on no slot. */
  if (m->row.strand_count > 1) qsort(m->row.strands, m->row.strand_count, sizeof *m->row.strands, older);
  for (uint32_t i = 0; i < m->row.strand_count; i++) {
    struct strand_row row = m->row.strands[i];
    struct strand_item *item;
    TRY(live_strand_move(l, row, &item));
    if (!item) {
      TRY(no_room(l, &row));
      continue;
    }
    item->s.entry += entries_before(m, item->s.unit->link->campaign_id);
    TRY(live_hold_again(l, item));
    if (l->zone == m->zone || item->s.due_ms == NEVER) continue;
    struct env env = live_env(l);
    strand_rearm(&l->e->vm, &item->s, &env);
  }
  return l->e->pause_count ? live_let_go(l) : CAMP_OK;
}

/* What the policy holds of either. */
static enum camp_err merge_held(struct live *l, struct merge *m) {
  for (uint32_t i = 0; i < m->other.held.count; i++) {
    struct held theirs = m->other.held.items[i];
    theirs.entry += entries_before(m, theirs.campaign);
    live_held_merge(l, &theirs);
    if (theirs.flags & HELD_PAUSED) TRY(store_held_put(l->e->store, theirs.campaign, l->c.id));
  }
  if (m->other.releases_of != l->e->caps_hash || m->other.releases.count) l->c.releases_of = 0, l->c.releases.count = 0;
  if (l->zone != m->zone || l->zone != m->zone_was) live_held_rezone(l);
  live_suppressions_merge(l, &m->other);
  return CAMP_OK;
}

static bool enters_once(struct live *l, const struct strand_item *item) {
  /* Entry rules follow the campaign's name; of one that the program no longer has, the version speaks in which the run stands. */
  const struct unit *now = image_campaign(l->e->image, unit_name(item->s.unit));
  return (now ? now : item->s.unit)->entry.kind == ENTRY_ONCE;
}

/* `entry once`: both entered, so the one that entered later did so a second time. */
static enum camp_err merge_once(struct live *l, struct merge *m) {
  bool any = false;
  for (uint32_t i = 0; i < m->other.entries.count; i++) {
    const struct entry *theirs = &m->other.entries.items[i];
    struct entry *own = contact_entry(&l->c, theirs->campaign);
    uint32_t before = m->entries.items[i];
    bool later = theirs->last_ms >= own->last_ms; /* of one moment the survivor's is kept */
    for (uint32_t k = 0; before && k < l->strands.count; k++) {
      struct strand_item *item = l->strands.items[k];
      if (item->state == ROW_GONE || item->over || item->s.unit->link->campaign_id != theirs->campaign) continue;
      if ((item->s.entry > before) != later || !enters_once(l, item)) continue;
      item->stopped = any = true;
      live_outcome(l, STR_FMT ": ended: " STR_FMT " entered it before, and is the same contact (entry once)",
                   STR_ARG(unit_name(item->s.unit)), STR_ARG(later ? l->c.key : m->other.key));
    }
    if (theirs->last_ms > own->last_ms || !before) own->last_ms = theirs->last_ms;
  }
  return any ? live_end_stopped(l, "the same contact had entered before (entry once)") : CAMP_OK;
}

static enum camp_err merge_seen(struct live *l, struct merge *m) { return live_seen_merge(l, &m->other); }

static enum camp_err merge_scores(struct live *l, struct merge *m) {
  for (uint32_t i = 0; i < m->other.scores.count; i++) TRY(scores_merge(l, &m->other.scores.items[i], m->other.id));
  return CAMP_OK;
}

/* In a segment if either was, since the earlier time; then all are asked, because together they may be what neither was, or no longer
 * what one of them was. That is a change like any other, at this instant: `enters` and `leaves` follow. */
static enum camp_err merge_segments(struct live *l, struct merge *m) {
  struct store *s = l->e->store;
  for (uint32_t i = 0; i < m->other.segments.count; i++) {
    struct segment_state theirs = m->other.segments.items[i], own = contact_segment(&l->c, theirs.id);
    if (!theirs.in) continue;
    TRY(store_member_remove(s, theirs.id, m->other.id));
    if (own.in && own.since_ms <= theirs.since_ms) continue;
    if (own.in) TRY(store_member_remove(s, theirs.id, l->c.id));
    theirs.flip_ms = INT64_MAX; /* to be asked */
    contact_segment_put(&l->c, theirs);
    TRY(store_member_put(s, theirs.id, l->c.id, theirs.since_ms));
  }
  if (m->other.segments_ms > l->c.segments_ms) l->c.segments_ms = m->other.segments_ms;
  segments_mark_all(l);
  return CAMP_OK;
}

/* The rows of events come back in another order. */
static enum camp_err merge_experiments(struct live *l, struct merge *m) {
  if (!l->c.assignments.count && !m->other.assignments.count) return CAMP_OK;
  return experiments_merge(l, &m->other, m->events, m->event_count);
}

static enum camp_err merge_schedules(struct live *l, struct merge *m) {
  live_schedules_merge(l, &m->other);
  return CAMP_OK;
}

/* A refusal wins, whoever of the two said it and when: nobody is written to by mistake. Else who consents, consents. It is no
 * entering of the topic, but to lose it is to leave it: what waits on that must not go on. The other's proofs are the survivor's,
 * before the row that says what is so from now on. */
static enum camp_err merge_consents(struct live *l, struct merge *m) {
  struct store *s = l->e->store;
  for (uint32_t i = 0; i < m->other.consents.count; i++) {
    struct consent theirs = m->other.consents.items[i], *own = contact_consent_make(&l->c, theirs.topic), was = *own;
    TRY(store_consent_move(s, theirs.topic, m->other.id, l->c.id, was.number));
    *own = theirs;
    own->number += was.number;
    if (!was.number) continue; /* theirs is what is so */
    if (was.state > theirs.state) own->state = was.state; /* refused, granted, pending: in this order */
    if (was.at_ms > theirs.at_ms) own->at_ms = was.at_ms;
    own->number++;
    struct consent_row row = { .contact = l->c.id, .at_ms = l->now_ms, .topic = own->topic, .number = own->number, .state = own->state };
    row.how = arena_printf(&l->e->contact, "the same contact as " STR_FMT, STR_ARG(m->other.key));
    TRY(store_consent_put(s, &row));
    bool lost = own->state == CONSENT_REFUSED && (was.state == CONSENT_GRANTED || theirs.state == CONSENT_GRANTED);
    if (lost && own->topic) live_internal(l, "leaves ", store_name_text(s, own->topic), "", (struct str){ 0 });
  }
  return CAMP_OK;
}

static enum camp_err (*const parts[])(struct live *l, struct merge *m) = {
  merge_entries, merge_events, merge_messages, merge_attributes, merge_lists, merge_tags, merge_strands, merge_held, merge_once, merge_seen,
  merge_consents, merge_schedules, merge_scores, merge_experiments, merge_segments,
};

/* --- the whole ------------------------------------------------------------------------------------------------------- */

struct str merge_body(struct arena *a, const struct tick_input *in) {
  struct buf b;
  buf_init(&b, LIMIT_EVENT_BYTES);
  buf_c(&b, in->certain ? "{\"previousId\":" : "{\"anonymousId\":");
  buf_json_str(&b, in->previous);
  buf_byte(&b, '}');
  CHECK(!b.failed); /* a key is short */
  struct str body = arena_str(a, buf_as_str(&b));
  buf_deinit(&b);
  return body;
}

void merge_of_body(struct arena *a, struct str body, struct tick_input *out) {
  struct json j = json_member(body, STR("previousId"));
  out->certain = j.type == JSON_STRING;
  if (!out->certain) j = json_member(body, STR("anonymousId"));
  out->previous = j.type == JSON_STRING ? json_string(j, a) : (struct str){ NULL, 0 };
}

static bool imports(const struct engine *e) { return e->options.import; }

/* A row of history: what was said, and what did not come of it. */
static enum camp_err note_alias(struct live *l, const struct tick_input *in) {
  struct event_row row = { .id = in->id, .at_ms = in->at_ms, .received_ms = in->arrival_ms, .kind = EVENT_ALIAS };
  row.body = merge_body(&l->e->contact, in);
  l->changed = true;
  l->arrival_ms = in->arrival_ms;
  if (in->at_ms < l->c.known_ms) {
    l->c.known_ms = in->at_ms;
    segments_mark_known(l);
  }
  if (l->unknown) live_schedules_joined(l, 0, l->now_ms);
  l->unknown = false;
  l->e->pending.events++;
  TRY(engine_event_id(l->e, NONE, STR("alias"), &row.name));
  TRY(live_history(l, &row));
  if (imports(l->e) && in->arrival_ms > l->import_ms) l->import_ms = in->arrival_ms; /* nobody enters a segment by an import */
  return live_finish(l);
}

/* The contact's timers before the instant; an import wakes nobody. */
static enum camp_err wake(struct live *l, int64_t instant_ms) {
  return imports(l->e) ? CAMP_OK : live_timers(l, instant_ms);
}

static enum camp_err read_other(struct live *l, struct merge *m, int64_t id) {
  static const struct field as_text = { .type = V_TEXT };
  struct engine *e = l->e;
  TRY(store_contact_read(e->store, &e->contact, id, &m->row));
  if (contact_read(&m->other, &e->contact, m->row.state) != CAMP_OK)
    return engine_fail(e, CAMP_CORRUPT, "the state of contact " STR_FMT " is damaged", STR_ARG(m->row.key));
  m->other.id = id;
  m->other.key = m->row.key;
  m->other.attributes = m->row.attributes;
  if (m->row.state.len == 0) m->other.known_ms = STORE_NEVER; /* accepted, and nothing of it run yet */
  m->zone = m->zone_was = e->zone;
  struct value name = m->other.attributes.len ? contact_attribute(&m->other, STR("timezone"), &as_text, e->zone) : value_missing();
  const struct zone *z = name.type == V_TEXT ? zones_find(e->zones, value_str(name)) : NULL;
  if (z) m->zone = z;
  return CAMP_OK;
}

static enum camp_err merge_into(struct live *l, int64_t other, int64_t instant_ms, const struct tick_input *in) {
  struct merge m = { .zone = NULL };
  struct engine *e = l->e;
  TRY(read_other(l, &m, other));
  l->now_ms = instant_ms;
  l->base_ms = in->at_ms;
  l->event = NULL;
  if (!imports(e) && l->c.clock_ms < instant_ms) l->c.clock_ms = instant_ms;
  TRY(store_contact_fold(e->store, other, l->c.id, m.row.timer_ms));
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) TRY(parts[i](l, &m));
  TRY(store_alias_put(e->store, m.other.key, l->c.id, other, in->at_ms));
  TRY(note_alias(l, in));
  e->pending.merges++;
  return live_close(l);
}

static void tick_at(struct live *l, const struct tick_input *in) {
  if (!l->e->virtual_time) l->tick_ms = in->arrival_ms;
}

static enum camp_err merge_two(struct engine *e, const struct tick_input *in, int64_t id, int64_t other) {
  struct live l;
  int64_t instant_ms = in->at_ms;
  TRY(live_open(e, &l, id, (struct str){ 0 }, false));
  if (l.c.clock_ms > instant_ms) instant_ms = l.c.clock_ms;
  TRY(live_open(e, &l, other, (struct str){ 0 }, false));
  if (l.c.clock_ms > instant_ms) instant_ms = l.c.clock_ms;
  tick_at(&l, in);
  TRY(wake(&l, instant_ms));
  TRY(live_close(&l));
  TRY(live_open(e, &l, id, (struct str){ 0 }, false));
  tick_at(&l, in);
  TRY(wake(&l, instant_ms));
  return merge_into(&l, other, instant_ms, in);
}

/* No second contact: only the key is new, or nothing is. It is an input of the contact all the same, so its clock moves. */
static enum camp_err note_key(struct engine *e, const struct tick_input *in, int64_t id, bool fresh, const char *why_not) {
  struct live l;
  TRY(live_open(e, &l, id, fresh ? in->key : (struct str){ 0 }, fresh));
  int64_t instant_ms = in->at_ms > l.c.clock_ms ? in->at_ms : l.c.clock_ms;
  tick_at(&l, in);
  TRY(wake(&l, instant_ms));
  l.now_ms = instant_ms;
  if (!imports(e)) l.c.clock_ms = instant_ms;
  if (why_not) live_outcome(&l, "not the same contact: %s", why_not);
  TRY(note_alias(&l, in));
  return live_close(&l);
}

enum camp_err engine_merge(struct engine *e, const struct tick_input *in) {
  struct key_lookup own = { .key = in->key }, previous = { .key = in->previous };
  int64_t belongs = 0;
  TRY(store_contacts(e->store, &previous, 1, false, in->arrival_ms));
  TRY(store_contacts(e->store, &own, 1, true, in->arrival_ms));
  if (previous.id == own.id) {
    e->pending.duplicates++;
    return in->id ? store_event_remove(e->store, in->id) : CAMP_OK;
  }
  if (!previous.id) {
    TRY(store_alias_put(e->store, in->previous, own.id, 0, in->at_ms));
    return note_key(e, in, own.id, own.fresh, NULL);
  }
  TRY(store_alias_find(e->store, in->previous, &belongs));
  if (belongs && !in->certain) return note_key(e, in, own.id, own.fresh, "somebody else was identified by this id before");
  if (own.fresh) { /* its row must be there before it is read */
    struct contact_row row = { .id = own.id, .key = in->key, .timer_ms = STORE_NEVER, .fresh = true };
    TRY(store_contact_write(e->store, &row, STORE_NEVER));
  }
  return merge_two(e, in, own.id, previous.id);
}
