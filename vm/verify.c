/* The verifier: what passes cannot crash the VM.
 *
 * For: indices, texts, jump targets, stack depth, what code may stand where. Not for meaning: a verified unit may still compare
 * a text with a number, which is false at run time, and may still loop, which fuel ends.
 *
 * How: one sweep decodes the code from its first byte to its last and marks where instructions start. Then a worklist follows
 * every path from every entry (triggers, filters, arms, targets, keys) with the stack's depth. Each instruction is looked at
 * once a mode, so the time is linear in the code.
 *
 * Invariants of a unit that passed:
 * 1. Every index is below the count of its table, every text is UTF-8, every constant is sound.
 * 2. Every jump and every entry is the first byte of an instruction, and no path runs behind the last one.
 * 3. On all paths to an instruction the stack is as deep, never below 0, never above LIMIT_STACK_COUNT.
 * 4. Step code starts with an empty stack and never meets RET; expression code ends with RET and one value, and has no effects. */
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "liquid_file.h"
#include "pattern.h"
#include "request.h"

/* --- the state of a check --- */

enum mode { MODE_STEP, MODE_EXPR };

/* seen[mode][pc] is 0 before the instruction was met, else its depth and 1. A place is pushed on the worklist when it is first
 * met, so the worklist never holds more than two entries an instruction. */
struct check {
  const struct unit *u;
  struct program_error *e;
  enum camp_err err;
  uint8_t *starts, *seen[2];
  uint32_t *work, work_count;
  uint8_t *patterns; /* constants that compiled as a pattern, so that each does once; made when first needed */
};
#define WORK_EXPR 0x80000000u

PRINTF_LIKE(3, 4)
static bool refuse(struct check *c, enum camp_err err, const char *fmt, ...) {
  if (c->err) return false;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->e->text, sizeof c->e->text, fmt, ap);
  va_end(ap);
  c->err = err;
  return false;
}

static bool index_ok(struct check *c, uint32_t i, uint32_t count, const char *what, const char *where, uint32_t n) {
  return i < count || refuse(c, CAMP_CORRUPT, "%s %u: %s %u is not one of %u", where, n, what, i, count);
}
static bool string_ok(struct check *c, uint32_t i, const char *where, uint32_t n) {
  return index_ok(c, i, c->u->string_count, "string", where, n);
}
static bool string_or_none(struct check *c, uint32_t i, const char *where, uint32_t n) {
  return i == NONE || string_ok(c, i, where, n);
}

static bool duration_ok(struct check *c, struct value v, bool wanted, const char *where, uint32_t n) {
  if (!value_is_sound(v)) return refuse(c, CAMP_CORRUPT, "%s %u: the duration is absurd", where, n);
  if (wanted ? value_is_duration(v) : v.type == V_MISSING) return true;
  return refuse(c, CAMP_CORRUPT, wanted ? "%s %u: a duration is missing" : "%s %u: a duration where none belongs", where, n);
}
static bool duration_or_missing(struct check *c, struct value v, const char *where, uint32_t n) {
  return duration_ok(c, v, v.type != V_MISSING, where, n);
}

/* A path leads to pc with this depth. */
static bool enter(struct check *c, uint32_t pc, enum mode mode, uint32_t depth, const char *where, uint32_t n) {
  if (pc >= c->u->code_bytes) return refuse(c, CAMP_CORRUPT, "%s %u: pc %u is outside the code", where, n, pc);
  if (!c->starts[pc]) return refuse(c, CAMP_CORRUPT, "%s %u: pc %u is not the start of an instruction", where, n, pc);
  uint8_t *seen = &c->seen[mode][pc];
  if (*seen == 0) {
    *seen = (uint8_t)(depth + 1);
    c->work[c->work_count++] = pc | (mode == MODE_EXPR ? WORK_EXPR : 0);
    return true;
  }
  if (*seen == depth + 1) return true;
  return refuse(c, CAMP_CORRUPT, "%s %u: pc %u is met with %u values on the stack and with %u", where, n, pc, *seen - 1u, depth);
}
static bool enter_step(struct check *c, uint32_t pc, const char *where, uint32_t n) { return enter(c, pc, MODE_STEP, 0, where, n); }
static bool enter_expr(struct check *c, uint32_t pc, const char *where, uint32_t n) {
  return pc == NONE || enter(c, pc, MODE_EXPR, 0, where, n);
}

