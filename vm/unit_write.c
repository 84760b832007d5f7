/* Sealing a unit: its hashed part as bytes, and their hash; see unit_bytes.h.
 *
 * Not for steps, scripts and the file around them (program.c).
 *
 * Invariant: a unit's bytes are a function of its meaning alone: equal units have equal bytes, so an equal hash. */
#include <pthread.h>
#include <stdlib.h>

#include "digest.h"
#include "request.h"
#include "unit_bytes.h"

/* The buffer in which units are sealed; each thread keeps its own until it ends, because a compile seals thousands of small ones. */
static pthread_key_t sealing_key;

static void sealing_free(void *sealing) {
  buf_deinit(sealing);
  free(sealing);
}

static void sealing_once(void) { CHECK(pthread_key_create(&sealing_key, sealing_free) == 0); }

static struct buf *sealing_own(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  static _Thread_local struct buf *own;
  if (own) return own;
  CHECK(pthread_once(&once, sealing_once) == 0);
  own = malloc(sizeof *own);
  CHECK(own);
  buf_init(own, LIMIT_PROGRAM_BYTES);
  CHECK(pthread_setspecific(sealing_key, own) == 0);
  return own;
}

static void put_triggers(struct buf *b, const struct trigger *t, uint32_t count) {
  put_number(b, count);
  for (uint32_t i = 0; i < count; i++) {
    put_index(b, t[i].event);
    put_index(b, t[i].guard_field);
    put_index(b, t[i].guard_text);
    put_index(b, t[i].filter_pc);
    put_index(b, t[i].start_pc);
    value_write(b, t[i].within);
  }
}

static void put_parts(struct buf *b, const struct part *p, uint32_t count) {
  put_number(b, count);
  for (uint32_t i = 0; i < count; i++) {
    put_byte(b, p[i].kind);
    put_index(b, p[i].text);
    put_index(b, p[i].field);
  }
}

static void put_pool(struct buf *b, const struct unit *u) {
  put_number(b, u->string_count);
  for (uint32_t i = 0; i < u->string_count; i++) buf_lstr(b, u->strings[i]);
  put_number(b, u->const_count);
  for (uint32_t i = 0; i < u->const_count; i++) value_write(b, u->consts[i]);
  put_number(b, u->field_count);
  for (uint32_t i = 0; i < u->field_count; i++) {
    put_index(b, u->fields[i].name);
    put_byte(b, u->fields[i].type);
    put_number(b, u->fields[i].currency);
  }
  put_number(b, u->measure_count);
  for (uint32_t i = 0; i < u->measure_count; i++) {
    const struct measure *m = &u->measures[i];
    put_byte(b, m->kind);
    put_index(b, m->event);
    put_index(b, m->field);
    value_write(b, m->window);
    put_index(b, m->filter_pc);
    put_index(b, m->text);
  }
}

static void put_schedules(struct buf *b, const struct unit *u) {
  put_number(b, u->schedule_count);
  for (uint32_t i = 0; i < u->schedule_count; i++) {
    const struct schedule *s = &u->schedules[i];
    put_byte(b, s->kind);
    put_byte(b, s->days);
    buf_zigzag(b, s->at_ms);
    put_index(b, s->zone);
    put_index(b, s->list);
    put_index(b, s->filter_pc);
    put_index(b, s->start_pc);
    put_index(b, s->text);
  }
}

static void put_waits(struct buf *b, const struct unit *u) {
  put_number(b, u->wait_count);
  for (uint32_t i = 0; i < u->wait_count; i++) {
    const struct wait *w = &u->waits[i];
    put_number(b, w->first_branch);
    put_number(b, w->branch_count);
    put_index(b, w->arm_pc);
    put_index(b, w->timeout_pc);
    put_number(b, w->live);
    put_index(b, w->message);
  }
  put_number(b, u->branch_count);
  for (uint32_t i = 0; i < u->branch_count; i++) {
    const struct branch *br = &u->branches[i];
    put_index(b, br->event);
    put_index(b, br->filter_pc);
    put_index(b, br->target_pc);
    put_byte(b, br->since);
    value_write(b, br->since_window);
  }
}

static void put_emits(struct buf *b, const struct unit *u) {
  put_number(b, u->emit_count);
  for (uint32_t i = 0; i < u->emit_count; i++) {
    put_index(b, u->emits[i].event);
    put_number(b, u->emits[i].first_key);
    put_number(b, u->emits[i].key_count);
  }
  put_number(b, u->emit_key_count);
  for (uint32_t i = 0; i < u->emit_key_count; i++) put_index(b, u->emit_keys[i]);
}

