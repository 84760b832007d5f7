/* Scans JSON text; see json.h. It checks a whole text once, and walks checked texts by slices.
 *
 * Not for writing JSON (buf.c) nor for building a tree: who wants a member walks to it.
 *
 * Invariants:
 * 1. Nothing is read at or beyond the text's end; json_check never trusts a byte.
 * 2. The walk trusts json_check: in checked text every string is closed and every bracket has its partner.
 * 3. No recursion: the kinds of the open brackets are bits of one integer, the innermost lowest. */
#include "json.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "limits.h"
#include "utf8.h"
#include "word.h"

_Static_assert(LIMIT_JSON_DEPTH <= 64, "the open brackets are the bits of one integer");

/* Skips what needs no look inside a string: printable ASCII but the quote and the backslash. */
static inline const char *skip_plain(const char *p, const char *end) {
  while (end - p >= 8) {
    uint64_t w = word_load(p);
    uint64_t marks = (w & WORD_EACH(0x80)) | word_below(w, 0x20) | word_equal(w, '"') | word_equal(w, '\\');
    if (marks) return p + word_first(marks);
    p += 8;
  }
  return p;
}

static inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

static inline const char *skip_space(const char *p, const char *end) {
  while (p < end && is_space(*p)) p++;
  return p;
}

/* --- checking -------------------------------------------------------------------------------------------------------- */

struct scan {
  const char *at, *end;
  const char *why;
  bool escaped; /* the string just scanned */
  bool nul;     /* \u0000 is text like any other */
  struct json_members *members; /* of the outermost object; NULL: nobody asks */
};

static bool refuse(struct scan *s, const char *at, const char *why) {
  s->at = at;
  s->why = why;
  return false;
}

/* Four hexadecimal digits; -1 when they are not. */
static int hex4(const char *p, const char *end) {
  if (end - p < 4) return -1;
  int n = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    int d = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0) return -1;
    n = n << 4 | d;
  }
  return n;
}

static inline bool is_high_surrogate(int n) { return n >= 0xd800 && n < 0xdc00; }
static inline bool is_low_surrogate(int n) { return n >= 0xdc00 && n < 0xe000; }

/* s->at is behind a backslash. */
static bool scan_escape(struct scan *s) {
  const char *p = s->at;
  if (p == s->end) return refuse(s, p, "the string is not closed");
  if (*p != 'u') {
    if (!memchr("\"\\/bfnrt", *p, 8)) return refuse(s, p, "this escape does not exist in JSON");
    s->at = p + 1;
    return true;
  }
  int n = hex4(p + 1, s->end);
  if (n < 0) return refuse(s, p, "\\u wants four hexadecimal digits");
  if (n == 0 && !s->nul) return refuse(s, p, "\\u0000 is not allowed in text");
  s->at = p + 5;
  if (is_low_surrogate(n)) return refuse(s, p, "half of a surrogate pair");
  if (!is_high_surrogate(n)) return true;
  if (s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u' || !is_low_surrogate(hex4(s->at + 2, s->end)))
    return refuse(s, p, "half of a surrogate pair");
  s->at += 6;
  return true;
}

/* s->at is on the opening quote; it ends behind the closing one. */
static bool scan_string(struct scan *s) {
  s->escaped = false;
  s->at++;
  for (;;) {
    const char *p = s->at = skip_plain(s->at, s->end);
    if (p == s->end) return refuse(s, p, "the string is not closed");
    unsigned char c = (unsigned char)*p;
    if (c == '"') {
      s->at = p + 1;
      return true;
    }
    if (c == '\\') {
      s->escaped = true;
      s->at = p + 1;
      if (!scan_escape(s)) return false;
    } else if (c < 0x20) {
      return refuse(s, p, "a control character in a string");
    } else if (c < 0x80) {
      s->at = p + 1;
    } else {
      size_t n = utf8_decode(str_slice(p, s->end), NULL);
      if (n == 0) return refuse(s, p, "the text is not UTF-8");
      s->at = p + n;
    }
  }
}

static bool scan_digits(struct scan *s, const char *why) {
  const char *from = s->at;
  while (s->at < s->end && is_digit(*s->at)) s->at++;
  return s->at > from || refuse(s, s->at, why);
}

static bool scan_number(struct scan *s) {
  if (*s->at == '-') s->at++;
  if (s->at < s->end && *s->at == '0') {
    s->at++;
    if (s->at < s->end && is_digit(*s->at)) return refuse(s, s->at, "a number does not begin with 0");
  } else if (!scan_digits(s, "a digit is expected")) {
    return false;
  }
  if (s->at < s->end && *s->at == '.') {
    s->at++;
    if (!scan_digits(s, "a digit is expected behind the point")) return false;
  }
  if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) s->at++;
    if (!scan_digits(s, "a digit is expected in the exponent")) return false;
  }
  return true;
}

