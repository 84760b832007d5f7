/* The formatter: what it writes, and what it must never do. Every script of the tree, every example of the language's page
 * and of `camp explain`, and programs made at random are formatted: a second time changes nothing, the program is the same
 * but for lines, and every comment is still there. */
#include "compiler/compile.h"

#include "tests/lib/files.h"
#include "vm/base/limits.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* --- what is written -------------------------------------------------------------------------------------------------*/

static const struct { const char *what, *before, *after; } pairs[] = {
  { "nothing", "", "" },
  { "blank lines alone", "\n \n\t\n", "" },
  { "a comment alone", "\n\n  # why  \t\n\n", "# why\n" },
  { "a byte order mark", "\xef\xbb\xbflist a\n", "list a\n" },
  { "no newline at the end", "list a", "list a\n" },
  { "carriage returns", "list a\r\nlist b\r\n", "list a\nlist b\n" },
  { "blanks at the end of lines", "list a  \t\nlist b \n", "list a\nlist b\n" },
  { "at most one blank line, none at the ends of blocks", "\n\nlist a\n\n\n\nevent e {\n\n  a: text\n\n\n  b: text\n\n}\n\n\n",
    "list a\n\nevent e {\n  a: text\n\n  b: text\n}\n" },
  { "one blank between words", "when   purchase\tand  first_purchase then  tag   \"a\"\n",
    "when purchase and first_purchase then tag \"a\"\n" },
  { "braces, colons, commas, semicolons", "event e{a:text ;b : list  of text}\nevent f{}\ncontact {plan:one of \"a\"  ,\"b\"}\n",
    "event e { a: text; b: list of text }\nevent f { }\ncontact { plan: one of \"a\", \"b\" }\n" },
  { "operators", "define d=count( purchase where amount>5 EUR,last 7d )>=3*( 2+1 )-4/2\n",
    "define d = count(purchase where amount > 5 EUR, last 7d) >= 3 * (2 + 1) - 4 / 2\n" },
  { "a sign and a difference", "define d = contact.a-1 > - 2\ndefine e = -contact.a is - -3\ndefine f = (contact.a)-1 in [ - 1,2 ]\n",
    "define d = contact.a - 1 > -2\ndefine e = -contact.a is --3\ndefine f = (contact.a) - 1 in [-1, 2]\n" },
  { "keywords that are names", "event is\nevent count\nwhen count where is-1 > 2 then tag \"a\"\nwhen is or count then tag \"b\"\n",
    "event is\nevent count\nwhen count where is - 1 > 2 then tag \"a\"\nwhen is or count then tag \"b\"\n" },
  { "brackets of functions and others", "when(purchase or refund)and time since last( open or click )>3d then tag(\"a\"+\"b\")\n",
    "when (purchase or refund) and time since last (open or click) > 3d then tag (\"a\" + \"b\")\n" },
  { "members", "when purchase as p and p . amount > first( purchase ) . amount then tag \"a\"\n",
    "when purchase as p and p.amount > first(purchase).amount then tag \"a\"\n" },
  { "literals of two words", "when signup then send m after 7   days\nwhen purchase where amount > 40\tEUR then send m at 2030-12-24   09:00\n",
    "when signup then send m after 7 days\nwhen purchase where amount > 40 EUR then send m at 2030-12-24 09:00\n" },
  { "a label", "thanks :when purchase then tag \"a\"\n", "thanks: when purchase then tag \"a\"\n" },
  { "a block on one line stays there", "when a then{send b,join c ;tag \"d\"}\n", "when a then { send b, join c; tag \"d\" }\n" },
  { "a block of several lines has its braces at their ends", "campaign c { start when a; wait 1d\n tag \"b\" }\n",
    "campaign c {\n  start when a; wait 1d\n  tag \"b\"\n}\n" },
  { "blocks in blocks", "campaign c {\nstart when a\nwait up to 3d {\non b { exit }\non d {\ntag \"e\" } else\n{ exit } } }\n",
    "campaign c {\n  start when a\n  wait up to 3d {\n    on b { exit }\n    on d {\n      tag \"e\"\n    } else\n    { exit }\n  }\n}\n" },
  { "an empty block over lines", "event e {\n\n}\n", "event e { }\n" },
  { "semicolons that end nothing", "list a;\n;\n; list b;; list c;\nevent e { ; a: text; }\n;\n",
    "list a\n\nlist b; list c\nevent e { a: text }\n" },
  { "a semicolon that ends something", "test \"t\" {\n  ann visit;\n  with visit\n}\n", "test \"t\" {\n  ann visit;\n  with visit\n}\n" },
  { "lines that go on", "when purchase\nand first_purchase\n   then tag \"a\"\n", "when purchase\n  and first_purchase\n  then tag \"a\"\n" },
  { "a statement below then", "when purchase then\nsend a\nafter 7d\nunless refund\nlist b\n",
    "when purchase then\n  send a\n    after 7d\n    unless refund\nlist b\n" },
  { "a block behind lines that go on", "when purchase\nand first_purchase then {\nsend a\nafter 7d\n}\n",
    "when purchase\n  and first_purchase then {\n    send a\n      after 7d\n  }\n" },
  { "braces on lines of their own", "when a then\n{\nif b is 1 and\nc is 2\n{\nexit\n}\nelse\n{ exit }\n}\n",
    "when a then\n{\n  if b is 1 and\n    c is 2\n  {\n    exit\n  }\n  else\n  { exit }\n}\n" },
  { "brackets over lines", "define d = (\ncontact.a is 1\nor (contact.b is 2\nand contact.c is 3)\n)\n",
    "define d = (\n  contact.a is 1\n  or (contact.b is 2\n    and contact.c is 3)\n)\n" },
  { "properties over lines", "when a then emit b with { c: 1,\nd: 2,\n}\n", "when a then emit b with {\n  c: 1,\n  d: 2,\n}\n" },
  { "an open list over lines", "contact {\nplan: one of \"a\",\n\"b\"\nvip: bool\n}\n",
    "contact {\n  plan: one of \"a\",\n    \"b\"\n  vip: bool\n}\n" },
  { "comments beside", "list a # one\nevent e { # two\na: text# three\n} # four\n",
    "list a  # one\nevent e {  # two\n  a: text  # three\n}  # four\n" },
  { "comments on lines of their own", "   # one\nlist a\n  # two\n\n\n # three\ncampaign c {\n# four\n\nstart when a\n  # five\n\n}\n",
    "# one\nlist a\n# two\n\n# three\ncampaign c {\n  # four\n\n  start when a\n  # five\n}\n" },
  { "comments inside a statement", "when a # one\n# two\nand b is 1\n    # three\n  then tag \"c\"\n",
    "when a  # one\n  # two\n  and b is 1\n  # three\n  then tag \"c\"\n" },
  { "parameters over lines, and the block behind them", "sequence s(a: message,\nb: duration) {\nwait b\nsend a\n}\nconnector c {\nt(a: text,\nb: text) {\n"
    "post \"https://a.example\" { json {\na: a,\nb: b } }\n}\nu(\na: text\n) {\npost \"https://a.example\" {\njson { a: a } }\n}\n}\n",
    "sequence s(a: message,\n  b: duration) {\n  wait b\n  send a\n}\nconnector c {\n  t(a: text,\n    b: text) {\n"
    "    post \"https://a.example\" {\n      json {\n        a: a,\n        b: b\n      }\n    }\n  }\n  u(\n    a: text\n  ) {\n"
    "    post \"https://a.example\" {\n      json { a: a }\n    }\n  }\n}\n" },
  { "a block that is not indented, behind a comment that is", "list vip\nmessage sale {\n   # why\ntopic offers\npriority low\n}\n",
    "list vip\nmessage sale {\n  # why\n  topic offers\n  priority low\n}\n" },
  { "a comment between the branches", "when a then {\nif b is 1 { exit }\n# otherwise\nelse { exit }\n}\n",
    "when a then {\n  if b is 1 { exit }\n  # otherwise\n  else { exit }\n}\n" },
  { "a comment in a block that holds nothing else", "event e {  # nothing\n}\nevent f {\n# nothing\n}\n",
    "event e {  # nothing\n}\nevent f {\n  # nothing\n}\n" },
  { "a comment behind a semicolon", "list a; # one\n; # two\nlist b\n", "list a  # one\n# two\nlist b\n" },
  { "a comment between two words that are one token", "define d = count(a, # why\nlast 7d) > 1\n",
    "define d = count(a,  # why\n  last 7d) > 1\n" },
  { "documentation stays apart", "## a\n\n\n## b\n## c\nlist d\n", "## a\n\n## b\n## c\nlist d\n" },
  { "a comment without a newline", "list a\n  # end", "list a\n# end\n" },
  { "what looks like a comment in a text", "when a then { tag  \"#  b\";tag \"{{ \"#\" }}  #\" } # c\n",
    "when a then { tag \"#  b\"; tag \"{{ \"#\" }}  #\" }  # c\n" },
  { "texts of several lines are copied", "message m {\nsubject \"a\"\nbody \"\"\"  \n x # no\r\n\n\n\t  y;  \n     \"\"\"\n}\n",
    "message m {\n  subject \"a\"\n  body \"\"\"  \n x # no\r\n\n\n\t  y;  \n     \"\"\"\n}\n" },
  { "a text of several lines breaks its block", "message m { subject \"a\"; body \"\"\"\n  x\n\"\"\" }\n",
    "message m {\n  subject \"a\"; body \"\"\"\n  x\n\"\"\"\n}\n" },
  { "tests: when, and then what", "test \"t\" {\ncontact ann{ first_name:\"Ann\" }\nat 2026-01-05 10:00 ann purchase\n"
    "at 2026-01-06\nat 2026-01-07; ann visit\nexpect m sent to ann at 2026-01-12 10:00\n}\n",
    "test \"t\" {\n  contact ann { first_name: \"Ann\" }\n  at 2026-01-05 10:00  ann purchase\n"
    "  at 2026-01-06\n  at 2026-01-07; ann visit\n  expect m sent to ann at 2026-01-12 10:00\n}\n" },
};

