/* The verifier: one unit that passes, and for each rule a change that it refuses with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/assemble.h"
#include "vm/program.h"

/* The unit that passes: everything that a rule below may break. */
static void build(struct assembler *s, struct arena *a) {
  asm_init(s, a, "welcome");
  asm_code(s, "filter: CONST true; RET;"
              "start: LOCAL 0; STORE 1; SEND hello; BASE; CONST 3d; ADD; WAIT 0;"
              "late: HALT;"
              "arm: BASE; CONST 3d; ADD; RET;"
              "plain: WAIT 1; HALT");
  s->unit.entry = (struct entry_rule){ .kind = ENTRY_ONCE_PER, .key_pc = 0 };
  asm_field(s, "amount:money:EUR");
  asm_measure(s, MEASURE_SUM, "purchase", "amount:money:EUR", "90d", "filter", "sum(purchase.amount)");
  asm_guarded(s, "page_view", "page", "/pricing", "filter", "start");
  asm_stop(s, "unsubscribe", "filter");
  asm_goal(s, "purchase", "filter", "30d");
  asm_wait(s, "arm", "late", 3);
  asm_branch(s, "purchase", "filter", "late");
  asm_wait(s, NULL, NULL, 0);
  asm_emit(s, "upgraded", "plan", NULL);
  asm_text_part(s, true, "Hi");
  asm_attr_part(s, false, "amount:money:EUR", NULL);
  asm_step(s, "start", 1, "send hello");
  asm_step(s, "late", 2, "end");
}