static void put_experiments(struct buf *b, const struct unit *u) {
  put_number(b, u->experiment_count);
  for (uint32_t i = 0; i < u->experiment_count; i++) {
    const struct experiment *x = &u->experiments[i];
    put_index(b, x->name);
    put_index(b, x->text);
    put_number(b, x->holdout);
    value_write(b, x->within);
    put_number(b, x->first_variant);
    put_number(b, x->variant_count);
    put_number(b, x->first_response);
    put_number(b, x->response_count);
  }
  put_number(b, u->variant_count);
  for (uint32_t i = 0; i < u->variant_count; i++) {
    put_index(b, u->variants[i].name);
    put_number(b, u->variants[i].places);
    put_number(b, u->variants[i].from_pc);
    put_number(b, u->variants[i].to_pc);
  }
  put_number(b, u->response_count);
  for (uint32_t i = 0; i < u->response_count; i++) {
    put_number(b, u->responses[i].experiment);
    put_index(b, u->responses[i].event);
    put_index(b, u->responses[i].filter_pc);
    put_index(b, u->responses[i].field);
  }
}

static void put_score(struct buf *b, const struct unit *u) {
  value_write(b, u->halves);
  put_number(b, u->score_rule_count);
  for (uint32_t i = 0; i < u->score_rule_count; i++) {
    put_index(b, u->score_rules[i].event);
    put_index(b, u->score_rules[i].filter_pc);
    value_write(b, u->score_rules[i].points);
  }
}

static void put_release(struct buf *b, const struct unit *u) {
  put_index(b, u->topic);
  put_byte(b, u->transactional);
  put_byte(b, u->priority);
  value_write(b, u->expires);
  put_number(b, u->topic_count);
  for (uint32_t i = 0; i < u->topic_count; i++) {
    put_index(b, u->topics[i].name);
    put_byte(b, u->topics[i].double_opt_in);
  }
  put_number(b, u->cap_count);
  for (uint32_t i = 0; i < u->cap_count; i++) {
    put_number(b, u->caps[i].count);
    value_write(b, u->caps[i].window);
    put_index(b, u->caps[i].channel);
    put_index(b, u->caps[i].topic);
    put_index(b, u->caps[i].text);
    put_byte(b, u->caps[i].drop);
  }
  put_number(b, u->quiet_count);
  for (uint32_t i = 0; i < u->quiet_count; i++) {
    put_number(b, u->quiets[i].from_ms);
    put_number(b, u->quiets[i].to_ms);
    put_byte(b, u->quiets[i].weekdays);
    put_index(b, u->quiets[i].channel);
    put_index(b, u->quiets[i].text);
    put_byte(b, u->quiets[i].drop);
  }
}

static void put_mail(struct buf *b, const struct unit *u) {
  put_byte(b, u->mail);
  put_index(b, u->language);
  put_parts(b, u->text, u->text_count);
  put_parts(b, u->from, u->from_count);
  put_parts(b, u->reply_to, u->reply_to_count);
  put_parts(b, u->link_parts, u->link_part_count);
  put_number(b, u->link_count);
  for (uint32_t i = 0; i < u->link_count; i++) {
    put_number(b, u->links[i].first);
    put_number(b, u->links[i].count);
  }
  put_number(b, u->attachment_count);
  for (uint32_t i = 0; i < u->attachment_count; i++) {
    put_index(b, u->attachments[i].file);
    put_index(b, u->attachments[i].name);
    put_index(b, u->attachments[i].type);
    put_byte(b, u->attachments[i].inside);
  }
}

static void put_body(struct buf *b, const struct unit *u) {
  put_byte(b, u->kind);
  put_index(b, u->name);
  put_byte(b, u->entry.kind);
  value_write(b, u->entry.within);
  put_index(b, u->entry.key_pc);
  put_number(b, u->entry.at_once);
  value_write(b, u->entry.ends);
  value_write(b, u->entry.resume);
  put_byte(b, u->local_count);
  put_index(b, u->channel);
  put_pool(b, u);
  put_triggers(b, u->triggers, u->trigger_count);
  put_triggers(b, u->stops, u->stop_count);
  put_triggers(b, u->goals, u->goal_count);
  put_schedules(b, u);
  put_waits(b, u);
  put_emits(b, u);
  if (has_experiments(u)) put_experiments(b, u);
  put_parts(b, u->subject, u->subject_count);
  put_parts(b, u->body, u->body_count);
  if (has_release(u)) put_release(b, u);
  if (u->kind == UNIT_MESSAGE) put_mail(b, u);
  buf_lstr(b, (struct str){ (const char *)u->code, u->code_bytes });
  if (u->kind == UNIT_SCORE) put_score(b, u);
  if (has_request(u)) request_write(b, u->request);
}

void unit_seal(struct arena *a, struct unit *u) {
  struct buf *b = sealing_own();
  buf_clear(b);
  put_body(b, u);
  CHECK(!b->failed);
  u->body_bytes = arena_str(a, buf_as_str(b));
  digest_sha256(&u->body_bytes, 1, u->hash);
}
