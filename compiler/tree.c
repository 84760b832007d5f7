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
/* A day of lateness is 24 hours: it is counted between two clocks, whatever the contact's zone does. */
void item_late(struct parse *p, struct token first, struct token duration) {
  struct value v = duration.value;
  struct item *i = item_new(p, ITEM_LATE, first);
  bool exact = v.type == V_EXACT;
  i->late = exact ? v : (struct value){ .type = V_EXACT, .i = v.i * MS_PER_DAY };
  if ((exact || v.aux == 0) && i->late.i > 0) return;
  diag(p->c, DIAG_E0451, span_of(p, duration), v.aux ? "a month is not the same number of days each time" : "everything would be late")
      ->expected = STR("days or hours, such as `2d` or `36h`");
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

void said_twice(struct parse *p, struct token word, const char *whose, struct span before) {
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
  if (within.value.type != V_MISSING) g->within_span = span_of(p, within);
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
