#ifndef CAMP_COMPILER_LIQUID_MESSAGE_H
#define CAMP_COMPILER_LIQUID_MESSAGE_H
/* Private to the files that read messages' templates: liquid_take.c (what a template is made of), liquid_message.c (its mistakes, its
 * parts), liquid_care.c (what is allowed and unwise). */
#include "emit.h"
#include "liquid.h"

/* A text that a template is made of: its own, a snippet's, a layout's. */
struct taken { struct str name, text; struct span span; };
struct reader_of_template {
  struct scope *s;
  struct arena *a;
  struct message_decl *m;    /* NULL while emitting */
  uint32_t script;           /* the source beside which snippets are looked for */
  struct liquid_compiler *c;
  VEC(struct taken) texts;   /* the template's own first */
  struct lq_unit u;
  uint8_t *own;              /* by template and name: OWN */
  uint8_t *noted;            /* by name */
  struct str (*instead)(void *context, struct str text); /* what is compiled for a text that is taken in; NULL: the text */
  void *instead_context;
};
enum { OWN = 1, REACHED = 2 };

uint32_t liquid_words(const struct lq_unit *u, uint32_t pc);
uint32_t liquid_template_of(const struct lq_unit *u, uint32_t pc);
bool liquid_is_call(uint32_t op);
const struct str *liquid_called(const struct lq_unit *u, uint32_t pc);
bool liquid_compile(struct reader_of_template *r, struct str text, struct span span, bool body);
uint8_t *liquid_own(const struct reader_of_template *r, uint32_t template, uint32_t name);
uint32_t liquid_template_named(const struct lq_unit *u, struct str name);
void liquid_mark_own(struct reader_of_template *r);
uint32_t liquid_behind_path(const struct lq_unit *u, uint32_t pc);
bool liquid_is_required(const struct lq_unit *u, uint32_t name);
const struct taken *liquid_taken_at(const struct reader_of_template *r, const char *at);
struct span liquid_span(const struct reader_of_template *r, struct str name);
bool liquid_is_html(struct reader_of_template *r, struct str text);

/* liquid_message.c */
void liquid_report(const struct reader_of_template *r, const struct liquid_error *e);
/* liquid_html.c: the HTML of a message, and marks of other tools in any text. */
void html_care(struct scope *s, struct message_decl *m, struct str text, struct span span, bool html);
/* liquid_care.c: a warning in a file that a message takes in tells which message. */
void care_of_message(struct scope *s, struct diagnostic *d, const struct message_decl *m);
#endif
