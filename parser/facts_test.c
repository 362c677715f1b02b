/*
 * Proves what the rest of the system is told of a message: the card stays within 600 bytes (docs/data-model.md), two
 * copies of a message without Message-ID have one hash (THR-05), mail of machines is known as such, frames survive the
 * parent's check and nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/wire/pack.h"
#include "parser/bounce.h"
#include "parser/card.h"
#include "parser/content_hash.h"
#include "parser/facts_wire.h"
#include "parser/json.h"
#include "parser/mail_kind.h"
#include "parser/utf8.h"

struct fixture {
	struct arena *arena;
	struct decode d;
	struct mime_message m;
	struct facts f;
};

static void read_message(struct fixture *x, const char *raw)
{
	x->arena = arena_new(0);
	decode_init(&x->d, NULL, x->arena);
	mime_parse(&x->d, span_cstr(raw), &x->m);
	facts_read(&x->d, &x->m, &x->f);
}

static void done(struct fixture *x)
{
	decode_fini(&x->d);
	arena_free(&x->arena);
}

/* The card is a map of as many pairs as it says and at most 600 bytes. */
static void assert_card(struct fixture *x, bool cut)
{
	struct buf card;
	buf_init(&card, 64u << 10);
	card_pack(&x->f, &x->m, SPAN_LIT(""), &card);
	assert_true(card.n <= CARD_BYTES_MAX);
	struct pack_reader r = pack_reader_make(buf_span(&card));
	size_t pairs = pack_read_map(&r);
	for (size_t i = 0; i < pairs; i++) {
		assert_int_equal(pack_read_bytes(&r).n, 1);
		pack_skip(&r);
	}
	assert_true(pack_done(&r));
	assert_int_equal((x->f.traits & FACTS_CARD_CUT) != 0, cut);
	buf_fini(&card);
}

