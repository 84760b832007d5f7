/* Loaded before the C library: a resolver whose name server is silent for one name, until the file `verdict` is there or a minute is over. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (!node || strcmp(node, "stuck.example") != 0) return real(node, service, hints, out);
  FILE *f = fopen("asked", "w");
  if (f) fclose(f);
  for (int i = 0; i < 600 && access("verdict", F_OK) != 0; i++) nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
  return EAI_AGAIN;
}
