/* One CSV record (RFC 4180) becomes one input; its property columns become a JSON object in the arena.
 *
 * Not for: finding where a record ends (feed.c does, by the same rule of quotes), other separators than the comma.
 *
 * Invariants:
 * 1. A quote opens a cell only as its first byte; elsewhere in a plain cell it is a letter like any other (5" nails).
 * 2. The JSON built needs no check: names and texts are escaped, numbers are copied only when RFC 8259 would write them so.
 * 3. An empty cell is a missing property, never an empty text: CSV cannot tell the two apart.
 * 4. A record has as many cells as the header; a shorter one is more often a torn line than a thrifty writer. */
#include "runtime/input/field.h"

#include "vm/base/json.h"
#include "vm/base/limits.h"
#include "vm/base/utf8.h"

enum { COLUMNS_MAX = LIMIT_EVENT_FIELDS_COUNT + 4 };

struct cell {
  struct str text;
  bool doubled; /* a quoted cell in which "" stands for " */
};

/* The cells of a record; -1 with *why when the quotes are wrong or there are too many. */
static int cut_cells(struct str row, struct cell cells[COLUMNS_MAX], struct arena *a, struct str *why) {
  const char *at = row.ptr, *end = row.ptr + row.len;
  for (int n = 0;; n++) {
    if (n == COLUMNS_MAX) {
      *why = arena_printf(a, "the row has more than %d cells", COLUMNS_MAX);
      return -1;
    }
    cells[n].doubled = false;
    const char *from = at;
    if (at < end && *at == '"') {
      from = ++at;
      const char *close = NULL;
      while (!close) {
        const char *quote = at < end ? memchr(at, '"', (size_t)(end - at)) : NULL;
        if (!quote) {
          *why = arena_printf(a, "the quote that opens column %d is never closed", n + 1);
          return -1;
        }
        at = quote + 1;
        if (at < end && *at == '"') at++, cells[n].doubled = true;
        else close = quote;
      }
      if (at < end && *at != ',') {
        *why = arena_printf(a, "column %d goes on after its closing quote", n + 1);
        return -1;
      }
      cells[n].text = str_slice(from, close);
    } else {
      const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
      at = comma ? comma : end;
      cells[n].text = str_slice(from, at);
    }
    if (at == end) return n + 1;
    at++; /* the comma */
  }
}

static bool check_bytes(struct str row, struct arena *a, struct str *why) {
  const char *fault = NULL;
  size_t at = 0;
  if (row.len > LIMIT_EVENT_BYTES) *why = arena_printf(a, "the line is longer than %u bytes", LIMIT_EVENT_BYTES);
  else if ((at = utf8_valid_prefix(row)) < row.len) fault = "not UTF-8";
  else if (memchr(row.ptr, 0, row.len)) at = (size_t)((const char *)memchr(row.ptr, 0, row.len) - row.ptr), fault = "a zero byte";
  else return true;
  if (fault) *why = arena_printf(a, "%s at byte %zu", fault, at + 1);
  return false;
}

static struct str cell_text(const struct cell *c, struct arena *a) {
  if (!c->doubled) return c->text;
  char *out = arena_alloc(a, c->text.len);
  size_t n = 0;
  for (size_t i = 0; i < c->text.len; i++) {
    out[n++] = c->text.ptr[i];
    if (c->text.ptr[i] == '"') i++;
  }
  return (struct str){ out, n };
}

static struct str trim(struct str s) {
  while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) s.len--;
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s.ptr++, s.len--;
  return s;
}

static enum camp_err header_name(struct csv_header *h, struct str name, struct arena *a, struct str *why) {
  if (name.len == 0) {
    *why = arena_printf(a, "column %u of the header has no name", h->count + 1);
    return CAMP_BAD;
  }
  if (!field_text(a, "header", name, LIMIT_NAME_BYTES, why)) return CAMP_BAD;
  for (uint32_t i = 0; i < h->count; i++) {
    if (!str_eq(h->names[i], name)) continue;
    *why = arena_printf(a, "the header names `" STR_FMT "` twice, in columns %u and %u", STR_ARG(name), i + 1, h->count + 1);
    return CAMP_BAD;
  }
  int column = (int)h->count;
  if (str_is(name, "contact")) h->contact = column;
  else if (str_is(name, "event")) h->event = column;
  else if (str_is(name, "at")) h->at = column;
  else if (str_is(name, "id")) h->id = column;
  h->names[h->count++] = name;
  return CAMP_OK;
}

/* What is there in place of the column that is missing. `event` is left out: an import of contacts adds it by itself. */
static struct str listed(const struct csv_header *h, struct arena *a) {
  enum { SHOWN = 8 };
  struct str out = STR("");
  for (uint32_t i = 0, n = 0; i < h->count && n <= SHOWN; i++) {
    if ((int)i == h->event) continue;
    out = n++ < SHOWN ? arena_printf(a, STR_FMT "%s`" STR_FMT "`", STR_ARG(out), n > 1 ? ", " : "", STR_ARG(h->names[i]))
                      : arena_printf(a, STR_FMT " …", STR_ARG(out));
  }
  return out.len ? out : STR("no other");
}

/* A file of another kind, by its first line. */
static bool no_csv(struct str row, struct str *why) {
  struct str line = trim(row);
  if (str_starts(line, STR("event,"))) line = (struct str){ line.ptr + 6, line.len - 6 }; /* of an import of contacts */
  bool commas = memchr(line.ptr, ',', line.len) != NULL;
  if (line.len && line.ptr[0] == '{') *why = STR("the first line begins with `{`: the file holds JSON, so leave out --csv");
  else if (!commas && memchr(line.ptr, ';', line.len)) *why = STR("the columns stand between semicolons; CSV has commas");
  else if (!commas && memchr(line.ptr, '\t', line.len)) *why = STR("the columns stand between tabs; CSV has commas");
  else return false;
  return true;
}

