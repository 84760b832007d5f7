/* camp outbox: the messages that have not left, and what people do about them. It reads and writes beside a run, which looks before it
 * hands anything over (runtime/send/outbox.c); without a run the next one finds what was done.
 *
 * Not for: what a row's states mean (runtime/send/outbox.c), how rows are chosen (runtime/store/outbox_actions.c).
 *
 * Invariants:
 * 1. An action on every message has to be asked for: --all, never the lack of a choice.
 * 2. Each action is one transaction, with its reason: it happened whole, or it says why not and nothing did.
 * 3. A retry overrides no one's will: whom a message may not go to any more is left, and said. There is no option for it; who was
 *    suppressed by mistake leaves the list `suppressed`, by a script. */
#include "runtime/command/commands.h"
#include "runtime/command/names.h"
#include "runtime/command/progress.h"
#include "runtime/command/report.h"
#include "runtime/command/session.h"
#include "vm/base/buf.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

enum { ORDER_BUSY_MS = 30000, SHOWN_COUNT = 50, DOMAIN_BYTES = 256 };

static const struct { const char *name; uint32_t states; } STATES[] = {
  { "ready", 1 << OUTBOX_READY }, { "claimed", 1 << OUTBOX_CLAIMED }, { "sent", 1 << OUTBOX_SENT }, { "dropped", 1 << OUTBOX_DROPPED },
  { "withdrawn", 1 << OUTBOX_WITHDRAWN }, { "failed", 1 << OUTBOX_FAILED }, { "deferred", 1 << OUTBOX_DEFERRED },
  { "doubt", 1 << OUTBOX_DOUBT }, { "paused", 1 << OUTBOX_PAUSED }, { "held", 1 << OUTBOX_HELD },
};
enum {
  WAITING = 1 << OUTBOX_READY | 1 << OUTBOX_CLAIMED | 1 << OUTBOX_DEFERRED | 1 << OUTBOX_DOUBT | 1 << OUTBOX_PAUSED | 1 << OUTBOX_HELD,
  SHOWN = WAITING | 1 << OUTBOX_FAILED,
  RETRIED = 1 << OUTBOX_FAILED | 1 << OUTBOX_DEFERRED, /* in doubt: may have arrived, so only when it is named */
  RETRIABLE = RETRIED | 1 << OUTBOX_DOUBT,
};

/* What is allowed, and what is meant when no state is named. */
static const struct act { const char *name; enum outbox_act act; uint32_t usual, allowed; } ACTS[] = {
  { "list", 0, SHOWN, UINT32_MAX },
  { "pause", OUTBOX_ACT_PAUSE, 0, 0 },
  { "resume", OUTBOX_ACT_RESUME, 0, 0 },
  { "retry", OUTBOX_ACT_RETRY, RETRIED, RETRIABLE },
  { "withdraw", OUTBOX_ACT_WITHDRAW, WAITING, WAITING },
};
enum { ACTS_COUNT = sizeof ACTS / sizeof *ACTS, STATES_COUNT = sizeof STATES / sizeof *STATES };

static const struct act *find_act(const char *name) {
  for (size_t i = 0; i < ACTS_COUNT; i++)
    if (strcmp(ACTS[i].name, name) == 0) return &ACTS[i];
  complain("outbox", "there is list, pause, resume, retry and withdraw, but no \"%s\"", name);
  return NULL;
}

/* --- what is chosen -------------------------------------------------------------------------------------------------- */

static bool read_states(const char *text, const struct act *act, uint32_t *states) {
  *states = act->usual;
  if (!text) return true;
  if (!act->allowed) {
    complain("outbox", "%s takes no --state: it holds for whatever comes", act->name);
    return false;
  }
  *states = 0;
  for (struct str rest = str_from_c(text); rest.len;) {
    const char *comma = memchr(rest.ptr, ',', rest.len);
    struct str one = comma ? str_slice(rest.ptr, comma) : rest;
    size_t i = 0;
    rest = comma ? str_slice(comma + 1, rest.ptr + rest.len) : (struct str){ NULL, 0 };
    while (i < STATES_COUNT && !str_is(one, STATES[i].name)) i++;
    if (i == STATES_COUNT) {
      complain("outbox", "--state is one or more of ready, claimed, deferred, doubt, paused, failed, sent, dropped and withdrawn, not \"%.*s\"",
               (int)(one.len < 100 ? one.len : 100), one.ptr);
      return false;
    }
    if (!(STATES[i].states & act->allowed)) {
      complain("outbox", act->act == OUTBOX_ACT_RETRY ? "what is %s is not tried again; deferred, failed and doubt are" : "what is %s cannot be withdrawn any more",
               STATES[i].name);
      return false;
    }
    *states |= STATES[i].states;
  }
  return true;
}

