/* Liquid beyond the conformance suites: every limit with the attack that it stops, escaping, renderers that are used again, and
 * templates that are called. What Liquid means is tests/8-cli/test_liquid.sh's. */
#include "compiler/liquid.h"
#include "vm/liquid_file.h"
#include "vm/liquid_render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct kit { struct liquid_compiler *compiler; struct lq_renderer *renderer; struct arena arena; struct liquid_options options; };

static struct kit *kit_of(void **state) { return *state; }

static int set_up(void **state) {
  struct kit *k = calloc(1, sizeof *k);
  arena_init(&k->arena, 64u << 10);
  k->compiler = liquid_compiler_new();
  k->renderer = lq_renderer_new();
  k->options.mode = LIQUID_STRICT2;
  *state = k;
  return 0;
}

static int tear_down(void **state) {
  struct kit *k = *state;
  liquid_compiler_free(k->compiler);
  lq_renderer_free(k->renderer);
  arena_deinit(&k->arena);
  free(k);
  return 0;
}

static struct lq data_of(struct kit *k, const char *json) {
  struct lq_cx cx = { .arena = &k->arena, .allocated_max = SIZE_MAX / 2 };
  struct json j;
  struct lq v;
  const char *why;
  size_t at;
  assert_true(json_check(str_from_c(json), &j, &why, &at));
  assert_true(lq_from_json(&cx, j, &v));
  return v;
}

/* The text, or the compile error. Snippets: "name", "text", …, NULL. */
static struct lq_result render(struct kit *k, struct str text, const char *json, const char *const *snippets) {
  struct liquid_error e;
  struct lq_settings settings = { .now_ms = 0 };
  static struct lq_unit unit;
  static struct str error;
  liquid_reset(k->compiler, &k->options);
  if (!liquid_add(k->compiler, STR(""), text, &e)) {
    error = e.text;
    return (struct lq_result){ .text = error, .errors = &error, .error_count = 1, .fatal = true };
  }
  for (; snippets && *snippets; snippets += 2) (void)liquid_add(k->compiler, str_from_c(snippets[0]), str_from_c(snippets[1]), &e);
  unit = liquid_unit(k->compiler);
  return lq_render(k->renderer, &unit, 0, data_of(k, json), &settings);
}

static void expect(struct kit *k, const char *template, const char *json, const char *wanted) {
  struct lq_result r = render(k, str_from_c(template), json, NULL);
  if (!str_is(r.text, wanted)) fail_msg("%s\n  gives  %.*s\n  wanted %s", template, STR_ARG(r.text), wanted);
}

/* --- limits ---------------------------------------------------------------------------------------------------------- */