static struct buf unread_why; /* why the last one was not read */

static bool format_text(struct str text, struct buf *out) {
  struct compilation c;
  compilation_init(&c);
  buf_clear(out);
  bool ok = format_script(&c, STR("a.camp"), text, out);
  buf_clear(&unread_why);
  if (!ok) diagnostics_print(&unread_why, &c, FORMAT_SHORT, false);
  assert_true(ok == (c.diagnostics.count == 0));
  compilation_deinit(&c);
  return ok;
}

static void the_pairs(void **state) {
  (void)state;
  struct buf out;
  buf_init(&out, 1u << 20);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    bool ok = format_text(str_from_c(pairs[i].before), &out);
    bool same = ok && str_is(buf_as_str(&out), pairs[i].after);
    if (!same) print_message("%s: %s\n" STR_FMT "<end>\n", pairs[i].what, ok ? "is" : "is not read", STR_ARG(buf_as_str(&out)));
    assert_true(same);
    assert_true(format_text(str_from_c(pairs[i].after), &out));
    if (!str_is(buf_as_str(&out), pairs[i].after)) print_message("%s, again:\n" STR_FMT "<end>\n", pairs[i].what, STR_ARG(buf_as_str(&out)));
    assert_true(str_is(buf_as_str(&out), pairs[i].after));
  }
  buf_deinit(&out);
}

