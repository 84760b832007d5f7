/* Each call of the store, on small data: what was written is read back, what was rolled back is gone, orders are as promised. */
#include "runtime/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "vm/base/buf.h"
#include "vm/base/limits.h"

#define OK(call) assert_int_equal((call), CAMP_OK)
#define IS(text, s) assert_true(str_is((s), (text)))

static char folder[] = "/tmp/camp-store-XXXXXX", path[64];
static struct store *s;
static struct arena a;

static void open_again(void) {
  struct store_error e = { "" };
  if (s) store_close(s);
  if (store_open(path, &(struct store_options){ .create = true, .relaxed = true }, &s, &e)) fail_msg("%s", e.text);
}

static int set_up(void **state) {
  (void)state;
  remove(path);
  arena_init(&a, 4096);
  open_again();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  store_close(s);
  s = NULL;
  arena_deinit(&a);
  return 0;
}

static void names(void **state) {
  (void)state;
  uint32_t event, list, again, gone, measure, epoch;
  OK(store_begin(s));
  OK(store_name(s, NAME_EVENT, STR("purchase"), &event));
  OK(store_name(s, NAME_LIST, STR("purchase"), &list));
  OK(store_name(s, NAME_EVENT, STR("purchase"), &again));
  assert_int_equal(event, again);
  assert_int_not_equal(event, list);
  OK(store_commit(s));
  OK(store_begin(s));
  OK(store_name(s, NAME_LIST, STR("vip"), &gone));
  store_rollback(s);
  assert_int_equal(store_name_find(s, NAME_LIST, STR("vip")), 0);
  assert_int_equal(store_name_text(s, gone).len, 0);
  OK(store_begin(s));
  OK(store_name(s, NAME_MEASURE, STR("count(purchase)"), &measure));
  OK(store_deploy(s, NULL, 0, NULL, 0, 5, &epoch));
  OK(store_commit(s));
  open_again();
  assert_int_equal(store_name_find(s, NAME_EVENT, STR("purchase")), event);
  IS("purchase", store_name_text(s, list));
  assert_int_equal(epoch, 1);
  assert_int_equal(store_name_epoch(s, measure), 1);
  assert_int_equal(store_name_epoch(s, event), 0);
  assert_int_equal(store_name_text(s, 999).len, 0);
}

static void names_have_a_limit(void **state) {
  (void)state;
  uint32_t id;
  char text[16];
  OK(store_begin(s));
  for (int i = 0; i < LIMIT_NAMES_COUNT; i++) {
    snprintf(text, sizeof text, "n%d", i);
    OK(store_name(s, NAME_EVENT, str_from_c(text), &id));
  }
  assert_int_equal(store_name(s, NAME_EVENT, STR("one more"), &id), CAMP_LIMIT);
  assert_non_null(strstr(store_last_error(s)->text, "more than 65536 different names"));
  OK(store_name(s, NAME_EVENT, STR("n77"), &id));
  store_rollback(s);
}

static void units(void **state) {
  (void)state;
  uint32_t one, two, same, epoch, count;
  struct stored_unit *live;
  struct stored_step steps[] = { { 1, 7, 3, 2, STR("welcome.camp"), STR("wait 7d") } };
  OK(store_begin(s));
  OK(store_unit_put(s, STR("h1"), STR("welcome"), STR("body one"), &one));
  OK(store_unit_put(s, STR("h2"), STR("goodbye"), STR("body two"), &two));
  OK(store_unit_put(s, STR("h1"), STR("welcome"), STR("body one"), &same));
  assert_int_equal(one, same);
  steps[0].unit = one;
  OK(store_deploy(s, (uint32_t[]){ two, one }, 2, steps, 1, 10, &epoch));
  store_unit_count(s, one, false, 2);
  store_unit_count(s, one, false, -1);
  OK(store_commit(s));
  OK(store_begin(s));
  store_unit_count(s, two, false, 100);
  store_rollback(s);
  OK(store_begin(s));
  OK(store_deploy(s, (uint32_t[]){ two }, 1, NULL, 0, 20, &epoch));
  assert_int_equal(epoch, 2);
  OK(store_commit(s));
  OK(store_units(s, &a, &live, &count)); /* the old one lives: a strand stands in it */
  assert_int_equal(count, 2);
  assert_true(live[0].id == two && live[0].current && live[1].id == one && !live[1].current);
  IS("body one", live[1].body);
  IS("h2", live[0].hash);
  OK(store_begin(s));
  store_unit_count(s, one, false, -1);
  OK(store_commit(s));
  OK(store_units(s, &a, &live, &count));
  assert_int_equal(count, 1);
}

