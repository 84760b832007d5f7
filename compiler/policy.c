/* Topics, the policy and what a message says of its release: their nodes, their checks, and the unit that they become.
 *
 * Not here: the statements `subscribe to` and `unsubscribe from` (names_stmt.c and emit_stmt.c, beside `join` and `leave`), nor
 * what the engine makes of all this (runtime/engine/consent.c, release.c).
 *
 * Invariants:
 * 1. A project has one policy; a second is an error that shows both.
 * 2. Topics and the policy are one unit, UNIT_POLICY: it is there when the project declares a topic or a policy, and no strand
 *    ever pins it, so that the current one decides, also for runs that began before it.
 * 3. A message has a topic, or is transactional, or neither; never both. */
#include "parse.h"

#include "care.h"
#include "diagnostics.h"
#include "emit.h"
#include "vm/base/hash.h"

/* --- nodes --------------------------------------------------------------------------------------------------------- */

void item_topic(struct parse *p, struct token first, struct name name, struct topic_decl topic) {
  struct item *i = item_new(p, ITEM_TOPIC, first);
  i->topic = topic;
  i->topic.name = name;
}

void item_policy(struct parse *p, struct token first, struct rules_list rules) {
  struct item *i = item_new(p, ITEM_POLICY, first);
  i->policy = (struct policy_decl){ .rules = rules.first, .span = span_of(p, first) };
}

struct rules_list policy_add(struct rules_list l, struct policy_rule *rule) {
  if (!rule) return l;
  if (l.last) l.last->next = rule;
  else l.first = rule;
  l.last = rule;
  return l;
}

struct policy_rule *policy_cap(struct parse *p, struct token first, struct token count, struct policy_rule scope, struct token window) {
  struct policy_rule *r = ARENA_NEW(&p->c->arena, struct policy_rule);
  *r = scope;
  r->count_span = span_of(p, count);
  r->window = window.value;
  r->window_span = span_of(p, window);
  r->span = span_from(p, first);
  double n = count.value.n;
  if (n >= 1 && n <= LIMIT_CAP_COUNT && n == (double)(uint32_t)n) {
    r->count = (uint32_t)n;
  } else if (!p->quiet) {
    struct diagnostic *d = diag(p->c, DIAG_E0431, r->count_span, n == 0 ? "a cap of zero lets nothing leave"
                                                                       : "a cap is a whole number from 1 to %d", LIMIT_CAP_COUNT);
    if (n == 0) d->help = STR("to send nothing at all, pause the campaigns; to spare one channel, send by others");
  }
  return r;
}

struct policy_rule *policy_quiet(struct parse *p, struct token first, struct token from, struct token to, struct token days,
                                 struct name via) {
  struct policy_rule *r = ARENA_NEW(&p->c->arena, struct policy_rule);
  *r = (struct policy_rule){ .quiet = true, .from = from.value, .to = to.value, .weekdays = (uint8_t)days.value.i, .via = via,
                             .span = span_from(p, first), .times_span = { p->source, from.from, to.to } };
  return r;
}

struct policy_rule *policy_drops(struct parse *p, struct policy_rule *rule, bool drop) {
  rule->drop = drop;
  rule->span.to = p->prev_to;
  return rule;
}

static void said_before(struct parse *p, struct token word, struct span before) {
  if (p->quiet) return;
  struct diagnostic *d = diag(p->c, DIAG_E0208, span_of(p, word), "a message has one `%.*s`", (int)(word.to - word.from),
                              p->text + word.from);
  d->note_span = before;
  d->note = STR("it was said here");
}

struct message_decl *message_topic(struct parse *p, struct message_decl *m, struct token word, struct name topic) {
  if (m->topic.text.len) said_before(p, word, m->topic.span);
  m->topic = topic;
  return m;
}

struct message_decl *message_transactional(struct parse *p, struct message_decl *m, struct token word) {
  if (m->transactional) said_before(p, word, m->transactional_span);
  m->transactional = true;
  m->transactional_span = span_of(p, word);
  return m;
}

struct message_decl *message_priority(struct parse *p, struct message_decl *m, struct token word, uint8_t priority) {
  if (m->priority_span.to) said_before(p, word, m->priority_span);
  m->priority = priority;
  m->priority_span = span_from(p, word);
  return m;
}

struct message_decl *message_expires(struct parse *p, struct message_decl *m, struct token word, struct token after) {
  if (m->expires_span.to) said_before(p, word, m->expires_span);
  m->expires = after.value;
  m->expires_span = span_from(p, word);
  return m;
}

