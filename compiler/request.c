/* Channels and connectors: what the names in a request mean, which addresses will do, and the request as a table of vm/request.h.
 *
 * Not here: reading them (tree_request.c), `call` (names_stmt.c, emit_stmt.c), filling the table when it leaves (runtime/send/).
 *
 * A request is filled where it leaves, so it can say only what is known there: the arguments of an operation; of a message where it goes
 * (`to`), `subject`, `body`, `message`, `campaign`, and the contact's attributes; `key`, which is the same each time it is tried, so that
 * a provider can tell a repetition; `contact_key`; and secrets. `{{ name }}` in a text is the same value within it; in the URL it is
 * encoded for where it stands; `{{ email | sha256 }}` its hash.
 *
 * Invariants:
 * 1. Checking and making walk the same way; when making (b is set) nothing is reported, for nothing is wrong.
 * 2. The host of a URL is written in the script, but for secrets: no contact's attribute may choose where a request goes.
 * 3. Credentials are `secret.name`, never written out. */
#include "emit.h"

#include "vm/request.h"

struct maker {
  struct scope *s;
  struct builder *b;                   /* NULL: only checked */
  const struct operation_decl *operation; /* NULL: a channel */
  const char *whose;
  uint8_t place;
  bool hashed;                         /* `{{ email | sha256 }}` */
  bool host;                           /* in a URL, before the path: only secrets */
  VEC(struct request_item) items;
  VEC(struct request_piece) pieces;
};

static const char *const message_words[] = { "to", "subject", "body", "message", "campaign", "key", "contact_key", NULL };
static const char *const operation_words[] = { "campaign", "key", "contact_key", NULL };

static const char *const *words_of(const struct maker *m) { return m->operation ? operation_words : message_words; }

/* --- values ---------------------------------------------------------------------------------------------------------*/

static void piece_add(struct maker *m, uint8_t kind, uint32_t at) {
  VEC_PUSH(m->b->a, &m->pieces, ((struct request_piece){ kind, at }));
}

static void unknown_value(struct maker *m, struct str name, struct span span) {
  struct diagnostic *d = diag(m->s->c, DIAG_E0462, span, "a request does not know `" STR_FMT "`", STR_ARG(name));
  struct nearest n = nearest_of(name);
  for (const struct member *p = m->operation ? m->operation->params : NULL; p; p = p->next) nearest_try(&n, p->name.text);
  for (const char *const *w = words_of(m); *w; w++) nearest_try(&n, str_from_c(*w));
  scope_suggest_end(m->s, d, span, n, "");
  if (d->help.len) return;
  if (m->operation)
    d->help = arena_printf(&m->s->c->arena, "make it a parameter: `" STR_FMT "(" STR_FMT ": text)`; what is secret is `secret." STR_FMT "`",
                           STR_ARG(m->operation->name.text), STR_ARG(name), STR_ARG(name));
  else
    d->expected = STR("`to`, `subject`, `body`, `message`, `campaign`, `key`, `contact_key`, `contact.…` or `secret.…`");
}

static void bare_name(struct maker *m, struct str name, struct span span) {
  bool known = false;
  for (struct member *p = m->operation ? m->operation->params : NULL; p; p = p->next) {
    bool same = str_eq(p->name.text, name);
    p->used |= same;
    known |= same;
  }
  for (const char *const *w = words_of(m); *w; w++) known |= str_is(name, *w);
  if (m->b) piece_add(m, m->hashed ? PIECE_SHA256 : PIECE_GIVEN, build_string(m->b, name));
  else if (!known) unknown_value(m, name, span);
  else if (m->host)
    diag(m->s->c, DIAG_E0463, span, "where a request goes is not for `" STR_FMT "` to say", STR_ARG(name))->expected =
        STR("a host that stands in the script, or `{{ secret.… }}`");
}

