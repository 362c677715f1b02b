/*
 * webhook_queue: one endpoint's queue as this process works it: looks what comes next, has one request under way at most,
 * and moves the endpoint's place in Redis when it was taken. For webhook_loop alone; one thread.
 *
 *   look ── nothing ──▶ looked at again when there are events, or in a while
 *     └── events, lease ──▶ request ──▶ finish ── taken ──▶ place moved, look
 *                                          └── failed ──▶ the same place, later; for 3 days, then turned off
 *
 * A request whose `finish` was not written is made again: an event comes once or more, with the same id, in order.
 */
#ifndef MW_GATEWAY_WEBHOOK_QUEUE_H
#define MW_GATEWAY_WEBHOOK_QUEUE_H

#include "gateway/webhook_post.h"
#include "gateway/webhook_store.h"

#define WEBHOOK_NAME_MAX 65 /* a client id and NUL */
#define WEBHOOK_POSITION_MAX 64

enum webhook_condition { WEBHOOK_WORKING, WEBHOOK_FAILING, WEBHOOK_OFF };

/* What is under way. */
struct webhook_flight {
	struct webhook_post *post; /* NULL: nothing */
	char epoch[24], at[WEBHOOK_POSITION_MAX]; /* of the lease; the place behind */
	char id[EVENT_ID_CHARS + 1], type[40];
	unsigned events;
	uint64_t failures; /* before it */
	int64_t failing_ms;
};

struct webhook_queue {
	struct webhook_queue *next;
	char company[WEBHOOK_NAME_MAX], id[WEBHOOK_NAME_MAX];
	int64_t due_mono_ms; /* looked at then, if it is ours */
	bool ours, listed, gone;
	enum webhook_condition condition;
	int64_t lease_mono_ms; /* ours until */
	int64_t waits_since_ms; /* time of the event that is next, Unix; 0: none waits */
	/* What was looked through since the place that is stored: */
	char stored[WEBHOOK_POSITION_MAX];
	struct event_position reached;
	int64_t passed_mono_ms;
	struct webhook_flight flight;
};

/* Due and ours and nothing under way: begins a request, or says when to look again. */
void webhook_queue_look(struct webhook_queue *q, struct app *app, struct store *store);
/* The request ended; it is freed. */
void webhook_queue_finish(struct webhook_queue *q, struct app *app, struct store *store,
			  CURLcode code);
/* Lets other processes have it at once. */
void webhook_queue_release(struct webhook_queue *q, struct app *app, struct store *store);

#endif