/* --- what must hold of any script ------------------------------------------------------------------------------------*/

/* The comments, in order, a line each. Knows of a script only where its texts are. */
static void comments_of(struct str text, struct buf *out) {
  const char *at = text.ptr, *end = text.ptr + text.len;
  buf_clear(out);
  while (at < end) {
    if (*at == '#') {
      const char *stop = memchr(at, '\n', (size_t)(end - at));
      if (!stop) stop = end;
      const char *last = stop;
      while (last > at && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r')) last--;
      buf_str(out, str_slice(at, last));
      buf_c(out, "\n");
      at = stop;
    } else if (end - at > 2 && memcmp(at, "\"\"\"", 3) == 0) {
      const char *stop = memmem(at + 3, (size_t)(end - at - 3), "\"\"\"", 3);
      at = stop ? stop + 3 : end;
    } else if (*at == '"') {
      for (at++; at < end && *at != '"' && *at != '\n'; at++) {
        const char *line = memchr(at, '\n', (size_t)(end - at)), *stop;
        if (*at == '\\') at++;
        else if (end - at > 1 && at[0] == '{' && at[1] == '{' && (stop = memmem(at, (size_t)((line ? line : end) - at), "}}", 2)) != NULL)
          at = stop + 1;
      }
      at++;
    } else {
      at++;
    }
  }
}

static void compile_text(struct compilation *c, struct str text) {
  compilation_init(c);
  compilation_add(c, STR("a.camp"), text, false);
  compile(c, NULL);
}

/* The same units, to the byte, and the same tests. Scripts that do not compile alone have neither. Warnings may differ: that a
 * rule stands there twice is seen when both are spaced alike. */
static bool same_program(struct str before, struct str after) {
  struct compilation a, b;
  compile_text(&a, before);
  compile_text(&b, after);
  bool same = a.error_count == b.error_count && a.tests.count == b.tests.count &&
              a.program.unit_count == b.program.unit_count;
  for (uint32_t i = 0; same && a.error_count == 0 && i < a.program.unit_count; i++)
    same = str_eq(a.program.units[i].body_bytes, b.program.units[i].body_bytes);
  for (uint32_t i = 0; same && i < a.tests.count; i++)
    same = a.tests.items[i]->step_count == b.tests.items[i]->step_count && str_eq(a.tests.items[i]->name, b.tests.items[i]->name);
  compilation_deinit(&a);
  compilation_deinit(&b);
  return same;
}

static uint32_t checked;

/* Formats; `must_read`: it has no mistake of syntax. */
static void holds(const char *what, struct str text, bool must_read) {
  struct buf once, twice, comments, kept;
  buf_init(&once, 1u << 28), buf_init(&twice, 1u << 28), buf_init(&comments, 1u << 28), buf_init(&kept, 1u << 28);
  bool ok = format_text(text, &once);
  if (ok) {
    if (!once.data) buf_c(&once, "");
    const char *wrong = NULL;
    if (!format_text(buf_as_str(&once), &twice) || !str_eq(buf_as_str(&once), buf_as_str(&twice))) wrong = "formatting twice is not formatting once";
    comments_of(text, &comments);
    comments_of(buf_as_str(&once), &kept);
    if (!str_eq(buf_as_str(&comments), buf_as_str(&kept))) wrong = "comments were lost";
    if (!same_program(text, buf_as_str(&once))) wrong = "another program";
    if (wrong) print_message("%s: %s\n" STR_FMT "\n--- formatted\n" STR_FMT "\n", what, wrong, STR_ARG(text), STR_ARG(buf_as_str(&once)));
    assert_null(wrong);
    checked++;
  } else {
    if (must_read) print_message("%s is not read: " STR_FMT STR_FMT "\n", what, STR_ARG(buf_as_str(&unread_why)), STR_ARG(text));
    assert_false(must_read);
  }
  buf_deinit(&once), buf_deinit(&twice), buf_deinit(&comments), buf_deinit(&kept);
}

/* --- scripts that are there ------------------------------------------------------------------------------------------*/

static int visit(const char *path, const struct stat *st, int type, struct FTW *place) {
  (void)st, (void)place;
  if (type == FTW_F && str_ends(str_from_c(path), STR(".camp"))) {
    struct arena a;
    arena_init(&a, 1 << 16);
    /* Only what is there for its mistakes may have some. */
    bool mistaken = strstr(path, "/2-parse/") || strstr(path, "/3-check/") || strstr(path, "/fuzz/");
    holds(path, file_text(&a, path), !mistaken);
    arena_deinit(&a);
  }
  return 0;
}

static const char *root_path(const char *below) {
  static char path[512];
  const char *root = getenv("CAMP_ROOT");
  snprintf(path, sizeof path, "%s/%s", root ? root : ".", below);
  return path;
}

static void scripts_of_the_tree(void **state) {
  (void)state;
  checked = 0;
  static const char *const folders[] = { "examples", "stdlib", "tests" };
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) assert_int_equal(nftw(root_path(folders[i]), visit, 16, FTW_PHYS), 0);
  assert_true(checked > 15);
}