static void dotted_name(struct maker *m, struct str root, struct str name, struct span span, struct span name_span) {
  if (str_is(root, "secret")) {
    if (m->b) piece_add(m, PIECE_SECRET, build_string(m->b, name));
    return;
  }
  if (!str_is(root, "contact")) {
    if (!m->b) unknown_value(m, root, span);
    return;
  }
  const struct member *a = scope_attribute(m->s, name);
  if (m->b) {
    piece_add(m, PIECE_ATTR, build_field(m->b, name, scope_member_type(a)));
  } else if (m->operation) {
    struct diagnostic *d = diag(m->s->c, DIAG_E0462, span, "an operation is called with its arguments, and sees no contact");
    d->help = arena_printf(&m->s->c->arena, "give it a parameter, and call it with { " STR_FMT ": contact." STR_FMT " }", STR_ARG(name), STR_ARG(name));
  } else if (!a && !m->s->allow_unknown) {
    struct diagnostic *d = diag(m->s->c, DIAG_E0303, name_span, "a contact has no attribute `" STR_FMT "`", STR_ARG(name));
    scope_suggest_attribute(m->s, d, name_span, name, "");
  } else if (m->host) {
    diag(m->s->c, DIAG_E0463, span, "where a request goes is not for a contact's attributes to say")->expected =
        STR("a host that stands in the script, or `{{ secret.… }}`");
  }
}

static bool is_blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r'; }
static bool is_letter(char ch) {
  return ch == '_' || (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch & 0x80);
}

/* What stands between `{{` and `}}`. */
static void said_name(struct maker *m, struct str text, struct span span, size_t from, size_t to) {
  while (from < to && is_blank(text.ptr[from])) from++;
  while (to > from && is_blank(text.ptr[to - 1])) to--;
  size_t dot = from, end, bar = from;
  while (bar < to && text.ptr[bar] != '|') bar++;
  if (bar < to) {
    size_t word = bar + 1;
    while (word < to && is_blank(text.ptr[word])) word++;
    m->hashed = str_is((struct str){ text.ptr + word, to - word }, "sha256");
    if (m->hashed)
      for (to = bar; to > from && is_blank(text.ptr[to - 1]);) to--;
  }
  while (dot < to && is_letter(text.ptr[dot])) dot++;
  end = dot;
  if (dot < to && text.ptr[dot] == '.')
    for (end = dot + 1; end < to && is_letter(text.ptr[end]);) end++;
  struct span whole = template_span(m->s, text, span, from, to > from ? to : from + 1);
  if (from == to || end != to || dot == from || (dot < to && dot + 1 == to)) {
    if (!m->b) diag(m->s->c, DIAG_E0462, whole, "a request says one value between `{{` and `}}`")->expected = STR("a name such as `{{ key }}` or `{{ secret.account }}`");
    return;
  }
  struct str root = { text.ptr + from, dot - from };
  if (dot == to) bare_name(m, root, whole);
  else if (m->hashed) { if (!m->b) diag(m->s->c, DIAG_E0462, whole, "`sha256` is of a value that is given, such as `{{ email | sha256 }}`"); }
  else dotted_name(m, root, (struct str){ text.ptr + dot + 1, to - dot - 1 }, whole, template_span(m->s, text, span, dot + 1, to));
}

static void text_piece(struct maker *m, const char *from, const char *to) {
  if (m->b && to > from) piece_add(m, PIECE_TEXT, build_string(m->b, str_slice(from, to)));
}

/* A text with `{{ name }}` in it. host_end: so many bytes from the beginning may hold secrets alone. */
static void text_pieces(struct maker *m, struct str text, struct span span, size_t host_end) {
  const char *at = text.ptr, *end = text.ptr + text.len;
  while (at < end) {
    const char *open = memmem(at, (size_t)(end - at), "{{", 2), *close;
    if (!open) break;
    close = memmem(open + 2, (size_t)(end - open - 2), "}}", 2);
    size_t from = (size_t)(open - text.ptr);
    if (!close) {
      if (!m->b) diag(m->s->c, DIAG_E0462, template_span(m->s, text, span, from, from + 2), "this `{{` has no `}}`");
      break;
    }
    text_piece(m, at, open);
    m->host = from < host_end;
    said_name(m, text, span, from + 2, (size_t)(close - text.ptr));
    m->host = m->hashed = false;
    at = close + 2;
  }
  text_piece(m, at, end);
}

