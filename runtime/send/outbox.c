/* The outbox: takes rows that are ready, has them rendered and delivered, and records what became of each.
 *
 * Not for: deciding whether a message may go (the engine does, at release), how bytes travel (the senders).
 *
 *        engine: store_outbox_put                   engine: store_outbox_put
 *                  |                                           |
 *                  v                                           v
 *     +--------> READY --- engine: a stop ---> WITHDRAWN    DROPPED (no consent, a cap, an expiry; with its reason)
 *     |            |
 *     |            | send_batch takes it
 *     |            |
 *     |            +-- it has waited, and its contact does not want it any more: settle_unrendered --> DROPPED
 *     |            +-- render_envelope says no ------------- settle_unrendered --> FAILED
 *     |            |
 *     |            +-- deliver: DELIVERY_REFUSED ----------- settle_delivered ---> FAILED
 *     |            |
 *     |            +-- deliver: DELIVERY_OK, then sync ----- settle_delivered ---> SENT
 *     |            |
 *     |            +-- deliver: DELIVERY_RETRY ------------- settle_delivered ---> DEFERRED
 *     |                                                                               |
 *     +--- store_outbox_ready gives it out again, RETRY_AFTER_MS later ---------------+
 *     |
 *     +--- take_batch finds that a pause holds it: PAUSED, until `camp outbox resume`
 *
 * CLAIMED is for senders that work while the engine does (SMTP): rows that a sender holds cannot be withdrawn. They are committed as
 * claimed before they are handed over; what became of them is collected at a later flush. A crash leaves them CLAIMED: store_open
 * makes them READY, and the sender's journal says first which of them had been taken, and which are in doubt (DOUBT: to be
 * tried again as DEFERRED is, under the same key). Other senders run in the engine's thread, between two ticks, and claim nothing.
 *
 * People pause, retry and withdraw beside all this (`camp outbox`, runtime/store/outbox_actions.c). A batch is taken, rendered and claimed
 * or delivered within one transaction, which begins with a look at what they wrote. After a new action a sender beside the engine gives
 * back what it has not begun, so that a pause or a withdrawal reaches it.
 *
 * Invariants:
 * 1. A row becomes SENT only after deliver said OK and sync returned, in one transaction with the sender's mark.
 * 2. A crash, or a failed commit, leaves rows READY and the mark as it was. What had been delivered is delivered again under the
 *    same keys by a sender that was opened anew with that mark: file: cuts itself back, maildir: writes the same names.
 * 3. A sender that has failed, or whose work was not committed, is not used again before it was opened anew. What it had claimed is ready
 *    again then; its journal says first what of that had left.
 * 4. Every flush ends: a finished row is never ready again, and a batch that finished none (all were put off) is the last.
 * 5. A batch holds at most BATCH_BYTES of rendered text beyond its last message, however many rows were asked for.
 * 6. A message leaves at its release or later, and never after its expiry; in virtual time, always at its release.
 * 7. What has waited since its release is asked about again before it is handed over: a contact that has left or complained meanwhile gets
 *    nothing more. In virtual time nothing waits.
 * 8. No row that is withdrawn or held by a pause is handed to a sender after the transaction that said so. */
#include "runtime/send/send.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/send/render.h"
#include "runtime/send/senders.h"
#include "vm/base/limits.h"

enum { BATCH_COUNT_CHOSEN = 4096, BATCH_BYTES = 16 << 20, RETRY_AFTER_MS = 5 * 60 * 1000, COLLECT_COUNT = 4096, TURNS_MAX = 8, HTTP_AGAIN_MS = 60 * 60 * 1000,
  REOPEN_MS = 5000, REFILL_MS = 100,
  WAITED_MS = 60 * 1000 /* since its release; less, and nothing is asked again */ };
/* Relays: the first retry no sooner than half an hour, then as long again as the mail has waited, to four hours (RFC 5321, 4.5.4.1); and
 * once at the end of the time for which it is tried. */
#define RELAY_RETRY_MIN_MS (30 * 60 * 1000LL)
#define RELAY_RETRY_MAX_MS (4 * 3600 * 1000LL)

