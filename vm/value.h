#ifndef CAMP_VM_VALUE_H
#define CAMP_VM_VALUE_H
/* What a script computes with: small, by value, 16 bytes. Texts, lists and records borrow their bytes from the program,
 * the event, the contact or the scratch arena; whoever keeps a value longer copies the bytes first. */
#include "base/buf.h"
#include "base/json.h"
#include "calendar.h"

enum value_type {
  V_MISSING, /* compares false with everything; `is missing` */
  V_BOOL,    /* i = 0 or 1 */
  V_NUMBER,  /* n, always finite */
  V_PERCENT, /* n, 25 % is 25 */
  V_MONEY,   /* i = amount in 1/10000, aux = currency */
  V_TEXT,    /* ptr and aux = bytes; UTF-8 */
  V_DATE,    /* i = days since 1970-01-01 */
  V_TIME,    /* i = ms since midnight */
  V_MOMENT,  /* i = ms since 1970, UTC */
  V_LOCAL,   /* i = civil ms: a moment as written in a script, before the contact's zone is known */
  V_EXACT,   /* i = ms: 90s 30m 24h */
  V_CALENDAR,/* i = days, aux = months: 7d 2w 1mo 1y */
  V_LIST,    /* ptr, aux = bytes: a checked JSON array, elements converted when looked at */
  V_RECORD,  /* ptr, aux = bytes: a checked JSON object */
  V_REF,     /* ptr, aux = bytes: the name of a message, campaign, list … */
  V_TYPE_COUNT
};

struct value {
  uint8_t type;
  uint8_t interned; /* V_TEXT: ptr is the one copy in the image's symbols, so equal means same pointer */
  uint16_t spare;
  uint32_t aux;
  union {
    int64_t i;
    double n;
    const char *ptr;
  };
};
_Static_assert(sizeof(struct value) == 16, "values travel in two registers");

#define MONEY_SCALE 10000
/* ISO 4217 letters in a number: 'E' << 16 | 'U' << 8 | 'R'. 0 is no currency. */
#define CURRENCY(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))
uint32_t currency_parse(struct str letters); /* 0 when it is not three capital letters */
/* Of a JSON text, in either case, as payment services send it; 0 when it is not three letters. */
uint32_t currency_from_json(struct json j);
void currency_print(uint32_t currency, char out[4]); /* its letters and a NUL */
bool currency_is_sound(uint32_t currency); /* three capital letters */

static inline struct value value_missing(void) { return (struct value){ .type = V_MISSING }; }
static inline struct value value_bool(bool b) { return (struct value){ .type = V_BOOL, .i = b }; }
static inline struct value value_number(double n) { return (struct value){ .type = V_NUMBER, .n = n }; }
static inline struct value value_money(int64_t scaled, uint32_t currency) {
  return (struct value){ .type = V_MONEY, .aux = currency, .i = scaled };
}
static inline struct value value_text(struct str s) {
  return (struct value){ .type = V_TEXT, .aux = (uint32_t)s.len, .ptr = s.ptr };
}
static inline struct value value_moment(int64_t utc_ms) { return (struct value){ .type = V_MOMENT, .i = utc_ms }; }
static inline struct str value_str(struct value v) { return (struct str){ v.ptr, v.aux }; }
static inline bool value_true(struct value v) { return v.type == V_BOOL && v.i; }
static inline bool value_is_text(struct value v) { return v.type == V_TEXT || v.type == V_REF; }
static inline bool value_is_duration(struct value v) { return v.type == V_EXACT || v.type == V_CALENDAR; }

const char *value_type_name(enum value_type t); /* "text", "calendar duration" … */

/* is: equal of one kind; missing is equal to nothing. Texts bytewise. */
bool value_equal(struct value a, struct value b, const struct zone *z);
/* Orders two values of kinds that compare (numbers, money of one currency, dates, times, moments, durations, texts; a date
 * with a moment at its midnight in z; durations by length, a calendar day as 24 h and a month as a twelfth of the Gregorian
 * year); *ok false otherwise or when one is missing. */
int value_order(struct value a, struct value b, const struct zone *z, bool *ok);
/* A duration's length: a calendar day as 24 h and a month as a twelfth of the Gregorian year, bounded to 64 bits. */
int64_t duration_ms(struct value v);
/* Arithmetic; V_MISSING where the kinds do not go together, on overflow and on division by zero. */
struct value value_add(struct value a, struct value b, const struct zone *z);
struct value value_sub(struct value a, struct value b, const struct zone *z);
struct value value_mul(struct value a, struct value b);
struct value value_div(struct value a, struct value b);
struct value value_neg(struct value v);

/* A JSON value seen as a declared type; V_MISSING when it does not fit (text in a number's place). A number in a text's
 * place is its digits, since an order_id comes as either.
 * money: a number (with `currency` the default), "40 EUR", or {"amount":40,"currency":"EUR"}.
 * want V_MISSING: by what it looks like (bool, number, text, list, record). Escaped text is decoded into the arena. */
struct value value_from_json(struct json j, enum value_type want, uint32_t currency, const struct zone *z, struct arena *a);
/* The same for a member of a checked object: a bare amount of money takes the currency that stands beside it, as
 * "currency", before the default. */
struct value value_from_member(struct json member, struct str object, enum value_type want, uint32_t currency,
                               const struct zone *z, struct arena *a);
/* JSON that value_from_json reads back: money as "40 EUR", moments as ISO text in z. */
void value_to_json(struct buf *b, struct value v, const struct zone *z);
/* As a message prints it: 40 EUR, 2026-01-05 10:00, yes/no for bool are "true"/"false", missing is empty. */
void value_print(struct buf *b, struct value v, const struct zone *z);
/* As a script writes it: "text" in quotes, 7d, 24h, 40 EUR, missing. */
void value_show(struct buf *b, struct value v);
/* Bytes for strand rows and program constants; value_read borrows from the reader's bytes. */
void value_write(struct buf *b, struct value v);
struct value value_read(struct reader *r);
/* Whether a value that came from bytes is one that the VM may compute with: a known type, a finite number, UTF-8, JSON that is
 * checked, times within about eleven thousand years, so that no sum of two overflows. */
bool value_is_sound(struct value v);
#endif
