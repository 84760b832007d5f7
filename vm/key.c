/* Keys of messages and calls; see key.h. */
#include "key.h"

#include <stdio.h>

static bool is_escaped(char c) { return c == '/' || c == '%' || (unsigned char)c < 0x20 || c == 0x7f; }

static void put_part(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    if (is_escaped(s.ptr[i])) buf_printf(b, "%%%02X", (unsigned)(unsigned char)s.ptr[i]);
    else buf_byte(b, (uint8_t)s.ptr[i]);
  }
}

void key_print(struct buf *b, struct str contact, struct str campaign, uint32_t entry, uint32_t fork, uint32_t ordinal) {
  put_part(b, contact);
  buf_byte(b, '/');
  put_part(b, campaign);
  buf_printf(b, "/%u", entry);
  if (fork) buf_printf(b, ".%u", fork);
  buf_printf(b, ".%u", ordinal);
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct str key_contact(struct arena *a, struct str key) {
  static const struct str none = { NULL, 0 };
  size_t end = 0, slashes = 0;
  while (end < key.len && key.ptr[end] != '/') end++;
  for (size_t i = 0; i < key.len; i++) slashes += key.ptr[i] == '/';
  if (!end || slashes != 2) return none;
  char *out = arena_alloc(a, end);
  size_t n = 0;
  for (size_t i = 0; i < end; i++) {
    if (key.ptr[i] != '%') {
      out[n++] = key.ptr[i];
      continue;
    }
    int high = i + 2 < end ? hex(key.ptr[i + 1]) : -1;
    int low = i + 2 < end ? hex(key.ptr[i + 2]) : -1;
    if (high < 0 || low < 0) return none;
    out[n++] = (char)(high * 16 + low);
    i += 2;
  }
  return (struct str){ out, n };
}

bool key_is_of(struct str key, struct str contact) {
  size_t at = 0;
  for (size_t i = 0; i < contact.len; i++) {
    char text[4] = { contact.ptr[i], 0 };
    size_t len = 1;
    if (is_escaped(text[0])) len = (size_t)snprintf(text, sizeof text, "%%%02X", (unsigned)(unsigned char)text[0]);
    if (key.len - at < len || memcmp(key.ptr + at, text, len) != 0) return false;
    at += len;
  }
  return at < key.len && key.ptr[at] == '/';
}
