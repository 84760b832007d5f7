/* The program file: writing and reading.
 *
 * For: bytes <-> struct program. Not for: whether code is safe to run (verify.c, which unit_read ends with), nor for what it
 * means (strand.c).
 *
 * Invariants:
 * 1. Reading trusts nothing: no count allocates more than the bytes that remain could fill, no text is taken before it is
 *    known to be UTF-8, and every unit is verified.
 * 2. A unit's body is a function of its meaning alone: equal units have equal bytes, so an equal hash. File, steps and sources
 *    stand beside it.
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
 *   table of text       declared events
 *   table of text       declared lists
 *   table of            scripts:  text path, text source
 *   table of            units:    text body (below), text file, table of steps
 *                       a step:   varint pc after the previous one's, varint line, varint column, text file (empty: the unit's), text label
 *
 * Body of a unit: the hashed part
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
 *   byte                its properties as a mail (MAIL_…)
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

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "digest.h"
#include "request.h"

enum { HEADER_BYTES = 48, HEADER_LENGTH_AT = 12, HEADER_HASH_AT = 16 };

/* The buffer in which units are sealed; each thread keeps its own until it ends, because a compile seals thousands of small ones. */
static pthread_key_t sealing_key;

static void sealing_free(void *sealing) {
  buf_deinit(sealing);
  free(sealing);
}

static void sealing_once(void) { CHECK(pthread_key_create(&sealing_key, sealing_free) == 0); }

static struct buf *sealing_own(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static _Thread_local struct buf *own;
  if (own) return own;
  CHECK(pthread_once(&once, sealing_once) == 0);
  own = malloc(sizeof *own);
  CHECK(own);
  buf_init(own, LIMIT_PROGRAM_BYTES);
  CHECK(pthread_setspecific(sealing_key, own) == 0);
  return own;
}

static void digest(struct str bytes, uint8_t out[UNIT_HASH_BYTES]) { digest_sha256(&bytes, 1, out); }

/* --- writing --- */

/* A body is mostly numbers of one byte, and a compile writes millions of them: they take the room that is there without a call.
 * The NUL that a buf ends with is put back by the next call, at the latest the one behind the code. */
static inline void put_byte(struct buf *b, uint8_t byte) {
  if (b->len + 1 < b->cap) b->data[b->len++] = (char)byte;
  else buf_byte(b, byte);
}
static inline void put_number(struct buf *b, uint64_t n) {
  if (n < 0x80) put_byte(b, (uint8_t)n);
  else buf_varint(b, n);
}
static void put_index(struct buf *b, uint32_t i) { put_number(b, i == NONE ? 0 : (uint64_t)i + 1); }

static void put_triggers(struct buf *b, const struct trigger *t, uint32_t count) {
  put_number(b, count);
  for (uint32_t i = 0; i < count; i++) {
    put_index(b, t[i].event);
    put_index(b, t[i].guard_field);
    put_index(b, t[i].guard_text);
    put_index(b, t[i].filter_pc);
    put_index(b, t[i].start_pc);
    value_write(b, t[i].within);
  }
}

static void put_parts(struct buf *b, const struct part *p, uint32_t count) {
  put_number(b, count);
  for (uint32_t i = 0; i < count; i++) {
    put_byte(b, p[i].kind);
    put_index(b, p[i].text);
    put_index(b, p[i].field);
  }
}

static void put_pool(struct buf *b, const struct unit *u) {
  put_number(b, u->string_count);
  for (uint32_t i = 0; i < u->string_count; i++) buf_lstr(b, u->strings[i]);
  put_number(b, u->const_count);
  for (uint32_t i = 0; i < u->const_count; i++) value_write(b, u->consts[i]);
  put_number(b, u->field_count);
  for (uint32_t i = 0; i < u->field_count; i++) {
    put_index(b, u->fields[i].name);
    put_byte(b, u->fields[i].type);
    put_number(b, u->fields[i].currency);
  }
  put_number(b, u->measure_count);
  for (uint32_t i = 0; i < u->measure_count; i++) {
    const struct measure *m = &u->measures[i];
    put_byte(b, m->kind);
    put_index(b, m->event);
    put_index(b, m->field);
    value_write(b, m->window);
    put_index(b, m->filter_pc);
    put_index(b, m->text);
  }
}

