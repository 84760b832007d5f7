/* SMTP as it is spoken: what replies mean, dialogues by hand with every way they can go wrong, relays as --send says them, and the
 * journal of dots. Servers that nobody here wrote come in test_relay.sh. */
#include "runtime/send/smtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/send/journal.h"
#include "runtime/send/limits.h"
#include "runtime/send/relay.h"

/* --- replies ------------------------------------------------------------------------------------------------------- */

static const struct { const char *text; enum reply_command to; enum verdict verdict; const char *shown; } REPLIES[] = {
  { "250 ok\r\n", REPLY_TO_RCPT, VERDICT_OK, "250 ok" },
  { "250-first\r\n250 2.1.5 fine\r\n", REPLY_TO_RCPT, VERDICT_OK, "250 2.1.5 fine" },
  { "354 go on\r\n", REPLY_TO_DATA, VERDICT_OK, "354 go on" },
  { "250 what\r\n", REPLY_TO_DATA, VERDICT_REFUSED, "250 what" },
  { "450 4.2.0 greylisted\r\n", REPLY_TO_RCPT, VERDICT_LATER, "450 4.2.0 greylisted" },
  { "451 4.7.1 greylisted\r\n", REPLY_TO_RCPT, VERDICT_LATER, "451 4.7.1 greylisted" },
  { "452 too many\r\n", REPLY_TO_RCPT, VERDICT_LATER, "452 too many" },
  { "451 4.3.2 takes no mail\r\n", REPLY_TO_RCPT, VERDICT_BUSY, "451 4.3.2 takes no mail" },
  { "451 4.4.1 no answer from host\r\n", REPLY_TO_DOT, VERDICT_BUSY, "451 4.4.1 no answer from host" },
  { "450 4.7.28 unusual rate\r\n", REPLY_TO_RCPT, VERDICT_BUSY, "450 4.7.28 unusual rate" },
  { "451 4.7.650 throttled\r\n", REPLY_TO_DOT, VERDICT_BUSY, "451 4.7.650 throttled" },
  { "550 4.3.2 a status of another class\r\n", REPLY_TO_RCPT, VERDICT_ADDRESS, "550 4.3.2 a status of another class" },
  { "550 5.1.1 no such user\r\n", REPLY_TO_RCPT, VERDICT_ADDRESS, "550 5.1.1 no such user" },
  { "550 no such user\r\n", REPLY_TO_RCPT, VERDICT_ADDRESS, "550 no such user" },
  { "552 5.2.2 mailbox full\r\n", REPLY_TO_DOT, VERDICT_REFUSED, "552 5.2.2 mailbox full" },
  { "550 5.7.1 policy\r\n", REPLY_TO_RCPT, VERDICT_US, "550 5.7.1 policy" },
  { "530 authenticate first\r\n", REPLY_TO_MAIL, VERDICT_US, "530 authenticate first" },
  { "552 5.3.4 too big\r\n", REPLY_TO_MAIL, VERDICT_REFUSED, "552 5.3.4 too big" },
  { "503 5.5.1 nested MAIL\r\n", REPLY_TO_MAIL, VERDICT_US, "503 5.5.1 nested MAIL" },
  { "502 unknown\r\n", REPLY_TO_DATA, VERDICT_US, "502 unknown" },
  { "554 4.1.1 a status of another class is text\r\n", REPLY_TO_DOT, VERDICT_REFUSED, "554 4.1.1 a status of another class is text" },
  { "250\n", REPLY_TO_DOT, VERDICT_OK, "250 " },
};

