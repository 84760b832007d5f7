#ifndef CAMP_VM_PROGRAM_H
#define CAMP_VM_PROGRAM_H
/* A compiled project: a manifest of units, and its file format.
 *
 * A unit is one campaign, rule or message, self-contained: its own strings, constants and code, so that its hash changes
 * only when its meaning does. Beside the hashed part stand its steps (pc -> line), so formatting a script makes no new
 * version. Strands pin a unit by hash; bodies of old units live in the database.
 *
 * A program read from bytes is verified: every index in range, every jump to an instruction's first byte, stack depth
 * known and within LIMIT_STACK_COUNT at every instruction, effects only in step code. Nothing that passed can crash the VM.
 *
 * Ownership: everything hangs in the arena given, and texts borrow from the bytes read, which must outlive it. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "value.h"

#define PROGRAM_MAGIC "CAMPPRG\n"
#define PROGRAM_VERSION 2
#define FILE_LINE_BYTES 76 /* of base64 in a UNIT_FILE; each line ends in \n */
#define REPLY_EVENT "camp reply" /* what a call was answered: key, status, and body or error */
#define UNIT_HASH_BYTES 32 /* SHA-256 (FIPS 180-4) of the unit's body */
#define NONE UINT32_MAX    /* no index, no pc */

enum opcode {
#define OP(name, byte, operands, pops, pushes, flags, synopsis) OP_##name = byte,
#include "opcodes.def"
#undef OP
};
enum { OPF_END = 1, OPF_JUMP = 2, OPF_EFFECT = 4, OPF_YIELD = 8, OPF_STEP = 16, OPF_EXPR = 32 };
struct opcode_info {
  const char *name; /* NULL where no opcode has this byte */
  const char *operands;
  int8_t pops, pushes;
  uint8_t flags, bytes; /* bytes: opcode and operands */
  const char *synopsis;
};
extern const struct opcode_info opcode_table[256];

/* A segment is an expression: its code begins at pc 0. A score has rules. A file is what messages attach or show: its name is its
 * SHA-256 in hex, its second string its base64 in lines of a mail. */
enum unit_kind { UNIT_CAMPAIGN, UNIT_RULE, UNIT_MESSAGE, UNIT_SEGMENT, UNIT_SCORE, UNIT_POLICY,
  UNIT_CHANNEL, UNIT_OPERATION /* of a connector: crm.create_task */, UNIT_FILE, UNIT_KIND_COUNT };
enum priority { PRIORITY_NORMAL, PRIORITY_HIGH, PRIORITY_LOW };

struct field {       /* a property or attribute as code looks at it */
  uint32_t name;     /* string */
  uint8_t type;      /* enum value_type; V_MISSING = as it comes */
  uint32_t currency; /* the default of money, or 0 */
};

enum measure_kind {
  MEASURE_COUNT, MEASURE_SUM, MEASURE_AVERAGE, MEASURE_MIN, MEASURE_MAX, MEASURE_FIRST, MEASURE_LAST,
  MEASURE_LAST_AT /* own time of the newest occurrence: no, did, time since last */,
  MEASURE_FIRST_AT
};
struct measure {
  uint8_t kind;
  uint32_t event;      /* string: the event's name */
  uint32_t field;      /* field whose values are taken, or NONE */
  struct value window; /* V_EXACT or V_CALENDAR; V_MISSING: all of history */
  uint32_t filter_pc;  /* expression over the event alone, or NONE */
  uint32_t text;       /* string: canonical text; equal text means equal measure, across units and versions */
};

struct trigger {       /* also stops and goals */
  uint32_t event;      /* string */
  uint32_t guard_field;/* string: a property that must equal guard_text, so that dispatch can hash it; or NONE */
  uint32_t guard_text; /* string */
  uint32_t filter_pc;  /* expression (holds the guard's test too), or NONE */
  uint32_t start_pc;   /* step code; NONE for stops and goals */
  struct value within; /* goals: counted up to so long after the start; else V_MISSING */
};