static bool read_choice(const struct options *o, const struct act *act, struct outbox_action *out, char domain[DOMAIN_BYTES]) {
  struct outbox_choice *c = &out->choice;
  const struct { const char *name; struct str *to; } texts[] = {
    { "message", &c->message }, { "campaign", &c->campaign }, { "contact", &c->contact }, { "to", &c->domain }, { "reason", &c->reason },
    { "relay", &out->relay } };
  long id;
  bool any = option(o, "id") != NULL || option(o, "state") != NULL;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *value = option(o, texts[i].name);
    if (value && !*value) {
      complain("outbox", "--%s is empty", texts[i].name);
      return false;
    }
    any |= value != NULL;
    if (value) *texts[i].to = str_from_c(value);
  }
  if (!option_number(o, "id", 1, LONG_MAX, 0, &id) || !read_states(option(o, "state"), act, &c->states)) return false;
  c->id = id;
  const char *at = c->domain.len ? memrchr(c->domain.ptr, '@', c->domain.len) : NULL;
  if (at) c->domain = str_slice(at + 1, c->domain.ptr + c->domain.len);
  if (c->domain.len >= DOMAIN_BYTES) c->domain.len = DOMAIN_BYTES - 1;
  for (size_t i = 0; i < c->domain.len; i++) domain[i] = (char)tolower((unsigned char)c->domain.ptr[i]);
  c->domain.ptr = domain;
  bool pausing = act->act == OUTBOX_ACT_PAUSE || act->act == OUTBOX_ACT_RESUME;
  if (pausing && (c->id || c->reason.len)) complain("outbox", "%s takes no --%s: it holds for whatever comes", act->name, c->id ? "id" : "reason");
  else if (!pausing && out->relay.len) complain("outbox", "--relay goes with pause and resume alone");
  else if (out->relay.len && (c->message.len || c->campaign.len || c->contact.len || c->domain.len)) complain("outbox", "a relay is paused for every message; name either --relay or others");
  else if (act->act && any == (option(o, "all") != NULL))
    complain("outbox", any ? "either --all or a choice, not both" : "which messages? Choose by --message, --campaign, --contact, --to, --state or --id, or say --all");
  else return true;
  return false;
}

/* A name that nothing bears is a mistake, but for what a pause of a later message may name. */
static bool names_are_known(const struct options *o, const struct store *s, const struct outbox_choice *c) {
  const char *db = option(o, "db");
  if (c->message.len && !store_name_find(s, NAME_MESSAGE, c->message)) complain_no_name("outbox", s, NAME_MESSAGE, NAME_MESSAGE, "message", c->message.ptr, db);
  else if (c->campaign.len && !store_name_find(s, NAME_CAMPAIGN, c->campaign)) complain_no_name("outbox", s, NAME_CAMPAIGN, NAME_CAMPAIGN, "campaign", c->campaign.ptr, db);
  else return true;
  return false;
}

/* --- lists ----------------------------------------------------------------------------------------------------------- */

struct printing { struct table *table; struct buf line; long left; bool json, more; };

static void print_json(struct printing *p, int columns, const char *const *names, const char *const *row) {
  buf_clear(&p->line);
  for (int i = 0; i < columns; i++) {
    buf_c(&p->line, i ? "," : "{");
    buf_json_str(&p->line, str_from_c(names[i]));
    buf_byte(&p->line, ':');
    if (!row[i]) buf_c(&p->line, "null");
    else if (i == 0) buf_c(&p->line, row[i]);
    else buf_json_str(&p->line, str_from_c(row[i]));
  }
  printf(STR_FMT "}\n", STR_ARG(buf_as_str(&p->line)));
}

static bool print_row(void *context, int columns, const char *const *names, const char *const *row) {
  struct printing *p = context;
  if (row && p->left-- == 0) {
    p->more = true;
    return false;
  }
  if (!p->json) table_row(p->table, row ? row : names, columns);
  else if (row) print_json(p, columns, names, row);
  return !ferror(stdout);
}

/* `message hello, to gmail.com` */
static void describe(const struct outbox_action *p, struct buf *b) {
  const struct { const char *what; struct str name; } parts[] = {
    { "message ", p->choice.message }, { "campaign ", p->choice.campaign }, { "contact ", p->choice.contact }, { "mail to ", p->choice.domain },
    { "the relay ", p->relay } };
  buf_clear(b);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i].name.len) buf_printf(b, "%s%s" STR_FMT, b->len ? ", " : "", parts[i].what, STR_ARG(parts[i].name));
  if (!b->len) buf_c(b, "every message");
}