struct names_list names_add(struct parse *p, struct names_list l, struct name name) {
  struct name_list *n = ARENA_NEW(&p->c->arena, struct name_list);
  n->name = name;
  if (l.last) l.last->next = n;
  else l.first = n;
  l.last = n;
  return l;
}

struct prop *prop_consents(struct parse *p, struct name topic) {
  struct prop *prop = ARENA_NEW(&p->c->arena, struct prop);
  *prop = (struct prop){ .name = topic, .consents = true };
  return prop;
}

/* --- names --------------------------------------------------------------------------------------------------------- */

struct topic_decl *topic_find(struct scope *s, const struct name *name) {
  struct item *item = scope_item(s, SPACE_TOPIC, name->text);
  if (item) {
    item->topic.used = true;
    return &item->topic;
  }
  struct diagnostic *d = diag(s->c, DIAG_E0331, name->span, "there is no topic `" STR_FMT "`", STR_ARG(name->text));
  scope_suggest(s, d, name->span, SPACE_TOPIC, name->text);
  if (!d->help.len) d->help = arena_printf(&s->c->arena, "declare it: `topic " STR_FMT "`", STR_ARG(name->text));
  return NULL;
}

/* The name of a topic is a name of nothing else that a contact can be in: `enters offers` must mean one thing. */
static void topic_names(struct scope *s, const struct topic_decl *t) {
  struct item *other = scope_item(s, SPACE_VALUE, t->name.text);
  if (!other) return;
  struct diagnostic *d = diag(s->c, DIAG_E0301, t->name.span, "topic `" STR_FMT "` is declared twice", STR_ARG(t->name.text));
  d->note_span = scope_item_name(other)->span;
  d->note = STR("the first declaration");
}

static void one_policy(struct scope *s, const struct item *i, const struct item **first) {
  if (*first) {
    struct diagnostic *d = diag(s->c, DIAG_E0332, i->policy.span, "a project has one policy, and this is a second");
    d->note_span = (*first)->policy.span;
    d->note = STR("the first one");
    d->help = STR("put the lines of both into one");
  } else {
    *first = i;
  }
}

void policy_resolve(struct compilation *c, struct tree *tree, struct scope *s) {
  const struct item *first = NULL;
  (void)c;
  for (struct item *i = tree->items; i; i = i->next) {
    if (i->kind == ITEM_TOPIC) topic_names(s, &i->topic);
    if (i->kind == ITEM_MESSAGE && i->message.topic.text.len) (void)topic_find(s, &i->message.topic);
    if (i->kind != ITEM_POLICY) continue;
    one_policy(s, i, &first);
    for (const struct policy_rule *r = i->policy.rules; r; r = r->next)
      if (r->of.text.len) (void)topic_find(s, &r->of);
  }
}

/* --- checks -------------------------------------------------------------------------------------------------------- */

/* How long a duration lasts, a calendar day counted as 24 h. */
static int64_t length_ms(struct value v) {
  if (v.type == V_EXACT) return v.i;
  if (v.type != V_CALENDAR) return 0;
  return (v.i + (int64_t)v.aux * 30) * MS_PER_DAY;
}

static void check_rule(struct scope *s, const struct policy_rule *r) {
  if (r->via.text.len) channel_check(s, &r->via);
  if (r->quiet && r->from.i == r->to.i) {
    struct diagnostic *d = diag(s->c, DIAG_E0432, r->times_span, "quiet hours that begin and end at one time are empty");
    d->help = STR("an overnight window such as `21:00 to 08:00` crosses midnight");
  }
  if (!r->quiet && length_ms(r->window) <= 0)
    diag(s->c, DIAG_E0433, r->window_span, "a cap counts over some time")->expected = STR("a duration such as `7d`");
}

/* The longest quiet window that may hold a message of the channel back. */
static int64_t quiet_longest(const struct item *policy, struct str channel) {
  int64_t longest = 0;
  for (const struct policy_rule *r = policy ? policy->policy.rules : NULL; r; r = r->next) {
    if (!r->quiet || r->drop || (r->via.text.len && !str_eq(r->via.text, channel))) continue;
    int64_t length = r->to.i - r->from.i + (r->to.i <= r->from.i ? MS_PER_DAY : 0);
    if (length > longest) longest = length;
  }
  return longest;
}

static bool counts_at_least(const struct policy_rule *a, const struct policy_rule *b) {
  return (!a->via.text.len || str_eq(a->via.text, b->via.text)) && (!a->of.text.len || str_eq(a->of.text, b->of.text));
}

