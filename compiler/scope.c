/* The scope: every declared name by its kind, what it was declared with, and the nearest name when one is missing.
 *
 * Not here: what a name means where it is used (names.c).
 *
 * Invariants:
 * 1. Every look-up is one hash probe a kind; only a mistake's suggestion looks at all names of its kind, and a run of the compiler
 *    compares at most COMPARED_MAX names in all.
 * 2. A user's declaration replaces a standard one of its name; two of a user's are a mistake at the second. */
#include "names.h"

#include "vm/base/hash.h"

/* --- the table ----------------------------------------------------------------------------------------------------- */
static uint64_t table_hash(uintptr_t space, struct str name) {
  static const struct hash_key key = { 0x63616d70, 0x6e616d6573 };
  return hash_str(key, name) ^ hash_u64((uint64_t)space);
}

static struct table_entry *table_slot(const struct table *t, uint64_t hash, uintptr_t space, struct str name) {
  for (uint32_t i = (uint32_t)hash & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
    struct table_entry *e = &t->entries[i];
    if (!e->space || (e->hash == hash && e->space == space && str_eq(e->name, name)))
      return e;
  }
}

void *table_find(const struct table *t, uintptr_t space, struct str name) {
  if (!t->cap)
    return NULL;
  return table_slot(t, table_hash(space, name), space, name)->value;
}

static void table_grow(struct arena *a, struct table *t, uint32_t cap) {
  struct table bigger = { .cap = cap, .count = t->count };
  bigger.entries = arena_zalloc(a, cap, sizeof *bigger.entries);
  for (uint32_t i = 0; i < t->cap; i++)
    if (t->entries[i].space)
      *table_slot(&bigger, t->entries[i].hash, t->entries[i].space, t->entries[i].name) = t->entries[i];
  *t = bigger;
}

void **table_place(struct arena *a, struct table *t, uintptr_t space, struct str name) {
  CHECK(space != 0);
  if (t->count * 4 >= t->cap * 3)
    table_grow(a, t, t->cap ? t->cap * 2 : 1024);
  uint64_t hash = table_hash(space, name);
  struct table_entry *e = table_slot(t, hash, space, name);
  if (!e->space) {
    *e = (struct table_entry){ hash, space, name, NULL };
    t->count++;
  }
  return &e->value;
}

/* --- looking up ---------------------------------------------------------------------------------------------------- */
static struct item *find_item(const struct scope *s, enum space space, struct str name) {
  return table_find(&s->table, (uintptr_t)space, name);
}

/* Who asks for a name uses it. */
struct item *scope_item(const struct scope *s, enum space space, struct str name) {
  struct item *item = find_item(s, space, name);
  if (item)
    item->mentioned++;
  return item;
}
/* Most events have a few properties, which are compared faster than hashed; the others stand in the table, too. */
static const struct member *member_find(const struct scope *s, const void *owner, const struct member *members,
                                        struct str name) {
  uint32_t seen = 0;
  for (const struct member *m = members; m && seen < MEMBERS_FEW; m = m->next, seen++)
    if (str_eq(m->name.text, name))
      return m;
  return seen < MEMBERS_FEW ? NULL : table_find(&s->table, (uintptr_t)owner, name);
}
const struct member *scope_property(const struct scope *s, const struct event_decl *event, struct str name) {
  return member_find(s, event, event->members, name);
}
const struct member *scope_part(const struct scope *s, const struct record *record, struct str name) {
  return member_find(s, record, record->members, name);
}
const struct member *scope_attribute(const struct scope *s, struct str name) {
  return table_find(&s->table, SPACE_ATTRIBUTE, name);
}
bool scope_is_standard(const struct scope *s, const struct item *item) {
  return s->c->sources.items[item->span.source].standard;
}
bool scope_is_for_others(const struct scope *s, const struct item *item) {
  return scope_is_standard(s, item) || s->c->sources.items[item->span.source].module;
}

