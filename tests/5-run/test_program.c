/* Program files: what is written is read back, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/assemble.h"
#include "vm/program.h"

struct scene {
  struct arena arena;
  struct program program;
  struct buf file;
};

/* A campaign that uses every table, and a message. */
static void build_campaign(struct assembler *s, struct arena *a) {
  asm_init(s, a, "welcome");
  s->unit.entry = (struct entry_rule){ .kind = ENTRY_ONCE_PER, .key_pc = 0 };
  asm_code(s, "key: FIELD order_id:text; RET;"
              "big: FIELD amount:money:EUR; CONST 50EUR; GT; RET;"
              "start: SEND hello; CONST \"Zoë\"; STORE 0; BASE; CONST 30d; ADD; WAIT 0;"
              "bought: CONST 1; CONST true; EMIT 0; JOIN buyers; HALT;"
              "late: MEASURE 0; CONST 1; EQ; JUMPF out; DROP hello \"no luck\"; out: LOCAL 0; SET name; WAIT 1;"
              "arm: BASE; CONST 30d; ADD; RET");
  asm_measure(s, MEASURE_SUM, "purchase", "amount:money:EUR", "90d", "big", "sum(purchase.amount, last 90d)");
  asm_trigger(s, "signup", NULL, "start");
  asm_guarded(s, "page_view", "page", "/pricing", "big", "start");
  asm_stop(s, "unsubscribe", NULL);
  asm_goal(s, "purchase", "big", "30d");
  asm_wait(s, "arm", "late", 1);
  struct branch *b = asm_branch(s, "purchase", "big", "bought");
  b->since = BRANCH_SINCE_LAST;
  b->since_window = asm_value(s, "2h");
  asm_wait(s, NULL, NULL, 0);
  asm_branch(s, "purchase", NULL, "bought");
  asm_emit(s, "upgraded", "plan", "paid");
  asm_experiment(s, "subject", "plain", "warm", "loud");
  asm_experiment(s, "worth", "low", "high", NULL);
  s->responses.items[1].field = asm_field(s, "amount:money:EUR");
  s->responses.items[1].filter_pc = asm_pc(s, "big");
  s->variants.items[1].from_pc = asm_pc(s, "bought");
  s->variants.items[1].to_pc = asm_pc(s, "late");
  asm_step(s, "start", 4, "send hello");
  asm_step(s, "bought", 6, "join buyers");
}

static void build_message(struct assembler *s, struct arena *a) {
  asm_init(s, a, "hello");
  s->unit.kind = UNIT_MESSAGE;
  s->unit.topic = asm_string(s, "offers");
  s->unit.language = asm_string(s, "pt-br");
  s->unit.priority = PRIORITY_HIGH;
  s->unit.expires = asm_value(s, "2d");
  s->unit.channel = asm_string(s, "email");
  asm_text_part(s, true, "Hi ");
  asm_attr_part(s, true, "first_name:text", "friend");
  asm_text_part(s, false, "line\n\"two\"");
}

static void build_policy(struct assembler *s, struct arena *a) {
  static struct topic topics[2];
  static struct cap caps[2];
  static struct quiet quiets[1];
  asm_init(s, a, "policy");
  s->unit.kind = UNIT_POLICY;
  s->unit.topic = NONE;
  topics[0] = (struct topic){ asm_string(s, "offers"), true };
  topics[1] = (struct topic){ asm_string(s, "news"), false };
  caps[0] = (struct cap){ .count = 3, .window = asm_value(s, "7d"), .channel = NONE, .topic = NONE, .text = asm_string(s, "at most 3 messages per 7d") };
  caps[1] = (struct cap){ .count = 1, .window = asm_value(s, "24h"), .channel = asm_string(s, "sms"), .topic = asm_string(s, "offers"),
                          .text = asm_string(s, "at most 1 message of offers via sms per 24h"), .drop = true };
  quiets[0] = (struct quiet){ .from_ms = 75600000, .to_ms = 28800000, .weekdays = 0x1f, .channel = NONE,
                              .text = asm_string(s, "quiet from 21:00 to 08:00 on weekdays") };
  s->unit.topics = topics;
  s->unit.topic_count = 2;
  s->unit.caps = caps;
  s->unit.cap_count = 2;
  s->unit.quiets = quiets;
  s->unit.quiet_count = 1;
}

