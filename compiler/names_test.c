/* Names in tests: contacts that are introduced, fixtures, tables, and what is expected.
 *
 * Not here: running tests (runtime/command/story.c). The invariants of names.c hold. */
#include "resolve.h"

/* False when there is none, which is said once. */
static bool resolve_test_contact(struct resolver *r, const struct test_decl *t, const struct name *contact,
                                 bool declares, struct nearest *known) {
  if (!contact->text.len)
    return true;
  void **place = table_place(&r->c->arena, &r->s->table, (uintptr_t)t, contact->text);
  if (declares) {
    *place = (void *)(uintptr_t)contact;
  } else if (!*place && t->torn) {
    *place = (void *)(uintptr_t)contact; /* perhaps what was not understood introduces it */
  } else if (!*place) {
    struct diagnostic *d = diag(r->c, DIAG_E0313, contact->span, "the test has no contact `" STR_FMT "`",
                                STR_ARG(contact->text));
    *known = nearest_of(contact->text);
    for (const struct test_line *l = scope_suggest_worthwhile(r->s) ? t->lines : NULL; l; l = l->next)
      if (l->kind == TEST_CONTACT)
        scope_suggest_try(r->s, known, l->contact.text);
    scope_suggest_end(r->s, d, contact->span, *known, "");
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "introduce it: `contact " STR_FMT " { }`", STR_ARG(contact->text));
    *place = (void *)(uintptr_t)contact; /* said once */
    return false;
  }
  return true;
}

/* `conatct ann { … }`, `gievn ann_bought`: the word that sets the stage, misspelt. Says so once for the test. */
static bool introduces(struct resolver *r, struct test_decl *t, const struct test_line *l) {
  struct nearest n = nearest_of(l->contact.text);
  nearest_try(&n, STR("contact"));
  nearest_try(&n, STR("given"));
  if (!n.best.len || table_find(&r->s->table, (uintptr_t)t, l->contact.text) || scope_item(r->s, SPACE_EVENT, l->event.text))
    return false;
  struct diagnostic *d = diag(r->c, DIAG_E0313, l->contact.span, "the test has no contact `" STR_FMT "`", STR_ARG(l->contact.text));
  d->help = arena_printf(&r->c->arena, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(n.best), STR_ARG(l->event.text));
  d->has_fix = true;
  d->fix = (struct fix){ l->contact.span, n.best };
  t->torn = true;
  return true;
}

/* `purchase ann { … }`: the two are known, the other way round. */
static bool turned_round(struct resolver *r, const struct test_decl *t, const struct test_line *l) {
  if (!scope_item(r->s, SPACE_EVENT, l->contact.text) || !table_find(&r->s->table, (uintptr_t)t, l->event.text))
    return false;
  struct diagnostic *d = diag(r->c, DIAG_E0313, (struct span){ l->contact.span.source, l->contact.span.from, l->event.span.to },
                              "`" STR_FMT "` is a contact and `" STR_FMT "` what happens", STR_ARG(l->event.text), STR_ARG(l->contact.text));
  d->help = arena_printf(&r->c->arena, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(l->event.text), STR_ARG(l->contact.text));
  return true;
}

static void resolve_test_attributes(struct resolver *r, struct prop *props) {
  for (struct prop *p = props; p; p = p->next) {
    if (p->consents) {
      (void)topic_find(r->s, &p->name);
      continue;
    }
    resolve_expr(r, p->value, NULL);
    if (scope_attribute(r->s, p->name.text) || r->s->allow_unknown)
      continue;
    struct diagnostic *d = diag(r->c, DIAG_E0303, p->name.span, "a contact has no attribute `" STR_FMT "`",
                                STR_ARG(p->name.text));
    scope_suggest_attribute(r->s, d, p->name.span, p->name.text, "");
  }
}

/* `expect ann in vipp`, `expect ann: vipp` */
static void resolve_expected(struct resolver *r, struct expr *cond) {
  struct expr *e = cond && cond->kind == EXPR_UNARY && cond->op == UN_NOT ? cond->a : cond;
  if (resolve_named(r, e, DIAG_E0307))
    resolve_expr(r, cond, NULL);
}

/* The contacts of a fixture are known to the test behind `given`. */
static void meet_contacts(struct resolver *r, const struct test_decl *t, const struct test_decl *given) {
  for (const struct test_line *l = given->lines; l; l = l->next) {
    if (l->kind == TEST_CONTACT)
      *table_place(&r->c->arena, &r->s->table, (uintptr_t)t, l->contact.text) = (void *)(uintptr_t)&l->contact;
    if (l->kind == TEST_GIVEN && l->given)
      meet_contacts(r, t, l->given);
  }
}

