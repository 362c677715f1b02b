/* find_ask: questions that a fetcher answers: put as commands, and waited for in Redis. */
#ifndef MW_GATEWAY_FIND_ASK_H
#define MW_GATEWAY_FIND_ASK_H

#include "gateway/account.h"

#define FIND_ASK_PAIRS_MAX 8

enum find_asked {
	FIND_ASKED, /* the command waits, or one like it did already */
	FIND_ASK_IDLE, /* nobody reads this account now: it is paused, or cannot be read */
	FIND_ASK_FAILED, /* a problem is answered */
};

/* fields: `kind` and what belongs to it (fetcher's commands), names and values in turn. id_out: of the command. */
enum find_asked find_ask(struct http_request *r, const struct account_entry *account,
			 const struct span *fields, size_t count, struct span *id_out);
/* Until when an answer is waited for. */
int64_t find_ask_until(const struct http_request *r);
/* Sleeps a little. False: the time is over. */
bool find_ask_pause(int64_t until_mono_ms);
/* Does command a stand at or behind b? */
bool find_ask_reached(struct span a, struct span b);

#endif
