#ifndef CAMP_ENGINE_TICK_H
#define CAMP_ENGINE_TICK_H
/* Private to the engine: one contact in the tick. See tick.c. */
#include "runtime/engine/engine.h"
#include "runtime/engine/zones.h"
#include "vm/schedule.h"
#include "vm/strand.h"

#define TRY(call)                              \
  do {                                         \
    enum camp_err try_err = (call);            \
    if (try_err != CAMP_OK) return try_err;    \
  } while (0)

/* Days for which a repeated event id is the same event (the contract of the language). */
#define SEEN_DAYS 30u
/* Event ids kept in the contact's own state; past it the older half is spilled in one chunk. */
#define SEEN_INLINE_COUNT 64u
#define SEEN_KEPT_COUNT 32u

/* Inputs or timers in one transaction: at most, at least, and how long one may take before the batch shrinks. Large batches let
 * contacts share pages, so that random page writes no longer decide (tests/bench); a WAL of 256 MB and an input that waits
 * for its commit bound them. */
#define ENGINE_BATCH_MIN_COUNT 10000u
#define ENGINE_COMMIT_MS 900
#define ENGINE_BATCH_COUNT 100000u

/* A start without an event, as the engine knows it. */
struct start_schedule {
  const struct unit *unit;
  const struct schedule *schedule;
  uint32_t id;                   /* stored name id of campaign and moment */
  uint32_t list;                 /* stored name id of the list or segment that `for` asks for; 0: anybody */
  bool segment;
  uint32_t epoch;                /* the deploy that brought it … */
  int64_t since_ms;              /* … and when that was */
  const struct zone *zone;       /* NULL: the contact's */
};
/* The last pause of a campaign, with what its present program says of resuming. */
struct pause {
  struct str name;
  uint32_t campaign;             /* stored name id */
  int64_t since_ms;
  int64_t until_ms;              /* STORE_NEVER: it is paused */
  bool skip;                     /* once resumed: what became due meanwhile is passed over */
  struct value over;             /* … else spread over this */
  bool left;                     /* once resumed: some may still be held */
};

#define SCHEDULE_STALE INT64_MIN /* of live.schedule_ms: to be computed */

struct engine {
  struct store *store;
  struct image *image;
  struct arena units;            /* the image's units */
  struct arena batch;            /* inputs of one transaction */
  struct arena contact;          /* one contact in the tick: reset for each */
  struct arena walk;             /* one row of a walk through history */
  struct zones *zones;
  const struct zone *zone;       /* the project's default */
  struct engine_options options; /* batch: how many inputs or timers one transaction takes now */
  uint32_t batch_max;            /* as it was opened with */
  struct vm vm;
  struct listener *listeners;    /* room for image_listener_max */
  uint32_t *event_ids;           /* symbol -> stored name id, 0 not asked yet */
  uint32_t *message_ids;
  uint32_t epoch;                /* of the newest deploy */
  uint32_t names_opened;         /* names that there were when the engine was opened */
  bool virtual_time;
  bool shows;                    /* some live unit shows contents */
  struct store_clock clock;
  int64_t latest_ms;             /* the latest instant of a timer in this transaction */
  struct engine_counts counts;   /* committed */
  struct engine_counts pending;  /* of the transaction under way */
  struct event event;            /* the input in hand; big, so it is not on the stack */
  struct event past;             /* the one under a walk through history */
  struct buf scratch;
  struct buf outcome;            /* lent to the live contact */
  /* Segments of the present program, by their order in the image; see segments.c. */
  uint32_t segment_count, segment_id_max, born_count;
  uint32_t *segment_by_id;       /* stored name id -> segment, NONE */
  uint32_t *born;                /* asked when a contact is first heard of */
  uint64_t *segments_marked;     /* of the contact in the tick: a bit each */
  const struct unit **unit_by_id;/* row id -> live unit */
  uint32_t unit_id_max;
  struct start_schedule *schedules; /* of current units, by id */
  const struct start_schedule **schedules_by_list;
  uint32_t schedule_count;
  struct arena orders;           /* of pauses; reset when they are read again */
  struct pause *pauses;          /* of each campaign the last */
  uint32_t pause_count;
  bool pauses_known;             /* false: written by this engine since they were read */
  /* What the present program's policy says; policy NULL: nothing. See policy.c. */
  const struct unit *policy;
  uint64_t caps_hash;            /* of the caps' windows and what they count; 0: there is none */
  int64_t caps_longest_ms;
  uint8_t rank_first;            /* the highest priority of the present messages: 0 high, 1 normal, 2 low */
  struct engine_error error;
};

