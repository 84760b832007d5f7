/* Statements as step code.
 *
 * Not here: conditions and values (emit_expr.c).
 *
 * Invariants:
 * 1. Between statements the stack is empty.
 * 2. A deadline is computed twice: in line before its WAIT, and as the wait's arm, from which it is computed anew when the
 *    contact's zone changes. Both come from emit_deadline.
 * 3. In a campaign's body a delayed send suspends what follows. In a rule each delayed action goes its own way and counts
 *    from the same base: the others run first, then each delayed one but the last forks off. */
#include "emit.h"

static void emit_schedule(struct builder *b, const struct stmt *st);

static bool is_delayed(const struct stmt *st) {
  return st->kind == STMT_SEND && (st->after.type != V_MISSING || st->at);
}

/* --- values of events ---------------------------------------------------------------------------------------------- */
/* Keeps what later code reads of the event in hand. With `clear`, what this event has not got is made missing, because the
 * local may hold an older value. */
void emit_start_values(struct builder *b, const struct frame *f, const struct event_ref *event, bool clear) {
  for (const struct use *u = f->uses; u; u = u->next) {
    if (u->local == NONE)
      continue;
    bool other = u->only.len && !str_eq(u->only, event->name.text);
    bool lacks = f->event_count > 1 && event->decl && !scope_property(b->s, event->decl, u->name);
    if (other || lacks) {
      if (!clear)
        continue;
      build_op(b, OP_CONST, build_const(b, value_missing()), 0);
    } else {
      build_op(b, OP_FIELD, build_field(b, u->name, u->type), 0);
      if (u->member && u->member->initial && u->member->initial->kind == EXPR_LITERAL) {
        build_op(b, OP_CONST, build_const(b, u->member->initial->value), 0);
        build_op(b, OP_ELSE, 0, 0);
      }
    }
    build_op(b, OP_STORE, u->local, 0);
  }
}

/* --- deadlines ----------------------------------------------------------------------------------------------------- */
static void emit_span(struct builder *b, const struct stmt *st, struct value duration) {
  if (st->length)
    emit_expr(b, st->length);
  else
    build_op(b, OP_CONST, build_const(b, duration), 0);
}

static void emit_after(struct builder *b, const struct stmt *st, struct value duration) {
  build_op(b, OP_BASE, 0, 0);
  emit_span(b, st, duration);
  build_op(b, OP_ADD, 0, 0);
}

/* A date means its midnight where the contact is. */
static void emit_moment(struct builder *b, const struct expr *e) {
  emit_expr(b, e);
  if (e->type.kind == V_DATE)
    build_op(b, OP_ZONED, 0, 0);
}

/* The longest time in which a goal of the campaign still counts after the start; V_MISSING when none says. */
static struct value goals_within(const struct campaign_decl *cd) {
  struct value longest = value_missing();
  for (const struct goal_clause *g = cd->goals; g; g = g->next) {
    bool ok = true;
    if (g->within.type == V_MISSING)
      continue;
    if (longest.type == V_MISSING || (value_order(g->within, longest, zone_utc(), &ok) > 0 && ok))
      longest = g->within;
  }
  return longest;
}

/* Until when a run that is over is kept for its goals. */
static void emit_goals_deadline(struct builder *b) {
  build_op(b, OP_STARTED, 0, 0);
  build_op(b, OP_CONST, build_const(b, goals_within(b->campaign)), 0);
  build_op(b, OP_ADD, 0, 0);
}

/* st NULL: the deadline of OVER. */
void emit_deadline(struct builder *b, const struct stmt *st) {
  if (!st) {
    emit_goals_deadline(b);
    return;
  }
  uint32_t weekdays = st->weekdays ? st->weekdays : 0x7f;
  if (st->kind == STMT_REPEAT) {
    emit_schedule(b, st);
    return;
  }
  if (st->kind == STMT_SEND) {
    if (st->at)
      emit_moment(b, st->at);
    else
      emit_after(b, st, st->after);
    return;
  }
  switch ((enum wait_kind)st->wait) {
  case WAIT_DURATION: case WAIT_EVENTS: emit_after(b, st, st->duration); break;
  case WAIT_UNTIL_MOMENT: emit_moment(b, st->value); break;
  case WAIT_UNTIL_TIME:
    build_op(b, OP_CONST, build_const(b, st->time_from), 0);
    build_op(b, OP_NEXTTIME, weekdays, 0);
    break;
  case WAIT_UNTIL_WINDOW:
    build_op(b, OP_CONST, build_const(b, st->time_from), 0);
    build_op(b, OP_CONST, build_const(b, st->time_to), 0);
    build_op(b, OP_WINDOW, weekdays, 0);
    break;
  }
}

