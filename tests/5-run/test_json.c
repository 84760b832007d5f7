/* The JSON scanner: a table of what it takes and refuses, its slices and numbers, and jansson as the oracle for thousands of
 * damaged texts. */
#include "vm/base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/lib/oracle.h"
#include "vm/base/hash.h"
#include "vm/base/limits.h"

struct row { const char *text; bool good; };
static const struct row rows[] = {
  /* scalars */
  { "null", true }, { "true", true }, { "false", true }, { " \t\r\n true \n", true }, { "nul", false }, { "nulll", false },
  { "True", false }, { "truefalse", false }, { "true false", false }, { "", false }, { " ", false }, { "NaN", false },
  { "Infinity", false }, { "-Infinity", false }, { "undefined", false }, { "'a'", false }, { "a", false },
  { "\xef\xbb\xbf{}", false }, { "\f1", false }, { "1\v", false }, { "\xc2\xa0" "1", false }, { "# 1", false },
  /* numbers */
  { "0", true }, { "-0", true }, { "1", true }, { "-1", true }, { "10", true }, { "123456789", true }, { "0.0", true },
  { "-0.0", true }, { "1.5", true }, { "1e5", true }, { "1E5", true }, { "1e+5", true }, { "1e-5", true },
  { "1.5e10", true }, { "0e0", true }, { "0e+1", true }, { "20e1", true }, { "1.0e-400", true }, { "123.456e78", true },
  { "9223372036854775807", true }, { "-9223372036854775808", true }, { "00", false }, { "01", false }, { "-01", false },
  { "-", false }, { "+1", false }, { ".5", false }, { "-.5", false }, { "1.", false }, { "1.e5", false }, { "1e", false },
  { "1e+", false }, { "1e-", false }, { "1e5.5", false }, { "0x10", false }, { "1a", false }, { "--1", false },
  { "1 000", false }, { "0.e1", false }, { "-a", false }, { "1.2.3", false }, { "0e", false }, { "2.e-3", false },
  { "1eE2", false }, { "\xef\xbc\x91", false },
  /* strings */
  { "\"\"", true }, { "\"a\"", true }, { "\"\\\"\"", true }, { "\"\\\\\\/\\b\\f\\n\\r\\t\"", true }, { "\"\\u0041\"", true },
  { "\"\\u00e9\\u20AC\"", true }, { "\"\\ud83d\\ude00\"", true }, { "\"\\uDBFF\\uDFFF\"", true }, { "\"\xc3\xa9\"", true },
  { "\"\xe2\x82\xac\"", true }, { "\"\xf0\x9f\x98\x80\"", true }, { "\"\x7f\"", true }, { "\"\\uFFFF\"", true },
  { "\"\xef\xbf\xbf\"", true }, { "\"12345678\"", true }, { "\"1234567\\n89012345\"", true }, { "\"\xf4\x8f\xbf\xbf\"", true },
  { "\"", false }, { "\"a", false }, { "\"\\\"", false }, { "\"\\", false }, { "\"\\a\"", false }, { "\"\\x41\"", false },
  { "\"\\u\"", false }, { "\"\\u00\"", false }, { "\"\\u004\"", false }, { "\"\\u00g0\"", false }, { "\"\\u0000\"", false },
  { "\"\\ud800\"", false }, { "\"\\udc00\"", false }, { "\"\\ud800x\"", false }, { "\"\\ud800\\u0041\"", false },
  { "\"\\ud800\\ud800\"", false }, { "\"\\ud800\\\"", false }, { "\"\\ude00\\ud83d\"", false }, { "\"\\U0041\"", false },
  { "\"\n\"", false }, { "\"\t\"", false }, { "\"\x01\"", false }, { "\"\x1f\"", false }, { "\"\xff\"", false },
  { "\"\xc3\"", false }, { "\"\xc0\x80\"", false }, { "\"\xc1\xbf\"", false }, { "\"\xe0\x80\x80\"", false },
  { "\"\xed\xa0\x80\"", false }, { "\"\xf5\x80\x80\x80\"", false }, { "\"\xf4\x90\x80\x80\"", false }, { "\"\x80\"", false },
  { "\"\xe2\x82\"", false }, { "\"\xf0\x9f\x98\"", false }, { "\"a\" \"b\"", false }, { "\"\\'\"", false },
  { "\"1234567890\n\"", false }, { "\"1234567890\xff\"", false }, { "\"\xf8\x88\x80\x80\x80\"", false },
  /* arrays */
  { "[]", true }, { "[ ]", true }, { "[1]", true }, { "[1,2]", true }, { " [ 1 , 2 ] ", true }, { "[[]]", true },
  { "[[],[]]", true }, { "[null,true,false,1,\"a\",[],{}]", true }, { "[\"]\"]", true }, { "[", false }, { "]", false },
  { "[1", false }, { "[1,", false }, { "[1,]", false }, { "[,1]", false }, { "[,]", false }, { "[1,,2]", false },
  { "[1 2]", false }, { "[1}", false }, { "[1]]", false }, { "[[1]", false }, { "[1:2]", false }, { "[\"a\"", false },
  { "[a]", false }, { "[-]", false }, { "[1]x", false }, { "[\"a\":1]", false }, { "[x", false }, { "[\"a\\\"]", false },
  { "[//\n1]", false }, { "[1,\n1\n,1", false }, { "[0,0e]", false },
  /* objects */
  { "{}", true }, { "{ }", true }, { "{\"a\":1}", true }, { "{ \"a\" : 1 , \"b\" : 2 }", true }, { "{\"a\":{}}", true },
  { "{\"\":0}", true }, { "{\"a\":1,\"a\":2}", true }, { "{\"a\":[]}", true }, { "{\"\\u0061\":1}", true },
  { "{\"a\":{\"b\":{\"c\":[{}]}}}", true }, { "{\"}\":\"{\"}", true }, { "{", false }, { "}", false }, { "{\"a\"", false },
  { "{\"a\":", false }, { "{\"a\":1", false }, { "{\"a\":1,", false }, { "{\"a\":1,}", false }, { "{,}", false },
  { "{\"a\" 1}", false }, { "{\"a\":}", false }, { "{a:1}", false }, { "{1:1}", false }, { "{'a':1}", false },
  { "{\"a\":1]", false }, { "{\"a\"::1}", false }, { "{\"a\":1 \"b\":2}", false }, { "{\"a\":1,,\"b\":2}", false },
  { "{\"a\",\"b\"}", false }, { "{\"a\":1}}", false }, { "{\"a\":1}#", false }, { "{null:1}", false }, { "{\"\xff\":1}", false },
  { "{\"\\u0000\":1}", false }, { "{[]:1}", false }, { "{\"a\":1/**/}", false }, { "{]", false }, { "[}", false },
  { "{\"a\":\"b\"}/", false }, { "{\"a\":1;\"b\":2}", false }, { "{\"asd\":\"asd\"", false },
};

