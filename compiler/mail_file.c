/* The files of messages: what they attach, and the pictures that their pages show, read when the script is compiled.
 *
 * Not here: how a page is read (mail_page.c); the file system (struct source_reader of compile.h).
 *
 * Invariants:
 * 1. A file lies below the project's folder, links followed, and is read once a message.
 * 2. All files of one message are at most LIMIT_MESSAGE_FILES_BYTES and LIMIT_MESSAGE_FILES_COUNT.
 * 3. A picture is known by its first bytes, not by its name: a page that shows something else says so here and not at the reader's. */
#include "mail.h"

#include <stdio.h>

#include "vm/digest.h"

struct loading { struct scope *s; struct compilation *c; const struct source_reader *reader; struct message_decl *m; size_t bytes; uint32_t count; };

/* --- what a file is -------------------------------------------------------------------------------------------------- */

static struct str picture_type(struct str s) {
  static const struct { const char *begins; size_t bytes; const char *type; } kinds[] = {
    { "\x89PNG\r\n\x1a\n", 8, "image/png" }, { "\xff\xd8\xff", 3, "image/jpeg" }, { "GIF8", 4, "image/gif" } };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (s.len > kinds[i].bytes && memcmp(s.ptr, kinds[i].begins, kinds[i].bytes) == 0) return str_from_c(kinds[i].type);
  if (s.len > 12 && memcmp(s.ptr, "RIFF", 4) == 0 && memcmp(s.ptr + 8, "WEBP", 4) == 0) return STR("image/webp");
  return STR("");
}

static struct str type_of(struct str path) {
  static const struct { const char *end, *type; } kinds[] = {
    { ".pdf", "application/pdf" }, { ".txt", "text/plain" }, { ".csv", "text/csv" }, { ".ics", "text/calendar" }, { ".html", "text/html" },
    { ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".jpeg", "image/jpeg" }, { ".gif", "image/gif" }, { ".webp", "image/webp" },
    { ".svg", "image/svg+xml" }, { ".zip", "application/zip" }, { ".json", "application/json" }, { ".vcf", "text/vcard" },
    { ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
    { ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" }, { ".mp3", "audio/mpeg" }, { ".mp4", "video/mp4" },
    { ".pkpass", "application/vnd.apple.pkpass" } };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    size_t n = strlen(kinds[i].end);
    if (path.len > n && strncasecmp(path.ptr + path.len - n, kinds[i].end, n) == 0) return str_from_c(kinds[i].type);
  }
  return STR("application/octet-stream");
}

static struct str base64_lines(struct arena *a, struct str s) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char *out = arena_alloc(a, (s.len + 2) / 3 * 4 + s.len / 57 + 2);
  size_t n = 0, line = 0;
  for (size_t i = 0; i < s.len; i += 3) {
    const unsigned char *p = (const unsigned char *)s.ptr + i;
    uint32_t v = (uint32_t)p[0] << 16 | (i + 1 < s.len ? (uint32_t)p[1] << 8 : 0) | (i + 2 < s.len ? p[2] : 0);
    out[n++] = digits[v >> 18], out[n++] = digits[v >> 12 & 63];
    out[n++] = i + 1 < s.len ? digits[v >> 6 & 63] : '=', out[n++] = i + 2 < s.len ? digits[v & 63] : '=';
    if ((line += 4) == FILE_LINE_BYTES || i + 3 >= s.len) out[n++] = '\n', line = 0;
  }
  return (struct str){ out, n };
}

