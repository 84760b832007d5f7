#ifndef CAMP_SEND_JOURNAL_H
#define CAMP_SEND_JOURNAL_H
/* Private to runtime/send: which mails' dots are on their way, in a small file beside the database, so that a process that is killed
 * between a relay's yes and the commit knows after its restart which mails were taken and which are in doubt.
 *
 * Records are written by write(2) before the dot leaves and after its answer has come: that survives the end of the process, not a
 * power cut (then mails answered since the last commit are sent once more, with the same Message-ID). Not thread-safe. */
#include "vm/base/arena.h"
#include "vm/base/check.h"

struct journal;
/* path is made when absent. identity: of the database; a journal of another one is emptied. path NULL: nothing is written. */
enum camp_err journal_open(const char *path, uint64_t identity, struct journal **out, char why[256]) MUST_CHECK;
void journal_close(struct journal *j);
/* What the last process left: mails taken, and mails in doubt, by outbox id. */
struct journal_entry { int64_t id; bool taken; };
const struct journal_entry *journal_left(const struct journal *j, uint32_t *count);

void journal_dot(struct journal *j, int64_t id);               /* its dot is about to leave */
void journal_answer(struct journal *j, int64_t id, bool taken);/* the server answered, or the connection was lost and that was recorded */
/* Writes what was noted. CAMP_IO: the journal is full or gone; nothing more may be sent. */
enum camp_err journal_flush(struct journal *j, char why[256]) MUST_CHECK;
/* Everything noted so far has been committed to the database, but for these dots that are under way: the file begins anew with them. */
enum camp_err journal_reset(struct journal *j, const int64_t *under_way, uint32_t count, char why[256]) MUST_CHECK;
/* Bytes in the file. */
int64_t journal_bytes(const struct journal *j);
#endif
