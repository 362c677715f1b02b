/*
 * lease: which fetcher an account belongs to; its token fences all that is written for it. Each renewal waits for Redis'
 * disk, so what falls due within a fifth of a second goes in one round trip, on a thread of its own: an account whose
 * renewal waited behind the mail of others would be lost, and its connecting anew would make the others wait longer.
 */
#ifndef MW_FETCHER_LEASE_H
#define MW_FETCHER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct committer;
struct fetcher;

/* Of a process: who asked and has not been sent. */
struct lease_queue {
	struct committer *thread;
	struct account *first, *last;
	int64_t sent_ms; /* mono: when the last went */
	bool under_way;
};

/* Takes the account's lease (ends in account_open) or renews it. Not while it is asked for already (a->renewing). */
void lease_ask(struct account *a);
/* Gives it back; the account is to be without token from then on. */
void lease_release(struct account *a);
/* Sends what was asked for. */
void lease_tick(struct fetcher *f, int64_t now_ms);

#endif
