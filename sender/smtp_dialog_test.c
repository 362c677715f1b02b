/* SND-07, SND-08: literal SMTP dialogues, each with the server's words whole, byte by byte and at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sender/smtp_dialog.h"

#define WHOLE SIZE_MAX

/* In order: what we are to say ("> …"), what the server says ("< …"), and what is done: "!hand over", "!lost". */
struct dialogue {
	const char *name;
	const char *const *lines;
	enum smtp_outcome outcome;
	enum smtp_phase phase;
	const char *reply;
	unsigned codes[2]; /* of the two recipients */
};

static const char *const pipelined[] = {
	"> EHLO host\r\n",
	"< 250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n",
	"> MAIL FROM:<me@us.example> SIZE=22\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n",
	"< 250 ok\r\n250 ok a\r\n550 5.1.1 no b\r\n",
	"> DATA\r\n",
	"< 354 go\r\n",
	"> A: b\r\n\r\n..x\r\n...\r\ny\r\nend",
	"!hand over",
	"> \r\n.\r\n",
	"< 250 2.0.0 taken\r\n",
	NULL};
static const char *const one_by_one[] = {"> EHLO host\r\n",
					 "< 250 mx\r\n",
					 "> MAIL FROM:<me@us.example>\r\n",
					 "< 250 ok\r\n",
					 "> RCPT TO:<a@x.example>\r\n",
					 "< 450 4.2.2 full\r\n",
					 "> RCPT TO:<b@x.example>\r\n",
					 "< 251 will forward\r\n",
					 "> DATA\r\n",
					 "< 354 go\r\n",
					 "> A: b\r\n\r\n..x\r\n...\r\ny\r\nend",
					 "!hand over",
					 "> \r\n.\r\n",
					 "< 250-two\r\n250 lines\r\n",
					 NULL};
static const char *const all_refused[] = {
	"> EHLO host\r\n", "< 250-mx\r\n250 PIPELINING\r\n",
	"> MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n",
	"< 250 ok\r\n550 no a\r\n552 too many\r\n", NULL};
static const char *const all_refused_for_good[] = {
	"> EHLO host\r\n", "< 250-mx\r\n250 PIPELINING\r\n",
	"> MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\n",
	"< 250 ok\r\n550 no a\r\n551 no b\r\n", NULL};
static const char *const mail_refused[] = {"> EHLO host\r\n", "< 250 mx\r\n",
					   "> MAIL FROM:<me@us.example>\r\n", "< 421 busy\r\n",
					   NULL};
static const char *const data_refused[] = {"> EHLO host\r\n",
					   "< 250 mx\r\n",
					   "> MAIL FROM:<me@us.example>\r\n",
					   "< 250 ok\r\n",
					   "> RCPT TO:<a@x.example>\r\n",
					   "< 250 ok\r\n",
					   "> RCPT TO:<b@x.example>\r\n",
					   "< 550 no b\r\n",
					   "> DATA\r\n",
					   "< 554 no\r\n",
					   NULL};
#define UP_TO_BODY                                                                \
	"> EHLO host\r\n", "< 250-mx\r\n250 PIPELINING\r\n",                      \
		"> MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\nRCPT "   \
		"TO:<b@x.example>\r\n",                                           \
		"< 250 ok\r\n250 ok\r\n250 ok\r\n", "> DATA\r\n", "< 354 go\r\n", \
		"> A: b\r\n\r\n..x\r\n...\r\ny\r\nend"
static const char *const early_refusal[] = {UP_TO_BODY, "< 552 too large\r\n", NULL};
static const char *const early_praise[] = {UP_TO_BODY, "< 250 taken\r\n", NULL};
static const char *const lost_before[] = {UP_TO_BODY, "!lost", NULL};
static const char *const lost_after[] = {UP_TO_BODY, "!hand over", "> \r\n.\r\n", "!lost", NULL};
static const char *const garbage_after[] = {UP_TO_BODY, "!hand over", "> \r\n.\r\n", "< hello\r\n",
					    NULL};
static const char *const three_after[] = {UP_TO_BODY, "!hand over", "> \r\n.\r\n",
					  "< 354 more?\r\n", NULL};
static const char *const later_after[] = {UP_TO_BODY, "!hand over", "> \r\n.\r\n",
					  "< 451 4.3.0 again\r\n", NULL};
static const char *const never_after[] = {UP_TO_BODY, "!hand over", "> \r\n.\r\n",
					  "< 550-5.7.1 spam\r\n550 5.7.1 \xc3\xa4\r\n", NULL};
static const char *const too_large[] = {"> EHLO host\r\n", "< 250-mx\r\n250 size 21\r\n", NULL};
static const char *const no_greeting[] = {"> EHLO host\r\n", "< 554 go away\r\n", NULL};

