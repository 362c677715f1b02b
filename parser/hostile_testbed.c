#include "parser/hostile_testbed.h"

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
	{HTML "<p ", "a%=1 ", ">x"},
	{HTML "<p ", "a ", ">x"},
	{HTML "<p ", "title=% ", ">x"},
	{HTML, "<p id=1 dir=2 alt=3 src=4 size=% class=6 href=7>", ""},
	{HTML, "<b id=1 dir=2 alt=3 src=4 size=% class=6></b>", ""},
	{HTML, "<div><b id=1 dir=2 alt=3 src=4 size=% class=6></div>", ""},
	{HTML, "<body a%=1>", ""},
	{HTML, "<body id=%>", ""},
	{HTML, "<b>", ""},
	{HTML, "<b></b>", ""},
	{HTML, "<a href=%>", ""},
	{HTML, "<a><div>", ""},
	{HTML, "<b><p>", ""},
	{HTML, "<b><p></b>", ""},
	{HTML, "<p><b></p>", ""},
	{HTML, "<i><b></i>", ""},
	{HTML, "<font color=%>", ""},
	{HTML, "<div><font color=%></div>", ""},
	{HTML, "<div><font color=%></div>x", ""},
	{HTML, "<td><font color=%></td>", ""},
	{HTML "<table>", "<font color=%>x<td></font></td></tr>", ""},
	{HTML, "<span><div></span></div>", ""},
	{HTML, "<span><p></span></p>", ""},
	{HTML, "<h1><h2></h2><span></h1>", ""},
	{HTML, "<div>", ""},
	{HTML, "<div></span>", ""},
	{HTML, "<li><dd>", ""},
	{HTML, "<ul><li>", ""},
	{HTML, "<p>", ""},
	{HTML, "<p>x", ""},
	{HTML, "</p>", ""},
	{HTML, "</b>", ""},
	{HTML, "</br>", ""},
	{HTML, "<hr>", ""},
	{HTML, "<x><y></x>", ""},
	{HTML, "<table>", ""},
	{HTML, "<table>x", ""},
	{HTML, "<table><b>", ""},
	{HTML, "<table><tr><td>", ""},
	{HTML "<table>", "<tr><td>x", ""},
	{HTML "<table>", "<col>x", ""},
	{HTML "<table>", "x<b></b>", ""},
	{HTML "<b><i><u><s><em><tt><big><font>", "<p>", ""},
	{HTML "<b><i><u><s><em><tt><big><font>", "<p>x", ""},
	{HTML, "<svg>", ""},
	{HTML, "<svg><p>", ""},
	{HTML, "<math><mi>", ""},
	{HTML, "<select><option>", ""},
	{HTML, "<template>", ""},
	{HTML, "<object></object>", ""},
	{HTML, "<frameset>", ""},
	{HTML, "<textarea>", ""},
	{HTML, "<plaintext>", ""},
	{HTML, "<xmp><", ""},
	{HTML, "<!-->", ""},
	{HTML, "<!--<", ""},
	{HTML, "<!--x--!", ""},
	{HTML, "<![CDATA[", ""},
	{HTML, "<!doctype html>", ""},
	{HTML, "<?", ""},
	{HTML, "</", ""},
	{HTML, "&notin", ""},
	{HTML, "<img src=http://a.example/%>", ""},
	{HTML "<p style='", "a:url(http://a.example/%);", "'>"},
	{HTML "<p style='", "a:url(", "'>"},
	{HTML "<p style='", "color:red;", "'>"},
	{HTML, "<p style='a:url(//a)'>", ""},
	{HTML, "<p style='a:url(a:url(a:url(a:url(a:url(a:url(a:url(a:url('>", ""},
	{HTML, "<div class=gmail_quote></div>", ""},
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

size_t hostile_count(void)
{
	return sizeof(ROWS) / sizeof(ROWS[0]);
}

const struct hostile *hostile_rows(void)
{
	return ROWS;
}

void hostile_build(const struct hostile *row, size_t bytes, struct buf *out)
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