static void pages_of_explain(void **state) {
  (void)state;
  for (size_t i = 0; explain_at(i); i++) {
    holds(explain_at(i)->code, str_from_c(explain_at(i)->right), true);
    holds(explain_at(i)->code, str_from_c(explain_at(i)->wrong), false);
  }
}

/* The examples of the language's page show what the formatter writes. */
static void page_of_the_language(void **state) {
  (void)state;
  struct arena a;
  struct buf out;
  arena_init(&a, 1 << 16);
  buf_init(&out, 1u << 20);
  const char *at = file_text(&a, root_path("grammar/README.md")).ptr;
  assert_non_null(at);
  uint32_t examples = 0;
  while ((at = strstr(at, "```camp\n")) != NULL) {
    at += 8;
    const char *stop = strstr(at, "```");
    assert_non_null(stop);
    struct str text = arena_str(&a, str_slice(at, stop));
    holds("an example of grammar/README.md", text, true);
    assert_true(format_text(text, &out));
    if (!str_eq(text, buf_as_str(&out))) print_message("grammar/README.md: formatted, this example is\n" STR_FMT "\n", STR_ARG(buf_as_str(&out)));
    assert_true(str_eq(text, buf_as_str(&out)));
    at = stop + 3;
    examples++;
  }
  assert_true(examples > 10);
  buf_deinit(&out);
  arena_deinit(&a);
}