static int setup(void **state) {
  static struct scene sc;
  static struct unit units[3];
  static const struct str events[] = { { "purchase", 8 }, { "page_view", 9 } }, lists[] = { { "buyers", 6 } };
  static const struct str files[] = { { "test.camp", 9 } }, sources[] = { { "campaign welcome { }\n", 21 } };
  sc = (struct scene){ 0 };
  arena_init(&sc.arena, 1 << 14);
  struct assembler campaign, message, policy;
  build_campaign(&campaign, &sc.arena);
  build_message(&message, &sc.arena);
  build_policy(&policy, &sc.arena);
  units[0] = *asm_unit(&campaign);
  units[1] = *asm_unit(&message);
  units[2] = *asm_unit(&policy);
  sc.program = (struct program){ .units = units, .unit_count = 3, .zone = STR("Europe/Paris"), .events = events,
                                 .event_count = 2, .lists = lists, .list_count = 1, .allow_unknown = true, .late_after_ms = 7200000,
                                 .files = files, .sources = sources, .file_count = 1 };
  buf_init(&sc.file, 1 << 20);
  program_write(&sc.file, &sc.program);
  *state = &sc;
  return 0;
}

static int teardown(void **state) {
  struct scene *sc = *state;
  buf_deinit(&sc->file);
  arena_deinit(&sc->arena);
  return 0;
}

static void the_emitted_units_pass(void **state) {
  struct scene *sc = *state;
  for (uint32_t i = 0; i < sc->program.unit_count; i++) {
    struct program_error e;
    enum camp_err err = unit_verify(&sc->program.units[i], &e);
    if (err) print_message("# %s\n", e.text);
    assert_int_equal(err, CAMP_OK);
  }
}

static void what_is_written_is_read_back(void **state) {
  struct scene *sc = *state;
  struct program read;
  struct program_error e;
  assert_false(sc->file.failed);
  enum camp_err err = program_read(&sc->arena, buf_as_str(&sc->file), &read, &e);
  if (err) print_message("# %s\n", e.text);
  assert_int_equal(err, CAMP_OK);
  /* Written again it has the same bytes, and so has what a person sees. */
  struct buf again, listing, listing_again;
  buf_init(&again, 1 << 20);
  buf_init(&listing, 1 << 20);
  buf_init(&listing_again, 1 << 20);
  program_write(&again, &read);
  assert_true(str_eq(buf_as_str(&again), buf_as_str(&sc->file)));
  for (uint32_t i = 0; i < read.unit_count; i++) {
    struct unit copy = read.units[i];
    unit_seal(&sc->arena, &copy);
    assert_true(str_eq(copy.body_bytes, sc->program.units[i].body_bytes));
    assert_memory_equal(copy.hash, sc->program.units[i].hash, UNIT_HASH_BYTES);
  }
  program_disassemble(&listing, &sc->program);
  program_disassemble(&listing_again, &read);
  assert_string_equal(listing.data, listing_again.data);
  buf_deinit(&again);
  buf_deinit(&listing);
  buf_deinit(&listing_again);
}

static void an_empty_program_is_read_back(void **state) {
  struct scene *sc = *state;
  struct program empty = { .zone = STR("UTC") }, read;
  struct program_error e;
  struct buf b;
  buf_init(&b, 1000);
  program_write(&b, &empty);
  assert_int_equal(program_read(&sc->arena, buf_as_str(&b), &read, &e), CAMP_OK);
  assert_int_equal(read.unit_count, 0);
  assert_true(str_is(read.zone, "UTC"));
  assert_int_equal(read.late_after_ms, 0);
  buf_deinit(&b);
}

static void a_hash_follows_meaning_alone(void **state) {
  struct scene *sc = *state;
  struct unit moved = sc->program.units[0], other = moved;
  moved.file = STR("elsewhere.camp");
  moved.step_count = 0;
  unit_seal(&sc->arena, &moved);
  assert_memory_equal(moved.hash, sc->program.units[0].hash, UNIT_HASH_BYTES);
  other.local_count++;
  unit_seal(&sc->arena, &other);
  assert_memory_not_equal(other.hash, sc->program.units[0].hash, UNIT_HASH_BYTES);
}

