/* A contact meets a younger deploy: what that brought is filled, once, when the contact is opened.
 *
 * Not for how each part is filled (past.c, schedule.c), nor for opening those whom no event opens (sweep.c).
 *
 * Invariants:
 * 1. Filling depends on the contact and the deploys alone, not on when it is opened: so it may happen by an event, a timer or the sweep.
 * 2. What is behind depends on what is before: measures first, then what conditions on them decide, then schedules. */
#include "runtime/engine/tick.h"

enum camp_err live_fill_all(struct live *l, bool *filled) {
  bool measures, segments;
  TRY(live_fill_measures(l, &measures));
  TRY(live_fill_segments(l, &segments));
  bool schedules = live_fill_schedules(l);
  l->c.measures_as_of = l->e->epoch;
  *filled = measures || segments || schedules;
  return CAMP_OK;
}