static const struct { const char *what, *template, *wanted; } attacks[] = {
  { "output", "{% for i in (1..900000) %}0123456789{% endfor %}", "Liquid error: Memory limits exceeded" },
  { "steps of an empty loop", "{% for i in (1..4000000000) %}{% endfor %}", "Liquid error: Memory limits exceeded" },
  { "steps of loops inside each other", "{% for a in (1..2000) %}{% for b in (1..2000) %}{% assign c = a %}{% endfor %}{% endfor %}",
    "Liquid error: Memory limits exceeded" },
  { "a table's cells", "{% tablerow i in (1..4000000000) %}{% endtablerow %}", "Liquid error: Memory limits exceeded" },
  { "a text doubled", "{% assign s = '0123456789' %}{% for i in (1..60) %}{% assign s = s | append: s %}{% endfor %}{{ s | size }}",
    "Liquid error: Memory limits exceeded" },
  { "an array doubled", "{% assign a = (1..9) | reverse %}{% for i in (1..60) %}{% assign a = a | concat: a %}{% endfor %}{{ a | size }}",
    "Liquid error: Memory limits exceeded" },
  { "every character replaced by all", "{% assign s = '0123456789' %}{% for i in (1..30) %}{% assign s = s | replace: '', s %}{% endfor %}",
    "Liquid error: Memory limits exceeded" },
  { "a capture of a capture", "{% for i in (1..60) %}{% capture s %}{{ s }}0123456789{{ s }}{% endcapture %}{% endfor %}",
    "Liquid error: Memory limits exceeded" },
  { "a long join", "{% assign s = '0123456789' %}{% for i in (1..14) %}{% assign s = s | append: s %}{% endfor %}{{ (1..1000) | join: s }}",
    "Liquid error: Memory limits exceeded" },
  { "a range as an array", "{{ (1..4000000000) | join: '' }}",
    "Liquid error (line 1): a range of more than 1000000 numbers is not made an array" },
  { "a range as an array, sorted", "{{ (-9223372036854775808..9223372036854775807) | sort }}",
    "Liquid error (line 1): a range of more than 1000000 numbers is not made an array" },
  { "digits", "{% assign n = 99 %}{% for i in (1..20) %}{% assign n = n | times: n %}{% endfor %}{% assign m = n | plus: 0 %}{{ m | size }}", "213" },
  { "digits, printed", "{% assign n = 99 %}{% for i in (1..20) %}{{ n | times: n }}{% break %}{% endfor %}", "9801" },
  { "a wide date", "{{ 'now' | date: '%9999999999999Y' }}", "Liquid error (line 1): a width in a date format is more than 1024" },
  { "many wide dates", "{% capture f %}{% for i in (1..200) %}%1000Y{% endfor %}{% endcapture %}{{ 'now' | date: f }}",
    "Liquid error (line 1): a formatted date is longer than 65536 bytes" },
  { "cycles", "{% for i in (1..2000) %}{% cycle i: 'a', 'b' %}{% endfor %}", "Liquid error: more than 1000 different cycles" },
  { "errors", "{% for i in (1..2000) %}{{ 1 | divided_by: 0 }}{% endfor %}", "Liquid error: more than 1000 errors" },
  { "the loop's limit is a sum", "{% for i in (1..3) offset: 9223372036854775807 limit: 9223372036854775807 %}{{ i }}{% else %}none{% endfor %}", "none" },
  { "the smallest number", "{{ -9223372036854775808 | divided_by: -1 }} {{ -9223372036854775808 | modulo: -1 }} {{ -9223372036854775808 | abs }}",
    "9223372036854775808 0 9223372036854775808" },
  { "rounding far", "{{ 1.5 | round: 999999999999 }} {{ 15 | round: -999999999999 }}", "1.5 0" },
};

static void test_attacks(void **state) {
  struct kit *k = kit_of(state);
  for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
    struct lq_result r = render(k, str_from_c(attacks[i].template), "{}", NULL);
    if (str_is(r.text, attacks[i].wanted)) continue;
    if (r.text.len > 300) r.text.len = 300;
    fail_msg("%s: %.*s\n  wanted %s", attacks[i].what, STR_ARG(r.text), attacks[i].wanted);
  }
}

/* Text that opens so many blocks or brackets. */
static struct str repeated(struct kit *k, const char *open, uint32_t count, const char *middle, const char *close) {
  struct lq_cx cx = { .arena = &k->arena, .allocated_max = SIZE_MAX / 2 };
  struct lq_buf b = { .cx = &cx };
  for (uint32_t i = 0; i < count; i++) assert_true(lq_buf_str(&b, str_from_c(open)));
  assert_true(lq_buf_str(&b, str_from_c(middle)));
  for (uint32_t i = 0; i < count; i++) assert_true(lq_buf_str(&b, str_from_c(close)));
  return (struct str){ b.data, b.len };
}

