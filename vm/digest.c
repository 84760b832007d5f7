/* SHA-256, from OpenSSL.
 *
 * For: names of units and places in splits. Not for: secrets; nothing here is keyed.
 *
 *   1. The same bytes give the same digest on every machine and in every version: contacts stand where it put them.
 *   2. The algorithm is fetched once for all; each thread keeps its context until it ends: a compile seals thousands of small
 *      units, and a split asks at every contact. Making these anew costs more than the hashing. */
#include "digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "program.h"

static EVP_MD *sha256;
static pthread_key_t context_key;

static void context_free(void *context) { EVP_MD_CTX_free(context); }

static void context_once(void) {
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  CHECK(sha256);
  CHECK(pthread_key_create(&context_key, context_free) == 0);
}

static EVP_MD_CTX *context_own(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static _Thread_local EVP_MD_CTX *own;
  if (own) return own;
  CHECK(pthread_once(&once, context_once) == 0);
  own = EVP_MD_CTX_new();
  CHECK(own);
  CHECK(pthread_setspecific(context_key, own) == 0);
  return own;
}

void digest_sha256(const struct str *parts, uint32_t count, uint8_t out[DIGEST_BYTES]) {
  EVP_MD_CTX *context = context_own();
  unsigned int out_bytes = 0;
  CHECK(EVP_DigestInit_ex2(context, sha256, NULL) == 1);
  for (uint32_t i = 0; i < count; i++) CHECK(EVP_DigestUpdate(context, parts[i].ptr ? parts[i].ptr : "", parts[i].len) == 1);
  CHECK(EVP_DigestFinal_ex(context, out, &out_bytes) == 1);
  CHECK(out_bytes == DIGEST_BYTES);
}

uint32_t digest_place(struct str contact_key, struct str id) {
  const struct str parts[] = { contact_key, STR("\n"), id };
  uint8_t hash[DIGEST_BYTES];
  uint64_t first = 0;
  digest_sha256(parts, 3, hash);
  for (int i = 0; i < 8; i++) first = first << 8 | hash[i];
  return (uint32_t)(first % SPLIT_PLACES);
}
