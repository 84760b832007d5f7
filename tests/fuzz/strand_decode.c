/* Fuzz: the row bytes of a parked strand. What is read is written, and read again to the same bytes; then the strand runs on
 * with it, through comparisons and sums of whatever stands in its locals. */
#include <stdlib.h>

#include "vm/strand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* wait for go { LOCAL 0 + LOCAL 1 … }; four locals are kept. Written as bytes, since no test library is linked here. */
static const uint8_t code[] = {
  OP_WAIT, 0, 0,
  /* 3: */ OP_LOCAL, 0, OP_LOCAL, 1, OP_ADD, OP_STORE, 4,
  OP_LOCAL, 0, OP_LOCAL, 1, OP_CONTAINS, OP_STORE, 5,
  OP_LOCAL, 2, OP_LOCAL, 3, OP_LT, OP_STORE, 5,
  OP_LOCAL, 2, OP_LOCAL, 3, OP_EQ, OP_STORE, 5,
  OP_LOCAL, 2, OP_LEN, OP_STORE, 5,
  OP_LOCAL, 1, OP_SUBFIELD, 0, 0, OP_STORE, 5,
  OP_LOCAL, 3, OP_DATEPART, 3, OP_STORE, 5,
  OP_LOCAL, 3, OP_ZONED, OP_STORE, 5,
  OP_LOCAL, 2, OP_LOCAL, 3, OP_WINDOW, 127, OP_STORE, 5,
  OP_LOCAL, 0, OP_NEG, OP_STORE, 5,
  OP_LOCAL, 0, OP_WAIT, 1, 0,
  /* the arm, last: */ OP_LOCAL, 0, OP_RET,
};
enum { AFTER_PC = 3, ARM_PC = sizeof code - 3, SECOND_WAIT_PC = sizeof code - 6 };

static struct unit unit_of(void) {
  static const struct str strings[] = { { "story", 5 }, { "go", 2 }, { "sku", 3 } };
  static const struct field fields[] = { { .name = 2 } };
  static const struct branch branches[] = { { .event = 1, .filter_pc = NONE, .target_pc = AFTER_PC } };
  static const struct wait waits[] = { { .branch_count = 1, .arm_pc = NONE, .timeout_pc = NONE, .live = 15, .message = NONE },
                                       { .arm_pc = ARM_PC, .timeout_pc = AFTER_PC, .live = 63, .message = NONE } };
  static const struct trigger triggers[] = { { .event = 1, .guard_field = NONE, .guard_text = NONE, .filter_pc = NONE } };
  return (struct unit){ .strings = strings, .string_count = 3, .fields = fields, .field_count = 1, .branches = branches,
                        .branch_count = 1, .waits = waits, .wait_count = 2, .triggers = triggers, .trigger_count = 1,
                        .code = code, .code_bytes = sizeof code, .local_count = 6, .channel = NONE,
                        .entry = { .kind = ENTRY_EVERY_TIME, .key_pc = NONE } };
}

static void run_on(struct arena *a, const struct image *im, struct strand *s) {
  struct contact contact;
  if (contact_read(&contact, a, (struct str){ NULL, 0 }) != CAMP_OK) abort();
  struct env env = { .image = im, .contact = &contact, .now_ms = 1767600000000, .zone = zone_utc(), .scratch = a };
  struct vm vm;
  struct effect effect;
  vm_enter(&vm, s, AFTER_PC);
  if (vm_run(&vm, &env, &effect) != RUN_WAIT) return;
  strand_rearm(&vm, s, &env);
  struct buf b;
  buf_init(&b, 1 << 24);
  strand_write(&b, s);
  if (strand_read(s, buf_as_str(&b)) != CAMP_OK) abort();
  buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static struct unit u;
  static struct image *im;
  if (!im) {
    struct program_error e;
    u = unit_of();
    if (unit_verify(&u, &e)) abort();
    im = image_new();
    image_add(im, &u, true);
    image_seal(im);
  }
  struct strand s = { .unit = &u, .pc = 0 }, again = { .unit = &u, .pc = 0 };
  struct str bytes = { (const char *)data, len };
  if (strand_read(&s, bytes) != CAMP_OK) return 0;
  struct arena a;
  struct buf first, second;
  arena_init(&a, 1 << 12);
  buf_init(&first, 1 << 24);
  buf_init(&second, 1 << 24);
  strand_write(&first, &s);
  if (strand_read(&again, buf_as_str(&first)) != CAMP_OK) abort();
  strand_write(&second, &again);
  if (!str_eq(buf_as_str(&first), buf_as_str(&second))) abort();
  run_on(&a, im, &s);
  buf_deinit(&first);
  buf_deinit(&second);
  arena_deinit(&a);
  return 0;
}
