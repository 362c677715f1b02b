#include "sender/smtp_dialog.h"

#include <stdio.h>

enum {
	IN_MAX = 2 * SMTP_REPLY_MAX,
	OUT_MAX = 1 << 20,
	CHUNK = 64 << 10, /* of the message, at once */
};

static void words_set(char out[SMTP_WORDS], unsigned code, const char *text)
{
	int n = code ? snprintf(out, SMTP_WORDS, "%u %.240s", code, text)
		     : snprintf(out, SMTP_WORDS, "%.250s", text);

	for (int i = 0; i < n && i < SMTP_WORDS - 1; i++)
		if ((unsigned char)out[i] < 0x20 || (unsigned char)out[i] > 0x7e)
			out[i] = '?';
}

/* What befell the whole message befell each recipient that was not refused before. */
static void finish(struct smtp_dialog *d, enum smtp_outcome outcome, unsigned code,
		   const char *text, enum smtp_phase phase)
{
	d->phase = phase;
	if (!d->busy)
		return;
	d->busy = false;
	d->done = true;
	d->result.outcome = outcome;
	words_set(d->result.reply, code, text);
	for (size_t i = 0; i < d->envelope.recipient_count && outcome != SMTP_TAKEN; i++) {
		struct smtp_recipient *r = &d->envelope.recipients[i];

		if (r->code / 100 == 2 || r->code == 0) {
			r->code = code;
			words_set(r->reply, code, text);
		}
	}
}

void smtp_dialog_init(struct smtp_dialog *d, const char *ehlo)
{
	*d = (struct smtp_dialog){.phase = SMTP_EHLO};
	buf_init(&d->in, IN_MAX);
	buf_init(&d->out, OUT_MAX);
	buf_printf(&d->out, "EHLO %s\r\n", ehlo);
}

void smtp_dialog_fini(struct smtp_dialog *d)
{
	buf_fini(&d->in);
	buf_fini(&d->out);
}

void smtp_dialog_lost(struct smtp_dialog *d, const char *words)
{
	finish(d, d->phase == SMTP_FINAL ? SMTP_AMBIGUOUS : SMTP_LATER, 0, words, SMTP_OVER);
	buf_clear(&d->out);
}

/* A refusal ends the message; the connection is not used again, so no RSET is owed. */
static void refused(struct smtp_dialog *d, const struct smtp_reply *reply)
{
	finish(d, reply->code / 100 == 5 ? SMTP_NEVER : SMTP_LATER, reply->code, reply->text,
	       SMTP_OVER);
}

/* ---- the envelope ---- */

static void put_mail(struct smtp_dialog *d)
{
	buf_put_cstr(&d->out, "MAIL FROM:<");
	buf_put_span(&d->out, d->envelope.from);
	buf_put_byte(&d->out, '>');
	if (d->size_max)
		buf_printf(&d->out, " SIZE=%zu", d->envelope.message.n);
	if (d->envelope.utf8)
		buf_put_cstr(&d->out, d->eight_bit ? " BODY=8BITMIME SMTPUTF8" : " SMTPUTF8");
	buf_put_cstr(&d->out, "\r\n");
}

/* The next command, or with PIPELINING all of them. */
static void put_envelope(struct smtp_dialog *d)
{
	do {
		if (d->asked == 0) {
			put_mail(d);
		} else {
			buf_put_cstr(&d->out, "RCPT TO:<");
			buf_put_span(&d->out, d->envelope.recipients[d->asked - 1].email);
			buf_put_cstr(&d->out, ">\r\n");
		}
		d->asked++;
	} while (d->pipelining && d->asked <= d->envelope.recipient_count);
}

