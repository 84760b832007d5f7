#ifndef CAMP_INPUT_FIELD_H
#define CAMP_INPUT_FIELD_H
/* Private to runtime/input: what NDJSON and CSV check alike, so that a bad value is refused with the same words in both. */
#include "runtime/input/input.h"

/* What stands in a message of a value: its first bytes, cut at a character, with … when there was more. */
struct str field_shown(struct arena *a, struct str value);
/* A key, name or id: not longer than bytes_max and without control characters, which would break logs, headers and file names. */
bool field_text(struct arena *a, const char *field, struct str text, size_t bytes_max, struct str *why);
/* A moment as text; shown is the value as it stood in the input. */
bool field_moment(struct arena *a, const char *field, struct str text, struct str shown, int64_t *ms, struct str *why);
/* A moment as a number: seconds below 1e11, else milliseconds since 1970. */
bool field_epoch(struct arena *a, const char *field, double n, struct str shown, int64_t *ms, struct str *why);
/* Whether text is written exactly as RFC 8259 writes a number. */
bool field_is_number(struct str text);
#endif
