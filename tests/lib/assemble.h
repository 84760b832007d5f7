#ifndef CAMP_TESTS_ASSEMBLE_H
#define CAMP_TESTS_ASSEMBLE_H
/* Units by hand, for tests of what runs behind the compiler. Code is text, an instruction after the other, with labels:
 *
 *     asm_init(&s, &arena, "welcome");
 *     asm_code(&s, "start: SEND hello; WAIT 0; late: HALT; arm: BASE; CONST 3d; ADD; RET");
 *     asm_wait(&s, "arm", "late", 0);
 *     asm_trigger(&s, "signup", NULL, "start");
 *     struct unit *u = asm_unit(&s);
 *
 * Operands by the letters of opcodes.def:
 *   j   a label                        l n m w e x   a number
 *   s   a word or "quoted text"        f   name, name:type or name:money:EUR
 *   c   5  5.5  25%  40EUR  "text"  true  false  missing  3d 2mo 1y 24h 90s  09:00  2026-01-05  2026-01-05T10:00 (as written)
 *       2026-01-05T10:00Z (a moment)  ref:name  [JSON]  {JSON}
 * A mistake in the text ends the process with a sentence: it is a mistake of the test. */
#include "vm/program.h"

struct asm_label { struct str name; uint32_t pc; };
struct asm_jump { struct str name; uint32_t at; };

struct assembler {
  struct arena *a;
  struct unit unit; /* kind, entry, channel, file and local_count may be set directly */
  VEC(struct str) strings;
  VEC(struct value) consts;
  VEC(struct field) fields;
  VEC(struct measure) measures;
  VEC(struct trigger) triggers;
  VEC(struct trigger) stops;
  VEC(struct trigger) goals;
  VEC(struct wait) waits;
  VEC(struct branch) branches;
  VEC(struct emit) emits;
  VEC(uint32_t) emit_keys;
  VEC(struct experiment) experiments;
  VEC(struct variant) variants;
  VEC(struct response) responses;
  VEC(struct part) subject;
  VEC(struct part) body;
  VEC(struct step) steps;
  VEC(uint8_t) code;
  VEC(struct asm_label) labels;
  VEC(struct asm_jump) jumps;
};

void asm_init(struct assembler *s, struct arena *a, const char *name);
void asm_code(struct assembler *s, const char *text);
uint32_t asm_pc(const struct assembler *s, const char *label); /* NONE for NULL */
uint32_t asm_string(struct assembler *s, const char *text);    /* NONE for NULL; equal texts share an index */
uint32_t asm_field(struct assembler *s, const char *spec);     /* as in code: "amount:money:EUR" */
uint32_t asm_const(struct assembler *s, const char *literal);
struct value asm_value(struct assembler *s, const char *literal); /* missing for NULL */
uint32_t asm_measure(struct assembler *s, enum measure_kind kind, const char *event, const char *field, const char *window,
                     const char *filter, const char *text);
struct trigger *asm_trigger(struct assembler *s, const char *event, const char *filter, const char *start);
struct trigger *asm_guarded(struct assembler *s, const char *event, const char *field, const char *text, const char *filter,
                            const char *start);
struct trigger *asm_stop(struct assembler *s, const char *event, const char *filter);
struct trigger *asm_goal(struct assembler *s, const char *event, const char *filter, const char *within);
/* Branches added after a wait belong to it. */
uint32_t asm_wait(struct assembler *s, const char *arm, const char *timeout, uint64_t live);
struct branch *asm_branch(struct assembler *s, const char *event, const char *filter, const char *target);
uint32_t asm_emit(struct assembler *s, const char *event, const char *key1, const char *key2); /* keys may be NULL */
/* A tenth is held out, and the variants share the rest; `third` may be NULL. A click counts for 2d. */
uint32_t asm_experiment(struct assembler *s, const char *name, const char *first, const char *second, const char *third);
void asm_text_part(struct assembler *s, bool subject, const char *text);
void asm_attr_part(struct assembler *s, bool subject, const char *field, const char *otherwise);
void asm_step(struct assembler *s, const char *label_in_code, uint32_t line, const char *label);
/* The unit as it stands; sealed, but not verified. */
struct unit *asm_unit(struct assembler *s);
#endif
