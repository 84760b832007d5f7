#ifndef CAMP_COMPILER_PARSE_H
#define CAMP_COMPILER_PARSE_H
/* What grammar/camp.y calls. Private to the compiler's front end: the driver is parse.c, the constructors are tree.c and tree_*.c.
 *
 * Constructors only build. They report what the grammar cannot say in rules (a clause said twice, a wait without an
 * end) and leave meaning to the later stages. */
#include "ast.h"
#include "lex.h"
#include "vm/base/check.h"
#include "vm/base/limits.h"
#include "vm/calendar.h"
#include "vm/request.h"

/* The text of the rule that is being read, as the formatter would write it on one line, so that a rule without a name keeps
 * its name when it is formatted. */
enum { RULE_NAME_BYTES_MAX = 60 };
struct rule_text {
  bool wanted;
  uint16_t before_last, last; /* kinds of the last tokens written */
  uint32_t bytes;
  char text[RULE_NAME_BYTES_MAX];
};

struct parse {
  struct compilation *c;
  struct tree *tree;
  uint32_t source;
  const char *text;
  uint32_t prev_to;        /* end of the last token that the parser took: where a finished phrase ends */
  bool quiet;              /* this statement's mistake was reported: what follows from it is not */
  bool deep;               /* this statement's operators were reported as too many */
  struct campaign_decl *campaign;  /* whose body is being read */
  struct start_clause **starts_end;
  struct schedule_clause **schedules_end;
  struct goal_clause **goals_end;
  struct stop_clause **stops_end;
  struct stmt **body_end;
  struct campaign_decl spare;      /* takes the body of a campaign whose head was mistaken */
  struct stmt *experiment; /* whose parts are being read, the innermost */
  struct rule_text rule;
};

struct expr_list   { struct expr *first, *last; };
struct member_list { struct member *first, *last; };
struct stmt_list   { struct stmt *first, *last; };
struct event_list  { struct event_ref *first, *last; bool parenthesised; };
struct prop_list   { struct prop *first, *last; };
struct test_list   { struct test_line *first, *last; };
struct case_list   { struct case_row *first, *last; };
struct names_list  { struct name_list *first, *last; };
struct request_parts { struct request_part *first, *last; };
struct operation_list { struct operation_decl *first, *last; };
struct rules_list  { struct policy_rule *first, *last; };
struct trigger_ref { struct event_ref *events; struct expr *cond; };

/* tree.c */
struct span span_of(const struct parse *p, struct token t);
struct span span_from(const struct parse *p, struct token first); /* to the end of the last token taken */
struct token token_none(void);
struct name name_none(void);
/* An error: the word has stood there before, at that place when it is known. */
void said_twice(struct parse *p, struct token word, const char *whose, struct span before);
struct name name_of(struct parse *p, struct token t);
uint32_t count_of(struct parse *p, struct token number);

struct item *item_new(struct parse *p, uint8_t kind, struct token first);
void item_use(struct parse *p, struct token first, struct name name);
void item_event(struct parse *p, struct token first, struct name name, struct member *members);
void item_record(struct parse *p, struct token first, struct name name, struct member *members);
void item_contact(struct parse *p, struct token first, struct member *members);
void item_define(struct parse *p, struct token first, struct name name, struct expr *value);
void item_segment(struct parse *p, struct token first, struct name name, struct expr *value);
void item_score(struct parse *p, struct token first, struct name name, struct score_decl *s);
struct score_decl *score_decl_new(struct parse *p);
struct score_decl *score_decl_add(struct score_decl *s, struct score_rule_decl *r); /* r: a rule, or what `halves` says */
struct score_rule_decl *score_rule_of(struct parse *p, struct token points, struct event_list events);
struct score_rule_decl *score_halves(struct parse *p, struct token word, struct token duration);
void item_sequence(struct parse *p, struct token first, struct name name, struct member *params, struct stmt *body);
void item_list(struct parse *p, struct token first, struct name name);
void item_late(struct parse *p, struct token first, struct token duration);
void item_zone(struct parse *p, struct token first, struct token zone);
void item_message(struct parse *p, struct token first, struct name name, struct message_decl *m);
void item_content(struct parse *p, struct token first, struct name name, struct content_part *parts);
struct content_part *content_part(struct parse *p, struct token word, struct token value);
struct content_part *content_add(struct content_part *list, struct content_part *part);
struct item *item_test(struct parse *p, uint8_t kind, struct token first, struct name name);
/* policy.c: topics, the policy, and what a message says of its release. */
void item_topic(struct parse *p, struct token first, struct name name, struct topic_decl topic);
void item_policy(struct parse *p, struct token first, struct rules_list rules);
struct policy_rule *policy_cap(struct parse *p, struct token first, struct token count, struct policy_rule scope, struct token window);
struct policy_rule *policy_quiet(struct parse *p, struct token first, struct token from, struct token to, struct token days,
                                 struct name via);
