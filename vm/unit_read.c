/* Reading a unit's hashed part; see unit_bytes.h.
 *
 * Not for whether code is safe to run: verify.c, which unit_read ends with.
 *
 * Invariant: reading trusts nothing (loader.h), and every unit is verified. */
#include "digest.h"
#include "loader.h"
#include "request.h"
#include "unit_bytes.h"

#define UNIT_TABLE(l, count, row_bytes_min, type, what) \
  ((type *)loader_table((l), (count), LIMIT_UNIT_ITEMS_COUNT, (row_bytes_min), sizeof(type), (what)))

static const struct trigger *get_triggers(struct loader *l, uint32_t *count, const char *what) {
  struct trigger *t = UNIT_TABLE(l, count, 6, struct trigger, what);
  EACH_ROW(l, i, *count) {
    t[i].event = get_index(&l->r);
    t[i].guard_field = get_index(&l->r);
    t[i].guard_text = get_index(&l->r);
    t[i].filter_pc = get_index(&l->r);
    t[i].start_pc = get_index(&l->r);
    t[i].within = value_read(&l->r);
  }
  return t;
}

static const struct part *get_parts(struct loader *l, uint32_t *count, const char *what) {
  struct part *p = UNIT_TABLE(l, count, 3, struct part, what);
  EACH_ROW(l, i, *count) {
    p[i].kind = reader_byte(&l->r);
    p[i].text = get_index(&l->r);
    p[i].field = get_index(&l->r);
  }
  return p;
}

static void get_pool(struct loader *l, struct unit *u) {
  struct str *strings = UNIT_TABLE(l, &u->string_count, 1, struct str, "strings");
  EACH_ROW(l, i, u->string_count) strings[i] = loader_text(l);
  u->strings = strings;
  struct value *consts = UNIT_TABLE(l, &u->const_count, 1, struct value, "constants");
  EACH_ROW(l, i, u->const_count) consts[i] = value_read(&l->r);
  u->consts = consts;
  struct field *fields = UNIT_TABLE(l, &u->field_count, 3, struct field, "fields");
  EACH_ROW(l, i, u->field_count) {
    fields[i].name = get_index(&l->r);
    fields[i].type = reader_byte(&l->r);
    fields[i].currency = get_u32(&l->r);
  }
  u->fields = fields;
}

static void get_measures(struct loader *l, struct unit *u) {
  struct measure *m = UNIT_TABLE(l, &u->measure_count, 6, struct measure, "measures");
  EACH_ROW(l, i, u->measure_count) {
    m[i].kind = reader_byte(&l->r);
    m[i].event = get_index(&l->r);
    m[i].field = get_index(&l->r);
    m[i].window = value_read(&l->r);
    m[i].filter_pc = get_index(&l->r);
    m[i].text = get_index(&l->r);
  }
  u->measures = m;
}

static void get_schedules(struct loader *l, struct unit *u) {
  struct schedule *s = UNIT_TABLE(l, &u->schedule_count, 8, struct schedule, "schedules");
  EACH_ROW(l, i, u->schedule_count) {
    s[i].kind = reader_byte(&l->r);
    s[i].days = reader_byte(&l->r);
    s[i].at_ms = reader_zigzag(&l->r);
    s[i].zone = get_index(&l->r);
    s[i].list = get_index(&l->r);
    s[i].filter_pc = get_index(&l->r);
    s[i].start_pc = get_index(&l->r);
    s[i].text = get_index(&l->r);
  }
  u->schedules = s;
}

