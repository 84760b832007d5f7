/* The SMTP sender: mails handed to relays over connections of their own thread, beside the engine.
 *
 * Not for: which mails go and what is recorded of them (outbox.c), mails and connections themselves (relay_mail.c, relay_open.c, relay_line.c).
 *
 *     engine's thread            |  this thread
 *     submit --------> todo -----+--> line --MAIL…dot--> relay
 *     collect <------- done <----+--- fate
 *
 * Invariants:
 * 1. A mail that was submitted comes back exactly once by collect, or is still here when the process ends; then its row is claimed in
 *    the database and the journal says whether its dot had left.
 * 2. No bytes of a mail leave before the journal says so.
 * 3. The thread touches what is under `lock` only with it; lines, libcurl and the signer are its own.
 * 4. A relay that fails is left alone for a while that doubles; mails wait meanwhile and lose nothing.
 * 5. The thread waits in one place, for all connections at once; whatever one server does or does not, the others' dialogues go on.
 * 6. Closing waits at most CLOSE_MS for answers to dots that have left; what is unanswered then is in doubt. */
#include "runtime/send/relay_parts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/send/address.h"
#include "runtime/send/mime.h"

static int64_t steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the thread ---------------------------------------------------------------------------------------------------- */

static int wait_for(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  int64_t wait = TURN_MS, wake = s->to.wake_ms;
  uint32_t ready = s->to.ready_count;
  pthread_mutex_unlock(&s->lock);
  for (uint32_t i = 0; i < s->relay_count; i++) {
    int64_t left = s->relays[i].retry_ms - s->now_ms;
    if (ready && left > 0 && left < wait) wait = left;
  }
  if (ready && s->relays[0].options.rate && wait > 20) wait = 20;
  if (wake - s->now_ms < wait) wait = wake > s->now_ms ? wake - s->now_ms : 0;
  return (int)wait;
}

static bool any_under_way(const struct sender *s) {
  for (uint32_t i = 0; i < s->line_count; i++)
    if (s->lines[i].state == LINE_OPEN && !smtp_is_idle(&s->lines[i].smtp)) return true;
  return false;
}

/* Sleeps until something moves; polls[0] is the wake, polls[i + 1] is lines[i]. */
static void wait_turn(struct sender *s) {
  s->polls[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
  for (uint32_t i = 0; i < s->line_count; i++) {
    const struct line *line = &s->lines[i];
    bool open = line->state == LINE_OPEN;
    s->polls[i + 1] = (struct pollfd){ .fd = open ? line->socket : -1, .events = (short)(POLLIN | (line->blocked ? POLLOUT : 0)) };
  }
  if (poll(s->polls, s->line_count + 1, wait_for(s)) < 0)
    for (uint32_t i = 0; i <= s->line_count; i++) s->polls[i].revents = 0;
  s->now_ms = steady_ms();
  uint64_t drained;
  if (s->polls[0].revents && read(s->wake, &drained, sizeof drained) < 0) drained = 0;
}

/* Mails whose dots are written and have no answer. */
static uint32_t dots_under_way(const struct sender *s, int64_t *ids) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->line_count; i++)
    for (int k = 0; k < 2; k++) {
      const struct relay_mail *m = s->lines[i].state == LINE_OPEN ? s->lines[i].under[k] : NULL;
      if (m && m->dot_ms) ids[n++] = m->envelope.outbox_id;
    }
  return n;
}

/* The journal begins anew when the database knows all that it says but of dots under way: nothing is to be collected or committed. A
 * slow relay, which always has some, must not make it grow until nothing may be sent. */
static void tidy_journal(struct sender *s) {
  char why[WHY_BYTES];
  if (journal_bytes(s->journal) < JOURNAL_TIDY_BYTES) return;
  pthread_mutex_lock(&s->lock);
  bool known = !s->done_count && !s->uncommitted;
  pthread_mutex_unlock(&s->lock);
  if (!known) return;
  uint32_t count = dots_under_way(s, s->dots);
  if (count && journal_bytes(s->journal) < JOURNAL_SHORT_BYTES) return; /* with dots it costs a file */
  if (journal_reset(s->journal, s->dots, count, why) != CAMP_OK) relay_say(s, why);
}

