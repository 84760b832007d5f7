/* camp inbound: bounces and complaints become events, one line each, for `camp run --events -`.
 *
 * It decides nothing about an address: scripts and the standard rules do, by the events. It reads the database and changes nothing, so a
 * run beside it goes on. */
#include "runtime/command/commands.h"
#include "runtime/command/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/send/inbound.h"

struct inbound_counts { uint64_t permanent, temporary, complaints, strangers, others; };
struct inbound_job {
  struct store *store;
  struct arena arena;
  struct buf line;
  struct inbound_counts counts;
  bool all, failed;
};

static void member(struct buf *b, const char *name, struct str value) {
  if (!value.len) return;
  buf_printf(b, ",\"%s\":", name);
  buf_json_str(b, value);
}

/* The same report read again is the same event: its id is made of the mail and of what is said of it. */
static void event_line(struct inbound_job *j, const struct inbound *r, const struct outbox_item *item) {
  struct buf *b = &j->line;
  bool complaint = r->kind == INBOUND_COMPLAINT;
  const char *kind = r->kind == INBOUND_PERMANENT ? "permanent" : "temporary";
  buf_clear(b);
  buf_printf(b, "{\"type\":\"track\",\"event\":\"%s\",\"userId\":", complaint ? "complaint" : "bounce");
  buf_json_str(b, item->key);
  buf_printf(b, ",\"messageId\":\"%s:%" PRId64 ":%s\",\"properties\":{\"message\":", complaint ? "complaint" : "bounce", r->outbox_id,
             complaint ? "" : kind);
  buf_json_str(b, store_name_text(j->store, item->row.message));
  member(b, "campaign", store_name_text(j->store, item->row.campaign));
  if (!complaint) member(b, "kind", str_from_c(kind));
  member(b, "status", str_from_c(r->status));
  member(b, "reason", str_from_c(r->reason));
  buf_c(b, "}}\n");
}

static bool take(void *context, const struct inbound *r) {
  struct inbound_job *j = context;
  struct outbox_item item;
  if (r->kind == INBOUND_OTHER) {
    j->counts.others++;
    if (j->all) fprintf(stderr, "camp inbound: neither a bounce nor a complaint: %s\n", r->reason);
    return true;
  }
  arena_reset(&j->arena);
  enum camp_err err = r->outbox_id ? store_outbox_item(j->store, &j->arena, r->outbox_id, &item) : CAMP_NOT_FOUND;
  if (err == CAMP_NOT_FOUND) {
    j->counts.strangers++;
    if (j->all) fprintf(stderr, "camp inbound: about no mail of ours: %s %s\n", r->status, r->reason);
    return true;
  }
  if (err != CAMP_OK) {
    complain("inbound", "%s", store_last_error(j->store)->text);
    j->failed = true;
    return false;
  }
  if (r->kind == INBOUND_COMPLAINT) j->counts.complaints++;
  else if (r->kind == INBOUND_PERMANENT) j->counts.permanent++;
  else j->counts.temporary++;
  event_line(j, r, &item);
  j->failed |= fwrite(j->line.data, 1, j->line.len, stdout) != j->line.len;
  return !j->failed;
}

static int inbound_run(const struct options *o) {
  struct inbound_job j = { .all = option(o, "verbose") != NULL };
  const char *secret = getenv("CAMP_SECRET");
  char why[256] = "";
  if (!secret || !*secret) {
    complain("inbound", "CAMP_SECRET is not set; it must be the one that the mails were sent with");
    return EXIT_COULD_NOT;
  }
  int code = open_to_read(o, &j.store);
  if (code != EXIT_FINE) return code;
  arena_init(&j.arena, 64 << 10);
  buf_init(&j.line, 64 << 10);
  enum camp_err err = CAMP_OK;
  for (int i = 0; i < o->count && !err && !j.failed; i++) err = inbound_read(o->positionals[i], str_from_c(secret), take, &j, why);
  if (err) complain("inbound", "%s", why);
  if (fflush(stdout) != 0) j.failed = true;
  fprintf(stderr, "%" PRIu64 " permanent, %" PRIu64 " temporary, %" PRIu64 " complaint%s, %" PRIu64 " about no mail of ours, %" PRIu64 " of another sort\n",
          j.counts.permanent, j.counts.temporary, j.counts.complaints, S_OF(j.counts.complaints), j.counts.strangers, j.counts.others);
  buf_deinit(&j.line);
  arena_deinit(&j.arena);
  store_close(j.store);
  return err || j.failed ? EXIT_COULD_NOT : EXIT_FINE;
}

static const struct option_spec inbound_options[] = {
  { "db", 0, "FILE", "the database that the mails were sent from" },
  { "verbose", 'v', NULL, "say of each other mail why it is none of ours" },
  { NULL, 0, NULL, NULL },
};
const struct command command_inbound = {
  .name = "inbound",
  .summary = "turn bounces and complaints into events",
  .arguments = "MAIL… --db FILE",
  .text = "Reads delivery status notifications (RFC 3464) and complaints (ARF, RFC 5965) from a mail, an mbox, a\n"
          "Maildir or standard input (-), and writes each as an event: `bounce` with kind \"permanent\" or\n"
          "\"temporary\", or `complaint`. A report counts only when it bears the token of a mail that was sent with\n"
          "CAMP_SECRET set: in the return path, or in the X-Camp-Mail header of the original. Read again, the same\n"
          "report is the same event.\n",
  .examples = "  camp inbound /var/mail/bounces --db camp.db | camp run campaigns/ --db camp.db --events - --until-idle\n"
              "  camp inbound - --db camp.db < report.eml >> events.ndjson\n",
  .options = inbound_options,
  .positionals_min = 1,
  .positionals_max = POSITIONALS_MAX,
  .missing = "which mail? Name a file, a Maildir or - for standard input.",
  .run = inbound_run,
};
