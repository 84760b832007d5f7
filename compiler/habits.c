/* What people bring with them: words of SQL, JavaScript, Python and of other campaign tools, where Camp has another word, another order or
 * nothing. parse_report.c asks here what to say of a token that cannot stand where it does.
 *
 * Not here: misspelt keywords (parse_report.c), names that nobody declared (names_*.c), characters (lex_alike.c).
 *
 *   1. A row is a word as it was written, in any case, and a token that could have stood in its place: so `like` is told about where a
 *      comparison could go on, and is a name elsewhere.
 *   2. A help shows what to write. A fix is offered only where the rest of the line then stands as it is. */
#include "driver.h"

#include "vm/base/limits.h"

struct habit { const char *said /* words between | */; uint16_t place; const char *help, *fix; };

/* Where a declaration could stand. */
#define OUTSIDE TOK_CAMPAIGN
/* Where a statement could stand. */
#define INSIDE TOK_SEND
static const struct habit habits[] = {
  { "import|include|require", OUTSIDE, "`use shop` takes in a module, `use \"./common.camp\"` another script", NULL },
  { "let|var|const", OUTSIDE, "`define NAME = …` gives a condition or a value a name", NULL },
  { "function|def", OUTSIDE, "`sequence NAME { … }` holds statements that several campaigns share", NULL },
  { "on", OUTSIDE, "a rule begins with `when`: `when purchase then …`", NULL },
  { "if", OUTSIDE, "a rule begins with `when`: `when purchase and … then …`", NULL },
  { "trigger", OUTSIDE, "a rule begins with `when`: `when purchase then …`", NULL },
  { "journey|flow|workflow|automation|canvas", OUTSIDE, "`campaign NAME { start when …` holds a journey", NULL },
  { "email|mail", OUTSIDE, "`message NAME { subject \"…\"; body \"…\" }` is an email", NULL },
  { "template", OUTSIDE, "`message NAME { subject \"…\"; body \"…\" }` holds a message", NULL },
  { "sms", OUTSIDE, "`message NAME { channel sms; body \"…\" }` is a text message", NULL },
  { "push", OUTSIDE, "`message NAME { channel push; subject \"…\"; body \"…\" }` is a push message", NULL },
  { "audience", OUTSIDE, "`segment NAME = …` holds a condition that contacts enter and leave", NULL },
  { "send", OUTSIDE, "a statement stands in a rule or a campaign: `when purchase then send …`, `campaign NAME { start at 2026-12-24 09:00 for LIST …`", NULL },
  { "wait", OUTSIDE, "a statement stands in a campaign: `campaign NAME { start when …`", NULL },

  { "elseif|elif|elsif", INSIDE, "two words: `else if`", "else if" },
  { "end|endif|fi", INSIDE, "a block stands in braces: `if … { … }`", NULL },
  { "switch", INSIDE, "`if … { … } else if … { … } else { … }` chooses", NULL },
  { "random", INSIDE, "`split { 50% { … } else { … } }` shares contacts out", NULL },
  { "delay|sleep|pause", INSIDE, "`wait 3d` waits", NULL },
  { "after", INSIDE, "`wait 7d` waits; `send NAME after 7d` goes on at once and sends later", NULL },
  { "while", INSIDE, "`repeat 3 times every 7d { … }` repeats, `wait for EVENT up to 7d { … } else { … }` listens", NULL },
  { "loop", INSIDE, "`repeat 3 times every 7d { … }` repeats", NULL },
  { "foreach", INSIDE, "two words: `for each item in LIST { … }`", "for each" },
  { "goto", INSIDE, "there are no jumps: `start NAME` begins another campaign, `do NAME` a sequence, `exit` ends the run", NULL },
  { "return|break", INSIDE, "`exit` ends the run", NULL },
  { "add", INSIDE, "`tag \"…\"` gives a tag, `join LIST` puts the contact into a list", NULL },
  { "remove", INSIDE, "`untag \"…\"` takes a tag away, `leave LIST` takes the contact out of a list", NULL },
  { "update", INSIDE, "`set contact.NAME to …` changes an attribute", NULL },
  { "let", INSIDE, "`set contact.NAME to …` keeps a value", NULL },
  { "email|mail|notify", INSIDE, "`send NAME` sends a message; its channel stands in the message", NULL },
  { "webhook|http|post", INSIDE, "`call CONNECTOR.OPERATION with { … }` asks another system; a `connector` declares it", NULL },
  { "track|fire", INSIDE, "`emit EVENT with { … }` makes an event", NULL },
  { "trigger", TOK_GOAL, "`start when EVENT` starts the campaign", NULL },
  { "trigger", INSIDE, "`emit EVENT with { … }` makes an event, `start NAME` begins a campaign", NULL },
  { "campaign", INSIDE, "campaigns stand side by side; `start NAME` begins another one", NULL },

  { "like", TOK_CONTAINS, "of texts one asks `contains \"…\"`, `starts with \"…\"`, `ends with \"…\"` or `matches \"…\"`", NULL },
  { "between", TOK_CONTAINS, "two comparisons: `(amount >= 10 EUR and amount <= 20 EUR)`", NULL },
  { "equals|equal|eq", TOK_IS, "a comparison is `is`", "is" },
  { "has", TOK_CONTAINS, "a tag is asked for by `contact.tags contains \"…\"`, a list or segment by its name", NULL },
  { "then", TOK_LBRACE, "what `if` does stands in braces: `if … { … }`", NULL },
  { "do", TOK_LBRACE, "what it does stands in braces: `{ … }`", NULL },
  { "if", TOK_THEN, "a condition is joined by `and`: `when purchase and … then`", "and" },
  { "on", TOK_THEN, "a condition is joined by `and`, what is asked of the event by `where`", NULL },
  { "in", TOK_AFTER, "later is `after 7d`", NULL },
  { "since|in last", TOK_COMMA_LAST, "the time goes into the parentheses: `count(purchase, last 30d)`", NULL },
  { "week", TOK_MONDAY, "`every monday at 09:00` is once a week", NULL },
  { "year", TOK_MONDAY, "`start every day at 09:00 for contact.birthday.month is now.month and contact.birthday.day is now.day` is once a year", NULL },
  { "mon", TOK_MONDAY, "`monday`", "monday" },
  { "tue|tues", TOK_MONDAY, "`tuesday`", "tuesday" },
  { "wed", TOK_MONDAY, "`wednesday`", "wednesday" },
  { "thu|thur|thurs", TOK_MONDAY, "`thursday`", "thursday" },
  { "fri", TOK_MONDAY, "`friday`", "friday" },
  { "sat", TOK_MONDAY, "`saturday`", "saturday" },
  { "sun", TOK_MONDAY, "`sunday`", "sunday" },
  { "email", TOK_MESSAGES, "the channel stands behind: `at most 1 message via email per 1d`", NULL },
  { "emails", TOK_MESSAGES, "the channel stands behind: `at most 2 messages via email per 1d`", NULL },
  { "sms", TOK_MESSAGES, "the channel stands behind: `at most 1 message via sms per 1d`", NULL },
  { "until", TOK_TO, "`from 21:00 to 08:00`", "to" },
  { "one", TOK_NUMBER, "a number is written in digits", "1" },
  { "two", TOK_NUMBER, "a number is written in digits", "2" },
  { "three", TOK_NUMBER, "a number is written in digits", "3" },
  { "once", TOK_NUMBER, "a number is written in digits: `1`", NULL },
  { "multiple|always|many", TOK_ONCE, "`entry every time` lets contacts enter again while they are inside", NULL },
  { "double_opt_in", TOK_DOUBLE, "three words: `double opt in`", "double opt in" },
  { "string", TOK_LIST, "a type is `text`", "text" },
};

