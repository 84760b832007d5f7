#ifndef CAMP_STORE_H
#define CAMP_STORE_H
/* The narrow store: what the engine and the senders keep, in batches, with no SQLite type in sight, so that another store
 * may stand behind it. One writer a database (an advisory lock taken at open), readers beside it.
 *
 * Every write happens between store_begin and store_commit; a failed commit (disk full, I/O) leaves the database as it was
 * before store_begin, and the caller may try again. Durability: a commit that returned CAMP_OK survives a power cut
 * (synchronous=FULL), unless opened with `relaxed`.
 *
 * Texts given out borrow from the store's memory until the next call on the same cursor, unless an arena is taken. */
#include "vm/base/arena.h"
#include "vm/base/check.h"
#include "vm/base/hash.h"
#include "vm/base/str.h"

#define STORE_VERSION 2
#define STORE_NEVER INT64_MAX

struct store;
struct store_error { char text[512]; }; /* a whole sentence for the user, path included */

struct store_options {
  bool read_only;
  bool create;        /* make the file when it is absent */
  bool beside;        /* to write orders beside a writer, as `camp pause` does: takes no lock, touches nothing that a writer keeps in mind */
  bool relaxed;       /* synchronous=off: only for tests that prove what FULL buys, and for throw-away databases */
  uint32_t busy_ms;   /* how long to wait for another program's lock; 0: chosen */
  const char *vfs;    /* SQLite VFS by name, for crash tests; NULL: the system's */
};
/* Rows as text columns: column names with row NULL first; false stops. */
typedef bool store_row_fn(void *context, int columns, const char *const *names, const char *const *row);
enum camp_err store_open(const char *path, const struct store_options *o, struct store **out, struct store_error *e) MUST_CHECK;
void store_close(struct store *s);
const struct store_error *store_last_error(const struct store *s);
const char *store_path(const struct store *s);      /* NULL: in memory */
uint64_t store_identity(const struct store *s);     /* of this database, drawn when it was made */

enum camp_err store_begin(struct store *s) MUST_CHECK;
enum camp_err store_commit(struct store *s) MUST_CHECK;
void store_rollback(struct store *s);

/* Names: event, list, tag, campaign, measure, message and reason texts become small numbers that never change.
 * Kept in memory for look-up; at most LIMIT_NAMES_COUNT. Making one needs a transaction. A rollback forgets those made in it.
 *
 * NAME_LIST serves tags and topics too: the numbers of code's strings need not say which they are. A schedule is known by its
 * campaign's name and its moment. */
enum name_kind { NAME_EVENT = 1, NAME_LIST = 2, NAME_SCHEDULE = 3, NAME_CAMPAIGN = 4, NAME_MEASURE, NAME_MESSAGE, NAME_SEGMENT,
  NAME_SCORE, NAME_CONTENT, NAME_CHANNEL, NAME_EXPERIMENT, NAME_VARIANT,
  NAME_CALL = 13 /* an operation that was called; such rows of the outbox are calls */ };
uint32_t store_name_find(const struct store *s, enum name_kind kind, struct str text); /* 0 when unknown */
enum camp_err store_name(struct store *s, enum name_kind kind, struct str text, uint32_t *id) MUST_CHECK;
struct str store_name_text(const struct store *s, uint32_t id);
/* Measures, schedules, segments and scores also carry the epoch (deploy number) at which they appeared; 0 for other kinds. */
uint32_t store_name_epoch(const struct store *s, uint32_t id);
/* A known measure or schedule that nobody kept up for a while: or a segment that means something else
 * now: it counts as new with the present epoch. */
enum camp_err store_name_renew(struct store *s, uint32_t id) MUST_CHECK;
uint32_t store_name_count(const struct store *s);
enum name_kind store_name_kind(const struct store *s, uint32_t id); /* of an id up to the count */

/* Programs. A deploy writes the manifest and the units that are new; unit ids never change. */
struct stored_unit { uint32_t id; struct str hash; struct str name; struct str body; bool current; };
enum camp_err store_unit_put(struct store *s, struct str hash, struct str name, struct str body, uint32_t *id) MUST_CHECK;
/* Replaces the set of current units (ids, in order of declaration) and their step tables; raises the epoch. */
struct stored_step { uint32_t unit, pc, line, column; struct str file, label; };
enum camp_err store_deploy(struct store *s, const uint32_t *units, uint32_t unit_count, const struct stored_step *steps,
                           uint32_t step_count, int64_t at_ms, uint32_t *epoch) MUST_CHECK;
