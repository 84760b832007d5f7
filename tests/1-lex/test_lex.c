/* Which tokens a text makes, and which mistakes are seen while it does. Each case is a line of script and what comes
 * of it, whole: kinds, values, and the diagnostics in the short format. */
#include "compiler/diagnostics.h"
#include "compiler/lex.h"
#include "grammar.h"
#include "vm/base/buf.h"
#include "vm/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct lex_case { const char *name, *text, *tokens; };

static const struct lex_case cases[] = {
  { "names", "a b_1 Größe _x", "name(a) name(b_1) name(Größe) name(_x)" },
  { "names of other scripts", "покупка 購入 a\xcc\x81", "name(покупка) name(購入) name(a\xcc\x81)" },
  { "keywords", "when then campaign untag Whenever", "when then campaign untag name(Whenever)" },
  { "numbers", "0 12 12.5 007", "number(0) number(12) number(12.5) number(7)" },
  { "percent", "25% 2.5%", "percent(25) percent(2.5)" },
  { "money", "40 EUR 40EUR 0.1234 USD 40 EURO 40 eur",
    "money(400000 EUR) money(400000 EUR) money(1234 USD) money(400000 EUR) money(400000 EUR)\n"
    "x:1:25: error[E0106]: `40 EURO` is no amount\nx:1:33: error[E0106]: `40 eur` is no amount" },
  { "amounts in other spellings", "100€ €100 $ 5 1,000.50 EUR 1,000 1,000,000 £",
    "money(1000000 EUR) money(1000000 EUR) money(50000 USD) money(10005000 EUR) number(1) , number(0) money(10000000000 GBP)\n"
    "x:1:1: error[E0106]: `100€` is no amount\nx:1:6: error[E0106]: `€100` is no amount\n"
    "x:1:11: error[E0106]: `$ 5` is no amount\nx:1:15: error[E0106]: `1,000.50 EUR` is no amount\n"
    "x:1:34: error[E0106]: `1,000,000 £` is no amount" },
  { "money with five decimals", "1.23456 EUR", "money(0 EUR)\nx:1:1: error[E0106]: `1.23456 EUR` is too large or has more than four decimals" },
  { "exact durations", "90s 30m 24h 1.5h 30 minutes 1 hour", "exact(90000) exact(1800000) exact(86400000) exact(5400000) exact(1800000) exact(3600000)" },
  { "calendar durations", "7d 2w 1mo 1y 7 days 2 weeks 3 months", "calendar(7d) calendar(14d) calendar(1mo) calendar(12mo) calendar(7d) calendar(14d) calendar(3mo)" },
  { "a calendar duration that is not whole", "1.5d", "calendar(0d)\nx:1:1: error[E0106]: `1.5d` is not whole" },
  { "a duration of ages", "999999999999d", "calendar(0d)\nx:1:1: error[E0106]: `999999999999d` is longer than 300 years" },
  { "a unit that is none", "7x 7dayz", "exact(0) calendar(7d)\nx:1:2: error[E0110]: `x` is not a unit of time\nx:1:5: error[E0110]: `dayz` is not a unit of time" },
  { "other words behind a number", "3 times 3 x", "number(3) times number(3) name(x)" },
  { "a unit with a blank before it", "3 d 1 h 2: d: 3\nd", "calendar(3d) exact(3600000) number(2) : name(d) : number(3) newline name(d)\n"
    "x:1:1: error[E0110]: `3 d` has a blank before its unit\nx:1:5: error[E0110]: `1 h` has a blank before its unit" },
  { "short units", "30min 1 hr 2 wks", "exact(1800000) exact(3600000) calendar(14d)\n"
    "x:1:3: error[E0110]: `min` is not a unit of time\nx:1:9: error[E0110]: `hr` is not a unit of time\nx:1:14: error[E0110]: `wks` is not a unit of time" },
  { "times of half a day", "9am 12 AM 9:30pm 12pm 13am", "time(32400000) time(0) time(77400000) time(43200000) exact(0)\n"
    "x:1:1: error[E0107]: `9am` is not how a time is written\nx:1:5: error[E0107]: `12 AM` is not how a time is written\n"
    "x:1:11: error[E0107]: `9:30pm` is not how a time is written\nx:1:18: error[E0107]: `12pm` is not how a time is written\n"
    "x:1:25: error[E0110]: `am` is not a unit of time" },
  { "dates as others write them", "24/12/2026 12/24/2026 24.12.2026 2026/12/24 01/02/2026 09:00 24-12-2026",
    "date(20811) date(20811) date(20811) date(20811) moment(1769936400000) date(20811)\n"
    "x:1:1: error[E0107]: `24/12/2026` is not how a date is written\nx:1:12: error[E0107]: `12/24/2026` is not how a date is written\n"
    "x:1:23: error[E0107]: `24.12.2026` is not how a date is written\nx:1:34: error[E0107]: `2026/12/24` is not how a date is written\n"
    "x:1:45: error[E0107]: `01/02/2026 09:00` is not how a date is written\nx:1:62: error[E0107]: `24-12-2026` is not how a date is written" },
  { "a moment with a zone", "2026-01-05T10:00:00Z", "moment(1767607200000)\nx:1:1: error[E0107]: `2026-01-05T10:00:00Z` bears a zone" },
  { "what is no date", "1/2/3 31/31/2026 1.2.2026x", "number(1) / number(2) / number(3) number(31) / number(31) / number(2026) number(1.2)\n"
    "x:1:18: error[E0106]: `1.2.2026x` is not a number" },
  { "blanks and dashes of print", "a\xc2\xa0when\xe2\x80\x8b b 7d \xe2\x80\x93 1h", "name(a) when name(b) calendar(7d) \xe2\x80\x93 exact(3600000)\n"
    "x:1:2: error[E0109]: a blank that does not break stands here, and means nothing to Camp\n"
    "x:1:7: error[E0109]: a blank without width stands here, and means nothing to Camp\n"
    "x:1:14: error[E0109]: a dash stands here, and means nothing to Camp" },
  { "comments of other languages", "// a\nb /* c\nd */ e\n-- f\n1 --2", "newline name(b) name(e) newline newline number(1) - - number(2)\n"
    "x:1:1: error[E0109]: `//` begins no comment\nx:2:3: error[E0109]: `/*` begins no comment\nx:4:1: error[E0109]: `--` begins no comment" },
  { "an address without quotes", "contact ann@shop.example. a", "contact name(ann) . name(a)\nx:1:9: error[E0109]: `ann@shop.example` stands without quotes" },
  { "a text between backticks", "`a b`", "text(a b)\nx:1:1: error[E0109]: a text stands in straight double quotes" },
  { "two points", "1.2.3 4", "number(1.2) number(4)\nx:1:1: error[E0106]: `1.2.3` is not a number" },
  { "dates", "2026-12-24 1970-01-01 2024-02-29", "date(20811) date(0) date(19782)" },
  { "times", "09:00 9:30 23:59:59", "time(32400000) time(34200000) time(86399000)" },
  { "moments", "2026-01-05 10:00 2026-01-05T10:00", "moment(1767607200000) moment(1767607200000)" },
  { "days that are not", "2026-02-30 2026-13-01 2025-02-29 1800-01-01 2026-1-5",
    "date(0) date(0) date(0) date(0) date(0)\n"
    "x:1:1: error[E0107]: `2026-02-30` has a day that its month does not have\n"
    "x:1:12: error[E0107]: `2026-13-01` has a month that no year has\n"
    "x:1:23: error[E0107]: `2025-02-29` has a day that its month does not have\n"
    "x:1:34: error[E0107]: `1800-01-01` is outside the years 1900 to 2200\n"
    "x:1:45: error[E0107]: `2026-1-5` needs two digits for the month" },
  { "times that are not", "24:00 09:60 2026-01-01 25:00", "time(0) time(0) moment(1767225600000)\n"
    "x:1:1: error[E0107]: `24:00` has an hour that no day has\n"
    "x:1:7: error[E0107]: `09:60` has a minute that no hour has\n"
    "x:1:13: error[E0107]: `2026-01-01 25:00` has an hour that no day has" },
  { "seconds of any number of digits", "12:30:55555555555555555555 9:30", "time(0) time(34200000)\n"
    "x:1:1: error[E0107]: `12:30:55555555555555555555` is followed by letters or digits" },
  { "texts", "\"\" \"a b\" \"é\"", "text() text(a b) text(é)" },
  { "escapes", "\"a\\\"b\\\\c\\nd\\te\"", "text(a\"b\\c\nd\te)" },
  { "an escape that is none", "\"a\\qb\"", "text(aqb)\nx:1:3: error[E0108]: `\\q` is no escape" },
  { "quotes inside a template", "\"Hi {{ name | default: \"you\" }}!\" a", "text(Hi {{ name | default: \"you\" }}!) name(a)" },
  { "a template without its end", "\"Hi {{ name\" a", "text(Hi {{ name) name(a)" },
  { "a text without its end", "\"abc\nb", "text(abc) newline name(b)\nx:1:1: error[E0103]: this text does not end on its line" },
  { "a text of several lines", "\"\"\"\n    a\n      b\n    \"\"\" c", "text(a\n  b\n) name(c)" },
  { "such a text on one line", "\"\"\"a \"b\" \\n c\"\"\"", "text(a \"b\" \\n c)" },
  { "such a text without its end", "\"\"\"a\nb", "text(a\nb)\nx:1:1: error[E0103]: this text never ends" },
  { "punctuation", "{ } ( ) [ ] , . ; : = < <= > >= + - * /", "{ } ( ) [ ] , . ; : = < <= > >= + - * /" },
  { "comments", "a # b \"c\nd", "name(a) newline name(d)" },
  { "documentation", "## One.\n##  Two.\na", "newline newline name(a)/One.\n Two./" },
  { "documentation with a gap", "## One.\n\n## Two.\na", "newline newline newline name(a)/Two./" },
  { "a byte order mark", "\xef\xbb\xbf" "a", "name(a)" },
  { "carriage returns", "a\r\nb", "name(a) newline name(b)" },
  { "strays", "a @ b $$ c", "name(a) name(b) name(c)\nx:1:3: error[E0109]: `@` has no meaning here\nx:1:7: error[E0109]: `$` has no meaning here" },
  { "other languages' operators", "a && b || c == d != e !f",
    "name(a) and name(b) or name(c) is name(d) != name(e) not name(f)\n"
    "x:1:3: error[E0109]: `&&` has no meaning here\nx:1:8: error[E0109]: `||` has no meaning here\n"
    "x:1:13: error[E0109]: `==` has no meaning here\nx:1:18: error[E0109]: `!=` has no meaning here\n"
    "x:1:23: error[E0109]: `!` has no meaning here" },
  { "curly quotes", "“a”", "text(a)\nx:1:1: error[E0109]: a text stands in straight double quotes" },
  { "quotes in other spellings", "'a b' ‘c’ „d“ «e» “f\" “it's” “g\nh",
    "text(a b) text(c) text(d) text(e) text(f) text(it's) name(“g) newline name(h)\n"
    "x:1:1: error[E0109]: a text stands in straight double quotes\n"
    "x:1:7: error[E0109]: a text stands in straight double quotes\n"
    "x:1:11: error[E0109]: a text stands in straight double quotes\n"
    "x:1:15: error[E0109]: a text stands in straight double quotes\n"
    "x:1:19: error[E0109]: a text stands in straight double quotes\n"
    "x:1:23: error[E0109]: a text stands in straight double quotes\n"
    "x:1:30: error[E0109]: `“` has no meaning here" },
  { "invalid UTF-8", "a \xff\xfe b", "name(a) name(b)\nx:1:3: error[E0101]: these bytes are not UTF-8" },
  { "overlong UTF-8", "\"\xc0\xaf\"", "text(\xc0\xaf)\nx:1:2: error[E0101]: these bytes are not UTF-8" },
  { "a control character", "a \x01 b", "name(a) name(b)\nx:1:3: error[E0109]: the control character 0x01 has no meaning here" },
};

