/* Tables of cases: a test with a table becomes one test a line of it, with the cells in place of the columns' names.
 *
 *      test "the tier follows the amount" {
 *        cases {
 *          amount  | tier
 *          40 EUR  | "bronze"
 *          600 EUR | "gold"
 *        }
 *        contact ann { }
 *        at 2026-01-05 10:00  ann purchase { amount: amount }
 *        expect ann: contact.tier is tier
 *      }
 *
 * A cell stands wherever a step may name something: a value, a moment (`at due`), a duration (`within time_left`), a message, a
 * list, a campaign, an event, a contact. What is to be one name is written bare or as a text.
 *
 * Not here: what the cells mean (the later stages see each case as a test of its own, and report at the cell).
 *
 * Invariants:
 * 1. Nothing of one case is shared with another but what no stage writes to: texts and types.
 * 2. Behind cases_expand no test has a table, and no step a column. */
#include "diagnostics.h"
#include "names.h"

#include "vm/base/limits.h"

struct writer {
  struct compilation *c;
  const struct case_row *columns, *row; /* NULL: a step of a test without a table */
  bool *used;                           /* of each column: a step names it */
  uint32_t *parts;                      /* copied so far, in the whole project */
};

/* The cell of a column, or NULL. */
static const struct expr *cell_of(const struct writer *w, struct str name) {
  if (!w->row || !name.len)
    return NULL;
  const struct expr *cell = w->row->cells;
  uint32_t column = 0;
  for (const struct expr *e = w->columns->cells; e && cell; e = e->next, cell = cell->next, column++)
    if (e->kind == EXPR_NAME && str_eq(e->name.text, name)) {
      w->used[column] = true;
      return cell;
    }
  return NULL;
}

/* --- copies ---------------------------------------------------------------------------------------------------------- */
static struct expr *copy_expr(const struct writer *w, const struct expr *e);

/* A name, or that which the cell of this column gives. */
static struct name copy_name(const struct writer *w, struct name name) {
  const struct expr *cell = cell_of(w, name.text);
  if (!cell)
    return name;
  if (cell->kind == EXPR_NAME)
    return cell->name;
  if (cell->kind == EXPR_LITERAL && cell->value.type == V_TEXT)
    return (struct name){ value_str(cell->value), cell->span };
  struct diagnostic *d = diag(w->c, DIAG_E0385, cell->span, "in the column `" STR_FMT "` stands no name", STR_ARG(name.text));
  d->note_span = name.span;
  d->note = STR("a name is wanted here");
  return (struct name){ name.text, cell->span }; /* so that nothing more is said of it */
}

static struct prop *copy_props(const struct writer *w, const struct prop *props) {
  struct prop *first = NULL, **tail = &first;
  for (const struct prop *p = props; p; p = p->next) {
    struct prop *own = ARENA_NEW(&w->c->arena, struct prop);
    *own = (struct prop){ .name = p->name, .value = copy_expr(w, p->value), .consents = p->consents };
    *tail = own;
    tail = &own->next;
  }
  return first;
}

static struct event_ref *copy_events(const struct writer *w, const struct event_ref *events) {
  struct event_ref *first = NULL, **tail = &first;
  for (const struct event_ref *e = events; e; e = e->next) {
    struct event_ref *own = ARENA_NEW(&w->c->arena, struct event_ref);
    *own = *e;
    own->name = copy_name(w, e->name);
    own->of = copy_name(w, e->of);
    own->where = copy_expr(w, e->where);
    own->next = NULL;
    *tail = own;
    tail = &own->next;
  }
  return first;
}

static struct expr *copy_items(const struct writer *w, const struct expr *items) {
  struct expr *first = NULL, **tail = &first;
  for (const struct expr *i = items; i; i = i->next) {
    *tail = copy_expr(w, i);
    tail = &(*tail)->next;
  }
  return first;
}

/* One expression, without those that follow it in a list. A cell knows no columns, so nothing is written for ever. */
static struct expr *copy_expr(const struct writer *w, const struct expr *e) {
  if (!e)
    return NULL;
  const struct expr *cell = e->kind == EXPR_NAME ? cell_of(w, e->name.text) : NULL;
  struct writer plain = { .c = w->c, .parts = w->parts };
  if (cell) {
    w = &plain;
    e = cell;
  }
  struct expr *own = ARENA_NEW(&w->c->arena, struct expr);
  *own = *e;
  own->next = NULL;
  if (++*w->parts > LIMIT_CASE_PARTS_COUNT) {
    own->kind = EXPR_BAD;
    return own;
  }
  own->a = copy_expr(w, e->a);
  own->b = copy_expr(w, e->b);
  own->where = copy_expr(w, e->where);
  own->items = copy_items(w, e->items);
  own->events = copy_events(w, e->events);
  own->props = copy_props(w, e->props);
  return own;
}

