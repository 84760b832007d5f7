/* The files that templates take in: snippets (`{% render "footer" %}`) and layouts (`{% layout "base" %}`).
 *
 * A name is looked for where the message's script is, then in each folder above it up to the one that holds the whole project:
 * `snippets/footer.liquid` for a snippet, `layouts/base.liquid` for a layout. A name with an ending of its own, `footer.html`, is
 * the file's name. Slashes make folders inside: `mail/footer`.
 *
 * Not here: what becomes of their text (liquid_message.c, liquid_layout.c), reading files (the caller's source_reader).
 *
 *   1. A file is read once, however many messages take it in, and is a source of its own, so mistakes in it show its lines.
 *   2. No name leads out of the folder.
 *   3. Emitting, which many workers do at a time, only finds what checking has loaded. */
#include "diagnostics.h"
#include "mail.h"
#include "names.h"

#include "vm/base/limits.h"

/* The longest path of folders that all scripts of the project share. */
static struct str project_folder(struct scope *s) {
  if (s->folder.ptr) return s->folder;
  const struct compilation *c = s->c;
  for (uint32_t i = 0; i < c->sources.count; i++) {
    const struct source *source = &c->sources.items[i];
    if (source->standard) continue;
    const char *slash = source->path.len ? memrchr(source->path.ptr, '/', source->path.len) : NULL;
    struct str folder = slash ? str_slice(source->path.ptr, slash + 1) : (struct str){ source->path.ptr, 0 };
    if (!s->folder.ptr) s->folder = folder;
    while (s->folder.len && !str_starts(folder, s->folder)) {
      s->folder.len--;
      while (s->folder.len && s->folder.ptr[s->folder.len - 1] != '/') s->folder.len--;
    }
  }
  if (!s->folder.ptr) s->folder = STR("");
  return s->folder;
}

bool snippet_name_ok(struct str name) {
  if (!name.len || name.len > LIMIT_NAME_BYTES || *name.ptr == '/') return false;
  for (size_t from = 0, to; from <= name.len; from = to + 1) {
    for (to = from; to < name.len && name.ptr[to] != '/'; to++)
      if (name.ptr[to] == '\\' || (unsigned char)name.ptr[to] < 0x20) return false;
    struct str part = { name.ptr + from, to - from };
    if (!part.len || str_is(part, ".") || str_is(part, "..")) return false;
  }
  return true;
}

static struct str file_name(struct arena *a, const char *folder, struct str name) {
  const char *slash = memrchr(name.ptr, '/', name.len), *last = slash ? slash + 1 : name.ptr;
  bool ends = memchr(last, '.', (size_t)(name.ptr + name.len - last)) != NULL;
  return arena_printf(a, "%s/" STR_FMT "%s", folder, STR_ARG(name), ends ? "" : ".liquid");
}

static bool load(struct scope *s, struct str script, struct str file, struct snippet *out) {
  struct compilation *c = s->c;
  const char *from = arena_str(&c->arena, script).ptr;
  struct str up = file, shown, text;
  struct str folder = project_folder(s);
  if (!s->reader || !s->reader->read) return false;
  for (size_t at = script.len; at > 0 && script.ptr[at - 1] != '/';) script.len = --at;
  for (;;) {
    if (s->reader->read(s->reader->context, &c->arena, from, up, &shown, &text)) {
      for (uint32_t i = 0; i < c->sources.count; i++)
        if (str_eq(c->sources.items[i].path, shown)) {
          *out = (struct snippet){ true, c->sources.items[i].text, i };
          return true;
        }
      text = mail_url_tags(&c->arena, text);
      (void)text_file_add(c, shown, &text);
      *out = (struct snippet){ true, text, c->sources.count - 1 };
      return true;
    }
    if (script.len <= folder.len) return false;
    for (script.len--; script.len && script.ptr[script.len - 1] != '/';) script.len--;
    up = arena_printf(&c->arena, "../" STR_FMT, STR_ARG(up));
  }
}

/* --- files that nothing takes in ----------------------------------------------------------------------------------- */
static struct str folder_of(struct str path) {
  const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
  return slash ? str_slice(path.ptr, slash + 1) : (struct str){ path.ptr, 0 };
}

/* One file of `snippets` or `layouts`, named relative to a script. */
static void tell_unused(struct scope *s, const struct table *known, struct str script, struct str file, bool layout) {
  struct compilation *c = s->c;
  struct str shown, text;
  if (!s->reader->read(s->reader->context, &c->arena, arena_str(&c->arena, script).ptr, file, &shown, &text) || table_find(known, 1, shown))
    return;
  compilation_add(c, shown, text, true);
  c->sources.items[c->sources.count - 1].template = true;
  struct diagnostic *d = diag(c, DIAG_W0154, (struct span){ c->sources.count - 1, 0, 0 }, "no message takes in this %s", layout ? "layout" : "snippet");
  d->help = layout ? STR("`{% layout … %}` names one; if nothing needs it, the file can go")
                   : STR("`{% render … %}` and `{% include … %}` name one; if nothing needs it, the file can go");
}

static void look_into(struct scope *s, const struct table *known, struct str script, const char *folder) {
  struct str files = s->reader->files(s->reader->context, &s->c->arena, arena_str(&s->c->arena, script).ptr, str_from_c(folder));
  for (size_t from = 0, to; from < files.len; from = to + 1) {
    for (to = from; to < files.len && files.ptr[to] != '\n';) to++;
    if (to > from) tell_unused(s, known, script, (struct str){ files.ptr + from, to - from }, *folder == 'l');
  }
}

/* The folders that hold scripts, and those between them and the project's. */
void snippets_unused(struct scope *s) {
  struct compilation *c = s->c;
  struct table known = { 0 }, folders = { 0 };
  struct str top = project_folder(s);
  uint32_t count = c->sources.count;
  if (!s->reader || !s->reader->files) return;
  for (uint32_t i = 0; i < count; i++) *table_place(&c->arena, &known, 1, c->sources.items[i].path) = s;
  for (uint32_t i = 0; i < count; i++) {
    if (c->sources.items[i].standard) continue;
    for (struct str folder = folder_of(c->sources.items[i].path);; folder = folder_of((struct str){ folder.ptr, folder.len - 1 })) {
      void **place = table_place(&c->arena, &folders, 1, folder);
      if (*place) break;
      *place = s;
      struct str beside = arena_printf(&c->arena, STR_FMT "x", STR_ARG(folder));
      look_into(s, &known, beside, "snippets");
      look_into(s, &known, beside, "layouts");
      if (folder.len <= top.len || !folder.len) break;
    }
  }
}

/* --- found ----------------------------------------------------------------------------------------------------------*/
const struct snippet *snippet_find(struct scope *s, struct arena *a, uint32_t script, const char *folder, struct str name, bool may_load) {
  const struct source *source = &s->c->sources.items[script];
  const char *slash = source->path.len ? memrchr(source->path.ptr, '/', source->path.len) : NULL;
  struct str beside = slash ? str_slice(source->path.ptr, slash + 1) : STR("");
  struct str file = file_name(a, folder, name);
  struct str key = arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(beside), STR_ARG(file));
  if (!may_load) return table_find(&s->snippets, SNIPPETS, key);
  void **place = table_place(&s->c->arena, &s->snippets, SNIPPETS, key);
  if (!*place) {
    struct snippet *found = ARENA_NEW(&s->c->arena, struct snippet);
    *found = (struct snippet){ .found = false };
    *place = found;
    load(s, source->path, file, found);
  }
  return *place;
}
