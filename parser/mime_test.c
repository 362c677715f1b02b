/* Proves the tree of parts and the choice of RFC 8621 section 4.1.4 on odd messages, and that limits hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "parser/mime.h"

/* A tree in short: type{children}; body lists as part ids. */
struct row {
	const char *what, *raw, *tree, *text, *html, *attachments;
};

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define ALT "Content-Type: multipart/alternative; boundary=a\r\n\r\n"
#define P "Content-Type: text/plain\r\n\r\n"
#define H "Content-Type: text/html\r\n\r\n"
#define IMG "Content-Type: image/png\r\n\r\n"

static const struct row ROWS[] = {
	{"empty", "", "text/plain", "1", "1", ""},
	{"only a body", "\r\nhello", "text/plain", "1", "1", ""},
	{"html", H "x", "text/html", "1", "1", ""},
	{"mixed", MIXED "--b\r\n" P "x\r\n--b\r\n" IMG "y\r\n--b--\r\n",
	 "multipart/mixed{text/plain image/png}", "1 2", "1 2", ""},
	{"attachment by disposition",
	 MIXED "--b\r\n" P "x\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: "
	       "attachment\r\n\r\ny\r\n--b--",
	 "multipart/mixed{text/plain text/plain}", "1", "1", "2"},
	{"second text with a name",
	 MIXED "--b\r\n" P "x\r\n--b\r\nContent-Type: text/plain; name=f\r\n\r\ny\r\n--b--",
	 "multipart/mixed{text/plain text/plain}", "1", "1", "2"},
	{"alternative", ALT "--a\r\n" P "x\r\n--a\r\n" H "y\r\n--a--",
	 "multipart/alternative{text/plain text/html}", "1", "2", ""},
	{"alternative with html only", ALT "--a\r\n" H "y\r\n--a--",
	 "multipart/alternative{text/html}", "1", "1", ""},
	{"alternative in mixed",
	 MIXED "--b\r\n" ALT "--a\r\n" P "x\r\n--a\r\n" H "y\r\n--a--\r\n--b\r\n"
	       "Content-Type: application/pdf\r\n\r\nz\r\n--b--",
	 "multipart/mixed{multipart/alternative{text/plain text/html} application/pdf}", "1.1",
	 "1.2", "2"},
	{"inner boundary never closed",
	 MIXED "--b\r\n" ALT "--a\r\n" P "x\r\n--b\r\n" IMG "y\r\n--b--",
	 "multipart/mixed{multipart/alternative{text/plain} image/png}", "1.1 2", "1.1 2", ""},
	{"cut off", MIXED "--b\r\n" P "x\r\n--b\r\nContent-Ty",
	 "multipart/mixed{text/plain text/plain}", "1 2", "1 2", ""},
	{"boundary never comes", MIXED "just text", "text/plain", "1", "1", ""},
	{"no boundary parameter", "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx", "text/plain",
	 "1", "1", ""},
	{"bare LF", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n\ny\n--b--\n",
	 "multipart/mixed{text/plain text/plain}", "1 2", "1 2", ""},
	{"bare CR", "Content-Type: multipart/mixed; boundary=b\r\r--b\r\rx\r--b\r\ry\r--b--\r",
	 "multipart/mixed{text/plain text/plain}", "1 2", "1 2", ""},
	{"mbox From line", "From a@b Thu Jan  1 00:00:00 1970\r\n" H "x", "text/html", "1", "1",
	 ""},
	{"boundary with blanks behind", MIXED "--b \t\r\n\r\nx\r\n--b-- \r\n",
	 "multipart/mixed{text/plain}", "1", "1", ""},
	{"F99: one boundary begins with the other",
	 "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; "
	 "boundary=bb\r\n\r\n"
	 "--bb\r\n\r\nx\r\n--bb--\r\n--b\r\n\r\ny\r\n--b--",
	 "multipart/mixed{multipart/mixed{text/plain} text/plain}", "1.1 2", "1.1 2", ""},
	{"boundary right after the header",
	 MIXED "--b\r\nContent-Type: text/html\r\n--b\r\n\r\ny\r\n--b--",
	 "multipart/mixed{text/html text/plain}", "1 2", "1 2", ""},
	{"digest",
	 "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: "
	 "x\r\n\r\ny\r\n--b--",
	 "multipart/digest{message/rfc822}", "", "", "1"},
	{"message is a leaf",
	 MIXED "--b\r\n" P
	       "x\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nz\r\n--b--",
	 "multipart/mixed{text/plain message/rfc822}", "1", "1", "2"},
	{"type in capitals, quoted boundary",
	 "content-TYPE: Multipart/MIXED; Boundary=\"b c\"\r\n\r\n--b c\r\n\r\nx\r\n--b c--",
	 "multipart/mixed{text/plain}", "1", "1", ""},
	{"bad type", "Content-Type: text\r\n\r\nx", "text/plain", "1", "1", ""},
	{"F99: two types: the first", "Content-Type: text/html\r\n" P "x", "text/html", "1", "1",
	 ""},
	{"F99: two boundaries: the first",
	 "Content-Type: multipart/mixed; boundary=a\r\n" MIXED
	 "--a\r\n\r\nx\r\n--b\r\n\r\ny\r\n--a--",
	 "multipart/mixed{text/plain}", "1", "1", ""},
	{"related: only the first is a body",
	 "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\n" H "x\r\n--b\r\n" IMG
	 "y\r\n--b--",
	 "multipart/related{text/html image/png}", "1", "1", "2"},
};

