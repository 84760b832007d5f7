/* Checks that kinds of values go together, and gives every expression its type: declarations, statements, tests, and the values that
 * they give; operators and expressions stand in types_op.c and types_expr.c.
 *
 * Not here: what names mean (names.c).
 *
 * Invariants:
 * 1. V_MISSING as a type means unknown and agrees with everything, so a mistake makes no second one.
 * 2. Two currencies never meet: what is known differs is an error here, the rest is left to the moment of running.
 * 3. A sum of money takes the currency of what it is compared or added with; flow.c reports those that found none.
 * 4. Exact and calendar durations are different kinds. */
#include "types.h"

/* --- scores and segments ------------------------------------------------------------------------------------------- */
static bool is_duration_above_zero(struct value v) { return v.i > 0 || (int32_t)v.aux > 0; }

static void check_score(struct checker *k, struct score_decl *s) {
  const struct score_rule_decl *halves = NULL;
  for (const struct score_rule_decl *rule = s->rules; rule; rule = rule->next) {
    types_events(k, rule->events);
    if (rule->events)
      continue;
    if (halves) {
      struct diagnostic *d = diag(k->c, DIAG_E0325, rule->span, "a score halves in one time");
      d->note_span = halves->span;
      d->note = STR("it was given here");
    } else if (!is_duration_above_zero(rule->halves)) {
      diag(k->c, DIAG_E0325, rule->span, "a score cannot halve in no time");
    }
    halves = rule;
    s->halves = rule->halves;
  }
}

static void check_points(struct checker *k, struct expr *e) {
  types_expr(k, e);
  if (is_unknown(e->type) || e->type.kind == V_NUMBER)
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0421, e->span, "points are a number, and this is " STR_FMT,
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a number such as `15`");
  if (e->type.kind == V_MONEY) d->help = STR("`amount / 1 EUR` is a number: how many euros");
}

/* Whose kind everybody knows, so that only its declaration is checked. */
static void check_segment(struct checker *k, struct define_decl *d) {
  types_define(k, d);
  types_condition(k, d->value);
}

/* --- places that take a value -------------------------------------------------------------------------------------- */
static void check_record(struct checker *k, const struct record *record, struct expr *value) {
  for (struct prop *p = value->props; p; p = p->next) {
    const struct member *m = record ? scope_part(k->s, record, p->name.text) : NULL;
    if (record && !m) {
      struct diagnostic *d = diag(k->c, DIAG_E0312, p->name.span, "the record `" STR_FMT "` has no `" STR_FMT "`",
                                  STR_ARG(record->name.text), STR_ARG(p->name.text));
      scope_suggest_member(k->s, d, p->name.span, record->members, p->name.text);
    }
    types_given(k, m ? m->type : NULL, m ? &m->name : NULL, p->name.text, p->value);
  }
}

static bool fits(struct type want, struct expr *value) {
  bool same = want.kind == value->type.kind || (want.kind == V_MOMENT && is_moment(value->type.kind)) ||
              (is_duration(want.kind) && is_duration(value->type.kind));
  if (!same || want.kind != V_MONEY)
    return same;
  types_give_currency(value, want.currency);
  return !want.currency || !value->type.currency || want.currency == value->type.currency;
}

void types_given(struct checker *k, const struct type_ref *want, const struct name *declared, struct str name, struct expr *value) {
  struct type type = want ? want->type : type_of(V_MISSING);
  bool list = value->kind == EXPR_LIST, record = value->kind == EXPR_RECORD;
  if (!list && !record)
    types_expr(k, value);
  else
    value->type = type_of(list ? V_LIST : V_RECORD);
  if (!is_unknown(type) && !is_unknown(value->type) && !fits(type, value)) {
    struct diagnostic *d = diag(k->c, DIAG_E0406, value->span, "`" STR_FMT "` holds " STR_FMT ", and this is " STR_FMT,
                                STR_ARG(name), STR_ARG(type_show(&k->c->arena, type)),
                                STR_ARG(type_show(&k->c->arena, value->type)));
    uint8_t got = value->type.kind;
    if (type.kind == V_MONEY && got == V_NUMBER) d->help = STR("name the currency: `50 EUR`");
    else if (type.kind == V_MONEY && got == V_TEXT) d->help = STR("an amount stands without quotes: `50 EUR`");
    else if ((is_moment(type.kind) || is_duration(type.kind)) && got == V_TEXT) d->help = STR("dates and durations stand without quotes: `2026-12-24`, `2026-12-24 18:00`, `7d`");
    else if (type.kind == V_NUMBER && got == V_TEXT) d->help = STR("numbers stand without quotes");
    if (declared) {
      d->note_span = declared->span;
      d->note = STR("declared here");
    }
    want = NULL;
    type = type_of(V_MISSING);
  } else if (want) {
    types_choice(k, want->choices, value);
  }
  for (struct expr *i = list ? value->items : NULL; i; i = i->next)
    types_given(k, want ? want->item : NULL, declared, name, i);
  if (record)
    check_record(k, type.record, value);
  if (list || record) {
    literal_fold(k->c, value);
    value->type.item = type.item;
    value->type.record = type.record;
  }
}