static const struct dialogue dialogues[] = {
	{"pipelined", pipelined, SMTP_TAKEN, SMTP_IDLE, "250 2.0.0 taken", {250, 550}},
	{"one by one", one_by_one, SMTP_TAKEN, SMTP_IDLE, "250 two lines", {450, 251}},
	{"all refused", all_refused, SMTP_LATER, SMTP_OVER, "552 too many", {550, 452}},
	{"for good", all_refused_for_good, SMTP_NEVER, SMTP_OVER, "550 no a", {550, 551}},
	{"mail refused", mail_refused, SMTP_LATER, SMTP_OVER, "421 busy", {421, 421}},
	{"data refused", data_refused, SMTP_NEVER, SMTP_OVER, "554 no", {554, 550}},
	{"early refusal", early_refusal, SMTP_NEVER, SMTP_OVER, "552 too large", {552, 552}},
	{"early praise", early_praise, SMTP_LATER, SMTP_OVER, "250 taken", {250, 250}},
	{"lost before", lost_before, SMTP_LATER, SMTP_OVER, "gone", {0, 0}},
	{"lost after", lost_after, SMTP_AMBIGUOUS, SMTP_OVER, "gone", {0, 0}},
	{"garbage after",
	 garbage_after,
	 SMTP_AMBIGUOUS,
	 SMTP_OVER,
	 "The mail server did not speak SMTP.",
	 {0, 0}},
	{"3xx after",
	 three_after,
	 SMTP_AMBIGUOUS,
	 SMTP_OVER,
	 "The mail server did not speak SMTP.",
	 {0, 0}},
	{"later after", later_after, SMTP_LATER, SMTP_OVER, "451 4.3.0 again", {451, 451}},
	{"never after", never_after, SMTP_NEVER, SMTP_OVER, "550 5.7.1 spam 5.7.1 ??", {550, 550}},
	{"too large",
	 too_large,
	 SMTP_NEVER,
	 SMTP_IDLE,
	 "The encoded message has 22 octets; the mail server takes at most 21.",
	 {0, 0}},
	{"no greeting", no_greeting, SMTP_NEVER, SMTP_OVER, "554 go away", {554, 554}},
};

struct played {
	struct smtp_dialog d;
	struct smtp_recipient recipients[2];
	bool done;
};

static void look(struct played *p, bool *asked_out)
{
	enum smtp_step step = smtp_dialog_step(&p->d);

	if (step == SMTP_STEP_DONE) {
		assert_false(p->done);
		p->done = true;
	}
	*asked_out = step == SMTP_STEP_HAND_OVER;
}

static void hear(struct played *p, struct span words, size_t split)
{
	bool asked;

	for (size_t at = 0, n; at < words.n; at += n) {
		n = split == 1 ? 1 : at == 0 && split < words.n ? split : words.n - at;
		smtp_dialog_input(&p->d, span_sub(words, at, n));
		look(p, &asked);
	}
}

static void expect(struct played *p, struct span words)
{
	struct buf said;

	buf_init(&said, 4096);
	while (p->d.out.n || smtp_dialog_fill(&p->d)) {
		buf_put_span(&said, buf_span(&p->d.out));
		buf_clear(&p->d.out);
	}
	assert_int_equal(said.n, words.n);
	assert_memory_equal(said.p, words.p, words.n);
	buf_fini(&said);
}

static void play(const struct dialogue *dialogue, size_t split)
{
	struct played p = {.recipients = {{.email = SPAN_LIT("a@x.example")},
					  {.email = SPAN_LIT("b@x.example")}}};
	struct smtp_envelope envelope = {.from = SPAN_LIT("me@us.example"),
					 .recipients = p.recipients,
					 .recipient_count = 2,
					 .message = SPAN_LIT("A: b\r\n\r\n.x\n..\ry\r\nend\r\n")};
	bool asked;

	smtp_dialog_init(&p.d, "host");
	smtp_dialog_begin(&p.d, &envelope);
	for (const char *const *line = dialogue->lines; *line; line++) {
		struct span words = span_cstr(*line + 2);

		look(&p, &asked);
		if (**line == '>')
			expect(&p, words);
		else if (**line == '<')
			hear(&p, words, split);
		else if (strcmp(*line, "!lost") == 0)
			smtp_dialog_lost(&p.d, "gone");
		else {
			assert_true(asked);
			smtp_dialog_hand_over(&p.d);
		}
	}
	look(&p, &asked);
	assert_true(p.done);
	assert_int_equal(p.d.result.outcome, dialogue->outcome);
	assert_int_equal(p.d.phase, dialogue->phase);
	assert_string_equal(p.d.result.reply, dialogue->reply);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(p.recipients[i].code, dialogue->codes[i]);
	smtp_dialog_fini(&p.d);
}

