/* A message's template with all that it takes in: its layout, its snippets and theirs; what the code of all reads, and which names are
 * its own.
 *
 * Not here: mistakes in it (liquid_message.c), where files are looked for (snippets.c). */
#include "liquid_message.h"

/* --- what the code reads --------------------------------------------------------------------------------------------- */

uint32_t liquid_words(const struct lq_unit *u, uint32_t pc) {
  const char *kinds = lq_op_table[u->code[pc] & 0xff].operands;
  uint32_t words = 1;
  for (const char *k = *kinds ? kinds + 1 : kinds; *k; k++) {
    uint32_t before = words == 1 ? u->code[pc] >> 8 : u->code[pc + words - 1];
    words += *k == 'N' || *k == 'J' ? before : 1;
  }
  return words;
}

/* --- snippets and layouts -------------------------------------------------------------------------------------------- */

uint32_t liquid_template_of(const struct lq_unit *u, uint32_t pc) {
  uint32_t t = 0;
  while (t + 1 < u->template_count && u->templates[t + 1].start <= pc) t++;
  return t;
}

bool liquid_is_call(uint32_t op) { return op == LQ_OP_INCLUDE || op == LQ_OP_RENDER; }

/* The snippet that the call at pc names; NULL when it computes the name. */
const struct str *liquid_called(const struct lq_unit *u, uint32_t pc) {
  uint32_t name = u->sites[u->code[pc] >> 8].text;
  return name == LQ_NONE ? NULL : &u->names[name].text;
}

static void take(struct reader_of_template *r, struct str name, const struct snippet *found) {
  struct taken t = { name, found->text, { found->source, 0, (uint32_t)found->text.len } };
  VEC_PUSH(r->a, &r->texts, t);
}

static bool find_layout(void *context, struct str name, struct str *text) {
  struct reader_of_template *r = context;
  if (!snippet_name_ok(name)) return false;
  const struct snippet *found = snippet_find(r->s, r->a, r->script, "layouts", name, r->m != NULL);
  if (!found || !found->found) return false;
  take(r, name, found);
  *text = r->instead ? r->instead(r->instead_context, found->text) : found->text;
  return true;
}

/* --- text or HTML ---------------------------------------------------------------------------------------------------- */