/* Changes of tables: the vectors are the unit's own arrays, so a row is written in place. */
/* The policy's tables are not the assembler's: one row of each, good but for one member. */
static struct topic one_topic;
static struct cap one_cap;
static struct quiet one_quiet;
static void make_policy(struct assembler *s) {
  s->unit.kind = UNIT_POLICY;
  s->unit.topic = NONE;
  one_topic = (struct topic){ 0, false };
  one_cap = (struct cap){ .count = 1, .window = asm_value(s, "7d"), .channel = NONE, .topic = NONE };
  one_quiet = (struct quiet){ .from_ms = 0, .to_ms = 3600000, .weekdays = 127, .channel = NONE };
  s->unit.topics = &one_topic, s->unit.topic_count = 1;
  s->unit.caps = &one_cap, s->unit.cap_count = 1;
  s->unit.quiets = &one_quiet, s->unit.quiet_count = 1;
}
/* One experiment whose tables are good but for one member. */
static void make_experiment(struct assembler *s) {
  struct experiment x = { .holdout = SPLIT_PLACES / 2, .within = asm_value(s, "2d"), .variant_count = 1, .response_count = 1 };
  struct variant v = { .places = SPLIT_PLACES / 2 };
  struct response r = { .filter_pc = NONE, .field = NONE };
  VEC_PUSH(s->a, &s->experiments, x);
  VEC_PUSH(s->a, &s->variants, v);
  VEC_PUSH(s->a, &s->responses, r);
}
#define CHANGE(name, statement) static void name(struct assembler *s) { statement; }
CHANGE(name_out, s->unit.name = 99)
CHANGE(name_none, s->unit.name = NONE)
CHANGE(channel_out, s->unit.channel = 99)
CHANGE(kind_unknown, s->unit.kind = UNIT_KIND_COUNT)
CHANGE(segment_acts, s->unit.kind = UNIT_SEGMENT)
CHANGE(score_acts, s->unit.kind = UNIT_SCORE)
CHANGE(message_language, (make_policy(s), s->unit.kind = UNIT_MESSAGE, s->unit.language = 99))
CHANGE(message_topic, (make_policy(s), s->unit.kind = UNIT_MESSAGE, s->unit.topic = 99))
CHANGE(message_expires, (make_policy(s), s->unit.expires = value_number(3)))
CHANGE(message_priority, (make_policy(s), s->unit.priority = 3))
CHANGE(topic_name, (make_policy(s), one_topic.name = 99))
CHANGE(cap_zero, (make_policy(s), one_cap.count = 0))
CHANGE(cap_many, (make_policy(s), one_cap.count = LIMIT_CAP_COUNT + 1))
CHANGE(cap_window, (make_policy(s), one_cap.window = value_missing()))
CHANGE(cap_back, (make_policy(s), one_cap.window.i = -1))
CHANGE(cap_channel, (make_policy(s), one_cap.channel = 99))
CHANGE(cap_topic, (make_policy(s), one_cap.topic = 99))
CHANGE(cap_text, (make_policy(s), one_cap.text = NONE))
CHANGE(quiet_from, (make_policy(s), one_quiet.from_ms = MS_PER_DAY))
CHANGE(quiet_to, (make_policy(s), one_quiet.to_ms = MS_PER_DAY))
CHANGE(quiet_days, (make_policy(s), one_quiet.weekdays = 128))
CHANGE(quiet_no_day, (make_policy(s), one_quiet.weekdays = 0))
CHANGE(quiet_channel, (make_policy(s), one_quiet.channel = 99))
CHANGE(quiet_text, (make_policy(s), one_quiet.text = 99))
CHANGE(entry_unknown, s->unit.entry.kind = 5)
CHANGE(entry_within, s->unit.entry.within = asm_value(s, "3d"))
CHANGE(entry_no_within, s->unit.entry = ((struct entry_rule){ .kind = ENTRY_ONCE_IN, .key_pc = NONE }))
CHANGE(entry_no_key, s->unit.entry.key_pc = NONE)
CHANGE(entry_key_out, s->unit.entry.key_pc = 999)
CHANGE(entry_key_steps, s->unit.entry.key_pc = asm_pc(s, "late"))
CHANGE(string_bad, s->strings.items[0] = ((struct str){ "\xc3", 1 }))
CHANGE(string_zeros, s->strings.items[0] = ((struct str){ "\xed\xa0\x80", 3 }))
CHANGE(const_number, s->consts.items[0] = value_number(__builtin_inf()))
CHANGE(const_list, s->consts.items[0] = ((struct value){ .type = V_LIST, .ptr = "[1", .aux = 2 }))
CHANGE(const_type, s->consts.items[0].type = V_TYPE_COUNT)
CHANGE(field_name, s->fields.items[0].name = 99)
CHANGE(field_type, s->fields.items[0].type = V_TYPE_COUNT)
CHANGE(field_currency, s->fields.items[0].currency = 7)
CHANGE(measure_kind, s->measures.items[0].kind = MEASURE_FIRST_AT + 1)
CHANGE(measure_event, s->measures.items[0].event = 99)
CHANGE(measure_text, s->measures.items[0].text = NONE)
CHANGE(measure_field, s->measures.items[0].field = 9)
CHANGE(measure_no_field, s->measures.items[0].field = NONE)
CHANGE(measure_window, s->measures.items[0].window = value_number(3))
CHANGE(measure_filter, s->measures.items[0].filter_pc = asm_pc(s, "start"))
CHANGE(trigger_event, s->triggers.items[0].event = 99)
CHANGE(trigger_guard, s->triggers.items[0].guard_text = NONE)
CHANGE(trigger_guard_out, s->triggers.items[0].guard_field = 99)
CHANGE(trigger_within, s->triggers.items[0].within = asm_value(s, "3d"))
CHANGE(trigger_filter, s->triggers.items[0].filter_pc = 500)
CHANGE(trigger_start, s->triggers.items[0].start_pc = NONE)
CHANGE(trigger_start_inside, s->triggers.items[0].start_pc = asm_pc(s, "start") + 1)
CHANGE(stop_starts, s->stops.items[0].start_pc = asm_pc(s, "start"))
CHANGE(goal_within, s->goals.items[0].within = value_bool(true))
CHANGE(wait_branches, s->waits.items[0].branch_count = 2)
CHANGE(wait_first, s->waits.items[0].first_branch = UINT32_MAX)
CHANGE(wait_half, s->waits.items[0].timeout_pc = NONE)
CHANGE(wait_arm, s->waits.items[0].arm_pc = asm_pc(s, "late"))
CHANGE(wait_live, s->waits.items[0].live = 4)
CHANGE(wait_timeout, s->waits.items[0].timeout_pc = asm_pc(s, "filter"))
CHANGE(branch_event, s->branches.items[0].event = 99)
CHANGE(branch_since, s->branches.items[0].since = 3)
CHANGE(branch_window, s->branches.items[0].since = BRANCH_SINCE_LAST)
CHANGE(branch_target, s->branches.items[0].target_pc = NONE)
CHANGE(branch_filter, s->branches.items[0].filter_pc = asm_pc(s, "late"))
CHANGE(emit_event, s->emits.items[0].event = 99)
CHANGE(emit_keys, s->emits.items[0].key_count = 2)
CHANGE(emit_key, s->emit_keys.items[0] = 99)
CHANGE(experiment_name, (make_experiment(s), s->experiments.items[0].name = 99))
CHANGE(experiment_text, (make_experiment(s), s->experiments.items[0].text = NONE))
CHANGE(experiment_within, (make_experiment(s), s->experiments.items[0].within = value_number(2)))
CHANGE(experiment_variants, (make_experiment(s), s->experiments.items[0].variant_count = 2))
CHANGE(experiment_responses, (make_experiment(s), s->experiments.items[0].first_response = UINT32_MAX))
CHANGE(experiment_shares, (make_experiment(s), s->experiments.items[0].holdout = UINT32_MAX))
CHANGE(variant_name, (make_experiment(s), s->variants.items[0].name = 99))
CHANGE(variant_code, (make_experiment(s), s->variants.items[0].to_pc = 999))
CHANGE(variant_backwards, (make_experiment(s), s->variants.items[0].from_pc = 2, s->variants.items[0].to_pc = 1))
CHANGE(response_experiment, (make_experiment(s), s->responses.items[0].experiment = 1))
CHANGE(response_event, (make_experiment(s), s->responses.items[0].event = 99))
CHANGE(response_filter, (make_experiment(s), s->responses.items[0].filter_pc = asm_pc(s, "late")))
CHANGE(response_field, (make_experiment(s), s->responses.items[0].field = 9))
CHANGE(part_kind, s->subject.items[0].kind = 4)
CHANGE(part_liquid, s->subject.items[0].kind = PART_LIQUID)
CHANGE(part_text, s->subject.items[0].text = NONE)
CHANGE(part_field, s->body.items[0].field = 9)
CHANGE(step_out, s->steps.items[1].pc = 999)
CHANGE(step_order, s->steps.items[1].pc = 0)
CHANGE(locals_many, s->unit.local_count = 65)

