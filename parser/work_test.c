/*
 * Proves that reading a message costs time linear in its size, whatever an attacker puts in it: the work is counted (basic
 * blocks and bytes searched), so the answer does not depend on the machine. Four times the input may cost at most five
 * times the work, and up to BLOCKS_PER_BYTE of work are not asked about. (gcc alone: -fsanitize-coverage=trace-pc.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "parser/embedded.h"
#include "parser/facts.h"
#include "parser/html_text.h"
#include "parser/quote.h"
#include "parser/shown_text.h"

void work_add(size_t n);
void __sanitizer_cov_trace_pc(void);

#define BLOCKS_PER_BYTE 40

static uint64_t work;

void work_add(size_t n)
{
	work += n;
}

void __sanitizer_cov_trace_pc(void)
{
	work++;
}

/* A message of a head, a piece many times over, and a tail. Pieces may hold '%': its count in decimal. */
struct hostile {
	const char *head, *piece, *tail;
};

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define FLOWED "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n"
#define HTML "Content-Type: text/html\r\n\r\n"

static const struct hostile ROWS[] = {
	{"", "X: y\r\n", "\r\nx"},
	{"X: y\r\n", " z\r\n", "\r\nx"},
	{"X: y\r\n", " \r\n", "\r\nx"},
	{"", "no colon here\r\n", "\r\nx"},
	{"", "\r\n", "x"},
	{"", "\r", "x"},
	{"", "From: a@b.example\r\n", "\r\nx"},
	{"To: ", "a@b.example, ", "\r\n\r\nx"},
	{"To: ", ",", "\r\n\r\nx"},
	{"To: ", "<", "\r\n\r\nx"},
	{"To: ", "<,", "\r\n\r\nx"},
	{"To: <", ",", "\r\n\r\nx"},
	{"To: ", "\"", "\r\n\r\nx"},
	{"To: ", " \"a", "\r\n\r\nx"},
	{"To: ", "(", "\r\n\r\nx"},
	{"To: ", "()", "\r\n\r\nx"},
	{"To: ", "(a", "\r\n\r\nx"},
	{"To: ", "a:", "\r\n\r\nx"},
	{"To: ", "g: a@b.example;", "\r\n\r\nx"},
	{"To: ", "=?utf-8?Q?a", "\r\n\r\nx"},
	{"To: ", "\\", "\r\n\r\nx"},
	{"To: ", "a@b.example <", "\r\n\r\nx"},
	{"Subject: ", "=?", "\r\n\r\nx"},
	{"Subject: ", "=?a?q?", "\r\n\r\nx"},
	{"Subject: ", "=?a?q?x ", "?=\r\n\r\nx"},
	{"Subject: ", "=?utf-8?q?x?= ", "\r\n\r\nx"},
	{"Subject: ", "=?utf-8?b?w6k=?=", "\r\n\r\nx"},
	{"Subject: ", "=?x%?q?x?= ", "\r\n\r\nx"},
	{"Subject: ", "\xc3\xa9", "\r\n\r\nx"},
	{"Subject: ", "\xe9", "\r\n\r\nx"},
	{"References: ", "<a@b>", "\r\n\r\nx"},
	{"References: ", "<", "\r\n\r\nx"},
	{"References: ", "a@b ", "\r\n\r\nx"},
	{"Date: ", "(", "\r\n\r\nx"},
	{"Date: ", "1 ", "\r\n\r\nx"},
	{"Content-Type: text/plain; ", "a=b; ", "\r\n\r\nx"},
	{"Content-Type: text/plain; ", ";", "\r\n\r\nx"},
	{"Content-Type: text/plain; ", "=", "\r\n\r\nx"},
	{"Content-Type: text/plain; name=", "a ", "\r\n\r\nx"},
	{"Content-Type: text/plain; name=\"", "\\", "\r\n\r\nx"},
	{"Content-Type: text/plain; ", "name*%=a; ", "\r\n\r\nx"},
	{"Content-Type: text/plain; name*=utf-8''", "%41", "\r\n\r\nx"},
	{"Content-Type: text/plain; name=", "(", "\r\n\r\nx"},
	{MIXED, "--b\r\n", ""},
	{MIXED, "--b\r\n\r\nx\r\n", ""},
	{MIXED, "--b--\r\n", ""},
	{MIXED, "--\r\n", ""},
	{MIXED, "--bb\r\n", ""},
	{MIXED, "\r\n--", ""},
	{MIXED "--b\r\n\r\n", "-- \r\n", ""},
	{MIXED, "--b\r\nContent-Type: multipart/mixed; boundary=b%\r\n\r\n--b%\r\n", ""},
	{MIXED "--b\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", ""},
	{MIXED "--b\r\n", "Content-Type: multipart/mixed; boundary=c%\r\n\r\n--c%\r\n", ""},
	{MIXED "--b\r\n", "Content-Type: message/rfc822\r\n\r\n--b\r\n", ""},
	{"Content-Transfer-Encoding: base64\r\n\r\n", "=", ""},
	{"Content-Transfer-Encoding: base64\r\n\r\n", "!", ""},
	{"Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=", ""},
	{"Content-Transfer-Encoding: quoted-printable\r\n\r\n", "= ", ""},
	{"Content-Transfer-Encoding: x-uuencode\r\n\r\n", "begin 644 a\r\n", ""},
	{"\r\n", "begin 644 a\r\n", ""},
	{"\r\n", "begin 644 a\r\n#0V%T\r\n", ""},
	{"\r\nbegin 644 a\r\n", "#0V%T\r\n", "end\r\n"},
	{FLOWED, "a \r\n", ""},
	{FLOWED, ">", ""},
	{FLOWED, "> \r\n", ""},
	{HTML "\xff", "<meta charset", ""},
	{HTML "\xff", "<meta ", ""},
	{HTML, "\x1b", ""},
	{"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22zz", "\2\2\x90\6\1\1zzzz", ""},
	{HTML, "<", ""},
	{HTML, "<a b='", ""},
	{HTML, "<!--", ""},
	{HTML, "<script>", ""},
	{HTML, "<script></scrip", ""},
	{HTML, "<title></title>", ""},
	{HTML, "&", ""},
	{HTML, "&#1", ""},
	{HTML, "\xc2\xad", ""},
	{HTML, "  ", ""},
	{"\r\n", "On 1 Jan, x\r\n", ""},
	{"\r\n", "From: a\r\n", ""},
	{"\r\n", "> a\r\n", ""},
	{"\r\n", "> a\r\nb\r\n", ""},
};

