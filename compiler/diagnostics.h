#ifndef CAMP_COMPILER_DIAGNOSTICS_H
#define CAMP_COMPILER_DIAGNOSTICS_H
/* Reporting a script author's mistake. Codes and their pages stand in diagnostics.def:
 *   DIAG(E0203, "title", "page text", "wrong example", "right example")
 * Codes are stable: never reused. E01xx lexing, E02xx syntax, E03xx names, E04xx types, E05xx flow and meaning; W likewise. */
#include "compile.h"

enum diag_code {
#define DIAG(code, title, text, wrong, right) DIAG_##code,
#include "diagnostics.def"
#undef DIAG
  DIAG_COUNT
};

/* Reports; returns the diagnostic so that the caller may add expected, help, note, fix (texts in the arena). Past
 * LIMIT_DIAGNOSTICS_COUNT a scratch one is returned. Two errors at the same span: only the first is kept. */
struct diagnostic *diag(struct compilation *c, enum diag_code code, struct span span, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The nearest of candidates by edit distance (at most a third of the length), or an empty str. */
struct nearest { struct str want, best; uint32_t distance; };
struct nearest nearest_of(struct str want);
void nearest_try(struct nearest *n, struct str candidate);

/* Keeps order by source and place; called once behind the last stage. */
void diagnostics_sort(struct compilation *c);
#endif
