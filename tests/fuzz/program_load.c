/* Fuzz: program files and units from any bytes.
 *
 * The first byte chooses: as a file; as a file whose SHA-256 is made right, so that what stands behind it is reached; or as one
 * unit's body. What is accepted is listed, written again, linked and run: nothing that passed the verifier may crash. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "vm/strand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Every expression and every step, for a contact of whom nothing is known, with an event of no properties. */
static void run_unit(struct arena *a, struct image *im, const struct unit *u) {
  struct contact contact;
  if (contact_read(&contact, a, (struct str){ NULL, 0 }) != CAMP_OK) abort();
  struct event *e = ARENA_NEW(a, struct event);
  e->name = u->trigger_count ? u->link->symbols[u->triggers[0].event] : NONE;
  e->body = STR("{}");
  struct env env = { .image = im, .contact = &contact, .event = e, .now_ms = 1767600000000, .base_ms = 1767600000000,
                     .zone = zone_utc(), .scratch = a };
  struct strand *s = ARENA_NEW(a, struct strand);
  s->unit = u;
  struct vm vm;
  struct effect effect;
  struct buf b;
  buf_init(&b, 1 << 20);
  for (uint32_t i = 0; i < u->trigger_count && i < 4; i++) {
    const struct trigger *t = &u->triggers[i];
    if (t->filter_pc != NONE) vm_eval(&vm, u, t->filter_pc, NULL, &env);
    vm_enter(&vm, s, t->start_pc);
    enum run_result r;
    while ((r = vm_run(&vm, &env, &effect)) == RUN_EFFECT && vm.fuel > LIMIT_FUEL_COUNT / 2) {}
    if (r != RUN_WAIT) continue;
    uint32_t pc;
    strand_hears(&vm, s, &env, &pc);
    strand_rearm(&vm, s, &env);
    buf_clear(&b);
    strand_write(&b, s);
    if (strand_read(s, buf_as_str(&b)) != CAMP_OK) abort();
  }
  buf_deinit(&b);
}

static void use_units(struct arena *a, struct unit *units, uint32_t count) {
  struct image *im = image_new();
  struct buf listing;
  buf_init(&listing, 1 << 20);
  for (uint32_t i = 0; i < count; i++) {
    unit_disassemble(&listing, &units[i]);
    unit_seal(a, &units[i]);
    image_add(im, &units[i], true);
  }
  image_seal(im);
  for (uint32_t i = 0; i < count; i++) run_unit(a, im, &units[i]);
  image_free(im);
  buf_deinit(&listing);
}

/* The header's length and hash as a writer would have put them. */
static void make_header_right(uint8_t *bytes, size_t len) {
  enum { HEADER = 48 };
  if (len < HEADER) return;
  for (int i = 0; i < 4; i++) bytes[12 + i] = (uint8_t)((len - HEADER) >> (8 * i));
  if (EVP_Digest(bytes + HEADER, len - HEADER, bytes + 16, NULL, EVP_sha256(), NULL) != 1) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  if (len == 0) return 0;
  struct arena a;
  struct program_error e = { "" };
  struct str bytes = { NULL, len - 1 };
  uint8_t *copy = malloc(len);
  memcpy(copy, data + 1, len - 1);
  bytes.ptr = (const char *)copy;
  arena_init(&a, 1 << 12);
  if (data[0] % 3 < 2) {
    struct program p;
    if (data[0] % 3 == 1) make_header_right(copy, len - 1);
    if (program_read(&a, bytes, &p, &e) == CAMP_OK) use_units(&a, (struct unit *)(uintptr_t)p.units, p.unit_count);
    else if (!e.text[0]) abort();
  } else {
    struct unit u;
    if (unit_read(&a, bytes, &u, &e) == CAMP_OK) use_units(&a, &u, 1);
    else if (!e.text[0]) abort();
  }
  arena_deinit(&a);
  free(copy);
  return 0;
}
