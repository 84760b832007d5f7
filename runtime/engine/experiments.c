/* Experiments: who gets which variant, when it did something for them, and what they did then.
 *
 * Not for: whether a variant is better (nobody decides that yet; `camp experiment` shows the counts), nor shares and code
 * (compiler/experiment.c).
 *
 *   meets the experiment            a thing of the variant happens       an event that is measured
 *   OP_ASSIGN: assigned for good -> exposed, the first time          -> responds, from `at` up to and with `until`
 *   (variant or held out)           (a message when it leaves)           by the event's own time
 *
 * Invariants:
 * 1. A contact is assigned once in an experiment: on re-entry, and when percentages have changed, it keeps its variant.
 * 2. The time of a measure counts from the assignment, for every variant and for who is held out, so that they can be compared.
 * 3. What counts is what the present program says, by the experiment's name: which older versions some run still stands in must not
 *    matter, because that depends on when they end.
 * 4. A response is counted once for each assignment, whatever the order in which events come; of two contacts that become one the
 *    first assignment stands, and responses of both count. */
#include "runtime/engine/tick.h"

#include <stdlib.h>

/* --- names and rows of the program ----------------------------------------------------------------------------------- */

static struct str experiment_name(struct arena *a, const struct unit *u, const struct experiment *x) {
  return arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(unit_name(u)), STR_ARG(unit_string(u, x->name)));
}

enum camp_err experiments_number(struct engine *e) {
  for (uint32_t i = 0; i < image_unit_count(e->image); i++) {
    const struct unit *u = image_unit(e->image, i);
    for (uint32_t k = 0; k < u->experiment_count; k++)
      TRY(store_name(e->store, NAME_EXPERIMENT, experiment_name(&e->units, u, &u->experiments[k]), &u->link->experiments[k]));
    for (uint32_t k = 0; k < u->variant_count; k++)
      TRY(store_name(e->store, NAME_VARIANT, unit_string(u, u->variants[k].name), &u->link->variants[k]));
  }
  return CAMP_OK;
}

static struct str currency_of(struct arena *a, const struct unit *u, const struct experiment *x) {
  const struct response *r = x->response_count ? &u->responses[x->first_response] : NULL;
  char letters[4];
  if (!r || r->field == NONE || u->fields[r->field].type != V_MONEY) return (struct str){ NULL, 0 };
  currency_print(u->fields[r->field].currency, letters);
  return arena_str(a, str_from_c(letters));
}

enum camp_err experiments_deploy(struct store *s, struct arena *a, const struct unit *u, uint32_t unit) {
  for (uint32_t i = 0; i < u->experiment_count; i++) {
    const struct experiment *x = &u->experiments[i];
    uint32_t id, variant;
    TRY(store_name(s, NAME_EXPERIMENT, experiment_name(a, u, x), &id));
    TRY(store_experiment_put(s, id, unit_name(u), unit_string(u, x->name), unit_string(u, x->text), currency_of(a, u, x)));
    for (uint32_t k = 0; k < x->variant_count; k++) {
      const struct variant *v = &u->variants[x->first_variant + k];
      TRY(store_name(s, NAME_VARIANT, unit_string(u, v->name), &variant));
      TRY(store_variant_put(s, id, unit, variant, k, v->places / (double)SPLIT_PLACES));
    }
    if (x->holdout) TRY(store_variant_put(s, id, unit, 0, x->variant_count, x->holdout / (double)SPLIT_PLACES));
  }
  return CAMP_OK;
}

/* --- responses ------------------------------------------------------------------------------------------------------- */

/* What the event in hand adds; false when it does not count. An event counts as 1. */
static bool value_added(struct live *l, const struct image_response *r, const struct env *env, double *value) {
  const struct unit *u = r->unit;
  *value = 1;
  if (r->response->field == NONE) return true;
  const struct field *f = &u->fields[r->response->field];
  struct value v = event_field_value(l->event, u->link->symbols[f->name], f, env->zone, env->scratch);
  if (v.type == V_MONEY && f->type == V_MONEY && v.aux != f->currency) {
    char theirs[4], ours[4];
    currency_print(v.aux, theirs);
    currency_print(f->currency, ours);
    live_outcome(l, STR_FMT ": an amount in %s was left out: it adds up %s", STR_ARG(unit_string(u, u->experiments[r->response->experiment].name)),
                 theirs, ours);
    return false;
  }
  *value = v.type == V_MONEY ? (double)v.i : v.n;
  return v.type == f->type;
}

