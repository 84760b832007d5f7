/* The policy's arithmetic: when a channel may next carry a message to this contact, by its quiet hours and its caps.
 *
 * Not for: rows, strands and the agenda (release.c), or what a policy looks like (compiler/policy.c).
 *
 * A cap counts what left in the time before, by the contact's `releases`: the few that some cap's window still holds, kept in its state, so
 * that nobody looks through the outbox. They are found in the outbox once, when the present caps are not those that they were kept for:
 * after a deploy that changed a cap, and when two contacts became one.
 *
 * Invariants:
 * 1. A cap is full at t when as many messages as it lets leave did so in (t - window, t]; it has room again the very moment when the
 *    oldest of these leaves the window.
 * 2. Quiet hours are the moments from the first occurrence of their beginning, by the contact's clock, up to but not with the first of
 *    their end: where clocks are set back an hour is not quiet twice, where they are set forward a time that does not exist is the one
 *    an hour later.
 * 3. A transactional message is asked nothing here, and counts for nothing. */
#include "runtime/engine/tick.h"

/* How often a moment may move: from quiet hours into a full cap, from there into quiet hours … It is asked about again then. */
enum { MOVES_MAX = 64 };

/* --- opening --------------------------------------------------------------------------------------------------------- */

static const uint8_t ranks[] = { [PRIORITY_HIGH] = 0, [PRIORITY_NORMAL] = 1, [PRIORITY_LOW] = 2 };

uint8_t policy_rank(const struct unit *message) { return message ? ranks[message->priority] : ranks[PRIORITY_NORMAL]; }

static enum camp_err number_channels(struct engine *e, struct str channels) {
  uint32_t id;
  for (struct str rest = channels, one; policy_channel(&rest, &one);) TRY(store_name(e->store, NAME_CHANNEL, one, &id));
  return CAMP_OK;
}

/* The channels get their numbers now, because releases are kept by them. */
enum camp_err policy_number(struct engine *e) {
  const struct unit *policy = image_policy(e->image);
  if (!policy || !policy->cap_count) return CAMP_OK;
  for (uint32_t i = 0; i < image_unit_count(e->image); i++) {
    const struct unit *u = image_unit(e->image, i);
    uint32_t operands[2];
    if (u->kind == UNIT_MESSAGE) TRY(number_channels(e, unit_string(u, u->channel)));
    for (uint32_t pc = 0; pc < u->code_bytes; pc += instruction_decode(u->code, u->code_bytes, pc, operands)) {
      CHECK(instruction_decode(u->code, u->code_bytes, pc, operands) > 0);
      if (u->code[pc] == OP_VIA) TRY(number_channels(e, unit_string(u, operands[0])));
    }
  }
  for (uint32_t i = 0; i < policy->cap_count; i++) TRY(number_channels(e, unit_string(policy, policy->caps[i].channel)));
  return CAMP_OK;
}

static int64_t window_ms(struct value window) {
  return window.type == V_EXACT ? window.i : (window.i + 32 * (int64_t)window.aux + 1) * MS_PER_DAY;
}

void policy_open(struct engine *e) {
  static const struct hash_key key = { 0x706f6c696379u, 0x63617073u };
  e->policy = image_policy(e->image);
  if (e->policy && !e->policy->cap_count && !e->policy->quiet_count) e->policy = NULL;
  e->rank_first = ranks[PRIORITY_LOW];
  for (uint32_t i = 0; i < image_unit_count(e->image); i++) {
    const struct unit *u = image_unit(e->image, i);
    if (u->kind == UNIT_MESSAGE && u->link->current && policy_rank(u) < e->rank_first) e->rank_first = policy_rank(u);
  }
  e->caps_hash = 0;
  e->caps_longest_ms = 0;
  for (uint32_t i = 0; e->policy && i < e->policy->cap_count; i++) {
    const struct cap *cap = &e->policy->caps[i];
    uint64_t h = hash_u64(e->caps_hash ^ (uint64_t)cap->window.i) ^ hash_u64(cap->window.aux + 1) ^
                 hash_str(key, unit_string(e->policy, cap->channel)) ^ hash_u64(hash_str(key, unit_string(e->policy, cap->topic)));
    e->caps_hash = h ? h : 1;
    if (window_ms(cap->window) > e->caps_longest_ms) e->caps_longest_ms = window_ms(cap->window);
  }
}

/* --- channels -------------------------------------------------------------------------------------------------------- */

bool policy_channel(struct str *rest, struct str *out) {
  size_t n = 0;
  while (n < rest->len && rest->ptr[n] != ' ') n++;
  *out = str_slice(rest->ptr, rest->ptr + n);
  *rest = str_slice(rest->ptr + n + (n < rest->len), rest->ptr + rest->len);
  return n > 0;
}

struct str person_address(const struct person *p, struct str channel) {
  static const struct field as_text = { .type = V_TEXT };
  struct str attribute = image_channel_address(p->image, channel);
  struct value v = attribute.len ? contact_attribute(p->c, attribute, &as_text, p->zone) : value_missing();
  return v.type == V_TEXT && v.aux ? value_str(v) : p->c->key;
}