uint32_t store_epoch(const struct store *s); /* number of the newest deploy, 0 before the first */
/* When that deploy was; 0 when there was none of this number. */
enum camp_err store_deploy_at(struct store *s, uint32_t epoch, int64_t *at_ms) MUST_CHECK;
/* Live units: current ones, and those some strand still stands in. Bodies are copied into the arena. */
enum camp_err store_units(struct store *s, struct arena *a, struct stored_unit **out, uint32_t *count) MUST_CHECK;
/* A version of the message, or of its text in one language, whose hash begins so, however old it is; CAMP_NOT_FOUND: there never was one. */
enum camp_err store_message_version(struct store *s, struct arena *a, struct str message, struct str hash_begins, struct stored_unit *out) MUST_CHECK;
/* Keeps, per unit, how many strands stand in it, so that store_units needs no scan: delta is added at commit. Strands whose run is over,
 * kept for its goals, are counted apart. */
void store_unit_count(struct store *s, uint32_t unit, bool over, int64_t delta);

/* The clock row: where the engine stands. Written with each tick. */
struct store_clock {
  int64_t now_ms;          /* virtual time reached (simulate), or the last tick's time */
  int64_t event_done;      /* events up to this id have been through a tick */
  int64_t round_last;      /* the round under way: inputs up to this id (0: none) … */
  int64_t round_limit_ms;  /* … and timers up to this moment … */
  int64_t round_contact;   /* … contacts up to this id are finished … */
  uint32_t round_phase;    /* … in this phase: 0 inputs, 1 timers */
  uint32_t swept_epoch;    /* every contact has met this deploy … */
  uint32_t sweep_epoch;    /* … and is being shown this one: 0 none … */
  int64_t sweep_contact;   /* … contacts up to this id have seen it */
};
enum camp_err store_clock_get(struct store *s, struct store_clock *out) MUST_CHECK;
enum camp_err store_clock_put(struct store *s, const struct store_clock *clock) MUST_CHECK;
/* Whether the database has lived in real time: its waits are people's, and no simulation may run them off. Marking it needs a transaction. */
enum camp_err store_lived_get(struct store *s, bool *out) MUST_CHECK;
enum camp_err store_lived_put(struct store *s) MUST_CHECK;

/* Sources: how far each has been taken. key: "file:/path" or "stdin". */
struct store_source { int64_t byte_offset, line, bytes_known, mark_at_ms, mark_line, count; };
enum camp_err store_source_get(struct store *s, struct str key, struct store_source *out) MUST_CHECK; /* zeros when new */
enum camp_err store_source_put(struct store *s, struct str key, const struct store_source *src) MUST_CHECK;

/* Contacts by key, a batch at once: fills each id; unknown ones are made when `make`, in the order given, else stay 0. The same
 * key may occur twice. `fresh` tells those made now. Keys are looked up in order of their hash, which keeps pages near. */
struct key_lookup { struct str key; int64_t id; bool fresh; };
enum camp_err store_contacts(struct store *s, struct key_lookup *keys, uint32_t count, bool make, int64_t at_ms) MUST_CHECK;

int64_t store_contact_last(const struct store *s); /* ids run from 1 to here */

/* A contact's rows. Slot 0 is the contact, 1 … its strands. Read together, written when changed. */
struct strand_row {
  uint32_t slot, unit, pc, entry, fork, sends;
  int64_t due_ms, since_ms, base_ms, started_ms;
  bool converted;
  bool over;             /* the run has ended; only its goals still count */
  struct str locals;
  enum { ROW_CLEAN, ROW_CHANGED, ROW_NEW, ROW_GONE } state;
};
struct contact_row {
  int64_t id;
  int64_t known_ms;      /* first heard of; 0: as stored, of a new one the time that store_contacts was given */
  int64_t since_ms;      /* as stored; set by store_contact_read, and written back */
  struct str key, state, attributes;
  int64_t timer_ms;      /* when the contact is to be looked at: as stored, STORE_NEVER none */
  struct strand_row *strands; uint32_t strand_count; /* by slot */
  bool fresh;            /* made by store_contacts in this transaction: there is no row yet */
  int64_t last_event, last_message; /* newest rows of its chains, so that plain SQL can walk them; 0: none */
};
/* Reads into the arena. Ids must rise from call to call within a batch for speed; not required. */
enum camp_err store_contact_read(struct store *s, struct arena *a, int64_t id, struct contact_row *out) MUST_CHECK;
/* Writes slot 0, whole, so it must have been read or be fresh, and every strand row that is not clean. timer_ms here is the new one; timer_was the stored
 * one: the timer index is touched only when it moves earlier, fires, or goes. Index changes are gathered and applied in order at
 * store_commit. */
