/* Filters of texts. Every one takes any value and looks at it as the reference's to_s shows it. Lengths and places count
 * code points. */
#include "base/utf8.h"
#include "liquid_case.h"
#include "liquid_filters.h"
#include "liquid_number.h"

#define TEXT(name, value) struct str name; if (!lq_to_s(env->cx, (value), &name)) return false

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_strip(char c) { return is_space(c) || c == 0; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static struct lq_buf buf_of(struct lq_env *env) { return (struct lq_buf){ .cx = env->cx }; }
static bool give(const struct lq_buf *b, struct lq *out) {
  *out = lq_buf_value(b);
  return true;
}
static bool give_str(struct str s, struct lq like, struct lq *out) {
  *out = lq_str(s);
  if (like.type == LQ_STR) out->safe = like.safe;
  return true;
}

/* Where s holds what, from `from` on; s.len when it does not. */
static size_t find(struct str s, struct str what, size_t from) {
  if (from > s.len) return s.len;
  const char *at = what.len == 1 ? memchr(s.ptr + from, *what.ptr, s.len - from) : memmem(s.ptr + from, s.len - from, what.ptr, what.len);
  return at ? (size_t)(at - s.ptr) : s.len;
}

/* Bytes of the first `points` characters; *points becomes those that are there. */
static size_t bytes_of(struct str s, int64_t *points) {
  size_t at = 0;
  int64_t n = 0;
  for (uint64_t w; s.len - at >= 8 && *points - n >= 8; at += 8, n += 8) {
    memcpy(&w, s.ptr + at, 8);
    if (w & UINT64_C(0x8080808080808080)) break;
  }
  while (at < s.len && n < *points) {
    if (!((unsigned char)s.ptr[at] & 0x80)) {
      at++, n++;
      continue;
    }
    size_t k = utf8_decode((struct str){ s.ptr + at, s.len - at }, NULL);
    at += k ? k : 1;
    n++;
  }
  *points = n;
  return at;
}
static int64_t point_count(struct str s) {
  int64_t all = INT64_MAX;
  bytes_of(s, &all);
  return all;
}

/* --- case ------------------------------------------------------------------------------------------------------------ */

static bool cased(struct lq_env *env, struct lq v, enum lq_case first, enum lq_case rest, struct lq *out) {
  TEXT(s, v);
  struct lq_buf b = buf_of(env);
  return lq_case(&b, s, first, rest) && give(&b, out);
}
bool filter_downcase(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return cased(env, *args, LQ_LOWER, LQ_LOWER, out);
}
bool filter_upcase(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return cased(env, *args, LQ_UPPER, LQ_UPPER, out);
}
bool filter_capitalize(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return cased(env, *args, LQ_TITLE, LQ_LOWER, out);
}

/* --- HTML ------------------------------------------------------------------------------------------------------------ */

static const struct entity { char text[7]; uint8_t len; } entities[256] = {
  ['&'] = { "&amp;", 5 }, ['<'] = { "&lt;", 4 }, ['>'] = { "&gt;", 4 }, ['"'] = { "&quot;", 6 }, ['\''] = { "&#39;", 5 } };

/* How far s needs no escape; sixteen bytes at a time while none of them does. */
static size_t plain_prefix(struct str s) {
  typedef unsigned char sixteen __attribute__((vector_size(16)));
  typedef signed char answers __attribute__((vector_size(16)));
  size_t i = 0;
  while (s.len - i >= 8) {
    size_t step = s.len - i < 16 ? s.len - i : 16; /* the last eight bytes may overlap those before */
    uint64_t eights[2], any[2];
    sixteen v;
    memcpy(eights, s.ptr + i, 8), memcpy(eights + 1, s.ptr + i + step - 8, 8);
    memcpy(&v, eights, 16);
    answers found = ((v | 1) == '\'') | ((v | 2) == '>') | (v == '"'); /* & and ', < and > differ in a bit */
    memcpy(any, &found, 16);
    if (any[0] | any[1]) break;
    i += step;
  }
  while (i < s.len && !entities[(unsigned char)s.ptr[i]].len) i++;
  return i;
}

bool lq_escape_html(struct lq_buf *b, struct str s) {
  if (!lq_buf_room(b, s.len + s.len / 4 + 8)) return false;
  for (size_t n;;) {
    n = plain_prefix(s);
    if (!lq_buf_add(b, s.ptr, n)) return false;
    if (n == s.len) return true;
    const struct entity *e = &entities[(unsigned char)s.ptr[n]];
    if (!lq_buf_add(b, e->text, e->len)) return false;
    s.ptr += n + 1, s.len -= n + 1;
  }
}

bool filter_escape(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  *out = lq_nil();
  if (args->type == LQ_NIL) return true;
  TEXT(s, *args);
  if (plain_prefix(s) == s.len) return give_str(s, lq_nil(), out);
  struct lq_buf b = buf_of(env);
  return lq_escape_html(&b, s) && give(&b, out);
}

/* Whether an entity that needs no second escape begins at the & of s[i]. */
static bool is_entity(struct str s, size_t i) {
  size_t at = i + 1;
  if (at < s.len && s.ptr[at] == '#') {
    size_t first = ++at;
    while (at < s.len && is_digit(s.ptr[at])) at++;
    return at > first && at < s.len && s.ptr[at] == ';';
  }
  size_t first = at;
  while (at < s.len && is_letter(s.ptr[at])) at++;
  return at > first && at < s.len && s.ptr[at] == ';';
}

bool filter_escape_once(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, *args);
  struct lq_buf b = buf_of(env);
  for (size_t i = 0; i < s.len; i++) {
    const struct entity *e = &entities[(unsigned char)s.ptr[i]];
    bool whole = e->len && !(s.ptr[i] == '&' && is_entity(s, i));
    if (!(whole ? lq_buf_add(&b, e->text, e->len) : lq_buf_byte(&b, s.ptr[i]))) return false;
  }
  return give(&b, out);
}