/* --- waits --------------------------------------------------------------------------------------------------------- */
/* The deadline, if any, and the WAIT; returns its index. The branches follow at once, so they stand together. */
uint32_t emit_wait_op(struct builder *b, const struct stmt *st, bool deadline) {
  uint32_t w = b->waits_made.count;
  struct wait wait = { .first_branch = b->branches.count, .arm_pc = NONE, .timeout_pc = NONE, .message = NONE };
  if (st->kind == STMT_SEND) wait.message = build_string(b, st->name.text);
  if (deadline) {
    emit_deadline(b, st);
    wait.arm_pc = 0; /* a deadline is on the stack; the arm itself is pending */
    VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_ARM, .item = w, .arm = st }));
  }
  VEC_PUSH(b->a, &b->waits_made, wait);
  build_step(b, st);
  build_op(b, OP_WAIT, w, 0);
  return w;
}

static uint32_t branch_add_unseen(struct builder *b, uint32_t w, const struct event_ref *event, uint8_t since,
                                  struct value since_window) {
  uint32_t index = b->branches.count;
  struct branch branch = { .event = build_string(b, event->name.text), .filter_pc = NONE, .target_pc = NONE,
                           .since = since, .since_window = since_window };
  VEC_PUSH(b->a, &b->branches, branch);
  b->waits_made.items[w].branch_count++;
  if (event->where || event->of.text.len)
    VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_BRANCH, .item = index, .event = event }));
  return index;
}

static void branch_add(struct builder *b, uint32_t w, const struct event_ref *event, uint8_t since, struct value since_window) {
  build_place(b, PLACE_BRANCH, branch_add_unseen(b, w, event, since, since_window), event->span);
}

/* A branch's body with the locals that it needs, behind a prologue for each event that may lead to it. */
static void emit_branch(struct builder *b, const struct on_branch *on, uint32_t first_branch) {
  uint32_t mark = b->local_next, at = first_branch;
  bool values = false;
  for (struct use *u = on->frame->uses; u; u = u->next)
    if (u->later) {
      u->local = build_local(b);
      values = true;
    }
  uint32_t jumps_mark = b->pcs.count;
  for (const struct event_ref *e = on->events; e; e = e->next) {
    b->branches.items[at++].target_pc = b->code.count;
    if (!values)
      continue;
    emit_start_values(b, on->frame, e, true);
    if (e->next)
      VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
  }
  while (b->pcs.count > jumps_mark)
    build_land(b, b->pcs.items[--b->pcs.count]);
  emit_block(b, on->body);
  b->local_next = mark;
}

static void emit_wait(struct builder *b, const struct stmt *st) {
  bool events = st->wait == WAIT_EVENTS;
  uint32_t w = emit_wait_op(b, st, !events || !st->forever);
  uint32_t branch = b->branches.count, jumps_mark = b->pcs.count;
  for (const struct on_branch *on = st->branches; on; on = on->next)
    for (const struct event_ref *e = on->events; e; e = e->next)
      branch_add(b, w, e, on->since, on->since_window);
  for (const struct on_branch *on = st->branches; on; on = on->next) {
    emit_branch(b, on, branch);
    for (const struct event_ref *e = on->events; e; e = e->next)
      branch++;
    if (on->next || st->otherwise)
      VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
  }
  if (!events || !st->forever)
    b->waits_made.items[w].timeout_pc = b->code.count;
  emit_block(b, st->otherwise);
  while (b->pcs.count > jumps_mark)
    build_land(b, b->pcs.items[--b->pcs.count]);
}

/* --- sends --------------------------------------------------------------------------------------------------------- */
static uint32_t reason_const(struct builder *b, const char *before, const char *after) {
  buf_c(&b->text, after);
  struct str text = arena_printf(b->a, "%s" STR_FMT, before, STR_ARG(buf_as_str(&b->text)));
  if (b->text.failed)
    build_limit(b, "bytes in a condition", (uint32_t)b->text.bytes_max);
  return build_const(b, value_text(text));
}

