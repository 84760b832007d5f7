/* One NDJSON line of Segment's shape becomes one input, or one rejection with its reason.
 *
 * Not for: cutting bytes into lines (feed.c), interning what the programs look at (vm/contact.h), knowing zones' names.
 *
 * Invariants:
 * 1. An INPUT_EVENT has a key and a name within their limits, and props that are empty or a checked JSON object.
 * 2. A good line without escapes costs one json_check_members, and a walk over its own members only when it has very many; nothing
 *    is allocated.
 * 3. null counts as missing, as Segment's libraries send it; of a repeated member the last one counts. */
#include "runtime/input/field.h"

#include "vm/base/json.h"
#include "vm/base/limits.h"
#include "vm/key.h"
#include "vm/program.h"

enum member { M_TYPE, M_EVENT, M_USER, M_ANONYMOUS, M_ID, M_TIMESTAMP, M_PROPERTIES, M_TRAITS, M_CONTEXT, M_PREVIOUS, M_KEY, M_STATUS, M_BODY, M_ERROR, M_COUNT };
static const struct str MEMBERS[M_COUNT] = {
  [M_TYPE] = { "type", 4 },           [M_EVENT] = { "event", 5 },         [M_USER] = { "userId", 6 },
  [M_ANONYMOUS] = { "anonymousId", 11 }, [M_ID] = { "messageId", 9 },     [M_TIMESTAMP] = { "timestamp", 9 },
  [M_PROPERTIES] = { "properties", 10 }, [M_TRAITS] = { "traits", 6 },    [M_CONTEXT] = { "context", 7 },
  [M_PREVIOUS] = { "previousId", 10 }, [M_KEY] = { "key", 3 },             [M_STATUS] = { "status", 6 },
  [M_BODY] = { "body", 4 },           [M_ERROR] = { "error", 5 },
};

struct line { /* the members that matter; JSON_NULL where missing */
  struct json m[M_COUNT];
  struct arena *a;
  struct str *why;
};

static enum input_kind reject(struct str *why, struct str sentence) {
  *why = sentence;
  return INPUT_REJECT;
}

/* A value as a message shows it: texts, numbers and words as they stand, what is long by its kind. */
static struct str shown(struct arena *a, struct json j) {
  if (j.type == JSON_OBJECT) return STR("an object");
  if (j.type == JSON_ARRAY) return STR("an array");
  return field_shown(a, j.text);
}

static bool wrong_kind(struct line *l, const char *field, struct json j, const char *wanted) {
  *l->why = arena_printf(l->a, "`%s` is " STR_FMT ", not %s", field, STR_ARG(shown(l->a, j)), wanted);
  return false;
}

/* The scanner's own words for depth may change; this asks the text itself, and only once it has been refused. */
static bool too_deep(struct str text, size_t until) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.len && i <= until; i++) {
    char c = text.ptr[i];
    if (quoted) {
      if (c == '\\') i++;
      else if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > LIMIT_JSON_DEPTH) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      depth--;
    }
  }
  return false;
}

static bool check(struct line *l, struct str text, struct json *object, struct json_members *members) {
  const char *fault = "";
  size_t at = 0;
  if (!json_check_members(text, object, members, &fault, &at)) {
    if (too_deep(text, at)) *l->why = arena_printf(l->a, "properties are nested deeper than %d", LIMIT_JSON_DEPTH);
    else *l->why = arena_printf(l->a, "not JSON: %s at byte %zu", fault, at + 1);
    return false;
  }
  if (object->type == JSON_OBJECT) return true;
  *l->why = arena_printf(l->a, "the line is " STR_FMT ", not an object such as {\"event\":…,\"userId\":…}",
                         STR_ARG(shown(l->a, *object)));
  return false;
}

static void gather_one(struct line *l, struct str key, bool escaped, struct json value) {
  if (escaped) key = json_string((struct json){ JSON_STRING, true, { key.ptr - 1, key.len + 2 } }, l->a);
  for (int i = 0; i < M_COUNT; i++) {
    if (key.len != MEMBERS[i].len || memcmp(key.ptr, MEMBERS[i].ptr, key.len) != 0) continue;
    l->m[i] = value;
    return;
  }
}

