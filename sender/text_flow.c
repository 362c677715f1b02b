#include "sender/text_flow.h"

/* The next line off the front of text, without its end: CRLF, LF or CR. */
static struct span next_line(struct span *text)
{
	struct span line;
	size_t n = 0;

	while (n < text->n && text->p[n] != '\n' && text->p[n] != '\r')
		n++;
	line = span_sub(*text, 0, n);
	if (n + 1 < text->n && text->p[n] == '\r' && text->p[n + 1] == '\n')
		n++;
	*text = span_sub(*text, n + 1, text->n);
	return line;
}

static bool quoted(struct span line)
{
	return line.n && line.p[0] == '>';
}

bool text_flow_wanted(struct span text)
{
	while (text.n) {
		struct span line = next_line(&text);

		if (line.n > TEXT_FLOW_WIDTH && !quoted(line))
			return true;
	}
	return false;
}

static struct span without_end_blanks(struct span line)
{
	if (span_eq(line, SPAN_LIT("-- ")))
		return line;
	while (line.n && line.p[line.n - 1] == ' ')
		line.n--;
	return line;
}

static void put_stuffed(struct buf *out, struct span line)
{
	if (line.n && (line.p[0] == ' ' || span_istarts(line, SPAN_LIT("From "))))
		buf_put_byte(out, ' ');
	buf_put_span(out, line);
	buf_put_byte(out, '\n');
}

/* Where to break a long line: behind the last blank that fits, else behind the first; its length if there is none. */
static size_t break_at(struct span line)
{
	size_t at = 0;

	for (size_t i = 0; i + 1 < line.n; i++) {
		if (line.p[i] != ' ' || line.p[i + 1] == ' ')
			continue;
		if (at && i >= TEXT_FLOW_WIDTH)
			break;
		at = i + 1;
		if (i >= TEXT_FLOW_WIDTH)
			break;
	}
	return at ? at : line.n;
}

void text_flow(struct span text, struct buf *out)
{
	while (text.n) {
		struct span line = without_end_blanks(next_line(&text));

		while (line.n > TEXT_FLOW_WIDTH && !quoted(line)) {
			size_t n = break_at(line);

			if (n == line.n || line.p[n] == '>')
				break;
			put_stuffed(out, span_sub(line, 0, n));
			line = span_sub(line, n, line.n);
		}
		put_stuffed(out, line);
	}
}