static void show(struct buf *b, const struct lexer *l, const struct token *t) {
  struct str raw = { (const char *)l->text + t->from, t->to - t->from };
  switch (t->kind) {
    case LEX_NEWLINE: buf_c(b, "newline"); return;
    case TOK_NUMBER: buf_printf(b, "number(%g)", t->value.n); return;
    case TOK_PERCENT: buf_printf(b, "percent(%g)", t->value.n); return;
    case TOK_MONEY:
      buf_printf(b, "money(%lld %c%c%c)", (long long)t->value.i, (int)(t->value.aux >> 16), (int)(t->value.aux >> 8 & 255),
                 (int)(t->value.aux & 255));
      return;
    case TOK_DURATION:
      if (t->value.type == V_EXACT) buf_printf(b, "exact(%lld)", (long long)t->value.i);
      else if (t->value.aux) buf_printf(b, "calendar(%umo)", t->value.aux);
      else buf_printf(b, "calendar(%lldd)", (long long)t->value.i);
      return;
    case TOK_DATE: buf_printf(b, "date(%lld)", (long long)t->value.i); return;
    case TOK_TIME: buf_printf(b, "time(%lld)", (long long)t->value.i); return;
    case TOK_DATETIME: buf_printf(b, "moment(%lld)", (long long)t->value.i); return;
    case TOK_TEXT: buf_c(b, "text("); buf_str(b, value_str(t->value)); buf_c(b, ")"); return;
    case TOK_NAME: case TOK_A: /* `entry once at a time` makes a keyword of this name */
      buf_c(b, "name(");
      buf_str(b, raw);
      buf_c(b, ")");
      if (t->value.type == V_TEXT) {
        buf_c(b, "/");
        buf_str(b, value_str(t->value));
        buf_c(b, "/");
      }
      return;
    case TOK_IS: buf_c(b, "is"); return;
    case TOK_AND: buf_c(b, "and"); return;
    case TOK_OR: buf_c(b, "or"); return;
    case TOK_NOT: buf_c(b, "not"); return;
    default: buf_str(b, raw); return;
  }
}

