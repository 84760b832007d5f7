/* Mail addresses: see address.h.
 *
 * Not for: whether an address exists (the MTA says), lists of addresses (a mail of ours has one recipient).
 *
 * Invariants:
 * 1. What passed can stand between < and > of a dialogue and in a header without more: it has no blank, comma, bracket, quote or control
 *    character, except inside a quoted local part, and there no control character either.
 * 2. A host that is not ASCII is converted by libidn2 or refused; nothing else is ever changed. */
#include "runtime/send/address.h"

#include <idn2.h>

#include "vm/base/limits.h"
#include "vm/base/utf8.h"

/* Controls, what ends a line in some reader's eyes, and what turns it around. */
static bool is_bad_point(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 || point == 0xfeff || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static bool characters_ok(struct str s, const char **why) {
  while (s.len) {
    uint32_t point;
    size_t n = utf8_decode(s, &point);
    if (!n) return *why = "is not UTF-8", false;
    if (is_bad_point(point)) return *why = "holds a control character", false;
    s.ptr += n, s.len -= n;
  }
  return true;
}

static bool quoted_ok(struct str s) {
  if (s.len < 3 || s.ptr[s.len - 1] != '"') return false;
  for (size_t i = 1; i + 1 < s.len; i++) {
    if (s.ptr[i] == '"') return false;
    if (s.ptr[i] == '\\' && ++i + 1 >= s.len) return false;
  }
  return true;
}

static bool local_ok(struct str s, const char **why) {
  if (!s.len) return *why = "has nothing before its @", false;
  if (s.len > 64) return *why = "has more than 64 bytes before its @", false;
  if (s.ptr[0] == '"') return quoted_ok(s) ? true : (*why = "has quotes that do not end before its @", false);
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] == ' ') return *why = "holds a blank", false;
    if (memchr("()<>[]:;,\\\"@", s.ptr[i], 12)) return *why = "holds a character that no address has", false;
  }
  return s.ptr[0] != '.' && s.ptr[s.len - 1] != '.' ? true : (*why = "has a dot beside its @ or at its beginning", false);
}

static bool is_ascii(struct str s) {
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.ptr[i] >= 0x80) return false;
  return true;
}

/* Letters, digits, dashes and dots; or [192.0.2.1]. */
static bool host_ok(struct str s, const char **why) {
  size_t label = 0;
  *why = "has no host name behind its @";
  if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']') {
    for (size_t i = 1; i + 1 < s.len; i++)
      if (!memchr("0123456789abcdefABCDEF.:IPvipv", s.ptr[i], 30)) return false;
    return true;
  }
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || (c == '-' && label);
    if (c == '.' && label && s.ptr[i - 1] != '-') label = 0;
    else if (!word || ++label > 63) return false;
  }
  return label > 0 && s.ptr[s.len - 1] != '-' && s.len <= 253;
}

struct str address_host(struct str address) {
  const char *at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;
  return at ? str_slice(at + 1, address.ptr + address.len) : (struct str){ "", 0 };
}

bool address_read(struct arena *a, struct str text, struct str *out, const char **why) {
  struct str host = address_host(text), local;
  if (text.len > LIMIT_KEY_BYTES) return *why = "is too long", false;
  if (!characters_ok(text, why)) return false;
  if (!host.len) return *why = memchr(text.ptr ? text.ptr : "", '@', text.len) ? "has no host behind its @" : "has no @", false;
  local = str_slice(text.ptr, host.ptr - 1);
  if (!local_ok(local, why)) return false;
  if (is_ascii(host)) {
    *out = text;
    return host_ok(host, why);
  }
  uint8_t *ascii = NULL;
  struct str copy = arena_str(a, host);
  if (idn2_lookup_u8((const uint8_t *)copy.ptr, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
    return *why = "has no host name behind its @", false;
  *out = arena_printf(a, STR_FMT "@%s", STR_ARG(local), (const char *)ascii);
  idn2_free(ascii);
  return host_ok(address_host(*out), why);
}

static struct str trimmed(struct str s) {
  while (s.len && s.ptr[0] == ' ') s.ptr++, s.len--;
  while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
  return s;
}

/* A name in quotes without them. */
static struct str unquoted(struct arena *a, struct str s) {
  if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"') return s;
  char *out = arena_alloc(a, s.len);
  size_t n = 0;
  for (size_t i = 1; i + 1 < s.len; i++) {
    if (s.ptr[i] == '\\' && i + 2 < s.len) i++;
    out[n++] = s.ptr[i];
  }
  return (struct str){ out, n };
}

bool mailbox_read(struct arena *a, struct str text, struct mailbox *out, const char **why) {
  *out = (struct mailbox){ { "", 0 }, { "", 0 } };
  if (!characters_ok(text, why)) return false;
  text = trimmed(text);
  if (!text.len || text.ptr[text.len - 1] != '>') return address_read(a, text, &out->address, why);
  const char *open = memrchr(text.ptr, '<', text.len);
  if (!open) return *why = "has a > without its <", false;
  out->name = unquoted(a, trimmed(str_slice(text.ptr, open)));
  return address_read(a, str_slice(open + 1, text.ptr + text.len - 1), &out->address, why);
}

static bool is_below(struct str host, struct str other) {
  if (host.len < other.len || strncasecmp(host.ptr + host.len - other.len, other.ptr, other.len) != 0) return false;
  return host.len == other.len || host.ptr[host.len - other.len - 1] == '.';
}

bool hosts_align(struct str a, struct str b) { return a.len && b.len && (is_below(a, b) || is_below(b, a)); }
