/* What the tests reached. The engine tells of each instruction that runs (struct vm_watch); the compiler has said where in the
 * scripts each belongs (steps, and struct code_place for what has no step).
 *
 * What counts, each in the script's own words:
 *   rule        a campaign or a rule: it started
 *   statement   a step of one: it ran
 *   branch      `if`, `if still`: its condition was true, was false; each event of a wait: it was heard; `else`, or the end of
 *               `up to`: the wait was over without it
 *   condition   what `and` and `or` join, and a whole condition without them, in `where`, `if`, `when … and`: it was true, was false
 * What is inside count(…) is not counted: its answers are shared between rules. The standard library is not counted.
 *
 * Not for running anything: while nobody asks for coverage, nothing here is called.
 *
 * Invariants:
 * 1. Percentages are rounded down: 100 % means all of it.
 * 2. A condition that was skipped has no outcome: who comes to its end from before its beginning has jumped over it.
 * 3. One place in a script is one thing, also when several rules share its code (a definition), or several projects its file. */
#include "runtime/command/coverage.h"

#include "vm/strand.h"

#include <inttypes.h>
#include <stdlib.h>

enum kind { COVER_RULE, COVER_BRANCH, COVER_CONDITION, COVER_STEP, COVER_KINDS };
static const char *const kind_names[] = { "rules", "branches", "conditions", "statements" };

struct covered {
  struct str file;
  uint32_t line, column;
  enum kind kind;
  struct str text;              /* what to say when the count is 0 */
  uint64_t count;
};
struct unit_cover {
  const struct unit *unit;      /* the compiler's */
  const struct unit *live;      /* the engine's */
  struct str file;
  uint64_t *ran;                /* by pc */
  uint32_t *place_at;           /* by pc: index of the first PLACE_IF or PLACE_CONDITION there + 1 */
  uint32_t *branch_place;       /* by branch: index of its place + 1 */
  uint64_t *timeouts;           /* by wait */
  uint64_t started;
  uint32_t start;               /* index of the first PLACE_START or PLACE_SCHEDULE + 1, 0: only other campaigns start it */
};
struct coverage {
  struct arena arena;
  VEC(struct covered) outcomes;
  struct vm_watch watch;
  /* the project under way */
  const struct compilation *of;
  struct arena project;
  struct unit_cover *units; uint32_t unit_count; /* in order of `live` once linked */
  const struct code_place **places; uint32_t place_count; /* of all units, one behind the other */
  uint64_t (*seen)[2];          /* by place: false, true; PLACE_BRANCH: heard in [1] */
  uint32_t *next;               /* by place: the next of the same pc + 1 */
  struct unit_cover *last;      /* most calls are about the unit of the call before */
};

/* --- watching ------------------------------------------------------------------------------------------------------- */

static int by_live(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)((const struct unit_cover *)a)->live, y = (uintptr_t)((const struct unit_cover *)b)->live;
  return x < y ? -1 : x > y;
}

static struct unit_cover *cover_of(struct coverage *c, const struct unit *live) {
  if (c->last && c->last->live == live) return c->last;
  struct unit_cover wanted = { .live = live };
  struct unit_cover *found = c->unit_count ? bsearch(&wanted, c->units, c->unit_count, sizeof *c->units, by_live) : NULL;
  if (found) c->last = found;
  return found; /* NULL: a test's own condition, or the standard library's */
}

static void on_op(void *context, const struct unit *u, uint32_t pc, uint32_t came, const struct value *top) {
  struct coverage *c = context;
  struct unit_cover *uc = cover_of(c, u);
  if (!uc) return;
  uc->ran[pc]++;
  for (uint32_t p = uc->place_at[pc]; p; p = c->next[p - 1]) {
    const struct code_place *place = c->places[p - 1];
    if (place->kind == PLACE_CONDITION && (came == NONE || came < place->from || came >= pc)) continue;
    if (top) c->seen[p - 1][value_true(*top)]++;
  }
}

