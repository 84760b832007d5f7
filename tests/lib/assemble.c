/* Units by hand; see assemble.h. Not for speed and not for bad input. */
#include "assemble.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

PRINTF_LIKE(1, 2)
static _Noreturn void wrong(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fputs("# assembler: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
  exit(99);
}

void asm_init(struct assembler *s, struct arena *a, const char *name) {
  *s = (struct assembler){ .a = a };
  s->unit.kind = UNIT_CAMPAIGN;
  s->unit.entry = (struct entry_rule){ .kind = ENTRY_ONCE_AT_A_TIME, .key_pc = NONE };
  s->unit.channel = NONE;
  s->unit.name = asm_string(s, name);
  s->unit.file = STR("test.camp");
}

uint32_t asm_string(struct assembler *s, const char *text) {
  if (!text) return NONE;
  for (uint32_t i = 0; i < s->strings.count; i++) {
    if (str_is(s->strings.items[i], text)) return i;
  }
  VEC_PUSH(s->a, &s->strings, arena_str(s->a, str_from_c(text)));
  return s->strings.count - 1;
}

/* --- literals --- */

static struct value text_of(struct assembler *s, enum value_type type, struct str text) {
  struct value v = value_text(arena_str(s->a, text));
  v.type = (uint8_t)type;
  return v;
}

static bool unit_of(const char *suffix, double n, struct value *out) {
  static const struct { const char *name; int64_t ms; int days, months; } units[] = {
    { "ms", 1, 0, 0 }, { "s", 1000, 0, 0 }, { "m", 60000, 0, 0 }, { "h", 3600000, 0, 0 },
    { "d", 0, 1, 0 },  { "w", 0, 7, 0 },    { "mo", 0, 0, 1 },    { "y", 0, 0, 12 },
  };
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(suffix, units[i].name) != 0) continue;
    int64_t times = (int64_t)n;
    *out = units[i].ms ? (struct value){ .type = V_EXACT, .i = times * units[i].ms }
                       : (struct value){ .type = V_CALENDAR, .i = times * units[i].days,
                                         .aux = (uint32_t)(int32_t)(times * units[i].months) };
    return true;
  }
  return false;
}

static struct value number_of(const char *text) {
  char *end;
  double n = strtod(text, &end);
  struct value v = value_number(n);
  if (!*end) return v;
  if (strcmp(end, "%") == 0) return (struct value){ .type = V_PERCENT, .n = n };
  uint32_t currency = currency_parse(str_from_c(end));
  if (currency) return value_money((int64_t)(n * MONEY_SCALE + (n < 0 ? -0.5 : 0.5)), currency);
  if (!unit_of(end, n, &v)) wrong("`%s` is no value", text);
  return v;
}

struct value asm_value(struct assembler *s, const char *text) {
  int64_t i;
  bool zoned;
  if (!text || strcmp(text, "missing") == 0) return value_missing();
  struct str t = str_from_c(text);
  if (text[0] == '"') return text_of(s, V_TEXT, (struct str){ text + 1, t.len - 2 });
  if (text[0] == '[') return text_of(s, V_LIST, t);
  if (text[0] == '{') return text_of(s, V_RECORD, t);
  if (str_starts(t, STR("ref:"))) return text_of(s, V_REF, (struct str){ text + 4, t.len - 4 });
  if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) return value_bool(text[0] == 't');
  if (calendar_parse_date(t, &i)) return (struct value){ .type = V_DATE, .i = i };
  if (calendar_parse_time(t, &i)) return (struct value){ .type = V_TIME, .i = i };
  if (calendar_parse_moment(t, &i, &zoned)) return (struct value){ .type = zoned ? V_MOMENT : V_LOCAL, .i = i };
  return number_of(text);
}

static bool same_value(struct value a, struct value b) {
  if (a.type != b.type || a.aux != b.aux) return false;
  bool pointed = a.type == V_TEXT || a.type == V_LIST || a.type == V_RECORD || a.type == V_REF;
  return pointed ? str_eq(value_str(a), value_str(b)) : a.i == b.i;
}

