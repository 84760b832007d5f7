/* Checks what a script means as a whole: that every statement can be reached, that nothing starts itself for ever, that
 * conditions on `unless` have something to cancel, that every sum of money has its currency.
 *
 * Not here: names and types of single expressions.
 *
 * Invariants:
 * 1. Linear in the script: every statement and expression is seen once, and every campaign once in the search for loops.
 * 2. A loop is reported only when it is certain: unconditional statements, events without `where`, no wait between. */
#include "care.h"
#include "mail.h"

#include "vm/base/limits.h"

struct edge { struct node *to; struct span span; struct edge *next; };
struct node {             /* a campaign that starts, or an event that is emitted, at once and unconditionally */
  struct str name;
  bool event;
  uint8_t enters;         /* a campaign's enters_always: 0 not asked yet, 1 no, 2 yes */
  uint8_t color;          /* 0 not seen, 1 on the path, 2 done */
  struct edge *edges;     /* what it causes */
  const struct edge *at;  /* the search's place in them */
  struct node *parent;    /* on the path */
};
struct flow {
  struct compilation *c;
  struct scope *s;
  struct table nodes;     /* by declaration or by the event's name */
  VEC(struct node *) all;
};

static void flow_expr(struct flow *f, const struct expr *e);

static void flow_events(struct flow *f, const struct event_ref *events) {
  for (; events; events = events->next)
    flow_expr(f, events->where);
}

static void flow_expr(struct flow *f, const struct expr *e) {
  if (!e || e->kind == EXPR_BAD)
    return;
  if (e->kind == EXPR_HISTORY && e->type.kind == V_MONEY && !e->type.currency) {
    struct diagnostic *d = diag(f->c, DIAG_E0412, e->span, "nothing says the currency of this amount");
    d->help = STR("compare it with an amount such as `100 EUR`, or declare the property `money in EUR`");
  }
  sense_check(f->c, e);
  flow_events(f, e->events);
  flow_expr(f, e->a);
  flow_expr(f, e->b);
  flow_expr(f, e->where);
  for (const struct expr *i = e->items; i; i = i->next)
    flow_expr(f, i);
}

/* --- loops at one instant ------------------------------------------------------------------------------------------ */
static struct node *node_of(struct flow *f, const void *space, struct str name, bool event) {
  struct node **place = (struct node **)table_place(&f->c->arena, &f->nodes, (uintptr_t)space, name);
  if (!*place) {
    *place = ARENA_NEW(&f->c->arena, struct node);
    (*place)->name = name;
    (*place)->event = event;
    VEC_PUSH(&f->c->arena, &f->all, *place);
  }
  return *place;
}

static void edge_add(struct flow *f, struct node *from, struct node *to, struct span span) {
  struct edge *e = ARENA_NEW(&f->c->arena, struct edge);
  *e = (struct edge){ to, span, from->edges };
  from->edges = e;
}

static bool stmt_waits(const struct stmt *st) {
  return st->kind == STMT_WAIT || (st->kind == STMT_CALL && st->reply.text.len) || (st->kind == STMT_SEND && (st->after.type != V_MISSING || st->at));
}

/* A campaign that a start always enters again. Inside a run that waits, the default entry ignores further starts. */
static bool enters_always(const struct campaign_decl *cd) {
  if (cd->rule && !cd->entry.given)
    return true;
  if (cd->entry.given && cd->entry.kind == ENTRY_EVERY_TIME)
    return cd->entry.at_once == 0;
  if (!cd->entry.given || cd->entry.kind == ENTRY_ONCE_AT_A_TIME)
    return !block_suspends(cd->body);
  return false;
}

/* Asked of a campaign by each statement that starts it, so the answer is kept. */
static bool node_enters(struct node *n, const struct campaign_decl *cd) {
  if (!n->enters)
    n->enters = enters_always(cd) ? 2 : 1;
  return n->enters == 2;
}

/* Only what causes something can be part of a loop. What a sequence does is done here. */
static bool causes(const struct stmt *block) {
  for (const struct stmt *st = block; st; st = st->next)
    if (st->kind == STMT_START || st->kind == STMT_EMIT || (st->kind == STMT_DO && causes(st->then)))
      return true;
  return false;
}

