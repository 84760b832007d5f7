/* Verifying what leads into a unit's code: its entry rule, triggers, schedules, measures, waits, and what a segment and a score are;
 * see verify.h.
 *
 * Invariant of a unit that passed: every entry of step code and of expressions is the first byte of an instruction, entered with an
 * empty stack. */
#include "verify.h"

static bool entry_ok(struct check *c) {
  const struct entry_rule *r = &c->u->entry;
  if (c->u->kind >= UNIT_KIND_COUNT) return verify_refuse(c, CAMP_CORRUPT, "kind %u is none of a unit", c->u->kind);
  if (!string_ok(c, c->u->name, "name", 0) || !string_or_none(c, c->u->channel, "channel", 0)) return false;
  if (r->kind > ENTRY_ONCE_IN) return verify_refuse(c, CAMP_CORRUPT, "entry rule %u is unknown", r->kind);
  if (!duration_ok(c, r->within, r->kind == ENTRY_ONCE_IN, "entry rule", r->kind)) return false;
  if ((r->kind == ENTRY_ONCE_PER) != (r->key_pc != NONE)) {
    return verify_refuse(c, CAMP_CORRUPT, "entry rule %u: a key belongs to `once per` alone", r->kind);
  }
  if (r->ends.type != V_MISSING && (r->ends.type != V_LOCAL || !value_is_sound(r->ends))) {
    return verify_refuse(c, CAMP_CORRUPT, "entry rule %u: its end is no moment", r->kind);
  }
  if (r->resume.type != V_BOOL && !duration_or_missing(c, r->resume, "on resume", 0)) return false;
  return enter_expr(c, r->key_pc, "entry rule", r->kind);
}

static bool schedule_ok(struct check *c, const struct schedule *s, uint32_t i) {
  bool days = s->kind == SCHEDULE_AT ? s->days == 0 : s->kind == SCHEDULE_WEEKLY ? s->days >= 1 && s->days <= 127
                                                                                 : s->days >= 1 && s->days <= SCHEDULE_LAST_DAY;
  bool at = s->kind == SCHEDULE_AT ? value_is_sound((struct value){ .type = V_LOCAL, .i = s->at_ms })
                                   : s->at_ms >= 0 && s->at_ms < MS_PER_DAY;
  if (s->kind > SCHEDULE_MONTHLY || c->u->kind == UNIT_MESSAGE) return verify_refuse(c, CAMP_CORRUPT, "schedule %u: kind %u is unknown", i, s->kind);
  if (!days || !at || s->at_ms % MS_PER_SECOND) return verify_refuse(c, CAMP_CORRUPT, "schedule %u: it names no moment", i);
  return string_or_none(c, s->zone, "schedule", i) && string_or_none(c, s->list, "schedule", i) && string_ok(c, s->text, "schedule", i) &&
         enter_expr(c, s->filter_pc, "schedule", i) && enter_step(c, s->start_pc, "schedule", i);
}

static bool schedules_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->schedule_count; i++)
    if (!schedule_ok(c, &c->u->schedules[i], i)) return false;
  return true;
}

static bool measures_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->measure_count; i++) {
    const struct measure *m = &c->u->measures[i];
    if (m->kind > MEASURE_FIRST_AT) return verify_refuse(c, CAMP_CORRUPT, "measure %u: kind %u is unknown", i, m->kind);
    bool of_value = m->kind != MEASURE_COUNT && m->kind != MEASURE_LAST_AT && m->kind != MEASURE_FIRST_AT;
    if (of_value && m->field == NONE) return verify_refuse(c, CAMP_CORRUPT, "measure %u: it takes no property", i);
    if (!string_ok(c, m->event, "measure", i) || !string_ok(c, m->text, "measure", i)) return false;
    if (m->field != NONE && !index_ok(c, m->field, c->u->field_count, "field", "measure", i)) return false;
    if (!duration_or_missing(c, m->window, "measure", i) || !enter_expr(c, m->filter_pc, "measure", i)) return false;
  }
  return true;
}

enum trigger_role { ROLE_TRIGGER, ROLE_STOP, ROLE_GOAL };

