#ifndef CAMP_TESTS_CRASH_VFS_H
#define CAMP_TESTS_CRASH_VFS_H
/* A SQLite VFS named "crash" for tests: it keeps what was written but not synced in memory, as a computer does, and can lose it.
 *
 * Each write, sync, truncation and deletion of a database or its log is a point. Armed with CRASH_KILL, the process ends with
 * CRASH_EXIT just before the n-th point, and everything not synced is gone; with a torn seed, some of the unsynced 512-byte
 * sectors reach the disk and others do not, as the seed says. With CRASH_FULL or CRASH_IO, that point and all after it fail
 * until armed anew (a full disk still deletes and shortens). Others who write, a sender say, count their points with crash_point. */
#include <stdint.h>

#define CRASH_VFS "crash"
enum { CRASH_EXIT = 86 };
enum crash_mode { CRASH_NONE, CRASH_KILL, CRASH_FULL, CRASH_IO };

void crash_vfs_register(void);
/* Counts points anew; `at` from 1. */
void crash_vfs_arm(enum crash_mode mode, uint64_t at, uint64_t torn_seed);
uint64_t crash_vfs_points(void);
/* One point of somebody else's; ends the process when it is its turn, else tells whether the write is to fail. */
int crash_point(void);
/* The computer went on living: everything written reaches the disk. */
void crash_vfs_flush(void);
#endif