static void places(void **state) {
  (void)state;
  struct store_clock clock = { 1, 2, 3, 4, 5, 1, 6, 7, 8 }, clock_got;
  struct store_source source = { 1, 2, 3, 4, 5, 6 }, source_got;
  int64_t mark;
  OK(store_source_get(s, STR("stdin"), &source_got));
  assert_int_equal(source_got.line, 0);
  OK(store_sender_get(s, STR("file:x"), &mark));
  assert_int_equal(mark, 0);
  OK(store_begin(s));
  OK(store_clock_put(s, &clock));
  OK(store_source_put(s, STR("stdin"), &source));
  OK(store_sender_put(s, STR("file:x"), 77));
  OK(store_commit(s));
  open_again();
  OK(store_clock_get(s, &clock_got));
  OK(store_source_get(s, STR("stdin"), &source_got));
  OK(store_sender_get(s, STR("file:x"), &mark));
  assert_memory_equal(&clock_got, &clock, sizeof clock);
  assert_memory_equal(&source_got, &source, sizeof source);
  assert_int_equal(mark, 77);
}

/* Ids follow the input, whatever the batches, and the same key may come twice. */
static void contacts_by_key(void **state) {
  (void)state;
  enum { N = 3000 };
  static struct key_lookup keys[N];
  static char texts[N][16];
  for (int i = 0; i < N; i++) {
    snprintf(texts[i], sizeof texts[i], "c%d", i % 1000 + i / 2000 * 500);
    keys[i] = (struct key_lookup){ .key = str_from_c(texts[i]) };
  }
  OK(store_contacts(s, keys, N, false, 0));
  for (int i = 0; i < N; i++) assert_true(keys[i].id == 0 && !keys[i].fresh);
  OK(store_begin(s));
  OK(store_contacts(s, keys, N, true, 5));
  for (int i = 0; i < N; i++) assert_int_equal(keys[i].id, atoi(texts[i] + 1) + 1);
  for (int i = 0; i < N; i++) assert_true(keys[i].fresh);
  OK(store_commit(s));
  OK(store_begin(s));
  struct key_lookup two[] = { { .key = STR("new") }, { .key = STR("c7") } };
  OK(store_contacts(s, two, 2, true, 6));
  assert_true(two[0].fresh && !two[1].fresh && two[0].id == 1501 && two[1].id == 8);
  store_rollback(s);
  OK(store_contacts(s, two, 2, false, 6));
  assert_true(two[0].id == 0 && two[1].id == 8);
  OK(store_begin(s));
  two[0].key = STR("other");
  OK(store_contacts(s, two, 1, true, 6));
  assert_int_equal(two[0].id, 1501); /* the rolled-back number is given again */
  store_rollback(s);
}

static int64_t make_contact(const char *key, int64_t timer, struct strand_row *strands, uint32_t count) {
  struct key_lookup k = { .key = str_from_c(key) };
  OK(store_contacts(s, &k, 1, true, 1000));
  struct contact_row c = { .id = k.id, .key = k.key, .state = STR("\0state"), .attributes = STR("{\"city\":\"Bonn\"}"), .timer_ms = timer,
    .strands = strands, .strand_count = count, .fresh = k.fresh };
  OK(store_contact_write(s, &c, STORE_NEVER));
  return k.id;
}

static void a_contact_and_its_strands(void **state) {
  (void)state;
  struct strand_row rows[] = {
    { .slot = 1, .unit = 2, .pc = 3, .entry = 4, .fork = 5, .sends = 6, .due_ms = 7, .since_ms = 8, .base_ms = 9, .started_ms = 10,
      .converted = true, .locals = STR("lo\0cals"), .state = ROW_NEW },
    { .slot = LIMIT_STRANDS_COUNT, .unit = 2, .pc = 3, .entry = 1, .due_ms = STORE_NEVER, .since_ms = -8, .base_ms = -8, .started_ms = -8,
      .state = ROW_NEW },
  };
  struct contact_row c;
  OK(store_begin(s));
  int64_t id = make_contact("ann", 7, rows, 2);
  make_contact("bob", STORE_NEVER, NULL, 0);
  OK(store_commit(s));
  OK(store_contact_read(s, &a, id, &c));
  IS("ann", c.key);
  assert_true(str_eq(c.state, STR("\0state")));
  IS("{\"city\":\"Bonn\"}", c.attributes);
  assert_int_equal(c.timer_ms, 7);
  assert_int_equal(c.strand_count, 2);
  const struct strand_row *r = &c.strands[0], *far = &c.strands[1];
  assert_true(r->slot == 1 && r->unit == 2 && r->pc == 3 && r->entry == 4 && r->fork == 5 && r->sends == 6 && r->converted);
  assert_true(r->due_ms == 7 && r->since_ms == 8 && r->base_ms == 9 && r->started_ms == 10 && r->state == ROW_CLEAN);
  assert_true(str_eq(r->locals, STR("lo\0cals")));
  assert_true(far->slot == LIMIT_STRANDS_COUNT && far->due_ms == STORE_NEVER && far->base_ms == -8 && far->started_ms == -8);
  OK(store_begin(s));
  c.strands[0].state = ROW_GONE;
  c.strands[1].state = ROW_CHANGED;
  c.strands[1].pc = 30;
  c.state = STR("other");
  c.attributes = (struct str){ 0 };
  c.last_event = 12;
  OK(store_contact_write(s, &c, c.timer_ms));
  OK(store_commit(s));
  OK(store_contact_read(s, &a, id, &c));
  assert_true(c.strand_count == 1 && c.strands[0].pc == 30 && c.last_event == 12 && c.attributes.len == 0);
  IS("other", c.state);
  assert_int_equal(store_contact_read(s, &a, 99, &c), CAMP_NOT_FOUND);
}

