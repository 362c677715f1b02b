/*
 * message_check: all that stops a message before it is queued: recipients (SND-04), line breaks in headers (SND-09),
 * unresolved fields (SND-03), size (SND-05). Pure: the parsed body in, the first fault out.
 */
#ifndef MW_GATEWAY_MESSAGE_CHECK_H
#define MW_GATEWAY_MESSAGE_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "gateway/problem.h"

struct message_fault {
	enum problem problem;
	char text[384];
};

/* own: the account's address; limit_bytes: of the encoded message. False: fault_out says what is wrong. */
bool message_check(const json_t *message, const char *own, size_t limit_bytes,
		   struct message_fault *fault_out);
/* The largest encoded message that the provider takes; provider may be NULL. */
size_t message_limit_bytes(const char *provider);

#endif
