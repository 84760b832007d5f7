#ifndef CAMP_COMPILER_NAMES_H
#define CAMP_COMPILER_NAMES_H
/* What names mean: the project's declarations by name, and what names_resolve leaves at each place of the tree for
 * types, flow and emit. Private to the compiler. Everything lives in the compilation's arena. */
#include "ast.h"
#include "diagnostics.h"

/* What an EXPR_NAME or EXPR_MEMBER stands for, and what its decl then is. */
enum target {
  TARGET_NONE,
  TARGET_PROPERTY,  /* struct use: a property of an event */
  TARGET_ATTRIBUTE, /* struct member, or NULL when unknown is allowed: expr.name of the contact */
  TARGET_DEFINE,    /* struct define_decl */
  TARGET_LIST,      /* struct list_decl */
  TARGET_SEGMENT,   /* struct define_decl */
  TARGET_SCORE,     /* struct score_decl */
  TARGET_ITEM,      /* struct item_var: the element itself */
  TARGET_ITEM_FIELD,/* struct item_var: expr.name is a member of the element, standing bare */
  TARGET_SUBFIELD,  /* struct member or NULL: expr.name of the record expr.a */
  TARGET_DATEPART,  /* expr.op is the part: 0 year … 6 time, of expr.a */
  TARGET_TAGS,      /* contact.tags, which only `contains` may follow */
  TARGET_NOW,
  TARGET_BINDING    /* struct binding: a parameter of the sequence */
};

/* A property that code reads. One use a frame, property and qualifier, so that it needs one local at most. */
struct use {
  struct frame *frame;
  struct str name;
  struct str only;             /* `purchase.amount` where several events are joined: the event's name; else empty */
  const struct member *member; /* NULL when unknown is allowed */
  struct type type;
  bool later;                  /* read after the instant in which the event was in hand */
  uint32_t local;              /* emit: NONE until it has one */
  struct use *next;
};

/* An event that conditions may look into: what started the run, what a wait hears, what a history condition counts. */
struct frame {
  const struct event_ref *events; /* joined by or; the starts of a campaign are several such lists, in `starts` */
  const struct start_clause *starts;
  bool qualified;              /* a reply: read as reply.id alone, so that bare names keep their meaning */
  bool history;                /* of count(…), did …: only its own properties may be read inside */
  uint32_t event_count, use_count;
  struct use *uses, **uses_tail;
};

/* A parameter of a sequence, and what it stands for where the sequence is done. In the sequence itself, which is checked once with
 * nothing to stand for, arg and decl are NULL. */
struct binding {
  const struct member *param;
  struct expr *arg;            /* of a value: resolved where the `do` stands */
  struct str ref;              /* of a reference (`offer: message`): the name of what it refers to */
  void *decl;                  /* and its declaration */
  uint32_t local;              /* emit: where the value is kept when it is no literal */
  bool used;                   /* something in the sequence names it */
  struct binding *next;
};

struct item_var {              /* any item in LIST where …, for each item in LIST */
  struct str name;
  struct type type;
};

/* A hash table from (space, name) to a pointer. Spaces below SPACE_COUNT are kinds of declarations; above them a space
 * is the address of the declaration whose members it holds. */
enum space { SPACE_EVENT = 1, SPACE_RECORD, SPACE_ATTRIBUTE, SPACE_VALUE, SPACE_MESSAGE, SPACE_CAMPAIGN, SPACE_SEQUENCE, SPACE_FIXTURE, SPACE_CONTENT, SPACE_TOPIC,
  SPACE_CHANNEL, SPACE_CONNECTOR, SPACE_EXPERIMENT, SPACE_COUNT };
struct table_entry { uint64_t hash; uintptr_t space; struct str name; void *value; };
struct table { struct table_entry *entries; uint32_t count, cap; };

