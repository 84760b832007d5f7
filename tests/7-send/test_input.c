/* Lines and rows, good and bad: what becomes of each, with the whole reason. One table for NDJSON, one for CSV. */
#include "runtime/input/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vm/base/buf.h"
#include "vm/base/json.h"
#include "vm/base/limits.h"

struct fixture { struct arena arena; struct buf text; };

static void print_text(struct buf *b, const char *name, struct str s) {
  if (!s.len) return;
  buf_printf(b, " %s=", name);
  buf_str(b, s);
}

/* An input as one line: the tables below compare it whole. */
static const char *printed(struct fixture *f, enum input_kind kind, const struct input *in, struct str why) {
  struct buf *b = &f->text;
  buf_clear(b);
  if (kind == INPUT_BLANK) buf_c(b, "blank");
  if (kind == INPUT_REJECT) buf_str(b, why);
  if (kind == INPUT_EVENT) {
    buf_c(b, in->identify ? "identify" : in->alias ? "alias" : "event");
    print_text(b, "name", in->name);
    print_text(b, "key", in->key);
    print_text(b, "previous", in->previous);
    if (in->has_at) buf_printf(b, " at=%lld", (long long)in->at_ms);
    print_text(b, "id", in->id);
    print_text(b, "zone", in->zone);
    print_text(b, "props", in->props);
  }
  buf_byte(b, 0);
  return b->data;
}

static struct str copy_exactly(struct str s) {
  /* On the heap and without a NUL, so that the sanitizer sees a read past the end. */
  char *p = malloc(s.len ? s.len : 1);
  assert_non_null(p);
  if (s.len) memcpy(p, s.ptr, s.len);
  return (struct str){ p, s.len };
}