static void put_schedules(struct buf *b, const struct unit *u) {
  put_number(b, u->schedule_count);
  for (uint32_t i = 0; i < u->schedule_count; i++) {
    const struct schedule *s = &u->schedules[i];
    put_byte(b, s->kind);
    put_byte(b, s->days);
    buf_zigzag(b, s->at_ms);
    put_index(b, s->zone);
    put_index(b, s->list);
    put_index(b, s->filter_pc);
    put_index(b, s->start_pc);
    put_index(b, s->text);
  }
}

static void put_waits(struct buf *b, const struct unit *u) {
  put_number(b, u->wait_count);
  for (uint32_t i = 0; i < u->wait_count; i++) {
    const struct wait *w = &u->waits[i];
    put_number(b, w->first_branch);
    put_number(b, w->branch_count);
    put_index(b, w->arm_pc);
    put_index(b, w->timeout_pc);
    put_number(b, w->live);
    put_index(b, w->message);
  }
  put_number(b, u->branch_count);
  for (uint32_t i = 0; i < u->branch_count; i++) {
    const struct branch *br = &u->branches[i];
    put_index(b, br->event);
    put_index(b, br->filter_pc);
    put_index(b, br->target_pc);
    put_byte(b, br->since);
    value_write(b, br->since_window);
  }
}

static void put_emits(struct buf *b, const struct unit *u) {
  put_number(b, u->emit_count);
  for (uint32_t i = 0; i < u->emit_count; i++) {
    put_index(b, u->emits[i].event);
    put_number(b, u->emits[i].first_key);
    put_number(b, u->emits[i].key_count);
  }
  put_number(b, u->emit_key_count);
  for (uint32_t i = 0; i < u->emit_key_count; i++) put_index(b, u->emit_keys[i]);
}

/* What people go through has experiments. */
static bool has_experiments(const struct unit *u) { return u->kind == UNIT_CAMPAIGN || u->kind == UNIT_RULE; }

static void put_experiments(struct buf *b, const struct unit *u) {
  put_number(b, u->experiment_count);
  for (uint32_t i = 0; i < u->experiment_count; i++) {
    const struct experiment *x = &u->experiments[i];
    put_index(b, x->name);
    put_index(b, x->text);
    put_number(b, x->holdout);
    value_write(b, x->within);
    put_number(b, x->first_variant);
    put_number(b, x->variant_count);
    put_number(b, x->first_response);
    put_number(b, x->response_count);
  }
  put_number(b, u->variant_count);
  for (uint32_t i = 0; i < u->variant_count; i++) {
    put_index(b, u->variants[i].name);
    put_number(b, u->variants[i].places);
    put_number(b, u->variants[i].from_pc);
    put_number(b, u->variants[i].to_pc);
  }
  put_number(b, u->response_count);
  for (uint32_t i = 0; i < u->response_count; i++) {
    put_number(b, u->responses[i].experiment);
    put_index(b, u->responses[i].event);
    put_index(b, u->responses[i].filter_pc);
    put_index(b, u->responses[i].field);
  }
}

static void put_score(struct buf *b, const struct unit *u) {
  value_write(b, u->halves);
  put_number(b, u->score_rule_count);
  for (uint32_t i = 0; i < u->score_rule_count; i++) {
    put_index(b, u->score_rules[i].event);
    put_index(b, u->score_rules[i].filter_pc);
    value_write(b, u->score_rules[i].points);
  }
}

/* What only messages and the policy have. */
static bool has_release(const struct unit *u) { return u->kind == UNIT_MESSAGE || u->kind == UNIT_POLICY; }

static void put_release(struct buf *b, const struct unit *u) {
  put_index(b, u->topic);
  put_byte(b, u->transactional);
  put_byte(b, u->priority);
  value_write(b, u->expires);
  put_number(b, u->topic_count);
  for (uint32_t i = 0; i < u->topic_count; i++) {
    put_index(b, u->topics[i].name);
    put_byte(b, u->topics[i].double_opt_in);
  }
  put_number(b, u->cap_count);
  for (uint32_t i = 0; i < u->cap_count; i++) {
    put_number(b, u->caps[i].count);
    value_write(b, u->caps[i].window);
    put_index(b, u->caps[i].channel);
    put_index(b, u->caps[i].topic);
    put_index(b, u->caps[i].text);
    put_byte(b, u->caps[i].drop);
  }
  put_number(b, u->quiet_count);
  for (uint32_t i = 0; i < u->quiet_count; i++) {
    put_number(b, u->quiets[i].from_ms);
    put_number(b, u->quiets[i].to_ms);
    put_byte(b, u->quiets[i].weekdays);
    put_index(b, u->quiets[i].channel);
    put_index(b, u->quiets[i].text);
    put_byte(b, u->quiets[i].drop);
  }
}