/* --- programs made at random -----------------------------------------------------------------------------------------*/

static uint64_t seed;
static uint32_t any(uint32_t n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % n;
}

/* A program as a pattern: ` ` any blanks, `~` blanks that may be left out, `|` a blank where a line may break, `$` the end of a
 * statement, `%` the end of the last one of a block, which needs none. What stands between `'` is a text, and copied. */
static void add(struct buf *b, const char *text) { buf_c(b, text); }

static void make_condition(struct buf *b, uint32_t depth) {
  static const char *const plain[] = {
    "contact.plan is '\"pro\"'", "contact.score - 1 > -2", "contact.country in [~'\"FR\"'~,|'\"BE\"'~]",
    "contact.country is one of '\"FR\"',|'\"BE\"'", "count(~purchase|where amount > 5 EUR~,|last 7d~) >=|3",
    "did open|or click in last 30d", "no visit in last 2w", "time since last (~visit|or open~) > 720h",
    "contact.first_name is not missing", "(~contact.first_name|else '\"you # not\"'~) starts with '\"A  a\"'",
    "sum(purchase.amount) * 2 > 40 EUR", "not contact.vip", "contact.birthday.month is 5",
  };
  if (depth == 0 || any(3) == 0) {
    add(b, plain[any(sizeof plain / sizeof *plain)]);
    return;
  }
  bool both = any(2);
  add(b, any(4) ? "(~" : "not (~");
  make_condition(b, depth - 1);
  add(b, "~)");
  for (uint32_t n = any(3); n; n--) {
    add(b, any(2) ? (both ? "|and (~" : "|or (~") : (both ? " and|(~" : " or|(~"));
    make_condition(b, depth - 1);
    add(b, "~)");
  }
}

static void make_block(struct buf *b, uint32_t depth, bool waits);

static void make_if(struct buf *b, uint32_t depth, bool waits) {
  add(b, "if (~");
  make_condition(b, 2);
  add(b, "~)");
  make_block(b, depth - 1, waits);
  for (uint32_t n = any(3); n; n--) {
    add(b, "|else if (~");
    make_condition(b, 1);
    add(b, "~)");
    make_block(b, depth - 1, waits);
  }
  if (any(2)) {
    add(b, "|else");
    make_block(b, depth - 1, waits);
  }
}

static void make_statement(struct buf *b, uint32_t depth, bool waits) {
  static const char *const plain[] = {
    "tag '\"a;  b\"'", "untag '\"#\"'", "join vip", "leave vip", "set contact.plan to '\"pro\"'",
    "emit upgraded|with|{~plan~: '\"pro\"'~,|n: 3~}", "emit upgraded|with|{~plan: '\"a\"'$n: -3%}", "send hello",
    "send hello|after 7 days", "send hello|after 2d|unless refund",
  };
  static const char *const pauses[] = {
    "wait 3d", "wait until tuesday 10:00", "wait until 2030-12-24 18:00", "wait for open|or click up to 3d",
  };
  uint32_t what = any(depth ? 8 : 5);
  if (what < 3) {
    add(b, plain[any(sizeof plain / sizeof *plain)]);
  } else if (what == 3) {
    add(b, "send hello|after 2d|if still (~");
    make_condition(b, 1);
    add(b, "~)");
  } else if (what == 4 || (what == 7 && !waits)) {
    add(b, waits ? pauses[any(sizeof pauses / sizeof *pauses)] : "tag '\"{{ 1 | default: \"#\" }}\"'");
  } else if (what < 7) {
    make_if(b, depth, waits);
  } else {
    add(b, "wait up to 30d|{~on purchase|where amount >= 100 EUR");
    make_block(b, depth - 1, waits);
    add(b, any(2) ? " on refund" : "$on refund");
    make_block(b, depth - 1, waits);
    if (any(2)) {
      add(b, "|else");
      make_block(b, depth - 1, waits);
    }
    add(b, "~}");
  }
}

