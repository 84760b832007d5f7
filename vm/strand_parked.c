/* A parked strand: what it hears, when it is due anew, and its bytes in the row; see strand.h.
 *
 * Not for parking it, which is an instruction (strand.c), nor for the row's columns (the store's).
 *
 * Invariant: a row may say anything. strand_read takes a pc that is a wait of its unit and the values of its live locals, and refuses
 * all else; what comes after may trust both. */
#include "ops.h"

/* Whether the strand's pc, which a row may have brought, is a WAIT of its unit; gives its index. */
static bool wait_index(const struct strand *s, uint32_t *w) {
  uint32_t operands[2];
  const struct unit *u = s->unit;
  if (!instruction_decode(u->code, u->code_bytes, s->pc, operands) || (u->code[s->pc] != OP_WAIT && u->code[s->pc] != OP_OVER && u->code[s->pc] != OP_WATCH)) return false;
  *w = operands[0];
  return operands[0] < u->wait_count;
}

bool strand_watches(const struct strand *s) { return s->unit->code[s->pc] == OP_WATCH; }
bool strand_is_over(const struct strand *s) { return s->unit->code[s->pc] == OP_OVER || strand_watches(s); }

const struct wait *strand_wait(const struct strand *s) {
  uint32_t w;
  CHECK(wait_index(s, &w)); /* strand_read refused anything else */
  return &s->unit->waits[w];
}

/* A late event may have parked the strand: then the wait counts from that event's own time, and hears what happened since. */
int64_t strand_began_ms(const struct strand *s) { return s->base_ms < s->since_ms ? s->base_ms : s->since_ms; }

bool strand_hears(struct vm *vm, struct strand *s, const struct env *env, uint32_t *pc) {
  const struct wait *w = strand_wait(s);
  const struct event *e = env->event;
  if (!e || e->name == NONE || e->at_ms < strand_began_ms(s)) return false;
  for (uint32_t i = 0; i < w->branch_count; i++) {
    const struct branch *b = &s->unit->branches[w->first_branch + i];
    if (s->unit->link->symbols[b->event] != e->name) continue;
    if (b->filter_pc != NONE && !value_true(vm_eval(vm, s->unit, b->filter_pc, s, env))) continue;
    *pc = b->target_pc;
    return true;
  }
  return false;
}

/* As if the contact had been in the new zone when the wait began: then `until 09:00` cannot jump over a morning. A deadline
 * that has become missing stays as it was: the run waits for what it was promised. */
void strand_rearm(struct vm *vm, struct strand *s, const struct env *env) {
  const struct wait *w = strand_wait(s);
  if (w->arm_pc == NONE) return;
  struct env then = *env;
  then.base_ms = s->base_ms;
  then.now_ms = s->since_ms;
  then.event = NULL;
  struct value moment = op_zoned(vm_eval(vm, s->unit, w->arm_pc, s, &then), env->zone);
  if (moment.type == V_MOMENT) s->due_ms = moment.i;
}

/* The row's bytes: a version, then each live local in order. What is not sound, such as the rest of a list or a moment beyond
 * the years, is kept as missing, so that reading refuses nothing that was written. */
enum { STRAND_VERSION = 1 };

void strand_write(struct buf *b, const struct strand *s) {
  uint64_t live = strand_wait(s)->live;
  buf_byte(b, STRAND_VERSION);
  for (uint32_t l = 0; l < s->unit->local_count; l++) {
    if (live >> l & 1) value_write(b, value_is_sound(s->locals[l]) ? s->locals[l] : value_missing());
  }
}

enum camp_err strand_read(struct strand *s, struct str bytes) {
  uint32_t w;
  if (!wait_index(s, &w)) return CAMP_CORRUPT;
  uint64_t live = s->unit->waits[w].live;
  struct reader r = reader_of(bytes.ptr ? bytes.ptr : "", bytes.len);
  if (reader_byte(&r) != STRAND_VERSION || r.failed) return CAMP_CORRUPT;
  for (uint32_t l = 0; l < s->unit->local_count; l++) {
    s->locals[l] = live >> l & 1 ? value_read(&r) : value_missing();
    s->locals[l].interned = 0;
    s->locals[l].spare = LIST_WHOLE;
    if (r.failed) return CAMP_CORRUPT; /* value_read looked at the value, too */
  }
  return r.at == r.end ? CAMP_OK : CAMP_CORRUPT;
}
