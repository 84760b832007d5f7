/* Running code; see strand.h for the life of a strand.
 *
 * For: the loop over instructions, and parking in a wait. Not for: checking code (verify.c did, so nothing is checked here again);
 * what a parked strand hears (strand_parked.c); acting: effects come out one at a time and the engine applies them.
 *
 * Invariants:
 * 1. Running reads nothing but the unit, the strand, env and what hangs on them: no clock, no files, no randomness.
 * 2. What does not go together is missing or false, never an error: a script that compiled cannot fail at run time.
 * 3. At a wait all locals that later steps do not read become missing at once, so that a strand that goes on in memory and one
 *    that was read back from its row cannot differ.
 * 4. An expression runs on a stack of its own: the engine may evaluate one between two effects of the same strand. */
#include "strand.h"

#include "digest.h"
#include "flip.h"
#include "ops.h"
#include "pattern.h"

/* Kept out of the loop's function, as ops.h says. */
#define RARE __attribute__((noinline))

/* --- operands; verified code, so they are all there --- */

static inline uint32_t operand_u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t operand_u32(const uint8_t *p) { return operand_u16(p) | operand_u16(p + 2) << 16; }

/* --- what an instruction looks at --- */

/* Texts are not looked up among the symbols here: hashing one costs more than the one comparison it usually meets, and those
 * rules that compare with thousands of texts are found by the image's guards. */
HOT struct value op_field(const struct unit *u, uint32_t f, const struct env *env) {
  const struct field *field = &u->fields[f];
  const struct json *found = event_property(env->event, u->link->symbols[field->name]);
  return found ? from_json(found, env->event->body, field, env) : value_missing();
}

HOT struct value op_measure(const struct unit *u, uint32_t m, const struct env *env) {
  uint32_t stored_id = image_measure(env->image, u->link->measures[m])->stored_id;
  return measure_value(env->contact, u, &u->measures[m], stored_id, env);
}

/* --- comparing and computing --- */

RARE static bool ordered(uint8_t op, struct value a, struct value b, const struct env *env) {
  bool ok;
  int d = value_order(a, b, env->zone, &ok);
  if (!ok) return false;
  switch (op) {
    case OP_LT: return d < 0;
    case OP_LE: return d <= 0;
    case OP_GT: return d > 0;
    default: return d >= 0;
  }
}

RARE static bool matches(const struct unit *u, uint32_t c, struct value v) {
  return value_is_text(v) && pattern_matches(u->link->patterns[c], value_str(v));
}

RARE static bool one_of(const struct value *x, uint32_t n, const struct env *env) {
  for (uint32_t i = 1; i <= n; i++) {
    if (equal(x[0], x[i], env)) return true;
  }
  return false;
}

/* --- waits --- */

static void keep_live(struct strand *s, uint64_t live, struct arena *a) {
  for (uint32_t l = 0; l < s->unit->local_count; l++) {
    struct value *v = &s->locals[l];
    if (!(live >> l & 1)) *v = value_missing();
    else if (v->type == V_LIST && v->spare == LIST_REST) *v = list_rest_whole(*v, a);
  }
}

/* Parks the strand in the wait; deadline is NULL when it has none. */
RARE static enum run_result park(struct strand *s, const struct wait *w, uint32_t pc, const struct value *deadline,
                            const struct env *env) {
  s->due_ms = NEVER;
  if (deadline) {
    struct value moment = op_zoned(*deadline, env->zone);
    if (moment.type != V_MOMENT) return RUN_MISSING;
    s->due_ms = moment.i;
  }
  s->pc = pc;
  s->since_ms = env->now_ms;
  s->base_ms = env->base_ms;
  keep_live(s, w->live, env->scratch);
  return RUN_WAIT;
}

static struct effect named(enum effect_kind kind, const struct unit *u, uint32_t string) {
  return (struct effect){ .kind = kind, .name = u->strings[string] };
}

/* --- the loop --- */

#define U16 operand_u16(ip + 1)
#define PUSH(v) (*sp++ = (v))
#define PUSH_BOOL(b) PUSH(value_bool(b))
/* Replaces the two on top by one. */
#define BINARY(expression) do { struct value b = *--sp, a = sp[-1]; sp[-1] = (expression); } while (0)
#define UNARY(expression) do { struct value a = sp[-1]; sp[-1] = (expression); } while (0)
#define NUMBERS (a.type == V_NUMBER && b.type == V_NUMBER)
#define COMPARE(sign) do { BINARY(value_bool(NUMBERS ? a.n sign b.n : ordered(*ip, a, b, env))); ip++; } while (0)
#define YIELD_EFFECT(bytes, ...) \
  do { \
    *out = __VA_ARGS__; \
    if (out->kind != EFFECT_FORK) out->pc = (uint32_t)(ip - code); /* a fork's says where its strand begins */ \
    ip += (bytes); \
    result = RUN_EFFECT; \
    goto out; \
  } while (0)
