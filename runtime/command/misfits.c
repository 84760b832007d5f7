/* Values of events that are not what the scripts declare: an amount without its currency, a date that is written 05/01/1990. The engine
 * takes such a value for missing, so a condition on it never holds, and nothing in the history says why. `camp simulate` looks at each
 * line that it reads, and tells.
 *
 * It is not for refusing: the event stays as it came, and `camp run` does not look.
 *
 * Invariants:
 * 1. What counts as fitting is what the engine would read: the same function decides.
 * 2. Of each property the first line is told, and how many there were; at most FOUND_MAX properties are. */
#include "runtime/command/misfits.h"

#include "vm/base/json.h"
#include "vm/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FOUND_MAX = 20, SHOWN_BYTES = 40 };

struct declared_event { struct str name; uint32_t from, count; }; /* of compilation.declared */
struct found { const struct declared *of; uint64_t count; uint32_t line, shown_bytes; char shown[SHOWN_BYTES]; };
struct misfits {
  const struct compilation *c;
  struct declared_event *events; uint32_t event_count; /* by name */
  struct found found[FOUND_MAX]; uint32_t found_count;
};

static int by_name(const void *a, const void *b) {
  const struct declared_event *x = a, *y = b;
  return str_cmp(x->name, y->name);
}

struct misfits *misfits_new(const struct compilation *c) {
  if (!c->declared.count) return NULL;
  struct misfits *m = calloc(1, sizeof *m);
  CHECK(m);
  m->c = c;
  m->events = calloc(c->declared.count, sizeof *m->events);
  CHECK(m->events);
  for (uint32_t i = 0; i < c->declared.count; i++) {
    struct str event = c->declared.items[i].event;
    if (i == 0 || !str_eq(event, c->declared.items[i - 1].event)) m->events[m->event_count++] = (struct declared_event){ event, i, 0 };
    m->events[m->event_count - 1].count++;
  }
  qsort(m->events, m->event_count, sizeof *m->events, by_name);
  return m;
}

void misfits_free(struct misfits *m) {
  if (m) free(m->events);
  free(m);
}

static void note(struct misfits *m, const struct declared *of, struct str text, uint32_t line) {
  for (uint32_t i = 0; i < m->found_count; i++)
    if (m->found[i].of == of) {
      m->found[i].count++;
      return;
    }
  if (m->found_count == FOUND_MAX) return;
  struct found *f = &m->found[m->found_count++];
  *f = (struct found){ .of = of, .count = 1, .line = line, .shown_bytes = (uint32_t)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES) };
  memcpy(f->shown, text.ptr, f->shown_bytes);
}

void misfits_look(struct misfits *m, const struct input *in, uint32_t line, struct arena *a) {
  if (!m || !in->props.len) return;
  struct declared_event want = { in->identify ? STR("") : in->name, 0, 0 };
  const struct declared_event *event = bsearch(&want, m->events, m->event_count, sizeof *m->events, by_name);
  if (!event) return;
  struct json_walk w;
  for (w = json_walk_of(in->props); json_next(&w);) {
    struct str key = json_key(&w, a);
    for (uint32_t i = event->from; i < event->from + event->count; i++) {
      const struct declared *d = &m->c->declared.items[i];
      if (!str_eq(d->name, key)) continue;
      bool fits = w.value.type == JSON_NULL || value_from_member(w.value, in->props, (enum value_type)d->type, d->currency, zone_utc(), a).type != V_MISSING;
      if (!fits) note(m, d, w.value.text, line);
      break;
    }
  }
}

static const char *kind_of(uint8_t type) {
  switch ((enum value_type)type) {
    case V_BOOL: return "true or false";
    case V_NUMBER: return "a number";
    case V_PERCENT: return "a percentage";
    case V_MONEY: return "an amount of money, with a `currency` beside it or as a text such as \"40 EUR\"";
    case V_DATE: return "a date such as \"2026-12-24\"";
    case V_TIME: return "a time such as \"09:00\"";
    case V_MOMENT: case V_LOCAL: return "a moment such as \"2026-12-24T18:00:00Z\"";
    case V_EXACT: case V_CALENDAR: return "a duration such as \"7d\"";
    case V_LIST: return "a list";
    case V_RECORD: return "an object";
    default: return "a text";
  }
}

void misfits_tell(const struct misfits *m) {
  for (uint32_t i = 0; m && i < m->found_count; i++) {
    const struct found *f = &m->found[i];
    const struct declared *d = f->of;
    printf(d->event.len ? "`" STR_FMT "." : "`contact" STR_FMT ".", STR_ARG(d->event));
    printf(STR_FMT "` is declared as %s, and in line %" PRIu32 " it is %.*s", STR_ARG(d->name), kind_of(d->type), f->line, (int)f->shown_bytes, f->shown);
    if (f->count > 1) printf(" (%" PRIu64 " times in all)", f->count);
    puts(": it counts as missing");
  }
}