static void begin_envelope(struct smtp_dialog *d)
{
	d->asked = d->answered = d->accepted = d->body_at = 0;
	d->mid_line = false;
	if (d->envelope.utf8 && !d->smtputf8) {
		finish(d, SMTP_NEVER, 0,
		       "The mail server does not take addresses beyond ASCII (SMTPUTF8).",
		       SMTP_IDLE);
	} else if (d->size_max && d->envelope.message.n > d->size_max) {
		char text[SMTP_WORDS];

		snprintf(text, sizeof(text),
			 "The encoded message has %zu octets; the mail server takes at most %llu.",
			 d->envelope.message.n, (unsigned long long)d->size_max);
		finish(d, SMTP_NEVER, 0, text, SMTP_IDLE);
	} else {
		d->phase = SMTP_ENVELOPE;
		put_envelope(d);
	}
}

void smtp_dialog_begin(struct smtp_dialog *d, const struct smtp_envelope *envelope)
{
	d->envelope = *envelope;
	d->busy = true;
	d->done = false;
	for (size_t i = 0; i < envelope->recipient_count; i++) {
		envelope->recipients[i].code = 0;
		envelope->recipients[i].reply[0] = '\0';
	}
	if (d->phase == SMTP_IDLE)
		begin_envelope(d);
	else if (d->phase != SMTP_EHLO)
		finish(d, SMTP_LATER, 0, "The connection was closed.", SMTP_OVER);
}

/* All recipients were refused: for good only if each was. */
static void none_accepted(struct smtp_dialog *d)
{
	const struct smtp_recipient *worst = &d->envelope.recipients[0];

	for (size_t i = 0; i < d->envelope.recipient_count; i++)
		if (d->envelope.recipients[i].code / 100 != 5)
			worst = &d->envelope.recipients[i];
	finish(d, worst->code / 100 == 5 ? SMTP_NEVER : SMTP_LATER, 0, worst->reply, SMTP_OVER);
}

static void take_recipient(struct smtp_dialog *d, const struct smtp_reply *reply)
{
	struct smtp_recipient *r = &d->envelope.recipients[d->answered - 1];

	/* RFC 5321 section 4.5.3.1.10: 552 for too many recipients means 452. */
	r->code = reply->code == 552 ? 452 : reply->code;
	words_set(r->reply, reply->code, reply->text);
	d->accepted += smtp_reply_ok(reply);
}

static void take_envelope(struct smtp_dialog *d, const struct smtp_reply *reply)
{
	if (reply->code / 100 == 3) {
		smtp_dialog_lost(d, "The mail server did not speak SMTP.");
		return;
	}
	if (d->answered == 0 && !smtp_reply_ok(reply)) {
		refused(d, reply);
		return;
	}
	if (d->answered > 0)
		take_recipient(d, reply);
	d->answered++;
	if (d->answered <= d->envelope.recipient_count) {
		if (d->asked == d->answered)
			put_envelope(d);
	} else if (d->accepted == 0) {
		none_accepted(d);
	} else {
		d->phase = SMTP_DATA;
		buf_put_cstr(&d->out, "DATA\r\n");
	}
}

/* ---- the message ---- */

/* Octets from i on that end no line. */
static size_t run_length(struct span message, size_t i, size_t stop)
{
	size_t n = 0;

	while (i + n < stop && message.p[i + n] != '\r' && message.p[i + n] != '\n')
		n++;
	return n;
}

/* A line or a part of one, stuffed, or a line end, which is CRLF (no smuggling by a bare CR or LF). How much it was. */
static size_t put_piece(struct smtp_dialog *d, struct span message, size_t i, size_t stop)
{
	size_t n = run_length(message, i, stop);

	if (n > 0) {
		if (message.p[i] == '.' && !d->mid_line)
			buf_put_byte(&d->out, '.');
		buf_put_span(&d->out, span_sub(message, i, n));
		d->mid_line = true;
		return n;
	}
	if (message.p[i] == '\r' && i + 1 < message.n && message.p[i + 1] == '\n')
		return 1; /* its LF writes both */
	buf_put_cstr(&d->out, "\r\n");
	d->mid_line = false;
	return 1;
}

/* Octets of the message that go before the last five: its own last line end is the first two of them. */
static size_t body_octets(struct span message)
{
	bool lf = message.n && message.p[message.n - 1] == '\n';
	bool crlf = lf && message.n > 1 && message.p[message.n - 2] == '\r';

	return message.n - lf - crlf;
}

