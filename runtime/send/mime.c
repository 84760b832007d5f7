/* From an envelope to the bytes of a mail: its headers, and its parts in their order.
 *
 *   multipart/mixed             when it has attachments
 *     multipart/alternative     when it is a page with a text
 *       text/plain
 *       multipart/related       when the page shows pictures of its own
 *         text/html
 *         image/png …
 *     application/pdf …
 *
 * Not for: choosing what a message says (render.c), how a text is encoded (mime_text.c), where its bytes go (maildir.c).
 *
 * Invariants:
 * 1. No header holds a CR, LF or other control character that came from a value, so no value can add a header.
 * 2. No line is longer than 998 bytes (RFC 5322, 2.1.1), no encoded word longer than 75 (RFC 2047, 2).
 * 3. Equal envelopes give equal bytes: the date is the message's, the Message-ID and the boundaries come from its key.
 * 4. A boundary holds `=_`, which neither quoted-printable nor base64 ever has, and a part that stands as it is has no line that begins
 *    with `--=_`: so no text ends its own part. */
#include "runtime/send/mime.h"

#include "runtime/send/address.h"
#include "runtime/send/mime_text.h"
#include "vm/base/utf8.h"
#include "vm/calendar.h"

#include <openssl/sha.h>

enum {
  RAW_VALUE_BYTES_MAX = 900, /* leaves room for the header's name */
  WORD_BYTES = 45,           /* 60 in base64; with =?UTF-8?B?…?= 72 of the 75 allowed */
  FOLD_BYTES = 76,
};

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

static bool needs_words(struct str s) {
  if (s.len > RAW_VALUE_BYTES_MAX) return true;
  for (size_t i = 0; i < s.len; i++) {
    if ((unsigned char)s.ptr[i] >= 0x80) return true;
    if (s.ptr[i] == '=' && i + 1 < s.len && s.ptr[i + 1] == '?') return true; /* would be read as an encoded word */
  }
  return false;
}

/* Bytes of a word that ends between characters. */
static size_t word_bytes(struct str s) {
  if (s.len <= WORD_BYTES) return s.len;
  size_t n = WORD_BYTES;
  while (n > 0 && ((unsigned char)s.ptr[n] & 0xc0) == 0x80) n--;
  return n ? n : WORD_BYTES; /* not UTF-8; cut anywhere */
}

static void encoded_words(struct buf *b, struct str s) {
  unsigned char clean[WORD_BYTES];
  for (bool first = true; s.len; first = false) {
    size_t n = word_bytes(s);
    for (size_t i = 0; i < n; i++) clean[i] = is_control(s.ptr[i]) ? ' ' : (unsigned char)s.ptr[i];
    buf_c(b, first ? "=?UTF-8?B?" : "\n =?UTF-8?B?");
    mime_base64(b, clean, n);
    buf_c(b, "?=");
    s.ptr += n;
    s.len -= n;
  }
}

/* Long values go on in a line that begins with a blank, where they have one (RFC 5322, 2.2.3). column: bytes of the line so far. */
static void header_value(struct buf *b, struct str value, size_t column) {
  if (needs_words(value)) {
    encoded_words(b, value);
    return;
  }
  size_t word = 0;
  for (size_t i = 0; i < value.len; i++) {
    char c = is_control(value.ptr[i]) ? ' ' : value.ptr[i];
    bool gap = c == ' ' && i > 0 && i + 1 < value.len && value.ptr[i - 1] > ' ' && value.ptr[i + 1] > ' ';
    if (gap) {
      for (word = i + 1; word < value.len && value.ptr[word] > ' ';) word++;
      if (column + (word - i) > FOLD_BYTES) buf_byte(b, '\n'), column = 0;
    }
    buf_byte(b, (uint8_t)c);
    column++;
  }
}

void mime_header(struct buf *b, const char *name, struct str value) {
  buf_c(b, name);
  buf_c(b, ": ");
  header_value(b, value, strlen(name) + 2);
  buf_byte(b, '\n');
}

