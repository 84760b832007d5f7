/* Strands: every opcode by a table of expressions and effects, waits, and the bytes of parked strands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/assemble.h"
#include "vm/strand.h"

/* --- a world of one contact and one event --- */

struct world {
  struct arena arena;
  struct assembler s;
  struct image *image;
  struct contact contact;
  struct event event;
  struct env env;
  struct strand strand;
  struct vm vm;
};

#define EVENT                                                                                                        \
  "{\"amount\":\"40 EUR\",\"n\":7,\"page\":\"/pricing\",\"vip\":true,\"esc\":\"a\\u0062c\",\"none\":null,"           \
  "\"items\":[{\"sku\":\"a\",\"price\":2},{\"sku\":\"b\",\"price\":3}],\"days\":[\"2026-01-05\"],\"nums\":[1,2,3]," \
  "\"one\":{\"sku\":\"x\"},\"message\":\"hello\",\"key\":\"ann/welcome/2.1\"}"

static int64_t moment(const char *text) {
  int64_t ms;
  bool zoned;
  assert_true(calendar_parse_moment(str_from_c(text), &ms, &zoned));
  return ms;
}

static void world_init(struct world *w) {
  memset(w, 0, sizeof *w);
  arena_init(&w->arena, 1 << 14);
  asm_init(&w->s, &w->arena, "welcome");
}

/* Links the unit that was assembled and puts ann and a purchase in hand. */
static void world_link(struct world *w) {
  struct program_error e;
  struct unit *u = asm_unit(&w->s);
  if (unit_verify(u, &e)) fail_msg("%s", e.text);
  w->image = image_new();
  image_add(w->image, u, true);
  image_seal(w->image);
  for (uint32_t i = 0; i < image_measure_count(w->image); i++) image_measure(w->image, i)->stored_id = i + 1;
  /* Stored names as an engine would have them: the string's index and 1; `nowhere` has none. */
  for (uint32_t i = 0; i < u->string_count; i++) {
    u->link->stored[i] = str_is(unit_string(u, i), "nowhere") ? 0 : i + 1;
  }
  for (uint32_t i = 0; i < u->experiment_count; i++) u->link->experiments[i] = i + 1;
  for (uint32_t i = 0; i < u->variant_count; i++) u->link->variants[i] = i + 1;
  assert_int_equal(contact_read(&w->contact, &w->arena, (struct str){ NULL, 0 }), CAMP_OK);
  if (u->experiment_count) contact_assign(&w->contact, 1)->variant = 2;
  w->contact.key = STR("ann");
  w->contact.known_ms = moment("2025-12-01T00:00Z");
  w->contact.attributes = STR("{\"name\":\"Ann\",\"age\":30,\"born\":\"1990-05-17\"}");
  for (uint32_t i = 0; i < u->string_count; i++) {
    if (str_is(unit_string(u, i), "news")) contact_consent_make(&w->contact, i + 1)->state = CONSENT_GRANTED;
    if (str_is(unit_string(u, i), "others")) contact_consent_make(&w->contact, i + 1)->state = CONSENT_PENDING;
    if (str_is(unit_string(u, i), "vip")) contact_join(&w->contact, i + 1, w->contact.known_ms);
    if (str_is(unit_string(u, i), "buyer")) contact_tag(&w->contact, i + 1, w->contact.known_ms);
  }
  w->event = (struct event){ .name_text = STR("purchase"), .at_ms = moment("2026-01-05T09:30Z"), .body = STR(EVENT) };
  event_intern(&w->event, w->image, &w->arena);
  w->env = (struct env){ .image = w->image, .contact = &w->contact, .event = &w->event,
                         .now_ms = moment("2026-01-05T10:00Z"), /* a Monday */
                         .base_ms = moment("2026-01-05T09:30Z"), .zone = zone_utc(), .scratch = &w->arena,
                         .secret = STR("0123456789abcdef") };
  w->strand = (struct strand){ .unit = u, .slot = 1, .started_ms = moment("2026-01-01T00:00Z"), .entry = 2, .due_ms = NEVER };
}

static void world_deinit(struct world *w) {
  image_free(w->image);
  arena_deinit(&w->arena);
}

/* --- expressions: the opcode that a case is about, code, what it gives --- */