static void cards_fit(void **state)
{
	(void)state;
	struct fixture x;
	struct buf raw;
	read_message(&x, "From: A <a@b.example>\r\nTo: B <b@b.example>\r\nSubject: "
			 "S\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n");
	assert_card(&x, false);
	done(&x);
	buf_init(&raw, 1 << 20);
	buf_put_cstr(&raw, "Subject: ");
	for (int i = 0; i < 500; i++)
		buf_put_cstr(&raw, "\xd0\x96");
	buf_put_cstr(&raw, "\r\nFrom: ");
	for (int i = 0; i < 200; i++)
		buf_printf(&raw,
			   "\"Somebody With A Long Name %d\" "
			   "<somebody.%d@with.a.long.domain.example>, ",
			   i, i);
	buf_put_cstr(&raw, "\r\nTo: ");
	for (int i = 0; i < 300; i++)
		buf_put_cstr(&raw, "x");
	buf_put_cstr(&raw, "@b.example\r\nMessage-ID: <");
	for (int i = 0; i < 900; i++)
		buf_put_cstr(&raw, "m");
	buf_put_cstr(&raw, ">\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		buf_put_cstr(&raw, "\xe4\xb8\xad");
	read_message(&x, buf_cstr(&raw));
	assert_card(&x, true);
	done(&x);
	buf_fini(&raw);
}

static void hash_of(const char *raw, uint8_t out[32])
{
	struct fixture x;
	read_message(&x, raw);
	content_hash(&x.m, out);
	done(&x);
}

static void copies_have_one_hash(void **state)
{
	(void)state;
	uint8_t a[32], b[32];
	hash_of("From: a@b.example\r\nDate: 1 Jan 2020 00:00:00 +0000\r\nSubject: x\r\n "
		"y\r\n\r\nHi\r\nyou\r\n",
		a);
	hash_of("Received: by x\nFrom: a@b.example\nDate: 1 Jan 2020 00:00:00 +0000\nSubject: x\n "
		"y\n\nHi\nyou\n\n",
		b);
	assert_memory_equal(a, b, 32);
	hash_of("From: a@b.example\r\nDate: 1 Jan 2020 00:00:00 +0000\r\nSubject: x\r\n "
		"y\r\n\r\nHi\r\nyou!\r\n",
		b);
	assert_memory_not_equal(a, b, 32);
	hash_of("From: c@b.example\r\nDate: 1 Jan 2020 00:00:00 +0000\r\nSubject: x\r\n "
		"y\r\n\r\nHi\r\nyou\r\n",
		b);
	assert_memory_not_equal(a, b, 32);
}

struct row {
	const char *raw;
	enum mail_class class;
	unsigned traits;
};

#define REPORT                                                                                     \
	"From: MAILER-DAEMON@x.example\r\nTo: a@b.example\r\nContent-Type: multipart/report; "     \
	"boundary=b\r\n\r\n--b\r\n\r\nSorry\r\n"                                                   \
	"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "                 \
	"x\r\n\r\nFinal-Recipient: rfc822; "                                                       \
	"<no@one.example>\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 5.1.1 " \
	"unknown\r\n\r\n"                                                                          \
	"Final-Recipient: rfc822; ok@one.example\r\nAction: delivered\r\nStatus: "                 \
	"2.0.0\r\n--b--\r\n"

static void machines_are_known(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"From: a@b.example\r\nSubject: Hi\r\n\r\nx", MAIL_NORMAL, 0},
		{"Auto-Submitted: auto-replied\r\n\r\nx", MAIL_AUTO_REPLY, FACTS_AUTO_REPLY},
		{"Auto-Submitted: no\r\n\r\nx", MAIL_NORMAL, 0},
		{"Subject: Out of Office: x\r\n\r\nx", MAIL_AUTO_REPLY, FACTS_AUTO_REPLY},
		{REPORT, MAIL_BOUNCE, FACTS_BOUNCE},
		{"Return-Path: <>\r\nFrom: Mail Delivery System <x@y.example>\r\n\r\nx",
		 MAIL_BOUNCE, FACTS_BOUNCE},
		{"List-Id: <l.example>\r\n\r\nx", MAIL_NORMAL, FACTS_LIST},
		{"Precedence: bulk\r\n\r\nx", MAIL_NORMAL, FACTS_LIST},
		{"Content-Type: text/calendar\r\n\r\nx", MAIL_NORMAL, FACTS_CALENDAR},
		{"Content-Type: application/pdf\r\n\r\nx", MAIL_NORMAL, FACTS_ATTACHMENT},
		{"Content-Type: application/pgp-signature\r\n\r\nx", MAIL_NORMAL, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture x;
		read_message(&x, rows[i].raw);
		assert_int_equal(mail_class_find(&x.m, &x.f), rows[i].class);
		assert_int_equal(x.f.traits, rows[i].traits);
		done(&x);
	}
}

struct kind_row {
	const char *raw, *kinds; /* "kind field" of each */
};

#define PART(type)                                                                    \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: " type \
	"\r\n\r\nx\r\n--b--\r\n"

static const struct kind_row KINDS[] = {
	{"From: a@b.example\r\nSubject: Hi\r\n\r\nx", ""},
	{REPORT, "bounce Content-Type 2;"},
	{"Return-Path: <>\r\nSubject: Undeliverable: x\r\n\r\nx", "bounce Return-Path 1;"},
	{"From: postmaster@x.example\r\nSubject: failure notice\r\n\r\nx", "bounce Subject 1;"},
	{PART("message/feedback-report"), "complaint Content-Type 1;"},
	{"Auto-Submitted: auto-replied (vacation)\r\n\r\nx", "auto-reply Auto-Submitted 1;"},
	{"X-Autoreply: yes\r\n\r\nx", "auto-reply X-Autoreply 1;"},
	{"Subject: Abwesenheitsnotiz\r\n\r\nx", "auto-reply Subject 1;"},
	{"List-Id: <l.example>\r\nList-Unsubscribe: <mailto:x@y>\r\n\r\nx", "list List-Id 1;"},
	{"List-Unsubscribe: <mailto:x@y>\r\n\r\nx",
	 "list List-Unsubscribe 1;bulk List-Unsubscribe 1;"},
	{"Precedence: bulk\r\n\r\nx", "list Precedence 1;bulk Precedence 1;"},
	{"Feedback-ID: 1:2:3\r\n\r\nx", "bulk Feedback-ID 1;"},
	{"Content-Type: text/calendar; method=REQUEST\r\n\r\nx", "invitation Content-Type 1;"},
	{PART("text/calendar"), "invitation Content-Type 1;"},
	{"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--",
	 "signed Content-Type -;"},
	{"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--",
	 "encrypted Content-Type -;"},
	{"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nx",
	 "signed Content-Type 1;"},
	{"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx",
	 "encrypted Content-Type 1;"},
	{"Content-Type: application/x-pkcs7-mime\r\n\r\nx", "encrypted Content-Type 1;"},
	{"Content-Type: application/pkcs7-mime; smime-type=certs-only\r\n\r\nx", ""},
	{"\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nx", "encrypted text 1;"},
	{"\r\nHi\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nx", "signed text 1;"},
	{"\r\nHe wrote -----BEGIN PGP MESSAGE-----\r\n", ""},
	{"From: \"boss@bank.example\" <a@b.example>\r\n\r\nx", "look-alike From 1;"},
};

