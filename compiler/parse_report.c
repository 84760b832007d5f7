/* What is said of a mistake: what could have stood there, which keyword was meant, where it stands.
 *
 * Not here: how parsing goes on (parse.c, parse_repair.c). The invariants of parse.c hold. */
#include "driver.h"

static const struct { uint16_t token; const char *words; } token_words[] = {
  { TOK_NAME, "a name" }, { TOK_TEXT, "a text in quotes" }, { TOK_LABEL, "a name and `:`" },
  { TOK_DURATION, "a duration such as `7d`" }, { TOK_NUMBER, "a number" }, { TOK_PERCENT, "a percentage such as `25%`" },
  { TOK_MONEY, "an amount such as `40 EUR`" },
  { TOK_ORDINAL, "a day such as `1st`" }, { TOK_STATUS, "`5xx`" }, { TOK_DATE, "a date such as `2026-12-24`" },
  { TOK_TIME, "a time such as `09:00`" }, { TOK_DATETIME, "a moment such as `2026-12-24 18:00`" },
  { TOK_LBRACE, "`{`" }, { TOK_RBRACE, "`}`" }, { TOK_LPAREN, "`(`" }, { TOK_RPAREN, "`)`" }, { TOK_LBRACKET, "`[`" },
  { TOK_RBRACKET, "`]`" }, { TOK_COMMA, "`,`" }, { TOK_DOT, "`.`" }, { TOK_EQUALS, "`=`" }, { TOK_IN_LAST, "`in last`" },
  { TOK_COMMA_LAST, "`, last` and a duration" }, { TOK_ONE_OF, "`one of`" }, { TOK_TIME_SINCE, "`time since`" },
  { TOK_ELSE_BLOCK, "`else`" }, { TOK_EOL, "the end of the line" }, { TOK_LT, "`<`" }, { TOK_LE, "`<=`" },
  { TOK_GT, "`>`" }, { TOK_GE, "`>=`" }, { TOK_PLUS, "`+`" }, { TOK_MINUS, "`-`" }, { TOK_STAR, "`*`" },
  { TOK_SLASH, "`/`" }, { TOK_BAR, "`|`" }, { TOK_NOTHING_ELSE, "`nothing else`" }, { TOK_ANY_IN, "`any`" },
};