/* Whether the strand comes out of the wait that it stood in, which is then counted. */
static bool woke(struct coverage *c, struct unit_cover *uc, const struct strand *s, uint32_t pc, const struct env *env) {
  const struct unit *u = s->unit;
  uint32_t operands[2];
  if (!instruction_decode(u->code, u->code_bytes, s->pc, operands) || u->code[s->pc] != OP_WAIT) return false;
  const struct wait *w = &u->waits[operands[0]];
  if (!env->event) {
    if (pc != w->timeout_pc) return false;
    uc->timeouts[operands[0]]++;
    return true;
  }
  for (uint32_t i = 0; i < w->branch_count; i++) {
    const struct branch *b = &u->branches[w->first_branch + i];
    if (b->target_pc != pc || u->link->symbols[b->event] != env->event->name) continue;
    uint32_t place = uc->branch_place[w->first_branch + i];
    if (place) c->seen[place - 1][1]++;
    return true;
  }
  return false;
}

static void on_enter(void *context, const struct strand *s, uint32_t pc, const struct env *env) {
  struct coverage *c = context;
  struct unit_cover *uc = cover_of(c, s->unit);
  if (!uc || woke(c, uc, s, pc, env)) return;
  bool start = s->unit->trigger_count + s->unit->schedule_count == 0 && pc == 0;
  for (uint32_t i = 0; i < s->unit->trigger_count; i++) start |= s->unit->triggers[i].start_pc == pc;
  for (uint32_t i = 0; i < s->unit->schedule_count; i++) start |= s->unit->schedules[i].start_pc == pc;
  uc->started += start;
}

/* --- a project ------------------------------------------------------------------------------------------------------ */

struct coverage *coverage_new(void) {
  struct coverage *c = calloc(1, sizeof *c);
  CHECK(c);
  arena_init(&c->arena, 1 << 16);
  arena_init(&c->project, 1 << 16);
  c->watch = (struct vm_watch){ .context = c, .enter = on_enter, .op = on_op };
  return c;
}

void coverage_free(struct coverage *c) {
  if (!c) return;
  arena_deinit(&c->arena);
  arena_deinit(&c->project);
  free(c);
}

const struct vm_watch *coverage_watch(const struct coverage *c) { return &c->watch; }

static bool is_standard(const struct compilation *of, struct str file) {
  for (uint32_t i = 0; i < of->sources.count; i++)
    if (str_eq(of->sources.items[i].path, file)) return of->sources.items[i].standard;
  return true;
}

static void place_add(struct coverage *c, struct unit_cover *uc, uint32_t p) {
  const struct code_place *place = c->places[p];
  if ((place->kind == PLACE_START || place->kind == PLACE_SCHEDULE) && !uc->start) {
    uc->start = p + 1;
  } else if (place->kind == PLACE_BRANCH) {
    uc->branch_place[place->item] = p + 1;
  } else if (place->kind == PLACE_IF || place->kind == PLACE_CONDITION) {
    c->next[p] = uc->place_at[place->item];
    uc->place_at[place->item] = p + 1;
  }
}