struct json_case { const char *name, *line, *want; };
static const struct json_case JSON_CASES[] = {
  { "a usual line",
    "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"ann\",\"messageId\":\"m1\",\"timestamp\":\"2026-01-05T10:00:00Z\",\"properties\":{\"amount\":40}}",
    "event name=purchase key=ann at=1767607200000 id=m1 props={\"amount\":40}" },
  { "type left out", "{\"event\":\"open\",\"userId\":\"ann\"}", "event name=open key=ann" },
  { "identify", "{\"type\":\"identify\",\"userId\":\"ann\",\"traits\":{\"first_name\":\"Ann\"}}",
    "identify name=identify key=ann props={\"first_name\":\"Ann\"}" },
  { "identify without traits", "{\"type\":\"identify\",\"userId\":\"ann\"}", "identify name=identify key=ann" },
  { "identify with both ids", "{\"type\":\"identify\",\"userId\":\"ann\",\"anonymousId\":\"x7\"}", "identify name=identify key=ann previous=x7" },
  { "identify with the same id twice", "{\"type\":\"identify\",\"userId\":\"ann\",\"anonymousId\":\"ann\"}", "identify name=identify key=ann" },
  { "identify of a visitor", "{\"type\":\"identify\",\"anonymousId\":\"x7\"}", "identify name=identify key=x7" },
  { "both ids of an event say nothing", "{\"event\":\"e\",\"userId\":\"ann\",\"anonymousId\":\"x7\"}", "event name=e key=ann" },
  { "alias", "{\"type\":\"alias\",\"previousId\":7,\"userId\":\"ann\"}", "alias name=alias key=ann previous=7" },
  { "page and screen", "{\"type\":\"page\",\"userId\":\"a\",\"properties\":{\"page\":\"/x\"}}", "event name=page_view key=a props={\"page\":\"/x\"}" },
  { "screen", "{\"type\":\"screen\",\"userId\":\"a\"}", "event name=screen_view key=a" },
  { "anonymousId serves", "{\"event\":\"e\",\"anonymousId\":\"x7\"}", "event name=e key=x7" },
  { "null userId is missing", "{\"event\":\"e\",\"userId\":null,\"anonymousId\":\"x7\"}", "event name=e key=x7" },
  { "an empty userId is missing", "{\"event\":\"e\",\"userId\":\"\",\"anonymousId\":\"x7\"}", "event name=e key=x7" },
  { "numeric userId", "{\"event\":\"e\",\"userId\":1017}", "event name=e key=1017" },
  { "numeric messageId", "{\"event\":\"e\",\"userId\":\"a\",\"messageId\":5}", "event name=e key=a id=5" },
  { "nulls are missing", "{\"type\":null,\"event\":\"e\",\"userId\":\"a\",\"timestamp\":null,\"properties\":null,\"context\":null,\"messageId\":null}",
    "event name=e key=a" },
  { "escapes are decoded", "{\"\\u0065vent\":\"caf\\u00e9\",\"userId\":\"a\\\\b\"}", "event name=caf\xc3\xa9 key=a\\b" },
  { "the last of a repeated member", "{\"event\":\"a\",\"event\":\"b\",\"userId\":\"x\"}", "event name=b key=x" },
  { "context.timezone", "{\"event\":\"e\",\"userId\":\"a\",\"context\":{\"ip\":\"1.2.3.4\",\"timezone\":\"Europe/Paris\"}}",
    "event name=e key=a zone=Europe/Paris" },
  { "traits.timezone", "{\"type\":\"identify\",\"userId\":\"a\",\"traits\":{\"timezone\":\"Asia/Tokyo\"}}",
    "identify name=identify key=a zone=Asia/Tokyo props={\"timezone\":\"Asia/Tokyo\"}" },
  { "milliseconds", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":1767607200000}", "event name=e key=a at=1767607200000" },
  { "seconds", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":1767607200}", "event name=e key=a at=1767607200000" },
  { "seconds with a fraction", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":1767607200.125}", "event name=e key=a at=1767607200125" },
  { "before 1970", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"1969-12-31T23:59:59Z\"}", "event name=e key=a at=-1000" },
  { "an offset", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"2026-01-05T12:00:00+02:00\"}", "event name=e key=a at=1767607200000" },
  { "a date alone is UTC midnight", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"2026-01-05\"}", "event name=e key=a at=1767571200000" },
  { "white space around", " \t{\"event\":\"e\",\"userId\":\"a\"} \r", "event name=e key=a" },
  { "an empty line", "", "blank" },
  { "a line of spaces", "  \t\r", "blank" },
  { "unknown members are let be", "{\"event\":\"e\",\"userId\":\"a\",\"sentAt\":5,\"integrations\":{\"All\":true}}", "event name=e key=a" },

  { "no contact", "{\"event\":\"e\"}", "the line has no contact: `userId` or `anonymousId` is missing" },
  { "alias without the other", "{\"type\":\"alias\",\"userId\":\"ann\"}", "the alias has no other key: `previousId` is missing" },
  { "alias of itself", "{\"type\":\"alias\",\"userId\":\"ann\",\"previousId\":\"ann\"}", "`previousId` is the contact itself" },
  { "alias of nobody", "{\"type\":\"alias\",\"previousId\":\"x7\"}", "the line has no contact: `userId` or `anonymousId` is missing" },
  { "userId of a wrong kind", "{\"event\":\"e\",\"userId\":true}", "`userId` is true, not a text or a number" },
  { "userId an object", "{\"event\":\"e\",\"userId\":{\"id\":1}}", "`userId` is an object, not a text or a number" },
  { "a line end in userId", "{\"event\":\"e\",\"userId\":\"a\\nb\"}", "`userId` holds a control character (byte 2 of its text is 0x0a)" },
  { "neither type nor event", "{\"userId\":\"a\"}", "the line says neither `type` nor `event`" },
  { "track without event", "{\"type\":\"track\",\"userId\":\"a\"}", "the line has no event: `event` is missing" },
  { "event of a wrong kind", "{\"event\":5,\"userId\":\"a\"}", "`event` is 5, not a text" },
  { "an unknown type", "{\"type\":\"group\",\"userId\":\"a\"}", "`type` is \"group\", not track, identify, alias, page, screen or reply" },
  { "yesterday", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"yesterday\"}",
    "`timestamp` is \"yesterday\", not a date and time such as 2026-01-05T10:00:00Z" },
  { "an empty timestamp", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"\"}",
    "`timestamp` is \"\", not a date and time such as 2026-01-05T10:00:00Z" },
  { "February 30", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"2026-02-30\"}",
    "`timestamp` is \"2026-02-30\", not a date and time such as 2026-01-05T10:00:00Z" },
  { "year 9999", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"9999-01-01T00:00:00Z\"}",
    "`timestamp` is \"9999-01-01T00:00:00Z\": year 9999 is outside 1900 to 2200" },
  { "year 0", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"0000-01-01\"}", "`timestamp` is \"0000-01-01\": year 0000 is outside 1900 to 2200" },
  { "a year before Christ", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":\"-0044-03-15\"}",
    "`timestamp` is \"-0044-03-15\": year -0044 is outside 1900 to 2200" },
  { "a far number", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":253370764800000}",
    "`timestamp` is 253370764800000: year 9999 is outside 1900 to 2200" },
  { "an absurd number", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":1e300}",
    "`timestamp` is 1e300, not a date and time such as 2026-01-05T10:00:00Z" },
  { "no finite number", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":1e999}",
    "`timestamp` is 1e999, not a date and time such as 2026-01-05T10:00:00Z" },
  { "a list for a time", "{\"event\":\"e\",\"userId\":\"a\",\"timestamp\":[1]}",
    "`timestamp` is an array, not a date and time such as 2026-01-05T10:00:00Z" },
  { "properties a list", "{\"event\":\"e\",\"userId\":\"a\",\"properties\":[1,2]}", "`properties` is an array, not an object" },
  { "traits a text", "{\"type\":\"identify\",\"userId\":\"a\",\"traits\":\"x\"}", "`traits` is \"x\", not an object" },
  { "context a text", "{\"event\":\"e\",\"userId\":\"a\",\"context\":\"web\"}", "`context` is \"web\", not an object" },
  { "a zone that is a number", "{\"event\":\"e\",\"userId\":\"a\",\"context\":{\"timezone\":2}}", "`context.timezone` is 2, not a text" },
  { "a list", "[1,2]", "the line is an array, not an object such as {\"event\":…,\"userId\":…}" },
  { "a number", "12", "the line is 12, not an object such as {\"event\":…,\"userId\":…}" },
};

