#ifndef CAMP_VM_VERIFY_H
#define CAMP_VM_VERIFY_H
/* The state of one verification, and what its parts share. Private to verify*.c: verify_tables.c looks at tables, verify_entries.c at
 * what leads into the code, verify.c at the code itself. Each says of what it looked at whether it may stand, and the first thing
 * that may not ends the verification with its reason. */
#include "program.h"

enum mode { MODE_STEP, MODE_EXPR };

/* seen[mode][pc] is 0 before the instruction was met, else its depth and 1. A place is pushed on the worklist when it is first
 * met, so the worklist never holds more than two entries an instruction. */
struct check {
  const struct unit *u;
  struct program_error *e;
  enum camp_err err;
  uint8_t *starts, *seen[2];
  uint32_t *work, work_count;
  uint8_t *patterns; /* constants that compiled as a pattern, so that each does once; made when first needed */
};
#define WORK_EXPR 0x80000000u

bool verify_tables(struct check *c);
/* After the code was swept: every entry must be the first byte of an instruction. */
bool verify_entries(struct check *c);

/* Notes why the unit is refused, unless that is known already; false. */
PRINTF_LIKE(3, 4)
bool verify_refuse(struct check *c, enum camp_err err, const char *fmt, ...);
/* A path leads to pc with this depth. */
bool verify_enter(struct check *c, uint32_t pc, enum mode mode, uint32_t depth, const char *where, uint32_t n);

/* `where` and `n` name the row that says so: "branch 3". */
static inline bool index_ok(struct check *c, uint32_t i, uint32_t count, const char *what, const char *where, uint32_t n) {
  return i < count || verify_refuse(c, CAMP_CORRUPT, "%s %u: %s %u is not one of %u", where, n, what, i, count);
}
static inline bool string_ok(struct check *c, uint32_t i, const char *where, uint32_t n) {
  return index_ok(c, i, c->u->string_count, "string", where, n);
}
static inline bool string_or_none(struct check *c, uint32_t i, const char *where, uint32_t n) {
  return i == NONE || string_ok(c, i, where, n);
}

static inline bool duration_ok(struct check *c, struct value v, bool wanted, const char *where, uint32_t n) {
  if (!value_is_sound(v)) return verify_refuse(c, CAMP_CORRUPT, "%s %u: the duration is absurd", where, n);
  if (wanted ? value_is_duration(v) : v.type == V_MISSING) return true;
  return verify_refuse(c, CAMP_CORRUPT, wanted ? "%s %u: a duration is missing" : "%s %u: a duration where none belongs", where, n);
}
static inline bool duration_or_missing(struct check *c, struct value v, const char *where, uint32_t n) {
  return duration_ok(c, v, v.type != V_MISSING, where, n);
}

static inline bool enter_step(struct check *c, uint32_t pc, const char *where, uint32_t n) { return verify_enter(c, pc, MODE_STEP, 0, where, n); }
static inline bool enter_expr(struct check *c, uint32_t pc, const char *where, uint32_t n) {
  return pc == NONE || verify_enter(c, pc, MODE_EXPR, 0, where, n);
}
#endif