/* The text of a literal as it stands in its source, without the quotes. */
static struct span inside_quotes(const struct scope *s, struct span span) {
  const char *raw = s->c->sources.items[span.source].text.ptr + span.from;
  uint32_t quotes = span.to - span.from >= 6 && raw[0] == '"' && raw[1] == '"' && raw[2] == '"' ? 3 : 1;
  return (struct span){ span.source, span.from + quotes, span.to - quotes };
}

static void item_begin(struct maker *m, uint8_t kind, struct str name) {
  if (!m->b) return;
  struct request_item item = { .place = m->place, .kind = kind, .name = name.ptr ? build_string(m->b, name) : NONE, .first_piece = m->pieces.count };
  VEC_PUSH(m->b->a, &m->items, item);
}

static void item_end(struct maker *m) {
  if (m->b) m->items.items[m->items.count - 1].piece_count = m->pieces.count - m->items.items[m->items.count - 1].first_piece;
}

static void not_said(struct maker *m, const struct expr *e) {
  if (m->b || e->kind == EXPR_BAD) return;
  diag(m->s->c, DIAG_E0462, e->span, "a request says what it is given, and computes nothing")->expected =
      STR("a name, `secret.…`, a number, or a text with `{{ name }}` in it");
}

static void value_item(struct maker *m, struct str name, const struct expr *e, uint32_t depth);

static void nested_item(struct maker *m, struct str name, const struct expr *e, uint32_t depth) {
  static const struct str none = { NULL, 0 };
  if (m->place != IN_JSON || depth == REQUEST_DEPTH_MAX) {
    if (!m->b) diag(m->s->c, DIAG_E0461, e->span, m->place == IN_JSON ? "a body nests at most %d deep" : "lists and records stand in `json` alone", REQUEST_DEPTH_MAX);
    return;
  }
  item_begin(m, e->kind == EXPR_LIST ? REQ_LIST : REQ_OBJECT, name);
  for (const struct expr *i = e->kind == EXPR_LIST ? e->items : NULL; i; i = i->next) value_item(m, none, i, depth + 1);
  for (const struct prop *p = e->kind == EXPR_RECORD ? e->props : NULL; p; p = p->next) value_item(m, p->name.text, p->value, depth + 1);
  item_begin(m, REQ_END, none);
}

static void value_item(struct maker *m, struct str name, const struct expr *e, uint32_t depth) {
  if (e->kind == EXPR_LIST || e->kind == EXPR_RECORD) {
    nested_item(m, name, e, depth);
    return;
  }
  bool text = e->kind == EXPR_LITERAL && e->value.type == V_TEXT;
  item_begin(m, text ? REQ_TEXT : REQ_VALUE, name);
  if (text) text_pieces(m, value_str(e->value), inside_quotes(m->s, e->span), 0);
  else if (literal_is(e)) { if (m->b) piece_add(m, PIECE_CONST, build_const(m->b, literal_value(e))); }
  else if (e->kind == EXPR_NAME) bare_name(m, e->name.text, e->span);
  else if (e->kind == EXPR_MEMBER && e->a->kind == EXPR_NAME) dotted_name(m, e->a->name.text, e->name.text, e->span, e->name.span);
  else not_said(m, e);
  item_end(m);
}

/* --- the parts ------------------------------------------------------------------------------------------------------*/

static bool is_secret(const struct expr *e) { return e->kind == EXPR_MEMBER && e->a->kind == EXPR_NAME && str_is(e->a->name.text, "secret"); }

static void credential(struct maker *m, uint8_t place, const struct expr *e) {
  if (!e || e->kind == EXPR_BAD) return;
  m->place = place;
  if (!m->b && !is_secret(e)) {
    struct diagnostic *d = diag(m->s->c, DIAG_E0464, e->span, "credentials do not stand in a script");
    d->expected = STR("`secret.name`, which is read from the environment as CAMP_SECRET_NAME");
    return;
  }
  value_item(m, (struct str){ NULL, 0 }, e, 0);
}

/* A header that holds credentials where it is used at all. */
static bool is_credential_header(struct str name) {
  static const char *const names[] = { "authorization", "x-api-key", "api-key", "apikey", "x-auth-token", "proxy-authorization", NULL };
  for (const char *const *n = names; *n; n++)
    if (name.len == strlen(*n) && strncasecmp(name.ptr, *n, name.len) == 0) return true;
  return false;
}

