/* camp preview and camp send: one message as a contact would get it, as files to look at or as a test mail to its author.
 *
 * It decides nothing about consent, caps or quiet hours, and records nothing: what a campaign sends goes by `camp run`. */
#include "runtime/command/commands.h"
#include "runtime/command/files.h"
#include "runtime/command/progress.h"
#include "runtime/command/session.h"
#include "runtime/send/single.h"
#include "vm/base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
  const struct options *o;
  const char *command;
  struct session s;
  struct arena arena;
  struct single single;
  struct envelope mail;
};

/* --- what is asked for ----------------------------------------------------------------------------------------------- */

static const char *message_at(const void *context, size_t i) {
  const struct program *p = context;
  for (uint32_t k = 0; k < p->unit_count; k++)
    if (p->units[k].kind == UNIT_MESSAGE && i-- == 0) {
      static char name[LIMIT_NAME_BYTES + 1];
      struct str s = unit_name(&p->units[k]);
      snprintf(name, sizeof name, STR_FMT, STR_ARG(s));
      return name;
    }
  return NULL;
}

static bool has_message(const struct program *p, struct str name) {
  for (uint32_t k = 0; k < p->unit_count; k++)
    if (p->units[k].kind == UNIT_MESSAGE && str_eq(unit_name(&p->units[k]), name)) return true;
  return false;
}

/* --with: the values of the send; its member `contact` is what the contact has. */
static bool read_values(struct job *j) {
  const char *text = option(j->o, "with"), *why;
  struct json root;
  size_t at;
  if (!text) return true;
  struct str s = str_from_c(text);
  if (!json_check(s, &root, &why, &at) || root.type != JSON_OBJECT) {
    complain(j->command, "--with is a JSON object such as '{\"code\": \"X1\", \"contact\": {\"first_name\": \"Ann\"}}'%s%s", root.type == JSON_OBJECT ? ": " : "", root.type == JSON_OBJECT ? why : "");
    return false;
  }
  struct json contact = json_member(s, STR("contact"));
  if (contact.type == JSON_OBJECT) j->single.attributes = contact.text;
  j->single.given = s;
  return true;
}

/* Attributes of a known contact, from the database. */
static int read_contact(struct job *j, struct store *store, const char *key) {
  struct key_lookup lookup = { .key = str_from_c(key) };
  struct contact_row row;
  enum camp_err err = store_contacts(store, &lookup, 1, false, 0);
  if (!err && !lookup.id) {
    complain(j->command, "%s knows no contact \"%s\"", option(j->o, "db"), key);
    return EXIT_COULD_NOT;
  }
  if (!err) err = store_contact_read(store, &j->arena, lookup.id, &row);
  if (err) {
    complain(j->command, "%s", store_last_error(store)->text);
    return exit_code_of(err);
  }
  j->single.key = arena_str(&j->arena, row.key);
  if (!j->single.attributes.len) j->single.attributes = arena_str(&j->arena, row.attributes);
  return EXIT_FINE;
}

static int take_contact(struct job *j, const char *key) {
  struct store *store = NULL;
  if (!option(j->o, "db")) return EXIT_FINE;
  if (!key) {
    complain(j->command, "--db without --contact KEY: whose attributes?");
    return EXIT_COULD_NOT;
  }
  int code = open_to_read(j->o, &store);
  if (code == EXIT_FINE) code = read_contact(j, store, key);
  if (store) store_close(store);
  return code;
}