/* b holds nothing that a does not hold. Of two that are the same the later one is told. A cap that drops does something else. */
static bool covers(const struct policy_rule *a, const struct policy_rule *b, bool before) {
  int64_t longer = length_ms(a->window) - length_ms(b->window);
  if (a->quiet || !a->count || !counts_at_least(a, b) || a->count > b->count || longer < 0 || (a->drop != b->drop && !a->drop)) return false;
  return before || longer > 0 || a->count < b->count || !counts_at_least(b, a);
}

static void check_cap(struct scope *s, const struct policy_decl *policy, const struct policy_rule *cap) {
  bool before = true;
  for (const struct policy_rule *r = policy->rules; r; r = r->next) {
    if (r == cap) {
      before = false;
    } else if (covers(r, cap, before)) {
      struct diagnostic *d = diag(s->c, DIAG_W0124, cap->span, "this cap never holds anything back");
      d->note_span = r->span;
      d->note = STR("this one holds it first");
      return;
    }
  }
}

/* Minutes of a week that no rule for all channels leaves open. */
static void check_nights(struct scope *s, const struct policy_decl *policy) {
  enum { DAY = 1440, WEEK = 7 * DAY };
  bool quiet[WEEK] = { false };
  const struct policy_rule *last = NULL;
  for (const struct policy_rule *r = policy->rules; r; r = r->next) {
    if (!r->quiet || r->via.text.len || r->from.i == r->to.i) continue;
    int from = (int)(r->from.i / 60000), length = (int)(r->to.i / 60000) - from;
    for (int day = 0; day < 7; day++)
      for (int i = 0; r->weekdays >> day & 1 && i < length + (length <= 0 ? DAY : 0); i++) quiet[(day * DAY + from + i) % WEEK] = true;
    last = r;
  }
  for (int i = 0; i < WEEK; i++)
    if (!quiet[i]) return;
  struct diagnostic *d = diag(s->c, DIAG_E0437, last->times_span, "with this the whole week is quiet, so nothing could ever leave");
  d->help = STR("to send nothing at all, pause the campaigns");
}

static void check_message(struct scope *s, const struct message_decl *m, const struct item *policy) {
  if (m->transactional && m->topic.text.len) {
    struct diagnostic *d = diag(s->c, DIAG_E0434, m->transactional_span, "a transactional message has no topic");
    d->note_span = m->topic.span;
    d->note = STR("its topic");
    d->help = STR("what people consent to has a topic; what they need anyhow, such as a receipt, is transactional");
  }
  if (m->expires_span.to && length_ms(m->expires) <= 0) {
    diag(s->c, DIAG_E0435, m->expires_span, "a message that expires at once never leaves")->expected =
        STR("a duration such as `2d`");
  } else if (m->expires_span.to && !m->transactional) {
    int64_t quiet = quiet_longest(policy, m->channel.text.len ? m->channel.text : STR("email"));
    if (length_ms(m->expires) >= quiet) return;
    struct diagnostic *d = diag(s->c, DIAG_W0122, m->expires_span, "the quiet hours last longer than this message is good for");
    d->help = STR("sent when they begin, it expires before they end");
  }
}

static void check_asks(struct scope *s, const struct topic_decl *t) {
  struct item *item = t->asks.text.len ? scope_item(s, SPACE_MESSAGE, t->asks.text) : NULL;
  if (!item || item->message.transactional) return;
  struct diagnostic *d = diag(s->c, DIAG_E0436, t->asks.span, "the message that asks for consent must be `transactional`");
  d->note_span = item->message.name.span;
  d->note = STR("the message");
  d->help = item->message.topic.text.len ? STR("nobody has consented to its topic yet") : STR("a cap or quiet hours would keep people waiting for it");
}

/* What the scripts say that gives consent: the events by which it comes from outside. */
struct givers { struct scope *s; bool subscribes, confirms; };

/* Whether somebody can ever come to consent: a `subscribe to` in a script, or the event `subscribe` that some script or test
 * speaks of. What only the outside knows cannot be seen here, so a test that sends the event is how a project says it. */
