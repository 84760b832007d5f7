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

#include "emit.h"
#include "liquid.h"
#include "vm/liquid_file.h"

struct reader_of_template {
  struct scope *s;
  struct message_decl *m;    /* NULL while emitting */
  struct str text;
  struct span span;
  const struct lq_unit *u;
  uint8_t *names;            /* by name: OWN, NOTED */
};
enum { OWN = 1, NOTED = 2 };

static struct liquid_options options_of(struct str text, bool body) {
  size_t i = 0;
  while (i < text.len && memchr(" \t\r\n", text.ptr[i], 4)) i++;
  return (struct liquid_options){ .mode = LIQUID_STRICT2, .escape = body && i < text.len && text.ptr[i] == '<', .camp = true };
}

/* --- what the code reads --------------------------------------------------------------------------------------------- */

static uint32_t words_at(const struct lq_unit *u, uint32_t pc) {
  const char *kinds = lq_op_table[u->code[pc] & 0xff].operands;
  uint32_t words = 1;
  for (const char *k = *kinds ? kinds + 1 : kinds; *k; k++) {
    uint32_t before = words == 1 ? u->code[pc] >> 8 : u->code[pc + words - 1];
    words += *k == 'N' || *k == 'J' ? before : 1;
  }
  return words;
}

/* Marks the names that the template gives values itself. */
static uint8_t *own_names(struct arena *a, const struct lq_unit *u) {
  uint8_t *names = arena_zalloc(a, u->name_count + 1, 1);
  for (uint32_t i = 0; i < u->name_count; i++) {
    const struct str text = u->names[i].text;
    if (str_is(text, "forloop") || str_is(text, "tablerowloop") || u->names[i].self) names[i] = OWN;
  }
  for (uint32_t i = 0; i < u->site_count; i++)
    if (u->sites[i].var != LQ_NONE) names[u->sites[i].var] = OWN;
  for (uint32_t pc = 0; pc < u->code_count; pc += words_at(u, pc)) {
    uint32_t op = u->code[pc] & 0xff;
    bool binds = op == LQ_OP_ASSIGN || op == LQ_OP_ENDCAPTURE || op == LQ_OP_INCREMENT || op == LQ_OP_DECREMENT || op == LQ_OP_SCOPE;
    if (binds) names[u->code[pc] >> 8] = OWN;
  }
  return names;
}

/* Behind what the variable at pc reads: its last `.name`. */
static uint32_t behind_path(const struct lq_unit *u, uint32_t pc) {
  for (pc += words_at(u, pc); pc < u->code_count; pc += words_at(u, pc)) {
    uint32_t op = u->code[pc] & 0xff;
    if (op != LQ_OP_PROP && op != LQ_OP_KEY) break;
  }
  return pc;
}

/* What becomes of the value: 'p' printed without a default, 't' tested, 0 neither. */
static char use_at(const struct lq_unit *u, uint32_t pc) {
  for (; pc < u->code_count; pc += words_at(u, pc)) {
    uint32_t op = u->code[pc] & 0xff, x = u->code[pc] >> 8;
    if (op == LQ_OP_CONST) continue; /* arguments of the filter, what it is compared with */
    if (op == LQ_OP_PRINT) return 'p';
    if (op == LQ_OP_FILTER) return x == LQF_DEFAULT || x == LQF_SIZE ? 0 : 'p';
    if (op == LQ_OP_JFALSE || op == LQ_OP_JTRUE || op == LQ_OP_AND || op == LQ_OP_OR || op == LQ_OP_COMPARE) return 't';
    return 0;
  }
  return 0;
}

/* A value that is tested anywhere may be absent; one that is only printed may not. */
static bool is_required(const struct lq_unit *u, uint32_t name) {
  bool printed = false;
  for (uint32_t pc = 0; pc < u->code_count; pc += words_at(u, pc)) {
    if (u->code[pc] != ((uint32_t)LQ_OP_VAR | name << 8)) continue;
    char use = use_at(u, behind_path(u, pc));
    if (use == 't') return false;
    printed = printed || use == 'p';
  }
  return printed;
}

static struct span span_of_name(const struct reader_of_template *r, struct str name) {
  bool inside = name.ptr >= r->text.ptr && name.ptr + name.len <= r->text.ptr + r->text.len;
  size_t from = inside ? (size_t)(name.ptr - r->text.ptr) : 0;
  return template_span(r->s, r->text, r->span, from, from + (inside ? name.len : 1));
}

/* --- checking -------------------------------------------------------------------------------------------------------- */

static void check_attribute(const struct reader_of_template *r, struct str name) {
  if (scope_attribute(r->s, name) || r->s->allow_unknown) return;
  struct span span = span_of_name(r, name);
  struct diagnostic *d = diag(r->s->c, DIAG_E0303, span, "a contact has no attribute `" STR_FMT "`", STR_ARG(name));
  scope_suggest_attribute(r->s, d, span, name, "");
}