static void replies_mean(void **state) {
  for (size_t i = 0; i < sizeof REPLIES / sizeof *REPLIES; i++) {
    /* Whole, and a byte at a time. */
    for (int cut = 0; cut < 2; cut++) {
      struct reply_reader r = { .lines = 0 };
      enum reply_state s = REPLY_MORE;
      struct str all = str_from_c(REPLIES[i].text);
      for (size_t at = 0; at < all.len && s == REPLY_MORE; at += cut ? 1 : all.len) {
        struct str in = { all.ptr + at, cut ? 1 : all.len };
        s = reply_take(&r, &in);
        assert_int_equal(in.len, 0);
      }
      char shown[256];
      assert_int_equal(s, REPLY_WHOLE);
      reply_show(&r.reply, shown, sizeof shown);
      assert_string_equal(shown, REPLIES[i].shown);
      assert_int_equal(reply_verdict(&r.reply, REPLIES[i].to), REPLIES[i].verdict);
    }
  }
}

static void no_server_speaks_so(void **state) {
  static const char *const broken[] = { "HTTP/1.1 200 OK\r\n", "25 ok\r\n", "250-a\r\n251 b\r\n", "250_a\r\n", "\r\n", "999 x\r\n", "100 x\r\n" };
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    struct reply_reader r = { .lines = 0 };
    struct str in = str_from_c(broken[i]);
    assert_int_equal(reply_take(&r, &in), REPLY_BROKEN);
  }
  static struct reply_reader r;
  struct buf many;
  buf_init(&many, 1 << 20);
  for (int i = 0; i < REPLY_LINES_MAX + 1; i++) buf_c(&many, "250-more\r\n");
  struct str in = buf_as_str(&many);
  assert_int_equal(reply_take(&r, &in), REPLY_BROKEN);
  buf_clear(&many);
  memset(&r, 0, sizeof r);
  for (int i = 0; i < REPLY_LINE_BYTES_MAX + 1; i++) buf_byte(&many, 'x');
  in = buf_as_str(&many);
  assert_int_equal(reply_take(&r, &in), REPLY_BROKEN);
  buf_deinit(&many);
}

/* --- dialogues ----------------------------------------------------------------------------------------------------- */

struct table { struct smtp_mail mails[8]; int count, next; char log[2048]; };

static struct smtp_mail *take(void *context) {
  struct table *t = context;
  return t->next < t->count ? &t->mails[t->next++] : NULL;
}
static bool body(void *context, struct smtp_mail *mail, struct buf *out) {
  if (str_is(mail->to, "huge@x")) return false;
  buf_printf(out, "Subject: " STR_FMT "\r\n\r\n..\r\n", STR_ARG(mail->to));
  return true;
}
static void fate(void *context, struct smtp_mail *mail, enum fate f, const char *reason) {
  static const char *const names[] = { "sent", "later", "busy", "refused", "held", "unsent", "doubt" };
  struct table *t = context;
  size_t n = strlen(t->log);
  snprintf(t->log + n, sizeof t->log - n, STR_FMT " %s (%s)\n", STR_ARG(mail->to), names[f], reason);
}
static const struct smtp_calls CALLS = { take, body, fate };

static struct table table_of(const char *const *to) {
  struct table t = { .count = 0 };
  for (; to[t.count]; t.count++) t.mails[t.count] = (struct smtp_mail){ .from = STR("us@x"), .to = str_from_c(to[t.count]) };
  return t;
}

/* Each line of a script: "<" server says, ">" we must have said, "|" the connection ends; bytes count as sent when compared. */
static void play(struct table *t, uint32_t per, const char *const *script, const char *log) {
  struct smtp_session s;
  char why[256];
  bool up = true;
  smtp_begin(&s, &CALLS, t, "me", per, true);
  for (; *script; script++) {
    struct str line = { *script + 1, strlen(*script) - 1 };
    if (**script == '<') {
      assert_true(up);
      up = smtp_receive(&s, line, why, sizeof why);
    } else if (**script == '>') {
      struct str out = { s.out.data + s.out_sent, s.out.len - s.out_sent };
      if (!str_eq(out, line)) print_message("said: " STR_FMT "\n", STR_ARG(out));
      assert_true(str_eq(out, line));
      smtp_sent(&s, out.len);
    } else if (**script == '|') {
      assert_true(up);
      smtp_lost(&s, line.ptr);
      up = false;
    } else if (**script == '+') {
      smtp_wake(&s);
    }
  }
  assert_string_equal(t->log, log);
  smtp_deinit(&s);
}
#define PLAY(per, to, script, log) do { struct table t = table_of((const char *const[]){ to, NULL }); \
  play(&t, per, (const char *const[]){ script, NULL }, log); } while (0)