#define FINISH(how) do { result = (how); goto out; } while (0)

/* RET leaves its value at the stack's bottom and gives RUN_END. Only expressions meet RET and only they have out NULL. Compiled
 * three times, so that the loop which nobody watches has no trace of the watching, and none of flips when nobody asks for them. */
HOT enum run_result loop(struct vm *vm, const struct unit *u, struct value *locals, const struct env *env, struct effect *out,
                         bool watched, struct flip *flip) {
  const struct value *consts = u->link->consts;
  const uint8_t *const code = u->code, *ip = code + vm->pc;
  struct strand *s = vm->strand;
  struct value *sp = vm->stack + vm->depth;
  uint32_t fuel = vm->fuel;
  enum run_result result;
  uint32_t came = NONE;

  for (;;) {
    if (fuel-- == 0) {
      fuel = 0;
      FINISH(RUN_FUEL);
    }
    if (watched) {
      env->watch->op(env->watch->context, u, (uint32_t)(ip - code), came, sp > vm->stack ? sp - 1 : NULL);
      came = (uint32_t)(ip - code);
    }
    if (flip) flip_step(flip, u, ip, vm->stack, sp, env);
    switch ((enum opcode)*ip) {
      case OP_HALT: FINISH(RUN_END);
      case OP_EXIT: FINISH(RUN_EXIT);
      case OP_RET: FINISH(RUN_END);
      case OP_JUMP: ip = code + operand_u32(ip + 1); continue;
      case OP_JUMPF: ip = value_true(*--sp) ? ip + 5 : code + operand_u32(ip + 1); continue;
      case OP_AND:
        if (value_true(sp[-1])) { sp--; ip += 5; }
        else { sp[-1] = value_bool(false); ip = code + operand_u32(ip + 1); }
        continue;
      case OP_OR:
        if (value_true(sp[-1])) { ip = code + operand_u32(ip + 1); }
        else { sp--; ip += 5; }
        continue;
      case OP_FORK: YIELD_EFFECT(5, (struct effect){ .kind = EFFECT_FORK, .pc = operand_u32(ip + 1) });
      case OP_WAIT:
      case OP_OVER: {
        const struct wait *w = &u->waits[U16];
        const struct value *deadline = w->arm_pc == NONE ? NULL : --sp;
        FINISH(park(s, w, (uint32_t)(ip - code), deadline, env));
      }

      case OP_CONST: PUSH(consts[U16]); ip += 3; continue;
      case OP_LOCAL: PUSH(locals[ip[1]]); ip += 2; continue;
      case OP_STORE: locals[ip[1]] = *--sp; ip += 2; continue;
      case OP_FIELD: PUSH(op_field(u, U16, env)); ip += 3; continue;
      case OP_ATTR: PUSH(op_attr(u, U16, env)); ip += 3; continue;
      case OP_SUBFIELD: UNARY(op_subfield(u, U16, a, env)); ip += 3; continue;
      case OP_NOW: PUSH(value_moment(env->now_ms)); ip++; continue;
      case OP_BASE: PUSH(value_moment(env->base_ms)); ip++; continue;
      case OP_STARTED: PUSH(s ? value_moment(s->started_ms) : value_missing()); ip++; continue;
      case OP_KNOWN: PUSH(value_moment(env->contact->known_ms)); ip++; continue;
      case OP_AT: PUSH(env->event ? value_moment(env->event->at_ms) : value_missing()); ip++; continue;
      case OP_MEASURE: PUSH(op_measure(u, U16, env)); ip += 3; continue;
      case OP_MEMBER: {
        uint32_t id = u->link->stored[U16];
        PUSH_BOOL(id && contact_in(env->contact, id));
        ip += 3;
        continue;
      }
      case OP_TAGGED: {
        uint32_t id = u->link->stored[U16];
        PUSH_BOOL(id && contact_tagged(env->contact, id));
        ip += 3;
        continue;
      }
      case OP_OF: PUSH_BOOL(op_of(u, U16, s, env)); ip += 3; continue;
      case OP_SEGMENT: PUSH_BOOL(op_segment(u, U16, env)); ip += 3; continue;
      case OP_SCORE: PUSH(op_score(u, U16, env)); ip += 3; continue;
      case OP_AGO: PUSH(op_ago(consts[U16], env)); ip += 3; continue;

      case OP_EQ: BINARY(value_bool(equal(a, b, env))); ip++; continue;
      case OP_NE: BINARY(value_bool(!equal(a, b, env))); ip++; continue;
      case OP_LT: COMPARE(<); continue;
      case OP_LE: COMPARE(<=); continue;
      case OP_GT: COMPARE(>); continue;
      case OP_GE: COMPARE(>=); continue;
      case OP_CONTAINS: BINARY(value_bool(op_contains(a, b, env))); ip++; continue;
      case OP_STARTS: BINARY(value_bool(value_is_text(a) && value_is_text(b) && str_starts(value_str(a), value_str(b)))); ip++; continue;
      case OP_ENDS: BINARY(value_bool(value_is_text(a) && value_is_text(b) && str_ends(value_str(a), value_str(b)))); ip++; continue;
      case OP_MATCHES: UNARY(value_bool(matches(u, U16, a))); ip += 3; continue;
      case OP_NOT: UNARY(value_bool(!value_true(a))); ip++; continue;
      case OP_MISSING: UNARY(value_bool(a.type == V_MISSING)); ip++; continue;
      case OP_ELSE: BINARY(a.type == V_MISSING ? b : a); ip++; continue;
      case OP_ONEOF:
        sp -= ip[1];
        sp[-1] = value_bool(one_of(sp - 1, ip[1], env));
        ip += 2;
        continue;

      case OP_ADD: BINARY(value_add(a, b, env->zone)); ip++; continue;
      case OP_SUB: BINARY(value_sub(a, b, env->zone)); ip++; continue;
      case OP_MUL: BINARY(value_mul(a, b)); ip++; continue;
      case OP_DIV: BINARY(value_div(a, b)); ip++; continue;
      case OP_NEG: UNARY(value_neg(a)); ip++; continue;
      case OP_LEN: UNARY(op_length(a)); ip++; continue;
      case OP_EACH:
        if (op_each(&sp[-1], &locals[ip[1]], env)) { ip += 6; }
        else { sp--; ip = code + operand_u32(ip + 2); }
        continue;
      case OP_ZONED: UNARY(op_zoned(a, env->zone)); ip++; continue;
      case OP_NEXTTIME: UNARY(op_next_time(a, ip[1], env)); ip += 2; continue;
      case OP_WINDOW: BINARY(op_window(a, b, ip[1], env)); ip += 2; continue;
      case OP_DATEPART: UNARY(op_date_part(a, ip[1], env->zone)); ip += 2; continue;

      case OP_SHOW: {
        struct effect shown = named(EFFECT_SHOW, u, U16);
        sp--;
        *sp = op_zoned(*sp, env->zone);
        shown.values = sp;
        YIELD_EFFECT(3, shown);
      }
      case OP_CALLED: PUSH(op_called(s, env)); ip++; continue;
      case OP_CODE: PUSH(op_code(u->strings[U16], env)); ip += 3; continue;
      case OP_BUCKET: PUSH(value_number(digest_place(env->contact->key, u->strings[U16]))); ip += 3; continue;
      case OP_ITEMS: {
        struct effect note = { .kind = EFFECT_NOTE };
        sp[-1] = op_items(sp[-1], env, &note);
        if (note.reason.len) YIELD_EFFECT(1, note);
        ip++;
        continue;
      }

      case OP_VARIANT: PUSH(value_number(op_variant(u, U16, env))); ip += 3; continue;
      case OP_ASSIGN: {
        struct effect assign = { .kind = EFFECT_ASSIGN, .experiment = U16, .values = --sp };
        assign.name = u->strings[u->experiments[assign.experiment].name];
        YIELD_EFFECT(3, assign);
      }

      case OP_SEND: YIELD_EFFECT(3, named(EFFECT_SEND, u, U16));
      case OP_DROP: {
        struct effect drop = named(EFFECT_DROP, u, U16);
        drop.reason = value_str(consts[operand_u16(ip + 3)]);
        YIELD_EFFECT(5, drop);
      }
      case OP_JOIN: YIELD_EFFECT(3, named(EFFECT_JOIN, u, U16));
      case OP_LEAVE: YIELD_EFFECT(3, named(EFFECT_LEAVE, u, U16));
      case OP_TAG: YIELD_EFFECT(3, named(EFFECT_TAG, u, U16));
      case OP_UNTAG: YIELD_EFFECT(3, named(EFFECT_UNTAG, u, U16));
      case OP_SET: {
        struct effect set = named(EFFECT_SET, u, u->fields[U16].name);
        set.field = U16;
        list_make_whole(--sp, 1);
        set.values = sp; /* stays in the vm's stack until the next vm_run */
        YIELD_EFFECT(3, set);
      }
      case OP_POINTS: {
        struct effect points = named(EFFECT_POINTS, u, U16);
        list_make_whole(--sp, 1);
        points.values = sp;
        YIELD_EFFECT(3, points);
      }
      case OP_EMIT:
      case OP_CALL:
      case OP_SENDWITH: {
        const struct emit *e = &u->emits[U16];
        sp -= e->key_count;
        list_make_whole(sp, e->key_count);
        struct effect emit = named(*ip == OP_EMIT ? EFFECT_EMIT : *ip == OP_CALL ? EFFECT_CALL : EFFECT_SEND, u, e->event);
        emit.emit = e;
        emit.values = sp;
        YIELD_EFFECT(3, emit);
      }
      case OP_START: YIELD_EFFECT(3, named(EFFECT_START, u, U16));
      case OP_STOP: YIELD_EFFECT(3, named(EFFECT_STOP, u, U16));

      case OP_CONSENTS: {
        uint32_t id = u->link->stored[U16];
        PUSH_BOOL(id && contact_consents(env->contact, id));
        ip += 3;
        continue;
      }
      case OP_SUBSCRIBE: YIELD_EFFECT(3, named(EFFECT_SUBSCRIBE, u, U16));
      case OP_UNSUBSCRIBE: YIELD_EFFECT(3, named(EFFECT_UNSUBSCRIBE, u, U16));
      case OP_VIA: YIELD_EFFECT(3, named(EFFECT_VIA, u, U16));
      case OP_WATCH: YIELD_EFFECT(3, (struct effect){ .kind = EFFECT_WATCH, .pc = (uint32_t)(ip - code) });
      case OP_APART: YIELD_EFFECT(1, (struct effect){ .kind = EFFECT_APART });
    }
  }
out:
  vm->pc = (uint32_t)(ip - code);
  vm->depth = (uint32_t)(sp - vm->stack);
  vm->fuel = fuel;
  return result;
}

