/* Stops the process when one of our own invariants is broken. Not for bad input. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *what, const char *file, int line) {
  fprintf(stderr,
          "camp: internal check failed: %s (%s:%d). The database is as of its last commit; starting again "
          "resumes there. Please report this line.\n",
          what, file, line);
  abort();
}

const char *camp_err_text(enum camp_err err) {
  switch (err) {
    case CAMP_OK: return "no error";
    case CAMP_BUSY: return "another process holds the database";
    case CAMP_FULL: return "the disk is full";
    case CAMP_IO: return "the system could not read or write";
    case CAMP_READONLY: return "it cannot be written";
    case CAMP_CORRUPT: return "the file is damaged";
    case CAMP_VERSION: return "the file is of another version";
    case CAMP_LIMIT: return "a limit was met";
    case CAMP_NOT_FOUND: return "it was not found";
    case CAMP_BAD: return "the input cannot be accepted";
    case CAMP_STOPPED: return "stopped by a signal";
  }
  return "unknown error";
}