uint32_t asm_const(struct assembler *s, const char *literal) {
  struct value v = asm_value(s, literal);
  for (uint32_t i = 0; i < s->consts.count; i++) {
    if (same_value(s->consts.items[i], v)) return i;
  }
  VEC_PUSH(s->a, &s->consts, v);
  return s->consts.count - 1;
}

static enum value_type type_named(const char *name) {
  for (int t = V_MISSING + 1; t < V_TYPE_COUNT; t++) {
    if (strcmp(value_type_name((enum value_type)t), name) == 0) return (enum value_type)t;
  }
  wrong("`%s` is no type", name);
}

uint32_t asm_field(struct assembler *s, const char *spec) {
  if (!spec) return NONE;
  char *text = (char *)(uintptr_t)arena_str(s->a, str_from_c(spec)).ptr;
  char *type = strchr(text, ':'), *currency = NULL;
  struct field f = { 0 };
  if (type) {
    *type++ = '\0';
    currency = strchr(type, ':');
    if (currency) *currency++ = '\0';
    f.type = (uint8_t)type_named(type);
  }
  if (currency) f.currency = currency_parse(str_from_c(currency));
  f.name = asm_string(s, text);
  for (uint32_t i = 0; i < s->fields.count; i++) {
    const struct field *g = &s->fields.items[i];
    if (g->name == f.name && g->type == f.type && g->currency == f.currency) return i;
  }
  VEC_PUSH(s->a, &s->fields, f);
  return s->fields.count - 1;
}

/* --- code --- */

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

/* The next word, with `;` a word of its own; quotes and brackets hold together. Empty at the end. */
static struct str next_word(const char **at) {
  const char *p = *at;
  while (is_space(*p)) p++;
  const char *from = p;
  int depth = 0;
  bool quoted = false;
  if (*p == ';') p++;
  else {
    for (; *p; p++) {
      if (*p == '"') quoted = !quoted;
      if (quoted) continue;
      if (*p == '[' || *p == '{') depth++;
      if (*p == ']' || *p == '}') depth--;
      if (!depth && (is_space(*p) || *p == ';')) break;
    }
  }
  *at = p;
  return str_slice(from, p);
}

static void put_bytes(struct assembler *s, uint32_t n, int bytes) {
  for (int i = 0; i < bytes; i++) VEC_PUSH(s->a, &s->code, (uint8_t)(n >> (8 * i)));
}

static void put_operand(struct assembler *s, char letter, const char *word) {
  size_t n = strlen(word);
  if (!n || word[0] == ';') wrong("an operand is missing");
  switch (letter) {
    case 'j':
      VEC_PUSH(s->a, &s->jumps, ((struct asm_jump){ str_from_c(word), s->code.count }));
      put_bytes(s, 0, 4);
      break;
    case 'c': put_bytes(s, asm_const(s, word), 2); break;
    case 'f': put_bytes(s, asm_field(s, word), 2); break;
    case 's':
      if (word[0] == '"') word = arena_str(s->a, (struct str){ word + 1, n - 2 }).ptr;
      put_bytes(s, asm_string(s, word), 2);
      break;
    default: {
      uint32_t number = (uint32_t)strtoul(word, NULL, 10);
      put_bytes(s, number, letter == 'l' || letter == 'n' ? 1 : 2);
      if (letter == 'l' && number >= s->unit.local_count) s->unit.local_count = (uint8_t)(number + 1);
    }
  }
}

static uint8_t opcode_named(const char *name) {
  for (int i = 0; i < 256; i++) {
    if (opcode_table[i].name && strcmp(opcode_table[i].name, name) == 0) return (uint8_t)i;
  }
  wrong("`%s` is no opcode", name);
}

