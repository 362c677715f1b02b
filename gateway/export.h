/*
 * export: all that is stored of a mailbox, as one long answer in bounded memory: of a message at a time its bytes, of the
 * mailbox 24 octets a message, noted at the beginning, so that the order is that of time and each comes once.
 *
 *   mbox    the messages (export_encode.h)
 *   ndjson  an object a line, by `kind`: account, thread, message (with `raw`, base64), submission, setAside (with raw), and at
 *           last `end` with the counts: without it the export is not whole
 *
 * Each turn asks anew who asks: a token that was deleted or a member who left gets no more.
 */
#ifndef MW_GATEWAY_EXPORT_H
#define MW_GATEWAY_EXPORT_H

#include "gateway/account.h"

/* Answers with the stream. The viewer was found to be one of the mailbox's people. */
void export_answer(struct http_request *r, const struct account_entry *entry, bool mbox);

#endif
