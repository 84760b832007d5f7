/* Numbers with what stands behind them: percentages, money, durations, days of a month; dates and times; see lex.h.
 *
 * Not for spellings of amounts that are not the language's (lex_money.c).
 *
 * Invariant: letters and digits that are glued to a number belong to its token and to its mistake. */
#include "lex_parts.h"

#include "diagnostics.h"
#include "grammar.h"
#include "vm/base/limits.h"
#include "vm/calendar.h"

/* --- numbers --------------------------------------------------------------------------------------------------------*/

enum unit_of { UNIT_NONE, UNIT_MS, UNIT_DAYS, UNIT_MONTHS };
struct time_unit { const char *word; enum unit_of of; int64_t scale; bool glued; };
static const struct time_unit time_units[] = {
  { "s", UNIT_MS, 1000, true }, { "m", UNIT_MS, 60000, true }, { "h", UNIT_MS, 3600000, true },
  { "d", UNIT_DAYS, 1, true }, { "w", UNIT_DAYS, 7, true }, { "mo", UNIT_MONTHS, 1, true },
  { "y", UNIT_MONTHS, 12, true },
  { "second", UNIT_MS, 1000, false }, { "seconds", UNIT_MS, 1000, false }, { "minute", UNIT_MS, 60000, false },
  { "minutes", UNIT_MS, 60000, false }, { "hour", UNIT_MS, 3600000, false }, { "hours", UNIT_MS, 3600000, false },
  { "day", UNIT_DAYS, 1, false }, { "days", UNIT_DAYS, 1, false }, { "week", UNIT_DAYS, 7, false },
  { "weeks", UNIT_DAYS, 7, false }, { "month", UNIT_MONTHS, 1, false }, { "months", UNIT_MONTHS, 1, false },
  { "year", UNIT_MONTHS, 12, false }, { "years", UNIT_MONTHS, 12, false },
};

static const struct time_unit *unit_find(struct str word) {
  for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++)
    if (str_is(word, time_units[i].word)) return &time_units[i];
  return NULL;
}

static double number_of(struct str digits) {
  int64_t whole;
  if (digits.len <= 15 && lex_scaled(digits, 1, &whole)) return (double)whole;
  char copy[400];
  if (digits.len >= sizeof copy) return -1;
  memcpy(copy, digits.ptr, digits.len);
  copy[digits.len] = '\0';
  double n = strtod(copy, NULL); /* no locale is ever set, so the point is a point */
  return n <= 1.7976931348623157e308 ? n : -1;
}

static struct diagnostic *number_bad(struct lexer *l, struct token *t, const char *why) {
  l->faulty = true;
  int shown = (int)(t->to - t->from);
  return diag(l->c, DIAG_E0106, span_of(l, t->from, t->to), "`%.*s%s` %s", shown > 40 ? 40 : shown,
              (const char *)l->text + t->from, shown > 40 ? "…" : "", why);
}

static struct value duration_of(struct lexer *l, struct token *t, struct str digits, const struct time_unit *u) {
  struct value v = { .type = u->of == UNIT_MS ? V_EXACT : V_CALENDAR };
  int64_t n = 0;
  bool fits = lex_scaled(digits, u->of == UNIT_MS ? 1000 : 1, &n);
  if (!fits && u->of != UNIT_MS && memchr(digits.ptr, '.', digits.len)) {
    number_bad(l, t, "is not whole")->help = STR("durations that follow the calendar are whole; exact ones (h, m, s) need not be");
    return v;
  }
  fits = fits && !__builtin_mul_overflow(n, u->scale, &n);
  if (u->of == UNIT_MS) {
    fits = fits && n % 1000 == 0;
    n /= 1000;
  }
  int64_t most = u->of == UNIT_MS ? 300LL * 366 * MS_PER_DAY : u->of == UNIT_DAYS ? 300 * 366 : 300 * 12;
  if (!fits || n > most) {
    number_bad(l, t, fits ? "is longer than 300 years" : "is no duration that can be measured");
    return v;
  }
  if (u->of == UNIT_MONTHS) v.aux = (uint32_t)n;
  else v.i = n;
  return v;
}

/* The unit that a word was meant to be, in the number that goes with the digits; empty when none is near. */
static struct str unit_nearest(struct str digits, struct str word) {
  struct str alike = lex_unit_alike(word, str_is(digits, "1"));
  if (alike.len) return alike;
  struct nearest near = nearest_of(word);
  for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
    struct str unit = str_from_c(time_units[i].word);
    if (!time_units[i].glued && str_ends(unit, STR("s")) != str_is(digits, "1")) nearest_try(&near, unit);
  }
  return near.best;
}

