/* The constructors that grammar/camp.y calls: one for each rule that makes a node.
 *
 * Not here: names, types, meaning. What is reported here is what the grammar's rules cannot say without conflicts.
 *
 *   1. Nodes live in the compilation's arena, zeroed, and are never freed.
 *   2. An expression's height is bounded by LIMIT_EXPRESSION_HEIGHT, so the later stages may recurse over it.
 *   3. Lists keep their last element while they grow, so no append walks. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

#define NEW(type) ARENA_NEW(&p->c->arena, type)

struct span span_of(const struct parse *p, struct token t) { return (struct span){ p->source, t.from, t.to }; }
struct span span_from(const struct parse *p, struct token first) {
  return (struct span){ p->source, first.from, p->prev_to };
}
struct token token_none(void) { return (struct token){ 0 }; }
struct name name_none(void) { return (struct name){ 0 }; }

struct name name_of(struct parse *p, struct token t) {
  struct name n = { .span = span_of(p, t) };
  if (t.flags & TOKEN_QUOTED) {
    n.text = value_str(t.value);
    /* The place inside the quotes: what a message's body says of itself is counted from there. */
    unsigned char first = (unsigned char)p->text[t.from];
    uint32_t quotes = t.flags & TOKEN_TRIPLE || first == 0xe2 ? 3 : first == 0xc2 ? 2 : 1; /* curly ones were reported */
    if (t.to - t.from >= 2 * quotes) {
      n.span.from += quotes;
      n.span.to -= quotes;
    }
  } else {
    n.text = str_slice(p->text + t.from, p->text + t.to);
  }
  return n;
}

uint32_t count_of(struct parse *p, struct token number) {
  double n = number.value.n;
  if (n >= 1 && n <= 1000000 && n == (double)(uint32_t)n) return (uint32_t)n;
  diag(p->c, DIAG_E0106, span_of(p, number), "this is no count")->expected = STR("a whole number from 1 to 1000000");
  return 1;
}

static struct str doc_of(struct token t) {
  return t.value.type == V_TEXT && !(t.flags & TOKEN_QUOTED) ? value_str(t.value) : (struct str){ 0 };
}

/* --- declarations -----------------------------------------------------------------------------------------------------*/

struct item *item_new(struct parse *p, uint8_t kind, struct token first) {
  struct item *i = NEW(struct item);
  i->kind = kind;
  i->span = span_from(p, first);
  i->doc = doc_of(first);
  if (!p->tree->tail) p->tree->tail = &p->tree->items;
  *p->tree->tail = i;
  p->tree->tail = &i->next;
  return i;
}

void item_use(struct parse *p, struct token first, struct name name) {
  struct item *i = item_new(p, ITEM_USE, first);
  i->use = name;
  i->use_is_path = name.span.from > 0 && p->text[name.span.from - 1] == '"';
}

void item_event(struct parse *p, struct token first, struct name name, struct member *members) {
  item_new(p, ITEM_EVENT, first)->event = (struct event_decl){ name, members };
}
void item_record(struct parse *p, struct token first, struct name name, struct member *members) {
  item_new(p, ITEM_RECORD, first)->record = (struct record){ name, members };
}
void item_contact(struct parse *p, struct token first, struct member *members) {
  item_new(p, ITEM_CONTACT, first)->contact.members = members;
}
void item_define(struct parse *p, struct token first, struct name name, struct expr *value) {
  struct item *i = item_new(p, ITEM_DEFINE, first);
  i->define.name = name;
  i->define.value = value;
}
void item_segment(struct parse *p, struct token first, struct name name, struct expr *value) {
  struct item *i = item_new(p, ITEM_SEGMENT, first);
  i->define.name = name;
  i->define.value = value;
}
void item_score(struct parse *p, struct token first, struct name name, struct score_decl *s) {
  struct item *i = item_new(p, ITEM_SCORE, first);
  i->score = *s;
  i->score.name = name;
}
struct score_decl *score_decl_new(struct parse *p) {
  struct score_decl *s = NEW(struct score_decl);
  s->tail = &s->rules;
  return s;
}
struct score_decl *score_decl_add(struct score_decl *s, struct score_rule_decl *r) {
  if (!r) return s;
  *s->tail = r;
  s->tail = &r->next;
  return s;
}
struct score_rule_decl *score_rule_of(struct parse *p, struct token points, struct event_list events) {
  struct score_rule_decl *r = NEW(struct score_rule_decl);
  *r = (struct score_rule_decl){ .events = events.first, .points = points.value.n, .span = span_from(p, points) };
  return r;
}
struct score_rule_decl *score_halves(struct parse *p, struct token word, struct token duration) {
  struct score_rule_decl *r = NEW(struct score_rule_decl);
  *r = (struct score_rule_decl){ .halves = duration.value, .span = span_from(p, word) };
  return r;
}
void item_sequence(struct parse *p, struct token first, struct name name, struct member *params, struct stmt *body) {
  struct item *i = item_new(p, ITEM_SEQUENCE, first);
  i->sequence = (struct sequence_decl){ .name = name, .params = params, .body = body };
}
void item_list(struct parse *p, struct token first, struct name name) {
  item_new(p, ITEM_LIST, first)->list.name = name;
}
void item_zone(struct parse *p, struct token first, struct token zone) {
  item_new(p, ITEM_ZONE, first)->zone = name_of(p, zone);
}
void item_message(struct parse *p, struct token first, struct name name, struct message_decl *m) {
  struct item *i = item_new(p, ITEM_MESSAGE, first);
  i->message = *m;
  i->message.name = name;
}

void item_content(struct parse *p, struct token first, struct name name, struct content_part *parts) {
  item_new(p, ITEM_CONTENT, first)->content = (struct content_decl){ name, parts };
}