static const struct asm_label *find_label(const struct assembler *s, struct str name) {
  for (uint32_t i = 0; i < s->labels.count; i++) {
    if (str_eq(s->labels.items[i].name, name)) return &s->labels.items[i];
  }
  wrong("no label `" STR_FMT "`", STR_ARG(name));
}

static void put_instruction(struct assembler *s, struct str name, const char **at) {
  uint8_t op = opcode_named(arena_str(s->a, name).ptr);
  VEC_PUSH(s->a, &s->code, op);
  for (const char *letter = opcode_table[op].operands; *letter; letter++) {
    put_operand(s, *letter, arena_str(s->a, next_word(at)).ptr);
  }
}

void asm_code(struct assembler *s, const char *text) {
  for (struct str word; (word = next_word(&text)).len;) {
    if (word.ptr[0] == ';') continue;
    if (word.ptr[word.len - 1] == ':') {
      struct str name = arena_str(s->a, (struct str){ word.ptr, word.len - 1 });
      VEC_PUSH(s->a, &s->labels, ((struct asm_label){ name, s->code.count }));
    } else {
      put_instruction(s, word, &text);
    }
  }
  for (uint32_t i = 0; i < s->jumps.count; i++) {
    uint32_t pc = find_label(s, s->jumps.items[i].name)->pc;
    for (int k = 0; k < 4; k++) s->code.items[s->jumps.items[i].at + (uint32_t)k] = (uint8_t)(pc >> (8 * k));
  }
  s->jumps.count = 0;
}

uint32_t asm_pc(const struct assembler *s, const char *label) {
  return label ? find_label(s, str_from_c(label))->pc : NONE;
}

/* --- tables --- */

uint32_t asm_measure(struct assembler *s, enum measure_kind kind, const char *event, const char *field, const char *window,
                     const char *filter, const char *text) {
  struct measure m = { .kind = (uint8_t)kind, .event = asm_string(s, event), .field = asm_field(s, field),
                       .window = asm_value(s, window), .filter_pc = asm_pc(s, filter), .text = asm_string(s, text) };
  VEC_PUSH(s->a, &s->measures, m);
  return s->measures.count - 1;
}

static struct trigger trigger_of(struct assembler *s, const char *event, const char *filter) {
  return (struct trigger){ .event = asm_string(s, event), .guard_field = NONE, .guard_text = NONE,
                           .filter_pc = asm_pc(s, filter), .start_pc = NONE };
}
struct trigger *asm_trigger(struct assembler *s, const char *event, const char *filter, const char *start) {
  struct trigger t = trigger_of(s, event, filter);
  t.start_pc = asm_pc(s, start);
  VEC_PUSH(s->a, &s->triggers, t);
  return &s->triggers.items[s->triggers.count - 1];
}
struct trigger *asm_guarded(struct assembler *s, const char *event, const char *field, const char *text, const char *filter,
                            const char *start) {
  struct trigger *t = asm_trigger(s, event, filter, start);
  t->guard_field = asm_string(s, field);
  t->guard_text = asm_string(s, text);
  return t;
}
struct trigger *asm_stop(struct assembler *s, const char *event, const char *filter) {
  VEC_PUSH(s->a, &s->stops, trigger_of(s, event, filter));
  return &s->stops.items[s->stops.count - 1];
}
struct trigger *asm_goal(struct assembler *s, const char *event, const char *filter, const char *within) {
  struct trigger t = trigger_of(s, event, filter);
  t.within = asm_value(s, within);
  VEC_PUSH(s->a, &s->goals, t);
  return &s->goals.items[s->goals.count - 1];
}

uint32_t asm_wait(struct assembler *s, const char *arm, const char *timeout, uint64_t live) {
  struct wait w = { .first_branch = s->branches.count, .arm_pc = asm_pc(s, arm), .timeout_pc = asm_pc(s, timeout), .live = live, .message = NONE };
  VEC_PUSH(s->a, &s->waits, w);
  return s->waits.count - 1;
}
struct branch *asm_branch(struct assembler *s, const char *event, const char *filter, const char *target) {
  struct branch b = { .event = asm_string(s, event), .filter_pc = asm_pc(s, filter), .target_pc = asm_pc(s, target) };
  VEC_PUSH(s->a, &s->branches, b);
  s->waits.items[s->waits.count - 1].branch_count++;
  return &s->branches.items[s->branches.count - 1];
}

