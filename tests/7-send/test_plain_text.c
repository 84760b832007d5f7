/* The text that stands beside a page: for each way in which elements, tags of Liquid, layouts, snippets and values can meet, what a reader
 * without HTML sees. The whole way is taken, from the script to the envelope; expectations are written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler/compile.h"
#include "runtime/send/plain_text.h"
#include "runtime/send/single.h"

#define BASE "<html><head><title>{% block title %}News{% endblock %}</title>{% block head %}{% endblock %}</head>" \
             "<body><h1>Shop</h1>{% block main %}{% endblock %}out<p>Bye</p></body></html>"

enum { NAME, BODY, TEXT, VALUES, CASE_PARTS };
static const char *const cases[][CASE_PARTS] = {
  /* blocks beside words and each other */
  { "one paragraph", "<p>Hello</p>", "Hello\n" },
  { "two paragraphs", "<p>a</p><p>b</p>", "a\n\nb\n" },
  { "a paragraph before words", "<p>a</p>b", "a\n\nb\n" },
  { "words before a paragraph", "<div>a<p>b</p></div>", "a\n\nb\n" },
  { "boxes", "<div>a</div><div>b<div>c</div></div>d", "a\nb\nc\nd\n" },
  { "a heading", "<h1>Sale</h1>today<h2>More</h2>", "Sale\n\ntoday\n\nMore\n" },
  { "words in a line", "<p>a <b>b</b><i>c</i>\n  d</p>", "a bc d\n" },
  { "a line's end", "<p>a<br>b<br/>\n c</p>", "a\nb\nc\n" },
  { "many of them", "<p>a<br><br><br><br>b</p>", "a\n\nb\n" },
  { "one at the end", "<p>a<br></p><p>b</p>", "a\n\nb\n" },
  { "a rule", "<p>a</p><hr><p>b</p>", "a\n\n----\n\nb\n" },
  { "newer elements", "<main>a<nav>b</nav><aside>c</aside></main>d", "a\nb\nc\nd\n" },
  { "nothing", "<p> </p>", "" },
  /* lists */
  { "bullets", "<p>a</p><ul><li>b</li><li>c</li></ul>d", "a\n\n- b\n- c\n\nd\n" },
  { "numbers", "<ol><li>a<li>b</ol>", "1. a\n2. b\n" },
  { "a list in a list", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c\n" },
  { "lines of an item", "<ol><li>a<br>b</li><li>c</li></ol>", "1. a\n   b\n2. c\n" },
  { "paragraphs of an item", "<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n\n- b\n" },
  { "an empty item", "<ul><li></li><li>b</li></ul>c", "- b\n\nc\n" },
  { "numbers in a loop", "<ol>{% for i in (1..3) %}<li>x{{ i }}</li>{% endfor %}</ol>", "1. x1\n2. x2\n3. x3\n" },
  { "a list that a condition begins", "<p>a</p>{% if true %}<ul><li>b</li></ul>{% endif %}<p>c</p>", "a\n\n- b\n\nc\n" },
  { "ten in each other", "<ul><li>1<ul><li>2<ul><li>3<ul><li>4<ul><li>5<ul><li>6<ul><li>7<ul><li>8<ul><li>9<ul><li>10</ul></ul></ul></ul></ul></ul></ul></ul></ul></ul>z",
    "- 1\n  - 2\n    - 3\n      - 4\n        - 5\n          - 6\n            - 7\n              - 8\n                - 9\n                - 10\n\nz\n" },
  { "definitions", "<dl><dt>a</dt><dd>b</dd></dl>", "a\nb\n" },
  /* tables */
  { "a table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a  b\nc  d\n" },
  { "rows in a loop", "<table>{% for i in (1..2) %}<tr><td>a</td><td>{{ i }}</td></tr>{% endfor %}</table>e", "a  1\na  2\ne\n" },
  { "cells in a loop", "<table><tr>{% for i in (1..3) %}<td>{{ i }}</td>{% endfor %}</tr></table>", "1  2  3\n" },
  { "an empty cell", "<table><tr><td></td><td>a</td><td>&nbsp;</td><td>b</td></tr></table>", "a  b\n" },
  { "blanks between cells", "<table> <tr> <td> a </td> <td> b </td> </tr> </table>", "a  b\n" },
  { "a layout of tables", "<table><tr><td><table><tr><td><h1>a</h1></td></tr><tr><td>b</td></tr></table></td></tr></table>c", "a\n\nb\nc\n" },
  { "head and foot", "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c</td><td>d</td></tr></tbody></table>", "a  b\nc  d\n" },
  { "tablerow", "<table>{% tablerow i in (1..3) cols: 2 %}x{{ i }}{% endtablerow %}</table>", "x1\nx2\nx3\n" },
  /* links and pictures */
  { "a link", "<p>See <a href=\"https://x.example/a\">here</a>, now.</p>", "See here [1], now.\n\n[1] https://x.example/a\n" },
  { "the same twice", "<a href=\"https://x.example/\">a</a> <a href=\"https://x.example/b\">b</a> <a href=\"https://x.example/\">c</a>",
    "a [1] b [2] c [1]\n\n[1] https://x.example/\n[2] https://x.example/b\n" },
  { "a link that says its address", "<p><a href=\"https://x.example/\">x.example</a> <a href=\"mailto:a@x.example\">a@x.example</a> <a href=\"tel:+12\">+12</a></p>",
    "x.example a@x.example +12\n" },
  { "a link in a condition", "<p>a {% if true %}<a href=\"https://x.example/\">b</a>{% endif %}.</p>", "a b [1].\n\n[1] https://x.example/\n" },
  { "a link in one that is false", "<p>a {% if false %}<a href=\"https://x.example/\">b</a>{% endif %}</p>", "a\n" },
  { "links in a loop", "<ul>{% for i in (1..2) %}<li><a href=\"https://x.example/{{ i }}\">a{{ i }}</a></li>{% endfor %}</ul>",
    "- a1 [1]\n- a2 [2]\n\n[1] https://x.example/1\n[2] https://x.example/2\n" },
  { "an anchor, and no address", "<a href=\"#top\">a</a> <a href=\"\">b</a> <a name=\"x\">c</a>", "a b c\n" },
  { "a link around a box", "<a href=\"https://x.example/\"><div>Buy</div></a><p>b</p>", "Buy [1]\n\nb\n\n[1] https://x.example/\n" },
  { "a picture", "<p><img src=\"https://x.example/l.png\" alt=\"Our shop\"> b</p>", "Our shop b\n" },
  { "a link around a picture", "<a href=\"https://x.example/\"><img src=\"https://x.example/l.png\" alt=\"Shop\"></a>", "Shop [1]\n\n[1] https://x.example/\n" },
  { "a link around one that says nothing", "<a href=\"https://x.example/\"><img src=\"https://x.example/l.png\" alt=\"\"></a><p>a</p>", "a\n" },
  { "an address with an entity", "<a href=\"https://x.example/?a=1&amp;b=2\">a</a>", "a [1]\n\n[1] https://x.example/?a=1&b=2\n" },
  { "an address with a value", "<a href=\"https://x.example/{{ code | url_encode }}\">a</a>", "a [1]\n\n[1] https://x.example/a+b\n", "{\"code\":\"a b\"}" },
  { "blanks around a link", "<p>a<a href=\"https://x.example/\"> b </a>c</p>", "a b [1] c\n\n[1] https://x.example/\n" },
  /* characters */
  { "entities", "<p>&lt;b&gt; &amp; &euro; &#8364; &copy;</p>", "<b> & € € ©\n" },
  { "blanks that do not break", "<p>a&nbsp;&nbsp; b</p>", "a b\n" },
  { "markup that comes of entities", "<p>&#123;&#123; x }} {&#37; if %}</p>", "{{ x }} {% if %}\n" },
  { "an emoji of several", "<p>👨\u200d👩\u200d👧 می\u200cخواهم</p>", "👨\u200d👩\u200d👧 می\u200cخواهم\n" },
  { "what fills up a preheader", "<p>Hi&zwnj;&nbsp;&zwnj;&nbsp;&#847; &#847;</p><p>&#8203;a&shy;b</p>", "Hi\n\nab\n" },
  { "as it was set", "<pre>a  b\n  c\n\nd</pre>e", "a  b\n  c\n\nd\n\ne\n" },
  { "a quotation", "<blockquote><p>a</p><p>b<br>c</p></blockquote>d", "> a\n>\n> b\n> c\n\nd\n" },
  { "one behind words, with another in it", "<p>a</p><blockquote>b<blockquote>c</blockquote>d</blockquote>e", "a\n\n> b\n>\n> > c\n>\n> d\n\ne\n" },
  /* what nobody sees */
  { "styles, scripts, notes", "<style>p{}</style><p>a<!-- b --><script>c</script></p>", "a\n" },
  { "hidden", "<p style=\"DISPLAY : none\">a</p><p hidden>b</p><p style=\"visibility:hidden\">c</p><p style=\"displayed:x\">d</p>", "d\n" },
  { "a value that is hidden", "<div style=\"display:none\">{{ code }}{% if code %}x{% endif %}</div><p>a</p>", "a\n", "{\"code\":\"b\"}" },
  { "a snippet that is hidden", "<div style=\"display:none\">{% render \"foot\" %}</div><p>a</p>", "a\n" },
  { "a snippet in a note", "<p>a</p><!-- {% render \"foot\" %} --><p>b</p>", "a\n\nb\n" },
  { "a condition of notes", "<p>a</p><!-- {% if false %} --><p>b</p><!-- {% endif %} -->", "a\n" },
  /* Liquid around elements */
  { "a condition between paragraphs", "<p>a</p>{% if true %}<p>b</p>{% endif %}<p>c</p>", "a\n\nb\n\nc\n" },
  { "one that is false", "<p>a</p>{% if false %}<p>b</p>{% endif %}<p>c</p>", "a\n\nc\n" },
  { "a condition in a line", "<p>a{% if true %} b{% endif %} c</p>", "a b c\n" },
  { "one around a blank", "<p>a {% if false %}b{% endif %} c</p>", "a c\n" },
  { "words behind one that is false", "<div>{% if false %}a{% endif %}</div>b", "b\n" },
  { "a paragraph, then words in a condition", "<p>a</p>{% if true %}b{% endif %}", "a\n\nb\n" },
  { "a condition, then words", "{% if true %}<p>a</p>{% endif %}b", "a\n\nb\n" },
  { "dashes", "<p>a {%- if true -%} b {%- endif -%} c {{- 1 }}</p>", "abc1\n" },
  { "a case", "<p>{% case code %} {% when \"x\" %}<b>X</b>{% else %}Y{% endcase %}</p>z", "X\n\nz\n", "{\"code\":\"x\"}" },
  { "captured", "{% capture c %}<p>a</p>{% endcapture %}<div>{{ c }}</div>{{ c }}b", "a\n\na\n\nb\n" },
  { "a loop of paragraphs", "<p>a</p>{% for i in (1..2) %}<p>{{ i }}</p>{% endfor %}b", "a\n\n1\n\n2\n\nb\n" },
  { "a loop of words", "<p>{% for i in (1..3) %}{{ i }}{% unless forloop.last %}, {% endunless %}{% endfor %}</p>", "1, 2, 3\n" },
  { "a condition around a style", "{% if true %}<style>p{}</style>{% endif %}<p>a</p>", "a\n" },
  { "filters of HTML", "<p>{{ code | escape }} {{ code | raw }} {{ code | newline_to_br }}</p>", "a & b a & b a & b\n", "{\"code\":\"a & b\"}" },
  { "lines of a value", "<p>{{ code }}</p>", "a\n\n b\nc\n", "{\"code\":\"\\na\\r\\n\\n\\n\\n b\\nc\\n\"}" },
  { "marks in a value", "<p>x{{ code }}y</p>", "xab\ncy\n", "{\"code\":\"a\\u0012b\\u0001c\\u0011\\u0013\"}" },
  /* snippets and layouts */
  { "a snippet of a paragraph", "<div>a</div>{% render \"foot\" %}b", "a\n\nfoot\n\nb\n" },
  { "a snippet in a line", "<p>a {% render \"word\" %} b</p>", "a word b\n" },
  { "a snippet of a row", "<table>{% for i in (1..2) %}{% render \"row\", i: i %}{% endfor %}</table>", "1  tea\n2  tea\n" },
  { "a snippet of items", "<ol>{% render \"items\" %}<li>z</li></ol>", "1. x\n2. y\n3. z\n" },
  { "a snippet that ends in a link", "<p>a</p>{% include \"out\" %}", "a\n\nLeave [1]\n\n[1] https://x.example/out\n" },
  { "a layout", "{% layout \"base\" %}{% block main %}<p>Hello</p>{% endblock %}", "Shop\n\nHello\n\nout\n\nBye\n" },
  { "words in a layout", "{% layout \"base\" %}\n{% block main %}Hello{% endblock %}\n", "Shop\n\nHelloout\n\nBye\n" },
  { "the head of a layout", "{% layout \"base\" %}{% block title %}Sale{% endblock %}{% block head %}<style>p{}</style>{% endblock %}{% block main %}<p>a</p>{% endblock %}",
    "Shop\n\na\n\nout\n\nBye\n" },
  { "rows for a layout", "{% layout \"rows\" %}{% block rows %}<tr><td>a</td><td>b</td></tr>{% endblock %}{% block foot %}<p>c</p>{% endblock %}", "0  1\na  b\n\nc\n" },
  { "what the layout had", "{% layout \"rows\" %}{% block rows %}{{ block.super }}<tr><td>a</td><td>b</td></tr>{% endblock %}", "0  1\n2  3\na  b\n\nend\n" },
  { "a layout of what is left", "{% layout \"plain\" %}<p>a</p>", "top\n\na\n\nbottom\n" },
};

