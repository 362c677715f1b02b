#include "parser/flowed.h"

struct flowed_line {
	struct span words; /* without quote marks, stuffing and line end */
	struct span eol;
	size_t depth;
};

static struct flowed_line read_line(struct span text, size_t *at)
{
	struct flowed_line line = {0};
	struct span rest = span_sub(text, *at, text.n);
	size_t end = span_find_byte(rest, '\n'), next = end + (end < rest.n);
	*at += next;
	while (end > 0 && rest.p[end - 1] == '\r')
		end--;
	line.eol = (struct span){rest.p + end, next - end};
	while (line.depth < end && rest.p[line.depth] == '>')
		line.depth++;
	size_t start = line.depth;
	if (start < end && rest.p[start] == ' ')
		start++;
	line.words = (struct span){rest.p + start, end - start};
	return line;
}

static void put_marks(size_t depth, struct buf *out)
{
	for (size_t i = 0; i < depth; i++)
		buf_put_byte(out, '>');
	if (depth > 0)
		buf_put_byte(out, ' ');
}

void flowed_unwrap(struct span text, bool delsp, struct buf *out)
{
	struct span eol = {0}; /* owed by the line before, which flows if `open` */
	size_t depth = 0;
	bool open = false;
	for (size_t at = 0; at < text.n;) {
		struct flowed_line line = read_line(text, &at);
		bool signature = span_eq(line.words, SPAN_LIT("-- "));
		if (!open || signature || line.depth != depth) {
			buf_put_span(out, eol);
			put_marks(line.depth, out);
		}
		open = !signature && line.words.n > 0 && line.words.p[line.words.n - 1] == ' ';
		if (open && delsp)
			line.words.n--;
		buf_put_span(out, line.words);
		depth = line.depth;
		eol = line.eol;
	}
	buf_put_span(out, eol);
}