/* What follows such a statement may come later than it. */
static bool may_wait_inside(const struct stmt *st) {
  struct stmt alone = *st;
  alone.next = NULL;
  return st->kind != STMT_SEND && block_suspends(&alone);
}

/* What a run causes at its first instant, whatever its contact is; false behind what may wait. done: the `do` that it is written out for. */
static bool loops_add_block(struct flow *f, struct node *self, const struct campaign_decl *cd, const struct stmt *block, const struct stmt *done) {
  for (const struct stmt *st = block; st; st = st->next) {
    struct span at = done ? done->span : st->span;
    if (st->kind == STMT_DO) {
      if (!loops_add_block(f, self, cd, st->then, done ? done : st))
        return false;
      continue;
    }
    if (stmt_waits(st) && !(cd->rule && st->kind == STMT_SEND))
      return false;
    if (st->kind == STMT_EXIT || may_wait_inside(st))
      return false;
    if (st->kind == STMT_START && st->decl) {
      struct node *to = node_of(f, st->decl, ((struct campaign_decl *)st->decl)->name.text, false);
      if (node_enters(to, st->decl))
        edge_add(f, self, to, at);
    }
    if (st->kind == STMT_EMIT)
      edge_add(f, self, node_of(f, &f->nodes, st->name.text, true), at);
  }
  return true;
}

static void loops_add(struct flow *f, struct campaign_decl *cd) {
  if (!causes(cd->body))
    return;
  struct node *self = node_of(f, cd, cd->name.text, false);
  if (node_enters(self, cd))
    for (const struct start_clause *st = cd->starts; st; st = st->next)
      for (const struct event_ref *e = st->events; e; e = e->next)
        if (!e->where && !e->of.text.len && !st->where_cond)
          edge_add(f, node_of(f, &f->nodes, e->name.text, true), self, st->span);
  (void)loops_add_block(f, self, cd, cd->body, NULL);
}

/* Depth first without the C stack, because a chain of campaigns may be as long as the project. */
static void loops_find(struct flow *f, struct node *root) {
  struct node *n = root;
  n->color = 1;
  n->at = n->edges;
  while (n) {
    const struct edge *e = n->at;
    if (!e) {
      n->color = 2;
      n = n->parent;
      continue;
    }
    n->at = e->next;
    if (e->to->color == 1) {
      struct diagnostic *d = diag(f->c, DIAG_E0504, e->span, "this starts `" STR_FMT "` again and again at one instant",
                                  STR_ARG(e->to->event ? n->name : e->to->name));
      d->help = STR("put a `wait` between, or a `where` or `entry once` that ends it");
    } else if (e->to->color == 0) {
      e->to->color = 1;
      e->to->parent = n;
      e->to->at = e->to->edges;
      n = e->to;
    }
  }
}

/* --- statements ---------------------------------------------------------------------------------------------------- */
static bool flow_block(struct flow *f, const struct stmt *block);

/* `via sms or email`: each channel once, and what goes by email has a subject. */
static void flow_via(struct flow *f, const struct stmt *st) {
  const struct message_decl *m = st->decl;
  for (const struct name_list *n = st->via; n; n = n->next) {
    channel_check(f->s, &n->name);
    for (const struct name_list *k = st->via; k != n; k = k->next)
      if (str_eq(k->name.text, n->name.text)) {
        diag(f->c, DIAG_E0531, n->name.span, "the channel `" STR_FMT "` is given twice", STR_ARG(n->name.text));
        break;
      }
    if (!m || m->has_subject || !str_is(n->name.text, "email") || !m->channel.text.len || str_is(m->channel.text, "email"))
      continue;
    struct diagnostic *d = diag(f->c, DIAG_E0532, n->name.span, "`" STR_FMT "` has no subject, which every email needs", STR_ARG(m->name.text));
    d->note_span = m->name.span;
    d->note = STR("the message");
  }
}