static int say_pauses(struct store *s) {
  struct arena a;
  struct buf b;
  struct outbox_action *all;
  uint32_t count;
  int64_t last;
  arena_init(&a, 4096);
  buf_init(&b, 4096);
  enum camp_err err = store_outbox_pauses(s, &a, &all, &count, &last);
  for (uint32_t i = 0; i < count && !err; i++) {
    char since[40];
    since[calendar_print(all[i].at_ms, since)] = 0;
    describe(&all[i], &b);
    printf("Paused since %s: " STR_FMT "%s" STR_FMT "\n", since, STR_ARG(buf_as_str(&b)), all[i].reason.len ? ": " : "", STR_ARG(all[i].reason));
  }
  if (err) complain("outbox", "%s", store_last_error(s)->text);
  buf_deinit(&b);
  arena_deinit(&a);
  return exit_code_of(err);
}

static int list(const struct options *o, struct store *s, const struct outbox_choice *c) {
  struct printing p = { .json = option(o, "json") != NULL };
  if (!option_number(o, "limit", 1, INT_MAX - 1, p.json ? INT_MAX - 1 : SHOWN_COUNT, &p.left)) return EXIT_COULD_NOT;
  long limit = p.left;
  int code = p.json ? EXIT_FINE : say_pauses(s);
  if (code != EXIT_FINE) return code;
  buf_init(&p.line, 64 << 10);
  if (!p.json) p.table = table_new();
  enum camp_err err = store_outbox_list(s, c, (uint32_t)limit + 1, print_row, &p);
  if (err) complain("outbox", "%s", store_last_error(s)->text);
  bool none = p.table && !table_rows(p.table);
  if (none) table_free(p.table), puts("No such message.");
  else if (p.table) table_print(p.table);
  if (p.more && p.table) printf("There are more; --limit says how many are shown, --json gives all.\n");
  buf_deinit(&p.line);
  return exit_code_of(err);
}

/* --- actions --------------------------------------------------------------------------------------------------------- */

/* What is tried again is asked about first; what may not leave is shown, the first SHOWN_COUNT of it. */
struct retry { struct asking *asking; int64_t now_ms; uint64_t refused; };

static enum camp_err ask(void *context, const struct outbox_item *item, struct arena *a, struct str *reason) {
  struct retry *r = context;
  enum camp_err err = asking_ask(r->asking, &item->row, r->now_ms, a, reason);
  if (err || !reason->len) return err;
  if (r->refused++ < SHOWN_COUNT)
    printf("%" PRId64 " to " STR_FMT " is not tried again: " STR_FMT "\n", item->row.id, STR_ARG(item->key), STR_ARG(*reason));
  return CAMP_OK;
}

static int carry_out(const struct options *o, struct store *s, struct outbox_action *a, uint64_t *count, uint64_t *refused) {
  struct retry retry = { .now_ms = clock_now_ms() };
  struct outbox_asks asks = { ask, &retry };
  struct engine_error error = { "" };
  long limit;
  if (!option_number(o, "limit", 1, INT_MAX, INT_MAX, &limit)) return EXIT_COULD_NOT;
  a->at_ms = retry.now_ms;
  bool asked = a->act == OUTBOX_ACT_RETRY;
  enum camp_err err = asked ? asking_open(s, NULL, (struct str){ NULL, 0 }, &retry.asking, &error) : CAMP_OK;
  if (err) {
    complain("outbox", "%s", error.text);
    return exit_code_of(err);
  }
  err = store_begin(s);
  if (!err) err = store_outbox_act(s, a, asked ? &asks : NULL, (uint32_t)limit, count);
  if (!err) err = store_commit(s);
  if (err) {
    complain("outbox", "%s", store_last_error(s)->text);
    store_rollback(s);
  }
  asking_close(retry.asking);
  *refused = retry.refused;
  if (!err && retry.refused > SHOWN_COUNT)
    printf("… and %" PRIu64 " more; camp outbox --reason 'not tried again' lists those that had failed.\n", retry.refused - SHOWN_COUNT);
  return exit_code_of(err);
}

static int say_done(const struct outbox_action *a, uint64_t count, uint64_t refused) {
  struct buf b;
  int code = EXIT_FINE;
  buf_init(&b, 4096);
  describe(a, &b);
  switch (a->act) {
    case OUTBOX_ACT_PAUSE:
      printf(count ? STR_FMT " is paused already.\n" : STR_FMT " is paused: what comes waits until `camp outbox resume` with the same choice.\n",
             STR_ARG(buf_as_str(&b)));
      break;
    case OUTBOX_ACT_RESUME:
      if (count) printf("%" PRIu64 " pause%s ended; what waited goes out.\n", count, S_OF(count));
      else complain("outbox", "no pause of " STR_FMT " is under way; camp outbox lists those that are", STR_ARG(buf_as_str(&b))), code = EXIT_COULD_NOT;
      break;
    case OUTBOX_ACT_RETRY:
      printf("%" PRIu64 " message%s tried again now", count, count == 1 ? " is" : "s are");
      if (refused) printf(", %" PRIu64 " %s not", refused, refused == 1 ? "is" : "are");
      puts(".");
      break;
    case OUTBOX_ACT_WITHDRAW: printf("%" PRIu64 " message%s withdrawn. What a sender has at this moment may still leave; then it says so.\n", count, S_OF(count)); break;
  }
  buf_deinit(&b);
  return code;
}