static bool has_request(const struct unit *u) { return u->kind == UNIT_CHANNEL || u->kind == UNIT_OPERATION; }
static void put_mail(struct buf *b, const struct unit *u) {
  put_byte(b, u->mail);
  put_parts(b, u->text, u->text_count);
  put_parts(b, u->from, u->from_count);
  put_parts(b, u->reply_to, u->reply_to_count);
  put_parts(b, u->link_parts, u->link_part_count);
  put_number(b, u->link_count);
  for (uint32_t i = 0; i < u->link_count; i++) {
    put_number(b, u->links[i].first);
    put_number(b, u->links[i].count);
  }
  put_number(b, u->attachment_count);
  for (uint32_t i = 0; i < u->attachment_count; i++) {
    put_index(b, u->attachments[i].file);
    put_index(b, u->attachments[i].name);
    put_index(b, u->attachments[i].type);
    put_byte(b, u->attachments[i].inside);
  }
}

static void put_body(struct buf *b, const struct unit *u) {
  put_byte(b, u->kind);
  put_index(b, u->name);
  put_byte(b, u->entry.kind);
  value_write(b, u->entry.within);
  put_index(b, u->entry.key_pc);
  put_number(b, u->entry.at_once);
  value_write(b, u->entry.ends);
  value_write(b, u->entry.resume);
  put_byte(b, u->local_count);
  put_index(b, u->channel);
  put_pool(b, u);
  put_triggers(b, u->triggers, u->trigger_count);
  put_triggers(b, u->stops, u->stop_count);
  put_triggers(b, u->goals, u->goal_count);
  put_schedules(b, u);
  put_waits(b, u);
  put_emits(b, u);
  if (has_experiments(u)) put_experiments(b, u);
  put_parts(b, u->subject, u->subject_count);
  put_parts(b, u->body, u->body_count);
  if (has_release(u)) put_release(b, u);
  if (u->kind == UNIT_MESSAGE) put_mail(b, u);
  buf_lstr(b, (struct str){ (const char *)u->code, u->code_bytes });
  if (u->kind == UNIT_SCORE) put_score(b, u);
  if (has_request(u)) request_write(b, u->request);
}

void unit_seal(struct arena *a, struct unit *u) {
  struct buf *b = sealing_own();
  buf_clear(b);
  put_body(b, u);
  CHECK(!b->failed);
  u->body_bytes = arena_str(a, buf_as_str(b));
  digest(u->body_bytes, u->hash);
}

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
  digest(payload, hash);
  memcpy(b->data + start + HEADER_HASH_AT, hash, sizeof hash);
}

/* --- reading --- */

/* `err` is the first thing found wrong; the reader's own `failed` means that bytes are missing or no number. */
struct loader {
  struct arena *a;
  struct reader r;
  struct program_error *e;
  enum camp_err err;
};

PRINTF_LIKE(3, 4)
static enum camp_err fail(struct loader *l, enum camp_err err, const char *fmt, ...) {
  if (l->err) return l->err;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(l->e->text, sizeof l->e->text, fmt, ap);
  va_end(ap);
  l->r.failed = true;
  return l->err = err;
}

static struct loader loader_of(struct arena *a, struct str bytes, struct program_error *e) {
  return (struct loader){ .a = a, .r = reader_of(bytes.ptr ? bytes.ptr : "", bytes.len), .e = e };
}

/* Everything was read and nothing is left. */
static enum camp_err loader_end(struct loader *l, const char *what) {
  if (l->err) return l->err;
  if (l->r.failed) return fail(l, CAMP_CORRUPT, "%s is cut short", what);
  if (l->r.at != l->r.end) return fail(l, CAMP_CORRUPT, "%s has bytes behind its end", what);
  return CAMP_OK;
}

static uint32_t get_index(struct loader *l) {
  uint64_t n = reader_varint(&l->r);
  if (n > NONE) l->r.failed = true;
  return l->r.failed || n == 0 ? NONE : (uint32_t)(n - 1);
}