/* Sets that people know by one word. The first `need` tokens tell that the set is there; all of them are then said. */
struct group { const char *words; uint32_t need; uint16_t tokens[34]; };
static const struct group groups[] = {
  { "a declaration", 4, { TOK_CAMPAIGN, TOK_EVENT, TOK_DEFINE, TOK_SEGMENT, TOK_SCORE, TOK_WHEN, TOK_USE, TOK_RECORD, TOK_CONTACT, TOK_LIST,
      TOK_MESSAGE, TOK_ZONE, TOK_LATE, TOK_ALLOW, TOK_TEST, TOK_FIXTURE, TOK_SEQUENCE, TOK_LABEL, TOK_CONTENT, TOK_TOPIC, TOK_POLICY, TOK_CHANNEL,
      TOK_CONNECTOR } },
  { "a clause such as `goal`", 2, { TOK_ENTRY, TOK_GOAL, TOK_ENDS, TOK_ON } },
  { "a statement", 4, { TOK_SCORE, TOK_SEND, TOK_JOIN, TOK_WAIT, TOK_IF, TOK_LEAVE, TOK_TAG, TOK_UNTAG, TOK_SET, TOK_EMIT, TOK_EXIT,
      TOK_START, TOK_STOP, TOK_SHOW, TOK_CALL, TOK_SUBSCRIBE, TOK_UNSUBSCRIBE,
      TOK_SPLIT, TOK_EXPERIMENT, TOK_REPEAT, TOK_FOR, TOK_DO } },
  { "a step of the test", 4, { TOK_EXPECT, TOK_AT, TOK_CONTACT, TOK_NAME, TOK_GIVEN, TOK_CASES, TOK_PAUSE, TOK_RESUME } },
  { "a moment such as `2026-12-24 18:00` or `contact.birthday`, a time such as `09:00`, a weekday", 3,
      { TOK_MONDAY, TOK_NUMBER, TOK_LPAREN, TOK_TUESDAY, TOK_WEDNESDAY, TOK_THURSDAY, TOK_FRIDAY, TOK_SATURDAY, TOK_SUNDAY,
        TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE,
        TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST, TOK_LAST, TOK_TIME_SINCE } },
  { "a value, list or record", 3, { TOK_DID, TOK_LBRACE, TOK_LBRACKET, TOK_NUMBER, TOK_LPAREN, TOK_NO, TOK_NOT, TOK_ANY_IN,
      TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS,
      TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST, TOK_LAST, TOK_TIME_SINCE, TOK_CONSENTS } },
  { "a condition", 3, { TOK_DID, TOK_NUMBER, TOK_LPAREN, TOK_NO, TOK_NOT, TOK_ANY_IN, TOK_NAME, TOK_TEXT, TOK_PERCENT,
      TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM,
      TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST, TOK_LAST, TOK_TIME_SINCE, TOK_CONSENTS } },
  { "a comparison", 3, { TOK_NOT, TOK_NUMBER, TOK_LPAREN, TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME,
      TOK_DATETIME, TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX,
      TOK_FIRST, TOK_LAST, TOK_TIME_SINCE, TOK_CONSENTS } },
  { "a value", 3, { TOK_NUMBER, TOK_LPAREN, TOK_NAME, TOK_TEXT, TOK_PERCENT, TOK_MONEY, TOK_DATE, TOK_TIME, TOK_DATETIME,
      TOK_DURATION, TOK_TRUE, TOK_FALSE, TOK_MINUS, TOK_CODE, TOK_COUNT, TOK_SUM, TOK_AVERAGE, TOK_MIN, TOK_MAX, TOK_FIRST,
      TOK_LAST, TOK_TIME_SINCE } },
  { "an event", 3, { TOK_SCORE, TOK_ENTERS, TOK_NAME, TOK_TEXT, TOK_LEAVES, TOK_CONTACT, TOK_LPAREN } },
  { "a weekday", 2, { TOK_MONDAY, TOK_TUESDAY, TOK_WEDNESDAY, TOK_THURSDAY, TOK_FRIDAY, TOK_SATURDAY, TOK_SUNDAY } },
  { "an operator", 3, { TOK_IS, TOK_LT, TOK_PLUS, TOK_LE, TOK_GT, TOK_GE, TOK_NOT_EQUAL, TOK_CONTAINS, TOK_STARTS, TOK_ENDS,
      TOK_MATCHES, TOK_IN, TOK_NOT, TOK_MINUS, TOK_STAR, TOK_SLASH, TOK_ELSE, TOK_DOT } },
  { "an operator", 2, { TOK_PLUS, TOK_MINUS, TOK_STAR, TOK_SLASH, TOK_ELSE, TOK_DOT } },
  { "a name", 2, { TOK_NAME, TOK_TEXT } },
  { NULL, 0, { 0 } },
};

enum { TOKENS_MAX = 400, WORDS_MAX = 64 };

static const char *words_of(struct driver *d, uint16_t token) {
  for (size_t i = 0; i < sizeof token_words / sizeof *token_words; i++)
    if (token_words[i].token == token) return token_words[i].words;
  for (uint32_t i = 0; i < keyword_count; i++)
    if (keyword_table[i].token == token) return arena_printf(&d->p.c->arena, "`%s`", keyword_table[i].word).ptr;
  return NULL; /* the BAD tokens, which no one writes */
}

static void expected_set(struct driver *d, bool set[TOKENS_MAX]) {
  CHECK(grammar_token_count() < TOKENS_MAX);
  memset(set, 0, TOKENS_MAX);
  for (int t = 1; t < grammar_token_count(); t++) set[t] = grammar_accepts(d->parser, t);
}