/* What a message is, each with what says so. */
static void kinds_have_their_evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		struct mail_evidence kinds[MAIL_KINDS];
		struct fixture x;
		struct buf out;
		buf_init(&out, 4096);
		read_message(&x, KINDS[i].raw);
		mail_kind_find(&x.d, &x.m, &x.f, kinds);
		for (int k = 0; k < MAIL_KINDS; k++) {
			char id[MIME_PART_ID_BYTES] = "-";
			if (!kinds[k].field.p)
				continue;
			assert_true(kinds[k].value.n > 0);
			if (!mime_part_id(&x.m, kinds[k].part, id))
				memcpy(id, "-", 2);
			buf_printf(&out, "%s %.*s %s;", mail_kind_name((enum mail_kind)k),
				   (int)kinds[k].field.n, (const char *)kinds[k].field.p, id);
		}
		assert_string_equal(buf_cstr(&out), KINDS[i].kinds);
		buf_fini(&out);
		done(&x);
	}
}

/* SND-13: what came back, and of which message, goes on the bus. */
static void reports_name_what_came_back(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
		{REPORT, "5.1.1 no@one.example", ""},
		{"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered\r\nContent-Type: "
		 "multipart/report; "
		 "boundary=b\r\n\r\n--b\r\nContent-Type: "
		 "message/delivery-status\r\n\r\nReporting-MTA: dns; "
		 "x\r\n\r\nFinal-Recipient: rfc822; no@one.example\r\nAction: failed\r\nStatus: "
		 "5.2.1\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nTo: x\r\nMessage-Id: "
		 "<a.mw@b.example>\r\n\r\n--b--\r\n",
		 "5.2.1 no@one.example", "a.mw@b.example"},
		{"From: MAILER-DAEMON@x.example\r\nTo: me@b.example\r\nSubject: failure "
		 "notice\r\n\r\n<no@one.example>:\r\n550 5.1.1 no\r\n\r\n--- Below this line is a "
		 "copy of the message.\r\n\r\nReceived: x\r\nMessage-ID: <b.mw@b.example>\r\n",
		 "5.1.1 no@one.example", "b.mw@b.example"},
		{"From: fbl@x.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
		 "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
		 "Original-Rcpt-To: <angry@one.example>\r\n--b\r\nContent-Type: "
		 "message/rfc822\r\n\r\nMessage-ID: <c.mw@b.example>\r\n\r\nHi\r\n--b--\r\n",
		 "complaint angry@one.example", "c.mw@b.example"},
		/* F69: a server on the way gave it another Message-ID */
		{"From: fbl@x.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
		 "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
		 "Original-Rcpt-To: <angry@one.example>\r\n--b\r\nContent-Type: "
		 "message/rfc822\r\n\r\nMessage-ID: <0102@relay.example>\r\nX-Sent-Message-ID:\r\n "
		 "<c.mw@b.example>\r\n\r\nHi\r\n--b--\r\n",
		 "complaint angry@one.example", "c.mw@b.example"},
		{"From: MAILER-DAEMON@x.example\r\nTo: me@b.example\r\nSubject: failure "
		 "notice\r\n\r\n<no@one.example>:\r\n550 5.1.1 no\r\n\r\n--- Below this line is a "
		 "copy of the message.\r\n\r\nMessage-ID: "
		 "<0102@relay.example>\r\nX-Sent-Message-ID: "
		 "<b.mw@b.example>\r\n",
		 "5.1.1 no@one.example", "b.mw@b.example"},
		{"From: a@b.example\r\nSubject: Hi\r\n\r\n<no@one.example>: 550 5.1.1\r\n"
		 "Message-ID: <d@e>\r\n",
		 NULL, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_facts w;
		struct fixture x;
		struct buf card, frame;
		struct err e;
		buf_init(&card, 4096);
		buf_init(&frame, WIRE_FRAME_MAX);
		read_message(&x, rows[i][0]);
		facts_wire_encode(&x.d, &x.m, &x.f, 3, &card, &frame);
		assert_int_equal(wire_decode_facts(buf_span(&frame), x.arena, &w, &e), ERR_OK);
		assert_int_equal(w.bounces.count, rows[i][1] ? 1 : 0);
		if (rows[i][1])
			assert_true(span_eq(w.bounces.items[0], span_cstr(rows[i][1])));
		assert_true(span_eq(w.bounced_id, span_cstr(rows[i][2])));
		buf_fini(&card);
		buf_fini(&frame);
		done(&x);
	}
}

