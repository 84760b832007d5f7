/* The compiler's driver: finds what a project is made of, and runs the stages over it.
 *
 * Not here: any stage itself; reading files (the caller's source_reader does).
 *
 * Invariants:
 * 1. The prelude is always the first of the tree, then the caller's scripts in their order, then what they use, each once.
 * 2. A later stage runs over whatever an earlier one understood, so one run reports every mistake; code is made only
 *    when there is none.
 * 3. Sources that the caller added come before those of the standard library, so that numbers of sources, and with them
 *    the order of diagnostics, follow the project.
 * 4. Scripts are parsed on several cores, each without looking at the others. One with a mistake is parsed again in its turn,
 *    so what is reported is the same on any machine. */
#include "allow.h"
#include "care.h"
#include "mail.h"
#include "workers.h"

struct embedded_file { const char *path; const char *text; unsigned long bytes; };
extern const struct embedded_file stdlib_files[];

struct driver {
  struct compilation *c;
  const struct source_reader *reader;
  struct table loaded;   /* paths that were added */
  struct table modules;  /* those that another script takes in */
  VEC(struct message_decl *) messages;
  uint32_t zones_compared; /* wrong zones for which the nearest was looked for */
};

enum { ZONES_COMPARED_MAX = 100 };

static bool driver_seen(struct driver *d, struct str path) {
  void **place = table_place(&d->c->arena, &d->loaded, 1, path);
  bool seen = *place != NULL;
  *place = d;
  return seen;
}

/* stdlib/NAME.camp of the program itself. */
static const struct embedded_file *stdlib_find(struct str name) {
  for (const struct embedded_file *f = stdlib_files; f->path; f++) {
    const char *base = strrchr(f->path, '/');
    struct str stem = str_from_c(base ? base + 1 : f->path);
    if (str_ends(stem, STR(".camp")))
      stem.len -= 5;
    if (str_eq(stem, name))
      return f;
  }
  return NULL;
}

/* --- use ----------------------------------------------------------------------------------------------------------- */
static void use_unknown(struct driver *d, struct item *item) {
  struct diagnostic *g = diag(d->c, DIAG_E0314, item->use.span, "there is no %s `" STR_FMT "`",
                              item->use_is_path ? "file" : "module", STR_ARG(item->use.text));
  if (item->use_is_path) {
    const char *from = arena_str(&d->c->arena, d->c->sources.items[item->span.source].path).ptr;
    struct str nearest = { NULL, 0 };
    if (d->reader && d->reader->instead)
      g->help = d->reader->instead(d->reader->context, &d->c->arena, from, item->use.text, &nearest);
    if (!g->help.len)
      g->help = STR("paths are relative to the script that uses them");
    g->has_fix = nearest.len > 0;
    g->fix = (struct fix){ item->use.span, nearest };
    return;
  }
  struct nearest n = nearest_of(item->use.text);
  for (const struct embedded_file *f = stdlib_files; f->path; f++) {
    struct str stem = str_from_c(strrchr(f->path, '/') ? strrchr(f->path, '/') + 1 : f->path);
    if (str_ends(stem, STR(".camp")))
      stem.len -= 5;
    nearest_try(&n, stem);
  }
  if (n.best.len) {
    g->help = arena_printf(&d->c->arena, "did you mean `" STR_FMT "`?", STR_ARG(n.best));
    g->has_fix = true;
    g->fix = (struct fix){ item->use.span, arena_str(&d->c->arena, n.best) };
  }
}

static void use_item(struct driver *d, struct item *item) {
  struct str from = d->c->sources.items[item->span.source].path, shown, text;
  if (!item->use_is_path) {
    const struct embedded_file *f = stdlib_find(item->use.text);
    if (!f)
      use_unknown(d, item);
    else if (!driver_seen(d, str_from_c(f->path)))
      compilation_add(d->c, str_from_c(f->path), (struct str){ f->text, f->bytes }, true);
    return;
  }
  const char *from_path = arena_str(&d->c->arena, from).ptr;
  if (!d->reader || !d->reader->read ||
      !d->reader->read(d->reader->context, &d->c->arena, from_path, item->use.text, &shown, &text))
    use_unknown(d, item);
  else {
    if (!str_eq(shown, from)) *table_place(&d->c->arena, &d->modules, 1, shown) = d;
    if (!driver_seen(d, shown))
      compilation_add(d->c, shown, text, false);
  }
}

