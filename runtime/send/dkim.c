/* DKIM signatures, on OpenSSL.
 *
 * Not for: the mail's own bytes (mime.c), the DNS record that tells the world the public key.
 *
 * Invariants:
 * 1. What is signed is what a receiver sees after relaxed canonicalization (RFC 6376, 3.4.2 and 3.4.4), so a relay that folds a header
 *    or adds a blank at a line's end breaks nothing.
 * 2. From is named once more in h= than it stands in the mail, so that nobody can add a second one (RFC 6376, 8.15).
 * 3. The body is hashed once, however many keys sign.
 *
 * OpenSSL's objects are made once a key: of the 16 µs that a signature costs beside RSA itself (350 µs), looking up the algorithms and making a
 * context anew took 12. RSA cannot be had for less: its blinding, and the check of the result, stay. */
#include "runtime/send/dkim.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/send/mime.h"

enum { WHY_BYTES = 256, SELECTOR_BYTES = 64, DOMAIN_BYTES = 256, SIGNATURE_BYTES_MAX = 1024, FOLD_BYTES = 72 };

struct dkim_key {
  EVP_PKEY *key;
  EVP_PKEY_CTX *signer; /* of RSA, ready to sign digests; NULL: Ed25519 */
  bool ed25519;
  char selector[SELECTOR_BYTES], domain[DOMAIN_BYTES];
};

struct dkim {
  struct dkim_key keys[LIMIT_DKIM_KEYS_COUNT];
  uint32_t count;
  EVP_MD *sha256;
  EVP_MD_CTX *context;
  struct buf canon;  /* scratch: what is hashed */
  struct buf header; /* scratch: the signature's header without b= */
  struct buf names;  /* scratch: h= */
};

/* The headers that are signed where they stand in the mail (RFC 6376, 5.4.1, and RFC 8058, 4 for the last two). */
static const char *const SIGNED[] = { "from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references",
  "mime-version", "content-type", "content-transfer-encoding", "list-id", "feedback-id", "list-unsubscribe", "list-unsubscribe-post", "x-camp-mail" };

/* --- keys ---------------------------------------------------------------------------------------------------------- */

static enum camp_err refuse(char why[WHY_BYTES], const char *what, const char *which) {
  snprintf(why, WHY_BYTES, "%s `%.150s`", what, which);
  return CAMP_BAD;
}

static bool make_signer(struct dkim_key *k, const EVP_MD *sha256) {
  k->signer = EVP_PKEY_CTX_new(k->key, NULL);
  bool ok = k->signer && EVP_PKEY_sign_init(k->signer) == 1 && EVP_PKEY_CTX_set_rsa_padding(k->signer, RSA_PKCS1_PADDING) == 1 &&
            EVP_PKEY_CTX_set_signature_md(k->signer, sha256) == 1;
  ERR_clear_error();
  return ok;
}

static enum camp_err read_key(struct dkim_key *k, const EVP_MD *sha256, const char *path, char why[WHY_BYTES]) {
  FILE *f = fopen(path, "re");
  if (!f) {
    snprintf(why, WHY_BYTES, "cannot read the DKIM key %.150s: %s", path, strerror(errno));
    return CAMP_BAD;
  }
  k->key = PEM_read_PrivateKey(f, NULL, NULL, (void *)(uintptr_t)"");
  fclose(f);
  ERR_clear_error();
  if (!k->key) return refuse(why, "there is no private key, in PEM and without a password, in", path);
  int type = EVP_PKEY_get_base_id(k->key);
  k->ed25519 = type == EVP_PKEY_ED25519;
  if (!k->ed25519 && type != EVP_PKEY_RSA) return refuse(why, "DKIM signs with RSA or Ed25519 keys; something else is in", path);
  if (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(k->key) < LIMIT_DKIM_RSA_BITS) {
    snprintf(why, WHY_BYTES, "an RSA key of DKIM has at least %d bits, better 2048; `%.150s` has %d", LIMIT_DKIM_RSA_BITS, path,
             EVP_PKEY_get_bits(k->key));
    return CAMP_BAD;
  }
  if (!k->ed25519 && !make_signer(k, sha256)) return refuse(why, "OpenSSL cannot sign with the key in", path);
  return CAMP_OK;
}

