#ifndef CAMP_BASE_BANNED_H
#define CAMP_BASE_BANNED_H
/* Calls that have no safe use here, made compile errors (after Git's banned.h). Included on the compiler's
 * command line, behind the C library's own headers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#undef strcpy
#undef strcat
#undef strtok
#undef sprintf
#undef gmtime
#undef localtime
#pragma GCC poison strcpy strcat strtok sprintf gmtime localtime
#endif