static struct str expected_words(struct driver *d, const bool accepted[TOKENS_MAX]) {
  const char *words[WORDS_MAX];
  size_t count = 0;
  bool set[TOKENS_MAX];
  memcpy(set, accepted, TOKENS_MAX);
  for (const struct group *g = groups; g->words; g++) {
    bool there = true;
    for (uint32_t i = 0; i < g->need; i++) there = there && set[g->tokens[i]];
    if (!there) continue;
    for (uint32_t i = 0; i < sizeof g->tokens / sizeof *g->tokens && g->tokens[i]; i++) set[g->tokens[i]] = false;
    words[count++] = g->words;
  }
  for (int t = 1; t < grammar_token_count() && count < WORDS_MAX; t++) {
    const char *w = set[t] ? words_of(d, (uint16_t)t) : NULL;
    if (w) words[count++] = w;
  }
  struct buf b;
  buf_init(&b, 1 << 16);
  for (size_t i = 0; i < count; i++) {
    if (i) buf_c(&b, i + 1 == count ? " or " : ", ");
    buf_c(&b, words[i]);
  }
  struct str out = arena_str(&d->p.c->arena, buf_as_str(&b));
  buf_deinit(&b);
  return out;
}

/* Later stages hear of a statement that they cannot know whole. `behind` is where what is known of it ends. */
void driver_torn_add(struct driver *d, struct token first, uint32_t behind) {
  if (d->p.c->torn.count >= LIMIT_DIAGNOSTICS_COUNT) return;
  bool declares = !driver_begins_statement(first.kind) || first.kind == TOK_EVENT || first.kind == TOK_RECORD || first.kind == TOK_DEFINE ||
                  first.kind == TOK_LIST || first.kind == TOK_MESSAGE || first.kind == TOK_CAMPAIGN;
  struct torn torn = { { d->p.source, first.from, behind }, declares };
  if (behind > first.from) VEC_PUSH(&d->p.c->arena, &d->p.c->torn, torn);
}

/* --- reports ----------------------------------------------------------------------------------------------------------*/

static struct str token_text(const struct driver *d, struct token t) {
  return (struct str){ d->p.text + t.from, t.to - t.from };
}

/* The keyword that a plain name was probably meant to be, among those that could stand there. */
static const struct keyword *meant(struct driver *d, struct token t, const bool set[TOKENS_MAX]) {
  struct nearest near = nearest_of(token_text(d, t));
  const struct keyword *best = NULL;
  for (uint32_t i = 0; i < keyword_count; i++) {
    if (!set[keyword_table[i].token] && !(keyword_table[i].token == TOK_ELSE && set[TOK_ELSE_BLOCK])) continue;
    struct str before = near.best;
    nearest_try(&near, (struct str){ keyword_table[i].word, keyword_table[i].len });
    if (near.best.ptr != before.ptr) best = &keyword_table[i];
  }
  return best;
}

static void suggest(struct driver *d, struct diagnostic *diagnostic, struct token t, const char *word) {
  diagnostic->help = arena_printf(&d->p.c->arena, "did you mean `%s`?", word);
  diagnostic->has_fix = true;
  diagnostic->fix = (struct fix){ span_of(&d->p, t), str_from_c(word) };
}

/* The comparison after `where` ended, and another was begun: the one mistake that everybody makes once. */
static bool second_comparison(const struct driver *d, struct token t, const bool set[TOKENS_MAX]) {
  uint32_t from = d->first.from;
  struct str head = { d->p.text + from, t.from - from };
  bool where = head.len > 0 && head.len < 4096 && memmem(head.ptr, head.len, "where ", 6);
  if (!where) return false;
  if (t.kind == TOK_AND || t.kind == TOK_OR) return set[TOK_RPAREN] || set[TOK_COMMA_LAST];
  bool compares = t.kind == TOK_IS || t.kind == TOK_LT || t.kind == TOK_LE || t.kind == TOK_GT || t.kind == TOK_GE ||
                  t.kind == TOK_CONTAINS || t.kind == TOK_STARTS || t.kind == TOK_ENDS || t.kind == TOK_MATCHES ||
                  t.kind == TOK_IN || t.kind == TOK_NOT_EQUAL;
  return compares && set[TOK_WHERE];
}

