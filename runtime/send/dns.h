#ifndef CAMP_SEND_DNS_H
#define CAMP_SEND_DNS_H
/* Private to runtime/send and camp doctor: TXT records through the system's resolver (RFC 1035). CAMP_DNS=ADDRESS[:PORT] asks another
 * IPv4 name server instead. Blocks, for seconds at worst. */
#include "vm/base/arena.h"

#define LIMIT_DNS_RECORDS_COUNT 64

enum dns_state { DNS_FOUND, DNS_NONE /* the name or the record does not exist */, DNS_FAILED /* nobody could be asked; *why says so */ };
/* The name's TXT records, each in one piece, in the arena. */
enum dns_state dns_txt(const char *name, struct arena *a, struct str records[LIMIT_DNS_RECORDS_COUNT], uint32_t *count, char why[256]);
#endif
