/* camp graph: draws campaigns from their compiled code: start, steps, waits, branches, ends.
 *
 * The picture follows the control flow of the instructions, so it shows what runs and not what was meant; words come from the step
 * table and from the scripts themselves. Not for laying out: Mermaid and Graphviz do that.
 *
 * Invariants:
 * 1. A node is an instruction that people can see: a wait, a decision, an effect, an end. What lies between computes, and is passed
 *    over. So every instruction is looked at once, and the drawing has at most as many nodes as the code has instructions.
 * 2. Every text is escaped for the language that it is written into. */
#include "runtime/command/commands.h"
#include "runtime/command/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum shape { SHAPE_START, SHAPE_ACTION, SHAPE_WAIT, SHAPE_CHOICE, SHAPE_DROP, SHAPE_END, SHAPE_NOTE };
struct node { enum shape shape; uint32_t unit; uint32_t pc; struct str text; };
struct edge { uint32_t from, to; struct str text; bool dotted; };
struct graph {
  const struct project *project;
  const struct program *program;
  struct arena arena;
  VEC(struct node) nodes;
  VEC(struct edge) edges;
  VEC(uint32_t) work;           /* nodes whose successors are not drawn yet */
  uint32_t *first_of;           /* by unit: its first start + 1 */
  uint32_t *node_at;            /* of the unit under way, by pc: node + 1 */
  uint32_t unit;
  struct str via;               /* the channels that the send ahead is to choose from */
};

/* --- words ---------------------------------------------------------------------------------------------------------- */

enum { LABEL_BYTES_MAX = 120 };

static struct str one_line(struct arena *a, struct str text) {
  char *out = arena_alloc(a, text.len + 1);
  size_t n = 0;
  bool blank = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = n > 0;
      continue;
    }
    if (n >= LABEL_BYTES_MAX && ((unsigned char)c & 0xc0) != 0x80)
      return arena_printf(a, "%.*s…", (int)n, out);
    if (blank) out[n++] = ' ';
    blank = false;
    out[n++] = c;
  }
  return (struct str){ out, n };
}

/* The script's words for an item, or nothing. */
static struct str words_of(struct graph *g, enum place_kind kind, uint32_t item) {
  const struct compilation *c = &g->project->compilation;
  const struct unit_places *places = &c->places[g->unit];
  for (uint32_t i = 0; i < places->count; i++) {
    const struct code_place *p = &places->items[i];
    if (p->kind != kind || p->item != item) continue;
    struct str text = c->sources.items[p->span.source].text;
    return one_line(&g->arena, (struct str){ text.ptr + p->span.from, p->span.to - p->span.from });
  }
  return (struct str){ NULL, 0 };
}

/* `start when signup` is drawn as `when signup`; of several events joined by `or` each stands alone and gets the words before. */
static struct str trigger_text(struct graph *g, enum place_kind kind, uint32_t item, const char *before) {
  struct str said = words_of(g, kind, item), start = STR("start ");
  if ((kind == PLACE_START || kind == PLACE_SCHEDULE) && str_starts(said, start)) said = (struct str){ said.ptr + start.len, said.len - start.len };
  if (str_starts(said, str_from_c(before))) return said;
  return arena_printf(&g->arena, "%s" STR_FMT, before, STR_ARG(said));
}

static const struct step *step_of(const struct unit *u, uint32_t pc) {
  uint32_t low = 0, high = u->step_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (u->steps[middle].pc <= pc) low = middle + 1;
    else high = middle;
  }
  return low ? &u->steps[low - 1] : NULL;
}

static struct str label_of(struct graph *g, const struct unit *u, uint32_t pc) {
  const struct step *s = step_of(u, pc);
  return s ? one_line(&g->arena, s->label) : str_from_c(opcode_table[u->code[pc]].name);
}

/* --- nodes and edges ------------------------------------------------------------------------------------------------ */