/* What a word makes of the token behind it: `did not`, `count purchase`, `has purchased`. */
static const struct habit behind[] = {
  { "not", TOK_IN_LAST, "`no purchase in last 30d` is the opposite of `did purchase in last 30d`", NULL },
  { "count", TOK_CONTAINS, "`count(…)` has parentheses", NULL },
  { "sum", TOK_CONTAINS, "`sum(…)` has parentheses", NULL },
  { "average", TOK_CONTAINS, "`average(…)` has parentheses", NULL },
  { "has", TOK_CONTAINS, "what happened is `did purchase in last 30d`; a tag is `contact.tags contains \"…\"`, a list or segment its name", NULL },
  { "tagged", TOK_CONTAINS, "a tag is asked for by `contact.tags contains \"…\"`", NULL },
  { "in", TOK_CONTAINS, "a list or segment is a condition by its name: `and loyal`", NULL },
  { "days", TOK_CONTAINS, "`time since last purchase > 30d`", NULL },
  { "hours", TOK_CONTAINS, "`time since last purchase > 24h`", NULL },
  { "opt", TOK_IN, "three words: `double opt in`", NULL },
  { "any", TOK_CONTAINS, "`any item in LIST where …` asks a list that is a property or an attribute", NULL },
};

static struct str text_of(const struct driver *d, struct token t) { return (struct str){ d->p.text + t.from, t.to - t.from }; }