/* --- parsing ------------------------------------------------------------------------------------------------------- */
static void parse_jobs(struct worker *w, void *context) {
  struct tree *trees = context;
  for (uint32_t from, to; worker_take(w, &from, &to);)
    for (uint32_t i = from; i < to; i++) {
      struct tree t = { NULL, NULL };
      parse_source(&w->own, i, &t);
      if (!worker_met_mistake(w))
        trees[i] = t;
    }
}

/* The trees of the sources so far; one without a tail is still to be parsed. NULL: all are. */
static struct tree *parse_ahead(struct compilation *c) {
  uint32_t count = workers_count(c);
  if (count == 1)
    return NULL;
  struct tree *trees = arena_zalloc(&c->arena, c->sources.count, sizeof *trees);
  struct workers all = { .context = trees, .job_count = c->sources.count, .take = 1, .run = parse_jobs };
  workers_run(&all, c, count);
  return trees;
}

/* Parses everything, and what it uses, until nothing new comes up. The prelude's items are put first. */
static void load_all(struct driver *d, struct tree *tree) {
  struct tree prelude = { NULL, NULL };
  prelude.tail = &prelude.items;
  for (uint32_t i = 0; i < d->c->sources.count; i++)
    (void)driver_seen(d, d->c->sources.items[i].path);
  const struct embedded_file *f = stdlib_find(STR("prelude"));
  uint32_t prelude_at = d->c->sources.count;
  if (f && !driver_seen(d, str_from_c(f->path)))
    compilation_add(d->c, str_from_c(f->path), (struct str){ f->text, f->bytes }, true);
  uint32_t ahead_count = d->c->sources.count;
  struct tree *ahead = parse_ahead(d->c);
  for (uint32_t i = 0; i < d->c->sources.count; i++) {
    bool is_prelude = f && i == prelude_at;
    struct tree *into = is_prelude ? &prelude : tree;
    struct item **first = into->tail;
    if (ahead && i < ahead_count && ahead[i].tail) {
      *into->tail = ahead[i].items;
      into->tail = ahead[i].tail;
    } else {
      parse_source(d->c, i, into);
    }
    for (struct item *item = *first; item; item = item->next)
      if (item->kind == ITEM_USE)
        use_item(d, item);
      else if (item->kind == ITEM_MESSAGE) {
        languages_expand(d->c, item);
        if (into->tail == &item->next) /* it was the last */
          while (*into->tail)
            into->tail = &(*into->tail)->next;
        VEC_PUSH(&d->c->arena, &d->messages, &item->message);
      }
  }
  *prelude.tail = tree->items;
  tree->items = prelude.items;
  for (uint32_t i = 0; i < d->c->sources.count; i++)
    d->c->sources.items[i].module = table_find(&d->modules, 1, d->c->sources.items[i].path) != NULL;
}

/* --- message files ------------------------------------------------------------------------------------------------- */
/* `body file "hello.html"` becomes the file's text, in a source of its own so that mistakes in it show its lines. */
static void load_text(struct driver *d, struct name *body) {
  const char *from = arena_str(&d->c->arena, d->c->sources.items[body->span.source].path).ptr;
  struct str shown, text;
  if (!d->reader || !d->reader->read || !d->reader->read(d->reader->context, &d->c->arena, from, body->text, &shown, &text)) {
    struct diagnostic *g = diag(d->c, DIAG_E0510, body->span, "there is no file `" STR_FMT "`", STR_ARG(body->text));
    g->help = STR("paths are relative to the script that names them");
    body->text.len = 0;
    return;
  }
  if (!text_file_add(d->c, shown, &text)) {
    body->text.len = 0;
    return;
  }
  *body = (struct name){ text, { d->c->sources.count - 1, 0, (uint32_t)text.len } };
}

