/*
 * Proves that files MIME knows nothing of are found with their names and octets: uuencode in text, winmail.dat with bodies
 * and attachments, AppleSingle; that text is shown without them and flowed text in whole paragraphs; and that whatever is cut
 * off or overwritten, spans stay inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "parser/apple_file.h"
#include "parser/charset_guess.h"
#include "parser/charset_iconv.h"
#include "parser/embedded.h"
#include "parser/flowed.h"
#include "parser/mbox.h"
#include "parser/rtf_unpack.h"
#include "parser/shown_text.h"
#include "parser/tnef.h"
#include "parser/uuencode.h"

#define CAT "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n"

struct fixture {
	struct arena *arena;
	struct charset_set *charsets;
	struct decode d;
	struct mime_message m;
	struct buf raw, text;
};

static void open_fixture(struct fixture *f)
{
	f->arena = arena_new(0);
	f->charsets = charset_iconv_open();
	decode_init(&f->d, f->charsets, f->arena);
	buf_init(&f->raw, 1 << 20);
	buf_init(&f->text, 1 << 20);
}

static void close_fixture(struct fixture *f)
{
	buf_fini(&f->raw);
	buf_fini(&f->text);
	decode_fini(&f->d);
	charset_iconv_close(&f->charsets);
	arena_free(&f->arena);
}

static void assert_span(struct span got, const char *want)
{
	if (want && !span_eq(got, span_cstr(want)))
		print_message("got \"%.*s\", want \"%s\"\n", (int)got.n, (const char *)got.p, want);
	assert_true(span_eq(got, span_cstr(want)));
}

static void u16(struct buf *b, unsigned v)
{
	buf_put_byte(b, (uint8_t)v);
	buf_put_byte(b, (uint8_t)(v >> 8));
}

static void u32(struct buf *b, uint32_t v)
{
	u16(b, v & 0xffff);
	u16(b, v >> 16);
}

static void attribute(struct buf *b, unsigned level, uint32_t id, struct span data)
{
	buf_put_byte(b, (uint8_t)level);
	u32(b, id);
	u32(b, (uint32_t)data.n);
	buf_put_span(b, data);
	u16(b, 0);
}

static void counted_property(struct buf *b, unsigned id, unsigned type, struct span value)
{
	u16(b, type);
	u16(b, id);
	if (id >= 0x8000) {
		buf_put(b, "0123456789abcdef", 16);
		u32(b, 1);
		u32(b, 6);
		buf_put(b, "n\0a\0\0\0\0\0", 8);
	}
	u32(b, 1);
	u32(b, (uint32_t)value.n);
	buf_put_span(b, value);
	for (size_t i = value.n; i % 4; i++)
		buf_put_byte(b, 0);
}

static void message_properties(struct buf *out)
{
	static const uint8_t packed[] =
		"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B"
		"2\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
	struct buf props;
	buf_init(&props, 4096);
	u32(&props, 5);
	u16(&props, 0x03); /* PR_INTERNET_CPID */
	u16(&props, 0x3fde);
	u32(&props, 65001);
	counted_property(&props, 0x8001, 0x1e, SPAN_LIT("named"));
	u16(&props, 0x1003); /* a list of numbers */
	u16(&props, 0x0e01);
	u32(&props, 2);
	u32(&props, 7);
	u32(&props, 8);
	counted_property(&props, 0x1013, 0x102, SPAN_LIT("<p>h\xc3\xa9</p>"));
	counted_property(&props, 0x1009, 0x102, span_make(packed, sizeof(packed) - 1));
	attribute(out, 1, 0x69003, buf_span(&props));
	buf_fini(&props);
}

static void attachment(struct buf *out)
{
	struct buf props;
	buf_init(&props, 4096);
	attribute(out, 2, 0x69002, SPAN_LIT("render"));
	attribute(out, 2, 0x18010, SPAN_LIT("OFFER~1.PDF\0"));
	attribute(out, 2, 0x6800f, SPAN_LIT("%PDF-1.4 x"));
	u32(&props, 3);
	counted_property(&props, 0x3707, 0x1f, SPAN_LIT("O\0f\0f\0\xe9\0r\0.\0p\0d\0f\0\0\0"));
	counted_property(&props, 0x370e, 0x1e, SPAN_LIT("application/pdf\0"));
	counted_property(&props, 0x3712, 0x1e, SPAN_LIT("cid@x\r\n\0"));
	attribute(out, 2, 0x69005, buf_span(&props));
	buf_fini(&props);
}

