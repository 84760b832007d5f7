#ifndef CAMP_VM_IMAGE_PARTS_H
#define CAMP_VM_IMAGE_PARTS_H
/* What an image is made of. Private to image*.c: image.c adds units and answers by name, image_listeners.c has triggers,
 * image_segments.c what segments look at, image_events.c what else an event feeds. Everything that is known of a symbol stands in its
 * row; what one event has many of lies in a shared array, and the row says where. */
#include "base/check.h"
#include "image.h"

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

static inline struct symbol *symbol_of(struct image *im, const struct unit *u, uint32_t string) {
  return &im->symbols.items[u->link->symbols[string]];
}

/* The parts' shares in image_add and image_seal. */
void image_claim(struct image *im, const struct unit *u);
void image_seal_listeners(struct image *im);
void image_seal_measures(struct image *im);
void image_seal_segments(struct image *im);
void image_seal_scores(struct image *im);
void image_seal_responses(struct image *im);
#endif