static bool check(struct str text, struct json *out) {
  const char *why = NULL;
  size_t at = 0;
  bool good = json_check(text, out, &why, &at);
  if (!good) {
    assert_non_null(why);
    assert_true(at <= text.len);
    assert_int_equal(out->type, JSON_BAD);
  }
  return good;
}

/* A copy that ends where the text does, so that the sanitizer sees a byte too many. */
static bool check_alone(const char *bytes, size_t len, struct json *out) {
  char *alone = malloc(len ? len : 1);
  assert_non_null(alone);
  if (len) memcpy(alone, bytes, len);
  bool good = check((struct str){ alone, len }, out);
  free(alone);
  return good;
}

static bool jansson_takes(const char *bytes, size_t len, json_error_t *e) {
  json_t *j = json_loadb(bytes, len, JSON_DECODE_ANY, e);
  json_decref(j);
  return j != NULL;
}

static void test_table(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct json j;
    json_error_t e;
    size_t len = strlen(rows[i].text);
    bool good = check_alone(rows[i].text, len, &j);
    if (good != rows[i].good) fail_msg("row %zu: %s", i, rows[i].text);
    if (jansson_takes(rows[i].text, len, &e) != good) fail_msg("jansson differs in row %zu: %s", i, rows[i].text);
  }
}

/* What RFC 8259 allows and jansson has a limit for, and the other way round. */
static void test_differences(void **state) {
  (void)state;
  struct json j;
  double n;
  assert_true(check(STR("92233720368547758080"), &j));
  assert_true(json_number(j, &n));
  assert_true(n == 92233720368547758080.0);
  assert_true(check(STR("1e400"), &j));
  assert_false(json_number(j, &n));
  assert_true(check(STR("-1e400"), &j));
  assert_false(json_number(j, &n));
}

