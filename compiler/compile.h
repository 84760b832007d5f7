#ifndef CAMP_COMPILER_COMPILE_H
#define CAMP_COMPILER_COMPILE_H
/* The compiler's one public header: text in, verified program and diagnostics out. No database, no clock, no network.
 * Stages, each a file, in order: source, lex, parse, names, types, flow, lower, emit. */
#include "vm/base/arena.h"
#include "vm/program.h"

struct source {           /* one script; text is NUL-ended after its last byte */
  struct str path;        /* as shown in messages */
  struct str text;
  bool standard;          /* of the standard library: not listed, not warned about */
  bool template;          /* a text that messages take in: standard, but warned about */
  bool module;            /* another script takes it in by `use`: what it declares may be for others */
  const uint32_t *lines;  /* byte offset of each line's start; made on demand */
  uint32_t line_count;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };
struct span { uint32_t source; uint32_t from, to; }; /* bytes, to is behind the last */

struct fix { struct span span; struct str text; };   /* replace span by text */

struct diagnostic {
  const char *code;       /* "E0203" */
  enum severity severity;
  struct span span;
  struct str message;     /* one sentence without a full stop: what is wrong */
  struct str expected;    /* "a duration such as `7d`", or empty */
  struct str help;        /* a second line: the nearest right name, why, or empty */
  struct span note_span;  /* e.g. the first declaration; from == to: none */
  struct str note;
  bool has_fix;
  struct fix fix;
};

/* Where in the scripts a part of a unit comes from that has no step of its own: what coverage and pictures show. */
enum place_kind { PLACE_START, PLACE_STOP, PLACE_GOAL, PLACE_BRANCH, PLACE_IF, PLACE_CONDITION, PLACE_LOOP, PLACE_SCHEDULE };
struct code_place {
  uint8_t kind;
  uint32_t item;            /* in the unit's triggers, schedules, stops, goals or branches; PLACE_IF, PLACE_LOOP: pc of the JUMPF or EACH that decides;
                             * PLACE_CONDITION: the pc at which its value is on top */
  uint32_t from;            /* PLACE_CONDITION: the pc at which its code begins. Who comes to `item` from before has skipped it */
  struct span span;
};
struct unit_places { const struct code_place *items; uint32_t count; };

struct test_block;        /* a test, checked; run by runtime/command (camp test) */

/* A statement that was not understood to its end; `declares`: what it says may be the declaration of a name. */
struct torn { struct span span; bool declares; };

/* A property of an event or, `event` empty, an attribute of contacts, as the scripts declare it. */
struct declared { struct str event, name; uint8_t type; uint32_t currency; };

struct compilation {
  struct arena arena;     /* owns everything below */
  VEC(struct source) sources;
  VEC(struct diagnostic) diagnostics; /* in order of source and place */
  uint32_t error_count, warning_count;
  uint32_t suppressed_count; /* warnings that a comment of the script allows */
  struct program program; /* valid when error_count is 0 */
  VEC(const struct test_block *) tests;
  const struct unit_places *places; /* of each unit of the program */
  VEC(struct torn) torn;  /* statements with a mistake of syntax, of which later stages know only a part */
  VEC(struct declared) declared; /* event by event; for who looks at events before they are taken */
  uint32_t line_count;    /* lines of user scripts */
  bool partial;           /* set by the caller: a part of a project, so what is used nowhere may be used elsewhere */
};

/* How the compiler finds files; the caller owns the file system. */
struct source_reader {
  void *context;
  /* Reads `use "./common.camp"` relative to `from`, or a stdlib module by bare name with from NULL. The text is
   * copied into the arena with a NUL behind it; *shown is the path for messages. False when there is none. */
  bool (*read)(void *context, struct arena *a, const char *from, struct str name, struct str *shown, struct str *text);
  /* A file that a message attaches or shows, by its path relative to `from`; NULL: there is none. It must lie below the project's folder. */
  enum file_found { FILE_READ, FILE_ABSENT, FILE_OUTSIDE, FILE_TOO_LARGE } (*read_file)(void *context, struct arena *a, const char *from,
                                                                                      struct str path, size_t bytes_max, struct str *bytes);
  /* May be NULL. Of a file that `read` did not give: what stands there instead, a folder or a file of nearly this name, as a help; or
   * empty. *nearest: what to write for it, or empty. */
  struct str (*instead)(void *context, struct arena *a, const char *from, struct str name, struct str *nearest);
  /* May be NULL. The files in a folder that is named relative to `from`, and in those below it: their paths relative to `from`, one a line. */
  struct str (*files)(void *context, struct arena *a, const char *from, struct str folder);
  /* Both may be NULL: then any time zone passes. Whether the system has the zone; and all their names, one a line, which
   * is asked for only to find what a wrong one was meant to be. */
  bool (*zone_known)(void *context, struct str name);
  struct str (*zone_names)(void *context, struct arena *a);
};