static bool is_header_name(struct str name) {
  for (size_t i = 0; i < name.len; i++)
    if (!(is_letter(name.ptr[i]) && !(name.ptr[i] & 0x80)) && name.ptr[i] != '-') return false;
  return name.len > 0;
}

static void header_check(struct maker *m, const struct prop *p) {
  bool literal = p->value->kind == EXPR_LITERAL && p->value->value.type == V_TEXT;
  struct str text = literal ? value_str(p->value->value) : (struct str){ NULL, 0 };
  if (!is_header_name(p->name.text))
    diag(m->s->c, DIAG_E0461, p->name.span, "`" STR_FMT "` is no name of a header", STR_ARG(p->name.text))->expected = STR("letters, digits and `-`, such as `\"Idempotency-Key\"`");
  if (literal && is_credential_header(p->name.text) && !memmem(text.ptr, text.len, "{{", 2))
    diag(m->s->c, DIAG_E0464, p->value->span, "credentials do not stand in a script")->expected = STR("`\"Bearer {{ secret.name }}\"`, or `auth bearer secret.name`");
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.ptr[i] < 0x20) {
      diag(m->s->c, DIAG_E0461, p->value->span, "a header is one line");
      break;
    }
}

static void props_items(struct maker *m, uint8_t place, const struct prop *props) {
  m->place = place;
  for (const struct prop *p = props; p; p = p->next) {
    if (!m->b && place == IN_HEADER) header_check(m, p);
    value_item(m, p->name.text, p->value, 0);
  }
  if (!m->b) values_twice(m->s->c, props);
}

static void url_bad(struct maker *m, const struct name *url, const char *why) {
  struct diagnostic *d = diag(m->s->c, DIAG_E0463, url->span.to > url->span.from ? url->span : (struct span){ url->span.source, url->span.from - 1, url->span.to + 1 }, "%s", why);
  d->expected = STR("an address such as `https://api.example.com/messages`");
}

/* Where the host ends: at the path, the query, or the end. */
static size_t host_end(struct str url, size_t from) {
  for (size_t i = from; i < url.len; i++) {
    if (url.ptr[i] == '/' || url.ptr[i] == '?' || url.ptr[i] == '#') return i;
    if (i + 1 < url.len && url.ptr[i] == '{' && url.ptr[i + 1] == '{') {
      const char *close = memmem(url.ptr + i, url.len - i, "}}", 2);
      if (!close) return url.len;
      i = (size_t)(close - url.ptr) + 1;
    }
  }
  return url.len;
}

static bool is_loopback(struct str host) {
  static const char *const names[] = { "localhost", "127.0.0.1", "[::1]", NULL };
  for (const char *const *n = names; *n; n++)
    if (str_starts(host, str_from_c(*n)) && (host.len == strlen(*n) || host.ptr[strlen(*n)] == ':')) return true;
  return false;
}

static void url_items(struct maker *m, const struct name *url) {
  struct str text = url->text, secure = STR("https://"), plain = STR("http://");
  bool https = str_starts(text, secure), http = str_starts(text, plain);
  size_t from = https ? secure.len : plain.len, to = https || http ? host_end(text, from) : 0;
  struct str host = { text.ptr + from, to > from ? to - from : 0 };
  if (!m->b) {
    bool blank = false;
    for (size_t i = 0, inside = 0; i < text.len; i++) {
      inside += i + 1 < text.len && text.ptr[i] == '{' && text.ptr[i + 1] == '{';
      inside -= inside && i && text.ptr[i] == '}' && text.ptr[i - 1] == '}';
      blank |= !inside && (unsigned char)text.ptr[i] <= ' ';
    }
    if (!https && !http) url_bad(m, url, "this is no address on the web");
    else if (http && !is_loopback(host)) url_bad(m, url, "what leaves is encrypted: only this machine itself is spoken to by `http`");
    else if (!host.len || *host.ptr == ':') url_bad(m, url, "this address has no host");
    else if (memchr(host.ptr, '@', host.len)) url_bad(m, url, "credentials do not stand in an address");
    else if (blank) url_bad(m, url, "an address has no blanks");
  }
  m->place = IN_URL;
  item_begin(m, REQ_TEXT, (struct str){ NULL, 0 });
  text_pieces(m, text, url->span, to);
  item_end(m);
}

