/* A unified diff between a script and itself formatted.
 *
 * It is no general diff, and needs no search for one: formatting moves blanks, newlines and `;` only, so two places belong
 * together when as many other bytes stand before each. One walk over both texts finds the least groups of lines that hold the
 * same; a group that is one and the same line is context.
 *
 *   1. Every line of both texts is in exactly one group, in order, so the diff always turns the one into the other, whatever
 *      the texts are; what they have in common only makes it short.
 *   2. Time and memory are linear in the lines. */
#include "runtime/command/diff.h"

#include "vm/base/arena.h"

enum { CONTEXT_LINES = 3 };

struct lines { VEC(struct str) all; };                            /* each with its newline, but for a last one without */
struct group { uint32_t before, before_count, after, after_count; bool same; };
struct groups { VEC(struct group) all; };

static void split(struct arena *a, struct lines *l, struct str text) {
  for (size_t at = 0; at < text.len;) {
    const char *stop = memchr(text.ptr + at, '\n', text.len - at);
    struct str line = { text.ptr + at, stop ? (size_t)(stop + 1 - text.ptr) - at : text.len - at };
    VEC_PUSH(a, &l->all, line);
    at += line.len;
  }
}

/* The bytes that formatting keeps. */
static size_t weight(struct str line) {
  size_t n = line.len;
  for (size_t i = 0; i < line.len; i++)
    if (line.ptr[i] == ' ' || line.ptr[i] == '\t' || line.ptr[i] == '\r' || line.ptr[i] == '\n' || line.ptr[i] == ';') n--;
  if (str_starts(line, STR("\xef\xbb\xbf"))) n -= 3;
  return n;
}

/* Lines from both sides until both hold as much. Where a blank line stands on one side only, it is a group of its own. */
static struct group next_group(const struct lines *x, uint32_t i, const struct lines *y, uint32_t j) {
  struct group g = { .before = i, .after = j };
  bool x_blank = i < x->all.count && weight(x->all.items[i]) == 0, y_blank = j < y->all.count && weight(y->all.items[j]) == 0;
  if (x_blank || y_blank) {
    g.before_count = x_blank;
    g.after_count = y_blank;
  } else {
    size_t left = 0, right = 0;
    do {
      bool more_left = i < x->all.count, more_right = j < y->all.count;
      if (more_left && (left <= right || !more_right)) left += weight(x->all.items[i++]);
      else right += weight(y->all.items[j++]);
    } while (left != right && (i < x->all.count || j < y->all.count));
    g.before_count = i - g.before;
    g.after_count = j - g.after;
  }
  g.same = g.before_count == 1 && g.after_count == 1 && str_eq(x->all.items[g.before], y->all.items[g.after]);
  return g;
}

static void put_lines(struct buf *out, char mark, const struct lines *l, uint32_t from, uint32_t count) {
  for (uint32_t i = from; i < from + count; i++) {
    buf_byte(out, (uint8_t)mark);
    buf_str(out, l->all.items[i]);
    if (!str_ends(l->all.items[i], STR("\n"))) buf_c(out, "\n\\ No newline at end of file\n");
  }
}

/* A range that holds nothing is named by the line before it. */
static void put_range(struct buf *out, char mark, uint32_t from, uint32_t count) {
  buf_printf(out, " %c%u", mark, count ? from + 1 : from);
  if (count != 1) buf_printf(out, ",%u", count);
}

static void put_hunk(struct buf *out, const struct lines *x, const struct lines *y, const struct group *from,
                     const struct group *end) {
  const struct group *last = end - 1;
  buf_c(out, "@@");
  put_range(out, '-', from->before, last->before + last->before_count - from->before);
  put_range(out, '+', from->after, last->after + last->after_count - from->after);
  buf_c(out, " @@\n");
  while (from < end) {
    const struct group *run = from;
    while (run < end && run->same == from->same) run++;
    const struct group *until = run - 1;
    uint32_t before_count = until->before + until->before_count - from->before;
    uint32_t after_count = until->after + until->after_count - from->after;
    put_lines(out, from->same ? ' ' : '-', x, from->before, before_count);
    if (!from->same) put_lines(out, '+', y, from->after, after_count);
    from = run;
  }
}

void diff_unified(struct buf *out, const char *path, struct str before, struct str after) {
  struct arena a;
  arena_init(&a, 64 << 10);
  struct lines x = { 0 }, y = { 0 };
  struct groups g = { 0 };
  split(&a, &x, before);
  split(&a, &y, after);
  for (uint32_t i = 0, j = 0; i < x.all.count || j < y.all.count;) {
    struct group one = next_group(&x, i, &y, j);
    VEC_PUSH(&a, &g.all, one);
    i += one.before_count;
    j += one.after_count;
  }
  bool any = false;
  for (uint32_t i = 0; i < g.all.count;) {
    if (g.all.items[i].same) {
      i++;
      continue;
    }
    if (!any) buf_printf(out, "--- %s\n+++ %s\n", path, path);
    any = true;
    uint32_t from = i > CONTEXT_LINES ? i - CONTEXT_LINES : 0, end = i + 1;
    /* Two changes with no more between them than their contexts are one hunk. */
    for (uint32_t k = end; k < g.all.count && k <= end + 2 * CONTEXT_LINES; k++)
      if (!g.all.items[k].same) end = k + 1;
    i = end;
    end = g.all.count - end > CONTEXT_LINES ? end + CONTEXT_LINES : g.all.count;
    put_hunk(out, &x, &y, &g.all.items[from], &g.all.items[0] + end);
  }
  arena_deinit(&a);
}
