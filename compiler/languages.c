/* Messages in several languages: `subject { en "…"; fr "…" }`, `body { en file "hello.en.html"; fr file "hello.fr.html" }`, and so text and
 * preheader.
 *
 * Not here: which text a contact gets (runtime/send/render.c), what the texts say (template.c, liquid_message.c).
 *
 * The first language is the fallback: its texts are the message's own. Each other one becomes a message beside it that nobody can
 * name in a script, `hello.fr`, so that every stage looks at its texts as at any other's.
 *
 * Invariants:
 * 1. What is said in several languages is said in the same ones; any part may be said once for all.
 * 2. The language of a text is known where it is said: its filters write dates, numbers and money as that language does.
 * 3. Topic, priority and expiry are the message's; a translation has its texts, and what a mail needs beside them. */
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

/* Without those that were not understood. NULL: none is left. */
static struct language_text *understood(struct parse *p, struct message_decl *m, struct language_text *list, bool one_line) {
  for (struct language_text **at = &list; *at;) {
    m->languages_torn |= (*at)->bad;
    if ((*at)->bad) *at = (*at)->next;
    else at = &(*at)->next;
  }
  for (const struct language_text *t = list; t && !p->quiet; t = t->next) {
    const struct language_text *before = find(list, t, t->language.text);
    if (t->file && one_line) {
      struct diagnostic *d = diag(p->c, DIAG_E0590, t->text.span, "what stands in one line is said in the script, not in a file");
      d->expected = arena_printf(&p->c->arena, "`" STR_FMT " \"…\"`", STR_ARG(t->language.text));
    }
    if (!before) continue;
    struct diagnostic *d = diag(p->c, DIAG_E0594, t->language.span, "`" STR_FMT "` is here twice", STR_ARG(t->language.text));
    d->note_span = before->language.span;
    d->note = STR("the first one");
  }
  return list;
}

struct message_decl *message_languages(struct parse *p, struct message_decl *m, struct token word, struct language_text *list) {
  list = understood(p, m, list, word.kind == TOK_SUBJECT);
  if (!list) return message_bad(m);
  message_part(p, m, word, list->text, list->file);
  m->in[word.kind == TOK_SUBJECT ? SPOKEN_SUBJECT : SPOKEN_BODY] = list;
  return m;
}

struct message_decl *mail_languages(struct parse *p, struct message_decl *m, struct name word, struct language_text *list) {
  bool text = str_is(word.text, "text"), preheader = str_is(word.text, "preheader");
  list = understood(p, m, list, preheader);
  if (!list) return message_bad(m);
  struct name value = text || preheader ? list->text : (struct name){ 0 };
  bool before = text ? m->text.span.to > 0 : m->preheader.span.to > 0;
  mail_part(p, m, (struct mail_word){ .word = word, .value = value, .file = text && list->file });
  if (!before && (text || preheader)) m->in[text ? SPOKEN_TEXT : SPOKEN_PREHEADER] = list;
  return m;
}

/* --- one message a language ---------------------------------------------------------------------------------------- */

static const char *const part_names[] = { [SPOKEN_SUBJECT] = "subject", [SPOKEN_BODY] = "body", [SPOKEN_TEXT] = "text", [SPOKEN_PREHEADER] = "preheader" };

static void lacks(struct compilation *c, const struct language_text *have, const struct language_text *lack, const char *what) {
  for (const struct language_text *t = have; t; t = t->next) {
    if (find(lack, NULL, t->language.text)) continue;
    struct diagnostic *d = diag(c, DIAG_E0595, t->language.span, "there is no %s in `" STR_FMT "`", what, STR_ARG(t->language.text));
    d->help = STR("what is said in several languages is said in the same ones");
    d->note_span = lack->language.span;
    d->note = STR("the other languages are here");
  }
}

/* Its texts in this language, as far as it has them. */
static void take_language(struct message_decl *m, const struct message_decl *own, struct name language) {
  struct name *const texts[] = { [SPOKEN_SUBJECT] = &m->subject, [SPOKEN_BODY] = &m->body, [SPOKEN_TEXT] = &m->text, [SPOKEN_PREHEADER] = &m->preheader };
  bool *const files[] = { [SPOKEN_SUBJECT] = NULL, [SPOKEN_BODY] = &m->body_is_file, [SPOKEN_TEXT] = &m->text_is_file, [SPOKEN_PREHEADER] = NULL };
  m->language = language;
  for (int i = 0; i < LANGUAGE_PARTS; i++) {
    const struct language_text *t = own->in[i] ? find(own->in[i], NULL, language.text) : NULL;
    if (!t) continue;
    *texts[i] = t->text;
    if (files[i]) *files[i] = t->file;
  }
}

static struct item *translation(struct compilation *c, struct item *item, struct name language) {
  struct item *copy = ARENA_NEW(&c->arena, struct item);
  struct message_decl *m = &copy->message, *own = &item->message;
  *copy = *item;
  m->name = (struct name){ arena_printf(&c->arena, STR_FMT "." STR_FMT, STR_ARG(own->name.text), STR_ARG(language.text)), language.span };
  m->topic = (struct name){ 0 };
  m->transactional = false;
  m->priority = 0;
  m->expires = value_missing();
  memset(m->in, 0, sizeof m->in);
  m->translations = m->next_translation = NULL;
  m->translation_of = own;
  take_language(m, own, language);
  m->next_translation = own->translations;
  own->translations = m;
  return copy;
}

/* The first part that is said in several: its first language is the fallback. */
static int first_part(const struct message_decl *m) {
  int i = 0;
  while (i < LANGUAGE_PARTS && !m->in[i]) i++;
  return i;
}

void languages_expand(struct compilation *c, struct item *item) {
  struct message_decl *m = &item->message;
  int first = first_part(m);
  if (m->translation_of || first == LANGUAGE_PARTS) return;
  for (int i = first + 1; i < LANGUAGE_PARTS; i++) {
    if (!m->in[i] || m->languages_torn) continue;
    lacks(c, m->in[first], m->in[i], part_names[i]);
    lacks(c, m->in[i], m->in[first], part_names[first]);
  }
  take_language(m, m, m->in[first]->language);
  for (const struct language_text *t = m->in[first]->next; t; t = t->next) {
    bool whole = !find(m->in[first], t, t->language.text);
    for (int i = first + 1; i < LANGUAGE_PARTS; i++) whole = whole && (!m->in[i] || find(m->in[i], NULL, t->language.text));
    if (!whole) continue;
    struct item *copy = translation(c, item, t->language);
    copy->next = item->next;
    item->next = copy;
  }
}