static void test_depth(void **state) {
  (void)state;
  char text[2 * (LIMIT_JSON_DEPTH + 1)];
  struct json j;
  const char *why;
  size_t at;
  for (size_t depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    assert_int_equal(json_check((struct str){ text, 2 * depth }, &j, &why, &at), depth <= LIMIT_JSON_DEPTH);
  }
  assert_string_equal(why, "arrays and objects are nested too deep (LIMIT_JSON_DEPTH)");
  assert_int_equal(at, LIMIT_JSON_DEPTH);
  size_t deep = 1000000;
  char *many = malloc(deep);
  assert_non_null(many);
  memset(many, '[', deep);
  assert_false(check((struct str){ many, deep }, &j));
  free(many);
}

static void test_messages(void **state) {
  (void)state;
  static const struct { const char *text, *why; size_t at; } cases[] = {
    { "", "a value is expected", 0 },
    { "{\"a\":1,}", "a name in quotes is expected", 7 },
    { "{\"a\" 1}", "':' is expected behind a name", 5 },
    { "[1 2]", "',' or ']' is expected", 3 },
    { "{\"a\":1", "the object is not closed", 6 },
    { "[1", "the array is not closed", 2 },
    { "{\"a\":\"b", "the string is not closed", 7 },
    { "01", "a number does not begin with 0", 1 },
    { "1 x", "more text follows the value", 2 },
    { "\"\\q\"", "this escape does not exist in JSON", 2 },
    { "\"a\xff\"", "the text is not UTF-8", 2 },
    { "\"a\nb\"", "a control character in a string", 2 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct json j;
    const char *why = "";
    size_t at = 99;
    assert_false(json_check(str_from_c(cases[i].text), &j, &why, &at));
    assert_string_equal(why, cases[i].why);
    assert_int_equal(at, cases[i].at);
  }
}

/* Rebuilds a value by walking it, so that the walk's slices meet jansson's tree. */
static json_t *rebuild(struct json v, struct arena *a) {
  double n;
  struct str s;
  json_t *out;
  switch (v.type) {
    case JSON_NULL: return json_null();
    case JSON_TRUE: return json_true();
    case JSON_FALSE: return json_false();
    case JSON_NUMBER: return json_number(v, &n) ? json_real(n) : NULL;
    case JSON_STRING: s = json_string(v, a); return json_stringn(s.ptr, s.len);
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    default: return NULL;
  }
  out = v.type == JSON_ARRAY ? json_array() : json_object();
  struct json_walk w = json_walk_of(v.text);
  while (json_next(&w)) {
    json_t *item = rebuild(w.value, a);
    assert_non_null(item);
    if (v.type == JSON_ARRAY) {
      assert_int_equal(json_array_append_new(out, item), 0);
    } else {
      struct str key = json_key(&w, a);
      char *name = malloc(key.len + 1);
      assert_non_null(name);
      memcpy(name, key.ptr, key.len);
      name[key.len] = '\0';
      assert_int_equal(json_object_set_new(out, name, item), 0);
      struct json member = json_member(v.text, key);
      assert_int_not_equal(member.type, JSON_BAD);
      free(name);
    }
  }
  return out;
}

static const char seed_track[] =
  "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"ann\",\"timestamp\":\"2026-01-05T10:00:00Z\",\"messageId\":\"m-1\","
  "\"properties\":{\"amount\":40.5,\"currency\":\"EUR\",\"items\":[{\"sku\":\"a\\u00e91\",\"n\":1},{\"sku\":\"b\\\\\",\"n\":-2e3}]}}";
static const char *const seeds[] = {
  seed_track,
  "{\"a\":[1,2.5,-3e-7,true,false,null,\"x\\ny\",{\"b\":{}},[[],[[]]]],\"\\ud83d\\ude00\":\"\xf0\x9f\x98\x80 \xe2\x82\xac\"}",
  "[0.1,123456789012345678,1.7976931348623157e308,5e-324,\"\\\"\\/\\b\\f\\t\\r\",\"long enough for a whole word of eight\"]",
};

static uint64_t random_next(uint64_t *s) {
  *s += 0x9e3779b97f4a7c15u;
  return hash_u64(*s);
}

/* Damages a text in one to three places: another byte, a byte less, a byte more, a piece twice. */
static size_t damage(char *text, size_t len, size_t cap, uint64_t *s) {
  static const char alphabet[] = "{}[]\",:\\u0123456789abcdefDEnrt-+. \n\xc3\xa9\xff";
  for (uint64_t times = random_next(s) % 3 + 1; times && len; times--) {
    size_t at = (size_t)(random_next(s) % len);
    char c = alphabet[random_next(s) % (sizeof alphabet - 1)];
    switch (random_next(s) % 4) {
      case 0: text[at] = c; break;
      case 1: memmove(text + at, text + at + 1, len - at - 1); len--; break;
      case 2:
        if (len == cap) break;
        memmove(text + at + 1, text + at, len - at);
        text[at] = c;
        len++;
        break;
      default: {
        size_t n = (size_t)(random_next(s) % 8);
        size_t from = (size_t)(random_next(s) % len);
        if (from + n <= len && at + n <= len) memmove(text + at, text + from, n);
      }
    }
  }
  return len;
}

/* jansson's own limits, which the scanner does not have. */
static bool is_jansson_limit(const json_error_t *e) {
  return strstr(e->text, "too big") || strstr(e->text, "overflow");
}

/* What the check noted of an object's members is what a walk finds. */
static void members_are(struct str text) {
  struct json j, again;
  struct json_members m;
  const char *why = "", *why_again = "";
  size_t at = 0, at_again = 0;
  bool good = json_check(text, &j, &why, &at);
  assert_int_equal(json_check_members(text, &again, &m, &why_again, &at_again), good);
  if (!good) {
    assert_string_equal(why, why_again);
    assert_int_equal(at, at_again);
    return;
  }
  assert_true(str_eq(j.text, again.text) && j.type == again.type);
  uint32_t n = 0;
  if (j.type == JSON_OBJECT) {
    for (struct json_walk w = json_walk_of(j.text); json_next(&w); n++) {
      if (n >= JSON_MEMBERS_COUNT) continue;
      assert_true(m.items[n].key.ptr == w.key.ptr && m.items[n].key.len == w.key.len && m.items[n].key_escaped == w.key_escaped);
      assert_int_equal(m.items[n].value.type, w.value.type);
      assert_int_equal(m.items[n].value.escaped, w.value.escaped);
      assert_true(m.items[n].value.text.ptr == w.value.text.ptr && m.items[n].value.text.len == w.value.text.len);
    }
  }
  assert_int_equal(m.count, n);
}

static void test_members(void **state) {
  (void)state;
  static const char *const texts[] = {
    "{}", " { } ", "[]", "[{\"a\":1}]", "1", "{\"a\":{}}", "{\"a\":[],\"b\":[[]]}", "{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3}",
    "{ \"\\u0061\" : \"x\\ty\" , \"a\" : null }", "{\"a\":1,}", "{\"a\":{}", "{\"a\":\"\\n\",\"b\":{\"c\":\"d\"},\"c\":true}", "",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) members_are(str_from_c(texts[i]));
  for (int n = JSON_MEMBERS_COUNT - 1; n <= JSON_MEMBERS_COUNT + 1; n++) {
    char text[1024] = "{";
    for (int i = 0; i < n; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"k%d\":[%d,{}]", i ? "," : "", i, i);
    snprintf(text + strlen(text), sizeof text - strlen(text), "}");
    members_are(str_from_c(text));
  }
}

static void test_oracle(void **state) {
  (void)state;
  uint64_t s = 20260105;
  unsigned taken = 0;
  struct arena a;
  arena_init(&a, 4096);
  for (int round = 0; round < 20000; round++) {
    char text[512];
    const char *seed = seeds[round % 3];
    size_t len = strlen(seed);
    memcpy(text, seed, len);
    if (round >= 3) len = damage(text, len, sizeof text, &s);
    json_error_t e = { .text = "" };
    json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &e);
    char *alone = malloc(len + 1);
    assert_non_null(alone);
    memcpy(alone, text, len);
    alone[len] = '\xff'; /* a walk that runs on would meet this */
    struct json ours;
    bool good = check((struct str){ alone, len }, &ours);
    if (good != (theirs != NULL) && !(good && is_jansson_limit(&e)))
      fail_msg("round %d: jansson says %s: %.*s", round, theirs ? "good" : e.text, (int)len, text);
    members_are((struct str){ alone, len });
    if (theirs) {
      taken++;
      json_t *again = rebuild(ours, &a);
      if (!json_equal(theirs, again)) fail_msg("round %d: another value: %.*s", round, (int)len, text);
      json_decref(again);
    }
    json_decref(theirs);
    free(alone);
    arena_reset(&a);
  }
  assert_true(taken > 1000); /* the damage leaves enough to compare */
  arena_deinit(&a);
}

