#ifndef CAMP_VM_LIQUID_LOCALE_H
#define CAMP_VM_LIQUID_LOCALE_H
/* What languages write differently; see liquid_locale.c. */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum lq_money_place { MONEY_BEHIND, MONEY_BEFORE, MONEY_BEFORE_SPACE }; /* 1 €, €1, € 1 */
enum lq_plural { PLURAL_ONE, PLURAL_FRENCH, PLURAL_POLISH, PLURAL_CZECH, PLURAL_ROMANIAN, PLURAL_RUSSIAN };
struct lq_locale {
  char language[4], point, group[4], minus[4];
  enum lq_money_place money;
  enum lq_plural plural;
  char currency[4], sign[4];  /* its own, by a sign that other languages do not use */
  const char *months[12], *months_short[12], *days[7], *days_short[7];
};
/* "fr", "fr-CA", "FR_fr"; NULL when the language is none of these. */
const struct lq_locale *lq_locale_find(struct str name);
const struct lq_locale *lq_locale_english(void);
/* 0 the first form of a word that counts have: one, (few,) many. */
uint32_t lq_plural_form(const struct lq_locale *l, double n, bool whole);
struct str lq_currency_sign(const struct lq_locale *l, struct str currency);
#endif
