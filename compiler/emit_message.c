/* A message as a unit of its own: its channel, the parts of its texts, its links and its files.
 *
 * Not here: what `{{ }}` means (template.c), what a page says (mail_page.c), what is wrong with either (mail_check.c).
 *
 * Invariants:
 * 1. A message's hash changes when its words or its files do, and campaigns that send it keep theirs.
 * 2. Of a page nothing changes but the addresses of links that are counted, those of pictures that travel with the mail, and what stands
 *    before its end. */
#include "emit.h"
#include "mail.h"

struct edit { size_t from, to; struct str text; };
struct edits { VEC(struct edit) items; };

static void put_edit(struct builder *b, struct edits *e, size_t from, size_t to, struct str text) {
  VEC_PUSH(b->a, &e->items, ((struct edit){ from, to, text }));
  for (uint32_t i = e->items.count - 1; i && e->items.items[i].from < e->items.items[i - 1].from; i--) {
    struct edit later = e->items.items[i - 1];
    e->items.items[i - 1] = e->items.items[i];
    e->items.items[i] = later;
  }
}

static struct str edited(struct builder *b, struct str source, const struct edits *e) {
  size_t at = 0;
  struct buf out;
  buf_init(&out, SIZE_MAX / 2);
  for (uint32_t i = 0; i < e->items.count; i++) {
    const struct edit *edit = &e->items.items[i];
    if (edit->from < at) continue; /* what stands in another edit is gone with it */
    buf_add(&out, source.ptr + at, edit->from - at);
    buf_str(&out, edit->text);
    at = edit->to;
  }
  buf_add(&out, source.ptr + at, source.len - at);
  struct str text = arena_str(b->a, buf_as_str(&out));
  buf_deinit(&out);
  return text;
}

/* Links in the order of the texts; one address is one link, however often it stands there. */
static void edit_links(struct mail_edit *m, const struct mail_page *page, struct edits *e) {
  struct builder *b = m->b;
  for (uint32_t i = 0; i < page->links.count; i++) {
    const struct mail_link *link = &page->links.items[i];
    uint32_t at = 0, count;
    if (!page->counted[i]) continue;
    while (at < m->targets.count && !str_eq(m->targets.items[at], link->target)) at++;
    if (at == m->targets.count) {
      const struct part *p = template_parts(b, link->target, m->m->body.span, m->m->name.span.source, false, &count);
      VEC_PUSH(b->a, &m->targets, link->target);
      VEC_PUSH(b->a, &m->links, ((struct message_link){ m->parts.count, count }));
      for (uint32_t k = 0; k < count; k++) VEC_PUSH(b->a, &m->parts, p[k]);
    }
    put_edit(b, e, link->from, link->to, arena_printf(b->a, "{{ " MAIL_LINK "%u }}", at));
  }
}

static void edit_pictures(struct mail_edit *m, const struct mail_page *page, struct edits *e) {
  struct builder *b = m->b;
  for (uint32_t i = 0; i < page->images.count; i++) {
    const struct mail_file *f = page->shown[i];
    if (!f) continue;
    struct str id = arena_printf(b->a, "%.20s@camp", f->hash.ptr);
    uint32_t name = build_string(b, id), k = 0;
    while (k < m->files.count && !(m->files.items[k].inside && m->files.items[k].name == name)) k++;
    if (k == m->files.count) VEC_PUSH(b->a, &m->files, ((struct attachment){ build_string(b, f->hash), name, build_string(b, f->type), true }));
    put_edit(b, e, page->images.items[i].from, page->images.items[i].to, arena_printf(b->a, "cid:" STR_FMT, STR_ARG(id)));
  }
}

/* A layout ends the page, if there is one. */
static bool ends_page(const struct message_decl *m, const struct mail_page *page) {
  for (const struct mail_page *p = m->page; p; p = p->next)
    if (p->body_to < p->source.len) return p == page;
  return page == m->page;
}

/* Where the page's body begins: the layout's, if the message stands in one. */
static bool begins_page(const struct message_decl *m, const struct mail_page *page) {
  for (const struct mail_page *p = m->page; p; p = p->next)
    if (p->body) return p == page;
  for (const struct mail_page *p = m->page; p; p = p->next) {
    bool fills = memmem(p->source.ptr, p->source.len, "block", 5) || memmem(p->source.ptr, p->source.len, "content_for_layout", 18);
    if (!p->in_layout && (fills || p == m->page)) return p == page;
  }
  return false;
}

/* A line in HTML; its {{ }} and {% %} are the template's. */
static void put_line(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    char close = s.ptr[i] == '{' && i + 1 < s.len ? s.ptr[i + 1] == '{' ? '}' : s.ptr[i + 1] == '%' ? '%' : 0 : 0;
    const char *end = close ? memmem(s.ptr + i, s.len - i, (char[2]){ close, '}' }, 2) : NULL;
    if (end) {
      buf_add(b, s.ptr + i, (size_t)(end + 2 - s.ptr) - i);
      i = (size_t)(end + 1 - s.ptr);
      continue;
    }
    switch (s.ptr[i]) {
      case '&': buf_c(b, "&amp;"); break;
      case '<': buf_c(b, "&lt;"); break;
      case '>': buf_c(b, "&gt;"); break;
      default: buf_byte(b, (uint8_t)s.ptr[i]);
    }
  }
}