/* A name as a phrase: words, in quotes when it holds what means something in an address, encoded when it is not ASCII. */
static void mailbox_header(struct buf *b, const char *header, struct str name, struct str address) {
  bool quotes = false;
  for (size_t i = 0; i < name.len; i++) quotes |= memchr("()<>[]:;@\\,.\"", name.ptr[i], 12) != NULL;
  buf_printf(b, "%s: ", header);
  if (needs_words(name)) {
    encoded_words(b, name);
  } else {
    if (quotes) buf_byte(b, '"');
    for (size_t i = 0; i < name.len; i++) {
      if (name.ptr[i] == '"' || name.ptr[i] == '\\') buf_byte(b, '\\');
      buf_byte(b, is_control(name.ptr[i]) ? ' ' : (uint8_t)name.ptr[i]);
    }
    if (quotes) buf_byte(b, '"');
  }
  if (name.len) buf_c(b, " <");
  buf_str(b, address); /* read by address.c: it holds nothing that could end it; beyond ASCII it stands as it is (RFC 6532) */
  buf_c(b, name.len ? ">\n" : "\n");
}

/* CAMP_FROM is the user's: what is no address stays as it is, without control characters. */
static void from_header(struct buf *b, const struct envelope *e, struct str from) {
  struct arena a;
  struct mailbox m;
  const char *why;
  if (e->from.len) {
    mailbox_header(b, "From", e->from_name, e->from);
    return;
  }
  arena_init(&a, 1024);
  if (mailbox_read(&a, from, &m, &why)) mailbox_header(b, "From", m.name, m.address);
  else mime_header(b, "From", from);
  arena_deinit(&a);
}

/* What follows the @ of the sender's address: a Message-ID is to be unique beyond this machine. */
static struct str from_domain(struct str from) {
  size_t at = from.len;
  while (at > 0 && from.ptr[at - 1] != '@') at--;
  size_t end = at;
  while (end < from.len && (unsigned char)from.ptr[end] < 0x80 && (memchr("-.", from.ptr[end], 2) ||
         (from.ptr[end] >= '0' && from.ptr[end] <= '9') || ((from.ptr[end] | 32) >= 'a' && (from.ptr[end] | 32) <= 'z'))) end++;
  return at > 0 && end > at && end - at <= 255 ? (struct str){ from.ptr + at, end - at } : STR("localhost");
}

struct str mime_name(struct arena *a, struct str key) {
  static const char hex[] = "0123456789ABCDEF";
  static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=";
  char *name = arena_alloc(a, key.len * 3 + 2 * SHA256_DIGEST_LENGTH + 1);
  size_t n = 0;
  for (size_t i = 0; i < key.len; i++) {
    char c = key.ptr[i];
    /* A name that begins with a dot is hidden from mail readers, and a Message-ID holds no two dots in a row. */
    bool dot = c == '.' && n > 0 && name[n - 1] != '.' && i + 1 < key.len;
    if (dot || (c && memchr(kept, c, sizeof kept - 1))) {
      name[n++] = c;
    } else {
      name[n++] = '%', name[n++] = hex[(unsigned char)c >> 4], name[n++] = hex[(unsigned char)c & 15];
    }
  }
  if (n <= MIME_NAME_BYTES) return (struct str){ name, n };
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256((const unsigned char *)key.ptr, key.len, digest);
  n = MIME_NAME_BYTES - 2 * SHA256_DIGEST_LENGTH - 1;
  while (name[n - 1] == '.') n--;
  name[n++] = '-';
  for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) name[n++] = hex[digest[i] >> 4], name[n++] = hex[digest[i] & 15];
  return (struct str){ name, n };
}

static void date_header(struct buf *b, int64_t utc_ms) {
  static const char days[][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
  static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  struct civil c = calendar_civil(utc_ms);
  buf_printf(b, "Date: %s, %02d %s %04lld %02d:%02d:%02d +0000\n", days[calendar_weekday(calendar_days(c.year, c.month, c.day))],
             c.day, months[c.month - 1], (long long)c.year, c.hour, c.minute, c.second);
}

static void message_id(struct buf *b, const struct envelope *e, struct str from) {
  struct arena a;
  arena_init(&a, 4096);
  struct str name = mime_name(&a, e->key);
  struct str domain = from_domain(from);
  buf_printf(b, "Message-ID: <" STR_FMT "@" STR_FMT ">\n", STR_ARG(name), STR_ARG(domain));
  arena_deinit(&a);
}

/* --- headers of lists ------------------------------------------------------------------------------------------------ */

/* A name as a word that may stand anywhere: `Spring sale` as `Spring_sale`. */
static void put_label(struct buf *b, struct str s, size_t bytes_max) {
  if (s.len > bytes_max) s.len = bytes_max;
  if (!s.len) buf_byte(b, '-');
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_';
    buf_byte(b, word ? (uint8_t)c : '_');
  }
}