static uint32_t node_new(struct graph *g, enum shape shape, uint32_t pc, struct str text) {
  struct node n = { shape, g->unit, pc, text };
  VEC_PUSH(&g->arena, &g->nodes, n);
  return g->nodes.count - 1;
}

static void edge_new(struct graph *g, uint32_t from, uint32_t to, struct str text, bool dotted) {
  for (uint32_t i = g->edges.count; i-- > 0 && g->edges.items[i].from == from;) {
    struct edge *e = &g->edges.items[i];
    if (e->to != to) continue;
    if (e->text.len && text.len && !str_eq(e->text, text)) e->text = arena_printf(&g->arena, STR_FMT " or " STR_FMT, STR_ARG(e->text), STR_ARG(text));
    return;
  }
  struct edge e = { from, to, text, dotted };
  VEC_PUSH(&g->arena, &g->edges, e);
}

/* What a message's own declaration says of how it leaves, behind its name. */
static struct str send_text(struct graph *g, struct str name) {
  struct str text = arena_printf(&g->arena, "send " STR_FMT, STR_ARG(name));
  for (size_t i = 0; i < g->via.len; i++) {
    size_t from = i;
    while (i < g->via.len && g->via.ptr[i] != ' ') i++;
    text = arena_printf(&g->arena, STR_FMT "%s%.*s", STR_ARG(text), from ? " or " : " via ", (int)(i - from), g->via.ptr + from);
  }
  for (uint32_t i = 0; i < g->program->unit_count; i++) {
    const struct unit *m = &g->program->units[i];
    if (m->kind != UNIT_MESSAGE || !str_eq(unit_name(m), name)) continue;
    const char *priority = m->priority == PRIORITY_HIGH ? "priority high" : m->priority == PRIORITY_LOW ? "priority low" : NULL;
    struct buf expires;
    buf_init(&expires, 200);
    if (m->expires.type != V_MISSING) {
      buf_c(&expires, "expires after ");
      value_show(&expires, m->expires);
    }
    if (priority || expires.len)
      text = arena_printf(&g->arena, STR_FMT " (%s%s" STR_FMT ")", STR_ARG(text), priority ? priority : "", priority && expires.len ? ", " : "",
                          STR_ARG(buf_as_str(&expires)));
    buf_deinit(&expires);
    return text;
  }
  return text;
}

/* `experiment tone, 10% held out, measures click of promo within 2d` */
static struct str experiment_text(struct graph *g, const struct unit *u, const struct experiment *x) {
  struct str held = x->holdout ? arena_printf(&g->arena, ", %g%% held out", (double)x->holdout * 100 / SPLIT_PLACES) : STR("");
  return arena_printf(&g->arena, "experiment " STR_FMT STR_FMT ", measures " STR_FMT, STR_ARG(u->strings[x->name]), STR_ARG(held),
                      STR_ARG(u->strings[x->text]));
}

/* What an effect is called where its statement's label would say more than this instruction does: a delayed send is a wait and
 * a send, and a `still` that failed is no send at all. */
static struct str effect_text(struct graph *g, const struct unit *u, uint32_t pc, const uint32_t operands[2]) {
  struct str name;
  if (u->code[pc] == OP_SEND || u->code[pc] == OP_SENDWITH) {
    name = u->strings[u->code[pc] == OP_SEND ? operands[0] : u->emits[operands[0]].event];
    return send_text(g, name);
  }
  if (u->code[pc] == OP_ASSIGN) return experiment_text(g, u, &u->experiments[operands[0]]);
  /* In a sequence the statement has the name of a parameter, the instruction that of what was given. */
  const char *does = u->code[pc] == OP_JOIN ? "join" : u->code[pc] == OP_LEAVE ? "leave" : u->code[pc] == OP_START ? "start"
                   : u->code[pc] == OP_STOP ? "stop" : NULL;
  if (does && !str_starts(label_of(g, u, pc), arena_printf(&g->arena, "%s " STR_FMT, does, STR_ARG(u->strings[operands[0]]))))
    return arena_printf(&g->arena, "%s " STR_FMT, does, STR_ARG(u->strings[operands[0]]));
  if (u->code[pc] == OP_DROP) {
    name = value_str(u->consts[operands[1]]);
    return arena_printf(&g->arena, "not sent: " STR_FMT, STR_ARG(name));
  }
  return label_of(g, u, pc);
}

