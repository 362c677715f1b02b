/*
 * message_check: all that stops a message before it is queued: recipients (SND-04), line breaks in headers (SND-09),
 * size and kinds of files by provider (SND-05), the address it comes from; and what may harm it
 * (message_advice). Pure.
 */
#ifndef MW_GATEWAY_MESSAGE_CHECK_H
#define MW_GATEWAY_MESSAGE_CHECK_H

#include <stddef.h>

#include "gateway/message_findings.h"

/* The account it is sent from. */
struct message_sender {
	const char *email;
	const char *provider; /* "gmail", …; may be NULL */
	const struct span *own; /* all addresses it sends as, normalized (ACC-05) */
	size_t own_count;
};

/* message: complete, as the sender will get it. */
void message_check(const json_t *message, const struct message_sender *sender,
		   struct message_findings *findings);
/* What does not stop it. */
void message_advice(const json_t *message, struct message_findings *findings);

/* The largest encoded message that the provider takes; provider may be NULL. */
size_t message_limit_bytes(const char *provider);
/* A kind of file that Gmail and Microsoft refuse in any message, by the end of its name. */
bool message_file_risky(const char *name);

#endif