/* The values of `with { }`, on the stack in their order; returns the index of their names. */
static uint32_t emit_props(struct builder *b, const struct stmt *st, struct str name) {
  struct emit emit = { .event = build_string(b, name), .first_key = b->emit_keys.count };
  for (const struct prop *p = st->props; p; p = p->next) {
    emit_expr(b, p->value);
    uint32_t key = build_string(b, p->name.text);
    VEC_PUSH(b->a, &b->emit_keys, key);
    emit.key_count++;
  }
  uint32_t index = b->emits.count;
  VEC_PUSH(b->a, &b->emits, emit);
  return index;
}

static void emit_drop(struct builder *b, const struct stmt *st, const struct event_ref *unless) {
  buf_clear(&b->text);
  if (unless)
    event_ref_show(&b->text, unless);
  else
    expr_show_plain(&b->text, st->if_still);
  uint32_t reason = unless ? reason_const(b, "cancelled: ", " happened") : reason_const(b, "no longer: ", "");
  build_op(b, OP_DROP, build_string(b, st->name.text), reason);
}

/* The channels in order, one blank between two. */
static struct str via_text(struct builder *b, const struct name_list *via) {
  buf_clear(&b->text);
  for (; via; via = via->next) {
    buf_str(&b->text, via->name.text);
    if (via->next)
      buf_byte(&b->text, ' ');
  }
  return arena_str(b->a, buf_as_str(&b->text));
}

/* Behind a send with `unless` or `if still`: should the policy hold the message, both are asked until it leaves. That is no branch that a
 * test has to take, so it is none of the places of coverage. */
static void emit_watch(struct builder *b, const struct stmt *st) {
  uint32_t w = b->waits_made.count, branch = b->branches.count;
  struct wait wait = { .first_branch = branch, .arm_pc = NONE, .timeout_pc = NONE, .message = build_string(b, st->name.text) };
  VEC_PUSH(b->a, &b->waits_made, wait);
  for (const struct event_ref *e = st->unless; e; e = e->next)
    branch_add_unseen(b, w, e, BRANCH_NOW, value_missing());
  build_op(b, OP_WATCH, w, 0);
  uint32_t over = build_jump(b, OP_JUMP, 0);
  for (const struct event_ref *e = st->unless; e; e = e->next) {
    b->branches.items[branch++].target_pc = b->code.count;
    emit_drop(b, st, e);
    build_op(b, OP_HALT, 0, 0);
  }
  if (st->if_still) {
    b->waits_made.items[w].arm_pc = 0; /* pending */
    VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_STILL, .item = w, .cond = st->if_still }));
    b->waits_made.items[w].timeout_pc = b->code.count;
    emit_drop(b, st, NULL);
    build_op(b, OP_HALT, 0, 0);
  }
  build_land(b, over);
}

static void emit_send(struct builder *b, const struct stmt *st) {
  uint32_t w = NONE, branch = b->branches.count, jumps_mark = b->pcs.count, still = NONE;
  if (is_delayed(st)) {
    w = emit_wait_op(b, st, true);
    for (const struct event_ref *e = st->unless; e; e = e->next)
      branch_add(b, w, e, BRANCH_NOW, value_missing());
    b->waits_made.items[w].timeout_pc = b->code.count;
  }
  if (st->if_still) {
    uint32_t from = build_pc(b);
    emit_expr(b, st->if_still);
    build_condition(b, st->if_still, from);
    build_place(b, PLACE_IF, build_pc(b), st->if_still->span);
    still = build_jump(b, OP_JUMPF, 0);
  }
  if (st->via)
    build_op(b, OP_VIA, build_string(b, via_text(b, st->via)), 0);
  if (st->props)
    build_op(b, OP_SENDWITH, emit_props(b, st, st->name.text), 0);
  else
    build_op(b, OP_SEND, build_string(b, st->name.text), 0);
  if (st->unless || st->if_still)
    emit_watch(b, st);
  if (still != NONE) {
    VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
    build_land(b, still);
    emit_drop(b, st, NULL);
  }
  for (const struct event_ref *e = st->unless; e; e = e->next) {
    VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
    b->branches.items[branch++].target_pc = b->code.count;
    emit_drop(b, st, e);
  }
  while (b->pcs.count > jumps_mark)
    build_land(b, b->pcs.items[--b->pcs.count]);
}