/* An address is a text, a number that came as one, or a list of them: a contact has several devices. The key of a contact is an
 * address of email when it looks like one. */
bool policy_reaches(struct live *l, struct str channel, struct str *attribute) {
  static const struct field any = { .type = V_MISSING };
  *attribute = image_channel_address(l->e->image, channel);
  if (attribute->len == 0) return true;
  struct value v = contact_attribute(&l->c, *attribute, &any, l->zone);
  if ((v.type == V_TEXT && v.aux) || v.type == V_NUMBER || v.type == V_LIST) return true;
  return str_is(channel, "email") && memchr(l->c.key.ptr, '@', l->c.key.len) != NULL;
}

/* --- releases -------------------------------------------------------------------------------------------------------- */

static bool names(const struct engine *e, uint32_t string, struct str text) {
  return string == NONE || str_eq(unit_string(e->policy, string), text);
}

static bool counts(const struct engine *e, const struct cap *cap, const struct release *r) {
  return names(e, cap->channel, store_name_text(e->store, r->channel)) &&
         (cap->topic == NONE || (r->topic && names(e, cap->topic, store_name_text(e->store, r->topic))));
}

/* When what left at that moment is in the cap's window no longer. */
static int64_t leaves(const struct live *l, const struct cap *cap, int64_t at_ms) {
  if (cap->window.type == V_EXACT) return at_ms + cap->window.i;
  return zone_ago_reaches(l->zone, at_ms, (int64_t)cap->window.aux, cap->window.i);
}

static bool is_kept(const struct live *l, const struct release *r, int64_t now_ms) {
  const struct engine *e = l->e;
  for (uint32_t i = 0; i < e->policy->cap_count; i++)
    if (counts(e, &e->policy->caps[i], r) && leaves(l, &e->policy->caps[i], r->at_ms) > now_ms) return true;
  return false;
}

static void add(struct live *l, struct release r) {
  VEC_PUSH(&l->e->contact, &l->c.releases, r);
  for (uint32_t i = l->c.releases.count - 1; i > 0 && l->c.releases.items[i - 1].at_ms > r.at_ms; i--) {
    l->c.releases.items[i] = l->c.releases.items[i - 1];
    l->c.releases.items[i - 1] = r;
  }
}

static struct release release_of(struct live *l, const struct unit *message, struct str channel, int64_t at_ms) {
  struct store *s = l->e->store;
  struct release r = { .at_ms = at_ms, .channel = store_name_find(s, NAME_CHANNEL, channel) };
  if (message->topic != NONE) r.topic = store_name_find(s, NAME_LIST, unit_string(message, message->topic));
  return r;
}

static bool has_left(const struct outbox_row *row) {
  return row->state != OUTBOX_HELD && row->state != OUTBOX_DROPPED && row->state != OUTBOX_WITHDRAWN;
}

/* One that was held for longer than the longest window, and then left, is not looked for. */
static enum camp_err find_releases(struct live *l, int64_t now_ms) {
  struct engine *e = l->e;
  l->c.releases.count = 0;
  for (int64_t id = l->c.last_message; id;) {
    struct outbox_row row;
    arena_reset(&e->walk);
    TRY(store_outbox_get(e->store, &e->walk, id, &row));
    if (row.asked_ms < now_ms - 2 * e->caps_longest_ms) break;
    id = row.prev;
    const struct unit *message = image_message(e->image, store_name_text(e->store, row.message));
    if (!message || message->transactional || !has_left(&row)) continue;
    struct release r = release_of(l, message, row.via.len ? row.via : unit_string(message, message->channel), row.at_ms);
    if (is_kept(l, &r, now_ms)) add(l, r);
  }
  l->c.releases_of = e->caps_hash;
  l->changed = true;
  return CAMP_OK;
}

enum camp_err policy_prepare(struct live *l, int64_t now_ms) {
  if (l->c.releases_of == l->e->caps_hash) return CAMP_OK;
  if (l->e->caps_hash) return find_releases(l, now_ms);
  l->c.releases_of = 0;
  l->c.releases.count = 0;
  return CAMP_OK;
}

void policy_released(struct live *l, const struct unit *message, struct str channel, int64_t at_ms) {
  uint32_t kept = 0;
  if (!l->e->caps_hash || message->transactional) return;
  struct release r = release_of(l, message, channel, at_ms);
  for (uint32_t i = 0; i < l->c.releases.count; i++)
    if (is_kept(l, &l->c.releases.items[i], at_ms)) l->c.releases.items[kept++] = l->c.releases.items[i];
  l->c.releases.count = kept;
  if (is_kept(l, &r, at_ms)) add(l, r);
}

void policy_withdrawn(struct live *l, struct str channel, int64_t at_ms) {
  for (uint32_t i = l->c.releases.count; i-- > 0;) {
    const struct release *r = &l->c.releases.items[i];
    if (r->at_ms != at_ms || !str_eq(store_name_text(l->e->store, r->channel), channel)) continue;
    memmove(&l->c.releases.items[i], &l->c.releases.items[i + 1], (l->c.releases.count - i - 1) * sizeof *r);
    l->c.releases.count--;
    return;
  }
}