struct content_part *content_part(struct parse *p, struct token word, struct token value) {
  struct content_part *part = NEW(struct content_part);
  part->word = name_of(p, word);
  if (value.kind == TOK_TEXT) part->text = name_of(p, value);
  else part->number = value.value, part->text.span = span_of(p, value);
  return part;
}

struct content_part *content_add(struct content_part *list, struct content_part *part) {
  struct content_part **end = &list;
  while (*end) end = &(*end)->next; /* a handful */
  *end = part;
  return list;
}

struct item *item_test(struct parse *p, uint8_t kind, struct token first, struct name name) {
  struct item *i = item_new(p, kind, first);
  i->test.name = name;
  return i;
}

struct member *member_new(struct parse *p, struct token label, struct type_ref *type, struct expr *initial) {
  struct member *m = NEW(struct member);
  *m = (struct member){ .name = name_of(p, label), .type = type, .initial = initial, .doc = doc_of(label) };
  return m;
}

struct member_list members_add(struct member_list l, struct member *m) {
  if (!m) return l;
  if (l.last) l.last->next = m;
  else l.first = m;
  l.last = m;
  return l;
}

static struct type_ref *type_new(struct parse *p, struct token first) {
  struct type_ref *t = NEW(struct type_ref);
  t->name = name_of(p, first);
  t->span = span_from(p, first);
  return t;
}
struct type_ref *type_named(struct parse *p, struct token name) { return type_new(p, name); }
struct type_ref *type_list(struct parse *p, struct token first, struct type_ref *item) {
  struct type_ref *t = type_new(p, first);
  t->item = item;
  return t;
}
struct type_ref *type_choice(struct parse *p, struct token first, struct expr *choices) {
  struct type_ref *t = type_new(p, first);
  t->choices = choices;
  return t;
}
struct type_ref *type_money(struct parse *p, struct token name, struct token currency) {
  struct type_ref *t = type_new(p, name);
  struct str letters = str_slice(p->text + currency.from, p->text + currency.to);
  bool good = letters.len == 3 && str_is(t->name.text, "money");
  for (size_t i = 0; good && i < 3; i++) good = letters.ptr[i] >= 'A' && letters.ptr[i] <= 'Z';
  if (good) {
    t->currency = CURRENCY(letters.ptr[0], letters.ptr[1], letters.ptr[2]);
  } else {
    struct diagnostic *d = diag(p->c, DIAG_E0201, str_is(t->name.text, "money") ? span_of(p, currency) : t->span,
        "`%s` is no currency", arena_str(&p->c->arena, letters).ptr);
    d->expected = STR("a currency behind `money in`, such as `money in EUR`");
  }
  return t;
}

/* --- messages ---------------------------------------------------------------------------------------------------------*/

struct message_decl *message_new(struct parse *p) { return NEW(struct message_decl); }

static void said_twice(struct parse *p, struct token word, const char *whose, struct span before) {
  if (p->quiet) return;
  struct diagnostic *d = diag(p->c, DIAG_E0208, span_of(p, word), "%s has one `%.*s`", whose,
      (int)(word.to - word.from), p->text + word.from);
  if (before.to > 0) {
    d->note_span = before;
    d->note = STR("it was said here");
  }
}

struct message_decl *message_part(struct parse *p, struct message_decl *m, struct token word, struct name value, bool file) {
  if (word.kind == TOK_CHANNEL) {
    if (m->channel.text.ptr) said_twice(p, word, "a message", m->channel.span);
    m->channel = value;
  } else if (word.kind == TOK_SUBJECT) {
    if (m->subject.span.to) said_twice(p, word, "a message", m->subject.span);
    m->subject = value;
    m->has_subject = true;
  } else {
    if (m->body.span.to) said_twice(p, word, "a message", m->body.span);
    m->body = value;
    m->has_body = true;
    m->body_is_file = file;
  }
  return m;
}

/* Which part was mistaken is not known: an absent one must not be reported on top. */
struct message_decl *message_bad(struct message_decl *m) {
  struct name nothing = { .text = STR("") };
  if (!m->has_body) m->body = nothing;
  if (!m->has_subject) m->subject = nothing;
  m->has_body = m->has_subject = true;
  return m;
}

/* --- campaigns and rules ----------------------------------------------------------------------------------------------*/

void campaign_open(struct parse *p, struct campaign_decl *campaign) {
  p->campaign = campaign;
  p->starts_end = &campaign->starts;
  p->schedules_end = &campaign->schedules;
  p->goals_end = &campaign->goals;
  p->stops_end = &campaign->stops;
  p->body_end = &campaign->body;
}

struct item *campaign_new(struct parse *p, struct token first, struct name name) {
  struct item *i = item_new(p, ITEM_CAMPAIGN, first);
  i->campaign.name = name;
  campaign_open(p, &i->campaign);
  return i;
}

void campaign_start(struct parse *p, struct token first, struct trigger_ref t) {
  struct start_clause *s = NEW(struct start_clause);
  *s = (struct start_clause){ .events = t.events, .where_cond = t.cond, .span = span_from(p, first) };
  *p->starts_end = s;
  p->starts_end = &s->next;
}

struct schedule_clause *schedule_of(struct parse *p, struct token first, uint8_t kind, int64_t at_or_days) {
  struct schedule_clause *s = NEW(struct schedule_clause);
  *s = (struct schedule_clause){ .kind = kind, .when = span_of(p, first) };
  if (kind == SCHEDULE_AT) s->at_ms = at_or_days;
  else s->days = (uint8_t)at_or_days;
  return s;
}

int64_t schedule_day(struct parse *p, struct token ordinal) {
  if (ordinal.value.n >= 1 && ordinal.value.n <= 31) return (int64_t)ordinal.value.n;
  if (!p->quiet) {
    struct diagnostic *d = diag(p->c, DIAG_E0352, span_of(p, ordinal), "no month has such a day");
    d->expected = STR("a day from `1st` to `31st`, or `the last day`");
  }
  return SCHEDULE_LAST_DAY;
}