struct outbox {
  struct store *store;
  const struct image *image;
  const struct sender_ops *ops;
  const char *target;
  struct sender *sender;   /* NULL until needed, and after a failure */
  struct arena kept;       /* spec, key */
  struct arena batch;
  struct buf scratch;
  struct texts *texts;     /* templates of messages */
  struct str key;          /* of the sender in the store */
  int64_t now_ms;          /* of the last flush */
  const char *journal;     /* of a sender beside the engine; NULL for a database in memory */
  struct settled *settled; /* room for COLLECT_COUNT */
  struct arena orders;     /* pauses */
  struct outbox_action *pauses;
  uint32_t pause_count;
  int64_t version;         /* of the database when they were read; 0: not yet */
  int64_t last_action;
  struct outbox_asker asker;
  bool left_claimed;       /* a sender was closed that had rows, which are to be ready again before the next one is opened */
  int64_t handed_ms;       /* when mails were last looked for that are to go */
  int64_t reopen_ms;       /* a sender that broke is not opened anew before; 0: none broke */
  char trouble[WHY_BYTES]; /* of a sender that was closed; told once */
};

struct batch {
  const struct outbox_item *items;
  uint32_t count;              /* rows of this batch; those behind them come with the next */
  struct envelope *envelopes;  /* of the rows that could be rendered */
  struct outcome *outcomes;
  uint32_t envelope_count;
  const struct outbox_item **rendered; /* envelope -> its row */
  struct ended { const struct outbox_item *item; enum outbox_state state; struct str reason; } *ended; /* failed, or dropped */
  uint32_t ended_count, deferred_count, held_count, http_count;
  const struct outbox_item **http; /* rows that leave over HTTP, which this sender does not take */
  struct held { const struct outbox_item *item; const struct outbox_action *pause; } *held;
};

static enum camp_err store_failed(const struct outbox *o, enum camp_err err, char why[WHY_BYTES]) {
  const struct store_error *e = store_last_error(o->store);
  snprintf(why, WHY_BYTES, "%.250s", e && e->text[0] ? e->text : camp_err_text(err));
  return err;
}

static void close_sender(struct outbox *o) {
  if (o->sender && o->ops->background) o->ops->background->close(o->sender);
  else if (o->sender) o->ops->close(o->sender);
  o->sender = NULL;
  o->version = o->last_action = 0; /* the next one is to hear of pauses */
}

/* In the store 0 means "never used", so a mark is kept as one more than what the sender said. */
static enum camp_err put_mark(struct outbox *o, int64_t mark) { return store_sender_put(o->store, o->key, mark + 1); }

static enum camp_err commit_mark(struct outbox *o, int64_t mark, char why[WHY_BYTES]) {
  enum camp_err err = store_begin(o->store);
  if (err) return store_failed(o, err, why);
  err = put_mark(o, mark);
  if (!err) err = store_commit(o->store);
  if (!err) return CAMP_OK;
  store_failed(o, err, why);
  store_rollback(o->store);
  return err;
}

static enum camp_err unclaim(struct outbox *o, char why[WHY_BYTES]) {
  enum camp_err err = store_begin(o->store);
  if (err) return store_failed(o, err, why);
  err = store_outbox_unclaim(o->store);
  if (!err) err = store_commit(o->store);
  if (!err) {
    o->left_claimed = false;
    return CAMP_OK;
  }
  store_failed(o, err, why);
  store_rollback(o->store);
  return err;
}

/* The first mark is committed before the first delivery: from then on everything behind the mark is known to be ours, so that
 * cutting back can never cut somebody else's bytes. */
static enum camp_err open_sender(struct outbox *o, char why[WHY_BYTES]) {
  if (o->sender) return CAMP_OK;
  if (o->ops->background) {
    enum camp_err freed = o->left_claimed ? unclaim(o, why) : CAMP_OK;
    if (freed) return freed;
    struct sender_place place = { o->journal, store_identity(o->store) };
    return o->ops->background->open(o->target, &place, &o->sender, why);
  }
  int64_t stored = 0, mark = 0;
  enum camp_err err = store_sender_get(o->store, o->key, &stored);
  if (err) return store_failed(o, err, why);
  err = o->ops->open(o->target, stored - 1, &o->sender, why);
  if (err) o->sender = NULL;
  if (err || stored > 0) return err;
  err = o->ops->sync(o->sender, &mark, why);
  if (!err) err = commit_mark(o, mark, why);
  if (err) close_sender(o);
  return err;
}