static void json_lines(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof JSON_CASES / sizeof *JSON_CASES; i++) {
    const struct json_case *c = &JSON_CASES[i];
    struct input in;
    struct str why = { NULL, 0 };
    arena_reset(&f->arena);
    struct str line = copy_exactly(str_from_c(c->line));
    const char *got = printed(f, input_json(line, &f->arena, &in, &why), &in, why);
    if (strcmp(got, c->want) != 0) fail_msg("%s\n  line %s\n  want %s\n  got  %s", c->name, c->line, c->want, got);
    free((void *)line.ptr);
  }
}

/* Every way of not being JSON is refused as such; the scanner's own words are its own tests' matter. */
static void not_json(void **state) {
  struct fixture *f = *state;
  static const char *const LINES[] = {
    "{", "}", "{\"event\":\"e\",\"userId\":\"a\"", "{\"event\":\"e\" \"userId\":\"a\"}", "{'event':'e'}", "{\"a\":NaN}", "{\"a\":Infinity}",
    "{\"a\":01}", "{\"a\":+1}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\x\"}",
    "{\"a\":1}{\"b\":2}", "{\"a\":tru}", "purchase,ann", "\"open", "{\"a\":1,}", "[1,2", "\xef\xbb\xbf{}", "{\"event\":\"e\",\"userId\":\"a\"}x",
  };
  for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
    struct input in;
    struct str why = { NULL, 0 };
    struct str line = copy_exactly(str_from_c(LINES[i]));
    enum input_kind kind = input_json(line, &f->arena, &in, &why);
    struct str begin = STR("not JSON: ");
    if (kind != INPUT_REJECT || !str_starts(why, begin)) fail_msg("%s: " STR_FMT, LINES[i], STR_ARG(why));
    free((void *)line.ptr);
  }
}