void campaign_schedule(struct parse *p, struct token first, struct schedule_clause *s, struct token zone, struct expr *audience) {
  s->span = span_from(p, first);
  s->audience = audience;
  if (zone.kind) s->zone = name_of(p, zone);
  *p->schedules_end = s;
  p->schedules_end = &s->next;
}

void campaign_resume(struct parse *p, struct token first, struct value how) {
  if (p->campaign->resume_span.to) said_twice(p, first, "a campaign", p->campaign->resume_span);
  p->campaign->resume = how;
  p->campaign->resume_span = span_from(p, first);
}

void campaign_ends(struct parse *p, struct token first, int64_t civil_ms) {
  if (p->campaign->has_end) said_twice(p, first, "a campaign", p->campaign->ends_span);
  p->campaign->has_end = true;
  p->campaign->ends_ms = civil_ms;
  p->campaign->ends_span = span_from(p, first);
}

void campaign_entry(struct parse *p, struct token first, struct entry_clause *e) {
  if (p->campaign->entry.given) said_twice(p, first, "a campaign", p->campaign->entry.span);
  e->span = span_from(p, first);
  p->campaign->entry = *e;
}

void campaign_goal(struct parse *p, struct token first, struct event_list events, struct token within) {
  struct goal_clause *g = NEW(struct goal_clause);
  *g = (struct goal_clause){ .events = events.first, .within = within.value, .span = span_from(p, first) };
  *p->goals_end = g;
  p->goals_end = &g->next;
}

/* A campaign that another one starts with values begins by an event of its own, whose properties they are. */
void campaign_given(struct parse *p, struct token first, struct member *members) {
  struct campaign_decl *cd = p->campaign;
  if (cd->given.name.text.len) {
    said_twice(p, first, "a campaign", cd->given.name.span);
    return;
  }
  struct name name = { arena_printf(&p->c->arena, "start " STR_FMT, STR_ARG(cd->name.text)), span_from(p, first) };
  cd->given = (struct event_decl){ name, members };
  struct event_ref *e = event_of(p, name, (struct name){ 0 });
  e->span = name.span;
  e->alias = (struct name){ STR("start"), name.span };
  campaign_start(p, first, (struct trigger_ref){ e, NULL });
}

void campaign_stop(struct parse *p, struct token first, struct event_list events) {
  struct stop_clause *s = NEW(struct stop_clause);
  *s = (struct stop_clause){ .events = events.first, .span = span_from(p, first) };
  *p->stops_end = s;
  p->stops_end = &s->next;
}

void campaign_stmt(struct parse *p, struct stmt *s) {
  *p->body_end = s;
  while (*p->body_end) p->body_end = &(*p->body_end)->next;
}

struct entry_clause *entry_of(struct parse *p, uint8_t kind) {
  struct entry_clause *e = NEW(struct entry_clause);
  *e = (struct entry_clause){ .given = true, .kind = kind };
  return e;
}

static bool is_bare(const struct expr *e) {
  /* A parenthesised expression begins before its first operand does. */
  return e->a && e->span.from == e->a->span.from;
}

struct trigger_ref trigger_of(struct parse *p, struct event_list events, struct expr *cond) {
  bool several = events.first->next && !events.parenthesised;
  if (cond && !p->quiet && (several || (cond->kind == EXPR_BINARY && cond->op == BIN_OR && is_bare(cond)))) {
    struct span whole = { p->source, events.first->span.from, cond->span.to };
    struct diagnostic *d = diag(p->c, DIAG_E0205, whole, "`or` and `and` stand side by side here");
    d->help = several ? STR("put the joined events in parentheses: `(a or b) and …`")
                      : STR("put the condition in parentheses: `a and (… or …)`");
    if (several) {
      struct str text = { p->text + events.first->span.from, events.last->span.to - events.first->span.from };
      d->has_fix = true;
      d->fix = (struct fix){ { p->source, events.first->span.from, events.last->span.to },
                             arena_printf(&p->c->arena, "(" STR_FMT ")", STR_ARG(text)) };
    }
  }
  return (struct trigger_ref){ events.first, cond };
}

static void rule_text_bytes(struct rule_text *r, const char *bytes, size_t len) {
  size_t room = RULE_NAME_BYTES_MAX - r->bytes;
  if (len > room) len = room;
  memcpy(r->text + r->bytes, bytes, len);
  r->bytes += (uint32_t)len;
}

/* A token's own text, its blanks and newlines as one blank. */
static void rule_text_token(struct rule_text *r, const char *at, const char *end) {
  for (; at < end && r->bytes < RULE_NAME_BYTES_MAX; at++) {
    bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r';
    if (!blank) rule_text_bytes(r, at, 1);
    else if (r->text[r->bytes - 1] != ' ') rule_text_bytes(r, " ", 1);
  }
}

void rule_text_add(struct parse *p, uint16_t kind, struct token t, bool begins) {
  struct rule_text *r = &p->rule;
  if (begins) *r = (struct rule_text){ .wanted = kind == TOK_WHEN };
  if (!r->wanted || r->bytes == RULE_NAME_BYTES_MAX) return;
  if (kind != TOK_EOL) {
    if (r->last == TOK_EOL) rule_text_bytes(r, "; ", 2);
    else if (r->last && blank_between(r->before_last, r->last, kind)) rule_text_bytes(r, " ", 1);
    if (kind == TOK_COMMA_LAST) rule_text_bytes(r, ", last", 6); /* a comment may stand between the two */
    else rule_text_token(r, p->text + t.from, p->text + t.to);
    if (kind == TOK_LABEL) rule_text_bytes(r, ":", 1);
  }
  bool sign = (kind == TOK_PLUS || kind == TOK_MINUS) && r->before_last == TOK_SCORE; /* score interest +15 */
  r->before_last = sign ? 0 : r->last;
  r->last = kind;
}