/* A tag at the beginning of the text: its word, the text in quotes that it names, and what is behind it. */
static bool leading_tag(struct str text, struct str *word, struct str *name, struct str *rest) {
  const char *end = text.ptr + text.len, *close = text.len > 4 && text.ptr[0] == '{' && text.ptr[1] == '%' ? memmem(text.ptr, text.len, "%}", 2) : NULL;
  if (!close) return false;
  const char *at = text.ptr + 2;
  while (at < close && (*at == '-' || *at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) at++;
  const char *from = at;
  while (at < close && ((*at >= 'a' && *at <= 'z') || *at == '_')) at++;
  *word = str_slice(from, at);
  while (at < close && *at == ' ') at++;
  const char *quote = at < close && (*at == '"' || *at == '\'') ? memchr(at + 1, *at, (size_t)(close - at - 1)) : NULL;
  *name = quote ? str_slice(at + 1, quote) : STR("");
  *rest = str_slice(close + 2, end);
  if (!str_is(*word, "comment")) return true;
  const char *closed = memmem(rest->ptr, rest->len, "endcomment", 10), *behind = closed ? memmem(closed, (size_t)(end - closed), "%}", 2) : NULL;
  if (behind) *rest = str_slice(behind + 2, end);
  return true;
}

/* What the first of the text is that is no tag of Liquid: its own, or that of the layout or the snippet that it begins with. */
enum first { NO_TEXT, TEXT, HTML };
static enum first first_of(struct reader_of_template *r, struct str text, uint32_t depth) {
  struct str word, name, rest;
  for (;;) {
    while (text.len && memchr(" \t\r\n", *text.ptr, 4)) text.ptr++, text.len--;
    if (!leading_tag(text, &word, &name, &rest)) return !text.len ? NO_TEXT : *text.ptr == '<' ? HTML : TEXT;
    bool layout = str_is(word, "layout"), call = str_is(word, "render") || str_is(word, "include");
    const struct snippet *in = (layout || call) && depth < LIMIT_SNIPPET_DEPTH && snippet_name_ok(name) ?
                               snippet_find(r->s, r->a, r->script, layout ? "layouts" : "snippets", name, r->m != NULL) : NULL;
    enum first first = in && in->found ? first_of(r, in->text, depth + 1) : NO_TEXT;
    if (layout || first != NO_TEXT) return first;
    text = rest;
  }
}

bool liquid_is_html(struct reader_of_template *r, struct str text) { return first_of(r, text, 0) == HTML; }

/* The snippets that the code names and that are not there yet, and theirs, until nothing new comes up. False: one has a mistake. */
static bool take_snippets(struct reader_of_template *r) {
  struct liquid_error e;
  bool whole = true;
  uint32_t pc = 0;
  do {
    r->u = liquid_unit(r->c);
    for (; pc < r->u.code_count; pc += liquid_words(&r->u, pc)) {
      if (!liquid_is_call(r->u.code[pc] & 0xff)) continue;
      const struct str *name = liquid_called(&r->u, pc);
      if (!name || !snippet_name_ok(*name)) continue;
      bool known = false;
      for (uint32_t i = 1; i < r->u.template_count; i++) known = known || str_eq(r->u.templates[i].name, *name);
      const struct snippet *found = known ? NULL : snippet_find(r->s, r->a, r->script, "snippets", *name, r->m != NULL);
      if (!found || !found->found) continue;
      struct str kept = arena_str(r->a, *name);
      take(r, kept, found);
      if (!liquid_add(r->c, kept, r->instead ? r->instead(r->instead_context, found->text) : found->text, &e)) {
        whole = false;
        if (r->m) liquid_report(r, &e);
      }
      r->u = liquid_unit(r->c);
    }
  } while (pc < liquid_unit(r->c).code_count);
  return whole;
}

/* The template with all that it takes in, as r->u. False: it cannot be read, and was reported where r->m is there. */
bool liquid_compile(struct reader_of_template *r, struct str text, struct span span, bool body) {
  struct liquid_options options = { .mode = LIQUID_STRICT2, .escape = body && liquid_is_html(r, text), .camp = true, .find_layout = find_layout,
                                    .context = r };
  struct liquid_error e;
  liquid_reset(r->c, &options);
  struct taken own = { STR(""), text, span };
  VEC_PUSH(r->a, &r->texts, own);
  bool whole = liquid_add(r->c, STR(""), text, &e);
  if (!whole && r->m) liquid_report(r, &e);
  bool snippets = take_snippets(r);
  return whole && snippets;
}

/* --- names ----------------------------------------------------------------------------------------------------------- */

uint8_t *liquid_own(const struct reader_of_template *r, uint32_t template, uint32_t name) {
  return &r->own[template * (r->u.name_count + 1) + name];
}

uint32_t liquid_template_named(const struct lq_unit *u, struct str name) {
  for (uint32_t i = 1; i < u->template_count; i++)
    if (str_eq(u->templates[i].name, name)) return i;
  return LQ_NONE;
}

static bool binds(uint32_t op) {
  return op == LQ_OP_ASSIGN || op == LQ_OP_ENDCAPTURE || op == LQ_OP_INCREMENT || op == LQ_OP_DECREMENT || op == LQ_OP_SCOPE;
}

/* What a call gives to the snippet's names; true when that is new. */
static bool give(const struct reader_of_template *r, uint32_t pc, uint32_t from, uint32_t to) {
  const struct lq_unit *u = &r->u;
  const struct lq_site *s = &u->sites[u->code[pc] >> 8];
  bool is_new = false;
  for (uint32_t i = 0; i < s->arg_count; i++) is_new |= !*liquid_own(r, to, u->args[s->args + i]), *liquid_own(r, to, u->args[s->args + i]) = OWN;
  if (s->var != LQ_NONE) is_new |= !*liquid_own(r, to, s->var), *liquid_own(r, to, s->var) = OWN;
  for (uint32_t n = 0; (u->code[pc] & 0xff) == LQ_OP_INCLUDE && n < u->name_count; n++) { /* the two share their names */
    uint8_t *a = liquid_own(r, from, n), *b = liquid_own(r, to, n);
    is_new |= *a != *b;
    *a = *b = *a | *b;
  }
  return is_new;
}

/* Marks, for each template, the names that it gives values itself, or gets from who takes it in. */
void liquid_mark_own(struct reader_of_template *r) {
  const struct lq_unit *u = &r->u;
  r->own = arena_zalloc(r->a, (size_t)u->template_count * (u->name_count + 1), 1);
  r->noted = arena_zalloc(r->a, u->name_count + 1, 1);
  for (uint32_t t = 0; t < u->template_count; t++)
    for (uint32_t i = 0; i < u->name_count; i++)
      if (str_is(u->names[i].text, "forloop") || str_is(u->names[i].text, "tablerowloop") || u->names[i].self) *liquid_own(r, t, i) = OWN;
  for (uint32_t pc = 0; pc < u->code_count; pc += liquid_words(u, pc)) {
    uint32_t op = u->code[pc] & 0xff, x = u->code[pc] >> 8;
    if (binds(op)) *liquid_own(r, liquid_template_of(u, pc), x) = OWN;
    if ((op == LQ_OP_FOR || op == LQ_OP_ROW) && u->sites[x].var != LQ_NONE) *liquid_own(r, liquid_template_of(u, pc), u->sites[x].var) = OWN;
  }
  for (bool more = true; more;) {
    more = false;
    for (uint32_t pc = 0; pc < u->code_count; pc += liquid_words(u, pc)) {
      const struct str *name = liquid_is_call(u->code[pc] & 0xff) ? liquid_called(u, pc) : NULL;
      uint32_t to = name ? liquid_template_named(u, *name) : LQ_NONE;
      if (to != LQ_NONE) more |= give(r, pc, liquid_template_of(u, pc), to);
    }
  }
}

/* Behind what the variable at pc reads: its last `.name`. */
uint32_t liquid_behind_path(const struct lq_unit *u, uint32_t pc) {
  for (pc += liquid_words(u, pc); pc < u->code_count; pc += liquid_words(u, pc)) {
    uint32_t op = u->code[pc] & 0xff;
    if (op != LQ_OP_PROP && op != LQ_OP_KEY) break;
  }
  return pc;
}

/* What becomes of the value: 'p' printed without a default, 't' tested, 0 neither. */
static char use_at(const struct lq_unit *u, uint32_t pc) {
  for (; pc < u->code_count; pc += liquid_words(u, pc)) {
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
bool liquid_is_required(const struct lq_unit *u, uint32_t name) {
  bool printed = false;
  for (uint32_t pc = 0; pc < u->code_count; pc += liquid_words(u, pc)) {
    if (u->code[pc] != ((uint32_t)LQ_OP_VAR | name << 8)) continue;
    char use = use_at(u, liquid_behind_path(u, pc));
    if (use == 't') return false;
    printed = printed || use == 'p';
  }
  return printed;
}

const struct taken *liquid_taken_at(const struct reader_of_template *r, const char *at) {
  for (uint32_t i = 0; i < r->texts.count; i++) {
    struct str text = r->texts.items[i].text;
    if (at >= text.ptr && at <= text.ptr + text.len) return &r->texts.items[i];
  }
  return NULL;
}

struct span liquid_span(const struct reader_of_template *r, struct str name) {
  const struct taken *t = liquid_taken_at(r, name.ptr);
  bool inside = t != NULL;
  if (!inside) t = &r->texts.items[0];
  size_t from = inside ? (size_t)(name.ptr - t->text.ptr) : 0;
  return template_span(r->s, t->text, t->span, from, from + (inside ? name.len : 1));
}
