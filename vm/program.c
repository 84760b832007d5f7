/* The program file: its header and what stands beside the hashed parts of units, written and read; see program.h.
 *
 * Not for the hashed part (unit_write.c, unit_read.c), nor for whether code is safe to run (verify.c) and what it means (strand.c).
 *
 * Invariants:
 * 1. Reading trusts nothing (loader.h), and every unit is verified.
 * 2. File, steps and sources stand beside the hashed part, so formatting a script makes no new version.
 * 3. Every bit of a file counts: a changed one is found by the magic, the version, the length or the SHA-256.
 *
 * The file
 *
 *   OFFSET  SIZE  DESCRIPTION
 *        0     8  "CAMPPRG\n": a file that went through a text mode conversion is not taken for one
 *        8     4  version, 2
 *       12     4  bytes of the payload
 *       16    32  SHA-256 of the payload
 *       48     …  payload
 *
 * Numbers of 4 bytes are little endian. All others are varints (LEB128). A text is its bytes' count and its bytes. A table is
 * the count of its rows and the rows. An index is 0 for "none", else the index and 1.
 *
 * Payload
 *
 *   text                the project's default time zone
 *   byte                1: undeclared events and attributes are allowed
 *   varint              an event that arrives so many ms after it happened starts no campaign
 *   table of text       declared events
 *   table of text       declared lists
 *   table of            scripts:  text path, text source
 *   table of            units:    text body (unit_bytes.h), text file, table of steps
 *                       a step:   varint pc after the previous one's, varint line, varint column, text file (empty: the unit's), text label */
#include "program.h"

#include "digest.h"
#include "loader.h"
#include "unit_bytes.h"

enum { HEADER_BYTES = 48, HEADER_LENGTH_AT = 12, HEADER_HASH_AT = 16 };

/* --- writing --- */

static void put_texts(struct buf *b, const struct str *texts, uint32_t count) {
  buf_varint(b, count);
  for (uint32_t i = 0; i < count; i++) buf_lstr(b, texts[i]);
}

static void put_steps(struct buf *b, const struct unit *u) {
  buf_varint(b, u->step_count);
  uint32_t pc = 0;
  for (uint32_t i = 0; i < u->step_count; i++) {
    const struct step *s = &u->steps[i];
    CHECK(s->pc >= pc);
    buf_varint(b, s->pc - pc);
    buf_varint(b, s->line);
    buf_varint(b, s->column);
    buf_lstr(b, s->file);
    buf_lstr(b, s->label);
    pc = s->pc;
  }
}

static void put_payload(struct buf *b, const struct program *p) {
  buf_lstr(b, p->zone);
  buf_byte(b, p->allow_unknown);
  buf_varint(b, (uint64_t)p->late_after_ms);
  put_texts(b, p->events, p->event_count);
  put_texts(b, p->lists, p->list_count);
  buf_varint(b, p->file_count);
  for (uint32_t i = 0; i < p->file_count; i++) {
    buf_lstr(b, p->files[i]);
    buf_lstr(b, p->sources[i]);
  }
  buf_varint(b, p->unit_count);
  for (uint32_t i = 0; i < p->unit_count; i++) {
    const struct unit *u = &p->units[i];
    CHECK(u->body_bytes.len);
    buf_lstr(b, u->body_bytes);
    buf_lstr(b, u->file);
    put_steps(b, u);
  }
}

void program_write(struct buf *b, const struct program *p) {
  static const uint8_t zeros[UNIT_HASH_BYTES];
  size_t start = b->len;
  buf_add(b, PROGRAM_MAGIC, sizeof PROGRAM_MAGIC - 1);
  buf_u32(b, PROGRAM_VERSION);
  buf_u32(b, 0);
  buf_add(b, zeros, sizeof zeros);
  put_payload(b, p);
  if (b->failed) return;
  struct str payload = { b->data + start + HEADER_BYTES, b->len - start - HEADER_BYTES };
  CHECK(payload.len <= UINT32_MAX);
  for (int i = 0; i < 4; i++) b->data[start + HEADER_LENGTH_AT + (size_t)i] = (char)(uint8_t)(payload.len >> (8 * i));
  uint8_t hash[UNIT_HASH_BYTES];
  digest_sha256(&payload, 1, hash);
  memcpy(b->data + start + HEADER_HASH_AT, hash, sizeof hash);
}

/* --- reading --- */

static const struct str *get_texts(struct loader *l, uint32_t *count, const char *what) {
  struct str *texts = loader_table(l, count, LIMIT_NAMES_COUNT, 1, sizeof *texts, what);
  EACH_ROW(l, i, *count) texts[i] = loader_text(l);
  return texts;
}