/* What inboxes show behind the subject, and the page does not. The joiners and blanks behind it keep the page's first words out of that line. */
static struct str preheader(struct builder *b, const struct message_decl *m) {
  enum { FILLING_COUNT = 90 };
  struct buf out;
  buf_init(&out, SIZE_MAX / 2);
  buf_c(&out, "<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">");
  put_line(&out, m->preheader.text);
  for (int i = 0; i < FILLING_COUNT; i++) buf_c(&out, "&zwnj;&nbsp;");
  buf_c(&out, "</div>");
  struct str text = arena_str(b->a, buf_as_str(&out));
  buf_deinit(&out);
  return text;
}

struct str mail_instead(void *context, struct str source) {
  struct mail_edit *m = context;
  struct edits edits = { { 0 } };
  const struct mail_page *page = m->m->page;
  while (page && page->source.ptr != source.ptr) page = page->next;
  if (!page) return source;
  if (m->text) return page->text;
  edit_links(m, page, &edits);
  edit_pictures(m, page, &edits);
  if (m->m->preheader.text.len && begins_page(m->m, page)) put_edit(m->b, &edits, page->body_from, page->body_from, preheader(m->b, m->m));
  if (!m->m->untracked && ends_page(m->m, page)) put_edit(m->b, &edits, page->body_to, page->body_to, STR("{{ " MAIL_PIXEL " }}"));
  return edited(m->b, source, &edits);
}

/* Conservative: a message that only speaks of one gets it made. */
static bool says_url(struct str text) {
  return text.len && (memmem(text.ptr, text.len, "unsubscribe_url", 15) || memmem(text.ptr, text.len, "preferences_url", 15) ||
                      memmem(text.ptr, text.len, "view_in_browser_url", 19));
}

static void emit_page(struct builder *b, struct unit *u, const struct message_decl *m, struct mail_edit *edit) {
  u->mail = MAIL_HTML;
  b->instead = mail_instead, b->instead_context = edit;
  u->body = template_parts(b, mail_instead(edit, m->body.text), m->body.span, m->name.span.source, true, &u->body_count);
  edit->text = true;
  struct str text = m->page->text;
  if (text.len && !m->text.span.to) {
    u->mail |= MAIL_TEXT_MADE;
    u->text = template_parts(b, text, m->body.span, m->name.span.source, false, &u->text_count);
  }
  b->instead = NULL;
  if (m->text.text.len) u->text = template_parts(b, m->text.text, m->text.span, m->name.span.source, false, &u->text_count);
  u->link_parts = edit->parts.items, u->link_part_count = edit->parts.count;
  u->links = edit->links.items, u->link_count = edit->links.count;
}

/* Asked of what was compiled, so that snippets and layouts are in it. */
static bool any_says_url(const struct builder *b) {
  for (uint32_t i = 0; i < b->strings.count; i++)
    if (says_url(b->strings.items[i])) return true;
  return false;
}

void emit_message(struct builder *b, struct unit *u, const struct item *item) {
  const struct message_decl *m = &item->message;
  build_begin(b, u, UNIT_MESSAGE, m->name.text, m->name.span);
  u->channel = build_string(b, m->channel.text.len ? m->channel.text : STR("email"));
  if (m->topic.text.len)
    u->topic = build_string(b, m->topic.text);
  if (m->language.text.len) u->language = build_string(b, m->language.text);
  u->transactional = m->transactional;
  u->priority = m->priority;
  u->expires = m->expires;
  if (m->has_subject)
    u->subject = template_parts(b, m->subject.text, m->subject.span, m->name.span.source, false, &u->subject_count);
  struct mail_edit edit = { .b = b, .u = u, .m = m };
  for (const struct mail_file *f = m->attached; f; f = f->next)
    if (f->hash.len)
      VEC_PUSH(b->a, &edit.files, ((struct attachment){ build_string(b, f->hash), build_string(b, f->as.text), build_string(b, f->type), false }));
  if (m->page) emit_page(b, u, m, &edit);
  u->attachments = edit.files.items, u->attachment_count = edit.files.count;
  if (m->has_body && !m->page)
    u->body = template_parts(b, m->body.text, m->body.span, m->name.span.source, true, &u->body_count);
  if (m->from.span.to) u->from = template_parts(b, m->from.text, m->from.span, m->name.span.source, false, &u->from_count);
  if (m->reply_to.span.to) u->reply_to = template_parts(b, m->reply_to.text, m->reply_to.span, m->name.span.source, false, &u->reply_to_count);
  if (m->untracked) u->mail |= MAIL_UNTRACKED;
  if (any_says_url(b)) u->mail |= MAIL_URLS;
  build_finish(b);
}

static void emit_file(struct builder *b, struct unit *u, const struct mail_file *f, struct span span) {
  *u = (struct unit){ 0 };
  build_begin(b, u, UNIT_FILE, f->hash, span);
  (void)build_string(b, f->base64);
  build_finish(b);
}

struct collected { struct builder *b; struct unit *units; uint32_t count; };

static void collect_file(struct collected *c, const struct mail_file *f, struct span span) {
  bool known = !f || !f->hash.len;
  for (uint32_t k = 0; c->units && k < c->count && !known; k++) known = str_eq(unit_name(&c->units[k]), f->hash);
  if (known) return;
  if (c->units) emit_file(c->b, &c->units[c->count], f, span);
  c->count++;
}

uint32_t emit_files(struct builder *b, struct unit *units, const struct tree *tree) {
  struct collected c = { b, units, 0 };
  for (const struct item *item = tree->items; item; item = item->next) {
    if (item->kind != ITEM_MESSAGE) continue;
    const struct message_decl *m = &item->message;
    for (const struct mail_file *f = m->attached; f; f = f->next) collect_file(&c, f, m->name.span);
    for (const struct mail_page *p = m->page; p; p = p->next)
      for (uint32_t i = 0; i < p->images.count; i++) collect_file(&c, p->shown[i], m->name.span);
  }
  return c.count;
}
