/* Verifying a unit's tables: counts, indices, texts, constants, what the engine and senders compute with; see verify.h.
 *
 * Not for what leads into the code (verify_entries.c).
 *
 * Invariant of a unit that passed: every index is below the count of its table, every text is UTF-8, every constant is sound, and
 * what goes into a mail or a request as it stands can be nothing but what it is to be. */
#include "verify.h"

#include "base/utf8.h"
#include "liquid_file.h"
#include "request.h"

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
    { u->goal_count, "goals" }, { u->score_rule_count, "score rules" }, { u->schedule_count, "schedules" },
    { u->wait_count, "waits" }, { u->branch_count, "branches" }, { u->emit_count, "emits" },
    { u->emit_key_count, "keys of emits" }, { u->experiment_count, "experiments" }, { u->variant_count, "variants" },
    { u->response_count, "responses" }, { u->subject_count, "subject parts" }, { u->body_count, "body parts" },
    { u->cap_count, "caps" }, { u->quiet_count, "quiet hours" }, { u->text_count, "text parts" }, { u->from_count, "from parts" },
    { u->reply_to_count, "reply to parts" }, { u->link_part_count, "link parts" }, { u->link_count, "links" },
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (tables[i].count > LIMIT_UNIT_ITEMS_COUNT) {
      return verify_refuse(c, CAMP_LIMIT, "%u %s: at most %d fit in a unit", tables[i].count, tables[i].what, LIMIT_UNIT_ITEMS_COUNT);
    }
  }
  if (u->code_bytes > LIMIT_UNIT_CODE_BYTES) {
    return verify_refuse(c, CAMP_LIMIT, "%u bytes of code: at most %u fit in a unit", u->code_bytes, LIMIT_UNIT_CODE_BYTES);
  }
  if (u->local_count > LIMIT_LOCALS_COUNT) {
    return verify_refuse(c, CAMP_LIMIT, "%u locals: at most %d fit in a unit", u->local_count, LIMIT_LOCALS_COUNT);
  }
  return true;
}

static bool pool_ok(struct check *c) {
  const struct unit *u = c->u;
  for (uint32_t i = 0; i < u->string_count; i++) {
    struct str s = u->strings[i];
    if (s.len > UINT32_MAX || !utf8_ok(s)) {
      return verify_refuse(c, CAMP_CORRUPT, "string %u is not UTF-8", i);
    }
  }
  for (uint32_t i = 0; i < u->const_count; i++) {
    if (!value_is_sound(u->consts[i])) return verify_refuse(c, CAMP_CORRUPT, "constant %u is not a value of its type", i);
  }
  for (uint32_t i = 0; i < u->field_count; i++) {
    if (!string_ok(c, u->fields[i].name, "field", i)) return false;
    if (u->fields[i].type >= V_TYPE_COUNT) return verify_refuse(c, CAMP_CORRUPT, "field %u has no type", i);
    if (u->fields[i].currency && !currency_is_sound(u->fields[i].currency)) return verify_refuse(c, CAMP_CORRUPT, "field %u has no currency", i);
  }
  return true;
}

