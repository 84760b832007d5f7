/* One message by hand: see single.h.
 *
 * Not for: anything that a campaign sends (outbox.c).
 *
 * Invariant: the database is not touched, and the mail's token names no row, so whoever follows its links changes nothing. */
#include "runtime/send/single.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/send/mime.h"
#include "runtime/send/render.h"
#include "runtime/send/senders.h"

bool single_render(const struct single *s, struct arena *a, struct envelope *out, char why[256]) {
  struct image *image = image_new();
  struct texts *texts = texts_new();
  struct buf scratch;
  char reason[160] = "";
  buf_init(&scratch, LIMIT_MESSAGE_BYTES);
  for (uint32_t i = 0; i < s->program->unit_count; i++) {
    struct unit *u = ARENA_NEW(a, struct unit);
    *u = s->program->units[i];
    image_add(image, u, true);
  }
  image_seal(image);
  struct outbox_item item = { .row = { .at_ms = s->at_ms, .given = s->given, .entry = 1, .ordinal = 1 }, .key = s->key, .attributes = s->attributes };
  bool good = texts_open(texts, s->live, reason) &&
              render_named(texts, image, s->message, STR("test"), &item, a, &scratch, out, reason);
  const struct unit *u = image_message(image, s->message);
  if (!good) snprintf(why, 256, "%s", reason);
  if (good && s->live && (u->mail & MAIL_URLS || u->topic != NONE)) {
    texts_missing(texts, image, why); /* of some message: this one needs the same */
    good = !why[0];
  }
  out->key = arena_printf(a, "test/" STR_FMT "/%lld", STR_ARG(s->message), (long long)s->at_ms);
  buf_deinit(&scratch);
  texts_free(texts);
  image_free(image);
  return good;
}

static struct str sender_of(void) {
  const char *from = getenv("CAMP_FROM");
  return str_from_c(from && *from ? from : "Camp <camp@localhost>");
}

void single_mail(struct buf *b, const struct envelope *e) {
  struct buf mail;
  buf_init(&mail, MAIL_BYTES_MAX);
  mime_write(&mail, e, sender_of(), true);
  for (size_t i = 0; i < mail.len; i++) {
    if (mail.data[i] == '\n') buf_byte(b, '\r');
    buf_byte(b, (uint8_t)mail.data[i]);
  }
  buf_deinit(&mail);
}

static bool settle(enum delivery result, const char *reason, char why[256]) {
  if (result == DELIVERY_OK) return true;
  snprintf(why, 256, "%s", reason[0] ? reason : "it was not begun");
  return false;
}

static bool send_beside(const struct sender_ops *ops, const char *target, const struct envelope *e, int64_t wait_ms, char why[256]) {
  struct sender_place nowhere = { NULL, 0 };
  struct sender *sender;
  struct settled done;
  char trouble[256] = "";
  if (ops->background->open(target, &nowhere, &sender, why) != CAMP_OK) return false;
  ops->background->submit(sender, e, 1);
  for (int64_t waited = 0; waited < wait_ms; waited += 20) {
    if (ops->background->collect(sender, &done, 1)) {
      ops->background->close(sender);
      return settle(done.outcome.result, done.outcome.reason, why);
    }
    ops->background->trouble(sender, trouble);
    if (trouble[0]) snprintf(why, 256, "%s", trouble);
    nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
  }
  ops->background->close(sender);
  if (!why[0]) snprintf(why, 256, "no answer within %lld seconds", (long long)(wait_ms / 1000));
  return false;
}

bool single_send(const char *spec, const struct envelope *e, int64_t wait_ms, char why[256]) {
  const char *target;
  why[0] = 0;
  const struct sender_ops *ops = sender_find(spec, &target, why);
  if (!ops) return false;
  if (ops->background) return send_beside(ops, target, e, wait_ms, why);
  if (ops != &maildir_ops) {
    snprintf(why, 256, "a test goes to a relay (smtp://HOST) or into a folder (maildir:FOLDER)");
    return false;
  }
  struct sender *sender;
  struct outcome outcome;
  int64_t mark;
  if (ops->open(target, -1, &sender, why) != CAMP_OK) return false;
  bool good = ops->deliver(sender, e, 1, &outcome, why) == CAMP_OK && ops->sync(sender, &mark, why) == CAMP_OK;
  ops->close(sender);
  return good && settle(outcome.result, outcome.reason, why);
}
