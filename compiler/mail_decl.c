/* What a message says of itself as a mail: `text`, `preheader`, `from`, `reply to`, `attach file`, `untracked`.
 *
 * Not here: its subject and body (tree.c), what is checked of it (mail_check.c), its files (mail_file.c).
 *
 * Invariant: a word that is none of these is reported once, with the nearest that is one, and nothing is said of what follows from it. */
#include "parse.h"

#include "diagnostics.h"

static const char *const mail_words[] = { "text", "preheader", "from", "reply to", "attach file", "untracked", "subject", "body", "channel", "topic", "transactional",
  "priority", "expires after" };
static const char *const mail_forms[] = { "`text \"…\"` or `text file \"….txt\"`",
  "`preheader \"…\"`", "`from \"Shop <news@shop.example>\"`",
  "`reply to \"help@shop.example\"`", "`attach file \"terms.pdf\"`", "`untracked`", "`subject \"…\"`", "`body \"…\"` or `body file \"….html\"`",
  "`channel sms`", "`topic offers`", "`transactional`", "`priority high`", "`expires after 2d`" };

static void unknown(struct parse *p, struct message_decl *m, struct mail_word w) {
  (void)message_bad(m);
  if (p->quiet) return;
  struct diagnostic *d = diag(p->c, DIAG_E0585, w.word.span, "a message has no part `" STR_FMT "`", STR_ARG(w.word.text));
  struct nearest n = nearest_of(w.word.text);
  const char *form = NULL;
  for (size_t i = 0; i < sizeof mail_words / sizeof *mail_words; i++) {
    const char *end = strchr(mail_words[i], ' ');
    struct str word = end ? str_slice(mail_words[i], end) : str_from_c(mail_words[i]);
    nearest_try(&n, word);
    if (str_eq(word, w.word.text)) form = mail_forms[i];
  }
  if (form) {
    d->expected = str_from_c(form);
    return;
  }
  d->expected = STR("channel, subject, body, text, preheader, topic, from, reply to, attach file, transactional, priority, expires after or untracked");
  if (!n.best.len) return;
  d->help = arena_printf(&p->c->arena, "did you mean `" STR_FMT "`?", STR_ARG(n.best));
  d->has_fix = true;
  d->fix = (struct fix){ w.word.span, n.best };
}

/* True when it was said before, which is reported. */
static bool twice(struct parse *p, struct mail_word w, struct span before) {
  if (!before.to) return false;
  if (p->quiet) return true;
  struct diagnostic *d = diag(p->c, DIAG_E0208, w.word.span, "a message has one `" STR_FMT "`", STR_ARG(w.word.text));
  d->note_span = before;
  d->note = STR("it was said here");
  return true;
}

struct message_decl *mail_part(struct parse *p, struct message_decl *m, struct mail_word w) {
  bool text = str_is(w.word.text, "text"), value = w.value.span.to > 0;
  if (w.bare) {
    unknown(p, m, w);
    return m;
  }
  struct name *one = text ? &m->text : str_is(w.word.text, "preheader") ? &m->preheader : str_is(w.word.text, "from") ? &m->from : str_is(w.word.text, "reply") ? &m->reply_to : NULL;
  if (str_is(w.word.text, "attach") && w.file) {
    struct mail_file *f = ARENA_NEW(&p->c->arena, struct mail_file);
    *f = (struct mail_file){ .path = w.value, .as = w.as };
    if (!m->attached_tail) m->attached_tail = &m->attached;
    *m->attached_tail = f;
    m->attached_tail = &f->next;
  } else if (str_is(w.word.text, "untracked") && !value) {
    if (twice(p, w, m->untracked_span)) return m;
    m->untracked = true;
    m->untracked_span = w.word.span;
  } else if (one && value && !w.as.span.to && w.file <= text && w.to == (one == &m->reply_to)) {
    if (twice(p, w, one->span)) return m;
    *one = w.value;
    m->text_is_file |= text && w.file;
  } else {
    unknown(p, m, w);
  }
  return m;
}