static void check_variable(const struct reader_of_template *r, uint32_t pc) {
  const struct lq_unit *u = r->u;
  uint32_t name = u->code[pc] >> 8, next = pc + 1, op = u->code[next] & 0xff;
  struct str text = u->names[name].text;
  if (r->names[name] & OWN) return;
  if (!str_is(text, "contact")) {
    if (!(r->names[name] & NOTED)) note_value(r->s, r->m, text, span_of_name(r, text), is_required(u, name));
    r->names[name] |= NOTED;
  } else if (op == LQ_OP_PROP || op == LQ_OP_KEY) {
    check_attribute(r, u->names[u->code[next] >> 8].text);
  } else {
    struct diagnostic *d = diag(r->s->c, DIAG_E0507, span_of_name(r, text), "a contact is read by its attributes");
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
  struct span span = span_of_name(r, name);
  struct diagnostic *d = diag(r->s->c, DIAG_E0591, span, "there is no filter `" STR_FMT "`", STR_ARG(name));
  struct nearest n = nearest_of(name);
  for (uint32_t i = 0; i < LQF_COUNT; i++) nearest_try(&n, str_from_c(lq_filters[i].name));
  scope_suggest_end(r->s, d, span, n, "");
}

static void report(const struct reader_of_template *r, const struct liquid_error *e) {
  struct compilation *c = r->s->c;
  size_t from = e->at >= r->text.ptr && e->at <= r->text.ptr + r->text.len ? (size_t)(e->at - r->text.ptr) : 0;
  const char *newline = memchr(r->text.ptr + from, '\n', r->text.len - from), *close = NULL;
  size_t end = newline ? (size_t)(newline - r->text.ptr) : r->text.len;
  if (end - from > 2) close = memmem(r->text.ptr + from, end - from, r->text.ptr[from + 1] == '%' ? "%}" : "}}", 2);
  struct span span = template_span(r->s, r->text, r->span, from, close ? (size_t)(close + 2 - r->text.ptr) : end > from + 2 ? from + 2 : end);
  struct str reason = plain_reason(&c->arena, arena_str(&c->arena, e->found));
  if (reason.len > 200) reason.len = 200;
  struct diagnostic *d = diag(c, DIAG_E0507, span, STR_FMT, STR_ARG(reason));
  d->expected = STR("Liquid, such as `{{ contact.first_name | default: \"friend\" }}`");
}

void liquid_check(struct scope *s, struct message_decl *m, struct str text, struct span span) {
  struct liquid_compiler *c = liquid_compiler_new();
  struct liquid_options options = options_of(text, true);
  struct reader_of_template r = { s, m, text, span, NULL, NULL };
  struct liquid_error e;
  liquid_reset(c, &options);
  bool whole = liquid_add(c, STR(""), text, &e);
  uint32_t mended;
  const struct liquid_error *mistakes = liquid_mended(c, &mended);
  for (uint32_t i = 0; i < mended; i++) report(&r, &mistakes[i]);
  if (!whole) {
    report(&r, &e);
  } else {
    struct lq_unit u = liquid_unit(c);
    r.u = &u;
    r.names = own_names(&s->c->arena, &u);
    uint32_t unknown;
    const struct str *filters = liquid_unknown_filters(c, &unknown);
    for (uint32_t i = 0; i < unknown; i++) unknown_filter(&r, filters[i]);
    for (uint32_t pc = 0; pc < u.code_count; pc += words_at(&u, pc)) {
      uint32_t op = u.code[pc] & 0xff;
      if (op == LQ_OP_VAR) check_variable(&r, pc);
      if (op != LQ_OP_INCLUDE && op != LQ_OP_RENDER) continue;
      uint32_t name = u.sites[u.code[pc] >> 8].text;
      struct diagnostic *d = diag(s->c, DIAG_E0592, name == LQ_NONE ? template_span(s, text, span, 0, 1) : span_of_name(&r, u.names[name].text),
                                  "there are no snippets that a message could take in");
      d->expected = STR("the snippet's text itself");
    }
  }
  liquid_compiler_free(c);
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

const struct part *liquid_parts(struct builder *b, struct str text, bool body, uint32_t *count) {
  struct liquid_compiler *c = liquid_compiler_new();
  struct liquid_options options = options_of(text, body);
  struct parts parts = { { 0 } };
  struct liquid_error e;
  liquid_reset(c, &options);
  if (liquid_add(c, STR(""), text, &e)) { /* otherwise the check has said so, and nothing is written */
    struct lq_unit u = liquid_unit(c);
    const uint8_t *names = own_names(b->a, &u);
    for (uint32_t pc = 0; pc < u.code_count; pc += words_at(&u, pc)) {
      uint32_t name = u.code[pc] >> 8, next = pc + 1 < u.code_count ? u.code[pc + 1] & 0xff : LQ_OP_NOP;
      if ((u.code[pc] & 0xff) != LQ_OP_VAR || !str_is(u.names[name].text, "contact") || names[name] & OWN) continue;
      if (next == LQ_OP_PROP || next == LQ_OP_KEY) add_attribute(b, &parts, arena_str(b->a, u.names[u.code[pc + 1] >> 8].text));
    }
    struct buf bytes;
    buf_init(&bytes, LIMIT_PROGRAM_BYTES);
    lq_unit_write(&bytes, &u);
    struct part p = { .kind = PART_LIQUID, .text = build_string(b, arena_str(b->a, buf_as_str(&bytes))), .field = NONE };
    VEC_PUSH(b->a, &parts.items, p);
    buf_deinit(&bytes);
  }
  liquid_compiler_free(c);
  *count = parts.items.count;
  return parts.items.items;
}