static bool triggers_ok(struct check *c, const struct trigger *t, uint32_t count, enum trigger_role role) {
  static const char *const names[] = { "trigger", "stop", "goal" };
  const char *where = names[role];
  for (uint32_t i = 0; i < count; i++) {
    if (!string_ok(c, t[i].event, where, i)) return false;
    if (!string_or_none(c, t[i].guard_field, where, i) || !string_or_none(c, t[i].guard_text, where, i)) return false;
    if ((t[i].guard_field == NONE) != (t[i].guard_text == NONE)) {
      return verify_refuse(c, CAMP_CORRUPT, "%s %u: half a guard", where, i);
    }
    if (role == ROLE_GOAL ? !duration_or_missing(c, t[i].within, where, i) : !duration_ok(c, t[i].within, false, where, i)) {
      return false;
    }
    if (!enter_expr(c, t[i].filter_pc, where, i)) return false;
    if (role == ROLE_TRIGGER) {
      if (!enter_step(c, t[i].start_pc, where, i)) return false;
    } else if (t[i].start_pc != NONE) {
      return verify_refuse(c, CAMP_CORRUPT, "%s %u: it starts code", where, i);
    }
  }
  return true;
}

static bool wait_ok(struct check *c, const struct wait *w, uint32_t i) {
  const struct unit *u = c->u;
  if (w->first_branch > u->branch_count || w->branch_count > u->branch_count - w->first_branch) {
    return verify_refuse(c, CAMP_CORRUPT, "wait %u: its branches are not in the table", i);
  }
  if ((w->arm_pc == NONE) != (w->timeout_pc == NONE)) {
    return verify_refuse(c, CAMP_CORRUPT, "wait %u: a deadline and what follows it belong together", i);
  }
  if (u->local_count < 64 && w->live >> u->local_count) {
    return verify_refuse(c, CAMP_CORRUPT, "wait %u: it keeps a local that the unit has not", i);
  }
  if (!string_or_none(c, w->message, "wait", i)) return false;
  if (w->arm_pc == NONE) return true;
  return enter_expr(c, w->arm_pc, "wait", i) && enter_step(c, w->timeout_pc, "wait", i);
}

static bool waits_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->wait_count; i++) {
    if (!wait_ok(c, &c->u->waits[i], i)) return false;
  }
  for (uint32_t i = 0; i < c->u->branch_count; i++) {
    const struct branch *b = &c->u->branches[i];
    if (!string_ok(c, b->event, "branch", i)) return false;
    if (b->since > BRANCH_SINCE_LAST) return verify_refuse(c, CAMP_CORRUPT, "branch %u: since %u is unknown", i, b->since);
    if (!duration_ok(c, b->since_window, b->since == BRANCH_SINCE_LAST, "branch", i)) return false;
    if (!enter_expr(c, b->filter_pc, "branch", i) || !enter_step(c, b->target_pc, "branch", i)) return false;
  }
  return true;
}

/* A segment is one expression, at the code's beginning, and nothing that acts. */
static bool segment_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->trigger_count || u->stop_count || u->goal_count || u->wait_count) {
    return verify_refuse(c, CAMP_CORRUPT, "a segment has triggers, stops, goals or waits");
  }
  return enter_expr(c, 0, "segment", 0);
}

static bool score_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->trigger_count || u->stop_count || u->goal_count || u->wait_count) {
    return verify_refuse(c, CAMP_CORRUPT, "a score has triggers, stops, goals or waits");
  }
  if (!duration_or_missing(c, u->halves, "score", 0)) return false;
  if (value_is_duration(u->halves) && duration_ms(u->halves) <= 0) return verify_refuse(c, CAMP_CORRUPT, "a score halves in no time");
  for (uint32_t i = 0; i < u->score_rule_count; i++) {
    const struct score_rule *r = &u->score_rules[i];
    if (!string_ok(c, r->event, "score rule", i) || !enter_expr(c, r->filter_pc, "score rule", i)) return false;
    if (r->points.type != V_NUMBER || !value_is_sound(r->points)) return verify_refuse(c, CAMP_CORRUPT, "score rule %u: its points are no number", i);
  }
  return true;
}

bool verify_entries(struct check *c) {
  const struct unit *u = c->u;
  if (!entry_ok(c) || !measures_ok(c)) return false;
  if (!triggers_ok(c, u->triggers, u->trigger_count, ROLE_TRIGGER) || !triggers_ok(c, u->stops, u->stop_count, ROLE_STOP) ||
      !triggers_ok(c, u->goals, u->goal_count, ROLE_GOAL)) {
    return false;
  }
  if (!schedules_ok(c) || !waits_ok(c)) return false;
  for (uint32_t i = 0; i < u->response_count; i++)
    if (!enter_expr(c, u->responses[i].filter_pc, "response", i)) return false;
  if (u->kind == UNIT_SEGMENT && !segment_ok(c)) return false;
  return u->kind != UNIT_SCORE || score_ok(c);
}