/* Rows wait in memory to be written together, and nobody can tell: not within the transaction, not in what order contacts are written,
 * not when there are more of them than wait at a time. */
static void what_is_gathered_is_there(void **state) {
  (void)state;
  enum { MANY = 9000 };
  struct event_row e = { .at_ms = 5, .received_ms = 5, .name = 1, .body = STR("{\"a\":1}") }, seen;
  struct strand_row strand = { .slot = 1, .unit = 2, .pc = 3, .entry = 1, .due_ms = STORE_NEVER, .since_ms = 8, .base_ms = 8, .started_ms = 8,
                               .state = ROW_NEW };
  struct outbox_row m = { .at_ms = 7, .message = 1, .campaign = 1, .unit = 1, .pc = 1, .entry = 1, .state = OUTBOX_READY }, sent;
  struct contact_row c;
  OK(store_begin(s));
  int64_t first = make_contact("first", 7, &strand, 1), second = make_contact("second", 8, &strand, 1);
  e.contact = m.contact = first;
  OK(store_event_put(s, &e));
  OK(store_outbox_put(s, &m));
  /* Each is read before the commit, those written last first. */
  OK(store_event_get(s, &a, e.id, &seen));
  IS("{\"a\":1}", seen.body);
  OK(store_outbox_get(s, &a, m.id, &sent));
  assert_int_equal(sent.at_ms, 7);
  OK(store_contact_read(s, &a, second, &c));
  assert_true(str_eq(c.key, STR("second")) && c.strand_count == 1);
  OK(store_contact_read(s, &a, first, &c));
  assert_int_equal(c.strand_count, 1);
  /* One contact, written three times: its strand goes, comes back in the same slot, and is changed. */
  c.strands[0].state = ROW_GONE;
  OK(store_contact_write(s, &c, c.timer_ms));
  c.strands[0].state = ROW_NEW;
  c.strands[0].pc = 4;
  OK(store_contact_write(s, &c, c.timer_ms));
  OK(store_contact_read(s, &a, first, &c));
  assert_true(c.strand_count == 1 && c.strands[0].pc == 4);
  c.strands[0].state = ROW_CHANGED;
  c.strands[0].pc = 5;
  OK(store_contact_write(s, &c, c.timer_ms));
  /* What is put and taken back in turn. */
  OK(store_tag_put(s, 1, first, 5));
  OK(store_tag_put(s, 1, first, 6)); /* the earlier one stays */
  OK(store_tag_put(s, 1, second, 5));
  OK(store_tag_remove(s, 1, second));
  OK(store_outbox_state(s, m.id, OUTBOX_WITHDRAWN, 9, STR("why")));
  for (int i = 0; i < MANY; i++) {
    char body[32];
    struct event_row more = { .contact = second, .at_ms = i, .received_ms = i, .name = 1 };
    snprintf(body, sizeof body, "{\"n\":%d}", i);
    more.body = str_from_c(body); /* the row outlives what it was made of */
    OK(store_event_put(s, &more));
  }
  OK(store_commit(s));
  OK(store_contact_read(s, &a, first, &c));
  assert_true(c.strand_count == 1 && c.strands[0].pc == 5 && c.timer_ms == 7 && c.since_ms == 1000);
  OK(store_outbox_get(s, &a, m.id, &sent));
  assert_int_equal(sent.state, OUTBOX_WITHDRAWN);
  for (int i = 0; i < MANY; i += 999) {
    char body[32];
    snprintf(body, sizeof body, "{\"n\":%d}", i);
    OK(store_event_get(s, &a, e.id + 1 + i, &seen));
    IS(body, seen.body);
  }
  assert_int_equal(store_event_last(s), e.id + MANY);
  /* A rollback forgets what had not been written yet, too. */
  OK(store_begin(s));
  OK(store_event_put(s, &(struct event_row){ .contact = first, .at_ms = 1, .received_ms = 1, .name = 1 }));
  store_rollback(s);
  OK(store_begin(s));
  OK(store_commit(s));
  assert_int_equal(store_event_get(s, &a, e.id + MANY + 1, &seen), CAMP_NOT_FOUND);
}

