/* The disassembler: a unit as a person reads it.
 *
 * For: `camp disasm`, golden files of tests, and looking at what a database holds. Not for: reading back; the listing is no
 * language. The unit has been verified, so indices need no checks here.
 *
 * Invariants:
 * 1. The same unit gives the same listing: no addresses, no clock.
 * 2. Every operand is shown as what it stands for, and the tables say where code is entered. */
#include "program.h"
#include "request.h"

/* A name as it stands when it is one word, else in quotes. */
static void put_name(struct buf *b, struct str s) {
  bool plain = s.len > 0;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c <= ' ' || c == '"' || c == '\\' || c == ',' || c == 0x7f) plain = false;
  }
  if (plain) buf_str(b, s);
  else buf_json_str(b, s);
}
static void put_string(struct buf *b, const struct unit *u, uint32_t i) { put_name(b, unit_string(u, i)); }

/* Lines are cut at line ends, so that a label or a path cannot forge the listing. */
static void put_line(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) buf_byte(b, (uint8_t)s.ptr[i] < ' ' ? ' ' : (uint8_t)s.ptr[i]);
}

static void put_field(struct buf *b, const struct unit *u, uint32_t f) {
  const struct field *field = &u->fields[f];
  put_string(b, u, field->name);
  if (field->type == V_MISSING) return;
  buf_printf(b, " as %s", value_type_name((enum value_type)field->type));
  if (!field->currency) return;
  char letters[4];
  currency_print(field->currency, letters);
  buf_printf(b, " in %s", letters);
}

static void put_pc(struct buf *b, const char *before, uint32_t pc) {
  if (pc != NONE) buf_printf(b, "%s%04u", before, pc);
}

static void put_weekdays(struct buf *b, uint32_t mask) {
  static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
  if ((mask & 127) == 127) {
    buf_c(b, "every day");
    return;
  }
  const char *between = "";
  for (int i = 0; i < 7; i++) {
    if (!(mask >> i & 1)) continue;
    buf_printf(b, "%s%s", between, days[i]);
    between = " ";
  }
}

static void put_number(struct buf *b, uint8_t op, uint32_t n) {
  static const char *const parts[] = { "year", "month", "day", "weekday", "hour", "date", "time" };
  if (op == OP_NEXTTIME || op == OP_WINDOW) put_weekdays(b, n);
  else if (op == OP_DATEPART) buf_c(b, n < sizeof parts / sizeof *parts ? parts[n] : "?");
  else buf_printf(b, "%u", n);
}

static void put_wait(struct buf *b, const struct unit *u, uint32_t w) {
  const struct wait *wait = &u->waits[w];
  buf_printf(b, "wait %u:", w);
  for (uint32_t i = 0; i < wait->branch_count; i++) {
    buf_c(b, i ? " or " : " for ");
    put_string(b, u, u->branches[wait->first_branch + i].event);
  }
  if (wait->arm_pc != NONE) buf_c(b, " until the deadline");
  else if (!wait->branch_count) buf_c(b, " for ever");
}

static void put_emit(struct buf *b, const struct unit *u, uint32_t e) {
  const struct emit *emit = &u->emits[e];
  put_string(b, u, emit->event);
  if (!emit->key_count) return;
  buf_c(b, " {");
  for (uint32_t i = 0; i < emit->key_count; i++) {
    buf_c(b, i ? ", " : " ");
    put_string(b, u, u->emit_keys[emit->first_key + i]);
  }
  buf_c(b, " }");
}

static void put_operand(struct buf *b, const struct unit *u, uint8_t op, char letter, uint32_t n) {
  switch (letter) {
    case 'j': put_pc(b, "", n); break;
    case 'c': value_show(b, u->consts[n]); break;
    case 'f': put_field(b, u, n); break;
    case 's': put_string(b, u, n); break;
    case 'm': put_line(b, unit_string(u, u->measures[n].text)); break;
    case 'w': put_wait(b, u, n); break;
    case 'e': put_emit(b, u, n); break;
    case 'x': put_string(b, u, u->experiments[n].name); break;
    case 'l': buf_printf(b, "local %u", n); break;
    default: put_number(b, op, n); break;
  }
}