/* --- tables --- */

/* Names are ASCII as a rule, and that is seen faster than character by character. */
static bool utf8_ok(struct str s) {
  unsigned char all = 0;
  for (size_t i = 0; i < s.len; i++) all |= (unsigned char)s.ptr[i];
  return all < 0x80 || utf8_valid_prefix(s) == s.len;
}

static bool counts_ok(struct check *c) {
  const struct unit *u = c->u;
  const struct { uint32_t count; const char *what; } tables[] = {
    { u->string_count, "strings" }, { u->const_count, "constants" }, { u->field_count, "fields" },
    { u->measure_count, "measures" }, { u->trigger_count, "triggers" }, { u->stop_count, "stops" },
    { u->goal_count, "goals" }, { u->score_rule_count, "score rules" }, { u->schedule_count, "schedules" }, { u->wait_count, "waits" }, { u->branch_count, "branches" }, { u->emit_count, "emits" },
    { u->emit_key_count, "keys of emits" }, { u->experiment_count, "experiments" }, { u->variant_count, "variants" },
    { u->response_count, "responses" }, { u->subject_count, "subject parts" }, { u->body_count, "body parts" },
    { u->cap_count, "caps" }, { u->quiet_count, "quiet hours" }, { u->text_count, "text parts" }, { u->from_count, "from parts" },
    { u->reply_to_count, "reply to parts" }, { u->link_part_count, "link parts" }, { u->link_count, "links" },
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (tables[i].count > LIMIT_UNIT_ITEMS_COUNT) {
      return refuse(c, CAMP_LIMIT, "%u %s: at most %d fit in a unit", tables[i].count, tables[i].what, LIMIT_UNIT_ITEMS_COUNT);
    }
  }
  if (u->code_bytes > LIMIT_UNIT_CODE_BYTES) {
    return refuse(c, CAMP_LIMIT, "%u bytes of code: at most %u fit in a unit", u->code_bytes, LIMIT_UNIT_CODE_BYTES);
  }
  if (u->local_count > LIMIT_LOCALS_COUNT) {
    return refuse(c, CAMP_LIMIT, "%u locals: at most %d fit in a unit", u->local_count, LIMIT_LOCALS_COUNT);
  }
  return true;
}

static bool pool_ok(struct check *c) {
  const struct unit *u = c->u;
  for (uint32_t i = 0; i < u->string_count; i++) {
    struct str s = u->strings[i];
    if (s.len > UINT32_MAX || !utf8_ok(s)) {
      return refuse(c, CAMP_CORRUPT, "string %u is not UTF-8", i);
    }
  }
  for (uint32_t i = 0; i < u->const_count; i++) {
    if (!value_is_sound(u->consts[i])) return refuse(c, CAMP_CORRUPT, "constant %u is not a value of its type", i);
  }
  for (uint32_t i = 0; i < u->field_count; i++) {
    if (!string_ok(c, u->fields[i].name, "field", i)) return false;
    if (u->fields[i].type >= V_TYPE_COUNT) return refuse(c, CAMP_CORRUPT, "field %u has no type", i);
    if (u->fields[i].currency && !currency_is_sound(u->fields[i].currency)) return refuse(c, CAMP_CORRUPT, "field %u has no currency", i);
  }
  return true;
}

static bool entry_ok(struct check *c) {
  const struct entry_rule *r = &c->u->entry;
  if (c->u->kind >= UNIT_KIND_COUNT) return refuse(c, CAMP_CORRUPT, "kind %u is none of a unit", c->u->kind);
  if (!string_ok(c, c->u->name, "name", 0) || !string_or_none(c, c->u->channel, "channel", 0)) return false;
  if (r->kind > ENTRY_ONCE_IN) return refuse(c, CAMP_CORRUPT, "entry rule %u is unknown", r->kind);
  if (!duration_ok(c, r->within, r->kind == ENTRY_ONCE_IN, "entry rule", r->kind)) return false;
  if ((r->kind == ENTRY_ONCE_PER) != (r->key_pc != NONE)) {
    return refuse(c, CAMP_CORRUPT, "entry rule %u: a key belongs to `once per` alone", r->kind);
  }
  if (r->ends.type != V_MISSING && (r->ends.type != V_LOCAL || !value_is_sound(r->ends))) {
    return refuse(c, CAMP_CORRUPT, "entry rule %u: its end is no moment", r->kind);
  }
  if (r->resume.type != V_BOOL && !duration_or_missing(c, r->resume, "on resume", 0)) return false;
  return enter_expr(c, r->key_pc, "entry rule", r->kind);
}