static void set_timer(int64_t id, int64_t timer) {
  struct contact_row c;
  OK(store_contact_read(s, &a, id, &c));
  int64_t was = c.timer_ms;
  c.timer_ms = timer;
  OK(store_contact_write(s, &c, was));
}

static void expect_due(int64_t limit, uint32_t max, const char *want) {
  int64_t ids[16];
  uint32_t count;
  struct buf b;
  buf_init(&b, 1000);
  OK(store_due(s, limit, ids, max, &count));
  for (uint32_t i = 0; i < count; i++) buf_printf(&b, "%d ", (int)ids[i]);
  buf_c(&b, "");
  assert_string_equal(b.data ? b.data : "", want);
  buf_deinit(&b);
}

static void timers(void **state) {
  (void)state;
  int64_t next;
  OK(store_next_timer(s, &next));
  assert_true(next == STORE_NEVER);
  OK(store_begin(s));
  int64_t one = make_contact("one", 300, NULL, 0), two = make_contact("two", 100, NULL, 0), three = make_contact("three", 200, NULL, 0);
  make_contact("four", STORE_NEVER, NULL, 0);
  OK(store_commit(s));
  OK(store_next_timer(s, &next));
  assert_int_equal(next, 100);
  expect_due(250, 16, "2 3 ");
  expect_due(STORE_NEVER, 1, "2 ");
  OK(store_begin(s));
  expect_due(STORE_NEVER, 2, "2 3 ");
  expect_due(STORE_NEVER, 2, "1 "); /* without those taken */
  set_timer(two, 150);              /* fired: moves later; not shown again in this transaction */
  set_timer(three, STORE_NEVER);
  expect_due(STORE_NEVER, 2, "");
  OK(store_commit(s));
  expect_due(STORE_NEVER, 16, "2 1 ");
  OK(store_begin(s));
  set_timer(one, 50);               /* earlier */
  set_timer(one, STORE_NEVER);      /* and gone again */
  OK(store_commit(s));
  expect_due(STORE_NEVER, 16, "2 ");
  OK(store_begin(s));
  set_timer(two, 999);              /* later, and it has not fired: it stays, to fire and be looked at */
  OK(store_commit(s));
  OK(store_next_timer(s, &next));
  assert_int_equal(next, 150);
  OK(store_begin(s));
  set_timer(two, 10);
  store_rollback(s);
  OK(store_next_timer(s, &next));
  assert_int_equal(next, 150);
}

static void events(void **state) {
  (void)state;
  uint32_t name, count;
  struct event_row *rows, got;
  OK(store_begin(s));
  OK(store_name(s, NAME_EVENT, STR("purchase"), &name));
  int64_t ann = make_contact("ann", STORE_NEVER, NULL, 0);
  struct event_row e1 = { .contact = ann, .at_ms = -5, .received_ms = 9, .name = name, .ident = UINT64_MAX, .body = STR("{\"a\":1}"),
    .outcome = STR("late"), .kind = EVENT_IMPORTED };
  struct event_row e2 = { .contact = ann, .at_ms = 7, .received_ms = 7, .name = name }, e3 = e2;
  OK(store_event_put(s, &e1));
  OK(store_event_put(s, &e2));
  OK(store_event_put(s, &e3));
  assert_int_equal(store_event_last(s), 3);
  OK(store_event_settle(s, e2.id, e2.contact, e1.id, STR("capped")));
  OK(store_event_remove(s, e3.id));
  OK(store_clock_put(s, &(struct store_clock){ .event_done = 3 }));
  OK(store_commit(s));
  OK(store_inbox(s, &a, 0, 10, 10, &rows, &count));
  assert_int_equal(count, 2);
  assert_true(rows[0].at_ms == -5 && rows[0].received_ms == 9 && rows[0].ident == UINT64_MAX && rows[0].kind == EVENT_IMPORTED);
  IS("{\"a\":1}", rows[0].body);
  IS("late", rows[0].outcome);
  assert_true(rows[1].prev == e1.id && rows[1].received_ms == 7 && rows[1].ident == 0 && rows[1].body.len == 0);
  OK(store_inbox(s, &a, 1, 1, 10, &rows, &count));
  assert_int_equal(count, 0);
  OK(store_event_get(s, &a, e2.id, &got));
  IS("capped", got.outcome);
  assert_int_equal(store_event_get(s, &a, e3.id, &got), CAMP_NOT_FOUND);
  open_again();
  assert_int_equal(store_event_last(s), 3); /* a removed number is not given again */
  OK(store_begin(s));
  e1.contact = ann;
  OK(store_event_put(s, &e1));
  assert_int_equal(e1.id, 4);
  store_rollback(s);
  assert_int_equal(store_event_last(s), 3);
}