static int outbox_run(const struct options *o) {
  const char *db = option(o, "db"), *why = option(o, "why");
  const struct act *act = o->count ? find_act(o->positionals[0]) : &ACTS[0];
  struct outbox_action a = { .until_ms = STORE_NEVER };
  char domain[DOMAIN_BYTES];
  struct store_error error = { "" };
  struct store *s = NULL;
  uint64_t count = 0, refused = 0;
  if (!act || !read_choice(o, act, &a, domain)) return EXIT_COULD_NOT;
  if (!db) {
    complain("outbox", "which database? Add --db FILE.");
    return EXIT_COULD_NOT;
  }
  a.act = act->act;
  if (why) a.reason = str_from_c(why);
  if (a.reason.len > 200) {
    complain("outbox", "--why is at most 200 bytes");
    return EXIT_COULD_NOT;
  }
  enum camp_err err = store_open(db, &(struct store_options){ .read_only = !act->act, .beside = act->act != 0, .busy_ms = act->act ? ORDER_BUSY_MS : 0 }, &s, &error);
  if (err) {
    complain("outbox", "%s", error.text[0] ? error.text : camp_err_text(err));
    return exit_code_of(err);
  }
  int code = names_are_known(o, s, &a.choice) ? EXIT_FINE : EXIT_COULD_NOT;
  if (code == EXIT_FINE && !act->act) code = list(o, s, &a.choice);
  else if (code == EXIT_FINE && (code = carry_out(o, s, &a, &count, &refused)) == EXIT_FINE) code = say_done(&a, count, refused);
  store_close(s);
  return code;
}

static const struct option_spec outbox_options[] = {
  { "db", 0, "FILE", "the database" },
  { "state", 0, "STATES", "ready, claimed, deferred, doubt, paused, failed, sent, dropped, withdrawn; several by commas" },
  { "message", 0, "MESSAGE", "of this message alone" },
  { "campaign", 0, "CAMPAIGN", "of this campaign alone" },
  { "contact", 0, "KEY", "to this contact alone" },
  { "to", 0, "DOMAIN", "to addresses there alone, such as gmail.com" },
  { "reason", 0, "TEXT", "whose reason holds this text" },
  { "id", 0, "ID", "this one, by its number in the list" },
  { "relay", 0, "HOST", "pause, resume: the relay, as --send names it" },
  { "all", 0, NULL, "every message, where an action would else need a choice" },
  { "why", 0, "TEXT", "the reason of an action, kept with it and with its messages" },
  { "limit", 0, "N", "at most so many: the newest in a list, where a table shows 50; the oldest in an action" },
  { "json", 0, NULL, "an object a line" },
  { NULL, 0, NULL, NULL },
};
const struct command command_outbox = {
  .name = "outbox",
  .summary = "list messages that wait or failed; pause, resume, retry, withdraw",
  .arguments = "[list|pause|resume|retry|withdraw] --db FILE [options]",
  .text = "Lists the messages that have not left, and those that failed, with the reason and the next try. Or acts:\n"
          "  pause     nothing of the choice leaves any more, whatever comes; it waits\n"
          "  resume    ends the pause of that choice, or with --all each pause\n"
          "  retry     what failed or was put off is tried again now, under the same Message-ID; what is in doubt\n"
          "            may have arrived, so it is tried again only when --state doubt says so. Who has left the topic\n"
          "            or is suppressed by now, and what has expired, is left and named: no option overrides that\n"
          "  withdraw  what has not left never leaves\n"
          "A run on the same database goes on and sees it at once; without one, the next run sees it. Each action is\n"
          "kept with its time and reason in the table outbox_action.\n",
  .examples = "  camp outbox --db camp.db\n"
              "  camp outbox --db camp.db --state failed --to gmail.com --json\n"
              "  camp outbox pause --message offer --why 'a wrong price' --db camp.db\n"
              "  camp outbox withdraw --message offer --why 'a wrong price' --db camp.db\n"
              "  camp outbox retry --state failed --reason 5.7.1 --db camp.db\n",
  .options = outbox_options,
  .positionals_min = 0,
  .positionals_max = 1,
  .missing = "",
  .run = outbox_run,
};