void outbox_zones(struct outbox *o, zone_finder *find, void *context, const struct zone *project) {
  texts_zones(o->texts, find, context, project);
}

void outbox_asks(struct outbox *o, struct outbox_asker asker) { o->asker = asker; }

enum camp_err outbox_open(struct store *s, const struct image *image, const char *spec, struct outbox **out, char why[256]) {
  *out = NULL;
  const char *target;
  const struct sender_ops *ops = sender_find(spec, &target, why);
  if (!ops) return CAMP_BAD;
  struct outbox *o = calloc(1, sizeof *o);
  CHECK(o);
  *o = (struct outbox){ .store = s, .image = image, .ops = ops };
  arena_init(&o->kept, 4096);
  arena_init(&o->batch, 1 << 20);
  arena_init(&o->orders, 4096);
  buf_init(&o->scratch, LIMIT_MESSAGE_BYTES);
  o->texts = texts_new();
  if (!texts_open(o->texts, ops->background != NULL, why)) {
    outbox_close(o);
    return CAMP_BAD;
  }
  texts_missing(o->texts, image, why);
  if (why[0]) {
    outbox_close(o);
    return CAMP_BAD;
  }
  o->target = arena_str(&o->kept, str_from_c(target)).ptr;
  o->key = sender_key(&o->kept, ops, o->target);
  const char *path = store_path(s);
  if (path) o->journal = arena_printf(&o->kept, "%s-sending", path).ptr;
  o->settled = arena_zalloc(&o->kept, COLLECT_COUNT, sizeof *o->settled);
  enum camp_err err = open_sender(o, why);
  if (err) outbox_close(o);
  else *out = o;
  return err;
}

/* --- pauses ---------------------------------------------------------------------------------------------------------- */

/* Reads what people have done since it was last looked at. */
static enum camp_err look(struct outbox *o, char why[WHY_BYTES]) {
  int64_t version = 0, last = 0;
  enum camp_err err = store_version(o->store, &version);
  if (!err && o->version && version == o->version) return CAMP_OK;
  arena_reset(&o->orders);
  o->pause_count = 0;
  if (!err) err = store_outbox_pauses(o->store, &o->orders, &o->pauses, &o->pause_count, &last);
  if (err) return store_failed(o, err, why);
  if (o->sender && o->ops->background && last != o->last_action) o->ops->background->steer(o->sender, o->pauses, o->pause_count);
  o->version = version;
  o->last_action = last;
  return CAMP_OK;
}

/* What stands behind the address's @, without the > of `Name <address>`. */
static struct str domain_of(struct str address) {
  const char *at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;
  struct str domain = at ? str_slice(at + 1, address.ptr + address.len) : address;
  while (domain.len && (domain.ptr[domain.len - 1] == '>' || domain.ptr[domain.len - 1] == ' ')) domain.len--;
  return domain;
}

static bool same_domain(struct str a, struct str b) { return a.len == b.len && (!a.len || strncasecmp(a.ptr, b.ptr, a.len) == 0); }

/* The pause that holds a row; to is its address, NULL while that is not known. */
static const struct outbox_action *held_by(const struct outbox *o, const struct outbox_item *item, const struct str *to) {
  for (uint32_t i = 0; i < o->pause_count; i++) {
    const struct outbox_action *p = &o->pauses[i];
    const struct outbox_choice *c = &p->choice;
    if (p->relay.len || (c->domain.len != 0) != (to != NULL)) continue;
    if (c->message.len && !str_eq(c->message, store_name_text(o->store, item->row.message))) continue;
    if (c->campaign.len && !str_eq(c->campaign, store_name_text(o->store, item->row.campaign))) continue;
    if (c->contact.len && !str_eq(c->contact, item->key)) continue;
    if (to && !same_domain(c->domain, domain_of(*to))) continue;
    return p;
  }
  return NULL;
}