static void seen_and_entries(void **state) {
  (void)state;
  struct str *chunks;
  uint32_t count;
  bool was;
  OK(store_begin(s));
  OK(store_seen_put(s, 1, 10, STR("ten")));
  OK(store_seen_put(s, 1, 10, STR("ten again")));
  OK(store_seen_put(s, 1, 20, STR("twenty")));
  OK(store_seen_put(s, 2, 10, STR("other")));
  OK(store_seen_get(s, &a, 1, 10, &chunks, &count));
  assert_int_equal(count, 3);
  IS("ten again", chunks[1]);
  OK(store_seen_get(s, &a, 1, 11, &chunks, &count));
  assert_int_equal(count, 1);
  OK(store_entry_key(s, 1, 2, UINT64_MAX, false, &was));
  assert_false(was);
  OK(store_entry_key(s, 1, 2, UINT64_MAX, true, &was));
  assert_false(was);
  OK(store_entry_key(s, 1, 2, UINT64_MAX, true, &was));
  assert_true(was);
  OK(store_commit(s));
}

struct ready { uint32_t count; char text[200]; };
static struct ready ready(bool by_time, int64_t until, uint32_t max) {
  struct outbox_item *items;
  struct ready r = { 0, "" };
  size_t at = 0;
  OK(store_outbox_ready(s, &a, by_time, until, max, &items, &r.count));
  for (uint32_t i = 0; i < r.count; i++)
    at += (size_t)snprintf(r.text + at, sizeof r.text - at, STR_FMT "@%d ", STR_ARG(items[i].key), (int)items[i].row.at_ms);
  return r;
}

static int64_t put_message(int64_t contact, int64_t at, uint8_t state) {
  struct outbox_row o = { .contact = contact, .at_ms = at, .message = 1, .campaign = 2, .unit = 3, .entry = 4, .fork = 5, .ordinal = 6,
    .pc = 7, .state = state, .reason = state == OUTBOX_DROPPED ? STR("no consent") : STR("") };
  OK(store_outbox_put(s, &o));
  return o.id;
}

static void outbox(void **state) {
  (void)state;
  struct outbox_row got;
  OK(store_begin(s));
  int64_t bob = make_contact("bob", STORE_NEVER, NULL, 0), ann = make_contact("ann", STORE_NEVER, NULL, 0);
  int64_t b20 = put_message(bob, 20, OUTBOX_READY), b10 = put_message(bob, 10, OUTBOX_READY), a10 = put_message(ann, 10, OUTBOX_READY);
  int64_t dropped = put_message(ann, 5, OUTBOX_DROPPED), a30 = put_message(ann, 30, OUTBOX_READY);
  OK(store_commit(s));
  assert_string_equal(ready(false, 100, 10).text, "bob@20 bob@10 ann@10 ann@30 ");
  assert_string_equal(ready(true, 100, 10).text, "ann@10 bob@10 bob@20 ann@30 ");
  assert_string_equal(ready(true, 20, 2).text, "ann@10 bob@10 ");
  assert_string_equal(ready(false, 15, 10).text, "bob@10 ann@10 ");
  OK(store_outbox_get(s, &a, b20, &got));
  assert_true(got.contact == bob && got.entry == 4 && got.fork == 5 && got.ordinal == 6 && got.pc == 7 && got.unit == 3 && got.sent_ms == 0);
  OK(store_outbox_get(s, &a, dropped, &got));
  assert_int_equal(got.state, OUTBOX_DROPPED);
  IS("no consent", got.reason);
  OK(store_begin(s));
  OK(store_outbox_state(s, a10, OUTBOX_SENT, 40, STR("")));
  OK(store_outbox_state(s, b10, OUTBOX_CLAIMED, 40, STR("")));
  OK(store_outbox_state(s, b20, OUTBOX_DEFERRED, 500, STR("greylisted")));
  assert_int_equal(store_outbox_state(s, 99, OUTBOX_SENT, 40, STR("")), CAMP_NOT_FOUND);
  OK(store_commit(s));
  OK(store_outbox_get(s, &a, a10, &got));
  assert_int_equal(got.sent_ms, 40);
  assert_string_equal(ready(false, 100, 10).text, "ann@30 ");
  assert_string_equal(ready(true, 100, 10).text, "ann@30 ");
  assert_string_equal(ready(false, 500, 10).text, "bob@20 ann@30 ");
  assert_string_equal(ready(true, 500, 10).text, "bob@20 ann@30 ");
  open_again(); /* a claim does not outlive its claimer */
  assert_string_equal(ready(true, 500, 10).text, "bob@10 bob@20 ann@30 ");
  OK(store_begin(s));
  OK(store_outbox_state(s, b20, OUTBOX_SENT, 501, STR("")));
  OK(store_outbox_state(s, b10, OUTBOX_FAILED, 501, STR("no such address")));
  store_rollback(s);
  assert_string_equal(ready(true, 500, 10).text, "bob@10 bob@20 ann@30 ");
  OK(store_begin(s));
  OK(store_outbox_state(s, b20, OUTBOX_SENT, 501, STR("")));
  OK(store_outbox_state(s, b10, OUTBOX_FAILED, 501, STR("no such address")));
  OK(store_outbox_state(s, a30, OUTBOX_WITHDRAWN, 501, STR("")));
  OK(store_commit(s));
  assert_int_equal(ready(true, 999, 10).count, 0);
  open_again();
  assert_int_equal(ready(false, 999, 10).count, 0);
}

