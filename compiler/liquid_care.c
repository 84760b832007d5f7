/* What a message's text may say and had better not: an attribute that may be missing and leaves a hole, an SMS that costs more than it
 * seems to, HTML that does not close (liquid_html.c).
 *
 * Not here: mistakes (liquid_message.c).
 *
 *   1. Only a project without errors is asked, so that one mistake is told once.
 *   2. Quiet where it cannot be sure: an attribute that the text asks for anywhere is known to be missing sometimes, and one that a
 *      campaign asks for, waits for or sets may be what brought the contact there. Of an SMS only what every contact gets is counted; that
 *      more may come is said. */
#include "care.h"
#include "liquid_message.h"
#include "vm/base/utf8.h"

void care_of_message(struct scope *s, struct diagnostic *d, const struct message_decl *m) {
  if (!s->c->sources.items[d->span.source].template) return;
  d->note_span = m->name.span;
  d->note = STR("the message that says it");
}

/* --- holes ----------------------------------------------------------------------------------------------------------- */

struct table_of { struct arena *a; struct table table; };

/* What becomes of the attribute whose path ends at pc: 'p' printed with nothing instead, 't' asked for, 0 neither. */
static char fate_of(const struct lq_unit *u, uint32_t pc) {
  for (; pc < u->code_count; pc += liquid_words(u, pc)) {
    uint32_t op = u->code[pc] & 0xff;
    if (op == LQ_OP_FILTER && u->code[pc] >> 8 == LQF_DEFAULT) return 0;
    if (op == LQ_OP_FILTER || op == LQ_OP_CONST || op == LQ_OP_VAR || op == LQ_OP_PROP || op == LQ_OP_KEY) continue;
    if (op == LQ_OP_PRINT) return 'p';
    if (op == LQ_OP_JFALSE || op == LQ_OP_JTRUE || op == LQ_OP_AND || op == LQ_OP_OR || op == LQ_OP_COMPARE || op == LQ_OP_CASE) return 't';
    return 0;
  }
  return 0;
}

/* Each attribute that the code reads from pc on, one a call: its name, NULL when there is none. */
static const struct str *next_attribute(const struct reader_of_template *r, uint32_t *pc, uint32_t *at) {
  const struct lq_unit *u = &r->u;
  for (; *pc < u->code_count; *pc += liquid_words(u, *pc)) {
    uint32_t name = u->code[*pc] >> 8, next = *pc + 1;
    if ((u->code[*pc] & 0xff) != LQ_OP_VAR || !str_is(u->names[name].text, "contact") || *liquid_own(r, liquid_template_of(u, *pc), name)) continue;
    uint32_t op = u->code[next] & 0xff;
    if (op != LQ_OP_PROP && op != LQ_OP_KEY) continue;
    *at = next;
    *pc += liquid_words(u, *pc);
    return &u->names[u->code[next] >> 8].text;
  }
  return NULL;
}

static bool asked_for(const struct reader_of_template *r, struct str attribute) {
  uint32_t pc = 0, at;
  for (const struct str *name; (name = next_attribute(r, &pc, &at));)
    if (str_eq(*name, attribute) && fate_of(&r->u, liquid_behind_path(&r->u, at - 1)) == 't') return true;
  return false;
}

/* An attribute that a campaign, a definition or a segment looks at or sets. */
static void see_attribute(void *context, const struct expr *e) {
  struct table_of *t = context;
  if (e->kind == EXPR_MEMBER && e->target == TARGET_ATTRIBUTE) *table_place(t->a, &t->table, 1, e->name.text) = t;
}

static void see_set(void *context, const struct stmt *st) {
  struct table_of *t = context;
  if (st->kind == STMT_SET) *table_place(t->a, &t->table, 1, st->name.text) = t;
}

static void see_attributes(const struct tree *tree, struct table_of *t) {
  struct visitor v = { .context = t, .stmt = see_set, .expr = see_attribute };
  for (const struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
      case ITEM_CAMPAIGN: case ITEM_RULE: visit_campaign(&v, &i->campaign); break;
      case ITEM_DEFINE: case ITEM_SEGMENT: visit_expr(&v, i->define.value); break;
      case ITEM_SEQUENCE: visit_block(&v, i->sequence.body); break;
      default: break;
    }
}