static void gather(struct line *l, struct str object, const struct json_members *members) {
  if (members->count <= JSON_MEMBERS_COUNT) {
    for (uint32_t i = 0; i < members->count; i++) gather_one(l, members->items[i].key, members->items[i].key_escaped, members->items[i].value);
    return;
  }
  for (struct json_walk w = json_walk_of(object); json_next(&w);) gather_one(l, w.key, w.key_escaped, w.value);
}

/* A text, or a number's own text where `number` (ids are often numbers); empty when missing. */
static bool take_text(struct line *l, const char *field, struct json j, bool number, size_t bytes_max, struct str *out) {
  *out = (struct str){ NULL, 0 };
  if (j.type == JSON_NULL) return true;
  if (number && j.type == JSON_NUMBER) *out = j.text;
  else if (j.type == JSON_STRING) *out = json_string(j, l->a);
  else return wrong_kind(l, field, j, number ? "a text or a number" : "a text");
  return field_text(l->a, field, *out, bytes_max, l->why);
}

static bool take_contact(struct line *l, struct input *out) {
  if (!take_text(l, "userId", l->m[M_USER], true, LIMIT_KEY_BYTES, &out->key)) return false;
  if (out->key.len) return true;
  if (!take_text(l, "anonymousId", l->m[M_ANONYMOUS], true, LIMIT_KEY_BYTES, &out->key)) return false;
  if (out->key.len) return true;
  *l->why = STR("the line has no contact: `userId` or `anonymousId` is missing");
  return false;
}

/* The other key of an identify is the anonymous id beside the user's; that of an alias must be there. */
static bool take_previous(struct line *l, struct input *out) {
  const char *field = out->alias ? "previousId" : "anonymousId";
  if (!take_text(l, field, l->m[out->alias ? M_PREVIOUS : M_ANONYMOUS], true, LIMIT_KEY_BYTES, &out->previous)) return false;
  if (out->previous.len && !str_eq(out->previous, out->key)) return true;
  if (!out->alias) {
    out->previous = (struct str){ NULL, 0 };
    return true;
  }
  *l->why = out->previous.len ? STR("`previousId` is the contact itself") : STR("the alias has no other key: `previousId` is missing");
  return false;
}

static bool take_name(struct line *l, struct input *out) {
  struct str type;
  if (!take_text(l, "type", l->m[M_TYPE], false, SIZE_MAX, &type)) return false;
  if (str_is(type, "identify")) {
    out->identify = true;
    out->name = STR("identify");
  } else if (str_is(type, "alias")) {
    out->alias = true;
    out->name = STR("alias");
  } else if (str_is(type, "page")) {
    out->name = STR("page_view");
  } else if (str_is(type, "screen")) {
    out->name = STR("screen_view");
  } else if (type.len == 0 || str_is(type, "track")) {
    if (!take_text(l, "event", l->m[M_EVENT], false, LIMIT_NAME_BYTES, &out->name)) return false;
    if (out->name.len) return true;
    *l->why = type.len ? STR("the line has no event: `event` is missing") : STR("the line says neither `type` nor `event`");
    return false;
  } else {
    return wrong_kind(l, "type", l->m[M_TYPE], "track, identify, alias, page, screen or reply");
  }
  return true;
}

static bool take_time(struct line *l, struct input *out) {
  struct json j = l->m[M_TIMESTAMP];
  double n;
  out->has_at = j.type != JSON_NULL;
  if (!out->has_at) return true;
  if (j.type == JSON_STRING) return field_moment(l->a, "timestamp", json_string(j, l->a), j.text, &out->at_ms, l->why);
  if (j.type == JSON_NUMBER && json_number(j, &n)) return field_epoch(l->a, "timestamp", n, j.text, &out->at_ms, l->why);
  return wrong_kind(l, "timestamp", j, "a date and time such as 2026-01-05T10:00:00Z");
}

static bool take_object(struct line *l, const char *field, struct json j, struct str *out) {
  *out = (struct str){ NULL, 0 };
  if (j.type == JSON_NULL) return true;
  if (j.type != JSON_OBJECT) return wrong_kind(l, field, j, "an object");
  *out = j.text;
  return true;
}