static void turn_destinations(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  s->to.now_ms = s->now_ms;
  destinations_turn(s);
  pthread_mutex_unlock(&s->lock);
}

static void *thread_main(void *argument) {
  struct sender *s = argument;
  int64_t closing_since = 0;
  for (;;) {
    s->now_ms = steady_ms();
    pthread_mutex_lock(&s->lock);
    bool closing = s->closing || s->failed;
    pthread_mutex_unlock(&s->lock);
    if (!closing) turn_destinations(s);
    if (closing && !closing_since) closing_since = s->now_ms;
    if (closing && (!any_under_way(s) || s->now_ms - closing_since > CLOSE_MS)) break;
    if (!closing) lines_more(s);
    wait_turn(s);
    lines_opened(s);
    for (uint32_t i = 0; i < s->line_count; i++)
      if (s->lines[i].state == LINE_OPEN) line_turn(s, &s->lines[i], s->polls[i + 1].fd == s->lines[i].socket ? s->polls[i + 1].revents : 0);
    char why[WHY_BYTES];
    if (journal_flush(s->journal, why) != CAMP_OK) relay_say(s, why);
    tidy_journal(s);
  }
  for (uint32_t i = 0; i < s->line_count; i++) {
    if (s->lines[i].state == LINE_OPEN) line_lost(&s->lines[i], "Camp ended");
    else if (s->lines[i].state == LINE_CONNECTING) line_give_up(&s->lines[i]);
  }
  char why[WHY_BYTES];
  if (journal_flush(s->journal, why) != CAMP_OK) relay_say(s, why);
  return NULL;
}

/* --- the sender ---------------------------------------------------------------------------------------------------- */

void relay_wake(struct sender *s) {
  uint64_t one = 1;
  if (write(s->wake, &one, sizeof one) < 0) { /* it looks each second anyway */ }
}

static void relay_finish(struct sender *s);

static void relay_close(struct sender *s) {
  relay_finish(s);
  if (s->wake >= 0) close(s->wake);
  journal_close(s->journal);
  dkim_close(s->dkim);
  buf_deinit(&s->mail);
  buf_deinit(&s->signature);
  pthread_mutex_destroy(&s->lock);
  pthread_mutex_destroy(&s->opening);
  destinations_free(s);
  arena_deinit(&s->kept);
  free(s->lines);
  free(s->polls);
  free(s->dots);
  free(s->done);
  free(s);
}

/* What the last process left comes out of the first collect. */
static void take_left(struct sender *s) {
  uint32_t count;
  const struct journal_entry *left = journal_left(s->journal, &count);
  if (count > s->done_cap) count = s->done_cap; /* it had no more under way than we may have */
  for (uint32_t i = 0; i < count; i++) {
    struct settled *d = &s->done[s->done_count++];
    *d = (struct settled){ .outbox_id = left[i].id, .left_over = true, .outcome = { .result = left[i].taken ? DELIVERY_OK : DELIVERY_DOUBT } };
    if (!left[i].taken) snprintf(d->outcome.reason, sizeof d->outcome.reason, "in doubt: Camp was ended before the answer came");
  }
}

