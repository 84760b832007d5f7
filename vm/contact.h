#ifndef CAMP_VM_CONTACT_H
#define CAMP_VM_CONTACT_H
/* One contact in memory, as conditions see it, and the event in hand. Decoded from the row by contact_read and
 * encoded by contact_write; the engine changes it only through the calls below.
 *
 * Ownership: everything hangs in the arena given to contact_read or borrows from the row's bytes; both live for a batch. */
#include "base/arena.h"
#include "base/hash.h"
#include "program.h"
#include "value.h"

struct image;
struct vm;
struct env;

struct event_field { uint32_t key; struct json value; }; /* key: the image's symbol, only keys some code looks at */
struct event {
  uint32_t name;         /* the image's symbol, or NONE when no code listens */
  struct str name_text;
  int64_t at_ms;         /* its own time */
  struct str body;       /* the properties, a checked JSON object, or empty */
  uint32_t field_count;
  struct event_field fields[LIMIT_EVENT_FIELDS_COUNT];
};
/* Fills name and fields from name_text and body by the image's symbols: strings are interned here, once. A repeated key
 * counts with its last value. */
void event_intern(struct event *e, const struct image *image, struct arena *a);
/* A property of the event as code looks at it: the field whose name is the symbol, as f's type. A bare number in the place
 * of money takes the currency of a `currency` property beside it, and f's own when there is none. */
struct value event_field_value(const struct event *e, uint32_t symbol, const struct field *f, const struct zone *z,
                               struct arena *a);

/* What a measure remembers. Which members count depends on its kind and window. */
struct occurrence { int64_t at_ms; int64_t amount; }; /* amount: money in 1/10000, numbers as the bits of a double */
struct measure_state {
  uint32_t id;           /* image measure's stored id */
  uint64_t count;
  int64_t total;         /* money; numbers: bits of a double */
  int64_t at_ms;         /* of `kept` */
  struct value kept;     /* first, last, min, max */
  struct occurrence *series; /* windows: sorted by at_ms */
  struct value *values;  /* windows of first, last, min, max: the value of each occurrence, beside series; else NULL */
  uint32_t series_count, series_cap;
  bool overflowed;       /* LIMIT_SERIES_COUNT was met: older ones were let go */
};

struct membership { uint32_t id; int64_t since_ms; };    /* list or tag, by stored name id */
/* A segment by its stored name id: whether the contact is in it, and when that may change by time alone (INT64_MAX: never). */
struct segment_state { uint32_t id; bool in; int64_t since_ms, flip_ms; };
/* Points by rules and by statements, both as of one moment. */
struct score_state { uint32_t id; double by_rules, by_hand; int64_t at_ms; };
struct entry { uint32_t campaign; uint32_t count; int64_t last_ms; }; /* by stored name id of the campaign's name */
/* A start without an event that this contact is on the way to: by stored name id; the civil time of the next occurrence that has
 * not been looked at, by the schedule's own clock, SCHEDULE_NEVER when none will come. */
struct scheduled { uint32_t id; int64_t next_ms; bool held; /* the engine's: its time has come, and its campaign is paused; not kept */ };
struct seen { uint64_t hash; uint32_t day; };            /* event ids, day = at / MS_PER_DAY of arrival */

/* What a contact has said to a topic. `number` counts the changes, each of which is a row of proof in the store. Topic 0 is a
 * refusal of everything at once. */
enum consent_state { CONSENT_NONE, CONSENT_PENDING, CONSENT_GRANTED, CONSENT_REFUSED };
struct consent { uint32_t topic; uint8_t state; uint32_t number; int64_t at_ms; };

/* A message that left, as caps count them; channel and topic by stored name id, topic 0: none. */
struct release { int64_t at_ms; uint32_t channel, topic; };
/* A channel by which the contact must not be written to: for good while it has this address, when that bounced. */
struct suppression { uint32_t channel; uint8_t bounce; /* else a complaint */ int64_t at_ms; uint64_t address; /* its hash */ };
/* A message that the policy holds back; its row in the outbox says the rest. */
enum { HELD_WAITED = 1 /* its strand's wait counts from its release */, HELD_LEFT = 2 /* … and others of that wait have left already */,
  HELD_PAUSED = 4 /* its campaign is paused: it has no moment */, HELD_ALL = 7 };
struct held {
  int64_t row;           /* of the outbox */
  int64_t asked_ms;      /* when the script sent it */
  int64_t due_ms;        /* when it is asked about again; INT64_MAX: HELD_PAUSED */
  uint32_t campaign, entry, fork; /* the strand that sent it */
  uint32_t experiment, variant; /* the variant that has done something when this leaves, by stored name ids; experiment 0: none */
  uint32_t watch;        /* fork of the strand that stands by with its `unless` and `if still`; 0: none */
  uint8_t flags;
};

/* Which variant of an experiment the contact has, for good. Ids are stored name ids. */
struct assignment {
  uint32_t experiment;
  uint32_t variant;      /* 0: held out */
  bool exposed;          /* the variant has done something */
  int64_t at_ms, until_ms; /* a response between counts */
};