static uint32_t get_u32(struct loader *l) {
  uint64_t n = reader_varint(&l->r);
  if (n > UINT32_MAX) l->r.failed = true;
  return l->r.failed ? 0 : (uint32_t)n;
}

static struct str get_text(struct loader *l) {
  struct str s = reader_str(&l->r);
  if (l->r.failed) return (struct str){ NULL, 0 };
  if (s.len > UINT32_MAX) fail(l, CAMP_LIMIT, "a text is longer than 4 GB");
  else if (s.len && utf8_valid_prefix(s) != s.len) fail(l, CAMP_CORRUPT, "a text is not UTF-8");
  return s;
}

/* Room for a table: its rows cannot be more than the bytes left could hold, whatever the count says. */
static void *get_table(struct loader *l, uint32_t *count, uint32_t rows_max, size_t row_bytes_min, size_t item_bytes,
                       const char *what) {
  *count = 0;
  uint64_t n = reader_varint(&l->r);
  if (l->r.failed) return NULL;
  if (n > (uint64_t)(l->r.end - l->r.at) / row_bytes_min) {
    fail(l, CAMP_CORRUPT, "the table of %s is cut short", what);
    return NULL;
  }
  if (n > rows_max) {
    fail(l, CAMP_LIMIT, "more than %u %s", rows_max, what);
    return NULL;
  }
  *count = (uint32_t)n;
  return n ? arena_zalloc(l->a, (size_t)n, item_bytes) : NULL;
}
/* A loop over the rows of a table, ended early when a row cannot be read. */
#define EACH_ROW(l, i, count) for (uint32_t i = 0; i < (count) && !(l)->r.failed; i++)
#define UNIT_TABLE(l, count, row_bytes_min, type, what)                                                              \
  ((type *)get_table((l), (count), LIMIT_UNIT_ITEMS_COUNT, (row_bytes_min), sizeof(type), (what)))

static const struct trigger *get_triggers(struct loader *l, uint32_t *count, const char *what) {
  struct trigger *t = UNIT_TABLE(l, count, 6, struct trigger, what);
  EACH_ROW(l, i, *count) {
    t[i].event = get_index(l);
    t[i].guard_field = get_index(l);
    t[i].guard_text = get_index(l);
    t[i].filter_pc = get_index(l);
    t[i].start_pc = get_index(l);
    t[i].within = value_read(&l->r);
  }
  return t;
}

static const struct part *get_parts(struct loader *l, uint32_t *count, const char *what) {
  struct part *p = UNIT_TABLE(l, count, 3, struct part, what);
  EACH_ROW(l, i, *count) {
    p[i].kind = reader_byte(&l->r);
    p[i].text = get_index(l);
    p[i].field = get_index(l);
  }
  return p;
}

static void get_pool(struct loader *l, struct unit *u) {
  struct str *strings = UNIT_TABLE(l, &u->string_count, 1, struct str, "strings");
  EACH_ROW(l, i, u->string_count) strings[i] = get_text(l);
  u->strings = strings;
  struct value *consts = UNIT_TABLE(l, &u->const_count, 1, struct value, "constants");
  EACH_ROW(l, i, u->const_count) consts[i] = value_read(&l->r);
  u->consts = consts;
  struct field *fields = UNIT_TABLE(l, &u->field_count, 3, struct field, "fields");
  EACH_ROW(l, i, u->field_count) {
    fields[i].name = get_index(l);
    fields[i].type = reader_byte(&l->r);
    fields[i].currency = get_u32(l);
  }
  u->fields = fields;
}

static void get_measures(struct loader *l, struct unit *u) {
  struct measure *m = UNIT_TABLE(l, &u->measure_count, 6, struct measure, "measures");
  EACH_ROW(l, i, u->measure_count) {
    m[i].kind = reader_byte(&l->r);
    m[i].event = get_index(l);
    m[i].field = get_index(l);
    m[i].window = value_read(&l->r);
    m[i].filter_pc = get_index(l);
    m[i].text = get_index(l);
  }
  u->measures = m;
}

static void get_schedules(struct loader *l, struct unit *u) {
  struct schedule *s = UNIT_TABLE(l, &u->schedule_count, 8, struct schedule, "schedules");
  EACH_ROW(l, i, u->schedule_count) {
    s[i].kind = reader_byte(&l->r);
    s[i].days = reader_byte(&l->r);
    s[i].at_ms = reader_zigzag(&l->r);
    s[i].zone = get_index(l);
    s[i].list = get_index(l);
    s[i].filter_pc = get_index(l);
    s[i].start_pc = get_index(l);
    s[i].text = get_index(l);
  }
  u->schedules = s;
}

