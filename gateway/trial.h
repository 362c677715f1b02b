/*
 * trial: a test message from an account to itself, or to another mailbox that is synced here (ACC-12), watched on its way:
 *
 *   account ─▶ queued ─▶ sent ─▶ arrived ─▶ sender ─▶ authentication
 *
 * A step that fails ends the way; each has its time, and one that fails a code and a remedy.
 */
#ifndef MW_GATEWAY_TRIAL_H
#define MW_GATEWAY_TRIAL_H

#include "gateway/mail_message.h"
#include "gateway/outbox.h"

struct trial {
	const struct account_entry *account; /* it sends */
	const struct account_entry *target; /* it is to arrive here; NULL: where we cannot look */
	const char *to;
	struct outbox_account sender;
	struct span submission, message_id;
	int64_t began_mono_ms, deadline_mono_ms;
	json_t *steps;
	bool failed;
	/* what arrived */
	bool arrived;
	struct mail_thread thread;
	struct mail_message message;
	const char *folder;
};

/* One more step; code NULL: it went well. detail may be NULL. Returns it, borrowed. */
json_t *trial_step(struct trial *t, const char *step, const char *code, const char *detail);
/* As it is told of a step that neither failed nor went well. */
json_t *trial_step_open(struct trial *t, const char *step, const char *code, const char *detail);

/* Sends and watches until it is here or the deadline has passed. False: a problem is answered. */
bool trial_run(struct http_request *r, struct trial *t);
/* trial_sender.c: what came of the sender's name and of its domain's authentication. False: a problem is answered. */
bool trial_examine(struct http_request *r, struct trial *t);

#endif