/* `4o EUR`: a letter among the digits of an amount. What was reported as no duration is money, so that nothing else is. */
static const unsigned char *amount_behind(struct token *t, const unsigned char *at) {
  const unsigned char *from = at;
  while (*from == ' ') from++;
  const unsigned char *to = from;
  while (is_word(*to)) to++;
  uint32_t currency = currency_parse(str_slice((const char *)from, (const char *)to));
  if (from == at || !currency) return at;
  t->kind = TOK_MONEY;
  t->value = value_money(0, currency);
  return to;
}

static void unit_unknown(struct lexer *l, struct token *t, struct str digits, struct str word) {
  l->faulty = true;
  uint32_t from = (uint32_t)((const unsigned char *)word.ptr - l->text);
  struct str best = unit_nearest(digits, word);
  bool glued = from > 0 && is_word(l->text[from - 1]);
  struct diagnostic *d = diag(l->c, DIAG_E0110, span_of(l, from, from + (uint32_t)word.len),
      "`" STR_FMT "` is not a unit of time", (int)(word.len > 40 ? 40 : word.len), word.ptr);
  d->expected = STR("a duration such as `90s`, `30m`, `24h`, `7d`, `2w`, `1mo` or `1y`");
  t->kind = TOK_DURATION;
  t->value = (struct value){ .type = V_EXACT };
  if (!best.len) return;
  d->help = arena_printf(&l->c->arena, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(digits), STR_ARG(best));
  d->has_fix = true;
  d->fix = (struct fix){ d->span, arena_printf(&l->c->arena, glued ? " " STR_FMT : STR_FMT, STR_ARG(best)) };
  t->value = duration_of(l, t, digits, unit_find(best)); /* so that it is of the kind that was meant */
}

/* 1st, 2nd, 3rd, 4th: a day of the month. Which letters follow which number is not looked at. */
static bool ordinal(struct str digits, struct str word) {
  for (size_t i = 0; i < digits.len; i++)
    if (!is_digit((unsigned char)digits.ptr[i])) return false;
  return str_is(word, "st") || str_is(word, "nd") || str_is(word, "rd") || str_is(word, "th");
}

/* Behind a number, glued to it: a unit of time or a currency; with space between: a long unit or a currency. */
static void number_suffix(struct lexer *l, struct token *t, struct str digits) {
  const unsigned char *at = l->cursor;
  bool glued = is_word(*at);
  while (!glued && (*at == ' ' || *at == '\t')) at++;
  const unsigned char *from = at;
  while (is_word(*at)) at++;
  struct str word = str_slice((const char *)from, (const char *)at);
  struct currency_word sign = lex_currency_sign(from), named = lex_currency_word(word);
  if (sign.bytes && !is_digit(from[sign.bytes])) {
    lex_money_misspelt(l, t, digits, sign, from + sign.bytes);
    return;
  }
  if (word.len == 0) return;
  if (!memchr(digits.ptr, '.', digits.len) && digits.len <= 2 && lex_clock_alike(l, t, number_of(digits) < 13 ? (int64_t)number_of(digits) : 0, 0)) return;
  const struct time_unit *u = unit_find(word);
  if (currency_parse(word)) {
    t->kind = TOK_MONEY;
    t->to = (uint32_t)(at - l->text);
    int64_t amount = 0;
    if (!lex_scaled(digits, MONEY_SCALE, &amount)) number_bad(l, t, "is too large or has more than four decimals");
    t->value = value_money(amount, currency_parse(word));
  } else if (u && (glued || !u->glued)) {
    t->kind = TOK_DURATION;
    t->to = (uint32_t)(at - l->text);
    t->value = duration_of(l, t, digits, u);
  } else if (u && *at != ':') {
    t->kind = TOK_DURATION;
    lex_unit_apart(l, t, digits, word);
    t->value = duration_of(l, t, digits, u);
    return;
  } else if (glued && ordinal(digits, word)) {
    t->kind = TOK_ORDINAL;
    t->to = (uint32_t)(at - l->text);
  } else if (glued && str_is(word, "xx") && digits.len == 1 && digits.ptr[0] >= '1' && digits.ptr[0] <= '5') { /* 5xx: of HTTP */
    t->kind = TOK_STATUS;
    t->to = (uint32_t)(at - l->text);
  } else if (named.bytes) {
    lex_money_misspelt(l, t, digits, named, at);
  } else if (glued || (lex_keyword(l, word) == TOK_NAME && unit_nearest(digits, word).len)) {
    t->to = (uint32_t)(at - l->text);
    unit_unknown(l, t, digits, word);
    at = amount_behind(t, at);
  } else {
    return; /* another word, which is its own token */
  }
  l->cursor = at;
}