enum camp_err store_contact_write(struct store *s, const struct contact_row *row, int64_t timer_was) MUST_CHECK;
/* Contacts whose timer is at or before limit, earliest first, at most max, without those already taken since store_begin.
 * Timers set in this transaction show after its commit. */
enum camp_err store_due(struct store *s, int64_t limit_ms, int64_t *ids, uint32_t max, uint32_t *count) MUST_CHECK;
/* The earliest timer of all, STORE_NEVER when none. */
enum camp_err store_next_timer(struct store *s, int64_t *at_ms) MUST_CHECK;

/* History: append-only, each event pointing to its contact's previous one. */
struct event_row {
  int64_t id;            /* given by store_event_put */
  int64_t contact, at_ms, received_ms, prev;
  uint32_t name;
  uint64_t ident;        /* hash of the event id, 0 when it had none */
  struct str body;       /* JSON object of properties, or empty */
  struct str outcome;    /* what it did not do and why, one a line; empty mostly */
  uint8_t kind;          /* EVENT_… */
};
enum { EVENT_TRACK = 0, EVENT_IDENTIFY = 1, EVENT_EMITTED = 2, EVENT_IMPORTED = 3, EVENT_NOTE = 4 /* the engine's own remark */,
  EVENT_ALIAS = 5 /* another contact is this one; the body says which, as previousId */ };
enum camp_err store_event_put(struct store *s, struct event_row *e) MUST_CHECK;
/* An accepted event after its tick: whose it is (who sent it may have become one with another since), its place in the chain and its
 * outcome. */
enum camp_err store_event_settle(struct store *s, int64_t id, int64_t contact, int64_t prev, struct str outcome) MUST_CHECK;
enum camp_err store_event_remove(struct store *s, int64_t id) MUST_CHECK; /* a repeated id, found in the tick */
enum camp_err store_event_get(struct store *s, struct arena *a, int64_t id, struct event_row *out) MUST_CHECK;
/* Accepted events behind `after`, up to `last`, in order; the inbox. */
enum camp_err store_inbox(struct store *s, struct arena *a, int64_t after, int64_t last, uint32_t max, struct event_row **out,
                          uint32_t *count) MUST_CHECK;
int64_t store_event_last(struct store *s);

/* Older event ids, spilled from a contact's state, in chunks: `bytes` is opaque. */
enum camp_err store_seen_put(struct store *s, int64_t contact, uint32_t day_last, struct str bytes) MUST_CHECK;
enum camp_err store_seen_get(struct store *s, struct arena *a, int64_t contact, uint32_t day_min, struct str **chunks, uint32_t *count) MUST_CHECK;
/* entry once per KEY: true in *was when this contact entered with the key before; remembers it when put. */
enum camp_err store_entry_key(struct store *s, int64_t contact, uint32_t campaign, uint64_t hash, bool put, bool *was) MUST_CHECK;

/* Two contacts that turn out to be one; see store/aliases.c. The other keys of a contact lead to it like its own. */
enum camp_err store_alias_find(struct store *s, struct str key, int64_t *contact) MUST_CHECK; /* 0: the key is no other key */
/* From now on the key leads to the contact; was: the contact that it led to as its own key, 0 when it led to none. */
enum camp_err store_alias_put(struct store *s, struct str key, int64_t contact, int64_t was, int64_t at_ms) MUST_CHECK;
/* Who the contact is now: itself, or the one into which it was folded. */
enum camp_err store_contact_now(struct store *s, int64_t id, int64_t *now) MUST_CHECK;
/* The contact's rows go: its strands, its timer (as stored), and with them itself; other keys, keys of entries and spilled event
 * ids become `into`'s. Events, messages, goals and memberships are moved one by one, by the calls below. */