#define L(...) __VA_ARGS__
#define HELLO_PIPED ">EHLO me\r\n", "<250-hi\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"

static void one_round_trip_a_mail(void **state) {
  PLAY(0, L("a@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: a@x\r\n\r\n..\r\n.\r\nMAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", "<250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: b@x\r\n\r\n..\r\n.\r\n", "<250 taken\r\n", ">"), "a@x sent (250 taken)\nb@x sent (250 taken)\n");
}

static void a_command_at_a_time(void **state) {
  PLAY(0, L("a@x", "b@x"), L(">EHLO me\r\n", "<250 hi\r\n", ">MAIL FROM:<us@x>\r\n", "<250 ok\r\n", ">RCPT TO:<a@x>\r\n", "<550 5.1.1 who\r\n",
    ">RSET\r\nMAIL FROM:<us@x>\r\n", "<250 ok\r\n250 ok\r\n", ">RCPT TO:<b@x>\r\n", "<250 ok\r\n", ">DATA\r\n", "<354 go\r\n",
    ">Subject: b@x\r\n\r\n..\r\n.\r\n", "<250 taken\r\n", ">"), "a@x refused (550 5.1.1 who)\nb@x sent (250 taken)\n");
}

static void an_old_server(void **state) {
  PLAY(0, L("a@x"), L(">EHLO me\r\n", "<500 what\r\n", ">HELO me\r\n", "<250 PIPELINING\r\n", ">MAIL FROM:<us@x>\r\n"), "");
}

static void refusals(void **state) {
  /* DATA is refused with the recipient. */
  PLAY(0, L("a@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n450 later\r\n554 no valid recipients\r\n",
    ">RSET\r\nMAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"), "a@x later (450 later)\n");
  /* DATA is taken although there is no recipient: an empty mail ends it. */
  PLAY(0, L("a@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n550 no\r\n354 go\r\n",
    ">.\r\nRSET\r\nMAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", "<554 nobody\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), "a@x refused (550 no)\n");
  /* About us: the address is kept. */
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<550 5.7.1 no\r\n503 5.5.1 x\r\n503 5.5.1 x\r\n"),
    "a@x held (550 5.7.1 no)\n");
  /* About us, by a policy that may be this destination's alone. */
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n550 5.7.1 no\r\n503 5.5.1 x\r\n"),
    "a@x busy (550 5.7.1 no)\n");
  /* The dot is refused. */
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: a@x\r\n\r\n..\r\n.\r\n", "<554 5.6.0 content\r\n"), "a@x refused (554 5.6.0 content)\n");
}

static void addresses_that_end_no_command(void **state) {
  PLAY(0, L("a@x>\r\nRCPT TO:<evil@x", "no address", "a b@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"),
    "a@x>\r\nRCPT TO:<evil@x refused (the address is not one that mail can be sent to)\n"
    "no address refused (the address is not one that mail can be sent to)\n"
    "a b@x refused (the address is not one that mail can be sent to)\n");
}

