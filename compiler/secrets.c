/* Keys and passwords that stand in a script, where everybody who may read the repository can read them.
 *
 * Not here: what a secret is for. Only forms that providers give to their keys are known, so that nothing else is called one.
 *
 * Invariants:
 * 1. The whole text is looked at once, comments too: a key in a comment is as public as any other.
 * 2. The key itself is never printed: reports end up in logs. */
#include "care.h"

/* A beginning that no word has, how many characters follow at least, and whose key it is. */
static const struct { const char *from; size_t bytes, least; const char *whose; } forms[] = {
  { "AKIA", 4, 16, "an access key of AWS" },          { "ASIA", 4, 16, "an access key of AWS" },
  { "sk_live_", 8, 16, "a secret key of Stripe" },    { "rk_live_", 8, 16, "a restricted key of Stripe" },
  { "SG.", 3, 40, "a key of SendGrid" },              { "xoxb-", 5, 20, "a token of Slack" },
  { "xoxp-", 5, 20, "a token of Slack" },             { "ghp_", 4, 30, "a token of GitHub" },
  { "github_pat_", 11, 30, "a token of GitHub" },     { "glpat-", 6, 18, "a token of GitLab" },
  { "AIza", 4, 30, "a key of Google" },               { "shpat_", 6, 30, "a token of Shopify" },
  { "eyJhbGciOi", 10, 30, "a signed token (JWT)" },   { "-----BEGIN ", 11, 0, "a private key" },
  { "sk-ant-", 7, 30, "a key of Anthropic" },         { "key-", 4, 32, "a key of Mailgun" },
};

static bool in_key(char ch) {
  return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || ch == '-' || ch == '.';
}

/* Keys are letters and digits mixed; a word that happens to begin alike is not. */
static size_t key_at(const char *at, const char *end, size_t form) {
  size_t left = (size_t)(end - at), n = forms[form].bytes, digits = 0;
  if (left < n || memcmp(at, forms[form].from, n) != 0)
    return 0;
  if (!forms[form].least)
    return memmem(at, left < 64 ? left : 64, "PRIVATE KEY", 11) ? n : 0;
  size_t all = n;
  for (; all < left && in_key(at[all]); all++)
    digits += at[all] >= '0' && at[all] <= '9';
  return all - n >= forms[form].least && digits >= 2 ? all : 0;
}

static void check_text(struct compilation *c, uint32_t source, struct str text) {
  bool begins[256] = { false };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    begins[(unsigned char)*forms[i].from] = true;
  const char *end = text.ptr + text.len;
  for (const char *at = text.ptr; at < end; at++) {
    if (!begins[(unsigned char)*at] || (at > text.ptr && in_key(at[-1]) && *at != '-'))
      continue;
    size_t bytes = 0, form = 0;
    for (; form < sizeof forms / sizeof *forms && !(bytes = key_at(at, end, form)); form++) {}
    if (!bytes)
      continue;
    uint32_t from = (uint32_t)(at - text.ptr);
    struct diagnostic *d = diag(c, DIAG_W0169, (struct span){ source, from, from + (uint32_t)forms[form].bytes }, "this looks like %s", forms[form].whose);
    d->help = STR("take it back at its provider, and let channels read the new one from the environment: `secret.name`");
    at += bytes - 1;
  }
}

void secrets_check(struct compilation *c) {
  for (uint32_t i = 0; i < c->sources.count; i++)
    if (!c->sources.items[i].standard && c->sources.items[i].text.len)
      check_text(c, i, c->sources.items[i].text);
}