static bool hold(const struct outbox *o, struct batch *b, const struct outbox_item *item, const struct str *to) {
  const struct outbox_action *pause = o->pause_count ? held_by(o, item, to) : NULL;
  if (pause) b->held[b->held_count++] = (struct held){ item, pause };
  return pause != NULL;
}

/* --- expiry ---------------------------------------------------------------------------------------------------------- */

/* Until when a message is worth sending, as its `expires after` says, from when the script sent it. *message: NULL, it says nothing. */
static int64_t expiry_ms(const struct outbox *o, const struct outbox_row *row, const struct unit **message) {
  const struct unit *u = image_message(o->image, store_name_text(o->store, row->message));
  int64_t asked_ms = row->asked_ms ? row->asked_ms : row->at_ms;
  *message = u && u->expires.type != V_MISSING ? u : NULL;
  if (!*message) return STORE_NEVER;
  if (u->expires.type == V_EXACT) return asked_ms + u->expires.i;
  return zone_add(zone_utc(), asked_ms, (int32_t)u->expires.aux, u->expires.i);
}

/* "expired after 30m: " and what kept it until then. */
static struct str expired(struct outbox *o, const struct unit *message, struct str before) {
  buf_clear(&o->scratch);
  buf_c(&o->scratch, "expired after ");
  value_show(&o->scratch, message->expires);
  if (before.len) buf_printf(&o->scratch, ": " STR_FMT, STR_ARG(before));
  return arena_str(&o->batch, buf_as_str(&o->scratch));
}

/* "4 days", "90 minutes" */
static const char *span_text(struct arena *a, int64_t ms) {
  int64_t minutes = ms / 60000;
  if (minutes % 1440 == 0 && minutes > 1440) return arena_printf(a, "%lld days", (long long)minutes / 1440).ptr;
  if (minutes % 60 == 0 && minutes > 60) return arena_printf(a, "%lld hours", (long long)minutes / 60).ptr;
  return arena_printf(a, "%lld minutes", (long long)minutes).ptr;
}

/* --- batches --------------------------------------------------------------------------------------------------------- */

static void give_up(struct batch *b, const struct outbox_item *item, enum outbox_state state, struct str reason) {
  b->ended[b->ended_count++] = (struct ended){ item, state, reason };
}

/* Whether it still may leave; *gone: it may not, and is dropped. */
static enum camp_err ask_again(struct outbox *o, struct batch *b, const struct outbox_item *item, int64_t now_ms, bool *gone) {
  struct str reason, before = item->row.reason;
  *gone = false;
  if (!o->asker.ask || now_ms == INT64_MIN || (item->row.state == OUTBOX_READY && now_ms - item->row.at_ms < WAITED_MS)) return CAMP_OK;
  enum camp_err err = o->asker.ask(o->asker.context, &item->row, now_ms, &o->batch, &reason);
  *gone = !err && reason.len;
  if (!*gone) return err;
  if (before.len) reason = arena_printf(&o->batch, STR_FMT "; before: " STR_FMT, STR_ARG(reason), STR_ARG(before));
  give_up(b, item, OUTBOX_DROPPED, reason);
  return CAMP_OK;
}

static enum camp_err render_batch(struct outbox *o, const struct outbox_item *items, uint32_t count, int64_t now_ms, struct batch *b) {
  struct arena *a = &o->batch;
  *b = (struct batch){ .items = items };
  b->envelopes = arena_zalloc(a, count, sizeof *b->envelopes);
  b->outcomes = arena_zalloc(a, count, sizeof *b->outcomes);
  b->rendered = arena_zalloc(a, count, sizeof *b->rendered);
  b->ended = arena_zalloc(a, count, sizeof *b->ended);
  b->held = arena_zalloc(a, count, sizeof *b->held);
  b->http = arena_zalloc(a, count, sizeof *b->http);
  for (size_t bytes = 0; b->count < count && bytes < BATCH_BYTES; b->count++) {
    char reason[160];
    struct envelope *e = &b->envelopes[b->envelope_count];
    const struct outbox_item *item = &items[b->count];
    /* Before it is rendered: somebody may have paused a message because it cannot be. */
    if (hold(o, b, item, NULL)) continue;
    const struct unit *message;
    if (now_ms >= expiry_ms(o, &item->row, &message)) {
      give_up(b, item, OUTBOX_FAILED, expired(o, message, item->row.reason));
      continue;
    }
    bool gone;
    enum camp_err err = ask_again(o, b, item, now_ms, &gone);
    if (err) return err;
    if (gone) continue;
    if (render_envelope(o->texts, o->image, o->store, item, a, &o->scratch, e, reason)) {
      if (hold(o, b, item, &e->to)) continue;
      if (e->request.len && !o->ops->writes_requests) {
        b->http[b->http_count++] = item;
        continue;
      }
      b->rendered[b->envelope_count++] = item;
      bytes += e->subject.len + e->body.len + e->text.len;
    } else {
      give_up(b, item, OUTBOX_FAILED, arena_str(a, str_from_c(reason)));
    }
  }
  return CAMP_OK;
}