static void keep(struct loading *l, struct mail_file *f, struct str bytes, struct str type) {
  uint8_t hash[DIGEST_BYTES];
  char *hex = arena_alloc(&l->c->arena, 2 * DIGEST_BYTES + 1);
  digest_sha256(&bytes, 1, hash);
  for (size_t i = 0; i < DIGEST_BYTES; i++) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
  f->hash = (struct str){ hex, 2 * DIGEST_BYTES };
  f->type = type;
  f->base64 = base64_lines(&l->c->arena, bytes);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static bool too_much(struct loading *l, struct span span, size_t bytes) {
  if (++l->count > LIMIT_MESSAGE_FILES_COUNT) {
    if (l->count == LIMIT_MESSAGE_FILES_COUNT + 1)
      diag(l->c, DIAG_E0583, span, "a message attaches and shows at most %d files", LIMIT_MESSAGE_FILES_COUNT);
    return true;
  }
  bool before = l->bytes > LIMIT_MESSAGE_FILES_BYTES;
  l->bytes += bytes;
  if (l->bytes > LIMIT_MESSAGE_FILES_BYTES && !before) {
    struct diagnostic *d = diag(l->c, DIAG_E0583, span, "what a message attaches and shows is at most %u MB together, and with this one it is more",
                                LIMIT_MESSAGE_FILES_BYTES >> 20);
    d->help = STR("put it on a page, and link to it: large mails are refused, and cost everybody who reads them on the way");
  }
  return l->bytes > LIMIT_MESSAGE_FILES_BYTES;
}

/* False when it was reported. */
static bool read_file(struct loading *l, const char *from, struct str path, struct span span, struct str *bytes) {
  enum file_found found = FILE_ABSENT;
  struct arena *a = &l->c->arena;
  if (path.len && l->reader && l->reader->read_file) found = l->reader->read_file(l->reader->context, a, from, path, LIMIT_MESSAGE_FILES_BYTES, bytes);
  struct diagnostic *d;
  switch (found) {
    case FILE_READ: return !too_much(l, span, bytes->len);
    case FILE_ABSENT:
      d = diag(l->c, DIAG_E0581, span, "there is no file `" STR_FMT "`", STR_ARG(path));
      d->help = STR("paths are relative to the file that names them");
      return false;
    case FILE_OUTSIDE:
      d = diag(l->c, DIAG_E0582, span, "`" STR_FMT "` lies outside of the project's folder", STR_ARG(path));
      d->help = STR("copy it into the project: what is sent to everybody comes from there alone");
      return false;
    case FILE_TOO_LARGE: break;
  }
  (void)too_much(l, span, (size_t)LIMIT_MESSAGE_FILES_BYTES + 1);
  return false;
}

static void load_attached(struct loading *l, struct mail_file *f) {
  const char *from = arena_str(&l->c->arena, l->c->sources.items[f->path.span.source].path).ptr;
  struct str bytes;
  if (!read_file(l, from, f->path.text, f->path.span, &bytes)) return;
  if (!f->as.text.len) {
    const char *slash = memrchr(f->path.text.ptr, '/', f->path.text.len);
    f->as = f->path;
    if (slash) f->as.text = str_slice(slash + 1, f->path.text.ptr + f->path.text.len);
  }
  keep(l, f, bytes, type_of(f->as.text));
}

static struct span span_of(struct loading *l, const struct mail_page *p, size_t from, size_t to) {
  return template_span(l->s, p->source, (struct span){ p->place.source, p->place.from, p->place.to }, from, to);
}

static struct mail_file *shown_before(const struct loading *l, const struct mail_page *page, uint32_t i) {
  for (const struct mail_page *p = l->m->page; p; p = p->next)
    for (uint32_t k = 0; k < p->images.count && (p != page || k < i); k++)
      if (p->place.source == page->place.source && p->shown[k] && str_eq(p->images.items[k].path, page->images.items[i].path)) return p->shown[k];
  return NULL;
}

/* A picture that is named twice is one file. */
static void load_shown(struct loading *l, struct mail_page *page, uint32_t i) {
  const struct mail_image *image = &page->images.items[i];
  struct str bytes, type;
  page->shown[i] = shown_before(l, page, i);
  if (page->shown[i]) return;
  struct span span = span_of(l, page, image->from, image->to);
  const char *from = arena_str(&l->c->arena, l->c->sources.items[page->place.source].path).ptr;
  if (!read_file(l, from, image->path, span, &bytes)) return;
  type = picture_type(bytes);
  if (!type.len) {
    struct diagnostic *d = diag(l->c, DIAG_E0584, span, "`" STR_FMT "` is no picture that mail programs show", STR_ARG(image->path));
    d->expected = STR("a PNG, JPEG, GIF or WebP file");
    return;
  }
  struct mail_file *f = ARENA_NEW(&l->c->arena, struct mail_file);
  f->path = (struct name){ image->path, span };
  keep(l, f, bytes, type);
  page->shown[i] = f;
}

static void load_page(struct loading *l, struct mail_page ***tail, struct str text, struct span span) {
  struct mail_page *page = ARENA_NEW(&l->c->arena, struct mail_page);
  mail_page_read(&l->c->arena, text, page);
  page->place.source = span.source, page->place.from = span.from, page->place.to = span.to;
  page->shown = arena_zalloc(&l->c->arena, page->images.count + 1, sizeof *page->shown);
  page->counted = arena_zalloc(&l->c->arena, page->links.count + 1, sizeof *page->counted);
  **tail = page;
  *tail = &page->next;
  for (uint32_t i = 0; i < page->images.count; i++)
    if (!page->images.items[i].remote && page->images.items[i].path.len) load_shown(l, page, i);
}

static const char *const urls[] = { "unsubscribe_url", "preferences_url", "view_in_browser_url" };

bool mail_is_url(struct str name) {
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    if (str_is(name, urls[i])) return true;
  return false;
}

bool mail_is_link(struct str name) {
  struct str prefix = STR(MAIL_LINK);
  if (!str_starts(name, prefix)) return str_is(name, MAIL_PIXEL);
  size_t i = prefix.len;
  while (i < name.len && i < prefix.len + 6 && name.ptr[i] >= '0' && name.ptr[i] <= '9') i++;
  return i == name.len && i > prefix.len;
}

struct str mail_url_tags(struct arena *a, struct str text) {
  char *copy = NULL;
  for (size_t i = 0; i + 4 < text.len; i++) {
    if (text.ptr[i] != '{' || text.ptr[i + 1] != '%') continue;
    size_t from = i + 2, to;
    while (from < text.len && (text.ptr[from] == ' ' || text.ptr[from] == '-')) from++;
    for (to = from; to < text.len && ((text.ptr[to] >= 'a' && text.ptr[to] <= 'z') || text.ptr[to] == '_');) to++;
    struct str name = { text.ptr + from, to - from };
    while (to < text.len && (text.ptr[to] == ' ' || text.ptr[to] == '-')) to++;
    if (!mail_is_url(name) || to + 1 >= text.len || text.ptr[to] != '%' || text.ptr[to + 1] != '}') continue;
    if (!copy) {
      text = arena_str(a, text);
      copy = (char *)(uintptr_t)text.ptr;
    }
    copy[i + 1] = '{';
    copy[to] = '}';
  }
  return text;
}

void mail_load(struct scope *s, struct message_decl *m) {
  struct loading l = { .s = s, .c = s->c, .reader = s->reader, .m = m };
  bool email = !m->channel.text.len || str_is(m->channel.text, "email"), html;
  uint32_t count;
  for (struct mail_file *f = m->attached; f; f = f->next) load_attached(&l, f);
  struct str body = m->body.text;
  if (!email || !m->has_body || !body.len || body.len > LIMIT_MESSAGE_BYTES) return;
  if (!mail_is_page(body) && !memmem(body.ptr, body.len, "{%", 2)) return; /* most texts: nothing of it can make a page */
  const struct mail_taken *taken = liquid_taken(s, m, &count, &html);
  if (!html) return;
  struct mail_page **tail = &m->page;
  load_page(&l, &tail, m->body.text, m->body.span);
  for (uint32_t i = 0; i < count; i++)
    if (taken[i].text.len <= LIMIT_MESSAGE_BYTES) load_page(&l, &tail, taken[i].text, taken[i].span);
}
