/* Shows what a deploy brought to every contact that is known, when it brought something that acts without an event: a schedule or a
 * segment must set a timer for those who are asleep, and a segment counts its members and a score ranks.
 *
 * Not for what is filled (fill.c). A contact that an event or a timer opens meanwhile is filled there, and finds nothing to do here.
 *
 * Invariants:
 * 1. Contacts are taken in order of id, a portion a transaction; how far the sweep is stands in the clock row and is written with
 *    each portion, so it goes on behind a crash where the last commit was.
 * 2. A younger deploy begins it anew: what each contact still lacks is told by the contact itself.
 * 3. Contacts that lack nothing are read, and not written.
 * 4. The measure of its memory is one contact.
 * 5. Who is held by a campaign that was resumed goes on before (pause.c). */
#include "runtime/engine/tick.h"

static bool brought_something(const struct engine *e) {
  for (uint32_t i = 0; i < e->schedule_count; i++)
    if (e->schedules[i].epoch > e->clock.swept_epoch) return true;
  for (uint32_t i = 0; i < e->segment_count; i++)
    if (image_segment(e->image, i)->epoch > e->clock.swept_epoch) return true;
  for (uint32_t i = 0; i < image_score_count(e->image); i++)
    if (image_score(e->image, i)->epoch > e->clock.swept_epoch) return true;
  return false;
}

static bool is_needed(const struct engine *e) {
  for (uint32_t i = 0; i < e->pause_count; i++)
    if (e->pauses[i].left) return true;
  return brought_something(e);
}

static enum camp_err show(struct engine *e, int64_t contact) {
  struct live l;
  enum camp_err err = live_open(e, &l, contact, (struct str){ 0 }, false);
  if (err == CAMP_NOT_FOUND) return CAMP_OK; /* an id that was given and has no row */
  if (err != CAMP_OK) return err;
  return l.filled ? live_close(&l) : CAMP_OK;
}

static enum camp_err portion(struct engine *e, uint32_t contacts, bool *more) {
  struct store_clock clock = e->clock;
  TRY(engine_begin(e));
  TRY(engine_let_go(e, contacts, more));
  if (*more || !brought_something(e)) return engine_commit(e, &clock);
  if (clock.sweep_epoch != e->epoch) {
    clock.sweep_epoch = e->epoch;
    clock.sweep_contact = 0;
  }
  int64_t last = store_contact_last(e->store);
  for (uint32_t i = 0; i < contacts && clock.sweep_contact < last; i++) TRY(show(e, ++clock.sweep_contact));
  *more = clock.sweep_contact < last;
  if (!*more) {
    clock.swept_epoch = e->epoch;
    clock.sweep_epoch = 0;
    clock.sweep_contact = 0;
  }
  return engine_commit(e, &clock);
}

enum camp_err engine_sweep(struct engine *e, uint32_t contacts, bool *more) {
  *more = false;
  e->error.text[0] = '\0';
  enum camp_err err = engine_pauses_look(e);
  if (err != CAMP_OK) return engine_failed(e, err);
  if (!is_needed(e)) return CAMP_OK;
  TRY(engine_resume(e));
  err = portion(e, contacts, more);
  return err == CAMP_OK ? CAMP_OK : engine_failed(e, err);
}