RARE static enum run_result run_watched(struct vm *vm, const struct unit *u, struct value *locals, const struct env *env,
                                        struct effect *out) {
  return loop(vm, u, locals, env, out, true, NULL);
}

RARE static enum run_result run_flipping(struct vm *vm, const struct unit *u, struct value *locals, const struct env *env) {
  struct flip flip; /* of values below the newest only, so nothing is set before it is written */
  return loop(vm, u, locals, env, NULL, env->watch != NULL, &flip);
}

static enum run_result run(struct vm *vm, const struct unit *u, struct value *locals, const struct env *env,
                           struct effect *out) {
  if (__builtin_expect(env->watch != NULL, 0)) return run_watched(vm, u, locals, env, out);
  return loop(vm, u, locals, env, out, false, NULL);
}

void vm_enter(struct vm *vm, struct strand *s, uint32_t pc) {
  CHECK(s && s->unit && s->unit->link);
  CHECK(pc < s->unit->code_bytes);
  vm->strand = s;
  vm->pc = pc;
  vm->depth = 0;
  vm->fuel = LIMIT_FUEL_COUNT;
}

enum run_result vm_run(struct vm *vm, const struct env *env, struct effect *out) {
  struct strand *s = vm->strand;
  CHECK(out);
  CHECK(env->image && env->zone);
  if (env->watch && vm->fuel == LIMIT_FUEL_COUNT) env->watch->enter(env->watch->context, s, vm->pc, env);
  return run(vm, s->unit, s->locals, env, out);
}

struct value vm_eval(struct vm *vm, const struct unit *u, uint32_t pc, struct strand *s, const struct env *env) {
  struct vm inner; /* see invariant 4: the caller's may hold the stack of a strand under way */
  struct value locals[LIMIT_LOCALS_COUNT];
  (void)vm;
  CHECK(u->link);
  CHECK(pc < u->code_bytes);
  inner.strand = s;
  inner.pc = pc;
  inner.depth = 0;
  inner.fuel = LIMIT_FUEL_COUNT;
  if (!s) memset(locals, 0, u->local_count * sizeof *locals); /* V_MISSING is 0 */
  struct value *own = s ? s->locals : locals;
  enum run_result result = env->flip_ms ? run_flipping(&inner, u, own, env) : run(&inner, u, own, env, NULL);
  if (result != RUN_END) return value_missing();
  return inner.stack[0];
}
