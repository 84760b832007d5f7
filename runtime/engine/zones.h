#ifndef CAMP_ENGINE_ZONES_H
#define CAMP_ENGINE_ZONES_H
/* The system's time zones by name, read once each and kept. Owns what it gives: a zone lives as long as the cache.
 * Limits: LIMIT_ZONES_COUNT zones at a time, LIMIT_ZONE_BYTES a file. Not thread-safe. */
#include "vm/calendar.h"

struct zones;
struct zones *zones_new(void);
void zones_free(struct zones *z);
/* "Europe/Paris"; NULL when the system has no such zone, its file is damaged, or the name could lead out of the zone
 * folder. "UTC" is always there, with or without zone files. Asking again costs one hash, for unknown names too. */
const struct zone *zones_find(struct zones *z, struct str name);
/* The names of all zones of the system, one a line, in the arena: to find what a wrong name was meant to be. Empty when
 * there is no zone folder. */
struct str zones_names(const struct zones *z, struct arena *a);
/* The folder that zones are read from, for messages. */
const char *zones_folder(const struct zones *z);
#endif
