/* The image: live units linked together; see image.h.
 *
 * For: symbols, the measures' table, and finding who listens. Not for: running code (strand.c), nor for which units are live
 * (the engine says).
 *
 * Invariants:
 * 1. Equal texts are one symbol, and its text's pointer is the one of every interned V_TEXT. Symbols are numbered from 0 and
 *    stay; everything that is known of a symbol stands in its row.
 * 2. Measures of equal canonical text are one image measure.
 * 3. Every trigger of a current unit is in exactly one group of listeners: that of its event when it has no guard, else that of
 *    (event, property, text). A group is in order of declaration. So an event costs a look-up for each of its properties that
 *    guards something, and then what listens; ten thousand rules with other texts cost nothing.
 * 4. After image_seal nothing changes but what the engine owns (stored ids, epochs), so threads may share it. */
#include "image.h"

#include <stdlib.h>

#include "contact.h"
#include "pattern.h"
#include "request.h"

/* Where a run of a shared array lies. */
struct range { uint32_t first, count; };
/* One segment looks at one thing. */
struct looker { uint32_t what, segment; uint8_t look; };

struct symbol {
  struct str text;
  uint64_t hash;
  const struct unit *campaign, *message, *channel, *operation, *file; /* the current ones of this name */
  struct pattern *pattern;               /* compiled for MATCHES */
  uint32_t measure;                      /* whose canonical text this is, or NONE */
  uint32_t segment, score;               /* the segment, and the score, of this name, or NONE */
  struct range measured;                 /* as an event: responses, in `responses` */
  struct range points;                   /* as an event: rules that earn points, in `points` */
  struct range fed;                      /* as an event: measures that it feeds, in `fed` */
  struct range plain;                    /* as an event: unguarded listeners, in `listeners` */
  bool key, event, heard, guarded;       /* guarded: some trigger of this event has a guard */
};

/* A trigger on its way into its group. */
struct claim { uint32_t event, field, text, order; struct listener listener; };
/* (event, property, text) -> listeners, and with text NONE whether (event, property) guards anything. */
struct guard { uint32_t event, field, text; struct range range; };

struct image {
  struct arena arena;
  VEC(struct symbol) symbols;
  uint32_t *slots, slot_mask;     /* symbol + 1 by hash; 0 is free */
  VEC(struct unit *) units;
  const struct unit *policy;
  VEC(struct image_measure) measures;
  VEC(struct claim) claims;
  VEC(struct image_segment) segments;
  VEC(struct image_score) scores;
  struct image_points *points;    /* by event */
  struct image_response *responses; /* by event */
  VEC(struct looker) lookers;     /* sorted by look, what and segment once sealed */
  uint32_t *looking;              /* the segments of lookers */
  struct listener *listeners;
  struct guard *guards;           /* open addressing; event NONE is free */
  uint32_t guard_mask, listener_max, *fed;
  bool sealed;
};

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