static void make_block(struct buf *b, uint32_t depth, bool waits) {
  add(b, "|{~");
  for (uint32_t n = 1 + any(3); n; n--) {
    make_statement(b, depth, waits);
    add(b, n == 1 ? "%" : any(4) ? "$" : "~,|");
  }
  add(b, "}");
}

static void make_program(struct buf *b) {
  add(b, "list vip$event upgraded {~plan: text$n: number%}$"
         "contact {~plan: text$score: number$vip: bool =|false$birthday~: date%}$"
         "message hello {~channel email$subject '\"Hi {{ contact.first_name | default: \"#1\" }}\"'$"
         "body '\"\"\"\n   a # b\n\n\n  c  \n \"\"\"'%}$");
  for (uint32_t n = 1 + any(3); n; n--) {
    static const char *const heads[] = { "campaign c%u {~start when signup", "campaign c%u {~start when signup",
                                         "r%u~: when purchase", "when purchase|where amount > %u EUR" };
    uint32_t head = any(4);
    bool campaign = head < 2;
    buf_printf(b, heads[head], n);
    if (any(2)) {
      add(b, "|and (~");
      make_condition(b, 2);
      add(b, "~)");
    }
    if (campaign) {
      add(b, "$entry once$");
      make_statement(b, 3, true);
      add(b, "$tag '\"end\"'%}$");
    } else {
      add(b, "|then");
      if (any(2)) make_block(b, 3, false);
      else add(b, "|send hello|after 7d");
      add(b, "$");
    }
  }
  add(b, "test '\"t\"' {~contact ann {~first_name: '\"Ann\"'%}$at 2026-01-05 10:00 ann purchase {~amount: 5 EUR%}$"
         "expect ann not in vip%}$");
}

/* The pattern as text: in one plain way, or as somebody with a broken keyboard would. */
static void render(struct str pattern, struct buf *out, bool wild) {
  static const char *const blanks[] = { " ", " ", "  ", "\t ", " \t\t" };
  static const char *const breaks[] = { " ", "  ", "\n", "\n\n\n", " # why \"not\"\n", "\n\t# }\r\n  ", "\r\n",
                                        "\n## a\n\n\n    ## b  \n" };
  static const char *const ends[] = { "\n", ";", " ; ", ";\n", "\n\n\n", "\r\n \r\n", " # why; not\n", "\n   # { \n",
                                      "; # a\n;# b\n", ";;\n", "\n  ## doc\n  ## doc\n" };
  enum { BLANKS = sizeof blanks / sizeof *blanks, BREAKS = sizeof breaks / sizeof *breaks, ENDS = sizeof ends / sizeof *ends };
  bool text = false;
  buf_clear(out);
  for (size_t i = 0; i < pattern.len; i++) {
    char c = pattern.ptr[i];
    if (c == '\'') text = !text;
    else if (text) buf_byte(out, (uint8_t)c);
    else if (c == ' ') add(out, wild ? blanks[any(BLANKS)] : " ");
    else if (c == '~') add(out, wild ? (any(2) ? "" : blanks[any(BLANKS)]) : "");
    else if (c == '|') add(out, wild ? breaks[any(BREAKS)] : " ");
    else if (c == '$') add(out, wild ? ends[any(ENDS)] : "\n");
    else if (c == '%') add(out, wild ? (any(2) ? " " : ends[any(ENDS)]) : " ");
    else buf_byte(out, (uint8_t)c);
  }
}