struct contact {
  int64_t id;
  struct str key;
  int64_t known_ms;      /* first heard of */
  int64_t clock_ms;      /* never runs back */
  int64_t last_event, last_message; /* newest rows of its chains, 0 = none */
  uint32_t measures_as_of; /* measures with a younger epoch must be filled from the log */
  struct str attributes; /* checked JSON object, or empty */
  struct json_member_cache *cache; /* attributes looked at; attributes.c's */
  VEC(struct measure_state) measures; /* sorted by id */
  VEC(struct membership) lists, tags;
  VEC(struct entry) entries;
  VEC(struct scheduled) schedules; /* sorted by id */
  VEC(struct score_state) scores;     /* sorted by id */
  VEC(struct segment_state) segments; /* sorted by id; only those that it is in, or that have a flip */
  int64_t segments_ms;   /* the instant as of which they were last asked: never asked about a moment before */
  VEC(struct consent) consents; /* sorted by topic */
  VEC(struct assignment) assignments; /* sorted by experiment */
  VEC(struct seen) seen; /* oldest first */
  uint64_t releases_of;  /* the caps that `releases` was kept for; 0: none, or they are to be found in the outbox */
  VEC(struct release) releases; /* that some cap's window still holds, oldest first */
  VEC(struct suppression) suppressions;
  VEC(struct held) held; /* in the order in which they were sent */
  struct arena *arena;
};

/* The state's bytes, layout in contact_bytes.c. key, id and attributes are the caller's to set. CAMP_CORRUPT for bytes that
 * contact_write could not have written; the contact is as new then. */
enum camp_err contact_read(struct contact *c, struct arena *a, struct str state) MUST_CHECK;
void contact_write(struct buf *b, const struct contact *c);

/* The attribute as f's type, f->currency the default of money; missing when there is none or it does not fit. */
struct value contact_attribute(struct contact *c, struct str name, const struct field *f, const struct zone *z);
/* One attribute replaced (missing removes it). CAMP_LIMIT, with nothing changed, beyond LIMIT_ATTRIBUTES_BYTES or LIMIT_JSON_DEPTH. */
enum camp_err contact_set(struct contact *c, struct str name, struct value v, const struct zone *z) MUST_CHECK;
/* Merges a checked object of traits over the attributes; null removes. Fails as contact_set does. */
enum camp_err contact_merge(struct contact *c, struct str traits) MUST_CHECK;

bool contact_in(const struct contact *c, uint32_t list);
bool contact_tagged(const struct contact *c, uint32_t tag);
/* True when it changed something; false also beyond LIMIT_MEMBER_COUNT lists and tags. */
bool contact_join(struct contact *c, uint32_t list, int64_t at_ms);
bool contact_leave(struct contact *c, uint32_t list);
bool contact_tag(struct contact *c, uint32_t tag, int64_t at_ms);
bool contact_untag(struct contact *c, uint32_t tag);
/* Scores. half_ms 0: points stay. */
double score_at(const struct score_state *s, int64_t half_ms, int64_t at_ms);
double score_decay(double points, int64_t half_ms, int64_t from_ms, int64_t to_ms);
const struct score_state *contact_score(const struct contact *c, uint32_t score); /* NULL: no points yet */
struct score_state *contact_score_make(struct contact *c, uint32_t score);
/* So many points at their own moment, which may lie before the newest. */
void score_add(struct score_state *s, int64_t half_ms, double points, bool by_hand, int64_t at_ms);
bool contact_in_segment(const struct contact *c, uint32_t segment);
/* The segment's state, all zero but the id and without a flip when there is none. */
struct segment_state contact_segment(const struct contact *c, uint32_t segment);
void contact_segment_put(struct contact *c, struct segment_state s);
int64_t contact_flip(const struct contact *c); /* the earliest flip, INT64_MAX when none */
struct entry *contact_entry(struct contact *c, uint32_t campaign); /* made when absent */
bool contact_consents(const struct contact *c, uint32_t topic);
/* NULL when the contact never said anything; made when absent. */
const struct consent *contact_consent(const struct contact *c, uint32_t topic);
struct consent *contact_consent_make(struct contact *c, uint32_t topic);

/* NULL when the contact has not met the experiment; made when absent. */
struct assignment *contact_assignment(const struct contact *c, uint32_t experiment);
struct assignment *contact_assign(struct contact *c, uint32_t experiment);

/* Measures: takes one occurrence of the event in env (the filter has passed); reads a value as of env->now_ms. id is the measure's
 * stored name id. False when something had to be let go for it: an occurrence beyond LIMIT_SERIES_COUNT, or a sum beyond 64 bits. */
bool measure_take(struct contact *c, const struct unit *u, const struct measure *m, uint32_t id, const struct env *env);
struct value measure_value(struct contact *c, const struct unit *u, const struct measure *m, uint32_t id, const struct env *env);
#endif