/* The topic as a label that no other topic has: für and fär are two lists. */
static void put_list(struct buf *b, struct str topic) {
  enum { BYTES_MAX = 60, HASH_BYTES = 4 };
  bool whole = topic.len <= BYTES_MAX;
  for (size_t i = 0; i < topic.len; i++) whole = whole && (topic.ptr[i] & 0x80) == 0;
  put_label(b, topic, BYTES_MAX);
  if (whole) return;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256((const unsigned char *)topic.ptr, topic.len, digest);
  buf_byte(b, '-');
  for (int i = 0; i < HASH_BYTES; i++) buf_printf(b, "%02x", digest[i]);
}

/* What Gmail and Yahoo ask of who writes to many: a way out by one POST (RFC 8058) and by mail (RFC 2369), a name of the list (RFC 2919), a
 * name under which complaints are counted; and no holiday notes back (RFC 3834). */
static void list_headers(struct buf *b, const struct envelope *e, struct str from) {
  struct str domain = from_domain(e->from.len ? e->from : from);
  buf_printf(b, "List-Unsubscribe: <" STR_FMT ">", STR_ARG(e->unsubscribe));
  if (e->bounces.len) buf_printf(b, ",\n <mailto:" STR_FMT "?subject=unsubscribe>", STR_ARG(e->bounces));
  buf_c(b, "\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\nList-Id: <");
  put_list(b, e->topic);
  buf_printf(b, "." STR_FMT ">\nFeedback-ID: ", STR_ARG(domain));
  put_label(b, e->campaign, 40);
  buf_byte(b, ':');
  put_label(b, e->message, 40);
  buf_byte(b, ':');
  put_label(b, e->topic, 40);
  buf_byte(b, ':');
  put_label(b, domain, 60);
  buf_c(b, "\nPrecedence: bulk\nAuto-Submitted: auto-generated\n");
}

/* --- parts ----------------------------------------------------------------------------------------------------------- */

enum { BOUNDARY_BYTES = 40 };
struct parts { struct buf *b; const struct envelope *e; bool ascii; char boundary[BOUNDARY_BYTES]; };

static void boundary_of(const struct envelope *e, char out[BOUNDARY_BYTES]) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256((const unsigned char *)e->key.ptr, e->key.len, digest);
  size_t n = (size_t)snprintf(out, BOUNDARY_BYTES, "=_camp_");
  for (size_t i = 0; i < 12; i++) n += (size_t)snprintf(out + n, BOUNDARY_BYTES - n, "%02x", digest[i]);
}

/* Which of the nested boundaries: one more letter. */
static void begin(struct parts *p, char level) { buf_printf(p->b, "--%s%c\n", p->boundary, level); }
static void end(struct parts *p, char level) { buf_printf(p->b, "--%s%c--\n", p->boundary, level); }
static void multipart(struct parts *p, const char *kind, char level) {
  buf_printf(p->b, "Content-Type: multipart/%s;%s\n boundary=\"%s%c\"\n\n", kind,
             strcmp(kind, "related") == 0 ? " type=\"text/html\";" : "", p->boundary, level);
}

static void text_part(struct parts *p, const char *kind, struct str text) { mime_text(p->b, kind, text, p->ascii, true); }

