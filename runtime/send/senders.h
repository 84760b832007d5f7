#ifndef CAMP_SEND_SENDERS_H
#define CAMP_SEND_SENDERS_H
/* Private to runtime/send: the senders that there are, and what they share.
 * Each sender defines struct sender in its own file; nobody else looks inside. */
#include "runtime/send/send.h"

enum { WHY_BYTES = 256 };

extern const struct sender_ops maildir_ops, file_ops, smtp_ops, smtps_ops;

/* The error that errno stands for, with *why = "cannot DO PATH: reason". */
enum camp_err sender_fail(char why[WHY_BYTES], const char *what, const char *path);
/* Announces a write, sync or rename to send_write_point. */
void sender_point(void);
/* All of the bytes, however the system cuts them; false with errno. */
bool sender_write(int fd, struct str bytes);
/* "2026-01-12T10:00:00Z"; milliseconds only when there are some. */
size_t sender_moment(int64_t utc_ms, char out[40]);
/* The name of the sender in the store: the same from whatever folder Camp is started. */
struct str sender_key(struct arena *a, const struct sender_ops *ops, const char *target);
#endif
