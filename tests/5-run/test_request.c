/* Requests of channels and operations: one that passes, for each rule a change that is refused with a sentence, and bytes that are cut
 * or changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/assemble.h"
#include "vm/request.h"

enum { URL, USER, KEY, HEADER, JSON_LIST, JSON_ELEMENT, JSON_END, JSON_TEXT, ITEMS };
static struct request_item items[ITEMS];
static struct request_piece pieces[4];
static struct request request;

static void build(struct assembler *s, struct arena *a) {
  asm_init(s, a, "sms");
  s->unit.kind = UNIT_CHANNEL;
  uint32_t url = asm_string(s, "https://a.example/"), to = asm_string(s, "to"), phone = asm_string(s, "phone");
  pieces[0] = (struct request_piece){ PIECE_TEXT, url };
  pieces[1] = (struct request_piece){ PIECE_SECRET, to };
  pieces[2] = (struct request_piece){ PIECE_GIVEN, to };
  pieces[3] = (struct request_piece){ PIECE_CONST, asm_const(s, "5") };
  items[URL] = (struct request_item){ IN_URL, REQ_TEXT, NONE, 0, 2 };
  items[USER] = (struct request_item){ IN_USER, REQ_VALUE, NONE, 1, 1 };
  items[KEY] = (struct request_item){ IN_KEY, REQ_VALUE, NONE, 1, 1 };
  items[HEADER] = (struct request_item){ IN_HEADER, REQ_TEXT, to, 0, 3 };
  items[JSON_LIST] = (struct request_item){ IN_JSON, REQ_LIST, to, 0, 0 };
  items[JSON_ELEMENT] = (struct request_item){ IN_JSON, REQ_VALUE, NONE, 3, 1 };
  items[JSON_END] = (struct request_item){ IN_JSON, REQ_END, NONE, 0, 0 };
  items[JSON_TEXT] = (struct request_item){ IN_JSON, REQ_TEXT, phone, 2, 2 };
  request = (struct request){ .method = METHOD_POST, .json = true, .address = phone, .id_path = to, .retry = { 429, 5 }, .retry_count = 2,
                              .retry_up_to = asm_value(s, "3d"), .items = items, .item_count = ITEMS, .pieces = pieces, .piece_count = 4 };
  s->unit.request = &request;
}

#define CHANGE(name, statement) static void name(struct assembler *s) { (void)s; statement; }
CHANGE(none, s->unit.request = NULL)
CHANGE(method, request.method = 5)
CHANGE(address, request.address = 99)
CHANGE(address_of_operation, s->unit.kind = UNIT_OPERATION)
CHANGE(id_path, request.id_path = 99)
CHANGE(up_to, request.retry_up_to = value_number(3))
CHANGE(no_items, request.item_count = 0)
CHANGE(piece_kind, pieces[0].kind = 9)
CHANGE(piece_string, pieces[1].at = 99)
CHANGE(piece_attr, (pieces[2].kind = PIECE_ATTR, pieces[2].at = 0))
CHANGE(piece_const, pieces[3].at = 9)
CHANGE(item_kind, items[URL].kind = 9)
CHANGE(item_place, items[JSON_TEXT].place = 9)
CHANGE(no_url, items[URL].place = IN_HEADER)
CHANGE(two_urls, items[USER].place = IN_URL)
CHANGE(order, items[JSON_TEXT].place = IN_HEADER)
CHANGE(two_keys, items[USER].place = IN_KEY)
CHANGE(no_body, request.json = false)
CHANGE(name_out, items[HEADER].name = 99)
CHANGE(header_name, items[HEADER].name = NONE)
CHANGE(pieces_out, items[HEADER].piece_count = 9)
CHANGE(first_out, items[HEADER].first_piece = UINT32_MAX)
CHANGE(value_of_two, items[KEY].piece_count = 2)
CHANGE(open_in_header, items[HEADER].kind = REQ_OBJECT)
CHANGE(open_with_pieces, items[JSON_LIST].piece_count = 1)
CHANGE(end_with_name, items[JSON_END].name = 0)
CHANGE(closed_twice, (items[JSON_TEXT].kind = REQ_END, items[JSON_TEXT].name = NONE, items[JSON_TEXT].piece_count = 0))
CHANGE(not_closed, request.item_count = JSON_END)
CHANGE(element_with_name, items[JSON_ELEMENT].name = 0)
CHANGE(member_without, items[JSON_TEXT].name = NONE)

#define CASE(name, text) { #name, name, text }
static const struct { const char *name; void (*change)(struct assembler *s); const char *text; } cases[] = {
  CASE(none, "it has no request"), CASE(method, "its method is unknown"), CASE(address, "its address is no attribute"),
  CASE(address_of_operation, "its address is no attribute"), CASE(id_path, "its number stands nowhere"),
  CASE(up_to, "it is tried for no time"), CASE(no_items, "it has no URL"), CASE(piece_kind, "a piece is of no kind"),
  CASE(piece_string, "a piece names no string"), CASE(piece_attr, "a piece names no field"),
  CASE(piece_const, "a piece names no constant"), CASE(item_kind, "an item is of no kind"), CASE(item_place, "an item is of no kind"),
  CASE(no_url, "the URL does not come first, once"), CASE(two_urls, "the URL does not come first, once"),
  CASE(order, "items are out of order"), CASE(two_keys, "an authorization is given twice"),
  CASE(no_body, "an item is of a body that there is not"), CASE(name_out, "an item has no name"),
  CASE(header_name, "an item has no name"), CASE(pieces_out, "an item has no pieces"), CASE(first_out, "an item has no pieces"),
  CASE(value_of_two, "a value is not one piece"), CASE(open_in_header, "what opens or closes stands where it cannot"),
  CASE(open_with_pieces, "what opens or closes stands where it cannot"), CASE(end_with_name, "an end has a name"),
  CASE(closed_twice, "what closes was not opened"), CASE(not_closed, "what opens is not closed"),
  CASE(element_with_name, "a member has no name, or an element has one"), CASE(member_without, "a member has no name, or an element has one"),
};

static void requests_are_checked(void **state) {
  (void)state;
  int bad = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a;
    struct assembler s;
    struct program_error e;
    char wanted[256];
    arena_init(&a, 1 << 12);
    build(&s, &a);
    assert_int_equal(unit_verify(asm_unit(&s), &e), CAMP_OK);
    cases[i].change(&s);
    snprintf(wanted, sizeof wanted, "the request: %s", cases[i].text);
    const char *flaw = request_flaw(&s.unit);
    if (!flaw || strcmp(flaw, cases[i].text) != 0) {
      print_message("# %s: got `%s`, wanted `%s`\n", cases[i].name, flaw ? flaw : "nothing", cases[i].text);
      bad++;
    } else if (s.unit.request) {
      assert_int_equal(unit_verify(asm_unit(&s), &e), CAMP_CORRUPT);
      assert_string_equal(e.text, wanted);
    }
    arena_deinit(&a);
  }
  assert_int_equal(bad, 0);
}

/* Equal bytes come back as an equal table; any prefix is refused, and of any changed byte nothing worse comes than an error. */
static void bytes_are_not_trusted(void **state) {
  (void)state;
  struct arena a;
  struct assembler s;
  struct program_error e;
  struct unit back;
  arena_init(&a, 1 << 12);
  build(&s, &a);
  struct unit *u = asm_unit(&s);
  unit_seal(&a, u);
  assert_int_equal(unit_read(&a, u->body_bytes, &back, &e), CAMP_OK);
  unit_seal(&a, &back);
  assert_memory_equal(back.hash, u->hash, UNIT_HASH_BYTES);
  assert_int_equal(back.request->item_count, ITEMS);
  struct buf listing;
  buf_init(&listing, 1 << 16);
  unit_disassemble(&listing, &back);
  assert_non_null(strstr(listing.data, "  json   list   \"to\"\n  json   value  = 5\n"));
  for (size_t n = 0; n < u->body_bytes.len; n++) {
    struct str cut = arena_str(&a, (struct str){ u->body_bytes.ptr, n });
    assert_int_not_equal(unit_read(&a, cut, &back, &e), CAMP_OK);
  }
  for (size_t n = 0; n < u->body_bytes.len; n++)
    for (unsigned byte = 0; byte < 256; byte += byte < 16 || byte > 240 ? 1 : 37) {
      struct arena own;
      arena_init(&own, 1 << 12);
      struct str changed = arena_str(&own, u->body_bytes);
      ((char *)(uintptr_t)changed.ptr)[n] = (char)byte;
      buf_clear(&listing);
      if (unit_read(&own, changed, &back, &e) == CAMP_OK) unit_disassemble(&listing, &back);
      arena_deinit(&own);
    }
  buf_deinit(&listing);
  arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(requests_are_checked), cmocka_unit_test(bytes_are_not_trusted) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