static bool schedule_ok(struct check *c, const struct schedule *s, uint32_t i) {
  bool days = s->kind == SCHEDULE_AT ? s->days == 0 : s->kind == SCHEDULE_WEEKLY ? s->days >= 1 && s->days <= 127
                                                                                 : s->days >= 1 && s->days <= SCHEDULE_LAST_DAY;
  bool at = s->kind == SCHEDULE_AT ? value_is_sound((struct value){ .type = V_LOCAL, .i = s->at_ms })
                                   : s->at_ms >= 0 && s->at_ms < MS_PER_DAY;
  if (s->kind > SCHEDULE_MONTHLY || c->u->kind == UNIT_MESSAGE) return refuse(c, CAMP_CORRUPT, "schedule %u: kind %u is unknown", i, s->kind);
  if (!days || !at || s->at_ms % MS_PER_SECOND) return refuse(c, CAMP_CORRUPT, "schedule %u: it names no moment", i);
  return string_or_none(c, s->zone, "schedule", i) && string_or_none(c, s->list, "schedule", i) && string_ok(c, s->text, "schedule", i) &&
         enter_expr(c, s->filter_pc, "schedule", i) && enter_step(c, s->start_pc, "schedule", i);
}

static bool schedules_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->schedule_count; i++)
    if (!schedule_ok(c, &c->u->schedules[i], i)) return false;
  return true;
}

static bool measures_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->measure_count; i++) {
    const struct measure *m = &c->u->measures[i];
    if (m->kind > MEASURE_FIRST_AT) return refuse(c, CAMP_CORRUPT, "measure %u: kind %u is unknown", i, m->kind);
    bool of_value = m->kind != MEASURE_COUNT && m->kind != MEASURE_LAST_AT && m->kind != MEASURE_FIRST_AT;
    if (of_value && m->field == NONE) return refuse(c, CAMP_CORRUPT, "measure %u: it takes no property", i);
    if (!string_ok(c, m->event, "measure", i) || !string_ok(c, m->text, "measure", i)) return false;
    if (m->field != NONE && !index_ok(c, m->field, c->u->field_count, "field", "measure", i)) return false;
    if (!duration_or_missing(c, m->window, "measure", i) || !enter_expr(c, m->filter_pc, "measure", i)) return false;
  }
  return true;
}

enum trigger_role { ROLE_TRIGGER, ROLE_STOP, ROLE_GOAL };

static bool triggers_ok(struct check *c, const struct trigger *t, uint32_t count, enum trigger_role role) {
  static const char *const names[] = { "trigger", "stop", "goal" };
  const char *where = names[role];
  for (uint32_t i = 0; i < count; i++) {
    if (!string_ok(c, t[i].event, where, i)) return false;
    if (!string_or_none(c, t[i].guard_field, where, i) || !string_or_none(c, t[i].guard_text, where, i)) return false;
    if ((t[i].guard_field == NONE) != (t[i].guard_text == NONE)) {
      return refuse(c, CAMP_CORRUPT, "%s %u: half a guard", where, i);
    }
    if (role == ROLE_GOAL ? !duration_or_missing(c, t[i].within, where, i) : !duration_ok(c, t[i].within, false, where, i)) {
      return false;
    }
    if (!enter_expr(c, t[i].filter_pc, where, i)) return false;
    if (role == ROLE_TRIGGER) {
      if (!enter_step(c, t[i].start_pc, where, i)) return false;
    } else if (t[i].start_pc != NONE) {
      return refuse(c, CAMP_CORRUPT, "%s %u: it starts code", where, i);
    }
  }
  return true;
}

static bool wait_ok(struct check *c, const struct wait *w, uint32_t i) {
  const struct unit *u = c->u;
  if (w->first_branch > u->branch_count || w->branch_count > u->branch_count - w->first_branch) {
    return refuse(c, CAMP_CORRUPT, "wait %u: its branches are not in the table", i);
  }
  if ((w->arm_pc == NONE) != (w->timeout_pc == NONE)) {
    return refuse(c, CAMP_CORRUPT, "wait %u: a deadline and what follows it belong together", i);
  }
  if (u->local_count < 64 && w->live >> u->local_count) {
    return refuse(c, CAMP_CORRUPT, "wait %u: it keeps a local that the unit has not", i);
  }
  if (!string_or_none(c, w->message, "wait", i)) return false;
  if (w->arm_pc == NONE) return true;
  return enter_expr(c, w->arm_pc, "wait", i) && enter_step(c, w->timeout_pc, "wait", i);
}

