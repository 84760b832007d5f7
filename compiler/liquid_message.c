/* The texts of messages that are templates: what they may read, where their mistakes stand in the script, and how they become
 * parts of the message's unit.
 *
 * Not here: Liquid itself (liquid_parse.c), plain texts (template.c).
 *
 *   1. Sending is strict: markup, filters, their arguments, attributes and values are all known before the first message leaves.
 *   2. A template reads `contact`, attribute by attribute, and the values that come with the send; every other name is its own
 *      (assigned, captured, counted, a loop's).
 *   3. The attributes that a template reads are parts before it, so that only those are looked up for each message. */
#include <stdio.h>

#include "liquid_message.h"
#include "mail.h"
#include "vm/liquid_file.h"

/* --- checking -------------------------------------------------------------------------------------------------------- */

static void check_attribute(const struct reader_of_template *r, struct str name) {
  if (scope_attribute(r->s, name)) return;
  struct span span = liquid_span(r, name);
  if (r->s->allow_unknown) {
    VEC_PUSH(&r->s->c->arena, &r->s->unknown_read, ((struct name){ arena_str(&r->s->c->arena, name), span }));
    return;
  }
  struct diagnostic *d = diag(r->s->c, DIAG_E0303, span, "a contact has no attribute `" STR_FMT "`", STR_ARG(name));
  scope_suggest_attribute(r->s, d, span, name, "");
}

static void check_variable(const struct reader_of_template *r, uint32_t pc) {
  const struct lq_unit *u = &r->u;
  uint32_t name = u->code[pc] >> 8, next = pc + 1, op = u->code[next] & 0xff;
  struct str text = u->names[name].text;
  if (*liquid_own(r, liquid_template_of(u, pc), name) || mail_is_url(text)) return;
  if (!str_is(text, "contact")) {
    if (!r->noted[name]) note_value(r->s, r->m, text, liquid_span(r, text), liquid_is_required(u, name));
    r->noted[name] = 1;
  } else if (op == LQ_OP_PROP || op == LQ_OP_KEY) {
    check_attribute(r, u->names[u->code[next] >> 8].text);
  } else {
    struct diagnostic *d = diag(r->s->c, DIAG_E0507, liquid_span(r, text), "a contact is read by its attributes");
    d->expected = STR("`{{ contact.first_name }}`");
  }
}

/* The parser's words for a marketer: "Expected id but found comma" is about names and commas. */
/* 'x' of a sentence. */
static struct str quoted(struct str s) {
  const char *open = memchr(s.ptr, '\'', s.len), *end = s.ptr + s.len;
  const char *close = open ? memchr(open + 1, '\'', (size_t)(end - open - 1)) : NULL;
  return close ? str_slice(open + 1, close) : STR("");
}

static struct str plain_reason(struct arena *a, struct str reason) {
  static const struct { const char *from, *to; } kinds[] = {
    { "end_of_string", "the end" }, { "id", "a name" }, { "number", "a number" }, { "string", "a text in quotes" },
    { "comparison", "a comparison" }, { "pipe", "`|`" }, { "dotdot", "`..`" }, { "dot", "`.`" }, { "colon", "`:`" }, { "comma", "`,`" },
    { "open_square", "`[`" }, { "close_square", "`]`" }, { "open_round", "`(`" }, { "close_round", "`)`" }, { "question", "`?`" }, { "dash", "`-`" } };
  char wanted[32], found[32], text[256];
  snprintf(text, sizeof text, STR_FMT, STR_ARG(reason));
  if (str_starts(reason, STR("[:end_of_string]"))) return STR("a value is missing");
  if (str_starts(reason, STR("Variable '"))) return STR("this `{{` has no `}}`");
  if (str_starts(reason, STR("Tag '"))) return STR("this `{%` has no `%}`");
  if (str_starts(reason, STR("Unknown tag"))) return arena_printf(a, "there is no tag `" STR_FMT "`", STR_ARG(quoted(reason)));
  if (str_starts(reason, STR("Unexpected character "))) return arena_printf(a, "`" STR_FMT "` means nothing here", STR_ARG(((struct str){ reason.ptr + 21, reason.len - 21 })));
  if (strstr(text, "tag was never closed"))
    return arena_printf(a, "this `" STR_FMT "` has no `end" STR_FMT "`", STR_ARG(quoted(reason)), STR_ARG(quoted(reason)));
  const char *use = strstr(text, " tags. use ");
  if (use) return arena_printf(a, "`" STR_FMT "` stands where `%s` belongs", STR_ARG(quoted(reason)), use + 11);
  if (str_starts(reason, STR("[:"))) {
    const char *quote = strstr(text, ", \""), *end = strstr(text, "\"] is not");
    return quote && end > quote ? arena_printf(a, "`%.*s` cannot begin a value", (int)(end - quote - 3), quote + 3) : reason;
  }
  if (sscanf(text, "Expected %31s but found %31s", wanted, found) != 2) return reason;
  const char *want = wanted, *got = found;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(kinds[i].from, wanted) == 0) want = kinds[i].to;
    if (strcmp(kinds[i].from, found) == 0) got = kinds[i].to;
  }
  return arena_printf(a, "%s stands where %s belongs", got, want);
}

