#ifndef CAMP_BASE_BUF_H
#define CAMP_BASE_BUF_H
/* A growing byte buffer with a maximum (after curl's dynbuf). Owns its memory.
 * Invariants: once an append would pass bytes_max nothing is appended and `failed` stays true until
 * buf_clear, so that a writer may append many times and look once. data is NUL-ended when not NULL.
 * Running out of memory ends the process. */
#include "str.h"

struct buf {
  char *data;
  size_t len, cap, bytes_max;
  bool failed;
};

void buf_init(struct buf *b, size_t bytes_max);
void buf_deinit(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, struct str s);
void buf_c(struct buf *b, const char *text);
void buf_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* LEB128, and its zigzag form for signed numbers. */
void buf_varint(struct buf *b, uint64_t n);
void buf_zigzag(struct buf *b, int64_t n);
void buf_u32(struct buf *b, uint32_t n); /* little endian */
void buf_u64(struct buf *b, uint64_t n);
void buf_lstr(struct buf *b, struct str s); /* varint length, then bytes */
/* A JSON string with its quotes, as RFC 8259 wants it; s must be UTF-8. */
void buf_json_str(struct buf *b, struct str s);
static inline struct str buf_as_str(const struct buf *b) {
  return (struct str){ b->data, b->len };
}

/* Reads what the above wrote. Bytes come from disk, so every read may fail: `failed` is set, and from
 * then on reads give zeros. Borrowed strings point into the bytes. */
struct reader {
  const uint8_t *at, *end;
  bool failed;
};
static inline struct reader reader_of(const void *bytes, size_t len) {
  return (struct reader){ bytes, (const uint8_t *)bytes + len, false };
}
uint8_t reader_byte(struct reader *r);
uint64_t reader_varint(struct reader *r);
int64_t reader_zigzag(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct str reader_bytes(struct reader *r, size_t len);
struct str reader_str(struct reader *r); /* of buf_lstr */
#endif
