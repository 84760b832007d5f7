#ifndef CAMP_COMPILER_DRIVER_H
#define CAMP_COMPILER_DRIVER_H
/* The parser's driver, as parse.c, parse_lines.c, parse_repair.c, parse_report.c and habits.c share it. Everybody else calls
 * parse_source (parse.h). */
#include "parse.h"

#include "diagnostics.h"
#include "grammar.h"

enum { AHEAD_COUNT = 8, INDENT_MAX = 250 };

struct bracket { uint16_t kind, indent; uint32_t from; bool missing; }; /* indent: of the line that it stands on; missing: put in by a repair */

struct driver {
  struct parse p;
  struct lexer lexer;
  void *parser;
  struct token ahead[AHEAD_COUNT]; /* raw tokens read but not taken: a ring */
  uint32_t ahead_first, ahead_count;
  struct bracket brackets[LIMIT_PARSE_DEPTH];
  uint32_t depth, beyond;  /* beyond: brackets that no longer fit */
  uint32_t lent;           /* blocks of this declaration whose `{` was put in, and whose `}` the script has: perhaps another block's */
  uint16_t last;           /* kind of the last token, as the parser took it */
  uint32_t last_to;
  bool panic;              /* passing over a mistaken statement */
  bool begins;             /* the next token is a statement's first */
  struct token first;      /* the statement's first token, as the parser took it */
  struct token second;     /* and the one behind it; kind 0: none yet */
  struct token stopped;    /* where the last recovery ended */
  bool deep_reported;
  struct token before;     /* the token before the last one, as the parser took it */
  struct token joiner;     /* the last `or` or `and` of the statement; kind 0: none */
  struct token taken;      /* the last token */
  uint8_t doubt;           /* tokens until a guess has proved itself and mistakes are reported again; 0: none is open */
  uint32_t line_from;      /* where the line of the token in hand begins */
  struct bracket suspect;  /* a brace whose `}` stands left of it: the one that is really open; kind 0: none */
  uint32_t suspect_end;    /* where that `}` is */
  struct token pushed[2];  /* to be read again before what is ahead, the last one first */
  uint32_t pushed_count;
  uint32_t repaired;       /* where the last repair was, +1: one place is repaired once */
  struct token early;      /* the `}` of the last declaration that closed a block further out than its line; kind 0: none */
  struct token hushed;     /* a mistake that was left to the lexer to tell; to 0: none */
  uint32_t hushed_count;   /* the errors by then */
  bool astray;             /* outside of everything where blocks seem to have ended too early: told once */
  struct taken_list *record; /* for the formatter; NULL: nobody asks */
};

/* parse.c */
void driver_take(struct driver *d, uint16_t kind, struct token t);
void driver_report_open(struct driver *d, uint32_t behind, const char *note);

/* parse_lines.c: the tokens ahead, and which newlines end a statement. */
struct token *driver_peek(struct driver *d, uint32_t n);
void driver_drop(struct driver *d, uint32_t n);
uint16_t driver_indent_of_line(const struct driver *d);
bool driver_first_on_line(const struct driver *d, struct token t);
uint16_t driver_peek_solid(struct driver *d, uint32_t n);
bool driver_is_word(uint16_t kind);
bool driver_goes_on(uint16_t last);
bool driver_continues(struct driver *d, uint16_t kind);
bool driver_begins_statement(uint16_t kind);
void driver_doubt(struct driver *d, uint8_t tokens);
bool driver_in_parens(const struct driver *d);
bool driver_declares(struct driver *d, uint16_t kind, uint32_t n);
uint16_t driver_joined(struct driver *d, uint16_t kind, uint16_t last, uint32_t n, uint32_t *more);
void driver_join(struct driver *d, struct token *t);
struct token driver_next(struct driver *d);
void driver_track(struct driver *d, struct token t);
bool driver_joins_nothing(struct driver *d, uint16_t kind);

/* parse_repair.c: which change mends a statement, and its carrying out. */
uint32_t driver_look_ahead(struct driver *d, uint16_t first, uint32_t n, uint16_t ahead[REPAIR_AHEAD_COUNT]);
uint16_t driver_indent_at(const struct driver *d, uint32_t at);
bool driver_brace_forgotten(struct driver *d, struct token t);
bool driver_block_left_open(struct driver *d, struct token t);
struct repair driver_repair_at(struct driver *d, struct token t);
struct token driver_repair_do(struct driver *d, struct token t, struct repair r);

/* parse_report.c: what is said of a mistake. */
void driver_torn_add(struct driver *d, struct token first, uint32_t behind);
uint16_t driver_report(struct driver *d, struct token t, struct repair *r);
void driver_suggest_first(struct driver *d);
bool driver_first_misspelt(struct driver *d);

/* habits.c: adds what a newcomer's word should have been; false when it has nothing to say. `set`: by token, what could stand there. */
void driver_habit_of_test(struct driver *d, struct diagnostic *g, struct token t); /* when nothing better is known */
bool driver_habit(struct driver *d, struct diagnostic *g, struct token t, const bool *set);

#endif