static struct str repeated(struct buf *b, const char *before, const char *piece, size_t count, const char *after) {
  buf_clear(b);
  buf_c(b, before);
  for (size_t i = 0; i < count; i++) buf_c(b, piece);
  buf_c(b, after);
  return buf_as_str(b);
}

struct big_case { const char *name, *before, *piece; size_t count; const char *after, *want; /* NULL: taken */ };
static const struct big_case BIG_CASES[] = {
  { "a key at its limit", "{\"event\":\"e\",\"userId\":\"", "k", LIMIT_KEY_BYTES, "\"}", NULL },
  { "a key beyond it", "{\"event\":\"e\",\"userId\":\"", "k", LIMIT_KEY_BYTES + 1, "\"}", "`userId` is longer than 256 bytes" },
  { "a numeric key beyond it", "{\"event\":\"e\",\"userId\":1", "0", LIMIT_KEY_BYTES, "}", "`userId` is longer than 256 bytes" },
  { "an event's name at its limit", "{\"userId\":\"a\",\"event\":\"", "n", LIMIT_NAME_BYTES, "\"}", NULL },
  { "an event's name beyond it", "{\"userId\":\"a\",\"event\":\"", "n", LIMIT_NAME_BYTES + 1, "\"}", "`event` is longer than 128 bytes" },
  { "an id beyond its limit", "{\"userId\":\"a\",\"event\":\"e\",\"messageId\":\"", "i", LIMIT_ID_BYTES + 1, "\"}",
    "`messageId` is longer than 256 bytes" },
  { "a long value is shown cut", "{\"userId\":\"a\",\"event\":\"e\",\"timestamp\":\"", "\xc3\xa9", 1000, "\"}",
    "`timestamp` is \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9…, "
    "not a date and time such as 2026-01-05T10:00:00Z" },
  { "properties nested 1,000 deep", "{\"userId\":\"a\",\"event\":\"e\",\"properties\":", "{\"a\":", 1000, "1",
    "properties are nested deeper than 64" },
  { "lists nested 100,000 deep", "{\"userId\":\"a\",\"event\":\"e\",\"properties\":{\"a\":", "[", 100000, "", "properties are nested deeper than 64" },
  { "brackets in a text are no nesting", "{\"userId\":\"a\",\"event\":\"e\",\"properties\":{\"a\":\"", "[", 1000, "\"}}", NULL },
  { "a text of 200 KB", "{\"userId\":\"a\",\"event\":\"e\",\"properties\":{\"a\":\"", "x", 200000, "\"}}", NULL },
  { "a text of 1 MB", "{\"userId\":\"a\",\"event\":\"e\",\"properties\":{\"a\":\"", "x", 1 << 20, "\"}}", "the line is longer than 262144 bytes" },
  { "10,000 properties", "{\"userId\":\"a\",\"event\":\"e\",\"properties\":{\"z\":1", ",\"p\":\"qqqqqqqq\"", 10000, "}}", NULL },
};

static void big_lines(void **state) {
  struct fixture *f = *state;
  struct buf line;
  buf_init(&line, 4 << 20);
  for (size_t i = 0; i < sizeof BIG_CASES / sizeof *BIG_CASES; i++) {
    const struct big_case *c = &BIG_CASES[i];
    struct input in;
    struct str why = { NULL, 0 };
    enum input_kind kind = input_json(repeated(&line, c->before, c->piece, c->count, c->after), &f->arena, &in, &why);
    if (kind != (c->want ? INPUT_REJECT : INPUT_EVENT) || (c->want && !str_is(why, c->want)))
      fail_msg("%s\n  want %s\n  got  " STR_FMT, c->name, c->want ? c->want : "an event", STR_ARG(why));
  }
  buf_deinit(&line);
}