static bool waits_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->wait_count; i++) {
    if (!wait_ok(c, &c->u->waits[i], i)) return false;
  }
  for (uint32_t i = 0; i < c->u->branch_count; i++) {
    const struct branch *b = &c->u->branches[i];
    if (!string_ok(c, b->event, "branch", i)) return false;
    if (b->since > BRANCH_SINCE_LAST) return refuse(c, CAMP_CORRUPT, "branch %u: since %u is unknown", i, b->since);
    if (!duration_ok(c, b->since_window, b->since == BRANCH_SINCE_LAST, "branch", i)) return false;
    if (!enter_expr(c, b->filter_pc, "branch", i) || !enter_step(c, b->target_pc, "branch", i)) return false;
  }
  return true;
}

static bool emits_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->emit_count; i++) {
    const struct emit *e = &c->u->emits[i];
    if (!string_ok(c, e->event, "emit", i)) return false;
    if (e->first_key > c->u->emit_key_count || e->key_count > c->u->emit_key_count - e->first_key) {
      return refuse(c, CAMP_CORRUPT, "emit %u: its keys are not in the table", i);
    }
  }
  for (uint32_t i = 0; i < c->u->emit_key_count; i++) {
    if (!string_ok(c, c->u->emit_keys[i], "emit key", i)) return false;
  }
  return true;
}

static bool part_of(uint32_t first, uint32_t count, uint32_t all) { return first <= all && count <= all - first; }

/* Their code is entered by the paths that lead there; here it is only said where it lies. */
static bool experiment_ok(struct check *c, const struct experiment *x, uint32_t i) {
  const struct unit *u = c->u;
  uint64_t places = x->holdout;
  if (!string_ok(c, x->name, "experiment", i) || !string_ok(c, x->text, "experiment", i)) return false;
  if (!duration_ok(c, x->within, true, "experiment", i)) return false;
  if (!part_of(x->first_variant, x->variant_count, u->variant_count) || !part_of(x->first_response, x->response_count, u->response_count))
    return refuse(c, CAMP_CORRUPT, "experiment %u: its variants or responses are not in the table", i);
  for (uint32_t k = 0; k < x->variant_count; k++) places += u->variants[x->first_variant + k].places;
  if (places != SPLIT_PLACES || !x->variant_count) return refuse(c, CAMP_CORRUPT, "experiment %u: its shares do not sum", i);
  for (uint32_t k = 0; k < x->response_count; k++)
    if (u->responses[x->first_response + k].experiment != i) return refuse(c, CAMP_CORRUPT, "experiment %u: a response is another's", i);
  return true;
}

static bool experiments_ok(struct check *c) {
  const struct unit *u = c->u;
  for (uint32_t i = 0; i < u->experiment_count; i++)
    if (!experiment_ok(c, &u->experiments[i], i)) return false;
  for (uint32_t i = 0; i < u->variant_count; i++) {
    const struct variant *v = &u->variants[i];
    if (!string_ok(c, v->name, "variant", i)) return false;
    if (v->from_pc > v->to_pc || v->to_pc > u->code_bytes) return refuse(c, CAMP_CORRUPT, "variant %u: its code is outside the code", i);
  }
  for (uint32_t i = 0; i < u->response_count; i++) {
    const struct response *r = &u->responses[i];
    if (!index_ok(c, r->experiment, u->experiment_count, "experiment", "response", i) || !string_ok(c, r->event, "response", i)) return false;
    if (r->field == NONE) continue;
    if (!index_ok(c, r->field, u->field_count, "field", "response", i)) return false;
    const struct field *f = &u->fields[r->field];
    if (f->type != V_NUMBER && (f->type != V_MONEY || !f->currency)) return refuse(c, CAMP_CORRUPT, "response %u: it adds up neither numbers nor money", i);
  }
  return true;
}