struct fixture {
	struct arena *arena;
	struct decode d;
	struct mime_message m;
};

static void parse(struct fixture *f, struct span raw)
{
	f->arena = arena_new(0);
	decode_init(&f->d, NULL, f->arena);
	mime_parse(&f->d, raw, &f->m);
}

static void done(struct fixture *f)
{
	decode_fini(&f->d);
	arena_free(&f->arena);
}

static void put_tree(const struct mime_message *m, uint32_t i, struct buf *out)
{
	buf_put_span(out, m->parts[i].type);
	if (m->parts[i].first_child == MIME_NONE)
		return;
	buf_put_byte(out, '{');
	for (uint32_t c = m->parts[i].first_child; c != MIME_NONE; c = m->parts[c].next) {
		put_tree(m, c, out);
		if (m->parts[c].next != MIME_NONE)
			buf_put_byte(out, ' ');
	}
	buf_put_byte(out, '}');
}

static void assert_list(const struct mime_message *m, const struct mime_list *list,
			const char *expected)
{
	struct buf out;
	char id[MIME_PART_ID_BYTES];
	buf_init(&out, 4096);
	for (uint32_t i = 0; i < list->count; i++) {
		assert_true(mime_part_id(m, list->items[i], id));
		assert_int_equal(mime_part_find(m, span_cstr(id)), list->items[i]);
		buf_printf(&out, i ? " %s" : "%s", id);
	}
	assert_string_equal(buf_cstr(&out), expected);
	buf_fini(&out);
}

static void odd_messages_have_their_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct fixture f;
		struct buf tree;
		print_message("%s\n", ROWS[i].what);
		parse(&f, span_cstr(ROWS[i].raw));
		buf_init(&tree, 4096);
		put_tree(&f.m, 0, &tree);
		assert_string_equal(buf_cstr(&tree), ROWS[i].tree);
		assert_list(&f.m, &f.m.text_body, ROWS[i].text);
		assert_list(&f.m, &f.m.html_body, ROWS[i].html);
		assert_list(&f.m, &f.m.attachments, ROWS[i].attachments);
		buf_fini(&tree);
		done(&f);
	}
}

/* Every prefix of every row: parts lie inside of the message, in order; nothing is read past its end (asan). */
static void every_cut_gives_parts_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		for (size_t n = 0; n <= strlen(ROWS[i].raw); n++) {
			struct fixture f;
			struct arena *exact = arena_new(0);
			struct span raw = arena_span(exact, span_make(ROWS[i].raw, n));
			parse(&f, raw);
			for (uint32_t k = 0; k < f.m.part_count; k++) {
				const struct mime_part *p = &f.m.parts[k];
				assert_true(p->body.p >= f.m.raw.p);
				assert_true(p->body.p + p->body.n <= f.m.raw.p + f.m.raw.n);
			}
			done(&f);
			arena_free(&exact);
		}
	}
}

static void bodies_are_exact(void **state)
{
	(void)state;
	struct fixture f;
	parse(&f, SPAN_LIT(MIXED "pre\r\n--b\r\n\r\none\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\ntwo\n--b--"
				 "\r\nepilogue\r\n"));
	assert_int_equal(f.m.part_count, 4);
	assert_true(span_eq(f.m.parts[1].body, SPAN_LIT("one\r\n")));
	assert_true(span_eq(f.m.parts[2].body, SPAN_LIT("")));
	assert_true(span_eq(f.m.parts[3].body, SPAN_LIT("two")));
	done(&f);
}