static void test_nesting(void **state) {
  struct kit *k = kit_of(state);
  assert_true(str_is(render(k, repeated(k, "{% if true %}", 99, "x", "{% endif %}"), "{}", NULL).text, "x"));
  assert_true(str_is(render(k, repeated(k, "{% if true %}", 5000, "x", "{% endif %}"), "{}", NULL).text, "Liquid error: Nesting too deep"));
  assert_true(str_is(render(k, repeated(k, "{% for i in (1..1) %}", 99, "x", "{% endfor %}"), "{}", NULL).text, "x"));
  struct str deep = render(k, repeated(k, "{{ a", 1, repeated(k, "[a", 5000, "", "]").ptr, " }}"), "{}", NULL).text;
  assert_true(str_starts(deep, STR("Liquid syntax error (line 1): an expression has more than 50 brackets")));
  assert_true(str_starts(render(k, repeated(k, "{% liquid liquid ", 1, repeated(k, "liquid ", 100000, "", "").ptr, "%}"), "{}", NULL).text,
                         STR("Liquid syntax error (line")));
  k->options.mode = LIQUID_LAX;
  assert_true(str_starts(render(k, repeated(k, "{{ a", 1, repeated(k, "[a", 5000, "", "]").ptr, " | }}"), "{}", NULL).text, STR("Liquid syntax error")));
}

static void test_recursion(void **state) {
  struct kit *k = kit_of(state);
  static const char *const own[] = { "a", "{% render 'a' %}", NULL };
  static const char *const two[] = { "a", "{% include 'b' %}", "b", "{% include 'a' %}", NULL };
  static const char *const wide[] = { "a", "{% render 'a' %}{% render 'a' %}", NULL };
  assert_true(str_is(render(k, STR("{% render 'a' %}"), "{}", own).text, "Liquid error (a line 1): Nesting too deep"));
  assert_true(str_is(render(k, STR("{% include 'a' %}"), "{}", two).text, "Liquid error (b line 1): Nesting too deep") ||
              str_is(render(k, STR("{% include 'a' %}"), "{}", two).text, "Liquid error (a line 1): Nesting too deep"));
  /* Two calls at each depth would be 2^100 renders: the errors or the steps end it. */
  assert_true(render(k, STR("{% render 'a' %}"), "{}", wide).fatal);
}

/* Patterns of lax parsing cannot be made to search for ever. */
static void test_lax_patterns(void **state) {
  struct kit *k = kit_of(state);
  k->options.mode = LIQUID_LAX;
  struct str hard = repeated(k, "{% include ", 1, repeated(k, "'a'", 20000, "'", "").ptr, " %}");
  assert_true(render(k, hard, "{}", NULL).error_count > 0);
  hard = repeated(k, "{% if ", 1, repeated(k, "a and ", 20000, "'", "").ptr, " %}x{% endif %}");
  (void)render(k, hard, "{}", NULL);
  hard = repeated(k, "{{ '", 1, repeated(k, "a'|", 20000, "", "").ptr, " }}");
  (void)render(k, hard, "{}", NULL);
}

static void test_hash_collisions(void **state) {
  struct kit *k = kit_of(state);
  struct lq_cx cx = { .arena = &k->arena, .allocated_max = SIZE_MAX / 2 };
  struct lq_buf b = { .cx = &cx };
  char key[64];
  assert_true(lq_buf_str(&b, STR("{")));
  for (int i = 0; i < 20000; i++) assert_true(lq_buf_add(&b, key, (size_t)snprintf(key, sizeof key, "\"k%d\":%d,\"k%d\":%d,", i, i, i / 2, i)));
  assert_true(lq_buf_str(&b, STR("\"k3\":\"last\"}")));
  assert_true(lq_buf_byte(&b, 0));
  /* A key that comes again keeps its place and takes the later value. */
  expect(k, "{{ k0 }} {{ k3 }} {{ k19999 }} {% assign n = 'k' | append: 5 %}{{ self[n] }}", b.data, "1 last 19999 11");
}

/* --- as the reference has it ----------------------------------------------------------------------------------------- */