static bool liquid_ok(struct check *c, struct str bytes, const char *where, uint32_t i) {
  struct arena a;
  struct lq_unit unit;
  const char *why;
  arena_init(&a, 16384);
  bool good = lq_unit_read(&a, bytes, &unit, &why);
  arena_deinit(&a);
  return good || refuse(c, CAMP_CORRUPT, "%s %u: the template: %s", where, i, why);
}

static bool parts_ok(struct check *c, const struct part *p, uint32_t count, const char *where) {
  for (uint32_t i = 0; i < count; i++) {
    if (p[i].kind == PART_LIQUID) {
      if (!string_ok(c, p[i].text, where, i) || !liquid_ok(c, c->u->strings[p[i].text], where, i)) return false;
      if (i + 1 == count && p[i].field == NONE) continue;
      return refuse(c, CAMP_CORRUPT, "%s %u: a template is not the last part", where, i);
    }
    if (p[i].kind == PART_LINK && p == c->u->body) {
      if (p[i].text == NONE && (p[i].field == NONE || p[i].field < c->u->link_count)) continue;
      return refuse(c, CAMP_CORRUPT, "%s %u: it is none of the links", where, i);
    }
    if (p[i].kind >= PART_LIQUID) return refuse(c, CAMP_CORRUPT, "%s %u: kind %u is unknown", where, i, p[i].kind);
    if (p[i].kind == PART_TEXT) {
      if (!string_ok(c, p[i].text, where, i)) return false;
    } else if (!string_or_none(c, p[i].text, where, i) || !index_ok(c, p[i].field, c->u->field_count, "field", where, i)) {
      return false;
    }
  }
  return true;
}

/* What the engine computes with at release: counts, windows and hours within their bounds. */
static bool release_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->kind != UNIT_MESSAGE && u->kind != UNIT_POLICY) return true;
  if (!string_or_none(c, u->topic, "topic", 0) || !duration_or_missing(c, u->expires, "expiry", 0)) return false;
  if (u->priority > PRIORITY_LOW) return refuse(c, CAMP_CORRUPT, "priority %u is unknown", u->priority);
  if (u->topic_count > LIMIT_TOPICS_COUNT)
    return refuse(c, CAMP_LIMIT, "%u topics: at most %d fit in a project", u->topic_count, LIMIT_TOPICS_COUNT);
  for (uint32_t i = 0; i < u->topic_count; i++)
    if (!string_ok(c, u->topics[i].name, "topic", i)) return false;
  for (uint32_t i = 0; i < u->cap_count; i++) {
    const struct cap *cap = &u->caps[i];
    if (cap->count < 1 || cap->count > LIMIT_CAP_COUNT) return refuse(c, CAMP_CORRUPT, "cap %u: %u messages", i, cap->count);
    if (!duration_ok(c, cap->window, true, "cap", i)) return false;
    if (cap->window.i < 0 || (cap->window.type == V_CALENDAR && (int32_t)cap->window.aux < 0))
      return refuse(c, CAMP_CORRUPT, "cap %u: its window lasts less than no time", i);
    if (!string_or_none(c, cap->channel, "cap", i) || !string_or_none(c, cap->topic, "cap", i) || !string_ok(c, cap->text, "cap", i))
      return false;
  }
  for (uint32_t i = 0; i < u->quiet_count; i++) {
    const struct quiet *q = &u->quiets[i];
    if (q->from_ms >= MS_PER_DAY || q->to_ms >= MS_PER_DAY || q->weekdays < 1 || q->weekdays > 127)
      return refuse(c, CAMP_CORRUPT, "quiet hours %u: no time of a day", i);
    if (!string_or_none(c, q->channel, "quiet hours", i) || !string_ok(c, q->text, "quiet hours", i)) return false;
  }
  return true;
}

/* How a channel or an operation leaves. Neither has code. */
static bool request_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->kind != UNIT_CHANNEL && u->kind != UNIT_OPERATION) return true;
  const char *flaw = request_flaw(u);
  return flaw ? refuse(c, CAMP_CORRUPT, "the request: %s", flaw) : true;
}

/* What stands in a mail as it is must be nothing but base64 in lines: no program file can put a header or a part there. */
static bool is_base64(struct str s) {
  size_t line = 0;
  for (size_t i = 0; i < s.len; i++) {
    char ch = s.ptr[i];
    bool digit = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '+' || ch == '/' || ch == '=';
    if (ch == '\n' && line) line = 0;
    else if (!digit || ++line > FILE_LINE_BYTES) return false;
  }
  return line == 0;
}