/* One of the words, which stand between |. */
static bool says(struct str text, const char *words) {
  for (size_t len; *words; words += len + (words[len] == '|')) {
    len = strcspn(words, "|");
    if (text.len == len && strncasecmp(text.ptr, words, len) == 0) return true;
  }
  return false;
}

static void mend(struct driver *d, struct diagnostic *g, struct token from, struct token to, struct str with) {
  g->has_fix = true;
  g->fix = (struct fix){ { d->p.source, from.from, to.to }, with };
}

/* What stands from one token up to the next is not needed. */
static void cut(struct driver *d, struct diagnostic *g, struct token from, struct token next) {
  g->has_fix = true;
  g->fix = (struct fix){ { d->p.source, from.from, next.from }, STR("") };
}

static bool in_table(struct driver *d, struct diagnostic *g, struct token t, struct str text, const struct habit *table, size_t count, const bool *set) {
  for (size_t i = 0; i < count; i++) {
    if (!set[table[i].place] || !says(text, table[i].said)) continue;
    g->help = str_from_c(table[i].help);
    if (table[i].fix) mend(d, g, t, t, str_from_c(table[i].fix));
    return true;
  }
  return false;
}

/* `after a day`, `after three days`, `per day`: a duration in words. */
static bool duration_in_words(struct driver *d, struct diagnostic *g, struct token t, const bool *set) {
  static const char *const counts[] = { "a|an", "one", "two", "three", "four", "five", "six", "seven" };
  static const struct { const char *said, *unit; } units[] = {
    { "day|days", "d" }, { "week|weeks", "w" }, { "month|months", "mo" }, { "year|years", "y" }, { "hour|hours", "h" }, { "minute|minutes", "m" },
  };
  struct str text = text_of(d, t);
  struct token last = t;
  int count = 1;
  if (!set[TOK_DURATION] || !driver_is_word(t.kind)) return false;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    if (says(text, counts[i])) {
      last = *driver_peek(d, 0);
      if (last.kind >= LEX_NEWLINE || last.kind == LEX_END) return false;
      text = text_of(d, last);
      count = i ? (int)i : 1;
      break;
    }
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (says(text, units[i].said)) {
      struct str right = arena_printf(&d->p.c->arena, "%d%s", count, units[i].unit);
      g->help = arena_printf(&d->p.c->arena, "did you mean `" STR_FMT "`?", STR_ARG(right));
      mend(d, g, t, last, right);
      return true;
    }
  return false;
}

/* 50, where 50% is meant; 9 or 09.00, where 09:00 is; 7, where 7d is. */
static bool number_bare(struct driver *d, struct diagnostic *g, struct token t, const bool *set) {
  struct str text = text_of(d, t);
  struct arena *a = &d->p.c->arena;
  struct token next = *driver_peek(d, 0), last = t;
  if (t.kind != TOK_NUMBER || set[TOK_NUMBER]) return false;
  if (set[TOK_PERCENT]) {
    if (next.kind == TOK_NAME && says(text_of(d, next), "percent")) last = next;
    g->help = arena_printf(a, "did you mean `" STR_FMT "%%`?", STR_ARG(text));
    mend(d, g, t, last, arena_printf(a, STR_FMT "%%", STR_ARG(text)));
  } else if (set[TOK_TIME] && !set[TOK_DATETIME]) {
    int hour = 0, minute = 0;
    size_t i = 0;
    for (; i < text.len && text.ptr[i] != '.' && i < 2; i++) hour = hour * 10 + (text.ptr[i] - '0');
    if (i < text.len && text.len - i == 3) minute = (text.ptr[i + 1] - '0') * 10 + (text.ptr[i + 2] - '0'), i = text.len;
    if (i < text.len || hour > 23 || minute > 59) return false;
    g->help = arena_printf(a, "did you mean `%02d:%02d`?", hour, minute);
    mend(d, g, t, t, arena_printf(a, "%02d:%02d", hour, minute));
  } else if (set[TOK_DURATION] && next.kind == TOK_NAME && says(text_of(d, next), "business|working")) {
    g->help = STR("`wait 2d`, and below it `wait until between 09:00 and 18:00 on weekdays`");
  } else if (set[TOK_DURATION]) {
    g->help = arena_printf(a, "a duration has a unit: `" STR_FMT "d` are days, `" STR_FMT "h` hours", STR_ARG(text), STR_ARG(text));
  } else if (set[TOK_DATETIME]) {
    g->help = STR("a date is written year-month-day");
  } else {
    return false;
  }
  return true;
}