static void put_instruction(struct buf *b, const struct unit *u, uint32_t pc, const uint32_t operands[2]) {
  const struct opcode_info *info = &opcode_table[u->code[pc]];
  const char *letters = info->operands;
  buf_printf(b, letters[0] ? "  %04u  %-9s" : "  %04u  %s", pc, info->name);
  for (int i = 0; letters[i]; i++) {
    buf_c(b, i ? ", " : " ");
    put_operand(b, u, u->code[pc], letters[i], operands[i]);
  }
  buf_byte(b, '\n');
}

/* --- tables --- */

static void put_entry(struct buf *b, const struct unit *u) {
  static const char *const kinds[] = { "every time", "once at a time", "once", "once per key", "at most once in " };
  const struct entry_rule *r = &u->entry;
  if (u->kind != UNIT_CAMPAIGN && u->kind != UNIT_RULE) return;
  buf_printf(b, "  entry %s", kinds[r->kind]);
  if (r->kind == ENTRY_ONCE_IN) value_show(b, r->within);
  if (r->at_once) buf_printf(b, " up to %u at once", r->at_once);
  put_pc(b, ", key ", r->key_pc);
  if (r->ends.type != V_MISSING) {
    buf_c(b, ", ends ");
    value_show(b, r->ends);
  }
  if (r->resume.type == V_BOOL) buf_c(b, ", on resume skip");
  else if (r->resume.type != V_MISSING) {
    buf_c(b, ", on resume spread over ");
    value_show(b, r->resume);
  }
  buf_byte(b, '\n');
}

static void put_score(struct buf *b, const struct unit *u) {
  if (u->halves.type != V_MISSING) {
    buf_c(b, "  halves every ");
    value_show(b, u->halves);
    buf_byte(b, '\n');
  }
  for (uint32_t i = 0; i < u->score_rule_count; i++) {
    buf_c(b, "  points ");
    value_show(b, u->score_rules[i].points);
    buf_c(b, " for ");
    put_string(b, u, u->score_rules[i].event);
    put_pc(b, ", filter ", u->score_rules[i].filter_pc);
    buf_byte(b, '\n');
  }
}

static void put_schedules(struct buf *b, const struct unit *u) {
  for (uint32_t i = 0; i < u->schedule_count; i++) {
    const struct schedule *s = &u->schedules[i];
    buf_c(b, "  start ");
    put_line(b, unit_string(u, s->text));
    if (s->list != NONE) {
      buf_c(b, ", list ");
      put_string(b, u, s->list);
    }
    put_pc(b, ", filter ", s->filter_pc);
    put_pc(b, ", start ", s->start_pc);
    buf_byte(b, '\n');
  }
}

static void put_triggers(struct buf *b, const struct unit *u, const char *what, const struct trigger *t, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    buf_printf(b, "  %s ", what);
    put_string(b, u, t[i].event);
    if (t[i].guard_field != NONE) {
      buf_c(b, " with ");
      put_string(b, u, t[i].guard_field);
      buf_c(b, " ");
      buf_json_str(b, unit_string(u, t[i].guard_text));
    }
    if (t[i].within.type != V_MISSING) {
      buf_c(b, " within ");
      value_show(b, t[i].within);
    }
    put_pc(b, ", filter ", t[i].filter_pc);
    put_pc(b, ", start ", t[i].start_pc);
    buf_byte(b, '\n');
  }
}

static void put_measures(struct buf *b, const struct unit *u) {
  for (uint32_t i = 0; i < u->measure_count; i++) {
    buf_c(b, "  measure ");
    put_line(b, unit_string(u, u->measures[i].text));
    put_pc(b, ", filter ", u->measures[i].filter_pc);
    buf_byte(b, '\n');
  }
}

static void put_branch(struct buf *b, const struct unit *u, const struct branch *br) {
  buf_c(b, "    on ");
  put_string(b, u, br->event);
  if (br->since == BRANCH_SINCE_START) buf_c(b, " since start");
  if (br->since == BRANCH_SINCE_LAST) {
    buf_c(b, " since last ");
    value_show(b, br->since_window);
  }
  put_pc(b, ", filter ", br->filter_pc);
  put_pc(b, ", then ", br->target_pc);
  buf_byte(b, '\n');
}