static void reports_name_who_failed(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{REPORT, "{\"bounces\":[{\"recipient\":\"no@one.example\",\"status\":\"5.1.1\"}]}"},
		{"From: MAILER-DAEMON@x.example\r\nTo: me@b.example\r\n\r\nHi "
		 "me@b.example,\r\n\r\n<no@one.example>:\r\n"
		 "552 5.2.2 full\r\n\r\nReceived: from x\r\nTo: other@one.example\r\n",
		 "{\"bounces\":[{\"recipient\":\"no@one.example\",\"status\":\"5.2.2\"}]}"},
		/* a boundary that never comes */
		{"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered\r\nContent-Type: "
		 "multipart/report; boundary=other\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
		 "Sorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: "
		 "x\r\n\r\n"
		 "Final-Recipient: rfc822; no@one.example\r\nAction: failed\r\nStatus: "
		 "5.1.1\r\n--b--",
		 "{\"bounces\":[{\"recipient\":\"no@one.example\",\"status\":\"5.1.1\"}]}"},
		/* nobody is named but in the message that came back */
		{"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; "
		 "boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: "
		 "message/delivery-status\r\n\r\nReporting-MTA: x\r\n\r\n--b\r\nContent-Type: "
		 "message/rfc822\r\n\r\nTo: no@one.example\r\n\r\nHi\r\n--b--",
		 "{\"bounces\":[{\"recipient\":\"no@one.example\",\"status\":\"5.0.0\"}]}"},
		/* a report within a report */
		{"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/mixed; "
		 "boundary=c\r\n\r\n--c\r\n\r\nSorry.\r\n--c\r\nContent-Type: "
		 "message/rfc822\r\n\r\n" REPORT "--c--",
		 "{\"bounces\":[{\"recipient\":\"no@one.example\",\"status\":\"5.1.1\"}]}"},
		{"From: MAILER-DAEMON@x.example\r\nContent-Type: message/delivery-status\r\n\r\nx: "
		 "y\r\n\r\nOriginal-Recipient: rfc822; no@one.example\r\nFinal-Recipient: rfc822; "
		 "no\r\nAction: failed\r\nStatus: 5.1.1\r\n",
		 "{\"bounces\":[{\"recipient\":\"no@one.example\",\"status\":\"5.1.1\"}]}"},
		{"X-Failed-Recipients: a@b.example\r\n\r\nx",
		 "{\"bounces\":[{\"recipient\":\"a@b.example\",\"status\":\"5.0.0\"}]}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture x;
		struct buf out;
		buf_init(&out, 1 << 16);
		struct json j = json_make(&out);
		read_message(&x, rows[i][0]);
		json_open(&j, '{');
		bounce_json(&j, &x.d, &x.m);
		json_close(&j, '}');
		assert_string_equal(buf_cstr(&out), rows[i][1]);
		buf_fini(&out);
		done(&x);
	}
}