static const struct table_case { const char *name; void (*change)(struct assembler *s); enum camp_err err; const char *text; } tables[] = {
#define CASE(name, text) { #name, name, CAMP_CORRUPT, text }
  CASE(name_out, "name 0: string 99 is not one of 12"),
  CASE(name_none, "name 0: string 4294967295 is not one of 12"),
  CASE(channel_out, "channel 0: string 99 is not one of 12"),
  CASE(kind_unknown, "kind 9 is none of a unit"),
  CASE(segment_acts, "a segment has triggers, stops, goals or waits"),
  CASE(score_acts, "a score has triggers, stops, goals or waits"),
  CASE(message_language, "language 0: string 99 is not one of 12"),
  CASE(message_topic, "topic 0: string 99 is not one of 12"),
  CASE(message_expires, "expiry 0: a duration is missing"),
  CASE(message_priority, "priority 3 is unknown"),
  CASE(topic_name, "topic 0: string 99 is not one of 12"),
  CASE(cap_zero, "cap 0: 0 messages"),
  CASE(cap_many, "cap 0: 1001 messages"),
  CASE(cap_window, "cap 0: a duration is missing"),
  CASE(cap_back, "cap 0: its window lasts less than no time"),
  CASE(cap_channel, "cap 0: string 99 is not one of 12"),
  CASE(cap_topic, "cap 0: string 99 is not one of 12"),
  CASE(cap_text, "cap 0: string 4294967295 is not one of 12"),
  CASE(quiet_from, "quiet hours 0: no time of a day"),
  CASE(quiet_to, "quiet hours 0: no time of a day"),
  CASE(quiet_days, "quiet hours 0: no time of a day"),
  CASE(quiet_no_day, "quiet hours 0: no time of a day"),
  CASE(quiet_channel, "quiet hours 0: string 99 is not one of 12"),
  CASE(quiet_text, "quiet hours 0: string 99 is not one of 12"),
  CASE(entry_unknown, "entry rule 5 is unknown"),
  CASE(entry_within, "entry rule 3: a duration where none belongs"),
  CASE(entry_no_within, "entry rule 4: a duration is missing"),
  CASE(entry_no_key, "entry rule 3: a key belongs to `once per` alone"),
  CASE(entry_key_out, "entry rule 3: pc 999 is outside the code"),
  CASE(entry_key_steps, "pc 19: HALT in an expression"),
  CASE(string_bad, "string 0 is not UTF-8"),
  CASE(string_zeros, "string 0 is not UTF-8"),
  CASE(const_number, "constant 0 is not a value of its type"),
  CASE(const_list, "constant 0 is not a value of its type"),
  CASE(const_type, "constant 0 is not a value of its type"),
  CASE(field_name, "field 0: string 99 is not one of 12"),
  CASE(field_type, "field 0 has no type"),
  CASE(field_currency, "field 0 has no currency"),
  CASE(measure_kind, "measure 0: kind 9 is unknown"),
  CASE(measure_event, "measure 0: string 99 is not one of 12"),
  CASE(measure_text, "measure 0: string 4294967295 is not one of 12"),
  CASE(measure_field, "measure 0: field 9 is not one of 1"),
  CASE(measure_no_field, "measure 0: it takes no property"),
  CASE(measure_window, "measure 0: a duration is missing"),
  CASE(measure_filter, "pc 8: SEND in an expression"),
  CASE(trigger_event, "trigger 0: string 99 is not one of 12"),
  CASE(trigger_guard, "trigger 0: half a guard"),
  CASE(trigger_guard_out, "trigger 0: string 99 is not one of 12"),
  CASE(trigger_within, "trigger 0: a duration where none belongs"),
  CASE(trigger_filter, "trigger 0: pc 500 is outside the code"),
  CASE(trigger_start, "trigger 0: pc 4294967295 is outside the code"),
  CASE(trigger_start_inside, "trigger 0: pc 5 is not the start of an instruction"),
  CASE(stop_starts, "stop 0: it starts code"),
  CASE(goal_within, "goal 0: a duration is missing"),
  CASE(wait_branches, "wait 0: its branches are not in the table"),
  CASE(wait_first, "wait 0: its branches are not in the table"),
  CASE(wait_half, "wait 0: a deadline and what follows it belong together"),
  CASE(wait_arm, "pc 19: HALT in an expression"),
  CASE(wait_live, "wait 0: it keeps a local that the unit has not"),
  CASE(wait_timeout, "pc 3: RET in steps"),
  CASE(branch_event, "branch 0: string 99 is not one of 12"),
  CASE(branch_since, "branch 0: since 3 is unknown"),
  CASE(branch_window, "branch 0: a duration is missing"),
  CASE(branch_target, "branch 0: pc 4294967295 is outside the code"),
  CASE(branch_filter, "pc 19: HALT in an expression"),
  CASE(emit_event, "emit 0: string 99 is not one of 12"),
  CASE(emit_keys, "emit 0: its keys are not in the table"),
  CASE(emit_key, "emit key 0: string 99 is not one of 12"),
  CASE(experiment_name, "experiment 0: string 99 is not one of 12"),
  CASE(experiment_text, "experiment 0: string 4294967295 is not one of 12"),
  CASE(experiment_within, "experiment 0: a duration is missing"),
  CASE(experiment_variants, "experiment 0: its variants or responses are not in the table"),
  CASE(experiment_responses, "experiment 0: its variants or responses are not in the table"),
  CASE(experiment_shares, "experiment 0: its shares do not sum"),
  CASE(variant_name, "variant 0: string 99 is not one of 12"),
  CASE(variant_code, "variant 0: its code is outside the code"),
  CASE(variant_backwards, "variant 0: its code is outside the code"),
  CASE(response_experiment, "experiment 0: a response is another's"),
  CASE(response_event, "response 0: string 99 is not one of 12"),
  CASE(response_filter, "pc 19: HALT in an expression"),
  CASE(response_field, "response 0: field 9 is not one of 1"),
  CASE(part_kind, "subject 0: kind 4 is unknown"),
  CASE(part_liquid, "subject 0: the template: a number is damaged"),
  CASE(part_text, "subject 0: string 4294967295 is not one of 12"),
  CASE(part_field, "body 0: field 9 is not one of 1"),
  CASE(step_out, "step 1: out of order or outside the code"),
  CASE(step_order, "step 1: out of order or outside the code"),
  { "locals_many", locals_many, CAMP_LIMIT, "65 locals: at most 64 fit in a unit" },
};

