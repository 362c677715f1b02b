/*
 * commands: what others want done at the provider, from the account's stream KEY_A_COMMANDS, one after the other in order,
 * each safe to repeat. Fields of an entry: `kind`, then
 *
 *   append   submission, blob, id     files our own copy of a sent message in the sent mailbox, unless it is there
 *   store    ids (10 bytes each), keyword ($seen or $flagged), value (1 or 0)     sets or clears a flag in all places
 *   move     ids, role (archive, inbox or trash)     to the archive what is in the inbox, to the inbox what is in the archive,
 *                                     to the trash what is anywhere
 *   backfill op, backfill, since, until, mailboxes, people, requested     older mail on request (backfill.h)
 *   resync   –                        compares all mailboxes with the server, fetches what is missing
 *   cover    mailbox                  proves that nothing of this mailbox is missing (coverage.h)
 *   find     request, messageId | from, day      looks for one message in all mailboxes (coverage.h)
 *   reparse  –                        gives all committed messages to the parser again (mode 1)
 */
#ifndef MW_FETCHER_COMMANDS_H
#define MW_FETCHER_COMMANDS_H

#include "fetcher/account.h"

bool commands_due(const struct account *a);
/* On the live connection, nothing outstanding. Ends in live_next. */
void commands_run(struct account *a);
/* The connection went: what was at work is begun again later. */
void commands_stop(struct account *a);

/* reparse.c */
void reparse_start(struct account *a, const char *command_id);
void reparse_tick(struct account *a, int64_t now_ms);
void reparse_committed(struct account *a, const struct wire_list *ids);
void reparse_stop(struct account *a);

#endif