/* The event in hand, for the contact's assignments, or for `only` one of them. */
static enum camp_err respond(struct live *l, struct arena *scratch, uint32_t only) {
  struct engine *e = l->e;
  const struct event *event = l->event;
  uint32_t count, counted = 0;
  const struct image_response *all = image_event_responses(e->image, event->name, &count);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t id = all[i].unit->link->experiments[all[i].response->experiment];
    const struct assignment *mine = contact_assignment(&l->c, id);
    if (!mine || id == counted || (only && id != only) || event->at_ms < mine->at_ms || event->at_ms > mine->until_ms) continue;
    struct env env = live_env(l);
    double value;
    env.scratch = scratch;
    if (all[i].response->filter_pc != NONE && !value_true(vm_eval(&e->vm, all[i].unit, all[i].response->filter_pc, NULL, &env))) continue;
    counted = id; /* once, although several of its events may be this one */
    if (value_added(l, &all[i], &env, &value)) TRY(store_assignment_respond(e->store, id, l->c.id, event->at_ms, value));
  }
  return CAMP_OK;
}

enum camp_err experiments_take(struct live *l) { return respond(l, &l->e->contact, 0); }

/* An event of the log. */
static enum camp_err respond_past(struct live *l, int64_t id, int64_t after_ms, uint32_t only, int64_t *prev, int64_t *received_ms) {
  const struct event *in_hand = l->event, *event;
  TRY(live_past(l, id, &event, prev, received_ms));
  if (!event || event->at_ms <= after_ms) return CAMP_OK;
  l->event = event;
  enum camp_err err = respond(l, &l->e->walk, only);
  l->event = in_hand;
  return err;
}

/* A late event assigns as of its own time: what is known of the time since counts. What happened at that very moment came before. */
static enum camp_err look_back(struct live *l, const struct assignment *mine) {
  struct assignment own = *mine;
  int64_t received_ms = INT64_MAX;
  for (int64_t id = l->c.last_event; id && received_ms > own.at_ms;) TRY(respond_past(l, id, own.at_ms, own.experiment, &id, &received_ms));
  return CAMP_OK;
}

/* --- assignment and exposure ----------------------------------------------------------------------------------------- */

static int64_t until(const struct live *l, struct value within) {
  struct value end = value_add(value_moment(l->base_ms), within, l->zone);
  return end.type == V_MOMENT ? end.i : calendar_days(LIMIT_YEAR_MAX + 1, 1, 1) * MS_PER_DAY;
}

/* The variant whose places hold this one; NONE: held out. */
static uint32_t variant_at(const struct unit *u, const struct experiment *x, uint32_t place) {
  uint32_t end = x->holdout;
  if (place < end) return NONE;
  for (uint32_t i = 0; i < x->variant_count; i++) {
    end += u->variants[x->first_variant + i].places;
    if (place < end) return x->first_variant + i;
  }
  return NONE;
}

static void note_gone(struct live *l, const struct unit *u, const struct experiment *x, uint32_t variant) {
  for (uint32_t i = 0; i < x->variant_count; i++)
    if (u->link->variants[x->first_variant + i] == variant) return;
  live_outcome(l, STR_FMT ": nothing of " STR_FMT " was done: the contact is in its variant " STR_FMT ", which this version does not have",
               STR_ARG(unit_name(u)), STR_ARG(unit_string(u, x->name)), STR_ARG(store_name_text(l->e->store, variant)));
}

enum camp_err experiments_assign(struct live *l, const struct strand_item *item, const struct effect *f) {
  const struct unit *u = item->s.unit;
  const struct experiment *x = &u->experiments[f->experiment];
  uint32_t id = u->link->experiments[f->experiment], place = f->values[0].type == V_NUMBER ? (uint32_t)f->values[0].n : 0;
  struct assignment *mine = contact_assignment(&l->c, id);
  if (mine) {
    if (mine->variant) note_gone(l, u, x, mine->variant);
    return CAMP_OK;
  }
  uint32_t variant = variant_at(u, x, place);
  mine = contact_assign(&l->c, id);
  mine->variant = variant == NONE ? 0 : u->link->variants[variant];
  mine->at_ms = l->base_ms;
  mine->until_ms = until(l, x->within);
  struct assignment_row row = { .experiment = id, .contact = l->c.id, .variant = mine->variant, .unit = u->link->stored_id,
                                .place = place, .at_ms = mine->at_ms, .until_ms = mine->until_ms };
  l->changed = true;
  TRY(store_assignment_put(l->e->store, &row));
  return l->base_ms < l->now_ms ? look_back(l, mine) : CAMP_OK;
}