/* --- the rest ------------------------------------------------------------------------------------------------------ */
static void emit_if(struct builder *b, const struct stmt *st) {
  uint32_t from = build_pc(b);
  emit_expr(b, st->value);
  build_condition(b, st->value, from);
  build_place(b, PLACE_IF, build_pc(b), st->value->span);
  uint32_t otherwise = build_jump(b, OP_JUMPF, 0), end = NONE;
  emit_block(b, st->then);
  if (st->otherwise)
    end = build_jump(b, OP_JUMP, 0);
  build_land(b, otherwise);
  emit_block(b, st->otherwise);
  if (end != NONE)
    build_land(b, end);
}

/* --- choosing ------------------------------------------------------------------------------------------------------ */
/* The place of the contact is compared with where each arm ends; the last arm takes the rest, so that what rounds off falls to it. */
static void emit_split(struct builder *b, const struct stmt *st) {
  struct str id = arena_printf(b->a, STR_FMT "\n" STR_FMT, STR_ARG(b->campaign->name.text), STR_ARG(st->id));
  uint32_t mark = b->local_next, place = build_local(b), jumps_mark = b->pcs.count;
  double end = 0;
  build_op(b, OP_BUCKET, build_string(b, id), 0);
  build_op(b, OP_STORE, place, 0);
  for (const struct arm *a = st->arms; a; a = a->next) {
    uint32_t next = NONE;
    end += a->share.n * (SPLIT_PLACES / 100);
    if (a->next || st->has_else) {
      build_op(b, OP_LOCAL, place, 0);
      build_op(b, OP_CONST, build_const(b, value_number((double)(int64_t)(end + 0.5))), 0);
      build_op(b, OP_LT, 0, 0);
      build_place(b, PLACE_IF, build_pc(b), a->span);
      next = build_jump(b, OP_JUMPF, 0);
    }
    emit_block(b, a->body);
    if (next == NONE)
      break;
    VEC_PUSH(b->a, &b->pcs, build_jump(b, OP_JUMP, 0));
    build_land(b, next);
  }
  emit_block(b, st->otherwise);
  while (b->pcs.count > jumps_mark)
    build_land(b, b->pcs.items[--b->pcs.count]);
  b->local_next = mark;
}

/* Two locals live through the body: how often it has run, and the moment that the schedule counts from. */
static struct repeat_locals repeat_locals(const struct builder *b, const struct stmt *st) {
  for (uint32_t i = b->repeats.count; i-- > 0;)
    if (b->repeats.items[i].stmt == st)
      return b->repeats.items[i];
  check_failed("a repeat without its locals was emitted", __FILE__, __LINE__);
}

/* The k-th time begins at the schedule's k-th moment: counted from the first, so that months do not wander. */
static void emit_schedule(struct builder *b, const struct stmt *st) {
  struct repeat_locals own = repeat_locals(b, st);
  build_op(b, OP_LOCAL, own.first, 0);
  emit_span(b, st, st->duration);
  build_op(b, OP_LOCAL, own.done, 0);
  build_op(b, OP_MUL, 0, 0);
  build_op(b, OP_ADD, 0, 0);
}

static void emit_repeat(struct builder *b, const struct stmt *st) {
  uint32_t mark = b->local_next;
  bool every = st->duration.type != V_MISSING;
  struct repeat_locals own = { .stmt = st, .done = build_local(b) };
  build_op(b, OP_CONST, build_const(b, value_number(0)), 0);
  build_op(b, OP_STORE, own.done, 0);
  if (every) {
    own.first = build_local(b);
    build_op(b, OP_BASE, 0, 0);
    build_op(b, OP_STORE, own.first, 0);
  }
  VEC_PUSH(b->a, &b->repeats, own); /* for good: the arm of the wait is written behind all steps */
  uint32_t top = build_pc(b);
  emit_block(b, st->then);
  build_op(b, OP_LOCAL, own.done, 0);
  build_op(b, OP_CONST, build_const(b, value_number(1)), 0);
  build_op(b, OP_ADD, 0, 0);
  build_op(b, OP_STORE, own.done, 0);
  build_op(b, OP_LOCAL, own.done, 0);
  build_op(b, OP_CONST, build_const(b, value_number(st->count)), 0);
  build_op(b, OP_LT, 0, 0);
  build_place(b, PLACE_LOOP, build_pc(b), st->span);
  uint32_t end = build_jump(b, OP_JUMPF, 0);
  if (every) {
    uint32_t w = emit_wait_op(b, st, true);
    b->waits_made.items[w].timeout_pc = b->code.count;
  }
  build_op(b, OP_JUMP, top, 0);
  build_land(b, end);
  b->local_next = mark;
}

