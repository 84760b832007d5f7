/* See mutants.h. Each token of each script is dropped, doubled, misspelt, and swapped with the one behind it; each of these
 * texts is compiled in place of the script. Tokens are the lexer's own, so that what is mutated is what the compiler reads.
 *
 *   1. Deterministic: no randomness, files in the order of their names.
 *   2. A mutant that takes longer than MUTANT_SECONDS stops the process by a signal: a hang is a failure, as a crash is.
 *   3. What still compiles is counted apart, never as a mistake that was found. */
#include "tests/lib/mutants.h"

#include "compiler/lex.h"
#include "grammar.h"
#include "tests/lib/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MUTANT_SECONDS = 20, SCRIPTS_MAX = 64, FOLDER_DEPTH = 4, PATH_BYTES = 1024 };
enum mutation { DROPPED, DOUBLED, MISSPELT, SWAPPED, MUTATION_COUNT };
static const char *const mutation_names[] = { "dropped", "doubled", "misspelt", "swapped" };

struct script { struct str path, text; };
struct project { struct arena arena; struct script scripts[SCRIPTS_MAX]; uint32_t count; };
struct tokens { struct token *items; uint32_t count, cap; };

/* --- reading ---------------------------------------------------------------------------------------------------------*/

static enum file_found read_file(void *context, struct arena *a, const char *from, struct str path, size_t bytes_max, struct str *bytes) {
  (void)context, (void)a, (void)from, (void)path, (void)bytes_max;
  *bytes = STR("\x89PNG\r\n\x1a\n...");
  return FILE_READ;
}

static bool read_source(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text) {
  (void)context;
  const char *slash = from ? strrchr(from, '/') : NULL;
  if (str_starts(name, STR("./"))) name = (struct str){ name.ptr + 2, name.len - 2 };
  *shown = arena_printf(a, "%.*s" STR_FMT, slash ? (int)(slash + 1 - from) : 0, from ? from : "", STR_ARG(name));
  /* A page of the reference names files that are not there. */
  *text = file_text(a, shown->ptr);
  if (!text->ptr) *text = STR("<p>A page.</p>\n");
  return true;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const struct script *)a)->path.ptr, ((const struct script *)b)->path.ptr);
}

static void read_folder(struct project *p, const char *folder, int depth) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    char path[PATH_BYTES];
    struct stat st;
    if (e->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) continue;
    if (stat(path, &st) != 0) continue;
    if (S_ISDIR(st.st_mode) && depth < FOLDER_DEPTH) read_folder(p, path, depth + 1);
    struct str name = str_from_c(path);
    if (!S_ISREG(st.st_mode) || !str_ends(name, STR(".camp")) || p->count == SCRIPTS_MAX) continue;
    struct script *s = &p->scripts[p->count++];
    s->path = arena_str(&p->arena, name);
    s->text = file_text(&p->arena, path);
    if (!s->text.ptr) p->count--;
  }
  closedir(dir);
}

static void read_tokens(struct project *p, struct str text, struct tokens *out) {
  struct compilation c;
  struct lexer l;
  struct token t;
  compilation_init(&c);
  compilation_add(&c, STR("tokens.camp"), text, false);
  lexer_init(&l, &c, 0);
  out->count = 0;
  do {
    lexer_next(&l, &t);
    if (t.kind != LEX_NEWLINE) VEC_PUSH(&p->arena, out, t);
  } while (t.kind != LEX_END);
  compilation_deinit(&c);
}

