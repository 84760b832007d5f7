/* What tokens mean: numbers, money, durations, dates, texts, keywords; and the checks of a whole text.
 *
 * Which characters make a token is grammar/camp.re's. What tokens mean together, newlines included, is parse.c's.
 *
 *   1. Every mistake is reported once, here, and the token is still given with some value of its kind.
 *   2. The cursor never passes the NUL behind the text, so every loop ends.
 *   3. The text is looked at a constant number of times, so a hostile one costs no more than a good one. */
#include "lex.h"

#include "diagnostics.h"
#include "grammar.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"
#include "vm/calendar.h"

const struct keyword keyword_table[] = {
#define KEYWORD(token, word, group) { word, sizeof word - 1, TOK_##token },
#include "grammar/keywords.def"
#undef KEYWORD
};
const uint32_t keyword_count = sizeof keyword_table / sizeof *keyword_table;
_Static_assert(sizeof keyword_table / sizeof *keyword_table < 255, "an index of a keyword fits a byte");

enum { KEYWORD_BYTES_MAX = 16 };

static uint32_t keyword_hash(struct str w) {
  const unsigned char *p = (const unsigned char *)w.ptr;
  return (p[0] * 37u + p[w.len - 1] * 11u + p[w.len / 2] * 5u + (uint32_t)w.len * 3u) & 511u;
}

uint16_t lex_keyword(const struct lexer *l, struct str word) {
  if (word.len > KEYWORD_BYTES_MAX) return TOK_NAME;
  for (uint32_t h = keyword_hash(word); l->keywords[h]; h = (h + 1) & 511u) {
    const struct keyword *k = &keyword_table[l->keywords[h] - 1];
    if (k->len == word.len && memcmp(k->word, word.ptr, word.len) == 0) return k->token;
  }
  return TOK_NAME;
}

static struct span span_of(const struct lexer *l, uint32_t from, uint32_t to) {
  return (struct span){ l->source, from, to };
}

/* --- the whole text --------------------------------------------------------------------------------------------------*/

static void check_lines(struct lexer *l) {
  const unsigned char *at = l->text;
  while (at < l->end) {
    const unsigned char *stop = memchr(at, '\n', (size_t)(l->end - at));
    if (!stop) stop = l->end;
    if ((size_t)(stop - at) > LIMIT_LINE_BYTES) {
      uint32_t from = (uint32_t)(at - l->text);
      struct diagnostic *d = diag(l->c, DIAG_E0104, span_of(l, from, from + 1),
          "this line is %zu bytes long; a line holds at most %u", (size_t)(stop - at), LIMIT_LINE_BYTES);
      d->help = STR("put each statement on a line of its own, and long bodies into a file: body file \"…\"");
    }
    at = stop + 1;
  }
}

/* One report for each run of bytes that are not UTF-8. */
static void check_utf8(struct lexer *l) {
  size_t len = (size_t)(l->end - l->text), at = 0;
  const char *text = (const char *)l->text;
  while (at < len) {
    at += utf8_valid_prefix((struct str){ text + at, len - at });
    if (at == len) return;
    size_t from = at;
    while (at < len && utf8_decode((struct str){ text + at, len - at }, NULL) == 0) at++;
    diag(l->c, DIAG_E0101, span_of(l, (uint32_t)from, (uint32_t)at), "%s not UTF-8",
         at - from == 1 ? "this byte is" : "these bytes are")->help = STR("save the file as UTF-8");
  }
}

static void check_nul(struct lexer *l) {
  const unsigned char *at = l->text;
  while (at < l->end && (at = memchr(at, '\0', (size_t)(l->end - at)))) {
    const unsigned char *stop = at;
    while (stop < l->end && *stop == '\0') stop++;
    diag(l->c, DIAG_E0102, span_of(l, (uint32_t)(at - l->text), (uint32_t)(stop - l->text)), "%s",
         stop - at == 1 ? "a script holds no NUL byte" : "a script holds no NUL bytes");
    at = stop;
  }
}

