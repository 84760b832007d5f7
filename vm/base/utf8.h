#ifndef CAMP_BASE_UTF8_H
#define CAMP_BASE_UTF8_H
/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "str.h"
/* Bytes of the first character, 0 when it is invalid or cut. *point may be NULL. */
size_t utf8_decode(struct str s, uint32_t *point);
size_t utf8_encode(uint32_t point, char out[4]); /* how many bytes, 1 to 4; 0 when the point is none of a character */
/* Offset of the first invalid byte, or s.len. */
size_t utf8_valid_prefix(struct str s);
/* Columns that a terminal shows, one a code point, for caret lines. */
size_t utf8_columns(struct str s);
/* Unicode letters and digits beyond ASCII, as names may hold (general categories L, M, N; by ranges). */
bool utf8_is_name_point(uint32_t point);
#endif