static void run_case(void **state) {
  const struct lex_case *k = *state;
  struct compilation c;
  compilation_init(&c);
  compilation_add(&c, STR("x"), str_from_c(k->text), false);
  struct lexer l;
  lexer_init(&l, &c, 0);
  struct buf b;
  buf_init(&b, 1 << 20);
  struct token t;
  for (lexer_next(&l, &t); t.kind != LEX_END; lexer_next(&l, &t)) {
    if (b.len) buf_c(&b, " ");
    show(&b, &l, &t);
  }
  lexer_next(&l, &t);
  assert_int_equal(t.kind, LEX_END);
  diagnostics_sort(&c);
  struct buf d;
  buf_init(&d, 1 << 20);
  diagnostics_print(&d, &c, FORMAT_SHORT, false);
  /* What was expected, and what was meant, the parser's cases show. */
  for (size_t from = 0, to; from < d.len; from = to + 1) {
    const char *line = (const char *)d.data + from;
    for (to = from; to < d.len && d.data[to] != '\n';) to++;
    const char *more = memmem(line, to - from, "; ", 2);
    buf_c(&b, "\n");
    buf_add(&b, line, more ? (size_t)(more - line) : to - from);
  }
  assert_string_equal(b.data, k->tokens);
  buf_deinit(&b);
  buf_deinit(&d);
  compilation_deinit(&c);
}