struct expr_case { uint8_t op; const char *code, *shown; };
static const struct expr_case exprs[] = {
  { OP_RET, "CONST 5; RET", "5" },
  { OP_JUMP, "JUMP out; out: CONST 5; RET", "5" },
  { OP_JUMPF, "CONST true; JUMPF out; CONST 1; RET; out: CONST 2; RET", "1" },
  { OP_JUMPF, "CONST false; JUMPF out; CONST 1; RET; out: CONST 2; RET", "2" },
  { OP_JUMPF, "CONST missing; JUMPF out; CONST 1; RET; out: CONST 2; RET", "2" },
  { OP_JUMPF, "CONST 1; JUMPF out; CONST 1; RET; out: CONST 2; RET", "2" },
  { OP_AND, "CONST true; AND out; CONST 7; out: RET", "7" },
  { OP_AND, "CONST missing; AND out; CONST 7; out: RET", "false" },
  { OP_OR, "CONST true; OR out; CONST 7; out: RET", "true" },
  { OP_OR, "CONST missing; OR out; CONST 7; out: RET", "7" },

  { OP_CONST, "CONST 40EUR; RET", "40 EUR" },
  { OP_LOCAL, "LOCAL 3; RET", "missing" },
  { OP_STORE, "CONST \"x\"; STORE 2; LOCAL 2; RET", "\"x\"" },
  { OP_FIELD, "FIELD amount:money; RET", "40 EUR" },
  { OP_FIELD, "FIELD n; RET", "7" },
  { OP_FIELD, "FIELD n:money:USD; RET", "7 USD" },
  { OP_FIELD, "FIELD page:number; RET", "missing" },
  { OP_FIELD, "FIELD esc:text; RET", "\"abc\"" },
  { OP_FIELD, "FIELD none; RET", "missing" },
  { OP_FIELD, "FIELD absent; RET", "missing" },
  { OP_ATTR, "ATTR name:text; RET", "\"Ann\"" },
  { OP_ATTR, "ATTR absent; RET", "missing" },
  { OP_SUBFIELD, "FIELD one; SUBFIELD sku:text; RET", "\"x\"" },
  { OP_SUBFIELD, "FIELD one; SUBFIELD absent; RET", "missing" },
  { OP_SUBFIELD, "FIELD n; SUBFIELD sku; RET", "missing" },
  { OP_NOW, "NOW; CONST 2026-01-05T10:00Z; EQ; RET", "true" },
  { OP_BASE, "BASE; CONST 2026-01-05T09:30Z; EQ; RET", "true" },
  { OP_STARTED, "STARTED; CONST 2026-01-01T00:00Z; EQ; RET", "true" },
  { OP_KNOWN, "KNOWN; CONST 2025-12-01T00:00Z; EQ; RET", "true" },
  { OP_AT, "AT; CONST 2026-01-05T09:30Z; EQ; RET", "true" },
  { OP_MEASURE, "MEASURE 0; RET", "0" },
  { OP_CONSENTS, "CONSENTS news; RET", "true" },
  { OP_CONSENTS, "CONSENTS others; RET", "false" },
  { OP_CONSENTS, "CONSENTS nowhere; RET", "false" },
  { OP_MEMBER, "MEMBER vip; RET", "true" },
  { OP_MEMBER, "MEMBER others; RET", "false" },
  { OP_MEMBER, "MEMBER nowhere; RET", "false" },
  { OP_TAGGED, "TAGGED buyer; RET", "true" },
  { OP_TAGGED, "TAGGED others; RET", "false" },
  { OP_TAGGED, "TAGGED nowhere; RET", "false" },
  { OP_SEGMENT, "SEGMENT nowhere; RET", "false" },
  { OP_SCORE, "SCORE nowhere; RET", "0" },
  { OP_AGO, "AGO 3d; CONST 2026-01-02T10:00Z; EQ; RET", "true" },
  { OP_AGO, "AGO 90m; CONST 2026-01-05T08:30Z; EQ; RET", "true" },
  { OP_OF, "OF hello; RET", "true" },
  { OP_OF, "OF hello_again; RET", "false" },

  { OP_EQ, "CONST 5; CONST 5; EQ; RET", "true" },
  { OP_EQ, "CONST 5; CONST 5.5; EQ; RET", "false" },
  { OP_EQ, "FIELD page:text; CONST \"/pricing\"; EQ; RET", "true" },
  { OP_EQ, "FIELD esc; CONST \"abc\"; EQ; RET", "true" },
  { OP_EQ, "CONST \"\"; CONST \"\"; EQ; RET", "true" },
  { OP_EQ, "CONST 5; CONST \"5\"; EQ; RET", "false" },
  { OP_EQ, "CONST 40EUR; FIELD amount:money; EQ; RET", "true" },
  { OP_EQ, "CONST 40EUR; CONST 40USD; EQ; RET", "false" },
  { OP_EQ, "CONST missing; CONST missing; EQ; RET", "false" },
  { OP_NE, "CONST missing; CONST 5; NE; RET", "true" },
  { OP_NE, "CONST 5; CONST 5; NE; RET", "false" },
  { OP_LT, "CONST 1; CONST 2; LT; RET", "true" },
  { OP_LT, "CONST 2; CONST 2; LT; RET", "false" },
  { OP_LT, "CONST missing; CONST 2; LT; RET", "false" },
  { OP_LE, "CONST 2; CONST 2; LE; RET", "true" },
  { OP_LE, "CONST 2026-01-05; CONST 2026-01-04; LE; RET", "false" },
  { OP_GT, "CONST 50EUR; FIELD amount:money; GT; RET", "true" },
  { OP_GT, "CONST 50USD; FIELD amount:money; GT; RET", "false" },
  { OP_GT, "CONST \"b\"; CONST \"a\"; GT; RET", "true" },
  { OP_GE, "CONST 24h; CONST 23h; GE; RET", "true" },
  { OP_GE, "CONST \"a\"; CONST 1; GE; RET", "false" },
  { OP_CONTAINS, "CONST \"abc\"; CONST \"bc\"; CONTAINS; RET", "true" },
  { OP_CONTAINS, "CONST \"abc\"; CONST \"\"; CONTAINS; RET", "true" },
  { OP_CONTAINS, "CONST \"a\"; CONST \"abc\"; CONTAINS; RET", "false" },
  { OP_CONTAINS, "FIELD nums; CONST 2; CONTAINS; RET", "true" },
  { OP_CONTAINS, "FIELD nums; CONST \"2\"; CONTAINS; RET", "false" },
  { OP_CONTAINS, "FIELD days; CONST 2026-01-05; CONTAINS; RET", "true" },
  { OP_CONTAINS, "CONST [\"a\",\"b\"]; CONST ref:b; CONTAINS; RET", "true" },
  { OP_CONTAINS, "CONST missing; CONST 2; CONTAINS; RET", "false" },
  { OP_CONTAINS, "FIELD nums; CONST missing; CONTAINS; RET", "false" },
  { OP_STARTS, "FIELD page; CONST \"/pr\"; STARTS; RET", "true" },
  { OP_STARTS, "CONST \"/pr\"; FIELD page; STARTS; RET", "false" },
  { OP_ENDS, "FIELD page; CONST \"cing\"; ENDS; RET", "true" },
  { OP_ENDS, "FIELD n; CONST \"7\"; ENDS; RET", "false" },
  { OP_MATCHES, "FIELD page; MATCHES \"^/pr[a-z]+$\"; RET", "true" },
  { OP_MATCHES, "FIELD page; MATCHES \"^pr\"; RET", "false" },
  { OP_MATCHES, "CONST \"Zo\xc3\xab\"; MATCHES \"^Zo.$\"; RET", "true" },
  { OP_MATCHES, "FIELD n; MATCHES \"7\"; RET", "false" },
  { OP_MATCHES, "CONST \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"; MATCHES \"^(a+)+$\"; RET", "false" },
  { OP_NOT, "CONST true; NOT; RET", "false" },
  { OP_NOT, "CONST missing; NOT; RET", "true" },
  { OP_MISSING, "FIELD absent; MISSING; RET", "true" },
  { OP_MISSING, "FIELD n; MISSING; RET", "false" },
  { OP_ELSE, "FIELD absent; CONST \"you\"; ELSE; RET", "\"you\"" },
  { OP_ELSE, "FIELD n; CONST \"you\"; ELSE; RET", "7" },
  { OP_ONEOF, "FIELD n; CONST 5; CONST 7; CONST 9; ONEOF 3; RET", "true" },
  { OP_ONEOF, "FIELD n; CONST 5; CONST 9; ONEOF 2; RET", "false" },
  { OP_ONEOF, "FIELD n; ONEOF 0; RET", "false" },

  { OP_ADD, "CONST 1; CONST 2; ADD; RET", "3" },
  { OP_ADD, "CONST 2026-01-31; CONST 1mo; ADD; CONST 2026-02-28; EQ; RET", "true" },
  { OP_ADD, "CONST 1; CONST \"2\"; ADD; RET", "missing" },
  { OP_SUB, "CONST 1; CONST 2; SUB; RET", "-1" },
  { OP_MUL, "CONST 40EUR; CONST 3; MUL; RET", "120 EUR" },
  { OP_DIV, "CONST 1; CONST 4; DIV; RET", "0.25" },
  { OP_DIV, "CONST 1; CONST 0; DIV; RET", "missing" },
  { OP_NEG, "CONST 5; NEG; RET", "-5" },
  { OP_NEG, "CONST 40EUR; NEG; RET", "-40 EUR" },
  { OP_NEG, "BASE; CONST 1mo; NEG; ADD; CONST 2025-12-05T09:30Z; EQ; RET", "true" },
  { OP_NEG, "CONST \"5\"; NEG; RET", "missing" },
  { OP_LEN, "FIELD items; LEN; RET", "2" },
  { OP_LEN, "CONST []; LEN; RET", "0" },
  { OP_LEN, "FIELD n; LEN; RET", "missing" },
  { OP_EACH, "CONST 0; STORE 1; FIELD items; next: EACH 0 out; LOCAL 0; SUBFIELD price:number; LOCAL 1; ADD; STORE 1; JUMP next;"
             "out: LOCAL 1; RET", "5" },
  { OP_EACH, "CONST []; EACH 0 out; LEN; RET; out: CONST \"empty\"; RET", "\"empty\"" },
  { OP_EACH, "FIELD n; EACH 0 out; LEN; RET; out: CONST \"empty\"; RET", "\"empty\"" },
  { OP_EACH, "FIELD nums; EACH 0 out; LEN; RET; out: CONST \"empty\"; RET", "2" },
  { OP_EACH, "FIELD nums; EACH 0 out; CONST 3; CONTAINS; RET; out: CONST \"empty\"; RET", "true" },
  { OP_EACH, "FIELD nums; EACH 0 out; CONST 1; CONTAINS; RET; out: CONST \"empty\"; RET", "false" },
  { OP_ZONED, "CONST 2026-01-05T12:00; ZONED; CONST 2026-01-05T12:00Z; EQ; RET", "true" },
  { OP_ZONED, "CONST 5; ZONED; RET", "missing" },
  { OP_NEXTTIME, "CONST 10:00; NEXTTIME 127; CONST 2026-01-05T10:00Z; EQ; RET", "true" },
  { OP_NEXTTIME, "CONST 09:59; NEXTTIME 127; CONST 2026-01-06T09:59Z; EQ; RET", "true" },
  { OP_NEXTTIME, "CONST 09:00; NEXTTIME 1; CONST 2026-01-12T09:00Z; EQ; RET", "true" },
  { OP_NEXTTIME, "CONST 12:00; NEXTTIME 32; CONST 2026-01-10T12:00Z; EQ; RET", "true" },
  { OP_NEXTTIME, "CONST 5; NEXTTIME 1; RET", "missing" },
  { OP_WINDOW, "CONST 09:00; CONST 18:00; WINDOW 127; NOW; EQ; RET", "true" },
  { OP_WINDOW, "CONST 11:00; CONST 18:00; WINDOW 127; CONST 2026-01-05T11:00Z; EQ; RET", "true" },
  { OP_WINDOW, "CONST 08:00; CONST 10:00; WINDOW 127; CONST 2026-01-06T08:00Z; EQ; RET", "true" },
  { OP_WINDOW, "CONST 21:00; CONST 11:00; WINDOW 127; NOW; EQ; RET", "true" },
  { OP_WINDOW, "CONST 21:00; CONST 08:00; WINDOW 127; CONST 2026-01-05T21:00Z; EQ; RET", "true" },
  { OP_WINDOW, "CONST 21:00; CONST 11:00; WINDOW 1; CONST 2026-01-05T21:00Z; EQ; RET", "true" },
  { OP_WINDOW, "CONST 09:00; CONST 18:00; WINDOW 96; CONST 2026-01-10T09:00Z; EQ; RET", "true" },
  { OP_WINDOW, "CONST 09:00; CONST 09:00; WINDOW 127; NOW; EQ; RET", "true" },
  { OP_WINDOW, "CONST 5; CONST 18:00; WINDOW 127; RET", "missing" },
  { OP_CODE, "CODE SUMMER; RET", "\"JNTA-70JD-2Z2\"" }, /* test_coupon.c: by Python's hmac */
  { OP_BUCKET, "BUCKET \"welcome\n1\"; RET", "274624" }, /* ann, by Python's hashlib */
  { OP_DATEPART, "NOW; DATEPART 0; RET", "2026" },
  { OP_DATEPART, "NOW; DATEPART 1; RET", "1" },
  { OP_DATEPART, "NOW; DATEPART 2; RET", "5" },
  { OP_DATEPART, "NOW; DATEPART 3; RET", "\"monday\"" },
  { OP_DATEPART, "NOW; DATEPART 4; RET", "10" },
  { OP_DATEPART, "NOW; DATEPART 5; CONST 2026-01-05; EQ; RET", "true" },
  { OP_DATEPART, "AT; DATEPART 6; CONST 09:30; EQ; RET", "true" },
  { OP_DATEPART, "ATTR born:date; DATEPART 1; RET", "5" },
  { OP_DATEPART, "CONST \"x\"; DATEPART 0; RET", "missing" },
};