static bool scan_word(struct scan *s, const char *word, size_t len) {
  if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
    return refuse(s, s->at, "a value is expected");
  s->at += len;
  return true;
}

static bool scan_scalar(struct scan *s) {
  switch (*s->at) {
    case '"': return scan_string(s);
    case 't': return scan_word(s, "true", 4);
    case 'f': return scan_word(s, "false", 5);
    case 'n': return scan_word(s, "null", 4);
    default:
      if (*s->at == '-' || is_digit(*s->at)) return scan_number(s);
      return refuse(s, s->at, "a value is expected");
  }
}

static enum json_type type_of(char first) {
  switch (first) {
    case 'n': return JSON_NULL;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case '"': return JSON_STRING;
    case '[': return JSON_ARRAY;
    case '{': return JSON_OBJECT;
    default: return JSON_NUMBER;
  }
}

/* The value belongs to the name that was noted last. */
static void note_value(struct scan *s, const char *from) {
  struct json_members *m = s->members;
  if (m->count < JSON_MEMBERS_COUNT)
    m->items[m->count].value = (struct json){ type_of(*from), *from == '"' && s->escaped, str_slice(from, s->at) };
  m->count++;
}

static bool scan_key(struct scan *s, unsigned depth) {
  if (s->at == s->end || *s->at != '"') return refuse(s, s->at, "a name in quotes is expected");
  const char *from = s->at + 1;
  if (!scan_string(s)) return false;
  if (depth == 1 && s->members && s->members->count < JSON_MEMBERS_COUNT) {
    struct json_named *named = &s->members->items[s->members->count];
    named->key = str_slice(from, s->at - 1);
    named->key_escaped = s->escaped;
  }
  s->at = skip_space(s->at, s->end);
  if (s->at == s->end || *s->at != ':') return refuse(s, s->at, "':' is expected behind a name");
  s->at++;
  return true;
}

static bool scan_value(struct scan *s) {
  uint64_t objects = 0; /* a bit an open bracket, 1 for '{', the innermost lowest */
  unsigned depth = 0;
  const char *from = s->at; /* where the present member of the outermost object begins */
  for (;;) {
    s->at = skip_space(s->at, s->end);
    if (s->at == s->end) return refuse(s, s->at, "a value is expected");
    char c = *s->at;
    bool ended = true;
    if (depth == 1) from = s->at;
    if (c == '{' || c == '[') {
      if (depth == LIMIT_JSON_DEPTH) return refuse(s, s->at, "arrays and objects are nested too deep (LIMIT_JSON_DEPTH)");
      depth++;
      objects = objects << 1 | (c == '{');
      s->at = skip_space(s->at + 1, s->end);
      bool closes = s->at < s->end && *s->at == (c == '{' ? '}' : ']');
      if (!closes) {
        if (c == '{' && !scan_key(s, depth)) return false;
        continue;
      }
      ended = false;
    } else if (!scan_scalar(s)) {
      return false;
    }
    /* Behind a value, or on the bracket that closes an empty one. */
    for (;;) {
      if (depth == 0) return true;
      bool object = objects & 1;
      if (ended && depth == 1 && object && s->members) note_value(s, from);
      ended = true;
      s->at = skip_space(s->at, s->end);
      if (s->at == s->end) return refuse(s, s->at, object ? "the object is not closed" : "the array is not closed");
      if (*s->at == ',') {
        s->at = skip_space(s->at + 1, s->end);
        if (object && !scan_key(s, depth)) return false;
        break;
      }
      if (*s->at != (object ? '}' : ']')) return refuse(s, s->at, object ? "',' or '}' is expected" : "',' or ']' is expected");
      s->at++;
      depth--;
      objects >>= 1;
    }
  }
}

static bool check(struct str text, bool nul, struct json_members *members, struct json *out, const char **why, size_t *at_byte) {
  *out = (struct json){ .type = JSON_BAD };
  const char *start = text.ptr ? text.ptr : "";
  struct scan s = { .at = start, .end = start + text.len, .nul = nul, .members = members };
  const char *from = skip_space(s.at, s.end);
  bool good = scan_value(&s);
  const char *to = s.at;
  if (good) {
    s.at = skip_space(s.at, s.end);
    if (s.at < s.end) good = refuse(&s, s.at, "more text follows the value");
  }
  if (!good) {
    *why = s.why;
    *at_byte = (size_t)(s.at - start);
    return false;
  }
  *out = (struct json){ type_of(*from), *from == '"' && s.escaped, str_slice(from, to) };
  return true;
}

