/* recipients: who gets a message, and what became of each over several attempts. Pure; everything lives in the arena. */
#ifndef MW_SENDER_RECIPIENTS_H
#define MW_SENDER_RECIPIENTS_H

#include "common/base/arena.h"
#include "sender/compose.h"
#include "sender/smtp_dialog.h"

enum recipient_status {
	RECIPIENT_PENDING, /* not tried, or refused for now */
	RECIPIENT_SENT,
	RECIPIENT_FAILED,
	RECIPIENT_UNKNOWN, /* handed over, no answer */
};

struct recipient {
	struct span email;
	enum recipient_status status;
	const char *reply; /* the server's last words, "" none */
};

struct recipients {
	struct recipient *items;
	size_t count;
	struct smtp_recipient *pending; /* of the attempt at hand: in the order of items */
	size_t pending_count;
};

/* To, Cc and Bcc, each address once. before: recipients_json of the last attempt, or empty. */
void recipients_collect(const struct compose_message *message, struct span before,
			struct arena *arena, struct recipients *recipients_out);
/* After an attempt: what the server said of each that was pending. */
void recipients_apply(struct recipients *recipients, enum smtp_outcome outcome,
		      struct arena *arena);
/* No more attempts: who is pending has failed. */
void recipients_give_up(struct recipients *recipients);
bool recipients_any(const struct recipients *recipients, enum recipient_status status);

/* The fields of a settlement as a JSON object: serverReply, recipients, and filing if it is not NULL. */
void recipients_json(const struct recipients *recipients, const char *reply, const char *filing,
		     struct buf *out);

#endif