static void put_waits(struct buf *b, const struct unit *u) {
  for (uint32_t i = 0; i < u->wait_count; i++) {
    const struct wait *w = &u->waits[i];
    buf_printf(b, "  wait %u", i);
    put_pc(b, ", arm ", w->arm_pc);
    put_pc(b, ", timeout ", w->timeout_pc);
    if (w->message != NONE) {
      buf_c(b, ", delays ");
      put_string(b, u, w->message);
    }
    if (w->live) buf_c(b, ", keeps");
    for (uint32_t l = 0; l < u->local_count; l++) {
      if (w->live >> l & 1) buf_printf(b, " %u", l);
    }
    buf_byte(b, '\n');
    for (uint32_t j = 0; j < w->branch_count; j++) put_branch(b, u, &u->branches[w->first_branch + j]);
  }
}

static void put_experiments(struct buf *b, const struct unit *u) {
  for (uint32_t i = 0; i < u->experiment_count; i++) {
    const struct experiment *x = &u->experiments[i];
    buf_c(b, "  experiment ");
    put_string(b, u, x->name);
    buf_printf(b, ", holdout %u, measure ", x->holdout);
    put_line(b, unit_string(u, x->text));
    buf_byte(b, '\n');
    for (uint32_t k = 0; k < x->variant_count; k++) {
      const struct variant *v = &u->variants[x->first_variant + k];
      buf_c(b, "    variant ");
      put_string(b, u, v->name);
      buf_printf(b, " %u, code %04u to %04u\n", v->places, v->from_pc, v->to_pc);
    }
    for (uint32_t k = 0; k < x->response_count; k++) {
      const struct response *r = &u->responses[x->first_response + k];
      buf_c(b, "    response ");
      put_string(b, u, r->event);
      if (r->field != NONE) {
        buf_c(b, ", adds up ");
        put_field(b, u, r->field);
      }
      put_pc(b, ", filter ", r->filter_pc);
      buf_byte(b, '\n');
    }
  }
}

static void put_parts(struct buf *b, const struct unit *u, const char *what, const struct part *p, uint32_t count) {
  if (!count) return;
  buf_printf(b, "  %s\n", what);
  for (uint32_t i = 0; i < count; i++) {
    buf_c(b, "    ");
    if (p[i].kind == PART_TEXT) {
      buf_json_str(b, unit_string(u, p[i].text));
    } else if (p[i].kind == PART_LINK) {
      if (p[i].field == NONE) buf_c(b, "pixel");
      else buf_printf(b, "link %u", p[i].field);
    } else if (p[i].kind == PART_LIQUID) {
      buf_printf(b, "liquid, %zu bytes", unit_string(u, p[i].text).len);
    } else {
      buf_c(b, p[i].kind == PART_ATTR ? "contact." : "given ");
      put_field(b, u, p[i].field);
      if (p[i].text != NONE) {
        buf_c(b, " default ");
        buf_json_str(b, unit_string(u, p[i].text));
      }
    }
    buf_byte(b, '\n');
  }
}

/* --- code --- */

static void put_code(struct buf *b, const struct unit *u) {
  uint32_t step = 0, operands[2];
  for (uint32_t pc = 0, bytes; pc < u->code_bytes; pc += bytes) {
    for (; step < u->step_count && u->steps[step].pc <= pc; step++) {
      buf_c(b, "; ");
      put_line(b, step_file(u, &u->steps[step]));
      buf_printf(b, ":%u  ", u->steps[step].line);
      put_line(b, u->steps[step].label);
      buf_byte(b, '\n');
    }
    bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
    CHECK(bytes);
    put_instruction(b, u, pc, operands);
  }
}

static void put_mail(struct buf *b, const struct unit *u) {
  static const char *const said[] = { "html", "untracked", "urls", "text of the page" };
  for (uint32_t i = 0; i < sizeof said / sizeof *said; i++)
    if (u->mail >> i & 1) buf_printf(b, "  %s\n", said[i]);
  if (u->language != NONE) {
    buf_c(b, "  language ");
    put_string(b, u, u->language);
    buf_byte(b, '\n');
  }
  put_parts(b, u, "text", u->text, u->text_count);
  put_parts(b, u, "from", u->from, u->from_count);
  put_parts(b, u, "reply to", u->reply_to, u->reply_to_count);
  for (uint32_t i = 0; i < u->link_count; i++) {
    char what[32];
    snprintf(what, sizeof what, "link %u", i);
    put_parts(b, u, what, u->link_parts + u->links[i].first, u->links[i].count);
  }
  for (uint32_t i = 0; i < u->attachment_count; i++) {
    const struct attachment *at = &u->attachments[i];
    buf_c(b, at->inside ? "  shows " : "  attaches ");
    put_string(b, u, at->name);
    buf_printf(b, " as " STR_FMT ", %.12s\n", STR_ARG(unit_string(u, at->type)), unit_string(u, at->file).ptr);
  }
}

