/* Running code; see strand.h for the life of a strand.
 *
 * For: the loop over instructions, waits, and the bytes of a parked strand. Not for: checking code (verify.c did, so nothing is
 * checked here again), nor for acting: effects come out one at a time and the engine applies them.
 *
 * Invariants:
 * 1. Running reads nothing but the unit, the strand, env and what hangs on them: no clock, no files, no randomness.
 * 2. What does not go together is missing or false, never an error: a script that compiled cannot fail at run time.
 * 3. At a wait all locals that later steps do not read become missing at once, so that a strand that goes on in memory and one
 *    that was read back from its row cannot differ.
 * 4. An expression runs on a stack of its own: the engine may evaluate one between two effects of the same strand. */
#include "strand.h"

#include <math.h>
#include <stdio.h>

#include "digest.h"
#include "flip.h"
#include "coupon.h"
#include "key.h"
#include "pattern.h"

/* Kept out of the loop's function: inlined there, they take the registers that the loop needs for every instruction. */
#define RARE __attribute__((noinline))
/* The loop is compiled twice, and what nearly every condition needs is to stand in it all the same. */
#define HOT static inline __attribute__((always_inline))

/* --- operands; verified code, so they are all there --- */

static inline uint32_t operand_u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t operand_u32(const uint8_t *p) { return operand_u16(p) | operand_u16(p + 2) << 16; }

/* --- what an instruction looks at --- */

/* The event's property of this symbol, or NULL. Not a copy: putting one together byte by byte and reading it whole at once stalls
 * the processor for longer than the rest of the look-up takes. */
HOT const struct json *event_property(const struct event *e, uint32_t symbol) {
  if (!e) return NULL;
  for (uint32_t i = 0; i < e->field_count; i++) {
    if (e->fields[i].key == symbol) return &e->fields[i].value;
  }
  return NULL;
}

HOT struct value from_json(const struct json *j, struct str object, const struct field *f, const struct env *env) {
  if (!j) return value_missing();
  return value_from_member(*j, object, (enum value_type)f->type, f->currency, env->zone, env->scratch);
}

/* Texts are not looked up among the symbols here: hashing one costs more than the one comparison it usually meets, and those
 * rules that compare with thousands of texts are found by the image's guards. */
HOT struct value op_field(const struct unit *u, uint32_t f, const struct env *env) {
  const struct field *field = &u->fields[f];
  const struct json *found = event_property(env->event, u->link->symbols[field->name]);
  return found ? from_json(found, env->event->body, field, env) : value_missing();
}

RARE static struct value op_attr(const struct unit *u, uint32_t f, const struct env *env) {
  const struct field *field = &u->fields[f];
  return contact_attribute(env->contact, u->strings[field->name], field, env->zone);
}

RARE static struct value op_subfield(const struct unit *u, uint32_t f, struct value record, const struct env *env) {
  const struct field *field = &u->fields[f];
  if (record.type != V_RECORD) return value_missing();
  struct json member = json_member(value_str(record), u->strings[field->name]);
  return from_json(member.type == JSON_BAD ? NULL : &member, value_str(record), field, env);
}

HOT struct value op_measure(const struct unit *u, uint32_t m, const struct env *env) {
  uint32_t stored_id = image_measure(env->image, u->link->measures[m])->stored_id;
  return measure_value(env->contact, u, &u->measures[m], stored_id, env);
}

/* Whether the key begins with this contact's, written as keys write it: / and % and control characters as %XX. If not, the message
 * was sent before the contact became one with another, whose runs may bear other numbers now. */
static bool key_is_of_contact(struct str key, struct str contact) {
  size_t at = 0;
  for (size_t i = 0; i < contact.len; i++) {
    char c = contact.ptr[i], text[4] = { c, 0 };
    size_t len = 1;
    if (c == '/' || c == '%' || (unsigned char)c < 0x20 || c == 0x7f) len = (size_t)snprintf(text, sizeof text, "%%%02X", (unsigned)(unsigned char)c);
    if (key.len - at < len || memcmp(key.ptr + at, text, len) != 0) return false;
    at += len;
  }
  return at < key.len && key.ptr[at] == '/';
}

/* A message's key is CONTACT/UNIT/ENTRY.ORDINAL, so an event about it says which run it came from. */
static bool key_is_of_run(struct str key, const struct strand *s, const struct contact *contact) {
  size_t slash = key.len;
  while (slash && key.ptr[slash - 1] != '/') slash--;
  if (!slash) return false;
  uint64_t entry = 0;
  size_t at = slash;
  for (; at < key.len && key.ptr[at] >= '0' && key.ptr[at] <= '9' && entry <= UINT32_MAX; at++) {
    entry = entry * 10 + (uint64_t)(key.ptr[at] - '0');
  }
  if (at == slash || at == key.len || key.ptr[at] != '.') return false;
  struct str before = { key.ptr, slash - 1 }, name = unit_name(s->unit);
  if (!str_ends(before, name) || (before.len != name.len && before.ptr[before.len - name.len - 1] != '/')) return false;
  return entry == s->entry || !key_is_of_contact(key, contact->key);
}

