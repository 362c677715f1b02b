#include "parser/mbox.h"

#define FROM SPAN_LIT("From ")

size_t mbox_skip(struct span file, size_t at)
{
	struct span rest = span_sub(file, at, file.n);
	size_t end = span_find_byte(rest, '\n');
	return at + end + (end < rest.n);
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "From ", an address, and a date with a time of day and a year: prose that begins with "From " has none. */
static bool is_separator(struct span line)
{
	bool time = false, year = false;
	if (line.n <= FROM.n || memcmp(line.p, FROM.p, FROM.n) != 0 || line.p[FROM.n] == ' ')
		return false;
	for (size_t i = FROM.n; i + 4 < line.n; i++) {
		const uint8_t *p = line.p + i;
		time |= is_digit(p[0]) && is_digit(p[1]) && p[2] == ':' && is_digit(p[3]) &&
			is_digit(p[4]);
		year |= p[0] == ' ' && (p[1] == '1' || p[1] == '2') && is_digit(p[2]) &&
			is_digit(p[3]) && is_digit(p[4]) && (i + 5 >= line.n || p[5] <= ' ');
	}
	return time && year;
}

static bool after_empty_line(struct span file, size_t at)
{
	if (at == 0)
		return true;
	if (at < 2 || file.p[at - 1] != '\n')
		return false;
	return file.p[at - 2] == '\n' ||
	       (at >= 3 && file.p[at - 2] == '\r' && file.p[at - 3] == '\n');
}

size_t mbox_next(struct span file, size_t from)
{
	while (from < file.n) {
		const uint8_t *hit = memmem(file.p + from, file.n - from, FROM.p, FROM.n);
		if (!hit)
			break;
		size_t at = (size_t)(hit - file.p);
		from = at + FROM.n;
		if (!after_empty_line(file, at))
			continue;
		size_t next = mbox_skip(file, at);
		if (is_separator(span_sub(file, at, next - at)))
			return at;
		from = next;
	}
	return file.n;
}

void mbox_unquote(struct span message, struct buf *out)
{
	for (size_t at = 0; at < message.n;) {
		size_t next = mbox_skip(message, at), marks = at;
		while (marks < next && message.p[marks] == '>')
			marks++;
		bool quoted = marks > at && next - marks >= FROM.n &&
			      memcmp(message.p + marks, FROM.p, FROM.n) == 0;
		buf_put_span(out, span_sub(message, at + quoted, next - at - quoted));
		at = next;
	}
}