static enum camp_err read_environment(struct sender *s, char why[WHY_BYTES]) {
  const char *from = getenv("CAMP_FROM"), *secret = getenv("CAMP_SECRET"), *path = getenv("CAMP_RETURN_PATH"), *keys = getenv("CAMP_DKIM");
  const char *limits = getenv("CAMP_LIMITS");
  if (limits && limits_parse(limits, &s->kept, &s->to.limits, why) != CAMP_OK) return CAMP_BAD;
  if (!from || !*from) {
    snprintf(why, WHY_BYTES, "who does the mail come from? Set CAMP_FROM, such as CAMP_FROM='Shop <news@shop.example>'");
    return CAMP_BAD;
  }
  s->from = arena_str(&s->kept, str_from_c(from));
  if (secret) s->secret = arena_str(&s->kept, str_from_c(secret));
  struct mailbox sender, back;
  const char *what = NULL, *which = "CAMP_FROM";
  bool good = mailbox_read(&s->kept, s->from, &sender, &what);
  if (good && path && *path) {
    which = "CAMP_RETURN_PATH";
    good = mailbox_read(&s->kept, arena_str(&s->kept, str_from_c(path)), &back, &what);
  } else {
    back = sender;
  }
  if (!good) {
    snprintf(why, WHY_BYTES, "%s %s; CAMP_FROM and CAMP_RETURN_PATH hold an address each, such as news@shop.example", which, what);
    return CAMP_BAD;
  }
  s->return_path = back.address;
  s->host_of_from = address_host(sender.address);
  return keys && *keys ? dkim_open(keys, s->host_of_from, &s->dkim, why) : CAMP_OK;
}

static enum camp_err start(struct sender *s, const char *spec, const struct sender_place *place, char why[WHY_BYTES]) {
  struct relay_options options[LIMIT_RELAYS_COUNT];
  enum camp_err err = relay_options_parse(spec, &s->kept, options, &s->relay_count, why);
  if (!err) err = read_environment(s, why);
  if (!err) err = journal_open(place->journal, place->identity, &s->journal, why);
  if (err) return err;
  s->identity = place->identity;
  for (uint32_t i = 0; i < s->relay_count; i++) {
    s->relays[i].options = options[i];
    s->line_count += options[i].connections;
  }
  s->lines = calloc(s->line_count, sizeof *s->lines);
  s->polls = calloc(s->line_count + 1, sizeof *s->polls);
  uint32_t left;
  (void)journal_left(s->journal, &left);
  s->done_cap = ROOM_COUNT + left;
  s->done = calloc(s->done_cap, sizeof *s->done);
  s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  s->dots = calloc(s->line_count, 2 * sizeof *s->dots);
  CHECK(s->lines && s->polls && s->dots && s->done);
  if (s->wake < 0) return sender_fail(why, "make", "an event descriptor");
  for (uint32_t i = 0; i < s->line_count; i++) s->lines[i].sender = s;
  take_left(s);
  s->tokens_ms = steady_ms();
  if (gethostname(s->host, sizeof s->host - 1) != 0 || !s->host[0]) snprintf(s->host, sizeof s->host, "localhost");
  /* Signals are the engine's; a relay that goes away while TLS writes must not end the process. */
  sigset_t all, was;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &was);
  int failed = pthread_create(&s->thread, NULL, thread_main, s);
  pthread_sigmask(SIG_SETMASK, &was, NULL);
  if (failed) return sender_fail(why, "start", "the sender's thread");
  s->started = true;
  return CAMP_OK;
}

static void curl_begin(void) { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0); }

static enum camp_err relay_open(const char *spec, const struct sender_place *place, struct sender **out, char why[256]) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, curl_begin);
  struct sender *s = calloc(1, sizeof *s);
  CHECK(s);
  s->wake = -1;
  s->to.wake_ms = INT64_MAX;
  pthread_mutex_init(&s->lock, NULL);
  pthread_mutex_init(&s->opening, NULL);
  arena_init(&s->kept, 4096);
  buf_init(&s->mail, MAIL_BYTES_MAX);
  buf_init(&s->signature, 64 << 10);
  enum camp_err err = start(s, spec, place, why);
  if (err) relay_close(s);
  else *out = s;
  return err;
}

static uint32_t relay_room(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  uint32_t room = s->held_count < ROOM_COUNT && !s->failed ? ROOM_COUNT - s->held_count : 0, open = 0;
  for (uint32_t i = 0; i < s->relay_count; i++) open += !s->relays[i].paused;
  if (!open) room = 0;
  pthread_mutex_unlock(&s->lock);
  return room;
}

/* A message that says `from` itself speaks for our domain or one beside it: signatures and bounces are of CAMP_FROM's, so from
 * anywhere else DMARC would take the mail for forged. */