static void build_tnef(struct buf *out)
{
	u32(out, 0x223e9f78);
	u16(out, 1);
	attribute(out, 1, 0x89006, SPAN_LIT("\0\0\1\0"));
	attribute(out, 1, 0x69007, SPAN_LIT("\xe4\x04\0\0\0\0\0\0")); /* code page 1252 */
	attribute(out, 1, 0x2800c,
		  SPAN_LIT("Gr\xfc\xdf"
			   "e\0"));
	message_properties(out);
	attachment(out);
	attribute(out, 2, 0x69002, SPAN_LIT("render"));
	attribute(out, 2, 0x18010, SPAN_LIT("notes.txt\0"));
	attribute(out, 2, 0x6800f, SPAN_LIT("some notes"));
}

static void assert_file(struct fixture *f, const struct embedded_file *file, const char *type,
			const char *name, const char *octets)
{
	assert_span(file->type, type);
	assert_span(file->name, name);
	assert_span(embedded_octets(&f->d, file), octets);
}

static void winmail_is_opened(void **state)
{
	(void)state;
	struct fixture f;
	struct embedded_list list;
	struct embedded_file file;
	open_fixture(&f);
	buf_put_cstr(&f.raw,
		     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n"
		     "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n");
	build_tnef(&f.raw);
	buf_put_cstr(&f.raw, "\r\n--b--\r\n");
	mime_parse(&f.d, buf_span(&f.raw), &f.m);
	assert_int_equal(f.m.part_count, 3);
	embedded_find(&f.d, &f.m.parts[2], &list);
	assert_int_equal(list.count, 5);
	assert_file(&f, &list.files[0], "text/plain", "",
		    "Gr\xc3\xbc\xc3\x9f"
		    "e");
	assert_file(&f, &list.files[1], "text/html", "", "<p>h\xc3\xa9</p>");
	assert_span(list.files[1].charset, "utf-8");
	assert_file(&f, &list.files[2], "application/rtf", "",
		    "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
	assert_file(&f, &list.files[3], "application/pdf", "Off\xc3\xa9r.pdf", "%PDF-1.4 x");
	assert_span(list.files[3].cid, "cid@x");
	assert_file(&f, &list.files[4], "application/octet-stream", "notes.txt", "some notes");
	assert_true(embedded_by_id(&f.d, &f.m, SPAN_LIT("2.4"), &file));
	assert_span(file.name, "Off\xc3\xa9r.pdf");
	static const char *const none[] = {"2.0", "2.6", "1.1",	  "2.", "2",
					   ".1",  "3.1", "2.4.1", ""};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(embedded_by_id(&f.d, &f.m, span_cstr(none[i]), &file));
	close_fixture(&f);
}

static bool inside(struct span part, struct span whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* In a heap block of its own size, so that a sanitizer sees one byte too many. */
static void read_copy(struct span bytes)
{
	struct tnef_file files[4];
	uint8_t *copy = malloc(bytes.n + !bytes.n);
	memcpy(copy, bytes.p, bytes.n);
	struct tnef t = {.octets = {copy, bytes.n}, .files = files, .cap = 4};
	tnef_read(&t);
	assert_true(t.count <= 4);
	for (unsigned i = 0; i < t.count; i++) {
		assert_true(inside(files[i].name.s, t.octets));
		assert_true(inside(files[i].data.s, t.octets));
	}
	free(copy);
}

static void f98_damaged_winmail_stays_inside(void **state)
{
	(void)state;
	struct buf whole;
	buf_init(&whole, 1 << 16);
	build_tnef(&whole);
	for (size_t n = 0; n <= whole.n; n++)
		read_copy((struct span){whole.p, n});
	for (size_t i = 0; i < whole.n; i++) {
		static const uint8_t values[] = {0x00, 0x7f, 0xff};
		uint8_t before = whole.p[i];
		for (size_t k = 0; k < sizeof(values); k++) {
			whole.p[i] = values[k];
			read_copy(buf_span(&whole));
		}
		whole.p[i] = before;
	}
	buf_fini(&whole);
}

static void rtf_never_grows_over_its_bound(void **state)
{
	(void)state;
	static const uint8_t greedy[] = "\xff\0\0\0\xff\xff\xff\xffLZFu\0\0\0\0"
					"\xff\0\x1f\0\x1f\0\x1f\0\x1f\0\x1f\0\x1f\0\x1f\0\x1f";
	struct buf out;
	buf_init(&out, 1 << 16);
	assert_true(rtf_unpack(span_make(greedy, sizeof(greedy) - 1), &out));
	assert_true(out.n > 100 && out.n <= 9 * sizeof(greedy));
	buf_clear(&out);
	assert_true(rtf_unpack(SPAN_LIT("\x0f\0\0\0\x03\0\0\0MELA\0\0\0\0{\\}more"), &out));
	assert_span(buf_span(&out), "{\\}");
	assert_false(rtf_unpack(SPAN_LIT("\x0f\0\0\0\x03\0\0\0NONE\0\0\0\0{\\}"), &out));
	assert_false(rtf_unpack(SPAN_LIT("short"), &out));
	buf_fini(&out);
}

static void uuencoded_files_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
		size_t offset, length; /* 0: none is there */
	} rows[] = {
		{CAT, "cat.txt", 0, 34},
		{"Hello,\r\n\r\n" CAT "bye\r\n", "cat.txt", 10, 34},
		{"begin 644 cat.txt\n#0V%T\n`\nend\n", "cat.txt", 0, 30},
		{"begin 0644 my cat.txt\n#0V%T\nend", "my cat.txt", 0, 31},
		{"begin 644 cat.txt\n#0V%T\nNot ours\n", "cat.txt", 0, 24},
		{"begin 644 cat.txt\n#0V%T", "cat.txt", 0, 23},
		{"begin 644 cat.txt\nHELLO\n", NULL, 0, 0},
		{"begin 644 of the meeting\nwe said", NULL, 0, 0},
		{"begin the day\n#0V%T\nend\n", NULL, 0, 0},
		{"begin 944 cat.txt\n#0V%T\nend\n", NULL, 0, 0},
		{"x begin 644 cat.txt\n#0V%T\nend\n", NULL, 0, 0},
		{"begin 644 \n#0V%T\nend\n", NULL, 0, 0},
		{"begin 644 empty\n`\nend\n", NULL, 0, 0},
		{"=ybegin line=128 size=3 name=cat.txt\nabc\n=yend size=3\n", NULL, 0, 0},
		{"begin 644 a\nbegin 644 cat.txt\n#0V%T\nend\n", "cat.txt", 12, 28},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uuencode_block block;
		bool found = uuencode_next(span_cstr(rows[i].text), 0, &block);
		if (found != (rows[i].name != NULL))
			print_message("row %zu\n", i);
		assert_int_equal(found, rows[i].name != NULL);
		if (!found)
			continue;
		assert_span(block.name, rows[i].name);
		assert_int_equal(block.offset, rows[i].offset);
		assert_int_equal(block.lines.n, rows[i].length);
	}
}