static void unknown_filter(const struct reader_of_template *r, struct str name) {
  struct span span = liquid_span(r, name);
  struct diagnostic *d = diag(r->s->c, DIAG_E0591, span, "there is no filter `" STR_FMT "`", STR_ARG(name));
  struct nearest n = nearest_of(name);
  for (uint32_t i = 0; i < LQF_COUNT; i++) nearest_try(&n, str_from_c(lq_filters[i].name));
  scope_suggest_end(r->s, d, span, n, "");
}

/* A snippet or a layout that no folder has. */
static void absent(const struct reader_of_template *r, struct span span, const char *what, const char *folder, struct str name) {
  struct diagnostic *d = diag(r->s->c, DIAG_E0592, span, "there is no %s `" STR_FMT "`", what, STR_ARG(name));
  bool ends = memchr(name.ptr, '.', name.len) != NULL;
  d->expected = arena_printf(&r->s->c->arena, "a file `%s/" STR_FMT "%s` beside the script, or in a folder above it", folder, STR_ARG(name),
                             ends ? "" : ".liquid");
}

static const enum diag_code code_of[] = { [LIQUID_SYNTAX] = DIAG_E0507, [LIQUID_LAYOUT] = DIAG_E0599, [LIQUID_NO_LAYOUT] = DIAG_E0592,
                                          [LIQUID_LAYOUT_LOOP] = DIAG_E0598 };

void liquid_report(const struct reader_of_template *r, const struct liquid_error *e) {
  struct compilation *c = r->s->c;
  const struct taken *t = liquid_taken_at(r, e->at);
  struct str text = t ? t->text : r->texts.items[0].text;
  size_t from = t ? (size_t)(e->at - text.ptr) : 0;
  if (!t) t = &r->texts.items[0];
  const char *newline = memchr(text.ptr + from, '\n', text.len - from), *close = NULL;
  size_t end = newline ? (size_t)(newline - text.ptr) : text.len;
  if (end - from > 2) close = memmem(text.ptr + from, end - from, text.ptr[from + 1] == '%' ? "%}" : "}}", 2);
  struct span span = template_span(r->s, text, t->span, from, close ? (size_t)(close + 2 - text.ptr) : end > from + 2 ? from + 2 : end);
  struct str reason = arena_str(&c->arena, e->found);
  if (e->kind == LIQUID_SYNTAX) reason = plain_reason(&c->arena, reason);
  if (reason.len > 200) reason.len = 200;
  if (e->kind == LIQUID_NO_LAYOUT) {
    absent(r, span, "layout", "layouts", reason);
    return;
  }
  struct diagnostic *d = diag(c, code_of[e->kind], span, STR_FMT, STR_ARG(reason));
  if (e->kind == LIQUID_SYNTAX) d->expected = STR("Liquid, such as `{{ contact.first_name | default: \"friend\" }}`");
}

static void report_all(const struct reader_of_template *r) {
  uint32_t mended, unknown;
  const struct liquid_error *mistakes = liquid_mended(r->c, &mended);
  for (uint32_t i = 0; i < mended; i++) liquid_report(r, &mistakes[i]);
  const struct str *filters = liquid_unknown_filters(r->c, &unknown);
  for (uint32_t i = 0; i < unknown; i++) unknown_filter(r, filters[i]);
}

/* The name that the call says, or else its word in the line that it stands in. */
static struct span span_of_call(const struct reader_of_template *r, uint32_t pc) {
  const struct lq_unit *u = &r->u;
  const struct str *name = liquid_called(u, pc);
  if (name) return liquid_span(r, *name);
  const struct taken *t = &r->texts.items[0];
  uint32_t line = 1;
  for (uint32_t i = 1; i < r->texts.count; i++)
    if (str_eq(r->texts.items[i].name, u->templates[liquid_template_of(u, pc)].name)) t = &r->texts.items[i];
  for (uint32_t i = 0; i < u->node_count; i++)
    if (u->nodes[i].start <= pc && pc < u->nodes[i].end) line = u->nodes[i].line;
  const char *at = t->text.ptr, *end = at + t->text.len, *next;
  while (line-- > 1 && (next = memchr(at, '\n', (size_t)(end - at)))) at = next + 1;
  const char *word = memmem(at, (size_t)(end - at), "include", 7);
  size_t from = word ? (size_t)(word - t->text.ptr) : 0;
  return template_span(r->s, t->text, t->span, from, from + (word ? 7 : 1));
}