static int expr_fails(const struct expr_case *c) {
  struct world w;
  struct buf b;
  world_init(&w);
  asm_measure(&w.s, MEASURE_COUNT, "purchase", NULL, NULL, NULL, "count(purchase)");
  asm_string(&w.s, "purchase");
  asm_code(&w.s, "expr:");
  asm_code(&w.s, c->code);
  asm_goal(&w.s, "purchase", "expr", NULL);
  world_link(&w);
  buf_init(&b, 1000);
  value_show(&b, vm_eval(&w.vm, &w.s.unit, asm_pc(&w.s, "expr"), &w.strand, &w.env));
  bool about = false;
  for (uint32_t pc = 0; pc < w.s.unit.code_bytes; pc += opcode_table[w.s.unit.code[pc]].bytes) about |= w.s.unit.code[pc] == c->op;
  bool same = str_is(buf_as_str(&b), c->shown);
  if (!same || !about) print_message("# %s: got %s, wanted %s\n", c->code, b.data, c->shown);
  buf_deinit(&b);
  world_deinit(&w);
  return !same || !about;
}

static void expressions_give_what_they_should(void **state) {
  int bad = 0;
  for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) bad += expr_fails(&exprs[i]);
  assert_int_equal(bad, 0);
}

/* --- steps: everything that comes out, as text --- */

