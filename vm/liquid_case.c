/* Upper, lower and title case of any text, by Unicode's full mappings (ß is SS in capitals), as Ruby has them.
 *
 * Not here: languages with rules of their own (Turkish i), and Greek's final sigma, which Ruby leaves out too.
 * Why not the C library's: its tables change with the machine and its locale; a message must not. */
#include "liquid_case.h"

#include "base/utf8.h"

struct case_run { uint32_t first, last; uint8_t step; int32_t delta; };
struct case_special { uint32_t point; const char *text; };
#include "liquid_case_table.h"

struct mapping {
  const struct case_run *runs; size_t run_count;
  const struct case_special *special; size_t special_count;
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
static const struct mapping mappings[] = {
  [LQ_UPPER] = { upper_runs, COUNT(upper_runs), upper_special, COUNT(upper_special) },
  [LQ_LOWER] = { lower_runs, COUNT(lower_runs), lower_special, COUNT(lower_special) },
  [LQ_TITLE] = { title_runs, COUNT(title_runs), title_special, COUNT(title_special) },
};

static uint32_t map_point(const struct mapping *m, uint32_t point) {
  size_t low = 0, high = m->run_count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    const struct case_run *r = &m->runs[mid];
    if (point > r->last) low = mid + 1;
    else if (point < r->first) high = mid;
    else return (point - r->first) % r->step ? point : (uint32_t)((int32_t)point + r->delta);
  }
  return point;
}

static bool add_point(struct lq_buf *b, const struct mapping *m, struct str bytes, uint32_t point) {
  for (size_t i = 0; i < m->special_count && m->special[i].point <= point; i++)
    if (m->special[i].point == point) return lq_buf_str(b, str_from_c(m->special[i].text));
  uint32_t mapped = map_point(m, point);
  if (mapped == point) return lq_buf_str(b, bytes);
  char text[4];
  size_t n = utf8_encode(mapped, text);
  return lq_buf_add(b, text, n);
}

/* The letters of eight bytes that are all ASCII, in the other case: first is 'A' or 'a'. */
static uint64_t turn_eight(uint64_t w, char first) {
  const uint64_t ones = UINT64_C(0x0101010101010101), top = ones * 0x80;
  uint64_t from = w + ones * (uint64_t)(0x80 - first), behind = w + ones * (uint64_t)(0x80 - first - 26);
  return w ^ ((from & ~behind & top) >> 2);
}

bool lq_case(struct lq_buf *b, struct str s, enum lq_case first, enum lq_case rest) {
  if (!lq_buf_room(b, s.len + 1)) return false;
  enum lq_case how = first;
  for (size_t i = 0; i < s.len; how = rest) {
    uint64_t w = 0;
    if (s.len - i >= 8) memcpy(&w, s.ptr + i, 8);
    if (s.len - i >= 8 && how == rest && !(w & UINT64_C(0x8080808080808080))) {
      w = turn_eight(w, how == LQ_LOWER ? 'A' : 'a');
      if (!lq_buf_add(b, (const char *)&w, 8)) return false;
      i += 8;
      continue;
    }
    unsigned char c = (unsigned char)s.ptr[i];
    if (c < 0x80) {
      bool letter = how == LQ_LOWER ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z';
      if (!lq_buf_byte(b, (char)(letter ? c ^ 0x20 : c))) return false;
      i++;
      continue;
    }
    uint32_t point;
    size_t n = utf8_decode((struct str){ s.ptr + i, s.len - i }, &point);
    struct str bytes = { s.ptr + i, n ? n : 1 };
    if (!(n ? add_point(b, &mappings[how], bytes, point) : lq_buf_str(b, bytes))) return false;
    i += bytes.len;
  }
  return true;
}
