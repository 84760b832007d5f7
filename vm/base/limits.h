#ifndef CAMP_BASE_LIMITS_H
#define CAMP_BASE_LIMITS_H
/* Every limit of Camp, by name, with its unit at the end of the name (after Pigeonhole's sieve-limits.h).
 * Who meets one gets a message that says its number. */

/* Scripts */
#define LIMIT_SOURCE_BYTES (64u << 20)       /* one .camp file */
#define LIMIT_LINE_BYTES (1u << 20)          /* one line of a script */
#define LIMIT_PARSE_DEPTH 200                /* nested parentheses or blocks */
#define LIMIT_PARSE_STACK_COUNT 8000         /* symbols of unfinished phrases: `else if` chains, `not not …` */
#define LIMIT_EXPRESSION_HEIGHT 1000         /* operators in a row */
#define LIMIT_DIAGNOSTICS_COUNT 1000         /* reported mistakes a run */
#define LIMIT_PROJECT_FILES_COUNT 20000
#define LIMIT_TEST_STEPS_COUNT 4000000       /* of all tests, with those of their fixtures */
#define LIMIT_CASE_COLUMNS_COUNT 100         /* of one table of cases */
#define LIMIT_CASE_PARTS_COUNT 4000000       /* steps and expressions of all tests that have cases, once each is written out */
#define LIMIT_DEFINE_DEPTH 32                /* definitions that use definitions */
#define LIMIT_REPEAT_COUNT 1000              /* times that a `repeat` says */
#define LIMIT_SEQUENCE_STMTS_COUNT 10000     /* statements that the sequences of one campaign are written out as */
#define LIMIT_EACH_COUNT 1000                /* elements that a `for each` looks at */
#define LIMIT_HELD_COUNT 1000                /* messages of one contact that the policy holds back at a time */
#define LIMIT_CAP_COUNT 1000                 /* messages that one cap of a policy lets leave in its window */

/* Program files */
#define LIMIT_PROGRAM_BYTES (256u << 20)
#define LIMIT_UNIT_COUNT 200000
#define LIMIT_UNIT_CODE_BYTES (1u << 20)
#define LIMIT_UNIT_ITEMS_COUNT 65535         /* strings, constants, fields, waits … of one unit */
#define LIMIT_LOCALS_COUNT 64
#define LIMIT_STACK_COUNT 64                 /* values on a strand's stack */

/* Running */
#define LIMIT_FUEL_COUNT 100000              /* instructions between two waits */
#define LIMIT_EMIT_DEPTH 16                  /* events emitted by events, at one instant */
#define LIMIT_QUEUE_COUNT 10000              /* emitted events and starts behind one input */
#define LIMIT_WAKES_COUNT 10000              /* waits of one contact that end at one instant */
#define LIMIT_STRANDS_COUNT 3000             /* strands of one contact at a time */
#define LIMIT_SERIES_COUNT 4096              /* occurrences that one window of one contact remembers */
#define LIMIT_CONTACT_BYTES (64u << 20)      /* one contact's own state; 10,000 measures that each keep a long text are a sixth of it */
#define LIMIT_ATTRIBUTES_BYTES (256u << 10)  /* one contact's attributes, as JSON */
#define LIMIT_KEPT_BYTES 1024u               /* of a text that first, last, min or max remembers; longer ones are cut */
#define LIMIT_MEMBER_COUNT 1000              /* lists and tags of one contact */
#define LIMIT_NAMES_COUNT 65536              /* different event, list, tag … names of one database */
#define LIMIT_TOPICS_COUNT 1000              /* topics of a project, and of one contact's consent */

/* Input */
#define LIMIT_EVENT_BYTES (256u << 10)       /* one line of events */
#define LIMIT_JSON_DEPTH 64
#define LIMIT_EVENT_FIELDS_COUNT 256         /* properties of one event that are looked at */
#define LIMIT_KEY_BYTES 256                  /* a contact's key */
#define LIMIT_NAME_BYTES 128                 /* an event's name */
#define LIMIT_ID_BYTES 256                   /* an event's id */
#define LIMIT_REJECT_BYTES 1024              /* kept of a rejected line */
#define LIMIT_MOMENT_MS 8640000000000000LL   /* of any moment, from 1970 either way: 100,000,000 days, as ECMAScript's Date has */
#define LIMIT_YEAR_MIN 1900                  /* moments outside these years are refused */
#define LIMIT_YEAR_MAX 2200
#define LIMIT_FUTURE_MS (24 * 3600 * 1000LL) /* an event of a live run may be at most so far ahead */

/* Engine */
#define LIMIT_BATCH_COUNT 200000             /* inputs or timers in one transaction */
#define LIMIT_MESSAGE_BYTES (1u << 20)       /* one rendered message */
#define LIMIT_SUBJECT_BYTES 2000             /* one rendered subject; relays cut or refuse headers that are much longer */
#define LIMIT_MESSAGE_FILES_BYTES (5u << 20) /* what one message attaches and shows in its text, together */
#define LIMIT_MESSAGE_FILES_COUNT 50
#define LIMIT_MESSAGE_LINKS_COUNT 1000       /* links of one message whose clicks are counted */
/* Liquid: always on, for templates and data are other people's */
#define LIMIT_LIQUID_OUTPUT_BYTES (4u << 20)     /* one rendered text */
#define LIMIT_LIQUID_MEMORY_BYTES (16u << 20)    /* what one render makes besides: joined texts, split arrays */
#define LIMIT_LIQUID_WORK_BYTES (256u << 20)      /* what one render's filters and comparisons look at; each code word that a loop runs again counts as one */
#define LIMIT_LIQUID_STEPS_COUNT 1000000         /* tags and outputs that one render runs through */
#define LIMIT_LIQUID_DEPTH 100                   /* nested blocks; scopes and snippets inside each other */
#define LIMIT_LIQUID_EXPRESSION_DEPTH 50         /* brackets inside brackets */
#define LIMIT_LIQUID_STACK_COUNT 256             /* values of one expression: filter arguments, nested brackets */
#define LIMIT_LIQUID_RANGE_COUNT 1000000         /* a range made into an array, as filters do */
#define LIMIT_LIQUID_CYCLES_COUNT 1000           /* different cycles of one render */
#define LIMIT_LIQUID_ERRORS_COUNT 1000           /* messages that one render prints */
#define LIMIT_LIQUID_DIGITS_COUNT 1000           /* of one number */
#define LIMIT_LIQUID_DATE_WIDTH 1024             /* %100Y of strftime */
#define LIMIT_LIQUID_DATE_BYTES (64u << 10)      /* one formatted date */
#define LIMIT_LIQUID_SOURCE_BYTES (4u << 20)     /* one template */
#define LIMIT_LIQUID_CODE_COUNT (4u << 20)       /* words of one unit of templates */
#define LIMIT_SNIPPET_DEPTH 20                    /* snippets, or layouts, inside each other */
#define LIMIT_SMS_SEGMENTS_COUNT 3           /* of an SMS, before its length is warned of */
#define LIMIT_ZONES_COUNT 700                /* zones held at a time */
#define LIMIT_ZONE_BYTES (256u << 10)         /* one zone file; the largest of the system has 4 KB */
#define LIMIT_REGEX_STEPS 100000             /* PCRE2 match limit of `matches` */
#endif