static int open_job(struct job *j, const struct options *o, const char *key) {
  *j = (struct job){ .o = o, .command = o->command->name };
  const char *project = o->count > 1 ? o->positionals[0] : ".", *name = o->positionals[o->count - 1];
  arena_init(&j->arena, 64 << 10);
  struct stat st;
  if (o->count == 1 && (strchr(name, '/') || str_ends(str_from_c(name), STR(".camp"))) && stat(name, &st) == 0) {
    complain(j->command, "which message of %s? Name it behind the project: `camp %s %s MESSAGE`", name, j->command, name);
    return EXIT_COULD_NOT;
  }
  int code = session_project(&j->s, j->command, project, NULL);
  if (code != EXIT_FINE) return code;
  const struct program *p = &j->s.project.program;
  j->single = (struct single){ .program = p, .message = str_from_c(name), .key = key ? str_from_c(key) : STR("ann@example.com"), .at_ms = clock_now_ms() };
  if (!has_message(p, j->single.message)) {
    const char *near = nearest_name(name, message_at, p);
    complain(j->command, "there is no message \"%s\" in %s%s%s%s", name, project, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return EXIT_COULD_NOT;
  }
  return read_values(j) ? EXIT_FINE : EXIT_COULD_NOT;
}

static void close_job(struct job *j) {
  session_close(&j->s);
  arena_deinit(&j->arena);
}

static int render(struct job *j, bool live) {
  char why[256] = "";
  j->single.live = live;
  if (single_render(&j->single, &j->arena, &j->mail, why)) return EXIT_FINE;
  complain(j->command, "%s", why);
  return EXIT_COULD_NOT;
}

/* --- preview --------------------------------------------------------------------------------------------------------- */

static size_t count_of(struct str text, const char *what) {
  size_t n = 0, bytes = strlen(what);
  for (size_t i = 0; i + bytes <= text.len; i++) n += strncasecmp(text.ptr + i, what, bytes) == 0;
  return n;
}

/* What a reader's program, or a filter before it, would dislike. */
static void warn(const struct envelope *e, size_t mail_bytes) {
  struct str page = e->html ? e->body : (struct str){ "", 0 };
  size_t alts = count_of(page, " alt="), images = count_of(page, "<img ");
  static const struct { const char *what, *why; } unread[] = {
    { "=\"javascript:", "links to scripts lead nowhere" }, { "<script", "scripts never run in a mail, and filters refuse them" }, { "<form", "most programs show no forms" },
    { "<iframe", "no program shows frames" }, { "<video", "few programs play videos: show a picture that links to it" },
    { "<link ", "style sheets elsewhere are not fetched: put them into <style>" } };
  if (!e->subject.len) printf("warning: the subject is empty\n");
  if (utf8_columns(e->subject) > 70) printf("warning: the subject has %zu characters; phones show about 40, others 70\n", utf8_columns(e->subject));
  if (page.len > 102 * 1024) printf("warning: the page has %zu KB; Gmail cuts after 102, and with it the way out\n", page.len / 1024);
  if (mail_bytes > 10u << 20) printf("warning: the mail has %zu MB; many servers refuse more than 10\n", mail_bytes >> 20);
  if (images > alts) printf("warning: %zu picture%s without alt=\"…\", which is what readers see who load none\n", images - alts, S_OF(images - alts));
  for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
    if (count_of(page, unread[i].what)) printf("warning: %s\n", unread[i].why);
  if (count_of(page, "href=\"http://") > count_of(page, "href=\"http://localhost")) printf("warning: links without TLS: write https://\n");
  if (e->topic.len && !count_of(e->body, "/u/")) printf("warning: it has a topic and no visible way out: say {{ unsubscribe_url }}\n");
}

/* An address in a text, as mail programs make a link of it: up to a blank, without the sentence's own marks behind it. 0: none begins here. */
static size_t address_bytes(struct str text, size_t at) {
  struct str rest = { text.ptr + at, text.len - at };
  size_t n = 0;
  if (!str_starts(rest, STR("https://")) && !str_starts(rest, STR("http://"))) return 0;
  while (n < rest.len && (unsigned char)rest.ptr[n] > ' ' && !memchr("<>\"", rest.ptr[n], 3)) n++;
  while (n && memchr(".,;:!?)'", rest.ptr[n - 1], 8)) n--;
  return n;
}

static void put_escaped(struct buf *b, struct str s) {
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] == '<') buf_c(b, "&lt;");
    else if (s.ptr[i] == '&') buf_c(b, "&amp;");
    else if (s.ptr[i] == '"') buf_c(b, "&quot;");
    else buf_byte(b, (uint8_t)s.ptr[i]);
  }
}

/* A text as programs show it: lines as they are, long ones broken, addresses to click on. */
static void put_plain(struct buf *b, struct str text) {
  buf_c(b, "<!doctype html><meta charset=utf-8><body style=\"margin:2em auto;max-width:40em;font:16px/1.5 sans-serif;white-space:pre-wrap;overflow-wrap:anywhere\">");
  for (size_t at = 0, n; at < text.len; at += n) {
    n = address_bytes(text, at);
    struct str s = { text.ptr + at, n ? n : 1 };
    if (n) {
      buf_c(b, "<a href=\"");
      put_escaped(b, s);
      buf_c(b, "\">");
    }
    put_escaped(b, s);
    if (n) buf_c(b, "</a>");
    else n = 1;
  }
}