void lex_number(struct lexer *l, struct token *t) {
  struct str digits = str_slice((const char *)l->text + t->from, (const char *)l->cursor);
  t->to = (uint32_t)(l->cursor - l->text);
  bool percent = t->kind == TOK_PERCENT;
  if (percent) digits.len--;
  else if (lex_date_alike(l, t) || lex_thousands(l, t)) return;
  if (*l->cursor == '.' && is_digit(l->cursor[1])) {
    while (is_digit(*l->cursor) || *l->cursor == '.' || is_word(*l->cursor)) l->cursor++;
    t->to = (uint32_t)(l->cursor - l->text);
    number_bad(l, t, "is not a number");
  } else if (!percent) {
    number_suffix(l, t, digits);
    if (t->kind != TOK_NUMBER && t->kind != TOK_ORDINAL && t->kind != TOK_STATUS) return;
  }
  double n = number_of(digits);
  if (n < 0) {
    number_bad(l, t, "is too large");
    n = 0;
  }
  t->value = value_number(n);
  if (percent) t->value.type = V_PERCENT;
}

/* --- dates and times ------------------------------------------------------------------------------------------------*/

/* At most four digits are a part of a date or time; of seconds the scanner lets any more pass, which are too many all the same. */
static int64_t digits_at(const unsigned char **at) {
  int64_t n = 0;
  for (; is_digit(**at); (*at)++)
    if (n < 10000) n = n * 10 + (**at - '0');
  return n;
}

/* Letters or digits glued to a date or time belong to the mistake. */
static void date_end(struct lexer *l, struct token *t, const char *why) {
  if (lex_zone_alike(l, t)) return;
  bool glued = is_word(*l->cursor);
  while (is_word(*l->cursor)) l->cursor++;
  t->to = (uint32_t)(l->cursor - l->text);
  if (glued) why = "is followed by letters or digits";
  if (!why) return;
  l->faulty = true;
  int shown = (int)(t->to - t->from);
  struct diagnostic *d = diag(l->c, DIAG_E0107, span_of(l, t->from, t->to), "`%.*s%s` %s", shown > 40 ? 40 : shown,
      (const char *)l->text + t->from, shown > 40 ? "…" : "", why);
  d->expected = t->kind == TOK_TIME ? STR("a time such as `09:00`")
                : t->kind == TOK_DATE ? STR("a date such as `2026-12-24`")
                                      : STR("a date and time such as `2026-12-24 18:00`");
}

static const char *time_read(const unsigned char **at, int64_t *ms) {
  int64_t hour = digits_at(at), minute, second = 0;
  (*at)++;
  minute = digits_at(at);
  if (**at == ':' && is_digit((*at)[1])) {
    (*at)++;
    second = digits_at(at);
  }
  *ms = 0;
  if (hour > 23) return "has an hour that no day has";
  if (minute > 59) return "has a minute that no hour has";
  if (second > 59) return "has a second that no minute has";
  *ms = ((hour * 60 + minute) * 60 + second) * MS_PER_SECOND;
  return NULL;
}

void lex_time(struct lexer *l, struct token *t) {
  const unsigned char *at = l->text + t->from;
  int64_t ms;
  const char *why = time_read(&at, &ms);
  if (lex_clock_alike(l, t, ms / (60 * 60 * MS_PER_SECOND), ms / (60 * MS_PER_SECOND) % 60)) return;
  date_end(l, t, why);
  t->value = (struct value){ .type = V_TIME, .i = ms };
}

void lex_date(struct lexer *l, struct token *t) {
  const unsigned char *at = l->text + t->from, *part;
  const char *why = NULL;
  int64_t year = digits_at(&at), month, day, ms = 0;
  part = ++at;
  month = digits_at(&at);
  if (at - part != 2) why = "needs two digits for the month";
  part = ++at;
  day = digits_at(&at);
  if (at - part != 2 && !why) why = "needs two digits for the day";
  if (!why && (year < LIMIT_YEAR_MIN || year > LIMIT_YEAR_MAX)) why = "is outside the years 1900 to 2200";
  if (!why && (month < 1 || month > 12)) why = "has a month that no year has";
  if (!why && (day < 1 || day > calendar_month_days(year, (int)month))) why = "has a day that its month does not have";
  int64_t days = why ? 0 : calendar_days(year, (int)month, (int)day);
  if (t->kind == TOK_DATETIME) {
    while (!is_digit(*at)) at++;
    const char *time_why = time_read(&at, &ms);
    if (!why) why = time_why;
  }
  date_end(l, t, why);
  if (t->kind == TOK_DATETIME) t->value = (struct value){ .type = V_LOCAL, .i = days * MS_PER_DAY + ms };
  else t->value = (struct value){ .type = V_DATE, .i = days };
}