void coverage_begin(struct coverage *c, const struct compilation *of) {
  const struct program *program = &of->program;
  struct arena *a = &c->project;
  arena_reset(a);
  c->of = of;
  c->last = NULL;
  c->unit_count = 0;
  c->units = arena_zalloc(a, program->unit_count + 1, sizeof *c->units);
  c->place_count = 0;
  for (uint32_t i = 0; i < program->unit_count; i++) c->place_count += of->places[i].count;
  c->places = arena_zalloc(a, c->place_count + 1, sizeof *c->places);
  c->seen = arena_zalloc(a, c->place_count + 1, sizeof *c->seen);
  c->next = arena_zalloc(a, c->place_count + 1, sizeof *c->next);
  uint32_t p = 0;
  for (uint32_t i = 0; i < program->unit_count; i++) {
    const struct unit *u = &program->units[i];
    uint32_t first = p;
    for (uint32_t k = 0; k < of->places[i].count; k++) c->places[p++] = &of->places[i].items[k];
    if (u->kind == UNIT_MESSAGE || u->kind == UNIT_POLICY || u->kind == UNIT_FILE || is_standard(of, u->file)) continue;
    struct unit_cover *uc = &c->units[c->unit_count++];
    *uc = (struct unit_cover){ .unit = u, .file = u->file };
    uc->ran = arena_zalloc(a, u->code_bytes + 1, sizeof *uc->ran);
    uc->place_at = arena_zalloc(a, u->code_bytes + 1, sizeof *uc->place_at);
    uc->branch_place = arena_zalloc(a, u->branch_count + 1, sizeof *uc->branch_place);
    uc->timeouts = arena_zalloc(a, u->wait_count + 1, sizeof *uc->timeouts);
    for (uint32_t k = first; k < p; k++) place_add(c, uc, k);
  }
}

void coverage_link(struct coverage *c, const struct stories *all) {
  for (uint32_t i = 0; i < c->unit_count; i++) c->units[i].live = stories_unit(all, c->units[i].unit);
  if (c->unit_count) qsort(c->units, c->unit_count, sizeof *c->units, by_live);
}

/* --- outcomes ------------------------------------------------------------------------------------------------------- */

enum { TEXT_BYTES_MAX = 100 };

/* The script's words as one line, cut at a character's end. */
static struct str one_line(struct arena *a, struct str text) {
  static const char dots[] = "…";
  char *out = arena_alloc(a, TEXT_BYTES_MAX + sizeof dots);
  size_t n = 0;
  bool blank = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = n > 0;
      continue;
    }
    bool begins = ((unsigned char)c & 0xc0) != 0x80;
    if (begins && n + 6 > TEXT_BYTES_MAX) { /* a blank and the longest character still fit */
      memcpy(out + n, dots, sizeof dots - 1);
      return (struct str){ out, n + sizeof dots - 1 };
    }
    if (blank) out[n++] = ' ';
    blank = false;
    out[n++] = c;
  }
  return (struct str){ out, n };
}

static void outcome_add(struct coverage *c, struct str file, uint32_t line, uint32_t column, enum kind kind, const char *never,
                        struct str what, uint64_t count) {
  struct str shown = one_line(&c->arena, what);
  struct covered o = { .file = arena_str(&c->arena, file), .line = line, .column = column, .kind = kind, .count = count,
                       .text = arena_printf(&c->arena, "%s: " STR_FMT, never, STR_ARG(shown)) };
  VEC_PUSH(&c->arena, &c->outcomes, o);
}

static void place_end(struct coverage *c, uint32_t p) {
  const struct code_place *place = c->places[p];
  const struct source *source = &c->of->sources.items[place->span.source];
  if (source->standard) return;
  uint32_t line, column;
  source_place(source, place->span.from, &line, &column);
  struct str text = { source->text.ptr + place->span.from, place->span.to - place->span.from };
  if (place->kind == PLACE_BRANCH) {
    outcome_add(c, source->path, line, column, COVER_BRANCH, "never heard", text, c->seen[p][1]);
  } else if (place->kind == PLACE_IF) {
    outcome_add(c, source->path, line, column, COVER_BRANCH, "if never true", text, c->seen[p][1]);
    outcome_add(c, source->path, line, column, COVER_BRANCH, "if never false", text, c->seen[p][0]);
  } else if (place->kind == PLACE_CONDITION) {
    outcome_add(c, source->path, line, column, COVER_CONDITION, "never true", text, c->seen[p][1]);
    outcome_add(c, source->path, line, column, COVER_CONDITION, "never false", text, c->seen[p][0]);
  }
}

static const struct step *step_at(const struct unit *u, uint32_t pc) {
  const struct step *found = NULL;
  for (uint32_t i = 0; i < u->step_count && u->steps[i].pc <= pc; i++) found = &u->steps[i];
  return found;
}