static bool emits_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->emit_count; i++) {
    const struct emit *e = &c->u->emits[i];
    if (!string_ok(c, e->event, "emit", i)) return false;
    if (e->first_key > c->u->emit_key_count || e->key_count > c->u->emit_key_count - e->first_key) {
      return verify_refuse(c, CAMP_CORRUPT, "emit %u: its keys are not in the table", i);
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
    return verify_refuse(c, CAMP_CORRUPT, "experiment %u: its variants or responses are not in the table", i);
  for (uint32_t k = 0; k < x->variant_count; k++) places += u->variants[x->first_variant + k].places;
  if (places != SPLIT_PLACES || !x->variant_count) return verify_refuse(c, CAMP_CORRUPT, "experiment %u: its shares do not sum", i);
  for (uint32_t k = 0; k < x->response_count; k++)
    if (u->responses[x->first_response + k].experiment != i) return verify_refuse(c, CAMP_CORRUPT, "experiment %u: a response is another's", i);
  return true;
}

static bool experiments_ok(struct check *c) {
  const struct unit *u = c->u;
  for (uint32_t i = 0; i < u->experiment_count; i++)
    if (!experiment_ok(c, &u->experiments[i], i)) return false;
  for (uint32_t i = 0; i < u->variant_count; i++) {
    const struct variant *v = &u->variants[i];
    if (!string_ok(c, v->name, "variant", i)) return false;
    if (v->from_pc > v->to_pc || v->to_pc > u->code_bytes) return verify_refuse(c, CAMP_CORRUPT, "variant %u: its code is outside the code", i);
  }
  for (uint32_t i = 0; i < u->response_count; i++) {
    const struct response *r = &u->responses[i];
    if (!index_ok(c, r->experiment, u->experiment_count, "experiment", "response", i) || !string_ok(c, r->event, "response", i)) return false;
    if (r->field == NONE) continue;
    if (!index_ok(c, r->field, u->field_count, "field", "response", i)) return false;
    const struct field *f = &u->fields[r->field];
    if (f->type != V_NUMBER && (f->type != V_MONEY || !f->currency)) return verify_refuse(c, CAMP_CORRUPT, "response %u: it adds up neither numbers nor money", i);
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
  return good || verify_refuse(c, CAMP_CORRUPT, "%s %u: the template: %s", where, i, why);
}

static bool parts_ok(struct check *c, const struct part *p, uint32_t count, const char *where) {
  for (uint32_t i = 0; i < count; i++) {
    if (p[i].kind == PART_LIQUID) {
      if (!string_ok(c, p[i].text, where, i) || !liquid_ok(c, c->u->strings[p[i].text], where, i)) return false;
      if (i + 1 == count && p[i].field == NONE) continue;
      return verify_refuse(c, CAMP_CORRUPT, "%s %u: a template is not the last part", where, i);
    }
    if (p[i].kind == PART_LINK && p == c->u->body) {
      if (p[i].text == NONE && (p[i].field == NONE || p[i].field < c->u->link_count)) continue;
      return verify_refuse(c, CAMP_CORRUPT, "%s %u: it is none of the links", where, i);
    }
    if (p[i].kind >= PART_LIQUID) return verify_refuse(c, CAMP_CORRUPT, "%s %u: kind %u is unknown", where, i, p[i].kind);
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
  if (u->priority > PRIORITY_LOW) return verify_refuse(c, CAMP_CORRUPT, "priority %u is unknown", u->priority);
  if (u->topic_count > LIMIT_TOPICS_COUNT)
    return verify_refuse(c, CAMP_LIMIT, "%u topics: at most %d fit in a project", u->topic_count, LIMIT_TOPICS_COUNT);
  for (uint32_t i = 0; i < u->topic_count; i++)
    if (!string_ok(c, u->topics[i].name, "topic", i)) return false;
  for (uint32_t i = 0; i < u->cap_count; i++) {
    const struct cap *cap = &u->caps[i];
    if (cap->count < 1 || cap->count > LIMIT_CAP_COUNT) return verify_refuse(c, CAMP_CORRUPT, "cap %u: %u messages", i, cap->count);
    if (!duration_ok(c, cap->window, true, "cap", i)) return false;
    if (cap->window.i < 0 || (cap->window.type == V_CALENDAR && (int32_t)cap->window.aux < 0))
      return verify_refuse(c, CAMP_CORRUPT, "cap %u: its window lasts less than no time", i);
    if (!string_or_none(c, cap->channel, "cap", i) || !string_or_none(c, cap->topic, "cap", i) || !string_ok(c, cap->text, "cap", i))
      return false;
  }
  for (uint32_t i = 0; i < u->quiet_count; i++) {
    const struct quiet *q = &u->quiets[i];
    if (q->from_ms >= MS_PER_DAY || q->to_ms >= MS_PER_DAY || q->weekdays < 1 || q->weekdays > 127)
      return verify_refuse(c, CAMP_CORRUPT, "quiet hours %u: no time of a day", i);
    if (!string_or_none(c, q->channel, "quiet hours", i) || !string_ok(c, q->text, "quiet hours", i)) return false;
  }
  return true;
}

/* How a channel or an operation leaves. Neither has code. */
static bool request_ok(struct check *c) {
  const struct unit *u = c->u;
  if (u->kind != UNIT_CHANNEL && u->kind != UNIT_OPERATION) return true;
  const char *flaw = request_flaw(u);
  return flaw ? verify_refuse(c, CAMP_CORRUPT, "the request: %s", flaw) : true;
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
  return verify_refuse(c, CAMP_CORRUPT, "a file is no base64 of at most %u bytes", LIMIT_MESSAGE_FILES_BYTES);
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
  if (u->mail > MAIL_BITS) return verify_refuse(c, CAMP_CORRUPT, "mail property %u is unknown", u->mail);
  if (!string_or_none(c, u->language, "language", 0)) return false;
  if (!parts_ok(c, u->text, u->text_count, "text") || !parts_ok(c, u->from, u->from_count, "from") ||
      !parts_ok(c, u->reply_to, u->reply_to_count, "reply to"))
    return false;
  for (uint32_t i = 0; i < u->link_count; i++) {
    const struct message_link *link = &u->links[i];
    if (!link->count || link->first > u->link_part_count || link->count > u->link_part_count - link->first)
      return verify_refuse(c, CAMP_CORRUPT, "link %u: its parts are not in the table", i);
    if (!parts_ok(c, u->link_parts + link->first, link->count, "link")) return false;
  }
  if (u->attachment_count > LIMIT_MESSAGE_FILES_COUNT)
    return verify_refuse(c, CAMP_LIMIT, "%u attachments: at most %d fit in a message", u->attachment_count, LIMIT_MESSAGE_FILES_COUNT);
  for (uint32_t i = 0; i < u->attachment_count; i++) {
    const struct attachment *at = &u->attachments[i];
    if (!string_ok(c, at->file, "attachment", i) || !string_ok(c, at->name, "attachment", i) || !string_ok(c, at->type, "attachment", i))
      return false;
    if (!is_token(u->strings[at->type]) || (at->inside && !is_token(u->strings[at->name])))
      return verify_refuse(c, CAMP_CORRUPT, "attachment %u: its type or its Content-ID is no word", i);
  }
  return true;
}

static bool steps_ok(struct check *c) {
  for (uint32_t i = 0; i < c->u->step_count; i++) {
    if (c->u->steps[i].pc >= c->u->code_bytes || (i && c->u->steps[i].pc < c->u->steps[i - 1].pc)) {
      return verify_refuse(c, CAMP_CORRUPT, "step %u: out of order or outside the code", i);
    }
  }
  return true;
}

bool verify_tables(struct check *c) {
  const struct unit *u = c->u;
  return counts_ok(c) && pool_ok(c) && emits_ok(c) && parts_ok(c, u->subject, u->subject_count, "subject") &&
         parts_ok(c, u->body, u->body_count, "body") && release_ok(c) && experiments_ok(c) && mail_ok(c) && file_ok(c) && steps_ok(c) &&
         request_ok(c);
}
