#ifndef CAMP_COMPILER_MAIL_PAGE_H
#define CAMP_COMPILER_MAIL_PAGE_H
/* A message's HTML body, which is a template, read as the page that it will be: its links, its images, where it ends, and the text that
 * stands for it in programs without HTML. Private to the compiler. */
#include "vm/base/arena.h"

enum link_kind {
  LINK_PLAIN,    /* http or https, all of it known */
  LINK_FIELDS,   /* the same with {{ }} behind the host */
  LINK_UNKNOWN,  /* begins with {{ or {%: nobody knows where to */
  LINK_HOST,     /* http or https with {{ }} in the host: whoever fills the field chooses whose site it is */
  LINK_RELATIVE, /* /sale: a mail is no page of a site */
  LINK_PICTURE,  /* a path that only an <img src> may have: of a background, of srcset */
  LINK_OTHER     /* mailto:, tel:, an anchor */
};
struct mail_link {
  uint8_t kind;
  bool untracked;       /* clicktracking="off" */
  size_t from, to;      /* the value in the source, without its quotes */
  struct str target;    /* as a browser reads it: without entities, {{ }} as they stand */
};
struct mail_image { size_t from, to; struct str path; bool remote; bool described; /* has an alt, be it empty */ };
/* A text of a message that is a page, or a part of one: its body, and the snippets and layouts that it takes in. */
struct mail_file;
struct mail_page {
  struct str source;
  struct { uint32_t source, from, to; } place; /* of the text, as struct span */
  struct mail_page *next;
  struct mail_file **shown;  /* by image: its file; NULL when it is elsewhere */
  bool *counted;             /* filled by the check, by link: whether its clicks are counted */
  VEC(struct mail_link) links;
  VEC(struct mail_image) images;
  size_t body_from, body_to; /* behind <body>, before </body>, or the whole source but for what stands before a body */
  bool body;                 /* it says <body> */
  bool in_layout;            /* it begins with {% layout %} */
  struct str text;           /* a template too, with the marks of vm/text_marks.h */
  bool text_cut;             /* parts are missing in it that are nested too deep */
};
/* Whether a body is HTML: its first character behind blanks and {% %} is a tag's. */
bool mail_is_page(struct str source);
/* Everything of *out lives in the arena. */
void mail_page_read(struct arena *a, struct str source, struct mail_page *out);
#endif