static void test_slices(void **state) {
  (void)state;
  struct json j;
  struct arena a;
  arena_init(&a, 256);
  assert_true(check(STR("  {\"a\" : [1, {\"b\":\"]}\"}] , \"\\u0063\":\"x\\ty\",\"a\":-1.5e2 , \"d\":{} }  "), &j));
  assert_int_equal(j.type, JSON_OBJECT);
  struct json_walk w = json_walk_of(j.text);
  assert_true(json_next(&w));
  assert_true(str_is(w.key, "a") && str_is(w.value.text, "[1, {\"b\":\"]}\"}]") && w.value.type == JSON_ARRAY);
  assert_true(json_next(&w));
  assert_true(w.key_escaped && str_is(w.key, "\\u0063") && str_is(json_key(&w, &a), "c"));
  assert_true(w.value.escaped && str_is(w.value.text, "\"x\\ty\"") && str_is(json_string(w.value, &a), "x\ty"));
  assert_true(json_next(&w));
  assert_true(str_is(w.value.text, "-1.5e2") && w.value.type == JSON_NUMBER);
  assert_true(json_next(&w));
  assert_true(str_is(w.value.text, "{}") && w.value.type == JSON_OBJECT);
  assert_false(json_next(&w));
  assert_false(json_next(&w));
  assert_true(str_is(json_member(j.text, STR("a")).text, "-1.5e2"));
  assert_true(str_is(json_member(j.text, STR("c")).text, "\"x\\ty\""));
  assert_int_equal(json_member(j.text, STR("cc")).type, JSON_BAD);
  assert_int_equal(json_member(j.text, STR("")).type, JSON_BAD);
  assert_int_equal(json_member((struct str){ NULL, 0 }, STR("a")).type, JSON_BAD);
  w = json_walk_of((struct str){ NULL, 0 });
  assert_false(json_next(&w));
  w = json_walk_of(STR("[]"));
  assert_false(json_next(&w));
  assert_true(check(STR("\"\\ud83d\\ude00\\u00e9\\u20ac\\\\\\/\""), &j));
  assert_true(str_is(json_string(j, &a), "\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac\\/"));
  arena_deinit(&a);
}

