/* Bounces and complaints, read.
 *
 * Not for: what follows from them (scripts do: `when bounce …`), receiving mail (the MTA does).
 *
 * Invariants:
 * 1. A report counts for the mail whose token it bears, in the address it was sent to or in the original that it returns; without a token
 *    that our secret made it counts for none.
 * 2. Only a status that says that the address is dead is permanent: 5.2.2 (full), 5.7.x (we are disliked) and 4.x.x are not.
 * 3. A mail that cannot be parsed is INBOUND_OTHER; nothing in one stops the reading of the next. */
#include "runtime/send/inbound.h"

#include <dirent.h>
#include <errno.h>
#include <gmime/gmime.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/send/token.h"
#include "vm/base/utf8.h"

enum { WHY_BYTES = 256, STATUS_PART_BYTES_MAX = 256 << 10, HEADERS_BYTES_MAX = 256 << 10, PARTS_MAX = 200, DEPTH_MAX = 20 };

struct reading {
  struct str secret;
  inbound_fn *fn;
  void *context;
  bool stopped;
};

/* --- pieces -------------------------------------------------------------------------------------------------------- */

/* A header's value in a block of them, unfolded, without the blanks around it; empty when it is not there. */
static struct str field_of(struct str block, const char *name, char *out, size_t out_bytes) {
  size_t name_len = strlen(name), n = 0;
  bool in = false;
  out[0] = 0;
  for (size_t at = 0; at < block.len;) {
    const char *lf = memchr(block.ptr + at, '\n', block.len - at);
    struct str line = { block.ptr + at, lf ? (size_t)(lf - block.ptr) - at : block.len - at };
    at += line.len + (lf ? 1 : 0);
    while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' ')) line.len--;
    bool folded = line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
    if (!folded && in) break;
    if (!folded) in = line.len > name_len && line.ptr[name_len] == ':' && strncasecmp(line.ptr, name, name_len) == 0;
    if (!in) continue;
    struct str value = folded ? line : (struct str){ line.ptr + name_len + 1, line.len - name_len - 1 };
    while (value.len && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) value.ptr++, value.len--;
    if (n && n + 1 < out_bytes) out[n++] = ' ';
    for (size_t i = 0; i < value.len && n + 1 < out_bytes; i++) out[n++] = (unsigned char)value.ptr[i] < 0x20 ? ' ' : value.ptr[i];
  }
  n = utf8_valid_prefix((struct str){ out, n });
  out[n] = 0;
  return (struct str){ out, n };
}

/* "5.1.1" of "5.1.1 (bad address)". */
static bool status_of(struct str value, int n[3]) {
  n[0] = n[1] = n[2] = 0;
  size_t at = 0;
  for (int i = 0; i < 3; i++) {
    size_t from = at;
    while (at < value.len && at - from < 3 && value.ptr[at] >= '0' && value.ptr[at] <= '9') n[i] = n[i] * 10 + (value.ptr[at++] - '0');
    if (at == from || (i < 2 && (at == value.len || value.ptr[at++] != '.'))) return false;
  }
  return true;
}

/* Exim says 5.0.0 of everything, and what the remote server answered in the diagnostic code: `smtp; 550 5.1.1 no such user`. */
static void status_of_words(struct str words, int n[3]) {
  int said[3];
  if (n[0] && (n[1] || n[2])) return;
  if (words.len < 9 || words.ptr[0] < '2' || words.ptr[0] > '5' || (words.ptr[3] != ' ' && words.ptr[3] != '-')) return;
  if (!status_of((struct str){ words.ptr + 4, words.len - 4 }, said) || said[0] != words.ptr[0] - '0' || (n[0] && said[0] != n[0])) return;
  memcpy(n, said, sizeof said);
}

static bool is_dead(const int n[3]) {
  if (n[0] != 5) return false;
  if (n[1] == 1) return n[2] == 1 || n[2] == 2 || n[2] == 3 || n[2] == 6 || n[2] == 10;
  return n[1] == 2 && n[2] == 1;
}

static void cut(char *out, size_t bytes, struct str s) {
  if (s.len > bytes - 1) s.len = bytes - 1;
  s.len = utf8_valid_prefix(s);
  memcpy(out, s.ptr ? s.ptr : "", s.len);
  out[s.len] = 0;
}

/* A part's decoded bytes, at most so many; the caller frees. */
static char *part_text(GMimeObject *part, size_t max, size_t *len) {
  *len = 0;
  GMimeDataWrapper *content = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
  GMimeStream *memory = g_mime_stream_mem_new();
  if (content) g_mime_data_wrapper_write_to_stream(content, memory);
  GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
  size_t n = bytes->len < max ? bytes->len : max;
  char *text = malloc(n + 1);
  CHECK(text);
  if (n) memcpy(text, bytes->data, n);
  text[n] = 0;
  *len = n;
  g_object_unref(memory);
  return text;
}