struct name *scope_item_name(struct item *item) {
  switch (item->kind) {
  case ITEM_EVENT: return &item->event.name;
  case ITEM_RECORD: return &item->record.name;
  case ITEM_DEFINE: case ITEM_SEGMENT: return &item->define.name;
  case ITEM_LIST: return &item->list.name;
  case ITEM_SCORE: return &item->score.name;
  case ITEM_TOPIC: return &item->topic.name;
  case ITEM_MESSAGE: return &item->message.name;
  case ITEM_CONTENT: return &item->content.name;
  case ITEM_CHANNEL: return &item->channel.name;
  case ITEM_CONNECTOR: return &item->connector.name;
  case ITEM_CAMPAIGN: case ITEM_RULE: return &item->campaign.name;
  case ITEM_SEQUENCE: return &item->sequence.name;
  case ITEM_FIXTURE: return &item->test.name;
  default: check_failed("an item without a name", __FILE__, __LINE__);
  }
}

/* Either of the two may be the misspelt one, so the declaration is shown, too, where it is the author's. */
static void note_declared(struct scope *s, struct diagnostic *d, struct str best) {
  for (uint32_t i = 0; !d->note.len && i < s->c->sources.count; i++) {
    const struct source *source = &s->c->sources.items[i];
    if (source->standard || best.ptr < source->text.ptr || best.ptr >= source->text.ptr + source->text.len)
      continue;
    uint32_t from = (uint32_t)(best.ptr - source->text.ptr);
    d->note_span = (struct span){ i, from, from + (uint32_t)best.len };
    d->note = STR("declared here");
  }
}

void scope_suggest_end(struct scope *s, struct diagnostic *d, struct span span, struct nearest n, const char *prefix) {
  if (!n.best.len)
    return;
  d->help = arena_printf(&s->c->arena, "did you mean `%s" STR_FMT "`?", prefix, STR_ARG(n.best));
  d->has_fix = true;
  d->fix = (struct fix){ span, arena_printf(&s->c->arena, "%s" STR_FMT, prefix, STR_ARG(n.best)) };
  note_declared(s, d, n.best);
}
/* Each suggestion costs a look at every name of a kind, so there are so many names that a run looks at: in a project of 20,000
 * definitions the first 20 mistakes get one, in one of 500 all that are kept. Past the limit of mistakes nobody reads them. */
enum { COMPARED_MAX = 400000 };
bool scope_suggest_worthwhile(const struct scope *s) {
  return s->c->diagnostics.count < LIMIT_DIAGNOSTICS_COUNT && s->compared < COMPARED_MAX;
}
void scope_suggest_try(struct scope *s, struct nearest *n, struct str candidate) {
  s->compared++;
  nearest_try(n, candidate);
}

void scope_suggest(struct scope *s, struct diagnostic *d, struct span span, enum space space, struct str want) {
  if (!scope_suggest_worthwhile(s))
    return;
  struct nearest n = nearest_of(want);
  for (uint32_t i = 0; i < s->declared[space].count; i++)
    scope_suggest_try(s, &n, scope_item_name(s->declared[space].items[i])->text);
  scope_suggest_end(s, d, span, n, "");
}

void scope_suggest_member(struct scope *s, struct diagnostic *d, struct span span, const struct member *members,
                          struct str want) {
  if (!scope_suggest_worthwhile(s))
    return;
  struct nearest n = nearest_of(want);
  for (const struct member *m = members; m; m = m->next)
    scope_suggest_try(s, &n, m->name.text);
  scope_suggest_end(s, d, span, n, "");
  if (!d->help.len && members) d->help = arena_printf(&s->c->arena, "it has " STR_FMT, STR_ARG(foreign_members(&s->c->arena, members)));
}

void scope_suggest_attribute(struct scope *s, struct diagnostic *d, struct span span, struct str want,
                             const char *prefix) {
  if (!scope_suggest_worthwhile(s))
    return;
  struct nearest n = nearest_of(want);
  for (uint32_t i = 0; i < s->attributes.count; i++)
    scope_suggest_try(s, &n, s->attributes.items[i]->name.text);
  scope_suggest_end(s, d, span, n, prefix);
  if (!n.best.len && !*prefix)
    d->help = arena_printf(&s->c->arena, "declare it: `contact { " STR_FMT ": %s }`", STR_ARG(want), foreign_attribute_type(want));
}

