#include "parser/uuencode.h"

#define BEGIN SPAN_LIT("begin ")

/* The line at `at` without its line end; *next_out: where the one after it begins. */
static struct span line_at(struct span s, size_t at, size_t *next_out)
{
	struct span rest = span_sub(s, at, s.n);
	size_t end = span_find_byte(rest, '\n');
	*next_out = at + end + (end < rest.n);
	while (end > 0 && rest.p[end - 1] == '\r')
		end--;
	return (struct span){rest.p, end};
}

/* "begin MODE NAME", the mode three or four octal digits. */
static bool is_begin(struct span line, struct span *name_out)
{
	if (line.n < BEGIN.n + 5 || memcmp(line.p, BEGIN.p, BEGIN.n) != 0)
		return false;
	size_t i = BEGIN.n;
	while (i < line.n && line.p[i] >= '0' && line.p[i] <= '7')
		i++;
	size_t digits = i - BEGIN.n;
	if (digits < 3 || digits > 4 || i >= line.n || line.p[i] != ' ')
		return false;
	*name_out = span_trim(span_sub(line, i + 1, line.n));
	return name_out->n > 0 && name_out->n <= UUENCODE_NAME_MAX;
}

/* first: of a block, where nothing may be missing. Later lines may have lost blanks at their ends. */
static bool is_data(struct span line, bool first)
{
	if (line.n == 0)
		return false;
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] < ' ' || line.p[i] > '`')
			return false;
	}
	size_t octets = (size_t)(line.p[0] - ' ') & 0x3f;
	size_t whole = 1 + (octets + 2) / 3 * 4;
	if (line.n > whole + 2)
		return false;
	return first ? octets > 0 && line.n >= whole : line.n > 1 || octets == 0;
}

/* Where the block ends whose data begin at `at`; 0 if there are none. */
static size_t block_end(struct span text, size_t at)
{
	size_t next;
	bool first = true;
	while (at < text.n) {
		struct span line = line_at(text, at, &next);
		if (!first && span_eq(line, SPAN_LIT("end")))
			return next;
		if (!is_data(line, first))
			break;
		first = false;
		at = next;
	}
	return first ? 0 : at;
}

bool uuencode_next(struct span text, size_t from, struct uuencode_block *block_out)
{
	while (from < text.n) {
		const uint8_t *hit = memmem(text.p + from, text.n - from, BEGIN.p, BEGIN.n);
		if (!hit)
			return false;
		size_t at = (size_t)(hit - text.p), data, end;
		struct span name;
		from = at + BEGIN.n;
		if (at > 0 && text.p[at - 1] != '\n')
			continue;
		struct span line = line_at(text, at, &data);
		if (!is_begin(line, &name) || (end = block_end(text, data)) == 0) {
			from = data;
			continue;
		}
		*block_out = (struct uuencode_block){at, span_sub(text, at, end - at), name};
		return true;
	}
	return false;
}
