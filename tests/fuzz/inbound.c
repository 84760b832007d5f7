/* libFuzzer: a mail that comes back, or anything else, read as a report. It is read twice and says the same, and what is given to the
 * caller is text without control characters. */
#include "runtime/send/inbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm/base/hash.h"
#include "vm/base/utf8.h"

struct heard { uint64_t hash; uint32_t count; };

static void check_text(const char *text) {
  struct str s = { text, strlen(text) };
  CHECK(utf8_valid_prefix(s) == s.len);
}

static bool hear(void *context, const struct inbound *r) {
  struct heard *h = context;
  check_text(r->reason);
  check_text(r->status);
  check_text(r->message_id);
  CHECK(r->kind != INBOUND_PERMANENT || r->status[0] == '5');
  h->hash = hash_u64(h->hash ^ (uint64_t)r->kind ^ (uint64_t)r->outbox_id << 8) ^ hash_str((struct hash_key){ 1, 2 }, (struct str){ r->reason, strlen(r->reason) });
  return ++h->count < 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  char path[64], why[256];
  struct heard heard[2] = { { 0, 0 }, { 0, 0 } };
  int fd = memfd_create("mail", MFD_CLOEXEC);
  CHECK(fd >= 0);
  CHECK(write(fd, bytes, len) == (ssize_t)len);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  for (int i = 0; i < 2; i++)
    CHECK(inbound_read(path, (struct str){ "a secret of this test", 21 }, hear, &heard[i], why) == CAMP_OK);
  CHECK(heard[0].count == heard[1].count);
  CHECK(heard[0].hash == heard[1].hash);
  close(fd);
  return 0;
}
