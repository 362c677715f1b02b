#include "sender/header_write.h"

#include <time.h>

enum {
	LINE_SOFT = 76,
	WORD_OCTETS = 39 /* of UTF-8 in one encoded word: 52 characters of base64 */
};

bool header_value_ok(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == 0)
			return false;
	return true;
}

static bool printable_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* Octets on the line that out ends with. */
static size_t line_length(const struct buf *out)
{
	size_t n = 0;

	while (n < out->n && out->p[out->n - 1 - n] != '\n')
		n++;
	return n;
}

static void fold_before(struct buf *out, size_t more)
{
	if (line_length(out) + more + 1 > LINE_SOFT && line_length(out) > 1)
		buf_put_cstr(out, "\r\n");
	buf_put_byte(out, ' ');
}

/* At most max octets from the front that end between two UTF-8 characters; at least one. */
static size_t whole_characters(struct span s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	while (n > 1 && n < s.n && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void encoded_words(struct buf *out, struct span value)
{
	while (value.n) {
		size_t n = whole_characters(value, WORD_OCTETS);

		fold_before(out, 12 + (n + 2) / 3 * 4);
		buf_put_cstr(out, "=?utf-8?B?");
		base64_encode(span_sub(value, 0, n), out);
		buf_put_cstr(out, "?=");
		value = span_sub(value, n, value.n);
	}
}

static bool looks_encoded(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '=' && s.p[i + 1] == '?')
			return true;
	return false;
}

/* Longest run without a blank: a word that could not be folded below the hard limit is encoded. */
static bool foldable(struct span s)
{
	size_t run = 0;

	for (size_t i = 0; i < s.n; i++) {
		run = s.p[i] == ' ' ? 0 : run + 1;
		if (run > 200)
			return false;
	}
	return true;
}

/* Text would change in meaning if a blank at its ends or a double blank were folded: then it is encoded too. */
static bool plain(struct span s)
{
	if (!printable_ascii(s) || looks_encoded(s) || !foldable(s))
		return false;
	if (s.n && (s.p[0] == ' ' || s.p[s.n - 1] == ' '))
		return false;
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == ' ' && s.p[i + 1] == ' ')
			return false;
	return true;
}

static void words(struct buf *out, struct span value)
{
	while (value.n) {
		size_t n = span_find_byte(value, ' ');

		fold_before(out, n);
		buf_put(out, value.p, n);
		value = span_sub(value, n + (n < value.n), value.n);
	}
}

void header_write_text(struct buf *out, const char *name, struct span value)
{
	buf_printf(out, "%s:", name);
	if (plain(value))
		words(out, value);
	else
		encoded_words(out, value);
	buf_put_cstr(out, "\r\n");
}

/* RFC 5322 atext, and the blanks between atoms. */
static bool atom_text(struct span s)
{
	static const char others[] = " !#$%&'*+-/=^_`{|}~";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				    (c >= 'a' && c <= 'z');

		if (!alphanumeric && !memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return true;
}

static void mailbox(struct buf *out, const struct compose_address *a)
{
	if (a->name.n && plain(a->name)) {
		fold_before(out, a->name.n + 2);
		if (atom_text(a->name))
			buf_put_span(out, a->name);
		else
			buf_put_quoted(out, a->name);
	} else if (a->name.n) {
		encoded_words(out, a->name);
	}
	fold_before(out, a->email.n + 3);
	if (a->name.n)
		buf_put_byte(out, '<');
	buf_put_span(out, a->email);
	if (a->name.n)
		buf_put_byte(out, '>');
}

void header_write_addresses(struct buf *out, const char *name, struct compose_addresses list)
{
	if (!list.count)
		return;
	buf_printf(out, "%s:", name);
	for (size_t i = 0; i < list.count; i++) {
		mailbox(out, &list.items[i]);
		if (i + 1 < list.count)
			buf_put_byte(out, ',');
	}
	buf_put_cstr(out, "\r\n");
}

void header_write_ids(struct buf *out, const char *name, const struct span *ids, size_t count)
{
	if (!count)
		return;
	buf_printf(out, "%s:", name);
	for (size_t i = 0; i < count; i++) {
		fold_before(out, ids[i].n + 2);
		buf_put_byte(out, '<');
		buf_put_span(out, ids[i]);
		buf_put_byte(out, '>');
	}
	buf_put_cstr(out, "\r\n");
}

void header_write_unsubscribe(struct buf *out, const struct compose_unsubscribe *u)
{
	if (!u->url.n && !u->email.n)
		return;
	buf_put_cstr(out, "List-Unsubscribe:");
	if (u->url.n) {
		fold_before(out, u->url.n + 3);
		buf_put_byte(out, '<');
		buf_put_span(out, u->url);
		buf_put_cstr(out, u->email.n ? ">," : ">");
	}
	if (u->email.n) {
		fold_before(out, u->email.n + u->subject.n + 18);
		buf_put_cstr(out, "<mailto:");
		buf_put_span(out, u->email);
		if (u->subject.n) {
			buf_put_cstr(out, "?subject=");
			buf_put_span(out, u->subject);
		}
		buf_put_byte(out, '>');
	}
	buf_put_cstr(out, "\r\n");
	if (u->url.n)
		buf_put_cstr(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

void header_write_date(struct buf *out, const char *name, int64_t wall_ms)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_printf(out, "%s: %s, %d %s %d %02d:%02d:%02d +0000\r\n", name, days[tm.tm_wday],
		   tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		   tm.tm_sec);
}

static bool attribute_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$&+-.^_`{|}~", c));
}

/* name*N*=…, each section on a line of its own; a section ends between two characters. */
static void extended_param(struct buf *out, const char *name, struct span value)
{
	bool many = value.n > 18;

	for (unsigned section = 0; section == 0 || value.n; section++) {
		size_t n = whole_characters(value, 18);

		buf_printf(out, ";\r\n\t%s*", name);
		if (many)
			buf_printf(out, "%u*", section);
		buf_put_cstr(out, section ? "=" : "=utf-8''");
		for (size_t i = 0; i < n; i++) {
			if (attribute_char(value.p[i]))
				buf_put_byte(out, value.p[i]);
			else
				buf_printf(out, "%%%02X", value.p[i]);
		}
		value = span_sub(value, n, value.n);
	}
}

void header_write_param(struct buf *out, const char *name, struct span value)
{
	if (!printable_ascii(value) || value.n > 60) {
		extended_param(out, name, value);
		return;
	}
	buf_printf(out, ";\r\n\t%s=", name);
	buf_put_quoted(out, value);
}