static bool file_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->kind != UNIT_FILE) return true;
  if (u->string_count == 2 && u->name == 0 && u->strings[0].len == 2 * UNIT_HASH_BYTES && !u->code_bytes && is_base64(u->strings[1]) &&
      u->strings[1].len / (FILE_LINE_BYTES + 1) * (FILE_LINE_BYTES / 4 * 3) <= LIMIT_MESSAGE_FILES_BYTES)
    return true;
  return refuse(c, CAMP_CORRUPT, "a file is no base64 of at most %u bytes", LIMIT_MESSAGE_FILES_BYTES);
}

/* One word of visible ASCII, as a header takes it: `application/pdf`. */
static bool is_token(struct str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || memchr("\"();<>,:\\", s.ptr[i], 10)) return false;
  return s.len > 0 && s.len < 100;
}

static bool mail_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->kind != UNIT_MESSAGE) return true;
  if (u->mail > MAIL_BITS) return refuse(c, CAMP_CORRUPT, "mail property %u is unknown", u->mail);
  if (!parts_ok(c, u->text, u->text_count, "text") || !parts_ok(c, u->from, u->from_count, "from") ||
      !parts_ok(c, u->reply_to, u->reply_to_count, "reply to"))
    return false;
  for (uint32_t i = 0; i < u->link_count; i++) {
    const struct message_link *link = &u->links[i];
    if (!link->count || link->first > u->link_part_count || link->count > u->link_part_count - link->first)
      return refuse(c, CAMP_CORRUPT, "link %u: its parts are not in the table", i);
    if (!parts_ok(c, u->link_parts + link->first, link->count, "link")) return false;
  }
  if (u->attachment_count > LIMIT_MESSAGE_FILES_COUNT)
    return refuse(c, CAMP_LIMIT, "%u attachments: at most %d fit in a message", u->attachment_count, LIMIT_MESSAGE_FILES_COUNT);
  for (uint32_t i = 0; i < u->attachment_count; i++) {
    const struct attachment *at = &u->attachments[i];
    if (!string_ok(c, at->file, "attachment", i) || !string_ok(c, at->name, "attachment", i) || !string_ok(c, at->type, "attachment", i))
      return false;
    if (!is_token(u->strings[at->type]) || (at->inside && !is_token(u->strings[at->name])))
      return refuse(c, CAMP_CORRUPT, "attachment %u: its type or its Content-ID is no word", i);
  }
  return true;
}

static bool steps_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->step_count; i++) {
    if (c->u->steps[i].pc >= c->u->code_bytes || (i && c->u->steps[i].pc < c->u->steps[i - 1].pc)) {
      return refuse(c, CAMP_CORRUPT, "step %u: out of order or outside the code", i);
    }
  }
  return true;
}

/* --- code --- */

static bool pattern_ok(struct check *c, uint32_t pc, uint32_t constant) {
  struct value v = c->u->consts[constant];
  if (v.type != V_TEXT) return refuse(c, CAMP_CORRUPT, "pc %u: the pattern is not a text", pc);
  if (!c->patterns) c->patterns = calloc(c->u->const_count, 1);
  CHECK(c->patterns);
  if (c->patterns[constant]) return true;
  char why[200];
  struct pattern *p = pattern_new(value_str(v), why, sizeof why);
  if (!p) return refuse(c, CAMP_CORRUPT, "pc %u: %s", pc, why);
  pattern_free(p);
  c->patterns[constant] = 1;
  return true;
}

/* What the letter does not say: these operands have a meaning of their own. */
static bool special_operands_ok(struct check *c, uint32_t pc, const uint32_t operands[2]) {
  const struct unit *u = c->u;
  switch (u->code[pc]) {
    case OP_MATCHES: return pattern_ok(c, pc, operands[0]);
    case OP_AGO: return duration_ok(c, u->consts[operands[0]], true, "pc", pc);
    case OP_DROP:
      return u->consts[operands[1]].type == V_TEXT || refuse(c, CAMP_CORRUPT, "pc %u: the reason is not a text", pc);
    case OP_NEXTTIME: case OP_WINDOW:
      return (operands[0] >= 1 && operands[0] <= 127) || refuse(c, CAMP_CORRUPT, "pc %u: %u is no set of weekdays", pc, operands[0]);
    case OP_DATEPART:
      return operands[0] <= 6 || refuse(c, CAMP_CORRUPT, "pc %u: a date has no part %u", pc, operands[0]);
    default: return true;
  }
}