static void get_waits(struct loader *l, struct unit *u) {
  struct wait *w = UNIT_TABLE(l, &u->wait_count, 6, struct wait, "waits");
  EACH_ROW(l, i, u->wait_count) {
    w[i].first_branch = get_u32(l);
    w[i].branch_count = get_u32(l);
    w[i].arm_pc = get_index(l);
    w[i].timeout_pc = get_index(l);
    w[i].live = reader_varint(&l->r);
    w[i].message = get_index(l);
  }
  u->waits = w;
  struct branch *b = UNIT_TABLE(l, &u->branch_count, 5, struct branch, "branches");
  EACH_ROW(l, i, u->branch_count) {
    b[i].event = get_index(l);
    b[i].filter_pc = get_index(l);
    b[i].target_pc = get_index(l);
    b[i].since = reader_byte(&l->r);
    b[i].since_window = value_read(&l->r);
  }
  u->branches = b;
}

static void get_emits(struct loader *l, struct unit *u) {
  struct emit *e = UNIT_TABLE(l, &u->emit_count, 3, struct emit, "emits");
  EACH_ROW(l, i, u->emit_count) {
    e[i].event = get_index(l);
    e[i].first_key = get_u32(l);
    e[i].key_count = get_u32(l);
  }
  u->emits = e;
  uint32_t *keys = UNIT_TABLE(l, &u->emit_key_count, 1, uint32_t, "keys");
  EACH_ROW(l, i, u->emit_key_count) keys[i] = get_index(l);
  u->emit_keys = keys;
}

static void get_experiments(struct loader *l, struct unit *u) {
  struct experiment *x = UNIT_TABLE(l, &u->experiment_count, 8, struct experiment, "experiments");
  EACH_ROW(l, i, u->experiment_count) {
    x[i].name = get_index(l);
    x[i].text = get_index(l);
    x[i].holdout = get_u32(l);
    x[i].within = value_read(&l->r);
    x[i].first_variant = get_u32(l);
    x[i].variant_count = get_u32(l);
    x[i].first_response = get_u32(l);
    x[i].response_count = get_u32(l);
  }
  u->experiments = x;
  struct variant *v = UNIT_TABLE(l, &u->variant_count, 4, struct variant, "variants");
  EACH_ROW(l, i, u->variant_count) {
    v[i].name = get_index(l);
    v[i].places = get_u32(l);
    v[i].from_pc = get_u32(l);
    v[i].to_pc = get_u32(l);
  }
  u->variants = v;
  struct response *r = UNIT_TABLE(l, &u->response_count, 4, struct response, "responses");
  EACH_ROW(l, i, u->response_count) {
    r[i].experiment = get_u32(l);
    r[i].event = get_index(l);
    r[i].filter_pc = get_index(l);
    r[i].field = get_index(l);
  }
  u->responses = r;
}

static void get_score(struct loader *l, struct unit *u) {
  u->halves = value_read(&l->r);
  struct score_rule *rules = UNIT_TABLE(l, &u->score_rule_count, 3, struct score_rule, "score rules");
  EACH_ROW(l, i, u->score_rule_count) {
    rules[i].event = get_index(l);
    rules[i].filter_pc = get_index(l);
    rules[i].points = value_read(&l->r);
  }
  u->score_rules = rules;
}

static bool get_flag(struct loader *l) {
  uint8_t flag = reader_byte(&l->r);
  if (flag > 1) fail(l, CAMP_CORRUPT, "a flag is neither 0 nor 1");
  return flag == 1;
}

