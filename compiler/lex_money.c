/* Amounts of money: currencies, and the spellings that people bring along; see lex_parts.h.
 *
 * Not for an amount as it is to be written, which is a number with a suffix (lex_number.c).
 *
 * Invariant: an amount in another spelling is one mistake, and one token of money. */
#include "lex_parts.h"

#include "diagnostics.h"
#include "grammar.h"

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

struct currency_word lex_currency_sign(const unsigned char *at) {
  for (size_t i = 0; i < sizeof currency_signs / sizeof *currency_signs; i++)
    if (strncmp((const char *)at, currency_signs[i].word, currency_signs[i].bytes) == 0) return currency_signs[i];
  return (struct currency_word){ 0 };
}

struct currency_word lex_currency_word(struct str word) {
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

bool lex_scaled(struct str digits, int64_t scale, int64_t *out) {
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

void lex_money_misspelt(struct lexer *l, struct token *t, struct str digits, struct currency_word w, const unsigned char *to) {
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
  bool fits = lex_scaled((struct str){ plain, n }, MONEY_SCALE, &amount);
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

bool lex_thousands(struct lexer *l, struct token *t) {
  const unsigned char *from = l->text + t->from, *to = digits_end(from), *at = to;
  if (to <= l->cursor || *l->cursor != ',') return false;
  while (*at == ' ') at++;
  const unsigned char *letters = at;
  while (is_word(*at)) at++;
  struct str word = str_slice((const char *)letters, (const char *)at);
  struct currency_word w = lex_currency_word(word);
  if (currency_parse(word)) w = (struct currency_word){ .bytes = 3, .code = arena_str(&l->c->arena, word).ptr };
  if (!w.bytes && (w = lex_currency_sign(letters)).bytes) at = letters + w.bytes;
  if (!w.bytes) return false;
  lex_money_misspelt(l, t, str_slice((const char *)from, (const char *)to), w, at);
  return true;
}

bool lex_money_alike(struct lexer *l, struct token *t) {
  const unsigned char *start = l->text + t->from, *at = start;
  struct currency_word w = lex_currency_sign(at);
  if (!w.bytes) return false;
  at += w.bytes;
  while (*at == ' ') at++;
  const unsigned char *from = at;
  at = digits_end(at);
  if (at == from || is_word(*at)) return false;
  lex_money_misspelt(l, t, str_slice((const char *)from, (const char *)at), w, at);
  return true;
}