struct exposure experiments_whose(const struct live *l, const struct unit *u, uint32_t pc) {
  for (uint32_t i = 0; i < u->experiment_count; i++)
    for (uint32_t k = 0; k < u->experiments[i].variant_count; k++) {
      uint32_t v = u->experiments[i].first_variant + k;
      if (pc < u->variants[v].from_pc || pc >= u->variants[v].to_pc) continue;
      const struct assignment *mine = contact_assignment(&l->c, u->link->experiments[i]);
      bool whose = mine && !mine->exposed && mine->variant == u->link->variants[v];
      return whose ? (struct exposure){ mine->experiment, mine->variant } : (struct exposure){ 0, 0 };
    }
  return (struct exposure){ 0, 0 };
}

/* Two of a variant's messages may have been held, of which the first exposes; and the contact may have become one with another. */
enum camp_err experiments_expose(struct live *l, uint32_t experiment, uint32_t variant) {
  struct assignment *mine = experiment ? contact_assignment(&l->c, experiment) : NULL;
  if (!mine || mine->exposed || mine->variant != variant) return CAMP_OK;
  mine->exposed = l->changed = true;
  return store_assignment_expose(l->e->store, experiment, l->c.id, l->now_ms);
}

/* --- two contacts that are one --------------------------------------------------------------------------------------- */

/* The first assignment stands, of one moment the survivor's; that the other variant was met, too, is noted. *moved: it was theirs. */
static enum camp_err decide(struct live *l, const struct contact *other, const struct assignment *theirs, bool *moved) {
  struct store *s = l->e->store;
  const struct assignment *found = contact_assignment(&l->c, theirs->experiment);
  struct assignment own = found ? *found : (struct assignment){ 0 };
  *moved = !found || theirs->at_ms < own.at_ms;
  if (!*moved) {
    TRY(store_assignment_remove(s, theirs->experiment, other->id));
  } else {
    if (found) TRY(store_assignment_remove(s, theirs->experiment, l->c.id));
    TRY(store_assignment_move(s, theirs->experiment, other->id, l->c.id));
    *contact_assign(&l->c, theirs->experiment) = *theirs;
  }
  if (!found || own.variant == theirs->variant) return CAMP_OK;
  uint32_t lost = *moved ? own.variant : theirs->variant;
  live_outcome(l, STR_FMT ": the first assignment stands; " STR_FMT " met the experiment, too, and was %s" STR_FMT,
               STR_ARG(store_name_text(s, theirs->experiment)), STR_ARG(*moved ? l->c.key : other->key), lost ? "in its variant " : "held out",
               STR_ARG(lost ? store_name_text(s, lost) : STR("")));
  return store_assignment_cross(s, theirs->experiment, l->c.id, lost);
}

static int by_id(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

enum camp_err experiments_merge(struct live *l, const struct contact *other, int64_t *events, uint32_t event_count) {
  VEC(uint32_t) moved = { 0 };
  int64_t prev, received_ms;
  for (uint32_t i = 0; i < other->assignments.count; i++) {
    bool stands;
    TRY(decide(l, other, &other->assignments.items[i], &stands));
    if (stands) VEC_PUSH(&l->e->contact, &moved, other->assignments.items[i].experiment);
  }
  if (event_count) qsort(events, event_count, sizeof *events, by_id);
  for (uint32_t i = 0; i < l->c.assignments.count; i++) {
    struct assignment a = l->c.assignments.items[i];
    bool theirs = false;
    for (uint32_t k = 0; k < moved.count; k++) theirs |= moved.items[k] == a.experiment;
    for (uint32_t k = 0; !theirs && k < event_count; k++) TRY(respond_past(l, events[k], INT64_MIN, a.experiment, &prev, &received_ms));
    received_ms = INT64_MAX;
    for (int64_t id = theirs ? l->c.last_event : 0; id && received_ms >= a.at_ms; id = prev) {
      bool other_one = event_count && bsearch(&id, events, event_count, sizeof *events, by_id);
      TRY(respond_past(l, id, other_one ? INT64_MAX : INT64_MIN, a.experiment, &prev, &received_ms));
    }
  }
  return CAMP_OK;
}