static void care_for_holes(struct reader_of_template *r, const struct table_of *seen) {
  uint32_t pc = 0, at;
  for (const struct str *name; (name = next_attribute(r, &pc, &at));) {
    const struct member *m = scope_attribute(r->s, *name);
    if (table_find(&seen->table, 1, *name)) continue;
    if ((m && m->initial) || fate_of(&r->u, liquid_behind_path(&r->u, at - 1)) != 'p' || asked_for(r, *name)) continue;
    struct diagnostic *d = diag(r->s->c, DIAG_W0191, liquid_span(r, *name), "`contact." STR_FMT "` may be missing, and leaves a hole",
                                STR_ARG(*name));
    d->expected = arena_printf(&r->s->c->arena, "`{{ contact." STR_FMT " | default: \"…\" }}` or `{%% if contact." STR_FMT " %%}`", STR_ARG(*name),
                               STR_ARG(*name));
    care_of_message(r->s, d, r->m);
  }
}

/* --- SMS ------------------------------------------------------------------------------------------------------------- */

/* Units of a character in GSM 03.38's alphabet: 1, 2 behind its escape, 0 when it is not in it. */
static uint32_t gsm_units(uint32_t point) {
  static const uint32_t others[] = { 0xa3, 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, 0xd8, 0xf8, 0xc5, 0xe5, 0x394, 0x3a6, 0x393, 0x39b, 0x3a9,
                                     0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0xc6, 0xe6, 0xdf, 0xc9, 0xa4, 0xa1, 0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
                                     0xbf, 0xe4, 0xf6, 0xf1, 0xfc, 0xe0 };
  if (point == '\n' || point == '\r') return 1;
  if (point == 0x20ac || (point < 0x80 && point && strchr("\f^{}\\[~]|", (int)point))) return 2;
  if (point >= 0x20 && point < 0x7f) return point != '`';
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (others[i] == point) return 1;
  return 0;
}

struct sms { uint32_t gsm, ucs2, values; const char *strange; size_t strange_len; };

static void count_text(struct sms *sms, struct str s) {
  for (size_t at = 0, n; at < s.len; at += n) {
    uint32_t point = 0xfffd;
    n = utf8_decode((struct str){ s.ptr + at, s.len - at }, &point);
    if (!n) n = 1;
    uint32_t units = gsm_units(point);
    if (!units && !sms->strange) sms->strange = s.ptr + at, sms->strange_len = n;
    sms->gsm += units ? units : 1;
    sms->ucs2 += point > 0xffff ? 2 : 1;
  }
}

static bool conditional(const struct lq_unit *u, uint32_t pc) {
  for (uint32_t i = 0; i < u->node_count && u->nodes[i].start <= pc; i++)
    if (u->nodes[i].end > pc) return true;
  return false;
}

static uint32_t segments(uint32_t units, uint32_t whole, uint32_t part) { return units <= whole ? 1 : (units + part - 1) / part; }

/* White space at the ends is not sent. */
static void care_for_sms(const struct reader_of_template *r) {
  const struct lq_unit *u = &r->u;
  struct sms sms = { .gsm = 0 };
  for (uint32_t pc = u->templates[0].start; pc < u->templates[0].end; pc += liquid_words(u, pc)) {
    uint32_t op = u->code[pc] & 0xff;
    if (op == LQ_OP_TEXT && !conditional(u, pc)) count_text(&sms, u->texts[u->code[pc] >> 8]);
    sms.values += op == LQ_OP_PRINT || op == LQ_OP_RENDER || op == LQ_OP_CALL || op == LQ_OP_ONCE || (op == LQ_OP_TEXT && conditional(u, pc));
  }
  uint32_t plain = segments(sms.gsm, 160, 153), wide = segments(sms.ucs2, 70, 67), count = sms.strange ? wide : plain;
  const char *besides = sms.values ? ", besides what its values add" : "";
  const struct taken *own = &r->texts.items[0];
  if (sms.strange && wide > plain) {
    const struct taken *t = liquid_taken_at(r, sms.strange);
    size_t from = t ? (size_t)(sms.strange - t->text.ptr) : 0;
    struct span span = t ? template_span(r->s, t->text, t->span, from, from + sms.strange_len) : own->span;
    struct diagnostic *d = diag(r->s->c, DIAG_W0194, span, "`%.*s` makes this SMS %u segments long instead of %u%s", (int)sms.strange_len,
                                sms.strange, wide, plain, besides);
    d->help = STR("with a character that is not in the GSM alphabet a segment holds 70 instead of 160, of several 67 each instead of 153");
    care_of_message(r->s, d, r->m);
  } else if (count > LIMIT_SMS_SEGMENTS_COUNT) {
    struct diagnostic *d = diag(r->s->c, DIAG_W0193, r->m->name.span, "this SMS is %u segments long%s: %u characters, %s a segment", count, besides,
                                sms.strange ? sms.ucs2 : sms.gsm, sms.strange ? "67" : "153");
    d->expected = arena_printf(&r->s->c->arena, "at most %d segments", LIMIT_SMS_SEGMENTS_COUNT);
  }
}

