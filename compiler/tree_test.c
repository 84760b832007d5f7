/* The constructors that grammar/camp.y calls for tests: their lines, tables and what they expect; and for the properties that
 * events bear there and in scripts.
 *
 * Not here: running them (runtime/command/story.c). The invariants of tree.c hold here, too. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

#define NEW(type) ARENA_NEW(&p->c->arena, type)

struct prop *prop_new(struct parse *p, struct token label, struct expr *value) {
  struct prop *prop = NEW(struct prop);
  prop->name = name_of(p, label);
  prop->value = value;
  return prop;
}

struct prop_list props_add(struct prop_list l, struct prop *prop) {
  if (!prop) return l;
  if (l.last) l.last->next = prop;
  else l.first = prop;
  l.last = prop;
  return l;
}

struct test_list tests_add(struct test_list l, struct test_line *t) {
  if (!t) return l;
  if (l.last) l.last->next = t;
  else l.first = t;
  l.last = t->next ? t->next : t;
  return l;
}

static struct test_line *test_new(struct parse *p, uint8_t kind, struct token first) {
  struct test_line *t = NEW(struct test_line);
  t->kind = kind;
  t->span = span_from(p, first);
  return t;
}

struct test_line *test_contact(struct parse *p, struct token first, struct name contact, struct prop_list props) {
  struct test_line *t = test_new(p, TEST_CONTACT, first);
  t->contact = contact;
  t->props = props.first;
  return t;
}

struct test_line *test_given(struct parse *p, struct token first, struct name fixture) {
  struct test_line *t = test_new(p, TEST_GIVEN, first);
  t->fixture = fixture;
  return t;
}

struct test_line *test_cases(struct parse *p, struct token first, struct case_row *rows) {
  struct test_line *t = test_new(p, TEST_CASES, first);
  t->rows = rows;
  return t;
}

struct case_row *case_cell(struct parse *p, struct case_row *row, struct expr *cell) {
  if (!row) {
    row = NEW(struct case_row);
    row->span = cell->span;
  }
  if (row->last) row->last->next = cell;
  else row->cells = cell;
  row->last = cell;
  row->span.to = cell->span.to;
  return row;
}

struct case_list cases_add(struct case_list l, struct case_row *row) {
  if (!row) return l;
  if (l.last) l.last->next = row;
  else l.first = row;
  l.last = row;
  return l;
}

struct test_line *test_pause(struct parse *p, struct token first, struct name campaign) {
  struct test_line *t = test_new(p, TEST_PAUSE, first);
  t->expect.campaign = campaign;
  t->span.to = campaign.span.to;
  return t;
}

struct test_line *test_resume(struct parse *p, struct token first, struct name campaign, struct value how) {
  struct test_line *t = test_new(p, TEST_RESUME, first);
  t->expect.campaign = campaign;
  t->expect.within = how;
  t->span = span_from(p, first);
  return t;
}

struct test_line *test_at(struct parse *p, struct token first, struct token moment) {
  struct test_line *t = test_new(p, TEST_AT, first);
  if (moment.kind == TOK_NAME) t->at_column = name_of(p, moment);
  else t->civil_ms = moment.value.i;
  t->has_at = true;
  t->span.to = moment.to;
  return t;
}

struct test_line *test_event(struct parse *p, struct token contact, struct name event, struct name of,
                             struct prop_list props) {
  struct test_line *t = test_new(p, TEST_EVENT, contact);
  t->contact = name_of(p, contact);
  t->event = event;
  t->of = of;
  t->props = props.first;
  return t;
}

/* `ann reply of crm.create_task { id: "7" }`, `ann failure of crm.create_task` */
struct test_line *test_reply(struct parse *p, struct token contact, struct name event, struct name connector, struct name operation,
                             struct prop_list props) {
  struct test_line *t = test_new(p, TEST_REPLY, contact);
  t->contact = name_of(p, contact);
  t->event = event;
  t->of = connector;
  t->operation = operation;
  t->props = props.first;
  return t;
}

struct test_line *expect_called(struct parse *p, struct token first, struct name connector, struct name operation, struct name contact,
                                bool negated, struct prop *props) {
  struct test_line *t = test_new(p, TEST_EXPECT_CALLED, first);
  t->contact = contact;
  t->props = props;
  t->of = connector;
  t->operation = operation;
  t->expect = (struct expect){ .kind = TEST_EXPECT_CALLED, .contact = contact, .negated = negated };
  return t;
}

/* `visitor is ann`: both are one from now on, and known as ann. */
struct test_line *test_is(struct parse *p, struct token contact, struct name same) {
  struct test_line *t = test_new(p, TEST_IS, contact);
  t->contact = name_of(p, contact);
  t->event = same;
  return t;
}

struct test_line *expect_sent(struct parse *p, struct token first, struct name message, struct name contact, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_SENT, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_SENT, .contact = contact, .message = message, .negated = negated };
  return t;
}

struct test_line *expect_nothing(struct parse *p, struct token first, struct name contact) {
  struct test_line *t = test_new(p, TEST_EXPECT_NOTHING, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_NOTHING, .contact = contact };
  return t;
}

struct test_line *expect_else(struct parse *p, struct token first, struct name contact, bool sent) {
  struct test_line *t = test_new(p, TEST_EXPECT_ELSE, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_ELSE, .contact = contact, .sent = sent };
  return t;
}

