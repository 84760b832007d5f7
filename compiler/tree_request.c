/* Nodes of channels and connectors: how a message leaves by a channel, how another system is called.
 *
 *   channel sms { to contact.phone  post "https://…" { auth basic secret.a secret.b  form { To: to }  retry on 429 up to 1d  id from response.sid } }
 *   connector crm { create_task(email: text) { post "https://…" { json { email: email } }  reply { id: text } } }
 *
 * Not here: what the names in them mean and which addresses will do (request.c).
 *
 *   1. The parts come in any order and each at most once; what is said twice is reported at the second. */
#include "diagnostics.h"
#include "grammar.h"
#include "parse.h"

#define NEW(type) ARENA_NEW(&p->c->arena, type)

static struct request_part *part_new(struct parse *p, uint8_t kind, struct token first) {
  struct request_part *part = NEW(struct request_part);
  part->kind = kind;
  part->span = span_of(p, first);
  return part;
}

struct request_part *request_bad(struct parse *p, struct token at) { return part_new(p, REQUEST_BAD, at); }

struct request_parts requests_add(struct request_parts l, struct request_part *part) {
  if (l.last) l.last->next = part;
  else l.first = part;
  l.last = part;
  return l;
}

struct operation_list operations_add(struct operation_list l, struct operation_decl *operation) {
  if (!operation) return l;
  if (l.last) l.last->next = operation;
  else l.first = operation;
  l.last = operation;
  return l;
}

struct request_part *request_to(struct parse *p, struct token first, struct name attribute) {
  struct request_part *part = part_new(p, REQUEST_TO, first);
  part->name = attribute;
  return part;
}

struct request_part *request_reply(struct parse *p, struct token first, struct member *members) {
  struct request_part *part = part_new(p, REQUEST_REPLY, first);
  part->members = members;
  return part;
}

struct request_part *request_auth(struct parse *p, struct token first, struct expr *a, struct expr *b) {
  struct request_part *part = part_new(p, REQUEST_AUTH, first);
  part->a = a;
  part->b = b;
  return part;
}

struct request_part *request_props(struct parse *p, uint8_t kind, struct token first, struct prop *props) {
  struct request_part *part = part_new(p, kind, first);
  part->props = props;
  return part;
}

struct request_part *request_id(struct parse *p, struct token word, struct expr *from) {
  struct request_part *part = part_new(p, REQUEST_ID, word);
  struct str text = name_of(p, word).text;
  part->a = from;
  if (str_is(text, "id") || p->quiet) return part;
  struct diagnostic *d = diag(p->c, DIAG_E0201, part->span, "a request has no `" STR_FMT "`", STR_ARG(text));
  d->expected = STR("`id from response.…`, the number that the provider gives to what it took");
  part->kind = REQUEST_BAD;
  return part;
}

/* `429` or `5xx`: before NULL is the first one. */
struct request_part *request_status(struct parse *p, struct request_part *before, struct token status) {
  struct request_part *part = before ? before : part_new(p, REQUEST_RETRY, status);
  double n = status.value.n;
  bool known = status.kind == TOK_STATUS || (n >= 100 && n <= 599 && n == (double)(uint16_t)n);
  if (!known) {
    if (!p->quiet) diag(p->c, DIAG_E0461, span_of(p, status), "HTTP answers with numbers from 100 to 599")->expected = STR("a status such as `429`, or `5xx` for all from 500 on");
  } else if (part->request.retry_count == REQUEST_RETRY_MAX) {
    if (!p->quiet) diag(p->c, DIAG_E0461, span_of(p, status), "a retry names at most %d statuses", REQUEST_RETRY_MAX)->help = STR("`5xx` stands for all from 500 on");
  } else {
    part->request.retry[part->request.retry_count++] = (uint16_t)n;
  }
  return part;
}

struct request_part *request_retry(struct parse *p, struct token first, struct request_part *statuses, struct token up_to) {
  statuses->span = span_of(p, first);
  statuses->request.retry_up_to = up_to.value;
  statuses->request.retry_span = span_of(p, up_to);
  return statuses;
}

/* --- folding ----------------------------------------------------------------------------------------------------------*/