static void number_is(const char *text, double want) {
  struct json j;
  double got;
  assert_true(check(str_from_c(text), &j));
  assert_true(json_number(j, &got));
  if (memcmp(&got, &want, sizeof got) != 0) fail_msg("%s: %.17g, not %.17g", text, got, want);
}

static void test_numbers(void **state) {
  (void)state;
  static const char *const texts[] = {
    "0", "-0", "1", "0.1", "-0.1", "40.5", "1e22", "1e23", "123456789012345", "1234567890123456", "9007199254740993",
    "9007199254740993.0000000000000000000000001", "0.000001", "1e-22", "1e-23", "2.2250738585072011e-308",
    "2.2250738585072014e-308", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "0e999999999999999999",
    "1.7976931348623157e308", "179769313486231580793e288", "0.30000000000000004", "6.02214076e23", "1e0000000000000000005",
    "8.5e-0000000000001",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) number_is(texts[i], strtod(texts[i], NULL));
  uint64_t s = 7;
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = random_next(&s);
    double x;
    char text[64];
    memcpy(&x, &bits, 8);
    if (i % 2) x = (double)(int64_t)(bits % 100000000) / 100;
    if (!isfinite(x)) continue;
    snprintf(text, sizeof text, "%.*g", (int)(bits % 19) + 1, x);
    if (text[0] != 'i' && text[1] != 'i' && isfinite(strtod(text, NULL))) {
      struct json j;
      if (check(str_from_c(text), &j)) number_is(text, strtod(text, NULL));
    }
  }
  /* Thousands of digits: a half that is a half only until its last digit. */
  char longest[3000] = "9007199254740993.";
  size_t len = strlen(longest);
  memset(longest + len, '0', 2900 - len);
  longest[2899] = '1';
  longest[2900] = '\0';
  number_is(longest, 9007199254740994.0);
  longest[2899] = '0';
  number_is(longest, 9007199254740992.0);
  memset(longest, '1', 2900);
  memcpy(longest + 2900, "e-2890", 7);
  number_is(longest, strtod(longest, NULL));
  struct json j = { JSON_STRING, false, STR("\"1\"") };
  double n;
  assert_false(json_number(j, &n));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table),   cmocka_unit_test(test_differences), cmocka_unit_test(test_depth),
    cmocka_unit_test(test_messages), cmocka_unit_test(test_oracle),      cmocka_unit_test(test_slices),
    cmocka_unit_test(test_numbers),  cmocka_unit_test(test_members),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