/* After all scripts, because what is added here is no script. */
static void load_bodies(struct driver *d, struct scope *s) {
  for (uint32_t i = 0; i < d->messages.count; i++) {
    struct message_decl *m = d->messages.items[i];
    if (m->translation_of) { /* it stands behind the message, whose files are there */
      if (!m->translation_of->in[SPOKEN_TEXT]) m->text = m->translation_of->text, m->text_is_file = false;
      if (!m->translation_of->in[SPOKEN_BODY]) m->body = m->translation_of->body, m->body_is_file = false;
    }
    if (m->body_is_file) load_text(d, &m->body);
    if (m->text_is_file) load_text(d, &m->text);
    m->text.text = mail_url_tags(&d->c->arena, m->text.text);
    m->preheader.text = mail_url_tags(&d->c->arena, m->preheader.text);
    m->body.text = mail_url_tags(&d->c->arena, m->body.text);
    mail_load(s, m);
  }
}

/* --- time zones ---------------------------------------------------------------------------------------------------- */
/* The system's zones are the caller's to know. Of a name that is none, `Europe/Pari`, the nearest is looked for. */
static void check_zone(struct driver *d, struct str name, struct span span) {
  const struct source_reader *r = d->reader;
  if (!name.ptr || r->zone_known(r->context, name))
    return;
  struct diagnostic *g = diag(d->c, DIAG_E0315, span, "there is no time zone `" STR_FMT "`", STR_ARG(name));
  g->expected = STR("a zone such as `Europe/Paris` or `UTC`");
  if (!r->zone_names || d->zones_compared++ == ZONES_COMPARED_MAX)
    return;
  struct str all = r->zone_names(r->context, &d->c->arena);
  struct nearest n = nearest_of(name);
  for (size_t from = 0, to; from < all.len; from = to + 1) {
    for (to = from; to < all.len && all.ptr[to] != '\n';)
      to++;
    nearest_try(&n, (struct str){ all.ptr + from, to - from });
  }
  if (!n.best.len)
    return;
  g->help = arena_printf(&d->c->arena, "did you mean `" STR_FMT "`?", STR_ARG(n.best));
  g->has_fix = true;
  g->fix = (struct fix){ span, n.best };
}

/* The quotes are not the name's. */
static void check_zone_text(struct driver *d, const struct expr *e) {
  if (e && e->kind == EXPR_LITERAL && e->value.type == V_TEXT)
    check_zone(d, value_str(e->value), (struct span){ e->span.source, e->span.from + 1, e->span.to - 1 });
}

/* `set contact.timezone to "Europe/Pari"` */
static void see_set(void *context, const struct stmt *st) {
  if (st->kind == STMT_SET && str_is(st->name.text, "timezone"))
    check_zone_text(context, st->value);
}

static void check_zones(struct driver *d, const struct tree *tree) {
  const struct visitor sets = { d, see_set, NULL, NULL };
  if (!d->reader || !d->reader->zone_known)
    return;
  for (const struct item *i = tree->items; i; i = i->next) {
    if (i->kind == ITEM_ZONE)
      check_zone(d, i->zone.text, i->zone.span);
    for (const struct schedule_clause *s = i->kind == ITEM_CAMPAIGN ? i->campaign.schedules : NULL; s; s = s->next)
      check_zone(d, s->zone.text, s->zone.span);
    for (const struct test_line *l = i->kind == ITEM_TEST || i->kind == ITEM_FIXTURE ? i->test.lines : NULL; l; l = l->next)
      for (const struct prop *p = l->kind == TEST_CONTACT ? l->props : NULL; p; p = p->next)
        if (str_is(p->name.text, "timezone"))
          check_zone_text(d, p->value);
    if (i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE)
      visit_block(&sets, i->campaign.body);
    if (i->kind == ITEM_SEQUENCE && !i->sequence.used)
      visit_block(&sets, i->sequence.body);
  }
}

static uint32_t count_lines(const struct compilation *c) {
  uint32_t lines = 0;
  for (uint32_t i = 0; i < c->sources.count; i++) {
    if (c->sources.items[i].standard)
      continue;
    struct str t = c->sources.items[i].text;
    for (const char *at = t.ptr, *end = t.ptr + t.len; at && at < end; lines++) {
      const char *next = memchr(at, '\n', (size_t)(end - at));
      at = next ? next + 1 : end;
    }
  }
  return lines;
}