static void check_assigned(struct checker *k, const struct member *m, struct str name, struct expr *value) {
  types_given(k, m ? m->type : NULL, m ? &m->name : NULL, name, value);
}

static void check_props(struct checker *k, struct prop *props, const struct event_decl *decl) {
  for (struct prop *p = props; p; p = p->next)
    check_assigned(k, decl ? scope_property(k->s, decl, p->name.text) : NULL, p->name.text, p->value);
}

static void check_arguments(struct checker *k, struct prop *props, const struct operation_decl *o) {
  for (struct prop *p = props; p; p = p->next) {
    const struct member *m = o ? o->params : NULL;
    while (m && !str_eq(m->name.text, p->name.text))
      m = m->next;
    check_assigned(k, m, p->name.text, p->value);
  }
}

static void check_moment(struct checker *k, struct expr *e) {
  if (!e)
    return;
  types_expr(k, e);
  if (is_unknown(e->type) || is_moment(e->type.kind))
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0410, e->span, "this is " STR_FMT ", not a moment",
                              STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a moment such as `2026-12-24 18:00`, or an attribute that is a date");
  if (e->type.kind == V_TIME) d->help = STR("`wait until 09:00` before it waits for the time of day");
}

/* `wait pause`, `after pause`, `up to pause` */
static void check_length(struct checker *k, struct expr *e) {
  if (!e)
    return;
  types_expr(k, e);
  if (is_unknown(e->type) || is_duration(e->type.kind))
    return;
  struct diagnostic *d = diag(k->c, DIAG_E0445, e->span, "this is " STR_FMT ", not a duration", STR_ARG(type_show(&k->c->arena, e->type)));
  d->expected = STR("a duration such as `7d`, or a parameter that is a duration");
}

/* What an experiment adds up is a number, or money of one currency. */
static void check_measured(struct checker *k, struct stmt *st) {
  struct experiment_decl *x = st->experiment;
  struct expr *e = st->value;
  if (!e)
    return;
  types_expr(k, e);
  if (e->kind != EXPR_HISTORY)
    return;
  if (is_unknown(e->type))
    e->type = x->currency ? (struct type){ .kind = V_MONEY, .currency = x->currency } : type_of(V_NUMBER);
  bool money = e->type.kind == V_MONEY;
  if (x->currency && (!money || (e->type.currency && e->type.currency != x->currency))) {
    struct str what = money ? STR("an amount in another currency") : type_show(&k->c->arena, e->type);
    struct diagnostic *d = diag(k->c, DIAG_E0449, e->span, "this is " STR_FMT, STR_ARG(what));
    d->help = STR("leave the currency out: Camp never converts money");
  } else if (money && !e->type.currency && !x->currency) {
    struct diagnostic *d = diag(k->c, DIAG_E0449, e->span, "nothing says the currency of this amount");
    d->help = STR("write it behind the sum: `measure sum(purchase.amount) in EUR within 7d`. Other currencies are left out");
    types_silence(e);
  } else if (money && !e->type.currency) {
    e->type.currency = x->currency;
  }
}

static void check_block(struct checker *k, struct stmt *block);

static void check_stmt(struct checker *k, struct stmt *st) {
  switch ((enum stmt_kind)st->kind) {
  case STMT_TAG: case STMT_UNTAG:
    if (st->value && (st->value->kind != EXPR_LITERAL || st->value->value.type != V_TEXT)) {
      struct diagnostic *d = diag(k->c, DIAG_E0407, st->value->span, "a tag is written in place, as text in quotes");
      d->expected = STR("text such as `\"buyer\"`");
    }
    break;
  case STMT_SCORE: check_points(k, st->value); break;
  case STMT_SET: check_assigned(k, st->decl, st->name.text, st->value); break;
  case STMT_EMIT: check_props(k, st->props, st->decl); break;
  case STMT_SEND: check_props(k, st->props, NULL); break;
  case STMT_CALL: check_arguments(k, st->props, st->decl); break;
  case STMT_START: check_props(k, st->props, st->decl ? &((const struct campaign_decl *)st->decl)->given : NULL); break;
  case STMT_IF: types_cond(k, st->value); break;
  case STMT_WAIT: case STMT_SHOW: check_moment(k, st->value); break;
  case STMT_EACH: types_list(k, st->value); break;
  case STMT_EXPERIMENT: check_measured(k, st); break;
  case STMT_DO:
    for (struct binding *b = st->bindings; b; b = b->next)
      if (b->arg)
        check_assigned(k, b->param, b->param->name.text, b->arg);
    break;
  default: break;
  }
  check_length(k, st->length);
  check_moment(k, st->at);
  types_events(k, st->unless);
  types_cond(k, st->if_still);
  for (struct on_branch *b = st->branches; b; b = b->next) {
    types_events(k, b->events);
    check_block(k, b->body);
  }
  for (struct arm *a = st->arms; a; a = a->next)
    check_block(k, a->body);
  check_block(k, st->then);
  check_block(k, st->otherwise);
}