/* `filename="terms.pdf"`, and beyond ASCII `filename*=UTF-8''%C3%BC.pdf` (RFC 2231). */
static void file_name(struct buf *b, const char *parameter, struct str name) {
  static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  bool plain = true;
  for (size_t i = 0; i < name.len; i++) plain = plain && (memchr(kept, name.ptr[i], sizeof kept - 1) || name.ptr[i] == ' ');
  if (plain) {
    buf_printf(b, ";\n %s=\"" STR_FMT "\"", parameter, STR_ARG(name));
    return;
  }
  buf_printf(b, ";\n %s*=UTF-8''", parameter);
  for (size_t i = 0; i < name.len && i < 200; i++)
    if (name.ptr[i] && memchr(kept, name.ptr[i], sizeof kept - 1)) buf_byte(b, (uint8_t)name.ptr[i]);
    else buf_printf(b, "%%%02X", (unsigned)(unsigned char)name.ptr[i]);
}

static void file_part(struct parts *p, const struct enclosure *f) {
  struct buf *b = p->b;
  buf_printf(b, "Content-Type: " STR_FMT, STR_ARG(f->type));
  if (!f->inside) file_name(b, "name", f->name);
  buf_c(b, "\nContent-Transfer-Encoding: base64\n");
  if (f->inside) buf_printf(b, "Content-ID: <" STR_FMT ">\nContent-Disposition: inline\n", STR_ARG(f->name));
  else {
    buf_c(b, "Content-Disposition: attachment");
    file_name(b, "filename", f->name);
    buf_byte(b, '\n');
  }
  buf_byte(b, '\n');
  buf_str(b, f->base64);
}

static void files(struct parts *p, bool inside, char level) {
  for (uint32_t i = 0; i < p->e->file_count; i++) {
    if (p->e->files[i].inside != inside) continue;
    begin(p, level);
    file_part(p, &p->e->files[i]);
  }
}

static bool has_files(const struct envelope *e, bool inside) {
  for (uint32_t i = 0; i < e->file_count; i++)
    if (e->files[i].inside == inside) return true;
  return false;
}

static void page_part(struct parts *p) {
  if (!has_files(p->e, true)) {
    text_part(p, "html", p->e->body);
    return;
  }
  multipart(p, "related", 'r');
  begin(p, 'r');
  text_part(p, "html", p->e->body);
  files(p, true, 'r');
  end(p, 'r');
}

static void content(struct parts *p) {
  if (!p->e->html) {
    text_part(p, "plain", p->e->body);
  } else if (!p->e->text.len) {
    page_part(p);
  } else {
    multipart(p, "alternative", 'a');
    begin(p, 'a');
    text_part(p, "plain", p->e->text);
    begin(p, 'a');
    page_part(p);
    end(p, 'a');
  }
}

static void mixed(struct parts *p) {
  multipart(p, "mixed", 'm');
  begin(p, 'm');
  content(p);
  files(p, false, 'm');
  end(p, 'm');
}

/* --- the mail -------------------------------------------------------------------------------------------------------- */

static void headers(struct buf *b, const struct envelope *e, struct str from) {
  from_header(b, e, from);
  if (e->reply_to.len) mailbox_header(b, "Reply-To", e->reply_name, e->reply_to);
  mailbox_header(b, "To", (struct str){ "", 0 }, e->to);
  if (e->test) {
    struct buf subject;
    buf_init(&subject, LIMIT_MESSAGE_BYTES + 16);
    buf_c(&subject, "[test] ");
    buf_str(&subject, e->subject);
    mime_header(b, "Subject", buf_as_str(&subject));
    buf_deinit(&subject);
  } else {
    mime_header(b, "Subject", e->subject);
  }
  date_header(b, e->at_ms);
  message_id(b, e, from);
  buf_c(b, "MIME-Version: 1.0\n");
  if (e->topic.len) list_headers(b, e, from);
  mime_header(b, "X-Camp-Key", e->key);
  mime_header(b, "X-Camp-Campaign", e->campaign);
  if (e->token.len) mime_header(b, "X-Camp-Mail", e->token);
  if (e->test) buf_c(b, "X-Camp-Test: yes\n");
}

void mime_write(struct buf *b, const struct envelope *e, struct str from, bool ascii) {
  struct parts p = { .b = b, .e = e, .ascii = ascii };
  boundary_of(e, p.boundary);
  headers(b, e, from);
  if (!e->html && !e->file_count) mime_text(b, "plain", e->body, ascii, false);
  else if (has_files(e, false)) mixed(&p);
  else content(&p);
}