struct steps_case { uint8_t op; const char *code, *shown; };
static const struct steps_case steps[] = {
  { OP_HALT, "HALT", "end" },
  { OP_EXIT, "EXIT", "exit" },
  { OP_SEND, "SEND hello; HALT", "send hello; end" },
  { OP_DROP, "DROP hello \"not now\"; HALT", "drop hello (not now); end" },
  { OP_JOIN, "JOIN vip; HALT", "join vip; end" },
  { OP_LEAVE, "LEAVE vip; HALT", "leave vip; end" },
  { OP_TAG, "TAG \"a b\"; HALT", "tag a b; end" },
  { OP_UNTAG, "UNTAG x; HALT", "untag x; end" },
  { OP_SET, "CONST \"pro\"; SET plan; HALT", "set plan \"pro\"; end" },
  { OP_POINTS, "CONST 15; POINTS interest; HALT", "points interest 15; end" },
  { OP_SET, "FIELD nums; EACH 0 out; SET left; HALT; out: HALT", "set left missing; end" },
  { OP_EMIT, "CONST 1; CONST true; EMIT 0; HALT", "emit upgraded 1 true; end" },
  { OP_SHOW, "NOW; SHOW popup; HALT", "show popup 2026-01-05T10:00:00Z; end" },
  { OP_SHOW, "CONST 1; SHOW popup; HALT", "show popup missing; end" },
  { OP_SENDWITH, "CONST 1; CONST true; SENDWITH 0; HALT", "send upgraded 1 true; end" },
  { OP_CALL, "CONST 1; CONST true; CALL 0; HALT", "call upgraded 1 true; end" },
  { OP_CALLED, "CALLED; SET left; HALT", "set left \"ann/welcome/2.0\"; end" },
  { OP_START, "START other; HALT", "start other; end" },
  { OP_STOP, "STOP other; HALT", "stop other; end" },
  { OP_SUBSCRIBE, "SUBSCRIBE offers; HALT", "subscribe offers; end" },
  { OP_UNSUBSCRIBE, "UNSUBSCRIBE offers; HALT", "unsubscribe offers; end" },
  { OP_VIA, "VIA \"sms email\"; SEND hello; HALT", "via sms email; send hello; end" },
  { OP_APART, "APART; HALT", "apart; end" },
  { OP_ASSIGN, "CONST 274624; ASSIGN 0; HALT", "assign subject 274624; end" },
  { OP_VARIANT, "VARIANT 0; STORE 0; LOCAL 0; SET v; HALT", "set v 1; end" }, /* the contact has the second of three */
  { OP_VARIANT, "VARIANT 1; SET v; HALT", "set v -1; end" },                       /* it has not met this one */
  { OP_WATCH, "SEND hello; WATCH 1; HALT", "send hello; watch; end" },
  { OP_FORK, "FORK x; SEND a; HALT; x: SEND b; HALT", "fork; send a; end" },
  { OP_EACH, "FIELD items; next: EACH 0 out; LOCAL 0; SUBFIELD sku; SET s; SEND m; JUMP next; out: HALT",
    "set s \"a\"; send m; set s \"b\"; send m; end" },
  { OP_OVER, "CONST 2026-01-08T10:00Z; OVER 0", "wait 2026-01-08 10:00" },
  { OP_WAIT, "CONST 2026-01-08T10:00Z; WAIT 0", "wait 2026-01-08 10:00" },
  { OP_WAIT, "CONST 2026-01-08T10:00; WAIT 0", "wait 2026-01-08 10:00" },
  { OP_WAIT, "CONST 2026-01-08; WAIT 0", "wait 2026-01-08 00:00" },
  { OP_WAIT, "CONST 2020-01-08; WAIT 0", "wait 2020-01-08 00:00" },
  { OP_WAIT, "CONST missing; WAIT 0", "missing" },
  { OP_WAIT, "CONST \"soon\"; WAIT 0", "missing" },
  { OP_WAIT, "WAIT 1", "wait for ever" },
  { OP_ITEMS, "FIELD nums; ITEMS; STORE 0; next: LOCAL 0; EACH 1 out; STORE 0; LOCAL 1; SET n; JUMP next; out: HALT",
    "set n 1; set n 2; set n 3; end" },
  { OP_ITEMS, "FIELD page; ITEMS; SET left; HALT", "set left missing; end" },
  { OP_JUMP, "again: JUMP again", "fuel" },
};