static const struct { const char *path, *text; } files[] = {
  { "snippets/foot.liquid", "<p>foot</p>\n" }, { "snippets/word.liquid", "<b>word</b>\n" },
  { "snippets/row.liquid", "<tr><td>{{ i }}</td>\n<td>tea</td></tr>\n" }, { "snippets/items.liquid", "<li>x</li><li>y</li>" },
  { "snippets/out.liquid", "<a href=\"https://x.example/out\">Leave</a>" }, { "layouts/base.liquid", BASE },
  { "layouts/rows.liquid", "<body><table><tr><td>0</td><td>1</td></tr>{% block rows %}<tr><td>2</td><td>3</td></tr>{% endblock %}</table>{% block foot %}<p>end</p>{% endblock %}</body>" },
  { "layouts/plain.liquid", "<body><div>top</div>{{ content_for_layout }}<div>bottom</div></body>" },
};

static bool read_case(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text) {
  const char *const *t = context;
  const char *found = str_is(name, "body.html") ? t[BODY] : NULL;
  if (!from) return false;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (str_is(name, files[i].path)) found = files[i].text;
  if (!found) return false;
  *shown = arena_str(a, name);
  *text = arena_str(a, str_from_c(found));
  return true;
}

static int failed;

static void one(const char *const *t) {
  struct compilation c;
  struct arena a;
  struct envelope mail;
  char why[256] = "";
  compilation_init(&c);
  arena_init(&a, 4096);
  const char *script = strstr(t[BODY], "code") ? "message m { subject \"S\"; body file \"body.html\" }\nevent e { code: text }\nwhen e then send m with { code: e.code }\n"
                                               : "message m { subject \"S\"; body file \"body.html\" }\nwhen signup then send m\n";
  compilation_add(&c, STR("a.camp"), str_from_c(script), false);
  compile(&c, &(struct source_reader){ .context = (void *)(uintptr_t)t, .read = read_case });
  bool good = true;
  for (uint32_t i = 0; i < c.diagnostics.count; i++)
    if (c.diagnostics.items[i].severity == SEVERITY_ERROR || strcmp(c.diagnostics.items[i].code, "W0182") == 0)
      good = false, print_message("# %s: %s " STR_FMT "\n", t[NAME], c.diagnostics.items[i].code, STR_ARG(c.diagnostics.items[i].message));
  struct single s = { .program = &c.program, .message = STR("m"), .key = STR("ann@x.example"), .at_ms = 1768212000000 };
  if (t[VALUES]) s.given = str_from_c(t[VALUES]);
  if (good && !single_render(&s, &a, &mail, why)) good = false, print_message("# %s: %s\n", t[NAME], why);
  struct str got = arena_str(&a, good && mail.text.ptr ? mail.text : STR(""));
  if (good && strcmp(got.ptr, t[TEXT]) != 0) good = false, print_message("# %s\n--- wanted\n%s--- got\n%s---\n", t[NAME], t[TEXT], got.ptr);
  failed += !good;
  compilation_deinit(&c);
  arena_deinit(&a);
}

