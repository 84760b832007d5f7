/* Hours where days were likely meant: `wait 24h` beside `wait 3d`.
 *
 * 24 hours and a day differ when the clocks change, and a message planned for ten comes at nine. That matters where the same campaign
 * speaks of days or of times of the day, so only there it is said; a campaign that counts in hours alone means them.
 *
 * Invariants:
 * 1. Only whole days in hours (24h, 48h …) are warned of, each once, with the days to write for them. */
#include "care.h"

struct days { struct compilation *c; bool calendar; bool report; };

static const int64_t day_ms = 24 * 3600 * 1000;

static void look(struct days *d, struct value v, struct span span) {
  d->calendar |= v.type == V_CALENDAR;
  if (!d->report || v.type != V_EXACT || v.i <= 0 || v.i % day_ms || span.to == span.from)
    return;
  long long days = v.i / day_ms;
  struct diagnostic *g = diag(d->c, DIAG_W0163, span, "hours count on when the clocks change; here, days are meant elsewhere");
  g->help = arena_printf(&d->c->arena, "for the same time of the day write `%lldd`", days);
  g->has_fix = true;
  g->fix = (struct fix){ span, arena_printf(&d->c->arena, "%lldd", days) };
}

static void look_stmt(void *context, const struct stmt *st) {
  struct days *d = context;
  look(d, st->duration, st->duration_span);
  look(d, st->after, st->after_span);
  d->calendar |= st->kind == STMT_WAIT && (st->wait == WAIT_UNTIL_TIME || st->wait == WAIT_UNTIL_WINDOW);
}

static void look_expr(void *context, const struct expr *e) { look(context, e->window, e->window_span); }

static void look_goals(struct days *d, const struct campaign_decl *cd) {
  for (const struct goal_clause *g = cd->goals; g; g = g->next)
    look(d, g->within, g->within_span);
}

void days_check(struct compilation *c, const struct item *item) {
  struct days d = { c, false, false };
  const struct visitor v = { &d, look_stmt, look_expr, NULL };
  if (c->sources.items[item->span.source].standard)
    return;
  for (int turn = 0; turn < 2; turn++) {
    if (item->kind == ITEM_DEFINE || item->kind == ITEM_SEGMENT)
      visit_expr(&v, item->define.value);
    else {
      look_goals(&d, &item->campaign);
      visit_campaign(&v, &item->campaign);
    }
    if (!d.calendar)
      return;
    d.report = true;
  }
}
