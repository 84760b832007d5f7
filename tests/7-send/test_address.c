/* Mail addresses, before any of them reaches a header or a dialogue: which pass, as what, and why others do not. */
#include "runtime/send/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

enum { ADDRESS, READ_AS, WHY, CASE_PARTS };
#define SIXTY_FOUR "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
static const char *const addresses[][CASE_PARTS] = {
  /* as they are */
  { "ann@shop.example", "ann@shop.example" }, { "a@b", "a@b" }, { "Ann.O'Hara+tag@Shop.Example", "Ann.O'Hara+tag@Shop.Example" },
  { "!#$%&'*+-/=?^_`{|}~@x.example", "!#$%&'*+-/=?^_`{|}~@x.example" }, { SIXTY_FOUR "@x.example", SIXTY_FOUR "@x.example" },
  { "ann@[192.0.2.1]", "ann@[192.0.2.1]" }, { "ann@[IPv6:2001:db8::1]", "ann@[IPv6:2001:db8::1]" }, { "ann@x_y.example", "ann@x_y.example" },
  { "\"ann b\"@x.example", "\"ann b\"@x.example" }, { "\"a@b\"@x.example", "\"a@b\"@x.example" }, { "\"a\\\"b\"@x.example", "\"a\\\"b\"@x.example" },
  { "\"<a>,;\"@x.example", "\"<a>,;\"@x.example" },
  /* hosts beyond ASCII become ASCII; local parts stay, and ask the server for SMTPUTF8 */
  { "zoe@müller.example", "zoe@xn--mller-kva.example" }, { "zoe@MÜLLER.example", "zoe@xn--mller-kva.example" },
  { "zoe@straße.example", "zoe@xn--strae-oqa.example" }, { "zoe@例え.テスト", "zoe@xn--r8jz45g.xn--zckzah" }, { "zoë@x.example", "zoë@x.example" },
  { "用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah" }, { "زوي@x.example", "زوي@x.example" },
  /* none */
  { "", NULL, "has no @" }, { "ann", NULL, "has no @" }, { "@x.example", NULL, "has nothing before its @" }, { "ann@", NULL, "has no host behind its @" },
  { "ann@@x.example", NULL, "holds a character that no address has" }, { "ann b@x.example", NULL, "holds a blank" },
  { "ann@x.example, bob@x.example", NULL, "holds a character that no address has" }, { "ann@x.example,bob@x.example", NULL, "holds a character that no address has" },
  { "ann@x.example;bob@x.example", NULL, "holds a character that no address has" },
  { "Ann <ann@x.example>", NULL, "holds a blank" }, { "<ann@x.example>", NULL, "holds a character that no address has" },
  { "ann(work)@x.example", NULL, "holds a character that no address has" }, { "ann@x.example (work)", NULL, "has no host name behind its @" },
  { "ann@x .example", NULL, "has no host name behind its @" }, { "ann@x.example.", NULL, "has no host name behind its @" },
  { ".ann@x.example", NULL, "has a dot beside its @ or at its beginning" }, { "ann.@x.example", NULL, "has a dot beside its @ or at its beginning" },
  { "a..b@x.example", "a..b@x.example" }, /* some providers have given such ones out */
  { SIXTY_FOUR "a@x.example", NULL, "has more than 64 bytes before its @" }, { "ann@-x.example", NULL, "has no host name behind its @" },
  { "ann@x-.example", NULL, "has no host name behind its @" },
  { "ann@x..example", NULL, "has no host name behind its @" }, { "ann@.x.example", NULL, "has no host name behind its @" },
  { "ann@" SIXTY_FOUR ".example", NULL, "has no host name behind its @" }, { "ann@[192.0.2.1", NULL, "has no host name behind its @" },
  { "ann@[x y]", NULL, "has no host name behind its @" }, { "ann@xn--\xc3\xbc.example", NULL, "has no host name behind its @" },
  { "\"ann@x.example", NULL, "has quotes that do not end before its @" }, { "\"a\"b\"@x.example", NULL, "has quotes that do not end before its @" },
  { "\"\"@x.example", NULL, "has quotes that do not end before its @" }, { "\"a\\\"@x.example", NULL, "has quotes that do not end before its @" },
  /* what ends a line, or turns it around */
  { "ann\r\nBcc: eve@x.example", NULL, "holds a control character" }, { "ann@x.example\n", NULL, "holds a control character" },
  { "\"a\rb\"@x.example", NULL, "holds a control character" }, { "ann\x7f@x.example", NULL, "holds a control character" },
  { "ann\xe2\x80\xa8@x.example", NULL, "holds a control character" }, { "ann\xc2\x85@x.example", NULL, "holds a control character" },
  { "ann@x.example\xe2\x80\xae", NULL, "holds a control character" }, { "\xe2\x81\xa6" "ann@x.example", NULL, "holds a control character" },
  { "\xef\xbb\xbf" "ann@x.example", NULL, "holds a control character" }, { "ann\xe2\x80\x8b@x.example", NULL, "holds a control character" },
  { "ann\xff@x.example", NULL, "is not UTF-8" }, { "ann\xed\xa0\x80@x.example", NULL, "is not UTF-8" }, { "ann\xc0\x80@x.example", NULL, "is not UTF-8" },
};

