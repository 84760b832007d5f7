/* camp doctor: what can be known to be wrong before the first campaign runs.
 *
 * It changes nothing and sends nothing: it reads the environment, the database and DNS, and opens one connection to each relay.
 *
 * Each finding is one line: ok, warn or bad, what was looked at, what is so, and for what is not right how to mend it. */
#include "runtime/command/commands.h"
#include "runtime/command/progress.h"
#include "runtime/command/session.h"

#include "vm/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "runtime/send/dkim.h"
#include "runtime/send/dns.h"
#include "runtime/send/probe.h"

enum { ROOM_BAD_MB = 200, ROOM_WARN_MB = 2000, RSA_BITS_WANTED = 2048 };

enum finding { FINE, WARN, BAD };
struct doctor {
  struct arena arena;
  int bad, warned;
  struct str from, from_domain, return_domain; /* domains lower-cased */
  bool spf_aligned, dkim_aligned, unasked; /* unasked: some name could not be looked up */
};

static void say(struct doctor *d, enum finding f, const char *what, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void say(struct doctor *d, enum finding f, const char *what, const char *fmt, ...) {
  static const char *const words[] = { "ok", "warn", "bad" };
  printf("%-4s  %-9s  ", words[f], what);
  va_list ap;
  va_start(ap, fmt);
  vprintf(fmt, ap);
  va_end(ap);
  putchar('\n');
  d->bad += f == BAD;
  d->warned += f == WARN;
}

/* --- names --------------------------------------------------------------------------------------------------------- */

static struct str bare_address(struct str s) {
  const char *open = s.len ? memrchr(s.ptr, '<', s.len) : NULL;
  const char *close = open ? memchr(open, '>', (size_t)(s.ptr + s.len - open)) : NULL;
  return close ? str_slice(open + 1, close) : s;
}

static struct str domain_of(struct doctor *d, struct str address) {
  const char *at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;
  if (!at) return (struct str){ NULL, 0 };
  struct str domain = arena_str(&d->arena, str_slice(at + 1, address.ptr + address.len));
  for (size_t i = 0; i < domain.len; i++)
    if (domain.ptr[i] >= 'A' && domain.ptr[i] <= 'Z') ((char *)(uintptr_t)domain.ptr)[i] |= 32;
  return domain;
}

static bool within(struct str inner, struct str outer) {
  return str_eq(inner, outer) || (inner.len > outer.len && inner.ptr[inner.len - outer.len - 1] == '.' && str_ends(inner, outer));
}

/* Relaxed alignment (RFC 7489, 3.1): one organization. Without the list of public suffixes, one domain within the other. */
static bool aligned(struct str a, struct str b) { return a.len && b.len && (within(a, b) || within(b, a)); }

static bool begins(struct str record, const char *with) { return record.len >= strlen(with) && strncasecmp(record.ptr, with, strlen(with)) == 0; }

/* The one record that begins so; NULL with the finding said. */
static const struct str *one_record(struct doctor *d, const char *what, const char *name, const char *with, enum finding absent,
                                    const char *mend, struct str *records) {
  uint32_t count = 0, found = 0;
  char why[256] = "";
  const struct str *one = NULL;
  switch (dns_txt(name, &d->arena, records, &count, why)) {
    case DNS_FAILED:
      d->unasked = true;
      say(d, WARN, what, "%s: could not be looked up: %s", name, why);
      return NULL;
    case DNS_NONE:
    case DNS_FOUND: break;
  }
  for (uint32_t i = 0; i < count; i++)
    if (begins(records[i], with)) one = &records[i], found++;
  if (found > 1) {
    say(d, BAD, what, "%s has %u records that begin with %s; receivers then use none. Keep one.", name, found, with);
    return NULL;
  }
  if (!one) say(d, absent, what, "%s has no record that begins with %s. %s", name, with, mend);
  return one;
}

/* The value of `tag=` in a record of tags (RFC 6376, 3.2), without its blanks. */
static struct str tag_value(struct doctor *d, struct str record, const char *tag) {
  for (size_t at = 0; at < record.len;) {
    while (at < record.len && (record.ptr[at] == ' ' || record.ptr[at] == '\t' || record.ptr[at] == ';')) at++;
    size_t from = at;
    while (at < record.len && record.ptr[at] != ';') at++;
    struct str one = { record.ptr + from, at - from };
    if (!str_starts(one, str_from_c(tag)) || one.len <= strlen(tag) || one.ptr[strlen(tag)] != '=') continue;
    char *text = arena_alloc(&d->arena, one.len + 1);
    size_t n = 0;
    for (size_t i = strlen(tag) + 1; i < one.len; i++)
      if (one.ptr[i] != ' ' && one.ptr[i] != '\t') text[n++] = one.ptr[i];
    text[n] = 0;
    return (struct str){ text, n };
  }
  return (struct str){ NULL, 0 };
}

/* --- who sends ----------------------------------------------------------------------------------------------------- */

static bool look_at_from(struct doctor *d) {
  const char *from = getenv("CAMP_FROM"), *path = getenv("CAMP_RETURN_PATH");
  if (!from || !*from) {
    say(d, BAD, "from", "CAMP_FROM is not set. Say who the mail comes from: CAMP_FROM='Shop <news@shop.example>'");
    return false;
  }
  d->from = bare_address(str_from_c(from));
  d->from_domain = domain_of(d, d->from);
  d->return_domain = path && *path ? domain_of(d, bare_address(str_from_c(path))) : d->from_domain;
  if (!d->from_domain.len || !d->return_domain.len) {
    say(d, BAD, "from", "CAMP_FROM and CAMP_RETURN_PATH hold an address each, such as news@shop.example");
    return false;
  }
  say(d, FINE, "from", "%s, bounces to %s", from, path && *path ? path : "the same address");
  return true;
}

static void look_at_spf(struct doctor *d) {
  struct str records[LIMIT_DNS_RECORDS_COUNT];
  const struct str *r = one_record(d, "spf", d->return_domain.ptr, "v=spf1", BAD,
                                   "Publish one that names your relay, such as \"v=spf1 include:RELAY ~all\".", records);
  if (!r) return;
  if (memmem(r->ptr, r->len, "+all", 4) || str_ends(*r, STR(" all"))) {
    say(d, BAD, "spf", "%s lets the whole world send: \"" STR_FMT "\". End it with ~all or -all.", d->return_domain.ptr, STR_ARG(*r));
    return;
  }
  d->spf_aligned = aligned(d->return_domain, d->from_domain);
  say(d, d->spf_aligned ? FINE : WARN, "spf", "%s: " STR_FMT "%s", d->return_domain.ptr, STR_ARG(*r),
      d->spf_aligned ? "" : "; but bounces go to another organization's domain than From, so it does not count for DMARC");
}

static void look_at_key(struct doctor *d, const struct dkim *keys, uint32_t i) {
  struct str records[LIMIT_DNS_RECORDS_COUNT];
  struct buf mine;
  buf_init(&mine, 64 << 10);
  struct dkim_record k = dkim_record(keys, i, &mine);
  struct str domain = str_from_c(k.domain);
  struct str name = arena_printf(&d->arena, "%s._domainkey.%s", k.selector, k.domain);
  struct str publish = arena_printf(&d->arena, "Publish there: \"v=DKIM1; k=%s; p=" STR_FMT "\"", k.ed25519 ? "ed25519" : "rsa", STR_ARG(buf_as_str(&mine)));
  uint32_t count = 0;
  char why[256] = "";
  enum dns_state state = dns_txt(name.ptr, &d->arena, records, &count, why);
  if (state == DNS_FAILED) {
    d->unasked = true;
    say(d, WARN, "dkim", "%s: could not be looked up: %s", name.ptr, why);
  } else if (state == DNS_NONE) {
    say(d, BAD, "dkim", "%s has no record. %s", name.ptr, publish.ptr);
  } else {
    struct str p = tag_value(d, records[0], "p");
    if (!p.len) say(d, BAD, "dkim", "%s: the key was revoked (an empty p=). %s", name.ptr, publish.ptr);
    else if (!str_eq(p, buf_as_str(&mine))) say(d, BAD, "dkim", "%s has another key than the file. %s", name.ptr, publish.ptr);
    else if (!k.ed25519 && k.bits < RSA_BITS_WANTED) say(d, WARN, "dkim", "%s: %d bits, where receivers want %d. Make another with `openssl genrsa -out KEY.pem %d` and publish it under a new selector", name.ptr, k.bits,
                                                           RSA_BITS_WANTED, RSA_BITS_WANTED);
    else say(d, FINE, "dkim", "%s: %s, the key in DNS is the key of the file", name.ptr, k.ed25519 ? "Ed25519" : "RSA");
    if (p.len && str_eq(p, buf_as_str(&mine)) && aligned(domain, d->from_domain)) d->dkim_aligned = true;
    else if (p.len && str_eq(p, buf_as_str(&mine)))
      say(d, WARN, "dkim", "%s signs for another organization's domain than From, so it does not count for DMARC", k.domain);
  }
  buf_deinit(&mine);
}

static void look_at_dkim(struct doctor *d) {
  const char *spec = getenv("CAMP_DKIM");
  char why[256];
  struct dkim *keys = NULL;
  if (!spec || !*spec) {
    say(d, BAD, "dkim", "mail is not signed; Gmail and Yahoo refuse bulk mail without. Make a key with `openssl genrsa -out KEY.pem %d`, set CAMP_DKIM=SELECTOR=KEY.pem, and ask again: "
        "this says what to publish", RSA_BITS_WANTED);
    return;
  }
  if (dkim_open(spec, d->from_domain, &keys, why) != CAMP_OK) {
    say(d, BAD, "dkim", "%s", why);
    return;
  }
  for (uint32_t i = 0; i < dkim_count(keys); i++) look_at_key(d, keys, i);
  dkim_close(keys);
}

static void look_at_dmarc(struct doctor *d) {
  struct str records[LIMIT_DNS_RECORDS_COUNT];
  struct str name = arena_printf(&d->arena, "_dmarc." STR_FMT, STR_ARG(d->from_domain));
  uint32_t count = 0;
  char why[256];
  /* Where the domain has none, its organization's counts (RFC 7489, 6.6.3). */
  const char *dot = memchr(d->from_domain.ptr, '.', d->from_domain.len);
  if (dot && memchr(dot + 1, '.', (size_t)(d->from_domain.ptr + d->from_domain.len - dot - 1)) &&
      dns_txt(name.ptr, &d->arena, records, &count, why) == DNS_NONE)
    name = arena_printf(&d->arena, "_dmarc.%s", dot + 1);
  const struct str *r = one_record(d, "dmarc", name.ptr, "v=DMARC1", BAD, "Publish \"v=DMARC1; p=none; rua=mailto:…\" to begin with.", records);
  if (r) {
    struct str p = tag_value(d, *r, "p");
    bool none = str_is(p, "none");
    say(d, none ? WARN : FINE, "dmarc", "%s: policy " STR_FMT "%s", name.ptr, STR_ARG(p), none ? "; anybody may still send in your name. When its reports show your own mail passing, make it p=quarantine" : "");
  }
  if (!d->spf_aligned && !d->dkim_aligned && d->unasked)
    say(d, WARN, "align", "whether SPF or DKIM speaks for " STR_FMT " could not be told", STR_ARG(d->from_domain));
  else if (!d->spf_aligned && !d->dkim_aligned)
    say(d, BAD, "align", "neither SPF nor DKIM speaks for " STR_FMT ", the domain of From; receivers will take the mail for forged. One of them is enough: mend the one above that is nearer to done", STR_ARG(d->from_domain));
  else
    say(d, FINE, "align", "From is spoken for by %s", d->spf_aligned && d->dkim_aligned ? "SPF and DKIM" : d->dkim_aligned ? "DKIM" : "SPF");
}

static void look_at_token(struct doctor *d) {
  const char *secret = getenv("CAMP_SECRET");
  if (secret && *secret) say(d, FINE, "bounces", "each mail bears a token, by which camp inbound knows what comes back");
  else say(d, WARN, "bounces", "CAMP_SECRET is not set, so no mail bears a token, and camp inbound knows no bounce or complaint. Set it to a long random text, and keep it");
}

static void look_at_relays(struct doctor *d, const char *spec) {
  struct relay_options relays[LIMIT_RELAYS_COUNT];
  uint32_t count;
  char why[256];
  if (relay_options_parse(spec, &d->arena, relays, &count, why) != CAMP_OK) {
    say(d, BAD, "relay", "%s", why);
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    const struct relay_options *o = &relays[i];
    struct probe p;
    const char *password = getenv("CAMP_SMTP_PASSWORD");
    if (o->user && (!password || !*password)) say(d, BAD, "secret", "CAMP_SMTP_PASSWORD is not set; %s asks for the password of %s", o->host, o->user);
    relay_probe(o, &p);
    if (!p.reached) {
      bool nobody = strncmp(p.said, "Couldn't connect", 16) == 0;
      say(d, BAD, "relay", "%s:%u: %s%s", o->host, o->port, p.said, nobody ? ". Does it run there, on that port (25, or 587 for users), and does no firewall stand between?" : "");
      continue;
    }
    say(d, FINE, "relay", "%s:%u answers in %" PRId64 " ms%s%s", o->host, o->port, p.took_ms, p.tls ? ", with TLS" : o->here ? ", on this machine" : "",
        p.pipelining ? ", PIPELINING" : "");
    if (!p.tls && !o->here) say(d, o->tls == TLS_TRY || o->tls == TLS_OFF ? WARN : BAD, "relay", "%s:%u: no TLS; mail travels to it in the clear", o->host, o->port);
    if (!p.pipelining) say(d, WARN, "relay", "%s:%u: no PIPELINING, so each mail costs four round trips", o->host, o->port);
  }
}

/* --- where it runs ------------------------------------------------------------------------------------------------- */

static void look_at_room(struct doctor *d, const char *db) {
  struct statvfs v;
  const char *slash = strrchr(db, '/');
  struct str folder = slash ? arena_str(&d->arena, str_slice(db, slash == db ? slash + 1 : slash)) : STR(".");
  if (statvfs(folder.ptr, &v) != 0) {
    say(d, BAD, "disk", "%s cannot be looked at", folder.ptr);
    return;
  }
  uint64_t mb = (uint64_t)v.f_bavail * v.f_frsize >> 20;
  say(d, mb < ROOM_BAD_MB ? BAD : mb < ROOM_WARN_MB ? WARN : FINE, "disk", "%" PRIu64 " MB free in %s%s", mb, folder.ptr,
      mb < ROOM_WARN_MB ? "; a full disk stops the intake until there is room" : "");
}

static void look_at_database(struct doctor *d, const char *db) {
  struct store *s = NULL;
  struct store_error error = { "" };
  struct store_clock clock = { 0 };
  enum camp_err err = store_open(db, &(struct store_options){ .read_only = true }, &s, &error);
  if (err == CAMP_NOT_FOUND) {
    say(d, FINE, "database", "%s is not there yet; camp run makes it", db);
    return;
  }
  if (!err) err = store_clock_get(s, &clock);
  if (err) {
    say(d, BAD, "database", "%s", error.text[0] ? error.text : camp_err_text(err));
  } else {
    int64_t ahead_s = (clock.now_ms - clock_now_ms()) / 1000;
    say(d, FINE, "database", "%s can be read", db);
    if (ahead_s > 60)
      say(d, BAD, "clock", "the database has been at a time %" PRId64 " s ahead of the system's clock: set the clock; until then nothing is due", ahead_s);
  }
  store_close(s);
}

static void look_at_clock(struct doctor *d) {
  struct zones *zones = zones_new();
  struct str names = zones_names(zones, &d->arena);
  struct civil c = calendar_civil(clock_now_ms());
  if (c.year < 2026) say(d, BAD, "clock", "the system's clock says %04lld-%02d-%02d, which is before this program was written", (long long)c.year, c.month, c.day);
  else say(d, FINE, "clock", "%04lld-%02d-%02d %02d:%02d UTC", (long long)c.year, c.month, c.day, c.hour, c.minute);
  if (names.len == 0) say(d, BAD, "zones", "there are no time zones in %s; install tzdata, or every contact lives in UTC", zones_folder(zones));
  else say(d, FINE, "zones", "%s", zones_folder(zones));
  zones_free(zones);
}

/* --- what the scripts need of the environment ------------------------------------------------------------------------ */

/* CAMP_SECRET_SMS_ID of secret.sms_id. */
static struct str secret_variable(struct doctor *d, struct str name) {
  struct str v = arena_printf(&d->arena, "CAMP_SECRET_" STR_FMT, STR_ARG(name));
  for (char *c = (char *)(uintptr_t)v.ptr; *c; c++) {
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    else if (!((*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9'))) *c = '_';
  }
  return v;
}

static void look_at_secrets(struct doctor *d, const struct program *p) {
  VEC(struct str) seen = { 0 };
  uint32_t set = 0;
  for (uint32_t i = 0; i < p->unit_count; i++) {
    const struct unit *u = &p->units[i];
    for (uint32_t k = 0; u->request && k < u->request->piece_count; k++) {
      if (u->request->pieces[k].kind != PIECE_SECRET) continue;
      struct str variable = secret_variable(d, unit_string(u, u->request->pieces[k].at));
      uint32_t n = 0;
      while (n < seen.count && !str_eq(seen.items[n], variable)) n++;
      if (n < seen.count) continue;
      VEC_PUSH(&d->arena, &seen, variable);
      const char *value = getenv(variable.ptr);
      if (value && *value) set++;
      else say(d, BAD, "secrets", "%s is not set, and " STR_FMT " needs it", variable.ptr, STR_ARG(unit_name(u)));
    }
  }
  if (seen.count && set == seen.count) say(d, FINE, "secrets", "%u of %u are set", set, seen.count);
  for (uint32_t i = 0; i < p->unit_count; i++) {
    const struct unit *u = &p->units[i];
    bool mail = u->kind == UNIT_MESSAGE && str_is(unit_string(u, u->channel), "email");
    if (!mail || (!(u->mail & MAIL_URLS) && u->topic == NONE)) continue;
    const char *base = getenv("CAMP_BASE_URL"), *secret = getenv("CAMP_SECRET");
    const char *missing = !base || !*base ? "CAMP_BASE_URL" : !secret || !*secret ? "CAMP_SECRET" : NULL;
    if (missing) say(d, BAD, "addresses", "%s is not set, and message " STR_FMT " has an address of ours, such as its way out", missing, STR_ARG(unit_name(u)));
    else say(d, FINE, "addresses", "ways out lead to %s", base);
    return;
  }
}

static int look_at_project(struct doctor *d, const char *path) {
  struct project p;
  int code = project_open(&p, "doctor", path);
  if (code == EXIT_FINE) {
    say(d, FINE, "project", "%u unit%s, without a mistake", p.program.unit_count, S_OF(p.program.unit_count));
    look_at_secrets(d, &p.program);
  }
  project_close(&p);
  return code;
}

static int doctor_run(const struct options *o) {
  struct doctor d = { .bad = 0 };
  const char *send = option(o, "send"), *db = option(o, "db");
  arena_init(&d.arena, 64 << 10);
  int code = o->count ? look_at_project(&d, o->positionals[0]) : EXIT_FINE;
  if (code != EXIT_FINE) {
    arena_deinit(&d.arena);
    return code;
  }
  look_at_clock(&d);
  if (db) {
    look_at_database(&d, db);
    look_at_room(&d, db);
  }
  if (send && strncmp(send, "smtp", 4) == 0) {
    if (look_at_from(&d)) {
      look_at_spf(&d);
      look_at_dkim(&d);
      look_at_dmarc(&d);
    }
    look_at_token(&d);
    look_at_relays(&d, send);
  } else if (!send) {
    printf("      Add --send smtp://HOST to look at the relay and at what DNS says of you, --db FILE to look at the database.\n");
  }
  printf("%s\n", d.bad ? "Not ready." : d.warned ? "Ready, with warnings." : "Ready.");
  arena_deinit(&d.arena);
  return d.bad ? EXIT_MISTAKES : EXIT_FINE;
}

static const struct option_spec doctor_options[] = {
  { "send", 0, "SPEC", "the relay that mail will go to, as for camp run" },
  { "db", 0, "FILE", "the database, as for camp run" },
  { NULL, 0, NULL, NULL },
};
const struct command command_doctor = {
  .name = "doctor",
  .summary = "look for what would go wrong before a first campaign",
  .arguments = "[PROJECT] [--send SPEC] [--db FILE]",
  .text = "Looks at the secrets and addresses that PROJECT needs of the environment; at the clock, the time zones,\n"
          "the database and its disk; at who the mail comes from (CAMP_FROM, CAMP_RETURN_PATH), the SPF, DKIM and DMARC records that speak for it, whether the key in DNS is the key\n"
          "in CAMP_DKIM; and whether the relay answers, with TLS and the password in CAMP_SMTP_PASSWORD. Sends\n"
          "nothing and changes nothing. CAMP_DNS=ADDRESS[:PORT] asks another name server. Ends with 1 when\n"
          "something is bad.\n",
  .examples = "  CAMP_FROM='Shop <news@shop.example>' CAMP_DKIM=s1=dkim.pem \\\n"
              "    camp doctor campaigns/ --send smtp://shop@relay.example:587 --db camp.db\n",
  .options = doctor_options,
  .positionals_min = 0,
  .positionals_max = 1,
  .missing = "",
  .run = doctor_run,
};