bool json_check(struct str text, struct json *out, const char **why, size_t *at_byte) {
  return check(text, false, NULL, out, why, at_byte);
}
bool json_check_members(struct str text, struct json *out, struct json_members *members, const char **why, size_t *at_byte) {
  members->count = 0;
  return check(text, false, members, out, why, at_byte);
}
bool json_check_nul(struct str text, struct json *out, const char **why, size_t *at_byte) {
  return check(text, true, NULL, out, why, at_byte);
}

/* --- walking checked text -------------------------------------------------------------------------------------------- */

/* From an opening quote to behind the closing one. */
static const char *string_end(const char *p, const char *end, bool *escaped) {
  for (p++; p < end;) {
    if (end - p >= 8) {
      uint64_t w = word_load(p);
      uint64_t marks = word_equal(w, '"') | word_equal(w, '\\');
      if (!marks) {
        p += 8;
        continue;
      }
      p += word_first(marks);
    }
    if (*p == '"') return p + 1;
    if (*p == '\\') {
      *escaped = true;
      p++;
    }
    p++;
  }
  return end;
}

static const char *container_end(const char *p, const char *end) {
  unsigned depth = 0;
  bool escaped;
  while (p < end) {
    switch (*p) {
      case '"': p = string_end(p, end, &escaped); continue;
      case '{':
      case '[': depth++; break;
      case '}':
      case ']':
        if (--depth == 0) return p + 1;
        break;
      default: break;
    }
    p++;
  }
  return end;
}

static const char *scalar_end(const char *p, const char *end) {
  while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p)) p++;
  return p;
}

struct json_walk json_walk_of(struct str text) {
  if (text.len < 2 || (text.ptr[0] != '{' && text.ptr[0] != '[')) return (struct json_walk){ .value = { .type = JSON_BAD } };
  return (struct json_walk){ .at = text.ptr + 1, .end = text.ptr + text.len, .object = text.ptr[0] == '{' };
}

bool json_next(struct json_walk *w) {
  const char *p = skip_space(w->at, w->end);
  if (p < w->end && *p == ',') p = skip_space(p + 1, w->end);
  if (p == w->end || *p == '}' || *p == ']') {
    w->at = w->end;
    return false;
  }
  if (w->object) {
    const char *from = p + 1;
    w->key_escaped = false;
    p = string_end(p, w->end, &w->key_escaped);
    w->key = str_slice(from, p - 1);
    p = skip_space(p, w->end);
    if (p < w->end) p = skip_space(p + 1, w->end); /* the colon */
    if (p == w->end) return false;
  }
  const char *from = p;
  bool escaped = false;
  enum json_type type = type_of(*p);
  if (type == JSON_STRING) p = string_end(p, w->end, &escaped);
  else if (type == JSON_ARRAY || type == JSON_OBJECT) p = container_end(p, w->end);
  else p = scalar_end(p, w->end);
  w->value = (struct json){ type, escaped, str_slice(from, p) };
  w->at = p;
  return true;
}

/* One piece of a checked string's text: a plain byte, or what an escape stands for. Gives the bytes in out. */
static size_t unescape(const char **p, const char *end, char out[4]) {
  const char *at = *p;
  if (*at != '\\' || end - at < 2) {
    out[0] = *at;
    *p = at + 1;
    return 1;
  }
  *p = at + 2;
  switch (at[1]) {
    case 'b': out[0] = '\b'; return 1;
    case 'f': out[0] = '\f'; return 1;
    case 'n': out[0] = '\n'; return 1;
    case 'r': out[0] = '\r'; return 1;
    case 't': out[0] = '\t'; return 1;
    case 'u': break;
    default: out[0] = at[1]; return 1;
  }
  int n = hex4(at + 2, end);
  if (n < 0) return 0;
  *p = at + 6;
  if (is_high_surrogate(n)) {
    int low = end - at >= 12 ? hex4(at + 8, end) : -1;
    if (low < 0) return 0;
    *p = at + 12;
    n = 0x10000 + ((n - 0xd800) << 10) + (low - 0xdc00);
  }
  return utf8_encode((uint32_t)n, out);
}

static struct str unescape_all(struct str raw, struct arena *a) {
  char *to = arena_alloc(a, raw.len + 4); /* an escape is never shorter than what it stands for */
  size_t len = 0;
  const char *end = raw.ptr + raw.len;
  for (const char *p = raw.ptr; p < end;) len += unescape(&p, end, to + len);
  return (struct str){ to, len };
}

static bool key_is(const struct json_walk *w, struct str name) {
  if (!w->key_escaped) return str_eq(w->key, name);
  const char *end = w->key.ptr + w->key.len;
  size_t at = 0;
  for (const char *p = w->key.ptr; p < end;) {
    char piece[4];
    size_t n = unescape(&p, end, piece);
    if (name.len - at < n || memcmp(name.ptr + at, piece, n) != 0) return false;
    at += n;
  }
  return at == name.len;
}