static enum shape shape_of(uint8_t op) {
  switch (op) {
    case OP_WAIT: return SHAPE_WAIT;
    case OP_JUMPF: case OP_EACH: return SHAPE_CHOICE;
    case OP_DROP: return SHAPE_DROP;
    case OP_HALT: case OP_EXIT: case OP_OVER: return SHAPE_END; /* over: only goals are still counted */
    default: return SHAPE_ACTION;
  }
}

/* The instruction's node; made when it is seen first, with its successors still to be drawn. */
static uint32_t node_of(struct graph *g, const struct unit *u, uint32_t pc, const uint32_t operands[2], struct str decision) {
  uint8_t op = u->code[pc];
  if (g->node_at[pc]) return g->node_at[pc] - 1;
  bool share = decision.len && (decision.ptr[decision.len - 1] == '%');
  struct str text = op == OP_HALT || op == OP_OVER ? STR("end")
                  : decision.len ? arena_printf(&g->arena, share ? STR_FMT : STR_FMT "?", STR_ARG(decision)) : effect_text(g, u, pc, operands);
  g->via.len = 0;
  uint32_t node = node_new(g, shape_of(op), pc, text);
  g->node_at[pc] = node + 1;
  VEC_PUSH(&g->arena, &g->work, node);
  return node;
}

/* Draws edges to what comes next from pc on: past what computes, along jumps, and both ways of a fork. A JUMPF decides something
 * that people see where the compiler noted an `if`; the others stand inside expressions. */
static void flow(struct graph *g, uint32_t from, uint32_t pc, struct str text) {
  const struct unit *u = &g->program->units[g->unit];
  uint32_t operands[2];
  for (;;) {
    uint8_t op = u->code[pc];
    uint32_t bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
    CHECK(bytes > 0);
    struct str decision = op == OP_JUMPF ? words_of(g, PLACE_IF, pc) : (struct str){ NULL, 0 };
    if (!decision.len && (op == OP_JUMPF || op == OP_EACH)) decision = words_of(g, PLACE_LOOP, pc);
    /* A call that waits for its answer is one node, the wait. */
    bool waits = op == OP_CALL && u->code[pc + bytes] == OP_CALLED;
    if (op == OP_JUMP) {
      pc = operands[0];
      continue;
    }
    if (op == OP_VIA) g->via = u->strings[operands[0]];
    if (op == OP_FORK) {
      flow(g, from, operands[0], text);
    } else if (op != OP_ITEMS && op != OP_VIA && op != OP_APART && op != OP_WATCH && !waits &&
               (decision.len || opcode_table[op].flags & (OPF_EFFECT | OPF_YIELD) || op == OP_HALT || op == OP_EXIT)) {
      edge_new(g, from, node_of(g, u, pc, operands, decision), text, false);
      return;
    }
    pc += bytes;
  }
}

static void wait_flow(struct graph *g, uint32_t node, const struct unit *u, const struct wait *w) {
  for (uint32_t i = 0; i < w->branch_count; i++) {
    const struct branch *b = &u->branches[w->first_branch + i];
    struct str said = words_of(g, PLACE_BRANCH, w->first_branch + i);
    if (str_is(unit_string(u, b->event), REPLY_EVENT)) said = i ? STR("failure") : STR("reply");
    flow(g, node, b->target_pc, said.len ? said : unit_string(u, b->event));
  }
  if (w->timeout_pc != NONE) flow(g, node, w->timeout_pc, w->branch_count ? STR("else") : (struct str){ NULL, 0 });
}