/* `open of hello` means the hello that this run sent, when it sent something and the event can tell; otherwise any. */
RARE static bool op_of(const struct unit *u, uint32_t message, const struct strand *s, const struct env *env) {
  const struct json *name = event_property(env->event, SYMBOL_MESSAGE);
  if (!name || name->type != JSON_STRING || !str_eq(json_string(*name, env->scratch), u->strings[message])) return false;
  if (!s || s->sends == 0) return true;
  const struct json *key = event_property(env->event, SYMBOL_KEY);
  return !key || key->type != JSON_STRING || key_is_of_run(json_string(*key, env->scratch), s, env->contact);
}

/* A segment that the present program does not have has no members. */
RARE static bool op_segment(const struct unit *u, uint32_t s, const struct env *env) {
  uint32_t segment = image_segment_find(env->image, u->link->symbols[s]);
  return segment != NONE && contact_in_segment(env->contact, image_segment(env->image, segment)->stored_id);
}

RARE static struct value op_score(const struct unit *u, uint32_t s, const struct env *env) {
  uint32_t score = image_score_find(env->image, u->link->symbols[s]);
  if (score == NONE) return value_number(0);
  const struct image_score *i = image_score(env->image, score);
  return value_number(score_at(contact_score(env->contact, i->stored_id), i->half_ms, env->now_ms));
}

RARE static struct value op_ago(struct value window, const struct env *env) {
  return value_moment(window_ago(window, env->zone, env->now_ms));
}

/* A variant that the contact was assigned to by another version may be gone from this one. */
RARE static double op_variant(const struct unit *u, uint32_t x, const struct env *env) {
  const struct assignment *mine = contact_assignment(env->contact, u->link->experiments[x]);
  const struct experiment *e = &u->experiments[x];
  for (uint32_t i = 0; mine && mine->variant && i < e->variant_count; i++)
    if (u->link->variants[e->first_variant + i] == mine->variant) return i;
  return -1;
}

RARE static struct value op_code(struct str campaign, const struct env *env) {
  char text[COUPON_BYTES + 1];
  if (!env->secret.len) return value_missing();
  coupon_make(env->secret, campaign, env->contact->key, text);
  return value_text(arena_str(env->scratch, str_from_c(text)));
}

RARE static struct value op_called(const struct strand *s, const struct env *env) {
  struct buf b;
  if (!s) return value_missing();
  buf_init(&b, LIMIT_SOURCE_BYTES);
  key_print(&b, env->contact->key, unit_name(s->unit), s->entry, s->fork, s->sends);
  struct str key = arena_str(env->scratch, buf_as_str(&b));
  buf_deinit(&b);
  return value_text(key);
}

/* --- comparing and computing --- */

/* Numbers and texts, which nearly every condition compares, are decided without a call. */
HOT bool equal(struct value a, struct value b, const struct env *env) {
  if (a.type == V_NUMBER && b.type == V_NUMBER) return a.n == b.n;
  if (a.type == V_TEXT && b.type == V_TEXT) {
    return a.aux == b.aux && (a.ptr == b.ptr || a.aux == 0 || memcmp(a.ptr, b.ptr, a.aux) == 0);
  }
  return value_equal(a, b, env->zone);
}

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

/* The rest of a list that EACH has walked into is marked, because its bytes begin in the middle of an array. */
enum { LIST_WHOLE, LIST_REST };
static struct json_walk list_walk(struct value list) {
  if (list.spare == LIST_REST) return (struct json_walk){ .at = list.ptr, .end = list.ptr + list.aux };
  return json_walk_of(value_str(list));
}

RARE static bool list_contains(struct value list, struct value wanted, const struct env *env) {
  if (wanted.type == V_MISSING) return false;
  /* A text is looked for among texts as they come: as a declared type it would take in the number 2, too. */
  enum value_type type = value_is_text(wanted) ? V_MISSING : (enum value_type)wanted.type;
  if (wanted.type == V_REF) wanted.type = V_TEXT;
  struct json_walk w = list_walk(list);
  while (json_next(&w)) {
    struct value v = value_from_json(w.value, type, type == V_MONEY ? wanted.aux : 0, env->zone, env->scratch);
    if (equal(v, wanted, env)) return true;
  }
  return false;
}