/* A start without an event. Times are civil: in each contact's own zone, or in the one it names. See schedule.h. */
enum schedule_kind { SCHEDULE_AT, SCHEDULE_WEEKLY, SCHEDULE_MONTHLY };
enum { SCHEDULE_LAST_DAY = 32 };
struct schedule {
  uint8_t kind;
  uint8_t days;        /* WEEKLY: bit 0 Monday; MONTHLY: 1 … 31, in shorter months the last day, or SCHEDULE_LAST_DAY */
  int64_t at_ms;       /* AT: civil; else since midnight. Whole seconds */
  uint32_t zone;       /* string; NONE: the contact's */
  uint32_t list;       /* string: a list or segment that `for` asks for, so that nobody else needs a timer; or NONE */
  uint32_t filter_pc;  /* `for`: expression without an event in hand; or NONE: every known contact */
  uint32_t start_pc;   /* step code */
  uint32_t text;       /* string: with the campaign's name what it is known by, across versions */
};

enum { BRANCH_NOW = 0, BRANCH_SINCE_START = 1, BRANCH_SINCE_LAST = 2 };
struct branch {
  uint32_t event;      /* string */
  uint32_t filter_pc;  /* expression; may read locals and the event in hand; or NONE */
  uint32_t target_pc;  /* step code; the event is still in hand there */
  uint8_t since;       /* also what happened before the wait: BRANCH_… */
  struct value since_window; /* BRANCH_SINCE_LAST: V_EXACT or V_CALENDAR */
};
struct wait {
  uint32_t first_branch, branch_count;
  uint32_t arm_pc;     /* expression code that gives the deadline, for computing it anew when the zone changes; NONE: no deadline */
  uint32_t timeout_pc; /* step code when the deadline passes; NONE: waits for ever */
  uint64_t live;       /* bit l: local l is read after this wait, so it is kept */
  uint32_t message;    /* string: the wait is the delay of a `send` of this message; NONE: of none */
};

/* A split puts each contact in one of so many places, by BUCKET. */
#define SPLIT_PLACES 1000000

/* Who meets an experiment gets one of its variants for good, or is held out: the contact's place, out of SPLIT_PLACES, decides. The
 * first places are the holdout's, then each variant has its own, in order. */
struct variant {
  uint32_t name;       /* string */
  uint32_t places;
  uint32_t from_pc, to_pc; /* its code */
};
struct experiment {
  uint32_t name;       /* string */
  uint32_t text;       /* string: what is measured */
  uint32_t holdout;    /* places */
  struct value within; /* so long after the assignment a response counts */
  uint32_t first_variant, variant_count, first_response, response_count;
};
struct response {      /* what counts in an experiment */
  uint32_t experiment;
  uint32_t event;      /* string */
  uint32_t filter_pc;  /* expression over the event alone, or NONE */
  uint32_t field;      /* whose values are added up, V_NUMBER or V_MONEY of a currency; NONE: the event itself counts */
};

struct emit {          /* emit NAME with { key: … }; send NAME with { key: … } */
  uint32_t event;      /* string: the event's name, or the message's */
  uint32_t first_key, key_count; /* strings in emit_keys */
};

enum entry_kind { ENTRY_EVERY_TIME, ENTRY_ONCE_AT_A_TIME, ENTRY_ONCE, ENTRY_ONCE_PER, ENTRY_ONCE_IN };
struct entry_rule {
  uint8_t kind;
  uint32_t at_once;    /* ENTRY_EVERY_TIME up to N at once; 0: no bound */
  struct value within; /* ENTRY_ONCE_IN: at most once in this */
  uint32_t key_pc;     /* ENTRY_ONCE_PER: expression */
  struct value resume; /* what became due while the campaign was paused: V_BOOL passed over, V_EXACT or V_CALENDAR spread; V_MISSING: the default */
  struct value ends;   /* V_LOCAL: nobody enters from this moment on, by the contact's clock; else V_MISSING */
};

