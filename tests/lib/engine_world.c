/* An engine for one test; see engine_world.h. */
#include "tests/lib/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "compiler/compile.h"
#include "tests/lib/crash_vfs.h"
#include "tests/lib/files.h"
#include "vm/base/buf.h"

static char in_memory[] = "/dev/shm/camp-engine-XXXXXX", on_disk[] = "/tmp/camp-engine-XXXXXX";
char world_path[80];

static const char declarations[] =
  "list fast\nlist big\nlist seen_big\n"
  "message m1 { channel email; subject \"1\"; body \"1\" }\n"
  "message m2 { channel email; subject \"2\"; body \"2\" }\n"
  "message m3 { channel email; subject \"3\"; body \"3\" }\n"
  "message m4 { channel email; subject \"4\"; body \"4\" }\n"
  "topic news\ntopic offers { double opt in by m5 }\n"
  "message m5 { transactional; subject \"5\"; body \"5\" }\nmessage m6 { topic news; subject \"6\"; body \"6\" }\n"
  "message m7 { topic offers; subject \"7\"; body \"7\" }\n"
  "event a { n: number; k: text; l: list of number }\nevent b { n: number; k: text }\nevent c { n: number; k: text }\n"
  "event d { n: number }\nevent x { n: number }\nevent y { n: number }\n"
  "contact { plan: text; level: number }\n"
  "connector crm { add(n: number) { post \"https://crm.example.com/\"; reply { level: number from response.its.level } } }\n";

/* --- the stream ------------------------------------------------------------------------------------------------------- */

uint64_t world_state;
uint32_t world_random(uint32_t n) {
  world_state ^= world_state << 13, world_state ^= world_state >> 7, world_state ^= world_state << 17;
  return (uint32_t)(world_state >> 33) % n;
}

struct texts { char key[8], id[12], props[96], previous[8]; };
static struct texts texts[EVENTS];