enum camp_err store_contact_fold(struct store *s, int64_t id, int64_t into, int64_t timer_ms) MUST_CHECK;
enum camp_err store_event_move(struct store *s, int64_t id, int64_t contact, int64_t prev) MUST_CHECK;
enum camp_err store_outbox_move(struct store *s, int64_t id, int64_t contact, uint32_t entry, int64_t prev) MUST_CHECK;
/* A row that is still to be sent keeps the key that it had. */
enum camp_err store_outbox_was(struct store *s, int64_t id, struct str key, uint32_t entry) MUST_CHECK;
/* A campaign's goals: entries' numbers rise by so much. */
enum camp_err store_goal_move(struct store *s, uint32_t campaign, int64_t from, int64_t to, uint32_t entries) MUST_CHECK;
/* The first accepted alias behind `after`, up to `last`; 0 when there is none. */
enum camp_err store_inbox_alias(struct store *s, int64_t after, int64_t last, int64_t *id) MUST_CHECK;

/* Lists, beside what the contact's state says, for questions by list. */
enum camp_err store_member_put(struct store *s, uint32_t list, int64_t contact, int64_t since_ms) MUST_CHECK;
enum camp_err store_member_remove(struct store *s, uint32_t list, int64_t contact) MUST_CHECK;
/* A list or segment: nobody is in it any more. */
enum camp_err store_members_forget(struct store *s, uint32_t list) MUST_CHECK;
/* A contact's place in a score's ranking: by sign, then by rank, the highest first. */
struct score_place { int sign; double rank, points; int64_t at_ms, half_ms; };
/* `was`: the place that it has now; NULL: none. */
enum camp_err store_score_put(struct store *s, uint32_t score, int64_t contact, const struct score_place *was,
                              const struct score_place *is) MUST_CHECK;
enum camp_err store_score_remove(struct store *s, uint32_t score, int64_t contact, const struct score_place *was) MUST_CHECK;
enum camp_err store_scores_forget(struct store *s, uint32_t score) MUST_CHECK;
enum camp_err store_tag_put(struct store *s, uint32_t tag, int64_t contact, int64_t since_ms) MUST_CHECK;
enum camp_err store_tag_remove(struct store *s, uint32_t tag, int64_t contact) MUST_CHECK;
/* A change of consent, kept for ever: the proof. topic 0: every topic at once. */
struct consent_row { int64_t contact, at_ms; uint32_t topic, number; uint8_t state; /* enum consent_state of vm/contact.h */ struct str how; };
enum camp_err store_consent_put(struct store *s, const struct consent_row *row) MUST_CHECK;
/* What one contact said to the topic is the other's, whose own `before` changes come first. */
enum camp_err store_consent_move(struct store *s, uint32_t topic, int64_t from, int64_t to, uint32_t before) MUST_CHECK;
/* Experiments: what the program says of them, by deploys; who has which variant, and what came of it. currency without a pointer: no
 * money is added up. variant 0: held out. A response's value is 1, a number, or money in 1/10000. */
enum camp_err store_experiment_put(struct store *s, uint32_t id, struct str campaign, struct str name, struct str measure, struct str currency) MUST_CHECK;
enum camp_err store_variant_put(struct store *s, uint32_t experiment, uint32_t unit, uint32_t variant, uint32_t place, double share) MUST_CHECK;
struct assignment_row { int64_t contact, at_ms, until_ms; uint32_t experiment, variant, unit, place; uint64_t responses; /* only read */ };
enum camp_err store_assignment_put(struct store *s, const struct assignment_row *row) MUST_CHECK;
enum camp_err store_assignment_get(struct store *s, uint32_t experiment, int64_t contact, struct assignment_row *out) MUST_CHECK; /* experiment 0: none */
enum camp_err store_assignment_expose(struct store *s, uint32_t experiment, int64_t contact, int64_t at_ms) MUST_CHECK;
enum camp_err store_assignment_respond(struct store *s, uint32_t experiment, int64_t contact, int64_t at_ms, double value) MUST_CHECK;
/* The contact was met by another variant, too, before it became one with another. */
enum camp_err store_assignment_cross(struct store *s, uint32_t experiment, int64_t contact, uint32_t variant) MUST_CHECK;
enum camp_err store_assignment_remove(struct store *s, uint32_t experiment, int64_t contact) MUST_CHECK;
enum camp_err store_assignment_move(struct store *s, uint32_t experiment, int64_t from, int64_t to) MUST_CHECK;
enum camp_err store_goal_put(struct store *s, uint32_t campaign, int64_t contact, uint32_t entry, int64_t at_ms, int64_t event) MUST_CHECK;

/* Orders to campaigns, which another program may write beside the engine. store_pause and store_resume need a transaction and are false
 * in *changed when the campaign is paused already, or is not. */
