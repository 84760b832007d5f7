/* Files of text that messages take in (bodies, texts, snippets, layouts) as sources: what others save is not always text as we know it.
 *
 * Not here: scripts (lex.c), pictures and attachments (mail_file.c).
 *
 * Invariants:
 * 1. What is added is UTF-8 without NUL and without a mark of its byte order, which some programs write before a text.
 * 2. A file that is no such text is told of once, at its first wrong byte, and is empty from then on. */
#include "diagnostics.h"
#include "mail.h"
#include "vm/base/utf8.h"

bool text_file_add(struct compilation *c, struct str shown, struct str *text) {
  struct str s = *text;
  if (str_starts(s, STR("\xef\xbb\xbf"))) s.ptr += 3, s.len -= 3;
  bool wide = str_starts(s, STR("\xff\xfe")) || str_starts(s, STR("\xfe\xff"));
  size_t good = utf8_valid_prefix(s);
  const char *nul = memchr(s.ptr, 0, good);
  compilation_add(c, shown, s, true);
  uint32_t source = c->sources.count - 1, from = (uint32_t)(nul ? (size_t)(nul - s.ptr) : good);
  c->sources.items[source].template = true;
  *text = s;
  if (from == s.len) return true;
  struct diagnostic *d = diag(c, nul && !wide ? DIAG_E0102 : DIAG_E0101, (struct span){ source, from, from + 1 }, "%s",
                              wide ? "this file is UTF-16" : nul ? "this file is no text: it holds a NUL byte" : "this byte is not UTF-8");
  d->help = STR("save the file as UTF-8");
  text->len = 0;
  return false;
}
