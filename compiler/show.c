/* Canonical text of expressions: what measures are known by, across units and versions, and what a dropped message gives
 * as its reason.
 *
 * Not here: how a script is formatted (that keeps the author's words).
 *
 * Invariants:
 * 1. Equal text means equal meaning: definitions are written out, durations have one spelling, what is not clear from
 *    the other side of a comparison names its type.
 * 2. Line breaks, comments and brackets that mean nothing leave no trace, so they change no hash. */
#include "names.h"

enum mode { UNTYPED, TYPED, PLAIN }; /* plain: for people, never with types */
static enum mode with(enum mode outer, bool typed) { return outer == PLAIN ? PLAIN : typed ? TYPED : UNTYPED; }
static void show(struct buf *b, const struct expr *e, int outer, enum mode mode);

static bool is_plain_name(struct str s) {
  if (!s.len || (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
    return false;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char ch = (unsigned char)s.ptr[i];
    if (!(ch == '_' || (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch >= 0x80))
      return false;
  }
  return true;
}

void name_show(struct buf *b, struct str name) {
  if (is_plain_name(name))
    buf_str(b, name);
  else
    value_show(b, value_text(name));
}

void duration_show(struct buf *b, struct value v) { value_show(b, v); }

void event_ref_show(struct buf *b, const struct event_ref *e) {
  name_show(b, e->name.text);
  if (e->of.text.len) {
    buf_c(b, " of ");
    name_show(b, e->of.text);
  }
}

static void show_type(struct buf *b, struct type t) {
  char letters[4];
  buf_c(b, " as ");
  buf_c(b, t.kind == V_MISSING ? "it comes" : value_type_name((enum value_type)t.kind));
  if (t.kind == V_MONEY && t.currency) {
    currency_print(t.currency, letters);
    buf_printf(b, " in %s", letters);
  }
}

/* A property's type is left out where the other side of a comparison says it; a currency never is. */
static void show_name(struct buf *b, const struct expr *e, enum mode mode) {
  name_show(b, e->name.text);
  struct type t = e->target == TARGET_PROPERTY ? ((const struct use *)e->decl)->type : e->type;
  if (mode == TYPED || (mode == UNTYPED && t.kind == V_MONEY && t.currency))
    show_type(b, t);
  const struct member *m = e->target == TARGET_PROPERTY ? ((const struct use *)e->decl)->member : NULL;
  if (mode != PLAIN && m && m->initial && m->initial->kind == EXPR_LITERAL) {
    buf_c(b, " else ");
    value_show(b, m->initial->value);
  }
}

static const struct { const char *text; int level; } binary_texts[] = {
  [BIN_OR] = { " or ", 1 }, [BIN_AND] = { " and ", 2 }, [BIN_IS] = { " is ", 4 }, [BIN_IS_NOT] = { " is not ", 4 },
  [BIN_LT] = { " < ", 4 }, [BIN_LE] = { " <= ", 4 }, [BIN_GT] = { " > ", 4 }, [BIN_GE] = { " >= ", 4 },
  [BIN_CONTAINS] = { " contains ", 4 }, [BIN_STARTS] = { " starts with ", 4 }, [BIN_ENDS] = { " ends with ", 4 },
  [BIN_MATCHES] = { " matches ", 4 }, [BIN_ADD] = { " + ", 6 }, [BIN_SUB] = { " - ", 6 }, [BIN_MUL] = { " * ", 7 },
  [BIN_DIV] = { " / ", 7 }, [BIN_ELSE] = { " else ", 5 },
};

static void show_binary(struct buf *b, const struct expr *e, int outer, enum mode mode) {
  int level = binary_texts[e->op].level;
  bool typed = e->a->kind != EXPR_LITERAL && e->b->kind != EXPR_LITERAL && level >= 4;
  if (level < outer)
    buf_byte(b, '(');
  show(b, e->a, level, with(mode, typed));
  buf_c(b, binary_texts[e->op].text);
  show(b, e->b, level == 1 || level == 2 ? level : level + 1, with(mode, typed));
  if (level < outer)
    buf_byte(b, ')');
}

/* `purchase.amount where …`, joined by or. */
static void show_events(struct buf *b, const struct expr *e, enum mode mode) {
  for (const struct event_ref *v = e->events; v; v = v->next) {
    event_ref_show(b, v);
    if (e->name.text.len) {
      buf_byte(b, '.');
      name_show(b, e->name.text);
      if (mode != PLAIN)
        show_type(b, e->type);
    }
    if (v->where) {
      buf_c(b, " where ");
      show(b, v->where, 3, with(mode, false));
    }
    if (v->next)
      buf_c(b, " or ");
  }
}

static void show_history(struct buf *b, const struct expr *e, enum mode mode) {
  static const char *const names[] = { "count", "sum", "average", "min", "max", "first", "last" };
  buf_printf(b, "%s(", names[e->aggregate]);
  show_events(b, e, mode);
  if (e->window.type != V_MISSING) {
    buf_c(b, ", last ");
    duration_show(b, e->window);
  }
  buf_byte(b, ')');
}

static void show_did(struct buf *b, const struct expr *e, enum mode mode) {
  if (e->kind == EXPR_DID)
    buf_c(b, e->negated ? "no " : "did ");
  else
    buf_c(b, e->aggregate == AGG_FIRST ? "time since first " : "time since last ");
  show_events(b, e, mode);
  if (e->window.type != V_MISSING) {
    buf_c(b, " in last ");
    duration_show(b, e->window);
  }
}

static void show_any(struct buf *b, const struct expr *e, enum mode mode) {
  buf_c(b, e->every ? "every " : e->negated ? "no " : "any ");
  name_show(b, e->name.text);
  buf_c(b, " in ");
  show(b, e->a, 8, with(mode, true));
  if (e->where) {
    buf_c(b, " where ");
    show(b, e->where, 3, with(mode, false));
  }
}

static void show_member(struct buf *b, const struct expr *e, enum mode mode) {
  if (e->target == TARGET_ATTRIBUTE || e->target == TARGET_TAGS)
    buf_c(b, "contact.");
  else if (e->target == TARGET_SUBFIELD || e->target == TARGET_DATEPART) {
    show(b, e->a, 8, with(mode, true));
    buf_byte(b, '.');
  } else if (e->target == TARGET_PROPERTY && !((const struct use *)e->decl)->frame->history) {
    name_show(b, e->a->name.text);
    buf_byte(b, '.');
  }
  show_name(b, e, mode);
}

static void show_in(struct buf *b, const struct expr *e, enum mode mode) {
  show(b, e->a, 5, with(mode, false));
  buf_c(b, e->negated ? " not in [" : " in [");
  for (const struct expr *i = e->items; i; i = i->next) {
    show(b, i, 0, with(mode, false));
    if (i->next)
      buf_c(b, ", ");
  }
  buf_byte(b, ']');
}

static void show(struct buf *b, const struct expr *e, int outer, enum mode mode) {
  if (b->failed)
    return;
  switch ((enum expr_kind)e->kind) {
  case EXPR_LITERAL: value_show(b, e->value); break;
  case EXPR_CODE:
    buf_c(b, "code(");
    value_show(b, e->value);
    buf_c(b, ", contact)");
    break;
  case EXPR_NAME:
    if (e->target == TARGET_DEFINE)
      show(b, ((const struct define_decl *)e->decl)->value, outer, mode);
    else
      show_name(b, e, with(mode, mode == TYPED && e->target != TARGET_LIST && e->target != TARGET_SEGMENT && e->target != TARGET_SCORE && e->target != TARGET_NOW));
    break;
  case EXPR_MEMBER: show_member(b, e, with(mode, mode == TYPED && e->target != TARGET_TAGS && e->target != TARGET_DATEPART)); break;
  case EXPR_HISTORY: case EXPR_FIRST: show_history(b, e, mode); break;
  case EXPR_DID: case EXPR_SINCE: show_did(b, e, mode); break;
  case EXPR_ANY: show_any(b, e, mode); break;
  case EXPR_UNARY:
    buf_c(b, e->op == UN_NOT ? (outer > 3 ? "(not " : "not ") : "-");
    show(b, e->a, e->op == UN_NOT ? 3 : 8, mode);
    if (e->op == UN_NOT && outer > 3)
      buf_byte(b, ')');
    break;
  case EXPR_BINARY: show_binary(b, e, outer, mode); break;
  case EXPR_IN: show_in(b, e, mode); break;
  case EXPR_MISSING:
    show(b, e->a, 5, with(mode, true));
    buf_c(b, e->negated ? " is not missing" : " is missing");
    break;
  case EXPR_CONSENTS:
    buf_c(b, "consents to ");
    name_show(b, e->name.text);
    break;
  case EXPR_LIST: case EXPR_RECORD: /* literals by now */
  case EXPR_BAD: break;
  }
}

void expr_show(struct buf *b, const struct expr *e) { show(b, e, 0, UNTYPED); }
void expr_show_plain(struct buf *b, const struct expr *e) { show(b, e, 0, PLAIN); }