/* --- declarations -------------------------------------------------------------------------------------------------- */
static void twice(struct scope *s, struct span span, struct str name, const char *what, struct span first) {
  struct diagnostic *d = diag(s->c, DIAG_E0301, span, "%s%s`" STR_FMT "` is declared twice", what, *what ? " " : "", STR_ARG(name));
  d->note_span = first;
  d->note = STR("the first declaration");
}

/* A rule without a name bears its text, cut to a line; the second of one text gets a number, the third the next. */
static void number_rule(struct scope *s, struct item *item) {
  struct name *name = &item->campaign.name;
  const struct str source = s->c->sources.items[item->span.source].text;
  bool labelled = name->text.ptr >= source.ptr && name->text.ptr < source.ptr + source.len;
  if (labelled || !find_item(s, SPACE_CAMPAIGN, name->text))
    return;
  void **place = table_place(&s->c->arena, &s->table, SPACE_COUNT + 1, name->text);
  uintptr_t number = *place ? (uintptr_t)*place + 1 : 2;
  *place = (void *)number;
  name->text = arena_printf(&s->c->arena, STR_FMT " (%u)", STR_ARG(name->text), (unsigned)number);
}

static void declare(struct scope *s, struct item *item, enum space space, const char *what) {
  if (item->kind == ITEM_RULE)
    number_rule(s, item);
  struct name *name = scope_item_name(item);
  struct item **place = (struct item **)table_place(&s->c->arena, &s->table, (uintptr_t)space, name->text);
  if (!*place || scope_is_standard(s, *place))
    *place = item;
  else if (!scope_is_standard(s, item))
    twice(s, name->span, name->text, what, scope_item_name(*place)->span);
}

static void declare_members(struct scope *s, const void *owner, struct member *members, const char *what) {
  uint32_t count = 0;
  for (struct member *m = members; m; m = m->next)
    count++;
  bool few = count <= MEMBERS_FEW;
  for (struct member *m = members; m; m = m->next) {
    const struct member *first = members;
    if (few) {
      while (first != m && !str_eq(first->name.text, m->name.text))
        first = first->next;
    } else {
      struct member **place = (struct member **)table_place(&s->c->arena, &s->table, (uintptr_t)owner, m->name.text);
      first = *place = *place ? *place : m;
    }
    if (first != m)
      twice(s, m->name.span, m->name.text, what, first->name.span);
  }
}

static void declare_attributes(struct scope *s, struct member *members) {
  for (struct member *m = members; m; m = m->next) {
    struct member **place = (struct member **)table_place(&s->c->arena, &s->table, SPACE_ATTRIBUTE, m->name.text);
    if (!*place || s->c->sources.items[(*place)->name.span.source].standard) {
      *place = m;
      VEC_PUSH(&s->c->arena, &s->attributes, m);
    } else if (!s->c->sources.items[m->name.span.source].standard) {
      twice(s, m->name.span, m->name.text, "contact attribute", (*place)->name.span);
    }
  }
}

/* Room for all declarations from the start: growing a large table step by step costs as much as filling it. */
static void declare_room(struct scope *s, const struct tree *tree) {
  uint32_t count = 0, cap = 1024;
  for (const struct item *i = tree->items; i; i = i->next)
    count++;
  while (cap / 2 < count && cap <= UINT32_MAX / 4)
    cap *= 2;
  table_grow(&s->c->arena, &s->table, cap);
}

