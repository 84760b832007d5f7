/* What hands and programs write in place of what a script wants, and what it was surely meant to be: dates and times of day as other
 * places write them, short words for units, the blanks and dashes of word processors, comments of other languages, files that are no text.
 *
 * Not here: quotation marks (lex_text.c), currencies (lex_money.c) and operators (lex.c); words that are no token's business (habits.c).
 *
 *   1. One mistake is reported once, and the token is still given as what it was meant to be, so that nothing behind it is said twice.
 *   2. A fix is offered where only one reading is left: of 01/02/2026 there are two, of 24/12/2026 one.
 *   3. Each function looks at its own bytes once, so a hostile text costs no more than a good one. */
#include "lex_parts.h"

#include "diagnostics.h"
#include "grammar.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"
#include "vm/calendar.h"

static struct diagnostic *report(struct lexer *l, enum diag_code code, struct token *t, const unsigned char *to, const char *what) {
  struct span span = faulty_to(l, t, to);
  int shown = (int)(t->to - t->from);
  return diag(l->c, code, span, "`%.*s%s` %s", shown > 40 ? 40 : shown, (const char *)l->text + t->from, shown > 40 ? "…" : "", what);
}

static void mend(struct diagnostic *d, struct str with) {
  d->has_fix = true;
  d->fix = (struct fix){ d->span, with };
}

/* --- times of day ------------------------------------------------------------------------------------------------------*/

/* Behind am or pm, with or without blanks before it: 0 when it is not there. The hour becomes one of 24. */
static const unsigned char *half_day(const unsigned char *at, int64_t *hour) {
  while (*at == ' ' || *at == '\t') at++;
  bool am = *at == 'a' || *at == 'A', pm = *at == 'p' || *at == 'P';
  if (!(am || pm) || (at[1] != 'm' && at[1] != 'M') || is_word(at[2]) || *hour < 1 || *hour > 12) return NULL;
  *hour = *hour % 12 + (pm ? 12 : 0);
  return at + 2;
}

bool lex_clock_alike(struct lexer *l, struct token *t, int64_t hour, int64_t minute) {
  const unsigned char *to = half_day(l->cursor, &hour);
  if (!to || minute > 59) return false;
  struct diagnostic *d = report(l, DIAG_E0107, t, to, "is not how a time is written");
  d->expected = STR("a time such as `09:00`");
  mend(d, arena_printf(&l->c->arena, "%02d:%02d", (int)hour, (int)minute));
  t->kind = TOK_TIME;
  t->value = (struct value){ .type = V_TIME, .i = (hour * 60 + minute) * 60 * MS_PER_SECOND };
  return true;
}

/* --- dates ---------------------------------------------------------------------------------------------------------------*/

static const unsigned char *number_at(const unsigned char *at, int digits_max, int64_t *n) {
  const unsigned char *from = at;
  for (*n = 0; is_digit(*at) && at - from < digits_max; at++) *n = *n * 10 + (*at - '0');
  return at > from && !is_digit(*at) ? at : NULL;
}

static bool is_day(int64_t year, int64_t month, int64_t day) {
  return year >= LIMIT_YEAR_MIN && year <= LIMIT_YEAR_MAX && month >= 1 && month <= 12 && day >= 1 && day <= calendar_month_days(year, (int)month);
}

/* 24/12/2026, 24.12.2026, 24-12-2026, 12/24/2026, 2026/12/24, perhaps with a time of day behind it. */
bool lex_date_alike(struct lexer *l, struct token *t) {
  const unsigned char *at = l->text + t->from, *time;
  int64_t first, second, third, hour = 0, minute = 0;
  if (!(at = number_at(at, 4, &first))) return false;
  unsigned char sign = *at;
  if ((sign != '/' && sign != '.' && sign != '-') || !(at = number_at(at + 1, 2, &second)) || *at != sign) return false;
  if (!(at = number_at(at + 1, 4, &third)) || is_word(*at) || (first > 999) == (third > 999)) return false;
  int64_t year = first > 999 ? first : third, month = second, day = first > 999 ? third : first;
  bool other = first <= 999 && sign != '.' && first != second && is_day(year, first, second);
  bool good = is_day(year, month, day);
  if (!good && !other) return false;
  for (time = at; *time == ' ' || *time == '\t';) time++;
  bool timed = time > at && (time = number_at(time, 2, &hour)) && *time == ':' && (time = number_at(time + 1, 2, &minute)) && hour < 24 && minute < 60 && !is_word(*time);
  struct diagnostic *d = report(l, DIAG_E0107, t, timed ? time : at, "is not how a date is written");
  d->expected = timed ? STR("a date and time such as `2026-12-24 18:00`") : STR("a date such as `2026-12-24`");
  struct arena *a = &l->c->arena;
  if (good && other) {
    d->help = arena_printf(a, "year, month, day: `%04d-%02d-%02d` or `%04d-%02d-%02d`?", (int)year, (int)first, (int)second, (int)year, (int)month, (int)day);
  } else {
    if (!good) month = first, day = second;
    struct str date = arena_printf(a, "%04d-%02d-%02d", (int)year, (int)month, (int)day);
    mend(d, timed ? arena_printf(a, STR_FMT " %02d:%02d", STR_ARG(date), (int)hour, (int)minute) : date);
  }
  int64_t days = calendar_days(year, (int)month, (int)day);
  t->kind = timed ? TOK_DATETIME : TOK_DATE;
  t->value = timed ? (struct value){ .type = V_LOCAL, .i = days * MS_PER_DAY + (hour * 60 + minute) * 60 * MS_PER_SECOND } : (struct value){ .type = V_DATE, .i = days };
  return true;
}