enum part_kind {
  PART_TEXT, PART_ATTR, PART_VALUE /* given with the send */,
  PART_LIQUID /* the last: a compiled template; then the attributes before it are not printed, the template reads them */,
  PART_LINK /* of a body: the address of link `field`, or where there is none the picture that tells of an open */
};
struct part {          /* a piece of a message's subject or body */
  uint8_t kind;
  uint32_t text;       /* PART_TEXT: string to copy; PART_LIQUID: string of liquid_file.h; else: string printed when the attribute or value is missing, or NONE */
  uint32_t field;      /* PART_ATTR, PART_VALUE; PART_LINK; else NONE */
};

/* What a message is as a mail. Templates name the address of link 3 `camp_link_3`, the picture `camp_pixel`. */
enum {
  MAIL_HTML = 1,       /* the body is HTML */
  MAIL_UNTRACKED = 2,  /* its links lead where they say, and it has no picture that tells of an open */
  MAIL_URLS = 4,       /* it says unsubscribe_url, preferences_url or view_in_browser_url */
  MAIL_TEXT_MADE = 8,  /* its text was made of the page: it holds the marks of text_marks.h */
  MAIL_BITS = 15
};
struct message_link { uint32_t first, count; };  /* in link_parts: the address as it is, without HTML's escapes */
struct attachment {
  uint32_t file;       /* string: the name of its UNIT_FILE */
  uint32_t name;       /* string: how a reader sees it; of a picture in the text, its Content-ID */
  uint32_t type;       /* string: "application/pdf" */
  bool inside;         /* the text shows it */
};

/* UNIT_POLICY: what contacts consent to, and what holds messages back at release. */
struct topic { uint32_t name; bool double_opt_in; };
struct cap {           /* at most `count` messages in any window of this length */
  uint32_t count;
  struct value window; /* V_EXACT or V_CALENDAR */
  uint32_t channel, topic; /* strings, or NONE: of all */
  uint32_t text;       /* string: the rule as a reason */
  bool drop;
};
struct quiet {         /* no message leaves in these hours of the contact's day; over midnight when to <= from */
  uint32_t from_ms, to_ms;
  uint8_t weekdays;    /* on which it begins; bit 0 Monday */
  uint32_t channel, text;
  bool drop;
};

struct step {          /* where an instruction came from; sorted by pc */
  uint32_t pc, line, column;
  struct str file;         /* empty: the unit's; else where the sequence stands that was written out here */
  struct str label;    /* the statement as one line, e.g. `wait for purchase up to 5d` */
};

struct score_rule {    /* UNIT_SCORE: +10 for EVENT where … */
  uint32_t event;      /* string */
  uint32_t filter_pc;  /* expression over the event alone, or NONE */
  struct value points; /* V_NUMBER */
};

struct request;        /* UNIT_CHANNEL, UNIT_OPERATION: request.h */
struct unit_link;      /* made by the image: local indices to global ones */

