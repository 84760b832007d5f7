#ifndef CAMP_BASE_JSON_H
#define CAMP_BASE_JSON_H
/* A strict scanner of JSON text (RFC 8259, UTF-8 only) that slices and never copies or allocates.
 *
 * Why not jansson: an arena-allocated jansson parse of a typical event takes 3.4 us of the 12 us that the
 * engine has for one, allocates a node per value, and loses where in the line a value stood, which the event
 * log stores as it came. jansson is the oracle of this scanner's tests and of its fuzz target.
 *
 * Limits: LIMIT_JSON_DEPTH nested arrays and objects. Refused like jansson does with JSON_REJECT_DUPLICATES off:
 * lone surrogates and \u0000 in strings, control characters in strings, invalid UTF-8, a byte order mark, leading zeros,
 * NaN. Unlike jansson, which limits the depth to 2048 and refuses integers beyond 64 bits and reals beyond a double,
 * a number of any size is accepted as text, as RFC 8259 has it; json_number then says whether it is a finite double. */
#include "arena.h"
#include "str.h"

enum json_type { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT, JSON_BAD };

/* One whole value as it stands in the text: a string with its quotes, an object with its braces. */
struct json {
  enum json_type type;
  bool escaped; /* a string that holds a backslash */
  struct str text;
};

/* Checks that text holds exactly one value (white space around it allowed) and gives it. On failure false,
 * *why a static sentence and *at_byte where it was seen. */
bool json_check(struct str text, struct json *out, const char **why, size_t *at_byte);
/* The same, and what stands in the object, which spares a walk through it; of something else than an object there are none. */
#define JSON_MEMBERS_COUNT 16
struct json_named {
  struct str key;    /* the raw text between the quotes */
  bool key_escaped;  /* it holds backslashes */
  struct json value;
};
struct json_members {
  uint32_t count;    /* over JSON_MEMBERS_COUNT: there are more than are here, so the object must be walked */
  struct json_named items[JSON_MEMBERS_COUNT];
};
bool json_check_members(struct str text, struct json *out, struct json_members *members, const char **why, size_t *at_byte);
/* The same as json_check, but \u0000 may stand in strings: for tools whose texts are measured, never for what is stored. */
bool json_check_nul(struct str text, struct json *out, const char **why, size_t *at_byte);

/* Walks a checked object or array, in order. The walk trusts json_check: give it only slices of checked text.
 *   struct json_walk w = json_walk_of(object.text);
 *   while (json_next(&w)) use(w.key, w.value);
 * w.key is the raw text between the quotes (w.key_escaped: it holds backslashes); empty in arrays. */
struct json_walk {
  const char *at, *end;
  bool object, key_escaped;
  struct str key;
  struct json value;
};
struct json_walk json_walk_of(struct str text);
bool json_next(struct json_walk *w);
/* The walk's present key, copied to the arena only when it holds escapes. */
struct str json_key(const struct json_walk *w, struct arena *a);
/* The last member of a checked object with this (unescaped) name; JSON_BAD when there is none. */
struct json json_member(struct str object, struct str name);

/* The text of a string value without quotes; copied to the arena only when it holds escapes. */
struct str json_string(struct json string, struct arena *a);
/* The number; anything that is not a finite number gives false. */
bool json_number(struct json number, double *out);
#endif
