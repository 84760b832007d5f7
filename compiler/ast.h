#ifndef CAMP_COMPILER_AST_H
#define CAMP_COMPILER_AST_H
/* The tree that parsing makes and the later stages fill. Nodes live in the compilation's arena; fields under
 * "filled by" are zero until that stage. Lists are linked by `next`, in the order of the text. */
#include "compile.h"

#include "vm/request.h"

struct name { struct str text; struct span span; }; /* quotes of a quoted name removed */

enum expr_kind {
  EXPR_LITERAL,   /* value */
  EXPR_NAME,      /* name: property, definition, list, event alias, contact (resolved by names) */
  EXPR_MEMBER,    /* a.name: contact.x, purchase.amount, item.price, moment.weekday */
  EXPR_HISTORY,   /* count(…) sum(…) average(…) min(…) max(…) */
  EXPR_FIRST,     /* first(purchase).source: history.fn AGG_FIRST or AGG_LAST, name = property, empty: its own time */
  EXPR_DID,       /* did E …; negated for no */
  EXPR_SINCE,     /* time since last E / first E */
  EXPR_ANY,       /* any|every|no x in LIST where COND */
  EXPR_UNARY, EXPR_BINARY,
  EXPR_IN,        /* a in [x, y], a is one of x, y; items linked */
  EXPR_MISSING,   /* a is missing; negated: is not missing */
  EXPR_LIST,      /* [x, y], items linked; types makes a literal of it */
  EXPR_RECORD,    /* { key: value }, props; so too */
  EXPR_CODE,      /* code("SUMMER", contact): value is the text */
  EXPR_CONSENTS,  /* consents to offers: name */
  EXPR_BAD        /* stands where a mistake was reported; every check passes over it */
};
enum binary_op { BIN_OR, BIN_AND, BIN_IS, BIN_IS_NOT, BIN_LT, BIN_LE, BIN_GT, BIN_GE, BIN_CONTAINS, BIN_STARTS, BIN_ENDS,
  BIN_MATCHES, BIN_ADD, BIN_SUB, BIN_MUL, BIN_DIV, BIN_ELSE };
enum unary_op { UN_NOT, UN_NEG };
enum aggregate { AGG_COUNT, AGG_SUM, AGG_AVERAGE, AGG_MIN, AGG_MAX, AGG_FIRST, AGG_LAST };

struct type {             /* what types fills */
  uint8_t kind;           /* enum value_type; V_MISSING = unknown, agrees with everything */
  uint32_t currency;      /* of money, when known */
  const struct type *item;      /* V_LIST */
  const struct record *record;  /* V_RECORD */
  struct str ref;               /* V_REF: "message", "campaign", "list" … */
};

struct event_ref {        /* an event as conditions, triggers and waits name it */
  struct name name;
  struct name of;         /* `open of hello`: the message; len 0 when none */
  struct name alias;      /* as p */
  struct expr *where;     /* or NULL */
  struct span span;
  struct event_ref *next; /* joined by or */
  /* filled by names */
  struct event_decl *decl;/* NULL when unknown is allowed */
  struct frame *frame;    /* names.h: this event alone, as its own where sees it */
  bool alias_used;
};

struct prop { struct name name; struct expr *value; struct prop *next;
  bool consents; /* `consents to offers` of a test's contact: name is the topic, value is NULL */ };

struct expr {
  uint8_t kind, op, aggregate;
  bool negated, every;
  uint16_t height;                     /* of this tree, at most LIMIT_EXPRESSION_HEIGHT, so that stages may recurse */
  struct span span;
  struct value value;
  struct name name;
  struct expr *a, *b, *items, *next;   /* items: EXPR_IN's list, linked by next */
  struct event_ref *events;            /* HISTORY, FIRST, DID, SINCE */
  struct expr *where;                  /* ANY (events carry their own) */
  struct prop *props;                  /* RECORD */
  struct value window;                 /* `last 90d`: V_EXACT or V_CALENDAR; V_MISSING: none */
  struct span window_span;
  /* filled by names and types */
  struct type type;
  uint8_t target;                      /* enum target of names.h */
  void *decl;                          /* what a name means */
};