static void get_waits(struct loader *l, struct unit *u) {
  struct wait *w = UNIT_TABLE(l, &u->wait_count, 6, struct wait, "waits");
  EACH_ROW(l, i, u->wait_count) {
    w[i].first_branch = get_u32(&l->r);
    w[i].branch_count = get_u32(&l->r);
    w[i].arm_pc = get_index(&l->r);
    w[i].timeout_pc = get_index(&l->r);
    w[i].live = reader_varint(&l->r);
    w[i].message = get_index(&l->r);
  }
  u->waits = w;
  struct branch *b = UNIT_TABLE(l, &u->branch_count, 5, struct branch, "branches");
  EACH_ROW(l, i, u->branch_count) {
    b[i].event = get_index(&l->r);
    b[i].filter_pc = get_index(&l->r);
    b[i].target_pc = get_index(&l->r);
    b[i].since = reader_byte(&l->r);
    b[i].since_window = value_read(&l->r);
  }
  u->branches = b;
}

static void get_emits(struct loader *l, struct unit *u) {
  struct emit *e = UNIT_TABLE(l, &u->emit_count, 3, struct emit, "emits");
  EACH_ROW(l, i, u->emit_count) {
    e[i].event = get_index(&l->r);
    e[i].first_key = get_u32(&l->r);
    e[i].key_count = get_u32(&l->r);
  }
  u->emits = e;
  uint32_t *keys = UNIT_TABLE(l, &u->emit_key_count, 1, uint32_t, "keys");
  EACH_ROW(l, i, u->emit_key_count) keys[i] = get_index(&l->r);
  u->emit_keys = keys;
}

static void get_experiments(struct loader *l, struct unit *u) {
  struct experiment *x = UNIT_TABLE(l, &u->experiment_count, 8, struct experiment, "experiments");
  EACH_ROW(l, i, u->experiment_count) {
    x[i].name = get_index(&l->r);
    x[i].text = get_index(&l->r);
    x[i].holdout = get_u32(&l->r);
    x[i].within = value_read(&l->r);
    x[i].first_variant = get_u32(&l->r);
    x[i].variant_count = get_u32(&l->r);
    x[i].first_response = get_u32(&l->r);
    x[i].response_count = get_u32(&l->r);
  }
  u->experiments = x;
  struct variant *v = UNIT_TABLE(l, &u->variant_count, 4, struct variant, "variants");
  EACH_ROW(l, i, u->variant_count) {
    v[i].name = get_index(&l->r);
    v[i].places = get_u32(&l->r);
    v[i].from_pc = get_u32(&l->r);
    v[i].to_pc = get_u32(&l->r);
  }
  u->variants = v;
  struct response *r = UNIT_TABLE(l, &u->response_count, 4, struct response, "responses");
  EACH_ROW(l, i, u->response_count) {
    r[i].experiment = get_u32(&l->r);
    r[i].event = get_index(&l->r);
    r[i].filter_pc = get_index(&l->r);
    r[i].field = get_index(&l->r);
  }
  u->responses = r;
}

static void get_score(struct loader *l, struct unit *u) {
  u->halves = value_read(&l->r);
  struct score_rule *rules = UNIT_TABLE(l, &u->score_rule_count, 3, struct score_rule, "score rules");
  EACH_ROW(l, i, u->score_rule_count) {
    rules[i].event = get_index(&l->r);
    rules[i].filter_pc = get_index(&l->r);
    rules[i].points = value_read(&l->r);
  }
  u->score_rules = rules;
}

static void get_release(struct loader *l, struct unit *u) {
  u->topic = get_index(&l->r);
  u->transactional = loader_flag(l);
  u->priority = reader_byte(&l->r);
  u->expires = value_read(&l->r);
  struct topic *topics = loader_table(l, &u->topic_count, LIMIT_TOPICS_COUNT, 2, sizeof *topics, "topics");
  EACH_ROW(l, i, u->topic_count) topics[i] = (struct topic){ get_index(&l->r), loader_flag(l) };
  u->topics = topics;
  struct cap *caps = UNIT_TABLE(l, &u->cap_count, 6, struct cap, "caps");
  EACH_ROW(l, i, u->cap_count) {
    caps[i].count = get_u32(&l->r);
    caps[i].window = value_read(&l->r);
    caps[i].channel = get_index(&l->r);
    caps[i].topic = get_index(&l->r);
    caps[i].text = get_index(&l->r);
    caps[i].drop = loader_flag(l);
  }
  u->caps = caps;
  struct quiet *quiets = UNIT_TABLE(l, &u->quiet_count, 6, struct quiet, "quiet hours");
  EACH_ROW(l, i, u->quiet_count) {
    quiets[i].from_ms = get_u32(&l->r);
    quiets[i].to_ms = get_u32(&l->r);
    quiets[i].weekdays = reader_byte(&l->r);
    quiets[i].channel = get_index(&l->r);
    quiets[i].text = get_index(&l->r);
    quiets[i].drop = loader_flag(l);
  }
  u->quiets = quiets;
}