/* However it was written, it is the same program, and formatted the same again; with its lines, names of rules included. */
static void programs_made_at_random(void **state) {
  (void)state;
  struct buf pattern, plain, wild;
  buf_init(&pattern, 1u << 24), buf_init(&plain, 1u << 24), buf_init(&wild, 1u << 24);
  for (uint32_t n = 0; n < 150; n++) {
    seed = n;
    buf_clear(&pattern);
    make_program(&pattern);
    render(buf_as_str(&pattern), &plain, false);
    struct compilation c;
    compile_text(&c, buf_as_str(&plain));
    if (c.error_count) {
      struct buf said;
      buf_init(&said, 1u << 24);
      diagnostics_print(&said, &c, FORMAT_SHORT, false);
      print_message("the pattern makes a script with mistakes\n" STR_FMT STR_FMT, STR_ARG(buf_as_str(&said)), STR_ARG(buf_as_str(&plain)));
      buf_deinit(&said);
    }
    assert_int_equal(c.error_count, 0);
    compilation_deinit(&c);
    holds("a plain program", buf_as_str(&plain), true);
    for (uint32_t k = 0; k < 3; k++) {
      render(buf_as_str(&pattern), &wild, true);
      holds("a wild program", buf_as_str(&wild), true);
      bool same = same_program(buf_as_str(&plain), buf_as_str(&wild));
      if (!same) print_message("not the same:\n" STR_FMT "\n---\n" STR_FMT, STR_ARG(buf_as_str(&plain)), STR_ARG(buf_as_str(&wild)));
      assert_true(same);
    }
  }
  buf_deinit(&pattern), buf_deinit(&plain), buf_deinit(&wild);
}

/* --- every construct, spaced at random ---------------------------------------------------------------------------------*/

