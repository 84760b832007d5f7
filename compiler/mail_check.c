/* Messages as mails, checked: their links, what stands beside the body, and who they say they are from.
 *
 * Not here: Liquid (template.c), files (mail_file.c), consent (policy.c).
 *
 * Invariants:
 * 1. The host of a link whose clicks are counted is in the script: who follows our redirect lands where the author meant.
 * 2. A link is counted when all that its address reads is there again at the click: attributes and values of the send, not what the
 *    template computes on its way. Any other leads where it says, uncounted, and the check says so. */
#include "mail.h"

static bool is_email(const struct message_decl *m) { return !m->channel.text.len || str_is(m->channel.text, "email"); }

/* --- links ----------------------------------------------------------------------------------------------------------- */

/* `{{ unsubscribe_url }}`, which is counted by what it does. */
static bool is_url_field(struct str target) {
  if (!str_starts(target, STR("{{"))) return false;
  size_t from = 2, to;
  while (from < target.len && (target.ptr[from] == ' ' || target.ptr[from] == '-')) from++;
  for (to = from; to < target.len && ((target.ptr[to] >= 'a' && target.ptr[to] <= 'z') || target.ptr[to] == '_');) to++;
  return mail_is_url((struct str){ target.ptr + from, to - from });
}

static bool is_word(char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80); }

static bool mentions(struct str text, struct str name) {
  for (size_t at = 0; at + name.len <= text.len; at++)
    if (memcmp(text.ptr + at, name.ptr, name.len) == 0 && (at == 0 || !is_word(text.ptr[at - 1])) &&
        (at + name.len == text.len || !is_word(text.ptr[at + name.len])))
      return true;
  return false;
}

static void uncounted(struct scope *s, struct span span, const char *why) {
  struct diagnostic *d = diag(s->c, DIAG_W0180, span, "clicks of this link are not counted: %s", why);
  d->help = STR("write its beginning into the body, such as `https://shop.example/{{ path }}`, or say so: clicktracking=\"off\"");
}

static void check_link(struct scope *s, const struct message_decl *m, struct mail_page *p, uint32_t i, const struct str *own, uint32_t own_count) {
  const struct mail_link *link = &p->links.items[i];
  struct span place = { p->place.source, p->place.from, p->place.to };
  struct span span = template_span(s, p->source, place, link->from, link->to > link->from ? link->to : link->from + 1);
  bool counted = !link->untracked && !m->untracked;
  struct diagnostic *d;
  switch ((enum link_kind)link->kind) {
    case LINK_PLAIN: p->counted[i] = counted; break;
    case LINK_FIELDS:
      p->counted[i] = counted;
      for (uint32_t k = 0; k < own_count && p->counted[i]; k++)
        if (mentions(link->target, own[k])) {
          p->counted[i] = false;
          uncounted(s, span, "the template computes its address");
        }
      break;
    case LINK_UNKNOWN:
      if (counted && !is_url_field(link->target)) uncounted(s, span, "where it leads is not known before the mail is written");
      break;
    case LINK_HOST:
      d = diag(s->c, DIAG_E0586, span, "the host of a link must stand in the script");
      d->help = STR("whoever fills the field would choose whose site our readers land on");
      break;
    case LINK_RELATIVE:
      d = diag(s->c, DIAG_W0181, span, "a mail is no page of a site, so this link leads nowhere");
      d->expected = STR("a whole address, such as `https://shop.example/sale`");
      break;
    case LINK_PICTURE:
      d = diag(s->c, DIAG_W0181, span, "no reader has this picture: only that of an `<img src>` travels with the mail");
      d->expected = STR("a whole address, such as `https://shop.example/background.png`");
      break;
    case LINK_OTHER: break;
  }
}

static void check_links(struct scope *s, struct message_decl *m) {
  uint32_t own_count = 0, counted = 0;
  const struct str *own = NULL;
  bool fields = false;
  for (const struct mail_page *p = m->page; p; p = p->next)
    for (uint32_t i = 0; i < p->links.count; i++) fields |= p->links.items[i].kind == LINK_FIELDS;
  if (fields) own = liquid_own_names(s, m, &own_count);
  for (struct mail_page *p = m->page; p; p = p->next)
    for (uint32_t i = 0; i < p->links.count; i++) {
      check_link(s, m, p, i, own, own_count);
      if (!p->counted[i] || ++counted <= LIMIT_MESSAGE_LINKS_COUNT) continue;
      p->counted[i] = false;
      if (counted == LIMIT_MESSAGE_LINKS_COUNT + 1)
        diag(s->c, DIAG_W0180, m->name.span, "the clicks of its first %d links are counted, those of the others are not", LIMIT_MESSAGE_LINKS_COUNT);
    }
}

/* --- who it is from -------------------------------------------------------------------------------------------------- */