void lexer_init(struct lexer *l, struct compilation *c, uint32_t source) {
  struct str text = c->sources.items[source].text;
  *l = (struct lexer){ .c = c, .source = source };
  for (uint32_t i = 0; i < keyword_count; i++) {
    uint32_t h = keyword_hash((struct str){ keyword_table[i].word, keyword_table[i].len });
    while (l->keywords[h]) h = (h + 1) & 511u;
    l->keywords[h] = (uint8_t)(i + 1);
  }
  static const unsigned char nothing[1] = { 0 };
  l->text = l->cursor = l->end = nothing;
  if (text.len == 0) return;
  l->text = l->cursor = l->end = (const unsigned char *)text.ptr;
  if (text.len > LIMIT_SOURCE_BYTES) {
    diag(c, DIAG_E0105, span_of(l, 0, 1), "this script is %zu bytes long; a script holds at most %u", text.len,
         LIMIT_SOURCE_BYTES)->help = STR("divide it: the files of a folder are one project");
    l->end = l->text + text.len;
    l->cursor = l->end; /* the NUL: nothing of it is read */
    return;
  }
  l->end += text.len;
  check_lines(l);
  check_nul(l);
  check_utf8(l);
  /* A byte order mark is no character of the script. */
  if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) l->cursor += 3;
}

void lexer_next(struct lexer *l, struct token *t) {
  t->flags = 0;
  t->value = value_missing();
  lex_scan(l, t);
  if (l->faulty) t->flags |= TOKEN_FAULTY;
  l->faulty = false;
  if (t->kind == LEX_NEWLINE) return;
  if (l->doc_to && t->value.type == V_MISSING) {
    /* Lines of documentation go to the token right below them. */
    struct str doc = { (const char *)l->text + l->doc_from, l->doc_to - l->doc_from };
    char *out = arena_alloc(&l->c->arena, doc.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < doc.len;) {
      while (i < doc.len && (doc.ptr[i] == ' ' || doc.ptr[i] == '\t')) i++;
      while (i < doc.len && doc.ptr[i] == '#') i++;
      if (i < doc.len && doc.ptr[i] == ' ') i++;
      while (i < doc.len && doc.ptr[i] != '\n') {
        if (doc.ptr[i] != '\r') out[n++] = doc.ptr[i];
        i++;
      }
      if (i < doc.len) out[n++] = doc.ptr[i++];
    }
    t->value = value_text((struct str){ out, n });
  }
  l->doc_from = l->doc_to = 0;
}

void lex_doc(struct lexer *l, uint32_t from, uint32_t to) {
  /* A line of documentation continues the one above it when nothing but one newline stands between. */
  bool joined = l->doc_to != 0;
  uint32_t newlines = 0;
  for (uint32_t i = l->doc_to; joined && i < from; i++) newlines += l->text[i] == '\n';
  if (!joined || newlines != 1) l->doc_from = from;
  l->doc_to = to;
}

/* --- words ----------------------------------------------------------------------------------------------------------*/

bool lex_word_check(struct lexer *l, uint32_t from, uint32_t to) {
  bool any = false, bad = false;
  for (uint32_t at = from; at < to;) {
    uint32_t point = 0;
    if (l->text[at] < 0x80) { at++; any = true; continue; }
    size_t bytes = utf8_decode((struct str){ (const char *)l->text + at, to - at }, &point);
    if (bytes == 0) { at++; bad = true; continue; } /* reported by check_utf8 */
    if (utf8_is_name_point(point)) {
      any = true;
    } else {
      bad = true;
      struct diagnostic *d = diag(l->c, DIAG_E0109, span_of(l, at, at + (uint32_t)bytes),
          "`%.*s` has no meaning here", (int)bytes, (const char *)l->text + at);
      if (point == 0x201c || point == 0x201d || point == 0x201e || point == 0xab || point == 0xbb) {
        d->help = STR("texts stand in straight double quotes");
        d->has_fix = true;
        d->fix = (struct fix){ d->span, STR("\"") };
      }
    }
    at += (uint32_t)bytes;
  }
  if (bad) l->faulty = true;
  return any;
}