/* Cut at a character's end. */
static struct str rule_text_end(struct parse *p) {
  const struct rule_text *r = &p->rule;
  size_t n = r->bytes;
  if (n == RULE_NAME_BYTES_MAX) {
    size_t start = n;
    while (start > 0 && ((unsigned char)r->text[start - 1] & 0xc0) == 0x80) start--;
    if (start > 0 && (unsigned char)r->text[start - 1] >= 0xc0) {
      unsigned char lead = (unsigned char)r->text[start - 1];
      size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
      if (n - (start - 1) < want) n = start - 1;
    }
  }
  while (n && r->text[n - 1] == ' ') n--;
  return arena_str(&p->c->arena, (struct str){ r->text, n });
}

struct item *rule_new(struct parse *p, struct token label, struct token when, struct trigger_ref t) {
  struct item *i = item_new(p, ITEM_RULE, label.kind ? label : when);
  if (!i->doc.len) i->doc = doc_of(when);
  struct start_clause *s = NEW(struct start_clause);
  *s = (struct start_clause){ .events = t.events, .where_cond = t.cond, .span = span_from(p, when) };
  struct campaign_decl *r = &i->campaign;
  r->rule = true;
  r->starts = s;
  r->entry = (struct entry_clause){ .kind = ENTRY_EVERY_TIME };
  if (label.kind) r->name = name_of(p, label);
  else r->name.span = s->span;
  r->rule_text.ptr = p->text + when.from;
  p->campaign = r;
  return i;
}

void rule_end(struct parse *p, struct stmt *body) {
  struct campaign_decl *r = p->campaign;
  r->body = body;
  r->rule_text.len = (size_t)(p->text + p->prev_to - r->rule_text.ptr);
  if (!r->name.text.ptr)
    r->name.text = rule_text_end(p);
}

/* --- statements -------------------------------------------------------------------------------------------------------*/

struct stmt *stmt_new(struct parse *p, uint8_t kind, struct token first) {
  struct stmt *s = NEW(struct stmt);
  s->kind = kind;
  s->span = span_from(p, first);
  return s;
}

struct stmt *stmt_named(struct parse *p, uint8_t kind, struct token first, struct name name) {
  struct stmt *s = stmt_new(p, kind, first);
  s->name = name;
  return s;
}

struct stmt *stmt_tag(struct parse *p, uint8_t kind, struct token first, struct expr *text) {
  struct stmt *s = stmt_new(p, kind, first);
  s->value = text;
  if (text->kind == EXPR_LITERAL && text->value.type == V_TEXT)
    s->name = (struct name){ value_str(text->value), text->span };
  return s;
}

void stmt_end(struct parse *p, struct stmt *s) { s->span.to = p->prev_to; }

struct stmt_list stmts_add(struct stmt_list l, struct stmt *s) {
  if (l.last) l.last->next = s;
  else l.first = s;
  l.last = s;
  return l;
}

struct stmt *stmt_otherwise(struct parse *p, struct token first, struct stmt *block) {
  struct stmt *s = NEW(struct stmt);
  s->span = span_of(p, first);
  s->then = block;
  return s;
}

void stmt_else(struct stmt *s, struct stmt *otherwise) {
  if (!otherwise) return;
  s->otherwise = otherwise->then;
  s->has_else = true;
}

/* The head was mistaken; what stands in its blocks is kept, so that the later stages see its names. */
struct stmt *stmt_bad_block(struct parse *p, struct token first, struct stmt *block, struct stmt *otherwise) {
  struct stmt *s = stmt_new(p, STMT_BAD, first);
  s->then = block;
  stmt_else(s, otherwise);
  return s;
}

struct stmt *wait_new(struct parse *p, uint8_t wait, struct token first) {
  struct stmt *s = stmt_new(p, STMT_WAIT, first);
  s->wait = wait;
  return s;
}

/* A duration, or the name of a parameter: its value is then known where the sequence is done. */
static struct value span_value(struct parse *p, struct stmt *s, struct token span) {
  if (span.kind != TOK_SPAN_NAME) return span.value;
  s->length = expr_name(p, span);
  return (struct value){ .type = V_EXACT };
}

void send_after(struct parse *p, struct stmt *s, struct token duration) {
  s->after = span_value(p, s, duration);
  s->after_span = span_of(p, duration);
  stmt_end(p, s);
}

void wait_up_to(struct parse *p, struct stmt *s, struct token duration) {
  s->duration = span_value(p, s, duration);
  s->duration_span = span_of(p, duration);
}

struct stmt *wait_until(struct parse *p, struct token first, struct expr *moment) {
  struct stmt *s = wait_new(p, WAIT_UNTIL_MOMENT, first);
  if (moment->kind == EXPR_LITERAL && moment->value.type == V_TIME) {
    s->wait = WAIT_UNTIL_TIME;
    s->time_from = moment->value;
    s->weekdays = 0x7f;
  } else {
    s->value = moment;
  }
  return s;
}

struct stmt *wait_time(struct parse *p, struct token first, int64_t weekdays, struct token time) {
  struct stmt *s = wait_new(p, WAIT_UNTIL_TIME, first);
  s->time_from = time.value;
  s->weekdays = (uint8_t)weekdays;
  return s;
}

struct stmt *wait_between(struct parse *p, struct token first, struct token from, struct token to, int64_t weekdays) {
  struct stmt *s = wait_new(p, WAIT_UNTIL_WINDOW, first);
  s->time_from = from.value;
  s->time_to = to.value;
  s->weekdays = (uint8_t)weekdays;
  return s;
}

struct on_branch *branch_new(struct parse *p) { return NEW(struct on_branch); }