static int by_time(const void *a, const void *b) {
  const struct input *x = a, *y = b;
  if (x->at_ms != y->at_ms) return x->at_ms < y->at_ms ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

uint32_t world_join_every;

static void maybe_join(struct input *in, struct texts *t) {
  if (!world_join_every || world_random(world_join_every)) return;
  snprintf(t->previous, sizeof t->previous, "c%u", world_random(CONTACTS));
  if (strcmp(t->previous, t->key) == 0) return;
  in->previous = str_from_c(t->previous);
  in->alias = world_random(3) > 0;
  in->identify = !in->alias;
  in->name = in->alias ? STR("alias") : STR("identify");
  in->zone = (struct str){ NULL, 0 };
  in->props = in->alias ? (struct str){ NULL, 0 } : STR("{\"plan\":\"known\"}");
}

/* Some are answers to a call that the contact may have made: twice perhaps, or before it does, or never. */
static void maybe_reply(struct input *in, struct texts *t) {
  static const unsigned statuses[] = { 200, 200, 201, 404, 503 };
  if (in->previous.len || !str_is(in->name, "strange") || world_random(4) == 0) return;
  snprintf(t->props, sizeof t->props, "{\"key\":\"%.7s/asks/%u.1\",\"status\":%u,\"body\":{\"its\":{\"level\":%u}}}", t->key, 1 + world_random(4),
           statuses[world_random(5)], world_random(8));
  in->name = STR("camp reply");
  in->identify = false;
  in->zone = (struct str){ NULL, 0 };
  in->props = str_from_c(t->props);
}

void world_stream(uint64_t seed, bool in_order, struct input *out) {
  static const struct str names[] = { { "a", 1 }, { "b", 1 }, { "c", 1 }, { "d", 1 }, { "strange", 7 }, { "identify", 8 } };
  static const struct str zones[] = { { "Europe/Paris", 12 }, { "America/New_York", 16 }, { "Mars/Olympus", 12 } };
  world_state = seed * 0x9e3779b97f4a7c15u + 1;
  for (uint32_t i = 0; i < EVENTS; i++) {
    struct texts *t = &texts[i];
    uint32_t which = world_random(23);
    struct str name = names[which < 20 ? which / 5 : which - 18 < 5 ? 4 : 5];
    bool identify = which == 22;
    if (identify) name = STR("identify");
    snprintf(t->key, sizeof t->key, "c%u", world_random(CONTACTS));
    snprintf(t->id, sizeof t->id, "id%u", world_random(EVENTS * 4));
    if (identify) snprintf(t->props, sizeof t->props, "{\"level\":%u,\"timezone\":\"Asia/Tokyo\"}", world_random(3));
    else snprintf(t->props, sizeof t->props, "{\"n\":%u,\"k\":\"k%u\",\"l\":[%u, %u,%u]}", world_random(11), world_random(3), world_random(8),
                  world_random(8), world_random(8));
    out[i] = (struct input){ .key = str_from_c(t->key), .name = name, .identify = identify, .has_at = true, .line = i + 1,
                             .at_ms = T0_MS + world_random(16) * 9 * HOUR + world_random(4) * HOUR / 2, .props = str_from_c(t->props) };
    if (world_random(3) == 0) out[i].id = str_from_c(t->id);
    if (world_random(12) == 0) out[i].zone = zones[world_random(3)];
    maybe_join(&out[i], t);
    maybe_reply(&out[i], t);
  }
  if (in_order) qsort(out, EVENTS, sizeof *out, by_time);
}

/* --- the engine ------------------------------------------------------------------------------------------------------- */

int64_t world_deployed_ms = T0_MS;

void world_deploy(struct store *s, const char *rest) {
  struct compilation c;
  struct engine_error e = { "" };
  char text[16384];
  snprintf(text, sizeof text, "%s%s", declarations, rest);
  compilation_init(&c);
  compilation_add(&c, STR("journey.camp"), str_from_c(text), false);
  compile(&c, NULL);
  if (c.error_count) {
    struct buf b;
    buf_init(&b, 1 << 16);
    diagnostics_print(&b, &c, FORMAT_SHORT, false);
    print_message("%.*s", STR_ARG(buf_as_str(&b)));
    buf_deinit(&b);
  }
  assert_int_equal(c.error_count, 0);
  assert_int_equal(engine_deploy(s, &c.program, world_deployed_ms, &e), CAMP_OK);
  compilation_deinit(&c);
}

struct world world_open(const char *script, struct engine_options o, const char *vfs) {
  struct world w;
  struct store_error se = { "" };
  struct engine_error ee = { "" };
  struct store_options so = { .create = true, .relaxed = vfs == NULL, .vfs = vfs };
  enum camp_err err = store_open(world_path, &so, &w.s, &se);
  assert_string_equal(se.text, "");
  assert_int_equal(err, CAMP_OK);
  if (script) world_deploy(w.s, script);
  err = engine_open(w.s, &o, &w.e, &ee);
  assert_string_equal(ee.text, "");
  assert_int_equal(err, CAMP_OK);
  return w;
}

void world_close(struct world w) {
  engine_close(w.e);
  store_close(w.s);
}

struct engine_options world_virtual(uint32_t batch) {
  return (struct engine_options){ .batch = batch, .late_after_ms = STORE_NEVER, .virtual_time = true };
}
struct engine_options world_live(uint32_t batch) {
  return (struct engine_options){ .batch = batch, .late_after_ms = 24 * HOUR };
}

static bool print_row(void *context, int columns, const char *const *names, const char *const *row) {
  (void)names;
  for (int i = 0; row && i < columns; i++) buf_printf(context, "%s|", row[i] ? row[i] : "-");
  buf_byte(context, '\n');
  return true;
}

char *world_dump(struct store *s) {
  static const char *const reports[] = { "dump_messages", "dump_events", "dump_positions", "dump_members", "dump_conversions", "dump_aliases", "dump_shown", "dump_consents", "dump_assignments",
                                         "summary", "rejects" };
  struct buf b;
  buf_init(&b, 16 << 20);
  for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
    buf_printf(&b, "== %s\n", reports[i]);
    assert_int_equal(store_report(s, reports[i], (struct str){ 0 }, print_row, &b), CAMP_OK);
  }
  assert_false(b.failed);
  return b.data;
}

void world_same(const char *what, char *want, char *got) {
  if (strcmp(want, got) != 0) {
    size_t at = 0, line = 0;
    for (; want[at] && want[at] == got[at]; at++)
      if (want[at] == '\n') line = at + 1;
    print_message("%s:\n  want %.200s\n  got  %.200s\n", what, want + line, got + line);
    fail_msg("%s: the content differs", what);
  }
  free(got);
}

struct input world_event(const char *name, int64_t at_ms) {
  return (struct input){ .key = STR("ann"), .name = str_from_c(name), .has_at = true, .at_ms = at_ms };
}

void world_take(struct world w, const struct input *inputs, uint32_t count) {
  struct engine_inputs in = { .inputs = inputs, .count = count, .arrival_ms = inputs[count - 1].at_ms, .virtual_time = true };
  OK(engine_take(w.e, &in));
}

uint32_t times_in(const char *text, const char *word) {
  uint32_t n = 0;
  for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
  return n;
}

char *world_play(const char *script, uint32_t batch, const struct input *inputs, uint32_t count) {
  database_remove(world_path);
  struct world w = world_open(script, world_virtual(batch), NULL);
  world_take(w, inputs, count);
  OK(engine_timers(w.e, inputs[count - 1].at_ms + 30 * MS_PER_DAY, NULL));
  char *text = world_dump(w.s);
  world_close(w);
  return text;
}

int world_set_up(void **unused) {
  (void)unused;
  char *dir = mkdtemp(in_memory);
  if (!dir) dir = mkdtemp(on_disk);
  if (!dir) return -1;
  snprintf(world_path, sizeof world_path, "%s/camp.db", dir);
  crash_vfs_register();
  return 0;
}

int world_tear_down(void **unused) {
  (void)unused;
  database_remove(world_path);
  *strrchr(world_path, '/') = 0;
  return rmdir(world_path);
}
