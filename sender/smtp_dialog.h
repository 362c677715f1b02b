/*
 * smtp_dialog: what we say to an SMTP server after the login (RFC 5321), and what its answers mean. Pure: bytes in,
 * bytes out; the caller moves them and knows the time.
 *
 *   EHLO ──▶ IDLE ──begin──▶ MAIL RCPT… ──▶ DATA ──▶ BODY ──▶ HAND_OVER ──▶ FINAL ──▶ IDLE
 *
 * BODY sends everything but the last five octets, CRLF . CRLF. In HAND_OVER nothing is sent until the caller says
 * smtp_dialog_hand_over: before that the server has no message, after it only the server's answer tells (SND-07).
 *
 * The caller's turn: give what came to smtp_dialog_input; send `out` and consume it; when it is empty ask
 * smtp_dialog_fill for more; then ask smtp_dialog_step. A lost connection is told with smtp_dialog_lost.
 */
#ifndef MW_SENDER_SMTP_DIALOG_H
#define MW_SENDER_SMTP_DIALOG_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "sender/smtp_reply.h"

#define SMTP_WORDS 256 /* octets kept of what a server says, ASCII, NUL included */

struct smtp_recipient {
	struct span email;
	unsigned code; /* the server's last word about it; 0: none */
	char reply[SMTP_WORDS]; /* "550 5.1.1 no such user" */
};

struct smtp_envelope {
	struct span from;
	struct smtp_recipient *recipients;
	size_t recipient_count; /* at least one */
	struct span message; /* RFC 5322; a bare CR or LF goes out as CRLF */
	bool utf8; /* needs SMTPUTF8 */
};

enum smtp_outcome {
	SMTP_TAKEN, /* for the recipients whose code is 2xx; the others have their own */
	SMTP_LATER, /* refused for now: 4xx, or nothing was handed over */
	SMTP_NEVER, /* refused for good */
	SMTP_AMBIGUOUS, /* handed over, and no answer */
};

struct smtp_result {
	enum smtp_outcome outcome;
	char reply[SMTP_WORDS]; /* the server's words, or ours where it said nothing */
};

enum smtp_phase {
	SMTP_EHLO,
	SMTP_IDLE,
	SMTP_ENVELOPE,
	SMTP_DATA,
	SMTP_BODY,
	SMTP_HAND_OVER,
	SMTP_FINAL,
	SMTP_OVER /* no further use of this connection */
};

enum smtp_step { SMTP_STEP_WAIT, SMTP_STEP_HAND_OVER, SMTP_STEP_DONE };

struct smtp_dialog {
	enum smtp_phase phase;
	bool pipelining, eight_bit, smtputf8;
	uint64_t size_max; /* 0: not told */
	struct smtp_envelope envelope; /* borrowed from begin to DONE */
	bool busy, done; /* an envelope was begun; its result stands */
	size_t asked, answered; /* of MAIL and the RCPTs */
	size_t accepted; /* recipients */
	size_t body_at; /* octets of the message given to out */
	bool mid_line;
	struct smtp_result result;
	struct buf in, out;
};

/* ehlo: our name. */
void smtp_dialog_init(struct smtp_dialog *d, const char *ehlo);
void smtp_dialog_fini(struct smtp_dialog *d);
/* Before or after the greeting, one at a time. */
void smtp_dialog_begin(struct smtp_dialog *d, const struct smtp_envelope *envelope);
void smtp_dialog_input(struct smtp_dialog *d, struct span bytes);
/* Puts more of the message into the empty out; false if there is nothing to send now. */
bool smtp_dialog_fill(struct smtp_dialog *d);
/* HAND_OVER: make it durable, then call hand_over, or lost. DONE (once): see result; usable again if phase is SMTP_IDLE. */
enum smtp_step smtp_dialog_step(struct smtp_dialog *d);
void smtp_dialog_hand_over(struct smtp_dialog *d);
/* The connection is gone or given up: LATER before the hand-over, AMBIGUOUS after it. */
void smtp_dialog_lost(struct smtp_dialog *d, const char *words);

#endif