/* Batch after batch in order of time, with rows put in between. */
static void outbox_in_batches(void **state) {
  (void)state;
  struct outbox_item *items;
  uint32_t count, total = 0;
  OK(store_begin(s));
  int64_t ann = make_contact("ann", STORE_NEVER, NULL, 0);
  for (int i = 0; i < 500; i++) put_message(ann, (i * 7919) % 500, OUTBOX_READY);
  OK(store_commit(s));
  int64_t last = -1;
  for (;;) {
    OK(store_outbox_ready(s, &a, true, 1000, 30, &items, &count));
    if (!count) break;
    OK(store_begin(s));
    for (uint32_t i = 0; i < count; i++) {
      assert_true(items[i].row.at_ms >= last);
      last = items[i].row.at_ms;
      OK(store_outbox_state(s, items[i].row.id, OUTBOX_SENT, 1000, STR("")));
    }
    if (total == 300) put_message(ann, 900, OUTBOX_READY);
    OK(store_commit(s));
    total += count;
  }
  assert_int_equal(total, 501);
  assert_int_equal(last, 900);
}

static void rejects(void **state) {
  (void)state;
  struct reject_row *rows;
  uint32_t count;
  OK(store_begin(s));
  for (int i = 1; i <= 3; i++)
    OK(store_reject_put(s, &(struct reject_row){ .at_ms = 9, .line = i, .source = STR("stdin"), .reason = STR("no contact"),
      .text = STR("\xff\x00 bytes") }));
  OK(store_commit(s));
  OK(store_rejects(s, &a, 1, 10, &rows, &count));
  assert_int_equal(count, 2);
  assert_true(rows[0].line == 2 && str_eq(rows[0].text, STR("\xff\x00 bytes")));
}

static bool print_row(void *context, int columns, const char *const *column_names, const char *const *row) {
  for (int i = 0; i < columns; i++) buf_printf(context, "%s%s", i ? "|" : "", row ? (row[i] ? row[i] : "-") : column_names[i]);
  buf_byte(context, '\n');
  return true;
}

static void expect_report(const char *name, const char *argument, const char *want) {
  struct buf b;
  buf_init(&b, 1 << 16);
  OK(store_report(s, name, str_from_c(argument), print_row, &b));
  assert_string_equal(b.data, want);
  buf_deinit(&b);
}