RARE static bool contains(struct value a, struct value b, const struct env *env) {
  if (a.type == V_LIST) return list_contains(a, b, env);
  if (!value_is_text(a) || !value_is_text(b)) return false;
  return b.aux == 0 || (a.aux >= b.aux && memmem(a.ptr, a.aux, b.ptr, b.aux) != NULL);
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

RARE static struct value length(struct value list) {
  if (list.type != V_LIST) return value_missing();
  struct json_walk w = list_walk(list);
  double n = 0;
  while (json_next(&w)) n++;
  return value_number(n);
}

/* What leaves the VM is whole: the bytes of a rest are no JSON. */
RARE static void make_whole(struct value *values, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (values[i].type == V_LIST && values[i].spare == LIST_REST) values[i] = value_missing();
  }
}

/* Moves the first element out of the list; false when there is none. What is no list has none. */
RARE static bool take_element(struct value *list, struct value *element, const struct env *env) {
  if (list->type != V_LIST) return false;
  struct json_walk w = list_walk(*list);
  if (!json_next(&w)) return false;
  *element = value_from_json(w.value, V_MISSING, 0, env->zone, env->scratch);
  *list = (struct value){ .type = V_LIST, .spare = LIST_REST, .aux = (uint32_t)(w.end - w.at), .ptr = w.at };
  return true;
}

/* What `for each` walks through: the list, or of one that is too long its beginning, and then *out says so. */
RARE static struct value items(struct value list, const struct env *env, struct effect *out) {
  if (list.type != V_LIST) return value_missing();
  struct json_walk w = list_walk(list);
  uint32_t n = 0;
  const char *end = w.at;
  while (n < LIMIT_EACH_COUNT && json_next(&w)) {
    end = w.at;
    n++;
  }
  if (!json_next(&w)) return list;
  do n++; while (json_next(&w));
  out->reason = arena_printf(env->scratch, "`for each` looked at the first %d of %u elements", LIMIT_EACH_COUNT, n);
  struct str cut = arena_printf(env->scratch, STR_FMT "]", STR_ARG(str_slice(list.ptr, end)));
  return (struct value){ .type = V_LIST, .aux = (uint32_t)cut.len, .ptr = cut.ptr };
}

/* The rest of a list as a list again, for a strand that parks inside `for each`. */
RARE static struct value rest_whole(struct value rest, struct arena *a) {
  struct json_walk w = list_walk(rest);
  const char *from = w.at;
  while (from < w.end && (*from == ',' || *from == ' ' || *from == '\t' || *from == '\n' || *from == '\r')) from++;
  struct str whole = arena_printf(a, "[" STR_FMT, STR_ARG(str_slice(from, w.end)));
  return (struct value){ .type = V_LIST, .aux = (uint32_t)whole.len, .ptr = whole.ptr };
}

/* --- times --- */

static int64_t floor_days(int64_t ms) { return ms / MS_PER_DAY - (ms % MS_PER_DAY < 0); }

/* Years that nothing here can overflow in; a moment outside is no moment. */
static bool calm(int64_t ms) { return value_is_sound((struct value){ .type = V_MOMENT, .i = ms }); }

/* As a moment: what it is, or midnight of a date, or the wall clock's time in the contact's zone. */
RARE static struct value to_moment(struct value v, const struct zone *z) {
  if (!value_is_sound(v)) return value_missing();
  if (v.type == V_MOMENT) return v;
  if (v.type == V_LOCAL) return value_moment(zone_to_utc(z, v.i));
  if (v.type == V_DATE) return value_moment(zone_to_utc(z, v.i * MS_PER_DAY));
  return value_missing();
}

static bool weekday_in(uint32_t mask, int64_t days) { return mask >> calendar_weekday(days) & 1; }

/* From the day before today: where a zone skips a whole day, yesterday's time of day lands on today. */
enum { DAYS_BACK = 1, DAYS_AHEAD = 8 };

RARE static struct value next_time(struct value time, uint32_t mask, const struct env *env) {
  if (time.type != V_TIME || !calm(env->now_ms)) return value_missing();
  int64_t today = floor_days(zone_to_civil(env->zone, env->now_ms));
  for (int64_t day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
    if (!weekday_in(mask, day)) continue;
    int64_t at = zone_to_utc(env->zone, day * MS_PER_DAY + time.i);
    if (at >= env->now_ms) return value_moment(at);
  }
  return value_missing();
}