struct csv_case { const char *name, *header, *row, *want; };
#define H "contact,event,at,id,amount,note"
static const struct csv_case CSV_CASES[] = {
  { "a usual row", H, "ann,purchase,2026-01-05 10:00,o1,40,gift", "event name=purchase key=ann at=1767607200000 id=o1 props={\"amount\":40,\"note\":\"gift\"}" },
  { "columns in another order", "amount,event,contact", "5,buy,bob", "event name=buy key=bob props={\"amount\":5}" },
  { "spaces around header names", " contact , event", "a,b", "event name=b key=a" },
  { "a quoted header", "\"contact\",\"event\",\"a \"\"b\"\"\"", "a,b,1", "event name=b key=a props={\"a \\\"b\\\"\":1}" },
  { "quotes, commas and line ends", H, "a,b,,,,\"x, \"\"y\"\"\r\nz\"", "event name=b key=a props={\"note\":\"x, \\\"y\\\"\\u000d\\u000az\"}" },
  { "a quote within a plain cell", H, "a,b,,,,5\" nails", "event name=b key=a props={\"note\":\"5\\\" nails\"}" },
  { "an empty quoted cell", H, "a,b,,,,\"\"", "event name=b key=a" },
  { "no properties", H, "a,b,,,,", "event name=b key=a" },
  { "numbers of JSON stay numbers", H, "a,b,,,-1.5e+3,\"7\"", "event name=b key=a props={\"amount\":-1.5e+3,\"note\":7}" },
  { "others are texts", H, "a,b,,,007,+7", "event name=b key=a props={\"amount\":\"007\",\"note\":\"+7\"}" },
  { "1. and .5 and 1e are texts", "contact,event,x,y,z", "a,b,1.,.5,1e", "event name=b key=a props={\"x\":\"1.\",\"y\":\".5\",\"z\":\"1e\"}" },
  { "words stay texts", H, "a,b,,,true,null", "event name=b key=a props={\"amount\":\"true\",\"note\":\"null\"}" },
  { "spaces in cells are kept", H, "a,b,,, 40 , x ", "event name=b key=a props={\"amount\":\" 40 \",\"note\":\" x \"}" },
  { "a backslash", H, "a,b,,,,C:\\x", "event name=b key=a props={\"note\":\"C:\\\\x\"}" },
  { "epoch milliseconds", H, "a,b,1767607200000,,,", "event name=b key=a at=1767607200000" },
  { "what becomes known of a contact", "contact,event,first_name", "ann,identify,Ann", "identify name=identify key=ann props={\"first_name\":\"Ann\"}" },
  { "an empty row", H, "", "blank" },
  { "a row of spaces", H, "  ", "blank" },

  { "too few cells", H, "a,b", "the row has 2 cells, the header has 6" },
  { "one cell", H, "a", "the row has 1 cell, the header has 6" },
  { "too many cells", H, "a,b,,,,,x", "the row has 7 cells, the header has 6" },
  { "no contact", H, ",b,,,,", "the row has no contact: its cell `contact` is empty" },
  { "no event", H, "a,,,,,", "the row has no event: its cell `event` is empty" },
  { "a quote never closed", H, "a,b,,,\"40,x", "the quote that opens column 5 is never closed" },
  { "a text behind its quote", H, "a,b,,,\"40\"x,y", "column 5 goes on after its closing quote" },
  { "a wrong time", H, "a,b,noon,,,", "`at` is noon, not a date and time such as 2026-01-05T10:00:00Z" },
  { "year 9999", H, "a,b,9999-01-01,,,", "`at` is 9999-01-01: year 9999 is outside 1900 to 2200" },
  { "not UTF-8", H, "a,b,,,,\xff", "not UTF-8 at byte 8" },
  { "a line end in a contact", H, "\"a\nb\",b,,,,", "`contact` holds a control character (byte 2 of its text is 0x0a)" },
};