/* False, and said, when the part is there already. */
static bool once(struct parse *p, const struct request_part *first, const struct request_part *part, const char *whose) {
  for (const struct request_part *q = first; q != part; q = q->next) {
    if (q->kind != part->kind) continue;
    if (p->quiet) return false;
    struct diagnostic *d = diag(p->c, DIAG_E0208, part->span, "%s has one `%.*s`", whose, (int)(part->span.to - part->span.from),
                                p->text + part->span.from);
    d->note_span = q->span;
    d->note = STR("it was said here");
    return false;
  }
  return true;
}

struct request_part *request_to_url(struct parse *p, struct token method, struct token url, struct request_part *parts) {
  struct request_part *part = part_new(p, REQUEST_SENT, method);
  struct request_decl *r = &part->request;
  *r = (struct request_decl){ .method = (uint8_t)method.value.i, .url = name_of(p, url), .span = part->span };
  for (const struct request_part *q = parts; q; q = q->next) {
    if (q->kind == REQUEST_BAD || !once(p, parts, q, "a request")) continue;
    switch (q->kind) {
      case REQUEST_AUTH: r->auth_user = q->b ? q->a : NULL; r->auth_key = q->b ? q->b : q->a; break;
      case REQUEST_HEADER: r->headers = q->props; break;
      case REQUEST_FORM: r->form = q->props; r->has_form = true; break;
      case REQUEST_JSON: r->json = q->props; r->has_json = true; break;
      case REQUEST_ID: r->id_from = q->a; break;
      default:
        memcpy(r->retry, q->request.retry, sizeof r->retry);
        r->retry_count = q->request.retry_count;
        r->retry_up_to = q->request.retry_up_to;
        r->retry_span = q->request.retry_span;
    }
    if (r->has_form && r->has_json && (q->kind == REQUEST_FORM || q->kind == REQUEST_JSON) && !p->quiet)
      diag(p->c, DIAG_E0461, q->span, "a request has one body, `form` or `json`");
  }
  return part;
}

/* The request of a channel or an operation, and where its message goes or what it replies. Without one, and without a mistake in its
 * place, there is nothing to do. */
static struct request_decl *fold(struct parse *p, struct request_part *parts, const struct name *name, const char *whose, struct name *to,
                                 struct member **reply) {
  struct request_decl *request = NULL;
  bool bad = p->quiet;
  for (struct request_part *q = parts; q; q = q->next) {
    bad |= q->kind == REQUEST_BAD;
    if (q->kind == REQUEST_BAD || !once(p, parts, q, whose)) continue;
    if (q->kind == REQUEST_SENT) request = &q->request;
    else if (q->kind == REQUEST_TO) *to = q->name;
    else *reply = q->members;
  }
  if (!request && !bad) {
    struct diagnostic *d = diag(p->c, DIAG_E0461, name->span, "`" STR_FMT "` says nowhere what is sent", STR_ARG(name->text));
    d->expected = STR("a request such as `post \"https://…\" { json { … } }`");
  }
  return request;
}

void item_channel(struct parse *p, struct token first, struct name name, struct request_part *parts) {
  struct name to = { 0 };
  struct member *none = NULL;
  struct request_decl *request = fold(p, parts, &name, "a channel", &to, &none);
  item_new(p, ITEM_CHANNEL, first)->channel = (struct channel_decl){ name, to, request };
}

void item_connector(struct parse *p, struct token first, struct name name, struct operation_decl *operations) {
  for (struct operation_decl *o = operations; o; o = o->next) {
    o->connector = name.text;
    o->full = arena_printf(&p->c->arena, STR_FMT "." STR_FMT, STR_ARG(name.text), STR_ARG(o->name.text));
  }
  item_new(p, ITEM_CONNECTOR, first)->connector = (struct connector_decl){ name, operations };
}

struct operation_decl *operation_new(struct parse *p, struct name name, struct member *params, struct request_part *parts) {
  struct operation_decl *o = NEW(struct operation_decl);
  struct name none = { 0 };
  *o = (struct operation_decl){ .name = name, .span = name.span, .params = params };
  o->request = fold(p, parts, &name, "an operation", &none, &o->reply);
  return o;
}
