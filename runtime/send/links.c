/* Addresses of ours in mails: see links.h.
 *
 * Not for: tokens themselves (token.c), what follows from a visit (camp inbound --links, and a server).
 *
 * Invariant: an address holds letters, digits and "-._/:%" behind its host, so it means the same in HTML, in a header and in a text. */
#include "runtime/send/links.h"

#include <stdio.h>
#include <stdlib.h>

static const char letters[] = { 'c', 'o', 'u', 'p', 'v' };

bool links_open(struct arena *a, struct links *out, char why[160]) {
  const char *base = getenv("CAMP_BASE_URL"), *secret = getenv("CAMP_SECRET");
  *out = (struct links){ .base = STR("http://localhost:8080") };
  if (secret && *secret) out->secret = arena_str(a, str_from_c(secret));
  if (!base || !*base) return true;
  struct str s = str_from_c(base);
  size_t scheme = str_starts(s, STR("https://")) ? 8 : str_starts(s, STR("http://")) ? 7 : 0;
  bool good = scheme && s.len > scheme && s.len < 500;
  for (size_t i = 0; i < s.len; i++)
    good = good && (unsigned char)s.ptr[i] > ' ' && (unsigned char)s.ptr[i] < 0x7f && !memchr("\"'<>\\^`{|}?#&,;()", s.ptr[i], 17);
  if (!good) {
    snprintf(why, 160, "CAMP_BASE_URL is an address such as https://mail.shop.example, without ? or #, not %.60s", base);
    return false;
  }
  while (s.len > scheme && s.ptr[s.len - 1] == '/') s.len--;
  out->base = arena_str(a, s);
  out->real = out->secret.len > 0;
  return true;
}

void links_write(struct buf *b, const struct links *l, const struct link_token *t, struct str key) {
  char token[TOKEN_BYTES];
  buf_str(b, l->base);
  buf_byte(b, '/');
  buf_byte(b, (uint8_t)letters[t->kind]);
  buf_byte(b, '/');
  if (l->real) {
    token_link_write(token, l->secret, t);
    buf_c(b, token);
  } else {
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    for (size_t i = 0; i < key.len; i++)
      if (key.ptr[i] && memchr(kept, key.ptr[i], sizeof kept - 1)) buf_byte(b, (uint8_t)key.ptr[i]);
      else buf_printf(b, "%%%02X", (unsigned)(unsigned char)key.ptr[i]);
  }
  if (t->kind == TOKEN_OPEN) buf_c(b, ".gif");
}

void links_put_target(struct buf *b, struct str target) {
  for (size_t i = 0; i < target.len; i++) {
    unsigned char c = (unsigned char)target.ptr[i];
    if (c == ' ' || c == '<' || c == '>' || c == '"') buf_printf(b, "%%%02X", c);
    else if (c > ' ' && c != 0x7f) buf_byte(b, c);
  }
}

static bool is_token(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.'; }

bool links_read(struct str text, struct str secret, struct link_token *out) {
  for (size_t i = 0; i + 3 < text.len; i++) {
    const char *letter = text.ptr[i] == '/' && text.ptr[i + 2] == '/' ? memchr(letters, text.ptr[i + 1], sizeof letters) : NULL;
    if (!letter) continue;
    size_t from = i + 3, to = from;
    while (to < text.len && is_token(text.ptr[to])) to++;
    struct str token = { text.ptr + from, to - from };
    enum token_kind kind = (enum token_kind)(letter - letters);
    if (kind == TOKEN_OPEN && str_ends(token, STR(".gif"))) token.len -= 4;
    if (token_link_read(token, secret, kind, out)) return true;
  }
  return false;
}