static void show_effect(struct buf *b, const struct unit *u, const struct effect *e) {
  static const char *const names[] = { "send", "drop", "join", "leave", "tag", "untag", "set", "emit", "start", "stop", "fork", "note", "points", "show",
                                       "subscribe", "unsubscribe", "apart", "via", "assign", "call", "watch" };
  buf_c(b, names[e->kind]);
  if (e->kind != EFFECT_FORK && e->kind != EFFECT_APART && e->kind != EFFECT_WATCH) buf_printf(b, " " STR_FMT, STR_ARG(e->name));
  if (e->kind == EFFECT_DROP) buf_printf(b, " (" STR_FMT ")", STR_ARG(e->reason));
  uint32_t values = e->kind == EFFECT_SET || e->kind == EFFECT_POINTS || e->kind == EFFECT_SHOW || e->kind == EFFECT_ASSIGN ? 1 : e->emit ? e->emit->key_count : 0;
  for (uint32_t i = 0; i < values; i++) {
    buf_c(b, " ");
    value_show(b, e->values[i]);
  }
  if (e->kind == EFFECT_FORK) assert_true(e->pc < u->code_bytes);
  if (e->kind == EFFECT_SET) assert_true(str_eq(unit_string(u, u->fields[e->field].name), e->name));
  buf_c(b, "; ");
}

static void show_run(struct buf *b, struct world *w, uint32_t pc) {
  static const char *const ends[] = { "", "wait ", "end", "exit", "missing", "fuel" };
  struct effect e;
  enum run_result r;
  char when[32];
  vm_enter(&w->vm, &w->strand, pc);
  while ((r = vm_run(&w->vm, &w->env, &e)) == RUN_EFFECT) {
    show_effect(b, &w->s.unit, &e);
    /* An engine looks at conditions between two effects; that must leave the strand's stack alone. */
    assert_int_equal(vm_eval(&w->vm, &w->s.unit, asm_pc(&w->s, "eight"), NULL, &w->env).n, 8);
  }
  buf_c(b, ends[r]);
  if (r != RUN_WAIT) return;
  if (w->strand.due_ms == NEVER) buf_c(b, "for ever");
  else buf_add(b, when, calendar_print(w->strand.due_ms, when));
  assert_int_equal(w->strand.since_ms, w->env.now_ms);
  assert_int_equal(w->strand.base_ms, w->env.base_ms);
}

static int steps_fail(const struct steps_case *c) {
  struct world w;
  struct buf b;
  world_init(&w);
  asm_code(&w.s, "late: HALT; eight: CONST 8; RET; arm: NOW; RET; start:");
  asm_emit(&w.s, "upgraded", "n", "paid");
  asm_experiment(&w.s, "subject", "plain", "warm", "loud");
  asm_experiment(&w.s, "hour", "morning", "evening", NULL);
  asm_code(&w.s, c->code);
  asm_trigger(&w.s, "purchase", NULL, "start");
  asm_goal(&w.s, "purchase", "eight", NULL);
  asm_wait(&w.s, "arm", "late", 0);
  asm_wait(&w.s, NULL, NULL, 0);
  world_link(&w);
  buf_init(&b, 1000);
  show_run(&b, &w, asm_pc(&w.s, "start"));
  bool same = str_is(buf_as_str(&b), c->shown);
  if (!same) print_message("# %s: got %s, wanted %s\n", c->code, b.data, c->shown);
  buf_deinit(&b);
  world_deinit(&w);
  return !same;
}