/* Whether the way past the last variant of an experiment is that of those who are held out. */
static bool held_out(const struct unit *u, uint32_t target) {
  for (uint32_t i = 0; i < u->experiment_count; i++) {
    const struct experiment *x = &u->experiments[i];
    if (x->holdout && x->variant_count && u->variants[x->first_variant + x->variant_count - 1].to_pc == target) return true;
  }
  return false;
}

static void successors(struct graph *g, uint32_t node) {
  const struct unit *u = &g->program->units[g->unit];
  uint32_t pc = g->nodes.items[node].pc, operands[2];
  uint32_t bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
  bool loop;
  switch (u->code[pc]) {
    case OP_HALT: case OP_EXIT: case OP_OVER: return;
    case OP_WAIT: wait_flow(g, node, u, &u->waits[operands[0]]); return;
    case OP_JUMPF:
      loop = words_of(g, PLACE_LOOP, pc).len > 0;
      flow(g, node, pc + bytes, loop ? STR("again") : STR("yes"));
      flow(g, node, operands[0], loop ? STR("done") : held_out(u, operands[0]) ? STR("held out") : STR("no"));
      return;
    case OP_EACH:
      flow(g, node, pc + bytes, STR("each"));
      flow(g, node, operands[1], STR("done"));
      return;
    default: flow(g, node, pc + bytes, (struct str){ NULL, 0 });
  }
}

static void draw_unit(struct graph *g, uint32_t index) {
  const struct unit *u = &g->program->units[index];
  struct str nothing = { NULL, 0 };
  g->unit = index;
  g->node_at = arena_zalloc(&g->arena, u->code_bytes + 1, sizeof *g->node_at);
  g->first_of[index] = g->nodes.count + 1;
  for (uint32_t i = 0; i < u->trigger_count; i++) (void)node_new(g, SHAPE_START, 0, trigger_text(g, PLACE_START, i, "when "));
  for (uint32_t i = 0; i < u->trigger_count; i++) flow(g, g->first_of[index] - 1 + i, u->triggers[i].start_pc, nothing);
  uint32_t scheduled = g->nodes.count;
  for (uint32_t i = 0; i < u->schedule_count; i++) (void)node_new(g, SHAPE_START, 0, trigger_text(g, PLACE_SCHEDULE, i, ""));
  for (uint32_t i = 0; i < u->schedule_count; i++) flow(g, scheduled + i, u->schedules[i].start_pc, nothing);
  if (u->trigger_count + u->schedule_count == 0) flow(g, node_new(g, SHAPE_START, 0, STR("started by another campaign")), 0, nothing);
  for (uint32_t i = 0; i < g->work.count; i++) successors(g, g->work.items[i]);
  g->work.count = 0;
  for (uint32_t i = 0; i < u->goal_count; i++) node_new(g, SHAPE_NOTE, 0, trigger_text(g, PLACE_GOAL, i, "goal "));
  for (uint32_t i = 0; i < u->stop_count; i++) node_new(g, SHAPE_NOTE, 0, trigger_text(g, PLACE_STOP, i, "stop when "));
}

/* What holds messages back stands beside the campaigns. */
static void draw_policy(struct graph *g) {
  for (uint32_t i = 0; i < g->program->unit_count; i++) {
    const struct unit *u = &g->program->units[i];
    if (u->kind != UNIT_POLICY) continue;
    g->unit = i;
    for (uint32_t k = 0; k < u->cap_count; k++)
      node_new(g, SHAPE_NOTE, 0, arena_printf(&g->arena, STR_FMT "%s", STR_ARG(u->strings[u->caps[k].text]), u->caps[k].drop ? " then drop" : ""));
    for (uint32_t k = 0; k < u->quiet_count; k++)
      node_new(g, SHAPE_NOTE, 0, arena_printf(&g->arena, STR_FMT "%s", STR_ARG(u->strings[u->quiets[k].text]), u->quiets[k].drop ? " then drop" : ""));
  }
}