/* What can be said of `Name <local@host>` before its fields are filled. */
static void check_address(struct scope *s, const struct name *n, const char *example) {
  struct str t = n->text;
  if (!n->span.to || memmem(t.ptr ? t.ptr : "", t.len, "{{", 2) || memmem(t.ptr ? t.ptr : "", t.len, "{%", 2)) return;
  const char *open = t.len ? memrchr(t.ptr, '<', t.len) : NULL;
  struct str address = open && t.ptr[t.len - 1] == '>' ? str_slice(open + 1, t.ptr + t.len - 1) : t;
  const char *at = address.len ? memchr(address.ptr, '@', address.len) : NULL;
  bool good = at && at > address.ptr && at + 1 < address.ptr + address.len;
  for (size_t i = 0; i < address.len; i++) good = good && (unsigned char)address.ptr[i] > ' ' && !memchr("<>,;()", address.ptr[i], 6);
  if (!good) diag(s->c, DIAG_E0589, n->span, "this is no mail address")->expected = str_from_c(example);
}

static void only_mail(struct scope *s, struct span span, const struct message_decl *m, const char *what) {
  if (span.to) diag(s->c, DIAG_E0588, span, "only an email has %s, and this message leaves via " STR_FMT, what, STR_ARG(m->channel.text));
}

/* --- texts that look like pages -------------------------------------------------------------------------------------- */

/* The first tag of HTML that somebody may have meant; to == 0: none. */
static struct span tag_in(struct str t) {
  static const char *const names[] = { "a", "b", "i", "p", "br", "strong", "em", "div", "span", "img", "table", "ul", "ol", "li", "h1", "h2", "h3", "html", "body" };
  for (size_t at = 0; at + 2 < t.len; at++) {
    if (t.ptr[at] != '<') continue;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      size_t n = strlen(names[i]), end = at + 1 + n;
      if (end >= t.len || strncasecmp(t.ptr + at + 1, names[i], n) != 0 || !memchr(" />\n", t.ptr[end], 4)) continue;
      if (memchr(t.ptr + end, '>', t.len - end)) return (struct span){ 0, (uint32_t)at, (uint32_t)end };
    }
  }
  return (struct span){ 0, 0, 0 };
}

static void check_text(struct scope *s, const struct message_decl *m) {
  const char *help = "a body of HTML begins with a tag";
  if (m->text.span.to) diag(s->c, DIAG_W0183, m->text.span, "its body is a text already")->help = str_from_c(help);
  if (m->preheader.span.to) diag(s->c, DIAG_W0183, m->preheader.span, "a preheader stands hidden in a page, and its body is a text")->help = str_from_c(help);
  struct span tag = tag_in(m->body.text);
  if (!tag.to) return;
  struct span at = template_span(s, m->body.text, m->body.span, tag.from, tag.to);
  diag(s->c, DIAG_W0183, at, "the body is a text, so its tags are shown as they stand")->help = STR("a body of HTML begins with a tag: put `<p>` before its first word");
}

void mail_check(struct scope *s, struct message_decl *m) {
  if (!is_email(m)) {
    if (m->translation_of) return; /* its parts are the message's, or said beside them */
    only_mail(s, m->text.span, m, "a text beside its body");
    only_mail(s, m->preheader.span, m, "a preheader");
    only_mail(s, m->from.span, m, "a `from`");
    only_mail(s, m->reply_to.span, m, "a `reply to`");
    only_mail(s, m->untracked_span, m, "links that are counted");
    for (const struct mail_file *f = m->attached; f; f = f->next) only_mail(s, f->path.span, m, "attachments");
    return;
  }
  check_address(s, &m->from, "`from \"Shop <news@shop.example>\"`");
  check_address(s, &m->reply_to, "`reply to \"Shop <help@shop.example>\"`");
  struct name *texts[] = { &m->text, &m->preheader, &m->from, &m->reply_to };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i]->span.to && texts[i]->text.len) template_check(s, m, texts[i]->text, texts[i]->span);
  if (m->page) check_links(s, m);
  bool cut = false;
  for (const struct mail_page *p = m->page; p; p = p->next) cut = cut || p->text_cut;
  if (m->page && !m->text.span.to && (cut || !liquid_is_whole(s, m, m->page->text)) && liquid_is_whole(s, m, m->body.text)) {
    m->page->text.len = 0;
    struct diagnostic *d = diag(s->c, DIAG_W0182, m->name.span, "no text could be made of its page, for readers whose programs show no HTML");
    d->expected = STR("`text \"…\"` or `text file \"….txt\"`");
  }
  if (!m->page && m->has_body && m->body.text.len) check_text(s, m);
}

void mail_check_given(struct compilation *c, const struct stmt *send) {
  for (const struct prop *p = send->props; p; p = p->next)
    if (mail_is_url(p->name.text) || mail_is_link(p->name.text)) {
      struct diagnostic *d = diag(c, DIAG_E0587, p->name.span, "`" STR_FMT "` is Camp's to give", STR_ARG(p->name.text));
      d->help = STR("each mail has its own; call yours something else");
    }
}