/* A window that ends at or before its beginning ends on the next day; its weekday is the one on which it opens. */
RARE static struct value window(struct value from, struct value to, uint32_t mask, const struct env *env) {
  if (from.type != V_TIME || to.type != V_TIME || !calm(env->now_ms)) return value_missing();
  int64_t today = floor_days(zone_to_civil(env->zone, env->now_ms));
  int64_t over_midnight = to.i <= from.i;
  for (int64_t day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
    if (!weekday_in(mask, day)) continue;
    int64_t opens = zone_to_utc(env->zone, day * MS_PER_DAY + from.i);
    int64_t closes = zone_to_utc(env->zone, (day + over_midnight) * MS_PER_DAY + to.i);
    if (opens > env->now_ms) return value_moment(opens);
    if (env->now_ms < closes) return value_moment(env->now_ms);
  }
  return value_missing();
}

RARE static struct value date_part(struct value v, uint32_t part, const struct zone *z) {
  static const struct str weekdays[] = { { "monday", 6 },   { "tuesday", 7 }, { "wednesday", 9 }, { "thursday", 8 },
                                         { "friday", 6 }, { "saturday", 8 }, { "sunday", 6 } };
  if (!value_is_sound(v)) return value_missing();
  int64_t civil_ms;
  if (v.type == V_DATE) civil_ms = v.i * MS_PER_DAY;
  else if (v.type == V_MOMENT) civil_ms = zone_to_civil(z, v.i);
  else if (v.type == V_LOCAL) civil_ms = v.i;
  else return value_missing();
  struct civil c = calendar_civil(civil_ms);
  int64_t days = floor_days(civil_ms);
  switch (part) {
    case 0: return value_number((double)c.year);
    case 1: return value_number(c.month);
    case 2: return value_number(c.day);
    case 3: return value_text(weekdays[calendar_weekday(days)]);
    case 4: return value_number(c.hour);
    case 5: return (struct value){ .type = V_DATE, .i = days };
    default: return (struct value){ .type = V_TIME, .i = civil_ms - days * MS_PER_DAY };
  }
}

/* --- waits --- */

static void keep_live(struct strand *s, uint64_t live, struct arena *a) {
  for (uint32_t l = 0; l < s->unit->local_count; l++) {
    struct value *v = &s->locals[l];
    if (!(live >> l & 1)) *v = value_missing();
    else if (v->type == V_LIST && v->spare == LIST_REST) *v = rest_whole(*v, a);
  }
}

/* Parks the strand in the wait; deadline is NULL when it has none. */
RARE static enum run_result park(struct strand *s, const struct wait *w, uint32_t pc, const struct value *deadline,
                            const struct env *env) {
  s->due_ms = NEVER;
  if (deadline) {
    struct value moment = to_moment(*deadline, env->zone);
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
      case OP_CONTAINS: BINARY(value_bool(contains(a, b, env))); ip++; continue;
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
      case OP_LEN: UNARY(length(a)); ip++; continue;
      case OP_EACH:
        if (take_element(&sp[-1], &locals[ip[1]], env)) { ip += 6; }
        else { sp--; ip = code + operand_u32(ip + 2); }
        continue;
      case OP_ZONED: UNARY(to_moment(a, env->zone)); ip++; continue;
      case OP_NEXTTIME: UNARY(next_time(a, ip[1], env)); ip += 2; continue;
      case OP_WINDOW: BINARY(window(a, b, ip[1], env)); ip += 2; continue;
      case OP_DATEPART: UNARY(date_part(a, ip[1], env->zone)); ip += 2; continue;

      case OP_SHOW: {
        struct effect shown = named(EFFECT_SHOW, u, U16);
        sp--;
        *sp = to_moment(*sp, env->zone);
        shown.values = sp;
        YIELD_EFFECT(3, shown);
      }
      case OP_CALLED: PUSH(op_called(s, env)); ip++; continue;
      case OP_CODE: PUSH(op_code(u->strings[U16], env)); ip += 3; continue;
      case OP_BUCKET: PUSH(value_number(digest_place(env->contact->key, u->strings[U16]))); ip += 3; continue;
      case OP_ITEMS: {
        struct effect note = { .kind = EFFECT_NOTE };
        sp[-1] = items(sp[-1], env, &note);
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
        make_whole(--sp, 1);
        set.values = sp; /* stays in the vm's stack until the next vm_run */
        YIELD_EFFECT(3, set);
      }
      case OP_POINTS: {
        struct effect points = named(EFFECT_POINTS, u, U16);
        make_whole(--sp, 1);
        points.values = sp;
        YIELD_EFFECT(3, points);
      }
      case OP_EMIT:
      case OP_CALL:
      case OP_SENDWITH: {
        const struct emit *e = &u->emits[U16];
        sp -= e->key_count;
        make_whole(sp, e->key_count);
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

/* --- parked strands --- */

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
  struct value moment = to_moment(vm_eval(vm, s->unit, w->arm_pc, s, &then), env->zone);
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