/* The list is taken apart while it is walked: what is left of it is all that a wait inside has to keep. */
static void emit_each(struct builder *b, const struct stmt *st) {
  uint32_t mark = b->local_next, list = build_local(b), item = build_local(b);
  emit_expr(b, st->value);
  build_op(b, OP_ITEMS, 0, 0);
  build_op(b, OP_STORE, list, 0);
  VEC_PUSH(b->a, &b->items, ((struct item_local){ st->decl, item })); /* for good: filters of waits inside are written later */
  uint32_t top = build_pc(b);
  build_op(b, OP_LOCAL, list, 0);
  build_place(b, PLACE_LOOP, build_pc(b), st->span);
  uint32_t each = build_jump(b, OP_EACH, item);
  build_op(b, OP_STORE, list, 0);
  emit_block(b, st->then);
  build_op(b, OP_JUMP, top, 0);
  build_land(b, each);
  b->local_next = mark;
}

/* A sequence is written out: its statements are the campaign's. Arguments that are no literals are looked at here, once. */
static void emit_do(struct builder *b, const struct stmt *st) {
  uint32_t mark = b->local_next;
  for (struct binding *p = st->bindings; p; p = p->next) {
    if (!p->arg || p->arg->kind == EXPR_LITERAL)
      continue;
    emit_expr(b, p->arg);
    p->local = build_local(b);
    build_op(b, OP_STORE, p->local, 0);
  }
  emit_block(b, st->then);
  b->local_next = mark;
}

static struct str tag_text(const struct stmt *st) { return st->value ? value_str(st->value->value) : st->name.text; }

static void emit_stmt(struct builder *b, const struct stmt *st) {
  build_step(b, st);
  switch ((enum stmt_kind)st->kind) {
  case STMT_SEND: emit_send(b, st); break;
  case STMT_JOIN: build_op(b, OP_JOIN, build_string(b, st->name.text), 0); break;
  case STMT_LEAVE: build_op(b, OP_LEAVE, build_string(b, st->name.text), 0); break;
  case STMT_TAG: build_op(b, OP_TAG, build_string(b, tag_text(st)), 0); break;
  case STMT_UNTAG: build_op(b, OP_UNTAG, build_string(b, tag_text(st)), 0); break;
  case STMT_SCORE:
    emit_expr(b, st->value);
    build_op(b, OP_POINTS, build_string(b, st->name.text), 0);
    break;
  case STMT_SUBSCRIBE: build_op(b, OP_SUBSCRIBE, build_string(b, st->name.text), 0); break;
  case STMT_UNSUBSCRIBE: build_op(b, OP_UNSUBSCRIBE, build_string(b, st->name.text), 0); break;
  case STMT_SET: {
    const struct member *m = st->decl;
    emit_expr(b, st->value);
    struct type t = m && m->type ? m->type->type : (struct type){ .kind = V_MISSING };
    build_op(b, OP_SET, build_field(b, st->name.text, t), 0);
    break;
  }
  case STMT_EMIT: build_op(b, OP_EMIT, emit_props(b, st, st->name.text), 0); break;
  case STMT_SHOW:
    if (st->value) {
      emit_moment(b, st->value);
    } else {
      build_op(b, OP_NOW, 0, 0);
      build_op(b, OP_CONST, build_const(b, st->duration), 0);
      build_op(b, OP_ADD, 0, 0);
    }
    build_op(b, OP_SHOW, build_string(b, st->name.text), 0);
    break;
  case STMT_EXIT:
    if (goals_within(b->campaign).type == V_MISSING)
      build_op(b, OP_EXIT, 0, 0);
    else
      VEC_PUSH(b->a, &b->exits, build_jump(b, OP_JUMP, 0));
    break;
  case STMT_START:
    if (st->id.len) /* the event whose properties are the values */
      build_op(b, OP_EMIT, emit_props(b, st, st->id), 0);
    else
      build_op(b, OP_START, build_string(b, st->name.text), 0);
    break;
  case STMT_STOP: build_op(b, OP_STOP, build_string(b, st->name.text), 0); break;
  case STMT_CALL: emit_call(b, st); break;
  case STMT_IF: emit_if(b, st); break;
  case STMT_WAIT: emit_wait(b, st); break;
  case STMT_SPLIT: emit_split(b, st); break;
  case STMT_EXPERIMENT: emit_experiment(b, st); break;
  case STMT_DO: emit_do(b, st); break;
  case STMT_REPEAT: emit_repeat(b, st); break;
  case STMT_EACH: emit_each(b, st); break;
  case STMT_BAD: check_failed("a mistake was emitted", __FILE__, __LINE__);
  }
  CHECK(b->depth == 0 || b->failed);
}