static void unit_end(struct coverage *c, const struct unit_cover *uc) {
  const struct unit *u = uc->unit;
  uint32_t line = u->step_count ? u->steps[0].line : 1, column = u->step_count ? u->steps[0].column : 1, operands[2];
  if (uc->start) {
    struct span span = c->places[uc->start - 1]->span;
    source_place(&c->of->sources.items[span.source], span.from, &line, &column);
  }
  /* What is no journey is not started: of a segment its condition is all that there is to reach. */
  if (u->kind == UNIT_CAMPAIGN || u->kind == UNIT_RULE) outcome_add(c, uc->file, line, column, COVER_RULE, "never started", unit_name(u), uc->started);
  for (uint32_t i = 0; i < u->step_count; i++)
    outcome_add(c, step_file(u, &u->steps[i]), u->steps[i].line, u->steps[i].column, COVER_STEP, "never ran", u->steps[i].label, uc->ran[u->steps[i].pc]);
  for (uint32_t pc = 0, bytes; (bytes = instruction_decode(u->code, u->code_bytes, pc, operands)) != 0; pc += bytes) {
    const struct step *step = u->code[pc] == OP_WAIT ? step_at(u, pc) : NULL;
    if (!step || u->waits[operands[0]].branch_count == 0 || u->waits[operands[0]].timeout_pc == NONE) continue;
    outcome_add(c, step_file(u, step), step->line, step->column, COVER_BRANCH, "never timed out", step->label, uc->timeouts[operands[0]]);
  }
}

void coverage_end(struct coverage *c) {
  for (uint32_t i = 0; i < c->unit_count; i++) unit_end(c, &c->units[i]);
  for (uint32_t p = 0; p < c->place_count; p++) place_end(c, p);
}

static int by_place(const void *a, const void *b) {
  const struct covered *x = a, *y = b;
  int d = str_cmp(x->file, y->file);
  if (d) return d;
  if (x->line != y->line) return x->line < y->line ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->column != y->column) return x->column < y->column ? -1 : 1;
  return str_cmp(x->text, y->text);
}

/* In order of place, each once. A statement of two steps (a delayed send) ran as often as its first did. */
static const struct covered *sorted(struct coverage *c, uint32_t *count) {
  struct covered *all = c->outcomes.items;
  *count = 0;
  if (c->outcomes.count == 0) return NULL;
  qsort(all, c->outcomes.count, sizeof *all, by_place);
  uint32_t n = 1;
  for (uint32_t i = 1; i < c->outcomes.count; i++) {
    struct covered *was = &all[n - 1];
    if (by_place(was, &all[i]) != 0) all[n++] = all[i];
    else if (was->kind != COVER_STEP) was->count += all[i].count;
    else if (all[i].count > was->count) was->count = all[i].count;
  }
  c->outcomes.count = n;
  *count = n;
  return all;
}

/* --- report --------------------------------------------------------------------------------------------------------- */

struct sums { uint32_t reached[COVER_KINDS], all[COVER_KINDS]; };

static void count_in(struct sums *s, const struct covered *o) {
  s->all[o->kind]++;
  s->reached[o->kind] += o->count > 0;
}

static void put_sums(struct buf *b, const char *prefix, struct str name, const struct sums *s) {
  buf_printf(b, "%s" STR_FMT ":", prefix, STR_ARG(name));
  for (int k = 0; k < COVER_KINDS; k++) {
    const char *comma = k ? "," : "";
    if (s->all[k] == 0) buf_printf(b, "%s no %s", comma, kind_names[k]);
    else buf_printf(b, "%s %s %" PRIu32 " of %" PRIu32 " (%" PRIu32 " %%)", comma, kind_names[k], s->reached[k], s->all[k],
                    (uint32_t)((uint64_t)s->reached[k] * 100 / s->all[k]));
  }
  buf_byte(b, '\n');
}