/* Removes from each `open` to the next `close`; what is not closed stays. */
static bool remove_between(struct lq_buf *b, struct str s, const struct str *open, const struct str *close, size_t kinds) {
  size_t i = 0;
  bool closed[3] = { true, true, true }; /* a close that is nowhere behind is not looked for again: no quadratic search */
  while (i < s.len) {
    if (s.ptr[i] == '<') {
      size_t k = 0;
      struct str rest = { s.ptr + i, s.len - i };
      for (; k < kinds; k++) {
        if (!closed[k] || !str_starts(rest, open[k])) continue;
        size_t end = find(s, close[k], i + open[k].len);
        closed[k] = end < s.len;
        if (!closed[k]) continue;
        i = end + close[k].len;
        break;
      }
      if (k < kinds) continue;
    }
    const char *next = memchr(s.ptr + i + 1, '<', s.len - i - 1);
    size_t end = next ? (size_t)(next - s.ptr) : s.len;
    if (!lq_buf_add(b, s.ptr + i, end - i)) return false;
    i = end;
  }
  return true;
}

bool filter_strip_html(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  static const struct str open[3] = { STR("<script"), STR("<!--"), STR("<style") };
  static const struct str close[3] = { STR("</script>"), STR("-->"), STR("</style>") };
  static const struct str tag_open[1] = { STR("<") }, tag_close[1] = { STR(">") };
  TEXT(s, *args);
  if (!s.len || !memchr(s.ptr, '<', s.len)) return give_str(s, lq_nil(), out);
  struct lq_buf blocks = buf_of(env), b = buf_of(env);
  if (!remove_between(&blocks, s, open, close, 3)) return false;
  return remove_between(&b, (struct str){ blocks.data, blocks.len }, tag_open, tag_close, 1) && give(&b, out);
}