static enum camp_err settle_unrendered(struct outbox *o, const struct batch *b, int64_t now_ms) {
  for (uint32_t i = 0; i < b->ended_count; i++) {
    enum camp_err err = store_outbox_state(o->store, b->ended[i].item->row.id, b->ended[i].state, now_ms, b->ended[i].reason);
    if (err) return err;
  }
  for (uint32_t i = 0; i < b->held_count; i++) {
    const struct outbox_row *row = &b->held[i].item->row;
    enum camp_err err = store_outbox_pause(o->store, row->id, row->at_ms, b->held[i].pause);
    if (err) return err;
  }
  for (uint32_t i = 0; i < b->http_count; i++) {
    enum camp_err err = store_outbox_state(o->store, b->http[i]->row.id, OUTBOX_DEFERRED, now_ms + HTTP_AGAIN_MS,
                                           STR("waits for a sender that takes what leaves over HTTP, such as file:PATH"));
    if (err) return err;
  }
  return CAMP_OK;
}

/* Takes rows that are ready into a batch, rendered; the transaction that this begins is the caller's to end. None: b->count is 0 and
 * there is no transaction. */
static enum camp_err take_batch(struct outbox *o, bool by_time, int64_t until_ms, int64_t now_ms, uint32_t max, struct batch *b,
                                char why[WHY_BYTES]) {
  struct outbox_item *items = NULL;
  uint32_t count = 0;
  *b = (struct batch){ .count = 0 };
  arena_reset(&o->batch);
  /* An idle turn costs no transaction. */
  enum camp_err err = store_outbox_ready(o->store, &o->batch, by_time, until_ms, 1, &items, &count);
  if (err) return store_failed(o, err, why);
  if (!count) return CAMP_OK;
  err = store_begin(o->store);
  if (err) return store_failed(o, err, why);
  err = look(o, why);
  if (!err && (err = store_outbox_ready(o->store, &o->batch, by_time, until_ms, max, &items, &count))) store_failed(o, err, why);
  if (!err && count && (err = render_batch(o, items, count, now_ms, b))) store_failed(o, err, why);
  if (err || !count) store_rollback(o->store);
  return err;
}

static enum camp_err end_batch(struct outbox *o, enum camp_err err, char why[WHY_BYTES]) {
  if (!err) err = store_commit(o->store);
  if (!err) return CAMP_OK;
  store_failed(o, err, why);
  store_rollback(o->store);
  return err;
}

static void count_sent(const struct outbox *o, const struct outbox_row *row, struct send_count *sent) {
  if (store_name_kind(o->store, row->message) == NAME_CALL) sent->calls++;
  else sent->messages++;
}

/* In virtual time a message leaves at the moment of its release: when the flush happens says nothing, and the rows are to be
 * the same whatever the size of a batch. */
static enum camp_err settle_delivered(struct outbox *o, const struct batch *b, bool by_time, int64_t now_ms, struct send_count *sent,
                                      uint32_t *deferred) {
  for (uint32_t i = 0; i < b->envelope_count; i++) {
    const struct outbox_row *row = &b->rendered[i]->row;
    int64_t at_ms = by_time ? row->at_ms : now_ms;
    struct str reason = str_from_c(b->outcomes[i].reason);
    enum outbox_state state = OUTBOX_SENT;
    if (b->outcomes[i].result == DELIVERY_REFUSED) state = OUTBOX_FAILED;
    if (b->outcomes[i].result == DELIVERY_RETRY) state = OUTBOX_DEFERRED, at_ms = now_ms + RETRY_AFTER_MS;
    enum camp_err err = store_outbox_state(o->store, row->id, state, at_ms, reason);
    if (err) return err;
    if (state == OUTBOX_SENT) count_sent(o, row, sent);
    *deferred += state == OUTBOX_DEFERRED;
  }
  return CAMP_OK;
}