static void flow_send(struct flow *f, const struct stmt *st) {
  if (st->decl)
    values_note(f->c, st->decl, st);
  mail_check_given(f->c, st);
  flow_via(f, st);
  if (st->after.type != V_MISSING || st->at)
    return;
  if (st->unless) {
    struct diagnostic *d = diag(f->c, DIAG_E0505, st->unless->span, "this send is not delayed, so nothing can cancel it");
    d->expected = STR("`after 7d` before `unless`");
  }
  if (st->if_still) {
    struct diagnostic *d = diag(f->c, DIAG_E0505, st->if_still->span, "this send is not delayed, so there is nothing to ask again");
    d->expected = STR("`after 7d` before `if still`, or `if … { }` around the send");
  }
}

static bool flow_split(struct flow *f, const struct stmt *st) {
  int64_t sum = 0;
  bool goes_on = st->has_else && flow_block(f, st->otherwise), mistaken = false;
  for (const struct arm *a = st->arms; a; a = a->next) {
    int64_t share = share_places(a->share);
    if (!share) {
      struct diagnostic *d = diag(f->c, DIAG_E0541, a->span, "this is no part of 100%%");
      d->expected = STR("a percentage above 0% and up to 100%, with at most four decimals");
      mistaken = true;
    }
    sum += share;
    goes_on |= flow_block(f, a->body);
  }
  if (mistaken)
    return goes_on;
  if (sum > SPLIT_PLACES || (sum == SPLIT_PLACES && st->has_else)) {
    struct diagnostic *d = diag(f->c, DIAG_E0541, st->span, "these percentages sum to %g%%%s", (double)sum * 100 / SPLIT_PLACES,
                                st->has_else && sum == SPLIT_PLACES ? ", so nothing is left for `else`" : "");
    d->expected = st->has_else ? STR("less than 100% before an `else`") : STR("percentages that sum to 100%");
  } else if (sum < SPLIT_PLACES && !st->has_else) {
    struct diagnostic *d = diag(f->c, DIAG_E0541, st->span, "these percentages sum to %g%%", (double)sum * 100 / SPLIT_PLACES);
    d->help = arena_printf(&f->c->arena, "say what the other %g%% do: `else { }`", (double)(SPLIT_PLACES - sum) * 100 / SPLIT_PLACES);
  }
  return goes_on;
}

/* Who is held out goes on in any case. */
static bool flow_experiment(struct flow *f, const struct stmt *st) {
  bool goes_on = st->experiment->holdout_span.to != 0;
  experiment_check(f->c, st);
  for (const struct arm *a = st->arms; a; a = a->next)
    goes_on |= flow_block(f, a->body);
  return goes_on || !st->arms;
}

static bool flow_repeat(struct flow *f, const struct stmt *st) {
  if (st->count > LIMIT_REPEAT_COUNT)
    diag(f->c, DIAG_E0542, st->name.span, "this repeats more than %d times", LIMIT_REPEAT_COUNT);
  else if (st->count > 1 && st->duration.type == V_MISSING && !block_suspends(st->then) && st->then) {
    struct diagnostic *d = diag(f->c, DIAG_W0131, st->span, "all of this happens at one moment, %u times", st->count);
    d->help = STR("say how far apart: `repeat 3 times every 7d`");
  }
  return flow_block(f, st->then);
}