static void put_release(struct buf *b, const struct unit *u) {
  static const char *const priorities[] = { "normal", "high", "low" };
  if (u->topic != NONE) {
    buf_c(b, "  topic ");
    put_string(b, u, u->topic);
    buf_byte(b, '\n');
  }
  if (u->transactional) buf_c(b, "  transactional\n");
  if (u->priority) buf_printf(b, "  priority %s\n", priorities[u->priority]);
  if (u->expires.type != V_MISSING) {
    buf_c(b, "  expires after ");
    value_show(b, u->expires);
    buf_byte(b, '\n');
  }
  for (uint32_t i = 0; i < u->topic_count; i++) {
    buf_c(b, "  topic ");
    put_string(b, u, u->topics[i].name);
    buf_c(b, u->topics[i].double_opt_in ? " double opt in\n" : "\n");
  }
  for (uint32_t i = 0; i < u->cap_count + u->quiet_count; i++) {
    bool cap = i < u->cap_count;
    buf_c(b, "  ");
    put_line(b, unit_string(u, cap ? u->caps[i].text : u->quiets[i - u->cap_count].text));
    buf_c(b, (cap ? u->caps[i].drop : u->quiets[i - u->cap_count].drop) ? " then drop\n" : "\n");
  }
}

void unit_disassemble(struct buf *b, const struct unit *u) {
  static const char *const kinds[] = { "campaign", "rule", "message", "segment", "score", "policy", "channel", "operation", "file" };
  buf_printf(b, "%s ", kinds[u->kind]);
  put_name(b, unit_name(u));
  buf_c(b, "  ; ");
  for (int i = 0; i < 6; i++) buf_printf(b, "%02x", u->hash[i]);
  buf_byte(b, '\n');
  put_entry(b, u);
  if (u->channel != NONE) {
    buf_c(b, "  channel ");
    put_string(b, u, u->channel);
    buf_byte(b, '\n');
  }
  if (u->local_count) buf_printf(b, "  locals %u\n", u->local_count);
  put_triggers(b, u, "start", u->triggers, u->trigger_count);
  put_schedules(b, u);
  put_score(b, u);
  put_triggers(b, u, "goal", u->goals, u->goal_count);
  put_triggers(b, u, "stop", u->stops, u->stop_count);
  put_measures(b, u);
  put_waits(b, u);
  put_experiments(b, u);
  put_parts(b, u, "subject", u->subject, u->subject_count);
  put_parts(b, u, "body", u->body, u->body_count);
  if (u->kind == UNIT_MESSAGE) put_mail(b, u);
  if (u->kind == UNIT_FILE && u->string_count == 2) buf_printf(b, "  base64, %zu bytes\n", u->strings[1].len);
  if (u->kind == UNIT_MESSAGE || u->kind == UNIT_POLICY) put_release(b, u);
  if (u->request) request_disassemble(b, u);
  put_code(b, u);
}

static void put_names(struct buf *b, const char *what, const struct str *names, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    buf_printf(b, "%s ", what);
    put_name(b, names[i]);
    buf_byte(b, '\n');
  }
}

void program_disassemble(struct buf *b, const struct program *p) {
  buf_c(b, "zone ");
  put_name(b, p->zone);
  buf_byte(b, '\n');
  if (p->late_after_ms != PROGRAM_LATE_AFTER_MS) buf_printf(b, "late after %lld ms\n", (long long)p->late_after_ms);
  if (p->allow_unknown) buf_c(b, "allow unknown\n");
  put_names(b, "event", p->events, p->event_count);
  put_names(b, "list", p->lists, p->list_count);
  for (uint32_t i = 0; i < p->unit_count; i++) {
    buf_byte(b, '\n');
    unit_disassemble(b, &p->units[i]);
  }
}