/* Found by comparing made templates with Shopify/liquid 5.13.0, whose answers these are. */
static const struct { enum liquid_mode mode; const char *template, *wanted; } reference[] = {
  { LIQUID_LAX, "{% cycle nil, 'a' %}{% cycle nil, 'a' %}{% cycle 'a', nil %}",
    "aaa" },
  { LIQUID_STRICT, "{% cycle g: 'a', nil, 'b' %}{% cycle g: 'a', nil, 'b' %}",
    "ab" },
  { LIQUID_STRICT2, "{% cycle nil, 'a' %}{% cycle nil, 'a' %}",
    "a" },
  { LIQUID_LAX, "{% cycle nil %}x",
    "x" },
  { LIQUID_STRICT2, "{{ 1 | uniq: 'name' }} {{ list | uniq: 'name' }}",
    "1 {\"name\"=>\"a\"}{\"name\"=>\"b\"}" },
  { LIQUID_STRICT2, "{{ 7 | map: (0..1) }} {{ 'hello' | map: (1..3) }} {{ 5 | map: 2.5 }} {{ 'hello' | map: 12345678901234567890 }}",
    "3 ell 1 Liquid error (line 1): internal" },
  { LIQUID_STRICT2, "{{ 5 | map: (1..0) }} {{ 'hello' | map: (-3..-2) }} {{ 'hello' | map: (9..10) }}",
    "2 ll " },
  { LIQUID_STRICT2, "{{ 0 | times: -2.5 }} {{ -0.0 | plus: 0 }} {{ -0.0 | minus: 0 }} {{ -0.04 | round: 1 }} {{ '-0.0' | abs }}",
    "-0.0 0.0 -0.0 -0.0 0.0" },
  { LIQUID_STRICT2, "{{ 5 | divided_by: -0.0 }} {{ 42 | at_most: -0.0 }} {{ 0.0 | divided_by: -3 }} {{ -0.0 | modulo: 3 }}",
    "-Infinity -0.0 -0.0 0.0" },
  { LIQUID_STRICT2, "{{ 12345678901234567890123 | size }} {{ 99999999999999999999 | size }} {{ 8 | round: 99999999999999999999 }}",
    "10 9 Liquid error (line 1): internal" },
  { LIQUID_STRICT2, "{{ 'true' | base64_decode | size }}",
    "3" },
  { LIQUID_STRICT, "a{% liquid increment cnt\n\n%}{{ x y | }}",
    "Liquid syntax error (line 2): Expected end_of_string but found id in \"{{ x y | }}\"" },
  { LIQUID_STRICT2, "{% assign f = 1.5 %}{% case (f..2) %}{% else %}a{% endcase %}{% case (f..2) %}{% when 1 %}{% else %}b{% endcase %}",
    "aLiquid error (line 1): invalid integer" },
  { LIQUID_STRICT2, "{% include 'go' for list %}",
    "a-ab" },
  { LIQUID_STRICT2, "{{ 0 | date: '%5' }}|{{ 0 | date: '%' }}|{{ 0 | date: 'x%-' }}|{{ 0 | date: '%:' }}",
    "Liquid error (line 1): invalid format: %5|Liquid error (line 1): invalid format: %|Liquid error (line 1): invalid format: x%-|%:" },
  { LIQUID_STRICT2, "{{ 0 | date: '%OY %Oy %Ey %Ed %::::z %:::z' }}|{{ 0 | date: '%:10z %10:z' }}|{{ 0 | date: '%:%d' }}",
    "%OY 70 70 %Ed %::::z +00|%:10z +000000:00|%:01" },
  { LIQUID_STRICT2, "{{ 0 | date: '%#c' }}|{{ 0 | date: '%#p %#B %-z %-10z' }}|{{ '2024-01-01T00:00:00Z' | date: '%-z %-:z' }}",
    "Thu Jan  1 00:00:00 1970|am JANUARY +0000 +000000000|-0000 -00:00" },
};

static void test_reference(void **state) {
  struct kit *k = kit_of(state);
  static const char *const snippets[] = { "go", "{{ go.name }}-{% continue %}z", NULL };
  for (size_t i = 0; i < sizeof reference / sizeof reference[0]; i++) {
    k->options.mode = reference[i].mode;
    struct lq_result r = render(k, str_from_c(reference[i].template), "{\"list\":[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"b\"}]}", snippets);
    if (!str_is(r.text, reference[i].wanted)) fail_msg("%s\n  gives  %.*s\n  wanted %s", reference[i].template, STR_ARG(r.text), reference[i].wanted);
  }
}