/* Whether what follows the statement can be reached. */
static bool flow_stmt(struct flow *f, const struct stmt *st) {
  flow_expr(f, st->value);
  flow_expr(f, st->at);
  flow_expr(f, st->if_still);
  flow_events(f, st->unless);
  for (const struct prop *p = st->props; p; p = p->next)
    flow_expr(f, p->value);
  if (st->kind == STMT_SEND)
    flow_send(f, st);
  if (st->kind == STMT_START && st->decl)
    ((struct campaign_decl *)st->decl)->started = true;
  if (st->kind == STMT_START || st->kind == STMT_EMIT || st->kind == STMT_CALL)
    values_twice(f->c, st->props);
  if (st->kind == STMT_CALL) {
    (void)flow_block(f, st->otherwise);
    return true;
  }
  if (st->kind == STMT_EXIT)
    return false;
  if (st->kind == STMT_IF) {
    branches_check_if(f->c, st);
    bool then = flow_block(f, st->then), otherwise = flow_block(f, st->otherwise);
    return then || otherwise || !st->has_else;
  }
  if (st->kind == STMT_SPLIT)
    return flow_split(f, st);
  if (st->kind == STMT_EXPERIMENT)
    return flow_experiment(f, st);
  if (st->kind == STMT_DO) {
    for (const struct expr *e = st->args; e; e = e->next)
      flow_expr(f, e);
    return flow_block(f, st->then);
  }
  if (st->kind == STMT_REPEAT)
    return flow_repeat(f, st);
  if (st->kind == STMT_EACH) {
    (void)flow_block(f, st->then);
    return true; /* the list may be empty */
  }
  if (st->kind != STMT_WAIT || st->wait != WAIT_EVENTS)
    return true;
  branches_check_wait(f->c, st);
  bool goes_on = !st->forever && !st->has_else;
  for (const struct on_branch *b = st->branches; b; b = b->next) {
    flow_events(f, b->events);
    goes_on |= flow_block(f, b->body);
  }
  if (st->has_else) {
    goes_on |= flow_block(f, st->otherwise);
    if (st->forever)
      diag(f->c, DIAG_E0508, st->span, "this waits for ever, so its `else` can never happen");
  }
  return goes_on;
}

static bool flow_block(struct flow *f, const struct stmt *block) {
  bool reached = true, said = false;
  for (const struct stmt *st = block; st; st = st->next) {
    if (!reached && !said && st->kind != STMT_BAD) {
      said = true;
      struct diagnostic *d = diag(f->c, DIAG_E0501, st->span, "nothing gets here: the run ends above");
      d->help = STR("remove it, or put the `exit` into an `if`");
    }
    reached &= flow_stmt(f, st);
  }
  return reached;
}

/* A moment that the campaign's end lies before is a mistake; the end of day in the last zone of the world is not. */
static void flow_schedules(struct flow *f, const struct campaign_decl *cd) {
  for (const struct schedule_clause *s = cd->schedules; s; s = s->next) {
    flow_expr(f, s->audience);
    if (s->kind != SCHEDULE_AT || !cd->has_end || s->at_ms < cd->ends_ms)
      continue;
    struct diagnostic *d = diag(f->c, DIAG_E0551, s->span, "the campaign ends before this moment, so this starts nobody");
    d->note_span = cd->ends_span;
    d->note = STR("it ends here");
  }
}

static void flow_campaign(struct flow *f, struct campaign_decl *cd) {
  for (const struct start_clause *st = cd->starts; st; st = st->next) {
    flow_events(f, st->events);
    flow_expr(f, st->where_cond);
  }
  for (const struct goal_clause *g = cd->goals; g; g = g->next)
    flow_events(f, g->events);
  for (const struct stop_clause *st = cd->stops; st; st = st->next)
    flow_events(f, st->events);
  flow_expr(f, cd->entry.key);
  flow_schedules(f, cd);
  flow_block(f, cd->body);
  branches_check_block(f->c, cd->body);
  loops_add(f, cd);
}

static void flow_sequence(struct flow *f, const struct item *i) {
  (void)flow_block(f, i->sequence.body);
  branches_check_block(f->c, i->sequence.body);
  if (!i->sequence.used && !f->c->partial && !scope_is_for_others(f->s, i) && scope_item(f->s, SPACE_SEQUENCE, i->sequence.name.text) == i)
    diag(f->c, DIAG_W0132, i->sequence.name.span, "the sequence `" STR_FMT "` is done nowhere", STR_ARG(i->sequence.name.text));
}

/* What is wrong inside a campaign may be the clause that is missed here. */
static bool has_mistake(const struct compilation *c, const struct campaign_decl *cd) {
  for (const struct stmt *st = cd->body; st; st = st->next) {
    if (st->kind == STMT_BAD)
      return true;
    for (uint32_t i = 0; i < c->torn.count; i++) {
      struct span torn = c->torn.items[i].span;
      if (torn.source == st->span.source && st->span.from >= torn.from && st->span.from < torn.to)
        return true;
    }
  }
  return false;
}