static void get_release(struct loader *l, struct unit *u) {
  u->topic = get_index(l);
  u->transactional = get_flag(l);
  u->priority = reader_byte(&l->r);
  u->expires = value_read(&l->r);
  struct topic *topics = get_table(l, &u->topic_count, LIMIT_TOPICS_COUNT, 2, sizeof *topics, "topics");
  EACH_ROW(l, i, u->topic_count) topics[i] = (struct topic){ get_index(l), get_flag(l) };
  u->topics = topics;
  struct cap *caps = UNIT_TABLE(l, &u->cap_count, 6, struct cap, "caps");
  EACH_ROW(l, i, u->cap_count) {
    caps[i].count = get_u32(l);
    caps[i].window = value_read(&l->r);
    caps[i].channel = get_index(l);
    caps[i].topic = get_index(l);
    caps[i].text = get_index(l);
    caps[i].drop = get_flag(l);
  }
  u->caps = caps;
  struct quiet *quiets = UNIT_TABLE(l, &u->quiet_count, 6, struct quiet, "quiet hours");
  EACH_ROW(l, i, u->quiet_count) {
    quiets[i].from_ms = get_u32(l);
    quiets[i].to_ms = get_u32(l);
    quiets[i].weekdays = reader_byte(&l->r);
    quiets[i].channel = get_index(l);
    quiets[i].text = get_index(l);
    quiets[i].drop = get_flag(l);
  }
  u->quiets = quiets;
}

static void get_mail(struct loader *l, struct unit *u) {
  u->mail = reader_byte(&l->r);
  u->text = get_parts(l, &u->text_count, "text parts");
  u->from = get_parts(l, &u->from_count, "from parts");
  u->reply_to = get_parts(l, &u->reply_to_count, "reply to parts");
  u->link_parts = get_parts(l, &u->link_part_count, "link parts");
  struct message_link *links = UNIT_TABLE(l, &u->link_count, 2, struct message_link, "links");
  EACH_ROW(l, i, u->link_count) {
    links[i].first = get_u32(l);
    links[i].count = get_u32(l);
  }
  u->links = links;
  struct attachment *attachments = get_table(l, &u->attachment_count, LIMIT_MESSAGE_FILES_COUNT, 4, sizeof *attachments, "attachments");
  EACH_ROW(l, i, u->attachment_count) {
    attachments[i].file = get_index(l);
    attachments[i].name = get_index(l);
    attachments[i].type = get_index(l);
    attachments[i].inside = get_flag(l);
  }
  u->attachments = attachments;
}

static void get_body(struct loader *l, struct unit *u) {
  u->kind = reader_byte(&l->r);
  u->name = get_index(l);
  u->entry.kind = reader_byte(&l->r);
  u->entry.within = value_read(&l->r);
  u->entry.key_pc = get_index(l);
  u->entry.at_once = get_u32(l);
  u->entry.ends = value_read(&l->r);
  u->entry.resume = value_read(&l->r);
  u->local_count = reader_byte(&l->r);
  u->channel = get_index(l);
  get_pool(l, u);
  get_measures(l, u);
  u->triggers = get_triggers(l, &u->trigger_count, "triggers");
  u->stops = get_triggers(l, &u->stop_count, "stops");
  u->goals = get_triggers(l, &u->goal_count, "goals");
  get_schedules(l, u);
  get_waits(l, u);
  get_emits(l, u);
  if (has_experiments(u)) get_experiments(l, u);
  u->subject = get_parts(l, &u->subject_count, "subject parts");
  u->body = get_parts(l, &u->body_count, "body parts");
  u->topic = NONE;
  if (has_release(u)) get_release(l, u);
  if (u->kind == UNIT_MESSAGE) get_mail(l, u);
  struct str code = reader_str(&l->r);
  if (code.len > LIMIT_UNIT_CODE_BYTES) fail(l, CAMP_LIMIT, "more than %u bytes of code", LIMIT_UNIT_CODE_BYTES);
  u->code = (const uint8_t *)code.ptr;
  u->code_bytes = l->r.failed ? 0 : (uint32_t)code.len;
  if (u->kind == UNIT_SCORE) get_score(l, u);
  if (has_request(u)) u->request = request_read(l->a, &l->r);
}

enum camp_err unit_read(struct arena *a, struct str body, struct unit *out, struct program_error *e) {
  *out = (struct unit){ 0 };
  e->text[0] = '\0';
  struct loader l = loader_of(a, body, e);
  get_body(&l, out);
  enum camp_err err = loader_end(&l, "the unit");
  if (err) return err;
  err = unit_verify(out, e);
  if (err) return err;
  out->body_bytes = body;
  digest(body, out->hash);
  return CAMP_OK;
}

static const struct str *get_texts(struct loader *l, uint32_t *count, const char *what) {
  struct str *texts = get_table(l, count, LIMIT_NAMES_COUNT, 1, sizeof *texts, what);
  EACH_ROW(l, i, *count) texts[i] = get_text(l);
  return texts;
}