static void check_block(struct checker *k, struct stmt *block) {
  for (struct stmt *st = block; st; st = st->next)
    check_stmt(k, st);
}

static void check_campaign(struct checker *k, struct campaign_decl *cd) {
  for (struct start_clause *st = cd->starts; st; st = st->next) {
    types_events(k, st->events);
    types_cond(k, st->where_cond);
  }
  for (struct goal_clause *g = cd->goals; g; g = g->next)
    types_events(k, g->events);
  for (struct stop_clause *st = cd->stops; st; st = st->next)
    types_events(k, st->events);
  types_expr(k, cd->entry.key);
  for (struct schedule_clause *s = cd->schedules; s; s = s->next)
    types_cond(k, s->audience);
  check_block(k, cd->body);
}

/* What a test says of a contact or an event is a constant; of lists and records literal_fold sees to it. */
static void check_constants(struct checker *k, struct prop *props) {
  for (struct prop *p = props; p; p = p->next) {
    if (p->consents) continue;
    bool written = p->value->kind == EXPR_LIST || p->value->kind == EXPR_RECORD || p->value->kind == EXPR_BAD;
    if (!written && !literal_is(p->value)) {
      struct diagnostic *d = diag(k->c, DIAG_E0414, p->value->span, "a test gives constants");
      d->expected = STR("a value such as `40 EUR`, `\"text\"` or `true`");
    }
  }
}

static void check_test(struct checker *k, struct test_decl *t) {
  for (struct test_line *l = t->lines; l; l = l->next) {
    check_constants(k, l->props);
    if (l->kind == TEST_REPLY) {
      check_props(k, l->props, l->replies ? &l->replies->replied : NULL);
    } else if (l->kind == TEST_EXPECT_CALLED) {
      check_arguments(k, l->props, l->replies);
    } else if (l->kind == TEST_EVENT) {
      struct item *event = scope_item(k->s, SPACE_EVENT, l->event.text);
      check_props(k, l->props, event ? &event->event : NULL);
    } else {
      for (struct prop *p = l->props; p; p = p->next)
        if (!p->consents) check_assigned(k, scope_attribute(k->s, p->name.text), p->name.text, p->value);
    }
    types_cond(k, l->expect.cond);
  }
}

static void check_members(struct checker *k, struct member *members) {
  for (struct member *m = members; m; m = m->next)
    if (m->initial)
      check_assigned(k, m, m->name.text, m->initial);
}

/* What a parameter is when a call leaves it out: nothing, or a value that is written there. */
static void check_connector(struct checker *k, struct connector_decl *c) {
  for (struct operation_decl *o = c->operations; o; o = o->next)
    for (struct member *m = o->params; m; m = m->next) {
      if (!m->initial || (m->initial->kind == EXPR_NAME && str_is(m->initial->name.text, "missing")))
        continue;
      check_assigned(k, m, m->name.text, m->initial);
      if (m->initial->kind == EXPR_BAD || literal_is(m->initial))
        continue;
      diag(k->c, DIAG_E0414, m->initial->span, "what a call leaves out is a constant")->expected = STR("a value such as `\"text\"` or `3`, or `missing`");
    }
}

void types_check(struct compilation *c, struct tree *tree, struct scope *scope) {
  struct checker k = { c, scope };
  for (struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
    case ITEM_DEFINE: types_define(&k, &i->define); break;
    case ITEM_SCORE: check_score(&k, &i->score); break;
    case ITEM_SEGMENT: check_segment(&k, &i->define); break;
    case ITEM_EVENT: check_members(&k, i->event.members); break;
    case ITEM_RECORD: check_members(&k, i->record.members); break;
    case ITEM_CONTACT: check_members(&k, i->contact.members); break;
    case ITEM_CAMPAIGN: case ITEM_RULE:
      check_members(&k, i->campaign.given.members);
      check_campaign(&k, &i->campaign);
      break;
    case ITEM_SEQUENCE: check_block(&k, i->sequence.body); break;
    case ITEM_CONNECTOR: check_connector(&k, &i->connector); break;
    case ITEM_TEST: case ITEM_FIXTURE: check_test(&k, &i->test); break;
    default: break;
    }
}
