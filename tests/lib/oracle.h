#ifndef CAMP_TESTS_LIB_ORACLE_H
#define CAMP_TESTS_LIB_ORACLE_H
/* jansson beside vm/base/json.h: both call their kinds JSON_OBJECT and so on and one function json_string, so jansson's are
 * given other names here. Include this before anything else that includes jansson.h, and do not use jansson's json_is_…
 * macros, whose kinds would be ours. */
#define JSON_NULL ORACLE_NULL
#define JSON_TRUE ORACLE_TRUE
#define JSON_FALSE ORACLE_FALSE
#define JSON_STRING ORACLE_STRING
#define JSON_ARRAY ORACLE_ARRAY
#define JSON_OBJECT ORACLE_OBJECT
#define json_string oracle_string
#include <jansson.h>
#undef JSON_NULL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_STRING
#undef JSON_ARRAY
#undef JSON_OBJECT
#undef json_string
#endif