/* Behind the walk, which has seen every statement that starts one. */
static void flow_idle(struct flow *f, const struct item *i) {
  const struct campaign_decl *cd = &i->campaign;
  if (scope_is_standard(f->s, i) || has_mistake(f->c, cd))
    return;
  if (f->c->partial && !cd->starts)
    return;
  if (i->kind == ITEM_CAMPAIGN && !cd->starts && !cd->schedules && !cd->started && scope_is_for_others(f->s, i))
    return;
  if (i->kind == ITEM_CAMPAIGN && !cd->starts && !cd->schedules && !cd->started) {
    struct diagnostic *d = diag(f->c, DIAG_W0102, cd->name.span, "nothing starts the campaign `" STR_FMT "`",
                                STR_ARG(cd->name.text));
    d->help = arena_printf(&f->c->arena, "give it `start when …` or `start at …`, or begin it from another one with `start " STR_FMT "`",
                           STR_ARG(cd->name.text));
  } else if (i->kind == ITEM_CAMPAIGN && !cd->body && !cd->goals) {
    diag(f->c, DIAG_W0103, cd->name.span, "the campaign `" STR_FMT "` does nothing", STR_ARG(cd->name.text));
  }
}

static bool is_blank(struct str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\n' && s.ptr[i] != '\r')
      return false;
  return true;
}

static void flow_empty(struct flow *f, const struct message_decl *m, bool email) {
  if (email && m->subject.span.to && is_blank(m->subject.text))
    diag(f->c, DIAG_E0506, m->subject.span, "the subject is empty");
  bool absent = m->body_is_file && m->body.span.source == m->name.span.source; /* E0510 */
  if (m->body.span.to && !absent && is_blank(m->body.text))
    diag(f->c, DIAG_E0506, m->body_is_file ? m->name.span : m->body.span, m->body_is_file ? "the file of its body is empty"
                                                                                          : "the body is empty");
}

static void flow_message(struct flow *f, const struct message_decl *m) {
  if (m->channel.text.len && !m->translation_of)
    channel_check(f->s, &m->channel);
  bool email = !m->channel.text.len || str_is(m->channel.text, "email");
  if (email && !m->has_subject) {
    struct diagnostic *d = diag(f->c, DIAG_E0506, m->name.span, "the message `" STR_FMT "` has no subject",
                                STR_ARG(m->name.text));
    d->expected = STR("`subject \"…\"`, which every email needs");
  } else if (!m->has_body) {
    struct diagnostic *d = diag(f->c, DIAG_E0506, m->name.span, "the message `" STR_FMT "` has no body",
                                STR_ARG(m->name.text));
    d->expected = STR("`body \"…\"` or `body file \"….html\"`");
  }
  flow_empty(f, m, email);
}

static void flow_texts(struct flow *f, struct message_decl *m) {
  if (m->has_subject)
    template_check(f->s, m, m->subject.text, m->subject.span);
  if (m->has_body)
    template_check(f->s, m, m->body.text, m->body.span);
  mail_check(f->s, m);
}

static const char *const content_words[] = { "title", "body", "button", "link", "image", "priority" };

/* A content says what the contact is: no send gives it values. */
static void flow_content_text(struct flow *f, const struct content_part *part) {
  struct message_decl text = { .name = part->word };
  template_check(f->s, &text, part->text.text, part->text.span);
  for (const struct said_value *said = text.said; said; said = said->next)
    diag(f->c, DIAG_E0507, said->name.span, "a content can say only what the contact's attributes hold")->expected =
        STR("`{{ contact.first_name }}`");
}