struct store_pause {
  struct str campaign;
  int64_t since_ms, until_ms;  /* STORE_NEVER: it is paused */
  enum { PAUSE_AS_SAID, PAUSE_SKIP, PAUSE_SPREAD } how;
  int64_t spread_ms;
};
enum camp_err store_pause(struct store *s, struct str campaign, int64_t at_ms, bool *changed) MUST_CHECK;
enum camp_err store_resume(struct store *s, const struct store_pause *p, bool *changed) MUST_CHECK;
enum camp_err store_pauses(struct store *s, struct arena *a, struct store_pause **out, uint32_t *count) MUST_CHECK;
/* Whether another program has written since this was last asked; true the first time. */
enum camp_err store_written_beside(struct store *s, bool *written) MUST_CHECK;
/* Who is held in a paused campaign, by its name id, in order. */
enum camp_err store_held_put(struct store *s, uint32_t campaign, int64_t contact) MUST_CHECK;
enum camp_err store_held(struct store *s, uint32_t campaign, int64_t *contacts, uint32_t max, uint32_t *count) MUST_CHECK;
enum camp_err store_held_remove(struct store *s, uint32_t campaign, int64_t up_to_contact) MUST_CHECK;

/* The outbox: append-only rows that change state; see runtime/send/outbox.c for the states. */
enum outbox_state { OUTBOX_READY = 0, OUTBOX_CLAIMED = 1, OUTBOX_SENT = 2, OUTBOX_DROPPED = 3, OUTBOX_WITHDRAWN = 4, OUTBOX_FAILED = 5,
  OUTBOX_DEFERRED = 6, OUTBOX_HELD = 7 /* by the policy, until sent_ms */, OUTBOX_DOUBT = 8 /* deferred, and perhaps delivered already */,
  OUTBOX_PAUSED = 9 /* until its pause is resumed */ };
struct outbox_row {
  int64_t id, contact, prev, at_ms, sent_ms;
  uint32_t message;       /* name id */
  uint32_t campaign;      /* name id */
  uint32_t unit;          /* the strand's */
  uint32_t entry, fork, ordinal; /* the key, with contact and campaign: never changes */
  uint32_t pc;            /* the step that sent it */
  uint8_t state;
  struct str reason;
  struct str given;       /* `with { }`: a JSON object, or empty */
  int64_t asked_ms;       /* of one that is or was held: when the script sent it; else at_ms, or 0 when it is put */
  struct str via;         /* held: the channels to choose from, one blank between two; then the chosen one. Empty: the message's own */
};
/* A row that is held has sent_ms: when it is asked about again. */
enum camp_err store_outbox_put(struct store *s, struct outbox_row *row) MUST_CHECK;
enum camp_err store_outbox_get(struct store *s, struct arena *a, int64_t id, struct outbox_row *out) MUST_CHECK;
/* Ready rows for a sender, in order of (at, contact key, id) when `by_time`, else of id; with the contact's key and attributes. */
struct outbox_item {
  struct outbox_row row;
  struct str key, attributes;
  struct str was_key; uint32_t was_entry; /* of the contact and the run when it was put, where these bear others now; else empty */
};
enum camp_err store_outbox_ready(struct store *s, struct arena *a, bool by_time, int64_t until_ms, uint32_t max, struct outbox_item **out,
                                 uint32_t *count) MUST_CHECK;
/* One row with its contact's key and attributes; CAMP_NOT_FOUND. */
enum camp_err store_outbox_item(struct store *s, struct arena *a, int64_t id, struct outbox_item *out) MUST_CHECK;
/* What was held is ready or dropped: state, at_ms, reason and via are new. */
enum camp_err store_outbox_release(struct store *s, const struct outbox_row *row) MUST_CHECK;
/* What a sender of this process had is ready again: it was closed without giving it back. In a transaction. */
enum camp_err store_outbox_unclaim(struct store *s) MUST_CHECK;
enum camp_err store_outbox_state(struct store *s, int64_t id, enum outbox_state state, int64_t at_ms, struct str reason) MUST_CHECK;

