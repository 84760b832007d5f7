#ifndef CAMP_VM_LIQUID_NUMBER_H
#define CAMP_VM_LIQUID_NUMBER_H
/* Liquid's numbers: integers of any size, floats, and the exact decimals in between that arithmetic uses, so that
 * 0.1 + 0.2 prints 0.3. */
#include "liquid_value.h"

/* A number while a filter works: an integer, or coefficient * 10^-scale. */
struct lq_num {
  bool decimal, infinite, nan, negative; /* negative: of an infinite one, and of a decimal zero, which prints -0.0 */
  int32_t scale;             /* of a decimal, not negative */
  int64_t i;                 /* the coefficient, when big is NULL */
  const struct lq_big *big;
};

bool lq_num_of(struct lq_cx *cx, struct lq v, struct lq_num *out) MUST_CHECK; /* anything; what is no number is 0 */
/* Decimals become floats. */
bool lq_num_value(struct lq_cx *cx, struct lq_num n, struct lq *out) MUST_CHECK;
bool lq_num_add(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) MUST_CHECK;
bool lq_num_sub(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) MUST_CHECK;
bool lq_num_mul(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) MUST_CHECK;
bool lq_num_div(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) MUST_CHECK;
bool lq_num_mod(struct lq_cx *cx, struct lq_num a, struct lq_num b, struct lq_num *out) MUST_CHECK;
bool lq_num_cmp(struct lq_cx *cx, struct lq_num a, struct lq_num b, int *out) MUST_CHECK;
struct lq_num lq_num_abs(struct lq_cx *cx, struct lq_num a);
/* To `digits` decimals: half away from zero, down, up. */
enum lq_rounding { LQ_HALF_UP, LQ_FLOOR, LQ_CEIL };
bool lq_num_round(struct lq_cx *cx, struct lq_num a, int64_t digits, enum lq_rounding how, struct lq_num *out) MUST_CHECK;
int lq_num_sign(struct lq_num a);

/* Digits with an optional sign, as an integer of any size; false beyond LIMIT_LIQUID_DIGITS_COUNT. */
bool lq_int_parse(struct lq_cx *cx, bool negative, struct str digits, struct lq *out) MUST_CHECK;
/* Ruby's String#to_i: the integer that the text begins with, or 0. */
bool lq_to_i(struct lq_cx *cx, struct str s, struct lq *out) MUST_CHECK;
/* The reference's to_integer: an integer or a text that is one; the error "invalid integer" otherwise. Beyond 64 bits clamped. */
bool lq_to_integer(struct lq_cx *cx, struct lq v, int64_t *out) MUST_CHECK;
/* Texts: at most 32 bytes; returns the length. */
size_t lq_int_print(int64_t i, char out[32]);
size_t lq_float_print(double n, char out[32]);
bool lq_big_print(struct lq_buf *b, const struct lq_big *big) MUST_CHECK;
bool lq_big_equal(const struct lq_big *a, const struct lq_big *b);
int lq_big_cmp(const struct lq_big *a, const struct lq_big *b);
bool lq_big_negative(const struct lq_big *b);
int lq_big_bit(const struct lq_big *b, int64_t at); /* as two's complement has it; 0 before the first */
double lq_big_double(const struct lq_big *b);
int64_t lq_big_bytes(const struct lq_big *b); /* Ruby's Integer#size */
#endif