static void csv_rows(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof CSV_CASES / sizeof *CSV_CASES; i++) {
    const struct csv_case *c = &CSV_CASES[i];
    struct input in;
    struct csv_header header;
    struct str why = { NULL, 0 };
    arena_reset(&f->arena);
    assert_int_equal(csv_read_header(str_from_c(c->header), &f->arena, &header, &why), CAMP_OK);
    struct str row = copy_exactly(str_from_c(c->row));
    enum input_kind kind = input_csv(&header, row, &f->arena, &in, &why);
    const char *got = printed(f, kind, &in, why);
    if (strcmp(got, c->want) != 0) fail_msg("%s\n  row  %s\n  want %s\n  got  %s", c->name, c->row, c->want, got);
    struct json checked;
    const char *fault;
    size_t at;
    if (kind == INPUT_EVENT && in.props.len) assert_true(json_check(in.props, &checked, &fault, &at));
    free((void *)row.ptr);
  }
}

static const struct { const char *header, *want; } HEADER_CASES[] = {
  { "event,amount", "the header has no column `contact`, which says whose each row is; it has `amount`" },
  { "contact,amount", "the header has no column `event`, which says what happened; it has `contact`, `amount`" },
  { "a,b,c,d,e,f,g,h,i,j", "the header has no column `contact`, which says whose each row is; it has `a`, `b`, `c`, `d`, `e`, `f`, `g`, `h` …" },
  { "event", "the header has no column `contact`, which says whose each row is; it has no other" },
  { "userId;event;timestamp", "the columns stand between semicolons; CSV has commas" },
  { "event,email;first_name", "the columns stand between semicolons; CSV has commas" },
  { "contact\tevent", "the columns stand between tabs; CSV has commas" },
  { "{\"event\":\"purchase\",\"userId\":\"ann\"}", "the first line begins with `{`: the file holds JSON, so leave out --csv" },
  { "contact,event,amount,note,amount", "the header names `amount` twice, in columns 3 and 5" },
  { "contact,event,,x", "column 3 of the header has no name" },
  { "contact,event,\"x", "the quote that opens column 3 is never closed" },
  { "contact,event,\xff", "not UTF-8 at byte 15" },
  { "", "column 1 of the header has no name" },
};

static void csv_headers(void **state) {
  struct fixture *f = *state;
  struct csv_header header;
  struct str why;
  for (size_t i = 0; i < sizeof HEADER_CASES / sizeof *HEADER_CASES; i++) {
    assert_int_equal(csv_read_header(str_from_c(HEADER_CASES[i].header), &f->arena, &header, &why), CAMP_BAD);
    if (!str_is(why, HEADER_CASES[i].want)) fail_msg("want %s\n  got " STR_FMT, HEADER_CASES[i].want, STR_ARG(why));
  }
  struct buf wide;
  buf_init(&wide, 1 << 20);
  struct str row = repeated(&wide, "contact,event", ",", 100000, "");
  assert_int_equal(csv_read_header(row, &f->arena, &header, &why), CAMP_BAD);
  assert_true(str_is(why, "the row has more than 260 cells"));
  buf_deinit(&wide);
}

static int begin(void **state) {
  static struct fixture f;
  arena_init(&f.arena, 1 << 16);
  buf_init(&f.text, 1 << 20);
  *state = &f;
  return 0;
}

static int end(void **state) {
  struct fixture *f = *state;
  arena_deinit(&f->arena);
  buf_deinit(&f->text);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(json_lines), cmocka_unit_test(not_json), cmocka_unit_test(big_lines),
    cmocka_unit_test(csv_rows), cmocka_unit_test(csv_headers),
  };
  return cmocka_run_group_tests_name("input", tests, begin, end);
}