/* Refused, and said why. Each copy has just its bytes, so that a sanitizer sees a step behind them. */
static void refused(struct scene *sc, const char *bytes, size_t len) {
  struct arena a;
  struct program read;
  struct program_error e;
  arena_init(&a, 1 << 12);
  char *copy = malloc(len ? len : 1);
  if (len) memcpy(copy, bytes, len);
  enum camp_err err = program_read(&a, (struct str){ copy, len }, &read, &e);
  assert_true(err == CAMP_CORRUPT || err == CAMP_VERSION || err == CAMP_LIMIT);
  assert_true(e.text[0] != '\0');
  free(copy);
  arena_deinit(&a);
  (void)sc;
}

static void every_flipped_bit_is_found(void **state) {
  struct scene *sc = *state;
  for (size_t i = 0; i < sc->file.len; i++) {
    for (int bit = 0; bit < 8; bit++) {
      sc->file.data[i] = (char)(sc->file.data[i] ^ (1 << bit));
      refused(sc, sc->file.data, sc->file.len);
      sc->file.data[i] = (char)(sc->file.data[i] ^ (1 << bit));
    }
  }
}

static void every_truncation_is_found(void **state) {
  struct scene *sc = *state;
  for (size_t len = 0; len < sc->file.len; len++) refused(sc, sc->file.data, len);
}

static void a_tail_is_found(void **state) {
  struct scene *sc = *state;
  buf_byte(&sc->file, 0);
  refused(sc, sc->file.data, sc->file.len);
}

/* Behind the SHA-256: whoever computes it anew can change what he likes. Whatever still reads can be listed. */
static void changed_units_are_refused_or_sound(void **state) {
  struct scene *sc = *state;
  for (uint32_t u = 0; u < sc->program.unit_count; u++) {
    struct str body = sc->program.units[u].body_bytes;
    char *copy = malloc(body.len);
    for (size_t i = 0; i < body.len * 256; i++) {
      struct arena a;
      struct unit read;
      struct program_error e;
      memcpy(copy, body.ptr, body.len);
      copy[i / 256] = (char)(uint8_t)i;
      arena_init(&a, 1 << 12);
      enum camp_err err = unit_read(&a, (struct str){ copy, body.len }, &read, &e);
      if (err) assert_true(e.text[0] != '\0');
      else {
        struct buf b;
        buf_init(&b, 1 << 20);
        unit_disassemble(&b, &read);
        buf_deinit(&b);
      }
      arena_deinit(&a);
    }
    for (size_t len = 0; len < body.len; len++) {
      struct unit read;
      struct program_error e;
      assert_int_not_equal(unit_read(&sc->arena, (struct str){ body.ptr, len }, &read, &e), CAMP_OK);
    }
    free(copy);
  }
}

struct message_case { const char *name; size_t at; uint8_t byte; enum camp_err err; const char *text; };

