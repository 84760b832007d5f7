#ifndef CAMP_VM_UNIT_BYTES_H
#define CAMP_VM_UNIT_BYTES_H
/* The hashed part of a unit: its layout, which unit_write.c writes and unit_read.c reads. Private to them, program.c and request.c.
 *
 * All numbers are varints (LEB128). A text is its bytes' count and its bytes. A table is the count of its rows and the rows. An index
 * is 0 for "none", else the index and 1. A value is as value_write has it.
 *
 *   byte                kind: 0 campaign, 1 rule, 2 message, 3 segment, 4 score, 5 policy, 6 channel, 7 operation, 8 file
 *   index               name
 *   byte value index varint two values   entry rule: kind, within, key's code, how many at once, end, on resume
 *   byte                count of locals
 *   index               channel
 *   table of text       strings
 *   table of value      constants (value_write)
 *   table of            fields:   index name, byte type, varint currency
 *   table of            measures: byte kind, index event, index field, value window, index filter's code, index canonical text
 *   three tables of     triggers, stops, goals: index event, index guard field, index guard text, index filter's code,
 *                       index first step's code, value within
 *   table of            schedules: byte kind, byte days, varint moment, index zone, index list, index filter's code,
 *                       index first step's code, index text
 *   table of            waits:    varint first branch, varint count of branches, index arm's code, index timeout's code,
 *                       varint mask of live locals, index message that it delays
 *   table of            branches: index event, index filter's code, index target's code, byte since, value since_window
 *   table of            emits:    index event, varint first key, varint count of keys
 *   table of index      keys of emits
 *   and, of a campaign or rule alone:
 *   table of            experiments: index name, index text, varint places held out, value within, varint first variant, varint
 *                       count of variants, varint first response, varint count of responses
 *   table of            variants: index name, varint places, varint first place of its code, varint place behind it
 *   table of            responses: varint experiment, index event, index filter's code, index field
 *   and of all again:
 *   two tables of       parts of subject and body: byte kind, index text, index field
 *   and, of a message and the policy alone:
 *   index byte byte value   topic, transactional, priority, expires after
 *   table of            topics:   index name, byte double opt in
 *   table of            caps:     varint count, value window, index channel, index topic, index text, byte drop
 *   table of            quiet hours: varint from, varint to, byte weekdays, index channel, index text, byte drop
 *   and, of a message alone:
 *   byte index          its properties as a mail (MAIL_…), its language
 *   four tables of      parts of its text, from, reply to and links: as above
 *   table of            links: varint first part, varint count of parts
 *   table of            attachments: index file, index name, index type, byte inside
 *   text                code
 *   of a score alone:   value halves, table of rules: index event, index filter's code, value points
 *   of a channel and an operation alone:
 *   byte byte index index   method, body (1 JSON, 2 form), address, where the reply's number stands
 *   byte varints value      statuses to try again at, for how long
 *   table of            items:    byte place, byte kind, index name, varint first piece, varint count of pieces
 *   table of            pieces:   byte kind, index */
#include "program.h"

/* What people go through has experiments. */
static inline bool has_experiments(const struct unit *u) { return u->kind == UNIT_CAMPAIGN || u->kind == UNIT_RULE; }

/* What only messages and the policy have. */
static inline bool has_release(const struct unit *u) { return u->kind == UNIT_MESSAGE || u->kind == UNIT_POLICY; }

/* What leaves as a request over HTTP. */
static inline bool has_request(const struct unit *u) { return u->kind == UNIT_CHANNEL || u->kind == UNIT_OPERATION; }

/* A body is mostly numbers of one byte, and a compile writes millions of them: they take the room that is there without a call.
 * The NUL that a buf ends with is put back by the next of its own calls; who seals copies by length. */
static inline void put_byte(struct buf *b, uint8_t byte) {
  if (b->len + 1 < b->cap) b->data[b->len++] = (char)byte;
  else buf_byte(b, byte);
}
static inline void put_number(struct buf *b, uint64_t n) {
  if (n < 0x80) put_byte(b, (uint8_t)n);
  else buf_varint(b, n);
}
static inline void put_index(struct buf *b, uint32_t i) { put_number(b, i == NONE ? 0 : (uint64_t)i + 1); }

static inline uint32_t get_index(struct reader *r) {
  uint64_t n = reader_varint(r);
  if (n > NONE) r->failed = true;
  return r->failed || n == 0 ? NONE : (uint32_t)(n - 1);
}

static inline uint32_t get_u32(struct reader *r) {
  uint64_t n = reader_varint(r);
  if (n > UINT32_MAX) r->failed = true;
  return r->failed ? 0 : (uint32_t)n;
}
#endif
