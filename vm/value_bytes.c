/* Values as bytes, in strand rows and constants, and which of them may be computed with; see value.h.
 *
 * Walks trust checked JSON and messages trust UTF-8, so bytes from disk are checked here, once.
 *
 * Invariant: what value_write writes of a value that the VM made, value_read gives back; other bytes make the reader fail. */
#include "base/utf8.h"
#include "value_make.h"

/* OFFSET 0 the type, then by type: nothing; a zigzag varint (i); 8 bytes of a double; a zigzag varint and a varint (i,
 * aux); a varint length and bytes. */
void value_write(struct buf *b, struct value v) {
  buf_byte(b, v.type);
  switch ((enum value_type)v.type) {
    case V_NUMBER:
    case V_PERCENT: {
      uint64_t bits;
      memcpy(&bits, &v.n, 8);
      buf_u64(b, bits);
      break;
    }
    case V_BOOL:
    case V_DATE:
    case V_TIME:
    case V_MOMENT:
    case V_LOCAL:
    case V_EXACT: buf_zigzag(b, v.i); break;
    case V_MONEY:
      buf_zigzag(b, v.i);
      buf_varint(b, v.aux);
      break;
    case V_CALENDAR:
      buf_zigzag(b, v.i);
      buf_zigzag(b, months_of(v));
      break;
    case V_TEXT:
    case V_LIST:
    case V_RECORD:
    case V_REF: buf_lstr(b, value_str(v)); break;
    default: break;
  }
}

/* The bounds of what is sound: about eleven thousand years, so that no sum of two overflows. */
enum { SOUND_DAYS_MAX = 4000000, SOUND_MONTHS_MAX = SOUND_DAYS_MAX / 28 };
#define SOUND_MS_MAX (SOUND_DAYS_MAX * MS_PER_DAY)

static bool within(int64_t i, int64_t low, int64_t high) { return i >= low && i <= high; }

static bool json_is(struct value v, enum json_type type) {
  struct json j;
  const char *why;
  size_t at;
  return v.aux && json_check(value_str(v), &j, &why, &at) && j.type == type && j.text.len == v.aux;
}

static bool utf8_is(struct value v) { return v.aux == 0 || utf8_valid_prefix(value_str(v)) == v.aux; }

bool value_is_sound(struct value v) {
  switch ((enum value_type)v.type) {
    case V_MISSING: return true;
    case V_BOOL: return v.i == 0 || v.i == 1;
    case V_NUMBER:
    case V_PERCENT: return isfinite(v.n);
    case V_MONEY: return currency_is_sound(v.aux);
    case V_TEXT:
    case V_REF: return utf8_is(v);
    case V_DATE: return within(v.i, -SOUND_DAYS_MAX, SOUND_DAYS_MAX);
    case V_TIME: return within(v.i, 0, MS_PER_DAY - 1);
    case V_MOMENT:
    case V_LOCAL:
    case V_EXACT: return within(v.i, -SOUND_MS_MAX, SOUND_MS_MAX);
    case V_CALENDAR:
      return within(v.i, -SOUND_DAYS_MAX, SOUND_DAYS_MAX) && within(months_of(v), -SOUND_MONTHS_MAX, SOUND_MONTHS_MAX);
    case V_LIST: return json_is(v, JSON_ARRAY);
    case V_RECORD: return json_is(v, JSON_OBJECT);
    case V_TYPE_COUNT: break;
  }
  return false;
}

static bool read_scalar(struct reader *r, struct value *v) {
  uint64_t bits;
  int64_t months;
  switch ((enum value_type)v->type) {
    case V_NUMBER:
    case V_PERCENT:
      bits = reader_u64(r);
      memcpy(&v->n, &bits, 8);
      return isfinite(v->n);
    case V_BOOL: v->i = reader_zigzag(r); return within(v->i, 0, 1);
    case V_DATE: v->i = reader_zigzag(r); return within(v->i, -LIMIT_MOMENT_MS / MS_PER_DAY, LIMIT_MOMENT_MS / MS_PER_DAY);
    case V_TIME: v->i = reader_zigzag(r); return within(v->i, 0, MS_PER_DAY - 1);
    case V_MOMENT:
    case V_LOCAL: v->i = reader_zigzag(r); return within(v->i, -LIMIT_MOMENT_MS, LIMIT_MOMENT_MS);
    case V_EXACT: v->i = reader_zigzag(r); return true;
    case V_MONEY:
      v->i = reader_zigzag(r);
      bits = reader_varint(r);
      v->aux = (uint32_t)bits;
      return bits <= UINT32_MAX && currency_is_sound(v->aux);
    case V_CALENDAR:
      v->i = reader_zigzag(r);
      months = reader_zigzag(r);
      *v = make_calendar(months, v->i);
      return v->type == V_CALENDAR;
    default: return true;
  }
}

struct value value_read(struct reader *r) {
  struct value v = { .type = reader_byte(r) };
  bool good = v.type < V_TYPE_COUNT;
  if (good && (value_is_text(v) || v.type == V_LIST || v.type == V_RECORD)) {
    struct str s = reader_str(r);
    v.ptr = s.ptr;
    v.aux = (uint32_t)s.len;
    good = s.len <= UINT32_MAX && value_is_sound(v);
  } else if (good) {
    good = read_scalar(r, &v);
  }
  if (good && !r->failed) return v;
  r->failed = true;
  return value_missing();
}
