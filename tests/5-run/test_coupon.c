/* Codes: against Python's hmac, and every slip of the hand that the last letter promises to find. */
#include "vm/coupon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* From Python: hmac.new(secret, b"code\\0" + campaign + b"\\0" + contact, hashlib.sha256), and the check by its definition. */
static const struct { const char *secret, *campaign, *contact, *code; } vectors[] = {
  { "0123456789abcdef", "SUMMER", "ann", "JNTA-70JD-2Z2" },
  { "0123456789abcdef", "SUMMER", "bob", "09VY-7ZBM-0AY" },
  { "0123456789abcdef", "WINTER", "ann", "5923-A0N0-J2A" },
  { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "\xc3\xa9t\xc3\xa9",
    "ann@example.com", "MWXK-J1R2-2KN" },
  { "k", "", "", "Q6ZB-2RFE-T5J" },
};

static void as_python_makes_them(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    char got[COUPON_BYTES + 1], read[COUPON_BYTES + 1];
    coupon_make(str_from_c(vectors[i].secret), str_from_c(vectors[i].campaign), str_from_c(vectors[i].contact), got);
    assert_string_equal(got, vectors[i].code);
    assert_true(coupon_read(str_from_c(got), read));
    assert_string_equal(read, got);
  }
}

static void as_people_type_them(void **state) {
  (void)state;
  static const struct { const char *typed; bool good; } cases[] = {
    { "JNTA-70JD-2Z2", true },  { "jnta70jd2z2", true },   { " JNTA 7OJD 2Z2 ", true }, { "JNTA-7oJD-2Z2", true },
    { "JNTA-70JD-2Z", false },  { "JNTA-70JD-2Z22", false }, { "", false },             { "UNTA-70JD-2Z2", false },
    { "JNTA-70JD-2Z!", false }, { "0000-0000-000", true /* a code of nobody, but a code */ }, { "\xc3\xa9", false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char read[COUPON_BYTES + 1];
    if (coupon_read(str_from_c(cases[i].typed), read) != cases[i].good) fail_msg("%s", cases[i].typed);
  }
  char one[COUPON_BYTES + 1], other[COUPON_BYTES + 1];
  assert_true(coupon_read(STR("MWXK-J1R2-2KN"), one));
  assert_true(coupon_read(STR("mwxk-jlr2-2kn"), other)); /* l for 1 */
  assert_string_equal(one, other);
}

/* Each place with each other letter; each two neighbours that differ. */
static void slips_are_found(void **state) {
  (void)state;
  char read[COUPON_BYTES + 1];
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
    for (size_t at = 0; at < COUPON_BYTES; at++) {
      char slip[COUPON_BYTES + 1];
      if (vectors[i].code[at] == '-') continue;
      memcpy(slip, vectors[i].code, sizeof slip);
      for (const char *c = letters; *c; c++) {
        slip[at] = *c;
        assert_int_equal(coupon_read(str_from_c(slip), read), *c == vectors[i].code[at]);
      }
      size_t next = at + 1 < COUPON_BYTES && vectors[i].code[at + 1] == '-' ? at + 2 : at + 1;
      if (next >= COUPON_BYTES || vectors[i].code[next] == vectors[i].code[at]) continue;
      slip[at] = vectors[i].code[next];
      slip[next] = vectors[i].code[at];
      assert_false(coupon_read(str_from_c(slip), read));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_python_makes_them),
    cmocka_unit_test(as_people_type_them),
    cmocka_unit_test(slips_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