static void check_granted(struct scope *s, const struct item *message, const struct givers *g) {
  const struct message_decl *m = &message->message;
  if (!m->topic.text.len || !m->sent || scope_is_standard(s, message)) return;
  struct item *topic = scope_item(s, SPACE_TOPIC, m->topic.text);
  if (!topic || topic->topic.told) return;
  bool asked = topic->topic.granted || g->subscribes || g->confirms, alone = topic->topic.double_opt_in && !topic->topic.asks.text.len;
  if (asked && (!alone || g->confirms)) return;
  topic->topic.told = true; /* said once a topic */
  if (asked) {
    struct diagnostic *d = diag(s->c, DIAG_W0121, m->topic.span, "nothing here ever confirms a consent to `" STR_FMT "`", STR_ARG(m->topic.text));
    d->help = arena_printf(&s->c->arena, "let a message ask for it, `double opt in by MESSAGE`; when the event `confirm` comes from outside, send it in a test");
    d->note_span = topic->topic.name.span;
    d->note = STR("who subscribes is asked first");
    return;
  }
  struct diagnostic *d = diag(s->c, DIAG_W0121, m->topic.span, "nothing here ever makes anybody consent to `" STR_FMT "`",
                              STR_ARG(m->topic.text));
  d->help = arena_printf(&s->c->arena, "`subscribe to " STR_FMT "` does, or an event `subscribe { topic: \"" STR_FMT "\" }`: send it in a test",
                         STR_ARG(m->topic.text), STR_ARG(m->topic.text));
}

static void see_giver(struct givers *g, struct str event) {
  g->subscribes |= str_is(event, "subscribe");
  g->confirms |= str_is(event, "confirm");
}

static void see_event(void *context, const struct event_ref *e) { see_giver(context, e->name.text); }

static void see_stmt(void *context, const struct stmt *st) {
  struct givers *g = context;
  struct item *item = st->kind == STMT_SUBSCRIBE ? scope_item(g->s, SPACE_TOPIC, st->name.text) : NULL;
  if (item) item->topic.granted = true;
  if (st->kind == STMT_SEND && st->decl) ((struct message_decl *)st->decl)->sent = true;
  if (st->kind == STMT_EMIT) see_giver(g, st->name.text);
}

static void see_item(struct givers *g, struct item *i) {
  const struct visitor v = { g, see_stmt, NULL, see_event };
  if (i->kind == ITEM_EVENT && !scope_is_standard(g->s, i)) g->subscribes |= str_is(i->event.name.text, "subscribe");
  for (const struct test_line *l = i->kind == ITEM_TEST || i->kind == ITEM_FIXTURE ? i->test.lines : NULL; l; l = l->next)
    if (l->kind == TEST_EVENT) see_giver(g, l->event.text);
  if (i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE) visit_campaign(&v, &i->campaign);
}

/* In a project with topics, a message without one that does not say why. */
static void check_silent(struct scope *s, const struct item *message) {
  const struct message_decl *m = &message->message;
  if (m->topic.text.len || m->transactional || !m->sent || scope_is_standard(s, message)) return;
  struct diagnostic *d = diag(s->c, DIAG_W0123, m->name.span, "the message `" STR_FMT "` has no topic, so it asks nobody's consent",
                              STR_ARG(m->name.text));
  d->help = STR("give it a `topic`, or say `transactional` when people need it anyhow");
}

void policy_check(struct compilation *c, struct tree *tree, struct scope *s) {
  const struct item *policy = NULL;
  struct givers givers = { .s = s };
  bool topics = false;
  (void)c;
  for (struct item *i = tree->items; i; i = i->next) {
    if (i->kind == ITEM_POLICY && !policy) policy = i;
    topics |= i->kind == ITEM_TOPIC;
    see_item(&givers, i);
    for (const struct policy_rule *r = i->kind == ITEM_POLICY ? i->policy.rules : NULL; r; r = r->next) {
      check_rule(s, r);
      if (!r->quiet && r->count) check_cap(s, &i->policy, r);
    }
    if (i->kind == ITEM_POLICY) check_nights(s, &i->policy);
    if (i->kind == ITEM_TOPIC) check_asks(s, &i->topic);
  }
  for (struct item *i = tree->items; i; i = i->next) {
    if (i->kind != ITEM_MESSAGE) continue;
    check_message(s, &i->message, policy);
    check_granted(s, i, &givers);
    if (topics) check_silent(s, i);
  }
}

/* --- the unit ------------------------------------------------------------------------------------------------------ */

static struct str time_text(struct builder *b, int64_t ms) {
  return arena_printf(b->a, "%02d:%02d", (int)(ms / 3600000), (int)(ms / 60000 % 60));
}

static struct str days_text(uint8_t mask) {
  static const struct str days[] = { { "monday", 6 }, { "tuesday", 7 }, { "wednesday", 9 }, { "thursday", 8 }, { "friday", 6 },
                                     { "saturday", 8 }, { "sunday", 6 } };
  if (mask == 0x1f) return STR("weekdays");
  if (mask == 0x60) return STR("weekends");
  for (int i = 0; i < 7; i++)
    if (mask == 1 << i) return days[i];
  return STR("");
}

