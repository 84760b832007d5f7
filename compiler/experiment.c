/* Experiments: their nodes, what is wrong with one, and what it becomes in a unit.
 *
 *   experiment best_subject {
 *     variant plain 50% { … }      a variant gets this share of those who are not held out
 *     variant warm  50% { … }
 *     holdout 10%                  so many of all who come get nothing of this, and go on behind it
 *     measure click of promo within 2d
 *     winner at the end            Camp counts; people decide
 *   }
 *
 * Not here: whose variant is which, and what is counted (runtime/engine/experiments.c); names of events and messages (names.c).
 *
 * Invariants:
 * 1. The measure is an expression of history in the statement's `value` (`did click of promo`, `sum(purchase.amount)`), so that each
 *    stage looks at it as at any other. It sees the event alone: it is asked again of past events when two contacts become one.
 * 2. The code of a variant lies between two places of the unit's table of variants, so that the engine knows from an effect's place
 *    whose it is.
 * 3. A contact who is assigned to a variant that this version does not have passes over all of them. */
#include "parse.h"

#include "care.h"
#include "diagnostics.h"
#include "emit.h"

/* --- nodes --------------------------------------------------------------------------------------------------------- */

struct stmt *experiment_new(struct parse *p, uint8_t kind, struct token first, struct name name) {
  struct stmt *s = stmt_named(p, kind, first, name);
  s->experiment = ARENA_NEW(&p->c->arena, struct experiment_decl);
  s->experiment->outer = p->experiment;
  p->experiment = s;
  return s;
}

struct arm *variant_new(struct parse *p, struct token first, struct name name, struct token share, struct stmt *body) {
  struct arm *a = ARENA_NEW(&p->c->arena, struct arm);
  *a = (struct arm){ .name = name, .share = share.value, .span = { p->source, first.from, share.to }, .body = body };
  return a;
}

void experiment_variant(struct parse *p, struct arm *variant) {
  struct arm **end = &p->experiment->arms;
  while (*end) end = &(*end)->next;
  *end = variant;
}

static void once(struct parse *p, struct token word, struct span *span) {
  if (span->to) said_twice(p, word, "an experiment", *span);
  *span = span_from(p, word);
}

void experiment_holdout(struct parse *p, struct token word, struct token share) {
  once(p, word, &p->experiment->experiment->holdout_span);
  p->experiment->experiment->holdout = share.value;
}

static void measure(struct parse *p, struct token word, struct expr *what, struct token within) {
  once(p, word, &p->experiment->experiment->measure_span);
  p->experiment->value = what;
  p->experiment->duration = within.value;
  p->experiment->duration_span = span_of(p, within);
}

void experiment_event(struct parse *p, struct token word, struct event_list events, struct token within) {
  measure(p, word, expr_did(p, word, events, token_none(), false), within);
}

void experiment_sum(struct parse *p, struct token word, struct expr *sum, struct token currency, struct token within) {
  measure(p, word, sum, within);
  if (!currency.kind) return;
  struct str letters = str_slice(p->text + currency.from, p->text + currency.to);
  bool good = letters.len == 3;
  for (size_t i = 0; good && i < 3; i++) good = letters.ptr[i] >= 'A' && letters.ptr[i] <= 'Z';
  if (good) {
    p->experiment->experiment->currency = CURRENCY(letters.ptr[0], letters.ptr[1], letters.ptr[2]);
  } else if (!p->quiet) {
    diag(p->c, DIAG_E0201, span_of(p, currency), "`" STR_FMT "` is no currency", STR_ARG(letters))->expected = STR("a currency such as `EUR`");
    experiment_mistaken(p);
  }
}

void experiment_winner(struct parse *p, struct token word, bool certain) {
  once(p, word, &p->experiment->experiment->winner_span);
  p->experiment->experiment->certain = certain;
}

void experiment_mistaken(struct parse *p) { p->experiment->experiment->mistaken = true; }

struct stmt *experiment_end(struct parse *p, struct stmt *s) {
  p->experiment = s->experiment->outer;
  if (!s->arms && s->experiment->mistaken) s->kind = STMT_BAD; /* every variant was mistaken, and reported */
  return s;
}