/* `start loyalty` points to loyalty, when both are drawn. */
static void link_starts(struct graph *g) {
  uint32_t count = g->nodes.count, operands[2];
  for (uint32_t i = 0; i < count; i++) {
    const struct node *n = &g->nodes.items[i];
    const struct unit *u = &g->program->units[n->unit];
    if (n->shape != SHAPE_ACTION || u->code[n->pc] != OP_START) continue;
    (void)instruction_decode(u->code, u->code_bytes, n->pc, operands);
    for (uint32_t k = 0; k < g->program->unit_count; k++)
      if (g->first_of[k] && str_eq(unit_name(&g->program->units[k]), u->strings[operands[0]])) {
        struct edge e = { i, g->first_of[k] - 1, { NULL, 0 }, true };
        VEC_PUSH(&g->arena, &g->edges, e);
      }
  }
}

/* --- Mermaid -------------------------------------------------------------------------------------------------------- */

/* In quotes Mermaid takes anything but a quote, markup and its own entities. */
static void put_mermaid(struct buf *b, struct str text) {
  buf_byte(b, '"');
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '"' || c == '#' || c == '<' || c == '>' || c == '&' || c == '`' || c == '\\') buf_printf(b, "#%d;", c);
    else buf_byte(b, (uint8_t)((unsigned char)c < 0x20 ? ' ' : c));
  }
  buf_byte(b, '"');
}

static void graph_mermaid(const struct graph *g, struct buf *b) {
  static const char *const open[] = { "([", "[", "[/", "{", "[", "((", "{{" }, *const shut[] = { "])", "]", "/]", "}", "]", "))", "}}" };
  uint32_t drawn = 0;
  buf_c(b, "flowchart TD\n");
  for (uint32_t i = 0; i < g->nodes.count; i++) {
    const struct node *n = &g->nodes.items[i];
    if (i == 0 || n->unit != n[-1].unit) {
      buf_printf(b, "  subgraph campaign%" PRIu32 "[", ++drawn);
      put_mermaid(b, unit_name(&g->program->units[n->unit]));
      buf_c(b, "]\n");
    }
    buf_printf(b, "    n%" PRIu32 "%s", i, open[n->shape]);
    put_mermaid(b, n->text);
    buf_printf(b, "%s\n", shut[n->shape]);
    if (i + 1 == g->nodes.count || n[1].unit != n->unit) buf_c(b, "  end\n");
  }
  for (uint32_t i = 0; i < g->edges.count; i++) {
    const struct edge *e = &g->edges.items[i];
    buf_printf(b, "  n%" PRIu32 " %s", e->from, e->dotted ? "-.->" : "-->");
    if (e->text.len) {
      buf_byte(b, '|');
      put_mermaid(b, e->text);
      buf_byte(b, '|');
    }
    buf_printf(b, " n%" PRIu32 "\n", e->to);
  }
}

/* --- DOT ------------------------------------------------------------------------------------------------------------ */

/* A quoted string of DOT; broken at a blank near every 30th character, because Graphviz does not wrap. A few characters do not stand
 * alone on the last line. */
static void put_dot(struct buf *b, struct str text) {
  enum { LINE_MIN = 28, LAST_MIN = 8 };
  size_t column = 0;
  buf_byte(b, '"');
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == ' ' && column >= LINE_MIN && text.len - i > LAST_MIN) {
      buf_c(b, "\\n");
      column = 0;
      continue;
    }
    if (c == '"' || c == '\\') buf_byte(b, '\\');
    buf_byte(b, (uint8_t)((unsigned char)c < 0x20 ? ' ' : c));
    column++;
  }
  buf_byte(b, '"');
}

