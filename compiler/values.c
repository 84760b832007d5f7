/* The values that come with a send, against those that the message says: `send promo with { code: "X1" }` and `{{ code }}`.
 *
 * Not here: reading the message's text (template.c), what a value is (types.c), how it is kept until the message is written
 * (runtime/engine/effects.c).
 *
 *   1. One mistake, one error: a value that no send gives is reported where the message says it, one that some give and others
 *      do not, at the others. */
#include "mail.h"

void values_note(struct compilation *c, struct message_decl *m, const struct stmt *send) {
  struct sending *s = ARENA_NEW(&c->arena, struct sending);
  *s = (struct sending){ send, m->sendings };
  m->sendings = s;
  values_twice(c, send->props);
}

void values_twice(struct compilation *c, const struct prop *props) {
  for (const struct prop *p = props; p; p = p->next)
    for (const struct prop *q = props; q != p; q = q->next)
      if (str_eq(q->name.text, p->name.text)) {
        struct diagnostic *d = diag(c, DIAG_E0442, p->name.span, "`" STR_FMT "` is given twice", STR_ARG(p->name.text));
        d->note_span = q->name.span;
        d->note = STR("it was given here");
        break;
      }
}

static bool gives(const struct stmt *send, struct str name) {
  for (const struct prop *p = send->props; p; p = p->next)
    if (str_eq(p->name.text, name))
      return true;
  return false;
}

static bool given_by_some(const struct message_decl *m, struct str name) {
  for (const struct sending *at = m->sendings; at; at = at->next)
    if (gives(at->stmt, name))
      return true;
  return false;
}

/* In one of its languages. */
static bool says(const struct message_decl *m, struct str name) {
  for (const struct said_value *v = m->said; v; v = v->next)
    if (str_eq(v->name.text, name))
      return true;
  for (const struct message_decl *t = m->translations; t; t = t->next_translation)
    if (says(t, name))
      return true;
  return false;
}

/* `{{ customer.first_name }}`: how other tools call the contact. */
static bool root_of_another(struct str name) {
  static const char *const roots[] = { "customer", "person", "user", "profile", "subscriber", "lead", "recipient" };
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    if (str_is(name, roots[i])) return true;
  return false;
}

/* No send gives it: an attribute whose `contact.` was forgotten, a misspelt name, or really nothing. */
static void given_by_none(struct scope *s, const struct message_decl *m, const struct said_value *v) {
  bool snippet = v->name.span.source != m->name.span.source && v->name.span.source != m->body.span.source;
  struct diagnostic *d = diag(s->c, DIAG_E0441, v->name.span, "nothing gives `" STR_FMT "` to %s" STR_FMT "%s", STR_ARG(v->name.text),
                              snippet ? "the message `" : "this message", STR_ARG(snippet ? m->name.text : STR("")), snippet ? "`" : "");
  if (snippet) d->note_span = m->name.span, d->note = STR("the message that takes this text in");
  struct nearest n = nearest_of(v->name.text);
  for (const struct sending *at = m->sendings; at; at = at->next)
    for (const struct prop *p = at->stmt->props; p; p = p->next)
      nearest_try(&n, p->name.text);
  scope_suggest_end(s, d, v->name.span, n, "");
  if (d->help.len)
    return;
  if (scope_attribute(s, v->name.text))
    scope_suggest_end(s, d, v->name.span, (struct nearest){ .best = v->name.text }, "contact.");
  else if (root_of_another(v->name.text))
    scope_suggest_end(s, d, v->name.span, (struct nearest){ .best = STR("contact") }, "");
  else
    scope_suggest_attribute(s, d, v->name.span, v->name.text, "contact.");
  if (!d->help.len)
    d->help = arena_printf(&s->c->arena, "give it where the message is sent: `send " STR_FMT " with { " STR_FMT ": … }`",
                           STR_ARG(m->name.text), STR_ARG(v->name.text));
}

static void check_said(struct scope *s, const struct message_decl *m, const struct said_value *v) {
  if (!v->required)
    return;
  if (!given_by_some(m, v->name.text)) {
    given_by_none(s, m, v);
    return;
  }
  for (const struct sending *at = m->sendings; at; at = at->next) {
    if (gives(at->stmt, v->name.text))
      continue;
    struct diagnostic *d = diag(s->c, DIAG_E0441, at->stmt->span, "`" STR_FMT "` says `" STR_FMT "`, and this send does not give it",
                                STR_ARG(m->name.text), STR_ARG(v->name.text));
    d->expected = arena_printf(&s->c->arena, "`send " STR_FMT " with { " STR_FMT ": … }`", STR_ARG(m->name.text), STR_ARG(v->name.text));
    d->note_span = v->name.span;
    d->note = STR("the message says it here");
  }
}

/* What was misspelt in the text is reported there. */
static bool meant_by_text(const struct message_decl *m, const struct prop *p) {
  for (const struct said_value *v = m->said; v; v = v->next) {
    struct nearest n = nearest_of(v->name.text);
    nearest_try(&n, p->name.text);
    if (n.best.len && v->required && !given_by_some(m, v->name.text))
      return true;
  }
  return false;
}

static void check_given(struct compilation *c, struct scope *s, const struct message_decl *m, const struct prop *p) {
  if (says(m, p->name.text) || meant_by_text(m, p) || mail_is_url(p->name.text))
    return;
  struct diagnostic *d = diag(c, DIAG_W0134, p->name.span, "the message `" STR_FMT "` does not say `" STR_FMT "`", STR_ARG(m->name.text),
                              STR_ARG(p->name.text));
  struct nearest n = nearest_of(p->name.text);
  for (const struct said_value *v = m->said; v; v = v->next)
    nearest_try(&n, v->name.text);
  scope_suggest_end(s, d, p->name.span, n, "");
  if (!d->help.len)
    d->help = arena_printf(&c->arena, "say it in its text, `{{ " STR_FMT " }}`, or leave it out", STR_ARG(p->name.text));
}

void values_check(struct compilation *c, struct scope *s, struct message_decl *m) {
  for (const struct said_value *v = m->said; v; v = v->next)
    check_said(s, m, v);
  for (const struct sending *at = m->translation_of ? NULL : m->sendings; at; at = at->next)
    for (const struct prop *p = at->stmt->props; p; p = p->next)
      check_given(c, s, m, p);
}
