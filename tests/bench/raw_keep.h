/* raw_keep: the least that becomes of mail that is kept: its digest (SHA-256), sealed (AES-256-GCM), written in pieces of
 * 1 MB, durable every 4 MB. No compression, no records, no names. Ends the program if anything fails. */
#ifndef MW_TESTS_RAW_KEEP_H
#define MW_TESTS_RAW_KEEP_H

#include <stddef.h>

struct keep;

struct keep *keep_open(const char *path);
void keep_add(struct keep *keep, const char *p, size_t n);
/* Writes the rest, makes it durable. NULL: nothing. */
void keep_close(struct keep *keep);

#endif