static void graph_dot(struct graph *g, struct buf *b) {
  static const char *const look[] = { "shape=box, style=\"rounded,bold\"", "shape=box", "shape=box, style=\"rounded,filled\", fillcolor=\"#e3ecf9\"",
    "shape=diamond", "shape=box, style=dashed", "shape=circle, style=filled, fillcolor=\"#dddddd\"", "shape=note, style=dotted" };
  uint32_t drawn = 0;
  buf_c(b, "digraph camp {\n  graph [fontname=\"Helvetica\", ranksep=0.35];\n  node [fontname=\"Helvetica\", fontsize=11, margin=\"0.12,0.06\"];\n"
           "  edge [fontname=\"Helvetica\", fontsize=10];\n");
  for (uint32_t i = 0; i < g->nodes.count; i++) {
    const struct node *n = &g->nodes.items[i];
    if (i == 0 || n->unit != n[-1].unit) {
      buf_printf(b, "  subgraph cluster_%" PRIu32 " {\n    label=", ++drawn);
      put_dot(b, unit_name(&g->program->units[n->unit]));
      buf_c(b, ";\n");
    }
    buf_printf(b, "    n%" PRIu32 " [label=", i);
    put_dot(b, n->text);
    buf_printf(b, ", %s];\n", look[n->shape]);
    if (i + 1 == g->nodes.count || n[1].unit != n->unit) buf_c(b, "  }\n");
  }
  for (uint32_t i = 0; i < g->edges.count; i++) {
    const struct edge *e = &g->edges.items[i];
    buf_printf(b, "  n%" PRIu32 " -> n%" PRIu32 " [label=", e->from, e->to);
    put_dot(b, e->text.len ? arena_printf(&g->arena, " " STR_FMT, STR_ARG(e->text)) : e->text); /* off the line */
    buf_printf(b, "%s];\n", e->dotted ? ", style=dotted" : "");
  }
  buf_c(b, "}\n");
}

/* --- SVG ------------------------------------------------------------------------------------------------------------ */

/* Graphviz is asked when it is there and is no dependency: DOT goes to its standard input, SVG comes out on ours. */
static int print_svg(struct str dot) {
  int pipe_fds[2], status = 0;
  fflush(stdout);
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
    complain("graph", "cannot start dot: %s", strerror(errno));
    return EXIT_COULD_NOT;
  }
  pid_t child = fork();
  if (child == 0) {
    if (dup2(pipe_fds[0], STDIN_FILENO) >= 0) execlp("dot", "dot", "-Tsvg", (char *)NULL);
    _exit(127);
  }
  close(pipe_fds[0]);
  for (size_t done = 0; child > 0 && done < dot.len;) {
    ssize_t n = write(pipe_fds[1], dot.ptr + done, dot.len - done);
    if (n < 0 && errno != EINTR) break; /* it ended early: its code says so */
    if (n > 0) done += (size_t)n;
  }
  close(pipe_fds[1]);
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return EXIT_FINE;
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
    complain("graph", "an SVG is drawn by Graphviz, which is not installed: `apt install graphviz`. --format dot and mermaid need nothing.");
  else
    complain("graph", "dot could not draw the picture");
  return EXIT_COULD_NOT;
}

/* --- the command ---------------------------------------------------------------------------------------------------- */

static const char *name_at(const void *context, size_t i) { return ((const char *const *)context)[i]; }

/* What somebody goes through. Messages, segments and scores have no steps. */
static bool is_journey(const struct unit *u) { return u->kind == UNIT_CAMPAIGN || u->kind == UNIT_RULE; }

/* The rules of a standard module are drawn when they are asked for by name. */
static bool is_standard(const struct graph *g, const struct unit *u) {
  const struct compilation *c = &g->project->compilation;
  for (uint32_t i = 0; i < c->sources.count; i++)
    if (str_eq(c->sources.items[i].path, u->file)) return c->sources.items[i].standard;
  return false;
}

static const char *nearest_unit(struct graph *g, const char *want) {
  const char **names = arena_zalloc(&g->arena, g->program->unit_count + 1, sizeof *names);
  size_t n = 0;
  for (uint32_t i = 0; i < g->program->unit_count; i++)
    if (is_journey(&g->program->units[i])) names[n++] = arena_str(&g->arena, unit_name(&g->program->units[i])).ptr;
  return nearest_name(want, name_at, names);
}