/* The page for a browser: its pictures inside it. */
static void put_page(struct buf *b, const struct envelope *e) {
  struct str page = e->body;
  if (!e->html) {
    put_plain(b, page);
    return;
  }
  for (size_t at = 0; at < page.len;) {
    const struct enclosure *shown = NULL;
    for (uint32_t i = 0; i < e->file_count && !shown; i++)
      if (e->files[i].inside && page.len - at > 4 + e->files[i].name.len && memcmp(page.ptr + at, "cid:", 4) == 0 &&
          memcmp(page.ptr + at + 4, e->files[i].name.ptr, e->files[i].name.len) == 0) shown = &e->files[i];
    if (shown) {
      buf_printf(b, "data:" STR_FMT ";base64,", STR_ARG(shown->type));
      for (size_t i = 0; i < shown->base64.len; i++)
        if (shown->base64.ptr[i] != '\n') buf_byte(b, (uint8_t)shown->base64.ptr[i]);
      at += 4 + shown->name.len;
    } else {
      buf_byte(b, (uint8_t)page.ptr[at++]);
    }
  }
}

static bool open_page(const char *path) {
  pid_t pid = fork();
  if (pid == 0) {
    execlp("xdg-open", "xdg-open", path, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int write_files(struct job *j) {
  const char *folder = option(j->o, "out") ? option(j->o, "out") : ".";
  char name[128];
  size_t n = 0;
  for (size_t i = 0; i < j->mail.message.len && n + 1 < sizeof name; i++) {
    char c = j->mail.message.ptr[i];
    name[n++] = isalnum((unsigned char)c) || c == '-' || (unsigned char)c >= 0x80 ? c : '_';
  }
  name[n] = 0;
  struct str eml = arena_printf(&j->arena, "%s/%s.eml", folder, name), html = arena_printf(&j->arena, "%s/%s.html", folder, name);
  struct str txt = arena_printf(&j->arena, "%s/%s.txt", folder, name);
  struct buf mail, page;
  buf_init(&mail, SIZE_MAX / 2);
  buf_init(&page, SIZE_MAX / 2);
  single_mail(&mail, &j->mail);
  put_page(&page, &j->mail);
  if (mkdir(folder, 0777) != 0) errno = 0; /* it is there; if not, writing says why */
  bool good = file_write(eml.ptr, buf_as_str(&mail)) && file_write(html.ptr, buf_as_str(&page)), text = j->mail.html && j->mail.text.len;
  if (text) good = good && file_write(txt.ptr, j->mail.text);
  if (good) {
    printf("To " STR_FMT ": " STR_FMT "\n%s is the mail, %s its page%s%s; %zu bytes\n", STR_ARG(j->mail.to), STR_ARG(j->mail.subject), eml.ptr, html.ptr,
           text ? ", and for programs without HTML " : "", text ? txt.ptr : "", mail.len);
    warn(&j->mail, mail.len);
  } else {
    complain(j->command, "cannot write into %s: %s", folder, strerror(errno));
  }
  buf_deinit(&mail);
  buf_deinit(&page);
  if (good && option(j->o, "open") && !open_page(html.ptr)) complain(j->command, "xdg-open could not show %s", html.ptr);
  return good ? EXIT_FINE : EXIT_COULD_NOT;
}

static int preview_run(const struct options *o) {
  struct job j;
  int code = open_job(&j, o, option(o, "contact"));
  if (code == EXIT_FINE) code = take_contact(&j, option(o, "contact"));
  if (code == EXIT_FINE) code = render(&j, false);
  if (code == EXIT_FINE) code = write_files(&j);
  close_job(&j);
  return code;
}

static const struct option_spec preview_options[] = {
  { "contact", 0, "KEY", "for whom; with --db their attributes are read there" },
  { "db", 0, "FILE", "the database that knows the contact" },
  { "with", 0, "JSON", "the values of the send, and attributes as its member `contact`" },
  { "out", 0, "FOLDER", "where the files go; else here" },
  { "open", 0, NULL, "show the page, by xdg-open" },
  { NULL, 0, NULL, NULL },
};
const struct command command_preview = {
  .name = "preview",
  .summary = "write one message as a contact would get it",
  .arguments = "[PROJECT] MESSAGE [--contact KEY] [options]",
  .text = "Writes MESSAGE.eml, the mail as a relay would get it, MESSAGE.html, its page with its pictures inside, and\n"
          "MESSAGE.txt, what programs show that show no HTML, and says what a reader's program would dislike. The\n"
          "project is the folder here unless it is named.\n"
          "Nothing is sent or recorded.\n",
  .examples = "  camp preview campaigns/ hello --contact ann@example.com --db camp.db --open\n"
              "  camp preview hello --with '{\"code\": \"X1\", \"contact\": {\"first_name\": \"Ann\"}}'\n",
  .options = preview_options,
  .positionals_min = 1,
  .positionals_max = 2,
  .missing = "which message? Name one that the scripts declare.",
  .run = preview_run,
};

/* --- send ------------------------------------------------------------------------------------------------------------ */

/* The address that was asked for, in place of the contact's. */
static void take_to(struct job *j, const char *to) {
  struct buf b;
  buf_init(&b, LIMIT_ATTRIBUTES_BYTES + 4096);
  buf_c(&b, "{\"email\":");
  buf_json_str(&b, str_from_c(to));
  struct json_walk w;
  if (j->single.attributes.len)
    for (w = json_walk_of(j->single.attributes); json_next(&w);) {
      struct str name = json_key(&w, &j->arena);
      if (str_is(name, "email")) continue;
      buf_byte(&b, ',');
      buf_json_str(&b, name);
      buf_byte(&b, ':');
      buf_str(&b, w.value.text);
    }
  buf_byte(&b, '}');
  j->single.attributes = arena_str(&j->arena, buf_as_str(&b));
  buf_deinit(&b);
}

static int send_it(struct job *j, const char *to, const char *send) {
  enum { WAIT_MS = 60 * 1000 };
  char why[256] = "";
  j->mail.test = true;
  printf("A test of " STR_FMT " to %s, by %s.\n", STR_ARG(j->mail.message), to, send);
  fflush(stdout);
  if (single_send(send, &j->mail, WAIT_MS, why)) {
    printf("Taken.\n");
    return EXIT_FINE;
  }
  complain("send", "%s", why);
  return EXIT_COULD_NOT;
}

static int send_run(const struct options *o) {
  const char *to = option(o, "to"), *send = option(o, "send");
  bool real = send && strncmp(send, "smtp", 4) == 0;
  if (!to || !send) {
    complain("send", !to ? "to whom? Add --to ADDRESS." : "by what? Add --send smtp://HOST or --send maildir:FOLDER.");
    return EXIT_COULD_NOT;
  }
  if (real && !option(o, "live")) {
    complain("send", "--send %.100s hands real mail to a relay. Add --live to mean it.", send);
    return EXIT_COULD_NOT;
  }
  struct job j;
  int code = open_job(&j, o, option(o, "contact") ? option(o, "contact") : to);
  if (code == EXIT_FINE && option(o, "contact")) code = take_contact(&j, option(o, "contact"));
  if (code == EXIT_FINE) {
    take_to(&j, to);
    code = render(&j, real);
  }
  if (code == EXIT_FINE) code = send_it(&j, to, send);
  close_job(&j);
  return code;
}

static const struct option_spec send_options[] = {
  { "to", 0, "ADDRESS", "where it goes, whatever the contact's address is" },
  { "send", 0, "SPEC", "by what: smtp://HOST as for `camp run`, or maildir:DIR" },
  { "live", 0, NULL, "needed with smtp://: mail leaves for real" },
  { "contact", 0, "KEY", "as whom; with --db their attributes are read there" },
  { "db", 0, "FILE", "the database that knows the contact" },
  { "with", 0, "JSON", "the values of the send, and attributes as its member `contact`" },
  { NULL, 0, NULL, NULL },
};
const struct command command_send = {
  .name = "send",
  .summary = "send one message to yourself, as a test",
  .arguments = "[PROJECT] MESSAGE --to ADDRESS --send SPEC [options]",
  .text = "Renders one message and hands it over, marked as a test: \"[test]\" before its subject, and X-Camp-Test\n"
          "among its headers. No cap, consent or history knows of it, and its links count for nobody.\n",
  .examples = "  camp send campaigns/ hello --to me@shop.example --send smtp://127.0.0.1 --live\n"
              "  camp send hello --to me@shop.example --contact ann --db camp.db --send maildir:out\n",
  .options = send_options,
  .positionals_min = 1,
  .positionals_max = 2,
  .missing = "which message? Name one that the scripts declare.",
  .run = send_run,
};
