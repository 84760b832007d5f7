#ifndef CAMP_BASE_CHECK_H
#define CAMP_BASE_CHECK_H
/* The two mechanisms for what goes wrong below the script author:
 * the world's failures are values (enum camp_err) that a caller must look at; our own mistakes
 * stop the process at a CHECK, on in release builds too, with the database true, because
 * a restart resumes where the last commit was. Bytes from disk or network never meet a CHECK. */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum camp_err {
  CAMP_OK = 0,
  CAMP_BUSY,      /* temporary: locked by another process; try again */
  CAMP_FULL,      /* temporary: disk or quota full; nothing was committed */
  CAMP_IO,        /* the operating system refused a read or write */
  CAMP_READONLY,  /* the file or folder cannot be written */
  CAMP_CORRUPT,   /* bytes that were not written by this program, or were damaged */
  CAMP_VERSION,   /* a file of another version of Camp */
  CAMP_LIMIT,     /* a named limit of limits.h was met */
  CAMP_NOT_FOUND, /* what was asked for is not there */
  CAMP_BAD,       /* input that cannot be accepted; the message says why */
  CAMP_STOPPED,   /* a signal asked for an end */
};

/* English, for a message: "the disk is full". Never NULL. */
const char *camp_err_text(enum camp_err err);

_Noreturn void check_failed(const char *what, const char *file, int line);
#define CHECK(x) ((x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))
#endif