static int expect(const char *name, enum camp_err err, struct program_error *e, enum camp_err wanted, const char *text) {
  if (err == wanted && strcmp(e->text, text) == 0) return 0;
  print_message("# %s: got %d `%s`, wanted %d `%s`\n", name, err, e->text, wanted, text);
  return 1;
}

static void tables_are_checked(void **state) {
  int bad = 0;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    struct arena a;
    struct assembler s;
    struct program_error e;
    arena_init(&a, 1 << 12);
    build(&s, &a);
    assert_int_equal(unit_verify(asm_unit(&s), &e), CAMP_OK);
    tables[i].change(&s);
    bad += expect(tables[i].name, unit_verify(asm_unit(&s), &e), &e, tables[i].err, tables[i].text);
    arena_deinit(&a);
  }
  assert_int_equal(bad, 0);
}

/* Code of a unit with one trigger at `start`, or with one filter at `expr`. Raw bytes stand for what the assembler cannot say. */
struct code_case { const char *name, *code; enum camp_err err; const char *text; };
static const struct code_case codes[] = {
  { "steps", "start: SEND hello; HALT", CAMP_OK, "" },
  { "a value left behind", "start: CONST 1; EXIT", CAMP_OK, "" },
  { "no end", "start: SEND hello", CAMP_CORRUPT, "pc 0: pc 3 is outside the code" },
  { "no end of an expression", "expr: CONST 1", CAMP_CORRUPT, "pc 0: pc 3 is outside the code" },
  { "underflow", "start: CONST 1; EQ; HALT", CAMP_CORRUPT, "pc 3: EQ takes 2 values and 1 are there" },
  { "nothing to give back", "expr: RET", CAMP_CORRUPT, "pc 0: RET with 0 values on the stack" },
  { "two to give back", "expr: CONST 1; CONST 1; RET", CAMP_CORRUPT, "pc 6: RET with 2 values on the stack" },
  { "return from steps", "start: CONST 1; RET", CAMP_CORRUPT, "pc 3: RET in steps" },
  { "an effect in an expression", "expr: JOIN a; CONST 1; RET", CAMP_CORRUPT, "pc 0: JOIN in an expression" },
  { "a wait in an expression", "expr: WAIT 0; HALT", CAMP_CORRUPT, "pc 0: WAIT in an expression" },
  { "a fork in an expression", "expr: FORK x; CONST 1; RET; x: HALT", CAMP_CORRUPT, "pc 0: FORK in an expression" },
  { "wait with a full stack", "start: CONST 1; WAIT 0; HALT", CAMP_CORRUPT, "pc 3: WAIT leaves 1 values on the stack" },
  { "wait without its deadline", "start: WAIT 1; late: HALT; arm: BASE; RET", CAMP_CORRUPT,
    "pc 0: WAIT takes 1 values and 0 are there" },
  { "wait with its deadline", "start: NOW; WAIT 1; late: HALT; arm: BASE; RET", CAMP_OK, "" },
  { "and", "expr: CONST true; AND out; CONST true; out: RET", CAMP_OK, "" },
  { "or", "expr: CONST true; OR out; CONST true; out: RET", CAMP_OK, "" },
  { "and that leaves two", "expr: CONST true; AND out; CONST true; CONST 1; out: RET", CAMP_CORRUPT,
    "pc 11: pc 14 is met with 1 values on the stack and with 2" },
  { "paths that differ", "start: CONST true; JUMPF out; CONST 1; out: HALT", CAMP_CORRUPT,
    "pc 8: pc 11 is met with 0 values on the stack and with 1" },
  { "each", "start: CONST [1]; next: EACH 0 out; JUMP next; out: HALT", CAMP_OK, "" },
  { "each loses the rest", "start: CONST [1]; next: EACH 0 out; JUMP out; out: HALT", CAMP_CORRUPT,
    "pc 9: pc 14 is met with 0 values on the stack and with 1" },
  { "a fork starts empty", "start: CONST 1; FORK out; SET x; HALT; out: SET x; HALT", CAMP_CORRUPT,
    "pc 12: SET takes 1 values and 0 are there" },
  { "one of", "expr: CONST 1; CONST 1; CONST 2; ONEOF 2; RET", CAMP_OK, "" },
  { "one of too many", "expr: CONST 1; CONST 2; ONEOF 2; RET", CAMP_CORRUPT, "pc 6: ONEOF takes 3 values and 2 are there" },
  { "an emit's keys", "start: EMIT 0; HALT", CAMP_CORRUPT, "pc 0: EMIT takes 1 values and 0 are there" },
  { "constant out", "start: \x10\x09\x01; HALT", CAMP_CORRUPT, "pc 0: constant 265 is not one of 0" },
  { "local out", "start: \x11\x07; HALT", CAMP_CORRUPT, "pc 0: local 7 is not one of 0" },
  { "field out", "start: \x13\x02\x01; HALT", CAMP_CORRUPT, "pc 0: field 258 is not one of 0" },
  { "string out", "start: \x1c\x02\x01; HALT", CAMP_CORRUPT, "pc 0: string 258 is not one of 4" },
  { "measure out", "start: MEASURE 3; HALT", CAMP_CORRUPT, "pc 0: measure 3 is not one of 0" },
  { "wait out", "start: WAIT 9; HALT", CAMP_CORRUPT, "pc 0: wait 9 is not one of 1" },
  { "experiment out", "start: CONST 1; ASSIGN 2; HALT", CAMP_CORRUPT, "pc 3: experiment 2 is not one of 0" },
  { "a variant in an expression", "expr: VARIANT 0; RET", CAMP_CORRUPT, "pc 0: experiment 0 is not one of 0" },
  { "emit out", "start: EMIT 9; HALT", CAMP_CORRUPT, "pc 0: emit 9 is not one of 1" },
  { "a pattern that is none", "expr: CONST 1; MATCHES \"(\"; RET", CAMP_CORRUPT,
    "pc 3: missing closing parenthesis, at byte 1 of the pattern" },
  { "a pattern that is no text", "expr: CONST 1; MATCHES 1; RET", CAMP_CORRUPT, "pc 3: the pattern is not a text" },
  { "a reason that is no text", "start: DROP hello 1; HALT", CAMP_CORRUPT, "pc 0: the reason is not a text" },
  { "no weekday", "expr: CONST 09:00; NEXTTIME 0; RET", CAMP_CORRUPT, "pc 3: 0 is no set of weekdays" },
  { "an eighth weekday", "expr: CONST 09:00; CONST 10:00; WINDOW 128; RET", CAMP_CORRUPT, "pc 6: 128 is no set of weekdays" },
  { "a part of no date", "expr: NOW; DATEPART 7; RET", CAMP_CORRUPT, "pc 1: a date has no part 7" },
  { "no opcode", "start: HALT; \xff", CAMP_CORRUPT, "pc 1: no opcode has the byte 0xff" },
  { "cut short", "start: HALT; \x02\x01", CAMP_CORRUPT, "pc 1: the instruction 0x02 is cut short" },
  { "a jump out", "start: \x02\x7f\x7f\x7f\x7f; HALT", CAMP_CORRUPT, "pc 0: pc 2139062143 is outside the code" },
  { "a jump into an operand", "start: \x02\x07\x01\x01\x01; HALT", CAMP_CORRUPT, "pc 0: pc 16843015 is outside the code" },
};