static void texts_of_pages(void **state) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) one(cases[i]);
  assert_int_equal(failed, 0);
}

/* Whatever a value brings, nothing is read or written beside the text, and it ends. */
static void any_bytes(void **state) {
  struct buf b;
  uint32_t seed = 7;
  char text[257];
  buf_init(&b, 1 << 16);
  for (int round = 0; round < 20000; round++) {
    size_t n = 0;
    for (uint32_t i = 0; i < (seed >> 8) % 256; i++) {
      seed = seed * 1664525 + 1013904223;
      text[n++] = (char)((seed >> 24) % 40);
    }
    seed = seed * 1664525 + 1013904223;
    buf_clear(&b);
    plain_text_lay_out(&b, (struct str){ text, n });
    assert_false(b.failed);
    if (!b.len) continue;
    assert_int_equal(b.data[b.len - 1], '\n');
    assert_int_not_equal(b.data[0], '\n');
    assert_null(memmem(b.data, b.len, "\n\n\n", 3));
  }
  buf_deinit(&b);
}

/* A text that grows beyond the limit fails; a hundred thousand addresses are done at once. */
static void large_texts(void **state) {
  struct buf b, in;
  buf_init(&in, 1 << 23);
  buf_init(&b, 1 << 20);
  for (int i = 0; i < 100000; i++) buf_printf(&in, "\x11" "a\x12h%d\x13 ", i);
  plain_text_lay_out(&b, buf_as_str(&in));
  assert_true(b.failed);
  buf_deinit(&b);
  buf_init(&b, 1 << 23);
  plain_text_lay_out(&b, buf_as_str(&in));
  assert_false(b.failed);
  assert_non_null(memmem(b.data, b.len, "\n[100000] h99999\n", 17));
  buf_deinit(&b);
  buf_deinit(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(texts_of_pages), cmocka_unit_test(any_bytes), cmocka_unit_test(large_texts) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
