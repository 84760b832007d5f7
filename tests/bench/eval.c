/* A rule's evaluation by Camp's VM, from a C host and back: the numbers beside lua_eval.c's.
 *
 *   eval TURNS
 *
 * eval_ns: `count(purchase) >= 3 and amount > 50`, the rule of lua_eval.c. Lua is handed two numbers; here the count is looked up
 * in the contact's measures and the amount is read from the event's JSON, as the engine has it, so this is the whole cost.
 * first_ns: `count(purchase) is 1`, the condition of a first purchase. text_ns: `page is "/pricing"`. Processor time. Every
 * turn has another input, so that nothing can be remembered from the last. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vm/strand.h"

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const uint8_t code[] = {
  /* 0: count >= 3 and amount > 50 */
  OP_MEASURE, 0, 0, OP_CONST, 0, 0, OP_GE, OP_AND, 19, 0, 0, 0, OP_FIELD, 0, 0, OP_CONST, 1, 0, OP_GT, OP_RET,
  /* 20: count is 1 */
  OP_MEASURE, 0, 0, OP_CONST, 2, 0, OP_EQ, OP_RET,
  /* 28: page is "/pricing" */
  OP_FIELD, 1, 0, OP_CONST, 3, 0, OP_EQ, OP_RET,
};
enum { BIG_PC = 0, FIRST_PC = 20, PAGE_PC = 28, AMOUNTS = 128 };

static struct unit unit_of(void) {
  static const struct str strings[] = { { "rule", 4 }, { "purchase", 8 }, { "amount", 6 }, { "page", 4 }, { "count(purchase)", 15 } };
  static struct value consts[4];
  static const struct field fields[] = { { .name = 2, .type = V_NUMBER }, { .name = 3, .type = V_TEXT } };
  static const struct measure measures[] = { { .kind = MEASURE_COUNT, .event = 1, .field = NONE, .filter_pc = NONE, .text = 4 } };
  static const struct trigger goals[] = {
    { .event = 1, .guard_field = NONE, .guard_text = NONE, .filter_pc = BIG_PC, .start_pc = NONE },
    { .event = 1, .guard_field = NONE, .guard_text = NONE, .filter_pc = FIRST_PC, .start_pc = NONE },
    { .event = 1, .guard_field = NONE, .guard_text = NONE, .filter_pc = PAGE_PC, .start_pc = NONE },
  };
  consts[0] = value_number(3);
  consts[1] = value_number(50);
  consts[2] = value_number(1);
  consts[3] = value_text(STR("/pricing"));
  return (struct unit){ .strings = strings, .string_count = 5, .consts = consts, .const_count = 4, .fields = fields,
                        .field_count = 2, .measures = measures, .measure_count = 1, .goals = goals, .goal_count = 3,
                        .code = code, .code_bytes = sizeof code, .channel = NONE, .entry = { .key_pc = NONE } };
}

struct bench {
  struct vm vm;
  struct unit *unit;
  struct env env;
  struct event *events; /* AMOUNTS of them */
  long turns;
};

/* The host sets a count and takes an event in hand, asks, and takes a boolean back. */
static void measure(struct bench *b, const char *name, uint32_t pc) {
  uint64_t x = 88172645463325252u;
  long yes = 0;
  struct measure_state *state = &b->env.contact->measures.items[0];
  double began = now_s();
  for (long i = 0; i < b->turns; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    state->count = x & 7;
    b->env.event = &b->events[x >> 8 & (AMOUNTS - 1)];
    yes += value_true(vm_eval(&b->vm, b->unit, pc, NULL, &b->env));
  }
  printf("%s_ns=%.1f %s=%.3f\n", name, (now_s() - began) / (double)b->turns * 1e9,
         pc == BIG_PC ? "yes" : pc == FIRST_PC ? "yes_first" : "yes_text", (double)yes / (double)b->turns);
}

int main(int argc, char **argv) {
  struct bench b = { .turns = argc > 1 ? atol(argv[1]) : 20000000 };
  struct unit unit = unit_of();
  struct program_error e;
  struct arena arena;
  if (b.turns <= 0) return 2;
  if (unit_verify(&unit, &e)) {
    fprintf(stderr, "eval: %s\n", e.text);
    return 1;
  }
  arena_init(&arena, 1 << 20);
  struct image *image = image_new();
  image_add(image, &unit, true);
  image_seal(image);
  image_measure(image, 0)->stored_id = 1;
  struct contact contact;
  if (contact_read(&contact, &arena, (struct str){ NULL, 0 })) return 1;
  b.unit = &unit;
  b.env = (struct env){ .image = image, .contact = &contact, .now_ms = 1767600000000, .zone = zone_utc(), .scratch = &arena };
  b.events = arena_zalloc(&arena, AMOUNTS, sizeof *b.events);
  for (int i = 0; i < AMOUNTS; i++) {
    b.events[i] = (struct event){ .name_text = STR("purchase"), .at_ms = 1767600000000,
                                  .body = arena_printf(&arena, "{\"order_id\":\"A-%d\",\"page\":\"/pr%s\",\"amount\":%d}", i,
                                                       i & 1 ? "icing" : "essing", i) };
    event_intern(&b.events[i], image, &arena);
  }
  b.env.event = &b.events[0];
  measure_take(&contact, &unit, &unit.measures[0], 1, &b.env);
  measure(&b, "eval", BIG_PC);
  measure(&b, "first", FIRST_PC);
  measure(&b, "text", PAGE_PC);
  image_free(image);
  arena_deinit(&arena);
  return 0;
}