/* Texts that Ruby reads as moments, or leaves; at the beginning of 1970. */
static const struct { const char *text, *wanted; } dates[] = {
  { "2024-11", "2024-11" },
  { "W10", "W10" },
  { "2024-W41-7 3:36am", "1970-01-01 03:36:00.000 +0000" },
  { "--02-13", "1970-02-13 00:00:00.000 +0000" },
  { "H31.04.30", "2019-04-30 00:00:00.000 +0000" },
  { "Jan 5 100 BC", "-0099-01-05 00:00:00.000 +0000" },
  { "jun 1 1 BC", "2000-06-01 00:00:00.000 +0000" },
  { "1 2:08", "1970-01-01 02:08:00.000 +0000" },
  { "20:25 nov 9", "1970-01-09 20:25:00.000 +0000" },
  { "1-13", "1970-01-13 01:00:00.000 +0000" },
  { "24-08", "1969-12-24 00:00:00.000 -0800" },
  { "617047128 ", "617047128 " },
  { "937700986 03:18", "1970-01-01 03:18:00.000 +0000" },
  { "24:09:09+02:00", "1970-01-02 00:09:09.000 +0200" },
  { "decem 1th, 2024 24:17:32-03", "2024-12-02 00:17:32.000 -0300" },
  { "24:17", "24:17" },
  { "-16, 14:58:36.5 a.m.", "1970-01-01 02:58:16.000 +0000" },
  { "12", "1970-01-01 00:00:12.000 +0000" },
  { "sept 3rd", "1970-09-03 00:00:00.000 +0000" },
};

static void test_dates(void **state) {
  struct kit *k = kit_of(state);
  for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
    char json[256];
    snprintf(json, sizeof json, "{\"d\":\"%s\"}", dates[i].text);
    expect(k, "{{ d | date: '%Y-%m-%d %H:%M:%S.%L %z' }}", json, dates[i].wanted);
  }
}

/* --- escaping -------------------------------------------------------------------------------------------------------- */

static void test_escape(void **state) {
  struct kit *k = kit_of(state);
  k->options.escape = true;
  expect(k, "<b>{{ name }}</b>", "{\"name\":\"<i>&\"}", "<b>&lt;i&gt;&amp;</b>");
  expect(k, "{{ name | escape }} {{ name | escape | strip }}", "{\"name\":\"a&b \"}", "a&amp;b  a&amp;b");
  expect(k, "{{ name | escape | upcase }}", "{\"name\":\"a&b\"}", "A&amp;AMP;B");
  expect(k, "{% capture c %}<b>{{ name }}</b>{% endcapture %}{{ c }}", "{\"name\":\"&\"}", "<b>&amp;</b>");
  expect(k, "{{ list }} {{ list | join: '<' }}", "{\"list\":[\"<\",\">\"]}", "&lt;&gt; &lt;&lt;&gt;");
  expect(k, "{% cycle name, 'x' %}{{ hash }}", "{\"name\":\"<\",\"hash\":{\"a\":\"<\"}}", "&lt;{&quot;a&quot;=&gt;&quot;&lt;&quot;}");
}

/* --- files ----------------------------------------------------------------------------------------------------------- */