bool smtp_dialog_fill(struct smtp_dialog *d)
{
	struct span message = d->envelope.message;
	size_t end = d->phase == SMTP_BODY ? body_octets(message) : 0, stop;

	if (d->phase != SMTP_BODY)
		return false;
	stop = end - d->body_at > CHUNK ? d->body_at + CHUNK : end;
	while (d->body_at < stop)
		d->body_at += put_piece(d, message, d->body_at, stop);
	if (d->body_at == end && d->out.n == 0)
		d->phase = SMTP_HAND_OVER;
	return d->out.n > 0;
}

enum smtp_step smtp_dialog_step(struct smtp_dialog *d)
{
	if (d->done) {
		d->done = false;
		return SMTP_STEP_DONE;
	}
	return d->phase == SMTP_HAND_OVER ? SMTP_STEP_HAND_OVER : SMTP_STEP_WAIT;
}

void smtp_dialog_hand_over(struct smtp_dialog *d)
{
	buf_put_cstr(&d->out, "\r\n.\r\n");
	d->phase = SMTP_FINAL;
}

static void take_final(struct smtp_dialog *d, const struct smtp_reply *reply)
{
	if (smtp_reply_ok(reply))
		finish(d, SMTP_TAKEN, reply->code, reply->text, SMTP_IDLE);
	else if (reply->code / 100 == 3)
		smtp_dialog_lost(d, "The mail server did not speak SMTP.");
	else
		refused(d, reply);
}

/* ---- replies ---- */

static void take_ehlo(struct smtp_dialog *d, const struct smtp_reply *reply, struct span whole)
{
	if (!smtp_reply_ok(reply)) {
		refused(d, reply);
		return;
	}
	for (size_t i = 1; i < reply->lines; i++) {
		struct span line = smtp_reply_line(whole, i);

		d->pipelining |= span_ieq(line, SPAN_LIT("PIPELINING"));
		d->eight_bit |= span_ieq(line, SPAN_LIT("8BITMIME"));
		d->smtputf8 |= span_ieq(line, SPAN_LIT("SMTPUTF8"));
		if (span_istarts(line, SPAN_LIT("SIZE ")))
			(void)span_to_u64(span_sub(line, 5, line.n), UINT64_MAX, &d->size_max);
	}
	d->phase = SMTP_IDLE;
	if (d->busy)
		begin_envelope(d);
}

static void take(struct smtp_dialog *d, const struct smtp_reply *reply, struct span whole)
{
	switch (d->phase) {
	case SMTP_EHLO:
		take_ehlo(d, reply, whole);
		break;
	case SMTP_ENVELOPE:
		take_envelope(d, reply);
		break;
	case SMTP_DATA:
		if (reply->code != 354) {
			refused(d, reply);
			break;
		}
		d->phase = SMTP_BODY;
		break;
	case SMTP_FINAL:
		take_final(d, reply);
		break;
	case SMTP_BODY: /* said before it has the message */
	case SMTP_HAND_OVER:
		refused(d, reply);
		buf_clear(&d->out);
		break;
	case SMTP_IDLE: /* "421 idle for too long" */
	case SMTP_OVER:
		d->phase = SMTP_OVER;
		break;
	}
}

void smtp_dialog_input(struct smtp_dialog *d, struct span bytes)
{
	while (d->phase != SMTP_OVER) {
		size_t n = bytes.n < IN_MAX - d->in.n ? bytes.n : IN_MAX - d->in.n;
		struct smtp_reply reply;
		enum err_code code;
		size_t used;

		buf_put_span(&d->in, span_sub(bytes, 0, n));
		bytes = span_sub(bytes, n, bytes.n);
		code = smtp_reply_next(buf_span(&d->in), &reply, &used);
		if (code == ERR_AGAIN && bytes.n == 0)
			return;
		if (code != ERR_OK) {
			smtp_dialog_lost(d, "The mail server did not speak SMTP.");
			return;
		}
		take(d, &reply, span_sub(buf_span(&d->in), 0, used));
		buf_consume(&d->in, used);
	}
}
