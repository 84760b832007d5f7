/* What --send smtp://… says, read.
 *
 * Not for: connecting (relay.c).
 *
 * Invariant: nothing is guessed. An option that is not known, or a number out of its range, is an error that names it. */
#include "runtime/send/relay.h"

#include <stdlib.h>

#include "runtime/send/option.h"

enum { WHY_BYTES = 256, PORT_SMTP = 25, PORT_SUBMISSION_TLS = 465 };

static enum camp_err refuse(char why[WHY_BYTES], const char *what, struct str which) { return option_refuse(why, "", what, which); }

/* 90m, 6h, 4d */
static bool is_time(struct str s, int64_t *ms) {
  static const struct { char letter; int64_t ms; } units[] = { { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
  uint32_t n;
  if (s.len < 2 || !option_number((struct str){ s.ptr, s.len - 1 }, 1, 100000, &n)) return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (s.ptr[s.len - 1] == units[i].letter) {
      *ms = n * units[i].ms;
      return *ms <= 30 * units[2].ms;
    }
  return false;
}

static bool is_host(struct str s) {
  if (s.len == 0 || s.len > 255) return false;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || memchr("-._:[]", c, 6))) return false;
  }
  return true;
}

static bool is_here(struct str host) {
  return str_is(host, "localhost") || str_starts(host, STR("127.")) || str_is(host, "[::1]");
}

static enum camp_err take_option(struct relay_options *o, struct str option, struct arena *a, char why[WHY_BYTES]) {
  struct str value = option, key = option_until(&value, '=');
  uint32_t n = 0;
  if (str_is(key, "tls")) {
    if (o->tls == TLS_IMPLICIT) return refuse(why, "smtps:// has TLS from the first byte, so it takes no", option);
    if (str_is(value, "off")) o->tls = TLS_OFF;
    else if (str_is(value, "try")) o->tls = TLS_TRY;
    else if (str_is(value, "require")) o->tls = TLS_REQUIRE;
    else return refuse(why, "tls is off, try or require, not", value);
  } else if (str_is(key, "connections")) {
    if (!option_number(value, 1, LIMIT_RELAY_CONNECTIONS_COUNT, &o->connections)) return refuse(why, "connections is a number from 1 to 200, not", value);
  } else if (str_is(key, "per")) {
    if (!option_number(value, 1, 1000000, &o->per)) return refuse(why, "per, the mails a connection carries, is a number from 1 to 1000000, not", value);
  } else if (str_is(key, "rate")) {
    if (!option_number(value, 1, 1000000, &n)) return refuse(why, "rate, the mails a second, is a number from 1 to 1000000, not", value);
    o->rate = n;
  } else if (str_is(key, "timeout")) {
    if (!option_number(value, 1, 3600, &o->timeout_s)) return refuse(why, "timeout is a number of seconds from 1 to 3600, not", value);
  } else if (str_is(key, "keep")) {
    if (!is_time(value, &o->keep_ms)) return refuse(why, "keep, how long a mail is tried, is such as 6h or 4d, from 1m to 30d, not", value);
  } else if (str_is(key, "name")) {
    if (!is_host(value)) return refuse(why, "this cannot be a host's name:", value);
    o->name = arena_str(a, value).ptr;
  } else {
    return refuse(why, "the options are tls, connections, per, rate, timeout, keep and name; there is no", key);
  }
  return CAMP_OK;
}

static enum camp_err parse_one(struct str spec, struct arena *a, struct relay_options *o, char why[WHY_BYTES]) {
  bool implicit = str_starts(spec, STR("smtps://"));
  if (!implicit && !str_starts(spec, STR("smtp://"))) return refuse(why, "a relay is written smtp://HOST or smtps://HOST, not", spec);
  struct str rest = { spec.ptr + (implicit ? 8 : 7), spec.len - (implicit ? 8 : 7) };
  struct str place = option_until(&rest, '?');
  const char *at = place.len ? memrchr(place.ptr, '@', place.len) : NULL;
  if (at) {
    struct str user = str_slice(place.ptr, at);
    if (user.len == 0 || memchr(user.ptr, ':', user.len))
      return refuse(why, "a password does not belong into a command line; put it into CAMP_SMTP_PASSWORD and write USER@HOST, not", spec);
    o->user = arena_str(a, user).ptr;
    place = str_slice(at + 1, place.ptr + place.len);
  }
  while (place.len && place.ptr[place.len - 1] == '/') place.len--;
  const char *bracket = place.len ? memchr(place.ptr, ']', place.len) : NULL;
  const char *colon = memrchr(bracket ? bracket : place.ptr, ':', bracket ? (size_t)(place.ptr + place.len - bracket) : place.len);
  struct str host = colon ? str_slice(place.ptr, colon) : place;
  uint32_t port = implicit ? PORT_SUBMISSION_TLS : PORT_SMTP;
  if (colon && !option_number(str_slice(colon + 1, place.ptr + place.len), 1, 65535, &port))
    return refuse(why, "a port is a number from 1 to 65535, not", str_slice(colon + 1, place.ptr + place.len));
  if (!is_host(host)) return refuse(why, "this cannot be a host's name:", host);
  *o = (struct relay_options){ .host = arena_str(a, host).ptr, .user = o->user, .port = (uint16_t)port, .connections = 10, .per = 100, .keep_ms = RELAY_KEEP_MS,
                               .tls = implicit ? TLS_IMPLICIT : is_here(host) ? TLS_TRY : TLS_REQUIRE, .here = is_here(host) };
  while (rest.len) {
    enum camp_err err = take_option(o, option_until(&rest, '&'), a, why);
    if (err) return err;
  }
  /* `try` goes on without TLS where somebody takes the offer away, and talks to anybody: both would have the password. */
  if (o->user && (o->tls == TLS_OFF || o->tls == TLS_TRY) && !o->here)
    return refuse(why, "a password travels only over TLS to a server that is who it says; take tls=off or tls=try away from", spec);
  return CAMP_OK;
}

enum camp_err relay_options_parse(const char *spec, struct arena *a, struct relay_options out[LIMIT_RELAYS_COUNT], uint32_t *count,
                                  char why[256]) {
  *count = 0;
  for (struct str rest = str_from_c(spec); rest.len;) {
    struct str one = option_until(&rest, ',');
    if (*count == LIMIT_RELAYS_COUNT) {
      snprintf(why, WHY_BYTES, "at most %d relays can be named", LIMIT_RELAYS_COUNT);
      return CAMP_BAD;
    }
    memset(&out[*count], 0, sizeof out[*count]);
    enum camp_err err = parse_one(one, a, &out[*count], why);
    if (err) return err;
    ++*count;
  }
  return *count ? CAMP_OK : refuse(why, "a relay is written smtp://HOST or smtps://HOST, not", str_from_c(spec));
}