/* The rule as the reason of what it held back: `at most 3 messages via sms per 7d`. */
static struct str rule_text_of(struct builder *b, const struct policy_rule *r) {
  buf_clear(&b->text);
  if (r->quiet) {
    struct str from = time_text(b, r->from.i), to = time_text(b, r->to.i);
    buf_printf(&b->text, "quiet from " STR_FMT " to " STR_FMT, STR_ARG(from), STR_ARG(to));
    struct str days = days_text(r->weekdays);
    if (days.len) buf_printf(&b->text, " on " STR_FMT, STR_ARG(days));
  } else {
    buf_printf(&b->text, "at most %u message%s", r->count, r->count == 1 ? "" : "s");
  }
  if (r->of.text.len) buf_printf(&b->text, " of " STR_FMT, STR_ARG(r->of.text));
  if (r->via.text.len) buf_printf(&b->text, " via " STR_FMT, STR_ARG(r->via.text));
  if (!r->quiet) {
    buf_c(&b->text, " per ");
    duration_show(&b->text, r->window);
  }
  return arena_str(b->a, buf_as_str(&b->text));
}

static void emit_caps(struct builder *b, struct unit *u, const struct policy_rule *rules) {
  VEC(struct cap) caps = { 0 };
  VEC(struct quiet) quiets = { 0 };
  for (const struct policy_rule *r = rules; r; r = r->next) {
    uint32_t channel = r->via.text.len ? build_string(b, r->via.text) : NONE, text = build_string(b, rule_text_of(b, r));
    if (r->quiet)
      VEC_PUSH(b->a, &quiets, ((struct quiet){ .from_ms = (uint32_t)r->from.i, .to_ms = (uint32_t)r->to.i, .weekdays = r->weekdays,
                                               .channel = channel, .drop = r->drop, .text = text }));
    else
      VEC_PUSH(b->a, &caps, ((struct cap){ .count = r->count, .window = r->window, .channel = channel,
                                           .topic = r->of.text.len ? build_string(b, r->of.text) : NONE, .drop = r->drop,
                                           .text = text }));
  }
  u->caps = caps.items;
  u->cap_count = caps.count;
  u->quiets = quiets.items;
  u->quiet_count = quiets.count;
}

/* The place of a step table's line for `topic offers { double opt in by … }`, and the rule that sends the message. */
static void emit_asks(struct builder *b, const struct topic_decl *t) {
  struct trigger trigger = { .event = build_string(b, arena_printf(b->a, "asks " STR_FMT, STR_ARG(t->name.text))),
                             .guard_field = NONE, .guard_text = NONE, .filter_pc = NONE, .start_pc = build_pc(b) };
  struct stmt place = { .kind = STMT_SEND, .span = t->asks.span };
  VEC_PUSH(b->a, &b->triggers, trigger);
  build_step(b, &place);
  build_op(b, OP_SEND, build_string(b, t->asks.text), 0);
  build_op(b, OP_HALT, 0, 0);
}

bool policy_is_unit(const struct item *i) { return i->kind == ITEM_TOPIC && i->topic.asks.text.len; }

/* `double opt in by confirm_mail` is a rule: when somebody asks to be subscribed, send that message. */
void emit_topic(struct builder *b, struct unit *u, const struct item *item) {
  const struct topic_decl *t = &item->topic;
  build_begin(b, u, UNIT_RULE, arena_printf(b->a, "topic " STR_FMT, STR_ARG(t->name.text)), t->name.span);
  emit_asks(b, t);
  build_finish(b);
}

/* The unit of all topics and the policy; false when the project has neither. */
bool emit_policy(struct builder *b, struct unit *u, const struct tree *tree) {
  const struct item *policy = NULL, *any = NULL;
  VEC(struct topic) topics = { 0 };
  for (const struct item *i = tree->items; i; i = i->next) {
    if (i->kind == ITEM_POLICY && !policy) policy = i;
    if (i->kind == ITEM_TOPIC || i->kind == ITEM_POLICY) any = any ? any : i;
  }
  if (!any) return false;
  *u = (struct unit){ 0 };
  build_begin(b, u, UNIT_POLICY, STR("policy"), policy ? policy->policy.span : any->span);
  for (const struct item *i = tree->items; i; i = i->next)
    if (i->kind == ITEM_TOPIC)
      VEC_PUSH(b->a, &topics, ((struct topic){ .name = build_string(b, i->topic.name.text), .double_opt_in = i->topic.double_opt_in }));
  u->topics = topics.items;
  u->topic_count = topics.count;
  emit_caps(b, u, policy ? policy->policy.rules : NULL);
  build_finish(b);
  return true;
}