static void reports(void **state) {
  (void)state;
  uint32_t event, message, campaign, list, tag, unit, epoch;
  OK(store_begin(s));
  OK(store_name(s, NAME_EVENT, STR("purchase"), &event));
  OK(store_name(s, NAME_MESSAGE, STR("coupon"), &message));
  OK(store_name(s, NAME_CAMPAIGN, STR("welcome"), &campaign));
  OK(store_name(s, NAME_LIST, STR("buyers"), &list));
  OK(store_name(s, NAME_LIST, STR("vip"), &tag));
  OK(store_unit_put(s, STR("\x01\x02"), STR("welcome"), STR("code"), &unit));
  OK(store_deploy(s, &unit, 1, &(struct stored_step){ unit, 7, 3, 2, STR("welcome.camp"), STR("wait 7d") }, 1, 0, &epoch));
  struct strand_row strand = { .slot = 1, .unit = unit, .pc = 7, .entry = 1, .due_ms = 604800000, .since_ms = 0, .state = ROW_NEW };
  int64_t bob = make_contact("bob", STORE_NEVER, NULL, 0), ann = make_contact("ann", 604800000, &strand, 1);
  store_unit_count(s, unit, false, 1);
  struct event_row e1 = { .contact = ann, .at_ms = 1000, .received_ms = 1000, .name = event, .body = STR("{}") };
  OK(store_event_put(s, &e1));
  struct event_row noise = { .contact = bob, .at_ms = 1500, .received_ms = 1500, .name = event };
  OK(store_event_put(s, &noise));
  struct event_row e2 = { .contact = ann, .at_ms = 2000, .received_ms = 2000, .name = event, .prev = e1.id, .outcome = STR("too late") };
  OK(store_event_put(s, &e2));
  struct outbox_row o = { .contact = ann, .at_ms = 2000, .message = message, .campaign = campaign, .unit = unit, .pc = 7, .entry = 1 };
  OK(store_outbox_put(s, &o));
  OK(store_outbox_state(s, o.id, OUTBOX_DROPPED, 2000, STR("no consent")));
  OK(store_member_put(s, list, ann, 1000));
  OK(store_member_put(s, list, bob, 1000));
  OK(store_member_remove(s, list, bob));
  OK(store_tag_put(s, tag, ann, 1001));
  OK(store_tag_put(s, tag, bob, 1001));
  OK(store_tag_remove(s, tag, bob));
  OK(store_goal_put(s, campaign, ann, 1, 3000, e2.id));
  struct contact_row c;
  OK(store_contact_read(s, &a, ann, &c));
  c.last_event = e2.id;
  c.last_message = o.id;
  OK(store_contact_write(s, &c, c.timer_ms));
  OK(store_commit(s));
  expect_report("status_campaigns", "", "campaign|version|runs|state\nwelcome|0102|1|\n");
  expect_report("status_due", "", "campaign|step|file|line|contacts|next\nwelcome|wait 7d|welcome.camp|3|1|1970-01-08T00:00:00.000Z\n");
  expect_report("status_outbox", "", "state|message|count\ndropped|coupon|1\n");
  expect_report("contact_card", "ann", "contact|attributes|known_since\nann|{\"city\":\"Bonn\"}|1970-01-01T00:00:01.000Z\n");
  expect_report("contact_card", "nobody", "contact|attributes|known_since\n");
  expect_report("contact_members", "ann", "kind|name|since\nlist|buyers|1970-01-01T00:00:01.000Z\ntag|vip|1970-01-01T00:00:01.001Z\n");
  expect_report("contact_positions", "ann",
                "campaign|file|line|step|waits_until|waiting_since|started|entry|fork\n"
                "welcome|welcome.camp|3|wait 7d|1970-01-08T00:00:00.000Z|1970-01-01T00:00:00.000Z|1970-01-01T00:00:00.000Z|1|0\n");
  expect_report("contact_timeline", "ann",
                "at|what|name|detail|outcome\n"
                "1970-01-01T00:00:01.000Z|event|purchase|{}|-\n"
                "1970-01-01T00:00:01.000Z|joined|buyers|-|-\n"
                "1970-01-01T00:00:01.001Z|tagged|vip|-|-\n"
                "1970-01-01T00:00:02.000Z|event|purchase|-|too late\n"
                "1970-01-01T00:00:02.000Z|message|coupon|welcome|dropped: no consent\n"
                "1970-01-01T00:00:03.000Z|goal met|welcome|-|-\n");
  expect_report("dump_messages", "", "contact|campaign|message|entry|fork|ordinal|at|state|reason\n"
                                     "ann|welcome|coupon|1|0|0|1970-01-01T00:00:02.000Z|dropped|no consent\n");
  expect_report("dump_members", "", "contact|list|since\nann|#vip|1970-01-01T00:00:01.001Z\nann|buyers|1970-01-01T00:00:01.000Z\n");
  expect_report("dump_conversions", "", "contact|campaign|entry|at\nann|welcome|1|1970-01-01T00:00:03.000Z\n");
  expect_report("dump_positions", "",
                "contact|campaign|entry|fork|file|line|step|waits_until|waiting_since|started|sends|converted\n"
                "ann|welcome|1|0|welcome.camp|3|wait 7d|1970-01-08T00:00:00.000Z|1970-01-01T00:00:00.000Z|1970-01-01T00:00:00.000Z|0|0\n");
  expect_report("dump_events", "",
                "contact|at|event|kind|properties|outcome\n"
                "ann|1970-01-01T00:00:01.000Z|purchase|track|{}|-\n"
                "ann|1970-01-01T00:00:02.000Z|purchase|track|-|too late\n"
                "bob|1970-01-01T00:00:01.500Z|purchase|track|-|-\n");
  expect_report("rejects", "", "at|source|line|reason|text\n");
}