/* --- one mutant ------------------------------------------------------------------------------------------------------*/

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* What a hand that slips writes for the token. */
static struct str misspelt(struct arena *a, struct str t) {
  static const char *const slips[] = { "{(", "})", "()", ")(", "[(", "])", ",.", ".,", ":;", ";:", "=-", "<,", ">.", "+=", "-=", "*8", "/?" };
  if (is_letter(*t.ptr) || *t.ptr == '_') {
    size_t at = t.len / 2;
    if (at && at + 1 < t.len && t.ptr[at] == t.ptr[at + 1]) at--;
    if (at + 1 >= t.len) return arena_printf(a, STR_FMT "%c", STR_ARG(t), *t.ptr == 'x' ? 'y' : 'x');
    if (t.ptr[at] == t.ptr[at + 1]) return arena_printf(a, STR_FMT "%c", STR_ARG(t), t.ptr[t.len - 1]);
    char *out = arena_alloc(a, t.len + 1);
    memcpy(out, t.ptr, t.len);
    out[t.len] = '\0';
    out[at] = t.ptr[at + 1], out[at + 1] = t.ptr[at];
    return (struct str){ out, t.len };
  }
  if (*t.ptr == '"') return (struct str){ t.ptr, t.len - 1 };
  if (*t.ptr >= '0' && *t.ptr <= '9') return arena_printf(a, "%.*sq" STR_FMT, 1, t.ptr, STR_ARG(((struct str){ t.ptr + 1, t.len - 1 })));
  for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
    if (*slips[i] == *t.ptr) return arena_printf(a, "%c" STR_FMT, slips[i][1], STR_ARG(((struct str){ t.ptr + 1, t.len - 1 })));
  return arena_printf(a, STR_FMT "q", STR_ARG(t));
}

static struct str text_of(struct str text, struct token t) { return (struct str){ text.ptr + t.from, t.to - t.from }; }

/* What keeps two tokens two: it is tokens that go and change places, not letters. */
static const char *blank(struct str a, struct str b) {
  if (!a.len || !b.len) return "";
  char x = a.ptr[a.len - 1], y = *b.ptr;
  bool left = is_letter(x) || x == '_' || (x & 0x80) || (x >= '0' && x <= '9'), right = is_letter(y) || y == '_' || (y & 0x80) || (y >= '0' && y <= '9');
  return left && right ? " " : "";
}

/* An empty text when the mutation changes nothing. */
static struct str mutate(struct arena *a, struct str text, struct token t, struct token next, enum mutation how) {
  struct str head = { text.ptr, t.from }, tail = { text.ptr + t.to, text.len - t.to }, it = text_of(text, t);
  switch (how) {
  case DROPPED: return arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(head), blank(head, tail), STR_ARG(tail));
  case DOUBLED: return arena_printf(a, STR_FMT STR_FMT " " STR_FMT STR_FMT, STR_ARG(head), STR_ARG(it), STR_ARG(it), STR_ARG(tail));
  case MISSPELT: return arena_printf(a, STR_FMT STR_FMT STR_FMT, STR_ARG(head), STR_ARG(misspelt(a, it)), STR_ARG(tail));
  default: {
    struct str other = text_of(text, next), gap = { text.ptr + t.to, next.from - t.to }, rest = { text.ptr + next.to, text.len - next.to };
    if (next.kind == LEX_END || str_eq(it, other)) return (struct str){ NULL, 0 };
    struct str middle = gap.len ? gap : other;
    return arena_printf(a, STR_FMT "%s" STR_FMT "%s" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(head), blank(head, other), STR_ARG(other),
                        gap.len ? blank(other, gap) : "", STR_ARG(gap), blank(middle, it), STR_ARG(it), blank(it, rest), STR_ARG(rest));
  }
  }
}

static uint32_t line_at(struct str text, uint32_t at) {
  uint32_t line = 1;
  for (uint32_t i = 0; i < at && i < text.len; i++) line += text.ptr[i] == '\n';
  return line;
}