/* 2026-12-24T18:00:00Z: a script's moments are on the contact's clock. The cursor is at the Z. */
bool lex_zone_alike(struct lexer *l, struct token *t) {
  if (t->kind != TOK_DATETIME || *l->cursor != 'Z' || is_word(l->cursor[1])) return false;
  struct str text = { (const char *)l->text + t->from, (size_t)(l->cursor - l->text) - t->from };
  struct diagnostic *d = report(l, DIAG_E0107, t, l->cursor + 1, "bears a zone");
  d->help = STR("a moment of a script is on each contact's own clock");
  if (text.len >= 16) mend(d, arena_printf(&l->c->arena, "%.10s %.*s", text.ptr, (int)(text.len - 11), text.ptr + 11));
  return true;
}

/* --- units ---------------------------------------------------------------------------------------------------------------*/

struct str lex_unit_alike(struct str word, bool one) {
  static const struct { const char *said, *one, *many; } units[] = {
    { "sec", "second", "seconds" }, { "secs", "second", "seconds" }, { "min", "minute", "minutes" }, { "mins", "minute", "minutes" },
    { "hr", "hour", "hours" }, { "hrs", "hour", "hours" }, { "wk", "week", "weeks" }, { "wks", "week", "weeks" },
    { "mon", "month", "months" }, { "mth", "month", "months" }, { "mths", "month", "months" }, { "mos", "month", "months" },
    { "yr", "year", "years" }, { "yrs", "year", "years" },
  };
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (word.len == strlen(units[i].said) && strncasecmp(word.ptr, units[i].said, word.len) == 0) return str_from_c(one ? units[i].one : units[i].many);
  return (struct str){ NULL, 0 };
}

/* `7 d`: t is the number, the word behind the blanks its unit. */
void lex_unit_apart(struct lexer *l, struct token *t, struct str digits, struct str unit) {
  struct diagnostic *d = report(l, DIAG_E0110, t, (const unsigned char *)unit.ptr + unit.len, "has a blank before its unit");
  mend(d, arena_printf(&l->c->arena, STR_FMT STR_FMT, STR_ARG(digits), STR_ARG(unit)));
}

/* --- blanks, dashes and signs ----------------------------------------------------------------------------------------------*/

struct point { uint32_t point; const char *what, *meant; uint16_t token; };
static const struct point points[] = {
  { 0xa0, "a blank that does not break", " ", 0 },   { 0x202f, "a blank that does not break", " ", 0 }, { 0x2002, "a wide blank", " ", 0 },
  { 0x2003, "a wide blank", " ", 0 },                { 0x2009, "a thin blank", " ", 0 },                { 0x3000, "a wide blank", " ", 0 },
  { 0x200b, "a blank without width", "", 0 },        { 0x200e, "a mark without width", "", 0 },         { 0xfeff, "a byte order mark", "", 0 },
  { 0x2028, "a line separator", " ", 0 },            { 0xad, "a soft hyphen", "", 0 },
  { 0x2010, "a hyphen", "-", TOK_MINUS },            { 0x2011, "a hyphen that does not break", "-", TOK_MINUS },
  { 0x2013, "a dash", "-", TOK_MINUS },              { 0x2014, "a dash", "-", TOK_MINUS },              { 0x2212, "a minus of print", "-", TOK_MINUS },
  { 0xd7, "a sign of print", "*", TOK_STAR },        { 0xf7, "a sign of print", "/", TOK_SLASH },
  { 0x2264, "a sign of print", "<=", TOK_LE },       { 0x2265, "a sign of print", ">=", TOK_GE },       { 0x2260, "a sign of print", "is not", TOK_NOT_EQUAL },
};

