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
#include "runtime/send/visit.h"

struct inbound_counts { uint64_t permanent, temporary, complaints, unsubscribes, strangers, others; };
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
  if (r->kind == INBOUND_UNSUBSCRIBE) {
    struct visit v = { .kind = TOKEN_UNSUBSCRIBE, .item = *item, .message = store_name_text(j->store, item->row.message),
                       .campaign = store_name_text(j->store, item->row.campaign), .topic = { "", 0 } };
    buf_clear(b);
    visit_event(b, &v, STR(""));
    return;
  }
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
  else if (r->kind == INBOUND_UNSUBSCRIBE) j->counts.unsubscribes++;
  else if (r->kind == INBOUND_PERMANENT) j->counts.permanent++;
  else j->counts.temporary++;
  event_line(j, r, &item);
  j->failed |= fwrite(j->line.data, 1, j->line.len, stdout) != j->line.len;
  return !j->failed;
}

/* --- visits ---------------------------------------------------------------------------------------------------------- */

struct visit_counts { uint64_t clicks, opens, unsubscribes, gone, others; };

/* A line of a server's log. What only looks at the way out changes nothing: it is the POST that leaves. */
static bool take_line(struct inbound_job *j, struct visits *v, struct str line, struct visit_counts *n) {
  struct visit visit;
  enum visit_result result = visit_read(v, line, &visit);
  bool post = memmem(line.ptr ? line.ptr : "", line.len, "POST ", 5) != NULL;
  if (result == VISIT_FAILED) {
    complain("inbound", "%s", store_last_error(j->store)->text);
    return false;
  }
  if (result == VISIT_GONE) n->gone++;
  if (result == VISIT_NONE || (result == VISIT_OURS && (visit.kind > TOKEN_UNSUBSCRIBE || (visit.kind == TOKEN_UNSUBSCRIBE && !post)))) n->others++;
  else if (result == VISIT_OURS) {
    n->clicks += visit.kind == TOKEN_CLICK;
    n->opens += visit.kind == TOKEN_OPEN;
    n->unsubscribes += visit.kind == TOKEN_UNSUBSCRIBE;
    buf_clear(&j->line);
    visit_event(&j->line, &visit, line);
    return fwrite(j->line.data, 1, j->line.len, stdout) == j->line.len;
  }
  return true;
}

static bool take_log(struct inbound_job *j, struct visits *v, const char *path, struct visit_counts *n) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  char *line = NULL;
  size_t cap = 0;
  bool good = f != NULL;
  if (!f) complain("inbound", "cannot read %s", path);
  for (ssize_t bytes; good && (bytes = getline(&line, &cap, f)) >= 0;) good = take_line(j, v, (struct str){ line, (size_t)bytes }, n);
  free(line);
  if (f && f != stdin) fclose(f);
  return good;
}

static int links_run(const struct options *o, const char *secret) {
  struct inbound_job j = { .all = false };
  struct visits *v = NULL;
  struct visit_counts n = { 0 };
  char why[256] = "";
  int code = open_to_read(o, &j.store);
  if (code != EXIT_FINE) return code;
  buf_init(&j.line, SIZE_MAX / 2);
  bool good = visits_open(j.store, str_from_c(secret), &v, why) == CAMP_OK;
  if (!good) complain("inbound", "%s", why);
  for (int i = 0; good && i < o->count; i++) good = take_log(&j, v, o->positionals[i], &n);
  if (fflush(stdout) != 0) good = false;
  fprintf(stderr, "%" PRIu64 " click%s, %" PRIu64 " open%s, %" PRIu64 " unsubscribed, %" PRIu64 " of mails or links that are no more, %" PRIu64 " of another sort\n", n.clicks,
          S_OF(n.clicks), n.opens, S_OF(n.opens), n.unsubscribes, n.gone, n.others);
  visits_close(v);
  buf_deinit(&j.line);
  store_close(j.store);
  return good ? EXIT_FINE : EXIT_COULD_NOT;
}

static int inbound_run(const struct options *o) {
  struct inbound_job j = { .all = option(o, "verbose") != NULL };
  const char *secret = getenv("CAMP_SECRET");
  char why[256] = "";
  if (!secret || !*secret) {
    complain("inbound", "CAMP_SECRET is not set; it must be the one that the mails were sent with");
    return EXIT_COULD_NOT;
  }
  if (option(o, "links")) return links_run(o, secret);
  int code = open_to_read(o, &j.store);
  if (code != EXIT_FINE) return code;
  arena_init(&j.arena, 64 << 10);
  buf_init(&j.line, 64 << 10);
  enum camp_err err = CAMP_OK;
  for (int i = 0; i < o->count && !err && !j.failed; i++) err = inbound_read(o->positionals[i], str_from_c(secret), take, &j, why);
  if (err) complain("inbound", "%s", why);
  if (fflush(stdout) != 0) j.failed = true;
  if (j.counts.unsubscribes) fprintf(stderr, "%" PRIu64 " unsubscribed by mail, ", j.counts.unsubscribes);
  fprintf(stderr, "%" PRIu64 " permanent, %" PRIu64 " temporary, %" PRIu64 " complaint%s, %" PRIu64 " about no mail of ours, %" PRIu64 " of another sort\n",
          j.counts.permanent, j.counts.temporary, j.counts.complaints, S_OF(j.counts.complaints), j.counts.strangers, j.counts.others);
  buf_deinit(&j.line);
  arena_deinit(&j.arena);
  store_close(j.store);
  return err || j.failed ? EXIT_COULD_NOT : EXIT_FINE;
}

static const struct option_spec inbound_options[] = {
  { "db", 0, "FILE", "the database that the mails were sent from" },
  { "links", 0, NULL, "the files are a server's log: visits to CAMP_BASE_URL become click, open and unsubscribe" },
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
          "report is the same event. A mail with the subject \"unsubscribe\" to the address of List-Unsubscribe becomes\n"
          "`unsubscribe`. With --links, lines that hold a path of ours (/c/… /o/… /u/…) become events: `click` with its\n"
          "link, `open`, and `unsubscribe` for a POST; a token that our secret did not make says nothing.\n",
  .examples = "  camp inbound /var/mail/bounces --db camp.db | camp run campaigns/ --db camp.db --events - --until-idle\n"
              "  camp inbound - --db camp.db < report.eml >> events.ndjson\n",
  .options = inbound_options,
  .positionals_min = 1,
  .positionals_max = POSITIONALS_MAX,
  .missing = "which mail? Name a file, a Maildir or - for standard input.",
  .run = inbound_run,
};
