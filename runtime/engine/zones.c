/* Loads zone files (TZif) from the system's folder and keeps them by name.
 *
 * It is not a reader of the format (vm/calendar.c) and does not follow edits of the files: a process sees the zones as
 * they were when it first asked, so that one run gives one answer.
 *
 * Invariants:
 * 1. No name leads out of the folder: only letters, digits, `_ + -` and single inner slashes pass, and a part never
 *    begins with a dot. `posix/` and `right/` are refused, the latter because it counts leap seconds.
 * 2. Every answer is remembered, also "there is none", so that events with a wrong zone cost no system call each. The
 *    unknown names share a small table where a newer one takes an older one's place: hostile input cannot make it grow.
 * 3. The table of zones never moves a zone, so the pointers given out stay good until zones_free. */
#include "runtime/engine/zones.h"

#include "vm/base/buf.h"
#include "vm/base/check.h"
#include "vm/base/hash.h"
#include "vm/base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 2048, UNKNOWN = 256, NAME_BYTES = 64, FOLDERS_DEPTH = 3 };
_Static_assert(SLOTS > 2 * LIMIT_ZONES_COUNT, "the table stays half empty, so probing ends soon");

struct slot {
  struct str name;
  const struct zone *zone;
};
struct zones {
  struct arena arena;
  struct hash_key key;
  const char *folder;
  struct slot slots[SLOTS];
  uint32_t count;
  struct { uint8_t len; char text[NAME_BYTES]; } unknown[UNKNOWN];
};

struct zones *zones_new(void) {
  struct zones *z = calloc(1, sizeof *z);
  CHECK(z != NULL);
  arena_init(&z->arena, 64 << 10);
  if (getrandom(&z->key, sizeof z->key, 0) != (ssize_t)sizeof z->key) z->key = (struct hash_key){ 0x63616d70, 1 };
  const char *folder = getenv("TZDIR");
  z->folder = folder && folder[0] == '/' ? arena_str(&z->arena, str_from_c(folder)).ptr : "/usr/share/zoneinfo";
  return z;
}

void zones_free(struct zones *z) {
  if (!z) return;
  arena_deinit(&z->arena);
  free(z);
}

const char *zones_folder(const struct zones *z) { return z->folder; }

static bool name_is_plain(struct str name) {
  if (name.len == 0 || name.len > NAME_BYTES) return false;
  if (str_starts(name, STR("posix/")) || str_starts(name, STR("right/"))) return false;
  bool part_begins = true;
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    if (c == '/') {
      if (part_begins) return false;
      part_begins = true;
      continue;
    }
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-'))
      return false;
    part_begins = false;
  }
  return !part_begins;
}

/* The file's bytes in the arena, where the zone may go on borrowing from them; len 0 when it cannot be read. */
static struct str read_file(struct zones *z, struct str name) {
  struct str bytes = { NULL, 0 };
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/" STR_FMT, z->folder, STR_ARG(name));
  if (length < 0 || (size_t)length >= sizeof path) return bytes;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return bytes;
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)LIMIT_ZONE_BYTES) goto out;
  size_t want = (size_t)st.st_size, have = 0;
  char *p = arena_alloc(&z->arena, want);
  while (have < want) {
    ssize_t n = read(fd, p + have, want - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
  }
  if (have == want) bytes = (struct str){ p, want };
out:
  close(fd);
  return bytes;
}

static void names_below(const struct zones *z, struct str below, int depth, struct buf *out) {
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/" STR_FMT, z->folder, STR_ARG(below));
  DIR *dir = length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
  struct dirent *entry;
  while (dir && (entry = readdir(dir)) != NULL) {
    char text[NAME_BYTES + 1];
    length = snprintf(text, sizeof text, STR_FMT "%s%s", STR_ARG(below), below.len ? "/" : "", entry->d_name);
    /* Zones and their folders begin with a capital; what else lies there is about them. */
    if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' || length < 0 || (size_t)length >= sizeof text) continue;
    struct str name = { text, (size_t)length };
    if (!name_is_plain(name)) continue;
    struct stat st;
    length = snprintf(path, sizeof path, "%s/%s", z->folder, text);
    if (length < 0 || (size_t)length >= sizeof path || stat(path, &st) != 0) continue;
    if (S_ISDIR(st.st_mode) && depth < FOLDERS_DEPTH) names_below(z, name, depth + 1, out);
    if (!S_ISREG(st.st_mode)) continue;
    buf_str(out, name);
    buf_byte(out, '\n');
  }
  if (dir) closedir(dir);
}

struct str zones_names(const struct zones *z, struct arena *a) {
  struct buf b;
  buf_init(&b, 1u << 20);
  names_below(z, (struct str){ "", 0 }, 0, &b);
  struct str names = arena_str(a, buf_as_str(&b));
  buf_deinit(&b);
  return names;
}

const struct zone *zones_find(struct zones *z, struct str name) {
  if (str_is(name, "UTC")) return zone_utc();
  if (!name_is_plain(name)) return NULL;
  uint64_t hash = hash_str(z->key, name);
  uint32_t at = (uint32_t)(hash % SLOTS);
  for (; z->slots[at].zone; at = (at + 1) % SLOTS)
    if (str_eq(z->slots[at].name, name)) return z->slots[at].zone;
  uint32_t miss = (uint32_t)((hash >> 32) % UNKNOWN);
  if (str_eq((struct str){ z->unknown[miss].text, z->unknown[miss].len }, name)) return NULL;

  const struct zone *zone = NULL;
  struct str bytes = { NULL, 0 };
  if (z->count < LIMIT_ZONES_COUNT) bytes = read_file(z, name);
  if (bytes.len == 0 || zone_read(&z->arena, name, bytes, &zone) != CAMP_OK) {
    z->unknown[miss].len = (uint8_t)name.len;
    memcpy(z->unknown[miss].text, name.ptr, name.len);
    return NULL;
  }
  CHECK(zone != NULL);
  z->slots[at] = (struct slot){ arena_str(&z->arena, name), zone };
  z->count++;
  return zone;
}