/* One input as the tick takes it: fresh from a feed (id 0) or accepted before (id of its row). */
struct tick_input {
  int64_t contact;
  int64_t at_ms, arrival_ms, id;
  uint64_t ident;
  uint32_t order;                /* of arrival within the batch */
  uint8_t kind;                  /* EVENT_TRACK, EVENT_IDENTIFY, EVENT_IMPORTED or EVENT_ALIAS */
  bool fresh, identify;          /* fresh: the contact was made in this transaction */
  struct str key, name, body, zone;
  struct str previous;           /* EVENT_ALIAS: the key that is the same contact's */
  bool certain;                  /* EVENT_ALIAS: an `alias` said so, and no `identify` */
};

struct strand_item {
  struct strand s;
  struct strand_row row;
  uint8_t state;                 /* ROW_… */
  bool over;                     /* the run has ended; it is kept for its goals alone */
  uint32_t heard;                /* stamp of the last event that it was offered */
  bool queued;                   /* forked, and its first step is still behind the input: its pc is no wait yet */
  bool stopped;                  /* to be ended by end_stopped */
  bool held;                     /* its time has come, and its campaign is paused */
  bool running;                  /* its code is under way: its pc is the wait that it has passed */
  uint8_t sent;                  /* SENT_…: what became of what it sent since its last wait */
};
enum { SENT_LEFT = 1, SENT_DROPPED = 2, SENT_HELD = 4 };

enum task_kind { TASK_EVENT, TASK_START, TASK_FORK };
struct task {                    /* queued behind the input in hand, first in first out */
  enum task_kind kind;
  uint32_t depth;
  int64_t base_ms;
  struct str name;               /* TASK_EVENT, TASK_START */
  struct str body;
  uint8_t event_kind;
  bool internal;                 /* enters, leaves, changes: not written into history */
  struct strand_item *strand;    /* TASK_FORK: a copy of the one that forked */
  uint32_t pc;
  const struct event *event;     /* in hand when it was queued */
};

/* Work on one contact (inputs, wakes, big attributes) after which it is written and read again inside the transaction, so
 * that its memory is let go: a contact may have more events in a batch than others have in a year. */
#define LIVE_WORK_COUNT 1024u

struct live {
  struct engine *e;
  struct contact c;
  struct contact_row row;
  VEC(struct strand_item *) strands;
  VEC(struct task) tasks;
  uint32_t task_next;
  const struct zone *zone;
  const struct event *event;     /* in hand */
  const struct event *acting;    /* what is happening now, until its row stands in the history; NULL: a timer */
  int64_t now_ms, base_ms;
  uint32_t depth, stamp;
  int64_t tick_ms;               /* live: the moment of the tick; else INT64_MIN */
  struct str via;                /* the channels of the send that comes next; empty: the message's own */
  int64_t arrival_ms;            /* of the input in hand; STORE_NEVER's opposite when there is none */
  int64_t schedule_ms;           /* when the next start without an event comes, or SCHEDULE_STALE */
  uint32_t work;                 /* since live_open */
  uint32_t forgotten;            /* strands in the vector that never had a row and are gone */
  uint64_t slots[LIMIT_STRANDS_COUNT / 64 + 1]; /* a bit for each slot in use; 0 is the contact's own */
  struct seen *older;            /* the spilled event ids, once asked for: open addressing, day 0 and hash 0 are free */
  uint32_t older_count, older_cap; /* older_cap: a power of two; 0: not asked yet */
  struct buf *outcome;           /* why the event in hand did not do what a script asked for */
  bool starts_allowed;
  bool heard;                    /* some strand waited for the event in hand */
  bool unknown;                  /* nothing of this contact was known before the first input */
  bool changed;
  bool filled;                   /* when it was opened, a younger deploy or a campaign that goes on had something to do */
  bool segments_marked, segments_silent; /* silent: nobody enters or leaves */
  int64_t import_ms;             /* something was imported: segments are asked at the end, as of this moment; else INT64_MIN */
};