static enum camp_err commit_batch(struct outbox *o, struct batch *b, bool by_time, int64_t now_ms, int64_t mark, struct send_count *sent,
                                  char why[WHY_BYTES]) {
  struct send_count here = { 0 };
  enum camp_err err = settle_unrendered(o, b, now_ms);
  if (!err) err = settle_delivered(o, b, by_time, now_ms, &here, &b->deferred_count);
  if (!err && b->envelope_count) err = put_mark(o, mark);
  err = end_batch(o, err, why);
  if (!err) sent->messages += here.messages, sent->calls += here.calls;
  return err;
}

/* Delivers a batch and ends its transaction. */
static enum camp_err send_batch(struct outbox *o, struct batch *b, bool by_time, int64_t now_ms, struct send_count *sent,
                                char why[WHY_BYTES]) {
  int64_t mark = 0;
  enum camp_err err = CAMP_OK;
  if (b->envelope_count) {
    err = o->ops->deliver(o->sender, b->envelopes, b->envelope_count, b->outcomes, why);
    if (!err) err = o->ops->sync(o->sender, &mark, why);
  }
  if (err) store_rollback(o->store);
  else err = commit_batch(o, b, by_time, now_ms, mark, sent, why);
  if (err) close_sender(o);
  return err;
}

/* --- senders beside the engine --------------------------------------------------------------------------------------- */

static int64_t relay_retry_ms(int64_t at_ms, int64_t now_ms) {
  int64_t waited = now_ms - at_ms;
  return now_ms + (waited < RELAY_RETRY_MIN_MS ? RELAY_RETRY_MIN_MS : waited > RELAY_RETRY_MAX_MS ? RELAY_RETRY_MAX_MS : waited);
}

/* Withdrawn while a sender had it: it stays so, unless it had left. */
static enum camp_err settle_withdrawn(struct outbox *o, const struct outbox_row *row, const struct settled *d, int64_t now_ms, struct send_count *sent) {
  struct str text = row->reason;
  bool said = text.len && memmem(text.ptr, text.len, "may have arrived", 16);
  if (d->outcome.result == DELIVERY_OK) {
    count_sent(o, row, sent);
    text = arena_printf(&o->batch, "it had left before it was " STR_FMT, STR_ARG(row->reason));
    return store_outbox_state(o->store, row->id, OUTBOX_SENT, now_ms, text);
  }
  if (d->outcome.result != DELIVERY_DOUBT || said) return CAMP_OK;
  text = arena_printf(&o->batch, STR_FMT "; it was under way, and may have arrived", STR_ARG(row->reason));
  return store_outbox_state(o->store, row->id, OUTBOX_WITHDRAWN, now_ms, text);
}