/* Each \n, or \r\n, becomes `instead`. */
static bool newlines(struct lq_env *env, struct lq v, struct str instead, struct lq *out) {
  TEXT(s, v);
  struct lq_buf b = buf_of(env);
  for (size_t i = 0; i < s.len; i++) {
    bool crlf = s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n';
    if (crlf || s.ptr[i] == '\n') {
      i += crlf;
      if (!lq_buf_str(&b, instead)) return false;
    } else if (!lq_buf_byte(&b, s.ptr[i])) {
      return false;
    }
  }
  return give_str((struct str){ b.data, b.len }, v, out);
}
bool filter_strip_newlines(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return newlines(env, *args, STR(""), out);
}
/* The <br /> is HTML: what is not yet safe is escaped first where bodies escape (LQF_KEEPS leaves the input's mark). */
bool filter_newline_to_br(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return newlines(env, *args, STR("<br />\n"), out);
}

/* --- URLs and base64 ------------------------------------------------------------------------------------------------- */

bool filter_url_encode(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  *out = lq_nil();
  if (args->type == LQ_NIL) return true;
  TEXT(s, *args);
  struct lq_buf b = buf_of(env);
  for (size_t i = 0; i < s.len; i++) {
    static const char hex[] = "0123456789ABCDEF";
    char c = s.ptr[i];
    char code[3] = { '%', hex[(unsigned char)c >> 4], hex[c & 15] };
    bool plain = is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-' || c == '~';
    if (!(plain ? lq_buf_byte(&b, c) : c == ' ' ? lq_buf_byte(&b, '+') : lq_buf_add(&b, code, 3))) return false;
  }
  return give(&b, out);
}

static int hex_of(char c) {
  return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

bool filter_url_decode(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  *out = lq_nil();
  if (args->type == LQ_NIL) return true;
  TEXT(s, *args);
  struct lq_buf b = buf_of(env);
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (c == '%' && i + 2 < s.len && hex_of(s.ptr[i + 1]) >= 0 && hex_of(s.ptr[i + 2]) >= 0) {
      c = (char)(hex_of(s.ptr[i + 1]) << 4 | hex_of(s.ptr[i + 2]));
      i += 2;
    } else if (c == '+') {
      c = ' ';
    }
    if (!lq_buf_byte(&b, c)) return false;
  }
  struct str text = { b.data, b.len };
  if (utf8_valid_prefix(text) < text.len) return lq_fail(env->cx, "invalid byte sequence in UTF-8");
  return give(&b, out);
}

static bool encode64(struct lq_env *env, struct lq v, const char *alphabet, struct lq *out) {
  TEXT(s, v);
  struct lq_buf b = buf_of(env);
  if (!lq_buf_room(&b, s.len / 3 * 4 + 4)) return false;
  for (size_t i = 0; i < s.len; i += 3) {
    uint32_t bits = 0;
    size_t have = s.len - i < 3 ? s.len - i : 3;
    for (size_t k = 0; k < 3; k++) bits = bits << 8 | (k < have ? (unsigned char)s.ptr[i + k] : 0);
    char four[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63], have > 1 ? alphabet[bits >> 6 & 63] : '=',
                     have > 2 ? alphabet[bits & 63] : '=' };
    if (!lq_buf_add(&b, four, 4)) return false;
  }
  return give(&b, out);
}

static const char alphabet_plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
bool filter_base64_encode(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return encode64(env, *args, alphabet_plain, out);
}
bool filter_base64_url_encode(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return encode64(env, *args, alphabet_url, out);
}

static int decode64_char(char c, bool url) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+' || (url && c == '-')) return 62;
  if (c == '/' || (url && c == '_')) return 63;
  return -1;
}

/* Strict: full groups, padding only at the end, no bit set that no byte holds. The URL alphabet may leave padding out. */
static bool decode64(struct lq_env *env, struct str s, bool url, struct lq_buf *b) {
  size_t n = s.len;
  if (url && n % 4 != 0 && (!n || s.ptr[n - 1] != '=')) {
    if (n % 4 == 1) return false;
  } else {
    if (n % 4) return false;
    if (n && s.ptr[n - 1] == '=') n--;
    if (n && n % 4 == 3 && s.ptr[n - 1] == '=') n--;
  }
  uint32_t bits = 0, have = 0;
  for (size_t i = 0; i < n; i++) {
    int v = decode64_char(s.ptr[i], url);
    if (v < 0) return false;
    bits = bits << 6 | (uint32_t)v;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    if (!lq_buf_byte(b, (char)(bits >> have & 0xff))) return false;
  }
  (void)env;
  return (bits & ((1u << have) - 1)) == 0;
}