static struct symbol *symbol_of(struct image *im, const struct unit *u, uint32_t string) {
  return &im->symbols.items[u->link->symbols[string]];
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

static void claim_triggers(struct image *im, const struct unit *u) {
  for (uint32_t i = 0; i < u->trigger_count; i++) {
    const struct trigger *t = &u->triggers[i];
    struct claim c = { .event = u->link->symbols[t->event], .field = NONE, .text = NONE, .order = im->claims.count,
                       .listener = { u, t } };
    im->symbols.items[c.event].event = true;
    if (t->guard_field != NONE) {
      c.field = u->link->symbols[t->guard_field];
      c.text = u->link->symbols[t->guard_text];
      im->symbols.items[c.field].key = true;
      im->symbols.items[c.event].guarded = true;
    }
    VEC_PUSH(&im->arena, &im->claims, c);
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
    claim_triggers(im, u);
  }
  VEC_PUSH(&im->arena, &im->units, u);
}

/* --- sealing --- */

static int claim_order(const void *left, const void *right) {
  const struct claim *a = left, *b = right;
  if (a->event != b->event) return a->event < b->event ? -1 : 1;
  if (a->field != b->field) return a->field < b->field ? -1 : 1;
  if (a->text != b->text) return a->text < b->text ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

static uint64_t guard_hash(uint32_t event, uint32_t field, uint32_t text) {
  return hash_u64(((uint64_t)event << 32 | field) + 0x9e3779b97f4a7c15u * ((uint64_t)text + 1));
}

static struct guard *guard_slot(const struct image *im, uint32_t event, uint32_t field, uint32_t text) {
  uint32_t at = (uint32_t)guard_hash(event, field, text) & im->guard_mask;
  for (;; at = (at + 1) & im->guard_mask) {
    struct guard *g = &im->guards[at];
    if (g->event == NONE || (g->event == event && g->field == field && g->text == text)) return g;
  }
}

/* Twice as many slots as there can be rows: a row a group, and one more a property. */
static void guards_new(struct image *im) {
  uint32_t slots = 16;
  while (slots < 4 * (uint64_t)im->claims.count) slots *= 2;
  im->guards = arena_alloc(&im->arena, slots * sizeof *im->guards);
  im->guard_mask = slots - 1;
  for (uint32_t i = 0; i < slots; i++) im->guards[i].event = NONE;
}

static void seal_listeners(struct image *im) {
  uint32_t count = im->claims.count;
  if (count) qsort(im->claims.items, count, sizeof *im->claims.items, claim_order);
  guards_new(im);
  im->listeners = arena_alloc(&im->arena, count * sizeof *im->listeners);
  uint32_t of_event = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct claim *c = &im->claims.items[i];
    im->listeners[i] = c->listener;
    of_event = i && c[-1].event == c->event ? of_event + 1 : 1;
    if (of_event > im->listener_max) im->listener_max = of_event;
    struct range *range = &im->symbols.items[c->event].plain;
    if (c->field != NONE) {
      *guard_slot(im, c->event, c->field, NONE) = (struct guard){ .event = c->event, .field = c->field, .text = NONE };
      struct guard *g = guard_slot(im, c->event, c->field, c->text);
      if (g->event == NONE) *g = (struct guard){ .event = c->event, .field = c->field, .text = c->text };
      range = &g->range;
    }
    if (!range->count) range->first = i;
    range->count++;
  }
}

/* Measures grouped by their event: count, place, fill. */
static void seal_measures(struct image *im) {
  im->fed = arena_alloc(&im->arena, im->measures.count * sizeof *im->fed);
  for (uint32_t i = 0; i < im->measures.count; i++) im->symbols.items[im->measures.items[i].event].fed.count++;
  uint32_t first = 0;
  for (uint32_t i = 0; i < im->symbols.count; i++) {
    struct range *fed = &im->symbols.items[i].fed;
    fed->first = first;
    first += fed->count;
    fed->count = 0;
  }
  for (uint32_t i = 0; i < im->measures.count; i++) {
    struct range *fed = &im->symbols.items[im->measures.items[i].event].fed;
    im->fed[fed->first + fed->count++] = i;
  }
}

/* --- segments --- */

static enum look look_of(uint8_t op) {
  switch (op) {
    case OP_MEASURE: return LOOK_MEASURE;
    case OP_ATTR: return LOOK_ATTRIBUTE;
    case OP_MEMBER: return LOOK_LIST;
    case OP_TAGGED: return LOOK_TAG;
    case OP_SCORE: return LOOK_SCORE;
    case OP_CONSENTS: return LOOK_TOPIC;
    default: return LOOK_SEGMENT;
  }
}

static void note_looks(struct image *im, uint32_t segment) {
  const struct unit *u = im->segments.items[segment].unit;
  uint32_t operands[2];
  bool now = false, part = false;
  for (uint32_t pc = 0, bytes; pc < u->code_bytes; pc += bytes) {
    uint8_t op = u->code[pc];
    now |= op == OP_NOW;
    part |= op == OP_DATEPART;
    bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
    CHECK(bytes);
    if (op == OP_KNOWN) im->segments.items[segment].known = true;
    if (op != OP_MEASURE && op != OP_ATTR && op != OP_MEMBER && op != OP_TAGGED && op != OP_CONSENTS && op != OP_SEGMENT && op != OP_SCORE) continue;
    uint32_t what = op == OP_MEASURE ? u->link->measures[operands[0]]
                    : op == OP_ATTR  ? u->link->symbols[u->fields[operands[0]].name]
                                     : u->link->symbols[operands[0]];
    VEC_PUSH(&im->arena, &im->lookers, ((struct looker){ .look = (uint8_t)look_of(op), .what = what, .segment = segment }));
  }
  im->segments.items[segment].recurs = now && part;
}

static int looker_order(const void *left, const void *right) {
  const struct looker *a = left, *b = right;
  if (a->look != b->look) return a->look < b->look ? -1 : 1;
  if (a->what != b->what) return a->what < b->what ? -1 : 1;
  return (a->segment > b->segment) - (a->segment < b->segment);
}

static void sort_lookers(struct image *im) {
  struct looker *l = im->lookers.items;
  uint32_t kept = 0;
  if (im->lookers.count) qsort(l, im->lookers.count, sizeof *l, looker_order);
  for (uint32_t i = 0; i < im->lookers.count; i++)
    if (i == 0 || looker_order(&l[i], &l[kept - 1]) != 0) l[kept++] = l[i];
  im->lookers.count = kept;
}

static struct range lookers_of(const struct image *im, enum look look, uint32_t what) {
  struct looker from = { .look = (uint8_t)look, .what = what, .segment = 0 };
  uint32_t low = 0, n = im->lookers.count;
  while (n) {
    uint32_t half = n / 2;
    if (looker_order(&im->lookers.items[low + half], &from) < 0) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  struct range r = { low, 0 };
  while (low + r.count < im->lookers.count && im->lookers.items[low + r.count].look == look && im->lookers.items[low + r.count].what == what)
    r.count++;
  return r;
}

/* Each segment behind those that it looks at, else in order of declaration (Kahn). What a circle keeps back comes at the end. */
static uint32_t *segment_places(struct image *im) {
  uint32_t count = im->segments.count, done = 0, ready = 0;
  uint32_t *waits_for = arena_zalloc(&im->arena, count, sizeof *waits_for);
  uint32_t *queue = arena_alloc(&im->arena, count * sizeof *queue), *place = arena_alloc(&im->arena, count * sizeof *place);
  for (uint32_t i = 0; i < im->lookers.count; i++) {
    const struct looker *l = &im->lookers.items[i];
    if (l->look == LOOK_SEGMENT && im->symbols.items[l->what].segment != NONE) waits_for[l->segment]++;
  }
  for (uint32_t i = 0; i < count; i++) {
    place[i] = NONE;
    if (!waits_for[i]) queue[ready++] = i;
  }
  while (done < ready) {
    uint32_t segment = queue[done];
    place[segment] = done++;
    struct range r = lookers_of(im, LOOK_SEGMENT, im->segments.items[segment].symbol);
    for (uint32_t i = 0; i < r.count; i++) {
      uint32_t looker = im->lookers.items[r.first + i].segment;
      if (--waits_for[looker] == 0) queue[ready++] = looker;
    }
  }
  for (uint32_t i = 0; i < count; i++)
    if (place[i] == NONE) place[i] = done++;
  return place;
}

/* Rules grouped by their event: count, place, fill. */
static void seal_scores(struct image *im) {
  uint32_t count = 0, first = 0;
  for (uint32_t i = 0; i < im->scores.count; i++) {
    struct image_score *s = &im->scores.items[i];
    uint32_t passes = image_symbol(im, arena_printf(&im->arena, "score " STR_FMT " passes", STR_ARG(unit_name(s->unit))));
    if (image_symbol_is_event(im, passes)) s->passes = im->symbols.items[passes].text;
    count += s->unit->score_rule_count;
    for (uint32_t k = 0; k < s->unit->score_rule_count; k++) symbol_of(im, s->unit, s->unit->score_rules[k].event)->points.count++;
  }
  im->points = arena_alloc(&im->arena, (count + 1) * sizeof *im->points);
  for (uint32_t i = 0; count && i < im->symbols.count; i++) {
    struct range *r = &im->symbols.items[i].points;
    r->first = first;
    first += r->count;
    r->count = 0;
  }
  for (uint32_t i = 0; i < im->scores.count; i++) {
    const struct unit *u = im->scores.items[i].unit;
    for (uint32_t k = 0; k < u->score_rule_count; k++) {
      struct range *r = &symbol_of(im, u, u->score_rules[k].event)->points;
      im->points[r->first + r->count++] = (struct image_points){ i, &u->score_rules[k] };
    }
  }
}

/* The same for what experiments measure. */
static void seal_responses(struct image *im) {
  uint32_t count = 0, first = 0;
  for (int fill = 0; fill < 2; fill++) {
    for (uint32_t i = 0; i < im->units.count; i++) {
      const struct unit *u = im->units.items[i];
      for (uint32_t k = 0; u->link->current && k < u->response_count; k++) {
        struct range *r = &symbol_of(im, u, u->responses[k].event)->measured;
        if (fill) im->responses[r->first + r->count] = (struct image_response){ u, &u->responses[k] };
        r->count++;
        count += !fill;
      }
    }
    if (!count) return;
    for (uint32_t i = 0; !fill && i < im->symbols.count; i++) {
      struct range *r = &im->symbols.items[i].measured;
      r->first = first;
      first += r->count;
      r->count = 0;
    }
    if (!fill) im->responses = arena_alloc(&im->arena, count * sizeof *im->responses);
  }
}

static struct str event_name(struct image *im, const char *word, struct str segment) {
  uint32_t symbol = image_symbol(im, arena_printf(&im->arena, "%s " STR_FMT, word, STR_ARG(segment)));
  return image_symbol_is_event(im, symbol) ? im->symbols.items[symbol].text : (struct str){ NULL, 0 };
}

static void seal_segments(struct image *im) {
  uint32_t count = im->segments.count;
  if (!count) return;
  for (uint32_t i = 0; i < count; i++) note_looks(im, i);
  sort_lookers(im);
  uint32_t *place = segment_places(im);
  struct image_segment *sorted = arena_alloc(&im->arena, count * sizeof *sorted);
  for (uint32_t i = 0; i < count; i++) {
    struct image_segment *s = &sorted[place[i]];
    *s = im->segments.items[i];
    im->symbols.items[s->symbol].segment = place[i];
    s->enters = event_name(im, "enters", unit_name(s->unit));
    s->leaves = event_name(im, "leaves", unit_name(s->unit));
  }
  im->segments.items = sorted;
  for (uint32_t i = 0; i < im->lookers.count; i++) im->lookers.items[i].segment = place[im->lookers.items[i].segment];
  sort_lookers(im);
  im->looking = arena_alloc(&im->arena, (im->lookers.count + 1) * sizeof *im->looking);
  for (uint32_t i = 0; i < im->lookers.count; i++) im->looking[i] = im->lookers.items[i].segment;
  for (uint32_t i = 0; i < im->measures.count; i++) {
    struct range r = lookers_of(im, LOOK_MEASURE, i);
    im->measures.items[i].lookers_first = r.first;
    im->measures.items[i].looker_count = r.count;
  }
}

void image_seal(struct image *im) {
  CHECK(!im->sealed);
  seal_listeners(im);
  seal_measures(im);
  seal_segments(im);
  seal_scores(im);
  seal_responses(im);
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
const uint32_t *image_event_measures(const struct image *im, uint32_t event, uint32_t *count) {
  CHECK(im->sealed);
  *count = 0;
  if (event >= im->symbols.count) return im->fed;
  struct range fed = im->symbols.items[event].fed;
  *count = fed.count;
  return im->fed + fed.first;
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
const struct image_points *image_event_points(const struct image *im, uint32_t event, uint32_t *count) {
  CHECK(im->sealed);
  struct range r = event < im->symbols.count ? im->symbols.items[event].points : (struct range){ 0, 0 };
  *count = r.count;
  return im->points + r.first;
}
const struct image_response *image_event_responses(const struct image *im, uint32_t event, uint32_t *count) {
  CHECK(im->sealed);
  struct range r = event < im->symbols.count ? im->symbols.items[event].measured : (struct range){ 0, 0 };
  *count = r.count;
  return r.count ? im->responses + r.first : NULL;
}
const uint32_t *image_lookers(const struct image *im, enum look look, uint32_t what, uint32_t *count) {
  CHECK(im->sealed);
  struct range r = { 0, 0 };
  if (look != LOOK_MEASURE) r = lookers_of(im, look, what);
  else if (what < im->measures.count) r = (struct range){ im->measures.items[what].lookers_first, im->measures.items[what].looker_count };
  *count = r.count;
  return im->looking ? im->looking + r.first : NULL;
}

bool image_event_is_heard(const struct image *im, uint32_t event) {
  return event < im->symbols.count && im->symbols.items[event].heard;
}
bool image_symbol_is_event(const struct image *im, uint32_t symbol) {
  return symbol < im->symbols.count && im->symbols.items[symbol].event;
}

/* The symbol of a property as a text, NONE when nothing of this name is compared with. What a filter may find equal must be
 * found here too, so numbers count with their digits. A text with escapes is the rare case that allocates. */
static uint32_t text_symbol(const struct image *im, struct json value) {
  if (value.type == JSON_STRING && !value.escaped) {
    return image_symbol(im, (struct str){ value.text.ptr + 1, value.text.len - 2 });
  }
  struct arena a;
  arena_init(&a, value.text.len);
  struct value text = value_from_json(value, V_TEXT, 0, zone_utc(), &a);
  uint32_t symbol = text.type == V_TEXT ? image_symbol(im, value_str(text)) : NONE;
  arena_deinit(&a);
  return symbol;
}

/* The groups that the event's properties open. */
static uint32_t guard_ranges(const struct image *im, const struct event *e, struct range *out) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < e->field_count; i++) {
    const struct event_field *f = &e->fields[i];
    if (guard_slot(im, e->name, f->key, NONE)->event == NONE) continue;
    uint32_t text = text_symbol(im, f->value);
    if (text == NONE) continue;
    const struct guard *g = guard_slot(im, e->name, f->key, text);
    if (g->event != NONE) out[count++] = g->range;
  }
  return count;
}

static bool before(const struct listener *a, const struct listener *b) {
  uint32_t x = a->unit->link->order, y = b->unit->link->order;
  return x != y ? x < y : a->trigger < b->trigger;
}

/* Takes the earliest of the heads until all are empty. Groups are as many as properties of the event that match a guard. */
static uint32_t merge(const struct image *im, struct range *ranges, uint32_t count, struct listener *out) {
  uint32_t n = 0;
  while (count > 1) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
      if (before(&im->listeners[ranges[i].first], &im->listeners[ranges[best].first])) best = i;
    }
    out[n++] = im->listeners[ranges[best].first++];
    if (--ranges[best].count == 0) ranges[best] = ranges[--count];
  }
  if (count) memcpy(out + n, im->listeners + ranges[0].first, ranges[0].count * sizeof *out);
  return count ? n + ranges[0].count : n;
}

uint32_t image_listeners(const struct image *im, const struct event *e, struct listener *out) {
  CHECK(im->sealed);
  if (e->name >= im->symbols.count) return 0;
  const struct symbol *s = &im->symbols.items[e->name];
  struct range ranges[LIMIT_EVENT_FIELDS_COUNT + 1];
  uint32_t count = s->guarded ? guard_ranges(im, e, ranges) : 0;
  if (s->plain.count) ranges[count++] = s->plain;
  return merge(im, ranges, count, out);
}
uint32_t image_listener_max(const struct image *im) { return im->listener_max; }