static struct unit *code_unit(struct assembler *s, struct arena *a, const char *code) {
  asm_init(s, a, "welcome");
  asm_emit(s, "upgraded", "plan", NULL);
  asm_string(s, "purchase");
  /* Bytes below a space or above 0x7e are put as they are; the rest is assembler text. */
  for (const char *p = code; *p;) {
    const char *from = p;
    while ((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f) p++;
    if (p > from) asm_code(s, arena_str(a, str_slice(from, p)).ptr);
    while (*p && ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)) VEC_PUSH(a, &s->code, (uint8_t)*p++);
  }
  return NULL;
}

static bool has_label(const struct assembler *s, const char *name) {
  for (uint32_t i = 0; i < s->labels.count; i++) {
    if (str_is(s->labels.items[i].name, name)) return true;
  }
  return false;
}

static void code_is_followed(void **state) {
  int bad = 0;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    struct arena a;
    struct assembler s;
    struct program_error e;
    arena_init(&a, 1 << 12);
    code_unit(&s, &a, codes[i].code);
    asm_wait(&s, NULL, NULL, 0);
    if (has_label(&s, "arm")) asm_wait(&s, "arm", "late", 0);
    if (has_label(&s, "start")) asm_trigger(&s, "purchase", NULL, "start");
    if (has_label(&s, "expr")) asm_stop(&s, "purchase", "expr");
    bad += expect(codes[i].name, unit_verify(asm_unit(&s), &e), &e, codes[i].err, codes[i].text);
    arena_deinit(&a);
  }
  assert_int_equal(bad, 0);
}