static void steps_do_what_they_should(void **state) {
  int bad = 0;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) bad += steps_fail(&steps[i]);
  assert_int_equal(bad, 0);
}

static void every_opcode_has_a_case(void **state) {
  bool tested[256] = { false };
  for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) tested[exprs[i].op] = true;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) tested[steps[i].op] = true;
  int bad = 0;
  for (int i = 0; i < 256; i++) {
    if (!opcode_table[i].name || tested[i]) continue;
    print_message("# no case for %s\n", opcode_table[i].name);
    bad++;
  }
  assert_int_equal(bad, 0);
}

/* --- what the tables do not say --- */

static struct value eval(struct world *w, const char *label, struct strand *s) {
  return vm_eval(&w->vm, &w->s.unit, asm_pc(&w->s, label), s, &w->env);
}

static void outside_a_run_little_is_known(void **state) {
  struct world w;
  world_init(&w);
  asm_code(&w.s, "local: LOCAL 5; RET; started: STARTED; RET; at: AT; RET; field: FIELD n; RET; of: OF hello; RET");
  asm_code(&w.s, "keep: CONST 5; STORE 5; LOCAL 5; RET");
  static const char *const labels[] = { "local", "started", "at", "field", "of", "keep" };
  for (size_t i = 0; i < 6; i++) asm_goal(&w.s, "purchase", labels[i], NULL);
  world_link(&w);
  assert_int_equal(eval(&w, "keep", NULL).n, 5);
  assert_int_equal(eval(&w, "local", NULL).type, V_MISSING);
  assert_int_equal(eval(&w, "started", NULL).type, V_MISSING);
  assert_true(value_true(eval(&w, "of", NULL)));
  w.env.event = NULL;
  assert_int_equal(eval(&w, "at", &w.strand).type, V_MISSING);
  assert_int_equal(eval(&w, "field", &w.strand).type, V_MISSING);
  assert_false(value_true(eval(&w, "of", &w.strand)));
  world_deinit(&w);
}

static void an_expression_without_end_is_missing(void **state) {
  struct world w;
  world_init(&w);
  asm_code(&w.s, "expr: JUMP expr");
  asm_goal(&w.s, "purchase", "expr", NULL);
  world_link(&w);
  assert_int_equal(eval(&w, "expr", &w.strand).type, V_MISSING);
  world_deinit(&w);
}

static void a_message_event_finds_its_run(void **state) {
  static const struct { const char *body; uint32_t sends; bool of; } cases[] = {
    { "{\"message\":\"hello\"}", 0, true },
    { "{\"message\":\"hello\"}", 1, true },
    { "{\"message\":\"other\"}", 0, false },
    { "{}", 0, false },
    { "{\"message\":7}", 0, false },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/2.1\"}", 1, true },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/2.17\"}", 1, true },
    { "{\"message\":\"hello\",\"key\":\"ann\\/welcome\\/2.1\"}", 1, true },
    { "{\"message\":\"hello\",\"key\":\"a/b/welcome/2.1\"}", 1, true },
    /* from before the contact was one with another: which run it was cannot be told */
    { "{\"message\":\"hello\",\"key\":\"visitor/welcome/1.1\"}", 1, true },
    { "{\"message\":\"hello\",\"key\":\"annie/welcome/1.1\"}", 1, true },
    { "{\"message\":\"hello\",\"key\":\"visitor/other/1.1\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/1.1\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/1.1\"}", 0, true },
    { "{\"message\":\"hello\",\"key\":\"ann/unwelcome/2.1\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/2\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/.1\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"99999999999999999999999\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"ann/welcome/99999999999999999999999.1\"}", 1, false },
    { "{\"message\":\"hello\",\"key\":\"\"}", 1, false },
  };
  struct world w;
  world_init(&w);
  asm_code(&w.s, "of: OF hello; RET");
  asm_goal(&w.s, "purchase", "of", NULL);
  world_link(&w);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    w.event.body = str_from_c(cases[i].body);
    event_intern(&w.event, w.image, &w.arena);
    w.strand.sends = cases[i].sends;
    w.contact.key = STR("ann");
    if (value_true(eval(&w, "of", &w.strand)) != cases[i].of) fail_msg("%s with %u sends", cases[i].body, cases[i].sends);
  }
  world_deinit(&w);
}

static void measures_are_read(void **state) {
  struct world w;
  world_init(&w);
  asm_code(&w.s, "first: MEASURE 0; CONST 1; EQ; RET");
  asm_measure(&w.s, MEASURE_COUNT, "purchase", NULL, NULL, NULL, "count(purchase)");
  asm_goal(&w.s, "purchase", "first", NULL);
  world_link(&w);
  assert_false(value_true(eval(&w, "first", NULL)));
  measure_take(&w.contact, &w.s.unit, &w.s.unit.measures[0], 1, &w.env);
  assert_true(value_true(eval(&w, "first", NULL)));
  measure_take(&w.contact, &w.s.unit, &w.s.unit.measures[0], 1, &w.env);
  assert_false(value_true(eval(&w, "first", NULL)));
  world_deinit(&w);
}

/* --- waits --- */