struct scope {
  struct compilation *c;
  struct table table;
  VEC(struct item *) declared[SPACE_COUNT]; /* what is in force, in order; overridden standard ones are skipped */
  VEC(struct member *) attributes;
  VEC(const struct stmt *) experiments;
  bool allow_unknown;
  struct str zone;
  int64_t late_after_ms;       /* 0: not said */
  uint64_t test_steps;         /* of all tests, with those of their fixtures */
  const struct source_reader *reader; /* may be NULL */
  struct table snippets;       /* by the folder of who takes them in, and their file */
  struct str folder;           /* that holds the whole project */
  VEC(struct name) unknown_read; /* under `allow unknown`: attributes that texts read and nobody declares */
  uint64_t compared;           /* names that were compared to find what was meant */
};

void *table_find(const struct table *t, uintptr_t space, struct str name);
/* The place for (space, name): new ones hold NULL. */
void **table_place(struct arena *a, struct table *t, uintptr_t space, struct str name);

/* The item of a declaration (ITEM_EVENT in SPACE_EVENT …), or NULL. */
struct item *scope_item(const struct scope *s, enum space space, struct str name);
const struct member *scope_property(const struct scope *s, const struct event_decl *event, struct str name);
const struct member *scope_part(const struct scope *s, const struct record *record, struct str name);
const struct member *scope_attribute(const struct scope *s, struct str name);
bool scope_is_standard(const struct scope *s, const struct item *item);
/* Of the standard library, or of a file that another one takes in: nobody wonders when it is used nowhere. */
bool scope_is_for_others(const struct scope *s, const struct item *item);
/* Adds the nearest declared name of the space as help and fix. */
void scope_suggest(struct scope *s, struct diagnostic *d, struct span span, enum space space, struct str want);
void scope_suggest_member(struct scope *s, struct diagnostic *d, struct span span, const struct member *members,
                          struct str want);
void scope_suggest_attribute(struct scope *s, struct diagnostic *d, struct span span, struct str want, const char *prefix);

/* So many members are walked; more are hashed. */
enum { MEMBERS_FEW = 8 };
/* scope.c, for names.c: declares every item of the tree; the members' types; whose name; suggestions by hand. */
struct name *scope_item_name(struct item *item);
void scope_suggest_end(struct scope *s, struct diagnostic *d, struct span span, struct nearest n, const char *prefix);
bool scope_suggest_worthwhile(const struct scope *s);
void scope_suggest_try(struct scope *s, struct nearest *n, struct str candidate);
void scope_declare(struct scope *s, struct tree *tree);
void scope_list_declared(struct scope *s, struct tree *tree);
struct type scope_member_type(const struct member *m);

