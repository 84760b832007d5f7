/* What segments look at, so that a change asks only those that can answer otherwise; see image.h.
 *
 * Not for whether a contact is in one (the engine asks the segment's unit; segment.c remembers).
 *
 * Invariants:
 * 1. Segments stand in an order in which each comes behind those that it looks at, else in that of declaration.
 * 2. Lookers are sorted by look, what and segment, without repetition. */
#include <stdlib.h>

#include "image_parts.h"

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

static struct str event_name(struct image *im, const char *word, struct str segment) {
  uint32_t symbol = image_symbol(im, arena_printf(&im->arena, "%s " STR_FMT, word, STR_ARG(segment)));
  return image_symbol_is_event(im, symbol) ? im->symbols.items[symbol].text : (struct str){ NULL, 0 };
}

void image_seal_segments(struct image *im) {
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

const uint32_t *image_lookers(const struct image *im, enum look look, uint32_t what, uint32_t *count) {
  CHECK(im->sealed);
  struct range r = { 0, 0 };
  if (look != LOOK_MEASURE) r = lookers_of(im, look, what);
  else if (what < im->measures.count) r = (struct range){ im->measures.items[what].lookers_first, im->measures.items[what].looker_count };
  *count = r.count;
  return im->looking ? im->looking + r.first : NULL;
}