/* `hello-world`, `2nd`: names that need quotes. */
static bool name_unquoted(struct driver *d, struct diagnostic *g, struct token t, const bool *set) {
  struct arena *a = &d->p.c->arena;
  struct token next = *driver_peek(d, 0);
  if (t.kind == TOK_MINUS && !set[TOK_MINUS] && d->taken.kind == TOK_NAME && d->taken.to == t.from && next.from == t.to && driver_is_word(next.kind)) {
    struct token first = d->taken;
    struct str name = { d->p.text + first.from, next.to - first.from };
    g->help = STR("a name with other signs than letters, digits and `_` stands in quotes");
    if (next.to < d->lexer.end - d->lexer.text && d->p.text[next.to] != '-') mend(d, g, first, next, arena_printf(a, "\"" STR_FMT "\"", STR_ARG(name)));
    return true;
  }
  if (t.kind != TOK_ORDINAL || !set[TOK_NAME] || !set[TOK_TEXT]) return false;
  g->help = STR("a name begins with a letter, or stands in quotes");
  mend(d, g, t, t, arena_printf(a, "\"" STR_FMT "\"", STR_ARG(text_of(d, t))));
  return true;
}

static bool begins_text(struct driver *d, const char *word) { return d->first.to && says(text_of(d, d->first), word); }

/* What the word before tells. */
static bool behind_word(struct driver *d, struct diagnostic *g, struct token t) {
  struct str taken = d->taken.to ? text_of(d, d->taken) : STR("");
  struct arena *a = &d->p.c->arena;
  bool word = driver_is_word(t.kind);
  if (says(taken, "for") && d->before.kind == TOK_WAIT && t.kind == TOK_DURATION) {
    g->help = STR("`wait 3d` waits; behind `wait for` stands an event");
    cut(d, g, d->taken, t);
  } else if (d->last == TOK_WAIT && t.kind == TOK_LPAREN) {
    g->help = STR("without parentheses: `wait 3d`");
  } else if (says(taken, "on") && (d->before.kind == TOK_START || d->before.kind == TOK_STOP) && word) {
    g->help = STR("`when` says which event");
    mend(d, g, d->taken, d->taken, STR("when"));
  } else if (says(taken, "for") && d->before.kind == TOK_START) {
    g->help = arena_printf(a, "`start at 2026-12-24 09:00 for " STR_FMT "`, or `start when enters " STR_FMT "`", STR_ARG(text_of(d, t)), STR_ARG(text_of(d, t)));
  } else if (t.kind == TOK_WHEN && d->last == TOK_EXIT) {
    g->help = STR("`stop when EVENT` ends the run at an event");
    mend(d, g, d->taken, d->taken, STR("stop"));
  } else if (d->last == TOK_NAME && d->before.kind == TOK_SEND && word && says(taken, "email|mail|sms|push|message")) {
    g->help = arena_printf(a, "`send " STR_FMT "`: the channel stands in the message", STR_ARG(text_of(d, t)));
    cut(d, g, d->taken, t);
  } else {
    return false;
  }
  return true;
}

/* Where braces, an end of the line or a clause stands instead. */
static bool shape_of_line(struct driver *d, struct diagnostic *g, struct token t, const bool *set) {
  if (t.kind == TOK_DURATION && set[TOK_AFTER]) {
    g->help = arena_printf(&d->p.c->arena, "later is `after " STR_FMT "`", STR_ARG(text_of(d, t)));
  } else if (t.kind == TOK_AT && d->last == TOK_DURATION) {
    g->help = STR("`wait until 09:00` below it waits for the time of day");
  } else if (t.kind == TOK_LBRACKET && set[TOK_DOT]) {
    g->help = STR("a list has no numbers: `any item in LIST where …` asks its elements, `for each item in LIST { … }` takes each");
  } else if (driver_begins_statement(t.kind) && set[TOK_LBRACE] && !set[TOK_CAMPAIGN] && !set[TOK_NAME] && driver_peek(d, 0)->kind != TOK_LBRACE) {
    g->help = STR("what it does stands in braces: `{ … }`");
  } else if (t.kind == TOK_LPAREN && set[TOK_LBRACE] && d->before.kind == TOK_EVENT) {
    g->help = STR("members stand in braces: `{ sku: text; price: money }`");
  } else if (t.kind == TOK_NAME && set[TOK_LBRACE] && d->before.kind == TOK_CAMPAIGN) {
    g->help = STR("a name is one word; one with blanks stands in quotes");
  } else if (t.kind == TOK_COMMA && set[TOK_EOL] && !set[TOK_AND] && d->depth && d->first.kind == TOK_LABEL) {
    g->help = STR("members stand one a line, or with `;` between");
    mend(d, g, t, t, STR(";"));
  } else if (t.kind == TOK_COMMA && set[TOK_EOL] && d->last == TOK_TEXT && d->depth && !set[TOK_THEN]) {
    g->help = STR("the parts of a message stand one a line, or with `;` between");
    mend(d, g, t, t, STR(";"));
  } else if ((t.kind == TOK_COMMA || t.kind == TOK_AND) && set[TOK_EOL] && !set[TOK_AND] && !d->depth && set[TOK_AFTER]) {
    g->help = STR("several statements stand in braces: `then { send a, tag \"b\" }`");
  } else {
    return false;
  }
  return true;
}