static enum camp_err settle_one(struct outbox *o, const struct settled *d, int64_t now_ms, struct send_count *sent) {
  struct outbox_row row;
  enum camp_err err = store_outbox_get(o->store, &o->batch, d->outbox_id, &row);
  if (d->left_over && err == CAMP_NOT_FOUND) return CAMP_OK;
  if (err) return err;
  struct str reason = str_from_c(d->outcome.reason);
  if (row.state == OUTBOX_WITHDRAWN) return settle_withdrawn(o, &row, d, now_ms, sent);
  /* A journal may know less than the database: what was recorded stays. */
  bool open = row.state == OUTBOX_CLAIMED || row.state == OUTBOX_READY || row.state == OUTBOX_DEFERRED || row.state == OUTBOX_DOUBT ||
              row.state == OUTBOX_PAUSED;
  if (d->left_over && !open) return CAMP_OK;
  switch (d->outcome.result) {
    case DELIVERY_OK:
      count_sent(o, &row, sent);
      return store_outbox_state(o->store, row.id, OUTBOX_SENT, now_ms, reason);
    case DELIVERY_REFUSED: return store_outbox_state(o->store, row.id, OUTBOX_FAILED, now_ms, reason);
    case DELIVERY_UNBEGUN: return store_outbox_state(o->store, row.id, OUTBOX_READY, row.at_ms, (struct str){ NULL, 0 });
    case DELIVERY_RETRY:
    case DELIVERY_WAIT:
    case DELIVERY_DOUBT: break;
  }
  const struct unit *message;
  int64_t last_ms = row.at_ms + o->ops->background->keep_ms(o->sender), expires_ms = expiry_ms(o, &row, &message);
  if (now_ms >= last_ms || now_ms >= expires_ms) {
    if (now_ms >= expires_ms) reason = expired(o, message, reason);
    else reason = arena_printf(&o->batch, "given up, %s after its release: " STR_FMT, span_text(&o->batch, last_ms - row.at_ms), STR_ARG(reason));
    return store_outbox_state(o->store, row.id, OUTBOX_FAILED, now_ms, reason);
  }
  if (expires_ms < last_ms) last_ms = expires_ms;
  enum outbox_state state = d->outcome.result == DELIVERY_DOUBT ? OUTBOX_DOUBT : OUTBOX_DEFERRED;
  int64_t again_ms = d->outcome.result == DELIVERY_WAIT ? now_ms + d->wait_ms : relay_retry_ms(row.at_ms, now_ms);
  return store_outbox_state(o->store, row.id, state, again_ms < last_ms ? again_ms : last_ms, reason);
}

/* Records what became of mails that were handed over; *count: of how many, COLLECT_COUNT when there may be more. */
static enum camp_err collect(struct outbox *o, int64_t now_ms, struct send_count *sent, uint32_t *count, char why[WHY_BYTES]) {
  uint32_t n = o->ops->background->collect(o->sender, o->settled, COLLECT_COUNT);
  *count = n;
  if (!n) return CAMP_OK;
  arena_reset(&o->batch);
  struct send_count here = { 0 };
  enum camp_err err = store_begin(o->store);
  if (err) return store_failed(o, err, why);
  for (uint32_t i = 0; i < n && !err; i++) err = settle_one(o, &o->settled[i], now_ms, &here);
  if (!err) err = store_commit(o->store);
  if (err) {
    store_failed(o, err, why);
    store_rollback(o->store);
    return err;
  }
  sent->messages += here.messages;
  sent->calls += here.calls;
  o->ops->background->committed(o->sender);
  return CAMP_OK;
}

static enum camp_err claim(struct outbox *o, const struct batch *b, int64_t now_ms, char why[WHY_BYTES]) {
  enum camp_err err = settle_unrendered(o, b, now_ms);
  for (uint32_t i = 0; i < b->envelope_count && !err; i++) {
    const struct outbox_row *row = &b->rendered[i]->row;
    err = store_outbox_state(o->store, row->id, OUTBOX_CLAIMED, row->at_ms, (struct str){ NULL, 0 });
  }
  return end_batch(o, err, why);
}

static enum camp_err hand_over(struct outbox *o, int64_t until_ms, int64_t now_ms, bool *any, char why[WHY_BYTES]) {
  uint32_t room = o->ops->background->room(o->sender);
  struct batch b;
  *any = false;
  if (room > BATCH_COUNT_CHOSEN) room = BATCH_COUNT_CHOSEN;
  if (!room) return CAMP_OK;
  /* Who looks for what is ready passes all that is claimed, so it is done for many places at once, or now and then. */
  bool soon = now_ms >= o->handed_ms && now_ms - o->handed_ms < REFILL_MS;
  if (soon && room < o->ops->background->under_way(o->sender) / 8) return CAMP_OK;
  o->handed_ms = now_ms;
  enum camp_err err = take_batch(o, false, until_ms, now_ms, room, &b, why);
  if (err || !b.count) return err;
  err = claim(o, &b, now_ms, why);
  if (err) return err;
  o->ops->background->submit(o->sender, b.envelopes, b.envelope_count);
  *any = true;
  return CAMP_OK;
}