struct test_line *expect_member(struct parse *p, struct token first, struct name contact, struct name list, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_COND, first);
  struct expr *e = expr_new(p, EXPR_NAME, list.span.from);
  e->name = list;
  if (negated) e = expr_unary(p, UN_NOT, first, e);
  e->span = list.span;
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_COND, .contact = contact, .negated = negated, .cond = e };
  return t;
}

struct test_line *expect_shown(struct parse *p, struct token first, struct name content, struct name contact, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_SHOWN, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_SHOWN, .contact = contact, .content = content, .negated = negated };
  return t;
}

struct test_line *expect_held(struct parse *p, struct token first, struct name message, struct name contact, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_HELD, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_HELD, .contact = contact, .message = message, .negated = negated };
  return t;
}

struct test_line *expect_inside(struct parse *p, struct token first, struct name contact, struct name campaign, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_INSIDE, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_INSIDE, .contact = contact, .campaign = campaign, .negated = negated };
  return t;
}

struct test_line *expect_variant(struct parse *p, struct token first, struct name contact, struct name variant, struct name experiment,
                                 bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_VARIANT, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_VARIANT, .contact = contact, .variant = variant, .experiment = experiment, .negated = negated };
  return t;
}

struct test_line *expect_converted(struct parse *p, struct token first, struct name contact, struct name experiment, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_CONVERTED, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_CONVERTED, .contact = contact, .experiment = experiment, .negated = negated };
  return t;
}

struct test_line *expect_dropped(struct parse *p, struct token first, struct name message, struct name contact, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_DROPPED, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_DROPPED, .contact = contact, .message = message, .negated = negated };
  return t;
}

struct test_line *expect_holds(struct parse *p, struct token first, struct token contact, struct expr *cond) {
  struct test_line *t = test_new(p, TEST_EXPECT_COND, first);
  t->contact = name_of(p, contact);
  t->expect = (struct expect){ .kind = TEST_EXPECT_COND, .contact = t->contact, .cond = cond };
  return t;
}

/* What may follow is the same for every expectation, so that the grammar stays small; what fits is said here. */
static void expect_more(struct parse *p, struct test_line *t, bool fits, bool before, const char *what) {
  uint32_t from = t->span.to;
  t->span.to = p->prev_to;
  while (from < p->prev_to && p->text[from] == ' ') from++;
  struct span span = { p->source, from, p->prev_to };
  if (p->quiet) return;
  if (!fits) diag(p->c, DIAG_E0201, span, "this expectation takes no %s", what);
  else if (before) diag(p->c, DIAG_E0208, span, "an expectation says only once %s", what);
}

struct test_line *expect_because(struct parse *p, struct test_line *t, struct token text) {
  bool fits = t->kind == TEST_EXPECT_DROPPED || (t->kind == TEST_EXPECT_HELD && !t->expect.negated);
  expect_more(p, t, fits, t->expect.because.len != 0, "reason");
  t->expect.because = value_str(text.value);
  return t;
}

struct test_line *expect_times(struct parse *p, struct test_line *t, uint32_t times, bool once) {
  bool fits = (t->kind == TEST_EXPECT_SENT || t->kind == TEST_EXPECT_DROPPED || t->kind == TEST_EXPECT_CALLED) && !t->expect.negated;
  expect_more(p, t, fits, t->expect.times != 0, "number of times");
  t->expect.times = times;
  t->expect.once = once || times == 1;
  return t;
}

struct test_line *expect_at(struct parse *p, struct test_line *t, struct token moment) {
  bool state = t->kind == TEST_EXPECT_COND || t->kind == TEST_EXPECT_INSIDE || t->kind == TEST_EXPECT_SHOWN ||
               t->kind == TEST_EXPECT_HELD || t->kind == TEST_EXPECT_VARIANT || t->kind == TEST_EXPECT_CONVERTED;
  bool fits = state || (!t->expect.negated && t->kind != TEST_EXPECT_NOTHING && t->kind != TEST_EXPECT_ELSE);
  expect_more(p, t, fits, t->expect.has_at || t->expect.within.type, "moment");
  t->expect.has_at = true;
  if (moment.kind == TOK_NAME) t->expect.at_column = name_of(p, moment);
  else t->expect.civil_ms = moment.value.i;
  return t;
}

struct test_line *expect_until(struct parse *p, struct test_line *t, struct token moment) {
  bool fits = (t->kind == TEST_EXPECT_SHOWN || t->kind == TEST_EXPECT_HELD) && !t->expect.negated;
  expect_more(p, t, fits, t->expect.has_until, "`until`");
  t->expect.has_until = true;
  t->expect.until_ms = moment.value.i;
  return t;
}

struct test_line *expect_within(struct parse *p, struct test_line *t, struct token duration) {
  bool fits = t->kind == TEST_EXPECT_SENT || t->kind == TEST_EXPECT_NOTHING || t->kind == TEST_EXPECT_DROPPED || t->kind == TEST_EXPECT_CALLED ||
              t->kind == TEST_EXPECT_ELSE;
  expect_more(p, t, fits, t->expect.has_at || t->expect.within.type, "duration");
  t->expect.within_span = span_of(p, duration);
  if (duration.kind == TOK_NAME) t->expect.within_column = name_of(p, duration);
  else t->expect.within = duration.value;
  return t;
}