void scope_declare(struct scope *s, struct tree *tree) {
  struct span zone_span = { 0 }, late_span = { 0 };
  declare_room(s, tree);
  for (struct item *i = tree->items; i; i = i->next)
    switch (i->kind) {
    case ITEM_EVENT: declare(s, i, SPACE_EVENT, "event"); break;
    case ITEM_RECORD: declare(s, i, SPACE_RECORD, "record"); break;
    case ITEM_DEFINE: declare(s, i, SPACE_VALUE, "definition"); break;
    case ITEM_SCORE: declare(s, i, SPACE_VALUE, "score"); break;
    case ITEM_SEGMENT: declare(s, i, SPACE_VALUE, "segment"); break;
    case ITEM_LIST: declare(s, i, SPACE_VALUE, "list"); break;
    case ITEM_TOPIC: declare(s, i, SPACE_TOPIC, "topic"); break;
    case ITEM_MESSAGE:
      if (!i->message.translation_of)
        declare(s, i, SPACE_MESSAGE, "message");
      break;
    case ITEM_CONTENT: declare(s, i, SPACE_CONTENT, "content"); break;
    case ITEM_CHANNEL: declare(s, i, SPACE_CHANNEL, "channel"); break;
    case ITEM_CONNECTOR: declare(s, i, SPACE_CONNECTOR, "connector"); break;
    case ITEM_CAMPAIGN: declare(s, i, SPACE_CAMPAIGN, "campaign"); break;
    case ITEM_RULE: declare(s, i, SPACE_CAMPAIGN, "rule"); break;
    case ITEM_SEQUENCE: declare(s, i, SPACE_SEQUENCE, "sequence"); break;
    case ITEM_FIXTURE: declare(s, i, SPACE_FIXTURE, "fixture"); break;
    case ITEM_CONTACT: declare_attributes(s, i->contact.members); break;
    case ITEM_ALLOW: s->allow_unknown = true; break;
    case ITEM_ZONE:
      if (s->zone.len)
        twice(s, i->span, i->zone.text, "zone", zone_span);
      s->zone = i->zone.text;
      zone_span = i->span;
      break;
    case ITEM_LATE:
      if (s->late_after_ms)
        twice(s, i->span, STR("late after"), "", late_span);
      s->late_after_ms = i->late.i;
      late_span = i->span;
      break;
    default: break;
    }
}

/* --- types of members ---------------------------------------------------------------------------------------------- */
static const struct { const char *name; uint8_t kind; } type_names[] = {
  { "bool", V_BOOL }, { "number", V_NUMBER }, { "percent", V_PERCENT }, { "money", V_MONEY }, { "text", V_TEXT },
  { "date", V_DATE }, { "time", V_TIME }, { "time of day", V_TIME }, { "moment", V_MOMENT }, { "duration", V_EXACT },
};

static void resolve_type(struct scope *s, struct type_ref *t) {
  if (t->choices) {
    t->type = (struct type){ .kind = t->choices->value.type };
    for (const struct expr *e = t->choices; e; e = e->next) {
      void **place = table_place(&s->c->arena, &s->table, (uintptr_t)t, value_str(e->value));
      if (*place) {
        struct diagnostic *d = diag(s->c, DIAG_E0512, e->span, "this choice is given twice");
        d->note_span = ((const struct expr *)*place)->span;
        d->note = STR("it was given here");
      } else {
        *place = (void *)(uintptr_t)e;
      }
    }
    return;
  }
  if (t->item) {
    resolve_type(s, t->item);
    t->type = (struct type){ .kind = V_LIST, .item = &t->item->type };
    return;
  }
  if (str_is(t->name.text, "list")) {
    t->type = (struct type){ .kind = V_LIST };
    return;
  }
  for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
    if (str_is(t->name.text, type_names[i].name)) {
      t->type = (struct type){ .kind = type_names[i].kind, .currency = t->currency };
      return;
    }
  struct item *record = scope_item(s, SPACE_RECORD, t->name.text);
  if (record) {
    t->type = (struct type){ .kind = V_RECORD, .record = &record->record };
    return;
  }
  struct diagnostic *d = diag(s->c, DIAG_E0309, t->span, "there is no type `" STR_FMT "`", STR_ARG(t->name.text));
  d->expected = STR("bool, number, percent, money, text, date, time, moment, `list of …`, `one of …` or a record's name");
  if (!foreign_type(d, t->span, t->name.text) && scope_suggest_worthwhile(s)) {
    struct nearest n = nearest_of(t->name.text);
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
      scope_suggest_try(s, &n, str_from_c(type_names[i].name));
    for (uint32_t i = 0; i < s->declared[SPACE_RECORD].count; i++)
      scope_suggest_try(s, &n, s->declared[SPACE_RECORD].items[i]->record.name.text);
    scope_suggest_end(s, d, t->span, n, "");
  }
}