struct policy_rule *policy_drops(struct parse *p, struct policy_rule *rule, bool drop);
struct rules_list policy_add(struct rules_list l, struct policy_rule *rule);
struct message_decl *message_topic(struct parse *p, struct message_decl *m, struct token word, struct name topic);
struct message_decl *message_transactional(struct parse *p, struct message_decl *m, struct token word);
struct message_decl *message_priority(struct parse *p, struct message_decl *m, struct token word, uint8_t priority);
struct message_decl *message_expires(struct parse *p, struct message_decl *m, struct token word, struct token after);
struct names_list names_add(struct parse *p, struct names_list l, struct name name);
struct prop *prop_consents(struct parse *p, struct name topic);
struct expr *expr_consents(struct parse *p, struct token first, struct name topic);
struct test_line *expect_held(struct parse *p, struct token first, struct name message, struct name contact, bool negated);
struct test_line *expect_until(struct parse *p, struct test_line *t, struct token moment);

/* tree_request.c: channels and connectors. */
void item_channel(struct parse *p, struct token first, struct name name, struct request_part *parts);
void item_connector(struct parse *p, struct token first, struct name name, struct operation_decl *operations);
struct request_parts requests_add(struct request_parts l, struct request_part *part);
struct request_part *request_bad(struct parse *p, struct token at);
struct operation_list operations_add(struct operation_list l, struct operation_decl *operation);
struct operation_decl *operation_new(struct parse *p, struct name name, struct member *params, struct request_part *parts);
struct request_part *request_to(struct parse *p, struct token first, struct name attribute);
struct request_part *request_reply(struct parse *p, struct token first, struct member *members);
struct request_part *request_to_url(struct parse *p, struct token method, struct token url, struct request_part *parts);
struct request_part *request_auth(struct parse *p, struct token first, struct expr *a, struct expr *b);
struct request_part *request_props(struct parse *p, uint8_t kind, struct token first, struct prop *props);
struct request_part *request_status(struct parse *p, struct request_part *before, struct token status);
struct request_part *request_retry(struct parse *p, struct token first, struct request_part *statuses, struct token up_to);
struct request_part *request_id(struct parse *p, struct token word, struct expr *from);

struct member *member_new(struct parse *p, struct token label, struct type_ref *type, struct expr *initial);
struct member_list members_add(struct member_list l, struct member *m);
struct type_ref *type_named(struct parse *p, struct token name);
struct type_ref *type_money(struct parse *p, struct token name, struct token currency);
struct type_ref *type_list(struct parse *p, struct token first, struct type_ref *item);
struct type_ref *type_choice(struct parse *p, struct token first, struct expr *choices);

struct message_decl *message_new(struct parse *p);
struct message_decl *message_part(struct parse *p, struct message_decl *m, struct token word, struct name value, bool file);
struct message_decl *message_bad(struct message_decl *m);
/* mail_decl.c: `attach file "terms.pdf" as "Terms.pdf"`, `reply to "…"`, `untracked`. */
struct mail_word { struct name word, value, as; bool file, to, bare; };
struct message_decl *mail_part(struct parse *p, struct message_decl *m, struct mail_word w);
/* `text { en "…"; fr "…" }` */
struct message_decl *mail_languages(struct parse *p, struct message_decl *m, struct name word, struct language_text *list);
/* languages.c */
struct language_text *language_text(struct parse *p, struct name language, struct token text, bool file);
struct language_text *language_bad(struct parse *p); /* a mistaken one */
struct language_text *language_add(struct language_text *list, struct language_text *t);
struct message_decl *message_languages(struct parse *p, struct message_decl *m, struct token word, struct language_text *list);