/* names_foreign.c: what a name of another language or tool would be here; false when it is none. */
struct str foreign_members(struct arena *a, const struct member *members); /* `sku`, `price`: the first of them */
bool foreign_value(struct diagnostic *d, const struct expr *e);
bool foreign_event(struct scope *s, struct diagnostic *d, struct str name);
bool foreign_type(struct diagnostic *d, struct span span, struct str name);
const char *foreign_attribute_type(struct str name);                /* what one of this name most likely holds */
void foreign_template(struct compilation *c, const struct expr *e); /* warns of `{{ }}` in a text that nothing fills in */
/* Canonical text of an expression: the same for the same meaning, whatever its spelling. Definitions are written out. */
void expr_show(struct buf *b, const struct expr *e);
/* The same for people: without the types that tell two measures apart. */
void expr_show_plain(struct buf *b, const struct expr *e);
/* `purchase`, `open of hello`, without alias and where. */
void event_ref_show(struct buf *b, const struct event_ref *e);
void duration_show(struct buf *b, struct value v);
void name_show(struct buf *b, struct str name);
/* The choices that an expression's value is one of (`one of "free", "pro"`), or NULL. */
const struct expr *expr_choices(const struct expr *e);
/* Makes of `moment.day` and its like what they mean; false when the name is no part of a date. What has no such part is reported. */
bool expr_date_part(struct expr *e);
void expr_no_part(struct scope *s, const struct expr *e, struct type t);
/* A type's name as a script writes it, in the arena. */
struct str type_show(struct arena *a, struct type t);
/* sense.c: warns of a condition that never or always holds; asked of each expression once. */
void sense_check(struct compilation *c, const struct expr *e);
/* literal.c: whether the expression is a constant as it stands; its value; makes a literal of a list or record. */
bool literal_is(const struct expr *e);
struct value literal_value(const struct expr *e);
void literal_fold(struct compilation *c, struct expr *e);
/* values.c: a send of the message; then, when all are known, whether each gives what the message says. */
void values_note(struct compilation *c, struct message_decl *m, const struct stmt *send);
void values_check(struct compilation *c, struct scope *s, struct message_decl *m);
/* Two values of one name in `with { }`. */
void values_twice(struct compilation *c, const struct prop *props);
/* clone.c: a copy of the block, as parsing made it; adds the number of its statements. */
struct stmt *clone_block(struct arena *a, const struct stmt *block, uint32_t *count);
/* walk.c: whether a statement of the block, or of one inside it, suspends the run. */
bool block_suspends(const struct stmt *block);
/* walk.c: whether two blocks of simple statements do the same; of others it says that they do not. */
bool blocks_same(const struct stmt *a, const struct stmt *b);
/* walk.c: whether the statement is an `exit` or holds one. */
bool stmt_exits(const struct stmt *st);
/* Whether something leaves at once between two statements, so that a wait that follows counts from it. */
bool block_sends(const struct stmt *from, const struct stmt *end);
/* experiment.c: a percentage in the places that a split can tell apart; 0 when it is finer, or none. */
int64_t share_places(struct value share);
void experiment_check(struct compilation *c, const struct stmt *st);
/* policy.c: the topic of this name, or NULL when that was reported; the names and the sense of topics, policy and messages. */
struct topic_decl *topic_find(struct scope *s, const struct name *name);
void policy_resolve(struct compilation *c, struct tree *tree, struct scope *s);
void policy_check(struct compilation *c, struct tree *tree, struct scope *s);
/* request.c: reports a channel that is not known. */
void channel_check(struct scope *s, const struct name *channel);
/* The contact's attribute that holds its address on the channel, as image_channel_address says of a program; empty: none is needed. */
struct str channel_attribute(const struct scope *s, struct str channel);
/* What is wrong in a declared channel, in an operation of a connector. */
void channel_declared_check(struct scope *s, const struct channel_decl *ch);
/* names_call.c: the operation, or NULL when that was reported. */
struct operation_decl *operation_find(struct scope *s, const struct name *connector, const struct name *operation);
void operation_check(struct scope *s, const struct operation_decl *o);
/* Where a field of a reply stands in the response: a line a member. */
struct str reply_path(struct scope *s, const struct member *field);
/* template.c: reports what is wrong in a text of the message, and notes the values that it says. */
void template_check(struct scope *s, struct message_decl *m, struct str text, struct span span);
/* Where bytes of a text stand in the script; a value that the message says. */
struct span template_span(struct scope *s, struct str text, struct span span, size_t from, size_t to);
void note_value(struct scope *s, struct message_decl *m, struct str name, struct span span, bool required);
/* snippets.c: a file that a template takes in, looked for from the script's folder upwards: in `snippets` or `layouts`. The first
 * look with may_load reads it; without, it must have been loaded. */
struct snippet { bool found; struct str text; uint32_t source; };
enum { SNIPPETS = 1 };
bool snippet_name_ok(struct str name);
const struct snippet *snippet_find(struct scope *s, struct arena *a, uint32_t script, const char *folder, struct str name, bool may_load);
/* Reports files of those folders that no template takes in, when all templates were looked at. */
void snippets_unused(struct scope *s);
/* liquid_message.c: the same for texts that are templates. */
void liquid_check(struct scope *s, struct message_decl *m, struct str text, struct span span);
#endif