static bool operand_ok(struct check *c, char letter, uint32_t operand, uint32_t pc) {
  const struct unit *u = c->u;
  switch (letter) {
    case 'c': return index_ok(c, operand, u->const_count, "constant", "pc", pc);
    case 'f': return index_ok(c, operand, u->field_count, "field", "pc", pc);
    case 's': return index_ok(c, operand, u->string_count, "string", "pc", pc);
    case 'm': return index_ok(c, operand, u->measure_count, "measure", "pc", pc);
    case 'w': return index_ok(c, operand, u->wait_count, "wait", "pc", pc);
    case 'e': return index_ok(c, operand, u->emit_count, "emit", "pc", pc);
    case 'x': return index_ok(c, operand, u->experiment_count, "experiment", "pc", pc);
    case 'l': return index_ok(c, operand, u->local_count, "local", "pc", pc);
    default: return true; /* n says what it likes; j is checked where the path goes, and here that it is a start */
  }
}

/* Decodes all of the code, also what no path meets, and then looks whether jumps hit instructions. */
static bool sweep(struct check *c) {
  const struct unit *u = c->u;
  uint32_t operands[2];
  for (uint32_t pc = 0, bytes; pc < u->code_bytes; pc += bytes) {
    bytes = instruction_decode(u->code, u->code_bytes, pc, operands);
    if (!bytes) {
      return refuse(c, CAMP_CORRUPT, opcode_table[u->code[pc]].name ? "pc %u: the instruction 0x%02x is cut short"
                                                                    : "pc %u: no opcode has the byte 0x%02x", pc, u->code[pc]);
    }
    c->starts[pc] = 1;
    const char *letters = opcode_table[u->code[pc]].operands;
    for (int i = 0; letters[i]; i++) {
      if (!operand_ok(c, letters[i], operands[i], pc)) return false;
    }
    if (!special_operands_ok(c, pc, operands)) return false;
  }
  return true;
}

static uint32_t pops_of(const struct unit *u, uint8_t op, const uint32_t operands[2]) {
  if (op == OP_ONEOF) return operands[0] + 1;
  if (opcode_table[op].operands[0] == 'e') return u->emits[operands[0]].key_count;
  if (op == OP_WAIT || op == OP_OVER) return u->waits[operands[0]].arm_pc != NONE;
  CHECK(opcode_table[op].pops >= 0);
  return (uint32_t)opcode_table[op].pops;
}

static bool place_ok(struct check *c, uint32_t pc, enum mode mode, uint32_t depth) {
  const struct opcode_info *info = &opcode_table[c->u->code[pc]];
  if (mode == MODE_EXPR && !(info->flags & OPF_EXPR)) {
    return refuse(c, CAMP_CORRUPT, "pc %u: %s in an expression", pc, info->name);
  }
  if (c->u->code[pc] != OP_RET) return true;
  if (mode == MODE_STEP) return refuse(c, CAMP_CORRUPT, "pc %u: RET in steps", pc);
  return depth == 1 || refuse(c, CAMP_CORRUPT, "pc %u: RET with %u values on the stack", pc, depth);
}

/* Follows one instruction to where it may go. */
static bool follow(struct check *c, uint32_t pc, enum mode mode) {
  const struct unit *u = c->u;
  uint32_t operands[2], depth = c->seen[mode][pc] - 1u;
  uint32_t next = pc + instruction_decode(u->code, u->code_bytes, pc, operands);
  uint8_t op = u->code[pc];
  const struct opcode_info *info = &opcode_table[op];
  uint32_t pops = pops_of(u, op, operands);
  if (!place_ok(c, pc, mode, depth)) return false;
  if (depth < pops) return refuse(c, CAMP_CORRUPT, "pc %u: %s takes %u values and %u are there", pc, info->name, pops, depth);
  uint32_t after = depth - pops + (uint8_t)info->pushes;
  if (after > LIMIT_STACK_COUNT) return refuse(c, CAMP_LIMIT, "pc %u: more than %d values on the stack", pc, LIMIT_STACK_COUNT);
  switch (op) {
    case OP_AND: case OP_OR:
      return enter(c, operands[0], mode, depth, "pc", pc) && enter(c, next, mode, after, "pc", pc);
    case OP_EACH:
      return enter(c, operands[1], mode, after, "pc", pc) && enter(c, next, mode, depth, "pc", pc);
    case OP_FORK:
      return enter(c, operands[0], MODE_STEP, 0, "pc", pc) && enter(c, next, mode, after, "pc", pc);
    case OP_WAIT:
    case OP_OVER:
      return after == 0 || refuse(c, CAMP_CORRUPT, "pc %u: WAIT leaves %u values on the stack", pc, after);
    default: break;
  }
  if ((info->flags & OPF_JUMP) && !enter(c, operands[0], mode, after, "pc", pc)) return false;
  return (info->flags & OPF_END) || enter(c, next, mode, after, "pc", pc);
}

