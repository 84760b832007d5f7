#ifndef CAMP_COMPILER_MAIL_H
#define CAMP_COMPILER_MAIL_H
/* Messages as mails: what their stages share. Private to the compiler. */
#include "emit.h"
#include "mail_page.h"

/* text_file.c: adds a file of text as a source. False when it is none, which was reported; then it is empty. */
bool text_file_add(struct compilation *c, struct str shown, struct str *text);
/* mail_file.c: reads the page of a message's body, and the files that it attaches and shows; reports those that cannot be. */
void mail_load(struct scope *s, struct message_decl *m);
/* `{% unsubscribe_url %}` becomes `{{ unsubscribe_url }}`, which has the same length. */
struct str mail_url_tags(struct arena *a, struct str text);
/* Whether Camp gives this value to every message: unsubscribe_url, preferences_url, view_in_browser_url. */
bool mail_is_url(struct str name);
/* What emit_message.c puts into a body in place of an address, and before its end. A name of a script's own never gets here: it would
 * be a value that no send may give. */
#define MAIL_LINK "camp_link_"
#define MAIL_PIXEL "camp_pixel"
bool mail_is_link(struct str name);
/* mail_check.c */
void mail_check(struct scope *s, struct message_decl *m);
/* Values that Camp gives are no send's to give. */
void mail_check_given(struct compilation *c, const struct stmt *send);
/* emit_message.c: a unit a file of all messages, each once; the count of them. units NULL only counts, at most. */
/* What stands for a snippet or a layout of the body: `text` and the page tell as what. */
struct mail_edit {
  struct builder *b;       /* NULL: only the text is asked for */
  struct unit *u;
  const struct message_decl *m;
  bool text;               /* the text of it; else the page, with links that are counted and pictures that travel along */
  VEC(struct part) parts;  /* of links */
  VEC(struct message_link) links;
  VEC(struct str) targets;
  VEC(struct attachment) files;
};
struct str mail_instead(void *context, struct str source);
uint32_t emit_files(struct builder *b, struct unit *units, const struct tree *tree);
/* liquid_message.c: the names that the body gives values itself, or the snippets that it takes in. */
const struct str *liquid_own_names(struct scope *s, const struct message_decl *m, uint32_t *count);
/* The snippets and layouts that the body takes in; whether what it makes is HTML. */
struct mail_taken { struct str text; struct span span; };
const struct mail_taken *liquid_taken(struct scope *s, struct message_decl *m, uint32_t *count, bool *html);
/* Whether the text can be compiled. */
bool liquid_is_whole(struct scope *s, const struct message_decl *m, struct str text);
#endif
