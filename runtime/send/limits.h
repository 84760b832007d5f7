#ifndef CAMP_SEND_LIMITS_H
#define CAMP_SEND_LIMITS_H
/* Private to runtime/send: how much mail each destination gets, a destination being the domain of an address, as CAMP_LIMITS says it:
 *
 *   gmail.com+googlemail.com rate=20 connections=5, yahoo.com rate=300/m, * rate=50
 *
 * rate: mails a second, or with /m and /h a minute, an hour. connections: how many may carry mail for it at a time, over all relays.
 * Domains that a + joins share one limit; * is each other domain, by itself. */
#include "vm/base/arena.h"
#include "vm/base/check.h"

#define LIMIT_LIMITS_COUNT 64

struct limit {
  struct str name;      /* the first domain, under which the others of the group count; empty: each other domain */
  struct str domains;   /* joined by + */
  double rate;          /* mails a second; 0: no bound */
  uint32_t connections; /* 0: no bound */
};
struct limits { struct limit items[LIMIT_LIMITS_COUNT]; uint32_t count; };
/* CAMP_BAD with *why. Texts in the arena, in small letters. */
enum camp_err limits_parse(const char *text, struct arena *a, struct limits *out, char why[256]) MUST_CHECK;
/* The limit of a domain in small letters; NULL: none. *name: what it counts under. */
const struct limit *limits_find(const struct limits *l, struct str domain, struct str *name);
#endif
