/* Who falls where in a split. Every number here was computed by a Python program of five lines with hashlib, from what the
 * reference says of the hash; none comes from our own output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "vm/digest.h"
#include "vm/program.h"

static void sha_256_is_the_standards(void **state) {
  static const uint8_t abc[DIGEST_BYTES] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                             0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
  const struct str parts[] = { STR("a"), { NULL, 0 }, STR("bc") };
  uint8_t out[DIGEST_BYTES];
  digest_sha256(parts, 3, out); /* FIPS 180-4's own example, in pieces */
  assert_memory_equal(out, abc, sizeof out);
}

static void places_are_what_anybody_computes(void **state) {
  static const struct { const char *key, *id; uint32_t place; } cases[] = {
    { "ann", "welcome\n1", 274624 },
    { "ann@example.com", "Black Friday\nsubject", 449530 },
    { "", "\n", 292550 },
    { "größe", "kampagne\n2", 528626 },
    { "0", "a\nb", 691607 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(digest_place(str_from_c(cases[i].key), str_from_c(cases[i].id)), cases[i].place);
}

/* Of 100,000 contacts: how many fall into each tenth is what Python counted, and its chi-square of 9 degrees of freedom is far
 * below 21.67, which one fair draw in a hundred passes. Two splits of one campaign do not know each other. */
static void contacts_are_shared_out_evenly(void **state) {
  static const uint32_t counted[10] = { 10059, 9968, 10041, 10067, 10109, 10001, 9801, 10012, 9887, 10055 };
  uint32_t tenths[10] = { 0 }, same = 0;
  double chi_square = 0;
  char key[16];
  for (int i = 0; i < 100000; i++) {
    snprintf(key, sizeof key, "c%d", i);
    uint32_t one = digest_place(str_from_c(key), STR("welcome\n1")), two = digest_place(str_from_c(key), STR("welcome\n2"));
    tenths[one / (SPLIT_PLACES / 10)]++;
    same += one / (SPLIT_PLACES / 2) == two / (SPLIT_PLACES / 2);
  }
  for (int i = 0; i < 10; i++) {
    assert_int_equal(tenths[i], counted[i]);
    chi_square += ((double)tenths[i] - 10000) * ((double)tenths[i] - 10000) / 10000;
  }
  assert_true(chi_square < 21.67);
  assert_int_equal(same, 50005);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sha_256_is_the_standards),
    cmocka_unit_test(places_are_what_anybody_computes),
    cmocka_unit_test(contacts_are_shared_out_evenly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