static void count_severities(struct compilation *c) {
  c->error_count = c->warning_count = 0;
  for (uint32_t i = 0; i < c->diagnostics.count; i++)
    if (c->diagnostics.items[i].severity == SEVERITY_ERROR)
      c->error_count++;
    else
      c->warning_count++;
}

/* --- what follows from a mistake of syntax ------------------------------------------------------------------------- */
/* The words of statements that were not understood, and of those among them that may have been declarations. */
struct torn_words { struct table said, declared; };

static void torn_words_add(struct compilation *c, const struct torn *torn, struct table *words) {
  const char *at = c->sources.items[torn->span.source].text.ptr + torn->span.from, *end = at + (torn->span.to - torn->span.from);
  while (at < end) {
    const char *from = at;
    while (at < end && (*at == '_' || (unsigned char)*at >= 0x80 || (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')))
      at++;
    if (at > from)
      *table_place(&c->arena, words, 1, str_slice(from, at)) = c;
    else
      at++;
  }
}

/* A name that is unknown because the statement that declares it was not understood; one that is used nowhere, as the statement that
 * uses it was not. */
static bool torn_away(const struct compilation *c, const struct diagnostic *d, const struct torn_words *all) {
  bool unknown = strncmp(d->code, "E03", 3) == 0, unused = *d->code == 'W';
  if (!unknown && !unused)
    return false;
  const struct table *words = unknown ? &all->declared : &all->said;
  struct str name = { c->sources.items[d->span.source].text.ptr + d->span.from, d->span.to - d->span.from };
  if (name.len > 2 && *name.ptr == '"')
    name = (struct str){ name.ptr + 1, name.len - 2 };
  return name.len && table_find(words, 1, name) != NULL;
}

static bool follows(const struct compilation *c, uint32_t syntax_count, const struct diagnostic *late, const struct torn_words *words) {
  struct span s = late->span;
  for (uint32_t k = 0; k < syntax_count; k++) {
    struct span early = c->diagnostics.items[k].span;
    if (early.source == s.source && early.from >= s.from && early.to <= s.to)
      return true;
  }
  for (uint32_t k = 0; k < c->torn.count; k++) {
    struct span torn = c->torn.items[k].span;
    if (torn.source == s.source && s.from >= torn.from && s.from < torn.to)
      return true;
  }
  return torn_away(c, late, words);
}

/* What a later stage says of a place that holds a mistake of lexing or parsing, or of a name that stands there, follows from that
 * mistake. */
static void drop_cascades(struct compilation *c, uint32_t syntax_count) {
  struct torn_words words = { { 0 }, { 0 } };
  uint32_t kept = syntax_count;
  for (uint32_t i = 0; i < c->torn.count; i++) {
    torn_words_add(c, &c->torn.items[i], &words.said);
    if (c->torn.items[i].declares)
      torn_words_add(c, &c->torn.items[i], &words.declared);
  }
  for (uint32_t i = syntax_count; i < c->diagnostics.count; i++)
    if (!follows(c, syntax_count, &c->diagnostics.items[i], &words))
      c->diagnostics.items[kept++] = c->diagnostics.items[i];
  c->diagnostics.count = kept;
}

void compile(struct compilation *c, const struct source_reader *reader) {
  struct driver d = { .c = c, .reader = reader };
  struct tree tree = { NULL, NULL };
  struct scope scope = { .c = c, .reader = reader };
  struct allow_list allows = { 0 };
  tree.tail = &tree.items;
  load_all(&d, &tree);
  uint32_t syntax_count = c->diagnostics.count;
  load_bodies(&d, &scope);
  c->line_count = count_lines(c);
  cases_expand(c, &tree);
  check_zones(&d, &tree);
  names_resolve(c, &tree, &scope);
  types_check(c, &tree, &scope);
  flow_check(c, &tree, &scope);
  drop_cascades(c, syntax_count);
  allow_read(c, &allows);
  count_severities(c);
  if (c->error_count == 0) {
    unused_check(c, &scope, &tree);
    templates_care(c, &scope, &tree);
    emit_program(c, &tree, &scope);
  }
  count_severities(c);
  allow_apply(c, &allows);
  diagnostics_sort(c);
  count_severities(c);
}
