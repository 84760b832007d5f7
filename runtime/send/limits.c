/* CAMP_LIMITS, read.
 *
 * Not for: keeping to them (destination.c).
 *
 * Invariant: nothing is guessed. A word that is not known, a number out of its range or a domain that is named twice is an error. */
#include "runtime/send/limits.h"

#include <ctype.h>

#include "runtime/send/option.h"

enum { WHY_BYTES = 256, CONNECTIONS_MAX = 1600, RATE_MAX = 1000000 };

static enum camp_err refuse(char why[WHY_BYTES], const char *what, struct str which) {
  return option_refuse(why, "CAMP_LIMITS: ", what, which);
}

/* Up to `stop`, without the blanks around it. */
static struct str until(struct str *rest, char stop) {
  struct str first = option_until(rest, stop);
  while (first.len && first.ptr[0] == ' ') first.ptr++, first.len--;
  while (first.len && first.ptr[first.len - 1] == ' ') first.len--;
  return first;
}

static bool is_domain(struct str s) {
  if (s.len == 0 || s.len > 253) return false;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c <= ' ' || c == 0x7f || strchr("@<>,=*/", c)) return false;
  }
  return true;
}

static bool names(const struct limit *l, struct str domain) {
  for (struct str rest = l->domains; rest.len;)
    if (str_eq(until(&rest, '+'), domain)) return true;
  return false;
}

const struct limit *limits_find(const struct limits *l, struct str domain, struct str *name) {
  const struct limit *others = NULL;
  *name = domain;
  for (uint32_t i = 0; i < l->count; i++) {
    const struct limit *one = &l->items[i];
    if (!one->name.len) others = one;
    else if (names(one, domain)) {
      *name = one->name;
      return one;
    }
  }
  return others;
}

static enum camp_err take_domains(struct limits *l, struct limit *one, struct str text, struct arena *a, char why[WHY_BYTES]) {
  char *small = (char *)(uintptr_t)arena_str(a, text).ptr;
  for (size_t i = 0; i < text.len; i++) small[i] = (char)tolower((unsigned char)small[i]);
  struct str domains = { small, text.len };
  bool others = str_is(domains, "*");
  for (uint32_t i = 0; i < l->count && others; i++)
    if (!l->items[i].name.len) return refuse(why, "this is said twice:", domains);
  if (others) return CAMP_OK;
  for (struct str rest = domains; rest.len;) {
    struct str domain = until(&rest, '+');
    if (!is_domain(domain)) return refuse(why, "this cannot be a domain:", domain);
    for (uint32_t i = 0; i < l->count; i++)
      if (names(&l->items[i], domain)) return refuse(why, "this is said twice:", domain);
    if (!one->name.len) one->name = domain;
  }
  one->domains = domains;
  return CAMP_OK;
}

static enum camp_err take_value(struct limit *one, struct str word, char why[WHY_BYTES]) {
  struct str value = word, key = until(&value, '=');
  uint32_t n = 0;
  if (str_is(key, "connections")) {
    if (!option_number(value, 1, CONNECTIONS_MAX, &one->connections)) return refuse(why, "connections is a number from 1 to 1600, not", value);
    return CAMP_OK;
  }
  if (!str_is(key, "rate")) return refuse(why, "a domain's limits are rate and connections; there is no", key);
  struct str unit = value, digits = until(&unit, '/');
  double seconds = unit.len == 0 || str_is(unit, "s") ? 1 : str_is(unit, "m") ? 60 : str_is(unit, "h") ? 3600 : 0;
  if (!option_number(digits, 1, RATE_MAX, &n) || seconds == 0) return refuse(why, "rate is mails a second such as 20, or 300/m, or 1000/h, not", value);
  one->rate = n / seconds;
  return CAMP_OK;
}

enum camp_err limits_parse(const char *text, struct arena *a, struct limits *out, char why[256]) {
  out->count = 0;
  for (struct str rest = str_from_c(text); rest.len;) {
    struct str entry = until(&rest, ','), all = entry, domains = until(&entry, ' ');
    if (out->count == LIMIT_LIMITS_COUNT) {
      snprintf(why, WHY_BYTES, "CAMP_LIMITS: at most %d limits can be said", LIMIT_LIMITS_COUNT);
      return CAMP_BAD;
    }
    struct limit one = { .rate = 0 };
    if (!domains.len) return refuse(why, "a limit begins with a domain, or with * for each other:", all);
    enum camp_err err = take_domains(out, &one, domains, a, why);
    while (entry.len && !err) {
      struct str word = until(&entry, ' ');
      if (word.len) err = take_value(&one, word, why);
    }
    if (err) return err;
    if (one.rate == 0 && !one.connections) return refuse(why, "this says no rate and no connections:", all);
    out->items[out->count++] = one;
  }
  return CAMP_OK;
}
