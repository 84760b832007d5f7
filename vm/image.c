/* The image: live units linked together; see image.h.
 *
 * For: symbols, adding units, and answers by name. Not for: running code (strand.c), nor for which units are live (the engine says).
 * Who listens, what segments look at and what else an event feeds stand in image_listeners.c, image_segments.c and image_events.c.
 *
 * Invariants:
 * 1. Equal texts are one symbol, and its text's pointer is the one of every interned V_TEXT. Symbols are numbered from 0 and
 *    stay; everything that is known of a symbol stands in its row.
 * 2. Measures of equal canonical text are one image measure.
 * 3. After image_seal nothing changes but what the engine owns (stored ids, epochs), so threads may share it. */
#include "image.h"

#include <stdlib.h>

#include "image_parts.h"
#include "pattern.h"
#include "request.h"

/* Outside input is looked up but never put in, so a fixed key gives nobody a way to fill one bucket. */
static const struct hash_key symbol_key = { 0x63616d7073796d62u, 0x6f6c73206f6e6365u };

/* --- symbols --- */

static void slots_fill(struct image *im, uint32_t slot_count) {
  im->slots = arena_zalloc(&im->arena, slot_count, sizeof *im->slots);
  im->slot_mask = slot_count - 1;
  for (uint32_t i = 0; i < im->symbols.count; i++) {
    uint32_t at = (uint32_t)im->symbols.items[i].hash & im->slot_mask;
    while (im->slots[at]) at = (at + 1) & im->slot_mask;
    im->slots[at] = i + 1;
  }
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t slot_find(const struct image *im, struct str text, uint64_t hash) {
  uint32_t at = (uint32_t)hash & im->slot_mask;
  for (; im->slots[at]; at = (at + 1) & im->slot_mask) {
    const struct symbol *s = &im->symbols.items[im->slots[at] - 1];
    if (s->hash == hash && str_eq(s->text, text)) break;
  }
  return at;
}

static uint32_t intern(struct image *im, struct str text) {
  uint64_t hash = hash_str(symbol_key, text);
  uint32_t at = slot_find(im, text, hash);
  if (im->slots[at]) return im->slots[at] - 1;
  CHECK(im->symbols.count < NONE - 1);
  struct symbol fresh = { .text = arena_str(&im->arena, text), .hash = hash, .measure = NONE, .segment = NONE, .score = NONE };
  VEC_PUSH(&im->arena, &im->symbols, fresh);
  im->slots[at] = im->symbols.count;
  if (im->symbols.count > im->slot_mask / 2) slots_fill(im, (im->slot_mask + 1) * 2);
  return im->symbols.count - 1;
}

uint32_t image_symbol(const struct image *im, struct str text) {
  uint32_t found = im->slots[slot_find(im, text, hash_str(symbol_key, text))];
  return found ? found - 1 : NONE;
}

struct str image_symbol_text(const struct image *im, uint32_t symbol) {
  return symbol < im->symbols.count ? im->symbols.items[symbol].text : (struct str){ NULL, 0 };
}
uint32_t image_symbol_count(const struct image *im) { return im->symbols.count; }
bool image_symbol_is_key(const struct image *im, uint32_t symbol) {
  return symbol < im->symbols.count && im->symbols.items[symbol].key;
}

/* --- making --- */

struct image *image_new(void) {
  struct image *im = calloc(1, sizeof *im);
  CHECK(im);
  arena_init(&im->arena, 1 << 16);
  slots_fill(im, 1024);
  CHECK(intern(im, STR("message")) == SYMBOL_MESSAGE);
  CHECK(intern(im, STR("key")) == SYMBOL_KEY);
  CHECK(intern(im, STR("topic")) == SYMBOL_TOPIC);
  CHECK(intern(im, STR("subscribe")) == SYMBOL_SUBSCRIBE);
  CHECK(intern(im, STR("confirm")) == SYMBOL_CONFIRM);
  CHECK(intern(im, STR("unsubscribe")) == SYMBOL_UNSUBSCRIBE);
  im->symbols.items[SYMBOL_MESSAGE].key = im->symbols.items[SYMBOL_KEY].key = true;
  return im;
}

void image_free(struct image *im) {
  if (!im) return;
  for (uint32_t i = 0; i < im->symbols.count; i++) pattern_free(im->symbols.items[i].pattern);
  arena_deinit(&im->arena);
  free(im);
}

static void link_consts(struct image *im, const struct unit *u) {
  struct value *consts = arena_alloc(&im->arena, u->const_count * sizeof *consts);
  for (uint32_t i = 0; i < u->const_count; i++) {
    consts[i] = u->consts[i];
    if (consts[i].type != V_TEXT) continue;
    uint32_t symbol = intern(im, value_str(consts[i]));
    consts[i].ptr = im->symbols.items[symbol].text.ptr;
    consts[i].interned = 1;
  }
  u->link->consts = consts;
}

/* One pattern a text, however many units use it. */
static void link_patterns(struct image *im, const struct unit *u) {
  struct unit_link *link = u->link;
  uint32_t operands[2];
  for (uint32_t pc = 0, bytes; pc < u->code_bytes; pc += bytes) {
    bytes = opcode_table[u->code[pc]].bytes;
    CHECK(bytes);
    if (u->code[pc] != OP_MATCHES) continue;
    CHECK(instruction_decode(u->code, u->code_bytes, pc, operands) == bytes);
    struct value text = link->consts[operands[0]];
    struct symbol *s = &im->symbols.items[image_symbol(im, value_str(text))];
    if (!s->pattern) s->pattern = pattern_new(s->text, NULL, 0);
    CHECK(s->pattern); /* the verifier compiled it before */
    if (!link->patterns) link->patterns = arena_zalloc(&im->arena, u->const_count, sizeof *link->patterns);
    link->patterns[operands[0]] = s->pattern;
  }
}

static void link_measures(struct image *im, const struct unit *u) {
  u->link->measures = arena_alloc(&im->arena, u->measure_count * sizeof(uint32_t));
  for (uint32_t i = 0; i < u->measure_count; i++) {
    const struct measure *m = &u->measures[i];
    struct symbol *text = symbol_of(im, u, m->text);
    if (text->measure == NONE) {
      struct image_measure fresh = { .unit = u, .measure = m, .event = u->link->symbols[m->event] };
      text->measure = im->measures.count;
      VEC_PUSH(&im->arena, &im->measures, fresh);
    }
    u->link->measures[i] = text->measure;
    symbol_of(im, u, m->event)->event = true;
  }
}

/* What this unit looks at, whether current or not: an old run hears and stops like a new one. */
static void note_events(struct image *im, const struct unit *u) {
  for (uint32_t i = 0; i < u->field_count; i++) symbol_of(im, u, u->fields[i].name)->key = true;
  for (uint32_t i = 0; i < u->branch_count; i++) {
    struct symbol *s = symbol_of(im, u, u->branches[i].event);
    s->event = s->heard = true;
  }
  for (uint32_t i = 0; i < u->stop_count; i++) {
    struct symbol *s = symbol_of(im, u, u->stops[i].event);
    s->event = s->heard = true;
  }
  for (uint32_t i = 0; i < u->score_rule_count; i++) symbol_of(im, u, u->score_rules[i].event)->event = true;
  for (uint32_t i = 0; i < u->response_count; i++) symbol_of(im, u, u->responses[i].event)->event = true;
  for (uint32_t i = 0; i < u->goal_count; i++) {
    struct symbol *s = symbol_of(im, u, u->goals[i].event);
    s->event = s->heard = true;
  }
}

static void name_unit(struct image *im, const struct unit *u) {
  if (u->kind == UNIT_POLICY) {
    if (im->policy) return;
    im->policy = u;
    for (uint32_t i = SYMBOL_SUBSCRIBE; i <= SYMBOL_UNSUBSCRIBE; i++) im->symbols.items[i].event |= u->topic_count > 0;
    im->symbols.items[SYMBOL_TOPIC].key |= u->topic_count > 0;
    return;
  }
  struct symbol *s = symbol_of(im, u, u->name);
  if (u->kind == UNIT_CHANNEL || u->kind == UNIT_OPERATION) {
    const struct unit **request = u->kind == UNIT_CHANNEL ? &s->channel : &s->operation;
    if (!*request) *request = u;
    return;
  }
  if (u->kind == UNIT_SEGMENT) {
    if (s->segment != NONE) return;
    s->segment = im->segments.count;
    VEC_PUSH(&im->arena, &im->segments, ((struct image_segment){ .unit = u, .symbol = u->link->symbols[u->name] }));
    return;
  }
  if (u->kind == UNIT_SCORE) {
    if (s->score != NONE) return;
    s->score = im->scores.count;
    int64_t half_ms = u->halves.type == V_MISSING ? 0 : duration_ms(u->halves);
    VEC_PUSH(&im->arena, &im->scores, ((struct image_score){ .unit = u, .symbol = u->link->symbols[u->name], .half_ms = half_ms }));
    return;
  }
  const struct unit **place = u->kind == UNIT_MESSAGE ? &s->message : u->kind == UNIT_FILE ? &s->file : &s->campaign;
  if (!*place) *place = u;
}

void image_add(struct image *im, struct unit *u, bool current) {
  CHECK(!im->sealed);
  struct unit_link *link = ARENA_NEW(&im->arena, struct unit_link);
  u->link = link;
  link->order = im->units.count;
  link->current = current;
  link->symbols = arena_alloc(&im->arena, u->string_count * sizeof *link->symbols);
  link->stored = arena_zalloc(&im->arena, u->string_count, sizeof *link->stored);
  /* Nobody asks for what a file holds by its text. */
  for (uint32_t i = 0; i < u->string_count; i++) link->symbols[i] = intern(im, u->strings[u->kind == UNIT_FILE ? 0 : i]);
  if (u->experiment_count) {
    link->experiments = arena_zalloc(&im->arena, u->experiment_count, sizeof *link->experiments);
    link->variants = arena_zalloc(&im->arena, u->variant_count, sizeof *link->variants);
  }
  link_consts(im, u);
  link_patterns(im, u);
  link_measures(im, u);
  note_events(im, u);
  if (current) {
    name_unit(im, u);
    image_claim(im, u);
  }
  VEC_PUSH(&im->arena, &im->units, u);
}

void image_seal(struct image *im) {
  CHECK(!im->sealed);
  image_seal_listeners(im);
  image_seal_measures(im);
  image_seal_segments(im);
  image_seal_scores(im);
  image_seal_responses(im);
  im->sealed = true;
}

/* --- asking --- */

uint32_t image_unit_count(const struct image *im) { return im->units.count; }
struct unit *image_unit(const struct image *im, uint32_t i) {
  CHECK(i < im->units.count);
  return im->units.items[i];
}

static const struct symbol *find(const struct image *im, struct str name) {
  uint32_t symbol = image_symbol(im, name);
  return symbol == NONE ? NULL : &im->symbols.items[symbol];
}
const struct unit *image_campaign(const struct image *im, struct str name) {
  const struct symbol *s = find(im, name);
  return s ? s->campaign : NULL;
}
const struct unit *image_message(const struct image *im, struct str name) {
  const struct symbol *s = find(im, name);
  return s ? s->message : NULL;
}

const struct unit *image_channel(const struct image *im, struct str name) {
  const struct symbol *s = find(im, name);
  return s ? s->channel : NULL;
}

const struct unit *image_operation(const struct image *im, struct str name) {
  const struct symbol *s = find(im, name);
  return s ? s->operation : NULL;
}

struct str image_channel_address(const struct image *im, struct str channel) {
  const struct unit *u = image_channel(im, channel);
  if (u) return unit_string(u, u->request->address);
  return str_is(channel, "email") ? STR("email") : str_is(channel, "sms") ? STR("phone") : str_is(channel, "push") ? STR("push_token") : (struct str){ NULL, 0 };
}

const struct unit *image_file(const struct image *im, struct str name) {
  const struct symbol *s = find(im, name);
  return s ? s->file : NULL;
}

const struct unit *image_policy(const struct image *im) { return im->policy; }

uint32_t image_measure_count(const struct image *im) { return im->measures.count; }
struct image_measure *image_measure(const struct image *im, uint32_t i) {
  CHECK(i < im->measures.count);
  return &im->measures.items[i];
}

uint32_t image_segment_count(const struct image *im) { return im->segments.count; }
struct image_segment *image_segment(const struct image *im, uint32_t i) {
  CHECK(i < im->segments.count);
  return &im->segments.items[i];
}
uint32_t image_segment_find(const struct image *im, uint32_t symbol) {
  return symbol < im->symbols.count ? im->symbols.items[symbol].segment : NONE;
}

uint32_t image_score_count(const struct image *im) { return im->scores.count; }
struct image_score *image_score(const struct image *im, uint32_t i) {
  CHECK(i < im->scores.count);
  return &im->scores.items[i];
}
uint32_t image_score_find(const struct image *im, uint32_t symbol) {
  return symbol < im->symbols.count ? im->symbols.items[symbol].score : NONE;
}

bool image_event_is_heard(const struct image *im, uint32_t event) {
  return event < im->symbols.count && im->symbols.items[event].heard;
}
bool image_symbol_is_event(const struct image *im, uint32_t symbol) {
  return symbol < im->symbols.count && im->symbols.items[symbol].event;
}