/* What people do to the outbox, beside a run or without one; see store/outbox_actions.c. Fields that are empty mean any. */
enum outbox_act { OUTBOX_ACT_PAUSE = 1, OUTBOX_ACT_RESUME, OUTBOX_ACT_RETRY, OUTBOX_ACT_WITHDRAW };
struct outbox_choice {
  struct str message, campaign, contact;
  struct str domain;      /* of the address, in small letters */
  struct str reason;      /* is within the row's reason */
  int64_t id;             /* 0: any */
  uint32_t states;        /* bits 1 << enum outbox_state; 0: any */
};
struct outbox_action {
  int64_t id, at_ms, until_ms; /* until: of a pause; STORE_NEVER: it holds */
  enum outbox_act act;
  struct outbox_choice choice; /* what a pause holds back: message, campaign, contact, domain */
  struct str relay;       /* a pause of a relay, by its host; then the choice is empty */
  struct str reason;
};
/* The pauses that hold, in the order in which they were made; *last: the newest action of all. Looks at what other programs wrote. */
enum camp_err store_outbox_pauses(struct store *s, struct arena *a, struct outbox_action **out, uint32_t *count, int64_t *last) MUST_CHECK;
/* Carries out and notes an action, within a transaction: a retry or withdrawal of what is chosen, at most max (*count: how many);
 * a pause; a resumption of the pauses with just these fields, or, with none, of all (*count: pauses). */
/* A retry or withdrawal leaves what `asks` gives a reason for, which a failed row then says; NULL: nothing is asked. */
struct outbox_asks { enum camp_err (*ask)(void *context, const struct outbox_item *item, struct arena *a, struct str *reason); void *context; };
enum camp_err store_outbox_act(struct store *s, const struct outbox_action *act, const struct outbox_asks *asks, uint32_t max, uint64_t *count) MUST_CHECK;
/* A row whose sending is held back by that pause. */
enum camp_err store_outbox_pause(struct store *s, int64_t id, int64_t at_ms, const struct outbox_action *pause) MUST_CHECK;
/* Rows that are chosen, the newest first, as columns id, at, state, message, campaign, contact, to, next, reason. */
enum camp_err store_outbox_list(struct store *s, const struct outbox_choice *choice, uint32_t max, store_row_fn *fn, void *context) MUST_CHECK;
/* A number that changes when another program writes. */
enum camp_err store_version(struct store *s, int64_t *version) MUST_CHECK;

/* What is shown to a contact on a page. Of one content shown twice at one instant by one run the later end counts. */
struct content_row { int64_t contact, at_ms, until_ms; uint32_t content, campaign, unit, pc, entry, fork; };
enum camp_err store_content_put(struct store *s, const struct content_row *row) MUST_CHECK;
/* What the run shows ends now. */
enum camp_err store_content_end(struct store *s, int64_t contact, uint32_t campaign, uint32_t entry, int64_t now_ms) MUST_CHECK;
/* Until when the content is shown to the contact at that moment; 0 when it is not. */
enum camp_err store_content_until(struct store *s, int64_t contact, uint32_t content, int64_t at_ms, int64_t *until_ms) MUST_CHECK;
enum camp_err store_content_move(struct store *s, uint32_t campaign, int64_t from, int64_t to, uint32_t entries) MUST_CHECK;

/* What a sender has made durable, committed with the rows' states: a file's length. */
enum camp_err store_sender_get(struct store *s, struct str sender, int64_t *mark) MUST_CHECK;
enum camp_err store_sender_put(struct store *s, struct str sender, int64_t mark) MUST_CHECK;

/* Forgets every contact and all that happened, and the names behind the first `names`; the program and those names stay, as they
 * were after a deploy. For `camp test`, whose tests share one database in memory and must not see each other. */
enum camp_err store_forget(struct store *s, uint32_t names) MUST_CHECK;

/* Rejected lines. */
struct reject_row { int64_t id, at_ms, line; struct str source, reason, text; };
enum camp_err store_reject_put(struct store *s, const struct reject_row *r) MUST_CHECK;
enum camp_err store_rejects(struct store *s, struct arena *a, int64_t after, uint32_t max, struct reject_row **out, uint32_t *count) MUST_CHECK;

/* Reports, read-only, for commands: the rows of a named question of queries.def, as text columns. */
enum camp_err store_report(struct store *s, const char *query_name, struct str argument, store_row_fn *fn, void *context) MUST_CHECK;

/* For benchmarks and status. */
struct store_stats { int64_t db_bytes, wal_bytes, wal_peak_bytes, bytes_written; };
void store_stats(struct store *s, struct store_stats *out);
enum camp_err store_checkpoint(struct store *s) MUST_CHECK;
#endif