static struct stmt *wait_one(struct parse *p, struct token first, struct event_list events, struct on_branch *since) {
  struct stmt *s = wait_new(p, WAIT_EVENTS, first);
  since->events = events.first;
  since->span = s->span;
  s->branches = since;
  return s;
}

struct stmt *wait_for(struct parse *p, struct token first, struct event_list events, struct on_branch *since,
                      struct token up_to) {
  struct stmt *s = wait_one(p, first, events, since);
  if (up_to.kind) {
    wait_up_to(p, s, up_to);
    return s;
  }
  s->forever = true;
  if (p->quiet) return s;
  struct diagnostic *d = diag(p->c, DIAG_E0207, s->span, "this wait has no end");
  d->expected = STR("`up to` and a duration such as `7d`");
  d->help = STR("a wait that may last for ever says `wait forever for`");
  d->has_fix = true;
  d->fix = (struct fix){ { p->source, s->span.to, s->span.to }, STR(" up to 7d") };
  return s;
}

struct stmt *wait_forever(struct parse *p, struct token first, struct event_list events, struct on_branch *since) {
  struct stmt *s = wait_one(p, first, events, since);
  s->forever = true;
  return s;
}

struct stmt *wait_event_end(struct parse *p, struct stmt *s, struct stmt *body, struct stmt *otherwise) {
  (void)p;
  s->branches->body = body;
  stmt_else(s, otherwise);
  return s;
}

struct stmt *on_first(struct parse *p, struct on_branch *b) {
  struct stmt *list = NEW(struct stmt);
  return on_add(list, b);
}

/* The last branch is kept in `decl`, which no stage has filled yet. */
struct stmt *on_add(struct stmt *list, struct on_branch *b) {
  if (!b) return list;
  struct on_branch *last = list->decl;
  if (last) last->next = b;
  else list->branches = b;
  list->decl = b;
  return list;
}

struct stmt *on_else(struct parse *p, struct stmt *list, struct token word, struct stmt *block) {
  if (list->has_else) said_twice(p, word, "a wait", list->span);
  list->span = span_of(p, word);
  list->otherwise = block;
  list->has_else = true;
  return list;
}

struct stmt *wait_branches(struct stmt *s, struct stmt *list) {
  s->branches = list->branches;
  s->otherwise = list->otherwise;
  s->has_else = list->has_else;
  if (!s->branches) s->kind = STMT_BAD; /* every branch was mistaken, and reported */
  return s;
}

/* --- choosing ---------------------------------------------------------------------------------------------------------*/

struct arm *arm_new(struct parse *p, struct token share, struct stmt *body) {
  struct arm *a = NEW(struct arm);
  *a = (struct arm){ .share = share.value, .span = span_of(p, share), .body = body };
  return a;
}

/* The last arm is kept in `decl`, which no stage has filled yet. */
struct stmt *arms_add(struct parse *p, struct stmt *list, struct arm *arm) {
  if (!list) list = NEW(struct stmt);
  if (!arm) return list;
  struct arm *last = list->decl;
  if (last) last->next = arm;
  else list->arms = arm;
  list->decl = arm;
  return list;
}

struct stmt *arms_else(struct parse *p, struct stmt *list, struct token word, struct stmt *block) {
  if (list->has_else) said_twice(p, word, "a split", list->span);
  list->span = span_of(p, word);
  list->otherwise = block;
  list->has_else = true;
  return list;
}

struct stmt *split_end(struct stmt *s, struct stmt *list) {
  s->arms = list->arms;
  s->otherwise = list->otherwise;
  s->has_else = list->has_else;
  if (!s->arms) s->kind = STMT_BAD; /* every arm was mistaken, and reported */
  return s;
}

struct stmt *repeat_new(struct parse *p, struct token first, struct token times, struct token every) {
  struct stmt *s = stmt_new(p, STMT_REPEAT, first);
  s->count = count_of(p, times);
  wait_up_to(p, s, every);
  s->name.span = span_of(p, times);
  return s;
}

/* --- events -----------------------------------------------------------------------------------------------------------*/

struct event_ref *event_of(struct parse *p, struct name name, struct name of) {
  struct event_ref *e = NEW(struct event_ref);
  e->name = name;
  e->of = of;
  e->span = (struct span){ p->source, name.span.from, p->prev_to };
  return e;
}

struct event_ref *event_list_change(struct parse *p, struct token word, struct name list) {
  struct str text = arena_printf(&p->c->arena, "%.*s " STR_FMT, (int)(word.to - word.from), p->text + word.from,
                                 STR_ARG(list.text));
  return event_of(p, (struct name){ text, span_from(p, word) }, (struct name){ 0 });
}

/* A name that stands for a property of the event, at the place of another phrase. */
static struct expr *property_at(struct parse *p, struct str name, struct span span) {
  struct expr *e = NEW(struct expr);
  e->kind = EXPR_NAME;
  e->height = 1;
  e->name = (struct name){ name, span };
  e->span = span;
  return e;
}

/* The event of a score's rise, of those that come from below the threshold to it or beyond. */
struct event_ref *event_passes(struct parse *p, struct token first, struct name score, struct token threshold) {
  struct str text = arena_printf(&p->c->arena, "score " STR_FMT " passes", STR_ARG(score.text));
  struct event_ref *e = event_of(p, (struct name){ text, score.span }, (struct name){ 0 });
  struct span span = span_of(p, threshold);
  struct expr *below = expr_binary(p, BIN_LT, property_at(p, STR("from"), span), expr_literal(p, threshold));
  struct expr *there = expr_binary(p, BIN_GE, property_at(p, STR("to"), span), expr_literal(p, threshold));
  e->where = expr_binary(p, BIN_AND, below, there);
  e->span = span_from(p, first);
  if (threshold.value.n <= 0) {
    struct diagnostic *d = diag(p->c, DIAG_E0324, span, "a score passes what is above 0");
    d->help = STR("scores go to 0 as time goes by, so what is at or below 0 is passed by waiting; ask `enters` of a segment");
  }
  return e;
}