/* --- amounts in other spellings ---------------------------------------------------------------------------------------*/

enum { ALIKE_BYTES_MAX = 4096 };

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static bool is_word(unsigned char c) {
  return c == '_' || c >= 0x80 || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What people write for a currency. Several countries have dollars: what is then
 * taken to go on with is no fix. */
struct currency_word { const char *word; size_t bytes; const char *code; bool several; };
static const struct currency_word currency_signs[] = {
  { "\xe2\x82\xac", 3, "EUR", false }, { "\xc2\xa3", 2, "GBP", false }, { "\xc2\xa5", 2, "JPY", true }, { "$", 1, "USD", true },
};
static const struct currency_word currency_words[] = {
  { "euro", 4, "EUR", false }, { "euros", 5, "EUR", false }, { "dollar", 6, "USD", true }, { "dollars", 7, "USD", true }, { "pound", 5, "GBP", false },
  { "pounds", 6, "GBP", false }, { "eur", 3, "EUR", false }, { "usd", 3, "USD", false }, { "gbp", 3, "GBP", false }, { "chf", 3, "CHF", false },
  { "cad", 3, "CAD", false }, { "aud", 3, "AUD", false }, { "jpy", 3, "JPY", false }, { "sek", 3, "SEK", false }, { "nok", 3, "NOK", false },
  { "dkk", 3, "DKK", false }, { "pln", 3, "PLN", false }, { "czk", 3, "CZK", false }, { "huf", 3, "HUF", false }, { "cny", 3, "CNY", false },
  { "inr", 3, "INR", false }, { "brl", 3, "BRL", false }, { "mxn", 3, "MXN", false },
};

static struct currency_word currency_sign(const unsigned char *at) {
  for (size_t i = 0; i < sizeof currency_signs / sizeof *currency_signs; i++)
    if (strncmp((const char *)at, currency_signs[i].word, currency_signs[i].bytes) == 0) return currency_signs[i];
  return (struct currency_word){ 0 };
}

static struct currency_word currency_word(struct str word) {
  for (size_t i = 0; i < sizeof currency_words / sizeof *currency_words; i++)
    if (word.len == currency_words[i].bytes && strncasecmp(word.ptr, currency_words[i].word, word.len) == 0)
      return currency_words[i];
  return (struct currency_word){ 0 };
}

/* Behind `1,000.50`: digits with commas between thousands. */
static const unsigned char *digits_end(const unsigned char *at) {
  const unsigned char *from = at;
  while (is_digit(*at)) at++;
  if (at > from && at - from <= 3)
    while (*at == ',' && is_digit(at[1]) && is_digit(at[2]) && is_digit(at[3]) && !is_digit(at[4])) at += 4;
  if (at > from && *at == '.' && is_digit(at[1]))
    for (at++; is_digit(*at);) at++;
  return at;
}

static void money_misspelt(struct lexer *l, struct token *t, struct str digits, struct currency_word w,
                           const unsigned char *to);

static struct span faulty_to(struct lexer *l, struct token *t, const unsigned char *to) {
  l->faulty = true;
  l->cursor = to;
  t->to = (uint32_t)(to - l->text);
  return span_of(l, t->from, t->to);
}

/* Bytes of a quotation mark that is not the straight double one: ' \xe2\x80\x98 to \xe2\x80\x9f, \xc2\xab \xc2\xbb. 0: none. */
static size_t quote_alike(const unsigned char *at) {
  if (*at == '\'') return 1;
  if (at[0] == 0xc2 && (at[1] == 0xab || at[1] == 0xbb)) return 2;
  return at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x98 && at[2] <= 0x9f ? 3 : 0;
}

/* 'a' or \xe2\x80\x9ca\xe2\x80\x9d: one text, one mistake. An apostrophe inside curly quotes ends nothing. */
static bool text_alike(struct lexer *l, struct token *t) {
  const unsigned char *start = l->text + t->from, *at = start + quote_alike(start), *from = at;
  if (at == start) return false;
  bool single = *start == '\'';
  size_t end = 0;
  for (; *at && *at != '\n' && at - from < ALIKE_BYTES_MAX; at++) {
    end = single ? *at == '\'' : *at == '"' ? 1 : *at == '\'' ? 0 : quote_alike(at);
    if (end) break;
  }
  if (!end) return false;
  struct str inner = str_slice((const char *)from, (const char *)at);
  struct diagnostic *d = diag(l->c, DIAG_E0109, faulty_to(l, t, at + end), "a text stands in straight double quotes");
  d->has_fix = !memchr(inner.ptr, '"', inner.len) && !memchr(inner.ptr, '\\', inner.len);
  d->fix = (struct fix){ d->span, arena_printf(&l->c->arena, "\"" STR_FMT "\"", STR_ARG(inner)) };
  t->kind = TOK_TEXT;
  t->flags |= TOKEN_QUOTED;
  t->value = value_text(inner);
  return true;
}

/* €100, $ 100: a sign and an amount. */
static bool money_alike(struct lexer *l, struct token *t) {
  const unsigned char *start = l->text + t->from, *at = start;
  struct currency_word w = currency_sign(at);
  if (!w.bytes) return false;
  at += w.bytes;
  while (*at == ' ') at++;
  const unsigned char *from = at;
  at = digits_end(at);
  if (at == from || is_word(*at)) return false;
  money_misspelt(l, t, str_slice((const char *)from, (const char *)at), w, at);
  return true;
}

bool lex_alike(struct lexer *l, struct token *t) { return text_alike(l, t) || money_alike(l, t); }

void lex_stray(struct lexer *l, struct token *t) {
  static const struct { const char *seen, *meant, *words; int token; } alike[] = {
    { "&&", "and", "write `and`", TOK_AND },
    { "||", "or", "write `or`", TOK_OR },
    { "==", "is", "write `is`", TOK_IS },
    { "!=", "is not", "write `is not`", TOK_NOT_EQUAL },
    { "&", "and", "write `and`", TOK_AND },
    { "|", "or", "write `or`", TOK_OR },
    { "=>", ">=", "write `>=`", TOK_GE },
    { "=<", "<=", "write `<=`", TOK_LE },
    { "<>", "is not", "write `is not`", TOK_NOT_EQUAL },
    { "!", "not ", "write `not`", TOK_NOT },
    { "'", "\"", "texts stand in double quotes", 0 },
  };
  uint32_t from = t->from, to = (uint32_t)(l->cursor - l->text);
  if (lex_alike(l, t)) return;
  const char *at = (const char *)l->text + from;
  t->kind = 0;
  for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
    size_t n = strlen(alike[i].seen);
    if (strncmp(at, alike[i].seen, n) != 0) continue;
    to = from + (uint32_t)n;
    l->cursor = l->text + to;
    struct diagnostic *d = diag(l->c, DIAG_E0109, span_of(l, from, to), "`%s` has no meaning here", alike[i].seen);
    d->help = str_from_c(alike[i].words);
    d->has_fix = true;
    d->fix = (struct fix){ span_of(l, from, to), str_from_c(alike[i].meant) };
    t->kind = (uint16_t)alike[i].token;
    l->faulty = true;
    return;
  }
  /* A run of one character is one mistake. */
  while (l->text[to] == (unsigned char)*at) to++;
  l->cursor = l->text + to;
  if ((unsigned char)*at < 0x20 || *at == 0x7f)
    diag(l->c, DIAG_E0109, span_of(l, from, to), "the control character 0x%02x has no meaning here", (unsigned)*at);
  else
    diag(l->c, DIAG_E0109, span_of(l, from, to), "`%c` has no meaning here", *at);
  l->faulty = true;
}

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