static void text_is_shown_without_files(void **state)
{
	(void)state;
	struct fixture f;
	struct embedded_list list;
	open_fixture(&f);
	mime_parse(&f.d, SPAN_LIT("Subject: x\r\n\r\nSee both.\r\n" CAT "and\r\n" CAT "bye\r\n"),
		   &f.m);
	assert_true(shown_text(&f.d, &f.m, &f.text));
	assert_span(buf_span(&f.text), "See both.\r\nand\r\nbye\r\n");
	assert_true(embedded_in_text(&f.m.parts[0]));
	embedded_find(&f.d, &f.m.parts[0], &list);
	assert_int_equal(list.count, 2);
	assert_file(&f, &list.files[1], "application/octet-stream", "cat.txt", "Cat");
	close_fixture(&f);
}

static void apple_single_gives_its_file(void **state)
{
	(void)state;
	static const char single[] =
		"\0\5\x16\0\0\2\0\0................\0\2\0\0\0\3\0\0\0\x32\0\0\0\4"
		"\0\0\0\1\0\0\0\x36\0\0\0\5n\x8e.txwords";
	struct apple_file file;
	assert_true(apple_file_read(span_make(single, sizeof(single) - 1), &file));
	assert_span(file.name, "n\x8e.t");
	assert_span(file.data, "xword");
	for (size_t n = 0; n < sizeof(single); n++) {
		apple_file_read(span_make(single, n), &file);
		assert_true(inside(file.data, span_make(single, n)));
	}
	assert_false(apple_file_read(SPAN_LIT("\0\5\x16\7\0\2\0\0................\0\0"), &file));
}