static const struct point *point_at(const struct lexer *l, const unsigned char *at, size_t *bytes) {
  uint32_t code = 0;
  *bytes = utf8_decode((struct str){ (const char *)at, (size_t)(l->end - at) }, &code);
  for (size_t i = 0; *bytes && i < sizeof points / sizeof *points; i++)
    if (points[i].point == code) return &points[i];
  return NULL;
}

const unsigned char *lex_word_end(struct lexer *l, const unsigned char *from, const unsigned char *to) {
  size_t bytes;
  for (const unsigned char *at = from; at < to; at += bytes ? bytes : 1) {
    bytes = 1;
    if (*at >= 0x80 && point_at(l, at, &bytes)) return at;
  }
  return to;
}

void lex_point_alike(struct lexer *l, struct token *t) {
  size_t bytes;
  const unsigned char *from = l->text + t->from;
  const struct point *p = point_at(l, from, &bytes);
  bool faulty = l->faulty;
  struct span span = { l->source, t->from, t->from + (uint32_t)bytes };
  struct diagnostic *d = diag(l->c, DIAG_E0109, span, "%s stands here, and means nothing to Camp", p->what);
  mend(d, str_from_c(p->meant));
  l->cursor = from + bytes;
  l->faulty = faulty; /* what was meant is certain, so mistakes behind it are their own */
  t->kind = p->token;
}

/* --- comments, addresses, files ---------------------------------------------------------------------------------------------*/

/* `//`, `--` and what stands between slashes and stars. False for a `--` behind something else, which is two signs. */
bool lex_comment_alike(struct lexer *l, struct token *t) {
  const unsigned char *from = l->text + t->from, *at = from;
  while (at > l->text && (at[-1] == ' ' || at[-1] == '\t')) at--;
  bool first = at == l->text || at[-1] == '\n';
  if (*from == '-' && !first) return false;
  struct span span = { l->source, t->from, t->from + 2 };
  struct diagnostic *d = diag(l->c, DIAG_E0109, span, "`%.2s` begins no comment", (const char *)from);
  d->help = STR("a comment begins with `#`, and goes on to the end of the line");
  if (from[1] != '*') mend(d, STR("#"));
  const unsigned char *stop = from[1] == '*' ? memmem(from + 2, (size_t)(l->end - from - 2), "*/", 2) : NULL;
  if (from[1] == '*') l->cursor = stop ? stop + 2 : l->end; /* without its end it is a comment to the last line, and nothing more is said */
  else for (l->cursor = from; l->cursor < l->end && *l->cursor != '\n';) l->cursor++;
  return true;
}

static bool in_address(unsigned char c) { return is_word(c) || c == '.' || c == '-' || c == '+'; }

/* ann@example.com: a name with more than letters stands in quotes. The cursor is at the sign. */
bool lex_address_alike(struct lexer *l, struct token *t) {
  const unsigned char *sign = l->text + t->from, *from = sign, *to = sign + 1;
  while (from > l->text && sign - from < LIMIT_KEY_BYTES && in_address(from[-1])) from--;
  while (in_address(*to) && to - sign < LIMIT_KEY_BYTES) to++;
  while (to > sign && to[-1] == '.') to--;
  if (from == sign || to == sign + 1) return false;
  t->from = (uint32_t)(from - l->text);
  struct diagnostic *d = report(l, DIAG_E0109, t, to, "stands without quotes");
  d->help = STR("a name with other signs than letters, digits and `_` stands in quotes");
  mend(d, arena_printf(&l->c->arena, "\"%.*s\"", (int)(to - from), (const char *)from));
  return true;
}

/* A file that is no text is one mistake, not one for each of its bytes. */
bool lex_no_text(struct lexer *l) {
  enum { NULS_MAX = 8 };
  const unsigned char *at = l->text;
  size_t len = (size_t)(l->end - l->text), nuls = 0;
  struct span span = { l->source, 0, len < 2 ? (uint32_t)len : 2 };
  if (len >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff))) {
    diag(l->c, DIAG_E0101, span, "this file is UTF-16")->help = STR("save the file as UTF-8");
    return true;
  }
  for (; nuls <= NULS_MAX && at < l->end && (at = memchr(at, '\0', (size_t)(l->end - at))); at++) nuls++;
  if (nuls <= NULS_MAX) return false;
  diag(l->c, DIAG_E0102, span, "this file is no text: it holds NUL bytes")->help = STR("is it a script? A text that was saved as UTF-16 is saved anew as UTF-8");
  return true;
}