void campaign_open(struct parse *p, struct campaign_decl *campaign); /* clauses and statements go to it from here */
struct item *campaign_new(struct parse *p, struct token first, struct name name);
void campaign_start(struct parse *p, struct token first, struct trigger_ref t);
void campaign_schedule(struct parse *p, struct token first, struct schedule_clause *s, struct token zone, struct expr *audience);
void campaign_resume(struct parse *p, struct token first, struct value how);
void campaign_ends(struct parse *p, struct token first, int64_t civil_ms);
/* at_or_days: the moment of SCHEDULE_AT, else which days. */
struct schedule_clause *schedule_of(struct parse *p, struct token first, uint8_t kind, int64_t at_or_days);
int64_t schedule_day(struct parse *p, struct token ordinal);
void campaign_given(struct parse *p, struct token first, struct member *members);
void campaign_entry(struct parse *p, struct token first, struct entry_clause *e);
void campaign_goal(struct parse *p, struct token first, struct event_list events, struct token within);
void campaign_stop(struct parse *p, struct token first, struct event_list events);
void campaign_stmt(struct parse *p, struct stmt *s);
struct entry_clause *entry_of(struct parse *p, uint8_t kind);
struct trigger_ref trigger_of(struct parse *p, struct event_list events, struct expr *cond);
struct item *rule_new(struct parse *p, struct token label, struct token when, struct trigger_ref t);
void rule_end(struct parse *p, struct stmt *body);
/* The parser took a token: `begins` at an item's first. */
void rule_text_add(struct parse *p, uint16_t kind, struct token t, bool begins);

struct stmt *stmt_new(struct parse *p, uint8_t kind, struct token first);
struct stmt *stmt_named(struct parse *p, uint8_t kind, struct token first, struct name name);
struct stmt *stmt_tag(struct parse *p, uint8_t kind, struct token first, struct expr *text);
void stmt_end(struct parse *p, struct stmt *s); /* its head goes on to the last token taken */
struct stmt_list stmts_add(struct stmt_list l, struct stmt *s);
/* An else block travels as a statement that is never in the tree: `then` holds the block. */
struct stmt *stmt_otherwise(struct parse *p, struct token first, struct stmt *block);
void stmt_else(struct stmt *s, struct stmt *otherwise);
struct stmt *stmt_bad_block(struct parse *p, struct token first, struct stmt *block, struct stmt *otherwise);
struct stmt *wait_new(struct parse *p, uint8_t wait, struct token first);
struct stmt *call_new(struct parse *p, struct token first, struct name connector, struct name operation, struct prop *props);
struct stmt *call_as(struct parse *p, struct stmt *s, struct token reply, struct token up_to);
void send_after(struct parse *p, struct stmt *s, struct token duration);
void wait_up_to(struct parse *p, struct stmt *s, struct token duration);
struct stmt *wait_until(struct parse *p, struct token first, struct expr *moment);
struct stmt *wait_time(struct parse *p, struct token first, int64_t weekdays, struct token time);
struct stmt *wait_between(struct parse *p, struct token first, struct token from, struct token to, int64_t weekdays);
struct stmt *wait_for(struct parse *p, struct token first, struct event_list events, struct on_branch *since,
                      struct token up_to);
struct stmt *wait_forever(struct parse *p, struct token first, struct event_list events, struct on_branch *since);
struct stmt *wait_event_end(struct parse *p, struct stmt *s, struct stmt *body, struct stmt *otherwise);
struct stmt *wait_branches(struct stmt *s, struct stmt *list);
struct on_branch *branch_new(struct parse *p);
/* The branches of a race travel as a statement, too. */
struct stmt *on_first(struct parse *p, struct on_branch *b);
struct stmt *on_add(struct stmt *list, struct on_branch *b);
struct stmt *on_else(struct parse *p, struct stmt *list, struct token word, struct stmt *block);