/* --- checks -------------------------------------------------------------------------------------------------------- */

int64_t share_places(struct value share) {
  double units = share.n * (SPLIT_PLACES / 100);
  int64_t whole = (int64_t)(units + 0.5);
  double off = units - (double)whole;
  return units > 0 && units <= SPLIT_PLACES && off < 1e-6 && off > -1e-6 ? whole : 0;
}

static double percent(int64_t places) { return (double)places * 100 / SPLIT_PLACES; }

/* Whether the shares are what they can be. */
static bool shares_are_parts(struct compilation *c, const struct stmt *st) {
  const struct experiment_decl *x = st->experiment;
  bool good = true;
  for (const struct arm *a = st->arms; a; a = a->next) {
    if (share_places(a->share)) continue;
    diag(c, DIAG_E0543, a->span, "this is no part of 100%%")->expected = STR("a percentage above 0% and up to 100%, with at most four decimals");
    good = false;
  }
  int64_t held = x->holdout_span.to ? share_places(x->holdout) : 1;
  if (held && held < SPLIT_PLACES) return good;
  struct diagnostic *d = diag(c, DIAG_E0543, x->holdout_span, held ? "all are held out, so nobody is in the experiment" : "this is no part of 100%%");
  d->expected = STR("a percentage above 0% and below 100%, with at most four decimals");
  return false;
}

static void check_shares(struct compilation *c, const struct stmt *st) {
  const struct experiment_decl *x = st->experiment;
  int64_t sum = 0, held = x->holdout_span.to ? share_places(x->holdout) : 0;
  if (!shares_are_parts(c, st)) return;
  for (const struct arm *a = st->arms; a; a = a->next) sum += share_places(a->share);
  if (sum == SPLIT_PLACES) return;
  struct diagnostic *d = diag(c, DIAG_E0543, st->span, "the variants' percentages sum to %g%%", percent(sum));
  d->expected = STR("percentages that sum to 100%");
  if (held && sum + held == SPLIT_PLACES)
    d->help = arena_printf(&c->arena, "the holdout is taken first, and the variants share the others: this `%g%%` is `%g%%` of those",
                           st->arms->share.n, percent(share_places(st->arms->share)) * SPLIT_PLACES / (double)sum);
}

static void check_variants(struct compilation *c, const struct stmt *st) {
  for (const struct arm *a = st->arms; a; a = a->next)
    for (const struct arm *b = st->arms; b != a; b = b->next)
      if (str_eq(a->name.text, b->name.text)) {
        struct diagnostic *d = diag(c, DIAG_E0345, a->name.span, "there are two variants `" STR_FMT "`", STR_ARG(a->name.text));
        d->note_span = b->name.span;
        d->note = STR("the first one");
        break;
      }
  if (!st->arms || (!st->arms->next && !st->experiment->holdout_span.to)) {
    struct diagnostic *d = diag(c, DIAG_E0544, st->span, st->arms ? "an experiment with one variant compares it with nothing"
                                                                  : "an experiment without variants tries nothing");
    d->expected = STR("a second `variant`, or a `holdout` who get nothing of it");
  }
}

/* What is sent inside the variants. */
struct search { const struct message_decl *message; const struct str *name; bool found; };

static void see_send(void *context, const struct stmt *st) {
  struct search *s = context;
  if (st->kind == STMT_SEND && str_eq(st->name.text, *s->name)) s->found = true;
}

