/* Checks of single values that lines of events bring: texts, moments, numbers.
 *
 * Not for: JSON or CSV syntax (json_input.c, csv_input.c), nor for the calendar itself (vm/calendar.h).
 *
 * Invariants:
 * 1. A check that gives false has set *why to one whole sentence that names the field and shows the value.
 * 2. Nothing is allocated for a good value. */
#include "runtime/input/field.h"

#include <math.h>

#include "vm/base/limits.h"
#include "vm/base/utf8.h"
#include "vm/base/word.h"
#include "vm/calendar.h"

enum { SHOWN_BYTES = 60 };
/* JavaScript's largest date; anything beyond is not a moment in any unit, and casting it could overflow. */
static const double EPOCH_MS_MAX = 8.64e15;

struct str field_shown(struct arena *a, struct str value) {
  if (value.len <= SHOWN_BYTES) return value;
  size_t n = SHOWN_BYTES;
  while (n > 0 && ((unsigned char)value.ptr[n] & 0xc0) == 0x80) n--;
  return arena_printf(a, "%.*s…", (int)n, value.ptr);
}

/* How much of the text, by whole words, is plainly free of control characters. */
static size_t plain_bytes(struct str text) {
  size_t i = 0;
  for (; i + 8 <= text.len; i += 8) {
    uint64_t w = word_load(text.ptr + i);
    if (word_below(w, 0x20) | word_equal(w, 0x7f)) break;
  }
  return i;
}

bool field_text(struct arena *a, const char *field, struct str text, size_t bytes_max, struct str *why) {
  if (text.len > bytes_max) {
    *why = arena_printf(a, "`%s` is longer than %zu bytes", field, bytes_max);
    return false;
  }
  for (size_t i = plain_bytes(text); i < text.len; i++) {
    if ((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f) continue;
    *why = arena_printf(a, "`%s` holds a control character (byte %d of its text is 0x%02x)", field, (int)i + 1,
                        (unsigned)(unsigned char)text.ptr[i]);
    return false;
  }
  return true;
}

static bool not_a_moment(struct arena *a, const char *field, struct str shown, struct str *why) {
  *why = arena_printf(a, "`%s` is " STR_FMT ", not a date and time such as 2026-01-05T10:00:00Z", field,
                      STR_ARG(field_shown(a, shown)));
  return false;
}

static bool year_outside(struct arena *a, const char *field, struct str shown, struct str year, struct str *why) {
  *why = arena_printf(a, "`%s` is " STR_FMT ": year " STR_FMT " is outside %d to %d", field,
                      STR_ARG(field_shown(a, shown)), STR_ARG(year), LIMIT_YEAR_MIN, LIMIT_YEAR_MAX);
  return false;
}

/* The text's leading year, when a date could begin so and the year alone is what is wrong with it. */
static bool absurd_year(struct str text, struct str *year) {
  size_t i = 0;
  if (i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+')) i++;
  int64_t n = 0;
  size_t digits = 0;
  for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9' && digits < 9; i++, digits++) n = n * 10 + (text.ptr[i] - '0');
  if (digits < 4 || i >= text.len || text.ptr[i] != '-') return false;
  *year = (struct str){ text.ptr, i };
  return text.ptr[0] == '-' || n < LIMIT_YEAR_MIN || n > LIMIT_YEAR_MAX;
}

bool field_moment(struct arena *a, const char *field, struct str text, struct str shown, int64_t *ms, struct str *why) {
  bool zoned;
  if (calendar_parse_moment(text, ms, &zoned)) return true; /* a moment without an offset is read as UTC */
  struct str year;
  if (absurd_year(text, &year)) return year_outside(a, field, shown, year, why);
  return not_a_moment(a, field, shown, why);
}

bool field_epoch(struct arena *a, const char *field, double n, struct str shown, int64_t *ms, struct str *why) {
  if (n < 1e11 && n > -1e11) n *= 1000;
  if (!(n <= EPOCH_MS_MAX && n >= -EPOCH_MS_MAX)) return not_a_moment(a, field, shown, why);
  *ms = (int64_t)llround(n);
  int64_t year = calendar_civil(*ms).year;
  if (year >= LIMIT_YEAR_MIN && year <= LIMIT_YEAR_MAX) return true;
  return year_outside(a, field, shown, arena_printf(a, "%lld", (long long)year), why);
}

static size_t digits_of(struct str t, size_t from) {
  size_t i = from;
  while (i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9') i++;
  return i - from;
}

bool field_is_number(struct str t) {
  size_t i = t.len > 0 && t.ptr[0] == '-';
  size_t whole = digits_of(t, i);
  if (whole == 0 || (whole > 1 && t.ptr[i] == '0')) return false;
  i += whole;
  if (i < t.len && t.ptr[i] == '.') {
    size_t fraction = digits_of(t, i + 1);
    if (fraction == 0) return false;
    i += 1 + fraction;
  }
  if (i < t.len && (t.ptr[i] == 'e' || t.ptr[i] == 'E')) {
    i++;
    if (i < t.len && (t.ptr[i] == '+' || t.ptr[i] == '-')) i++;
    size_t exponent = digits_of(t, i);
    if (exponent == 0) return false;
    i += exponent;
  }
  return i == t.len;
}