/* A reader in the middle of a query sees one state, and the writer goes on beside it. */
static bool write_meanwhile(void *context, int columns, const char *const *column_names, const char *const *row) {
  (void)columns, (void)column_names;
  if (!row) return true;
  int *rows = context;
  OK(store_begin(s));
  OK(store_reject_put(s, &(struct reject_row){ .line = 1, .source = STR("stdin"), .reason = STR("r"), .text = STR("t") }));
  OK(store_commit(s));
  return ++*rows < 50;
}

static void readers_beside_the_writer(void **state) {
  (void)state;
  struct store *reader;
  struct store_error e;
  int rows = 0;
  OK(store_begin(s));
  for (int i = 0; i < 3; i++)
    OK(store_reject_put(s, &(struct reject_row){ .line = 1, .source = STR("stdin"), .reason = STR("r"), .text = STR("t") }));
  OK(store_commit(s));
  OK(store_open(path, &(struct store_options){ .read_only = true }, &reader, &e));
  OK(store_report(reader, "rejects", STR(""), write_meanwhile, &rows));
  assert_int_equal(rows, 3);
  store_close(reader);
  struct store_stats stats;
  OK(store_checkpoint(s));
  store_stats(s, &stats);
  assert_true(stats.db_bytes > 0 && stats.wal_bytes == 0 && stats.wal_peak_bytes > 0 && stats.bytes_written > 0);
}

static void forgetting(void **state) {
  (void)state;
  uint32_t event, later, again;
  struct key_lookup who = { .key = STR("ann") };
  OK(store_begin(s));
  OK(store_name(s, NAME_EVENT, STR("purchase"), &event));
  OK(store_commit(s));
  uint32_t kept = store_name_count(s);
  for (int round = 0; round < 2; round++) {
    struct event_row row = { .at_ms = 5, .received_ms = 5, .name = event };
    int64_t due = 0;
    OK(store_begin(s));
    OK(store_name(s, NAME_LIST, STR("vip"), &later));
    who = (struct key_lookup){ .key = STR("ann") };
    OK(store_contacts(s, &who, 1, true, 5));
    row.contact = who.id;
    OK(store_event_put(s, &row));
    OK(store_contact_write(s, &(struct contact_row){ .id = who.id, .key = who.key, .fresh = true, .timer_ms = 9, .known_ms = 5 },
                           STORE_NEVER));
    OK(store_commit(s));
    /* The second round finds all as the first did: ids begin anew, and so do the names that were made meanwhile. */
    assert_int_equal(who.id, 1);
    assert_int_equal(row.id, 1);
    assert_int_equal(later, kept + 1);
    OK(store_begin(s));
    OK(store_forget(s, kept));
    OK(store_commit(s));
    OK(store_next_timer(s, &due));
    assert_true(due == STORE_NEVER);
    assert_int_equal(store_name_find(s, NAME_LIST, STR("vip")), 0);
    assert_int_equal(store_name_find(s, NAME_EVENT, STR("purchase")), event);
    who = (struct key_lookup){ .key = STR("ann") };
    OK(store_contacts(s, &who, 1, false, 5));
    assert_int_equal(who.id, 0);
  }
  /* Taken back, it has forgotten nothing. */
  OK(store_begin(s));
  OK(store_name(s, NAME_LIST, STR("vip"), &later));
  OK(store_commit(s));
  OK(store_begin(s));
  OK(store_forget(s, kept));
  store_rollback(s);
  OK(store_begin(s));
  OK(store_name(s, NAME_LIST, STR("vip"), &again));
  store_rollback(s);
  assert_int_equal(again, later);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/camp.db", folder);
  const struct CMUnitTest tests[] = { T(names), T(names_have_a_limit), T(units), T(places), T(contacts_by_key),
    T(a_contact_and_its_strands), T(what_is_gathered_is_there), T(timers), T(events), T(seen_and_entries), T(outbox), T(outbox_in_batches), T(rejects), T(reports),
    T(readers_beside_the_writer), T(forgetting) };
  int failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
  remove(path);
  rmdir(folder);
  return failed;
}