/* A jump to every byte of a small unit: instructions' first bytes pass, operands do not. */
static void a_jump_into_an_operand_is_refused(void **state) {
  struct arena a;
  arena_init(&a, 1 << 12);
  for (uint32_t target = 0; target < 16; target++) {
    struct assembler s;
    struct program_error e;
    asm_init(&s, &a, "welcome");
    asm_code(&s, "start: JUMP at; at: SEND hello; SEND bye; HALT");
    asm_trigger(&s, "purchase", NULL, "start");
    s.code.items[1] = (uint8_t)target;
    enum camp_err err = unit_verify(asm_unit(&s), &e);
    bool start = target == 0 || target == 5 || target == 8 || target == 11;
    assert_int_equal(err == CAMP_OK, start);
    if (!start) assert_non_null(strstr(e.text, target < 12 ? "is not the start of an instruction" : "is outside the code"));
  }
  arena_deinit(&a);
}

static void stacks_have_a_limit(void **state) {
  for (int values = LIMIT_STACK_COUNT; values <= LIMIT_STACK_COUNT + 1; values++) {
    struct arena a;
    struct assembler s;
    struct program_error e;
    arena_init(&a, 1 << 12);
    asm_init(&s, &a, "welcome");
    asm_code(&s, "start:");
    for (int i = 0; i < values; i++) asm_code(&s, "NOW");
    asm_code(&s, "HALT");
    asm_trigger(&s, "purchase", NULL, "start");
    enum camp_err err = unit_verify(asm_unit(&s), &e);
    if (values == LIMIT_STACK_COUNT) assert_int_equal(err, CAMP_OK);
    else assert_int_equal(expect("65 values", err, &e, CAMP_LIMIT, "pc 64: more than 64 values on the stack"), 0);
    arena_deinit(&a);
  }
}