struct event_ref *event_changes(struct parse *p, struct token first, struct name attribute, struct expr *to) {
  struct str text = arena_printf(&p->c->arena, "contact." STR_FMT " changes", STR_ARG(attribute.text));
  struct event_ref *e = event_of(p, (struct name){ text, span_from(p, first) }, (struct name){ 0 });
  if (to) {
    struct expr *left = NEW(struct expr);
    left->kind = EXPR_NAME;
    left->height = 1;
    left->name = (struct name){ STR("to"), to->span };
    left->span = to->span;
    e->where = expr_binary(p, BIN_IS, left, to);
  }
  return e;
}

void event_where(struct parse *p, struct event_ref *e, struct expr *where) {
  if (e->where && where) e->where = expr_binary(p, BIN_AND, e->where, where);
  else if (where) e->where = where;
  e->span.to = p->prev_to;
}

struct event_list events_add(struct event_list l, struct event_ref *e) {
  if (l.last) l.last->next = e;
  else l.first = e;
  l.last = e;
  return l;
}

/* --- expressions ------------------------------------------------------------------------------------------------------*/

static struct expr *expr_new(struct parse *p, uint8_t kind, uint32_t from) {
  struct expr *e = NEW(struct expr);
  e->kind = kind;
  e->height = 1;
  e->span = (struct span){ p->source, from, p->prev_to };
  return e;
}

/* Counts an operand in; an expression that grew too high is cut off here, reported once a statement. */
static void expr_grow(struct parse *p, struct expr *e, const struct expr *operand) {
  if (!operand || operand->height < e->height) return;
  e->height = (uint16_t)(operand->height + 1);
  if (e->height <= LIMIT_EXPRESSION_HEIGHT) return;
  if (!p->deep) {
    p->deep = true;
    diag(p->c, DIAG_E0204, (struct span){ p->source, e->span.to - 1, e->span.to },
         "this expression holds more than %d operators in a row", LIMIT_EXPRESSION_HEIGHT)->help =
        STR("give parts of it a name with `define`, or use `in [ … ]`");
  }
  e->kind = EXPR_BAD;
  e->height = 1;
  e->a = e->b = e->items = e->where = NULL;
  e->events = NULL;
}

struct expr *expr_literal(struct parse *p, struct token t) {
  struct expr *e = expr_new(p, EXPR_LITERAL, t.from);
  e->span.to = t.to;
  e->value = t.value;
  return e;
}

struct expr *expr_name(struct parse *p, struct token t) {
  struct expr *e = expr_new(p, EXPR_NAME, t.from);
  e->span.to = t.to;
  e->name = name_of(p, t);
  return e;
}

struct expr *expr_member(struct parse *p, struct expr *of, struct name name) {
  if (of->kind == EXPR_FIRST && !of->name.text.len) {
    of->name = name;
    of->span.to = name.span.to;
    return of;
  }
  struct expr *e = expr_new(p, EXPR_MEMBER, of->span.from);
  e->a = of;
  e->name = name;
  expr_grow(p, e, of);
  return e;
}

struct expr *expr_parens(struct parse *p, struct token first, struct expr *inner) {
  inner->span = span_from(p, first);
  return inner;
}

struct expr *expr_unary(struct parse *p, uint8_t op, struct token first, struct expr *a) {
  struct expr *e = expr_new(p, EXPR_UNARY, first.from);
  e->op = op;
  e->a = a;
  expr_grow(p, e, a);
  return e;
}

struct expr *expr_binary(struct parse *p, uint8_t op, struct expr *a, struct expr *b) {
  struct expr *e = expr_new(p, EXPR_BINARY, a->span.from);
  e->op = op;
  e->a = a;
  e->b = b;
  expr_grow(p, e, a);
  if (e->kind != EXPR_BAD) expr_grow(p, e, b);
  return e;
}

struct expr *expr_code(struct parse *p, struct token first, struct token campaign) {
  struct expr *e = expr_new(p, EXPR_CODE, first.from);
  e->value = campaign.value;
  return e;
}

struct expr *expr_missing(struct parse *p, struct expr *a, bool negated) {
  struct expr *e = expr_new(p, EXPR_MISSING, a->span.from);
  e->a = a;
  e->negated = negated;
  expr_grow(p, e, a);
  return e;
}

struct expr *expr_consents(struct parse *p, struct token first, struct name topic) {
  struct expr *e = expr_new(p, EXPR_CONSENTS, first.from);
  e->name = topic;
  return e;
}

struct expr *expr_in(struct parse *p, struct expr *a, struct expr_list items, bool negated) {
  struct expr *e = expr_new(p, EXPR_IN, a->span.from);
  e->a = a;
  e->items = items.first;
  expr_grow(p, e, a);
  for (const struct expr *i = items.first; i && e->kind != EXPR_BAD; i = i->next) expr_grow(p, e, i);
  if (!negated) return e;
  /* `is not` is exactly the negation of `is`, also of a missing value. */
  struct expr *n = expr_new(p, EXPR_UNARY, a->span.from);
  n->op = UN_NOT;
  n->a = e;
  expr_grow(p, n, e);
  return n;
}

static void expr_window(struct parse *p, struct expr *e, struct token window) {
  if (!window.kind) return;
  e->window = window.value;
  e->window_span = span_of(p, window);
}

/* Events carry expressions of their own; a stage that recurses into them must not find more than the limit. */
static void expr_grow_events(struct parse *p, struct expr *e) {
  for (const struct event_ref *r = e->events; r; r = r->next) {
    expr_grow(p, e, r->where);
    if (e->kind == EXPR_BAD) return;
  }
}