/* `response.data.id`: a line a member; empty when it is none, which is reported. */
static struct str response_path(struct scope *s, const struct expr *e, bool report) {
  struct str path = { NULL, 0 };
  const struct expr *at = e;
  for (; at->kind == EXPR_MEMBER; at = at->a)
    path = path.len ? arena_printf(&s->c->arena, STR_FMT "\n" STR_FMT, STR_ARG(at->name.text), STR_ARG(path)) : at->name.text;
  if (at->kind == EXPR_NAME && str_is(at->name.text, "response") && path.len) return path;
  if (report && at->kind != EXPR_BAD)
    diag(s->c, DIAG_E0462, e->span, "this is no place in the response")->expected = STR("`response.id`, or `response.data.id` for one further inside");
  return (struct str){ NULL, 0 };
}

struct str reply_path(struct scope *s, const struct member *field) {
  return field->from ? response_path(s, field->from, false) : field->name.text;
}

static void retry_check(struct maker *m, const struct request_decl *r) {
  if (r->retry_count && duration_ms(r->retry_up_to) <= 0)
    diag(m->s->c, DIAG_E0461, r->retry_span, "it would be tried again for no time");
}

static void request_items(struct maker *m, const struct request_decl *r) {
  url_items(m, &r->url);
  credential(m, IN_USER, r->auth_user);
  credential(m, IN_KEY, r->auth_key);
  props_items(m, IN_HEADER, r->headers);
  props_items(m, IN_FORM, r->form);
  props_items(m, IN_JSON, r->json);
  if (m->b) return;
  if (r->id_from) (void)response_path(m->s, r->id_from, true);
  if (r->method == METHOD_GET && (r->has_form || r->has_json))
    diag(m->s->c, DIAG_E0461, r->span, "what is asked for by `get` has no body")->expected = STR("`post`, `put` or `patch`, or values in the address: `?email={{ email }}`");
  retry_check(m, r);
}

/* --- channels -------------------------------------------------------------------------------------------------------*/

struct str channel_attribute(const struct scope *s, struct str channel) {
  const struct item *item = scope_item(s, SPACE_CHANNEL, channel);
  if (item) return item->channel.to.text;
  return str_is(channel, "email") ? STR("email") : str_is(channel, "sms") ? STR("phone") : str_is(channel, "push") ? STR("push_token") : (struct str){ NULL, 0 };
}

/* Channels that messages may name before any script says how they leave. */
static const char *const standard_channels[] = { "email", "sms", "push", "chat", "webhook" };

void channel_check(struct scope *s, const struct name *channel) {
  struct nearest n = nearest_of(channel->text);
  if (scope_item(s, SPACE_CHANNEL, channel->text)) return;
  for (size_t i = 0; i < sizeof standard_channels / sizeof *standard_channels; i++) {
    if (str_is(channel->text, standard_channels[i])) return;
    nearest_try(&n, str_from_c(standard_channels[i]));
  }
  if (s->c->torn.count && (str_is(channel->text, "subject") || str_is(channel->text, "body")))
    return; /* the next part, where the channel's name is missing or stands too late */
  struct diagnostic *d = diag(s->c, DIAG_E0511, channel->span, "there is no channel `" STR_FMT "`", STR_ARG(channel->text));
  d->expected = STR("`email`, `sms`, `push`, `chat`, `webhook`, or one that is declared: `channel … { post \"https://…\" }`");
  for (uint32_t i = 0; i < s->declared[SPACE_CHANNEL].count; i++) scope_suggest_try(s, &n, s->declared[SPACE_CHANNEL].items[i]->channel.name.text);
  if (!n.best.len) return;
  d->help = arena_printf(&s->c->arena, "did you mean `" STR_FMT "`?", STR_ARG(n.best));
  d->has_fix = true;
  d->fix = (struct fix){ channel->span, n.best };
}