/* Every instruction at least once. */
static const char everything[] =
  "{%- assign a = 'x' | append: n | default: 'no', allow_false: true -%}{% increment c %}{% decrement d %}"
  "{% capture t %}{{ a }}{% endcapture %}{% ifchanged %}{{ t }}{% endifchanged %}"
  "{% for i in (1..n) reversed limit: 5 offset: 1 %}{% if i == 2 and n > 1 or n contains 'x' %}{% continue %}{% endif %}{{ forloop.index }}"
  "{% cycle 'a', 'b' %}{% cycle i: 1, 2.5 %}{% unless i %}{% break %}{% endunless %}{% else %}none{% endfor %}"
  "{% for j in h offset: continue %}{{ j[0] }}{{ h['k'] }}{{ h[t] }}{% endfor %}"
  "{% tablerow r in l cols: 2 limit: 3 offset: 0 %}{{ r.size }}{{ r | nosuch: 1 }}{% endtablerow %}"
  "{% case n %}{% when 3, 4 or nil %}three{% when 99999999999999999999 %}{% else %}other{% endcase %}{{ (1..3) }}{{ true }}"
  "{% render 's' for l as item, x: 1 %}{% include 's', x: 2 %}{% if l == empty or l == blank %}{% endif %}";
static const char *const everything_snippets[] = { "s", "[{{ item }}{{ x }}{{ forloop.last }}]", NULL };
static const char everything_data[] = "{\"n\":4,\"h\":{\"k\":1,\"x4\":2},\"l\":[\"ab\",\"c\",\"def\"]}";

static void test_file(void **state) {
  struct kit *k = kit_of(state);
  struct lq_settings settings = { .now_ms = 0 };
  struct lq_unit read;
  const char *why;
  struct buf bytes;
  struct str direct = arena_str(&k->arena, render(k, str_from_c(everything), everything_data, everything_snippets).text);
  struct lq_unit unit = liquid_unit(k->compiler);
  buf_init(&bytes, 1 << 20);
  lq_unit_write(&bytes, &unit);
  if (!lq_unit_read(&k->arena, buf_as_str(&bytes), &read, &why)) fail_msg("%s", why);
  struct lq_result r = lq_render(k->renderer, &read, 0, data_of(k, everything_data), &settings);
  if (!str_eq(r.text, direct)) fail_msg("read back: %.*s\n  wanted    %.*s", STR_ARG(r.text), STR_ARG(direct));
  assert_int_equal(r.error_count, 0);
  buf_deinit(&bytes);
}

/* Each byte changed to others, and the file cut everywhere: an error, or code that ends. */
static void test_hostile_file(void **state) {
  struct kit *k = kit_of(state);
  static const char others[] = "0129: a";
  struct lq_settings settings = { .limits = { .output_bytes = 20000, .memory_bytes = 1 << 20, .steps = 2000 } };
  struct arena a;
  struct buf bytes;
  struct lq_unit read;
  const char *why;
  uint32_t good = 0, bad = 0;
  (void)render(k, str_from_c(everything), everything_data, everything_snippets);
  struct lq_unit unit = liquid_unit(k->compiler);
  struct lq data = data_of(k, everything_data);
  buf_init(&bytes, 1 << 20);
  lq_unit_write(&bytes, &unit);
  arena_init(&a, 64u << 10);
  for (size_t i = 0; i < bytes.len; i++)
    for (size_t j = 0; j + 1 < sizeof others; j++) {
      char was = bytes.data[i];
      bytes.data[i] = others[j];
      arena_reset(&a);
      bool fine = lq_unit_read(&a, buf_as_str(&bytes), &read, &why);
      bytes.data[i] = was;
      if (fine) (void)lq_render(k->renderer, &read, 0, data, &settings);
      good += fine, bad += !fine;
      assert_true(fine || why);
    }
  for (size_t len = 0; len < bytes.len; len++) {
    arena_reset(&a);
    assert_false(lq_unit_read(&a, (struct str){ bytes.data, len }, &read, &why));
  }
  assert_true(good > 100);
  assert_true(bad > 100);
  arena_deinit(&a);
  buf_deinit(&bytes);
}

/* --- Camp's own ------------------------------------------------------------------------------------------------------ */