enum stmt_kind { STMT_SCORE, STMT_SEND, STMT_JOIN, STMT_LEAVE, STMT_TAG, STMT_UNTAG, STMT_SET, STMT_EMIT, STMT_EXIT, STMT_START,
  STMT_STOP, STMT_SUBSCRIBE, STMT_UNSUBSCRIBE, STMT_IF, STMT_WAIT, STMT_SPLIT, STMT_EXPERIMENT, STMT_REPEAT, STMT_EACH, STMT_DO, STMT_SHOW, STMT_CALL, STMT_BAD };
enum wait_kind { WAIT_DURATION, WAIT_UNTIL_MOMENT, WAIT_UNTIL_TIME, WAIT_UNTIL_WINDOW, WAIT_EVENTS };
enum { SINCE_NOW, SINCE_START, SINCE_LAST };

struct on_branch {        /* on EVENT where … { … }; also the single `wait for` */
  struct event_ref *events;
  uint8_t since;          /* SINCE_… */
  struct value since_window;
  struct stmt *body;
  struct span span;
  struct on_branch *next;
  struct frame *frame;      /* filled by names: the event that was heard, as the body sees it */
};
struct arm {              /* 45% { … } of a split, variant warm 50% { … } of an experiment */
  struct name name;       /* of a variant */
  struct value share;     /* V_PERCENT */
  struct span span;       /* of the percentage */
  struct stmt *body;
  struct arm *next;
};
/* What an experiment says besides its variants, which are arms, and its measure: an EXPR_DID or the EXPR_HISTORY of a sum, in
 * the statement's `value`, and how long after it a contact's response counts, in its `duration`. */
struct experiment_decl {
  struct value holdout;   /* V_PERCENT of all who come; V_MISSING: nobody is held out */
  struct span holdout_span, measure_span, winner_span; /* to 0: not said */
  uint32_t currency;      /* `sum(purchase.amount) in EUR` */
  bool certain;           /* `winner at 95% certainty` */
  bool mistaken;          /* a part was not understood, and reported */
  struct stmt *outer;     /* while it is read: the experiment around it */
};
struct name_list { struct name name; struct name_list *next; };

struct stmt {
  uint8_t kind, wait;
  bool forever;           /* wait forever for */
  struct span span;       /* the whole statement's head, without its blocks */
  struct name name;       /* message, list, tag, attribute, event, campaign; split: its name, if any; for each: the element; repeat: its span is the number's */
  struct expr *value;     /* set to; wait until a moment; if's condition; tag's text; for each's list */
  /* send */
  struct value after;     /* V_MISSING: at once */
  struct span after_span;
  struct expr *at;        /* send … at MOMENT */
  struct event_ref *unless;
  struct name operation;  /* call: `name` is the connector */
  struct name reply;      /* call … as reply; len 0: nobody waits for it */
  struct name_list *via;  /* the channels, in order; NULL: the message's own */
  struct expr *if_still;
  struct prop *props;     /* emit, send, start with { } */
  /* if and wait */
  struct stmt *then, *otherwise; /* if: blocks (else if is a nested STMT_IF); wait, split: otherwise = else block; repeat, for each: then */
  bool has_else;
  struct on_branch *branches;    /* WAIT_EVENTS */
  struct arm *arms;              /* split, experiment */
  struct experiment_decl *experiment;
  struct expr *args;             /* do: linked by next */
  struct expr *length;           /* of `wait pause`, `after pause`: the parameter; NULL: the duration is written there */
  uint32_t count;                /* repeat N times */
  struct value duration;         /* wait D; up to D; repeat every D, V_MISSING: none */
  struct span duration_span;
  struct value time_from, time_to; /* WAIT_UNTIL_TIME (from), WAIT_UNTIL_WINDOW */
  uint8_t weekdays;       /* bit 0 Monday; 0x7f any */
  struct stmt *next;
  /* filled by names */
  void *decl;
  struct frame *frame;           /* call: the reply, as what stands behind it sees it */
  struct str id;                 /* split: its name, or its place among those without one; start with { }: the event */
  struct binding *bindings;      /* do: the parameters; `then` is the sequence, written out */
};