/* The arms of a split travel as a statement, too. */
struct arm *arm_new(struct parse *p, struct token share, struct stmt *body);
struct stmt *arms_add(struct parse *p, struct stmt *list, struct arm *arm);
struct stmt *arms_else(struct parse *p, struct stmt *list, struct token word, struct stmt *block);
struct stmt *split_end(struct stmt *s, struct stmt *list);
/* experiment.c: its parts are added to the experiment that was begun last, up to its end. */
struct stmt *experiment_new(struct parse *p, uint8_t kind, struct token first, struct name name);
struct arm *variant_new(struct parse *p, struct token first, struct name name, struct token share, struct stmt *body);
void experiment_variant(struct parse *p, struct arm *variant);
void experiment_holdout(struct parse *p, struct token word, struct token share);
void experiment_event(struct parse *p, struct token word, struct event_list events, struct token within);
void experiment_sum(struct parse *p, struct token word, struct expr *sum, struct token currency, struct token within);
void experiment_winner(struct parse *p, struct token word, bool certain);
void experiment_mistaken(struct parse *p);
struct stmt *experiment_end(struct parse *p, struct stmt *s);
struct test_line *expect_variant(struct parse *p, struct token first, struct name contact, struct name variant, struct name experiment,
                                 bool negated);
struct test_line *expect_converted(struct parse *p, struct token first, struct name contact, struct name experiment, bool negated);
struct stmt *repeat_new(struct parse *p, struct token first, struct token times, struct token every);

struct event_ref *event_of(struct parse *p, struct name name, struct name of);
struct event_ref *event_list_change(struct parse *p, struct token word, struct name list);
struct event_ref *event_passes(struct parse *p, struct token first, struct name score, struct token threshold);
struct event_ref *event_changes(struct parse *p, struct token first, struct name attribute, struct expr *to);
void event_where(struct parse *p, struct event_ref *e, struct expr *where);
struct event_list events_add(struct event_list l, struct event_ref *e);

struct expr *expr_new(struct parse *p, uint8_t kind, uint32_t from);
struct expr *expr_literal(struct parse *p, struct token t);
struct expr *expr_name(struct parse *p, struct token t);
struct expr *expr_member(struct parse *p, struct expr *of, struct name name);
struct expr *expr_parens(struct parse *p, struct token first, struct expr *inner);
struct expr *expr_unary(struct parse *p, uint8_t op, struct token first, struct expr *a);
struct expr *expr_binary(struct parse *p, uint8_t op, struct expr *a, struct expr *b);
struct expr *expr_code(struct parse *p, struct token first, struct token campaign);
struct expr *expr_missing(struct parse *p, struct expr *a, bool negated);
struct expr *expr_in(struct parse *p, struct expr *a, struct expr_list items, bool negated);
struct expr *expr_did(struct parse *p, struct token first, struct event_list events, struct token window, bool negated);
struct expr *expr_any(struct parse *p, struct token word, struct name item, struct expr *list, struct expr *where);
struct expr *expr_since(struct parse *p, struct token first, struct token which, struct event_list events);
struct expr *expr_history(struct parse *p, struct token fn, struct expr *args, struct token window);
struct expr_list exprs_add(struct expr_list l, struct expr *e);
struct expr *expr_list(struct parse *p, struct token first, struct expr_list items);
struct expr *expr_record(struct parse *p, struct token first, struct prop_list props);
struct expr *arg_new(struct parse *p, struct name event, struct name of, struct name property, struct name alias,
                     struct expr *where);
struct expr *arg_event(struct parse *p, struct event_ref *e);
struct expr *args_add(struct expr *args, struct event_ref *e);

struct prop *prop_new(struct parse *p, struct token label, struct expr *value);
struct prop_list props_add(struct prop_list l, struct prop *prop);

struct test_list tests_add(struct test_list l, struct test_line *t); /* t may be two lines linked */
struct test_line *test_contact(struct parse *p, struct token first, struct name contact, struct prop_list props);
struct test_line *test_given(struct parse *p, struct token first, struct name fixture);
struct test_line *test_cases(struct parse *p, struct token first, struct case_row *rows);
struct case_row *case_cell(struct parse *p, struct case_row *row, struct expr *cell); /* row NULL: a new one */
struct case_list cases_add(struct case_list l, struct case_row *row);
struct test_line *test_pause(struct parse *p, struct token first, struct name campaign);
struct test_line *test_resume(struct parse *p, struct token first, struct name campaign, struct value how);
struct test_line *test_at(struct parse *p, struct token first, struct token moment);
struct test_line *test_event(struct parse *p, struct token contact, struct name event, struct name of,
                             struct prop_list props);