static bool score_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->trigger_count || u->stop_count || u->goal_count || u->wait_count) {
    return refuse(c, CAMP_CORRUPT, "a score has triggers, stops, goals or waits");
  }
  if (!duration_or_missing(c, u->halves, "score", 0)) return false;
  if (value_is_duration(u->halves) && duration_ms(u->halves) <= 0) return refuse(c, CAMP_CORRUPT, "a score halves in no time");
  for (uint32_t i = 0; i < u->score_rule_count; i++) {
    const struct score_rule *r = &u->score_rules[i];
    if (!string_ok(c, r->event, "score rule", i) || !enter_expr(c, r->filter_pc, "score rule", i)) return false;
    if (r->points.type != V_NUMBER || !value_is_sound(r->points)) return refuse(c, CAMP_CORRUPT, "score rule %u: its points are no number", i);
  }
  return true;
}

/* A segment is one expression, at the code's beginning, and nothing that acts. */
static bool segment_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->trigger_count || u->stop_count || u->goal_count || u->wait_count) {
    return refuse(c, CAMP_CORRUPT, "a segment has triggers, stops, goals or waits");
  }
  return enter_expr(c, 0, "segment", 0);
}

static bool code_ok(struct check *c) {
  const struct unit *u = c->u;
  if (!sweep(c) || !entry_ok(c) || !measures_ok(c)) return false;
  if (!triggers_ok(c, u->triggers, u->trigger_count, ROLE_TRIGGER) || !triggers_ok(c, u->stops, u->stop_count, ROLE_STOP) ||
      !triggers_ok(c, u->goals, u->goal_count, ROLE_GOAL)) {
    return false;
  }
  if (!schedules_ok(c) || !waits_ok(c)) return false;
  for (uint32_t i = 0; i < u->response_count; i++)
    if (!enter_expr(c, u->responses[i].filter_pc, "response", i)) return false;
  if (u->kind == UNIT_SEGMENT && !segment_ok(c)) return false;
  if (u->kind == UNIT_SCORE && !score_ok(c)) return false;
  while (c->work_count) {
    uint32_t at = c->work[--c->work_count];
    if (!follow(c, at & ~WORK_EXPR, at & WORK_EXPR ? MODE_EXPR : MODE_STEP)) return false;
  }
  return true;
}

enum camp_err unit_verify(const struct unit *u, struct program_error *e) {
  struct check c = { .u = u, .e = e };
  e->text[0] = '\0';
  if (!counts_ok(&c) || !pool_ok(&c) || !emits_ok(&c)) return c.err;
  if (!parts_ok(&c, u->subject, u->subject_count, "subject") || !parts_ok(&c, u->body, u->body_count, "body")) return c.err;
  if (!release_ok(&c) || !experiments_ok(&c) || !mail_ok(&c) || !file_ok(&c) || !steps_ok(&c) || !request_ok(&c)) return c.err;
  size_t n = u->code_bytes;
  /* Most units fit in the small array: a project has thousands, and each is verified twice. */
  uint32_t small[1024], *memory = small;
  size_t bytes = 2 * n * sizeof *memory + 3 * n;
  if (bytes > sizeof small) memory = malloc(bytes);
  CHECK(memory);
  c.work = memory;
  c.starts = (uint8_t *)(memory + 2 * n);
  c.seen[MODE_STEP] = c.starts + n;
  c.seen[MODE_EXPR] = c.starts + 2 * n;
  memset(c.starts, 0, 3 * n);
  code_ok(&c);
  if (memory != small) free(memory);
  free(c.patterns);
  return c.err;
}