/* --- reports ------------------------------------------------------------------------------------------------------- */

/* message/delivery-status: groups of fields; the first is about the message, each other about a recipient (RFC 3464, 2.1). The worst counts. */
static void read_status(struct str text, struct inbound *out) {
  char value[1024];
  while (text.len) {
    const char *end = memmem(text.ptr, text.len, "\n\n", 2), *crlf = memmem(text.ptr, text.len, "\r\n\r\n", 4);
    if (crlf && (!end || crlf < end)) end = crlf;
    struct str group = end ? str_slice(text.ptr, end) : text;
    text = end ? str_slice(end + (end == crlf ? 4 : 2), text.ptr + text.len) : (struct str){ NULL, 0 };
    int n[3];
    struct str action = field_of(group, "Action", value, sizeof value);
    bool failed = strncasecmp(action.ptr, "failed", 6) == 0, delayed = strncasecmp(action.ptr, "delayed", 7) == 0;
    if (!failed && !delayed) continue;
    (void)status_of(field_of(group, "Status", value, sizeof value), n);
    struct str words = field_of(group, "Diagnostic-Code", value, sizeof value);
    const char *semicolon = words.len ? memchr(words.ptr, ';', words.len) : NULL;
    if (semicolon) words = str_slice(semicolon + 1, words.ptr + words.len);
    while (words.len && words.ptr[0] == ' ') words.ptr++, words.len--;
    status_of_words(words, n);
    bool has = n[0] != 0;
    enum inbound_kind kind = failed && has && is_dead(n) ? INBOUND_PERMANENT : INBOUND_TEMPORARY;
    if (out->kind == INBOUND_PERMANENT) continue;
    out->kind = kind;
    if (has) snprintf(out->status, sizeof out->status, "%d.%d.%d", n[0] % 10, n[1] % 1000, n[2] % 1000);
    cut(out->reason, sizeof out->reason, words);
  }
}

/* message/feedback-report. `not-spam` takes back, so it is no complaint. */
static void read_feedback(struct str text, struct inbound *out) {
  char value[256];
  struct str type = field_of(text, "Feedback-Type", value, sizeof value);
  if (type.len == 0 || str_is(type, "not-spam")) return;
  out->kind = INBOUND_COMPLAINT;
  cut(out->reason, sizeof out->reason, type);
}

static bool type_is(GMimeObject *o, const char *type, const char *subtype) {
  GMimeContentType *t = g_mime_object_get_content_type(o);
  return t && g_mime_content_type_is_type(t, type, subtype);
}

struct walk { const struct reading *r; struct inbound *out; int parts; };

static void look_for_token(const struct walk *w, const char *text, size_t len) {
  if (!w->out->outbox_id && text) token_find((struct str){ text, len < HEADERS_BYTES_MAX ? len : HEADERS_BYTES_MAX }, w->r->secret, &w->out->outbox_id);
}

/* The headers of what was sent: a whole message, or its headers alone (text/rfc822-headers, RFC 6522). */
static void look_at_original(const struct walk *w, GMimeObject *o) {
  char *headers = g_mime_object_get_headers(o, NULL);
  if (headers) look_for_token(w, headers, strlen(headers));
  g_free(headers);
}

static void walk(struct walk *w, GMimeObject *o, int depth) {
  if (!o || depth > DEPTH_MAX || ++w->parts > PARTS_MAX) return;
  if (GMIME_IS_MULTIPART(o)) {
    int n = g_mime_multipart_get_count(GMIME_MULTIPART(o));
    for (int i = 0; i < n && w->parts <= PARTS_MAX; i++) walk(w, g_mime_multipart_get_part(GMIME_MULTIPART(o), i), depth + 1);
    return;
  }
  if (GMIME_IS_MESSAGE_PART(o)) {
    GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
    if (inner) look_at_original(w, GMIME_OBJECT(inner));
    return;
  }
  size_t len;
  bool status = type_is(o, "message", "delivery-status"), feedback = type_is(o, "message", "feedback-report");
  bool headers = type_is(o, "text", "rfc822-headers");
  if (!status && !feedback && !headers) return;
  char *text = part_text(o, STATUS_PART_BYTES_MAX, &len);
  if (status) read_status((struct str){ text, len }, w->out);
  if (feedback) read_feedback((struct str){ text, len }, w->out);
  look_for_token(w, text, len); /* Original-Rcpt-To, X-Original-… */
  free(text);
}