/* An address beyond ASCII (RFC 6531): it leaves by a server that says it takes such, else that one mail fails. */
static void letters_of_all_alphabets(void **state) {
  struct table t = table_of((const char *const[]){ "zo\xc3\xab@x", "b@x", NULL });
  t.mails[0].utf8 = true;
  play(&t, 0, (const char *const[]){ ">EHLO me\r\n", "<250-hi\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n",
    ">MAIL FROM:<us@x> SMTPUTF8\r\nRCPT TO:<zo\xc3\xab@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: zo\xc3\xab@x\r\n\r\n..\r\n.\r\nMAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", NULL }, "");
  t = table_of((const char *const[]){ "zo\xc3\xab@x", "b@x", NULL });
  t.mails[0].utf8 = true;
  play(&t, 0, (const char *const[]){ HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", NULL },
    "zo\xc3\xab@x refused (an address in it needs SMTPUTF8, which the server does not offer)\n");
}

static void connections_end(void **state) {
  /* Before the dot has left: as if never tried. */
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "|gone"), "a@x unsent (gone)\n");
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n", "|gone"), "a@x unsent (gone)\n");
  /* Behind it: in doubt; the next one was not begun. */
  PLAY(0, L("a@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: a@x\r\n\r\n..\r\n.\r\nMAIL FROM:<us@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", "|gone"), "a@x doubt (gone)\nb@x unsent (gone)\n");
  /* 421 is an answer to the dot: not taken. */
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: a@x\r\n\r\n..\r\n.\r\n", "<421 4.3.2 going down\r\n"), "a@x later (421 4.3.2 going down)\n");
  /* What answers is something else. */
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<hello?\r\n"), "a@x unsent (what answers does not speak SMTP)\n");
}

static void answers_before_questions(void **state) {
  /* All of a transaction is answered before it was said: no mail may count as taken. */
  PLAY(0, L("a@x"), L(">EHLO me\r\n", "<250-hi\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"),
    "a@x unsent (the server answered what it had not been asked yet)\n");
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"),
    "a@x unsent (the server answered what it had not been asked yet)\n");
  /* A refusal of the mail that is on its way is one, and ends the connection; what was to travel behind it was not begun. */
  PLAY(0, L("a@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n552 5.3.4 too big\r\n"),
    "a@x refused (552 5.3.4 too big)\nb@x unsent (552 5.3.4 too big)\n");
  PLAY(0, L("a@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n421 4.3.2 bye\r\n"), "a@x later (421 4.3.2 bye)\n");
}

static void so_many_a_connection(void **state) {
  PLAY(1, L("a@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n",
    ">Subject: a@x\r\n\r\n..\r\n.\r\n", "<250 taken\r\n", ">QUIT\r\n"), "a@x sent (250 taken)\n");
}

static void a_mail_that_cannot_be_made(void **state) {
  /* The server waits for a mail: only closing the connection takes DATA back. */
  PLAY(0, L("huge@x", "b@x"), L(HELLO_PIPED, ">MAIL FROM:<us@x>\r\nRCPT TO:<huge@x>\r\nDATA\r\n", "<250 ok\r\n250 ok\r\n354 go\r\n", ">"),
    "huge@x refused (the mail is too long to be sent)\n");
}

/* --- relays -------------------------------------------------------------------------------------------------------- */