static bool decode64_filter(struct lq_env *env, struct lq v, bool url, struct lq *out) {
  TEXT(s, v);
  struct lq_buf b = buf_of(env);
  if (decode64(env, s, url, &b)) return give(&b, out);
  return lq_fail(env->cx, "invalid base64 provided to %s", url ? "base64_url_safe_decode" : "base64_decode");
}
bool filter_base64_decode(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return decode64_filter(env, *args, false, out);
}
bool filter_base64_url_decode(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return decode64_filter(env, *args, true, out);
}

/* --- parts ----------------------------------------------------------------------------------------------------------- */

bool filter_slice(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  int64_t offset, length = 1;
  if (!lq_to_integer(env->cx, args[1], &offset)) return false;
  if (count > 2 && lq_true(args[2]) && !lq_to_integer(env->cx, args[2], &length)) return false;
  if (args->type == LQ_ARRAY) {
    int64_t n = args->len;
    if (offset < 0) offset += n;
    *out = lq_array(NULL, 0);
    if (offset < 0 || offset > n || length < 0) return true;
    if (length > n - offset) length = n - offset;
    *out = lq_array(args->items + offset, (uint32_t)length);
    return true;
  }
  TEXT(s, *args);
  *out = lq_str(STR(""));
  int64_t n = offset < 0 ? point_count(s) : 0;
  if (offset < 0 && (offset += n) < 0) return true;
  if (length < 0) return true;
  size_t start = bytes_of(s, &offset);
  struct str rest = { s.ptr + start, s.len - start };
  *out = lq_str((struct str){ rest.ptr, bytes_of(rest, &length) });
  return true;
}

bool filter_truncate(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  *out = lq_nil();
  if (args->type == LQ_NIL) return true;
  TEXT(s, *args);
  int64_t length = 50;
  if (count > 1 && !lq_to_integer(env->cx, args[1], &length)) return false;
  struct str end = STR("...");
  if (count > 2 && !lq_to_s(env->cx, args[2], &end)) return false;
  if (length >= 0 && (uint64_t)length >= s.len) return give_str(s, lq_nil(), out);
  int64_t fits = length < 0 ? 0 : length;
  if (length >= 0 && bytes_of(s, &fits) == s.len) return give_str(s, lq_nil(), out);
  int64_t keep = length < 0 ? 0 : length - point_count(end);
  if (keep < 0) keep = 0;
  struct lq_buf b = buf_of(env);
  size_t bytes = bytes_of(s, &keep);
  return lq_buf_room(&b, bytes + end.len) && lq_buf_add(&b, s.ptr, bytes) && lq_buf_str(&b, end) && give(&b, out);
}

bool filter_truncatewords(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  *out = lq_nil();
  if (args->type == LQ_NIL) return true;
  TEXT(s, *args);
  int64_t words = 15;
  if (count > 1 && !lq_to_integer(env->cx, args[1], &words)) return false;
  struct str end = STR("...");
  if (count > 2 && !lq_to_s(env->cx, args[2], &end)) return false;
  if (words <= 0) words = 1;
  struct lq_buf b = buf_of(env);
  size_t at = 0;
  int64_t left = words;
  for (; at < s.len && (unsigned char)s.ptr[at] > ' '; at++) { /* one space between words, as nearly always: the beginning stays as it is */
    while (at < s.len && (unsigned char)s.ptr[at] > ' ') at++;
    if (at == s.len || s.ptr[at] != ' ' || --left == 0) break;
  }
  if (at == s.len) return give_str(s, lq_nil(), out);
  if (left == 0) return lq_buf_room(&b, at + end.len) && lq_buf_add(&b, s.ptr, at) && lq_buf_str(&b, end) && give(&b, out);
  at = 0;
  if ((size_t)words > s.len || !lq_buf_room(&b, s.len / 2 + end.len)) return give_str(s, lq_nil(), out) && !env->cx->failed;
  for (int64_t word = 0;; word++) {
    if (word == words && at < s.len) return lq_buf_str(&b, end) && give(&b, out); /* white space behind counts as more */
    while (at < s.len && is_strip(s.ptr[at])) at++;
    if (at == s.len) return give_str(s, lq_nil(), out);
    size_t from = at;
    while (at < s.len && (unsigned char)s.ptr[at] > ' ') at++;
    while (at < s.len && !is_strip(s.ptr[at])) at++;
    if ((word && !lq_buf_byte(&b, ' ')) || !lq_buf_add(&b, s.ptr + from, at - from)) return false;
  }
}