/* One delayed action of a rule as a strand of its own. */
static void emit_forked(struct builder *b, const struct stmt *st) {
  uint32_t fork = build_jump(b, OP_FORK, 0);
  uint32_t over = build_jump(b, OP_JUMP, 0);
  build_land(b, fork);
  emit_stmt(b, st);
  build_op(b, OP_HALT, 0, 0);
  build_land(b, over);
}

/* A rule's statements up to the next wait of its own: what is immediate in the order of the text, then the delayed ones,
 * of which the last needs no fork when nothing follows it. An `exit` ends the run and keeps what was sent, so what is delayed
 * before it goes its way before. Returns what comes after the run. */
static const struct stmt *emit_rule_run(struct builder *b, const struct stmt *from, bool last_block) {
  const struct stmt *end = from, *last = NULL;
  for (; end && end->kind != STMT_WAIT && !(end->kind == STMT_CALL && end->reply.text.len) && !(last && stmt_exits(end)); end = end->next)
    if (is_delayed(end))
      last = end;
    else
      emit_stmt(b, end);
  for (const struct stmt *st = from; st != end; st = st->next) {
    if (!is_delayed(st))
      continue;
    if (st == last && !end && last_block) {
      if (block_sends(from, end))
        build_op(b, OP_APART, 0, 0);
      emit_stmt(b, st);
    }
    else
      emit_forked(b, st);
  }
  return end;
}

static void emit_rule_block(struct builder *b, const struct stmt *block, bool last_block) {
  while (block) {
    block = emit_rule_run(b, block, last_block);
    if (block) {
      emit_stmt(b, block);
      block = block->next;
    }
  }
}

void emit_block(struct builder *b, const struct stmt *block) {
  if (b->campaign->rule) {
    emit_rule_block(b, block, false);
    return;
  }
  uint32_t mark = b->local_next;
  for (const struct stmt *st = block; st; st = st->next)
    emit_stmt(b, st);
  b->local_next = mark;
}

/* A goal counts for as long as it says, also when the run has come to its end before. */
static void emit_over(struct builder *b) {
  if (goals_within(b->campaign).type == V_MISSING)
    return;
  for (uint32_t i = 0; i < b->exits.count; i++)
    build_land(b, b->exits.items[i]);
  uint32_t w = b->waits_made.count;
  struct wait wait = { .first_branch = b->branches.count, .arm_pc = 0 /* pending */, .timeout_pc = NONE, .message = NONE };
  emit_goals_deadline(b);
  VEC_PUSH(b->a, &b->pending, ((struct pending){ .kind = PENDING_ARM, .item = w }));
  VEC_PUSH(b->a, &b->waits_made, wait);
  build_op(b, OP_OVER, w, 0);
  b->waits_made.items[w].timeout_pc = b->code.count;
}

void emit_body(struct builder *b, const struct campaign_decl *cd) {
  if (cd->rule)
    emit_rule_block(b, cd->body, true);
  else
    emit_block(b, cd->body);
  emit_over(b);
  build_op(b, OP_HALT, 0, 0);
}
