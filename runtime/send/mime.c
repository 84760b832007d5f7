/* From an envelope to the bytes of a mail.
 *
 * Not for: choosing what a message says (render.c), where its bytes go (maildir.c).
 *
 * Invariants:
 * 1. No header holds a CR, LF or other control character that came from a value, so no value can add a header.
 * 2. No line is longer than 998 bytes (RFC 5322, 2.1.1), no encoded word longer than 75 (RFC 2047, 2).
 * 3. Equal envelopes give equal bytes: the date is the message's, the Message-ID comes from its key. */
#include "runtime/send/mime.h"

#include <openssl/sha.h>

#include "vm/base/utf8.h"
#include "vm/calendar.h"

enum {
  LINE_BYTES_MAX = 998,
  RAW_VALUE_BYTES_MAX = 900, /* leaves room for the header's name */
  WORD_BYTES = 45,           /* 60 in base64; with =?UTF-8?B?…?= 72 of the 75 allowed */
  QP_LINE_BYTES = 76,
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

static void base64(struct buf *b, const unsigned char *in, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    uint32_t n = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < len ? in[i + 2] : 0);
    char four[4] = { digits[n >> 18], digits[n >> 12 & 63], i + 1 < len ? digits[n >> 6 & 63] : '=',
                     i + 2 < len ? digits[n & 63] : '=' };
    buf_add(b, four, 4);
  }
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
    base64(b, clean, n);
    buf_c(b, "?=");
    s.ptr += n;
    s.len -= n;
  }
}

static void header_value(struct buf *b, struct str value) {
  if (needs_words(value)) {
    encoded_words(b, value);
    return;
  }
  for (size_t i = 0; i < value.len; i++) buf_byte(b, is_control(value.ptr[i]) ? ' ' : (uint8_t)value.ptr[i]);
}

void mime_header(struct buf *b, const char *name, struct str value) {
  buf_c(b, name);
  buf_c(b, ": ");
  header_value(b, value);
  buf_byte(b, '\n');
}

/* `Name <address>`: encoded words may stand for the name only. */
static void from_header(struct buf *b, struct str from) {
  size_t at = from.len;
  while (at > 0 && from.ptr[at - 1] != '<') at--;
  size_t name = at > 0 ? at - 1 : 0;
  while (name > 0 && from.ptr[name - 1] == ' ') name--;
  if (name == 0 || !needs_words((struct str){ from.ptr, name })) {
    mime_header(b, "From", from);
    return;
  }
  size_t quoted = name > 2 && from.ptr[0] == '"' && from.ptr[name - 1] == '"'; /* encoded words need no quotes */
  buf_c(b, "From: ");
  encoded_words(b, (struct str){ from.ptr + quoted, name - 2 * quoted });
  buf_c(b, " <");
  header_value(b, (struct str){ from.ptr + at, from.len - at });
  buf_byte(b, '\n');
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

static bool is_html(struct str body) {
  size_t i = 0;
  while (i < body.len && memchr(" \t\r\n", body.ptr[i], 4)) i++;
  return i < body.len && body.ptr[i] == '<';
}

/* CRLF counts as a line's end; a CR alone does not survive transport as it is. */
static bool line_ends(struct str s, size_t i) {
  return s.ptr[i] == '\n' || (s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n');
}

static bool needs_quoting(struct str body, bool ascii) {
  size_t line = 0;
  for (size_t i = 0; i < body.len; i++) {
    if (line_ends(body, i)) {
      line = 0;
      continue;
    }
    if (is_control(body.ptr[i]) && body.ptr[i] != '\t') return true;
    if (ascii && (unsigned char)body.ptr[i] >= 0x80) return true;
    if (++line > LINE_BYTES_MAX) return true;
  }
  return false;
}

static void plain_body(struct buf *b, struct str body) {
  for (size_t i = 0; i < body.len;) {
    const char *cr = memchr(body.ptr + i, '\r', body.len - i); /* of a CRLF: needs_quoting has seen the others */
    size_t end = cr ? (size_t)(cr - body.ptr) : body.len;
    buf_add(b, body.ptr + i, end - i);
    i = end + (cr ? 1 : 0);
  }
}

static void quoted_printable(struct buf *b, struct str body) {
  static const char hex[] = "0123456789ABCDEF";
  size_t column = 0;
  for (size_t i = 0; i < body.len; i++) {
    unsigned char c = (unsigned char)body.ptr[i];
    if (line_ends(body, i)) {
      if (c == '\r') i++;
      buf_byte(b, '\n');
      column = 0;
      continue;
    }
    bool last = i + 1 == body.len || line_ends(body, i + 1);
    bool raw = (c > 0x20 && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
    size_t width = raw ? 1 : 3;
    if (column + width > QP_LINE_BYTES - (last ? 0 : 1)) {
      buf_c(b, "=\n");
      column = 0;
    }
    if (raw) buf_byte(b, c);
    else buf_add(b, (char[3]){ '=', hex[c >> 4], hex[c & 15] }, 3);
    column += width;
  }
}

void mime_write(struct buf *b, const struct envelope *e, struct str from, bool ascii) {
  bool quoted = needs_quoting(e->body, ascii);
  from_header(b, from);
  mime_header(b, "To", e->to);
  mime_header(b, "Subject", e->subject);
  date_header(b, e->at_ms);
  message_id(b, e, from);
  buf_c(b, "MIME-Version: 1.0\n");
  buf_printf(b, "Content-Type: text/%s; charset=utf-8\n", is_html(e->body) ? "html" : "plain");
  buf_printf(b, "Content-Transfer-Encoding: %s\n", quoted ? "quoted-printable" : ascii ? "7bit" : "8bit");
  mime_header(b, "X-Camp-Key", e->key);
  mime_header(b, "X-Camp-Campaign", e->campaign);
  if (e->token.len) mime_header(b, "X-Camp-Mail", e->token);
  buf_byte(b, '\n');
  if (quoted) quoted_printable(b, e->body);
  else plain_body(b, e->body);
  if (e->body.len == 0 || e->body.ptr[e->body.len - 1] != '\n') buf_byte(b, '\n');
}