static void address_check(struct scope *s, const struct channel_decl *ch) {
  if (!ch->to.text.len) return;
  const struct member *a = scope_attribute(s, ch->to.text);
  if (!a && !s->allow_unknown) {
    struct diagnostic *d = diag(s->c, DIAG_E0303, ch->to.span, "a contact has no attribute `" STR_FMT "`", STR_ARG(ch->to.text));
    scope_suggest_attribute(s, d, ch->to.span, ch->to.text, "");
    return;
  }
  struct type t = scope_member_type(a);
  bool list = t.kind == V_LIST && (!t.item || t.item->kind == V_TEXT);
  if (t.kind == V_TEXT || t.kind == V_MISSING || list) return;
  struct diagnostic *d = diag(s->c, DIAG_E0465, ch->to.span, "an address is text, and `contact." STR_FMT "` is " STR_FMT, STR_ARG(ch->to.text),
                              STR_ARG(type_show(&s->c->arena, t)));
  d->expected = STR("an attribute that is text, or a list of text for several devices");
}

void channel_declared_check(struct scope *s, const struct channel_decl *ch) {
  struct maker m = { .s = s };
  if (str_is(ch->name.text, "email"))
    diag(s->c, DIAG_E0466, ch->name.span, "`email` is built in: mail leaves by the relay that `camp run` is given");
  address_check(s, ch);
  if (ch->request) request_items(&m, ch->request);
}

void operation_check(struct scope *s, const struct operation_decl *o) {
  struct maker m = { .s = s, .operation = o };
  for (const struct member *p = o->params; p; p = p->next)
    for (const char *const *w = operation_words; *w; w++)
      if (str_is(p->name.text, *w))
        diag(s->c, DIAG_E0466, p->name.span, "every request knows `%s` already", *w)->help = STR("give the parameter another name");
  for (const struct member *f = o->reply; f; f = f->next) {
    if (f->from) (void)response_path(s, f->from, true);
    if (str_is(f->name.text, "status") || str_is(f->name.text, "error")) {
      struct diagnostic *d = diag(s->c, DIAG_E0466, f->name.span, "every reply has `" STR_FMT "` already", STR_ARG(f->name.text));
      d->help = arena_printf(&s->c->arena, "give it another name: `" STR_FMT "_said: text from response." STR_FMT "`", STR_ARG(f->name.text), STR_ARG(f->name.text));
    }
  }
  if (o->request) request_items(&m, o->request);
}

/* --- making ---------------------------------------------------------------------------------------------------------*/

static void emit_request(struct builder *b, struct unit *u, const struct request_decl *r, const struct operation_decl *o, struct str address) {
  struct maker m = { .s = b->s, .b = b, .operation = o };
  struct request *q = ARENA_NEW(b->a, struct request);
  *q = (struct request){ .method = r->method, .json = r->has_json, .form = r->has_form, .address = address.len ? build_string(b, address) : NONE,
                         .id_path = NONE, .retry_count = r->retry_count, .retry_up_to = r->retry_count ? r->retry_up_to : value_missing() };
  memcpy(q->retry, r->retry, sizeof q->retry);
  request_items(&m, r);
  if (r->id_from) q->id_path = build_string(b, response_path(b->s, r->id_from, false));
  q->items = m.items.items;
  q->item_count = m.items.count;
  q->pieces = m.pieces.items;
  q->piece_count = m.pieces.count;
  if (m.items.count > LIMIT_UNIT_ITEMS_COUNT || m.pieces.count > LIMIT_UNIT_ITEMS_COUNT) build_limit(b, "values in a request", LIMIT_UNIT_ITEMS_COUNT);
  u->request = q;
}

void emit_channel(struct builder *b, struct unit *u, const struct item *item) {
  const struct channel_decl *ch = &item->channel;
  build_begin(b, u, UNIT_CHANNEL, ch->name.text, ch->name.span);
  emit_request(b, u, ch->request, NULL, ch->to.text);
  build_finish(b);
}

void emit_operation(struct builder *b, struct unit *u, const struct operation_decl *o) {
  build_begin(b, u, UNIT_OPERATION, o->full, o->name.span);
  emit_request(b, u, o->request, o, (struct str){ NULL, 0 });
  build_finish(b);
}