static void relays(void **state) {
  static const struct { const char *spec, *why; } wrong[] = {
    { "smtp://", "this cannot be a host's name: ``" },
    { "smtp://a b", "this cannot be a host's name: `a b`" },
    { "smtp://h:0", "a port is a number from 1 to 65535, not `0`" },
    { "smtp://h:99999", "a port is a number from 1 to 65535, not `99999`" },
    { "smtp://me:secret@h", "a password does not belong into a command line; put it into CAMP_SMTP_PASSWORD and write USER@HOST, not `smtp://me:secret@h`" },
    { "smtp://h?tls=maybe", "tls is off, try or require, not `maybe`" },
    { "smtp://h?connections=0", "connections is a number from 1 to 200, not `0`" },
    { "smtp://h?speed=9", "the options are tls, connections, per, rate, timeout, keep and name; there is no `speed`" },
    { "smtp://h?timeout=0", "timeout is a number of seconds from 1 to 3600, not `0`" },
    { "smtp://h?keep=2", "keep, how long a mail is tried, is such as 6h or 4d, from 1m to 30d, not `2`" },
    { "smtp://h?keep=31d", "keep, how long a mail is tried, is such as 6h or 4d, from 1m to 30d, not `31d`" },
    { "smtps://h?tls=off", "smtps:// has TLS from the first byte, so it takes no `tls=off`" },
    { "smtp://h,mail.example", "a relay is written smtp://HOST or smtps://HOST, not `mail.example`" },
  };
  struct relay_options o[LIMIT_RELAYS_COUNT];
  struct arena a;
  uint32_t n;
  char why[256];
  arena_init(&a, 4096);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(relay_options_parse(wrong[i].spec, &a, o, &n, why), CAMP_BAD);
    assert_string_equal(why, wrong[i].why);
  }
  assert_int_equal(relay_options_parse("smtp://shop@mail.example:587/?connections=3&per=7&rate=20&name=me.example&timeout=9&keep=6h,smtps://[::1]", &a, o, &n, why), CAMP_OK);
  assert_int_equal(n, 2);
  assert_string_equal(o[0].host, "mail.example");
  assert_string_equal(o[0].user, "shop");
  assert_string_equal(o[0].name, "me.example");
  assert_true(o[0].port == 587 && o[0].connections == 3 && o[0].per == 7 && o[0].rate == 20 && o[0].timeout_s == 9 && o[0].keep_ms == 6 * 3600 * 1000 && o[0].tls == TLS_REQUIRE);
  assert_string_equal(o[1].host, "[::1]");
  assert_true(o[1].port == 465 && o[1].tls == TLS_IMPLICIT && !o[1].user && o[1].connections == 10);
  assert_int_equal(relay_options_parse("smtp://localhost", &a, o, &n, why), CAMP_OK);
  assert_true(o[0].tls == TLS_TRY && o[0].port == 25);
  arena_deinit(&a);
}

static void limits(void **state) {
  static const struct { const char *text, *why; } wrong[] = {
    { "gmail.com", "CAMP_LIMITS: this says no rate and no connections: `gmail.com`" },
    { "gmail.com rate=", "CAMP_LIMITS: rate is mails a second such as 20, or 300/m, or 1000/h, not ``" },
    { "gmail.com rate=5/d", "CAMP_LIMITS: rate is mails a second such as 20, or 300/m, or 1000/h, not `5/d`" },
    { "gmail.com speed=5", "CAMP_LIMITS: a domain's limits are rate and connections; there is no `speed`" },
    { "gmail.com connections=0", "CAMP_LIMITS: connections is a number from 1 to 1600, not `0`" },
    { "a.example rate=1, b.example+A.example rate=2", "CAMP_LIMITS: this is said twice: `a.example`" },
    { "* rate=1, * rate=2", "CAMP_LIMITS: this is said twice: `*`" },
    { "me@a.example rate=1", "CAMP_LIMITS: this cannot be a domain: `me@a.example`" },
    { "a.example rate=1,, b.example rate=1", "CAMP_LIMITS: a limit begins with a domain, or with * for each other: ``" },
  };
  struct limits l;
  struct arena a;
  char why[256];
  struct str name;
  arena_init(&a, 4096);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(limits_parse(wrong[i].text, &a, &l, why), CAMP_BAD);
    assert_string_equal(why, wrong[i].why);
  }
  assert_int_equal(limits_parse("Gmail.com+googlemail.com  rate=20 connections=5 , * rate=300/m, b.example connections=1", &a, &l, why), CAMP_OK);
  const struct limit *one = limits_find(&l, STR("googlemail.com"), &name);
  assert_true(one->rate > 19.9 && one->rate < 20.1 && one->connections == 5 && str_is(name, "gmail.com"));
  one = limits_find(&l, STR("other.example"), &name);
  assert_true(one->rate > 4.9 && one->rate < 5.1 && one->connections == 0 && str_is(name, "other.example"));
  one = limits_find(&l, STR("b.example"), &name);
  assert_true(one->rate < 0.1 && one->connections == 1 && str_is(name, "b.example"));
  assert_int_equal(limits_parse("", &a, &l, why), CAMP_OK);
  assert_null(limits_find(&l, STR("b.example"), &name));
  arena_deinit(&a);
}