/* `wait until funday 10:00`: the word before the time was to be a weekday. */
static bool report_weekday(struct driver *d, struct token t) {
  if (t.kind != TOK_TIME || d->taken.kind != TOK_NAME || d->before.kind != TOK_UNTIL) return false;
  struct str text = token_text(d, d->taken);
  struct nearest near = nearest_of(text);
  for (uint32_t i = 0; i < keyword_count; i++)
    if (keyword_table[i].token >= TOK_MONDAY && keyword_table[i].token <= TOK_SUNDAY)
      nearest_try(&near, (struct str){ keyword_table[i].word, keyword_table[i].len });
  struct diagnostic *g = diag(d->p.c, DIAG_E0201, span_of(&d->p, d->taken), "`%.*s` is no weekday",
                              (int)(text.len > 60 ? 60 : text.len), text.ptr);
  g->expected = STR("`monday`, `tuesday`, `wednesday`, `thursday`, `friday`, `saturday` or `sunday`");
  if (near.best.len) suggest(d, g, d->taken, near.best.ptr);
  return true;
}
_Static_assert(TOK_SUNDAY == TOK_MONDAY + 6, "the weekdays stand side by side in the grammar");

/* `send promo at best time within 24h`: the language has the place for it, and nothing learns anybody's best time yet. */
static bool report_best_time(struct driver *d, struct token t) {
  if (d->before.kind != TOK_AT || !str_is(token_text(d, d->taken), "best") || !str_is(token_text(d, t), "time")) return false;
  struct diagnostic *g = diag(d->p.c, DIAG_E0438, (struct span){ d->p.source, d->taken.from, t.to }, "Camp does not know anybody's best time yet");
  g->expected = STR("a moment such as `2026-12-24 09:00`");
  g->help = STR("`wait until 09:00` in front of it waits for nine in the contact's zone");
  return true;
}

/* `EUR 100` and `1,000`: an amount the wrong way round, and a comma between thousands. */
static bool report_number(struct driver *d, struct token t) {
  struct str before = token_text(d, d->taken), text = token_text(d, t);
  struct arena *a = &d->p.c->arena;
  struct span both = { d->p.source, d->taken.from, t.to };
  struct str right;
  if (t.kind == TOK_NUMBER && d->taken.kind == TOK_NAME &&
      (str_is(before, "EUR") || str_is(before, "USD") || str_is(before, "GBP") || str_is(before, "CHF"))) {
    right = arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(text), STR_ARG(before));
  } else if (t.kind == TOK_COMMA && d->taken.kind == TOK_NUMBER && d->taken.to == t.from && driver_peek(d, 0)->kind == TOK_NUMBER &&
             driver_peek(d, 0)->from == t.to && driver_peek(d, 0)->to == t.to + 3) {
    right = arena_printf(a, STR_FMT "%.*s", STR_ARG(before), 3, d->p.text + t.to);
    both.to = t.to + 3;
  } else if (t.kind == TOK_COMMA && d->taken.kind == TOK_NUMBER && d->taken.to == t.from && driver_peek(d, 0)->from == t.to &&
             (driver_peek(d, 0)->kind == TOK_NUMBER || driver_peek(d, 0)->kind == TOK_MONEY)) { /* 12,50 */
    both.to = driver_peek(d, 0)->to;
    right = arena_printf(a, STR_FMT ".%.*s", STR_ARG(before), (int)(both.to - t.to), d->p.text + t.to);
  } else {
    return false;
  }
  struct str said = { d->p.text + both.from, both.to - both.from };
  struct diagnostic *g = diag(d->p.c, DIAG_E0201, both, "`%.*s` cannot stand here", (int)(said.len > 60 ? 60 : said.len), said.ptr);
  g->help = arena_printf(a, "did you mean `" STR_FMT "`?", STR_ARG(right));
  g->has_fix = true;
  g->fix = (struct fix){ both, right };
  return true;
}