static void read_message(struct reading *r, GMimeMessage *message) {
  struct inbound out = { .kind = INBOUND_OTHER };
  struct walk w = { r, &out, 0 };
  const char *id = g_mime_message_get_message_id(message);
  if (id) cut(out.message_id, sizeof out.message_id, str_from_c(id));
  look_at_original(&w, GMIME_OBJECT(message)); /* To, Delivered-To, X-Original-To: our return path */
  walk(&w, g_mime_message_get_mime_part(message), 0);
  if (out.kind == INBOUND_OTHER) {
    const char *subject = g_mime_message_get_subject(message);
    cut(out.reason, sizeof out.reason, str_from_c(subject ? subject : "no subject"));
    if (out.outbox_id && subject && strcasecmp(subject, "unsubscribe") == 0) out.kind = INBOUND_UNSUBSCRIBE;
  }
  if (!r->fn(r->context, &out)) r->stopped = true;
}

/* --- where they are ------------------------------------------------------------------------------------------------ */

static void read_stream(struct reading *r, GMimeStream *stream) {
  char first[5] = "";
  bool mbox = g_mime_stream_read(stream, first, 5) == 5 && memcmp(first, "From ", 5) == 0;
  g_mime_stream_reset(stream);
  GMimeParser *parser = g_mime_parser_new_with_stream(stream);
  g_mime_parser_set_format(parser, mbox ? GMIME_FORMAT_MBOX : GMIME_FORMAT_MESSAGE);
  g_mime_parser_set_respect_content_length(parser, false);
  for (;;) {
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    if (!message) break;
    read_message(r, message);
    g_object_unref(message);
    if (!mbox || r->stopped || g_mime_parser_eos(parser)) break;
  }
  g_object_unref(parser);
}

static enum camp_err fail(const char *path, char why[WHY_BYTES]) {
  int err = errno;
  snprintf(why, WHY_BYTES, "cannot read %.180s: %s", path, strerror(err));
  return err == ENOENT ? CAMP_NOT_FOUND : CAMP_IO;
}

static enum camp_err read_file(struct reading *r, const char *path, char why[WHY_BYTES]) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(path, why);
  GMimeStream *stream = g_mime_stream_fs_new(fd);
  read_stream(r, stream);
  g_object_unref(stream);
  return CAMP_OK;
}

/* A pipe cannot be read twice, so it is taken into memory first. */
static enum camp_err read_input(struct reading *r, char why[WHY_BYTES]) {
  GMimeStream *memory = g_mime_stream_mem_new();
  char block[64 << 10];
  size_t bytes = 0;
  enum camp_err err = CAMP_OK;
  for (ssize_t n; !err && (n = read(STDIN_FILENO, block, sizeof block)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      err = fail("standard input", why);
    } else if ((bytes += (size_t)n) > LIMIT_INBOUND_BYTES) {
      snprintf(why, WHY_BYTES, "standard input holds more than %u bytes; name a file or a Maildir", LIMIT_INBOUND_BYTES);
      err = CAMP_LIMIT;
    } else {
      g_mime_stream_write(memory, block, (size_t)n);
    }
  }
  g_mime_stream_reset(memory);
  if (!err) read_stream(r, memory);
  g_object_unref(memory);
  return err;
}

static enum camp_err read_folder(struct reading *r, const char *path, const char *part, char why[WHY_BYTES]) {
  char folder[4096], file[8192];
  struct dirent **entries = NULL;
  snprintf(folder, sizeof folder, "%s/%s", path, part);
  int n = scandir(folder, &entries, NULL, alphasort); /* by name, so that the order says nothing of the disk */
  if (n < 0) return fail(folder, why);
  enum camp_err err = CAMP_OK;
  for (int i = 0; i < n; i++) {
    if (entries[i]->d_name[0] != '.' && !err && !r->stopped) {
      snprintf(file, sizeof file, "%s/%s", folder, entries[i]->d_name);
      err = read_file(r, file, why);
      if (err == CAMP_NOT_FOUND) err = CAMP_OK; /* a reader has moved it meanwhile */
    }
    free(entries[i]);
  }
  free(entries);
  return err;
}

enum camp_err inbound_read(const char *path, struct str secret, inbound_fn *fn, void *context, char why[256]) {
  struct reading r = { .secret = secret, .fn = fn, .context = context };
  struct stat st;
  g_mime_init();
  if (strcmp(path, "-") == 0) return read_input(&r, why);
  if (stat(path, &st) != 0) return fail(path, why);
  if (!S_ISDIR(st.st_mode)) return read_file(&r, path, why);
  enum camp_err err = read_folder(&r, path, "new", why);
  return err ? err : read_folder(&r, path, "cur", why);
}