/* F90 */
static void f90_parts_are_limited(void **state)
{
	(void)state;
	struct fixture f;
	struct buf raw;
	buf_init(&raw, 1 << 20);
	buf_put_cstr(&raw, MIXED);
	for (unsigned i = 0; i < MIME_PARTS_MAX + 500; i++)
		buf_put_cstr(&raw, "--b\r\n\r\nx\r\n");
	parse(&f, buf_span(&raw));
	assert_int_equal(f.m.part_count, MIME_PARTS_MAX);
	assert_true(f.m.limited);
	const struct mime_part *last = &f.m.parts[MIME_PARTS_MAX - 1];
	assert_true(last->body.n > 500 * 10);
	done(&f);
	buf_fini(&raw);
}

/* F89 */
static void f89_depth_is_limited(void **state)
{
	(void)state;
	struct fixture f;
	struct buf raw;
	buf_init(&raw, 16 << 20);
	buf_put_cstr(&raw, "Content-Type: multipart/mixed; boundary=b0\r\n\r\n");
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&raw, "--b%u\r\nContent-Type: multipart/mixed; boundary=b%u\r\n\r\n", i,
			   i + 1);
	parse(&f, buf_span(&raw));
	assert_true(f.m.limited);
	assert_int_equal(f.m.part_count, MIME_DEPTH_MAX + 1);
	assert_int_equal(f.m.parts[MIME_DEPTH_MAX].depth, MIME_DEPTH_MAX);
	done(&f);
	buf_fini(&raw);
}

/* F91 */
static void f91_headers_are_limited(void **state)
{
	(void)state;
	struct fixture f;
	struct buf raw;
	buf_init(&raw, 8 << 20);
	for (unsigned i = 0; i < 60000; i++)
		buf_printf(&raw, "X-%u: %s\r\n", i,
			   i < 100 ? "y" : "0123456789012345678901234567890123456789");
	buf_put_cstr(&raw, "\r\nbody");
	parse(&f, buf_span(&raw));
	size_t bytes = 0;
	for (size_t i = 0; i < f.m.fields.count; i++)
		bytes += f.m.fields.fields[i].name.n + f.m.fields.fields[i].value.n;
	assert_true(f.m.fields.count <= HEADER_FIELDS_MAX && bytes <= HEADER_BYTES_MAX);
	assert_true(span_eq(f.m.parts[0].body, SPAN_LIT("body")));
	done(&f);
	buf_fini(&raw);
}

/* F92: half a million of them, and the header that follows is text. */
static void f92_leading_blank_lines_are_a_body(void **state)
{
	(void)state;
	struct fixture f;
	struct buf raw;
	buf_init(&raw, 2 << 20);
	for (unsigned i = 0; i < 500000; i++)
		buf_put_cstr(&raw, "\r\n");
	buf_put_cstr(&raw, "Subject: x\r\n\r\ny");
	parse(&f, buf_span(&raw));
	assert_int_equal(f.m.part_count, 1);
	assert_int_equal(f.m.parts[0].body.n, raw.n - 2);
	done(&f);
	buf_fini(&raw);
}

/* F96: bytes that are no mail at all are a message without fields; nothing is refused. */
static void f96_no_header_is_too_broken(void **state)
{
	(void)state;
	struct buf raw;
	buf_init(&raw, 1 << 20);
	for (unsigned seed = 1; seed <= 300; seed++) {
		struct fixture f;
		uint32_t x = seed;
		buf_clear(&raw);
		for (unsigned i = 0; i < 400; i++) {
			x = x * 1664525 + 1013904223;
			buf_put_byte(
				&raw,
				(uint8_t)(seed % 2 ? x >> 24
						   : (uint8_t) ":\r\n <>=?-\"();,\0ab"[x >> 28]));
		}
		parse(&f, buf_span(&raw));
		assert_true(f.m.part_count >= 1);
		assert_true(f.m.text_body.count + f.m.attachments.count >= 1);
		done(&f);
	}
	buf_fini(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_messages_have_their_trees),
		cmocka_unit_test(every_cut_gives_parts_inside),
		cmocka_unit_test(bodies_are_exact),
		cmocka_unit_test(f90_parts_are_limited),
		cmocka_unit_test(f89_depth_is_limited),
		cmocka_unit_test(f91_headers_are_limited),
		cmocka_unit_test(f92_leading_blank_lines_are_a_body),
		cmocka_unit_test(f96_no_header_is_too_broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