struct type_ref { struct name name; struct type_ref *item; /* list of */ struct expr *choices; /* one of "free", "pro" */
  uint32_t currency; /* money in EUR */ struct span span; struct type type; /* filled by names */ };
struct member { struct name name; struct type_ref *type; struct expr *initial; struct str doc; struct member *next;
  struct expr *from; /* of a reply: `id: text from response.sid` */
  bool used; /* of an operation's parameter, filled by the check: the request says it */ };

enum item_kind { ITEM_USE, ITEM_EVENT, ITEM_RECORD, ITEM_CONTACT, ITEM_DEFINE, ITEM_LIST, ITEM_MESSAGE, ITEM_CAMPAIGN,
  ITEM_RULE, ITEM_TEST, ITEM_ZONE, ITEM_LATE, ITEM_ALLOW, ITEM_FIXTURE, ITEM_SEGMENT, ITEM_SCORE, ITEM_SEQUENCE, ITEM_CONTENT,
  ITEM_TOPIC, ITEM_POLICY, ITEM_CHANNEL, ITEM_CONNECTOR };

struct event_decl  { struct name name; struct member *members; };
struct record      { struct name name; struct member *members; };
struct contact_decl{ struct member *members; };
/* Also a segment. */
struct define_decl { struct name name; struct expr *value; uint8_t state; /* names: cycle mark */ uint8_t height; /* definitions below it */ bool typed, used; };
struct score_rule_decl { struct event_ref *events; double points; struct value halves; /* of `halves every`, then there are no events */
  struct span span; struct score_rule_decl *next; };
struct score_decl  { struct name name; struct score_rule_decl *rules, **tail; struct value halves; struct span halves_span; bool used; };
struct list_decl   { struct name name; };
/* `{{ code }}`: what a message says of the values that come with a send. */
struct said_value { struct name name; bool required; /* somewhere without a default */ struct said_value *next; };
struct sending { const struct stmt *stmt; struct sending *next; };
/* A file that a message attaches, or shows in its text. */
struct mail_file { struct name path; struct name as; /* len 0: the path's last part */ struct mail_file *next;
  struct str hash, base64, type; /* filled by the driver: SHA-256 in hex, lines of a mail, "image/png"; hash len 0: there is none */ };
struct mail_page;         /* mail_page.h */
/* `fr "…"`, `fr file "…"`; the language in small letters. */
struct language_text { struct name language, text; bool file, bad; struct language_text *next; };
enum language_part { SPOKEN_SUBJECT, SPOKEN_BODY, SPOKEN_TEXT, SPOKEN_PREHEADER, LANGUAGE_PARTS };
struct message_decl{ struct name name; struct name channel; struct name subject, body; /* text and its span inside the quotes */
  bool has_subject, has_body, body_is_file;
  struct name topic;      /* len 0: none */
  bool transactional;
  struct span transactional_span, priority_span, expires_span; /* to 0: not said */
  uint8_t priority;       /* enum priority of vm/program.h */
  struct value expires;   /* V_MISSING: never */
  bool sent;              /* filled by flow: a statement sends it */
  struct said_value *said; struct sending *sendings; /* filled by flow */
  struct name text, preheader, from, reply_to; /* span.to 0: not said */
  bool text_is_file, untracked;
  struct span untracked_span;
  struct mail_file *attached, **attached_tail;
  struct mail_page *page;     /* filled by the driver: of a body that is HTML, and of what it takes in; else NULL */
  bool languages_torn;    /* a language was not understood, and reported */
  struct language_text *in[LANGUAGE_PARTS]; /* what is said in several languages; the first one's are subject, body … */
  struct name language;   /* len 0: of no language that is known */
  struct message_decl *translations, *next_translation; /* filled by languages_expand: the other languages … */
  const struct message_decl *translation_of;            /* … and of such a one, the message itself */ };

