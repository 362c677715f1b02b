/*
 * smtp_leg PORT CONNECTIONS MESSAGES OCTETS: the sender's SMTP alone, with a journal in memory: MESSAGES messages over
 * CONNECTIONS connections without TLS to 127.0.0.1. Prints the seconds it took.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "sender/smtp_conn.h"

struct leg;

struct lane {
	struct leg *leg;
	struct smtp_conn *conn;
	struct smtp_recipient recipient;
	struct smtp_envelope envelope;
	uint64_t handed_over; /* the journal */
};

struct leg {
	uv_loop_t loop;
	struct mailconn_loop net;
	struct lane *lanes;
	uint64_t lane_count, begun, done, messages;
};

static void hand_over(void *ctx)
{
	struct lane *lane = ctx;

	lane->handed_over++;
	smtp_conn_hand_over(lane->conn, true);
}

static void logged_in(void *ctx)
{
	(void)ctx;
}

static void done(void *ctx, const struct smtp_result *result, const struct err *login);

static void send_next(struct lane *lane)
{
	const struct smtp_conn_handlers handlers = {lane, hand_over, logged_in, done};

	if (lane->leg->begun == lane->leg->messages)
		return;
	lane->leg->begun++;
	smtp_conn_send(lane->conn, &lane->envelope, &handlers);
}

static void done(void *ctx, const struct smtp_result *result, const struct err *login)
{
	struct lane *lane = ctx;

	if (login || result->outcome != SMTP_TAKEN) {
		fprintf(stderr, "smtp_leg: %s\n", login ? login->text : result->reply);
		exit(1);
	}
	if (++lane->leg->done == lane->leg->messages)
		uv_stop(&lane->leg->loop);
	else
		send_next(lane);
}

static void lanes_open(struct leg *leg, const struct mailconn_target *target, struct span message)
{
	const struct smtp_limits limits = {60000, 60000};

	for (uint64_t i = 0; i < leg->lane_count; i++) {
		struct lane *lane = &leg->lanes[i];

		lane->leg = leg;
		lane->recipient.email = SPAN_LIT("to@bench.example");
		lane->envelope = (struct smtp_envelope){.from = SPAN_LIT("from@bench.example"),
							.recipients = &lane->recipient,
							.recipient_count = 1,
							.message = message};
		lane->conn = smtp_conn_open(&leg->net, target, &limits);
		send_next(lane);
	}
}

static struct span message_make(uint64_t octets)
{
	static const char line[] =
		"All work and no play makes the benchmark a dull thing indeed.\r\n";
	uint8_t *p = malloc(octets + sizeof(line));
	size_t n = 0;

	if (!p)
		abort();
	memcpy(p, "Subject: x\r\n\r\n", 14);
	for (n = 14; n < octets; n += sizeof(line) - 1)
		memcpy(p + n, line, sizeof(line) - 1);
	return span_make(p, n);
}

int main(int argc, char **argv)
{
	struct mailconn_target target = {.protocol = MAILCONN_SMTP,
					 .security = MAILCONN_NONE,
					 .host = "127.0.0.1",
					 .ehlo = "bench.example",
					 .connect_ms = 10000};
	uint64_t v[4] = {0};
	struct leg leg = {.lane_count = 0};
	struct span message;
	int64_t start;
	struct err e;

	for (int i = 0; i < 4; i++)
		if (argc != 5 || !span_to_u64(span_cstr(argv[i + 1]), UINT32_MAX, &v[i]))
			return 2;
	target.port = (uint16_t)v[0];
	leg.lane_count = v[1];
	leg.messages = v[2];
	message = message_make(v[3]);
	leg.lanes = calloc(leg.lane_count + 1, sizeof(*leg.lanes));
	if (!leg.lanes || uv_loop_init(&leg.loop) != 0 ||
	    mailconn_loop_init(&leg.net, &leg.loop, &e) != ERR_OK)
		return 1;
	start = clock_mono_us();
	lanes_open(&leg, &target, message);
	uv_run(&leg.loop, UV_RUN_DEFAULT);
	printf("%.6f\n", (double)(clock_mono_us() - start) / 1e6);
	free(leg.lanes);
	free((void *)(uintptr_t)message.p);
	return 0;
}