static bool sends(const struct graph *g) {
  for (uint32_t i = 0; i < g->nodes.count; i++) {
    const struct node *n = &g->nodes.items[i];
    uint8_t op = n->shape == SHAPE_ACTION ? g->program->units[n->unit].code[n->pc] : OP_HALT;
    if (op == OP_SEND || op == OP_SENDWITH) return true;
  }
  return false;
}

static bool draw(struct graph *g, const char *only, const char *path) {
  uint32_t drawn = 0;
  for (uint32_t i = 0; i < g->program->unit_count; i++) {
    const struct unit *u = &g->program->units[i];
    if (!is_journey(u) || (only ? !str_is(unit_name(u), only) : is_standard(g, u))) continue;
    draw_unit(g, i);
    drawn++;
  }
  if (drawn) {
    link_starts(g);
    if (sends(g)) draw_policy(g);
    return true;
  }
  const char *near = only ? nearest_unit(g, only) : NULL;
  if (!only) complain("graph", "%s has no campaign and no rule", path);
  else if (near) complain("graph", "%s has no campaign \"%s\". Did you mean \"%s\"?", path, only, near);
  else complain("graph", "%s has no campaign \"%s\"; `camp disasm %s` lists what it has", path, only, path);
  return false;
}

static int graph_run(const struct options *o) {
  const char *format = option(o, "format");
  if (!format) format = "mermaid";
  bool mermaid = strcmp(format, "mermaid") == 0, svg = strcmp(format, "svg") == 0;
  if (!mermaid && !svg && strcmp(format, "dot") != 0) {
    complain("graph", "--format is mermaid, dot or svg, not \"%s\"", format);
    return EXIT_COULD_NOT;
  }
  struct project p;
  int code = project_open(&p, "graph", o->positionals[0]);
  if (code == EXIT_FINE && p.compiled) {
    complain("graph", "%s is a compiled program, which has not all the words of its scripts; name the scripts", o->positionals[0]);
    code = EXIT_COULD_NOT;
  }
  struct graph g = { .project = &p, .program = &p.program };
  struct buf b;
  arena_init(&g.arena, 64 << 10);
  buf_init(&b, SIZE_MAX / 2);
  g.first_of = arena_zalloc(&g.arena, p.program.unit_count + 1, sizeof *g.first_of);
  if (code == EXIT_FINE && !draw(&g, o->count > 1 ? o->positionals[1] : NULL, o->positionals[0])) code = EXIT_COULD_NOT;
  if (code == EXIT_FINE) {
    if (mermaid) graph_mermaid(&g, &b);
    else graph_dot(&g, &b);
    if (svg) code = print_svg(buf_as_str(&b));
    else if (fwrite(b.data, 1, b.len, stdout) != b.len) code = EXIT_COULD_NOT;
  }
  buf_deinit(&b);
  arena_deinit(&g.arena);
  project_close(&p);
  return code;
}

static const struct option_spec graph_options[] = {
  { "format", 0, "mermaid|dot|svg", "mermaid (chosen), Graphviz's dot, or svg, for which Graphviz must be installed" },
  { NULL, 0, NULL, NULL },
};
const struct command command_graph = {
  .name = "graph",
  .summary = "draw campaigns as a picture",
  .arguments = "PROJECT [CAMPAIGN]",
  .text = "Draws a campaign or rule, or all of a project: what starts it, its steps and waits, where it branches\n"
          "and where it ends. Mermaid goes into a README between ```mermaid and ```; GitHub and many editors show\n"
          "it as a picture. Takes a .camp file or a folder.\n",
  .examples = "  camp graph campaigns/ welcome\n"
              "  camp graph first.camp --format svg > first.svg\n",
  .options = graph_options,
  .positionals_min = 1,
  .positionals_max = 2,
  .missing = "which project? Name a .camp file or a folder of them.",
  .run = graph_run,
};