/* `channel: email`: the word is right, and takes no colon. */
static void report_colon(struct driver *d, struct token t) {
  uint32_t at = t.to;
  while (d->p.text[at] != ':' && d->p.text[at]) at++;
  struct span colon = { d->p.source, at, at + 1 };
  struct diagnostic *g = diag(d->p.c, DIAG_E0201, colon, "`%.*s` takes no `:`", (int)(t.to - t.from), d->p.text + t.from);
  g->has_fix = true;
  g->fix = (struct fix){ colon, STR("") };
}

/* A text of this line has no end: what looks wrong before it was perhaps meant to stand inside it. The lexer says so. */
static bool torn_text_ahead(const struct driver *d, struct token t) {
  bool inside = false;
  for (const char *at = d->p.text + t.to; *at && *at != '\n'; at++) {
    if (inside && *at == '\\' && at[1]) at++;
    else if (*at == '"') inside = !inside;
    else if (*at == '#' && !inside) break;
  }
  return inside;
}

/* Between two values any of them fits, so none was meant more than another. */
static bool is_operator(uint16_t token) {
  return token == TOK_PLUS || token == TOK_MINUS || token == TOK_STAR || token == TOK_SLASH || token == TOK_LT || token == TOK_LE || token == TOK_GT || token == TOK_GE;
}

/* Says what the repair makes of it. */
static void suggest_repair(struct driver *d, struct diagnostic *g, struct token t, struct repair r) {
  struct arena *a = &d->p.c->arena;
  struct str text = token_text(d, t), other = token_text(d, *driver_peek(d, 0));
  const char *word = r.token && r.token != TOK_LABEL ? words_of(d, r.token) : NULL;
  if (g->help.len || t.kind == TOK_EOL || text.len > 60 || other.len > 60) return;
  if (r.kind == REPAIR_SWAP) {
    g->help = arena_printf(a, "did you mean `" STR_FMT " " STR_FMT "`?", STR_ARG(other), STR_ARG(text));
  } else if (r.kind == REPAIR_DELETE && d->taken.to && str_eq(text, token_text(d, d->taken))) {
    g->help = arena_printf(a, "`" STR_FMT "` stands here twice", STR_ARG(text));
    g->has_fix = true;
    g->fix = (struct fix){ { d->p.source, d->taken.to, t.to }, STR("") };
  } else if (r.kind == REPAIR_REPLACE && r.token == TOK_LABEL) {
    g->help = arena_printf(a, "a `:` belongs behind `" STR_FMT "`", STR_ARG(text));
  } else if (r.kind == REPAIR_REPLACE && word) {
    if (!is_operator(r.token)) g->help = arena_printf(a, "did you mean %s?", word);
  } else if (r.kind == REPAIR_INSERT && word && *word == '`' && !is_operator(r.token)) {
    g->help = arena_printf(a, "perhaps %s is missing before it", word);
  }
}