/* It can send no more: what it had comes back, and after a while it is opened anew. */
static enum camp_err close_broken(struct outbox *o, int64_t now_ms, struct send_count *sent, char why[WHY_BYTES]) {
  enum camp_err err = CAMP_OK;
  uint32_t some = 1;
  /* The last one is why it can send no more. */
  for (char text[WHY_BYTES]; o->ops->background->trouble(o->sender, text), text[0];) memcpy(o->trouble, text, WHY_BYTES);
  o->ops->background->finish(o->sender);
  while (some && !err) err = collect(o, now_ms, sent, &some, why);
  o->left_claimed = err != CAMP_OK;
  close_sender(o);
  o->reopen_ms = now_ms + REOPEN_MS;
  return err;
}

/* A sender whose outcomes could not be committed is opened anew: its journal has them. */
static enum camp_err flush_beside(struct outbox *o, int64_t until_ms, int64_t now_ms, struct send_count *sent, char why[WHY_BYTES]) {
  if (!o->sender && now_ms < o->reopen_ms) return CAMP_OK;
  enum camp_err err = open_sender(o, why);
  if (!err) err = look(o, why);
  for (int turn = 0; turn < TURNS_MAX && !err; turn++) {
    bool handed = false;
    uint32_t count = COLLECT_COUNT;
    /* All that there was: what a journal says of rows that are ready again must be recorded before they could be handed over anew. What is
     * settled meanwhile is for the next flush: a commit for each few mails would cost more than the mails. */
    while (count == COLLECT_COUNT && !err) err = collect(o, now_ms, sent, &count, why);
    if (err) {
      o->left_claimed = true;
      close_sender(o);
      return err;
    }
    if (o->ops->background->broken(o->sender)) return close_broken(o, now_ms, sent, why);
    err = hand_over(o, until_ms, now_ms, &handed, why);
    if (!handed) break;
  }
  return err;
}

bool outbox_is_live(const struct outbox *o) { return o->ops->background != NULL; }

uint32_t outbox_under_way(const struct outbox *o) {
  return o->sender && o->ops->background ? o->ops->background->under_way(o->sender) : 0;
}

bool outbox_trouble(struct outbox *o, char text[256]) {
  memcpy(text, o->trouble, WHY_BYTES);
  o->trouble[0] = 0;
  if (text[0]) return true;
  if (o->sender && o->ops->background) o->ops->background->trouble(o->sender, text);
  return text[0] != 0;
}

/* What is under way has its answer before the process ends, if the relay gives one; what stays claimed is ready again at the next
 * opening. */
static void finish_beside(struct outbox *o) {
  char why[WHY_BYTES];
  struct send_count sent = { 0 };
  uint32_t some = 1;
  if (!o->sender || !o->ops->background) return;
  o->ops->background->finish(o->sender);
  while (some && collect(o, o->now_ms, &sent, &some, why) == CAMP_OK) continue;
}

void outbox_close(struct outbox *o) {
  if (!o) return;
  finish_beside(o);
  close_sender(o);
  arena_deinit(&o->kept);
  arena_deinit(&o->batch);
  arena_deinit(&o->orders);
  buf_deinit(&o->scratch);
  texts_free(o->texts);
  free(o);
}

enum camp_err outbox_flush(struct outbox *o, bool by_time, int64_t until_ms, int64_t now_ms, uint32_t batch, struct send_count *sent,
                           char why[256]) {
  if (batch == 0) batch = BATCH_COUNT_CHOSEN;
  if (batch > LIMIT_BATCH_COUNT) batch = LIMIT_BATCH_COUNT;
  if (o->ops->background) {
    CHECK(!by_time);
    o->now_ms = now_ms;
    return flush_beside(o, until_ms, now_ms, sent, why);
  }
  for (;;) {
    struct batch b;
    enum camp_err err = open_sender(o, why);
    if (!err) err = take_batch(o, by_time, until_ms, by_time ? INT64_MIN : now_ms, batch, &b, why);
    if (err || !b.count) return err;
    err = send_batch(o, &b, by_time, now_ms, sent, why);
    if (err || b.deferred_count + b.http_count == b.count) return err;
  }
}