static void messages_say_what_is_wrong(void **state) {
  struct scene *sc = *state;
  static const struct message_case cases[] = {
    { "magic", 0, 'X', CAMP_CORRUPT, "this is not a compiled Camp program" },
    { "version", 8, 3, CAMP_VERSION, "the program file has format 3; this Camp reads format 2: compile it anew" },
    { "hash", 20, 0, CAMP_CORRUPT, "the program file is damaged: its SHA-256 is not the one in its header" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct program read;
    struct program_error e;
    char was = sc->file.data[cases[i].at];
    uint8_t byte = cases[i].byte == (uint8_t)was ? (uint8_t)(cases[i].byte + 1) : cases[i].byte;
    sc->file.data[cases[i].at] = (char)byte;
    print_message("# %s\n", cases[i].name);
    assert_int_equal(program_read(&sc->arena, buf_as_str(&sc->file), &read, &e), cases[i].err);
    assert_string_equal(e.text, cases[i].text);
    sc->file.data[cases[i].at] = was;
  }
}

/* A count of four billion in a few bytes must not ask for memory. */
static void counts_are_not_believed(void **state) {
  struct scene *sc = *state;
  struct buf b;
  struct unit read;
  struct program_error e;
  buf_init(&b, 1000);
  buf_add(&b, "\0\1\0\0\0\0\0\0\0\0", 10); /* kind, name, entry: kind, within, key, at once, end, resume; locals, channel */
  buf_varint(&b, UINT32_MAX);
  assert_int_equal(unit_read(&sc->arena, buf_as_str(&b), &read, &e), CAMP_CORRUPT);
  assert_string_equal(e.text, "the table of strings is cut short");
  buf_clear(&b);
  buf_add(&b, "\0\1\0\0\0\0\0\0\0\0", 10);
  buf_varint(&b, UINT64_MAX);
  assert_int_equal(unit_read(&sc->arena, buf_as_str(&b), &read, &e), CAMP_CORRUPT);
  buf_deinit(&b);
}

static void a_listing_is_whole(void **state) {
  struct scene *sc = *state;
  struct buf b;
  buf_init(&b, 1 << 20);
  struct unit campaign = sc->program.units[0], message = sc->program.units[1], policy = sc->program.units[2];
  memset(campaign.hash, 0xab, sizeof campaign.hash);
  memset(message.hash, 0xcd, sizeof message.hash);
  memset(policy.hash, 0xef, sizeof policy.hash);
  unit_disassemble(&b, &campaign);
  unit_disassemble(&b, &message);
  unit_disassemble(&b, &policy);
  assert_string_equal(b.data,
    "campaign welcome  ; abababababab\n"
    "  entry once per key, key 0000\n"
    "  locals 1\n"
    "  start signup, start 0012\n"
    "  start page_view with page \"/pricing\", filter 0004, start 0012\n"
    "  goal purchase within 30d, filter 0004\n"
    "  stop unsubscribe\n"
    "  measure sum(purchase.amount, last 90d), filter 0004\n"
    "  wait 0, arm 0066, timeout 0041, keeps 0\n"
    "    on purchase since last 2h, filter 0004, then 0028\n"
    "  wait 1\n"
    "    on purchase, then 0028\n"
    "  experiment subject, holdout 100000, measure click within 2d\n"
    "    variant plain 300000, code 0000 to 0000\n"
    "    variant warm 300000, code 0028 to 0041\n"
    "    variant loud 300000, code 0000 to 0000\n"
    "    response click\n"
    "  experiment worth, holdout 100000, measure click within 2d\n"
    "    variant low 450000, code 0000 to 0000\n"
    "    variant high 450000, code 0000 to 0000\n"
    "    response click, adds up amount as money in EUR, filter 0004\n"
    "  0000  FIELD     order_id as text\n"
    "  0003  RET\n"
    "  0004  FIELD     amount as money in EUR\n"
    "  0007  CONST     50 EUR\n"
    "  0010  GT\n"
    "  0011  RET\n"
    "; test.camp:4  send hello\n"
    "  0012  SEND      hello\n"
    "  0015  CONST     \"Zo\xc3\xab\"\n"
    "  0018  STORE     local 0\n"
    "  0020  BASE\n"
    "  0021  CONST     30d\n"
    "  0024  ADD\n"
    "  0025  WAIT      wait 0: for purchase until the deadline\n"
    "; test.camp:6  join buyers\n"
    "  0028  CONST     1\n"
    "  0031  CONST     true\n"
    "  0034  EMIT      upgraded { plan, paid }\n"
    "  0037  JOIN      buyers\n"
    "  0040  HALT\n"
    "  0041  MEASURE   sum(purchase.amount, last 90d)\n"
    "  0044  CONST     1\n"
    "  0047  EQ\n"
    "  0048  JUMPF     0058\n"
    "  0053  DROP      hello, \"no luck\"\n"
    "  0058  LOCAL     local 0\n"
    "  0060  SET       name\n"
    "  0063  WAIT      wait 1: for purchase\n"
    "  0066  BASE\n"
    "  0067  CONST     30d\n"
    "  0070  ADD\n"
    "  0071  RET\n"
    "message hello  ; cdcdcdcdcdcd\n"
    "  channel email\n"
    "  subject\n"
    "    \"Hi \"\n"
    "    contact.first_name as text default \"friend\"\n"
    "  body\n"
    "    \"line\\n\\\"two\\\"\"\n"
    "  language pt-br\n"
    "  topic offers\n"
    "  priority high\n"
    "  expires after 2d\n"
    "policy policy  ; efefefefefef\n"
    "  topic offers double opt in\n"
    "  topic news\n"
    "  at most 3 messages per 7d\n"
    "  at most 1 message of offers via sms per 24h then drop\n"
    "  quiet from 21:00 to 08:00 on weekdays\n");
  buf_deinit(&b);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
    T(the_emitted_units_pass), T(what_is_written_is_read_back), T(an_empty_program_is_read_back),
    T(a_hash_follows_meaning_alone), T(every_flipped_bit_is_found), T(every_truncation_is_found), T(a_tail_is_found),
    T(changed_units_are_refused_or_sound), T(messages_say_what_is_wrong), T(counts_are_not_believed), T(a_listing_is_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