uint32_t asm_emit(struct assembler *s, const char *event, const char *key1, const char *key2) {
  struct emit e = { .event = asm_string(s, event), .first_key = s->emit_keys.count };
  if (key1) VEC_PUSH(s->a, &s->emit_keys, asm_string(s, key1));
  if (key2) VEC_PUSH(s->a, &s->emit_keys, asm_string(s, key2));
  e.key_count = s->emit_keys.count - e.first_key;
  VEC_PUSH(s->a, &s->emits, e);
  return s->emits.count - 1;
}

uint32_t asm_experiment(struct assembler *s, const char *name, const char *first, const char *second, const char *third) {
  const char *names[] = { first, second, third };
  struct experiment x = { .name = asm_string(s, name), .text = asm_string(s, "click within 2d"), .holdout = SPLIT_PLACES / 10, .within = asm_value(s, "2d"),
                          .first_variant = s->variants.count, .variant_count = third ? 3 : 2, .first_response = s->responses.count, .response_count = 1 };
  for (uint32_t i = 0; i < x.variant_count; i++) {
    struct variant v = { .name = asm_string(s, names[i]), .places = 9 * SPLIT_PLACES / 10 / x.variant_count };
    VEC_PUSH(s->a, &s->variants, v);
  }
  struct response r = { .experiment = s->experiments.count, .event = asm_string(s, "click"), .filter_pc = NONE, .field = NONE };
  VEC_PUSH(s->a, &s->responses, r);
  VEC_PUSH(s->a, &s->experiments, x);
  return s->experiments.count - 1;
}

static void put_part(struct assembler *s, bool subject, struct part p) {
  if (subject) VEC_PUSH(s->a, &s->subject, p);
  else VEC_PUSH(s->a, &s->body, p);
}
void asm_text_part(struct assembler *s, bool subject, const char *text) {
  put_part(s, subject, (struct part){ .kind = PART_TEXT, .text = asm_string(s, text), .field = NONE });
}
void asm_attr_part(struct assembler *s, bool subject, const char *field, const char *otherwise) {
  put_part(s, subject, (struct part){ .kind = PART_ATTR, .text = asm_string(s, otherwise), .field = asm_field(s, field) });
}

void asm_step(struct assembler *s, const char *label_in_code, uint32_t line, const char *label) {
  struct step step = { .pc = asm_pc(s, label_in_code), .line = line, .column = 3, .label = str_from_c(label) };
  VEC_PUSH(s->a, &s->steps, step);
}

struct unit *asm_unit(struct assembler *s) {
  struct unit *u = &s->unit;
#define TABLE(member, vector, counted) (u->member = s->vector.items, u->counted = s->vector.count)
  TABLE(strings, strings, string_count);
  TABLE(consts, consts, const_count);
  TABLE(fields, fields, field_count);
  TABLE(measures, measures, measure_count);
  TABLE(triggers, triggers, trigger_count);
  TABLE(stops, stops, stop_count);
  TABLE(goals, goals, goal_count);
  TABLE(waits, waits, wait_count);
  TABLE(branches, branches, branch_count);
  TABLE(emits, emits, emit_count);
  TABLE(emit_keys, emit_keys, emit_key_count);
  TABLE(experiments, experiments, experiment_count);
  TABLE(variants, variants, variant_count);
  TABLE(responses, responses, response_count);
  TABLE(code, code, code_bytes);
  TABLE(subject, subject, subject_count);
  TABLE(body, body, body_count);
  TABLE(steps, steps, step_count);
#undef TABLE
  unit_seal(s->a, u);
  return u;
}