static bool is_currency(struct str word) {
  if (word.len != 3) return false;
  for (size_t i = 0; i < 3; i++) if (word.ptr[i] < 'A' || word.ptr[i] > 'Z') return false;
  return true;
}

/* digits [. digits] in units of 1/scale, scale a power of ten up to 10000; false when it does not fit exactly. */
static bool scaled(struct str digits, int64_t scale, int64_t *out) {
  int64_t n = 0;
  size_t i = 0;
  for (; i < digits.len && digits.ptr[i] != '.'; i++)
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digits.ptr[i] - '0', &n)) return false;
  if (__builtin_mul_overflow(n, scale, &n)) return false;
  for (i++; i < digits.len; i++) {
    if (scale == 1 && digits.ptr[i] != '0') return false;
    scale /= scale == 1 ? 1 : 10;
    if (__builtin_add_overflow(n, scale * (digits.ptr[i] - '0'), &n)) return false;
  }
  *out = n;
  return true;
}

static double number_of(struct str digits) {
  int64_t whole;
  if (digits.len <= 15 && scaled(digits, 1, &whole)) return (double)whole;
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
  bool fits = scaled(digits, u->of == UNIT_MS ? 1000 : 1, &n);
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
  if (from == at || !is_currency(str_slice((const char *)from, (const char *)to))) return at;
  t->kind = TOK_MONEY;
  t->value = value_money(0, CURRENCY(from[0], from[1], from[2]));
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

static void money_misspelt(struct lexer *l, struct token *t, struct str digits, struct currency_word w,
                           const unsigned char *to) {
  char plain[80];
  size_t n = 0;
  for (size_t i = 0; i < digits.len && n < sizeof plain - 1; i++)
    if (digits.ptr[i] != ',') plain[n++] = digits.ptr[i];
  plain[n] = '\0';
  struct span span = faulty_to(l, t, to);
  int shown = (int)(span.to - span.from);
  struct diagnostic *d = diag(l->c, DIAG_E0106, span, "`%.*s%s` is no amount", shown > 40 ? 40 : shown,
                              (const char *)l->text + span.from, shown > 40 ? "…" : "");
  d->expected = STR("an amount such as `100 EUR`");
  int64_t amount = 0;
  bool fits = scaled((struct str){ plain, n }, MONEY_SCALE, &amount);
  if (fits && !w.several) {
    d->help = arena_printf(&l->c->arena, "did you mean `%s %s`?", plain, w.code);
    d->has_fix = true;
    d->fix = (struct fix){ span, arena_printf(&l->c->arena, "%s %s", plain, w.code) };
  } else {
    d->help = STR("name the currency by its three letters, such as EUR or USD");
  }
  t->kind = TOK_MONEY;
  t->value = value_money(amount, CURRENCY(w.code[0], w.code[1], w.code[2]));
}

/* 1,000 EUR: the digits and commas before a currency; false when the commas are a list's. */
static bool thousands(struct lexer *l, struct token *t) {
  const unsigned char *from = l->text + t->from, *to = digits_end(from), *at = to;
  if (to <= l->cursor || *l->cursor != ',') return false;
  while (*at == ' ') at++;
  const unsigned char *letters = at;
  while (is_word(*at)) at++;
  struct str word = str_slice((const char *)letters, (const char *)at);
  struct currency_word w = currency_word(word);
  if (is_currency(word)) w = (struct currency_word){ .bytes = 3, .code = arena_str(&l->c->arena, word).ptr };
  if (!w.bytes && (w = currency_sign(letters)).bytes) at = letters + w.bytes;
  if (!w.bytes) return false;
  money_misspelt(l, t, str_slice((const char *)from, (const char *)to), w, at);
  return true;
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
  struct currency_word sign = currency_sign(from), named = currency_word(word);
  if (sign.bytes && !is_digit(from[sign.bytes])) {
    money_misspelt(l, t, digits, sign, from + sign.bytes);
    return;
  }
  if (word.len == 0) return;
  const struct time_unit *u = unit_find(word);
  if (is_currency(word)) {
    t->kind = TOK_MONEY;
    t->to = (uint32_t)(at - l->text);
    int64_t amount = 0;
    if (!scaled(digits, MONEY_SCALE, &amount)) number_bad(l, t, "is too large or has more than four decimals");
    t->value = value_money(amount, CURRENCY(word.ptr[0], word.ptr[1], word.ptr[2]));
  } else if (u && (glued || !u->glued)) {
    t->kind = TOK_DURATION;
    t->to = (uint32_t)(at - l->text);
    t->value = duration_of(l, t, digits, u);
  } else if (glued && ordinal(digits, word)) {
    t->kind = TOK_ORDINAL;
    t->to = (uint32_t)(at - l->text);
  } else if (glued && str_is(word, "xx") && digits.len == 1 && digits.ptr[0] >= '1' && digits.ptr[0] <= '5') { /* 5xx: of HTTP */
    t->kind = TOK_STATUS;
    t->to = (uint32_t)(at - l->text);
  } else if (named.bytes) {
    money_misspelt(l, t, digits, named, at);
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
  else if (thousands(l, t)) return;
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

/* --- texts ----------------------------------------------------------------------------------------------------------*/

static struct str unescape(struct lexer *l, struct str raw) {
  char *out = arena_alloc(&l->c->arena, raw.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < raw.len; i++) {
    if (raw.ptr[i] != '\\' || i + 1 == raw.len) { out[n++] = raw.ptr[i]; continue; }
    char c = raw.ptr[++i];
    if (c == 'n') out[n++] = '\n';
    else if (c == 't') out[n++] = '\t';
    else if (c == '"' || c == '\\') out[n++] = c;
    else {
      uint32_t from = (uint32_t)((const unsigned char *)raw.ptr + i - 1 - l->text);
      size_t bytes = utf8_decode((struct str){ raw.ptr + i, raw.len - i }, NULL);
      if (bytes == 0) bytes = 1;
      struct diagnostic *d = diag(l->c, DIAG_E0108, span_of(l, from, from + 1 + (uint32_t)bytes),
          "`\\%.*s` is no escape", (int)bytes, raw.ptr + i);
      d->expected = STR("`\\\"`, `\\\\`, `\\n` or `\\t`");
      d->has_fix = true;
      d->fix = (struct fix){ span_of(l, from, from + 1), STR("\\\\") };
      l->faulty = true;
      memcpy(out + n, raw.ptr + i, bytes);
      n += bytes;
      i += bytes - 1;
    }
  }
  return (struct str){ out, n };
}

/* Quotes between {{ and }} belong to the template, not to the script. Gives the last byte of the }} on this line, or NULL;
 * what a search found out is kept, so that a long line is searched once. */
static const unsigned char *template_end(struct lexer *l, const unsigned char *at) {
  if (at >= l->line_end) {
    l->line_end = memchr(at, '\n', (size_t)(l->end - at));
    if (!l->line_end) l->line_end = l->end;
    l->template_end = at;
  }
  if (l->template_end && l->template_end <= at)
    l->template_end = memmem(at, (size_t)(l->line_end - at), "}}", 2);
  return l->template_end ? l->template_end + 1 : NULL;
}

void lex_text(struct lexer *l, struct token *t) {
  const unsigned char *from = l->cursor, *at = from;
  bool escaped = false;
  while (*at != '"' && *at != '\n' && !(*at == '\0' && at >= l->end)) {
    if (*at == '\\' && at[1] != '\n' && at + 1 < l->end) {
      escaped = true;
      at++;
    } else if (*at == '{' && at[1] == '{') {
      const unsigned char *stop = template_end(l, at);
      if (stop) at = stop;
    }
    at++;
  }
  struct str raw = str_slice((const char *)from, (const char *)at);
  t->kind = TOK_TEXT;
  t->flags |= TOKEN_QUOTED;
  if (*at == '"') {
    at++;
  } else {
    l->faulty = true;
    /* The brackets at the line's end were hardly meant to stand inside: without them the block around would lose its end. */
    while (at > from && strchr(" \t\r;{})]", at[-1])) at--;
    raw.len = (size_t)((const char *)at - raw.ptr);
    uint32_t to = (uint32_t)(at - l->text);
    struct diagnostic *d = diag(l->c, DIAG_E0103, span_of(l, t->from, to), "this text does not end on its line");
    d->expected = STR("`\"`");
    d->help = STR("a text of several lines stands between three quotes: \"\"\"…\"\"\"");
  }
  t->to = (uint32_t)(at - l->text);
  l->cursor = at;
  t->value = value_text(escaped ? unescape(l, raw) : raw);
}

/* How many blanks every line that holds anything begins with. */
static size_t common_indent(struct str raw) {
  size_t least = SIZE_MAX;
  for (size_t i = 0; i < raw.len;) {
    size_t blanks = 0;
    while (i < raw.len && (raw.ptr[i] == ' ' || raw.ptr[i] == '\t')) { i++; blanks++; }
    bool blank_line = i == raw.len || raw.ptr[i] == '\n' || raw.ptr[i] == '\r';
    if (!blank_line && blanks < least) least = blanks;
    while (i < raw.len && raw.ptr[i] != '\n') i++;
    i++;
  }
  return least == SIZE_MAX ? 0 : least;
}

/* A text that begins on the line below its quotes loses that newline, the indentation that its lines share, and
 * the blanks before its closing quotes. */
static struct str unindent(struct lexer *l, struct str raw) {
  size_t skip = raw.len && raw.ptr[0] == '\n' ? 1 : raw.len > 1 && raw.ptr[0] == '\r' && raw.ptr[1] == '\n' ? 2 : 0;
  if (!skip) return raw;
  raw.ptr += skip;
  raw.len -= skip;
  size_t indent = common_indent(raw), end = raw.len;
  while (end && (raw.ptr[end - 1] == ' ' || raw.ptr[end - 1] == '\t')) end--;
  if (end == 0 || raw.ptr[end - 1] == '\n') raw.len = end;
  if (indent == 0) return raw;
  char *out = arena_alloc(&l->c->arena, raw.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < raw.len;) {
    for (size_t k = 0; k < indent && i < raw.len && (raw.ptr[i] == ' ' || raw.ptr[i] == '\t'); k++) i++;
    while (i < raw.len && raw.ptr[i] != '\n') out[n++] = raw.ptr[i++];
    if (i < raw.len) out[n++] = raw.ptr[i++];
  }
  return (struct str){ out, n };
}

void lex_text_triple(struct lexer *l, struct token *t) {
  const unsigned char *from = l->cursor;
  const unsigned char *stop = memmem(from, (size_t)(l->end - from), "\"\"\"", 3);
  t->kind = TOK_TEXT;
  t->flags |= TOKEN_QUOTED | TOKEN_TRIPLE;
  if (!stop) {
    stop = l->end;
    l->faulty = true;
    diag(l->c, DIAG_E0103, span_of(l, t->from, t->from + 3), "this text never ends")->expected = STR("`\"\"\"`");
    l->cursor = stop;
  } else {
    l->cursor = stop + 3;
  }
  t->to = (uint32_t)(l->cursor - l->text);
  t->value = value_text(unindent(l, str_slice((const char *)from, (const char *)stop)));
}