/* --- the way out ----------------------------------------------------------------------------------------------------- */

static bool says(struct str text, const char *what) { return text.len && memmem(text.ptr, text.len, what, strlen(what)); }

static bool says_way_out(const struct reader_of_template *r, const struct message_decl *m) {
  bool found = says(m->text.text, "unsubscribe_url") || says(m->text.text, "preferences_url");
  for (uint32_t i = 0; i < r->texts.count; i++)
    found = found || says(r->texts.items[i].text, "unsubscribe_url") || says(r->texts.items[i].text, "preferences_url");
  return found;
}

/* A mail of a topic leaves with a way out in its headers, which not every program shows. */
static void care_for_way_out(struct scope *s, struct message_decl *m) {
  bool email = !m->channel.text.len || str_is(m->channel.text, "email");
  const struct message_decl *own = m->translation_of ? m->translation_of : m;
  if (!email || !own->topic.text.len || !m->has_body) return;
  if (m != own && m->body.text.ptr == own->body.text.ptr && m->text.text.ptr == own->text.text.ptr) return; /* said of the first language */
  struct reader_of_template r = { .s = s, .a = &s->c->arena, .m = m, .script = m->name.span.source, .c = liquid_compiler_new() };
  (void)liquid_compile(&r, m->body.text, m->body.span, true);
  bool found = says_way_out(&r, m);
  liquid_compiler_free(r.c);
  if (found) return;
  struct diagnostic *d = diag(s->c, DIAG_W0192, m->name.span, "the message `" STR_FMT "` has a topic, and no link to leave it by", STR_ARG(m->name.text));
  d->expected = STR("`{{ unsubscribe_url }}` or `{{ preferences_url }}` in its body, or in a snippet that it takes in");
}

/* --- texts ----------------------------------------------------------------------------------------------------------- */

static void care_for_text(struct scope *s, struct message_decl *m, const struct name *text, bool body, const struct table_of *seen) {
  struct reader_of_template r = { .s = s, .a = &s->c->arena, .m = m, .script = m->name.span.source };
  bool sms = body && str_is(m->channel.text, "sms"), html = false;
  if (sms || memmem(text->text.ptr, text->text.len, "{{", 2) || memmem(text->text.ptr, text->text.len, "{%", 2)) {
    r.c = liquid_compiler_new();
    if (liquid_compile(&r, text->text, text->span, body)) {
      liquid_mark_own(&r);
      care_for_holes(&r, seen);
      if (sms) care_for_sms(&r);
    }
    liquid_compiler_free(r.c);
  }
  html = body && !sms && liquid_is_html(&r, text->text);
  html_care(s, m, text->text, text->span, html);
}

void templates_care(struct compilation *c, struct scope *s, struct tree *tree) {
  struct table_of seen = { .a = &c->arena };
  see_attributes(tree, &seen);
  for (struct item *i = tree->items; i; i = i->next) {
    if (c->sources.items[i->span.source].standard) continue;
    if (i->kind == ITEM_MESSAGE) {
      if (i->message.has_subject) care_for_text(s, &i->message, &i->message.subject, false, &seen);
      if (i->message.has_body) care_for_text(s, &i->message, &i->message.body, true, &seen);
      if (i->message.text.text.len) care_for_text(s, &i->message, &i->message.text, false, &seen);
      if (i->message.preheader.text.len) care_for_text(s, &i->message, &i->message.preheader, false, &seen);
      care_for_way_out(s, &i->message);
    }
    for (struct content_part *part = i->kind == ITEM_CONTENT ? i->content.parts : NULL; part; part = part->next) {
      struct message_decl text = { .name = i->content.name };
      if (part->number.type == V_MISSING) care_for_text(s, &text, &part->text, str_is(part->word.text, "body"), &seen);
    }
  }
}