static void build(const struct hostile *row, size_t bytes, struct buf *out)
{
	buf_clear(out);
	buf_put_cstr(out, row->head);
	for (unsigned i = 0; out->n < bytes; i++) {
		const char *percent = strchr(row->piece, '%');
		if (!percent || percent[1] == '4') {
			buf_put_cstr(out, row->piece);
			continue;
		}
		for (const char *at = row->piece; *at; at++) {
			if (*at == '%')
				buf_printf(out, "%u", i);
			else
				buf_put_byte(out, (uint8_t)*at);
		}
	}
	buf_put_cstr(out, row->tail);
}

/* All that the core does with a message, its texts included. */
static uint64_t work_of(struct span raw)
{
	struct arena *arena = arena_new(0);
	struct decode d;
	struct mime_message m;
	struct facts f;
	struct buf text, words;
	decode_init(&d, NULL, arena);
	buf_init(&text, DECODE_TEXT_MAX);
	buf_init(&words, DECODE_TEXT_MAX);
	work = 0;
	mime_parse(&d, raw, &m);
	facts_read(&d, &m, &f);
	for (uint32_t i = 0; i < m.part_count; i++) {
		struct embedded_list list;
		embedded_find(&d, &m.parts[i], &list);
		for (unsigned k = 0; k < list.count; k++)
			embedded_octets(&d, &list.files[k]);
	}
	shown_text(&d, &m, &text);
	buf_clear(&text);
	for (uint32_t i = 0; i < m.text_body.count; i++)
		mime_part_text(&d, &m.parts[m.text_body.items[i]], SIZE_MAX, &text);
	html_text(buf_span(&text), SIZE_MAX, &words);
	quote_split_text(buf_span(&text));
	uint64_t done = work;
	buf_fini(&text);
	buf_fini(&words);
	decode_fini(&d);
	arena_free(&arena);
	return done;
}

static void work_is_linear(void **state)
{
	(void)state;
	const size_t small = 60000;
	const uint64_t free_work = small * BLOCKS_PER_BYTE;
	struct buf raw;
	buf_init(&raw, 16 << 20);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		build(&ROWS[i], small, &raw);
		uint64_t one = work_of(buf_span(&raw));
		build(&ROWS[i], 4 * small, &raw);
		uint64_t four = work_of(buf_span(&raw));
		uint64_t allowed = 5 * (one > free_work ? one : free_work);
		if (four > allowed)
			print_message("row %zu (%.20s … %.20s): %llu then %llu\n", i, ROWS[i].head,
				      ROWS[i].piece, (unsigned long long)one,
				      (unsigned long long)four);
		assert_true(one > 0);
		assert_true(four <= allowed);
	}
	buf_fini(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(work_is_linear)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
