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
#include "parser/hostile_testbed.h"
#include "parser/html_text.h"
#include "parser/mail_kind.h"
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
	struct mail_evidence kinds[MAIL_KINDS];
	mail_kind_find(&d, &m, &f, kinds);
	for (uint32_t i = 0; i < m.part_count; i++) {
		struct embedded_list list;
		transfer_is_damaged(m.parts[i].encoding, m.parts[i].body);
		embedded_find(&d, &m.parts[i], &list);
		for (unsigned k = 0; k < list.count; k++)
			embedded_octets(&d, &list.files[k]);
	}
	shown_text(&d, &m, &text);
	buf_clear(&text);
	for (uint32_t i = 0; i < m.text_body.count; i++)
		mime_part_text(&d, &m.parts[m.text_body.items[i]], SIZE_MAX, &text);
	html_text_marked(buf_span(&text), SIZE_MAX, &words);
	buf_clear(&words);
	quote_split_text(buf_span(&text), &words);
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
	for (size_t i = 0; i < hostile_count(); i++) {
		const struct hostile *row = &hostile_rows()[i];
		hostile_build(row, small, &raw);
		uint64_t one = work_of(buf_span(&raw));
		hostile_build(row, 4 * small, &raw);
		uint64_t four = work_of(buf_span(&raw));
		uint64_t allowed = 5 * (one > free_work ? one : free_work);
		if (four > allowed)
			print_message("row %zu (%.20s … %.20s): %llu then %llu\n", i, row->head,
				      row->piece, (unsigned long long)one,
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