struct unit {
  uint8_t hash[UNIT_HASH_BYTES];
  uint8_t kind;
  uint32_t name;       /* string */
  struct entry_rule entry;
  const struct str *strings;      uint32_t string_count;
  const struct value *consts;     uint32_t const_count;
  const struct field *fields;     uint32_t field_count;
  const struct measure *measures; uint32_t measure_count;
  const struct trigger *triggers; uint32_t trigger_count;
  const struct trigger *stops;    uint32_t stop_count;
  const struct trigger *goals;    uint32_t goal_count;
  const struct schedule *schedules; uint32_t schedule_count;
  const struct score_rule *score_rules; uint32_t score_rule_count;
  struct value halves; /* UNIT_SCORE: V_EXACT or V_CALENDAR, a day as 24 hours; V_MISSING: points stay */
  const struct wait *waits;       uint32_t wait_count;
  const struct branch *branches;  uint32_t branch_count;
  const struct emit *emits;       uint32_t emit_count;
  const uint32_t *emit_keys;      uint32_t emit_key_count;
  const struct experiment *experiments; uint32_t experiment_count;
  const struct variant *variants; uint32_t variant_count;
  const struct response *responses; uint32_t response_count;
  const uint8_t *code;            uint32_t code_bytes;
  uint8_t local_count;
  uint32_t channel;    /* UNIT_MESSAGE: string, "email" */
  uint32_t topic;      /* UNIT_MESSAGE: string, or NONE */
  bool transactional;
  uint8_t priority;    /* enum priority */
  struct value expires;/* how long after its send it is good for; V_MISSING: for ever */
  const struct topic *topics;     uint32_t topic_count;
  const struct cap *caps;         uint32_t cap_count;
  const struct quiet *quiets;     uint32_t quiet_count;
  const struct request *request;
  const struct part *subject;     uint32_t subject_count;
  const struct part *body;        uint32_t body_count;
  /* UNIT_MESSAGE */
  uint8_t mail;        /* MAIL_… */
  uint32_t language;   /* string: "fr", as its filters write; or NONE */
  const struct part *text;        uint32_t text_count;  /* beside a body of HTML */
  const struct part *from;        uint32_t from_count;
  const struct part *reply_to;    uint32_t reply_to_count;
  const struct part *link_parts;  uint32_t link_part_count;
  const struct message_link *links;       uint32_t link_count;
  const struct attachment *attachments; uint32_t attachment_count;
  /* beside the hashed part */
  struct str file;
  const struct step *steps;       uint32_t step_count;
  /* filled by others, never written to a file */
  struct str body_bytes;          /* the hashed bytes, as they stand in a file */
  struct unit_link *link;
};

enum { PROGRAM_LATE_AFTER_MS = 24 * 60 * 60 * 1000 }; /* of a project that does not say `late after` */
struct program {
  const struct unit *units; uint32_t unit_count;   /* in order of declaration */
  struct str zone;                                  /* the project's default zone, "UTC" */
  const struct str *events; uint32_t event_count;   /* declared event names */
  const struct str *lists;  uint32_t list_count;
  bool allow_unknown;
  int64_t late_after_ms;                            /* live: an event that arrives so long after it happened starts no campaign */
  const struct str *files;  const struct str *sources; uint32_t file_count; /* the scripts themselves */
};

static inline struct str unit_string(const struct unit *u, uint32_t i) {
  return i == NONE ? (struct str){ NULL, 0 } : u->strings[i];
}
static inline struct str step_file(const struct unit *u, const struct step *s) { return s->file.len ? s->file : u->file; }
static inline struct str unit_name(const struct unit *u) { return u->strings[u->name]; }

struct program_error { char text[256]; };

/* Serialises a unit's hashed part and fills hash and body_bytes (copied to the arena). The emitter calls it once a unit. */
void unit_seal(struct arena *a, struct unit *u);
/* Reads and verifies one unit's hashed part. CAMP_CORRUPT, CAMP_LIMIT with a sentence in *e. */
enum camp_err unit_read(struct arena *a, struct str body, struct unit *out, struct program_error *e) MUST_CHECK;
/* Verifies a unit that is in memory: the check that unit_read ends with. The emitter's output must pass it too. */
enum camp_err unit_verify(const struct unit *u, struct program_error *e) MUST_CHECK;
/* The file: header with magic, version, length and SHA-256 of the rest; then declarations, sealed units, steps, sources. Reading gives
 * CAMP_VERSION for another format, CAMP_LIMIT beyond LIMIT_PROGRAM_BYTES and its like, CAMP_CORRUPT else, with a sentence in *e. */
void program_write(struct buf *b, const struct program *p);
enum camp_err program_read(struct arena *a, struct str bytes, struct program *out, struct program_error *e) MUST_CHECK;
/* A listing of every unit, and of one: its tables, and its code with the lines of the scripts. */
void program_disassemble(struct buf *b, const struct program *p);
void unit_disassemble(struct buf *b, const struct unit *u);
/* One instruction's operands, in order; returns its bytes, 0 when it is cut or unknown. */
uint32_t instruction_decode(const uint8_t *code, uint32_t code_bytes, uint32_t pc, uint32_t operands[2]);
#endif
