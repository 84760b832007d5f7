/* Names that other languages and campaign tools have for what Camp calls otherwise: `null`, `string`, `customer.first_name`, an event
 * `sent`; and what a name could have been that is near no other: the properties that are there.
 *
 * Not here: words of the grammar (habits.c); names with a slip of the hand (scope.c looks for the nearest).
 *
 *   1. Asked only when a name means nothing and none is near it, so a declared name always wins.
 *   2. A fix is offered where the sentence then says what was surely meant. */
#include "names.h"

static bool says(struct str name, const char *word) { return name.len == strlen(word) && strncasecmp(name.ptr, word, name.len) == 0; }

static void mend(struct diagnostic *d, struct span span, const char *with) {
  d->help = STR("");
  d->has_fix = true;
  d->fix = (struct fix){ span, str_from_c(with) };
}

/* `items`, `sku` …: what is there, the first of it. */
struct str foreign_members(struct arena *a, const struct member *members) {
  enum { SHOWN = 8 };
  struct str out = STR("");
  uint32_t n = 0;
  for (const struct member *m = members; m && n <= SHOWN; m = m->next, n++)
    out = n < SHOWN ? arena_printf(a, STR_FMT "%s`" STR_FMT "`", STR_ARG(out), n ? ", " : "", STR_ARG(m->name.text)) : arena_printf(a, STR_FMT " …", STR_ARG(out));
  return out;
}

bool foreign_value(struct diagnostic *d, const struct expr *e) {
  static const char *const nothing[] = { "null", "nil", "none", "undefined", "empty", "blank" };
  struct str name = e->name.text;
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
    if (says(name, nothing[i])) {
      mend(d, e->span, "missing");
      d->help = STR("what is not there `is missing`, what is there `is not missing`");
      return true;
    }
  if (says(name, "true") || says(name, "false")) mend(d, e->span, name.len == 4 ? "true" : "false");
  else if (says(name, "today")) d->help = STR("`now` is the moment; a day is asked for by its parts: `contact.birthday.month is now.month and contact.birthday.day is now.day`");
  else if (says(name, "tag") || says(name, "tags")) d->help = STR("`contact.tags contains \"…\"` asks for a tag");
  else if (says(name, "event") || says(name, "properties") || says(name, "props"))
    d->help = STR("a property stands by its name alone: `where amount > 50 EUR`, or behind the event's: `purchase.amount`");
  else if (says(name, "user") || says(name, "customer") || says(name, "person") || says(name, "profile") || says(name, "subscriber") || says(name, "lead"))
    d->help = STR("whoever it is about is `contact`: `contact.country`");
  else return false;
  return true;
}

/* What was sent is no event, so nothing on past events can ask for it. */
bool foreign_event(struct scope *s, struct diagnostic *d, struct str name) {
  static const char *const sent[] = { "sent", "send", "sends", "delivered", "delivery_of", "received", "receive" };
  bool message = scope_item(s, SPACE_MESSAGE, name) != NULL;
  for (size_t i = 0; i < sizeof sent / sizeof *sent && !message; i++) message = says(name, sent[i]);
  if (!message) return false;
  d->help = STR("a message that left is no event: `tag` the contact, or `emit` an event of yours, where it is sent; `open of hello` and `click of hello` are events");
  return true;
}

bool foreign_type(struct diagnostic *d, struct span span, struct str name) {
  static const struct { const char *said, *type; } types[] = {
    { "string", "text" }, { "str", "text" }, { "varchar", "text" }, { "char", "text" }, { "int", "number" }, { "integer", "number" }, { "float", "number" },
    { "double", "number" }, { "decimal", "number" }, { "numeric", "number" }, { "boolean", "bool" }, { "datetime", "moment" }, { "timestamp", "moment" },
    { "currency", "money" }, { "price", "money" }, { "percentage", "percent" }, { "array", "list of text" }, { "list", "list of text" }, { "interval", "duration" },
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (says(name, types[i].said)) {
      mend(d, span, types[i].type);
      return true;
    }
  return false;
}

/* What an attribute of this name most likely holds, for the proposal to declare it. */
const char *foreign_attribute_type(struct str name) {
  static const struct { const char *end, *type; } ends[] = {
    { "birthday", "date" }, { "date_of_birth", "date" }, { "birthdate", "date" }, { "_date", "date" }, { "_day", "date" }, { "_on", "date" }, { "renewal", "date" },
    { "_at", "moment" }, { "_until", "moment" }, { "_opt_in", "bool" }, { "amount", "money" }, { "price", "money" }, { "revenue", "money" },
    { "_count", "number" }, { "points", "number" }, { "_score", "number" }, { "age", "number" }, { "_size", "number" }, { "quantity", "number" },
  };
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (str_ends(name, str_from_c(ends[i].end)) && (ends[i].end[0] == '_' || name.len == strlen(ends[i].end) || name.ptr[name.len - strlen(ends[i].end) - 1] == '_'))
      return ends[i].type;
  return str_starts(name, STR("is_")) || str_starts(name, STR("has_")) || str_starts(name, STR("wants_")) ? "bool" : "text";
}

/* `set contact.note to "Dear {{ … }}"`: only messages, contents and requests are templates. */
void foreign_template(struct compilation *c, const struct expr *e) {
  if (!e || e->kind != EXPR_LITERAL || e->value.type != V_TEXT) return;
  struct str text = value_str(e->value);
  if (text.len < 4 || (!memmem(text.ptr, text.len, "{{", 2) && !memmem(text.ptr, text.len, "{%", 2))) return;
  struct diagnostic *d = diag(c, DIAG_W0171, e->span, "this text is no template, so its marks stay as they are");
  d->help = STR("only what a message, a content or a request says is filled in: give the values, `with { name: … }`, and write `{{ name }}` there");
}
