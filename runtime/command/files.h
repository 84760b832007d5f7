#ifndef CAMP_COMMAND_FILES_H
#define CAMP_COMMAND_FILES_H
/* Whole files, in and out. Each is false with errno when it could not be done, and then nothing was changed. */
#include "vm/base/arena.h"

/* Whole file with a NUL behind it, in the arena; EFBIG above max_bytes. */
bool file_read(struct arena *a, const char *path, size_t max_bytes, struct str *out);
/* The same of what comes in on standard input. */
bool standard_input_read(struct arena *a, size_t max_bytes, struct str *out);
/* All of a file or nothing of it: written beside the path, synced, renamed. */
bool file_write(const char *path, struct str bytes);
/* The same for a file that is there, which keeps its mode; behind a link, what the link names is written. */
bool file_rewrite(const char *path, struct str bytes);
#endif