/* Whether the snippet can be taken in where it is named. */
static void check_call(const struct reader_of_template *r, uint32_t pc) {
  const struct lq_unit *u = &r->u;
  const struct str *name = liquid_called(u, pc);
  struct compilation *c = r->s->c;
  if (!name) {
    diag(c, DIAG_E0597, span_of_call(r, pc), "a snippet is named by a text in quotes")->help =
        STR("what a message takes in is known before it leaves; choose with `{% if %}` between two");
  } else if (!snippet_name_ok(*name)) {
    diag(c, DIAG_E0597, span_of_call(r, pc), "a snippet's name does not lead out of its folder")->expected =
        STR("a name such as `footer` or `mail/footer`");
  } else if (liquid_template_named(u, *name) == LQ_NONE) {
    absent(r, span_of_call(r, pc), "snippet", "snippets", *name);
  } else if ((u->code[pc] & 0xff) == LQ_OP_INCLUDE && r->own[liquid_template_of(u, pc) * (u->name_count + 1) + u->name_count] & REACHED) {
    diag(c, DIAG_E0597, span_of_call(r, pc), "a snippet that is rendered cannot include one")->expected =
        arena_printf(&c->arena, "`{%% render \"" STR_FMT "\" %%}`", STR_ARG(*name));
  }
}

/* Snippets that take each other in; those that stand in a rendered one are marked. */
struct chain { uint32_t templates[LIMIT_SNIPPET_DEPTH + 1], count; };

static struct str chain_text(const struct reader_of_template *r, const struct chain *k, uint32_t from, struct str last) {
  struct buf b;
  buf_init(&b, LIMIT_SNIPPET_DEPTH * (LIMIT_NAME_BYTES + 8));
  for (uint32_t i = from; i < k->count; i++) {
    buf_str(&b, r->u.templates[k->templates[i]].name);
    buf_c(&b, " → ");
  }
  buf_str(&b, last);
  struct str text = arena_str(&r->s->c->arena, buf_as_str(&b));
  buf_deinit(&b);
  return text;
}

/* False: a mistake was reported, and the rest would only repeat it. */
static bool walk_calls(const struct reader_of_template *r, struct chain *k, uint32_t t, bool rendered) {
  const struct lq_unit *u = &r->u;
  uint8_t *reached = liquid_own(r, t, u->name_count);
  if (*reached & REACHED && rendered) return true;
  if (*reached & OWN && !rendered) return true;
  *reached |= OWN | (rendered ? REACHED : 0);
  k->templates[k->count++] = t;
  for (uint32_t pc = u->templates[t].start; pc < u->templates[t].end; pc += liquid_words(u, pc)) {
    const struct str *name = liquid_is_call(u->code[pc] & 0xff) ? liquid_called(u, pc) : NULL;
    uint32_t to = name ? liquid_template_named(u, *name) : LQ_NONE;
    if (to == LQ_NONE) continue;
    for (uint32_t i = 1; i < k->count; i++)
      if (k->templates[i] == to) {
        diag(r->s->c, DIAG_E0598, span_of_call(r, pc), "snippets take each other in: " STR_FMT, STR_ARG(chain_text(r, k, i, *name)));
        return false;
      }
    if (k->count > LIMIT_SNIPPET_DEPTH) {
      diag(r->s->c, DIAG_E0598, span_of_call(r, pc), "more than %d snippets stand in each other", LIMIT_SNIPPET_DEPTH);
      return false;
    }
    if (!walk_calls(r, k, to, rendered || (u->code[pc] & 0xff) == LQ_OP_RENDER)) return false;
  }
  k->count--;
  return true;
}

void liquid_check(struct scope *s, struct message_decl *m, struct str text, struct span span) {
  struct reader_of_template r = { .s = s, .a = &s->c->arena, .m = m, .script = m->name.span.source, .c = liquid_compiler_new() };
  bool whole = liquid_compile(&r, text, span, true);
  report_all(&r);
  if (whole) {
    struct chain chain = { .count = 0 };
    liquid_mark_own(&r);
    (void)walk_calls(&r, &chain, 0, false);
    for (uint32_t pc = 0; pc < r.u.code_count; pc += liquid_words(&r.u, pc)) {
      uint32_t op = r.u.code[pc] & 0xff;
      if (op == LQ_OP_VAR) check_variable(&r, pc);
      if (liquid_is_call(op)) check_call(&r, pc);
    }
  }
  liquid_compiler_free(r.c);
}

/* --- messages as mails ----------------------------------------------------------------------------------------------- */