static void test_camp_filters(void **state) {
  struct kit *k = kit_of(state);
  k->options.camp = true;
  expect(k, "{{ 1234567.891 | number }} {{ 1234567.891 | number: 2 }} {{ -1234.5 | number: 2, ',' }} {{ 0.005 | number: 2 }} {{ 999 | number }}", "{}",
         "1,234,568 1,234,567.89 -1.234,50 0.01 999");
  expect(k, "{{ 12.5 | money: 'EUR' }} {{ '40 EUR' | money }} {{ 1999.5 | money: 'JPY' }} {{ 0 | money: 'KWD' }} {{ -0.001 | money: 'USD' }}", "{}",
         "12.50 EUR 40.00 EUR 2,000 JPY 0.000 KWD 0.00 USD");
  expect(k, "{{ 1 | plural: 'item', 'items' }} {{ 3 | plural: 'item', 'items' }} {{ 0 | plural: 'item', 'items' }} {{ '1' | plural: 'a', 'b' }}", "{}",
         "item items items a");
  expect(k, "{{ v | json }}", "{\"v\":{\"a\":[1,2.5,null,true,\"</script>\\u0001\"]}}", "{\"a\":[1,2.5,null,true,\"\\u003c/script\\u003e\\u0001\"]}");
  /* RFC 1321, FIPS 180, RFC 4231 test case 2. */
  expect(k, "{{ 'abc' | md5 }} {{ 'abc' | sha1 }}", "{}", "900150983cd24fb0d6963f7d28e17f72 a9993e364706816aba3e25717850c26c9cd0d89d");
  expect(k, "{{ 'abc' | sha256 }}", "{}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(k, "{{ 'what do ya want for nothing?' | hmac_sha256: 'Jefe' }}", "{}", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  k->options.escape = true;
  expect(k, "{{ v }} {{ v | raw }} {{ v | raw | append: '<' }}", "{\"v\":\"<i>\"}", "&lt;i&gt; <i> &lt;i&gt;&lt;");
  k->options.escape = k->options.camp = false;
  expect(k, "{{ 'a' | raw }}{{ 1 | money }}", "{}", "a1"); /* elsewhere unknown filters do nothing */
}

/* Words and marks as ICU 72 has them, but that the euro has its sign everywhere. */
static const struct { const char *locale, *wanted; } languages[] = {
  { "en", "1,234,567.5|€12,345.50|Wednesday 5. August|Wed Aug" },
  { "de", "1.234.567,5|12.345,50\u00a0€|Mittwoch 5. August|Mi. Aug." },
  { "fr", "1\u202f234\u202f567,5|12\u202f345,50\u00a0€|mercredi 5. août|mer. août" },
  { "es", "1.234.567,5|12.345,50\u00a0€|miércoles 5. agosto|mié ago" },
  { "it", "1.234.567,5|12.345,50\u00a0€|mercoledì 5. agosto|mer ago" },
  { "nl", "1.234.567,5|€\u00a012.345,50|woensdag 5. augustus|wo aug" },
  { "pt", "1.234.567,5|€\u00a012.345,50|quarta-feira 5. agosto|qua. ago." },
  { "pl", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|środa 5. sierpnia|śr. sie" },
  { "sv", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|onsdag 5. augusti|ons aug." },
  { "da", "1.234.567,5|12.345,50\u00a0€|onsdag 5. august|ons. aug." },
  { "nb", "1\u00a0234\u00a0567,5|€\u00a012\u00a0345,50|onsdag 5. august|ons. aug." },
  { "fi", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|keskiviikkona 5. elokuuta|ke elok." },
  { "cs", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|středa 5. srpna|st srp" },
  { "sk", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|streda 5. augusta|st aug" },
  { "hu", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|szerda 5. augusztus|Sze aug." },
  { "ro", "1.234.567,5|12.345,50\u00a0€|miercuri 5. august|mie. aug." },
  { "tr", "1.234.567,5|€12.345,50|Çarşamba 5. Ağustos|Çar Ağu" },
  { "el", "1.234.567,5|12.345,50\u00a0€|Τετάρτη 5. Αυγούστου|Τετ Αυγ" },
  { "uk", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|середа 5. серпня|ср серп." },
  { "ru", "1\u00a0234\u00a0567,5|12\u00a0345,50\u00a0€|среда 5. августа|ср авг." },
};

/* The form that each count takes, by CLDR's examples of its rules. */
static const struct { const char *locale, *counts, *forms; } counted[] = {
  { "en", "0 1 2 1.5 21", "babbb" }, { "de", "0 1 2", "bab" }, { "fr", "0 1 1.5 2 100", "aaabb" },
  { "pl", "0 1 2 4 5 12 14 21 22 25 112 122", "cabbccccbccb" }, { "cs", "0 1 2 4 5 1.5 22", "cabbccc" },
  { "ro", "0 1 2 19 20 101 119 120", "babbcbbc" }, { "ru", "1 2 5 11 12 21 22 25 111 121", "abcccabcca" },
  { "uk", "1 3 7 13 31", "abcca" } };

static void test_languages(void **state) {
  struct kit *k = kit_of(state);
  char template[512], json[64];
  k->options.camp = true;
  for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
    snprintf(template, sizeof template, "{{ 1234567.5 | number: 1, locale: '%s' }}|{{ '12345.5 EUR' | money: locale: '%s' }}|"
             "{{ '2026-08-05' | date: '%%A %%-d. %%B', locale: '%s' }}|{{ '2026-08-05' | date: '%%a %%b', locale: '%s' }}",
             languages[i].locale, languages[i].locale, languages[i].locale, languages[i].locale);
    expect(k, template, "{}", languages[i].wanted);
  }
  for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
    snprintf(template, sizeof template, "{%% assign all = '%s' | split: ' ' %%}{%% for n in all %%}{{ n | plural: 'a', 'b', 'c', locale: l }}{%% endfor %%}", counted[i].counts);
    snprintf(json, sizeof json, "{\"l\":\"%s\"}", counted[i].locale);
    expect(k, template, json, counted[i].forms);
  }
  expect(k, "{{ -3 | number: 0, locale: 'sv' }} {{ '-3 CHF' | money: locale: 'de-CH' }} {{ '1200 USD' | money: locale: 'en_GB' }} {{ '5 PLN' | money: locale: 'en' }}", "{}",
         "\u22123 -3,00\u00a0CHF $1,200.00 PLN\u00a05.00");
  expect(k, "{{ 'x' | plural: 'a', 'b' }} {{ 2 | plural: 'a', 'b', locale: 'pl' }} {{ '2026-08-05' | date: '%B', locale: 'tlh' }} {{ 1 | number: locale: nothing }}", "{}",
         "b b August 1");
  expect(k, "{{ '2026-08-05' | date: '%B', zone: 'Mars/Base' }} {{ 1 | number: 1, size: 2 }}", "{}",
         "Liquid error (line 1): there is no time zone `Mars/Base` Liquid error (line 1): there is no option `size`");
}

/* A renderer and a compiler that are used again give what new ones give. */
static void test_again(void **state) {
  struct kit *k = kit_of(state);
  static const char *const snippets[] = { "s", "{% increment n %}{% assign v = 'in' %}{{ v }}{{ given }}", NULL };
  struct str template = STR("{% increment n %}{% assign v = 'out' %}{% render 's', given: 1 %}{{ v }}{% cycle 'a', 'b' %}{{ given }}");
  for (int i = 0; i < 5; i++) {
    assert_true(str_is(render(k, template, "{\"x\":1}", snippets).text, "00in1outa"));
    expect(k, "{{ x | plus: 1 | divided_by: 0 }}{{ x }}", "{\"x\":2}", "Liquid error (line 1): divided by 02");
    assert_true(render(k, STR("{% for i in (1..900000) %}0123456789{% endfor %}"), "{}", NULL).fatal);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_attacks, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_nesting, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_recursion, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_lax_patterns, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_hash_collisions, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_reference, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_dates, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_escape, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_hostile_file, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_camp_filters, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_languages, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("liquid", tests, NULL, NULL);
}
