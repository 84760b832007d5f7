/* Messages in several languages: `subject { en "…"; fr "…" }`, `body { en file "hello.en.html"; fr file "hello.fr.html" }`.
 *
 * Not here: which text a contact gets (runtime/send/render.c), what the texts say (template.c, liquid_message.c).
 *
 * The first language is the fallback: its texts are the message's own. Each other one becomes a message beside it that nobody can
 * name in a script, `hello.fr`, so that every stage looks at its texts as at any other's.
 *
 * Invariants:
 * 1. Subject and body have the same languages, or one of the two is said once for all.
 * 2. Topic, priority and expiry are the message's; a translation has its texts, and what a mail needs beside them. */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"
#include "names.h"

/* ISO 639-1, two letters each. */
static const char codes[] =
  "aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagdglgngugvhahehihohrhthuhyhzia"
  "idieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmhmimkmlmnmrmsmtmynanbndnengnlnnnonrnvnyocojomorospapiplps"
  "ptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotrtstttwtyugukuruzvevivowawoxhyiyozazhzu";

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool known(struct str language) {
  if (language.len == 3) return is_letter(language.ptr[0]) && is_letter(language.ptr[1]) && is_letter(language.ptr[2]);
  for (size_t i = 0; language.len == 2 && i + 1 < sizeof codes - 1; i += 2)
    if (lower(language.ptr[0]) == codes[i] && lower(language.ptr[1]) == codes[i + 1]) return true;
  return false;
}

/* A tag of BCP 47: the language, then parts of 2 to 8 letters and digits. */
static bool tag_good(struct str tag) {
  size_t at = 0;
  while (at < tag.len && tag.ptr[at] != '-') at++;
  if (!known((struct str){ tag.ptr, at })) return false;
  while (at < tag.len) {
    size_t from = ++at;
    for (; at < tag.len && tag.ptr[at] != '-'; at++)
      if (!is_letter(tag.ptr[at]) && (tag.ptr[at] < '0' || tag.ptr[at] > '9')) return false;
    if (at - from < 2 || at - from > 8) return false;
  }
  return true;
}

/* --- nodes --------------------------------------------------------------------------------------------------------- */

struct language_text *language_text(struct parse *p, struct name language, struct token text, bool file) {
  struct language_text *t = ARENA_NEW(&p->c->arena, struct language_text);
  char *tag = arena_alloc(&p->c->arena, language.text.len + 1);
  for (size_t i = 0; i < language.text.len; i++) tag[i] = lower(language.text.ptr[i]);
  *t = (struct language_text){ .language = { { tag, language.text.len }, language.span }, .text = name_of(p, text), .file = file };
  if (!p->quiet && !tag_good(language.text)) {
    struct diagnostic *d = diag(p->c, DIAG_E0593, language.span, "`" STR_FMT "` is no language", STR_ARG(language.text));
    d->expected = STR("a code such as `en` or `fr`, or one with a region in quotes, such as `\"pt-BR\"`");
  }
  return t;
}

struct language_text *language_bad(struct parse *p) {
  struct language_text *t = ARENA_NEW(&p->c->arena, struct language_text);
  t->bad = true;
  return t;
}

struct language_text *language_add(struct language_text *list, struct language_text *t) {
  struct language_text **end = &list;
  while (*end) end = &(*end)->next;
  *end = t;
  return list;
}

static const struct language_text *find(const struct language_text *list, const struct language_text *end, struct str language) {
  for (; list && list != end; list = list->next)
    if (str_eq(list->language.text, language)) return list;
  return NULL;
}

struct message_decl *message_languages(struct parse *p, struct message_decl *m, struct token word, struct language_text *list) {
  for (struct language_text **at = &list; *at;) {
    m->languages_torn |= (*at)->bad;
    if ((*at)->bad) *at = (*at)->next;
    else at = &(*at)->next;
  }
  if (!list) return message_bad(m);
  struct language_text *first = list;
  for (const struct language_text *t = list; t; t = t->next) {
    const struct language_text *before = find(list, t, t->language.text);
    if (!before || p->quiet) continue;
    struct diagnostic *d = diag(p->c, DIAG_E0594, t->language.span, "`" STR_FMT "` is here twice", STR_ARG(t->language.text));
    d->note_span = before->language.span;
    d->note = STR("the first one");
  }
  message_part(p, m, word, first->text, first->file);
  if (word.kind == TOK_SUBJECT) m->subjects = list;
  else m->bodies = list;
  return m;
}

/* --- one message a language ---------------------------------------------------------------------------------------- */

static void lacks(struct compilation *c, const struct language_text *have, const struct language_text *lack, const char *what) {
  for (const struct language_text *t = have; t; t = t->next) {
    if (find(lack, NULL, t->language.text)) continue;
    struct diagnostic *d = diag(c, DIAG_E0595, t->language.span, "there is no %s in `" STR_FMT "`", what, STR_ARG(t->language.text));
    d->help = STR("subject and body have the same languages");
    d->note_span = lack->language.span;
    d->note = STR("the other languages are here");
  }
}

static struct item *translation(struct compilation *c, struct item *item, const struct language_text *subject, const struct language_text *body) {
  struct item *copy = ARENA_NEW(&c->arena, struct item);
  struct message_decl *m = &copy->message, *own = &item->message;
  *copy = *item;
  const struct language_text *either = subject ? subject : body;
  m->name = (struct name){ arena_printf(&c->arena, STR_FMT "." STR_FMT, STR_ARG(own->name.text), STR_ARG(either->language.text)), either->language.span };
  m->topic = (struct name){ 0 };
  m->transactional = false;
  m->priority = 0;
  m->expires = value_missing();
  m->subjects = m->bodies = NULL;
  m->translations = m->next_translation = NULL;
  m->translation_of = own;
  if (subject) m->subject = subject->text;
  if (body) m->body = body->text, m->body_is_file = body->file;
  m->next_translation = own->translations;
  own->translations = m;
  return copy;
}

void languages_expand(struct compilation *c, struct item *item) {
  struct message_decl *m = &item->message;
  if (m->translation_of || (!m->subjects && !m->bodies)) return;
  if (m->subjects && m->bodies && !m->languages_torn) {
    lacks(c, m->subjects, m->bodies, "body");
    lacks(c, m->bodies, m->subjects, "subject");
  }
  if (m->subjects && m->bodies) {
    const struct language_text *same = find(m->bodies, NULL, m->subjects->language.text);
    if (same) m->body = same->text, m->body_is_file = same->file; /* the subject's first language is the fallback */
  }
  const struct language_text *list = m->subjects ? m->subjects : m->bodies;
  for (const struct language_text *t = list->next; t; t = t->next) {
    const struct language_text *body = m->subjects && m->bodies ? find(m->bodies, NULL, t->language.text) : m->subjects ? NULL : t;
    if (find(list, t, t->language.text) || (m->subjects && m->bodies && !body)) continue;
    struct item *copy = translation(c, item, m->subjects ? t : NULL, body);
    copy->next = item->next;
    item->next = copy;
  }
}