/* Ruby's split: trailing empty pieces go; "" cuts into characters, " " at white space. */
bool filter_split(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, args[0]);
  TEXT(by, args[1]);
  struct lq_list l = { .cx = env->cx };
  uint32_t filled = 0; /* pieces up to the last that is not empty */
  for (size_t at = 0; at < s.len;) {
    size_t from = at, end;
    if (by.len == 1 && *by.ptr == ' ') {
      while (from < s.len && is_strip(s.ptr[from])) from++;
      if (from == s.len) break;
      end = from;
      while (end < s.len && !is_strip(s.ptr[end])) end++;
      at = end;
    } else if (by.len == 0) {
      size_t n = utf8_decode((struct str){ s.ptr + at, s.len - at }, NULL);
      end = at += n ? n : 1;
    } else {
      end = find(s, by, at);
      at = end + by.len;
    }
    if (!lq_list_add(&l, lq_str((struct str){ s.ptr + from, end - from }))) return false;
    if (end > from) filled = l.count;
  }
  l.count = filled;
  *out = lq_list_value(&l);
  return true;
}

static struct str strip(struct str s, bool left, bool right) {
  while (left && s.len && is_strip(*s.ptr)) s.ptr++, s.len--;
  while (right && s.len && is_strip(s.ptr[s.len - 1])) s.len--;
  return s;
}
bool filter_strip(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, *args);
  return give_str(strip(s, true, true), *args, out);
}
bool filter_lstrip(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, *args);
  return give_str(strip(s, true, false), *args, out);
}
bool filter_rstrip(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  TEXT(s, *args);
  return give_str(strip(s, false, true), *args, out);
}

bool filter_squish(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  *out = lq_nil();
  if (args->type == LQ_NIL) return true;
  TEXT(s, *args);
  s = strip(s, true, true);
  struct lq_buf b = buf_of(env);
  for (size_t i = 0; i < s.len; i++) {
    if (is_space(s.ptr[i]) && i && is_space(s.ptr[i - 1])) continue;
    if (!lq_buf_byte(&b, is_space(s.ptr[i]) ? ' ' : s.ptr[i])) return false;
  }
  return give_str((struct str){ b.data, b.len }, *args, out);
}

/* --- replacing ------------------------------------------------------------------------------------------------------- */

/* A replacement as Ruby's gsub reads it: \0 and \& are what was found, \` and \' what stands before and behind, \\ a
 * backslash, \1 … \9 and \+ groups that a plain text does not have. \k<name> is an error there, "internal" to a template. */
static bool add_replacement(struct lq_buf *b, struct str s, struct str with, size_t at, size_t len) {
  for (size_t i = 0; i < with.len; i++) {
    char c = with.ptr[i], next = i + 1 < with.len ? with.ptr[i + 1] : 0;
    bool good = true;
    if (c != '\\' || i + 1 == with.len) {
      if (!lq_buf_byte(b, c)) return false;
      continue;
    }
    i++;
    if (next == '0' || next == '&') good = lq_buf_add(b, s.ptr + at, len);
    else if (is_digit(next) || next == '+') good = true;
    else if (next == '`') good = lq_buf_add(b, s.ptr, at);
    else if (next == '\'') good = lq_buf_add(b, s.ptr + at + len, s.len - at - len);
    else if (next == '\\') good = lq_buf_byte(b, '\\');
    else if (next == 'k' && i + 1 < with.len && with.ptr[i + 1] == '<' && memchr(with.ptr + i, '>', with.len - i))
      return lq_fail(b->cx, "internal");
    else good = lq_buf_byte(b, '\\') && lq_buf_byte(b, next);
    if (!good) return false;
  }
  return true;
}