static void units_have_limits(void **state) {
  struct arena a;
  struct assembler s;
  struct program_error e;
  arena_init(&a, 1 << 12);
  build(&s, &a);
  struct unit u = *asm_unit(&s);
  u.string_count = LIMIT_UNIT_ITEMS_COUNT + 1;
  assert_int_equal(expect("strings", unit_verify(&u, &e), &e, CAMP_LIMIT, "65536 strings: at most 65535 fit in a unit"), 0);
  u = s.unit;
  u.code_bytes = LIMIT_UNIT_CODE_BYTES + 1;
  assert_int_equal(expect("code", unit_verify(&u, &e), &e, CAMP_LIMIT, "1048577 bytes of code: at most 1048576 fit in a unit"), 0);
  arena_deinit(&a);
}

/* The worst code for the worklist: as large as code may be and every instruction a jump. Linear, so it is done at once. */
static void large_code_is_followed(void **state) {
  struct arena a;
  struct assembler s;
  struct program_error e;
  arena_init(&a, 1 << 20);
  asm_init(&s, &a, "welcome");
  uint32_t jumps = LIMIT_UNIT_CODE_BYTES / 5 - 1;
  for (uint32_t i = 0; i <= jumps; i++) {
    uint32_t target = i == jumps ? 0 : (jumps - i) * 5;
    uint8_t code[5] = { OP_JUMP, (uint8_t)target, (uint8_t)(target >> 8), (uint8_t)(target >> 16), 0 };
    for (int k = 0; k < 5; k++) VEC_PUSH(&a, &s.code, code[k]);
  }
  asm_trigger(&s, "purchase", NULL, NULL)->start_pc = 0;
  assert_int_equal(unit_verify(asm_unit(&s), &e), CAMP_OK);
  arena_deinit(&a);
}

