/*
 * client_testbed: the world around the fetcher in which its client is fuzzed (client_fuzz.c): a mail server that is a
 * script (client_server_testbed.c), a store (client_store_testbed.c), a disk and a bus (client_world_testbed.c) that say
 * yes to all. One world a run; the process's own loop, window, spool and scanner are the real ones.
 */
#ifndef MW_FETCHER_CLIENT_TESTBED_H
#define MW_FETCHER_CLIENT_TESTBED_H

#include "fetcher/fetcher.h"

/*
 * What the servers say, in the order in which it is read, whatever connection asks. An octet 1 and the next stand for:
 *   t  the tag of the oldest command not answered      o   that, ` OK done` and the end of the line
 *   w  nothing more for now                            n  what follows is said to the next connection
 *   x  the connection is cut                           f  the next connection cannot be made
 *   T  half a minute passes
 */
void script_begin(struct span script);
/* Cuts the octets that the world is made by off its front. */
uint8_t script_take(void);
bool script_ended(void);
/* How often something was read; the world ends when no more is. */
uint64_t script_reads(void);
/* What is due of connecting: called from the loop. */
void server_turn(void);
/* Nothing was read: the connection meant is gone, or (hard) it waits for what will not come. */
void server_skip(bool hard);

enum { WORLD_FIRST_DONE = 1, WORLD_SINCE = 2, WORLD_FOLDERS = 4, WORLD_COMMAND = 8 };
void world_begin(unsigned how);
void stored_begin(unsigned how);
void stored_end(void);
void world_end(void);
void world_pass(int64_t ms);
/* Fires the timers that are due, runs what the process has given its committers. */
void world_turn(void);

#endif