static bool is_domain_name(const char *s) {
  if (!*s) return false;
  for (; *s; s++)
    if (!((*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z') || *s == '-' || *s == '.' || *s == '_')) return false;
  return true;
}

/* SELECTOR[@DOMAIN]=FILE */
static enum camp_err add_key(struct dkim *d, struct str spec, struct str domain, char why[WHY_BYTES]) {
  char text[1024], path[1024];
  snprintf(text, sizeof text, STR_FMT, STR_ARG(spec));
  if (d->count == LIMIT_DKIM_KEYS_COUNT) {
    snprintf(why, WHY_BYTES, "at most %d DKIM keys sign a mail", LIMIT_DKIM_KEYS_COUNT);
    return CAMP_BAD;
  }
  struct dkim_key *k = &d->keys[d->count];
  char *file = strchr(text, '=');
  if (!file || !file[1]) return refuse(why, "a DKIM key is written SELECTOR=FILE, not", text);
  *file++ = 0;
  snprintf(path, sizeof path, "%s", file);
  char *at = strchr(text, '@');
  if (at) *at++ = 0;
  snprintf(k->selector, sizeof k->selector, "%.*s", SELECTOR_BYTES - 1, text);
  if (at) snprintf(k->domain, sizeof k->domain, "%s", at);
  else snprintf(k->domain, sizeof k->domain, STR_FMT, STR_ARG(domain));
  if (!is_domain_name(k->selector) || strlen(text) >= SELECTOR_BYTES) return refuse(why, "no DKIM selector can be called", text);
  if (!is_domain_name(k->domain)) return refuse(why, "no DKIM key can sign for the domain", k->domain);
  d->count++; /* so that dkim_close frees the key */
  return read_key(k, d->sha256, path, why);
}

enum camp_err dkim_open(const char *spec, struct str domain, struct dkim **out, char why[256]) {
  struct dkim *d = calloc(1, sizeof *d);
  CHECK(d);
  d->context = EVP_MD_CTX_new();
  d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  CHECK(d->context);
  CHECK(d->sha256);
  buf_init(&d->canon, MAIL_BYTES_MAX);
  buf_init(&d->header, 16 << 10);
  buf_init(&d->names, 4 << 10);
  enum camp_err err = CAMP_OK;
  for (struct str rest = str_from_c(spec); rest.len && !err;) {
    const char *comma = memchr(rest.ptr, ',', rest.len);
    struct str one = comma ? str_slice(rest.ptr, comma) : rest;
    rest = comma ? str_slice(comma + 1, rest.ptr + rest.len) : (struct str){ NULL, 0 };
    err = add_key(d, one, domain, why);
  }
  if (!err && d->count == 0) err = refuse(why, "a DKIM key is written SELECTOR=FILE, not", spec);
  if (err) dkim_close(d);
  else *out = d;
  return err;
}

void dkim_close(struct dkim *d) {
  if (!d) return;
  for (uint32_t i = 0; i < d->count; i++) {
    EVP_PKEY_CTX_free(d->keys[i].signer);
    EVP_PKEY_free(d->keys[i].key);
  }
  EVP_MD_free(d->sha256);
  EVP_MD_CTX_free(d->context);
  buf_deinit(&d->canon);
  buf_deinit(&d->header);
  buf_deinit(&d->names);
  free(d);
}

/* --- relaxed canonicalization -------------------------------------------------------------------------------------- */

/* Canonical bytes are gathered in d->canon and hashed at once: OpenSSL takes a block a call dearly. */
static void hash_end(const struct dkim *d, unsigned char out[SHA256_DIGEST_LENGTH]) {
  CHECK(EVP_Digest(d->canon.data ? d->canon.data : "", d->canon.len, out, NULL, d->sha256, NULL) == 1);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* A line without its blanks at the end, runs of blanks as one. */
static void canon_line(struct buf *h, const char *at, const char *end) {
  while (end > at && is_blank(end[-1])) end--;
  while (at < end) {
    const char *blank = at;
    while (blank < end && !is_blank(*blank)) blank++;
    buf_add(h, at, (size_t)(blank - at));
    at = blank;
    if (at == end) return;
    buf_byte(h, ' ');
    while (at < end && is_blank(*at)) at++;
  }
}

static void hash_body(struct dkim *d, struct str body, unsigned char out[SHA256_DIGEST_LENGTH]) {
  buf_clear(&d->canon);
  size_t empty = 0; /* lines that count only when something follows */
  const char *end = body.ptr + body.len;
  for (const char *line = body.ptr; line < end;) {
    const char *lf = memchr(line, '\n', (size_t)(end - line));
    const char *stop = lf ? lf : end;
    const char *last = stop;
    while (last > line && is_blank(last[-1])) last--;
    if (last == line) {
      empty++;
    } else {
      for (; empty; empty--) buf_add(&d->canon, "\r\n", 2);
      canon_line(&d->canon, line, last);
      buf_add(&d->canon, "\r\n", 2);
    }
    line = lf ? lf + 1 : end;
  }
  hash_end(d, out);
}

/* A header with its folds, up to the LF that ends it. Gives the one behind it, or NULL at the headers' end. */
static const char *header_end(const char *at, const char *end) {
  for (;;) {
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    if (!lf) return end;
    if (lf + 1 == end || !is_blank(lf[1])) return lf;
    at = lf + 1;
  }
}

/* "Name: value" as `name:value`, unfolded, without CRLF. */
static void canon_header(struct buf *h, struct str header) {
  const char *at = header.ptr, *end = header.ptr + header.len;
  while (at < end && *at != ':') {
    char c = *at++;
    if (!is_blank(c)) buf_byte(h, (uint8_t)(c >= 'A' && c <= 'Z' ? c | 32 : c));
  }
  buf_byte(h, ':');
  if (at < end) at++;
  bool begun = false, blank = false;
  for (; at < end; at++) {
    if (is_blank(*at) || *at == '\n') {
      blank = true;
      continue;
    }
    if (blank && begun) buf_byte(h, ' ');
    buf_byte(h, (uint8_t)*at);
    begun = true;
    blank = false;
  }
}

static bool is_signed(struct str name) {
  for (size_t i = 0; i < sizeof SIGNED / sizeof *SIGNED; i++) {
    size_t k = 0;
    while (k < name.len && SIGNED[i][k] && (name.ptr[k] >= 'A' && name.ptr[k] <= 'Z' ? name.ptr[k] | 32 : name.ptr[k]) == SIGNED[i][k]) k++;
    if (k == name.len && !SIGNED[i][k]) return true;
  }
  return false;
}

/* --- signing ------------------------------------------------------------------------------------------------------- */

/* Digits in lines of their own, so that no line of the header is long. */
static void add_base64(struct buf *b, const unsigned char *in, size_t len) {
  unsigned char text[4 * ((SIGNATURE_BYTES_MAX + 2) / 3) + 1];
  int n = EVP_EncodeBlock(text, in, (int)len);
  for (int at = 0; at < n; at += FOLD_BYTES) {
    buf_c(b, "\n\t");
    buf_add(b, text + at, (size_t)(n - at < FOLD_BYTES ? n - at : FOLD_BYTES));
  }
}

/* One more of h=, which is folded before its line is long. */
static void add_name(struct buf *names, struct str name) {
  const char *line = names->len ? memrchr(names->data, '\n', names->len) : NULL;
  size_t column = line ? (size_t)(names->data + names->len - line) : names->len + 4;
  if (names->len) buf_c(names, column + name.len > FOLD_BYTES ? "\n\t:" : ":");
  buf_str(names, name);
}

/* The signed headers of the mail, canonical and in their order, or their names for h=. Of two of one name the lower is to come first
 * (RFC 6376, 5.4.2); our mails have each name once. */
static void take_headers(struct dkim *d, struct str headers, bool names_only) {
  const char *end = headers.ptr + headers.len;
  for (const char *at = headers.ptr; at < end;) {
    const char *stop = header_end(at, end);
    const char *colon = memchr(at, ':', (size_t)(stop - at));
    struct str name = str_slice(at, colon ? colon : at);
    if (colon && is_signed(name)) {
      if (names_only) {
        add_name(&d->names, name);
      } else {
        canon_header(&d->canon, str_slice(at, stop));
        buf_add(&d->canon, "\r\n", 2);
      }
    }
    at = stop < end ? stop + 1 : end;
  }
}

static bool sign_digest(struct dkim *d, const struct dkim_key *k, const unsigned char digest[SHA256_DIGEST_LENGTH],
                        unsigned char *out, size_t *len) {
  if (k->ed25519)
    return EVP_DigestSignInit(d->context, NULL, NULL, NULL, k->key) == 1 &&
           EVP_DigestSign(d->context, out, len, digest, SHA256_DIGEST_LENGTH) == 1;
  return EVP_PKEY_sign(k->signer, out, len, digest, SHA256_DIGEST_LENGTH) == 1;
}

static bool sign_with(struct dkim *d, const struct dkim_key *k, struct buf *b, struct str headers, int64_t at_s,
                      const unsigned char body_hash[SHA256_DIGEST_LENGTH]) {
  buf_clear(&d->header);
  buf_printf(&d->header, "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\n\td=%s; s=%s; t=%lld;\n\th=" STR_FMT ":From;\n\tbh=",
             k->ed25519 ? "ed25519-sha256" : "rsa-sha256", k->domain, k->selector, (long long)at_s, STR_ARG(buf_as_str(&d->names)));
  add_base64(&d->header, body_hash, SHA256_DIGEST_LENGTH);
  buf_c(&d->header, ";\n\tb=");
  buf_clear(&d->canon);
  take_headers(d, headers, false);
  canon_header(&d->canon, buf_as_str(&d->header));
  unsigned char digest[SHA256_DIGEST_LENGTH], signature[SIGNATURE_BYTES_MAX];
  size_t len = sizeof signature;
  hash_end(d, digest);
  if (!sign_digest(d, k, digest, signature, &len)) {
    ERR_clear_error();
    return false;
  }
  buf_str(b, buf_as_str(&d->header));
  add_base64(b, signature, len);
  buf_byte(b, '\n');
  return true;
}

bool dkim_sign(struct dkim *d, struct buf *b, struct str mail, int64_t at_s) {
  /* The empty line ends the headers; mime_write always writes one. */
  const char *end = mail.ptr + mail.len, *blank = memmem(mail.ptr, mail.len, "\n\n", 2);
  struct str headers = blank ? str_slice(mail.ptr, blank + 1) : mail;
  struct str body = blank ? str_slice(blank + 2, end) : (struct str){ end, 0 };
  unsigned char body_hash[SHA256_DIGEST_LENGTH];
  hash_body(d, body, body_hash);
  buf_clear(&d->names);
  take_headers(d, headers, true);
  for (uint32_t i = 0; i < d->count; i++)
    if (!sign_with(d, &d->keys[i], b, headers, at_s, body_hash)) return false;
  return true;
}

uint32_t dkim_count(const struct dkim *d) { return d->count; }

struct dkim_record dkim_record(const struct dkim *d, uint32_t i, struct buf *public_key) {
  const struct dkim_key *k = &d->keys[i];
  unsigned char raw[32], *der = NULL;
  size_t raw_bytes = sizeof raw;
  int bytes = k->ed25519 ? 0 : i2d_PUBKEY(k->key, &der);
  const unsigned char *from = k->ed25519 ? raw : der;
  if (k->ed25519) bytes = EVP_PKEY_get_raw_public_key(k->key, raw, &raw_bytes) == 1 ? (int)raw_bytes : 0;
  if (bytes > 0) {
    unsigned char *text = malloc((size_t)bytes * 2 + 8);
    CHECK(text);
    int n = EVP_EncodeBlock(text, from, bytes);
    buf_add(public_key, text, (size_t)n);
    free(text);
  }
  OPENSSL_free(der);
  return (struct dkim_record){ k->selector, k->domain, k->ed25519, EVP_PKEY_get_bits(k->key) };
}