static bool is_foreign(const struct sender *s, const struct relay_mail *m) {
  return m->envelope.from.len && !hosts_align(address_host(m->envelope.from), s->host_of_from);
}

static void relay_submit(struct sender *s, const struct envelope *batch, uint32_t count) {
  int64_t now_ms = steady_ms();
  for (uint32_t i = 0; i < count; i++) {
    struct relay_mail *m = relay_mail_new(s, &batch[i]);
    pthread_mutex_lock(&s->lock);
    s->held_count++;
    if (is_foreign(s, m)) {
      pthread_mutex_unlock(&s->lock);
      relay_settle(s, m, DELIVERY_REFUSED, "its `from` is of another domain than CAMP_FROM, which receivers would take for forged");
      continue;
    }
    s->to.now_ms = now_ms;
    destination_add(s, m);
    pthread_mutex_unlock(&s->lock);
  }
  if (count) relay_wake(s);
}

static uint32_t relay_collect(struct sender *s, struct settled *out, uint32_t max) {
  pthread_mutex_lock(&s->lock);
  uint32_t n = s->done_count < max ? s->done_count : max;
  memcpy(out, s->done, n * sizeof *out);
  memmove(s->done, s->done + n, (s->done_count - n) * sizeof *s->done);
  s->done_count -= n;
  s->uncommitted += n;
  for (uint32_t i = 0; i < n; i++) s->held_count -= !out[i].left_over;
  pthread_mutex_unlock(&s->lock);
  return n;
}

static void relay_committed(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  s->uncommitted = 0;
  pthread_mutex_unlock(&s->lock);
}

static uint32_t relay_under_way(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  uint32_t n = s->held_count;
  pthread_mutex_unlock(&s->lock);
  return n;
}

static void relay_trouble(struct sender *s, char text[WHY_BYTES]) {
  pthread_mutex_lock(&s->lock);
  text[0] = '\0';
  if (s->trouble_count) {
    memcpy(text, s->troubles[0], WHY_BYTES);
    memmove(s->troubles[0], s->troubles[1], --s->trouble_count * sizeof s->troubles[0]);
  }
  pthread_mutex_unlock(&s->lock);
}

static void give_back_all(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  struct relay_mail *all = destinations_empty(s);
  pthread_mutex_unlock(&s->lock);
  while (all) {
    struct relay_mail *m = all;
    all = m->next;
    relay_settle(s, m, DELIVERY_UNBEGUN, "");
  }
}

/* No new mail is begun; what was not begun is free again, and what is under way is waited for. */
static void relay_finish(struct sender *s) {
  if (!s->started) return;
  pthread_mutex_lock(&s->lock);
  s->closing = true;
  pthread_mutex_unlock(&s->lock);
  relay_wake(s);
  pthread_join(s->thread, NULL);
  s->started = false;
  give_back_all(s);
}

static bool relay_broken(struct sender *s) {
  pthread_mutex_lock(&s->lock);
  bool broken = s->failed;
  pthread_mutex_unlock(&s->lock);
  return broken;
}

static int64_t relay_keep(struct sender *s) { return s->relays[0].options.keep_ms; }

static void relay_steer(struct sender *s, const struct outbox_action *pauses, uint32_t count) {
  pthread_mutex_lock(&s->lock);
  for (uint32_t i = 0; i < s->relay_count; i++) {
    bool paused = false;
    for (uint32_t k = 0; k < count; k++) paused |= str_eq(pauses[k].relay, str_from_c(s->relays[i].options.host));
    s->relays[i].paused = paused;
  }
  pthread_mutex_unlock(&s->lock);
  give_back_all(s);
}

static const struct sender_background background = { relay_open, relay_room, relay_submit, relay_collect, relay_committed, relay_under_way,
  relay_steer, relay_keep, relay_broken, relay_trouble, relay_finish, relay_close };
const struct sender_ops smtp_ops = { .scheme = "smtp", .background = &background };
const struct sender_ops smtps_ops = { .scheme = "smtps", .background = &background };