/* --- moments and durations ------------------------------------------------------------------------------------------- */
static void wanted(const struct writer *w, struct name column, const struct expr *cell, const char *what) {
  if (!cell) {
    struct diagnostic *d = diag(w->c, DIAG_E0384, column.span, "the test has no column `" STR_FMT "`", STR_ARG(column.text));
    d->expected = arena_printf(&w->c->arena, "%s, or a column of the test's `cases`", what);
    return;
  }
  struct diagnostic *d = diag(w->c, DIAG_E0385, cell->span, "in the column `" STR_FMT "` stands no %s", STR_ARG(column.text),
                              what[0] == 'a' && what[1] == ' ' ? what + 2 : what);
  d->note_span = column.span;
  d->note = STR("one is wanted here");
}

static void write_moment(const struct writer *w, struct name *column, int64_t *civil_ms) {
  if (!column->text.len)
    return;
  const struct expr *cell = cell_of(w, column->text);
  if (cell && cell->kind == EXPR_LITERAL && cell->value.type == V_LOCAL)
    *civil_ms = cell->value.i;
  else if (cell && cell->kind == EXPR_LITERAL && cell->value.type == V_DATE)
    *civil_ms = cell->value.i * MS_PER_DAY;
  else
    wanted(w, *column, cell, "a moment such as `2026-12-24 18:00`");
}

static void write_duration(const struct writer *w, struct name *column, struct value *within) {
  if (!column->text.len)
    return;
  const struct expr *cell = cell_of(w, column->text);
  if (cell && cell->kind == EXPR_LITERAL && (cell->value.type == V_EXACT || cell->value.type == V_CALENDAR))
    *within = cell->value;
  else
    wanted(w, *column, cell, "a duration such as `7d`");
}

static void write_columns(const struct writer *w, struct test_line *l) {
  write_moment(w, &l->at_column, &l->civil_ms);
  write_moment(w, &l->expect.at_column, &l->expect.civil_ms);
  write_duration(w, &l->expect.within_column, &l->expect.within);
}

/* --- a test ---------------------------------------------------------------------------------------------------------- */
static struct test_line *copy_lines(const struct writer *w, const struct test_line *lines) {
  struct test_line *first = NULL, **tail = &first;
  for (const struct test_line *l = lines; l; l = l->next) {
    if (l->kind == TEST_CASES)
      continue;
    if (++*w->parts > LIMIT_CASE_PARTS_COUNT)
      break;
    struct test_line *own = ARENA_NEW(&w->c->arena, struct test_line);
    *own = *l;
    own->contact = copy_name(w, l->contact);
    own->event = copy_name(w, l->event);
    own->of = copy_name(w, l->of);
    own->fixture = copy_name(w, l->fixture);
    own->props = copy_props(w, l->props);
    own->expect.contact = copy_name(w, l->expect.contact);
    own->expect.message = copy_name(w, l->expect.message);
    own->expect.campaign = copy_name(w, l->expect.campaign);
    own->expect.cond = copy_expr(w, l->expect.cond);
    write_columns(w, own);
    own->next = NULL;
    *tail = own;
    tail = &own->next;
  }
  return first;
}

/* "the tier follows the amount (40 EUR, "bronze")": the cells as they stand in the script, but for how many blanks are between words. */
static struct str name_of_case(const struct writer *w, struct str test) {
  struct buf b;
  buf_init(&b, LIMIT_LINE_BYTES);
  buf_str(&b, test);
  buf_c(&b, " (");
  for (const struct expr *e = w->row->cells; e; e = e->next) {
    struct str text = w->c->sources.items[e->span.source].text;
    for (uint32_t i = e->span.from; i < e->span.to; i++) {
      bool blank = text.ptr[i] == ' ' || text.ptr[i] == '\t' || text.ptr[i] == '\n' || text.ptr[i] == '\r';
      if (!blank) buf_byte(&b, (uint8_t)text.ptr[i]);
      else if (b.data[b.len - 1] != ' ') buf_c(&b, " ");
    }
    if (e->next) buf_c(&b, ", ");
  }
  buf_c(&b, ")");
  struct str name = arena_str(&w->c->arena, buf_as_str(&b));
  buf_deinit(&b);
  return name;
}

static uint32_t count_cells(const struct case_row *row) {
  uint32_t count = 0;
  for (const struct expr *e = row->cells; e; e = e->next) count++;
  return count;
}