static bool is_word(char c) { return c == '_' || (c & 0x80) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Behind the text that begins at `at`, or the comment. */
static const char *over(const char *at, const char *end) {
  if (*at == '#') {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return stop ? stop : end;
  }
  bool block = end - at > 2 && memcmp(at, "\"\"\"", 3) == 0;
  if (block) {
    const char *stop = memmem(at + 3, (size_t)(end - at - 3), "\"\"\"", 3);
    return stop ? stop + 3 : end;
  }
  for (at++; at < end && *at != '"'; at++) {
    const char *stop;
    if (*at == '\\') at++;
    else if (at[0] == '{' && at[1] == '{' && (stop = memmem(at, (size_t)(end - at), "}}", 2)) != NULL) at = stop + 1;
  }
  return at < end ? at + 1 : end;
}

/* A script that the formatter wrote, with other blanks, and more lines where a line may break: behind an opening brace and a comma, before a
 * closing brace, before a word that goes on with the line above; and with comments where lines end. */
static void respace(struct str text, struct buf *out) {
  static const char *const blanks[] = { " ", " ", " ", "  ", "\t", " \t " };
  static const char *const breaks[] = { " ", " ", "\n", "\n\n\n", " # why \"not\"\n", "\n\t# }\r\n  ", "\r\n", "\n## a\n\n\n    ## b  \n" };
  static const char *const ends[] = { "\n", "\n", "\n\n\n", "\r\n \r\n", " # why; not\n", "\n   # { \n", "\n  ## doc\n  ## doc\n" };
  static const char *const going_on[] = { "else ", "and ", "or ", "then ", "where ", "with ", "unless ", "via ", NULL };
  const char *at = text.ptr, *end = text.ptr + text.len;
  int cases = 0; /* open braces of a table, whose rows are lines */
  buf_clear(out);
  while (at < end) {
    const char *from = at;
    if (*at == '"' || *at == '#') {
      at = over(at, end);
      buf_str(out, str_slice(from, at));
    } else if (*at == ' ' && at > text.ptr && at[-1] != '\n') {
      while (at < end && *at == ' ') at++;
      bool opened = from[-1] == '{' || from[-1] == ',', closes = at < end && *at == '}', goes_on = false;
      for (const char *const *w = going_on; *w; w++) goes_on |= (size_t)(end - at) > strlen(*w) && memcmp(at, *w, strlen(*w)) == 0 && is_word(from[-1]);
      if (from - text.ptr > 7 && memcmp(from - 7, "nothing", 7) == 0) goes_on = false; /* `nothing else` */
      add(out, !cases && (opened || closes || goes_on) && at < end && *at != '#' ? breaks[any(sizeof breaks / sizeof *breaks)] : blanks[any(sizeof blanks / sizeof *blanks)]);
    } else if (*at == '\n') {
      while (at < end && (*at == '\n' || *at == ' ')) at++;
      bool comment = at < end && *at == '#', documents = comment && at[1] == '#';
      add(out, comment || documents || cases ? "\n" : ends[any(sizeof ends / sizeof *ends)]);
    } else {
      if (*at == '{' && at - text.ptr > 6 && memcmp(at - 6, "cases ", 6) == 0) cases = 1;
      else if (*at == '{' && cases) cases++;
      else if (*at == '}' && cases) cases--;
      buf_byte(out, (uint8_t)*at++);
    }
  }
}

/* Every rule of the grammar stands in an example of the language's page (2-parse/test_reference.c), so here they all are. */
static void every_construct_at_random(void **state) {
  (void)state;
  struct arena a;
  struct buf wild;
  arena_init(&a, 1 << 16);
  buf_init(&wild, 1u << 24);
  const char *at = file_text(&a, root_path("grammar/README.md")).ptr;
  seed = 7;
  while ((at = strstr(at, "```camp\n")) != NULL) {
    at += 8;
    const char *stop = strstr(at, "```");
    struct str text = arena_str(&a, str_slice(at, stop));
    for (uint32_t n = 0; n < 4; n++) {
      respace(text, &wild);
      holds("an example of grammar/README.md, spaced at random", buf_as_str(&wild), true);
      bool same = same_program(text, buf_as_str(&wild));
      if (!same) print_message("not the same:\n" STR_FMT "\n---\n" STR_FMT, STR_ARG(text), STR_ARG(buf_as_str(&wild)));
      assert_true(same);
    }
    at = stop;
  }
  buf_deinit(&wild);
  arena_deinit(&a);
}

/* Scripts cut short and with letters changed: most have mistakes, and then nothing is said but what they are. */
static void scripts_with_damage(void **state) {
  (void)state;
  static const char letters[] = " \n\t;,.:{}()[]\"#-=<a1\r\xc3";
  struct buf pattern, text;
  buf_init(&pattern, 1u << 24), buf_init(&text, 1u << 24);
  for (uint32_t n = 0; n < 1000; n++) {
    if (n % 20 == 0) {
      buf_clear(&pattern);
      seed = 1000 + n;
      make_program(&pattern);
    }
    render(buf_as_str(&pattern), &text, true);
    for (uint32_t k = 1 + any(3); k; k--) text.data[any((uint32_t)text.len)] = letters[any(sizeof letters - 1)];
    if (any(4) == 0) text.data[text.len = any((uint32_t)text.len)] = '\0';
    holds("a damaged program", buf_as_str(&text), false);
  }
  buf_deinit(&pattern), buf_deinit(&text);
}

/* --- limits ----------------------------------------------------------------------------------------------------------*/

static void says(struct buf *text, const char *code) {
  struct compilation c;
  struct buf out;
  compilation_init(&c);
  buf_init(&out, LIMIT_SOURCE_BYTES + 1u);
  assert_false(format_script(&c, STR("a.camp"), buf_as_str(text), &out));
  assert_int_equal(c.diagnostics.count, 1);
  assert_string_equal(c.diagnostics.items[0].code, code);
  compilation_deinit(&c);
  buf_deinit(&out);
}

static void what_would_not_fit(void **state) {
  (void)state;
  struct buf text, out;
  buf_init(&text, 1u << 28), buf_init(&out, 1u << 28);
  while (text.len + 7 < LIMIT_LINE_BYTES) buf_c(&text, "list a;");
  says(&text, "E0104");
  /* Nested as deep as blocks go, each statement on a line of its own: indented, it would be fifty times as long. */
  buf_clear(&text);
  buf_c(&text, "when a then {\n");
  for (uint32_t i = 1; i < LIMIT_PARSE_DEPTH; i++) buf_c(&text, "if b is 1 {\n");
  struct str head = { NULL, text.len };
  while (text.len < LIMIT_SOURCE_BYTES / 40) buf_c(&text, "exit\n");
  for (uint32_t i = 0; i < LIMIT_PARSE_DEPTH; i++) buf_c(&text, "}");
  says(&text, "E0105");
  text.len = head.len;
  buf_c(&text, "exit\n");
  for (uint32_t i = 0; i < LIMIT_PARSE_DEPTH; i++) buf_c(&text, "}");
  assert_true(format_text(buf_as_str(&text), &out));
  buf_deinit(&text), buf_deinit(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_pairs),          cmocka_unit_test(scripts_of_the_tree),     cmocka_unit_test(pages_of_explain),
    cmocka_unit_test(page_of_the_language), cmocka_unit_test(programs_made_at_random), cmocka_unit_test(every_construct_at_random),
    cmocka_unit_test(scripts_with_damage),
    cmocka_unit_test(what_would_not_fit),
  };
  buf_init(&unread_why, 1u << 20);
  int failed = cmocka_run_group_tests_name("format", tests, NULL, NULL);
  buf_deinit(&unread_why);
  return failed;
}
