/*
 * mail_newest: the newest messages of many threads in three round trips, however many threads they are: which of them are
 * on the move, who their newest members are, and those members' records.
 */
#ifndef MW_GATEWAY_MAIL_NEWEST_H
#define MW_GATEWAY_MAIL_NEWEST_H

#include "gateway/mail_message.h"

struct mail_newest {
	struct mail_message *messages; /* newest first, in the arena */
	size_t count;
};

/* newest_out[count]; at most limit messages a thread, none of a thread that is not visible. */
MUST_USE enum err_code mail_newest_load(struct http_request *r, const struct mail_thread *threads,
					size_t count, size_t limit, struct mail_newest *newest_out,
					struct err *e);

#endif