const struct str *liquid_own_names(struct scope *s, const struct message_decl *m, uint32_t *count) {
  struct reader_of_template r = { .s = s, .a = &s->c->arena, .script = m->name.span.source, .c = liquid_compiler_new() };
  VEC(struct str) own = { 0 };
  if (liquid_compile(&r, m->body.text, m->body.span, true)) {
    liquid_mark_own(&r);
    for (uint32_t t = 0; t < r.u.template_count; t++)
      for (uint32_t i = 0; i < r.u.name_count; i++)
        if (*liquid_own(&r, t, i)) VEC_PUSH(r.a, &own, arena_str(r.a, r.u.names[i].text));
  }
  liquid_compiler_free(r.c);
  *count = own.count;
  return own.items;
}

const struct mail_taken *liquid_taken(struct scope *s, struct message_decl *m, uint32_t *count, bool *html) {
  /* With the message, so that files are read; what is wrong in them is said here or by the check, once. */
  struct reader_of_template r = { .s = s, .a = &s->c->arena, .m = m, .script = m->name.span.source, .c = liquid_compiler_new() };
  VEC(struct mail_taken) taken = { 0 };
  *html = liquid_is_html(&r, m->body.text);
  if (*html && memmem(m->body.text.ptr, m->body.text.len, "{%", 2)) {
    (void)liquid_compile(&r, m->body.text, m->body.span, true);
    for (uint32_t i = 0; i < r.texts.count; i++)
      if (r.texts.items[i].text.ptr != m->body.text.ptr)
        VEC_PUSH(r.a, &taken, ((struct mail_taken){ r.texts.items[i].text, r.texts.items[i].span }));
  }
  liquid_compiler_free(r.c);
  *count = taken.count;
  return taken.items;
}

bool liquid_is_whole(struct scope *s, const struct message_decl *m, struct str text) {
  struct reader_of_template r = { .s = s, .a = &s->c->arena, .script = m->name.span.source, .c = liquid_compiler_new() };
  struct mail_edit edit = { .m = m, .text = true };
  if (text.ptr != m->body.text.ptr) r.instead = mail_instead, r.instead_context = &edit;
  uint32_t unknown, mended;
  bool whole = liquid_compile(&r, text, m->body.span, false);
  (void)liquid_unknown_filters(r.c, &unknown);
  (void)liquid_mended(r.c, &mended);
  liquid_compiler_free(r.c);
  return whole && !unknown && !mended;
}

/* --- emitting -------------------------------------------------------------------------------------------------------- */

struct parts { VEC(struct part) items; };

/* What stands for the attribute when it is missing: its declared value. */
static void add_attribute(struct builder *b, struct parts *parts, struct str name) {
  const struct member *m = scope_attribute(b->s, name);
  struct type type = m && m->type ? m->type->type : (struct type){ .kind = V_MISSING };
  struct part p = { .kind = PART_ATTR, .text = NONE, .field = build_field(b, name, type) };
  for (uint32_t i = 0; i < parts->items.count; i++)
    if (parts->items.items[i].field == p.field) return;
  if (m && m->initial && m->initial->kind == EXPR_LITERAL) {
    buf_clear(&b->text);
    value_print(&b->text, m->initial->value, zone_utc());
    p.text = build_string(b, arena_str(b->a, buf_as_str(&b->text)));
  }
  VEC_PUSH(b->a, &parts->items, p);
}

const struct part *liquid_parts(struct builder *b, struct str text, struct span span, uint32_t script, bool body, uint32_t *count) {
  struct reader_of_template r = { .s = b->s, .a = b->a, .script = script, .c = liquid_compiler_new(), .instead = b->instead, .instead_context = b->instead_context };
  struct parts parts = { { 0 } };
  if (liquid_compile(&r, text, span, body)) { /* otherwise the check has said so, and nothing is written */
    const struct lq_unit *u = &r.u;
    liquid_mark_own(&r);
    for (uint32_t pc = 0; pc < u->code_count; pc += liquid_words(u, pc)) {
      uint32_t name = u->code[pc] >> 8, next = pc + 1 < u->code_count ? u->code[pc + 1] & 0xff : LQ_OP_NOP;
      if ((u->code[pc] & 0xff) != LQ_OP_VAR || !str_is(u->names[name].text, "contact") || *liquid_own(&r, liquid_template_of(u, pc), name)) continue;
      if (next == LQ_OP_PROP || next == LQ_OP_KEY) add_attribute(b, &parts, arena_str(b->a, u->names[u->code[pc + 1] >> 8].text));
    }
    struct buf bytes;
    buf_init(&bytes, LIMIT_PROGRAM_BYTES);
    lq_unit_write(&bytes, u);
    struct part p = { .kind = PART_LIQUID, .text = build_string(b, arena_str(b->a, buf_as_str(&bytes))), .field = NONE };
    VEC_PUSH(b->a, &parts.items, p);
    buf_deinit(&bytes);
  }
  liquid_compiler_free(r.c);
  *count = parts.items.count;
  return parts.items.items;
}
