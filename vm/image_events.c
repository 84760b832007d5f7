/* What an event feeds besides those who listen: measures, scores, experiments; see image.h.
 *
 * Each is counted by event, then placed, then filled, so that an event's share is one run of an array. */
#include "image_parts.h"

/* --- sealing --- */

void image_seal_measures(struct image *im) {
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

void image_seal_scores(struct image *im) {
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

/* What experiments measure. */
void image_seal_responses(struct image *im) {
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

/* --- asking --- */

const uint32_t *image_event_measures(const struct image *im, uint32_t event, uint32_t *count) {
  CHECK(im->sealed);
  *count = 0;
  if (event >= im->symbols.count) return im->fed;
  struct range fed = im->symbols.items[event].fed;
  *count = fed.count;
  return im->fed + fed.first;
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
