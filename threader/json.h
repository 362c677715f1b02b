/* json: `threader --json MBOX…`: the threads of mailbox files, one {"messageId","threadId"} a line. */
#ifndef MW_THREADER_JSON_H
#define MW_THREADER_JSON_H

#include <stdio.h>

/* Reads all files as one mailbox, in order, and prints when all are read (so that every line is final). Messages without
 * a Message-ID are left out. Exit status: 0, or 1 if a file could not be read (named on standard error). */
int json_threads(int count, char **paths, FILE *out);

#endif