/* What `show` shows on a page: texts by part; title, body, button, link, image, and the priority, a number. */
struct content_part { struct name word; struct name text; struct value number; struct content_part *next; };
struct content_decl { struct name name; struct content_part *parts; };
/* What a contact consents to. */
struct topic_decl { struct name name; bool double_opt_in;
  struct name asks;       /* `double opt in by confirm_mail`: the message that asks for the confirmation; len 0: none */
  bool used, granted, told; /* filled by the check: some code names it; some code grants it; that none does was said */ };
/* `at most 3 messages via sms of offers per 7d then drop`, `quiet from 21:00 to 08:00 on weekdays via sms`. */
struct policy_rule { bool quiet, drop; uint32_t count; struct span count_span; struct value window; struct span window_span;
  struct value from, to; struct span times_span; uint8_t weekdays; struct name via, of; struct span span; struct policy_rule *next; };
struct policy_decl { struct policy_rule *rules; struct span span; };

struct start_clause { struct event_ref *events; struct expr *where_cond; /* `and COND` */ struct span span; struct start_clause *next; };
/* start at …, start every …: at_ms and days as in struct schedule (vm/program.h) */
struct schedule_clause { uint8_t kind, days; int64_t at_ms; struct name zone; struct expr *audience; /* for …, or NULL */
  struct span when; struct span span; struct schedule_clause *next; };
struct goal_clause { struct event_ref *events; struct value within; struct span within_span, span; struct goal_clause *next; };
struct stop_clause { struct event_ref *events; struct span span; struct stop_clause *next; };
struct entry_clause { bool given; uint8_t kind; /* enum entry_kind */ uint32_t at_once; struct value within; struct expr *key; struct span span; };

/* How a message leaves by a channel, how another system is called: as written, and folded (tree_request.c). */
enum request_part_kind { REQUEST_TO, REQUEST_SENT, REQUEST_REPLY, REQUEST_AUTH, REQUEST_HEADER, REQUEST_FORM, REQUEST_JSON, REQUEST_RETRY, REQUEST_ID,
  REQUEST_BAD };

struct request_decl {
  uint8_t method;         /* enum request_method of vm/request.h */
  struct name url;        /* its span inside the quotes */
  struct span span;
  struct expr *auth_user, *auth_key; /* basic: both; bearer: the key alone */
  struct prop *headers, *form, *json;
  bool has_form, has_json;
  struct expr *id_from;   /* `id from response.sid` */
  uint16_t retry[REQUEST_RETRY_MAX]; uint8_t retry_count; /* 429; of `5xx` 5 */
  struct value retry_up_to; struct span retry_span;
};
struct request_part { uint8_t kind; struct span span; struct name name; struct request_decl request; struct request_part *parts; struct prop *props;
  struct member *members; struct expr *a, *b; struct request_part *next; };
struct channel_decl { struct name name; struct name to; /* the attribute that holds the address; len 0: it goes to no address */
  struct request_decl *request; };
struct operation_decl {
  struct name name;
  struct span span;
  struct event_decl replied; /* filled by names: the reply's fields, status and error */
  struct member *params, *reply;
  struct request_decl *request;
  struct str connector;
  struct str full;        /* crm.create_task */
  bool called;
  bool mentioned;         /* by a call or a test */
  struct operation_decl *next;
};
struct connector_decl { struct name name; struct operation_decl *operations; };