/* Reports the mistake at t. Returns the token to take in its place when that is plain, else 0. */
uint16_t driver_report(struct driver *d, struct token t, struct repair *r) {
  struct compilation *c = d->p.c;
  bool set[TOKENS_MAX];
  expected_set(d, set);
  struct span span = span_of(&d->p, t);
  struct str text = token_text(d, t);
  struct diagnostic *g;
  *r = (struct repair){ REPAIR_NONE, 0 };
  if (torn_text_ahead(d, t)) {
    const struct diagnostic *told = c->diagnostics.count ? &c->diagnostics.items[c->diagnostics.count - 1] : NULL;
    bool said = told && strcmp(told->code, "E0103") == 0 && told->span.source == d->p.source && told->span.from >= t.from;
    if (!said && !d->hushed.to) d->hushed = t;
    d->hushed_count = c->error_count;
    return 0;
  }
  if (second_comparison(d, t, set)) {
    bool joined = t.kind != TOK_AND && t.kind != TOK_OR && d->joiner.kind; /* what was taken for another event */
    if (joined) span = span_of(&d->p, d->joiner);
    g = diag(c, DIAG_E0206, span, "`where` takes one comparison");
    g->help = STR("put what belongs together in parentheses: `where (… or …)`");
    return 0;
  }
  if (report_weekday(d, t) || report_best_time(d, t) || report_number(d, t)) return 0;
  if (d->repaired != t.from + 1 && driver_block_left_open(d, t)) {
    driver_report_open(d, t.from, "what stands here belongs further out");
    *r = (struct repair){ REPAIR_CLOSE, TOK_RBRACE };
    return 0;
  }
  uint16_t word = t.kind == TOK_LABEL ? lex_keyword(&d->lexer, text) : 0;
  if (word && word != TOK_NAME && set[word]) {
    report_colon(d, t);
    return word;
  }
  if (t.kind == TOK_EOL) g = diag(c, DIAG_E0201, span, "the line ends too early");
  else if (memchr(text.ptr, '\n', text.len)) g = diag(c, DIAG_E0201, span, "this text cannot stand here");
  else
    g = diag(c, DIAG_E0201, span, "`%.*s%s` cannot stand here", (int)(text.len > 60 ? 60 : text.len), text.ptr,
             text.len > 60 ? "…" : "");
  g->expected = expected_words(d, set);
  if (d->last == TOK_WHERE && (t.kind == TOK_ANY_IN || t.kind == TOK_DID || t.kind == TOK_NO)) {
    g->help = arena_printf(&c->arena, "put it in parentheses: `where (%.*s …)`", (int)text.len, text.ptr);
    return 0;
  }
  if (t.kind == TOK_EQUALS && set[TOK_IS]) {
    suggest(d, g, t, "is");
    return TOK_IS;
  }
  bool told = driver_habit(d, g, t, set);
  const struct keyword *k = t.kind == TOK_NAME && !told ? meant(d, t, set) : NULL;
  if (!k) {
    *r = driver_repair_at(d, t);
    suggest_repair(d, g, t, *r);
    if (!g->help.len) driver_habit_of_test(d, g, t);
    return 0;
  }
  suggest(d, g, t, k->word);
  uint16_t next = driver_peek_solid(d, 0);
  return k->token == TOK_ELSE && (next == TOK_LBRACE || next == TOK_IF) ? TOK_ELSE_BLOCK : k->token;
}

/* The statement's first word was taken for a name, and was perhaps meant as a keyword: `expct coupon sent to ann`. */
void driver_suggest_first(struct driver *d) {
  struct compilation *c = d->p.c;
  if (d->first.kind != TOK_NAME || d->begins || c->diagnostics.count == 0) return;
  struct diagnostic *g = &c->diagnostics.items[c->diagnostics.count - 1];
  if (g->help.len || strcmp(g->code, "E0201") != 0) return;
  bool set[TOKENS_MAX];
  expected_set(d, set);
  const struct keyword *k = meant(d, d->first, set);
  if (k) suggest(d, g, d->first, k->word);
}

/* `expct ann in vip`: taken for a contact, it would be unknown, too. */
bool driver_first_misspelt(struct driver *d) {
  if (d->first.kind != TOK_NAME) return false;
  struct nearest near = nearest_of(token_text(d, d->first));
  for (uint32_t i = 0; i < keyword_count; i++)
    if (driver_begins_statement(keyword_table[i].token))
      nearest_try(&near, (struct str){ keyword_table[i].word, keyword_table[i].len });
  return near.best.len > 0;
}