/* What a page can make of a content: each part once, at least one text, an address in a link. */
static void flow_content(struct flow *f, const struct content_decl *cd) {
  bool any = false;
  for (const struct content_part *part = cd->parts; part; part = part->next) {
    bool number = part->number.type != V_MISSING, known = false;
    struct nearest n = nearest_of(part->word.text);
    for (size_t i = 0; i < sizeof content_words / sizeof *content_words; i++) {
      nearest_try(&n, str_from_c(content_words[i]));
      known |= str_is(part->word.text, content_words[i]);
    }
    any |= known && !number;
    if (!known) {
      struct diagnostic *d = diag(f->c, DIAG_E0363, part->word.span, "a content has no part `" STR_FMT "`", STR_ARG(part->word.text));
      d->expected = STR("title, body, button, link, image or priority");
      if (n.best.len) {
        d->help = arena_printf(&f->c->arena, "did you mean `" STR_FMT "`?", STR_ARG(n.best));
        d->has_fix = true;
        d->fix = (struct fix){ part->word.span, n.best };
      }
      any = true;
    } else if (number != str_is(part->word.text, "priority")) {
      diag(f->c, DIAG_E0363, part->text.span, number ? "this part is a text" : "a priority is a number")->expected =
          number ? STR("a text in quotes") : STR("a number such as `10`");
    } else if (!number) {
      flow_content_text(f, part);
    }
    for (const struct content_part *before = cd->parts; before != part; before = before->next)
      if (str_eq(before->word.text, part->word.text)) {
        struct diagnostic *d = diag(f->c, DIAG_E0363, part->word.span, "a content has one `" STR_FMT "`", STR_ARG(part->word.text));
        d->note_span = before->word.span;
        d->note = STR("it was said here");
        break;
      }
  }
  if (!any && cd->parts) /* none: they were mistaken, and that was said */
    diag(f->c, DIAG_E0363, cd->name.span, "the content `" STR_FMT "` says nothing", STR_ARG(cd->name.text))->expected =
        STR("`title \"…\"` or `body \"…\"`");
}

static void flow_define(struct flow *f, const struct item *item) {
  flow_expr(f, item->define.value);
  if (!item->define.used && !f->c->partial && !scope_is_for_others(f->s, item) && item->define.value->kind != EXPR_BAD &&
      scope_item(f->s, SPACE_VALUE, item->define.name.text) == item)
    diag(f->c, DIAG_W0101, item->define.name.span, "the definition `" STR_FMT "` is used nowhere",
         STR_ARG(item->define.name.text));
}

void flow_check(struct compilation *c, struct tree *tree, struct scope *scope) {
  struct flow f = { .c = c, .s = scope };
  for (struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
    case ITEM_CAMPAIGN: case ITEM_RULE:
      flow_campaign(&f, &i->campaign);
      days_check(c, i);
      break;
    case ITEM_SEQUENCE: flow_sequence(&f, i); break;
    case ITEM_CONTENT: flow_content(&f, &i->content); break;
    case ITEM_CHANNEL: channel_declared_check(scope, &i->channel); break;
    case ITEM_CONNECTOR:
      for (const struct operation_decl *o = i->connector.operations; o; o = o->next) operation_check(scope, o);
      break;
    case ITEM_MESSAGE:
      flow_message(&f, &i->message);
      flow_texts(&f, &i->message);
      break;
    case ITEM_DEFINE: case ITEM_SEGMENT:
      if (i->kind == ITEM_DEFINE)
        flow_define(&f, i);
      else
        flow_expr(&f, i->define.value);
      days_check(c, i);
      break;
    case ITEM_SCORE:
      for (const struct score_rule_decl *r = i->score.rules; r; r = r->next)
        flow_events(&f, r->events);
      break;
    case ITEM_TEST: case ITEM_FIXTURE:
      for (const struct test_line *l = i->test.lines; l; l = l->next)
        flow_expr(&f, l->expect.cond);
      break;
    default: break;
    }
  policy_check(c, tree, scope);
  for (const struct item *i = tree->items; i; i = i->next)
    if (i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE)
      flow_idle(&f, i);
  for (struct item *i = tree->items; i; i = i->next)
    if (i->kind == ITEM_MESSAGE) {
      if (i->message.translation_of)
        i->message.sendings = i->message.translation_of->sendings;
      values_check(c, scope, &i->message);
    }
  for (uint32_t i = 0; i < f.all.count; i++)
    if (f.all.items[i]->color == 0)
      loops_find(&f, f.all.items[i]);
  twice_check(c, scope, tree);
  cycles_check(c, scope, tree);
  secrets_check(c);
}
