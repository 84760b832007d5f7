/* The grammar of Camp. One rule, one constructor (compiler/parse.c); meaning is checked later.
 *
 * Newlines reach this grammar as EOL only where a statement ends: parse.c drops the others, and joins the few pairs
 * of words that one token of lookahead could not tell apart (IN_LAST, TIME_SINCE …). It also asks grammar_accepts
 * before each token, so this parser never sees a mistake: where one is, the statement becomes one of the BAD tokens.
 *
 *   1. No conflicts: Lemon exits with an error on one. Precedence settles two things only, `or` and `,` in open lists.
 *   2. A keyword is one only where the grammar takes it (%fallback, applied by the driver with full knowledge).
 *   3. Built with -c: compressed tables misparse fallbacks in silence and read out of bounds on legal input. */
%name camp_parse
%token_prefix TOK_
%token_type { struct token }
%extra_argument { struct parse *p }
%stack_size 0
%include {
/* Lemon's own assertions, and its tracing, are for the builds with sanitizers. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAMP_PARSER_ASSERTS
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(CAMP_PARSER_ASSERTS) && !defined(NDEBUG)
#define NDEBUG
#endif
#include <stdlib.h>
#include "compiler/parse.h"
}
%syntax_error { CHECK(!"grammar_accepts let a token through"); }
%parse_failure { CHECK(!"grammar_accepts let a token through"); }

%fallback NAME LATE CONTENT SHOW SHOWN CODE USE EVENT RECORD CONTACT DEFINE SEGMENT SCORE PASSES HALVES LIST MESSAGE ZONE ALLOW UNKNOWN CAMPAIGN WHEN TEST CHANNEL SUBJECT BODY FILE
  CONNECTOR GET POST PUT PATCH DELETE AUTH BASIC BEARER HEADER FORM JSON RETRY REPLY CALL CALLED
  ENTRY GOAL ONCE PER EVERY A TIME_WORD MOST WITHIN THEN SEND JOIN LEAVE TAG UNTAG SET EMIT EXIT START STOP IF WAIT STILL
  ELSE UNTIL FOR FOREVER BETWEEN WEEKDAYS WEEKENDS MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY ON AFTER AT
  UNLESS VIA WITH TO UP OF AS CHANGES ENTERS LEAVES WHERE AND OR NOT IS MISSING ONE IN CONTAINS STARTS ENDS MATCHES DID NO
  ANY SINCE FIRST LAST COUNT SUM AVERAGE MIN MAX TRUE FALSE EXPECT NOTHING SENT TIMES DROPPED BECAUSE FIXTURE GIVEN CASES
  EXPERIMENT VARIANT HOLDOUT MEASURE WINNER END CERTAINTY GIVE CONVERTED
  SPLIT REPEAT EACH SEQUENCE DO DAY WEEKDAY MONTH THE PAUSE RESUME SKIP SPREAD OVER
  TOPIC DOUBLE OPT BY SUBSCRIBE UNSUBSCRIBE CONSENTS POLICY MESSAGES QUIET FROM DELAY DROP TRANSACTIONAL PRIORITY HIGH NORMAL
  LOW EXPIRES HELD.

/* An open list takes what follows: `did a or b` joins events, `is one of x, y` takes y. */
%nonassoc OPEN.
%left OR COMMA.

%type name          { struct name }
%type opt_of        { struct name }
%type opt_alias     { struct name }
%type opt_property  { struct name }
%type opt_default   { struct expr * }
%type members       { struct member_list }
%type member_list   { struct member_list }
%type member        { struct member * }
%type params        { struct member_list }
%type param_list    { struct member_list }
%type param         { struct member * }
%type param_type    { struct type_ref * }
%type type_ref      { struct type_ref * }
%type choices       { struct expr_list }
%type score_parts   { struct score_decl * }
%type score_list    { struct score_decl * }
%type score_part    { struct score_rule_decl * }
%type points        { struct token }
%type parts         { struct message_decl * }
%type content_parts { struct content_part * }
%type content_part  { struct content_part * }
%type part          { struct message_decl * }
%type language_texts { struct language_text * }
%type language_text { struct language_text * }
%type channel_parts { struct request_parts }
%type channel_part  { struct request_part * }
%type operations    { struct operation_list }
%type operation     { struct operation_decl * }
%type op_params     { struct member_list }
%type op_param_list { struct member_list }
%type op_param      { struct member * }
%type op_parts      { struct request_parts }
%type op_part       { struct request_part * }
%type reply_fields  { struct member_list }
%type reply_field   { struct member * }
%type request       { struct request_part * }
%type method        { struct token }
%type wires         { struct request_parts }
%type wire_list     { struct request_parts }
%type wire          { struct request_part * }
%type statuses      { struct request_part * }
%type status        { struct token }
%type mail_part     { struct mail_word }
%type campaign_head { struct item * }
%type campaign_body { struct item * }
%type rule_head     { struct item * }
%type entry         { struct entry_clause * }
%type trigger       { struct trigger_ref }
%type opt_within    { struct token }
%type schedule      { struct schedule_clause * }
%type rhythm        { struct schedule_clause * }
%type weekday_list  { struct token }
%type opt_zone      { struct token }
%type opt_audience  { struct expr * }
%type opt_label     { struct token }
%type stmts         { struct stmt_list }
%type stmt_list     { struct stmt_list }
%type block         { struct stmt * }
%type stmt          { struct stmt * }
%type if_stmt       { struct stmt * }
%type if_head       { struct stmt * }
%type wait_event    { struct stmt * }
%type wait_ever     { struct stmt * }
%type wait_race     { struct stmt * }
%type send          { struct stmt * }
%type call          { struct stmt * }
%type call_as       { struct stmt * }
%type send_time     { struct stmt * }
%type send_unless   { struct stmt * }
%type otherwise     { struct stmt * }
%type on_list       { struct stmt * }
%type on_branch     { struct on_branch * }
%type on_head       { struct on_branch * }
%type split         { struct stmt * }
%type arms          { struct stmt * }
%type arm           { struct arm * }
%type experiment    { struct stmt * }
%type variant       { struct arm * }
%type measured      { struct expr * }
%type opt_currency  { struct token }
%type repeat        { struct stmt * }
%type since         { struct on_branch * }
%type span          { struct token }
%type days          { struct token }
%type weekday       { struct token }
%type opt_up_to     { struct token }
%type events        { struct event_list }
%type event_or      { struct event_list }
%type since_event   { struct event_list }
%type event         { struct event_ref * }
%type event_head    { struct event_ref * }
%type opt_changes   { struct expr * }
%type opt_where     { struct expr * }
%type window        { struct token }
%type aggregate     { struct token }
%type first_or_last { struct token }
%type args          { struct expr * }
%type arg_or        { struct expr * }
%type arg           { struct expr * }
%type opt_args_last { struct token }
%type expr          { struct expr * }
%type conjunction   { struct expr * }
%type negation      { struct expr * }
%type comparison    { struct expr * }
%type filter        { struct expr * }
%type history       { struct expr * }
%type alternative   { struct expr * }
%type sum           { struct expr * }
%type product       { struct expr * }
%type factor        { struct expr * }
%type primary       { struct expr * }
%type literal       { struct expr * }
%type sums          { struct expr_list }
%type open_sums     { struct expr_list }
%type comparing     { struct token }
%type props         { struct prop_list }
%type prop_list     { struct prop_list }
%type prop          { struct prop * }
%type value         { struct expr * }
%type values        { struct expr_list }
%type test_head     { struct item * }
%type fixture_head  { struct item * }
%type test_lines    { struct test_list }
%type test_list     { struct test_list }
%type test_line     { struct test_line * }
%type test_event    { struct test_line * }
%type expectation   { struct test_line * }
%type moment        { struct token }
%type case_rows     { struct case_list }
%type case_row      { struct case_row * }
%type case_cells    { struct case_row * }
%type opt_props     { struct prop_list }
%type opt_by        { struct name }
%type opt_traits    { struct prop_list }
%type traits        { struct prop_list }
%type trait         { struct prop * }
%type rules         { struct rules_list }
%type rule_list     { struct rules_list }
%type rule          { struct policy_rule * }
%type bare_rule     { struct policy_rule * }
%type cap_scope     { struct policy_rule }
%type opt_via       { struct name }
%type opt_days      { struct token }
%type channels      { struct names_list }
%type send_via      { struct stmt * }
%type priority      { struct token }

file ::= items.
items ::= .
items ::= items item EOL.

/* --- declarations ----------------------------------------------------------------------------------------------------*/
item ::= USE(T) name(N).                          { item_use(p, T, N); }
item ::= EVENT(T) name(N).                        { item_event(p, T, N, NULL); }
item ::= EVENT(T) name(N) LBRACE members(M) RBRACE.  { item_event(p, T, N, M.first); }
item ::= RECORD(T) name(N) LBRACE members(M) RBRACE. { item_record(p, T, N, M.first); }
item ::= CONTACT(T) LBRACE members(M) RBRACE.     { item_contact(p, T, M.first); }
item ::= DEFINE(T) name(N) EQUALS expr(E).        { item_define(p, T, N, E); }
item ::= SEGMENT(T) name(N) EQUALS expr(E).       { item_segment(p, T, N, E); }
item ::= SCORE(T) name(N) LBRACE score_parts(S) RBRACE. { item_score(p, T, N, S); }
item ::= LIST(T) name(N).                         { item_list(p, T, N); }
item ::= ZONE(T) TEXT(N).                         { item_zone(p, T, N); }
item ::= LATE(T) AFTER DURATION(D).               { item_late(p, T, D); }
item ::= ALLOW(T) UNKNOWN.                        { item_new(p, ITEM_ALLOW, T); }
item ::= MESSAGE(T) name(N) LBRACE parts(M) RBRACE. { item_message(p, T, N, M); }
item ::= TOPIC(T) name(N).                        { item_topic(p, T, N, (struct topic_decl){ 0 }); }
item ::= TOPIC(T) name(N) LBRACE RBRACE.          { item_topic(p, T, N, (struct topic_decl){ 0 }); }
item ::= TOPIC(T) name(N) LBRACE DOUBLE OPT IN opt_by(M) RBRACE. {
  item_topic(p, T, N, (struct topic_decl){ .double_opt_in = true, .asks = M });
}
opt_by(A) ::= .                                   { A = (struct name){ 0 }; }
opt_by(A) ::= BY name(N).                         { A = N; }
item ::= POLICY(T) LBRACE rules(L) RBRACE.        { item_policy(p, T, L); }
item ::= BAD.
item ::= BAD_MEMBERS LBRACE members RBRACE.
item ::= BAD_MESSAGE LBRACE parts RBRACE.
item ::= CONTENT(T) name(N) LBRACE content_parts(P) RBRACE. { item_content(p, T, N, P); }
item ::= BAD_CONTENT LBRACE content_parts RBRACE.

name(A) ::= NAME(T).  { A = name_of(p, T); }
name(A) ::= TEXT(T).  { A = name_of(p, T); }

members(A) ::= .                                  { A = (struct member_list){ 0 }; }
members(A) ::= member_list(A).
member_list(A) ::= member(M).                     { A = members_add((struct member_list){ 0 }, M); }
member_list(A) ::= member_list(L) EOL member(M).  { A = members_add(L, M); }
member(A) ::= LABEL(N) type_ref(T) opt_default(D). { A = member_new(p, N, T, D); }
member(A) ::= BAD.                                { A = NULL; }
opt_default(A) ::= .                              { A = NULL; }
opt_default(A) ::= EQUALS expr(E).                { A = E; }
type_ref(A) ::= NAME(N).                          { A = type_named(p, N); }
type_ref(A) ::= NAME(N) IN NAME(C).               { A = type_money(p, N, C); }
type_ref(A) ::= LIST(T) OF type_ref(R).           { A = type_list(p, T, R); }
type_ref(A) ::= ONE_OF(T) choices(C).             { A = type_choice(p, T, C.first); }
choices(A) ::= TEXT(T).                           { A = exprs_add((struct expr_list){ 0 }, expr_literal(p, T)); }
choices(A) ::= choices(L) COMMA TEXT(T).          { A = exprs_add(L, expr_literal(p, T)); }

score_parts(A) ::= .                              { A = score_decl_new(p); }
score_parts(A) ::= score_list(A).
score_list(A) ::= score_part(X).                  { A = score_decl_add(score_decl_new(p), X); }
score_list(A) ::= score_list(L) EOL score_part(X). { A = score_decl_add(L, X); }
score_part(A) ::= points(N) FOR events(E).        { A = score_rule_of(p, N, E); }
score_part(A) ::= HALVES(T) EVERY DURATION(D).    { A = score_halves(p, T, D); }
score_part(A) ::= BAD.                            { A = NULL; }
points(A) ::= PLUS NUMBER(N).                     { A = N; }
points(A) ::= MINUS NUMBER(N).                    { A = N; A.value.n = -A.value.n; }
content_parts(A) ::= content_part(A).
content_parts(A) ::= content_parts(L) EOL content_part(P). { A = content_add(L, P); }
content_part(A) ::= NAME(W) TEXT(V).              { A = content_part(p, W, V); }
content_part(A) ::= NAME(W) NUMBER(V).            { A = content_part(p, W, V); }
content_part(A) ::= BAD.                          { A = NULL; }

item ::= SEQUENCE(T) name(N) params(P) block(B).  { item_sequence(p, T, N, P.first, B); }
params(A) ::= .                                   { A = (struct member_list){ 0 }; }
params(A) ::= LPAREN RPAREN.                      { A = (struct member_list){ 0 }; }
params(A) ::= LPAREN param_list(L) RPAREN.        { A = L; }
param_list(A) ::= param(X).                       { A = members_add((struct member_list){ 0 }, X); }
param_list(A) ::= param_list(L) COMMA param(X).   { A = members_add(L, X); }
param(A) ::= LABEL(N) param_type(T).              { A = member_new(p, N, T, NULL); }
/* Without `one of …`, whose commas could be the parameters'. */
param_type(A) ::= NAME(N).                        { A = type_named(p, N); }
param_type(A) ::= NAME(N) IN NAME(C).             { A = type_money(p, N, C); }
param_type(A) ::= LIST(T).                        { A = type_named(p, T); }
param_type(A) ::= LIST(T) OF NAME(N).             { A = type_list(p, T, type_named(p, N)); }

parts(A) ::= .                                    { A = message_new(p); }
parts(A) ::= part(A).
part(A) ::= CHANNEL(T) name(N).                   { A = message_part(p, message_new(p), T, N, false); }
part(A) ::= SUBJECT(T) TEXT(N).                   { A = message_part(p, message_new(p), T, name_of(p, N), false); }
part(A) ::= BODY(T) TEXT(N).                      { A = message_part(p, message_new(p), T, name_of(p, N), false); }
part(A) ::= BODY(T) FILE TEXT(N).                 { A = message_part(p, message_new(p), T, name_of(p, N), true); }
part(A) ::= mail_part(W).                         { A = mail_part(p, message_new(p), W); }
part(A) ::= BAD.                                  { A = message_bad(message_new(p)); }
part(A) ::= part(M) EOL CHANNEL(T) name(N).       { A = message_part(p, M, T, N, false); }
part(A) ::= part(M) EOL SUBJECT(T) TEXT(N).       { A = message_part(p, M, T, name_of(p, N), false); }
part(A) ::= part(M) EOL BODY(T) TEXT(N).          { A = message_part(p, M, T, name_of(p, N), false); }
part(A) ::= part(M) EOL BODY(T) FILE TEXT(N).     { A = message_part(p, M, T, name_of(p, N), true); }
part(A) ::= part(M) EOL mail_part(W).             { A = mail_part(p, M, W); }
part(A) ::= part(M) EOL BAD.                      { A = message_bad(M); }
/* What only a mail has: its words are names, so that no keyword comes of them. */
mail_part(A) ::= NAME(W).                         { A = (struct mail_word){ .word = name_of(p, W) }; }
mail_part(A) ::= NAME(W) NAME(V).                 { A = (struct mail_word){ .word = name_of(p, W), .value = name_of(p, V), .bare = true }; }
mail_part(A) ::= NAME(W) TEXT(V).                 { A = (struct mail_word){ .word = name_of(p, W), .value = name_of(p, V) }; }
mail_part(A) ::= FROM(W) TEXT(V).                 { A = (struct mail_word){ .word = name_of(p, W), .value = name_of(p, V) }; }
mail_part(A) ::= NAME(W) TO TEXT(V).              { A = (struct mail_word){ .word = name_of(p, W), .value = name_of(p, V), .to = true }; }
mail_part(A) ::= NAME(W) FILE TEXT(V).            { A = (struct mail_word){ .word = name_of(p, W), .value = name_of(p, V), .file = true }; }
mail_part(A) ::= NAME(W) FILE TEXT(V) AS TEXT(N). {
  A = (struct mail_word){ .word = name_of(p, W), .value = name_of(p, V), .file = true, .as = name_of(p, N) };
}

part(A) ::= SUBJECT(T) LBRACE language_texts(L) RBRACE. { A = message_languages(p, message_new(p), T, L); }
part(A) ::= BODY(T) LBRACE language_texts(L) RBRACE. { A = message_languages(p, message_new(p), T, L); }
part(A) ::= part(M) EOL SUBJECT(T) LBRACE language_texts(L) RBRACE. { A = message_languages(p, M, T, L); }
part(A) ::= part(M) EOL BODY(T) LBRACE language_texts(L) RBRACE. { A = message_languages(p, M, T, L); }
part(A) ::= NAME(W) LBRACE language_texts(L) RBRACE. { A = mail_languages(p, message_new(p), name_of(p, W), L); }
part(A) ::= part(M) EOL NAME(W) LBRACE language_texts(L) RBRACE. { A = mail_languages(p, M, name_of(p, W), L); }
language_texts(A) ::= language_text(A).
language_texts(A) ::= language_texts(L) EOL language_text(X). { A = language_add(L, X); }
language_text(A) ::= name(L) TEXT(N).             { A = language_text(p, L, N, false); }
language_text(A) ::= name(L) FILE TEXT(N).        { A = language_text(p, L, N, true); }
language_text(A) ::= BAD.                         { A = language_bad(p); }
part(A) ::= TOPIC(T) name(N).                     { A = message_topic(p, message_new(p), T, N); }
part(A) ::= TRANSACTIONAL(T).                     { A = message_transactional(p, message_new(p), T); }
part(A) ::= PRIORITY(T) priority(R).              { A = message_priority(p, message_new(p), T, (uint8_t)R.value.i); }
part(A) ::= EXPIRES(T) AFTER DURATION(D).         { A = message_expires(p, message_new(p), T, D); }
part(A) ::= part(M) EOL TOPIC(T) name(N).         { A = message_topic(p, M, T, N); }
part(A) ::= part(M) EOL TRANSACTIONAL(T).         { A = message_transactional(p, M, T); }
part(A) ::= part(M) EOL PRIORITY(T) priority(R).  { A = message_priority(p, M, T, (uint8_t)R.value.i); }
part(A) ::= part(M) EOL EXPIRES(T) AFTER DURATION(D). { A = message_expires(p, M, T, D); }
priority(A) ::= HIGH(T).                          { A = T; A.value.i = PRIORITY_HIGH; }
priority(A) ::= NORMAL(T).                        { A = T; A.value.i = PRIORITY_NORMAL; }
priority(A) ::= LOW(T).                           { A = T; A.value.i = PRIORITY_LOW; }

/* --- policy ----------------------------------------------------------------------------------------------------------*/
rules(A) ::= .                                    { A = (struct rules_list){ 0 }; }
rules(A) ::= rule_list(A).
rule_list(A) ::= rule(R).                         { A = policy_add((struct rules_list){ 0 }, R); }
rule_list(A) ::= rule_list(L) EOL rule(R).        { A = policy_add(L, R); }
rule(A) ::= BAD.                                  { A = NULL; }
rule(A) ::= bare_rule(A).
rule(A) ::= bare_rule(R) THEN DELAY.              { A = policy_drops(p, R, false); }
rule(A) ::= bare_rule(R) THEN DROP.               { A = policy_drops(p, R, true); }
bare_rule(A) ::= AT(T) MOST NUMBER(N) cap_scope(S) PER DURATION(D). { A = policy_cap(p, T, N, S, D); }
bare_rule(A) ::= QUIET(T) FROM TIME(F) TO TIME(U) opt_days(D) opt_via(V). { A = policy_quiet(p, T, F, U, D, V); }
cap_scope(A) ::= .                                { A = (struct policy_rule){ 0 }; }
cap_scope(A) ::= cap_scope(A) MESSAGES.
cap_scope(A) ::= cap_scope(A) MESSAGE.
cap_scope(A) ::= cap_scope(S) OF name(N).         { A = S; A.of = N; }
cap_scope(A) ::= cap_scope(S) VIA name(N).        { A = S; A.via = N; }
opt_via(A) ::= .                                  { A = (struct name){ 0 }; }
opt_via(A) ::= VIA name(N).                       { A = N; }
opt_days(A) ::= .                                 { A = token_none(); A.value.i = 0x7f; }
opt_days(A) ::= ON days(D).                       { A = D; }

/* --- channels and connectors -----------------------------------------------------------------------------------------*/
item ::= CHANNEL(T) name(N) LBRACE channel_parts(P) RBRACE. { item_channel(p, T, N, P.first); }
item ::= BAD_CHANNEL LBRACE channel_parts RBRACE.
channel_parts(A) ::= channel_part(X).             { A = requests_add((struct request_parts){ 0 }, X); }
channel_parts(A) ::= channel_parts(L) EOL channel_part(X). { A = requests_add(L, X); }
channel_part(A) ::= TO(T) CONTACT DOT name(N).    { A = request_to(p, T, N); }
channel_part(A) ::= request(A).
channel_part(A) ::= BAD(T).                       { A = request_bad(p, T); }

item ::= CONNECTOR(T) name(N) LBRACE operations(O) RBRACE. { item_connector(p, T, N, O.first); }
item ::= BAD_CONNECTOR LBRACE operations RBRACE.
operations(A) ::= operation(O).                   { A = operations_add((struct operation_list){ 0 }, O); }
operations(A) ::= operations(L) EOL operation(O). { A = operations_add(L, O); }
operation(A) ::= name(N) op_params(P) LBRACE op_parts(R) RBRACE. { A = operation_new(p, N, P.first, R.first); }
operation(A) ::= BAD.                             { A = NULL; }
op_params(A) ::= LPAREN RPAREN.                   { A = (struct member_list){ 0 }; }
op_params(A) ::= LPAREN op_param_list(L) RPAREN.  { A = L; }
op_param_list(A) ::= op_param(X).                 { A = members_add((struct member_list){ 0 }, X); }
op_param_list(A) ::= op_param_list(L) COMMA op_param(X). { A = members_add(L, X); }
op_param(A) ::= LABEL(N) param_type(T) opt_default(D). { A = member_new(p, N, T, D); }
op_parts(A) ::= op_part(X).                       { A = requests_add((struct request_parts){ 0 }, X); }
op_parts(A) ::= op_parts(L) EOL op_part(X).       { A = requests_add(L, X); }
op_part(A) ::= request(A).
op_part(A) ::= REPLY(T) LBRACE reply_fields(L) RBRACE. { A = request_reply(p, T, L.first); }
op_part(A) ::= BAD(T).                            { A = request_bad(p, T); }
reply_fields(A) ::= reply_field(X).               { A = members_add((struct member_list){ 0 }, X); }
reply_fields(A) ::= reply_fields(L) EOL reply_field(X). { A = members_add(L, X); }
reply_field(A) ::= LABEL(N) type_ref(T).          { A = member_new(p, N, T, NULL); }
reply_field(A) ::= LABEL(N) type_ref(T) FROM primary(E). { A = member_new(p, N, T, NULL); A->from = E; }
reply_field(A) ::= BAD.                           { A = NULL; }

request(A) ::= method(M) TEXT(U).                 { A = request_to_url(p, M, U, NULL); }
request(A) ::= method(M) TEXT(U) LBRACE wires(W) RBRACE. { A = request_to_url(p, M, U, W.first); }
request(A) ::= BAD_REQUEST(T) LBRACE wires RBRACE. { A = request_bad(p, T); }
method(A) ::= GET(T).                             { A = T; A.value.i = METHOD_GET; }
method(A) ::= POST(T).                            { A = T; A.value.i = METHOD_POST; }
method(A) ::= PUT(T).                             { A = T; A.value.i = METHOD_PUT; }
method(A) ::= PATCH(T).                           { A = T; A.value.i = METHOD_PATCH; }
method(A) ::= DELETE(T).                          { A = T; A.value.i = METHOD_DELETE; }
wires(A) ::= .                                    { A = (struct request_parts){ 0 }; }
wires(A) ::= wire_list(A).
wire_list(A) ::= wire(X).                         { A = requests_add((struct request_parts){ 0 }, X); }
wire_list(A) ::= wire_list(L) EOL wire(X).        { A = requests_add(L, X); }
wire(A) ::= AUTH(T) BASIC primary(X) primary(Y).  { A = request_auth(p, T, X, Y); }
wire(A) ::= AUTH(T) BEARER primary(X).            { A = request_auth(p, T, X, NULL); }
wire(A) ::= HEADER(T) LBRACE props(L) RBRACE.     { A = request_props(p, REQUEST_HEADER, T, L.first); }
wire(A) ::= FORM(T) LBRACE props(L) RBRACE.       { A = request_props(p, REQUEST_FORM, T, L.first); }
wire(A) ::= JSON(T) LBRACE props(L) RBRACE.       { A = request_props(p, REQUEST_JSON, T, L.first); }
wire(A) ::= RETRY(T) ON statuses(S) UP TO DURATION(D). { A = request_retry(p, T, S, D); }
wire(A) ::= NAME(N) FROM primary(E).              { A = request_id(p, N, E); }
wire(A) ::= BAD(T).                               { A = request_bad(p, T); }
statuses(A) ::= status(S).                        { A = request_status(p, NULL, S); }
statuses(A) ::= statuses(L) OR status(S).         { A = request_status(p, L, S); }
status(A) ::= NUMBER(T).                          { A = T; }
status(A) ::= STATUS(T).                          { A = T; }

/* --- campaigns and rules ---------------------------------------------------------------------------------------------*/
item ::= campaign_head LBRACE RBRACE.
item ::= campaign_head LBRACE campaign_body RBRACE.
item ::= BAD_CAMPAIGN LBRACE RBRACE.
item ::= BAD_CAMPAIGN LBRACE campaign_body RBRACE.
campaign_head(A) ::= CAMPAIGN(T) name(N).         { A = campaign_new(p, T, N); }
campaign_body ::= clause.
campaign_body ::= campaign_body separator clause.
clause ::= START(T) WHEN trigger(R).              { campaign_start(p, T, R); }
clause ::= START(T) schedule(S) opt_zone(Z) opt_audience(E). { campaign_schedule(p, T, S, Z, E); }
clause ::= ON RESUME(T) SKIP.                     { campaign_resume(p, T, value_bool(false)); }
clause ::= ON RESUME(T) SPREAD OVER DURATION(D).  { campaign_resume(p, T, D.value); }
clause ::= ENDS(T) AT DATETIME(M).                { campaign_ends(p, T, M.value.i); }
clause ::= ENDS(T) ON DATE(D).                    { campaign_ends(p, T, (D.value.i + 1) * MS_PER_DAY); }
clause ::= ENTRY(T) entry(E).                     { campaign_entry(p, T, E); }
clause ::= GOAL(T) events(E) opt_within(W).       { campaign_goal(p, T, E, W); }
clause ::= START(T) WITH LBRACE members(M) RBRACE. { campaign_given(p, T, M.first); }
clause ::= STOP(T) WHEN events(E).                { campaign_stop(p, T, E); }
clause ::= stmt(S).                               { campaign_stmt(p, S); }
entry(A) ::= ONCE.                                { A = entry_of(p, ENTRY_ONCE); }
entry(A) ::= ONCE AT A TIME_WORD.                 { A = entry_of(p, ENTRY_ONCE_AT_A_TIME); }
entry(A) ::= ONCE PER sum(E).                     { A = entry_of(p, ENTRY_ONCE_PER); A->key = E; }
entry(A) ::= EVERY TIME_WORD.                     { A = entry_of(p, ENTRY_EVERY_TIME); }
entry(A) ::= EVERY TIME_WORD UP TO NUMBER(N) AT ONCE. { A = entry_of(p, ENTRY_EVERY_TIME); A->at_once = count_of(p, N); }
entry(A) ::= AT MOST ONCE IN DURATION(D).         { A = entry_of(p, ENTRY_ONCE_IN); A->within = D.value; }
schedule(A) ::= AT(T) DATETIME(M).                 { A = schedule_of(p, T, SCHEDULE_AT, M.value.i); }
schedule(A) ::= EVERY rhythm(R) AT TIME(C).       { A = R; A->at_ms = C.value.i; }
rhythm(A) ::= DAY(T).                             { A = schedule_of(p, T, SCHEDULE_WEEKLY, 0x7f); }
rhythm(A) ::= WEEKDAY(T).                         { A = schedule_of(p, T, SCHEDULE_WEEKLY, 0x1f); }
rhythm(A) ::= weekday_list(D).                    { A = schedule_of(p, D, SCHEDULE_WEEKLY, D.value.i); }
rhythm(A) ::= MONTH(T) ON THE ORDINAL(N).         { A = schedule_of(p, T, SCHEDULE_MONTHLY, schedule_day(p, N)); }
rhythm(A) ::= MONTH(T) ON THE LAST DAY.           { A = schedule_of(p, T, SCHEDULE_MONTHLY, SCHEDULE_LAST_DAY); }
weekday_list(A) ::= weekday(A).
weekday_list(A) ::= weekday_list(L) COMMA weekday(D). { A = L; A.value.i |= D.value.i; }
weekday_list(A) ::= weekday_list(L) AND weekday(D). { A = L; A.value.i |= D.value.i; }
opt_zone(A) ::= .                                 { A = token_none(); }
opt_zone(A) ::= IN TEXT(Z).                       { A = Z; }
opt_audience(A) ::= .                             { A = NULL; }
opt_audience(A) ::= FOR expr(E).                  { A = E; }
opt_within(A) ::= .                               { A = token_none(); }
opt_within(A) ::= WITHIN DURATION(D).             { A = D; }

item ::= rule_head THEN stmt(S).                  { rule_end(p, S); }
item ::= rule_head THEN block(B).                 { rule_end(p, B); }
item ::= BAD_RULE block.
item ::= BAD_RULE THEN block.
item ::= BAD_RULE THEN stmt.
rule_head(A) ::= opt_label(L) WHEN(T) trigger(R). { A = rule_new(p, L, T, R); }
opt_label(A) ::= .                                { A = token_none(); }
opt_label(A) ::= LABEL(L).                        { A = L; }
trigger(A) ::= events(E).                         { A = trigger_of(p, E, NULL); }
trigger(A) ::= events(E) AND expr(C).             { A = trigger_of(p, E, C); }

/* --- statements ------------------------------------------------------------------------------------------------------*/
block(A) ::= LBRACE stmts(L) RBRACE.              { A = L.first; }
stmts(A) ::= .                                    { A = (struct stmt_list){ 0 }; }
stmts(A) ::= stmt_list(A).
stmt_list(A) ::= stmt(S).                         { A = stmts_add((struct stmt_list){ 0 }, S); }
stmt_list(A) ::= stmt_list(L) separator stmt(S).  { A = stmts_add(L, S); }
separator ::= EOL.
separator ::= COMMA.

stmt(A) ::= BAD(T).                               { A = stmt_new(p, STMT_BAD, T); }
stmt(A) ::= BAD_BLOCK(T) block(B) otherwise(O).   { A = stmt_bad_block(p, T, B, O); }
stmt(A) ::= BAD_WAIT(T) LBRACE on_list RBRACE.    { A = stmt_new(p, STMT_BAD, T); }
stmt(A) ::= JOIN(T) name(N).                      { A = stmt_named(p, STMT_JOIN, T, N); }
stmt(A) ::= LEAVE(T) name(N).                     { A = stmt_named(p, STMT_LEAVE, T, N); }
stmt(A) ::= SUBSCRIBE(T) TO name(N).              { A = stmt_named(p, STMT_SUBSCRIBE, T, N); }
stmt(A) ::= UNSUBSCRIBE(T) FROM name(N).          { A = stmt_named(p, STMT_UNSUBSCRIBE, T, N); }
stmt(A) ::= UNSUBSCRIBE(T) FROM EVERY TOPIC.      { A = stmt_new(p, STMT_UNSUBSCRIBE, T); }
stmt(A) ::= TAG(T) sum(E).                        { A = stmt_tag(p, STMT_TAG, T, E); }
stmt(A) ::= UNTAG(T) sum(E).                      { A = stmt_tag(p, STMT_UNTAG, T, E); }
stmt(A) ::= SET(T) CONTACT DOT name(N) TO expr(E). { A = stmt_named(p, STMT_SET, T, N); A->value = E; }
stmt(A) ::= EMIT(T) name(N).                      { A = stmt_named(p, STMT_EMIT, T, N); }
stmt(A) ::= EMIT(T) name(N) WITH LBRACE props(L) RBRACE. { A = stmt_named(p, STMT_EMIT, T, N); A->props = L.first; }
stmt(A) ::= SCORE(T) name(N) PLUS sum(E).         { A = stmt_named(p, STMT_SCORE, T, N); A->value = E; stmt_end(p, A); }
stmt(A) ::= SCORE(T) name(N) MINUS sum(E).        { A = stmt_named(p, STMT_SCORE, T, N); A->value = expr_unary(p, UN_NEG, T, E); stmt_end(p, A); }
stmt(A) ::= SHOW(T) name(N) FOR DURATION(D).      { A = stmt_named(p, STMT_SHOW, T, N); wait_up_to(p, A, D); }
stmt(A) ::= SHOW(T) name(N) UNTIL sum(E).         { A = stmt_named(p, STMT_SHOW, T, N); A->value = E; stmt_end(p, A); }
stmt(A) ::= EXIT(T).                              { A = stmt_new(p, STMT_EXIT, T); }
stmt(A) ::= START(T) name(N).                     { A = stmt_named(p, STMT_START, T, N); }
stmt(A) ::= START(T) name(N) WITH LBRACE props(L) RBRACE. { A = stmt_named(p, STMT_START, T, N); A->props = L.first; }
stmt(A) ::= STOP(T) name(N).                      { A = stmt_named(p, STMT_STOP, T, N); }
stmt(A) ::= call(A).
stmt(A) ::= call_as(A).
stmt(A) ::= call_as(C) ELSE_BLOCK(T) block(B).    { A = C; stmt_else(A, stmt_otherwise(p, T, B)); }
call(A) ::= CALL(T) name(C) DOT name(O).          { A = call_new(p, T, C, O, NULL); }
call(A) ::= CALL(T) name(C) DOT name(O) WITH LBRACE props(L) RBRACE. { A = call_new(p, T, C, O, L.first); }
call_as(A) ::= call(C) AS NAME(N) opt_up_to(D).   { A = call_as(p, C, N, D); }
stmt(A) ::= if_stmt(A).
stmt(A) ::= send_unless(A).
stmt(A) ::= send_unless(S) IF STILL expr(E).      { A = S; A->if_still = E; stmt_end(p, A); }

send(A) ::= SEND(T) name(N).                      { A = stmt_named(p, STMT_SEND, T, N); }
send(A) ::= SEND(T) name(N) WITH LBRACE props(L) RBRACE. { A = stmt_named(p, STMT_SEND, T, N); A->props = L.first; }
send_via(A) ::= send(A).
send_via(A) ::= send(S) VIA channels(L).          { A = S; A->via = L.first; stmt_end(p, A); }
channels(A) ::= name(N).                          { A = names_add(p, (struct names_list){ 0 }, N); }
channels(A) ::= channels(L) OR name(N).           { A = names_add(p, L, N); }
send_time(A) ::= send_via(A).
send_time(A) ::= send_via(S) AFTER span(D).            { A = S; send_after(p, A, D); }
send_time(A) ::= send_via(S) AT sum(E).               { A = S; A->at = E; stmt_end(p, A); }
send_unless(A) ::= send_time(A).
send_unless(A) ::= send_time(S) UNLESS events(E). { A = S; A->unless = E.first; stmt_end(p, A); }

if_stmt(A) ::= if_head(H) block(B) otherwise(O).  { A = H; A->then = B; stmt_else(A, O); }
if_head(A) ::= IF(T) expr(E).                     { A = stmt_new(p, STMT_IF, T); A->value = E; }
otherwise(A) ::= .                                { A = NULL; }
otherwise(A) ::= ELSE_BLOCK(T) block(B).          { A = stmt_otherwise(p, T, B); }
otherwise(A) ::= ELSE_BLOCK(T) if_stmt(S).        { A = stmt_otherwise(p, T, S); }
otherwise(A) ::= ELSE_BLOCK(T) BAD_BLOCK block(B) otherwise(O). { A = stmt_otherwise(p, T, B); stmt_else(A, O); }

stmt(A) ::= WAIT(T) span(D).                      { A = wait_new(p, WAIT_DURATION, T); wait_up_to(p, A, D); }
span(A) ::= DURATION(T).                          { A = T; }
span(A) ::= SPAN_NAME(T).                         { A = T; }
stmt(A) ::= WAIT(T) UNTIL sum(E).                 { A = wait_until(p, T, E); }
stmt(A) ::= WAIT(T) UNTIL weekday(W) TIME(C).     { A = wait_time(p, T, W.value.i, C); }
stmt(A) ::= WAIT(T) UNTIL BETWEEN TIME(F) AND TIME(U). { A = wait_between(p, T, F, U, 0x7f); }
stmt(A) ::= WAIT(T) UNTIL BETWEEN TIME(F) AND TIME(U) ON days(D). { A = wait_between(p, T, F, U, D.value.i); }
days(A) ::= WEEKDAYS(T).                          { A = T; A.value.i = 0x1f; }
days(A) ::= WEEKENDS(T).                          { A = T; A.value.i = 0x60; }
days(A) ::= weekday(A).
weekday(A) ::= MONDAY(T).                         { A = T; A.value.i = 1; }
weekday(A) ::= TUESDAY(T).                        { A = T; A.value.i = 2; }
weekday(A) ::= WEDNESDAY(T).                      { A = T; A.value.i = 4; }
weekday(A) ::= THURSDAY(T).                       { A = T; A.value.i = 8; }
weekday(A) ::= FRIDAY(T).                         { A = T; A.value.i = 16; }
weekday(A) ::= SATURDAY(T).                       { A = T; A.value.i = 32; }
weekday(A) ::= SUNDAY(T).                         { A = T; A.value.i = 64; }

stmt(A) ::= wait_event(W).                        { A = wait_event_end(p, W, NULL, NULL); }
stmt(A) ::= wait_event(W) ELSE_BLOCK(T) block(B). { A = wait_event_end(p, W, NULL, stmt_otherwise(p, T, B)); }
stmt(A) ::= wait_event(W) block(B) otherwise(O).  { A = wait_event_end(p, W, B, O); }
wait_event(A) ::= WAIT(T) FOR events(E) since(S) opt_up_to(D). { A = wait_for(p, T, E, S, D); }
stmt(A) ::= wait_ever(A).
stmt(A) ::= wait_ever(W) block(B).                { A = W; A->branches->body = B; }
wait_ever(A) ::= WAIT(T) FOREVER FOR events(E) since(S). { A = wait_forever(p, T, E, S); }
stmt(A) ::= wait_race(W) LBRACE on_list(L) RBRACE. { A = wait_branches(W, L); }
wait_race(A) ::= WAIT(T) UP TO span(D).           { A = wait_new(p, WAIT_EVENTS, T); wait_up_to(p, A, D); }
wait_race(A) ::= WAIT(T) FOREVER.                 { A = wait_new(p, WAIT_EVENTS, T); A->forever = true; }
opt_up_to(A) ::= .                                { A = token_none(); }
opt_up_to(A) ::= UP TO span(D).                   { A = D; }
since(A) ::= .                                    { A = branch_new(p); }
since(A) ::= SINCE START.                         { A = branch_new(p); A->since = SINCE_START; }
since(A) ::= SINCE LAST DURATION(D).              { A = branch_new(p); A->since = SINCE_LAST; A->since_window = D.value; }
on_list(A) ::= on_branch(B).                      { A = on_first(p, B); }
on_list(A) ::= on_list(L) on_branch(B).           { A = on_add(L, B); }
on_list(A) ::= on_list(L) EOL on_branch(B).       { A = on_add(L, B); }
on_list(A) ::= on_list(L) ELSE_BLOCK(T) block(B). { A = on_else(p, L, T, B); }
on_list(A) ::= on_list(L) EOL ELSE_BLOCK(T) block(B). { A = on_else(p, L, T, B); }
on_branch(A) ::= on_head(H) block(B).             { A = H; A->body = B; }
on_branch(A) ::= BAD.                             { A = NULL; }
on_branch(A) ::= BAD_BLOCK block.                 { A = NULL; }
on_head(A) ::= ON(T) events(E) since(S).          { A = S; A->events = E.first; A->span = span_from(p, T); }

stmt(A) ::= DO(T) name(N).                        { A = stmt_named(p, STMT_DO, T, N); }
stmt(A) ::= DO(T) name(N) LPAREN RPAREN.          { A = stmt_named(p, STMT_DO, T, N); }
stmt(A) ::= DO(T) name(N) LPAREN sums(L) RPAREN.  { A = stmt_named(p, STMT_DO, T, N); A->args = L.first; }
stmt(A) ::= split(H) LBRACE arms(L) RBRACE.       { A = split_end(H, L); }
stmt(A) ::= BAD_SPLIT(T) LBRACE arms RBRACE.      { A = stmt_new(p, STMT_BAD, T); }
split(A) ::= SPLIT(T).                            { A = stmt_new(p, STMT_SPLIT, T); }
split(A) ::= SPLIT(T) name(N).                    { A = stmt_named(p, STMT_SPLIT, T, N); }
arms(A) ::= arm(X).                               { A = arms_add(p, NULL, X); }
arms(A) ::= arms(L) arm(X).                       { A = arms_add(p, L, X); }
arms(A) ::= arms(L) EOL arm(X).                   { A = arms_add(p, L, X); }
arms(A) ::= arms(L) ELSE_BLOCK(T) block(B).       { A = arms_else(p, L, T, B); }
arm(A) ::= PERCENT(T) block(B).                   { A = arm_new(p, T, B); }
arm(A) ::= BAD.                                   { A = NULL; }
arm(A) ::= BAD_BLOCK block.                       { A = NULL; }
stmt(A) ::= experiment(H) LBRACE tried RBRACE.    { A = experiment_end(p, H); }
experiment(A) ::= EXPERIMENT(T) name(N).          { A = experiment_new(p, STMT_EXPERIMENT, T, N); }
experiment(A) ::= BAD_EXPERIMENT(T).              { A = experiment_new(p, STMT_BAD, T, name_none()); }
tried ::= attempt.
tried ::= tried attempt.
tried ::= tried EOL attempt.
attempt ::= variant(X).                           { experiment_variant(p, X); }
attempt ::= HOLDOUT(T) PERCENT(H).                { experiment_holdout(p, T, H); }
attempt ::= MEASURE(T) events(E) WITHIN DURATION(D). { experiment_event(p, T, E, D); }
attempt ::= MEASURE(T) measured(E) opt_currency(C) WITHIN DURATION(D). { experiment_sum(p, T, E, C, D); }
attempt ::= WINNER(T) AT THE END.                 { experiment_winner(p, T, false); }
attempt ::= WINNER(T) AT PERCENT CERTAINTY COMMA GIVE UP AFTER DURATION. { experiment_winner(p, T, true); }
attempt ::= BAD.                                  { experiment_mistaken(p); }
attempt ::= BAD_BLOCK block.                      { experiment_mistaken(p); }
variant(A) ::= VARIANT(T) name(N) PERCENT(S) block(B). { A = variant_new(p, T, N, S, B); }
measured(A) ::= SUM(T) LPAREN args(X) RPAREN.     { T.value.i = AGG_SUM; A = expr_history(p, T, X, token_none()); }
opt_currency(A) ::= .                             { A = token_none(); }
opt_currency(A) ::= IN NAME(C).                   { A = C; }
stmt(A) ::= repeat(H) block(B).                   { A = H; A->then = B; }
repeat(A) ::= REPEAT(T) NUMBER(N) TIMES.          { A = repeat_new(p, T, N, token_none()); }
repeat(A) ::= REPEAT(T) NUMBER(N) TIMES EVERY span(D).     { A = repeat_new(p, T, N, D); }
repeat(A) ::= FOR(T) EACH name(N) IN primary(E).  { A = stmt_named(p, STMT_EACH, T, N); A->value = E; stmt_end(p, A); }

/* --- events ----------------------------------------------------------------------------------------------------------*/
events(A) ::= event_or(A). [OPEN]
events(A) ::= LPAREN event_or(L) RPAREN.          { A = L; A.parenthesised = true; }
event_or(A) ::= event(E).                         { A = events_add((struct event_list){ 0 }, E); }
event_or(A) ::= event_or(L) OR event(E).          { A = events_add(L, E); }
event(A) ::= event_head(H) opt_alias(N) opt_where(W). { A = H; A->alias = N; event_where(p, A, W); }
event_head(A) ::= name(N).                        { A = event_of(p, N, (struct name){ 0 }); }
event_head(A) ::= name(N) OF name(M).             { A = event_of(p, N, M); }
event_head(A) ::= ENTERS(T) name(N).              { A = event_list_change(p, T, N); }
event_head(A) ::= LEAVES(T) name(N).              { A = event_list_change(p, T, N); }
event_head(A) ::= SCORE(T) name(N) PASSES NUMBER(X). { A = event_passes(p, T, N, X); }
event_head(A) ::= CONTACT(T) DOT name(N) CHANGES opt_changes(X). { A = event_changes(p, T, N, X); }
opt_changes(A) ::= .                              { A = NULL; }
opt_changes(A) ::= TO sum(E).                     { A = E; }
opt_of(A) ::= .                                   { A = (struct name){ 0 }; }
opt_of(A) ::= OF name(N).                         { A = N; }
opt_alias(A) ::= .                                { A = (struct name){ 0 }; }
opt_alias(A) ::= AS NAME(N).                      { A = name_of(p, N); }
opt_where(A) ::= .                                { A = NULL; }
opt_where(A) ::= WHERE filter(E).                 { A = E; }
/* One comparison. History stands in parentheses here, or its window could belong to either. */
filter(A) ::= comparison(A).
filter(A) ::= NOT(T) filter(X).                   { A = expr_unary(p, UN_NOT, T, X); }

/* --- expressions -----------------------------------------------------------------------------------------------------*/
expr(A) ::= conjunction(A). [OPEN]
expr(A) ::= expr(X) OR conjunction(Y).            { A = expr_binary(p, BIN_OR, X, Y); }
conjunction(A) ::= negation(A).
conjunction(A) ::= conjunction(X) AND negation(Y). { A = expr_binary(p, BIN_AND, X, Y); }
negation(A) ::= comparison(A).
negation(A) ::= history(A).
negation(A) ::= NOT(T) negation(X).               { A = expr_unary(p, UN_NOT, T, X); }

comparison(A) ::= alternative(A).
comparison(A) ::= alternative(X) comparing(T) alternative(Y). { A = expr_binary(p, (uint8_t)T.value.i, X, Y); }
comparison(A) ::= CONSENTS(T) TO name(N).         { A = expr_consents(p, T, N); }
comparison(A) ::= alternative(X) IS MISSING.      { A = expr_missing(p, X, false); }
comparison(A) ::= alternative(X) IS NOT MISSING.  { A = expr_missing(p, X, true); }
comparison(A) ::= alternative(X) IS ONE_OF open_sums(L). [OPEN] { A = expr_in(p, X, L, false); }
comparison(A) ::= alternative(X) IS NOT ONE_OF open_sums(L). [OPEN] { A = expr_in(p, X, L, true); }
comparison(A) ::= alternative(X) IN LBRACKET sums(L) RBRACKET.     { A = expr_in(p, X, L, false); }
comparison(A) ::= alternative(X) NOT IN LBRACKET sums(L) RBRACKET. { A = expr_in(p, X, L, true); }
history(A) ::= DID(T) events(E) window(W).     { A = expr_did(p, T, E, W, false); }
history(A) ::= NO(T) events(E) window(W).      { A = expr_did(p, T, E, W, true); }
history(A) ::= ANY_IN(T) name(N) IN primary(L) WHERE filter(C). { A = expr_any(p, T, N, L, C); }
comparing(A) ::= IS(T).                           { A = T; A.value.i = BIN_IS; }
comparing(A) ::= IS(T) NOT.                       { A = T; A.value.i = BIN_IS_NOT; }
comparing(A) ::= NOT_EQUAL(T).                    { A = T; A.value.i = BIN_IS_NOT; }
comparing(A) ::= LT(T).                           { A = T; A.value.i = BIN_LT; }
comparing(A) ::= LE(T).                           { A = T; A.value.i = BIN_LE; }
comparing(A) ::= GT(T).                           { A = T; A.value.i = BIN_GT; }
comparing(A) ::= GE(T).                           { A = T; A.value.i = BIN_GE; }
comparing(A) ::= CONTAINS(T).                     { A = T; A.value.i = BIN_CONTAINS; }
comparing(A) ::= STARTS(T) WITH.                  { A = T; A.value.i = BIN_STARTS; }
comparing(A) ::= ENDS(T) WITH.                    { A = T; A.value.i = BIN_ENDS; }
comparing(A) ::= MATCHES(T).                      { A = T; A.value.i = BIN_MATCHES; }
window(A) ::= .                                   { A = token_none(); }
window(A) ::= IN_LAST DURATION(D).                { A = D; }
sums(A) ::= sum(E).                               { A = exprs_add((struct expr_list){ 0 }, E); }
sums(A) ::= sums(L) COMMA sum(E).                 { A = exprs_add(L, E); }
open_sums(A) ::= sum(E).                          { A = exprs_add((struct expr_list){ 0 }, E); }
open_sums(A) ::= open_sums(L) COMMA sum(E).       { A = exprs_add(L, E); }

alternative(A) ::= sum(A).
alternative(A) ::= sum(X) ELSE alternative(Y).    { A = expr_binary(p, BIN_ELSE, X, Y); }
sum(A) ::= product(A).
sum(A) ::= sum(X) PLUS product(Y).                { A = expr_binary(p, BIN_ADD, X, Y); }
sum(A) ::= sum(X) MINUS product(Y).               { A = expr_binary(p, BIN_SUB, X, Y); }
product(A) ::= factor(A).
product(A) ::= product(X) STAR factor(Y).         { A = expr_binary(p, BIN_MUL, X, Y); }
product(A) ::= product(X) SLASH factor(Y).        { A = expr_binary(p, BIN_DIV, X, Y); }
factor(A) ::= primary(A).
factor(A) ::= MINUS(T) factor(X).                 { A = expr_unary(p, UN_NEG, T, X); }

primary(A) ::= literal(A).
primary(A) ::= NAME(N).                           { A = expr_name(p, N); }
primary(A) ::= primary(X) DOT name(N).            { A = expr_member(p, X, N); }
primary(A) ::= CODE(T) LPAREN TEXT(N) COMMA CONTACT RPAREN. { A = expr_code(p, T, N); }
primary(A) ::= LPAREN(T) expr(X) RPAREN.          { A = expr_parens(p, T, X); }
primary(A) ::= aggregate(F) LPAREN args(X) opt_args_last(W) RPAREN. { A = expr_history(p, F, X, W); }
primary(A) ::= TIME_SINCE(T) first_or_last(F) since_event(E). { A = expr_since(p, T, F, E); }
since_event(A) ::= name(N) opt_of(M).             { A = events_add((struct event_list){ 0 }, event_of(p, N, M)); }
since_event(A) ::= ENTERS(T) name(N).             { A = events_add((struct event_list){ 0 }, event_list_change(p, T, N)); }
since_event(A) ::= LEAVES(T) name(N).             { A = events_add((struct event_list){ 0 }, event_list_change(p, T, N)); }
since_event(A) ::= LPAREN event_or(E) RPAREN.     { A = E; }
first_or_last(A) ::= FIRST(T).                    { A = T; A.value.i = AGG_FIRST; }
first_or_last(A) ::= LAST(T).                     { A = T; A.value.i = AGG_LAST; }
aggregate(A) ::= COUNT(T).                        { A = T; A.value.i = AGG_COUNT; }
aggregate(A) ::= SUM(T).                          { A = T; A.value.i = AGG_SUM; }
aggregate(A) ::= AVERAGE(T).                      { A = T; A.value.i = AGG_AVERAGE; }
aggregate(A) ::= MIN(T).                          { A = T; A.value.i = AGG_MIN; }
aggregate(A) ::= MAX(T).                          { A = T; A.value.i = AGG_MAX; }
aggregate(A) ::= first_or_last(A).
args(A) ::= arg_or(A).
arg_or(A) ::= arg(A).
arg_or(A) ::= arg_or(X) OR event(E).              { A = args_add(X, E); }
arg(A) ::= name(N) opt_of(M) opt_property(R) opt_alias(L) opt_where(W). { A = arg_new(p, N, M, R, L, W); }
arg(A) ::= ENTERS(T) name(N).                     { A = arg_event(p, event_list_change(p, T, N)); }
arg(A) ::= LEAVES(T) name(N).                     { A = arg_event(p, event_list_change(p, T, N)); }
opt_property(A) ::= .                             { A = (struct name){ 0 }; }
opt_property(A) ::= DOT name(N).                  { A = N; }
opt_args_last(A) ::= .                            { A = token_none(); }
opt_args_last(A) ::= COMMA_LAST DURATION(D).      { A = D; }

literal(A) ::= NUMBER(T).                         { A = expr_literal(p, T); }
literal(A) ::= PERCENT(T).                        { A = expr_literal(p, T); }
literal(A) ::= MONEY(T).                          { A = expr_literal(p, T); }
literal(A) ::= TEXT(T).                           { A = expr_literal(p, T); }
literal(A) ::= DATE(T).                           { A = expr_literal(p, T); }
literal(A) ::= TIME(T).                           { A = expr_literal(p, T); }
literal(A) ::= DATETIME(T).                       { A = expr_literal(p, T); }
literal(A) ::= DURATION(T).                       { A = expr_literal(p, T); }
literal(A) ::= TRUE(T).                           { T.value = value_bool(true); A = expr_literal(p, T); }
literal(A) ::= FALSE(T).                          { T.value = value_bool(false); A = expr_literal(p, T); }

props(A) ::= .                                    { A = (struct prop_list){ 0 }; }
props(A) ::= prop_list(A).
prop_list(A) ::= prop(P).                         { A = props_add((struct prop_list){ 0 }, P); }
prop_list(A) ::= prop_list(L) separator prop(P).  { A = props_add(L, P); }
prop(A) ::= LABEL(N) value(E).                    { A = prop_new(p, N, E); }
prop(A) ::= BAD.                                  { A = NULL; }
/* Lists and records are written out where properties are given, and nowhere else: a brace after a condition is a block. */
value(A) ::= expr(A).
value(A) ::= LBRACKET(T) RBRACKET.                { A = expr_list(p, T, (struct expr_list){ 0 }); }
value(A) ::= LBRACKET(T) values(L) RBRACKET.      { A = expr_list(p, T, L); }
value(A) ::= LBRACE(T) props(L) RBRACE.           { A = expr_record(p, T, L); }
values(A) ::= value(E).                           { A = exprs_add((struct expr_list){ 0 }, E); }
values(A) ::= values(L) COMMA value(E).           { A = exprs_add(L, E); }

/* --- tests -----------------------------------------------------------------------------------------------------------*/
item ::= test_head(I) LBRACE test_lines(L) RBRACE. { I->test.lines = L.first; }
item ::= fixture_head(I) LBRACE test_lines(L) RBRACE. { I->test.lines = L.first; }
item ::= BAD_TEST LBRACE test_lines RBRACE.
test_head(A) ::= TEST(T) TEXT(N).                 { A = item_test(p, ITEM_TEST, T, name_of(p, N)); }
fixture_head(A) ::= FIXTURE(T) name(N).           { A = item_test(p, ITEM_FIXTURE, T, N); }
test_lines(A) ::= .                               { A = (struct test_list){ 0 }; }
test_lines(A) ::= test_list(A).
test_list(A) ::= test_line(T).                    { A = tests_add((struct test_list){ 0 }, T); }
test_list(A) ::= test_list(L) EOL test_line(T).   { A = tests_add(L, T); }
test_line(A) ::= BAD.                             { A = NULL; }
test_line(A) ::= CONTACT(T) name(N) opt_traits(P). { A = test_contact(p, T, N, P); }
test_line(A) ::= GIVEN(T) name(N).                { A = test_given(p, T, N); }
test_line(A) ::= CASES(T) LBRACE case_rows(L) RBRACE. { A = test_cases(p, T, L.first); }
test_line(A) ::= PAUSE(T) name(N).                { A = test_pause(p, T, N); }
test_line(A) ::= RESUME(T) name(N).               { A = test_resume(p, T, N, value_missing()); }
test_line(A) ::= RESUME(T) name(N) SKIP.          { A = test_resume(p, T, N, value_bool(false)); }
test_line(A) ::= RESUME(T) name(N) SPREAD OVER DURATION(D). { A = test_resume(p, T, N, D.value); }
opt_traits(A) ::= .                               { A = (struct prop_list){ 0 }; }
opt_traits(A) ::= LBRACE RBRACE.                  { A = (struct prop_list){ 0 }; }
opt_traits(A) ::= LBRACE traits(L) RBRACE.        { A = L; }
traits(A) ::= trait(P).                           { A = props_add((struct prop_list){ 0 }, P); }
traits(A) ::= traits(L) separator trait(P).       { A = props_add(L, P); }
trait(A) ::= prop(A).
trait(A) ::= CONSENTS TO name(N).                 { A = prop_consents(p, N); }
test_line(A) ::= AT(T) moment(M).                 { A = test_at(p, T, M); }
test_line(A) ::= AT(T) moment(M) test_event(E).   { A = test_at(p, T, M); A->next = E; }
test_line(A) ::= test_event(A).
test_line(A) ::= expectation(A).
test_event(A) ::= NAME(C) IS name(S).             { A = test_is(p, C, S); }
test_event(A) ::= NAME(C) name(E) OF name(M) DOT name(O) opt_props(P). { A = test_reply(p, C, E, M, O, P); }
test_event(A) ::= NAME(C) name(E) opt_of(M) opt_props(P). { A = test_event(p, C, E, M, P); }
opt_props(A) ::= .                                { A = (struct prop_list){ 0 }; }
opt_props(A) ::= LBRACE props(L) RBRACE.          { A = L; }
moment(A) ::= DATE(T).                            { A = T; A.value.i *= MS_PER_DAY; }
moment(A) ::= DATETIME(T).                         { A = T; }
moment(A) ::= NAME(T).                            { A = T; }

/* A table of cases: its first line names the columns. */
case_rows(A) ::= case_row(R).                     { A = cases_add((struct case_list){ 0 }, R); }
case_rows(A) ::= case_rows(L) EOL case_row(R).    { A = cases_add(L, R); }
case_row(A) ::= case_cells(A).
case_row(A) ::= BAD.                              { A = NULL; }
case_cells(A) ::= value(E).                       { A = case_cell(p, NULL, E); }
case_cells(A) ::= case_cells(R) BAR value(E).     { A = case_cell(p, R, E); }

expectation(A) ::= EXPECT(T) name(M) SENT TO name(C).      { A = expect_sent(p, T, M, C, false); }
expectation(A) ::= EXPECT(T) name(M) NOT SENT TO name(C).  { A = expect_sent(p, T, M, C, true); }
expectation(A) ::= EXPECT(T) NOTHING SENT TO name(C).      { A = expect_nothing(p, T, C); }
expectation(A) ::= EXPECT(T) NOTHING_ELSE.                 { A = expect_else(p, T, name_none(), false); }
expectation(A) ::= EXPECT(T) NOTHING_ELSE FOR name(C).     { A = expect_else(p, T, C, false); }
expectation(A) ::= EXPECT(T) NOTHING_ELSE SENT TO name(C). { A = expect_else(p, T, C, true); }
expectation(A) ::= EXPECT(T) name(C) IN VARIANT name(V) OF name(X). { A = expect_variant(p, T, C, V, X, false); }
expectation(A) ::= EXPECT(T) name(C) NOT IN VARIANT name(V) OF name(X). { A = expect_variant(p, T, C, V, X, true); }
expectation(A) ::= EXPECT(T) name(C) IN HOLDOUT OF name(X). { A = expect_variant(p, T, C, name_none(), X, false); }
expectation(A) ::= EXPECT(T) name(C) NOT IN HOLDOUT OF name(X). { A = expect_variant(p, T, C, name_none(), X, true); }
expectation(A) ::= EXPECT(T) name(C) CONVERTED IN name(X). { A = expect_converted(p, T, C, X, false); }
expectation(A) ::= EXPECT(T) name(C) NOT CONVERTED IN name(X). { A = expect_converted(p, T, C, X, true); }
expectation(A) ::= EXPECT(T) name(C) IN name(L).           { A = expect_member(p, T, C, L, false); }
expectation(A) ::= EXPECT(T) name(C) NOT IN name(L).       { A = expect_member(p, T, C, L, true); }
expectation(A) ::= EXPECT(T) name(C) IN CAMPAIGN name(N).  { A = expect_inside(p, T, C, N, false); }
expectation(A) ::= EXPECT(T) name(C) NOT IN CAMPAIGN name(N). { A = expect_inside(p, T, C, N, true); }
expectation(A) ::= EXPECT(T) name(M) DROPPED FOR name(C).  { A = expect_dropped(p, T, M, C, false); }
expectation(A) ::= EXPECT(T) name(M) NOT DROPPED FOR name(C). { A = expect_dropped(p, T, M, C, true); }
expectation(A) ::= EXPECT(T) name(M) HELD FOR name(C).     { A = expect_held(p, T, M, C, false); }
expectation(A) ::= EXPECT(T) name(M) NOT HELD FOR name(C). { A = expect_held(p, T, M, C, true); }
expectation(A) ::= expectation(E) UNTIL moment(M).         { A = expect_until(p, E, M); }
expectation(A) ::= EXPECT(T) LABEL(C) expr(E).             { A = expect_holds(p, T, C, E); }
expectation(A) ::= EXPECT(T) name(M) DOT name(O) CALLED FOR name(C). { A = expect_called(p, T, M, O, C, false, NULL); }
expectation(A) ::= EXPECT(T) name(M) DOT name(O) CALLED FOR name(C) WITH LBRACE props(L) RBRACE. { A = expect_called(p, T, M, O, C, false, L.first); }
expectation(A) ::= EXPECT(T) name(M) DOT name(O) NOT CALLED FOR name(C). { A = expect_called(p, T, M, O, C, true, NULL); }
expectation(A) ::= EXPECT(T) name(M) SHOWN TO name(C).     { A = expect_shown(p, T, M, C, false); }
expectation(A) ::= EXPECT(T) name(M) NOT SHOWN TO name(C). { A = expect_shown(p, T, M, C, true); }
expectation(A) ::= expectation(E) BECAUSE TEXT(W).         { A = expect_because(p, E, W); }
expectation(A) ::= expectation(E) ONCE.                    { A = expect_times(p, E, 1, true); }
expectation(A) ::= expectation(E) NUMBER(N) TIMES.         { A = expect_times(p, E, count_of(p, N), false); }
expectation(A) ::= expectation(E) AT moment(M).            { A = expect_at(p, E, M); }
expectation(A) ::= expectation(E) WITHIN DURATION(D).      { A = expect_within(p, E, D); }
expectation(A) ::= expectation(E) WITHIN NAME(N).          { A = expect_within(p, E, N); }

%code {
/* What the driver asks of the tables. Nothing here changes the parser but grammar_unwind. */

/* The action for exactly this token: no fallback, as the driver decides about that itself. */
static YYACTIONTYPE action_of(YYACTIONTYPE state, unsigned token) {
  if (state > YY_MAX_SHIFT) return state; /* a reduction that waits for the next token */
  unsigned i = yy_shift_ofst[state] + token;
  if (i >= YY_NLOOKAHEAD || yy_lookahead[i] != token) return yy_default[state];
  return yy_action[i];
}

/* Plays the reductions that token would cause on a copy of the top of the stack, and says whether it is shifted then
 * (look-ahead correction, as bison's parse.lac; see Denny's thesis, Clemson 2010). */
bool grammar_accepts(const void *parser, int token) {
  const yyParser *y = parser;
  YYACTIONTYPE copy[64];
  size_t copied = 0;
  const yyStackEntry *base = y->yytos; /* what is below and at it, is as it stands */
  YYACTIONTYPE state = base->stateno;
  for (;;) {
    YYACTIONTYPE act = action_of(state, (unsigned)token);
    if (act <= YY_MAX_SHIFTREDUCE || act == YY_ACCEPT_ACTION) return true;
    if (act < YY_MIN_REDUCE) return false;
    unsigned rule = (unsigned)(act - YY_MIN_REDUCE);
    size_t pops = (size_t)-yyRuleInfoNRhs[rule];
    size_t own = pops < copied ? pops : copied;
    copied -= own;
    base -= pops - own;
    state = copied ? copy[copied - 1] : base->stateno;
    CHECK(copied < sizeof copy / sizeof *copy);
    state = copy[copied++] = yy_find_reduce_action(state, yyRuleInfoLhs[rule]);
  }
}

/* How many of these tokens the parser would take, one behind the other, if they came now; only played, as above. A token that does
 * not fit as itself is tried as what it falls back to. back: as if the end of statement that was taken last were not there. */
uint32_t grammar_takes(const void *parser, bool back, const uint16_t *tokens, uint32_t count) {
  const yyParser *y = parser;
  YYACTIONTYPE copy[128];
  size_t copied = 0;
  const yyStackEntry *base = y->yytos - back;
  if (back && y->yytos->major != TOK_EOL) return 0;
  for (uint32_t i = 0; i < count; i++) {
    unsigned token = tokens[i];
    YYACTIONTYPE kept[128];
    size_t kept_count = copied;
    const yyStackEntry *kept_base = base;
    memcpy(kept, copy, copied * sizeof *copy);
    for (bool fell = false;;) {
      YYACTIONTYPE state = copied ? copy[copied - 1] : base->stateno, act = action_of(state, token);
      if (act == YY_ACCEPT_ACTION) return i + 1;
      if (act <= YY_MAX_SHIFTREDUCE) {
        if (copied == sizeof copy / sizeof *copy) return i;
        copy[copied++] = act > YY_MAX_SHIFT ? (YYACTIONTYPE)(act + YY_MIN_REDUCE - YY_MIN_SHIFTREDUCE) : act;
        break;
      }
      if (act < YY_MIN_REDUCE) {
        int other = grammar_fallback((int)token);
        if (fell || !other) return i;
        fell = true;
        token = (unsigned)other;
        copied = kept_count; /* the reductions that the keyword caused are not those of the name */
        base = kept_base;
        memcpy(copy, kept, copied * sizeof *copy);
        continue;
      }
      unsigned rule = (unsigned)(act - YY_MIN_REDUCE);
      size_t pops = (size_t)-yyRuleInfoNRhs[rule];
      size_t own = pops < copied ? pops : copied;
      copied -= own;
      base -= pops - own;
      state = copied ? copy[copied - 1] : base->stateno;
      if (copied == sizeof copy / sizeof *copy) return i;
      copy[copied++] = yy_find_reduce_action(state, yyRuleInfoLhs[rule]);
    }
  }
  return count;
}

/* Takes the end of statement back that was taken last; grammar_takes has said that it may. */
void grammar_back(void *parser) {
  yyParser *y = parser;
  CHECK(y->yytos->major == TOK_EOL);
  y->yytos--;
}

uint32_t grammar_height(const void *parser) {
  const yyParser *y = parser;
  return (uint32_t)(y->yytos - y->yystack);
}

static uint32_t open_braces(const yyParser *y) {
  uint32_t braces = 0;
  for (const yyStackEntry *e = y->yystack + 1; e <= y->yytos; e++) braces += e->major == TOK_LBRACE;
  return braces;
}

/* Drops what a mistaken statement left on the stack, down to where a BAD token can stand for the statement, inside no
 * more braces than given; returns how many are open around it. */
uint32_t grammar_unwind(void *parser, uint32_t braces_max) {
  yyParser *y = parser;
  uint32_t braces = open_braces(y);
  while (y->yytos > y->yystack && (braces > braces_max || !grammar_accepts(y, TOK_BAD))) {
    braces -= y->yytos->major == TOK_LBRACE;
    yy_pop_parser_stack(y);
  }
  return braces;
}

int grammar_fallback(int token) { return (size_t)token < sizeof yyFallback / sizeof *yyFallback ? yyFallback[token] : 0; }
int grammar_token_count(void) { return YYNTOKEN; }

#ifndef NDEBUG
/* For the test that the reference leaves no rule out, in builds with sanitizers only: the rules by number, as Lemon's
 * trace names them (`Reduce N [rule]`). NULL behind the last. */
const char *grammar_rule(uint32_t number) { return number < sizeof yyRuleName / sizeof *yyRuleName ? yyRuleName[number] : NULL; }
#endif
}