/* `wait up to 3d { on purchase where n is LOCAL 0 … on purchase … on open … }`, with locals 0 and 1 kept. */
static void park_world(struct world *w) {
  world_init(w);
  asm_code(&w->s, "start: FIELD n; STORE 0; CONST \"kept\"; STORE 1; CONST \"lost\"; STORE 2; BASE; CONST 3d; ADD; WAIT 0;"
                  "same: LOCAL 2; SET two; SEND same; HALT; any: SEND any; HALT; open: SEND open; HALT; late: HALT;"
                  "arm: BASE; CONST 3d; ADD; RET; tied: FIELD n; LOCAL 0; EQ; RET");
  asm_trigger(&w->s, "purchase", NULL, "start");
  asm_wait(&w->s, "arm", "late", 3);
  asm_branch(&w->s, "purchase", "tied", "same");
  asm_branch(&w->s, "purchase", NULL, "any");
  asm_branch(&w->s, "open", NULL, "open");
  world_link(w);
  struct effect e;
  vm_enter(&w->vm, &w->strand, asm_pc(&w->s, "start"));
  assert_int_equal(vm_run(&w->vm, &w->env, &e), RUN_WAIT);
}

static void a_wait_hears(void **state) {
  struct world w;
  uint32_t pc = 0;
  park_world(&w);
  assert_int_equal(w.strand.due_ms, moment("2026-01-08T09:30Z"));
  assert_int_equal(strand_wait(&w.strand)->branch_count, 3);
  assert_true(w.strand.base_ms < w.strand.since_ms);
  w.event.at_ms = w.strand.base_ms - 1;
  assert_false(strand_hears(&w.vm, &w.strand, &w.env, &pc)); /* it happened before the wait */
  w.event.at_ms = w.strand.base_ms; /* late, and so was what began the wait */
  assert_true(strand_hears(&w.vm, &w.strand, &w.env, &pc));
  assert_int_equal(pc, asm_pc(&w.s, "same"));
  w.event.body = STR("{\"n\":8}");
  event_intern(&w.event, w.image, &w.arena);
  assert_true(strand_hears(&w.vm, &w.strand, &w.env, &pc));
  assert_int_equal(pc, asm_pc(&w.s, "any"));
  w.event.name_text = STR("open");
  event_intern(&w.event, w.image, &w.arena);
  assert_true(strand_hears(&w.vm, &w.strand, &w.env, &pc));
  assert_int_equal(pc, asm_pc(&w.s, "open"));
  w.event.name_text = STR("welcome"); /* a symbol, but no event */
  event_intern(&w.event, w.image, &w.arena);
  assert_int_equal(w.event.name, NONE);
  assert_false(strand_hears(&w.vm, &w.strand, &w.env, &pc));
  w.env.event = NULL;
  assert_false(strand_hears(&w.vm, &w.strand, &w.env, &pc));
  world_deinit(&w);
}

static void a_wait_forgets_what_is_not_read(void **state) {
  struct world w;
  park_world(&w);
  assert_int_equal(w.strand.locals[0].n, 7);
  assert_int_equal(w.strand.locals[2].type, V_MISSING);
  world_deinit(&w);
}

static void a_parked_strand_is_read_back(void **state) {
  struct world w;
  struct buf b;
  park_world(&w);
  buf_init(&b, 1000);
  strand_write(&b, &w.strand);
  struct strand read = { .unit = w.strand.unit, .pc = w.strand.pc };
  assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_OK);
  assert_int_equal(read.locals[0].n, 7);
  assert_true(str_is(value_str(read.locals[1]), "kept"));
  assert_int_equal(read.locals[2].type, V_MISSING);
  /* Cut anywhere, with a tail, of another version, or at a place that is no wait, it is refused. */
  for (size_t len = 0; len < b.len; len++) assert_int_equal(strand_read(&read, (struct str){ b.data, len }), CAMP_CORRUPT);
  buf_byte(&b, 0);
  assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_CORRUPT);
  b.len--;
  read.pc = 0;
  assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_CORRUPT);
  read.pc = UINT32_MAX;
  assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_CORRUPT);
  read.pc = w.strand.pc;
  b.data[0] = 2;
  assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_CORRUPT);
  buf_deinit(&b);
  world_deinit(&w);
}

/* Every type comes back as it went; what has no bytes of its own comes back missing. */
static void locals_of_every_type_are_kept(void **state) {
  static const char *const literals[] = { "missing", "true", "5.5", "25%", "40EUR", "\"text\"", "2026-01-05", "09:00",
                                          "2026-01-05T10:00Z", "2026-01-05T10:00", "24h", "1mo", "[1,2]", "{\"a\":1}", "ref:x" };
  struct world w;
  struct buf b, left, right;
  park_world(&w);
  buf_init(&b, 1000);
  buf_init(&left, 1000);
  buf_init(&right, 1000);
  for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
    struct strand read = { .unit = w.strand.unit, .pc = w.strand.pc };
    w.strand.locals[1] = asm_value(&w.s, literals[i]);
    buf_clear(&b);
    buf_clear(&left);
    buf_clear(&right);
    strand_write(&b, &w.strand);
    assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_OK);
    assert_int_equal(read.locals[1].type, w.strand.locals[1].type);
    value_show(&left, w.strand.locals[1]);
    value_show(&right, read.locals[1]);
    assert_string_equal(left.data, right.data);
  }
  static const struct value unsound[] = { { .type = V_MOMENT, .i = INT64_MAX }, { .type = V_LIST, .spare = 1, .ptr = ",2]", .aux = 3 } };
  for (size_t i = 0; i < 2; i++) {
    struct strand read = { .unit = w.strand.unit, .pc = w.strand.pc };
    w.strand.locals[1] = unsound[i];
    buf_clear(&b);
    strand_write(&b, &w.strand);
    assert_int_equal(strand_read(&read, buf_as_str(&b)), CAMP_OK);
    assert_int_equal(read.locals[1].type, V_MISSING);
  }
  buf_deinit(&b);
  buf_deinit(&left);
  buf_deinit(&right);
  world_deinit(&w);
}