struct expr *expr_did(struct parse *p, struct token first, struct event_list events, struct token window, bool negated) {
  struct expr *e = expr_new(p, EXPR_DID, first.from);
  e->events = events.first;
  e->negated = negated;
  expr_window(p, e, window);
  expr_grow_events(p, e);
  return e;
}

struct expr *expr_any(struct parse *p, struct token word, struct name item, struct expr *list, struct expr *where) {
  struct expr *e = expr_new(p, EXPR_ANY, word.from);
  e->name = item;
  e->a = list;
  e->where = where;
  e->every = p->text[word.from] == 'e';
  e->negated = p->text[word.from] == 'n';
  expr_grow(p, e, list);
  if (e->kind != EXPR_BAD) expr_grow(p, e, where);
  return e;
}

struct expr *expr_since(struct parse *p, struct token first, struct token which, struct event_list events) {
  struct expr *e = expr_new(p, EXPR_SINCE, first.from);
  e->aggregate = (uint8_t)which.value.i;
  e->events = events.first;
  expr_grow_events(p, e);
  return e;
}

/* The arguments of a history function travel as its own node. */
struct expr *arg_event(struct parse *p, struct event_ref *event) {
  struct expr *e = expr_new(p, EXPR_HISTORY, event->span.from);
  e->events = event;
  e->decl = event;
  expr_grow_events(p, e);
  return e;
}

struct expr *arg_new(struct parse *p, struct name event, struct name of, struct name property, struct name alias,
                     struct expr *where) {
  struct event_ref *r = event_of(p, event, of);
  r->alias = alias;
  event_where(p, r, where);
  struct expr *e = arg_event(p, r);
  e->name = property;
  return e;
}

struct expr *args_add(struct expr *args, struct event_ref *event) {
  if (args->kind == EXPR_BAD) return args;
  ((struct event_ref *)args->decl)->next = event;
  args->decl = event;
  if (event->where && event->where->height >= args->height) args->height = (uint16_t)(event->where->height + 1);
  return args;
}

struct expr *expr_history(struct parse *p, struct token fn, struct expr *args, struct token window) {
  args->decl = NULL; /* held the last event while the list grew */
  args->span = span_from(p, fn);
  if (args->kind == EXPR_BAD) return args;
  args->aggregate = (uint8_t)fn.value.i;
  args->kind = args->aggregate == AGG_FIRST || args->aggregate == AGG_LAST ? EXPR_FIRST : EXPR_HISTORY;
  expr_window(p, args, window);
  return args;
}

struct expr_list exprs_add(struct expr_list l, struct expr *e) {
  if (l.last) l.last->next = e;
  else l.first = e;
  l.last = e;
  return l;
}

struct expr *expr_list(struct parse *p, struct token first, struct expr_list items) {
  struct expr *e = expr_new(p, EXPR_LIST, first.from);
  e->items = items.first;
  for (const struct expr *i = items.first; i && e->kind != EXPR_BAD; i = i->next) expr_grow(p, e, i);
  return e;
}

struct expr *expr_record(struct parse *p, struct token first, struct prop_list props) {
  struct expr *e = expr_new(p, EXPR_RECORD, first.from);
  e->props = props.first;
  for (const struct prop *i = props.first; i && e->kind != EXPR_BAD; i = i->next) expr_grow(p, e, i->value);
  return e;
}

/* --- properties and tests ---------------------------------------------------------------------------------------------*/

struct prop *prop_new(struct parse *p, struct token label, struct expr *value) {
  struct prop *prop = NEW(struct prop);
  prop->name = name_of(p, label);
  prop->value = value;
  return prop;
}

struct prop_list props_add(struct prop_list l, struct prop *prop) {
  if (!prop) return l;
  if (l.last) l.last->next = prop;
  else l.first = prop;
  l.last = prop;
  return l;
}

struct test_list tests_add(struct test_list l, struct test_line *t) {
  if (!t) return l;
  if (l.last) l.last->next = t;
  else l.first = t;
  l.last = t->next ? t->next : t;
  return l;
}

static struct test_line *test_new(struct parse *p, uint8_t kind, struct token first) {
  struct test_line *t = NEW(struct test_line);
  t->kind = kind;
  t->span = span_from(p, first);
  return t;
}

struct test_line *test_contact(struct parse *p, struct token first, struct name contact, struct prop_list props) {
  struct test_line *t = test_new(p, TEST_CONTACT, first);
  t->contact = contact;
  t->props = props.first;
  return t;
}

struct test_line *test_given(struct parse *p, struct token first, struct name fixture) {
  struct test_line *t = test_new(p, TEST_GIVEN, first);
  t->fixture = fixture;
  return t;
}

struct test_line *test_cases(struct parse *p, struct token first, struct case_row *rows) {
  struct test_line *t = test_new(p, TEST_CASES, first);
  t->rows = rows;
  return t;
}

struct case_row *case_cell(struct parse *p, struct case_row *row, struct expr *cell) {
  if (!row) {
    row = NEW(struct case_row);
    row->span = cell->span;
  }
  if (row->last) row->last->next = cell;
  else row->cells = cell;
  row->last = cell;
  row->span.to = cell->span.to;
  return row;
}

struct case_list cases_add(struct case_list l, struct case_row *row) {
  if (!row) return l;
  if (l.last) l.last->next = row;
  else l.first = row;
  l.last = row;
  return l;
}

struct test_line *test_pause(struct parse *p, struct token first, struct name campaign) {
  struct test_line *t = test_new(p, TEST_PAUSE, first);
  t->expect.campaign = campaign;
  t->span.to = campaign.span.to;
  return t;
}

struct test_line *test_resume(struct parse *p, struct token first, struct name campaign, struct value how) {
  struct test_line *t = test_new(p, TEST_RESUME, first);
  t->expect.campaign = campaign;
  t->expect.within = how;
  t->span = span_from(p, first);
  return t;
}

