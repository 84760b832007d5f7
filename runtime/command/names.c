/* What a database calls its campaigns and lists, for commands that are given such a name. */
#include "runtime/command/names.h"

#include "runtime/command/options.h"

#include <stdlib.h>

struct name_texts { VEC(const char *) items; };

static const char *text_at(const void *context, size_t i) {
  const struct name_texts *t = context;
  return i < t->items.count ? t->items.items[i] : NULL;
}

void complain_no_name(const char *command, const struct store *s, enum name_kind kind, enum name_kind other, const char *what, const char *want, const char *db) {
  struct arena a;
  struct name_texts texts = { { 0 } };
  arena_init(&a, 1 << 14);
  for (uint32_t id = 1; id <= store_name_count(s); id++)
    if (store_name_kind(s, id) == kind || store_name_kind(s, id) == other) VEC_PUSH(&a, &texts.items, arena_str(&a, store_name_text(s, id)).ptr);
  const char *near = nearest_name(want, text_at, &texts);
  if (near) complain(command, "%s knows no %s \"%s\". Did you mean \"%s\"?", db, what, want, near);
  else if (texts.items.count == 0) complain(command, "%s knows no %s \"%s\", and no other; has a project run on it?", db, what, want);
  else complain(command, "%s knows no %s \"%s\". `camp status --db %s` lists them.", db, what, want, db);
  arena_deinit(&a);
}