/* Lists, shares, dates and choices. */
static bool kind_of_value(struct driver *d, struct diagnostic *g, struct token t, const bool *set) {
  struct str taken = d->taken.to ? text_of(d, d->taken) : STR("");
  bool word = driver_is_word(t.kind);
  if (d->last == TOK_IN && t.kind == TOK_LPAREN) {
    g->help = STR("a list of values stands in brackets, `in [\"FR\", \"BE\"]`, or behind `is one of`");
  } else if (d->last == TOK_IN && word && set[TOK_LBRACKET]) {
    g->help = arena_printf(&d->p.c->arena, "a list or segment is a condition by its name: `and " STR_FMT "`, `and not " STR_FMT "`", STR_ARG(text_of(d, t)), STR_ARG(text_of(d, t)));
  } else if (t.kind == TOK_DURATION && set[TOK_MONDAY]) {
    g->help = STR("`every monday at 09:00`; with `entry at most once in 14d` each contact is met every second week");
  } else if (d->last == TOK_PERCENT && t.kind == LEX_COLON) {
    g->help = STR("what the share does stands in braces: `50% { … }`");
  } else if (t.kind == TOK_CONTACT && d->last == TOK_AT && set[TOK_DATETIME]) {
    g->help = STR("a date of each contact is a segment, `segment due = contact.renewal - 30d < now`, and `start when enters due`");
  } else if ((t.kind == TOK_IN && set[TOK_CONSENTS] && set[TOK_LABEL]) ||
             (word && d->before.kind == TOK_NAME && says(taken, "join|joins|enters"))) {
    g->help = STR("into a list a contact comes by an event, also in a test: `event joined`, and `when joined then join LIST`");
  } else if (says(taken, "joins") && word) {
    g->help = STR("`enters` is said of a list or segment");
    mend(d, g, d->taken, d->taken, STR("enters"));
  } else if (t.kind == TOK_ENTERS && d->last == TOK_CONTACT) {
    g->help = STR("without `contact`: `enters vip`");
  } else if (d->last == TOK_WINNER) {
    g->help = STR("Camp counts and people decide: `winner at the end`");
  } else if (says(taken, "enum") && t.kind == TOK_LPAREN) {
    g->help = STR("a choice is `one of \"free\", \"pro\"`");
  } else if (t.kind == TOK_COMMA && begins_text(d, "contact")) {
    g->help = STR("each contact of a test stands on a line of its own");
  } else if (t.kind == TOK_TEXT && set[TOK_ONE_OF]) {
    g->help = STR("a choice is `one of \"free\", \"pro\"`");
  } else {
    return false;
  }
  return true;
}

/* A test has a clock, and expectations that read as a sentence. */
void driver_habit_of_test(struct driver *d, struct diagnostic *g, struct token t) {
  if (begins_text(d, "expect")) g->help = STR("such as `expect hello sent to ann at 2026-01-12 10:00`, `expect nothing sent to ann within 7d`");
  else if (t.kind == TOK_DURATION && begins_text(d, "wait")) g->help = STR("the clock of a test goes on by `at 2026-01-12 10:00`, or `within 7d` in an expectation");
}

bool driver_habit(struct driver *d, struct diagnostic *g, struct token t, const bool *set) {
  if (t.kind == TOK_EOL) {
    if (d->last != TOK_UNSUBSCRIBE) return false;
    g->help = STR("`unsubscribe from TOPIC`, or `unsubscribe from every topic`");
    return true;
  }
  if (duration_in_words(d, g, t, set) || number_bare(d, g, t, set) || name_unquoted(d, g, t, set)) return true;
  if (in_table(d, g, t, text_of(d, t), habits, sizeof habits / sizeof *habits, set)) return true;
  if (behind_word(d, g, t) || shape_of_line(d, g, t, set) || kind_of_value(d, g, t, set)) return true;
  return d->taken.to && in_table(d, g, t, text_of(d, d->taken), behind, sizeof behind / sizeof *behind, set);
}