/* context.timezone, else an identify's own trait. */
static bool take_zone(struct line *l, struct input *out) {
  struct str context;
  if (!take_object(l, "context", l->m[M_CONTEXT], &context)) return false;
  const char *field = "context.timezone";
  struct json j = context.len ? json_member(context, STR("timezone")) : (struct json){ .type = JSON_BAD };
  if ((j.type == JSON_BAD || j.type == JSON_NULL) && out->identify && out->props.len) {
    field = "traits.timezone";
    j = json_member(out->props, STR("timezone"));
  }
  if (j.type == JSON_BAD) j.type = JSON_NULL;
  return take_text(l, field, j, false, LIMIT_NAME_BYTES, &out->zone);
}

static struct str type_of(struct line *l) {
  return l->m[M_TYPE].type == JSON_STRING ? json_string(l->m[M_TYPE], l->a) : (struct str){ NULL, 0 };
}

/* The answer to a call. Whose it is stands in the key; the line itself is what the event says. */
static bool take_reply(struct line *l, struct str whole, struct input *out) {
  struct str key, error, body;
  out->name = STR(REPLY_EVENT);
  if (!take_text(l, "key", l->m[M_KEY], false, LIMIT_EVENT_BYTES, &key)) return false;
  out->key = key_contact(l->a, key);
  if (!out->key.len || out->key.len > LIMIT_KEY_BYTES) {
    *l->why = key.len ? STR("`key` is no key of a call, such as ann/welcome/1.1") : STR("the reply has no call: `key` is missing");
    return false;
  }
  if (l->m[M_STATUS].type != JSON_NULL && l->m[M_STATUS].type != JSON_NUMBER) return wrong_kind(l, "status", l->m[M_STATUS], "a number such as 200");
  if (!take_object(l, "body", l->m[M_BODY], &body) || !take_text(l, "error", l->m[M_ERROR], false, LIMIT_EVENT_BYTES, &error)) return false;
  if (l->m[M_STATUS].type == JSON_NULL && !error.len) {
    *l->why = STR("the reply says neither `status` nor `error`");
    return false;
  }
  out->props = whole;
  return take_text(l, "messageId", l->m[M_ID], true, LIMIT_ID_BYTES, &out->id) && take_time(l, out);
}

static struct str trim(struct str s) {
  while (s.len && memchr(" \t\r\n", s.ptr[s.len - 1], 4)) s.len--;
  while (s.len && memchr(" \t\r\n", s.ptr[0], 4)) s.ptr++, s.len--;
  return s;
}

enum input_kind input_json(struct str line, struct arena *a, struct input *out, struct str *why) {
  *out = (struct input){ 0 };
  if (line.len > LIMIT_EVENT_BYTES)
    return reject(why, arena_printf(a, "the line is longer than %u bytes", LIMIT_EVENT_BYTES));
  if (trim(line).len == 0) return INPUT_BLANK;

  struct line l = { .a = a, .why = why };
  for (int i = 0; i < M_COUNT; i++) l.m[i].type = JSON_NULL;
  struct json object;
  struct json_members members;
  if (!check(&l, line, &object, &members)) return INPUT_REJECT;
  gather(&l, object.text, &members);
  if (str_is(type_of(&l), "reply")) return take_reply(&l, object.text, out) ? INPUT_EVENT : INPUT_REJECT;
  if (!take_name(&l, out) || !take_contact(&l, out) || !take_time(&l, out)) return INPUT_REJECT;
  if ((out->identify || out->alias) && !take_previous(&l, out)) return INPUT_REJECT;
  if (!take_text(&l, "messageId", l.m[M_ID], true, LIMIT_ID_BYTES, &out->id)) return INPUT_REJECT;
  bool props = out->identify ? take_object(&l, "traits", l.m[M_TRAITS], &out->props)
                             : take_object(&l, "properties", l.m[M_PROPERTIES], &out->props);
  if (!props || !take_zone(&l, out)) return INPUT_REJECT;
  return INPUT_EVENT;
}