static void get_files(struct loader *l, struct program *p) {
  uint32_t count;
  /* Two texts in one table: the paths and then the sources, so that the program's two arrays come from one count. */
  struct str *both = get_table(l, &count, LIMIT_PROJECT_FILES_COUNT, 2, 2 * sizeof *both, "scripts");
  EACH_ROW(l, i, count) {
    both[i] = get_text(l);
    both[count + i] = get_text(l);
  }
  p->files = both;
  p->sources = both ? both + count : NULL;
  p->file_count = count;
}

/* Steps stand beside the hashed part, so unit_read has not seen them: they are checked here. */
static void get_steps(struct loader *l, struct unit *u) {
  struct step *s = get_table(l, &u->step_count, LIMIT_UNIT_CODE_BYTES, 5, sizeof *s, "steps");
  uint64_t pc = 0;
  EACH_ROW(l, i, u->step_count) {
    pc += get_u32(l);
    if (pc >= u->code_bytes) fail(l, CAMP_CORRUPT, "a step is outside the code");
    s[i].pc = (uint32_t)pc;
    s[i].line = get_u32(l);
    s[i].column = get_u32(l);
    s[i].file = get_text(l);
    s[i].label = get_text(l);
  }
  u->steps = s;
}

static void get_units(struct loader *l, struct program *p) {
  struct unit *units = get_table(l, &p->unit_count, LIMIT_UNIT_COUNT, 16, sizeof *units, "units");
  EACH_ROW(l, i, p->unit_count) {
    struct str body = reader_str(&l->r);
    if (l->r.failed) break;
    struct program_error inner;
    enum camp_err err = unit_read(l->a, body, &units[i], &inner);
    if (err) fail(l, err, "unit %u: %.200s", i + 1, inner.text);
    units[i].file = get_text(l);
    get_steps(l, &units[i]);
  }
  p->units = units;
}

static enum camp_err check_header(struct loader *l, struct str bytes) {
  struct str magic = reader_bytes(&l->r, sizeof PROGRAM_MAGIC - 1);
  if (!str_is(magic, PROGRAM_MAGIC)) return fail(l, CAMP_CORRUPT, "this is not a compiled Camp program");
  uint32_t version = reader_u32(&l->r), length = reader_u32(&l->r);
  struct str hash = reader_bytes(&l->r, UNIT_HASH_BYTES);
  if (l->r.failed) return fail(l, CAMP_CORRUPT, "the program file is cut short");
  if (version != PROGRAM_VERSION) {
    return fail(l, CAMP_VERSION, "the program file has format %u; this Camp reads format %d: compile it anew", version,
                PROGRAM_VERSION);
  }
  struct str payload = { bytes.ptr + HEADER_BYTES, bytes.len - HEADER_BYTES };
  if (payload.len != length) {
    return fail(l, CAMP_CORRUPT, "the program file should have %u bytes behind its header and has %zu", length, payload.len);
  }
  uint8_t found[UNIT_HASH_BYTES];
  digest(payload, found);
  if (memcmp(found, hash.ptr, sizeof found) != 0) {
    return fail(l, CAMP_CORRUPT, "the program file is damaged: its SHA-256 is not the one in its header");
  }
  return CAMP_OK;
}

enum camp_err program_read(struct arena *a, struct str bytes, struct program *out, struct program_error *e) {
  *out = (struct program){ 0 };
  e->text[0] = '\0';
  struct loader l = loader_of(a, bytes, e);
  if (bytes.len > LIMIT_PROGRAM_BYTES) {
    return fail(&l, CAMP_LIMIT, "the program file has more than %u bytes", LIMIT_PROGRAM_BYTES);
  }
  enum camp_err err = check_header(&l, bytes);
  if (err) return err;
  out->zone = get_text(&l);
  uint8_t allow = reader_byte(&l.r);
  if (allow > 1) fail(&l, CAMP_CORRUPT, "a flag is neither 0 nor 1");
  out->allow_unknown = allow == 1;
  uint64_t late = reader_varint(&l.r);
  if (late > INT64_MAX / 2) fail(&l, CAMP_CORRUPT, "an event would never be late");
  out->late_after_ms = (int64_t)late;
  out->events = get_texts(&l, &out->event_count, "events");
  out->lists = get_texts(&l, &out->list_count, "lists");
  get_files(&l, out);
  get_units(&l, out);
  return loader_end(&l, "the program");
}