/* --- the journal --------------------------------------------------------------------------------------------------- */

static void journal_after_a_kill(void **state) {
  char path[] = "/tmp/camp-journal-XXXXXX", why[256];
  struct journal *j;
  uint32_t n;
  close(mkstemp(path));
  assert_int_equal(journal_open(path, 7, &j, why), CAMP_OK);
  journal_dot(j, 1), journal_dot(j, 2), journal_dot(j, 3), journal_dot(j, 4);
  journal_answer(j, 1, true), journal_answer(j, 2, false);
  journal_answer(j, 4, false), journal_dot(j, 4); /* tried again */
  assert_int_equal(journal_flush(j, why), CAMP_OK);
  journal_dot(j, 5); /* never written: its dot never left */
  journal_close(j);
  /* The last record was cut by the end of the machine. */
  FILE *f = fopen(path, "ab");
  assert_int_equal(fwrite("cut", 1, 3, f), 3);
  fclose(f);
  assert_int_equal(journal_open(path, 7, &j, why), CAMP_OK);
  const struct journal_entry *left = journal_left(j, &n);
  assert_int_equal(n, 3);
  int seen = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (left[i].id == 1 && left[i].taken) seen |= 1;
    if (left[i].id == 3 && !left[i].taken) seen |= 2;
    if (left[i].id == 4 && !left[i].taken) seen |= 4;
  }
  assert_int_equal(seen, 7);
  /* A new one with the dots that are under way; then an empty one. */
  journal_dot(j, 6), journal_answer(j, 6, true);
  assert_int_equal(journal_flush(j, why), CAMP_OK);
  assert_int_equal(journal_reset(j, (const int64_t[]){ 3, 8 }, 2, why), CAMP_OK);
  journal_answer(j, 3, true);
  assert_int_equal(journal_flush(j, why), CAMP_OK);
  journal_close(j);
  assert_int_equal(journal_open(path, 7, &j, why), CAMP_OK);
  left = journal_left(j, &n);
  assert_true(n == 2 && left[0].id + left[1].id == 11 && left[0].taken == (left[0].id == 3) && left[1].taken == (left[1].id == 3));
  assert_int_equal(journal_reset(j, NULL, 0, why), CAMP_OK);
  journal_close(j);
  assert_int_equal(journal_open(path, 7, &j, why), CAMP_OK);
  assert_int_equal((journal_left(j, &n), n), 0);
  journal_dot(j, 9);
  assert_int_equal(journal_flush(j, why), CAMP_OK);
  journal_close(j);
  /* Another database under the same name: its numbers mean other mails. */
  assert_int_equal(journal_open(path, 8, &j, why), CAMP_OK);
  assert_int_equal((journal_left(j, &n), n), 0);
  journal_close(j);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(replies_mean), cmocka_unit_test(no_server_speaks_so), cmocka_unit_test(one_round_trip_a_mail),
    cmocka_unit_test(a_command_at_a_time), cmocka_unit_test(an_old_server), cmocka_unit_test(refusals),
    cmocka_unit_test(addresses_that_end_no_command), cmocka_unit_test(letters_of_all_alphabets), cmocka_unit_test(connections_end), cmocka_unit_test(answers_before_questions), cmocka_unit_test(so_many_a_connection),
    cmocka_unit_test(a_mail_that_cannot_be_made), cmocka_unit_test(relays), cmocka_unit_test(limits), cmocka_unit_test(journal_after_a_kill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