static void previews_are_words(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"\r\n  Hi\r\n\r\n\tyou  \r\n", "Hi you"},
		{"Content-Type: text/html\r\n\r\n<style>p{}</style><p>Hi&nbsp;<b>you</b> &amp; "
		 "me</p>",
		 "Hi you & me"},
		{"Content-Type: text/html\r\n\r\nA\xc2\xad\xe2\x80\x8b B", "A B"},
		{"Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n", "Hello"},
		{"Content-Type: application/pdf\r\n\r\nx", ""},
		{"\r\nSee it\r\nbegin 644 a.txt\r\n#0V%T\r\nend\r\nand tell me\r\n",
		 "See it and tell me"},
		{"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n> un \r\n> broken\r\n",
		 "> unbroken"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture x;
		read_message(&x, rows[i][0]);
		assert_string_equal(arena_cstr(x.arena, x.f.preview), rows[i][1]);
		done(&x);
	}
}

static struct wire_raw raw_head(void)
{
	return (struct wire_raw){.company = SPAN_LIT("c"),
				 .account = SPAN_LIT("a"),
				 .generation = 7,
				 .id = SPAN_LIT("0123456789"),
				 .lane = 1,
				 .origin = SPAN_LIT("fetcher-1"),
				 .owner = SPAN_LIT("u"),
				 .received_ms = 5,
				 .size = 9,
				 .blob = SPAN_LIT("blob")};
}

static void the_head_is_the_parents(void **state)
{
	(void)state;
	struct fixture x;
	struct buf card, frame, out;
	struct wire_facts w;
	struct err e = {0};
	struct wire_raw raw = raw_head();
	buf_init(&card, 1 << 16);
	buf_init(&frame, 1 << 20);
	buf_init(&out, 1 << 20);
	read_message(&x, "Subject: Hi\r\nMessage-ID: <1@x>\r\n\r\nx");
	facts_wire_encode(&x.d, &x.m, &x.f, 3, &card, &frame);
	assert_int_equal(facts_wire_finish(buf_span(&frame), &raw, x.arena, &out, &e), ERR_OK);
	assert_int_equal(wire_decode_facts(buf_span(&out), x.arena, &w, &e), ERR_OK);
	assert_true(span_eq(w.origin, SPAN_LIT("fetcher-1")));
	assert_int_equal(w.generation, 7);
	assert_true(span_eq(w.subject, SPAN_LIT("Hi")));
	for (size_t n = 0; n < frame.n; n++) {
		buf_clear(&out);
		assert_int_equal(facts_wire_finish(span_make(frame.p, n), &raw, x.arena, &out, &e),
				 ERR_PEER);
		assert_int_equal(out.n, 0);
	}
	buf_fini(&card);
	buf_fini(&frame);
	buf_fini(&out);
	done(&x);
}

static void json_is_strict(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4096);
	struct json j = json_make(&out);
	json_open(&j, '[');
	json_str(&j, SPAN_LIT("a\"\\\n\x01\x7f\xff\xc3\xa9\0"));
	json_u64(&j, UINT64_MAX);
	json_bool(&j, false);
	json_null(&j);
	json_close(&j, ']');
	assert_string_equal(buf_cstr(&out),
			    "[\"a\\\"\\\\\\n\\u0001\\u007f\xef\xbf\xbd\xc3\xa9\\u0000\","
			    "18446744073709551615,false,null]");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cards_fit),
		cmocka_unit_test(copies_have_one_hash),
		cmocka_unit_test(machines_are_known),
		cmocka_unit_test(kinds_have_their_evidence),
		cmocka_unit_test(reports_name_who_failed),
		cmocka_unit_test(reports_name_what_came_back),
		cmocka_unit_test(previews_are_words),
		cmocka_unit_test(the_head_is_the_parents),
		cmocka_unit_test(json_is_strict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