/* The table that editors and the reference read must say what the lexer does. */
static void every_keyword(void **state) {
  (void)state;
  struct compilation c;
  compilation_init(&c);
  for (uint32_t i = 0; i < keyword_count; i++) {
    compilation_add(&c, STR("x"), str_from_c(keyword_table[i].word), false);
    struct lexer l;
    lexer_init(&l, &c, c.sources.count - 1);
    struct token t;
    lexer_next(&l, &t);
    assert_int_equal(t.kind, keyword_table[i].token);
    assert_int_equal(t.to, keyword_table[i].len);
  }
  compilation_deinit(&c);
}

static void utf8_round_trip(void **state) {
  (void)state;
  for (uint32_t point = 0; point < 0x110000; point++) {
    char bytes[4];
    uint32_t again = 0;
    size_t n = utf8_encode(point, bytes);
    bool surrogate = point >= 0xd800 && point < 0xe000;
    assert_true((n == 0) == surrogate);
    if (n == 0) continue;
    assert_int_equal(utf8_decode((struct str){ bytes, n }, &again), n);
    assert_int_equal(again, point);
    assert_int_equal(utf8_decode((struct str){ bytes, n - 1 }, &again), 0);
  }
  static const char *bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                               "\xf8\x88\x80\x80", "\xff", "\xe2\x82" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(utf8_decode(str_from_c(bad[i]), NULL), 0);
  assert_int_equal(utf8_valid_prefix(STR("abcdefghij\xff")), 10);
  assert_int_equal(utf8_columns(STR("aé購")), 3);
  assert_true(utf8_is_name_point(0xe9) && utf8_is_name_point(0x8cfc) && utf8_is_name_point('_'));
  assert_false(utf8_is_name_point(0x201c) || utf8_is_name_point(' ') || utf8_is_name_point(0x1f600) || utf8_is_name_point('-'));
}

int main(void) {
  enum { COUNT = sizeof cases / sizeof *cases };
  struct CMUnitTest tests[COUNT + 2] = { cmocka_unit_test(every_keyword), cmocka_unit_test(utf8_round_trip) };
  for (size_t i = 0; i < COUNT; i++)
    tests[i + 2] = (struct CMUnitTest){ cases[i].name, run_case, NULL, NULL, (void *)(uintptr_t)&cases[i] };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