static void every_dialogue_at_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dialogues) / sizeof(*dialogues); i++) {
		print_message("%s\n", dialogues[i].name);
		play(&dialogues[i], WHOLE);
		for (size_t split = 1; split < 60; split++)
			play(&dialogues[i], split);
	}
}

static void nothing_goes_out_before_the_hand_over(void **state)
{
	struct smtp_recipient recipient = {.email = SPAN_LIT("a@x.example")};
	struct smtp_envelope envelope = {.from = SPAN_LIT("me@us.example"),
					 .recipients = &recipient,
					 .recipient_count = 1,
					 .message = SPAN_LIT("A: b\r\n\r\nx\r\n")};
	struct smtp_dialog d;

	(void)state;
	smtp_dialog_init(&d, "host");
	smtp_dialog_begin(&d, &envelope);
	smtp_dialog_input(&d, SPAN_LIT("250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n"));
	do
		buf_clear(&d.out);
	while (smtp_dialog_fill(&d));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(smtp_dialog_step(&d), SMTP_STEP_HAND_OVER);
		assert_false(smtp_dialog_fill(&d));
		assert_int_equal(d.out.n, 0);
	}
	smtp_dialog_fini(&d);
}

/* Whatever ends a message early or is no CRLF: at any place but the last one. */
static bool is_smuggled(struct span out)
{
	for (size_t i = 0; i < out.n; i++) {
		bool lf = out.p[i] == '\n', after_cr = i > 0 && out.p[i - 1] == '\r';

		if (lf != after_cr)
			return true;
		if (i >= 4 && i + 1 < out.n && memcmp(out.p + i - 4, "\r\n.\r\n", 5) == 0)
			return true;
	}
	return out.n < 5 || memcmp(out.p + out.n - 5, "\r\n.\r\n", 5) != 0;
}

/* F85: every message of up to eight octets of these four. */
static void nothing_is_smuggled(void **state)
{
	struct smtp_recipient recipient = {.email = SPAN_LIT("a@x.example")};
	struct smtp_envelope envelope = {
		.from = SPAN_LIT("me@us.example"), .recipients = &recipient, .recipient_count = 1};
	struct smtp_dialog d;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (unsigned n = 0; n <= 8; n++)
		for (unsigned which = 0; which < 1u << (2 * n); which++) {
			uint8_t message[8];

			for (unsigned i = 0; i < n; i++)
				message[i] = (uint8_t) ".\r\na"[which >> (2 * i) & 3];
			envelope.message = span_make(message, n);
			smtp_dialog_init(&d, "host");
			smtp_dialog_begin(&d, &envelope);
			smtp_dialog_input(&d, SPAN_LIT("250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n"));
			buf_clear(&d.out);
			buf_clear(&out);
			buf_put_cstr(&out, "\r\n"); /* of the header before it */
			while (smtp_dialog_fill(&d)) {
				buf_put_span(&out, buf_span(&d.out));
				buf_clear(&d.out);
			}
			smtp_dialog_hand_over(&d);
			buf_put_span(&out, buf_span(&d.out));
			assert_false(is_smuggled(buf_span(&out)));
			smtp_dialog_fini(&d);
		}
	buf_fini(&out);
}

static void a_large_message_goes_in_pieces(void **state)
{
	size_t n = 1 << 20, sent = 0;
	uint8_t *message = malloc(n);
	struct smtp_recipient recipient = {.email = SPAN_LIT("a@x.example")};
	struct smtp_envelope envelope = {.from = SPAN_LIT("me@us.example"),
					 .recipients = &recipient,
					 .recipient_count = 1,
					 .message = {message, n}};
	struct smtp_dialog d;

	(void)state;
	assert_non_null(message);
	for (size_t i = 0; i < n; i++)
		message[i] = (uint8_t) ".\r\n"[i % 3];
	smtp_dialog_init(&d, "host");
	smtp_dialog_begin(&d, &envelope);
	smtp_dialog_input(&d, SPAN_LIT("250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n"));
	buf_clear(&d.out);
	while (smtp_dialog_fill(&d)) {
		assert_true(d.out.n <= 4 * 65536);
		sent += d.out.n;
		buf_clear(&d.out);
	}
	assert_int_equal(smtp_dialog_step(&d), SMTP_STEP_HAND_OVER);
	/* every dot begins a line: doubled; the last octets of the message are ".\r\n." without a line end */
	assert_int_equal(sent, n + (n + 2) / 3);
	smtp_dialog_fini(&d);
	free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialogue_at_every_split),
		cmocka_unit_test(nothing_goes_out_before_the_hand_over),
		cmocka_unit_test(nothing_is_smuggled),
		cmocka_unit_test(a_large_message_goes_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