static void check_measure(struct compilation *c, const struct stmt *st) {
  const struct experiment_decl *x = st->experiment;
  if (!x->measure_span.to) {
    diag(c, DIAG_E0545, st->span, "nothing says what `" STR_FMT "` measures", STR_ARG(st->name.text))->expected =
        STR("`measure` with an event and a time, such as `measure purchase within 7d`");
    return;
  }
  if (st->duration.i <= 0 && (int32_t)st->duration.aux <= 0)
    diag(c, DIAG_E0549, st->duration_span, "nothing happens within no time")->expected = STR("a duration such as `7d`");
  if (!st->value || st->value->kind == EXPR_BAD) return;
  for (const struct event_ref *e = st->value->events; e; e = e->next) {
    struct search s = { .name = &e->of.text };
    if (!e->of.text.len) continue;
    for (const struct arm *a = st->arms; a; a = a->next) visit_block(&(struct visitor){ &s, see_send, NULL, NULL }, a->body);
    if (!s.found) {
      struct diagnostic *d = diag(c, DIAG_E0546, e->of.span, "no variant sends `" STR_FMT "`, so this measures nothing that they do", STR_ARG(e->of.text));
      d->help = STR("measure a message that the variants send, or an event without `of`");
    } else if (str_is(e->name.text, "open")) {
      struct diagnostic *d = diag(c, DIAG_W0133, e->span, "many opens are made by machines, so they tell little about a variant");
      d->help = arena_printf(&c->arena, "measure what people do: `click of " STR_FMT "`, or what they buy", STR_ARG(e->of.text));
    }
  }
}

struct nest { struct compilation *c; const struct stmt *outer; };

static void see_nested(void *context, const struct stmt *st) {
  const struct nest *n = context;
  if (st->kind != STMT_EXPERIMENT) return;
  struct diagnostic *d = diag(n->c, DIAG_E0547, st->span, "an experiment stands inside another one");
  d->help = STR("put them one behind the other: each assigns its contacts by itself, so they do not disturb each other");
  d->note_span = n->outer->span;
  d->note = STR("the outer one");
}

/* `variant later 50% { wait 3d … }` with `measure … within 2d`: its time is over before anything happens. */
static void check_time(struct compilation *c, const struct stmt *st) {
  for (const struct arm *a = st->arms; a; a = a->next) {
    const struct stmt *first = a->body;
    bool ok = true;
    if (!first || first->kind != STMT_WAIT || first->wait != WAIT_DURATION || first->length || !st->experiment->measure_span.to) continue;
    if (value_order(first->duration, st->duration, zone_utc(), &ok) < 0 || !ok) continue;
    struct diagnostic *d = diag(c, DIAG_W0136, first->span, "`" STR_FMT "` does nothing before its response is no longer counted", STR_ARG(a->name.text));
    d->help = STR("the time of `measure` counts from the moment at which a contact meets the experiment: put the wait before it, or let it last longer");
    d->note_span = st->duration_span;
    d->note = STR("so long it is counted");
  }
}

/* Two variants that do the same measure nothing but chance, and cost the others a part of the contacts. */
static void check_same(struct compilation *c, const struct stmt *st) {
  for (const struct arm *a = st->arms; a; a = a->next)
    for (const struct arm *b = st->arms; b != a; b = b->next) {
      if (!blocks_same(a->body, b->body)) continue;
      struct diagnostic *d = diag(c, DIAG_W0159, a->name.span, "`" STR_FMT "` does what `" STR_FMT "` does", STR_ARG(a->name.text), STR_ARG(b->name.text));
      d->help = STR("leave one out, or let them differ in what they shall be compared by");
      d->note_span = b->name.span;
      d->note = STR("the other one");
      break;
    }
}

void experiment_check(struct compilation *c, const struct stmt *st) {
  const struct experiment_decl *x = st->experiment;
  struct nest nest = { c, st };
  for (const struct arm *a = st->arms; a; a = a->next) visit_block(&(struct visitor){ &nest, see_nested, NULL, NULL }, a->body);
  if (x->certain) {
    struct diagnostic *d = diag(c, DIAG_E0548, x->winner_span, "Camp does not decide by certainty yet");
    d->expected = STR("`winner at the end`: Camp counts, and you decide");
    d->has_fix = true;
    d->fix = (struct fix){ x->winner_span, STR("winner at the end") };
  }
  if (x->mistaken) return;
  check_variants(c, st);
  check_shares(c, st);
  check_measure(c, st);
  check_time(c, st);
  if (!c->torn.count) check_same(c, st);
}

/* --- code ---------------------------------------------------------------------------------------------------------- */