static void get_files(struct loader *l, struct program *p) {
  uint32_t count;
  /* Two texts in one table: the paths and then the sources, so that the program's two arrays come from one count. */
  struct str *both = loader_table(l, &count, LIMIT_PROJECT_FILES_COUNT, 2, 2 * sizeof *both, "scripts");
  EACH_ROW(l, i, count) {
    both[i] = loader_text(l);
    both[count + i] = loader_text(l);
  }
  p->files = both;
  p->sources = both ? both + count : NULL;
  p->file_count = count;
}

/* Steps stand beside the hashed part, so unit_read has not seen them: they are checked here. */
static void get_steps(struct loader *l, struct unit *u) {
  struct step *s = loader_table(l, &u->step_count, LIMIT_UNIT_CODE_BYTES, 5, sizeof *s, "steps");
  uint64_t pc = 0;
  EACH_ROW(l, i, u->step_count) {
    pc += get_u32(&l->r);
    if (pc >= u->code_bytes) loader_fail(l, CAMP_CORRUPT, "a step is outside the code");
    s[i].pc = (uint32_t)pc;
    s[i].line = get_u32(&l->r);
    s[i].column = get_u32(&l->r);
    s[i].file = loader_text(l);
    s[i].label = loader_text(l);
  }
  u->steps = s;
}

static void get_units(struct loader *l, struct program *p) {
  struct unit *units = loader_table(l, &p->unit_count, LIMIT_UNIT_COUNT, 16, sizeof *units, "units");
  EACH_ROW(l, i, p->unit_count) {
    struct str body = reader_str(&l->r);
    if (l->r.failed) break;
    struct program_error inner;
    enum camp_err err = unit_read(l->a, body, &units[i], &inner);
    if (err) loader_fail(l, err, "unit %u: %.200s", i + 1, inner.text);
    units[i].file = loader_text(l);
    get_steps(l, &units[i]);
  }
  p->units = units;
}

static enum camp_err check_header(struct loader *l, struct str bytes) {
  struct str magic = reader_bytes(&l->r, sizeof PROGRAM_MAGIC - 1);
  if (!str_is(magic, PROGRAM_MAGIC)) return loader_fail(l, CAMP_CORRUPT, "this is not a compiled Camp program");
  uint32_t version = reader_u32(&l->r), length = reader_u32(&l->r);
  struct str hash = reader_bytes(&l->r, UNIT_HASH_BYTES);
  if (l->r.failed) return loader_fail(l, CAMP_CORRUPT, "the program file is cut short");
  if (version != PROGRAM_VERSION) {
    return loader_fail(l, CAMP_VERSION, "the program file has format %u; this Camp reads format %d: compile it anew", version,
                PROGRAM_VERSION);
  }
  struct str payload = { bytes.ptr + HEADER_BYTES, bytes.len - HEADER_BYTES };
  if (payload.len != length) {
    return loader_fail(l, CAMP_CORRUPT, "the program file should have %u bytes behind its header and has %zu", length, payload.len);
  }
  uint8_t found[UNIT_HASH_BYTES];
  digest_sha256(&payload, 1, found);
  if (memcmp(found, hash.ptr, sizeof found) != 0) {
    return loader_fail(l, CAMP_CORRUPT, "the program file is damaged: its SHA-256 is not the one in its header");
  }
  return CAMP_OK;
}

enum camp_err program_read(struct arena *a, struct str bytes, struct program *out, struct program_error *e) {
  *out = (struct program){ 0 };
  e->text[0] = '\0';
  struct loader l = loader_of(a, bytes, e);
  if (bytes.len > LIMIT_PROGRAM_BYTES) {
    return loader_fail(&l, CAMP_LIMIT, "the program file has more than %u bytes", LIMIT_PROGRAM_BYTES);
  }
  enum camp_err err = check_header(&l, bytes);
  if (err) return err;
  out->zone = loader_text(&l);
  uint8_t allow = reader_byte(&l.r);
  if (allow > 1) loader_fail(&l, CAMP_CORRUPT, "a flag is neither 0 nor 1");
  out->allow_unknown = allow == 1;
  uint64_t late = reader_varint(&l.r);
  if (late > INT64_MAX / 2) loader_fail(&l, CAMP_CORRUPT, "an event would never be late");
  out->late_after_ms = (int64_t)late;
  out->events = get_texts(&l, &out->event_count, "events");
  out->lists = get_texts(&l, &out->list_count, "lists");
  get_files(&l, out);
  get_units(&l, out);
  return loader_end(&l, "the program");
}