/* --- asking ---------------------------------------------------------------------------------------------------------- */

static bool caps_message(const struct live *l, const struct cap *cap, const struct unit *message, struct str channel) {
  struct str topic = message->topic == NONE ? (struct str){ 0 } : unit_string(message, message->topic);
  return names(l->e, cap->channel, channel) && (cap->topic == NONE || (topic.len && names(l->e, cap->topic, topic)));
}

bool policy_caps(const struct live *l, const struct unit *message, struct str channels) {
  const struct unit *p = l->e->policy;
  for (struct str rest = channels, one; p && policy_channel(&rest, &one);)
    for (uint32_t i = 0; i < p->cap_count; i++)
      if (caps_message(l, &p->caps[i], message, one)) return true;
  return false;
}

/* When the cap has room: the moment when the n-th newest that counts leaves the window; INT64_MIN when there are fewer. */
static int64_t room_ms(const struct live *l, const struct cap *cap) {
  uint32_t n = 0;
  for (uint32_t i = l->c.releases.count; i-- > 0;)
    if (counts(l->e, cap, &l->c.releases.items[i]) && ++n == cap->count) return leaves(l, cap, l->c.releases.items[i].at_ms);
  return INT64_MIN;
}

static bool on_day(const struct quiet *q, int64_t day) { return q->weekdays >> calendar_weekday(day) & 1; }

/* The end of the quiet hours in which the moment lies; INT64_MIN when it lies in none. */
static int64_t quiet_end(const struct live *l, const struct quiet *q, int64_t at_ms) {
  int64_t civil = zone_to_civil(l->zone, at_ms), day = civil / MS_PER_DAY - (civil % MS_PER_DAY < 0);
  bool overnight = q->to_ms <= q->from_ms;
  for (int64_t d = day - 1; d <= day; d++) {
    if (!on_day(q, d)) continue;
    int64_t from = zone_to_utc(l->zone, d * MS_PER_DAY + q->from_ms), to = zone_to_utc(l->zone, (d + overnight) * MS_PER_DAY + q->to_ms);
    if (from <= at_ms && at_ms < to) return to;
  }
  return INT64_MIN;
}

/* The rule's moment at which it lets go of what it holds at at_ms, and whether it holds it at all. */
static bool holds(const struct live *l, uint32_t rule, const struct unit *message, struct str channel, int64_t at_ms, int64_t *until_ms) {
  const struct unit *p = l->e->policy;
  if (rule < p->quiet_count) {
    const struct quiet *q = &p->quiets[rule];
    *until_ms = names(l->e, q->channel, channel) ? quiet_end(l, q, at_ms) : INT64_MIN;
  } else {
    const struct cap *cap = &p->caps[rule - p->quiet_count];
    *until_ms = caps_message(l, cap, message, channel) ? room_ms(l, cap) : INT64_MIN;
  }
  return *until_ms > at_ms;
}

static bool drops(const struct unit *p, uint32_t rule) { return rule < p->quiet_count ? p->quiets[rule].drop : p->caps[rule - p->quiet_count].drop; }

static struct str rule_text(const struct unit *p, uint32_t rule) {
  return unit_string(p, rule < p->quiet_count ? p->quiets[rule].text : p->caps[rule - p->quiet_count].text);
}

/* The earliest moment at which nothing that delays holds it any more. */
static int64_t free_ms(const struct live *l, const struct unit *message, struct str channel, int64_t at_ms) {
  const struct unit *p = l->e->policy;
  int64_t until_ms;
  for (int moves = 0; moves < MOVES_MAX; moves++) {
    int64_t before_ms = at_ms;
    for (uint32_t i = 0; i < p->quiet_count + p->cap_count; i++)
      if (!drops(p, i) && holds(l, i, message, channel, at_ms, &until_ms)) at_ms = until_ms;
    if (at_ms == before_ms) break;
  }
  return at_ms;
}

struct verdict policy_ask(struct live *l, const struct unit *message, struct str channel, int64_t now_ms) {
  const struct unit *p = l->e->policy;
  struct verdict v = { .what = VERDICT_LEAVES, .channel = channel, .until_ms = now_ms };
  if (!p || message->transactional) return v;
  int64_t until_ms;
  for (uint32_t i = 0; i < p->quiet_count + p->cap_count; i++) {
    if (!holds(l, i, message, channel, now_ms, &until_ms)) continue;
    if (drops(p, i)) {
      v.what = VERDICT_DROPPED;
      v.reason = rule_text(p, i);
      return v;
    }
    v.reason = v.what == VERDICT_HELD ? arena_printf(&l->e->contact, STR_FMT ", " STR_FMT, STR_ARG(v.reason), STR_ARG(rule_text(p, i))) : rule_text(p, i);
    v.what = VERDICT_HELD;
  }
  if (v.what == VERDICT_HELD) v.until_ms = free_ms(l, message, channel, now_ms);
  return v;
}
