/* Runs a command and tells what it cost: the bytes that it gave to write(), its peak memory, its time from start to end.
 *
 *   launch REPORT COMMAND [ARGUMENT…]     appends "written=B rss_kb=K ms=M cpu_ms=C" to REPORT
 *
 * A command that fails leaves no report, and its code is the answer.
 *
 * It exists because the floor and the peers' compilers do not count themselves. A process's /proc/PID/io goes when it is reaped,
 * so the command is left unreaped (WNOWAIT) until that file was read. Not a timer for anything below a millisecond. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned long long bytes_written(pid_t child) {
  char line[128];
  unsigned long long bytes = 0;
  snprintf(line, sizeof line, "/proc/%ld/io", (long)child);
  FILE *f = fopen(line, "r");
  while (f && fgets(line, sizeof line, f)) (void)sscanf(line, "wchar: %llu", &bytes);
  if (f) fclose(f);
  return bytes;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: launch REPORT COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  double began = now_s();
  pid_t child = fork();
  if (child < 0) {
    perror("launch: fork");
    return 2;
  }
  if (child == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  siginfo_t info = { 0 };
  if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0) {
    perror("launch: waitid");
    return 2;
  }
  double ms = (now_s() - began) * 1000;
  unsigned long long bytes = bytes_written(child);
  struct rusage use = { 0 };
  int status = 0;
  if (wait4(child, &status, 0, &use) != child) {
    perror("launch: wait4");
    return 2;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  double cpu_ms = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
  FILE *report = fopen(argv[1], "a");
  if (!report) {
    perror(argv[1]);
    return 2;
  }
  fprintf(report, "written=%llu rss_kb=%ld ms=%.1f cpu_ms=%.1f\n", bytes, use.ru_maxrss, ms, cpu_ms);
  if (fclose(report) != 0) {
    perror(argv[1]);
    return 2;
  }
  return 0;
}