struct test_line *test_at(struct parse *p, struct token first, struct token moment) {
  struct test_line *t = test_new(p, TEST_AT, first);
  if (moment.kind == TOK_NAME) t->at_column = name_of(p, moment);
  else t->civil_ms = moment.value.i;
  t->has_at = true;
  t->span.to = moment.to;
  return t;
}

struct test_line *test_event(struct parse *p, struct token contact, struct name event, struct name of,
                             struct prop_list props) {
  struct test_line *t = test_new(p, TEST_EVENT, contact);
  t->contact = name_of(p, contact);
  t->event = event;
  t->of = of;
  t->props = props.first;
  return t;
}

/* `visitor is ann`: both are one from now on, and known as ann. */
struct test_line *test_is(struct parse *p, struct token contact, struct name same) {
  struct test_line *t = test_new(p, TEST_IS, contact);
  t->contact = name_of(p, contact);
  t->event = same;
  return t;
}

struct test_line *expect_sent(struct parse *p, struct token first, struct name message, struct name contact, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_SENT, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_SENT, .contact = contact, .message = message, .negated = negated };
  return t;
}

struct test_line *expect_nothing(struct parse *p, struct token first, struct name contact) {
  struct test_line *t = test_new(p, TEST_EXPECT_NOTHING, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_NOTHING, .contact = contact };
  return t;
}

struct test_line *expect_else(struct parse *p, struct token first, struct name contact, bool sent) {
  struct test_line *t = test_new(p, TEST_EXPECT_ELSE, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_ELSE, .contact = contact, .sent = sent };
  return t;
}

struct test_line *expect_member(struct parse *p, struct token first, struct name contact, struct name list, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_COND, first);
  struct expr *e = expr_new(p, EXPR_NAME, list.span.from);
  e->name = list;
  if (negated) e = expr_unary(p, UN_NOT, first, e);
  e->span = list.span;
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_COND, .contact = contact, .negated = negated, .cond = e };
  return t;
}

struct test_line *expect_shown(struct parse *p, struct token first, struct name content, struct name contact, bool negated,
                               struct token until) {
  struct test_line *t = test_new(p, TEST_EXPECT_SHOWN, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_SHOWN, .contact = contact, .content = content, .negated = negated,
                               .has_until = until.kind != 0, .until_ms = until.value.i };
  return t;
}

struct test_line *expect_inside(struct parse *p, struct token first, struct name contact, struct name campaign, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_INSIDE, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_INSIDE, .contact = contact, .campaign = campaign, .negated = negated };
  return t;
}

struct test_line *expect_dropped(struct parse *p, struct token first, struct name message, struct name contact, bool negated) {
  struct test_line *t = test_new(p, TEST_EXPECT_DROPPED, first);
  t->contact = contact;
  t->expect = (struct expect){ .kind = TEST_EXPECT_DROPPED, .contact = contact, .message = message, .negated = negated };
  return t;
}

struct test_line *expect_holds(struct parse *p, struct token first, struct token contact, struct expr *cond) {
  struct test_line *t = test_new(p, TEST_EXPECT_COND, first);
  t->contact = name_of(p, contact);
  t->expect = (struct expect){ .kind = TEST_EXPECT_COND, .contact = t->contact, .cond = cond };
  return t;
}

/* What may follow is the same for every expectation, so that the grammar stays small; what fits is said here. */
static void expect_more(struct parse *p, struct test_line *t, bool fits, bool before, const char *what) {
  uint32_t from = t->span.to;
  t->span.to = p->prev_to;
  while (from < p->prev_to && p->text[from] == ' ') from++;
  struct span span = { p->source, from, p->prev_to };
  if (p->quiet) return;
  if (!fits) diag(p->c, DIAG_E0201, span, "this expectation takes no %s", what);
  else if (before) diag(p->c, DIAG_E0208, span, "an expectation says only once %s", what);
}

struct test_line *expect_because(struct parse *p, struct test_line *t, struct token text) {
  bool fits = t->kind == TEST_EXPECT_DROPPED;
  expect_more(p, t, fits, t->expect.because.len != 0, "reason");
  t->expect.because = value_str(text.value);
  return t;
}

struct test_line *expect_times(struct parse *p, struct test_line *t, uint32_t times, bool once) {
  bool fits = (t->kind == TEST_EXPECT_SENT || t->kind == TEST_EXPECT_DROPPED) && !t->expect.negated;
  expect_more(p, t, fits, t->expect.times != 0, "number of times");
  t->expect.times = times;
  t->expect.once = once || times == 1;
  return t;
}

struct test_line *expect_at(struct parse *p, struct test_line *t, struct token moment) {
  bool state = t->kind == TEST_EXPECT_COND || t->kind == TEST_EXPECT_INSIDE || t->kind == TEST_EXPECT_SHOWN;
  bool fits = state || (!t->expect.negated && t->kind != TEST_EXPECT_NOTHING && t->kind != TEST_EXPECT_ELSE);
  expect_more(p, t, fits, t->expect.has_at || t->expect.within.type, "moment");
  t->expect.has_at = true;
  if (moment.kind == TOK_NAME) t->expect.at_column = name_of(p, moment);
  else t->expect.civil_ms = moment.value.i;
  return t;
}

struct test_line *expect_within(struct parse *p, struct test_line *t, struct token duration) {
  bool fits = t->kind == TEST_EXPECT_SENT || t->kind == TEST_EXPECT_NOTHING || t->kind == TEST_EXPECT_DROPPED ||
              t->kind == TEST_EXPECT_ELSE;
  expect_more(p, t, fits, t->expect.has_at || t->expect.within.type, "duration");
  t->expect.within_span = span_of(p, duration);
  if (duration.kind == TOK_NAME) t->expect.within_column = name_of(p, duration);
  else t->expect.within = duration.value;
  return t;
}
