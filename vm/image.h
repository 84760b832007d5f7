#ifndef CAMP_VM_IMAGE_H
#define CAMP_VM_IMAGE_H
/* The image: every live unit linked for running. Units' local strings become symbols, their measures become one table by
 * canonical text, and triggers are found by (event) and by (event, property, text), so that an event costs what listens to
 * it and nothing for what does not.
 *
 * Build once a deploy: image_new, image_add each unit (current ones with their triggers, pinned old ones without),
 * image_seal. Read-only afterwards, so threads may share it. Owns its arena; borrows the units. */
#include "base/hash.h"
#include "program.h"

struct event;
struct pattern;

/* The properties of mail events that OF looks at, always symbols and always keys; and the
 * events that give and take consent with theirs: always symbols, looked at when the program has topics. */
enum { SYMBOL_MESSAGE, SYMBOL_KEY, SYMBOL_TOPIC, SYMBOL_SUBSCRIBE, SYMBOL_CONFIRM, SYMBOL_UNSUBSCRIBE };

struct unit_link {
  uint32_t *symbols;   /* string index -> symbol */
  uint32_t *measures;  /* measure index -> image measure */
  const struct value *consts;       /* the unit's constants, texts interned */
  const struct pattern **patterns;  /* constant index -> compiled pattern where MATCHES uses it; NULL: the unit has none */
  uint32_t order;      /* of declaration */
  bool current;        /* starts runs and counts goals by the present manifest; else only old runs use it */
  uint32_t stored_id;  /* the engine's: id of the unit's row */
  uint32_t campaign_id;/* the engine's: stored name id of the campaign's name */
  uint32_t *experiments, *variants; /* the engine's: stored name ids, by the unit's indices; NULL: the unit has none */
  uint32_t *stored;    /* string index -> stored name id where the engine needs one, else 0 */
};

struct image_measure {
  const struct unit *unit;       /* a unit that has it: its filter code is as good as any other's */
  const struct measure *measure;
  uint32_t event;                /* symbol */
  uint32_t stored_id;            /* the engine's: stored name id of the text */
  uint32_t epoch;                /* the engine's: contacts older than this fill it from the log */
  uint32_t lookers_first, looker_count; /* the segments that look at it: image_lookers */
};

/* What a segment looks at. Behind each stands what names it: an image measure, else a symbol. */
enum look { LOOK_MEASURE, LOOK_ATTRIBUTE, LOOK_LIST, LOOK_TAG, LOOK_SEGMENT, LOOK_SCORE, LOOK_TOPIC };

struct image_segment {
  const struct unit *unit;
  uint32_t symbol;               /* of its name */
  bool known;                    /* it looks at when the contact was first heard of */
  bool recurs;                   /* it looks at the hour, the day, the month: its answer may change for ever */
  struct str enters, leaves;     /* names of the events of its members coming and going; empty where no code names them */
  uint32_t stored_id;            /* the engine's: stored name id of the name */
  uint32_t epoch;                /* the engine's: contacts older than this become members without entering … */
  int64_t since_ms;              /* … as of the moment of that deploy */
};

struct image_score {
  const struct unit *unit;
  uint32_t symbol;               /* of its name */
  int64_t half_ms;               /* 0: points stay */
  struct str passes;             /* name of the event of its rise; empty where no code names it */
  uint32_t stored_id, epoch;     /* the engine's */
};
struct image_points { uint32_t score; const struct score_rule *rule; };

/* What an event may count for: of current units, in order of declaration. */
struct image_response { const struct unit *unit; const struct response *response; };

struct listener { const struct unit *unit; const struct trigger *trigger; };

struct image;
struct image *image_new(void);
void image_free(struct image *image);
void image_add(struct image *image, struct unit *unit, bool current);
void image_seal(struct image *image);

/* Symbols: NONE when no unit has this string. */
uint32_t image_symbol(const struct image *image, struct str text);
struct str image_symbol_text(const struct image *image, uint32_t symbol);
uint32_t image_symbol_count(const struct image *image);
/* Whether any code looks at a property of this name, so that event_intern keeps it. */
bool image_symbol_is_key(const struct image *image, uint32_t symbol);
/* Whether any live unit starts, waits, stops, counts or measures by an event of this name. */
bool image_symbol_is_event(const struct image *image, uint32_t symbol);

uint32_t image_unit_count(const struct image *image);
struct unit *image_unit(const struct image *image, uint32_t i);
const struct unit *image_campaign(const struct image *image, struct str name); /* the current one, or NULL */
const struct unit *image_message(const struct image *image, struct str name);
const struct unit *image_channel(const struct image *image, struct str name);   /* how its messages leave, or NULL */
const struct unit *image_operation(const struct image *image, struct str name); /* crm.create_task, or NULL */
/* The contact's attribute that holds its address on the channel; empty: the channel goes to no address (a chat, a webhook), so every
 * contact can be reached. Channels that no script declares have a standard one: email, sms phone, push push_token. */
struct str image_channel_address(const struct image *image, struct str channel);
const struct unit *image_file(const struct image *image, struct str name); /* what a message attaches, or NULL */
const struct unit *image_policy(const struct image *image); /* topics, caps and quiet hours of the present program, or NULL */
uint32_t image_measure_count(const struct image *image);
struct image_measure *image_measure(const struct image *image, uint32_t i);
/* Image measures fed by this event; *count of them. */
const uint32_t *image_event_measures(const struct image *image, uint32_t event, uint32_t *count);
/* Current units' triggers that the event may start, in order of declaration: guards are passed, filters are not yet
 * evaluated. out has room for image_listener_max. */
uint32_t image_listeners(const struct image *image, const struct event *e, struct listener *out);
uint32_t image_listener_max(const struct image *image);
/* Segments of the present program. One that looks at another comes behind it, so asking them in order settles all; only a program
 * that no compiler wrote has segments that look at each other in a circle, and then the order cuts it. */
uint32_t image_segment_count(const struct image *image);
struct image_segment *image_segment(const struct image *image, uint32_t i);
uint32_t image_segment_find(const struct image *image, uint32_t symbol); /* by name; NONE when there is none */
/* Scores of the present program, and the rules by which an event earns points, in order of declaration. */
uint32_t image_score_count(const struct image *image);
struct image_score *image_score(const struct image *image, uint32_t i);
uint32_t image_score_find(const struct image *image, uint32_t symbol); /* by name; NONE when there is none */
const struct image_points *image_event_points(const struct image *image, uint32_t event, uint32_t *count);
const struct image_response *image_event_responses(const struct image *image, uint32_t event, uint32_t *count);
/* The segments that look at this, in their order. */
const uint32_t *image_lookers(const struct image *image, enum look look, uint32_t what, uint32_t *count);
/* Whether any wait, stop or goal of a live unit names the event: if not, strands need not be asked. */
bool image_event_is_heard(const struct image *image, uint32_t event);
#endif
