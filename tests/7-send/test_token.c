/* Tokens: those of our secret are read back, and any other text is none. The MACs of the first test come from Python's hmac. */
#include "runtime/send/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct str secret = { "a secret", 8 };
#define VERSION { 0x00, 0x44, 0x32, 0x14, 0xc7 } /* in base32: abcdefgh */

static void written_as_said(void **state) {
  char text[TOKEN_BYTES];
  token_write(text, secret, 7);
  assert_string_equal(text, "7.qcou77gerkkztnu63s526lnf5a");
  token_link_write(text, secret, &(struct link_token){ .kind = TOKEN_CLICK, .outbox_id = 7, .link = 3, .version = VERSION });
  assert_string_equal(text, "7-3-abcdefgh.27fttjs4hvytu5bl24d4n4xy5u");
  token_link_write(text, secret, &(struct link_token){ .kind = TOKEN_UNSUBSCRIBE, .outbox_id = 7, .version = VERSION });
  assert_string_equal(text, "7-abcdefgh.lxzrwnodcgbcwomcz64zaph5ky");
  token_link_write(text, secret, &(struct link_token){ .kind = TOKEN_OPEN, .outbox_id = 7 });
  assert_string_equal(text, "7.r5bzxjehoiovsdkxent6pmb6re");
}

static const struct link_token tokens[] = {
  { TOKEN_CLICK, 1, 0, VERSION }, { TOKEN_CLICK, 999999999999999999, 999999999, { 0xff, 0xff, 0xff, 0xff, 0xff } }, { TOKEN_CLICK, 12, 34, { 0 } },
  { TOKEN_OPEN, 1, 0, { 0 } }, { TOKEN_UNSUBSCRIBE, 1, 0, VERSION }, { TOKEN_PREFERENCES, 1, 0, { 0 } }, { TOKEN_VIEW, 1, 0, { 0 } },
};
enum { TOKENS = sizeof tokens / sizeof *tokens };

static bool is_read(struct str text, struct str by, enum token_kind kind, struct link_token *out) {
  *out = (struct link_token){ .link = 77 };
  bool good = token_link_read(text, by, kind, out);
  if (!good) assert_int_equal(out->link, 77); /* nothing was written */
  return good;
}

static void read_back(void **state) {
  struct link_token out;
  for (int i = 0; i < TOKENS; i++) {
    char text[TOKEN_BYTES];
    token_link_write(text, secret, &tokens[i]);
    assert_true(is_read(str_from_c(text), secret, tokens[i].kind, &out));
    assert_true(out.kind == tokens[i].kind && out.outbox_id == tokens[i].outbox_id && out.link == tokens[i].link);
    assert_memory_equal(out.version, tokens[i].version, TOKEN_VERSION_BYTES);
    assert_false(is_read(str_from_c(text), STR("another"), tokens[i].kind, &out));
    assert_false(is_read(str_from_c(text), STR(""), tokens[i].kind, &out));
    for (enum token_kind kind = TOKEN_CLICK; kind <= TOKEN_VIEW; kind++) assert_true(kind == tokens[i].kind || !is_read(str_from_c(text), secret, kind, &out));
  }
}

/* Each byte changed to each other one, left out, doubled; the end cut off; something behind it. */
static void one_byte_is_enough(void **state) {
  struct link_token out;
  for (int i = 0; i < TOKENS; i++) {
    char text[TOKEN_BYTES], other[TOKEN_BYTES + 2];
    token_link_write(text, secret, &tokens[i]);
    size_t n = strlen(text);
    for (size_t at = 0; at < n; at++) {
      for (int c = 0; c < 256; c++) {
        memcpy(other, text, n);
        other[at] = (char)c;
        assert_true(other[at] == text[at] || !is_read((struct str){ other, n }, secret, tokens[i].kind, &out));
      }
      assert_false(is_read((struct str){ text, at }, secret, tokens[i].kind, &out));
      memcpy(other, text, at);
      memcpy(other + at, text + at + 1, n - at - 1);
      assert_false(is_read((struct str){ other, n - 1 }, secret, tokens[i].kind, &out));
      memcpy(other, text, at + 1);
      memcpy(other + at + 1, text + at, n - at);
      assert_false(is_read((struct str){ other, n + 1 }, secret, tokens[i].kind, &out));
    }
    snprintf(other, sizeof other, "0%s", text);
    assert_false(is_read(str_from_c(other), secret, tokens[i].kind, &out));
  }
}

/* In the local part of an address, whose case a mail system may change. */
static void found_in_a_text(void **state) {
  char token[TOKEN_BYTES], text[200];
  int64_t id;
  token_write(token, secret, 1234567890123);
  snprintf(text, sizeof text, "To: bounce+%s@shop.example, 1.2.3", token);
  assert_true(token_find(str_from_c(text), secret, &id) && id == 1234567890123);
  for (char *c = text; *c; c++) *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
  assert_true(token_find(str_from_c(text), secret, &id) && id == 1234567890123);
  assert_false(token_find(str_from_c(text), STR("another"), &id));
  snprintf(text, sizeof text, "9%s", token);
  assert_false(token_find(str_from_c(text), secret, &id)); /* of another number */
  snprintf(text, sizeof text, "1.aaaaaaaaaaaaaaaaaaaaaaaaaa %s", token);
  assert_true(token_find(str_from_c(text), secret, &id) && id == 1234567890123);
  assert_false(token_find((struct str){ token, strlen(token) - 1 }, secret, &id));
  assert_false(token_find(STR(""), secret, &id));
}

static void found_in_an_address(void **state) {
  static const char *const forms[] = { "%s", "https://mail.shop.example%s", "203.0.113.7 - - [22/Nov/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" 302 0 \"-\" \"x\"",
    "POST %s?a=b HTTP/1.1", "/u/1.aaaa /c/1-1 %s" };
  struct links links = { .base = STR(""), .secret = secret, .real = true };
  struct link_token out;
  char text[400];
  struct buf b;
  buf_init(&b, 400);
  for (int i = 0; i < TOKENS; i++) {
    buf_clear(&b);
    links_write(&b, &links, &tokens[i], STR("key"));
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      snprintf(text, sizeof text, forms[k], b.data);
#pragma GCC diagnostic pop
      assert_true(links_read(str_from_c(text), secret, &out));
      assert_true(out.kind == tokens[i].kind && out.outbox_id == tokens[i].outbox_id);
    }
  }
  buf_deinit(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(written_as_said), cmocka_unit_test(read_back), cmocka_unit_test(one_byte_is_enough),
                                      cmocka_unit_test(found_in_a_text), cmocka_unit_test(found_in_an_address) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