struct json json_member(struct str object, struct str name) {
  struct json found = { .type = JSON_BAD };
  if (object.len == 0 || object.ptr[0] != '{') return found;
  struct json_walk w = json_walk_of(object);
  while (json_next(&w))
    if (key_is(&w, name)) found = w.value;
  return found;
}

struct str json_key(const struct json_walk *w, struct arena *a) {
  return w->key_escaped ? unescape_all(w->key, a) : w->key;
}

struct str json_string(struct json string, struct arena *a) {
  if (string.type != JSON_STRING || string.text.len < 2) return (struct str){ NULL, 0 };
  struct str inner = { string.text.ptr + 1, string.text.len - 2 };
  return string.escaped ? unescape_all(inner, a) : inner;
}

/* --- numbers --------------------------------------------------------------------------------------------------------- */

/* Digits that decide how a double rounds: none needs more than 767 (a halfway case of the smallest numbers); behind
 * them one digit says whether anything but zeros followed. */
enum { DIGITS_MAX = 768 };

struct decimal {
  bool negative;
  int digit_count;      /* significant, without leading zeros */
  int64_t exponent;     /* of the last digit kept */
  char digits[DIGITS_MAX + 2];
};

static void decimal_digit(struct decimal *d, char c, bool behind_point) {
  if (d->digit_count == 0 && c == '0') {
    d->exponent -= behind_point;
  } else if (d->digit_count < DIGITS_MAX) {
    d->digits[d->digit_count++] = c;
    d->exponent -= behind_point;
  } else {
    d->exponent += !behind_point;
    if (c != '0') d->digits[DIGITS_MAX - 1] |= 1; /* sticky: an odd last digit is never an exact half */
  }
}

static void decimal_read(struct decimal *d, struct str text) {
  const char *p = text.ptr, *end = p + text.len;
  d->digit_count = 0;
  d->exponent = 0;
  d->negative = p < end && *p == '-';
  p += d->negative;
  for (; p < end && is_digit(*p); p++) decimal_digit(d, *p, false);
  if (p < end && *p == '.')
    for (p++; p < end && is_digit(*p); p++) decimal_digit(d, *p, true);
  if (p == end) return;
  p++; /* e or E */
  bool minus = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  int64_t exponent = 0;
  for (; p < end && is_digit(*p); p++)
    if (exponent < 1000000000000) exponent = exponent * 10 + (*p - '0');
  d->exponent += minus ? -exponent : exponent;
}

/* Up to 15 digits and a power of ten that a double holds exactly: one correctly rounded operation gives the answer
 * (Clinger, "How to Read Floating Point Numbers Accurately", 1990). */
static bool decimal_fast(const struct decimal *d, double *out) {
  static const double tens[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
  if (d->digit_count > 15 || d->exponent < -22 || d->exponent > 22) return false;
  int64_t n = 0;
  for (int i = 0; i < d->digit_count; i++) n = n * 10 + (d->digits[i] - '0');
  double x = (double)n;
  *out = d->exponent < 0 ? x / tens[-d->exponent] : x * tens[d->exponent];
  return true;
}

/* strtod rounds correctly too, but reads the point of the process's locale: the C locale is asked for by name. */
static double decimal_slow(struct decimal *d) {
  char text[DIGITS_MAX + 32];
  snprintf(text, sizeof text, "%.*se%lld", d->digit_count, d->digits, (long long)d->exponent);
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  CHECK(c != (locale_t)0);
  double x = strtod_l(text, NULL, c);
  freelocale(c);
  return x;
}

/* Most numbers: some digits, perhaps a point among them, few enough that a double holds them (see decimal_fast). */
static bool number_short(struct str text, double *out) {
  static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
  const char *p = text.ptr, *end = p + text.len;
  bool negative = *p == '-';
  uint64_t n = 0;
  size_t behind = 0;
  p += negative;
  if (end - p > 16) return false;
  const char *from = p;
  for (; p < end && is_digit(*p); p++) n = n * 10 + (uint64_t)(*p - '0');
  size_t digits = (size_t)(p - from);
  if (p < end && *p == '.') {
    for (from = ++p; p < end && is_digit(*p); p++) n = n * 10 + (uint64_t)(*p - '0');
    behind = (size_t)(p - from);
  }
  if (p < end || digits + behind > 15) return false;
  double x = behind ? (double)n / tens[behind] : (double)n;
  *out = negative ? -x : x;
  return true;
}

bool json_number(struct json number, double *out) {
  if (number.type != JSON_NUMBER || number.text.len == 0) return false;
  if (number_short(number.text, out)) return true;
  struct decimal d;
  decimal_read(&d, number.text);
  double x = 0;
  if (d.digit_count > 0 && !decimal_fast(&d, &x)) x = decimal_slow(&d);
  if (!isfinite(x)) return false;
  *out = d.negative ? -x : x;
  return true;
}