void coverage_report(struct coverage *c, struct buf *b, const char *prefix) {
  uint32_t count, files = 0;
  const struct covered *all = sorted(c, &count);
  struct sums total = { { 0 }, { 0 } };
  for (uint32_t i = 0, end; i < count; i = end) {
    struct sums file = { { 0 }, { 0 } };
    for (end = i; end < count && str_eq(all[end].file, all[i].file); end++) {
      count_in(&file, &all[end]);
      count_in(&total, &all[end]);
    }
    put_sums(b, prefix, all[i].file, &file);
    for (uint32_t k = i; k < end; k++)
      if (all[k].count == 0) buf_printf(b, "%s  %" PRIu32 ":%" PRIu32 "  " STR_FMT "\n", prefix, all[k].line, all[k].column, STR_ARG(all[k].text));
    files++;
  }
  if (files > 1) put_sums(b, prefix, STR("all"), &total);
}

/* --- lcov ----------------------------------------------------------------------------------------------------------- */

static void put_functions(struct buf *b, const struct covered *o, uint32_t count) {
  uint32_t found = 0, hit = 0;
  size_t colon = sizeof "never started: " - 1;
  for (uint32_t i = 0; i < count; i++)
    if (o[i].kind == COVER_RULE) buf_printf(b, "FN:%" PRIu32 "," STR_FMT "\n", o[i].line, (int)(o[i].text.len - colon), o[i].text.ptr + colon);
  for (uint32_t i = 0; i < count; i++) {
    if (o[i].kind != COVER_RULE) continue;
    buf_printf(b, "FNDA:%" PRIu64 "," STR_FMT "\n", o[i].count, (int)(o[i].text.len - colon), o[i].text.ptr + colon);
    found++;
    hit += o[i].count > 0;
  }
  buf_printf(b, "FNF:%" PRIu32 "\nFNH:%" PRIu32 "\n", found, hit);
}

/* Branches and conditions alike: lcov knows one kind. All of a line are one block. */
static void put_branches(struct buf *b, const struct covered *o, uint32_t count) {
  uint32_t found = 0, hit = 0, number = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (i && o[i].line != o[i - 1].line) number = 0;
    if (o[i].kind != COVER_BRANCH && o[i].kind != COVER_CONDITION) continue;
    buf_printf(b, "BRDA:%" PRIu32 ",0,%" PRIu32 ",%" PRIu64 "\n", o[i].line, number++, o[i].count);
    found++;
    hit += o[i].count > 0;
  }
  buf_printf(b, "BRF:%" PRIu32 "\nBRH:%" PRIu32 "\n", found, hit);
}

/* A line with several statements ran as often as the rarest of them. */
static void put_lines(struct buf *b, const struct covered *o, uint32_t count) {
  uint32_t found = 0, hit = 0;
  for (uint32_t i = 0, end; i < count; i = end) {
    uint64_t ran = UINT64_MAX;
    for (end = i; end < count && o[end].line == o[i].line; end++)
      if ((o[end].kind == COVER_STEP || o[end].kind == COVER_RULE) && o[end].count < ran) ran = o[end].count;
    if (ran == UINT64_MAX) continue;
    buf_printf(b, "DA:%" PRIu32 ",%" PRIu64 "\n", o[i].line, ran);
    found++;
    hit += ran > 0;
  }
  buf_printf(b, "LF:%" PRIu32 "\nLH:%" PRIu32 "\n", found, hit);
}

void coverage_lcov(struct coverage *c, struct buf *b) {
  uint32_t count;
  const struct covered *all = sorted(c, &count);
  for (uint32_t i = 0, end; i < count; i = end) {
    for (end = i; end < count && str_eq(all[end].file, all[i].file); end++) {}
    buf_printf(b, "TN:\nSF:" STR_FMT "\n", STR_ARG(all[i].file));
    put_functions(b, all + i, end - i);
    put_branches(b, all + i, end - i);
    put_lines(b, all + i, end - i);
    buf_c(b, "end_of_record\n");
  }
}