static void one_address(void **state) {
  int failed = 0;
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    const char *const *t = addresses[i], *why = "";
    struct str out = { "", 0 };
    bool good = address_read(&arena, str_from_c(t[ADDRESS]), &out, &why);
    bool right = good == (t[READ_AS] != NULL) && (good ? str_is(out, t[READ_AS]) : strcmp(why, t[WHY]) == 0);
    if (!right) print_message("# %s: %s " STR_FMT "\n", t[ADDRESS], good ? "read as" : why, STR_ARG(good ? out : STR("")));
    failed += !right;
  }
  assert_int_equal(failed, 0);
}

static void long_addresses(void **state) {
  char text[400];
  struct str out;
  const char *why;
  memset(text, 'a', sizeof text);
  memcpy(text, "ann@", 4);
  for (size_t i = 53; i < sizeof text; i += 50) text[i] = '.';
  assert_true(address_read(&arena, (struct str){ text, 4 + 249 }, &out, &why));
  assert_false(address_read(&arena, (struct str){ text, 4 + 253 }, &out, &why));
  assert_string_equal(why, "is too long");
  assert_false(address_read(&arena, (struct str){ "ann\0b@x.example", 15 }, &out, &why));
  assert_string_equal(why, "holds a control character");
}

enum { TEXT, NAME, BARE, SAID, MAILBOX_PARTS };
static const char *const mailboxes[][MAILBOX_PARTS] = {
  { "ann@x.example", "", "ann@x.example" }, { "Ann <ann@x.example>", "Ann", "ann@x.example" }, { "  Ann B   <ann@x.example>  ", "Ann B", "ann@x.example" },
  { "\"Ann, of \\\"X\\\"\" <ann@x.example>", "Ann, of \"X\"", "ann@x.example" }, { "<ann@x.example>", "", "ann@x.example" },
  { "Zoë <zoe@müller.example>", "Zoë", "zoe@xn--mller-kva.example" }, { "a <b> <ann@x.example>", "a <b>", "ann@x.example" },
  { "ann@x.example <eve@x.example>", "ann@x.example", "eve@x.example" },
  { "Ann ann@x.example>", NULL, NULL, "has a > without its <" }, { "Ann <ann@x.example> x", NULL, NULL, "holds a blank" },
  { "Ann <ann@x.example, bob@x.example>", NULL, NULL, "holds a character that no address has" }, { "Ann <>", NULL, NULL, "has no @" }, { "", NULL, NULL, "has no @" },
  { "Ann\nBcc: x <ann@x.example>", NULL, NULL, "holds a control character" }, { "Ann \xe2\x80\xae<ann@x.example>", NULL, NULL, "holds a control character" },
};

static void a_name_and_an_address(void **state) {
  int failed = 0;
  for (size_t i = 0; i < sizeof mailboxes / sizeof *mailboxes; i++) {
    const char *const *t = mailboxes[i], *why = "";
    struct mailbox out;
    bool good = mailbox_read(&arena, str_from_c(t[TEXT]), &out, &why);
    bool right = good == (t[NAME] != NULL) && (good ? str_is(out.name, t[NAME]) && str_is(out.address, t[BARE]) : strcmp(why, t[SAID]) == 0);
    if (!right) print_message("# %s: %s " STR_FMT " <" STR_FMT ">\n", t[TEXT], good ? "read as" : why, STR_ARG(out.name), STR_ARG(out.address));
    failed += !right;
  }
  assert_int_equal(failed, 0);
}

static void hosts(void **state) {
  assert_true(str_is(address_host(STR("\"a@b\"@x.example")), "x.example"));
  assert_int_equal(address_host(STR("ann")).len, 0);
  assert_int_equal(address_host(STR("")).len, 0);
  assert_true(hosts_align(STR("x.example"), STR("X.Example")));
  assert_true(hosts_align(STR("mail.x.example"), STR("x.example")));
  assert_true(hosts_align(STR("x.example"), STR("a.b.x.example")));
  assert_false(hosts_align(STR("ax.example"), STR("x.example")));
  assert_false(hosts_align(STR("a.x.example"), STR("b.x.example")));
  assert_false(hosts_align(STR(""), STR("x.example")));
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(one_address), cmocka_unit_test(long_addresses), cmocka_unit_test(a_name_and_an_address),
                                      cmocka_unit_test(hosts) };
  arena_init(&arena, 4096);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  arena_deinit(&arena);
  return failed;
}