static void instructions_decode(void **state) {
  static const uint8_t code[] = { OP_EACH, 7, 1, 2, 0, 0, OP_DROP, 1, 0, 2, 1, OP_JUMP, 1 };
  uint32_t operands[2];
  assert_int_equal(instruction_decode(code, sizeof code, 0, operands), 6);
  assert_int_equal(operands[0], 7);
  assert_int_equal(operands[1], 513);
  assert_int_equal(instruction_decode(code, sizeof code, 6, operands), 5);
  assert_int_equal(operands[0], 1);
  assert_int_equal(operands[1], 258);
  assert_int_equal(instruction_decode(code, sizeof code, 11, operands), 0);
  assert_int_equal(instruction_decode(code, sizeof code, 13, operands), 0);
  for (int i = 0; i < 256; i++) {
    const struct opcode_info *info = &opcode_table[i];
    if (!info->name) continue;
    /* Letter by letter, as opcodes.def says. */
    const uint8_t one[8] = { (uint8_t)i, 0x81, 0x42, 0x13, 0x94, 0x75, 0x36 };
    uint32_t bytes = 1, by_letter[2] = { 0 };
    for (int n = 0; info->operands[n]; n++) {
      char letter = info->operands[n];
      uint32_t wide = letter == 'j' ? 4 : letter == 'l' || letter == 'n' ? 1 : 2;
      for (uint32_t k = 0; k < wide; k++) by_letter[n] |= (uint32_t)one[bytes++] << (8 * k);
    }
    assert_int_equal(info->bytes, bytes);
    assert_int_equal(instruction_decode(one, bytes, 0, operands), bytes);
    assert_int_equal(operands[0], by_letter[0]);
    assert_int_equal(operands[1], by_letter[1]);
    assert_int_equal(instruction_decode(one, bytes - 1, 0, operands), 0);
    assert_true(((info->flags & OPF_STEP) != 0) != ((info->flags & OPF_EXPR) != 0));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tables_are_checked), cmocka_unit_test(code_is_followed),
    cmocka_unit_test(a_jump_into_an_operand_is_refused), cmocka_unit_test(stacks_have_a_limit),
    cmocka_unit_test(units_have_limits), cmocka_unit_test(large_code_is_followed), cmocka_unit_test(instructions_decode),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
