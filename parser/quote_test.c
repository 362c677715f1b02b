/* Proves that the new words of an answer are told from its signature and from quoted history, in text and in HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "parser/html_text.h"
#include "parser/quote.h"

struct reply {
	const char *text, *fresh, *signature;
	const char *tail; /* the history that ends it begins so; "": there is none */
};

static const struct reply REPLIES[] = {
	{"Yes.\n\nOn Monday, Anna <a@b.example> wrote:\n> No?\n", "Yes.", "", "On Monday"},
	{"Yes.\n\nOn Mon, 24 Nov 2026 at 10:11, Anna Long Name\n<a@b.example> wrote:\n\n> No?\n",
	 "Yes.", "", "On Mon"},
	{"Yes.\n\nOn Mon, 24 Nov 2026, Anna wrote:\nNo?\n", "Yes.", "", "On Mon"},
	{"Yes.\n\nAm 24.11.2026 um 10:11 schrieb Anna <a@b.example>:\n> No?\n", "Yes.", "",
	 "Am 24"},
	{"Oui.\n\nLe mar. 24 nov. 2026 à 10:11, Anna <a@b.example> a écrit\u00a0:\n\n> No?\n",
	 "Oui.", "", "Le mar"},
	{"Ja.\n\nOp di 24 nov 2026 om 10:11 schreef Anna <a@b.example>:\n> No?\n", "Ja.", "",
	 "Op di"},
	{"Да.\n\nвт, 24 нояб. 2026 г. в 10:11, Анна <a@b.example>:\n> No?\n", "Да.", "", "вт"},
	{"Да.\n\nвт, 24 нояб. 2026 г. в 10:11, Анна\n<a@b.example>:\n> No?\n", "Да.", "", "вт"},
	{"はい\n\n2026年11月24日(火) 10:11 Anna <a@b.example>:\n> No?\n", "はい", "", "2026"},
	{"Tak.\n\nwt., 24 lis 2026 o 10:11 Anna <a@b.example> napisał(a):\n> No?\n", "Tak.", "",
	 "wt."},
	{"Yes.\n\n-----Original Message-----\nFrom: x\n", "Yes.", "", "-----"},
	{"Yes.\n\nFrom: A\nSent: Monday\nTo: B\nSubject: C\n\nold", "Yes.", "", "From: A"},
	{"Ja.\n\nVon: A\nGesendet: Montag\nAn: B\nBetreff: C\n\nold", "Ja.", "", "Von: A"},
	{"Ja.\n\nFrån: A\nSkickat: i dag\nTill: B\nÄmne: C\n\nold", "Ja.", "", "Från: A"},
	{"Yes.\n> old\n> older\n", "Yes.", "", "> old\n> older"},
	{"> old\nYes.\n", "Yes.", "", ""}, /* an answer below */
	{"Hi,\nOn 1 May 2026, A wrote:\n> One?\n\nYes.\n\n> Two?\n\nNo.\n> Three\n",
	 "Hi,\n\nYes.\n\nNo.", "", "> Three"}, /* answers between */
	{"> a line of seventy characters or so that a mail program has broken in\ntwo\n> "
	 "more\nYes.\n",
	 "Yes.", "", ""},
	{"> old\n", "", "", "> old\n"},
	{"On the one hand.\nOn the other.\n", "On the one hand.\nOn the other.", "", ""},
	{"I have 2 things to say.\nAs Bob said:\nno.\n",
	 "I have 2 things to say.\nAs Bob said:\nno.", "", ""},
	{"Bob Berg wrote:\n> No?\n\nYes.\n", "Yes.", "", ""},
	{"In article <1@b.example>,\nBob writes:\n> No?\n\nYes.\n", "Yes.", "", ""},
	{"Q: x\nA: y\nA: z\nA: a\nTo: b\n", "Q: x\nA: y\nA: z\nA: a\nTo: b", "", ""},
	{"Yes.\n-- \nAnna\n", "Yes.", "-- \nAnna", ""},
	{"Yes.\n-- \nAnna\n> old\nlist footer\n", "Yes.", "-- \nAnna", "> old\nlist"},
	{"Yes.\n\nSent from my phone\n", "Yes.", "Sent from my phone", ""},
	{"Ja.\n\nVon meinem iPhone gesendet\n\n> Am 24.11.2026 schrieb A:\n> old", "Ja.",
	 "Von meinem iPhone gesendet", "> Am"},
	{"Yes.\n\nAnna Berg\nvia mobile", "Yes.", "Anna Berg\nvia mobile", ""},
	{"All is well\nSent from my phone", "All is well", "Sent from my phone", ""},
	{"", "", "", ""},
};

static void quoted_history_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REPLIES) / sizeof(REPLIES[0]); i++) {
		const struct reply *row = &REPLIES[i];
		struct buf fresh;
		buf_init(&fresh, 4096);
		struct quote_parts parts = quote_split_text(span_cstr(row->text), &fresh);
		print_message("%s\n", row->text);
		assert_string_equal(buf_cstr(&fresh), row->fresh);
		assert_true(span_eq(parts.signature, span_cstr(row->signature)));
		const char *tail = row->text + parts.quoted_from;
		assert_int_equal(strncmp(tail, row->tail, strlen(row->tail)), 0);
		assert_int_equal(*tail == 0, *row->tail == 0);
		buf_fini(&fresh);
	}
}

/* HTML in which mail programs mark what they quote: the words alone are new. */
static void quoted_history_in_html_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"<div>Yes.</div><div class=gmail_quote><div>On 1 May 2026, A wrote:<br></div>"
		 "<blockquote class=gmail_quote><div>No?\nreally?</div></blockquote></div>",
		 "Yes."},
		{"<div>Hi</div><blockquote type=\"cite\"><p>One?</p></blockquote><p>Yes.</p>"
		 "<blockquote type=cite>Two?<blockquote>older</blockquote>x</blockquote>",
		 "Hi\n\nYes."},
		{"<p>As the poet says</p><blockquote>Be.</blockquote>", "As the poet says\n\nBe."},
		{"<p>Yes.</p><hr><b>From:</b> A<br><b>Sent:</b> x<br><b>To:</b> B<br>"
		 "<b>Subject:</b> C<p>old</p>",
		 "Yes."},
		{"Yes.</blockquote><p>More.", "Yes.\n\nMore."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf words, fresh;
		buf_init(&words, 4096);
		buf_init(&fresh, 4096);
		html_text_marked(span_cstr(rows[i].in), SIZE_MAX, &words);
		quote_split_text(buf_span(&words), &fresh);
		assert_string_equal(buf_cstr(&fresh), rows[i].out);
		buf_fini(&words);
		buf_fini(&fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_history_is_found),
		cmocka_unit_test(quoted_history_in_html_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