static void resolve_members(struct scope *s, struct member *members) {
  for (struct member *m = members; m; m = m->next)
    if (m->type)
      resolve_type(s, m->type);
}

/* A parameter may also refer to something that is declared. */
static void resolve_param(struct scope *s, struct type_ref *t) {
  bool refers = str_is(t->name.text, "message") || str_is(t->name.text, "campaign") || str_is(t->name.text, "list");
  if (refers && !t->item && !t->choices)
    t->type = (struct type){ .kind = V_REF, .ref = t->name.text };
  else
    resolve_type(s, t);
}

static void declare_operations(struct scope *s, struct connector_decl *c) {
  for (struct operation_decl *o = c->operations; o; o = o->next) {
    for (const struct operation_decl *before = c->operations; before != o; before = before->next)
      if (str_eq(before->name.text, o->name.text)) {
        twice(s, o->name.span, o->name.text, "operation", before->name.span);
        break;
      }
    declare_members(s, &o->params, o->params, "parameter");
    declare_members(s, &o->reply, o->reply, "field");
    resolve_members(s, o->params);
    resolve_members(s, o->reply);
  }
}

/* The list of what is in force, for suggestions and for the program's tables; and the types of members. */
void scope_list_declared(struct scope *s, struct tree *tree) {
  for (struct item *i = tree->items; i; i = i->next) {
    enum space space = i->kind == ITEM_EVENT                              ? SPACE_EVENT
                       : i->kind == ITEM_RECORD                           ? SPACE_RECORD
                       : i->kind == ITEM_DEFINE || i->kind == ITEM_LIST || i->kind == ITEM_SEGMENT ||
                           i->kind == ITEM_SCORE ? SPACE_VALUE
                       : i->kind == ITEM_MESSAGE                          ? SPACE_MESSAGE
                       : i->kind == ITEM_SEQUENCE ? SPACE_SEQUENCE
                       : i->kind == ITEM_CONTENT                          ? SPACE_CONTENT
                       : i->kind == ITEM_TOPIC                            ? SPACE_TOPIC
                       : i->kind == ITEM_CHANNEL                          ? SPACE_CHANNEL
                       : i->kind == ITEM_CONNECTOR                        ? SPACE_CONNECTOR
                       : i->kind == ITEM_CAMPAIGN || i->kind == ITEM_RULE ? SPACE_CAMPAIGN
                       : i->kind == ITEM_FIXTURE                          ? SPACE_FIXTURE
                                                                          : SPACE_COUNT;
    if (space != SPACE_COUNT && find_item(s, space, scope_item_name(i)->text) == i)
      VEC_PUSH(&s->c->arena, &s->declared[space], i);
    if (i->kind == ITEM_EVENT) {
      declare_members(s, &i->event, i->event.members, "property");
      resolve_members(s, i->event.members);
    } else if (i->kind == ITEM_RECORD) {
      declare_members(s, &i->record, i->record.members, "member");
      resolve_members(s, i->record.members);
    } else if (i->kind == ITEM_CONTACT) {
      resolve_members(s, i->contact.members);
    } else if (i->kind == ITEM_CAMPAIGN) {
      declare_members(s, &i->campaign.given, i->campaign.given.members, "value");
      resolve_members(s, i->campaign.given.members);
    } else if (i->kind == ITEM_CONNECTOR) {
      declare_operations(s, &i->connector);
    } else if (i->kind == ITEM_SEQUENCE) {
      declare_members(s, &i->sequence, i->sequence.params, "parameter");
      for (struct member *m = i->sequence.params; m; m = m->next)
        resolve_param(s, m->type);
    }
  }
}

struct type scope_member_type(const struct member *m) {
  return m && m->type ? m->type->type : (struct type){ .kind = V_MISSING };
}
