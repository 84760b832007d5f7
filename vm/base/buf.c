/* Appending and reading back bytes; see buf.h. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

void buf_init(struct buf *b, size_t bytes_max) {
  *b = (struct buf){ .bytes_max = bytes_max };
}

void buf_deinit(struct buf *b) {
  free(b->data);
  *b = (struct buf){ .bytes_max = b->bytes_max };
}

void buf_clear(struct buf *b) {
  b->len = 0;
  b->failed = false;
  if (b->data) b->data[0] = '\0';
}

static bool reserve(struct buf *b, size_t more) {
  if (b->failed || more > b->bytes_max || b->len > b->bytes_max - more) {
    b->failed = true;
    return false;
  }
  size_t need = b->len + more + 1;
  if (need <= b->cap) return true;
  size_t cap = b->cap ? b->cap : 64;
  while (cap < need) cap *= 2;
  char *data = realloc(b->data, cap);
  if (!data) {
    fputs("camp: out of memory; the database is as of its last commit\n", stderr);
    exit(70);
  }
  b->data = data;
  b->cap = cap;
  return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len) {
  if (!reserve(b, len)) return;
  if (len) memcpy(b->data + b->len, bytes, len);
  b->len += len;
  b->data[b->len] = '\0';
}

void buf_str(struct buf *b, struct str s) { buf_add(b, s.ptr, s.len); }
void buf_c(struct buf *b, const char *text) { buf_add(b, text, strlen(text)); }
void buf_byte(struct buf *b, uint8_t byte) { buf_add(b, &byte, 1); }

void buf_printf(struct buf *b, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  CHECK(n >= 0);
  if (reserve(b, (size_t)n)) {
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
  }
  va_end(again);
}

void buf_varint(struct buf *b, uint64_t n) {
  uint8_t bytes[10];
  size_t len = 0;
  while (n >= 0x80) {
    bytes[len++] = (uint8_t)(n | 0x80);
    n >>= 7;
  }
  bytes[len++] = (uint8_t)n;
  buf_add(b, bytes, len);
}

void buf_zigzag(struct buf *b, int64_t n) {
  buf_varint(b, ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0));
}

void buf_u32(struct buf *b, uint32_t n) {
  uint8_t bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(n >> (8 * i));
  buf_add(b, bytes, 4);
}

void buf_u64(struct buf *b, uint64_t n) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(n >> (8 * i));
  buf_add(b, bytes, 8);
}

void buf_lstr(struct buf *b, struct str s) {
  buf_varint(b, s.len);
  buf_str(b, s);
}

void buf_json_str(struct buf *b, struct str s) {
  static const char hex[] = "0123456789abcdef";
  buf_byte(b, '"');
  size_t from = 0;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    if (i > from) buf_add(b, s.ptr + from, i - from);
    from = i + 1;
    switch (c) {
      case '"': buf_c(b, "\\\""); break;
      case '\\': buf_c(b, "\\\\"); break;
      case '\n': buf_c(b, "\\n"); break;
      case '\r': buf_c(b, "\\r"); break;
      case '\t': buf_c(b, "\\t"); break;
      default: {
        char esc[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        buf_add(b, esc, 6);
      }
    }
  }
  if (s.len > from) buf_add(b, s.ptr + from, s.len - from);
  buf_byte(b, '"');
}

uint8_t reader_byte(struct reader *r) {
  if (r->failed || r->at == r->end) {
    r->failed = true;
    return 0;
  }
  return *r->at++;
}

uint64_t reader_varint(struct reader *r) {
  uint64_t n = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t byte = reader_byte(r);
    if (shift == 63 && byte > 1) break;
    n |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return r->failed ? 0 : n;
  }
  r->failed = true;
  return 0;
}

int64_t reader_zigzag(struct reader *r) {
  uint64_t n = reader_varint(r);
  return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

struct str reader_bytes(struct reader *r, size_t len) {
  if (r->failed || (size_t)(r->end - r->at) < len) {
    r->failed = true;
    return (struct str){ NULL, 0 };
  }
  struct str s = { (const char *)r->at, len };
  r->at += len;
  return s;
}

struct str reader_str(struct reader *r) {
  uint64_t len = reader_varint(r);
  if (len > SIZE_MAX) r->failed = true;
  return reader_bytes(r, (size_t)len);
}

uint32_t reader_u32(struct reader *r) {
  struct str s = reader_bytes(r, 4);
  uint32_t n = 0;
  for (size_t i = 0; i < s.len; i++) n |= (uint32_t)(uint8_t)s.ptr[i] << (8 * i);
  return n;
}

uint64_t reader_u64(struct reader *r) {
  struct str s = reader_bytes(r, 8);
  uint64_t n = 0;
  for (size_t i = 0; i < s.len; i++) n |= (uint64_t)(uint8_t)s.ptr[i] << (8 * i);
  return n;
}