void compilation_init(struct compilation *c);
void compilation_deinit(struct compilation *c);
/* Adds a script before compiling. Text is borrowed, NUL-ended, and outlives the compilation. */
void compilation_add(struct compilation *c, struct str path, struct str text, bool standard);
/* All stages; every mistake found is in c->diagnostics. Reader may be NULL: then `use` of a file is an error. */
void compile(struct compilation *c, const struct source_reader *reader);

/* Writes a script as everybody writes it into out, which is empty and whose maximum is the caller's. The text is as for
 * compilation_add, and becomes a source of c. False when it has mistakes of lexing or syntax, or would not fit the limits when
 * formatted: c->diagnostics says so, and what is in out means nothing. Names and types are not looked at. */
bool format_script(struct compilation *c, struct str path, struct str text, struct buf *out);

/* Line and column from 1; a column is a code point. */
void source_place(const struct source *s, uint32_t offset, uint32_t *line, uint32_t *column);
struct str source_line(const struct source *s, uint32_t line);

enum diagnostic_format { FORMAT_HUMAN, FORMAT_SHORT, FORMAT_JSON };
void diagnostics_print(struct buf *b, const struct compilation *c, enum diagnostic_format format, bool color);

/* The explain pages, generated from compiler/diagnostics.def. */
struct explain { const char *code, *title, *text, *wrong, *right; };
const struct explain *explain_find(const char *code);
const struct explain *explain_at(size_t i); /* NULL behind the last */

/* What a test block says, for the runner. Names are resolved, times are civil in the project's zone. */
enum test_kind { TEST_CONTACT, TEST_AT, TEST_EVENT, TEST_EXPECT_SENT, TEST_EXPECT_NOTHING, TEST_EXPECT_COND, TEST_EXPECT_INSIDE,
  TEST_EXPECT_DROPPED, TEST_EXPECT_ELSE, TEST_EXPECT_SHOWN, TEST_EXPECT_HELD, TEST_EXPECT_VARIANT,
  TEST_EXPECT_CONVERTED, TEST_EXPECT_CALLED, TEST_IS,
  TEST_REPLY /* of the oldest call of operation `of` that has none; name: reply or failure; props by their place in the response, a line a member */,
  TEST_PAUSE, TEST_RESUME /* of campaign `name`; within as in entry_rule.resume */,
  TEST_GIVEN, TEST_CASES /* of the tree alone: a test has the steps of its fixtures, and is one of its cases */ };
struct test_prop { struct str name; struct value value; bool consents; /* name is a topic; of TEST_REPLY: it is the reply's own status or error */ };
struct test_operand { struct span span; uint32_t pc; uint32_t depth; }; /* a part of a condition, by itself: code at pc */
/* What a step says or asks of a contact. */
enum fact_kind { FACT_LIST, FACT_TAG, FACT_ATTRIBUTE };
struct test_fact { enum fact_kind kind; struct str name; };
struct test_step {
  enum test_kind kind;
  struct span span;
  struct str contact;
  struct str name;              /* event, message, campaign or experiment */
  struct str of;                /* `open of coupon25`; TEST_EXPECT_VARIANT: the variant, empty: held out */
  const struct test_prop *props; uint32_t prop_count;
  int64_t civil_ms;             /* TEST_AT; TEST_EXPECT_SENT at */
  bool has_at, has_within, once, negated;
  struct value within;          /* V_EXACT or V_CALENDAR */
  uint32_t times;               /* once = 1, `3 times` = 3; 0: at least once */
  const struct unit *unit;      /* TEST_EXPECT_COND: expression code at pc */
  uint32_t pc;
  const struct test_operand *operands; uint32_t operand_count; /* its parts, outermost first, for telling why it is not true */
  bool sent;                    /* TEST_EXPECT_ELSE: only what was sent is meant; of all contacts when `contact` is empty */
  const struct test_fact *facts; uint32_t fact_count;
  bool has_until; int64_t until_ms; /* TEST_EXPECT_SHOWN, TEST_EXPECT_HELD: civil */
  struct str because;           /* TEST_EXPECT_DROPPED: part of the reason; empty: any */
};
struct test_block { struct str name; struct span span; const struct test_step *steps; uint32_t step_count; };
#endif
