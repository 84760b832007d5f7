#ifndef CAMP_COMPILER_EMIT_H
#define CAMP_COMPILER_EMIT_H
/* The builder of one unit, private to the files that write units: build.c, emit*.c, live.c, template.c, and those that have a construct
 * whole (policy.c, experiment.c, request.c). Its tables are reused from unit to unit; build_finish copies what a unit
 * holds into the compilation's arena. */
#include "names.h"

enum index_kind { INDEX_STRING, INDEX_CONST, INDEX_FIELD, INDEX_MEASURE };
struct index_entry { uint64_t hash; uint32_t generation, item; uint8_t kind; };

/* Expression code stands behind all step code, so what is to be written there is remembered until then. */
enum pending_kind { PENDING_TRIGGER, PENDING_STOP, PENDING_GOAL, PENDING_BRANCH, PENDING_MEASURE, PENDING_ARM, PENDING_KEY, PENDING_SCHEDULE,
  PENDING_SCORE, PENDING_RESPONSE, PENDING_REPLY, PENDING_STILL };
struct pending {
  uint8_t kind;
  uint32_t item;                  /* whose pc it is */
  const struct event_ref *event;  /* its `of` and where, with the event in hand */
  const struct expr *cond;        /* and this */
  const struct stmt *arm;         /* PENDING_ARM */
  uint32_t local;                 /* PENDING_REPLY: where the call's key is */
  bool well;                      /* … a reply that says that it went well, else any */
};

/* The local of an element that code is written for: kept here, because a definition's tree is every unit's. */
struct item_local { const struct item_var *item; uint32_t local; };

/* The locals of a `repeat`: how often its body has run, and when it ran first. */
struct repeat_locals { const struct stmt *stmt; uint32_t done, first; };

struct builder {
  struct compilation *c;
  struct scope *s;
  struct arena *a;
  struct unit *unit;
  struct span span;               /* of the declaration, for messages */
  const struct campaign_decl *campaign;
  bool waits;                     /* some statement suspends, so what starts the run does not stay in hand */
  bool in_measure;                /* the filter of a measure, which units share: not a condition of this one */
  bool failed;                    /* a limit was met and said */
  struct unit_places *places_of;  /* where the unit's places go; NULL in a test's condition, which has none */
  VEC(struct str) strings;
  VEC(struct value) consts;
  VEC(struct field) fields;
  VEC(struct measure) measures;
  VEC(struct trigger) triggers;
  VEC(struct trigger) stops;
  VEC(struct trigger) goals;
  VEC(struct schedule) schedules;
  VEC(struct score_rule) score_rules;
  VEC(struct wait) waits_made;
  VEC(struct branch) branches;
  VEC(struct emit) emits;
  VEC(struct experiment) experiments;
  VEC(struct variant) variants;
  VEC(struct response) responses;
  VEC(uint32_t) emit_keys;
  VEC(uint8_t) code;
  VEC(struct step) steps;
  VEC(struct code_place) places;
  VEC(struct pending) pending;
  VEC(uint64_t) live;             /* scratch of liveness, a word a byte of code */
  VEC(uint32_t) pcs;
  VEC(uint32_t) exits;            /* jumps of `exit` to where the run is over */
  VEC(struct item_local) items;   /* innermost last */
  VEC(struct repeat_locals) repeats; /* of the unit */
  struct index_entry *index;
  uint32_t index_cap, index_count, generation;
  uint32_t local_next, local_high;
  int32_t depth, depth_max;       /* values on the stack */
  /* the event in hand, or NULL: its own frame, and the frame of what starts the run */
  const struct event_ref *hand;
  const struct frame *hand_frame;
  struct buf text;                /* scratch */
  struct str (*instead)(void *context, struct str text); /* what is compiled for a snippet or a layout; NULL: as it is */
  void *instead_context;
};

/* build.c: tables and code */
uint32_t build_string(struct builder *b, struct str s);
uint32_t build_const(struct builder *b, struct value v);
uint32_t build_field(struct builder *b, struct str name, struct type t);
/* The measure of this text, or NONE; a new one. */
uint32_t build_measure_find(struct builder *b, uint32_t text);
uint32_t build_measure_add(struct builder *b, struct measure m);
uint32_t build_op(struct builder *b, enum opcode op, uint32_t x, uint32_t y); /* its pc */
/* A jump whose target is not known yet, and its target. */
uint32_t build_jump(struct builder *b, enum opcode op, uint32_t local);
void build_land(struct builder *b, uint32_t jump_pc);
static inline uint32_t build_pc(const struct builder *b) { return b->code.count; }
uint32_t build_local(struct builder *b);
void build_limit(struct builder *b, const char *what, uint32_t limit);
void build_step(struct builder *b, const struct stmt *st);
/* Notes where an item, or the condition whose code began at `from` and has just been written, stands in the script. */
void build_place(struct builder *b, enum place_kind kind, uint32_t item, struct span span);
void build_condition(struct builder *b, const struct expr *e, uint32_t from);
void build_condition_span(struct builder *b, struct span span, uint32_t from);
void build_begin(struct builder *b, struct unit *u, enum unit_kind kind, struct str name, struct span span); /* u is zeroed */
void build_finish(struct builder *b);
void builder_init(struct builder *b, struct compilation *c, struct scope *s);
void builder_deinit(struct builder *b);
/* emit.c: writes all that is pending; more may come up meanwhile. */
void build_pending(struct builder *b);

/* emit_expr.c */
void emit_expr(struct builder *b, const struct expr *e);
/* The event's `of` and `where` as one condition; false when it has none and nothing was emitted. */
bool emit_filter(struct builder *b, const struct event_ref *event, bool history, const struct expr *cond);

/* emit_stmt.c */
void emit_body(struct builder *b, const struct campaign_decl *cd);
void emit_deadline(struct builder *b, const struct stmt *st);
void emit_start_values(struct builder *b, const struct frame *f, const struct event_ref *event, bool clear);
/* The statements of a block, one behind the other. */
void emit_block(struct builder *b, const struct stmt *block);
uint32_t emit_wait_op(struct builder *b, const struct stmt *st, bool deadline);
/* experiment.c */
void emit_experiment(struct builder *b, const struct stmt *st);
/* emit_call.c */
void emit_call(struct builder *b, const struct stmt *st);
void emit_reply_filter(struct builder *b, uint32_t local, bool well);

/* live.c */
void live_fill(struct builder *b);

/* policy.c: the unit of topics and policy, false when there is none; the rule that sends what a topic asks with. */
bool policy_is_unit(const struct item *i);
void emit_topic(struct builder *b, struct unit *u, const struct item *item);
bool emit_policy(struct builder *b, struct unit *u, const struct tree *tree);

/* template.c */
const struct part *template_parts(struct builder *b, struct str text, struct span span, uint32_t script, bool body, uint32_t *count);
/* liquid_message.c */
const struct part *liquid_parts(struct builder *b, struct str text, struct span span, uint32_t script, bool body, uint32_t *count);

/* emit_segment.c, emit_message.c, emit_test.c, request.c */
void emit_segment(struct builder *b, struct unit *u, const struct item *item);
void emit_score(struct builder *b, struct unit *u, const struct item *item);
void emit_channel(struct builder *b, struct unit *u, const struct item *item);
void emit_operation(struct builder *b, struct unit *u, const struct operation_decl *o);
void emit_message(struct builder *b, struct unit *u, const struct item *item);
void emit_test(struct builder *b, const struct item *item);
#endif