struct campaign_decl {    /* and a rule: one start, entry every time */
  struct name name;       /* a rule without a name gets one from its text: "when purchase and …" */
  bool rule;
  struct start_clause *starts;
  struct schedule_clause *schedules;
  struct event_decl given; /* start with { … }: its name is that of the event by which it starts, `start loyalty`; empty: it has none */
  struct goal_clause *goals;
  struct stop_clause *stops;
  struct entry_clause entry;
  bool has_end;
  int64_t ends_ms;        /* civil: nobody enters from this moment on */
  struct span ends_span;
  struct value resume;    /* on resume: V_BOOL skip, a duration to spread over, V_MISSING nothing said */
  struct span resume_span;
  struct stmt *body;
  struct str rule_text;   /* of a rule: all of it, from `when` */
  struct frame *frame;    /* filled by names: what started the run */
  bool started;           /* filled by flow: a statement starts it */
};

/* A table's line; its cells linked. The first one of a table names the columns. */
struct case_row { struct expr *cells, *last; struct span span; struct case_row *next; };

/* What names a column of the test's cases has it as a name until cases_expand writes the cell in its place. */
struct expect {
  uint8_t kind;
  bool sent, once, negated, has_at, has_until;
  struct name contact, message, campaign, content, experiment, variant;
  struct name at_column, within_column;
  struct span within_span;
  int64_t civil_ms, until_ms;
  struct value within;
  struct str because;
  uint32_t times;
  struct expr *cond;
};
struct test_line {
  uint8_t kind;           /* enum test_kind */
  bool has_at;
  struct span span;
  struct name contact, event, of, fixture, at_column;
  struct name operation;  /* `reply of crm.create_task`: `of` is the connector */
  struct prop *props;
  struct case_row *rows;  /* TEST_CASES: the columns, then the cases */
  int64_t civil_ms;
  struct expect expect;
  const struct test_decl *given;  /* filled by names */
  struct operation_decl *replies;
  struct test_line *next;
};
struct test_decl {
  struct name name;
  struct test_line *lines;
  uint8_t state;          /* names: cycle mark of a fixture */
  bool torn;              /* names: who is on the stage is not known whole */
  uint32_t steps;         /* names: with those of its fixtures */
};

struct sequence_decl { struct name name; struct member *params; struct stmt *body; bool open /* is being written out */, used; struct binding *own; };

struct item {
  uint8_t kind;
  struct span span;
  struct str doc;         /* ## lines above */
  union {
    struct name use;      /* module name, or a path in quotes */
    struct event_decl event; struct record record; struct contact_decl contact; struct define_decl define; struct score_decl score;
    struct list_decl list; struct topic_decl topic; struct policy_decl policy; struct message_decl message; struct content_decl content;
    struct campaign_decl campaign; struct test_decl test;
    struct name zone; struct value late; struct sequence_decl sequence; struct channel_decl channel; struct connector_decl connector;
  };
  bool use_is_path;
  uint32_t mentioned;     /* filled by names: how often its name was looked up */
  struct item *next;
};

struct tree { struct item *items; struct item **tail; };

/* parse: appends the source's items to the tree; every mistake is reported. */
void parse_source(struct compilation *c, uint32_t source, struct tree *tree);
/* Behind parsing: a test with a table of cases becomes one test a case. */
/* Behind parsing: a message in several languages is followed by one for each language but the first. */
void languages_expand(struct compilation *c, struct item *item);
void cases_expand(struct compilation *c, struct tree *tree);
/* The later stages, over the tree of all sources. Each passes over EXPR_BAD and STMT_BAD. */
struct scope; /* names.h */
void names_resolve(struct compilation *c, struct tree *tree, struct scope *scope);
void types_check(struct compilation *c, struct tree *tree, struct scope *scope);
void flow_check(struct compilation *c, struct tree *tree, struct scope *scope);
void emit_program(struct compilation *c, struct tree *tree, struct scope *scope);
#endif