static void get_mail(struct loader *l, struct unit *u) {
  u->mail = reader_byte(&l->r);
  u->language = get_index(&l->r);
  u->text = get_parts(l, &u->text_count, "text parts");
  u->from = get_parts(l, &u->from_count, "from parts");
  u->reply_to = get_parts(l, &u->reply_to_count, "reply to parts");
  u->link_parts = get_parts(l, &u->link_part_count, "link parts");
  struct message_link *links = UNIT_TABLE(l, &u->link_count, 2, struct message_link, "links");
  EACH_ROW(l, i, u->link_count) {
    links[i].first = get_u32(&l->r);
    links[i].count = get_u32(&l->r);
  }
  u->links = links;
  struct attachment *attachments = loader_table(l, &u->attachment_count, LIMIT_MESSAGE_FILES_COUNT, 4, sizeof *attachments, "attachments");
  EACH_ROW(l, i, u->attachment_count) {
    attachments[i].file = get_index(&l->r);
    attachments[i].name = get_index(&l->r);
    attachments[i].type = get_index(&l->r);
    attachments[i].inside = loader_flag(l);
  }
  u->attachments = attachments;
}

static void get_body(struct loader *l, struct unit *u) {
  u->kind = reader_byte(&l->r);
  u->name = get_index(&l->r);
  u->entry.kind = reader_byte(&l->r);
  u->entry.within = value_read(&l->r);
  u->entry.key_pc = get_index(&l->r);
  u->entry.at_once = get_u32(&l->r);
  u->entry.ends = value_read(&l->r);
  u->entry.resume = value_read(&l->r);
  u->local_count = reader_byte(&l->r);
  u->channel = get_index(&l->r);
  get_pool(l, u);
  get_measures(l, u);
  u->triggers = get_triggers(l, &u->trigger_count, "triggers");
  u->stops = get_triggers(l, &u->stop_count, "stops");
  u->goals = get_triggers(l, &u->goal_count, "goals");
  get_schedules(l, u);
  get_waits(l, u);
  get_emits(l, u);
  if (has_experiments(u)) get_experiments(l, u);
  u->subject = get_parts(l, &u->subject_count, "subject parts");
  u->body = get_parts(l, &u->body_count, "body parts");
  u->topic = u->language = NONE;
  if (has_release(u)) get_release(l, u);
  if (u->kind == UNIT_MESSAGE) get_mail(l, u);
  struct str code = reader_str(&l->r);
  if (code.len > LIMIT_UNIT_CODE_BYTES) loader_fail(l, CAMP_LIMIT, "more than %u bytes of code", LIMIT_UNIT_CODE_BYTES);
  u->code = (const uint8_t *)code.ptr;
  u->code_bytes = l->r.failed ? 0 : (uint32_t)code.len;
  if (u->kind == UNIT_SCORE) get_score(l, u);
  if (has_request(u)) u->request = request_read(l->a, &l->r);
}

enum camp_err unit_read(struct arena *a, struct str body, struct unit *out, struct program_error *e) {
  *out = (struct unit){ 0 };
  e->text[0] = '\0';
  struct loader l = loader_of(a, body, e);
  get_body(&l, out);
  enum camp_err err = loader_end(&l, "the unit");
  if (err) return err;
  err = unit_verify(out, e);
  if (err) return err;
  out->body_bytes = body;
  digest_sha256(&body, 1, out->hash);
  return CAMP_OK;
}