/* A zone of one rule, as TZif of version 2 with a footer: enough for times on both sides of a change. */
static const struct zone *paris(struct arena *a) {
  static const char head[44] = "TZif2";
  char bytes[2 * 44 + 7 + 7 + 32];
  size_t n = 0;
  static const char type[7] = { 0, 0, 0x0e, 0x10, 0, 0, 0 }; /* +01:00, "" */
  for (int i = 0; i < 2; i++) {
    memcpy(bytes + n, head, 44);
    bytes[n + 39] = 1; /* types */
    bytes[n + 43] = 1; /* bytes of names */
    n += 44;
    memcpy(bytes + n, type, 7);
    n += 7;
  }
  static const char footer[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  memcpy(bytes + n, footer, sizeof footer - 1);
  n += sizeof footer - 1;
  const struct zone *z;
  assert_int_equal(zone_read(a, STR("Europe/Paris"), (struct str){ bytes, n }, &z), CAMP_OK);
  return z;
}

static void wall_clocks_follow_the_zone(void **state) {
  static const struct { const char *label, *now, *wanted; } cases[] = {
    /* The clock goes from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25. */
    { "half_two", "2026-03-28T12:00Z", "2026-03-29T01:30Z" },  /* 02:30 does not exist: an hour later, 03:30 */
    { "half_two", "2026-10-24T12:00Z", "2026-10-25T00:30Z" },  /* it occurs twice: the first */
    { "half_two", "2026-10-25T01:00Z", "2026-10-26T01:30Z" },  /* the first is gone; the second is none */
    { "night", "2026-03-28T12:00Z", "2026-03-28T20:00Z" },
    { "night", "2026-03-29T05:59Z", "2026-03-29T05:59Z" },     /* open until 08:00, now +02:00 */
    { "night", "2026-03-29T06:00Z", "2026-03-29T19:00Z" },
    { "date", "2026-07-01T00:00Z", "2026-07-13T22:00Z" },
  };
  struct world w;
  world_init(&w);
  asm_code(&w.s, "half_two: CONST 02:30; NEXTTIME 127; RET; night: CONST 21:00; CONST 08:00; WINDOW 127; RET;"
                 "date: CONST 2026-07-14; ZONED; RET");
  asm_goal(&w.s, "purchase", "half_two", NULL);
  asm_goal(&w.s, "purchase", "night", NULL);
  asm_goal(&w.s, "purchase", "date", NULL);
  world_link(&w);
  w.env.zone = paris(&w.arena);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    w.env.now_ms = moment(cases[i].now);
    struct value v = eval(&w, cases[i].label, NULL);
    assert_int_equal(v.type, V_MOMENT);
    if (v.i != moment(cases[i].wanted)) fail_msg("%s at %s is not %s", cases[i].label, cases[i].now, cases[i].wanted);
  }
  world_deinit(&w);
}

static void a_new_zone_moves_the_deadline(void **state) {
  struct world w;
  world_init(&w);
  asm_code(&w.s, "start: CONST 09:00; NEXTTIME 127; WAIT 0; late: HALT; arm: CONST 09:00; NEXTTIME 127; RET;"
                 "ever: WAIT 1");
  asm_trigger(&w.s, "purchase", NULL, "start");
  asm_trigger(&w.s, "purchase", NULL, "ever");
  asm_wait(&w.s, "arm", "late", 0);
  asm_wait(&w.s, NULL, NULL, 0);
  world_link(&w);
  struct effect e;
  vm_enter(&w.vm, &w.strand, asm_pc(&w.s, "start"));
  assert_int_equal(vm_run(&w.vm, &w.env, &e), RUN_WAIT);
  assert_int_equal(w.strand.due_ms, moment("2026-01-06T09:00Z"));
  w.env.zone = paris(&w.arena);
  w.env.now_ms = moment("2026-01-05T20:00Z");
  strand_rearm(&w.vm, &w.strand, &w.env);
  assert_int_equal(w.strand.due_ms, moment("2026-01-06T08:00Z"));
  vm_enter(&w.vm, &w.strand, asm_pc(&w.s, "ever"));
  assert_int_equal(vm_run(&w.vm, &w.env, &e), RUN_WAIT);
  strand_rearm(&w.vm, &w.strand, &w.env);
  assert_true(w.strand.due_ms == NEVER);
  world_deinit(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(expressions_give_what_they_should), cmocka_unit_test(steps_do_what_they_should),
    cmocka_unit_test(every_opcode_has_a_case), cmocka_unit_test(outside_a_run_little_is_known),
    cmocka_unit_test(an_expression_without_end_is_missing), cmocka_unit_test(a_message_event_finds_its_run),
    cmocka_unit_test(measures_are_read), cmocka_unit_test(a_wait_hears), cmocka_unit_test(a_wait_forgets_what_is_not_read),
    cmocka_unit_test(a_parked_strand_is_read_back), cmocka_unit_test(locals_of_every_type_are_kept),
    cmocka_unit_test(wall_clocks_follow_the_zone), cmocka_unit_test(a_new_zone_moves_the_deadline),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