/* The token that a bracket belongs to, or the bracket itself. */
static uint32_t partner_of(const struct tokens *t, uint32_t at) {
  int step = 0, depth = 0;
  switch (t->items[at].kind) {
  case TOK_LBRACE: case TOK_LPAREN: case TOK_LBRACKET: step = 1; break;
  case TOK_RBRACE: case TOK_RPAREN: case TOK_RBRACKET: step = -1; break;
  default: return at;
  }
  for (uint32_t i = at; i < t->count; i += (uint32_t)step) {
    uint16_t kind = t->items[i].kind;
    if (kind == TOK_LBRACE || kind == TOK_LPAREN || kind == TOK_LBRACKET) depth++;
    if (kind == TOK_RBRACE || kind == TOK_RPAREN || kind == TOK_RBRACKET) depth--;
    if (depth == 0) return i;
    if (i == 0 && step < 0) break;
  }
  return at;
}

/* The lines where a mutation may be seen. */
struct lines { uint32_t from, to, next, partner; };

static struct lines lines_of(struct str text, const struct tokens *t, uint32_t at, enum mutation how) {
  uint32_t last = how == SWAPPED && at + 1 < t->count ? at + 1 : at, next = last + 1 < t->count ? last + 1 : last;
  return (struct lines){ line_at(text, t->items[at].from), line_at(text, t->items[last].to), line_at(text, t->items[next].from),
                         line_at(text, t->items[partner_of(t, at)].from) };
}

static bool between(uint32_t line, struct lines l) { return line >= l.from && line <= l.to; }

static const struct diagnostic *first_error(const struct compilation *c) {
  for (uint32_t i = 0; i < c->diagnostics.count; i++)
    if (c->diagnostics.items[i].severity == SEVERITY_ERROR) return &c->diagnostics.items[i];
  return NULL;
}

/* Counts where the first error stands; false: astray. */
static bool count_place(struct mutant_figures *f, const struct compilation *c, const struct diagnostic *d, uint32_t source, struct lines l) {
  uint32_t line, column, note_line = 0;
  source_place(&c->sources.items[d->span.source], d->span.from, &line, &column);
  if (d->note.len) source_place(&c->sources.items[d->note_span.source], d->note_span.from, &note_line, &column);
  bool here = d->span.source == source, bracket = strcmp(d->code, "E0202") == 0 || strcmp(d->code, "E0203") == 0;
  if (here && between(line, l)) f->on_line++;
  else if (here && line == l.next) f->next_line++;
  else if (here && bracket && line == l.partner) f->partner++;
  else if (note_line && d->note_span.source == source && (between(note_line, l) || note_line == l.next)) f->noted++;
  else {
    f->astray++;
    return false;
  }
  return true;
}

static void try_mutant(struct mutant_figures *f, const struct project *p, uint32_t which, struct str text, struct lines lines,
                       enum mutation how, struct str token, FILE *say) {
  struct compilation c;
  struct source_reader reader = { .read = read_source, .read_file = read_file };
  compilation_init(&c);
  for (uint32_t i = 0; i < p->count; i++) compilation_add(&c, p->scripts[i].path, i == which ? text : p->scripts[i].text, false);
  alarm(MUTANT_SECONDS);
  compile(&c, &reader);
  alarm(0);
  f->made++;
  const struct diagnostic *d = first_error(&c);
  if (!d) {
    if (c.warning_count) f->warned++;
    else f->valid++;
  } else {
    f->broken++;
    bool right = count_place(f, &c, d, which, lines), one = c.error_count == 1;
    f->one_error += one;
    if (say && (!right || !one)) {
      struct buf b;
      buf_init(&b, 1u << 20);
      diagnostics_print(&b, &c, FORMAT_SHORT, false);
      fprintf(say, "%s%s" STR_FMT ":%u: %s `" STR_FMT "`\n" STR_FMT "\n", right ? "" : "ASTRAY ", one ? "" : "MANY ",
              STR_ARG(p->scripts[which].path), lines.from, mutation_names[how], STR_ARG(token), STR_ARG(buf_as_str(&b)));
      buf_deinit(&b);
    }
  }
  compilation_deinit(&c);
}

/* --- many ------------------------------------------------------------------------------------------------------------*/