static void resolve_given(struct resolver *r, struct test_decl *t, struct test_line *l) {
  struct item *item = scope_item(r->s, SPACE_FIXTURE, l->fixture.text);
  if (!item) {
    struct diagnostic *d = diag(r->c, DIAG_E0388, l->fixture.span, "there is no fixture `" STR_FMT "`", STR_ARG(l->fixture.text));
    scope_suggest(r->s, d, l->fixture.span, SPACE_FIXTURE, l->fixture.text);
    if (!d->help.len)
      d->help = arena_printf(&r->c->arena, "declare it: `fixture " STR_FMT " { }`", STR_ARG(l->fixture.text));
    t->torn = true;
    return;
  }
  if (item->test.state == DEFINE_OPEN || r->depth >= LIMIT_DEFINE_DEPTH) {
    struct diagnostic *d = item->test.state == DEFINE_OPEN
        ? diag(r->c, DIAG_E0388, l->fixture.span, "the fixture `" STR_FMT "` needs itself", STR_ARG(l->fixture.text))
        : diag(r->c, DIAG_E0388, l->fixture.span, "fixtures use each other more than %d deep", LIMIT_DEFINE_DEPTH);
    d->note_span = item->test.name.span;
    d->note = STR("it is declared here");
    return;
  }
  resolve_test(r, &item->test, true);
  meet_contacts(r, t, &item->test);
  t->torn |= item->test.torn;
  l->given = &item->test;
}

static void resolve_test_is(struct resolver *r, const struct test_decl *t, const struct test_line *l, struct nearest *scratch) {
  resolve_test_contact(r, t, &l->event, false, scratch);
  if (!str_eq(l->contact.text, l->event.text))
    return;
  struct diagnostic *d = diag(r->c, DIAG_E0361, l->span, "`" STR_FMT "` is the same contact anyway", STR_ARG(l->contact.text));
  d->expected = STR("two contacts that turn out to be one, such as `visitor is ann`");
}

void resolve_test(struct resolver *r, struct test_decl *t, bool fixture) {
  struct nearest scratch = { 0 };
  if (t->state != DEFINE_NEW) /* a fixture is resolved once, by itself, so it means the same in every test */
    return;
  t->state = DEFINE_OPEN;
  r->depth++;
  for (struct test_line *l = t->lines; l; l = l->next) {
    bool expects = l->kind != TEST_CONTACT && l->kind != TEST_EVENT && l->kind != TEST_AT && l->kind != TEST_GIVEN &&
                   l->kind != TEST_IS && l->kind != TEST_REPLY && l->kind != TEST_PAUSE && l->kind != TEST_RESUME;
    if (l->kind == TEST_GIVEN)
      resolve_given(r, t, l);
    if (expects && fixture) {
      struct diagnostic *d = diag(r->c, DIAG_E0389, l->span, "a fixture only sets the stage");
      d->help = STR("what is expected stands in the tests");
    }
    uint64_t steps = (uint64_t)t->steps + (l->given ? l->given->steps : 1);
    t->steps = steps > LIMIT_TEST_STEPS_COUNT ? LIMIT_TEST_STEPS_COUNT + 1 : (uint32_t)steps;
    if (l->kind == TEST_EVENT && (turned_round(r, t, l) || introduces(r, t, l)))
      continue;
    if (!resolve_test_contact(r, t, &l->contact, l->kind == TEST_CONTACT, &scratch) && l->kind == TEST_EVENT &&
        !scope_item(r->s, SPACE_EVENT, l->event.text))
      continue; /* neither word is known: one mistake, whatever it is */
    if (l->kind == TEST_CONTACT)
      resolve_test_attributes(r, l->props);
    if (l->kind == TEST_EVENT) {
      struct event_decl *decl = NULL;
      void *message = NULL;
      resolve_event_name(r, &l->event, &decl);
      resolve_props(r, l->props, decl, l->event.text, NULL);
      if (l->of.text.len)
        resolve_message_name(r, &l->of, &message);
    }
    if (l->kind == TEST_REPLY || l->kind == TEST_EXPECT_CALLED)
      resolve_test_call(r, l);
    if (l->kind == TEST_IS)
      resolve_test_is(r, t, l, &scratch);
    else if (l->kind != TEST_CONTACT && l->kind != TEST_EVENT && l->kind != TEST_REPLY)
      resolve_test_contact(r, t, &l->expect.contact, false, &scratch);
    if (l->expect.message.text.len) {
      void *message = NULL;
      resolve_message_name(r, &l->expect.message, &message);
    }
    if (l->expect.content.text.len) {
      void *content = NULL;
      resolve_content_name(r, &l->expect.content, &content);
    }
    if (l->expect.campaign.text.len) {
      void *campaign = NULL;
      resolve_campaign_name(r, &l->expect.campaign, &campaign);
    }
    resolve_expected(r, l->expect.cond);
  }
  r->depth--;
  t->state = DEFINE_IMPURE;
  bool within = r->s->test_steps <= LIMIT_TEST_STEPS_COUNT;
  r->s->test_steps += fixture ? 0 : t->steps;
  if (within && r->s->test_steps > LIMIT_TEST_STEPS_COUNT)
    diag(r->c, DIAG_E0387, t->name.span, "with their fixtures, all tests have more than %d steps", LIMIT_TEST_STEPS_COUNT);
}