enum camp_err csv_read_header(struct str row, struct arena *a, struct csv_header *out, struct str *why) {
  struct cell cells[COLUMNS_MAX];
  *out = (struct csv_header){ .contact = -1, .event = -1, .at = -1, .id = -1 };
  if (!check_bytes(row, a, why) || no_csv(row, why)) return CAMP_BAD;
  int count = cut_cells(row, cells, a, why);
  if (count < 0) return CAMP_BAD;
  out->names = arena_zalloc(a, (size_t)count, sizeof *out->names);
  for (int i = 0; i < count; i++) {
    /* The header outlives its line. */
    struct str name = arena_str(a, trim(cell_text(&cells[i], a)));
    enum camp_err err = header_name(out, name, a, why);
    if (err) return err;
  }
  if (out->contact >= 0 && out->event >= 0) return CAMP_OK;
  *why = arena_printf(a, "the header has no column `%s`, which says %s; it has " STR_FMT, out->contact < 0 ? "contact" : "event",
                      out->contact < 0 ? "whose each row is" : "what happened", STR_ARG(listed(out, a)));
  return CAMP_BAD;
}

/* The bytes of text as a JSON string without its quotes, written to `to` unless that is NULL. */
static size_t json_escape(struct str text, char *to) {
  static const char hex[] = "0123456789abcdef";
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c == '"' || c == '\\') {
      if (to) to[n] = '\\', to[n + 1] = (char)c;
      n += 2;
    } else if (c < 0x20) {
      if (to) memcpy(to + n, "\\u00", 4), to[n + 4] = hex[c >> 4], to[n + 5] = hex[c & 15];
      n += 6;
    } else {
      if (to) to[n] = (char)c;
      n++;
    }
  }
  return n;
}

static bool is_property(const struct csv_header *h, int column, const struct cell *c) {
  return column != h->contact && column != h->event && column != h->at && column != h->id && c->text.len > 0;
}

static size_t put(char *to, size_t n, struct str text, bool escape) {
  if (escape) return n + json_escape(text, to ? to + n : NULL);
  if (to && text.len) memcpy(to + n, text.ptr, text.len);
  return n + text.len;
}

/* {"name":value,…}: measured with to NULL, then written. */
static size_t build(const struct csv_header *h, const struct str *texts, const struct cell *cells, char *to) {
  size_t n = 0;
  for (int i = 0; i < (int)h->count; i++) {
    if (!is_property(h, i, &cells[i])) continue;
    bool number = field_is_number(texts[i]);
    n = put(to, n, n ? STR(",\"") : STR("{\""), false);
    n = put(to, n, h->names[i], true);
    n = put(to, n, number ? STR("\":") : STR("\":\""), false);
    n = put(to, n, texts[i], !number);
    if (!number) n = put(to, n, STR("\""), false);
  }
  return n ? put(to, n, STR("}"), false) : 0;
}

static struct str properties(const struct csv_header *h, const struct cell *cells, struct arena *a) {
  struct str texts[COLUMNS_MAX];
  for (uint32_t i = 0; i < h->count; i++) texts[i] = cell_text(&cells[i], a);
  size_t bytes = build(h, texts, cells, NULL);
  if (bytes == 0) return (struct str){ NULL, 0 };
  char *json = arena_alloc(a, bytes);
  CHECK(build(h, texts, cells, json) == bytes);
  return (struct str){ json, bytes };
}

static bool take_time(struct str text, struct arena *a, struct input *out, struct str *why) {
  out->has_at = text.len > 0;
  if (!out->has_at) return true;
  double n;
  if (!field_is_number(text)) return field_moment(a, "at", text, text, &out->at_ms, why);
  struct json number = { JSON_NUMBER, false, text };
  if (json_number(number, &n)) return field_epoch(a, "at", n, text, &out->at_ms, why);
  return field_moment(a, "at", text, text, &out->at_ms, why);
}

enum input_kind input_csv(const struct csv_header *h, struct str row, struct arena *a, struct input *out, struct str *why) {
  struct cell cells[COLUMNS_MAX];
  *out = (struct input){ 0 };
  if (trim(row).len == 0) return INPUT_BLANK;
  if (!check_bytes(row, a, why)) return INPUT_REJECT;
  int count = cut_cells(row, cells, a, why);
  if (count < 0) return INPUT_REJECT;
  if (count != (int)h->count) {
    *why = arena_printf(a, "the row has %d cell%s, the header has %u", count, count == 1 ? "" : "s", h->count);
    return INPUT_REJECT;
  }
  out->key = cell_text(&cells[h->contact], a);
  out->name = cell_text(&cells[h->event], a);
  if (h->id >= 0) out->id = cell_text(&cells[h->id], a);
  if (out->key.len == 0 || out->name.len == 0) {
    *why = out->key.len ? STR("the row has no event: its cell `event` is empty") : STR("the row has no contact: its cell `contact` is empty");
    return INPUT_REJECT;
  }
  if (!field_text(a, "contact", out->key, LIMIT_KEY_BYTES, why) || !field_text(a, "event", out->name, LIMIT_NAME_BYTES, why) ||
      !field_text(a, "id", out->id, LIMIT_ID_BYTES, why))
    return INPUT_REJECT;
  if (h->at >= 0 && !take_time(cell_text(&cells[h->at], a), a, out, why)) return INPUT_REJECT;
  /* So a table of contacts can be read too: the columns of an `identify` are what becomes known of the contact. */
  out->identify = str_is(out->name, "identify");
  out->props = properties(h, cells, a);
  return INPUT_EVENT;
}