/* What asking for a contact's leave needs of it; also beside a tick, for what was released and has waited (asking.c). */
struct person {
  struct store *store;
  const struct image *image;
  struct contact *c;
  const struct zone *zone;
  struct arena *arena;           /* of reasons */
};

/* live.c: the contact in memory. */
struct person live_person(struct live *l);
enum camp_err live_open(struct engine *e, struct live *l, int64_t id, struct str key, bool fresh) MUST_CHECK;
enum camp_err live_close(struct live *l) MUST_CHECK;
/* Written and read again, when much was done to it, so that its memory is let go. */
enum camp_err live_refresh(struct live *l) MUST_CHECK;
void live_zone(struct live *l); /* from its attributes */
struct strand_item *live_strand_new(struct live *l, const struct unit *u);
/* A strand as another contact's row holds it, in a slot of this one's; *out NULL: there is no free one. */
enum camp_err live_strand_move(struct live *l, struct strand_row row, struct strand_item **out) MUST_CHECK;
enum camp_err live_end(struct live *l, struct strand_item *item) MUST_CHECK;
/* Ends the strands that are marked as stopped, and withdraws what of theirs has not left. */
enum camp_err live_end_stopped(struct live *l, const char *why) MUST_CHECK;
enum camp_err live_stop_campaign(struct live *l, struct str name, const char *why) MUST_CHECK;
/* Why the event in hand did not do what a script asked for. */
void live_outcome(struct live *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct env live_env(struct live *l);

/* effects.c: what scripts ask for. */
enum camp_err live_apply(struct live *l, struct strand_item *item, const struct effect *f) MUST_CHECK;
bool live_attribute_is_watched(struct live *l, struct str name);
void live_attribute_changed(struct live *l, struct str name, struct value was, struct value is);
void live_rezone(struct live *l); /* wall-clock timers anew, when the zone has changed */

/* An event that the engine makes itself; nothing when the name is empty. */
void live_queue_internal(struct live *l, struct str name, struct str body);

/* segments.c: memberships that follow from conditions. What changed is marked; settling asks the segments that look at it. */
void segments_mark_measure(struct live *l, uint32_t measure);
void segments_mark(struct live *l, enum look look, struct str name);
void segments_mark_all(struct live *l);   /* the zone has changed */
void segments_mark_known(struct live *l); /* when the contact was first heard of */
void segments_flip(struct live *l);       /* those whose flip is due */
void segments_forget_marks(struct live *l);
enum camp_err segments_settle(struct live *l) MUST_CHECK;
enum camp_err segments_imported(struct live *l) MUST_CHECK;
/* Those of younger deploys; *filled: something changed. */
enum camp_err live_fill_segments(struct live *l, bool *filled) MUST_CHECK;
int64_t segments_once(const struct live *l); /* the earliest flip of those that do not */
bool segments_recur(const struct engine *e); /* some contact may come and go for ever, by the clock alone */
enum camp_err segments_number(struct engine *e) MUST_CHECK; /* their names' numbers; in a transaction */
void segments_open(struct engine *e);

/* scores.c: points. The event in hand earns them; a statement gives them. */
enum camp_err scores_take(struct live *l) MUST_CHECK;
enum camp_err scores_effect(struct live *l, const struct effect *f) MUST_CHECK;
/* The points of a contact who turned out to be the same one. Nothing `passes` by it: each point did when it came. */
enum camp_err scores_merge(struct live *l, const struct score_state *theirs, int64_t other) MUST_CHECK;
/* Those of younger deploys, from the log: begin, each event, end. */
bool scores_any_younger(const struct live *l);
void scores_fill_begin(struct live *l);
void scores_fill_from(struct live *l, const struct event *event, struct env *env);
enum camp_err scores_fill_end(struct live *l) MUST_CHECK;
enum camp_err scores_number(struct engine *e) MUST_CHECK; /* their names' numbers; in a transaction */

/* tick.c: the agenda. */
enum camp_err live_note(struct live *l) MUST_CHECK; /* what was said of no event becomes a note in the history */
enum camp_err live_input(struct live *l, const struct tick_input *in) MUST_CHECK;
enum camp_err live_timers(struct live *l, int64_t before_ms) MUST_CHECK; /* due before `before`, exclusive */
enum camp_err live_run(struct live *l, struct strand_item *item, uint32_t pc) MUST_CHECK;
enum camp_err live_too_many_wakes(struct live *l, struct strand_item *item) MUST_CHECK;
/* What was queued runs, and what it did not do is noted: the end of an input. */
enum camp_err live_finish(struct live *l) MUST_CHECK;
/* A row of history behind the newest, with what the live contact's outcome says. */
enum camp_err live_history(struct live *l, struct event_row *row) MUST_CHECK;

/* consent.c: topics. Why the contact does not get messages of one; empty when it does. */
struct str person_refuses(const struct person *p, struct str topic);
/* The event in hand, when it is one that gives or takes consent; and what a script says. */
enum camp_err live_consent_event(struct live *l) MUST_CHECK;
enum camp_err live_consent_effect(struct live *l, const struct strand_item *item, const struct effect *f) MUST_CHECK;
/* `enters vip`, `asks offers`: queued behind the input, only where some code names it. */
void live_internal(struct live *l, const char *before, struct str name, const char *after, struct str body);

/* suppression.c: addresses that must not be written to again. */
bool suppresses(const struct event *e);
enum camp_err live_suppress(struct live *l) MUST_CHECK; /* the event in hand is such a one */
/* Why the message does not go by the channel; empty when nothing speaks against it. */
struct str person_suppressed(const struct person *p, const struct unit *message, struct str channel);
void live_suppressions_merge(struct live *l, const struct contact *other);
/* effects.c: EFFECT_JOIN and the like. */
enum camp_err live_member(struct live *l, const struct effect *f) MUST_CHECK;

/* release.c: whether a message may leave, and when. */
struct verdict {
  enum { VERDICT_LEAVES, VERDICT_HELD, VERDICT_DROPPED } what;
  struct str channel;            /* VERDICT_LEAVES */
  int64_t until_ms;              /* VERDICT_HELD: when to ask again */
  struct str reason;
};
enum camp_err live_send(struct live *l, struct strand_item *item, const struct effect *f) MUST_CHECK;
enum camp_err live_drop(struct live *l, struct strand_item *item, const struct effect *f) MUST_CHECK; /* the script takes it back */
/* What was sent just now is watched from pc on, when it is held. */
enum camp_err live_watch(struct live *l, struct strand_item *item, uint32_t pc) MUST_CHECK;
void live_send_apart(struct live *l, struct strand_item *item); /* what it sent does not hold up its next wait */
/* The strand stands at a wait: whether it waits for what it sent; else *pc is where it goes on at once, when nothing of it left. */
bool live_send_parks(struct live *l, struct strand_item *item, uint32_t *pc);
int64_t live_release_due(const struct live *l); /* NEVER: nothing is held */
enum camp_err live_release(struct live *l, bool tired) MUST_CHECK; /* what has its moment now, or had it before; tired: no strand goes on at once */
enum camp_err live_withdraw_held(struct live *l, bool (*stopped)(const struct live *l, uint32_t campaign, uint32_t entry),
                                 const char *why) MUST_CHECK;
/* The strand is stopped: should it stand before a `send … after`, that is not sent. */
enum camp_err live_send_stopped(struct live *l, struct strand_item *item, const char *why) MUST_CHECK;
void live_held_rezone(struct live *l);
void live_held_merge(struct live *l, const struct held *theirs); /* its entry is one of this contact's */
/* effects.c: one row of the outbox, of which the caller says what became of it: state, at_ms, sent_ms, asked_ms, reason, via. */
enum camp_err live_outbox(struct live *l, struct strand_item *item, const struct effect *f, struct outbox_row *row) MUST_CHECK;

/* policy.c: caps and quiet hours. */
enum camp_err policy_number(struct engine *e) MUST_CHECK; /* the channels' numbers; in a transaction */
void policy_open(struct engine *e);
uint8_t policy_rank(const struct unit *message); /* 0 goes first */
/* The next of the channels, which stand with one blank between two; false: there is none. */
bool policy_channel(struct str *rest, struct str *out);
/* Whether the contact has an address of the channel; *attribute is where that would stand, empty when none is needed. */
struct str person_address(const struct person *p, struct str channel); /* the contact's key, when there is no other */
bool policy_reaches(struct live *l, struct str channel, struct str *attribute);
/* What left in the time before is at hand: before any of what follows. */
enum camp_err policy_prepare(struct live *l, int64_t now_ms) MUST_CHECK;
/* Whether some cap counts the message, were it sent by one of the channels. */
bool policy_caps(const struct live *l, const struct unit *message, struct str channels);
struct verdict policy_ask(struct live *l, const struct unit *message, struct str channel, int64_t now_ms);
void policy_released(struct live *l, const struct unit *message, struct str channel, int64_t at_ms);
void policy_withdrawn(struct live *l, struct str channel, int64_t at_ms); /* it had not left after all */

/* start.c: entry rules. The event in hand, the instant and the base are the live's. */
enum camp_err live_start(struct live *l, const struct unit *u, uint32_t pc) MUST_CHECK;

/* experiments.c: variants, and what those who have them do. */
enum camp_err experiments_number(struct engine *e) MUST_CHECK; /* their names' numbers; in a transaction */
enum camp_err experiments_deploy(struct store *s, struct arena *a, const struct unit *u, uint32_t unit) MUST_CHECK;
enum camp_err experiments_take(struct live *l) MUST_CHECK; /* the event in hand */
enum camp_err experiments_assign(struct live *l, const struct strand_item *item, const struct effect *f) MUST_CHECK;
/* The variant that is exposed by what the unit does at pc, by stored name ids; experiment 0: none, or it was before. */
struct exposure { uint32_t experiment, variant; };
struct exposure experiments_whose(const struct live *l, const struct unit *u, uint32_t pc);
/* Unless the contact has another variant by now. experiment 0: nothing to do. */
enum camp_err experiments_expose(struct live *l, uint32_t experiment, uint32_t variant) MUST_CHECK;
/* Another contact is this one. `events`: its events' ids, which are sorted. */
enum camp_err experiments_merge(struct live *l, const struct contact *other, int64_t *events, uint32_t event_count) MUST_CHECK;

/* seen.c: event ids. *again: the contact sent this id within SEEN_DAYS. */
enum camp_err live_seen(struct live *l, uint64_t ident, bool *again) MUST_CHECK;
/* Another's recent ids become this one's, too; its spilled ones have been moved in the store. */
enum camp_err live_seen_merge(struct live *l, const struct contact *other) MUST_CHECK;

/* schedule.c: starts without an event. */
enum camp_err engine_schedules_load(struct engine *e) MUST_CHECK;
/* What a schedule is known by across versions. */
struct str schedule_name(struct arena *a, const struct unit *u, const struct schedule *s);
/* The contact came under the schedules of this list or segment (0: those for anybody) at this instant. */
void live_schedules_joined(struct live *l, uint32_t list, int64_t from_ms);
/* What another contact has to come is to come for this one, too; an occurrence that either met is met. */
void live_schedules_merge(struct live *l, const struct contact *other);
bool live_fill_schedules(struct live *l); /* those of younger deploys; whether any was there */
int64_t live_schedules_due(struct live *l);
int64_t live_schedules_once(struct live *l); /* of those that come once */
enum camp_err live_schedule_fire(struct live *l) MUST_CHECK;
void live_schedules_forget(struct live *l);
/* Starts of a campaign that was resumed, due before: they come at to_ms instead, or are passed over. Whether there were any. */
bool live_schedules_let_go(struct live *l, const struct pause *p, int64_t to_ms);

/* pause.c: campaigns that are paused, and that were. */
enum camp_err engine_pauses_look(struct engine *e) MUST_CHECK; /* at a transaction's begin */
/* The pause in which the campaign is now, or NULL; the one that it was resumed from. */
const struct pause *engine_paused(const struct engine *e, uint32_t campaign);
const struct pause *engine_resumed(const struct engine *e, uint32_t campaign);
/* What became due while its campaign was paused is moved or passed over; at opening. */
enum camp_err live_let_go(struct live *l) MUST_CHECK;
/* The strand's wait is over by its timer, but its campaign was paused in between: what it would have heard then, or NONE to go on by
 * the timer. *park: neither is so. */
enum camp_err live_heard_meanwhile(struct live *l, struct strand_item *item, uint32_t *pc, bool *park) MUST_CHECK;
/* The strand came from another contact, of whom it was noted that it may be held. */
enum camp_err live_hold_again(struct live *l, const struct strand_item *item) MUST_CHECK;
/* A portion of those who are held by campaigns that go on; inside a transaction. */
enum camp_err engine_let_go(struct engine *e, uint32_t contacts, bool *more) MUST_CHECK;

/* fill.c: what a younger deploy asks of a contact that it finds; *filled: something changed. */
enum camp_err live_fill_all(struct live *l, bool *filled) MUST_CHECK;

/* past.c: what happened before: filling new measures from the log, and waits with `since`. */
enum camp_err live_fill_measures(struct live *l, bool *filled) MUST_CHECK;
/* An event of the log enters the measures as a late one does: at its own time, now. */
enum camp_err live_take_past(struct live *l, int64_t event) MUST_CHECK;
/* An event of the log, NULL when it is none that conditions may ask about; it is good until the next of these calls. */
enum camp_err live_past(struct live *l, int64_t id, const struct event **event, int64_t *prev, int64_t *received_ms) MUST_CHECK;
/* The earliest event since the branch's moment that it accepts; *pc NONE when there is none. */
enum camp_err live_between(struct live *l, struct strand_item *item, int64_t from_ms, int64_t to_ms, uint32_t *pc, struct event **found) MUST_CHECK;
enum camp_err live_since(struct live *l, struct strand_item *item, uint32_t *pc, struct event **found) MUST_CHECK;

/* round.c: a transaction; engine_failed takes all of it back and gives err. */
enum camp_err engine_begin(struct engine *e) MUST_CHECK;
enum camp_err engine_commit(struct engine *e, const struct store_clock *clock) MUST_CHECK;
enum camp_err engine_failed(struct engine *e, enum camp_err err);

/* merge.c: the contact with in->key and the one with in->previous are one from in->at_ms on. Both may be new. */
enum camp_err engine_merge(struct engine *e, const struct tick_input *in) MUST_CHECK;
/* The body of an alias' row in history, and what it says. */
struct str merge_body(struct arena *a, const struct tick_input *in);
void merge_of_body(struct arena *a, struct str body, struct tick_input *out);

/* The units of the stored program, added to the image, which is to be sealed; *out may be NULL. */
enum camp_err image_of_store(struct store *s, struct arena *a, struct image *image, struct stored_unit **rows, uint32_t *count, struct unit **out,
                             struct engine_error *error) MUST_CHECK;
/* The live unit with this row id, or NULL. */
const struct unit *engine_unit(const struct engine *e, uint32_t stored_id);
enum camp_err engine_event_id(struct engine *e, uint32_t symbol, struct str name, uint32_t *id) MUST_CHECK;
enum camp_err engine_message_id(struct engine *e, struct str name, uint32_t *id) MUST_CHECK;
void engine_rollback(struct engine *e);
enum camp_err engine_fail(struct engine *e, enum camp_err err, const char *fmt, ...) PRINTF_LIKE(3, 4);
#endif