struct test_line *test_reply(struct parse *p, struct token contact, struct name event, struct name connector, struct name operation,
                             struct prop_list props);
struct test_line *expect_called(struct parse *p, struct token first, struct name connector, struct name operation, struct name contact,
                                bool negated, struct prop *props);
struct test_line *test_is(struct parse *p, struct token contact, struct name same);
struct test_line *expect_sent(struct parse *p, struct token first, struct name message, struct name contact, bool negated);
struct test_line *expect_else(struct parse *p, struct token first, struct name contact, bool sent);
struct test_line *expect_nothing(struct parse *p, struct token first, struct name contact);
struct test_line *expect_member(struct parse *p, struct token first, struct name contact, struct name list, bool negated);
struct test_line *expect_inside(struct parse *p, struct token first, struct name contact, struct name campaign, bool negated);
struct test_line *expect_dropped(struct parse *p, struct token first, struct name message, struct name contact, bool negated);
struct test_line *expect_shown(struct parse *p, struct token first, struct name content, struct name contact, bool negated);
struct test_line *expect_holds(struct parse *p, struct token first, struct token contact, struct expr *cond);
struct test_line *expect_because(struct parse *p, struct test_line *t, struct token text);
struct test_line *expect_times(struct parse *p, struct test_line *t, uint32_t times, bool once);
struct test_line *expect_at(struct parse *p, struct test_line *t, struct token moment);
struct test_line *expect_within(struct parse *p, struct test_line *t, struct token duration);

/* A token as the parser took it: a keyword may have become a name, two words one. */
struct taken {
  uint32_t from, to;
  uint16_t kind;
  bool begins; /* what follows is a statement, a member or a property of its own */
};
struct taken_list { struct taken *items; uint32_t count, cap; };
/* parse.c: parse_source, which writes down what it took. */
void parse_source_taken(struct compilation *c, uint32_t source, struct tree *tree, struct taken_list *taken);

/* repair.c: what a mistaken token was probably meant to be, judged by what stands behind it. */
enum repair_kind { REPAIR_NONE, REPAIR_SWAP, REPAIR_SWAP_LINES, REPAIR_END, REPAIR_LABEL, REPAIR_ELSE, REPAIR_DELETE, REPAIR_INSERT, REPAIR_REPLACE, REPAIR_CLOSE };
enum { REPAIR_AHEAD_COUNT = 6 };
struct repair { uint8_t kind; uint16_t token; }; /* of INSERT and REPLACE: what is put before it, in its place */
/* ahead[0] is the mistaken token, behind it what follows, at most to the statement's end; `before` is the one before it. */
struct repair repair_find(const void *parser, uint16_t before, const uint16_t *ahead, uint32_t count);
/* The same across a line's end: ahead is the last token of a line and what begins the next one. */
bool repair_swaps_lines(const void *parser, bool back, const uint16_t *ahead, uint32_t count, bool *ends);

/* format.c: whether a blank stands between two tokens on one line, given as the parser took them; before_last is what
 * stands before the left one. */
bool blank_between(uint16_t before_last, uint16_t last, uint16_t next);

/* grammar/camp.y, behind the tables */
void camp_parseInit(void *parser);
void camp_parseFinalize(void *parser);
void *camp_parseAlloc(void *(*alloc)(size_t));
void camp_parseFree(void *parser, void (*release)(void *));
void camp_parse(void *parser, int kind, struct token t, struct parse *p);
bool grammar_accepts(const void *parser, int token);
uint32_t grammar_takes(const void *parser, bool back, const uint16_t *tokens, uint32_t count);
void grammar_back(void *parser);
uint32_t grammar_height(const void *parser);
uint32_t grammar_unwind(void *parser, uint32_t braces_max);
int grammar_fallback(int token);
int grammar_token_count(void);
#endif