static bool check_columns(struct compilation *c, const struct test_line *table) {
  bool good = true;
  if (table->rows && count_cells(table->rows) > LIMIT_CASE_COLUMNS_COUNT) {
    diag(c, DIAG_E0383, table->rows->span, "a table has at most %d columns", LIMIT_CASE_COLUMNS_COUNT);
    return false;
  }
  for (const struct expr *e = table->rows ? table->rows->cells : NULL; e; e = e->next) {
    const struct expr *same = table->rows->cells;
    while (same != e && !(e->kind == EXPR_NAME && same->kind == EXPR_NAME && str_eq(same->name.text, e->name.text)))
      same = same->next;
    if (e->kind == EXPR_NAME && same == e)
      continue;
    good = false;
    if (e->kind == EXPR_BAD)
      continue;
    struct diagnostic *d = e->kind == EXPR_NAME
        ? diag(c, DIAG_E0383, e->span, "there is a column `" STR_FMT "` already", STR_ARG(e->name.text))
        : diag(c, DIAG_E0383, e->span, "the first line of `cases` names the columns");
    d->expected = STR("a name of its own for each column");
  }
  if (good && (!table->rows || !table->rows->next)) {
    diag(c, DIAG_E0383, table->span, "this table holds no case")->expected =
        STR("a line with the names of the columns, and below it one line a case");
    good = false;
  }
  return good;
}

static bool check_row(struct compilation *c, const struct test_line *table, const struct case_row *row) {
  uint32_t want = count_cells(table->rows), have = count_cells(row);
  if (want == have)
    return true;
  struct diagnostic *d = diag(c, DIAG_E0383, row->span, "this line has %u %s, and the table %u %s", have,
                              have == 1 ? "cell" : "cells", want, want == 1 ? "column" : "columns");
  d->note_span = table->rows->span;
  d->note = STR("the columns are named here");
  return false;
}

/* A column of texts may be there to say in words what each case is about: the name of the case shows it. */
static bool is_caption(const struct case_row *cases, uint32_t column) {
  for (const struct case_row *row = cases; row; row = row->next) {
    const struct expr *cell = row->cells;
    for (uint32_t i = 0; i < column && cell; i++) cell = cell->next;
    if (!cell || cell->kind != EXPR_LITERAL || cell->value.type != V_TEXT)
      return false;
  }
  return true;
}

static void check_unused(struct compilation *c, const struct test_line *table, const bool *used) {
  uint32_t column = 0;
  for (const struct expr *e = table->rows->cells; e; e = e->next, column++) {
    if (used[column] || is_caption(table->rows->next, column))
      continue;
    struct diagnostic *d = diag(c, DIAG_W0153, e->span, "no step of the test names the column `" STR_FMT "`", STR_ARG(e->name.text));
    d->help = STR("name it where its cells shall stand; a column that only describes the cases holds texts in quotes");
  }
}

/* The cases of a test in its place; returns the last of them. */
static struct item *expand(struct compilation *c, struct item *test, const struct test_line *table, uint32_t *parts) {
  struct item *next = test->next, *last = test;
  struct test_line *lines = test->test.lines;
  struct str name = test->test.name.text;
  struct span span = test->span;
  bool columns = check_columns(c, table), first = true, used[LIMIT_CASE_COLUMNS_COUNT] = { false };
  for (const struct case_row *row = columns ? table->rows->next : NULL; row && *parts <= LIMIT_CASE_PARTS_COUNT; row = row->next) {
    if (!check_row(c, table, row))
      continue;
    struct writer w = { .c = c, .columns = table->rows, .row = row, .used = used, .parts = parts };
    struct item *own = first ? test : ARENA_NEW(&c->arena, struct item);
    if (!first) {
      *own = *test;
      last->next = own;
    }
    own->span = row->span;
    own->test.name.text = name_of_case(&w, name);
    own->test.lines = copy_lines(&w, lines);
    first = false;
    last = own;
  }
  if (!first && !c->torn.count)
    check_unused(c, table, used);
  if (first) { /* without a case the steps mean nothing, and that was said */
    test->test.lines = NULL;
    test->span = span;
  }
  last->next = next;
  return last;
}

/* Columns that no table gives: a mistake, which is reported. */
static void expand_nothing(struct compilation *c, struct item *test) {
  struct writer w = { .c = c };
  for (struct test_line *l = test->test.lines; l; l = l->next)
    write_columns(&w, l);
}

void cases_expand(struct compilation *c, struct tree *tree) {
  uint32_t parts = 0;
  for (struct item *i = tree->items; i; i = i->next) {
    if (i->kind != ITEM_TEST && i->kind != ITEM_FIXTURE)
      continue;
    const struct test_line *table = NULL;
    for (const struct test_line *l = i->test.lines; l; l = l->next) {
      if (l->kind != TEST_CASES)
        continue;
      if (i->kind == ITEM_FIXTURE || table) {
        struct diagnostic *d = diag(c, DIAG_E0386, l->span, i->kind == ITEM_FIXTURE ? "a fixture has no cases"
                                                                                    : "a test has one table of cases");
        d->help = STR("write the cases into the test that they belong to");
      }
      if (!table)
        table = l;
    }
    if (!table || i->kind == ITEM_FIXTURE) {
      expand_nothing(c, i);
      continue;
    }
    i = expand(c, i, table, &parts);
    if (parts > LIMIT_CASE_PARTS_COUNT) {
      diag(c, DIAG_E0387, table->span, "with their cases, the tests have more than %d steps and expressions", LIMIT_CASE_PARTS_COUNT);
      return;
    }
  }
}
