#ifndef CAMP_SEND_DKIM_H
#define CAMP_SEND_DKIM_H
/* Private to runtime/send: signatures of mails, DKIM (RFC 6376) with relaxed/relaxed canonicalization: rsa-sha256, and
 * ed25519-sha256 (RFC 8463). Not thread-safe: one signer a thread.
 *
 * A key is said as SELECTOR=FILE, or SELECTOR@DOMAIN=FILE when the domain is not that of the From header; several are separated by
 * commas, and each signs. FILE is a private key in PEM; RSA keys under LIMIT_DKIM_RSA_BITS are refused, because receivers do. */
#include "vm/base/buf.h"
#include "vm/base/check.h"

#define LIMIT_DKIM_RSA_BITS 1024
#define LIMIT_DKIM_KEYS_COUNT 4

struct dkim;
/* spec as above; domain: of the From header, in ASCII. CAMP_BAD with *why when a key cannot be used. */
enum camp_err dkim_open(const char *spec, struct str domain, struct dkim **out, char why[256]) MUST_CHECK;
void dkim_close(struct dkim *d);
/* Key i of those that were said: where its record stands, and the public key as p= has it (RFC 6376, 3.6.1; RFC 8463, 4). */
struct dkim_record { const char *selector, *domain; bool ed25519; int bits; };
uint32_t dkim_count(const struct dkim *d);
struct dkim_record dkim_record(const struct dkim *d, uint32_t i, struct buf *public_key);
/* Appends one DKIM-Signature header a key, to stand above the mail's own headers. mail is as mime_write leaves it, with LF line
 * ends; it is signed as it will travel, with CRLF. at_s: seconds since 1970, of the t= tag. False when OpenSSL failed. */
bool dkim_sign(struct dkim *d, struct buf *b, struct str mail, int64_t at_s) MUST_CHECK;
#endif
