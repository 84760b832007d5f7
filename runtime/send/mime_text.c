/* How a text travels: as it is, as quoted-printable (RFC 2045, 6.7), which stays readable, or as base64 where most of it is beyond ASCII and
 * quoted-printable would be longer.
 *
 * Not for: which parts a mail has (mime.c).
 *
 * Invariants:
 * 1. What is written has lines of at most 998 bytes; encoded ones of at most 76.
 * 2. Decoded, it is the text to the byte, but for line ends, which are the mail's. */
#include "runtime/send/mime_text.h"

#include <stdlib.h>

#include "vm/base/check.h"

enum { LINE_BYTES_MAX = 998, QP_LINE_BYTES = 76, BASE64_LINE_BYTES = 57 };
enum encoding { AS_IT_IS, QUOTED, BASE64 };

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

void mime_base64(struct buf *b, const unsigned char *in, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    uint32_t n = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < len ? in[i + 2] : 0);
    char four[4] = { digits[n >> 18], digits[n >> 12 & 63], i + 1 < len ? digits[n >> 6 & 63] : '=',
                     i + 2 < len ? digits[n & 63] : '=' };
    buf_add(b, four, 4);
  }
}

/* CRLF counts as a line's end; a CR alone does not survive transport as it is. */
static bool line_ends(struct str s, size_t i) {
  return s.ptr[i] == '\n' || (s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n');
}

static enum encoding encoding_of(struct str text, bool ascii, bool inside) {
  size_t line = 0, high = 0;
  bool quoting = inside && (str_starts(text, STR("--=_")) || (text.len && memmem(text.ptr, text.len, "\n--=_", 5)));
  for (size_t i = 0; i < text.len; i++) {
    if (line_ends(text, i)) {
      line = 0;
      continue;
    }
    if (is_control(text.ptr[i]) && text.ptr[i] != '\t') quoting = true;
    if ((unsigned char)text.ptr[i] >= 0x80) high++;
    if (++line > LINE_BYTES_MAX) quoting = true;
  }
  if (!quoting && !(ascii && high)) return AS_IT_IS;
  /* Quoted-printable makes three bytes of one beyond ASCII, base64 four of three. */
  return high > text.len / 4 ? BASE64 : QUOTED;
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

static void base64_lines(struct buf *b, struct str text) {
  for (size_t i = 0; i < text.len; i += BASE64_LINE_BYTES) {
    mime_base64(b, (const unsigned char *)text.ptr + i, text.len - i < BASE64_LINE_BYTES ? text.len - i : BASE64_LINE_BYTES);
    buf_byte(b, '\n');
  }
}

void mime_text(struct buf *b, const char *kind, struct str text, bool ascii, bool inside) {
  enum encoding encoding = encoding_of(text, ascii, inside);
  static const char *const names[] = { NULL, "quoted-printable", "base64" };
  buf_printf(b, "Content-Type: text/%s; charset=utf-8\n", kind);
  buf_printf(b, "Content-Transfer-Encoding: %s\n\n", encoding ? names[encoding] : ascii ? "7bit" : "8bit");
  if (encoding == BASE64) {
    base64_lines(b, text);
    return;
  }
  if (encoding == QUOTED) quoted_printable(b, text);
  else plain_body(b, text);
  if (text.len == 0 || text.ptr[text.len - 1] != '\n') buf_byte(b, '\n');
}