static bool is_good(const struct project *p) {
  struct compilation c;
  struct source_reader reader = { .read = read_source, .read_file = read_file };
  compilation_init(&c);
  for (uint32_t i = 0; i < p->count; i++) compilation_add(&c, p->scripts[i].path, p->scripts[i].text, false);
  compile(&c, &reader);
  bool good = c.error_count == 0;
  compilation_deinit(&c);
  if (!good) fprintf(stderr, "%s has mistakes of its own\n", p->scripts[0].path.ptr);
  return good;
}

static bool mutants_of_project(struct mutant_figures *f, struct project *p, uint32_t step, uint32_t *phase, FILE *say) {
  if (!is_good(p)) return false;
  for (uint32_t i = 0; i < p->count; i++) {
    struct str text = p->scripts[i].text;
    struct tokens tokens = { 0 };
    read_tokens(p, text, &tokens);
    f->scripts++;
    for (uint32_t k = 0; k + 1 < tokens.count; k++)
      for (int how = 0; how < MUTATION_COUNT; how++) {
        if ((*phase)++ % step) continue;
        struct str mutant = mutate(&p->arena, text, tokens.items[k], tokens.items[k + 1], (enum mutation)how);
        if (mutant.ptr)
          try_mutant(f, p, i, mutant, lines_of(text, &tokens, k, (enum mutation)how), (enum mutation)how, text_of(text, tokens.items[k]), say);
      }
  }
  return true;
}

bool mutants_of_folder(struct mutant_figures *f, const char *folder, uint32_t step, uint32_t *phase, FILE *say) {
  struct project *p = calloc(1, sizeof *p);
  arena_init(&p->arena, 1 << 20);
  read_folder(p, folder, 0);
  if (p->count) qsort(p->scripts, p->count, sizeof *p->scripts, by_path);
  bool good = mutants_of_project(f, p, step, phase, say);
  arena_deinit(&p->arena);
  free(p);
  return good;
}

bool mutants_of_text(struct mutant_figures *f, const char *path, struct str text, uint32_t step, uint32_t *phase, FILE *say) {
  struct project *p = calloc(1, sizeof *p);
  arena_init(&p->arena, 1 << 20);
  p->scripts[p->count++] = (struct script){ str_from_c(path), arena_str(&p->arena, text) };
  bool good = mutants_of_project(f, p, step, phase, say);
  arena_deinit(&p->arena);
  free(p);
  return good;
}

static bool mutants_of_page(struct mutant_figures *f, const char *root, uint32_t step, uint32_t *phase, FILE *say) {
  char path[PATH_BYTES];
  struct arena a;
  bool good = true;
  uint32_t number = 0;
  snprintf(path, sizeof path, "%s/grammar/README.md", root);
  arena_init(&a, 1 << 20);
  struct str page = file_text(&a, path);
  const char *at = page.ptr ? page.ptr : "";
  while ((at = strstr(at, "```camp\n")) != NULL) {
    char name[64];
    at += 8;
    const char *stop = strstr(at, "```");
    if (!stop) break;
    snprintf(name, sizeof name, "grammar/README.md/%u.camp", ++number);
    good &= mutants_of_text(f, name, str_slice(at, stop), step, phase, say);
    at = stop + 3;
  }
  arena_deinit(&a);
  return good && number > 0;
}

bool mutants_of_tree(struct mutant_figures *f, const char *root, uint32_t step, FILE *say) {
  char path[PATH_BYTES];
  struct dirent **entries;
  uint32_t phase = 0;
  bool good = true;
  snprintf(path, sizeof path, "%s/examples", root);
  int count = scandir(path, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    struct stat st;
    snprintf(path, sizeof path, "%s/examples/%s", root, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.' && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) good &= mutants_of_folder(f, path, step, &phase, say);
    free(entries[i]);
  }
  if (count > 0) free(entries);
  return mutants_of_page(f, root, step, &phase, say) && good && count > 0;
}

uint32_t mutants_right(const struct mutant_figures *f) { return f->on_line + f->next_line + f->partner + f->noted; }