/* What is measured, in one spelling: `click of promo within 2d`. */
static struct str measure_text(struct builder *b, const struct stmt *st) {
  struct str did = STR("did ");
  buf_clear(&b->text);
  expr_show_plain(&b->text, st->value);
  if (st->value->type.kind == V_MONEY) {
    char currency[4];
    currency_print(st->value->type.currency, currency);
    buf_printf(&b->text, " in %s", currency);
  }
  buf_c(&b->text, " within ");
  duration_show(&b->text, st->duration);
  if (b->text.failed) build_limit(b, "bytes in a condition", (uint32_t)b->text.bytes_max);
  struct str text = buf_as_str(&b->text);
  if (str_starts(text, did)) text = (struct str){ text.ptr + did.len, text.len - did.len };
  return arena_str(b->a, text);
}

static uint32_t table_add(struct builder *b, const struct stmt *st) {
  const struct experiment_decl *decl = st->experiment;
  struct experiment x = { .name = build_string(b, st->name.text), .text = build_string(b, measure_text(b, st)), .within = st->duration,
                          .holdout = decl->holdout_span.to ? (uint32_t)share_places(decl->holdout) : 0,
                          .first_variant = b->variants.count, .first_response = b->responses.count };
  uint32_t left = SPLIT_PLACES - x.holdout, from = x.holdout;
  int64_t share = 0;
  for (const struct arm *a = st->arms; a; a = a->next) {
    share += share_places(a->share);
    uint32_t end = x.holdout + (uint32_t)((share * left + SPLIT_PLACES / 2) / SPLIT_PLACES);
    struct variant v = { .name = build_string(b, a->name.text), .places = end - from };
    VEC_PUSH(b->a, &b->variants, v);
    from = end;
    x.variant_count++;
  }
  bool sum = st->value->kind == EXPR_HISTORY;
  struct type type = st->value->type.kind == V_MONEY ? st->value->type : (struct type){ .kind = V_NUMBER };
  for (const struct event_ref *e = st->value->events; e; e = e->next) {
    struct response r = { .event = build_string(b, e->name.text), .filter_pc = NONE, .experiment = b->experiments.count,
                          .field = sum ? build_field(b, st->value->name.text, type) : NONE };
    if (e->of.text.len || e->where)
      VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_RESPONSE, .item = b->responses.count, .event = e }));
    VEC_PUSH(b->a, &b->responses, r);
    x.response_count++;
  }
  VEC_PUSH(b->a, &b->experiments, x);
  return b->experiments.count - 1;
}

void emit_experiment(struct builder *b, const struct stmt *st) {
  uint32_t x = table_add(b, st), first = b->experiments.items[x].first_variant, number = 0;
  uint32_t mark = b->local_next, mine = build_local(b), jumps_mark = b->pcs.count;
  bool held = st->experiment->holdout_span.to != 0;
  struct str id = arena_printf(b->a, STR_FMT "\n" STR_FMT, STR_ARG(b->campaign->name.text), STR_ARG(st->name.text));
  build_op(b, OP_BUCKET, build_string(b, id), 0);
  build_op(b, OP_ASSIGN, x, 0);
  build_op(b, OP_VARIANT, x, 0);
  build_op(b, OP_STORE, mine, 0);
  if (!held) { /* see invariant 3; with a holdout the last variant is asked about, too */
    build_op(b, OP_LOCAL, mine, 0);
    build_op(b, OP_CONST, build_const(b, value_number(0)), 0);
    build_op(b, OP_GE, 0, 0);
    VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMPF, 0));
  }
  for (const struct arm *a = st->arms; a; a = a->next, number++) {
    uint32_t next = NONE;
    if (a->next || held) {
      build_op(b, OP_LOCAL, mine, 0);
      build_op(b, OP_CONST, build_const(b, value_number(number)), 0);
      build_op(b, OP_EQ, 0, 0);
      build_place(b, PLACE_IF, build_pc(b), a->span);
      next = build_jump(b, OP_JUMPF, 0);
    }
    b->variants.items[first + number].from_pc = build_pc(b);
    emit_block(b, a->body);
    if (a->next) VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
    b->variants.items[first + number].to_pc = build_pc(b);
    if (next != NONE) build_land(b, next);
  }
  while (b->pcs.count > jumps_mark) build_land(b, b->pcs.items[--b->pcs.count]);
  b->local_next = mark;
}