static void flowed_lines_are_joined(void **state)
{
	(void)state;
	static const struct {
		const char *text, *plain, *delsp;
	} rows[] = {
		{"a \nb\nc\n", "a b\nc\n", "ab\nc\n"},
		{"a \r\nb \r\nc", "a b c", "abc"},
		{"> a \n> b\n>> c \nd\n", "> a b\n>> c \nd\n", "> ab\n>> c\nd\n"},
		{" > no quote\n From me\n", "> no quote\nFrom me\n", "> no quote\nFrom me\n"},
		{"end \n-- \nme \nyou\n", "end \n-- \nme you\n", "end\n-- \nmeyou\n"},
		{"", "", ""},
		{"\n\n", "\n\n", "\n\n"},
		{">>\n", ">> \n", ">> \n"},
	};
	struct buf out;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		flowed_unwrap(span_cstr(rows[i].text), false, &out);
		assert_span(buf_span(&out), rows[i].plain);
		buf_clear(&out);
		flowed_unwrap(span_cstr(rows[i].text), true, &out);
		assert_span(buf_span(&out), rows[i].delsp);
	}
	buf_fini(&out);
}

static void undeclared_charsets_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *charset; /* NULL: unknown */
		bool html;
	} rows[] = {
		{"\x1b$B$\"\x1b(B", "iso-2022-jp", false},
		{"\x1b$)C", "iso-2022-kr", false},
		{"\x1b[1mbold", NULL, false},
		{"\xef\xbb\xbfx", "utf-8", false},
		{"<html><head><meta charset=\"koi8-r\"></head>\xc1", "koi8-r", true},
		{"<META http-equiv='Content-Type' content='text/html; charset = windows-1251'>\xc1",
		 "windows-1251", true},
		{"<meta charset=koi8-r>\xc1", NULL, false},
		{"<meta charset=koi8-r>\xc3\xa9", NULL, true},
		{"<meta charset>\xc1", NULL, true},
		{"<meta name=charset content=x><meta charset='big5'\xc1", "big5", true},
		{"plain \xe9", NULL, true},
		{"", NULL, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned got = charset_guess(span_cstr(rows[i].bytes), rows[i].html);
		unsigned want = rows[i].charset ? charset_find(span_cstr(rows[i].charset))
						: CHARSET_UNKNOWN;
		if (got != want)
			print_message("row %zu\n", i);
		assert_int_equal(got, want);
	}
	assert_int_equal(charset_guess(SPAN_LIT("\xff\xfeh\0"), false),
			 charset_find(SPAN_LIT("utf-16")));
}

static void mboxes_are_split(void **state)
{
	(void)state;
	const struct span file =
		SPAN_LIT("From a@b Mon Jan  1 00:00:00 2024\nSubject: 1\n\n"
			 ">From here\n>>From there\n\nFrom now on we\n\n"
			 "From c@d Tue Jan  2 00:00:00 2024 +0100\nSubject: 2\n\nx\n");
	struct buf out;
	buf_init(&out, 4096);
	assert_int_equal(mbox_next(file, 0), 0);
	size_t start = mbox_skip(file, 0), second = mbox_next(file, start);
	assert_true(span_istarts(span_sub(file, second, file.n), SPAN_LIT("From c@d")));
	mbox_unquote(span_sub(file, start, second - start), &out);
	assert_span(buf_span(&out), "Subject: 1\n\nFrom here\n>From there\n\nFrom now on we\n\n");
	assert_int_equal(mbox_next(file, mbox_skip(file, second)), file.n);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(winmail_is_opened),
		cmocka_unit_test(f98_damaged_winmail_stays_inside),
		cmocka_unit_test(rtf_never_grows_over_its_bound),
		cmocka_unit_test(uuencoded_files_are_found),
		cmocka_unit_test(text_is_shown_without_files),
		cmocka_unit_test(apple_single_gives_its_file),
		cmocka_unit_test(flowed_lines_are_joined),
		cmocka_unit_test(undeclared_charsets_are_found),
		cmocka_unit_test(mboxes_are_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