static bool replace(struct lq_env *env, struct lq v, struct lq old, struct lq new_text, bool all, struct lq *out) {
  TEXT(s, v);
  TEXT(what, old);
  TEXT(with, new_text);
  bool plain = !with.len || !memchr(with.ptr, '\\', with.len);
  struct lq_buf b = buf_of(env);
  size_t from = 0;
  for (size_t at = 0; at <= s.len;) {
    at = what.len ? find(s, what, at) : at;
    if (what.len && at == s.len) break;
    if (!lq_buf_add(&b, s.ptr + from, at - from)) return false;
    if (!(plain ? lq_buf_str(&b, with) : add_replacement(&b, s, with, at, what.len))) return false;
    from = at + what.len;
    if (!all) break;
    if (what.len) {
      at = from;
    } else {
      size_t n = utf8_decode((struct str){ s.ptr + at, s.len - at }, NULL);
      at += n ? n : 1;
    }
  }
  return lq_buf_add(&b, s.ptr + from, s.len - from) && give(&b, out);
}

bool filter_replace(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  return replace(env, args[0], args[1], count > 2 ? args[2] : lq_nil(), true, out);
}
bool filter_replace_first(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  return replace(env, args[0], args[1], count > 2 ? args[2] : lq_nil(), false, out);
}
bool filter_remove(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return replace(env, args[0], args[1], lq_nil(), true, out);
}
bool filter_remove_first(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return replace(env, args[0], args[1], lq_nil(), false, out);
}

static const char *reversed(struct lq_env *env, struct str s) {
  char *copy = lq_alloc(env->cx, s.len);
  for (size_t i = 0; copy && i < s.len; i++) copy[i] = s.ptr[s.len - 1 - i];
  return copy;
}

/* Where s holds what for the last time; behind its end when it does not. Comparing at every place takes as long as both lengths
 * multiplied: a long text is looked for from the front, where that is known to be linear, with both turned round. */
static bool find_last(struct lq_env *env, struct str s, struct str what, size_t *out) {
  enum { SHORT = 32 };
  *out = s.len + 1;
  if (what.len > s.len) return true;
  if (what.len > SHORT) {
    const char *a = reversed(env, s), *b = a ? reversed(env, what) : NULL;
    if (!b) return false;
    const char *at = memmem(a, s.len, b, what.len);
    if (at) *out = s.len - (size_t)(at - a) - what.len;
    return true;
  }
  for (size_t at = s.len - what.len + 1; at-- > 0;)
    if (memcmp(s.ptr + at, what.ptr, what.len) == 0) {
      *out = at;
      return true;
    }
  return true;
}

bool filter_replace_last(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  TEXT(s, args[0]);
  TEXT(what, args[1]);
  TEXT(with, count > 2 ? args[2] : lq_nil());
  size_t at;
  struct lq_buf b = buf_of(env);
  if (!find_last(env, s, what, &at)) return false;
  if (at > s.len) return give_str(s, lq_nil(), out);
  return lq_buf_add(&b, s.ptr, at) && lq_buf_str(&b, with) &&
         lq_buf_add(&b, s.ptr + at + what.len, s.len - at - what.len) && give(&b, out);
}
bool filter_remove_last(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  const struct lq three[3] = { args[0], args[1], lq_nil() };
  return filter_replace_last(env, three, 3, out);
}

static bool join_two(struct lq_env *env, struct lq a, struct lq b, struct lq *out) {
  TEXT(s, a);
  TEXT(t, b);
  struct lq_buf both = buf_of(env);
  return lq_buf_room(&both, s.len + t.len) && lq_buf_str(&both, s) && lq_buf_str(&both, t) && give(&both, out);
}
bool filter_append(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return join_two(env, args[0], args[1], out);
}
bool filter_prepend(struct lq_env *env, const struct lq *args, uint32_t count, struct lq *out) {
  (void)count;
  return join_two(env, args[1], args[0], out);
}
